/*
** simd.c - the instruction set of this machine, and the extremes of integers.
*/
#include "col/simd.h"

#include <stdatomic.h>

/* 0 = not asked yet, else level + 1. */
static atomic_int simd_now;

static bv_simd machine_level(void) {
#ifdef BV_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return BV_SIMD_AVX512;
  if (__builtin_cpu_supports("avx2")) return BV_SIMD_AVX2;
#endif
  return BV_SIMD_PLAIN;
}

bv_simd bv_simd_level(void) {
  int now = atomic_load_explicit(&simd_now, memory_order_relaxed);
  if (now == 0) {
    now = (int)machine_level() + 1;
    atomic_store_explicit(&simd_now, now, memory_order_relaxed);
  }
  return (bv_simd)(now - 1);
}

bv_simd bv_simd_force(bv_simd level) {
  bv_simd best = machine_level();
  if (level > best) level = best;
  atomic_store_explicit(&simd_now, (int)level + 1, memory_order_relaxed);
  return level;
}

BV_INLINE void range_any(const int64_t *restrict x, size_t n, int64_t *lo, int64_t *hi) {
  int64_t a = x[0], b = x[0];
  BV_FOR_CHUNKS(n, (a = x[i] < a ? x[i] : a, b = x[i] > b ? x[i] : b));
  *lo = a;
  *hi = b;
}

#ifdef BV_X86
BV_TARGET_AVX2 static void range_avx2(const int64_t *x, size_t n, int64_t *lo, int64_t *hi) {
  range_any(x, n, lo, hi);
}
#endif

void bv_range_i64(const int64_t *x, size_t n, int64_t *lo, int64_t *hi) {
#ifdef BV_X86
  if (bv_simd_level() >= BV_SIMD_AVX2) {
    range_avx2(x, n, lo, hi);
    return;
  }
#endif
  range_any(x, n, lo, hi);
}
