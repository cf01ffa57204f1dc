/*
** action.h - corporate actions: what a split or a cash dividend does to positions and waiting orders.
**
** Split of r new units for one: lots and quantities of orders times r, prices of them and the last price
** divided by r.  What is left of a whole lot goes from one lot of the position to the next; what the last one
** leaves is sold (bought, if short) without commission, at the last price or at its entry price (knob
** split_remainder), as an order and a fill of its own:
**
**      3 : 2    lots 3 @ 30, 4 @ 33   ->   4.5 @ 20, 6 @ 22   ->   4 @ 20, 0.5 + 6 = 6 @ 21.85, 0.5 sold
**
** Cash dividend: longs receive it for every unit, shorts pay it; waiting orders stay as they are.
*/
#ifndef BV_SIM_ACTION_H
#define BV_SIM_ACTION_H

#include "sim/state.h"

/* Apply an action; bv_sim_action (sim.h) has checked it. */
BV_MUST bv_rc bv_action_apply(bv_sim *s, int64_t t, const bv_sim_action *x, bv_err *err);

#endif
