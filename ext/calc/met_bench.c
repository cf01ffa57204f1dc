/*
** met_bench.c - returns against those of a benchmark.
**
** r and b are the returns of the same periods: a period without either has neither.  In a run the
** benchmark is the series the configuration names, and its price at a point is the last close known
** then.  beta is cov(r, b)/var(b); LEAN shows 0 where something is not defined.
*/
#include "calc/met.h"

#include <math.h>

/* ---- second moments ---- */

void met_pairs_mean(met_pairs *p) {
  const double n = (double)p->n;
  p->m = (met_both){NAN, NAN, NAN, NAN, NAN};
  if (p->n < 1) return;
  p->m.mx = met_total(&p->x) / n;
  p->m.my = met_total(&p->y) / n;
}

void met_pairs_again(met_pairs *p, double x, double y) {
  const double dx = (p->logs ? log1p(x) : x) - p->m.mx;
  const double dy = (p->logs ? log1p(y) : y) - p->m.my;
  met_add(&p->xx, dx * dx);
  met_add(&p->yy, dy * dy);
  met_add(&p->xy, dx * dy);
}

void met_pairs_end(met_pairs *p) {
  const double n = (double)p->n;
  if (p->n < 1) return;
  p->m.xx = met_total(&p->xx) / n;
  p->m.yy = met_total(&p->yy) / n;
  p->m.xy = met_total(&p->xy) / n;
  if (met_clean(sqrt(p->m.xx), 1 + p->scale_x) == 0) p->m.xx = 0;
  if (met_clean(sqrt(p->m.yy), 1 + p->scale_y) == 0) p->m.yy = 0;
}

const met_both *met_both_once(met_sample *s, bool logs) {
  if (s->has_both[logs]) return &s->both[logs];
  met_pairs p = {.logs = logs};
  for (int64_t i = 0; i < s->n; i++) met_pairs_add(&p, s->x[i], s->y[i]);
  met_pairs_mean(&p);
  for (int64_t i = 0; i < s->n; i++) met_pairs_again(&p, s->x[i], s->y[i]);
  met_pairs_end(&p);
  s->both[logs] = p.m;
  s->has_both[logs] = true;
  return &s->both[logs];
}

/* ---- every point of a run ---- */

void met_versus_begin(met_versus *x, met_curve *c) {
  *x = (met_versus){.ends = INT64_MIN,
                    .v0 = NAN,
                    .b0 = NAN,
                    .first = NAN,
                    .gross = 1,
                    .hold = 1,
                    .pairs.logs = true};
  for (int64_t i = 0; i < c->own.n; i++) c->own.b[i] = NAN;
}

/* The last price of each day, as the days of the curve were found. */
static void note_day(met_versus *x, met_curve *c, const bv_metric_input *in, int64_t ts, double b) {
  const int64_t t = in->left ? ts : ts - 1;
  if (t >= x->ends) {
    x->day = met_day_of(in, t);
    x->ends = met_day_end(in, t, x->day);
  }
  if (x->day_n == 0 || x->day > c->own.key[x->day_n - 1]) x->day_n++;
  c->own.b[x->day_n - 1] = b;
}

void met_versus_points(met_versus *x, met_curve *c, const bv_metric_input *in,
                       const bv_metric_points *p) {
  for (int64_t i = 0; i < p->n; i++) {
    const double v = p->equity[i], b = p->bench[i];
    if (!isfinite(v)) continue;
    if (x->v0 > 0 && x->b0 > 0 && isfinite(b)) {
      const double r = v / x->v0 - 1, s = b / x->b0 - 1;
      if (x->again) {
        met_pairs_again(&x->pairs, r, s);
      } else {
        met_pairs_add(&x->pairs, r, s);
        x->gross *= 1 + r;
        x->hold *= 1 + s;
      }
    }
    x->v0 = v;
    x->b0 = b;
    if (x->again) continue;
    note_day(x, c, in, p->ts[i], b);
    if (isnan(x->first) && x->at + i >= in->bench_first) x->first = b;
  }
  x->at += p->n;
}

bool met_versus_next(met_versus *x) {
  if (x->again) {
    met_pairs_end(&x->pairs);
    return false;
  }
  met_pairs_mean(&x->pairs);
  x->again = true;
  x->at = 0;
  x->v0 = NAN; /* b0 stays for what bench_first asks: it is set anew with the first point */
  return true;
}

static met_both both_of(met_sample *s, bool logs) {
  return *met_both_once(s, logs);
}

static double beta(met_sample *s) {
  const met_both m = both_of(s, false);
  return s->n < 2 ? (double)NAN : met_ratio(m.xy, m.yy);
}

static double beta_bt(met_sample *s) {
  const met_both m = both_of(s, true);
  return s->n < 2 ? (double)NAN : met_ratio(m.xy, m.yy);
}

static double beta_lean(met_sample *s) {
  const double k = beta(s);
  return isnan(k) && s->n > 0 ? 0 : k;
}

static double correlation(met_sample *s) {
  const met_both m = both_of(s, false);
  return s->n < 2 ? (double)NAN : met_ratio(m.xy, sqrt(m.xx) * sqrt(m.yy));
}

static double r_squared(met_sample *s) {
  const double c = correlation(s);
  return c * c;
}

/* ---- alpha ---- */

static double alpha(met_sample *s) {
  const met_both m = both_of(s, false);
  const double rf = met_rf(s), k = beta(s);
  return pow(1 + (m.mx - rf) - k * (m.my - rf), s->slot[BV_METRIC_PERIODS]) - 1;
}

static double alpha_qs(met_sample *s) {
  const met_both m = both_of(s, false);
  return (m.mx - beta(s) * m.my) * s->slot[BV_METRIC_PERIODS];
}

/* What 1 became in the benchmark. */
static double hold(const met_sample *s) {
  double product = 1;
  if (s->known_hold) return s->hold;
  for (int64_t i = 0; i < s->n; i++) product *= 1 + s->y[i];
  return s->n > 0 ? product : (double)NAN;
}

static double alpha_bt(met_sample *s) {
  const double rf = s->slot[BV_METRIC_RISK_FREE];
  return met_total_return(s) - rf - beta_bt(s) * (hold(s) - 1 - rf);
}

static double annual(double mean, const met_sample *s) {
  return met_annual_lean(mean, s->slot[BV_METRIC_PERIODS]);
}

static double alpha_lean(met_sample *s) {
  const met_both m = both_of(s, false);
  const double rf = s->slot[BV_METRIC_RISK_FREE], k = beta_lean(s);
  return k == 0 ? 0 : annual(m.mx, s) - (rf + k * (annual(m.my, s) - rf));
}

/* ---- differences ---- */

typedef struct gap {
  double mean, sd;
} gap;

/* Mean and sample deviation of r - b. */
static gap gap_of(met_sample *s) {
  const met_both m = both_of(s, false);
  met_sum squares = {0, 0};
  double scale = 0;
  gap g = {m.mx - m.my, NAN};
  if (s->n < 2) return g;
  for (int64_t i = 0; i < s->n; i++) {
    const double d = s->x[i] - s->y[i] - g.mean;
    met_add(&squares, d * d);
    scale = fmax(scale, fmax(fabs(s->x[i]), fabs(s->y[i])));
  }
  g.sd = met_clean(sqrt(met_total(&squares) / (double)(s->n - 1)), 1 + scale);
  return g;
}

static double tracking_error(met_sample *s) {
  return gap_of(s).sd * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double tracking_error_period(met_sample *s) {
  return gap_of(s).sd;
}

static double information(met_sample *s) {
  const gap g = gap_of(s);
  return met_ratio(g.mean, g.sd) * sqrt(s->slot[BV_METRIC_PERIODS]);
}

static double information_period(met_sample *s) {
  const gap g = gap_of(s);
  return met_ratio(g.mean, g.sd);
}

static double information_lean(met_sample *s) {
  const met_both m = both_of(s, false);
  const double te = tracking_error(s);
  if (s->n < 1) return NAN;
  return te > 0 ? (annual(m.mx, s) - annual(m.my, s)) / te : 0;
}

/* ---- Treynor ---- */

static double treynor(met_sample *s) {
  return met_ratio(met_cagr(s) - s->slot[BV_METRIC_RISK_FREE], beta(s));
}

static double treynor_qs(met_sample *s) {
  return met_ratio(met_total_return(s) - s->slot[BV_METRIC_RISK_FREE], beta(s));
}

static double treynor_lean(met_sample *s) {
  const double k = beta_lean(s);
  return k == 0 ? 0 : (annual(met_mean(s), s) - s->slot[BV_METRIC_RISK_FREE]) / k;
}

/* ---- capture ---- */

typedef enum side { ALL, UP, DOWN } side;

/* Annual return of r on the periods of a side, over that of b on the same. */
static double capture_of(const met_sample *s, side which) {
  double r = 1, b = 1;
  int64_t n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    if (which == UP ? !(s->y[i] > 0) : which == DOWN && !(s->y[i] < 0)) continue;
    r *= 1 + s->x[i];
    b *= 1 + s->y[i];
    n++;
  }
  if (n < 1 || r < 0 || b < 0) return NAN;
  const double years = s->slot[BV_METRIC_PERIODS] / (double)n;
  return met_ratio(pow(r, years) - 1, pow(b, years) - 1);
}

static double capture(met_sample *s) {
  return capture_of(s, ALL);
}

static double capture_up(met_sample *s) {
  return capture_of(s, UP);
}

static double capture_down(met_sample *s) {
  return capture_of(s, DOWN);
}

static double capture_ratio(met_sample *s) {
  return met_ratio(capture_of(s, UP), capture_of(s, DOWN));
}

/* r where b is as given, the first of several. */
static double at(const met_sample *s, double b) {
  int64_t i = 0;
  while (s->y[i] != b) i++;
  return s->x[i];
}

/* How r bends between the worst, the middle and the best period of the benchmark. */
static double fragility(met_sample *s) {
  if (s->n < 3) return NAN;
  const double *b = met_sorted(s, 'y');
  const double lo = b[0], hi = b[s->n - 1];
  const double mid = b[(int64_t)nearbyint((double)s->n / 2)];
  const double w = hi > lo ? (mid - lo) / (hi - lo) : 0.5;
  const double v = hi > lo ? (hi - mid) / (hi - lo) : 0.5;
  return w * at(s, lo) + v * at(s, hi) - at(s, mid);
}

static double benchmark(met_sample *s) {
  return hold(s) - 1;
}

static double active(met_sample *s) {
  return met_total_return(s) - benchmark(s);
}

static const bv_metric_def rows[] = {
    MET_ROW("benchmark_return", "", "fraction", NULL, MET_PAIRS, benchmark, "prod(1+b) - 1",
            "common"),
    MET_ROW("benchmark_return", "backtesting.py", "fraction", NULL, MET_PAIRS_BT, benchmark,
            "B_n/B_1 - 1", MET_BT " Buy & Hold Return"),
    MET_ROW("active_return", "", "fraction", "active_return", MET_PAIRS, active,
            "prod(1+r) - prod(1+b)", "common"),
    MET_ROW("alpha", "", "fraction", "alpha", MET_PAIRS, alpha,
            "(1 + mean(r - rf - beta (b - rf)))^P - 1", "empyrical alpha"),
    MET_ROW("alpha", "empyrical", "fraction", "alpha", MET_PAIRS, alpha,
            "(1 + mean(r - rf - beta (b - rf)))^P - 1", "empyrical alpha"),
    MET_ROW("alpha", "quantstats", "fraction", "alpha", MET_PAIRS, alpha_qs,
            "(mean(r) - beta mean(b)) P", "quantstats greeks"),
    MET_ROW("alpha", "lean", "fraction", "alpha", MET_PAIRS, alpha_lean,
            "A(r) - RF - beta (A(b) - RF), A(x) = (1 + mean(x))^P - 1, 0 where beta is",
            MET_LEAN " Alpha"),
    MET_ROW("alpha", "backtesting.py", "fraction", "alpha", MET_PAIRS_BT, alpha_bt,
            "prod(1+r) - 1 - RF - beta (prod(1+b) - 1 - RF), not annual", MET_BT " Alpha"),
    MET_ROW("beta", "", "ratio", "beta", MET_PAIRS, beta, "cov(r, b)/var(b)", "common"),
    MET_ROW("beta", "empyrical", "ratio", "beta", MET_PAIRS, beta, "cov(r, b)/var(b)",
            "empyrical beta"),
    MET_ROW("beta", "quantstats", "ratio", "beta", MET_PAIRS, beta, "cov(r, b)/var(b)",
            "quantstats greeks"),
    MET_ROW("beta", "lean", "ratio", "beta", MET_PAIRS, beta_lean,
            "cov(r, b)/var(b), 0 where var(b) is", MET_LEAN " Beta"),
    MET_ROW("beta", "backtesting.py", "ratio", "beta", MET_PAIRS_BT, beta_bt,
            "cov(ln(1+r), ln(1+b))/var(ln(1+b)), r and b of every point", MET_BT " Beta"),
    MET_ROW("correlation", "", "ratio", "correlation", MET_PAIRS, correlation,
            "cov(r, b)/(sd(r) sd(b))", "common"),
    MET_ROW("r_squared", "", "ratio", "r_squared", MET_PAIRS, r_squared, "correlation^2",
            "quantstats r_squared"),
    MET_ROW("r_squared", "quantstats", "ratio", "r_squared", MET_PAIRS, r_squared, "correlation^2",
            "quantstats r_squared"),
    MET_ROW("tracking_error", "", "fraction", "tracking_error", MET_PAIRS, tracking_error,
            "sd(r - b) sqrt(P)", "common"),
    MET_ROW("tracking_error", "lean", "fraction", "tracking_error", MET_PAIRS, tracking_error,
            "sd(r - b) sqrt(P)", MET_LEAN " TrackingError"),
    MET_ROW("tracking_error", "period", "fraction", "tracking_error", MET_PAIRS,
            tracking_error_period, "sd(r - b)", "common"),
    MET_ROW("information_ratio", "", "ratio", "information_ratio", MET_PAIRS, information,
            "mean(r - b)/sd(r - b) sqrt(P)", "Grinold, Kahn 1999"),
    MET_ROW("information_ratio", "empyrical", "ratio", "information_ratio", MET_PAIRS,
            information_period, "mean(r - b)/sd(r - b)", "empyrical excess_sharpe"),
    MET_ROW("information_ratio", "quantstats", "ratio", "information_ratio", MET_PAIRS,
            information_period, "mean(r - b)/sd(r - b)", "quantstats information_ratio"),
    MET_ROW("information_ratio", "ffn", "ratio", "information_ratio", MET_PAIRS, information_period,
            "mean(r - b)/sd(r - b)", "ffn calc_information_ratio"),
    MET_ROW("information_ratio", "lean", "ratio", "information_ratio", MET_PAIRS, information_lean,
            "(A(r) - A(b))/tracking_error, A(x) = (1 + mean(x))^P - 1, 0 where that is",
            MET_LEAN " InformationRatio"),
    MET_ROW("treynor", "", "ratio", "treynor", MET_PAIRS, treynor, "(cagr - RF)/beta",
            "Treynor 1965"),
    MET_ROW("treynor", "quantstats", "ratio", "treynor", MET_PAIRS, treynor_qs,
            "(prod(1+r) - 1 - RF)/beta", "quantstats treynor_ratio"),
    MET_ROW("treynor", "lean", "ratio", "treynor", MET_PAIRS, treynor_lean,
            "((1 + mean(r))^P - 1 - RF)/beta, 0 where beta is", MET_LEAN " TreynorRatio"),
    MET_ROW("capture", "", "ratio", "capture", MET_PAIRS, capture, "cagr(r)/cagr(b)",
            "empyrical capture"),
    MET_ROW("capture", "empyrical", "ratio", "capture", MET_PAIRS, capture, "cagr(r)/cagr(b)",
            "empyrical capture"),
    MET_ROW("capture_up", "", "ratio", "capture_up", MET_PAIRS, capture_up,
            "cagr(r)/cagr(b) of the periods with b > 0", "empyrical up_capture"),
    MET_ROW("capture_up", "empyrical", "ratio", "capture_up", MET_PAIRS, capture_up,
            "cagr(r)/cagr(b) of the periods with b > 0", "empyrical up_capture"),
    MET_ROW("capture_down", "", "ratio", "capture_down", MET_PAIRS, capture_down,
            "cagr(r)/cagr(b) of the periods with b < 0", "empyrical down_capture"),
    MET_ROW("capture_down", "empyrical", "ratio", "capture_down", MET_PAIRS, capture_down,
            "cagr(r)/cagr(b) of the periods with b < 0", "empyrical down_capture"),
    MET_ROW("capture_ratio", "", "ratio", "capture_ratio", MET_PAIRS, capture_ratio,
            "capture_up/capture_down", "empyrical up_down_capture"),
    MET_ROW("capture_ratio", "empyrical", "ratio", "capture_ratio", MET_PAIRS, capture_ratio,
            "capture_up/capture_down", "empyrical up_down_capture"),
    MET_ROW("beta_fragility", "empyrical", "fraction", "beta_fragility", MET_PAIRS, fragility,
            "w r(min b) + (1-w) r(max b) - r(median b), w = (median b - min b)/(max b - min b)",
            "empyrical beta_fragility_heuristic"),
};

met_rows met_rows_bench(void) {
  return MET_ROWS(rows);
}
