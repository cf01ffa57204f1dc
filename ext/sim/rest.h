/*
** rest.h - where a bar reaches an order that waits for a price.  Pure functions.
**
** Buy side; a sell is its mirror image.  O, H, L, C is the bar, Lp the limit, S the stop:
**
**      limit        O <= Lp: at O;  else L <= Lp: at Lp       (limit_fill through: L < Lp and L <= Lp - tick)
**      stop         O >= S: at O;   else H >= S: at S
**      stop_limit   O >= S: the limit rule on the whole bar
**                   O < S <= H: Lp >= S: at S;  Lp < S: at Lp if C <= Lp, for C is after the trigger; else
**                   it is a limit order from the next bar on, as the low may have come before the trigger
**      mit          as a limit order at S, but it fills as a market order (slippage, no worst price)
**      lit          O <= S: the limit rule on the whole bar
**                   L <= S < O: Lp >= S: at S;  else L <= Lp: at Lp, which is below S and so comes later
**      trail        a stop that stands still during the bar and then follows the low (a sell's: the high)
**
** Rules backtrader: stop_limit in the third case fills at Lp if C <= Lp and O > C; trail follows the close.
**
** The tick is the asset's own, else the run's (bv_cost_tick); 0: any price beyond the limit will do.
**
** An order that a bracket adds when its entry fills inside the bar sees only what came after the entry:
** the bar's low if the price fell to the entry, its high if it rose to it, its close in any case.  What
** else it reaches may have been before.
*/
#ifndef BV_SIM_REST_H
#define BV_SIM_REST_H

#include "sim/order.h"

typedef struct bv_touch {
  double price; /* NaN: not reached */
  bv_via via;   /* how the bar came there */
  bool sure;    /* false: it may have been before the entry */
} bv_touch;

/* The price at which the order fills at the bar's open; NaN where it does not. */
double bv_rest_open(const bv_sim_config *c, double tick, const bv_order *o, const bv_sim_bar *bar);

/* Whether the bar reaches the order; `number` is that of the bar (bv_asset.bars). */
bv_touch bv_rest_touch(const bv_sim_config *c, double tick, const bv_order *o,
                       const bv_sim_bar *bar, int64_t number);

/* Whether it is a limit order, or has become one. */
bool bv_rest_is_limit(const bv_order *o);

/* Whether a price is as good as the order's limit, by knob limit_fill. */
bool bv_rest_reaches(const bv_sim_config *c, double tick, const bv_order *o, double price);

/* Whether it is a stop that has not been triggered. */
bool bv_rest_is_stop(const bv_order *o);

/* Whether its stop follows the price. */
bool bv_rest_trails(const bv_order *o);

/* The stop at which a trailing order stands when the price has been at `price`. */
double bv_rest_trail(const bv_order *o, double price);

/* After a bar that did not fill it: trailing stops follow, stop-limit orders are triggered. */
void bv_rest_carry(const bv_sim_config *c, bv_order *o, const bv_sim_bar *bar);

/* When, on the straight lines through the four prices of `path`, the order is reached: a number that
** grows along the path; NaN where it is not. */
double bv_rest_time(const bv_order *o, const double path[4], int64_t number);

#endif
