/*
** block.h - up to 4,096 values of one column as bytes that stand alone.
**
** What a segment does for a column of bars, without its statistics and without other columns to predict
** from: the values become small integers (codec.h) that are packed (bitpack.h).  Integers and doubles come
** back to the bit.  The stored form is in block.c.
*/
#ifndef BV_COL_BLOCK_H
#define BV_COL_BLOCK_H

#include "base/buf.h"
#include "col/bitpack.h"
#include "col/codec.h"

#include <stdbool.h>

#define BV_BLOCK_MAX 4096

/* Scratch of any number of calls, one at a time. */
typedef struct bv_block_room {
  int64_t k[BV_BLOCK_MAX];
  uint64_t u[2][BV_BLOCK_MAX];
  uint32_t narrow[BV_BLOCK_MAX];
  uint8_t patch[BV_BLOCK_MAX];
  uint8_t packed[BV_BLOCK_MAX / BV_FRAME * (3 + 32 * 64)];
  double some[BV_BLOCK_MAX];
} bv_block_room;

/* What the block before of the same column was coded with, zeroed before the first one: looking for a grid takes
** longer than the rest, so it is looked for once in a while, or where the last one does not do any more. */
typedef struct bv_block_hint {
  bv_model model;
  size_t patches;
  bool no_grid; /* there was none */
  bool steps;   /* differences were smaller than the values, */
  int left;     /* blocks for which it is good, */
  int tried;    /* and for which that is */
} bv_block_hint;

/* Append 0 < n <= BV_BLOCK_MAX values.  hint may be NULL. */
BV_MUST bv_rc bv_block_put_int(bv_block_room *room, const int64_t *x, size_t n, bv_block_hint *hint,
                               bv_buf *out);
BV_MUST bv_rc bv_block_put_real(bv_block_room *room, const double *x, size_t n, bv_block_hint *hint,
                                bv_buf *out);

/* Take n values out of exactly these bytes; false where they are not such a block. */
BV_MUST bool bv_block_get_int(bv_block_room *room, const uint8_t *p, size_t bytes, size_t n,
                              int64_t *out);
BV_MUST bool bv_block_get_real(bv_block_room *room, const uint8_t *p, size_t bytes, size_t n,
                               double *out);

#endif
