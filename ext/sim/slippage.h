/*
** slippage.h - the price of a fill: what slippage and spread make of the market price.
*/
#ifndef BV_SIM_SLIPPAGE_H
#define BV_SIM_SLIPPAGE_H

#include "sim/sim.h"

/* The price paid for a fill at the market price `price`, side +1 to buy and -1 to sell.  `opens`:
** the fill adds to a position and so pays the spread.  `bar` bounds the slipped price when
** slippage.clamp is on; NULL does not bound it. */
double bv_slippage(const bv_sim_config *c, double price, int side, bool opens,
                   const bv_sim_bar *bar);

#endif
