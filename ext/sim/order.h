/*
** order.h - the orders that wait, in the order of their numbers, and the reports of finished ones.
*/
#ifndef BV_SIM_ORDER_H
#define BV_SIM_ORDER_H

#include "sim/ledger.h"

/* When an order fills among those of one instant. */
typedef enum bv_turn {
  BV_TURN_NONE,
  BV_TURN_FIRST,
  BV_TURN_SECOND,
  BV_TURN_LATER_FIRST, /* at the open, where market orders fill at the close before it */
  BV_TURN_LATER_SECOND
} bv_turn;

/* How a bar came to the price at which an order filled in it: what of the bar is later is known. */
typedef enum bv_via {
  BV_VIA_OPEN,   /* all of it */
  BV_VIA_RISE,   /* what is above, and the close */
  BV_VIA_FALL,   /* what is below, and the close */
  BV_VIA_UNKNOWN /* the close */
} bv_via;

typedef enum bv_role { BV_ROLE_NONE, BV_ROLE_STOP_LOSS, BV_ROLE_TAKE_PROFIT } bv_role;

typedef struct bv_order {
  int64_t id, ts;
  int asset;
  bv_ask ask;
  double amount;
  double n;                  /* lots ordered, signed; what the fill decides while size_at_fill */
  double filled;             /* lots filled, signed */
  double points;             /* sum of filled lots x price, for the average */
  int64_t last;              /* number of the bar of its last partial fill, plus 1; 0: none */
  double accrued, charged;   /* commission of its fills: before minimum and cap, and paid */
  double mark;               /* close the decision saw; NaN before the first */
  double mark_bid, mark_ask; /* at that close; NaN: not quoted */
  int64_t bar;               /* number of the bar with that close */
  bool close;                /* closes what is held, goes ahead of the queue */
  bool size_at_fill;
  bool waiting; /* in the queue */
  bool done;
  bool rests; /* more than a plain market order */
  bv_turn turn;
  const char *tag;
  /* of orders that rest, else all 0 from the queue on; prices that are not given are 0 */
  bv_order_type type;
  bv_tif tif;
  bv_role role;
  int side; /* +1 buys, -1 sells */
  double limit, stop, trail, trail_percent;
  int64_t until;   /* INT64_MAX: no end */
  int64_t parent;  /* entry of a bracket; 0: none */
  bv_pick pick;    /* the lots it closes */
  const char *oco; /* one fills, the others of the asset end; the name itself is the key */
  int64_t entered; /* bracket: number of the bar the entry filled on */
  double from;     /* bracket: price of the entry */
  bv_via via;      /* bracket: how bar `entered` came to that price */
  double opened;   /* lots of it that opened a position, signed */
  bool brackets;   /* has a bracket */
  bool dormant;    /* a bracket whose entry waits */
  bool triggered;  /* a stop-limit order that has become a limit order */
  bool told;       /* and that has been reported */
  int64_t leader;  /* sleeps until this order has filled; -1: that has ended otherwise; 0: none */
  int64_t rouse;   /* and wakes for bars that begin from here on; 0: not yet */
  bool leads;      /* other orders sleep until it has filled */
  int64_t woken;   /* number of the next order when the entry of this bracket filled; 0: not yet */
  /* several orders that fill together or not at all (combo.h) */
  int64_t combo;    /* number of the order that stands for the whole, also in that one; 0: none */
  int legs;         /* of that one: how many it has; else 0 */
  bool gathers;     /* more legs may follow */
  bool nets;        /* of that one: it has a net limit */
  double net;       /* which, for one unit */
  double bound;     /* and in currency for the whole */
  double worth;     /* paid (> 0) or received for the whole */
  const char *name; /* of the combo */
  const char *flaw; /* of that one: why it will be rejected; NULL: nothing known */
  bool reduce_only; /* never adds to or turns a position */
  bool forced;      /* of a margin call: nobody cancels it */
  bool ambiguous;   /* hangs on a guess */
  int guard;        /* number of the risk rule it serves, from 1; 0: none */
  bool seen;        /* a bar it could have filled on has begun */
} bv_order;

typedef struct bv_queue {
  const bv_sim_sink *sink;
  double lot, per_unit; /* as of the ledger */
  bv_order *order;      /* by id */
  size_t n, cap;
  size_t nrest;        /* of those, with `rests` */
  size_t nclose;       /* and with tif cls */
  size_t ncombo;       /* orders that stand for several */
  size_t ngather;      /* and of which legs may follow */
  bool oco_ends;       /* an order of a group that ends in any way ends the others */
  const char *orphans; /* why, where an entry may have left a bracket behind */
  int64_t next_id;
} bv_queue;

void bv_queue_init(bv_queue *q, const bv_sim_sink *sink, double lot);
void bv_queue_reset(bv_queue *q);

/* Make room for `more` orders. */
BV_MUST bv_rc bv_queue_reserve(bv_queue *q, size_t more);

/* Append a waiting order; room must be reserved.  `o` is copied, its id given here. */
void bv_queue_push(bv_queue *q, bv_asset *a, bv_order o);

/* Order `from` has become order `to`: what hangs on it follows. */
void bv_queue_adopt(bv_queue *q, int64_t from, int64_t to);

/* A plain market order has nothing in the second part of bv_order; it is cleared where it is kept. */
void bv_order_plain(bv_order *o);

/* Whether it stands for the several orders of a combo. */
bool bv_order_is_whole(const bv_order *o);

/* An order that never waits: gives the next id. */
int64_t bv_queue_take_id(bv_queue *q);

/* The order as it stands, without state and end. */
bv_sim_order bv_order_report(const bv_queue *q, const bv_order *o);

/* Report an order with its final state.  A waiting one is only marked: bv_queue_sweep removes it.
 */
BV_MUST bv_rc bv_order_finish(bv_queue *q, bv_order *o, bv_asset *a, int64_t ts,
                              bv_order_state state, const char *reason, bv_err *err);

/* Cancel the sleeping brackets whose entry has ended. */
BV_MUST bv_rc bv_queue_orphans(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err);

/* Remove the orders that are done; the others keep their sequence. */
void bv_queue_sweep(bv_queue *q);

/* True for the kinds that name a position instead of a trade. */
bool bv_ask_is_target(bv_ask ask);

/* Cancel the asset's waiting targets, reason "replaced", with their brackets. */
BV_MUST bv_rc bv_queue_replace(bv_queue *q, bv_asset *assets, int asset, int64_t ts, bv_err *err);

/* Lots of the asset's waiting market orders that are no targets. */
double bv_queue_pending(const bv_queue *q, const bv_asset *a, int asset);

/* Every waiting order expires. */
BV_MUST bv_rc bv_queue_expire(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err);

#endif
