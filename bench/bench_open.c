/*
** bench_open.c - W8: a database of 250 symbols and a year of minutes each, opened for little: one day of one
** symbol, and a summary of all.
**
** Every run is a connection of its own, from sqlite3_open to sqlite3_close.  "mb" is the memory that SQLite and
** the library hold at the end of the query.
*/
#include "bench.h"

#include "base/alloc.h"

enum { SYMBOLS = 250 };

/* The bars of one symbol under 250 names. */
static void make_many(const char *file) {
  char csv[512], sql[700];
  if (access(file, R_OK) == 0) return;
  bench_csv(csv);
  sqlite3 *db = bench_connect(":memory:");
  snprintf(sql, sizeof sql, "SELECT bars_import('%s', NULL, 'minute')", csv);
  bench_exec(db, sql);
  bench_exec(db, "SELECT bars_export('bench/out/one.csv', 'S000', 'minute', NULL, NULL, "
                 "'{\"overwrite\": true}')");
  sqlite3_close(db);
  db = bench_connect(file);
  bench_exec(db, "BEGIN");
  for (int i = 0; i < SYMBOLS; i++) {
    snprintf(sql, sizeof sql, "SELECT bars_import('bench/out/one.csv', 'S%03d', 'minute')", i);
    bench_exec(db, sql);
  }
  bench_exec(db, "COMMIT");
  sqlite3_close(db);
}

static double megabytes(void) {
  return ((double)sqlite3_memory_used() + (double)bv_mem_total()) / 1e6;
}

static void open_and_ask(const char *metric, const char *file, double n, const char *sql) {
  double t[BENCH_MAX_REPS], check = 0, mb = 0;
  char extra[40];
  int reps = bench_reps();
  for (int r = 0; r < reps; r++) {
    double began = bench_now();
    sqlite3 *db = bench_connect(file);
    check = bench_value(db, sql);
    mb = fmax(mb, megabytes());
    sqlite3_close(db);
    t[r] = bench_now() - began;
  }
  snprintf(extra, sizeof extra, "\"mb\":%.2f", mb);
  bench_print("W8", metric, n, t, reps, check, extra);
}

int main(void) {
  const char *file = "bench/out/many.db";
  make_many(file);
  open_and_ask("open_day_of_250", file, 390,
               "SELECT sum(close) FROM bars('S123', 'minute', '2024-06-03', '2024-06-04')");
  open_and_ask(
      "open_summary_of_250", file, SYMBOLS,
      "SELECT sum(volume) FROM bars_summary WHERE asset IN (SELECT asset FROM barsvt_asset)"
      " AND timestep = 'minute'");
  sqlite3 *db = bench_connect(file);
  const char *summary = "SELECT sum(volume) FROM bars_summary WHERE asset IN (SELECT asset FROM "
                        "barsvt_asset) AND timestep = 'minute'";
  bench_value(db, summary);
  BENCH("W8", "summary_of_250", SYMBOLS, "", check = bench_value(db, summary););
  BENCH("W8", "day_of_250", 390, "",
        check = bench_value(db, "SELECT sum(close) FROM bars('S123', 'minute', '2024-06-03', "
                                "'2024-06-04')"););
  sqlite3_close(db);
  return 0;
}
