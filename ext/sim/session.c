/* session.c - orders for the open and for the close of a day; see session.h. */
#include "sim/session.h"

#include "sim/cost.h"
#include "sim/execute.h"
#include "sim/match.h"
#include "sim/quote.h"
#include "sim/rest.h"
#include "time/timestep.h"

#include <math.h>

int64_t bv_session_end(const bv_asset *a, int64_t ts) {
  const bv_timestep day = {.unit = BV_DAY, .n = 1};
  int64_t end;
  bv_bucket_start(day, a->zone ? a->zone : bv_zone_utc(), ts, &end);
  return end;
}

bool bv_session_first(const bv_asset *a) {
  return a->bars == 0 || bv_session_end(a, a->last_ts) <= a->bar->ts;
}

bool bv_session_last(const bv_asset *a) {
  int64_t next = a->bar->next_ts ? a->bar->next_ts : a->bar->known_at;
  return bv_session_end(a, a->bar->ts) <= next;
}

/* Whether the order's close is the one under way. */
static bool due(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (o->tif != BV_TIF_CLS || o->done || o->dormant) return false;
  return a->bar && a->bar->ts >= o->ts && !isnan(a->bar->close) && bv_session_last(a);
}

static bv_place place_of(const bv_sim *s, const bv_order *o) {
  const bv_sim_bar *bar = bv_bar_of(s, o);
  const double tick = bv_cost_tick(s, &s->ledger.asset[o->asset]);
  bool good = o->limit == 0 || bv_rest_reaches(&s->cfg, tick, o, bar->close);
  /* In backtrader an order for the close pays no slippage. */
  bool exact = o->limit == 0 && s->cfg.rules == BV_RULES_BACKTRADER;
  return (bv_place){.price = good ? bar->close : NAN,
                    .limit = exact ? bar->close : o->limit,
                    .ts = bar->known_at,
                    .bar_number = s->ledger.asset[o->asset].bars - 1,
                    .bar = bar,
                    .at = BV_VALUE_MARK};
}

static bv_rc fill_due(bv_sim *s, bv_err *err) {
  bv_queue *q = &s->queue;
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    o->turn = BV_TURN_NONE;
    if (!due(s, o)) continue;
    bv_place at = place_of(s, o);
    o->turn = bv_match_turn(s, o, &at);
  }
  for (int turn = BV_TURN_FIRST; turn <= BV_TURN_SECOND; turn++) {
    for (size_t i = 0; i < q->n; i++) {
      bv_order *o = &q->order[i];
      if ((int)o->turn != turn || o->done) continue;
      bv_place at = place_of(s, o);
      BV_TRY(bv_execute(s, o, &at, err));
    }
  }
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (!due(s, o)) continue;
    bv_asset *a = &s->ledger.asset[o->asset];
    BV_TRY(bv_order_finish(q, o, a, a->bar->known_at, BV_ORDER_CANCELLED, "not filled at the close",
                           err));
  }
  return BV_OK;
}

bv_rc bv_session_close(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err) {
  bv_queue *q = &s->queue;
  if (n == 0) return BV_OK;
  BV_TRY(bv_match_begin(s, bar, n, err));
  s->closing = true;
  bv_rc rc = fill_due(s, err);
  if (rc == BV_OK) rc = bv_queue_orphans(q, s->ledger.asset, bar[0].known_at, err);
  s->closing = false;
  bv_queue_sweep(q);
  bv_match_end(s, bar, n);
  return rc;
}
