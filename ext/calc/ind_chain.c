/*
** ind_chain.c - averages of averages: dema, tema, t3, trix, zlema, kama, trima, hma.
**
** Each stage leaves out the NaN that the stage before writes while it warms up, so every
** exponential average starts with the mean of its own first values.
*/
#include "calc/ind.h"

/* ---- dema, tema, t3, trix: exponential averages in a row ---- */

enum { CHAIN_MAX = 6 };

typedef struct chain {
  double volume; /* t3 */
  double last;   /* trix: the value before, NaN: none */
  bv_smooth stage[CHAIN_MAX];
} chain;

static size_t chain_size(const double *param) {
  (void)param;
  return sizeof(chain);
}

static void chain_init(void *st, const double *param) {
  chain *c = st;
  const int64_t n = (int64_t)param[0];
  memset(c, 0, sizeof *c);
  c->last = NAN;
  for (int k = 0; k < CHAIN_MAX; k++) bv_smooth_init(&c->stage[k], n, bv_ema_k(n), 0);
}

static void t3_init(void *st, const double *param) {
  chain_init(st, param);
  ((chain *)st)->volume = param[1];
}

static int64_t dema_first(const double *param) {
  return 2 * ((int64_t)param[0] - 1);
}
static int64_t tema_first(const double *param) {
  return 3 * ((int64_t)param[0] - 1);
}
static int64_t t3_first(const double *param) {
  return 6 * ((int64_t)param[0] - 1);
}
static int64_t trix_first(const double *param) {
  return 3 * ((int64_t)param[0] - 1) + 1;
}

/* e[k] = stage k of the row, for the first `stages`, which is a constant at each call.  Once all have
** begun, a bar goes through all of them before the next one: while one stage waits for its own last
** value the others go on. */
static inline void chain_run(chain *c, int stages, const double *x, int64_t n,
                             double e[CHAIN_MAX][BV_RUN_MAX]) {
  int64_t i = 0;
  for (; i < n && c->stage[stages - 1].fill < c->stage[stages - 1].n; i++) {
    double v = x[i];
    int ok = 1;
    for (int k = 0; k < stages; k++) {
      ok = ok && bv_smooth_step(&c->stage[k], v, &v);
      e[k][i] = ok ? v : NAN;
    }
  }
  double last[CHAIN_MAX] = {0};
  const double f = c->stage[0].k;
  for (int k = 0; k < stages; k++) last[k] = c->stage[k].e;
  for (; i < n; i++) {
    double v = x[i];
#pragma GCC unroll 6
    for (int k = 0; k < stages; k++) {
      last[k] += (v - last[k]) * f;
      e[k][i] = v = last[k];
    }
  }
  for (int k = 0; k < stages; k++) c->stage[k].e = last[k];
}

static void dema_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double e[CHAIN_MAX][BV_RUN_MAX];
  chain_run(st, 2, in[0], n, e);
  for (int64_t i = 0; i < n; i++) out[0][i] = 2 * e[0][i] - e[1][i];
}

const bv_indicator bv_ind_dema = {
    .name = "dema",
    .title = "Double exponential moving average",
    .formula = "2 E1 - E2, E1 = ema(period), E2 = ema(period) of E1",
    .source = BV_SRC_TALIB " (DEMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"dema", "as input", "the average",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = dema_first,
    .state_size = chain_size,
    .init = chain_init,
    .run = bv_ind_clean_run,
    .clean = dema_clean,
};

static void tema_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double e[CHAIN_MAX][BV_RUN_MAX];
  chain_run(st, 3, in[0], n, e);
  for (int64_t i = 0; i < n; i++) out[0][i] = 3 * e[0][i] - 3 * e[1][i] + e[2][i];
}

const bv_indicator bv_ind_tema = {
    .name = "tema",
    .title = "Triple exponential moving average",
    .formula = "3 E1 - 3 E2 + E3, each the ema(period) of the one before",
    .source = BV_SRC_TALIB " (TEMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"tema", "as input", "the average",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN}},
    .first = tema_first,
    .state_size = chain_size,
    .init = chain_init,
    .run = bv_ind_clean_run,
    .clean = tema_clean,
};

static void t3_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double e[CHAIN_MAX][BV_RUN_MAX];
  chain *c = st;
  const double v = c->volume;
  const double c1 = -v * v * v, c2 = 3 * (v * v - c1);
  const double c3 = -6 * v * v - 3 * (v - c1), c4 = 1 + 3 * v - c1 + 3 * v * v;
  chain_run(c, 6, in[0], n, e);
  for (int64_t i = 0; i < n; i++) {
    out[0][i] = c1 * e[5][i] + c2 * e[4][i] + c3 * e[3][i] + c4 * e[2][i];
  }
}

const bv_indicator bv_ind_t3 = {
    .name = "t3",
    .title = "Tillson T3 average",
    .formula = "c1 E6 + c2 E5 + c3 E4 + c4 E3 of six ema(period) in a row; c1 = -v^3, c2 = 3 v^2 + "
               "3 v^3, c3 = -6 v^2 - 3 v - 3 v^3, c4 = 1 + 3 v + v^3 + 3 v^2",
    .source = BV_SRC_TALIB " (T3)",
    .ninput = 1,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1), {"volume", 0.7, 0, 1, 0, 1, NULL}},
    .output = {{"t3", "as input", "the average", BV_SEEN_TALIB | BV_SEEN_LEAN}},
    .first = t3_first,
    .state_size = chain_size,
    .init = t3_init,
    .run = bv_ind_clean_run,
    .clean = t3_clean,
};

static void trix_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double e[CHAIN_MAX][BV_RUN_MAX];
  chain *c = st;
  double last = c->last;
  chain_run(c, 3, in[0], n, e);
  for (int64_t i = 0; i < n; i++) {
    out[0][i] = last == 0 ? 0 : (e[2][i] / last - 1) * 100;
    last = e[2][i];
  }
  c->last = last;
}

const bv_indicator bv_ind_trix = {
    .name = "trix",
    .title = "Rate of change of a triple exponential average",
    .formula = "100 * (E3 / E3[1 bar ago] - 1), E3 = ema(period) three times; 0 where the earlier "
               "value is 0",
    .source = BV_SRC_TALIB " (TRIX)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 30, 1)},
    .output = {{"trix", "percent", "the change per bar",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = trix_first,
    .state_size = chain_size,
    .init = chain_init,
    .run = bv_ind_clean_run,
    .clean = trix_clean,
};

/* ---- zlema ---- */

/* The lag follows. */
typedef struct zlema {
  int64_t lag, seen;
  double k, e;
} zlema;

static size_t zlema_size(const double *param) {
  return sizeof(zlema) + bv_lag_size(((int64_t)param[0] - 1) / 2);
}

static void zlema_init(void *st, const double *param) {
  zlema *z = st;
  const int64_t n = (int64_t)param[0];
  z->lag = (n - 1) / 2;
  z->seen = 0;
  z->k = bv_ema_k(n);
  z->e = 0;
  bv_lag_init(bv_part(z, sizeof *z), z->lag);
}

static int64_t zlema_first(const double *param) {
  return ((int64_t)param[0] - 1) / 2 - 1;
}

static void zlema_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  zlema *z = st;
  const double *x = in[0];
  double *y = out[0], e = z->e;
  bv_lag_clean(bv_part(z, sizeof *z), x, n, y);
  for (int64_t i = 0; i < n; i++) {
    if (z->seen < z->lag) {
      e = x[i];
      y[i] = ++z->seen < z->lag ? NAN : e;
      continue;
    }
    e += ((x[i] + (x[i] - y[i])) - e) * z->k;
    y[i] = e;
  }
  z->e = e;
}

const bv_indicator bv_ind_zlema = {
    .name = "zlema",
    .title = "Zero-lag exponential moving average",
    .formula = "ema of x + (x - x[lag bars ago]), lag = (period-1)/2, k = 2/(period+1); starts "
               "with x at bar lag-1",
    .source = "Tulip Indicators (zlema)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(3)},
    .output = {{"zlema", "as input", "the average",
                BV_SEEN_TULIP | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = zlema_first,
    .state_size = zlema_size,
    .init = zlema_init,
    .run = bv_ind_clean_run,
    .clean = zlema_clean,
};

/* ---- kama ---- */

/* The lag and then, at `path`, the sum of the absolute changes follow. */
typedef struct kama {
  int64_t n;
  double fast, slow, prev, e; /* the value before; the average, prev until the first result */
  int64_t seen;
  size_t path;
} kama;

static size_t kama_size(const double *param) {
  const int64_t n = (int64_t)param[0];
  return sizeof(kama) + bv_lag_size(n) + bv_mean_size(n);
}

static void kama_init(void *st, const double *param) {
  kama *a = st;
  const int64_t n = (int64_t)param[0];
  *a = (kama){.n = n, .path = sizeof *a + bv_lag_size(n)};
  a->fast = 2 / (param[1] + 1);
  a->slow = 2 / (param[2] + 1);
  bv_lag_init(bv_part(a, sizeof *a), n);
  bv_mean_init(bv_part(a, a->path), n);
}

/* Efficiency ratio: 1 where the path is no longer than the signed change, or has no length. */
static inline double kama_ratio(double change, double path) {
  return path <= change || path < 1e-14 ? 1 : fabs(change / path);
}

static void kama_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  kama *a = st;
  const double *x = in[0];
  double *y = out[0], step[BV_RUN_MAX], path[BV_RUN_MAX];
  const double first = a->prev, range = a->fast - a->slow, slow = a->slow;
  for (int64_t i = 0; i < n; i++) step[i] = fabs(x[i] - (i ? x[i - 1] : first));
  if (a->seen == 0) step[0] = NAN;
  bv_lag_clean(bv_part(a, sizeof *a), x, n, y);
  bv_sum_run(bv_part(a, a->path), step, n, path);
  int64_t i = 0;
  for (; i < n && a->seen < a->n; i++, a->seen++) a->e = x[i];
  for (int64_t k = i; k < n; k++) {
    const double sc = kama_ratio(x[k] - y[k], path[k]) * range + slow;
    path[k] = sc * sc;
  }
  double e = a->e;
  for (; i < n; i++) {
    e += (x[i] - e) * path[i];
    y[i] = e;
  }
  a->e = e;
  a->prev = x[n - 1];
}

const bv_indicator bv_ind_kama = {
    .name = "kama",
    .title = "Kaufman adaptive moving average",
    .formula = "e += (x - e) * sc^2, sc = ER (2/(fast+1) - 2/(slow+1)) + 2/(slow+1), ER = |x - "
               "x[period ago]| / sum of |changes|; ER = 1 where the path is 0 or no longer than "
               "the signed change; starts from x at bar period-1",
    .source = BV_SRC_TALIB " (KAMA)",
    .ninput = 1,
    .nparam = 3,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1), BV_PERIOD_OR("fast", 2, 1), BV_PERIOD_OR("slow", 30, 1)},
    .output = {{"kama", "as input", "the average",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_LEAN}},
    .first = bv_ind_n,
    .state_size = kama_size,
    .init = kama_init,
    .run = bv_ind_clean_run,
    .clean = kama_clean,
};

/* ---- trima, hma: windowed, so an anchor plays the window again ---- */

/* Three weighted or two plain averages, at `part`; the tape begins behind the struct. */
typedef struct blend {
  size_t part[3];
} blend;

static void trima_sizes(const double *param, int64_t size[2]) {
  const int64_t n = (int64_t)param[0];
  size[0] = n % 2 ? (n + 1) / 2 : n / 2;
  size[1] = n % 2 ? (n + 1) / 2 : n / 2 + 1;
}

static size_t trima_size(const double *param) {
  int64_t size[2];
  trima_sizes(param, size);
  return sizeof(blend) + bv_tape_size((int64_t)param[0], 1) + bv_mean_size(size[0]) +
         bv_mean_size(size[1]);
}

static void trima_init(void *st, const double *param) {
  blend *b = st;
  int64_t size[2];
  trima_sizes(param, size);
  b->part[0] = sizeof *b + bv_tape_size((int64_t)param[0], 1);
  b->part[1] = b->part[0] + bv_mean_size(size[0]);
  b->part[2] = 0;
  bv_tape_init(bv_part(b, sizeof *b), (int64_t)param[0], 1);
  for (int k = 0; k < 2; k++) bv_mean_init(bv_part(b, b->part[k]), size[k]);
}

static void trima_chain(void *st, const double *const *in, int64_t n, double *const *out) {
  blend *b = st;
  double inner[BV_RUN_MAX];
  bv_mean_clean(bv_part(b, b->part[0]), in[0], n, inner);
  bv_mean_run(bv_part(b, b->part[1]), inner, n, out[0]);
}

static void trima_chain_reset(void *st) {
  blend *b = st;
  for (int k = 0; k < 2; k++) bv_mean_reset(bv_part(b, b->part[k]));
}

static const bv_roll_stage trima_stage = {1, 1, trima_chain, trima_chain_reset};

static void trima_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_tape_push(bv_part(st, sizeof(blend)), in, n);
  trima_chain(st, in, n, out);
}

static void trima_reset(void *st) {
  bv_tape_reset(bv_part(st, sizeof(blend)));
  trima_chain_reset(st);
}

static void trima_anchor(void *st) {
  bv_tape_play(bv_part(st, sizeof(blend)), st, &trima_stage);
}

const bv_indicator bv_ind_trima = {
    .name = "trima",
    .title = "Triangular moving average",
    .formula =
        "sma of sma: (period+1)/2 twice, or period/2 and then period/2+1 where period is even",
    .source = BV_SRC_TALIB " (TRIMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"trima", "as input", "the average", BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_LEAN}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = trima_size,
    .init = trima_init,
    .anchor = trima_anchor,
    .run = bv_ind_clean_run,
    .clean = trima_clean,
    .reset = trima_reset,
};

static int64_t hma_root(const double *param) {
  return (int64_t)sqrt(param[0]);
}

static int64_t hma_first(const double *param) {
  return (int64_t)param[0] + hma_root(param) - 2;
}
static int64_t hma_window(const double *param) {
  return hma_first(param) + 1;
}

static size_t hma_size(const double *param) {
  const int64_t n = (int64_t)param[0];
  return sizeof(blend) + bv_tape_size(hma_window(param), 1) + bv_wmean_size(n / 2) +
         bv_wmean_size(n) + bv_wmean_size(hma_root(param));
}

static void hma_init(void *st, const double *param) {
  blend *b = st;
  const int64_t n = (int64_t)param[0];
  const int64_t size[3] = {n / 2, n, hma_root(param)};
  size_t at = sizeof *b + bv_tape_size(hma_window(param), 1);
  bv_tape_init(bv_part(b, sizeof *b), hma_window(param), 1);
  for (int k = 0; k < 3; k++) {
    b->part[k] = at;
    bv_wmean_init(bv_part(b, at), size[k]);
    at += bv_wmean_size(size[k]);
  }
}

static void hma_chain(void *st, const double *const *in, int64_t n, double *const *out) {
  blend *b = st;
  double half[BV_RUN_MAX], full[BV_RUN_MAX];
  bv_wmean_run(bv_part(b, b->part[0]), in[0], n, half);
  bv_wmean_run(bv_part(b, b->part[1]), in[0], n, full);
  for (int64_t i = 0; i < n; i++) half[i] = 2 * half[i] - full[i];
  bv_wmean_run(bv_part(b, b->part[2]), half, n, out[0]);
}

static void hma_chain_reset(void *st) {
  blend *b = st;
  for (int k = 0; k < 3; k++) bv_wmean_reset(bv_part(b, b->part[k]));
}

static const bv_roll_stage hma_stage = {1, 1, hma_chain, hma_chain_reset};

static void hma_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_tape_push(bv_part(st, sizeof(blend)), in, n);
  hma_chain(st, in, n, out);
}

static void hma_reset(void *st) {
  bv_tape_reset(bv_part(st, sizeof(blend)));
  hma_chain_reset(st);
}

static void hma_anchor(void *st) {
  bv_tape_play(bv_part(st, sizeof(blend)), st, &hma_stage);
}

const bv_indicator bv_ind_hma = {
    .name = "hma",
    .title = "Hull moving average",
    .formula = "wma(floor(sqrt(period))) of 2 wma(period/2) - wma(period); halves are rounded down",
    .source = "A. Hull (2005); Tulip Indicators (hma)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(2)},
    .output = {{"hma", "as input", "the average",
                BV_SEEN_TULIP | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = hma_first,
    .window = hma_window,
    .state_size = hma_size,
    .init = hma_init,
    .anchor = hma_anchor,
    .run = bv_ind_clean_run,
    .clean = hma_clean,
    .reset = hma_reset,
};
