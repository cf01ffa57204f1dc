/*
** test_match.c - which of several orders goes first, and what buying power lets through.
** Expected numbers are worked out by hand from the rules in sim.h, size.h and profile.c.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

static bench b;

/* --- several assets, priorities --- */

/* A is bought with what selling B yields, although A was asked for first. */
static void test_exits_before_entries(void **state) {
  (void)state;
  const double px[2] = {10, 20};
  bench_start(&b, "default", "cash=10000", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 1);
  bench_step(&b, 2, px, px);
  near(bv_sim_qty(b.sim, 1), 500);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 0);
  bench_step(&b, 2, px, px);
  assert_int_equal(b.order[1].id, 3);
  assert_int_equal(b.order[2].id, 2);
  bench_expect(&b, 2, BV_ORDER_FILLED, 1000, 1000, "");
  near(bv_sim_cash(b.sim), 0);
  bench_end(&b);
}

static void test_queue_priority_keeps_the_order(void **state) {
  (void)state;
  const double px[2] = {10, 20};
  bench_start(&b, "default", "cash=10000 priority=queue", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 1);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 0);
  bench_step(&b, 2, px, px);
  bench_expect(&b, 1, BV_ORDER_REJECTED, 1000, 0, "insufficient funds");
  bench_expect(&b, 2, BV_ORDER_FILLED, -500, -500, "");
  bench_end(&b);
}

/* A sell that turns the position around to a larger one is an entry, not an exit. */
static void test_a_growing_flip_is_no_exit(void **state) {
  (void)state;
  const double px[2] = {10, 10};
  bench_start(&b, "default", "cash=10000", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_ok(&b, 1, BV_ASK_QTY, 10);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 0, BV_ASK_QTY, -30);
  bench_ok(&b, 1, BV_ASK_QTY, -20);
  bench_step(&b, 2, px, px);
  assert_int_equal(b.order[2].id, 4);
  assert_int_equal(b.order[3].id, 3);
  bench_end(&b);
}

static void test_an_asset_without_a_bar_waits(void **state) {
  (void)state;
  const double px[2] = {10, 10};
  bench_start(&b, "default", "", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 1, BV_ASK_QTY, 5);
  bench_step(&b, 1, px, px);
  assert_int_equal(b.norder, 0);
  bench_step(&b, 2, px, px);
  bench_expect(&b, 0, BV_ORDER_FILLED, 5, 5, "");
  assert_int_equal(b.order[0].done_ts, 120);
  bench_end(&b);
}

static void test_nan_and_non_positive_prices(void **state) {
  (void)state;
  bench_start(&b, "default", "", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  bench_bar(&b, NAN, 10);
  assert_int_equal(b.norder, 0);
  bench_bar(&b, 10, 10);
  bench_expect(&b, 0, BV_ORDER_FILLED, 5, 5, "");
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  bench_bar(&b, 0, -37.63);
  bench_expect(&b, 1, BV_ORDER_REJECTED, -5, 0, "the price is not positive");
  near(bv_sim_value(b.sim), 100000 - 50 - 5 * 37.63);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_expect(&b, 2, BV_ORDER_REJECTED, 0, 0, "the price is not positive");
  bench_end(&b);
}

static void test_no_price_yet(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 1);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 0, 0, "no price yet");
  assert_true(isnan(b.order[0].avg_price));
  assert_true(isnan(bv_sim_price(b.sim, 0)));
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  assert_int_equal(b.norder, 1);
  bench_ok(&b, 0, BV_ASK_QTY, 3);
  bench_bar(&b, 20, 21);
  bench_expect(&b, 1, BV_ORDER_FILLED, 3, 3, "");
  bench_end(&b);
}

/* --- buying power --- */

static void test_gap_up_shrinks_a_weight(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 105, 105);
  bench_expect(&b, 0, BV_ORDER_FILLED, 100, 95, "cut to buying power");
  near(bv_sim_cash(b.sim), 25);
  bench_end(&b);
}

static void test_units_are_rejected(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 11);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 11, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_TARGET, 11);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 1, BV_ORDER_REJECTED, 11, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 2, BV_ORDER_FILLED, 10, 10, "");
  bench_end(&b);
}

static void test_funds_knob(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000 funds=shrink", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 11);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_FILLED, 11, 10, "cut to buying power");
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 1, BV_ORDER_REJECTED, 1, 0, "insufficient funds");
  bench_end(&b);
  bench_start(&b, "default", "cash=1000 funds=allow", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 11);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_FILLED, 11, 11, "");
  near(bv_sim_cash(b.sim), -100);
  bench_end(&b);
  bench_start(&b, "default", "cash=1000 funds=reject", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1.5);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 15, 0, "insufficient funds");
  bench_end(&b);
}

static void test_leverage(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000 leverage=2", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 3);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_FILLED, 30, 20, "cut to buying power");
  near(bv_sim_cash(b.sim), -1000);
  bench_end(&b);
}

/* Shorts bring cash in, but exposure counts absolute values. */
static void test_short_exposure(void **state) {
  (void)state;
  const double px[2] = {10, 10};
  bench_start(&b, "default", "cash=1000", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -0.6);
  bench_step(&b, 2, px, px);
  near(bv_sim_cash(b.sim), 1600);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 0.6);
  bench_step(&b, 2, px, px);
  bench_expect(&b, 1, BV_ORDER_FILLED, 60, 40, "cut to buying power");
  bench_end(&b);
}

/* What closes needs no buying power, even in an account that lost more than it had. */
static void test_closing_is_always_possible(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -1);
  bench_bar(&b, 10, 30);
  near(bv_sim_value(b.sim), -1000);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_expect(&b, 1, BV_ORDER_REJECTED, 0, 0, "the account has no value");
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bench_bar(&b, 30, 30);
  bench_expect(&b, 2, BV_ORDER_FILLED, 40, 40, "");
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
  bench_bar(&b, 30, 30);
  near(bv_sim_qty(b.sim, 0), 0);
  near(bv_sim_value(b.sim), -1000);
  bench_end(&b);
}

/* Turning +100 into -100 with costs: the target already leaves room for closing and opening. */
static void test_full_flip_is_not_cut(void **state) {
  (void)state;
  bench_start(&b, "default",
              "cash=10000 commission.rate=0.001 slippage.rate=0.001 slippage.clamp=0", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -1);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.order[1].state, BV_ORDER_FILLED);
  assert_string_equal(b.order[1].reason, "");
  double exposure = -bv_sim_qty(b.sim, 0) * 10;
  assert_true(exposure <= bv_sim_value(b.sim));
  assert_true(exposure > bv_sim_value(b.sim) - 10.1);
  bench_end(&b);
}

static void test_no_shorts(void **state) {
  (void)state;
  bench_start(&b, "default", "allow_short=false", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  bench_bar(&b, 10, 10);
  bench_expect(&b, 0, BV_ORDER_REJECTED, -5, 0, "short selling is not allowed");
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, -8);
  bench_bar(&b, 10, 10);
  bench_expect(&b, 2, BV_ORDER_FILLED, -8, -5, "cut to the position: short selling is not allowed");
  near(bv_sim_qty(b.sim, 0), 0);
  bench_end(&b);
}

static void test_absurd_quantities(void **state) {
  (void)state;
  bench_start(&b, "default", "funds=allow", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 1e300);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -1e308);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.norder, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(b.order[i].state, BV_ORDER_REJECTED);
    assert_string_equal(b.order[i].reason, "the quantity is too large");
  }
  near(bv_sim_value(b.sim), 100000);
  bench_end(&b);
}

static void test_spread_is_paid_on_entries_only(void **state) {
  (void)state;
  bench_start(&b, "default", "spread=0.01 slippage.clamp=0", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, -25);
  bench_bar(&b, 100, 100);
  assert_int_equal(b.nfill, 3);
  near(b.fill[0].price, 101);
  near(b.fill[1].price, 100);
  near(b.fill[1].qty, -10);
  near(b.fill[2].price, 99);
  near(b.order[1].avg_price, (10 * 100 + 15 * 99) / 25.0);
  bench_end(&b);
}

/* --- backtesting.py, on hand-made bars; the recorded runs are in test_sim_backtestingpy.c --- */

/* RULES.md: 1 - 2^-52 of 10000 at 100 buys 99 units, not 100; a second order finds 100 left. */
static void test_relative_sizes(void **state) {
  (void)state;
  bench_start(&b, "backtesting.py", "", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_FILLED, 99, 99, "");
  bench_ok(&b, 0, BV_ASK_QTY, 2);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 2, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 2, BV_ORDER_FILLED, 1, 1, "");
  bench_end(&b);
}

static void test_relative_size_of_nothing_is_cancelled(void **state) {
  (void)state;
  bench_start(&b, "backtesting.py", "cash=50", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 100, 100);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 0, 0, "insufficient funds");
  bench_end(&b);
}

/* Units net first in first out, each closed lot with its own commission, and the rest opens. */
static void test_units_net_by_lot(void **state) {
  (void)state;
  bench_start(&b, "backtesting.py", "commission.fixed=1", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 20);
  bench_bar(&b, 11, 11);
  bench_ok(&b, 0, BV_ASK_QTY, -35);
  bench_bar(&b, 12, 12);
  assert_int_equal(b.nfill, 5);
  near(b.fill[2].qty, -10);
  near(b.fill[3].qty, -20);
  near(b.fill[4].qty, -5);
  near(b.lot[0].pnl, 20 - 2);
  near(b.lot[1].pnl, 20 - 2);
  near(bv_sim_commission(b.sim), 5);
  bench_end(&b);
}

#define T(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_exits_before_entries),
      T(test_queue_priority_keeps_the_order),
      T(test_a_growing_flip_is_no_exit),
      T(test_an_asset_without_a_bar_waits),
      T(test_nan_and_non_positive_prices),
      T(test_no_price_yet),
      T(test_gap_up_shrinks_a_weight),
      T(test_units_are_rejected),
      T(test_funds_knob),
      T(test_leverage),
      T(test_short_exposure),
      T(test_closing_is_always_possible),
      T(test_full_flip_is_not_cut),
      T(test_no_shorts),
      T(test_absurd_quantities),
      T(test_spread_is_paid_on_entries_only),
      T(test_relative_sizes),
      T(test_relative_size_of_nothing_is_cancelled),
      T(test_units_net_by_lot),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
