/*
** ind_volume.c - price and volume: obv, ad, adosc, mfi, vwma.
*/
#include "calc/ind.h"

/* ---- obv ---- */

typedef struct obv {
  int64_t have;
  double close, sum;
} obv;

static size_t obv_size(const double *param) {
  (void)param;
  return sizeof(obv);
}

static void obv_init(void *st, const double *param) {
  (void)param;
  *(obv *)st = (obv){0};
}

static void obv_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  obv *o = st;
  double sum = o->sum, last = o->have ? o->close : -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    const double c = in[0][i], v = in[1][i];
    sum += (double)((c > last) - (c < last)) * v; /* no branch: nothing tells which way it goes */
    last = c;
    out[0][i] = sum;
  }
  o->have = 1;
  o->sum = sum, o->close = last;
}

const bv_indicator bv_ind_obv = {
    .name = "obv",
    .title = "On balance volume",
    .formula = "sum of the volume of bars that closed higher less that of bars that closed lower; "
               "starts with the first volume",
    .source = BV_SRC_TALIB " (OBV); J. Granville (1963)",
    .ninput = 2,
    .nparam = 0,
    .noutput = 1,
    .input = {BV_IN_REAL, BV_IN_VOLUME},
    .real_default = BV_IN_CLOSE,
    .output = {{"obv", "volume", "the balance", BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = bv_ind_0,
    .state_size = obv_size,
    .init = obv_init,
    .run = bv_ind_clean_run,
    .clean = obv_clean,
};

/* ---- ad, adosc ---- */

typedef struct ad {
  double sum;
} ad;

static size_t ad_size(const double *param) {
  (void)param;
  return sizeof(ad);
}

static void ad_init(void *st, const double *param) {
  (void)param;
  *(ad *)st = (ad){0};
}

static void ad_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  ad *a = st;
  double sum = a->sum;
  for (int64_t i = 0; i < n; i++) {
    const double h = in[0][i], l = in[1][i], c = in[2][i], range = h - l;
    const double part = ((c - l) - (h - c)) / (range > 0 ? range : 1) * in[3][i];
    sum += range > 0 ? part : 0;
    out[0][i] = sum;
  }
  a->sum = sum;
}

const bv_indicator bv_ind_ad = {
    .name = "ad",
    .title = "Accumulation/distribution line",
    .formula = "sum of ((close - low) - (high - close)) / (high - low) * volume; a bar without "
               "range adds 0",
    .source = BV_SRC_TALIB " (AD); M. Chaikin",
    .ninput = 4,
    .nparam = 0,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE, BV_IN_VOLUME},
    .real_default = BV_IN_CLOSE,
    .output = {{"ad", "volume", "the line",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_STOCKCHARTS}},
    .first = bv_ind_0,
    .state_size = ad_size,
    .init = ad_init,
    .run = bv_ind_clean_run,
    .clean = ad_clean,
};

typedef struct adosc {
  ad line;
  int64_t first, seen;
  double kf, ks, fast, slow;
} adosc;

static size_t adosc_size(const double *param) {
  (void)param;
  return sizeof(adosc);
}

static int64_t adosc_first(const double *param) {
  return (int64_t)fmax(param[0], param[1]) - 1;
}

static void adosc_init(void *st, const double *param) {
  *(adosc *)st = (adosc){.first = adosc_first(param),
                         .kf = bv_ema_k((int64_t)param[0]),
                         .ks = bv_ema_k((int64_t)param[1])};
}

static void adosc_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  adosc *a = st;
  double *y = out[0];
  ad_clean(&a->line, in, n, out);
  if (a->seen == 0) a->fast = a->slow = y[0];
  double fast = a->fast, slow = a->slow;
  const double kf = a->kf, ks = a->ks;
  for (int64_t i = 0; i < n; i++) {
    fast += (y[i] - fast) * kf;
    slow += (y[i] - slow) * ks;
    y[i] = fast - slow;
  }
  for (int64_t i = 0; i < n && a->seen < a->first; i++, a->seen++) y[i] = NAN;
  a->seen += a->seen == 0;
  a->fast = fast, a->slow = slow;
}

const bv_indicator bv_ind_adosc = {
    .name = "adosc",
    .title = "Chaikin oscillator",
    .formula = "ema(fast) - ema(slow) of ad, both starting with its first value",
    .source = BV_SRC_TALIB " (ADOSC); M. Chaikin",
    .ninput = 4,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE, BV_IN_VOLUME},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("fast", 3, 1), BV_PERIOD_OR("slow", 10, 1)},
    .output = {{"adosc", "volume", "the difference",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = adosc_first,
    .state_size = adosc_size,
    .init = adosc_init,
    .run = bv_ind_clean_run,
    .clean = adosc_clean,
};

/* ---- mfi ---- */

/* The sum of positive flow follows, that of negative flow stands at `down`. */
typedef struct mfi {
  int64_t n, have;
  double typical; /* of the bar before */
  size_t down;
} mfi;

static size_t mfi_size(const double *param) {
  return sizeof(mfi) + 2 * bv_mean_size((int64_t)param[0]);
}

static void mfi_init(void *st, const double *param) {
  mfi *m = st;
  const int64_t n = (int64_t)param[0];
  *m = (mfi){.n = n, .down = sizeof *m + bv_mean_size(n)};
  bv_mean_init(bv_part(m, sizeof *m), n);
  bv_mean_init(bv_part(m, m->down), n);
}

static void mfi_reset(void *st) {
  mfi *m = st;
  m->have = 0;
  bv_mean_reset(bv_part(m, sizeof *m));
  bv_mean_reset(bv_part(m, m->down));
}

static void mfi_anchor(void *st) {
  mfi *m = st;
  bv_mean_anchor(bv_part(m, sizeof *m));
  bv_mean_anchor(bv_part(m, m->down));
}

/* Typical price * volume on the side of the typical price's change; NaN at the first bar.  Clean runs
** hold one bar at least. */
static void mfi_flow(mfi *m, const double *const *in, int64_t n, double *up, double *down) {
  int64_t i = 0;
  do {
    const double t = (in[0][i] + in[1][i] + in[2][i]) / 3, flow = t * in[3][i];
    up[i] = !m->have ? NAN : t > m->typical ? flow : 0;
    down[i] = !m->have ? NAN : t < m->typical ? flow : 0;
    m->have = 1;
    m->typical = t;
  } while (++i < n);
}

static void mfi_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  mfi *m = st;
  double up[BV_RUN_MAX], down[BV_RUN_MAX], p[BV_RUN_MAX], q[BV_RUN_MAX];
  mfi_flow(m, in, n, up, down);
  bv_sum_run(bv_part(m, sizeof *m), up, n, p);
  bv_sum_run(bv_part(m, m->down), down, n, q);
  for (int64_t i = 0; i < n; i++) {
    const double s = p[i] + q[i];
    out[0][i] = s < 1 ? 0 : 100 * (p[i] / s);
  }
}

const bv_indicator bv_ind_mfi = {
    .name = "mfi",
    .title = "Money flow index",
    .formula = "100 P / (P + N), sums over period bars of tp * volume where tp = (high + low + "
               "close) / 3 rose and fell; 0 where P + N < 1",
    .source = BV_SRC_TALIB " (MFI)",
    .ninput = 4,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE, BV_IN_VOLUME},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"mfi", "percent 0..100", "the index",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = bv_ind_n,
    .window = bv_ind_n_plus_1,
    .state_size = mfi_size,
    .init = mfi_init,
    .anchor = mfi_anchor,
    .run = bv_ind_clean_run,
    .clean = mfi_clean,
    .reset = mfi_reset,
};

/* ---- vwma ---- */

/* The sum of x * volume follows, that of volume stands at `volume`. */
typedef struct vwma {
  size_t volume;
} vwma;

static size_t vwma_size(const double *param) {
  return sizeof(vwma) + 2 * bv_mean_size((int64_t)param[0]);
}

static void vwma_init(void *st, const double *param) {
  vwma *w = st;
  const int64_t n = (int64_t)param[0];
  w->volume = sizeof *w + bv_mean_size(n);
  bv_mean_init(bv_part(w, sizeof *w), n);
  bv_mean_init(bv_part(w, w->volume), n);
}

static void vwma_reset(void *st) {
  vwma *w = st;
  bv_mean_reset(bv_part(w, sizeof *w));
  bv_mean_reset(bv_part(w, w->volume));
}

static void vwma_anchor(void *st) {
  vwma *w = st;
  bv_mean_anchor(bv_part(w, sizeof *w));
  bv_mean_anchor(bv_part(w, w->volume));
}

static void vwma_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  vwma *w = st;
  double flow[BV_RUN_MAX], volume[BV_RUN_MAX];
  int64_t k = 0;
  do flow[k] = in[0][k] * in[1][k];
  while (++k < n);
  bv_sum_run(bv_part(w, sizeof *w), flow, n, out[0]);
  bv_sum_clean(bv_part(w, w->volume), in[1], n, volume);
  for (int64_t i = 0; i < n; i++) out[0][i] = volume[i] == 0 ? NAN : out[0][i] / volume[i];
}

const bv_indicator bv_ind_vwma = {
    .name = "vwma",
    .title = "Volume-weighted moving average",
    .formula = "sum(x * volume) / sum(volume) of the last period bars; none where the volume is 0",
    .source = "Tulip Indicators (vwma)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL, BV_IN_VOLUME},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"vwma", "as input", "the average",
                BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = vwma_size,
    .init = vwma_init,
    .anchor = vwma_anchor,
    .run = bv_ind_clean_run,
    .clean = vwma_clean,
    .reset = vwma_reset,
};
