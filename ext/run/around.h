/*
** around.h - a savepoint around a run or several: all of it is kept, or nothing.
**
** The lock for writing is taken at once, so that nobody can come between what is read from then on and
** what is written.
*/
#ifndef BV_RUN_AROUND_H
#define BV_RUN_AROUND_H

#include "data/sql.h"
#include "data/store.h"

typedef struct bv_around {
  bv_savepoint savepoint;
  sqlite3_stmt *undo; /* a write of nothing */
} bv_around;

/* `who` is the function that the error names, inside a statement that writes (BV_BUSY). */
BV_MUST bv_rc bv_around_open(bv_store *s, const char *who, bv_around *a, bv_err *err);

/* Keep everything where rc is BV_OK, undo it where it is not; returns rc, or the error of keeping.  No
** statement that reads what is undone may be open.  After an interrupt all of the caller's transaction
** is undone, as SQLite does with an INSERT. */
BV_MUST bv_rc bv_around_close(bv_store *s, bv_around *a, bv_rc rc, bv_err *err);

#endif
