/* test_in_order.c - strategies that read a table which lies in order: which of them are not sorted, and that they give
** the same. */
#include "run/in_order.h"
#include "barsvt.h"
#include "data_help.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = db_open(":memory:");
  sql_ok(db, "CREATE TABLE t(known_at INTEGER, asset TEXT, qty REAL, tag);"
             "INSERT INTO t VALUES (1, 'A', 1, 'x'), (1, 'B', 2, NULL), (5, 'A', -1, 'y'), (7, "
             "'C', 0, 'z')");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

/* Whether a view of this text would be read as it lies. */
static bool plain(const char *view) {
  bv_err err = {0};
  sqlite3_stmt *st;
  sql_ok(db, "DROP VIEW IF EXISTS v");
  sql_ok(db, view);
  ok(bv_in_order(db, "SELECT asset, known_at, qty FROM \"v\" ORDER BY known_at", &st, &err), &err);
  sqlite3_finalize(st);
  return st != NULL;
}

static void which_are_not_sorted(void **state) {
  (void)state;
  static const char *const good[] = {
      "CREATE VIEW v AS SELECT * FROM t",
      "CREATE VIEW v AS SELECT known_at + 60 AS known_at, asset, -qty AS qty FROM t WHERE qty > 0",
      "CREATE VIEW v AS SELECT known_at, asset, CASE WHEN qty > 0 THEN 1.0 END AS qty FROM t"};
  static const char *const other[] = {
      "CREATE VIEW v AS SELECT -known_at AS known_at, asset, qty FROM t", /* not in order */
      "CREATE VIEW v AS SELECT known_at, asset, abs(qty) AS qty FROM t",  /* a function */
      "CREATE VIEW v AS SELECT known_at, asset, random() AS qty FROM t",
      "CREATE VIEW v AS SELECT a.known_at, a.asset, b.qty FROM t a, t b", /* two tables */
      "CREATE VIEW v AS SELECT known_at, asset, (SELECT max(qty) FROM t) AS qty FROM t",
      "CREATE VIEW v AS SELECT known_at, asset, qty FROM t LIMIT 3",
      "CREATE VIEW v AS SELECT known_at, asset, qty FROM t UNION ALL SELECT 1, 'A', 1",
      "CREATE VIEW v AS SELECT known_at, asset, sum(qty) AS qty FROM t GROUP BY known_at, asset",
      "CREATE VIEW v AS SELECT value AS known_at, 'A' AS asset, 1 AS qty FROM json_each('[1,2]')",
      "CREATE VIEW v AS SELECT known_at || '' AS known_at, asset, qty FROM t", /* texts */
      "CREATE VIEW v AS SELECT nullif(known_at, 5) AS known_at, asset, qty FROM t"};
  for (size_t i = 0; i < COUNT(good); i++)
    if (!plain(good[i])) fail_msg("sorted: %s", good[i]);
  for (size_t i = 0; i < COUNT(other); i++)
    if (plain(other[i])) fail_msg("not sorted: %s", other[i]);
  sql_ok(db, "INSERT INTO t VALUES (NULL, 'A', 1, NULL)");
  assert_false(plain(good[0]));
  sql_ok(db, "DELETE FROM t WHERE known_at IS NULL");
  assert_true(plain(good[0]));
  sql_ok(db, "INSERT INTO t VALUES (6, 'A', 1, NULL)");
  assert_false(plain(good[0]));
  sql_ok(db, "DELETE FROM t WHERE known_at = 6; INSERT INTO t VALUES ('soon', 'A', 1, NULL)");
  assert_false(plain(good[0]));
  sql_ok(db, "DELETE FROM t");
  assert_false(plain(good[0])); /* nothing to sort */
}

/* Another way through the table that has the times in order says nothing about the rows. */
static void an_index_on_the_times(void **state) {
  (void)state;
  sql_ok(db, "CREATE INDEX i ON t(known_at); INSERT INTO t VALUES (2, 'A', 1, NULL)");
  assert_false(plain("CREATE VIEW v AS SELECT * FROM t"));
  sql_ok(db, "CREATE INDEX j ON t(known_at, asset, qty)");
  assert_false(plain("CREATE VIEW v AS SELECT * FROM t")); /* which needs no sorting */
}

/* Many rows of one time: the same rows in the same order from both. */
static void rows_of_one_time_keep_their_order(void **state) {
  (void)state;
  static const char sorted[] = "SELECT asset, known_at, qty, \"tag\" FROM \"v\" ORDER BY known_at";
  sqlite3_stmt *a, *b;
  bv_err err = {0};
  int n = 0;
  sql_ok(db, "DELETE FROM t; CREATE VIEW v AS SELECT * FROM t;"
             "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
             " INSERT INTO t SELECT i / 90, 'A' || (i * 7919 % 250), i % 3, i FROM n");
  ok(bv_in_order(db, sorted, &a, &err), &err);
  assert_non_null(a);
  ok(bv_sql_prepare(db, sorted, &b, &err), &err);
  for (; sqlite3_step(a) == SQLITE_ROW; n++) {
    assert_int_equal(sqlite3_step(b), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(a, 3), sqlite3_column_int(b, 3));
  }
  assert_int_equal(sqlite3_step(b), SQLITE_DONE);
  assert_int_equal(n, 200001);
  sqlite3_finalize(a);
  sqlite3_finalize(b);
}

/* A program that acts between the steps sees the rows as they were at the beginning. */
static void rows_as_they_were_at_the_beginning(void **state) {
  (void)state;
  barsvt_run *run;
  char *error = NULL;
  sql_ok(db, "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
             " INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " SELECT 'A', 'minute', i * 60, 10, 10, 10, 10 FROM n;"
             "DELETE FROM t; INSERT INTO t VALUES (180, 'A', 1, NULL), (240, 'A', 2, NULL);"
             "CREATE VIEW v AS SELECT known_at, asset, qty FROM t");
  assert_int_equal(barsvt_run_open(db, "v", "{\"assets\": \"A\"}", &run, &error), SQLITE_OK);
  assert_int_equal(barsvt_run_step(run, NULL, &error), SQLITE_ROW);
  sql_ok(db, "INSERT INTO t VALUES (300, 'A', 4, NULL); UPDATE t SET qty = 8 WHERE known_at = 240");
  while (barsvt_run_step(run, NULL, &error) == SQLITE_ROW) continue;
  assert_int_equal(barsvt_run_close(run, 0, &error), SQLITE_OK);
  sql_is(db, "SELECT group_concat(qty) FROM bt_fill", "1.0,2.0");
  sql_ok(db, "SELECT bt_run('v', '{\"assets\": \"A\"}')");
  sql_is(db, "SELECT group_concat(qty) FROM bt_fill WHERE run = 2", "1.0,8.0,4.0");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(which_are_not_sorted),
      TEST(an_index_on_the_times),
      TEST(rows_of_one_time_keep_their_order),
      TEST(rows_as_they_were_at_the_beginning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
