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

/* A function that is asked again at the same clock, as in SELECT sma(...) ... WHERE sma(...) IS NOT NULL. */
static void ask_again(sqlite3 *db) {
  static const char sql[] =
      "SELECT sma('A', 'minute', 5), prev('A', 'minute', 0, 'sma:5'), sma('A', 'minute', 5)";
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  assert_int_equal(sqlite3_column_type(st, 0), sqlite3_column_type(st, 1));
  assert_true(same(sqlite3_column_double(st, 0), sqlite3_column_double(st, 1)));
  assert_true(same(sqlite3_column_double(st, 0), sqlite3_column_double(st, 2)));
  assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

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

/* Sealed minutes of ten assets, the last of them with holes. */
static sqlite3 *open_many(const char *threads) {
  sqlite3 *db = db_open(":memory:");
  sql_ok(db,
         "CREATE TABLE minute AS WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c"
         " WHERE i < 8999) SELECT i, 1704205800 + i / 1000 * 86400 + i % 1000 * 60 AS ts FROM c");
  for (int k = 0; k < 10; k++) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'S%d', 'minute',"
             " ts, 10, 12, 8, 9 + (i * %d %% 23) / 10.0 FROM minute WHERE %d OR i %% 50 < 40",
             k, 3 + 2 * k, k < 8);
    sql_ok(db, sql);
  }
  sql_ok(db, "SELECT bars_compact()");
  sql_ok(db, threads);
  return db;
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

/* The values of all steps, with one thread and with others that decode ahead. */
static void test_threads(void **state) {
  (void)state;
  enum { MOST = 20000 };
  static const char *const threads[] = {"SELECT bars_config('threads', 1)",
                                        "SELECT bars_config('threads', 4)"};
  double *seen[2];
  int n[2] = {0};
  for (int k = 0; k < 2; k++) {
    sqlite3 *db = open_many(threads[k]), *other = open_many(threads[0]);
    barsvt_run *r =
        begin(db, "{\"assets\": [\"S0\", \"S1\", \"S2\", \"S3\", \"S4\", \"S5\", \"S6\","
                  " \"S7\", \"S8\", \"S9\"], \"timestep\": \"minute\", \"every\": \"hour\"}");
    seen[k] = malloc(MOST * sizeof *seen[k]);
    int64_t ts;
    while (barsvt_run_step(r, &ts, NULL) == SQLITE_ROW) {
      sqlite3_stmt *st;
      assert_int_equal(sqlite3_prepare_v2(db, "SELECT value FROM bars_across('minute', 'rsi:30')",
                                          -1, &st, NULL),
                       SQLITE_OK);
      while (sqlite3_step(st) == SQLITE_ROW) {
        assert_true(n[k] < MOST);
        seen[k][n[k]++] = sqlite3_column_double(st, 0);
      }
      assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
      if (n[k] % 700 == 0) { /* and outside of a run */
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT rsi('S8', 'minute', 30, %lld)", (long long)ts);
        const double v = sql_real(other, sql);
        assert_true(fabs(v - seen[k][n[k] - 2]) < 1e-12 * fabs(v));
      }
    }
    assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
    sqlite3_close(db);
    sqlite3_close(other);
  }
  assert_int_equal(n[0], n[1]);
  assert_true(n[0] > 1000);
  assert_memory_equal(seen[0], seen[1], (size_t)n[0] * sizeof *seen[0]);
  free(seen[0]);
  free(seen[1]);
}

/* A run that is given up in the middle lets go of its streams while threads are at work. */
static void test_given_up(void **state) {
  (void)state;
  sqlite3 *db = open_many("SELECT bars_config('threads', 4)");
  for (int steps = 1; steps < 140; steps += 46) {
    barsvt_run *r =
        begin(db, "{\"assets\": [\"S0\", \"S1\", \"S2\", \"S3\", \"S4\", \"S5\", \"S6\","
                  " \"S7\", \"S8\"], \"timestep\": \"minute\", \"every\": \"hour\"}");
    for (int i = 0; i < steps; i++) {
      assert_int_equal(barsvt_run_step(r, NULL, NULL), SQLITE_ROW);
      assert_true(sql_real(db, "SELECT count(*) FROM bars_across('minute', 'sma:9')") == 9);
    }
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    assert_true(sql_real(db, "SELECT count(value) FROM bars_across('minute', 'sma:9')") == 10);
  }
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
      ask_again(db);
      compare(db);
      if (i == 50 || i == 90) {
        ask_again(db);
        sqlite3_exec(db, change[k], NULL, NULL, NULL); /* some are refused while a run goes on */
        ask_again(db);
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
      cmocka_unit_test(test_steps),   cmocka_unit_test(test_streams),
      cmocka_unit_test(test_threads), cmocka_unit_test(test_given_up),
      cmocka_unit_test(test_writes),  cmocka_unit_test(test_little_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
