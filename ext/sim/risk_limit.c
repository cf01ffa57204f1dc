/*
** risk_limit.c - limits: what an order may open, and what is held after a close; see risk.h.
**
** Shares of the account are in percent of its value.  The risk of a position, its heat, is what it loses
** down to its nearest stop (of the rules or of a bracket); without one it is all of its value.
*/
#include "sim/risk.h"

#include "sim/size.h"
#include "time/timestep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Exposure of the account by one rule's measure: what counts against it and what it allows. */
typedef struct measure {
  double value;   /* of the account */
  double used;    /* currency, without the order */
  double per_lot; /* what a lot of the order adds */
  double allowed; /* currency */
} measure;

static double price_of(const bv_asset *a, bv_value_at at, double otherwise) {
  double p = bv_ledger_price(a, at);
  return isnan(p) ? otherwise : p;
}

/* --- heat --- */

/* The nearest stop of the brackets that wait for a position of side d; `entry`: of that order alone. */
static double bracket_stop(const bv_sim *s, int asset, int d, int64_t entry) {
  double level = NAN;
  for (size_t i = 0; i < s->queue.n; i++) {
    const bv_order *o = &s->queue.order[i];
    bool stop = o->asset == asset && o->role == BV_ROLE_STOP_LOSS && !o->guard && !o->done;
    if (!stop || (entry ? o->parent != entry : o->dormant)) continue;
    if (o->side == -d && !(d * o->stop <= d * level)) level = o->stop;
  }
  return level;
}

/* What one lot loses down to its stop. */
static double lot_risk(const bv_sim *s, int asset, int d, double avg, double price, int64_t entry) {
  const bv_asset *a = &s->ledger.asset[asset];
  int rule;
  double a_stop = bracket_stop(s, asset, d, entry);
  double stop = s->risk->exits ? bv_risk_stop(s, asset, d, avg, &rule) : NAN;
  if (!(d * a_stop <= d * stop) && !isnan(a_stop)) stop = a_stop;
  double distance = isnan(stop) ? price : fmax(0, d * (price - stop));
  return fabs(distance * a->unit);
}

static double heat_of(const bv_sim *s, int asset, double n, bv_value_at at) {
  const bv_asset *a = &s->ledger.asset[asset];
  if (n == 0) return 0;
  double price = price_of(a, at, a->mark);
  return fabs(n) * lot_risk(s, asset, n > 0 ? 1 : -1, bv_ledger_average(a), price, 0);
}

/* --- measures --- */

static const char *group_of(const bv_sim *s, const bv_rule *k, int asset) {
  const bv_risk *r = s->risk;
  return r->cell[(size_t)asset * (size_t)r->rules->n + (size_t)(k - r->rules->rule)].group;
}

static bool same_group(const bv_sim *s, const bv_rule *k, int asset, const char *group) {
  const char *of = group_of(s, k, asset);
  return of && group && strcmp(of, group) == 0;
}

/* Lots that the legs of a combo thought of as filled add to a position (state.h). */
static double trial_of(const bv_sim *s, int asset) {
  for (int i = 0; i < s->ntrial; i++) {
    const bv_leg *k = &s->trial[i];
    if (k->order->asset == asset) return k->plan.close + k->plan.open;
  }
  return 0;
}

/* Lots of either side. */
static double size_of(const bv_sim *s, const bv_asset *a) {
  return bv_ledger_side(&s->ledger, a, 1) + bv_ledger_side(&s->ledger, a, -1);
}

/* What a position uses of a rule, with `more` lots. */
static double use_of(const bv_sim *s, const bv_rule *k, bv_value_at at, int asset, double more,
                     const char *group) {
  const bv_asset *a = &s->ledger.asset[asset];
  bool both = s->ledger.both;
  double n = a->n + more, lots = both ? size_of(s, a) + fabs(more) : fabs(n);
  double lot = a->unit * bv_ledger_price(a, at);
  if (k->kind == BV_RULE_GROSS) return fabs(lots * lot);
  if (k->kind == BV_RULE_NET) return n * lot;
  if (k->kind == BV_RULE_HEAT && both) {
    double up = bv_ledger_side(&s->ledger, a, 1) + fmax(0, more);
    double down = bv_ledger_side(&s->ledger, a, -1) + fmax(0, -more);
    return heat_of(s, asset, up, at) + heat_of(s, asset, -down, at);
  }
  if (k->kind == BV_RULE_HEAT) return heat_of(s, asset, n, at);
  return k->kind == BV_RULE_GROUP && same_group(s, k, asset, group) ? fabs(lots * lot) : 0;
}

/* What the positions use of a rule, but for `asset` (-1: none is left out). */
static double used_by(const bv_sim *s, const bv_rule *k, bv_value_at at, int asset,
                      const char *group) {
  double sum = 0;
  for (int i = 0; i < s->ledger.nopen; i++) {
    int number = s->ledger.open[i];
    if (number == asset) continue;
    sum += use_of(s, k, at, number, trial_of(s, number), group);
  }
  for (int i = 0; i < s->ntrial; i++) {
    int number = s->trial[i].order->asset;
    bool held = s->ledger.asset[number].nlot > 0;
    if (!held && number != asset) sum += use_of(s, k, at, number, trial_of(s, number), group);
  }
  return sum;
}

/* The rule against an order that has closed p->close lots and opens more. */
static measure measure_order(const bv_sim *s, const bv_rule *k, const bv_order *o,
                             const bv_place *at, const bv_plan *p) {
  const bv_asset *a = &s->ledger.asset[o->asset];
  double price = price_of(a, at->at, at->price), left = a->n + p->close;
  int d = p->open > 0 ? 1 : -1;
  measure m = {.value = bv_ledger_value(&s->ledger, at->at), .per_lot = fabs(a->unit * price)};
  m.allowed = k->percent / 100 * m.value;
  const char *group = group_of(s, k, o->asset);
  m.used = used_by(s, k, at->at, o->asset, group);
  if (k->kind == BV_RULE_NET) {
    m.used = d * (m.used + left * a->unit * price);
  } else if (k->kind == BV_RULE_HEAT) {
    double avg = left != 0 ? bv_ledger_average(a) : price;
    m.used += s->ledger.both ? use_of(s, k, at->at, o->asset, 0, NULL)
              : left != 0    ? heat_of(s, o->asset, left, at->at)
                             : 0;
    m.per_lot = lot_risk(s, o->asset, d, avg, price, o->id);
  } else {
    m.used += (s->ledger.both ? size_of(s, a) : fabs(left)) * m.per_lot;
  }
  if (k->kind == BV_RULE_GROUP && !group) m.per_lot = 0;
  return m;
}

/* --- what an order may open --- */

/* Whether a gate lets orders through; what it saw and its bound. */
static bool gate_open(const bv_sim *s, int rule, const bv_order *o, double left, int64_t ts,
                      double *value, double *limit) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  const bv_risk_limit *l = &s->risk->limit[rule];
  const bv_asset *a = &s->ledger.asset[o->asset];
  switch (k->kind) {
  case BV_RULE_MAX_POSITIONS:
    *value = s->ledger.nopen - (a->nlot > 0) + 1;
    for (int i = 0; i < s->ntrial; i++)
      *value += s->ledger.asset[s->trial[i].order->asset].nlot == 0;
    *limit = k->positions;
    return left != 0 || *value <= *limit;
  case BV_RULE_CONTEXT:
    *value = l->context;
    *limit = l->context < k->min || isinf(k->max) ? k->min : k->max;
    return l->context >= k->min && l->context <= k->max;
  default:
    *value = NAN;
    *limit = k->percent;
    return l->halted_until <= ts;
  }
}

static bool is_share(bv_rule_kind k) {
  return k == BV_RULE_MAX_POSITION || k == BV_RULE_GROSS || k == BV_RULE_NET || k == BV_RULE_HEAT ||
         k == BV_RULE_GROUP;
}

static bv_rc cut_by(bv_sim *s, int rule, const bv_order *o, const bv_place *at, bv_plan *p,
                    bv_err *err) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  double value, limit, room = 0, left = s->ledger.asset[o->asset].n + p->close;
  if (is_share(k->kind)) {
    measure m = measure_order(s, k, o, at, p);
    if (m.per_lot == 0) return BV_OK;
    room = fmax(0, bv_size_round(fmax(0, m.allowed - m.used) / m.per_lot));
    if (room >= fabs(p->open)) return BV_OK;
    value = (m.used + fabs(p->open) * m.per_lot) / m.value * 100;
    limit = k->percent;
  } else if (gate_open(s, rule, o, left, at->ts, &value, &limit)) {
    return BV_OK;
  }
  if (k->action != BV_ACTION_WARN) {
    p->open = k->action == BV_ACTION_REDUCE ? copysign(room, p->open) : 0;
    p->reason = bv_rule_reason(k->kind);
    if (o->tif == BV_TIF_FOK) p->open = p->close = 0;
  }
  return bv_risk_fire(s, rule, at->ts, o->asset, value, limit, o->id, err);
}

bv_rc bv_risk_cut(bv_sim *s, const bv_order *o, const bv_place *at, bv_plan *p, bv_err *err) {
  const bv_risk *r = s->risk;
  for (int i = 0; i < r->rules->n && p->open != 0; i++) {
    const bv_rule *k = &r->rules->rule[i];
    bool on = k->kind >= BV_RULE_MAX_POSITION && (r->asset[o->asset].rules >> i) & 1;
    if (on && is_share(k->kind) && k->action == BV_ACTION_LIQUIDATE) on = false;
    if (on) BV_TRY(cut_by(s, i, o, at, p, err));
  }
  return BV_OK;
}

/* --- what is held --- */

/* Take a part of the positions off: all (share 1), of a group, of one side, of one asset. */
static bv_rc shrink(bv_sim *s, int64_t t, int rule, int asset, int side, const char *group,
                    double share, bv_err *err) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  for (int i = 0; i < s->ledger.nopen; i++) {
    int number = s->ledger.open[i];
    const bv_asset *a = &s->ledger.asset[number];
    bool other = (asset >= 0 && number != asset) ||
                 (side != 0 && bv_ledger_side(&s->ledger, a, side) == 0) ||
                 (group && !same_group(s, k, number, group));
    int64_t order;
    if (!other) BV_TRY(bv_risk_leave(s, t, number, rule, side, share, &order, err));
  }
  return BV_OK;
}

static bv_rc cancel_waiting(bv_sim *s, int64_t t, int rule, bv_err *err) {
  bv_queue *q = &s->queue;
  const char *why = bv_rule_reason(s->risk->rules->rule[rule].kind);
  for (size_t i = 0; i < q->n; i++) {
    bv_order *o = &q->order[i];
    if (o->done || o->guard || o->parent) continue;
    int64_t at = t > o->ts ? t : o->ts;
    BV_TRY(bv_order_finish(q, o, &s->ledger.asset[o->asset], at, BV_ORDER_CANCELLED, why, err));
  }
  BV_TRY(bv_queue_orphans(q, s->ledger.asset, t, err));
  bv_queue_sweep(q);
  return BV_OK;
}

/* A share of the account beyond its limit after a close.  `heavy` is the worth that can be sold down. */
static bv_rc share_over(bv_sim *s, int64_t t, int rule, bool *over, int asset, const char *group,
                        double used, double heavy, double value, bv_err *err) {
  const bv_rule *k = &s->risk->rules->rule[rule];
  double allowed = k->percent / 100 * value;
  bool before = *over;
  *over = fabs(used) > allowed * (1 + 1e-9);
  bool again = k->action == BV_ACTION_REDUCE && k->kind != BV_RULE_HEAT;
  if (!*over || (before && !again)) return BV_OK;
  BV_TRY(bv_risk_fire(s, rule, t, asset, fabs(used) / value * 100, k->percent, 0, err));
  int side = k->kind == BV_RULE_NET ? used > 0 ? 1 : -1 : 0;
  if (k->action == BV_ACTION_LIQUIDATE) return shrink(s, t, rule, asset, 0, group, 1, err);
  if (!again) return BV_OK;
  double share = value > 0 ? (fabs(used) - allowed) / heavy : 1;
  return shrink(s, t, rule, asset, side, group, share, err);
}

static bv_rc watch_positions(bv_sim *s, int64_t t, int rule, double value, bv_err *err) {
  bv_risk *r = s->risk;
  for (int i = 0; i < s->ledger.nopen; i++) {
    int number = s->ledger.open[i];
    if (!((r->asset[number].rules >> rule) & 1)) continue;
    bool *over = &r->cell[(size_t)number * (size_t)r->rules->n + (size_t)rule].over;
    const bv_asset *a = &s->ledger.asset[number];
    double held = fabs(size_of(s, a) * a->unit * bv_ledger_price(a, BV_VALUE_MARK));
    BV_TRY(share_over(s, t, rule, over, number, NULL, held, held, value, err));
  }
  return BV_OK;
}

static bv_risk_cell *cell_of(const bv_risk *r, int asset, int rule) {
  return &r->cell[(size_t)asset * (size_t)r->rules->n + (size_t)rule];
}

/* Each group once.  What is known of it is kept with the first of its members. */
static bv_rc watch_groups(bv_sim *s, int64_t t, int rule, double value, bv_err *err) {
  bv_risk *r = s->risk;
  const bv_rule *k = &r->rules->rule[rule];
  for (int i = 0; i < s->ledger.nopen; i++) {
    int number = s->ledger.open[i];
    const char *group = group_of(s, k, number);
    if (!group) continue;
    bv_risk_cell *lead = cell_of(r, cell_of(r, number, rule)->lead, rule);
    if (lead->seen == t) continue;
    lead->seen = t;
    double held = used_by(s, k, BV_VALUE_MARK, -1, group);
    BV_TRY(share_over(s, t, rule, &lead->over, -1, group, held, held, value, err));
  }
  for (int i = 0; i < r->nasset; i++) {
    bv_risk_cell *c = cell_of(r, i, rule);
    if (c->over && c->seen != t) c->over = false; /* nobody of it is held any more */
  }
  return BV_OK;
}

static double side_worth(const bv_sim *s, int side) {
  double sum = 0;
  for (int i = 0; i < s->ledger.nopen; i++) {
    const bv_asset *a = &s->ledger.asset[s->ledger.open[i]];
    double price = bv_ledger_price(a, BV_VALUE_MARK);
    sum += fmax(0, bv_ledger_side(&s->ledger, a, side) * a->unit * price);
  }
  return sum;
}

/* --- losses --- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Loss of the account in a step that a share `level` of the last ones did not exceed, in percent, between two
** of them by their distance; NaN until the window is full. */
static double value_at_risk(bv_risk_limit *l, const bv_rule *k, double ret) {
  int64_t window = (int64_t)k->window;
  l->ret[l->n++ % window] = ret;
  if (l->n < window) return NAN;
  double *sorted = l->ret + window;
  memcpy(sorted, l->ret, (size_t)window * sizeof *sorted);
  qsort(sorted, (size_t)window, sizeof *sorted, by_size);
  double at = (1 - k->level / 100) * (double)(window - 1), part = at - floor(at);
  int64_t i = (int64_t)at;
  double next = sorted[i + 1 < window ? i + 1 : i];
  return -100 * (sorted[i] + part * (next - sorted[i]));
}

static bv_rc loss(bv_sim *s, int64_t t, int rule, double value, int64_t until, bv_err *err) {
  bv_risk_limit *l = &s->risk->limit[rule];
  const bv_rule *k = &s->risk->rules->rule[rule];
  bool before = l->over;
  l->over = value >= k->percent;
  if (k->kind == BV_RULE_VAR && !l->over) l->halted_until = INT64_MIN;
  if (!l->over || before || l->halted_until > t) return BV_OK;
  BV_TRY(bv_risk_fire(s, rule, t, -1, value, k->percent, 0, err));
  if (k->action == BV_ACTION_WARN) return BV_OK;
  l->halted_until = until;
  if (k->action != BV_ACTION_LIQUIDATE) return BV_OK;
  BV_TRY(cancel_waiting(s, t, rule, err));
  return shrink(s, t, rule, -1, 0, NULL, 1, err);
}

/* The close at midnight is the last of its day. */
static void begin_day(bv_risk *r, int64_t t) {
  const bv_timestep day = {.unit = BV_DAY, .n = 1};
  if (t <= r->day_end) return;
  r->day_start = r->value;
  bv_bucket_start(day, r->zone, t - 1, &r->day_end);
  for (int i = 0; i < r->rules->n; i++) {
    if (r->rules->rule[i].kind == BV_RULE_DAILY_LOSS) r->limit[i].over = false;
  }
}

static bv_rc watch_rule(bv_sim *s, int64_t t, int rule, double value, double ret, bv_err *err) {
  bv_risk *r = s->risk;
  const bv_rule *k = &r->rules->rule[rule];
  bv_risk_limit *l = &r->limit[rule];
  double used;
  switch (k->kind) {
  case BV_RULE_MAX_POSITION: return watch_positions(s, t, rule, value, err);
  case BV_RULE_GROUP: return watch_groups(s, t, rule, value, err);
  case BV_RULE_GROSS:
  case BV_RULE_HEAT:
    used = used_by(s, k, BV_VALUE_MARK, -1, NULL);
    return share_over(s, t, rule, &l->over, -1, NULL, used, used, value, err);
  case BV_RULE_NET:
    used = used_by(s, k, BV_VALUE_MARK, -1, NULL);
    return share_over(s, t, rule, &l->over, -1, NULL, used, side_worth(s, used > 0 ? 1 : -1), value,
                      err);
  case BV_RULE_DRAWDOWN: return loss(s, t, rule, (r->peak - value) / r->peak * 100, INT64_MAX, err);
  case BV_RULE_DAILY_LOSS: {
    double lost = (r->day_start - value) / fabs(r->day_start) * 100;
    return loss(s, t, rule, lost, r->day_end, err);
  }
  case BV_RULE_VAR: return loss(s, t, rule, value_at_risk(l, k, ret), INT64_MAX, err);
  default: return BV_OK;
  }
}

bv_rc bv_risk_limits(bv_sim *s, int64_t t, bv_err *err) {
  bv_risk *r = s->risk;
  double value = bv_ledger_value(&s->ledger, BV_VALUE_MARK);
  double ret = r->value != 0 ? value / r->value - 1 : 0;
  begin_day(r, t);
  r->peak = fmax(r->peak, value);
  for (int i = 0; i < r->rules->n; i++) BV_TRY(watch_rule(s, t, i, value, ret, err));
  r->value = value;
  return BV_OK;
}
