/*
** own.h - stored bars of one file alone, without those of its partitions.
**
** What writes, seals and checks a file works on these; readers see a series as a whole (raw.h).
*/
#ifndef BV_DATA_OWN_H
#define BV_DATA_OWN_H

#include "data/raw.h"

/* As bv_raw_read and bv_raw_each, of the store's file alone. */
BV_MUST bv_rc bv_own_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err);
BV_MUST bv_rc bv_own_each(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                          unsigned mask, bv_raw_fn fn, void *ctx, bv_err *err);

/* Whether there is a bar in [lo, hi). */
BV_MUST bv_rc bv_own_any(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, bool *out,
                         bv_err *err);

/* Append bars [i, j) of `old` merged with `newer` by time, where `newer` wins, until there are `want` bars in all of
** out. */
BV_MUST bv_rc bv_own_merge(bv_chunk *out, const bv_bars *old, int64_t i, int64_t j,
                           const bv_bars *newer, int64_t want);

#endif
