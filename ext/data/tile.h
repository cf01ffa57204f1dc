/*
** tile.h - rows of a join, column by column.
**
** Rows [0, n) in the order they are delivered in; ahead, all rows of an instant are in one tile.  Words lie beside
** their types (data/feature_rows.h); texts and blobs are borrowed until the next tile.
*/
#ifndef BV_DATA_TILE_H
#define BV_DATA_TILE_H

#include "col/bars.h"
#include "data/feature_rows.h"

typedef struct bv_tile_col {
  bv_word *word; /* NULL: not asked for */
  uint8_t *type;
  uint8_t seen; /* types that may be among them (data/feature_rows.h) */
  bool ones;    /* all types there is room for are BV_WORD_REAL */
} bv_tile_col;

typedef struct bv_tile {
  int n, cap;
  int64_t *ts;
  int32_t *lane,
      *bar; /* number of the asset; with streams, of the bar in what the lane has at hand */
  bv_tile_col own[BV_NCOL]; /* columns of the bars; NULL is a NaN */
  bv_tile_col *value;       /* of the sources, all counted */
  int nvalue;
} bv_tile;

/* mask: columns of bars; wanted: which of the value columns. */
BV_MUST bv_rc bv_tile_open(bv_tile *t, int cap, unsigned mask, const bool *wanted, int nvalue);
void bv_tile_close(bv_tile *t);

#endif
