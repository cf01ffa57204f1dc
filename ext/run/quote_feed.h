/*
** quote_feed.h - the bid and the ask beside the bars a run is matched on.
**
** Where bars of the bid or of the ask are stored of an asset, of the same timestep as its base series, the
** feed reads them with each chunk of the base and lays them beside it, bar by bar by their starts.  The base
** may itself be one of the two.
**
** A bar of quotes that begins where no bar of the base does is a bar of the run as well, where knob quotes says so:
** between the bars of the base lie such that are alone.  They have no prices of their own, but the last close of
** the base before them, which is what the asset is worth still.
**
**      base      9:30         9:31                      9:33
**      ask       9:30                     9:32          9:33
**      merged    9:30 + ask   9:31        alone + ask   9:33 + ask
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
  int64_t until;   /* no quotes beside the base begin at it or later */
  bv_chunk merged; /* bars of the base and those that are alone */
  uint8_t *alone;  /* which are; NULL: none of the bars handed out last */
  uint8_t *marks;  /* its room, of merged.cap */
  int64_t *only;   /* the starts of those that are alone */
  int64_t nonly;
  double close;     /* the last of the base; NaN: none yet */
  bv_sim_quote now; /* of the bar that was handed over last */
} bv_quotes_feed;

/* The quotes beside a series; *out = NULL where none are stored. */
BV_MUST bv_rc bv_quotes_open(bv_store *s, const bv_series *base, bv_quotes_feed **out, bv_err *err);
void bv_quotes_free(bv_quotes_feed *q);

/* The start of the first quotes beside the base of [lo, hi); hi where there are none. */
BV_MUST bv_rc bv_quotes_first(const bv_quotes_feed *q, bv_store *s, int64_t lo, int64_t hi,
                              int64_t *ts, bv_err *err);

/* The bars of the base in [lo, hi), which `base` has, and those of quotes that are alone; borrowed until the next
** call, and from `base` where none are. */
BV_MUST bv_rc bv_quotes_merge(bv_quotes_feed *q, bv_store *s, const bv_bars *base, int64_t lo,
                              int64_t hi, bv_bars *out, bv_err *err);

/* Whether bar i of those merged last is alone. */
static inline bool bv_quotes_alone(const bv_quotes_feed *q, int64_t i) {
  return q && q->alone && q->alone[i];
}

/* The base stands at a new chunk of bars: lay the quotes beside it. */
BV_MUST bv_rc bv_quotes_lay(bv_quotes_feed *q, bv_store *s, const bv_bars *base, bv_err *err);

/* The quotes beside bar i of the chunk, which `bar` is; borrowed until the next call. */
const bv_sim_quote *bv_quotes_at(bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i);
void bv_quotes_fill(const bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i, bv_sim_quote *out);

/* The same, where nobody has been told of bars [lo, i): a side that is not quoted alone is where it was last. */
const bv_sim_quote *bv_quotes_last(bv_quotes_feed *q, const bv_bars *bars, const bv_sim_bar *bar,
                                   int64_t lo, int64_t i);

#endif
