/*
** test_metric.c - run metrics on small curves and trade lists.
**
** Expected numbers come from a plain Python evaluation of the formulas in metric.c's table (the
** reference functions are checked against empyrical, quantstats and backtesting.py), or are worked
** out by hand in the comment beside them.  Whole recorded runs are compared by
** tests/metric_check.py.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "calc/met.h"

#define DAY 86400
#define MAX 512 /* more than there are rows */

/* Equity is built by multiplying and returns are read by dividing, so a return is off by up to
** 2 epsilon; ratios of small returns magnify that to about 1e-13. */
#define REL 1e-11

static bv_metric_value value[MAX];
static int nvalue;

static const double returns21[] = {0.012,  -0.008, 0.005,  0.021, -0.034, 0.0,    0.017,
                                   -0.011, 0.009,  -0.002, 0.026, -0.015, 0.004,  0.013,
                                   -0.007, 0.018,  -0.021, 0.006, 0.003,  -0.005, 0.011};

/* The i-th weekday from Monday 1970-01-05 on, at midnight. */
static int64_t weekday(int64_t i) {
  return (4 + i / 5 * 7 + i % 5) * DAY;
}

static int run(const bv_metric_input *in) {
  bv_err err = {0};
  assert_in_range(bv_metric_count(), 1, MAX);
  assert_int_equal(bv_metric_compute(in, value, &nvalue, &err), BV_OK);
  return nvalue;
}

static double get(const char *name, const char *variant) {
  for (int i = 0; i < nvalue; i++)
    if (strcmp(value[i].name, name) == 0 && strcmp(value[i].variant, variant) == 0)
      return value[i].value;
  fail_msg("no row %s/%s", name, variant);
  return 0;
}

static void expect(const char *name, const char *variant, double want) {
  const double have = get(name, variant);
  if (!(fabs(have - want) <= REL * fmax(fabs(want), 1e-3)))
    fail_msg("%s/%s is %.17g, not %.17g", name, variant, have, want);
}

static void expect_nan(const char *name, const char *variant) {
  const double have = get(name, variant);
  if (!isnan(have)) fail_msg("%s/%s is %.17g, not NaN", name, variant, have);
}

static bv_metric_input curve21(int64_t *ts, double *v) {
  double equity = 1000;
  for (int i = 0; i < 21; i++) {
    ts[i] = weekday(i);
    v[i] = equity *= 1 + returns21[i];
  }
  return (bv_metric_input){.ts = ts, .equity = v, .n = 21, .start = 1000, .left = 1};
}

static void table_is_sound(void **state) {
  (void)state;
  static const char *const units[] = {"fraction", "seconds", "currency", "ratio", "count"};
  bool used[MET_FROM_FACT + MET_FACTS] = {false};
  const int n = bv_metric_count();
  for (int i = 0; i < n; i++) {
    bool known = false;
    const bv_metric_def *d = bv_metric_at(i);
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
      known = known || strcmp(units[k], d->unit) == 0;
    assert_true(known);
    assert_true(d->name[0] && d->formula[0] && d->source[0]);
    assert_in_range(d->from, 0, MET_FROM_FACT + MET_FACTS - 1);
    assert_true((d->kernel == NULL) == (d->from >= MET_FROM_FACT));
    assert_true(d->kernel || !d->fn);
    assert_true(bv_metric_in_run(d) || d->fn);
    used[d->from] = true;
    for (int j = 0; j < i; j++) {
      const bv_metric_def *e = bv_metric_at(j);
      assert_false(strcmp(d->name, e->name) == 0 && strcmp(d->variant, e->variant) == 0);
    }
  }
  assert_null(bv_metric_at(n));
  for (int i = 0; i < MET_FROM_FACT + MET_FACTS; i++) assert_true(used[i]);
}

static void ratios_of_returns(void **state) {
  (void)state;
  int64_t ts[21];
  double v[21];
  const bv_metric_input in = curve21(ts, v);
  const int n = run(&in);
  for (int i = 0, k = 0; i < bv_metric_count(); i++) {
    const bv_metric_def *d = bv_metric_at(i);
    if (!bv_metric_in_run(d)) continue;
    assert_in_range(k, 0, n - 1);
    assert_string_equal(value[k].name, d->name);
    assert_string_equal(value[k].variant, d->variant);
    assert_string_equal(value[k++].unit, d->unit);
  }
  expect("periods", "", 21);
  expect("periods_per_year", "", 252);
  expect("total_return", "", 0.04059008803269837);
  expect("cagr", "", 0.6119672621446082);
  expect("cagr", "count", 0.6119672621446082);
  expect("annual_return", "empyrical", 0.6119672621446082);
  expect("volatility", "", 0.23363047746387894);
  expect("sharpe", "", 2.157252792833599);
  expect("sharpe", "empyrical", 2.157252792833599);
  expect("downside_deviation", "", 0.1581771159175688);
  expect("sortino", "", 3.1863016156057027);
  expect("max_drawdown", "", -0.03400000000000003);
  expect("max_drawdown", "empyrical", -0.03400000000000003);
  expect("calmar", "", 17.999037121900223);
  expect("omega", "", 1.407766990291262);
  expect("ulcer_index", "", 0.01717403676728677);
  expect("var_95", "", -0.021);
  expect("cvar_95", "", -0.0275);
  expect("skew", "", -0.585351744356395);
  expect("kurtosis", "", 0.024729322212073246);
  expect("skew", "quantstats", -0.6313758426514262);
  expect("kurtosis", "quantstats", 0.382692695243603);
  expect("tail_ratio", "", 1.0);
  expect("stability", "", 0.5322754570005684);
  expect("best_period", "", 0.026);
  expect("worst_period", "", -0.034);
  expect("equity_final", "", 1040.59008803269837);
}

static void calendar_growth(void **state) {
  (void)state;
  /* 21 weekdays from a Monday on end on a Monday four weeks later. */
  int64_t ts[21];
  double v[21];
  const bv_metric_input in = curve21(ts, v);
  run(&in);
  const double years = 28 / 365.25;
  expect("cagr", "365.25", pow(1.04059008803269837, 1 / years) - 1);
  expect("cagr", "backtesting.py", pow(1.04059008803269837 / 1.012, 1 / years) - 1);
}

static void risk_free_is_annual(void **state) {
  (void)state;
  int64_t ts[21];
  double v[21];
  bv_metric_input in = curve21(ts, v);
  in.risk_free = 0.02;
  run(&in);
  expect("sharpe", "", 2.072489000048073);
  expect("sortino", "", 3.0492487636836625);
  expect("omega", "", 1.389073190016845);
  expect("downside_deviation", "", 0.15879209344498735);
  expect("sharpe", "backtesting.py", 1.175910545347903);
}

static void backtesting_py_starts_at_the_first_point(void **state) {
  (void)state;
  int64_t ts[21];
  double v[21];
  const bv_metric_input in = curve21(ts, v);
  run(&in);
  expect("total_return", "backtesting.py", 1.04059008803269837 / 1.012 - 1);
  expect("annual_return", "backtesting.py", pow(1.00139393931756282, 252) - 1);
  expect("volatility", "backtesting.py", 0.3406103094931188);
  expect("calmar", "backtesting.py", (pow(1.00139393931756282, 252) - 1) / 0.034);
}

static void given_periods_win(void **state) {
  (void)state;
  int64_t ts[21];
  double v[21];
  bv_metric_input in = curve21(ts, v);
  in.periods = 63;
  run(&in);
  expect("sharpe", "", 2.157252792833599 / 2);
  expect("periods_per_year", "backtesting.py", 252);
}

static void drawdown_episodes(void **state) {
  (void)state;
  /* Points 0..20 hold the values after return 1..21.  Below the peak: points 1-2 (peak 0, back at
  ** 3), 4-9 (3, 10), 11-12 (10, 13), 14 (13, 15), 16-20 (15, open to 20).  In days: weekday(i). */
  static const int peak[] = {0, 3, 10, 13, 15}, end[] = {3, 10, 13, 15, 20};
  int64_t ts[21], sum = 0, longest = 0;
  double v[21];
  const bv_metric_input in = curve21(ts, v);
  run(&in);
  for (int i = 0; i < 5; i++) {
    const int64_t len = weekday(end[i]) - weekday(peak[i]);
    sum += len;
    longest = len > longest ? len : longest;
  }
  assert_int_equal(longest, 11 * DAY); /* Thursday to Monday of the week after next */
  expect("avg_drawdown", "", -0.016999999999999994);
  expect("max_drawdown_duration", "", (double)longest);
  expect("avg_drawdown_duration", "", (double)sum / 5);
  expect("max_drawdown_duration", "backtesting.py", (double)longest);
  expect("avg_drawdown_duration", "backtesting.py", ceil((double)sum / 5 / DAY) * DAY);
  expect("equity_peak", "", v[15]);
}

static void last_point_alone_below_the_peak(void **state) {
  (void)state;
  static const int64_t ts[] = {4 * DAY, 5 * DAY, 6 * DAY, 7 * DAY, 8 * DAY};
  static const double v[] = {100, 90, 100, 110, 99};
  bv_metric_input in = {.ts = ts, .equity = v, .n = 5, .start = 100, .left = 1};
  run(&in);
  expect("avg_drawdown", "", -0.1);
  expect("avg_drawdown_duration", "", 1.5 * DAY);
  expect("avg_drawdown", "backtesting.py", -0.1);
  expect("avg_drawdown_duration", "backtesting.py", 2 * DAY);
  in.ts += 2; /* the last point is the only episode */
  in.equity += 2;
  in.n = 3;
  run(&in);
  expect("max_drawdown", "backtesting.py", -0.1);
  expect("avg_drawdown", "backtesting.py", -0.1);
  expect_nan("max_drawdown_duration", "backtesting.py");
  expect("max_drawdown_duration", "", DAY);
}

static void start_is_a_peak_for_ours_only(void **state) {
  (void)state;
  static const int64_t ts[] = {4 * DAY, 5 * DAY, 6 * DAY};
  static const double v[] = {80, 90, 120};
  const bv_metric_input in = {.ts = ts, .equity = v, .n = 3, .start = 100, .left = 1};
  run(&in);
  expect("max_drawdown", "", -0.2);
  expect("max_drawdown_duration", "", 2 * DAY);
  expect("max_drawdown", "backtesting.py", 0);
  expect_nan("avg_drawdown", "backtesting.py");
  expect_nan("calmar", "backtesting.py");
}

static void trade_statistics(void **state) {
  (void)state;
  static const double p[] = {120, -45, 0, 30, -80, 210, -15, 55};
  bv_metric_trade t[9] = {{0}};
  for (int i = 0; i < 8; i++)
    t[i] = (bv_metric_trade){.entry_ts = i * DAY,
                             .exit_ts = i * DAY + (i + 1) * 3600,
                             .qty = i % 2 ? -10 : 10,
                             .entry_price = 1000,
                             .exit_price = 1000,
                             .multiplier = 1,
                             .pnl = p[i],
                             .ret = p[i] / 10000};
  t[8] = (bv_metric_trade){
      .entry_ts = 9 * DAY, .exit_ts = 99 * DAY, .qty = 1, .pnl = -1e6, .ret = -0.9, .open = 1};
  const bv_metric_input in = {.trade = t, .ntrade = 9, .commission = 12.5, .start = 1};
  run(&in);
  expect("trades", "", 8);
  expect("trades", "all", 9);
  expect("commission", "", 12.5);
  expect("win_rate", "", 0.5);
  expect("profit_factor", "", 2.9642857142857144);
  expect("profit_factor", "backtesting.py", 2.9642857142857144);
  expect("payoff", "", 2.223214285714286);
  expect("expectancy", "", 34.375);
  expect("expectancy", "percent", 0.0034375);
  expect("sqn", "", 1.036261268064406);
  expect("kelly", "", 0.27510040160642574);
  expect("best_trade", "", 0.021);
  expect("worst_trade", "", -0.008);
  expect("avg_trade", "", 0.0034375);
  expect("avg_trade", "backtesting.py", 0.003399276475189783);
  expect("max_trade_duration", "", 8 * 3600);
  expect("avg_trade_duration", "", 4.5 * 3600);
  expect_nan("exposure", ""); /* no curve */
  expect_nan("max_trade_duration", "backtesting.py");
}

/* Percent and currency disagree once trades differ in size. */
static void profit_factor_of_percent_and_of_currency(void **state) {
  (void)state;
  static const bv_metric_trade t[] = {
      {.pnl = 100, .ret = 0.5}, {.pnl = -50, .ret = -0.1}, {.pnl = -30, .ret = -0.3}};
  const bv_metric_input in = {.trade = t, .ntrade = 3, .start = 1};
  run(&in);
  expect("profit_factor", "", 100.0 / 80);
  expect("profit_factor", "backtesting.py", 0.5 / 0.4);
}

static void only_losses_only_wins_none(void **state) {
  (void)state;
  bv_metric_trade t[] = {{.pnl = -10, .ret = -0.1}, {.pnl = -10, .ret = -1.0}};
  const bv_metric_input in = {.trade = t, .ntrade = 2, .start = 1};
  run(&in);
  expect("win_rate", "", 0);
  expect("profit_factor", "", 0);
  expect_nan("payoff", "");
  expect_nan("kelly", "");
  expect_nan("sqn", ""); /* no deviation */
  expect("avg_trade", "backtesting.py", 0);
  t[0].pnl = t[1].pnl = 10;
  run(&in);
  expect("win_rate", "", 1);
  expect_nan("profit_factor", "");
  expect_nan("kelly", "");
  t[0].pnl = t[1].pnl = 0;
  run(&in);
  expect("win_rate", "", 0);
  expect_nan("profit_factor", "");
  const bv_metric_input none = {.start = 1};
  run(&none);
  expect("trades", "", 0);
  expect_nan("win_rate", "");
  expect_nan("expectancy", "");
  expect_nan("best_trade", "");
  expect_nan("avg_trade_duration", "");
}

/* Ten daily steps.  Trades: filled at the start of step 1, out at the start of step 3; 2 to 4
** (overlaps); 7 to 7; and an open one from 9. */
static void exposure_counts_steps_once(void **state) {
  (void)state;
  int64_t start[10], end[10];
  double v[10];
  uint8_t exposed[10] = {1, 1};
  for (int i = 0; i < 10; i++) {
    start[i] = weekday(0) + i * DAY;
    end[i] = start[i] + DAY;
    v[i] = 100;
  }
  const bv_metric_trade t[] = {{.entry_ts = start[2], .exit_ts = start[4]},
                               {.entry_ts = start[1], .exit_ts = start[3]},
                               {.entry_ts = start[7], .exit_ts = start[7] + 60},
                               {.entry_ts = start[9], .exit_ts = end[9], .open = 1}};
  bv_metric_input in = {
      .ts = start, .equity = v, .n = 10, .start = 100, .left = 1, .trade = t, .ntrade = 4};
  run(&in);
  expect("exposure", "backtesting.py", 0.5); /* 1 2 3 4 7 */
  expect("exposure", "", 0.6);               /* and 9 */
  in.ts = end;
  in.left = 0;
  run(&in);
  expect("exposure", "backtesting.py", 0.5);
  expect("exposure", "", 0.6);
  in.exposed = exposed;
  run(&in);
  expect("exposure", "", 0.2);
}

static void turnover_of_round_trips(void **state) {
  (void)state;
  static const int64_t ts[] = {4 * DAY, 5 * DAY};
  static const double v[] = {1000, 1000};
  static const bv_metric_trade t[] = {
      {.qty = -2, .entry_price = 100, .exit_price = 110, .multiplier = 5},
      {.qty = 1, .entry_price = 50, .exit_price = 60, .multiplier = 1, .open = 1}};
  const bv_metric_input in = {
      .ts = ts, .equity = v, .n = 2, .start = 1000, .left = 1, .trade = t, .ntrade = 2};
  run(&in);
  /* 2 x 5 x (100 + 110) + 50 = 2150, on an equity of 1000 over two periods */
  expect("turnover", "period", 1.075);
  expect("turnover", "", 1.075 * 252);
}

static void no_points(void **state) {
  (void)state;
  static const double nan_value[] = {NAN};
  static const int64_t ts[] = {4 * DAY};
  bv_metric_input in = {.start = 100};
  for (int pass = 0; pass < 2; pass++) {
    const int n = run(&in);
    for (int i = 0; i < n; i++) {
      const char *name = value[i].name;
      const bool counted = strcmp(value[i].variant, "quantstats") != 0;
      if (strcmp(name, "trades") == 0 || strcmp(name, "commission") == 0 ||
          strcmp(name, "slippage") == 0 || strcmp(name, "financing") == 0 ||
          (pass == 1 && strcmp(name, "exposure") == 0 && counted))
        assert_true(value[i].value == 0);
      else if (!isnan(value[i].value))
        fail_msg("%s/%s is %.17g", name, value[i].variant, value[i].value);
    }
    in = (bv_metric_input){.ts = ts, .equity = nan_value, .n = 1, .start = 100};
  }
}

static void one_point(void **state) {
  (void)state;
  static const double v[] = {101};
  static const int64_t ts[] = {4 * DAY};
  const bv_metric_input in = {.ts = ts, .equity = v, .n = 1, .start = 100, .left = 1};
  run(&in);
  expect("total_return", "", 0.01);
  expect("cagr", "", pow(1.01, 252) - 1);
  expect("max_drawdown", "", 0);
  expect("best_period", "", 0.01);
  expect_nan("volatility", "");
  expect_nan("sharpe", "");
  expect_nan("cagr", "365.25");
  expect_nan("annual_return", "backtesting.py");
  expect("total_return", "backtesting.py", 0);
  expect_nan("ulcer_index", "");
}

static void constant_equity(void **state) {
  (void)state;
  int64_t ts[8];
  double v[8];
  for (int i = 0; i < 8; i++) {
    ts[i] = weekday(i);
    v[i] = 100;
  }
  const bv_metric_input in = {.ts = ts, .equity = v, .n = 8, .start = 100, .left = 1};
  run(&in);
  expect("total_return", "", 0);
  expect("volatility", "", 0);
  expect("volatility", "backtesting.py", 0);
  expect("max_drawdown", "", 0);
  expect_nan("avg_drawdown", "");
  expect_nan("max_drawdown_duration", "");
  static const char *const undefined[] = {"sharpe", "sortino",  "calmar",     "omega",
                                          "skew",   "kurtosis", "tail_ratio", "stability"};
  for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) expect_nan(undefined[i], "");
  expect_nan("sharpe", "backtesting.py");
  expect_nan("sortino", "backtesting.py");
}

/* A steady gain has no deviation, though its returns differ in the last bit. */
static void rounding_is_not_risk(void **state) {
  (void)state;
  int64_t ts[300];
  double v[300], equity = 7;
  for (int i = 0; i < 300; i++) {
    ts[i] = weekday(i);
    v[i] = equity *= 1.0007;
  }
  const bv_metric_input in = {.ts = ts, .equity = v, .n = 300, .start = 7, .left = 1};
  run(&in);
  expect("volatility", "", 0);
  expect_nan("sharpe", "");
  expect_nan("skew", "");
}

static void ruin(void **state) {
  (void)state;
  static const int64_t ts[] = {4 * DAY, 5 * DAY, 6 * DAY, 7 * DAY, 8 * DAY};
  static const double zero[] = {100, 50, 0, 0, 0}, below[] = {100, 50, -25, -25, 10};
  bv_metric_input in = {.ts = ts, .equity = zero, .n = 5, .start = 100, .left = 1};
  run(&in);
  expect("total_return", "", -1);
  expect("cagr", "", -1);
  expect("max_drawdown", "", -1);
  expect("worst_period", "", -1);
  expect_nan("stability", "");
  expect("annual_return", "backtesting.py", 0); /* its geometric mean is 0 after a return of -1 */
  in.equity = below;
  run(&in);
  expect("total_return", "", -0.9);
  expect("max_drawdown", "", -1.25);
  expect("worst_period", "", -1.5);
  expect("periods", "", 5);
  in.n = 4;
  run(&in);
  expect("total_return", "", -1.25);
  expect_nan("cagr", "");
  in.start = 0;
  run(&in);
  expect_nan("total_return", "");
  expect_nan("max_drawdown", "");
}

static void unknown_start_and_holes(void **state) {
  (void)state;
  static const int64_t ts[] = {4 * DAY, 5 * DAY, 6 * DAY, 7 * DAY};
  static const double v[] = {NAN, 100, INFINITY, 110};
  const bv_metric_input in = {
      .ts = ts, .equity = v, .n = 4, .start = NAN, .left = 1, .periods = 252};
  run(&in);
  expect("periods", "", 1);
  expect("total_return", "", 0.1);
  expect("cagr", "", pow(1.1, 252) - 1);
  expect("best_period", "", 0.1);
  expect("equity_final", "", 110);
}

static void allocation_failures(void **state) {
  (void)state;
  int64_t ts[21];
  double v[21];
  const bv_metric_trade t[] = {{.pnl = 1, .ret = 0.1}, {.pnl = -1, .ret = -0.1}};
  bv_metric_input in = curve21(ts, v);
  in.trade = t;
  in.ntrade = 2;
  in.bench = v;
  const int64_t before = bv_mem_total();
  int64_t failures = 0;
  for (int64_t i = 0;; i++) {
    bv_err err = {0};
    value[0].name = "untouched";
    bv_alloc_fail_after(i, 0);
    const bv_rc rc = bv_metric_compute(&in, value, &nvalue, &err);
    const int64_t failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(bv_mem_total(), before);
    if (failed == 0) {
      assert_int_equal(rc, BV_OK);
      break;
    }
    failures++;
    assert_int_equal(rc, BV_NOMEM);
    assert_string_equal(value[0].name, "untouched");
    assert_non_null(strstr(err.msg, "metrics"));
  }
  assert_in_range(failures, 8, 100);
}

/* ---- columns that go by ---- */

enum { LONG = 9000, TRADES = 3000 };

static uint64_t seed;

static int64_t pick(int64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

static int64_t long_ts[LONG];
static double long_v[LONG], long_b[LONG];
static uint8_t long_exposed[LONG];
static bv_metric_trade long_trade[TRADES];

/* A curve of some spacing, with absent points and prices, and trades of all lengths inside and outside of it. */
static bv_metric_input random_run(void) {
  static const int64_t spacing[] = {60, 3600, DAY, 7 * DAY};
  const int64_t step = spacing[pick(4)], n = 1 + pick(pick(3) ? 300 : LONG), nt = pick(TRADES);
  int64_t t = 4 * DAY + pick(DAY);
  double v = 1000;
  const bool odd = pick(3) == 0, sinks = pick(4) == 0;
  for (int64_t i = 0; i < n; i++) {
    t += step * (1 + (pick(20) == 0) * pick(30));
    v *= 1 + ((double)pick(2001) - (sinks ? 1080 : 990)) / 5e4;
    long_ts[i] = t;
    long_v[i] = odd && pick(40) == 0 ? (double)NAN : odd && pick(900) == 0 ? -v : v;
    long_b[i] = i < 5 || pick(90) == 0 ? (double)NAN : 50 + (double)pick(500) / 10;
    long_exposed[i] = (uint8_t)(pick(3) == 0 ? pick(256) : 0);
  }
  for (int64_t i = 0; i < nt; i++) {
    const int64_t entry = long_ts[0] - 1000 + pick(t - long_ts[0] + 2000);
    const double price = 10 + (double)pick(900) / 10, pnl = (double)(pick(4001) - 2000) / 10;
    long_trade[i] = (bv_metric_trade){.entry_ts = entry,
                                      .exit_ts = entry + pick(step * (pick(9) ? 9 : 2000)),
                                      .qty = (double)pick(41) - 20,
                                      .entry_price = price,
                                      .exit_price = price + (double)(pick(201) - 100) / 20,
                                      .multiplier = pick(5) ? 1 : 50,
                                      .commission = (double)pick(50) / 10,
                                      .pnl = pick(50) ? pnl : 0,
                                      .ret = pick(60) ? pnl / 2500 : (double)NAN,
                                      .mae = pick(60) ? -(double)pick(100) : (double)NAN,
                                      .mfe = (double)pick(100),
                                      .open = pick(30) == 0};
  }
  return (bv_metric_input){.ts = long_ts,
                           .equity = long_v,
                           .n = n,
                           .start = pick(9) ? 900 + (double)pick(200) : (double)NAN,
                           .left = (int)pick(2),
                           .exposed = pick(2) ? long_exposed : NULL,
                           .bench = pick(2) ? long_b : NULL,
                           .bench_start = pick(2) ? 49 : (double)NAN,
                           .bench_first = pick(3) ? 0 : pick(n),
                           .trade = long_trade,
                           .ntrade = nt,
                           .commission = 12,
                           .risk_free = 0.01,
                           .periods = pick(4) ? 0 : 260};
}

static bv_rc brute_count(void *ctx, const int64_t *t, int64_t n, int64_t *points, bv_err *err) {
  const bv_metric_input *in = ctx;
  (void)err;
  for (int64_t i = 0; i < n; i++) {
    points[i] = 0;
    while (points[i] < in->n && in->ts[points[i]] <= t[i]) points[i]++;
  }
  return BV_OK;
}

/* Trades as columns, each piece on its own. */
static void give_trades(bv_metric_run *m, const bv_metric_input *in, bool first) {
  static int64_t entry[TRADES], exit[TRADES], open[TRADES];
  static double col[9][TRADES];
  for (int64_t at = 0, n; at < in->ntrade; at += n) {
    n = 1 + pick(pick(4) ? 700 : 3);
    if (n > in->ntrade - at) n = in->ntrade - at;
    for (int64_t i = 0; i < n; i++) {
      const bv_metric_trade *t = &in->trade[at + i];
      entry[i] = t->entry_ts;
      exit[i] = t->exit_ts;
      open[i] = t->open;
      const double x[9] = {t->pnl,        t->qty, t->entry_price, t->exit_price, t->multiplier,
                           t->commission, t->ret, t->mae,         t->mfe};
      for (int c = 0; c < 9; c++) col[c][i] = first || c == 0 ? x[c] : 1e300;
    }
    const bool timed = first || bv_metric_timed(m);
    const bv_metric_trades p = {n,
                                timed ? entry : NULL,
                                timed ? exit : NULL,
                                open,
                                col[0],
                                col[1],
                                col[2],
                                col[3],
                                col[4],
                                col[5],
                                col[6],
                                col[7],
                                col[8],
                                brute_count,
                                (void *)(uintptr_t)in};
    assert_int_equal(bv_metric_trades_add(m, &p, NULL), BV_OK);
  }
}

static void give_points(bv_metric_run *m, const bv_metric_input *in, bool bench) {
  for (int64_t at = 0, n; at < in->n; at += n) {
    n = 1 + pick(pick(4) ? 200 : 3);
    if (n > in->n - at) n = in->n - at;
    bv_metric_points p = {.n = n, .ts = in->ts + at, .equity = in->equity + at};
    if (in->exposed) p.exposed = in->exposed + at;
    if (bench) p.bench = in->bench + at;
    const bv_rc rc = bench ? bv_metric_bench_add(m, &p, NULL) : bv_metric_points_add(m, &p, NULL);
    assert_int_equal(rc, BV_OK);
  }
}

/* The same bits, whatever the pieces are. */
static void columns_in_pieces(void **state) {
  (void)state;
  static bv_metric_value whole[MAX];
  for (seed = 1; seed < 200; seed++) {
    const uint64_t began = seed;
    seed *= 0x9e3779b97f4a7c15u;
    const bv_metric_input in = random_run();
    bv_metric_run *m;
    int n = run(&in);
    memcpy(whole, value, sizeof whole);
    assert_int_equal(bv_metric_new(&in, &m, NULL), BV_OK);
    give_points(m, &in, false);
    assert_int_equal(bv_metric_points_end(m, &in, NULL), BV_OK);
    for (bool again = in.bench != NULL; again;) {
      give_points(m, &in, true);
      assert_int_equal(bv_metric_bench_again(m, &again, NULL), BV_OK);
    }
    bool first = true;
    do {
      give_trades(m, &in, first);
      first = false;
    } while (bv_metric_trades_again(m));
    bv_metric_values(m, value, &nvalue);
    bv_metric_free(m);
    assert_int_equal(nvalue, n);
    for (int i = 0; i < n; i++) {
      if (memcmp(&whole[i].value, &value[i].value, sizeof(double)) == 0) continue;
      fail_msg("seed %d: %s/%s is %.17g in pieces, %.17g as a whole", (int)began, value[i].name,
               value[i].variant, value[i].value, whole[i].value);
    }
    seed = began;
  }
}

/* Walked by hand, a point at a time: the blocks and days of the walk change nothing. */
static void walk_is_point_by_point(void **state) {
  (void)state;
  for (seed = 1; seed < 100; seed++) {
    const uint64_t began = seed;
    seed *= 0x9e3779b97f4a7c15u;
    bv_metric_input in = random_run();
    in.ntrade = 0;
    for (int64_t i = 0; i < in.n; i++) {
      if (!isfinite(long_v[i])) long_v[i] = 700;
    }
    if (isnan(in.start)) in.start = 1000;
    run(&in);
    double peak = in.start, worst = 0;
    int64_t episodes = 0, day = INT64_MIN, days = 0, exposed = 0;
    bool below = false;
    for (int64_t i = 0; i < in.n; i++) {
      const int64_t d = (in.left ? in.ts[i] : in.ts[i] - 1) / DAY;
      days += d != day;
      day = d;
      if (in.equity[i] >= peak) {
        peak = in.equity[i];
        below = false;
      } else {
        episodes += !below;
        below = true;
        worst = fmin(worst, in.equity[i] / peak - 1);
      }
      if (in.exposed) exposed += in.exposed[i] != 0;
    }
    assert_int_equal(get("periods", ""), days);
    expect("drawdowns", "", (double)episodes);
    expect("max_drawdown", "", worst);
    expect("equity_peak", "", peak);
    if (in.exposed) expect("exposure", "", (double)exposed / (double)in.n);
    seed = began;
  }
}

/* Steps in some range of many, of a curve longer than a window. */
static void covered_steps(void **state) {
  (void)state;
  static const int64_t length[] = {1, 63, 64, 65, 5000, 4194304, 4194305, 9000000};
  static struct { int64_t lo, hi; } range[400];
  for (size_t k = 0; k < sizeof length / sizeof *length; k++) {
    const int64_t n = length[k];
    met_cover c;
    uint8_t *plain = bv_alloc0(BV_MEM_RUN, (size_t)n);
    int64_t want = 0, passes = 0;
    seed = 77 + k;
    for (int i = 0; i < 400; i++) {
      const int64_t a = pick(n), b = pick(3) ? a + pick(1 + n / 300) : pick(n);
      range[i].lo = a < b ? a : b;
      range[i].hi = a < b ? b : a;
      if (range[i].hi >= n) range[i].hi = n - 1;
      if (i > 300) range[i] = range[pick(i)];
      for (int64_t j = range[i].lo; j <= range[i].hi; j++) plain[j] = 1;
    }
    for (int64_t j = 0; j < n; j++) want += plain[j];
    assert_int_equal(met_cover_init(&c, n), BV_OK);
    do {
      assert_true(met_cover_open(&c));
      for (int i = 0; i < 400; i++) met_cover_add(&c, range[i].lo, range[i].hi);
      passes++;
    } while (met_cover_next(&c));
    assert_false(met_cover_open(&c));
    assert_int_equal(c.steps, want);
    assert_int_equal(passes, (n + 4194303) / 4194304);
    met_cover_reset(&c);
    bv_free(plain);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_is_sound),
      cmocka_unit_test(columns_in_pieces),
      cmocka_unit_test(walk_is_point_by_point),
      cmocka_unit_test(covered_steps),
      cmocka_unit_test(ratios_of_returns),
      cmocka_unit_test(calendar_growth),
      cmocka_unit_test(risk_free_is_annual),
      cmocka_unit_test(backtesting_py_starts_at_the_first_point),
      cmocka_unit_test(given_periods_win),
      cmocka_unit_test(drawdown_episodes),
      cmocka_unit_test(last_point_alone_below_the_peak),
      cmocka_unit_test(start_is_a_peak_for_ours_only),
      cmocka_unit_test(trade_statistics),
      cmocka_unit_test(profit_factor_of_percent_and_of_currency),
      cmocka_unit_test(only_losses_only_wins_none),
      cmocka_unit_test(exposure_counts_steps_once),
      cmocka_unit_test(turnover_of_round_trips),
      cmocka_unit_test(no_points),
      cmocka_unit_test(one_point),
      cmocka_unit_test(constant_equity),
      cmocka_unit_test(rounding_is_not_risk),
      cmocka_unit_test(ruin),
      cmocka_unit_test(unknown_start_and_holes),
      cmocka_unit_test(allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
