/*
** ind_oscillator.c - differences and ratios of averages and ranges: apo, ppo, bop, cci, ultosc.
*/
#include "calc/ind.h"
#include "calc/lanes.h"

/* ---- apo, ppo ---- */

/* The fast mean follows the struct. */
typedef struct two_means {
  size_t slow;
} two_means;

static int64_t shorter(const double *param) {
  return (int64_t)fmin(param[0], param[1]);
}
static int64_t longer(const double *param) {
  return (int64_t)fmax(param[0], param[1]);
}
static int64_t longer_less_1(const double *param) {
  return longer(param) - 1;
}

static size_t two_means_size(const double *param) {
  return sizeof(two_means) + bv_mean_size(shorter(param)) + bv_mean_size(longer(param));
}

static void two_means_init(void *st, const double *param) {
  two_means *m = st;
  m->slow = sizeof *m + bv_mean_size(shorter(param));
  bv_mean_init(bv_part(m, sizeof *m), shorter(param));
  bv_mean_init(bv_part(m, m->slow), longer(param));
}

static void two_means_reset(void *st) {
  two_means *m = st;
  bv_mean_reset(bv_part(m, sizeof *m));
  bv_mean_reset(bv_part(m, m->slow));
}

static void two_means_anchor(void *st) {
  two_means *m = st;
  bv_mean_anchor(bv_part(m, sizeof *m));
  bv_mean_anchor(bv_part(m, m->slow));
}

static void apo_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  two_means *m = st;
  double slow[BV_RUN_MAX];
  bv_mean_clean(bv_part(m, sizeof *m), in[0], n, out[0]);
  bv_mean_clean(bv_part(m, m->slow), in[0], n, slow);
  for (int64_t i = 0; i < n; i++) out[0][i] -= slow[i];
}

static void ppo_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  two_means *m = st;
  double slow[BV_RUN_MAX];
  bv_mean_clean(bv_part(m, sizeof *m), in[0], n, out[0]);
  bv_mean_clean(bv_part(m, m->slow), in[0], n, slow);
  for (int64_t i = 0; i < n; i++) {
    out[0][i] = slow[i] == 0 ? 0 : 100 * ((out[0][i] - slow[i]) / slow[i]);
  }
}

const bv_indicator bv_ind_apo = {
    .name = "apo",
    .title = "Absolute price oscillator",
    .formula = "sma(fast) - sma(slow); fast and slow may be swapped",
    .source = BV_SRC_TALIB " (APO, average type SMA)",
    .ninput = 1,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("fast", 12, 1), BV_PERIOD_OR("slow", 26, 1)},
    .output = {{"apo", "as input", "the difference", BV_SEEN_TALIB | BV_SEEN_LEAN}},
    .first = longer_less_1,
    .window = longer,
    .state_size = two_means_size,
    .init = two_means_init,
    .anchor = two_means_anchor,
    .run = bv_ind_clean_run,
    .clean = apo_clean,
    .reset = two_means_reset,
};

const bv_indicator bv_ind_ppo = {
    .name = "ppo",
    .title = "Percentage price oscillator",
    .formula = "100 (sma(fast) - sma(slow)) / sma(slow), 0 where sma(slow) is 0; fast and slow may "
               "be swapped",
    .source = BV_SRC_TALIB " (PPO, average type SMA)",
    .ninput = 1,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("fast", 12, 1), BV_PERIOD_OR("slow", 26, 1)},
    .output = {{"ppo", "percent", "the difference", BV_SEEN_TALIB | BV_SEEN_LEAN}},
    .first = longer_less_1,
    .window = longer,
    .state_size = two_means_size,
    .init = two_means_init,
    .anchor = two_means_anchor,
    .run = bv_ind_clean_run,
    .clean = ppo_clean,
    .reset = two_means_reset,
};

/* ---- bop ---- */

static size_t no_state_size(const double *param) {
  (void)param;
  return sizeof(double);
}

static void no_state_init(void *st, const double *param) {
  (void)param;
  *(double *)st = 0;
}

static void bop_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  (void)st;
  for (int64_t i = 0; i < n; i++) {
    const double range = in[1][i] - in[2][i];
    out[0][i] = range < 1e-14 ? 0 : (in[3][i] - in[0][i]) / range;
  }
}

const bv_indicator bv_ind_bop = {
    .name = "bop",
    .title = "Balance of power",
    .formula = "(close - open) / (high - low); 0 where high - low < 1e-14",
    .source = BV_SRC_TALIB " (BOP)",
    .ninput = 4,
    .nparam = 0,
    .noutput = 1,
    .input = {BV_IN_OPEN, BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .output = {{"bop", "-1..1", "the balance", BV_SEEN_TALIB | BV_SEEN_TULIP}},
    .first = bv_ind_0,
    .window = bv_ind_1,
    .state_size = no_state_size,
    .init = no_state_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = bop_clean,
};

/* ---- cci ---- */

/* Typical prices that are equal but for the rounding of (high + low + close) / 3 differ by less than
** this part of the mean; their ratio would be a number up to +-66 made of noise. */
#define CCI_NOISE 0x1p-50

static void cci_typical(const double *const *in, int64_t n, double *tp) {
  for (int64_t i = 0; i < n; i++) tp[i] = (in[0][i] + in[1][i] + in[2][i]) / 3;
}

/* deviation[i] = sum of |x - mean[i]| over the n values of `line` up to i + n - 1, oldest first. */
static void cci_deviation(const double *line, const double *mean, int64_t k, int64_t n,
                          double *deviation) {
  int64_t i = 0;
  for (; i + BV_LANES <= k; i += BV_LANES) {
    const bv_lane m = bv_lane_load(mean + i);
    bv_lane s = {0};
    for (int64_t j = i; j < i + n; j++) s += bv_lane_abs(bv_lane_load(line + j) - m);
    bv_lane_store(deviation + i, s);
  }
  for (; i < k; i++) {
    double s = 0;
    for (int64_t j = i; j < i + n; j++) s += fabs(line[j] - mean[i]);
    deviation[i] = s;
  }
}

/* The values from before a run, and room for a run behind them; the mean follows at `mean`. */
typedef struct cci {
  int64_t n, fill; /* of line, at most n - 1 before a run */
  size_t mean;
  double line[];
} cci;

static size_t cci_line(const double *param) {
  return sizeof(cci) + ((size_t)param[0] + BV_RUN_MAX) * sizeof(double);
}

static size_t cci_size(const double *param) {
  return cci_line(param) + bv_mean_size((int64_t)param[0]);
}
static void cci_init(void *st, const double *param) {
  cci *c = st;
  *c = (cci){.n = (int64_t)param[0], .mean = cci_line(param)};
  bv_mean_init(bv_part(c, c->mean), c->n);
}
static void cci_reset(void *st) {
  cci *c = st;
  c->fill = 0;
  bv_mean_reset(bv_part(c, c->mean));
}
static void cci_anchor(void *st) {
  cci *c = st;
  bv_mean_anchor(bv_part(c, c->mean));
}

static double cci_value(double tp, double mean, double deviation) {
  const double d = tp - mean, noise = fabs(mean) * CCI_NOISE;
  return fabs(d) <= noise || deviation <= noise ? 0 : d / (0.015 * deviation);
}

static void cci_clean(void *st, const double *const *in, int64_t k, double *const *out) {
  cci *c = st;
  const int64_t n = c->n, late = n - 1 - c->fill; /* bars that still have no result */
  double *tp = c->line + c->fill, *y = out[0], mean[BV_RUN_MAX], deviation[BV_RUN_MAX];
  cci_typical(in, k, tp);
  bv_mean_run(bv_part(c, c->mean), tp, k, mean);
  for (int64_t i = 0; i < k && i < late; i++) y[i] = NAN;
  if (late < k) {
    cci_deviation(c->line, mean + late, k - late, n, deviation);
    for (int64_t i = late; i < k; i++) {
      y[i] = cci_value(tp[i], mean[i], deviation[i - late] / (double)n);
    }
  }
  const int64_t all = c->fill + k, keep = all < n - 1 ? all : n - 1;
  memmove(c->line, c->line + all - keep, (size_t)keep * sizeof *c->line);
  c->fill = keep;
}

const bv_indicator bv_ind_cci = {
    .name = "cci",
    .title = "Commodity channel index",
    .formula = "(tp - sma(tp)) / (0.015 * mean |tp - sma(tp)|), tp = (high + low + close) / 3, "
               "over period bars; 0 where either is 0 but for rounding (2^-50 of the mean)",
    .source = BV_SRC_TALIB " (CCI); D. Lambert (1980)",
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {{"period", 14, 1, 10000, 1, 1, NULL}},
    .output = {{"cci", "none", "the index", BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_STOCKCHARTS}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = cci_size,
    .init = cci_init,
    .anchor = cci_anchor,
    .run = bv_ind_clean_run,
    .clean = cci_clean,
    .reset = cci_reset,
};

/* ---- ultosc ---- */

/* For each of the three periods the sum of buying pressure and the sum of the true range. */
typedef struct ultosc {
  int64_t period[3]; /* ascending */
  int64_t have;
  double close;
  size_t part[6];
} ultosc;

static void sort3(const double *param, int64_t out[3]) {
  const double lo = fmin(fmin(param[0], param[1]), param[2]);
  const double hi = fmax(fmax(param[0], param[1]), param[2]);
  out[0] = (int64_t)lo;
  out[1] = (int64_t)(param[0] + param[1] + param[2] - lo - hi);
  out[2] = (int64_t)hi;
}

static int64_t ultosc_first(const double *param) {
  return (int64_t)fmax(fmax(param[0], param[1]), param[2]);
}

static int64_t ultosc_window(const double *param) {
  return ultosc_first(param) + 1;
}

static size_t ultosc_size(const double *param) {
  size_t n = sizeof(ultosc);
  for (int k = 0; k < 3; k++) n += 2 * bv_mean_size((int64_t)param[k]);
  return n;
}

static void ultosc_init(void *st, const double *param) {
  ultosc *u = st;
  size_t at = sizeof *u;
  u->have = 0;
  u->close = 0;
  sort3(param, u->period);
  for (int k = 0; k < 6; k++) {
    u->part[k] = at;
    bv_mean_init(bv_part(u, at), u->period[k / 2]);
    at += bv_mean_size(u->period[k / 2]);
  }
}

static void ultosc_reset(void *st) {
  ultosc *u = st;
  u->have = 0;
  for (int k = 0; k < 6; k++) bv_mean_reset(bv_part(u, u->part[k]));
}

static void ultosc_anchor(void *st) {
  ultosc *u = st;
  for (int k = 0; k < 6; k++) bv_mean_anchor(bv_part(u, u->part[k]));
}

/* Close - true low, and the true range; NaN at the first bar. */
static void ultosc_pressure(ultosc *u, const double *const *in, int64_t n, double *bp, double *tr) {
  double c = u->close;
  for (int64_t i = 0; i < n; i++) {
    const double h = in[0][i] > c ? in[0][i] : c, l = in[1][i] < c ? in[1][i] : c;
    bp[i] = in[2][i] - l;
    tr[i] = h - l;
    c = in[2][i];
  }
  if (!u->have) bp[0] = tr[0] = NAN;
  u->have = 1;
  u->close = c;
}

/* y += weight * b / t, but where t is below 1e-14. */
static void add_ratio(const double *b, const double *t, int64_t n, double weight, double *y) {
  for (int64_t i = 0; i < n; i++) y[i] += t[i] < 1e-14 ? 0 : weight * (b[i] / t[i]);
}

static void ultosc_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  static const double weight[3] = {4, 2, 1};
  ultosc *u = st;
  double bp[BV_RUN_MAX], tr[BV_RUN_MAX], b[BV_RUN_MAX], t[BV_RUN_MAX];
  double *y = out[0];
  ultosc_pressure(u, in, n, bp, tr);
  for (int64_t i = 0; i < n; i++) y[i] = 0;
  for (int k = 0; k < 3; k++) {
    bv_sum_run(bv_part(u, u->part[2 * k]), bp, n, b);
    bv_sum_run(bv_part(u, u->part[2 * k + 1]), tr, n, t);
    add_ratio(b, t, n, weight[k], y);
  }
  for (int64_t i = 0; i < n; i++) y[i] *= 100.0 / 7;
}

const bv_indicator bv_ind_ultosc = {
    .name = "ultosc",
    .title = "Ultimate oscillator",
    .formula = "100/7 (4 A7 + 2 A14 + A28), A = sum(close - true low) / sum(true range) over the "
               "three periods, shortest first; a term is 0 where its range is below 1e-14",
    .source = BV_SRC_TALIB " (ULTOSC); L. Williams (1976)",
    .ninput = 3,
    .nparam = 3,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("short", 7, 1), BV_PERIOD_OR("medium", 14, 1),
              BV_PERIOD_OR("long", 28, 1)},
    .output = {{"ultosc", "percent 0..100", "the oscillator",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER | BV_SEEN_LEAN |
                    BV_SEEN_STOCKCHARTS}},
    .first = ultosc_first,
    .window = ultosc_window,
    .state_size = ultosc_size,
    .init = ultosc_init,
    .anchor = ultosc_anchor,
    .run = bv_ind_clean_run,
    .clean = ultosc_clean,
    .reset = ultosc_reset,
};
