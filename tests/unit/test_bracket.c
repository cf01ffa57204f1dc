/*
** test_bracket.c - orders that hang together: brackets, groups, cancel and replace.  Expected numbers are
** worked out by hand from bracket.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "resting_help.h"

/* --- brackets --- */

static void bracket(double qty, double limit, double stop, double take_profit, double stop_loss) {
  bv_order_type type = limit != 0 ? BV_TYPE_LIMIT : stop != 0 ? BV_TYPE_STOP : BV_TYPE_MARKET;
  ask((bv_sim_request){.ask = BV_ASK_QTY,
                       .amount = qty,
                       .type = type,
                       .limit = limit,
                       .stop = stop,
                       .take_profit = take_profit,
                       .stop_loss = stop_loss,
                       .tag = "in"});
}

/* Children take the numbers after the entry: the stop, then the limit. */
static void test_bracket(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  bracket(10, 0, 0, 110, 95);
  bar(100, 104, 98, 103);
  assert_int_equal(b.nfill, 1);
  bar(103, 111, 102, 108);
  expect_fill(1, 3, -10, 110, 120, 0);
  expect(1, BV_ORDER_FILLED, "");
  expect(2, BV_ORDER_CANCELLED, "one cancels the other");
  assert_int_equal(order(3)->parent, 1);
  near(order(3)->qty, -10);
  assert_string_equal(order(3)->tag, "in");
  done();
}

static void test_short_bracket(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  bracket(-10, 0, 0, 90, 105);
  bar(100, 104, 98, 103);
  bar(107, 108, 102, 108); /* gap through the stop */
  expect_fill(1, 2, 10, 107, 120, 0);
  expect(3, BV_ORDER_CANCELLED, "one cancels the other");
  done();
}

static void test_bracket_ends_with_the_position(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  bracket(10, 0, 0, 110, 95);
  bar(100, 104, 98, 103);
  ask((bv_sim_request){.amount = -25}); /* turned around: the bracket must not add to the short */
  bar(103, 104, 102, 103);
  expect(2, BV_ORDER_CANCELLED, "the position is closed");
  expect(3, BV_ORDER_CANCELLED, "the position is closed");
  bar(103, 120, 90, 103);
  assert_int_equal(b.nfill, 2);
  done();
}

static void test_bracket_of_what_was_filled(void **state) {
  (void)state;
  start("cash=1000");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.ask = BV_ASK_VALUE, .amount = 3000, .stop_loss = 95, .take_profit = 110});
  bar(100, 104, 98, 103);
  near(order(1)->filled, 10);
  ask((bv_sim_request){.amount = -4});
  bar(103, 104, 102, 103);
  bar(96, 97, 94, 95);
  expect_fill(2, 2, -6, 95, 180, 0);
  expect(2, BV_ORDER_FILLED, "cut to the position");
  near(order(2)->qty, -10);
  done();
}

static void test_bracket_without_an_entry(void **state) {
  (void)state;
  start("cash=100");
  bar(100, 101, 99, 100);
  bracket(10, 0, 0, 110, 95);
  bracket(1, 50, 0, 60, 40);
  bar(100, 104, 98, 103);
  expect(1, BV_ORDER_REJECTED, "insufficient funds");
  expect(2, BV_ORDER_CANCELLED, "the entry opened nothing");
  expect(3, BV_ORDER_CANCELLED, "the entry opened nothing");
  bench_finish(&b);
  expect(4, BV_ORDER_EXPIRED, "no further bar");
  expect(5, BV_ORDER_CANCELLED, "the entry opened nothing");
  bench_end(&b);
}

/* --- both inside one bar, and what may be before the entry --- */

typedef struct policy_case {
  double limit, stop; /* of the entry of 10 units; 0, 0: market */
  double bar[4];
  /* price of the exit by policy: stop_first, limit_first, nearest_extreme, ohlc, olhc, defer; 0: none */
  double exit[6];
  int ambiguous;
} policy_case;

/* Stop-loss 95, take-profit 105. */
static const policy_case policies[] = {
    {0, 0, {100, 106, 94, 101}, {95, 105, 105, 105, 95, 0}, 1}, /* equally near: high first */
    {0, 0, {100, 107, 94.5, 101}, {95, 105, 95, 105, 95, 0}, 1},
    {0, 0, {100, 106, 96, 101}, {105, 105, 105, 105, 105, 105}, 0},
    {0, 0, {100, 101, 94, 101}, {95, 95, 95, 95, 95, 95}, 0},
    {0, 101, {100, 106, 96, 102}, {105, 105, 105, 105, 105, 105}, 0},
    {0, 101, {100, 102, 94, 101.5}, {95, 0, 95, 95, 0, 0}, 1},
    {0, 101, {100, 102, 94, 94.5}, {95, 95, 95, 95, 95, 95}, 0},
    {99, 0, {100, 101, 94, 100}, {95, 95, 95, 95, 95, 95}, 0},
    {99, 0, {100, 106, 98, 100}, {0, 105, 105, 0, 105, 0}, 1},
    {99, 0, {100, 106, 98, 105}, {105, 105, 105, 105, 105, 105}, 0},
    {99, 0, {100, 106, 94, 100}, {95, 105, 95, 95, 95, 0}, 1},
};

static void test_policies(void **state) {
  (void)state;
  static const char *const names[] = {"stop_first", "limit_first", "nearest_extreme",
                                      "ohlc",       "olhc",        "defer"};
  for (int i = 0; i < (int)(sizeof policies / sizeof policies[0]); i++) {
    const policy_case *k = &policies[i];
    for (int p = 0; p < 6; p++) {
      char knobs[64];
      snprintf(knobs, sizeof knobs, "same_bar=%s", names[p]);
      start(knobs);
      bar(100, 100, 100, 100);
      bracket(10, k->limit, k->stop, 105, 95);
      bar(k->bar[0], k->bar[1], k->bar[2], k->bar[3]);
      assert_int_equal(b.nfill, k->exit[p] == 0 ? 1 : 2);
      if (k->exit[p] == 0) { /* what fills later does so because of the guess */
        bar(80, 81, 79, 80);
        expect_fill(1, 2, -10, 80, 120, 1);
      } else {
        expect_fill(1, k->exit[p] == 95 ? 2 : 3, -10, k->exit[p], 60, k->ambiguous);
      }
      bench_end(&b);
    }
  }
}

/* --- groups --- */

static void test_one_cancels_the_other(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 103, .oco = "range"});
  ask((bv_sim_request){.amount = -10, .type = BV_TYPE_STOP, .stop = 97, .oco = "range"});
  ask((bv_sim_request){.amount = -5, .type = BV_TYPE_STOP, .stop = 97, .oco = "other"});
  bar(100, 102, 98, 101);
  bar(101, 104, 99, 103);
  expect_fill(0, 1, 10, 103, 120, 0);
  expect(2, BV_ORDER_CANCELLED, "one cancels the other");
  assert_int_equal(b.norder, 2);
  bench_end(&b);
  start("same_bar=olhc");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_STOP, .stop = 103, .oco = "range"});
  ask((bv_sim_request){.amount = -10, .type = BV_TYPE_STOP, .stop = 97, .oco = "range"});
  bar(100, 104, 96, 101);
  expect_fill(0, 2, -10, 97, 60, 1);
  assert_int_equal(b.nfill, 1);
  done();
}

static void test_reduce_only(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = -10, .reduce_only = 1});
  ask((bv_sim_request){.amount = 5});
  bar(100, 101, 99, 100);
  expect(1, BV_ORDER_CANCELLED, "the position is closed");
  ask((bv_sim_request){.amount = -10, .reduce_only = 1});
  bar(100, 101, 99, 100);
  expect(3, BV_ORDER_FILLED, "cut to the position");
  near(bv_sim_qty(b.sim, 0), 0);
  done();
}

/* --- cancel and replace --- */

static void test_cancel(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  bracket(10, 90, 0, 110, 85);
  ask((bv_sim_request){.amount = 1, .type = BV_TYPE_LIMIT, .limit = 80, .tag = "low"});
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "in", NULL), BV_OK);
  for (int64_t id = 1; id <= 3; id++) expect(id, BV_ORDER_CANCELLED, "cancelled");
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "in", NULL), BV_OK);
  expect(5, BV_ORDER_REJECTED, "no waiting order has this tag");
  assert_int_equal(order(5)->ask, BV_ASK_CANCEL);
  assert_string_equal(order(5)->tag, "in");
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "*", NULL), BV_OK);
  expect(4, BV_ORDER_CANCELLED, "cancelled");
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "*", NULL), BV_OK);
  assert_int_equal(b.norder, 5);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 7, "*", NULL), BV_ARG);
  done();
}

/* A finished order cannot be cancelled, nor replaced. */
static void test_too_late(void **state) {
  (void)state;
  start("");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .tag = "in"});
  bar(100, 101, 99, 100);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, 0, "in", NULL), BV_OK);
  expect(2, BV_ORDER_REJECTED, "no waiting order has this tag");
  bv_sim_request r = {.limit = 95};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(3, BV_ORDER_REJECTED, "no waiting order has this tag");
  done();
}

static void test_replace(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  bracket(10, 90, 0, 110, 85);
  bv_sim_request r = {.limit = 98, .stop_loss = 97};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(1, BV_ORDER_CANCELLED, "replaced");
  expect(2, BV_ORDER_CANCELLED, "replaced");
  bar(100, 101, 97.5, 99);
  expect_fill(0, 4, 10, 98, 60, 0);
  r = (bv_sim_request){.stop_loss = 98.5};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(5, BV_ORDER_CANCELLED, "replaced");
  r = (bv_sim_request){.stop_loss = 120}; /* beyond the price: the old one stays */
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(7, BV_ORDER_REJECTED, "the stop is on the wrong side of the last price");
  bar(99, 100, 98, 99);
  expect_fill(1, 6, -10, 98.5, 120, 0);
  assert_int_equal(order(6)->parent, 4);
  expect(3, BV_ORDER_CANCELLED, "one cancels the other");
  done();
}

/* The exits of an open position may move past its entry, but not past each other. */
static void test_replace_crossed(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  bracket(10, 0, 0, 110, 85);
  bar(100, 105, 99, 105);
  bv_sim_request r = {.take_profit = 84};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(4, BV_ORDER_REJECTED, "take_profit and stop_loss are crossed");
  r = (bv_sim_request){.stop_loss = 102, .take_profit = 101};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  expect(5, BV_ORDER_REJECTED, "take_profit and stop_loss are crossed");
  expect(6, BV_ORDER_REJECTED, "take_profit and stop_loss are crossed");
  r = (bv_sim_request){.stop_loss = 102, .take_profit = 120};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  bar(105, 112, 102, 111);
  expect_fill(1, 7, -10, 102, 120, 0);
  done();
}

static void test_replace_quantity(void **state) {
  (void)state;
  start("cash=1e6");
  bar(100, 101, 99, 100);
  ask((bv_sim_request){.amount = 10, .type = BV_TYPE_LIMIT, .limit = 90, .tag = "in"});
  bv_sim_request r = {.ask = BV_ASK_QTY, .amount = 4, .tif = BV_TIF_GTD, .until = 1000};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "in", NULL), BV_OK);
  bar(89, 91, 88, 90);
  expect_fill(0, 2, 4, 89, 60, 0);
  assert_int_equal(order(2)->tif, BV_TIF_GTD);
  done();
}

#define T(f) cmocka_unit_test(f)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_bracket),
      T(test_short_bracket),
      T(test_bracket_ends_with_the_position),
      T(test_bracket_of_what_was_filled),
      T(test_bracket_without_an_entry),
      T(test_policies),
      T(test_one_cancels_the_other),
      T(test_reduce_only),
      T(test_cancel),
      T(test_too_late),
      T(test_replace),
      T(test_replace_crossed),
      T(test_replace_quantity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
