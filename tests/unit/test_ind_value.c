/*
** test_ind_value.c - accuracy of the rolling kernels against sums in long double, and hand-made
** series whose result is known.
*/
#include "ind_help.h"

#include <float.h>

typedef struct column {
  ind_bars bars; /* every price column is the same series */
  double *x;
} column;

static column column_new(int64_t n) {
  column c = {.bars = ind_bars_new(n)};
  c.x = c.bars.col[BV_IN_CLOSE];
  return c;
}

static void column_done(column *c) {
  for (int k = BV_IN_OPEN; k < IND_COLUMNS; k++) {
    if (k != BV_IN_CLOSE) memcpy(c->bars.col[k], c->x, (size_t)c->bars.n * sizeof(double));
  }
}

static ind_run run_all(const char *name, double p0, const column *c) {
  double param[BV_IND_MAX_PARAM];
  assert_int_equal(bv_indicator_params(ind_named(name), &p0, isnan(p0) ? 0 : 1, param, NULL),
                   BV_OK);
  ind_run r = ind_run_new(ind_named(name), param, c->bars.n);
  ind_step(&r, &c->bars, 0, c->bars.n);
  return r;
}

static long double true_mean(const double *x, int64_t n) {
  long double s = 0;
  for (int64_t i = 0; i < n; i++) s += x[i];
  return s / n;
}

static long double true_var(const double *x, int64_t n) {
  const long double m = true_mean(x, n);
  long double s = 0;
  for (int64_t i = 0; i < n; i++) s += (x[i] - m) * (x[i] - m);
  return s / n;
}

/* Whatever stood before, n equal values give exactly that mean and exactly no deviation. */
static void test_constant(void **state) {
  (void)state;
  enum { N = 4000 };
  static const double value[] = {1.1, 0.1, 1e6 + 0.01, 3.0000000000000004, 1e-9, 123456.789};
  static const int period[] = {1, 2, 3, 5, 7, 10, 49, 98, 103, 200, 365};
  column c = column_new(N);
  uint64_t seed = 42;
  for (size_t v = 0; v < sizeof value / sizeof value[0]; v++) {
    /* First half noise around and far from the value, second half constant. */
    for (int i = 0; i < N; i++) {
      const double noise = ind_pick(&seed, 1000) * (i % 300 < 3 ? 1.7 : 1e-5);
      c.x[i] = value[v] * (i < N / 2 ? 1 + noise : 1);
    }
    column_done(&c);
    for (size_t p = 0; p < sizeof period / sizeof period[0]; p++) {
      ind_run mean = run_all("sma", period[p], &c), dev = run_all("stdev", period[p], &c);
      ind_run bands = run_all("bbands", period[p], &c), wma = run_all("wma", period[p], &c);
      ind_run top = run_all("highest", period[p], &c), var = run_all("var", period[p], &c);
      for (int i = N / 2 + period[p] - 1; i < N; i++) {
        assert_true(mean.out[0][i] == value[v] && wma.out[0][i] == value[v]);
        assert_true(dev.out[0][i] == 0 && var.out[0][i] == 0 && top.out[0][i] == value[v]);
        for (int k = 0; k < 3; k++) assert_true(bands.out[k][i] == value[v]);
      }
      ind_run_free(&mean);
      ind_run_free(&dev);
      ind_run_free(&bands);
      ind_run_free(&wma);
      ind_run_free(&top);
      ind_run_free(&var);
    }
  }
  /* A constant from the first bar on: the recursive ones too. */
  for (int i = 0; i < N; i++) c.x[i] = 1.1;
  column_done(&c);
  static const char *const same[] = {"ema", "rma"};
  for (int k = 0; k < 2; k++) {
    ind_run r = run_all(same[k], 49, &c);
    for (int i = 48; i < N; i++) assert_true(r.out[0][i] == 1.1);
    ind_run_free(&r);
  }
  ind_bars_free(&c.bars);
}

/* Prices near 1e6 in ticks of 0.01 that wander and jump: 1e-9 of the deviation, over 60,000 bars
** without an anchor.  Long double keeps 1e-19 of the level, 1e-11 of the least deviation. */
static void test_stdev_large_level(void **state) {
  (void)state;
  enum { N = 60000 };
  static const int period[] = {2, 5, 20, 333};
  column c = column_new(N);
  uint64_t seed = 7;
  int64_t tick = 100000000;
  for (int i = 0; i < N; i++) {
    tick += ind_pick(&seed, 3) - 1 + (i % 5000 == 0 ? ind_pick(&seed, 2000001) - 1000000 : 0);
    c.x[i] = (double)tick / 100;
  }
  column_done(&c);
  for (size_t p = 0; p < sizeof period / sizeof period[0]; p++) {
    const int n = period[p];
    ind_run r = run_all("stdev", n, &c);
    double worst = 0;
    for (int i = n - 1; i<N; i += n> 100 ? 7 : 1) {
      const long double want = sqrtl(true_var(c.x + i - n + 1, n));
      const double got = r.out[0][i];
      if (want == 0) assert_true(got == 0);
      if (want > 0) worst = fmax(worst, (double)fabsl((got - want) / want));
    }
    if (!(worst < 1e-9)) fail_msg("stdev(%d): relative error %g", n, worst);
    ind_run_free(&r);
  }
  ind_bars_free(&c.bars);
}

/* 1.1 a million times, with a disturbance that leaves: no drift; elsewhere half an ulp and a bit. */
static void test_mean_accuracy(void **state) {
  (void)state;
  enum { N = 1000000, CUT = 40000 };
  column c = column_new(N);
  uint64_t seed = 11;
  for (int i = 0; i < N; i++) c.x[i] = i < CUT ? ind_pick(&seed, 100000) * 0.01 : 1.1;
  column_done(&c);
  ind_run a = run_all("sma", 20, &c), b = run_all("sma", 777, &c), w = run_all("wma", 30, &c);
  for (int i = CUT + 777; i < N; i++) {
    assert_true(a.out[0][i] == 1.1 && b.out[0][i] == 1.1 && w.out[0][i] == 1.1);
  }
  for (int i = 776; i < CUT; i += 3) {
    /* Long double sums of these values are exact, its quotient is rounded to 64 bits. */
    const long double m20 = true_mean(c.x + i - 19, 20), m777 = true_mean(c.x + i - 776, 777);
    assert_true(fabsl(a.out[0][i] - m20) <= 0.51L * m20 * DBL_EPSILON);
    assert_true(fabsl(b.out[0][i] - m777) <= 0.51L * m777 * DBL_EPSILON);
    long double s = 0;
    for (int j = 0; j < 30; j++) s += (long double)c.x[i - j] * (30 - j);
    assert_true(fabsl(w.out[0][i] - s / 465) <= 0.51L * s / 465 * DBL_EPSILON);
  }
  ind_run_free(&a);
  ind_run_free(&b);
  ind_run_free(&w);
  ind_bars_free(&c.bars);
}

/* Two million bars around one level without an anchor: each step rounds at 1e-16 of the sums, which
** would walk to 3e-13 if they were never computed afresh. */
static void test_var_no_drift(void **state) {
  (void)state;
  enum { N = 2000000, PERIOD = 20 };
  column c = column_new(N);
  uint64_t seed = 3;
  for (int i = 0; i < N; i++) c.x[i] = ind_pick(&seed, 1000000) * 1e-6;
  column_done(&c);
  ind_run r = run_all("var", PERIOD, &c);
  double worst = 0;
  for (int i = PERIOD - 1; i < N; i += 997) {
    const long double want = true_var(c.x + i - PERIOD + 1, PERIOD);
    worst = fmax(worst, (double)fabsl((r.out[0][i] - want) / want));
  }
  if (!(worst < 4e-14)) fail_msg("var(20): relative error %g", worst);
  ind_run_free(&r);
  ind_bars_free(&c.bars);
}

static void assert_column(const ind_run *r, int out, const double *want, int n) {
  for (int i = 0; i < n; i++) {
    const double y = r->out[out][i];
    if (isnan(want[i]) ? !isnan(y) : !(y == want[i])) {
      fail_msg("%s bar %d: %.17g instead of %.17g", r->ind->output[out].name, i, y, want[i]);
    }
  }
}

/* Small series whose results are exact in binary, from the definitions. */
static void test_by_hand(void **state) {
  (void)state;
  enum { N = 8 };
  static const double x[N] = {1, 3, 2, 2, 6, NAN, 4, 8};
  static const struct {
    const char *name;
    double param;
    double want[N];
  } row[] = {
      {"sma", 2, {NAN, 2, 2.5, 2, 4, NAN, NAN, 6}},
      {"wma", 1, {1, 3, 2, 2, 6, NAN, 4, 8}},
      {"highest", 3, {NAN, NAN, 3, 3, 6, NAN, NAN, NAN}},
      {"lowest", 2, {NAN, 1, 2, 2, 2, NAN, NAN, 4}},
      {"mom", 1, {NAN, 2, -1, 0, 4, NAN, NAN, 4}},
      {"roc", 2, {NAN, NAN, 100, (2.0 / 3 - 1) * 100, 200, NAN, NAN, NAN}},
      {"stdev", 2, {NAN, 1, 0.5, 0, 2, NAN, NAN, 2}},
      {"var", 2, {NAN, 1, 0.25, 0, 4, NAN, NAN, 4}},
      {"rma", 2, {NAN, 2, 2, 2, 4, NAN, 4, 6}},
      {"ema", 3, {NAN, NAN, 2, 2, 4, NAN, 4, 6}},
      /* changes 2 -1 0 4 [gap] -2 4, means over 2 */
      {"rsi",
       2,
       {NAN, NAN, 200.0 / 3, 200.0 / 3, 100 * (2.25 / 2.375), NAN, 100 * (1.125 / 2.1875),
        100 * (2.5625 / 3.09375)}},
  };
  column c = column_new(N);
  memcpy(c.x, x, sizeof x);
  column_done(&c);
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    ind_run r = run_all(row[i].name, row[i].param, &c);
    if (strcmp(row[i].name, "rsi") == 0) {
      for (int k = 0; k < N; k++) {
        assert_true(isnan(row[i].want[k]) ? isnan(r.out[0][k])
                                          : fabs(r.out[0][k] - row[i].want[k]) < 1e-12);
      }
    } else {
      assert_column(&r, 0, row[i].want, N);
    }
    ind_run_free(&r);
  }
  ind_bars_free(&c.bars);
}

/* Flat from the first bar: rsi 0 (TA-Lib), macd exactly 0, atr exactly 0. */
static void test_flat(void **state) {
  (void)state;
  enum { N = 100 };
  column c = column_new(N);
  for (int i = 0; i < N; i++) c.x[i] = 12.34;
  column_done(&c);
  static const struct {
    const char *name;
    int first;
  } row[] = {{"rsi", 14}, {"atr", 14}, {"macd", 33}, {"trange", 1}};
  for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
    ind_run r = run_all(row[k].name, NAN, &c);
    for (int o = 0; o < r.ind->noutput; o++) {
      for (int i = 0; i < N; i++) {
        assert_true(i < row[k].first ? isnan(r.out[o][i]) : r.out[o][i] == 0);
      }
    }
    ind_run_free(&r);
  }
  ind_bars_free(&c.bars);
}

/* vwma is the quotient of two sma but for their rounding. */
static void test_pair(void **state) {
  (void)state;
  enum { N = 3000 };
  static const int period[] = {1, 2, 7, 100, 511, 512, 513, 1500};
  ind_bars b = ind_bars_walk(N, 21, 90);
  column c = column_new(N), v = column_new(N);
  for (int i = 0; i < N; i++) {
    const double x = b.col[BV_IN_CLOSE][i], w = b.col[BV_IN_VOLUME][i];
    const int ok = fabs(x) <= BV_IND_HUGE && fabs(w) <= BV_IND_HUGE;
    c.x[i] = ok ? x * w : NAN;
    v.x[i] = ok ? w : NAN;
  }
  column_done(&c);
  column_done(&v);
  for (size_t p = 0; p < sizeof period / sizeof period[0]; p++) {
    const double param[BV_IND_MAX_PARAM] = {period[p]};
    ind_run both = ind_run_new(ind_named("vwma"), param, N);
    ind_step(&both, &b, 0, N);
    ind_run flow = run_all("sma", period[p], &c), volume = run_all("sma", period[p], &v);
    for (int i = 0; i < N; i++) {
      const double want = volume.out[0][i] == 0 ? NAN : flow.out[0][i] / volume.out[0][i];
      const double got = both.out[0][i];
      assert_true(ind_same(got, want) || fabs(got - want) <= 4 * DBL_EPSILON * fabs(want));
    }
    ind_run_free(&both);
    ind_run_free(&flow);
    ind_run_free(&volume);
  }
  ind_bars_free(&b);
  ind_bars_free(&c.bars);
  ind_bars_free(&v.bars);
}

/* Ten bars with a body of 1 and a range of 3, then one: short body above the body before, long upper
** shadow, no lower one.  Each part that is missing takes the pattern away. */
static void test_shooting_star(void **state) {
  (void)state;
  static const struct {
    double open, high, low, close;
    int want;
  } last[] = {
      {6.2, 7.5, 6.2, 6.4, 1}, {6.2, 7.5, 6.2, 6.9, 0}, /* the body is not short */
      {6.2, 6.9, 6.2, 6.4, 0},                          /* the upper shadow is not long */
      {6.2, 7.5, 5.9, 6.4, 0},                          /* it has a lower one */
      {5.9, 7.5, 5.9, 6.1, 0},                          /* the body begins inside the one before */
  };
  for (size_t k = 0; k < sizeof last / sizeof last[0]; k++) {
    ind_bars b = ind_bars_new(11);
    const double param[BV_IND_MAX_PARAM] = {0};
    for (int i = 0; i < 11; i++) {
      b.col[BV_IN_OPEN][i] = i < 10 ? 5 : last[k].open;
      b.col[BV_IN_HIGH][i] = i < 10 ? 7 : last[k].high;
      b.col[BV_IN_LOW][i] = i < 10 ? 4 : last[k].low;
      b.col[BV_IN_CLOSE][i] = i < 10 ? 6 : last[k].close;
    }
    ind_run r = ind_run_new(ind_named("candle_shooting_star"), param, 11);
    ind_step(&r, &b, 0, 11);
    assert_true(r.out[0][10] == last[k].want);
    ind_run_free(&r);
    ind_bars_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_constant),      cmocka_unit_test(test_stdev_large_level),
      cmocka_unit_test(test_mean_accuracy), cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_shooting_star), cmocka_unit_test(test_pair),
      cmocka_unit_test(test_flat),          cmocka_unit_test(test_var_no_drift),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
