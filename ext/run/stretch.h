/*
** stretch.h - runs of steps at which nothing happens but that prices change.
**
** Most steps of most runs are such: no order waits, no rule looks at prices, no row of the strategy is
** due.  Their times and the account's values are laid out ahead, in the room behind the points that the
** equity curve holds, a column at a time; a step is then a matter of counting.
**
**      curve    | points held | passed      | ahead        |
**                               at 0          at            n
**
** What has passed is told to simulator, feed and curve when somebody asks or acts (bv_stretch_settle), or
** at the end of the stretch.  Where assets have bars at different instants, their times are put together in slots
** of the longest time that divides all their distances, and the closes of those held are filled forward.  To the caller, a run stands at the step that has passed last all the same:
** what is ahead is not shown to anybody, and it is thrown away where an order cuts the stretch short.
*/
#ifndef BV_RUN_STRETCH_H
#define BV_RUN_STRETCH_H

#include "run/curve.h"
#include "run/match_feed.h"

typedef struct bv_stretch {
  int64_t n, at; /* instants: in all, and those that have passed */
  int64_t most;  /* instants that are laid out at a time: fewer where orders come often */
  int64_t
      pause; /* stretches to do without, and how many the last time: where orders come at every step */
  int64_t paused;
  const bv_feed_grid *grid;  /* the only one that has bars; NULL where there are several */
  const double **close;      /* of the assets held */
  int asked;                 /* the asset whose price was asked for last, -1: none yet, */
  const double *asked_close; /* and its closes of the instants; NULL: they have to be looked for */
  double *room;              /* where those of several grids lie */
  int64_t cap, cap_room;
  bool reached; /* `most` was the limit */
  uint8_t mark[BV_CURVE_CHUNK + 1];
  bv_curve *curve;
  bv_feed *feed;
} bv_stretch;

void bv_stretch_reset(bv_stretch *s);

/* Lay out the instants after `now` and before `until`, `limit` of them at most; none (n = 0) where the next one has to be looked at. */
BV_MUST bv_rc bv_stretch_begin(bv_stretch *s, bv_feed *feed, bv_curve *curve, int64_t now,
                               int64_t until, int64_t limit, bv_err *err);

/* Pass one more: true, and *t is it; false where the stretch is at its end. */
static inline bool bv_stretch_pass(bv_stretch *s, int64_t *t) {
  if (s->at == s->n) return false;
  *t = s->curve->ts[s->curve->n + s->at++];
  return true;
}

/* Everybody knows of what has passed, and the stretch is over. */
void bv_stretch_settle(bv_stretch *s);

/* At the instant that has passed last: the account's value; and an asset's price (NaN: as at the beginning). */
static inline double bv_stretch_value(const bv_stretch *s) {
  return s->curve->value[s->curve->n + s->at - 1];
}
double bv_stretch_seek(bv_stretch *s, int sim_asset);
static inline double bv_stretch_price(bv_stretch *s, int sim_asset) {
  if (s->asked == sim_asset && s->asked_close) {
    const double p = s->asked_close[s->at - 1];
    if (p == p) return p;
  }
  return bv_stretch_seek(s, sim_asset);
}

#endif
