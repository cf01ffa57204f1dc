/*
** bench_windows.c - resampling cold and warm, columns as one value, and a year of steps.
**
**   W2   one symbol-year to 5 minutes, and to seven timesteps from 5 minutes to a day, each in a new
**        connection that has read nothing (opening it is not counted); all symbols where SCALE is M
**   W2w  the last 100 five-minute bars at each of 3,270 minutes, as one value
**   W9   every minute of the year: minute, five-minute and day bars of each symbol are read, under a
**        memory limit of 256 MB
*/
#include "bench.h"

enum { STEPS = 3270, START = 50000, MAX_SYMBOLS = 1000 };

static const char *const step[] = {"5 minutes", "10 minutes", "15 minutes", "30 minutes",
                                   "hour",      "2 hours",    "day"};
static char symbol[MAX_SYMBOLS][72];
static int nsymbol;
static double bars;

static void load_symbols(sqlite3 *db) {
  sqlite3_stmt *st = bench_prepare(db, "SELECT asset, bars FROM bars_coverage ORDER BY asset");
  for (; nsymbol < MAX_SYMBOLS && sqlite3_step(st) == SQLITE_ROW; nsymbol++) {
    snprintf(symbol[nsymbol], sizeof symbol[0], "%s", (const char *)sqlite3_column_text(st, 0));
    if (nsymbol == 0) bars = sqlite3_column_double(st, 1);
  }
  sqlite3_finalize(st);
}

/* The last double of a blob's first column, or its length, so that nothing is left out. */
static double of_blob(sqlite3_stmt *st) {
  double v = 0;
  if (sqlite3_step(st) != SQLITE_ROW) bench_die(sqlite3_db_handle(st), "bars_agg_blob");
  int n = sqlite3_column_bytes(st, 0);
  const char *p = sqlite3_column_blob(st, 0);
  if (n >= 8) memcpy(&v, p, 8);
  sqlite3_reset(st);
  return v + n;
}

/* Seconds to make columns of `steps` timesteps of `symbols` symbols in a new connection. */
static double resample(const char *file, int symbols, int steps, double *check) {
  sqlite3 *db = bench_connect(file);
  bench_value(db, "SELECT count(*) FROM sqlite_master"); /* the schema is read */
  sqlite3_stmt *st =
      bench_prepare(db, "SELECT bars_agg_blob(?1, ?2, 'ts,open,high,low,close,volume')");
  double t = bench_now();
  for (int s = 0; s < symbols; s++) {
    for (int k = 0; k < steps; k++) {
      sqlite3_bind_text(st, 1, symbol[s], -1, SQLITE_STATIC);
      sqlite3_bind_text(st, 2, step[k], -1, SQLITE_STATIC);
      *check += of_blob(st);
    }
  }
  t = bench_now() - t;
  sqlite3_finalize(st);
  sqlite3_close(db);
  return t;
}

static void bench_resample(const char *file, const char *metric, int symbols, int steps) {
  double t[BENCH_MAX_REPS], check = 0;
  int reps = bench_reps();
  for (int r = 0; r < reps; r++) {
    check = 0;
    t[r] = resample(file, symbols, steps, &check);
  }
  bench_print("W2-columns", metric, bars * symbols, t, reps, check, "");
}

/* The minutes of the first symbol. */
static double *minutes(sqlite3 *db, int64_t *n) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT bars_blob('%s', 'minute', 'known_at')", symbol[0]);
  sqlite3_stmt *st = bench_prepare(db, sql);
  if (sqlite3_step(st) != SQLITE_ROW) bench_die(db, sql);
  int bytes = sqlite3_column_bytes(st, 0);
  double *v = malloc((size_t)bytes);
  memcpy(v, sqlite3_column_blob(st, 0), (size_t)bytes);
  sqlite3_finalize(st);
  *n = bytes / 8;
  return v;
}

static void at_clock(sqlite3_stmt *clock, double t) {
  sqlite3_bind_int64(clock, 1, (int64_t)t);
  sqlite3_step(clock);
  sqlite3_reset(clock);
}

static double stat(sqlite3 *db, const char *name) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT coalesce(value, 0) FROM bars_stat WHERE name = '%s'", name);
  return bench_value(db, sql);
}

/* Every minute: the mean of the last 200 minutes, the last 100 five-minute bars and the last 20 days. */
static void bench_year(const char *file) {
  sqlite3 *db = bench_connect(file);
  int64_t n;
  double *known = minutes(db, &n), check = 0;
  int64_t steps =
      nsymbol > 10 ? n / 10 : n; /* a tenth of the year is enough where there are many */
  bench_exec(db, "SELECT bars_config('memory_limit', '256 MB')");
  bench_exec(db, "BEGIN");
  sqlite3_stmt *clock = bench_prepare(db, "SELECT bars_clock(?1)");
  sqlite3_stmt *st = bench_prepare(db, "SELECT sma(?1, 'minute', 200), "
                                       "bars_agg_blob(?1, '5 minutes', 'close', 100), "
                                       "bars_agg_blob(?1, 'day', 'close', 20)");
  double t[1] = {bench_now()}, decoded = 0, most = 0;
  for (int64_t i = 0; i < steps; i++) {
    at_clock(clock, known[i]);
    for (int s = 0; s < nsymbol; s++) {
      sqlite3_bind_text(st, 1, symbol[s], -1, SQLITE_STATIC);
      if (sqlite3_step(st) != SQLITE_ROW) bench_die(db, "year");
      check +=
          sqlite3_column_double(st, 0) + sqlite3_column_bytes(st, 1) + sqlite3_column_bytes(st, 2);
      sqlite3_reset(st);
    }
    if (i % 1000 == 0) {
      double used = stat(db, "memory");
      if (used > most) most = used;
    }
  }
  t[0] = bench_now() - t[0];
  decoded = stat(db, "decode");
  char extra[400];
  snprintf(extra, sizeof extra,
           "\"symbols\":%d,\"window_hit_rate\":%.5f,\"aggregate_hit_rate\":%.5f,"
           "\"indicator_hit_rate\":%.5f,\"evicted\":%.0f,\"decoded\":%.0f,\"memory_mb\":%.1f",
           nsymbol, stat(db, "window.hit_rate"), stat(db, "aggregate.hit_rate"),
           stat(db, "indicator.hit_rate"), stat(db, "evict"), decoded, most / 1e6);
  bench_print("W9", "year_of_steps", (double)steps * nsymbol, t, 1, check, extra);
  sqlite3_finalize(clock);
  sqlite3_finalize(st);
  free(known);
  sqlite3_close(db);
}

static void bench_blob(sqlite3 *db) {
  int64_t n;
  double *known = minutes(db, &n);
  if (n < START + STEPS) return;
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT bars_agg_blob('%s', '5 minutes', 'close', 100)", symbol[0]);
  sqlite3_stmt *clock = bench_prepare(db, "SELECT bars_clock(?1)"), *st = bench_prepare(db, sql);
  bench_exec(db, "BEGIN");
  BENCH(
      "W2w-columns", "last100_5m_blob", STEPS, "\"what\":\"clock, and the closes as one value\"",
      for (int i = 0; i < STEPS; i++) {
        at_clock(clock, known[START + i]);
        check += of_blob(st);
      });
  bench_exec(db, "COMMIT");
  sqlite3_finalize(clock);
  sqlite3_finalize(st);
  free(known);
}

int main(void) {
  sqlite3 *db = bench_open();
  char file[600];
  snprintf(file, sizeof file, "%s", sqlite3_db_filename(db, "main"));
  load_symbols(db);
  bench_blob(db);
  sqlite3_close(db);
  bench_resample(file, "one_5m", 1, 1);
  bench_resample(file, "one_7_timesteps", 1, (int)(sizeof step / sizeof *step));
  if (nsymbol > 1) bench_resample(file, "all_5m", nsymbol, 1);
  bench_year(file);
  return 0;
}
