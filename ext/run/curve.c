/* curve.c - the equity curve of a run, in chunks; see curve.h. */
#include "run/curve.h"
#include "base/alloc.h"

#include <string.h>

static void put_le(uint8_t *out, const void *values, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits;
    memcpy(&bits, (const char *)values + i * 8, 8);
    for (int b = 0; b < 8; b++) out[i * 8 + b] = (uint8_t)(bits >> (8 * b));
  }
}

static void get_le(const uint8_t *in, void *values, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits = 0;
    for (int b = 0; b < 8; b++) bits |= (uint64_t)in[i * 8 + b] << (8 * b);
    memcpy((char *)values + i * 8, &bits, 8);
  }
}

bv_rc bv_curve_flush(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err) {
  if (c->n == 0) return BV_OK;
  size_t n = (size_t)c->n;
  uint8_t *blob = bv_alloc(BV_MEM_RUN, n * 25);
  if (!blob) return BV_NOMEM;
  put_le(blob, c->ts, c->n);
  put_le(blob + n * 8, c->value, c->n);
  put_le(blob + n * 16, c->cash, c->n);
  memcpy(blob + n * 24, c->exposed, n);
  sqlite3_bind_int64(st, 1, run);
  sqlite3_bind_int64(st, 2, c->chunk);
  sqlite3_bind_int64(st, 3, c->n);
  sqlite3_bind_int64(st, 4, c->ts[0]);
  sqlite3_bind_int64(st, 5, c->ts[n - 1]);
  sqlite3_bind_blob(st, 6, blob, (int)(n * 25), SQLITE_STATIC);
  bv_rc rc = bv_sql_done(db, st, err, "writing bt_curve");
  sqlite3_clear_bindings(st);
  bv_free(blob);
  c->chunk++;
  c->n = 0;
  return rc;
}

bv_rc bv_curve_decode(const void *blob, int64_t size, int64_t n, int64_t *ts, double *value,
                      double *cash, uint8_t *exposed, bv_err *err) {
  const uint8_t *p = blob;
  if (!p || n <= 0 || n > BV_CURVE_CHUNK || size != n * 25) {
    return bv_fail(err, BV_CORRUPT, "bt_curve: a chunk of %lld points has %lld bytes", (long long)n,
                   (long long)size);
  }
  get_le(p, ts, n);
  get_le(p + n * 8, value, n);
  get_le(p + n * 16, cash, n);
  memcpy(exposed, p + n * 24, (size_t)n);
  for (int64_t i = 1; i < n; i++) {
    if (ts[i] <= ts[i - 1]) return bv_fail(err, BV_CORRUPT, "bt_curve: times are not in order");
  }
  return BV_OK;
}
