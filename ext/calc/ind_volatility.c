/*
** ind_volatility.c - spread of prices: var, stdev, bbands, trange, atr, natr, keltner.
*/
#include "calc/ind.h"

/* ---- var, stdev ---- */

static size_t var_size(const double *param) {
  return bv_var_size((int64_t)param[0]);
}
static void var_init(void *st, const double *param) {
  bv_var_init(st, (int64_t)param[0], 0);
}
static void stdev_init(void *st, const double *param) {
  bv_var_init(st, (int64_t)param[0], 1);
}
static void var_anchor(void *st) {
  bv_var_anchor(st);
}

static void var_run(const bv_indicator *self, void *st, const double *const *in, int64_t n,
                    double *const *out) {
  (void)self;
  bv_var_run(st, in[0], n, out[0]);
}

const bv_indicator bv_ind_var = {
    .name = "var",
    .title = "Variance",
    .formula = "mean squared distance from the mean, over the last period values (population)",
    .source = BV_SRC_TALIB " (VAR), computed around a pivot",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"var", "square of input", "the variance",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = var_size,
    .init = var_init,
    .anchor = var_anchor,
    .run = var_run,
};

const bv_indicator bv_ind_stdev = {
    .name = "stdev",
    .title = "Standard deviation",
    .formula = "square root of the population variance of the last period values",
    .source = BV_SRC_TALIB " (STDDEV), computed around a pivot",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"stdev", "as input", "the standard deviation",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = var_size,
    .init = stdev_init,
    .anchor = var_anchor,
    .run = var_run,
};

/* ---- bbands ---- */

/* The mean and then, at `var`, the variance follow. */
typedef struct bands {
  double up, down;
  size_t var;
} bands;

static size_t bands_size(const double *param) {
  const int64_t n = (int64_t)param[0];
  return sizeof(bands) + bv_mean_size(n) + bv_var_size(n);
}

static void bands_init(void *st, const double *param) {
  bands *b = st;
  const int64_t n = (int64_t)param[0];
  b->up = param[1];
  b->down = param[2];
  b->var = sizeof *b + bv_mean_size(n);
  bv_mean_init(bv_part(b, sizeof *b), n);
  bv_var_init(bv_part(b, b->var), n, 1);
}

static void bands_anchor(void *st) {
  bands *b = st;
  bv_mean_anchor(bv_part(b, sizeof *b));
  bv_var_anchor(bv_part(b, b->var));
}

static void bands_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bands *b = st;
  double *upper = out[0], *middle = out[1], *lower = out[2];
  bv_mean_clean(bv_part(b, sizeof *b), in[0], n, middle);
  bv_var_clean(bv_part(b, b->var), in[0], n, upper);
  for (int64_t i = 0; i < n; i++) {
    const double s = upper[i];
    upper[i] = middle[i] + b->up * s;
    lower[i] = middle[i] - b->down * s;
  }
}

static void bands_reset(void *st) {
  bands *b = st;
  bv_mean_reset(bv_part(b, sizeof *b));
  bv_var_reset(bv_part(b, b->var));
}

const bv_indicator bv_ind_bbands = {
    .name = "bbands",
    .title = "Bollinger bands",
    .formula = "sma(period) + up * stdev(period), sma, sma - down * stdev; population deviation",
    .source = BV_SRC_TALIB " (BBANDS); J. Bollinger, Bollinger on Bollinger Bands (2001)",
    .ninput = 1,
    .nparam = 3,
    .noutput = 3,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1), {"up", 2, 0, 1e6, 0, 1, NULL}, {"down", 2, 0, 1e6, 0, 1, NULL}},
    .output = {{"bb_upper", "as input", "the upper band",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER},
               {"bb_middle", "as input", "the mean",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER},
               {"bb_lower", "as input", "the lower band",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = bands_size,
    .init = bands_init,
    .anchor = bands_anchor,
    .run = bv_ind_clean_run,
    .clean = bands_clean,
    .reset = bands_reset,
};

/* ---- trange ---- */

static size_t range_size(const double *param) {
  (void)param;
  return sizeof(bv_range);
}

static void range_init(void *st, const double *param) {
  (void)param;
  memset(st, 0, sizeof(bv_range));
}

static void range_reset(void *st) {
  ((bv_range *)st)->have = 0;
}

static void range_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_range_run(st, in[0], in[1], in[2], n, out[0]);
}

const bv_indicator bv_ind_trange = {
    .name = "trange",
    .title = "True range",
    .formula = "max(high, previous close) - min(low, previous close); none at the first bar",
    .source = BV_SRC_TALIB " (TRANGE); " BV_SRC_WILDER,
    .ninput = 3,
    .nparam = 0,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .output = {{"trange", "price", "the true range",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER}},
    .first = bv_ind_1,
    .window = bv_ind_2,
    .state_size = range_size,
    .init = range_init,
    .anchor = bv_ind_no_anchor,
    .run = bv_ind_clean_run,
    .clean = range_clean,
    .reset = range_reset,
};

/* ---- atr ---- */

typedef struct atr {
  bv_range range;
  bv_smooth mean;
} atr;

static size_t atr_size(const double *param) {
  (void)param;
  return sizeof(atr);
}

static void atr_init(void *st, const double *param) {
  atr *a = st;
  const int64_t n = (int64_t)param[0];
  memset(a, 0, sizeof *a);
  bv_smooth_init(&a->mean, n, bv_rma_k(n), 0);
}

static void atr_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  atr *a = st;
  double tr[BV_RUN_MAX];
  bv_range_run(&a->range, in[0], in[1], in[2], n, tr);
  bv_smooth_run(&a->mean, tr, n, out[0]);
}

const bv_indicator bv_ind_atr = {
    .name = "atr",
    .title = "Average true range",
    .formula = "rma(period) of trange; starts with the mean of the true ranges of bars 1..period",
    .source = BV_SRC_TALIB " (ATR); " BV_SRC_WILDER,
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"atr", "price", "the average range",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN}},
    .first = bv_ind_n,
    .state_size = atr_size,
    .init = atr_init,
    .run = bv_ind_clean_run,
    .clean = atr_clean,
};

/* ---- natr ---- */

static void natr_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  const double *close = in[2];
  double *y = out[0];
  atr_clean(st, in, n, out);
  for (int64_t i = 0; i < n; i++) {
    const double r = 100 * (y[i] / close[i]);
    y[i] = close[i] == 0 && !isnan(y[i]) ? 0 : r;
  }
}

const bv_indicator bv_ind_natr = {
    .name = "natr",
    .title = "Normalised average true range",
    .formula = "100 atr(period) / close; 0 where the close is 0",
    .source = BV_SRC_TALIB " (NATR)",
    .ninput = 3,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1)},
    .output = {{"natr", "percent", "the average range in percent of the close", BV_SEEN_TALIB}},
    .first = bv_ind_n,
    .state_size = atr_size,
    .init = atr_init,
    .run = bv_ind_clean_run,
    .clean = natr_clean,
};

/* ---- keltner ---- */

typedef struct keltner {
  double width;
  bv_smooth middle;
  atr range;
} keltner;

static size_t keltner_size(const double *param) {
  (void)param;
  return sizeof(keltner);
}

static void keltner_init(void *st, const double *param) {
  keltner *k = st;
  const int64_t n = (int64_t)param[0];
  k->width = param[2];
  bv_smooth_init(&k->middle, n, bv_ema_k(n), 0);
  atr_init(&k->range, param + 1);
}

static int64_t keltner_first(const double *param) {
  return (int64_t)fmax(param[0] - 1, param[1]);
}

static void keltner_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  keltner *k = st;
  double *upper = out[0], *middle = out[1], *lower = out[2], range[BV_RUN_MAX];
  double *const to[1] = {range};
  bv_smooth_run(&k->middle, in[2], n, middle);
  atr_clean(&k->range, in, n, to);
  for (int64_t i = 0; i < n; i++) {
    upper[i] = middle[i] + k->width * range[i];
    lower[i] = middle[i] - k->width * range[i];
    if (isnan(upper[i])) middle[i] = NAN;
  }
}

const bv_indicator bv_ind_keltner = {
    .name = "keltner",
    .title = "Keltner channel",
    .formula = "ema(period) of the close +- width * atr(atr_period)",
    .source = "C. Keltner (1960), L. Raschke: exponential average and average true range",
    .ninput = 3,
    .nparam = 3,
    .noutput = 3,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 20, 1),
              BV_PERIOD_OR("atr_period", 10, 1),
              {"width", 2, 0, 1e6, 0, 1, NULL}},
    .output = {{"keltner_upper", "price", "the upper line", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"keltner_middle", "price", "the average", BV_SEEN_SKENDER | BV_SEEN_REFERENCE},
               {"keltner_lower", "price", "the lower line", BV_SEEN_SKENDER | BV_SEEN_REFERENCE}},
    .first = keltner_first,
    .state_size = keltner_size,
    .init = keltner_init,
    .run = bv_ind_clean_run,
    .clean = keltner_clean,
};
