/*
** batch.h - the rows of one step, gathered before any is handed over, so that they all see the same state.
**
** The statement's texts end with its next row, so they are copied: one after the other into one buffer,
** which moves as it grows.  Until bv_batch_seal() a row's texts are therefore offsets into it.  Rows and
** buffer are kept from step to step.
*/
#ifndef BV_RUN_BATCH_H
#define BV_RUN_BATCH_H

#include "run/strategy.h"

typedef struct bv_batch {
  bv_signal *row;
  int n;
  char *text;
  size_t used, room;
} bv_batch;

void bv_batch_reset(bv_batch *b);

/* A place for the next row, which counts once it is kept; NULL without memory. */
bv_signal *bv_batch_next(bv_batch *b);

/* Keep the row last given out, with copies of its texts. */
BV_MUST bv_rc bv_batch_keep(bv_batch *b);

/* All rows are in: their texts can be read until the next bv_batch_clear(). */
void bv_batch_seal(bv_batch *b);
void bv_batch_clear(bv_batch *b);

#endif
