/* margin.c - maintenance margin; see margin.h. */
#include "sim/margin.h"

#include "sim/cost.h"

#include <math.h>

static const char *const tag = "margin call";

/* Of one lot at the last price. */
static double per_lot(const bv_sim *s, const bv_asset *a) {
  if (a->maintain > 0) return a->maintain;
  double part = a->n > 0 ? s->account.long_maintenance : s->account.short_maintenance;
  return fabs(a->unit * a->mark) * part;
}

double bv_margin_required(const bv_sim *s) {
  const bv_ledger *l = &s->ledger;
  double sum = 0;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    sum += fabs(a->n) * per_lot(s, a);
  }
  return sum;
}

static bv_rc report(bv_sim *s, int64_t t, const char *event, double value, double required,
                    int orders, bv_err *err) {
  if (!s->sink.margin) return BV_OK;
  bv_sim_margin m = {.id = ++s->margin.events,
                     .ts = t,
                     .event = event,
                     .value = value,
                     .required = required,
                     .orders = orders};
  return s->sink.margin(s->sink.ctx, &m, err);
}

/* --- liquidation --- */

/* The order under way for the position, or NULL. */
static bv_order *order_of(bv_sim *s, int asset) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (o->forced && !o->done && o->asset == asset) return o;
  }
  return NULL;
}

/* What closing `n` lots takes from the account's value. */
static double cost_of(const bv_sim *s, const bv_asset *a, double n) {
  int side = n > 0 ? 1 : -1;
  double paid = bv_cost_price(s, a->mark, side, false);
  return n * a->unit * (paid - a->mark) + bv_cost_commission(s, a, n, paid, side, -side);
}

/* The position to close next: the largest open loss among those that are not closed whole. */
static int worst(bv_sim *s) {
  bv_ledger *l = &s->ledger;
  double least = INFINITY;
  int found = -1;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    const bv_order *o = order_of(s, l->open[i]);
    if (o && fabs(o->n - o->filled) >= fabs(a->n)) continue;
    double pnl = bv_ledger_realised(l, a, -a->n, a->mark, (bv_pick){0});
    if (pnl < least) {
      least = pnl;
      found = l->open[i];
    }
  }
  return found;
}

/* Close `lots` more of the position. */
static bv_rc close_lots(bv_sim *s, int64_t t, int asset, double lots, bv_err *err) {
  bv_asset *a = &s->ledger.asset[asset];
  bv_order *under_way = order_of(s, asset);
  double n = copysign(lots, -a->n);
  if (under_way) {
    under_way->n += n;
    under_way->amount += n * s->ledger.lot;
    return BV_OK;
  }
  if (bv_queue_reserve(&s->queue, 1) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory for the order of a margin call");
  }
  bv_order o = {.ts = t,
                .asset = asset,
                .ask = BV_ASK_QTY,
                .amount = n * s->ledger.lot,
                .n = n,
                .mark = a->mark,
                .bar = a->bars - 1,
                .tag = tag,
                .type = BV_TYPE_MARKET,
                .side = n > 0 ? 1 : -1,
                .until = INT64_MAX,
                .rests = true,
                .reduce_only = true,
                .forced = true};
  bv_queue_push(&s->queue, a, o);
  return BV_OK;
}

/* Orders until the rest of the account is in order.  What earlier calls have under way counts as done. */
static bv_rc liquidate(bv_sim *s, int64_t t, double value, double required, int *orders,
                       bv_err *err) {
  for (size_t i = 0; i < s->queue.n; i++) {
    const bv_order *o = &s->queue.order[i];
    const bv_asset *a = &s->ledger.asset[o->asset];
    if (!o->forced || o->done) continue;
    double left = fmin(fabs(o->n - o->filled), fabs(a->n));
    required -= left * per_lot(s, a);
    if (left > 0) value -= cost_of(s, a, copysign(left, -a->n));
  }
  int asset;
  while ((required > value || value <= 0) && (asset = worst(s)) >= 0) {
    const bv_asset *a = &s->ledger.asset[asset];
    const bv_order *o = order_of(s, asset);
    double held = fabs(a->n) - (o ? fabs(o->n - o->filled) : 0), each = per_lot(s, a);
    double lots = held;
    if (value > 0 && each > 0) {
      lots = fmin(held, a->step * ceil((required - value) / each / a->step));
      double cost = cost_of(s, a, copysign(lots, -a->n));
      lots = fmin(held, a->step * ceil((required - value + cost) / each / a->step));
    }
    BV_TRY(close_lots(s, t, asset, lots, err));
    required -= lots * each;
    value -= cost_of(s, a, copysign(lots, -a->n));
    ++*orders;
  }
  return BV_OK;
}

bv_rc bv_margin_check(bv_sim *s, int64_t t, bv_err *err) {
  double required = bv_margin_required(s), value = bv_ledger_value(&s->ledger, BV_VALUE_MARK);
  bool held = s->ledger.nopen > 0;
  bool called = held && (required > value * (1 + s->cfg.margin_buffer) || value <= 0);
  bool warned = held && value - required <= s->cfg.margin_warning * value &&
                (s->cfg.margin_warning > 0 || called);
  bv_margin_stage stage = called   ? BV_MARGIN_CALLED
                          : warned ? BV_MARGIN_WARNED
                                   : BV_MARGIN_IN_ORDER;
  bv_margin_stage before = s->margin.stage;
  int orders = 0;
  s->margin.stage = stage;
  if (called && s->account.call == BV_CALL_LIQUIDATE) {
    BV_TRY(liquidate(s, t, value, required, &orders, err));
  }
  if (stage == before && orders == 0) return BV_OK;
  const char *event = called ? "call" : warned ? "warning" : "restored";
  return report(s, t, event, value, required, orders, err);
}
