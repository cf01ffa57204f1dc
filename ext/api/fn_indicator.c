/*
** fn_indicator.c - indicators, prev() and cross_above(), cross_below() as SQL functions.
**
** Every output of calc's table is a function in two forms:
**   name(bars, params... [, column])                       at the row of a scan
**   name('SPY', 'minute', params... [, column] [, at])     at the clock, or at an instant
** `column` is a column or spec ('high', 'hl2', 'rsi:14', 'close of QQQ').  Indicators of two series
** take the one that is measured against first: beta(bars, 60, 'close of SPY' [, column]).
** prev(bars, n [, column]) is the value n bars back; cross_above(bars, a, b) is 1 where a has come to
** stand above b.  A value that does not exist yet is NULL.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/handle.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum fn_kind { FN_INDICATOR, FN_PREV, FN_CROSS_ABOVE, FN_CROSS_BELOW } fn_kind;

/* A call's parameters, kept between rows as auxiliary data of its constant arguments. */
typedef struct call {
  bv_spec spec;
  int64_t back;   /* prev(): bars back */
  bv_spec second; /* cross_*(): the other line, or */
  double level;   /* NaN, or the level that stands for it */
} call;

/* Calls with numbers alone, kept between statements: a strategy is executed anew at every step, which
** drops auxiliary data. */
#define MEMOS 4
typedef struct memo {
  int argc; /* 0: empty */
  double given[BV_IND_MAX_PARAM];
  call call;
} memo;

/* The value given last at a step of a run: WHERE roc(...) IS NOT NULL asks for it, and the row's column again. */
typedef struct last_value {
  const bv_series *series; /* NULL: none */
  const call *call;        /* among the memos as of `oldest` */
  unsigned oldest;
  int64_t clock, generation, catalog, writes;
  double value;
} last_value;

/* What a function carries. */
typedef struct fn {
  bv_store *store;
  const char *name;
  fn_kind kind;
  const bv_indicator *ind; /* FN_INDICATOR */
  int output;
  memo *memo; /* MEMOS of them, or NULL */
  unsigned oldest;
  last_value last;
} fn;

static void fn_free(void *p) {
  fn *f = p;
  bv_store_unref(f->store);
  bv_free(f->memo);
  bv_free(f);
}

/* "name(): text; write name(bars, period)". */
static bv_rc fail_call(const fn *f, bv_rc rc, const char *text, bv_err *err) {
  static const char *const usage[] = {[FN_PREV] = ", n [, column]",
                                      [FN_CROSS_ABOVE] = ", 'sma:10', 'sma:20'",
                                      [FN_CROSS_BELOW] = ", 'sma:10', 'sma:20'"};
  char args[160] = "";
  for (int p = 0; f->ind && p < f->ind->nparam; p++) {
    size_t n = strlen(args);
    bool optional = f->ind->param[p].optional;
    snprintf(args + n, sizeof args - n, optional ? " [, %s]" : ", %s", f->ind->param[p].name);
  }
  const bool two = f->ind && bv_spec_needs_other(f->ind);
  return bv_fail(err, rc, "%s(): %s; write %s(bars%s%s)", f->name, text, f->name,
                 f->ind ? args : usage[f->kind], two ? ", 'close of SPY' [, column]" : "");
}

static bv_rc too_many(const fn *f, bv_err *err) {
  return fail_call(f, BV_ARG, "too many arguments", err);
}

/* The same for an error that names the indicator, which may not be the function's name. */
static bv_rc fail_param(const fn *f, bv_rc rc, const bv_err *why, bv_err *err) {
  const char *text = bv_err_text(why, rc), *colon = strstr(text, ": ");
  return fail_call(f, rc, colon ? colon + 2 : text, err);
}

/* The column or spec in a text argument. */
static bv_rc column_argument(const fn *f, sqlite3_value *v, bv_spec *spec, bv_err *err) {
  const char *text = bv_arg_text(v);
  if (!text) return BV_NOMEM;
  bv_err why;
  bv_err_clear(&why);
  bv_rc rc = bv_spec_parse(text, spec, &why);
  if (rc != BV_OK) return bv_fail(err, rc, "%s(): %s", f->name, bv_err_text(&why, rc));
  return BV_OK;
}

static bv_rc prev_call(const fn *f, int argc, sqlite3_value **argv, call *c, bv_err *err) {
  double n;
  bv_err why = {0};
  if (argc < 1) return fail_call(f, BV_ARG, "the number of bars back is missing", err);
  if (argc > 2) return too_many(f, err);
  bv_rc rc = bv_arg_number(argv[0], "prev", "n", &n, &why);
  if (rc != BV_OK) return fail_param(f, rc, &why, err);
  if (n != floor(n) || n < 0 || n > 1e8) {
    return bv_fail(err, BV_ARG, "prev(): n %g is not a whole number of bars from 0 to 100000000",
                   n);
  }
  c->back = (int64_t)n;
  c->spec = bv_spec_close();
  return argc == 2 ? column_argument(f, argv[1], &c->spec, err) : BV_OK;
}

/* Two lines, each a column or spec; the second may be a level. */
static bv_rc cross_call(const fn *f, int argc, sqlite3_value **argv, call *c, bv_err *err) {
  if (argc > 2) return too_many(f, err);
  if (argc < 2) return fail_call(f, BV_ARG, "two columns are needed", err);
  for (int i = 0; i < 2; i++) {
    const int type = sqlite3_value_type(argv[i]);
    if (i == 1 && (type == SQLITE_INTEGER || type == SQLITE_FLOAT)) {
      c->level = sqlite3_value_double(argv[i]);
      return BV_OK;
    }
    if (type != SQLITE_TEXT) {
      return fail_call(f, BV_ARG,
                       i ? "the second is neither a column nor a number"
                         : "the first is not the name of a column or an indicator",
                       err);
    }
    BV_TRY(column_argument(f, argv[i], i ? &c->second : &c->spec, err));
  }
  return BV_OK;
}

/* A parameter given as text: the name of one of its choices. */
static bool choice(const fn *f, int n, sqlite3_value *v, double *out) {
  if (n >= f->ind->nparam || sqlite3_value_type(v) != SQLITE_TEXT) return false;
  const char *text = bv_arg_text(v);
  *out = text ? bv_indicator_choice(&f->ind->param[n], text) : NAN;
  return !isnan(*out);
}

/* Text that is neither a choice of parameter n nor a column. */
static bv_rc check_choice(const fn *f, int n, sqlite3_value *v, bv_err *err) {
  char list[80], text[160];
  bv_spec spec;
  const char *given = bv_arg_text(v);
  if (n >= f->ind->nparam || !f->ind->param[n].choice || !given) return BV_OK;
  if (bv_spec_parse(given, &spec, NULL) == BV_OK) return BV_OK;
  bv_indicator_choices(&f->ind->param[n], list, sizeof list);
  snprintf(text, sizeof text, "%s '%.40s' is none of %s", f->ind->param[n].name, given, list);
  return fail_call(f, BV_ARG, text, err);
}

/* The columns behind the parameters. */
static bv_rc columns(const fn *f, int argc, sqlite3_value **argv, call *c, const double *param,
                     bv_err *err) {
  bv_spec other;
  const bool two = bv_spec_needs_other(f->ind);
  if (argc > 1 + two) return too_many(f, err);
  if (two && argc > 0) BV_TRY(column_argument(f, argv[0], &other, err));
  const bool chosen = argc > two;
  if (chosen) BV_TRY(column_argument(f, argv[two], &c->spec, err));
  return bv_spec_push(&c->spec, f->ind, f->output, param, chosen, two && argc > 0 ? &other : NULL,
                      err);
}

/* Arguments after the series or handle: numbers first, then perhaps a column. */
static bv_rc parse_call(const fn *f, int argc, sqlite3_value **argv, call *c, bv_err *err) {
  *c = (call){.spec = bv_spec_close(), .level = NAN};
  if (f->kind == FN_PREV) return prev_call(f, argc, argv, c, err);
  if (f->kind != FN_INDICATOR) return cross_call(f, argc, argv, c, err);
  double given[BV_IND_MAX_PARAM] = {0}, param[BV_IND_MAX_PARAM];
  bv_err why = {0};
  bv_rc rc = BV_OK;
  int n = 0;
  for (; n < argc; n++) {
    if (choice(f, n, argv[n], &given[n < BV_IND_MAX_PARAM ? n : 0])) continue;
    if (sqlite3_value_numeric_type(argv[n]) == SQLITE_TEXT) break;
    if (n == f->ind->nparam) return too_many(f, err);
    rc = bv_arg_number(argv[n], f->name, f->ind->param[n].name, &given[n], &why);
    if (rc != BV_OK) return fail_param(f, rc, &why, err);
  }
  if (n < argc) BV_TRY(check_choice(f, n, argv[n], err));
  rc = bv_indicator_params(f->ind, given, n, param, &why);
  if (rc != BV_OK) return fail_param(f, rc, &why, err);
  return columns(f, argc - n, argv + n, c, param, err);
}

/* The numbers of a call that has nothing else; false where it has. */
static bool only_numbers(int argc, sqlite3_value **argv, double given[BV_IND_MAX_PARAM]) {
  if (argc < 1 || argc > BV_IND_MAX_PARAM) return false;
  for (int i = 0; i < argc; i++) {
    const int type = sqlite3_value_type(argv[i]);
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return false;
    given[i] = sqlite3_value_double(argv[i]);
  }
  return true;
}

/* As parse_call(), from memory where the same numbers came lately. */
static bv_rc remembered_call(fn *f, int argc, sqlite3_value **argv, call *local, const call **out,
                             bv_err *err) {
  double given[BV_IND_MAX_PARAM];
  const bool plain = f->kind == FN_INDICATOR && only_numbers(argc, argv, given);
  *out = local;
  for (unsigned i = 0; plain && f->memo && i < MEMOS; i++) {
    const memo *m = &f->memo[i];
    if (m->argc != argc || memcmp(m->given, given, (size_t)argc * sizeof *given) != 0) continue;
    *out = &m->call;
    return BV_OK;
  }
  BV_TRY(parse_call(f, argc, argv, local, err));
  if (!plain) return BV_OK;
  if (!f->memo) f->memo = bv_alloc0(BV_MEM_BASE, MEMOS * sizeof *f->memo);
  if (!f->memo) return BV_OK; /* only slower next time */
  memo *m = &f->memo[f->oldest++ % MEMOS];
  m->argc = argc;
  memcpy(m->given, given, (size_t)argc * sizeof *given);
  m->call = *local;
  return BV_OK;
}

static void result_real(sqlite3_context *ctx, double v) {
  if (isnan(v)) {
    sqlite3_result_null(ctx);
  } else {
    sqlite3_result_double(ctx, v);
  }
}

/* Parse once per statement where the parameters are constants.  `store_it` is false where they may
** change from row to row: the core then drops auxiliary data, and so would we. */
static const call *cached_call(sqlite3_context *ctx, const fn *f, int at, int argc,
                               sqlite3_value **argv, call *local, bv_rc *rc, bv_err *err) {
  const call *c = argc > at ? sqlite3_get_auxdata(ctx, at) : NULL;
  bool all_kept = c != NULL;
  for (int i = at + 1; all_kept && i < argc; i++) all_kept = sqlite3_get_auxdata(ctx, i) != NULL;
  if (all_kept) return c;
  *rc = parse_call(f, argc - at, argv + at, local, err);
  if (*rc != BV_OK || argc <= at) return local;
  for (int i = at; i < argc; i++) {
    call *keep = bv_alloc(BV_MEM_CURSOR, sizeof *keep);
    if (!keep) break; /* only slower next time */
    *keep = *local;
    sqlite3_set_auxdata(ctx, i, keep, bv_free);
  }
  return local;
}

/* The second line `back` bars before bar i. */
static bv_rc second_value(bv_window *w, int64_t i, int64_t ts, const call *c, int64_t back,
                          double *out, bv_err *err) {
  *out = c->level;
  return isnan(c->level) ? bv_view_value(w, i, ts, &c->second, back, out, err) : BV_OK;
}

static bv_rc crossed(const fn *f, bv_window *w, int64_t i, int64_t ts, const call *c, double *out,
                     bv_err *err) {
  double a, b, a1, b1;
  BV_TRY(bv_view_value(w, i, ts, &c->spec, 0, &a, err));
  BV_TRY(second_value(w, i, ts, c, 0, &b, err));
  BV_TRY(bv_view_value(w, i, ts, &c->spec, 1, &a1, err));
  BV_TRY(second_value(w, i, ts, c, 1, &b1, err));
  if (isnan(a) || isnan(b) || isnan(a1) || isnan(b1)) return BV_OK;
  *out = f->kind == FN_CROSS_ABOVE ? a1 <= b1 && a > b : a1 >= b1 && a < b;
  return BV_OK;
}

static bv_rc value_at(const fn *f, bv_window *w, int64_t i, int64_t ts, const call *c, double *out,
                      bv_err *err) {
  if (f->kind == FN_CROSS_ABOVE || f->kind == FN_CROSS_BELOW) {
    return crossed(f, w, i, ts, c, out, err);
  }
  return bv_view_value(w, i, ts, &c->spec, c->back, out, err);
}

/* cross_*() are true or false. */
static void result_value(sqlite3_context *ctx, const fn *f, double v) {
  if (f->kind >= FN_CROSS_ABOVE && !isnan(v)) {
    sqlite3_result_int(ctx, v != 0);
  } else {
    result_real(ctx, v);
  }
}

static void at_row(sqlite3_context *ctx, const fn *f, const bv_handle *h, int argc,
                   sqlite3_value **argv) {
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = BV_OK;
  call local;
  double v = NAN;
  const call *c = cached_call(ctx, f, 1, argc, argv, &local, &rc, &err);
  if (rc == BV_OK) rc = value_at(f, h->w, h->i, h->ts, c, &v, &err);
  if (rc != BV_OK) {
    bv_result_error(ctx, f->name, rc, &err);
  } else {
    result_value(ctx, f, v);
  }
}

/* Whether the last argument is an instant: one more than the parameters and a column could be, or text
** that is not a column. */
static bool ends_with_instant(const fn *f, int argc, sqlite3_value **argv) {
  if (argc == 0) return false;
  sqlite3_value *last = argv[argc - 1];
  int params = f->ind ? f->ind->nparam : f->kind == FN_PREV ? 1 : 2;
  if (sqlite3_value_numeric_type(last) == SQLITE_INTEGER) return argc > params;
  bv_spec spec;
  const char *text = sqlite3_value_type(last) == SQLITE_TEXT ? bv_arg_text(last) : NULL;
  return text && text[0] >= '0' && text[0] <= '9' && bv_spec_parse(text, &spec, NULL) != BV_OK;
}

/* Whether nothing has changed since the same was asked. */
static bool asked_again(const fn *f, const bv_series *series, const call *c) {
  const bv_store *s = f->store;
  const last_value *l = &f->last;
  return l->series == series && l->call == c && l->oldest == f->oldest && l->clock == s->clock &&
         l->generation == s->generation && l->catalog == s->catalog && l->writes == s->writes &&
         s->frozen > 0 && !s->touched;
}

static void remember_value(fn *f, const bv_series *series, const call *c, double value) {
  const bv_store *s = f->store;
  if (s->frozen == 0) return;
  f->last =
      (last_value){series, c, f->oldest, s->clock, s->generation, s->catalog, s->writes, value};
}

static bv_rc series_value(fn *f, int argc, sqlite3_value **argv, double *out, bv_err *err) {
  bv_store *s = f->store;
  call local;
  int64_t at = BV_NO_CLOCK;
  if (argc < 2) {
    return bv_fail(err, BV_ARG, "%s(): missing argument timestep; write %s('%.80s', 'minute', ...)",
                   f->name, f->name, bv_arg_text(argv[0]) ? bv_arg_text(argv[0]) : "");
  }
  const char *asset = bv_arg_text(argv[0]), *step = bv_arg_text(argv[1]);
  if (sqlite3_value_type(argv[1]) == SQLITE_NULL) {
    return bv_fail(err, BV_ARG, "%s(): timestep is NULL", f->name);
  }
  if (!asset || !step) return BV_NOMEM;
  if (ends_with_instant(f, argc - 2, argv + 2)) {
    BV_TRY(bv_arg_instant(argv[argc - 1], s->zone, f->name, "at", &at, err));
    argc--;
  }
  const call *c;
  BV_TRY(remembered_call(f, argc - 2, argv + 2, &local, &c, err));
  const bv_series *series;
  BV_TRY(bv_series_find(s, asset, step, &series, err));
  if (!series) return bv_series_missing(s, f->name, asset, step, err);
  const bool now = c != &local && at == BV_NO_CLOCK;
  if (now && asked_again(f, series, c)) {
    *out = f->last.value;
    return BV_OK;
  }
  bv_source src = bv_source_stored(series);
  bv_window *w;
  int64_t i;
  BV_TRY(bv_view_asof(s, &src, bv_source_limit(&src, at), 0, &w, &i, err));
  if (!w) return BV_OK;
  bv_rc rc = value_at(f, w, i, bv_ring_ts(&w->ring, i), c, out, err);
  bv_window_unref(w);
  if (rc == BV_OK && now) remember_value(f, series, c, *out);
  return rc;
}

static void run(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  fn *f = sqlite3_user_data(ctx);
  if (argc == 0) {
    bv_err err;
    bv_err_clear(&err);
    bv_fail(&err, BV_ARG,
            "%s(): write %s(bars, ...) in a scan of bars, or %s('SPY', 'minute', ...)", f->name,
            f->name, f->name);
    bv_result_error(ctx, f->name, BV_ARG, &err);
    return;
  }
  const bv_handle *h = bv_handle_of(argv[0]);
  if (h) {
    at_row(ctx, f, h, argc, argv);
    return;
  }
  bv_err err;
  bv_err_clear(&err);
  double v = NAN;
  bv_rc rc;
  if (sqlite3_value_type(argv[0]) == SQLITE_TEXT) {
    rc = bv_store_hold(f->store, &err);
    if (rc == BV_OK) {
      rc = series_value(f, argc, argv, &v, &err);
      bv_store_let_go(f->store);
    }
  } else {
    rc = bv_fail(
        &err, BV_ARG,
        "%s(): the first argument is not a row of bars. A row handle is lost when "
        "rows are sorted, grouped or stored: call %s() inside the query that reads bars, or "
        "use %s('SPY', 'minute', ...)",
        f->name, f->name, f->name);
  }
  if (rc != BV_OK) {
    bv_result_error(ctx, f->name, rc, &err);
  } else {
    result_value(ctx, f, v);
  }
}

static int register_one(sqlite3 *db, bv_store *s, const char *name, fn_kind kind,
                        const bv_indicator *ind, int output) {
  fn *f = bv_alloc(BV_MEM_BASE, sizeof *f);
  if (!f) return SQLITE_NOMEM;
  *f = (fn){.store = bv_store_ref(s), .name = name, .kind = kind, .ind = ind, .output = output};
  return sqlite3_create_function_v2(db, name, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, f, run, NULL,
                                    NULL, fn_free);
}

int bv_fn_indicator_register(sqlite3 *db, bv_store *s) {
  int n, code = register_one(db, s, "prev", FN_PREV, NULL, 0);
  if (code == SQLITE_OK) code = register_one(db, s, "cross_above", FN_CROSS_ABOVE, NULL, 0);
  if (code == SQLITE_OK) code = register_one(db, s, "cross_below", FN_CROSS_BELOW, NULL, 0);
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n && code == SQLITE_OK; i++) {
    for (int o = 0; o < table[i]->noutput && code == SQLITE_OK; o++) {
      code = register_one(db, s, table[i]->output[o].name, FN_INDICATOR, table[i], o);
    }
  }
  return code;
}
