/* test_bar_check.c - what a bar must be before it is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/bar_check.h"

#include <math.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* open, high, low, close, then volume, vwap, trades, bid, ask, open interest; text NULL: a good one */
typedef struct row {
  double v[BV_COL_OI + 1];
  const char *part;
} row;

static void check(const row *r) {
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = c <= BV_COL_OI ? r->v[c] : NAN;
  const char *got = bv_bar_problem(v);
  if (!r->part && got) fail_msg("refused: %s", got);
  if (r->part && !got) fail_msg("accepted, though %s", r->part);
  if (r->part && !strstr(got, r->part)) fail_msg("'%s', not '%s'", got, r->part);
}

static void good_bars(void **state) {
  (void)state;
  const double n = NAN;
  const row rows[] = {
      {{2, 3, 1, 2, 10, 2, 4, 1, 3, 5}, NULL},
      {{2, 3, 1, 2, n, n, n, n, n, n}, NULL},
      {{2, 2, 2, 2, 0, n, 0, n, n, n}, NULL}, /* nothing moved, nothing traded */
      {{0, 0, 0, 0, n, n, n, n, n, n}, NULL},
      {{1, 3, 1, 3, n, n, n, n, n, n}, NULL}, /* open = low, close = high */
      {{1e300, 1e300, 1e-300, 5, 1e300, n, n, n, n, n}, NULL},
      {{2, 3, 1, 2, 1.5, 9, 2.5, -1, -1, -1}, NULL}, /* vwap and quotes are not judged by price */
  };
  for (size_t i = 0; i < COUNT(rows); i++) check(&rows[i]);
}

static void bad_bars(void **state) {
  (void)state;
  const double n = NAN, inf = INFINITY;
  const row rows[] = {
      {{n, 3, 1, 2, n, n, n, n, n, n}, "open is missing"},
      {{2, n, 1, 2, n, n, n, n, n, n}, "high is missing"},
      {{2, 3, n, 2, n, n, n, n, n, n}, "low is missing"},
      {{2, 3, 1, n, n, n, n, n, n, n}, "close is missing"},
      {{inf, 3, 1, 2, n, n, n, n, n, n}, "open is infinite"},
      {{2, inf, 1, 2, n, n, n, n, n, n}, "high is infinite"},
      {{2, 3, -inf, 2, n, n, n, n, n, n}, "low is infinite"},
      {{2, 3, 1, inf, n, n, n, n, n, n}, "close is infinite"},
      {{-1, 3, -2, 2, n, n, n, n, n, n}, "open is negative"},
      {{2, 3, -1, 2, n, n, n, n, n, n}, "low is negative"},
      {{2, 1, 3, 2, n, n, n, n, n, n}, "high is below low"},
      {{4, 3, 1, 2, n, n, n, n, n, n}, "open lies outside"},
      {{0.5, 3, 1, 2, n, n, n, n, n, n}, "open lies outside"},
      {{2, 3, 1, 3.0000000001, n, n, n, n, n, n}, "close lies outside"},
      {{2, 3, 1, 0.9999999999, n, n, n, n, n, n}, "close lies outside"},
      {{2, 3, 1, 2, -1, n, n, n, n, n}, "volume is negative"},
      {{2, 3, 1, 2, n, n, -1, n, n, n}, "trades is negative"},
      {{2, 3, 1, 2, inf, n, n, n, n, n}, "infinite"},
      {{2, 3, 1, 2, n, inf, n, n, n, n}, "infinite"},
      {{2, 3, 1, 2, n, n, inf, n, n, n}, "infinite"},
      {{2, 3, 1, 2, n, n, n, n, n, -inf}, "infinite"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) check(&rows[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(good_bars), cmocka_unit_test(bad_bars)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
