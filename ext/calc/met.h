/*
** met.h - inside of the performance figures, shared by metric.c and met_*.c; nobody else includes it.
**
** A row of the table is computed in one of two ways.  A kernel takes a sample: one or two columns and
** a few numbers.  A fact is a number that only a whole run has; the facts are computed together.  Two
** libraries that agree are two rows on one kernel or fact.
**
**      metric.c        the table of all rows; evaluation for a run and for a column
**      met_fn.c        the aggregate functions and their parameters
**      met_run.c       the columns of a run, as samples
**      met_walk.c      walks the equity curve, once: its days, drawdowns, exposure
**      met_series.c    from days to weeks, months or years, and how many make a year
**      met_stat.c      sums, moments, percentiles, the normal distribution
**      met_growth.c    growth, deviation
**      met_ratio.c     return over risk
**      met_risk.c      tails, shape, probability
**      met_bench.c     against a benchmark
**      met_drawdown.c  episodes below the running peak
**      met_pnl.c       results of trades, or of periods, one by one
**      met_trade.c     facts of closed trades: durations, excursions, exposure, turnover
**      met_cover.c     how many steps some trade touches
**
** Points of the curve and trades go by in pieces and are not kept (metric.h): what kernels look at is
** summed up on the way, in the order of the data, by the same adders that walk a column which lies there.
**
** The rows stand at the end of the file with their kernels.  "Bt" marks the figures as backtesting.py
** 0.6.6 prints them.
*/
#ifndef BV_CALC_MET_H
#define BV_CALC_MET_H

#include "calc/metric.h"

#include <math.h>

#define MET_PI    3.14159265358979323846
#define MET_E     2.71828182845904523536
#define MET_SQRT2 1.41421356237309504880

/* Facts are NaN until computed. */
typedef enum met_fact {
  MET_CAGR_CALENDAR,
  MET_CAGR_LEAN,
  MET_CAGR_BT,
  MET_CALMAR_CALENDAR,
  MET_PERIODS,
  MET_PER_YEAR,
  MET_PER_YEAR_BT,
  MET_AVG_DD_BT,
  MET_MAX_DD_S,
  MET_MAX_DD_S_BT,
  MET_AVG_DD_S,
  MET_AVG_DD_S_BT,
  MET_MAX_DD_S_FFN,
  MET_AVG_DD_S_FFN,
  MET_MAX_DD_S_QS,
  MET_MAX_DD_S_LEAN,
  MET_EQUITY_FINAL,
  MET_EQUITY_PEAK,
  MET_EQUITY_PEAK_BT,
  MET_EXPOSURE,
  MET_EXPOSURE_BT,
  MET_COMMISSION,
  MET_COMMISSION_CLOSED,
  MET_SLIPPAGE,
  MET_FINANCING,
  MET_TURNOVER,
  MET_TURNOVER_PERIOD,
  MET_TURNOVER_LEAN,
  MET_TRADES,
  MET_TRADES_ALL,
  MET_MAX_TRADE_S,
  MET_MAX_TRADE_S_BT,
  MET_AVG_TRADE_S,
  MET_AVG_TRADE_S_BT,
  MET_AVG_MAE,
  MET_MAX_MAE,
  MET_AVG_MFE,
  MET_MAX_MFE,
  MET_AVG_GIVEN_BACK,
  MET_MAX_GIVEN_BACK,
  MET_FACTS
} met_fact;

/* Which columns of a run a kernel's row gets.  Rows on a fact have MET_FROM_FACT + the fact. */
typedef enum met_from {
  MET_RETURNS,      /* returns of our periods */
  MET_RETURNS_DEEP, /* the same, with the drawdown of all points */
  MET_RETURNS_BT,   /* returns of backtesting.py's periods */
  MET_POINTS,       /* V_0 and every point */
  MET_PERIOD_ENDS,  /* V_0 and the last point of each of our periods */
  MET_POINTS_BT,    /* every point */
  MET_PAIRS,        /* returns of our periods and the benchmark's */
  MET_PAIRS_BT,     /* the same of every point */
  MET_PNL,          /* closed trades: net result in currency */
  MET_TRADE_RETURN, /* and as return */
  MET_EXCURSIONS,   /* closed trades: best and worst open result, as returns */
  MET_SAMPLES,
  MET_FROM_NONE = MET_SAMPLES, /* a run has it not */
  MET_FROM_FACT
} met_from;

/* ---- met_stat.c ---------------------------------------------------------------------------- */

/* A compensated sum (Neumaier 1974): the error does not grow with the number of terms. */
typedef struct met_sum {
  double s, c;
} met_sum;

static inline void met_add(met_sum *a, double x) {
  const double t = a->s + x;
  const bool first = fabs(a->s) >= fabs(x); /* chosen without a branch: either is as likely */
  const double big = first ? a->s : x, small = first ? x : a->s;
  a->c += (big - t) + small;
  a->s = t;
}
double met_total(const met_sum *a);

/* Moments of n values: m2, m3, m4 are means of powers about the mean (divided by n).  All NaN for
** n = 0. */
typedef struct met_moments {
  int64_t n;
  double mean, m2, m3, m4, lo, hi;
} met_moments;

met_moments met_moments_of(const double *x, int64_t n);

/* Sum and extremes of values that go by. */
typedef struct met_span {
  int64_t n;
  met_sum sum;
  double lo, hi;
} met_span;

static inline void met_span_add(met_span *s, double x) {
  if (s->n++ == 0) s->lo = s->hi = x;
  met_add(&s->sum, x);
  s->lo = fmin(s->lo, x);
  s->hi = fmax(s->hi, x);
}

/* x, or 0 where |x| is so small, at most 8 epsilon x scale, that rounding alone can have made it;
** scale is the size of the numbers x was computed from. */
double met_clean(double x, double scale);

/* Deviation, squares divided by n - less, cleaned with scale; NaN for n <= less. */
double met_sd(const met_moments *m, int less, double scale);

/* Value at rank (n - 1) q of the sorted values, linear between neighbours; NaN for n = 0. */
double met_percentile(const double *sorted, int64_t n, double q);

/* Mean of the floor((n - 1) cut) + 1 smallest of the sorted values; NaN for n = 0. */
double met_shortfall(const double *sorted, int64_t n, double cut);

/* Sort in place, ascending; no NaN among the values. */
void met_sort(double *x, int64_t n);

/* a / b, NaN where b is 0. */
double met_ratio(double a, double b);

/* Distribution function of the standard normal distribution, and its inverse for 0 < p < 1. */
double met_normal_cdf(double z);
double met_normal_quantile(double p);

/* x with that many decimals, halves to even. */
double met_round(double x, int decimals);

/* ---- samples ------------------------------------------------------------------------------- */

/* Episodes below the running peak, found in one walk.  The last one may be open: below > 0. */
typedef struct met_drops {
  double first;   /* the first value, a peak */
  double peak;    /* so far */
  double low;     /* least value of the open episode */
  double deepest; /* of ended episodes: trough / peak - 1, <= 0 */
  met_sum depth;  /* their sum */
  int64_t episodes;
  int64_t longest; /* points from the peak to the recovery */
  int64_t peak_ts, sum_s, longest_s;
  int64_t below;                    /* points of the open episode */
  int64_t first_ts, last_ts;        /* the first and the last of them */
  int64_t sum_ffn_s, longest_ffn_s; /* from the first point below */
  int64_t longest_qs_s;             /* from the first to the last point below */
  int64_t longest_recovered_s;
} met_drops;

met_drops met_drops_from(int64_t ts, double first);
void met_drops_end(met_drops *d, int64_t ts, int64_t points);

static inline void met_drops_add(met_drops *d, int64_t ts, double v) {
  if (v >= d->peak) {
    if (d->below > 0) {
      met_drops_end(d, ts, d->below + 1);
      d->longest_recovered_s = d->longest_s;
    }
    d->peak = v;
    d->peak_ts = ts;
    d->low = v;
    d->below = 0;
    return;
  }
  if (v < d->low) d->low = v;
  if (d->below++ == 0) d->first_ts = ts;
  d->last_ts = ts;
}

/* Results by their sign: counts and sums of the positive and the negative ones, and runs of them. */
typedef struct met_tally {
  int64_t nwin, nloss;
  met_sum win, loss;
  int64_t won, lost; /* of one sign in a row, up to here */
  int64_t most_won, most_lost;
} met_tally;

static inline void met_tally_add(met_tally *t, double x) {
  if (x > 0) {
    met_add(&t->win, x);
    t->nwin++;
    if (++t->won > t->most_won) t->most_won = t->won;
    t->lost = 0;
  } else if (x < 0) {
    met_add(&t->loss, x);
    t->nloss++;
    if (++t->lost > t->most_lost) t->most_lost = t->lost;
    t->won = 0;
  } else {
    t->won = t->lost = 0;
  }
}

/* LEAN's expectancy: each result over the capital before it. */
typedef struct met_stakes {
  double capital, win, loss;
  int64_t nwin;
} met_stakes;

static inline void met_stakes_add(met_stakes *s, double x) {
  if (x > 0) {
    s->win += x / s->capital;
    s->nwin++;
  } else {
    s->loss += x / s->capital;
  }
  s->capital += x;
}

/* ln(1 + r), of returns. */
typedef struct met_logs {
  met_sum sum;
  bool ruin; /* some r <= -1 */
} met_logs;

static inline void met_logs_add(met_logs *l, double r) {
  if (r <= -1) l->ruin = true;
  if (!l->ruin) met_add(&l->sum, log1p(r));
}

/* Second moments of two columns, divided by n; NaN for n = 0.  Deviations that rounding alone makes
** are 0. */
typedef struct met_both {
  double mx, my, xx, yy, xy;
} met_both;

/* The two walks that find them: of x and y, or of ln(1 + x) and ln(1 + y). */
typedef struct met_pairs {
  bool logs;
  int64_t n;
  met_sum x, y, xx, yy, xy;
  double scale_x, scale_y;
  met_both m;
} met_pairs;

static inline void met_pairs_add(met_pairs *p, double x, double y) {
  met_add(&p->x, p->logs ? log1p(x) : x);
  met_add(&p->y, p->logs ? log1p(y) : y);
  p->scale_x = fmax(p->scale_x, fabs(x));
  p->scale_y = fmax(p->scale_y, fabs(y));
  p->n++;
}

/* Between the walks, for each pair again, and after them. */
void met_pairs_mean(met_pairs *p);
void met_pairs_again(met_pairs *p, double x, double y);
void met_pairs_end(met_pairs *p);

/* What a kernel works on.  The columns are finite.  n > 0, or known_gross.  Of columns that went by in
** pieces x and y are NULL, and what their kernels look at has been computed. */
typedef struct met_sample {
  const double *x, *y;
  int64_t n;
  double slot[BV_METRIC_SLOTS];
  /* What a run knows better than its returns do, which lack the periods after a ruin. */
  bool known_gross; /* gross is what 1 became, count the number of periods */
  double gross;
  int64_t count;
  bool known_depth;
  double depth; /* deepest drawdown, <= 0 */
  double hold;  /* what 1 became in the benchmark, where known_hold */
  bool known_hold;
  /* Computed once. */
  double *room; /* n + 1 doubles */
  int sorted;   /* 'x' or 'y': that column stands in room, in order */
  bool has_moments, has_drops, has_tally, has_stakes, has_logs, has_edge, has_both[2];
  met_moments moments;
  met_drops drops;
  met_tally tally;
  met_stakes stakes;
  met_logs logs;
  met_sum mfe, mae;
  met_both both[2]; /* of the columns; of their logarithms */
} met_sample;

/* Moments of x. */
const met_moments *met_moments_once(met_sample *s);

/* Signs of x. */
const met_tally *met_tally_once(met_sample *s);

/* Both columns. */
const met_both *met_both_once(met_sample *s, bool logs);

/* A column in order of size. */
const double *met_sorted(met_sample *s, int column);

/* Sample deviation of returns in x, cleaned: a return was made by dividing two values, so it is
** known to epsilon x (1 + r). */
double met_sd_returns(met_sample *s);

/* Risk-free return of a period: (1 + RF)^(1/P) - 1. */
double met_rf(const met_sample *s);

/* ---- kernels that other kernels use; formulas beside them ------------------------------------ */

double met_gross(const met_sample *s); /* met_growth.c */
double met_cagr(met_sample *s);        /* met_growth.c */
double met_annual_lean(double mean, double per_year);
double met_total_return(met_sample *s);
double met_depth(met_sample *s); /* met_drawdown.c */
double met_max_drawdown(met_sample *s);
double met_tail_ratio(met_sample *s);       /* met_risk.c */
double met_profit_factor_qs(met_sample *s); /* met_pnl.c */
double met_exposure_qs(met_sample *s);      /* met_pnl.c */
double met_mean(met_sample *s);             /* met_growth.c */
double met_geometric_bt(met_sample *s);
double met_annual_bt(met_sample *s);
double met_volatility_bt(met_sample *s);
double met_max(met_sample *s);
double met_min(met_sample *s);

/* The kernel's answer: NaN where it is not finite, and of an empty sample that knows nothing else. */
double met_eval(const bv_metric_def *d, met_sample *s); /* met_fn.c */

/* What r falls short of or exceeds a threshold; differences that rounding alone makes are none. */
double met_excess(double r, double threshold);

/* ---- met_series.c -------------------------------------------------------------------------- */

/* One point per period: v[i] is the last value of the period numbered key[i] (strictly increasing),
** b[i] the benchmark's at that point (b NULL: none); r holds the nr returns between neighbours that are
** defined, in order. */
typedef struct met_series {
  int64_t *key;
  double *v, *b; /* before v[0] lies a free place */
  double *r;
  int64_t n, nr, cap;
  double per_year; /* periods per year */
} met_series;

/* Both readings of one curve: ours, and backtesting.py's. */
typedef struct met_curve {
  met_series own; /* one point per local day, or the curve's own points where it is coarser */
  met_series bt;
  int64_t points;      /* finite points of the curve */
  double first, last;  /* their first and last value */
  double span_s;       /* seconds from the first to the last */
  double start;        /* V_0; the first value where the input has none */
  double resolution_s; /* unit to which backtesting.py rounds durations up; NaN below two points */
  bool days;           /* bt is own, less a return from before the first point */
} met_curve;

/* Keep the last value of each key.  A key that goes back (local midnight passed twice) counts for
** the period already open. */
BV_MUST bv_rc met_series_put(met_series *s, int64_t key, double v, bv_err *err);

/* Room for the benchmark's prices. */
BV_MUST bv_rc met_series_prices(met_series *s, bv_err *err);

#define MET_TAIL 100 /* as many points as backtesting.py looks at */

/* The walk over the points of the curve, piece by piece. */
typedef struct met_walk {
  int64_t all;       /* points, those that are not finite too */
  int64_t exposed;   /* of them, those with a position open */
  bool knows;        /* that has been told */
  int64_t weekend;   /* finite points on a Saturday or Sunday */
  int64_t day, ends; /* the local day under way, and the instant up to which it is known to go on */
  int64_t t0, t1;    /* the first and last finite point */
  int64_t tail[MET_TAIL]; /* times of the last ones: that of point k is at k % MET_TAIL */
  met_drops own, bt;      /* from V_0 on, and from the first point on */
  bool same;              /* own is as bt, but for its first value */
} met_walk;

/* A curve without points; to be reset by met_curve_reset whatever follows. */
void met_curve_begin(met_curve *c, met_walk *w, const bv_metric_input *in);

/* The next points. */
BV_MUST bv_rc met_walk_points(met_walk *w, met_curve *c, const bv_metric_input *in,
                              const bv_metric_points *p, bv_err *err);

/* There are no more: periods and returns. */
BV_MUST bv_rc met_curve_end(met_curve *c, const met_walk *w, const bv_metric_input *in,
                            bv_err *err);

/* All that with the columns of the input. */
BV_MUST bv_rc met_curve_init(met_curve *c, const bv_metric_input *in, bv_err *err);
void met_curve_reset(met_curve *c);

bool met_is_weekend(int64_t day);

/* Where the local day of instant t is known to go on up to. */
int64_t met_day_end(const bv_metric_input *in, int64_t t, int64_t day);

/* Local day number of an instant. */
int64_t met_day_of(const bv_metric_input *in, int64_t t);

/* Seconds rounded up to the curve's resolution, as a sum over count; NaN without either. */
double met_round_up(const met_curve *c, int64_t sum_s, int64_t count);

/* ---- met_run.c ----------------------------------------------------------------------------- */

typedef struct met_run {
  met_sample s[MET_SAMPLES];
  double *room;  /* to sort in */
  double *pairs; /* with a benchmark: the columns of MET_PAIRS, and room */
} met_run;

/* The curve is complete: lay out what hangs on it alone; reset by met_run_reset, after a failure too. */
BV_MUST bv_rc met_run_init(met_run *r, const bv_metric_input *in, const met_curve *c,
                           const met_walk *w, bv_err *err);
void met_run_reset(met_run *r);

/* The benchmark's prices have gone by twice: lay out the pairs. */
struct met_versus;
BV_MUST bv_rc met_run_pairs(met_run *r, const bv_metric_input *in, const met_curve *c,
                            const struct met_versus *v, bv_err *err);

/* ---- met_bench.c: the curve again, with the benchmark's prices, twice ------------------------- */

typedef struct met_versus {
  bool again;        /* the second walk */
  int64_t at, day_n; /* points that have gone by, days that have begun */
  int64_t day, ends;
  double v0, b0;      /* of the point before */
  double first;       /* where buying and holding starts */
  double gross, hold; /* what 1 became */
  met_pairs pairs;
} met_versus;

void met_versus_begin(met_versus *x, met_curve *c);
void met_versus_points(met_versus *x, met_curve *c, const bv_metric_input *in,
                       const bv_metric_points *p);

/* A walk is over: true where there is to be another one. */
bool met_versus_next(met_versus *x);

/* ---- facts --------------------------------------------------------------------------------- */

/* Growth by the calendar, periods, and what hangs on them. */
void met_growth_facts(const met_run *r, const met_curve *c, double *fact);

/* Durations and peaks. */
void met_drawdown_facts(met_run *r, const met_curve *c, double *fact);

/* ---- met_cover.c: how many of n steps lie in some of many ranges ------------------------------- */

typedef struct met_cover {
  uint64_t *bits;   /* of the steps [from, to) */
  int64_t from, to; /* they are looked at a window at a time, the ranges passing for each */
  int64_t n;
  int64_t lo, hi; /* the range filled last, with those that touch it */
  int64_t steps;  /* found so far */
} met_cover;

BV_MUST bv_rc met_cover_init(met_cover *c, int64_t n);
void met_cover_reset(met_cover *c);

/* The steps lo to hi, both included. */
void met_cover_add(met_cover *c, int64_t lo, int64_t hi);

/* All ranges have passed: true where they are to pass once more. */
bool met_cover_next(met_cover *c);

/* Whether ranges that pass now are looked at. */
static inline bool met_cover_open(const met_cover *c) {
  return c->from < c->to;
}

/* ---- met_trade.c: the trades, which pass at least twice --------------------------------------- */

typedef struct met_trades {
  int pass;
  bool lean; /* the equity is positive at the end of every period */
  int64_t n, closed, longest, sum_s, excursions;
  met_sum mae, mfe, back;
  double worst, best, most;
  met_sum value, lean_value, commission;
  met_span pnl, ret;
  met_sum squares;     /* of the results about their mean */
  met_cover touched;   /* by closed trades */
  met_cover with_open; /* by all; where nobody knows better */
  int64_t day[2];      /* of entries and exits: the one looked up last, and its period */
  int64_t period[2];
} met_trades;

BV_MUST bv_rc met_trades_begin(met_trades *t, const bv_metric_input *in, const met_curve *c,
                               const met_walk *w, met_run *r, bv_err *err);
BV_MUST bv_rc met_trades_add(met_trades *t, const bv_metric_input *in, const met_curve *c,
                             met_run *r, const bv_metric_trades *p, bv_err *err);

/* All have passed: true where they are to pass once more. */
bool met_trades_next(met_trades *t, met_run *r);
void met_trades_reset(met_trades *t);

void met_trade_facts(const met_trades *t, const bv_metric_input *in, const met_curve *c,
                     const met_walk *w, double *fact);

/* ---- a run whose columns go by ---------------------------------------------------------------- */

struct bv_metric_run {
  bv_metric_input in; /* but for columns and their lengths */
  bool bench;
  met_curve c;
  met_walk w;
  met_run r;
  met_versus versus;
  met_trades trades;
};

/* ---- the rows ------------------------------------------------------------------------------ */

typedef struct met_rows {
  const bv_metric_def *row;
  int n;
} met_rows;

met_rows met_rows_growth(void);
met_rows met_rows_ratio(void);
met_rows met_rows_drawdown(void);
met_rows met_rows_risk(void);
met_rows met_rows_bench(void);
met_rows met_rows_pnl(void);
met_rows met_rows_trade(void);

#define MET_ROWS(table) ((met_rows){(table), (int)(sizeof(table) / sizeof *(table))})

/* A row: name, variant, unit, aggregate, columns of a run, kernel, formula, source. */
#define MET_ROW(name, variant, unit, fn, from, kernel, formula, source)                            \
  { name, variant, unit, fn, formula, source, kernel, from, (double)NAN }
/* The same with the aggregate's own parameter that a run uses. */
#define MET_ROW_A(name, variant, unit, fn, from, kernel, a, formula, source)                       \
  { name, variant, unit, fn, formula, source, kernel, from, a }
/* A row on a fact. */
#define MET_FACT(name, variant, unit, fact, formula, source)                                       \
  { name, variant, unit, NULL, formula, source, NULL, MET_FROM_FACT + (int)(fact), (double)NAN }

#define MET_BT   "backtesting.py 0.6.6 _stats.py"
#define MET_QS   "quantstats"
#define MET_LEAN "LEAN"

#endif
