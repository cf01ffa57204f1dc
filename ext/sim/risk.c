/* risk.c - the exit rules of positions; see risk.h. */
#include "sim/risk.h"

#include "sim/size.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- life --- */

bv_rc bv_risk_new(bv_sim *s, const bv_ruleset *rules, const bv_zone *zone, bv_err *err) {
  assert(!s->risk && s->ledger.nasset == 0);
  if (rules->n == 0) return BV_OK;
  bv_risk *r = bv_alloc0(BV_MEM_SIM, sizeof *r);
  if (!r) return BV_NOMEM;
  s->risk = r;
  r->rules = rules;
  r->zone = zone ? zone : bv_zone_utc();
  r->peak = r->value = r->day_start = s->cfg.cash;
  r->day_end = INT64_MIN;
  r->limit = bv_alloc0(BV_MEM_SIM, (size_t)rules->n * sizeof *r->limit);
  if (!r->limit) return BV_NOMEM;
  for (int i = 0; i < rules->n; i++) {
    const bv_rule *k = &rules->rule[i];
    r->limit[i] = (bv_risk_limit){.halted_until = INT64_MIN, .context = NAN};
    r->exits |= k->kind < BV_RULE_MAX_POSITION;
    r->limits |= k->kind >= BV_RULE_MAX_POSITION;
    if (k->kind != BV_RULE_VAR) continue;
    r->limit[i].ret = bv_alloc(BV_MEM_SIM, 2 * (size_t)k->window * sizeof(double));
    if (!r->limit[i].ret) return BV_NOMEM;
  }
  if (r->exits && s->cfg.sides == BV_SIDES_BOTH) {
    return bv_fail(err, BV_ARG, "rules that leave positions need sides net");
  }
  return BV_OK;
}

void bv_risk_free(bv_sim *s) {
  bv_risk *r = s->risk;
  if (!r) return;
  for (int i = 0; r->limit && i < r->rules->n; i++) bv_free(r->limit[i].ret);
  bv_free(r->limit);
  bv_free(r->asset);
  bv_free(r->cell);
  bv_free(r);
  s->risk = NULL;
}

/* A rule of an asset's own goes before those of its kind for all. */
static uint64_t rules_of(const bv_ruleset *rules, const char *key) {
  uint64_t own = 0, kinds = 0, all = 0;
  for (int i = 0; i < rules->n; i++) {
    const bv_rule *k = &rules->rule[i];
    bool scoped = k->asset && k->kind != BV_RULE_CONTEXT;
    if (!scoped || strcmp(k->asset, key) != 0) continue;
    own |= 1ull << i;
    kinds |= 1ull << k->kind;
  }
  for (int i = 0; i < rules->n; i++) {
    const bv_rule *k = &rules->rule[i];
    bool scoped = k->asset && k->kind != BV_RULE_CONTEXT;
    if (!scoped && !(kinds & (1ull << k->kind))) all |= 1ull << i;
  }
  return own | all;
}

bv_rc bv_risk_reserve_asset(bv_sim *s, int asset) {
  bv_risk *r = s->risk;
  size_t rules = (size_t)r->rules->n;
  if (asset >= r->cap) {
    int cap = r->cap ? r->cap * 2 : 8;
    bv_risk_asset *more = bv_realloc(BV_MEM_SIM, r->asset, (size_t)cap * sizeof *more);
    if (!more) return BV_NOMEM;
    r->asset = more;
    bv_risk_cell *cell = bv_realloc(BV_MEM_SIM, r->cell, (size_t)cap * rules * sizeof *cell);
    if (!cell) return BV_NOMEM;
    r->cell = cell;
    r->cap = cap;
  }
  return BV_OK;
}

void bv_risk_add_asset(bv_sim *s, int asset) {
  bv_risk *r = s->risk;
  size_t rules = (size_t)r->rules->n;
  const char *key = s->ledger.asset[asset].key;
  r->asset[asset] = (bv_risk_asset){.rules = rules_of(r->rules, key)};
  for (size_t i = 0; i < rules; i++) {
    const char *group = bv_rule_group(&r->rules->rule[i], key);
    bv_risk_cell *c = &r->cell[(size_t)asset * rules + i];
    *c = (bv_risk_cell){.atr = NAN,
                        .before = NAN,
                        .at_entry = NAN,
                        .ratchet = NAN,
                        .group = group,
                        .lead = asset,
                        .seen = INT64_MIN};
    for (int k = 0; group && k < asset && c->lead == asset; k++) {
      const char *other = r->cell[(size_t)k * rules + i].group;
      if (other && strcmp(other, group) == 0) c->lead = k;
    }
  }
  r->nasset = asset + 1;
}

static bv_risk_cell *cell_of(const bv_risk *r, int asset, int rule) {
  return &r->cell[(size_t)asset * (size_t)r->rules->n + (size_t)rule];
}

static bool applies(const bv_risk *r, int asset, int rule) {
  return (r->asset[asset].rules >> rule) & 1;
}

bv_rc bv_risk_reserve(bv_sim *s, bv_err *err) {
  /* An order that waits opens at most one position in a call, and a guard leaves one; each is followed
  ** by two guards at most. */
  if (bv_queue_reserve(&s->queue, 2 * s->queue.n + 2) == BV_OK) return BV_OK;
  return bv_fail(err, BV_NOMEM, "out of memory for the orders of risk rules");
}

bv_rc bv_risk_fire(bv_sim *s, int rule, int64_t ts, int asset, double value, double limit,
                   int64_t order, bv_err *err) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  bv_sim_firing f = {.ts = ts,
                     .asset = asset,
                     .rule = bv_rule_name(k->kind),
                     .action = bv_action_name(k->action),
                     .number = rule + 1,
                     .value = value,
                     .limit = limit,
                     .order = order};
  return s->sink.risk ? s->sink.risk(s->sink.ctx, &f, err) : BV_OK;
}

/* --- levels --- */

/* A price moved by `percent`, as it is worked out by hand: 10 % above 100 is 110, which 100 x 1.1 is not, and a bar
** whose high is 110 reaches it. */
static double moved(double price, double percent) {
  double x = price * (100 + percent) / 100, decimal = round(x * 1e8) / 1e8;
  return fabs(decimal - x) <= 1e-15 * fabs(x) ? decimal : x;
}

static double tightened(const bv_rule *k, double best, double avg, int d) {
  double percent = NAN;
  for (int i = 0; i < k->nstep && d * best >= d * moved(avg, d * k->step[i].at); i++) {
    percent = k->step[i].percent;
  }
  return moved(best, -d * percent);
}

static double stop_of(const bv_risk *r, int asset, int rule, int d, double avg) {
  const bv_rule *k = &r->rules->rule[rule];
  const bv_risk_asset *h = &r->asset[asset];
  const bv_risk_cell *c = cell_of(r, asset, rule);
  bool held = h->side == d;
  double best = held ? k->closes != 0 ? h->close : h->best : avg;
  switch (k->kind) {
  case BV_RULE_STOP_LOSS: return moved(avg, -d * k->percent);
  case BV_RULE_TRAILING_STOP: return moved(best, -d * k->percent);
  case BV_RULE_TIGHTENING_STOP: return tightened(k, best, avg, d);
  case BV_RULE_VOLATILITY_STOP:
    if (k->trail == 0) return avg - d * k->k * (held ? c->at_entry : c->atr);
    return held ? c->ratchet : avg - d * k->k * c->atr;
  default: return NAN;
  }
}

double bv_risk_stop(const bv_sim *s, int asset, int d, double avg, int *rule) {
  const bv_risk *r = s->risk;
  double level = NAN;
  for (int i = 0; i < r->rules->n; i++) {
    if (!applies(r, asset, i) || r->rules->rule[i].action != BV_ACTION_EXIT) continue;
    double x = stop_of(r, asset, i, d, avg);
    if (!(x > 0) || d * x <= d * level) continue;
    level = x;
    *rule = i;
  }
  return level;
}

/* The nearest target, the rule it is of, and the lots that leave there. */
static double target_of(const bv_sim *s, int asset, double avg, int *rule, double *lots) {
  const bv_risk *r = s->risk;
  const bv_asset *a = &s->ledger.asset[asset];
  int d = a->n > 0 ? 1 : -1;
  double level = NAN;
  for (int i = 0; i < r->rules->n; i++) {
    const bv_rule *k = &r->rules->rule[i];
    double x = NAN, n = fabs(a->n);
    if (!applies(r, asset, i) || k->action != BV_ACTION_EXIT) continue;
    if (k->kind == BV_RULE_TAKE_PROFIT) x = moved(avg, d * k->percent);
    if (k->kind == BV_RULE_SCALED_EXIT && r->asset[asset].step < k->nstep) {
      const bv_rule_step *step = &k->step[r->asset[asset].step];
      x = moved(avg, d * step->at);
      n = fmax(1, bv_size_round(n * step->percent / 100));
    }
    if (!(x > 0) || d * x >= d * level) continue;
    level = x;
    *rule = i;
    *lots = n;
  }
  return level;
}

/* --- guards --- */

static bv_order *guard_of(bv_sim *s, int asset, bv_role role) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    if (o->guard && !o->done && o->asset == asset && o->role == role) return o;
  }
  return NULL;
}

static void push_guard(bv_sim *s, const bv_order *by, const bv_place *at, bv_role role) {
  const bv_risk_asset *h = &s->risk->asset[by->asset];
  bv_asset *a = &s->ledger.asset[by->asset];
  bool stop = role == BV_ROLE_STOP_LOSS;
  bv_order o = {.ts = at->ts,
                .asset = by->asset,
                .ask = BV_ASK_TARGET,
                .mark = a->mark,
                .bar = a->bars - 1,
                .type = stop ? BV_TYPE_STOP : BV_TYPE_LIMIT,
                .role = role,
                .side = -h->side,
                .until = INT64_MAX,
                .parent = h->entry,
                .entered = a->bars,
                .from = at->price,
                .via = at->via,
                .rests = true,
                .seen = true,
                .reduce_only = true,
                .ambiguous = by->ambiguous,
                .guard = 1};
  bv_queue_push(&s->queue, a, o);
}

/* Let a guard stand at a level for n lots more than it has filled. */
static void set_guard(bv_sim *s, bv_order *o, double level, int rule, double lots) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  *(o->role == BV_ROLE_STOP_LOSS ? &o->stop : &o->limit) = level;
  o->guard = rule + 1;
  o->tag = bv_rule_name(s->risk->rules->rule[rule].kind);
  o->n = o->filled + (a->n > 0 ? -lots : lots);
}

/* A part of a scaled exit waits for volume: its quantity is settled. */
static bool goes_on(const bv_sim *s, const bv_order *o) {
  bool scaled = s->risk->rules->rule[o->guard - 1].kind == BV_RULE_SCALED_EXIT;
  return scaled && o->filled != 0;
}

/* Guards as the position and the levels now want them; `by` NULL: only those that are there move. */
static void place_guards(bv_sim *s, int asset, bv_order *by, const bv_place *at, bool move) {
  const bv_asset *a = &s->ledger.asset[asset];
  double avg = bv_ledger_average(a), lots = fabs(a->n);
  int d = a->n > 0 ? 1 : -1;
  for (int which = 0; which < 2; which++) {
    bv_role role = which ? BV_ROLE_TAKE_PROFIT : BV_ROLE_STOP_LOSS;
    int rule = 0;
    double n = lots, level = which ? target_of(s, asset, avg, &rule, &n)
                                   : bv_risk_stop(s, asset, d, avg, &rule);
    bv_order *o = guard_of(s, asset, role);
    if (isnan(level) || (o && goes_on(s, o))) continue;
    if (!o && by) {
      push_guard(s, by, at, role);
      o = &s->queue.order[s->queue.n - 1];
      set_guard(s, o, level, rule, n);
      by->brackets = true;
    } else if (o && move) {
      set_guard(s, o, level, rule, n);
    } else if (o) {
      o->n = o->filled - d * (which ? n : lots);
    }
  }
}

/* The entry's own bar tells of the best price only what comes after the entry. */
static void begin_position(bv_sim *s, const bv_order *o, const bv_place *at) {
  bv_risk *r = s->risk;
  bv_risk_asset *h = &r->asset[o->asset];
  const bv_asset *a = &s->ledger.asset[o->asset];
  h->side = a->n > 0 ? 1 : a->n < 0 ? -1 : 0;
  h->best = h->close = bv_ledger_average(a);
  h->entry = o->id;
  h->entered = a->bars;
  h->via = at->via;
  h->step = 0;
  for (int i = 0; i < r->rules->n; i++) {
    bv_risk_cell *c = cell_of(r, o->asset, i);
    const bv_rule *k = &r->rules->rule[i];
    c->over = false;
    c->at_entry = c->atr;
    c->ratchet = k->trail != 0 ? h->best - h->side * k->k * c->atr : NAN;
  }
}

/* Whatever a rule has found of it. */
static void position_ended(bv_risk *r, int asset) {
  r->asset[asset].side = 0;
  for (int i = 0; i < r->rules->n; i++) {
    if (r->rules->rule[i].kind != BV_RULE_GROUP) cell_of(r, asset, i)->over = false;
  }
}

/* Targets that wait were made orders with the position in mind that a rule has just closed. */
static bv_rc drop_targets(bv_sim *s, const bv_order *by, int64_t ts, bv_err *err) {
  bv_asset *a = &s->ledger.asset[by->asset];
  const char *why = bv_rule_reason(s->risk->rules->rule[by->guard - 1].kind);
  for (size_t i = 0; a->nwait > 0 && i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    bool target = o->asset == by->asset && !o->parent && !o->guard && bv_ask_is_target(o->ask);
    if (!target || o->done || o == by) continue;
    a->target = NAN; /* asked for again, it is news */
    int64_t at = ts > o->ts ? ts : o->ts;
    BV_TRY(bv_order_finish(&s->queue, o, a, at, BV_ORDER_CANCELLED, why, err));
  }
  return bv_queue_orphans(&s->queue, s->ledger.asset, ts, err);
}

bv_rc bv_risk_filled(bv_sim *s, bv_order *o, const bv_place *at, bv_err *err) {
  bv_risk *r = s->risk;
  if (o->guard && s->ledger.asset[o->asset].n == 0) BV_TRY(drop_targets(s, o, at->ts, err));
  if (s->ledger.asset[o->asset].nlot == 0) position_ended(r, o->asset);
  if (!r->exits) return BV_OK;
  bv_risk_asset *h = &r->asset[o->asset];
  const bv_asset *a = &s->ledger.asset[o->asset];
  int side = a->n > 0 ? 1 : a->n < 0 ? -1 : 0;
  if (o->guard && o->type != BV_TYPE_MARKET && o->last == 0) { /* its first fill */
    const bv_rule *k = &r->rules->rule[o->guard - 1];
    double level = o->role == BV_ROLE_STOP_LOSS ? o->stop : o->limit;
    BV_TRY(bv_risk_fire(s, o->guard - 1, at->ts, o->asset, at->price, level, o->id, err));
    if (k->kind == BV_RULE_SCALED_EXIT) h->step++;
  }
  if (side != h->side) begin_position(s, o, at);
  if (side != 0) place_guards(s, o->asset, o, at, at->via == BV_VIA_OPEN);
  return BV_OK;
}

/* --- orders decided at a close --- */

/* The order that takes a side of a position off at the next open. */
static bv_order *leaving(bv_sim *s, int asset, int side) {
  for (size_t i = 0; i < s->queue.n; i++) {
    bv_order *o = &s->queue.order[i];
    bool market = o->guard && !o->done && o->type == BV_TYPE_MARKET;
    if (market && o->asset == asset && o->side == side) return o;
  }
  return NULL;
}

/* It is to take `lots` off; what asks for more than the rule before it has the order. */
static void enlarge(const bv_sim *s, bv_order *o, double lots, bool all, int rule) {
  o->n = o->filled + o->side * lots;
  o->ask = all ? BV_ASK_TARGET : BV_ASK_QTY;
  o->amount = all ? 0 : bv_ledger_qty(&s->ledger, o->n);
  o->close = all;
  o->guard = rule + 1;
  o->tag = bv_rule_name(s->risk->rules->rule[rule].kind);
}

bv_rc bv_risk_leave(bv_sim *s, int64_t t, int asset, int rule, int side, double share,
                    int64_t *order, bv_err *err) {
  bv_asset *a = &s->ledger.asset[asset];
  *order = 0;
  if (bv_queue_reserve(&s->queue, 2) != BV_OK) {
    return bv_fail(err, BV_NOMEM, "out of memory for the orders of risk rules");
  }
  bool all = share >= 1;
  for (int sign = 1; sign >= -1; sign -= 2) {
    double held = bv_ledger_side(&s->ledger, a, sign);
    double n = all ? held : fmin(held, ceil(held * share - 1e-9));
    if (n == 0 || (side != 0 && side != sign)) continue;
    bv_order *on_its_way = leaving(s, asset, -sign);
    if (on_its_way) {
      if (n <= fabs(on_its_way->n - on_its_way->filled)) continue;
      enlarge(s, on_its_way, n, all, rule);
      *order = on_its_way->id;
      continue;
    }
    bv_order o = {.ts = t,
                  .asset = asset,
                  .ask = all ? BV_ASK_TARGET : BV_ASK_QTY,
                  .n = -sign * n,
                  .mark = a->mark,
                  .bar = a->bars - 1,
                  .close = all,
                  .tag = bv_rule_name(s->risk->rules->rule[rule].kind),
                  .type = BV_TYPE_MARKET,
                  .side = -sign,
                  .until = INT64_MAX,
                  .pick = {.side = s->ledger.both ? sign : 0},
                  .rests = true,
                  .reduce_only = true,
                  .guard = rule + 1};
    o.amount = all ? 0 : bv_ledger_qty(&s->ledger, o.n);
    bv_queue_push(&s->queue, a, o);
    *order = s->queue.order[s->queue.n - 1].id;
  }
  return BV_OK;
}

/* --- the end of a bar --- */

static void range_ended(bv_risk_cell *c, const bv_rule *k, const bv_sim_bar *bar) {
  if (isnan(bar->high) || isnan(bar->low)) return;
  double range = bar->high - bar->low;
  if (!isnan(c->before)) {
    range = fmax(range, fmax(fabs(bar->high - c->before), fabs(bar->low - c->before)));
  }
  if (!isnan(bar->close)) c->before = bar->close;
  c->n++;
  if (c->n <= (int64_t)k->atr) {
    c->sum += range;
    if (c->n == (int64_t)k->atr) c->atr = c->sum / k->atr;
  } else {
    c->atr += (range - c->atr) / k->atr;
  }
}

static void best_ended(bv_risk_asset *h, const bv_sim_bar *bar, int64_t number) {
  double reached = h->side > 0 ? bar->high : bar->low;
  bool here = h->entered == number && h->via != BV_VIA_OPEN;
  bool after = h->via == (h->side > 0 ? BV_VIA_RISE : BV_VIA_FALL);
  if (here && !after) reached = bar->close;
  if (h->side * reached > h->side * h->best) h->best = reached;
  if (h->side * bar->close > h->side * h->close) h->close = bar->close;
}

/* Rules that only warn, and those decided at the close. */
static bv_rc watch(bv_sim *s, int64_t t, const bv_sim_bar *bar, int rule, bv_err *err) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  const bv_asset *a = &s->ledger.asset[bar->asset];
  bv_risk_cell *c = cell_of(s->risk, bar->asset, rule);
  int d = a->n > 0 ? 1 : -1;
  double avg = bv_ledger_average(a), value, limit;
  bool fires;
  if (k->kind == BV_RULE_TIME_EXIT) {
    value = (double)(a->bars - a->opened);
    limit = k->bars;
    fires = value >= limit;
  } else if (k->action != BV_ACTION_WARN) {
    return BV_OK;
  } else if (k->kind == BV_RULE_TAKE_PROFIT) {
    value = d > 0 ? bar->high : bar->low;
    limit = moved(avg, d * k->percent);
    fires = d * value >= d * limit;
  } else {
    value = d > 0 ? bar->low : bar->high;
    limit = stop_of(s->risk, bar->asset, rule, d, avg);
    fires = d * value <= d * limit;
  }
  bool before = c->over;
  int64_t order = 0;
  c->over = fires;
  if (!fires || before) return BV_OK;
  if (k->action == BV_ACTION_EXIT) {
    BV_TRY(bv_risk_leave(s, t, bar->asset, rule, 0, 1, &order, err));
  }
  return bv_risk_fire(s, rule, t, bar->asset, value, limit, order, err);
}

static bv_rc bar_ended(bv_sim *s, int64_t t, const bv_sim_bar *bar, bv_err *err) {
  bv_risk *r = s->risk;
  const bv_asset *a = &s->ledger.asset[bar->asset];
  bv_risk_asset *h = &r->asset[bar->asset];
  bool held = h->side != 0 && a->nlot > 0;
  bool lived = held && a->bars > h->entered; /* it was there before the close */
  for (int i = 0; lived && i < r->rules->n; i++) {
    bool exit = r->rules->rule[i].kind < BV_RULE_MAX_POSITION;
    if (exit && applies(r, bar->asset, i)) BV_TRY(watch(s, t, bar, i, err));
  }
  if (lived) best_ended(h, bar, a->bars - 1);
  for (int i = 0; i < r->rules->n; i++) {
    const bv_rule *k = &r->rules->rule[i];
    if (k->kind != BV_RULE_VOLATILITY_STOP || !applies(r, bar->asset, i)) continue;
    bv_risk_cell *c = cell_of(r, bar->asset, i);
    range_ended(c, k, bar);
    if (!held) continue;
    if (isnan(c->at_entry)) c->at_entry = c->atr;
    double x = (k->closes != 0 ? h->close : h->best) - h->side * k->k * c->atr;
    if (k->trail != 0 && !(h->side * x <= h->side * c->ratchet)) c->ratchet = x;
  }
  if (held) {
    const bv_place at = {.price = a->mark, .ts = t, .via = BV_VIA_OPEN};
    bv_order by = {.asset = bar->asset};
    if (bv_queue_reserve(&s->queue, 2) != BV_OK) return BV_NOMEM;
    place_guards(s, bar->asset, &by, &at, true);
  }
  return BV_OK;
}

/* Those that are held go in the order of their keys, as the orders that rules make get their numbers by it. */
static bv_rc bars_ended(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  bv_ledger *l = &s->ledger;
  bv_rc rc = BV_OK;
  for (int i = 0; i < n; i++) l->asset[bar[i].asset].bar = &bar[i];
  for (int i = 0; rc == BV_OK && i < l->nopen; i++) {
    const bv_sim_bar *b = l->asset[l->open[i]].bar;
    if (b) rc = bar_ended(s, t, b, err);
  }
  for (int i = 0; i < n; i++) {
    bv_asset *a = &l->asset[bar[i].asset];
    a->bar = NULL;
    if (rc == BV_OK && a->nlot == 0) rc = bar_ended(s, t, &bar[i], err);
  }
  return rc;
}

bv_rc bv_risk_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err) {
  if (s->risk->exits) BV_TRY(bars_ended(s, t, bar, n, err));
  return s->risk->limits ? bv_risk_limits(s, t, err) : BV_OK;
}

bv_rc bv_risk_delivered(bv_sim *s, int asset, int64_t order, int64_t t, bv_err *err) {
  bv_risk *r = s->risk;
  const bv_asset *a = &s->ledger.asset[asset];
  int side = a->n > 0 ? 1 : a->n < 0 ? -1 : 0;
  if (side == 0) position_ended(r, asset);
  if (!r->exits || side == 0) return BV_OK;
  bv_order by = {.id = order, .asset = asset};
  bv_place at = {.price = bv_ledger_average(a), .ts = t, .via = BV_VIA_OPEN};
  if (side != r->asset[asset].side) begin_position(s, &by, &at);
  BV_TRY(bv_risk_reserve(s, err));
  place_guards(s, asset, &by, &at, true);
  return BV_OK;
}

void bv_risk_split(bv_sim *s, int asset, double ratio) {
  bv_risk *k = s->risk;
  bv_risk_asset *a = &k->asset[asset];
  if (s->ledger.asset[asset].nlot == 0) position_ended(k, asset);
  a->best /= ratio;
  a->close /= ratio;
  for (int i = 0; i < k->rules->n; i++) {
    bv_risk_cell *c = &k->cell[asset * k->rules->n + i];
    c->atr /= ratio;
    c->before /= ratio;
    c->sum /= ratio;
    c->at_entry /= ratio;
    c->ratchet /= ratio;
  }
}
