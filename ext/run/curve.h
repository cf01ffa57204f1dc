/*
** curve.h - the equity curve of a run, stored in chunks of table bt_curve.
**
** A chunk's data, n points, all little-endian:
**      0        n x int64    times, strictly increasing
**      8 n      n x float64  account value
**     16 n      n x float64  cash
**     24 n      n x uint8    1 where a position was open in the step
*/
#ifndef BV_RUN_CURVE_H
#define BV_RUN_CURVE_H

#include "data/sql.h"

#include <stdbool.h>
#include <stdint.h>

#define BV_CURVE_CHUNK 4096

typedef struct bv_curve {
  int64_t n, chunk, total;
  int64_t ts[BV_CURVE_CHUNK];
  double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  uint8_t exposed[BV_CURVE_CHUNK];
} bv_curve;

/* Write the points held as one chunk through a statement INSERT INTO bt_curve VALUES (?1..?6). */
BV_MUST bv_rc bv_curve_flush(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err);

/* Take a stored blob apart: the four arrays at `ts`, `value`, `cash`, `exposed` have room for n.
** BV_CORRUPT where its size or its times are not those of a chunk. */
BV_MUST bv_rc bv_curve_decode(const void *blob, int64_t size, int64_t n, int64_t *ts, double *value,
                              double *cash, uint8_t *exposed, bv_err *err);

#endif
