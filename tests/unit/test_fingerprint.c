/* test_fingerprint.c - the hash of a table: the same inside of SQLite as row by row, and of what. */
#include "data/fingerprint.h"
#include "data_help.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = db_open(":memory:");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

static bv_fingerprint of_table(const char *schema, const char *table) {
  bv_err err = {0};
  bv_fingerprint p, rows;
  char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\"", schema, table);
  ok(bv_table_fingerprint(db, schema, table, &p, &err), &err);
  ok(bv_rows_fingerprint(db, sql, &rows, &err), &err);
  sqlite3_free(sql);
  assert_int_equal(p.n, rows.n);
  assert_true(p.hash == rows.hash);
  return p;
}

static void a_table_is_hashed_as_its_rows(void **state) {
  (void)state;
  sql_ok(db, "CREATE TABLE t(a INTEGER, b REAL, c TEXT, \"d \"\"e\" BLOB, f);"
             "CREATE TEMP TABLE \"t u\"(\"select\" PRIMARY KEY, x) WITHOUT ROWID;"
             "CREATE TABLE g(a, b AS (a + 1), c AS (a + 2) STORED)");
  const bv_fingerprint none = of_table("main", "t");
  assert_int_equal(none.n, 0);
  sql_ok(db, "INSERT INTO t VALUES (1, 2, 'three', x'04', NULL), (NULL, 1.5, '', x'', '5'),"
             " (-9223372036854775808, -0.0, 'a longer text', zeroblob(20), 1e300)");
  const bv_fingerprint three = of_table("main", "t");
  assert_int_equal(three.n, 3);
  assert_true(three.hash != none.hash);
  /* an index that holds all columns is no other order */
  sql_ok(db, "CREATE INDEX i ON t(f, c, b, a, \"d \"\"e\")");
  assert_true(of_table("main", "t").hash == three.hash);
  sql_ok(db, "UPDATE t SET c = 'there' WHERE a = 1");
  assert_true(of_table("main", "t").hash != three.hash);
  sql_ok(db, "INSERT INTO \"t u\" VALUES ('b', 1), ('a', 2); INSERT INTO g(a) VALUES (7)");
  assert_int_equal(of_table("temp", "t u").n, 2);
  assert_int_equal(of_table("main", "g").n, 1);
}

/* More columns than a function takes, and names that SQLite gives in full: row by row. */
static void what_the_function_cannot_do(void **state) {
  (void)state;
  char sql[4000] = "CREATE TABLE wide(c0";
  for (int i = 1; i < 200; i++) snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ",c%d", i);
  strcat(sql, ")");
  sql_ok(db, sql);
  sql_ok(db, "INSERT INTO wide(c0, c199) VALUES (1, 2)");
  assert_int_equal(of_table("main", "wide").n, 1);
  sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, 3);
  sql_ok(db, "CREATE TABLE four(a, b, c, d); INSERT INTO four VALUES (1, 2, 3, 4)");
  assert_int_equal(of_table("main", "four").n, 1);
  sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, 100);
  sql_ok(db, "PRAGMA full_column_names = 1; PRAGMA short_column_names = 0");
  assert_int_equal(of_table("main", "four").n, 1);
}

static void what_is_not_there(void **state) {
  (void)state;
  bv_err err = {0};
  bv_fingerprint p;
  assert_int_equal(bv_table_fingerprint(db, "main", "none", &p, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "no such table"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_table_is_hashed_as_its_rows),
      TEST(what_the_function_cannot_do),
      TEST(what_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
