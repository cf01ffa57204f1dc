/*
** test_every.c - the key `every` of a run: the strategy is asked at the first step at or after the end of each bucket.
*/
#include "data_help.h"
#include "time/timestep.h"

enum { MAX = 4000 };

/* Minutes of five days with nights between them and holes in them, and an asset with bars at other times. */
static sqlite3 *open_minutes(void) {
  sqlite3 *db = db_open(":memory:");
  sql_ok(
      db,
      "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 1949)"
      " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
      " SELECT 'A', 'minute', 1704205800 + i / 390 * 86400 + i % 390 * 60, 10, 11, 9,"
      "  10 + (i * 7 % 11) / 10.0, 1 FROM c WHERE i % 97 < 90 AND i % 390 NOT BETWEEN 200 AND 283;"
      "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
      " SELECT 'B', 'minute', ts + 30, 20, 22, 18, 20, 1 FROM bars('A', 'minute')"
      "  WHERE ts % 420 = 0");
  return db;
}

static int steps(sqlite3 *db, const char *config, int64_t *at) {
  barsvt_run *r;
  char *why = NULL;
  int n = 0, code;
  if (barsvt_run_open(db, NULL, config, &r, &why) != SQLITE_OK) fail_msg("%s", why);
  while ((code = barsvt_run_step(r, &at[n], NULL)) == SQLITE_ROW) {
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT bars_clock()", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(st, 0), at[n]);
    sqlite3_finalize(st);
    assert_true(++n < MAX);
  }
  assert_int_equal(code, SQLITE_DONE);
  assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
  return n;
}

/* Of all steps those that come first at or after the end of the bucket of the one before. */
static void test_steps(void **state) {
  (void)state;
  static const struct {
    const char *every, *tz, *assets;
  } given[] = {
      {"hour", "UTC", "\"A\""},        {"15 minutes", "UTC", "[\"A\", \"B\"]"},
      {"day", "UTC", "\"A\""},         {"day", "Asia/Tokyo", "\"A\""},
      {"2h", "Asia/Kolkata", "\"A\""}, {"week", "America/New_York", "[\"A\", \"B\"]"},
      {"minute", "UTC", "\"A\""},      {"month", "UTC", "\"A\""},
  };
  static int64_t all[MAX], some[MAX];
  sqlite3 *db = open_minutes();
  for (size_t i = 0; i < COUNT(given); i++) {
    char config[200];
    bv_err err = {0};
    bv_timestep every;
    const bv_zone *zone;
    ok(bv_timestep_parse(given[i].every, strlen(given[i].every), &every, &err), &err);
    ok(bv_zone_find(given[i].tz, &zone, &err), &err);
    snprintf(config, sizeof config, "{\"assets\": %s, \"tz\": \"%s\"}", given[i].assets,
             given[i].tz);
    int n = steps(db, config, all), k = 0;
    snprintf(config, sizeof config, "{\"assets\": %s, \"tz\": \"%s\", \"every\": \"%s\"}",
             given[i].assets, given[i].tz, given[i].every);
    int m = steps(db, config, some);
    int64_t before = 1704205800, end;
    for (int j = 0; j < n; j++) {
      (void)bv_bucket_start(every, zone, before, &end);
      before = all[j];
      if (all[j] < end) continue;
      assert_true(k < m);
      assert_int_equal(some[k++], all[j]);
    }
    assert_int_equal(k, m);
    if (strcmp(given[i].every, "month") == 0) assert_int_equal(m, 0);
    if (strcmp(given[i].every, "hour") == 0) assert_true(m >= 25 && m < 40);
  }
  db_close(db);
}

/* A view gives the same run as one that itself answers at these steps alone. */
static void test_view(void **state) {
  (void)state;
  char *fills[2];
  for (int own = 0; own < 2; own++) {
    sqlite3 *db = open_minutes();
    sql_ok(
        db,
        "CREATE VIEW s AS SELECT 'A' AS asset, CAST(bt_value() / 20 AS INTEGER) * ((bars_clock() /"
        " 3600) % 3) / 2.0 AS target_qty");
    sql_ok(db, "CREATE TABLE step(at INTEGER PRIMARY KEY)");
    static int64_t at[MAX];
    int n = steps(db, "{\"assets\": \"A\", \"every\": \"hour\"}", at);
    for (int i = 0; i < n; i++) {
      char *sql = sqlite3_mprintf("INSERT INTO step VALUES (%lld)", (long long)at[i]);
      sql_ok(db, sql);
      sqlite3_free(sql);
    }
    sql_ok(db, "CREATE VIEW gated AS SELECT s.* FROM s, step WHERE at = bars_clock()");
    sql_ok(db, own ? "SELECT bt_run('gated', '{\"assets\": \"A\"}')"
                   : "SELECT bt_run('s', '{\"assets\": \"A\", \"every\": \"hour\"}')");
    fills[own] = sql_text(db, "SELECT group_concat(ts || ' ' || qty || ' ' || cash) FROM bt_fill");
    char *points = sql_text(db, "SELECT count(*) FROM bt_equity");
    assert_true(atoi(points) > 1000); /* marked at every step */
    sqlite3_free(points);
    db_close(db);
  }
  assert_string_equal(fills[0], fills[1]);
  assert_true(strlen(fills[0]) > 300);
  sqlite3_free(fills[0]);
  sqlite3_free(fills[1]);
}

static void refused(sqlite3 *db, const char *sql, const char *text) {
  char *error = NULL;
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_ERROR);
  if (!error || !strstr(error, text)) fail_msg("%s: %s", sql, error ? error : "");
  sqlite3_free(error);
}

static void test_refused(void **state) {
  (void)state;
  sqlite3 *db = open_minutes();
  sql_ok(db, "CREATE VIEW t AS SELECT known_at, asset, 1 AS qty FROM bars('A', 'minute');"
             "CREATE VIEW s AS SELECT 'A' AS asset, 1 AS qty");
  refused(db, "SELECT bt_run('t', '{\"every\": \"hour\"}')", "known_at, which says when");
  refused(db, "SELECT bt_run('s', '{\"assets\": \"A\", \"every\": \"now\"}')", "config: 'every'");
  refused(db, "SELECT bt_run('s', '{\"assets\": \"A\", \"every\": 60}')", "must be a text");
  refused(db, "SELECT bt_run('s', '{\"assets\": \"A\", \"evry\": \"hour\"}')",
          "did you mean 'every'");
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_view),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
