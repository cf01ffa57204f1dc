/*
** test_resting.c - orders that wait for a price, through the simulator: fills, times in force, what makes
** no sense.  Expected numbers are worked out by hand from rest.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "resting_help.h"

/* --- fills --- */

static void test_limit_waits_for_its_price(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 95});
  bar(100, 102, 96, 97);
  assert_int_equal(b.nfill, 0);
  bar(97, 98, 94, 96);
  expect_fill(0, 1, 10, 95, 120, 0);
  expect(1, BV_ORDER_FILLED, "");
  near(order(1)->limit, 95);
  assert_true(isnan(order(1)->stop));
  done();
}

static void test_gaps(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 99});
  ask((bv_sim_request){.amount = 20, .type = BV_TYPE_STOP, .stop = 105});
  bar(97, 98, 96, 97);
  expect_fill(0, 1, 10, 97, 60, 0);
  bar(110, 112, 109, 111);
  expect_fill(1, 2, 20, 110, 120, 0);
  ask((bv_sim_request){.amount = -30, .type = BV_TYPE_STOP_LIMIT, .stop = 108, .limit = 106});
  bar(105, 107, 104, 105); /* triggered at the open, whose price is below the limit */
  expect_fill(2, 3, -30, 106, 180, 0);
  done();
}

/* Slippage is adverse, within the bar, and a limit is a limit. */
static void test_slippage(void **state) {
  (void)state;
  start("cash=1e6 slippage.rate=0.01");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 99});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 105});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 110});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 100.5});
  bar(100, 105.5, 98, 102);
  expect_fill(0, 3, 10, 101, 60, 0);
  expect_fill(1, 4, 10, 100.5, 60, 0);
  expect_fill(2, 1, 10, 99, 60, 0);
  expect_fill(3, 2, 10, 105.5, 60, 0);
  done();
}

/* The stop of the bar is the one it began with; the high moves it for the next. */
static void test_trailing(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10});
  ask((bv_sim_request){.amount = -10, .type = BV_TYPE_TRAIL, .trail = 5});
  bar(100, 110, 96, 109); /* stop 95; then 105 */
  assert_int_equal(b.nfill, 1);
  bar(108, 109, 106, 107);
  assert_int_equal(b.nfill, 1);
  bar(106, 107, 104, 105);
  expect_fill(1, 2, -10, 105, 180, 0);
  near(order(2)->stop, 105);
  ask((bv_sim_request){.amount = -10, .type = BV_TYPE_TRAIL, .trail_percent = 10, .stop = 90});
  bar(105, 110, 100, 110);
  bar(98, 99, 97, 98); /* gap below 99 */
  expect_fill(2, 3, -10, 98, 300, 0);
  done();
}

/* Slippage moves the price of an order that is touched, and not that of a limit order. */
static void test_if_touched(void **state) {
  (void)state;
  start("cash=1e6 slippage.rate=0.01");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_MIT, .stop = 95});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIT, .stop = 95, .limit = 95.5});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIT, .stop = 95, .limit = 93});
  bar(100, 101, 94, 95);
  expect_fill(0, 1, 10, 95.95, 60, 0);
  expect_fill(1, 2, 10, 95.5, 60, 0);
  assert_int_equal(b.nfill, 2);
  bar(96, 97, 92, 96); /* triggered before: a limit order */
  expect_fill(2, 3, 10, 93, 120, 0);
  done();
}

/* A trailing stop that was asked for before any price starts at the first open. */
static void test_trailing_without_a_price(void **state) {
  (void)state;
  start("cash=1e6");
  ask((bv_sim_request){.amount = -10, .type = BV_TYPE_TRAIL, .trail = 5});
  bar(100, 101, 96, 97);
  assert_int_equal(b.nfill, 0);
  bar(97, 98, 95, 96);
  expect_fill(0, 1, -10, 96, 60, 0);
  done();
}

static void test_stop_limit_inside_a_bar(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP_LIMIT, .stop = 102, .limit = 101});
  bar(100, 103, 99, 102.5); /* triggered; the low may have come before */
  assert_int_equal(b.nfill, 0);
  bar(102.5, 103, 100.5, 102); /* a limit order now */
  expect_fill(0, 1, 10, 101, 120, 0);
  done();
}

/* A decision inside a bar does not fill on it. */
static void test_not_before_its_time(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  bv_sim_bar x = {.asset = 0,
                  .ts = b.now,
                  .known_at = b.now + BENCH_STEP,
                  .open = 100,
                  .high = 110,
                  .low = 90,
                  .close = 100};
  assert_int_equal(bv_sim_open(b.sim, x.ts, &x, 1, NULL), BV_OK);
  bv_sim_request r = {.ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 95};
  assert_int_equal(bv_sim_submit(b.sim, x.ts + 1, &r, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, &x, 1, NULL), BV_OK);
  assert_int_equal(b.nfill, 0);
  bar(95, 96, 94, 95);
  expect_fill(0, 1, 10, 95, 120, 0);
  done();
}

static void test_missing_prices(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 95, .tif = BV_TIF_IOC});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 95});
  bar(NAN, NAN, NAN, NAN);
  assert_int_equal(b.norder, 0);
  bar(94, 96, 93, 95);
  assert_int_equal(b.nfill, 2);
  done();
}

/* A sized target with a limit; a newer target takes its place. */
static void test_targets_rest(void **state) {
  (void)state;
  start("cash=10000");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 0.5, .type = BV_TYPE_LIMIT, .limit = 95});
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 0.25, .type = BV_TYPE_LIMIT, .limit = 96});
  expect(1, BV_ORDER_CANCELLED, "replaced");
  bar(100, 101, 96, 98);
  expect_fill(0, 2, 25, 96, 120, 0);
  /* An order that rests is not on its way: the target sells what is held. */
  ask((bv_sim_request){.amount = -25, .type = BV_TYPE_STOP, .stop = 90});
  ask((bv_sim_request){.amount = 0});
  bar(98, 99, 97, 98);
  expect_fill(1, 4, -25, 98, 180, 0);
  done();
}

/* --- time in force --- */

static void test_times_in_force(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){
      .amount = 1, .type = BV_TYPE_LIMIT, .limit = 90, .tif = BV_TIF_GTD, .until = 180});
  ask((bv_sim_request){.amount = 2, .type = BV_TYPE_LIMIT, .limit = 99, .tif = BV_TIF_IOC});
  ask((bv_sim_request){.amount = 3, .type = BV_TYPE_LIMIT, .limit = 100, .tif = BV_TIF_IOC});
  ask((bv_sim_request){.amount = 4, .type = BV_TYPE_LIMIT, .limit = 90, .tif = BV_TIF_DAY});
  ask((bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 90});
  bar(100, 101, 95, 100);
  expect(2, BV_ORDER_CANCELLED, "not filled at the open");
  expect_fill(0, 3, 3, 100, 60, 0);
  bar(100, 101, 95, 100);
  assert_int_equal(b.norder, 2);
  bar(89, 91, 88, 90); /* starts at 180: too late for the first */
  expect(1, BV_ORDER_EXPIRED, "its time is over");
  assert_int_equal(order(1)->done_ts, 180);
  expect_fill(1, 4, 4, 89, 180, 0);
  expect_fill(2, 5, 5, 89, 180, 0);
  done();
}

/* The day of the first bar it can fill on, in the asset's zone: an order given overnight is for the
** next day. */
static void test_day(void **state) {
  (void)state;
  const bv_zone *zone;
  assert_int_equal(bv_zone_find("+02:00", &zone, NULL), BV_OK);
  start("cash=1e6");
  bv_sim_asset_zone(b.sim, 0, zone);
  bar(100, 101, 99, 100);
  b.now = 12 * 3600;
  ask((bv_sim_request){.amount = 1, .type = BV_TYPE_LIMIT, .limit = 90, .tif = BV_TIF_DAY});
  b.now = 22 * 3600 - 60; /* 23:59 local */
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 2, .type = BV_TYPE_LIMIT, .limit = 90, .tif = BV_TIF_DAY});
  bar(100, 101, 99, 100); /* the next day */
  expect(1, BV_ORDER_EXPIRED, "its time is over");
  assert_int_equal(order(1)->done_ts, 22 * 3600);
  bar(89, 91, 88, 90);
  expect_fill(0, 2, 2, 89, 22 * 3600 + 60, 0);
  done();
}

static void test_fill_or_kill(void **state) {
  (void)state;
  start("cash=1000");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.ask = BV_ASK_VALUE, .amount = 5000, .tif = BV_TIF_FOK});
  ask((bv_sim_request){.ask = BV_ASK_VALUE, .amount = 5000, .tif = BV_TIF_IOC});
  bar(100, 101, 95, 100);
  expect(1, BV_ORDER_CANCELLED, "replaced");
  expect(2, BV_ORDER_FILLED, "cut to buying power");
  ask((bv_sim_request){.ask = BV_ASK_VALUE, .amount = 5000, .tif = BV_TIF_FOK});
  bar(100, 101, 95, 100);
  expect(3, BV_ORDER_REJECTED, "insufficient funds");
  done();
}

/* --- what makes no sense --- */

static void test_rejections(void **state) {
  (void)state;
  static const struct {
    bv_sim_request r;
    const char *reason;
  } cases[] = {
      {{.type = BV_TYPE_LIMIT}, "a limit order needs limit_price"},
      {{.type = BV_TYPE_STOP}, "a stop order needs stop_price"},
      {{.type = BV_TYPE_STOP_LIMIT, .stop = 110},
       "a stop_limit order needs stop_price and limit_price"},
      {{.type = BV_TYPE_TRAIL, .stop = 110}, "a trailing stop needs trail_amount or trail_percent"},
      {{.type = BV_TYPE_TRAIL_LIMIT, .trail = 1},
       "a trailing_stop_limit needs a trail and limit_price"},
      {{.type = BV_TYPE_MIT}, "a market_if_touched order needs stop_price"},
      {{.type = BV_TYPE_MIT, .stop = 99, .limit = 98},
       "a market_if_touched order takes stop_price alone"},
      {{.type = BV_TYPE_LIT, .stop = 99},
       "a limit_if_touched order needs stop_price and limit_price"},
      {{.type = BV_TYPE_LIT, .stop = 99, .limit = 98, .trail = 1},
       "a limit_if_touched order takes no trail"},
      {{.limit = 110}, "a market order has no price of its own"},
      {{.type = BV_TYPE_LIMIT, .limit = 99, .stop = 98}, "a limit order takes limit_price alone"},
      {{.type = BV_TYPE_STOP, .stop = 110, .trail = 1}, "a stop order takes stop_price alone"},
      {{.type = BV_TYPE_TRAIL, .trail = 1, .limit = 1}, "a trailing stop takes no limit_price"},
      {{.type = BV_TYPE_TRAIL, .trail = 1, .trail_percent = 1},
       "trail_amount and trail_percent exclude each other"},
      {{.type = BV_TYPE_TRAIL, .trail_percent = 100}, "trail_percent is not between 0 and 100"},
      {{.type = BV_TYPE_TRAIL, .trail = -1}, "trail_amount is not a positive number"},
      {{.type = BV_TYPE_LIMIT, .limit = -5}, "limit_price is not a positive number"},
      {{.type = BV_TYPE_LIMIT, .limit = NAN}, "limit_price is not a positive number"},
      {{.type = BV_TYPE_STOP, .stop = INFINITY}, "stop_price is not a positive number"},
      {{.type = BV_TYPE_STOP, .stop = 99}, "the stop is on the wrong side of the last price"},
      {{.type = BV_TYPE_TRAIL, .trail = 1, .stop = 99},
       "the stop is on the wrong side of the last price"},
      {{.tif = BV_TIF_GTD}, "tif gtd needs expire_at"},
      {{.tif = BV_TIF_GTD, .until = 60}, "expire_at has passed"},
      {{.tif = BV_TIF_DAY, .until = 600}, "expire_at needs tif gtd"},
      {{.take_profit = 99}, "take_profit is on the wrong side of the entry"},
      {{.stop_loss = 101}, "stop_loss is on the wrong side of the entry"},
      {{.take_profit = 90, .stop_loss = 95}, "take_profit and stop_loss are crossed"},
      {{.type = BV_TYPE_LIMIT, .limit = 90, .stop_loss = 95},
       "stop_loss is on the wrong side of the entry"},
      {{.type = BV_TYPE_STOP, .stop = 110, .take_profit = 105},
       "take_profit is on the wrong side of the entry"},
      {{.take_profit = NAN}, "take_profit is not a positive number"},
      {{.stop_loss = -1}, "stop_loss is not a positive number"},
      {{.amount = 0.5, .type = BV_TYPE_LIMIT, .limit = 99}, "less than one lot"},
  };
  enum { N = sizeof cases / sizeof cases[0] };
  start("cash=1e6");
  bar(100, 101, 99, 100);
  for (int i = 0; i < N; i++) {
    bv_sim_request r = cases[i].r;
    r.ask = BV_ASK_QTY;
    if (r.amount == 0) r.amount = 10;
    ask(r);
    assert_int_equal(b.norder, i + 1);
    expect(i + 1, BV_ORDER_REJECTED, cases[i].reason);
  }
  assert_int_equal(b.sim->queue.n, 0);
  bv_err err = {0};
  bv_sim_request bad = {.ask = BV_ASK_QTY, .amount = NAN, .type = BV_TYPE_LIMIT, .limit = 99};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &bad, &err), BV_ARG);
  bad = (bv_sim_request){.ask = BV_ASK_QTY, .amount = 1, .type = (bv_order_type)17};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &bad, &err), BV_ARG);
  done();
}

static void test_a_stop_at_the_last_price_stands(void **state) {
  (void)state;
  start("");
  bar(100, 100, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 100});
  bar(99, 102, 98, 101);
  expect_fill(0, 1, 10, 100, 60, 0);
  bench_end(&b);
  start("wrong_side=allow");
  bar(100, 100, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 98});
  bar(99, 102, 98, 101);
  expect_fill(0, 1, 10, 99, 60, 0);
  done();
}

/* --- chosen lots --- */

/* Of three entries the second is closed, in two pieces; the others stay first in, first out. */
static void test_closes(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1e6 flip=add", 1);
  static const char *const tags[] = {"one", "two", "three"};
  bar(100, 101, 99, 100);
  for (int i = 0; i < 3; i++) {
    ask((bv_sim_request){.amount = 10, .tag = tags[i]});
    bar(100 + i, 101 + i, 99 + i, 100 + i);
  }
  ask((bv_sim_request){.amount = -4, .closes = "two"});
  bar(110, 111, 109, 110);
  near(b.lot[0].entry_price, 101);
  near(b.lot[0].qty, 4);
  near(b.fill[3].pnl, 4 * 9);
  ask((bv_sim_request){.amount = -40, .closes = "two"});
  ask((bv_sim_request){.amount = -1, .closes = "four"});
  bar(110, 111, 109, 110);
  near(b.lot[1].qty, 6);
  near(b.lot[1].entry_price, 101);
  expect(5, BV_ORDER_FILLED, "cut to the position");
  expect(6, BV_ORDER_CANCELLED, "the position is closed");
  ask((bv_sim_request){.amount = -15});
  bar(110, 111, 109, 110);
  near(b.lot[2].entry_price, 100);
  near(b.lot[3].entry_price, 102);
  near(b.fill[5].pnl, 10 * 10 + 5 * 8);
  near(bv_sim_qty(b.sim, 0), 5);
  /* With flip add a weight comes on top. */
  ask((bv_sim_request){.amount = 0.11});
  bar(110, 111, 109, 110);
  near(bv_sim_qty(b.sim, 0), 5 + floor(bv_sim_value(b.sim) * 0.11 / 110));
  done();
}

/* --- both sides --- */

/* A long core and a short hedge with a bracket of its own, side by side. */
static void test_both_sides(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=10000 flip=add sides=both", 1);
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 20, .tag = "core"});
  ask((bv_sim_request){.amount = -20, .tag = "hedge", .take_profit = 90, .stop_loss = 110});
  bar(100, 101, 99, 100);
  near(bv_sim_qty(b.sim, 0), 0);
  assert_true(bv_sim_exposed(b.sim));
  assert_int_equal(bv_sim_bars_held(b.sim, 0), 1);
  bar(100, 101, 89, 92); /* the hedge takes its profit, the core stays */
  near(bv_sim_qty(b.sim, 0), 20);
  near(b.lot[0].qty, -20);
  near(b.lot[0].pnl, 200);
  near(bv_sim_value(b.sim), 10000 + 200 - 160);
  ask((bv_sim_request){.amount = -120, .tag = "more"}); /* 20 x 92 + 120 x 92 is too much */
  bar(92, 93, 91, 92);
  expect(5, BV_ORDER_REJECTED, "insufficient funds");
  ask((bv_sim_request){.amount = -10, .tag = "hedge"});
  bar(92, 93, 91, 92);
  near(bv_sim_qty(b.sim, 0), 10);
  ask((bv_sim_request){.amount = 0}); /* both are closed */
  bar(92, 93, 91, 92);
  assert_int_equal(b.nlot, 3);
  assert_false(b.sim->ledger.nopen > 0);
  near(bv_sim_cash(b.sim), 10000 + 200 - 160);
  done();
}

/* --- ruin --- */

/* Short of 100 with 1000: at 115 the account owes 500.  Both are closed there and nothing goes on. */
static void test_ruin(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000 leverage=10 ruin=stop", 1);
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = -100});
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 50});
  bar(100, 109, 100, 109);
  near(bv_sim_value(b.sim), 100);
  bar(109, 115, 109, 115);
  expect_fill(1, 3, 100, 115, 180, 0);
  expect(2, BV_ORDER_CANCELLED, "the account is ruined");
  near(b.lot[0].pnl, -1500);
  near(bv_sim_value(b.sim), 0);
  near(bv_sim_cash(b.sim), 0);
  ask((bv_sim_request){.amount = 1});
  expect(4, BV_ORDER_REJECTED, "the account is ruined");
  bar(115, 115, 50, 50);
  near(bv_sim_value(b.sim), 0);
  bench_end(&b);
  bench_start(&b, "default", "cash=1000 leverage=10", 1);
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = -100});
  bar(100, 115, 100, 115);
  near(bv_sim_value(b.sim), -500);
  done();
}

/* --- several assets --- */

/* What a stop frees inside the bars pays for what a limit buys, although the limit is older. */
static void test_exits_before_entries_inside(void **state) {
  (void)state;
  bench_start(&b, "default", "cash=1000", 2);
  const double px[2] = {10, 20};
  bench_step(&b, 2, px, px);
  bench_ok(&b, 1, BV_ASK_QTY, 50);
  bench_step(&b, 2, px, px);
  bv_sim_request buy = {
      .asset = 0, .ask = BV_ASK_QTY, .amount = 80, .type = BV_TYPE_LIMIT, .limit = 9};
  bv_sim_request sell = {
      .asset = 1, .ask = BV_ASK_QTY, .amount = -50, .type = BV_TYPE_STOP, .stop = 19};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &buy, NULL), BV_OK);
  assert_int_equal(bv_sim_submit(b.sim, b.now, &sell, NULL), BV_OK);
  const double close[2] = {8, 18};
  bench_step(&b, 2, px, close);
  expect_fill(1, 3, -50, 19, 120, 0);
  expect_fill(2, 2, 80, 9, 120, 0);
  done();
}

#define T(f) cmocka_unit_test(f)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_limit_waits_for_its_price),
      T(test_gaps),
      T(test_slippage),
      T(test_trailing),
      T(test_if_touched),
      T(test_trailing_without_a_price),
      T(test_stop_limit_inside_a_bar),
      T(test_not_before_its_time),
      T(test_missing_prices),
      T(test_targets_rest),
      T(test_times_in_force),
      T(test_day),
      T(test_fill_or_kill),
      T(test_rejections),
      T(test_a_stop_at_the_last_price_stands),
      T(test_closes),
      T(test_both_sides),
      T(test_ruin),
      T(test_exits_before_entries_inside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
