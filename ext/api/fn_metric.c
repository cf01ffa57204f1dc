/*
** fn_metric.c - performance figures as aggregate and window functions, and the table bars_metric.
**
**      m_sharpe(ret, periods [, risk_free] [, variant])
**
** Every function of calc's table takes its columns, its parameters, and as last argument, a text, the
** variant.  A row with a NULL in a column is left out.  Parameters must be the same in every row.
**
** As a window function it keeps the frame's values in a queue and computes the figure from them at
** each row: exact for any frame, at the price of one pass over the frame per row.
**
** A function of equity has a sister for returns, m_max_drawdown_r(ret): on the equity that they compound
** to from 1.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "base/text.h"
#include "calc/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Names of the columns, by kind of input. */
static const char *const column_name[][2] = {[BV_METRIC_RETURN] = {"ret", NULL},
                                             [BV_METRIC_PAIR] = {"ret", "bench"},
                                             [BV_METRIC_EQUITY] = {"equity", NULL},
                                             [BV_METRIC_PNL] = {"pnl", NULL},
                                             [BV_METRIC_EXCURSION] = {"mfe", "mae"}};

/* One evaluation: parameters, and the rows that are in the frame now, [head, head + n). */
typedef struct agg {
  const bv_metric_def *def; /* NULL: no row seen yet */
  bool void_call;           /* a parameter that is needed is NULL: so is the result */
  bool named;               /* the last argument is a variant */
  int argc, nparam;         /* arguments; parameters among them */
  double slot[BV_METRIC_SLOTS];
  double *x, *y;
  double *room; /* 2 cap + 2 doubles */
  size_t head, n, cap;
} agg;

/* A function: a figure, and whether it compounds returns to equity first. */
typedef struct face {
  const bv_metric_fn *fn;
  bool compound;
} face;

/* "m_sharpe()", for errors. */
typedef struct title {
  char text[48];
} title;

static title name_of(const face *f) {
  title t;
  snprintf(t.text, sizeof t.text, "m_%s%s()", f->fn->name, f->compound ? "_r" : "");
  return t;
}

static face face_of(sqlite3_context *ctx, bool compound) {
  return (face){.fn = sqlite3_user_data(ctx), .compound = compound};
}

static const char *column_of(const face *f, int i) {
  return f->compound ? "ret" : column_name[f->fn->input][i];
}

static int columns_of(const bv_metric_fn *fn) {
  return column_name[fn->input][1] ? 2 : 1;
}

static int params_of(const bv_metric_fn *fn, int *needed) {
  int n = 0;
  *needed = 0;
  for (; fn->param[n].name; n++) *needed += !fn->param[n].optional;
  return n;
}

/* "m_sharpe(ret, periods [, risk_free] [, variant])" */
static void signature(const bv_metric_fn *fn, bool compound, char *out, size_t size) {
  const face f = {.fn = fn, .compound = compound};
  int at = snprintf(out, size, "m_%s%s(%s", fn->name, compound ? "_r" : "", column_of(&f, 0));
  if (columns_of(fn) == 2) at += snprintf(out + at, size - (size_t)at, ", %s", column_of(&f, 1));
  for (const bv_metric_param *p = fn->param; p->name; p++)
    at += snprintf(out + at, size - (size_t)at, p->optional ? " [, %s]" : ", %s", p->name);
  snprintf(out + at, size - (size_t)at, " [, variant])");
}

/* ---- parameters ---- */

static bv_rc wrong_count(const face *f, bv_err *err) {
  char text[160];
  signature(f->fn, f->compound, text, sizeof text);
  return bv_fail(err, BV_ARG, "%s has a wrong number of arguments; write %s", name_of(f).text,
                 text);
}

static bv_rc unknown_variant(const face *f, const char *variant, bv_err *err) {
  char list[200] = "";
  size_t at = 0;
  for (int i = 0; i < bv_metric_count(); i++) {
    const bv_metric_def *d = bv_metric_at(i);
    if (!d->fn || strcmp(d->fn, f->fn->name) != 0) continue;
    if (bv_metric_find(d->fn, d->variant) != d) continue; /* var_95 and var_99 share theirs */
    at += (size_t)snprintf(list + at, at < sizeof list ? sizeof list - at : 0, "%s'%s'",
                           at ? ", " : "", d->variant);
    if (at >= sizeof list) at = sizeof list - 1;
  }
  return bv_fail(err, BV_ARG, "%s: unknown variant '%.30s'; it has %s", name_of(f).text, variant,
                 list);
}

static bv_rc read_variant(const face *f, sqlite3_value *v, const bv_metric_def **out, bv_err *err) {
  const char *text = NULL;
  if (v && sqlite3_value_type(v) != SQLITE_NULL) {
    text = bv_arg_text(v);
    if (!text) return BV_NOMEM;
  }
  *out = bv_metric_find(f->fn->name, text);
  return *out ? BV_OK : unknown_variant(f, text, err);
}

static bv_rc read_param(const face *f, const bv_metric_param *p, sqlite3_value *v, double *out,
                        bv_err *err) {
  BV_TRY(bv_arg_number(v, name_of(f).text, p->name, out, err));
  if (*out <= p->max && (p->above ? *out > p->min : *out >= p->min)) return BV_OK;
  char max[32] = "";
  if (p->max < 1e300) snprintf(max, sizeof max, " and at most %g", p->max);
  return bv_fail(err, BV_RANGE, "%s: %s is %g; it must be %s %g%s", name_of(f).text, p->name, *out,
                 p->above ? "above" : "at least", p->min, max);
}

/* Read everything of the first row's call but its columns. */
static bv_rc read_call(const face *f, agg *a, int argc, sqlite3_value **argv, bv_err *err) {
  int needed, at = columns_of(f->fn), max = params_of(f->fn, &needed);
  const bool named = argc > at && sqlite3_value_type(argv[argc - 1]) == SQLITE_TEXT;
  const bool null_variant =
      argc == at + max + 1 && sqlite3_value_type(argv[argc - 1]) == SQLITE_NULL;
  const int n = argc - at - (named || null_variant);
  const bv_metric_def *def;
  if (n < needed || n > max) return wrong_count(f, err);
  BV_TRY(read_variant(f, argc > at + n ? argv[argc - 1] : NULL, &def, err));
  for (int i = 0; i < BV_METRIC_SLOTS; i++) a->slot[i] = NAN;
  a->slot[BV_METRIC_PERIODS] = 252; /* of functions that have no such parameter and use none */
  a->slot[BV_METRIC_RISK_FREE] = 0;
  for (int i = 0; i < max; i++) {
    const bv_metric_param *p = &f->fn->param[i];
    double *to = &a->slot[p->slot];
    *to = p->def;
    if (i >= n) continue;
    if (sqlite3_value_type(argv[at + i]) == SQLITE_NULL)
      a->void_call = a->void_call || !p->optional;
    else
      BV_TRY(read_param(f, p, argv[at + i], to, err));
  }
  a->def = def;
  a->argc = argc;
  a->nparam = n;
  a->named = named;
  return BV_OK;
}

/* Whether this row's call has the parameters of the first row's. */
static bool same_call(const face *f, const agg *a, int argc, sqlite3_value **argv) {
  const int at = columns_of(f->fn);
  if (argc != a->argc) return false;
  if (argc > at + a->nparam) {
    sqlite3_value *v = argv[argc - 1];
    const char *text = a->named ? bv_arg_text(v) : NULL;
    if (a->named ? !text || strcmp(text, a->def->variant) != 0
                 : sqlite3_value_type(v) != SQLITE_NULL)
      return false;
  }
  for (int i = 0; i < a->nparam; i++) {
    const bv_metric_param *p = &f->fn->param[i];
    const double had = a->slot[p->slot];
    const bool null = sqlite3_value_type(argv[at + i]) == SQLITE_NULL;
    const double has = null ? p->def : sqlite3_value_double(argv[at + i]);
    if (has != had && !(isnan(has) && isnan(had))) return false;
  }
  return true;
}

static bv_rc take_call(const face *f, agg *a, int argc, sqlite3_value **argv, bv_err *err) {
  if (!a->def) return read_call(f, a, argc, argv, err);
  if (same_call(f, a, argc, argv)) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: the parameters and the variant must be the same in every row",
                 name_of(f).text);
}

/* ---- rows ---- */

/* The columns of a row; *there = false where one is NULL. */
static bv_rc read_row(const face *f, sqlite3_value **argv, double row[2], bool *there,
                      bv_err *err) {
  *there = true;
  for (int i = 0; i < columns_of(f->fn); i++) {
    if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
      *there = false;
      continue;
    }
    int type = sqlite3_value_type(argv[i]);
    row[i] = sqlite3_value_double(argv[i]);
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
      BV_TRY(bv_arg_number(argv[i], name_of(f).text, column_of(f, i), &row[i], err));
    if (!isfinite(row[i]))
      return bv_fail(err, BV_RANGE, "%s: %s is not a finite number", name_of(f).text,
                     column_of(f, i));
  }
  return BV_OK;
}

static bv_rc grow(agg *a, bool pairs) {
  if (a->head > 0 && a->head >= a->cap / 2) {
    memmove(a->x, a->x + a->head, a->n * sizeof *a->x);
    if (pairs) memmove(a->y, a->y + a->head, a->n * sizeof *a->y);
    a->head = 0;
    return BV_OK;
  }
  const size_t cap = a->cap ? a->cap * 2 : 64;
  double *x = bv_realloc(BV_MEM_CURSOR, a->x, cap * sizeof *x);
  if (!x) return BV_NOMEM;
  a->x = x;
  if (pairs) {
    double *y = bv_realloc(BV_MEM_CURSOR, a->y, cap * sizeof *y);
    if (!y) return BV_NOMEM;
    a->y = y;
  }
  double *room = bv_realloc(BV_MEM_CURSOR, a->room, (2 * cap + 2) * sizeof *room);
  if (!room) return BV_NOMEM;
  a->room = room;
  a->cap = cap;
  return BV_OK;
}

static bv_rc push(const face *f, agg *a, const double row[2]) {
  const bool pairs = columns_of(f->fn) == 2;
  if (a->head + a->n == a->cap) BV_TRY(grow(a, pairs));
  a->x[a->head + a->n] = row[0];
  if (pairs) a->y[a->head + a->n] = row[1];
  a->n++;
  return BV_OK;
}

static void do_step(sqlite3_context *ctx, int argc, sqlite3_value **argv, bool compound) {
  const face f = face_of(ctx, compound);
  bv_err err;
  bv_err_clear(&err);
  double row[2];
  bool there;
  agg *a = argc < columns_of(f.fn) ? NULL : sqlite3_aggregate_context(ctx, sizeof *a);
  bv_rc rc = a ? take_call(&f, a, argc, argv, &err) : BV_NOMEM;
  if (argc < columns_of(f.fn)) rc = wrong_count(&f, &err);
  if (rc == BV_OK) rc = read_row(&f, argv, row, &there, &err);
  if (rc == BV_OK && there) rc = push(&f, a, row);
  if (rc != BV_OK) bv_result_error(ctx, name_of(&f).text, rc, &err);
}

/* The oldest row leaves the frame. */
static void do_inverse(sqlite3_context *ctx, sqlite3_value **argv, bool compound) {
  const face f = face_of(ctx, compound);
  bv_err err;
  bv_err_clear(&err);
  double row[2];
  bool there;
  agg *a = sqlite3_aggregate_context(ctx, sizeof *a);
  bv_rc rc = a ? read_row(&f, argv, row, &there, &err) : BV_NOMEM;
  if (rc == BV_OK && there && (a->n == 0 || a->x[a->head] != row[0]))
    rc = bv_fail(&err, BV_INTERNAL, "%s: a row left the window that was not its oldest",
                 name_of(&f).text);
  if (rc == BV_OK && there) {
    a->head++;
    a->n--;
  }
  if (rc != BV_OK) bv_result_error(ctx, name_of(&f).text, rc, &err);
}

static double figure(const agg *a, bool compound) {
  const double *x = a->x + a->head, *y = a->y ? a->y + a->head : NULL;
  if (!compound) return bv_metric_of(a->def, a->slot, x, y, (int64_t)a->n, a->room);
  double *equity = a->room;
  equity[0] = 1;
  for (size_t i = 0; i < a->n; i++) equity[i + 1] = equity[i] * (1 + x[i]);
  return bv_metric_of(a->def, a->slot, equity, NULL, (int64_t)a->n + 1, equity + a->n + 1);
}

static void do_value(sqlite3_context *ctx, const agg *a, bool compound) {
  if (!a || !a->def || a->void_call || a->n == 0) return;
  const double v = figure(a, compound);
  if (!isnan(v)) sqlite3_result_double(ctx, v);
}

static void do_final(sqlite3_context *ctx, bool compound) {
  agg *a = sqlite3_aggregate_context(ctx, 0);
  do_value(ctx, a, compound);
  if (!a) return;
  bv_free(a->x);
  bv_free(a->y);
  bv_free(a->room);
  *a = (agg){0};
}

static void step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  do_step(ctx, argc, argv, false);
}
static void inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  do_inverse(ctx, argv, false);
}
static void value(sqlite3_context *ctx) {
  do_value(ctx, sqlite3_aggregate_context(ctx, 0), false);
}
static void final(sqlite3_context *ctx) {
  do_final(ctx, false);
}

static void step_r(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  do_step(ctx, argc, argv, true);
}
static void inverse_r(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  do_inverse(ctx, argv, true);
}
static void value_r(sqlite3_context *ctx) {
  do_value(ctx, sqlite3_aggregate_context(ctx, 0), true);
}
static void final_r(sqlite3_context *ctx) {
  do_final(ctx, true);
}

/* ---- the table bars_metric ---- */

static const bv_metric_fn *fn_named(const char *name) {
  int n;
  const bv_metric_fn *fn = bv_metric_fns(&n);
  for (int i = 0; i < n && name; i++) {
    if (strcmp(fn[i].name, name) == 0) return &fn[i];
  }
  return NULL;
}

static bv_rc add_function(bv_list *out, const bv_metric_def *d) {
  const bv_metric_fn *fn = fn_named(d->fn);
  char text[320], sister[160];
  if (!fn) return bv_list_null(out);
  signature(fn, false, text, 160);
  if (fn->input == BV_METRIC_EQUITY) {
    signature(fn, true, sister, sizeof sister);
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, ", %s", sister);
  }
  return bv_list_text(out, text);
}

static bv_rc fill_metric(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)s;
  (void)arg;
  (void)err;
  for (int i = 0; i < bv_metric_count(); i++) {
    const bv_metric_def *d = bv_metric_at(i);
    BV_TRY(bv_list_text(out, d->name));
    BV_TRY(bv_list_text(out, d->variant));
    BV_TRY(bv_list_text(out, d->unit));
    BV_TRY(bv_list_text(out, d->formula));
    BV_TRY(bv_list_text(out, d->source));
    BV_TRY(add_function(out, d));
    BV_TRY(bv_list_int(out, bv_metric_in_run(d)));
  }
  return BV_OK;
}

static const bv_list_def metric_table = {
    "bars_metric",
    "name TEXT, variant TEXT, unit TEXT, formula TEXT, source TEXT, function TEXT, run INTEGER",
    7,
    0,
    fill_metric,
    false};

/* ---- registration ---- */

int bv_fn_metric_register(sqlite3 *db, bv_store *s) {
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  int n, code = bv_list_register(db, s, &metric_table);
  const bv_metric_fn *fn = bv_metric_fns(&n);
  for (int i = 0; i < n && code == SQLITE_OK; i++) {
    void *app = (void *)(uintptr_t)&fn[i];
    char name[48];
    snprintf(name, sizeof name, "m_%s", fn[i].name);
    code =
        sqlite3_create_window_function(db, name, -1, flags, app, step, final, value, inverse, NULL);
    if (code != SQLITE_OK || fn[i].input != BV_METRIC_EQUITY) continue;
    snprintf(name, sizeof name, "m_%s_r", fn[i].name);
    code = sqlite3_create_window_function(db, name, -1, flags, app, step_r, final_r, value_r,
                                          inverse_r, NULL);
  }
  return code;
}
