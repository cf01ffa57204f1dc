/*
** match.h - which waiting orders fill, at what price, for how much.
*/
#ifndef BV_SIM_MATCH_H
#define BV_SIM_MATCH_H

#include "sim/state.h"

/* Bars that start: fill what can fill, in the sequence sim.h states. */
BV_MUST bv_rc bv_match_open(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err);

/* Close every open position at the last open or the last close, as knob finish says. */
BV_MUST bv_rc bv_match_finish(bv_sim *s, bv_err *err);

#endif
