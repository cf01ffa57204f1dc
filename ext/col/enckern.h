/*
** enckern.h - the loops that coding a block spends its time in, per instruction set (see simd.h).
**
** Each is a loop over whole arrays with the same bits from every instruction set.  Grid and prediction
** arithmetic is that of codec.h.
*/
#ifndef BV_COL_ENCKERN_H
#define BV_COL_ENCKERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bv_enckern {
  /* Integers of x on the grid g / p (inv = p / g); 0 where every value is exactly on it. */
  uint64_t (*place)(const double *x, size_t n, double g, double p, double inv, int64_t *k);
  /* Predictions on a grid from one column, and from the smaller or larger value of two. */
  void (*one)(const double *x, size_t n, double inv, int64_t *out);
  void (*two)(const double *x, const double *y, size_t n, double inv, bool low, int64_t *out);
  /* r = k - base, or base - k, in place of base. */
  void (*minus)(const int64_t *k, size_t n, bool low, int64_t *base);
  /* out[i] = k[i + 1] - k[i] for i < n. */
  void (*diff)(const int64_t *k, size_t n, int64_t *out);
  /* In place: the sign into bit 0; or what is above ref. */
  void (*zigzag)(int64_t *r, size_t n);
  void (*above)(int64_t *r, size_t n, uint64_t ref);
  /* Smallest and largest of n > 0; the sum of what is above lo. */
  void (*range)(const int64_t *x, size_t n, int64_t *lo, int64_t *hi);
  uint64_t (*sum)(const int64_t *k, size_t n, int64_t lo);
} bv_enckern;

const bv_enckern *bv_enckern_now(void);

/* One value of `place`. */
uint64_t bv_enckern_place1(double x, double g, double p, double inv, int64_t *k);

#endif
