/* test_cost.c - slippage, spread, commission; hand-computed from reference formulas section 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/cost.h"

#include <math.h>

/* A few roundings of numbers near 1000: far below a cent. */
static void near(double a, double b) {
  if (!(fabs(a - b) <= 1e-9)) fail_msg("%.12g is not %.12g", a, b);
}

static bv_sim_config base(void) {
  return bv_sim_profile_find("default")->config;
}

static void test_price(void **state) {
  (void)state;
  bv_sim_config c = base();
  near(bv_cost_price(&c, 100, 1, true, NULL), 100);
  c.slippage_rate = 0.001;
  near(bv_cost_price(&c, 100, 1, true, NULL), 100.1);
  near(bv_cost_price(&c, 100, -1, true, NULL), 99.9);
  near(bv_cost_price(&c, 100, -1, false, NULL), 99.9);
  c.slippage_rate = 0;
  c.spread = 0.002;
  near(bv_cost_price(&c, 100, 1, true, NULL), 100.2);
  near(bv_cost_price(&c, 100, -1, true, NULL), 99.8);
  near(bv_cost_price(&c, 100, -1, false, NULL), 100);
  c.slippage_model = BV_SLIP_NONE;
  near(bv_cost_price(&c, 100, 1, false, NULL), 100);
}

static void test_clamp(void **state) {
  (void)state;
  bv_sim_config c = base();
  bv_sim_bar bar = {.open = 100, .high = 100.05, .low = 99.95, .close = 100};
  c.slippage_rate = 0.001;
  c.slippage_clamp = 0;
  near(bv_cost_price(&c, 100, 1, true, &bar), 100.1);
  c.slippage_clamp = 1;
  near(bv_cost_price(&c, 100, 1, true, &bar), 100.05);
  near(bv_cost_price(&c, 100, -1, true, &bar), 99.95);
  near(bv_cost_price(&c, 100, 1, true, NULL), 100.1);
}

static void test_commission(void **state) {
  (void)state;
  bv_sim_config c = base();
  c.commission_rate = 0.001;
  near(bv_cost_commission(&c, 30, 50, 1, 1, 1), 1.5);
  near(bv_cost_commission(&c, -30, 50, 10, -1, -1), 15);
  c.commission_minimum = 2;
  near(bv_cost_commission(&c, 30, 50, 1, 1, 1), 2);
  c.commission_minimum = 0;
  c.commission_fixed = 5;
  near(bv_cost_commission(&c, 30, 50, 1, 1, 1), 6.5);
  c.commission_model = BV_COMM_PER_SHARE;
  c.commission_rate = 0.005;
  c.commission_fixed = 0;
  near(bv_cost_commission(&c, 300, 50, 7, 1, 1), 1.5);
  c.commission_model = BV_COMM_NONE;
  near(bv_cost_commission(&c, 300, 50, 7, 1, 1), 0);
}

static void test_rebate_and_sides(void **state) {
  (void)state;
  bv_sim_config c = base();
  c.commission_rate = -0.0005;
  near(bv_cost_commission(&c, 100, 10, 1, 1, 1), -0.5);
  c.commission_rate = 0.001;
  c.commission_sell_extra = 0.002;
  near(bv_cost_commission(&c, 100, 10, 1, 1, -1), 1);
  near(bv_cost_commission(&c, -100, 10, 1, -1, 1), 3);
  c.commission_by = BV_COMM_BY_POSITION;
  near(bv_cost_commission(&c, 100, 10, 1, 1, -1), 3);
  near(bv_cost_commission(&c, -100, 10, 1, -1, 1), 1);
}

static void test_per_unit(void **state) {
  (void)state;
  bv_sim_config c = base();
  near(bv_cost_per_unit(&c, 100, 1, 1), 100);
  c.slippage_rate = 0.001;
  c.commission_rate = 0.002;
  /* long: 100.1 x 1.002; short: 100 + 0.1 lost + 99.9 x 0.002 */
  near(bv_cost_per_unit(&c, 100, 1, 1), 100.1 * 1.002);
  near(bv_cost_per_unit(&c, 100, 1, -1), 100.1 + 99.9 * 0.002);
  c.commission_model = BV_COMM_PER_SHARE;
  c.commission_rate = 0.5;
  near(bv_cost_per_unit(&c, 100, 10, 1), 1001.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_price),      cmocka_unit_test(test_clamp),
      cmocka_unit_test(test_commission), cmocka_unit_test(test_rebate_and_sides),
      cmocka_unit_test(test_per_unit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
