/*
** test_quote.c - the bid and the ask beside bars, in the simulator: which orders meet which, what positions are
** valued at; and the knobs of nautilus' profile: depth, rounded commissions, nights that both sides pay.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

typedef struct prices {
  double open, high, low, close;
} prices;

static bv_sim_bar bar_of(const bench *b, prices p) {
  return (bv_sim_bar){.ts = b->now,
                      .known_at = b->now + BENCH_STEP,
                      .open = p.open,
                      .high = p.high,
                      .low = p.low,
                      .close = p.close,
                      .volume = 1000};
}

/* One bar with quotes; a side whose open is 0 is missing. */
static void step(bench *b, prices last, prices bid, prices ask) {
  bv_sim_bar bar = bar_of(b, last);
  bv_sim_quote q = {bid.open != 0 ? bar_of(b, bid) : bar, ask.open != 0 ? bar_of(b, ask) : bar,
                    bid.open != 0, ask.open != 0, isnan(last.open)};
  bar.quote = &q;
  assert_int_equal(bv_sim_open(b->sim, b->now, &bar, 1, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, &bar, 1, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void flat(bench *b, double last, double bid, double ask) {
  step(b, (prices){last, last, last, last}, (prices){bid, bid, bid, bid},
       (prices){ask, ask, ask, ask});
}

static void give(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void test_sides(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1e6", 1);
  flat(&b, 10, 9, 11);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  flat(&b, 10, 9, 11);
  near(b.fill[0].qty * b.fill[0].price + b.fill[1].qty * b.fill[1].price, 5 * 11 - 5 * 9);
  /* a limit that the trades reach and the ask does not; then it does */
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 10.5});
  flat(&b, 10, 9, 11);
  assert_int_equal(b.nfill, 2);
  step(&b, (prices){10, 10, 10, 10}, (prices){9, 9, 9, 9}, (prices){11, 11, 10.5, 11});
  assert_int_equal(b.nfill, 3);
  near(b.fill[2].price, 10.5);
  /* a stop that the bid reaches and the trades do not; the open of the bid is beyond it */
  give(&b, (bv_sim_request){.amount = -5, .type = BV_TYPE_STOP, .stop = 8.5});
  step(&b, (prices){10, 10, 10, 10}, (prices){8, 8, 8, 8}, (prices){11, 11, 11, 11});
  near(b.fill[3].price, 8);
  /* a side that is missing is the bar */
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  flat(&b, 10, 9, 0);
  near(b.fill[4].price, 10);
  bench_finish(&b);
  bench_end(&b);
}

static void test_trails_follow_their_side(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1e6", 1);
  flat(&b, 10, 9, 11);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_TRAIL, .trail = 1, .stop = 12.5});
  /* the ask falls to 10.2: the stop is 11.2; the trades fall further */
  step(&b, (prices){10, 10, 8, 10}, (prices){9, 9, 8, 9}, (prices){11, 11, 10.2, 11});
  assert_int_equal(b.nfill, 0);
  step(&b, (prices){10, 12, 10, 10}, (prices){9, 9, 9, 9}, (prices){11, 11.1, 11, 11});
  assert_int_equal(b.nfill, 0);
  step(&b, (prices){10, 10, 10, 10}, (prices){9, 9, 9, 9}, (prices){11, 11.3, 11, 11});
  near(b.fill[0].price, 11.2);
  bench_finish(&b);
  bench_end(&b);
}

static void test_closes(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1e6 fill_at=signal_close", 1);
  flat(&b, 10, 9, 11);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  flat(&b, 20, 19, 21); /* at the quotes the decision saw */
  near(b.fill[0].price, 11);
  bench_ok(&b, 0, BV_ASK_TARGET, -5);
  flat(&b, 30, 29, 31);
  near(b.fill[1].price, 19);
  bench_finish(&b);
  bench_end(&b);
  bench_start(&b, "default", "cash=1e6 fill_at=next_close finish=last_close", 1);
  flat(&b, 10, 9, 11);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  flat(&b, 20, 19, 21);
  near(b.fill[0].price, 21);
  /* an auction has one price */
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_MARKET_ON_OPEN});
  bench_finish(&b);
  near(b.fill[1].price, 19); /* closed at the end, at the bid */
  bench_end(&b);
  bench_start(&b, "default", "cash=1e6", 1);
  flat(&b, 10, 9, 11);
  b.now += 86400;
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_MARKET_ON_OPEN});
  flat(&b, 12, 9, 15);
  near(b.fill[0].price, 12);
  bench_finish(&b);
  bench_end(&b);
}

static void test_marks(void **state) {
  (void)state;
  static const struct {
    const char *mark;
    double of_long, of_short;
  } want[] = {{"last", 10, 10}, {"mid", 10.5, 10.5}, {"exit", 9, 12}};
  for (int i = 0; i < 3; i++) {
    for (int side = -1; side <= 1; side += 2) {
      bench b;
      char knobs[80];
      snprintf(knobs, sizeof knobs, "cash=1e6 mark=%s", want[i].mark);
      bench_start(&b, "default", knobs, 1);
      flat(&b, 10, 9, 12);
      bench_ok(&b, 0, BV_ASK_QTY, 5 * side);
      flat(&b, 10, 9, 12);
      near(bv_sim_price(b.sim, 0), side > 0 ? want[i].of_long : want[i].of_short);
      near(bv_sim_value(b.sim), bv_sim_cash(b.sim) + 5 * side * bv_sim_price(b.sim, 0));
      /* what is not quoted counts as the close */
      flat(&b, 10, side > 0 ? 0 : 9, side > 0 ? 12 : 0);
      near(bv_sim_price(b.sim, 0), 10);
      bench_finish(&b);
      bench_end(&b);
    }
  }
}

/* Where the asset has no bar of its own: orders of a side that is quoted fill, others wait; the side that is not stands
** where it was; an auction is not held; the last price is what it was. */
static void test_alone(void **state) {
  (void)state;
  static const prices none = {NAN, NAN, NAN, NAN};
  bench b;
  bench_start(&b, "default", "cash=1e6 mark=mid", 1);
  flat(&b, 10, 9, 11);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 10.5});
  give(&b, (bv_sim_request){.amount = -3});
  give(&b, (bv_sim_request){.amount = 4, .type = BV_TYPE_MARKET_ON_CLOSE});
  step(&b, none, (prices){0, 0, 0, 0}, (prices){11, 11, 10.5, 10.75});
  assert_int_equal(b.nfill, 1);
  near(b.fill[0].price, 10.5);
  near(bv_sim_price(b.sim, 0), (9 + 10.75) / 2);
  assert_int_equal(b.sim->ledger.asset[0].last_ts, 0);
  near(b.sim->ledger.asset[0].last_open, 10);
  step(&b, none, (prices){8, 8, 8, 8}, (prices){0, 0, 0, 0});
  assert_int_equal(b.nfill, 2);
  near(b.fill[1].price, 8);
  near(bv_sim_price(b.sim, 0), (8 + 10.75) / 2);
  b.now += 86400 - BENCH_STEP; /* the last bar of a day: its close is one */
  b.now -= b.now % 86400 + BENCH_STEP;
  flat(&b, 12, 11, 13);
  assert_int_equal(b.nfill, 3);
  near(b.fill[2].price, 12);
  bench_finish(&b);
  bench_end(&b);
  /* decided there, filled at the close that was seen */
  bench_start(&b, "default", "cash=1e6 fill_at=signal_close", 1);
  flat(&b, 10, 9, 11);
  step(&b, none, (prices){7, 7, 7, 7}, (prices){0, 0, 0, 0});
  near(bv_sim_price(b.sim, 0), 10);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  bench_ok(&b, 0, BV_ASK_QTY, -2);
  flat(&b, 20, 19, 21);
  for (int i = 0; i < 2; i++) near(b.fill[i].price, b.fill[i].qty > 0 ? 11 : 7);
  bench_finish(&b);
  bench_end(&b);
}

static void test_contradictions(void **state) {
  (void)state;
  bv_sim_config c = configure("default", "");
  bv_err err = {0};
  c.quotes = BV_QUOTES_IGNORE;
  assert_int_equal(bv_sim_config_check(&c, &err), BV_OK);
  c.mark_at = BV_MARKS_EXIT;
  assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "mark exit"));
  c = configure("default", "");
  c.depth_size = 5;
  err = (bv_err){0};
  assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "depth.size needs tick"));
}

static void test_depth(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1e6 depth.size=40 tick=0.25 commission.rate=0.01", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 40);
  bench_bar(&b, 10, 10);
  assert_int_equal(b.nfill, 3);
  near(b.fill[0].qty, 40);
  near(b.fill[0].price, 10);
  near(b.fill[1].qty, 60);
  near(b.fill[1].price, 10.25);
  near(b.fill[2].price, 10); /* each order finds as much */
  assert_int_equal(b.norder, 2);
  near(b.order[0].filled, 100);
  near(b.order[0].avg_price, (400 + 615) / 100.0);
  /* a turn: what closes comes first */
  bench_ok(&b, 0, BV_ASK_TARGET, -10);
  bench_bar(&b, 10, 10);
  near(b.fill[3].qty, -40);
  near(b.fill[4].qty, -110);
  near(b.fill[4].price, 9.75);
  near(b.fill[4].position, -10);
  /* a limit order fills at its price */
  give(&b, (bv_sim_request){.amount = 90, .type = BV_TYPE_LIMIT, .limit = 10});
  bench_bar(&b, 10, 10);
  near(b.fill[5].qty, 90);
  bench_finish(&b);
  bench_end(&b);
}

static void test_cents(void **state) {
  (void)state;
  static const struct {
    double qty, paid;
  } want[] = {{1, 0.13}, {3, 0.38}, {-2, 0.25}, {100, 12.5}};
  for (int i = 0; i < 4; i++) { /* 0.125 a unit: halves go away from 0 */
    bench b;
    bench_start(&b, "default", "cash=1e6 commission.rate=0.0125 commission.round=0.01", 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, want[i].qty);
    bench_bar(&b, 10, 10);
    near(b.fill[0].commission, want[i].paid);
    bench_finish(&b);
    bench_end(&b);
  }
}

static void test_nautilus(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "nautilus", "commission.rate=0.001", 1);
  flat(&b, 10, 9, 11);
  bench_ok(&b, 0, BV_ASK_QTY, 15);
  give(&b, (bv_sim_request){.amount = 5, .type = BV_TYPE_LIMIT, .limit = 10});
  step(&b, (prices){8, 8, 8, 8}, (prices){7, 7, 7, 7}, (prices){9, 9, 9, 9});
  near(b.fill[0].price, 11);        /* at the ask that was seen */
  near(b.fill[0].commission, 0.17); /* 0.165 */
  near(b.fill[1].price, 10);        /* the open is better, and is not given */
  near(bv_sim_price(b.sim, 0), 7);
  bench_finish(&b);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sides),    cmocka_unit_test(test_trails_follow_their_side),
      cmocka_unit_test(test_closes),   cmocka_unit_test(test_marks),
      cmocka_unit_test(test_alone),    cmocka_unit_test(test_contradictions),
      cmocka_unit_test(test_depth),    cmocka_unit_test(test_cents),
      cmocka_unit_test(test_nautilus),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
