/*
** feed_columns.h - the columns of a feed before those of its sources.
*/
#ifndef BV_API_FEED_COLUMNS_H
#define BV_API_FEED_COLUMNS_H

#include "data/join.h"

enum {
  BV_FEED_TS,
  BV_FEED_ASSET,
  BV_FEED_OPEN,
  BV_FEED_HIGH,
  BV_FEED_LOW,
  BV_FEED_CLOSE,
  BV_FEED_VOLUME,
  BV_FEED_KNOWN_AT,
  BV_FEED_VWAP,
  BV_FEED_TRADES,
  BV_FEED_HANDLE,
  BV_FEED_OWN /* how many */
};

/* Their names, and which column of the bars each is: BV_COL_NONE for those that are none. */
extern const char *const bv_feed_names[BV_FEED_OWN];
extern const signed char bv_feed_bar_column[BV_FEED_OWN];

/* A column's name must be its alone: sources are told apart by nothing else. */
BV_MUST bv_rc bv_feed_check_names(const bv_join_def *d, bv_err *err);

#endif
