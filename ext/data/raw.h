/*
** raw.h - reading stored bars past any clock.
**
** A series is read as a whole, from its file and its partitions.  Nothing here knows the clock.  Only the layer data itself and the run driver's matcher
** (run/match_feed.c, run/quote_feed.c) may include this header; scripts/layers.sh checks it.  Everybody else reads
** through view.h.
*/
#ifndef BV_DATA_RAW_H
#define BV_DATA_RAW_H

#include "col/chunk.h"
#include "data/store.h"
#include "data/walk.h"

/* Append to `out` the bars of a series with lo <= ts < hi, in order of time, at most max of them:
** the oldest ones, or with desc the newest ones.  Columns are those of out->mask (among the stored
** ones).  Stored values of the wrong type are BV_CORRUPT. */
BV_MUST bv_rc bv_raw_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err);

/* Show the bars of [lo, hi) to fn, run by run in order of time; sealed bars as they lie in memory, where
** no row is among them.  What fn is shown is borrowed until it returns; it must not read.  Stops at the
** first result that is not BV_OK. */
typedef bv_rc (*bv_raw_fn)(void *ctx, const bv_bars *bars);
BV_MUST bv_rc bv_raw_each(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                          unsigned mask, bv_raw_fn fn, void *ctx, bv_err *err);

/* The next bars of a walk, none at the end, of those before `hi`; borrowed until the next call.  Columns that are not
** stored are absent.  Series whose times are the same as stored are shown the same array. */
BV_MUST bv_rc bv_raw_walk(bv_walk *w, int64_t hi, bv_bars *out, bv_err *err);

/* Decode the columns that bv_walk_now() has left out of the bars that were shown last, which `bars` are, and show them. */
BV_MUST bv_rc bv_raw_walk_fill(bv_walk *w, bv_bars *bars, bv_err *err);

/* Where a walk with a crew has used up a chunk: read the next one, so that the crew can begin with it.  The bars that
** were shown last, and their times, are no more. */
BV_MUST bv_rc bv_raw_walk_ready(bv_walk *w, bv_err *err);

#endif
