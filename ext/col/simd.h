/*
** simd.h - which instruction set the column kernels use, found at run time.
**
** A kernel is written once as an always-inlined body and instantiated per instruction set by the
** target attribute, so that the library itself needs nothing beyond the machine's baseline.  All
** instances give the same bits.
*/
#ifndef BV_COL_SIMD_H
#define BV_COL_SIMD_H

#include "base/chunks.h"

#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define BV_X86           1
#define BV_TARGET_AVX2   __attribute__((target("avx2")))
#define BV_TARGET_AVX512 __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl")))
#define BV_TARGET_SSE42  __attribute__((target("sse4.2")))
#endif

#define BV_INLINE static inline __attribute__((always_inline))

typedef enum bv_simd { BV_SIMD_PLAIN = 0, BV_SIMD_AVX2, BV_SIMD_AVX512, BV_SIMD_COUNT } bv_simd;

/* The set in use: the best one of this machine, or what bv_simd_force named. */
bv_simd bv_simd_level(void);

/* Test hook: use at most this set from now on, in every thread; returns the set now in use, which is
** a lower one where the machine lacks it. */
bv_simd bv_simd_force(bv_simd level);

#endif
