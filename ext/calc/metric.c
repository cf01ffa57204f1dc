/*
** metric.c - the table of figures, and the figures of a run.
**
** A row is a name, a variant and how it is computed; adding a library's variant of a figure that
** another row computes already is adding a row.  Variants:
**
**      ""                ours
**      "empyrical"       empyrical-reloaded, fed with the returns of our periods
**      "quantstats"      quantstats, the same way; "ffn" fed with the values of our periods
**      "backtesting.py"  backtesting.py 0.6.6, what its stats print (as fractions, not percent)
**      "lean" ...        other engines, as the row's source says
**      others            another form of the same figure, told apart by what it uses
**
** Periods.  An equity curve may have a point per minute.  Figures that speak of periods (r, n, P in
** the formulas) use the last point of each local day, or the curve's own points where those are a
** week, a month or further apart; P is 252 or, where weekend days occur as for a market that never
** closes, 365, then 52, 12, 4, 1.  met_series.c has the exact rule, and backtesting.py's own.  V_0 is
** the starting value and counts as the first point of every figure but backtesting.py's, which start
** from the first point V_1.  Figures that need no period (drawdowns, durations) see every point.  RF
** is the annual risk-free return, rf the same per period; p is a trade's net P&L, x its net return,
** b the benchmark's return.
**
** Not defined, hence NaN: everything where the curve has no finite point; ratios with a zero
** denominator (no losses, no drawdown, no deviation, where backtesting.py and empyrical may print
** inf); deviations of fewer than two returns; growth from a start that is not positive, or to an
** end below zero; averages of no episodes or no trades; everything about a benchmark where there is
** none.  Where the equity was not positive no return is defined for the next period, and it is left
** out.
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>

/* The rows of the files, in the order in which they are shown. */
static met_rows (*const part[])(void) = {met_rows_growth, met_rows_ratio, met_rows_drawdown,
                                         met_rows_risk,   met_rows_bench, met_rows_pnl,
                                         met_rows_trade};

#define PARTS (sizeof part / sizeof *part)

int bv_metric_count(void) {
  int n = 0;
  for (size_t i = 0; i < PARTS; i++) n += part[i]().n;
  return n;
}

const bv_metric_def *bv_metric_at(int i) {
  for (size_t k = 0; k < PARTS; k++) {
    const met_rows r = part[k]();
    if (i < r.n) return &r.row[i];
    i -= r.n;
  }
  return NULL;
}

bool bv_metric_in_run(const bv_metric_def *d) {
  return d->from != MET_FROM_NONE;
}

static void facts_of(bv_metric_run *m, double *fact) {
  for (int i = 0; i < MET_FACTS; i++) fact[i] = NAN;
  met_growth_facts(&m->r, &m->c, fact);
  met_drawdown_facts(&m->r, &m->c, fact);
  met_trade_facts(&m->trades, &m->in, &m->c, &m->w, fact);
}

static double value_of(const bv_metric_def *d, met_run *r, const double *fact) {
  if (!d->kernel) return fact[d->from - MET_FROM_FACT];
  met_sample *s = &r->s[d->from];
  const double a = s->slot[BV_METRIC_A];
  if (!isnan(d->a)) s->slot[BV_METRIC_A] = d->a;
  const double v = met_eval(d, s);
  s->slot[BV_METRIC_A] = a;
  return v;
}

static int values_of(met_run *r, const double *fact, bv_metric_value *out) {
  int n = 0;
  for (size_t k = 0; k < PARTS; k++) {
    const met_rows rows = part[k]();
    for (int i = 0; i < rows.n; i++) {
      const bv_metric_def *d = &rows.row[i];
      if (!bv_metric_in_run(d)) continue;
      const double v = value_of(d, r, fact);
      out[n++] = (bv_metric_value){d->name, d->variant, d->unit, isfinite(v) ? v : (double)NAN};
    }
  }
  return n;
}

/* ---- columns that go by ---- */

bv_rc bv_metric_new(const bv_metric_input *in, bv_metric_run **out, bv_err *err) {
  bv_metric_run *m = bv_alloc0(BV_MEM_RUN, sizeof *m);
  *out = m;
  if (!m) return bv_fail(err, BV_NOMEM, "metrics: no memory");
  m->in = *in;
  met_curve_begin(&m->c, &m->w, in);
  return BV_OK;
}

void bv_metric_free(bv_metric_run *m) {
  if (!m) return;
  met_trades_reset(&m->trades);
  met_run_reset(&m->r);
  met_curve_reset(&m->c);
  bv_free(m);
}

bv_rc bv_metric_points_add(bv_metric_run *m, const bv_metric_points *p, bv_err *err) {
  return met_walk_points(&m->w, &m->c, &m->in, p, err);
}

bv_rc bv_metric_points_end(bv_metric_run *m, const bv_metric_input *in, bv_err *err) {
  m->in = *in;
  BV_TRY(met_curve_end(&m->c, &m->w, in, err));
  BV_TRY(met_run_init(&m->r, in, &m->c, &m->w, err));
  return met_trades_begin(&m->trades, in, &m->c, &m->w, &m->r, err);
}

bv_rc bv_metric_bench_add(bv_metric_run *m, const bv_metric_points *p, bv_err *err) {
  if (!m->bench && m->c.points > 0) {
    BV_TRY(met_series_prices(&m->c.own, err));
    met_versus_begin(&m->versus, &m->c);
    m->bench = true;
  }
  if (m->bench) met_versus_points(&m->versus, &m->c, &m->in, p);
  return BV_OK;
}

bv_rc bv_metric_bench_again(bv_metric_run *m, bool *again, bv_err *err) {
  *again = m->bench && met_versus_next(&m->versus);
  if (!m->bench || *again) return BV_OK;
  return met_run_pairs(&m->r, &m->in, &m->c, &m->versus, err);
}

bv_rc bv_metric_trades_add(bv_metric_run *m, const bv_metric_trades *p, bv_err *err) {
  return met_trades_add(&m->trades, &m->in, &m->c, &m->r, p, err);
}

bool bv_metric_timed(const bv_metric_run *m) {
  return met_cover_open(&m->trades.touched);
}

bool bv_metric_trades_again(bv_metric_run *m) {
  return met_trades_next(&m->trades, &m->r);
}

void bv_metric_values(bv_metric_run *m, bv_metric_value *out, int *n) {
  double fact[MET_FACTS];
  facts_of(m, fact);
  *n = values_of(&m->r, fact, out);
}

/* ---- columns that lie in memory ---- */

/* Trades as columns, some at a time. */
typedef struct block {
  int64_t entry_ts[256], exit_ts[256], open[256];
  double qty[256], entry_price[256], exit_price[256], multiplier[256], commission[256];
  double pnl[256], ret[256], mae[256], mfe[256];
} block;

static bv_rc count_points(void *ctx, const int64_t *t, int64_t n, int64_t *points, bv_err *err) {
  const bv_metric_input *in = ctx;
  (void)err;
  for (int64_t i = 0; i < n; i++) {
    int64_t lo = 0, hi = in->n; /* first point later than t */
    while (lo < hi) {
      const int64_t mid = lo + (hi - lo) / 2;
      if (in->ts[mid] > t[i])
        hi = mid;
      else
        lo = mid + 1;
    }
    points[i] = lo;
  }
  return BV_OK;
}

static bv_rc add_block(bv_metric_run *m, const bv_metric_input *in, int64_t at, int64_t n,
                       bv_err *err) {
  block b;
  for (int64_t i = 0; i < n; i++) {
    const bv_metric_trade *t = &in->trade[at + i];
    b.entry_ts[i] = t->entry_ts;
    b.exit_ts[i] = t->exit_ts;
    b.open[i] = t->open;
    b.qty[i] = t->qty;
    b.entry_price[i] = t->entry_price;
    b.exit_price[i] = t->exit_price;
    b.multiplier[i] = t->multiplier;
    b.commission[i] = t->commission;
    b.pnl[i] = t->pnl;
    b.ret[i] = t->ret;
    b.mae[i] = t->mae;
    b.mfe[i] = t->mfe;
  }
  const bv_metric_trades p = {
      n,     b.entry_ts,    b.exit_ts,    b.open,       b.pnl,
      b.qty, b.entry_price, b.exit_price, b.multiplier, b.commission,
      b.ret, b.mae,         b.mfe,        count_points, (void *)(uintptr_t)in};
  return bv_metric_trades_add(m, &p, err);
}

static bv_rc add_all(bv_metric_run *m, const bv_metric_input *in, bv_err *err) {
  const bv_metric_points all = {in->n, in->ts, in->equity, in->exposed, in->bench};
  bool again = in->bench != NULL;
  BV_TRY(bv_metric_points_add(m, &all, err));
  BV_TRY(bv_metric_points_end(m, in, err));
  while (again) {
    BV_TRY(bv_metric_bench_add(m, &all, err));
    BV_TRY(bv_metric_bench_again(m, &again, err));
  }
  do {
    for (int64_t at = 0; at < in->ntrade; at += 256) {
      BV_TRY(add_block(m, in, at, in->ntrade - at < 256 ? in->ntrade - at : 256, err));
    }
  } while (bv_metric_trades_again(m));
  return BV_OK;
}

bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, int *n, bv_err *err) {
  bv_metric_run *m;
  bv_rc rc = bv_metric_new(in, &m, err);
  if (rc == BV_OK) rc = add_all(m, in, err);
  if (rc == BV_OK) bv_metric_values(m, out, n);
  bv_metric_free(m);
  return rc;
}
