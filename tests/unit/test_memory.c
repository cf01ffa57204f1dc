/*
** test_memory.c - real bytes: after a connection is closed nothing of it is left, whatever was done;
** queries give back what they took; the limit holds; figures add up.
*/
#include "data_help.h"

#include "data/blocks.h"
#include "data/evict.h"
#include "data/window.h"

#include <pthread.h>
#include <sys/stat.h>

static model bars;

static int setup(void **state) {
  (void)state;
  bars = model_new("minute", 1709251200, 20000, 10, false, 1);
  sqlite3 *db = db_open(":memory:"); /* zones are loaded once and stay */
  sql_ok(db, "SELECT bars_time('2024-01-01', 'America/New_York'), bars_time('2024-01-01', "
             "'Asia/Tokyo')");
  db_close(db);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  model_free(&bars);
  return 0;
}

static const char *const work[] = {
    "SELECT count(close), total(sma(bars, 20)) FROM bars('A', 'minute')",
    "SELECT ts, close FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 10000",
    "SELECT total(rsi(bars_agg, 14)) FROM bars_agg('A', '15 minutes')",
    "SELECT count(*) FROM bars_agg('A', 'day', NULL, NULL, 'Asia/Tokyo', '09:00-17:00')",
    "SELECT count(*) FROM bars_agg('A', 'minute', '2024-03-01', '2024-03-02', NULL, NULL, 'prev')",
    "SELECT ts, asset FROM bars WHERE asset IN ('A', 'B') AND timestep = 'minute' ORDER BY ts",
    "SELECT * FROM bars_asof('A', 'minute', '2024-03-02')",
    "SELECT sma('A', 'minute', 50), last_price('A'), stdev('A', 'minute', 9, 'rsi:5')",
    "SELECT * FROM bars_coverage",
    "SELECT * FROM bars_stat",
    "SELECT * FROM bars_cache",
    "SELECT * FROM bars_indicator",
    "SELECT * FROM bars('NONE', 'minute')",
    "SELECT sma(bars, 0) FROM bars('A', 'minute')",
    "SELECT prev(bars, 100000000) FROM bars('A', 'minute') LIMIT 1",
    "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
    "('B', 'minute', 60, 1, 1, 1, 1)",
    "DELETE FROM bars WHERE asset = 'B' AND timestep = 'minute'",
    "SELECT bars_compact()",
    "SELECT bars_import('tests/tmp/no such file', 'C', 'day')",
    "CREATE VIEW IF NOT EXISTS v AS SELECT known_at, asset, CASE WHEN sma(bars, 5) > sma(bars, 20) "
    "THEN 1 ELSE 0 END AS target_weight FROM bars('A', 'minute')",
    "CREATE VIEW IF NOT EXISTS w AS SELECT asset, 1 AS target_qty FROM bars_asof('A', 'minute')",
    "SELECT bt_run('v')",
    "SELECT bt_run('w', '{\"end\": \"2024-03-01 10:00\"}')",
    "SELECT bt_run('nothing')",
    "SELECT count(*) FROM bt_equity",
    "SELECT count(*) FROM bt_metric",
    "SELECT bt_run('v', '{\"benchmark\": \"A\"}')",
    "SELECT m_sharpe(close, 252), m_beta(close, open) FROM bars('A', 'minute')",
    "SELECT m_var(close) OVER (ORDER BY ts ROWS 9 PRECEDING) FROM bars('A', 'minute')",
    "SELECT m_var(close, 9) FROM bars('A', 'minute')",
    "SELECT m_var(close) OVER (ORDER BY ts ROWS 9 PRECEDING), m_var(close, asset) OVER (ORDER BY "
    "ts) FROM bars('A', 'minute')",
    "SELECT * FROM bars_metric",
};

static void do_work(sqlite3 *db) {
  for (size_t i = 0; i < COUNT(work); i++) sqlite3_free(sql_text(db, work[i]));
}

static sqlite3 *filled(void) {
  sqlite3 *db = db_open(":memory:");
  model_store(db_store(db), &bars, "A", "minute", "America/New_York");
  sql_ok(db, work[15]);
  return db;
}

static void nothing_is_left_after_close(void **state) {
  (void)state;
  for (int round = 0; round < 2; round++) {
    int64_t before = mem_used(), sqlite_before = sqlite3_memory_used();
    int64_t used[BV_MEM_COUNT];
    for (int c = 0; c < BV_MEM_COUNT; c++) used[c] = bv_mem_used((bv_mem)c);
    sqlite3 *db = filled();
    do_work(db);
    assert_true(mem_used() > before);
    db_close(db);
    for (int c = 0; c < BV_MEM_COUNT; c++) {
      if (c == BV_MEM_TIME || bv_mem_used((bv_mem)c) == used[c]) continue;
      fail_msg("%lld bytes of '%s' are left", (long long)(bv_mem_used((bv_mem)c) - used[c]),
               bv_mem_name((bv_mem)c));
    }
    assert_int_equal(sqlite3_memory_used(), sqlite_before);
  }
}

/* Each statement gives back what it took, but for windows, blocks, statements and decoded chunks, which are
** caches: doing it all again needs no more. */
static void work_repeated_needs_no_more(void **state) {
  (void)state;
  sqlite3 *db = filled();
  int64_t after[3] = {0};
  for (int round = 0; round < 3; round++) {
    do_work(db);
    bv_window_drop_all(db_store(db));
    bv_blocks_drop_all(db_store(db));
    after[round] = mem_used();
  }
  assert_int_equal(after[2], after[1]);
  db_close(db);
}

/* Only what is in use now may be over the limit: what a scan reads, never a growing cache. */
static void the_limit_holds(void **state) {
  (void)state;
  sqlite3 *db = filled();
  sql_ok(db, "SELECT bars_config('memory_limit', '1 MB')");
  char sql[200];
  for (int i = 1; i < 60; i++) { /* each makes a window of its own */
    snprintf(sql, sizeof sql,
             "SELECT total(sma(bars_agg, %d)) FROM bars_agg('A', '%d minutes') ORDER BY ts DESC", i,
             i);
    sqlite3_free(sql_text(db, sql));
    snprintf(sql, sizeof sql,
             "SELECT close FROM bars_agg('A', '%d minutes') ORDER BY ts DESC LIMIT 2", i);
    sqlite3_free(sql_text(db, sql));
    bv_evict(db_store(db));
    assert_true(bv_mem_total() <= 1000000);
  }
  sql_is(db, "SELECT value > 20 FROM bars_stat WHERE name = 'evict'", "1");
  sql_ok(db, "SELECT bars_config('memory_limit', '1 GiB')");
  db_close(db);
}

/* While something is read the limit is passed by one decoded segment at the most. */
static void the_peak_is_bounded(void **state) {
  (void)state;
  static const char *const query[] = {
      "SELECT total(close), total(sma(bars, 20)) FROM bars('L', 'minute')",
      "SELECT total(close), total(volume), max(high), total(open) FROM bars('L', 'minute')",
      "SELECT total(close * count), total(high) FROM bars_agg('L', '5 minutes')",
      "SELECT total(close), total(ema(bars_agg, 9)) FROM bars_agg('L', 'hour')",
      "SELECT total(ema(bars, 50)) FROM (SELECT bars FROM bars('L', 'minute') ORDER BY ts DESC)",
      "SELECT sma('L', 'minute', 200), ema('L', 'minute', 200), last_price('L', 'minute')",
      "SELECT total(vwap) FROM bars_summary('L', 'minute', 1000000, 9000000)",
      "SELECT bars FROM bars_summary('L', 'minute')"};
  const int64_t segment = 65536 * 8 * 6,
                decoder = 700000; /* five columns and the times; what decoding needs */
  sqlite3 *db = db_open(":memory:");
  sql_ok(db,
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 250000) INSERT "
         "INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'L', 'minute', "
         "60 * i, i % 89, i % 89 + 2, i % 89, i % 89 + 1, i % 31 FROM n");
  sql_ok(db, "SELECT bars_compact()");
  static const char *const limit[] = {"1 MB", "2 MB", "8 MB"};
  static const int64_t bytes[] = {1000000, 2000000, 8000000};
  char *want[COUNT(query)];
  for (size_t i = 0; i < COUNT(query); i++) want[i] = sql_text(db, query[i]);
  for (size_t k = 0; k < COUNT(limit); k++) {
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT bars_config('memory_limit', '%s')", limit[k]);
    sql_ok(db, sql);
    for (int round = 0; round < 2; round++) {
      for (size_t i = 0; i < COUNT(query); i++) {
        bv_mem_peak_reset();
        sql_is(db, query[i], want[i]);
        if (bv_mem_peak() > bytes[k] + segment + decoder) {
          fail_msg("%s: %lld bytes at %s", query[i], (long long)bv_mem_peak(), limit[k]);
        }
      }
    }
  }
  for (size_t i = 0; i < COUNT(query); i++) sqlite3_free(want[i]);
  sql_ok(db, "SELECT bars_config('memory_limit', '1 GiB')");
  db_close(db);
}

static void limits_change_no_result(void **state) {
  (void)state;
  sqlite3 *db = filled();
  static const char *const query[] = {
      "SELECT total(close), total(sma(bars, 20)), total(rsi(bars, 14)) FROM bars('A', 'minute')",
      "SELECT total(c) FROM (SELECT close c FROM bars('A', 'minute') ORDER BY ts DESC LIMIT 99)",
      "SELECT total(close * count), max(ts) FROM bars_agg('A', '7 minutes')",
      "SELECT sma('A', 'minute', 500), ema('A', 'minute', 30), stdev('A', 'minute', 9, 'sma:5')",
      "SELECT total(prev(bars, 400)) FROM bars('A', 'minute', '2024-03-01 12:00')",
      "SELECT total(atr(bars, 14)) FROM (SELECT bars FROM bars('A', 'minute') ORDER BY ts DESC)"};
  char *want[COUNT(query)];
  for (size_t i = 0; i < COUNT(query); i++) want[i] = sql_text(db, query[i]);
  sql_ok(db, "SELECT bars_config('memory_limit', '1 MB'), bars_config('history', 30), "
             "bars_config('future', 7)");
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < COUNT(query); i++) sql_is(db, query[i], want[i]);
  }
  for (size_t i = 0; i < COUNT(query); i++) sqlite3_free(want[i]);
  sql_ok(db, "SELECT bars_config('memory_limit', '1 GiB')");
  db_close(db);
}

/* A long scan streams: its memory does not depend on how many bars there are. */
static void scans_stream(void **state) {
  (void)state;
  sqlite3 *db = filled();
  sqlite3_stmt *st;
  bv_window_drop_all(db_store(db));
  assert_int_equal(
      sqlite3_prepare_v2(db, "SELECT ts, close FROM bars('A', 'minute')", -1, &st, NULL),
      SQLITE_OK);
  int64_t before = mem_used(), most = 0, rows = 0;
  for (; sqlite3_step(st) == SQLITE_ROW; rows++) {
    int64_t now = mem_used() - before;
    if (now > most) most = now;
  }
  sqlite3_finalize(st);
  assert_int_equal(rows, bars.n);
  /* two pieces of 4,096 bars with times and one column, twice each, and decoded chunks */
  assert_true(most < 8 * 4096 * 2 * 2 * 2 + 8 * 65536 * 8);
  db_close(db);
}

static void figures_add_up(void **state) {
  (void)state;
  sqlite3 *db = filled();
  do_work(db);
  char *sum = sql_text(db, "SELECT sum(value) FROM bars_stat WHERE name LIKE 'memory.%'");
  sql_is(db, "SELECT (SELECT value FROM bars_stat WHERE name = 'memory') > 0", "1");
  assert_true(strtoll(sum, NULL, 10) > 0);
  sqlite3_free(sum);
  sql_is(db,
         "SELECT count(*) = (SELECT count(*) FROM bars_stat WHERE name LIKE 'memory.%' AND value "
         ">= 0) FROM bars_stat WHERE name LIKE 'memory.%'",
         "1");
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_left_after_close),
      cmocka_unit_test(work_repeated_needs_no_more),
      cmocka_unit_test(the_limit_holds),
      cmocka_unit_test(the_peak_is_bounded),
      cmocka_unit_test(limits_change_no_result),
      cmocka_unit_test(scans_stream),
      cmocka_unit_test(figures_add_up),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
