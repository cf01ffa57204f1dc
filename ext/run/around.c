/* around.c - a savepoint around a run; see around.h. */
#include "run/around.h"
#include "run/row_move.h"

static bv_rc open_savepoint(bv_store *s, const char *who, bv_around *a, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = bv_savepoint_open(s->db, &a->savepoint, &why);
  if (rc == BV_OK) return BV_OK;
  if (rc == BV_BUSY) {
    return bv_fail_native(err, rc, why.native,
                          "%s cannot run inside a statement that writes; call it in a SELECT of "
                          "its own",
                          who);
  }
  return bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
}

/* The statement that writes nothing takes the lock for writing. */
static bv_rc take_lock(bv_store *s, bv_around *a, bv_err *err) {
  int row;
  bv_rc rc = bv_sql_row(s->db, a->undo, &row, err, "bars");
  sqlite3_reset(a->undo);
  return rc;
}

/* Rows of an earlier version are moved here: where a run is inside another savepoint, only that one can set its
** guard aside. */
static bv_rc open_around(bv_store *s, const char *who, bool write, bv_around *a, bv_err *err) {
  *a = (bv_around){0};
  BV_TRY(bv_sql_prepare(s->db, "INSERT INTO bars(asset) SELECT NULL WHERE 0", &a->undo, err));
  bv_rc rc = open_savepoint(s, who, a, err);
  if (rc == BV_OK && write) rc = take_lock(s, a, err);
  if (rc == BV_OK) rc = bv_savepoint_guard_schema(s->db, &a->savepoint, err);
  if (rc == BV_OK && write) rc = bv_rows_move(s->db, &a->savepoint, err);
  return rc == BV_OK ? BV_OK : bv_around_close(s, a, rc, err);
}

bv_rc bv_around_open(bv_store *s, const char *who, bv_around *a, bv_err *err) {
  return open_around(s, who, true, a, err);
}

/* While an interrupted statement is running (the SELECT that called us), SQLite refuses every other
** one, ROLLBACK TO included.  But a refused write rolls the whole transaction back, as an interrupted
** INSERT does.  Where nothing is refused this writes nothing. */
static void undo_interrupted(bv_around *a) {
  if (!a->undo || !a->savepoint.open) return;
  (void)sqlite3_step(a->undo);
  (void)sqlite3_reset(a->undo);
}

bv_rc bv_around_close(bv_store *s, bv_around *a, bv_rc rc, bv_err *err) {
  if (!a->undo) return rc;
  if (rc == BV_INTERRUPT) undo_interrupted(a);
  sqlite3_finalize(a->undo);
  a->undo = NULL;
  /* Without memory SQLite may undo the transaction and still say of the statement that it was refused. */
  if (rc == BV_OK && sqlite3_get_autocommit(s->db)) rc = BV_NOMEM;
  rc = bv_savepoint_close(s->db, &a->savepoint, rc, err);
  if (rc != BV_OK) bv_store_rolled_back(s);
  return rc;
}

/* ---- piece by piece ---- */

typedef enum step { WRITE, READ, COMMIT } step;

static bv_rc try_step(bv_store *s, bv_around *a, step what, bv_err *err) {
  if (what == COMMIT) return bv_savepoint_release(s->db, &a->savepoint, err);
  return open_around(s, "bt_run()", what == WRITE, a, err);
}

/* A state that was read before somebody else wrote cannot become one to write in, however long one waits:
** a statement of the caller still reads. */
static bv_rc explain_busy(const bv_err *why, bv_err *err) {
  if (why->native == SQLITE_BUSY_SNAPSHOT) {
    return bv_fail_native(err, BV_BUSY, why->native,
                          "another connection has written while a statement on this one was still"
                          " reading; with checkpoints a run is to be called in a SELECT without"
                          " FROM, and no other statement left open");
  }
  return bv_fail_native(err, BV_BUSY, why->native,
                        "another connection has kept the database locked for %d seconds",
                        BV_AROUND_WAIT_S);
}

static bv_rc patiently(bv_store *s, bv_around *a, step what, bv_err *err) {
  int waited = 0;
  for (int ms = 1;; ms = ms < 32 ? ms * 2 : 50) {
    bv_err why = {0};
    bv_rc rc = try_step(s, a, what, &why);
    if (rc == BV_OK) return BV_OK;
    if (rc != BV_BUSY) return bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
    if (why.native == SQLITE_BUSY_SNAPSHOT || waited >= 1000 * BV_AROUND_WAIT_S) {
      return explain_busy(&why, err);
    }
    waited += sqlite3_sleep(ms);
    BV_TRY(bv_sql_exec(s->db, "SELECT 1", err)); /* refused after an interrupt */
  }
}

bv_rc bv_around_write(bv_store *s, bv_around *a, bv_err *err) {
  return patiently(s, a, WRITE, err);
}

bv_rc bv_around_read(bv_store *s, bv_around *a, bv_err *err) {
  return patiently(s, a, READ, err);
}

bv_rc bv_around_commit(bv_store *s, bv_around *a, bv_err *err) {
  BV_TRY(patiently(s, a, COMMIT, err));
  sqlite3_finalize(a->undo);
  a->undo = NULL;
  return BV_OK;
}
