/* test_config.c - the configuration of a run: every key, its short forms, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "run/config.h"

#include <sqlite3.h>
#include <string.h>

static sqlite3 *db;

static int open_db(void **state) {
  (void)state;
  return sqlite3_open(":memory:", &db) != SQLITE_OK;
}

static int close_db(void **state) {
  (void)state;
  return sqlite3_close(db) != SQLITE_OK;
}

static bv_run_config read_ok(const char *text) {
  bv_run_config c;
  bv_err err = {0};
  if (bv_run_config_read(db, text, bv_zone_utc(), &c, &err) != BV_OK) {
    fail_msg("%s: %s", text, err.msg);
  }
  return c;
}

static void test_defaults(void **state) {
  (void)state;
  static const char *const empty[] = {NULL, "", "  \n", "{}", " { } "};
  const bv_sim_profile *p = bv_sim_profile_find("default");
  for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
    bv_run_config c = read_ok(empty[i]);
    assert_memory_equal(&c.sim, &p->config, sizeof c.sim);
    assert_string_equal(c.profile, "default");
    assert_string_equal(c.timestep, "");
    assert_int_equal(c.nasset, 0);
    assert_true(c.start == INT64_MIN && c.end == INT64_MAX);
    assert_ptr_equal(c.zone, bv_zone_utc());
    bv_run_config_reset(&c);
  }
}

static void test_every_key(void **state) {
  (void)state;
  /* Keys may come in any order: profile and zone are read before what depends on them. */
  bv_run_config c = read_ok(
      "{\"start\": \"2024-01-02\", \"end\": 1706000000, \"cash\": 5000, \"commission\": {\"rate\": "
      "0.5,"
      " \"model\": \"per_share\", \"minimum\": 1}, \"slippage.rate\": 0.01, \"allow_short\": false,"
      " \"timestep\": \"15m\", \"assets\": [\"B\", \"A\", \"B\"], \"risk_free\": 0.02, "
      "\"periods\": 252, \"benchmark\": \"QQQ\", \"benchmark_timestep\": \"1d\","
      " \"params\": {\"fast\": 10, \"name\": \"x\", \"deep\": {\"er\": [1.5, null]}},"
      " \"tz\": \"America/New_York\", \"profile\": \"backtesting.py\"}");
  assert_string_equal(c.profile, "backtesting.py");
  assert_int_equal(c.sim.flip, BV_FLIP_CLOSE_FIRST); /* of the profile */
  assert_true(c.sim.cash == 5000);
  assert_int_equal(c.sim.commission_model, BV_COMM_PER_SHARE);
  assert_true(c.sim.commission_rate == 0.5 && c.sim.commission_minimum == 1);
  assert_true(c.sim.slippage_rate == 0.01);
  assert_int_equal(c.sim.allow_short, 0);
  assert_int_equal(c.start, 1704171600); /* 2024-01-02 00:00 in New York is 05:00 UTC */
  assert_int_equal(c.end, 1706000000);
  assert_string_equal(c.timestep, "15 minutes");
  assert_int_equal(c.nasset, 2); /* named twice counts once */
  assert_string_equal(c.asset[0], "B");
  assert_string_equal(c.asset[1], "A");
  assert_true(c.risk_free == 0.02 && c.periods == 252);
  assert_string_equal(c.benchmark, "QQQ");
  assert_string_equal(c.benchmark_timestep, "day");
  assert_int_equal(c.param.live, 4);
  assert_int_equal(sqlite3_value_int(bv_map_find(&c.param, "fast", 4)), 10);
  assert_string_equal(sqlite3_value_text(bv_map_find(&c.param, "name", 4)), "x");
  assert_true(sqlite3_value_double(bv_map_find(&c.param, "deep.er[0]", 10)) == 1.5);
  assert_int_equal(sqlite3_value_type(bv_map_find(&c.param, "deep.er[1]", 10)), SQLITE_NULL);
  bv_run_config_reset(&c);
  bv_run_config_reset(&c); /* again is fine */
}

static void test_short_forms(void **state) {
  (void)state;
  bv_run_config c = read_ok("{\"commission\": 0.002, \"slippage\": 0, \"assets\": \"SPY\"}");
  assert_int_equal(c.sim.commission_model, BV_COMM_PERCENTAGE);
  assert_true(c.sim.commission_rate == 0.002 && c.sim.slippage_rate == 0);
  assert_int_equal(c.nasset, 1);
  assert_string_equal(c.asset[0], "SPY");
  bv_run_config_reset(&c);
  c = read_ok("{\"CASH\": \"2500\", \"Allow_Short\": \"false\", \"Profile\": \"DEFAULT\"}");
  assert_true(c.sim.cash == 2500 && !c.sim.allow_short);
  bv_run_config_reset(&c);
  /* Parameters are the user's: their case counts. */
  c = read_ok("{\"params\": {\"a\": 1, \"A\": 2}}");
  assert_int_equal(sqlite3_value_int(bv_map_find(&c.param, "a", 1)), 1);
  assert_int_equal(sqlite3_value_int(bv_map_find(&c.param, "A", 1)), 2);
  bv_run_config_reset(&c);
}

/* What is said; the texts themselves are in tests/sql/bt_errors.out. */
static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"nonsense", "not valid JSON"},
      {"[]", "JSON object"},
      {"1", "JSON object"},
      {"{\"cahs\": 1}", "did you mean 'cash'"},
      {"{\"Comission\": 1}", "did you mean 'commission'"},
      {"{\"commission\": {\"rate\": \"x\"}}", "commission.rate"},
      {"{\"commission\": [0.1]}", "commission"},
      {"{\"commission\": true}", "commission"},
      {"{\"cash\": null}", "null"},
      {"{\"commission\": \"cheap\"}", "must be a number, the rate"},
      {"{\"volume\": 3}", "must be an object"},
      {"{\"calendar\": \"XNYS\"}", "settlement_days"},
      {"{\"cash\": true}", "takes a number"},
      {"{\"cash\": 1e999}", "cash"},
      {"{\"profile\": \"none\"}", "unknown profile"},
      {"{\"profile\": null}", "'profile'"},
      {"{\"start\": \"\"}", "'start'"},
      {"{\"start\": 99999999999999}", "milliseconds"},
      {"{\"start\": {\"x\": 1}}", "start.x"},
      {"{\"start\": 10, \"end\": 9}", "start lies after end"},
      {"{\"timestep\": \"1M\"}", "1m or 1mo"},
      {"{\"assets\": [\"\"]}", "assets[0]"},
      {"{\"assets\": [[1]]}", "assets[0][0]"},
      {"{\"params\": \"x\"}", "object"},
      {"{\"periods\": 1e10}", "periods"},
      {"{\"risk_free\": {}, \"risk_free\": false}", "risk_free"},
      {"{\"tz\": 5}", "'tz'"},
      {"{\"benchmark\": 5}", "'benchmark'"},
      {"{\"benchmark\": \"\"}", "'benchmark'"},
      {"{\"benchmark\": \"A\", \"benchmark_timestep\": \"1M\"}", "1m or 1mo"},
      {"{\"benchmark_timestep\": \"day\"}", "without benchmark"},
      {"{\"units\": \"whole\", \"lot\": 0.5}", "lot"},
  };
  int64_t before = bv_mem_total();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_run_config c;
    bv_err err = {0};
    bv_rc rc = bv_run_config_read(db, bad[i].text, bv_zone_utc(), &c, &err);
    if (rc == BV_OK || !strstr(err.msg, bad[i].says) || !strstr(err.msg, "config")) {
      fail_msg("%s: %d %s", bad[i].text, rc, err.msg);
    }
    assert_int_equal(bv_mem_total(), before);
  }
}

/* The knobs as JSON are themselves a configuration that gives the same knobs. */
/* Of a key that is there twice the last counts, where nobody has asked. */
static void test_twice(void **state) {
  (void)state;
  static const struct {
    const char *text, *key;
  } twice[] = {{"{\"cash\": 1, \"Cash\": 2}", "'Cash'"},
               {"{\"params\": {\"a\": 1, \"a\": 2}}", "'params.a'"},
               {"{\"commission\": 0.1, \"commission\": {\"rate\": 0.1}}", "'commission.rate'"},
               {"{\"commission.rate\": 0.1, \"commission\": 0.2}", "'commission.rate'"}};
  bv_run_config c = read_ok(twice[0].text);
  assert_true(c.sim.cash == 2);
  bv_run_config_reset(&c);
  for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
    bv_err err = {0};
    assert_int_equal(bv_run_config_twice(db, twice[i].text, &err), BV_ARG);
    if (!strstr(err.msg, twice[i].key) || !strstr(err.msg, "given twice")) fail_msg("%s", err.msg);
    for (int64_t n = 0;; n++) {
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_run_config_twice(db, twice[i].text, NULL);
      bool failed = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_ARG);
      if (!failed) break;
    }
  }
  assert_int_equal(bv_run_config_twice(db, "{\"params\": {\"a\": 1, \"A\": 2}}", NULL), BV_OK);
  assert_int_equal(bv_run_config_twice(db, NULL, NULL), BV_OK);
}

static void test_knobs(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{}", "{\"profile\": \"backtesting.py\", \"cash\": 0.1}",
      "{\"commission\": {\"model\": \"none\"}, \"units\": \"fractional\", \"lot\": 1e-8}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bv_run_config c = read_ok(texts[i]);
    bv_buf out;
    bv_buf_init(&out, BV_MEM_RUN, 1 << 16);
    assert_int_equal(bv_run_config_knobs(&c, &out), BV_OK);
    bv_run_config again = read_ok(bv_buf_text(&out));
    assert_memory_equal(&again.sim, &c.sim, sizeof c.sim);
    bv_buf_reset(&out);
    bv_run_config_reset(&again);
    bv_run_config_reset(&c);
  }
}

static void test_out_of_memory(void **state) {
  (void)state;
  const char *text =
      "{\"assets\": [\"A\", \"B\"], \"params\": {\"x\": 1, \"y\": \"z\"}, \"cash\": 7}";
  int64_t before = bv_mem_total();
  for (int n = 0;; n++) {
    bv_run_config c;
    bv_alloc_fail_after(n, 1);
    bv_rc rc = bv_run_config_read(db, text, bv_zone_utc(), &c, NULL);
    int64_t failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    if (!failed) {
      assert_int_equal(rc, BV_OK);
      assert_true(n >= 4);
      bv_run_config_reset(&c);
      break;
    }
    assert_int_equal(rc, BV_NOMEM);
    assert_int_equal(bv_mem_total(), before);
  }
  assert_int_equal(bv_mem_total(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),      cmocka_unit_test(test_every_key),
      cmocka_unit_test(test_short_forms),   cmocka_unit_test(test_refused),
      cmocka_unit_test(test_twice),         cmocka_unit_test(test_knobs),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, open_db, close_db);
}
