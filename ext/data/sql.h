/*
** sql.h - calls into SQLite with our errors.
*/
#ifndef BV_DATA_SQL_H
#define BV_DATA_SQL_H

#include "base/status.h"
#include "data/db.h"

#include <stdint.h>

/* Our code for a SQLITE_* code. */
bv_rc bv_sql_rc(int code);

/* Turn a failed SQLite call into an error: `doing` and the connection's message. */
bv_rc bv_sql_fail(sqlite3 *db, int code, bv_err *err, const char *doing);

/* Run statements that return nothing. */
BV_MUST bv_rc bv_sql_exec(sqlite3 *db, const char *sql, bv_err *err);

/* Prepare one statement. */
BV_MUST bv_rc bv_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, bv_err *err);

/* Step a statement that must not return a row; it is reset. */
BV_MUST bv_rc bv_sql_done(sqlite3 *db, sqlite3_stmt *st, bv_err *err, const char *doing);

/* Step a statement: *row = 1 for a row, 0 at the end (then it is reset). */
BV_MUST bv_rc bv_sql_row(sqlite3 *db, sqlite3_stmt *st, int *row, bv_err *err, const char *doing);

/* A text column that is never NULL ("" instead), borrowed until the next step. */
const char *bv_sql_text(sqlite3_stmt *st, int col);

/* Bind a double, NaN as NULL. */
void bv_sql_bind_real(sqlite3_stmt *st, int at, double v);

/* BV_INTERRUPT where the user asked to stop (sqlite3_interrupt); `poll` is a prepared "SELECT 1". */
BV_MUST bv_rc bv_sql_poll(sqlite3 *db, sqlite3_stmt *poll, bv_err *err);

/* A savepoint that is released or rolled back as a whole. */
typedef struct bv_savepoint {
  int open;
  int outermost; /* there was no transaction: to release it is to commit */
  sqlite3_stmt *guard, *reader;
} bv_savepoint;

BV_MUST bv_rc bv_savepoint_open(sqlite3 *db, bv_savepoint *sp, bv_err *err);

/* Before tables are made inside the savepoint, and once something was written in it.  Where SQLite runs out
** of memory while it reads the new schema, every statement that has not begun is lost, the one that would
** undo the transaction too; one that has begun is not. */
BV_MUST bv_rc bv_savepoint_guard_schema(sqlite3 *db, bv_savepoint *sp, bv_err *err);

/* Release it; where that fails (BV_BUSY: somebody reads) all is as it was, and it can be tried again. */
BV_MUST bv_rc bv_savepoint_release(sqlite3 *db, bv_savepoint *sp, bv_err *err);

/* Release it where rc is BV_OK, undo everything since where it is not; returns rc, or the error of
** releasing.  After sqlite3_interrupt(), or when SQLite ran out of memory, no statement runs, ROLLBACK
** TO neither: then all of the transaction is undone, as SQLite does with an interrupted INSERT. */
BV_MUST bv_rc bv_savepoint_close(sqlite3 *db, bv_savepoint *sp, bv_rc rc, bv_err *err);

#endif
