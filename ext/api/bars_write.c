/*
** bars_write.c - INSERT, UPDATE and DELETE on bars, and its part in transactions.
**
** Everything is written inside the caller's transaction by ordinary statements, so SQLite's own
** rollback covers it; the transaction methods only forget what was cached meanwhile.
*/
#include "api/args.h"
#include "api/bars_table.h"
#include "data/bar_check.h"
#include "data/put.h"

#include <math.h>
#include <string.h>

/* argv + 2 holds one value per column. */
static sqlite3_value *field(const bv_bars_tab *tab, sqlite3_value **argv, bv_field f) {
  for (int col = 0; col < tab->kind->nfield; col++) {
    if ((bv_field)tab->kind->field[col] == f) return argv[2 + col];
  }
  return NULL;
}

static bool is_null(sqlite3_value *v) {
  return !v || sqlite3_value_type(v) == SQLITE_NULL;
}

static bv_rc read_text(sqlite3_value *v, const char *name, const char **out, bv_err *err) {
  if (is_null(v)) return bv_fail(err, BV_ARG, "bars: %s is missing", name);
  *out = bv_arg_text(v);
  return *out ? BV_OK : BV_NOMEM;
}

static bv_rc read_bar(bv_bars_tab *tab, sqlite3_value **argv, int64_t *ts, double value[BV_NCOL],
                      bv_err *err) {
  sqlite3_value *when = field(tab, argv, BV_F_TS);
  const char *which = "ts";
  if (is_null(when)) {
    when = field(tab, argv, BV_F_TIME);
    which = "time";
  }
  if (is_null(when)) return bv_fail(err, BV_ARG, "bars: ts is missing");
  BV_TRY(bv_arg_instant(when, tab->store->zone, "bars", which, ts, err));
  for (int c = 0; c < BV_NCOL; c++) value[c] = NAN;
  for (int col = 0; col < tab->kind->nfield; col++) {
    bv_field f = (bv_field)tab->kind->field[col];
    bv_column c = bv_field_column(f);
    if (c == BV_COL_NONE || is_null(argv[2 + col])) continue;
    BV_TRY(bv_arg_number(argv[2 + col], "bars", bv_column_name(c), &value[c], err));
  }
  const char *wrong = bv_bar_problem(value);
  return wrong ? bv_fail(err, BV_ARG, "bars: %s", wrong) : BV_OK;
}

static bv_on_conflict conflict_mode(sqlite3 *db) {
  switch (sqlite3_vtab_on_conflict(db)) {
  case SQLITE_IGNORE: return BV_CONFLICT_IGNORE;
  case SQLITE_REPLACE: return BV_CONFLICT_REPLACE;
  default: return BV_CONFLICT_ERROR;
  }
}

static bv_rc insert(bv_bars_tab *tab, sqlite3_value **argv, sqlite3_int64 *rowid, bv_err *err) {
  const char *asset = NULL, *step = NULL;
  BV_TRY(read_text(field(tab, argv, BV_F_ASSET), "asset", &asset, err));
  BV_TRY(read_text(field(tab, argv, BV_F_TIMESTEP), "timestep", &step, err));
  int64_t ts;
  double value[BV_NCOL];
  BV_TRY(read_bar(tab, argv, &ts, value, err));
  const bv_series *found;
  bv_series series;
  BV_TRY(bv_series_find(tab->store, asset, step, &found, err));
  if (found) {
    series = *found;
  } else {
    bv_timestep parsed;
    BV_TRY(bv_timestep_parse(step, strlen(step), &parsed, err));
    BV_TRY(bv_series_make(tab->store, asset, parsed, NULL, &series, err));
  }
  *rowid = bv_bars_make_rowid(series.id, ts);
  return bv_raw_put(tab->store, &series, ts, value, conflict_mode(tab->store->db), NULL, err);
}

static bv_rc remove_at(bv_bars_tab *tab, int64_t series_id, int64_t ts, bv_err *err) {
  bv_series series;
  bool found;
  if (series_id < 0) {
    return bv_fail(
        err, BV_ARG,
        "bars: bars of an attached database are changed in a connection that opens it as "
        "its main database");
  }
  BV_TRY(bv_series_by_id(tab->store, series_id, &series, &found, err));
  return found ? bv_raw_delete(tab->store, &series, ts, err) : BV_OK;
}

/* An UPDATE may move a bar in time or to another series: then the old one goes. */
static bv_rc change(bv_bars_tab *tab, sqlite3_value **argv, sqlite3_int64 *rowid, bv_err *err) {
  sqlite3_int64 old = sqlite3_value_int64(argv[0]);
  int64_t series, ts;
  double value[BV_NCOL];
  BV_TRY(read_bar(tab, argv, &ts, value, err)); /* refuse a bad bar before anything is removed */
  bv_bars_split_rowid(old, &series, &ts);
  BV_TRY(remove_at(tab, series, ts, err));
  return insert(tab, argv, rowid, err);
}

static bv_rc remove_bar(bv_bars_tab *tab, sqlite3_value *old, bv_err *err) {
  int64_t series, ts;
  bv_bars_split_rowid(sqlite3_value_int64(old), &series, &ts);
  return remove_at(tab, series, ts, err);
}

int bv_bars_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  bv_bars_tab *tab = (bv_bars_tab *)base;
  bv_err err = {0};
  bv_rc rc;
  if (argc == 1) {
    rc = remove_bar(tab, argv[0], &err);
  } else if (sqlite3_value_type(argv[0]) == SQLITE_NULL) {
    rc = insert(tab, argv, rowid, &err);
  } else {
    rc = change(tab, argv, rowid, &err);
  }
  bv_store_changed(tab->store);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base, rc, &err);
}

int bv_bars_begin(sqlite3_vtab *base) {
  (void)base;
  return SQLITE_OK;
}

int bv_bars_commit(sqlite3_vtab *base) {
  (void)base;
  return SQLITE_OK;
}

int bv_bars_rollback(sqlite3_vtab *base) {
  bv_store_rolled_back(((bv_bars_tab *)base)->store);
  return SQLITE_OK;
}

int bv_bars_savepoint(sqlite3_vtab *base, int n) {
  (void)base;
  (void)n;
  return SQLITE_OK;
}

int bv_bars_rollback_to(sqlite3_vtab *base, int n) {
  (void)n;
  bv_store_rolled_back(((bv_bars_tab *)base)->store);
  return SQLITE_OK;
}
