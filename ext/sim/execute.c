/*
** execute.c - what an order that has met its price does to the account.
**
** It goes through: price -> lots wanted -> short rule -> buying power -> volume -> fills -> report.
** The lots are split into a closing part, which buying power never limits, and an opening part:
**
**      position +30, order -50   ->   close -30, open -20
**
** Buying power (funds.c) is tested before anything is booked: for all that is left of the order,
** also where the bar's volume lets less of it through.
*/
#include "sim/execute.h"

#include "sim/bracket.h"
#include "sim/cost.h"
#include "sim/funds.h"
#include "sim/precheck.h"
#include "sim/risk.h"
#include "sim/size.h"
#include "sim/step.h"
#include "sim/volume.h"

#include <math.h>
#include <string.h>

static const char *const cut_short = "cut to the position: short selling is not allowed";
static const char *const cut_reduce = "cut to the position";
static const char *const not_whole = "cannot be filled whole";
const char *const bv_no_short = "short selling is not allowed";
const char *const bv_too_large = "the quantity is too large";
const char *const bv_not_positive = "the price is not positive";

/* Counts of lots are exact up to here. */
const double bv_most_lots = 9007199254740992.0;

/* --- what an order wants --- */

static double sized(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at) {
  double value = isnan(s->opening) ? bv_ledger_value(&s->ledger, at->at) : s->opening;
  if (s->cfg.margin == BV_MARGIN_EXPOSURE) {
    if (o->ask == BV_ASK_WEIGHT && value <= 0) return -a->n;
    return bv_size_target(s, a, o->ask, o->amount, a->n, at->price, value);
  }
  double gross = bv_ledger_gross(&s->ledger, at->at);
  double free_margin = fmax(0, s->cfg.leverage * value - gross);
  return bv_size_available(s, a, o->ask, o->amount, at->price, free_margin);
}

double bv_execute_size(const bv_sim *s, const bv_order *o, const bv_place *at) {
  double n = sized(s, &s->ledger.asset[o->asset], o, at);
  return n * o->side < 0 ? 0 : n;
}

bv_plan bv_execute_plan(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  bv_plan p = {.reason = ""};
  double n = o->n - o->filled;
  double held = o->reduce_only ? bv_ledger_picked(a, o->pick) : 0;
  if (o->reduce_only && fabs(n) > fabs(held)) {
    n = -held;
    p.reason = cut_reduce;
  }
  if (s->cfg.sides == BV_SIDES_BOTH) {
    p.close = o->reduce_only || o->close ? n : 0;
    p.open = n - p.close;
    return p;
  }
  if (!s->account.short_sales && a->n + n < fmin(a->n, 0)) {
    n = -fmax(a->n, 0);
    p.reason = n == 0 ? bv_no_short : cut_short;
  }
  if (a->n * n < 0) p.close = copysign(fmin(fabs(n), fabs(a->n)), n);
  p.open = n - p.close;
  return p;
}

static bv_plan plan_of(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at) {
  bv_plan p = bv_execute_plan(s, o);
  bv_funds_limit(s, a, o, at, &p);
  bool fok = o->tif == BV_TIF_FOK && s->cfg.sides != BV_SIDES_BOTH;
  if (fok && *p.reason && p.reason != bv_no_funds) p = (bv_plan){.reason = not_whole};
  return p;
}

/* Cut the plan to what the bar's volume still allows, closing first.  False: a rest waits. */
static bool cut_by_volume(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                          bv_plan *p) {
  double want = fabs(p->close + p->open), room = bv_volume_room(s, a, at->bar);
  if (want <= room) return true;
  if (o->tif == BV_TIF_FOK) {
    *p = (bv_plan){.reason = not_whole};
    return true;
  }
  double left = room * s->ledger.lot < s->cfg.volume_minimum ? 0 : room;
  p->close = copysign(fmin(fabs(p->close), left), p->close);
  p->open = copysign(fmin(fabs(p->open), left - fabs(p->close)), p->open);
  return false;
}

/* Knob fill_check.  True: what the order opens is more than the cash pays for, and nothing of it waits. */
static bool cut_by_cash(const bv_sim *s, bv_order *o, const bv_place *at, bv_plan *p) {
  bv_leg leg = {.order = o, .at = *at, .plan = *p};
  if (p->open == 0 || bv_precheck_fill(s, &leg, 1)) return false;
  if (o->tif == BV_TIF_FOK) p->close = 0;
  p->open = 0;
  p->reason = bv_no_funds;
  return true;
}

/* --- fills --- */

static bv_rc fill(bv_sim *s, bv_order *o, const bv_place *at, double n, bool opens, bv_pick pick,
                  bv_err *err) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  bv_paid paid = bv_cost_paid(s, a, o, at->ts);
  bv_cost cost = bv_cost_fill(s, a, at, n, opens, &paid);
  bv_exec x = {.asset = o->asset,
               .n = n,
               .price = cost.price,
               .commission = cost.commission,
               .slippage = fabs(n * a->unit * (cost.price - at->price)),
               .ts = at->ts,
               .bar = at->bar_number,
               .order = o->id,
               .ambiguous = o->ambiguous,
               .closes = !opens,
               .pick = pick,
               .tag = o->tag};
  o->filled += n;
  o->points += n * cost.price;
  bv_cost_booked(s, o, at, &paid);
  if (s->cfg.settlement_days > 0 && n < 0) {
    bv_settlement_add(&s->settlement, at->ts, a, (int)s->cfg.settlement_days,
                      -n * a->unit * cost.price - cost.commission);
  }
  return bv_ledger_book(&s->ledger, &x, err);
}

/* What backtesting.py closes next where a strategy closes the position: the trade entered last. */
static bv_pick pick_of(const bv_sim *s, const bv_asset *a, const bv_order *o) {
  if (!o->close || !o->waiting || s->cfg.rules != BV_RULES_BACKTESTING) return o->pick;
  size_t i = a->head + a->nlot - 1;
  while (i > a->head && o->pick.side && o->pick.side * a->lot[i].n < 0) i--;
  return (bv_pick){.order = a->lot[i].order};
}

/* One fill for the order, or one for every lot closed and one for the lot opened. */
static bv_rc fill_plan(bv_sim *s, bv_order *o, const bv_place *at, const bv_plan *p, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  o->opened += p->open;
  if (bv_funds_single_fill(s, p->close, p->open)) {
    return fill(s, o, at, p->close + p->open, p->open != 0, o->pick, err);
  }
  double left = p->close;
  while (left != 0) {
    bool lots = s->cfg.fill_per == BV_FILL_PER_LOT;
    bv_pick pick = lots ? pick_of(s, a, o) : o->pick;
    double first = lots ? fabs(bv_ledger_next(&s->ledger, a, pick)->n) : fabs(left);
    double part = copysign(fmin(fabs(left), first), left);
    BV_TRY(fill(s, o, at, part, false, pick, err));
    left -= part;
  }
  return p->open != 0 ? fill(s, o, at, p->open, true, o->pick, err) : BV_OK;
}

/* The state of an order nothing (more) of which was filled for want of size or money. */
static bv_order_state refused(const bv_sim *s, const bv_order *o) {
  bool cancelled = s->cfg.margin == BV_MARGIN_AVAILABLE || o->filled != 0;
  return cancelled ? BV_ORDER_CANCELLED : BV_ORDER_REJECTED;
}

/* An order that the price of the fill made zero lots of. */
static bv_rc finish_unsized(bv_sim *s, bv_order *o, bv_asset *a, const bv_place *at, bv_err *err) {
  bv_order_state state = refused(s, o);
  const char *reason = bv_no_funds;
  if (s->cfg.margin == BV_MARGIN_EXPOSURE) {
    bool held = a->n != 0 || o->amount == 0;
    state = held ? BV_ORDER_CANCELLED : state;
    reason = held ? "the target is held" : "less than one lot";
  }
  return bv_order_finish(&s->queue, o, a, at->ts, state, reason, err);
}

static bv_rc finish_closed(bv_sim *s, bv_order *o, bv_asset *a, const bv_place *at, bv_err *err) {
  return bv_order_finish(&s->queue, o, a, at->ts, BV_ORDER_CANCELLED, "the position is closed",
                         err);
}

/* Part of the order has filled, or nothing for want of volume: it waits for the next bar. */
static void keep_rest(const bv_sim *s, bv_order *o, const bv_asset *a) {
  o->size_at_fill = false;
  o->last = bv_bar_number(s, a) + 1;
}

/* Fill the plan; `whole`: nothing is left of the order then. */
static bv_rc carry_out(bv_sim *s, bv_order *o, const bv_place *at, const bv_plan *p, bool whole,
                       bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  if (s->cfg.volume_model != BV_VOLUME_NONE) bv_volume_take(s, a, fabs(p->close + p->open));
  BV_TRY(fill_plan(s, o, at, p, err));
  if (whole) {
    bv_order_state state = p->reason == bv_no_funds ? refused(s, o) : BV_ORDER_FILLED;
    BV_TRY(bv_order_finish(&s->queue, o, a, at->ts, state, p->reason, err));
  }
  if (s->queue.nrest > 0) {
    double n = p->close + p->open;
    BV_TRY(bv_bracket_filled(s, o, n, at->price, at->via, at->ts, err));
  }
  if (s->risk) BV_TRY(bv_risk_filled(s, o, at, err));
  if (!whole) keep_rest(s, o, a);
  return BV_OK;
}

/* A plan larger than what is there at the price: that much of it, and the rest a tick worse. */
static bv_rc carry_deep(bv_sim *s, bv_order *o, const bv_place *at, const bv_plan *p, bool whole,
                        bv_err *err) {
  double n = p->close + p->open, depth = bv_size_round(s->cfg.depth_size / s->ledger.lot);
  if (s->cfg.depth_size == 0 || at->limit != 0 || fabs(n) <= depth) {
    return carry_out(s, o, at, p, whole, err);
  }
  bv_plan first = *p, rest = *p;
  first.close = copysign(fmin(fabs(p->close), depth), p->close);
  first.open = copysign(fmin(fabs(p->open), depth - fabs(first.close)), p->open);
  rest.close -= first.close;
  rest.open -= first.open;
  BV_TRY(carry_out(s, o, at, &first, false, err));
  bv_place worse = *at;
  double tick = bv_cost_tick(s, &s->ledger.asset[o->asset]);
  worse.price = bv_step_next(at->price, copysign(tick, n));
  return carry_out(s, o, &worse, &rest, whole, err);
}

bv_rc bv_execute_whole(bv_sim *s, bv_order *o, const bv_place *at, const bv_plan *p, bv_err *err) {
  return carry_out(s, o, at, p, true, err);
}

bv_rc bv_execute(bv_sim *s, bv_order *o, const bv_place *at, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bv_queue *q = &s->queue;
  if (o->close) {
    double held = bv_ledger_picked(a, o->pick);
    bool over = held == 0 || held * o->filled > 0; /* or turned, after a part of it */
    o->n = over ? o->filled : o->filled - held;
    if (over) return finish_closed(s, o, a, at, err);
  }
  if (at->price <= 0) {
    return bv_order_finish(q, o, a, at->ts, BV_ORDER_REJECTED, bv_not_positive, err);
  }
  if (o->size_at_fill) {
    o->n = bv_execute_size(s, o, at);
    if (o->n == 0) return finish_unsized(s, o, a, at, err);
  }
  if (o->reduce_only && bv_ledger_picked(a, o->pick) * o->n >= 0) {
    return finish_closed(s, o, a, at, err);
  }
  if (!(fabs(o->n) + fabs(a->n) <= bv_most_lots)) {
    return bv_order_finish(q, o, a, at->ts, BV_ORDER_REJECTED, bv_too_large, err);
  }
  bool may_wait = !s->cfg.slippage_match || s->cfg.slippage_limit == BV_SLIP_WAIT;
  if (may_wait && at->bar && bv_cost_refuses(s, o, at)) return BV_OK;
  bv_plan p = plan_of(s, a, o, at);
  if (s->risk && p.open != 0) BV_TRY(bv_risk_cut(s, o, at, &p, err));
  bool whole = s->cfg.volume_model == BV_VOLUME_NONE || !at->bar;
  if (!whole) whole = cut_by_volume(s, a, o, at, &p);
  whole |= s->cfg.fill_check == BV_CHECK_CASH && cut_by_cash(s, o, at, &p);
  if (p.close == 0 && p.open == 0) {
    if (!whole) return BV_OK; /* no volume */
    bool refusal = p.reason == bv_no_short || strncmp(p.reason, "risk:", 5) == 0;
    bv_order_state state = refusal && o->filled == 0 ? BV_ORDER_REJECTED : refused(s, o);
    return bv_order_finish(q, o, a, at->ts, state, p.reason, err);
  }
  return carry_deep(s, o, at, &p, whole, err);
}
