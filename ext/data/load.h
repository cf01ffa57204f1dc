/*
** load.h - storing many bars of one series.
**
** Bars are collected chunk by chunk and written as sealed chunks at once; rows are used only for what
** is too little to seal.  Bars may come in any order: where they jump about, they go to rows and are
** sealed at the end.  The stored state afterwards depends on the bars alone (see compact.h).
**
** Loads of one import share a pool: the memory of a chunk that is written goes to the next one that is
** collected, so that no page is asked of the system twice.
*/
#ifndef BV_DATA_LOAD_H
#define BV_DATA_LOAD_H

#include "col/chunk.h"
#include "data/bar_reader.h"
#include "data/put.h"

/* What loads share; set up with bv_load_pool_init. */
typedef struct bv_load_pool {
  bv_chunk spare; /* memory that no load uses now */
  int64_t held;   /* bars collected and not written, in all loads */
} bv_load_pool;

typedef struct bv_load {
  bv_load_pool *pool;
  bv_series series;
  bv_on_conflict how;
  int64_t chunk;  /* of the bars collected */
  int64_t lo, hi; /* its range; empty before the first bar */
  bv_chunk pending;
  int64_t rows, fresh, changed; /* bars given; of them new, and with other values than before */
  int64_t first, last;          /* times of the first and last bar given */
} bv_load;

void bv_load_pool_init(bv_load_pool *p);
void bv_load_pool_reset(bv_load_pool *p);

/* `pool` must outlive the load. */
void bv_load_init(bv_load *l, const bv_series *series, bv_on_conflict how, bv_load_pool *pool);
void bv_load_reset(bv_load *l);

/* Take n bars; of a row, ts and the values count.  Whole chunks are written as they fill. */
BV_MUST bv_rc bv_load_rows(bv_store *s, bv_load *l, const bv_bar_row *rows, size_t n, bv_err *err);

/* No more bars are likely soon: keep no more memory than those collected take. */
BV_MUST bv_rc bv_load_rest(bv_load *l);

/* Write what is collected. */
BV_MUST bv_rc bv_load_flush(bv_store *s, bv_load *l, bv_err *err);

/* Write what is left and seal what can be sealed. */
BV_MUST bv_rc bv_load_finish(bv_store *s, bv_load *l, bv_err *err);

#endif
