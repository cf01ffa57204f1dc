/*
** put.h - writing stored bars.
*/
#ifndef BV_DATA_PUT_H
#define BV_DATA_PUT_H

#include "data/store.h"

typedef enum bv_on_conflict {
  BV_CONFLICT_ERROR,
  BV_CONFLICT_IGNORE,
  BV_CONFLICT_REPLACE
} bv_on_conflict;

typedef enum bv_put_result { BV_PUT_SAME, BV_PUT_NEW, BV_PUT_CHANGED } bv_put_result;

/* Store one bar.  A bar with the same values under the same time is left as it is.  With different
** values: BV_CONFLICT, ignored, or replaced.  *what (may be NULL) tells what happened. */
BV_MUST bv_rc bv_raw_put(bv_store *s, const bv_series *series, int64_t ts,
                         const double value[BV_NCOL], bv_on_conflict how, bv_put_result *what,
                         bv_err *err);

/* Remove one bar; no error if it is not there. */
BV_MUST bv_rc bv_raw_delete(bv_store *s, const bv_series *series, int64_t ts, bv_err *err);

/* Read one bar; *found = false where it is not there. */
BV_MUST bv_rc bv_raw_get(bv_store *s, const bv_series *series, int64_t ts, double value[BV_NCOL],
                         bool *found, bv_err *err);

/* Whether two bars have the same values in every stored column. */
bool bv_bar_same(const double *a, const double *b);

/* Write the error for a bar whose time is taken by other values. */
bv_rc bv_put_conflict(const bv_series *series, int64_t ts, bv_err *err);

#endif
