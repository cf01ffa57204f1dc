/*
** met_trade.c - facts of closed trades: durations, excursions, exposure and turnover.
**
** Open trades count only where it is said.  The excursions of a trade are its worst and best open
** result before commissions (mae <= 0 <= mfe); what it gave back is its gross result less its mfe.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

/* Steps [lo, hi] of the curve that a trade touches. */
typedef struct touch {
  int64_t lo, hi;
} touch;

static void duration_facts(const bv_metric_input *in, const met_curve *c, double *fact) {
  int64_t n = 0, longest = 0, sum = 0;
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    if (t->open) continue;
    const int64_t len = t->exit_ts - t->entry_ts;
    sum += len;
    if (len > longest) longest = len;
    n++;
  }
  fact[MET_TRADES] = (double)n;
  fact[MET_TRADES_ALL] = (double)in->ntrade;
  if (n == 0) return;
  fact[MET_MAX_TRADE_S] = (double)longest;
  fact[MET_AVG_TRADE_S] = (double)sum / (double)n;
  fact[MET_MAX_TRADE_S_BT] = met_round_up(c, longest, 1);
  fact[MET_AVG_TRADE_S_BT] = met_round_up(c, sum, n);
}

/* Of the closed trades whose excursions are known. */
static void excursion_facts(const bv_metric_input *in, double *fact) {
  met_sum mae = {0, 0}, mfe = {0, 0}, back = {0, 0};
  double worst = 0, best = 0, most = 0, n = 0;
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    if (t->open || !isfinite(t->mae) || !isfinite(t->mfe)) continue;
    const double gross = t->qty * t->multiplier * (t->exit_price - t->entry_price);
    met_add(&mae, t->mae);
    met_add(&mfe, t->mfe);
    met_add(&back, gross - t->mfe);
    worst = fmin(worst, t->mae);
    best = fmax(best, t->mfe);
    most = fmin(most, gross - t->mfe);
    n++;
  }
  if (n == 0) return;
  fact[MET_AVG_MAE] = met_total(&mae) / n;
  fact[MET_MAX_MAE] = worst;
  fact[MET_AVG_MFE] = met_total(&mfe) / n;
  fact[MET_MAX_MFE] = best;
  fact[MET_AVG_GIVEN_BACK] = met_total(&back) / n;
  fact[MET_MAX_GIVEN_BACK] = most;
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
    met_add(&value, fabs(t->qty * t->entry_price * t->multiplier));
    if (!t->open) met_add(&value, fabs(t->qty * t->exit_price * t->multiplier));
  }
  for (int64_t i = 0; i < c->own.n; i++) met_add(&equity, c->own.v[i]);
  const double mean = met_total(&equity) / (double)c->own.n;
  if (!(mean > 0)) return;
  fact[MET_TURNOVER_PERIOD] = met_total(&value) / mean / fact[MET_PERIODS];
  fact[MET_TURNOVER] = fact[MET_TURNOVER_PERIOD] * c->own.per_year;
}

/* The period in which a trade's instant lies: the first that does not end before its day. */
static int64_t period_of(const bv_metric_input *in, const met_series *s, int64_t t) {
  const int64_t day = met_day_of(in, t);
  int64_t lo = 0, hi = s->n - 1;
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    if (s->key[mid] < day)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

/* LEAN: the mean over the periods of the value traded in each over the equity at its end. */
static void turnover_lean(const bv_metric_input *in, const met_curve *c, double *fact) {
  met_sum sum = {0, 0};
  const met_series *s = &c->own;
  for (int64_t i = 0; i < s->n; i++) {
    if (!(s->v[i] > 0)) return;
  }
  if (s->n < 1) return;
  for (int64_t i = 0; i < in->ntrade; i++) {
    const bv_metric_trade *t = &in->trade[i];
    const int64_t entry = period_of(in, s, t->entry_ts), exit = period_of(in, s, t->exit_ts);
    met_add(&sum, fabs(t->qty * t->entry_price * t->multiplier) / s->v[entry]);
    if (!t->open) met_add(&sum, fabs(t->qty * t->exit_price * t->multiplier) / s->v[exit]);
  }
  fact[MET_TURNOVER_LEAN] = met_total(&sum) / (double)s->n;
}

static double closed_commission(const bv_metric_input *in) {
  met_sum sum = {0};
  for (int64_t i = 0; i < in->ntrade; i++) {
    if (!in->trade[i].open) met_add(&sum, in->trade[i].commission);
  }
  return met_total(&sum);
}

bv_rc met_trade_facts(const bv_metric_input *in, const met_curve *c, double *fact, bv_err *err) {
  fact[MET_COMMISSION] = in->commission;
  fact[MET_COMMISSION_CLOSED] = closed_commission(in);
  fact[MET_SLIPPAGE] = in->slippage;
  fact[MET_FINANCING] = in->financing;
  duration_facts(in, c, fact);
  excursion_facts(in, fact);
  turnover_facts(in, c, fact);
  turnover_lean(in, c, fact);
  return exposure_facts(in, fact, err);
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
