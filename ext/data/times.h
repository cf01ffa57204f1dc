/*
** times.h - the times of sealed chunks, one copy for all series that have the same.
**
** Assets of one market have their bars at the same instants, so the times of a chunk are the same bytes in each of
** them.  They are decoded once; that two series have the very same times is then seen from the pointer.
*/
#ifndef BV_DATA_TIMES_H
#define BV_DATA_TIMES_H

#include "col/segment.h"

#include <stdbool.h>

/* Times of a chunk, decoded. */
typedef struct bv_times {
  int readers;
  int64_t n;
  int64_t *ts;
  bool ordered; /* they rise strictly */
  size_t bytes; /* as stored */
  uint8_t blob[];
} bv_times;

/* Those used last. */
typedef struct bv_timeset {
  bv_times *slot[4];
  unsigned next; /* to be replaced */
} bv_timeset;

/* The n times of a blob, with one more reader; errors as those of bv_segment_decode_ts. */
BV_MUST bv_rc bv_times_get(bv_timeset *set, bv_segctx *ctx, const void *blob, size_t bytes,
                           int64_t n, bv_times **out, bv_err *err);
void bv_times_done(bv_times *t); /* NULL is fine */

void bv_timeset_reset(bv_timeset *set);

#endif
