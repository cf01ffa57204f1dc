/*
** simd.c - the instruction set of this machine.
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
