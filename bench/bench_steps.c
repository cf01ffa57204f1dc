/*
** bench_steps.c - W1, its parts, and W2w: what a strategy asks at each of 3,270 consecutive minutes.
**
**   W1   the mean close of the last 200 bars and the last price, as functions and as SQL over rows
**   W2w  the last 100 five-minute bars
*/
#include "bench.h"

enum { STEPS = 3270, START = 50000 };
static int64_t known[STEPS];

static void load_times(sqlite3 *db) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT known_at FROM bars('S000', 'minute') LIMIT %d OFFSET %d", STEPS,
           START);
  sqlite3_stmt *st = bench_prepare(db, sql);
  for (int i = 0; i < STEPS && sqlite3_step(st) == SQLITE_ROW; i++) {
    known[i] = sqlite3_column_int64(st, 0);
  }
  sqlite3_finalize(st);
}

static void set_clock(sqlite3_stmt *clock, int64_t t) {
  sqlite3_bind_int64(clock, 1, t);
  sqlite3_step(clock);
  sqlite3_reset(clock);
}

static double one(sqlite3_stmt *st) {
  double v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_double(st, 0) : NAN;
  sqlite3_reset(st);
  return v;
}

/* The mean of the rows and the first of them, which is the newest. */
static double mean_and_first(sqlite3_stmt *st) {
  double sum = 0, first = 0;
  int n = 0;
  for (; sqlite3_step(st) == SQLITE_ROW; n++) {
    double v = sqlite3_column_double(st, 0);
    if (n == 0) first = v;
    sum += v;
  }
  sqlite3_reset(st);
  return n ? sum / n + first : 0;
}

int main(void) {
  sqlite3 *db = bench_open();
  bench_exec(db, "BEGIN");
  load_times(db);
  sqlite3_stmt *clock = bench_prepare(db, "SELECT bars_clock(?1)");
  sqlite3_stmt *sma = bench_prepare(db, "SELECT sma('S000', 'minute', 200)");
  sqlite3_stmt *last = bench_prepare(db, "SELECT last_price('S000', 'minute')");
  sqlite3_stmt *rows = bench_prepare(db, "SELECT avg(close) FROM (SELECT close FROM bars('S000', "
                                         "'minute') ORDER BY ts DESC LIMIT 200)");
  sqlite3_stmt *agg = bench_prepare(
      db, "SELECT close FROM bars_agg('S000', '5 minutes') ORDER BY ts DESC LIMIT 100");
  BENCH(
      "W1", "functions", STEPS, "\"what\":\"clock, sma and last_price, three statements\"",
      for (int i = 0; i < STEPS; i++) {
        set_clock(clock, known[i]);
        check += one(sma) + one(last);
      });
  BENCH("W1-part", "sma", STEPS, "\"what\":\"sma alone, at a clock\"",
        for (int i = 0; i < STEPS; i++) check += one(sma););
  BENCH("W1-part", "last_price", STEPS, "\"what\":\"last_price alone, at a clock\"",
        for (int i = 0; i < STEPS; i++) check += one(last););
  BENCH(
      "W1", "avg200", STEPS, "\"what\":\"SQL over the last 200 rows, and last_price\"",
      for (int i = 0; i < STEPS; i++) {
        set_clock(clock, known[i]);
        check += one(rows) + one(last);
      });
  BENCH(
      "W2w", "last100_5m", STEPS, "", for (int i = 0; i < STEPS; i++) {
        set_clock(clock, known[i]);
        check += mean_and_first(agg);
      });
  sqlite3_finalize(clock);
  sqlite3_finalize(sma);
  sqlite3_finalize(last);
  sqlite3_finalize(rows);
  sqlite3_finalize(agg);
  return sqlite3_close(db);
}
