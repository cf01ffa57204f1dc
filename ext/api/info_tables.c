/*
** info_tables.c - tables that describe: bars_setting, bars_coverage, bars_indicator, bt_profile.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "calc/indicator.h"
#include "data/settings.h"
#include "data/spec.h"
#include "data/sql.h"
#include "sim/profile.h"
#include "time/instant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Series that have this setting for themselves. */
static bv_rc add_reach(const bv_store *s, bv_list *out, const bv_setting *setting) {
  bool history = strcmp(setting->name, "history") == 0,
       future = strcmp(setting->name, "future") == 0;
  size_t at = 0;
  if (!history && !future) return BV_OK;
  for (const bv_reach *r; (r = bv_setting_next_reach(s, &at));) {
    char value[32];
    int64_t v = history ? r->history : r->future;
    if (v == 0) continue;
    snprintf(value, sizeof value, "%lld", (long long)v);
    BV_TRY(bv_list_text(out, setting->name));
    BV_TRY(bv_list_text(out, value));
    BV_TRY(bv_list_text(out, setting->unit));
    BV_TRY(bv_list_text(out, setting->doc));
    BV_TRY(bv_list_text(out, r->asset));
    BV_TRY(bv_list_text(out, r->timestep));
  }
  return BV_OK;
}

static bv_rc fill_setting(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  int n;
  const bv_setting *table = bv_settings(&n);
  for (int i = 0; i < n; i++) {
    char value[BV_KNOB_TEXT];
    BV_TRY(bv_setting_get(s, table[i].name, value, err));
    BV_TRY(bv_list_text(out, table[i].name));
    BV_TRY(bv_list_text(out, value));
    BV_TRY(bv_list_text(out, table[i].unit));
    BV_TRY(bv_list_text(out, table[i].doc));
    BV_TRY(bv_list_null(out));
    BV_TRY(bv_list_null(out));
    BV_TRY(add_reach(s, out, &table[i]));
  }
  return BV_OK;
}

/* Sources of a series' bars, as one text. */
static bv_rc add_sources(bv_store *s, bv_list *out, int64_t series, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(
      bv_sql_prepare(s->db,
                     "SELECT coalesce(group_concat(source, ', '), '') FROM (SELECT DISTINCT source"
                     " FROM main.barsvt_coverage WHERE series = ?1 ORDER BY source)",
                     &st, err));
  sqlite3_bind_int64(st, 1, series);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "barsvt_coverage");
  if (rc == BV_OK) rc = bv_list_text(out, bv_sql_text(st, 0));
  sqlite3_finalize(st);
  return rc;
}

static bv_rc add_series(bv_store *s, bv_list *out, const bv_series *series, bv_err *err) {
  int64_t first, last, n;
  BV_TRY(bv_series_count(s, series, &first, &last, &n, err));
  if (n == 0) return BV_OK;
  BV_TRY(bv_list_text(out, series->asset));
  BV_TRY(bv_list_text(out, series->step_text));
  BV_TRY(bv_list_int(out, first));
  BV_TRY(bv_list_int(out, last));
  BV_TRY(bv_list_int(out, n));
  BV_TRY(bv_list_text(out, bv_zone_name(series->zone)));
  return add_sources(s, out, series->id, err);
}

/* The argument timestep in the form in which it is stored; "" where it is not given. */
static bv_rc canonical_step(sqlite3_value *v, const char *who, char out[32], bv_err *err) {
  bv_timestep step;
  bv_err why = {0};
  const char *text = v && sqlite3_value_type(v) != SQLITE_NULL ? bv_arg_text(v) : NULL;
  out[0] = 0;
  if (!text) return BV_OK;
  bv_rc rc = bv_timestep_parse(text, strlen(text), &step, &why);
  if (rc != BV_OK) return bv_fail(err, rc, "%s: %s", who, bv_err_text(&why, rc));
  bv_timestep_format(step, out);
  return BV_OK;
}

static bv_rc fill_coverage(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bool there;
  char step[32];
  BV_TRY(canonical_step(arg[1], "bars_coverage", step, err));
  BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there) return BV_OK;
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(
      s->db,
      "SELECT s.id FROM main.barsvt_series s JOIN main.barsvt_asset a ON a.id ="
      " s.asset WHERE (?1 IS NULL OR a.asset = ?1) AND (?2 IS NULL OR " BV_SERIES_STEP
      " = ?2) ORDER BY a.asset, s.id",
      &st, err));
  if (arg[0]) sqlite3_bind_value(st, 1, arg[0]);
  if (step[0]) sqlite3_bind_text(st, 2, step, -1, SQLITE_STATIC);
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "bars_coverage")) == BV_OK && row) {
    bv_series series;
    bool found;
    rc = bv_series_by_id(s, sqlite3_column_int64(st, 0), &series, &found, err);
    if (rc == BV_OK && found) rc = add_series(s, out, &series, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

/* Texts of a row are put together here; the longest has 7 parts of about 30 bytes. */
typedef struct line {
  char text[400];
  size_t n;
} line;

static void append(line *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (l->n < sizeof l->text) {
    const int k = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, args);
    l->n += k > 0 ? (size_t)k : 0;
  }
  va_end(args);
}

/* "high, low, close"; what can be chosen with its default: "x=close". */
static bv_rc add_inputs(bv_list *out, const bv_indicator *ind) {
  line l = {{0}, 0};
  for (int i = 0; i < ind->ninput; i++) {
    append(&l, "%s%s", i ? ", " : "", bv_indicator_input_name(ind, i));
    if (ind->input[i] != BV_IN_REAL) continue;
    const bool typical = ind->real_default == BV_IN_TYPICAL;
    append(&l, "=%s", typical ? "hlc3" : bv_column_name(bv_input_column(ind->real_default)));
  }
  return bv_list_text(out, l.text);
}

static bv_rc add_params(bv_list *out, const bv_indicator *ind) {
  line l = {{0}, 0};
  for (int p = 0; p < ind->nparam; p++) {
    append(&l, "%s%s=%g", p ? ", " : "", ind->param[p].name, ind->param[p].def);
  }
  return bv_list_text(out, l.text);
}

/* "period 1..100000 whole, required; reset 0..3 (never, day, week, month)". */
static bv_rc add_ranges(bv_list *out, const bv_indicator *ind) {
  line l = {{0}, 0};
  for (int p = 0; p < ind->nparam; p++) {
    const bv_ind_param *q = &ind->param[p];
    append(&l, "%s%s %.10g..%.10g", p ? "; " : "", q->name, q->min, q->max);
    if (q->integer && !q->choice) append(&l, " whole");
    if (!q->optional) append(&l, ", required");
    for (int k = 0; q->choice && q->choice[k]; k++)
      append(&l, "%s%s", k ? ", " : " (", q->choice[k]);
    if (q->choice) append(&l, ")");
  }
  return bv_list_text(out, l.text);
}

static bv_rc add_indicator(bv_list *out, const bv_indicator *ind, int o, const double *def) {
  char seen[160];
  (void)bv_indicator_seen_text(ind->output[o].seen, seen, sizeof seen);
  BV_TRY(bv_list_text(out, ind->output[o].name));
  BV_TRY(bv_list_text(out, ind->title));
  BV_TRY(add_params(out, ind));
  BV_TRY(bv_list_int(out, ind->first(def)));
  BV_TRY(bv_list_text(out, ind->output[o].unit));
  BV_TRY(bv_list_text(out, ind->formula));
  BV_TRY(bv_list_text(out, ind->source));
  BV_TRY(add_inputs(out, ind));
  BV_TRY(add_ranges(out, ind));
  BV_TRY(bv_list_text(out, ind->window ? "windowed" : "recursive"));
  BV_TRY(bv_list_text(out, ind->output[o].doc));
  return bv_list_text(out, seen);
}

static bv_rc fill_indicator(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)s;
  (void)arg;
  (void)err;
  int n;
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    double def[BV_IND_MAX_PARAM];
    for (int p = 0; p < table[i]->nparam; p++) def[p] = table[i]->param[p].def;
    for (int o = 0; o < table[i]->noutput; o++) {
      BV_TRY(add_indicator(out, table[i], o, def));
    }
  }
  return BV_OK;
}

static bv_rc fill_profile(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)s;
  (void)arg;
  (void)err;
  int nprofile, nknob;
  const bv_sim_profile *profile = bv_sim_profiles(&nprofile);
  const bv_sim_knob *knob = bv_sim_knobs(&nknob);
  for (int p = 0; p < nprofile; p++) {
    for (int k = 0; k < nknob; k++) {
      char value[BV_KNOB_TEXT];
      bv_sim_get_text(&profile[p].config, &knob[k], value);
      BV_TRY(bv_list_text(out, profile[p].name));
      BV_TRY(bv_list_text(out, knob[k].name));
      BV_TRY(bv_list_text(out, value));
      BV_TRY(bv_list_text(out, knob[k].doc));
    }
  }
  return BV_OK;
}

static const bv_list_def tables[] = {
    {"bars_setting", "name TEXT, value TEXT, unit TEXT, doc TEXT, asset TEXT, timestep TEXT", 6, 0,
     fill_setting, false},
    {"bars_coverage",
     "asset TEXT, timestep TEXT, first INTEGER, last INTEGER, bars INTEGER, tz TEXT, source TEXT,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN",
     7, 2, fill_coverage, true},
    {"bars_indicator",
     "name TEXT, title TEXT, params TEXT, warmup INTEGER, unit TEXT, formula TEXT, source TEXT,"
     " inputs TEXT, ranges TEXT, kind TEXT, doc TEXT, confirmed TEXT",
     12, 0, fill_indicator, false},
    {"bt_profile", "profile TEXT, knob TEXT, value TEXT, doc TEXT", 4, 0, fill_profile, false},
};

int bv_info_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
