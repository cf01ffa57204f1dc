/*
** around.h - a savepoint around a run or several: all of it is kept, or nothing.
**
** Outside of a transaction it is one.  The lock for writing is taken at once, so that nobody can come
** between what is read from then on and what is written; or a state to read is held, without a lock that
** keeps others from writing.
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

/* The same three for a run that is kept piece by piece, outside of any transaction.  Somebody else's lock
** is waited for, up to BV_AROUND_WAIT_S seconds.  Where committing fails everything is as before it. */
#define BV_AROUND_WAIT_S 10
BV_MUST bv_rc bv_around_write(bv_store *s, bv_around *a, bv_err *err);
BV_MUST bv_rc bv_around_read(bv_store *s, bv_around *a, bv_err *err);
BV_MUST bv_rc bv_around_commit(bv_store *s, bv_around *a, bv_err *err);

#endif
