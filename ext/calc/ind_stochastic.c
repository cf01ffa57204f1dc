/*
** ind_stochastic.c - the place of the close in the range of the last bars: stochf, stoch, stochrsi.
*/
#include "calc/ind.h"

/* Greatest and least, the first and the second mean, and for stoch the tape. */
typedef struct stoch {
  size_t high, low, k, d, tape;
} stoch;

static size_t stoch_parts(stoch *s, int64_t range, int64_t k, int64_t d, size_t at) {
  s->high = at;
  s->low = s->high + bv_peak_size(range);
  s->k = s->low + bv_peak_size(range);
  s->d = s->k + (k ? bv_mean_size(k) : 0);
  s->tape = s->d + bv_mean_size(d);
  return s->tape;
}

/* k = 0: no first mean. */
static void stoch_set(stoch *s, int64_t range, int64_t k, int64_t d) {
  stoch_parts(s, range, k, d, sizeof *s);
  bv_peak_init(bv_part(s, s->high), range, 1);
  bv_peak_init(bv_part(s, s->low), range, -1);
  if (k) bv_mean_init(bv_part(s, s->k), k);
  bv_mean_init(bv_part(s, s->d), d);
}

/* 100 (close - LL) / (HH - LL), 0 where HH - LL is not above `flat`. */
static void stoch_raw(stoch *s, const double *const *in, int64_t n, double flat, double *y) {
  double top[BV_RUN_MAX], base[BV_RUN_MAX];
  bv_peak_run(bv_part(s, s->high), in[0], n, top);
  bv_peak_run(bv_part(s, s->low), in[1], n, base);
  for (int64_t i = 0; i < n; i++) {
    const double range = top[i] - base[i];
    y[i] = range <= flat ? 0 : 100 * ((in[2][i] - base[i]) / range);
  }
}

static void hide_before(const double *d, int64_t n, double *k) {
  for (int64_t i = 0; i < n; i++) {
    if (isnan(d[i])) k[i] = NAN;
  }
}

static int64_t stochf_first(const double *param) {
  return (int64_t)(param[0] + param[1]) - 2;
}
static int64_t stochf_window(const double *param) {
  return stochf_first(param) + 1;
}

static size_t stochf_size(const double *param) {
  stoch s;
  return stoch_parts(&s, (int64_t)param[0], 0, (int64_t)param[1], sizeof s);
}

static void stochf_init(void *st, const double *param) {
  stoch_set(st, (int64_t)param[0], 0, (int64_t)param[1]);
}

static void stochf_reset(void *st) {
  stoch *s = st;
  bv_peak_reset(bv_part(s, s->high));
  bv_peak_reset(bv_part(s, s->low));
  bv_mean_reset(bv_part(s, s->d));
}

/* The values in the ring are exact functions of the bars: its sums are all that rounds. */
static void stochf_anchor(void *st) {
  stoch *s = st;
  bv_mean_anchor(bv_part(s, s->d));
}

static void stochf_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  stoch *s = st;
  stoch_raw(s, in, n, 0, out[0]);
  bv_mean_run(bv_part(s, s->d), out[0], n, out[1]);
  hide_before(out[1], n, out[0]);
}

const bv_indicator bv_ind_stochf = {
    .name = "stochf",
    .title = "Fast stochastic",
    .formula = "K = 100 (close - LL) / (HH - LL) of the last k bars, 0 where HH = LL; D = sma(d) "
               "of K; K is withheld until D exists",
    .source = BV_SRC_TALIB " (STOCHF)",
    .ninput = 3,
    .nparam = 2,
    .noutput = 2,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("k", 5, 1), BV_PERIOD_OR("d", 3, 1)},
    .output = {{"stochf_k", "percent 0..100", "K", BV_SEEN_TALIB | BV_SEEN_BACKTRADER},
               {"stochf_d", "percent 0..100", "D", BV_SEEN_TALIB | BV_SEEN_BACKTRADER}},
    .first = stochf_first,
    .window = stochf_window,
    .state_size = stochf_size,
    .init = stochf_init,
    .anchor = stochf_anchor,
    .run = bv_ind_clean_run,
    .clean = stochf_clean,
    .reset = stochf_reset,
};

static int64_t stoch_first(const double *param) {
  return (int64_t)(param[0] + param[1] + param[2]) - 3;
}

static int64_t stoch_window(const double *param) {
  return stoch_first(param) + 1;
}

static size_t stoch_size(const double *param) {
  stoch s;
  return stoch_parts(&s, (int64_t)param[0], (int64_t)param[1], (int64_t)param[2], sizeof s) +
         bv_tape_size(stoch_window(param), 3);
}

static void stoch_init(void *st, const double *param) {
  stoch *s = st;
  stoch_set(s, (int64_t)param[0], (int64_t)param[1], (int64_t)param[2]);
  bv_tape_init(bv_part(s, s->tape), stoch_window(param), 3);
}

static void stoch_chain(void *st, const double *const *in, int64_t n, double *const *out) {
  stoch *s = st;
  double raw[BV_RUN_MAX];
  stoch_raw(s, in, n, 0, raw);
  bv_mean_run(bv_part(s, s->k), raw, n, out[0]);
  bv_mean_run(bv_part(s, s->d), out[0], n, out[1]);
  hide_before(out[1], n, out[0]);
}

static void stoch_chain_reset(void *st) {
  stoch *s = st;
  stochf_reset(s);
  bv_mean_reset(bv_part(s, s->k));
}

static const bv_roll_stage stoch_stage = {3, 2, stoch_chain, stoch_chain_reset};

static void stoch_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  stoch *s = st;
  bv_tape_push(bv_part(s, s->tape), in, n);
  stoch_chain(s, in, n, out);
}

static void stoch_reset(void *st) {
  stoch *s = st;
  bv_tape_reset(bv_part(s, s->tape));
  stoch_chain_reset(s);
}

static void stoch_anchor(void *st) {
  stoch *s = st;
  bv_tape_play(bv_part(s, s->tape), s, &stoch_stage);
}

const bv_indicator bv_ind_stoch = {
    .name = "stoch",
    .title = "Slow stochastic",
    .formula = "K = sma(slow_k) of 100 (close - LL) / (HH - LL) of the last k bars, 0 where HH = "
               "LL; D = sma(slow_d) of K; K is withheld until D exists",
    .source = BV_SRC_TALIB " (STOCH); G. Lane",
    .ninput = 3,
    .nparam = 3,
    .noutput = 2,
    .input = {BV_IN_HIGH, BV_IN_LOW, BV_IN_CLOSE},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("k", 5, 1), BV_PERIOD_OR("slow_k", 3, 1), BV_PERIOD_OR("slow_d", 3, 1)},
    .output = {{"stoch_k", "percent 0..100", "slow K",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER | BV_SEEN_LEAN},
               {"stoch_d", "percent 0..100", "slow D",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_BACKTRADER | BV_SEEN_LEAN}},
    .first = stoch_first,
    .window = stoch_window,
    .state_size = stoch_size,
    .init = stoch_init,
    .anchor = stoch_anchor,
    .run = bv_ind_clean_run,
    .clean = stoch_clean,
    .reset = stoch_reset,
};

/* stochrsi: `tape` is where the state of rsi begins. */

/* While prices stand still rsi is constant but for rounding, whose range means nothing. */
#define RSI_FLAT 1e-9

static int64_t stochrsi_first(const double *param) {
  return (int64_t)(param[0] + param[1] + param[2]) - 2;
}

static size_t stochrsi_size(const double *param) {
  stoch s;
  return stoch_parts(&s, (int64_t)param[1], 0, (int64_t)param[2], sizeof s) +
         bv_ind_rsi.state_size(param);
}

static void stochrsi_init(void *st, const double *param) {
  stoch *s = st;
  stoch_set(s, (int64_t)param[1], 0, (int64_t)param[2]);
  bv_ind_rsi.init(bv_part(s, s->tape), param);
}

static void stochrsi_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  stoch *s = st;
  double rsi[BV_RUN_MAX];
  double *const to[1] = {rsi};
  const double *const from[3] = {rsi, rsi, rsi};
  bv_ind_rsi.clean(bv_part(s, s->tape), in, n, to);
  stoch_raw(s, from, n, RSI_FLAT, out[0]);
  bv_mean_run(bv_part(s, s->d), out[0], n, out[1]);
  hide_before(out[1], n, out[0]);
}

const bv_indicator bv_ind_stochrsi = {
    .name = "stochrsi",
    .title = "Stochastic RSI",
    .formula = "stochf(k, d) of rsi(period): K = 100 (rsi - lowest) / (highest - lowest) of the "
               "last k values, 0 where they differ by no more than 1e-9; D = sma(d) of K",
    .source = BV_SRC_TALIB " (STOCHRSI); T. Chande, S. Kroll (1994)",
    .ninput = 1,
    .nparam = 3,
    .noutput = 2,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 1), BV_PERIOD_OR("k", 5, 1), BV_PERIOD_OR("d", 3, 1)},
    .output = {{"stochrsi_k", "percent 0..100", "K",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER},
               {"stochrsi_d", "percent 0..100", "D", BV_SEEN_TALIB | BV_SEEN_SKENDER}},
    .first = stochrsi_first,
    .state_size = stochrsi_size,
    .init = stochrsi_init,
    .run = bv_ind_clean_run,
    .clean = stochrsi_clean,
};
