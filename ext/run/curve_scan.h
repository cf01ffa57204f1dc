/*
** curve_scan.h - reading the stored curve of a run, a chunk at a time.
**
** A scan walks it from the first point to the last.  Marks say how many of its points lie at or before an
** instant; they keep the times of a few chunks, and find the others by the times that begin them.
*/
#ifndef BV_RUN_CURVE_SCAN_H
#define BV_RUN_CURVE_SCAN_H

#include "data/sql.h"
#include "run/curve_code.h"

#include <stdbool.h>

typedef struct bv_curve_scan {
  sqlite3 *db;
  sqlite3_stmt *st;
  int64_t n; /* points of the current chunk; 0 at the end */
  int64_t ts[BV_CURVE_CHUNK];
  double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  uint8_t exposed[BV_CURVE_CHUNK];
} bv_curve_scan;

/* Ready before the first chunk of a run.  To be closed, after a failure too. */
BV_MUST bv_rc bv_curve_scan_open(bv_curve_scan *s, sqlite3 *db, int64_t run, bv_err *err);
BV_MUST bv_rc bv_curve_scan_next(bv_curve_scan *s, bv_err *err);
void bv_curve_scan_close(bv_curve_scan *s);

#define BV_CURVE_MARKS 8 /* chunks whose times are kept */

typedef struct bv_curve_mark {
  int64_t chunk, n; /* n = 0: none */
  int64_t first,
      limit;    /* the first instant of it, and of the next chunk (INT64_MAX: it is the last) */
  int64_t at;   /* points found the last time */
  int64_t used; /* when, counting uses */
  int64_t *ts;
} bv_curve_mark;

typedef struct bv_curve_marks {
  sqlite3 *db;
  sqlite3_stmt *st;
  int64_t run, chunks;
  int64_t uses;
  int now; /* the chunk used last */
  bv_curve_mark mark[BV_CURVE_MARKS];
} bv_curve_marks;

/* Of a run whose curve has that many points, BV_CURVE_CHUNK in each chunk but the last. */
BV_MUST bv_rc bv_curve_marks_open(bv_curve_marks *m, sqlite3 *db, int64_t run, int64_t points,
                                  bv_err *err);
void bv_curve_marks_close(bv_curve_marks *m);

/* How many points lie at or before each of n instants. */
BV_MUST bv_rc bv_curve_marks_count(bv_curve_marks *m, const int64_t *t, int64_t n, int64_t *points,
                                   bv_err *err);

#endif
