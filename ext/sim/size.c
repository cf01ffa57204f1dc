/*
** size.c - sizing arithmetic; see size.h for the formulas.
*/
#include "sim/size.h"

#include "sim/cost.h"

#include <float.h>
#include <math.h>

double bv_size_round(double x) {
  double a = fabs(x);
  /* 1e-9 of a lot, or the noise of a few roundings where the count is so large that this is more.
   */
  return copysign(floor(a + 1e-9 + a * 8 * DBL_EPSILON), x);
}

double bv_size_step(const bv_asset *a, double n) {
  return a->step == 1 ? n : bv_size_round(n / a->step) * a->step;
}

/* Move the target so that what is bought or sold short beyond `base` leaves room for its costs. */
static double leave_room(const bv_sim *s, const bv_asset *a, double target, double base,
                         double price) {
  double held = target * base > 0 ? base : 0;
  if (fabs(target) <= fabs(held)) return target;
  double with_costs = bv_cost_per_unit(s, a, price, target > 0 ? 1 : -1);
  return held + (target - held) * (a->multiplier * price / with_costs);
}

/* What leaving `base` lots at `price` costs. */
static double closing_cost(const bv_sim *s, const bv_asset *a, double base, double price) {
  int side = base > 0 ? -1 : 1;
  double paid = bv_cost_price(s, a, price, side, false);
  return fabs(base * a->unit * (paid - price)) + bv_cost_commission(s, a, base, paid, side, -side);
}

double bv_size_target(const bv_sim *s, const bv_asset *a, bv_ask ask, double amount, double base,
                      double price, double value) {
  double target = 0;
  switch (ask) {
  case BV_ASK_WEIGHT:
    if (!s->cfg.targets_costs) {
      target = amount * value / (price * a->unit);
      break;
    }
    if (amount * base < 0) value -= closing_cost(s, a, base, price);
    target = leave_room(s, a, amount * value / (price * a->unit), base, price);
    break;
  case BV_ASK_VALUE: target = amount / (price * a->unit); break;
  case BV_ASK_TARGET: target = amount / s->ledger.lot; break;
  case BV_ASK_QTY: return bv_size_step(a, bv_size_round(amount / s->ledger.lot));
  case BV_ASK_CANCEL:
  case BV_ASK_COMBO: return 0;
  }
  bool order = s->cfg.targets_cut == BV_CUT_ORDER && ask != BV_ASK_TARGET;
  if (order) return bv_size_step(a, bv_size_round(target - base));
  return bv_size_step(a, bv_size_round(target)) - base;
}

double bv_size_lot_cost(const bv_sim *s, const bv_asset *a, double size, double price) {
  int side = size > 0 ? 1 : -1;
  double paid = bv_cost_price(s, a, price, side, true);
  double commission = bv_cost_commission(s, a, size, price, side, side);
  return paid * a->unit + commission / fabs(size);
}

/* floor(a / b) of the exact quotient, which the rounded one can exceed. */
static double floor_quotient(double a, double b) {
  double q = floor(a / b);
  return fma(q, b, -a) > 0 ? q - 1 : q;
}

double bv_size_available(const bv_sim *s, const bv_asset *a, bv_ask ask, double amount,
                         double price, double free_margin) {
  double sign = amount < 0 ? -1 : 1, n;
  if (ask == BV_ASK_VALUE) {
    n = floor_quotient(fabs(amount), bv_size_lot_cost(s, a, sign, price));
  } else {
    double w = fmin(fabs(amount), 1 - DBL_EPSILON);
    n = floor_quotient(free_margin * w, bv_size_lot_cost(s, a, sign * w, price));
  }
  return n > 0 ? sign * bv_size_step(a, n) : 0;
}
