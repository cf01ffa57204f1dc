/*
** cost.h - what a fill costs: slippage.h and commission.h put to an order at a place.
*/
#ifndef BV_SIM_COST_H
#define BV_SIM_COST_H

#include "sim/commission.h"
#include "sim/execute.h"

typedef struct bv_cost {
  double price; /* after slippage; of a limit order never beyond its limit */
  double commission;
} bv_cost;

/* What the order's fills so far were charged. */
bv_paid bv_cost_paid(const bv_sim *s, const bv_asset *a, const bv_order *o, int64_t ts);

/* A fill of `n` lots, signed; `opens`: it adds to a position.  *paid goes on to the order's next
** fill, so that what buying power is tested with is what the fills are charged. */
bv_cost bv_cost_fill(const bv_sim *s, const bv_asset *a, const bv_place *at, double n, bool opens,
                     bv_paid *paid);

/* With slippage.match off or slippage.limit wait: the price after slippage lies outside the bar, or beyond the
** limit, so the order waits on. */
bool bv_cost_refuses(const bv_sim *s, const bv_order *o, const bv_place *at);

/* The fill happened: what the account and the order are charged for from now on. */
void bv_cost_booked(bv_sim *s, bv_order *o, const bv_place *at, const bv_paid *paid);

/* Price and commission at the market price alone, for sizes, which come before an order has a place. */
double bv_cost_price(const bv_sim *s, const bv_asset *a, double price, int side, bool opens);
double bv_cost_commission(const bv_sim *s, const bv_asset *a, double n, double price, int side,
                          int position_side);

/* Currency to buy (side +1) or sell short (-1) one unit quoted at `price`, costs that grow with the
** quantity included: slippage, spread and commission rate are counted against the account. */
double bv_cost_per_unit(const bv_sim *s, const bv_asset *a, double price, int side);

/* The price step: the asset's own, else the run's. */
static inline double bv_cost_tick(const bv_sim *s, const bv_asset *a) {
  return a->def && a->def->tick > 0 ? a->def->tick : s->cfg.tick;
}

#endif
