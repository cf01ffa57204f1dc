/*
** metric.h - performance figures: of a finished run, and of any column of numbers.
**
** Each figure has a name and a variant, because libraries that use one name disagree about the
** formula: ("sharpe", "empyrical") and ("sharpe", "backtesting.py") are different numbers.  The
** variant "" is ours.  The table has one row each, with formula, unit and source; metric.c says how
** the curve of a run is turned into periods.
**
** Most rows are computed from one column (returns, equity, results of trades) or from two (returns and
** those of a benchmark) by a kernel.  A run hands its own columns to the kernels; the SQL aggregates
** hand theirs: one formula, one place.  The rest (durations, exposure, turnover) need a whole run.
**
** A figure that is not defined (no trades, no losses, zero deviation) or not finite is NaN and
** becomes NULL.  Fractions are fractions (0.34 is 34 %), drawdowns are negative, durations seconds.
*/
#ifndef BV_CALC_METRIC_H
#define BV_CALC_METRIC_H

#include "base/status.h"

#include <stdbool.h>
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
  double mae, mfe;   /* worst and best open result on the way, currency, gross; NaN: unknown */
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
  /* Benchmark: its price as known at each point (NaN: none yet), and before the first.  NULL:
  ** no benchmark.  bench_first is the point its buy-and-hold return of backtesting.py starts at. */
  const double *bench;
  double bench_start;
  int64_t bench_first;
  const bv_metric_trade *trade; /* in order of exit */
  int64_t ntrade;
  double commission; /* total paid */
  double slippage;   /* total cost that prices hold */
  double financing;  /* fees and interest paid less received */
  double risk_free;  /* annual: 0.02 = 2 %; (1 + it)^(1/P) - 1 per period */
  /* Periods per year used to annualise, for the variants that are not another engine's; <= 0:
  ** found from the spacing of the curve, as metric.c documents.  It does not change the periods
  ** themselves: a curve finer than a day is cut into days in any case. */
  double periods;
  /* Local wall clock, as seconds since 1970-01-01 00:00 local, of an instant (bv_zone_to_local);
  ** NULL: UTC.  Days, weeks and months are those of this clock. */
  int64_t (*to_local)(void *zone, int64_t ts);
  /* The instant up to which that clock goes on as at ts; NULL: nobody knows. */
  int64_t (*steady)(void *zone, int64_t ts);
  void *zone;
} bv_metric_input;

typedef struct bv_metric_value {
  const char *name;
  const char *variant;
  const char *unit; /* "fraction", "seconds", "currency", "ratio", "count" */
  double value;     /* NaN: not defined */
} bv_metric_value;

/* What an aggregate function is given, in this order. */
typedef enum bv_metric_input_kind {
  BV_METRIC_RETURN,   /* ret: returns of equal periods */
  BV_METRIC_PAIR,     /* ret, bench: and the benchmark's of the same periods */
  BV_METRIC_EQUITY,   /* equity: values of the account, the first is the start */
  BV_METRIC_PNL,      /* pnl: net result of each trade */
  BV_METRIC_EXCURSION /* mfe, mae: of each trade */
} bv_metric_input_kind;

/* Numbers besides the columns. */
typedef enum bv_metric_slot {
  BV_METRIC_PERIODS,   /* periods per year */
  BV_METRIC_RISK_FREE, /* annual */
  BV_METRIC_A,         /* the function's own */
  BV_METRIC_B,
  BV_METRIC_SLOTS
} bv_metric_slot;

typedef struct bv_metric_param {
  const char *name; /* NULL ends the list */
  bv_metric_slot slot;
  bool optional;
  double def;      /* where it is not given; NaN: the formula knows */
  double min, max; /* what it may be */
  bool above;      /* but not min itself */
} bv_metric_param;

#define BV_METRIC_MAX_PARAM 2

/* A figure as an aggregate: m_<name>(columns, params [, variant]). */
typedef struct bv_metric_fn {
  const char *name;
  bv_metric_input_kind input;
  bv_metric_param param[BV_METRIC_MAX_PARAM + 1];
} bv_metric_fn;

struct met_sample;

typedef struct bv_metric_def {
  const char *name;
  const char *variant;
  const char *unit;
  const char *fn; /* the aggregate that has it, without "m_"; NULL: it needs a whole run */
  const char *formula;
  const char *source;
  /* Private to ext/calc: how it is computed, and from which columns of a run. */
  double (*kernel)(struct met_sample *s); /* NULL: fact */
  int from;                               /* which sample of a run; or which fact */
  double a;                               /* the slot BV_METRIC_A in a run */
} bv_metric_def;

/* The table: rows 0 to bv_metric_count() - 1. */
int bv_metric_count(void);
const bv_metric_def *bv_metric_at(int i);

/* Whether a run has the figure; the rest are for aggregates alone. */
bool bv_metric_in_run(const bv_metric_def *d);

/* Compute the rows that a run has, in the table's order; out has room for bv_metric_count() values,
** *n is how many it got.  Only BV_NOMEM can fail; out is then untouched. */
BV_MUST bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, int *n,
                                bv_err *err);

/* The same of columns that go by in pieces, in order, so that memory grows with the days of a run and not
** with its points and trades:
**
**      bv_metric_new           start, left, to_local, steady and zone of the input are known
**      bv_metric_points_add    the curve from the first to the last point
**      bv_metric_points_end    the rest is known, but for columns and their lengths
**      bv_metric_bench_add     with a benchmark: the curve with its prices, again and again
**      bv_metric_bench_again   ... while this says so
**      bv_metric_trades_add    all trades, again and again
**      bv_metric_trades_again  ... while this says so
**      bv_metric_values        the figures
*/
typedef struct bv_metric_run bv_metric_run;

typedef struct bv_metric_points {
  int64_t n;
  const int64_t *ts;
  const double *equity;
  const uint8_t *exposed; /* NULL: unknown; of all pieces alike */
  const double *bench;    /* for bv_metric_bench_add alone */
} bv_metric_points;

/* As columns.  After they have passed once, only open and pnl are looked at, and where bv_metric_timed says so
** the times. */
typedef struct bv_metric_trades {
  int64_t n;
  const int64_t *entry_ts, *exit_ts, *open;
  const double *pnl;
  const double *qty, *entry_price, *exit_price, *multiplier, *commission, *ret, *mae, *mfe;
  /* How many points of the curve lie at or before each of n instants. */
  bv_rc (*count)(void *ctx, const int64_t *t, int64_t n, int64_t *points, bv_err *err);
  void *ctx;
} bv_metric_trades;

/* BV_NOMEM is the only failure of these, but for those of count(). */
BV_MUST bv_rc bv_metric_new(const bv_metric_input *in, bv_metric_run **out, bv_err *err);
void bv_metric_free(bv_metric_run *m);
BV_MUST bv_rc bv_metric_points_add(bv_metric_run *m, const bv_metric_points *p, bv_err *err);
BV_MUST bv_rc bv_metric_points_end(bv_metric_run *m, const bv_metric_input *in, bv_err *err);
BV_MUST bv_rc bv_metric_bench_add(bv_metric_run *m, const bv_metric_points *p, bv_err *err);
BV_MUST bv_rc bv_metric_bench_again(bv_metric_run *m, bool *again, bv_err *err);
BV_MUST bv_rc bv_metric_trades_add(bv_metric_run *m, const bv_metric_trades *p, bv_err *err);
bool bv_metric_timed(const bv_metric_run *m);
bool bv_metric_trades_again(bv_metric_run *m);
void bv_metric_values(bv_metric_run *m, bv_metric_value *out, int *n);

/* The aggregates, *n of them. */
const bv_metric_fn *bv_metric_fns(int *n);

/* The row of an aggregate and a variant; variant NULL: its first row, "" where there is one.  NULL
** where there is none. */
const bv_metric_def *bv_metric_find(const char *fn, const char *variant);

/* The figure of columns x and, for pairs and excursions, y, n finite values each; slot as the
** parameters of its function say.  room has space for n + 1 doubles.  NaN: not defined. */
double bv_metric_of(const bv_metric_def *d, const double slot[BV_METRIC_SLOTS], const double *x,
                    const double *y, int64_t n, double *room);

#endif
