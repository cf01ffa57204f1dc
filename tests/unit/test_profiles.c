/*
** test_profiles.c - what tells the profiles lean, zipline, vectorbt, ml4t and lumibot apart, on single bars: worked
** out by hand from the rules of these engines (reference formulas section 6, engines A4, B2 and B6).
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

static void bar(bench *b, double open, double high, double low, double close, double volume) {
  bv_sim_bar x = {.ts = b->now,
                  .known_at = b->now + BENCH_STEP,
                  .open = open,
                  .high = high,
                  .low = low,
                  .close = close,
                  .volume = volume};
  assert_int_equal(bv_sim_open(b->sim, b->now, &x, 1, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, &x, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void give(bench *b, bv_sim_request r) {
  r.ask = r.ask ? r.ask : BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void start(bench *b, const char *profile, const char *knobs) {
  bench_start(b, profile, knobs, 1);
  bar(b, 100, 100, 100, 100, 1e6);
}

static void end(bench *b) {
  bench_finish(b);
  bench_end(b);
}

/* A limit order of the profile that meets one bar: the price it fills at, 0 for none. */
static double limit_on(const char *profile, double amount, double limit, double open, double high,
                       double low, double close) {
  bench b;
  start(&b, profile, "cash=1e6");
  give(&b, (bv_sim_request){.amount = amount, .type = BV_TYPE_LIMIT, .limit = limit});
  bar(&b, open, high, low, close, 1e6);
  double price = b.nfill ? b.fill[0].price : 0;
  end(&b);
  return price;
}

static void test_limits(void **state) {
  (void)state;
  /* touched exactly: strict in LEAN */
  near(limit_on("lean", 10, 95, 100, 101, 95, 99), 0);
  near(limit_on("lumibot", 10, 95, 100, 101, 95, 99), 95);
  near(limit_on("ml4t", 10, 95, 100, 101, 95, 99), 95);
  /* passed */
  near(limit_on("lean", 10, 95, 100, 101, 94, 99), 95);
  /* the open is better: ml4t does not improve */
  near(limit_on("lean", 10, 95, 93, 101, 92, 99), 93);
  near(limit_on("lumibot", 10, 95, 93, 101, 92, 99), 93);
  near(limit_on("ml4t", 10, 95, 93, 101, 92, 99), 95);
  /* zipline looks at the close, and adds its slippage */
  near(limit_on("zipline", 10, 95, 93, 101, 92, 99), 0);
  near(limit_on("zipline", 10, 95, 99, 101, 92, 94), 94 * 1.0005);
  near(limit_on("zipline", 10, 94.01, 99, 101, 92, 94), 0); /* 94.047 is beyond the limit */
}

static void test_stop_limits(void **state) {
  (void)state;
  static const struct {
    const char *profile;
    double limit, close, price;
  } want[] = {
      /* buy stop 105, O 100 H 110 L 96: the low may have come first */
      {"lean", 100, 99, 100},    /* the close is below the limit */
      {"lean", 100, 104, 0},     /* it is not */
      {"lean", 106, 105.5, 106}, /* at the limit, not at the stop */
      {"lumibot", 100, 104, 100}, {"lumibot", 106, 108, 105}, {"lumibot", 95, 104, 0},
      {"default", 100, 104, 0},   {"default", 100, 99, 100},  {"default", 106, 108, 105},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bench b;
    start(&b, want[i].profile, "cash=1e6");
    give(&b, (bv_sim_request){
                 .amount = 10, .type = BV_TYPE_STOP_LIMIT, .stop = 105, .limit = want[i].limit});
    bar(&b, 100, 110, 96, want[i].close, 1e6);
    near(b.nfill ? b.fill[0].price : 0, want[i].price);
    end(&b);
  }
  /* In LEAN a later bar still counts by its close, and never gives its open. */
  bench b;
  start(&b, "lean", "cash=1e6");
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_STOP_LIMIT, .stop = 105, .limit = 100});
  bar(&b, 100, 110, 96, 104, 1e6);
  bar(&b, 97, 99, 96, 98, 1e6);
  near(b.fill[0].price, 99);
  end(&b);
}

/* A stop in LEAN is touched, its trigger of a stop limit must be passed. */
static void test_stops_touch(void **state) {
  (void)state;
  bench b;
  start(&b, "lean", "cash=1e6");
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 105});
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_STOP_LIMIT, .stop = 105, .limit = 110});
  bar(&b, 100, 105, 96, 104, 1e6);
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].price, 105);
  bar(&b, 104, 104.5, 104, 104, 1e6);
  assert_int_equal(b.nfill, 1); /* it was not triggered */
  end(&b);
}

/* LEAN's base model: max(stop, close) for a buy, whatever the open. */
static void test_stop_at_the_worst(void **state) {
  (void)state;
  static const struct {
    double open, close, price;
  } want[] = {{100, 103, 105}, {100, 108, 108}, {107, 104, 105}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bench b;
    start(&b, "lean", "cash=1e6 stop_price=worst");
    give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 105});
    bar(&b, want[i].open, 110, 96, want[i].close, 1e6);
    assert_int_equal(b.nfill, 1);
    near(b.fill[0].price, want[i].price);
    end(&b);
  }
}

/* Touched is enough for a trailing stop alone. */
static void test_worst_stop_is_passed(void **state) {
  (void)state;
  for (int trails = 0; trails < 2; trails++) {
    bench b;
    start(&b, "lean", "cash=1e6 stop_price=worst");
    give(&b, (bv_sim_request){.amount = 10,
                              .type = trails ? BV_TYPE_TRAIL : BV_TYPE_STOP,
                              .trail = trails ? 5 : 0,
                              .stop = 105});
    bar(&b, 100, 105, 100, 103, 1e6);
    assert_int_equal(b.nfill, trails);
    end(&b);
  }
}

/* LEAN's base model: min(high, limit) for a buy, max(low, limit) for a sell, once it has been passed. */
static void test_limit_at_the_worst(void **state) {
  (void)state;
  static const struct {
    double amount, limit, price;
  } want[] = {{10, 98, 98},    {10, 96, 0},   {10, 105, 105}, {10, 120, 110},
              {-10, 105, 105}, {-10, 110, 0}, {-10, 98, 98},  {-10, 90, 96}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bench b;
    start(&b, "lean", "cash=1e6 limit_price=worst");
    give(&b,
         (bv_sim_request){.amount = want[i].amount, .type = BV_TYPE_LIMIT, .limit = want[i].limit});
    bar(&b, 100, 110, 96, 103, 1e6);
    near(b.nfill ? b.fill[0].price : 0, want[i].price);
    end(&b);
  }
}

/* What only the open can fill does so at the open. */
static void test_open_at_the_worst(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    static const bv_tif tif[] = {BV_TIF_IOC, BV_TIF_FOK};
    bench b;
    start(&b, "default", "limit_price=worst");
    give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 105, .tif = tif[i]});
    bar(&b, 100, 110, 96, 103, 1e6);
    assert_int_equal(b.nfill, 1);
    near(b.fill[0].price, 100);
    end(&b);
  }
}

/* Touched at 97 or below, bought at the close where that is no more than the limit, on this bar or a later one. */
static void test_limit_if_touched_by_close(void **state) {
  (void)state;
  bench b;
  start(&b, "lean", "cash=1e6");
  give(&b, (bv_sim_request){.amount = 10, .type = BV_TYPE_LIT, .stop = 97, .limit = 99});
  bar(&b, 99, 100, 98, 98.5, 1e6); /* not touched */
  bar(&b, 99, 101, 97, 100, 1e6);  /* touched, and beyond the limit again */
  bar(&b, 100, 101, 98, 99.5, 1e6);
  assert_int_equal(b.nfill, 0);
  bar(&b, 100, 101, 98, 98.5, 1e6);
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].price, 98.5);
  end(&b);
}

/* Entry at 100; the same bar reaches both exits, the next one too. */
static void test_brackets(void **state) {
  (void)state;
  static const struct {
    const char *profile;
    double first, second;
  } want[] = {{"default", 95, 0}, {"lumibot", 0, 110}, {"ml4t", 0, 95}, {"lean", 95, 0}};
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bench b;
    start(&b, want[i].profile, "cash=1e6");
    give(&b, (bv_sim_request){.amount = 10, .take_profit = 110, .stop_loss = 95});
    bar(&b, 100, 112, 94, 100, 1e6);
    near(b.nfill > 1 ? b.fill[1].price : 0, want[i].first);
    bar(&b, 100, 112, 94, 100, 1e6);
    if (want[i].second != 0) near(b.fill[1].price, want[i].second);
    assert_int_equal(b.nfill, 2);
    end(&b);
  }
}

/* SetHoldings(1): a quarter percent is left alone, and the fee is paid out of the rest. */
static void test_lean_sizes(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "lean", "", 1);
  bar(&b, 143.1, 143.1, 143.1, 143.1, 1e6);
  bv_sim_request all = {.ask = BV_ASK_WEIGHT, .amount = 1};
  assert_int_equal(bv_sim_submit_step(b.sim, b.now, &all, 1, NULL), BV_OK);
  bar(&b, 143, 144, 142, 143.5, 1e6);
  near(b.fill[0].qty, floor((100000 * 0.9975) / (143.1 + 0.005)));
  near(b.fill[0].commission, b.fill[0].qty * 0.005);
  end(&b);
}

static void test_zipline_closes(void **state) {
  (void)state;
  bench b;
  start(&b, "zipline", "cash=1000");
  give(&b, (bv_sim_request){.amount = 1500}); /* no limit on buying power */
  give(&b, (bv_sim_request){.amount = 100});
  bar(&b, 90, 120, 80, 110, 10000);
  /* a tenth of the volume, all of it the first order's */
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].qty, 1000);
  near(b.fill[0].price, 110 * 1.0005);
  near(b.fill[0].commission, 1);
  assert_int_equal(b.fill[0].ts, b.now);
  bar(&b, 100, 100, 100, 100, 10000);
  assert_int_equal(b.nfill, 3);
  near(b.fill[1].qty, 500);
  near(b.fill[2].qty, 100);
  near(b.fill[2].price, 100.05);
  /* a stop counts by the close too */
  give(&b, (bv_sim_request){.amount = -100, .type = BV_TYPE_STOP, .stop = 95});
  bar(&b, 100, 100, 50, 96, 10000);
  assert_int_equal(b.nfill, 3);
  bar(&b, 100, 100, 94, 94, 10000);
  near(b.fill[3].price, 94 * 0.9995);
  end(&b);
}

static void test_vectorbt_closes(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "vectorbt", "cash=100", 1);
  bar(&b, 10, 12, 9, 11, 1);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bar(&b, 20, 21, 19, 20, 1); /* at the close of 11, all of the cash */
  near(b.fill[0].price, 11);
  near(b.fill[0].qty, floor(100 / 11.0 * 1e6) / 1e6);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
  bar(&b, 20, 20, 20, 20, 1);
  double cash = bv_sim_cash(b.sim);
  near(b.fill[1].price, 20);
  bench_ok(&b, 0, BV_ASK_QTY, -5); /* 100 of proceeds, 200 are locked */
  bar(&b, 20, 20, 20, 20, 1);
  near(bv_sim_qty(b.sim, 0), -5);
  near(bv_sim_cash(b.sim), cash + 100);
  end(&b);
}

static void test_ml4t_is_a_cash_account(void **state) {
  (void)state;
  bench b;
  start(&b, "ml4t", "cash=1000");
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  bench_ok(&b, 0, BV_ASK_QTY, 11);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bar(&b, 100, 100, 100, 100, 1e6);
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].qty, 10);
  end(&b);
}

static void test_lumibot_has_no_buying_power(void **state) {
  (void)state;
  bench b;
  start(&b, "lumibot", "");
  bench_ok(&b, 0, BV_ASK_QTY, 100000);
  bar(&b, 101, 102, 100, 101, 1);
  near(b.fill[0].price, 101);
  near(b.fill[0].cash, 100000 - 10100000);
  end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_stop_limits),
      cmocka_unit_test(test_stops_touch),
      cmocka_unit_test(test_stop_at_the_worst),
      cmocka_unit_test(test_worst_stop_is_passed),
      cmocka_unit_test(test_limit_at_the_worst),
      cmocka_unit_test(test_open_at_the_worst),
      cmocka_unit_test(test_limit_if_touched_by_close),
      cmocka_unit_test(test_brackets),
      cmocka_unit_test(test_lean_sizes),
      cmocka_unit_test(test_zipline_closes),
      cmocka_unit_test(test_vectorbt_closes),
      cmocka_unit_test(test_ml4t_is_a_cash_account),
      cmocka_unit_test(test_lumibot_has_no_buying_power),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
