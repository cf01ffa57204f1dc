/*
** resting_help.h - one asset, bars with four prices, and what became of the orders.
*/
#ifndef BV_TEST_RESTING_HELP_H
#define BV_TEST_RESTING_HELP_H

#include "sim_help.h"

static bench b;

static inline void start(const char *knobs) {
  bench_start(&b, "default", knobs, 1);
}

static inline void bar(double o, double h, double l, double c) {
  bv_sim_bar x = {.asset = 0,
                  .ts = b.now,
                  .known_at = b.now + BENCH_STEP,
                  .open = o,
                  .high = h,
                  .low = l,
                  .close = c};
  assert_int_equal(bv_sim_open(b.sim, b.now, &x, 1, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, &x, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b.sim->ledger) < 1e-9);
}

static inline void ask(bv_sim_request r) {
  if (r.ask == BV_ASK_WEIGHT && r.amount != 0 && fabs(r.amount) >= 1) r.ask = BV_ASK_QTY;
  bv_err err = {0};
  if (bv_sim_submit(b.sim, b.now, &r, &err) != BV_OK) fail_msg("%s", err.msg);
}

static inline void expect_fill(int i, int64_t order, double qty, double price, int64_t ts,
                               int ambiguous) {
  assert_true(i < b.nfill);
  assert_int_equal(b.fill[i].order, order);
  near(b.fill[i].qty, qty);
  near(b.fill[i].price, price);
  assert_int_equal(b.fill[i].ts, ts);
  assert_int_equal(b.fill[i].ambiguous, ambiguous);
}

static inline const bv_sim_order *order(int64_t id) {
  for (int i = 0; i < b.norder; i++) {
    if (b.order[i].id == id) return &b.order[i];
  }
  fail_msg("order %d is not final", (int)id);
  return NULL;
}

static inline void expect(int64_t id, bv_order_state state, const char *reason) {
  const bv_sim_order *o = order(id);
  assert_string_equal(o->reason, reason);
  assert_int_equal(o->state, state);
}

static inline void done(void) {
  bench_finish(&b);
  bench_end(&b);
}

#endif
