/*
** execute.h - one order at one price: how many lots, what of it the account carries, the fills.
*/
#ifndef BV_SIM_EXECUTE_H
#define BV_SIM_EXECUTE_H

#include "sim/state.h"

/* Where and when an order meets the market. */
typedef struct bv_place {
  double price; /* before slippage */
  double limit; /* no fill is worse than this; 0: no limit */
  bool maker;   /* the order waited in the book for this price */
  bool open;    /* a market or limit order at the bar's open */
  int64_t ts, bar_number;
  const bv_sim_bar *bar;
  bv_value_at at; /* what the account is valued at for buying power */
  bv_via via;     /* how the bar came to the price */
} bv_place;

/* What an order would do: lots that close and lots that open, both signed as the order. */
typedef struct bv_plan {
  double close, open;
  const char *reason; /* why it is less than was asked for; "" if it is not */
} bv_plan;

/* A leg of an order that fills whole or not at all, and what it would do. */
typedef struct bv_leg {
  bv_order *order;
  bv_place at;
  bv_plan plan;
} bv_leg;

/* Fill as much of the order as rules and money allow and report its end; then what hangs on it.  Where the
** bar's volume allows less, the order waits with the rest. */
BV_MUST bv_rc bv_execute(bv_sim *s, bv_order *o, const bv_place *at, bv_err *err);

/* Lots of an order that is sized where it fills; 0 where that would be the other side. */
double bv_execute_size(const bv_sim *s, const bv_order *o, const bv_place *at);

/* What an order wants, as far as positions and the rule on short sales let it; money is another matter. */
bv_plan bv_execute_plan(const bv_sim *s, const bv_order *o);

/* Fill the plan, which is all of the order, and report its end; then what hangs on it. */
BV_MUST bv_rc bv_execute_whole(bv_sim *s, bv_order *o, const bv_place *at, const bv_plan *p,
                               bv_err *err);

/* Reasons of orders that end so. */
extern const char *const bv_no_short, *const bv_too_large, *const bv_not_positive;

/* Counts of lots are exact up to here. */
extern const double bv_most_lots;

#endif
