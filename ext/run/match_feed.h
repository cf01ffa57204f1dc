/*
** match_feed.h - the bars a run is matched on, in order of time, past the clock.
**
** Each asset of a run has one base series.  A bar makes two events: it opens at its ts and closes at
** its end.  The feed merges the events of all assets; the driver asks for the next instant, then takes
** the bars that close and those that open there.  This is the only reader above the layer data that
** is not clamped: orders must fill on bars the strategy has not seen.
**
** Assets whose bars begin and end at the same times move together, as one grid: an instant costs what
** there are grids, not what there are assets.  A piece of bars is at hand at a time, and assets are put
** together anew with each.
**
**      asset   A  B  C  D          ts of the pieces of A, B and D are the same
**      grid    0  0  1  0
**
** A piece is what the walk over the asset's series (data/walk.h) has decoded last, where it lies; so all of them stay
** in the processor's caches.  The piece of the first asset to read on says up to which instant the others
** read: those whose bars lie otherwise copy theirs together, so that all use up their pieces at about the same time.
**
** In runs with many bars of many assets other threads decode the pieces that come next (data/walk.h).
**
** Most bars of a portfolio change nothing but the asset's last price.  A feed that knows the simulator
** hands over the bars of assets that are held or waited for, and lets the others fall behind: the driver
** catches an asset up (bv_feed_catch_up) before anybody asks about it, and the feed does at the end of a
** chunk.  Of those others only closes are decoded, until they are held or waited for; but where other threads decode,
** which have the time, it is all columns.
*/
#ifndef BV_RUN_MATCH_FEED_H
#define BV_RUN_MATCH_FEED_H

#include "base/crew.h"
#include "col/chunk.h"
#include "data/store.h"
#include "data/walk.h"
#include "run/quote_feed.h"
#include "sim/sim.h"

#define BV_FEED_END INT64_MAX

typedef struct bv_feed_asset {
  bv_series series;
  int sim_asset;
  int64_t length; /* of its bars; 0: they follow the calendar */
  bv_walk walk;
  bv_bars bars;    /* at hand: a piece of the walk, or */
  bv_chunk copied; /* several pieces */
  bool full;       /* they have all columns; else only the close */
  bool more;       /* the store may have bars after those at hand */
  int64_t seen;    /* of the bars at hand, those that the simulator knows */
  int grid;
  int next;                             /* of the grid; -1: the last */
  bool quiet;                           /* followed: its bars make no steps */
  bv_bars base;                         /* with quotes: of the walk, not at hand yet */
  bool more_base;                       /* and more may come */
  int64_t from;                         /* where what comes at hand next begins */
  bv_quotes_feed *quotes, *fine_quotes; /* NULL: none */
  bv_series finer;
  bool sought, has_finer; /* whether `finer` has been looked for, and is there */
} bv_feed_asset;

/* Assets with the same times; they stand at the same bar of those at hand. */
typedef struct bv_feed_grid {
  int first, last; /* assets; -1: none */
  int64_t i;       /* the bar whose event comes next */
  bool open;       /* it has opened and will close */
  bool quiet;      /* none but followed assets */
  int64_t ends;    /* end of bar i */
  int64_t closed;  /* end of the bar before */
  int64_t peek;    /* bars at hand that were found to have ended (bv_feed_ended) */
  int64_t event;   /* instant of the next event, BV_FEED_END at the end */
} bv_feed_grid;

typedef struct bv_feed {
  bv_store *store;
  bv_sim *sim;        /* NULL: every bar is handed over */
  int64_t start, end; /* bars that lie between: start <= ts, and end of bar <= end */
  int64_t strip;      /* the instant up to which assets read that read on now */
  int threads;        /* of the process that may work for the feed, the caller's among them */
  bv_crew *crew;      /* the others, once there is work for them */
  int64_t pieces;     /* that were read */
  bool quoted;        /* orders meet the bid and the ask, where there are any */
  bool alone;         /* also where the asset has no bar of its own */
  bv_feed_asset *asset;
  bv_feed_grid *grid;
  int n, ngrid, cap;
  int *of; /* number of the asset by that of the simulator, -1: none */
  int nof;
  bv_sim_bar *bar; /* room for one bar per asset */
  bv_chunk fine;   /* bars inside a bar */
  bv_sim_bar *fine_bar;
  bv_sim_quote *fine_quote;
  int64_t cap_fine;
} bv_feed;

void bv_feed_init(bv_feed *f, bv_store *s, int64_t start, int64_t end);
void bv_feed_reset(bv_feed *f);

/* Add an asset's base series, from the first bar at or after `from` on; quiet: its bars make no steps. */
BV_MUST bv_rc bv_feed_add(bv_feed *f, const bv_series *series, int sim_asset, int64_t from,
                          bool quiet, bv_err *err);

/* An asset that was quiet makes steps from here on. */
void bv_feed_speak(bv_feed *f, int sim_asset);

/* The newest bar of the series that had ended by t, whatever the feed's range; *found = false where
** there is none. */
BV_MUST bv_rc bv_feed_before(bv_feed *f, const bv_series *series, int sim_asset, int64_t t,
                             bv_sim_bar *out, bool *found, bv_err *err);

/* The instant of the next event; BV_FEED_END at the end. */
int64_t bv_feed_next(const bv_feed *f);

/* What of the bars at t (the next instant) is handed over. */
typedef struct bv_feed_bars {
  const bv_sim_bar *bar; /* borrowed until the next call */
  int n;
  bool any; /* there are bars, handed over or not, of assets that make steps */
} bv_feed_bars;

/* The bars that close at t, then those that open at t.  A bar may both open at t and close at t of the
** asset's bar before. */
BV_MUST bv_rc bv_feed_closes(bv_feed *f, int64_t t, bv_feed_bars *out, bv_err *err);
BV_MUST bv_rc bv_feed_opens(bv_feed *f, int64_t t, bv_feed_bars *out, bv_err *err);

/* The end of bar i of a grid's bars at hand; how many of its bars have ended by t, which must not go back before the grid
** moves on; and the asset's last close among those of them that the simulator has not been told of (NaN: none). */
int64_t bv_feed_bar_end(const bv_feed *f, const bv_feed_grid *g, int64_t i);
int64_t bv_feed_ended(const bv_feed *f, bv_feed_grid *g, int64_t t);
double bv_feed_close_by(const bv_feed *f, int sim_asset, int64_t t);

/* All instants up to t have passed at once, at which no chunk was used up; the simulator learns of the bars of the
** assets with these numbers there.  only: the one grid that has bars, of which `ended` have ended by t; NULL where
** there are several. */
void bv_feed_pass(bv_feed *f, int64_t t, const int *held, int nheld, const bv_feed_grid *only,
                  int64_t ended);

/* Let the simulator know the last price and the number of bars of an asset (its number there); -1: of
** all. */
void bv_feed_catch_up(bv_feed *f, int sim_asset);

/* All columns of the bars at hand of the assets with these numbers there. */
BV_MUST bv_rc bv_feed_fill(bv_feed *f, const int *asset, int n, bv_err *err);

/* A bv_sim_finer_fn whose ctx is the feed: the finest stored bars of an asset, if they are finer than its base series. */
BV_MUST bv_rc bv_feed_finer(void *ctx, int asset, int64_t from, int64_t to, const bv_sim_bar **bar,
                            int *n, bv_err *err);

#endif
