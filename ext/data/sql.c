/* sql.c - calls into SQLite with our errors; see sql.h. */
#include "data/sql.h"

#include <math.h>
#include <stdbool.h>

bv_rc bv_sql_rc(int code) {
  switch (code & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE: return BV_OK;
  case SQLITE_NOMEM: return BV_NOMEM;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return BV_BUSY;
  case SQLITE_INTERRUPT: return BV_INTERRUPT;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return BV_CORRUPT;
  case SQLITE_CONSTRAINT: return BV_CONFLICT;
  case SQLITE_TOOBIG: return BV_LIMIT;
  case SQLITE_ERROR:
  case SQLITE_MISMATCH:
  case SQLITE_AUTH: return BV_ARG;
  case SQLITE_MISUSE:
  case SQLITE_INTERNAL: return BV_INTERNAL;
  default: return BV_IO;
  }
}

bv_rc bv_sql_fail(sqlite3 *db, int code, bv_err *err, const char *doing) {
  int extended = sqlite3_extended_errcode(db);
  int native = (extended & 0xff) == (code & 0xff) ? extended : code;
  return bv_fail_native(err, bv_sql_rc(code), native, "%s: %s", doing, sqlite3_errmsg(db));
}

bv_rc bv_sql_exec(sqlite3 *db, const char *sql, bv_err *err) {
  int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? BV_OK : bv_sql_fail(db, code, err, "database");
}

bv_rc bv_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, bv_err *err) {
  *out = NULL;
  int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  return code == SQLITE_OK ? BV_OK : bv_sql_fail(db, code, err, "database");
}

bv_rc bv_sql_row(sqlite3 *db, sqlite3_stmt *st, int *row, bv_err *err, const char *doing) {
  int code = sqlite3_step(st);
  *row = code == SQLITE_ROW;
  if (code == SQLITE_ROW) return BV_OK;
  int again = sqlite3_reset(st); /* gives the precise code of a failed step */
  if (code == SQLITE_DONE) return BV_OK;
  return bv_sql_fail(db, again != SQLITE_OK ? again : code, err, doing);
}

bv_rc bv_sql_done(sqlite3 *db, sqlite3_stmt *st, bv_err *err, const char *doing) {
  int row;
  do {
    BV_TRY(bv_sql_row(db, st, &row, err, doing));
  } while (row);
  return BV_OK;
}

const char *bv_sql_text(sqlite3_stmt *st, int col) {
  const unsigned char *s = sqlite3_column_text(st, col);
  return s ? (const char *)s : "";
}

void bv_sql_bind_real(sqlite3_stmt *st, int at, double v) {
  if (isnan(v)) {
    sqlite3_bind_null(st, at);
  } else {
    sqlite3_bind_double(st, at, v);
  }
}

bv_rc bv_sql_poll(sqlite3 *db, sqlite3_stmt *poll, bv_err *err) {
  int row;
  bv_rc rc = bv_sql_row(db, poll, &row, err, "stopped");
  sqlite3_reset(poll);
  return rc;
}

/* The guard is a write that names no table and would do nothing, prepared while statements still run. */
bv_rc bv_savepoint_open(sqlite3 *db, bv_savepoint *sp, bv_err *err) {
  *sp = (bv_savepoint){0};
  int code = sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &sp->guard, NULL);
  bv_rc rc = bv_sql_rc(code);
  if (rc == BV_NOMEM || rc == BV_INTERRUPT) return bv_sql_fail(db, code, err, "database");
  sp->outermost = sqlite3_get_autocommit(db);
  rc = bv_sql_exec(db, "SAVEPOINT barsvt", err);
  sp->open = rc == BV_OK;
  if (!sp->open) sqlite3_finalize(sp->guard);
  return rc;
}

/* A full disk or an interrupted write has rolled everything back already: then there is no savepoint
** and these calls fail, which changes nothing.  After an interrupt, or where SQLite itself ran out of
** memory, no statement runs until the outermost one has ended; a write that is refused for that
** makes SQLite undo the transaction.  To release the outermost savepoint is to commit, which another
** connection's reader keeps from being done although nothing is left to commit: it is rolled back. */
static void undo(sqlite3 *db, bv_savepoint *sp) {
  int code = sqlite3_exec(db, "ROLLBACK TO barsvt", NULL, NULL, NULL) & 0xff;
  if (code == SQLITE_OK) code = sqlite3_exec(db, "RELEASE barsvt", NULL, NULL, NULL) & 0xff;
  if (code == SQLITE_BUSY && sp->outermost)
    code = sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) & 0xff;
  bool refused = code == SQLITE_INTERRUPT || code == SQLITE_NOMEM;
  if (refused && sp->guard && !sqlite3_get_autocommit(db)) sqlite3_step(sp->guard);
  if (refused && sp->reader && !sqlite3_get_autocommit(db)) sqlite3_reset(sp->reader);
}

bv_rc bv_savepoint_guard_schema(sqlite3 *db, bv_savepoint *sp, bv_err *err) {
  int row;
  BV_TRY(bv_sql_prepare(db, "SELECT count(*) FROM main.sqlite_schema", &sp->reader, err));
  return bv_sql_row(db, sp->reader, &row, err, "sqlite_schema");
}

static void let_go(bv_savepoint *sp) {
  sqlite3_finalize(sp->guard);
  sqlite3_finalize(sp->reader);
  *sp = (bv_savepoint){0};
}

bv_rc bv_savepoint_release(sqlite3 *db, bv_savepoint *sp, bv_err *err) {
  BV_TRY(bv_sql_exec(db, "RELEASE barsvt", err));
  let_go(sp);
  return BV_OK;
}

bv_rc bv_savepoint_close(sqlite3 *db, bv_savepoint *sp, bv_rc rc, bv_err *err) {
  if (!sp->open) return rc;
  if (rc == BV_OK) rc = bv_savepoint_release(db, sp, err);
  if (rc == BV_OK) return BV_OK;
  undo(db, sp);
  let_go(sp);
  return rc;
}
