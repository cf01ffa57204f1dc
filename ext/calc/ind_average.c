/*
** ind_average.c - averages of one column: sma, ema, rma (wilder), wma.
*/
#include "calc/ind.h"

/* ---- sma ---- */

static size_t sma_size(const double *param) {
  return bv_mean_size((int64_t)param[0]);
}
static void sma_init(void *st, const double *param) {
  bv_mean_init(st, (int64_t)param[0]);
}
static void sma_anchor(void *st) {
  bv_mean_anchor(st);
}

static void sma_run(const bv_indicator *self, void *st, const double *const *in, int64_t n,
                    double *const *out) {
  (void)self;
  bv_mean_run(st, in[0], n, out[0]);
}

const bv_indicator bv_ind_sma = {
    .name = "sma",
    .title = "Simple moving average",
    .formula = "mean of the last period values",
    .source = BV_SRC_TALIB " (SMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"sma", "as input", "the mean",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER |
                    BV_SEEN_LEAN}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = sma_size,
    .init = sma_init,
    .anchor = sma_anchor,
    .run = sma_run,
};

/* ---- ema, rma ---- */

static size_t smooth_size(const double *param) {
  (void)param;
  return sizeof(bv_smooth);
}

static void ema_init(void *st, const double *param) {
  const int64_t n = (int64_t)param[0];
  bv_smooth_init(st, n, bv_ema_k(n), 0);
}

static void rma_init(void *st, const double *param) {
  const int64_t n = (int64_t)param[0];
  bv_smooth_init(st, n, bv_rma_k(n), 0);
}

static void smooth_run(const bv_indicator *self, void *st, const double *const *in, int64_t n,
                       double *const *out) {
  (void)self;
  bv_smooth_run(st, in[0], n, out[0]);
}

const bv_indicator bv_ind_ema = {
    .name = "ema",
    .title = "Exponential moving average",
    .formula = "e += (x - e) * 2/(period+1); starts with the mean of the first period values",
    .source = BV_SRC_TALIB " (EMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"ema", "as input", "the average",
                BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_LEAN}},
    .first = bv_ind_n_less_1,
    .state_size = smooth_size,
    .init = ema_init,
    .run = smooth_run,
};

const bv_indicator bv_ind_rma = {
    .name = "rma",
    .title = "Wilder's moving average",
    .formula = "e += (x - e) / period; starts with the mean of the first period values",
    .source = BV_SRC_WILDER "; Tulip Indicators (wilders)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"rma", "as input", "the average",
                BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .state_size = smooth_size,
    .init = rma_init,
    .run = smooth_run,
};

/* The same under the name that Tulip and many others use. */
const bv_indicator bv_ind_wilder = {
    .name = "wilder",
    .title = "Wilder's moving average (rma)",
    .formula = "e += (x - e) / period; starts with the mean of the first period values",
    .source = BV_SRC_WILDER "; Tulip Indicators (wilders)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"wilder", "as input", "the average",
                BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER | BV_SEEN_REFERENCE}},
    .first = bv_ind_n_less_1,
    .state_size = smooth_size,
    .init = rma_init,
    .run = smooth_run,
};

/* ---- wma ---- */

static size_t wma_size(const double *param) {
  return bv_wmean_size((int64_t)param[0]);
}
static void wma_init(void *st, const double *param) {
  bv_wmean_init(st, (int64_t)param[0]);
}
static void wma_anchor(void *st) {
  bv_wmean_anchor(st);
}

static void wma_run(const bv_indicator *self, void *st, const double *const *in, int64_t n,
                    double *const *out) {
  (void)self;
  bv_wmean_run(st, in[0], n, out[0]);
}

const bv_indicator bv_ind_wma = {
    .name = "wma",
    .title = "Weighted moving average",
    .formula =
        "sum of weight * value over the sum of weights; the newest weighs period, the oldest 1",
    .source = BV_SRC_TALIB " (WMA)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD(1)},
    .output = {{"wma", "as input", "the average",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER | BV_SEEN_BACKTRADER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = wma_size,
    .init = wma_init,
    .anchor = wma_anchor,
    .run = wma_run,
};
