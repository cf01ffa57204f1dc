/*
** sim.c - the simulator's public calls: what a request becomes, and the getters.
**
** The work is done by size.c (how much), order.c (what waits), match.c (what fills), cost.c (at
** what price and commission) and ledger.c (what that makes of the account).
*/
#include "sim/sim.h"

#include "sim/match.h"
#include "sim/size.h"
#include "sim/state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- life --- */

bv_rc bv_sim_new(const bv_sim_config *cfg, const bv_sim_sink *sink, bv_sim **out, bv_err *err) {
  *out = NULL;
  BV_TRY(bv_sim_config_check(cfg, err));
  bv_sim *s = bv_alloc0(BV_MEM_SIM, sizeof *s);
  if (!s) return bv_fail(err, BV_NOMEM, "out of memory for a simulator");
  s->cfg = *cfg;
  if (sink) s->sink = *sink;
  double lot = bv_sim_config_lot(cfg);
  bv_ledger_init(&s->ledger, &s->sink, cfg->cash, lot);
  bv_queue_init(&s->queue, &s->sink, lot);
  bv_map_init(&s->by_key);
  bv_map_init(&s->tags);
  *out = s;
  return BV_OK;
}

void bv_sim_free(bv_sim *s) {
  if (!s) return;
  const bv_map_entry *e;
  size_t at = 0;
  while ((e = bv_map_next(&s->tags, &at)) != NULL) bv_free(e->value);
  bv_map_reset(&s->tags);
  bv_map_reset(&s->by_key);
  bv_queue_reset(&s->queue);
  bv_ledger_reset(&s->ledger);
  bv_free(s);
}

bv_rc bv_sim_asset(bv_sim *s, const char *key, double multiplier, int *asset, bv_err *err) {
  if (!key || !*key) return bv_fail(err, BV_ARG, "an asset needs a key");
  if (!(multiplier > 0) || isinf(multiplier)) {
    return bv_fail(err, BV_ARG, "asset %s: the multiplier must be a positive number", key);
  }
  uintptr_t known = (uintptr_t)bv_map_find(&s->by_key, key, strlen(key));
  if (known) {
    *asset = (int)known - 1;
    if (s->ledger.asset[*asset].multiplier == multiplier) return BV_OK;
    return bv_fail(err, BV_ARG, "asset %s is already known with another multiplier", key);
  }
  uintptr_t number = (uintptr_t)s->ledger.nasset + 1;
  bv_rc rc = bv_map_put(&s->by_key, key, strlen(key), (void *)number);
  if (rc == BV_OK) rc = bv_ledger_add(&s->ledger, key, multiplier);
  if (rc != BV_OK) {
    bv_map_remove(&s->by_key, key, strlen(key));
    return bv_fail(err, rc, "out of memory for asset %s", key);
  }
  *asset = (int)number - 1;
  return BV_OK;
}

/* --- time --- */

bv_rc bv_sim_open(bv_sim *s, int64_t ts, const bv_sim_bar *bar, int n, bv_err *err) {
  assert(!s->finished);
  (void)ts;
  if (s->queue.n == 0) return BV_OK;
  return bv_match_open(s, bar, n, err);
}

bv_rc bv_sim_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  assert(!s->finished);
  (void)t;
  (void)err;
  for (int i = 0; i < n; i++) bv_ledger_mark(&s->ledger, &bar[i]);
  return BV_OK;
}

bv_rc bv_sim_finish(bv_sim *s, int64_t t, bv_err *err) {
  assert(!s->finished);
  s->finished = true;
  BV_TRY(bv_queue_expire(&s->queue, s->ledger.asset, t, err));
  BV_TRY(bv_match_finish(s, err));
  return bv_ledger_report_open(&s->ledger, t, err);
}

/* --- requests --- */

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
  return BV_OK;
}

/* The one copy of a tag, which lives as long as the simulator: lots outlive their orders. */
static bv_rc intern_tag(bv_sim *s, const char *tag, const char **out) {
  *out = NULL;
  if (!tag) return BV_OK;
  size_t n = strlen(tag);
  *out = bv_map_find(&s->tags, tag, n);
  if (*out) return BV_OK;
  char *copy = bv_strndup(BV_MEM_SIM, tag, n);
  if (!copy) return BV_NOMEM;
  bv_rc rc = bv_map_put(&s->tags, tag, n, copy);
  if (rc != BV_OK) {
    bv_free(copy);
    return rc;
  }
  *out = copy;
  return BV_OK;
}

static bv_order order_of(const bv_sim *s, int64_t t, const bv_sim_request *r, const char *tag) {
  const bv_asset *a = &s->ledger.asset[r->asset];
  return (bv_order){.ts = t,
                    .asset = r->asset,
                    .ask = r->ask,
                    .amount = r->amount,
                    .mark = a->mark,
                    .bar = a->bars - 1,
                    .tag = tag};
}

/* An order that ends as it begins. */
static bv_rc reject(bv_sim *s, bv_order *o, const char *reason, bv_err *err) {
  o->id = bv_queue_take_id(&s->queue);
  return bv_order_finish(&s->queue, o, &s->ledger.asset[o->asset], o->ts, BV_ORDER_REJECTED, reason,
                         err);
}

/* Why a request cannot be turned into units now, or NULL. */
static const char *unsizable(const bv_sim *s, const bv_order *o) {
  bool weight = o->ask == BV_ASK_WEIGHT, value = o->ask == BV_ASK_VALUE;
  bool at_close = s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE;
  if (at_close && isnan(o->mark)) return "no price yet";
  if (s->cfg.size_at == BV_SIZE_FILL || !(weight || value) || o->amount == 0) return NULL;
  if (isnan(o->mark)) return "no price yet";
  if (o->mark <= 0) return "the price is not positive";
  if (weight && bv_ledger_value(&s->ledger, BV_VALUE_MARK) <= 0) return "the account has no value";
  return NULL;
}

/* Size from `base` lots at the decision, or leave that to the fill. */
static void size_order(const bv_sim *s, bv_order *o, double base) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  bool relative = o->ask == BV_ASK_WEIGHT || o->ask == BV_ASK_VALUE;
  if (relative && s->cfg.size_at == BV_SIZE_FILL) {
    o->size_at_fill = true;
    return;
  }
  if (o->amount == 0 && bv_ask_is_target(o->ask)) {
    o->n = -base;
    return;
  }
  double value = bv_ledger_value(&s->ledger, BV_VALUE_MARK);
  o->n = bv_size_target(s, a, o->ask, o->amount, base, o->mark, value);
}

static bv_rc submit_qty(bv_sim *s, bv_order *o, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  if (o->amount == 0) return BV_OK;
  a->target = NAN;
  size_order(s, o, 0);
  if (o->n == 0) return reject(s, o, "less than one lot", err);
  const char *why = unsizable(s, o);
  if (why) return reject(s, o, why, err);
  bv_queue_push(&s->queue, a, *o);
  return BV_OK;
}

/* One order for the difference between the target and what is held or on its way. */
static bv_rc submit_net(bv_sim *s, bv_order *o, bool repeated, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  double base = a->n + bv_queue_pending(&s->queue, a, o->asset);
  size_order(s, o, base);
  if (o->size_at_fill ? o->amount == 0 && base == 0 : o->n == 0) {
    bool nothing = !o->size_at_fill && o->amount != 0 && base == 0;
    return nothing && !repeated ? reject(s, o, "less than one lot", err) : BV_OK;
  }
  bv_queue_push(&s->queue, a, *o);
  return BV_OK;
}

/* Close what is held, ahead of the queue, and enter afresh. */
static bv_rc submit_close_first(bv_sim *s, const bv_order *o, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bv_order entry = *o;
  if (o->amount != 0) size_order(s, &entry, 0);
  if (o->ask == BV_ASK_TARGET && entry.n == a->n) return BV_OK;
  if (a->n != 0) {
    bv_order close = *o;
    close.close = true;
    close.n = -a->n;
    bv_queue_push(&s->queue, a, close);
  }
  if (o->amount == 0) return BV_OK;
  if (!entry.size_at_fill && entry.n == 0) return reject(s, &entry, "less than one lot", err);
  bv_queue_push(&s->queue, a, entry);
  return BV_OK;
}

static bv_rc submit_target(bv_sim *s, bv_order *o, bv_err *err) {
  bv_asset *a = &s->ledger.asset[o->asset];
  bool repeated = a->target_ask == o->ask && a->target == o->amount;
  if (repeated && s->cfg.rebalance == BV_REBALANCE_ON_CHANGE) return BV_OK;
  BV_TRY(bv_queue_replace(&s->queue, a, o->asset, o->ts, err));
  a->target_ask = o->ask;
  a->target = o->amount;
  const char *why = unsizable(s, o);
  if (why) {
    /* Nothing was acted on, so the same target is news again later. */
    if (s->cfg.rebalance == BV_REBALANCE_ON_CHANGE) a->target = NAN;
    return repeated ? BV_OK : reject(s, o, why, err);
  }
  return s->cfg.flip == BV_FLIP_NET ? submit_net(s, o, repeated, err)
                                    : submit_close_first(s, o, err);
}

bv_rc bv_sim_submit(bv_sim *s, int64_t t, const bv_sim_request *req, bv_err *err) {
  assert(!s->finished);
  const char *tag = NULL;
  BV_TRY(check_request(s, req, err));
  bv_asset *a = &s->ledger.asset[req->asset];
  /* Everything that can fail for want of memory comes first, and matching needs none later: a
  ** request makes at most two orders, an order opens at most one lot. */
  bv_rc rc = intern_tag(s, req->tag, &tag);
  if (rc == BV_OK) rc = bv_queue_reserve(&s->queue, 2);
  if (rc == BV_OK) rc = bv_ledger_reserve(a, a->nwait + 2);
  if (rc != BV_OK) return bv_fail(err, rc, "out of memory for an order of %s", a->key);
  bv_order o = order_of(s, t, req, tag);
  return bv_ask_is_target(o.ask) ? submit_target(s, &o, err) : submit_qty(s, &o, err);
}

/* --- getters --- */

static const bv_asset *known(const bv_sim *s, int asset) {
  return asset >= 0 && asset < s->ledger.nasset ? &s->ledger.asset[asset] : NULL;
}

int bv_sim_asset_number(const bv_sim *s, const char *key) {
  return (int)(uintptr_t)bv_map_find(&s->by_key, key, strlen(key)) - 1;
}

double bv_sim_multiplier(const bv_sim *s, int asset) {
  return asset >= 0 && asset < s->ledger.nasset ? s->ledger.asset[asset].multiplier : 1;
}

const char *bv_sim_asset_key(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? a->key : NULL;
}

int bv_sim_asset_count(const bv_sim *s) {
  return s->ledger.nasset;
}

double bv_sim_cash(const bv_sim *s) {
  return s->ledger.cash;
}

double bv_sim_value(const bv_sim *s) {
  return bv_ledger_value(&s->ledger, BV_VALUE_MARK);
}

double bv_sim_commission(const bv_sim *s) {
  return s->ledger.commission;
}

bool bv_sim_exposed(bv_sim *s) {
  bool exposed = s->ledger.touched || s->ledger.nopen > 0;
  s->ledger.touched = false;
  return exposed;
}

double bv_sim_qty(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? a->n * s->ledger.lot : 0;
}

double bv_sim_avg_price(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? bv_ledger_average(a) : NAN;
}

double bv_sim_price(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? a->mark : NAN;
}

int64_t bv_sim_bars_held(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a && a->n != 0 ? a->bars - a->opened : 0;
}
