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
** Options on the asset (the rules of the Options Clearing Corporation): a whole number n of new units for one
** makes n contracts of each, with strike, prices and margins per contract divided by n, and each such position is
** told as a cash flow of 0, kind split.  By any other ratio quantity, strike and prices stay as they are, and a
** contract is for `ratio` times as many units of the asset as before:
**
**      2 : 1    3 calls at 50 on 100 units   ->   6 calls at 25 on 100 units
**      3 : 2    3 calls at 50 on 100 units   ->   3 calls on 150 units for 5000
**
** A split of an option itself would count twice, and is an error.
**
** Cash dividend: longs receive it for every unit, shorts pay it; waiting orders stay as they are.
*/
#ifndef BV_SIM_ACTION_H
#define BV_SIM_ACTION_H

#include "sim/state.h"

/* Apply an action; bv_sim_action (sim.h) has checked it. */
BV_MUST bv_rc bv_action_apply(bv_sim *s, int64_t t, const bv_sim_action *x, bv_err *err);

#endif
