/* step.h - prices on their ticks, and money in whole cents. */
#ifndef BV_SIM_STEP_H
#define BV_SIM_STEP_H

#include <math.h>
#include <stdbool.h>

/* The multiple of `step` nearest to x, halves away from zero; x itself where step is 0.  A step that is a whole part
** of one, as 0.01 is, is divided by as 100 is: that gives the double nearest to the decimal. */
static inline double bv_step_round(double x, double step) {
  if (!(step > 0)) return x;
  double each = 1 / step, parts = round(each);
  bool part = parts >= 1 && fabs(each - parts) <= 1e-9 * parts;
  return part ? round(x * parts) / parts : round(x / step) * step;
}

/* One step above x, or below it; on the step where x is on one. */
static inline double bv_step_next(double x, double step) {
  double next = x + step, on = bv_step_round(next, fabs(step));
  return fabs(on - next) <= 1e-6 * fabs(step) ? on : next;
}

#endif
