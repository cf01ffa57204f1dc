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
** The values of a run stand in a line of BV_FOLD_MAX doubles: new value i at line[enter + i], and the one
** that leaves the window with it at line[i].  Passes work on whole lanes and so read up to BV_FOLD_SPARE
** elements more than there are; of results they write no more than there are.
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

/* A run of k bars in a line, and the constant that bv_fold_fit gave. */
typedef struct bv_fold {
  const double *line;
  int64_t enter, k;
  double cut;
} bv_fold;

/* Rolling sums: `sum` is the one before the run and becomes the one after it. */
void bv_fold_sums(const bv_fold *f, bv_dd *sum, double *y);

/* The same over den, rounded once (as bv_dd_div). */
void bv_fold_means(const bv_fold *f, bv_dd *sum, double den, double inv, double *y);

/* Sums weighted 1 (oldest) to n, over den: every weight sinks by one, which takes the plain sum before
** away; the new value enters with weight n. */
void bv_fold_wmeans(const bv_fold *f, bv_dd *sum, bv_dd *wsum, double n, double den, double inv,
                    double *y);

/* With W the weighted sum and S the plain one: y = (2 W - (n + 1) S) scale, exact but for the last
** multiplication and the rounding before it; and the mean. */
void bv_fold_lines(const bv_fold *f, bv_dd *sum, bv_dd *wsum, double n, double scale, double *y,
                   double *mean);

#endif
