/* test_margin.c - maintenance margin, warnings, margin calls and liquidation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/margin.h"
#include "sim_help.h"

static void expect(const bench *b, int i, const char *event, double value, double required,
                   int orders) {
  assert_true(i < b->nmargin);
  assert_string_equal(b->margin[i].event, event);
  near(b->margin[i].value, value);
  near(b->margin[i].required, required);
  assert_int_equal(b->margin[i].orders, orders);
  assert_int_equal(b->margin[i].id, i + 1);
}

/* Reg-T, 1000: 200 long at 10.  At 6.6 the account is worth 320 and 330 are required: 7 at 6.6 x 0.25 = 1.65 bring
** what lacks, and they are sold at the next open. */
static void test_long_call(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=reg_t", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 200);
  bench_bar(&b, 10, 6.7);
  near(bv_margin_required(b.sim), 335);
  assert_int_equal(b.nmargin, 0);
  bench_bar(&b, 6.7, 6.6);
  expect(&b, 0, "call", 320, 330, 1);
  bench_bar(&b, 6.6, 6.6);
  near(b.fill[1].qty, -7);
  near(b.fill[1].price, 6.6);
  assert_string_equal(b.order[1].tag, "margin call");
  expect(&b, 1, "restored", 320, 193 * 1.65, 0);
  bench_finish(&b);
  bench_end(&b);
}

/* 100 short at 10 on 500: at 11.6 the account is worth 340, 348 are required; 3.48 each, so 3 are bought. */
static void test_short_call(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=500 account=reg_t", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  bench_bar(&b, 10, 11.6);
  expect(&b, 0, "call", 340, 348, 1);
  bench_bar(&b, 11.6, 11.6);
  near(b.fill[1].qty, 3);
  bench_finish(&b);
  bench_end(&b);
}

/* The costs of closing count: with 1 % commission 7 do not bring what lacks. */
static void test_costs_count(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=reg_t commission.rate=0.01", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 190);
  bench_bar(
      &b, 10,
      6.4); /* cash 1000 - 1900 - 19 = -919; value 297, required 304: 7 / 1.6 is 5 with no costs */
  expect(&b, 0, "call", 297, 304, 1);
  bench_bar(&b, 6.4, 6.4);
  near(b.fill[1].qty, -5);
  expect(&b, 1, "restored", 297 - 0.32, 185 * 1.6, 0);
  bench_finish(&b);
  bench_end(&b);
}

/* Three assets of one size: the largest loss goes first, the gain last; equal losses by key. */
static void test_order_of_liquidation(void **state) {
  (void)state;
  bench b;
  const double start[3] = {10, 10, 10}, even[3] = {2.5, 2.5, 12}, odd[3] = {4, 1, 12};
  for (int tie = 0; tie < 2; tie++) {
    bench_start(&b, "default", "cash=1000 leverage=2 long_maintenance=0.25 margin_call=liquidate",
                3);
    bench_step(&b, 3, start, start);
    for (int i = 0; i < 3; i++) bench_ok(&b, i, BV_ASK_QTY, 66);
    bench_step(&b, 3, start, start);
    const double *close = tie ? even : odd;
    bench_step(&b, 3, start,
               close); /* value 1000 + 66 (17 - 30) = 142, required 66 x 17 / 4 = 280.5 */
    expect(&b, 0, "call", 142, 280.5, 3);
    bench_step(&b, 3, close, close);
    /* All of the worse one, all of the next, and of the gain what lacks then. */
    assert_int_equal(b.fill[3].asset, tie ? 0 : 1);
    assert_int_equal(b.fill[4].asset, tie ? 1 : 0);
    assert_int_equal(b.fill[5].asset, 2);
    near(b.fill[3].qty, -66);
    near(b.fill[4].qty, -66);
    near(b.fill[5].qty, -19); /* 66 x 12 / 4 = 198 against 142: 56 / 3 */
    bench_finish(&b);
    bench_end(&b);
  }
}

/* An asset without a bar: its order waits, and the next call enlarges it instead of adding one. */
static void test_call_goes_on(void **state) {
  (void)state;
  bench b;
  const double at10[2] = {10, 10}, at65[2] = {6.5, 10};
  bench_start(&b, "default", "cash=1000 account=reg_t", 2);
  bench_step(&b, 2, at10, at10);
  bench_ok(&b, 0, BV_ASK_QTY, 200);
  bench_step(&b, 2, at10, at65); /* value 300, required 325: 16 of 1.625 */
  expect(&b, 0, "call", 300, 325, 1);
  assert_int_equal(b.sim->queue.n, 1);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "*", NULL), BV_OK);
  assert_int_equal(b.sim->queue.n, 1);
  bv_sim_bar other = {.asset = 1,
                      .ts = b.now,
                      .known_at = b.now + BENCH_STEP,
                      .open = 10,
                      .high = 10,
                      .low = 10,
                      .close = 10};
  bv_sim_bar worse = {.asset = 0,
                      .ts = b.now,
                      .known_at = b.now + BENCH_STEP,
                      .open = NAN,
                      .high = 6,
                      .low = 6,
                      .close = 6};
  bv_sim_bar both[2] = {worse, other};
  assert_int_equal(bv_sim_open(b.sim, b.now, both, 2, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, both, 2, NULL), BV_OK);
  expect(&b, 1, "call", 200, 300, 1);
  assert_int_equal(b.sim->queue.n, 1);
  bench_step(&b, 1, at65 + 0, at65);
  near(b.fill[1].qty, -67); /* 100 / 1.5 */
  bench_finish(&b);
  bench_end(&b);
}

/* With both sides open each is a position: its own requirement, loss and order. */
static void test_both_sides(void **state) {
  (void)state;
  static const struct {
    double buy, sell, close, value, required, fill;
  } t[] = {
      /* The long lost 1050 and requires 1.3 a lot: 252.5 / 1.3. */
      {300, -100, 6.5, 300, 390 + 162.5, -195},
      /* The short lost 1050 and requires 3.375 a lot: 982.5 / 3.375. */
      {100, -300, 13.5, 300, 270 + 1012.5, 292},
  };
  for (int i = 0; i < 2; i++) {
    bench b;
    bench_start(&b, "default",
                "cash=1000 leverage=4 flip=add sides=both long_maintenance=0.2 "
                "short_maintenance=0.25 margin_call=liquidate",
                1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, t[i].buy);
    bench_ok(&b, 0, BV_ASK_QTY, t[i].sell);
    bench_bar(&b, 10, t[i].close);
    expect(&b, 0, "call", t[i].value, t[i].required, 1);
    bench_bar(&b, t[i].close, t[i].close);
    assert_int_equal(b.nfill, 3);
    near(b.fill[2].qty, t[i].fill);
    near(bv_sim_qty(b.sim, 0), t[i].buy + t[i].sell + t[i].fill);
    assert_string_equal(b.margin[1].event, "restored");
    bench_finish(&b);
    bench_end(&b);
  }
  /* Equal losses, of the long from 12 and the short from 8: the long one first, 120 / 5 of it. */
  bench b;
  bench_start(&b, "default",
              "cash=1000 leverage=2 flip=add sides=both long_maintenance=0.5 "
              "short_maintenance=0.5 margin_call=liquidate",
              1);
  bench_bar(&b, 12, 12);
  bench_ok(&b, 0, BV_ASK_QTY, 80);
  bench_bar(&b, 12, 8);
  bench_ok(&b, 0, BV_ASK_QTY, -80);
  bench_bar(&b, 8, 10);
  expect(&b, 0, "call", 680, 800, 1);
  bench_bar(&b, 10, 4); /* long 56: 224, lost 448; short 80: 320, gained 320 */
  near(b.fill[2].qty, -24);
  near(bv_sim_qty(b.sim, 0), -24);
  bench_finish(&b);
  bench_end(&b);
  /* Nothing is left: both sides go, the worse first. */
  bench_start(&b, "default",
              "cash=1000 leverage=4 flip=add sides=both long_maintenance=0.2 "
              "short_maintenance=0.25 margin_call=liquidate",
              1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 300);
  bench_ok(&b, 0, BV_ASK_QTY, -50);
  bench_bar(&b, 10, 5);
  expect(&b, 0, "call", -250, 300 + 62.5, 2);
  bench_bar(&b, 5, 5);
  near(b.fill[2].qty, -300);
  near(b.fill[3].qty, 50);
  assert_int_equal(b.sim->ledger.nopen, 0);
  bench_finish(&b);
  bench_end(&b);
}

/* Worth nothing: everything goes. */
static void test_no_value(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=reg_t", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 200);
  bench_bar(&b, 10, 4);
  expect(&b, 0, "call", -200, 200, 1);
  bench_bar(&b, 4, 4);
  near(bv_sim_qty(b.sim, 0), 0);
  bench_finish(&b);
  bench_end(&b);
}

/* LEAN's levels: a warning where 5 % are left, a call 10 % beyond. */
static void test_warning_and_buffer(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              "cash=1000 account=reg_t margin_call=warn margin_warning=0.05 margin_buffer=0.1", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 200);
  bench_bar(&b, 10, 6.8); /* 360 and 340 */
  assert_int_equal(b.nmargin, 0);
  bench_bar(&b, 6.8, 6.7); /* 340 and 335 */
  expect(&b, 0, "warning", 340, 335, 0);
  bench_bar(&b, 6.7, 6.6); /* 320 and 330: within the buffer */
  assert_int_equal(b.nmargin, 1);
  bench_bar(&b, 6.6, 6.4); /* 280 and 320 */
  expect(&b, 1, "call", 280, 320, 0);
  bench_bar(&b, 6.4, 6.4);
  assert_int_equal(b.nmargin, 2);
  bench_bar(&b, 6.4, 9);
  expect(&b, 2, "restored", 800, 450, 0);
  assert_int_equal(b.nfill, 1);
  bench_finish(&b);
  bench_end(&b);
}

static void test_contradictions(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"leverage=10 long_maintenance=0.25 margin_call=warn", "at once"},
      {"margin_warning=0.05", "margin_call"},
      {"account=reg_t margin_call=none margin_buffer=0.1", "margin_call"},
      {"account=margin leverage=4 margin_call=none long_maintenance=0.1", "margin_call"},
      {"account=reg_t margin_call=none short_maintenance=0.3", "margin_call"},
  };
  assert_contradictions(bad, sizeof bad / sizeof bad[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_long_call),      cmocka_unit_test(test_short_call),
      cmocka_unit_test(test_costs_count),    cmocka_unit_test(test_order_of_liquidation),
      cmocka_unit_test(test_both_sides),     cmocka_unit_test(test_call_goes_on),
      cmocka_unit_test(test_no_value),       cmocka_unit_test(test_warning_and_buffer),
      cmocka_unit_test(test_contradictions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
