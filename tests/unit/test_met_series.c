/*
** test_met_series.c - how an equity curve is cut into periods, and how many make a year; sums,
** percentiles.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "calc/met.h"

#define DAY    86400
#define MONDAY (4 * DAY) /* 1970-01-05 */
#define MAX    4000

#define near(have, want, tolerance) near_at((have), (want), (tolerance), __LINE__)

static void near_at(double have, double want, double tolerance, int line) {
  if (!(fabs(have - want) <= tolerance)) fail_msg("line %d: %.17g, not %.17g", line, have, want);
}

static int64_t ts[MAX];
static double v[MAX];

static met_curve read_curve(int64_t n, int left, int64_t (*to_local)(void *, int64_t)) {
  met_curve c;
  for (int64_t i = 0; i < n; i++) v[i] = 100 + (double)i;
  const bv_metric_input in = {
      .ts = ts, .equity = v, .n = n, .start = 100, .left = left, .to_local = to_local};
  assert_int_equal(met_curve_init(&c, &in, NULL), BV_OK);
  return c;
}

/* n points from Monday on, `step` seconds apart. */
static met_curve even(int64_t n, int64_t step) {
  for (int64_t i = 0; i < n; i++) ts[i] = MONDAY + i * step;
  return read_curve(n, 1, NULL);
}

/* One point at noon of each day numbered `day`, read as bars labelled by their start. */
static met_curve on_days(const int64_t *day, int64_t n) {
  for (int64_t i = 0; i < n; i++) ts[i] = day[i] * DAY + DAY / 2;
  return read_curve(n, 1, NULL);
}

static void expect_years(met_curve c, double own, double bt) {
  near(c.own.per_year, own, 1e-9);
  near(c.bt.per_year, bt, 1e-9);
  met_curve_reset(&c);
}

static void even_spacings(void **state) {
  (void)state;
  expect_years(even(30, DAY), 365, 365);
  expect_years(even(2000, 3600), 365, 365);
  expect_years(even(30, 7 * DAY), 52, 52);
  /* ten days: not a known spacing, so as many as really occur; backtesting.py takes it for days and
  ** finds 9 of 30 points on a weekend */
  expect_years(even(30, 10 * DAY), 36.525, 365);
  expect_years(even(20, 365 * DAY), 1, 1);
}

static void trading_weeks(void **state) {
  (void)state;
  int64_t day[60], n = 0;
  for (int i = 0; i < 60; i++) day[i] = 4 + i / 5 * 7 + i % 5;
  expect_years(on_days(day, 60), 252, 252);
  for (int i = 0; i < 60; i++) /* Sunday to Friday: one weekend day of six */
    day[i] = 3 + i / 6 * 7 + i % 6;
  expect_years(on_days(day, 60), 252, 252);
  for (int i = 0; i < 63; i += 2) /* every other day */
    day[n++] = 4 + i;
  expect_years(on_days(day, n), 365.25 / 2, 365);
}

static void calendar_months_and_years(void **state) {
  (void)state;
  /* Month ends 2015-01-31 .. 2016-12-31, day numbers from 1970-01-01. */
  static const int len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
                            31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t month[24], quarter[8], day = 16435; /* 2014-12-31 */
  for (int i = 0; i < 24; i++) month[i] = day += len[i];
  for (int i = 0; i < 8; i++) quarter[i] = month[3 * i + 2];
  met_curve c = on_days(month, 24);
  assert_int_equal(c.bt.n, 24);
  expect_years(c, 12, 12);
  c = on_days(quarter, 8);
  near(c.own.per_year, 4, 0);
  met_curve_reset(&c);
}

/* Points each six hours over 14 days, labelled by their end: midnight closes the day before. */
static void midnight_belongs_to_the_day_it_ends(void **state) {
  (void)state;
  for (int64_t i = 0; i < 56; i++) ts[i] = MONDAY + (i + 1) * 6 * 3600;
  met_curve c = read_curve(56, 0, NULL);
  assert_int_equal(c.own.n, 14);
  assert_int_equal(c.own.key[0], MONDAY / DAY);
  near(c.own.v[0], 103, 0);
  near(c.own.v[13], 155, 0);
  assert_int_equal(c.own.nr, 14);
  near(c.own.r[1], 107.0 / 103 - 1, 1e-15);
  assert_int_equal(c.bt.nr, 13); /* the first day has no day before it */
  met_curve_reset(&c);
  c = read_curve(56, 1, NULL);
  assert_int_equal(c.own.n, 15);
  near(c.own.v[0], 102, 0);
  met_curve_reset(&c);
}

static int64_t five_hours_west(void *zone, int64_t t) {
  (void)zone;
  return t - 5 * 3600;
}

static void days_are_local(void **state) {
  (void)state;
  for (int64_t i = 0; i < 48; i++) ts[i] = MONDAY + i * 3600;
  met_curve c = read_curve(48, 1, five_hours_west);
  assert_int_equal(c.own.n, 3);
  assert_int_equal(c.own.key[0], MONDAY / DAY - 1);
  near(c.own.v[0], 104, 0);
  near(c.own.v[1], 128, 0);
  met_curve_reset(&c);
}

/* A clock set back by an hour at midnight passes it twice; the day stays one. */
static int64_t set_back(void *zone, int64_t t) {
  (void)zone;
  return t < MONDAY + DAY + 1800 ? t : t - 3600;
}

static void midnight_twice(void **state) {
  (void)state;
  for (int64_t i = 0; i < 96; i++) ts[i] = MONDAY + i * 1800;
  met_curve c = read_curve(96, 1, set_back);
  assert_int_equal(c.own.n, 2);
  near(c.own.v[0], 147, 0); /* the last point before the first midnight */
  near(c.own.v[1], 195, 0);
  met_curve_reset(&c);
}

static void backtesting_py_weeks_end_on_sunday(void **state) {
  (void)state;
  /* Each Wednesday, once a Thursday instead, and a second point on the fourth week's Sunday. */
  static const int64_t day[] = {6, 13, 21, 27, 31, 34, 41, 48, 55};
  met_curve c = on_days(day, 9);
  assert_int_equal(c.bt.n, 8);
  near(c.bt.v[3], 104, 0);
  near(c.bt.per_year, 52, 0);
  met_curve_reset(&c);
}

static void durations_round_up_to_the_spacing(void **state) {
  (void)state;
  met_curve c = even(200, DAY);
  near(c.resolution_s, DAY, 0);
  near(met_round_up(&c, DAY + 1, 1), 2 * DAY, 0);
  near(met_round_up(&c, 7 * DAY, 2), 4 * DAY, 0);
  near(met_round_up(&c, 6 * DAY, 2), 3 * DAY, 0);
  assert_true(isnan(met_round_up(&c, 0, 0)));
  met_curve_reset(&c);
  static const struct {
    int64_t step;
    double resolution;
  } unit[] = {{7 * DAY, DAY}, {3600, 3600}, {36 * 3600, 3600}, {900, 60}, {45, 1}};
  for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
    c = even(50, unit[i].step);
    near(c.resolution_s, unit[i].resolution, 0);
    met_curve_reset(&c);
  }
  ts[0] = MONDAY;
  ts[1] = MONDAY + 1;
  ts[2] = MONDAY + 3; /* median 1.5 s */
  c = read_curve(3, 1, NULL);
  near(c.resolution_s, 0.001, 0);
  near(met_round_up(&c, 1, 3), 0.334, 1e-12);
  met_curve_reset(&c);
}

static void sums_do_not_drift(void **state) {
  (void)state;
  met_sum s = {0, 0};
  met_add(&s, 1e16);
  for (int i = 0; i < 1000; i++) met_add(&s, 0.5);
  met_add(&s, -1e16);
  near(met_total(&s), 500, 0);
  met_add(&s, INFINITY);
  assert_true(isinf(met_total(&s)));
}

static void percentiles(void **state) {
  (void)state;
  /* numpy.percentile([1, 81, 82, 83, 84, 85], [20, 30]) = 81, 81.5 (empyrical's own test) */
  static const double x[] = {1, 81, 82, 83, 84, 85};
  near(met_percentile(x, 6, 0.2), 81, 0);
  near(met_percentile(x, 6, 0.3), 81.5, 1e-12);
  near(met_percentile(x, 6, 1), 85, 0);
  near(met_percentile(x, 1, 0.5), 1, 0);
  assert_true(isnan(met_percentile(x, 0, 0.5)));
  near(met_shortfall(x, 6, 0.2), 41, 0);
  assert_true(isnan(met_shortfall(x, 0, 0.2)));
}

static void noise_is_cleaned(void **state) {
  (void)state;
  assert_true(met_clean(1e-15, 1) == 0);
  assert_true(met_clean(-1e-15, 1) == 0);
  assert_true(met_clean(1e-14, 1) > 0);
  static const double x[] = {0.1 + 0.2, 0.3, 0.3};
  const met_moments m = met_moments_of(x, 3);
  assert_true(met_sd(&m, 1, 1) == 0);
  assert_true(isnan(met_sd(&(met_moments){.n = 1}, 1, 1)));
}

/* Values of the standard normal distribution: Abramowitz and Stegun, tables 26.1 and 26.5. */
static void the_normal_distribution(void **state) {
  (void)state;
  near(met_normal_cdf(0), 0.5, 1e-16);
  near(met_normal_cdf(1), 0.841344746068543, 1e-15);
  near(met_normal_cdf(-2), 0.022750131948179, 1e-15);
  near(met_normal_quantile(0.5), 0, 1e-16);
  near(met_normal_quantile(0.975), 1.959963984540054, 1e-14);
  near(met_normal_quantile(0.05), -1.644853626951473, 1e-14);
  for (double p = 1e-12; p < 0.5; p *= 1.07) {
    near(met_normal_cdf(met_normal_quantile(p)) / p, 1, 1e-12);
    near(met_normal_quantile(p) + met_normal_quantile(1 - p), 0, 1e-3 * p + 1e-15 / p);
  }
  assert_true(isnan(met_normal_quantile(0)) && isnan(met_normal_quantile(1)));
  assert_true(isnan(met_normal_quantile(-1)) && isnan(met_normal_quantile(NAN)));
}

static void rounding_to_decimals(void **state) {
  (void)state;
  near(met_round(0.12345, 3), 0.123, 1e-15);
  near(met_round(-0.0625, 3), -0.062, 1e-15);
  near(met_round(0.1875, 3), 0.188, 1e-15);
  near(met_round(2.5, 0), 2, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(even_spacings),
      cmocka_unit_test(trading_weeks),
      cmocka_unit_test(calendar_months_and_years),
      cmocka_unit_test(midnight_belongs_to_the_day_it_ends),
      cmocka_unit_test(days_are_local),
      cmocka_unit_test(midnight_twice),
      cmocka_unit_test(backtesting_py_weeks_end_on_sunday),
      cmocka_unit_test(durations_round_up_to_the_spacing),
      cmocka_unit_test(sums_do_not_drift),
      cmocka_unit_test(percentiles),
      cmocka_unit_test(noise_is_cleaned),
      cmocka_unit_test(the_normal_distribution),
      cmocka_unit_test(rounding_to_decimals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
