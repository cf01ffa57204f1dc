/*
** test_rows.c - orders, fills and lots on their way into their tables: none lost over many batches, read
** at once where they are asked for, and nothing to be had from the table behind them without a pointer.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "barsvt.h"
#include "data_help.h"
#include "run/rows.h"

enum { DAYS = 3 * BV_ROWS_MAX + 7 };

static sqlite3 *bars(void) {
  char text[400];
  sqlite3 *db = db_open(":memory:");
  snprintf(text, sizeof text,
           "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
           " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
           " SELECT 'A', 'day', i * 86400, 10, 11, 9, 10, 1 FROM c",
           DAYS);
  sql_ok(db, text);
  return db;
}

/* A trade a day: buy, sell, buy ... */
static void many(void **state) {
  (void)state;
  sqlite3 *db = bars();
  char want[40];
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, ts / 86400 % 2 AS target_qty,"
             " 'day ' || (ts / 86400) AS tag FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v')");
  /* known_at of the first 1 is the end of day 1; the last row finds no bar after it */
  snprintf(want, sizeof want, "%d", DAYS);
  sql_is(db, "SELECT count(*) FROM bt_order", want);
  snprintf(want, sizeof want, "%d", DAYS - 1);
  sql_is(db, "SELECT count(*) FROM bt_fill", want);
  sql_is(db, "SELECT count(*) = max(id) AND min(id) = 1 FROM bt_order", "1");
  sql_is(db, "SELECT count(*) = max(id) AND min(id) = 1 FROM bt_fill", "1");
  sql_is(db,
         "SELECT sum(o.tag = 'day ' || (o.ts / 86400 - 1) AND f.order_id = o.id AND f.ts = o.ts"
         " AND f.qty = o.qty AND o.state = 'filled' AND o.ask = 'target_qty' AND f.asset = 'A')"
         " = count(*) FROM bt_fill f JOIN bt_order o ON o.id = f.order_id",
         "1");
  sql_is(db,
         "SELECT sum(exit_fill = entry_fill + 1 AND open = 0) - count(*) FROM bt_lot WHERE"
         " exit_fill > 0",
         "0");
  db_close(db);
}

/* A step-mode strategy sees the rows of its own run up to the step, however few. */
static void read_by_strategy(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_ok(db, "CREATE VIEW none AS SELECT 'A' AS asset, NULL AS qty FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('none')"); /* makes the tables */
  sql_ok(db, "CREATE VIEW v AS SELECT 'A' AS asset, CASE WHEN bt_qty('A') = (SELECT count(*) FROM"
             " bt_fill WHERE run = 2) AND bt_qty('A') < 5 THEN 1 END AS qty");
  sql_ok(db, "SELECT bt_run('v', '{\"assets\": [\"A\"], \"timestep\": \"day\"}')");
  sql_is(db, "SELECT count(*) FROM bt_fill WHERE run = 2", "5");
  db_close(db);
}

/* A program sees them after barsvt_run_write(). */
static void read_by_program(void **state) {
  (void)state;
  sqlite3 *db = bars();
  barsvt_run *r;
  char *why = NULL;
  assert_int_equal(
      barsvt_run_open(db, NULL, "{\"assets\": \"A\", \"timestep\": \"day\"}", &r, &why), SQLITE_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(barsvt_run_step(r, NULL, &why), SQLITE_ROW);
    assert_int_equal(barsvt_run_order(r, "A", BARSVT_QTY, 1, NULL, &why), SQLITE_OK);
  }
  assert_int_equal(barsvt_run_write(r, &why), SQLITE_OK);
  sql_is(db, "SELECT count(*) FROM bt_fill", "2");
  while (barsvt_run_step(r, NULL, &why) == SQLITE_ROW) {
  }
  assert_int_equal(barsvt_run_write(r, &why), SQLITE_OK);
  assert_int_equal(barsvt_run_close(r, 0, &why), SQLITE_OK);
  sql_is(db, "SELECT count(*) FROM bt_fill", "3");
  db_close(db);
}

/* A row that the table does not take ends the run, and nothing of it stays. */
static void refused(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, ts / 86400 % 2 AS target_qty"
             " FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v')");
  sql_ok(db, "CREATE TRIGGER t BEFORE INSERT ON bt_fill WHEN new.id = 400 BEGIN SELECT"
             " raise(ABORT, 'no more'); END");
  sql_fails(db, "SELECT bt_run('v')", "no more");
  sql_is(db, "SELECT count(*) FROM bt_run", "1");
  sql_is(db, "SELECT count(DISTINCT run) FROM bt_fill", "1");
  db_close(db);
}

static void no_pointer(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_is(db, "SELECT count(*) FROM barsvt_rows", "0");
  sql_is(db, "SELECT count(*) FROM barsvt_rows(12345)", "0");
  sql_is(db, "SELECT count(*) FROM barsvt_rows('barsvt-rows')", "0");
  sql_is(db, "SELECT count(*) FROM barsvt_rows(NULL)", "0");
  sql_fails(db, "DELETE FROM barsvt_rows", "may not be modified");
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many),
      cmocka_unit_test(read_by_strategy),
      cmocka_unit_test(read_by_program),
      cmocka_unit_test(refused),
      cmocka_unit_test(no_pointer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
