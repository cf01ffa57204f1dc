/*
** test_compare.c - bt_compare, and runs with risk rules and portfolio knobs, where memory runs out: an error or
** the right answer, and nothing left behind.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sql_help.h"

#include "base/alloc.h"
#include "barsvt.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* The number a statement gives first; its code. */
static int ask(sqlite3 *db, const char *text, int64_t *value) {
  sqlite3_stmt *st = NULL;
  int code = sqlite3_prepare_v2(db, text, -1, &st, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(st);
  if (code == SQLITE_ROW) {
    *value = sqlite3_column_int64(st, 0);
    code = SQLITE_OK;
  }
  sqlite3_finalize(st);
  return code & 0xff;
}

static sqlite3 *open_db(void) {
  sqlite3 *db;
  char *why = NULL;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  int code = sqlite3_barsvt_init(db, &why, NULL);
  assert_true(code == SQLITE_OK || code == SQLITE_OK_LOAD_PERMANENTLY);
  sql(db, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 9)"
          " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
          " SELECT a.value, 'day', 1704067200 + i * 86400, 10 + i, 11 + i, 9 + i, 10.5 + i, 1"
          " FROM json_each('[\"AAA\", \"BBB\"]') AS a, c");
  sql(db, "CREATE VIEW s AS SELECT known_at, asset, ts / 86400 % 2 AS target_weight"
          " FROM bars('AAA', 'day')");
  return db;
}

/* Run a statement with the n-th allocation failing, for every n, until none fails. */
static void survive(sqlite3 *db, const char *text, int64_t want, const char *state,
                    int64_t untouched) {
  int64_t memory = bv_mem_used(BV_MEM_RUN), sim = bv_mem_used(BV_MEM_SIM), failures = 0;
  for (int n = 0;; n++) {
    int64_t value = -1;
    bv_alloc_fail_after(n, 1);
    int code = ask(db, text, &value);
    int64_t failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(bv_mem_used(BV_MEM_RUN), memory);
    assert_int_equal(bv_mem_used(BV_MEM_SIM), sim);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    assert_true(code == SQLITE_OK || code == SQLITE_NOMEM);
    if (code == SQLITE_OK && want >= 0) assert_int_equal(value, want);
    if (code != SQLITE_OK || want >= 0) assert_int_equal(number(db, state), untouched);
    if (code == SQLITE_OK && want < 0) sql(db, "DELETE FROM bt_run");
    failures += failed > 0;
    if (!failed) break;
  }
  assert_true(failures > 20);
}

static void test_compare(void **state) {
  (void)state;
  sqlite3 *db = open_db();
  sql(db, "SELECT bt_run('s', '{\"cash\": 1000}');"
          "SELECT bt_rerun(1, '{\"slippage\": 0.01, \"size_at\": \"fill\"}')");
  int64_t rows = number(db, "SELECT count(*) FROM bt_compare(1, 2)");
  assert_true(rows > 3);
  survive(db, "SELECT count(*) FROM bt_compare(1, 2)", rows, "SELECT count(*) FROM bt_run", 2);
  sqlite3_close(db);
}

static void test_rules_and_steps(void **state) {
  (void)state;
  static const char run[] =
      "SELECT bt_run('s', '{\"cash\": 1000, \"assets\": [\"AAA\", \"BBB\"], \"targets\":"
      " {\"unlisted\": \"close\", \"max_gross\": 0.5}, \"risk\": [{\"rule\": \"stop_loss\","
      " \"percent\": 5, \"asset\": \"AAA\"}, {\"rule\": \"time_exit\", \"bars\": 1}, {\"rule\":"
      " \"group\", \"percent\": 40, \"groups\": {\"AAA\": \"x\"}}, {\"rule\": \"context\", "
      "\"asset\":"
      " \"BBB\", \"max\": 100}, {\"rule\": \"var\", \"percent\": 5, \"window\": 3}]}')";
  sqlite3 *db = open_db();
  number(db, run); /* what stays is made */
  assert_true(number(db, "SELECT count(*) FROM bt_risk") > 0);
  sql(db, "DELETE FROM bt_run");
  assert_int_equal(number(db, "SELECT count(*) FROM bt_risk"), 0);
  survive(db, run, -1, "SELECT count(*) FROM bt_run", 0);
  sqlite3_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_compare),
      cmocka_unit_test(test_rules_and_steps),
  };
  return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
