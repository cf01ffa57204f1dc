/*
** test_indicator.c - rules that hold for every indicator of the table, and the table itself.
*/
#include "ind_help.h"

enum { BARS = 3000, SETS = 6 };

/* Parameters number `set` of an indicator: the least and small values, some larger, the defaults.
** Real parameters keep their default. */
static void param_set(const bv_indicator *ind, int set, double *param) {
  static const double period[SETS][BV_IND_MAX_PARAM] = {
      {0, 0, 0, 0, 0, 0},     {1, 2, 1, 2, 1, 2},       {7, 3, 4, 5, 2, 3},
      {20, 33, 5, 12, 4, 16}, {129, 64, 31, 200, 6, 9}, {0, 0, 0, 0, 0, 0}};
  double given[BV_IND_MAX_PARAM];
  bv_err err = {0};
  for (int i = 0; i < ind->nparam; i++) {
    const bv_ind_param *p = &ind->param[i];
    given[i] = NAN;
    if (set == 0 && (p->integer || p->optional == 0)) given[i] = p->min;
    if (set > 0 && set < SETS - 1 && p->integer) {
      given[i] = fmin(fmax(period[set][i], p->min), p->max);
    }
    if (set == SETS - 1 && !p->optional) given[i] = 5;
  }
  assert_int_equal(bv_indicator_params(ind, given, ind->nparam, param, &err), BV_OK);
}

/* Call fn for every indicator and parameter set, on bars without and with unusable values. */
typedef void (*check_fn)(const bv_indicator *ind, const double *param, const ind_bars *b,
                         uint64_t seed);

static void for_bars(check_fn fn, const ind_bars *b) {
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    for (int set = 0; set < SETS; set++) {
      double param[BV_IND_MAX_PARAM];
      param_set(all[i], set, param);
      fn(all[i], param, b, (uint64_t)(i * SETS + set + 1));
    }
  }
}

static void for_all(check_fn fn) {
  static const int nan_every[] = {0, 400, 25};
  for (int v = 0; v < 3; v++) {
    ind_bars b = ind_bars_walk(BARS, (uint64_t)v + 1, nan_every[v]);
    for_bars(fn, &b);
    ind_bars_free(&b);
  }
}

static void for_all_and_wild(check_fn fn) {
  for_all(fn);
  ind_bars b = ind_bars_wild(BARS, 9);
  for_bars(fn, &b);
  ind_bars_free(&b);
}

/* ---- pieces ---- */

static void check_pieces(const bv_indicator *ind, const double *param, const ind_bars *b,
                         uint64_t seed) {
  ind_run whole = ind_run_new(ind, param, b->n), cut = ind_run_new(ind, param, b->n);
  ind_run single = ind_run_new(ind, param, b->n);
  ind_step(&whole, b, 0, b->n);
  for (int64_t i = 0; i < b->n;) {
    int64_t k = ind_pick(&seed, 4) ? ind_pick(&seed, 12) : ind_pick(&seed, 1200);
    if (k > b->n - i) k = b->n - i;
    ind_step(&cut, b, i, i + k);
    i += k;
  }
  for (int64_t i = 0; i < b->n; i++) ind_step(&single, b, i, i + 1);
  ind_assert_same(&whole, &cut, 0, b->n, "random pieces");
  ind_assert_same(&whole, &single, 0, b->n, "one bar at a time");
  ind_run_free(&whole);
  ind_run_free(&cut);
  ind_run_free(&single);
}

static void test_pieces(void **state) {
  (void)state;
  for_all_and_wild(check_pieces);
}

/* ---- sets of instructions ---- */

/* Both compute b in the same random pieces. */
static void compare_levels(const bv_indicator *one, const bv_indicator *other, const double *param,
                           const ind_bars *b, uint64_t seed) {
  ind_run r = ind_run_new(one, param, b->n), s = ind_run_new(other, param, b->n);
  for (int64_t i = 0; i < b->n;) {
    int64_t k = 1 + ind_pick(&seed, 900);
    if (k > b->n - i) k = b->n - i;
    ind_step(&r, b, i, i + k);
    ind_step(&s, b, i, i + k);
    i += k;
  }
  ind_assert_same(&r, &s, 0, b->n, "another level of the processor");
  ind_run_free(&r);
  ind_run_free(&s);
}

static void check_levels(const bv_indicator *ind, const double *param, const ind_bars *b,
                         uint64_t seed) {
  int n, at = 0;
  const bv_indicator *const *base = bv_indicators_of(BV_LEVEL_BASE, &n);
  while (strcmp(base[at]->name, ind->name) != 0) at++;
  for (bv_ind_level level = BV_LEVEL_V3; level < BV_LEVEL_COUNT; level++) {
    const bv_indicator *const *other = bv_indicators_of(level, &n);
    if (other) compare_levels(base[at], other[at], param, b, seed);
  }
}

static void test_levels(void **state) {
  (void)state;
  int n;
  if (!bv_indicators_of(BV_LEVEL_V3, &n)) {
    print_message("only one set of kernels here\n");
    skip();
  }
  for_all_and_wild(check_levels);
}

/* ---- anchors ---- */

/* Run bars [from, n), anchoring after the bars `at`, `at` + every, ... */
static void run_anchored(ind_run *r, const ind_bars *b, int64_t from, int64_t at, int64_t every) {
  int64_t lo = from;
  for (int64_t stop = at; lo < b->n; stop += every) {
    const int64_t hi = stop + 1 < b->n ? stop + 1 : b->n;
    if (hi <= lo) continue;
    ind_step(r, b, lo, hi);
    r->ind->anchor(r->state);
    lo = hi;
  }
}

static void check_anchor(const bv_indicator *ind, const double *param, const ind_bars *b,
                         uint64_t seed) {
  assert_int_equal(ind->window == NULL, ind->anchor == NULL);
  if (!ind->window) return;
  const int64_t w = ind->window(param);
  ind_run full = ind_run_new(ind, param, b->n);
  const int64_t every = 1 + ind_pick(&seed, 700);
  /* The long run has anchors of its own before the one from which both must agree. */
  run_anchored(&full, b, 0, every - 1, every);
  for (int t = 0; t < 12; t++) {
    const int64_t at = (1 + ind_pick(&seed, (int)(b->n / every) + 1)) * every - 1;
    if (at - w + 1 < 0 || at >= b->n) continue;
    ind_run late = ind_run_new(ind, param, b->n);
    run_anchored(&late, b, at - w + 1, at, every);
    ind_assert_same(&full, &late, at + 1, b->n, "run begun later");
    ind_run_free(&late);
  }
  ind_run_free(&full);
}

static void test_anchor(void **state) {
  (void)state;
  for_all_and_wild(check_anchor);
}

/* The size of a value that is nothing but rounding: correlations and slopes of columns that have
** nothing to do with each other. */
static double unit_of(const bv_indicator *ind) {
  return strcmp(ind->name, "correl") == 0 || strcmp(ind->name, "beta") == 0 ? 1 : 0;
}

/* Anchored and plain runs agree to rounding, in units of the largest value near. */
static void check_anchor_value(const bv_indicator *ind, const double *param, const ind_bars *b,
                               uint64_t seed) {
  if (!ind->window) return;
  ind_run plain = ind_run_new(ind, param, b->n), often = ind_run_new(ind, param, b->n);
  ind_step(&plain, b, 0, b->n);
  run_anchored(&often, b, 0, ind_pick(&seed, 10), 1 + ind_pick(&seed, 20));
  for (int k = 0; k < ind->noutput; k++) {
    for (int64_t i = 0; i < b->n; i++) {
      const double x = plain.out[k][i], y = often.out[k][i];
      assert_int_equal(isnan(x), isnan(y));
      if (isnan(x) || ind_same(x, y)) continue;
      /* 1e-10: a variance near a pivot keeps about 12 digits (roll_window.c). */
      if (!(fabs(x - y) <= 1e-10 * fmax(fmax(fabs(x), fabs(y)), unit_of(ind)))) {
        fail_msg("%s(%g): bar %lld: %.17g, anchored %.17g", ind->name, param[0], (long long)i, x,
                 y);
      }
    }
  }
  ind_run_free(&plain);
  ind_run_free(&often);
}

static void test_anchor_value(void **state) {
  (void)state;
  for_all(check_anchor_value);
}

/* ---- checkpoints ---- */

static void check_copy(const bv_indicator *ind, const double *param, const ind_bars *b,
                       uint64_t seed) {
  const size_t size = ind->state_size(param);
  ind_run whole = ind_run_new(ind, param, b->n), part = ind_run_new(ind, param, b->n);
  ind_step(&whole, b, 0, b->n);
  for (int64_t i = 0; i < b->n;) {
    const int64_t k = 1 + ind_pick(&seed, 900), hi = i + k < b->n ? i + k : b->n;
    ind_step(&part, b, i, hi);
    void *copy = bv_alloc(BV_MEM_DERIVED, size);
    assert_non_null(copy);
    memcpy(copy, part.state, size);
    memset(part.state, 0xA5, size);
    bv_free(part.state);
    part.state = copy;
    i = hi;
  }
  ind_assert_same(&whole, &part, 0, b->n, "copied state");
  ind_run_free(&whole);
  ind_run_free(&part);
}

static void test_copy(void **state) {
  (void)state;
  for_all_and_wild(check_copy);
}

/* ---- first value and unusable bars ---- */

static int usable_bar(const bv_indicator *ind, const ind_bars *b, int64_t i) {
  for (int k = 0; k < ind->ninput; k++) {
    if (!(fabs(ind_input(ind, k, b)[i]) <= BV_IND_HUGE)) return 0;
  }
  return 1;
}

/* The only ones whose value may be undefined where the inputs are there: no volume yet. */
static int may_be_undefined(const bv_indicator *ind) {
  return strcmp(ind->name, "vwma") == 0 || strcmp(ind->name, "session_vwap") == 0;
}

/* Windowed: a value exists exactly when the last window bars are usable.  Recursive: exactly at
** usable bars that have first(params) usable ones before them. */
static void check_nan(const bv_indicator *ind, const double *param, const ind_bars *b,
                      uint64_t seed) {
  (void)seed;
  const int64_t first = ind->first(param);
  ind_run r = ind_run_new(ind, param, b->n);
  ind_step(&r, b, 0, b->n);
  int64_t good = 0;
  if (ind->window) assert_int_equal(ind->window(param), first + 1);
  for (int64_t i = 0; i < b->n; i++) {
    const int ok = usable_bar(ind, b, i);
    good = ok ? good + 1 : (ind->window ? 0 : good);
    for (int k = 0; k < ind->noutput; k++) {
      const double y = r.out[k][i];
      if (isnan(y) && may_be_undefined(ind)) continue;
      if (isinf(y) || isnan(y) != !(ok && good > first)) {
        fail_msg("%s(%g): %s at bar %lld is %g after %lld usable bars, first is %lld", ind->name,
                 param[0], ind->output[k].name, (long long)i, y, (long long)good, (long long)first);
      }
    }
  }
  ind_run_free(&r);
}

static void test_nan(void **state) {
  (void)state;
  for_all(check_nan);
}

/* Recursive: leaving the unusable bars out of the series changes no value. */
static void check_skip(const bv_indicator *ind, const double *param, const ind_bars *b,
                       uint64_t seed) {
  (void)seed;
  if (ind->window) return;
  ind_bars c = ind_bars_new(b->n);
  c.n = 0;
  for (int64_t i = 0; i < b->n; i++) {
    if (!usable_bar(ind, b, i)) continue;
    for (int k = BV_IN_OPEN; k < IND_COLUMNS; k++) c.col[k][c.n] = b->col[k][i];
    c.n++;
  }
  ind_run all = ind_run_new(ind, param, b->n), less = ind_run_new(ind, param, b->n);
  ind_step(&all, b, 0, b->n);
  ind_step(&less, &c, 0, c.n);
  for (int64_t i = 0, j = 0; i < b->n; i++) {
    if (!usable_bar(ind, b, i)) continue;
    for (int k = 0; k < ind->noutput; k++) assert_true(ind_same(all.out[k][i], less.out[k][j]));
    j++;
  }
  ind_run_free(&all);
  ind_run_free(&less);
  ind_bars_free(&c);
}

static void test_skip(void **state) {
  (void)state;
  for_all(check_skip);
}

/* ---- limits of periods ---- */

static void test_longest(void **state) {
  (void)state;
  enum { TAIL = 700 };
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    double given[BV_IND_MAX_PARAM], param[BV_IND_MAX_PARAM];
    for (int k = 0; k < all[i]->nparam; k++) {
      given[k] = all[i]->param[k].integer ? all[i]->param[k].max : NAN;
    }
    assert_int_equal(bv_indicator_params(all[i], given, all[i]->nparam, param, NULL), BV_OK);
    const int64_t bars = all[i]->first(param) + TAIL;
    ind_bars b = ind_bars_walk(bars, 5, 0);
    ind_run r = ind_run_new(all[i], param, bars);
    ind_step(&r, &b, 0, bars / 2 + 1);
    ind_step(&r, &b, bars / 2 + 1, bars);
    for (int k = 0; k < all[i]->noutput; k++) {
      assert_true(bars == TAIL || isnan(r.out[k][bars - TAIL - 1]));
      for (int64_t j = bars - TAIL; j < bars; j++) {
        assert_true(isfinite(r.out[k][j]) || may_be_undefined(all[i]));
      }
    }
    ind_run_free(&r);
    ind_bars_free(&b);
  }
}

/* ---- the table ---- */

static void test_table(void **state) {
  (void)state;
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  assert_true(n >= 15);
  for (int i = 0; i < n; i++) {
    const bv_indicator *ind = all[i];
    if (i > 0 && strcmp(all[i - 1]->name, ind->name) >= 0) fail_msg("%s: out of order", ind->name);
    assert_true(ind->title && ind->formula && ind->source && ind->first && ind->state_size);
    assert_true(ind->init && ind->run);
    assert_in_range(ind->ninput, 1, BV_IND_MAX_INPUT);
    assert_in_range(ind->nparam, 0, BV_IND_MAX_PARAM);
    assert_in_range(ind->noutput, 1, BV_IND_MAX_OUTPUT);
    assert_in_range(ind->real_default, BV_IN_OPEN, BV_IN_TYPICAL);
    for (int k = 0; k < ind->noutput; k++) {
      int out = -1;
      assert_true(ind->output[k].unit && ind->output[k].doc);
      assert_ptr_equal(bv_indicator_find(ind->output[k].name, &out), ind);
      assert_int_equal(out, k);
    }
    for (int k = 0; k < ind->nparam; k++) {
      const bv_ind_param *p = &ind->param[k];
      assert_true(p->name && p->min <= p->max);
      /* Optional ones come last, so that positions can be left out. */
      assert_true(k == 0 || p->optional >= ind->param[k - 1].optional);
      if (p->optional) assert_true(p->def >= p->min && p->def <= p->max);
    }
  }
}

static void test_find(void **state) {
  (void)state;
  int out = 77;
  assert_string_equal(bv_indicator_find("MACD_Signal", &out)->name, "macd");
  assert_int_equal(out, 1);
  assert_string_equal(bv_indicator_find("bb_lower", &out)->name, "bbands");
  assert_int_equal(out, 2);
  out = 77;
  assert_null(bv_indicator_find("nothing", &out));
  assert_null(bv_indicator_find("", &out));
  assert_int_equal(out, 77);
  assert_string_equal(bv_indicator_nearest("stdeb"), "stdev");
  assert_string_equal(bv_indicator_nearest("hihgest"), "highest");
  assert_null(bv_indicator_nearest("completely_unlike"));
  assert_int_equal(ind_named("highest")->real_default, BV_IN_HIGH);
  assert_int_equal(ind_named("lowest")->real_default, BV_IN_LOW);
  assert_int_equal(ind_named("sma")->real_default, BV_IN_CLOSE);
}

static void test_params(void **state) {
  (void)state;
  double p[BV_IND_MAX_PARAM];
  bv_err err = {0};
  const bv_indicator *sma = ind_named("sma"), *macd = ind_named("macd");
  assert_int_equal(bv_indicator_params(sma, (double[]){20}, 1, p, &err), BV_OK);
  assert_true(p[0] == 20 && p[1] == 0);
  assert_int_equal(bv_indicator_params(macd, NULL, 0, p, &err), BV_OK);
  assert_true(p[0] == 12 && p[1] == 26 && p[2] == 9);
  assert_int_equal(bv_indicator_params(macd, (double[]){5, NAN, 3}, 3, p, &err), BV_OK);
  assert_true(p[0] == 5 && p[1] == 26 && p[2] == 3);

  static const struct {
    const char *name;
    int n;
    double given[3];
    const char *text;
  } bad[] = {
      {"sma", 0, {0}, "sma: the parameter period is missing (1 .. 100000)"},
      {"sma", 1, {NAN}, "sma: the parameter period is missing (1 .. 100000)"},
      {"sma", 1, {0}, "sma: period = 0 is outside 1 .. 100000"},
      {"sma", 1, {-3}, "sma: period = -3 is outside 1 .. 100000"},
      {"sma", 1, {100001}, "sma: period = 100001 is outside 1 .. 100000"},
      {"sma", 1, {INFINITY}, "sma: period = inf is outside 1 .. 100000"},
      {"sma", 1, {2.5}, "sma: period = 2.5 must be a whole number from 1 to 100000"},
      {"sma", 2, {20, 1}, "sma: 2 parameters given, it takes at most 1"},
      {"macd", 3, {12, 26, 0}, "macd: signal = 0 is outside 1 .. 100000"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    bv_err_clear(&err);
    assert_int_equal(bv_indicator_params(ind_named(bad[i].name), bad[i].given, bad[i].n, p, &err),
                     BV_ARG);
    assert_string_equal(err.msg, bad[i].text);
    assert_int_equal(bv_indicator_params(ind_named(bad[i].name), bad[i].given, bad[i].n, p, NULL),
                     BV_ARG);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pieces), cmocka_unit_test(test_levels),
      cmocka_unit_test(test_anchor), cmocka_unit_test(test_anchor_value),
      cmocka_unit_test(test_copy),   cmocka_unit_test(test_nan),
      cmocka_unit_test(test_skip),   cmocka_unit_test(test_longest),
      cmocka_unit_test(test_table),  cmocka_unit_test(test_find),
      cmocka_unit_test(test_params),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
