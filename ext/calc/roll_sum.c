/*
** roll_sum.c - rolling sums that leave no rounding behind, and the exponential average.
**
** A full window is stored in a ring whose oldest value stands at pos:
**
**      ring   x5 x6 x7 x3 x4        n = 5, pos = 3: the next value replaces x3
*/
#include "calc/fold.h"
#include "calc/ind.h"
#include "calc/lanes.h"

static inline int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void fill_nan(double *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = NAN;
}

int64_t bv_usable(const double *x, int64_t n) {
  const bv_lane huge = bv_lane_all(BV_IND_HUGE);
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    bv_lanei ok = ~(bv_lanei){0};
    for (int j = 0; j < 32; j += BV_LANES) ok &= bv_lane_abs(bv_lane_load(x + i + j)) <= huge;
    if (!bv_lane_every(ok)) break;
  }
  while (i < n && fabs(x[i]) <= BV_IND_HUGE) i++;
  return i;
}

/* Bring the run after this one near while this one is worked on. */
static void fetch_ahead(const double *x, int64_t i, int64_t n) {
  const int64_t end = least(i + BV_RUN_MAX, n);
  for (; i < end; i += 8) __builtin_prefetch(x + i);
}

void bv_split(void *state, const bv_roll_stage *stage, const double *const *in, int64_t n,
              double *const *out) {
  const double *from[BV_SPLIT_MAX];
  double *to[BV_SPLIT_MAX];
  int64_t i = 0;
  while (i < n) {
    const int64_t want = least(n - i, BV_RUN_MAX);
    int64_t k = want;
    for (int c = 0; c < stage->nin; c++) {
      from[c] = in[c] + i;
      k = bv_usable(from[c], k);
      fetch_ahead(in[c], i + BV_RUN_MAX, n);
    }
    for (int c = 0; c < stage->nout; c++) {
      to[c] = out[c] + i;
      fetch_ahead(out[c], i + BV_RUN_MAX, n);
    }
    if (k > 0) stage->clean(state, from, k, to);
    i += k;
    if (k == want) continue;
    for (int c = 0; c < stage->nout; c++) out[c][i] = NAN;
    if (stage->reset) stage->reset(state);
    i++;
  }
}

void bv_ind_clean_run(const bv_indicator *self, void *state, const double *const *in, int64_t n,
                      double *const *out) {
  const bv_roll_stage stage = {self->ninput, self->noutput, self->clean, self->reset};
  bv_split(state, &stage, in, n, out);
}

/* Take what is missing of a first full window into the ring; the number of values used. */
static int64_t warm_up(double *ring, int64_t *fill, int64_t n, const double *x, int64_t k,
                       double *y) {
  const int64_t take = least(n - *fill, k);
  memcpy(ring + *fill, x, (size_t)take * sizeof *x);
  fill_nan(y, take);
  *fill += take;
  return take;
}

/* ---- the window as a line ---- */

/* Put k <= BV_RUN_MAX values into a full ring of n.  line gets, oldest first, what the passes need: the
** values of the ring that leave, as far as they do, and then the new ones, which begin at the index
** returned.  What leaves with new value i stands at i. */
static int64_t lay_out(double *ring, int64_t *pos, int64_t n, const double *x, int64_t k,
                       double *line) {
  const int64_t m = least(k, n), a = least(m, n - *pos);
  memcpy(line, ring + *pos, (size_t)a * sizeof *x);
  memcpy(line + a, ring, (size_t)(m - a) * sizeof *x);
  memcpy(line + m, x, (size_t)k * sizeof *x);
  if (k >= n) {
    memcpy(ring, x + (k - n), (size_t)n * sizeof *x);
    *pos = 0;
  } else {
    memcpy(ring + *pos, x, (size_t)a * sizeof *x);
    memcpy(ring, x + a, (size_t)(k - a) * sizeof *x);
    *pos = *pos + k < n ? *pos + k : *pos + k - n;
  }
  return m;
}

/* What bv_fold_means makes of one sum. */
static double mean_of(bv_dd s, double den, double inv) {
  bv_dd sum = {s.hi, 0};
  bv_dd_add(&sum, s.lo);
  return bv_dd_div(sum, den, inv);
}

/* ---- mean ---- */

size_t bv_mean_size(int64_t n) {
  return sizeof(bv_mean) + (size_t)n * sizeof(double);
}

void bv_mean_init(bv_mean *m, int64_t n) {
  memset(m, 0, bv_mean_size(n));
  m->n = n;
  m->inv = 1.0 / (double)n;
  bv_mean_reset(m);
}

void bv_mean_reset(bv_mean *m) {
  m->fill = m->pos = 0;
  m->bounds = bv_bounds_none();
}

void bv_mean_anchor(bv_mean *m) {
  bv_dd s = {0, 0};
  if (m->fill < m->n) return;
  for (int64_t i = m->pos; i < m->n; i++) bv_dd_add(&s, m->ring[i]);
  for (int64_t i = 0; i < m->pos; i++) bv_dd_add(&s, m->ring[i]);
  m->sum = s;
  m->bounds = bv_bounds_none();
  bv_bounds_add(&m->bounds, m->ring, m->n);
}

/* What is not exact in two folds is added bar by bar, and the sum's parts set right after each: lo no
** more than half a bit of hi.  So the parts are the same ones wherever the sum itself is exact, and it does
** not show where a run was cut. */
static inline void add_right(bv_dd *s, double x) {
  bv_dd_add(s, x);
  const double t = s->hi + s->lo;
  s->lo -= t - s->hi;
  s->hi = t;
}

static inline void roll_right(bv_dd *sum, double enter, double leave) {
  add_right(sum, enter);
  add_right(sum, -leave);
}

/* A clean run; `sums` is a constant at each call. */
static inline void mean_step(bv_mean *m, const double *x, int64_t k, double *y, bool sums) {
  const int64_t n = m->n;
  double line[BV_FOLD_MAX];
  if (m->fill < n) {
    const int64_t take = warm_up(m->ring, &m->fill, n, x, k, y);
    if (m->fill < n) return;
    bv_mean_anchor(m);
    y[take - 1] = sums ? m->sum.hi + m->sum.lo : mean_of(m->sum, (double)n, m->inv);
    x += take, y += take, k -= take;
  }
  bv_bounds_add(&m->bounds, x, k);
  bv_fold f = {.line = line, .enter = lay_out(m->ring, &m->pos, n, x, k, line), .k = k};
  const bool fits = bv_fold_fit(&m->bounds, 2 * (double)n + 2 * BV_FOLD_SPARE, &f.cut);
  if (fits && sums) {
    bv_fold_sums(&f, &m->sum, y);
  } else if (fits) {
    bv_fold_means(&f, &m->sum, (double)n, m->inv, y);
  } else {
    add_right(&m->sum, 0);
    for (int64_t i = 0; i < k; i++) {
      roll_right(&m->sum, line[f.enter + i], line[i]);
      y[i] = sums ? m->sum.hi : mean_of(m->sum, (double)n, m->inv);
    }
  }
}

static void mean_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  mean_step(state, in[0], k, out[0], false);
}

static void sum_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  mean_step(state, in[0], k, out[0], true);
}

static void mean_reset(void *state) {
  bv_mean_reset(state);
}

void bv_mean_run(bv_mean *m, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, mean_clean, mean_reset};
  bv_split(m, &stage, &x, n, &y);
}

void bv_mean_clean(bv_mean *m, const double *x, int64_t n, double *y) {
  mean_step(m, x, n, y, false);
}

void bv_sum_clean(bv_mean *m, const double *x, int64_t n, double *y) {
  mean_step(m, x, n, y, true);
}

void bv_sum_run(bv_mean *m, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, sum_clean, mean_reset};
  bv_split(m, &stage, &x, n, &y);
}

/* ---- weighted mean ---- */

size_t bv_wmean_size(int64_t n) {
  return sizeof(bv_wmean) + (size_t)n * sizeof(double);
}

void bv_wmean_init(bv_wmean *m, int64_t n) {
  memset(m, 0, bv_wmean_size(n));
  m->n = n;
  m->den = (double)n * ((double)n + 1) / 2;
  m->inv = 1.0 / m->den;
  bv_wmean_reset(m);
}

void bv_wmean_reset(bv_wmean *m) {
  m->fill = m->pos = 0;
  m->bounds = bv_bounds_none();
}

void bv_wmean_anchor(bv_wmean *m) {
  bv_dd s = {0, 0}, w = {0, 0};
  if (m->fill < m->n) return;
  for (int64_t j = 0, i = m->pos; j < m->n; j++) {
    bv_dd_add(&s, m->ring[i]);
    bv_dd_add_times(&w, (double)(j + 1), m->ring[i]);
    i = i + 1 < m->n ? i + 1 : 0;
  }
  m->sum = s;
  m->wsum = w;
  m->bounds = bv_bounds_none();
  bv_bounds_add(&m->bounds, m->ring, m->n);
}

/* With W the sum weighted 1..n and S the plain one, the slope of the least-squares line is
** 6 (2 W - (n+1) S) / (n (n-1) (n+1)): the cancellation happens in exact sums. */
static double slope_scale(double n) {
  return 6 / (n * (n - 1) * (n + 1));
}

static double slope_of(bv_dd sum, bv_dd wsum, double n) {
  bv_dd t = {0, 0};
  bv_dd_add(&t, 2 * wsum.hi);
  bv_dd_add(&t, 2 * wsum.lo);
  bv_dd_add_times(&t, -(n + 1), sum.hi);
  bv_dd_add_times(&t, -(n + 1), sum.lo);
  return (t.hi + t.lo) * slope_scale(n);
}

static inline void weigh_right(bv_wmean *m, double enter, double leave) {
  bv_dd_add_times(&m->wsum, (double)m->n, enter);
  add_right(&m->wsum, -m->sum.hi);
  add_right(&m->wsum, -m->sum.lo);
  roll_right(&m->sum, enter, leave);
}

/* k <= BV_RUN_MAX bars of a full window; `mean` NULL: the weighted mean alone, otherwise the line. */
static void wmean_step(bv_wmean *m, const double *x, int64_t k, double *y, double *mean) {
  const double n = (double)m->n;
  double line[BV_FOLD_MAX];
  bv_fold f = {.line = line, .enter = lay_out(m->ring, &m->pos, m->n, x, k, line), .k = k};
  const bool fits = bv_fold_fit(&m->bounds, 2 * n * (n + 1 + BV_FOLD_SPARE), &f.cut);
  if (fits && mean) {
    bv_fold_lines(&f, &m->sum, &m->wsum, n, slope_scale(n), y, mean);
  } else if (fits) {
    bv_fold_wmeans(&f, &m->sum, &m->wsum, n, m->den, m->inv, y);
  } else {
    add_right(&m->sum, 0);
    add_right(&m->wsum, 0);
    for (int64_t i = 0; i < k; i++) {
      weigh_right(m, line[f.enter + i], line[i]);
      y[i] = mean ? slope_of(m->sum, m->wsum, n) : mean_of(m->wsum, m->den, m->inv);
      if (mean) mean[i] = mean_of(m->sum, n, 1.0 / n);
    }
  }
}

/* Fill the ring; the number of values used.  The last of them may be the first result. */
static int64_t wmean_begin(bv_wmean *m, const double *x, int64_t k, double *y) {
  int64_t take = 0;
  if (m->fill < m->n) {
    take = warm_up(m->ring, &m->fill, m->n, x, k, y);
    if (m->fill == m->n) bv_wmean_anchor(m);
  }
  bv_bounds_add(&m->bounds, x + take, k - take);
  return take;
}

static void wmean_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_wmean *m = state;
  int64_t i = wmean_begin(m, in[0], k, out[0]);
  if (i > 0 && m->fill == m->n) out[0][i - 1] = mean_of(m->wsum, m->den, m->inv);
  if (i < k) wmean_step(m, in[0] + i, k - i, out[0] + i, NULL);
}

static void line_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_wmean *m = state;
  const double n = (double)m->n;
  int64_t i = wmean_begin(m, in[0], k, out[0]);
  fill_nan(out[1], i);
  if (i > 0 && m->fill == m->n) {
    out[0][i - 1] = slope_of(m->sum, m->wsum, n);
    out[1][i - 1] = mean_of(m->sum, n, 1.0 / n);
  }
  if (i < k) wmean_step(m, in[0] + i, k - i, out[0] + i, out[1] + i);
}

static void wmean_reset(void *state) {
  bv_wmean_reset(state);
}

void bv_wmean_run(bv_wmean *m, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, wmean_clean, wmean_reset};
  bv_split(m, &stage, &x, n, &y);
}

void bv_line_run(bv_wmean *m, const double *x, int64_t n, double *slope, double *mean) {
  static const bv_roll_stage stage = {1, 2, line_clean, wmean_reset};
  double *const out[2] = {slope, mean};
  bv_split(m, &stage, &x, n, out);
}

/* ---- exponential average ---- */

void bv_smooth_init(bv_smooth *s, int64_t n, double k, int64_t skip) {
  *s = (bv_smooth){.n = n, .fill = -skip, .k = k};
}

static void smooth_clean(void *state, const double *const *in, int64_t n, double *const *out) {
  bv_smooth *s = state;
  const double *x = in[0], k = s->k;
  double *y = out[0], e;
  int64_t i = 0;
  for (; i < n && s->fill < s->n; i++) {
    y[i] = NAN;
    if (s->fill++ < 0) continue;
    bv_dd_add(&s->seed, x[i]);
    if (s->fill < s->n) continue;
    y[i] = s->e = bv_dd_div(s->seed, (double)s->n, 1.0 / (double)s->n);
  }
  e = s->e;
  for (; i < n; i++) {
    e += (x[i] - e) * k;
    y[i] = e;
  }
  s->e = e;
}

void bv_smooth_run(bv_smooth *s, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, smooth_clean, NULL};
  bv_split(s, &stage, &x, n, &y);
}
