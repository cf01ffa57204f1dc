/* expiry.c - instruments at work; see expiry.h. */
#include "sim/expiry.h"

#include "sim/funds.h"
#include "sim/risk.h"
#include "sim/step.h"

#include <math.h>
#include <string.h>

/* --- definitions --- */

static bv_rc check(const bv_sim *s, const bv_asset *a, const bv_instrument *d, bv_err *err) {
  const double number[] = {
      d->tick, d->lot, d->initial_margin, d->maintenance_margin, d->strike, d->settlement_price};
  static const char *const name[] = {
      "tick", "lot", "initial_margin", "maintenance_margin", "strike", "settlement_price"};
  for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
    if (number[i] >= 0 && !isinf(number[i])) continue;
    return bv_fail(err, BV_ARG, "asset %s: %s must be a positive number", a->key, name[i]);
  }
  if (d->kind == BV_KIND_OPTION && (d->right == BV_RIGHT_NONE || d->strike == 0 ||
                                    d->expiry == INT64_MAX || d->underlying < 0)) {
    return bv_fail(err, BV_ARG, "asset %s: an option needs underlying, right, strike and expiry",
                   a->key);
  }
  double steps = d->lot / s->ledger.lot, back = s->ledger.lot / d->lot;
  bool whole =
      fabs(steps - round(steps)) <= 1e-9 * steps || fabs(back - round(back)) <= 1e-9 * back;
  if (d->lot > 0 && !whole) {
    return bv_fail(err, BV_ARG, "asset %s: its lot %g and the run's lot %g do not fit each other",
                   a->key, d->lot, s->ledger.lot);
  }
  return BV_OK;
}

bv_rc bv_expiry_define(bv_sim *s, int asset, const bv_instrument *def, bv_err *err) {
  bv_ledger *l = &s->ledger;
  bv_asset *a = &l->asset[asset];
  BV_TRY(check(s, a, def, err));
  if (a->nlot > 0 || a->nwait > 0) {
    return bv_fail(err, BV_ARG, "asset %s is traded already: define it before", a->key);
  }
  bv_instrument *d = a->def ? a->def : bv_alloc0(BV_MEM_SIM, sizeof *d);
  if (!d) return bv_fail(err, BV_NOMEM, "out of memory for asset %s", a->key);
  *d = *def;
  a->def = d;
  l->ndaily += (d->kind == BV_KIND_FUTURE) - a->daily;
  a->daily = d->kind == BV_KIND_FUTURE;
  a->step = fmax(1, round(d->lot / l->lot));
  a->foreign = d->fx >= 0;
  if (d->expiry < s->next_expiry) s->next_expiry = d->expiry;
  if (d->fx >= 0 && !l->asset[d->fx].is_fx) {
    l->asset[d->fx].is_fx = true;
    l->nfx++;
  }
  s->follows |= d->fx >= 0 || d->underlying >= 0;
  bv_ledger_convert(l, a);
  return BV_OK;
}

/* --- orders --- */

const char *bv_expiry_refuses(const bv_sim *s, const bv_asset *a, int64_t t) {
  const bv_instrument *d = a->def;
  if (d->kind == BV_KIND_INDEX) return "an index cannot be traded";
  if (t >= d->expiry) return "the asset has expired";
  if (d->kind == BV_KIND_FUTURE && s->account.paid) {
    return "futures need an account that borrows money";
  }
  if (isnan(a->unit)) return "no exchange rate yet";
  return NULL;
}

static void to_tick(double *price, double tick) {
  if (*price != 0 && isfinite(*price)) *price = bv_step_round(*price, tick);
}

bv_sim_request bv_expiry_on_tick(const bv_asset *a, const bv_sim_request *r) {
  bv_sim_request x = *r;
  double *price[] = {&x.limit, &x.stop, &x.trail, &x.take_profit, &x.stop_loss};
  for (size_t i = 0; i < sizeof price / sizeof *price; i++) to_tick(price[i], a->def->tick);
  return x;
}

/* --- the end --- */

/* A fill that nobody asked for, as an order of its own. */
static bv_rc forced(bv_sim *s, int asset, double n, double price, int side, int64_t t,
                    const char *reason, bv_err *err) {
  bv_asset *a = &s->ledger.asset[asset];
  bv_order o = {.id = bv_queue_take_id(&s->queue),
                .ts = t,
                .asset = asset,
                .ask = BV_ASK_QTY,
                .amount = bv_ledger_qty(&s->ledger, n),
                .n = n,
                .filled = n,
                .points = n * price};
  bv_exec x = {.asset = asset,
               .n = n,
               .price = price,
               .ts = t,
               .bar = a->bars > 0 ? a->bars - 1 : 0,
               .order = o.id,
               .closes = side != 0,
               .pick = {.side = s->ledger.both ? side : 0}};
  BV_TRY(bv_ledger_book(&s->ledger, &x, err));
  return bv_order_finish(&s->queue, &o, a, t, BV_ORDER_FILLED, reason, err);
}

static bv_rc cancel_orders(bv_sim *s, int asset, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_asset *a = &s->ledger.asset[asset];
  for (size_t i = 0; a->nwait > 0 && i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done || o->asset != asset) continue;
    int64_t at = o->ts > t ? o->ts : t;
    BV_TRY(bv_order_finish(q, o, a, at, BV_ORDER_CANCELLED, "the asset has expired", err));
  }
  BV_TRY(bv_queue_orphans(q, s->ledger.asset, t, err));
  bv_queue_sweep(q);
  return BV_OK;
}

/* Units of the underlying for each unit of the multiplier. */
static double units_of(const bv_instrument *d) {
  return d->delivers > 0 ? d->delivers : 1;
}

/* Lots of the underlying that `n` lots of the asset deliver; NaN where they are no whole ones. */
static double delivered(const bv_asset *a, double n) {
  const bv_instrument *d = a->def;
  double lots = n * a->contract * units_of(d) * (d->right == BV_RIGHT_PUT ? -1 : 1);
  return lots == round(lots) ? lots : NAN;
}

/* Whether the account can take `n` lots of the underlying at a price. */
static bool takes(const bv_sim *s, const bv_asset *u, double n, double price, int64_t t) {
  if (isnan(n) || isnan(u->unit) || price <= 0) return false;
  if (!s->account.short_sales && u->n + n < fmin(u->n, 0)) return false;
  if (!s->account.paid || n < 0) return true;
  return n * u->unit * price <= bv_funds_free(s, t);
}

/* Deliver the underlying for `n` lots at a price. */
static bv_rc deliver(bv_sim *s, int underlying, double n, double price, int64_t t,
                     const char *reason, bv_err *err) {
  bv_asset *u = &s->ledger.asset[underlying];
  if (bv_ledger_reserve(u, u->nwait + 1) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory for the delivery of %s", u->key);
  }
  bool opens = s->ledger.both || u->n * n >= 0;
  BV_TRY(forced(s, underlying, n, price, opens ? 0 : (int)copysign(1, -n), t, reason, err));
  return s->risk ? bv_risk_delivered(s, underlying, s->queue.next_id - 1, t, err) : BV_OK;
}

/* Close `n` lots held of one side. */
static bv_rc settle(bv_sim *s, int asset, double n, int64_t t, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[asset];
  const bv_instrument *d = a->def;
  const bv_asset *u = d->underlying >= 0 ? &s->ledger.asset[d->underlying] : NULL;
  bool option = d->kind == BV_KIND_OPTION;
  double last = option && u ? u->mark : a->mark;
  double at = d->settlement_price > 0 ? d->settlement_price : last;
  double worth = at;
  const char *reason = "expired: settled in cash";
  if (option && isnan(at)) {
    worth = a->mark;
    reason = "expired: no price of the underlying, settled at the last price";
  } else if (option) {
    double all = at * units_of(d);
    worth = fmax(0, d->right == BV_RIGHT_CALL ? all - d->strike : d->strike - all);
    if (worth == 0) reason = "expired worthless";
  }
  int side = n > 0 ? 1 : -1;
  bool physical = d->delivery == BV_DELIVERY_PHYSICAL && u && worth != 0 && !isnan(at);
  if (!physical) return forced(s, asset, -n, worth, side, t, reason, err);
  double lots = delivered(a, n), price = option ? d->strike / units_of(d) : at;
  if (!takes(s, u, lots, price, t)) {
    return forced(s, asset, -n, worth, side, t,
                  "expired: settled in cash, the account cannot take delivery", err);
  }
  reason = !option ? "delivered" : n > 0 ? "exercised" : "assigned";
  BV_TRY(forced(s, asset, -n, option ? 0 : at, side, t, reason, err));
  return deliver(s, d->underlying, lots, price, t, reason, err);
}

/* The asset that expires first, of equal ones the lesser key; -1: none by t. */
static int first_by(bv_sim *s, int64_t t) {
  const bv_ledger *l = &s->ledger;
  int found = -1;
  s->next_expiry = INT64_MAX;
  for (int i = 0; i < l->nasset; i++) {
    const bv_asset *a = &l->asset[i];
    if (!a->def || a->expired || a->def->expiry == INT64_MAX) continue;
    if (a->def->expiry < s->next_expiry) s->next_expiry = a->def->expiry;
    if (a->def->expiry > t) continue;
    const bv_asset *b = found >= 0 ? &l->asset[found] : NULL;
    bool before = !b || a->def->expiry < b->def->expiry ||
                  (a->def->expiry == b->def->expiry && strcmp(a->key, b->key) < 0);
    if (before) found = i;
  }
  return found;
}

bv_rc bv_expiry_run(bv_sim *s, int64_t t, bv_err *err) {
  int asset;
  while ((asset = first_by(s, t)) >= 0) {
    bv_asset *a = &s->ledger.asset[asset];
    a->expired = true;
    BV_TRY(cancel_orders(s, asset, t, err));
    for (int side = 1; side >= -1; side -= 2) {
      double held = s->ledger.both    ? bv_ledger_picked(a, (bv_pick){.side = side})
                    : a->n * side > 0 ? a->n
                                      : 0;
      if (held != 0) BV_TRY(settle(s, asset, held, t, err));
    }
  }
  return BV_OK;
}
