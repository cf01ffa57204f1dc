/*
** bench_audit.c - W9: bt_audit of set-mode strategies with a row for each bar of one symbol, at 50 instants: one on
** indicators, one on a feed, and one that looks ahead.
*/
#include "bench.h"

int main(void) {
  sqlite3 *db = bench_open();
  bench_exec(db, "CREATE TEMP TABLE scores AS SELECT ts, asset, close AS score"
                 " FROM bars('S000', 'minute') WHERE ts % 300 = 0");
  bench_exec(db, "CREATE INDEX temp.scores_i ON scores(asset, ts)");
  bench_exec(db, "CREATE VIRTUAL TABLE temp.feed USING bars_feed(timestep=minute,"
                 " universe='S000', signals=(scores match=asof timing=next_bar))");
  bench_exec(db, "CREATE TEMP VIEW crossing AS SELECT known_at, asset,"
                 " sma(bars, 10) > sma(bars, 30) AS target_weight FROM bars('S000', 'minute')");
  bench_exec(db, "CREATE TEMP VIEW fed AS SELECT known_at, asset, close > score AS target_weight"
                 " FROM feed");
  bench_exec(db, "CREATE TEMP VIEW leaking AS SELECT known_at, asset,"
                 " lead(score) OVER (ORDER BY ts) > close AS target_weight FROM feed");
  double n = bench_value(db, "SELECT count(*) FROM crossing");
#define AUDIT(view) "SELECT count(*) FROM bt_audit('" view "', NULL, '{\"samples\": 50}')"
  BENCH("W9", "audit_indicators", n, "", check = bench_value(db, AUDIT("crossing")););
  BENCH("W9", "audit_feed", n, "", check = bench_value(db, AUDIT("fed")););
  BENCH("W9", "audit_leaking", n, "", check = bench_value(db, AUDIT("leaking")););
  sqlite3_close(db);
  return 0;
}
