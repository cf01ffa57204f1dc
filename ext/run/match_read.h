/*
** match_read.h - the bars of one asset that a feed (match_feed.h) has at hand, and those that come next.
**
** They are the piece that the asset's walk has decoded last, or several copied together where others read further at
** once, or with quotes that stand alone merged into them.
*/
#ifndef BV_RUN_MATCH_READ_H
#define BV_RUN_MATCH_READ_H

#include "run/match_feed.h"

/* What orders can meet. */
#define BV_MATCH_COLUMNS                                                                           \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

/* Those of them that the run can use. */
unsigned bv_match_columns(const bv_feed *f);

/* The bars after those at hand: none at the end, where `more` is false. */
BV_MUST bv_rc bv_match_read(bv_feed *f, bv_feed_asset *a, bv_err *err);

/* All columns of the bars at hand. */
BV_MUST bv_rc bv_match_fill_now(bv_feed_asset *a, bv_err *err);
BV_MUST static inline bv_rc bv_match_fill(bv_feed_asset *a, bv_err *err) {
  return a->full ? BV_OK : bv_match_fill_now(a, err);
}

/* Begin to decode ahead where there is enough to do. */
BV_MUST bv_rc bv_match_call_crew(bv_feed *f);

#endif
