/*
** bench_indicators.c - what the kernels of the indicators cost, and what SQL adds.
**
** W8 kernel_NAME: a kernel over BENCH_BARS bars in one call, one core; ns_per_n is ns per bar.  Periods are the
** defaults, 20 where there is none.  W8 sql_NAME: what a call in a scan adds per row over the scan
** alone.  W8 again_NAME: the same query once more; "derived" counts the values it computed.
*/
#include "bench.h"

#include "base/alloc.h"
#include "calc/indicator.h"
#include "columns.h"

static double *column[BV_IN_COUNT];

static void kernel(const bv_indicator *ind) {
  double given[BV_IND_MAX_PARAM], param[BV_IND_MAX_PARAM], *out[BV_IND_MAX_OUTPUT];
  const double *in[BV_IND_MAX_INPUT];
  char metric[64];
  for (int p = 0; p < ind->nparam; p++) given[p] = ind->param[p].optional ? NAN : 20;
  if (bv_indicator_params(ind, given, ind->nparam, param, NULL) != BV_OK) {
    bench_die(NULL, ind->name);
  }
  for (int i = 0; i < ind->ninput; i++) {
    in[i] = column[ind->input[i] == BV_IN_REAL ? ind->real_default : ind->input[i]];
  }
  for (int o = 0; o < ind->noutput; o++) {
    out[o] = bench_column();
    memset(out[o], 0,
           (size_t)BENCH_BARS * sizeof *out[o]); /* the pages are there before the clock runs */
  }
  void *state = bv_alloc(BV_MEM_BASE, ind->state_size(param));
  if (!state) bench_die(NULL, "memory");
  snprintf(metric, sizeof metric, "kernel_%s", ind->name);
  BENCH("W8", metric, BENCH_BARS, "", {
    ind->init(state, param);
    ind->run(ind, state, in, BENCH_BARS, out);
    check = out[0][BENCH_BARS - 1];
  });
  for (int o = 0; o < ind->noutput; o++) free(out[o]);
  bv_free(state);
}

static double derived(sqlite3 *db) {
  return bench_value(db, "SELECT value FROM bars_stat WHERE name = 'derive'");
}

/* Every run reads on a connection of its own, so the indicator is computed in each; the time of the
** scan alone, measured the same way, is taken away. */
static double cold(const char *file, const char *sql) {
  sqlite3 *db = bench_connect(file);
  double t = bench_now();
  bench_value(db, sql);
  t = bench_now() - t;
  sqlite3_close(db);
  return t;
}

static void sql_added(const char *file, double n, const char *metric, const char *call) {
  char sql[200], extra[80];
  double t[BENCH_MAX_REPS], scan[BENCH_MAX_REPS];
  const int reps = bench_reps();
  snprintf(sql, sizeof sql, "SELECT sum(%s) FROM bars('S000', 'minute')", call);
  for (int r = 0; r < reps; r++) {
    scan[r] = cold(file, "SELECT sum(close) FROM bars('S000', 'minute')");
    t[r] = cold(file, sql);
  }
  qsort(scan, (size_t)reps, sizeof *scan, bench_by_value);
  qsort(t, (size_t)reps, sizeof *t, bench_by_value);
  snprintf(extra, sizeof extra, "\"scan_ns_per_n\":%.4g", 1e9 * scan[0] / n);
  for (int r = 0; r < reps; r++) t[r] = fmax(t[r] - scan[0], 0);
  bench_print("W8", metric, n, t, reps, 0, extra);
}

/* The newest 4000 bars, read again and again from the window. */
static void again(sqlite3 *db, const char *metric, const char *call) {
  char sql[300], extra[80];
  snprintf(
      sql, sizeof sql,
      "SELECT sum(x) FROM (SELECT %s AS x FROM bars('S000', 'minute') ORDER BY ts DESC LIMIT 4000)",
      call);
  bench_value(db, sql);
  const double before = derived(db);
  bench_value(db, sql);
  snprintf(extra, sizeof extra, "\"derived\":%.0f", derived(db) - before);
  BENCH("W8", metric, 4000, extra, { check = bench_value(db, sql); });
}

int main(void) {
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  bench_columns(column);
  for (int i = 0; i < n; i++) kernel(all[i]);
  for (int c = 0; c < BV_IN_COUNT; c++) free(column[c]);
  sqlite3 *db = bench_open();
  char file[600];
  snprintf(file, sizeof file, "%s", sqlite3_db_filename(db, "main"));
  const double rows = bench_value(db, "SELECT count(*) FROM bars('S000', 'minute')");
  sql_added(file, rows, "sql_sma20", "sma(bars, 20)");
  sql_added(file, rows, "sql_ema20", "ema(bars, 20)");
  sql_added(file, rows, "sql_rsi14", "rsi(bars, 14)");
  sql_added(file, rows, "sql_sma9_of_rsi14", "sma(bars, 9, 'rsi:14')");
  again(db, "again_sma20", "sma(bars, 20)");
  again(db, "again_rsi14", "rsi(bars, 14)");
  sqlite3_close(db);
  return 0;
}
