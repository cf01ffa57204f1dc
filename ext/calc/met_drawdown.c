/*
** met_drawdown.c - episodes of the equity curve below its running peak.
**
**        peak *-.         .* recovery           An episode runs from the last point at the peak to
**                '._   _.'                      the first point that reaches it again; one still
**                   '-'                         open at the end runs to the last point.  Its depth
**                 trough                        is trough / peak - 1, its length recovery - peak.
**
** Ours counts V_0 as a peak that stands at the first point's time.  backtesting.py starts from the
** first point, and does not count an open episode that is the last point alone: its average depth
** is then that of the point if there is no other episode, and its durations are not defined.
*/
#include "calc/met.h"

#include <math.h>

typedef struct drawdown {
  double peak, trough; /* trough: depth of the open episode, 0 while at the peak */
  int64_t peak_ts;
  double deepest;
  met_sum depth; /* of finished episodes */
  int64_t episodes;
  int64_t sum_s, longest_s;
} drawdown;

static void episode_end(drawdown *d, int64_t ts) {
  const int64_t len = ts - d->peak_ts;
  met_add(&d->depth, d->trough);
  d->episodes++;
  d->sum_s += len;
  if (len > d->longest_s) d->longest_s = len;
}

static void point(drawdown *d, int64_t ts, double v) {
  if (v >= d->peak) {
    if (d->trough < 0) episode_end(d, ts);
    d->peak = v;
    d->peak_ts = ts;
    d->trough = 0;
    return;
  }
  d->trough = fmin(d->trough, v / d->peak - 1);
  d->deepest = fmin(d->deepest, d->trough);
}

/* Walk the whole curve from that starting peak, which must be positive.  The open episode is left
** open; *alone tells that it has one point only. */
static drawdown walk(const bv_metric_input *in, double start, int64_t *last_ts, bool *alone) {
  drawdown d = {.peak = start, .peak_ts = in->ts[0]};
  int64_t below = 0;
  for (int64_t i = 0; i < in->n; i++) {
    if (!isfinite(in->equity[i])) continue;
    point(&d, in->ts[i], in->equity[i]);
    below = d.trough < 0 ? below + 1 : 0;
    *last_ts = in->ts[i];
  }
  *alone = below == 1;
  return d;
}

static void own_facts(const bv_metric_input *in, double start, double *fact) {
  int64_t last_ts = 0;
  bool alone;
  drawdown d = walk(in, start, &last_ts, &alone);
  if (d.trough < 0) episode_end(&d, last_ts);
  fact[MET_MAX_DD] = d.deepest;
  fact[MET_EQUITY_PEAK] = d.peak;
  if (d.episodes == 0) return;
  fact[MET_AVG_DD] = met_total(&d.depth) / (double)d.episodes;
  fact[MET_MAX_DD_S] = (double)d.longest_s;
  fact[MET_AVG_DD_S] = (double)d.sum_s / (double)d.episodes;
}

static void bt_facts(const bv_metric_input *in, const met_curve *c, double *fact) {
  int64_t last_ts = 0;
  bool alone;
  drawdown d = walk(in, c->first, &last_ts, &alone);
  fact[MET_MAX_DD_BT] = d.deepest;
  fact[MET_EQUITY_PEAK_BT] = d.peak;
  if (d.trough < 0 && !alone) episode_end(&d, last_ts);
  if (d.episodes == 0) {
    if (alone) fact[MET_AVG_DD_BT] = d.trough;
    return;
  }
  fact[MET_AVG_DD_BT] = met_total(&d.depth) / (double)d.episodes;
  fact[MET_MAX_DD_S_BT] = met_round_up(c, d.longest_s, 1);
  fact[MET_AVG_DD_S_BT] = met_round_up(c, d.sum_s, d.episodes);
}

/* Deepest drawdown and ulcer index of the periods: what libraries that take daily returns see. */
static void period_facts(const met_series *s, double start, double *fact) {
  double peak = start, deepest = 0;
  met_sum squares = {0, 0};
  for (int64_t i = 0; i < s->n; i++) {
    peak = fmax(peak, s->v[i]);
    const double dd = s->v[i] / peak - 1;
    deepest = fmin(deepest, dd);
    met_add(&squares, dd * dd);
  }
  fact[MET_MAX_DD_PERIOD] = deepest;
  if (s->n > 1) fact[MET_ULCER] = sqrt(met_total(&squares) / (double)(s->n - 1));
}

void met_drawdown_facts(const bv_metric_input *in, const met_curve *c, double *fact) {
  if (c->points == 0) return;
  fact[MET_EQUITY_FINAL] = c->last;
  if (c->start > 0) {
    own_facts(in, c->start, fact);
    period_facts(&c->own, c->start, fact);
  }
  if (c->first > 0) bt_facts(in, c, fact);
}
