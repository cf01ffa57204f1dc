/* combo.c - orders that fill together or not at all; see combo.h. */
#include "sim/combo.h"

#include "sim/cost.h"
#include "sim/funds.h"
#include "sim/match.h"
#include "sim/precheck.h"
#include "sim/quote.h"
#include "sim/request.h"
#include "sim/rest.h"
#include "sim/risk.h"
#include "sim/session.h"
#include "sim/size.h"
#include "sim/volume.h"

#include <math.h>
#include <string.h>

/* --- the parts --- */

static bv_order *whole_of(bv_sim *s, const bv_order *part) {
  for (size_t i = 0; i < s->queue.n; i++) {
    if (s->queue.order[i].id == part->combo) return &s->queue.order[i];
  }
  return NULL;
}

/* The legs, which follow the whole in the queue. */
static int legs_of(bv_sim *s, const bv_order *whole, bv_leg leg[BV_COMBO_LEGS]) {
  int n = 0;
  const bv_order *end = s->queue.order + s->queue.n;
  for (bv_order *o = s->queue.order + (whole - s->queue.order) + 1; o < end && n < whole->legs;
       o++) {
    if (o->combo == whole->id && !o->done) leg[n++] = (bv_leg){.order = o};
  }
  return n;
}

static bool awake(const bv_order *o, int64_t ts) {
  return !o->leader || (o->rouse && o->rouse <= ts);
}

static const bv_asset *asset_of(const bv_sim *s, const bv_leg *leg) {
  return &s->ledger.asset[leg->order->asset];
}

static double largest_multiplier(const bv_sim *s, const bv_leg *leg, int n) {
  double most = 0;
  for (int i = 0; i < n; i++) most = fmax(most, asset_of(s, &leg[i])->contract);
  return most;
}

/* The largest step of a leg's price, in money. */
static double largest_step(const bv_sim *s, const bv_leg *leg, int n) {
  double most = 0;
  for (int i = 0; i < n; i++) {
    const bv_asset *a = asset_of(s, &leg[i]);
    most = fmax(most, bv_cost_tick(s, a) * a->contract);
  }
  return most;
}

/* Counts of lots: whole numbers that doubles hold. */
static double common_divisor(double a, double b) {
  while (b != 0) {
    double rest = fmod(a, b);
    a = b;
    b = rest;
  }
  return a;
}

/* --- gathering --- */

static bv_order *gathering(bv_sim *s, const char *name, int64_t ts) {
  for (size_t i = s->queue.n; i > 0 && s->queue.ngather > 0; i--) {
    bv_order *o = &s->queue.order[i - 1];
    if (o->gathers && bv_order_is_whole(o) && o->name == name && o->ts == ts) return o;
  }
  return NULL;
}

static bv_order *begin(bv_sim *s, const bv_order *leg, const char *name) {
  bv_queue *q = &s->queue;
  bv_order whole = {.ts = leg->ts,
                    .asset = leg->asset,
                    .ask = BV_ASK_COMBO,
                    .mark = leg->mark,
                    .bar = leg->bar,
                    .until = INT64_MAX,
                    .rests = true,
                    .dormant = true,
                    .gathers = true,
                    .name = name,
                    .tag = name};
  bv_queue_push(q, &s->ledger.asset[leg->asset], whole);
  bv_order *o = &q->order[q->n - 1];
  o->combo = o->id;
  q->ncombo++;
  q->ngather++;
  return o;
}

static void blame(bv_order *whole, const char *why) {
  if (!whole->flaw) whole->flaw = why;
}

/* What a leg says about the whole. */
static void add_terms(bv_sim *s, bv_order *whole, const bv_order *leg, const bv_sim_request *r) {
  bool other = r->take_profit != 0 || r->stop_loss != 0 || r->oco || r->closes || r->reduce_only;
  if (other) blame(whole, "a combo takes no bracket, oco, closes or reduce_only");
  if (r->tif == BV_TIF_OPG || r->tif == BV_TIF_CLS) blame(whole, "a combo takes no tif opg or cls");
  if (r->until != 0 && r->tif != BV_TIF_GTD) blame(whole, "expire_at needs tif gtd");
  if (r->tif == BV_TIF_GTD && r->until == 0) blame(whole, "tif gtd needs expire_at");
  if (r->tif == BV_TIF_GTD && r->until <= leg->ts) blame(whole, "expire_at has passed");
  if (r->tif != BV_TIF_GTC) {
    int64_t until = r->tif == BV_TIF_GTD ? r->until : INT64_MAX;
    bool same = whole->tif == r->tif && whole->until == until;
    if (whole->tif != BV_TIF_GTC && !same) blame(whole, "the legs of the combo differ in tif");
    whole->tif = r->tif;
    whole->until = until;
  }
  if (r->has_net_limit) {
    if (!isfinite(r->net_limit)) blame(whole, "net_limit is not a finite number");
    if (whole->nets && whole->net != r->net_limit) {
      blame(whole, "the legs of the combo differ in net_limit");
    }
    whole->nets = true;
    whole->net = r->net_limit;
  }
  if (leg->tag && whole->tag == whole->name) whole->tag = leg->tag;
  if (!r->oto || whole->leader) return;
  bv_order *leader = bv_request_leader(s, r->oto, whole->id);
  if (!leader) {
    blame(whole, "no waiting order has the tag in oto");
    return;
  }
  leader->leads = true;
  whole->leader = leader->id;
}

static const char *bad_leg(bv_sim *s, const bv_order *whole, const bv_order *leg,
                           const char *refusal) {
  const bv_asset *a = &s->ledger.asset[leg->asset];
  bv_leg legs[BV_COMBO_LEGS];
  double lots = leg->amount / s->ledger.lot;
  if (refusal) return refusal;
  if (leg->ask != BV_ASK_QTY) return "the legs of a combo are given by qty";
  if (!(fabs(lots) + fabs(a->n) <= bv_most_lots)) return bv_too_large;
  if (leg->type != BV_TYPE_MARKET && leg->type != BV_TYPE_LIMIT) {
    return "the legs of a combo are market or limit orders";
  }
  if (fabs(lots - leg->n) > 1e-6) return "a leg is not a whole number of lots";
  if (whole->legs == BV_COMBO_LEGS) return "a combo has at most 16 legs";
  int n = legs_of(s, whole, legs);
  for (int i = 0; i < n; i++) {
    if (legs[i].order->asset == leg->asset) return "two legs of the combo are of one asset";
  }
  return bv_request_bad_shape(leg);
}

bv_rc bv_combo_add(bv_sim *s, bv_order *leg, const bv_sim_request *r, const char *name,
                   const char *refusal, bv_err *err) {
  bv_asset *a = &s->ledger.asset[leg->asset];
  if (leg->ask == BV_ASK_QTY && leg->amount == 0) return BV_OK;
  bv_order *whole = gathering(s, name, leg->ts);
  if (!whole) whole = begin(s, leg, name);
  if (!bv_ask_is_target(leg->ask))
    leg->n = bv_size_target(s, a, leg->ask, leg->amount, 0, leg->mark, 0);
  leg->side = leg->n > 0 ? 1 : -1;
  leg->dormant = leg->gathers = true;
  leg->combo = whole->id;
  leg->name = name;
  leg->oco = NULL;
  leg->pick = (bv_pick){0};
  leg->reduce_only = false;
  add_terms(s, whole, leg, r);
  const char *why = bad_leg(s, whole, leg, refusal);
  if (why) blame(whole, why);
  if (!leg->tag) leg->tag = name;
  a->target = NAN;
  if (whole->legs == BV_COMBO_LEGS) {
    leg->combo = 0;
    return bv_request_reject(s, leg, whole->flaw, err);
  }
  whole->legs++;
  bv_queue_push(&s->queue, a, *leg);
  return BV_OK;
}

/* The units of the whole, and what its net limit means in money. */
static void measure(const bv_sim *s, bv_order *whole, const bv_leg *leg, int n) {
  double units = 0;
  for (int i = 0; i < n; i++) units = common_divisor(fabs(leg[i].order->n), units);
  whole->amount = bv_ledger_qty(&s->ledger, units);
  whole->bound = whole->net * whole->amount * largest_multiplier(s, leg, n);
}

static const char *bad_whole(bv_sim *s, const bv_order *whole, const bv_leg *leg, int n) {
  if (n < 2) return "a combo needs two legs";
  for (int i = 1; i < n && whole->nets; i++) {
    const bv_instrument *a = asset_of(s, &leg[0])->def, *b = asset_of(s, &leg[i])->def;
    if ((a ? a->fx : -1) != (b ? b->fx : -1)) return "the legs of a net_limit are in one currency";
  }
  bool there = true;
  for (int i = 0; i < n && s->cfg.submit_check == BV_CHECK_CASH; i++) {
    there = bv_precheck(s, leg[i].order);
  }
  return there ? NULL : bv_no_funds;
}

static bv_rc seal(bv_sim *s, bv_order *whole, bv_err *err) {
  bv_leg leg[BV_COMBO_LEGS];
  int n = legs_of(s, whole, leg);
  measure(s, whole, leg, n);
  const char *why = whole->flaw ? whole->flaw : bad_whole(s, whole, leg, n);
  for (int i = 0; i < n; i++) {
    leg[i].order->gathers = false;
    leg[i].order->tif = whole->tif;
    leg[i].order->until = whole->until;
    leg[i].order->leader = whole->leader;
    leg[i].order->rouse = whole->rouse;
  }
  s->queue.ngather--;
  whole->gathers = false;
  if (!why) return BV_OK;
  return bv_order_finish(&s->queue, whole, &s->ledger.asset[whole->asset], whole->ts,
                         BV_ORDER_REJECTED, why, err);
}

bv_rc bv_combo_seal(bv_sim *s, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done || !o->gathers || !bv_order_is_whole(o) || o->ts >= t) continue;
    BV_TRY(seal(s, o, err));
    BV_TRY(bv_queue_orphans(q, s->ledger.asset, o->ts, err));
  }
  bv_queue_sweep(q);
  return BV_OK;
}

/* --- time --- */

/* The first bar of a leg. */
static const bv_asset *seen_first(bv_sim *s, const bv_order *whole) {
  bv_leg leg[BV_COMBO_LEGS];
  int n = legs_of(s, whole, leg);
  for (int i = 0; i < n; i++) {
    const bv_asset *a = asset_of(s, &leg[i]);
    if (!a->bar || a->bar->ts < whole->ts) continue;
    if (!isnan(bv_bar_of(s, leg[i].order)->open)) return a;
  }
  return NULL;
}

bv_rc bv_combo_begin(bv_sim *s, int64_t ts, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done || o->legs == 0 || !awake(o, ts)) continue;
    if (o->until <= ts) {
      int64_t at = o->until > o->ts ? o->until : o->ts;
      BV_TRY(bv_order_finish(q, o, &s->ledger.asset[o->asset], at, BV_ORDER_EXPIRED,
                             "its time is over", err));
      continue;
    }
    const bv_asset *first = o->tif == BV_TIF_DAY && !o->seen ? seen_first(s, o) : NULL;
    if (!first) continue;
    o->seen = true;
    o->until = bv_session_end(first, first->bar->ts);
  }
  return bv_queue_orphans(q, s->ledger.asset, ts, err);
}

/* --- prices --- */

static bv_place place_at(const bv_sim *s, const bv_leg *leg, bool closing) {
  const bv_asset *a = asset_of(s, leg);
  const bv_sim_bar *bar = bv_bar_of(s, leg->order);
  bool available = s->cfg.margin == BV_MARGIN_AVAILABLE;
  return (bv_place){.price = closing ? bar->close : bar->open,
                    .limit = leg->order->limit,
                    .open = !closing,
                    .ts = closing ? bar->known_at : bar->ts,
                    .bar_number = bv_bar_number(s, a),
                    .bar = bar,
                    .at = closing     ? BV_VALUE_MARK
                          : available ? BV_VALUE_CLOSE
                                      : BV_VALUE_OPEN,
                    .via = closing ? BV_VIA_UNKNOWN : BV_VIA_OPEN};
}

/* The legs with their places, where all have a price now; 0 where one has none. */
static int place_legs(bv_sim *s, const bv_order *whole, bool closing, bv_leg leg[BV_COMBO_LEGS]) {
  int n = whole->leader && !whole->rouse ? 0 : legs_of(s, whole, leg);
  int64_t from = whole->rouse > whole->ts ? whole->rouse : whole->ts;
  for (int i = 0; i < n; i++) {
    const bv_asset *a = asset_of(s, &leg[i]);
    if (!a->bar || a->bar->ts < from) return 0;
    leg[i].at = place_at(s, &leg[i], closing);
    if (isnan(leg[i].at.price)) return 0;
    leg[i].plan = bv_execute_plan(s, leg[i].order);
  }
  return n;
}

static bool has_limit(const bv_sim *s, const bv_leg *leg) {
  return leg->order->limit == 0 ||
         bv_rest_reaches(&s->cfg, bv_cost_tick(s, asset_of(s, leg)), leg->order, leg->at.price);
}

static bool has_volume(const bv_sim *s, const bv_leg *leg) {
  if (s->cfg.volume_model == BV_VOLUME_NONE) return true;
  return fabs(leg->order->n) <= bv_volume_room(s, asset_of(s, leg), leg->at.bar);
}

static bool slips_too_far(const bv_sim *s, const bv_leg *leg) {
  bool may_wait = !s->cfg.slippage_match || s->cfg.slippage_limit == BV_SLIP_WAIT;
  return may_wait && bv_cost_refuses(s, leg->order, &leg->at);
}

/* What a leg takes of money, in its own currency, without commission. */
static double leg_takes(const bv_sim *s, const bv_leg *leg) {
  const bv_asset *a = asset_of(s, leg);
  bool single = bv_funds_single_fill(s, leg->plan.close, leg->plan.open);
  double part[2] = {single ? leg->plan.close + leg->plan.open : leg->plan.close,
                    single ? 0 : leg->plan.open};
  bv_paid paid = bv_cost_paid(s, a, leg->order, leg->at.ts);
  double sum = 0;
  for (int k = 0; k < 2; k++) {
    bool opens = k == 1 || (single && leg->plan.open != 0);
    if (part[k] == 0) continue;
    bv_cost cost = bv_cost_fill(s, a, &leg->at, part[k], opens, &paid);
    sum += part[k] * s->ledger.lot * a->contract * cost.price;
  }
  return sum;
}

static bool within_net(const bv_sim *s, const bv_order *whole, const bv_leg *leg, int n) {
  double sum = 0, sizes = 0;
  if (!whole->nets) return true;
  for (int i = 0; i < n; i++) {
    double takes = leg_takes(s, &leg[i]);
    sum += takes;
    sizes += fabs(takes);
  }
  double slack = 1e-12 * sizes, step = whole->amount * largest_step(s, leg, n);
  if (s->cfg.limit_fill == BV_TOUCH) return sum <= whole->bound + slack;
  return sum < whole->bound - slack && sum <= whole->bound - step * (1 - 1e-6);
}

static bool can_fill(const bv_sim *s, const bv_order *whole, const bv_leg *leg, int n) {
  for (int i = 0; i < n; i++) {
    if (!has_limit(s, &leg[i]) || !has_volume(s, &leg[i]) || slips_too_far(s, &leg[i]))
      return false;
  }
  return within_net(s, whole, leg, n);
}

/* --- fills --- */

static bv_turn turn_of(bv_sim *s, const bv_order *whole, bool closing) {
  bv_leg leg[BV_COMBO_LEGS];
  int n = place_legs(s, whole, closing, leg);
  bool reduces = s->cfg.priority != BV_PRIORITY_QUEUE;
  bool later = !closing && s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE;
  if (n == 0) return BV_TURN_NONE;
  for (int i = 0; i < n; i++) reduces &= leg[i].plan.open == 0;
  if (later) return reduces ? BV_TURN_LATER_FIRST : BV_TURN_LATER_SECOND;
  return reduces ? BV_TURN_FIRST : BV_TURN_SECOND;
}

void bv_combo_turns(bv_sim *s, bool closing) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (o->legs > 0 && !o->done) o->turn = turn_of(s, o, closing);
  }
}

static bv_rc refuse(bv_sim *s, bv_order *whole, int64_t ts, const char *why, bv_err *err) {
  bool cancelled = why == bv_no_funds && s->cfg.margin == BV_MARGIN_AVAILABLE;
  return bv_order_finish(&s->queue, whole, &s->ledger.asset[whole->asset], ts,
                         cancelled ? BV_ORDER_CANCELLED : BV_ORDER_REJECTED, why, err);
}

/* Why the legs can never be filled here; NULL: they can. */
static const char *impossible(const bv_leg *leg, int n) {
  for (int i = 0; i < n; i++) {
    if (leg[i].at.price <= 0) return bv_not_positive;
    if (*leg[i].plan.reason) return bv_no_short;
  }
  return NULL;
}

/* Why the account or its rules do not take the legs; NULL: they do. */
static bv_rc judge(bv_sim *s, bv_leg *leg, int n, const char **why, bv_err *err) {
  bv_rc rc = BV_OK;
  *why = NULL;
  bool checks = s->cfg.fill_check == BV_CHECK_CASH;
  if (!bv_funds_carry(s, leg, n) || (checks && !bv_precheck_fill(s, leg, n))) *why = bv_no_funds;
  s->trial = leg;
  for (int i = 0; i < n && !*why && s->risk && rc == BV_OK; i++) {
    double open = leg[i].plan.open;
    s->ntrial = i;
    if (open != 0) rc = bv_risk_cut(s, leg[i].order, &leg[i].at, &leg[i].plan, err);
    if (leg[i].plan.open != open) *why = leg[i].plan.reason;
  }
  s->trial = NULL;
  s->ntrial = 0;
  return rc;
}

bv_rc bv_combo_try(bv_sim *s, bv_order *whole, bool closing, bv_err *err) {
  bv_leg leg[BV_COMBO_LEGS];
  int n = place_legs(s, whole, closing, leg);
  const char *why = impossible(leg, n);
  if (why) return refuse(s, whole, leg[0].at.ts, why, err);
  if (n == 0 || !can_fill(s, whole, leg, n)) return BV_OK;
  BV_TRY(judge(s, leg, n, &why, err));
  if (why) return refuse(s, whole, leg[0].at.ts, why, err);
  double sum = 0, scale = whole->amount * largest_multiplier(s, leg, n);
  for (int buys = 0; buys <= 1; buys++) {
    for (int i = 0; i < n; i++) {
      if ((leg[i].order->n > 0) != (buys == 1)) continue;
      BV_TRY(bv_execute_whole(s, leg[i].order, &leg[i].at, &leg[i].plan, err));
      sum += leg[i].order->points * s->ledger.lot * asset_of(s, &leg[i])->contract;
    }
  }
  whole->filled = 1;
  whole->worth = sum / scale;
  return bv_order_finish(&s->queue, whole, &s->ledger.asset[whole->asset], leg[0].at.ts,
                         BV_ORDER_FILLED, "", err);
}

bv_rc bv_combo_over(bv_sim *s, int64_t ts, bool closing, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_leg leg[BV_COMBO_LEGS];
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    bool once = o->legs > 0 && (o->tif == BV_TIF_IOC || o->tif == BV_TIF_FOK);
    if (o->done || !once || place_legs(s, o, closing, leg) == 0) continue;
    BV_TRY(bv_order_finish(q, o, &s->ledger.asset[o->asset], ts, BV_ORDER_CANCELLED,
                           "not filled at the open", err));
  }
  return bv_queue_orphans(q, s->ledger.asset, ts, err);
}

/* --- changes --- */

bv_rc bv_combo_split(bv_sim *s, bv_order *leg, double ratio, int64_t t, bv_err *err) {
  if (bv_order_is_whole(leg)) return BV_OK;
  double n = bv_size_round(leg->n * ratio);
  leg->limit /= ratio;
  leg->mark /= ratio;
  leg->mark_bid /= ratio;
  leg->mark_ask /= ratio;
  leg->amount *= ratio;
  if (n != 0 && fabs(leg->n * ratio - n) <= 1e-6) {
    leg->n = n;
    return BV_OK;
  }
  return bv_order_finish(&s->queue, leg, &s->ledger.asset[leg->asset], t, BV_ORDER_CANCELLED,
                         "a split left a fraction of a leg", err);
}

void bv_combo_measure(bv_sim *s) {
  bv_leg leg[BV_COMBO_LEGS];
  for (size_t i = 0; s->queue.ncombo > 0 && i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (o->done || o->gathers || !bv_order_is_whole(o)) continue;
    int n = legs_of(s, o, leg);
    double bound = o->bound;
    if (n < o->legs) continue; /* it will be cancelled with the leg that is missing */
    measure(s, o, leg, n);
    if (o->bound == bound) continue;
    o->net *= bound / o->bound;
    o->bound = bound;
  }
}

/* What the request makes of a leg: its own limit, and its share of a new quantity. */
static const char *change_leg(const bv_sim *s, bv_order *o, const bv_sim_request *r, double scale) {
  double n = bv_size_round(o->n * scale);
  if (fabs(o->n * scale - n) > 1e-6 || n == 0) return "a leg is not a whole number of lots";
  if (!(fabs(n) <= bv_most_lots)) return bv_too_large;
  o->n = n;
  o->amount = bv_ledger_qty(&s->ledger, n);
  if (o->asset == r->asset && r->limit != 0) {
    if (o->type != BV_TYPE_LIMIT) return "this leg of the combo is a market order";
    o->limit = r->limit;
  }
  return bv_request_bad_shape(o);
}

static const char *change_all(const bv_sim *s, bv_order *whole, bv_order *leg, int n,
                              const bv_sim_request *r) {
  double scale = 1;
  bool other = r->stop != 0 || r->trail != 0 || r->trail_percent != 0 || r->take_profit != 0 ||
               r->stop_loss != 0;
  if (other) return "replace gives a combo qty, limit_price, net_limit or expire_at";
  for (int i = 0; i < n && r->ask == BV_ASK_QTY && r->amount != 0; i++) {
    if (leg[i].asset == r->asset) scale = r->amount / s->ledger.lot / leg[i].n;
  }
  if (!(scale > 0)) return "replace cannot turn a combo around";
  for (int i = 0; i < n; i++) {
    const char *why = change_leg(s, &leg[i], r, scale);
    if (why) return why;
  }
  if (r->has_net_limit && !isfinite(r->net_limit)) return "net_limit is not a finite number";
  if (r->has_net_limit) {
    whole->nets = true;
    whole->net = r->net_limit;
  }
  if (r->tif == BV_TIF_GTD) {
    whole->tif = BV_TIF_GTD;
    whole->until = r->until;
  }
  return whole->until <= whole->ts ? "expire_at has passed" : NULL;
}

/* Whether the copies differ from what waits. */
static bool differs(const bv_order *was, const bv_order *is, const bv_leg *leg, const bv_order *to,
                    int n) {
  bool other = was->nets != is->nets || was->net != is->net || was->until != is->until;
  for (int i = 0; i < n; i++) {
    other |= leg[i].order->n != to[i].n || leg[i].order->limit != to[i].limit;
  }
  return other;
}

bv_rc bv_combo_replace(bv_sim *s, int64_t t, size_t i, const bv_sim_request *r, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_order *whole = whole_of(s, &q->order[i]), to[BV_COMBO_LEGS];
  bv_leg leg[BV_COMBO_LEGS];
  int n = legs_of(s, whole, leg);
  bv_order next = *whole;
  next.ts = t;
  for (int k = 0; k < n; k++) {
    to[k] = *leg[k].order;
    to[k].ts = t;
    to[k].waiting = false;
    to[k].mark = asset_of(s, &leg[k])->mark;
    to[k].bar = asset_of(s, &leg[k])->bars - 1;
  }
  const char *why = change_all(s, &next, to, n, r);
  if (why) {
    bv_order refused = q->order[i];
    for (int k = 0; k < n; k++) {
      if (to[k].asset == r->asset) refused = *leg[k].order;
    }
    refused.combo = 0;
    refused.ts = t;
    refused.leads = refused.waiting = false;
    return bv_request_reject(s, &refused, why, err);
  }
  if (!differs(whole, &next, leg, to, n)) return BV_OK;
  int64_t old = whole->id;
  whole->leads = false; /* the new one does */
  BV_TRY(bv_order_finish(q, whole, &s->ledger.asset[whole->asset], t, BV_ORDER_CANCELLED,
                         "replaced", err));
  next.waiting = false;
  bv_queue_push(q, &s->ledger.asset[next.asset], next);
  bv_order *now = &q->order[q->n - 1];
  now->combo = now->id;
  q->ncombo++;
  for (int k = 0; k < n; k++) {
    to[k].combo = now->id;
    to[k].tif = now->tif;
    to[k].until = now->until;
    bv_queue_push(q, &s->ledger.asset[to[k].asset], to[k]);
    leg[k].order = &q->order[q->n - 1];
  }
  measure(s, now, leg, n);
  bv_queue_adopt(q, old, now->id);
  return BV_OK;
}
