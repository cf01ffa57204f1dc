/*
** test_sequence.c - profile backtesting.py where its recorded runs do not reach: which order has its turn first, as the
** source of its broker says (backtesting.py 0.6, Trade.close, Trade.sl, _Broker.new_order), worked out by hand.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim_help.h"

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void expect_lots(const bench *b, int n, const double entry_price[]) {
  assert_int_equal(b->nlot, n);
  for (int i = 0; i < n; i++) near(b->lot[i].entry_price, entry_price[i]);
}

/* Position.close() closes the trade entered last first. */
static void test_close_is_newest_first(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtesting.py", "", 1);
  bench_bar(&b, 10, 10);
  for (int i = 0; i < 3; i++) {
    give(&b, (bv_sim_request){.amount = 5});
    bench_bar(&b, 11 + i, 11 + i);
  }
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
  bench_bar(&b, 20, 20);
  expect_lots(&b, 3, (double[]){13, 12, 11});
  bench_end(&b);
}

/* What is open at the end is closed oldest first, as finalize_trades does; so does an order of the other side. */
static void test_others_are_oldest_first(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtesting.py", "finish=last_open", 1);
  bench_bar(&b, 10, 10);
  for (int i = 0; i < 3; i++) {
    give(&b, (bv_sim_request){.amount = 5});
    bench_bar(&b, 11 + i, 11 + i);
  }
  give(&b, (bv_sim_request){.amount = -5});
  bench_bar(&b, 20, 20);
  bench_finish(&b);
  expect_lots(&b, 3, (double[]){11, 12, 13});
  bench_end(&b);
}

/* The stop-losses of two trades on one bar: the one that was placed last goes first, and one that moves is placed
** anew. */
static void test_stops_are_newest_first(void **state) {
  (void)state;
  static bench b;
  for (int moves = 0; moves < 2; moves++) {
    bench_start(&b, "backtesting.py", "", 1);
    bench_bar(&b, 10, 10);
    give(&b, (bv_sim_request){.amount = 5, .stop_loss = 8, .tag = "one"});
    bench_bar(&b, 10, 10);
    give(&b, (bv_sim_request){.amount = 5, .stop_loss = 9, .tag = "two"});
    bench_bar(&b, 11, 11);
    bv_sim_request move = {.stop_loss = 8.5};
    if (moves) assert_int_equal(bv_sim_replace(b.sim, b.now, &move, "one", NULL), BV_OK);
    bench_bar(&b, 11, 7);
    expect_lots(&b, 2, moves ? (double[]){10, 11} : (double[]){11, 10});
    near(b.lot[moves ? 0 : 1].exit_price, moves ? 8.5 : 8);
    bench_end(&b);
  }
}

/* A close at the market that was given before a stop-loss was set comes after it. */
static void test_close_before_a_stop(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtesting.py", "", 1);
  bench_bar(&b, 10, 10);
  give(&b, (bv_sim_request){.amount = 5, .tag = "one"});
  bench_bar(&b, 10, 10);
  give(&b, (bv_sim_request){.amount = 5, .tag = "two"});
  bench_bar(&b, 11, 11);
  give(&b, (bv_sim_request){.amount = -5, .closes = "one"});
  give(&b, (bv_sim_request){.amount = -5, .closes = "two", .type = BV_TYPE_STOP, .stop = 9});
  bench_bar(&b, 10, 8);
  expect_lots(&b, 2, (double[]){11, 10});
  near(b.lot[0].exit_price, 9);
  near(b.lot[1].exit_price, 10);
  bench_end(&b);
}

/* A take-profit is in the queue from the entry's fill on, behind an entry that waited then: that one finds no
** margin, which the take-profit would have freed. */
static void test_target_behind_older_entries(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "backtesting.py", "cash=1000", 1);
  bench_bar(&b, 10, 10);
  give(&b, (bv_sim_request){
               .amount = 90, .take_profit = 12, .type = BV_TYPE_LIMIT, .limit = 10, .tag = "a"});
  give(&b, (bv_sim_request){.amount = 50, .type = BV_TYPE_STOP, .stop = 12, .tag = "b"});
  bench_bar(&b, 10, 10);
  bench_bar(&b, 11, 12);
  assert_int_equal(b.nlot, 1);
  assert_string_equal(b.order[1].tag, "b");
  bench_expect(&b, 1, BV_ORDER_CANCELLED, 50, 0, "insufficient funds");
  bench_expect(&b, 2, BV_ORDER_FILLED, -90, -90, "");
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_close_is_newest_first),
      cmocka_unit_test(test_others_are_oldest_first),
      cmocka_unit_test(test_stops_are_newest_first),
      cmocka_unit_test(test_close_before_a_stop),
      cmocka_unit_test(test_target_behind_older_entries),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
