/* test_robust.c - median and robust deviation against sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "calc/robust.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 200 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double slow_median(const double *v, int n) {
  double s[MAX];
  memcpy(s, v, (size_t)n * sizeof *s);
  qsort(s, (size_t)n, sizeof *s, ascending);
  return n % 2 ? s[n / 2] : s[n / 2 - 1] + (s[n / 2] - s[n / 2 - 1]) / 2;
}

static void small_cases(void **state) {
  (void)state;
  double one[] = {7}, two[] = {9, 1}, even[] = {4, 1, 3, 2}, equal[] = {5, 5, 5, 5, 5};
  assert_true(isnan(bv_median(NULL, 0)));
  assert_true(isnan(bv_mad_sigma(NULL, 0, 1)));
  assert_true(bv_median(one, 1) == 7);
  assert_true(bv_median(two, 2) == 5);
  assert_true(bv_median(even, 4) == 2.5);
  assert_true(bv_median(equal, 5) == 5);
  assert_true(bv_mad_sigma(equal, 5, 5) == 0);
}

/* Distances 1, 1, 0, 2, 4 to the median 2 have the median 1, and 1.4826 is 1 / 0.6745, the normal
** distribution's third quartile. */
static void deviation_of_five(void **state) {
  (void)state;
  double v[] = {1, 3, 2, 4, 6};
  assert_true(fabs(bv_mad_sigma(v, 5, 2) * 0.6744897501960817 - 1) < 1e-15);
}

static void equals_sorting(void **state) {
  (void)state;
  uint64_t seed = 99;
  for (int round = 0; round < 3000; round++) {
    double v[MAX], w[MAX];
    int n = 1 + (int)(seed % MAX), kinds = 1 + round % 40;
    for (int i = 0; i < n; i++) {
      seed ^= seed << 13;
      seed ^= seed >> 7;
      seed ^= seed << 17;
      v[i] = (double)(int64_t)(seed % (uint64_t)kinds) - kinds / 3;
    }
    double centre = slow_median(v, n);
    memcpy(w, v, sizeof v);
    assert_true(bv_median(w, n) == centre);
    memcpy(w, v, sizeof v);
    for (int i = 0; i < n; i++) v[i] = fabs(v[i] - centre);
    double want = slow_median(v, n) * 1.482602218505602;
    assert_true(fabs(bv_mad_sigma(w, n, centre) - want) <= 1e-15 * want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_cases),
                                     cmocka_unit_test(deviation_of_five),
                                     cmocka_unit_test(equals_sorting)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
