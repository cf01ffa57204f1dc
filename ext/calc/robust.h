/*
** robust.h - centre and spread that a few wild values cannot move.
*/
#ifndef BV_CALC_ROBUST_H
#define BV_CALC_ROBUST_H

#include <stdint.h>

/* Median of v[0..n), which is reordered; of an even number the mean of the two in the middle.  NaN where n is
** 0.  No value may be NaN. */
double bv_median(double *v, int64_t n);

/* Standard deviation estimated from the median distance to `centre`: 1.4826 times it, which for normal values
** is their deviation.  v is overwritten.  NaN where n is 0. */
double bv_mad_sigma(double *v, int64_t n, double centre);

#endif
