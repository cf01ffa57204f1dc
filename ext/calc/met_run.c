/*
** met_run.c - the columns of a run, as the kernels want them.
**
** All columns lie in one block of doubles, carved from the front.  Undefined values are left out: a
** period without a return (the equity before it was not positive) has none, a pair needs both its
** returns, an excursion a positive value at entry.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>

#define DAY_S 86400

/* Rows of the block still free. */
typedef struct carver {
  double *at;
} carver;

static double *take(carver *c, int64_t n) {
  double *p = c->at;
  c->at += n;
  return p;
}

static met_sample sample_of(const bv_metric_input *in, double periods) {
  return (met_sample){.slot = {[BV_METRIC_PERIODS] = periods,
                               [BV_METRIC_RISK_FREE] = in->risk_free,
                               [BV_METRIC_A] = NAN,
                               [BV_METRIC_B] = NAN}};
}

/* Whether the points are as they must be where they lie. */
static bool in_place(const bv_metric_input *in, const met_curve *c) {
  return in->equity_before && in->ts_before && c->points == in->n;
}

static void copy_points(const bv_metric_input *in, double *v, int64_t *ts) {
  int64_t n = 1;
  for (int64_t i = 0; i < in->n; i++) {
    if (!isfinite(in->equity[i])) continue;
    ts[n] = in->ts[i];
    v[n++] = in->equity[i];
  }
}

/* V_0 and the finite points; their times too. */
static void lay_points(met_run *r, const bv_metric_input *in, const met_curve *c, carver *room) {
  const bool placed = in_place(in, c);
  double *v = placed ? in->equity_before : take(room, c->points + 1);
  int64_t *ts = placed ? in->ts_before : r->ts;
  const int64_t n = c->points + 1;
  if (!placed) copy_points(in, v, ts);
  v[0] = c->start;
  if (n > 1) ts[0] = ts[1];
  met_sample *all = &r->s[MET_POINTS], *bt = &r->s[MET_POINTS_BT];
  all->x = v;
  all->ts = ts;
  all->n = c->points > 0 ? n : 0;
  bt->x = v + 1;
  bt->ts = ts + 1;
  bt->n = n - 1;
}

static void lay_periods(met_run *r, const met_curve *c, carver *room) {
  double *v = take(room, c->own.n + 1);
  v[0] = c->start;
  for (int64_t i = 0; i < c->own.n; i++) {
    v[i + 1] = c->own.v[i];
    r->day_ts[i + 1] = c->own.key[i] * DAY_S;
  }
  if (c->own.n > 0) r->day_ts[0] = r->day_ts[1];
  r->s[MET_PERIOD_ENDS].x = v;
  r->s[MET_PERIOD_ENDS].ts = r->day_ts;
  r->s[MET_PERIOD_ENDS].n = c->points > 0 ? c->own.n + 1 : 0;
}

/* What 1 became, where the value before was positive. */
static void set_gross(met_sample *s, double first, double last, int64_t count) {
  s->known_gross = true;
  s->gross = first > 0 ? last / first : (double)NAN;
  s->count = count;
}

static void lay_returns(met_run *r, const bv_metric_input *in, const met_curve *c, carver *room) {
  met_sample *own = &r->s[MET_RETURNS], *deep = &r->s[MET_RETURNS_DEEP];
  met_sample *bt = &r->s[MET_RETURNS_BT];
  own->x = c->own.r;
  own->n = c->own.nr;
  own->room = take(room, c->own.nr + 1);
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

/* Append the pair of returns from (v0, b0) to (v, b), where both exist. */
static int64_t put_pair(double *x, double *y, int64_t n, double v0, double b0, double v, double b) {
  if (!(v0 > 0) || !(b0 > 0) || !isfinite(b)) return n;
  x[n] = v / v0 - 1;
  y[n] = b / b0 - 1;
  return n + 1;
}

static void lay_pairs(met_run *r, const bv_metric_input *in, const met_curve *c, carver *room) {
  met_sample *s = &r->s[MET_PAIRS];
  double *x = take(room, c->own.n), *y = take(room, c->own.n);
  double v0 = in->start, b0 = in->bench ? in->bench_start : (double)NAN;
  s->room = take(room, c->own.n + 1);
  for (int64_t i = 0; i < c->own.n; i++) {
    s->n = put_pair(x, y, s->n, v0, b0, c->own.v[i], c->own.b[i]);
    v0 = c->own.v[i];
    b0 = c->own.b[i];
  }
  s->x = x;
  s->y = y;
}

/* Every point, from the first on. */
static void lay_pairs_bt(met_run *r, const bv_metric_input *in, carver *room) {
  met_sample *s = &r->s[MET_PAIRS_BT];
  double *x = take(room, in->n), *y = take(room, in->n);
  double v0 = NAN, b0 = NAN, first = NAN;
  for (int64_t i = 0; i < in->n; i++) {
    if (!isfinite(in->equity[i])) continue;
    s->n = put_pair(x, y, s->n, v0, b0, in->equity[i], in->bench[i]);
    v0 = in->equity[i];
    b0 = in->bench[i];
    if (isnan(first) && i >= in->bench_first) first = b0;
  }
  s->x = x;
  s->y = y;
  if (in->bench_first == 0) return;
  s->known_hold = true;
  s->hold = b0 / first;
}

static void lay_trades(met_run *r, const bv_metric_input *in, carver *room) {
  double *p = take(room, in->ntrade), *x = take(room, in->ntrade);
  double *mfe = take(room, in->ntrade), *mae = take(room, in->ntrade);
  met_sample *pnl = &r->s[MET_PNL], *ret = &r->s[MET_TRADE_RETURN], *exc = &r->s[MET_EXCURSIONS];
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    const double value = fabs(t->qty * t->entry_price * t->multiplier);
    if (t->open) continue;
    p[pnl->n++] = t->pnl;
    if (isfinite(t->ret)) x[ret->n++] = t->ret;
    if (!(value > 0) || !isfinite(t->mfe) || !isfinite(t->mae)) continue;
    mfe[exc->n] = t->mfe / value;
    mae[exc->n++] = t->mae / value;
  }
  pnl->x = p;
  pnl->slot[BV_METRIC_A] = in->start;
  ret->x = x;
  exc->x = mfe;
  exc->y = mae;
}

static int64_t doubles_needed(const bv_metric_input *in, const met_curve *c) {
  const int64_t pairs_bt = in->bench ? 2 * in->n : 0, points = in_place(in, c) ? 0 : c->points + 1;
  return points + c->own.n + 1 + c->own.nr + 1 + 3 * c->own.n + 1 + pairs_bt + 4 * in->ntrade;
}

bv_rc met_run_init(met_run *r, const bv_metric_input *in, const met_curve *c, bv_err *err) {
  for (int i = 0; i < MET_SAMPLES; i++) {
    const bool bt = i == MET_RETURNS_BT || i == MET_PAIRS_BT;
    r->s[i] = sample_of(in, bt ? c->bt.per_year : c->own.per_year);
  }
  const bool placed = in_place(in, c);
  if (!placed) r->ts = bv_alloc(BV_MEM_RUN, ((size_t)c->points + 1) * sizeof *r->ts);
  r->day_ts = bv_alloc(BV_MEM_RUN, ((size_t)c->own.n + 1) * sizeof *r->day_ts);
  r->room = bv_alloc(BV_MEM_RUN, (size_t)doubles_needed(in, c) * sizeof *r->room);
  if ((!r->ts && !placed) || !r->day_ts || !r->room)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld points", (long long)c->points);
  carver room = {r->room};
  lay_points(r, in, c, &room);
  lay_periods(r, c, &room);
  lay_returns(r, in, c, &room);
  lay_pairs(r, in, c, &room);
  if (in->bench) lay_pairs_bt(r, in, &room);
  lay_trades(r, in, &room);
  return BV_OK;
}

void met_run_reset(met_run *r) {
  bv_free(r->ts);
  bv_free(r->day_ts);
  bv_free(r->room);
  r->ts = r->day_ts = NULL;
  r->room = NULL;
}
