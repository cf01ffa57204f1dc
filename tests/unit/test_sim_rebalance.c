/*
** test_sim_rebalance.c - targets that are given together (knobs targets.*) and size_at open.  Expected numbers
** are worked out by hand from rebalance.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

static bench b;

static void begin(const char *knobs) {
  bench_start(&b, "default", knobs, 3);
}

static void prices(double x, double y, double z) {
  const double p[] = {x, y, z};
  bench_step(&b, 3, p, p);
}

static void over(void) {
  bench_finish(&b);
  bench_end(&b);
}

/* Weights of the first n assets; NAN leaves one out. */
static void weights(int n, const double w[]) {
  bv_sim_request r[3];
  int k = 0;
  for (int i = 0; i < n; i++) {
    if (!isnan(w[i])) r[k++] = (bv_sim_request){.asset = i, .ask = BV_ASK_WEIGHT, .amount = w[i]};
  }
  assert_int_equal(bv_sim_submit_step(b.sim, b.now, r, k, NULL), BV_OK);
}

static void held(double x, double y, double z) {
  near(bv_sim_qty(b.sim, 0), x);
  near(bv_sim_qty(b.sim, 1), y);
  near(bv_sim_qty(b.sim, 2), z);
}

static void test_reserve_and_caps(void **state) {
  (void)state;
  begin("targets.reserve=0.1 targets.max_weight=0.4");
  prices(100, 50, 10);
  weights(3, (const double[]){0.5, 0.2, -0.1}); /* 0.45 cut to 0.4, 0.18, -0.09 of 100,000 */
  prices(100, 50, 10);
  held(400, 360, -900);
  over();
}

static void test_gross_scales_all(void **state) {
  (void)state;
  begin("targets.max_gross=0.5");
  prices(100, 50, 10);
  weights(3, (const double[]){0.5, 0.3, -0.2}); /* 1.0 in all: halved */
  prices(100, 50, 10);
  held(250, 300, -1000);
  weights(3, (const double[]){0.1, 0, 0});
  prices(100, 50, 10);
  held(100, 0, 0);
  over();
}

static void test_small_trades_are_left_out(void **state) {
  (void)state;
  begin("targets.minimum_value=1000 targets.minimum_change=0.02");
  prices(100, 50, 10);
  weights(3, (const double[]){0.3, 0.015, 0.005}); /* the second by its weight, the third by both */
  prices(100, 50, 10);
  held(300, 0, 0);
  weights(1, (const double[]){0.31});
  prices(100, 50, 10);
  held(300, 0, 0);
  weights(1, (const double[]){0.33});
  prices(100, 50, 10);
  held(330, 0, 0);
  weights(1, (const double[]){0.0}); /* leaving is never too small */
  prices(100, 50, 10);
  held(0, 0, 0);
  over();
}

static void test_unlisted_positions_close(void **state) {
  (void)state;
  begin("targets.unlisted=close");
  prices(100, 50, 10);
  weights(3, (const double[]){0.3, 0.3, 0.3});
  prices(100, 50, 10);
  held(300, 600, 3000);
  weights(2, (const double[]){0.5, NAN}); /* room is made first */
  prices(100, 50, 10);
  held(500, 0, 0);
  /* A step without targets closes nothing. */
  bv_sim_request r = {.asset = 1, .ask = BV_ASK_QTY, .amount = 10};
  assert_int_equal(bv_sim_submit_step(b.sim, b.now, &r, 1, NULL), BV_OK);
  prices(100, 50, 10);
  held(500, 10, 0);
  over();
}

static void test_missing_prices(void **state) {
  (void)state;
  for (int skip = 0; skip < 2; skip++) {
    begin(skip ? "targets.missing=skip" : "");
    prices(100, 50, 10);
    const double one[] = {100};
    bench_step(&b, 1, one, one);
    weights(2, (const double[]){0.3, 0.3});
    prices(100, 50, 10);
    held(300, skip ? 0 : 600, 0);
    over();
  }
}

/* Opens at 100 and 80 of what closed at 100 and 100: decision sizes at the closes, fill at each account as it
** comes, open at the opens' account for both. */
static void test_size_at(void **state) {
  (void)state;
  static const struct {
    const char *knobs;
    double first, second;
  } cases[] = {
      /* 0.5 of 100,000 at the close of 100 */
      {"size_at=decision", 500, 500},
      /* The account is worth 100,000 - 200 x 20 after the gap of what is held; the target of the first closes it
      ** in part and costs nothing, so both see 96,000. */
      {"size_at=fill commission.fixed=960 leverage=2", 0.5 * 96000 / 100, 594},
      {"size_at=open commission.fixed=960 leverage=2", 0.5 * 96000 / 100, 600},
  };
  for (int i = 0; i < 3; i++) {
    bench_start(&b, "default", cases[i].knobs, 2);
    const double even[] = {100, 100}, gap[] = {100, 80};
    bv_sim_request r[] = {{.asset = 0, .ask = BV_ASK_WEIGHT, .amount = 0.5},
                          {.asset = 1, .ask = BV_ASK_WEIGHT, .amount = 0.5}};
    bench_step(&b, 2, even, even);
    if (i > 0) { /* 200 of B, without a commission of note */
      bv_sim_request q = {.asset = 1, .ask = BV_ASK_QTY, .amount = 200};
      assert_int_equal(bv_sim_submit(b.sim, b.now, &q, NULL), BV_OK);
      b.sim->cfg.commission_fixed = 0;
      bench_step(&b, 2, even, even);
      b.sim->cfg.commission_fixed = 960;
    }
    assert_int_equal(bv_sim_submit_step(b.sim, b.now, r, 2, NULL), BV_OK);
    bench_step(&b, 2, gap, gap);
    near(bv_sim_qty(b.sim, 0), cases[i].first);
    near(bv_sim_qty(b.sim, 1), cases[i].second);
    over();
  }
}

/* Without knobs a step is its requests one after the other. */
static void test_plain(void **state) {
  (void)state;
  begin("");
  assert_true(bv_sim_plain_targets(b.sim));
  prices(100, 50, 10);
  weights(3, (const double[]){0.5, 0.3, 0.2});
  prices(100, 50, 10);
  held(500, 600, 2000);
  bv_sim_request bad = {.asset = 7};
  assert_int_equal(bv_sim_submit_step(b.sim, b.now, &bad, 1, NULL), BV_ARG);
  over();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reserve_and_caps),
      cmocka_unit_test(test_gross_scales_all),
      cmocka_unit_test(test_small_trades_are_left_out),
      cmocka_unit_test(test_unlisted_positions_close),
      cmocka_unit_test(test_missing_prices),
      cmocka_unit_test(test_size_at),
      cmocka_unit_test(test_plain),
  };
  return cmocka_run_group_tests_name("sim rebalance", tests, NULL, NULL);
}
