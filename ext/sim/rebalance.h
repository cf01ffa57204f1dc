/*
** rebalance.h - targets that are given together: a portfolio, brought about in one step (knobs targets.*).
**
**      weight   w' = (1 - reserve) x w, cut to max_weight; all of the step's scaled down where their sizes
**               add up to more than max_gross
**      left out targets whose trade is worth less than minimum_value, or changes the weight by less than
**               minimum_change (never one of 0); with missing skip, those of assets without a bar that
**               ends at the step
**      unlisted close: a position that no row of the step names gets the target 0, ahead of the others
**
** What of it sells first is a matter of the fills (knob priority); at which values and prices the sizes are
** taken, of knob size_at.
*/
#ifndef BV_SIM_REBALANCE_H
#define BV_SIM_REBALANCE_H

#include "sim/state.h"

/* Whether no knob asks for anything. */
bool bv_rebalance_plain(const bv_sim_config *c);

BV_MUST bv_rc bv_rebalance_step(bv_sim *s, int64_t t, const bv_sim_request *req, int n,
                                bv_err *err);

#endif
