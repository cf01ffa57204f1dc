/*
** test_resume.c - runs that are committed as they go on: requests as bytes, a program that stops at any step and goes
** on, and allocations that fail at any place.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sql_help.h"

#include "base/alloc.h"
#include "barsvt.h"
#include "data/fingerprint.h"
#include "run/request_code.h"

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1704067200)
enum { BARS = 60 };

/* ---- requests as bytes ---- */

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(uint32_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 33) % n;
}

static const char *const texts[] = {NULL, "", "a", "tag", "a much longer text than the others"};

static bv_signal random_signal(const bv_signal *last) {
  bv_signal g = *last;
  if (rnd(3) == 0) return g;
  memset(&g, 0, sizeof g); /* padding, too */
  for (int i = 0; i < BV_TEXTS; i++) g.text[i] = texts[rnd(5)];
  g.text[BV_TEXT_ASSET] = texts[1 + rnd(4)];
  g.ask.ask = (bv_ask)rnd(5);
  g.ask.type = (bv_order_type)rnd(12);
  g.ask.tif = (bv_tif)rnd(7);
  g.ask.amount = rnd(2) ? (double)rnd(1000) / 7 : -0.0;
  g.ask.limit = rnd(2) ? 0 : 1e300 / (1 + rnd(9));
  g.ask.stop = rnd(2);
  g.ask.trail = rnd(3);
  g.ask.trail_percent = rnd(4) / 3.0;
  g.ask.take_profit = rnd(2) ? (double)NAN : 0;
  g.ask.stop_loss = rnd(5);
  g.ask.until = rnd(2) ? INT64_MIN : INT64_MAX;
  g.ask.reduce_only = (int)rnd(2);
  g.none = rnd(2);
  g.no_order = rnd(2);
  return g;
}

static void same_text(const char *a, const char *b) {
  if (!a || !b) {
    assert_true(a == b);
  } else {
    assert_string_equal(a, b);
  }
}

static void test_code(void **state) {
  (void)state;
  enum { N = 500 };
  static bv_signal given[N];
  static int64_t at[N];
  bv_request_writer w;
  bv_request_reader r;
  const void *p;
  size_t n;
  bv_request_writer_init(&w);
  bv_request_reader_init(&r);
  for (int round = 0; round < 20; round++) {
    bv_request_begin(&w);
    for (int i = 0; i < N; i++) {
      given[i] = random_signal(&given[i ? i - 1 : 0]);
      if (!given[i].text[BV_TEXT_ASSET]) given[i].text[BV_TEXT_ASSET] = "x";
      at[i] = rnd(50) == 0 ? (rnd(2) ? INT64_MIN : INT64_MAX) : START + 60 * i;
      assert_int_equal(bv_request_put(&w, at[i], &given[i]), BV_OK);
      if (i % 100 == 0) assert_int_equal(bv_request_bytes(&w, &p, &n), BV_OK); /* and go on */
    }
    assert_int_equal(bv_request_bytes(&w, &p, &n), BV_OK);
    assert_int_equal(w.n, N);
    assert_int_equal(w.first, at[0]);
    assert_int_equal(bv_request_load(&r, p, n, N, NULL), BV_OK);
    for (int i = 0; i < N; i++) {
      bv_signal g;
      assert_int_equal(bv_request_get(&r, &g, NULL), BV_OK);
      assert_int_equal(g.known_at, at[i]);
      for (int k = 0; k < BV_TEXTS; k++) same_text(g.text[k], given[i].text[k]);
      assert_memory_equal(&g.ask, &given[i].ask, sizeof g.ask);
      assert_true(g.none == given[i].none && g.no_order == given[i].no_order);
    }
    assert_int_equal(bv_request_get(&r, &given[0], NULL), BV_CORRUPT);
  }
  bv_request_writer_reset(&w);
  bv_request_reader_reset(&r);
}

/* Any damaged byte, and any wrong length or count, is noticed. */
static void test_code_damage(void **state) {
  (void)state;
  bv_request_writer w;
  bv_request_reader r;
  const void *p;
  size_t n;
  bv_signal g = {.text = {[BV_TEXT_ASSET] = "AAA", [BV_TEXT_TAG] = "t"}, .ask = {.amount = 0.5}};
  bv_request_writer_init(&w);
  bv_request_reader_init(&r);
  bv_request_begin(&w);
  for (int i = 0; i < 5; i++) assert_int_equal(bv_request_put(&w, START + i, &g), BV_OK);
  assert_int_equal(bv_request_bytes(&w, &p, &n), BV_OK);
  assert_true(n < 5 + 4 + 40); /* repetitions take two bytes */
  uint8_t *copy = malloc(n);
  memcpy(copy, p, n);
  for (size_t i = 0; i < n; i++) {
    copy[i] ^= 0x41;
    assert_int_equal(bv_request_load(&r, copy, n, 5, NULL), BV_CORRUPT);
    copy[i] ^= 0x41;
    assert_int_equal(bv_request_load(&r, copy, i, 5, NULL), BV_CORRUPT);
  }
  for (int64_t count = -1; count < 9; count++) {
    bv_rc rc = bv_request_load(&r, copy, n, count, NULL);
    bv_signal out;
    while (rc == BV_OK && r.left > 0) rc = bv_request_get(&r, &out, NULL);
    assert_true(count == 0 || (rc == BV_OK) == (count == 5));
  }
  free(copy);
  bv_request_writer_reset(&w);
  bv_request_reader_reset(&r);
}

/* ---- runs ---- */

static sqlite3 *open_db(void) {
  sqlite3 *db;
  char *why = NULL;
  char text[600];
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  int code = sqlite3_barsvt_init(db, &why, NULL);
  assert_true(code == SQLITE_OK || code == SQLITE_OK_LOAD_PERMANENTLY);
  for (int k = 0; k < 2; k++) {
    snprintf(text, sizeof text,
             "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
             " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT '%s',"
             " 'day', 1704067200 + i * 86400, 10 + i %% 7, 17, 6, 9.5 + i %% 5, 100"
             " FROM c WHERE i %% 9 <> %d",
             BARS - 1, k ? "BBB" : "AAA", k ? 4 : -1);
    sql(db, text);
  }
  sql(db, "CREATE VIEW s AS SELECT known_at, asset, CASE ts / 86400 % 4 WHEN 0 THEN 0.5 WHEN 2 THEN"
          " 0.1 END AS target_weight, 'v' AS tag FROM bars('AAA', 'day')");
  sql(db, "CREATE VIEW d AS SELECT asset, CASE WHEN ts / 86400 % 4 < 2 THEN 0.5 ELSE 0 END AS"
          " target_weight FROM bars('AAA', 'day') ORDER BY ts DESC LIMIT 1");
  return db;
}

/* Every result of the run, doubles by their bits. */
static uint64_t results(sqlite3 *db, int64_t run) {
  static const char *const tables[] = {"bt_order",     "bt_fill",     "bt_lot",
                                       "bt_cash_flow", "bt_position", "bt_risk",
                                       "bt_equity",    "bt_figure",   "bt_trigger"};
  uint64_t h = 0;
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    char text[80];
    sqlite3_stmt *st;
    snprintf(text, sizeof text, "SELECT * FROM %s WHERE run = %lld", tables[t], (long long)run);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
      for (int c = 1; c < sqlite3_column_count(st); c++) {
        double x = sqlite3_column_double(st, c);
        const char *s = sqlite3_column_type(st, c) == SQLITE_TEXT
                            ? (const char *)sqlite3_column_text(st, c)
                            : NULL;
        h = h * 31 + (s ? bv_text_hash(s, strlen(s)) : bv_text_hash((const char *)&x, sizeof x));
      }
    }
    sqlite3_finalize(st);
  }
  return h;
}

static bool one_by_one; /* orders are looked at as they are given */

/* What the program asks for at a step, from the instant alone. */
static void decide(barsvt_run *r, int64_t ts) {
  const int64_t day = (ts - START) / 86400;
  barsvt_order o = {.size = sizeof o,
                    .kind = BARSVT_QTY,
                    .asset = day % 2 ? "AAA" : "BBB",
                    .tag = "p",
                    .amount = (double)(day % 5) - 2};
  if (day % 3 == 1) return;
  if (day % 4 == 2) o.take_profit = 14, o.stop_loss = 8;
  if (day % 5 == 3) o.type = BARSVT_LIMIT, o.limit_price = 10, o.tif = BARSVT_DAY;
  if (day % 7 == 5) o.cancel = "p";
  (void)barsvt_run_submit(r, &o, NULL);
  if (one_by_one)
    assert_int_not_equal(barsvt_run_order(r, "NONE", BARSVT_QTY, 1, NULL, NULL), SQLITE_OK);
}

/* Up to `stop` steps; returns how many there were, -1 at the end. */
static int64_t go(barsvt_run *r, int64_t stop) {
  int64_t ts;
  char *why = NULL;
  for (int64_t n = 0; n < stop; n++) {
    int code = barsvt_run_step(r, &ts, &why);
    if (code == SQLITE_DONE) return -1;
    if (code != SQLITE_ROW) fail_msg("step: %s", why);
    decide(r, ts);
  }
  return stop;
}

static void test_program(void **state) {
  (void)state;
  static const char *const views[] = {NULL, "s", "d"};
  static const char *const more[] = {"", ", \"targets\": {\"max_gross\": 0.8}",
                                     ", \"every\": \"3 days\""};
  for (int k = 0; k < 9; k++) {
    if (k == 7) continue; /* every is for steps */
    sqlite3 *db = open_db();
    one_by_one = k / 3 != 1;
    char config[200];
    barsvt_run *r;
    snprintf(config, sizeof config, "{\"assets\": [\"AAA\", \"BBB\"], \"timestep\": \"day\"%s}",
             more[k / 3]);
    assert_int_equal(barsvt_run_open(db, views[k % 3], config, &r, NULL), SQLITE_OK);
    assert_int_equal(go(r, 1000), -1);
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    const uint64_t want = results(db, 1);
    assert_true(number(db, "SELECT count(*) FROM bt_fill") > 4);
    snprintf(config, sizeof config,
             "{\"assets\": [\"AAA\", \"BBB\"], \"timestep\": \"day\", \"checkpoint\": %d%s}",
             1 + k * 2, more[k / 3]);
    for (int64_t stop = 0; stop < (k < 6 ? BARS : BARS / 3 - 2); stop += 3) {
      int64_t id, ts = -1;
      assert_int_equal(barsvt_run_open(db, views[k % 3], config, &r, NULL), SQLITE_OK);
      id = barsvt_run_id(r);
      (void)go(r, stop);
      assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
      assert_int_equal(sqlite3_get_autocommit(db), 1);
      assert_int_equal(number(db, "SELECT status = 'stopped' FROM bt_run ORDER BY id DESC LIMIT 1"),
                       1);
      int64_t kept = number(db, "SELECT steps FROM bt_run ORDER BY id DESC LIMIT 1");
      if (k < 6) assert_true(kept <= stop && stop - kept <= 1 + k * 2);
      assert_true(kept < BARS && (kept > 0 || stop <= 1 + k * 2));
      char *why = NULL;
      if (barsvt_run_resume(db, id, NULL, &r, &ts, &why) != SQLITE_OK) fail_msg("resume: %s", why);
      if (kept > 0)
        assert_int_equal(ts, number(db, "SELECT \"end\" FROM bt_run ORDER BY id DESC LIMIT 1"));
      assert_int_equal(barsvt_run_id(r), id);
      assert_int_equal(go(r, 1000), -1);
      assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
      assert_true(results(db, id) == want);
    }
    /* Only the program itself can go on; discarding leaves nothing. */
    assert_int_equal(barsvt_run_open(db, views[k % 3], config, &r, NULL), SQLITE_OK);
    (void)go(r, k < 6 ? 40 : 10);
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    assert_int_not_equal(
        sqlite3_exec(db, "SELECT bt_resume(max(id)) FROM bt_run", NULL, NULL, NULL), SQLITE_OK);
    assert_non_null(strstr(sqlite3_errmsg(db), "barsvt_run_resume()"));
    assert_int_equal(
        barsvt_run_resume(db, number(db, "SELECT max(id) FROM bt_run"), NULL, &r, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(barsvt_run_close(r, 1, NULL), SQLITE_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM bt_run WHERE status <> 'done'"), 0);
    assert_int_equal(
        number(db,
               "SELECT (SELECT count(*) FROM bt_request) + (SELECT count(*) FROM bt_checkpoint)"),
        0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
  }
}

/* ---- failing allocations ---- */

static void test_memory(void **state) {
  (void)state;
  static const char *const views[] = {"s", "d"};
  for (int v = 0; v < 2; v++) {
    sqlite3 *db = open_db();
    char text[120], again[80];
    int resumed = 0, rounds = 0;
    snprintf(text, sizeof text, "SELECT bt_run('%s', '{\"assets\": [\"AAA\"]}')", views[v]);
    sql(db, text);
    const uint64_t want = results(db, 1);
    snprintf(text, sizeof text, "SELECT bt_run('%s', '{\"checkpoint\": 7, \"assets\": [\"AAA\"]}')",
             views[v]);
    for (int64_t n = 0;; n += 1 + n / 40) {
      bv_alloc_fail_after(n, 0);
      int code = sqlite3_exec(db, text, NULL, NULL, NULL);
      int64_t failed = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      if (!failed) {
        assert_int_equal(code, SQLITE_OK);
        break;
      }
      rounds++;
      assert_int_equal(sqlite3_get_autocommit(db), 1);
      int64_t run = number(db, "SELECT max(id) FROM bt_run");
      if (run > 1) {
        resumed += code != SQLITE_OK;
        snprintf(again, sizeof again, "SELECT bt_resume(%lld)", (long long)run);
        for (int64_t k = 3 * n; code != SQLITE_OK; k += 50) { /* these may fail, too */
          bv_alloc_fail_after(k, 0);
          code = sqlite3_exec(db, again, NULL, NULL, NULL);
          bv_alloc_fail_after(-1, 0);
          if (code != SQLITE_OK) assert_int_equal(code, SQLITE_NOMEM);
        }
        assert_true(results(db, run) == want);
        sql(db, "DELETE FROM bt_run WHERE id > 1");
      } else {
        assert_int_equal(code, SQLITE_NOMEM);
      }
    }
    assert_true(rounds > 50 && resumed > 10);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_code),
      cmocka_unit_test(test_code_damage),
      cmocka_unit_test(test_program),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
