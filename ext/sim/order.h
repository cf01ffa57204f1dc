/*
** order.h - the orders that wait, in the order of their numbers, and the reports of finished ones.
*/
#ifndef BV_SIM_ORDER_H
#define BV_SIM_ORDER_H

#include "sim/ledger.h"

/* When an order fills among those of one instant. */
typedef enum bv_turn { BV_TURN_NONE, BV_TURN_FIRST, BV_TURN_SECOND } bv_turn;

typedef struct bv_order {
  int64_t id, ts;
  int asset;
  bv_ask ask;
  double amount;
  double n;      /* lots ordered, signed; what the fill decides while size_at_fill */
  double filled; /* lots filled, signed */
  double points; /* sum of filled lots x price, for the average */
  double mark;   /* close the decision saw; NaN before the first */
  int64_t bar;   /* number of the bar with that close */
  bool close;    /* closes what is held, goes ahead of the queue */
  bool size_at_fill;
  bool waiting; /* in the queue */
  bool done;
  bv_turn turn;
  const char *tag;
} bv_order;

typedef struct bv_queue {
  const bv_sim_sink *sink;
  double lot;
  bv_order *order; /* by id */
  size_t n, cap;
  int64_t next_id;
} bv_queue;

void bv_queue_init(bv_queue *q, const bv_sim_sink *sink, double lot);
void bv_queue_reset(bv_queue *q);

/* Make room for `more` orders. */
BV_MUST bv_rc bv_queue_reserve(bv_queue *q, size_t more);

/* Append a waiting order; room must be reserved.  `o` is copied, its id given here. */
void bv_queue_push(bv_queue *q, bv_asset *a, bv_order o);

/* An order that never waits: gives the next id. */
int64_t bv_queue_take_id(bv_queue *q);

/* Report an order with its final state.  A waiting one is only marked: bv_queue_sweep removes it.
 */
BV_MUST bv_rc bv_order_finish(bv_queue *q, bv_order *o, bv_asset *a, int64_t ts,
                              bv_order_state state, const char *reason, bv_err *err);

/* Remove the orders that are done; the others keep their sequence. */
void bv_queue_sweep(bv_queue *q);

/* True for the kinds that name a position instead of a trade. */
bool bv_ask_is_target(bv_ask ask);

/* Cancel the asset's waiting targets, reason "replaced". */
BV_MUST bv_rc bv_queue_replace(bv_queue *q, bv_asset *a, int asset, int64_t ts, bv_err *err);

/* Lots of the asset's waiting orders that are no targets. */
double bv_queue_pending(const bv_queue *q, const bv_asset *a, int asset);

/* Every waiting order expires. */
BV_MUST bv_rc bv_queue_expire(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err);

#endif
