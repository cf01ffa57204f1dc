/* test_slippage.c - slippage and spread; hand-computed from reference formulas section 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/slippage.h"

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
  near(bv_slippage(&c, 100, 1, true, NULL), 100);
  c.slippage_rate = 0.001;
  near(bv_slippage(&c, 100, 1, true, NULL), 100.1);
  near(bv_slippage(&c, 100, -1, true, NULL), 99.9);
  near(bv_slippage(&c, 100, -1, false, NULL), 99.9);
  c.slippage_rate = 0;
  c.spread = 0.002;
  near(bv_slippage(&c, 100, 1, true, NULL), 100.2);
  near(bv_slippage(&c, 100, -1, true, NULL), 99.8);
  near(bv_slippage(&c, 100, -1, false, NULL), 100);
  c.slippage_model = BV_SLIP_NONE;
  near(bv_slippage(&c, 100, 1, false, NULL), 100);
}

static void test_clamp(void **state) {
  (void)state;
  bv_sim_config c = base();
  bv_sim_bar bar = {.open = 100, .high = 100.05, .low = 99.95, .close = 100};
  c.slippage_rate = 0.001;
  c.slippage_clamp = 0;
  near(bv_slippage(&c, 100, 1, true, &bar), 100.1);
  c.slippage_clamp = 1;
  near(bv_slippage(&c, 100, 1, true, &bar), 100.05);
  near(bv_slippage(&c, 100, -1, true, &bar), 99.95);
  near(bv_slippage(&c, 100, 1, true, NULL), 100.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_price),
      cmocka_unit_test(test_clamp),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
