/* slippage.c - slippage and spread; see slippage.h. */
#include "sim/slippage.h"

#include <math.h>

double bv_slippage(const bv_sim_config *c, double price, int side, bool opens,
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
