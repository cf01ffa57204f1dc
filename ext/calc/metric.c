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

static bv_rc facts_of(const bv_metric_input *in, met_run *r, const met_curve *c, double *fact,
                      bv_err *err) {
  for (int i = 0; i < MET_FACTS; i++) fact[i] = NAN;
  met_growth_facts(r, c, fact);
  met_drawdown_facts(r, c, fact);
  return met_trade_facts(in, c, fact, err);
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

bv_rc bv_metric_compute(const bv_metric_input *in, bv_metric_value *out, int *n, bv_err *err) {
  double fact[MET_FACTS];
  met_curve c;
  met_run r = {0};
  bv_rc rc = met_curve_init(&c, in, err);
  if (rc == BV_OK) rc = met_run_init(&r, in, &c, err);
  if (rc == BV_OK) rc = facts_of(in, &r, &c, fact, err);
  if (rc == BV_OK) *n = values_of(&r, fact, out);
  met_run_reset(&r);
  met_curve_reset(&c);
  return rc;
}
