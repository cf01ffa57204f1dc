/*
** met_stat.c - sums, moments and percentiles for the run metrics.
**
** Sums are compensated and run in the order of the data, so results are the same on every machine
** and do not degrade with length.  Moments take two passes: one for the mean, one about it.
*/
#include "calc/met.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

void met_add(met_sum *a, double x) {
  const double t = a->s + x;
  if (fabs(a->s) >= fabs(x))
    a->c += (a->s - t) + x;
  else
    a->c += (x - t) + a->s;
  a->s = t;
}

double met_total(const met_sum *a) {
  /* An infinite term makes the correction NaN; the plain sum is then the right answer. */
  return isfinite(a->s) ? a->s + a->c : a->s;
}

met_moments met_moments_of(const double *x, int64_t n) {
  met_moments m = {n, NAN, NAN, NAN, NAN, NAN, NAN};
  if (n < 1) return m;
  met_sum s1 = {0, 0}, s2 = {0, 0}, s3 = {0, 0}, s4 = {0, 0};
  m.lo = m.hi = x[0];
  for (int64_t i = 0; i < n; i++) {
    met_add(&s1, x[i]);
    m.lo = fmin(m.lo, x[i]);
    m.hi = fmax(m.hi, x[i]);
  }
  const double count = (double)n;
  m.mean = met_total(&s1) / count;
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

double met_sd(const met_moments *m, double scale) {
  if (m->n < 2) return NAN;
  const double n = (double)m->n;
  return met_clean(sqrt(m->m2 * n / (n - 1)), scale);
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

double met_geometric(const double *r, int64_t n) {
  met_sum s = {0, 0};
  if (n < 1) return NAN;
  for (int64_t i = 0; i < n; i++) {
    if (1 + r[i] <= 0) return 0;
    met_add(&s, log1p(r[i]));
  }
  return expm1(met_total(&s) / (double)n);
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
