/*
** sim.c - the simulator's public calls, but those that take orders (request.c).
**
** The work is done by size.c (how much), order.c (what waits), match.c, rest.c and bracket.c (what
** fills, and at what price), execute.c (how much of it), account.c and funds.c (what the account
** carries), cost.c (what that costs) and ledger.c (what it makes of the account).
*/
#include "sim/sim.h"

#include "sim/action.h"
#include "sim/combo.h"
#include "sim/expiry.h"
#include "sim/finance.h"
#include "sim/margin.h"
#include "sim/match.h"
#include "sim/session.h"
#include "sim/slippage.h"
#include "sim/rebalance.h"
#include "sim/risk.h"
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
  s->opening = NAN;
  s->plain_targets = bv_rebalance_plain(cfg);
  double lot = bv_sim_config_lot(cfg);
  bv_ledger_init(&s->ledger, &s->sink, cfg->cash, lot);
  s->ledger.both = cfg->sides == BV_SIDES_BOTH;
  s->liquid = bv_slippage_needs_days(cfg) || bv_slippage_needs_taken(cfg);
  s->ledger.lots = cfg->lots;
  s->ledger.mark_at = cfg->mark_at;
  s->ledger.profit_step = cfg->profit_round;
  s->account = bv_account_rules_of(cfg);
  s->ledger.leverage = s->account.leverage;
  s->next_expiry = INT64_MAX;
  bv_queue_init(&s->queue, &s->sink, lot);
  s->queue.oco_ends = s->cfg.rules == BV_RULES_BACKTRADER;
  bv_map_init(&s->by_key);
  bv_tags_init(&s->tags);
  if (bv_finance_needed(cfg)) {
    bv_rc rc = bv_finance_new(cfg, &s->finance, err);
    if (rc != BV_OK) {
      bv_sim_free(s);
      return rc;
    }
  }
  *out = s;
  return BV_OK;
}

void bv_sim_free(bv_sim *s) {
  if (!s) return;
  bv_tags_reset(&s->tags);
  bv_map_reset(&s->by_key);
  bv_risk_free(s);
  bv_finance_free(s->finance);
  bv_queue_reset(&s->queue);
  bv_ledger_reset(&s->ledger);
  bv_free(s);
}

bool bv_sim_tags_many(const bv_sim *s) {
  return bv_tags_many(&s->tags);
}

void bv_sim_tags_keep(bv_sim *s, const char *tag) {
  bv_tags_keep(&s->tags, tag);
}

void bv_sim_tags_drop(bv_sim *s) {
  for (size_t i = 0; i < s->queue.n; i++) {
    const bv_order *o = &s->queue.order[i];
    bv_tags_keep(&s->tags, o->tag);
    bv_tags_keep(&s->tags, o->oco);
    bv_tags_keep(&s->tags, o->pick.tag);
    bv_tags_keep(&s->tags, o->name);
  }
  for (int i = 0; i < s->ledger.nopen; i++) {
    const bv_asset *a = &s->ledger.asset[s->ledger.open[i]];
    for (size_t k = 0; k < a->nlot; k++) bv_tags_keep(&s->tags, a->lot[a->head + k].tag);
  }
  bv_tags_drop(&s->tags);
}

bv_rc bv_sim_asset(bv_sim *s, const char *key, double multiplier, int *asset, bv_err *err) {
  if (!key || !*key) return bv_fail(err, BV_ARG, "an asset needs a key");
  if (!(multiplier > 0) || isinf(multiplier)) {
    return bv_fail(err, BV_ARG, "asset %s: the multiplier must be a positive number", key);
  }
  uintptr_t known = (uintptr_t)bv_map_find(&s->by_key, key, strlen(key));
  if (known) {
    *asset = (int)known - 1;
    if (s->ledger.asset[*asset].contract == multiplier) return BV_OK;
    return bv_fail(err, BV_ARG, "asset %s is already known with another multiplier", key);
  }
  uintptr_t number = (uintptr_t)s->ledger.nasset + 1;
  bv_liquidity *days = s->liquid ? bv_liquidity_new((int)s->cfg.slippage_window) : NULL;
  if (s->liquid && !days) return bv_fail(err, BV_NOMEM, "out of memory for asset %s", key);
  bv_rc rc = bv_map_put(&s->by_key, key, strlen(key), (void *)number);
  if (rc == BV_OK && s->risk) rc = bv_risk_reserve_asset(s, s->ledger.nasset);
  if (rc == BV_OK && s->finance) rc = bv_finance_reserve(s->finance, s->ledger.nasset);
  if (rc == BV_OK) rc = bv_ledger_add(&s->ledger, key, multiplier);
  if (rc != BV_OK) {
    bv_map_remove(&s->by_key, key, strlen(key));
    bv_free(days);
    return bv_fail(err, rc, "out of memory for asset %s", key);
  }
  *asset = (int)number - 1;
  s->ledger.asset[*asset].liquidity = days;
  if (s->risk) bv_risk_add_asset(s, *asset);
  return BV_OK;
}

bv_rc bv_sim_rules(bv_sim *s, const bv_ruleset *rules, const bv_zone *zone, bv_err *err) {
  return bv_risk_new(s, rules, zone, err);
}

void bv_sim_context(bv_sim *s, int rule, double value) {
  if (s->risk) s->risk->limit[rule].context = value;
}

/* --- time --- */

bv_rc bv_sim_define(bv_sim *s, int asset, const bv_instrument *def, bv_err *err) {
  assert(asset >= 0 && asset < s->ledger.nasset);
  assert(def->underlying < s->ledger.nasset && def->fx < s->ledger.nasset);
  return bv_expiry_define(s, asset, def, err);
}

bv_rc bv_sim_act(bv_sim *s, int64_t t, const bv_sim_action *x, bv_err *err) {
  assert(!s->finished);
  if (x->asset < 0 || x->asset >= s->ledger.nasset) {
    return bv_fail(err, BV_ARG, "corporate action of an unknown asset (number %d)", x->asset);
  }
  if (!(x->value > 0) || isinf(x->value)) {
    return bv_fail(err, BV_ARG, "corporate action of %s: the value is not a positive number",
                   s->ledger.asset[x->asset].key);
  }
  return bv_action_apply(s, t, x, err);
}

bv_rc bv_sim_open(bv_sim *s, int64_t ts, const bv_sim_bar *bar, int n, bv_err *err) {
  assert(!s->finished);
  for (int i = 0; s->liquid && i < n; i++) {
    const bv_asset *a = &s->ledger.asset[bar[i].asset];
    bv_liquidity_open(a->liquidity, a->zone, bar[i].ts);
  }
  if (s->queue.ngather > 0) BV_TRY(bv_combo_seal(s, INT64_MAX, err));
  if (s->finance) BV_TRY(bv_finance_accrue(s, ts, err));
  if (ts >= s->next_expiry) BV_TRY(bv_expiry_run(s, ts, err));
  if (s->queue.n == 0) return BV_OK;
  return bv_match_open(s, ts, bar, n, err);
}

bv_rc bv_sim_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  assert(!s->finished);
  bool at_close = s->cfg.fill_at == BV_FILL_NEXT_CLOSE;
  if (s->queue.ngather > 0) BV_TRY(bv_combo_seal(s, INT64_MAX, err));
  if (s->queue.nrest > 0 && !at_close) BV_TRY(bv_match_inside(s, t, bar, n, err));
  /* Exchange rates first: what is marked to market at this instant is converted at its rates. */
  bool fx = s->ledger.nfx > 0;
  for (int i = 0; fx && i < n; i++) {
    if (s->ledger.asset[bar[i].asset].is_fx) bv_ledger_mark(&s->ledger, &bar[i]);
  }
  for (int i = 0; i < n; i++) {
    if (!fx || !s->ledger.asset[bar[i].asset].is_fx) bv_ledger_mark(&s->ledger, &bar[i]);
  }
  if (s->ledger.ndaily > 0) bv_ledger_mark_to_market(&s->ledger);
  for (int i = 0; s->liquid && i < n; i++) {
    const bv_asset *a = &s->ledger.asset[bar[i].asset];
    bv_liquidity_close(a->liquidity, a->zone, &bar[i]);
  }
  if (s->queue.nclose > 0) BV_TRY(bv_session_close(s, bar, n, err));
  if (at_close && s->queue.n > 0) BV_TRY(bv_match_close(s, t, bar, n, err));
  if (t >= s->next_expiry) BV_TRY(bv_expiry_run(s, t, err));
  if (s->risk) BV_TRY(bv_risk_close(s, t, bar, n, err));
  if (s->account.call != BV_CALL_NONE) BV_TRY(bv_margin_check(s, t, err));
  bool ruin = s->cfg.ruin == BV_RUIN_STOP && s->ledger.nopen > 0;
  if (ruin && bv_ledger_value(&s->ledger, BV_VALUE_MARK) <= 0) return bv_match_ruin(s, t, err);
  return BV_OK;
}

bool bv_sim_plain_targets(const bv_sim *s) {
  return s->plain_targets;
}

bv_rc bv_sim_submit_step(bv_sim *s, int64_t t, const bv_sim_request *req, int n, bv_err *err) {
  return bv_rebalance_step(s, t, req, n, err);
}

void bv_sim_before(bv_sim *s, const bv_sim_bar *bar) {
  const bv_asset *a = &s->ledger.asset[bar->asset];
  bv_ledger_mark(&s->ledger, bar);
  if (s->liquid) bv_liquidity_close(a->liquidity, a->zone, bar);
}

void bv_sim_skip(bv_sim *s, int asset, int64_t ts, double close, int64_t count, int64_t known_at) {
  bv_ledger_skip(&s->ledger, asset, close, count, known_at);
  if (ts > INT64_MIN) s->ledger.asset[asset].last_ts = ts;
}

void bv_sim_quoted(bv_sim *s, int asset, const bv_sim_quote *quote) {
  bv_ledger_quote(&s->ledger, &s->ledger.asset[asset], quote);
}

/* What follows the bars of assets that are not held must be named here. */
static bool follows_all(const bv_sim *s) {
  return s->risk || s->liquid || s->follows;
}

bool bv_sim_follows(const bv_sim *s, int asset) {
  const bv_asset *a = &s->ledger.asset[asset];
  return follows_all(s) || a->nlot > 0 || a->nwait > 0;
}

int bv_sim_busy(bv_sim *s, bool closing, const int **asset) {
  bv_ledger *l = &s->ledger;
  if (follows_all(s)) return -1;
  *asset = l->busy;
  if (!closing && s->queue.n == 0) return 0;
  int n = l->nopen;
  memcpy(l->busy, l->open, (size_t)n * sizeof *l->busy);
  l->listing++;
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_asset *a = &l->asset[s->queue.order[i].asset];
    if (a->nlot > 0 || a->listed == l->listing) continue;
    a->listed = l->listing;
    l->busy[n++] = s->queue.order[i].asset;
  }
  return n;
}

void bv_sim_finer(bv_sim *s, bv_sim_finer_fn read, void *ctx) {
  s->finer.read = read;
  s->finer.ctx = ctx;
}

bool bv_sim_awaits_close(const bv_sim *s) {
  return s->queue.nclose > 0;
}

bool bv_sim_reads_volume(const bv_sim *s) {
  bool plain = s->cfg.slippage_model == BV_SLIP_NONE || s->cfg.slippage_model == BV_SLIP_PERCENTAGE;
  return !plain || s->cfg.volume_model != BV_VOLUME_NONE;
}

bv_rc bv_sim_finish(bv_sim *s, int64_t t, bv_err *err) {
  assert(!s->finished);
  s->finished = true;
  if (s->queue.ngather > 0) BV_TRY(bv_combo_seal(s, INT64_MAX, err));
  BV_TRY(bv_queue_expire(&s->queue, s->ledger.asset, t, err));
  BV_TRY(bv_match_finish(s, err));
  return bv_ledger_report_open(&s->ledger, t, err);
}

/* --- getters --- */

static const bv_asset *known(const bv_sim *s, int asset) {
  return asset >= 0 && asset < s->ledger.nasset ? &s->ledger.asset[asset] : NULL;
}

bool bv_sim_waiting_at(const bv_sim *s, size_t i, bv_sim_waiting *out) {
  if (i >= s->queue.n) return false;
  const bv_order *o = &s->queue.order[i];
  *out = (bv_sim_waiting){.order = bv_order_report(&s->queue, o),
                          .until = o->rests ? o->until : INT64_MAX,
                          .oco = o->oco,
                          .combo = o->name,
                          .dormant = o->dormant && !(o->combo && (!o->leader || o->rouse)),
                          .triggered = o->triggered,
                          .reduce_only = o->reduce_only};
  return true;
}

int bv_sim_asset_number(const bv_sim *s, const char *key) {
  return (int)(uintptr_t)bv_map_find(&s->by_key, key, strlen(key)) - 1;
}

double bv_sim_multiplier(const bv_sim *s, int asset) {
  return asset >= 0 && asset < s->ledger.nasset ? s->ledger.asset[asset].multiplier : 1;
}

void bv_sim_asset_zone(bv_sim *s, int asset, const bv_zone *zone) {
  if (known(s, asset)) s->ledger.asset[asset].zone = zone;
}

const bv_zone *bv_sim_zone(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? a->zone : NULL;
}

void bv_sim_asset_calendar(bv_sim *s, int asset, const bv_calendar *calendar) {
  if (known(s, asset)) s->ledger.asset[asset].calendar = calendar;
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

double bv_sim_slippage(const bv_sim *s) {
  return s->ledger.slippage;
}

double bv_sim_financing(const bv_sim *s) {
  return s->ledger.financing;
}

double bv_sim_commission(const bv_sim *s) {
  return s->ledger.commission;
}

double bv_sim_position_value(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a && a->nlot > 0 ? a->n * a->unit * (a->mark - a->basis) : 0;
}

bool bv_sim_exposed(bv_sim *s) {
  bool exposed = s->ledger.touched || s->ledger.nopen > 0;
  s->ledger.touched = false;
  return exposed;
}

double bv_sim_qty(const bv_sim *s, int asset) {
  const bv_asset *a = known(s, asset);
  return a ? bv_ledger_qty(&s->ledger, a->n) : 0;
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
  return a && a->nlot > 0 ? a->bars - a->opened : 0;
}
