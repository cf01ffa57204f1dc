/*
** quote_feed.h - the bid and the ask beside the bars a run is matched on.
**
** Where bars of the bid or of the ask are stored of an asset, of the same timestep as its base series, the
** feed reads them with each chunk of the base and lays them beside it, bar by bar by their starts.  The base
** may itself be one of the two.  A bar of quotes that begins where no bar of the base does is not looked at.
*/
#ifndef BV_RUN_QUOTE_FEED_H
#define BV_RUN_QUOTE_FEED_H

#include "col/chunk.h"
#include "data/store.h"
#include "sim/sim.h"

enum { BV_QUOTE_BID, BV_QUOTE_ASK, BV_QUOTE_SIDES };

typedef struct bv_quote_side_feed {
  bool there, base; /* stored; it is the base series itself */
  bv_series series; /* where it is stored and not the base */
  double *price[4]; /* beside the bars of the base; NaN where there is none */
} bv_quote_side_feed;

typedef struct bv_quotes_feed {
  bv_quote_side_feed side[BV_QUOTE_SIDES];
  int64_t cap;
  bv_sim_quote now; /* of the bar that was handed over last */
} bv_quotes_feed;

/* The quotes beside a series; *out = NULL where none are stored. */
BV_MUST bv_rc bv_quotes_open(bv_store *s, const bv_series *base, bv_quotes_feed **out, bv_err *err);
void bv_quotes_free(bv_quotes_feed *q);

/* The base stands at a new chunk of bars: lay the quotes beside it. */
BV_MUST bv_rc bv_quotes_lay(bv_quotes_feed *q, bv_store *s, const bv_bars *base, bv_err *err);

/* The quotes beside bar i of the chunk, which `bar` is; borrowed until the next call. */
const bv_sim_quote *bv_quotes_at(bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i);
void bv_quotes_fill(const bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i, bv_sim_quote *out);

#endif
