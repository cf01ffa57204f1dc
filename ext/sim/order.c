/*
** order.c - the queue of waiting orders.
**
** One array in order of submission; it is short (orders of this instant, those that rest, and those
** whose asset has no bar yet), so finding an asset's orders is a walk, made only where its `nwait` says
** there are any.  Orders finish in place and are swept out afterwards, so a walk is never disturbed.
*/
#include "sim/order.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

void bv_queue_init(bv_queue *q, const bv_sim_sink *sink, double lot) {
  memset(q, 0, sizeof *q);
  q->sink = sink;
  q->lot = lot;
  q->per_unit = bv_step_parts(lot);
  q->next_id = 1;
}

void bv_queue_reset(bv_queue *q) {
  bv_free(q->order);
  memset(q, 0, sizeof *q);
}

bv_rc bv_queue_reserve(bv_queue *q, size_t more) {
  if (q->n + more <= q->cap) return BV_OK;
  size_t cap = (q->n + more) * 2;
  bv_order *order = bv_realloc(BV_MEM_SIM, q->order, cap * sizeof *order);
  if (!order) return BV_NOMEM;
  q->order = order;
  q->cap = cap;
  return BV_OK;
}

int64_t bv_queue_take_id(bv_queue *q) {
  return q->next_id++;
}

void bv_queue_push(bv_queue *q, bv_asset *a, bv_order o) {
  o.mark_bid = a->bid;
  o.mark_ask = a->ask;
  assert(q->n < q->cap);
  o.id = bv_queue_take_id(q);
  o.waiting = true;
  q->order[q->n] = o;
  bv_order_plain(&q->order[q->n++]);
  a->nwait++;
  q->nrest += o.rests;
  q->nclose += o.rests && o.tif == BV_TIF_CLS;
}

void bv_queue_adopt(bv_queue *q, int64_t from, int64_t to) {
  for (size_t i = 0; i < q->n; i++) {
    if (q->order[i].leader == from) q->order[i].leader = to;
    if (q->order[i].parent == from) q->order[i].parent = to;
  }
}

void bv_order_plain(bv_order *o) {
  size_t second = offsetof(bv_order, type);
  if (!o->rests) memset((char *)o + second, 0, sizeof *o - second);
}

static double given(double price) {
  return price == 0 ? NAN : price;
}

/* The type by the name that goes with the time in force. */
static bv_order_type type_of(const bv_order *o) {
  bool market = o->type == BV_TYPE_MARKET;
  if (o->tif == BV_TIF_OPG) return market ? BV_TYPE_MARKET_ON_OPEN : BV_TYPE_LIMIT_ON_OPEN;
  if (o->tif == BV_TIF_CLS) return market ? BV_TYPE_MARKET_ON_CLOSE : BV_TYPE_LIMIT_ON_CLOSE;
  return o->type;
}

bool bv_order_is_whole(const bv_order *o) {
  return o->combo && o->combo == o->id;
}

/* One that stands for several: what is counted is units of the whole. */
static bv_sim_order report_whole(const bv_order *o) {
  bool filled = o->filled != 0;
  return (bv_sim_order){.id = o->id,
                        .ts = o->ts,
                        .asset = o->asset,
                        .ask = o->ask,
                        .amount = o->amount,
                        .qty = o->amount,
                        .filled = filled ? o->amount : 0,
                        .avg_price = filled ? o->worth : NAN,
                        .type = o->nets ? BV_TYPE_LIMIT : BV_TYPE_MARKET,
                        .tif = o->tif,
                        .limit = o->nets ? o->net : NAN,
                        .stop = NAN,
                        .trail = NAN,
                        .trail_percent = NAN,
                        .tag = o->tag};
}

bv_sim_order bv_order_report(const bv_queue *q, const bv_order *o) {
  if (o->rests && bv_order_is_whole(o)) return report_whole(o);
  return (bv_sim_order){.id = o->id,
                        .ts = o->ts,
                        .asset = o->asset,
                        .ask = o->ask,
                        .amount = o->amount,
                        .qty = bv_step_times(o->n, q->lot, q->per_unit),
                        .filled = bv_step_times(o->filled, q->lot, q->per_unit),
                        .avg_price = o->filled != 0 ? o->points / o->filled : NAN,
                        .type = type_of(o),
                        .tif = o->tif,
                        .limit = given(o->limit),
                        .stop = given(o->stop),
                        .trail = given(o->trail),
                        .trail_percent = given(o->trail_percent),
                        .parent = o->combo ? o->combo : o->parent,
                        .tag = o->tag};
}

/* Those that sleep until `o` has filled wake with the next bar, or will be cancelled. */
static void lead(bv_queue *q, const bv_order *o, const bv_asset *a, int64_t ts, bool filled) {
  for (size_t i = 0; i < q->n; i++) {
    bv_order *k = &q->order[i];
    if (k->done || k->leader != o->id) continue;
    if (filled) k->rouse = a->bar && a->bar->known_at > ts ? a->bar->known_at : ts;
    if (!filled) k->leader = -1;
    if (!filled && !q->orphans) q->orphans = "";
  }
}

static bv_rc finish_one(bv_queue *q, bv_order *o, bv_asset *a, int64_t ts, bv_order_state state,
                        const char *reason, bv_err *err) {
  assert(!o->done);
  o->done = true;
  if (o->waiting && o->combo) {
    q->ncombo -= bv_order_is_whole(o);
    q->ngather -= bv_order_is_whole(o) && o->gathers;
  }
  if (o->waiting) a->nwait--;
  if (o->waiting) q->nrest -= o->rests;
  if (o->waiting) q->nclose -= o->rests && o->tif == BV_TIF_CLS;
  if (o->leads) lead(q, o, a, ts, state == BV_ORDER_FILLED);
  if (o->brackets && o->opened == 0) q->orphans = "the entry opened nothing";
  if (o->brackets && o->opened != 0 && state != BV_ORDER_FILLED) {
    q->orphans = "the entry was not filled whole";
  }
  if (!q->sink->order) return BV_OK;
  bv_sim_order out = bv_order_report(q, o);
  out.done_ts = ts;
  out.state = state;
  out.reason = reason;
  return q->sink->order(q->sink->ctx, &out, err);
}

/* The others of the group that `o` was in; one that is replaced goes on. */
static bv_rc end_group(bv_queue *q, const bv_order *o, bv_asset *a, int64_t ts, bv_err *err) {
  for (size_t i = 0; i < q->n; i++) {
    bv_order *k = &q->order[i];
    if (k->done || !k->rests || k->oco != o->oco || k->asset != o->asset) continue;
    int64_t at = k->ts > ts ? k->ts : ts; /* one whose time was over before shows only now */
    BV_TRY(finish_one(q, k, a, at, BV_ORDER_CANCELLED, "one cancels the other", err));
  }
  return BV_OK;
}

/* A leg that ends without a fill ends the others and the whole. */
bv_rc bv_order_finish(bv_queue *q, bv_order *o, bv_asset *a, int64_t ts, bv_order_state state,
                      const char *reason, bv_err *err) {
  bool ends = q->oco_ends && o->waiting && o->rests && o->oco && strcmp(reason, "replaced") != 0;
  if (!o->combo || state == BV_ORDER_FILLED) {
    BV_TRY(finish_one(q, o, a, ts, state, reason, err));
    return ends ? end_group(q, o, a, ts, err) : BV_OK;
  }
  bv_asset *assets = a - o->asset;
  int64_t combo = o->combo;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *k = &q->order[i];
    if (k->combo != combo || k->done) continue;
    BV_TRY(finish_one(q, k, &assets[k->asset], ts, state, reason, err));
  }
  return BV_OK;
}

static bool waits(const bv_queue *q, int64_t id) {
  for (size_t i = 0; i < q->n; i++) {
    if (q->order[i].id == id) return !q->order[i].done;
  }
  return false;
}

static bv_rc end_orphans(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err) {
  const char *why = q->orphans;
  q->orphans = NULL;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    bool lost = o->leader == -1;
    bool kept = o->leader || o->combo || waits(q, o->parent);
    if (o->done || !o->dormant || (!lost && kept)) continue;
    int64_t at = o->ts > ts ? o->ts : ts;
    BV_TRY(bv_order_finish(q, o, &assets[o->asset], at, BV_ORDER_CANCELLED,
                           lost ? "the order before it did not fill" : why, err));
  }
  return BV_OK;
}

/* One that ends can leave others behind. */
bv_rc bv_queue_orphans(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err) {
  while (q->orphans) BV_TRY(end_orphans(q, assets, ts, err));
  return BV_OK;
}

void bv_queue_sweep(bv_queue *q) {
  size_t keep = 0;
  for (size_t i = 0; i < q->n; i++) {
    if (q->order[i].done) continue;
    if (keep != i) q->order[keep] = q->order[i];
    keep++;
  }
  q->n = keep;
}

bool bv_ask_is_target(bv_ask ask) {
  return (int)ask < (int)BV_ASK_QTY;
}

bv_rc bv_queue_replace(bv_queue *q, bv_asset *assets, int asset, int64_t ts, bv_err *err) {
  bv_asset *a = &assets[asset];
  if (a->nwait == 0) return BV_OK;
  bv_rc rc = BV_OK;
  for (size_t i = 0; rc == BV_OK && i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->asset != asset || o->parent || o->guard || !bv_ask_is_target(o->ask)) continue;
    rc = bv_order_finish(q, o, a, ts, BV_ORDER_CANCELLED, "replaced", err);
  }
  if (rc == BV_OK) rc = bv_queue_orphans(q, assets, ts, err);
  bv_queue_sweep(q);
  return rc;
}

double bv_queue_pending(const bv_queue *q, const bv_asset *a, int asset) {
  double n = 0;
  for (size_t i = 0; a->nwait > 0 && i < q->n; i++) {
    const bv_order *o = &q->order[i];
    bool waits_here = !o->dormant || (o->combo && !o->leader && !bv_order_is_whole(o));
    bool counts = o->type == BV_TYPE_MARKET && waits_here && !bv_ask_is_target(o->ask);
    if (o->asset == asset && counts) n += o->n - o->filled;
  }
  return n;
}

bv_rc bv_queue_expire(bv_queue *q, bv_asset *assets, int64_t ts, bv_err *err) {
  bv_rc rc = BV_OK;
  for (size_t i = 0; rc == BV_OK && i < q->n; i++) {
    bv_order *o = &q->order[i];
    int64_t at = o->ts > ts ? o->ts : ts; /* it may have been decided after the last bar */
    bool sleeps = o->dormant && !o->rouse && !(o->combo && !o->leader);
    if (o->done || sleeps) continue;
    rc = bv_order_finish(q, o, &assets[o->asset], at, BV_ORDER_EXPIRED, "no further bar", err);
  }
  if (rc == BV_OK) rc = bv_queue_orphans(q, assets, ts, err);
  bv_queue_sweep(q);
  return rc;
}
