/* spec.c - reading column specs; see spec.h. */
#include "data/spec.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct price_name {
  const char *name;
  bv_price price;
} price_name;

static const price_name prices[] = {{"hl2", BV_PRICE_HL2},
                                    {"hlc3", BV_PRICE_HLC3},
                                    {"typical", BV_PRICE_HLC3},
                                    {"ohlc4", BV_PRICE_OHLC4}};

bv_column bv_input_column(bv_input in) {
  switch (in) {
  case BV_IN_OPEN: return BV_COL_OPEN;
  case BV_IN_HIGH: return BV_COL_HIGH;
  case BV_IN_LOW: return BV_COL_LOW;
  case BV_IN_CLOSE: return BV_COL_CLOSE;
  case BV_IN_VOLUME: return BV_COL_VOLUME;
  default: return BV_COL_NONE;
  }
}

bv_spec bv_spec_close(void) {
  return (bv_spec){.op = {.price = BV_PRICE_COLUMN, .column = BV_COL_CLOSE}};
}

static bv_rc parse_price(const char *text, bv_operand *out, bv_err *err) {
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
    if (!bv_text_ieq(text, prices[i].name)) continue;
    out->price = prices[i].price;
    return BV_OK;
  }
  out->price = BV_PRICE_COLUMN;
  out->column = bv_column_find(text);
  if (out->column >= 0 && out->column < BV_NCOL) return BV_OK;
  static const char *const known[] = {"open",   "high", "low",  "close",   "volume", "vwap",
                                      "trades", "hl2",  "hlc3", "typical", "ohlc4",  NULL};
  const char *near = bv_nearest(text, known);
  if (!near) near = bv_indicator_nearest(text);
  return bv_fail(err, BV_ARG,
                 "unknown column '%.40s'%s%s%s; columns are open, high, low, close, "
                 "volume, vwap, trades, hl2, hlc3, ohlc4, or an indicator such as 'sma:10'",
                 text, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static bool reads(const bv_indicator *ind, bv_input slot) {
  for (int i = 0; i < ind->ninput; i++) {
    if (ind->input[i] == slot) return true;
  }
  return false;
}

bool bv_spec_needs_other(const bv_indicator *ind) {
  return reads(ind, BV_IN_OTHER);
}

static bv_rc push_stage(bv_operand *op, const bv_indicator *ind, int output, const double *param,
                        bool chosen, bv_err *err) {
  if (op->nstage == BV_MAX_STAGE) {
    return bv_fail(err, BV_LIMIT, "indicators can be nested %d deep", BV_MAX_STAGE);
  }
  const bool takes_input = reads(ind, BV_IN_REAL);
  if (chosen && !takes_input) {
    return bv_fail(err, BV_ARG, "%s() reads fixed columns of the bars, so it takes no input column",
                   ind->output[output].name);
  }
  if (!chosen && takes_input) {
    op->price = ind->real_default == BV_IN_TYPICAL ? BV_PRICE_HLC3 : BV_PRICE_COLUMN;
    if (op->price == BV_PRICE_COLUMN) op->column = bv_input_column(ind->real_default);
  }
  bv_stage *st = &op->stage[op->nstage++];
  *st = (bv_stage){.ind = ind, .output = output};
  memcpy(st->param, param, (size_t)ind->nparam * sizeof *param);
  return BV_OK;
}

bv_rc bv_spec_push(bv_spec *spec, const bv_indicator *ind, int output, const double *param,
                   bool chosen, const bv_spec *other, bv_err *err) {
  const char *name = ind->output[output].name;
  if (bv_spec_needs_other(ind) && !other) {
    return bv_fail(err, BV_ARG,
                   "%s needs a second series: write %s(bars, %g, 'close of SPY') with the asset or "
                   "column to measure against",
                   name, name, param[0]);
  }
  if (other) {
    if (spec->feeds & 2 || other->feeds & 2) {
      return bv_fail(err, BV_LIMIT, "%s of another indicator of two series cannot be read", name);
    }
    /* What was chosen of another asset is read there as a whole. */
    spec->feed[1] = (bv_aside_spec){.op = other->op};
    if (other->feeds & 1) spec->feed[1] = other->feed[0];
    if (other->feeds & 1 && other->op.nstage > 0) {
      return bv_fail(err, BV_LIMIT, "%s: '... of ASSET' must be the whole of its argument", name);
    }
    spec->feeds |= 2;
  }
  return push_stage(&spec->op, ind, output, param, chosen, err);
}

/* A parameter of a stage: a number, or the name of a choice. */
static bv_rc parse_param(const bv_indicator *ind, int n, const char *name, const char *text,
                         double *out, bv_err *err) {
  *out = n < ind->nparam ? bv_indicator_choice(&ind->param[n], text) : NAN;
  if (!isnan(*out) || bv_parse_f64(text, strlen(text), out) == BV_OK) return BV_OK;
  if (n < ind->nparam && ind->param[n].choice) {
    char list[80];
    bv_indicator_choices(&ind->param[n], list, sizeof list);
    return bv_fail(err, BV_ARG, "parameter '%.40s' of %s is none of %s", text, name, list);
  }
  return bv_fail(err, BV_ARG, "parameter '%.40s' of %s is not a number", text, name);
}

/* NAME:P1:P2 of one stage. */
static bv_rc parse_stage(char *text, bv_operand *op, bool chosen, bv_err *err) {
  double given[BV_IND_MAX_PARAM], param[BV_IND_MAX_PARAM];
  int n = 0, output;
  char *at = strchr(text, ':');
  if (at) *at++ = 0;
  const bv_indicator *ind = bv_indicator_find(text, &output);
  if (!ind) {
    const char *near = bv_indicator_nearest(text);
    return bv_fail(err, BV_ARG, "unknown indicator '%.40s'%s%s%s", text,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  if (bv_spec_needs_other(ind)) {
    return bv_fail(err, BV_ARG, "%s reads two series, so it cannot stand in a column's name", text);
  }
  while (at) {
    char *end = strchr(at, ':');
    if (end) *end++ = 0;
    if (n == BV_IND_MAX_PARAM) return bv_fail(err, BV_ARG, "too many parameters for %s", text);
    BV_TRY(parse_param(ind, n, text, at, &given[n], err));
    n++;
    at = end;
  }
  BV_TRY(bv_indicator_params(ind, given, n, param, err));
  return push_stage(op, ind, output, param, chosen, err);
}

/* The innermost part is the last one: "sma:9@rsi:14@high" is sma of rsi of the highs. */
static bv_rc parse_operand(char *buf, const char *text, bv_operand *out, bv_err *err) {
  bool innermost = true;
  for (;;) {
    char *at = strrchr(buf, '@');
    char *part = at ? at + 1 : buf;
    int output;
    bool is_stage = strchr(part, ':') ||
                    (bv_indicator_find(part, &output) && bv_column_find(part) == BV_COL_NONE);
    if (is_stage) {
      BV_TRY(parse_stage(part, out, !innermost, err));
    } else if (innermost) {
      BV_TRY(parse_price(part, out, err));
    } else {
      return bv_fail(err, BV_ARG, "'%.40s' stands outside an indicator in '%.80s'", part, text);
    }
    if (!at) return BV_OK;
    *at = 0;
    innermost = false;
  }
}

/* " of ASSET" behind a spec: cut off, into out. */
static bv_rc cut_asset(char *buf, char out[BV_ASSET_MAX + 1], bv_err *err) {
  char *of = strstr(buf, " of ");
  out[0] = 0;
  if (!of) return BV_OK;
  const char *asset = of + 4;
  const size_t n = strlen(asset);
  if (n == 0 || n > BV_ASSET_MAX) {
    return bv_fail(err, BV_ARG, "'%.80s': an asset's name has 1 to %d bytes", buf, BV_ASSET_MAX);
  }
  memcpy(out, asset, n + 1);
  *of = 0;
  return BV_OK;
}

bv_rc bv_spec_parse(const char *text, bv_spec *out, bv_err *err) {
  char buf[200], of[BV_ASSET_MAX + 1];
  *out = bv_spec_close();
  size_t n = strlen(text);
  if (n >= sizeof buf) return bv_fail(err, BV_ARG, "column '%.40s...' is too long", text);
  memcpy(buf, text, n + 1);
  BV_TRY(cut_asset(buf, of, err));
  if (!of[0]) return parse_operand(buf, text, &out->op, err);
  out->feeds = 1;
  out->feed[0].op = out->op;
  memcpy(out->feed[0].of, of, sizeof of);
  return parse_operand(buf, text, &out->feed[0].op, err);
}

/* Append to a text of room cap. */
__attribute__((format(printf, 3, 4))) static void add(char *out, size_t cap, const char *format,
                                                      ...) {
  size_t n = strlen(out);
  va_list ap;
  va_start(ap, format);
  vsnprintf(out + n, cap - n, format, ap);
  va_end(ap);
}

static const char *price_text(const bv_operand *op) {
  static const char *const name[] = {
      [BV_PRICE_HL2] = "hl2", [BV_PRICE_HLC3] = "hlc3", [BV_PRICE_OHLC4] = "ohlc4"};
  return op->price == BV_PRICE_COLUMN ? bv_column_name((int)op->column) : name[op->price];
}

static void format_stage(const bv_stage *st, char *out, size_t cap) {
  add(out, cap, "%s", st->ind->output[st->output].name);
  for (int p = 0; p < st->ind->nparam; p++) add(out, cap, ":%g", st->param[p]);
}

/* Whether the price is the one that the innermost indicator reads anyway. */
static bool plain_price(const bv_operand *op) {
  if (op->nstage == 0) return false;
  const bv_indicator *ind = op->stage[0].ind;
  if (!reads(ind, BV_IN_REAL)) return true;
  if (ind->real_default == BV_IN_TYPICAL) return op->price == BV_PRICE_HLC3;
  return op->price == BV_PRICE_COLUMN && op->column == bv_input_column(ind->real_default);
}

static void format_operand(const bv_operand *op, char *out, size_t cap, bool price) {
  for (int k = op->nstage; k-- > 0;) {
    format_stage(&op->stage[k], out, cap);
    if (k > 0) add(out, cap, "@");
  }
  if (price && !plain_price(op)) add(out, cap, "%s%s", op->nstage ? "@" : "", price_text(op));
}

static void format_aside(const bv_aside_spec *f, char *out, size_t cap) {
  format_operand(&f->op, out, cap, true);
  if (f->of[0]) add(out, cap, " of %s", f->of);
}

/* What is read besides the bars has no place in a text that bv_spec_parse reads, unless it is all there
** is: then it stands in brackets. */
void bv_spec_format(const bv_spec *spec, char *out, size_t cap) {
  out[0] = 0;
  if (spec->feeds == 1 && spec->op.nstage == 0) {
    format_aside(&spec->feed[0], out, cap);
    return;
  }
  format_operand(&spec->op, out, cap, !(spec->feeds & 1));
  for (int k = 0; k < 2; k++) {
    if (!(spec->feeds >> k & 1)) continue;
    add(out, cap, " [");
    format_aside(&spec->feed[k], out, cap);
    add(out, cap, "]");
  }
}

static bool operand_eq(const bv_operand *a, const bv_operand *b) {
  if (a->nstage != b->nstage || a->price != b->price || a->column != b->column) return false;
  for (int i = 0; i < a->nstage; i++) {
    const bv_stage *x = &a->stage[i], *y = &b->stage[i];
    if (x->ind != y->ind || x->output != y->output) return false;
    for (int p = 0; p < x->ind->nparam; p++) {
      if (x->param[p] != y->param[p]) return false;
    }
  }
  return true;
}

bool bv_spec_eq(const bv_spec *a, const bv_spec *b) {
  if (a->feeds != b->feeds || !operand_eq(&a->op, &b->op)) return false;
  for (int k = 0; k < 2; k++) {
    if (!(a->feeds >> k & 1)) continue;
    if (strcmp(a->feed[k].of, b->feed[k].of) != 0) return false;
    if (!operand_eq(&a->feed[k].op, &b->feed[k].op)) return false;
  }
  return true;
}
