/*
** test_ind_golden.c - indicators against results that others published or produced.
**
** Sources, under ../shared/data/real (skipped when it is not there):
**   backtrader      105 indicator lines run by backtrader on its daily test data, every bar
**   skender         full results of Stock.Indicators on its 502 daily bars
**   lean            reference files of LEAN's own tests
**   ta_stockcharts  StockCharts worksheets, as in the tests of the package ta
**
** What these hold and we do not compare is listed with the reason; a file or line that is neither
** compared nor listed fails the test.  So does an indicator whose entry claims a set (BV_SEEN_*) that
** nothing here compared.  Tulip's tests are in test_ind_tulip.c.
**
** Tolerances: 1e-9 relative where the file carries full precision (the order of operations
** differs), else one unit of the last decimal printed.  Where the source starts a recursive
** average in another way (`from` > 0 with a reason), the comparison begins when the two have met.
*/
#include "golden_left.h"

#include <dirent.h>

#define COUNT(table) (sizeof table / sizeof table[0])

static int in_table(const golden *t, size_t n, const char *column) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(t[i].column, column) == 0) return 1;
  }
  return 0;
}

/* A name is either compared or left out with a reason. */
static void account(const char *name, int done, const golden_left *left, size_t n) {
  const int listed = golden_is_left(left, n, name);
  if (done == listed) {
    fail_msg("%s: %s", name,
             done ? "compared and listed as left out" : "neither compared nor listed");
  }
}

/* Every file of a directory: compared where a row of t names it, else listed. */
static void account_files(const char *dir, const golden *t, size_t n, const golden_left *left,
                          size_t nleft) {
  char path[512];
  snprintf(path, sizeof path, REAL "%s", dir);
  DIR *d = opendir(path);
  if (!d) return;
  for (struct dirent *e; (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
    int done = 0;
    for (size_t i = 0; i < n; i++) done |= strcmp(t[i].expect ? t[i].expect : t[i].data, path) == 0;
    account(e->d_name, done, left, nleft);
  }
  closedir(d);
}

/* ---- backtrader ---- */

#define BT_DATA "data/backtrader/2006-day-001.txt"
#define BT_WANT "expected/backtrader/indicators_full_2006-day-001.csv.gz"
#define BT(column, output, ...)                                                                    \
  {                                                                                                \
    BT_DATA, "12345", BT_WANT, column, output, __VA_ARGS__, .rel = 1e-9, .abs = 1e-9,              \
                                                            .set = BV_SEEN_BACKTRADER              \
  }

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
      BT("RSI_Safe.rsi", "rsi", {14}, 1),
      BT("StochasticFull.percDSlow", "stoch_d", {14, 3, 3}, 3),
      BT("DEMAEnvelope.dema", "dema", {30}, 1),
      BT("TEMAEnvelope.tema", "tema", {30}, 1),
      BT("EMAEnvelope.ema", "ema", {30}, 1),
      BT("WMAEnvelope.wma", "wma", {30}, 1),
      BT("SMMAEnvelope.smma", "wilder", {30}, 1),
      BT("SMAEnvelope.sma", "sma", {30}, 1),
      BT("SMAEnvelope.sma#2", "sma", {30}, 1),
  };
  CHECK(t);

  /* Wilder's sums, macd's fast average, kama and the zero-lag average start in another way there: what
  ** is left of it. */
#define NEAR(column, output, row, tolerance, ...)                                                  \
  {                                                                                                \
    BT_DATA, "12345", BT_WANT, column, output, __VA_ARGS__, .from = row, .abs = tolerance,         \
                                                            .set = BV_SEEN_BACKTRADER              \
  }
  static const golden near[] = {
      NEAR("DM.plusDI", "plus_di", 200, 2e-4, {14}, 1),
      NEAR("DM.minusDI", "minus_di", 200, 2e-4, {14}, 1),
      NEAR("DM.adx", "adx", 220, 2e-3, {14}, 1),
      NEAR("ZLEMA.zlema", "zlema", 220, 1e-3, {30}, 1),
      NEAR("MACDHisto.macd", "macd", 220, 1e-8, {0}, 0),
      NEAR("MACDHisto.signal", "macd_signal", 240, 1e-8, {0}, 0),
      NEAR("MACDHisto.histo", "macd_hist", 240, 1e-8, {0}, 0),
      NEAR("PriceOsc.po", "macd", 220, 1e-8, {0}, 0),
  };
  CHECK(near);

  csv file;
  assert_true(csv_read(REAL BT_WANT, &file));
  for (int c = 0; c < file.cols; c++) {
    const int done =
        in_table(t, COUNT(t), file.name[c]) || in_table(near, COUNT(near), file.name[c]);
    account(file.name[c], done, left_backtrader, COUNT(left_backtrader));
  }
  csv_free(&file);
}

/* ---- Stock.Indicators ---- */

#define SK(file, column, output, ...)                                                              \
  {                                                                                                \
    "data/skender/default.csv", "12345", "expected/indicators/skender/" file ".standard.csv",      \
        column, output, __VA_ARGS__, .rel = 1e-9, .abs = 1e-9, .set = BV_SEEN_SKENDER              \
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
      SK("macd", "fastEma", "ema", {12}, 1),
      SK("macd", "slowEma", "ema", {26}, 1),
      SK("atr-stop", "atr", "atr", {21}, 1),
      SK("crsi", "rsi", "rsi", {3}, 1),
      SK("elder-ray", "ema", "ema", {13}, 1),
      SK("ma-env", "centerline", "sma", {20}, 1),
      SK("roc-wb", "roc", "roc", {20}, 1),
      SK("slope", "stdDev", "stdev", {14}, 1),
      SK("sma-analysis", "sma", "sma", {20}, 1),
      SK("sma-analysis", "mse", "var", {20}, 1),
      SK("stdev", "mean", "sma", {14}, 1),
      SK("smma", "smma", "wilder", {20}, 1),
      SK("donchian", "upperBand", "donchian_upper", {20}, 1, .lag = 1),
      SK("donchian", "lowerBand", "lowest", {20}, 1, .lag = 1),
      SK("vwap", "vwap", "session_vwap", {0}, 1),
      /* Stock.Indicators rounds nothing here, and its windows are calendar months. */
      SK("pivot-points", "pp", "pivot", {3}, 1),
      SK("pivot-points", "r1", "pivot_r1", {3}, 1),
      SK("pivot-points", "r2", "pivot_r2", {3}, 1),
      SK("pivot-points", "r3", "pivot_r3", {3}, 1),
      SK("pivot-points", "s1", "pivot_s1", {3}, 1),
      SK("pivot-points", "s2", "pivot_s2", {3}, 1),
      SK("pivot-points", "s3", "pivot_s3", {3}, 1),
  };
  CHECK(t);

  account_files("expected/indicators/skender", t, COUNT(t), left_skender, COUNT(left_skender));
}

/* The other series of corr and beta is not published, but its changes are: a series that has them
** differs from it by a factor, which neither correlation nor beta sees. */
static void test_skender_pair(void **state) {
  (void)state;
  csv data, corr, beta;
  if (!csv_read(REAL "data/skender/default.csv", &data)) skip();
  assert_true(csv_read(REAL "expected/indicators/skender/corr.standard.csv", &corr));
  assert_true(csv_read(REAL "expected/indicators/skender/beta.standard.csv", &beta));
  const int change = csv_col(&beta, "returnsEval", "beta");
  ind_bars b = ind_bars_new(data.rows);
  double level = 1;
  for (int64_t i = 0; i < data.rows; i++) {
    const double r = beta.cell[i * beta.cols + change];
    if (i > 0) level *= 1 + r;
    b.col[BV_IN_CLOSE][i] = level;
    b.col[BV_IN_OTHER][i] = data.cell[i * data.cols + 4];
  }
  static const struct {
    const char *output, *column;
    double period;
  } t[] = {{"correl", "correlation", 20}, {"beta", "beta", 50}};
  for (size_t k = 0; k < COUNT(t); k++) {
    const double param[BV_IND_MAX_PARAM] = {t[k].period};
    const golden g = {.output = t[k].output, .column = t[k].column, .rel = 1e-9, .abs = 1e-9};
    const csv *want = k == 0 ? &corr : &beta;
    ind_run r = ind_run_new(ind_named(t[k].output), param, b.n);
    ind_step(&r, &b, 0, b.n);
    compare(&g, r.out[0], want, csv_col(want, t[k].column, "skender"));
    golden_saw(t[k].output, BV_SEEN_SKENDER);
    ind_run_free(&r);
  }
  ind_bars_free(&b);
  csv_free(&data);
  csv_free(&corr);
  csv_free(&beta);
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
       .rel = 1e-12,
       .set = BV_SEEN_LEAN},
      {"expected/lean/indicators/spy_with_indicators.txt",
       "---7-",
       NULL,
       "SMA14",
       "sma",
       {14},
       1,
       .rel = 5e-7,
       .set = BV_SEEN_LEAN},
      {"expected/lean/indicators/spy_with_roc50.txt",
       "1234-",
       NULL,
       "Rate of Change 50",
       "mom",
       {50},
       1,
       .abs = 5.1e-3,
       .set = BV_SEEN_LEAN},
      {"expected/indicators/ta_stockcharts/cs-roc.csv",
       "---1-",
       NULL,
       "ROC",
       "roc",
       {12},
       1,
       .abs = 6e-3,
       .set = BV_SEEN_STOCKCHARTS},
#define LEAN(file, cols, column, output, ...)                                                      \
  {"expected/lean/indicators/" file, cols, NULL, column, output, __VA_ARGS__, .set = BV_SEEN_LEAN}
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
       .rel = 1e-6,
       .set = BV_SEEN_LEAN},
      {"expected/lean/indicators/spy_atr_wilder.txt",
       "1234-",
       NULL,
       "Average True Range 14",
       "atr",
       {14},
       1,
       .from = 200,
       .abs = 1e-5,
       .set = BV_SEEN_LEAN},
      LEAN("spy_heikin_ashi.txt", "12345", "HA_Open", "ha_open", {0}, 0, .abs = 1e-6),
      LEAN("spy_heikin_ashi.txt", "12345", "HA_Low", "ha_low", {0}, 0, .abs = 1e-6),
      LEAN("spy_heikin_ashi.txt", "12345", "HA_Close", "ha_close", {0}, 0, .abs = 1e-6),
      /* The columns of this chart are named the wrong way round: SMA15 is the mean of 5. */
      LEAN("spy_with_rma.csv", "1234-", "SMA15", "sma", {5}, 1, .from = 4, .rel = 1e-8),
      LEAN("spy_with_rma.csv", "1234-", "SMA10", "sma", {10}, 1, .from = 9, .rel = 1e-8),
      LEAN("spy_with_rma.csv", "1234-", "SMA5", "sma", {15}, 1, .from = 14, .rel = 1e-8),
      LEAN("spy_sarext.txt", "41233", "SAR", "sar", {0}, 0, .abs = 1e-9),
      LEAN("spy_with_ichimoku.csv", "1234-", "Tenkan", "ichimoku_conversion", {9}, 1, .from = 8,
           .rel = 1e-9),
      LEAN("spy_with_ichimoku.csv", "1234-", "Kijun", "ichimoku_base", {26}, 1, .from = 25,
           .rel = 1e-9),
      LEAN("spy_with_ichimoku.csv", "1234-", "Senkou A", "ichimoku_span_a", {9, 26, 26}, 3,
           .from = 60, .rel = 1e-9),
      LEAN("spy_with_ichimoku.csv", "1234-", "Senkou B", "ichimoku_span_b", {52, 26}, 2, .from = 90,
           .rel = 1e-9),
      LEAN("spy_with_stoch12k3.txt", "1234-", "Stochastics 12 %K 3", "stoch_k", {12, 3, 5}, 3,
           .from = 20, .abs = 5.1e-3),
      LEAN("spy_with_stoch12k3.txt", "1234-", "%D 5", "stoch_d", {12, 3, 5}, 3, .from = 20,
           .abs = 5.1e-3),
      LEAN("spy_with_indicators.txt", "---7-", "EMA14", "ema", {14}, 1, .from = 250, .rel = 1e-6),
      LEAN("spy_with_indicators.txt", "---7-", "MACD 12 26", "macd", {0}, 0, .from = 250,
           .abs = 5.1e-3),
#define SC(file, cols, column, output, ...)                                                        \
  {"expected/indicators/ta_stockcharts/" file,                                                     \
   cols,                                                                                           \
   NULL,                                                                                           \
   column,                                                                                         \
   output,                                                                                         \
   __VA_ARGS__,                                                                                    \
   .set = BV_SEEN_STOCKCHARTS}
      SC("cs-accum.csv", "11235", "ADLine", "ad", {0}, 0, .abs = 1),
      SC("cs-cci.csv", "1234-", "CCI", "cci", {20}, 1, .abs = 0.2),
      SC("cs-dc.csv", "1123-", "upper_band", "donchian_upper", {20}, 1, .abs = 6e-3),
      SC("cs-dc.csv", "1123-", "lower_band", "donchian_lower", {20}, 1, .abs = 6e-3),
      SC("cs-dc.csv", "1123-", "middle_band", "donchian_middle", {20}, 1, .abs = 6e-3),
      SC("cs-ultosc.csv", "1123-", "Ult_Osc", "ultosc", {0}, 0, .abs = 2e-5),
      SC("cs-adx.csv", "1123-", "+DI14", "plus_di", {14}, 1, .from = 300, .abs = 1e-5),
      SC("cs-adx.csv", "1123-", "-DI14", "minus_di", {14}, 1, .from = 300, .abs = 1e-5),
      SC("cs-adx.csv", "1123-", "DX", "dx", {14}, 1, .from = 300, .abs = 1e-5),
      SC("cs-adx.csv", "1123-", "ADX", "adx", {14}, 1, .from = 400, .abs = 1e-5),
  };
  CHECK(t);

  account_files("expected/indicators/ta_stockcharts", t, COUNT(t), left_stockcharts,
                COUNT(left_stockcharts));

  account_files("expected/lean/indicators", t, COUNT(t), left_lean, COUNT(left_lean));
}

/* Rows of two assets in turn; the value of a day stands in the second one's row. */
static void test_lean_beta(void **state) {
  (void)state;
  csv t;
  if (!csv_read(REAL "expected/lean/indicators/bi_datatest.csv", &t)) skip();
  const double param[BV_IND_MAX_PARAM] = {5};
  const int64_t n = t.rows / 2;
  ind_bars b = ind_bars_new(n);
  for (int64_t i = 0; i < n; i++) {
    b.col[BV_IN_CLOSE][i] = t.cell[2 * i * t.cols + 5];
    b.col[BV_IN_OTHER][i] = t.cell[(2 * i + 1) * t.cols + 5];
  }
  ind_run r = ind_run_new(ind_named("beta"), param, n);
  ind_step(&r, &b, 0, n);
  for (int64_t i = 5; i < n; i++) {
    const double want = t.cell[(2 * i + 1) * t.cols + t.cols - 1];
    assert_true(fabs(r.out[0][i] - want) <= 1e-8);
  }
  golden_saw("beta", BV_SEEN_LEAN);
  ind_run_free(&r);
  ind_bars_free(&b);
  csv_free(&t);
}

/* All of TA-Lib's patterns over 500 days, as LEAN has them from TA-Lib 0.4.  Of two patterns 0.6 also
** counts bodies that share one end, as 80: 0 there. */
static void test_candles(void **state) {
  (void)state;
  csv t;
  int n, compared = 0, hits = 0;
  if (!csv_read(REAL "expected/lean/indicators/spy_candle_patterns.txt", &t)) skip();
  const golden bars = {.cols = "12345"};
  ind_bars b;
  load_bars(&bars, &t, &b);
  const bv_indicator *const *all = bv_indicators(&n);
  for (int k = 0; k < n; k++) {
    if (strncmp(all[k]->name, "cdl", 3) != 0) continue;
    double param[BV_IND_MAX_PARAM];
    int col = -1;
    for (int c = 0; c < t.cols; c++) {
      if (bv_text_ieq(t.name[c], all[k]->name)) col = c;
    }
    if (col < 0) fail_msg("%s: no column", all[k]->name);
    assert_int_equal(bv_indicator_params(all[k], NULL, 0, param, NULL), BV_OK);
    ind_run r = ind_run_new(all[k], param, b.n);
    ind_step(&r, &b, 0, b.n);
    for (int64_t i = 0; i < b.n; i++) {
      const double want = t.cell[i * t.cols + col], y = r.out[0][i];
      if (isnan(want) && isnan(y)) continue;
      compared++;
      hits += want != 0;
      if (!(y == want || (fabs(y) == 80 && want == 0))) {
        fail_msg("%s: row %lld: %g, expected %g", all[k]->name, (long long)i, y, want);
      }
    }
    golden_saw(all[k]->name, BV_SEEN_LEAN);
    ind_run_free(&r);
  }
  assert_true(compared > 29000 && hits > 900);
  ind_bars_free(&b);
  csv_free(&t);
}

/* What the table claims was compared, and the other way round.  The last test. */
static void test_claims(void **state) {
  (void)state;
  gzFile f = gzopen(REAL BT_DATA, "rb");
  if (!f) skip();
  gzclose(f);
  golden_claims(BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_STOCKCHARTS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_backtrader),   cmocka_unit_test(test_skender),
      cmocka_unit_test(test_skender_pair), cmocka_unit_test(test_published),
      cmocka_unit_test(test_lean_beta),    cmocka_unit_test(test_candles),
      cmocka_unit_test(test_claims),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
