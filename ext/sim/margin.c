/* margin.c - maintenance margin; see margin.h. */
#include "sim/margin.h"

#include "sim/cost.h"

#include <math.h>

static const char *const tag = "margin call";

/* One side of an asset that can have both is a position of its own. */
typedef struct side {
  int asset, sign; /* -1: none; +1 long, -1 short */
} side;

/* Of one lot at the last price. */
static double per_lot(const bv_sim *s, const bv_asset *a, int sign) {
  if (a->maintain > 0) return a->maintain;
  double part = sign > 0 ? s->account.long_maintenance : s->account.short_maintenance;
  return fabs(a->unit * a->mark) * part;
}

double bv_margin_required(const bv_sim *s) {
  const bv_ledger *l = &s->ledger;
  double sum = 0;
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    for (int sign = 1; sign >= -1; sign -= 2)
      sum += bv_ledger_side(l, a, sign) * per_lot(s, a, sign);
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
static bv_order *order_of(bv_sim *s, side of) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (o->forced && !o->done && o->asset == of.asset && o->side == -of.sign) return o;
  }
  return NULL;
}

/* What closing `n` lots takes from the account's value. */
static double cost_of(const bv_sim *s, const bv_asset *a, double n) {
  int sign = n > 0 ? 1 : -1;
  double paid = bv_cost_price(s, a, a->mark, sign, false);
  return n * a->unit * (paid - a->mark) + bv_cost_commission(s, a, n, paid, sign, -sign);
}

/* Lots of a position that no order is under way for. */
static double left_of(bv_sim *s, side of) {
  const bv_order *o = order_of(s, of);
  double held = bv_ledger_side(&s->ledger, &s->ledger.asset[of.asset], of.sign);
  return fmax(0, held - (o ? fabs(o->n - o->filled) : 0));
}

/* The position to close next: the largest open loss among those that are not closed whole. */
static side worst(bv_sim *s) {
  bv_ledger *l = &s->ledger;
  double least = INFINITY;
  side found = {-1, 0};
  for (int i = 0; i < l->nopen; i++) {
    const bv_asset *a = &l->asset[l->open[i]];
    for (int sign = 1; sign >= -1; sign -= 2) {
      side of = {l->open[i], sign};
      double held = bv_ledger_side(l, a, sign);
      if (held == 0 || left_of(s, of) == 0) continue;
      double pnl = bv_ledger_realised(l, a, held, a->mark, (bv_pick){.side = sign});
      if (!(pnl < least)) continue;
      least = pnl;
      found = of;
    }
  }
  return found;
}

/* Close `lots` more of the position. */
static bv_rc close_lots(bv_sim *s, int64_t t, side of, double lots, bv_err *err) {
  bv_asset *a = &s->ledger.asset[of.asset];
  bv_order *under_way = order_of(s, of);
  double n = -of.sign * lots;
  if (under_way) {
    under_way->n += n;
    under_way->amount = bv_ledger_qty(&s->ledger, under_way->n);
    return BV_OK;
  }
  if (bv_queue_reserve(&s->queue, 1) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory for the order of a margin call");
  }
  bv_order o = {.ts = t,
                .asset = of.asset,
                .ask = BV_ASK_QTY,
                .amount = bv_ledger_qty(&s->ledger, n),
                .n = n,
                .mark = a->mark,
                .bar = a->bars - 1,
                .tag = tag,
                .type = BV_TYPE_MARKET,
                .side = -of.sign,
                .until = INT64_MAX,
                .pick = {.side = s->ledger.both ? of.sign : 0},
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
    double left = fmin(fabs(o->n - o->filled), bv_ledger_side(&s->ledger, a, -o->side));
    required -= left * per_lot(s, a, -o->side);
    if (left > 0) value -= cost_of(s, a, o->side * left);
  }
  side of;
  while ((required > value || value <= 0) && (of = worst(s)).asset >= 0) {
    const bv_asset *a = &s->ledger.asset[of.asset];
    double left = left_of(s, of), each = per_lot(s, a, of.sign), lots = left;
    if (value > 0 && each > 0) {
      lots = fmin(left, a->step * ceil((required - value) / each / a->step));
      double cost = cost_of(s, a, -of.sign * lots);
      lots = fmin(left, a->step * ceil((required - value + cost) / each / a->step));
    }
    BV_TRY(close_lots(s, t, of, lots, err));
    required -= lots * each;
    value -= cost_of(s, a, -of.sign * lots);
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
