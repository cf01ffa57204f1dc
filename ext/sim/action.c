/* action.c - splits and dividends; see action.h. */
#include "sim/action.h"

#include "sim/combo.h"
#include "sim/risk.h"
#include "sim/size.h"

#include <math.h>
#include <string.h>

/* --- lots --- */

/* Scale the lots of one side; what is left of whole lots goes to *rest. */
static void split_side(bv_asset *a, int side, double ratio, bv_lot *rest) {
  size_t keep = a->head, end = a->head + a->nlot;
  *rest = (bv_lot){0};
  for (size_t i = a->head; i < end; i++) {
    bv_lot lot = a->lot[i];
    if (lot.n * side > 0) {
      double price = lot.price / ratio, n = lot.n * ratio, commission = lot.commission;
      double banked = lot.banked + rest->banked;
      if (rest->n != 0) {
        price = (n * price + rest->n * rest->price) / (n + rest->n);
        commission += rest->commission;
        n += rest->n;
      }
      double whole = bv_size_round(n), part = n - whole;
      if (part * side < 1e-9) part = 0; /* the noise of the product */
      lot.n = whole;
      lot.price = price;
      lot.commission = part != 0 ? commission * (whole / n) : commission;
      lot.banked = part != 0 ? banked * (whole / n) : banked;
      lot.hi = fmax(lot.hi / ratio, price);
      lot.lo = fmin(lot.lo / ratio, price);
      *rest = lot;
      rest->n = part;
      rest->commission = commission - lot.commission;
      rest->banked = banked - lot.banked;
    }
    if (lot.n != 0) a->lot[keep++] = lot;
  }
  a->nlot = keep - a->head;
}

/* Sell what is left of a lot, as an order and a fill; `after` lots are held then. */
static bv_rc sell_rest(bv_sim *s, bv_asset *a, int asset, const bv_lot *rest, double after,
                       int64_t t, bv_err *err) {
  double price = s->cfg.split_remainder == BV_REST_CASH ? a->mark : rest->price;
  bv_order o = {.id = bv_queue_take_id(&s->queue),
                .ts = t,
                .asset = asset,
                .ask = BV_ASK_QTY,
                .amount = bv_ledger_qty(&s->ledger, -rest->n),
                .n = -rest->n,
                .filled = -rest->n,
                .points = -rest->n * price};
  BV_TRY(bv_ledger_sell_fraction(&s->ledger, asset, rest, price, after, o.id, t, err));
  return bv_order_finish(&s->queue, &o, a, t, BV_ORDER_FILLED, "a split left a fraction", err);
}

static bv_rc split_position(bv_sim *s, int asset, double ratio, int64_t t, bv_err *err) {
  bv_asset *a = &s->ledger.asset[asset];
  bv_lot rest[2];
  bool held = a->nlot > 0;
  a->mark /= ratio;
  a->bid /= ratio;
  a->ask /= ratio;
  a->last_open /= ratio;
  a->basis /= ratio;
  if (!held) return BV_OK;
  for (int k = 0; k < 2; k++) split_side(a, k == 0 ? 1 : -1, ratio, &rest[k]);
  a->n = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) a->n += a->lot[i].n;
  if (a->nlot == 0) bv_ledger_left(&s->ledger, asset);
  for (int k = 0; k < 2; k++) {
    double after = k == 0 ? a->n + rest[1].n : a->n;
    if (rest[k].n != 0) BV_TRY(sell_rest(s, a, asset, &rest[k], after, t, err));
  }
  return BV_OK;
}

/* --- waiting orders --- */

static bv_rc split_order(bv_sim *s, bv_order *o, double ratio, int64_t t, bv_err *err) {
  if (o->combo) return bv_combo_split(s, o, ratio, t, err);
  double left = bv_size_round((o->n - o->filled) * ratio);
  o->mark /= ratio;
  o->mark_bid /= ratio;
  o->mark_ask /= ratio;
  o->limit /= ratio;
  o->stop /= ratio;
  o->trail /= ratio;
  o->from /= ratio;
  o->opened *= ratio;
  if (o->size_at_fill) return BV_OK;
  bool units = o->ask == BV_ASK_QTY || o->ask == BV_ASK_TARGET;
  if (units) o->amount *= ratio;
  /* The quantity of a bracket and of a guard is that of the position, whatever it says. */
  if (left == 0 && !o->parent && !o->guard && !o->close) {
    return bv_order_finish(&s->queue, o, &s->ledger.asset[o->asset], t, BV_ORDER_CANCELLED,
                           "a split left less than one lot", err);
  }
  if (o->filled != 0) {
    double average = o->points / o->filled / ratio;
    o->filled = bv_size_round(o->filled * ratio);
    o->points = average * o->filled;
  }
  o->n = o->filled + left;
  return BV_OK;
}

/* What is held of an asset and what waits for it. */
static bv_rc split_all(bv_sim *s, int asset, double ratio, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  BV_TRY(split_position(s, asset, ratio, t, err));
  if (s->risk) bv_risk_split(s, asset, ratio);
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->asset == asset && !o->done) BV_TRY(split_order(s, o, ratio, t, err));
  }
  return BV_OK;
}

/* --- options --- */

static bool is_whole(double ratio) {
  return ratio > 1 && ratio == floor(ratio);
}

void bv_sim_adjust(bv_instrument *option, double ratio) {
  if (is_whole(ratio)) {
    option->strike /= ratio;
    option->initial_margin /= ratio;
    option->maintenance_margin /= ratio;
  } else {
    option->delivers = (option->delivers > 0 ? option->delivers : 1) * ratio;
  }
}

static bv_rc split_option(bv_sim *s, int asset, double ratio, int64_t t, bv_err *err) {
  bv_asset *a = &s->ledger.asset[asset];
  bv_sim_adjust(a->def, ratio);
  if (!is_whole(ratio)) return BV_OK;
  bv_ledger_convert(&s->ledger, a);
  BV_TRY(split_all(s, asset, ratio, t, err));
  if (a->nlot == 0) return BV_OK;
  bv_sim_flow flow = {
      .ts = t, .asset = asset, .kind = "split", .qty = bv_ledger_qty(&s->ledger, a->n)};
  return bv_ledger_flow(&s->ledger, &flow, err);
}

static bv_rc split(bv_sim *s, int asset, double ratio, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  const bv_asset *a = &s->ledger.asset[asset];
  if (a->def && a->def->kind == BV_KIND_OPTION) {
    return bv_fail(err, BV_ARG,
                   "a split of the option %s follows from that of its underlying, which is the one "
                   "to store",
                   a->key);
  }
  if (q->ngather > 0) BV_TRY(bv_combo_seal(s, t + 1, err));
  BV_TRY(split_all(s, asset, ratio, t, err));
  for (int i = 0; s->follows && i < s->ledger.nasset; i++) {
    const bv_instrument *d = s->ledger.asset[i].def;
    bool on_it = d && d->kind == BV_KIND_OPTION && d->underlying == asset;
    bool listed = !isnan(s->ledger.asset[i].mark) && !s->ledger.asset[i].expired;
    if (on_it && listed) BV_TRY(split_option(s, i, ratio, t, err));
  }
  bv_combo_measure(s);
  BV_TRY(bv_queue_orphans(q, s->ledger.asset, t, err));
  bv_queue_sweep(q);
  return BV_OK;
}

bv_rc bv_action_apply(bv_sim *s, int64_t t, const bv_sim_action *x, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[x->asset];
  if (x->kind == BV_ACTION_SPLIT) return split(s, x->asset, x->value, t, err);
  if (a->n == 0) return BV_OK;
  bv_sim_flow flow = {.ts = t,
                      .asset = x->asset,
                      .kind = "dividend",
                      .qty = bv_ledger_qty(&s->ledger, a->n),
                      .amount = a->n * a->unit * x->value};
  return bv_ledger_flow(&s->ledger, &flow, err);
}
