/*
** segread.h - a value column of a segment, read piece by piece.
**
** A reader has a copy of the whole blob, compressed and verified.  The
** values are then decoded a piece at a time, in order: many columns can be read side by side with little of each
** in memory.  Pieces end where frames do (bitpack.h) or blocks; the columns that the blob is coded against are read
** in the same pieces before.
*/
#ifndef BV_COL_SEGREAD_H
#define BV_COL_SEGREAD_H

#include "col/segment.h"

typedef struct bv_segread bv_segread;

BV_MUST bv_rc bv_segread_new(bv_segread **out);
void bv_segread_free(bv_segread *r);

/* Keep a copy of a blob, in memory that is used again by the next one; and begin with it, which another thread may do.
** Errors as those of bv_segment_decode. */
BV_MUST bv_rc bv_segread_hold(bv_segread *r, const void *blob, size_t bytes);
BV_MUST bv_rc bv_segread_begin(bv_segread *r, bv_segctx *ctx, bv_column col, bv_err *err);

/* Bars of the segment, and columns it is coded against. */
size_t bv_segread_bars(const bv_segread *r);
unsigned bv_segread_needs(const bv_segread *r);

/* How many bars there are up to the end of the block at hand; 0 at the end of the segment.  *whole tells whether
** none of them is a NaN for sure. */
BV_MUST bv_rc bv_segread_left(bv_segread *r, size_t *left, bool *whole, bv_err *err);

/* Decode the next n of them, a multiple of BV_FRAME or all that are left.  deps->at is the place of the first in the
** columns it is coded against, whose values before it are read, too, unless it is 0: the segment's first bar. */
BV_MUST bv_rc bv_segread_next(bv_segread *r, bv_segctx *ctx, size_t n, const bv_deps *deps,
                              double *out, bv_err *err);

/* Pass over the next n of them, n likewise: cheaper where they are not coded against the bars before.  scratch has room for n values. */
BV_MUST bv_rc bv_segread_skip(bv_segread *r, bv_segctx *ctx, size_t n, double *scratch,
                              bv_err *err);

#endif
