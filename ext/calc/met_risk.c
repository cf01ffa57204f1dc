/*
** met_risk.c - tails and shape of the returns, and how sure a Sharpe ratio is.
**
** The parameter of var, cvar and tail_ratio is the share of the tail: 0.05.  z_q is the quantile of
** the normal distribution; g1, g2 the biased skewness and excess kurtosis, G1, G2 the unbiased ones.
*/
#include "calc/met.h"

#include <math.h>

static double cut_of(const met_sample *s) {
  return s->slot[BV_METRIC_A];
}

/* ---- tails ---- */

static double var_historical(met_sample *s) {
  return met_percentile(met_sorted(s, 'x'), s->n, cut_of(s));
}

static double var_normal(met_sample *s) {
  return met_mean(s) + met_sd_returns(s) * met_normal_quantile(cut_of(s));
}

/* The last P returns, rounded to three decimals; 0 for fewer than two. */
static double var_lean(met_sample *s) {
  const double p = s->slot[BV_METRIC_PERIODS];
  const int64_t n = (double)s->n > p ? (int64_t)p : s->n;
  if (s->n < 1) return NAN;
  if (n < 2) return 0;
  met_sample tail = *s;
  tail.x += s->n - n;
  tail.n = n;
  tail.has_moments = false;
  return met_round(var_normal(&tail), 3);
}

static double cvar_historical(met_sample *s) {
  return met_shortfall(met_sorted(s, 'x'), s->n, cut_of(s));
}

/* Mean of what is strictly below the normal quantile; the quantile itself where nothing is. */
static double cvar_qs(met_sample *s) {
  const double cut = var_normal(s);
  met_sum sum = {0, 0};
  int64_t n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    if (!(s->x[i] < cut)) continue;
    met_add(&sum, s->x[i]);
    n++;
  }
  return n > 0 ? met_total(&sum) / (double)n : cut;
}

static double cvar_normal(met_sample *s) {
  const double q = cut_of(s), z = met_normal_quantile(q);
  return met_mean(s) - met_sd_returns(s) * exp(-z * z / 2) / sqrt(2 * MET_PI) / q;
}

static double tails(met_sample *s, double cut) {
  const double *x = met_sorted(s, 'x');
  return met_ratio(fabs(met_percentile(x, s->n, 1 - cut)), fabs(met_percentile(x, s->n, cut)));
}

static double tail_ratio(met_sample *s) {
  return tails(s, cut_of(s));
}

double met_tail_ratio(met_sample *s) {
  return tails(s, 0.05);
}

/* Mean of the returns on one side of 0; those that are 0 count as gains. */
static double mean_side(const met_sample *s, bool gains) {
  met_sum sum = {0, 0};
  int64_t n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    if ((s->x[i] >= 0) != gains) continue;
    met_add(&sum, s->x[i]);
    n++;
  }
  return n > 0 ? met_total(&sum) / (double)n : (double)NAN;
}

static double outlier_win(met_sample *s) {
  return met_ratio(met_percentile(met_sorted(s, 'x'), s->n, cut_of(s)), mean_side(s, true));
}

static double outlier_loss(met_sample *s) {
  return met_ratio(met_percentile(met_sorted(s, 'x'), s->n, cut_of(s)), mean_side(s, false));
}

static double common_sense(met_sample *s) {
  return met_profit_factor_qs(s) * met_tail_ratio(s);
}

/* ---- shape ---- */

static double skew(met_sample *s) {
  const met_moments *m = met_moments_once(s);
  return met_sd_returns(s) > 0 ? m->m3 / pow(m->m2, 1.5) : (double)NAN;
}

static double skew_unbiased(met_sample *s) {
  const double n = (double)s->n;
  return s->n > 2 ? skew(s) * sqrt(n * (n - 1)) / (n - 2) : (double)NAN;
}

static double kurtosis(met_sample *s) {
  const met_moments *m = met_moments_once(s);
  return met_sd_returns(s) > 0 ? m->m4 / (m->m2 * m->m2) - 3 : (double)NAN;
}

static double kurtosis_unbiased(met_sample *s) {
  const double n = (double)s->n;
  if (s->n < 4) return NAN;
  return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurtosis(s) + 6);
}

/* R squared of the cumulative log return on time 0, 1, 2 ... */
static double stability(met_sample *s) {
  met_sum y = {0, 0}, mean = {0, 0}, sxy = {0, 0}, syy = {0, 0};
  if (s->n < 2) return NAN;
  for (int64_t i = 0; i < s->n; i++) {
    if (s->x[i] <= -1) return NAN;
    met_add(&y, log1p(s->x[i]));
    met_add(&mean, met_total(&y));
  }
  const double count = (double)s->n, my = met_total(&mean) / count;
  y = (met_sum){0, 0};
  for (int64_t i = 0; i < s->n; i++) {
    met_add(&y, log1p(s->x[i]));
    const double dy = met_total(&y) - my;
    met_add(&sxy, ((double)i - (count - 1) / 2) * dy);
    met_add(&syy, dy * dy);
  }
  const double sxx = count * (count * count - 1) / 12;
  return met_ratio(met_total(&sxy) * met_total(&sxy), sxx * met_total(&syy));
}

/* ---- probability ---- */

/* Phi((SR - SR*) sqrt(n-1) / sqrt(1 - G1 SR + (kurtosis - 1)/4 SR^2)), all per period. */
static double psr_of(met_sample *s, double target, double kurtosis_added) {
  const double sr = met_ratio(met_mean(s), met_sd_returns(s));
  const double k = kurtosis_unbiased(s) + kurtosis_added;
  const double v = 1 - skew_unbiased(s) * sr + (k - 1) / 4 * sr * sr;
  if (!(v > 0)) return NAN;
  return met_normal_cdf((sr - target) * sqrt((double)s->n - 1) / sqrt(v));
}

/* The target Sharpe ratio per period; the parameter is annual. */
static double target_of(const met_sample *s, double otherwise) {
  const double annual = s->slot[BV_METRIC_A];
  return (isnan(annual) ? otherwise : annual) / sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double psr(met_sample *s) {
  return psr_of(s, target_of(s, 0), 3);
}

static double psr_qs(met_sample *s) {
  return psr_of(s, target_of(s, 0), 0);
}

static double psr_lean(met_sample *s) {
  return psr_of(s, target_of(s, 1), 0);
}

/* The target is the largest Sharpe ratio that N trials without skill are expected to show. */
static double deflated(met_sample *s) {
  static const double euler = 0.57721566490153286061;
  const double n = s->slot[BV_METRIC_A], sd = s->slot[BV_METRIC_B];
  if (n == 1) return psr_of(s, 0, 3);
  const double largest = (1 - euler) * met_normal_quantile(1 - 1 / n) +
                         euler * met_normal_quantile(1 - 1 / (n * MET_E));
  return psr_of(s, sd * largest, 3);
}

static const bv_metric_def rows[] = {
    MET_ROW_A("var_95", "", "fraction", "var", MET_RETURNS, var_historical, 0.05,
              "5th percentile of r, linear interpolation", "empyrical value_at_risk"),
    MET_ROW_A("var_95", "empyrical", "fraction", "var", MET_RETURNS, var_historical, 0.05,
              "5th percentile of r, linear interpolation", "empyrical value_at_risk"),
    MET_ROW_A("var_95", "quantstats", "fraction", "var", MET_RETURNS, var_normal, 0.05,
              "mean(r) + sd(r) z_0.05", "quantstats value_at_risk"),
    MET_ROW_A("var_95", "lean", "fraction", "var", MET_RETURNS, var_lean, 0.05,
              "mean(r) + sd(r) z_0.05 of the last P periods, rounded to 3 decimals",
              MET_LEAN " ValueAtRisk95"),
    MET_ROW_A("var_99", "", "fraction", "var", MET_RETURNS, var_historical, 0.01,
              "1st percentile of r, linear interpolation", "empyrical value_at_risk"),
    MET_ROW_A("var_99", "lean", "fraction", "var", MET_RETURNS, var_lean, 0.01,
              "mean(r) + sd(r) z_0.01 of the last P periods, rounded to 3 decimals",
              MET_LEAN " ValueAtRisk99"),
    MET_ROW_A("cvar_95", "", "fraction", "cvar", MET_RETURNS, cvar_historical, 0.05,
              "mean of the floor(0.05 (n-1)) + 1 smallest r",
              "empyrical conditional_value_at_risk"),
    MET_ROW_A("cvar_95", "empyrical", "fraction", "cvar", MET_RETURNS, cvar_historical, 0.05,
              "mean of the floor(0.05 (n-1)) + 1 smallest r",
              "empyrical conditional_value_at_risk"),
    MET_ROW_A("cvar_95", "quantstats", "fraction", "cvar", MET_RETURNS, cvar_qs, 0.05,
              "mean of r below mean(r) + sd(r) z_0.05; that itself where none is",
              "quantstats conditional_value_at_risk, before 0.0.83"),
    MET_ROW_A("cvar_95", "normal", "fraction", "cvar", MET_RETURNS, cvar_normal, 0.05,
              "mean(r) - sd(r) phi(z_0.05)/0.05", "quantstats 0.0.83, parametric"),
    MET_ROW_A("tail_ratio", "", "ratio", "tail_ratio", MET_RETURNS, tail_ratio, 0.05,
              "|95th percentile of r|/|5th|", "empyrical tail_ratio"),
    MET_ROW_A("tail_ratio", "empyrical", "ratio", "tail_ratio", MET_RETURNS, tail_ratio, 0.05,
              "|95th percentile of r|/|5th|", "empyrical tail_ratio"),
    MET_ROW_A("tail_ratio", "quantstats", "ratio", "tail_ratio", MET_RETURNS, tail_ratio, 0.05,
              "|95th percentile of r|/|5th|", "quantstats tail_ratio"),
    MET_ROW("common_sense_ratio", "quantstats", "ratio", "common_sense_ratio", MET_RETURNS,
            common_sense, "profit_factor of returns x tail_ratio", "quantstats common_sense_ratio"),
    MET_ROW_A("outlier_win_ratio", "quantstats", "ratio", "outlier_win_ratio", MET_RETURNS,
              outlier_win, 0.99, "99th percentile of r/mean(r >= 0)",
              "quantstats outlier_win_ratio"),
    MET_ROW_A("outlier_loss_ratio", "quantstats", "ratio", "outlier_loss_ratio", MET_RETURNS,
              outlier_loss, 0.01, "1st percentile of r/mean(r < 0)",
              "quantstats outlier_loss_ratio"),

    MET_ROW("skew", "", "ratio", "skew", MET_RETURNS, skew, "g1 = m3/m2^1.5", "scipy skew"),
    MET_ROW("skew", "empyrical", "ratio", "skew", MET_RETURNS, skew, "g1 = m3/m2^1.5",
            "scipy skew, as pyfolio uses it"),
    MET_ROW("skew", "quantstats", "ratio", "skew", MET_RETURNS, skew_unbiased,
            "G1 = m3/m2^1.5 sqrt(n (n-1))/(n-2)", "quantstats skew, pandas"),
    MET_ROW("skew", "ffn", "ratio", "skew", MET_RETURNS, skew_unbiased,
            "G1 = m3/m2^1.5 sqrt(n (n-1))/(n-2)", "ffn daily_skew, pandas"),
    MET_ROW("kurtosis", "", "ratio", "kurtosis", MET_RETURNS, kurtosis, "g2 = m4/m2^2 - 3",
            "scipy kurtosis"),
    MET_ROW("kurtosis", "empyrical", "ratio", "kurtosis", MET_RETURNS, kurtosis, "g2 = m4/m2^2 - 3",
            "scipy kurtosis, as pyfolio uses it"),
    MET_ROW("kurtosis", "quantstats", "ratio", "kurtosis", MET_RETURNS, kurtosis_unbiased,
            "G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6)", "quantstats kurtosis, pandas"),
    MET_ROW("kurtosis", "ffn", "ratio", "kurtosis", MET_RETURNS, kurtosis_unbiased,
            "G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6)", "ffn daily_kurt, pandas"),
    MET_ROW("stability", "", "ratio", "stability", MET_RETURNS, stability,
            "R^2 of the cumulative sum of ln(1+r) on time", "empyrical stability_of_timeseries"),
    MET_ROW("stability", "empyrical", "ratio", "stability", MET_RETURNS, stability,
            "R^2 of the cumulative sum of ln(1+r) on time", "empyrical stability_of_timeseries"),

    MET_ROW("psr", "", "ratio", "psr", MET_RETURNS, psr,
            "Phi((SR - SR*) sqrt(n-1)/sqrt(1 - G1 SR + (G2+2)/4 SR^2)), SR = mean(r)/sd(r)",
            "Bailey, Lopez de Prado 2012; ffn"),
    MET_ROW("psr", "ffn", "ratio", "psr", MET_RETURNS, psr,
            "Phi((SR - SR*) sqrt(n-1)/sqrt(1 - G1 SR + (G2+2)/4 SR^2))", "ffn"),
    MET_ROW("psr", "quantstats", "ratio", "psr", MET_RETURNS, psr_qs,
            "the same with G2 - 1 for G2 + 2", "quantstats probabilistic_sharpe_ratio, to 0.0.81"),
    MET_ROW("psr", "lean", "ratio", "psr", MET_RETURNS, psr_lean,
            "the same with G2 - 1 for G2 + 2, SR* = 1/sqrt(P)",
            MET_LEAN " ProbabilisticSharpeRatio"),
    MET_ROW("deflated_sharpe", "", "ratio", "deflated_sharpe", MET_FROM_NONE, deflated,
            "psr with SR* = sd (0.4228 z_(1-1/N) + 0.5772 z_(1-1/(N e))), sd of N trials' SR",
            "Bailey, Lopez de Prado 2014"),
    MET_ROW("deflated_sharpe", "ffn", "ratio", "deflated_sharpe", MET_FROM_NONE, deflated,
            "psr with SR* = sd (0.4228 z_(1-1/N) + 0.5772 z_(1-1/(N e))), sd of N trials' SR",
            "ffn"),
    MET_ROW("deflated_sharpe", "vectorbt", "ratio", "deflated_sharpe", MET_FROM_NONE, deflated,
            "psr with SR* = sd (0.4228 z_(1-1/N) + 0.5772 z_(1-1/(N e))), sd of N trials' SR",
            "vectorbt returns/metrics.py deflated_sharpe_ratio"),
};

met_rows met_rows_risk(void) {
  return MET_ROWS(rows);
}
