/*
** fold.h - rolling sums without rounding, several bars at a time.
**
** Every value is cut in two folds, x = q + r: q is a whole multiple of a grid g, r is what is left, at most
** g/2.  While sums of the q are below 2^53 g, and sums of the r, which are multiples of the last bit of
** the least value, below 2^53 of those, every addition is exact.  Then the order of adding does not
** matter, so it can be the one that fits the machine, and a sum does not depend on where it began.
** (The cut is that of J. Demmel and H. D. Nguyen, Fast reproducible floating-point summation, 2013.)
**
**      x   =  1011010110110101|0110110100011
**      q+r    1011010110110101 0000000000000  +  0110110100011
**
** Whether the folds are wide enough depends on the values: bv_fold_fit.  With 200 values they may
** differ by a factor of 2^37.
**
** Arrays here are scratch of BV_FOLD_MAX doubles: passes work on whole lanes and so read and write up to
** BV_FOLD_SPARE elements more than they are asked for.
*/
#ifndef BV_CALC_FOLD_H
#define BV_CALC_FOLD_H

#include "calc/roll.h"

#include <stdbool.h>

#define BV_FOLD_SPARE 8
#define BV_FOLD_MAX   (2 * BV_RUN_MAX + 2 * BV_FOLD_SPARE)

static inline bv_bounds bv_bounds_none(void) {
  return (bv_bounds){0, INFINITY};
}

/* Widen the bounds by k values. */
void bv_bounds_add(bv_bounds *b, const double *x, int64_t k);

/* Whether sums of values within the bounds are exact in two folds, where no sum and no intermediate
** result counts values more than `weight` times in all; then *cut is the constant for bv_fold_cut. */
bool bv_fold_fit(const bv_bounds *b, double weight, double *cut);

/* Values in two folds. */
typedef struct bv_folds {
  double q[BV_FOLD_MAX], r[BV_FOLD_MAX];
} bv_folds;

/* x[i] = q[i] + r[i]. */
void bv_fold_cut(const double *x, int64_t k, double cut, bv_folds *f);

/* The same of an exact sum, as the first element. */
static inline void bv_fold_begin(bv_dd s, double cut, bv_folds *f) {
  f->q[0] = (s.hi + cut) - cut;
  f->r[0] = (s.hi - f->q[0]) + s.lo;
}

/* sum[i + 1] = sum[i] + x[enter + i] - x[i]; sum[0] is given. */
void bv_fold_roll(const bv_folds *x, int64_t enter, int64_t k, bv_folds *sum);

/* wsum[i + 1] = wsum[i] + n x[enter + i] - sum[i]; wsum[0] is given. */
void bv_fold_weigh(const bv_folds *x, int64_t enter, const bv_folds *sum, int64_t k, double n,
                   bv_folds *wsum);

/* y[i] = (q[i] + r[i]) / den, rounded once (as bv_dd_div); q[i] + r[i] any exact sum in two parts. */
void bv_fold_mean(const double *q, const double *r, int64_t k, double den, double inv, double *y);

/* y[i] = (2 w - (n + 1) s) scale, of the sums after bar i: exact but for the last multiplication and
** the rounding before it. */
void bv_fold_slope(const bv_folds *s, const bv_folds *w, int64_t k, double n, double scale,
                   double *y);

#endif
