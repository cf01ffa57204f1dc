/*
** match.c - the waiting orders against the bars of an instant.
**
** At the open: orders whose time is over expire, then those that the opens fill do.  At the end of the
** bar: those that it reached inside, exits first; an entry's bracket right after the entry, for what is
** left of the bar.  Where no order rests, the end of a bar costs nothing.
*/
#include "sim/match.h"

#include "sim/bracket.h"
#include "sim/combo.h"
#include "sim/cost.h"
#include "sim/execute.h"
#include "sim/quote.h"
#include "sim/risk.h"
#include "sim/session.h"

#include <assert.h>
#include <math.h>

/* --- places --- */

static bv_value_at valued_at(const bv_sim *s, bv_value_at at) {
  return s->cfg.margin == BV_MARGIN_AVAILABLE ? BV_VALUE_CLOSE : at;
}

/* A limit order that the price had to come to: it did not meet its price at the open of the first bar
** it was there for. */
static bool makes(const bv_order *o, const bv_asset *a, bv_via via) {
  if (!bv_rest_is_limit(o)) return false;
  return via != BV_VIA_OPEN || a->bars > (o->parent ? o->entered : o->bar + 1);
}

static bv_place place_at(const bv_sim *s, const bv_order *o, double price, bv_via via) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  return (bv_place){.price = price,
                    .limit = o->limit,
                    .maker = o->limit != 0 && makes(o, a, via),
                    .open = via == BV_VIA_OPEN && !bv_rest_is_stop(o),
                    .ts = a->bar->ts,
                    .bar_number = a->bars,
                    .bar = bv_bar_of(s, o),
                    .at = valued_at(s, BV_VALUE_OPEN),
                    .via = bv_quote_via(a->bar, via)};
}

bool bv_match_later(const bv_order *o) {
  return o->tif == BV_TIF_OPG || o->leader;
}

static bv_place place_of(const bv_sim *s, const bv_order *o) {
  bool market = o->type == BV_TYPE_MARKET;
  if (market && s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE && !bv_match_later(o)) {
    return (bv_place){.price = bv_quote_mark(s, o),
                      .open = s->cfg.rules == BV_RULES_BACKTRADER,
                      .ts = o->ts,
                      .bar_number = o->bar,
                      .at = valued_at(s, BV_VALUE_MARK)};
  }
  const bv_asset *a = &s->ledger.asset[o->asset];
  const bv_sim_bar *bar = bv_bar_of(s, o);
  double price = market ? bar->open : bv_rest_open(&s->cfg, bv_cost_tick(s, a), o, bar);
  return place_at(s, o, price, BV_VIA_OPEN);
}

/* --- turns --- */

/* Decided from the positions at the start of the instant, so that one fill does not change the turn
** of another. */
bv_turn bv_match_turn(const bv_sim *s, const bv_order *o, const bv_place *at) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (isnan(at->price)) return BV_TURN_NONE;
  if (o->close) return BV_TURN_FIRST;
  if (s->cfg.sides == BV_SIDES_BOTH && o->reduce_only) return BV_TURN_FIRST;
  if (s->cfg.priority == BV_PRIORITY_QUEUE) return BV_TURN_SECOND;
  double n = o->n - o->filled;
  if (o->size_at_fill && at->price > 0) n = bv_execute_size(s, o, at);
  return a->n * n < 0 && fabs(a->n + n) <= fabs(a->n) ? BV_TURN_FIRST : BV_TURN_SECOND;
}

bool bv_match_at_open(const bv_order *o, const bv_asset *a) {
  if (o->tif == BV_TIF_CLS) return false;
  return o->tif != BV_TIF_OPG || bv_session_first(a);
}

static bv_turn turn_at_open(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (!a->bar || a->bar->ts < o->ts || o->dormant || o->done) return BV_TURN_NONE;
  if (o->rests && !bv_match_at_open(o, a)) return BV_TURN_NONE;
  bv_place at = place_of(s, o);
  bv_turn turn = bv_match_turn(s, o, &at);
  bool now = o->type != BV_TYPE_MARKET || bv_match_later(o);
  bool later = now && s->cfg.fill_at == BV_FILL_SIGNAL_CLOSE;
  if (!later || turn == BV_TURN_NONE) return turn;
  return turn == BV_TURN_FIRST ? BV_TURN_LATER_FIRST : BV_TURN_LATER_SECOND;
}

static bv_turn turn_inside(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (!bv_bracket_live(s, o)) return BV_TURN_NONE;
  bv_touch t = bv_rest_touch(&s->cfg, bv_cost_tick(s, a), o, bv_bar_of(s, o), a->bars);
  bv_place at = place_at(s, o, t.price, t.via);
  return bv_match_turn(s, o, &at);
}

/* --- time --- */

/* The first bar an order can fill on begins. */
static void first_seen(const bv_sim *s, bv_order *o, const bv_asset *a) {
  o->seen = true;
  if (o->tif == BV_TIF_DAY) o->until = bv_session_end(a, a->bar->ts);
  if (bv_rest_trails(o) && o->stop == 0) o->stop = bv_rest_trail(o, bv_bar_of(s, o)->open);
}

static bv_rc begin_bar(bv_sim *s, int64_t ts, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    bv_asset *a = &s->ledger.asset[o->asset];
    if (o->rouse && o->rouse <= ts) o->dormant = o->combo != 0;
    if (o->done || !o->rests || o->dormant) continue;
    if (o->until <= ts) {
      int64_t at = o->until > o->ts ? o->until : o->ts;
      BV_TRY(bv_order_finish(q, o, a, at, BV_ORDER_EXPIRED, "its time is over", err));
    } else if (!o->seen && a->bar && a->bar->ts >= o->ts && !isnan(bv_bar_of(s, o)->open)) {
      first_seen(s, o, a);
    }
  }
  return bv_queue_orphans(q, s->ledger.asset, ts, err);
}

/* Whether the open under way was the only one the order could fill at. */
static bool over_at_open(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (o->tif == BV_TIF_IOC || o->tif == BV_TIF_FOK) return true;
  if (o->tif != BV_TIF_OPG || !a->bar || a->bar->ts < o->ts) return false;
  return !isnan(a->bar->open) && bv_session_first(a);
}

/* Orders that had to fill at the open and did not. */
static bv_rc end_open(bv_sim *s, int64_t ts, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done || !o->seen || !over_at_open(s, o)) continue;
    BV_TRY(bv_order_finish(q, o, &s->ledger.asset[o->asset], ts, BV_ORDER_CANCELLED,
                           "not filled at the open", err));
  }
  return bv_queue_orphans(q, s->ledger.asset, ts, err);
}

/* --- the instant --- */

/* Combos alone, by number: where the other orders wait for the end of the bar. */
static bv_rc run_combos(bv_sim *s, int64_t ts, bool closing, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_combo_turns(s, closing);
  for (int turn = BV_TURN_FIRST; turn <= BV_TURN_LATER_SECOND; turn++) {
    for (size_t i = 0; i < q->n; i++) {
      bv_order *o = &q->order[i];
      bool now = o->legs > 0 && !o->done && (int)o->turn == turn;
      if (now) BV_TRY(bv_combo_try(s, o, closing, err));
    }
  }
  return bv_combo_over(s, ts, closing, err);
}

static bv_rc run_open(bv_sim *s, int64_t ts, bv_err *err) {
  bv_queue *q = &s->queue;
  if (q->nrest > 0) BV_TRY(begin_bar(s, ts, err));
  if (q->ncombo > 0) BV_TRY(bv_combo_begin(s, ts, err));
  bool later = s->cfg.fill_at == BV_FILL_NEXT_CLOSE;
  if (later || (q->nrest > 0 && s->cfg.rules != BV_RULES_CERTAIN)) {
    if (!later && q->ncombo > 0) BV_TRY(run_combos(s, ts, false, err));
    bv_queue_sweep(q);
    return BV_OK;
  }
  if (s->cfg.size_at == BV_SIZE_OPEN) s->opening = bv_ledger_value(&s->ledger, BV_VALUE_OPEN);
  for (size_t i = 0; i < q->n; i++) q->order[i].turn = turn_at_open(s, &q->order[i]);
  if (q->ncombo > 0) bv_combo_turns(s, false);
  int last = q->nrest > 0 ? BV_TURN_LATER_SECOND : BV_TURN_SECOND;
  for (int turn = BV_TURN_FIRST; turn <= last; turn++) {
    for (size_t i = 0; i < q->n; i++) {
      bv_order *o = &q->order[i];
      if ((int)o->turn != turn || o->done) continue;
      if (o->legs > 0) {
        BV_TRY(bv_combo_try(s, o, false, err));
        continue;
      }
      bv_place at = place_of(s, o);
      if (isnan(at.price)) continue; /* a fill at this open has moved the level of a risk rule */
      BV_TRY(bv_execute(s, o, &at, err));
    }
  }
  s->opening = NAN;
  if (q->nrest > 0) BV_TRY(end_open(s, ts, err));
  if (q->ncombo > 0) BV_TRY(bv_combo_over(s, ts, false, err));
  bv_queue_sweep(q);
  return BV_OK;
}

/* Fill what the bar has reached of the orders that hang together with `o`; *filled is that one. */
static bv_rc settle(bv_sim *s, bv_order *o, const bv_order **filled, bv_err *err) {
  bv_choice c;
  BV_TRY(bv_bracket_choose(s, o, &c, err));
  *filled = c.order;
  if (!c.order) return BV_OK;
  bv_place at = place_at(s, c.order, c.touch.price, c.touch.via);
  return bv_execute(s, c.order, &at, err);
}

/* What hangs on a fill, for what is left of the bar: the bracket and the guards of an entry, the next
** part of a scaled exit. */
static bv_rc settle_rest(bv_sim *s, const bv_order *filled, bv_err *err) {
  bv_queue *q = &s->queue;
  while (filled && filled->brackets) {
    const bv_order *by = filled;
    filled = NULL;
    for (size_t i = 0; i < q->n; i++) {
      bv_order *o = &q->order[i];
      bool hangs = o->parent == by->id || (by->guard && o->guard && o->asset == by->asset);
      if (!hangs || !bv_bracket_live(s, o)) continue;
      BV_TRY(settle(s, o, &filled, err));
      break;
    }
  }
  return BV_OK;
}

/* What the bar leaves behind in an order that it did not fill. */
static bv_rc carry(bv_sim *s, bv_order *o, const bv_sim_bar *bar, bv_err *err) {
  double stop = o->stop;
  bv_rest_carry(&s->cfg, o, bar);
  bool news = o->triggered && !o->told && o->stop != 0;
  if (!news) return BV_OK;
  o->told = true;
  bv_sim_trigger t = {.order = o->id, .ts = bar->ts, .stop = stop};
  return s->sink.trigger ? s->sink.trigger(s->sink.ctx, &t, err) : BV_OK;
}

static bv_rc carry_all(bv_sim *s, bv_err *err) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (bv_bracket_live(s, o)) BV_TRY(carry(s, o, bv_bar_of(s, o), err));
  }
  return BV_OK;
}

static bv_rc run_sequence(bv_sim *s, int64_t t, bv_err *err) {
  BV_TRY(bv_match_sequence(s, err));
  BV_TRY(end_open(s, t, err));
  BV_TRY(carry_all(s, err));
  bv_queue_sweep(&s->queue);
  return BV_OK;
}

static bv_rc run_inside(bv_sim *s, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) q->order[i].turn = turn_inside(s, &q->order[i]);
  for (int turn = BV_TURN_FIRST; turn <= BV_TURN_SECOND; turn++) {
    for (size_t i = 0; i < q->n; i++) {
      bv_order *o = &q->order[i];
      const bv_order *filled;
      if ((int)o->turn != turn || o->done) continue;
      BV_TRY(settle(s, o, &filled, err));
      BV_TRY(settle_rest(s, filled, err));
    }
  }
  BV_TRY(bv_queue_orphans(q, s->ledger.asset, t, err));
  BV_TRY(carry_all(s, err));
  bv_queue_sweep(q);
  return BV_OK;
}

/* Let the assets know their bars; whether an order waits for one of them. */
static bool show_bars(bv_sim *s, const bv_sim_bar *bar, int n) {
  bool any = false;
  for (int i = 0; i < n; i++) {
    assert(bar[i].asset >= 0 && bar[i].asset < s->ledger.nasset);
    bv_asset *a = &s->ledger.asset[bar[i].asset];
    a->bar = &bar[i];
    any |= a->nwait > 0;
  }
  return any;
}

static void hide_bars(bv_sim *s, const bv_sim_bar *bar, int n) {
  for (int i = 0; i < n; i++) s->ledger.asset[bar[i].asset].bar = NULL;
}

/* Where volume limits fills, an order opens a lot with each of them. */
static bv_rc reserve(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err) {
  if (s->risk) BV_TRY(bv_risk_reserve(s, err));
  for (int i = 0; s->cfg.volume_model != BV_VOLUME_NONE && i < n; i++) {
    bv_asset *a = &s->ledger.asset[bar[i].asset];
    if (a->nwait > 0 && bv_ledger_reserve(a, a->nwait) != BV_OK) {
      return bv_fail(err, BV_NOMEM, "out of memory for the lots of %s", a->key);
    }
  }
  return BV_OK;
}

bv_rc bv_match_begin(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err) {
  BV_TRY(reserve(s, bar, n, err));
  (void)show_bars(s, bar, n);
  return BV_OK;
}

void bv_match_end(bv_sim *s, const bv_sim_bar *bar, int n) {
  hide_bars(s, bar, n);
}

bv_rc bv_match_open(bv_sim *s, int64_t ts, const bv_sim_bar *bar, int n, bv_err *err) {
  BV_TRY(reserve(s, bar, n, err));
  bool any = show_bars(s, bar, n);
  bv_rc rc = any || s->queue.nrest > 0 ? run_open(s, ts, err) : BV_OK;
  hide_bars(s, bar, n);
  return rc;
}

bv_rc bv_match_inside(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  BV_TRY(reserve(s, bar, n, err));
  bool any = show_bars(s, bar, n);
  bv_rc rc = BV_OK;
  if (any && s->cfg.rules != BV_RULES_CERTAIN) {
    rc = run_sequence(s, t, err);
  } else if (any) {
    rc = run_inside(s, t, err);
  }
  hide_bars(s, bar, n);
  return rc;
}

/* --- fill_at next_close: a bar is its close alone --- */

static bv_sim_bar close_of(const bv_sim_bar *bar) {
  bv_sim_bar b = *bar;
  b.open = b.high = b.low = b.close;
  return b;
}

/* The bar has been marked and counted. */
static bv_place place_at_close(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  const bv_sim_bar *bar = bv_bar_of(s, o);
  bv_sim_bar flat = close_of(bar);
  bool market = o->type == BV_TYPE_MARKET;
  return (bv_place){
      .price =
          market ? flat.close
                 : bv_rest_touch(&s->cfg, bv_cost_tick(s, a), o, &flat, bv_bar_number(s, a)).price,
      .limit = o->limit,
      .maker = o->limit != 0 && makes(o, a, BV_VIA_UNKNOWN),
      .ts = bar->known_at,
      .bar_number = bv_bar_number(s, a),
      .bar = bar,
      .at = BV_VALUE_MARK,
      .via = BV_VIA_UNKNOWN};
}

static bool waits_for_close(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (!a->bar || a->bar->ts < o->ts || o->dormant || o->done) return false;
  return o->last != bv_bar_number(s, a) + 1 && o->tif != BV_TIF_OPG && o->tif != BV_TIF_CLS;
}

bv_rc bv_match_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  bv_queue *q = &s->queue;
  BV_TRY(bv_match_begin(s, bar, n, err));
  s->closing = true;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    o->turn = BV_TURN_NONE;
    if (!waits_for_close(s, o)) continue;
    bv_place at = place_at_close(s, o);
    o->turn = bv_match_turn(s, o, &at);
  }
  bv_rc rc = BV_OK;
  for (int turn = BV_TURN_FIRST; turn <= BV_TURN_SECOND; turn++) {
    for (size_t i = 0; i < q->n && rc == BV_OK; i++) {
      bv_order *o = &q->order[i];
      if ((int)o->turn != turn || o->done) continue;
      bv_place at = place_at_close(s, o);
      rc = bv_execute(s, o, &at, err);
    }
  }
  if (rc == BV_OK) rc = end_open(s, t, err);
  if (rc == BV_OK && q->ncombo > 0) rc = run_combos(s, t, true, err);
  for (size_t i = 0; i < q->n && rc == BV_OK; i++) {
    bv_order *o = &q->order[i];
    if (!waits_for_close(s, o) || o->type == BV_TYPE_MARKET) continue;
    bv_sim_bar flat = close_of(bv_bar_of(s, o));
    rc = carry(s, o, &flat, err);
  }
  s->closing = false;
  hide_bars(s, bar, n);
  if (rc == BV_OK) bv_queue_sweep(q);
  return rc;
}

static bv_rc close_all(bv_sim *s, bool at_open, bv_err *err) {
  /* Closing removes an asset from the list; one that cannot close stays and is stepped over. */
  for (int i = 0; i < s->ledger.nopen;) {
    int number = s->ledger.open[i], before = s->ledger.nopen;
    const bv_asset *a = &s->ledger.asset[number];
    bv_place at = {.price = a->last_open,
                   .ts = at_open ? a->last_ts : a->last_known,
                   .bar_number = a->bars - 1};
    bv_order o = {.id = bv_queue_take_id(&s->queue),
                  .ts = at.ts,
                  .asset = number,
                  .ask = BV_ASK_TARGET,
                  .close = true};
    /* With both sides open, each in turn. */
    if (s->ledger.both) o.pick.side = bv_ledger_next(&s->ledger, a, (bv_pick){0})->n > 0 ? 1 : -1;
    double held = bv_ledger_picked(a, o.pick);
    if (!at_open || isnan(at.price)) at.price = bv_quote_last(a, held > 0 ? -1 : 1);
    BV_TRY(bv_execute(s, &o, &at, err));
    bool left =
        s->ledger.nopen == before && (!s->ledger.both || bv_ledger_picked(a, o.pick) == held);
    if (left) i++;
  }
  return BV_OK;
}

bv_rc bv_match_finish(bv_sim *s, bv_err *err) {
  if (s->cfg.finish == BV_FINISH_MARK) return BV_OK;
  return close_all(s, s->cfg.finish == BV_FINISH_LAST_OPEN, err);
}

bv_rc bv_match_ruin(bv_sim *s, int64_t t, bv_err *err) {
  bv_queue *q = &s->queue;
  s->ruined = true;
  BV_TRY(close_all(s, false, err));
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done) continue;
    BV_TRY(bv_order_finish(q, o, &s->ledger.asset[o->asset], t, BV_ORDER_CANCELLED,
                           "the account is ruined", err));
  }
  bv_queue_sweep(q);
  bv_ledger_forgive(&s->ledger);
  return BV_OK;
}
