/*
** hot.h - bars not yet sealed: the row table barsvt_hot.
**
** A bar here counts more than a sealed one of the same time: it was written later.
*/
#ifndef BV_DATA_HOT_H
#define BV_DATA_HOT_H

#include "col/chunk.h"
#include "data/store.h"

/* As bv_raw_read, of these rows alone. */
BV_MUST bv_rc bv_hot_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err);

BV_MUST bv_rc bv_hot_get(bv_store *s, int64_t series, int64_t ts, double value[BV_NCOL],
                         bool *found, bv_err *err);

/* Insert (doing nothing where there is a row of that time) or replace; *wrote tells which. */
BV_MUST bv_rc bv_hot_put(bv_store *s, int64_t series, int64_t ts, const double value[BV_NCOL],
                         bool replace, bool *wrote, bv_err *err);

/* Remove the rows with lo <= ts < hi. */
BV_MUST bv_rc bv_hot_delete(bv_store *s, int64_t series, int64_t lo, int64_t hi, bv_err *err);

/* How many rows there are with lo <= ts < hi, counting no further than limit. */
BV_MUST bv_rc bv_hot_count(bv_store *s, int64_t series, int64_t lo, int64_t hi, int64_t limit,
                           int64_t *n, bv_err *err);

/* Time of the first row at or after `from`. */
BV_MUST bv_rc bv_hot_first(bv_store *s, int64_t series, int64_t from, int64_t *ts, bool *found,
                           bv_err *err);

#endif
