/*
** roll_sum.c - rolling sums that leave no rounding behind, and the exponential average.
**
** A full window is stored in a ring whose oldest value stands at pos:
**
**      ring   x5 x6 x7 x3 x4        n = 5, pos = 3: the next value replaces x3
*/
#include "calc/roll.h"
#include "calc/indicator.h"

static inline int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void fill_nan(double *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = NAN;
}

int64_t bv_usable(const double *x, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    int ok = 1;
    for (int j = 0; j < 8; j++) ok &= fabs(x[i + j]) <= BV_IND_HUGE;
    if (!ok) break;
  }
  while (i < n && fabs(x[i]) <= BV_IND_HUGE) i++;
  return i;
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
    }
    for (int c = 0; c < stage->nout; c++) to[c] = out[c] + i;
    if (k > 0) stage->clean(state, from, k, to);
    i += k;
    if (k == want) continue;
    for (int c = 0; c < stage->nout; c++) out[c][i] = NAN;
    if (stage->reset) stage->reset(state);
    i++;
  }
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

/* ---- mean ---- */

size_t bv_mean_size(int64_t n) {
  return sizeof(bv_mean) + (size_t)n * sizeof(double);
}

void bv_mean_init(bv_mean *m, int64_t n) {
  memset(m, 0, bv_mean_size(n));
  m->n = n;
  m->inv = 1.0 / (double)n;
}

void bv_mean_reset(bv_mean *m) {
  m->fill = m->pos = 0;
}

void bv_mean_anchor(bv_mean *m) {
  bv_dd s = {0, 0};
  if (m->fill < m->n) return;
  for (int64_t i = m->pos; i < m->n; i++) bv_dd_add(&s, m->ring[i]);
  for (int64_t i = 0; i < m->pos; i++) bv_dd_add(&s, m->ring[i]);
  m->sum = s;
}

/* k bars whose leaving values stand at old[0..k). */
static void mean_step(bv_mean *m, const double *x, const double *old, int64_t k, double *y) {
  const double den = (double)m->n, inv = m->inv;
  bv_dd s = m->sum;
  for (int64_t i = 0; i < k; i++) {
    const double a = x[i], b = -old[i], d = a + b, z = d - a;
    s.lo += (a - (d - z)) + (b - z);
    bv_dd_add(&s, d);
    y[i] = bv_dd_div(s, den, inv);
  }
  m->sum = s;
}

/* The leaving values come from the ring for the first n bars, then from x itself. */
static void mean_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_mean *m = state;
  const int64_t n = m->n;
  const double *x = in[0];
  double *y = out[0];
  if (m->fill < n) {
    const int64_t take = warm_up(m->ring, &m->fill, n, x, k, y);
    if (m->fill < n) return;
    bv_mean_anchor(m);
    y[take - 1] = bv_dd_div(m->sum, (double)n, m->inv);
    x += take, y += take, k -= take;
  }
  const int64_t a = least(k, n - m->pos), b = least(k - a, m->pos);
  mean_step(m, x, m->ring + m->pos, a, y);
  mean_step(m, x + a, m->ring, b, y + a);
  if (k >= n) {
    mean_step(m, x + n, x, k - n, y + n);
    memcpy(m->ring, x + (k - n), (size_t)n * sizeof *x);
    m->pos = 0;
  } else {
    memcpy(m->ring + m->pos, x, (size_t)a * sizeof *x);
    memcpy(m->ring, x + a, (size_t)b * sizeof *x);
    m->pos = m->pos + k < n ? m->pos + k : m->pos + k - n;
  }
}

static void mean_reset(void *state) {
  bv_mean_reset(state);
}

void bv_mean_run(bv_mean *m, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, mean_clean, mean_reset};
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
}

void bv_wmean_reset(bv_wmean *m) {
  m->fill = m->pos = 0;
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
}

/* With N = 2 W - (n+1) S, W the sum weighted 1..n and S the plain one, the slope of the
** least-squares line is 6 N / (n (n-1) (n+1)): the cancellation happens in exact sums. */
static inline double slope_now(bv_dd sum, bv_dd wsum, double n) {
  bv_dd t = {2 * wsum.hi, 2 * wsum.lo};
  bv_dd_add_times(&t, -(n + 1), sum.hi);
  t.lo -= (n + 1) * sum.lo;
  return 6 * (t.hi + t.lo) / (n * (n - 1) * (n + 1));
}

/* k bars that do not wrap the ring.  Every weight sinks by one, which takes the old sum away; the
** new value enters with weight n.  `line` is a constant at each call. */
static inline void wmean_step(bv_wmean *m, const double *x, int64_t k, double *y, double *mean,
                              int line) {
  const double n = (double)m->n, den = m->den, inv = m->inv, inv_n = 1.0 / n;
  bv_dd sum = m->sum, wsum = m->wsum;
  double *r = m->ring + m->pos;
  for (int64_t i = 0; i < k; i++) {
    const double v = x[i], old = r[i];
    bv_dd_add(&wsum, -sum.hi);
    wsum.lo -= sum.lo;
    bv_dd_add_times(&wsum, n, v);
    bv_dd_add(&sum, v);
    bv_dd_add(&sum, -old);
    r[i] = v;
    y[i] = line ? slope_now(sum, wsum, n) : bv_dd_div(wsum, den, inv);
    if (line) mean[i] = bv_dd_div(sum, n, inv_n);
  }
  m->sum = sum;
  m->wsum = wsum;
  m->pos = m->pos + k < m->n ? m->pos + k : 0;
}

/* Fill the ring; the number of values used.  The last of them may be the first result. */
static int64_t wmean_begin(bv_wmean *m, const double *x, int64_t k, double *y) {
  if (m->fill == m->n) return 0;
  const int64_t take = warm_up(m->ring, &m->fill, m->n, x, k, y);
  if (m->fill == m->n) bv_wmean_anchor(m);
  return take;
}

static void wmean_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_wmean *m = state;
  int64_t i = wmean_begin(m, in[0], k, out[0]);
  if (i > 0 && m->fill == m->n) out[0][i - 1] = bv_dd_div(m->wsum, m->den, m->inv);
  while (i < k) {
    const int64_t c = least(k - i, m->n - m->pos);
    wmean_step(m, in[0] + i, c, out[0] + i, NULL, 0);
    i += c;
  }
}

static void line_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_wmean *m = state;
  const double n = (double)m->n;
  int64_t i = wmean_begin(m, in[0], k, out[0]);
  fill_nan(out[1], i);
  if (i > 0 && m->fill == m->n) {
    out[0][i - 1] = slope_now(m->sum, m->wsum, n);
    out[1][i - 1] = bv_dd_div(m->sum, n, 1.0 / n);
  }
  while (i < k) {
    const int64_t c = least(k - i, m->n - m->pos);
    wmean_step(m, in[0] + i, c, out[0] + i, out[1] + i, 1);
    i += c;
  }
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
