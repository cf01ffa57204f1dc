/* trail.c - results on their way, counted, hashed, and held back; see trail.h. */
#include "run/trail.h"
#include "data/barhash.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[BV_TRAIL_KINDS] = {"equity",      "orders",     "fills",
                                                  "trades",      "cash flows", "margin events",
                                                  "risk events", "triggers"};

_Static_assert(sizeof(bv_sim_sink) == 8 * sizeof(void *), "a new kind of result is one here, too");

/* ---- hashes ---- */

typedef struct mixer {
  uint64_t h;
} mixer;

static void whole(mixer *m, int64_t x) {
  m->h = bv_hash_mix(m->h, (uint64_t)x);
}

static void number(mixer *m, double x) {
  int64_t bits = INT64_C(0x7ff8000000000000);
  if (!isnan(x)) memcpy(&bits, &x, sizeof bits);
  whole(m, bits);
}

static void text(mixer *m, const char *s) {
  whole(m, s ? (int64_t)strlen(s) : -1);
  for (; s && *s; s++) whole(m, *s);
}

static void mix_order(mixer *m, const bv_sim_order *o) {
  whole(m, o->id);
  whole(m, o->ts);
  whole(m, o->done_ts);
  whole(m, o->asset);
  whole(m, o->ask);
  number(m, o->amount);
  number(m, o->qty);
  number(m, o->filled);
  number(m, o->avg_price);
  whole(m, o->state);
  whole(m, o->type);
  whole(m, o->tif);
  number(m, o->limit);
  number(m, o->stop);
  number(m, o->trail);
  number(m, o->trail_percent);
  whole(m, o->parent);
  text(m, o->reason);
  text(m, o->tag);
}

static void mix_fill(mixer *m, const bv_sim_fill *f) {
  whole(m, f->id);
  whole(m, f->order);
  whole(m, f->ts);
  whole(m, f->asset);
  number(m, f->qty);
  number(m, f->price);
  number(m, f->commission);
  number(m, f->slippage);
  number(m, f->pnl);
  number(m, f->position);
  number(m, f->cash);
  whole(m, f->ambiguous);
}

static void mix_lot(mixer *m, const bv_sim_lot *l) {
  whole(m, l->id);
  whole(m, l->asset);
  number(m, l->qty);
  whole(m, l->entry_ts);
  whole(m, l->exit_ts);
  whole(m, l->entry_fill);
  whole(m, l->exit_fill);
  number(m, l->entry_price);
  number(m, l->exit_price);
  number(m, l->commission);
  number(m, l->pnl);
  number(m, l->ret);
  whole(m, l->bars);
  number(m, l->mae);
  number(m, l->mfe);
  whole(m, l->open);
  text(m, l->tag);
}

static void mix_event(mixer *m, const bv_trail_event *e) {
  switch (e->kind) {
  case BV_TRAIL_ORDER: mix_order(m, &e->u.order); return;
  case BV_TRAIL_FILL: mix_fill(m, &e->u.fill); return;
  case BV_TRAIL_LOT: mix_lot(m, &e->u.lot); return;
  case BV_TRAIL_FLOW:
    whole(m, e->u.flow.id);
    whole(m, e->u.flow.ts);
    whole(m, e->u.flow.asset);
    text(m, e->u.flow.kind);
    number(m, e->u.flow.qty);
    number(m, e->u.flow.amount);
    number(m, e->u.flow.cash);
    return;
  case BV_TRAIL_MARGIN:
    whole(m, e->u.margin.id);
    whole(m, e->u.margin.ts);
    text(m, e->u.margin.event);
    number(m, e->u.margin.value);
    number(m, e->u.margin.required);
    whole(m, e->u.margin.orders);
    return;
  case BV_TRAIL_RISK:
    whole(m, e->u.risk.ts);
    whole(m, e->u.risk.asset);
    text(m, e->u.risk.rule);
    text(m, e->u.risk.action);
    whole(m, e->u.risk.number);
    number(m, e->u.risk.value);
    number(m, e->u.risk.limit);
    whole(m, e->u.risk.order);
    return;
  default:
    whole(m, e->u.trigger.order);
    whole(m, e->u.trigger.ts);
    number(m, e->u.trigger.stop);
  }
}

void bv_trail_point(bv_trail *t, int64_t ts, double value, double cash, bool exposed) {
  mixer m = {t->hash[BV_TRAIL_EQUITY]};
  whole(&m, ts);
  number(&m, value);
  number(&m, cash);
  whole(&m, exposed);
  t->hash[BV_TRAIL_EQUITY] = m.h;
  t->n[BV_TRAIL_EQUITY]++;
}

/* ---- the sink ---- */

static bv_rc hand_over(const bv_sim_sink *s, const bv_trail_event *e, bv_err *err) {
  switch (e->kind) {
  case BV_TRAIL_ORDER: return s->order(s->ctx, &e->u.order, err);
  case BV_TRAIL_FILL: return s->fill(s->ctx, &e->u.fill, err);
  case BV_TRAIL_LOT: return s->lot(s->ctx, &e->u.lot, err);
  case BV_TRAIL_FLOW: return s->flow(s->ctx, &e->u.flow, err);
  case BV_TRAIL_MARGIN: return s->margin(s->ctx, &e->u.margin, err);
  case BV_TRAIL_RISK: return s->risk(s->ctx, &e->u.risk, err);
  default: return s->trigger(s->ctx, &e->u.trigger, err);
  }
}

static bv_rc take(bv_trail *t, const bv_trail_event *e, bv_err *err) {
  mixer m = {t->hash[e->kind]};
  mix_event(&m, e);
  t->hash[e->kind] = m.h;
  t->n[e->kind]++;
  if (t->hold && t->nheld == BV_TRAIL_MAX) {
    BV_TRY(t->full(t->ctx, err));
    BV_TRY(bv_trail_drain(t, err));
  }
  if (!t->hold) return hand_over(&t->sink, e, err);
  BV_TRY(bv_room(BV_MEM_RUN, &t->held, t->nheld, sizeof *t->held));
  t->held[t->nheld++] = *e;
  return BV_OK;
}

bv_rc bv_trail_drain(bv_trail *t, bv_err *err) {
  for (int i = 0; i < t->nheld; i++) BV_TRY(hand_over(&t->sink, &t->held[i], err));
  t->nheld = 0;
  return BV_OK;
}

void bv_trail_tags(const bv_trail *t, void (*fn)(void *ctx, const char *tag), void *ctx) {
  for (int i = 0; i < t->nheld; i++) {
    const bv_trail_event *e = &t->held[i];
    if (e->kind == BV_TRAIL_ORDER) fn(ctx, e->u.order.tag);
    if (e->kind == BV_TRAIL_LOT) fn(ctx, e->u.lot.tag);
  }
}

static bv_rc on_order(void *ctx, const bv_sim_order *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_ORDER, {.order = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_fill(void *ctx, const bv_sim_fill *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_FILL, {.fill = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_lot(void *ctx, const bv_sim_lot *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_LOT, {.lot = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_flow(void *ctx, const bv_sim_flow *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_FLOW, {.flow = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_margin(void *ctx, const bv_sim_margin *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_MARGIN, {.margin = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_risk(void *ctx, const bv_sim_firing *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_RISK, {.risk = *x}};
  return take(ctx, &e, err);
}
static bv_rc on_trigger(void *ctx, const bv_sim_trigger *x, bv_err *err) {
  const bv_trail_event e = {BV_TRAIL_TRIGGER, {.trigger = *x}};
  return take(ctx, &e, err);
}

bv_sim_sink bv_trail_sink(bv_trail *t) {
  return (bv_sim_sink){.ctx = t,
                       .order = on_order,
                       .fill = on_fill,
                       .lot = on_lot,
                       .flow = on_flow,
                       .margin = on_margin,
                       .risk = on_risk,
                       .trigger = on_trigger};
}

void bv_trail_reset(bv_trail *t) {
  bv_free(t->held);
  *t = (bv_trail){0};
}

/* ---- as a text ---- */

static void kind_text(const bv_trail *t, int kind, char out[80]) {
  snprintf(out, 80, "%s %" PRId64 " %016" PRIx64 ";", names[kind], t->n[kind], t->hash[kind]);
}

bv_rc bv_trail_text(const bv_trail *t, bv_buf *out) {
  char one[80];
  for (int k = 0; k < BV_TRAIL_KINDS; k++) {
    kind_text(t, k, one);
    BV_TRY(bv_buf_addf(out, "%s%s", k ? " " : "", one));
  }
  return BV_OK;
}

const char *bv_trail_differs(const bv_trail *t, const char *text, int64_t *now, int64_t *then) {
  for (int k = 0; k < BV_TRAIL_KINDS; k++) {
    char one[80], name[24];
    kind_text(t, k, one);
    if (strstr(text, one)) continue;
    snprintf(name, sizeof name, "%s ", names[k]);
    const char *at = strstr(text, name);
    *now = t->n[k];
    *then = 0;
    if (at) (void)sscanf(at + strlen(name), "%" SCNd64, then);
    return names[k];
  }
  return NULL;
}
