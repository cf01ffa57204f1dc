/* test_size.c - rounding to lots and the two sizing rules; numbers by hand from size.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/size.h"
#include "sim_help.h"

#include <float.h>

static bench b;

static const bv_asset *start(const char *profile, const char *knobs) {
  bench_start(&b, profile, knobs, 1);
  return &b.sim->ledger.asset[0];
}

static void test_rounding(void **state) {
  (void)state;
  assert_true(bv_size_round(2.999) == 2);
  assert_true(bv_size_round(-2.999) == -2);
  assert_true(bv_size_round(0.3 / 0.1) == 3);
  assert_true(bv_size_round(-0.7 / 0.1) == -7);
  assert_true(bv_size_round(0) == 0);
  assert_true(bv_size_round(1 - 1e-6) == 0);
  /* Any number of lots written as a decimal comes back, whatever its size. */
  for (int i = 1; i < 100000; i += 7) {
    assert_true(bv_size_round(i * 0.01 / 0.01) == i);
    assert_true(bv_size_round((i * 1e-6 + 100) / 1e-6) == i + 100000000.0);
  }
}

static void test_target(void **state) {
  (void)state;
  const bv_asset *a = start("default", "commission.rate=0.01");
  /* 10000 / 100 / 1.01 = 99.0; half of it held: 50 + 50 / 1.01 = 99.5; reductions are exact. */
  assert_true(bv_size_target(b.sim, a, BV_ASK_WEIGHT, 1, 0, 100, 10000) == 99);
  assert_true(bv_size_target(b.sim, a, BV_ASK_WEIGHT, 1, 50, 100, 10000) == 49);
  assert_true(bv_size_target(b.sim, a, BV_ASK_WEIGHT, 0.3, 50, 100, 10000) == -20);
  assert_true(bv_size_target(b.sim, a, BV_ASK_WEIGHT, -1, 0, 100, 10000) == -99);
  /* Flip: closing 50 costs 50, then 9950 / 100 / 1.01 = 98.5. */
  assert_true(bv_size_target(b.sim, a, BV_ASK_WEIGHT, -1, 50, 100, 10000) == -148);
  assert_true(bv_size_target(b.sim, a, BV_ASK_VALUE, 5050, 0, 100, 10000) == 50);
  assert_true(bv_size_target(b.sim, a, BV_ASK_TARGET, -7.5, 3, 100, 10000) == -10);
  assert_true(bv_size_target(b.sim, a, BV_ASK_QTY, -7.5, 3, 100, 10000) == -7);
  bench_end(&b);
}

/* RULES.md, backtesting.py: adjusted price + commission(size, price) / |size|. */
static void test_lot_cost(void **state) {
  (void)state;
  const bv_asset *a = start("backtesting.py", "spread=0.01 commission.rate=0.001");
  near(bv_size_lot_cost(b.sim, a, 0.5, 100), 101.1);
  near(bv_size_lot_cost(b.sim, a, -20, 100), 99.1);
  bench_end(&b);
  a = start("backtesting.py", "commission.fixed=5");
  near(bv_size_lot_cost(b.sim, a, 0.5, 100), 110);
  near(bv_size_lot_cost(b.sim, a, 20, 100), 100.25);
  bench_end(&b);
}

static void test_available(void **state) {
  (void)state;
  const bv_asset *a = start("backtesting.py", "");
  assert_true(bv_size_available(b.sim, a, BV_ASK_WEIGHT, 1, 100, 10000) == 99);
  assert_true(bv_size_available(b.sim, a, BV_ASK_WEIGHT, 3, 100, 10000) == 99);
  assert_true(bv_size_available(b.sim, a, BV_ASK_WEIGHT, -0.5, 100, 10000) == -50);
  assert_true(bv_size_available(b.sim, a, BV_ASK_WEIGHT, 0.5, 100, 0) == 0);
  assert_true(bv_size_available(b.sim, a, BV_ASK_VALUE, -250, 100, 0) == -2);
  bench_end(&b);
}

/* floor of the exact quotient: 4.35 / 0.145 is below 30 in exact arithmetic of these doubles if and
** only if 30 x 0.145 exceeds 4.35 exactly, which the rounded division does not show. */
static void test_exact_floor(void **state) {
  (void)state;
  const bv_asset *a = start("backtesting.py", "");
  int below = 0;
  for (int i = 1; i < 2000; i++) {
    double price = i * 0.001, money = price * 10;
    double exact = fma(10, price, -money) > 0 ? 9 : 10;
    double n = bv_size_available(b.sim, a, BV_ASK_VALUE, money, price, 0);
    assert_true(n == exact);
    below += exact == 9;
  }
  assert_true(below > 0);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rounding),    cmocka_unit_test(test_target),
      cmocka_unit_test(test_lot_cost),    cmocka_unit_test(test_available),
      cmocka_unit_test(test_exact_floor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
