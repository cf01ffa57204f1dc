/*
** test_finance.c - what holding costs: figures worked out by hand from reference formulas section 5, and when they
** are charged.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim/finance.h"
#include "sim_help.h"
#include "time/instant.h"

static int64_t at(const char *text) {
  int64_t ts;
  assert_int_equal(bv_instant_parse(text, strlen(text), bv_zone_utc(), &ts, NULL, NULL), BV_OK);
  return ts;
}

/* A bar of asset 0 with one price. */
static void flat_bar(bench *b, const char *begins, int64_t seconds, double price) {
  bv_sim_bar bar = {.ts = at(begins), .open = price, .high = price, .low = price, .close = price};
  bar.known_at = b->now = bar.ts + seconds;
  assert_int_equal(bv_sim_open(b->sim, bar.ts, &bar, 1, NULL), BV_OK);
  assert_int_equal(bv_sim_close(b->sim, bar.known_at, &bar, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

enum { HOUR = 3600, DAY = 86400, SESSION = 23400 };

static void expect_flow(const bench *b, int i, const char *kind, const char *when, double amount) {
  assert_true(i < b->nflow);
  assert_string_equal(b->flow[i].kind, kind);
  assert_int_equal(b->flow[i].id, i + 1);
  assert_int_equal(b->flow[i].ts, at(when));
  near(b->flow[i].amount, amount);
}

/* A Thursday and a Friday, a Monday: one day, then three. */
static void test_borrow_fee(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "financing.borrow_rate=0.036", 1);
  flat_bar(&b, "2024-01-03 14:30", SESSION, 50);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  flat_bar(&b, "2024-01-04 14:30", SESSION, 50);
  assert_int_equal(b.nflow, 0);
  flat_bar(&b, "2024-01-05 14:30", SESSION, 60);
  expect_flow(&b, 0, "borrow_fee", "2024-01-05 14:30", -100 * 50 * 0.0001);
  near(b.flow[0].qty, -100);
  near(b.flow[0].cash, 105000 - 0.5);
  bench_ok(&b, 0, BV_ASK_TARGET, 0); /* leaves at Monday's open, after the weekend */
  flat_bar(&b, "2024-01-08 14:30", SESSION, 60);
  expect_flow(&b, 1, "borrow_fee", "2024-01-08 14:30", -100 * 60 * 0.0003);
  flat_bar(&b, "2024-01-09 14:30", SESSION, 60);
  assert_int_equal(b.nflow, 2);
  near(bv_sim_value(b.sim), 100000 - 1000 - 0.5 - 1.8);
  bench_finish(&b);
  bench_end(&b);
}

static void test_borrow_on_entry(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              "financing.borrow_rate=0.0365 financing.year=365 financing.borrow_on=entry", 1);
  flat_bar(&b, "2024-01-03", DAY, 50);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  flat_bar(&b, "2024-01-04", DAY, 50);
  bench_ok(&b, 0, BV_ASK_QTY, -300);
  flat_bar(&b, "2024-01-05", DAY, 60);
  expect_flow(&b, 0, "borrow_fee", "2024-01-05", -100 * 50 * 0.0001);
  flat_bar(&b, "2024-01-06", DAY, 70);
  expect_flow(&b, 1, "borrow_fee", "2024-01-06", -400 * 57.5 * 0.0001);
  bench_finish(&b);
  bench_end(&b);
}

static void test_longs_borrow_nothing(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "financing.borrow_rate=0.5", 1);
  flat_bar(&b, "2024-01-03", DAY, 50);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  flat_bar(&b, "2024-01-04", DAY, 50);
  flat_bar(&b, "2024-01-05", DAY, 50);
  assert_int_equal(b.nflow, 0);
  bench_finish(&b);
  bench_end(&b);
}

static void test_interest_on_cash(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              "cash=10000 leverage=2 financing.margin_rate=0.072 financing.cash_rate=0.036", 1);
  flat_bar(&b, "2024-01-03", DAY, 50);
  flat_bar(&b, "2024-01-04", DAY, 50);
  expect_flow(&b, 0, "cash_interest", "2024-01-04", 1);
  assert_int_equal(b.flow[0].asset, -1);
  bench_ok(&b, 0, BV_ASK_QTY, 300);
  flat_bar(&b, "2024-01-05", DAY, 50);
  expect_flow(&b, 1, "cash_interest", "2024-01-05", 10001 * 0.0001);
  double debt = 10001 + 1.0001 - 15000;
  flat_bar(&b, "2024-01-08", DAY, 50);
  expect_flow(&b, 2, "margin_interest", "2024-01-08", 3 * 0.0002 * debt);
  bench_finish(&b);
  bench_end(&b);
}

static void test_funding(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1e6 units=fractional financing.funding_rate=0.0001", 1);
  flat_bar(&b, "2024-01-03 06:00", HOUR, 40000);
  bench_ok(&b, 0, BV_ASK_QTY, 2);
  flat_bar(&b, "2024-01-03 07:00", HOUR, 40000);
  assert_int_equal(b.nflow, 0);
  flat_bar(&b, "2024-01-03 08:00", HOUR, 41000);
  expect_flow(&b, 0, "funding", "2024-01-03 08:00", -2 * 40000 * 0.0001);
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  flat_bar(&b, "2024-01-03 09:00", HOUR, 42000);
  flat_bar(&b, "2024-01-04 09:00", HOUR, 42000); /* 16:00, 00:00 and 08:00 were missed */
  expect_flow(&b, 1, "funding", "2024-01-04 08:00", 3 * 3 * 42000 * 0.0001);
  assert_int_equal(b.nflow, 2);
  bench_finish(&b);
  bench_end(&b);
}

/* A rate that changes: each boundary at the last one known by then. */
static void test_rates_change(void **state) {
  (void)state;
  bench b;
  bv_err err = {0};
  bench_start(&b, "default", "", 1);
  flat_bar(&b, "2024-01-03 06:00", HOUR, 1000);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  flat_bar(&b, "2024-01-03 07:00", HOUR, 1000);
  assert_int_equal(bv_sim_rate(b.sim, at("2024-01-03 08:00"), 0, BV_RATE_FUNDING, 0.001, &err),
                   BV_OK);
  flat_bar(&b, "2024-01-03 08:00", HOUR, 1000);
  expect_flow(&b, 0, "funding", "2024-01-03 08:00", -10);
  assert_int_equal(bv_sim_rate(b.sim, at("2024-01-04"), 0, BV_RATE_FUNDING, -0.002, &err), BV_OK);
  expect_flow(&b, 1, "funding", "2024-01-03 16:00", -10);
  flat_bar(&b, "2024-01-04 00:00", HOUR, 1000);
  expect_flow(&b, 2, "funding", "2024-01-04 00:00", 20);
  assert_int_equal(bv_sim_rate(b.sim, at("2024-01-04 02:00"), -1, BV_RATE_CASH, 0.36, &err), BV_OK);
  flat_bar(&b, "2024-01-05 00:00", HOUR, 1000);
  expect_flow(&b, 3, "cash_interest", "2024-01-05", b.flow[2].cash * 0.001);
  assert_int_equal(bv_sim_rate(b.sim, b.now, 7, BV_RATE_FUNDING, 0.1, &err), BV_ARG);
  assert_int_equal(bv_sim_rate(b.sim, b.now, 0, BV_RATE_CASH, 0.1, &err), BV_ARG);
  assert_int_equal(bv_sim_rate(b.sim, b.now, 0, BV_RATE_FUNDING, (double)NAN, &err), BV_ARG);
  bench_finish(&b);
  bench_end(&b);
}

/* 17:00 in New York is 22:00 UTC in January and 21:00 in July. */
static void test_rollover(void **state) {
  (void)state;
  static const struct {
    const char *triple;
    double nights[7]; /* Monday to Sunday */
  } want[] = {{"wednesday", {1, 1, 3, 1, 1, 0, 0}},
              {"wednesday_friday", {1, 1, 3, 1, 3, 0, 0}},
              {"none", {1, 1, 1, 1, 1, 0, 0}}};
  static const char *const monday[] = {"2024-01-08", "2024-07-08"};
  static const int hour[] = {22, 21};
  for (int k = 0; k < 3; k++) {
    for (int season = 0; season < 2; season++) {
      bench b;
      char knobs[200];
      snprintf(knobs, sizeof knobs,
               "cash=1e6 financing.rollover_rate=0.0365 financing.year=365 "
               "financing.rollover_triple=%s",
               want[k].triple);
      bench_start(&b, "default", knobs, 1);
      double sum = 0;
      int rows = 0;
      for (int h = 0; h < 7 * 24; h++) {
        char text[32];
        bv_instant_format(at(monday[season]) + h * HOUR, text);
        flat_bar(&b, text, HOUR, 2);
        if (h == 0) bench_ok(&b, 0, BV_ASK_QTY, 1000);
        double due = h % 24 == hour[season] ? want[k].nights[h / 24] : 0;
        if (due == 0) continue;
        sum += due * 1000 * 2 * 0.0001;
        expect_flow(&b, rows++, "rollover", text, due * 0.2);
      }
      assert_int_equal(b.nflow, rows);
      near(b.sim->ledger.flows, sum);
      bench_finish(&b);
      bench_end(&b);
    }
  }
}

/* What the quantity is charged with both sides pay. */
static void test_rollover_on_quantity(void **state) {
  (void)state;
  for (int side = -1; side <= 1; side += 2) {
    bench b;
    bench_start(&b, "default",
                "cash=1e6 financing.rollover_rate=-0.0365 financing.year=365 "
                "financing.rollover_on=quantity",
                1);
    for (int h = 20; h < 24; h++) {
      char text[32];
      bv_instant_format(at("2024-01-08") + h * HOUR, text);
      flat_bar(&b, text, HOUR, 2);
      if (h == 20) bench_ok(&b, 0, BV_ASK_QTY, side * 1000);
    }
    assert_int_equal(b.nflow, 1);
    near(b.flow[0].amount, -0.2);
    near(b.flow[0].qty, side * 1000);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* One night for each UTC day that has bars.  Hours of a forex market, from Sunday 17:00 New York to Friday 17:00: in
** January Friday's night is never booked, for no bar of Saturday comes; in July neither, for Friday's bars end as it
** falls due.  The position is opened on Monday at 05:00, after the night that Monday's first bar brings. */
static void test_rollover_of_utc_days(void **state) {
  (void)state;
  static const struct {
    const char *monday, *booked[8];
    double nights[8];
    int closed[2]; /* hours from Monday in which there are no bars */
  } want[] = {
      {"2024-01-08",
       {"2024-01-09 00:00", "2024-01-10 00:00", "2024-01-11 00:00", "2024-01-12 00:00",
        "2024-01-14 22:00", "2024-01-15 00:00", "2024-01-16 00:00", "2024-01-17 00:00"},
       {1, 1, 3, 1, 1, 1, 1, 1}, /* the third is of Wednesday, the fifth and sixth of Sunday */
       {4 * 24 + 22, 6 * 24 + 22}},
      {"2024-07-08",
       {"2024-07-09 00:00", "2024-07-10 00:00", "2024-07-11 00:00", "2024-07-12 00:00",
        "2024-07-14 21:00", "2024-07-15 00:00", "2024-07-16 00:00", "2024-07-17 00:00"},
       {1, 1, 3, 1, 1, 1, 1, 1},
       {4 * 24 + 21, 6 * 24 + 21}},
  };
  for (int k = 0; k < 2; k++) {
    bench b;
    bench_start(&b, "default",
                "cash=1e6 financing.rollover_rate=-0.0365 financing.year=365 "
                "financing.rollover_triple=wednesday_friday financing.rollover_days=utc",
                1);
    for (int h = 0; h < 9 * 24 + 1; h++) {
      char text[32];
      bv_instant_format(at(want[k].monday) + h * HOUR, text);
      if (h < want[k].closed[0] || h >= want[k].closed[1]) flat_bar(&b, text, HOUR, 2);
      if (h == 4) bench_ok(&b, 0, BV_ASK_QTY, 1000);
    }
    for (int i = 0; i < 8; i++) {
      expect_flow(&b, i, "rollover", want[k].booked[i], -0.2 * want[k].nights[i]);
    }
    assert_int_equal(b.nflow, 8);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* The first bar of the day begins before 17:00 of the day it is in New York: the night waits for a later one.  What it
** is charged at is the rate of the bar, whenever that was told; a rate alone brings no night. */
static void test_night_waits_for_its_bar(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              "cash=1e6 financing.rollover_rate=0.0365 financing.year=365 "
              "financing.rollover_days=utc",
              1);
  flat_bar(&b, "2024-01-08 14:00", HOUR, 2);
  bench_ok(&b, 0, BV_ASK_QTY, 1000);
  flat_bar(&b, "2024-01-08 15:00", HOUR, 2);
  assert_int_equal(bv_sim_rate(b.sim, at("2024-01-08 22:05"), 0, BV_RATE_ROLLOVER, 0.073, NULL),
                   BV_OK);
  assert_int_equal(b.nflow, 0);
  flat_bar(&b, "2024-01-08 22:10", 60, 3);
  expect_flow(&b, 0, "rollover", "2024-01-08 22:10", 2 * 0.2);
  flat_bar(&b, "2024-01-08 23:00", HOUR, 2);
  flat_bar(&b, "2024-01-09 06:00", HOUR, 2); /* 01:00 in New York, of Tuesday */
  assert_int_equal(b.nflow, 1);
  flat_bar(&b, "2024-01-10 05:00", HOUR, 2); /* Tuesday's is lost, Wednesday's not yet due */
  assert_int_equal(b.nflow, 1);
  flat_bar(&b, "2024-01-10 22:30", HOUR, 2);
  expect_flow(&b, 1, "rollover", "2024-01-10 22:30", 3 * 2 * 0.2);
  assert_int_equal(b.nflow, 2);
  bench_finish(&b);
  bench_end(&b);
}

/* 100 x 50.123 x 0.0001 = 0.50123: in cents 0.50; at 50.25 x 0.0001 the half cent goes away from 0. */
static void test_charges_in_cents(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "financing.borrow_rate=0.036 financing.round=0.01", 1);
  flat_bar(&b, "2024-01-03", DAY, 50.123);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  flat_bar(&b, "2024-01-04", DAY, 50.123);
  flat_bar(&b, "2024-01-05", DAY, 50.5);
  expect_flow(&b, 0, "borrow_fee", "2024-01-05", -0.50);
  flat_bar(&b, "2024-01-06", DAY, 0.25);
  expect_flow(&b, 1, "borrow_fee", "2024-01-06", -0.51); /* 0.505 */
  flat_bar(&b, "2024-01-07", DAY, 0.25);                 /* 0.0025: nothing */
  assert_int_equal(b.nflow, 2);
  bench_finish(&b);
  bench_end(&b);
}

/* Of the middle of bid and ask, 99 and 103, whatever the trades say; a side that is missing counts as the close. */
static void test_charged_at_the_middle(void **state) {
  (void)state;
  static const double of[] = {100, 101, 99.5}; /* mark, mid, mid where no ask is known */
  for (int k = 0; k < 3; k++) {
    bench b;
    bench_start(&b, "default",
                k == 0 ? "cash=1e6 financing.borrow_rate=0.36"
                       : "cash=1e6 financing.borrow_rate=0.36 financing.price=mid",
                1);
    for (int day = 0; day < 3; day++) {
      bv_sim_bar bar = {.ts = at("2024-01-03") + day * DAY, .open = 100, .high = 100, .low = 100};
      bar.close = 100;
      bar.known_at = b.now = bar.ts + DAY;
      bv_sim_quote q = {.bid = bar, .ask = bar, .has_bid = true, .has_ask = k < 2};
      q.bid.close = 99;
      if (q.has_ask) q.ask.close = 103;
      bar.quote = &q;
      assert_int_equal(bv_sim_open(b.sim, bar.ts, &bar, 1, NULL), BV_OK);
      assert_int_equal(bv_sim_close(b.sim, bar.known_at, &bar, 1, NULL), BV_OK);
      if (day == 0) bench_ok(&b, 0, BV_ASK_QTY, -10);
    }
    expect_flow(&b, 0, "borrow_fee", "2024-01-05", -10 * of[k] * 0.001);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* An asset that comes to a run later is charged from its first fill on. */
static void test_asset_that_comes_later(void **state) {
  (void)state;
  bench b;
  int number;
  bench_start(&b, "default", "financing.borrow_rate=0.036", 1);
  flat_bar(&b, "2024-01-03", DAY, 50);
  assert_int_equal(bv_sim_asset(b.sim, "late", 1, &number, NULL), BV_OK);
  bench_ok(&b, number, BV_ASK_QTY, -10);
  for (int day = 0; day < 2; day++) {
    bv_sim_bar bar = {.asset = number, .ts = b.now, .open = 10, .high = 10, .low = 10, .close = 10};
    bar.known_at = b.now += DAY;
    assert_int_equal(bv_sim_open(b.sim, bar.ts, &bar, 1, NULL), BV_OK);
    assert_int_equal(bv_sim_close(b.sim, bar.known_at, &bar, 1, NULL), BV_OK);
  }
  assert_int_equal(b.nflow, 1);
  expect_flow(&b, 0, "borrow_fee", "2024-01-05", -100 * 0.0001);
  bench_finish(&b);
  bench_end(&b);
}

/* With both sides open the shorts alone are borrowed, and the net is funded. */
static void test_both_sides(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              "leverage=3 flip=add sides=both financing.borrow_rate=0.036 "
              "financing.funding_rate=0.001 financing.funding_hours=24",
              1);
  flat_bar(&b, "2024-01-03", DAY, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 300);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  flat_bar(&b, "2024-01-04", DAY, 10);
  flat_bar(&b, "2024-01-05", DAY, 10);
  assert_int_equal(b.nflow, 2);
  expect_flow(&b, 0, "borrow_fee", "2024-01-05", -1000 * 0.0001);
  expect_flow(&b, 1, "funding", "2024-01-05", -2000 * 0.001);
  bench_finish(&b);
  bench_end(&b);
}

static void test_no_memory(void **state) {
  (void)state;
  bv_sim *s;
  bv_sim_config c = configure("default", "financing.borrow_rate=0.1");
  int64_t before = bv_mem_used(BV_MEM_SIM);
  for (int64_t n = 0; n < 2; n++) {
    bv_err err = {0};
    bv_alloc_fail_after(n, 0);
    assert_int_equal(bv_sim_new(&c, NULL, &s, &err), BV_NOMEM);
    assert_null(s);
    assert_int_equal(bv_mem_used(BV_MEM_SIM), before);
  }
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(bv_sim_new(&c, NULL, &s, NULL), BV_OK);
  int asset;
  for (int i = 0; i < 20; i++) {
    char key[16];
    snprintf(key, sizeof key, "A%d", i);
    bv_rc rc = BV_NOMEM;
    for (int64_t n = 0; rc == BV_NOMEM; n++) {
      bv_alloc_fail_after(n, 0);
      rc = bv_sim_asset(s, key, 1, &asset, NULL);
    }
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, BV_OK);
    assert_int_equal(asset, i);
  }
  bv_sim_free(s);
  assert_int_equal(bv_mem_used(BV_MEM_SIM), before);
}

static void test_checks(void **state) {
  (void)state;
  bv_sim_config c = configure("default", "financing.funding_hours=1.3");
  bv_err err = {0};
  assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "financing.funding_hours"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_borrow_fee),
      cmocka_unit_test(test_borrow_on_entry),
      cmocka_unit_test(test_longs_borrow_nothing),
      cmocka_unit_test(test_interest_on_cash),
      cmocka_unit_test(test_funding),
      cmocka_unit_test(test_rates_change),
      cmocka_unit_test(test_rollover),
      cmocka_unit_test(test_rollover_on_quantity),
      cmocka_unit_test(test_rollover_of_utc_days),
      cmocka_unit_test(test_night_waits_for_its_bar),
      cmocka_unit_test(test_charges_in_cents),
      cmocka_unit_test(test_charged_at_the_middle),
      cmocka_unit_test(test_asset_that_comes_later),
      cmocka_unit_test(test_both_sides),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
