/*
** bench_scan.c - W2, W3, W4, W5 in SQL: resampling, scanning, loading, indicators over one symbol.
*/
#include "bench.h"

static double sum(sqlite3 *db, const char *sql) {
  return bench_value(db, sql);
}

/* A cold start each time: a new connection has no windows. */
static double cold(const char *file, const char *sql) {
  sqlite3 *db = bench_connect(file);
  double v = bench_value(db, sql);
  sqlite3_close(db);
  return v;
}

static void bench_load(double n) {
  char csv[512], sql[700], extra[80];
  const char *file = "bench/out/load.db";
  bench_csv(csv);
  snprintf(sql, sizeof sql, "SELECT bars_import('%s', NULL, 'minute')", csv);
  remove(file);
  BENCH("W4", "csv_to_store", n, "", {
    remove(file);
    sqlite3 *db = bench_connect(file);
    bench_exec(db, sql);
    sqlite3_close(db);
  });
  sqlite3 *db = bench_connect(file);
  double bytes = sum(db, "SELECT sum(length(data)) FROM barsvt_seg");
  double pages = sum(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  sqlite3_close(db);
  snprintf(extra, sizeof extra, "\"bytes_per_bar\":%.3f,\"file_bytes_per_bar\":%.3f", bytes / n,
           pages / n);
  double t[1] = {0};
  bench_print("W4", "size", n, t, 1, bytes, extra);
}

int main(void) {
  sqlite3 *db = bench_open();
  char file[600];
  snprintf(file, sizeof file, "%s", sqlite3_db_filename(db, "main"));
  double n = sum(db, "SELECT count(*) FROM bars('S000', 'minute')");
  static const struct {
    const char *metric, *step;
  } steps[] = {{"resample_5m", "5 minutes"}, {"resample_1h", "hour"}, {"resample_1d", "day"}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT sum(volume), sum(open), max(high), min(low), sum(close) FROM bars_agg('S000', "
             "'%s')",
             steps[i].step);
    BENCH("W2", steps[i].metric, n, "", check += cold(file, sql););
  }
  BENCH("W3", "avg_close_cold", n, "",
        check += cold(file, "SELECT avg(close) FROM bars('S000', 'minute')"););
  BENCH("W3", "avg_close", n, "",
        check += sum(db, "SELECT avg(close) FROM bars('S000', 'minute')"););
  BENCH("W5", "rows_only", n, "", check += sum(db, "SELECT count(*) FROM bars('S000', 'minute')"););
  BENCH("W5", "sma9", n, "",
        check += sum(db, "SELECT sum(sma(bars, 9)) FROM bars('S000', 'minute')"););
  BENCH("W5", "ema21", n, "",
        check += sum(db, "SELECT sum(ema(bars, 21)) FROM bars('S000', 'minute')"););
  BENCH("W5", "rsi14", n, "",
        check += sum(db, "SELECT sum(rsi(bars, 14)) FROM bars('S000', 'minute')"););
  BENCH("W5", "stdev20", n, "",
        check += sum(db, "SELECT sum(stdev(bars, 20)) FROM bars('S000', 'minute')"););
  double total = sum(db, "SELECT sum(bars) FROM bars_coverage");
  sqlite3_close(db);
  bench_load(total);
  return 0;
}
