/*
** join_ahead.h - the bars and rows of a join, oldest first; see join.h.
**
** Every asset is a lane (data/lane.h).  A lane walks: it has a piece of its chunk decoded and the rest of it compressed
** in memory (data/walk.h), and goes on to the next piece when that is used up.  Where all chunks together would take too
** much memory, bars are read in strips of time instead, which end where the store's chunks end and fit in a fixed
** piece of memory.  Short ranges, and those read with row handles, come from the windows the streams keep.
**
** Out of the lanes the bars are laid into a tile: a few thousand rows in order of (ts, asset), column by column.
** A stretch of time in which all assets have bars at the same instants, which is the rule, is a transposition.
*/
#ifndef BV_DATA_JOIN_AHEAD_H
#define BV_DATA_JOIN_AHEAD_H

#include "data/join.h"
#include "data/lane.h"
#include "data/tile.h"

typedef enum bv_ahead_mode { BV_AHEAD_WALKS, BV_AHEAD_STRIPS, BV_AHEAD_STREAMS } bv_ahead_mode;

typedef struct bv_ahead {
  bv_store *store;
  bv_join_def *def;
  int64_t lo, hi;
  unsigned mask;
  bv_ahead_mode mode;
  bool even, done;
  int64_t left;   /* even: instants that are left of the stretch */
  unsigned whole; /* columns in which none of its bars has a NaN */
  double density; /* bars of all lanes per second, about */
  int64_t strip_s, from,
      until; /* all bars before `until` are at hand; strip: those of [from, until) */
  bv_lane *lane;
  int nlane;
  bv_map index;  /* asset -> number of its lane + 1 */
  int64_t *head; /* per lane: ts of its next bar; INT64_MAX: none at hand */
  int *live;     /* even: the lanes that have bars at hand; else those that have rows in the tile */
  int nlive;
  int32_t *place; /* per lane: rows of the tile that its bars were given, at most `most` */
  int *given;     /* per lane: how many */
  int most;
  double *none; /* as many NaN as the tile has rows, for a column that a lane does not have */
  int laid;     /* even: rows of the tile whose lanes are those of this stretch */
  struct bv_ahead_source *source;
  int nvalue;
  bv_tile tile;
} bv_ahead;

BV_MUST bv_rc bv_ahead_open(bv_ahead *a, bv_store *s, bv_join_def *def, const bv_join_request *q,
                            char **asset, int n, bv_err *err);
void bv_ahead_close(bv_ahead *a);

/* Fill the tile with the rows that follow; tile.n = 0 at the end. */
BV_MUST bv_rc bv_ahead_next(bv_ahead *a, bv_err *err);

#endif
