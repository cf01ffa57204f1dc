/*
** ind_stat.c - least squares on the last values: linearreg (value, slope, intercept), its
** angle, tsf.
*/
#include "calc/ind.h"

static size_t line_size(const double *param) {
  return bv_wmean_size((int64_t)param[0]);
}
static void line_init(void *st, const double *param) {
  bv_wmean_init(st, (int64_t)param[0]);
}
static void line_reset(void *st) {
  bv_wmean_reset(st);
}
static void line_anchor(void *st) {
  bv_wmean_anchor(st);
}

static void linearreg_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_wmean *m = st;
  const double half = ((double)m->n - 1) / 2;
  double mean[BV_RUN_MAX];
  bv_line_run(m, in[0], n, out[1], mean);
  for (int64_t i = 0; i < n; i++) {
    const double slope = out[1][i];
    out[0][i] = mean[i] + slope * half;
    out[2][i] = mean[i] - slope * half;
  }
}

const bv_indicator bv_ind_linearreg = {
    .name = "linearreg",
    .title = "Linear regression",
    .formula = "least-squares line through the last period values at abscissas 0..period-1: its "
               "value at period-1, slope, and value at 0",
    .source = BV_SRC_TALIB " (LINEARREG, _SLOPE, _INTERCEPT)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 3,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 2)},
    .output = {{"linearreg", "as input", "value at the newest bar", BV_SEEN_TALIB | BV_SEEN_TULIP},
               {"linearreg_slope", "input per bar", "slope",
                BV_SEEN_TALIB | BV_SEEN_TULIP | BV_SEEN_SKENDER},
               {"linearreg_intercept", "as input", "value at the oldest bar", BV_SEEN_TALIB}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = line_size,
    .init = line_init,
    .anchor = line_anchor,
    .run = bv_ind_clean_run,
    .clean = linearreg_clean,
    .reset = line_reset,
};

static void angle_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  double mean[BV_RUN_MAX];
  bv_line_run(st, in[0], n, out[0], mean);
  for (int64_t i = 0; i < n; i++) out[0][i] = atan(out[0][i]) * (180 / 3.14159265358979323846);
}

const bv_indicator bv_ind_linearreg_angle = {
    .name = "linearreg_angle",
    .title = "Angle of the linear regression",
    .formula = "arc tangent of linearreg_slope(period)",
    .source = BV_SRC_TALIB " (LINEARREG_ANGLE)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 2)},
    .output = {{"linearreg_angle", "degrees", "arc tangent of the slope", BV_SEEN_TALIB}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = line_size,
    .init = line_init,
    .anchor = line_anchor,
    .run = bv_ind_clean_run,
    .clean = angle_clean,
    .reset = line_reset,
};

static void tsf_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_wmean *m = st;
  const double ahead = ((double)m->n + 1) / 2;
  double mean[BV_RUN_MAX];
  bv_line_run(m, in[0], n, out[0], mean);
  for (int64_t i = 0; i < n; i++) out[0][i] = mean[i] + out[0][i] * ahead;
}

const bv_indicator bv_ind_tsf = {
    .name = "tsf",
    .title = "Time series forecast",
    .formula = "the line of linearreg(period) one bar ahead, at abscissa period",
    .source = BV_SRC_TALIB " (TSF)",
    .ninput = 1,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 14, 2)},
    .output = {{"tsf", "as input", "the forecast", BV_SEEN_TALIB | BV_SEEN_TULIP}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = line_size,
    .init = line_init,
    .anchor = line_anchor,
    .run = bv_ind_clean_run,
    .clean = tsf_clean,
    .reset = line_reset,
};
