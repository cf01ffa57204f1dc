/*
** bench_runs.c - W6: an SMA 10/30 cross with fees over the whole of one symbol, with orders, fills, trades,
** equity and metrics stored.
**
**   sma_cross_set      set mode, the comparison at every bar
**   sma_cross_above    set mode, the bars at which it changes (bars_above)
**   sma_cross_window   set mode, averages as window functions of SQLite
**   sma_cross_step     step mode
**   sma_cross_c        a function in C, called at each step, gives the orders
**   no_strategy_c      the loop without orders: bars, marks, equity and metrics alone
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

/* The same in a program, which keeps its own sums. */
typedef struct cross {
  double window[30], fast, slow;
  long n;
  int at; /* in the window: the oldest price */
  int asset, in;
} cross;

static int at_step(void *ctx, barsvt_run *r, int64_t ts) {
  (void)ts;
  cross *c = ctx;
  double price = barsvt_run_price_at(r, c->asset);
  c->fast -= c->window[c->at < 10 ? c->at + 20 : c->at - 10];
  c->slow -= c->window[c->at];
  c->window[c->at] = price;
  c->fast += price;
  c->slow += price;
  c->at = c->at == 29 ? 0 : c->at + 1;
  int want = ++c->n >= 30 && c->fast / 10 > c->slow / 30;
  if (want == c->in) return 0;
  c->in = want;
  return barsvt_run_order_at(r, c->asset, BARSVT_TARGET_WEIGHT, want, NULL, NULL);
}

static int at_step_idle(void *ctx, barsvt_run *r, int64_t ts) {
  (void)ctx;
  (void)r;
  (void)ts;
  return 0;
}

static double loop(sqlite3 *db, int trade) {
  barsvt_run *r;
  char *why = NULL;
  cross c = {0};
  bench_exec(db, "SAVEPOINT bench");
  if (barsvt_run_open(db, NULL,
                      "{\"commission\": 0.0005, \"assets\": \"S000\", \"timestep\": \"minute\"}",
                      &r, &why) != SQLITE_OK)
    bench_die(db, why);
  c.asset = barsvt_run_find(r, "S000");
  if (barsvt_run_each(r, trade ? at_step : at_step_idle, &c, &why) != SQLITE_DONE) {
    bench_die(db, why);
  }
  double v = barsvt_run_value(r);
  if (barsvt_run_close(r, 0, &why) != SQLITE_OK) bench_die(db, why);
  bench_exec(db, "ROLLBACK TO bench; RELEASE bench");
  return v;
}

int main(void) {
  sqlite3 *db = bench_open();
  double n = bench_value(db, "SELECT count(*) FROM bars('S000', 'minute')");
  bench_first_run(db, "minute");
  bench_exec(db,
             "CREATE TEMP VIEW cross_set AS SELECT known_at, asset, CASE WHEN sma(bars, 10) > "
             "sma(bars, 30) THEN 1.0 ELSE 0.0 END AS target_weight FROM bars('S000', 'minute')");
  bench_exec(db, "CREATE TEMP VIEW cross_step AS SELECT 'S000' AS asset, CASE WHEN "
                 "sma('S000', 'minute', 10) > sma('S000', 'minute', 30) THEN 1.0 ELSE 0.0 END "
                 "AS target_weight");
  bench_exec(db, "CREATE TEMP VIEW cross_above AS SELECT known_at, asset, above AS target_weight"
                 " FROM bars_above('S000', 'minute', 'sma:10', 'sma:30')");
  bench_exec(db, "CREATE TEMP VIEW cross_window AS SELECT known_at, asset, CASE WHEN avg(close)"
                 " OVER (ORDER BY ts ROWS 9 PRECEDING) > avg(close) OVER (ORDER BY ts ROWS 29"
                 " PRECEDING) THEN 1.0 ELSE 0.0 END AS target_weight FROM bars('S000', 'minute')");
  bench_exec(db, "CREATE TEMP VIEW one_step AS SELECT 'S000' AS asset, sma('S000', 'minute', 10) > "
                 "last_price('S000') AS target_weight");
  BENCH("W6", "sma_cross_set", n, "", check += run(db, "cross_set"););
  BENCH("W6", "sma_cross_above", n, "", check += run(db, "cross_above"););
  BENCH("W6", "sma_cross_window", n, "", check += run(db, "cross_window"););
  BENCH("W6", "sma_cross_step", n, "", check += run(db, "cross_step"););
  BENCH("W6", "sma_cross_c", n, "", check += loop(db, 1););
  BENCH("W6", "no_strategy_c", n, "", check += loop(db, 0););
  BENCH("W6", "one_indicator_step", n, "", check += run(db, "one_step"););
  return sqlite3_close(db);
}
