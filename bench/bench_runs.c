/*
** bench_runs.c - W6: an SMA 10/30 cross with fees over the whole of one symbol, set mode and step mode,
** with orders, fills, trades, equity and metrics stored.
*/
#include "bench.h"

static double run(sqlite3 *db, const char *view) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT bt_run('%s', '{\"commission\": 0.0005}')", view);
  bench_exec(db, "SAVEPOINT bench");
  double id = bench_value(db, sql);
  snprintf(sql, sizeof sql, "SELECT value FROM bt_run WHERE id = %.0f", id);
  double v = bench_value(db, sql);
  bench_exec(db, "ROLLBACK TO bench; RELEASE bench");
  return v;
}

int main(void) {
  sqlite3 *db = bench_open();
  double n = bench_value(db, "SELECT count(*) FROM bars('S000', 'minute')");
  bench_exec(db,
             "CREATE TEMP VIEW cross_set AS SELECT known_at, asset, CASE WHEN sma(bars, 10) > "
             "sma(bars, 30) THEN 1.0 ELSE 0.0 END AS target_weight FROM bars('S000', 'minute')");
  bench_exec(db, "CREATE TEMP VIEW cross_step AS SELECT 'S000' AS asset, CASE WHEN "
                 "sma('S000', 'minute', 10) > sma('S000', 'minute', 30) THEN 1.0 ELSE 0.0 END "
                 "AS target_weight");
  bench_exec(db, "CREATE TEMP VIEW one_step AS SELECT 'S000' AS asset, sma('S000', 'minute', 10) > "
                 "last_price('S000') AS target_weight");
  BENCH("W6", "sma_cross_set", n, "", check += run(db, "cross_set"););
  BENCH("W6", "sma_cross_step", n, "", check += run(db, "cross_step"););
  BENCH("W6", "one_indicator_step", n, "", check += run(db, "one_step"););
  return sqlite3_close(db);
}
