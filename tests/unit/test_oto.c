/* test_oto.c - orders that sleep until another one has filled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim_help.h"

/* Bars of A and B at the same prices. */
static void bars(bench *b, double open, double high, double low, double close) {
  bv_sim_bar bar[2];
  for (int i = 0; i < 2; i++) {
    bar[i] = (bv_sim_bar){.asset = i,
                          .ts = b->now,
                          .known_at = b->now + BENCH_STEP,
                          .open = open,
                          .high = high,
                          .low = low,
                          .close = close,
                          .volume = 100};
  }
  assert_int_equal(bv_sim_open(b->sim, b->now, bar, 2, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, bar, 2, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void test_wakes_with_the_next_bar(void **state) {
  (void)state;
  static bench b;
  bv_sim_waiting w;
  bench_start(&b, "default", "", 2);
  bars(&b, 10, 11, 9, 10);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 9.5, .tag = "first"});
  /* Of another asset, at the market; and a stop that would be on the wrong side now. */
  give(&b, (bv_sim_request){.asset = 1, .amount = -5, .oto = "first", .tag = "hedge"});
  give(&b, (bv_sim_request){.amount = -5, .type = BV_TYPE_STOP, .stop = 10.2, .oto = "first"});
  bars(&b, 10, 11, 9.8, 10);
  assert_int_equal(b.norder, 0);
  assert_true(bv_sim_waiting_at(b.sim, 1, &w) && w.dormant);
  bars(&b, 10, 11, 9, 10.1); /* the first fills, and nothing else in its bar */
  assert_int_equal(b.nfill, 1);
  bars(&b, 10.3, 11, 10, 10.5);
  assert_int_equal(b.nfill, 3);
  near(b.fill[1].price, 10.3);
  near(bv_sim_qty(b.sim, 1), -5);
  near(b.fill[2].price, 10.2);
  assert_int_equal(b.fill[1].ts, 3 * BENCH_STEP);
  bench_end(&b);
}

static void test_ends_with_its_leader(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 2);
  bars(&b, 10, 11, 9, 10);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 5, .tag = "first"});
  give(&b, (bv_sim_request){.amount = 1, .oto = "first", .tag = "second", .stop_loss = 5});
  give(&b, (bv_sim_request){.amount = 1, .oto = "second"});
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "first", NULL), BV_OK);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 5, 0, "cancelled");
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 1, 0, "the order before it did not fill");
  assert_int_equal(b.norder, 4);
  assert_int_equal(b.sim->queue.n, 0);
  /* Whole, or it has not filled. */
  give(&b, (bv_sim_request){.amount = 15, .tif = BV_TIF_IOC, .tag = "part"});
  give(&b, (bv_sim_request){.amount = 1, .oto = "part"});
  bars(&b, 10, 11, 9, 10);
  bench_expect(&b, 4, BV_ORDER_CANCELLED, 15, 10, "not filled at the open");
  bench_expect(&b, 5, BV_ORDER_CANCELLED, 1, 0, "the order before it did not fill");
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  give(&b, (bv_sim_request){.amount = 1, .oto = "nobody"});
  bench_expect(&b, 6, BV_ORDER_REJECTED, 1, 0, "no waiting order has the tag in oto");
  bench_end(&b);
}

static void test_replace_and_end(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 2);
  bars(&b, 10, 11, 9, 10);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 5, .tag = "first"});
  give(&b, (bv_sim_request){.amount = 1, .oto = "first"});
  bv_sim_request r = {.ask = BV_ASK_QTY, .limit = 9.5};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "first", NULL), BV_OK);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 5, 0, "replaced");
  bars(&b, 10, 11, 9, 10);
  bench_expect(&b, 1, BV_ORDER_FILLED, 5, 5, "");
  bench_finish(&b); /* awake, but there is no bar any more */
  bench_expect(&b, 2, BV_ORDER_EXPIRED, 1, 0, "no further bar");
  bench_end(&b);

  bench_start(&b, "default", "", 2);
  bars(&b, 10, 11, 9, 10);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 5, .tag = "first"});
  give(&b, (bv_sim_request){.asset = 1, .amount = 1, .oto = "first"});
  bench_finish(&b);
  bench_expect(&b, 0, BV_ORDER_EXPIRED, 5, 0, "no further bar");
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 1, 0, "the order before it did not fill");
  bench_end(&b);
}

/* The same under the rules of the other engines, which see whole bars. */
static void test_other_rules(void **state) {
  (void)state;
  static const char *const rules[] = {"rules=backtesting.py", "rules=backtrader"};
  for (int i = 0; i < 2; i++) {
    static bench b;
    bench_start(&b, "default", rules[i], 2);
    bars(&b, 10, 11, 9, 10);
    give(&b, (bv_sim_request){.amount = 5, .tag = "first"});
    give(&b, (bv_sim_request){.amount = -5, .type = BV_TYPE_LIMIT, .limit = 10.5, .oto = "first"});
    bars(&b, 10, 11, 9, 10);
    assert_int_equal(b.nfill, 1);
    bars(&b, 10, 11, 9, 10);
    assert_int_equal(b.nfill, 2);
    near(b.fill[1].price, 10.5);
    bench_end(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wakes_with_the_next_bar),
      cmocka_unit_test(test_ends_with_its_leader),
      cmocka_unit_test(test_replace_and_end),
      cmocka_unit_test(test_other_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
