/*
** test_ledger.c - lots first in first out, cash, averages, excursions; numbers worked out by hand
** from reference formulas section 6.2.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/ledger.h"

#include <math.h>
#include <string.h>

enum { MAX = 64 };

typedef struct seen {
  bv_sim_fill fill[MAX];
  bv_sim_lot lot[MAX];
  int nfill, nlot;
  bv_rc answer; /* what the lot sink returns */
} seen;

static bv_rc on_fill(void *ctx, const bv_sim_fill *f, bv_err *err) {
  seen *s = ctx;
  (void)err;
  s->fill[s->nfill++] = *f;
  return BV_OK;
}

static bv_rc on_lot(void *ctx, const bv_sim_lot *l, bv_err *err) {
  seen *s = ctx;
  s->lot[s->nlot++] = *l;
  return s->answer == BV_OK ? BV_OK : bv_fail(err, s->answer, "the sink says no");
}

static seen out;
static const bv_sim_sink sink = {.ctx = &out, .fill = on_fill, .lot = on_lot};

/* Sums of a few products of short decimals: 1e-9 is far above their rounding, far below a cent. */
static void near(double a, double b) {
  if (!(fabs(a - b) <= 1e-9)) fail_msg("%.12g is not %.12g", a, b);
}

static void start(bv_ledger *l, double lot, double multiplier) {
  memset(&out, 0, sizeof out);
  bv_ledger_init(l, &sink, 1000, lot);
  assert_int_equal(bv_ledger_add(l, "X", multiplier), BV_OK);
}

static void book(bv_ledger *l, double n, double price, double commission) {
  bv_asset *a = &l->asset[0];
  bv_exec x = {.n = n,
               .price = price,
               .commission = commission,
               .ts = 100 + a->bars,
               .bar = a->bars,
               .order = 7};
  assert_int_equal(bv_ledger_reserve(a, 1), BV_OK);
  assert_int_equal(bv_ledger_book(l, &x, NULL), BV_OK);
}

static void bar(bv_ledger *l, double low, double high, double close) {
  bv_sim_bar b = {.open = close, .high = high, .low = low, .close = close};
  bv_ledger_mark(l, &b);
  assert_true(bv_ledger_error(l) < 1e-12);
}

static void test_buy_mark_sell(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  book(&l, 10, 50, 2);
  near(l.cash, 498);
  bar(&l, 45, 56, 55);
  near(bv_ledger_value(&l, BV_VALUE_MARK), 1048);
  near(bv_ledger_gross(&l, BV_VALUE_MARK), 550);
  near(bv_ledger_average(&l.asset[0]), 50);
  book(&l, -10, 60, 3);
  near(l.cash, 1095);
  assert_int_equal(out.nlot, 1);
  near(out.lot[0].pnl, 95);
  near(out.lot[0].commission, 5);
  near(out.lot[0].ret, 95.0 / 500);
  near(out.lot[0].mae, -50);
  near(out.lot[0].mfe, 100);
  assert_int_equal(out.lot[0].bars, 1);
  assert_int_equal(out.lot[0].entry_fill, 1);
  assert_int_equal(out.lot[0].exit_fill, 2);
  near(out.fill[1].pnl, 100);
  near(out.fill[1].position, 0);
  near(out.fill[1].cash, 1095);
  assert_int_equal(l.nopen, 0);
  assert_true(isnan(bv_ledger_average(&l.asset[0])));
  bv_ledger_reset(&l);
}

/* 10 @ 50, 10 @ 60, then 15 sold at 70: the first lot whole, half of the second. */
static void test_first_in_first_out(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  l.cash = l.start = 5000;
  book(&l, 10, 50, 1);
  book(&l, 10, 60, 2);
  near(bv_ledger_average(&l.asset[0]), 55);
  book(&l, -15, 70, 3);
  assert_int_equal(out.nlot, 2);
  near(out.lot[0].qty, 10);
  near(out.lot[0].pnl, 200 - 1 - 2);
  near(out.lot[1].qty, 5);
  near(out.lot[1].pnl, 50 - 1 - 1);
  near(bv_ledger_average(&l.asset[0]), 60);
  bar(&l, 70, 70, 70);
  assert_int_equal(bv_ledger_report_open(&l, 999, NULL), BV_OK);
  assert_int_equal(out.nlot, 3);
  assert_int_equal(out.lot[2].open, 1);
  assert_int_equal(out.lot[2].exit_fill, 0);
  near(out.lot[2].pnl, 50 - 1);
  near(out.lot[0].pnl + out.lot[1].pnl + out.lot[2].pnl,
       bv_ledger_value(&l, BV_VALUE_MARK) - l.start);
  bv_ledger_reset(&l);
}

/* Crossing zero: +10 @ 50, -30 @ 40 leaves a short of 20 @ 40; its commission is shared 1 : 2. */
static void test_cross_zero(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  book(&l, 10, 50, 0);
  bar(&l, 50, 50, 50);
  book(&l, -30, 40, 3);
  near(out.fill[1].pnl, -100);
  near(out.lot[0].pnl, -101);
  near(l.asset[0].n, -20);
  near(bv_ledger_average(&l.asset[0]), 40);
  assert_int_equal(l.asset[0].opened, 1);
  bar(&l, 30, 44, 32);
  near(bv_ledger_value(&l, BV_VALUE_MARK), 1000 - 101 + 160 - 2);
  book(&l, 20, 32, 0);
  near(out.lot[1].mae, -80);
  near(out.lot[1].mfe, 200);
  near(l.cash, 1057);
  bv_ledger_reset(&l);
}

static void test_lot_size_and_multiplier(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 0.1, 50);
  book(&l, 3, 10, 0);
  near(l.cash, 1000 - 0.3 * 10 * 50);
  near(out.fill[0].qty, 0.3);
  book(&l, -3, 12, 0);
  /* Counts of lots are exact, so 0.1 + 0.1 + 0.1 - 0.3 is flat. */
  assert_int_equal(l.nopen, 0);
  near(l.cash, 1030);
  near(out.lot[0].ret, 0.2);
  bv_ledger_reset(&l);
}

static void test_nan_prices(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  book(&l, 1, 50, 0);
  near(l.asset[0].mark, 50);
  bar(&l, 40, 60, 55);
  bar(&l, NAN, NAN, NAN);
  near(l.asset[0].mark, 55);
  assert_int_equal(l.asset[0].bars, 2);
  near(bv_ledger_value(&l, BV_VALUE_MARK), 1005);
  assert_int_equal(bv_ledger_report_open(&l, 9, NULL), BV_OK);
  near(out.lot[0].mae, -10);
  near(out.lot[0].mfe, 10);
  bv_ledger_reset(&l);
}

/* Negative marks are legal (a future below zero). */
static void test_negative_mark(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  book(&l, 2, 50, 0);
  bar(&l, -40, 50, -37.63);
  near(bv_ledger_value(&l, BV_VALUE_MARK), 900 - 75.26);
  near(bv_ledger_gross(&l, BV_VALUE_MARK), 75.26);
  bv_ledger_reset(&l);
}

/* A queue of lots that slides through its array keeps its contents and stays bounded. */
static void test_sliding_queue(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  for (int i = 0; i < 3; i++) book(&l, 1, 10 + i, 0);
  for (int i = 3; i < 2000; i++) {
    out.nfill = out.nlot = 0;
    book(&l, 1, 10 + i, 0);
    book(&l, -1, 5, 0);
    assert_int_equal(out.nlot, 1);
    near(out.lot[0].entry_price, 10 + i - 3);
  }
  assert_true(l.asset[0].cap <= 32);
  assert_int_equal(l.asset[0].nlot, 3);
  bv_ledger_reset(&l);
}

static void test_open_list_is_sorted_by_key(void **state) {
  (void)state;
  bv_ledger l;
  static const char *const keys[] = {"D", "B", "E", "A", "C"};
  start(&l, 1, 1);
  for (int i = 0; i < 5; i++) assert_int_equal(bv_ledger_add(&l, keys[i], 1), BV_OK);
  for (int i = 1; i <= 5; i++) {
    bv_exec x = {.asset = i, .n = 1, .price = 10};
    assert_int_equal(bv_ledger_reserve(&l.asset[i], 1), BV_OK);
    assert_int_equal(bv_ledger_book(&l, &x, NULL), BV_OK);
  }
  for (int i = 1; i < 5; i++) {
    assert_true(strcmp(l.asset[l.open[i - 1]].key, l.asset[l.open[i]].key) < 0);
  }
  bv_exec x = {.asset = 5, .n = -1, .price = 10};
  assert_int_equal(bv_ledger_book(&l, &x, NULL), BV_OK);
  assert_int_equal(l.nopen, 4);
  assert_string_equal(l.asset[l.open[2]].key, "D");
  assert_true(bv_ledger_error(&l) < 1e-12);
  bv_ledger_reset(&l);
}

static void test_sink_error_comes_through(void **state) {
  (void)state;
  bv_ledger l;
  bv_err err = {0};
  start(&l, 1, 1);
  book(&l, 1, 10, 0);
  out.answer = BV_IO;
  bv_exec x = {.n = -1, .price = 10};
  assert_int_equal(bv_ledger_book(&l, &x, &err), BV_IO);
  assert_string_equal(err.msg, "the sink says no");
  bv_ledger_reset(&l);
}

/* The checker must see a ledger that is wrong. */
static void test_error_detects(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  book(&l, 10, 50, 0);
  bar(&l, 50, 50, 50);
  l.cash += 1;
  assert_true(bv_ledger_error(&l) > 1e-4);
  l.cash -= 1;
  l.asset[0].n = 9;
  assert_true(isinf(bv_ledger_error(&l)));
  bv_ledger_reset(&l);
}

/* 3 at 10.003 on average, sold for 10.0111 each: 0.0243 of profit, 0.02 with cents; the account has that much, and so
** have the lots.  What is left opens a short, and is no profit. */
static void test_profit_in_cents(void **state) {
  (void)state;
  bv_ledger l;
  start(&l, 1, 1);
  l.lots = BV_LOTS_AVERAGE;
  l.profit_step = 0.01;
  book(&l, 1, 10.001, 0.5);
  book(&l, 2, 10.004, 0);
  near(l.cash, 1000 - 30.009 - 0.5);
  book(&l, -4, 10.0111, 0.25);
  near(out.fill[2].pnl, 0.02);
  near(l.cash, 1000 + 0.02 + 10.0111 - 0.75);
  near(out.fill[2].cash, l.cash);
  assert_int_equal(out.nlot, 2);
  near(out.lot[0].pnl + out.lot[1].pnl, 0.02 - 0.5 - 0.25 * 3 / 4);
  near(out.lot[1].pnl, 2 * (10.0111 - 10.003) - 0.25 / 2); /* the first has the odd part */
  bar(&l, 10, 11, 10);
  assert_true(bv_ledger_error(&l) < 1e-12);
  near(bv_ledger_value(&l, BV_VALUE_MARK), 1000 + 0.02 + 0.0111 - 0.75);
  bv_ledger_reset(&l);
}

static void test_allocation_failures(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    bv_ledger l;
    memset(&out, 0, sizeof out);
    bv_ledger_init(&l, &sink, 1000, 1);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = BV_OK;
    for (int i = 0; rc == BV_OK && i < 9; i++) rc = bv_ledger_add(&l, i ? "Y" : "X", 1);
    if (rc == BV_OK) rc = bv_ledger_reserve(&l.asset[0], 3);
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    bv_ledger_reset(&l);
    assert_int_equal(bv_mem_used(BV_MEM_SIM), 0);
    if (!failed) break;
    assert_true(n < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buy_mark_sell),
      cmocka_unit_test(test_first_in_first_out),
      cmocka_unit_test(test_cross_zero),
      cmocka_unit_test(test_lot_size_and_multiplier),
      cmocka_unit_test(test_nan_prices),
      cmocka_unit_test(test_negative_mark),
      cmocka_unit_test(test_sliding_queue),
      cmocka_unit_test(test_open_list_is_sorted_by_key),
      cmocka_unit_test(test_sink_error_comes_through),
      cmocka_unit_test(test_error_detects),
      cmocka_unit_test(test_profit_in_cents),
      cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
