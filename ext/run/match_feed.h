/*
** match_feed.h - the bars a run is matched on, in order of time, past the clock.
**
** Each asset of a run has one base series.  A bar makes two events: it opens at its ts and closes at
** its end.  The feed merges the events of all assets; the driver asks for the next instant, then takes
** the bars that close and those that open there.  This is the only reader above the layer data that
** is not clamped: orders must fill on bars the strategy has not seen.
*/
#ifndef BV_RUN_MATCH_FEED_H
#define BV_RUN_MATCH_FEED_H

#include "col/chunk.h"
#include "data/store.h"
#include "sim/sim.h"

#define BV_FEED_END INT64_MAX

typedef struct bv_feed_asset {
  bv_series series;
  int sim_asset;
  bv_chunk bars;
  int64_t i;     /* the bar whose event comes next */
  bool open;     /* it has opened and will close */
  bool more;     /* the store may have bars after the chunk */
  int64_t ends;  /* end of bar i */
  int64_t event; /* instant of the next event, BV_FEED_END at the end */
} bv_feed_asset;

typedef struct bv_feed {
  bv_store *store;
  int64_t start, end; /* bars that lie between: start <= ts, and end of bar <= end */
  bv_feed_asset *asset;
  int n, cap;
  bv_sim_bar *bar; /* room for one bar per asset */
} bv_feed;

void bv_feed_init(bv_feed *f, bv_store *s, int64_t start, int64_t end);
void bv_feed_reset(bv_feed *f);

/* Add an asset's base series, from the first bar at or after `from` on. */
BV_MUST bv_rc bv_feed_add(bv_feed *f, const bv_series *series, int sim_asset, int64_t from,
                          bv_err *err);

/* The newest bar of the series that had ended by t, whatever the feed's range; *found = false where
** there is none. */
BV_MUST bv_rc bv_feed_before(bv_feed *f, const bv_series *series, int sim_asset, int64_t t,
                             bv_sim_bar *out, bool *found, bv_err *err);

/* The instant of the next event; BV_FEED_END at the end. */
int64_t bv_feed_next(const bv_feed *f);

/* The bars that close at t (the next instant), then those that open at t; *bar is borrowed until the
** next call.  A bar may both open at t and close at t of the asset's bar before. */
BV_MUST bv_rc bv_feed_closes(bv_feed *f, int64_t t, const bv_sim_bar **bar, int *n, bv_err *err);
BV_MUST bv_rc bv_feed_opens(bv_feed *f, int64_t t, const bv_sim_bar **bar, int *n, bv_err *err);

#endif
