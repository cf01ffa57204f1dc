/*
** ind_trend.c - direction of a trend: dmi (plus_di, minus_di, dx), adx, adxr, sar, supertrend,
** heikin_ashi.
*/
#include "calc/ind.h"

static inline double greater(double a, double b) {
  return a > b ? a : b;
}
static inline double lesser(double a, double b) {
  return a < b ? a : b;
}

/* ---- dmi, adx, adxr ---- */

typedef struct dmi {
  int64_t n, seen;
  double high, low, close;   /* of the bar before */
  double plus, minus, range; /* Wilder's sums */
  double dx;                 /* last defined */
} dmi;

static size_t dmi_size(const double *param) {
  (void)param;
  return sizeof(dmi);
}

static void dmi_init(void *st, const double *param) {
  *(dmi *)st = (dmi){.n = (int64_t)param[0]};
}

/* The bar's own directional movements and true range into the sums: bars 1..n-1 are added up, from
** bar n on a sum first loses its n-th part. */
static void dmi_add(dmi *d, double high, double low, double close) {
  const double up = high - d->high, down = d->low - low, c = d->close;
  const double top = high > c ? high : c, base = low < c ? low : c;
  const double keep = d->seen < d->n ? 0 : 1.0 / (double)d->n;
  d->plus += (up > 0 && up > down ? up : 0) - d->plus * keep;
  d->minus += (down > 0 && up < down ? down : 0) - d->minus * keep;
  d->range += (top - base) - d->range * keep;
  d->high = high, d->low = low, d->close = close;
}

static void dmi_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  dmi *d = st;
  for (int64_t i = 0; i < n; i++, d->seen++) {
    if (d->seen == 0)
      d->high = in[0][i], d->low = in[1][i], d->close = in[2][i];
    else
      dmi_add(d, in[0][i], in[1][i], in[2][i]);
    if (d->seen < d->n) {
      out[0][i] = out[1][i] = out[2][i] = NAN;
      continue;
    }
    const int flat = d->range < 1e-14;
    const double p = flat ? 0 : 100 * (d->plus / d->range);
    const double m = flat ? 0 : 100 * (d->minus / d->range);
    if (p + m >= 1e-14) d->dx = 100 * (fabs(p - m) / (p + m));
    out[0][i] = p;
    out[1][i] = m;
    out[2][i] = d->dx;
  }
}

const bv_indicator bv_ind_dmi = {
    .name = "dmi",
    .title = "Directional movement",
    .formula =
        "+DI = 100 S(+DM) / S(TR), -DI likewise, dx = 100 |+DI - -DI| / (+DI + -DI), which keeps "
        "its last value where it is undefined; S adds bars 1..period-1, then S += x - S/period",
    .source = BV_SRC_TALIB " (PLUS_DI, MINUS_DI, DX); " BV_SRC_WILDER,
    .ninput = 3,
    .nparam = 1,
    .noutput = 3,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"plus_di", "percent 0..100", "upward movement",
                BV_SEEN_TALIB | BV_SEEN_BACKTRADER | BV_SEEN_STOCKCHARTS},
               {"minus_di", "percent 0..100", "downward movement",
                BV_SEEN_TALIB | BV_SEEN_BACKTRADER | BV_SEEN_STOCKCHARTS},
               {"dx", "percent 0..100", "strength", BV_SEEN_TALIB | BV_SEEN_STOCKCHARTS}},
    .first = bv_ind_n,
    .state_size = dmi_size,
    .init = dmi_init,
    .run = bv_ind_clean_run,
    .clean = dmi_clean,
};

typedef struct adx {
  dmi move;
  bv_smooth mean;
} adx;

static size_t adx_size(const double *param) {
  (void)param;
  return sizeof(adx);
}

static void adx_init(void *st, const double *param) {
  adx *a = st;
  const int64_t n = (int64_t)param[0];
  dmi_init(&a->move, param);
  bv_smooth_init(&a->mean, n, bv_rma_k(n), 0);
}

static int64_t adx_first(const double *param) {
  return 2 * (int64_t)param[0] - 1;
}

static void adx_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  adx *a = st;
  double plus[BV_RUN_MAX], minus[BV_RUN_MAX], dx[BV_RUN_MAX];
  double *const to[3] = {plus, minus, dx};
  dmi_clean(&a->move, in, n, to);
  bv_smooth_run(&a->mean, dx, n, out[0]);
}

const bv_indicator bv_ind_adx = {
    .name = "adx",
    .title = "Average directional index",
    .formula = "rma(period) of dx",
    .source = BV_SRC_TALIB " (ADX); " BV_SRC_WILDER,
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"adx", "percent 0..100", "strength of the trend",
                BV_SEEN_TALIB | BV_SEEN_BACKTRADER | BV_SEEN_STOCKCHARTS}},
    .first = adx_first,
    .state_size = adx_size,
    .init = adx_init,
    .run = bv_ind_clean_run,
    .clean = adx_clean,
};

/* The lag of period-1 values follows; period 1 has none. */
typedef struct adxr {
  adx base;
  int64_t lag;
} adxr;

static size_t adxr_size(const double *param) {
  return sizeof(adxr) + bv_lag_size((int64_t)param[0] - 1);
}

static void adxr_init(void *st, const double *param) {
  adxr *a = st;
  adx_init(&a->base, param);
  a->lag = (int64_t)param[0] - 1;
  bv_lag_init(bv_part(a, sizeof *a), a->lag);
}

static int64_t adxr_first(const double *param) {
  return 3 * (int64_t)param[0] - 2;
}

static void adxr_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  adxr *a = st;
  double now[BV_RUN_MAX];
  double *const to[1] = {now};
  if (a->lag == 0) {
    adx_clean(&a->base, in, n, out);
    return;
  }
  adx_clean(&a->base, in, n, to);
  bv_lag_run(bv_part(a, sizeof *a), now, n, out[0]);
  for (int64_t i = 0; i < n; i++) out[0][i] = (now[i] + out[0][i]) / 2;
}

const bv_indicator bv_ind_adxr = {
    .name = "adxr",
    .title = "Average directional index rating",
    .formula = "(adx + adx[period-1 bars ago]) / 2",
    .source = BV_SRC_TALIB " (ADXR); " BV_SRC_WILDER,
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"adxr", "percent 0..100", "the rating", BV_SEEN_TALIB}},
    .first = adxr_first,
    .state_size = adxr_size,
    .init = adxr_init,
    .run = bv_ind_clean_run,
    .clean = adxr_clean,
};

/* ---- sar ---- */

typedef struct sar {
  double step, limit; /* of the acceleration */
  double high, low;   /* of the bar before */
  double af, ep, stop;
  int64_t seen, up;
} sar;

static size_t sar_size(const double *param) {
  (void)param;
  return sizeof(sar);
}

static void sar_init(void *st, const double *param) {
  *(sar *)st = (sar){.step = fmin(param[0], param[1]), .limit = param[1]};
}

/* The side at bar 1 is that of its directional movement, a tie is up. */
static void sar_begin(sar *s, double high, double low) {
  const double up = high - s->high, down = s->low - low;
  s->up = !(down > 0 && up < down);
  s->ep = s->up ? high : low;
  s->stop = s->up ? s->low : s->high;
  s->af = s->step;
  s->high = high, s->low = low;
}

/* The stop of the next bar: it may not enter the range of the last two. */
static void sar_advance(sar *s, double high, double low) {
  const double next = s->stop + s->af * (s->ep - s->stop);
  s->stop = s->up ? lesser(lesser(next, s->low), low) : greater(greater(next, s->high), high);
  s->high = high, s->low = low;
}

static double sar_bar(sar *s, double high, double low) {
  double shown;
  if (s->up ? low <= s->stop : high >= s->stop) {
    s->up = !s->up;
    shown = s->up ? lesser(lesser(s->ep, s->low), low) : greater(greater(s->ep, s->high), high);
    s->stop = shown;
    s->af = s->step;
    s->ep = s->up ? high : low;
  } else {
    shown = s->stop;
    if (s->up ? high > s->ep : low < s->ep) {
      s->ep = s->up ? high : low;
      s->af = lesser(s->af + s->step, s->limit);
    }
  }
  sar_advance(s, high, low);
  return shown;
}

static void sar_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  sar *s = st;
  for (int64_t i = 0; i < n; i++, s->seen++) {
    const double high = in[0][i], low = in[1][i];
    if (s->seen == 0) {
      s->high = high, s->low = low;
      out[0][i] = NAN;
      continue;
    }
    if (s->seen == 1) sar_begin(s, high, low);
    out[0][i] = sar_bar(s, high, low);
  }
}

const bv_indicator bv_ind_sar = {
    .name = "sar",
    .title = "Parabolic stop and reverse",
    .formula = "stop += af (extreme - stop), af grows by step at each new extreme up to limit; the "
               "side at bar 1 is that of its directional movement; at a turn the stop is the "
               "extreme, outside the last two bars",
    .source = BV_SRC_TALIB " (SAR); " BV_SRC_WILDER,
    .ninput = 2,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {{"step", 0.02, 0, 1e6, 0, 1, NULL}, {"limit", 0.2, 0, 1e6, 0, 1, NULL}},
    .output = {{"sar", "price", "the stop of this bar",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_LEAN}},
    .first = bv_ind_1,
    .state_size = sar_size,
    .init = sar_init,
    .run = bv_ind_clean_run,
    .clean = sar_clean,
};

/* ---- supertrend ---- */

typedef struct supertrend {
  double width, close; /* close of the bar before */
  double upper, lower;
  int64_t started, up;
  bv_range range;
  bv_smooth mean;
} supertrend;

static size_t supertrend_size(const double *param) {
  (void)param;
  return sizeof(supertrend);
}

static void supertrend_init(void *st, const double *param) {
  supertrend *s = st;
  const int64_t n = (int64_t)param[0];
  *s = (supertrend){.width = param[1]};
  bv_smooth_init(&s->mean, n, bv_rma_k(n), 0);
}

static void supertrend_bar(supertrend *s, double mid, double atr, double close) {
  const double upper = mid + s->width * atr, lower = mid - s->width * atr;
  if (!s->started) {
    s->started = 1;
    s->up = close >= mid;
    s->upper = upper;
    s->lower = lower;
  }
  if (upper < s->upper || s->close > s->upper) s->upper = upper;
  if (lower > s->lower || s->close < s->lower) s->lower = lower;
  s->up = close > (s->up ? s->lower : s->upper);
}

static void supertrend_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  supertrend *s = st;
  double tr[BV_RUN_MAX], atr[BV_RUN_MAX];
  bv_range_run(&s->range, in[0], in[1], in[2], n, tr);
  bv_smooth_run(&s->mean, tr, n, atr);
  for (int64_t i = 0; i < n; i++) {
    out[0][i] = out[1][i] = NAN;
    if (!isnan(atr[i])) {
      supertrend_bar(s, (in[0][i] + in[1][i]) / 2, atr[i], in[2][i]);
      out[0][i] = s->up ? s->lower : s->upper;
      out[1][i] = s->up ? 1 : -1;
    }
    s->close = in[2][i];
  }
}

const bv_indicator bv_ind_supertrend = {
    .name = "supertrend",
    .title = "Supertrend",
    .formula =
        "bands (high + low)/2 +- width * atr(period); the upper may only fall and the lower only "
        "rise until the close before lay beyond it; the side turns when the close crosses its band",
    .source = "O. Seban; Stock.Indicators (GetSuperTrend)",
    .ninput = 3,
    .nparam = 2,
    .noutput = 2,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 10, 1), {"width", 3, 0, 1e6, 0, 1, NULL}},
    .output = {{"supertrend", "price", "the band in force", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"supertrend_side", "1 or -1", "1: up, the lower band is in force",
                BV_SEEN_REFERENCE}},
    .first = bv_ind_n,
    .state_size = supertrend_size,
    .init = supertrend_init,
    .run = bv_ind_clean_run,
    .clean = supertrend_clean,
};

/* ---- heikin_ashi ---- */

typedef struct heikin {
  int64_t have;
  double open, close; /* of the bar before */
} heikin;

static size_t heikin_size(const double *param) {
  (void)param;
  return sizeof(heikin);
}

static void heikin_init(void *st, const double *param) {
  (void)param;
  *(heikin *)st = (heikin){0};
}

static void heikin_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  heikin *k = st;
  double open = k->open, close = k->close;
  for (int64_t i = 0; i < n; i++) {
    const double o = in[0][i], h = in[1][i], l = in[2][i], c = in[3][i];
    open = i > 0 || k->have ? (open + close) / 2 : (o + c) / 2;
    close = (o + h + l + c) / 4;
    out[0][i] = open;
    out[1][i] = greater(h, greater(open, close));
    out[2][i] = lesser(l, lesser(open, close));
    out[3][i] = close;
  }
  *k = (heikin){1, open, close};
}

const bv_indicator bv_ind_heikin_ashi = {
    .name = "heikin_ashi",
    .title = "Heikin-Ashi bars",
    .formula = "close = (o+h+l+c)/4, open = mean of the open and close before (first: of this "
               "bar), high and low widened to hold them; not prices anybody traded at",
    .source = "M. Shimizu; Stock.Indicators (GetHeikinAshi)",
    .ninput = 4,
    .nparam = 0,
    .noutput = 4,
    .input = {BV_IN_OPEN, BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .output = {{"ha_open", "price", "open",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE},
               {"ha_high", "price", "high",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE},
               {"ha_low", "price", "low",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE},
               {"ha_close", "price", "close",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = bv_ind_0,
    .state_size = heikin_size,
    .init = heikin_init,
    .run = bv_ind_clean_run,
    .clean = heikin_clean,
};
