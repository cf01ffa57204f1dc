/*
** test_across.c - bars_across at the steps of a run: streams give what windows give, also where bars are written, or
** taken back, between two steps.  That the values are right is shown by tests/sql/ind_across.py.
*/
#include "data_help.h"

/* Minutes of three days with holes, of two assets. */
static sqlite3 *open_minutes(void) {
  sqlite3 *db = db_open(":memory:");
  sql_ok(db, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 2999)"
             " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
             " SELECT 'A', 'minute', 1704205800 + i / 1000 * 86400 + i % 1000 * 60, 10, 12, 8,"
             "  10 + (i * 7 % 11) / 10.0, i % 5 FROM c WHERE i % 97 < 90;"
             "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " SELECT 'B', 'minute', ts, 20, 23, 10, close * 1.5 FROM bars('A', 'minute')"
             "  WHERE ts % 420;");
  return db;
}

static double sql_real(sqlite3 *db, const char *sql) {
  char *text = sql_text(db, sql);
  double v = atof(text);
  sqlite3_free(text);
  return v;
}

/* What windows of bars did so far. */
static double windows_used(sqlite3 *db) {
  return sql_real(db, "SELECT total(value) FROM bars_stat WHERE name IN ('load', 'extend', 'hit')");
}

static const char *const specs[] = {"roc:30", "rsi:14", "sma:5@rsi:4", "obv", "stdev:20"};

/* The values at the clock are those of the functions; how many of them there were. */
static int compare(sqlite3 *db) {
  int n = 0;
  for (size_t k = 0; k < COUNT(specs); k++) {
    char sql[300];
    sqlite3_stmt *st;
    snprintf(sql, sizeof sql,
             "SELECT asset, value, prev(asset, 'minute', 0, '%s') FROM bars_across('minute', '%s')",
             specs[k], specs[k]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
      assert_int_equal(sqlite3_column_type(st, 1), sqlite3_column_type(st, 2));
      assert_true(same(sqlite3_column_double(st, 1), sqlite3_column_double(st, 2)));
      n += sqlite3_column_type(st, 1) != SQLITE_NULL;
    }
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
  }
  return n;
}

static barsvt_run *begin(sqlite3 *db, const char *config) {
  barsvt_run *r;
  char *why = NULL;
  if (barsvt_run_open(db, NULL, config, &r, &why) != SQLITE_OK) fail_msg("%s", why);
  return r;
}

static const char config[] =
    "{\"assets\": [\"A\", \"B\"], \"timestep\": \"minute\", \"every\": \"15 minutes\"}";

static void test_steps(void **state) {
  (void)state;
  sqlite3 *db = open_minutes();
  barsvt_run *r = begin(db, config);
  int n = 0, values = 0;
  while (barsvt_run_step(r, NULL, NULL) == SQLITE_ROW) {
    values += compare(db);
    n++;
  }
  assert_true(n > 150 && values > 8 * n);
  assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
  assert_true(compare(db) > 0);
  sqlite3_close(db);
  assert_int_equal(mem_used(), 0);
}

/* Nothing of the past is held by windows while there are streams. */
static void test_streams(void **state) {
  (void)state;
  sqlite3 *db = open_minutes();
  barsvt_run *r = begin(db, config);
  double used = 0;
  for (int i = 0; barsvt_run_step(r, NULL, NULL) == SQLITE_ROW; i++) {
    const double sum =
        sql_real(db, "SELECT total(value) + count(*) FROM bars_across('minute', 'ema:9')");
    assert_true(sum > 2);
    if (i == 0) used = windows_used(db);
  }
  assert_true(used > 0 && windows_used(db) == used);
  assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* Bars before and after the clock change, come and go between two steps. */
static void test_writes(void **state) {
  (void)state;
  static const char *const change[] = {
      "UPDATE bars SET close = close + 1 WHERE asset = 'A' AND timestep = 'minute'"
      " AND ts BETWEEN 1704205800 + 86400 + 6000 AND 1704205800 + 86400 + 6600",
      "SAVEPOINT w; UPDATE bars SET close = close + 1 WHERE asset = 'B' AND timestep = 'minute';"
      " ROLLBACK TO w; RELEASE w",
      "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts % 300 = 0",
      "INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'A', 'minute', ts + 30,"
      " 9, 9, 9, 9 FROM bars('B', 'minute') WHERE ts % 540 = 0",
      "SELECT bars_compact()",
      "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
      " VALUES ('C', 'minute', 1704205800, 1, 1, 1, 1)",
      "SELECT bars_asset('A', 'tz', 'Asia/Tokyo')",
  };
  sqlite3 *zones = db_open(":memory:"); /* they stay once they are loaded */
  sql_ok(zones, "SELECT bars_config('tz', 'Asia/Tokyo')");
  sqlite3_close(zones);
  const int64_t before = mem_used();
  for (size_t k = 0; k < COUNT(change); k++) {
    sqlite3 *db = open_minutes();
    barsvt_run *r = begin(db, config);
    for (int i = 0; barsvt_run_step(r, NULL, NULL) == SQLITE_ROW; i++) {
      compare(db);
      if (i == 50 || i == 90) {
        sqlite3_exec(db, change[k], NULL, NULL, NULL); /* some are refused while a run goes on */
        compare(db);
      }
    }
    assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
    compare(db);
    sqlite3_close(db);
    assert_int_equal(mem_used(), before);
  }
}

/* A database with little memory has no streams, and the same values. */
static void test_little_memory(void **state) {
  (void)state;
  sqlite3 *db = open_minutes();
  sql_ok(db, "SELECT bars_config('memory_limit', 1000000)");
  barsvt_run *r = begin(db, config);
  while (barsvt_run_step(r, NULL, NULL) == SQLITE_ROW) compare(db);
  assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
  sql_ok(db, "SELECT bars_config('memory_limit', 1000000000)");
  sqlite3_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_writes),
      cmocka_unit_test(test_little_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
