/*
** precheck.h - knobs submit_check and fill_check: whether the cash is there when an order is placed, and when it fills.
**
** Cash is counted as backtrader does: what leverage lends a long position was never paid, and the margin of a
** contract is set aside.
**
** submit_check: the orders of one instant are carried out in thought, in sequence, each at its own price (stop, else
** limit, else the last close), with its commission: a buy takes its value / leverage from the cash, a sale brings its
** value.  One that leaves less than nothing is rejected, and those after it find what it has left.  An order that the fill
** makes units of is not looked at.
**
** fill_check: an order that would leave less than nothing closes what it closes, and opens nothing.
*/
#ifndef BV_SIM_PRECHECK_H
#define BV_SIM_PRECHECK_H

#include "sim/execute.h"
#include "sim/state.h"

/* The account's cash as these checks count it. */
double bv_precheck_cash(const bv_sim *s);

/* Whether the order would leave cash of 0 or more, at its own price. */
bool bv_precheck(bv_sim *s, const bv_order *o);

/* The same of n orders that fill together, each with what it closes and opens. */
bool bv_precheck_fill(const bv_sim *s, const bv_leg *leg, int n);

#endif
