/*
** ind_pair.c - two columns against each other: correl, beta.
**
** The first column is the one that is measured against (a market, a benchmark), the second the one
** that is measured.
*/
#include "calc/ind.h"

/* ---- correl ---- */

static size_t correl_size(const double *param) {
  return bv_cov_size((int64_t)param[0]);
}
static void correl_init(void *st, const double *param) {
  bv_cov_init(st, (int64_t)param[0]);
}
static void correl_reset(void *st) {
  bv_cov_reset(st);
}
static void correl_anchor(void *st) {
  bv_cov_anchor(st);
}

static void correl_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  bv_moments m;
  for (int64_t i = 0; i < n; i++) {
    double r = NAN;
    if (bv_cov_step(st, in[0][i], in[1][i], &m)) {
      r = m.xx > 0 && m.yy > 0 ? m.xy / (sqrt(m.xx) * sqrt(m.yy)) : 0;
      r = r > 1 ? 1 : r < -1 ? -1 : r;
    }
    out[0][i] = r;
  }
}

const bv_indicator bv_ind_correl = {
    .name = "correl",
    .title = "Correlation",
    .formula =
        "Pearson's correlation of the last period values of y and x; 0 where one of them does "
        "not vary",
    .source = BV_SRC_TALIB " (CORREL), but for its test of 1e-14 on the product of the sums of "
                           "squares: here exactly no variation counts",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_OTHER, BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 30, 2)},
    .output = {{"correl", "-1..1", "the correlation", BV_SEEN_TALIB | BV_SEEN_SKENDER}},
    .first = bv_ind_n_less_1,
    .window = bv_ind_n,
    .state_size = correl_size,
    .init = correl_init,
    .anchor = correl_anchor,
    .run = bv_ind_clean_run,
    .clean = correl_clean,
    .reset = correl_reset,
};

/* ---- beta ---- */

/* The moments of the changes follow. */
typedef struct beta {
  int64_t have;
  double x, y; /* of the bar before */
} beta;

static size_t beta_size(const double *param) {
  return sizeof(beta) + bv_cov_size((int64_t)param[0]);
}

static void beta_init(void *st, const double *param) {
  *(beta *)st = (beta){0};
  bv_cov_init(bv_part(st, sizeof(beta)), (int64_t)param[0]);
}

static void beta_reset(void *st) {
  ((beta *)st)->have = 0;
  bv_cov_reset(bv_part(st, sizeof(beta)));
}

static void beta_anchor(void *st) {
  bv_cov_anchor(bv_part(st, sizeof(beta)));
}

static inline double change(double now, double before) {
  return before == 0 ? 0 : (now - before) / before;
}

static void beta_clean(void *st, const double *const *in, int64_t n, double *const *out) {
  beta *b = st;
  bv_cov *cov = bv_part(st, sizeof *b);
  bv_moments m;
  for (int64_t i = 0; i < n; i++) {
    const double x = in[0][i], y = in[1][i];
    double r = NAN;
    if (b->have && bv_cov_step(cov, change(x, b->x), change(y, b->y), &m)) {
      r = m.xx * (double)cov->n < 1e-14 ? 0 : m.xy / m.xx;
    }
    b->have = 1, b->x = x, b->y = y;
    out[0][i] = r;
  }
}

const bv_indicator bv_ind_beta = {
    .name = "beta",
    .title = "Beta",
    .formula =
        "slope of the last period changes of y on those of x, change = (now - before) / "
        "before, 0 where before is 0; 0 where the sum of squares of x about its mean is below "
        "1e-14",
    .source = BV_SRC_TALIB " (BETA)",
    .ninput = 2,
    .nparam = 1,
    .noutput = 1,
    .input = {BV_IN_OTHER, BV_IN_REAL},
    .real_default = BV_IN_CLOSE,
    .param = {BV_PERIOD_OR("period", 5, 2)},
    .output = {{"beta", "ratio", "the slope", BV_SEEN_TALIB | BV_SEEN_SKENDER | BV_SEEN_LEAN}},
    .first = bv_ind_n,
    .window = bv_ind_n_plus_1,
    .state_size = beta_size,
    .init = beta_init,
    .anchor = beta_anchor,
    .run = bv_ind_clean_run,
    .clean = beta_clean,
    .reset = beta_reset,
};
