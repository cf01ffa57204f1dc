/*
** met.h - inside of the run metrics, shared by metric.c and met_*.c; nobody else includes it.
**
** metric.c owns the table of (name, variant) rows.  Each row shows one "fact", a number computed
** once; two libraries that agree are two rows on one fact.  The other files compute facts:
**
**      met_series.c    cuts the equity curve into days, weeks, months or years
**      met_stat.c      sums, moments, percentiles
**      met_return.c    returns, risk, ratios
**      met_drawdown.c  episodes below the running peak
**      met_trade.c     statistics of closed trades, exposure, turnover
**
** "Bt" marks the figures as backtesting.py 0.6.6 prints them.
*/
#ifndef BV_CALC_MET_H
#define BV_CALC_MET_H

#include "calc/metric.h"

#include <stdbool.h>

/* Facts are NaN until computed. */
typedef enum met_fact {
  MET_TOTAL_RETURN,
  MET_TOTAL_RETURN_BT,
  MET_CAGR_COUNT,
  MET_CAGR_CALENDAR,
  MET_CAGR_BT,
  MET_ANNUAL_BT,
  MET_VOLATILITY,
  MET_VOLATILITY_BT,
  MET_DOWNSIDE,
  MET_SHARPE,
  MET_SHARPE_BT,
  MET_SORTINO,
  MET_SORTINO_BT,
  MET_CALMAR,
  MET_CALMAR_PERIOD,
  MET_CALMAR_BT,
  MET_OMEGA,
  MET_ULCER,
  MET_VAR95,
  MET_CVAR95,
  MET_SKEW,
  MET_SKEW_UNBIASED,
  MET_KURTOSIS,
  MET_KURTOSIS_UNBIASED,
  MET_TAIL_RATIO,
  MET_STABILITY,
  MET_BEST_PERIOD,
  MET_WORST_PERIOD,
  MET_PERIODS,
  MET_PER_YEAR,
  MET_PER_YEAR_BT,
  MET_MAX_DD,
  MET_MAX_DD_PERIOD,
  MET_MAX_DD_BT,
  MET_AVG_DD,
  MET_AVG_DD_BT,
  MET_MAX_DD_S,
  MET_MAX_DD_S_BT,
  MET_AVG_DD_S,
  MET_AVG_DD_S_BT,
  MET_EQUITY_FINAL,
  MET_EQUITY_PEAK,
  MET_EQUITY_PEAK_BT,
  MET_EXPOSURE,
  MET_EXPOSURE_BT,
  MET_COMMISSION,
  MET_COMMISSION_CLOSED,
  MET_TURNOVER,
  MET_TURNOVER_PERIOD,
  MET_TRADES,
  MET_TRADES_ALL,
  MET_WIN_RATE,
  MET_PROFIT_FACTOR,
  MET_PROFIT_FACTOR_BT,
  MET_PAYOFF,
  MET_EXPECTANCY,
  MET_EXPECTANCY_PCT,
  MET_SQN,
  MET_KELLY,
  MET_BEST_TRADE,
  MET_WORST_TRADE,
  MET_AVG_TRADE,
  MET_AVG_TRADE_BT,
  MET_MAX_TRADE_S,
  MET_MAX_TRADE_S_BT,
  MET_AVG_TRADE_S,
  MET_AVG_TRADE_S_BT,
  MET_FACTS
} met_fact;

/* ---- met_stat.c ---------------------------------------------------------------------------- */

/* A compensated sum (Neumaier 1974): the error does not grow with the number of terms. */
typedef struct met_sum {
  double s, c;
} met_sum;

void met_add(met_sum *a, double x);
double met_total(const met_sum *a);

/* Moments of n values: m2, m3, m4 are means of powers about the mean (divided by n).  All NaN for
** n = 0. */
typedef struct met_moments {
  int64_t n;
  double mean, m2, m3, m4, lo, hi;
} met_moments;

met_moments met_moments_of(const double *x, int64_t n);

/* x, or 0 where |x| is so small, at most 8 epsilon x scale, that rounding alone can have made it;
** scale is the size of the numbers x was computed from. */
double met_clean(double x, double scale);

/* Sample deviation (n - 1), cleaned with scale; NaN for n < 2. */
double met_sd(const met_moments *m, double scale);

/* Value at rank (n - 1) q of the sorted values, linear between neighbours; NaN for n = 0. */
double met_percentile(const double *sorted, int64_t n, double q);

/* Mean of the floor((n - 1) cut) + 1 smallest of the sorted values; NaN for n = 0. */
double met_shortfall(const double *sorted, int64_t n, double cut);

/* Geometric mean of 1 + r, less 1; 0 if any 1 + r <= 0, as backtesting.py has it; NaN for n = 0. */
double met_geometric(const double *r, int64_t n);

/* Sort in place, ascending; no NaN among the values. */
void met_sort(double *x, int64_t n);

/* a / b, NaN where b is 0. */
double met_ratio(double a, double b);

/* ---- met_series.c -------------------------------------------------------------------------- */

/* One point per period: v[i] is the last value of the period numbered key[i] (strictly increasing);
** r holds the nr returns between neighbours that are defined, in order. */
typedef struct met_series {
  int64_t *key;
  double *v;
  double *r;
  int64_t n, nr;
  double per_year; /* periods per year */
} met_series;

/* Both readings of one curve: ours, and backtesting.py's. */
typedef struct met_curve {
  met_series own; /* one point per local day, or the curve's own points where it is coarser */
  met_series bt;
  int64_t points;      /* finite points of the curve */
  double first, last;  /* their first and last value */
  double span_s;       /* seconds from the first to the last */
  double start;        /* V_0; the first value where the input has none */
  double resolution_s; /* unit to which backtesting.py rounds durations up; NaN below two points */
} met_curve;

/* Read the curve of the input.  The curve is reset by met_curve_reset, after a failure too. */
BV_MUST bv_rc met_curve_init(met_curve *c, const bv_metric_input *in, bv_err *err);
void met_curve_reset(met_curve *c);

/* Seconds rounded up to the curve's resolution, as a sum over count; NaN without either. */
double met_round_up(const met_curve *c, int64_t sum_s, int64_t count);

/* ---- met_return.c -------------------------------------------------------------------------- */

/* Returns, risk and ratios.  The drawdown facts must be there already. */
BV_MUST bv_rc met_return_facts(const bv_metric_input *in, const met_curve *c, double *fact,
                               bv_err *err);

/* ---- met_drawdown.c ------------------------------------------------------------------------ */

void met_drawdown_facts(const bv_metric_input *in, const met_curve *c, double *fact);

/* ---- met_trade.c --------------------------------------------------------------------------- */

BV_MUST bv_rc met_trade_facts(const bv_metric_input *in, const met_curve *c, double *fact,
                              bv_err *err);

#endif
