/*
** quote.h - which prices an order meets where the bars of its asset are quoted.
**
** A buy meets the ask, a sell the bid: opens, closes, what is reached inside the bar and the range that
** slippage is kept in are those of its own side.  bv_sim_quote has a bar for each side, and it is the
** asset's own bar where a side is not quoted, so nothing else asks whether there are quotes.  Orders for the
** open and for the close of a day meet the asset's own bar: an auction has one price.
*/
#ifndef BV_SIM_QUOTE_H
#define BV_SIM_QUOTE_H

#include "sim/state.h"

/* +1: the order meets the ask, -1: the bid, 0: the asset's own bar. */
int bv_quote_side(const bv_sim *s, const bv_order *o);

/* The bar under way as an order of that side meets it. */
static inline const bv_sim_bar *bv_bar_of_side(const bv_sim_bar *bar, int side) {
  if (!bar->quote || side == 0) return bar;
  return side > 0 ? &bar->quote->ask : &bar->quote->bid;
}

static inline const bv_sim_bar *bv_bar_of(const bv_sim *s, const bv_order *o) {
  const bv_sim_bar *bar = s->ledger.asset[o->asset].bar;
  return bar->quote ? bv_bar_of_side(bar, bv_quote_side(s, o)) : bar;
}

/* The close that the decision saw, of the order's side where that was quoted. */
double bv_quote_mark(const bv_sim *s, const bv_order *o);

/* The last close of a side of an asset, its last price where that is not quoted. */
double bv_quote_last(const bv_asset *a, int side);

/* Inside a quoted bar nobody knows where one side stood when the other was at its price. */
static inline bv_via bv_quote_via(const bv_sim_bar *bar, bv_via via) {
  return bar->quote && via != BV_VIA_OPEN ? BV_VIA_UNKNOWN : via;
}

/* Knobs that do not go together. */
BV_MUST bv_rc bv_quote_check(const bv_sim_config *c, bv_err *err);

#endif
