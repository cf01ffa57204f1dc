/*
** tulip.c - the kernels of Tulip Indicators (LGPL, https://tulipindicators.org) on the bars of
** bench_indicators: the same work under the same metric, so that report.py puts them side by side.
**
** Built by bench/run.sh against the C source that the npm package tulind carries; none of it is part of
** this tree.  A row has our name, Tulip's and the options that stand for our defaults (20 where there is
** none).  "same": the last value must be ours; the others start or scale differently (formulas of both
** in docs/indicators.md and Tulip's documentation).
*/
#include "columns.h"
#include "indicators.h"

static const struct row {
  const char *ours, *tulip;
  double option[3];
  int same;
} rows[] = {
    {"ad", "ad", {0}, 1},
    {"adosc", "adosc", {3, 10}, 0},
    {"adx", "adx", {14}, 0},
    {"adxr", "adxr", {14}, 0},
    {"apo", "apo", {12, 26}, 0},
    {"aroon", "aroon", {14}, 0},
    {"atr", "atr", {14}, 1},
    {"bbands", "bbands", {20, 2}, 0},
    {"bop", "bop", {0}, 1},
    {"cci", "cci", {14}, 1},
    {"cmo", "cmo", {14}, 0},
    {"dema", "dema", {20}, 1},
    {"dmi", "di", {14}, 0},
    {"ema", "ema", {20}, 1},
    {"highest", "max", {20}, 0},
    {"hma", "hma", {20}, 1},
    {"kama", "kama", {20}, 1},
    {"linearreg", "linreg", {14}, 1},
    {"lowest", "min", {20}, 0},
    {"macd", "macd", {12, 26, 9}, 0},
    {"mfi", "mfi", {14}, 1},
    {"mom", "mom", {20}, 1},
    {"natr", "natr", {14}, 1},
    {"obv", "obv", {0}, 0},
    {"ppo", "ppo", {12, 26}, 0},
    {"roc", "roc", {20}, 0},
    {"rsi", "rsi", {14}, 1},
    {"sar", "psar", {0.02, 0.2}, 0},
    {"sma", "sma", {20}, 1},
    {"stdev", "stddev", {20}, 1},
    {"stoch", "stoch", {5, 3, 3}, 1},
    {"stochf", "stoch", {5, 1, 3}, 1},
    {"stochrsi", "stochrsi", {14}, 0},
    {"tema", "tema", {20}, 1},
    {"trange", "tr", {0}, 1},
    {"trima", "trima", {20}, 1},
    {"trix", "trix", {30}, 0},
    {"tsf", "tsf", {14}, 1},
    {"ultosc", "ultosc", {7, 14, 28}, 1},
    {"var", "var", {20}, 1},
    {"vwma", "vwma", {20}, 1},
    {"wilder", "wilders", {20}, 1},
    {"rma", "wilders", {20}, 1},
    {"willr", "willr", {14}, 1},
    {"wma", "wma", {20}, 1},
    {"zlema", "zlema", {20}, 1},
};

static double *column[BV_IN_COUNT];

static const double *input(const char *name) {
  static const struct {
    const char *name;
    bv_input in;
  } map[] = {{"open", BV_IN_OPEN},   {"high", BV_IN_HIGH},     {"low", BV_IN_LOW},
             {"close", BV_IN_CLOSE}, {"volume", BV_IN_VOLUME}, {"real", BV_IN_CLOSE}};
  for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
    if (strcmp(map[i].name, name) == 0) return column[map[i].in];
  }
  bench_die(NULL, name);
  return NULL;
}

static void kernel(const struct row *row) {
  const ti_indicator_info *info = ti_find_indicator(row->tulip);
  if (!info) bench_die(NULL, row->tulip);
  const double *in[TI_MAXINDPARAMS];
  double *out[TI_MAXINDPARAMS], t[BENCH_MAX_REPS];
  for (int i = 0; i < info->inputs; i++) in[i] = input(info->input_names[i]);
  for (int o = 0; o < info->outputs; o++) {
    out[o] = bench_column();
    memset(out[o], 0, (size_t)BENCH_BARS * sizeof *out[o]);
  }
  const int reps = bench_reps(), start = info->start(row->option);
  for (int r = 0; r < reps; r++) {
    t[r] = bench_now();
    if (info->indicator(BENCH_BARS, in, row->option, out) != TI_OKAY) bench_die(NULL, row->tulip);
    t[r] = bench_now() - t[r];
  }
  qsort(t, (size_t)reps, sizeof *t, bench_by_value);
  const double median = t[(reps - 1) / 2];
  printf("{\"w\":\"W8\",\"peer\":\"tulip\",\"metric\":\"kernel_%s_%s\",\"n\":%d,\"seconds\":%.6g,"
         "\"min\":%.6g,\"ns_per_n\":%.4g",
         row->ours, bench_scale(), BENCH_BARS, median, t[0], 1e9 * median / BENCH_BARS);
  if (row->same) printf(",\"check\":%.10g", out[0][BENCH_BARS - 1 - start]);
  puts("}");
  for (int o = 0; o < info->outputs; o++) free(out[o]);
}

int main(void) {
  bench_columns(column);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) kernel(&rows[i]);
  for (int c = 0; c < BV_IN_COUNT; c++) free(column[c]);
  return 0;
}
