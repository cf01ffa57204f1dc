/* step.h - prices on their ticks, quantities in lots, and money in whole cents. */
#ifndef BV_SIM_STEP_H
#define BV_SIM_STEP_H

#include <math.h>
#include <stdbool.h>

/* How many steps make one, as 100 of 0.01 do; 0 where that is no whole number. */
static inline double bv_step_parts(double step) {
  double each = 1 / step, parts = round(each);
  return parts >= 1 && fabs(each - parts) <= 1e-9 * parts ? parts : 0;
}

/* n steps.  To divide by 100 gives the double nearest to the decimal, to multiply by 0.01 does not. */
static inline double bv_step_times(double n, double step, double parts) {
  return parts > 0 ? n / parts : n * step;
}

/* The multiple of `step` nearest to x, halves away from zero; x itself where step is 0. */
static inline double bv_step_round(double x, double step) {
  if (!(step > 0)) return x;
  double parts = bv_step_parts(step);
  return parts > 0 ? round(x * parts) / parts : round(x / step) * step;
}

/* One step above x, or below it; on the step where x is on one. */
static inline double bv_step_next(double x, double step) {
  double next = x + step, on = bv_step_round(next, fabs(step));
  return fabs(on - next) <= 1e-6 * fabs(step) ? on : next;
}

#endif
