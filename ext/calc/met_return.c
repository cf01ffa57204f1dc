/*
** met_return.c - returns, volatility and ratios of the equity curve.
**
** Symbols: V_0 the starting value, V_n the last, r_t the n period returns (met_series.c says what a
** period is), P periods a year, RF the annual risk-free return, rf = (1 + RF)^(1/P) - 1 per period,
** sd the sample deviation, g the geometric mean of 1 + r less 1.  A return whose earlier value is
** not positive does not exist; n still counts its period.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>

#define YEAR_S 31557600.0 /* 365.25 days */

/* (last / first)^(exponent) - 1; NaN unless first > 0 and last >= 0. */
static double growth(double first, double last, double exponent) {
  if (!(first > 0) || !(last >= 0)) return NAN;
  return pow(last / first, exponent) - 1;
}

/* r less a threshold; a return was made by dividing two values, so it is known to epsilon x (1 + r)
** and a smaller distance is none. */
static double excess_of(double r, double threshold) {
  return met_clean(r - threshold, 1 + fabs(r));
}

/* Root of the mean square of what r falls short of mar. */
static double downside(const double *r, int64_t n, double mar) {
  met_sum s = {0, 0};
  for (int64_t i = 0; i < n; i++) {
    const double d = fmin(excess_of(r[i], mar), 0);
    met_add(&s, d * d);
  }
  return sqrt(met_total(&s) / (double)n);
}

/* sum(max(r - theta, 0)) / sum(max(theta - r, 0)) */
static double omega(const double *r, int64_t n, double theta) {
  met_sum up = {0, 0}, down = {0, 0};
  for (int64_t i = 0; i < n; i++) {
    const double d = excess_of(r[i], theta);
    met_add(d > 0 ? &up : &down, fabs(d));
  }
  return met_ratio(met_total(&up), met_total(&down));
}

/* R squared of the cumulative log return on time 0, 1, 2 ... */
static double stability(const double *r, int64_t n) {
  met_sum y = {0, 0}, mean = {0, 0}, sxy = {0, 0}, syy = {0, 0};
  for (int64_t i = 0; i < n; i++) {
    if (r[i] <= -1) return NAN;
    met_add(&y, log1p(r[i]));
    met_add(&mean, met_total(&y));
  }
  const double count = (double)n, my = met_total(&mean) / count;
  y = (met_sum){0, 0};
  for (int64_t i = 0; i < n; i++) {
    met_add(&y, log1p(r[i]));
    const double dy = met_total(&y) - my;
    met_add(&sxy, ((double)i - (count - 1) / 2) * dy);
    met_add(&syy, dy * dy);
  }
  const double sxx = count * (count * count - 1) / 12;
  return met_ratio(met_total(&sxy) * met_total(&sxy), sxx * met_total(&syy));
}

/* Figures that need the returns in order of size. */
static bv_rc order_facts(const met_series *s, double *fact, bv_err *err) {
  double *x = bv_alloc(BV_MEM_RUN, (size_t)s->nr * sizeof *x);
  if (!x)
    return bv_fail(err, BV_NOMEM, "metrics: no memory to sort %lld returns", (long long)s->nr);
  for (int64_t i = 0; i < s->nr; i++) x[i] = s->r[i];
  met_sort(x, s->nr);
  fact[MET_VAR95] = met_percentile(x, s->nr, 0.05);
  fact[MET_CVAR95] = met_shortfall(x, s->nr, 0.05);
  fact[MET_TAIL_RATIO] = met_ratio(fabs(met_percentile(x, s->nr, 0.95)), fabs(fact[MET_VAR95]));
  bv_free(x);
  return BV_OK;
}

static void shape_facts(const met_moments *m, double *fact) {
  const double n = (double)m->n;
  fact[MET_BEST_PERIOD] = m->hi;
  fact[MET_WORST_PERIOD] = m->lo;
  if (!(fact[MET_VOLATILITY] > 0)) return;
  const double g1 = m->m3 / pow(m->m2, 1.5), g2 = m->m4 / (m->m2 * m->m2) - 3;
  fact[MET_SKEW] = g1;
  fact[MET_KURTOSIS] = g2;
  if (m->n > 2) fact[MET_SKEW_UNBIASED] = g1 * sqrt(n * (n - 1)) / (n - 2);
  if (m->n > 3) fact[MET_KURTOSIS_UNBIASED] = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6);
}

/* Figures from the returns alone. */
static void ratio_facts(const met_series *s, double rf_annual, double *fact) {
  const double p = s->per_year, rf = pow(1 + rf_annual, 1 / p) - 1;
  const met_moments m = met_moments_of(s->r, s->nr);
  const double sd = met_sd(&m, 1 + fmax(fabs(m.lo), fabs(m.hi)));
  fact[MET_VOLATILITY] = sd * sqrt(p);
  shape_facts(&m, fact);
  fact[MET_DOWNSIDE] = downside(s->r, s->nr, rf) * sqrt(p);
  if (s->nr < 2) return;
  fact[MET_SHARPE] = met_ratio(m.mean - rf, sd) * sqrt(p);
  fact[MET_SORTINO] = met_ratio((m.mean - rf) * p, fact[MET_DOWNSIDE]);
  fact[MET_OMEGA] = omega(s->r, s->nr, rf);
  fact[MET_STABILITY] = stability(s->r, s->nr);
}

static bv_rc own_facts(const bv_metric_input *in, const met_curve *c, double *fact, bv_err *err) {
  const met_series *s = &c->own;
  const int64_t n = isfinite(in->start) ? s->n : s->n - 1;
  fact[MET_PER_YEAR] = s->per_year;
  fact[MET_PERIODS] = (double)n;
  if (c->start > 0) fact[MET_TOTAL_RETURN] = c->last / c->start - 1;
  if (n > 0) fact[MET_CAGR_COUNT] = growth(c->start, c->last, s->per_year / (double)n);
  if (c->span_s > 0) fact[MET_CAGR_CALENDAR] = growth(c->start, c->last, YEAR_S / c->span_s);
  fact[MET_CALMAR] = met_ratio(fact[MET_CAGR_COUNT], fabs(fact[MET_MAX_DD]));
  fact[MET_CALMAR_PERIOD] = met_ratio(fact[MET_CAGR_COUNT], fabs(fact[MET_MAX_DD_PERIOD]));
  if (s->nr < 1) return BV_OK;
  ratio_facts(s, in->risk_free, fact);
  return order_facts(s, fact, err);
}

/* sqrt((sd^2 + (1+g)^2)^P - (1+g)^(2P)), written so that the two powers do not cancel. */
static double volatility_compounded(double sd, double g, double p) {
  const double q = sd / (1 + g);
  return sqrt(pow(1 + g, 2 * p) * expm1(p * log1p(q * q)));
}

static void bt_facts(const bv_metric_input *in, const met_curve *c, double *fact) {
  const met_series *s = &c->bt;
  const double p = s->per_year, g = met_geometric(s->r, s->nr);
  const met_moments m = met_moments_of(s->r, s->nr);
  const double sd = met_sd(&m, 1 + fmax(fabs(m.lo), fabs(m.hi)));
  fact[MET_PER_YEAR_BT] = p;
  if (c->first > 0) fact[MET_TOTAL_RETURN_BT] = (c->last - c->first) / c->first;
  if (c->span_s > 0) fact[MET_CAGR_BT] = growth(c->first, c->last, YEAR_S / c->span_s);
  if (s->nr < 1) return;
  const double annual = pow(1 + g, p) - 1, excess = annual - in->risk_free;
  fact[MET_ANNUAL_BT] = annual;
  fact[MET_VOLATILITY_BT] = volatility_compounded(sd, g, p);
  fact[MET_SHARPE_BT] = met_ratio(excess, fact[MET_VOLATILITY_BT]);
  fact[MET_SORTINO_BT] = met_ratio(excess, downside(s->r, s->nr, 0) * sqrt(p));
  fact[MET_CALMAR_BT] = met_ratio(annual, fabs(fact[MET_MAX_DD_BT]));
}

bv_rc met_return_facts(const bv_metric_input *in, const met_curve *c, double *fact, bv_err *err) {
  if (c->points == 0) return BV_OK;
  bt_facts(in, c, fact);
  return own_facts(in, c, fact, err);
}
