/*
** test_threads.c - several threads, each with a connection of its own to one database file: they write
** bars, read each other's, run backtests and evict under one budget at once.  scripts/check.sh runs it
** under ThreadSanitizer, too.
*/
#include "data_help.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

enum { THREADS = 4, ROUNDS = 25, BARS = 8 };

static char path[64];

typedef struct worker {
  pthread_t thread;
  int id;
  int64_t seen[THREADS]; /* bars of each asset read last: never fewer later */
  char error[1000];
} worker;

/* cmocka's asserts are for the main thread; a worker notes the first thing that is wrong. */
static bool wrong(worker *w, const char *what, const char *got) {
  if (!w->error[0]) snprintf(w->error, sizeof w->error, "thread %d: %s: %s", w->id, what, got);
  return false;
}

/* The first value of a query.  Busy or outdated snapshots are tried again, as a program would do. */
static char *value(worker *w, sqlite3 *db, const char *sql) {
  for (int attempt = 0; attempt < 200; attempt++) {
    char *got = sql_text(db, sql);
    if (strncmp(got, "error 5:", 8) != 0 && strncmp(got, "error 6:", 8) != 0) return got;
    sqlite3_free(got);
    struct timespec wait = {0, 2000000};
    nanosleep(&wait, NULL);
  }
  wrong(w, sql, "always busy");
  return sqlite3_mprintf("busy");
}

static bool expect(worker *w, sqlite3 *db, const char *sql, const char *want) {
  char *got = value(w, db, sql);
  bool good = strcmp(got, want) == 0 || wrong(w, sql, got);
  sqlite3_free(got);
  return good;
}

static bool write_bars(worker *w, sqlite3 *db, int round) {
  char sql[400], want[40];
  snprintf(sql, sizeof sql,
           "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
           "INSERT INTO bars(asset, timestep, ts, open, high, low, close) "
           "SELECT 'T%d', 'minute', 60 * i, i, i, i, i FROM n",
           round * BARS, round * BARS + BARS - 1, w->id);
  if (!expect(w, db, sql, "none")) return false;
  snprintf(sql, sizeof sql, "SELECT last_price('T%d', 'minute')", w->id);
  snprintf(want, sizeof want, "%d.0", round * BARS + BARS - 1);
  return expect(w, db, sql, want);
}

/* Whole writes of the others, never a part of one, and never fewer than before. */
static bool read_bars(worker *w, sqlite3 *db, int other) {
  char sql[300];
  snprintf(
      sql, sizeof sql,
      "SELECT count(*) || ' ' || (total(close) = count(*) * (count(*) - 1) / 2.0) || ' ' || "
      "(total(sma(bars, 3)) = (count(*) - 2) * (count(*) - 1) / 2.0) FROM bars('T%d', 'minute')",
      other);
  char *got = value(w, db, sql);
  long long n = -1;
  int sum = 0, means = 0;
  bool good = true;
  if (strncmp(got, "error 1:", 8) == 0 && w->seen[other] == 0) {
    n = 0; /* not written yet */
  } else if (sscanf(got, "%lld %d %d", &n, &sum, &means) != 3 || n % BARS || n < w->seen[other] ||
             !sum || !means) {
    good = wrong(w, sql, got);
  }
  w->seen[other] = n;
  sqlite3_free(got);
  return good;
}

/* The newest bars of another, by name: all of one state of the database. */
static bool read_newest(worker *w, sqlite3 *db, int other) {
  char sql[120];
  if (w->seen[other] == 0) return true;
  snprintf(sql, sizeof sql, "SELECT (sma('T%d', 'minute', 3) + 2) / %d, last_price('T%d') >= %lld",
           other, BARS, other, (long long)w->seen[other] - 1);
  char *got = value(w, db, sql);
  double rounds = -1;
  bool whole = sscanf(got, "%lf", &rounds) == 1 && rounds == floor(rounds) &&
               rounds * BARS >= (double)w->seen[other];
  if (!whole) wrong(w, sql, got);
  sqlite3_free(got);
  return whole;
}

static bool run_backtest(worker *w, sqlite3 *db, int round) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT bt_run('%s') > 0", round % 2 ? "step_mode" : "set_mode");
  if (!expect(w, db, sql, "1")) return false;
  return expect(w, db,
                "SELECT count(*) > 0 FROM bt_metric WHERE run = (SELECT max(id) FROM bt_run)", "1");
}

static void *work(void *p) {
  worker *w = p;
  sqlite3 *db;
  if (sqlite3_open(path, &db) != SQLITE_OK ||
      sqlite3_barsvt_init(db, NULL, NULL) != SQLITE_OK_LOAD_PERMANENTLY) {
    wrong(w, "open", sqlite3_errmsg(db));
    return NULL;
  }
  sqlite3_busy_timeout(db, 10000);
  sqlite3_free(value(w, db, "SELECT bars_config('history', 30)"));
  for (int round = 0; round < ROUNDS && !w->error[0]; round++) {
    bool good = write_bars(w, db, round);
    for (int other = 0; good && other < THREADS; other++) good = read_bars(w, db, other);
    for (int other = 0; good && other < THREADS; other++) good = read_newest(w, db, other);
    if (good && round % 5 == 4) good = run_backtest(w, db, round);
    if (good && round % 3 == 2) good = expect(w, db, "SELECT bars_compact() IS NOT NULL", "1");
    if (good) sqlite3_free(value(w, db, "SELECT bars_time('2024-01-01', 'Asia/Tokyo')"));
    if (good) sqlite3_free(value(w, db, "SELECT count(*) FROM bars_agg('T0', '15 minutes')"));
  }
  if (sqlite3_close(db) != SQLITE_OK) wrong(w, "close", sqlite3_errmsg(db));
  return NULL;
}

static void threads_share_a_database(void **state) {
  (void)state;
  worker w[THREADS] = {0};
  sqlite3 *db = db_open(path);
  sql_ok(db, "SELECT bars_time('2024-01-01', 'Asia/Tokyo')"); /* a zone, once loaded, stays */
  db_close(db);
  int64_t before = mem_used();
  db = db_open(path);
  sql_ok(db, "PRAGMA journal_mode = WAL");
  sql_ok(
      db,
      "CREATE VIEW set_mode AS SELECT known_at, asset, CASE WHEN sma(bars, 2) > sma(bars, 4) THEN "
      "1.0 ELSE 0.0 END AS target_weight FROM bars('FIRST', 'minute')");
  sql_ok(db, "CREATE VIEW step_mode AS SELECT asset, bt_qty(asset) + 1 AS target_qty FROM "
             "bars_asof('FIRST', 'minute')");
  sql_ok(db,
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT "
         "INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'FIRST', 'minute', 60 * i, "
         "i, i, i, i FROM n");
  for (int i = 0; i < THREADS; i++) {
    w[i].id = i;
    assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(w[i].thread, NULL), 0);
  for (int i = 0; i < THREADS; i++) {
    if (w[i].error[0]) fail_msg("%s", w[i].error);
  }
  for (int i = 0; i < THREADS; i++) {
    char sql[80], want[20];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM bars('T%d', 'minute')", i);
    snprintf(want, sizeof want, "%d", ROUNDS * BARS);
    sql_is(db, sql, want);
  }
  sql_is(db, "SELECT count(*) FROM bt_run WHERE status = 'done'", "20");
  sql_is(db, "PRAGMA integrity_check", "ok");
  db_close(db);
  assert_int_equal(mem_used(), before);
}

/* ---- one budget ---- */

enum { CLOCKS = 60, READS = 4 };

static const char *const read_sql[READS] = {
    "SELECT sma('L', 'minute', 50)", "SELECT hex(bars_agg_blob('L', '5 minutes', 'close', 20))",
    "SELECT hex(bars_agg_blob('L', '15 minutes', 'high,volume', 30))",
    "SELECT total(close) FROM (SELECT close FROM bars('L', 'minute') ORDER BY ts DESC LIMIT 700)"};
static char *expected[CLOCKS][READS];

static void set_clock(sqlite3 *db, int c) {
  char sql[80];
  snprintf(sql, sizeof sql, "SELECT bars_clock(%d)", 60 * (3000 + 97 * c));
  sqlite3_free(sql_text(db, sql));
}

/* What one connection reads does not depend on what others hold, give back or set. */
static void *read_under_pressure(void *p) {
  worker *w = p;
  sqlite3 *db;
  if (sqlite3_open(path, &db) != SQLITE_OK ||
      sqlite3_barsvt_init(db, NULL, NULL) != SQLITE_OK_LOAD_PERMANENTLY) {
    wrong(w, "open", sqlite3_errmsg(db));
    return NULL;
  }
  for (int round = 0; round < 4 * CLOCKS && !w->error[0]; round++) {
    int c = (round * (w->id + 1) + w->id * 7) % CLOCKS;
    set_clock(db, c);
    if (round % 40 == 0) {
      sqlite3_free(sql_text(db, round % 80 ? "SELECT bars_config('memory_limit', '8 MB')"
                                           : "SELECT bars_config('memory_limit', '1 MB')"));
    }
    for (int q = 0; q < READS; q++) expect(w, db, read_sql[q], expected[c][q]);
  }
  if (sqlite3_close(db) != SQLITE_OK) wrong(w, "close", sqlite3_errmsg(db));
  return NULL;
}

static void threads_share_one_budget(void **state) {
  (void)state;
  worker w[THREADS] = {0};
  sqlite3 *db = db_open(path);
  sql_ok(db,
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT "
         "INTO bars(asset, timestep, ts, open, high, low, close, volume) SELECT 'L', 'minute', "
         "60 * i, i % 89, i % 89 + 2, i % 89, i % 89 + 1, i % 31 FROM n");
  sql_ok(db, "SELECT bars_compact()");
  for (int c = 0; c < CLOCKS; c++) {
    set_clock(db, c);
    for (int q = 0; q < READS; q++) expected[c][q] = sql_text(db, read_sql[q]);
  }
  for (int i = 0; i < THREADS; i++) {
    w[i].id = i;
    assert_int_equal(pthread_create(&w[i].thread, NULL, read_under_pressure, &w[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(w[i].thread, NULL), 0);
  for (int i = 0; i < THREADS; i++) {
    if (w[i].error[0]) fail_msg("%s", w[i].error);
  }
  sql_ok(db, "SELECT bars_config('memory_limit', '1 GiB')");
  for (int c = 0; c < CLOCKS; c++) {
    for (int q = 0; q < READS; q++) sqlite3_free(expected[c][q]);
  }
  db_close(db);
}

static int setup(void **state) {
  (void)state;
  db_file_name("threads", path, sizeof path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_file_remove(path);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(threads_share_a_database, setup, teardown),
      cmocka_unit_test_setup_teardown(threads_share_one_budget, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
