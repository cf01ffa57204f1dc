/*
** precheck.h - knob submit_check: whether the cash is there when an order is placed.
**
** The orders of one instant are carried out in thought, in sequence, each at its own price (stop, else limit,
** else the last close), with its commission: a buy takes its value / leverage from the cash, a sale brings its
** value.  One that leaves less than nothing is rejected, and those after it find what it has left, as in backtrader.
** An order that the fill makes units of is not looked at.
*/
#ifndef BV_SIM_PRECHECK_H
#define BV_SIM_PRECHECK_H

#include "sim/state.h"

/* Whether the order would leave cash of 0 or more. */
bool bv_precheck(bv_sim *s, const bv_order *o);

#endif
