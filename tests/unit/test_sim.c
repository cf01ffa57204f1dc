/*
** test_sim.c - what requests become: sizes, fills, targets, the end, bad input.
** Expected numbers are worked out by hand from the rules in sim.h, size.h and profile.c.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

static bench b;

/* --- fills and sizes --- */

static void test_fills_at_the_next_open(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 slippage.rate=0.01 commission.rate=0.001 slippage.clamp=0",
              1);
  bench_bar(&b, 99, 100);
  bv_sim_request r = {.ask = BV_ASK_QTY, .amount = 10, .tag = "first"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  assert_int_equal(b.nfill, 0);
  bench_bar(&b, 102, 101);
  bench_expect(&b, 0, BV_ORDER_FILLED, 10, 10, "");
  near(b.fill[0].price, 103.02);
  near(b.fill[0].slippage, 10.2);
  near(b.fill[0].commission, 1.0302);
  near(b.fill[0].cash, 10000 - 1030.2 - 1.0302);
  assert_int_equal(b.fill[0].ts, 60);
  assert_int_equal(b.order[0].ts, 60);
  assert_int_equal(b.order[0].done_ts, 60);
  assert_string_equal(b.order[0].tag, "first");
  near(b.order[0].avg_price, 103.02);
  near(bv_sim_qty(b.sim, 0), 10);
  near(bv_sim_avg_price(b.sim, 0), 103.02);
  near(bv_sim_price(b.sim, 0), 101);
  near(bv_sim_commission(b.sim), 1.0302);
  near(bv_sim_value(b.sim), b.fill[0].cash + 1010);
  assert_int_equal(bv_sim_bars_held(b.sim, 0), 1);
  bench_end(&b);
}

static void test_bar_before_the_decision_does_not_fill(void **state) {
  (void)state;
  bench_start(&b, "default", "", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bv_sim_bar late = {.ts = b.now - 1, .known_at = b.now, .open = 10, .close = 10};
  assert_int_equal(bv_sim_open(b.sim, b.now - 1, &late, 1, NULL), BV_OK);
  assert_int_equal(b.nfill, 0);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.nfill, 1);
  bench_end(&b);
}

/* 10000 / 50.1 / (1.001 x 1.002) = 199.003 -> 199 units, and cash stays above zero. */
static void test_full_weight_pays_its_costs(void **state) {
  (void)state;
  bench_start(&b, "default",
              "cash=10000 slippage.rate=0.001 commission.rate=0.002 slippage.clamp=0", 1);
  bench_bar(&b, 50.1, 50.1);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 50.1, 50.1);
  bench_expect(&b, 0, BV_ORDER_FILLED, 199, 199, "");
  assert_true(bv_sim_cash(b.sim) >= 0);
  /* The same weight at the same price is what is held: no order, however often asked. */
  for (int i = 0; i < 5; i++) {
    bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
    bench_bar(&b, 50.1, 50.1);
  }
  assert_int_equal(b.norder, 1);
  bench_end(&b);
}

static void test_target_kinds(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 40, 40);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), 125);
  bench_ok(&b, 0, BV_ASK_VALUE, 2000);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), 50);
  bench_ok(&b, 0, BV_ASK_TARGET, 70.9);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), 70);
  bench_ok(&b, 0, BV_ASK_QTY, -20.5);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), 50);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -0.25);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), -62);
  bench_expect(&b, 4, BV_ORDER_FILLED, -112, -112, "");
  assert_int_equal(b.nfill, 5);
  bench_ok(&b, 0, BV_ASK_TARGET, 0);
  bench_bar(&b, 40, 40);
  near(bv_sim_qty(b.sim, 0), 0);
  near(bv_sim_value(b.sim), 10000);
  bench_end(&b);
}

static void test_fractional_lots_survive_float_noise(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=0.3 units=fractional lot=0.1", 1);
  bench_bar(&b, 1, 1);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 1, 1);
  bench_expect(&b, 0, BV_ORDER_FILLED, 0.3, 0.3, "");
  assert_true(fabs(bv_sim_cash(b.sim)) < 1e-12);
  bench_ok(&b, 0, BV_ASK_QTY, -0.3);
  bench_bar(&b, 1, 1);
  assert_true(bv_sim_qty(b.sim, 0) == 0);
  bench_end(&b);
}

static void test_multiplier(void **state) {
  (void)state;
  int es;
  bench_start(&b, "default", "cash=100000 commission.rate=0.001", 0);
  assert_int_equal(bv_sim_asset(b.sim, "ES", 50, &es, NULL), BV_OK);
  bench_bar(&b, 100, 100);
  bench_ok(&b, es, BV_ASK_VALUE, 50000);
  bench_bar(&b, 100, 110);
  near(bv_sim_qty(b.sim, es), 10);
  near(bv_sim_value(b.sim), 100000 + 5000 - 50);
  bench_end(&b);
}

static void test_per_share_commission_with_minimum(void **state) {
  (void)state;
  bench_start(&b, "default",
              "cash=10000 commission.model=per_share commission.rate=0.01 commission.minimum=1", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 50);
  bench_bar(&b, 10, 10);
  near(b.fill[0].commission, 1);
  bench_ok(&b, 0, BV_ASK_QTY, 250);
  bench_bar(&b, 10, 10);
  near(b.fill[1].commission, 2.5);
  /* (10000 - 3.5 - 3000) / 10.01 = 698.9 */
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 10, 10);
  near(bv_sim_qty(b.sim, 0), 998);
  assert_true(bv_sim_cash(b.sim) >= 0);
  bench_end(&b);
}

/* --- targets --- */

static void test_new_target_replaces_a_waiting_one(void **state) {
  (void)state;
  const double px[2] = {10, 10};
  bench_start(&b, "default", "cash=10000", 2);
  bench_step(&b, 2, px, px);
  bench_ok(&b, 1, BV_ASK_TARGET, 5);
  bench_ok(&b, 1, BV_ASK_QTY, 3);
  bench_step(&b, 1, px, px);
  bench_ok(&b, 1, BV_ASK_TARGET, 7);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 5, 0, "replaced");
  bench_step(&b, 2, px, px);
  /* The explicit 3 stayed, so the new target asked for the other 4. */
  bench_expect(&b, 1, BV_ORDER_FILLED, 3, 3, "");
  bench_expect(&b, 2, BV_ORDER_FILLED, 4, 4, "");
  near(bv_sim_qty(b.sim, 1), 7);
  bench_end(&b);
}

static void test_satisfied_requests_make_no_order(void **state) {
  (void)state;
  bench_start(&b, "default", "", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_TARGET, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 0);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
  bench_bar(&b, 10, 10);
  bench_finish(&b);
  assert_int_equal(b.norder, 0);
  bench_end(&b);
}

/* Nothing is dropped silently, and nothing is repeated at every step. */
static void test_less_than_one_lot_is_said_once(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 1);
  bench_bar(&b, 5000, 5000);
  for (int i = 0; i < 3; i++) {
    bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
    bench_bar(&b, 5000, 5000);
  }
  assert_int_equal(b.norder, 1);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 0, 0, "less than one lot");
  bench_ok(&b, 0, BV_ASK_QTY, 0.5);
  bench_expect(&b, 1, BV_ORDER_REJECTED, 0, 0, "less than one lot");
  bench_end(&b);
}

static void test_rebalance_on_change(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 rebalance=on_change", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 10, 20);
  near(bv_sim_qty(b.sim, 0), 500);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 20, 20);
  assert_int_equal(b.norder, 1);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.4);
  bench_bar(&b, 20, 20);
  near(bv_sim_qty(b.sim, 0), 300);
  /* An explicit trade makes the old target news again. */
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  bench_bar(&b, 20, 20);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.4);
  bench_bar(&b, 20, 20);
  near(bv_sim_qty(b.sim, 0), 300);
  bench_end(&b);
}

static void test_rebalance_always(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 10, 20);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 20, 20);
  /* 15000 x 0.5 / 20 */
  near(bv_sim_qty(b.sim, 0), 375);
  bench_end(&b);
}

static void test_close_first(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 flip=close_first commission.fixed=1", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_TARGET, 50);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_TARGET, -30);
  bench_bar(&b, 10, 10);
  bench_expect(&b, 1, BV_ORDER_FILLED, -50, -50, "");
  bench_expect(&b, 2, BV_ORDER_FILLED, -30, -30, "");
  assert_int_equal(b.nfill, 3);
  near(bv_sim_commission(b.sim), 3);
  bench_ok(&b, 0, BV_ASK_TARGET, -30);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.norder, 3);
  bench_ok(&b, 0, BV_ASK_TARGET, 0);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.norder, 4);
  near(bv_sim_qty(b.sim, 0), 0);
  bench_end(&b);
}

static void test_size_at_fill(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 size_at=fill", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 20, 20);
  bench_expect(&b, 0, BV_ORDER_FILLED, 500, 500, "");
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 20, 20);
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 0, 0, "the target is held");
  bench_ok(&b, 0, BV_ASK_VALUE, 5000);
  bench_bar(&b, 25, 25);
  near(bv_sim_qty(b.sim, 0), 200);
  bench_end(&b);
}

static void test_signal_close(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 fill_at=signal_close", 1);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 1, 0, "no price yet");
  bench_bar(&b, 10, 11);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_bar(&b, 15, 16);
  bench_expect(&b, 1, BV_ORDER_FILLED, 909, 909, "");
  near(b.fill[0].price, 11);
  assert_int_equal(b.fill[0].ts, 60);
  bench_ok(&b, 0, BV_ASK_TARGET, 0);
  bench_finish(&b);
  bench_expect(&b, 2, BV_ORDER_EXPIRED, -909, 0, "no further bar");
  assert_int_equal(b.lot[0].bars, 1);
  bench_end(&b);
}

/* --- the end --- */

static void test_finish_mark(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 10, 12);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_finish(&b);
  bench_expect(&b, 1, BV_ORDER_EXPIRED, 1, 0, "no further bar");
  assert_int_equal(b.nlot, 1);
  assert_int_equal(b.lot[0].open, 1);
  assert_int_equal(b.lot[0].exit_ts, b.now);
  near(b.lot[0].pnl, 20);
  near(bv_sim_value(b.sim), 1020);
  bench_end(&b);
}

static void test_finish_closes(void **state) {
  (void)state;
  static const char *const how[] = {"finish=last_open commission.rate=0.01",
                                    "finish=last_close commission.rate=0.01"};
  const double exit_price[] = {20, 30};
  for (int i = 0; i < 2; i++) {
    bench_start(&b, "default", how[i], 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    bench_bar(&b, 10, 10);
    bench_bar(&b, 20, 30);
    bench_finish(&b);
    bench_expect(&b, 1, BV_ORDER_FILLED, -10, -10, "");
    near(b.fill[1].price, exit_price[i]);
    assert_int_equal(b.fill[1].ts, i == 0 ? 120 : 180);
    assert_int_equal(b.lot[0].open, 0);
    assert_int_equal(b.lot[0].bars, 1);
    near(bv_sim_value(b.sim), 100000 + 10 * (exit_price[i] - 10) - 1 - exit_price[i] / 10);
    near(bv_sim_cash(b.sim), bv_sim_value(b.sim));
    bench_end(&b);
  }
}

/* A position that cannot be closed at a price below zero stays, and is reported open. */
static void test_finish_below_zero(void **state) {
  (void)state;
  const double start[2] = {10, 10}, end[2] = {-5, 20};
  bench_start(&b, "default", "finish=last_close", 2);
  bench_step(&b, 2, start, start);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_ok(&b, 1, BV_ASK_QTY, 1);
  bench_step(&b, 2, start, end);
  bench_finish(&b);
  bench_expect(&b, 2, BV_ORDER_REJECTED, -1, 0, "the price is not positive");
  bench_expect(&b, 3, BV_ORDER_FILLED, -1, -1, "");
  assert_int_equal(b.nlot, 2);
  assert_int_equal(b.lot[1].open, 1);
  near(b.lot[1].pnl, -15);
  bench_end(&b);
}

static void test_exposed(void **state) {
  (void)state;
  bench_start(&b, "default", "", 1);
  bench_bar(&b, 10, 10);
  assert_false(bv_sim_exposed(b.sim));
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_bar(&b, 10, 10);
  assert_true(bv_sim_exposed(b.sim));
  bench_ok(&b, 0, BV_ASK_QTY, -1);
  bench_bar(&b, 10, 10);
  assert_true(bv_sim_exposed(b.sim));
  assert_false(bv_sim_exposed(b.sim));
  bench_end(&b);
}

/* --- bad input --- */

static void test_bad_requests(void **state) {
  (void)state;
  bench_start(&b, "default", "", 1);
  bench_bar(&b, 10, 10);
  assert_int_equal(bench_ask(&b, 1, BV_ASK_QTY, 1), BV_ARG);
  assert_int_equal(bench_ask(&b, -1, BV_ASK_QTY, 1), BV_ARG);
  assert_int_equal(bench_ask(&b, 0, BV_ASK_QTY, NAN), BV_ARG);
  assert_int_equal(bench_ask(&b, 0, BV_ASK_WEIGHT, INFINITY), BV_ARG);
  assert_int_equal(bench_ask(&b, 0, (bv_ask)99, 1), BV_ARG);
  bv_err err = {0};
  bv_sim_request r = {.asset = 0, .ask = BV_ASK_QTY, .amount = NAN};
  assert_int_equal(bv_sim_submit(b.sim, 60, &r, &err), BV_ARG);
  assert_string_equal(err.msg, "order for A: the amount is not a finite number");
  bench_bar(&b, 10, 10);
  assert_int_equal(b.norder, 0);
  near(bv_sim_qty(b.sim, 7), 0);
  assert_true(isnan(bv_sim_price(b.sim, -1)));
  assert_true(isnan(bv_sim_avg_price(b.sim, 7)));
  assert_int_equal(bv_sim_bars_held(b.sim, 7), 0);
  assert_null(bv_sim_asset_key(b.sim, 7));
  bench_end(&b);
}

static void test_bad_assets_and_config(void **state) {
  (void)state;
  int asset = -7;
  bench_start(&b, "default", "", 1);
  assert_int_equal(bv_sim_asset(b.sim, "A", 1, &asset, NULL), BV_OK);
  assert_int_equal(asset, 0);
  assert_int_equal(bv_sim_asset(b.sim, "A", 2, &asset, NULL), BV_ARG);
  assert_int_equal(bv_sim_asset(b.sim, "", 1, &asset, NULL), BV_ARG);
  assert_int_equal(bv_sim_asset(b.sim, NULL, 1, &asset, NULL), BV_ARG);
  assert_int_equal(bv_sim_asset(b.sim, "Z", 0, &asset, NULL), BV_ARG);
  assert_int_equal(bv_sim_asset(b.sim, "Z", NAN, &asset, NULL), BV_ARG);
  assert_int_equal(bv_sim_asset_count(b.sim), 1);
  assert_string_equal(bv_sim_asset_key(b.sim, 0), "A");
  bench_end(&b);
  bv_sim *s = (bv_sim *)&asset;
  bv_sim_config c = configure("default", "lot=0.5");
  assert_int_equal(bv_sim_new(&c, NULL, &s, NULL), BV_ARG);
  assert_null(s);
  bv_sim_free(NULL);
}

/* Lots of 0.000001 are counted, but 12,500 of them are the double nearest to 0.0125, which 12500 * 1e-6 is not. */
static void test_quantities_are_decimals(void **state) {
  (void)state;
  bench_start(&b, "default", "units=fractional cash=1000", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 0.0125);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 0.07);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_TARGET, 0);
  bench_bar(&b, 10, 10);
  bench_finish(&b);
  static const double qty[] = {0.0125, 0.07, -0.0825}, position[] = {0.0125, 0.0825, 0};
  assert_int_equal(b.nfill, 3);
  for (int i = 0; i < 3; i++) {
    assert_true(b.order[i].qty == qty[i] && b.order[i].filled == qty[i]);
    assert_true(b.fill[i].qty == qty[i] && b.fill[i].position == position[i]);
  }
  assert_int_equal(b.nlot, 2);
  assert_true(b.lot[0].qty == 0.0125 && b.lot[1].qty == 0.07);
  bench_end(&b);
}

static bv_rc no(void *ctx, const bv_sim_order *o, bv_err *err) {
  (void)ctx;
  (void)o;
  return bv_fail(err, BV_IO, "disk full");
}

static void test_sink_errors_end_the_run(void **state) {
  (void)state;
  bv_sim_config c = configure("default", "");
  bv_sim_sink sink = {.order = no};
  bv_err err = {0};
  int asset;
  memset(&b, 0, sizeof b);
  assert_int_equal(bv_sim_new(&c, &sink, &b.sim, NULL), BV_OK);
  assert_int_equal(bv_sim_asset(b.sim, "A", 1, &asset, NULL), BV_OK);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bv_sim_bar bar = {.ts = b.now, .open = 10};
  assert_int_equal(bv_sim_open(b.sim, b.now, &bar, 1, &err), BV_IO);
  assert_string_equal(err.msg, "disk full");
  bench_end(&b);
}

#define T(name) cmocka_unit_test(name)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_fills_at_the_next_open),
      T(test_bar_before_the_decision_does_not_fill),
      T(test_full_weight_pays_its_costs),
      T(test_target_kinds),
      T(test_fractional_lots_survive_float_noise),
      T(test_multiplier),
      T(test_per_share_commission_with_minimum),
      T(test_new_target_replaces_a_waiting_one),
      T(test_satisfied_requests_make_no_order),
      T(test_less_than_one_lot_is_said_once),
      T(test_rebalance_on_change),
      T(test_rebalance_always),
      T(test_close_first),
      T(test_size_at_fill),
      T(test_signal_close),
      T(test_finish_mark),
      T(test_finish_closes),
      T(test_finish_below_zero),
      T(test_exposed),
      T(test_bad_requests),
      T(test_bad_assets_and_config),
      T(test_quantities_are_decimals),
      T(test_sink_errors_end_the_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
