/* test_profile.c - knobs: names, ranges, texts, contradictions, profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/profile.h"

#include <math.h>
#include <string.h>

static bv_sim_config defaults(void) {
  return bv_sim_profile_find("default")->config;
}

static void test_profiles_pass_their_own_check(void **state) {
  (void)state;
  int n;
  const bv_sim_profile *p = bv_sim_profiles(&n);
  assert_int_equal(n, 9);
  for (int i = 0; i < n; i++) {
    bv_err err = {0};
    if (bv_sim_config_check(&p[i].config, &err) != BV_OK) fail_msg("%s: %s", p[i].name, err.msg);
    assert_ptr_equal(bv_sim_profile_find(p[i].name), &p[i]);
    assert_true(strlen(p[i].doc) > 0);
  }
  assert_null(bv_sim_profile_find("nosuch"));
  assert_null(bv_sim_profile_find(NULL));
  assert_non_null(bv_sim_profile_find("Backtesting.PY"));
}

/* Every knob of every profile survives get_text -> set_text into a differently filled struct. */
static void test_texts_round_trip(void **state) {
  (void)state;
  int n, np;
  const bv_sim_knob *k = bv_sim_knobs(&n);
  const bv_sim_profile *p = bv_sim_profiles(&np);
  for (int j = 0; j < np; j++) {
    bv_sim_config from = p[j].config, to = p[(j + 1) % np].config;
    from.commission_rate = 0.1 + 0.2;
    from.lot = 1e-7;
    for (int i = 0; i < n; i++) {
      char a[BV_KNOB_TEXT], b[BV_KNOB_TEXT];
      bv_sim_get_text(&from, &k[i], a);
      assert_int_equal(bv_sim_set_text(&to, k[i].name, a, NULL), BV_OK);
      bv_sim_get_text(&to, &k[i], b);
      assert_string_equal(a, b);
      assert_true(strlen(k[i].doc) > 0);
    }
    assert_true(to.commission_rate == from.commission_rate);
    assert_true(to.lot == from.lot);
    assert_int_equal(to.flip, from.flip);
  }
}

static void test_knob_names_differ(void **state) {
  (void)state;
  int n;
  const bv_sim_knob *k = bv_sim_knobs(&n);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < i; j++) {
      assert_string_not_equal(k[i].name, k[j].name);
      assert_int_not_equal(k[i].offset, k[j].offset);
    }
  }
}

static void test_set_number(void **state) {
  (void)state;
  bv_sim_config c = defaults();
  assert_int_equal(bv_sim_set_number(&c, "commission.rate", 0.002, NULL), BV_OK);
  assert_true(c.commission_rate == 0.002);
  assert_int_equal(bv_sim_set_number(&c, "allow_short", 0, NULL), BV_OK);
  assert_int_equal(c.allow_short, 0);
  assert_int_equal(bv_sim_set_number(&c, "CASH", 5, NULL), BV_OK);
  assert_true(c.cash == 5);
}

typedef struct bad {
  const char *knob, *value;
  double number; /* used when value is NULL */
  bv_rc rc;
  const char *says[3];
} bad;

static const bad bads[] = {
    {"slippage.rate", NULL, 0.7, BV_RANGE, {"slippage.rate", "0.7", "0.5"}},
    {"slippage.rate", NULL, -0.1, BV_RANGE, {"slippage.rate", "-0.1", "from 0"}},
    {"leverage", NULL, (double)NAN, BV_RANGE, {"leverage", "nan", "1000"}},
    {"cash", NULL, (double)INFINITY, BV_RANGE, {"cash", "inf", "must be"}},
    {"allow_short", NULL, 2, BV_ARG, {"allow_short", "2", "true or false"}},
    {"fill_at", NULL, 1, BV_ARG, {"fill_at", "1", "next_open"}},
    {"fill_at", "last_close", 0, BV_ARG, {"last_close", "next_open", "signal_close"}},
    {"allow_short", "maybe", 0, BV_ARG, {"allow_short", "maybe", "true or false"}},
    {"cash", "much", 0, BV_ARG, {"cash", "much", "number"}},
    {"cash", NULL, -1, BV_RANGE, {"cash", "-1", "from 0"}},
    {"comission.rate", NULL, 0, BV_NOTFOUND, {"comission.rate", "did you mean", "commission.rate"}},
    {"zzzzzz", "1", 0, BV_NOTFOUND, {"zzzzzz", "no knob", ""}},
};

static void test_bad_values_say_why_and_change_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
    bv_sim_config c = defaults(), before;
    memcpy(&before, &c, sizeof c);
    bv_err err = {0};
    const bad *b = &bads[i];
    bv_rc rc = b->value ? bv_sim_set_text(&c, b->knob, b->value, &err)
                        : bv_sim_set_number(&c, b->knob, b->number, &err);
    assert_int_equal(rc, b->rc);
    for (int k = 0; k < 3; k++) {
      if (!strstr(err.msg, b->says[k])) fail_msg("'%s' lacks '%s'", err.msg, b->says[k]);
    }
    assert_memory_equal(&c, &before, sizeof c);
    assert_int_equal(b->value ? bv_sim_set_text(&c, b->knob, b->value, NULL)
                              : bv_sim_set_number(&c, b->knob, b->number, NULL),
                     b->rc);
  }
  bv_sim_config c = defaults();
  assert_int_equal(bv_sim_set_text(&c, NULL, "1", NULL), BV_NOTFOUND);
  assert_int_equal(bv_sim_set_text(&c, "cash", NULL, NULL), BV_ARG);
}

typedef struct contradiction {
  const char *knob[2], *value[2];
} contradiction;

static const contradiction contradictions[] = {
    {{"units", "lot"}, {"whole", "0.1"}},
    {{"cash", "lot"}, {"0", "0"}},
    {{"commission.model", "commission.rate"}, {"none", "0.001"}},
    {{"commission.model", "commission.fixed"}, {"none", "1"}},
    {{"commission.model", "commission.rate"}, {"percentage", "1.5"}},
    {{"slippage.model", "slippage.rate"}, {"none", "0.001"}},
    {{"margin", "size_at"}, {"available", "decision"}},
    {{"margin", "flip"}, {"available", "net"}},
    {{"sides", "flip"}, {"both", "net"}},
    {{"fill_at", "rules"}, {"next_close", "backtrader"}},
};

static void test_contradictions(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof contradictions / sizeof contradictions[0]; i++) {
    bv_sim_config c = defaults();
    bv_err err = {0};
    for (int k = 0; k < 2; k++) {
      const contradiction *x = &contradictions[i];
      assert_int_equal(bv_sim_set_text(&c, x->knob[k], x->value[k], NULL), BV_OK);
    }
    assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
    assert_true(strlen(err.msg) > 10);
  }
  bv_sim_config c = defaults();
  c.leverage = NAN;
  assert_int_equal(bv_sim_config_check(&c, NULL), BV_RANGE);
  c = defaults();
  c.commission_model = BV_COMM_PER_SHARE;
  c.commission_rate = 1.5;
  assert_int_equal(bv_sim_config_check(&c, NULL), BV_OK);
}

static void test_lot_follows_units(void **state) {
  (void)state;
  bv_sim_config c = defaults();
  assert_true(bv_sim_config_lot(&c) == 1);
  c.units = BV_UNITS_FRACTIONAL;
  assert_true(bv_sim_config_lot(&c) == 1e-6);
  c.lot = 0.25;
  assert_true(bv_sim_config_lot(&c) == 0.25);
  c.units = BV_UNITS_WHOLE;
  c.lot = 100;
  assert_true(bv_sim_config_lot(&c) == 100);
  assert_int_equal(bv_sim_config_check(&c, NULL), BV_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_profiles_pass_their_own_check),
      cmocka_unit_test(test_texts_round_trip),
      cmocka_unit_test(test_knob_names_differ),
      cmocka_unit_test(test_set_number),
      cmocka_unit_test(test_bad_values_say_why_and_change_nothing),
      cmocka_unit_test(test_contradictions),
      cmocka_unit_test(test_lot_follows_units),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
