/*
** commission.h - what a broker takes for a fill.
*/
#ifndef BV_SIM_COMMISSION_H
#define BV_SIM_COMMISSION_H

#include "sim/profile.h"

#include <stdbool.h>

/* One fill, as a commission model sees it. */
typedef struct bv_fee {
  double units;      /* of the fill, not signed */
  double price;      /* after slippage */
  double multiplier; /* currency per unit and point of price */
  int side;          /* of the fill: +1 buys, -1 sells */
  int position_side; /* of the position it opens or closes; knob commission.by picks one */
  bool maker;        /* it waited in the book for the price to come */
} bv_fee;

/* What the earlier fills of the same order were charged, and what has been traded before in the
** period of the tiers. */
typedef struct bv_paid {
  double units, value; /* of the order's fills, not signed */
  double accrued;      /* their commission before minimum and cap */
  double charged;      /* their commission */
  double traded;       /* units or value, as the tiers count */
  double taken;        /* units filled of the bar under way, for slippage that counts them */
} bv_paid;

/* The commission of a fill, in currency, which is also added to *paid.  Formulas: reference formulas
** section 5; with f the fixed part, r the rate, q the units and v = q x price x multiplier:
**
**      percentage    f + r v                      per_share, per_contract   f + r q
**      combined      f + r v + u q                maker_taker               f + (maker or taker r) v
**      per_trade     f, once for an order         tiered                    f + tiers(q, v or price)
**
** then at least the minimum and at most cap x v, each fill by itself or (commission.per order) the
** order so far, less what it was charged already. */
double bv_commission(const bv_sim_config *c, const bv_fee *f, bv_paid *paid);

/* The part of it that grows with the quantity, for one more unit: what sizes leave room for.  Tiers
** count at their dearest. */
double bv_commission_per_unit(const bv_sim_config *c, double price, double multiplier, int side);

/* BV_ARG: knobs of commission.* that the model does not use, or that contradict each other. */
BV_MUST bv_rc bv_commission_check(const bv_sim_config *c, bv_err *err);

#endif
