/*
** metric.h - figures of a finished run: from its equity curve and its trades.
**
** Each figure has a name and a variant, because libraries that use one name disagree about the
** formula: ("sharpe", "empyrical") and ("sharpe", "backtesting.py") are different numbers.  The
** variant "" is ours.  The table in metric.c has one row each, with formula, unit and source.
** A figure that is not defined (no trades, no losses, zero deviation) is NaN and becomes NULL.
*/
#ifndef BV_CALC_METRIC_H
#define BV_CALC_METRIC_H

#include "base/status.h"

#include <stdint.h>

/* One closed or still open trade.  Times are UTC seconds; pnl is net of all costs. */
typedef struct bv_metric_trade {
  int64_t entry_ts, exit_ts;
  double qty; /* signed: > 0 long */
  double entry_price, exit_price;
  double pnl; /* currency, net */
  double ret; /* net return on the entry value: pnl / (|qty| entry_price multiplier) */
  int open;   /* 1: still open at the end, marked at the last price */
} bv_metric_trade;

typedef struct bv_metric_input {
  /* Equity curve: n points at times ts (strictly increasing); start is V_0, the starting value
  ** before the first point. */
  const int64_t *ts;
  const double *equity;
  int64_t n;
  double start;
  /* exposed[i] != 0: some position was open in the step that ends at ts[i]. NULL: unknown. */
  const uint8_t *exposed;
  const bv_metric_trade *trade; /* in order of exit */
  int64_t ntrade;
  double commission; /* total paid */
  double risk_free;  /* annual, simple: 0.02 = 2 % */
  /* Periods per year used to annualise; 0: found from the spacing of ts, as metric.c documents. */
  double periods;
  /* Offset of local time from UTC in seconds at ts[i] is taken as constant 0 unless a function is
  ** given: days and months of the run are those of the run's zone. */
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
} bv_metric_def;

/* The table, *n rows. */
const bv_metric_def *bv_metric_defs(int *n);

/* Compute every row of the table; out has room for as many values as bv_metric_defs says.  Only
** BV_NOMEM can fail. */
BV_MUST bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, bv_err *err);

#endif
