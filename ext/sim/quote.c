/* quote.c - which prices an order meets where bars are quoted; see quote.h. */
#include "sim/quote.h"
#include "sim/execute.h"

#include <math.h>

static int sign(double n) {
  return n > 0 ? 1 : n < 0 ? -1 : 0;
}

int bv_quote_side(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (o->rests && (o->tif == BV_TIF_OPG || o->tif == BV_TIF_CLS)) return 0;
  if (o->rests && o->side != 0) return o->side;
  if (o->close) return -sign(bv_ledger_picked(a, o->pick));
  if (!o->size_at_fill) return sign(o->n - o->filled);
  const double open = a->bar ? a->bar->open : NAN; /* a bar of quotes alone has none */
  const bv_place at = {.price = isnan(open) ? o->mark : open, .at = BV_VALUE_MARK};
  return at.price > 0 ? sign(bv_execute_size(s, o, &at)) : 0;
}

static double or_else(double price, double other) {
  return isnan(price) ? other : price;
}

double bv_quote_mark(const bv_sim *s, const bv_order *o) {
  if (isnan(o->mark_bid) && isnan(o->mark_ask)) return o->mark;
  int side = bv_quote_side(s, o);
  return side == 0 ? o->mark : or_else(side > 0 ? o->mark_ask : o->mark_bid, o->mark);
}

double bv_quote_last(const bv_asset *a, int side) {
  return or_else(side > 0 ? a->ask : a->bid, a->mark);
}

bv_rc bv_quote_check(const bv_sim_config *c, bv_err *err) {
  if (c->quotes == BV_QUOTES_IGNORE && c->mark_at != BV_MARKS_LAST) {
    return bv_fail(err, BV_ARG, "mark %s needs quotes, and quotes is ignore",
                   c->mark_at == BV_MARKS_MID ? "mid" : "exit");
  }
  return BV_OK;
}
