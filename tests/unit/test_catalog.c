/* test_catalog.c - assets and series: made, found, listed, missing, and rows nobody can read. */
#include "store_fixture.h"

static bv_series make(const char *asset, const char *step, const char *tz) {
  bv_series out;
  bv_timestep s;
  bv_err err = {0};
  assert_int_equal(bv_timestep_parse(step, strlen(step), &s, NULL), BV_OK);
  ok(bv_series_make(store, asset, s, tz, &out, &err), &err);
  return out;
}

static const bv_series *found(const char *asset, const char *step) {
  const bv_series *s;
  bv_err err = {0};
  ok(bv_series_find(store, asset, step, &s, &err), &err);
  return s;
}

static void made_once_and_found(void **state) {
  (void)state;
  assert_null(found("SPY", "minute")); /* no tables yet */
  sql_is(db, "SELECT count(*) FROM sqlite_schema", "0");
  bv_series a = make("SPY", "minute", "America/New_York");
  assert_true(a.id > 0);
  assert_string_equal(a.asset, "SPY");
  assert_string_equal(a.step_text, "minute");
  assert_string_equal(bv_zone_name(a.zone), "America/New_York");
  assert_true(a.multiplier == 1);
  bv_series again = make("SPY", "1m", NULL); /* another way to write it */
  assert_int_equal(again.id, a.id);
  assert_string_equal(bv_zone_name(again.zone), "America/New_York"); /* NULL keeps it */
  static const char *const same_step[] = {"minute", "1m", "60 seconds", "MINUTE", " 1 min "};
  for (size_t i = 0; i < COUNT(same_step); i++) {
    const bv_series *s = found("SPY", same_step[i]);
    if (!s || s->id != a.id) fail_msg("'%s' is not found", same_step[i]);
  }
  assert_null(found("SPY", "hour"));
  assert_null(found("spy", "minute")); /* case matters */
  assert_null(found("QQQ", "minute"));
  sql_is(db, "SELECT count(*) FROM barsvt_series", "1");
}

static void many_series(void **state) {
  (void)state;
  static const char *const step[] = {"day",  "minute",    "week", "second",
                                     "hour", "5 minutes", "month"};
  static const char *const finest_first[] = {"second", "minute", "5 minutes", "hour",
                                             "day",    "week",   "month"};
  bv_series list[32];
  bv_err err = {0};
  int n = 7;
  ok(bv_series_of(store, "SPY", BV_OF_TRADES, list, 32, &n, &err), &err);
  assert_int_equal(n, 0);
  for (size_t i = 0; i < COUNT(step); i++) {
    make("SPY", step[i], NULL);
    make("QQQ", step[i], "Asia/Tokyo");
  }
  ok(bv_series_of(store, "SPY", BV_OF_TRADES, list, 32, &n, &err), &err);
  assert_int_equal(n, COUNT(step));
  for (int i = 0; i < n; i++) {
    assert_string_equal(list[i].step_text, finest_first[i]);
    assert_string_equal(list[i].asset, "SPY");
    assert_int_equal(found("SPY", finest_first[i])->id, list[i].id);
    assert_string_equal(bv_zone_name(found("QQQ", finest_first[i])->zone), "Asia/Tokyo");
  }
  ok(bv_series_of(store, "SPY", BV_OF_TRADES, list, 1, &n, &err), &err);
  assert_int_equal(n, 1);
  assert_string_equal(list[0].step_text, "second"); /* the finest, not the first made */
}

static void finest_of_all(void **state) {
  (void)state;
  static const char *const step[] = {"day", "week", "minute", "minute bid", "second bid"};
  static const char *const finest[] = {"day", "day", "minute", "minute", "minute"};
  const bv_series *series;
  bv_err err = {0};
  ok(bv_series_finest(store, "SPY", &series, &err), &err);
  assert_null(series);
  for (size_t i = 0; i < COUNT(step); i++) {
    make("SPY", step[i], NULL);
    for (int again = 0; again < 2; again++) { /* from the tables, and as remembered */
      ok(bv_series_finest(store, "SPY", &series, &err), &err);
      assert_string_equal(series->step_text, finest[i]);
    }
  }
  assert_int_equal(bv_series_find(store, "SPY", "", &series, &err), BV_ARG);
}

static void number_and_name(void **state) {
  (void)state;
  bv_series a = make("SPY", "day", NULL), b;
  bv_err err = {0};
  bool there = false;
  ok(bv_series_by_id(store, a.id, &b, &there, &err), &err);
  assert_true(there);
  assert_string_equal(b.asset, "SPY");
  ok(bv_series_by_id(store, a.id + 1, &b, &there, &err), &err);
  assert_false(there);
}

static void zone_of_an_asset(void **state) {
  (void)state;
  bv_err err = {0};
  bv_series out;
  assert_string_equal(bv_zone_name(make("A", "day", NULL).zone), "UTC"); /* of a new one */
  assert_string_equal(bv_zone_name(make("A", "hour", "Asia/Tokyo").zone), "Asia/Tokyo");
  assert_string_equal(bv_zone_name(found("A", "day")->zone), "Asia/Tokyo"); /* of all its series */
  bv_timestep day = {1, BV_DAY, BV_OF_TRADES};
  assert_int_equal(bv_series_make(store, "B", day, "Mars/Olympus", &out, &err), BV_NOTFOUND);
  sql_is(db, "SELECT count(*) FROM barsvt_asset WHERE asset = 'B'", "0");
}

static void keys_are_checked(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      " SPY",
      "SPY ",
      "S\nPY",
      "S\x7fY",
      "\xff\xfe",
      "12345678901234567890123456789012345678901234567890123456789012345"};
  bv_timestep day = {1, BV_DAY, BV_OF_TRADES};
  for (size_t i = 0; i < COUNT(bad); i++) {
    bv_series out;
    bv_err err = {0};
    assert_int_equal(bv_series_make(store, bad[i], day, NULL, &out, &err), BV_ARG);
    assert_true(strlen(err.msg) > 5);
    assert_null(found(bad[i], "day"));
  }
  make("SPXW  240119C04750000", "day", NULL);
  make("\xc3\x84"
       "DIDAS",
       "day", NULL);
  assert_non_null(found("SPXW  240119C04750000", "day"));
  assert_non_null(found("\xc3\x84"
                        "DIDAS",
                        "day"));
}

static void missing_says(const char *asset, const char *step, const char *part) {
  bv_err err = {0};
  bv_rc rc = bv_series_missing(store, "bars", asset, step, &err);
  assert_int_equal(rc, BV_NOTFOUND);
  if (!strstr(err.msg, part)) fail_msg("'%s' does not say '%s'", err.msg, part);
  assert_int_equal(strncmp(err.msg, "bars", 4), 0);
}

static void what_is_missing_is_said(void **state) {
  (void)state;
  missing_says("SPY", "minute", "no bars are stored");
  make("SPY", "minute", NULL);
  make("SPY", "day", NULL);
  make("GOOGL", "day", NULL);
  missing_says("SPI", "minute", "did you mean 'SPY'");
  missing_says("GOOG", "minute", "did you mean 'GOOGL'");
  missing_says("XXXXXXXX", "minute", "unknown asset 'XXXXXXXX'");
  missing_says("SPY", "hour", "minute, day");
  const bv_series *s;
  bv_err err = {0};
  assert_int_equal(bv_series_find(store, "SPY", "parsec", &s, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "parsec"));
}

static void span_and_count(void **state) {
  (void)state;
  bv_err err = {0};
  model m = model_new("minute", 1709251200, 3000, 4, false, 1);
  bv_series none = make("NONE", "minute", NULL);
  int64_t first, last, n;
  ok(bv_series_span(store, &none, &first, &last, &n, &err), &err);
  assert_int_equal(n, 0);
  ok(bv_series_count(store, &none, &first, &last, &n, &err), &err);
  assert_int_equal(n, 0);
  model_store(store, &m, "A", "minute", NULL);
  ok(bv_series_span(store, &m.series, &first, &last, &n, &err), &err);
  assert_int_equal(first, m.ts[0]);
  assert_int_equal(last, m.ts[m.n - 1]);
  assert_true(n > 0);
  ok(bv_series_count(store, &m.series, &first, &last, &n, &err), &err);
  assert_int_equal(n, m.n);
  assert_int_equal(first, m.ts[0]);
  assert_int_equal(last, m.ts[m.n - 1]);
  model_free(&m);
}

/* What a catalog says may be changed by anybody: it is read again after each change. */
static void changes_are_seen(void **state) {
  (void)state;
  bv_series a = make("A", "day", NULL);
  assert_int_equal(found("A", "day")->id, a.id);
  sql_ok(db, "BEGIN");
  make("B", "day", NULL);
  assert_non_null(found("B", "day"));
  sql_ok(db, "INSERT INTO bars(asset) SELECT NULL WHERE 0"); /* the table takes part */
  sql_ok(db, "ROLLBACK");
  assert_null(found("B", "day"));
  sql_ok(db, "SELECT bars_asset('A', 'tz', 'Asia/Tokyo'), bars_asset('A', 'multiplier', 50)");
  assert_string_equal(bv_zone_name(found("A", "day")->zone), "Asia/Tokyo");
  assert_true(found("A", "day")->multiplier == 50);
}

static void rows_nobody_can_read(void **state) {
  (void)state;
  static const char *const damage[] = {"UPDATE barsvt_asset SET tz = 'Mars/Olympus'",
                                       "UPDATE barsvt_asset SET multiplier = 0",
                                       "UPDATE barsvt_asset SET multiplier = -2",
                                       "UPDATE barsvt_asset SET multiplier = 'x'",
                                       "UPDATE barsvt_series SET id = 1 << 24",
                                       "UPDATE barsvt_series SET id = 0",
                                       "UPDATE barsvt_series SET id = -7"};
  for (size_t i = 0; i < COUNT(damage); i++) {
    bv_err err = {0};
    const bv_series *s;
    bv_series list[4];
    int n;
    make("A", "day", NULL);
    sql_ok(db, damage[i]);
    bv_store_catalog_changed(store);
    bv_rc rc = bv_series_find(store, "A", "day", &s, &err);
    if (rc == BV_OK || strlen(err.msg) < 10) fail_msg("%s: read all the same", damage[i]);
    assert_null(s);
    assert_int_not_equal(bv_series_of(store, "A", BV_OF_TRADES, list, 4, &n, NULL), BV_OK);
    sql_ok(db, "DELETE FROM barsvt_series");
    sql_ok(db, "DELETE FROM barsvt_asset");
    bv_store_catalog_changed(store);
  }
}

static void memory_failures(void **state) {
  (void)state;
  make("A", "day", NULL);
  bv_err err = {0};
  for (int n = 0;; n++) {
    const bv_series *s;
    bv_store_catalog_changed(store);
    bv_err_clear(&err);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_series_find(store, "A", "day", &s, &err);
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    assert_int_equal(s == NULL, failed);
    assert_non_null(found("A", "day"));
    if (!failed) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_store)
      TEST(made_once_and_found), TEST(many_series),      TEST(number_and_name),
      TEST(made_once_and_found), TEST(finest_of_all),    TEST(number_and_name),
      TEST(zone_of_an_asset),    TEST(keys_are_checked), TEST(what_is_missing_is_said),
      TEST(span_and_count),      TEST(changes_are_seen), TEST(rows_nobody_can_read),
      TEST(memory_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
