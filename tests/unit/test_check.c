/* test_check.c - bars_check on good stores, on broken ones, and when it cannot go on.  What each kind of
** damage is called is tested in tests/sql/store_check.sql, every byte in test_store_damage.c. */
#include "store_fixture.h"

#include "data/check.h"

typedef struct problems {
  int n, stop_after;
  char last[600], object[140];
  int64_t id;
} problems;

static bv_rc note(void *ctx, const char *object, int64_t id, const char *problem) {
  problems *p = ctx;
  if (p->stop_after && p->n + 1 == p->stop_after) return BV_LIMIT;
  p->n++;
  p->id = id;
  snprintf(p->last, sizeof p->last, "%s", problem);
  snprintf(p->object, sizeof p->object, "%s", object);
  return BV_OK;
}

static problems check(void) {
  bv_err err = {0};
  problems p = {.n = 0};
  bv_check c = {.s = store, .found = note, .ctx = &p};
  ok(bv_check_store(&c, &err), &err);
  return p;
}

static void good_stores(void **state) {
  (void)state;
  static const char *const steps[] = {"minute", "second", "day", "month"};
  assert_int_equal(check().n, 0); /* no tables */
  sql_ok(db, "SELECT bars_config('level', 0)");
  for (size_t i = 0; i < COUNT(steps); i++) {
    model m = model_new(steps[i], i == 3 ? -60000000000 : 1700000000, i == 3 ? 300 : 3000, 4,
                        i == 1, i + 1);
    model_store(store, &m, "A", steps[i], "America/New_York");
    problems p = check();
    if (p.n) fail_msg("%s %lld: %s", p.object, (long long)p.id, p.last);
    model_free(&m);
  }
}

/* Negative prices are prices; a bar must be one all the same. */
static void bars(void **state) {
  (void)state;
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = NAN;
  static const struct {
    double o, h, l, c;
    const char *want;
  } cases[] = {{1, 2, 0.5, 1.5, NULL},
               {-37.63, 10.1, -40.32, -37.63, NULL},
               {-1, -1, -1, -1, NULL},
               {-1, -2, -1, -1, "high is below low"},
               {-1, 5, -2, 6, "close lies outside low..high"},
               {-3, 5, -2, 0, "open lies outside low..high"},
               {1, INFINITY, 1, 1, "high is infinite"},
               {1, 1, -INFINITY, 1, "low is infinite"},
               {1, 1, NAN, 1, "low is missing or not a number"}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    v[BV_COL_OPEN] = cases[i].o;
    v[BV_COL_HIGH] = cases[i].h;
    v[BV_COL_LOW] = cases[i].l;
    v[BV_COL_CLOSE] = cases[i].c;
    const char *got = bv_check_bar(v);
    if (cases[i].want) {
      assert_non_null(got);
      assert_string_equal(got, cases[i].want);
    } else {
      assert_null(got);
    }
  }
}

static void curves(void **state) {
  (void)state;
  sql_ok(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " VALUES ('A', 'day', 0, 1, 1, 1, 1), ('A', 'day', 86400, 1, 1, 1, 1)");
  sql_ok(db, "CREATE VIEW s AS SELECT 'A' AS asset, 1.0 AS target_weight");
  sql_ok(db, "SELECT bt_run('s', '{\"assets\": [\"A\"], \"timestep\": \"day\"}')");
  sql_is(db, "SELECT count(*) FROM bt_curve", "1");
  sql_is(db, "SELECT count(*) FROM bars_check", "0");
  static const char *const harm[] = {
      "UPDATE bt_curve SET n = n + 1",  "UPDATE bt_curve SET first = first - 1",
      "UPDATE bt_curve SET last = 5",   "UPDATE bt_curve SET data = x''",
      "UPDATE bt_curve SET run = 99",   "UPDATE bt_curve SET data = zeroblob(length(data))",
      "UPDATE bt_curve SET n = 100000", "UPDATE bt_curve SET data = 'text'"};
  for (size_t i = 0; i < COUNT(harm); i++) {
    sql_ok(db, "SAVEPOINT s");
    sql_ok(db, harm[i]);
    sql_is(db, "SELECT DISTINCT object FROM bars_check", "bt_curve");
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
  }
  sql_is(db, "SELECT count(*) FROM bars_check", "0");
}

/* The caller may have enough: the check ends at once, with the caller's code. */
static void stops(void **state) {
  (void)state;
  sql_ok(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " VALUES ('A', 'day', 0, 1, 1, 1, 1)");
  sql_ok(db,
         "UPDATE barsvt_hot SET close = 'x', series = 9; UPDATE barsvt_asset SET multiplier = -1;"
         " INSERT INTO barsvt_seg VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1, x'00');"
         " INSERT INTO barsvt_stat VALUES (1, x'00'); DROP TABLE barsvt_reject");
  int all = check().n;
  assert_int_equal(all, 7);
  for (int stop = 1; stop <= all; stop++) {
    bv_err why = {0};
    problems p = {.stop_after = stop};
    bv_check c = {.s = store, .found = note, .ctx = &p};
    assert_int_equal(bv_check_store(&c, &why), BV_LIMIT);
    assert_int_equal(p.n, stop - 1);
  }
}

/* A store broken in every row is listed up to a limit. */
static void many_problems(void **state) {
  (void)state;
  sql_ok(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " VALUES ('A', 'day', 0, 1, 1, 1, 1)");
  sql_ok(
      db,
      "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
      " INSERT INTO barsvt_hot(series, ts, open, high, low, close) SELECT 1, i, 1, 0, 1, 1 FROM n");
  sql_is(db, "SELECT count(*) FROM bars_check", "10001");
  sql_is(db, "SELECT problem FROM bars_check WHERE object = 'bars_check'",
         "there are more problems than are listed");
}

static int stop_now(void *ctx) {
  (void)ctx;
  return 1;
}

/* An interrupt is an error, not damage; so is a lack of memory. */
static void interrupted(void **state) {
  (void)state;
  model m = model_new("minute", 1700000000, 2000, 4, false, 6);
  model_store(store, &m, "A", "minute", "UTC");
  sqlite3_progress_handler(db, 200, stop_now, NULL);
  bv_err why = {0};
  problems p = {.n = 0};
  bv_check c = {.s = store, .found = note, .ctx = &p};
  assert_int_equal(bv_check_store(&c, &why), BV_INTERRUPT);
  assert_int_equal(p.n, 0);
  sqlite3_progress_handler(db, 0, NULL, NULL);
  int64_t failed = 1;
  for (int64_t n = 0; failed; n++) {
    bv_err_clear(&why);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_check_store(&c, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    assert_int_equal(p.n, 0);
  }
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(good_stores, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(bars, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(curves, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(stops, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(many_problems, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(interrupted, setup_store, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
