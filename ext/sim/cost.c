/* cost.c - slippage and commission of an order at a place; see cost.h. */
#include "sim/cost.h"

#include "sim/slippage.h"
#include "time/instant.h"

#include <math.h>

/* Months of UTC, counted from the year 0. */
static int64_t month_of(int64_t ts) {
  int64_t days = ts / 86400 - (ts % 86400 < 0), year;
  int month, day;
  bv_civil_from_days(days, &year, &month, &day);
  return year * 12 + month;
}

bv_paid bv_cost_paid(const bv_sim *s, const bv_asset *a, const bv_order *o, int64_t ts) {
  bv_paid paid = {.units = fabs(o->filled) * s->ledger.lot,
                  .value = fabs(o->points) * a->unit,
                  .accrued = o->accrued,
                  .charged = o->charged};
  const bv_liquidity *q = a->liquidity;
  if (q && q->taken_bar == bv_bar_number(s, a) + 1) paid.taken = q->taken;
  if (s->cfg.commission_model != BV_COMM_TIERED) return paid;
  switch (s->cfg.commission_tier_over) {
  case BV_TIER_MONTH: paid.traded = month_of(ts) == s->traded_month ? s->traded : 0; break;
  case BV_TIER_RUN: paid.traded = s->traded; break;
  case BV_TIER_ORDER:
  default: paid.traded = s->cfg.commission_tier_by == BV_TIER_VALUE ? paid.value : paid.units;
  }
  return paid;
}

/* The price after slippage, before a limit holds it. */
static double slipped(const bv_sim *s, const bv_asset *a, const bv_place *at, double n, bool opens,
                      const bv_paid *paid) {
  bv_slip slip = {.price = at->price,
                  .side = n > 0 ? 1 : -1,
                  .units = fabs(n) * s->ledger.lot,
                  .taken = paid->taken,
                  .opens = opens,
                  .at_open = at->open,
                  .limited = at->limit != 0,
                  .tick = bv_cost_tick(s, a),
                  .bar = at->bar,
                  .liquidity = a->liquidity};
  return bv_slippage(&s->cfg, &slip);
}

bv_cost bv_cost_fill(const bv_sim *s, const bv_asset *a, const bv_place *at, double n, bool opens,
                     bv_paid *paid) {
  int side = n > 0 ? 1 : -1;
  double p = slipped(s, a, at, n, opens, paid), units = fabs(n) * s->ledger.lot;
  paid->taken += units;
  if (at->limit != 0) p = side > 0 ? fmin(p, at->limit) : fmax(p, at->limit);
  bv_fee fee = {.units = units,
                .price = p,
                .multiplier = a->multiplier,
                .side = side,
                .position_side = opens ? side : -side,
                .maker = at->maker};
  return (bv_cost){.price = p, .commission = bv_commission(&s->cfg, &fee, paid)};
}

void bv_cost_booked(bv_sim *s, bv_order *o, const bv_place *at, const bv_paid *paid) {
  o->accrued = paid->accrued;
  o->charged = paid->charged;
  bv_asset *a = &s->ledger.asset[o->asset];
  if (a->liquidity) {
    a->liquidity->taken = paid->taken;
    a->liquidity->taken_bar = bv_bar_number(s, a) + 1;
  }
  if (s->cfg.commission_model != BV_COMM_TIERED) return;
  s->traded = paid->traded;
  s->traded_month = month_of(at->ts);
}

double bv_cost_price(const bv_sim *s, const bv_asset *a, double price, int side, bool opens) {
  bv_slip slip = {.price = price, .side = side, .opens = opens, .tick = bv_cost_tick(s, a)};
  return bv_slippage(&s->cfg, &slip);
}

bool bv_cost_refuses(const bv_sim *s, const bv_order *o, const bv_place *at) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  bv_paid paid = bv_cost_paid(s, a, o, at->ts);
  double n = o->n - o->filled, p = slipped(s, a, at, n, a->n * n >= 0, &paid);
  bool beyond = at->limit != 0 && (n > 0 ? p > at->limit : p < at->limit);
  return isnan(p) || (beyond && s->cfg.slippage_limit == BV_SLIP_WAIT);
}

double bv_cost_commission(const bv_sim *s, const bv_asset *a, double n, double price, int side,
                          int position_side) {
  bv_paid none = {0};
  bv_fee fee = {.units = fabs(n) * s->ledger.lot,
                .price = price,
                .multiplier = a->multiplier,
                .side = side,
                .position_side = position_side};
  return bv_commission(&s->cfg, &fee, &none);
}

double bv_cost_per_unit(const bv_sim *s, const bv_asset *a, double price, int side) {
  double paid = bv_cost_price(s, a, price, side, true);
  double value = a->multiplier * (price + fabs(paid - price));
  return value + bv_commission_per_unit(&s->cfg, paid, a->multiplier, side);
}
