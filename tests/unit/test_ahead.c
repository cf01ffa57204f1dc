/*
** test_ahead.c - runs whose bars other threads decode, and whose rows they code, have the results of those without, to
** the bit, also those that are read on the way.
**
** Assets of two markets, chunks that end in the middle of the run, corrected bars among sealed ones, an end before that
** of the bars.  scripts/check.sh runs it under ThreadSanitizer, too.
*/
#include "data_help.h"

#include "data/settings.h"
#include "run/run.h"

enum { ASSETS = 20, BARS = 9000, EVERY = 4, LOOKS = 16 };

static char path[64];

/* A bar every 17 minutes, so that a sealed chunk has 3,855 of them; those of every third asset lie elsewhere and have
** holes. */
static void make(sqlite3 *db) {
  char sql[700];
  sql_ok(db, "BEGIN");
  for (int a = 0; a < ASSETS; a++) {
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i, c) AS (SELECT 0, 5000 + 31 * %d UNION ALL"
        " SELECT i + 1, c + (i * %d + i / 7 * 13) %% 41 - 20 + (c < 2000) * 50 FROM n WHERE i < %d)"
        " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
        " SELECT 'A%02d', 'minute', 1704067200 + 1020 * i + %d, c / 100.0, (c + 9) / 100.0,"
        " (c - 7) / 100.0, (c + i %% 5) / 100.0, i %% 100 FROM n WHERE %s",
        a, 17 + a, BARS - 1, a, a % 3 ? 0 : 300, a % 3 ? "1" : "i % 11 <> 3");
    sql_ok(db, sql);
  }
  sql_ok(db, "COMMIT");
  sql_ok(db, "SELECT bars_compact()");
  sql_ok(db, "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES"
             " ('A04', 'minute', 1704067200 + 1020 * 5000, 30, 31, 29, 30.5),"
             " ('A09', 'minute', 1704067200 + 1020 * 5003 + 7, 30, 31, 29, 30.5)");
}

static const char config[] =
    "{\"cash\": 100000, \"timestep\": \"minute\", \"commission\": 0.001, \"units\": \"fractional\","
    " \"end\": \"2024-04-10\", \"assets\": "
    "[\"A00\",\"A01\",\"A02\",\"A03\",\"A04\",\"A05\",\"A06\","
    "\"A07\",\"A08\",\"A09\",\"A10\",\"A11\",\"A12\",\"A13\",\"A14\",\"A15\",\"A16\",\"A17\","
    "\"A18\",\"A19\"]}";

/* Targets, and now and then an order that waits inside bars. */
static void decide(barsvt_run *run, uint64_t *r) {
  char *error = NULL;
  for (int k = 0; k < 4; k++) {
    const int a = (int)pick(r, ASSETS);
    const double weight = (double)pick(r, 8) / 40;
    if (barsvt_run_order_at(run, a, BARSVT_TARGET_WEIGHT, weight, NULL, &error) != SQLITE_OK) {
      fail_msg("%s", error);
    }
  }
  const int a = (int)pick(r, ASSETS);
  const double price = barsvt_run_price_at(run, a);
  const barsvt_order limit = {.size = sizeof limit,
                              .kind = BARSVT_QTY,
                              .asset = barsvt_run_asset(run, a),
                              .amount = 3,
                              .type = BARSVT_LIMIT,
                              .limit_price = price * 0.995,
                              .tif = BARSVT_DAY};
  if (!isnan(price) && barsvt_run_submit(run, &limit, &error) != SQLITE_OK) fail_msg("%s", error);
}

/* Everything a run has stored, as one text. */
static char *results(sqlite3 *db, int64_t id) {
  char sql[900];
  snprintf(sql, sizeof sql,
           "SELECT (SELECT group_concat(printf('%%d %%s %%!.17g %%!.17g %%!.17g', ts, asset, qty, "
           "price, pnl))"
           " FROM bt_fill WHERE run = %lld) || char(10) ||"
           " (SELECT group_concat(printf('%%d %%!.17g %%!.17g', ts, value, cash)) FROM bt_equity "
           "WHERE run = %lld)"
           " || (SELECT group_concat(printf('%%s %%!.17g', name, value)) FROM bt_metric WHERE run "
           "= %lld)"
           " || (SELECT group_concat(printf('%%!.17g %%!.17g %%d', mae, mfe, bars)) FROM bt_lot "
           "WHERE run = %lld)",
           (long long)id, (long long)id, (long long)id, (long long)id);
  return sql_text(db, sql);
}

/* What the tables show in the middle of a run. */
static double look(sqlite3 *db, int64_t id) {
  char sql[300];
  snprintf(sql, sizeof sql,
           "SELECT (SELECT count(*) + total(id) FROM bt_order WHERE run = %lld) +"
           " (SELECT total(id * qty) + total(price) FROM bt_fill WHERE run = %lld) +"
           " (SELECT total(id) FROM bt_lot WHERE run = %lld)",
           (long long)id, (long long)id, (long long)id);
  char *text = sql_text(db, sql);
  const double x = strtod(text, NULL);
  assert_true(x > 0);
  sqlite3_free(text);
  return x;
}

static char *run_with(sqlite3 *db, int threads, double seen[LOOKS]) {
  char sql[80], *error = NULL;
  barsvt_run *run;
  uint64_t r = 77;
  int64_t ts, steps = 0;
  int looks = 0;
  snprintf(sql, sizeof sql, "SELECT bars_config('threads', %d)", threads);
  sql_ok(db, sql);
  if (barsvt_run_open(db, NULL, config, &run, &error) != SQLITE_OK) fail_msg("%s", error);
  while (barsvt_run_step(run, &ts, &error) == SQLITE_ROW) {
    if (steps++ % EVERY == 0) decide(run, &r);
    if (steps % 777 == 0 && looks < LOOKS) seen[looks++] = look(db, barsvt_run_id(run));
    if (steps == 9000) assert_int_equal(barsvt_run_write(run, &error), SQLITE_OK);
  }
  if (error) fail_msg("%s", error);
  assert_int_equal(looks, LOOKS);
  const int64_t id = barsvt_run_id(run);
  const bool crew = db_store(db)->run && ((const bv_run *)db_store(db)->run)->feed.crew;
  assert_int_equal(crew, threads > 1);
  assert_int_equal(barsvt_run_close(run, 0, &error), SQLITE_OK);
  return results(db, id);
}

static void compare(sqlite3 *db) {
  double then[LOOKS], now[LOOKS];
  char *want = run_with(db, 1, then);
  assert_true(strlen(want) > 1000000);
  static const int threads[] = {2, 2, 4};
  for (size_t i = 0; i < COUNT(threads); i++) {
    char *got = run_with(db, threads[i], now);
    assert_memory_equal(now, then, sizeof then);
    if (strcmp(got, want) != 0) fail_msg("results with %d threads differ", threads[i]);
    sqlite3_free(got);
  }
  sqlite3_free(want);
}

static void results_are_the_same(void **state) {
  (void)state;
  const int64_t before = mem_used();
  sqlite3 *db = db_open(path);
  make(db);
  compare(db);
  db_close(db);
  assert_int_equal(mem_used(), before);
}

/* A run that is given up on the way, or fails, leaves no thread and no memory. */
static void runs_that_end_early(void **state) {
  (void)state;
  const int64_t before = mem_used();
  sqlite3 *db = db_open(path);
  barsvt_run *run;
  char *error = NULL;
  int64_t ts;
  sql_ok(db, "SELECT bars_config('threads', 3)");
  for (int steps = 3000; steps < 6000; steps += 700) {
    if (barsvt_run_open(db, NULL, config, &run, &error) != SQLITE_OK) fail_msg("%s", error);
    for (int i = 0; i < steps; i++) assert_int_equal(barsvt_run_step(run, &ts, &error), SQLITE_ROW);
    assert_int_equal(barsvt_run_close(run, 1, &error), SQLITE_OK);
  }
  sql_ok(db, "UPDATE barsvt_seg SET data = zeroblob(length(data)), checksum = 0"
             " WHERE id = (SELECT max(id) FROM barsvt_seg WHERE id & 15 = 1 AND id >> 36 ="
             " (SELECT s.id FROM barsvt_series s JOIN barsvt_asset a ON a.id = s.asset"
             " WHERE a.asset = 'A10'))");
  if (barsvt_run_open(db, NULL, config, &run, &error) != SQLITE_OK) fail_msg("%s", error);
  int code;
  while ((code = barsvt_run_step(run, &ts, &error)) == SQLITE_ROW) {
  }
  assert_int_equal(code, SQLITE_CORRUPT_VTAB);
  if (!strstr(error, "high of A10")) fail_msg("%s", error);
  sqlite3_free(error);
  error = NULL;
  (void)barsvt_run_close(run, 1, &error);
  sqlite3_free(error);
  db_close(db);
  assert_int_equal(mem_used(), before);
}

static int setup(void **state) {
  (void)state;
  db_file_name("ahead", path, sizeof path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_file_remove(path);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_the_same),
      cmocka_unit_test(runs_that_end_early),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
