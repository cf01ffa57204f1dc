/*
** lay.h - columns of many series laid out row by row.
*/
#ifndef BV_COL_LAY_H
#define BV_COL_LAY_H

#include <stddef.h>
#include <stdint.h>

/* out[i * width + p] = src[p][i] for p < n columns, i < m rows; out is none of the columns. */
void bv_lay_rows(const double *const *src, int n, int m, double *out, size_t width);

/* n times v. */
static inline void bv_fill_i64(int64_t *out, int64_t v, int64_t n) {
  enum { STEP = 16 }; /* fixed, so that compilers make wide stores of it */
  int64_t i = 0;
  for (; i + STEP <= n; i += STEP) {
    for (int k = 0; k < STEP; k++) out[i + k] = v;
  }
  for (; i < n; i++) out[i] = v;
}

#endif
