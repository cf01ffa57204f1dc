/*
** universe.h - which assets take part in a run, and the one series of each that orders are matched on.
*/
#ifndef BV_RUN_UNIVERSE_H
#define BV_RUN_UNIVERSE_H

#include "run/run.h"

/* While the strategy is executed, its readers report the series they open (bv_store.touched; ctx: the run). */
void bv_universe_touch(void *ctx, const bv_series *s);

/* All that were reported take part. */
BV_MUST bv_rc bv_universe_add_touched(bv_run *r, bv_err *err);

/* The strategy trades an asset: it takes part from instant `from` on, if it does not yet, and makes steps. */
BV_MUST bv_rc bv_universe_join(bv_run *r, const char *asset, int64_t from, int *number,
                               bv_err *err);

#endif
