/*
** met_trade.c - facts of closed trades: durations, excursions, exposure and turnover.
**
** Trades go by, at least twice: deviations are about a mean.  Open trades count only where it is said.  The excursions of a trade are its worst and best open
** result before commissions (mae <= 0 <= mfe); what it gave back is its gross result less its mfe.
*/
#include "calc/met.h"

#include <math.h>

#define BLOCK 256 /* trades whose steps are looked up at a time */

bv_rc met_trades_begin(met_trades *t, const bv_metric_input *in, const met_curve *c,
                       const met_walk *w, met_run *r, bv_err *err) {
  *t = (met_trades){.lean = c->own.n > 0, .day = {INT64_MIN, INT64_MIN}};
  for (int64_t i = 0; i < c->own.n; i++) t->lean &= c->own.v[i] > 0;
  met_sample *pnl = &r->s[MET_PNL], *ret = &r->s[MET_TRADE_RETURN], *exc = &r->s[MET_EXCURSIONS];
  pnl->slot[BV_METRIC_A] = pnl->stakes.capital = in->start;
  pnl->has_tally = pnl->has_stakes = pnl->has_moments = true;
  ret->has_tally = ret->has_logs = ret->has_moments = true;
  exc->has_edge = true;
  bv_rc rc = met_cover_init(&t->touched, w->all);
  if (rc == BV_OK && !w->knows) rc = met_cover_init(&t->with_open, w->all);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "metrics: no memory for steps in the market");
}

void met_trades_reset(met_trades *t) {
  met_cover_reset(&t->touched);
  met_cover_reset(&t->with_open);
}

/* ---- durations, excursions, costs ---- */

static double gross_of(const bv_metric_trades *p, int64_t i) {
  return p->qty[i] * p->multiplier[i] * (p->exit_price[i] - p->entry_price[i]);
}

static void add_closed(met_trades *t, const bv_metric_trades *p, int64_t i) {
  const int64_t len = p->exit_ts[i] - p->entry_ts[i];
  t->sum_s += len;
  if (len > t->longest) t->longest = len;
  t->closed++;
  met_add(&t->commission, p->commission[i]);
  if (!isfinite(p->mae[i]) || !isfinite(p->mfe[i])) return;
  const double back = gross_of(p, i) - p->mfe[i];
  met_add(&t->mae, p->mae[i]);
  met_add(&t->mfe, p->mfe[i]);
  met_add(&t->back, back);
  t->worst = fmin(t->worst, p->mae[i]);
  t->best = fmax(t->best, p->mfe[i]);
  t->most = fmin(t->most, back);
  t->excursions++;
}

/* ---- results ---- */

static void add_result(met_trades *t, met_run *r, const bv_metric_trades *p, int64_t i) {
  met_sample *pnl = &r->s[MET_PNL], *ret = &r->s[MET_TRADE_RETURN], *exc = &r->s[MET_EXCURSIONS];
  const double value = fabs(p->qty[i] * p->entry_price[i] * p->multiplier[i]);
  pnl->n++;
  met_span_add(&t->pnl, p->pnl[i]);
  met_tally_add(&pnl->tally, p->pnl[i]);
  met_stakes_add(&pnl->stakes, p->pnl[i]);
  if (isfinite(p->ret[i])) {
    ret->n++;
    met_span_add(&t->ret, p->ret[i]);
    met_tally_add(&ret->tally, p->ret[i]);
    met_logs_add(&ret->logs, p->ret[i]);
  }
  if (!(value > 0) || !isfinite(p->mfe[i]) || !isfinite(p->mae[i])) return;
  exc->n++;
  met_add(&exc->mfe, p->mfe[i] / value);
  met_add(&exc->mae, p->mae[i] / value);
}

/* What one walk tells of the moments; nothing in a run asks for those of higher order. */
static met_moments moments_of(const met_span *s) {
  met_moments m = {s->n, NAN, NAN, NAN, NAN, NAN, NAN};
  if (s->n < 1) return m;
  m.mean = met_total(&s->sum) / (double)s->n;
  m.lo = s->lo;
  m.hi = s->hi;
  return m;
}

static void add_squares(met_trades *t, const met_run *r, const bv_metric_trades *p) {
  const double mean = r->s[MET_PNL].moments.mean;
  for (int64_t i = 0; i < p->n; i++) {
    if (p->open[i]) continue;
    const double d = p->pnl[i] - mean;
    met_add(&t->squares, d * d);
  }
}

/* ---- turnover ---- */

/* The period in which a trade's instant lies: the first that does not end before its day. */
static int64_t period_of(met_trades *t, const bv_metric_input *in, const met_series *s, int side,
                         int64_t ts) {
  const int64_t day = met_day_of(in, ts);
  int64_t lo = 0, hi = s->n - 1;
  if (day == t->day[side]) return t->period[side];
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (s->key[mid] < day)
      lo = mid + 1;
    else
      hi = mid;
  }
  t->day[side] = day;
  return t->period[side] = lo;
}

/* Value of entries and exits; LEAN's over the equity at the end of the period they are in. */
static void add_traded(met_trades *t, const bv_metric_input *in, const met_curve *c,
                       const bv_metric_trades *p, int64_t i) {
  const double entry = fabs(p->qty[i] * p->entry_price[i] * p->multiplier[i]);
  const double exit = fabs(p->qty[i] * p->exit_price[i] * p->multiplier[i]);
  met_add(&t->value, entry);
  if (!p->open[i]) met_add(&t->value, exit);
  if (!t->lean) return;
  met_add(&t->lean_value, entry / c->own.v[period_of(t, in, &c->own, 0, p->entry_ts[i])]);
  if (p->open[i]) return;
  met_add(&t->lean_value, exit / c->own.v[period_of(t, in, &c->own, 1, p->exit_ts[i])]);
}

/* In units of the mean equity, per period and per year; and LEAN's mean over the periods. */
static void turnover_facts(const met_trades *t, const met_curve *c, double *fact) {
  met_sum equity = {0, 0};
  if (t->lean) fact[MET_TURNOVER_LEAN] = met_total(&t->lean_value) / (double)c->own.n;
  if (!(fact[MET_PERIODS] > 0)) return;
  for (int64_t i = 0; i < c->own.n; i++) met_add(&equity, c->own.v[i]);
  const double mean = met_total(&equity) / (double)c->own.n;
  if (!(mean > 0)) return;
  fact[MET_TURNOVER_PERIOD] = met_total(&t->value) / mean / fact[MET_PERIODS];
  fact[MET_TURNOVER] = fact[MET_TURNOVER_PERIOD] * c->own.per_year;
}

/* ---- exposure ---- */

/* The step in which an instant lies, by the points at or before it.  On the border of two steps it belongs to
** the later one; outside of the curve to the nearest. */
static int64_t step_of(const bv_metric_input *in, int64_t points, int64_t n) {
  const int64_t i = in->left ? points - 1 : points;
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Steps that some trade touches, entry and exit included. */
static bv_rc touch(met_trades *t, const bv_metric_input *in, const bv_metric_trades *p,
                   bv_err *err) {
  int64_t entry[BLOCK], exit[BLOCK];
  for (int64_t at = 0; at < p->n; at += BLOCK) {
    const int64_t n = p->n - at < BLOCK ? p->n - at : BLOCK;
    BV_TRY(p->count(p->ctx, p->entry_ts + at, n, entry, err));
    BV_TRY(p->count(p->ctx, p->exit_ts + at, n, exit, err));
    for (int64_t i = 0; i < n; i++) {
      const int64_t lo = step_of(in, entry[i], t->touched.n),
                    hi = step_of(in, exit[i], t->touched.n);
      if (!p->open[at + i]) met_cover_add(&t->touched, lo, hi);
      if (t->with_open.bits) met_cover_add(&t->with_open, lo, hi);
    }
  }
  return BV_OK;
}

static void exposure_facts(const met_trades *t, const met_walk *w, double *fact) {
  const double n = (double)w->all;
  if (w->all < 1) return;
  fact[MET_EXPOSURE_BT] = (double)t->touched.steps / n;
  fact[MET_EXPOSURE] = (double)(w->knows ? w->exposed : t->with_open.steps) / n;
}

/* ---- all of them ---- */

bv_rc met_trades_add(met_trades *t, const bv_metric_input *in, const met_curve *c, met_run *r,
                     const bv_metric_trades *p, bv_err *err) {
  for (int64_t i = 0; t->pass == 0 && i < p->n; i++) {
    t->n++;
    add_traded(t, in, c, p, i);
    if (p->open[i]) continue;
    add_closed(t, p, i);
    add_result(t, r, p, i);
  }
  if (t->pass == 1) add_squares(t, r, p);
  return met_cover_open(&t->touched) ? touch(t, in, p, err) : BV_OK;
}

bool met_trades_next(met_trades *t, met_run *r) {
  met_moments *m = &r->s[MET_PNL].moments;
  bool more = met_cover_next(&t->touched);
  if (t->with_open.bits) more |= met_cover_next(&t->with_open);
  if (t->pass == 0) {
    *m = moments_of(&t->pnl);
    r->s[MET_TRADE_RETURN].moments = moments_of(&t->ret);
    more |= t->closed > 0;
  } else if (t->pass == 1 && m->n > 0) {
    m->m2 = met_total(&t->squares) / (double)m->n;
  }
  t->pass++;
  return more;
}

void met_trade_facts(const met_trades *t, const bv_metric_input *in, const met_curve *c,
                     const met_walk *w, double *fact) {
  fact[MET_COMMISSION] = in->commission;
  fact[MET_COMMISSION_CLOSED] = met_total(&t->commission);
  fact[MET_SLIPPAGE] = in->slippage;
  fact[MET_FINANCING] = in->financing;
  fact[MET_TRADES] = (double)t->closed;
  fact[MET_TRADES_ALL] = (double)t->n;
  turnover_facts(t, c, fact);
  exposure_facts(t, w, fact);
  if (t->closed > 0) {
    const double n = (double)t->closed;
    fact[MET_MAX_TRADE_S] = (double)t->longest;
    fact[MET_AVG_TRADE_S] = (double)t->sum_s / n;
    fact[MET_MAX_TRADE_S_BT] = met_round_up(c, t->longest, 1);
    fact[MET_AVG_TRADE_S_BT] = met_round_up(c, t->sum_s, t->closed);
  }
  if (t->excursions > 0) {
    const double n = (double)t->excursions;
    fact[MET_AVG_MAE] = met_total(&t->mae) / n;
    fact[MET_MAX_MAE] = t->worst;
    fact[MET_AVG_MFE] = met_total(&t->mfe) / n;
    fact[MET_MAX_MFE] = t->best;
    fact[MET_AVG_GIVEN_BACK] = met_total(&t->back) / n;
    fact[MET_MAX_GIVEN_BACK] = t->most;
  }
}

static const bv_metric_def rows[] = {
    MET_FACT("trades", "", "count", MET_TRADES, "closed trades", "common"),
    MET_FACT("trades", "all", "count", MET_TRADES_ALL, "closed and open trades", "common"),
    MET_FACT("trades", "backtesting.py", "count", MET_TRADES, "closed trades", MET_BT " # Trades"),
    MET_FACT("max_trade_duration", "", "seconds", MET_MAX_TRADE_S, "max(exit - entry)", "common"),
    MET_FACT("max_trade_duration", "backtesting.py", "seconds", MET_MAX_TRADE_S_BT,
             "max(exit - entry), rounded up to the unit of the curve's spacing",
             MET_BT " Max. Trade Duration"),
    MET_FACT("avg_trade_duration", "", "seconds", MET_AVG_TRADE_S, "mean(exit - entry)", "common"),
    MET_FACT("avg_trade_duration", "backtesting.py", "seconds", MET_AVG_TRADE_S_BT,
             "mean(exit - entry), rounded up to the unit of the curve's spacing",
             MET_BT " Avg. Trade Duration"),
    MET_FACT("mae", "", "currency", MET_AVG_MAE, "mean of the trades' worst open result",
             "Sweeney 1996"),
    MET_FACT("mae", "lean", "currency", MET_AVG_MAE, "mean of the trades' worst open result",
             MET_LEAN " TradeStatistics AverageMAE"),
    MET_FACT("mae", "largest", "currency", MET_MAX_MAE, "min of the trades' worst open result",
             MET_LEAN " TradeStatistics LargestMAE"),
    MET_FACT("mfe", "", "currency", MET_AVG_MFE, "mean of the trades' best open result",
             "Sweeney 1996"),
    MET_FACT("mfe", "lean", "currency", MET_AVG_MFE, "mean of the trades' best open result",
             MET_LEAN " TradeStatistics AverageMFE"),
    MET_FACT("mfe", "largest", "currency", MET_MAX_MFE, "max of the trades' best open result",
             MET_LEAN " TradeStatistics LargestMFE"),
    MET_FACT("end_trade_drawdown", "", "currency", MET_AVG_GIVEN_BACK, "mean of gross result - mfe",
             "common"),
    MET_FACT("end_trade_drawdown", "lean", "currency", MET_AVG_GIVEN_BACK,
             "mean of gross result - mfe", MET_LEAN " TradeStatistics AverageEndTradeDrawdown"),
    MET_FACT("end_trade_drawdown", "largest", "currency", MET_MAX_GIVEN_BACK,
             "min of gross result - mfe", MET_LEAN " TradeStatistics MaximumEndTradeDrawdown"),
    MET_FACT("commission", "", "currency", MET_COMMISSION, "sum paid", "common"),
    MET_FACT("commission", "backtesting.py", "currency", MET_COMMISSION_CLOSED,
             "sum over closed trades", MET_BT " Commissions"),
    MET_FACT("slippage", "", "currency", MET_SLIPPAGE,
             "sum of qty |price paid - price before slippage|", "common"),
    MET_FACT("financing", "", "currency", MET_FINANCING,
             "sum of borrow fees, interest, funding and rollover, paid less received", "common"),
    MET_FACT("exposure", "", "fraction", MET_EXPOSURE,
             "share of steps in which a position was open", "common"),
    MET_FACT("exposure", "backtesting.py", "fraction", MET_EXPOSURE_BT,
             "share of steps from entry to exit of a closed trade, both included",
             MET_BT " Exposure Time"),
    MET_FACT("turnover", "", "ratio", MET_TURNOVER, "sum(|traded value|)/mean equity/n P",
             "common"),
    MET_FACT("turnover", "period", "ratio", MET_TURNOVER_PERIOD,
             "sum(|traded value|)/mean equity/n", "common"),
    MET_FACT("turnover", "lean", "ratio", MET_TURNOVER_LEAN,
             "mean over periods of sum(|traded value|)/equity at the end",
             MET_LEAN " PortfolioTurnover"),
};

met_rows met_rows_trade(void) {
  return MET_ROWS(rows);
}
