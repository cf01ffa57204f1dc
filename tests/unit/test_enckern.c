/*
** test_enckern.c - the loops of coding against their meaning, value by value, on every instruction set.
*/
#include "col/enckern.h"
#include "col/simd.h"

#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { N = 200 };

static uint64_t seed = 7;
static uint64_t rnd(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

/* Cents, other decimals, and now and then something that lies on no grid. */
static double any_price(void) {
  static const double odd[] = {0.0, -0.0, 1e300, -1e300, 1e-310, 1125899906842624.0, 0.1 + 0.2};
  uint64_t r = rnd() % 100;
  if (r < 4) return odd[rnd() % (sizeof odd / sizeof *odd)];
  if (r < 6) return r == 4 ? (double)NAN : (double)INFINITY;
  return ((double)(int64_t)(rnd() % 2000000) - 10000) / (r < 50 ? 100 : 1000);
}

/* The nearest whole number, to even, of x * inv; 0 where that is too large or none. */
static int64_t nearest(double x, double inv) {
  double t = x * inv;
  return fabs(t) < 0x1p50 ? (int64_t)nearbyint(t) : 0;
}

static void test_place(void **state) {
  (void)state;
  const double grid[][2] = {{1, 1}, {1, 100}, {5, 100}, {25, 1000}, {1, 1e14}};
  double x[N];
  int64_t k[N], one;
  for (size_t n = 0; n <= N; n++) {
    for (size_t q = 0; q < sizeof grid / sizeof *grid; q++) {
      const double g = grid[q][0], p = grid[q][1];
      bool all = true;
      for (size_t i = 0; i < n; i++) {
        x[i] = n % 3 ? (double)(rnd() % 100000) * g / p : any_price();
        const double whole = nearbyint(x[i] * (p / g)) + 0.0, back = whole * g / p; /* no -0 */
        const bool on = fabs(x[i] * (p / g)) < 0x1p50 && fabs(x[i] * p) < 0x1p50 &&
                        memcmp(&back, x + i, 8) == 0;
        all &= on;
        assert_int_equal(bv_enckern_place1(x[i], g, p, p / g, &one) == 0, on);
      }
      for (int level = 0; level < BV_SIMD_COUNT; level++) {
        bv_simd_force((bv_simd)level);
        assert_int_equal(bv_enckern_now()->place(x, n, g, p, p / g, k) == 0, all);
        for (size_t i = 0; i < n; i++) {
          if (bv_enckern_place1(x[i], g, p, p / g, &one) == 0) assert_int_equal(k[i], one);
        }
      }
    }
  }
}

static void test_predictions(void **state) {
  (void)state;
  double x[N], y[N];
  int64_t out[N];
  for (size_t n = 0; n <= N; n++) {
    for (size_t i = 0; i < n; i++) x[i] = any_price(), y[i] = any_price();
    for (int level = 0; level < BV_SIMD_COUNT; level++) {
      bv_simd_force((bv_simd)level);
      const bv_enckern *k = bv_enckern_now();
      k->one(x, n, 100, out);
      for (size_t i = 0; i < n; i++) assert_int_equal(out[i], nearest(x[i], 100));
      for (int low = 0; low < 2; low++) {
        k->two(x, y, n, 20, low, out);
        for (size_t i = 0; i < n; i++) {
          const int64_t a = nearest(x[i], 20), b = nearest(y[i], 20);
          assert_int_equal(out[i], (a < b) == low ? a : b);
        }
      }
    }
  }
}

/* Modulo 2^64, so any integers will do. */
static void test_integers(void **state) {
  (void)state;
  int64_t k[N + 1], base[N], r[N];
  for (size_t n = 1; n <= N; n++) {
    int64_t lo = INT64_MAX, hi = INT64_MIN;
    uint64_t sum = 0;
    for (size_t i = 0; i <= n; i++) k[i] = (int64_t)rnd() >> rnd() % 64;
    for (size_t i = 0; i < n; i++) {
      base[i] = (int64_t)rnd() >> rnd() % 64;
      lo = k[i] < lo ? k[i] : lo;
      hi = k[i] > hi ? k[i] : hi;
      sum += (uint64_t)k[i] - 12345u;
    }
    for (int level = 0; level < BV_SIMD_COUNT; level++) {
      int64_t a, b;
      bv_simd_force((bv_simd)level);
      const bv_enckern *q = bv_enckern_now();
      q->range(k, n, &a, &b);
      assert_int_equal(a, lo);
      assert_int_equal(b, hi);
      assert_true(q->sum(k, n, 12345) == sum);
      q->diff(k, n, r);
      for (size_t i = 0; i < n; i++)
        assert_true((uint64_t)r[i] == (uint64_t)k[i + 1] - (uint64_t)k[i]);
      for (int low = 0; low < 2; low++) {
        memcpy(r, base, sizeof r);
        q->minus(k, n, low, r);
        for (size_t i = 0; i < n; i++) {
          const uint64_t d = (uint64_t)k[i] - (uint64_t)base[i];
          assert_true((uint64_t)r[i] == (low ? 0 - d : d));
        }
      }
      memcpy(r, k, sizeof r);
      q->zigzag(r, n);
      for (size_t i = 0; i < n; i++)
        assert_true((uint64_t)r[i] == (k[i] < 0 ? 2 * ~(uint64_t)k[i] + 1 : 2 * (uint64_t)k[i]));
      memcpy(r, k, sizeof r);
      q->above(r, n, (uint64_t)lo);
      for (size_t i = 0; i < n; i++) assert_true((uint64_t)r[i] == (uint64_t)k[i] - (uint64_t)lo);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_place),
      cmocka_unit_test(test_predictions),
      cmocka_unit_test(test_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
