/* test_volume.c - orders that a bar's volume lets through in part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim_help.h"

/* A bar of asset A at 10 with a range of 9 to 11. */
static void bar_of(bench *b, double volume) {
  bv_sim_bar bar = {.ts = b->now,
                    .known_at = b->now + BENCH_STEP,
                    .open = 10,
                    .high = 11,
                    .low = 9,
                    .close = 10,
                    .volume = volume};
  assert_int_equal(bv_sim_open(b->sim, b->now, &bar, 1, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, &bar, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void expect_fills(const bench *b, int n, const double qty[]) {
  assert_int_equal(b->nfill, n);
  for (int i = 0; i < n; i++) near(b->fill[i].qty, qty[i]);
}

static void test_rest_waits(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.25", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 60);
  bar_of(&b, 100); /* 25 */
  assert_int_equal(b.norder, 0);
  bar_of(&b, NAN); /* nothing */
  bar_of(&b, 0);
  bar_of(&b, 99); /* 24 whole units */
  bar_of(&b, 1000);
  expect_fills(&b, 3, (double[]){25, 24, 11});
  assert_int_equal(b.fill[1].ts, 4 * BENCH_STEP);
  bench_expect(&b, 0, BV_ORDER_FILLED, 60, 60, "");
  assert_int_equal(b.order[0].done_ts, 5 * BENCH_STEP);
  bench_finish(&b);
  assert_int_equal(b.nlot, 3);
  bench_end(&b);
}

static void test_orders_share(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=fixed volume.size=50", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bar_of(&b, 1000);
  expect_fills(&b, 2, (double[]){40, 10});
  bar_of(&b, 20); /* no more than there is */
  expect_fills(&b, 3, (double[]){40, 10, 20});
  /* An exit goes first. */
  bench_ok(&b, 0, BV_ASK_QTY, -45);
  bar_of(&b, 1000);
  expect_fills(&b, 5, (double[]){40, 10, 20, -45, 5});
  bench_end(&b);

  bench_start(&b, "default", "volume.model=fixed volume.size=50 volume.by=order", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bench_ok(&b, 0, BV_ASK_QTY, 60);
  bar_of(&b, 1000);
  expect_fills(&b, 2, (double[]){40, 50});
  bench_end(&b);
}

/* 11 - 9 in steps of 0.5 is 5 prices: 0.5 x 1000 / 5. */
static void test_bar_point(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=bar_point volume.step=0.5 volume.share=0.5", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 130);
  bar_of(&b, 1000);
  bar_of(&b, 1000);
  expect_fills(&b, 2, (double[]){100, 30});
  bench_end(&b);
}

static void test_minimum(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1 volume.minimum=20", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 25);
  bar_of(&b, 190); /* 19 */
  bar_of(&b, 200);
  bar_of(&b, 50); /* what is left is no part */
  expect_fills(&b, 2, (double[]){20, 5});
  bench_end(&b);
}

static void test_times_in_force(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  give(&b, (bv_sim_request){.amount = 25, .tif = BV_TIF_IOC});
  give(&b, (bv_sim_request){.amount = 25, .tif = BV_TIF_FOK});
  bar_of(&b, 100);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 25, 0, "cannot be filled whole");
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 25, 10, "not filled at the open");
  give(&b, (bv_sim_request){.amount = 25, .tif = BV_TIF_FOK});
  give(&b, (bv_sim_request){.amount = 25, .tif = BV_TIF_GTD, .until = b.now + BENCH_STEP});
  bar_of(&b, 250);
  bench_expect(&b, 2, BV_ORDER_FILLED, 25, 25, "");
  bar_of(&b, 250);
  bench_expect(&b, 3, BV_ORDER_EXPIRED, 25, 0, "its time is over");
  bench_ok(&b, 0, BV_ASK_QTY, 30);
  bar_of(&b, 250);
  bench_finish(&b);
  bench_expect(&b, 4, BV_ORDER_EXPIRED, 30, 25, "no further bar");
  near(b.order[4].avg_price, 10);
  bench_end(&b);
}

/* The exits of a bracket are as large as what has filled; once one fills, the entry goes no further. */
static void test_bracket_grows(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  give(&b, (bv_sim_request){.amount = 100, .take_profit = 10.9, .stop_loss = 8});
  bar_of(&b, 400); /* 40 at the open, and they use up the bar */
  near(bv_sim_qty(b.sim, 0), 40);
  near(b.sim->queue.order[1].n, -40);
  bar_of(
      &b,
      100); /* 10: the exit at the limit goes first inside the bar, but the entry at its open before */
  near(bv_sim_qty(b.sim, 0), 50);
  near(b.sim->queue.order[2].n, -50);
  /* Nothing for the entry at the open of 11.5, which is through the target: the exit is there first. */
  bv_sim_bar up = {.ts = b.now,
                   .known_at = b.now + BENCH_STEP,
                   .open = 11.5,
                   .high = 12,
                   .low = 11,
                   .close = 12,
                   .volume = 300};
  assert_int_equal(bv_sim_open(b.sim, b.now, &up, 1, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, &up, 1, NULL), BV_OK);
  near(bv_sim_qty(b.sim, 0), 20);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 100, 50, "its bracket has filled");
  /* The stop closes what the target has not. */
  assert_int_equal(b.sim->queue.n, 2);
  near(b.sim->queue.order[0].n, -20);
  near(b.sim->queue.order[1].n, -50);
  near(b.sim->queue.order[1].filled, -30);
  bar_of(&b, 0);
  up.ts = b.now;
  up.known_at = b.now + BENCH_STEP;
  assert_int_equal(bv_sim_open(b.sim, b.now, &up, 1, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, &up, 1, NULL), BV_OK);
  bench_expect(&b, 1, BV_ORDER_FILLED, -50, -50, "");
  bench_expect(&b, 2, BV_ORDER_CANCELLED, -20, 0, "one cancels the other");
  near(bv_sim_qty(b.sim, 0), 0);
  bench_end(&b);
}

static void test_oco_ends_with_the_first_part(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  give(&b, (bv_sim_request){.amount = 30, .type = BV_TYPE_LIMIT, .limit = 9.5, .oco = "x"});
  give(&b, (bv_sim_request){.amount = 30, .type = BV_TYPE_STOP, .stop = 12, .oco = "x"});
  bar_of(&b, 100);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 30, 0, "one cancels the other");
  bar_of(&b, 200);
  bench_expect(&b, 1, BV_ORDER_FILLED, 30, 30, "");
  expect_fills(&b, 2, (double[]){10, 20});
  bench_end(&b);
}

static void test_replace_and_cancel(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  give(&b, (bv_sim_request){.amount = 30, .type = BV_TYPE_LIMIT, .limit = 9.5, .tag = "x"});
  bar_of(&b, 100);
  bv_sim_request r = {.ask = BV_ASK_QTY, .limit = 9.75};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "x", NULL), BV_OK);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 30, 10, "replaced");
  bar_of(&b, 100);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "x", NULL), BV_OK);
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 20, 10, "cancelled");
  near(b.order[1].avg_price, 9.75);
  near(bv_sim_qty(b.sim, 0), 20);
  bench_end(&b);
}

/* A plain market order of which a rest waits has no prices, but a quantity. */
static void test_replace_a_market_order(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  give(&b, (bv_sim_request){.amount = 30, .tag = "x"});
  bar_of(&b, 100);
  bv_sim_request r = {.ask = BV_ASK_QTY, .amount = 15};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "x", NULL), BV_OK);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 30, 10, "replaced");
  r.amount = -5;
  bar_of(&b, 100);
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "x", NULL), BV_OK);
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 15, 10, "replaced");
  bar_of(&b, 100);
  bench_expect(&b, 2, BV_ORDER_FILLED, -5, -5, "");
  near(bv_sim_qty(b.sim, 0), 15);
  bench_end(&b);
}

/* A target is the difference to what is held and on its way. */
static void test_target_replaces_the_rest(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_TARGET, 50);
  bar_of(&b, 100);
  bench_ok(&b, 0, BV_ASK_TARGET, 60);
  bench_expect(&b, 0, BV_ORDER_CANCELLED, 50, 10, "replaced");
  bar_of(&b, 1000);
  bench_expect(&b, 1, BV_ORDER_FILLED, 50, 50, "");
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bar_of(&b, 100);
  bench_ok(&b, 0, BV_ASK_TARGET, 90); /* 70 held, 30 on their way: sell 10 */
  bar_of(&b, 1000);
  near(bv_sim_qty(b.sim, 0), 90);
  bench_end(&b);
}

static void test_money_for_the_whole(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1 cash=1000", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 101);
  bar_of(&b, 100);
  bench_expect(&b, 0, BV_ORDER_REJECTED, 101, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_VALUE, 1010);
  bar_of(&b, 900);
  bar_of(&b, 900);
  bench_expect(&b, 1, BV_ORDER_FILLED, 101, 100, "cut to buying power");
  expect_fills(&b, 2, (double[]){90, 10});
  bench_end(&b);
}

/* A lot per fill: making room for them is all that can fail, and then nothing has happened. */
static void test_memory(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=fixed volume.size=1", 1);
  bar_of(&b, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  bv_sim_bar bar = {.open = 10, .high = 11, .low = 9, .close = 10, .volume = 5};
  int refused = 0;
  for (int i = 0; i < 100; i++) {
    bar.ts = b.now;
    bar.known_at = b.now += BENCH_STEP;
    bv_alloc_fail_after(0, 0);
    bv_rc rc = bv_sim_open(b.sim, bar.ts, &bar, 1, NULL);
    bv_alloc_fail_after(-1, 0);
    if (rc == BV_NOMEM) {
      refused++;
      rc = bv_sim_open(b.sim, bar.ts, &bar, 1, NULL);
    }
    assert_int_equal(rc, BV_OK);
    assert_int_equal(bv_sim_close(b.sim, bar.known_at, &bar, 1, NULL), BV_OK);
  }
  assert_true(refused > 2 && refused < 20);
  assert_int_equal(b.nfill, 100);
  bench_expect(&b, 0, BV_ORDER_FILLED, 100, 100, "");
  bench_end(&b);
}

static void test_knobs(void **state) {
  (void)state;
  static const struct {
    const char *knob, *value;
  } bad[] = {{"volume.model", "share"}, {"volume.model", "fixed"}, {"volume.model", "bar_point"},
             {"volume.share", "0.1"},   {"volume.size", "1"},      {"volume.minimum", "1"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_err err = {0};
    bv_sim_config c = bv_sim_profile_find("default")->config;
    assert_int_equal(bv_sim_set_text(&c, bad[i].knob, bad[i].value, NULL), BV_OK);
    assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
    assert_non_null(strstr(err.msg, "volume."));
  }
  bv_sim_config c =
      configure("default", "volume.model=share volume.share=0.1 fill_at=signal_close");
  assert_int_equal(bv_sim_config_check(&c, NULL), BV_ARG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rest_waits),
      cmocka_unit_test(test_orders_share),
      cmocka_unit_test(test_bar_point),
      cmocka_unit_test(test_minimum),
      cmocka_unit_test(test_times_in_force),
      cmocka_unit_test(test_bracket_grows),
      cmocka_unit_test(test_oco_ends_with_the_first_part),
      cmocka_unit_test(test_replace_and_cancel),
      cmocka_unit_test(test_replace_a_market_order),
      cmocka_unit_test(test_target_replaces_the_rest),
      cmocka_unit_test(test_money_for_the_whole),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_knobs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
