/*
** cost.h - what a fill costs: the price after slippage and spread, and the commission.
*/
#ifndef BV_SIM_COST_H
#define BV_SIM_COST_H

#include "sim/sim.h"

/* The price paid for a fill at the market price `price`, side +1 to buy and -1 to sell.  `opens`:
** the fill adds to a position and so pays the spread.  `bar` bounds the slipped price when
** slippage.clamp is on; NULL does not bound it. */
double bv_cost_price(const bv_sim_config *c, double price, int side, bool opens,
                     const bv_sim_bar *bar);

/* Commission of |qty| units at `price`.  `order_side` is the fill's side and `position_side` that
** of the position it opens or closes; the knob commission.by picks one.  Formulas: reference
** formulas section 5: fixed + rate x value, or fixed + rate x units, at least the minimum. */
double bv_cost_commission(const bv_sim_config *c, double qty, double price, double multiplier,
                          int order_side, int position_side);

/* Currency to buy (side +1) or sell short (-1) one unit quoted at `price`, costs that grow with the
** quantity included: slippage, spread and commission rate are counted against the account. */
double bv_cost_per_unit(const bv_sim_config *c, double price, double multiplier, int side);

#endif
