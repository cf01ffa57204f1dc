/* test_feed.c - the C interface to feeds: batches against the rows of the table, options, errors, lack of memory. */
#include "barsvt.h"
#include "base/alloc.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START INT64_C(1704292200)

static void run(sqlite3 *db, const char *sql) {
  char *why = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
}

/* Three assets: two with bars at the same minutes, one with gaps; signals with NULLs, whole numbers and a text. */
static sqlite3 *make(void) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_barsvt_init(db, NULL, NULL) & 0xff, SQLITE_OK);
  run(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
          " WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 2999)"
          " SELECT a.value, 'minute', 1704292200 + 60 * n, 10, 12, 9, 10 + n % 3, nullif(n % 5, 0)"
          " FROM i, json_each('[\"A\", \"B\", \"C\"]') a WHERE a.value < 'C' OR n % 7 < 3");
  run(db, "CREATE TABLE scores AS SELECT ts + 17 AS ts, asset, CASE ts / 300 % 4 WHEN 0 THEN NULL"
          " WHEN 1 THEN 7 ELSE ts % 100 / 8.0 END AS score, 'x' AS word FROM bars"
          " WHERE asset IN ('A', 'C') AND timestep = 'minute' AND ts % 300 = 0");
  run(db, "CREATE TABLE macro AS SELECT 1704292200 + 6000 * value AS ts, value AS vix"
          " FROM json_each('[0, 1, 4, 9]')");
  run(db, "CREATE VIRTUAL TABLE feed USING bars_feed(timestep = minute, context=macro,"
          " signals=(scores match=asof timing=next_bar columns='score'))");
  run(db, "CREATE VIRTUAL TABLE pair USING bars_feed(timestep=minute, universe='A, B')");
  return db;
}

static barsvt_feed *open_feed(sqlite3 *db, const char *name, const barsvt_feed_options *o) {
  barsvt_feed *f;
  char *why = NULL;
  if (barsvt_feed_open(db, name, o, &f, &why) != SQLITE_OK) fail_msg("%s: %s", name, why);
  return f;
}

/* Every batch is the rows of one ts, in order. */
static int compare(sqlite3 *db, const char *name, const barsvt_feed_options *o, const char *sql) {
  barsvt_feed *f = open_feed(db, name, o);
  barsvt_batch b;
  sqlite3_stmt *st;
  int code, n = 0;
  int64_t before = INT64_MIN;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
  while ((code = barsvt_feed_next(f, &b, NULL)) == SQLITE_ROW) {
    assert_true(b.n > 0 && b.ts > before);
    before = b.ts;
    for (int i = 0; i < b.n; i++, n++) {
      assert_int_equal(sqlite3_step(st), SQLITE_ROW);
      assert_int_equal(sqlite3_column_int64(st, 0), b.ts);
      assert_string_equal((const char *)sqlite3_column_text(st, 1),
                          barsvt_feed_asset(f, b.asset[i]));
      assert_int_equal(sqlite3_column_int64(st, 2), b.known_at[i]);
      for (int c = 0; c < barsvt_feed_columns(f); c++) {
        bool null = sqlite3_column_type(st, 3 + c) == SQLITE_NULL;
        assert_int_equal(b.valid[c][i] != 0, !null);
        if (null) assert_true(isnan(b.value[c][i]));
        if (!null) assert_true(b.value[c][i] == sqlite3_column_double(st, 3 + c));
      }
    }
  }
  assert_int_equal(code, SQLITE_DONE);
  assert_int_equal(barsvt_feed_next(f, &b, NULL), SQLITE_DONE);
  assert_int_equal(b.n, 0);
  assert_int_equal(sqlite3_step(st), SQLITE_DONE);
  sqlite3_finalize(st);
  barsvt_feed_close(f);
  return n;
}

static void batches_are_the_rows(void **state) {
  (void)state;
  sqlite3 *db = make();
#define ALL "SELECT ts, asset, known_at, open, high, low, close, volume, vix, score FROM feed"
  for (int i = 0; i < 2; i++) {
    for (int again = 0; again < 2; again++) assert_int_equal(compare(db, "feed", NULL, ALL), 7287);
    assert_int_equal(compare(db, "main.FEED", NULL, ALL), 7287);
    assert_int_equal(
        compare(db, "pair", NULL,
                "SELECT ts, asset, known_at, open, high, low, close, volume FROM pair"),
        6000);
    run(db, "SELECT bars_compact()");
  }
  const char *asset[] = {"C", "A", "C"};
  barsvt_feed_options o = {
      .size = sizeof o, .asset = asset, .nasset = 3, .columns = "SCORE, close,score"};
  assert_true(
      compare(
          db, "feed", &o,
          "SELECT ts, asset, known_at, score, close, score FROM feed WHERE asset IN ('A', 'C')") >
      4000);
  o.start = START + 60 * 100;
  o.end = START + 60 * 2000;
  assert_true(
      compare(db, "feed", &o,
              "SELECT ts, asset, known_at, score, close, score FROM feed WHERE asset IN ('A', 'C')"
              " AND ts >= 1704292200 + 6000 AND ts < 1704292200 + 120000") > 2000);
  o.end = o.start + 600; /* so few that they come from windows */
  assert_int_equal(
      compare(db, "feed", &o,
              "SELECT ts, asset, known_at, score, close, score FROM feed WHERE asset IN ('A', 'C')"
              " AND ts >= 1704292200 + 6000 AND ts < 1704292200 + 6600"),
      14);
  o = (barsvt_feed_options){.size = sizeof o, .columns = ""};
  assert_int_equal(compare(db, "feed", &o, "SELECT ts, asset, known_at FROM feed"), 7287);
  run(db, "SELECT bars_clock(1704292200 + 60 * 500)");
  assert_int_equal(compare(db, "feed", NULL, ALL), 1216);
  run(db, "SELECT bars_clock(NULL)");
  run(db, "ATTACH ':memory:' AS aux1");
  run(db, "CREATE TABLE aux1.mood AS SELECT ts, -vix AS mood FROM macro");
  run(db, "CREATE VIRTUAL TABLE aux1.\"a (feed), using x\" USING bars_feed ( timestep='minute', "
          "universe='A,C', context=(mood) )");
  assert_true(compare(db, "aux1.a (feed), using x", NULL,
                      "SELECT ts, asset, known_at, open, high, low, close, volume, mood FROM "
                      "aux1.\"a (feed), using x\"") > 4000);
  run(db, "ALTER TABLE feed RENAME TO other");
  assert_int_equal(
      compare(db, "other", NULL,
              "SELECT ts, asset, known_at, open, high, low, close, volume, vix, score FROM other"),
      7287);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void what_is_wrong(void **state) {
  (void)state;
  sqlite3 *db = make();
  const char *missing[] = {"A", NULL};
  const barsvt_feed_options size = {.size = 3},
                            none = {.size = sizeof none, .columns = "close, nothing"},
                            null = {.size = sizeof null, .asset = missing, .nasset = 2},
                            text = {.size = sizeof text, .columns = "word"};
  const struct {
    const char *feed, *says;
    const barsvt_feed_options *o;
  } cases[] = {
      {"nowhere", "there is no table 'nowhere'", NULL},
      {"aux9.feed", "there is no table 'aux9.feed'", NULL},
      {"scores", "'scores' is no feed", NULL},
      {"timestep=parsec", "timestep", NULL},
      {"signals=scores", "missing argument timestep", NULL},
      {"timestep=minute, signals=(gone match=asof)", "no such table", NULL},
      {"timestep=minute, universe='Q'", "'Q'", NULL},
      {"timestep=minute, signals=(scores columns='close')", "no column 'close'", NULL},
      {"feed", "size must be", &size},
      {"feed", "feed: there is no column 'nothing'", &none},
      {"feed", "asset 1 is NULL", &null},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    barsvt_feed *f;
    char *why = NULL;
    assert_int_not_equal(barsvt_feed_open(db, cases[i].feed, cases[i].o, &f, &why), SQLITE_OK);
    assert_null(f);
    if (!why || !strstr(why, cases[i].says)) fail_msg("%s: %s", cases[i].feed, why);
    sqlite3_free(why);
  }
  barsvt_feed *f = open_feed(db, "timestep=minute, signals=(scores match=asof)", &text);
  barsvt_batch b;
  char *why = NULL;
  assert_int_equal(barsvt_feed_next(f, &b, &why), SQLITE_ERROR);
  assert_non_null(strstr(why, "word is no number at the bar of 'A'"));
  sqlite3_free(why);
  assert_int_equal(barsvt_feed_next(f, &b, NULL), SQLITE_ERROR);
  barsvt_feed_close(f);
  /* a source cannot be dropped while it is read, and may change afterwards */
  f = open_feed(db, "feed", NULL);
  assert_int_equal(barsvt_feed_next(f, &b, NULL), SQLITE_ROW);
  assert_int_not_equal(sqlite3_exec(db, "DROP TABLE scores", NULL, NULL, NULL), SQLITE_OK);
  barsvt_feed_close(f);
  run(db, "DROP TABLE scores");
  barsvt_feed_close(NULL);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_not_equal(barsvt_feed_open(db, "feed", NULL, &f, &why), SQLITE_OK);
  assert_non_null(strstr(why, "not loaded"));
  sqlite3_free(why);
  sqlite3_close(db);
}

static double add_up(sqlite3 *db, int *code, char **why) {
  barsvt_feed *f;
  barsvt_batch b;
  double sum = 0;
  *code = barsvt_feed_open(db, "feed", NULL, &f, why);
  if (*code != SQLITE_OK) return 0;
  while ((*code = barsvt_feed_next(f, &b, why)) == SQLITE_ROW) {
    for (int i = 0; i < b.n; i++) sum += b.valid[6][i] ? b.value[6][i] : 0;
  }
  barsvt_feed_close(f);
  return sum;
}

static void memory_runs_out(void **state) {
  (void)state;
  sqlite3 *db = make();
  int code, failed = 0;
  double want = add_up(db, &code, NULL);
  assert_int_equal(code, SQLITE_DONE);
  for (int keep = 0; keep < 2; keep++) {
    for (int64_t n = 0;; n++) {
      run(db, "UPDATE macro SET vix = vix"); /* what is kept counts no more */
      bv_alloc_fail_after(n, keep);
      char *why = NULL;
      double sum = add_up(db, &code, &why);
      int64_t hit = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      if (code == SQLITE_DONE) assert_true(sum == want);
      if (code != SQLITE_DONE && code != SQLITE_NOMEM) fail_msg("%d: %s", code, why);
      sqlite3_free(why);
      failed += code == SQLITE_NOMEM;
      if (hit == 0) break;
    }
  }
  assert_true(failed > 100);
  assert_true(add_up(db, &code, NULL) == want);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(bv_mem_used(BV_MEM_CURSOR), 0);
}

static int stop_after_two(void *ctx, const barsvt_batch *b) {
  (void)b;
  return ++*(int *)ctx == 2;
}

static void a_callback_can_stop(void **state) {
  (void)state;
  sqlite3 *db = make();
  barsvt_feed *f = open_feed(db, "feed", NULL);
  int n = 0;
  assert_int_equal(barsvt_feed_each(f, stop_after_two, &n, NULL), SQLITE_OK);
  assert_int_equal(n, 2);
  barsvt_batch b;
  assert_int_equal(barsvt_feed_next(f, &b, NULL), SQLITE_ROW);
  assert_int_equal(b.ts, START + 120);
  barsvt_feed_close(f);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(batches_are_the_rows),
      cmocka_unit_test(what_is_wrong),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(a_callback_can_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
