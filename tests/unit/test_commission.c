/*
** test_commission.c - commission models: figures worked out by hand from reference formulas section 5, and
** what the simulator charges for orders of several fills.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/commission.h"
#include "sim/cost.h"
#include "sim_help.h"

/* The commission of `q` units at `p`, a buy that opens. */
static double charged(const bv_sim_config *c, double q, double p, double mult, bv_paid *paid) {
  bv_paid none = {0};
  bv_fee f = {
      .units = q, .price = p, .multiplier = mult, .side = 1, .position_side = 1, .maker = false};
  return bv_commission(c, &f, paid ? paid : &none);
}

static double one(const char *knobs, double q, double p, double mult) {
  bv_sim_config c = configure("default", knobs);
  bv_err err = {0};
  if (bv_commission_check(&c, &err) != BV_OK) fail_msg("%s", err.msg);
  return charged(&c, q, p, mult, NULL);
}

#define MODEL(m) "commission.model=" m " "

static void test_models(void **state) {
  (void)state;
  near(one("commission.rate=0.001", 30, 50, 1), 1.5);
  near(one("commission.rate=0.001", 30, 50, 10), 15);
  near(one("commission.rate=0.001 commission.minimum=2", 30, 50, 1), 2);
  near(one("commission.rate=0.001 commission.fixed=5", 30, 50, 1), 6.5);
  near(one(MODEL("per_share") "commission.rate=0.005", 300, 50, 7), 1.5);
  near(one(MODEL("per_contract") "commission.rate=2.25", 3, 4500, 50), 6.75);
  near(one(MODEL("per_trade") "commission.fixed=4.95", 300, 50, 1), 4.95);
  near(one(MODEL("combined") "commission.fixed=1 commission.rate=0.001 commission.per_unit=0.01",
           100, 20, 1),
       1 + 2 + 1);
  near(one(MODEL("none"), 300, 50, 7), 0);
  near(one("commission.rate=-0.0005", 100, 10, 1), -0.5);
}

/* LEAN's IB equity fee: .005 a share, at least 1, and only above 1 at most .5 % of the value. */
static void test_minimum_before_cap(void **state) {
  (void)state;
  const char *lean =
      MODEL("per_share") "commission.rate=0.005 commission.minimum=1 commission.cap=0.005 "
                         "commission.cap_minimum=0";
  near(one(lean, 688, 144.78, 1), 3.44);  /* BasicTemplateAlgorithm: 3.44 */
  near(one(lean, 697, 144.75, 1), 3.485); /* BasicTemplateDailyAlgorithm: 3.49 */
  near(one(lean, 100, 150, 1), 1);
  near(one(lean, 10, 1.5, 1), 1); /* 0.5 % of 15 is less, and does not count */
  near(one(lean, 1000, 0.5, 1), 2.5);
  const char *capped =
      MODEL("per_share") "commission.rate=0.005 commission.minimum=1 commission.cap=0.01";
  near(one(capped, 10, 1.5, 1), 0.15);
  near(one(capped, 100, 150, 1), 1);
}

static void test_sides(void **state) {
  (void)state;
  bv_sim_config c = configure("default", "commission.rate=0.001 commission.sell_extra=0.002");
  bv_paid none = {0};
  bv_fee buy = {.units = 100, .price = 10, .multiplier = 1, .side = 1, .position_side = -1};
  bv_fee sell = {.units = 100, .price = 10, .multiplier = 1, .side = -1, .position_side = 1};
  near(bv_commission(&c, &buy, &none), 1);
  near(bv_commission(&c, &sell, &none), 3);
  c.commission_by = BV_COMM_BY_POSITION;
  near(bv_commission(&c, &buy, &none), 3);
  near(bv_commission(&c, &sell, &none), 1);
}

static void test_maker_taker(void **state) {
  (void)state;
  bv_sim_config c = configure("default", MODEL("maker_taker") "commission.rate=0.0004 "
                                                              "commission.maker_rate=-0.0001");
  bv_paid none = {0};
  bv_fee f = {.units = 2, .price = 50000, .multiplier = 1, .side = 1, .position_side = 1};
  near(bv_commission(&c, &f, &none), 40);
  f.maker = true;
  near(bv_commission(&c, &f, &none), -10);
}

/* zipline's PerShare over partial fills: the minimum on the first one, then nothing until what is owed
** exceeds it, then the difference. */
static void test_minimum_over_partial_fills(void **state) {
  (void)state;
  bv_sim_config c =
      configure("default", MODEL("per_share") "commission.rate=0.0075 commission.minimum=1 "
                                              "commission.per=order");
  bv_paid paid = {0};
  near(charged(&c, 50, 20, 1, &paid), 1);    /* 0.375 */
  near(charged(&c, 50, 20, 1, &paid), 0);    /* 0.75 */
  near(charged(&c, 100, 20, 1, &paid), 0.5); /* 1.5 */
  near(charged(&c, 200, 20, 1, &paid), 1.5); /* 3 */
  near(paid.charged, 3);
  c.commission_fixed = 0.5; /* the first fill's, and part of what the minimum is for */
  paid = (bv_paid){0};
  near(charged(&c, 50, 20, 1, &paid), 1);    /* 0.875 */
  near(charged(&c, 50, 20, 1, &paid), 0.25); /* 1.25 */
  c = configure("default", MODEL("per_trade") "commission.fixed=7");
  paid = (bv_paid){0};
  near(charged(&c, 50, 20, 1, &paid), 7);
  near(charged(&c, 50, 20, 1, &paid), 0);
  c = configure(
      "default",
      "commission.rate=0.01 commission.cap=0.005 commission.fixed=1 commission.per=order");
  paid = (bv_paid){0};
  near(charged(&c, 50, 20, 1, &paid), 5);
  near(charged(&c, 150, 20, 1, &paid), 15);
}

static void test_tiers(void **state) {
  (void)state;
  const char *marginal = MODEL("tiered") "commission.tiers=1000:0.005,3000:0.004,0.002";
  near(one(marginal, 500, 10, 1), 2.5);
  near(one(marginal, 2000, 10, 1), 5 + 4);
  near(one(marginal, 5000, 10, 1), 5 + 8 + 4);
  /* ml4t: the first tier whose end is not below the value, for all of it. */
  const char *whole = MODEL("tiered") "commission.tiers=10000:0.001,100000:0.0005,0.0002 "
                                      "commission.tier_by=value commission.tier_mode=whole";
  near(one(whole, 1000, 10, 1), 10);
  near(one(whole, 1001, 10, 1), 5.005);
  near(one(whole, 10000, 10, 1), 50);
  near(one(whole, 20000, 10, 1), 40);
  /* LEAN's options: by premium, at least 1. */
  const char *options =
      MODEL("tiered") "commission.tiers=0.05:0.25,0.1:0.5,0.65 commission.tier_by=price "
                      "commission.tier_mode=whole commission.minimum=1";
  near(one(options, 10, 0.04, 100), 2.5);
  near(one(options, 10, 0.05, 100), 5);
  near(one(options, 10, 0.10, 100), 6.5);
  near(one(options, 1, 0.10, 100), 1);
}

static void test_tiers_over_fills(void **state) {
  (void)state;
  bv_sim_config c = configure("default", MODEL("tiered") "commission.tiers=1000:0.005,0.002");
  bv_paid paid = {0};
  near(charged(&c, 600, 10, 1, &paid), 3);
  near(charged(&c, 600, 10, 1, &paid), 2 + 0.4);
  near(charged(&c, 600, 10, 1, &paid), 1.2);
}

static void test_checks(void **state) {
  (void)state;
  static const struct {
    const char *knobs, *says;
  } bad[] = {
      {"commission.maker_rate=0.001", "commission.maker_rate"},
      {"commission.per_unit=1", "commission.per_unit"},
      {"commission.tiers=5:1,2", "commission.tiers"},
      {MODEL("per_trade") "commission.rate=1", "commission.rate"},
      {MODEL("per_trade") "commission.minimum=1", "commission.minimum"},
      {MODEL("none") "commission.cap=0.1", "commission.cap"},
      {MODEL("tiered"), "not given"},
      {MODEL("tiered") "commission.tiers=5:1,3:2,1", "must rise"},
      {MODEL("tiered") "commission.tiers=5:1,7:2", "last tier"},
      {MODEL("tiered") "commission.tiers=5:1,2 commission.tier_by=value", "fraction"},
      {MODEL("tiered") "commission.tiers=5:1,2 commission.tier_by=price", "whole"},
      {MODEL("maker_taker") "commission.rate=1.5", "fraction"},
      {MODEL("combined") "commission.rate=1", "fraction"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_sim_config c = configure("default", bad[i].knobs);
    bv_err err = {0};
    assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
    if (!strstr(err.msg, bad[i].says)) fail_msg("'%s' lacks '%s'", err.msg, bad[i].says);
  }
}

static void test_tiers_as_text(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "x", "1:", ":1", "1:2,", "1:2:3", "-1:2,3", "1:1e9,2", "1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1,9"};
  bv_sim_config c = configure("default", "");
  char text[BV_KNOB_TEXT];
  int n;
  const bv_sim_knob *k = bv_sim_knobs(&n);
  while (strcmp(k->name, "commission.tiers") != 0) k++;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bv_err err = {0};
    assert_int_equal(bv_sim_set_text(&c, "commission.tiers", wrong[i], &err), BV_ARG);
    assert_non_null(strstr(err.msg, "commission.tiers"));
    assert_int_equal(c.commission_tiers.n, 0);
  }
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers", 1, NULL), BV_ARG);
  assert_int_equal(bv_sim_set_text(&c, "commission.tiers", "1000:0.005,2500.5:-0.004,0.1", NULL),
                   BV_OK);
  bv_sim_get_text(&c, k, text);
  assert_string_equal(text, "1000:0.005,2500.5:-0.004,0.1");
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers[1].rate", 0.25, NULL), BV_OK);
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers[3].upto", 1e6, NULL), BV_OK);
  bv_sim_get_text(&c, k, text);
  assert_string_equal(text, "1000:0.005,2500.5:0.25,0.1,1000000:0");
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers[8].rate", 1, NULL), BV_ARG);
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers[0].rte", 1, NULL), BV_ARG);
  assert_int_equal(bv_sim_set_number(&c, "commission.tiers[0].upto", 0, NULL), BV_ARG);
  bv_sim_clear(&c, "commission.");
  bv_sim_get_text(&c, k, text);
  assert_string_equal(text, "");
}

/* --- in the simulator --- */

/* Closing two lots in fills of their own: one minimum for the order, not two. */
static void test_one_minimum_for_an_order(void **state) {
  (void)state;
  static const struct {
    const char *per;
    double total;
  } want[] = {{"commission.per=fill", 5 + 5 + 5 + 5}, {"commission.per=order", 5 + 5 + 5 + 0}};
  for (int i = 0; i < 2; i++) {
    bench b;
    char knobs[200];
    snprintf(knobs, sizeof knobs, "fill_per=lot commission.rate=0.001 commission.minimum=5 %s",
             want[i].per);
    bench_start(&b, "default", knobs, 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 20);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_TARGET, 0);
    bench_bar(&b, 10, 10);
    assert_int_equal(b.nfill, 4);
    near(bv_sim_commission(b.sim), want[i].total);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* The most that fits is bought, its real commission paid: 1000 / (10 + 0.1) is 99.0, with the tier from
** 50 units on 50 x 10.5 + 47 x 10.1 = 999.7. */
static void test_what_fits_pays_its_commission(void **state) {
  (void)state;
  static const struct {
    const char *knobs;
    double units, cash;
  } want[] = {
      {MODEL("tiered") "commission.tiers=50:0.5,0.1", 97, 1000 - 50 * 10.5 - 47 * 10.1},
      {MODEL("per_trade") "commission.fixed=15", 98, 1000 - 980 - 15},
      {MODEL("per_share") "commission.rate=0.1 commission.minimum=25", 97, 1000 - 970 - 25},
      {MODEL("combined") "commission.rate=0.01 commission.per_unit=0.3 commission.fixed=5", 95,
       1000 - 950 - 9.5 - 28.5 - 5},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bench b;
    char knobs[250];
    snprintf(knobs, sizeof knobs, "cash=1000 funds=shrink %s", want[i].knobs);
    bench_start(&b, "default", knobs, 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 200);
    bench_bar(&b, 10, 10);
    near(b.fill[0].qty, want[i].units);
    near(b.fill[0].cash, want[i].cash);
    assert_true(b.fill[0].cash >= 0 && b.fill[0].cash < 10.8);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* A limit order makes where the price came to it, and takes where it met it at its first open. */
static void test_who_makes(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default",
              MODEL("maker_taker") "commission.rate=0.002 commission.maker_rate=-0.001", 1);
  bench_bar(&b, 10, 10);
  bv_sim_request at_once = {
      .asset = 0, .ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 11};
  bv_sim_request waits = {
      .asset = 0, .ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 9};
  bv_sim_request gap = {
      .asset = 0, .ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 7};
  bv_sim_request stop = {
      .asset = 0, .ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_STOP, .stop = 12};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &at_once, NULL), BV_OK);
  assert_int_equal(bv_sim_submit(b.sim, b.now, &waits, NULL), BV_OK);
  assert_int_equal(bv_sim_submit(b.sim, b.now, &gap, NULL), BV_OK);
  assert_int_equal(bv_sim_submit(b.sim, b.now, &stop, NULL), BV_OK);
  bench_bar(&b, 10, 8); /* at_once at 10, waits at 9 */
  bench_bar(&b, 6, 13); /* gap at 6, stop at 12 */
  assert_int_equal(b.nfill, 4);
  near(b.fill[0].commission, 0.2);
  near(b.fill[1].commission, -0.09);
  near(b.fill[2].price, 6);
  near(b.fill[2].commission, -0.06);
  near(b.fill[3].commission, 0.24);
  bench_finish(&b);
  bench_end(&b);
}

/* What was traded before counts: in the run, or since the month began. */
static void test_tiers_over_orders(void **state) {
  (void)state;
  static const struct {
    const char *over;
    double third;
  } want[] = {{"order", 0.2 * 60}, {"run", 0.1 * 60}, {"month", 0.2 * 60}};
  for (int i = 0; i < 3; i++) {
    bench b;
    char knobs[200];
    snprintf(knobs, sizeof knobs,
             MODEL("tiered") "commission.tiers=100:0.2,0.1 commission.tier_over=%s", want[i].over);
    bench_start(&b, "default", knobs, 1);
    b.now = 31 * 86400 - 4 * BENCH_STEP; /* January 1970 has three bars left */
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 60);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 60);
    bench_bar(&b, 10, 10);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 60); /* fills in February */
    bench_bar(&b, 10, 10);
    near(b.fill[0].commission, 12);
    near(b.fill[1].commission, i == 0 ? 12 : 0.2 * 40 + 0.1 * 20);
    near(b.fill[2].commission, want[i].third);
    bench_finish(&b);
    bench_end(&b);
  }
}

static double per_unit(const bench *b, double multiplier, int side) {
  const bv_asset a = {.multiplier = multiplier};
  return bv_cost_per_unit(b->sim, &a, 100, side);
}

static void test_per_unit(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "slippage.rate=0.001 commission.rate=0.002", 1);
  /* long: 100.1 x 1.002; short: 100 + 0.1 lost + 99.9 x 0.002 */
  near(per_unit(&b, 1, 1), 100.1 * 1.002);
  near(per_unit(&b, 1, -1), 100.1 + 99.9 * 0.002);
  bench_end(&b);
  bench_start(&b, "default", MODEL("per_share") "commission.rate=0.5 slippage.rate=0.001", 1);
  near(per_unit(&b, 10, 1), 1001.5);
  bench_end(&b);
  bench_start(&b, "default", MODEL("combined") "commission.rate=0.01 commission.per_unit=0.5", 1);
  near(per_unit(&b, 10, 1), 1000 + 10 + 0.5);
  bench_end(&b);
  bench_start(&b, "default",
              MODEL("tiered") "commission.tiers=10:0.01,0.02 commission.tier_by=value", 1);
  near(per_unit(&b, 1, 1), 102);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_models),
      cmocka_unit_test(test_minimum_before_cap),
      cmocka_unit_test(test_sides),
      cmocka_unit_test(test_maker_taker),
      cmocka_unit_test(test_minimum_over_partial_fills),
      cmocka_unit_test(test_tiers),
      cmocka_unit_test(test_tiers_over_fills),
      cmocka_unit_test(test_checks),
      cmocka_unit_test(test_tiers_as_text),
      cmocka_unit_test(test_one_minimum_for_an_order),
      cmocka_unit_test(test_what_fits_pays_its_commission),
      cmocka_unit_test(test_who_makes),
      cmocka_unit_test(test_tiers_over_orders),
      cmocka_unit_test(test_per_unit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
