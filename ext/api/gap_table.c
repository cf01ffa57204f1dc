/*
** gap_table.c - the tables bars_gap and bars_source: what is missing, and what was asked for.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "api/series_choice.h"
#include "data/gap.h"
#include "data/sql.h"

#include <string.h>

/* ---- bars_gap ---- */

typedef struct gap_rows {
  bv_store *s;
  bv_list *out;
  const bv_series *series;
  int64_t lo, hi;
} gap_rows;

static bv_rc add_gap(void *ctx, const bv_gap *gap) {
  gap_rows *g = ctx;
  BV_TRY(bv_list_text(g->out, g->series->asset));
  BV_TRY(bv_list_text(g->out, g->series->step_text));
  BV_TRY(bv_list_int(g->out, gap->start));
  BV_TRY(bv_list_int(g->out, gap->end));
  BV_TRY(bv_list_int(g->out, gap->missing));
  return bv_list_text(g->out, gap->kind);
}

static bv_rc add_gaps(bv_store *home, const bv_series *series, void *ctx, bv_err *err) {
  (void)home;
  gap_rows *g = ctx;
  g->series = series;
  return bv_gap_find(g->s, series, g->lo, g->hi, add_gap, g, err);
}

static bv_rc fill_gap(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  gap_rows g = {.s = s, .out = out, .lo = INT64_MIN, .hi = INT64_MAX};
  BV_TRY(bv_arg_range(arg + 2, s->zone, "bars_gap", &g.lo, &g.hi, err));
  return bv_each_series(s, "bars_gap", arg, add_gaps, &g, err);
}

/* ---- bars_source ---- */

typedef struct source_row {
  bv_list *out;
  const bv_series *series;
  char *source; /* NULL: none yet */
  int64_t start, end, rows;
} source_row;

static bv_rc end_source(source_row *r) {
  if (!r->source) return BV_OK;
  BV_TRY(bv_list_text(r->out, r->series->asset));
  BV_TRY(bv_list_text(r->out, r->series->step_text));
  BV_TRY(bv_list_text(r->out, r->source));
  BV_TRY(bv_list_int(r->out, r->start));
  BV_TRY(bv_list_int(r->out, r->end));
  BV_TRY(bv_list_int(r->out, r->rows));
  bv_free(r->source);
  r->source = NULL;
  return BV_OK;
}

/* Extend the range held by the one that the statement stands on, or begin a new one. */
static bv_rc take_range(source_row *r, sqlite3_stmt *st) {
  const char *source = bv_sql_text(st, 0);
  int64_t start = sqlite3_column_int64(st, 1), end = sqlite3_column_int64(st, 2);
  bool on = r->source && strcmp(r->source, source) == 0 && start <= r->end;
  if (!on) {
    BV_TRY(end_source(r));
    r->source = bv_strdup(BV_MEM_CURSOR, source);
    if (!r->source) return BV_NOMEM;
    r->start = start;
    r->end = end;
    r->rows = 0;
  }
  if (end > r->end) r->end = end;
  r->rows += sqlite3_column_int64(st, 3);
  return BV_OK;
}

static bv_rc add_sources(bv_store *home, const bv_series *series, void *ctx, bv_err *err) {
  source_row r = {.out = ctx, .series = series};
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(home,
                          "SELECT source, start, \"end\", rows FROM main.barsvt_coverage"
                          " WHERE series = ?1 ORDER BY source, start",
                          &st, err));
  sqlite3_bind_int64(st, 1, series->id);
  bv_rc rc;
  while ((rc = bv_sql_row(home->db, st, &row, err, "reading barsvt_coverage")) == BV_OK && row) {
    if ((rc = take_range(&r, st)) != BV_OK) break;
  }
  if (rc == BV_OK) rc = end_source(&r);
  bv_free(r.source);
  sqlite3_finalize(st);
  return rc;
}

static bv_rc fill_source(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  return bv_each_series(s, "bars_source", arg, add_sources, out, err);
}

static const bv_list_def tables[] = {
    {"bars_gap",
     "asset TEXT, timestep TEXT, start INTEGER, \"end\" INTEGER, missing INTEGER, kind TEXT,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN, \"start=\" HIDDEN, \"end=\" HIDDEN",
     6, 4, fill_gap, true},
    {"bars_source",
     "asset TEXT, timestep TEXT, source TEXT, start INTEGER, \"end\" INTEGER, rows INTEGER,"
     " \"asset=\" HIDDEN, \"timestep=\" HIDDEN",
     6, 2, fill_source, true},
};

int bv_gap_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    int code = bv_list_register(db, s, &tables[i]);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}
