/* precheck.c - whether the cash is there when an order is placed and when it fills; see precheck.h. */
#include "sim/precheck.h"

#include "sim/cost.h"

#include <math.h>

/* What `n` lots take from the cash beside what they have cost already: the margin of contracts. */
static double set_aside(const bv_sim *s, const bv_asset *a, double n, double price) {
  return bv_ledger_exposure(a, n, price) / s->cfg.leverage;
}

/* The part of a long position's entry value that leverage lends. */
static double lent(const bv_sim *s, double value) {
  return value > 0 ? value * (1 - 1 / s->cfg.leverage) : 0;
}

double bv_precheck_cash(const bv_sim *s) {
  double cash = s->ledger.cash;
  if (s->cfg.leverage == 1 && s->ledger.ndaily == 0) return cash;
  for (int i = 0; i < s->ledger.nopen; i++) {
    const bv_asset *a = &s->ledger.asset[s->ledger.open[i]];
    if (a->daily) cash -= set_aside(s, a, a->n, a->basis);
    for (size_t k = a->head; k < a->head + a->nlot && !a->daily; k++) {
      cash += lent(s, a->lot[k].n * a->unit * a->lot[k].price);
    }
  }
  return cash;
}

/* What opening lots at a price takes from the cash, but for commission. */
static double opening(const bv_sim *s, const bv_asset *a, double n, double price) {
  if (a->daily) return set_aside(s, a, n, price);
  double value = n * a->unit * price;
  return value - lent(s, value);
}

/* --- as it is placed --- */

/* What the order takes from the cash with `held` lots in the position. */
static double cash_taken(const bv_sim *s, const bv_asset *a, const bv_order *o, double held) {
  double price = o->mark;
  if (o->rests && o->limit != 0) price = o->limit;
  if (o->rests && o->stop != 0) price = o->stop;
  double close = held * o->n < 0 ? copysign(fmin(fabs(o->n), fabs(held)), o->n) : 0;
  double open = o->n - close;
  int side = o->n > 0 ? 1 : -1;
  /* In thought a position is closed at what it cost. */
  double taken = opening(s, a, open, price) - opening(s, a, -close, price);
  double cost = 0;
  if (close != 0) cost += bv_cost_commission(s, a, close, price, side, -side);
  if (open != 0) cost += bv_cost_commission(s, a, open, price, side, side);
  return taken + cost;
}

bool bv_precheck(bv_sim *s, const bv_order *o) {
  bv_asset *a = &s->ledger.asset[o->asset];
  if (o->size_at_fill || o->n == 0 || isnan(o->mark)) return true;
  if (s->precheck.ts != o->ts || !s->precheck.began) {
    s->precheck.began = true;
    s->precheck.ts = o->ts;
    s->precheck.cash = bv_precheck_cash(s);
    s->precheck.round++;
  }
  if (a->thought_round != s->precheck.round) a->thought = a->n;
  a->thought_round = s->precheck.round;
  s->precheck.cash -= cash_taken(s, a, o, a->thought);
  a->thought += o->n;
  return s->precheck.cash >= 0;
}

/* --- as it fills --- */

/* What closing lots takes from the cash, but for commission; below 0 it brings something. */
static double closing(const bv_sim *s, const bv_asset *a, double n, double price, bv_pick pick) {
  if (a->daily) return n * a->unit * (price - a->basis) - set_aside(s, a, n, a->basis);
  double cost = n < 0 ? -bv_ledger_realised(&s->ledger, a, n, 0, pick) : 0;
  return n * a->unit * price + lent(s, cost);
}

static double fill_takes(const bv_sim *s, const bv_leg *leg, double *sizes) {
  const bv_order *o = leg->order;
  const bv_asset *a = &s->ledger.asset[o->asset];
  bv_paid paid = bv_cost_paid(s, a, o, leg->at.ts);
  double takes = 0, n[2] = {leg->plan.close, leg->plan.open};
  for (int opens = 0; opens < 2; opens++) {
    if (n[opens] == 0) continue;
    bv_cost cost = bv_cost_fill(s, a, &leg->at, n[opens], opens, &paid);
    takes += opens ? opening(s, a, n[1], cost.price) : closing(s, a, n[0], cost.price, o->pick);
    takes += cost.commission;
  }
  *sizes += fabs(takes);
  return takes;
}

bool bv_precheck_fill(const bv_sim *s, const bv_leg *leg, int n) {
  double cash = bv_precheck_cash(s), takes = 0, sizes = fabs(cash);
  bool opens = false;
  for (int i = 0; i < n; i++) {
    opens |= leg[i].plan.open != 0;
    takes += fill_takes(s, &leg[i], &sizes);
  }
  return !opens || cash - takes >= -1e-12 * sizes;
}
