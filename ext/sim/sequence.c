/*
** sequence.c - knob rules backtesting.py and backtrader: all waiting orders against a whole bar, one after
** the other, as the brokers of these engines do.
**
** backtrader: by number, at the prices of rest.h; a bracket from the bar after its entry on.
**
** backtesting.py: closes and stop-losses go first, the newest ahead, then the others in the order in which they came,
** a bracket when its entry filled.  A bracket is looked at on the bar of its entry if that was a market order, or a stop order whose take-profit the bar reached and whose stop-loss
** it did not; then all orders are gone through once more.  A stop that was reached stays so.
**
** Where nothing but market orders waits, they fill at the open as under the other rules: the sequence is
** the same.  Otherwise all wait for the bar's end, because the result depends on the whole of it.
*/
#include "sim/bracket.h"
#include "sim/cost.h"
#include "sim/execute.h"
#include "sim/match.h"
#include "sim/quote.h"

#include <math.h>

/* The price at which the order fills, NaN where it does not; remembers that a stop was reached. */
static double price_of(bv_order *o, const bv_sim_bar *b, double market) {
  double s = o->side, low = s > 0 ? b->low : -b->high, high = s > 0 ? b->high : -b->low;
  double start = s * b->open, stop = s * o->stop, limit = s * o->limit;
  bool stopped = o->stop != 0 && !o->triggered;
  if (stopped && !(high >= stop)) return NAN;
  if (o->limit != 0) o->triggered = true;
  if (o->limit != 0) {
    /* Reached by a limit below it, the stop may have come later: then it does not count. */
    if (!(low <= limit) || (stopped && limit <= stop)) return NAN;
    return s * fmin(stopped ? stop : start, limit);
  }
  return stopped ? s * fmax(start, stop) : market;
}

/* Whether the engine looks at the bracket of an entry on the entry's own bar. */
static bool looks_at_bracket(const bv_sim *s, const bv_order *entry, const bv_sim_bar *b) {
  if (entry->type == BV_TYPE_MARKET) return true;
  if (entry->limit != 0) return false;
  double side = entry->side, low = side > 0 ? b->low : -b->high;
  double high = side > 0 ? b->high : -b->low;
  bool reached = false, stopped = false;
  for (size_t i = 0; i < s->queue.n; i++) {
    const bv_order *k = &s->queue.order[i];
    if (k->parent != entry->id) continue;
    if (k->role == BV_ROLE_TAKE_PROFIT) reached = side * k->limit <= high;
    if (k->role == BV_ROLE_STOP_LOSS) stopped = side * k->stop >= low;
  }
  return reached && !stopped;
}

static bool ready(const bv_sim *s, const bv_order *o, bool again) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (o->done || o->dormant || !a->bar || a->bar->ts < o->ts) return false;
  if (isnan(bv_bar_of(s, o)->open)) return false;
  if (o->last == a->bars + 1 || !bv_match_at_open(o, a)) return false; /* one fill in a bar */
  return again || !o->parent || o->entered != a->bars;
}

/* What closes at the market or at a stop. */
static bool goes_ahead(const bv_order *o) {
  return o->close || (o->rests && o->reduce_only && o->limit == 0);
}

/* Since when the order is in the queue: a bracket comes after the orders that were there when its entry filled. */
static double since(const bv_order *o) {
  return o->rests && o->woken ? (double)o->woken - 0.5 : (double)o->id;
}

/* Whether `o` has its turn before `k`. */
static bool before(const bv_order *o, const bv_order *k) {
  bool ahead = goes_ahead(o);
  if (ahead != goes_ahead(k)) return ahead;
  double a = since(o), b = since(k);
  bool older = a < b || (a == b && o->id < k->id);
  return ahead ? !older : older;
}

/* Whose turn it is after `o`, NULL: the first. */
static bv_order *next_of(bv_sim *s, const bv_order *o, bool second) {
  bv_order *best = NULL;
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *k = &s->queue.order[i];
    if (k == o || !ready(s, k, second) || (o && !before(o, k))) continue;
    if (!best || before(k, best)) best = k;
  }
  return best;
}

static bv_rc try_order(bv_sim *s, bv_order *o, bool *again, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  const bv_sim_bar *bar = bv_bar_of(s, o);
  bool market = o->type == BV_TYPE_MARKET;
  bool opg = o->tif == BV_TIF_OPG;
  bool at_close = market && !bv_match_later(o) && s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE;
  bool trader = s->cfg.rules == BV_RULES_BACKTRADER;
  bool own = trader || o->type == BV_TYPE_MIT || o->type == BV_TYPE_LIT;
  double price = market ? (at_close ? bv_quote_mark(s, o) : bar->open)
                 : opg  ? bv_rest_open(&s->cfg, bv_cost_tick(s, a), o, bar)
                 : own  ? bv_rest_touch(&s->cfg, bv_cost_tick(s, a), o, bar, a->bars).price
                        : price_of(o, bar, bar->open);
  if (isnan(price)) return BV_OK;
  bv_place at = {.price = price,
                 .limit = trader ? o->limit : 0,
                 .maker = bv_rest_is_limit(o) && price != bar->open,
                 .open = trader ? at_close || price == bar->open
                                : !at_close && price == bar->open && !bv_rest_is_stop(o),
                 .ts = at_close ? o->ts : bar->ts,
                 .bar_number = at_close ? o->bar : a->bars,
                 .bar = at_close ? NULL : bar,
                 .at = s->cfg.margin == BV_MARGIN_AVAILABLE ? BV_VALUE_CLOSE : BV_VALUE_OPEN};
  double before = o->filled;
  BV_TRY(bv_execute(s, o, &at, err));
  if (o->filled != before && o->brackets && o->opened != 0 && !trader)
    *again |= looks_at_bracket(s, o, bv_bar_of_side(a->bar, -o->side));
  return BV_OK;
}

/* By number. */
static bv_rc run_trader(bv_sim *s, bv_err *err) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    bool again;
    if (ready(s, o, false)) BV_TRY(try_order(s, o, &again, err));
  }
  return BV_OK;
}

bv_rc bv_match_sequence(bv_sim *s, bv_err *err) {
  if (s->cfg.rules == BV_RULES_BACKTRADER) return run_trader(s, err);
  bool again = false;
  do {
    bool second = again;
    again = false;
    for (bv_order *o = NULL; (o = next_of(s, o, second));) BV_TRY(try_order(s, o, &again, err));
  } while (again);
  return BV_OK;
}
