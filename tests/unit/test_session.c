/* test_session.c - orders at the open and at the close of a day; cash looked at when an order is placed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim_help.h"

enum { HOUR = 3600, DAY = 86400 };

/* Bars of four hours of a day, 14:00 to 18:00 UTC, from Wednesday 2024-01-03. */
static const int64_t first_day = 1704240000;

static int64_t at_hour(int day, int hour) {
  return first_day + (int64_t)day * DAY + (int64_t)hour * HOUR;
}

typedef struct px {
  double open, high, low, close;
} px;

static void hour_bar(bench *b, int day, int hour, px p) {
  int64_t ts = at_hour(day, hour);
  bv_sim_bar bar = {.ts = ts,
                    .known_at = ts + HOUR,
                    .open = p.open,
                    .high = p.high,
                    .low = p.low,
                    .close = p.close,
                    .volume = 1000,
                    .next_ts = hour == 17 ? at_hour(day + 1, 14) : ts + HOUR};
  assert_int_equal(bv_sim_open(b->sim, ts, &bar, 1, NULL), BV_OK);
  b->now = ts + HOUR;
  assert_int_equal(bv_sim_close(b->sim, b->now, &bar, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void expect_fill(const bench *b, int i, int64_t ts, double qty, double price) {
  assert_true(i < b->nfill);
  assert_int_equal(b->fill[i].ts, ts);
  near(b->fill[i].qty, qty);
  near(b->fill[i].price, price);
}

static const px flat = {10, 11, 9, 10};

static void test_at_the_close(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 1);
  hour_bar(&b, 0, 14, flat);
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE});
  give(&b, (bv_sim_request){.amount = 20, .tif = BV_TIF_CLS});
  hour_bar(&b, 0, 15, flat);
  hour_bar(&b, 0, 16, flat);
  assert_int_equal(b.nfill, 0);
  hour_bar(&b, 0, 17, (px){10, 20, 5, 12});
  expect_fill(&b, 0, at_hour(0, 18), 10, 12);
  expect_fill(&b, 1, at_hour(0, 18), 20, 12);
  bench_expect(&b, 0, BV_ORDER_FILLED, 10, 10, "");
  assert_int_equal(b.order[0].type, BV_TYPE_MARKET_ON_CLOSE);
  assert_int_equal(b.order[1].type, BV_TYPE_MARKET_ON_CLOSE);
  assert_int_equal(b.order[1].tif, BV_TIF_CLS);
  near(bv_sim_value(b.sim), 100000);
  assert_int_equal(bv_sim_bars_held(b.sim, 0), 0);
  /* The bar's range is no part of the lot's life. */
  hour_bar(&b, 1, 14, (px){12, 13, 11.5, 13});
  bench_ok(&b, 0, BV_ASK_QTY, -30);
  hour_bar(&b, 1, 15, (px){13, 14, 9, 10});
  near(b.lot[0].mae, 10 * (11.5 - 12));
  near(b.lot[0].mfe, 10 * (13 - 12));
  assert_int_equal(b.lot[0].bars, 2);
  assert_int_equal(b.lot[0].entry_ts, at_hour(0, 18));
  /* One left at a close has lived through the whole bar. */
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  hour_bar(&b, 1, 16, flat);
  give(&b, (bv_sim_request){.amount = -10, .type = BV_TYPE_MARKET_ON_CLOSE});
  hour_bar(&b, 1, 17, (px){10, 20, 5, 12});
  near(b.lot[2].mae, -50);
  near(b.lot[2].mfe, 100);
  near(b.lot[2].pnl, 20);
  bench_end(&b);
}

static void test_limit_at_the_close(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "slippage.rate=0.1", 1);
  hour_bar(&b, 0, 14, flat);
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT_ON_CLOSE, .limit = 9.5});
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT_ON_CLOSE, .limit = 10.5});
  hour_bar(&b, 0, 15, (px){9, 9, 9, 9});
  hour_bar(&b, 0, 17, flat);
  bench_expect(&b, 0, BV_ORDER_FILLED, 10, 10, "");
  expect_fill(&b, 0, at_hour(0, 18), 10, 10.5); /* 11 with slippage, but never beyond the limit */
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 10, 0, "not filled at the close");
  assert_int_equal(b.order[1].done_ts, at_hour(0, 18));
  assert_int_equal(b.order[1].type, BV_TYPE_LIMIT_ON_CLOSE);
  bench_end(&b);
}

static void test_at_the_open(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 1);
  hour_bar(&b, 0, 14, flat);
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_OPEN});
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT_ON_OPEN, .limit = 11});
  give(&b, (bv_sim_request){.amount = 10, .tif = BV_TIF_OPG, .type = BV_TYPE_LIMIT, .limit = 9});
  hour_bar(&b, 0, 15, (px){8, 8, 8, 8});
  hour_bar(&b, 0, 17, (px){8, 8, 8, 8});
  assert_int_equal(b.nfill, 0);
  hour_bar(&b, 1, 14, (px){10.5, 12, 7, 8});
  expect_fill(&b, 0, at_hour(1, 14), 10, 10.5);
  expect_fill(&b, 1, at_hour(1, 14), 10, 10.5);
  bench_expect(&b, 2, BV_ORDER_CANCELLED, 10, 0, "not filled at the open");
  assert_int_equal(b.order[2].type, BV_TYPE_LIMIT_ON_OPEN);
  assert_int_equal(b.order[0].tif, BV_TIF_OPG);
  bench_end(&b);
}

/* 20:00 UTC is the next day in Tokyo. */
static void test_zone(void **state) {
  (void)state;
  static bench b;
  const bv_zone *tokyo;
  bench_start(&b, "default", "", 1);
  assert_int_equal(bv_zone_find("Asia/Tokyo", &tokyo, NULL), BV_OK);
  bv_sim_asset_zone(b.sim, 0, tokyo);
  hour_bar(&b, 0, 13, flat);
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE});
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_OPEN});
  hour_bar(&b, 0, 14, (px){10, 11, 9, 10.5}); /* 23:00 there */
  expect_fill(&b, 0, at_hour(0, 15), 10, 10.5);
  hour_bar(&b, 0, 15, (px){10.25, 11, 9, 10});
  expect_fill(&b, 1, at_hour(0, 15), 10, 10.25);
  bench_end(&b);
}

static void test_day_bars(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 1);
  for (int day = 0; day < 4; day++) {
    int64_t ts = first_day + day * DAY;
    bv_sim_bar bar = {.ts = ts,
                      .known_at = ts + DAY,
                      .open = 10 + day,
                      .high = 20,
                      .low = 5,
                      .close = day == 1 ? NAN : 10.5 + day};
    assert_int_equal(bv_sim_open(b.sim, ts, &bar, 1, NULL), BV_OK);
    b.now = ts + DAY;
    assert_int_equal(bv_sim_close(b.sim, b.now, &bar, 1, NULL), BV_OK);
    if (day > 0) continue;
    give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE});
    give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_OPEN});
  }
  expect_fill(&b, 0, first_day + DAY, 10, 11);
  expect_fill(&b, 1, first_day + 3 * DAY, 10, 12.5); /* a bar without a close has none to fill at */
  bench_end(&b);
}

/* A bracket of an entry at a close has the next bar for itself, under every rule. */
static void test_bracket_after_the_close(void **state) {
  (void)state;
  static const char *const rules[] = {"certain", "backtesting.py", "backtrader"};
  for (int i = 0; i < 3; i++) {
    static bench b;
    char knobs[40];
    snprintf(knobs, sizeof knobs, "rules=%s", rules[i]);
    bench_start(&b, "default", knobs, 1);
    hour_bar(&b, 0, 16, flat);
    give(&b,
         (bv_sim_request){
             .amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE, .stop_loss = 9.5, .take_profit = 12});
    hour_bar(&b, 0, 17, (px){10, 13, 9, 10});
    assert_int_equal(b.nfill, 1);
    hour_bar(&b, 1, 14, (px){10, 11, 9, 10});
    expect_fill(&b, 1, at_hour(1, 14), -10, 9.5);
    assert_int_equal(b.fill[1].ambiguous, 0);
    bench_end(&b);
  }
}

static void test_exits_first_and_volume(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.05", 1);
  hour_bar(&b, 0, 14, flat);
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  hour_bar(&b, 0, 15, flat);
  give(&b, (bv_sim_request){.amount = 60, .type = BV_TYPE_MARKET_ON_CLOSE});
  give(&b, (bv_sim_request){.amount = -30, .type = BV_TYPE_MARKET_ON_CLOSE});
  hour_bar(&b, 0, 17, flat); /* 50 units */
  expect_fill(&b, 1, at_hour(0, 18), -30, 10);
  expect_fill(&b, 2, at_hour(0, 18), 20, 10);
  bench_expect(&b, 2, BV_ORDER_CANCELLED, 60, 20, "not filled at the close");
  bench_end(&b);
}

static void test_misfits(void **state) {
  (void)state;
  static const struct {
    bv_sim_request r;
    const char *why;
  } bad[] = {
      {{.type = BV_TYPE_STOP, .stop = 12, .tif = BV_TIF_CLS},
       "tif opg and cls go with market and limit orders"},
      {{.type = BV_TYPE_TRAIL, .trail = 1, .tif = BV_TIF_OPG},
       "tif opg and cls go with market and limit orders"},
      {{.type = BV_TYPE_MARKET_ON_CLOSE, .tif = BV_TIF_DAY},
       "market_on_close takes no tif but cls"},
      {{.type = BV_TYPE_LIMIT_ON_OPEN, .limit = 9, .tif = BV_TIF_CLS},
       "limit_on_open takes no tif but opg"},
      {{.type = BV_TYPE_LIMIT_ON_CLOSE}, "a limit order needs limit_price"},
      {{.type = BV_TYPE_MARKET_ON_OPEN, .limit = 9}, "a market order has no price of its own"},
  };
  static bench b;
  bench_start(&b, "default", "", 1);
  hour_bar(&b, 0, 14, flat);
  for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
    bv_sim_request r = bad[i].r;
    r.amount = 10;
    give(&b, r);
    bench_expect(&b, i, BV_ORDER_REJECTED, 10, 0, bad[i].why);
  }
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE, .tag = "late"});
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "late", NULL), BV_OK);
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_MARKET_ON_CLOSE});
  bench_finish(&b);
  int n = (int)(sizeof bad / sizeof *bad);
  bench_expect(&b, n, BV_ORDER_CANCELLED, 10, 0, "cancelled");
  bench_expect(&b, n + 1, BV_ORDER_EXPIRED, 10, 0, "no further bar");
  bench_end(&b);
}

static void test_submit_check(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "cash=1000 submit_check=cash funds=allow commission.fixed=1", 1);
  hour_bar(&b, 0, 14, flat);
  bench_ok(&b, 0, BV_ASK_QTY, 60); /* 601 */
  bench_ok(&b, 0, BV_ASK_QTY, 40); /* 401 more: too much */
  bench_expect(&b, 0, BV_ORDER_REJECTED, 40, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, -1); /* finds -2 in cash and brings 9 */
  hour_bar(&b, 0, 15, flat);
  bench_expect(&b, 1, BV_ORDER_FILLED, 60, 60, "");
  give(&b, (bv_sim_request){.amount = 50, .type = BV_TYPE_LIMIT, .limit = 8}); /* 407 - 401 */
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_expect(&b, 3, BV_ORDER_REJECTED, 1, 0, "insufficient funds");
  assert_int_equal(b.sim->queue.n, 1);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_at_the_close),
      cmocka_unit_test(test_limit_at_the_close),
      cmocka_unit_test(test_at_the_open),
      cmocka_unit_test(test_zone),
      cmocka_unit_test(test_day_bars),
      cmocka_unit_test(test_bracket_after_the_close),
      cmocka_unit_test(test_exits_first_and_volume),
      cmocka_unit_test(test_misfits),
      cmocka_unit_test(test_submit_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
