/*
** cost.c - slippage, spread and commission as pure functions of the configuration.
*/
#include "sim/cost.h"

#include <math.h>

double bv_cost_price(const bv_sim_config *c, double price, int side, bool opens,
                     const bv_sim_bar *bar) {
  double p = price;
  if (c->slippage_model == BV_SLIP_PERCENTAGE) p *= 1 + side * c->slippage_rate;
  if (opens) p *= 1 + side * c->spread;
  if (c->slippage_clamp && bar) {
    if (side > 0 && p > bar->high) p = fmax(bar->high, price);
    if (side < 0 && p < bar->low) p = fmin(bar->low, price);
  }
  return p;
}

static double rate_of(const bv_sim_config *c, int order_side, int position_side) {
  int side = c->commission_by == BV_COMM_BY_POSITION ? position_side : order_side;
  return c->commission_rate + (side < 0 ? c->commission_sell_extra : 0);
}

double bv_cost_commission(const bv_sim_config *c, double qty, double price, double multiplier,
                          int order_side, int position_side) {
  double rate = rate_of(c, order_side, position_side), sum;
  switch (c->commission_model) {
  case BV_COMM_PERCENTAGE: sum = c->commission_fixed + fabs(qty) * price * multiplier * rate; break;
  case BV_COMM_PER_SHARE: sum = c->commission_fixed + fabs(qty) * rate; break;
  case BV_COMM_NONE:
  default: return 0;
  }
  /* A minimum of 0 is none: it must not swallow a rebate. */
  return c->commission_minimum > 0 && sum < c->commission_minimum ? c->commission_minimum : sum;
}

double bv_cost_per_unit(const bv_sim_config *c, double price, double multiplier, int side) {
  double paid = bv_cost_price(c, price, side, true, NULL);
  double value = multiplier * (price + fabs(paid - price));
  double rate = rate_of(c, side, side);
  if (c->commission_model == BV_COMM_PERCENTAGE) value += multiplier * paid * rate;
  if (c->commission_model == BV_COMM_PER_SHARE) value += rate;
  return value;
}
