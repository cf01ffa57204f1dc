/*
** test_sim_trader.c - profile backtrader where its recorded runs do not reach: what the source of its broker
** (backtrader 1.9.78, brokers/bbroker.py and order.py) says, worked out by hand.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim/precheck.h"
#include "sim_help.h"

static void bar(bench *b, double open, double high, double low, double close) {
  bv_sim_bar x = {.ts = b->now,
                  .known_at = b->now + BENCH_STEP,
                  .open = open,
                  .high = high,
                  .low = low,
                  .close = close,
                  .volume = 1000};
  assert_int_equal(bv_sim_open(b->sim, b->now, &x, 1, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, &x, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

/* The last bar of a day. */
static void last_bar(bench *b, double open, double high, double low, double close) {
  bv_sim_bar x = {.ts = b->now,
                  .known_at = b->now + BENCH_STEP,
                  .open = open,
                  .high = high,
                  .low = low,
                  .close = close,
                  .volume = 1000,
                  .next_ts = b->now + 86400};
  assert_int_equal(bv_sim_open(b->sim, b->now, &x, 1, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, &x, 1, NULL), BV_OK);
}

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

/* The cash was there at the close, and is not at the open. */
static void test_gap_beyond_the_cash(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "cash=1005", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 101, 100);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 10, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 100.5, 100); /* to the last cent */
  bench_expect(&b, 1, BV_ORDER_FILLED, 10, 10, "");
  near(bv_sim_cash(b.sim), 0);
  bench_end(&b);
}

/* From -10 to +10 at 120: the short is closed, and 200 of cash pay for no long. */
static void test_turn_beyond_the_cash(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "cash=400", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, -10);
  bench_bar(&b, 100, 60);
  near(bv_precheck_cash(b.sim), 1400);
  bench_ok(&b, 0, BV_ASK_QTY, 20); /* 1400 - 600 - 600 = 200 at the close */
  bench_bar(&b, 120, 120);
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 20, 10, "insufficient funds");
  near(bv_sim_cash(b.sim), 200);
  near(bv_sim_qty(b.sim, 0), 0);
  bench_end(&b);
}

/* Leverage 3: 30 at 100 take 1000, at 110 they are closed for 1000 + 300. */
static void test_leverage(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "cash=1500 leverage=3", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 30);
  bench_bar(&b, 100, 100);
  near(bv_precheck_cash(b.sim), 500);
  bench_ok(&b, 0, BV_ASK_QTY, 15); /* 500 */
  bench_ok(&b, 0, BV_ASK_QTY, 3);  /* and 100 more */
  bench_expect(&b, 1, BV_ORDER_REJECTED, 3, 0, "insufficient funds");
  bench_bar(&b, 100, 110);
  near(bv_precheck_cash(b.sim), 0);
  near(bv_sim_value(b.sim), 1950);
  bench_ok(&b, 0, BV_ASK_QTY, -45);
  bench_bar(&b, 110, 110);
  near(bv_precheck_cash(b.sim), 1950);
  near(bv_sim_cash(b.sim), 1950);
  bench_end(&b);
}

/* Contracts of 10 with a margin of 200: their price is no matter. */
static void test_margin_of_contracts(void **state) {
  (void)state;
  static bench b;
  int asset;
  const bv_instrument future = {.kind = BV_KIND_FUTURE,
                                .initial_margin = 200,
                                .expiry = INT64_MAX,
                                .underlying = -1,
                                .fx = -1};
  bench_start(&b, "backtrader", "cash=1000", 0);
  assert_int_equal(bv_sim_asset(b.sim, "F", 10, &asset, NULL), BV_OK);
  assert_int_equal(bv_sim_define(b.sim, asset, &future, NULL), BV_OK);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, -3);
  bench_ok(&b, 0, BV_ASK_QTY, -3); /* 400 left */
  bench_expect(&b, 0, BV_ORDER_REJECTED, -3, 0, "insufficient funds");
  bench_bar(&b, 100, 104);
  near(bv_precheck_cash(b.sim), 280); /* 1000 - 3 x 200 - 3 x 10 x 4 */
  bench_ok(&b, 0, BV_ASK_QTY, -1);
  bench_bar(&b, 104, 104);
  near(bv_precheck_cash(b.sim), 80);
  bench_ok(&b, 0, BV_ASK_QTY, 7); /* 80 + 800 - 600 */
  bench_bar(&b, 130, 130);        /* 80 + 800 - 4 x 260: closed, and nothing is opened */
  bench_expect(&b, 3, BV_ORDER_CANCELLED, 7, 4, "insufficient funds");
  near(bv_sim_cash(b.sim), -160);
  bench_end(&b);
}

/* Profit is counted from the average price. */
static void test_average(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 20, 20);
  bench_ok(&b, 0, BV_ASK_QTY, -10);
  bench_bar(&b, 20, 20);
  near(b.fill[2].pnl, 50);
  bench_end(&b);
}

/* order_target_percent(): half of 1000 is 16.7 units at 30, a quarter 8.3: it buys 16 and sells 7.  Costs take no part. */
static void test_targets(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "cash=1000 commission.rate=0.01", 1);
  bench_bar(&b, 30, 30);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
  bench_bar(&b, 30, 30);
  near(b.fill[0].qty, 16);
  bench_ok(&b, 0, BV_ASK_VALUE, 250);
  bench_bar(&b, 30, 30);
  near(b.fill[1].qty, -7);
  bench_ok(&b, 0, BV_ASK_WEIGHT, -0.5); /* of 993.1: from 9 to -16.55 */
  bench_bar(&b, 30, 30);
  near(b.fill[2].qty, -25);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
  bench_bar(&b, 30, 30);
  near(bv_sim_qty(b.sim, 0), 0);
  bench_end(&b);
}

/* Inside a bar that closes where it opened a stop limit order to sell fills at a limit above its stop, one to buy does
** not at one below. */
static void test_stop_limit_on_an_even_bar(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "", 1);
  bench_bar(&b, 100, 100);
  give(&b, (bv_sim_request){
               .amount = -1, .type = BV_TYPE_STOP_LIMIT, .stop = 95, .limit = 98, .tag = "sell"});
  give(&b, (bv_sim_request){.amount = 1, .type = BV_TYPE_STOP_LIMIT, .stop = 105, .limit = 102});
  bar(&b, 100, 106, 94, 100);
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].qty, -1);
  near(b.fill[0].price, 98);
  bench_end(&b);
}

/* slip_open false: nothing slips that fills at an open, nor a market order at the close of cheat-on-close. */
static void test_slip_open(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "slippage.rate=0.01 slippage.open=0 slippage.clamp=0", 1);
  bench_bar(&b, 100, 100);
  give(&b, (bv_sim_request){.amount = 1});
  give(&b, (bv_sim_request){.amount = 1, .type = BV_TYPE_STOP, .stop = 101});
  give(&b, (bv_sim_request){.amount = 1, .type = BV_TYPE_STOP, .stop = 110});
  bar(&b, 102, 112, 102, 112);
  assert_int_equal(b.nfill, 3);
  near(b.fill[0].price, 102);
  near(b.fill[1].price, 102);
  near(b.fill[2].price, 110 * 1.01);
  bench_end(&b);
  bench_start(&b, "backtrader", "slippage.rate=0.01", 1); /* Order.Close never slips */
  bar(&b, 100, 105, 95, 100);
  give(&b, (bv_sim_request){.amount = 1, .type = BV_TYPE_MARKET_ON_CLOSE});
  last_bar(&b, 100, 105, 95, 101);
  near(b.fill[0].price, 101);
  bench_end(&b);
  for (int resting = 0; resting < 2; resting++) {
    bench_start(&b, "backtrader", "slippage.rate=0.01 slippage.open=0 fill_at=signal_close", 1);
    bench_bar(&b, 100, 100);
    if (resting) give(&b, (bv_sim_request){.amount = 1, .type = BV_TYPE_LIMIT, .limit = 50});
    give(&b, (bv_sim_request){.amount = 1});
    bar(&b, 102, 112, 102, 112);
    assert_int_equal(b.nfill, 1);
    near(b.fill[0].price, 100);
    bench_end(&b);
  }
}

/* Sell 5 below the close, limit 4 above that: the bar that triggers it at 95 closes at 103, and stop and limit
** follow to 98 and 102. */
static void test_trail_limit_follows_its_trigger(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtrader", "", 1);
  bench_bar(&b, 100, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 100, 100);
  give(&b, (bv_sim_request){
               .amount = -10, .type = BV_TYPE_TRAIL_LIMIT, .trail = 5, .limit = 99, .tag = "out"});
  bar(&b, 98, 98, 93, 93.5); /* triggered at 95, falls on: 99 is not there, and nothing moves */
  bar(&b, 93, 98, 92, 97);
  assert_int_equal(b.nfill, 1);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "out", NULL), BV_OK);
  near(b.order[1].limit, 99);
  bench_bar(&b, 100, 100);
  give(&b, (bv_sim_request){
               .amount = -10, .type = BV_TYPE_TRAIL_LIMIT, .trail = 5, .limit = 99, .tag = "out"});
  bar(&b, 104, 104, 94, 103); /* above 99 only before the trigger, as far as the engine knows */
  assert_int_equal(b.nfill, 1);
  bar(&b, 100, 101, 99, 100); /* 99 would be there, 102 is not */
  assert_int_equal(b.nfill, 1);
  bar(&b, 100, 102.5, 100, 101);
  near(b.fill[1].price, 102);
  bench_end(&b);
}

/* An order of a group that expires or is cancelled ends the others. */
static void test_groups_end(void **state) {
  (void)state;
  static bench b;
  for (int how = 0; how < 3; how++) {
    bool ends = how < 2;
    bench_start(&b, how < 2 ? "backtrader" : "default", "cash=1000000", 1);
    bench_bar(&b, 100, 100);
    give(&b, (bv_sim_request){.amount = 1,
                              .type = BV_TYPE_LIMIT,
                              .limit = 50,
                              .oco = "pair",
                              .tif = BV_TIF_GTD,
                              .until = b.now + BENCH_STEP,
                              .tag = "one"});
    give(&b, (bv_sim_request){
                 .amount = 1, .type = BV_TYPE_STOP, .stop = 150, .oco = "pair", .tag = "other"});
    give(&b, (bv_sim_request){
                 .amount = 1, .type = BV_TYPE_STOP, .stop = 150, .oco = "else", .tag = "third"});
    bench_bar(&b, 100, 100);
    if (how == 1) assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "one", NULL), BV_OK);
    bench_bar(&b, 160, 160);
    bench_expect(&b, 0, how == 1 ? BV_ORDER_CANCELLED : BV_ORDER_EXPIRED, 1, 0,
                 how == 1 ? "cancelled" : "its time is over");
    bench_expect(&b, 1, ends ? BV_ORDER_CANCELLED : BV_ORDER_FILLED, 1, !ends,
                 ends ? "one cancels the other" : "");
    bench_expect(&b, 2, BV_ORDER_FILLED, 1, 1, "");
    bench_end(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gap_beyond_the_cash),
      cmocka_unit_test(test_turn_beyond_the_cash),
      cmocka_unit_test(test_leverage),
      cmocka_unit_test(test_margin_of_contracts),
      cmocka_unit_test(test_average),
      cmocka_unit_test(test_targets),
      cmocka_unit_test(test_slip_open),
      cmocka_unit_test(test_stop_limit_on_an_even_bar),
      cmocka_unit_test(test_trail_limit_follows_its_trigger),
      cmocka_unit_test(test_groups_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
