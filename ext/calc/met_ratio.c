/*
** met_ratio.c - return over risk.
**
** Symbols as in met_growth.c; dd are the drawdowns of the equity that the returns compound to.  LEAN
** shows 0 where a ratio is not defined, and its rows here do too; vectorbt shows inf, which is NULL.
*/
#include "calc/met.h"

#include <math.h>

/* Root of the mean square of what r falls short of a threshold. */
static double shortfall(const met_sample *s, double threshold) {
  met_sum sum = {0, 0};
  if (s->n < 1) return NAN;
  for (int64_t i = 0; i < s->n; i++) {
    const double d = fmin(met_excess(s->x[i], threshold), 0);
    met_add(&sum, d * d);
  }
  return sqrt(met_total(&sum) / (double)s->n);
}

static double downside(met_sample *s) {
  return shortfall(s, met_rf(s)) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

/* Sample deviation of the negative returns about their own mean; NaN for fewer than two. */
static double sd_negative(const met_sample *s) {
  met_sum sum = {0, 0}, squares = {0, 0};
  int64_t n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    if (s->x[i] >= 0) continue;
    met_add(&sum, s->x[i]);
    n++;
  }
  const double mean = met_total(&sum) / (double)n;
  for (int64_t i = 0; i < s->n; i++) {
    if (s->x[i] < 0) met_add(&squares, (s->x[i] - mean) * (s->x[i] - mean));
  }
  return n < 2 ? (double)NAN : met_clean(sqrt(met_total(&squares) / (double)(n - 1)), 1);
}

static double downside_lean(met_sample *s) {
  const double sd = sd_negative(s) * sqrt(s->slot[BV_METRIC_PERIODS]);
  return s->n < 1 ? (double)NAN : isnan(sd) ? 0 : sd;
}

static double downside_ml4t(met_sample *s) {
  return sd_negative(s) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

/* ---- Sharpe ---- */

static double sharpe(met_sample *s) {
  const double sd = met_sd_returns(s);
  return met_ratio(met_mean(s) - met_rf(s), sd) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double sharpe_period(met_sample *s) {
  return met_ratio(met_mean(s) - met_rf(s), met_sd_returns(s));
}

static double sharpe_nautilus(met_sample *s) {
  return met_ratio(met_mean(s), met_sd_returns(s)) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double sharpe_backtrader(met_sample *s) {
  const met_moments *m = met_moments_once(s);
  const double sd = met_sd(m, 0, 1 + fmax(fabs(m->lo), fabs(m->hi)));
  return met_ratio(m->mean - met_rf(s), sd) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double sharpe_ml4t(met_sample *s) {
  const double sd = met_sd_returns(s);
  return sd == 0 ? 0 : (met_mean(s) - met_rf(s)) / sd * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double sharpe_lean(met_sample *s) {
  const double p = s->slot[BV_METRIC_PERIODS], sd = met_sd_returns(s) * sqrt(p);
  if (s->n < 2 || sd == 0) return s->n < 1 ? (double)NAN : 0;
  return (met_annual_lean(met_mean(s), p) - s->slot[BV_METRIC_RISK_FREE]) / sd;
}

/* What backtesting.py has over each of its deviations. */
static double excess_bt(met_sample *s) {
  return met_annual_bt(s) - s->slot[BV_METRIC_RISK_FREE];
}

static double sharpe_bt(met_sample *s) {
  return met_ratio(excess_bt(s), met_volatility_bt(s));
}

/* Lag-1 autocorrelation; NaN where it is not defined. */
static double autocorrelation(met_sample *s) {
  met_sum a = {0, 0}, b = {0, 0}, ab = {0, 0}, aa = {0, 0}, bb = {0, 0};
  const int64_t n = s->n - 1;
  if (n < 1 || !(met_sd_returns(s) > 0)) return NAN;
  for (int64_t i = 0; i < n; i++) {
    met_add(&a, s->x[i]);
    met_add(&b, s->x[i + 1]);
  }
  const double ma = met_total(&a) / (double)n, mb = met_total(&b) / (double)n;
  for (int64_t i = 0; i < n; i++) {
    const double da = s->x[i] - ma, db = s->x[i + 1] - mb;
    met_add(&ab, da * db);
    met_add(&aa, da * da);
    met_add(&bb, db * db);
  }
  return met_ratio(met_total(&ab), sqrt(met_total(&aa) * met_total(&bb)));
}

/* sqrt(1 + 2 sum over k of (n-k)/n rho^k); 1 where there is no correlation to speak of. */
static double penalty(met_sample *s) {
  const double rho = fabs(autocorrelation(s)), n = (double)s->n;
  double power = 1;
  met_sum sum = {0, 0};
  if (s->n < 1) return NAN;
  if (isnan(rho)) return 1;
  for (int64_t k = 1; k < s->n && power > 0; k++) {
    power *= rho;
    met_add(&sum, (n - (double)k) / n * power);
  }
  return sqrt(1 + 2 * met_total(&sum));
}

static double sharpe_smart(met_sample *s) {
  return sharpe(s) / penalty(s);
}

/* ---- Sortino ---- */

static double sortino(met_sample *s) {
  if (s->n < 2) return NAN;
  return met_ratio((met_mean(s) - met_rf(s)) * s->slot[BV_METRIC_PERIODS], downside(s));
}

static double sortino_smart(met_sample *s) {
  return sortino(s) / penalty(s);
}

static double sortino_adjusted(met_sample *s) {
  return sortino(s) / MET_SQRT2;
}

static double sortino_bt(met_sample *s) {
  return met_ratio(excess_bt(s), shortfall(s, 0) * sqrt(s->slot[BV_METRIC_PERIODS]));
}

static double sortino_lean(met_sample *s) {
  const double sd = downside_lean(s), p = s->slot[BV_METRIC_PERIODS];
  if (!(sd > 0)) return sd;
  return (met_annual_lean(met_mean(s), p) - s->slot[BV_METRIC_RISK_FREE]) / sd;
}

/* ---- over drawdowns ---- */

static double calmar(met_sample *s) {
  return met_ratio(met_cagr(s), fabs(met_depth(s)));
}

static double calmar_bt(met_sample *s) {
  return met_ratio(met_annual_bt(s), fabs(met_depth(s)));
}

static double recovery(met_sample *s) {
  return met_ratio(met_total_return(s), fabs(met_depth(s)));
}

static double sum_of(const met_sample *s) {
  met_sum sum = {0, 0};
  for (int64_t i = 0; i < s->n; i++) met_add(&sum, s->x[i]);
  return s->n > 0 ? met_total(&sum) : (double)NAN;
}

static double recovery_qs(met_sample *s) {
  return met_ratio(fabs(sum_of(s)), fabs(met_depth(s)));
}

/* Drawdowns of the compounded returns, one at a time. */
typedef struct descent {
  double value, peak;
} descent;

static double descend(descent *d, double r) {
  d->value *= 1 + r;
  d->peak = fmax(d->peak, d->value);
  return d->value / d->peak - 1;
}

/* Root of the sum of their squares over n - less. */
static double ulcer(const met_sample *s, int less) {
  descent d = {1, 1};
  met_sum squares = {0, 0};
  for (int64_t i = 0; i < s->n; i++) {
    const double dd = descend(&d, s->x[i]);
    met_add(&squares, dd * dd);
  }
  return s->n > less ? sqrt(met_total(&squares) / (double)(s->n - less)) : (double)NAN;
}

static double upi(met_sample *s) {
  return met_ratio(met_cagr(s) - s->slot[BV_METRIC_RISK_FREE], ulcer(s, 1));
}

static double upi_martin(met_sample *s) {
  return met_ratio(met_cagr(s) - s->slot[BV_METRIC_RISK_FREE], ulcer(s, 0));
}

static double upi_qs(met_sample *s) {
  return met_ratio(met_total_return(s) - s->slot[BV_METRIC_RISK_FREE], ulcer(s, 1));
}

/* Mean and sample deviation of the drawdowns, and the mean of those below the normal 5 % quantile. */
static double drawdown_tail(const met_sample *s) {
  descent d = {1, 1};
  met_sum sum = {0, 0}, squares = {0, 0}, tail = {0, 0};
  const double n = (double)s->n;
  int64_t below = 0;
  for (int64_t i = 0; i < s->n; i++) met_add(&sum, descend(&d, s->x[i]));
  const double mean = met_total(&sum) / n;
  d = (descent){1, 1};
  for (int64_t i = 0; i < s->n; i++) {
    const double e = descend(&d, s->x[i]) - mean;
    met_add(&squares, e * e);
  }
  const double cut = mean + sqrt(met_total(&squares) / (n - 1)) * met_normal_quantile(0.05);
  d = (descent){1, 1};
  for (int64_t i = 0; i < s->n; i++) {
    const double dd = descend(&d, s->x[i]);
    if (dd >= cut) continue;
    met_add(&tail, dd);
    below++;
  }
  return below > 0 ? met_total(&tail) / (double)below : cut;
}

static double serenity(met_sample *s) {
  if (s->n < 2) return NAN;
  const double pitfall = met_ratio(-drawdown_tail(s), met_sd_returns(s));
  return met_ratio(sum_of(s) - s->slot[BV_METRIC_RISK_FREE], ulcer(s, 1) * pitfall);
}

/* ---- gains over losses ---- */

/* sum(max(r - theta, 0)) / sum(max(theta - r, 0)) */
static double omega(met_sample *s) {
  const double theta = met_rf(s);
  met_sum up = {0, 0}, down = {0, 0};
  if (s->n < 2) return NAN;
  for (int64_t i = 0; i < s->n; i++) {
    const double d = met_excess(s->x[i], theta);
    met_add(d > 0 ? &up : &down, fabs(d));
  }
  return met_ratio(met_total(&up), met_total(&down));
}

static double gain_to_pain(met_sample *s) {
  met_sum pain = {0, 0};
  for (int64_t i = 0; i < s->n; i++) {
    if (s->x[i] < 0) met_add(&pain, s->x[i]);
  }
  return met_ratio(sum_of(s), fabs(met_total(&pain)));
}

static double rar(met_sample *s) {
  return met_ratio(met_cagr(s), met_exposure_qs(s));
}

/* Variability-weighted return, sd_max 2 and tau 0.2: the values' deviation from steady growth.  The
** published form compares V_t with V_0 e^(m t), backtrader V_t with V_(t-1) e^(m t). */
static double vwr_of(met_sample *s, bool from_start) {
  const double n = (double)s->n, mean = log(met_gross(s)) / n;
  met_sum sum = {0, 0}, squares = {0, 0};
  double value = 1;
  if (s->n < 2 || !isfinite(mean)) return NAN;
  for (int pass = 0; pass < 2; pass++) {
    const double centre = pass ? met_total(&sum) / n : 0;
    value = 1;
    for (int64_t i = 0; i < s->n; i++) {
      value = (from_start ? value : 1) * (1 + s->x[i]);
      const double d = value / exp(mean * (double)(i + 1)) - 1 - centre;
      met_add(pass ? &squares : &sum, pass ? d * d : d);
    }
  }
  const double sd = met_clean(sqrt(met_total(&squares) / (n - 1)), n);
  return expm1(mean * s->slot[BV_METRIC_PERIODS]) * (1 - pow(sd / 2, 0.2));
}

static double vwr(met_sample *s) {
  return vwr_of(s, true);
}

static double vwr_backtrader(met_sample *s) {
  return vwr_of(s, false);
}

static const bv_metric_def rows[] = {
    MET_ROW("downside_deviation", "", "fraction", "downside_deviation", MET_RETURNS, downside,
            "sqrt(mean(min(r - rf, 0)^2)) sqrt(P)", "empyrical downside_risk"),
    MET_ROW("downside_deviation", "empyrical", "fraction", "downside_deviation", MET_RETURNS,
            downside, "sqrt(mean(min(r - rf, 0)^2)) sqrt(P)", "empyrical downside_risk"),
    MET_ROW("downside_deviation", "lean", "fraction", "downside_deviation", MET_RETURNS,
            downside_lean, "sd(r < 0) sqrt(P), 0 for fewer than two",
            MET_LEAN " AnnualDownsideStandardDeviation"),
    MET_ROW("downside_deviation", "ml4t", "fraction", "downside_deviation", MET_RETURNS,
            downside_ml4t, "sd(r < 0) sqrt(P)", "ml4t"),

    MET_ROW("sharpe", "", "ratio", "sharpe", MET_RETURNS, sharpe,
            "mean(r - rf)/sd(r) sqrt(P), rf = (1+RF)^(1/P) - 1", "Sharpe 1994"),
    MET_ROW("sharpe", "empyrical", "ratio", "sharpe", MET_RETURNS, sharpe,
            "mean(r - rf)/sd(r) sqrt(P)", "empyrical sharpe_ratio"),
    MET_ROW("sharpe", "quantstats", "ratio", "sharpe", MET_RETURNS, sharpe,
            "mean(r - rf)/sd(r) sqrt(P)", "quantstats sharpe"),
    MET_ROW("sharpe", "ffn", "ratio", "sharpe", MET_RETURNS, sharpe, "mean(r - rf)/sd(r) sqrt(P)",
            "ffn calc_sharpe"),
    MET_ROW("sharpe", "vectorbt", "ratio", "sharpe", MET_RETURNS, sharpe,
            "mean(r - rf)/sd(r) sqrt(P)", "vectorbt returns/nb.py sharpe_ratio_nb"),
    MET_ROW("sharpe", "nautilus", "ratio", "sharpe", MET_RETURNS, sharpe_nautilus,
            "mean(r)/sd(r) sqrt(P)", "nautilus_trader sharpe_ratio"),
    MET_ROW("sharpe", "backtesting.py", "ratio", "sharpe", MET_RETURNS_BT, sharpe_bt,
            "(annual_return - RF)/volatility, both backtesting.py", MET_BT " Sharpe Ratio"),
    MET_ROW("sharpe", "lean", "ratio", "sharpe", MET_RETURNS, sharpe_lean,
            "((1 + mean(r))^P - 1 - RF)/(sd(r) sqrt(P)), 0 where sd is", MET_LEAN " SharpeRatio"),
    MET_ROW("sharpe", "ml4t", "ratio", "sharpe", MET_RETURNS, sharpe_ml4t,
            "mean(r - rf)/sd(r) sqrt(P), 0 where sd is", "ml4t"),
    MET_ROW("sharpe", "backtrader", "ratio", "sharpe", MET_RETURNS, sharpe_backtrader,
            "mean(r - rf)/sd_n(r) sqrt(P), sd_n divided by n",
            "backtrader analyzers/sharpe.py, annualize=True"),
    MET_ROW("sharpe", "period", "ratio", "sharpe", MET_RETURNS, sharpe_period, "mean(r - rf)/sd(r)",
            "quantstats and nautilus_trader risk_return_ratio"),
    MET_ROW("sharpe", "smart", "ratio", "sharpe", MET_RETURNS, sharpe_smart,
            "sharpe/autocorr_penalty", "quantstats smart_sharpe"),
    MET_ROW("autocorr_penalty", "", "ratio", "autocorr_penalty", MET_RETURNS, penalty,
            "sqrt(1 + 2 sum_{k=1}^{n-1} (n-k)/n rho^k), rho = |corr(r_t, r_{t-1})|",
            "quantstats autocorr_penalty"),

    MET_ROW("sortino", "", "ratio", "sortino", MET_RETURNS, sortino,
            "(mean(r) - rf) P/downside_deviation", "empyrical sortino_ratio"),
    MET_ROW("sortino", "empyrical", "ratio", "sortino", MET_RETURNS, sortino,
            "(mean(r) - rf) P/downside_deviation", "empyrical sortino_ratio"),
    MET_ROW("sortino", "quantstats", "ratio", "sortino", MET_RETURNS, sortino,
            "mean(r - rf)/sqrt(mean(min(r - rf, 0)^2)) sqrt(P)", "quantstats sortino"),
    MET_ROW("sortino", "ffn", "ratio", "sortino", MET_RETURNS, sortino,
            "mean(r - rf)/sqrt(mean(min(r - rf, 0)^2)) sqrt(P)", "ffn calc_sortino_ratio"),
    MET_ROW("sortino", "backtesting.py", "ratio", "sortino", MET_RETURNS_BT, sortino_bt,
            "(annual_return - RF)/(sqrt(mean(min(r, 0)^2)) sqrt(P))", MET_BT " Sortino Ratio"),
    MET_ROW("sortino", "lean", "ratio", "sortino", MET_RETURNS, sortino_lean,
            "((1 + mean(r))^P - 1 - RF)/(sd(r < 0) sqrt(P)), 0 where sd is",
            MET_LEAN " SortinoRatio"),
    MET_ROW("sortino", "adjusted", "ratio", "sortino", MET_RETURNS, sortino_adjusted,
            "sortino/sqrt(2)", "quantstats adjusted_sortino, Schwager"),
    MET_ROW("sortino", "smart", "ratio", "sortino", MET_RETURNS, sortino_smart,
            "sortino/autocorr_penalty", "quantstats smart_sortino"),

    MET_ROW("calmar", "", "ratio", "calmar", MET_RETURNS_DEEP, calmar,
            "cagr/|max_drawdown|, in a run the drawdown of all points", "Young 1991"),
    MET_ROW("calmar", "empyrical", "ratio", "calmar", MET_RETURNS, calmar,
            "cagr/|max_drawdown|, drawdown of periods", "empyrical calmar_ratio"),
    MET_ROW("calmar", "quantstats", "ratio", "calmar", MET_RETURNS, calmar,
            "cagr/|max_drawdown|, drawdown of periods", "quantstats calmar"),
    MET_FACT("calmar", "ffn", "ratio", MET_CALMAR_CALENDAR,
             "cagr 365.25/|max_drawdown|, drawdown of periods", "ffn calc_calmar_ratio"),
    MET_ROW("calmar", "backtesting.py", "ratio", "calmar", MET_RETURNS_BT, calmar_bt,
            "annual_return/|max_drawdown|, both backtesting.py", MET_BT " Calmar Ratio"),
    MET_ROW("recovery_factor", "", "ratio", "recovery_factor", MET_RETURNS_DEEP, recovery,
            "total_return/|max_drawdown|", "common"),
    MET_ROW("recovery_factor", "quantstats", "ratio", "recovery_factor", MET_RETURNS, recovery_qs,
            "|sum(r)|/|max_drawdown|, drawdown of periods", "quantstats recovery_factor"),
    MET_ROW("upi", "", "ratio", "upi", MET_RETURNS, upi, "(cagr - RF)/sqrt(sum(dd^2)/(n-1))",
            "Martin 1987, with quantstats' ulcer index"),
    MET_ROW("upi", "martin", "ratio", "upi", MET_RETURNS, upi_martin,
            "(cagr - RF)/sqrt(mean(dd^2))", "Martin, McCann 1989"),
    MET_ROW("upi", "quantstats", "ratio", "upi", MET_RETURNS, upi_qs,
            "(total_return - RF)/sqrt(sum(dd^2)/(n-1))", "quantstats ulcer_performance_index"),
    MET_ROW("serenity", "quantstats", "ratio", "serenity", MET_RETURNS, serenity,
            "(sum(r) - RF)/(ulcer_index pitfall), pitfall = -cvar of dd/sd(r)",
            "quantstats serenity_index"),

    MET_ROW("omega", "", "ratio", "omega", MET_RETURNS, omega,
            "sum(max(r - rf, 0))/sum(max(rf - r, 0))", "Keating, Shadwick 2002"),
    MET_ROW("omega", "empyrical", "ratio", "omega", MET_RETURNS, omega,
            "sum(max(r - rf, 0))/sum(max(rf - r, 0))", "empyrical omega_ratio"),
    MET_ROW("omega", "quantstats", "ratio", "omega", MET_RETURNS, omega,
            "sum(max(r - rf, 0))/sum(max(rf - r, 0))", "quantstats omega"),
    MET_ROW("omega", "vectorbt", "ratio", "omega", MET_RETURNS, omega,
            "sum(max(r - rf, 0))/sum(max(rf - r, 0))", "vectorbt returns/nb.py omega_ratio_nb"),
    MET_ROW("gain_to_pain", "", "ratio", "gain_to_pain", MET_RETURNS, gain_to_pain,
            "sum(r)/|sum(r < 0)|", "Schwager 2012"),
    MET_ROW("gain_to_pain", "quantstats", "ratio", "gain_to_pain", MET_RETURNS, gain_to_pain,
            "sum(r)/|sum(r < 0)|", "quantstats gain_to_pain_ratio"),
    MET_ROW("rar", "quantstats", "fraction", "rar", MET_RETURNS, rar,
            "cagr/exposure, both quantstats", "quantstats rar"),
    MET_ROW("vwr", "", "fraction", "vwr", MET_RETURNS, vwr,
            "(e^(mP) - 1)(1 - (sd(V_t/(V_0 e^(mt)) - 1)/2)^0.2), m = ln(V_n/V_0)/n",
            "Crystal Bull: Sharpe ratio with log returns"),
    MET_ROW("vwr", "backtrader", "fraction", "vwr", MET_RETURNS, vwr_backtrader,
            "the same with V_t/(V_(t-1) e^(mt)) - 1; backtrader prints percent",
            "backtrader analyzers/vwr.py"),
};

met_rows met_rows_ratio(void) {
  return MET_ROWS(rows);
}
