/* bracket.c - orders that hang together; see bracket.h. */
#include "sim/bracket.h"
#include "sim/cost.h"
#include "sim/quote.h"

#include <assert.h>
#include <math.h>

static bool together(const bv_order *a, const bv_order *b) {
  if (a->asset != b->asset) return false;
  /* The guards of risk rules go together with all brackets of the asset. */
  bool guards = (a->guard || b->guard) && a->parent && b->parent;
  return guards || (a->parent && a->parent == b->parent) || (a->oco && a->oco == b->oco);
}

bool bv_bracket_live(const bv_sim *s, const bv_order *o) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (o->last == a->bars + 1) return false; /* one fill in a bar */
  if (o->tif == BV_TIF_OPG || o->tif == BV_TIF_CLS) return false;
  if (s->cfg.bracket_from == BV_BRACKET_NEXT && o->parent && o->entered == a->bars) return false;
  return !o->done && !o->dormant && o->type != BV_TYPE_MARKET && a->bar && a->bar->ts >= o->ts;
}

/* --- which one fills --- */

/* The orders of a group that the bar reaches: the first of each sort. */
typedef struct reached {
  bv_order *stop, *limit;           /* reached, or perhaps */
  bv_order *sure_stop, *sure_limit; /* reached for certain */
  int n;
} reached;

/* Of two on one side where one guards a position the price comes to the nearer one first. */
static bool nearer(const bv_order *o, const bv_order *than) {
  if (!(o->guard || than->guard) || o->side != than->side) return false;
  return bv_rest_is_stop(o) ? o->side * o->stop < o->side * than->stop
                            : o->side * o->limit > o->side * than->limit;
}

static void note(reached *r, bv_order *o, bool sure) {
  bv_order **any = bv_rest_is_stop(o) ? &r->stop : &r->limit;
  bv_order **certain = bv_rest_is_stop(o) ? &r->sure_stop : &r->sure_limit;
  if (*any && (o->guard || (*any)->guard) && o->side == (*any)->side) {
    /* No guess: both are on one way. */
    if (nearer(o, *any)) *any = o;
    if (sure && (!*certain || nearer(o, *certain))) *certain = o;
    return;
  }
  if (!*any) *any = o;
  if (sure && !*certain) *certain = o;
  r->n++;
}

static bool has_path(bv_same_bar rule) {
  return rule == BV_SAME_OHLC || rule == BV_SAME_OLHC || rule == BV_SAME_NEAREST_EXTREME;
}

static void path_of(bv_same_bar rule, const bv_sim_bar *b, double path[4]) {
  bool high_first = rule == BV_SAME_OHLC;
  if (rule == BV_SAME_NEAREST_EXTREME) high_first = b->high - b->open <= b->open - b->low;
  path[0] = b->open;
  path[1] = high_first ? b->high : b->low;
  path[2] = high_first ? b->low : b->high;
  path[3] = b->close;
}

static bv_order *first_on_path(bv_sim *s, const bv_order *o) {
  int64_t number = s->ledger.asset[o->asset].bars;
  bv_order *first = NULL;
  double best = INFINITY, path[4];
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *k = &s->queue.order[i];
    if ((k != o && !together(k, o)) || !bv_bracket_live(s, k)) continue;
    path_of(s->cfg.same_bar, bv_bar_of(s, k), path);
    double t = bv_rest_time(k, path, number);
    if (!(t < best)) continue;
    best = t;
    first = k;
  }
  return first;
}

static bv_order *guess(bv_sim *s, const bv_order *o, const reached *r) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  if (has_path(s->cfg.same_bar)) return first_on_path(s, o);
  if (s->cfg.same_bar == BV_SAME_LIMIT_FIRST) return r->limit ? r->limit : r->sure_stop;
  bool here = o->parent && o->entered == a->bars;
  if (s->cfg.same_bar == BV_SAME_DEFER && here) return NULL;
  return r->stop ? r->stop : r->sure_limit;
}

/* Where the bar under way reaches an order, or `fine`, bar i of n that lie inside it.  An entry that was reached
** inside that bar is in the first of these that has its price. */
static int entry_bar(const bv_order *k, const bv_sim_bar *fine, int n) {
  int i = 0;
  for (; i < n; i++) {
    const bv_sim_bar *b = bv_bar_of_side(&fine[i], -k->side); /* of the entry */
    if (b->low <= k->from && k->from <= b->high) break;
  }
  return i;
}

static bv_touch touch_in(const bv_sim *s, const bv_order *k, const bv_sim_bar *fine, int n, int i) {
  const bv_asset *a = &s->ledger.asset[k->asset];
  if (!fine) return bv_rest_touch(&s->cfg, bv_cost_tick(s, a), k, bv_bar_of(s, k), a->bars);
  bool inside = k->parent && k->entered == a->bars && k->via != BV_VIA_OPEN;
  int entry = inside ? entry_bar(k, fine, n) : -1;
  if (i < entry) return (bv_touch){.price = NAN};
  /* A number that no entry has: all of that bar came after it. */
  bv_touch t = bv_rest_touch(&s->cfg, bv_cost_tick(s, a), k, bv_bar_of_side(&fine[i], k->side),
                             i == entry ? a->bars : -2);
  if (i > 0 && t.via == BV_VIA_OPEN) t.via = BV_VIA_UNKNOWN; /* not the open of the bar under way */
  return t;
}

static reached gather(bv_sim *s, const bv_order *o, const bv_sim_bar *fine, int n, int i) {
  reached r = {0};
  for (size_t q = 0; q < s->queue.n; q++) {
    bv_order *k = &s->queue.order[q];
    if (!together(k, o) || !bv_bracket_live(s, k)) continue;
    bv_touch t = touch_in(s, k, fine, n, i);
    if (!isnan(t.price)) note(&r, k, t.sure);
  }
  return r;
}

/* Whatever fills of the group, now or later, does so by a guess. */
static void mark_guess(bv_sim *s, const bv_order *o) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *k = &s->queue.order[i];
    if (!k->done && together(k, o)) k->ambiguous = true;
  }
}

/* Ask the bars inside the one under way; *decided: they tell what fills, perhaps nothing. */
static bv_rc choose_finer(bv_sim *s, bv_order *o, bool must, bv_choice *out, bool *decided,
                          bv_err *err) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  const bv_sim_bar *fine = NULL;
  bool guessed = false;
  int n = 0;
  *decided = false;
  if (!s->finer.read) return BV_OK;
  BV_TRY(s->finer.read(s->finer.ctx, o->asset, a->bar->ts, a->bar->known_at, &fine, &n, err));
  for (int i = 0; i < n && !out->order; i++) {
    reached r = gather(s, o, fine, n, i);
    bv_order *sure = r.sure_stop ? r.sure_stop : r.sure_limit;
    bool certain = r.n == 1 && sure;
    if (r.n == 0) continue;
    guessed |= !certain;
    out->order = certain ? sure : r.stop ? r.stop : r.sure_limit;
    if (out->order) out->touch = touch_in(s, out->order, fine, n, i);
  }
  *decided = n > 0 && (out->order || guessed || !must);
  if (*decided && guessed) mark_guess(s, o);
  return BV_OK;
}

bv_rc bv_bracket_choose(bv_sim *s, bv_order *o, bv_choice *out, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  *out = (bv_choice){0};
  if (!o->parent && !o->oco) {
    bv_touch t = bv_rest_touch(&s->cfg, bv_cost_tick(s, a), o, bv_bar_of(s, o), a->bars);
    if (!isnan(t.price)) *out = (bv_choice){o, t};
    return BV_OK;
  }
  reached r = gather(s, o, NULL, 0, 0);
  if (r.n == 0) return BV_OK;
  bv_order *sure = r.sure_stop ? r.sure_stop : r.sure_limit, *winner = sure;
  if (r.n > 1 || !sure) {
    bool decided = false;
    if (s->cfg.same_bar == BV_SAME_FINER) {
      BV_TRY(choose_finer(s, o, sure != NULL, out, &decided, err));
    }
    if (decided) return BV_OK;
    winner = guess(s, o, &r);
    mark_guess(s, o);
  }
  if (winner)
    *out = (bv_choice){
        winner, bv_rest_touch(&s->cfg, bv_cost_tick(s, a), winner, bv_bar_of(s, winner), a->bars)};
  return BV_OK;
}

/* --- life --- */

static void push_child(bv_sim *s, int64_t entry, bv_role role, double price) {
  bv_order e = {0};
  for (size_t i = 0; i < s->queue.n; i++) {
    if (s->queue.order[i].id == entry) e = s->queue.order[i];
  }
  assert(e.id == entry);
  bool stop = role == BV_ROLE_STOP_LOSS;
  bv_order o = {.ts = e.ts,
                .asset = e.asset,
                .ask = e.ask,
                .amount = e.amount,
                .mark = e.mark,
                .bar = e.bar,
                .tag = e.tag,
                .type = stop ? BV_TYPE_STOP : BV_TYPE_LIMIT,
                .role = role,
                .side = -e.side,
                .limit = stop ? 0 : price,
                .stop = stop ? price : 0,
                .until = INT64_MAX,
                .parent = entry,
                .entered = -1,
                .rests = true,
                .dormant = true,
                .reduce_only = true};
  bv_queue_push(&s->queue, &s->ledger.asset[e.asset], o);
}

void bv_bracket_push(bv_sim *s, double take_profit, double stop_loss) {
  bv_order *entry = &s->queue.order[s->queue.n - 1];
  int64_t id = entry->id;
  entry->brackets = true;
  if (stop_loss != 0) push_child(s, id, BV_ROLE_STOP_LOSS, stop_loss);
  if (take_profit != 0) push_child(s, id, BV_ROLE_TAKE_PROFIT, take_profit);
}

/* With fill_at signal_close the fill may be older than the order that it ends. */
static bv_rc end(bv_queue *q, bv_order *o, bv_asset *a, int64_t ts, const char *why, bv_err *err) {
  return bv_order_finish(q, o, a, ts > o->ts ? ts : o->ts, BV_ORDER_CANCELLED, why, err);
}

static void wake(const bv_sim *s, bv_order *k, const bv_order *entry, double price, bv_via via) {
  k->dormant = false;
  k->side = entry->opened > 0 ? -1 : 1;
  k->entered = bv_bar_number(s, &s->ledger.asset[k->asset]);
  k->from = price;
  k->via = via;
  k->ambiguous = entry->ambiguous;
  k->woken = s->queue.next_id;
  bool own = s->cfg.rules == BV_RULES_BACKTESTING || s->cfg.sides == BV_SIDES_BOTH;
  if (own) k->pick.order = entry->id;
}

/* What a fill of `n` lots of `o` means for another order of the asset: why it ends, or NULL. */
static const char *after_fill(const bv_sim *s, bv_order *k, const bv_order *o, double n,
                              double price, bv_via via) {
  if (k->oco && k->oco == o->oco) return "one cancels the other";
  if (k->guard) return NULL; /* risk.c has them follow the position */
  if (o->parent && k->parent == o->parent && !o->guard) {
    if (o->done) return "one cancels the other";
    k->n -= n;
  }
  if (o->parent && k->id == o->parent) return "its bracket has filled";
  if (k->parent == o->id && o->opened != 0) {
    bool early = s->cfg.rules == BV_RULES_BACKTRADER && !o->done;
    if (k->dormant && !early) wake(s, k, o, price, via);
    k->n = -o->opened;
  }
  return NULL;
}

bv_rc bv_bracket_filled(bv_sim *s, const bv_order *o, double n, double price, bv_via via,
                        int64_t ts, bv_err *err) {
  bv_queue *q = &s->queue;
  bv_asset *a = &s->ledger.asset[o->asset];
  for (size_t i = 0; i < q->n; i++) {
    bv_order *k = &q->order[i];
    if (k == o || k->done || k->asset != o->asset) continue;
    const char *why = after_fill(s, k, o, n, price, via);
    if (why) BV_TRY(end(q, k, a, ts, why, err));
  }
  for (size_t i = 0; i < q->n; i++) {
    bv_order *k = &q->order[i];
    if (k->done || k->dormant || !k->parent || k->asset != o->asset) continue;
    if (bv_ledger_picked(a, k->pick) * k->n < 0) continue;
    BV_TRY(end(q, k, a, ts, "the position is closed", err));
  }
  return bv_queue_orphans(q, s->ledger.asset, ts, err);
}
