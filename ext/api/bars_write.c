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
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* argv + 2 holds one value per column. */
static sqlite3_value *field(const bv_bars_tab *tab, sqlite3_value **argv, bv_field f) {
  for (int col = 0; col < tab->kind->nfield; col++) {
    if ((bv_field)tab->kind->field[col] == f) return argv[2 + col];
  }
  return NULL;
}

static bv_rc missing(const char *name, bv_err *err) {
  return bv_fail(
      err, BV_ARG,
      "%s is missing; name the columns, as in INSERT INTO bars(asset, timestep, ts, open,"
      " high, low, close, volume) VALUES ('SPY', 'day', '2024-01-03', ...)",
      name);
}

static bv_rc read_text(sqlite3_value *v, const char *name, const char **out, bv_err *err) {
  if (bv_arg_null(v)) return missing(name, err);
  *out = bv_arg_text(v);
  return *out ? BV_OK : BV_NOMEM;
}

/* Whether a value of column time names this instant; it may come from our own column, in UTC. */
static bool names_instant(const bv_store *s, sqlite3_value *time, int64_t ts) {
  char text[32];
  int64_t t;
  bv_instant_format(ts, text);
  if (sqlite3_value_type(time) == SQLITE_TEXT && bv_arg_text(time) &&
      strcmp(bv_arg_text(time), text) == 0) {
    return true;
  }
  return bv_arg_instant(time, s->zone, "", "", &t, NULL) == BV_OK && t == ts;
}

/* The time of a row from ts or time.  An UPDATE brings both, of which one may be new: `old` is what it
** was, NULL for an INSERT. */
static bv_rc read_ts(const bv_bars_tab *tab, sqlite3_value **argv, const int64_t *old, int64_t *out,
                     bv_err *err) {
  const bv_store *s = tab->store;
  sqlite3_value *ts = field(tab, argv, BV_F_TS), *time = field(tab, argv, BV_F_TIME);
  if (bv_arg_null(ts) && bv_arg_null(time)) return missing("ts", err);
  if (bv_arg_null(ts)) return bv_arg_instant(time, s->zone, "bars", "time", out, err);
  BV_TRY(bv_arg_instant(ts, s->zone, "bars", "ts", out, err));
  if (bv_arg_null(time) || names_instant(s, time, *out)) return BV_OK;
  if (old && *out == *old) return bv_arg_instant(time, s->zone, "bars", "time", out, err);
  if (old && names_instant(s, time, *old)) return BV_OK;
  return bv_fail(err, BV_ARG, "ts and time name different instants; leave one of them out");
}

/* One row to be stored. */
typedef struct row {
  const char *asset, *step;
  int64_t ts;
  double value[BV_NCOL];
} row;

static bv_rc read_values(const bv_bars_tab *tab, sqlite3_value **argv, double value[BV_NCOL],
                         bv_err *err) {
  for (int c = 0; c < BV_NCOL; c++) value[c] = NAN;
  for (int col = 0; col < tab->kind->nfield; col++) {
    bv_column c = bv_field_column((bv_field)tab->kind->field[col]);
    if (c == BV_COL_NONE || bv_arg_null(argv[2 + col])) continue;
    BV_TRY(bv_arg_number(argv[2 + col], "bars", bv_column_name(c), &value[c], err));
  }
  const char *wrong = bv_bar_problem(value);
  return wrong ? bv_fail(err, BV_ARG, "bars: %s", wrong) : BV_OK;
}

static bv_rc read_row(const bv_bars_tab *tab, sqlite3_value **argv, const int64_t *old, row *r,
                      bv_err *err) {
  BV_TRY(read_text(field(tab, argv, BV_F_ASSET), "asset", &r->asset, err));
  BV_TRY(read_text(field(tab, argv, BV_F_TIMESTEP), "timestep", &r->step, err));
  BV_TRY(read_ts(tab, argv, old, &r->ts, err));
  bv_err why = {0};
  bv_rc rc = read_values(tab, argv, r->value, &why);
  if (rc == BV_OK || rc == BV_NOMEM) return rc;
  char when[32]; /* one bad row of many must be found again */
  bv_instant_format(r->ts, when);
  return bv_fail(err, rc, "%s ('%.40s', '%.40s', %s)", bv_err_text(&why, rc), r->asset, r->step,
                 when);
}

/* known_at follows from the time and the timestep, so only that very value can be given; an UPDATE also
** brings the one from before. */
static bv_rc check_known_at(const bv_bars_tab *tab, sqlite3_value **argv, const bv_series *series,
                            int64_t ts, const bv_series *old, int64_t old_ts, bv_err *err) {
  sqlite3_value *v = field(tab, argv, BV_F_KNOWN_AT);
  int64_t known;
  if (bv_arg_null(v)) return BV_OK;
  BV_TRY(bv_arg_instant(v, tab->store->zone, "bars", "known_at", &known, err));
  if (known == bv_timestep_end(series->step, series->zone, ts)) return BV_OK;
  if (old && known == bv_timestep_end(old->step, old->zone, old_ts)) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "known_at follows from ts and timestep and cannot be set; leave it out");
}

static bv_on_conflict conflict_mode(sqlite3 *db) {
  switch (sqlite3_vtab_on_conflict(db)) {
  case SQLITE_IGNORE: return BV_CONFLICT_IGNORE;
  case SQLITE_REPLACE: return BV_CONFLICT_REPLACE;
  default: return BV_CONFLICT_ERROR;
  }
}

/* The series of a row, made if need be. */
static bv_rc series_of_row(bv_bars_tab *tab, const row *r, bv_series *out, bv_err *err) {
  const bv_series *found;
  bv_timestep step;
  BV_TRY(bv_series_find(tab->store, r->asset, r->step, &found, err));
  if (found && !found->home) {
    *out = *found;
    return BV_OK;
  }
  /* new, or stored in an attached database only: what is written goes to main */
  BV_TRY(bv_timestep_parse(r->step, strlen(r->step), &step, err));
  return bv_series_make(tab->store, r->asset, step, NULL, out, err);
}

static bv_rc insert(bv_bars_tab *tab, sqlite3_value **argv, sqlite3_int64 *rowid, bv_err *err) {
  row r;
  bv_series series;
  BV_TRY(read_row(tab, argv, NULL, &r, err));
  BV_TRY(series_of_row(tab, &r, &series, err));
  BV_TRY(check_known_at(tab, argv, &series, r.ts, NULL, 0, err));
  *rowid = bv_bars_make_rowid(series.id, r.ts);
  return bv_raw_put(tab->store, &series, r.ts, r.value, conflict_mode(tab->store->db), NULL, err);
}

/* The stored bar that a rowid names. */
static bv_rc old_bar(bv_bars_tab *tab, sqlite3_value *rowid, bv_series *series, int64_t *ts,
                     bv_err *err) {
  int64_t id;
  bool found;
  bv_bars_split_rowid(sqlite3_value_int64(rowid), &id, ts);
  if (id < 0) {
    return bv_fail(
        err, BV_ARG,
        "bars: bars of an attached database are changed in a connection that opens it as "
        "its main database");
  }
  BV_TRY(bv_series_by_id(tab->store, id, series, &found, err));
  return found ? BV_OK : bv_fail(err, BV_CORRUPT, "bars: there is no series %lld", (long long)id);
}

/* An UPDATE may move a bar in time or to another series.  The old one goes last, so that UPDATE OR IGNORE
** and OR FAIL lose nothing where the place is taken. */
static bv_rc change(bv_bars_tab *tab, sqlite3_value **argv, sqlite3_int64 *rowid, bv_err *err) {
  bv_store *s = tab->store;
  bv_series old, series;
  int64_t old_ts;
  row r;
  bv_err taken = {0};
  BV_TRY(old_bar(tab, argv[0], &old, &old_ts, err));
  BV_TRY(read_row(tab, argv, &old_ts, &r, err));
  BV_TRY(series_of_row(tab, &r, &series, err));
  BV_TRY(check_known_at(tab, argv, &series, r.ts, &old, old_ts, err));
  *rowid = bv_bars_make_rowid(series.id, r.ts);
  if (series.id == old.id && r.ts == old_ts) {
    return bv_raw_put(s, &series, r.ts, r.value, BV_CONFLICT_REPLACE, NULL, err);
  }
  bv_on_conflict how = conflict_mode(s->db);
  bv_on_conflict put = how == BV_CONFLICT_IGNORE ? BV_CONFLICT_ERROR : how;
  bv_rc rc = bv_raw_put(s, &series, r.ts, r.value, put, NULL, &taken);
  if (rc == BV_CONFLICT && how == BV_CONFLICT_IGNORE) return BV_OK;
  if (rc != BV_OK) return bv_fail_native(err, rc, taken.native, "%s", bv_err_text(&taken, rc));
  return bv_raw_delete(s, &old, old_ts, err);
}

static bv_rc remove_bar(bv_bars_tab *tab, sqlite3_value *rowid, bv_err *err) {
  bv_series series;
  int64_t ts;
  BV_TRY(old_bar(tab, rowid, &series, &ts, err));
  return bv_raw_delete(tab->store, &series, ts, err);
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
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error_of(base, "bars", rc, &err);
}

/* What was committed before is noticed now, so that the commit at the end moves on from there.  That holds of a run
** too, which asks no more once it has its transaction: this is its beginning. */
int bv_bars_begin(sqlite3_vtab *base) {
  bv_store *s = ((bv_bars_tab *)base)->store;
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = bv_store_look(s, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base, rc, &err);
}

/* The version of the file moved by our own commit, of which the caches know already. */
int bv_bars_commit(sqlite3_vtab *base) {
  bv_store_committed(((bv_bars_tab *)base)->store);
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
