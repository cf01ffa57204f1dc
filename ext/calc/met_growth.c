/*
** met_growth.c - growth and deviation of returns.
**
** Symbols: r_t the n period returns (met_series.c says what a period of a run is), P periods a year,
** RF the annual risk-free return, rf = (1 + RF)^(1/P) - 1 per period, sd the sample deviation, g the
** geometric mean of 1 + r less 1, V the equity.  In a run V_0 is the starting value, V_n the last,
** and n counts the periods after a ruin too, which have no return.
*/
#include "calc/met.h"

#include <math.h>

#define YEAR_S 31557600.0 /* 365.25 days */
#define DAY_S  86400.0

double met_gross(const met_sample *s) {
  double product = 1;
  if (s->known_gross) return s->gross;
  for (int64_t i = 0; i < s->n; i++) product *= 1 + s->x[i];
  return s->n > 0 ? product : (double)NAN;
}

static double count_of(const met_sample *s) {
  return s->known_gross ? (double)s->count : (double)s->n;
}

double met_total_return(met_sample *s) {
  return met_gross(s) - 1;
}

double met_cagr(met_sample *s) {
  const double gross = met_gross(s), n = count_of(s);
  if (!(gross >= 0) || n < 1) return NAN;
  return pow(gross, s->slot[BV_METRIC_PERIODS] / n) - 1;
}

/* quantstats takes a negative end for a positive one. */
static double cagr_qs(met_sample *s) {
  const double gross = met_gross(s), n = count_of(s);
  return n < 1 ? (double)NAN : pow(fabs(gross), s->slot[BV_METRIC_PERIODS] / n) - 1;
}

/* Mean of ln(1 + r); NaN where some r <= -1. */
static double mean_log(met_sample *s) {
  if (!s->has_logs) {
    met_logs l = {0};
    for (int64_t i = 0; i < s->n && !l.ruin; i++) met_logs_add(&l, s->x[i]);
    s->logs = l;
    s->has_logs = true;
  }
  return s->n > 0 && !s->logs.ruin ? met_total(&s->logs.sum) / (double)s->n : (double)NAN;
}

static double geometric(met_sample *s) {
  return expm1(mean_log(s));
}

double met_geometric_bt(met_sample *s) {
  const double mean = mean_log(s);
  if (s->n < 1) return NAN;
  return isnan(mean) ? 0 : expm1(mean);
}

double met_mean(met_sample *s) {
  return met_moments_once(s)->mean;
}

double met_max(met_sample *s) {
  return met_moments_once(s)->hi;
}

double met_min(met_sample *s) {
  return met_moments_once(s)->lo;
}

double met_annual_bt(met_sample *s) {
  return pow(1 + met_geometric_bt(s), s->slot[BV_METRIC_PERIODS]) - 1;
}

double met_annual_lean(double mean, double per_year) {
  return pow(1 + mean, per_year) - 1;
}

static double annual_lean(met_sample *s) {
  return met_annual_lean(met_mean(s), s->slot[BV_METRIC_PERIODS]);
}

static double annual_mean(met_sample *s) {
  return met_mean(s) * s->slot[BV_METRIC_PERIODS];
}

static double volatility(met_sample *s) {
  return met_sd_returns(s) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

/* sqrt((sd^2 + (1+g)^2)^P - (1+g)^(2P)), written so that the two powers do not cancel. */
double met_volatility_bt(met_sample *s) {
  const double p = s->slot[BV_METRIC_PERIODS], g = met_geometric_bt(s);
  const double q = met_sd_returns(s) / (1 + g);
  return sqrt(pow(1 + g, 2 * p) * expm1(p * log1p(q * q)));
}

void met_growth_facts(const met_run *r, const met_curve *c, double *fact) {
  if (c->points == 0) return;
  const met_sample *own = &r->s[MET_RETURNS];
  const double gross = c->start > 0 ? c->last / c->start : (double)NAN;
  const double gross_bt = c->first > 0 ? c->last / c->first : (double)NAN;
  const double years = c->span_s / YEAR_S, years365 = c->span_s / (365 * DAY_S);
  fact[MET_PERIODS] = (double)own->count;
  fact[MET_PER_YEAR] = c->own.per_year;
  fact[MET_PER_YEAR_BT] = c->bt.per_year;
  if (!(years > 0)) return;
  if (gross >= 0) fact[MET_CAGR_CALENDAR] = pow(gross, 1 / years) - 1;
  if (gross >= 0) fact[MET_CAGR_LEAN] = pow(gross, 1 / years365) - 1;
  if (gross_bt >= 0) fact[MET_CAGR_BT] = pow(gross_bt, 1 / years) - 1;
  met_sample periods = r->s[MET_PERIOD_ENDS];
  fact[MET_CALMAR_CALENDAR] = met_ratio(fact[MET_CAGR_CALENDAR], fabs(met_max_drawdown(&periods)));
}

static const bv_metric_def rows[] = {
    MET_ROW("total_return", "", "fraction", "total_return", MET_RETURNS, met_total_return,
            "prod(1+r) - 1 = V_n/V_0 - 1", "common"),
    MET_ROW("total_return", "empyrical", "fraction", "total_return", MET_RETURNS, met_total_return,
            "prod(1+r) - 1", "empyrical cum_returns_final"),
    MET_ROW("total_return", "quantstats", "fraction", "total_return", MET_RETURNS, met_total_return,
            "prod(1+r) - 1", "quantstats comp"),
    MET_ROW("total_return", "backtesting.py", "fraction", "total_return", MET_RETURNS_BT,
            met_total_return, "V_n/V_1 - 1", MET_BT " Return"),
    MET_ROW("total_return", "lean", "fraction", "total_return", MET_RETURNS, met_total_return,
            "V_n/V_0 - 1", MET_LEAN " TotalNetProfit"),
    MET_ROW("total_return", "ffn", "fraction", "total_return", MET_RETURNS, met_total_return,
            "V_n/V_0 - 1", "ffn calc_total_return"),

    MET_ROW("cagr", "", "fraction", "cagr", MET_RETURNS, met_cagr, "(V_n/V_0)^(P/n) - 1",
            "empyrical, quantstats"),
    MET_ROW("cagr", "count", "fraction", "cagr", MET_RETURNS, met_cagr, "(V_n/V_0)^(P/n) - 1",
            "empyrical, quantstats"),
    MET_ROW("cagr", "empyrical", "fraction", "cagr", MET_RETURNS, met_cagr, "(V_n/V_0)^(P/n) - 1",
            "empyrical cagr"),
    MET_ROW("cagr", "quantstats", "fraction", "cagr", MET_RETURNS, cagr_qs, "|V_n/V_0|^(P/n) - 1",
            "quantstats cagr, 0.0.68 and later"),
    MET_ROW("cagr", "vectorbt", "fraction", "cagr", MET_RETURNS, met_cagr, "(V_n/V_0)^(P/n) - 1",
            "vectorbt returns/nb.py annualized_return_nb"),
    MET_FACT("cagr", "365.25", "fraction", MET_CAGR_CALENDAR,
             "(V_n/V_0)^(31557600/(t_n - t_1)) - 1, t in seconds", "ffn calc_cagr"),
    MET_FACT("cagr", "ffn", "fraction", MET_CAGR_CALENDAR, "(V_n/V_0)^(31557600/(t_n - t_1)) - 1",
             "ffn calc_cagr"),
    MET_FACT("cagr", "lean", "fraction", MET_CAGR_LEAN, "(V_n/V_0)^(31536000/(t_n - t_1)) - 1",
             MET_LEAN " CompoundingAnnualReturn"),
    MET_FACT("cagr", "backtesting.py", "fraction", MET_CAGR_BT,
             "(V_n/V_1)^(31557600/(t_n - t_1)) - 1", MET_BT " CAGR"),

    MET_ROW("annual_return", "", "fraction", "annual_return", MET_RETURNS, met_cagr,
            "(V_n/V_0)^(P/n) - 1", "empyrical annual_return"),
    MET_ROW("annual_return", "empyrical", "fraction", "annual_return", MET_RETURNS, met_cagr,
            "(V_n/V_0)^(P/n) - 1", "empyrical annual_return"),
    MET_ROW("annual_return", "backtesting.py", "fraction", "annual_return", MET_RETURNS_BT,
            met_annual_bt, "(1+g)^P - 1, g = exp(mean ln(1+r)) - 1, 0 if any r <= -1",
            MET_BT " Return (Ann.)"),
    MET_ROW("annual_return", "lean", "fraction", "annual_return", MET_RETURNS, annual_lean,
            "(1 + mean(r))^P - 1", MET_LEAN " AnnualPerformance"),
    MET_ROW("annual_return", "ffn", "fraction", "annual_return", MET_RETURNS, annual_mean,
            "mean(r) P", "ffn daily_mean"),

    MET_ROW("geometric_mean", "", "fraction", "geometric_mean", MET_RETURNS, geometric,
            "g = exp(mean ln(1+r)) - 1", "common"),
    MET_ROW("geometric_mean", "quantstats", "fraction", "geometric_mean", MET_RETURNS, geometric,
            "prod(1+r)^(1/n) - 1", "quantstats expected_return"),
    MET_ROW("geometric_mean", "backtesting.py", "fraction", "geometric_mean", MET_RETURNS_BT,
            met_geometric_bt, "exp(mean ln(1+r)) - 1, 0 if any r <= -1", MET_BT " geometric_mean"),
    MET_ROW("mean_return", "", "fraction", NULL, MET_RETURNS, met_mean, "mean(r)", "common"),

    MET_ROW("volatility", "", "fraction", "volatility", MET_RETURNS, volatility, "sd(r) sqrt(P)",
            "common"),
    MET_ROW("volatility", "empyrical", "fraction", "volatility", MET_RETURNS, volatility,
            "sd(r) sqrt(P)", "empyrical annual_volatility, alpha 2"),
    MET_ROW("volatility", "quantstats", "fraction", "volatility", MET_RETURNS, volatility,
            "sd(r) sqrt(P)", "quantstats volatility"),
    MET_ROW("volatility", "ffn", "fraction", "volatility", MET_RETURNS, volatility, "sd(r) sqrt(P)",
            "ffn daily_vol"),
    MET_ROW("volatility", "lean", "fraction", "volatility", MET_RETURNS, volatility,
            "sd(r) sqrt(P)", MET_LEAN " AnnualStandardDeviation"),
    MET_ROW("volatility", "backtesting.py", "fraction", "volatility", MET_RETURNS_BT,
            met_volatility_bt, "sqrt((sd(r)^2 + (1+g)^2)^P - (1+g)^(2P))",
            MET_BT " Volatility (Ann.)"),
    MET_ROW("volatility", "period", "fraction", "volatility", MET_RETURNS, met_sd_returns, "sd(r)",
            "common"),

    MET_ROW("best_period", "", "fraction", NULL, MET_RETURNS, met_max, "max(r)", "common"),
    MET_ROW("worst_period", "", "fraction", NULL, MET_RETURNS, met_min, "min(r)", "common"),
    MET_FACT("periods", "", "count", MET_PERIODS, "n", "met_series.c"),
    MET_FACT("periods_per_year", "", "count", MET_PER_YEAR, "P", "met_series.c"),
    MET_FACT("periods_per_year", "backtesting.py", "count", MET_PER_YEAR_BT, "P",
             MET_BT " annual_trading_days"),
};

met_rows met_rows_growth(void) {
  return MET_ROWS(rows);
}
