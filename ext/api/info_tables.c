/*
** info_tables.c - tables that describe: bars_setting, bars_stat, bars_cache, bars_coverage,
** bars_indicator, bt_profile.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "calc/indicator.h"
#include "data/settings.h"
#include "data/sql.h"
#include "data/window.h"
#include "sim/profile.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

static bv_rc fill_setting(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  int n;
  const bv_setting *table = bv_settings(&n);
  for (int i = 0; i < n; i++) {
    char value[64];
    BV_TRY(bv_setting_get(s, table[i].name, value, err));
    BV_TRY(bv_list_text(out, table[i].name));
    BV_TRY(bv_list_text(out, value));
    BV_TRY(bv_list_text(out, table[i].unit));
    BV_TRY(bv_list_text(out, table[i].doc));
  }
  return BV_OK;
}

static bv_rc stat_row(bv_list *out, const char *name, int64_t value, const char *doc) {
  BV_TRY(bv_list_text(out, name));
  BV_TRY(bv_list_int(out, value));
  return bv_list_text(out, doc);
}

static bv_rc fill_stat(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  (void)err;
  static const struct {
    const char *name, *doc;
  } counter[BV_N_COUNTERS] = {
      [BV_N_HIT] = {"hit", "reads answered by a window in memory"},
      [BV_N_LOAD] = {"load", "windows filled from the store"},
      [BV_N_EXTEND] = {"extend", "windows read on at their end"},
      [BV_N_STREAM] = {"stream", "scans longer than a window"},
      [BV_N_EVICT] = {"evict", "windows dropped to stay under memory_limit"},
      [BV_N_READ] = {"read", "bars read from the database"},
      [BV_N_DECODE] = {"decode", "columns of sealed chunks decoded"},
      [BV_N_DERIVE] = {"derive", "indicator values computed"},
  };
  for (int i = 0; i < BV_N_COUNTERS; i++) {
    BV_TRY(stat_row(out, counter[i].name, s->counter[i], counter[i].doc));
  }
  BV_TRY(stat_row(out, "memory", bv_mem_total(), "bytes in use by the library in this process"));
  for (int c = 0; c < BV_MEM_COUNT; c++) {
    char name[40];
    snprintf(name, sizeof name, "memory.%s", bv_mem_name((bv_mem)c));
    BV_TRY(stat_row(out, name, bv_mem_used((bv_mem)c), "bytes of that kind"));
  }
  return BV_OK;
}

static bv_rc fill_cache(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  (void)err;
  int rank = 0;
  for (const bv_window *w = s->window; w; w = w->next) {
    char step[32];
    int64_t n = w->ring.next - w->ring.first, columns = 1;
    for (int c = 0; c < BV_NCOL; c++) columns += w->ring.col[c] != NULL;
    bv_timestep_format(w->src.step, step);
    BV_TRY(bv_list_text(out, w->src.base.asset));
    BV_TRY(bv_list_text(out, step));
    BV_TRY(bv_list_text(out, w->src.agg ? "aggregate" : "window"));
    BV_TRY(bv_list_int(out, n));
    BV_TRY(n ? bv_list_int(out, bv_ring_ts(&w->ring, w->ring.first)) : bv_list_null(out));
    BV_TRY(n ? bv_list_int(out, bv_ring_ts(&w->ring, w->ring.next - 1)) : bv_list_null(out));
    BV_TRY(bv_list_int(out, w->ring.cap * 16 * columns));
    BV_TRY(bv_list_int(out, w->hits));
    BV_TRY(bv_list_int(out, ++rank));
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
  BV_TRY(
      bv_sql_prepare(s->db,
                     "SELECT s.id FROM main.barsvt_series s JOIN main.barsvt_asset a ON a.id ="
                     " s.asset WHERE (?1 IS NULL OR a.asset = ?1) AND (?2 IS NULL OR s.timestep ="
                     " ?2) ORDER BY a.asset, s.id",
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

static bv_rc add_params(bv_list *out, const bv_indicator *ind) {
  char text[256] = "";
  for (int p = 0; p < ind->nparam; p++) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s%s=%g", p ? ", " : "", ind->param[p].name,
             ind->param[p].def);
  }
  return bv_list_text(out, text);
}

static bv_rc fill_indicator(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)s;
  (void)arg;
  (void)err;
  int n;
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    const bv_indicator *ind = table[i];
    double def[BV_IND_MAX_PARAM];
    for (int p = 0; p < ind->nparam; p++) def[p] = ind->param[p].def;
    for (int o = 0; o < ind->noutput; o++) {
      BV_TRY(bv_list_text(out, ind->output[o].name));
      BV_TRY(bv_list_text(out, ind->title));
      BV_TRY(add_params(out, ind));
      BV_TRY(bv_list_int(out, ind->first(def)));
      BV_TRY(bv_list_text(out, ind->output[o].unit));
      BV_TRY(bv_list_text(out, ind->formula));
      BV_TRY(bv_list_text(out, ind->source));
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
      char value[64];
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
    {"bars_setting", "name TEXT, value TEXT, unit TEXT, doc TEXT", 4, 0, fill_setting, false},
    {"bars_stat", "name TEXT, value INTEGER, doc TEXT", 3, 0, fill_stat, false},
    {"bars_cache",
     "asset TEXT, timestep TEXT, kind TEXT, bars INTEGER, first INTEGER, last INTEGER, bytes "
     "INTEGER,"
     " hits INTEGER, rank INTEGER",
     9, 0, fill_cache, false},
    {"bars_coverage",
     "asset TEXT, timestep TEXT, first INTEGER, last INTEGER, bars INTEGER, tz TEXT, source TEXT,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN",
     7, 2, fill_coverage, true},
    {"bars_indicator",
     "name TEXT, title TEXT, params TEXT, warmup INTEGER, unit TEXT, formula TEXT, source TEXT", 7,
     0, fill_indicator, false},
    {"bt_profile", "profile TEXT, knob TEXT, value TEXT, doc TEXT", 4, 0, fill_profile, false},
};

int bv_info_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
