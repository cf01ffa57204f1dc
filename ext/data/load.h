/*
** load.h - storing many bars of one series.
**
** Bars are collected chunk by chunk and written as sealed chunks at once; rows are used only for what
** is too little to seal.  Bars may come in any order: where they jump about, they go to rows and are
** sealed at the end.  The stored state afterwards depends on the bars alone (see compact.h).
*/
#ifndef BV_DATA_LOAD_H
#define BV_DATA_LOAD_H

#include "col/chunk.h"
#include "data/put.h"

typedef struct bv_load {
  bv_series series;
  bv_on_conflict how;
  int64_t chunk;  /* of the bars collected */
  int64_t lo, hi; /* its range; empty before the first bar */
  bv_chunk pending;
  int64_t rows, fresh, changed; /* bars given; of them new, and with other values than before */
  int64_t first, last;          /* times of the first and last bar given */
} bv_load;

/* mask: the columns the bars have. */
void bv_load_init(bv_load *l, const bv_series *series, unsigned mask, bv_on_conflict how);
void bv_load_reset(bv_load *l);

/* Take one bar; whole chunks are written as they fill. */
BV_MUST bv_rc bv_load_add(bv_store *s, bv_load *l, int64_t ts, const double value[BV_NCOL],
                          bv_err *err);

/* Write what is left and seal what can be sealed. */
BV_MUST bv_rc bv_load_finish(bv_store *s, bv_load *l, bv_err *err);

#endif
