/*
** patch.h - the values of a block that have no place on its grid: NaN, -0.0, what lies between.
**
** They are stored in runs behind the block's packed residuals; segment.c has the form.
*/
#ifndef BV_COL_PATCH_H
#define BV_COL_PATCH_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Append the list of the values of x[n] whose patch[] is set, at least one. */
BV_MUST bv_rc bv_patches_put(const double *x, const uint8_t *patch, size_t n, bv_buf *out);

/* Where a reader stands in the list of a block. */
typedef struct bv_patches {
  const uint8_t *p, *end;
  uint64_t runs;     /* not begun */
  uint64_t gap, len; /* of the run at hand: values before it, and in it */
  size_t left;       /* values of the block that no run has been given */
  double value;
  bool any;
} bv_patches;

/* Begin the list of a block of n values.  Each of these is false where the bytes contradict themselves. */
BV_MUST bool bv_patches_begin(bv_patches *c, const uint8_t *p, const uint8_t *end, size_t n);

/* Put the patches of the next n values in their places. */
BV_MUST bool bv_patches_apply(bv_patches *c, double *x, size_t n);

/* Whether the list and its bytes are used up. */
BV_MUST bool bv_patches_end(const bv_patches *c);

#endif
