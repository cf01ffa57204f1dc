/*
** validate_table.c - the table bars_validate: what is doubtful about stored series.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "api/series_choice.h"
#include "data/validate.h"

#include <math.h>

typedef struct rows {
  bv_store *s;
  bv_list *out;
  const bv_series *series;
  bv_validate_options options;
  int64_t lo, hi;
} rows;

static bv_rc add_problem(void *ctx, const bv_problem *p) {
  rows *r = ctx;
  char text[160];
  bv_problem_text(p, text);
  BV_TRY(bv_list_text(r->out, bv_problem_name[p->cls]));
  BV_TRY(bv_list_text(r->out, bv_problem_severity[p->cls]));
  BV_TRY(bv_list_text(r->out, r->series->asset));
  BV_TRY(bv_list_text(r->out, r->series->step_text));
  BV_TRY(bv_list_int(r->out, p->ts));
  BV_TRY(bv_list_int(r->out, p->end));
  BV_TRY(bv_list_int(r->out, p->bars));
  BV_TRY(bv_list_real(r->out, p->value));
  BV_TRY(bv_list_real(r->out, p->expected));
  BV_TRY(bv_list_real(r->out, p->bound));
  return bv_list_text(r->out, text);
}

/* A series that another database has, too: readers find the first one, this one never counts. */
static bv_rc add_shadowed(rows *r, const bv_series *series, bv_err *err) {
  int64_t first = 0, last = 0, n = 0;
  if (!(r->options.classes >> BV_P_DUPLICATE & 1)) return BV_OK;
  BV_TRY(bv_series_count(r->s, series, &first, &last, &n, err));
  if (n == 0) return BV_OK;
  bv_problem p = {.cls = BV_P_DUPLICATE,
                  .ts = first,
                  .end = bv_timestep_end(series->step, series->zone, last),
                  .what = "another database has the series, too, and is read instead",
                  .value = (double)n,
                  .expected = NAN,
                  .bound = NAN,
                  .bars = n};
  BV_TRY(bv_problem_fail(&p, series, &r->options, err));
  return add_problem(r, &p);
}

static bv_rc add_series(bv_store *home, const bv_series *series, void *ctx, bv_err *err) {
  rows *r = ctx;
  const bv_series *read;
  (void)home;
  r->series = series;
  BV_TRY(bv_series_find(r->s, series->asset, series->step_text, &read, err));
  if (read && (read->home != series->home || read->id != series->id)) {
    return add_shadowed(r, series, err);
  }
  return bv_validate(r->s, series, r->lo, r->hi, &r->options, add_problem, r, err);
}

static bv_rc list_problems(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  rows r = {.s = s, .out = out, .lo = INT64_MIN, .hi = INT64_MAX};
  const char *options;
  BV_TRY(bv_arg_optional(arg[4], &options));
  BV_TRY(bv_validate_options_read(s->db, options, &r.options, err));
  BV_TRY(bv_arg_range(arg + 2, s->zone, "bars_validate", &r.lo, &r.hi, err));
  return bv_each_series(s, "bars_validate", arg, add_series, &r, err);
}

static bv_rc fill_validate(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = list_problems(s, out, arg, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bars_validate", rc, &why);
}

static const bv_list_def tables[] = {
    {"bars_validate",
     "class TEXT, severity TEXT, asset TEXT, timestep TEXT, ts INTEGER, \"end\" INTEGER,"
     " bars INTEGER, value REAL, expected REAL, bound REAL, message TEXT,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN, \"start=\" HIDDEN, \"end=\" HIDDEN,"
     " options HIDDEN",
     11, 5, fill_validate, true},
};

int bv_validate_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
