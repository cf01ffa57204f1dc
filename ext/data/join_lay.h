/*
** join_lay.h - the bars and rows of a join's lanes, laid into its tile; see join_ahead.h.
**
** An even stretch, in which all lanes have bars at the same instants, is laid column by column: a transposition.  What
** a source gives is mostly used by several bars in turn and by all lanes at the same ones; then an instant's values are a copy of
** those of the instant before.  Bars at different instants are given their rows one by one and laid lane by lane.
*/
#ifndef BV_DATA_JOIN_LAY_H
#define BV_DATA_JOIN_LAY_H

#include "data/join_ahead.h"

/* Instants that are laid out together. */
#define BV_LAY_BLOCK 16

/* A stretch begins, whose lanes are live: prepare to lay what a source gives. */
void bv_lay_begin(bv_ahead *a, int source);

/* Fill the tile with what is left of the stretch, or as much of that as it has room for. */
void bv_lay_tile(bv_ahead *a);

#endif
