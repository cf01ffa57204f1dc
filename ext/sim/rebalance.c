/* rebalance.c - targets that are given together; see rebalance.h. */
#include "sim/rebalance.h"

#include <math.h>

bool bv_rebalance_plain(const bv_sim_config *c) {
  return c->targets_reserve == 0 && c->targets_max_weight == 0 && c->targets_max_gross == 0 &&
         c->targets_minimum_value == 0 && c->targets_minimum_change == 0 &&
         c->targets_missing == BV_MISSING_USE_LAST && c->targets_unlisted == BV_UNLISTED_KEEP;
}

static bool is_weight(const bv_sim_request *r) {
  return r->ask == BV_ASK_WEIGHT;
}

static double weight_of(const bv_sim_config *c, const bv_sim_request *r) {
  double w = (1 - c->targets_reserve) * r->amount, most = c->targets_max_weight;
  return most > 0 && fabs(w) > most ? copysign(most, w) : w;
}

/* What all weights of the step are multiplied by so that their sizes add up to no more than allowed. */
static double scale_of(const bv_sim *s, const bv_sim_request *req, int n) {
  double most = s->cfg.targets_max_gross, gross = 0;
  for (int i = 0; most > 0 && i < n; i++) {
    if (is_weight(&req[i])) gross += fabs(weight_of(&s->cfg, &req[i]));
  }
  return gross > most ? most / gross : 1;
}

/* Whether the trade is too small, or has no price of its time. */
static bool left_out(const bv_sim *s, int64_t t, const bv_sim_request *r) {
  const bv_sim_config *c = &s->cfg;
  const bv_asset *a = &s->ledger.asset[r->asset];
  if (c->targets_missing == BV_MISSING_SKIP && a->last_known != t) return true;
  bool small = c->targets_minimum_value > 0 || c->targets_minimum_change > 0;
  bool sized = r->ask == BV_ASK_WEIGHT || r->ask == BV_ASK_VALUE;
  if (!small || !sized || r->amount == 0 || isnan(a->mark)) return false;
  double value = bv_ledger_value(&s->ledger, BV_VALUE_MARK), held = a->n * a->unit * a->mark;
  double wanted = is_weight(r) ? r->amount * value : r->amount;
  double change = fabs(wanted - held);
  return change < c->targets_minimum_value || change < c->targets_minimum_change * value;
}

/* Targets of 0 for the positions that no request names.  Submitting fills nothing, so the list stands. */
static bv_rc close_unlisted(bv_sim *s, int64_t t, const bv_sim_request *req, int n, bv_err *err) {
  bv_ledger *l = &s->ledger;
  l->listing++;
  for (int i = 0; i < n; i++) l->asset[req[i].asset].listed = l->listing;
  for (int i = 0; i < l->nopen; i++) {
    bv_sim_request r = {.asset = l->open[i], .ask = BV_ASK_WEIGHT};
    if (l->asset[r.asset].listed != l->listing) BV_TRY(bv_sim_submit(s, t, &r, err));
  }
  return BV_OK;
}

bv_rc bv_rebalance_step(bv_sim *s, int64_t t, const bv_sim_request *req, int n, bv_err *err) {
  double scale = scale_of(s, req, n);
  bool targets = false;
  for (int i = 0; i < n; i++) {
    if (req[i].asset < 0 || req[i].asset >= s->ledger.nasset) {
      return bv_fail(err, BV_ARG, "order for an unknown asset (number %d)", req[i].asset);
    }
    targets |= bv_ask_is_target(req[i].ask);
  }
  if (targets && s->cfg.targets_unlisted == BV_UNLISTED_CLOSE) {
    BV_TRY(close_unlisted(s, t, req, n, err));
  }
  for (int i = 0; i < n; i++) {
    bv_sim_request r = req[i];
    if (is_weight(&r)) r.amount = scale * weight_of(&s->cfg, &r);
    bool out = bv_ask_is_target(r.ask) && left_out(s, t, &r);
    if (!out) BV_TRY(bv_sim_submit(s, t, &r, err));
  }
  return BV_OK;
}
