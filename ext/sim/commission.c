/* commission.c - commission models; see commission.h. */
#include "sim/commission.h"

#include "sim/step.h"

#include <math.h>

/* Commission.sell_extra comes on top of every rate of a sell. */
static double extra_of(const bv_sim_config *c, int side, int position_side) {
  int by = c->commission_by == BV_COMM_BY_POSITION ? position_side : side;
  return by < 0 ? c->commission_sell_extra : 0;
}

/* --- tiers --- */

/* Rate x amount over [from, to), each stretch at the rate of the tier it lies in. */
static double marginal(const bv_tiers *t, double from, double to, double extra) {
  double sum = 0;
  for (int i = 0; i < t->n && from < to; i++) {
    bool last = i == t->n - 1;
    double end = last || t->tier[i].upto > to ? to : t->tier[i].upto;
    if (end <= from) continue;
    sum += (end - from) * (t->tier[i].rate + extra);
    from = end;
  }
  return sum;
}

/* The rate of the tier that `x` lies in; quantities and values belong to the tier they end. */
static double rate_at(const bv_tiers *t, double x, bool below) {
  int i = 0;
  while (i < t->n - 1 && (below ? x >= t->tier[i].upto : x > t->tier[i].upto)) i++;
  return t->tier[i].rate;
}

static double tiered(const bv_sim_config *c, const bv_fee *f, bv_paid *paid, double value,
                     double extra) {
  const bv_tiers *t = &c->commission_tiers;
  if (c->commission_tier_by == BV_TIER_PRICE) {
    return f->units * (rate_at(t, f->price, true) + extra);
  }
  double amount = c->commission_tier_by == BV_TIER_VALUE ? value : f->units;
  double from = paid->traded, to = from + amount;
  paid->traded = to;
  if (c->commission_tier_mode == BV_TIER_MARGINAL) return marginal(t, from, to, extra);
  return amount * (rate_at(t, to, false) + extra);
}

/* --- one fill --- */

/* What grows with the quantity. */
static double variable(const bv_sim_config *c, const bv_fee *f, bv_paid *paid, double value) {
  double extra = extra_of(c, f->side, f->position_side), rate = c->commission_rate + extra;
  switch (c->commission_model) {
  case BV_COMM_PERCENTAGE: return value * rate;
  case BV_COMM_PER_SHARE:
  case BV_COMM_PER_CONTRACT: return f->units * rate;
  case BV_COMM_COMBINED: return value * rate + f->units * c->commission_per_unit;
  case BV_COMM_MAKER_TAKER: return value * (f->maker ? c->commission_maker_rate + extra : rate);
  case BV_COMM_TIERED: return tiered(c, f, paid, value, extra);
  case BV_COMM_PER_TRADE:
  case BV_COMM_NONE:
  default: return 0;
  }
}

/* A minimum of 0 is none: it must not swallow a rebate. */
static double bounded(const bv_sim_config *c, double sum, double value) {
  if (c->commission_minimum > 0 && sum < c->commission_minimum) {
    if (!c->commission_cap_minimum) return c->commission_minimum;
    sum = c->commission_minimum;
  }
  return c->commission_cap > 0 ? fmin(sum, c->commission_cap * value) : sum;
}

double bv_commission(const bv_sim_config *c, const bv_fee *f, bv_paid *paid) {
  if (c->commission_model == BV_COMM_NONE) return 0;
  double value = f->units * fabs(f->price) * f->multiplier;
  double sum = variable(c, f, paid, value), charge;
  bool by_order =
      c->commission_per == BV_COMM_PER_ORDER || c->commission_model == BV_COMM_PER_TRADE;
  if (!by_order || paid->units == 0) sum += c->commission_fixed;
  paid->units += f->units;
  paid->value += value;
  paid->accrued += sum;
  if (by_order) {
    charge = bounded(c, paid->accrued, paid->value) - paid->charged;
  } else {
    charge = bounded(c, sum, value);
  }
  charge = bv_step_round(charge, c->commission_round);
  paid->charged += charge;
  return charge;
}

static double dearest(const bv_tiers *t) {
  double rate = t->tier[0].rate;
  for (int i = 1; i < t->n; i++) rate = fmax(rate, t->tier[i].rate);
  return rate;
}

double bv_commission_per_unit(const bv_sim_config *c, double price, double multiplier, int side) {
  double extra = extra_of(c, side, side), rate = c->commission_rate + extra;
  double value = multiplier * price;
  switch (c->commission_model) {
  case BV_COMM_PERCENTAGE: return value * rate;
  case BV_COMM_PER_SHARE:
  case BV_COMM_PER_CONTRACT: return rate;
  case BV_COMM_COMBINED: return value * rate + c->commission_per_unit;
  case BV_COMM_MAKER_TAKER:
    return value * (fmax(c->commission_rate, c->commission_maker_rate) + extra);
  case BV_COMM_TIERED: rate = dearest(&c->commission_tiers) + extra; break;
  case BV_COMM_PER_TRADE:
  case BV_COMM_NONE:
  default: return 0;
  }
  return c->commission_tier_by == BV_TIER_VALUE ? value * rate : rate;
}

/* --- what fits together --- */

enum { RATE = 1, FIXED = 2, BOUNDS = 4, MAKER = 8, PER_UNIT = 16, TIERS = 32 };

static const struct {
  int uses;
  bool fraction; /* its rate is a fraction of the value */
} models[] = {
    [BV_COMM_NONE] = {0, false},
    [BV_COMM_PERCENTAGE] = {RATE | FIXED | BOUNDS, true},
    [BV_COMM_PER_SHARE] = {RATE | FIXED | BOUNDS, false},
    [BV_COMM_PER_TRADE] = {FIXED, false},
    [BV_COMM_PER_CONTRACT] = {RATE | FIXED | BOUNDS, false},
    [BV_COMM_TIERED] = {FIXED | BOUNDS | TIERS, false},
    [BV_COMM_MAKER_TAKER] = {RATE | FIXED | BOUNDS | MAKER, true},
    [BV_COMM_COMBINED] = {RATE | FIXED | BOUNDS | PER_UNIT, true},
};

static const char *const belongs[] = {"none",         "percentage", "per_share",   "per_trade",
                                      "per_contract", "tiered",     "maker_taker", "combined"};

/* A knob that is set although the model does not read it. */
static const char *unused(const bv_sim_config *c) {
  int uses = models[c->commission_model].uses;
  if (!(uses & RATE) && c->commission_rate != 0) return "commission.rate";
  if (!(uses & (RATE | TIERS)) && c->commission_sell_extra != 0) return "commission.sell_extra";
  if (!(uses & FIXED) && c->commission_fixed != 0) return "commission.fixed";
  if (!(uses & BOUNDS) && c->commission_minimum != 0) return "commission.minimum";
  if (!(uses & BOUNDS) && c->commission_cap != 0) return "commission.cap";
  if (!(uses & MAKER) && c->commission_maker_rate != 0) return "commission.maker_rate";
  if (!(uses & PER_UNIT) && c->commission_per_unit != 0) return "commission.per_unit";
  if (!(uses & TIERS) && c->commission_tiers.n != 0) return "commission.tiers";
  return NULL;
}

static bool is_fraction(const bv_sim_config *c, double rate) {
  return fabs(rate) < 1 && fabs(rate + c->commission_sell_extra) < 1;
}

static bv_rc check_tiers(const bv_sim_config *c, bv_err *err) {
  const bv_tiers *t = &c->commission_tiers;
  if (t->n == 0) {
    return bv_fail(err, BV_ARG,
                   "commission.model is tiered but commission.tiers is not given, for example "
                   "[{\"upto\": 10000, \"rate\": 0.005}, {\"rate\": 0.003}]");
  }
  for (int i = 0; i < t->n; i++) {
    double before = i ? t->tier[i - 1].upto : 0;
    bool last = i == t->n - 1;
    if (!last && !(t->tier[i].upto > before && isfinite(t->tier[i].upto))) {
      return bv_fail(err, BV_ARG, "commission.tiers: upto must rise from tier to tier");
    }
    if (c->commission_tier_by == BV_TIER_VALUE && !is_fraction(c, t->tier[i].rate)) {
      return bv_fail(err, BV_ARG,
                     "commission.tiers: with tier_by value a rate is a fraction of the value and "
                     "must be between -1 and 1");
    }
  }
  if (isfinite(t->tier[t->n - 1].upto)) {
    return bv_fail(err, BV_ARG, "commission.tiers: the last tier has no end, so no upto");
  }
  if (c->commission_tier_by == BV_TIER_PRICE &&
      (c->commission_tier_mode != BV_TIER_WHOLE || c->commission_tier_over != BV_TIER_ORDER)) {
    return bv_fail(err, BV_ARG,
                   "commission.tier_by price needs commission.tier_mode whole and "
                   "commission.tier_over order");
  }
  return BV_OK;
}

bv_rc bv_commission_check(const bv_sim_config *c, bv_err *err) {
  const char *extra = unused(c);
  if (extra) {
    return bv_fail(err, BV_ARG,
                   "commission.model is %s, which does not use %s; name a model that does",
                   belongs[c->commission_model], extra);
  }
  if (models[c->commission_model].fraction &&
      !(is_fraction(c, c->commission_rate) && is_fraction(c, c->commission_maker_rate))) {
    return bv_fail(err, BV_ARG,
                   "commission.rate is a fraction of the value (0.001 is 0.1 %%) and must be "
                   "between -1 and 1");
  }
  return c->commission_model == BV_COMM_TIERED ? check_tiers(c, err) : BV_OK;
}
