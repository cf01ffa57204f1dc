/* spec.c - reading column specs; see derived.h. */
#include "base/text.h"
#include "data/derived.h"

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
  static const signed char col[] = {
      [BV_IN_REAL] = BV_COL_NONE, [BV_IN_OPEN] = BV_COL_OPEN,   [BV_IN_HIGH] = BV_COL_HIGH,
      [BV_IN_LOW] = BV_COL_LOW,   [BV_IN_CLOSE] = BV_COL_CLOSE, [BV_IN_VOLUME] = BV_COL_VOLUME};
  return (bv_column)col[in];
}

static bv_rc parse_price(const char *text, bv_spec *out, bv_err *err) {
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

bv_rc bv_spec_push(bv_spec *spec, const bv_indicator *ind, int output, const double *param,
                   bool chosen, bv_err *err) {
  if (spec->nstage == BV_MAX_STAGE) {
    return bv_fail(err, BV_LIMIT, "indicators can be nested %d deep", BV_MAX_STAGE);
  }
  bool takes_input = false;
  for (int i = 0; i < ind->ninput; i++) takes_input |= ind->input[i] == BV_IN_REAL;
  if (chosen && !takes_input) {
    return bv_fail(err, BV_ARG, "%s() reads fixed columns of the bars, so it takes no input column",
                   ind->output[output].name);
  }
  if (!chosen && takes_input) spec->column = bv_input_column(ind->real_default);
  bv_stage *st = &spec->stage[spec->nstage++];
  *st = (bv_stage){.ind = ind, .output = output};
  memcpy(st->param, param, (size_t)ind->nparam * sizeof *param);
  return BV_OK;
}

/* NAME:P1:P2 of one stage. */
static bv_rc parse_stage(char *text, bv_spec *spec, bool chosen, bv_err *err) {
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
  while (at) {
    char *end = strchr(at, ':');
    if (end) *end++ = 0;
    if (n == BV_IND_MAX_PARAM) return bv_fail(err, BV_ARG, "too many parameters for %s", text);
    if (bv_parse_f64(at, strlen(at), &given[n]) != BV_OK) {
      return bv_fail(err, BV_ARG, "parameter '%.40s' of %s is not a number", at, text);
    }
    n++;
    at = end;
  }
  BV_TRY(bv_indicator_params(ind, given, n, param, err));
  return bv_spec_push(spec, ind, output, param, chosen, err);
}

/* The innermost part is the last one: "sma:9@rsi:14@high" is sma of rsi of the highs. */
bv_rc bv_spec_parse(const char *text, bv_spec *out, bv_err *err) {
  char buf[200];
  *out = (bv_spec){.price = BV_PRICE_COLUMN, .column = BV_COL_CLOSE};
  size_t n = strlen(text);
  if (n >= sizeof buf) return bv_fail(err, BV_ARG, "column '%.40s...' is too long", text);
  memcpy(buf, text, n + 1);
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

/* Append to a text of room cap. */
__attribute__((format(printf, 3, 4))) static void add(char *out, size_t cap, const char *format,
                                                      ...) {
  size_t n = strlen(out);
  va_list ap;
  va_start(ap, format);
  vsnprintf(out + n, cap - n, format, ap);
  va_end(ap);
}

static const char *price_text(const bv_spec *spec) {
  static const char *const name[] = {
      [BV_PRICE_HL2] = "hl2", [BV_PRICE_HLC3] = "hlc3", [BV_PRICE_OHLC4] = "ohlc4"};
  return spec->price == BV_PRICE_COLUMN ? bv_column_name((int)spec->column) : name[spec->price];
}

void bv_spec_format(const bv_spec *spec, char *out, size_t cap) {
  bool plain = spec->nstage > 0;
  out[0] = 0;
  for (int k = spec->nstage; k-- > 0;) {
    const bv_stage *st = &spec->stage[k];
    add(out, cap, "%s%s", out[0] ? "@" : "", st->ind->output[st->output].name);
    for (int p = 0; p < st->ind->nparam; p++) add(out, cap, ":%g", st->param[p]);
    for (int i = 0; k == 0 && i < st->ind->ninput; i++) {
      if (st->ind->input[i] != BV_IN_REAL) continue;
      plain =
          spec->price == BV_PRICE_COLUMN && spec->column == bv_input_column(st->ind->real_default);
    }
  }
  if (!plain) add(out, cap, "%s%s", out[0] ? "@" : "", price_text(spec));
}

bool bv_spec_eq(const bv_spec *a, const bv_spec *b) {
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
