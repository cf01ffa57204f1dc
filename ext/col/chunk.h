/*
** chunk.h - a growing batch of bars in its own memory: what readers fill and importers collect.
**
** Unlike a ring it grows, is never trimmed, and may be reversed or sorted.  Columns outside its
** mask are absent.
*/
#ifndef BV_COL_CHUNK_H
#define BV_COL_CHUNK_H

#include "base/alloc.h"
#include "col/bars.h"

#include <stdbool.h>

typedef struct bv_chunk {
  int64_t n, cap;
  unsigned mask;
  bv_mem mem;
  int64_t *ts;
  double *col[BV_NCOL];
} bv_chunk;

/* Empty; nothing is allocated yet. */
void bv_chunk_init(bv_chunk *c, bv_mem mem, unsigned mask);
void bv_chunk_reset(bv_chunk *c);

/* Forget the bars, keep the memory. */
static inline void bv_chunk_clear(bv_chunk *c) {
  c->n = 0;
}

/* Room for n bars in all. */
BV_MUST bv_rc bv_chunk_reserve(bv_chunk *c, int64_t n);

/* Give back room of more than a quarter; where there is no memory to move to, nothing happens. */
void bv_chunk_shrink(bv_chunk *c);

/* Add a column to the mask; the bars there have no value in it. */
BV_MUST bv_rc bv_chunk_widen(bv_chunk *c, int col);

/* Append one bar: value[col] for each column of the mask. */
BV_MUST bv_rc bv_chunk_add(bv_chunk *c, int64_t ts, const double value[BV_NCOL]);

/* Drop all but the last n bars. */
void bv_chunk_keep_last(bv_chunk *c, int64_t n);

/* Turn the order round. */
void bv_chunk_reverse(bv_chunk *c);

/* Whether times rise strictly. */
bool bv_chunk_ordered(const bv_chunk *c);

/* Sort by time, stably; of bars with one time the last added stays.  *dropped (may be NULL) counts
** the others. */
BV_MUST bv_rc bv_chunk_sort(bv_chunk *c, int64_t *dropped);

/* Append bars, in the columns the chunk has; an absent one becomes NaN. */
BV_MUST bv_rc bv_chunk_append(bv_chunk *c, const bv_bars *bars);

/* The bars as a borrowed view; and those of them with lo <= ts < hi. */
bv_bars bv_chunk_view(const bv_chunk *c);
bv_bars bv_chunk_range(const bv_chunk *c, int64_t lo, int64_t hi);

#endif
