/* curve.c - the equity curve of a run, in chunks; see curve.h. */
#include "run/curve.h"

#include <assert.h>
#include <string.h>

#define MOST_BYTES (1 << 20)

void bv_curve_extend(bv_curve *c, int64_t n, double cash, bool first_exposed, bool exposed) {
  assert(n > 0 && c->n + n <= BV_CURVE_CHUNK);
  for (int64_t i = c->n; i < c->n + n; i++) c->cash[i] = cash;
  memset(c->exposed + c->n, exposed, (size_t)n);
  c->exposed[c->n] = first_exposed;
  c->n += n;
  c->total += n;
}

void bv_curve_reset(bv_curve *c) {
  bv_buf_reset(&c->blob);
}

bv_rc bv_curve_tail(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err) {
  if (c->n == 0) return BV_OK;
  if (c->blob.max == 0) bv_buf_init(&c->blob, BV_MEM_RUN, MOST_BYTES);
  bv_buf_clear(&c->blob);
  BV_TRY(bv_curve_encode(c->ts, c->value, c->cash, c->exposed, c->n, &c->blob));
  sqlite3_bind_int64(st, 1, run);
  sqlite3_bind_int64(st, 2, c->chunk);
  sqlite3_bind_int64(st, 3, c->n);
  sqlite3_bind_int64(st, 4, c->ts[0]);
  sqlite3_bind_int64(st, 5, c->ts[c->n - 1]);
  sqlite3_bind_blob(st, 6, c->blob.p, (int)c->blob.n, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(db, st, err, "writing bt_curve");
  sqlite3_clear_bindings(st);
  return rc;
}

bv_rc bv_curve_flush(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err) {
  if (c->n == 0) return BV_OK;
  BV_TRY(bv_curve_tail(c, db, st, run, err));
  c->chunk++;
  c->n = 0;
  return BV_OK;
}
