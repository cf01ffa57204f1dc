/* precheck.c - whether the cash is there when an order is placed; see precheck.h. */
#include "sim/precheck.h"

#include "sim/cost.h"

#include <math.h>

/* What the order takes from the cash with `held` lots in the position. */
static double cash_taken(const bv_sim *s, const bv_asset *a, const bv_order *o, double held) {
  double price = o->mark;
  if (o->rests && o->limit != 0) price = o->limit;
  if (o->rests && o->stop != 0) price = o->stop;
  double close = held * o->n < 0 ? copysign(fmin(fabs(o->n), fabs(held)), o->n) : 0;
  double open = o->n - close;
  int side = o->n > 0 ? 1 : -1;
  double taken = (close + (open > 0 ? open / s->cfg.leverage : open)) * a->unit * price;
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
    s->precheck.cash = s->ledger.cash;
    s->precheck.round++;
  }
  if (a->thought_round != s->precheck.round) a->thought = a->n;
  a->thought_round = s->precheck.round;
  s->precheck.cash -= cash_taken(s, a, o, a->thought);
  a->thought += o->n;
  return s->precheck.cash >= 0;
}
