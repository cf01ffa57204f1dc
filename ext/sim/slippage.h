/*
** slippage.h - the price of a fill: what slippage, impact and spread make of the market price.
*/
#ifndef BV_SIM_SLIPPAGE_H
#define BV_SIM_SLIPPAGE_H

#include "sim/liquidity.h"

/* A fill, as a slippage model sees it. */
typedef struct bv_slip {
  double price;                  /* of the market */
  int side;                      /* +1 buys, -1 sells */
  double units;                  /* of the fill, not signed; 0: not known yet */
  double taken;                  /* units filled of the bar before */
  bool opens;                    /* it adds to a position and so pays the spread */
  bool at_open;                  /* a market order at the bar's open */
  bool limited;                  /* a limit order */
  double tick;                   /* price step, for slippage.ticks */
  const bv_sim_bar *bar;         /* bounds the price and has the volume; NULL: neither */
  const bv_liquidity *liquidity; /* NULL where no model needs it */
} bv_slip;

/* The price paid; NaN where slippage.match is off and it would lie outside the bar: then there is no fill.
** Formulas: reference formulas section 5; s is the side, q the units, V the bar's volume, ADV and sigma
** those of bv_liquidity, c slippage.impact:
**
**      percentage    p (1 + s rate)              basis_points   p (1 + s bps / 10000)
**      fixed         p + s (amount + ticks tick) spread         p + s amount / 2, or p + s amount
**      linear        p (1 + s c q / V)           volume_share   p (1 + s c min((taken + q) / V, limit)^2)
**      square_root   p (1 + s 2/3 c sigma sqrt(q / ADV))
**      volatility_volume_share   p (1 + s c sigma sqrt(252) sqrt(q / ADV) / 10000)
**      almgren       p (1 + s sigma (0.314 T nu^0.891 (shares / ADV)^0.267 / 2 + 0.142 nu^0.6)),
**                    nu = q / (T ADV), T slippage.days
**
** Models with sigma take 10 basis points until it is known; an impact is at most 99 %. */
double bv_slippage(const bv_sim_config *c, const bv_slip *x);

/* Whether the model reads bv_liquidity. */
bool bv_slippage_needs_days(const bv_sim_config *c);

/* Whether what has been filled of a bar counts. */
bool bv_slippage_needs_taken(const bv_sim_config *c);

/* BV_ARG: knobs of slippage.* that the model does not use, or lacks. */
BV_MUST bv_rc bv_slippage_check(const bv_sim_config *c, bv_err *err);

#endif
