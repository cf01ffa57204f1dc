/*
** test_run.c - the driver, through the public interface: the life of a run, what a program may do between
** its steps, failing allocations, memory over many steps; and the feed of bars it is matched on.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sql_help.h"

#include "base/alloc.h"
#include "barsvt.h"
#include "run/match_feed.h"

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY   INT64_C(86400)
#define START INT64_C(1704067200)

static const char *const set_view = "CREATE VIEW s AS SELECT known_at, asset, ts / 86400 % 2 AS"
                                    " target_weight, 'tag' AS tag FROM bars('AAA', 'day')";
static const char *const step_view =
    "CREATE VIEW s AS SELECT asset, ts / 86400 % 2 AS target_weight, 'tag' AS tag"
    " FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1";

/* ---- help ---- */

/* Ten days of AAA that open at 10, 11, ... */
static sqlite3 *open_db(const char *view) {
  sqlite3 *db;
  char *why = NULL;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  int code = sqlite3_barsvt_init(db, &why, NULL);
  assert_true(code == SQLITE_OK || code == SQLITE_OK_LOAD_PERMANENTLY);
  sql(db,
      "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 9)"
      " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
      " SELECT 'AAA', 'day', 1704067200 + i * 86400, 10 + i, 11 + i, 9 + i, 10.5 + i, 1 FROM c");
  if (view) sql(db, view);
  return db;
}

static void close_db(sqlite3 *db) {
  assert_int_equal(sqlite3_close(db), SQLITE_OK); /* also: no statement is left open */
}

static barsvt_run *open_run(sqlite3 *db, const char *strategy, const char *config) {
  barsvt_run *r;
  char *why = NULL;
  if (barsvt_run_open(db, strategy, config, &r, &why) != SQLITE_OK) fail_msg("open: %s", why);
  return r;
}

static int step(barsvt_run *r) {
  char *why = NULL;
  int code = barsvt_run_step(r, NULL, &why);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail_msg("step: %s", why);
  return code;
}

/* The call failed with a text that says it. */
#define REFUSED(call, says)                                                                        \
  do {                                                                                             \
    char *why = NULL;                                                                              \
    int code_ = (call);                                                                            \
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE || !why ||               \
        !strstr(why, says)) {                                                                      \
      fail_msg("%s: %d %s", #call, code_, why ? why : "(no text)");                                \
    }                                                                                              \
    sqlite3_free(why);                                                                             \
  } while (0)

/* ---- the life of a run ---- */

static void test_life(void **state) {
  (void)state;
  static const char *const view[] = {set_view, step_view};
  for (int i = 0; i < 2; i++) {
    sqlite3 *db = open_db(view[i]);
    barsvt_run *r = open_run(db, "s", "{\"cash\": 1000}");
    int64_t ts = 0, n = 0;
    assert_int_equal(barsvt_run_id(r), 1);
    while (barsvt_run_step(r, &ts, NULL) == SQLITE_ROW) {
      n++;
      assert_int_equal(ts, START + n * DAY);
      assert_true(barsvt_run_price(r, "AAA") == 9.5 + (double)n);
    }
    assert_int_equal(n, 10);
    assert_int_equal(step(r), SQLITE_DONE); /* again is fine */
    double value = barsvt_run_value(r);
    assert_true(value != 1000 && isfinite(value));
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM bt_run WHERE status = 'done'"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM bt_equity(1)"), 10);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    close_db(db);
  }
  assert_int_equal(barsvt_run_close(NULL, 0, NULL), SQLITE_OK);
}

/* Closed before its end, or with discard: nothing is kept. */
static void test_discard(void **state) {
  (void)state;
  static const char *const view[] = {set_view, step_view};
  for (int i = 0; i < 2; i++) {
    for (int steps = 0; steps <= 11; steps += steps < 2 ? 1 : 9) {
      sqlite3 *db = open_db(view[i]);
      barsvt_run *r = open_run(db, "s", NULL);
      for (int k = 0; k < steps; k++) (void)step(r);
      assert_int_equal(barsvt_run_close(r, steps == 11, NULL), SQLITE_OK);
      assert_int_equal(sqlite3_get_autocommit(db), 1);
      assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bt!_%'"
                                  " ESCAPE '!'"),
                       0);
      assert_int_equal(number(db, "SELECT bars_clock() IS NULL"), 1);
      /* The connection can be used for the next one. */
      assert_int_equal(number(db, "SELECT bt_run('s')"), 1);
      close_db(db);
    }
  }
}

static void test_one_at_a_time(void **state) {
  (void)state;
  sqlite3 *db = open_db(step_view);
  barsvt_run *r = open_run(db, "s", NULL), *second = (barsvt_run *)&db;
  REFUSED(barsvt_run_open(db, "s", NULL, &second, &why), "in progress");
  assert_null(second);
  assert_int_equal(step(r), SQLITE_ROW);
  assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
  REFUSED(barsvt_run_open(db, "nothing", NULL, &r, &why), "no view 'nothing'");
  REFUSED(barsvt_run_open(db, "s", "{\"csh\": 1}", &r, &why), "did you mean 'cash'");
  REFUSED(barsvt_run_open(db, NULL, NULL, &r, &why), "assets");
  REFUSED(barsvt_run_open(db, NULL, "{\"assets\": [\"BBB\"]}", &r, &why), "unknown asset 'BBB'");
  assert_null(r);
  assert_int_not_equal(barsvt_run_open(db, "nothing", NULL, &r, NULL), SQLITE_OK); /* no text */
  close_db(db);
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  REFUSED(barsvt_run_open(db, "s", NULL, &r, &why), "not loaded");
  close_db(db);
}

/* ---- between the steps ---- */

static void test_orders(void **state) {
  (void)state;
  sqlite3 *db = open_db(NULL);
  barsvt_run *r = open_run(db, NULL, "{\"assets\": [\"AAA\"], \"cash\": 1000}");
  REFUSED(barsvt_run_order(r, "AAA", BARSVT_QTY, 1, NULL, &why), "between the first step");
  assert_int_equal(step(r), SQLITE_ROW);
  REFUSED(barsvt_run_order(r, "AAA", 4, 1, NULL, &why), "four kinds");
  REFUSED(barsvt_run_order(r, "AAA", -1, 1, NULL, &why), "four kinds");
  REFUSED(barsvt_run_order(r, NULL, BARSVT_QTY, 1, NULL, &why), "asset");
  REFUSED(barsvt_run_order(r, "AAA", BARSVT_QTY, NAN, NULL, &why), "finite");
  REFUSED(barsvt_run_order(r, "AAA", BARSVT_QTY, INFINITY, NULL, &why), "finite");
  REFUSED(barsvt_run_order(r, "NONE", BARSVT_QTY, 1, NULL, &why), "unknown asset");
  REFUSED(barsvt_run_order(NULL, "AAA", BARSVT_QTY, 1, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_order_at(NULL, 0, BARSVT_QTY, 1, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_submit(NULL, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_step(NULL, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_each(NULL, NULL, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_write(NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_open(db, NULL, NULL, NULL, &why), "the run is NULL");
  REFUSED(barsvt_run_resume(db, 1, NULL, NULL, NULL, &why), "the run is NULL");
  /* One of each kind, a step apart: 2 units; 5 in all; worth 60 at 12.5 is 4; half of the account. */
  assert_int_equal(barsvt_run_order(r, "AAA", BARSVT_QTY, 2, "first", NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW);
  assert_true(barsvt_run_qty(r, "AAA") == 2 && barsvt_run_cash(r) == 1000 - 2 * 11);
  assert_int_equal(barsvt_run_order(r, "AAA", BARSVT_TARGET_QTY, 5, NULL, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW);
  assert_true(barsvt_run_qty(r, "AAA") == 5 && barsvt_run_cash(r) == 978 - 3 * 12);
  assert_int_equal(barsvt_run_order(r, "AAA", BARSVT_TARGET_VALUE, 60, NULL, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW);
  assert_true(barsvt_run_qty(r, "AAA") == 4 && barsvt_run_cash(r) == 942 + 13);
  assert_true(barsvt_run_value(r) == 955 + 4 * 13.5);
  assert_int_equal(barsvt_run_order(r, "AAA", BARSVT_TARGET_WEIGHT, 0.5, NULL, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW);
  assert_true(barsvt_run_qty(r, "AAA") == floor(1009 * 0.5 / 13.5));
  assert_true(barsvt_run_qty(r, "NONE") == 0 && barsvt_run_qty(r, NULL) == 0);
  assert_true(isnan(barsvt_run_price(r, "NONE")) && isnan(barsvt_run_price(r, NULL)));
  while (step(r) == SQLITE_ROW) {
  }
  REFUSED(barsvt_run_order(r, "AAA", BARSVT_QTY, 1, NULL, &why), "between the first step");
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_fill"), 4);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_order WHERE tag = 'first'"), 1);
  assert_int_equal(number(db, "SELECT strategy = '' AND mode = 'step' FROM bt_run"), 1);
  close_db(db);
}

/* An order with all there is, as a row of a view gives it: bar i is 10 + i, 11 + i, 9 + i, 10.5 + i. */
static void test_order_types(void **state) {
  (void)state;
  sqlite3 *db = open_db(NULL);
  barsvt_run *r = open_run(db, NULL, "{\"assets\": [\"AAA\"], \"cash\": 1000}");
  assert_int_equal(step(r), SQLITE_ROW);
  barsvt_order o = {
      .size = sizeof o, .kind = BARSVT_QTY, .asset = "AAA", .amount = 10, .tag = "in"};
  o.type = BARSVT_LIMIT;
  o.limit_price = 10.2;
  o.take_profit = 13.5;
  o.stop_loss = 8;
  o.size = 8;
  REFUSED(barsvt_run_submit(r, &o, &why), "sizeof");
  o.size = sizeof o;
  o.kind = 4;
  REFUSED(barsvt_run_submit(r, &o, &why), "four kinds");
  o.kind = BARSVT_NONE;
  REFUSED(barsvt_run_submit(r, &o, &why), "must cancel or replace");
  o.kind = BARSVT_TARGET_QTY;
  o.replace = "in";
  REFUSED(barsvt_run_submit(r, &o, &why), "replace goes with");
  o.cancel = "in";
  REFUSED(barsvt_run_submit(r, &o, &why), "both cancel and replace");
  o.cancel = o.replace = NULL;
  o.kind = BARSVT_QTY;
  o.type = 12;
  REFUSED(barsvt_run_submit(r, &o, &why), "unknown type 12");
  o.type = BARSVT_LIMIT;
  assert_int_equal(barsvt_run_submit(r, &o, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW); /* low 10: filled at 10.2 */
  assert_true(barsvt_run_qty(r, "AAA") == 10 && barsvt_run_cash(r) == 1000 - 102);
  barsvt_order move = {.size = sizeof move, .kind = BARSVT_NONE, .asset = "AAA", .replace = "in"};
  move.stop_loss = 11.1;
  assert_int_equal(barsvt_run_submit(r, &move, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW); /* low 11: stopped at 11.1 */
  assert_true(barsvt_run_qty(r, "AAA") == 0 && barsvt_run_cash(r) == 898 + 111);
  o.cancel = "*";
  assert_int_equal(barsvt_run_submit(r, &o, NULL), SQLITE_OK);
  while (step(r) == SQLITE_ROW) {
  }
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_order WHERE state = 'filled'"), 2);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_order WHERE reason = 'replaced'"), 1);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_order WHERE order_type = 'limit'"), 4);
  close_db(db);
}

/* Orders of several legs, and one that sleeps for them; a program compiled before there were any has a shorter
** barsvt_order. */
static void test_combos(void **state) {
  (void)state;
  sqlite3 *db = open_db(NULL);
  number(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'CCC', 'day', "
             "ts, 5, 5, 5, 5 FROM bars('AAA', 'day') RETURNING 1");
  barsvt_run *r = open_run(db, NULL, "{\"assets\": [\"AAA\", \"CCC\"], \"cash\": 1000}");
  assert_int_equal(step(r), SQLITE_ROW);
  barsvt_order leg = {.size = sizeof leg,
                      .kind = BARSVT_QTY,
                      .asset = "AAA",
                      .amount = 2,
                      .combo = "pair",
                      .net_limit = 12,
                      .has_net_limit = 1};
  assert_int_equal(barsvt_run_submit(r, &leg, NULL), SQLITE_OK);
  leg.asset = "CCC";
  leg.amount = -4;
  leg.has_net_limit = 0;
  assert_int_equal(barsvt_run_submit(r, &leg, NULL), SQLITE_OK);
  barsvt_order after = {
      .size = sizeof after, .kind = BARSVT_QTY, .asset = "CCC", .amount = 4, .oto = "pair"};
  assert_int_equal(barsvt_run_submit(r, &after, NULL), SQLITE_OK);
  barsvt_order old = {.kind = BARSVT_QTY, .asset = "AAA", .amount = 1, .combo = "not read"};
  old.size = offsetof(barsvt_order, oto);
  assert_int_equal(barsvt_run_submit(r, &old, NULL), SQLITE_OK);
  assert_int_equal(step(r), SQLITE_ROW); /* AAA at 11: 11 - 2 x 5 */
  assert_true(barsvt_run_qty(r, "AAA") == 3 && barsvt_run_qty(r, "CCC") == -4);
  assert_true(barsvt_run_cash(r) == 1000 - 3 * 11 + 4 * 5);
  while (step(r) == SQLITE_ROW) {
  }
  assert_true(barsvt_run_qty(r, "CCC") == 0);
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_order WHERE parent = 1 OR ask = 'combo'"),
                   3);
  close_db(db);
}

/* ---- steps handed to a function, assets by number ---- */

typedef struct visits {
  int n, stop_at;
  int64_t last;
  double sum;
} visits;

static int visit(void *ctx, barsvt_run *r, int64_t ts) {
  visits *v = ctx;
  double price = NAN, qty = NAN;
  assert_true(ts > v->last);
  v->last = ts;
  v->n++;
  barsvt_run_state(r, &price, &qty);
  assert_true(price == barsvt_run_price_at(r, 0) && price == barsvt_run_price(r, "AAA"));
  assert_true(qty == barsvt_run_qty_at(r, 0) && qty == barsvt_run_qty(r, "AAA"));
  v->sum += price + qty;
  if (v->n % 3 == 2) {
    assert_int_equal(barsvt_run_order_at(r, 0, BARSVT_TARGET_QTY, v->n, "t", NULL), SQLITE_OK);
  }
  return v->n == v->stop_at;
}

/* The same run by steps, and by a function that stops on the way and goes on. */
static void test_each(void **state) {
  (void)state;
  visits by[2] = {{0}, {.stop_at = 4}};
  int64_t left[2];
  for (int i = 0; i < 2; i++) {
    sqlite3 *db = open_db(NULL);
    barsvt_run *r = open_run(db, NULL, "{\"assets\": [\"AAA\"]}");
    int64_t ts;
    assert_int_equal(barsvt_run_assets(r), 1);
    assert_string_equal(barsvt_run_asset(r, 0), "AAA");
    assert_null(barsvt_run_asset(r, 1));
    assert_null(barsvt_run_asset(r, -1));
    assert_int_equal(barsvt_run_find(r, "AAA"), 0);
    assert_int_equal(barsvt_run_find(r, "B"), -1);
    assert_int_equal(barsvt_run_find(r, NULL), -1);
    assert_true(isnan(barsvt_run_price_at(r, 7)));
    assert_true(barsvt_run_qty_at(r, -1) == 0);
    while (i == 0 && barsvt_run_step(r, &ts, NULL) == SQLITE_ROW) (void)visit(&by[0], r, ts);
    if (i == 1) {
      assert_int_equal(barsvt_run_each(r, visit, &by[1], NULL), SQLITE_OK);
      assert_int_equal(by[1].n, 4);
      REFUSED(barsvt_run_order_at(r, 3, BARSVT_QTY, 1, NULL, &why), "needs an asset");
      assert_int_equal(barsvt_run_each(r, visit, &by[1], NULL), SQLITE_DONE);
    }
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    left[i] = number(db, "SELECT sum(id * ts + qty * price * 1000 + cash) FROM bt_fill");
    close_db(db);
  }
  assert_int_equal(by[0].n, 10);
  assert_int_equal(by[1].n, 10);
  assert_true(by[0].sum == by[1].sum && left[0] == left[1] && left[0] != 0);
}

/* The clock stands at the step, and is put back. */
static void test_clock(void **state) {
  (void)state;
  sqlite3 *db = open_db(step_view);
  number(db, "SELECT bars_clock(1704067200 + 7 * 86400)");
  for (int i = 0; i < 2; i++) {
    barsvt_run *r = open_run(db, i ? NULL : "s", "{\"assets\": [\"AAA\"]}");
    assert_int_equal(number(db, "SELECT count(*) FROM bars('AAA', 'day')"), 0);
    for (int n = 1; n <= 7; n++) {
      assert_int_equal(step(r), SQLITE_ROW);
      assert_int_equal(number(db, "SELECT bars_clock()"), START + n * DAY);
      assert_int_equal(number(db, "SELECT count(*) FROM bars('AAA', 'day')"), n);
      assert_int_equal(number(db, "SELECT 10 * last_price('AAA')"), 95 + 10 * n);
    }
    assert_int_equal(step(r), SQLITE_DONE);
    assert_int_equal(barsvt_run_close(r, i, NULL), SQLITE_OK);
    assert_int_equal(number(db, "SELECT bars_clock()"), START + 7 * DAY);
  }
  close_db(db);
}

/* A program that ends the transaction under the run is told so, and no stray rows appear. */
static void test_transaction(void **state) {
  (void)state;
  static const char *const end[] = {"ROLLBACK", "COMMIT"};
  for (int i = 0; i < 2; i++) {
    sqlite3 *db = open_db(step_view);
    barsvt_run *r = open_run(db, "s", NULL);
    assert_int_equal(step(r), SQLITE_ROW);
    sql(db, end[i]);
    REFUSED(barsvt_run_step(r, NULL, &why), "transaction was ended");
    REFUSED(barsvt_run_step(r, NULL, &why), "can only be closed");
    REFUSED(barsvt_run_order(r, "AAA", BARSVT_QTY, 1, NULL, &why), "can only be closed");
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    if (i == 0) {
      assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_run'"), 0);
    }
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    (void)number(db, "SELECT bt_run('s')");
    close_db(db);
  }
  /* Inside the program's own transaction the run goes with it. */
  sqlite3 *db = open_db(step_view);
  sql(db, "BEGIN");
  barsvt_run *r = open_run(db, "s", NULL);
  while (step(r) == SQLITE_ROW) {
  }
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_int_equal(number(db, "SELECT count(*) FROM bt_run"), 1);
  sql(db, "ROLLBACK");
  assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_run'"), 0);
  close_db(db);
}

/* The view or a table is dropped, or emptied, between two steps: an error that says so or a run without
** it, never anything kept by half. */
static void test_dropped(void **state) {
  (void)state;
  static const char *const view[] = {set_view, step_view};
  static const char *const drop[] = {"DROP VIEW s",
                                     "DROP TABLE bt_run",
                                     "DROP TABLE bt_chunk",
                                     "DELETE FROM bt_chunk",
                                     "DROP TABLE bt_position",
                                     "DROP TABLE bt_curve",
                                     "DROP TABLE bt_figure",
                                     "DELETE FROM bt_run",
                                     "DELETE FROM bt_curve",
                                     "DELETE FROM barsvt_hot",
                                     "DROP TABLE barsvt_hot",
                                     "DROP TABLE barsvt_seg",
                                     "DROP TABLE barsvt_asset",
                                     "DROP TABLE barsvt_series"};
  for (size_t i = 0; i < sizeof drop / sizeof *drop; i++) {
    for (int v = 0; v < 2; v++) {
      sqlite3 *db = open_db(view[v]);
      barsvt_run *r = open_run(db, "s", NULL);
      for (int k = 0; k < 4; k++) assert_int_equal(step(r), SQLITE_ROW);
      bool refused = sqlite3_exec(db, drop[i], NULL, NULL, NULL) != SQLITE_OK; /* it is in use */
      char *why = NULL;
      int code, n = 0;
      while ((code = barsvt_run_step(r, NULL, &why)) == SQLITE_ROW) n++;
      assert_true(n <= 6);
      if (code != SQLITE_DONE) assert_non_null(why);
      if (refused) assert_int_equal(code, SQLITE_DONE);
      if (strcmp(drop[i], "DELETE FROM bt_run") == 0) assert_non_null(strstr(why, "was deleted"));
      sqlite3_free(why);
      (void)barsvt_run_close(r, 0, NULL);
      assert_int_equal(sqlite3_get_autocommit(db), 1);
      if (code != SQLITE_DONE) {
        assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_run'"), 0);
        assert_int_equal(number(db, "SELECT bt_run('s')"), 1); /* what was dropped is back */
      }
      close_db(db);
    }
  }
}

/* A row that cannot be stops the run where it comes. */
static void test_bad_row(void **state) {
  (void)state;
  sqlite3 *db = open_db("CREATE VIEW s AS SELECT asset, CASE WHEN close > 14 THEN 'x' ELSE 1 END AS"
                        " qty FROM bars('AAA', 'day') WHERE bars_clock() < 1704844800"
                        " ORDER BY ts DESC LIMIT 1");
  barsvt_run *r = open_run(db, "s", "{\"assets\": [\"AAA\"]}");
  for (int i = 0; i < 4; i++) assert_int_equal(step(r), SQLITE_ROW);
  REFUSED(barsvt_run_step(r, NULL, &why), "the text 'x' in qty");
  REFUSED(barsvt_run_step(r, NULL, &why), "can only be closed");
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_run'"), 0);
  close_db(db);
}

/* ---- memory ---- */

/* One whole run with orders of the program; the first code that is not OK. */
static int whole_run(sqlite3 *db, const char *strategy) {
  barsvt_run *r = NULL;
  int code = barsvt_run_open(db, strategy,
                             "{\"assets\": [\"AAA\", \"BBB\"], \"params\": {\"x\": 1}}", &r, NULL);
  if (code != SQLITE_OK) return code;
  while ((code = barsvt_run_step(r, NULL, NULL)) == SQLITE_ROW) {
    code = barsvt_run_order(r, "BBB", BARSVT_QTY, 1, "own", NULL);
    if (code != SQLITE_OK) break;
  }
  if (code != SQLITE_DONE) {
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    return code;
  }
  return barsvt_run_close(r, 0, NULL);
}

/* Each allocation fails in turn, and everything after it: the run fails, keeps nothing, loses nothing. */
static void test_out_of_memory(void **state) {
  (void)state;
  static const char *const view[] = {set_view, step_view, NULL};
  for (int i = 0; i < 3; i++) {
    sqlite3 *db = open_db(view[i]);
    sql(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
            " SELECT 'BBB', 'day', ts, open, high, low, close, volume FROM bars('AAA', 'day')");
    sql(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)" /* half of them alone */
            " SELECT 'BBB', 'day ask', ts, open, high, low, close FROM bars('AAA', 'day')");
    sql(db, "DELETE FROM bars WHERE asset = 'BBB' AND timestep = 'day' AND ts / 86400 % 2 = 0");
    const char *strategy = view[i] ? "s" : NULL;
    assert_int_equal(whole_run(db, strategy), SQLITE_OK); /* warm: what stays is made */
    sql(db, "DELETE FROM bt_run");
    int64_t run = bv_mem_used(BV_MEM_RUN), sim = bv_mem_used(BV_MEM_SIM);
    for (int n = 0, failures = 0;; n++) {
      bv_alloc_fail_after(n, 1);
      int code = whole_run(db, strategy);
      int64_t failed = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(bv_mem_used(BV_MEM_RUN), run);
      assert_int_equal(bv_mem_used(BV_MEM_SIM), sim);
      assert_int_equal(sqlite3_get_autocommit(db), 1);
      assert_int_equal(number(db, "SELECT bars_clock() IS NULL"), 1);
      failures += failed > 0;
      if (!failed) {
        assert_int_equal(code, SQLITE_OK);
        assert_true(failures > 20);
        break;
      }
      /* A cache that cannot grow may do without. */
      if (code != SQLITE_OK) {
        assert_int_equal(code, SQLITE_NOMEM);
        assert_int_equal(number(db, "SELECT count(*) FROM bt_run"), 0);
      } else {
        sql(db, "DELETE FROM bt_run");
      }
    }
    assert_int_equal(number(db, "SELECT count(*) FROM bt_run WHERE status = 'done'"), 1);
    close_db(db);
  }
}

/* Memory does not grow with the steps: trades, rejected orders and new tags excepted, of which there are
** none here. */
static void test_long_run(void **state) {
  (void)state;
  sqlite3 *db = open_db(NULL);
  sql(db, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 29999)"
          " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
          " SELECT 'LONG', 'minute', i * 60, 10 + i % 7, 20, 9, 10 + i % 5, 1 FROM c");
  sql(db, "CREATE VIEW s AS SELECT asset, CASE WHEN sma(bars, 5) > sma(bars, 50) THEN 0.5 ELSE -0.5"
          " END AS target_weight FROM bars('LONG', 'minute') ORDER BY ts DESC LIMIT 1");
  barsvt_run *r = open_run(db, "s", NULL);
  int64_t early = 0;
  for (int n = 0; step(r) == SQLITE_ROW; n++) {
    if (n == 12000) early = bv_mem_total();
    if (n > 12000 && n % 1000 == 0) assert_true(bv_mem_total() < early + early / 10);
  }
  assert_true(early > 0);
  assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
  assert_true(number(db, "SELECT count(*) FROM bt_fill") > 1000);
  close_db(db);
}

/* ---- the feed ---- */

static bv_store *store_of(sqlite3 *db) {
  bv_store *s = NULL;
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT barsvt_store(?1)", -1, &st, NULL), SQLITE_OK);
  sqlite3_bind_pointer(st, 1, &s, "barsvt-store", NULL);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  sqlite3_finalize(st);
  assert_non_null(s);
  return s;
}

static void feed_add(bv_feed *f, bv_store *s, const char *asset, const char *timestep, int number,
                     int64_t from) {
  const bv_series *series;
  assert_int_equal(bv_series_find(s, asset, timestep, &series, NULL), BV_OK);
  assert_non_null(series);
  assert_int_equal(bv_feed_add(f, series, number, from, false, NULL), BV_OK);
}

/* All events as text: "t:+a" a bar of asset a opens, "t:-a" it closes; times in hours since START. */
static void events(bv_feed *f, char *out, size_t cap) {
  int64_t before = INT64_MIN;
  out[0] = 0;
  for (int64_t t; (t = bv_feed_next(f)) != BV_FEED_END;) {
    bv_feed_bars bars;
    assert_true(t > before);
    before = t;
    for (int opens = 0; opens < 2; opens++) {
      if (opens) {
        assert_int_equal(bv_feed_opens(f, t, &bars, NULL), BV_OK);
      } else {
        assert_int_equal(bv_feed_closes(f, t, &bars, NULL), BV_OK);
      }
      const bv_sim_bar *bar = bars.bar;
      assert_true(bars.any == (bars.n > 0));
      for (int i = 0; i < bars.n; i++) {
        size_t used = strlen(out);
        snprintf(out + used, cap - used, "%g:%c%d ", (double)(t - START) / 3600, opens ? '+' : '-',
                 bar[i].asset);
        if (opens) assert_true(bar[i].ts <= t && bar[i].known_at > bar[i].ts);
        if (!opens) assert_int_equal(bar[i].known_at, t);
      }
    }
  }
}

static sqlite3 *open_feed_db(void) {
  sqlite3 *db = open_db(NULL);
  sql(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) VALUES"
          " ('H', 'hour', 1704067200, 1, 1, 1, 1, 1), ('H', 'hour', 1704070800, 2, 2, 2, 2, 1),"
          " ('H', 'hour', 1704081600, 3, 3, 3, 3, 1),"
          /* bars at odd instants that overlap: 0:00-1:00, 0:30-1:30, 2:00-3:00 */
          " ('O', 'hour', 1704067200, 1, 1, 1, 1, 1), ('O', 'hour', 1704069000, 2, 2, 2, 2, 1),"
          " ('O', 'hour', 1704074400, 3, 3, 3, 3, 1),"
          " ('D', 'day', 1704067200, 1, 1, 1, 1, 1), ('D', 'day', 1704153600, 2, 2, 2, 2, 1)");
  return db;
}

static void test_feed_order(void **state) {
  (void)state;
  sqlite3 *db = open_feed_db();
  bv_store *s = store_of(db);
  bv_feed f;
  char got[512];
  bv_feed_init(&f, s, INT64_MIN, INT64_MAX);
  assert_true(bv_feed_next(&f) == BV_FEED_END);
  feed_add(&f, s, "H", "hour", 0, INT64_MIN);
  feed_add(&f, s, "D", "day", 1, INT64_MIN);
  events(&f, got, sizeof got);
  assert_string_equal(got, "0:+0 0:+1 1:-0 1:+0 2:-0 4:+0 5:-0 24:-1 24:+1 48:-1 ");
  bv_feed_reset(&f);
  /* A bar that starts inside the one before opens once that has closed. */
  bv_feed_init(&f, s, INT64_MIN, INT64_MAX);
  feed_add(&f, s, "O", "hour", 2, INT64_MIN);
  events(&f, got, sizeof got);
  assert_string_equal(got, "0:+2 1:-2 1:+2 1.5:-2 2:+2 3:-2 ");
  bv_feed_reset(&f);
  close_db(db);
}

static void test_feed_range(void **state) {
  (void)state;
  sqlite3 *db = open_feed_db();
  bv_store *s = store_of(db);
  bv_feed f;
  char got[512];
  static const struct {
    int64_t start, end, from;
    const char *want;
  } range[] = {
      {START, START + 5 * 3600, INT64_MIN, "0:+0 1:-0 1:+0 2:-0 4:+0 5:-0 "},
      {START + 1, START + 5 * 3600 - 1, INT64_MIN, "1:+0 2:-0 "},
      {START, START + 5 * 3600, START + 3600, "1:+0 2:-0 4:+0 5:-0 "},
      {START + 3600, START + 5 * 3600, START, "1:+0 2:-0 4:+0 5:-0 "},
      {START + 2 * 3600, START + 4 * 3600, INT64_MIN, ""},
      {START + 9 * DAY, INT64_MAX, INT64_MIN, ""},
      {INT64_MIN, START - DAY, INT64_MIN, ""},
  };
  for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
    bv_feed_init(&f, s, range[i].start, range[i].end);
    feed_add(&f, s, "H", "hour", 0, range[i].from);
    events(&f, got, sizeof got);
    assert_string_equal(got, range[i].want);
    bv_feed_reset(&f);
  }
  close_db(db);
}

static void test_feed_before(void **state) {
  (void)state;
  sqlite3 *db = open_feed_db();
  bv_store *s = store_of(db);
  bv_feed f;
  const bv_series *series;
  static const struct {
    int64_t t;
    double close; /* 0: none */
  } want[] = {{INT64_MIN, 0},        {START, 0},        {START + 3599, 0},
              {START + 3600, 1},     {START + 5399, 1}, {START + 5400, 2},
              {START + 3 * 3600, 3}, {START + DAY, 3},  {INT64_MAX, 3}};
  bv_feed_init(&f, s, INT64_MIN, INT64_MAX);
  assert_int_equal(bv_series_find(s, "O", "hour", &series, NULL), BV_OK);
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    bv_sim_bar bar;
    bool found = true;
    assert_int_equal(bv_feed_before(&f, series, 5, want[i].t, &bar, &found, NULL), BV_OK);
    assert_int_equal(found, want[i].close != 0);
    if (found)
      assert_true(bar.close == want[i].close && bar.asset == 5 && bar.known_at <= want[i].t);
  }
  bv_feed_reset(&f);
  close_db(db);
}

/* More bars than are read at a time; no bar twice, none left out. */
static void test_feed_long(void **state) {
  (void)state;
  enum { N = 10000 };
  sqlite3 *db = open_db(NULL);
  sql(db, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 9999)"
          " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
          " SELECT 'M', 'minute', i * 60, 1 + i, 1 + i, 1 + i, 1 + i, 1 FROM c");
  bv_store *s = store_of(db);
  bv_feed f;
  bv_feed_init(&f, s, INT64_MIN, INT64_MAX);
  feed_add(&f, s, "M", "minute", 0, INT64_MIN);
  int opened = 0, closed = 0;
  for (int64_t t; (t = bv_feed_next(&f)) != BV_FEED_END;) {
    bv_feed_bars bars;
    assert_int_equal(bv_feed_closes(&f, t, &bars, NULL), BV_OK);
    if (bars.n) assert_true(bars.bar->close == ++closed);
    assert_int_equal(bv_feed_opens(&f, t, &bars, NULL), BV_OK);
    if (bars.n) assert_true(bars.bar->open == ++opened);
  }
  assert_int_equal(opened, N);
  assert_int_equal(closed, N);
  bv_feed_reset(&f);
  close_db(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_life),          cmocka_unit_test(test_discard),
      cmocka_unit_test(test_one_at_a_time), cmocka_unit_test(test_orders),
      cmocka_unit_test(test_order_types),   cmocka_unit_test(test_combos),
      cmocka_unit_test(test_each),          cmocka_unit_test(test_clock),
      cmocka_unit_test(test_transaction),   cmocka_unit_test(test_dropped),
      cmocka_unit_test(test_bad_row),       cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_long_run),      cmocka_unit_test(test_feed_order),
      cmocka_unit_test(test_feed_range),    cmocka_unit_test(test_feed_before),
      cmocka_unit_test(test_feed_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
