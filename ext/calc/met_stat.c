/*
** met_stat.c - sums, moments, percentiles and the normal distribution.
**
** Sums are compensated and run in the order of the data, so results are the same on every machine
** and do not degrade with length.  Moments take two passes: one for the mean, one about it.
*/
#include "calc/met.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

double met_total(const met_sum *a) {
  /* An infinite term makes the correction NaN; the plain sum is then the right answer. */
  return isfinite(a->s) ? a->s + a->c : a->s;
}

met_moments met_moments_of(const double *x, int64_t n) {
  met_moments m = {n, NAN, NAN, NAN, NAN, NAN, NAN};
  if (n < 1) return m;
  met_sum s2 = {0, 0}, s3 = {0, 0}, s4 = {0, 0};
  met_span all = {0};
  for (int64_t i = 0; i < n; i++) met_span_add(&all, x[i]);
  const double count = (double)n;
  m.lo = all.lo;
  m.hi = all.hi;
  m.mean = met_total(&all.sum) / count;
  for (int64_t i = 0; i < n; i++) {
    const double d = x[i] - m.mean, d2 = d * d;
    met_add(&s2, d2);
    met_add(&s3, d2 * d);
    met_add(&s4, d2 * d2);
  }
  m.m2 = met_total(&s2) / count;
  m.m3 = met_total(&s3) / count;
  m.m4 = met_total(&s4) / count;
  return m;
}

double met_clean(double x, double scale) {
  return fabs(x) <= 8 * DBL_EPSILON * scale ? 0 : x;
}

double met_sd(const met_moments *m, int less, double scale) {
  if (m->n <= less) return NAN;
  const double n = (double)m->n;
  return met_clean(sqrt(m->m2 * n / (n - less)), scale);
}

double met_percentile(const double *sorted, int64_t n, double q) {
  if (n < 1) return NAN;
  const double rank = (double)(n - 1) * q;
  const int64_t i = (int64_t)rank;
  if (i + 1 >= n) return sorted[n - 1];
  return sorted[i] + (sorted[i + 1] - sorted[i]) * (rank - (double)i);
}

double met_shortfall(const double *sorted, int64_t n, double cut) {
  if (n < 1) return NAN;
  const int64_t k = (int64_t)((double)(n - 1) * cut) + 1;
  met_sum s = {0, 0};
  for (int64_t i = 0; i < k; i++) met_add(&s, sorted[i]);
  return met_total(&s) / (double)k;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void met_sort(double *x, int64_t n) {
  if (n > 1) qsort(x, (size_t)n, sizeof *x, by_value);
}

double met_ratio(double a, double b) {
  return b == 0 ? (double)NAN : a / b;
}

double met_round(double x, int decimals) {
  const double unit = pow(10, decimals);
  return nearbyint(x * unit) / unit;
}

/* ---- the normal distribution ---- */

double met_normal_cdf(double z) {
  return 0.5 * erfc(-z * (1 / MET_SQRT2));
}

/* Acklam's rational approximation for p <= 1/2, good to 1e-9. */
static double quantile_rough(double p) {
  static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                             1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                             6.680131188771972e+01,  -1.328068155288572e+01, 1};
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00, 1};
  double up = 0, down = 0;
  if (p < 0.02425) {
    const double q = sqrt(-2 * log(p));
    for (int i = 0; i < 6; i++) up = up * q + c[i];
    for (int i = 0; i < 5; i++) down = down * q + d[i];
    return up / down;
  }
  const double q = p - 0.5, r = q * q;
  for (int i = 0; i < 6; i++) up = up * r + a[i];
  for (int i = 0; i < 6; i++) down = down * r + b[i];
  return q * up / down;
}

/* One step of Halley's method brings the approximation to the last digits. */
double met_normal_quantile(double p) {
  if (!(p > 0 && p < 1)) return NAN;
  if (p > 0.5) return -met_normal_quantile(1 - p);
  const double z = quantile_rough(p);
  const double e = met_normal_cdf(z) - p, u = e * sqrt(2 * MET_PI) * exp(z * z / 2);
  return z - u / (1 + z * u / 2);
}

/* ---- samples ---- */

const met_moments *met_moments_once(met_sample *s) {
  if (!s->has_moments) s->moments = met_moments_of(s->x, s->n);
  s->has_moments = true;
  return &s->moments;
}

const met_tally *met_tally_once(met_sample *s) {
  if (s->has_tally) return &s->tally;
  met_tally t = {0};
  for (int64_t i = 0; i < s->n; i++) met_tally_add(&t, s->x[i]);
  s->tally = t;
  s->has_tally = true;
  return &s->tally;
}

const double *met_sorted(met_sample *s, int column) {
  if (s->sorted == column) return s->room;
  const double *from = column == 'y' ? s->y : s->x;
  for (int64_t i = 0; i < s->n; i++) s->room[i] = from[i];
  met_sort(s->room, s->n);
  s->sorted = column;
  return s->room;
}

double met_sd_returns(met_sample *s) {
  const met_moments *m = met_moments_once(s);
  return met_sd(m, 1, 1 + fmax(fabs(m->lo), fabs(m->hi)));
}

double met_rf(const met_sample *s) {
  return pow(1 + s->slot[BV_METRIC_RISK_FREE], 1 / s->slot[BV_METRIC_PERIODS]) - 1;
}

double met_excess(double r, double threshold) {
  return met_clean(r - threshold, 1 + fabs(r));
}
