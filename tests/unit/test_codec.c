/*
** test_codec.c - grids, residuals and their inverse, bit for bit on every instruction set.
*/
#include "col/codec.h"
#include "col/simd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 700, ROOM = 768 };

static uint64_t seed = 7;

static uint64_t rnd(void) { /* splitmix64 */
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static double of_bits(uint64_t b) {
  double x;
  memcpy(&x, &b, sizeof x);
  return x;
}

static int64_t k_of[ROOM];
static uint8_t patch_of[ROOM];

static bv_model quantise(const double *x, size_t n, size_t *patches) {
  bv_model m;
  memset(&m, 0, sizeof m);
  *patches = bv_codec_quantise(x, n, &m, k_of, patch_of);
  return m;
}

/* Every value that is no patch is exactly the value of its integer. */
static void assert_exact(const double *x, size_t n, const bv_model *m) {
  for (size_t i = 0; i < n; i++) {
    if (patch_of[i]) continue;
    const double back = m->codec == BV_CODEC_TICK ? bv_tick_value(m, k_of[i])
                                                  : of_bits((uint64_t)k_of[i] << m->shift);
    assert_memory_equal(&back, x + i, sizeof back);
  }
}

/* ---- grids ---- */

static void test_grids(void **state) {
  (void)state;
  static const struct {
    double unit, divisor;
    int scale;
    int64_t g;
  } grid[] = {
      {1, 100, 2, 1},             /* cents */
      {25, 100, 2, 25},           /* quarter points */
      {1, 1, 0, 1},               /* whole numbers */
      {100, 1, 0, 100},           /* round lots */
      {5, 100000, 5, 5},          /* half pips */
      {1, 100000000, 8, 1},       /* satoshi */
      {5, 10, 1, 5},              /* halves */
      {15625, 1000000, 6, 15625}, /* 64ths */
  };
  double x[N];
  size_t patches;
  for (size_t q = 0; q < sizeof grid / sizeof *grid; q++) {
    for (size_t i = 0; i < N; i++) {
      const double k = (double)(1000 + (int64_t)(rnd() % 5000));
      x[i] = k * grid[q].unit / grid[q].divisor;
    }
    const bv_model m = quantise(x, N, &patches);
    assert_int_equal(m.codec, BV_CODEC_TICK);
    assert_int_equal(m.scale, grid[q].scale);
    assert_int_equal(m.g, grid[q].g);
    assert_int_equal(patches, 0);
    assert_int_equal(m.first, k_of[0]);
    assert_exact(x, N, &m);
  }
}

/* Few values off the grid are patched; where many are, the grid is refined. */
static void test_refinement(void **state) {
  (void)state;
  double x[N];
  size_t patches;
  for (size_t i = 0; i < N; i++) x[i] = (double)(rnd() % 100000) / 100;
  x[17] = 12.34567891;
  bv_model m = quantise(x, N, &patches);
  assert_int_equal(m.scale, 2);
  assert_int_equal(patches, 1);
  assert_true(patch_of[17]);
  assert_int_equal(k_of[17], k_of[16]);
  assert_exact(x, N, &m);

  for (size_t i = 1; i < N; i += 3) x[i] = (double)(rnd() % 1000000) / 1000;
  m = quantise(x, N, &patches);
  assert_int_equal(m.scale, 3);
  assert_int_equal(patches, 1);
  assert_exact(x, N, &m);

  /* Off-grid values that the sample does not see. */
  for (size_t i = 0; i < N; i++) x[i] = (double)(100 + rnd() % 50);
  for (size_t i = 0; i < N; i++)
    if (i % (N / 32 + 1) != 0 && i % 2) x[i] += 0.5;
  m = quantise(x, N, &patches);
  assert_int_equal(m.scale, 1);
  assert_int_equal(m.g, 5);
  assert_int_equal(patches, 0);
  assert_exact(x, N, &m);
}

static void test_no_grid(void **state) {
  (void)state;
  double x[N];
  size_t patches;
  for (size_t i = 0; i < N; i++) x[i] = 100 * sqrt(1 + (double)(rnd() % 1000));
  x[5] = (double)NAN;
  bv_model m = quantise(x, N, &patches);
  assert_int_equal(m.codec, BV_CODEC_BITS);
  assert_int_equal(patches, 1);
  assert_exact(x, N, &m);

  /* Single-precision values share 29 zero bits. */
  for (size_t i = 0; i < N; i++) x[i] = (double)(float)(100 * sqrt(1 + (double)(rnd() % 1000)));
  m = quantise(x, N, &patches);
  assert_int_equal(m.codec, BV_CODEC_BITS);
  assert_true(m.shift >= 29);
  assert_int_equal(patches, 0);
  assert_exact(x, N, &m);

  for (size_t i = 0; i < N; i++) x[i] = -0.0;
  m = quantise(x, N, &patches);
  assert_int_equal(m.codec, BV_CODEC_BITS);
  assert_int_equal(patches, 0);
  assert_exact(x, N, &m);
}

/* Values that look like integers of the grid and are not. */
static void test_impostors(void **state) {
  (void)state;
  static const double odd[] = {-0.0,  (double)INFINITY,   -(double)INFINITY, 4.9e-324,
                               1e300, 1125899906842624.0, 1e17 + 16,         0.1 + 0.2};
  double x[N];
  size_t patches;
  for (size_t q = 0; q < sizeof odd / sizeof *odd; q++) {
    for (size_t i = 0; i < N; i++) x[i] = (double)((int64_t)(rnd() % 2000) - 1000) / 100;
    x[1] = 0.05;
    x[0] = x[N - 1] = odd[q];
    const bv_model m = quantise(x, N, &patches);
    assert_int_equal(m.codec, BV_CODEC_TICK);
    assert_int_equal(patches, 2);
    assert_true(patch_of[0] && patch_of[N - 1]);
    assert_int_equal(m.first, k_of[1]);
    assert_int_equal(k_of[0], k_of[1]);
    assert_exact(x, N, &m);
  }
}

static void test_short_blocks(void **state) {
  (void)state;
  const double one[2] = {1.25, 1.25}, nan[3] = {(double)NAN, (double)NAN, (double)NAN};
  size_t patches;
  bv_model m = quantise(one, 0, &patches);
  assert_int_equal(patches, 0);
  m = quantise(one, 1, &patches);
  assert_int_equal(m.codec, BV_CODEC_TICK);
  assert_exact(one, 1, &m);
  m = quantise(nan, 3, &patches);
  assert_int_equal(m.codec, BV_CODEC_TICK);
  assert_int_equal(patches, 3);
  assert_int_equal(m.first, 0);
}

/* ---- residuals and back ---- */

static double open_of[N], close_of[N];

/* Prices near each other, with values in the other columns that are off every grid. */
static void make_columns(double *x, double divisor) {
  int64_t c = 50000;
  for (size_t i = 0; i < N; i++) {
    c += (int64_t)(rnd() % 41) - 20;
    close_of[i] = (double)c / divisor;
    open_of[i] = (double)(c + (int64_t)(rnd() % 21) - 10) / divisor;
    x[i] = (double)(c + (int64_t)(rnd() % 61) - 30) / divisor;
  }
  static const double odd[] = {(double)INFINITY, -0.0, 1e300, -1e300, 3.14159265358979, 1e-310};
  for (size_t i = 0; i < N; i += 37) open_of[i] = odd[i % 6];
  for (size_t i = 5; i < N; i += 41) close_of[i] = odd[i % 6];
  open_of[N - 1] = close_of[N - 2] = (double)NAN;
}

static void round_trip(const double *x, size_t n, size_t at, bv_pred pred) {
  static uint64_t u[ROOM], wide[ROOM];
  static uint32_t narrow[ROOM];
  static double got[N];
  size_t patches;
  bv_model m = quantise(x, n, &patches);
  const bv_deps deps = {at, open_of, close_of};
  m.pred = pred;
  bv_codec_residual(k_of, patches ? patch_of : NULL, n, &deps, &m, u);
  uint64_t all = 0;
  for (size_t i = 0; i < n; i++) all |= u[i];
  for (int level = 0; level < BV_SIMD_COUNT; level++) {
    bv_simd_force((bv_simd)level);
    for (int form = 0; form < 2; form++) {
      if (form == 0 && (all >> 31 || m.codec != BV_CODEC_TICK)) continue;
      bv_carry carry = {0};
      memset(got, 0xA5, sizeof got);
      memcpy(wide, u, sizeof wide);
      for (size_t i = 0; i < n; i++) narrow[i] = (uint32_t)u[i];
      if (form == 0)
        bv_codec_restore32(&m, &carry, narrow, n, &deps, got);
      else
        bv_codec_restore64(&m, &carry, wide, n, &deps, got);
      for (size_t i = 0; i < n; i++)
        if (!patch_of[i]) assert_memory_equal(got + i, x + i, sizeof *x);
    }
  }
  bv_simd_force(BV_SIMD_COUNT);
}

static void test_round_trips(void **state) {
  (void)state;
  static double x[N];
  static const double divisor[] = {1, 100, 3, 1e8, 1e-6};
  for (size_t q = 0; q < sizeof divisor / sizeof *divisor; q++)
    for (int pred = BV_PRED_NONE; pred <= BV_PRED_MIN_OC; pred++)
      for (int kind = 0; kind < 4; kind++) {
        make_columns(x, divisor[q]);
        if (kind == 1)
          for (size_t i = 0; i < N; i += 11) x[i] = (double)NAN;
        if (kind == 2) x[0] = (double)NAN;
        if (kind == 3)
          for (size_t i = 0; i < N; i++) x[i] = of_bits(rnd());
        round_trip(x, N, 0, (bv_pred)pred);
        round_trip(x + 65, N - 65, 65, (bv_pred)pred);
        round_trip(x, 1, 0, (bv_pred)pred);
        round_trip(x, 2, 0, (bv_pred)pred);
        round_trip(x + 1, 63, 1, (bv_pred)pred);
      }
}

/* Negative offsets and zigzag are chosen as the values ask for. */
static void test_signs(void **state) {
  (void)state;
  static uint64_t u[ROOM];
  double x[N];
  size_t patches;
  const bv_deps deps = {0, open_of, close_of};
  for (size_t i = 0; i < N; i++) x[i] = 1e6 + (double)(rnd() % 100);
  bv_model m = quantise(x, N, &patches);
  m.pred = BV_PRED_NONE;
  bv_codec_residual(k_of, NULL, N, &deps, &m, u);
  assert_false(m.zigzag);
  for (size_t i = 0; i < N; i++) assert_true(u[i] < 100);

  for (size_t i = 0; i < N; i++) x[i] = (double)(rnd() % 100) - 1000;
  m = quantise(x, N, &patches);
  m.pred = BV_PRED_NONE;
  bv_codec_residual(k_of, NULL, N, &deps, &m, u);
  assert_false(m.zigzag);
  for (size_t i = 0; i < N; i++) assert_true(u[i] < 100);
  round_trip(x, N, 0, BV_PRED_NONE);

  x[3] = -1e9;
  m = quantise(x, N, &patches);
  m.pred = BV_PRED_PREV;
  bv_codec_residual(k_of, NULL, N, &deps, &m, u);
  assert_true(m.zigzag);
  round_trip(x, N, 0, BV_PRED_PREV);
}

/* ---- times ---- */

static void time_trip(const int64_t *ts, size_t n, bv_pred pred) {
  static uint64_t u[ROOM];
  static int64_t got[ROOM];
  bv_model m;
  memset(&m, 0, sizeof m);
  bv_codec_quantise_time(ts, n, &m);
  m.pred = pred;
  bv_codec_residual(ts, NULL, n, NULL, &m, u);
  bv_codec_restore_time(&m, u, n, got);
  assert_memory_equal(got, ts, n * sizeof *ts);
  uint64_t all = 0;
  for (size_t i = 0; i < n; i++) all |= u[i];
  if (all <= UINT32_MAX) {
    static uint32_t narrow[ROOM];
    for (size_t i = 0; i < n; i++) narrow[i] = (uint32_t)u[i];
    memset(got, 0xA5, sizeof got);
    bv_codec_restore_time32(&m, narrow, n, got);
    assert_memory_equal(got, ts, n * sizeof *ts);
  }
  if (all) return;
  bv_codec_restore_time0(&m, n, got);
  assert_memory_equal(got, ts, n * sizeof *ts);
}

static void test_times(void **state) {
  (void)state;
  static int64_t ts[N];
  for (int kind = 0; kind < 8; kind++) {
    int64_t t = 1704205800;
    for (size_t i = 0; i < N; i++) {
      ts[i] = t;
      switch (kind) {
      case 0: t += 60; break;
      case 1: t += i % 390 == 389 ? 63060 : 60; break;
      case 2: t += 60 * (int64_t)(1 + rnd() % 5); break;
      case 3: t -= 7; break;
      case 4: break;
      case 5: t = (int64_t)rnd(); break;
      case 6: t = i % 2 ? INT64_MIN : INT64_MAX; break;
      default: t = i % 2 ? INT64_MIN : 0; break;
      }
    }
    static const size_t lengths[] = {0, 1, 2, 3, 64, N};
    for (size_t q = 0; q < 6; q++) {
      time_trip(ts, lengths[q], BV_PRED_TREND);
      time_trip(ts, lengths[q], BV_PRED_PREV);
    }
  }
}

static void test_time_unit(void **state) {
  (void)state;
  const int64_t ts[] = {600, 660, 900, 840, 86400};
  bv_model m;
  memset(&m, 0, sizeof m);
  bv_codec_quantise_time(ts, 5, &m);
  assert_int_equal(m.g, 60);
  assert_int_equal(m.first, 600);
  assert_int_equal(m.delta, 1);
}

/* ---- names ---- */

static void test_column_names(void **state) {
  (void)state;
  for (int c = 0; c < BV_NCOL; c++) {
    assert_string_not_equal(bv_column_name(c), "?");
    assert_int_equal(bv_column_find(bv_column_name(c)), c);
  }
  assert_int_equal(bv_column_find("TS"), BV_COL_TS);
  assert_string_equal(bv_column_name(BV_COL_TS), "ts");
  assert_int_equal(bv_column_find("closing"), BV_COL_NONE);
  assert_string_equal(bv_column_name(BV_NCOL), "?");
  assert_string_equal(bv_column_name(-1), "?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grids),        cmocka_unit_test(test_refinement),
      cmocka_unit_test(test_no_grid),      cmocka_unit_test(test_impostors),
      cmocka_unit_test(test_short_blocks), cmocka_unit_test(test_round_trips),
      cmocka_unit_test(test_signs),        cmocka_unit_test(test_times),
      cmocka_unit_test(test_time_unit),    cmocka_unit_test(test_column_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
