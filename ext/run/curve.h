/*
** curve.h - the equity curve of a run, stored in chunks of table bt_curve; curve_code.h has their form.
*/
#ifndef BV_RUN_CURVE_H
#define BV_RUN_CURVE_H

#include "data/sql.h"
#include "run/curve_code.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_curve {
  int64_t n, chunk, total;
  int64_t ts[BV_CURVE_CHUNK];
  double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  uint8_t exposed[BV_CURVE_CHUNK];
  bv_buf blob; /* a chunk while it is written */
} bv_curve;

/* What it holds beside itself. */
void bv_curve_reset(bv_curve *c);

/* Take in the n points whose times and values lie behind those held. */
void bv_curve_extend(bv_curve *c, int64_t n, double cash, bool first_exposed, bool exposed);

/* Write the points held as one chunk through a statement INSERT OR REPLACE INTO bt_curve VALUES (?1..?6). */
BV_MUST bv_rc bv_curve_flush(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err);

/* The same, but go on with these points: the chunk is written anew once there are more. */
BV_MUST bv_rc bv_curve_tail(bv_curve *c, sqlite3 *db, sqlite3_stmt *st, int64_t run, bv_err *err);

#endif
