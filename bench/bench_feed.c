/*
** bench_feed.c - W7: a feed of all bars with a signal every five minutes and asset as of each, row by row in SQL and
** instant by instant in C.
**
** Signals are the peers' signals.csv where PERF_DATA is set, else made from the bars.  They lie in a database of
** their own, keyed by asset and ts.  "asof_bars_left" is the peers' figure of that name: every bar gets the last
** signal with ts at or before its own, and the signals are added up.
*/
#include "bench.h"

static void load_signals(sqlite3 *db, const char *csv) {
  FILE *f = fopen(csv, "r");
  char line[128], asset[8];
  long long ts;
  double value;
  if (!f || !fgets(line, sizeof line, f)) bench_die(NULL, csv);
  sqlite3_stmt *st = bench_prepare(db, "INSERT INTO sig.signals VALUES (?1, ?2, ?3)");
  while (fgets(line, sizeof line, f)) {
    if (sscanf(line, "%lld,%4s,%lf", &ts, asset, &value) != 3) continue;
    sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, ts);
    sqlite3_bind_double(st, 3, value);
    if (sqlite3_step(st) != SQLITE_DONE) bench_die(db, csv);
    sqlite3_reset(st);
  }
  sqlite3_finalize(st);
  fclose(f);
}

static sqlite3 *open_feed(void) {
  char sql[700], csv[600];
  const char *data = getenv("PERF_DATA"), *dir = data ? data : "bench/out";
  sqlite3 *db = bench_open();
  snprintf(sql, sizeof sql, "ATTACH '%s/signals-%s.db' AS sig", dir, bench_scale());
  bench_exec(db, sql);
  if (bench_value(db, "SELECT count(*) FROM sig.sqlite_master") == 0) {
    snprintf(csv, sizeof csv, "%s/signals.csv", dir);
    bench_exec(db, "BEGIN");
    bench_exec(db, "CREATE TABLE sig.signals(asset TEXT NOT NULL, ts INTEGER NOT NULL, sig REAL,"
                   " PRIMARY KEY(asset, ts)) WITHOUT ROWID");
    if (data && access(csv, R_OK) == 0) {
      load_signals(db, csv);
    } else {
      bench_exec(db, "INSERT INTO sig.signals SELECT 'S000', ts + 17, (ts / 300) % 1000 / 1000.0"
                     " FROM bars('S000', 'minute') WHERE ts % 300 = 0");
    }
    bench_exec(db, "COMMIT");
  }
  bench_exec(db, "CREATE VIRTUAL TABLE temp.feed USING bars_feed(timestep=minute,"
                 " signals=(sig.signals match=asof))");
  return db;
}

/* The sum of everything a feed delivers. */
static double add_batches(sqlite3 *db, const char *columns, double *rows) {
  const barsvt_feed_options o = {.size = sizeof o, .columns = columns};
  barsvt_feed *feed;
  barsvt_batch b;
  char *why = NULL;
  double sum = 0;
  int code, ncolumn;
  if (barsvt_feed_open(db, "feed", &o, &feed, &why) != SQLITE_OK) bench_die(NULL, why);
  ncolumn = barsvt_feed_columns(feed);
  *rows = 0;
  while ((code = barsvt_feed_next(feed, &b, &why)) == SQLITE_ROW) {
    for (int c = 0; c < ncolumn; c++) {
      double part = 0;
      for (int i = 0; i < b.n; i++) part += b.valid[c][i] ? b.value[c][i] : 0;
      sum += part;
    }
    *rows += b.n;
  }
  if (code != SQLITE_DONE) bench_die(NULL, why);
  barsvt_feed_close(feed);
  return sum;
}

/* The rows of a query, five columns of each read. */
static double step_rows(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st = bench_prepare(db, sql);
  double sum = 0;
  while (sqlite3_step(st) == SQLITE_ROW) {
    sum += (double)sqlite3_column_int64(st, 0) + (double)sqlite3_column_bytes(st, 1);
    for (int c = 2; c < 5; c++) sum += sqlite3_column_double(st, c);
  }
  sqlite3_finalize(st);
  return sum;
}

/* The figure under the peers' name, which has no scale in it. */
static void print_peer(const char *how, const char *metric, double n, double *t, int reps,
                       double check) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  qsort(t, (size_t)reps, sizeof *t, bench_by_value);
  printf("{\"w\":\"W7\",\"peer\":\"libbarsvt-%s\",\"metric\":\"%s\",\"n\":%.0f,\"seconds\":%.6g,"
         "\"min\":%.6g,\"check\":%.10g,\"rss_mb\":%ld}\n",
         how, metric, n, t[(reps - 1) / 2], t[0], check, u.ru_maxrss / 1024);
  fflush(stdout);
}

static void bench_asof(sqlite3 *db, double n) {
  double t[BENCH_MAX_REPS], check = 0, rows;
  int reps = bench_reps();
  for (int r = 0; r < reps; r++) {
    double began = bench_now();
    check = add_batches(db, "sig", &rows);
    t[r] = bench_now() - began;
  }
  print_peer("c", "asof_bars_left", n, t, reps, check);
  for (int r = 0; r < reps; r++) {
    double began = bench_now();
    check = bench_value(db, "SELECT sum(sig) FROM feed");
    t[r] = bench_now() - began;
  }
  print_peer("sql", "asof_bars_left", n, t, reps, check);
}

int main(void) {
  sqlite3 *db = open_feed();
  double n = 0;
  add_batches(db, "close", &n);
  BENCH("W7", "feed_batch_close", n, "", check = add_batches(db, "close", &n););
  BENCH("W7", "feed_batch_5_columns", n, "",
        check = add_batches(db, "open, high, low, close, volume", &n););
  BENCH("W7", "feed_batch_close_signal", n, "", check = add_batches(db, "close, sig", &n););
  BENCH("W7", "feed_sql_5_columns", n, "",
        check = step_rows(db, "SELECT ts, asset, open, close, volume FROM feed"););
  bench_asof(db, n);
  sqlite3_close(db);
  return 0;
}
