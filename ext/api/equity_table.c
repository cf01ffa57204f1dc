/* equity_table.c - the table bt_equity; see equity_table.h. */
#include "api/equity_table.h"
#include "api/table.h"
#include "data/sql.h"
#include "run/curve.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

enum { C_RUN, C_TS, C_TIME, C_VALUE, C_CASH, C_DRAWDOWN, C_EXPOSED, C_OF };

typedef struct eq_cursor {
  sqlite3_vtab_cursor base;
  sqlite3_stmt *st; /* stands on the current chunk's row; finalized at the end of the scan */
  int64_t run, i, n;
  double peak;
  bool eof;
  int64_t ts[BV_CURVE_CHUNK];
  double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  uint8_t exposed[BV_CURVE_CHUNK];
} eq_cursor;

static int eq_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                      char **error) {
  (void)argc;
  (void)argv;
  (void)error;
  return bv_table_connect(db, aux,
                          "CREATE TABLE x(run INTEGER, ts INTEGER, time TEXT, value REAL,"
                          " cash REAL, drawdown REAL, exposed INTEGER, of INTEGER HIDDEN)",
                          SQLITE_VTAB_INNOCUOUS, sizeof(bv_table), out);
}

/* bt_equity(3), whose argument is the hidden column `of`, and WHERE run = 3 are one plan (idxNum 1).
** Rows come in order of run and time. */
static int eq_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  (void)base;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    if ((c->iColumn != C_RUN && c->iColumn != C_OF) || c->op != SQLITE_INDEX_CONSTRAINT_EQ ||
        !c->usable)
      continue;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 0; /* the value may be anything: the core compares again */
    info->idxNum = 1;
    break;
  }
  info->estimatedRows = info->idxNum ? 50000 : 1000000;
  info->estimatedCost = (double)info->estimatedRows;
  bool ordered = info->nOrderBy > 0;
  for (int i = 0; i < info->nOrderBy; i++) {
    static const int by[] = {C_RUN, C_TS};
    int want = info->idxNum && info->nOrderBy == 1 ? C_TS : i < 2 ? by[i] : -2;
    if (info->aOrderBy[i].desc || info->aOrderBy[i].iColumn != want) ordered = false;
  }
  info->orderByConsumed = ordered;
  return SQLITE_OK;
}

static int eq_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  (void)base;
  return bv_table_open(sizeof(eq_cursor), out);
}

static int eq_close(sqlite3_vtab_cursor *base) {
  sqlite3_finalize(((eq_cursor *)base)->st);
  bv_free(base);
  return SQLITE_OK;
}

/* Load the next chunk; a new run starts with its starting cash as the peak. */
static bv_rc next_chunk(eq_cursor *c, sqlite3 *db, bv_err *err) {
  int row;
  BV_TRY(bv_sql_row(db, c->st, &row, err, "reading bt_curve"));
  c->eof = !row;
  c->i = 0;
  if (!row) return BV_OK;
  int64_t run = sqlite3_column_int64(c->st, 0);
  if (run != c->run) c->peak = sqlite3_column_double(c->st, 1);
  c->run = run;
  c->n = sqlite3_column_int64(c->st, 2);
  return bv_curve_decode(sqlite3_column_blob(c->st, 3), sqlite3_column_bytes(c->st, 3), c->n, c->ts,
                         c->value, c->cash, c->exposed, err);
}

static void note_peak(eq_cursor *c) {
  if (!c->eof && c->value[c->i] > c->peak) c->peak = c->value[c->i];
}

static bv_rc start_scan(eq_cursor *c, sqlite3 *db, int plan, sqlite3_value **argv, bv_err *err) {
  sqlite3_stmt *has;
  int row;
  BV_TRY(bv_sql_prepare(db, "SELECT 1 FROM main.sqlite_schema WHERE name = 'bt_curve'", &has, err));
  bv_rc rc = bv_sql_row(db, has, &row, err, "bt_equity");
  sqlite3_finalize(has);
  if (rc != BV_OK || !row) return rc; /* no run yet: no rows */
  BV_TRY(bv_sql_prepare(db,
                        plan ? "SELECT c.run, r.cash, c.n, c.data FROM main.bt_curve c JOIN"
                               " main.bt_run r ON r.id = c.run WHERE c.run = ?1 ORDER BY c.chunk"
                             : "SELECT c.run, r.cash, c.n, c.data FROM main.bt_curve c JOIN"
                               " main.bt_run r ON r.id = c.run ORDER BY c.run, c.chunk",
                        &c->st, err));
  if (plan) sqlite3_bind_value(c->st, 1, argv[0]);
  BV_TRY(next_chunk(c, db, err));
  note_peak(c);
  return BV_OK;
}

static int eq_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int argc,
                     sqlite3_value **argv) {
  (void)letters;
  (void)argc;
  eq_cursor *c = (eq_cursor *)base;
  bv_err err = {0};
  sqlite3_finalize(c->st);
  c->st = NULL;
  c->eof = true;
  c->run = -1;
  bv_rc rc = start_scan(c, ((bv_table *)base->pVtab)->store->db, plan, argv, &err);
  return rc == BV_OK ? SQLITE_OK : bv_vtab_error(base->pVtab, rc, &err);
}

static int eq_next(sqlite3_vtab_cursor *base) {
  eq_cursor *c = (eq_cursor *)base;
  bv_err err = {0};
  if (++c->i >= c->n) {
    bv_rc rc = next_chunk(c, ((bv_table *)base->pVtab)->store->db, &err);
    if (rc != BV_OK) return bv_vtab_error(base->pVtab, rc, &err);
  }
  note_peak(c);
  return SQLITE_OK;
}

static int eq_eof(sqlite3_vtab_cursor *base) {
  return ((eq_cursor *)base)->eof;
}

static int eq_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int col) {
  const eq_cursor *c = (const eq_cursor *)base;
  char text[32];
  switch (col) {
  case C_RUN:
  case C_OF: sqlite3_result_int64(ctx, c->run); break;
  case C_TS: sqlite3_result_int64(ctx, c->ts[c->i]); break;
  case C_TIME:
    bv_instant_format(c->ts[c->i], text);
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    break;
  case C_VALUE: sqlite3_result_double(ctx, c->value[c->i]); break;
  case C_CASH: sqlite3_result_double(ctx, c->cash[c->i]); break;
  case C_DRAWDOWN:
    if (c->peak > 0) sqlite3_result_double(ctx, c->value[c->i] / c->peak - 1);
    break;
  default: sqlite3_result_int(ctx, c->exposed[c->i] != 0); break;
  }
  return SQLITE_OK;
}

static int eq_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((eq_cursor *)base)->ts[((eq_cursor *)base)->i];
  return SQLITE_OK;
}

static const sqlite3_module equity_module = {
    .iVersion = 2,
    .xConnect = eq_connect,
    .xBestIndex = eq_best_index,
    .xDisconnect = bv_table_disconnect,
    .xOpen = eq_open,
    .xClose = eq_close,
    .xFilter = eq_filter,
    .xNext = eq_next,
    .xEof = eq_eof,
    .xColumn = eq_column,
    .xRowid = eq_rowid,
};

int bv_equity_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_module_v2(db, "bt_equity", &equity_module, bv_store_ref(s),
                                  bv_store_release);
}
