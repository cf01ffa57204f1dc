/*
** metric.h - figures of a finished run: from its equity curve and its trades.
**
** Each figure has a name and a variant, because libraries that use one name disagree about the
** formula: ("sharpe", "empyrical") and ("sharpe", "backtesting.py") are different numbers.  The
** variant "" is ours.  The table in metric.c has one row each, with formula, unit and source, and
** says above it how the curve is turned into periods.
** A figure that is not defined (no trades, no losses, zero deviation) or not finite is NaN and
** becomes NULL.  Fractions are fractions (0.34 is 34 %), drawdowns are negative, durations seconds.
*/
#ifndef BV_CALC_METRIC_H
#define BV_CALC_METRIC_H

#include "base/status.h"

#include <stdint.h>

/* One closed or still open trade.  Times are UTC seconds; pnl is net of all costs.  All figures
** but the count "trades"/"all", the exposure and the turnover are over closed trades. */
typedef struct bv_metric_trade {
  int64_t entry_ts, exit_ts;
  double qty; /* signed: > 0 long */
  double entry_price, exit_price;
  double multiplier; /* currency per point and unit; 1 for shares */
  double commission; /* paid on its units, at entry and exit */
  double pnl;        /* currency, net */
  double ret;        /* net return on the entry value: pnl / (|qty| entry_price multiplier) */
  int open;          /* 1: still open at the end, marked at the last price */
} bv_metric_trade;

typedef struct bv_metric_input {
  /* Equity curve: n points at times ts (strictly increasing); start is V_0, the starting value
  ** before the first point (NaN: unknown, the first point takes its place).  A point that is not
  ** finite is treated as absent. */
  const int64_t *ts;
  const double *equity;
  int64_t n;
  double start;
  /* 0: ts[i] is the end of the step that equity[i] closes (a run's curve), so a point at local
  ** midnight belongs to the day before it.  1: ts[i] is the label of a bar by its start. */
  int left;
  /* exposed[i] != 0: some position was open in the step of point i.  NULL: unknown, the trades
  ** tell. */
  const uint8_t *exposed;
  const bv_metric_trade *trade; /* in order of exit */
  int64_t ntrade;
  double commission; /* total paid */
  double risk_free;  /* annual: 0.02 = 2 %; (1 + it)^(1/P) - 1 per period */
  /* Periods per year used to annualise, for the variants that are not another engine's; <= 0:
  ** found from the spacing of the curve, as metric.c documents.  It does not change the periods
  ** themselves: a curve finer than a day is cut into days in any case. */
  double periods;
  /* Local wall clock, as seconds since 1970-01-01 00:00 local, of an instant (bv_zone_to_local);
  ** NULL: UTC.  Days, weeks and months are those of this clock. */
  int64_t (*to_local)(void *zone, int64_t ts);
  void *zone;
} bv_metric_input;

typedef struct bv_metric_value {
  const char *name;
  const char *variant;
  const char *unit; /* "fraction", "seconds", "currency", "ratio", "count" */
  double value;     /* NaN: not defined */
} bv_metric_value;

typedef struct bv_metric_def {
  const char *name;
  const char *variant;
  const char *unit;
  const char *formula;
  const char *source;
  int fact; /* which computed number the row shows; private to ext/calc */
} bv_metric_def;

/* The table, *n rows. */
const bv_metric_def *bv_metric_defs(int *n);

/* Compute every row of the table; out has room for as many values as bv_metric_defs says and gets
** them in the table's order.  Only BV_NOMEM can fail; out is then untouched. */
BV_MUST bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, bv_err *err);

#endif
