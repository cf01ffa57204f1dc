/* enckern.c - loops of coding, instantiated per instruction set; see enckern.h. */
#include "col/enckern.h"
#include "base/bits.h"
#include "col/simd.h"

#include <string.h>

/* Adding 1.5 * 2^52 rounds a double below 2^51 to an integer and leaves it in the low bits. */
#define ROUNDER      6755399441055744.0
#define ROUNDER_BITS UINT64_C(0x4338000000000000)
/* Bits of a double without its sign, and those of BV_TICK_LIMIT. */
#define MAGNITUDE  (UINT64_MAX >> 1)
#define LIMIT_BITS ((uint64_t)(1023 + 50) << 52)

/* The integer of x on the grid g / p, inv = p / g; 0 is returned where x is exactly its value.  Range
** tests work on the bits so that a loop of this has no branches. */
BV_INLINE uint64_t place1(double x, double g, double p, double inv, int64_t *k) {
  const double t = x * inv, r = t + ROUNDER, back = (r - ROUNDER) * g / p;
  *k = (int64_t)(bv_bits_of(r) - ROUNDER_BITS);
  const uint64_t in = ((bv_bits_of(t) & MAGNITUDE) - LIMIT_BITS) >> 63;
  const uint64_t in_scaled = ((bv_bits_of(x * p) & MAGNITUDE) - LIMIT_BITS) >> 63;
  return (bv_bits_of(back) ^ bv_bits_of(x)) | ((in & in_scaled) ^ 1);
}

/* q(x) of codec.h.  The range test works on the bits, which order as the magnitudes do, because compilers
** do not vectorise a selection by a floating-point comparison. */
BV_INLINE int64_t quant1(double x, double inv) {
  const uint64_t b = bv_bits_of(x * inv);
  const double t = bv_of_bits(b & (0 - (((b & MAGNITUDE) - LIMIT_BITS) >> 63)));
  return (int64_t)(bv_bits_of(t + ROUNDER) - ROUNDER_BITS);
}

BV_INLINE uint64_t place_any(const double *restrict x, size_t n, double g, double p, double inv,
                             int64_t *restrict k) {
  uint64_t wrong = 0;
  BV_FOR_CHUNKS(n, wrong |= place1(x[i], g, p, inv, k + i));
  return wrong;
}

BV_INLINE void one_any(const double *restrict x, size_t n, double inv, int64_t *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = quant1(x[i], inv));
}

BV_INLINE int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
BV_INLINE int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

BV_INLINE void two_any(const double *restrict x, const double *restrict y, size_t n, double inv,
                       bool low, int64_t *restrict out) {
  if (low)
    BV_FOR_CHUNKS(n, out[i] = smaller(quant1(x[i], inv), quant1(y[i], inv)));
  else
    BV_FOR_CHUNKS(n, out[i] = larger(quant1(x[i], inv), quant1(y[i], inv)));
}

/* Differences modulo 2^64. */
BV_INLINE int64_t sub(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a - (uint64_t)b);
}

BV_INLINE void minus_any(const int64_t *restrict k, size_t n, bool low, int64_t *restrict base) {
  if (low)
    BV_FOR_CHUNKS(n, base[i] = sub(base[i], k[i]));
  else
    BV_FOR_CHUNKS(n, base[i] = sub(k[i], base[i]));
}

BV_INLINE void diff_any(const int64_t *restrict k, size_t n, int64_t *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = sub(k[i + 1], k[i]));
}

BV_INLINE void zigzag_any(int64_t *restrict r, size_t n) {
  BV_FOR_CHUNKS(n, r[i] = (int64_t)((uint64_t)r[i] << 1 ^ (0 - ((uint64_t)r[i] >> 63))));
}

BV_INLINE void above_any(int64_t *restrict r, size_t n, uint64_t ref) {
  BV_FOR_CHUNKS(n, r[i] = sub(r[i], (int64_t)ref));
}

BV_INLINE void range_any(const int64_t *restrict x, size_t n, int64_t *lo, int64_t *hi) {
  int64_t a = x[0], b = x[0];
  BV_FOR_CHUNKS(n, (a = smaller(a, x[i]), b = larger(b, x[i])));
  *lo = a;
  *hi = b;
}

BV_INLINE uint64_t sum_any(const int64_t *restrict k, size_t n, int64_t lo) {
  uint64_t sum = 0;
  BV_FOR_CHUNKS(n, sum += (uint64_t)k[i] - (uint64_t)lo);
  return sum;
}

#define KERNELS(suffix, target)                                                                    \
  target static uint64_t place_##suffix(const double *x, size_t n, double g, double p, double inv, \
                                        int64_t *k) {                                              \
    return place_any(x, n, g, p, inv, k);                                                          \
  }                                                                                                \
  target static void one_##suffix(const double *x, size_t n, double inv, int64_t *out) {           \
    one_any(x, n, inv, out);                                                                       \
  }                                                                                                \
  target static void two_##suffix(const double *x, const double *y, size_t n, double inv,          \
                                  bool low, int64_t *out) {                                        \
    two_any(x, y, n, inv, low, out);                                                               \
  }                                                                                                \
  target static void minus_##suffix(const int64_t *k, size_t n, bool low, int64_t *base) {         \
    minus_any(k, n, low, base);                                                                    \
  }                                                                                                \
  target static void diff_##suffix(const int64_t *k, size_t n, int64_t *out) {                     \
    diff_any(k, n, out);                                                                           \
  }                                                                                                \
  target static void zigzag_##suffix(int64_t *r, size_t n) {                                       \
    zigzag_any(r, n);                                                                              \
  }                                                                                                \
  target static void above_##suffix(int64_t *r, size_t n, uint64_t ref) {                          \
    above_any(r, n, ref);                                                                          \
  }                                                                                                \
  target static void range_##suffix(const int64_t *x, size_t n, int64_t *lo, int64_t *hi) {        \
    range_any(x, n, lo, hi);                                                                       \
  }                                                                                                \
  target static uint64_t sum_##suffix(const int64_t *k, size_t n, int64_t lo) {                    \
    return sum_any(k, n, lo);                                                                      \
  }                                                                                                \
  static const bv_enckern kernels_##suffix = {place_##suffix, one_##suffix,   two_##suffix,        \
                                              minus_##suffix, diff_##suffix,  zigzag_##suffix,     \
                                              above_##suffix, range_##suffix, sum_##suffix};

KERNELS(plain, )
#ifdef BV_X86
KERNELS(avx2, BV_TARGET_AVX2)
KERNELS(avx512, BV_TARGET_AVX512)
#endif

const bv_enckern *bv_enckern_now(void) {
#ifdef BV_X86
  switch (bv_simd_level()) {
  case BV_SIMD_AVX512: return &kernels_avx512;
  case BV_SIMD_AVX2: return &kernels_avx2;
  default: break;
  }
#endif
  return &kernels_plain;
}

uint64_t bv_enckern_place1(double x, double g, double p, double inv, int64_t *k) {
  return place1(x, g, p, inv, k);
}
