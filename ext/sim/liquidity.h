/*
** liquidity.h - how much of an asset is traded and how far it moves, from the days that have ended.
**
** Slippage models that need a volume average or a volatility read it from here; nothing is kept for others.
** A day is a local day of the asset, and counts once a bar of a later day begins.
*/
#ifndef BV_SIM_LIQUIDITY_H
#define BV_SIM_LIQUIDITY_H

#include "sim/sim.h"

typedef struct bv_liquidity {
  double mean_volume; /* units a day over the window; NaN until the window is full */
  double sigma;       /* sample deviation of the daily returns in it; NaN until then */
  int64_t taken_bar;  /* number of the bar, plus 1, of which `taken` units have been filled */
  double taken;
  int64_t day;  /* the day under way; INT64_MIN before the first */
  double total; /* its volume */
  double last;  /* its last close */
  int window, n, at;
  double day_of[]; /* `window` volumes, then `window` closes; rings that `at` points into */
} bv_liquidity;

/* For windows of this many days; NULL: out of memory. */
bv_liquidity *bv_liquidity_new(int window);

/* A bar of the asset begins: the day before it is over.  zone NULL: UTC. */
void bv_liquidity_open(bv_liquidity *q, const bv_zone *zone, int64_t ts);

/* A bar has ended. */
void bv_liquidity_close(bv_liquidity *q, const bv_zone *zone, const bv_sim_bar *bar);

#endif
