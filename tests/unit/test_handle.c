/*
** test_handle.c - row handles: what a query may do with the column `bars` before a function reads it,
** and what it may not.
*/
#include "data_help.h"

#include "data/window.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = db_open(":memory:");
  sql_ok(db, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
             "INSERT INTO bars(asset, timestep, ts, open, high, low, close) "
             "SELECT 'A', 'minute', i * 60, i, i + 2, i, i + 1 FROM n UNION ALL "
             "SELECT 'B', 'minute', i * 60, 2 * i, 2 * i + 2, 2 * i, 2 * i + 1 FROM n");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

/* close of bar i of A is i + 1, of B is 2 * i + 1 */

static void read_where_the_row_stands(void **state) {
  (void)state;
  sql_is(db, "SELECT sum(prev(bars, 1) = close - 1) FROM bars('A', 'minute')", "999");
  sql_is(db, "SELECT sum(sma(bars, 3) = close - 1) FROM bars('A', 'minute')", "998");
  sql_is(db,
         "SELECT group_concat(p) FROM (SELECT prev(bars, 2) AS p FROM bars('A', 'minute', 0, 300))",
         "1.0,2.0,3.0");
  sql_is(db, "SELECT prev(bars, 0) FROM bars('A', 'minute') ORDER BY ts DESC", "1000.0");
  sql_is(db, "SELECT prev(bars, 999) FROM bars('A', 'minute') ORDER BY ts DESC", "1.0");
  sql_is(db, "SELECT prev(bars, 1000) FROM bars('A', 'minute') ORDER BY ts DESC", "NULL");
  sql_is(db, "SELECT sum(highest(bars, 2, 'high')) FROM bars('B', 'minute', 0, 180)", "10.0");
  sql_is(db, "SELECT prev(bars_agg, 1) FROM bars_agg('A', '5 minutes') WHERE ts = 600", "10.0");
  sql_is(db, "SELECT prev(bars_asof, 2) FROM bars_asof('A', 'minute', 600)", "8.0");
  sql_is(db, "SELECT prev(bars, 1) FROM bars('A', 'minute') WHERE sma(bars, 4) = 100.5", "101.0");
}

static void two_series_side_by_side(void **state) {
  (void)state;
  sql_is(
      db,
      "SELECT count(*), sum(prev(a.bars, 1) * 2 - 1 = prev(b.bars, 1)) FROM bars('A', 'minute') a "
      "JOIN bars('B', 'minute') b ON a.ts = b.ts",
      "1000");
  sql_is(db,
         "SELECT sum(prev(a.bars, 1) * 2 - 1 = prev(b.bars, 1)) FROM bars('A', 'minute') a "
         "JOIN bars('B', 'minute') b ON a.ts = b.ts",
         "999");
  sql_is(db,
         "SELECT sum((SELECT prev(b.bars, 1) FROM bars('B', 'minute') b WHERE b.ts = a.ts) = "
         "2 * a.close - 3) FROM bars('A', 'minute', 60, 3000) a",
         "49");
}

/* A handle is lost where rows are copied: that is an error, not a NULL. */
static void lost_handles_are_told(void **state) {
  (void)state;
  static const char *const sql[] = {"SELECT sma(NULL, 3)",
                                    "SELECT sma(5, 3)",
                                    "SELECT sma(x'00', 3)",
                                    "SELECT prev(b, 1) FROM (SELECT bars AS b, ts FROM bars('A', "
                                    "'minute') ORDER BY close LIMIT 5)",
                                    "SELECT sma(max(bars), 3) FROM bars('A', 'minute')",
                                    "WITH c AS MATERIALIZED (SELECT bars AS b FROM bars('A', "
                                    "'minute')) SELECT prev(b, 1) FROM c"};
  for (size_t i = 0; i < COUNT(sql); i++) sql_fails(db, sql[i], "not a row of bars");
  sql_fails(db, "SELECT prev()", "prev");
  sql_fails(db, "SELECT sma()", "sma");
}

/* Nothing else can be made of it. */
static void handles_are_no_values(void **state) {
  (void)state;
  sql_is(db, "SELECT bars FROM bars('A', 'minute')", "NULL");
  sql_is(db, "SELECT typeof(bars), bars IS NULL FROM bars('A', 'minute')", "null");
  sql_ok(db, "CREATE TABLE copy AS SELECT bars AS b FROM bars('A', 'minute')");
  sql_is(db, "SELECT count(b) FROM copy", "0");
  sql_fails(db, "SELECT prev(b, 1) FROM copy", "not a row of bars");
}

/* Handles that live on while windows are dropped, evicted or outdated, and bars change. */
static void handles_outlive_windows(void **state) {
  (void)state;
  sqlite3_stmt *st;
  bv_store *s = db_store(db);
  sql_ok(db, "SELECT bars_config('history', 20), bars_config('future', 10)");
  const char *sql =
      "SELECT ts, prev(bars, 1), sma(bars, 5), prev(bars, 150) FROM bars('A', 'minute')";
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
  for (int i = 0; sqlite3_step(st) == SQLITE_ROW; i++) {
    assert_int_equal(sqlite3_column_int(st, 0), i * 60);
    if (i >= 1) assert_true(sqlite3_column_double(st, 1) == i);
    if (i >= 4) assert_true(sqlite3_column_double(st, 2) == i - 1);
    assert_int_equal(sqlite3_column_type(st, 3), i >= 150 ? SQLITE_FLOAT : SQLITE_NULL);
    if (i >= 150) assert_true(sqlite3_column_double(st, 3) == i - 149);
    if (i % 7 == 0) bv_window_drop_all(s);
    if (i % 11 == 0) bv_store_changed(s);
    if (i % 13 == 0) bv_mem_set_limit(i % 2 ? 0 : INT64_MAX);
  }
  sqlite3_finalize(st);
}

/* Handles are used again: a long scan needs no more memory than a short one. */
static void memory_is_used_again(void **state) {
  (void)state;
  sql_is(db, "SELECT count(prev(bars, 1)), count(sma(bars, 2)) FROM bars('A', 'minute', 0, 600)",
         "9");
  bv_window_drop_all(db_store(db));
  int64_t before = bv_mem_used(BV_MEM_CURSOR);
  sql_is(db, "SELECT count(prev(bars, 1)), count(sma(bars, 2)) FROM bars('A', 'minute')", "999");
  bv_window_drop_all(db_store(db));
  assert_int_equal(bv_mem_used(BV_MEM_CURSOR), before);
}

static void statements_end_early(void **state) {
  (void)state;
  int64_t before = mem_used();
  sqlite3 *other = db_open(":memory:");
  sql_ok(other, "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
                "('A', 'minute', 0, 1, 1, 1, 1), ('A', 'minute', 60, 2, 2, 2, 2)");
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_prepare_v2(other, "SELECT bars, prev(bars, 1) FROM bars('A', 'minute')",
                                      -1, &st, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  sqlite3_value *kept = sqlite3_value_dup(sqlite3_column_value(st, 0)); /* a copy holds nothing */
  sqlite3_reset(st);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  sqlite3_finalize(st);
  sqlite3_value_free(kept);
  db_close(other);
  assert_int_equal(mem_used(), before);
}

static void parameters_may_change_from_row_to_row(void **state) {
  (void)state;
  sql_is(db,
         "SELECT sum(prev(bars, ts / 60 % 5) = close - ts / 60 % 5) FROM bars('A', 'minute', 600)",
         "990");
  sql_is(db,
         "SELECT sum(sma(bars, 1 + ts / 60 % 3) = close - (ts / 60 % 3) / 2.0) "
         "FROM bars('A', 'minute', 600)",
         "990");
  sql_is(db,
         "SELECT sum(prev(bars, 0, CASE WHEN ts % 120 = 0 THEN 'high' ELSE 'low' END) = "
         "CASE WHEN ts % 120 = 0 THEN high ELSE low END) FROM bars('A', 'minute')",
         "1000");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(read_where_the_row_stands), TEST(two_series_side_by_side),
      TEST(lost_handles_are_told),     TEST(handles_are_no_values),
      TEST(handles_outlive_windows),   TEST(memory_is_used_again),
      TEST(statements_end_early),      TEST(parameters_may_change_from_row_to_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
