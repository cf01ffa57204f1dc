/* slippage.c - slippage, impact and spread models; see slippage.h. */
#include "sim/slippage.h"

#include <math.h>

/* Until a window of days is known (zipline's MarketImpactBase). */
static const double unknown_impact = 10.0 / 10000;

/* A fraction of the bar's volume: all of it where it has none. */
static double share_of(double units, const bv_sim_bar *bar, double most) {
  bool none = !bar || !(bar->volume > 0);
  return none ? (units > 0 ? most : 0) : fmin(units / bar->volume, most);
}

/* Almgren, Thum, Hauptmann and Li 2005, with the exponents of LEAN's MarketImpactSlippageModel and
** without its random parts. */
static double almgren(const bv_sim_config *c, double units, double adv, double sigma) {
  double t = c->slippage_days, nu = units / (t * adv);
  double size = c->slippage_shares > 0 ? pow(c->slippage_shares / adv, 0.267) : 1;
  double permanent = sigma * t * 0.314 * pow(nu, 0.891) * size;
  return permanent / 2 + sigma * 0.142 * pow(nu, 0.6);
}

/* The impact of q units as a fraction of the price, from the days before. */
static double days_impact(const bv_sim_config *c, const bv_slip *x) {
  const bv_liquidity *q = x->liquidity;
  if (x->units == 0) return 0;
  if (!q || !(q->mean_volume > 0) || isnan(q->sigma)) return unknown_impact;
  double share = x->units / q->mean_volume;
  switch (c->slippage_model) {
  case BV_SLIP_VOLATILITY: return c->slippage_impact * q->sigma * sqrt(252) * sqrt(share) / 10000;
  case BV_SLIP_SQUARE_ROOT: return 2.0 / 3 * c->slippage_impact * q->sigma * sqrt(share);
  default: return almgren(c, x->units, q->mean_volume, q->sigma);
  }
}

/* The price after the model, before the spread knob and the bar's range. */
static double slipped(const bv_sim_config *c, const bv_slip *x) {
  double p = x->price, share;
  switch (c->slippage_model) {
  case BV_SLIP_PERCENTAGE: return p * (1 + x->side * c->slippage_rate);
  case BV_SLIP_BASIS_POINTS: return p * (1 + x->side * c->slippage_bps / 10000);
  case BV_SLIP_FIXED: return p + x->side * (c->slippage_amount + c->slippage_ticks * x->tick);
  case BV_SLIP_SPREAD: {
    bool half = c->slippage_pays == BV_PAYS_HALF;
    return p + x->side * (half ? c->slippage_amount / 2 : c->slippage_amount);
  }
  case BV_SLIP_LINEAR:
    share = share_of(x->units, x->bar, 1);
    return p * (1 + x->side * fmin(c->slippage_impact * share, 0.99));
  case BV_SLIP_VOLUME_SHARE:
    share = share_of(x->units > 0 ? x->taken + x->units : 0, x->bar, c->slippage_volume_limit);
    return p * (1 + x->side * fmin(c->slippage_impact * share * share, 0.99));
  case BV_SLIP_VOLATILITY:
  case BV_SLIP_SQUARE_ROOT:
  case BV_SLIP_ALMGREN: return p * (1 + x->side * fmin(days_impact(c, x), 0.99));
  case BV_SLIP_NONE:
  default: return p;
  }
}

double bv_slippage(const bv_sim_config *c, const bv_slip *x) {
  double p = x->price;
  if (!x->at_open || c->slippage_open) p = slipped(c, x);
  if (x->opens) p *= 1 + x->side * c->spread;
  if (p < 0.01 * x->price && x->price > 0)
    p = 0.01 * x->price; /* an amount larger than the price */
  if (!x->bar || p == x->price) return p;
  double end = x->side > 0 ? x->bar->high : x->bar->low;
  bool outside = x->side > 0 ? p > end : p < end;
  if (!outside) return p;
  if (!c->slippage_match && !x->limited) return NAN;
  if (!c->slippage_clamp && c->slippage_match) return p;
  return x->side > 0 ? fmax(end, x->price) : fmin(end, x->price);
}

bool bv_slippage_needs_days(const bv_sim_config *c) {
  return c->slippage_model == BV_SLIP_VOLATILITY || c->slippage_model == BV_SLIP_SQUARE_ROOT ||
         c->slippage_model == BV_SLIP_ALMGREN;
}

bool bv_slippage_needs_taken(const bv_sim_config *c) {
  return c->slippage_model == BV_SLIP_VOLUME_SHARE;
}

/* --- what fits together --- */

enum { RATE = 1, BPS = 2, AMOUNT = 4, TICKS = 8, IMPACT = 16, SHARES = 32 };

static const struct {
  const char *name;
  int uses;
} models[] = {
    [BV_SLIP_NONE] = {"none", 0},
    [BV_SLIP_PERCENTAGE] = {"percentage", RATE},
    [BV_SLIP_FIXED] = {"fixed", AMOUNT | TICKS},
    [BV_SLIP_SPREAD] = {"spread", AMOUNT},
    [BV_SLIP_BASIS_POINTS] = {"basis_points", BPS},
    [BV_SLIP_VOLUME_SHARE] = {"volume_share", IMPACT},
    [BV_SLIP_VOLATILITY] = {"volatility_volume_share", IMPACT},
    [BV_SLIP_SQUARE_ROOT] = {"square_root", IMPACT},
    [BV_SLIP_LINEAR] = {"linear", IMPACT},
    [BV_SLIP_ALMGREN] = {"almgren", SHARES},
};

bv_rc bv_slippage_check(const bv_sim_config *c, bv_err *err) {
  int uses = models[c->slippage_model].uses;
  const struct {
    int bit;
    double value;
    const char *name;
  } knob[] = {{RATE, c->slippage_rate, "slippage.rate"},
              {BPS, c->slippage_bps, "slippage.bps"},
              {AMOUNT, c->slippage_amount, "slippage.amount"},
              {TICKS, c->slippage_ticks, "slippage.ticks"},
              {IMPACT, c->slippage_impact, "slippage.impact"},
              {SHARES, c->slippage_shares, "slippage.shares"}};
  for (size_t i = 0; i < sizeof knob / sizeof *knob; i++) {
    if ((uses & knob[i].bit) || knob[i].value == 0) continue;
    return bv_fail(err, BV_ARG,
                   "slippage.model is %s, which does not use %s; name a model that does",
                   models[c->slippage_model].name, knob[i].name);
  }
  if ((uses & IMPACT) && c->slippage_impact == 0) {
    return bv_fail(err, BV_ARG, "slippage.model %s needs slippage.impact, its coefficient",
                   models[c->slippage_model].name);
  }
  if (c->slippage_window != floor(c->slippage_window)) {
    return bv_fail(err, BV_ARG, "slippage.window is a whole number of days");
  }
  return BV_OK;
}
