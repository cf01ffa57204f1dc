/*
** lay.c - columns of many series laid out row by row: a transposition in blocks of 4 by 4 that stay in registers.
*/
#include "col/lay.h"
#include "col/simd.h"

#include <string.h>

enum { SIDE = 4 };

typedef double quad __attribute__((vector_size(32)));

/* Rows [0, 4) of four columns. */
BV_INLINE void block(const double *const *src, int i, double *out, size_t width) {
  quad a, b, c, d;
  memcpy(&a, src[0] + i, sizeof a);
  memcpy(&b, src[1] + i, sizeof b);
  memcpy(&c, src[2] + i, sizeof c);
  memcpy(&d, src[3] + i, sizeof d);
  const quad ab0 = __builtin_shufflevector(a, b, 0, 4, 2, 6),
             ab1 = __builtin_shufflevector(a, b, 1, 5, 3, 7),
             cd0 = __builtin_shufflevector(c, d, 0, 4, 2, 6),
             cd1 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  const quad row[SIDE] = {
      __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5), __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5),
      __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7), __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7)};
  for (size_t k = 0; k < SIDE; k++) memcpy(out + k * width, &row[k], sizeof row[k]);
}

BV_INLINE void rows_any(const double *const *src, int n, int m, double *out, size_t width) {
  int p = 0;
  for (; p + SIDE <= n; p += SIDE) {
    int i = 0;
    for (; i + SIDE <= m; i += SIDE) block(src + p, i, out + (size_t)i * width + p, width);
    for (; i < m; i++) {
      for (int q = 0; q < SIDE; q++) out[(size_t)i * width + (size_t)(p + q)] = src[p + q][i];
    }
  }
  for (; p < n; p++) {
    for (int i = 0; i < m; i++) out[(size_t)i * width + (size_t)p] = src[p][i];
  }
}

static void rows_plain(const double *const *src, int n, int m, double *out, size_t width) {
  rows_any(src, n, m, out, width);
}

#ifdef BV_X86
BV_TARGET_AVX2 static void rows_avx2(const double *const *src, int n, int m, double *out,
                                     size_t width) {
  rows_any(src, n, m, out, width);
}
#endif

void bv_lay_rows(const double *const *src, int n, int m, double *out, size_t width) {
#ifdef BV_X86
  if (bv_simd_level() >= BV_SIMD_AVX2) {
    rows_avx2(src, n, m, out, width);
    return;
  }
#endif
  rows_plain(src, n, m, out, width);
}
