/*
** ind_range.c - greatest and least of a window: highest, lowest, midpoint, midprice,
** donchian, ichimoku_*, aroon, willr.
*/
#include "calc/ind.h"

static size_t peak_size(const double *param) {
  return bv_peak_size((int64_t)param[0]);
}
static void highest_init(void *st, const double *param) {
  bv_peak_init(st, (int64_t)param[0], 1);
}
static void lowest_init(void *st, const double *param) {
  bv_peak_init(st, (int64_t)param[0], -1);
}

static void peak_run(const bv_indicator *self, void *st, const double *const *in, int64_t n,
                     double *const *out) {
  (void)self;
  bv_peak_run(st, in[0], n, out[0]);
}

const bv_indicator bv_ind_highest = {
    .name = "highest",
    .title = "Highest value",
    .formula = "greatest of the last period values, the current bar included",
    .source = BV_SRC_TALIB " (MAX)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_HIGH,
    .param = {BV_PERIOD(1)},
    .output = {{"highest", "as input", "the greatest value",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = peak_size,
    .init = highest_init,
    .anchor = bv_ind_no_anchor,
    .run = peak_run,
};

const bv_indicator bv_ind_lowest = {
    .name = "lowest",
    .title = "Lowest value",
    .formula = "least of the last period values, the current bar included",
    .source = BV_SRC_TALIB " (MIN)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_LOW,
    .param = {BV_PERIOD(1)},
    .output = {{"lowest", "as input", "the least value",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = peak_size,
    .init = lowest_init,
    .anchor = bv_ind_no_anchor,
    .run = peak_run,
};

/* ---- a greatest and a least, the second behind the first ---- */

typedef struct pair {
  size_t low;   /* where the least begins; the greatest follows the struct */
  size_t extra; /* ichimoku_span_*: what is shifted */
} pair;

static size_t pair_bytes(int64_t n) {
  return sizeof(pair) + 2 * bv_peak_size(n);
}

static void pair_set(pair *p, int64_t n) {
  p->low = sizeof *p + bv_peak_size(n);
  p->extra = pair_bytes(n);
  bv_peak_init(bv_part(p, sizeof *p), n, 1);
  bv_peak_init(bv_part(p, p->low), n, -1);
}

static void pair_clear(pair *p) {
  bv_peak_reset(bv_part(p, sizeof *p));
  bv_peak_reset(bv_part(p, p->low));
}

static void pair_run(pair *p, const double *high, const double *low, int64_t n, double *top,
                     double *base) {
  bv_peak_run(bv_part(p, sizeof *p), high, n, top);
  bv_peak_run(bv_part(p, p->low), low, n, base);
}

static size_t pair_size(const double *param) {
  return pair_bytes((int64_t)param[0]);
}
static void pair_init(void *st, const double *param) {
  pair_set(st, (int64_t)param[0]);
}
static void pair_reset(void *st) {
  pair_clear(st);
}

/* ---- midpoint, midprice ---- */

/* in[1] is in[0] again for midpoint. */
static void mid_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double base[BV_RUN_MAX];
  pair_run(st, in[0], in[1], n, out[0], base);
  for (int64_t i = 0; i < n; i++) out[0][i] = (out[0][i] + base[i]) / 2;
}

static void midpoint_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  const double *const twice[2] = {in[0], in[0]};
  mid_clean(st, twice, n, out);
}

const bv_indicator bv_ind_midpoint = {
    .name = "midpoint",
    .title = "Midpoint of a column",
    .formula = "(greatest + least) / 2 of the last period values",
    .source = BV_SRC_TALIB " (MIDPOINT)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"midpoint", "as input", "the midpoint", BV_SEEN_TALIB | BV_SEEN_LEAN}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = midpoint_clean,
    .reset = pair_reset,
};

const bv_indicator bv_ind_midprice = {
    .name = "midprice",
    .title = "Midpoint of the price range",
    .formula = "(highest high + lowest low) / 2 of the last period bars",
    .source = BV_SRC_TALIB " (MIDPRICE)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"midprice", "price", "the midpoint", BV_SEEN_TALIB}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = mid_clean,
    .reset = pair_reset,
};

/* ---- donchian ---- */

static void donchian_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  pair_run(st, in[0], in[1], n, out[0], out[2]);
  for (int64_t i = 0; i < n; i++) out[1][i] = (out[0][i] + out[2][i]) / 2;
}

const bv_indicator bv_ind_donchian = {
    .name = "donchian",
    .title = "Donchian channel",
    .formula =
        "highest high, its midpoint, lowest low of the last period bars, the current one included",
    .source = "R. Donchian; a breakout rule compares with the value of the bar before",
    .ninput = 2,
    .nparam = 1,
    .noutput = 3,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 20, 1)},
    .output = {{"donchian_upper", "price", "highest high",
                BV_SEEN_SKENDER | BV_SEEN_LEAN | BV_SEEN_STOCKCHARTS | BV_SEEN_REFERENCE},
               {"donchian_middle", "price", "the midpoint",
                BV_SEEN_SKENDER | BV_SEEN_LEAN | BV_SEEN_STOCKCHARTS | BV_SEEN_REFERENCE},
               {"donchian_lower", "price", "lowest low",
                BV_SEEN_SKENDER | BV_SEEN_STOCKCHARTS | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = donchian_clean,
    .reset = pair_reset,
};

/* ---- ichimoku: the lines are midprices, the spans are lines of `shift` bars ago ---- */

const bv_indicator bv_ind_ichimoku_base = {
    .name = "ichimoku_base",
    .title = "Ichimoku base line (kijun)",
    .formula = "(highest high + lowest low) / 2 of the last period bars",
    .source = "G. Hosoda, Ichimoku Kinko Hyo (1969)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 26, 1)},
    .output = {{"ichimoku_base", "price", "the line",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = mid_clean,
    .reset = pair_reset,
};

const bv_indicator bv_ind_ichimoku_conversion = {
    .name = "ichimoku_conversion",
    .title = "Ichimoku conversion line (tenkan)",
    .formula = "(highest high + lowest low) / 2 of the last period bars",
    .source = "G. Hosoda, Ichimoku Kinko Hyo (1969)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 9, 1)},
    .output = {{"ichimoku_conversion", "price", "the line",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = mid_clean,
    .reset = pair_reset,
};

static int64_t span_b_first(const double *param) {
  return (int64_t)(param[0] + param[1]) - 1;
}
static int64_t span_b_window(const double *param) {
  return span_b_first(param) + 1;
}

static size_t span_b_size(const double *param) {
  return pair_bytes((int64_t)param[0]) + bv_lag_size((int64_t)param[1]);
}

static void span_b_init(void *st, const double *param) {
  pair *p = st;
  pair_set(p, (int64_t)param[0]);
  bv_lag_init(bv_part(p, p->extra), (int64_t)param[1]);
}

static void span_b_reset(void *st) {
  pair *p = st;
  pair_clear(p);
  bv_lag_reset(bv_part(p, p->extra));
}

static void span_b_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  pair *p = st;
  double mid[BV_RUN_MAX];
  double *const to[1] = {mid};
  mid_clean(p, in, n, to);
  bv_lag_run(bv_part(p, p->extra), mid, n, out[0]);
}

const bv_indicator bv_ind_ichimoku_span_b = {
    .name = "ichimoku_span_b",
    .title = "Ichimoku leading span B",
    .formula = "midprice(period) of shift bars ago",
    .source = "G. Hosoda, Ichimoku Kinko Hyo (1969)",
    .ninput = 2,
    .nparam = 2,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 52, 1), BV_PERIOD_OR("shift", 26, 1)},
    .output = {{"ichimoku_span_b", "price", "the edge of the cloud that stands at this bar",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = span_b_first,
    .window = span_b_window,
    .state_size = span_b_size,
    .init = span_b_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = span_b_clean,
    .reset = span_b_reset,
};

/* The conversion pair, then the base pair, then the lag. */
typedef struct span_a {
  size_t base, lag;
} span_a;

static int64_t span_a_first(const double *param) {
  return (int64_t)(fmax(param[0], param[1]) + param[2]) - 1;
}

static int64_t span_a_window(const double *param) {
  return span_a_first(param) + 1;
}

static size_t span_a_size(const double *param) {
  return sizeof(span_a) + pair_bytes((int64_t)param[0]) + pair_bytes((int64_t)param[1]) +
         bv_lag_size((int64_t)param[2]);
}

static void span_a_init(void *st, const double *param) {
  span_a *s = st;
  s->base = sizeof *s + pair_bytes((int64_t)param[0]);
  s->lag = s->base + pair_bytes((int64_t)param[1]);
  pair_set(bv_part(s, sizeof *s), (int64_t)param[0]);
  pair_set(bv_part(s, s->base), (int64_t)param[1]);
  bv_lag_init(bv_part(s, s->lag), (int64_t)param[2]);
}

static void span_a_reset(void *st) {
  span_a *s = st;
  pair_clear(bv_part(s, sizeof *s));
  pair_clear(bv_part(s, s->base));
  bv_lag_reset(bv_part(s, s->lag));
}

static void span_a_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  span_a *s = st;
  double mid[2][BV_RUN_MAX];
  double *const conversion[1] = {mid[0]}, *const base[1] = {mid[1]};
  mid_clean(bv_part(s, sizeof *s), in, n, conversion);
  mid_clean(bv_part(s, s->base), in, n, base);
  for (int64_t i = 0; i < n; i++) mid[0][i] = (mid[0][i] + mid[1][i]) / 2;
  bv_lag_run(bv_part(s, s->lag), mid[0], n, out[0]);
}

const bv_indicator bv_ind_ichimoku_span_a = {
    .name = "ichimoku_span_a",
    .title = "Ichimoku leading span A",
    .formula = "(midprice(conversion) + midprice(base)) / 2 of shift bars ago",
    .source = "G. Hosoda, Ichimoku Kinko Hyo (1969)",
    .ninput = 2,
    .nparam = 3,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("conversion", 9, 1), BV_PERIOD_OR("base", 26, 1),
              BV_PERIOD_OR("shift", 26, 1)},
    .output = {{"ichimoku_span_a", "price", "the edge of the cloud that stands at this bar",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN | BV_SEEN_REFERENCE}},
    .first = span_a_first,
    .window = span_a_window,
    .state_size = span_a_size,
    .init = span_a_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = span_a_clean,
    .reset = span_a_reset,
};

/* ---- aroon ---- */

typedef struct aroon {
  int64_t n;
  size_t low; /* where the least begins; the greatest follows the struct */
} aroon;

static size_t aroon_size(const double *param) {
  return sizeof(aroon) + 2 * bv_peak_age_size((int64_t)param[0] + 1);
}

static void aroon_init(void *st, const double *param) {
  aroon *a = st;
  a->n = (int64_t)param[0];
  a->low = sizeof *a + bv_peak_age_size(a->n + 1);
  bv_peak_age_init(bv_part(a, sizeof *a), a->n + 1, 1);
  bv_peak_age_init(bv_part(a, a->low), a->n + 1, -1);
}

static void aroon_reset(void *st) {
  aroon *a = st;
  bv_peak_age_reset(bv_part(a, sizeof *a));
  bv_peak_age_reset(bv_part(a, a->low));
}

static void aroon_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  aroon *a = st;
  const double p = (double)a->n;
  bv_peak_age_run(bv_part(a, a->low), in[1], n, out[0]);
  bv_peak_age_run(bv_part(a, sizeof *a), in[0], n, out[1]);
  for (int64_t i = 0; i < n; i++) {
    out[0][i] = 100 * (p - out[0][i]) / p;
    out[1][i] = 100 * (p - out[1][i]) / p;
    out[2][i] = out[1][i] - out[0][i];
  }
}

const bv_indicator bv_ind_aroon = {
    .name = "aroon",
    .title = "Aroon",
    .formula = "100 (period - bars since the extreme) / period, over period+1 bars; of equal "
               "extremes the newest counts; osc = up - down",
    .source = BV_SRC_TALIB " (AROON, AROONOSC)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 3,
    .input = {BV_IN_HIGH, BV_IN_LOW},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"aroon_down", "percent 0..100", "age of the low",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER},
               {"aroon_up", "percent 0..100", "age of the high",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER},
               {"aroon_osc", "percent -100..100", "up less down",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER}},
    .first = bv_ind_n,
    .window = bv_ind_n_plus_1,
    .state_size = aroon_size,
    .init = aroon_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = aroon_clean,
    .reset = aroon_reset,
};

/* ---- willr ---- */

static void willr_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double base[BV_RUN_MAX];
  double *y = out[0];
  pair_run(st, in[0], in[1], n, y, base);
  for (int64_t i = 0; i < n; i++) {
    y[i] = y[i] == base[i] ? 0 : -100 * (y[i] - in[2][i]) / (y[i] - base[i]);
  }
}

const bv_indicator bv_ind_willr = {
    .name = "willr",
    .title = "Williams %R",
    .formula = "-100 (HH - close) / (HH - LL) of the last period bars; 0 where HH = LL",
    .source = BV_SRC_TALIB " (WILLR)",
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"willr", "percent -100..0", "place of the close in the range",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER |
                    BV_SEEN_LEAN}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = pair_size,
    .init = pair_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = willr_clean,
    .reset = pair_reset,
};
