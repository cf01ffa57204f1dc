/*
** request.c - what a request becomes: nothing, a waiting order with or without a bracket, or an order
** that is rejected as it begins; and what cancels and replaces waiting ones.
*/
#include "sim/sim.h"

#include "sim/bracket.h"
#include "sim/combo.h"
#include "sim/cost.h"
#include "sim/funds.h"
#include "sim/precheck.h"
#include "sim/expiry.h"
#include "sim/request.h"
#include "sim/size.h"
#include "sim/state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bv_rc check_request(const bv_sim *s, const bv_sim_request *r, bv_err *err) {
  if (r->asset < 0 || r->asset >= s->ledger.nasset) {
    return bv_fail(err, BV_ARG, "order for an unknown asset (number %d)", r->asset);
  }
  const char *key = s->ledger.asset[r->asset].key;
  if ((int)r->ask < (int)BV_ASK_WEIGHT || (int)r->ask > (int)BV_ASK_QTY) {
    return bv_fail(err, BV_ARG, "order for %s: unknown kind %d", key, (int)r->ask);
  }
  if (!isfinite(r->amount)) {
    return bv_fail(err, BV_ARG, "order for %s: the amount is not a finite number", key);
  }
  if (s->cfg.slippage_ticks != 0 && bv_cost_tick(s, &s->ledger.asset[r->asset]) == 0) {
    return bv_fail(
        err, BV_ARG,
        "order for %s: slippage.ticks needs a price step: the asset's own property tick, "
        "or knob tick",
        key);
  }
  if ((int)r->type < 0 || (int)r->type > (int)BV_TYPE_LIMIT_ON_CLOSE) {
    return bv_fail(err, BV_ARG, "order for %s: unknown type %d", key, (int)r->type);
  }
  if ((int)r->tif < 0 || (int)r->tif > (int)BV_TIF_CLS) {
    return bv_fail(err, BV_ARG, "order for %s: unknown time in force %d", key, (int)r->tif);
  }
  return BV_OK;
}

/* More than a plain market order. */
static bool rests(const bv_sim_request *r) {
  return r->type != BV_TYPE_MARKET || r->tif != BV_TIF_GTC || r->limit != 0 || r->stop != 0 ||
         r->trail != 0 || r->trail_percent != 0 || r->take_profit != 0 || r->stop_loss != 0 ||
         r->until != 0 || r->reduce_only || r->oco || r->closes || r->oto || r->combo;
}

/* The types that name a time in force, as that and the plain type. */
static const struct {
  bv_order_type type;
  bv_tif tif;
  const char *wrong;
} on[] = {
    [BV_TYPE_MARKET_ON_OPEN] = {BV_TYPE_MARKET, BV_TIF_OPG, "market_on_open takes no tif but opg"},
    [BV_TYPE_MARKET_ON_CLOSE] = {BV_TYPE_MARKET, BV_TIF_CLS,
                                 "market_on_close takes no tif but cls"},
    [BV_TYPE_LIMIT_ON_OPEN] = {BV_TYPE_LIMIT, BV_TIF_OPG, "limit_on_open takes no tif but opg"},
    [BV_TYPE_LIMIT_ON_CLOSE] = {BV_TYPE_LIMIT, BV_TIF_CLS, "limit_on_close takes no tif but cls"},
};

static bool names_tif(const bv_sim_request *r) {
  return (int)r->type >= (int)BV_TYPE_MARKET_ON_OPEN;
}

/* The names a request carries, as the simulator's copies. */
typedef struct names {
  const char *tag, *oco, *closes, *combo;
} names;

static void order_of(const bv_sim *s, int64_t t, const bv_sim_request *r, const names *k,
                     bv_order *o) {
  const bv_asset *a = &s->ledger.asset[r->asset];
  o->rests = rests(r);
  if (o->rests) {
    *o = (bv_order){.type = names_tif(r) ? on[r->type].type : r->type,
                    .tif = names_tif(r) ? on[r->type].tif : r->tif,
                    .limit = r->limit,
                    .stop = r->stop,
                    .trail = r->trail,
                    .trail_percent = r->trail_percent,
                    .until = r->tif == BV_TIF_GTD ? r->until : INT64_MAX,
                    .oco = k->oco,
                    .pick = {.tag = k->closes},
                    .rests = true,
                    .reduce_only = r->reduce_only != 0 || k->closes};
  }
  o->id = 0;
  o->ts = t;
  o->asset = r->asset;
  o->ask = r->ask;
  o->amount = r->amount;
  o->n = o->filled = o->points = o->accrued = o->charged = 0;
  o->last = 0;
  o->mark = a->mark;
  o->bar = a->bars - 1;
  o->close = o->size_at_fill = o->waiting = o->done = false;
  o->turn = BV_TURN_NONE;
  o->tag = k->tag;
}

/* An order that ends as it begins. */
bv_rc bv_request_reject(bv_sim *s, bv_order *o, const char *reason, bv_err *err) {
  bv_order_plain(o);
  o->id = bv_queue_take_id(&s->queue);
  return bv_order_finish(&s->queue, o, &s->ledger.asset[o->asset], o->ts, BV_ORDER_REJECTED, reason,
                         err);
}

/* Why a request cannot be turned into units now, or NULL. */
static const char *unsizable(const bv_sim *s, const bv_order *o) {
  bool weight = o->ask == BV_ASK_WEIGHT, value = o->ask == BV_ASK_VALUE;
  bool at_close = s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE;
  if (at_close && isnan(o->mark)) return "no price yet";
  if (s->cfg.size_at != BV_SIZE_DECISION || !(weight || value) || o->amount == 0) return NULL;
  if (isnan(o->mark)) return "no price yet";
  if (o->mark <= 0) return "the price is not positive";
  if (weight && bv_ledger_value(&s->ledger, BV_VALUE_MARK) <= 0) return "the account has no value";
  return NULL;
}

/* --- what makes no sense --- */

static bool no_price(double x) {
  return !(x > 0) || isinf(x);
}

/* A table of what each order type needs and takes, as bits. */
enum { LIMIT = 1, STOP = 2, TRAIL = 4 };
static const struct {
  int needs, takes;
  const char *missing, *extra;
} shape[] = {
    [BV_TYPE_MARKET] = {0, 0, "", "a market order has no price of its own"},
    [BV_TYPE_LIMIT] = {LIMIT, LIMIT, "a limit order needs limit_price",
                       "a limit order takes limit_price alone"},
    [BV_TYPE_STOP] = {STOP, STOP, "a stop order needs stop_price",
                      "a stop order takes stop_price alone"},
    [BV_TYPE_STOP_LIMIT] = {LIMIT | STOP, LIMIT | STOP,
                            "a stop_limit order needs stop_price and limit_price",
                            "a stop_limit order takes no trail"},
    [BV_TYPE_TRAIL] = {TRAIL, TRAIL | STOP, "a trailing stop needs trail_amount or trail_percent",
                       "a trailing stop takes no limit_price"},
    [BV_TYPE_TRAIL_LIMIT] = {TRAIL | LIMIT, TRAIL | LIMIT | STOP,
                             "a trailing_stop_limit needs a trail and limit_price", ""},
    [BV_TYPE_MIT] = {STOP, STOP, "a market_if_touched order needs stop_price",
                     "a market_if_touched order takes stop_price alone"},
    [BV_TYPE_LIT] = {LIMIT | STOP, LIMIT | STOP,
                     "a limit_if_touched order needs stop_price and limit_price",
                     "a limit_if_touched order takes no trail"},
};

const char *bv_request_bad_shape(const bv_order *o) {
  int have = (o->limit != 0 ? LIMIT : 0) | (o->stop != 0 ? STOP : 0) |
             (o->trail != 0 || o->trail_percent != 0 ? TRAIL : 0);
  if ((have & shape[o->type].needs) != shape[o->type].needs) return shape[o->type].missing;
  if (have & ~shape[o->type].takes) return shape[o->type].extra;
  if (o->limit != 0 && no_price(o->limit)) return "limit_price is not a positive number";
  if (o->stop != 0 && no_price(o->stop)) return "stop_price is not a positive number";
  if (o->trail != 0 && o->trail_percent != 0)
    return "trail_amount and trail_percent exclude each other";
  if (o->trail != 0 && no_price(o->trail)) return "trail_amount is not a positive number";
  if (o->trail_percent != 0 && (no_price(o->trail_percent) || o->trail_percent >= 100)) {
    return "trail_percent is not between 0 and 100";
  }
  return NULL;
}

static const char *const crossed_exits = "take_profit and stop_loss are crossed";

/* A bracket must lie on either side of the price its entry is meant to fill at. */
static const char *bad_bracket(const bv_order *o, double take_profit, double stop_loss) {
  if (take_profit != 0 && no_price(take_profit)) return "take_profit is not a positive number";
  if (stop_loss != 0 && no_price(stop_loss)) return "stop_loss is not a positive number";
  if (take_profit != 0 && stop_loss != 0 && o->side * (take_profit - stop_loss) <= 0) {
    return crossed_exits;
  }
  double a = o->limit != 0 ? o->limit : o->stop != 0 ? o->stop : o->mark;
  double b = o->stop != 0 ? o->stop : a;
  if (take_profit != 0 && fmin(o->side * (take_profit - a), o->side * (take_profit - b)) <= 0) {
    return "take_profit is on the wrong side of the entry";
  }
  if (stop_loss != 0 && fmin(o->side * (a - stop_loss), o->side * (b - stop_loss)) <= 0) {
    return "stop_loss is on the wrong side of the entry";
  }
  return NULL;
}

/* Why a sized order cannot stand, or NULL. */
static const char *senseless(const bv_sim *s, const bv_order *o, double take_profit,
                             double stop_loss) {
  const char *why = bv_request_bad_shape(o);
  if (why) return why;
  if (o->tif == BV_TIF_GTD && o->until == 0) return "tif gtd needs expire_at";
  bool plain = o->type == BV_TYPE_MARKET || o->type == BV_TYPE_LIMIT;
  if ((o->tif == BV_TIF_OPG || o->tif == BV_TIF_CLS) && !plain) {
    return "tif opg and cls go with market and limit orders";
  }
  if (o->until <= o->ts) return "expire_at has passed";
  bool stop = bv_rest_is_stop(o) && o->stop != 0;
  if (stop && !o->leader && s->cfg.wrong_side == BV_WRONG_REJECT &&
      o->side * (o->mark - o->stop) > 0) {
    return "the stop is on the wrong side of the last price";
  }
  return bad_bracket(o, take_profit, stop_loss);
}

/* The side is that of the lots, or of the position asked for where the fill decides on them. */
static int side_of(const bv_sim *s, const bv_order *o, double base) {
  if (!o->size_at_fill) return o->n > 0 ? 1 : -1;
  if (s->cfg.margin == BV_MARGIN_AVAILABLE) return o->amount > 0 ? 1 : -1;
  const bv_asset *a = &s->ledger.asset[o->asset];
  double value = o->ask == BV_ASK_WEIGHT ? bv_ledger_value(&s->ledger, BV_VALUE_MARK) : 0;
  double n = bv_size_target(s, a, o->ask, o->amount, base, o->mark, value);
  return n > 0 ? 1 : -1;
}

bv_order *bv_request_leader(bv_sim *s, const char *tag, int64_t combo) {
  for (size_t i = s->queue.n; i > 0; i--) {
    bv_order *o = &s->queue.order[i - 1];
    bool leg = o->rests && o->combo && (o->combo == combo || !bv_order_is_whole(o));
    if (o->done || o->parent || o->guard || leg) continue;
    if (o->tag && strcmp(o->tag, tag) == 0) return o;
  }
  return NULL;
}

/* Let an order wait, with its bracket, if it makes sense. */
static bv_rc push(bv_sim *s, bv_order *o, const bv_sim_request *r, double base, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bv_order *leader = r->oto ? bv_request_leader(s, r->oto, 0) : NULL;
  if (r->oto && !leader) return bv_request_reject(s, o, "no waiting order has the tag in oto", err);
  if (leader) {
    o->leader = leader->id;
    o->dormant = true;
  }
  if (o->rests) {
    o->side = side_of(s, o, base);
    const char *why = senseless(s, o, r->take_profit, r->stop_loss);
    if (!why && r->until != 0 && r->tif != BV_TIF_GTD) why = "expire_at needs tif gtd";
    if (names_tif(r) && r->tif != BV_TIF_GTC && r->tif != o->tif) why = on[r->type].wrong;
    if (why) return bv_request_reject(s, o, why, err);
    if (bv_rest_trails(o) && o->stop == 0 && !isnan(o->mark)) o->stop = bv_rest_trail(o, o->mark);
  }
  if (s->cfg.submit_check == BV_CHECK_CASH && !bv_precheck(s, o)) {
    return bv_request_reject(s, o, bv_no_funds, err);
  }
  if (s->ledger.both && o->rests && o->reduce_only) o->pick.side = -o->side;
  if (leader) leader->leads = true;
  bv_queue_push(&s->queue, a, *o);
  if (r->take_profit != 0 || r->stop_loss != 0) bv_bracket_push(s, r->take_profit, r->stop_loss);
  return BV_OK;
}

/* --- sizes --- */

/* Size from `base` lots at the decision, or leave that to the fill. */
static void size_order(const bv_sim *s, bv_order *o, double base) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  bool relative = o->ask == BV_ASK_WEIGHT || o->ask == BV_ASK_VALUE;
  if (relative && s->cfg.size_at != BV_SIZE_DECISION) {
    o->size_at_fill = true;
    return;
  }
  if (o->amount == 0 && bv_ask_is_target(o->ask)) {
    o->n = -base;
    return;
  }
  double value = o->ask == BV_ASK_WEIGHT ? bv_ledger_value(&s->ledger, BV_VALUE_MARK) : 0;
  o->n = bv_size_target(s, a, o->ask, o->amount, base, o->mark, value);
}

static bv_rc submit_qty(bv_sim *s, bv_order *o, const bv_sim_request *r, bv_err *err) {
  if (o->amount == 0) return BV_OK;
  s->ledger.asset[o->asset].target = NAN;
  size_order(s, o, 0);
  if (o->n == 0) return bv_request_reject(s, o, "less than one lot", err);
  const char *why = unsizable(s, o);
  if (why) return bv_request_reject(s, o, why, err);
  return push(s, o, r, 0, err);
}

/* One order for the difference between the target and what is held or on its way. */
static bv_rc submit_net(bv_sim *s, bv_order *o, const bv_sim_request *r, bool repeated,
                        bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  double base = a->n + bv_queue_pending(&s->queue, a, o->asset);
  size_order(s, o, base);
  if (o->size_at_fill ? o->amount == 0 && base == 0 : o->n == 0) {
    bool nothing = !o->size_at_fill && o->amount != 0 && base == 0;
    return nothing && !repeated ? bv_request_reject(s, o, "less than one lot", err) : BV_OK;
  }
  return push(s, o, r, base, err);
}

/* Close what is held, ahead of the queue, and enter afresh. */
static bv_rc submit_close_first(bv_sim *s, const bv_order *o, const bv_sim_request *r,
                                bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bv_order entry = *o;
  if (o->amount != 0) size_order(s, &entry, 0);
  if (o->ask == BV_ASK_TARGET && entry.n == a->n) return BV_OK;
  for (int side = 1; side >= -1; side -= 2) {
    bv_pick pick = {.side = s->ledger.both ? side : 0};
    double held = bv_ledger_picked(a, pick);
    if (held == 0 || (!s->ledger.both && side < 0)) continue;
    bv_order close = {.ts = o->ts,
                      .asset = o->asset,
                      .ask = o->ask,
                      .amount = o->amount,
                      .mark = o->mark,
                      .bar = o->bar,
                      .tag = o->tag};
    close.close = true;
    close.n = -held;
    bv_queue_push(&s->queue, a, close);
    s->queue.order[s->queue.n - 1].pick = pick;
  }
  if (o->amount == 0) return BV_OK;
  if (!entry.size_at_fill && entry.n == 0)
    return bv_request_reject(s, &entry, "less than one lot", err);
  return push(s, &entry, r, 0, err);
}

/* A weight or value on top of what is held. */
static bv_rc submit_add(bv_sim *s, bv_order *o, const bv_sim_request *r, bv_err *err) {
  size_order(s, o, 0);
  if (!o->size_at_fill && o->n == 0) return bv_request_reject(s, o, "less than one lot", err);
  return push(s, o, r, 0, err);
}

static bv_rc submit_target(bv_sim *s, bv_order *o, const bv_sim_request *r, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bool market = r->type == BV_TYPE_MARKET;
  bool repeated = market && a->target_ask == o->ask && a->target == o->amount;
  /* A bracket may have closed what the target asked for: then it is news. */
  if (o->rests) repeated &= a->n != 0 || a->nwait > 0;
  bool adds = s->cfg.flip == BV_FLIP_ADD && o->amount != 0 && o->ask != BV_ASK_TARGET;
  if (adds) repeated = false;
  if (repeated && s->cfg.rebalance == BV_REBALANCE_ON_CHANGE) return BV_OK;
  if (!adds) BV_TRY(bv_queue_replace(&s->queue, s->ledger.asset, o->asset, o->ts, err));
  a->target_ask = o->ask;
  a->target = market ? o->amount : NAN;
  const char *why = unsizable(s, o);
  if (why) {
    /* Nothing was acted on, so the same target is news again later. */
    if (s->cfg.rebalance == BV_REBALANCE_ON_CHANGE) a->target = NAN;
    return repeated ? BV_OK : bv_request_reject(s, o, why, err);
  }
  if (adds) return submit_add(s, o, r, err);
  bool net = s->cfg.flip == BV_FLIP_NET || (s->cfg.flip == BV_FLIP_ADD && o->amount != 0);
  return net ? submit_net(s, o, r, repeated, err) : submit_close_first(s, o, r, err);
}

/* Nothing is possible any more; a target that goes on being asked for is told so once. */
static bv_rc submit_refused(bv_sim *s, bv_order *o, const char *why, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bool target = bv_ask_is_target(o->ask);
  if (target && a->target_ask == o->ask && a->target == o->amount) return BV_OK;
  a->target_ask = o->ask;
  a->target = target ? o->amount : NAN;
  return bv_request_reject(s, o, why, err);
}

bv_rc bv_sim_submit(bv_sim *s, int64_t t, const bv_sim_request *req, bv_err *err) {
  assert(!s->finished);
  names k = {0};
  BV_TRY(check_request(s, req, err));
  bv_asset *a = &s->ledger.asset[req->asset];
  bv_sim_request rounded;
  if (a->def && a->def->tick > 0) {
    rounded = bv_expiry_on_tick(a, req);
    req = &rounded;
  }
  /* Everything that can fail for want of memory comes first, and matching needs none later: a
  ** request makes at most two orders and a bracket, an order opens at most one lot. */
  bv_rc rc = bv_tags_take(&s->tags, req->tag, &k.tag);
  if (rc == BV_OK && req->oco) rc = bv_tags_take(&s->tags, req->oco, &k.oco);
  if (rc == BV_OK && req->closes) rc = bv_tags_take(&s->tags, req->closes, &k.closes);
  if (rc == BV_OK && req->combo) rc = bv_tags_take(&s->tags, req->combo, &k.combo);
  if (rc == BV_OK) rc = bv_queue_reserve(&s->queue, 4);
  if (rc == BV_OK) rc = bv_ledger_reserve(a, a->nwait + 4);
  if (rc != BV_OK) return bv_fail(err, rc, "out of memory for an order of %s", a->key);
  bv_order o;
  order_of(s, t, req, &k, &o);
  const char *why = s->ruined ? "the account is ruined"
                    : a->def  ? bv_expiry_refuses(s, a, t)
                              : NULL;
  if (req->has_net_limit && !req->combo) why = "net_limit needs combo";
  if (req->combo) return bv_combo_add(s, &o, req, k.combo, why, err);
  if (why) return submit_refused(s, &o, why, err);
  return bv_ask_is_target(o.ask) ? submit_target(s, &o, req, err) : submit_qty(s, &o, req, err);
}

/* --- cancel and replace --- */

static bool matches(const bv_order *o, int asset, const char *tag) {
  if (o->done || o->guard || o->forced || o->asset != asset) return false;
  if (o->rests && o->gathers) return false;
  return strcmp(tag, "*") == 0 || (o->tag && strcmp(o->tag, tag) == 0);
}

/* A cancel or replace that found nothing; where it meant all orders, none is what it wanted. */
static bv_rc found_nothing(bv_sim *s, int64_t t, int asset, const char *tag, bv_err *err) {
  const char *kept;
  if (strcmp(tag, "*") == 0) return BV_OK;
  bv_rc rc = bv_tags_take(&s->tags, tag, &kept);
  if (rc != BV_OK) return bv_fail(err, rc, "out of memory for an order");
  bv_order o = {.ts = t, .asset = asset, .ask = BV_ASK_CANCEL, .tag = kept};
  return bv_request_reject(s, &o, "no waiting order has this tag", err);
}

bv_rc bv_sim_cancel(bv_sim *s, int64_t t, int asset, const char *tag, bv_err *err) {
  assert(!s->finished);
  bv_sim_request r = {.asset = asset};
  BV_TRY(check_request(s, &r, err));
  bv_queue *q = &s->queue;
  size_t found = 0;
  if (q->ngather > 0) BV_TRY(bv_combo_seal(s, t, err));
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (!matches(o, asset, tag)) continue;
    found++;
    BV_TRY(bv_order_finish(q, o, &s->ledger.asset[asset], t, BV_ORDER_CANCELLED, "cancelled", err));
  }
  if (found == 0) return found_nothing(s, t, asset, tag, err);
  BV_TRY(bv_queue_orphans(q, s->ledger.asset, t, err));
  bv_queue_sweep(q);
  return BV_OK;
}

static void change(double *price, double to) {
  if (to != 0) *price = to;
}

/* The order as the request would have it; false where it says nothing about it. */
static bool changed(const bv_sim *s, bv_order *o, const bv_sim_request *r) {
  bv_order before = *o;
  if (o->role == BV_ROLE_TAKE_PROFIT) change(&o->limit, r->take_profit);
  if (o->role == BV_ROLE_STOP_LOSS) change(&o->stop, r->stop_loss);
  if (o->role == BV_ROLE_NONE) {
    change(&o->limit, r->limit);
    change(&o->stop, r->stop);
    if (r->trail != 0 || r->trail_percent != 0) {
      o->trail = r->trail;
      o->trail_percent = r->trail_percent;
    }
    if (r->tif == BV_TIF_GTD) {
      o->tif = BV_TIF_GTD;
      o->until = r->until;
    }
    if (r->ask == BV_ASK_QTY && r->amount != 0) {
      o->ask = BV_ASK_QTY;
      o->amount = r->amount;
      o->size_at_fill = false;
      o->n = bv_size_step(&s->ledger.asset[o->asset], bv_size_round(r->amount / s->ledger.lot));
      o->side = r->amount > 0 ? 1 : -1;
    }
  }
  return o->limit != before.limit || o->stop != before.stop || o->trail != before.trail ||
         o->trail_percent != before.trail_percent || o->until != before.until || o->n != before.n;
}

/* Whether a waiting entry and its bracket, one of which is changed, still fit each other; or the two exits, once the
** entry has filled: then its price is no matter any more. */
static const char *bad_family(const bv_sim *s, const bv_order *o, const bv_sim_request *r) {
  const bv_queue *q = &s->queue;
  const bv_order *entry = o;
  double take_profit = r->take_profit, stop_loss = r->stop_loss;
  if (o->parent && !o->dormant && o->role != BV_ROLE_NONE) {
    if (s->cfg.wrong_side == BV_WRONG_ALLOW) return NULL;
    for (size_t i = 0; i < q->n; i++) {
      const bv_order *k = &q->order[i];
      if (k->done || k->parent != o->parent) continue;
      if (k->role == BV_ROLE_TAKE_PROFIT && take_profit == 0) take_profit = k->limit;
      if (k->role == BV_ROLE_STOP_LOSS && stop_loss == 0) stop_loss = k->stop;
    }
    bool crossed = take_profit != 0 && stop_loss != 0 && o->side * (take_profit - stop_loss) >= 0;
    return crossed ? crossed_exits : NULL;
  }
  if (!o->brackets && !o->dormant) return NULL;
  for (size_t i = 0; o->dormant && i < q->n; i++) {
    if (q->order[i].id == o->parent) entry = &q->order[i];
  }
  for (size_t i = 0; i < q->n; i++) {
    const bv_order *k = &q->order[i];
    if (k->done || k->parent != entry->id) continue;
    if (k->role == BV_ROLE_TAKE_PROFIT && take_profit == 0) take_profit = k->limit;
    if (k->role == BV_ROLE_STOP_LOSS && stop_loss == 0) stop_loss = k->stop;
  }
  return bad_bracket(entry, take_profit, stop_loss);
}

static bv_rc replace_one(bv_sim *s, int64_t t, size_t i, const bv_sim_request *r, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_asset *a = &s->ledger.asset[r->asset];
  bv_order o = q->order[i];
  if (!o.rests) {
    o.rests = true;
    o.until = INT64_MAX;
    o.side = o.n > 0 ? 1 : -1;
  }
  o.n -= o.filled; /* what is filled is the old order's */
  o.filled = o.points = 0;
  if (!changed(s, &o, r) && !r->has_net_limit) return BV_OK;
  o.ts = t;
  o.mark = a->mark;
  o.bar = a->bars - 1;
  o.waiting = false; /* the copy does not */
  o.woken = 0;
  const char *why = o.n == 0 && !o.size_at_fill && !o.dormant ? "less than one lot" : NULL;
  if (r->has_net_limit) why = "net_limit needs combo";
  if (!why) why = senseless(s, &o, 0, 0);
  if (!why) why = bad_family(s, &o, r);
  if (why) return bv_request_reject(s, &o, why, err);
  int64_t old = o.id;
  q->order[i].leads = false; /* the new one does */
  BV_TRY(bv_order_finish(q, &q->order[i], a, t, BV_ORDER_CANCELLED, "replaced", err));
  bv_queue_push(q, a, o);
  bv_queue_adopt(q, old, q->order[q->n - 1].id);
  return BV_OK;
}

bv_rc bv_sim_replace(bv_sim *s, int64_t t, const bv_sim_request *req, const char *tag,
                     bv_err *err) {
  assert(!s->finished);
  BV_TRY(check_request(s, req, err));
  bv_queue *q = &s->queue;
  bv_asset *a = &s->ledger.asset[req->asset];
  bv_sim_request rounded;
  if (a->def && a->def->tick > 0) {
    rounded = bv_expiry_on_tick(a, req);
    req = &rounded;
  }
  if (q->ngather > 0) BV_TRY(bv_combo_seal(s, t, err));
  size_t found = 0, n = q->n;
  int64_t told = 0;
  for (size_t i = 0; i < n; i++) {
    if (!matches(&q->order[i], req->asset, tag)) continue;
    found += q->order[i].rests && q->order[i].combo ? BV_COMBO_LEGS + 1 : 1;
  }
  if (found == 0) return found_nothing(s, t, req->asset, tag, err);
  bv_rc rc = bv_queue_reserve(q, found);
  if (rc == BV_OK) rc = bv_ledger_reserve(a, a->nwait + found);
  if (rc != BV_OK) return bv_fail(err, rc, "out of memory for an order of %s", a->key);
  for (size_t i = 0; i < n; i++) {
    if (!matches(&q->order[i], req->asset, tag)) continue;
    int64_t combo = q->order[i].rests ? q->order[i].combo : 0;
    if (combo && combo == told) continue; /* its whole, or another leg with the tag */
    told = combo;
    BV_TRY(combo ? bv_combo_replace(s, t, i, req, err) : replace_one(s, t, i, req, err));
  }
  bv_queue_sweep(q);
  return BV_OK;
}
