/*
** embed.c - a program that has libbarsvt inside: it stores bars, steps a strategy over them, adds an
** order of its own, reads the account between the steps, and queries the results.
**
**      cc embed.c -lbarsvt -lsqlite3 -lzstd -lz -lm -lpthread
**
** It checks what it computes and exits with 1 where something is not as written here.
*/
#include "barsvt.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY   INT64_C(86400)
#define START INT64_C(1704067200) /* 2024-01-01 */

static void fail(const char *what, const char *why) {
  fprintf(stderr, "embed: %s: %s\n", what, why ? why : "");
  exit(1);
}

#define CHECK(cond)                                                                                \
  if (!(cond)) fail("this does not hold", #cond)

static void sql(sqlite3 *db, const char *text) {
  char *why = NULL;
  if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail(text, why);
}

/* The number in the first column of the first row. */
static double number(sqlite3 *db, const char *text) {
  sqlite3_stmt *st;
  if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK) fail(text, sqlite3_errmsg(db));
  if (sqlite3_step(st) != SQLITE_ROW) fail(text, sqlite3_errmsg(db));
  double v = sqlite3_column_double(st, 0);
  sqlite3_finalize(st);
  return v;
}

/* Ten days of two shares.  ACME opens at 100, 101, 102 ... and closes half a point higher. */
static void store_bars(sqlite3 *db) {
  sqlite3_stmt *st;
  const char *insert = "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
                       " VALUES (?1, 'day', ?2, ?3, ?3 + 1, ?3 - 1, ?3 + 0.5, 1000)";
  if (sqlite3_prepare_v2(db, insert, -1, &st, NULL) != SQLITE_OK) fail(insert, sqlite3_errmsg(db));
  for (int i = 0; i < 10; i++) {
    for (int asset = 0; asset < 2; asset++) {
      sqlite3_bind_text(st, 1, asset ? "ZINC" : "ACME", -1, SQLITE_STATIC);
      sqlite3_bind_int64(st, 2, START + i * DAY);
      sqlite3_bind_double(st, 3, asset ? 50 - i : 100 + i);
      if (sqlite3_step(st) != SQLITE_DONE) fail(insert, sqlite3_errmsg(db));
      sqlite3_reset(st);
    }
  }
  sqlite3_finalize(st);
}

/* A strategy in SQL buys ACME; the program sells ZINC short beside it and takes that back later. */
static void run_strategy(sqlite3 *db) {
  sql(db, "CREATE TEMP VIEW rising AS"
          " SELECT asset, CASE WHEN close > prev(bars, 1) THEN 10 END AS target_qty"
          " FROM bars('ACME', 'day') ORDER BY ts DESC LIMIT 1");
  barsvt_run *run;
  char *why = NULL;
  const char *config = "{\"cash\": 10000, \"assets\": [\"ACME\", \"ZINC\"]}";
  if (barsvt_run_open(db, "rising", config, &run, &why) != SQLITE_OK) fail("open", why);

  int64_t ts;
  int code, step = 0;
  while ((code = barsvt_run_step(run, &ts, &why)) == SQLITE_ROW) {
    step++;
    CHECK(ts == START + step * DAY);
    /* What a query sees is what was known at this step. */
    CHECK(number(db, "SELECT count(*) FROM bars('ACME', 'day')") == step);
    CHECK(barsvt_run_price(run, "ACME") == 100 + step - 1 + 0.5);
    if (step == 3 && barsvt_run_order(run, "ZINC", BARSVT_QTY, -20, "short", &why)) {
      fail("order", why);
    }
    if (step == 6 && barsvt_run_order(run, "ZINC", BARSVT_TARGET_QTY, 0, NULL, &why)) {
      fail("order", why);
    }
    /* Decided at the end of day 2, ACME is bought at the open of the next: 10 at 102.  ZINC is sold
    ** at 47 and bought back at 44. */
    if (step == 3) CHECK(barsvt_run_qty(run, "ACME") == 10 && barsvt_run_cash(run) == 8980);
    if (step == 4) CHECK(barsvt_run_qty(run, "ZINC") == -20 && barsvt_run_cash(run) == 9920);
    if (step == 7) CHECK(barsvt_run_qty(run, "ZINC") == 0 && barsvt_run_cash(run) == 9040);
    if (step == 10) CHECK(barsvt_run_value(run) == 9040 + 10 * 109.5);
  }
  if (code != SQLITE_DONE) fail("step", why);
  CHECK(step == 10);
  int64_t id = barsvt_run_id(run);
  if (barsvt_run_close(run, 0, &why) != SQLITE_OK) fail("close", why);

  CHECK(number(db, "SELECT max(id) FROM bt_run WHERE status = 'done'") == (double)id);
  CHECK(number(db, "SELECT count(*) FROM bt_fill") == 3);
  CHECK(number(db, "SELECT pnl FROM bt_trade WHERE tag = 'short'") == 20 * (47 - 44));
  CHECK(number(db, "SELECT value FROM bt_metric WHERE name = 'equity_final' AND variant = ''") ==
        10135);
  CHECK(number(db, "SELECT bars_clock() IS NULL") == 1);
}

/* No view at all: the program decides everything, and throws the run away. */
static void run_by_hand(sqlite3 *db) {
  barsvt_run *run;
  char *why = NULL;
  const char *config = "{\"assets\": [\"ZINC\"], \"timestep\": \"day\", \"start\": \"2024-01-04\"}";
  if (barsvt_run_open(db, NULL, config, &run, &why) != SQLITE_OK) fail("open", why);
  CHECK(isnan(barsvt_run_price(run, "ACME")) && barsvt_run_qty(run, "ACME") == 0);
  CHECK(barsvt_run_price(run, "ZINC") == 48.5); /* the close before the start */
  if (barsvt_run_step(run, NULL, &why) != SQLITE_ROW) fail("step", why);

  /* Errors are texts to be freed; an order that cannot be leaves the run as it was. */
  CHECK(barsvt_run_order(run, "NOPE", BARSVT_QTY, 1, NULL, &why) != SQLITE_OK && why);
  sqlite3_free(why);
  why = NULL;
  if (barsvt_run_order(run, "ZINC", BARSVT_TARGET_WEIGHT, 0.5, NULL, &why)) fail("order", why);
  if (barsvt_run_step(run, NULL, &why) != SQLITE_ROW) fail("step", why);
  CHECK(barsvt_run_qty(run, "ZINC") == floor(50000 / 47.5));
  if (barsvt_run_close(run, 1, &why) != SQLITE_OK) fail("close", why);
  CHECK(number(db, "SELECT count(*) FROM bt_run") == 1);
}

int main(void) {
  sqlite3 *db;
  sqlite3_auto_extension((void (*)(void))sqlite3_barsvt_init);
  if (sqlite3_open("embed.db", &db) != SQLITE_OK) fail("open", sqlite3_errmsg(db));
  store_bars(db);
  run_strategy(db);
  run_by_hand(db);
  printf("libbarsvt %s: %.0f trades, final value %.2f\n", barsvt_version(),
         number(db, "SELECT count(*) FROM bt_trade"),
         number(db, "SELECT value FROM bt_run WHERE id = 1"));
  if (sqlite3_close(db) != SQLITE_OK) fail("close", "something is still open");
  return 0;
}
