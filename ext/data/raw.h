/*
** raw.h - reading stored bars past any clock.
**
** Nothing here knows the clock.  Only the layer data itself and the run driver's matcher
** (run/match_feed.c) may include this header; scripts/layers.sh checks it.  Everybody else reads
** through view.h.
*/
#ifndef BV_DATA_RAW_H
#define BV_DATA_RAW_H

#include "col/chunk.h"
#include "data/store.h"

/* Append to `out` the bars of a series with lo <= ts < hi, in order of time, at most max of them:
** the oldest ones, or with desc the newest ones.  Columns are those of out->mask (among the stored
** ones).  Stored values of the wrong type are BV_CORRUPT. */
BV_MUST bv_rc bv_raw_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err);

#endif
