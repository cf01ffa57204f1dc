/*
** size.h - from what a strategy asks for to a number of lots.
**
** Results are counts of lots, signed, rounded toward zero.
*/
#ifndef BV_SIM_SIZE_H
#define BV_SIM_SIZE_H

#include "sim/state.h"

/* x lots rounded toward zero; a count that misses the next integer by float noise alone (0.3/0.1 is
** 2.9999999999999996) is that integer. */
double bv_size_round(double x);

/* Whole steps of the asset's orders, toward zero. */
double bv_size_step(const bv_asset *a, double n);

/* Lots to trade to get from `base` lots to the target at `price`, with the account worth `value`.
** A weight's increase is cut so that weight 1 pays its costs out of the weight: units = weight x
** value / price for what is held, and the rest divided by (1 + slippage)(1 + commission rate). */
double bv_size_target(const bv_sim *s, const bv_asset *a, bv_ask ask, double amount, double base,
                      double price, double value);

/* Price of one lot with its costs as backtesting.py counts it: adjusted price plus
** commission(size, price) / |size|, where `size` is the relative size or the count of lots. */
double bv_size_lot_cost(const bv_sim *s, const bv_asset *a, double size, double price);

/* Lots that `amount` (weight or value) buys from the margin still free, RULES of backtesting.py:
** floor(free x |w| / lot cost), |w| at most 1 - 2^-52. */
double bv_size_available(const bv_sim *s, const bv_asset *a, bv_ask ask, double amount,
                         double price, double free_margin);

#endif
