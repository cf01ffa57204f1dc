/*
** validate_table.c - the tables bars_validate and bars_validate_signals: what is doubtful about stored series,
** and about signals that will be used with them.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "api/series_choice.h"
#include "base/text.h"
#include "data/json.h"
#include "data/signal_check.h"
#include "data/validate.h"

#include <math.h>
#include <string.h>

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

/* ---- bars_validate_signals ---- */

typedef struct signal_rows {
  bv_list *out;
  bv_feature_spec spec;
  bool fail;         /* the first error is one, */
  unsigned fail_too; /* and the first problem of these classes */
  bv_err *err;
} signal_rows;

static bv_rc list_instant(bv_list *l, int64_t t) {
  return t == INT64_MIN ? bv_list_null(l) : bv_list_int(l, t);
}

/* Number of a class; that of the end where there is no such class. */
static int class_of(const char *name) {
  int c = 0;
  while (bv_signal_classes[c] && !bv_text_ieq(bv_signal_classes[c], name)) c++;
  return c;
}

static bv_rc add_signal_problem(void *ctx, const bv_signal_problem *p) {
  signal_rows *r = ctx;
  bool applies = p->exists_at != INT64_MIN && p->exists_at != BV_NEVER;
  if ((r->fail && strcmp(p->severity, "error") == 0) || (r->fail_too >> class_of(p->cls) & 1)) {
    return bv_fail(r->err, BV_CONFLICT, "%s: %.64s: %s", p->cls, p->asset ? p->asset : "",
                   p->message);
  }
  BV_TRY(bv_list_text(r->out, p->cls));
  BV_TRY(bv_list_text(r->out, p->severity));
  BV_TRY(bv_list_text(r->out, p->asset));
  BV_TRY(list_instant(r->out, p->ts));
  BV_TRY(list_instant(r->out, p->used_at));
  BV_TRY(list_instant(r->out, applies ? p->exists_at : INT64_MIN));
  BV_TRY(list_instant(r->out, applies ? p->exists_at - p->used_at : INT64_MIN));
  BV_TRY(bv_list_int(r->out, p->rows));
  return bv_list_text(r->out, p->message);
}

static bv_rc read_option(void *ctx, const char *path, const char *type, sqlite3_value *v,
                         bv_err *err) {
  signal_rows *r = ctx;
  const char *text = (const char *)sqlite3_value_text(v);
  if (strcmp(path, "fail") == 0 || strncmp(path, "fail[", 5) == 0) {
    if (strcmp(type, "true") == 0) r->fail = true;
    if (strcmp(type, "true") == 0 || strcmp(type, "false") == 0) return BV_OK;
    int c = strcmp(type, "text") == 0 && text ? class_of(text) : -1;
    if (c >= 0 && bv_signal_classes[c]) {
      r->fail_too |= 1u << c;
      return BV_OK;
    }
    return bv_fail(err, BV_ARG, "options: '%s' must be true, false or classes, such as \"early\"",
                   path);
  }
  if (strcmp(type, "null") == 0) return BV_OK;
  if (!text) return BV_NOMEM;
  bv_rc rc = bv_feature_set(&r->spec, path, text);
  if (rc != BV_NOTFOUND) return rc;
  const char *near = bv_nearest(path, bv_feature_keys);
  return bv_fail(err, BV_ARG,
                 "options: unknown key '%.60s'%s%s%s; options are timing, lag, match, tolerance, "
                 "max_age, span, ts, asset, known_at, columns, fail",
                 path, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bv_rc needed(sqlite3_value *v, const char *name, const char **out, bv_err *err) {
  BV_TRY(bv_arg_optional(v, out));
  if (*out) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "missing argument %s; write for example bars_validate_signals('scores', 'day', "
                 "'{\"timing\": \"next_bar\"}')",
                 name);
}

static bv_rc check_signals(bv_store *s, signal_rows *r, sqlite3_value *const *arg, bv_err *err) {
  const char *source, *timestep, *options;
  BV_TRY(needed(arg[0], "signals", &source, err));
  BV_TRY(needed(arg[1], "timestep", &timestep, err));
  BV_TRY(bv_arg_optional(arg[2], &options));
  BV_TRY(bv_json_walk(s->db, options, "options", read_option, r, err));
  r->spec.name = bv_strdup(BV_MEM_CURSOR, source);
  if (!r->spec.name) return BV_NOMEM;
  bv_feature f;
  BV_TRY(bv_feature_open(s->db, NULL, &r->spec, NULL, false, &f, err));
  bv_rc rc = bv_signal_check(s, &f, timestep, add_signal_problem, r, err);
  bv_feature_close(&f);
  return rc;
}

static bv_rc fill_signals(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  signal_rows r = {.out = out, .err = &why};
  bv_rc rc = check_signals(s, &r, arg, &why);
  bv_feature_spec_reset(&r.spec);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bars_validate_signals", rc, &why);
}

static const bv_list_def tables[] = {
    {"bars_validate",
     "class TEXT, severity TEXT, asset TEXT, timestep TEXT, ts INTEGER, \"end\" INTEGER,"
     " bars INTEGER, value REAL, expected REAL, bound REAL, message TEXT,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN, \"start=\" HIDDEN, \"end=\" HIDDEN,"
     " options HIDDEN",
     11, 5, fill_validate, true},
    {"bars_validate_signals",
     "class TEXT, severity TEXT, asset TEXT, ts INTEGER, used_at INTEGER, exists_at INTEGER,"
     " lag INTEGER, rows INTEGER, message TEXT,"
     " signals HIDDEN, timestep HIDDEN, options HIDDEN",
     9, 3, fill_signals, true},
};

int bv_validate_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
