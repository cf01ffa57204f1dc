/*
** test_ind_golden.c - indicators against results that others published or produced.
**
** Sources, under ../shared/data/real (skipped when it is not there):
**   backtrader      105 indicator lines run by backtrader on its daily test data, every bar
**   skender         full results of Stock.Indicators on its 502 daily bars
**   lean            reference files of LEAN's own tests
**   ta_stockcharts  StockCharts worksheets, as in the tests of the package ta
**   tulip           the tests of Tulip Indicators, 3 decimals
**
** Tolerances: 1e-9 relative where the file carries full precision (the order of operations
** differs), else one unit of the last decimal printed.  Where the source starts a recursive
** average in another way (`from` > 0 with a reason), the comparison begins when the two have met.
*/
#include "ind_help.h"

#include "base/text.h"

#include <zlib.h>

#define REAL "../shared/data/real/"

/* ---- a table read from CSV ---- */

enum { MAX_COLS = 120, LINE = 16384 };

typedef struct csv {
  int64_t rows, cols;
  char head[LINE];
  const char *name[MAX_COLS];
  double *cell; /* [row * cols + col], NaN where empty or no number */
} csv;

static int split(char *line, char **field) {
  int n = 0;
  line[strcspn(line, "\r\n")] = 0;
  for (char *p = line; n < MAX_COLS; p++) {
    char *end = p + strcspn(p, ",");
    const int more = *end == ',';
    field[n++] = p;
    *end = 0;
    p = end;
    if (!more) break;
  }
  return n;
}

/* Also reads gzip.  Files without a header get the names "0", "1" ... only by position. */
static int csv_read(const char *path, csv *t) {
  gzFile f = gzopen(path, "rb");
  if (!f) return 0;
  char line[LINE], *field[MAX_COLS];
  int64_t cap = 0;
  memset(t, 0, sizeof *t);
  assert_non_null(gzgets(f, t->head, LINE));
  t->cols = split(t->head, field);
  for (int c = 0; c < t->cols; c++) t->name[c] = field[c];
  while (gzgets(f, line, LINE)) {
    const int n = split(line, field);
    if (n == 1 && !field[0][0]) continue;
    if (t->rows == cap) {
      cap = cap ? 2 * cap : 512;
      t->cell = bv_realloc(BV_MEM_BASE, t->cell, (size_t)(cap * t->cols) * sizeof(double));
      assert_non_null(t->cell);
    }
    for (int c = 0; c < t->cols; c++) {
      double *x = &t->cell[t->rows * t->cols + c];
      if (c >= n || bv_parse_f64(field[c], strlen(field[c]), x) != BV_OK) *x = NAN;
    }
    t->rows++;
  }
  gzclose(f);
  return 1;
}

static void csv_free(csv *t) {
  bv_free(t->cell);
}

static int csv_col(const csv *t, const char *name, const char *path) {
  for (int c = 0; c < t->cols; c++) {
    if (strcmp(t->name[c], name) == 0) return c;
  }
  fail_msg("%s: no column \"%s\"", path, name);
  return -1;
}

/* ---- comparison with a column of a file ---- */

typedef struct golden {
  const char *data;   /* file of bars */
  const char *cols;   /* its columns open, high, low, close, volume by position, e.g. "12345";
                         '-' : none */
  const char *expect; /* file of results, NULL: the same */
  const char *column;
  const char *output; /* SQL name */
  double param[3];
  int nparam;
  bv_input real; /* 0: the indicator's default */
  int lag;       /* rows by which the source is behind */
  int from;      /* first row compared; 0: also where the values begin */
  int zero;      /* 1: the source starts at 0, so our first value is taken away */
  double scale;  /* expected * scale is in our unit; 0: 1 */
  double rel, abs;
} golden;

static void load_bars(const golden *g, const csv *t, ind_bars *b) {
  *b = ind_bars_new(t->rows);
  for (int k = 0; k < 5; k++) {
    for (int64_t i = 0; i < t->rows; i++) {
      b->col[BV_IN_OPEN + k][i] = g->cols[k] == '-' ? NAN : t->cell[i * t->cols + g->cols[k] - '0'];
    }
  }
}

static void compare(const golden *g, const double *out, const csv *want, int col) {
  const double *y = out - g->lag;
  const double scale = g->scale != 0 ? g->scale : 1;
  int compared = 0;
  for (int64_t i = g->from > g->lag ? g->from : g->lag; i < want->rows; i++) {
    const double w = want->cell[i * want->cols + col] * scale + (g->zero ? out[0] : 0);
    if (g->from == 0 && isnan(w) != isnan(y[i])) {
      fail_msg("%s: %s row %lld: %.17g, expected %.17g", g->output, g->column, (long long)i, y[i],
               w);
    }
    if (isnan(w)) continue;
    compared++;
    if (!(fabs(y[i] - w) <= g->rel * fabs(w) + g->abs)) {
      fail_msg("%s: %s row %lld: %.17g, expected %.17g", g->output, g->column, (long long)i, y[i],
               w);
    }
  }
  if (compared < 5) fail_msg("%s: only %d values compared", g->output, compared);
}

/* 0: the files are not there. */
static int check_golden(const golden *g) {
  csv data, expect;
  ind_bars b;
  double param[BV_IND_MAX_PARAM];
  char path[512], path2[512];
  int out;
  snprintf(path, sizeof path, REAL "%s", g->data);
  if (!csv_read(path, &data)) return 0;
  snprintf(path2, sizeof path2, REAL "%s", g->expect ? g->expect : g->data);
  assert_true(csv_read(path2, &expect));
  assert_true(expect.rows == data.rows);
  load_bars(g, &data, &b);
  const bv_indicator *found = bv_indicator_find(g->output, &out);
  if (!found) fail_msg("no output %s", g->output);
  bv_indicator ind = *found;
  if (g->real) ind.real_default = g->real;
  assert_int_equal(bv_indicator_params(&ind, g->param, g->nparam, param, NULL), BV_OK);
  ind_run r = ind_run_new(&ind, param, b.n);
  ind_step(&r, &b, 0, b.n);
  compare(g, r.out[out], &expect, csv_col(&expect, g->column, path2));
  ind_run_free(&r);
  ind_bars_free(&b);
  csv_free(&data);
  csv_free(&expect);
  return 1;
}

static void check_goldens(const golden *g, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (check_golden(&g[i])) continue;
    print_message("skipped: " REAL "%s is not there\n", g[i].data);
    skip();
  }
}

#define CHECK(table) check_goldens(table, sizeof table / sizeof table[0])

/* ---- backtrader ---- */

#define BT_DATA "data/backtrader/2006-day-001.txt"
#define BT_WANT "expected/backtrader/indicators_full_2006-day-001.csv.gz"
#define BT(column, output, ...)                                                                    \
  { BT_DATA, "12345", BT_WANT, column, output, __VA_ARGS__, .rel = 1e-9, .abs = 1e-9 }

static void test_backtrader(void **state) {
  (void)state;
  static const golden t[] = {
      BT("SMA.sma", "sma", {30}, 1),
      BT("EMA.ema", "ema", {30}, 1),
      BT("SMMA.smma", "rma", {30}, 1),
      BT("WMA.wma", "wma", {30}, 1),
      BT("BBands.mid", "bb_middle", {20}, 1),
      BT("BBands.top", "bb_upper", {20}, 1),
      BT("BBands.bot", "bb_lower", {20}, 1),
      BT("Highest.highest", "highest", {14}, 1, .real = BV_IN_CLOSE),
      BT("Lowest.lowest", "lowest", {14}, 1, .real = BV_IN_CLOSE),
      BT("Momentum.momentum", "mom", {12}, 1),
      BT("ROC.roc", "roc", {12}, 1, .scale = 100),
      BT("PctChange.pctchange", "roc", {30}, 1, .scale = 100),
      BT("RSI.rsi", "rsi", {14}, 1),
      BT("ATR.atr", "atr", {14}, 1),
      BT("DEMA.dema", "dema", {30}, 1),
      BT("TEMA.tema", "tema", {30}, 1),
      BT("HMA.hma", "hma", {30}, 1),
      BT("Trix.trix", "trix", {15}, 1),
      BT("AroonUpDown.aroonup", "aroon_up", {14}, 1),
      BT("AroonUpDown.aroondown", "aroon_down", {14}, 1),
      BT("AroonOscillator.aroonosc", "aroon_osc", {14}, 1),
      BT("HeikinAshi.ha_open", "ha_open", {0}, 0),
      BT("HeikinAshi.ha_close", "ha_close", {0}, 0),
      BT("HeikinAshi.ha_high", "ha_high", {0}, 0, .from = 1),
      BT("HeikinAshi.ha_low", "ha_low", {0}, 0, .from = 1),
      BT("Ichimoku.tenkan_sen", "ichimoku_conversion", {9}, 1),
      BT("Ichimoku.kijun_sen", "ichimoku_base", {26}, 1),
      BT("Ichimoku.senkou_span_a", "ichimoku_span_a", {0}, 0),
      BT("Ichimoku.senkou_span_b", "ichimoku_span_b", {0}, 0),
      BT("StochasticFull.percK", "stochf_k", {14, 3}, 2, .from = 15),
      BT("StochasticFull.percD", "stochf_d", {14, 3}, 2),
      BT("Stochastic.percK", "stoch_k", {14, 3, 3}, 3, .from = 17),
      BT("Stochastic.percD", "stoch_d", {14, 3, 3}, 3),
      BT("UltimateOscillator.uo", "ultosc", {7, 14, 28}, 3),
      BT("WilliamsR.percR", "willr", {14}, 1),
  };
  CHECK(t);

  /* Wilder's sums and the zero-lag average start in another way there: what is left of it. */
  static const golden near[] = {
      {BT_DATA, "12345", BT_WANT, "DM.plusDI", "plus_di", {14}, 1, .from = 200, .abs = 2e-4},
      {BT_DATA, "12345", BT_WANT, "DM.minusDI", "minus_di", {14}, 1, .from = 200, .abs = 2e-4},
      {BT_DATA, "12345", BT_WANT, "DM.adx", "adx", {14}, 1, .from = 220, .abs = 2e-3},
      {BT_DATA, "12345", BT_WANT, "ZLEMA.zlema", "zlema", {30}, 1, .from = 220, .abs = 1e-3},
  };
  CHECK(near);
}

/* ---- Stock.Indicators ---- */

#define SK(file, column, output, ...)                                                              \
  {                                                                                                \
    "data/skender/default.csv", "12345", "expected/indicators/skender/" file ".standard.csv",      \
        column, output, __VA_ARGS__, .rel = 1e-9, .abs = 1e-9                                      \
  }

static void test_skender(void **state) {
  (void)state;
  static const golden t[] = {
      SK("sma", "sma", "sma", {20}, 1),
      SK("smma", "smma", "rma", {20}, 1),
      SK("wma", "wma", "wma", {14}, 1),
      SK("stdev", "stdDev", "stdev", {14}, 1),
      SK("bb", "sma", "bb_middle", {20}, 1),
      SK("bb", "upperBand", "bb_upper", {20, 2, 2}, 3),
      SK("bb", "lowerBand", "bb_lower", {20, 2, 2}, 3),
      SK("tr", "tr", "trange", {0}, 0),
      SK("roc", "roc", "roc", {14}, 1),
      SK("roc", "momentum", "mom", {14}, 1),
      SK("donchian", "upperBand", "highest", {20}, 1, .lag = 1),
      SK("donchian", "lowerBand", "donchian_lower", {20}, 1, .lag = 1),
      SK("donchian", "centerline", "donchian_middle", {20}, 1, .lag = 1),
      SK("dema", "dema", "dema", {14}, 1, .from = 300),
      SK("tema", "tema", "tema", {20}, 1, .from = 300),
      SK("kama", "kama", "kama", {10, 2, 30}, 3, .from = 10),
      SK("vwma", "vwma", "vwma", {14}, 1),
      SK("willr", "williamsR", "willr", {14}, 1),
      SK("mfi", "mfi", "mfi", {14}, 1),
      SK("obv", "obv", "obv", {0}, 0, .zero = 1),
      SK("adl", "adl", "ad", {0}, 0),
      SK("trix", "trix", "trix", {14}, 1, .from = 400),
      SK("stoch-rsi", "stochRsi", "stochrsi_k", {14, 14, 3}, 3, .from = 30),
      SK("stoch-rsi", "signal", "stochrsi_d", {14, 14, 3}, 3),
      SK("slope", "slope", "linearreg_slope", {14}, 1),
      SK("keltner", "upperBand", "keltner_upper", {20, 10, 2}, 3),
      SK("keltner", "centerline", "keltner_middle", {20, 10, 2}, 3),
      SK("keltner", "lowerBand", "keltner_lower", {20, 10, 2}, 3),
      SK("supertrend", "superTrend", "supertrend", {10, 3}, 2),
      SK("ichimoku", "tenkanSen", "ichimoku_conversion", {9}, 1),
      SK("ichimoku", "kijunSen", "ichimoku_base", {26}, 1),
      SK("ichimoku", "senkouSpanA", "ichimoku_span_a", {0}, 0),
      SK("ichimoku", "senkouSpanB", "ichimoku_span_b", {0}, 0),
      SK("heikinashi", "open", "ha_open", {0}, 0),
      SK("heikinashi", "high", "ha_high", {0}, 0),
      SK("heikinashi", "low", "ha_low", {0}, 0),
      SK("heikinashi", "close", "ha_close", {0}, 0),
      SK("chaikin-osc", "oscillator", "adosc", {3, 10}, 2, .from = 150),
      /* The fast average is seeded at bar 11 there, at bar 25 here: (11/13)^190 is below 1e-13. */
      SK("macd", "macd", "macd", {0}, 0, .from = 220),
      SK("macd", "signal", "macd_signal", {0}, 0, .from = 280),
      SK("macd", "histogram", "macd_hist", {0}, 0, .from = 280),
  };
  CHECK(t);
}

/* ---- LEAN, StockCharts ---- */

static void test_published(void **state) {
  (void)state;
  static const golden t[] = {
      {"expected/lean/indicators/spy_ema.csv",
       "---1-",
       NULL,
       "EMA14",
       "ema",
       {14},
       1,
       .rel = 1e-12},
      {"expected/lean/indicators/spy_with_indicators.txt",
       "---7-",
       NULL,
       "SMA14",
       "sma",
       {14},
       1,
       .rel = 5e-7},
      {"expected/lean/indicators/spy_with_roc50.txt",
       "1234-",
       NULL,
       "Rate of Change 50",
       "mom",
       {50},
       1,
       .abs = 5.1e-3},
      {"expected/indicators/ta_stockcharts/cs-roc.csv",
       "---1-",
       NULL,
       "ROC",
       "roc",
       {12},
       1,
       .abs = 6e-3},
#define LEAN(file, cols, column, output, ...)                                                      \
  {"expected/lean/indicators/" file, cols, NULL, column, output, __VA_ARGS__}
      LEAN("spy_tema.txt", "12341", "TEMA_5", "tema", {5}, 1, .rel = 1e-9),
      LEAN("spy_t3.txt", "12345", "T3_5", "t3", {5}, 1, .rel = 1e-9),
      LEAN("spy_trima.txt", "12345", "TRIMA_5", "trima", {5}, 1, .rel = 1e-9),
      LEAN("spy_trima.txt", "12345", "TRIMA_6", "trima", {6}, 1, .rel = 1e-9),
      LEAN("spy_kama.txt", "12345", "KAMA_5", "kama", {5}, 1, .rel = 1e-9),
      LEAN("spy_hma.txt", "12345", "HMA_16", "hma", {16}, 1, .rel = 1e-9),
      LEAN("spy_midpoint.txt", "12345", "MIDPOINT_5", "midpoint", {5}, 1, .rel = 1e-9),
      LEAN("spy_ultosc.txt", "12345", "ULTOSC_7_14_28", "ultosc", {0}, 0, .rel = 1e-9),
      LEAN("spy_ppo.txt", "12345", "PPO_5_10", "ppo", {5, 10}, 2, .rel = 1e-9, .abs = 1e-9),
      LEAN("spy_apo.txt", "12345", "APO_5_10", "apo", {5, 10}, 2, .rel = 1e-9, .abs = 1e-9),
      LEAN("spy_with_williamsR14.txt", "1234-", "Williams %R 14", "willr", {14}, 1, .abs = 5.1e-3),
      LEAN("spy_with_don50.txt", "1234-", "Donchian Channels 50 Top", "donchian_upper", {50}, 1,
           .from = 49, .rel = 1e-9),
      LEAN("spy_with_don50.txt", "1234-", "Donchian Channels 50 Mean", "donchian_middle", {50}, 1,
           .from = 49, .abs = 5.1e-3),
      LEAN("spy_with_vwma.csv", "12345", "VWMA20", "vwma", {20}, 1, .abs = 5.1e-3),
      LEAN("spy_with_zlema.csv", "---1-", "ZLEMA5", "zlema", {5}, 1, .from = 100, .abs = 5.1e-3),
      LEAN("spy_heikin_ashi.txt", "12345", "HA_High", "ha_high", {0}, 0, .rel = 1e-9),
      /* These two charts began earlier than the file: (13/14)^k of the start is left. */
      {"expected/lean/indicators/spy_with_indicators.txt",
       "---7-",
       NULL,
       "RSI 14 Wilder",
       "rsi",
       {14},
       1,
       .from = 250,
       .rel = 1e-6},
      {"expected/lean/indicators/spy_atr_wilder.txt",
       "1234-",
       NULL,
       "Average True Range 14",
       "atr",
       {14},
       1,
       .from = 200,
       .abs = 1e-5},
  };
  CHECK(t);
}

/* ---- Tulip: a JSON array of objects, read by position of their keys ---- */

#define TULIP REAL "expected/indicators/tulip/tulip_tests_dev.json"

static char *read_text(const char *path) {
  enum { MAX = 1 << 20 };
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = bv_alloc(BV_MEM_BASE, MAX);
  assert_non_null(text);
  text[fread(text, 1, MAX - 1, f)] = 0;
  fclose(f);
  return text;
}

/* The numbers of "key": [..] between p and end; their count, 0 where the key is not there. */
static int json_numbers(const char *p, const char *end, const char *key, double *out, int max) {
  char quoted[64];
  int n = 0;
  snprintf(quoted, sizeof quoted, "\"%s\": [", key);
  p = strstr(p, quoted);
  if (!p || p >= end) return 0;
  p += strlen(quoted);
  while (n < max) {
    p += strspn(p, " \n\r,");
    const size_t len = strcspn(p, " \n\r,]");
    if (len == 0 || bv_parse_f64(p, len, &out[n]) != BV_OK) break;
    n++;
    p += len;
  }
  return n;
}

typedef struct tulip {
  const char *name, *column; /* Tulip's indicator and output */
  const char *output;        /* ours */
  const char *option[3];     /* Tulip's options in the order of our parameters */
  double scale;              /* 0: 1 */
  int from;                  /* first bar compared */
} tulip;

static double json_option(const char *p, const char *end, const char *key) {
  char quoted[64];
  double x = NAN;
  snprintf(quoted, sizeof quoted, "\"%s\": ", key);
  p = strstr(p, quoted);
  assert_true(p && p < end);
  p += strlen(quoted);
  assert_int_equal(bv_parse_f64(p, strcspn(p, ",}\n\r "), &x), BV_OK);
  return x;
}

enum { TULIP_MAX = 2000 };

/* One test object: input columns by Tulip's names; results are aligned at the end. */
static void check_tulip(const tulip *t, const char *p, const char *end) {
  static const char *const slot[] = {"real", "open", "high", "low", "close", "volume"};
  double want[TULIP_MAX], given[3], param[BV_IND_MAX_PARAM], x[TULIP_MAX];
  int out, nparam = 0, bars = 0;
  const bv_indicator *ind = bv_indicator_find(t->output, &out);
  assert_non_null(ind);
  while (nparam < 3 && t->option[nparam]) {
    given[nparam] = json_option(p, end, t->option[nparam]);
    nparam++;
  }
  assert_int_equal(bv_indicator_params(ind, given, nparam, param, NULL), BV_OK);
  const char *outputs = strstr(p, "\"outputs\"");
  const int n = json_numbers(outputs, end, t->column, want, TULIP_MAX);
  ind_bars b = ind_bars_new(TULIP_MAX);
  for (int k = 0; k < 6; k++) {
    const int m = json_numbers(p, outputs, slot[k], x, TULIP_MAX);
    const int to = k ? k : (int)ind->real_default;
    if (m) memcpy(b.col[to], x, (size_t)m * sizeof *x), bars = m;
  }
  b.n = bars;
  ind_run r = ind_run_new(ind, param, bars);
  ind_step(&r, &b, 0, bars);
  int compared = 0;
  for (int i = 0; i < n; i++) {
    const double y = r.out[out][bars - n + i], w = want[i] * (t->scale != 0 ? t->scale : 1);
    if (isnan(y) || bars - n + i < t->from) continue;
    compared++;
    /* One unit of the third decimal: some files are cut off, some rounded. */
    if (!(fabs(y - w) <= 0.00101 * (t->scale != 0 ? t->scale : 1) + 1e-9 * fabs(w))) {
      fail_msg("%s(%g): bar %d: %.17g, Tulip %.17g", t->output, param[0], bars - n + i, y, w);
    }
  }
  if (!compared) fail_msg("%s: nothing compared", t->output);
  ind_run_free(&r);
  ind_bars_free(&b);
}

static void test_tulip(void **state) {
  (void)state;
  static const tulip table[] = {
      {"sma", "sma", "sma", {"period"}, 0, 0},
      {"wma", "wma", "wma", {"period"}, 0, 0},
      {"wilders", "wilders", "wilder", {"period"}, 0, 0},
      {"trima", "trima", "trima", {"period"}, 0, 0},
      {"hma", "hma", "hma", {"period"}, 0, 0},
      {"kama", "kama", "kama", {"period"}, 0, 0},
      {"zlema", "zlema", "zlema", {"period"}, 0, 0},
      {"vwma", "vwma", "vwma", {"period"}, 0, 0},
      {"max", "max", "highest", {"period"}, 0, 0},
      {"min", "min", "lowest", {"period"}, 0, 0},
      {"var", "var", "var", {"period"}, 0, 0},
      {"stddev", "stddev", "stdev", {"period"}, 0, 0},
      {"bbands", "bbands_lower", "bb_lower", {"period", "stddev", "stddev"}, 0, 0},
      {"bbands", "bbands_middle", "bb_middle", {"period"}, 0, 0},
      {"bbands", "bbands_upper", "bb_upper", {"period", "stddev", "stddev"}, 0, 0},
      {"tr", "tr", "trange", {0}, 0, 0},
      {"mom", "mom", "mom", {"period"}, 0, 0},
      {"roc", "roc", "roc", {"period"}, 100, 0},
      {"rsi", "rsi", "rsi", {"period"}, 0, 0},
      {"aroon", "aroon_down", "aroon_down", {"period"}, 0, 0},
      {"aroon", "aroon_up", "aroon_up", {"period"}, 0, 0},
      {"aroonosc", "aroonosc", "aroon_osc", {"period"}, 0, 0},
      {"willr", "willr", "willr", {"period"}, 0, 0},
      {"stoch", "stoch_k", "stoch_k", {"k_period", "k_slowing_period", "d_period"}, 0, 0},
      {"stoch", "stoch_d", "stoch_d", {"k_period", "k_slowing_period", "d_period"}, 0, 0},
      {"cci", "cci", "cci", {"period"}, 0, 0},
      {"ultosc", "ultosc", "ultosc", {"short_period", "medium_period", "long_period"}, 0, 0},
      {"bop", "bop", "bop", {0}, 0, 0},
      {"ad", "ad", "ad", {0}, 0, 0},
      {"adosc", "adosc", "adosc", {"short_period", "long_period"}, 0, 0},
      {"mfi", "mfi", "mfi", {"period"}, 0, 0},
      {"linreg", "linreg", "linearreg", {"period"}, 0, 0},
      {"linregslope", "linregslope", "linearreg_slope", {"period"}, 0, 0},
      {"tsf", "tsf", "tsf", {"period"}, 0, 0},
      /* The extreme of bar 0 counts there, which quickens the first leg. */
      {"psar", "psar", "sar", {"acceleration_factor_step", "acceleration_factor_maximum"}, 0, 8},
  };
  char *text = read_text(TULIP);
  if (!text) {
    print_message("skipped: " TULIP " is not there\n");
    skip();
  }
  for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
    char mark[64];
    int found = 0;
    snprintf(mark, sizeof mark, "\"indicator\": \"%s\"", table[k].name);
    for (const char *p = strstr(text, mark); p; p = strstr(p + 1, mark)) {
      const char *end = strstr(p + 1, "\"indicator\"");
      check_tulip(&table[k], p, end ? end : p + strlen(p));
      found++;
    }
    if (!found) fail_msg("%s: no test in the file", table[k].name);
  }
  bv_free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_backtrader),
      cmocka_unit_test(test_skender),
      cmocka_unit_test(test_published),
      cmocka_unit_test(test_tulip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
