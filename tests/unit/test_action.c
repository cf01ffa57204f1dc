/* test_action.c - splits and dividends on positions and waiting orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

static void act(bench *b, bv_action_kind kind, double value) {
  bv_sim_action x = {.asset = 0, .kind = kind, .value = value};
  double before = bv_sim_value(b->sim);
  assert_int_equal(bv_sim_act(b->sim, b->now, &x, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-12);
  if (kind == BV_ACTION_SPLIT && b->sim->cfg.split_remainder == BV_REST_CASH) {
    near(bv_sim_value(b->sim), before);
  }
}

static void buy(bench *b, double qty, double open, double close) {
  bench_ok(b, 0, BV_ASK_QTY, qty);
  bench_bar(b, open, close);
}

/* 2 : 1 of 100 @ 50: 200 @ 25, nothing else happens. */
static void test_whole_split(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=10000 commission.rate=0.001", 1);
  bench_bar(&b, 50, 50);
  buy(&b, 100, 50, 60);
  act(&b, BV_ACTION_SPLIT, 2);
  near(bv_sim_qty(b.sim, 0), 200);
  near(bv_sim_avg_price(b.sim, 0), 25);
  near(bv_sim_price(b.sim, 0), 30);
  assert_int_equal(b.norder + b.nfill, 2);
  buy(&b, -200, 31, 31);
  near(b.lot[0].qty, 200);
  near(b.lot[0].entry_price, 25);
  near(b.lot[0].commission, 5 + 6.2);
  near(b.lot[0].pnl, 200 * 6 - 5 - 6.2);
  near(b.lot[0].mfe, 200 * 6);
  bench_finish(&b);
  bench_end(&b);
}

/* The example of action.h: 3 @ 30 and 4 @ 33, 3 : 2, last price 36. */
static void test_remainder(void **state) {
  (void)state;
  for (int cost = 0; cost < 2; cost++) {
    bench b;
    bench_start(&b, "default", cost ? "cash=1000 split_remainder=cost" : "cash=1000", 1);
    bench_bar(&b, 30, 30);
    buy(&b, 3, 30, 33);
    buy(&b, 4, 33, 36);
    double cash = bv_sim_cash(b.sim), average = 6 * 22 + 0.5 * 20;
    act(&b, BV_ACTION_SPLIT, 1.5);
    near(bv_sim_qty(b.sim, 0), 10);
    near(bv_sim_avg_price(b.sim, 0), (4 * 20 + 6 * average / 6.5) / 10);
    assert_int_equal(b.nfill, 3);
    near(b.fill[2].qty, -0.5);
    near(b.fill[2].price, cost ? average / 6.5 : 24);
    near(b.fill[2].position, 10);
    near(b.fill[2].cash, cash + 0.5 * b.fill[2].price);
    near(bv_sim_cash(b.sim), b.fill[2].cash);
    assert_int_equal(b.order[2].id, b.fill[2].order);
    assert_string_equal(b.order[2].reason, "a split left a fraction");
    near(b.lot[0].qty, 0.5);
    near(b.lot[0].pnl, 0.5 * (b.fill[2].price - average / 6.5));
    bench_finish(&b);
    bench_end(&b);
  }
}

/* 1 : 10 of 7 units: nothing whole is left, all of it is paid out; of 25, 2 are left. */
static void test_reverse_split(void **state) {
  (void)state;
  for (int side = -1; side <= 1; side += 2) {
    bench b;
    bench_start(&b, "default", "cash=1000", 1);
    bench_bar(&b, 2, 2);
    buy(&b, side * 7, 2, 3);
    act(&b, BV_ACTION_SPLIT, 0.1);
    near(bv_sim_qty(b.sim, 0), 0);
    near(bv_sim_value(b.sim), 1000 + side * 7);
    near(b.lot[0].pnl, side * 7);
    assert_int_equal(b.sim->ledger.nopen, 0);
    buy(&b, side * 5, 30, 30);
    near(bv_sim_qty(b.sim, 0), side * 5);
    act(&b, BV_ACTION_SPLIT, 0.5);
    near(bv_sim_qty(b.sim, 0), side * 2);
    near(bv_sim_avg_price(b.sim, 0), 60);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* Lots that vanish one by one: three of 4, 1 : 10.  12 of them are one unit and 2 / 10 more. */
static void test_lots_pool(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 10, 10);
  buy(&b, 4, 10, 20);
  buy(&b, 4, 20, 30);
  buy(&b, 4, 30, 30);
  act(&b, BV_ACTION_SPLIT, 0.1);
  near(bv_sim_qty(b.sim, 0), 1);
  near(bv_sim_avg_price(b.sim, 0), 200);
  near(b.fill[3].qty, -0.2);
  near(b.fill[3].price, 300);
  near(b.lot[0].pnl, 0.2 * 100);
  bench_finish(&b);
  near(b.lot[1].pnl, 100);
  bench_end(&b);
}

/* Both sides are split each for itself. */
static void test_both_sides(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=10000 sides=both flip=add leverage=2", 1);
  bench_bar(&b, 10, 10);
  buy(&b, 3, 10, 10);
  buy(&b, -5, 10, 10);
  act(&b, BV_ACTION_SPLIT, 1.5);
  near(bv_sim_qty(b.sim, 0), 4 - 7);
  near(b.fill[2].qty, -0.5);
  near(b.fill[3].qty, 0.5);
  assert_true(bv_ledger_error(&b.sim->ledger) < 1e-12);
  bench_finish(&b);
  bench_end(&b);
}

/* A waiting limit order of 15 @ 40 with a bracket is one of 22 (LEAN cuts too) @ 26.67 after 3 : 2. */
static void test_waiting_orders(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 60, 60);
  bv_sim_request r = {.asset = 0,
                      .ask = BV_ASK_QTY,
                      .amount = 15,
                      .type = BV_TYPE_LIMIT,
                      .limit = 40,
                      .stop_loss = 30,
                      .take_profit = 90};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  act(&b, BV_ACTION_SPLIT, 1.5);
  bench_bar(&b, 41, 41);
  assert_int_equal(b.nfill, 0);
  bench_bar(&b, 25, 25);
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].qty, 22);
  near(b.fill[0].price, 25);
  near(b.order[0].limit, 40 / 1.5);
  near(b.order[0].amount, 22.5);
  act(&b, BV_ACTION_SPLIT, 2); /* the stop-loss is at 30 / 3 now, the take-profit at 90 / 3 */
  near(bv_sim_qty(b.sim, 0), 44);
  bench_bar(&b, 12, 10.5);
  assert_int_equal(b.nfill, 1);
  bench_bar(&b, 12, 9);
  assert_int_equal(b.nfill, 2);
  near(b.fill[1].qty, -44);
  near(b.fill[1].price, 10);
  bench_finish(&b);
  bench_end(&b);
}

/* 1 : 10 leaves nothing of an order of 9; its bracket ends with it. */
static void test_order_too_small(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=10000", 1);
  bench_bar(&b, 60, 60);
  bv_sim_request r = {.asset = 0, .ask = BV_ASK_QTY, .amount = 9, .stop_loss = 30};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  act(&b, BV_ACTION_SPLIT, 0.1);
  assert_int_equal(b.norder, 2);
  assert_string_equal(b.order[0].reason, "a split left less than one lot");
  assert_string_equal(b.order[1].reason, "the entry opened nothing");
  bench_finish(&b);
  bench_end(&b);
}

/* Longs receive, shorts pay, nobody else does. */
static void test_dividend(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000", 1);
  bench_bar(&b, 10, 10);
  act(&b, BV_ACTION_DIVIDEND, 0.5);
  assert_int_equal(b.nflow, 0);
  buy(&b, 50, 10, 10);
  act(&b, BV_ACTION_DIVIDEND, 0.5);
  near(bv_sim_cash(b.sim), 525);
  assert_int_equal(b.nflow, 1);
  near(b.flow[0].amount, 25);
  near(b.flow[0].qty, 50);
  near(b.flow[0].cash, 525);
  assert_string_equal(b.flow[0].kind, "dividend");
  buy(&b, -90, 10, 10);
  act(&b, BV_ACTION_DIVIDEND, 0.25);
  near(b.flow[1].amount, -10);
  near(bv_sim_value(b.sim), 1000 + 25 - 10);
  bench_finish(&b);
  bench_end(&b);
}

static void test_bad_actions(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "", 1);
  static const bv_sim_action bad[] = {{-1, BV_ACTION_SPLIT, 2},
                                      {1, BV_ACTION_SPLIT, 2},
                                      {0, BV_ACTION_SPLIT, 0},
                                      {0, BV_ACTION_SPLIT, (double)NAN},
                                      {0, BV_ACTION_DIVIDEND, (double)INFINITY},
                                      {0, BV_ACTION_DIVIDEND, -1}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    bv_err err = {0};
    assert_int_equal(bv_sim_act(b.sim, 0, &bad[i], &err), BV_ARG);
    assert_true(strlen(err.msg) > 10);
  }
  bench_finish(&b);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_split),     cmocka_unit_test(test_remainder),
      cmocka_unit_test(test_reverse_split),   cmocka_unit_test(test_lots_pool),
      cmocka_unit_test(test_both_sides),      cmocka_unit_test(test_waiting_orders),
      cmocka_unit_test(test_order_too_small), cmocka_unit_test(test_dividend),
      cmocka_unit_test(test_bad_actions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
