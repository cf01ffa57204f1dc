/*
** ind_momentum.c - change against an earlier value: mom, roc, rsi, cmo, macd.
*/
#include "calc/ind.h"

/* ---- mom, roc ---- */

static size_t lag_size(const double *param) {
  return bv_lag_size((int64_t)param[0]);
}
static void lag_init(void *st, const double *param) {
  bv_lag_init(st, (int64_t)param[0]);
}

static void lag_reset(void *st) {
  bv_lag_reset(st);
}

static void mom_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  const double *x = in[0];
  double *y = out[0];
  bv_lag_clean(st, x, n, y);
  for (int64_t i = 0; i < n; i++) y[i] = x[i] - y[i];
}

static void roc_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  const double *x = in[0];
  double *y = out[0];
  bv_lag_clean(st, x, n, y);
  for (int64_t i = 0; i < n; i++) y[i] = y[i] == 0 ? 0 : (x[i] / y[i] - 1) * 100;
}

const bv_indicator bv_ind_mom = {
    .name = "mom",
    .title = "Momentum",
    .formula = "x - x[period bars ago]",
    .source = BV_SRC_TALIB " (MOM)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"mom", "as input", "the change",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER |
                    BV_SEEN_LEAN}},
    .first = bv_ind_n,
    .window = bv_ind_n_plus_1,
    .state_size = lag_size,
    .init = lag_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = mom_clean,
    .reset = lag_reset,
};

const bv_indicator bv_ind_roc = {
    .name = "roc",
    .title = "Rate of change",
    .formula = "100 * (x / x[period bars ago] - 1); 0 where the earlier value is 0",
    .source = BV_SRC_TALIB " (ROC)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"roc", "percent", "the change",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER |
                    BV_SEEN_STOCKCHARTS}},
    .first = bv_ind_n,
    .window = bv_ind_n_plus_1,
    .state_size = lag_size,
    .init = lag_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = roc_clean,
    .reset = lag_reset,
};

/* ---- rsi ---- */

typedef struct rsi {
  int64_t n, seen; /* bars seen, counted to n + 1 */
  double k, prev, up, down;
} rsi;

static size_t rsi_size(const double *param) {
  (void)param;
  return sizeof(rsi);
}

static void rsi_init(void *st, const double *param) {
  *(rsi *)st = (rsi){.n = (int64_t)param[0], .k = bv_rma_k((int64_t)param[0])};
}

/* The test for a flat series is TA-Lib's.  `both` (cmo, a constant at each call): from -100 to 100. */
static inline double rsi_value(double up, double down, int both) {
  const double s = up + down;
  return s < 1e-14 ? 0 : 100 * ((both ? up - down : up) / s);
}

/* Bars 0..n: the means start as means of the first n changes. */
static double rsi_warm_up(rsi *r, double x, int both) {
  const double d = x - r->prev;
  r->prev = x;
  if (r->seen++ == 0) return NAN;
  r->up += d > 0 ? d : 0;
  r->down += d < 0 ? -d : 0;
  if (r->seen <= r->n) return NAN;
  r->up /= (double)r->n;
  r->down /= (double)r->n;
  return rsi_value(r->up, r->down, both);
}

static inline void rsi_step(rsi *r, const double *x, int64_t n, double *y, int both) {
  const double k = r->k;
  int64_t i = 0;
  for (; i < n && r->seen <= r->n; i++) y[i] = rsi_warm_up(r, x[i], both);
  double up = r->up, down = r->down, prev = r->prev;
  for (; i < n; i++) {
    const double d = x[i] - prev;
    prev = x[i];
    up += ((d > 0 ? d : 0) - up) * k;
    down += ((d < 0 ? -d : 0) - down) * k;
    y[i] = rsi_value(up, down, both);
  }
  r->up = up, r->down = down, r->prev = prev;
}

static void rsi_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  rsi_step(st, in[0], n, out[0], 0);
}

static void cmo_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  rsi_step(st, in[0], n, out[0], 1);
}

const bv_indicator bv_ind_rsi = {
    .name = "rsi",
    .title = "Relative strength index",
    .formula = "100 G / (G + L), G and L rma(period) of gains and losses; 0 where G + L < 1e-14",
    .source = BV_SRC_TALIB " (RSI); " BV_SRC_WILDER,
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"rsi", "percent 0..100", "the index",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER |
                    BV_SEEN_LEAN}},
    .first = bv_ind_n,
    .state_size = rsi_size,
    .init = rsi_init,
    .run = bv_ind_clean_run,
    .clean = rsi_clean,
};

const bv_indicator bv_ind_cmo = {
    .name = "cmo",
    .title = "Chande momentum oscillator",
    .formula =
        "100 (G - L) / (G + L), G and L rma(period) of gains and losses; 0 where G + L < 1e-14",
    .source = BV_SRC_TALIB " (CMO); Chande's own uses plain sums",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"cmo", "percent -100..100", "the oscillator", BV_SEEN_TALIB}},
    .first = bv_ind_n,
    .state_size = rsi_size,
    .init = rsi_init,
    .run = bv_ind_clean_run,
    .clean = cmo_clean,
};

/* ---- macd ---- */

typedef struct macd {
  bv_smooth fast, slow, signal;
} macd;

static size_t macd_size(const double *param) {
  (void)param;
  return sizeof(macd);
}

static void macd_init(void *st, const double *param) {
  macd *m = st;
  const int64_t a = (int64_t)param[0], b = (int64_t)param[1], sig = (int64_t)param[2];
  const int64_t fast = a < b ? a : b, slow = a < b ? b : a;
  bv_smooth_init(&m->fast, fast, bv_ema_k(fast), slow - fast);
  bv_smooth_init(&m->slow, slow, bv_ema_k(slow), 0);
  bv_smooth_init(&m->signal, sig, bv_ema_k(sig), 0);
}

static int64_t macd_first(const double *param) {
  return (int64_t)(param[0] > param[1] ? param[0] : param[1]) + (int64_t)param[2] - 2;
}

/* Once all three averages have begun they go on side by side. */
static void macd_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  macd *m = st;
  const double *x = in[0];
  double *line = out[0], *signal = out[1], *hist = out[2];
  int64_t i = 0;
  for (; i < n && m->signal.fill < m->signal.n; i++) {
    double a, b, s;
    const int fast = bv_smooth_step(&m->fast, x[i], &a), slow = bv_smooth_step(&m->slow, x[i], &b);
    const int ok = fast && slow && bv_smooth_step(&m->signal, a - b, &s);
    line[i] = ok ? a - b : NAN;
    signal[i] = ok ? s : NAN;
    hist[i] = ok ? a - b - s : NAN;
  }
  double a = m->fast.e, b = m->slow.e, s = m->signal.e;
  const double ka = m->fast.k, kb = m->slow.k, ks = m->signal.k;
  for (; i < n; i++) {
    a += (x[i] - a) * ka;
    b += (x[i] - b) * kb;
    const double d = a - b;
    s += (d - s) * ks;
    line[i] = d;
    signal[i] = s;
    hist[i] = d - s;
  }
  m->fast.e = a, m->slow.e = b, m->signal.e = s;
}

const bv_indicator bv_ind_macd = {
    .name = "macd",
    .title = "Moving average convergence divergence",
    .formula =
        "ema(fast) - ema(slow), its ema(signal), and their difference; both averages start at "
        "bar slow-1, nothing is shown before the signal; fast and slow may be swapped",
    .source = BV_SRC_TALIB " (MACD)",
    .ninput = 1,
    .nparam = 3,
    .noutput = 3,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("fast", 12, 1), BV_PERIOD_OR("slow", 26, 1),
              BV_PERIOD_OR("signal", 9, 1)},
    .output = {{"macd", "as input", "the difference of the averages",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN},
               {"macd_signal", "as input", "the signal line",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER},
               {"macd_hist", "as input", "macd less its signal",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = macd_first,
    .state_size = macd_size,
    .init = macd_init,
    .run = bv_ind_clean_run,
    .clean = macd_clean,
};
