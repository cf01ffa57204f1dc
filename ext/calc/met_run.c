/*
** met_run.c - the columns of a run, as the kernels want them.
**
** Columns of periods lie in memory; of points and trades, which went by, there is what was summed up.
** Undefined values are left out: a period without a return (the equity before it was not positive) has
** none, a pair needs both its returns, an excursion a positive value at entry.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>

#define DAY_S 86400

static met_sample sample_of(const bv_metric_input *in, double periods) {
  return (met_sample){.slot = {[BV_METRIC_PERIODS] = periods,
                               [BV_METRIC_RISK_FREE] = in->risk_free,
                               [BV_METRIC_A] = NAN,
                               [BV_METRIC_B] = NAN}};
}

/* Points went by: there are their episodes, of V_0 and the finite points. */
static void lay_points(met_run *r, const met_curve *c, const met_walk *w) {
  met_sample *all = &r->s[MET_POINTS], *bt = &r->s[MET_POINTS_BT];
  all->n = c->points > 0 ? c->points + 1 : 0;
  all->drops = w->same ? w->bt : w->own;
  all->drops.first = c->start;
  all->has_drops = true;
  bt->n = c->points;
  bt->drops = w->bt;
  bt->has_drops = true;
}

/* V_0 and the values of the periods, by their days as local seconds. */
static void lay_periods(met_run *r, const met_curve *c) {
  met_sample *s = &r->s[MET_PERIOD_ENDS];
  if (c->points == 0) return;
  c->own.v[-1] = c->start;
  s->x = c->own.v - 1;
  s->n = c->own.n + 1;
  s->drops = met_drops_from(c->own.key[0] * DAY_S, c->start);
  for (int64_t i = 0; i < c->own.n; i++) {
    met_drops_add(&s->drops, c->own.key[i] * DAY_S, c->own.v[i]);
  }
  s->has_drops = true;
}

/* What 1 became, where the value before was positive. */
static void set_gross(met_sample *s, double first, double last, int64_t count) {
  s->known_gross = true;
  s->gross = first > 0 ? last / first : (double)NAN;
  s->count = count;
}

static void lay_returns(met_run *r, const bv_metric_input *in, const met_curve *c) {
  met_sample *own = &r->s[MET_RETURNS], *deep = &r->s[MET_RETURNS_DEEP];
  met_sample *bt = &r->s[MET_RETURNS_BT];
  own->x = c->own.r;
  own->n = c->own.nr;
  own->room = r->room;
  if (c->points > 0)
    set_gross(own, c->start, c->last, isfinite(in->start) ? c->own.n : c->own.n - 1);
  *deep = *own;
  deep->room = NULL; /* no ratio over a drawdown sorts */
  deep->known_depth = true;
  deep->depth = met_max_drawdown(&r->s[MET_POINTS]);
  own->known_depth = true;
  own->depth = met_max_drawdown(&r->s[MET_PERIOD_ENDS]);
  bt->x = c->bt.r;
  bt->n = c->bt.nr;
  if (c->points > 0) set_gross(bt, c->first, c->last, c->bt.nr);
  bt->known_depth = true;
  bt->depth = met_max_drawdown(&r->s[MET_POINTS_BT]);
}

bv_rc met_run_init(met_run *r, const bv_metric_input *in, const met_curve *c, const met_walk *w,
                   bv_err *err) {
  for (int i = 0; i < MET_SAMPLES; i++) {
    const bool bt = i == MET_RETURNS_BT || i == MET_PAIRS_BT;
    r->s[i] = sample_of(in, bt ? c->bt.per_year : c->own.per_year);
  }
  r->room = bv_alloc(BV_MEM_RUN, ((size_t)c->own.nr + 1) * sizeof *r->room);
  if (!r->room)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld periods", (long long)c->own.n);
  lay_points(r, c, w);
  lay_periods(r, c);
  lay_returns(r, in, c);
  return BV_OK;
}

/* Append the pair of returns from (v0, b0) to (v, b), where both exist. */
static int64_t put_pair(double *x, double *y, int64_t n, double v0, double b0, double v, double b) {
  if (!(v0 > 0) || !(b0 > 0) || !isfinite(b)) return n;
  x[n] = v / v0 - 1;
  y[n] = b / b0 - 1;
  return n + 1;
}

static void lay_pairs(met_run *r, const bv_metric_input *in, const met_curve *c) {
  met_sample *s = &r->s[MET_PAIRS];
  double *x = r->pairs, *y = x + c->own.n;
  double v0 = in->start, b0 = in->bench_start;
  s->room = y + c->own.n;
  for (int64_t i = 0; i < c->own.n; i++) {
    s->n = put_pair(x, y, s->n, v0, b0, c->own.v[i], c->own.b[i]);
    v0 = c->own.v[i];
    b0 = c->own.b[i];
  }
  s->x = x;
  s->y = y;
}

/* Every point, from the first on: they went by. */
static void lay_pairs_bt(met_run *r, const bv_metric_input *in, const met_versus *v) {
  met_sample *s = &r->s[MET_PAIRS_BT];
  s->n = v->pairs.n;
  s->both[true] = v->pairs.m;
  s->has_both[true] = true;
  s->known_gross = s->n > 0;
  s->gross = v->gross;
  s->known_hold = true;
  s->hold = in->bench_first != 0 ? v->b0 / v->first : s->n > 0 ? v->hold : (double)NAN;
}

bv_rc met_run_pairs(met_run *r, const bv_metric_input *in, const met_curve *c, const met_versus *v,
                    bv_err *err) {
  r->pairs = bv_alloc(BV_MEM_RUN, (3 * (size_t)c->own.n + 1) * sizeof *r->pairs);
  if (!r->pairs)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld periods", (long long)c->own.n);
  lay_pairs(r, in, c);
  lay_pairs_bt(r, in, v);
  return BV_OK;
}

void met_run_reset(met_run *r) {
  bv_free(r->room);
  bv_free(r->pairs);
  r->room = r->pairs = NULL;
}
