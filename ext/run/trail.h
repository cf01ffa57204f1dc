/*
** trail.h - a sink between the simulator and a run's results that keeps count and a hash of each kind of
** them, and can hold them back for a while.
**
** Two runs with the same trail have had the same results, to the bit.  Results are held back so that the
** lock for writing is not needed at every fill.
*/
#ifndef BV_RUN_TRAIL_H
#define BV_RUN_TRAIL_H

#include "base/buf.h"
#include "sim/sim.h"

typedef enum bv_trail_kind {
  BV_TRAIL_EQUITY,
  BV_TRAIL_ORDER,
  BV_TRAIL_FILL,
  BV_TRAIL_LOT,
  BV_TRAIL_FLOW,
  BV_TRAIL_MARGIN,
  BV_TRAIL_RISK,
  BV_TRAIL_TRIGGER,
  BV_TRAIL_KINDS
} bv_trail_kind;

typedef struct bv_trail_event {
  bv_trail_kind kind;
  union {
    bv_sim_order order;
    bv_sim_fill fill;
    bv_sim_lot lot;
    bv_sim_flow flow;
    bv_sim_margin margin;
    bv_sim_firing risk;
    bv_sim_trigger trigger;
  } u;
} bv_trail_event;

#define BV_TRAIL_MAX 8192 /* results that are held back */

typedef struct bv_trail {
  bv_sim_sink sink; /* where results go */
  int64_t n[BV_TRAIL_KINDS];
  uint64_t hash[BV_TRAIL_KINDS];
  bool hold;
  bv_trail_event *held;
  int nheld;
  /* Called when no more can be held; it must set hold to false and see to the lock. */
  bv_rc (*full)(void *ctx, bv_err *err);
  void *ctx;
} bv_trail;

/* The sink to give to the simulator; t->sink, full and ctx are set by the caller. */
bv_sim_sink bv_trail_sink(bv_trail *t);
void bv_trail_reset(bv_trail *t);

/* A point of the equity curve. */
void bv_trail_point(bv_trail *t, int64_t ts, double value, double cash, bool exposed);

/* Hand over what is held. */
BV_MUST bv_rc bv_trail_drain(bv_trail *t, bv_err *err);

/* Every tag of what is held, NULL among them. */
void bv_trail_tags(const bv_trail *t, void (*fn)(void *ctx, const char *tag), void *ctx);

/* "equity 1000 0123456789abcdef; orders ...". */
BV_MUST bv_rc bv_trail_text(const bv_trail *t, bv_buf *out);

/* The first kind in which a trail differs from a text of another one, and both counts; NULL: in none. */
const char *bv_trail_differs(const bv_trail *t, const char *text, int64_t *now, int64_t *then);

#endif
