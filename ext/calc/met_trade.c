/*
** met_trade.c - statistics of closed trades, exposure and turnover.
**
** p is a trade's net P&L in currency, x its net return on the entry value.  A trade with p = 0 is
** neither won nor lost, but counts in the win rate's denominator.  Open trades count only where it
** is said.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

/* The closed trades as columns. */
typedef struct closed {
  double *p, *x;
  int64_t n;
  int64_t longest_s, sum_s;
} closed;

/* Steps [lo, hi] of the curve that a trade touches. */
typedef struct touch {
  int64_t lo, hi;
} touch;

static bv_rc closed_init(closed *c, const bv_metric_input *in, bv_err *err) {
  *c = (closed){0};
  c->p = bv_alloc(BV_MEM_RUN, (size_t)in->ntrade * sizeof *c->p);
  c->x = bv_alloc(BV_MEM_RUN, (size_t)in->ntrade * sizeof *c->x);
  if (!c->p || !c->x)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld trades", (long long)in->ntrade);
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    if (t->open) continue;
    const int64_t len = t->exit_ts - t->entry_ts;
    c->p[c->n] = t->pnl;
    c->x[c->n++] = t->ret;
    c->sum_s += len;
    if (len > c->longest_s) c->longest_s = len;
  }
  return BV_OK;
}

static void closed_reset(closed *c) {
  bv_free(c->p);
  bv_free(c->x);
}

/* Count and sum of the positive and of the negative values. */
typedef struct sides {
  int64_t nwin, nloss;
  double win, loss;
} sides;

static sides sides_of(const double *x, int64_t n) {
  sides s = {0, 0, 0, 0};
  met_sum win = {0, 0}, loss = {0, 0};
  for (int64_t i = 0; i < n; i++) {
    if (x[i] > 0) {
      met_add(&win, x[i]);
      s.nwin++;
    } else if (x[i] < 0) {
      met_add(&loss, x[i]);
      s.nloss++;
    }
  }
  s.win = met_total(&win);
  s.loss = met_total(&loss);
  return s;
}

static void currency_facts(const closed *c, double *fact) {
  const met_moments m = met_moments_of(c->p, c->n);
  const sides s = sides_of(c->p, c->n);
  const double n = (double)c->n, w = (double)s.nwin / n;
  const double sd = met_sd(&m, fmax(fabs(m.lo), fabs(m.hi)));
  fact[MET_WIN_RATE] = w;
  fact[MET_PROFIT_FACTOR] = met_ratio(s.win, fabs(s.loss));
  if (s.nwin > 0 && s.nloss > 0)
    fact[MET_PAYOFF] = (s.win / (double)s.nwin) / fabs(s.loss / (double)s.nloss);
  fact[MET_EXPECTANCY] = m.mean;
  fact[MET_SQN] = met_ratio(sqrt(n) * m.mean, sd);
  fact[MET_KELLY] = w - (1 - w) / fact[MET_PAYOFF];
}

static void percent_facts(const closed *c, double *fact) {
  const met_moments m = met_moments_of(c->x, c->n);
  const sides s = sides_of(c->x, c->n);
  fact[MET_PROFIT_FACTOR_BT] = met_ratio(s.win, fabs(s.loss));
  fact[MET_EXPECTANCY_PCT] = m.mean;
  fact[MET_AVG_TRADE] = m.mean;
  fact[MET_AVG_TRADE_BT] = met_geometric(c->x, c->n);
  fact[MET_BEST_TRADE] = m.hi;
  fact[MET_WORST_TRADE] = m.lo;
}

static void duration_facts(const closed *c, const met_curve *curve, double *fact) {
  fact[MET_MAX_TRADE_S] = (double)c->longest_s;
  fact[MET_AVG_TRADE_S] = (double)c->sum_s / (double)c->n;
  fact[MET_MAX_TRADE_S_BT] = met_round_up(curve, c->longest_s, 1);
  fact[MET_AVG_TRADE_S_BT] = met_round_up(curve, c->sum_s, c->n);
}

/* The step in which instant t lies.  t on the border of two steps belongs to the later one; outside
** of the curve it belongs to the nearest. */
static int64_t step_of(const bv_metric_input *in, int64_t t) {
  int64_t lo = 0, hi = in->n; /* first point later than t */
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (in->ts[mid] > t)
      hi = mid;
    else
      lo = mid + 1;
  }
  const int64_t i = in->left ? lo - 1 : lo;
  return i < 0 ? 0 : i >= in->n ? in->n - 1 : i;
}

static int by_start(const void *a, const void *b) {
  const touch *x = a, *y = b;
  return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Share of steps that some trade touches, entry and exit included. */
static double touched(const bv_metric_input *in, bool with_open, touch *t) {
  int64_t n = 0, steps = 0, next = 0;
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *x = &in->trade[i];
    if (x->open && !with_open) continue;
    t[n++] = (touch){step_of(in, x->entry_ts), step_of(in, x->exit_ts)};
  }
  if (n > 1) qsort(t, (size_t)n, sizeof *t, by_start);
  for (int64_t i = 0; i < n; i++) {
    const int64_t lo = t[i].lo > next ? t[i].lo : next;
    if (t[i].hi < lo) continue;
    steps += t[i].hi + 1 - lo;
    next = t[i].hi + 1;
  }
  return (double)steps / (double)in->n;
}

static bv_rc exposure_facts(const bv_metric_input *in, double *fact, bv_err *err) {
  if (in->n < 1) return BV_OK;
  touch *t = bv_alloc(BV_MEM_RUN, (size_t)in->ntrade * sizeof *t);
  if (!t)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld trades", (long long)in->ntrade);
  fact[MET_EXPOSURE_BT] = touched(in, false, t);
  fact[MET_EXPOSURE] = touched(in, true, t);
  bv_free(t);
  if (!in->exposed) return BV_OK;
  int64_t steps = 0;
  for (int64_t i = 0; i < in->n; i++) steps += in->exposed[i] != 0;
  fact[MET_EXPOSURE] = (double)steps / (double)in->n;
  return BV_OK;
}

/* Value of all entries and exits, in units of the mean equity, per period and per year. */
static void turnover_facts(const bv_metric_input *in, const met_curve *c, double *fact) {
  met_sum value = {0, 0}, equity = {0, 0};
  if (!(fact[MET_PERIODS] > 0)) return;
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    const double exit = t->open ? 0 : fabs(t->qty * t->exit_price * t->multiplier);
    met_add(&value, fabs(t->qty * t->entry_price * t->multiplier) + exit);
  }
  for (int64_t i = 0; i < c->own.n; i++) met_add(&equity, c->own.v[i]);
  const double mean = met_total(&equity) / (double)c->own.n;
  if (!(mean > 0)) return;
  fact[MET_TURNOVER_PERIOD] = met_total(&value) / mean / fact[MET_PERIODS];
  fact[MET_TURNOVER] = fact[MET_TURNOVER_PERIOD] * c->own.per_year;
}

static double closed_commission(const bv_metric_input *in) {
  met_sum sum = {0};
  for (int64_t i = 0; i < in->ntrade; i++) {
    if (!in->trade[i].open) met_add(&sum, in->trade[i].commission);
  }
  return met_total(&sum);
}

bv_rc met_trade_facts(const bv_metric_input *in, const met_curve *c, double *fact, bv_err *err) {
  closed all;
  bv_rc rc = closed_init(&all, in, err);
  if (rc != BV_OK) goto done;
  fact[MET_TRADES] = (double)all.n;
  fact[MET_TRADES_ALL] = (double)in->ntrade;
  fact[MET_COMMISSION] = in->commission;
  fact[MET_COMMISSION_CLOSED] = closed_commission(in);
  if (all.n > 0) {
    currency_facts(&all, fact);
    percent_facts(&all, fact);
    duration_facts(&all, c, fact);
  }
  turnover_facts(in, c, fact);
  rc = exposure_facts(in, fact, err);
done:
  closed_reset(&all);
  return rc;
}
