/* robust.c - centre and spread that a few wild values cannot move; see robust.h. */
#include "calc/robust.h"

#include <math.h>

/* 1 / (quantile 0.75 of the normal distribution) */
#define MAD_TO_SIGMA 1.482602218505602

static void swap(double *a, double *b) {
  double t = *a;
  *a = *b;
  *b = t;
}

/* Reorder v so that v[k] is what it would be if v were sorted, with nothing greater before it. */
static double select_at(double *v, int64_t n, int64_t k) {
  int64_t lo = 0, hi = n - 1;
  while (lo < hi) {
    double pivot = v[lo + (hi - lo) / 2];
    int64_t i = lo, j = hi;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i <= j) swap(&v[i++], &v[j--]);
    }
    if (k <= j) {
      hi = j;
    } else if (k >= i) {
      lo = i;
    } else {
      break;
    }
  }
  return v[k];
}

double bv_median(double *v, int64_t n) {
  if (n == 0) return NAN;
  double upper = select_at(v, n, n / 2);
  if (n % 2) return upper;
  double lower = v[0];
  for (int64_t i = 1; i < n / 2; i++) lower = v[i] > lower ? v[i] : lower;
  return lower + (upper - lower) / 2;
}

double bv_mad_sigma(double *v, int64_t n, double centre) {
  for (int64_t i = 0; i < n; i++) v[i] = fabs(v[i] - centre);
  return MAD_TO_SIGMA * bv_median(v, n);
}
