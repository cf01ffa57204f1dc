/*
** roll_sum.c - rolling sums that leave no rounding behind, and the exponential average.
**
** A full window is stored in a ring whose oldest value stands at pos:
**
**      ring   x5 x6 x7 x3 x4        n = 5, pos = 3: the next value replaces x3
*/
#include "calc/roll.h"
#include "calc/indicator.h"
#include "calc/lanes.h"

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

/* A rolling sum of k <= BV_RUN_MAX bars goes through three passes: what each bar changes, exactly, as a
** pair (d, e); the sums, which wait for each other; and their quotients.  The first and the last go two
** bars at a time. */

static void changes(const double *x, const double *old, int64_t k, double *d, double *e) {
  int64_t i = 0;
  for (; i + 2 <= k; i += 2) {
    const bv_lane2 a = bv_lane2_load(x + i), b = -bv_lane2_load(old + i), t = a + b, z = t - a;
    bv_lane2_store(d + i, t);
    bv_lane2_store(e + i, (a - (t - z)) + (b - z));
  }
  for (; i < k; i++) {
    const double a = x[i], b = -old[i], t = a + b, z = t - a;
    d[i] = t;
    e[i] = (a - (t - z)) + (b - z);
  }
}

/* (d, e) becomes the sum after each bar. */
static void sums(bv_dd *sum, int64_t k, double *d, double *e) {
  double hi = sum->hi, lo = sum->lo;
  for (int64_t i = 0; i < k; i++) {
    const double t = hi + d[i], z = t - hi;
    lo += e[i] + ((hi - (t - z)) + (d[i] - z));
    d[i] = hi = t;
    e[i] = lo;
  }
  *sum = (bv_dd){hi, lo};
}

/* bv_dd_div of each. */
static void quotients(const double *hi, const double *lo, int64_t k, double den, double inv,
                      double *y) {
  const bv_lane2 d2 = bv_lane2_all(den), i2 = bv_lane2_all(inv);
  const int64_t keep = ~(((int64_t)1 << 40) - 1);
  int64_t i = 0;
  for (; i + 2 <= k; i += 2) {
    const bv_lane2 h = bv_lane2_load(hi + i);
    const bv_lane2 q = (bv_lane2)((bv_lane2i)(h * i2) & (bv_lane2i){keep, keep});
    bv_lane2_store(y + i, q + ((h - q * d2) + bv_lane2_load(lo + i)) * i2);
  }
  for (; i < k; i++) y[i] = bv_dd_div((bv_dd){hi[i], lo[i]}, den, inv);
}

/* Put k values into a full ring of n; the ones they push out go to old, which come from the ring at first
** and then from x itself. */
static void ring_pass(double *ring, int64_t *pos, int64_t n, const double *x, int64_t k,
                      double *old) {
  const int64_t a = least(k, n - *pos), b = least(k - a, *pos);
  memcpy(old, ring + *pos, (size_t)a * sizeof *x);
  memcpy(old + a, ring, (size_t)b * sizeof *x);
  if (k >= n) {
    memcpy(old + n, x, (size_t)(k - n) * sizeof *x);
    memcpy(ring, x + (k - n), (size_t)n * sizeof *x);
    *pos = 0;
  } else {
    memcpy(ring + *pos, x, (size_t)a * sizeof *x);
    memcpy(ring, x + a, (size_t)b * sizeof *x);
    *pos = *pos + k < n ? *pos + k : *pos + k - n;
  }
}

static void mean_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_mean *m = state;
  const int64_t n = m->n;
  const double *x = in[0];
  double *y = out[0], d[BV_RUN_MAX], e[BV_RUN_MAX];
  if (m->fill < n) {
    const int64_t take = warm_up(m->ring, &m->fill, n, x, k, y);
    if (m->fill < n) return;
    bv_mean_anchor(m);
    y[take - 1] = bv_dd_div(m->sum, (double)n, m->inv);
    x += take, y += take, k -= take;
  }
  ring_pass(m->ring, &m->pos, n, x, k, e);
  changes(x, e, k, d, e);
  sums(&m->sum, k, d, e);
  quotients(d, e, k, (double)n, m->inv, y);
}

/* sums() of two at once. */
static void sums_pair(bv_dd *a, bv_dd *b, int64_t k, double *da, double *ea, double *db,
                      double *eb) {
  bv_lane2 hi = {a->hi, b->hi}, lo = {a->lo, b->lo};
  for (int64_t i = 0; i < k; i++) {
    const bv_lane2 d = {da[i], db[i]}, e = {ea[i], eb[i]}, t = hi + d, z = t - hi;
    lo += e + ((hi - (t - z)) + (d - z));
    hi = t;
    da[i] = hi[0], db[i] = hi[1];
    ea[i] = lo[0], eb[i] = lo[1];
  }
  *a = (bv_dd){hi[0], lo[0]};
  *b = (bv_dd){hi[1], lo[1]};
}

/* One value; NaN, which an indicator may give at its first bar, empties the window. */
static void mean_one(bv_mean *m, const double *x, double *y) {
  if (isnan(*x)) {
    bv_mean_reset(m);
    *y = NAN;
  } else {
    mean_clean(m, &x, 1, &y);
  }
}

void bv_mean_pair(bv_mean *a, bv_mean *b, const double *x, const double *z, int64_t n, double *ya,
                  double *yb) {
  double da[BV_RUN_MAX], ea[BV_RUN_MAX], db[BV_RUN_MAX], eb[BV_RUN_MAX];
  while (n > 0 && (a->fill < a->n || b->fill < b->n)) { /* seldom: one bar at a time */
    mean_one(a, x++, ya++);
    mean_one(b, z++, yb++);
    n--;
  }
  ring_pass(a->ring, &a->pos, a->n, x, n, ea);
  ring_pass(b->ring, &b->pos, b->n, z, n, eb);
  changes(x, ea, n, da, ea);
  changes(z, eb, n, db, eb);
  sums_pair(&a->sum, &b->sum, n, da, ea, db, eb);
  quotients(da, ea, n, (double)a->n, a->inv, ya);
  quotients(db, eb, n, (double)b->n, b->inv, yb);
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
** least-squares line is 6 N / (n (n-1) (n+1)): the cancellation happens in exact sums.  Two bars; S and W
** as pairs. */
static inline bv_lane2 slope2(bv_lane2 s_hi, bv_lane2 s_lo, bv_lane2 w_hi, bv_lane2 w_lo,
                              double n) {
  const int64_t keep = ~(((int64_t)1 << 27) - 1);
  const bv_lane2 m = bv_lane2_all(n + 1), scale = bv_lane2_all(6 / (n * (n - 1) * (n + 1)));
  const bv_lane2 top = (bv_lane2)((bv_lane2i)s_hi & (bv_lane2i){keep, keep});
  const bv_lane2 a = m * top, b = m * (s_hi - top), p = a + b;
  const bv_lane2 x = w_hi + w_hi, t = x - p, z = t - x;
  const bv_lane2 lo = ((x - (t - z)) - (p + z)) - ((a - p) + b);
  return (t + (lo + (w_lo + w_lo) - m * s_lo)) * scale;
}

static double slope_now(bv_dd sum, bv_dd wsum, double n) {
  return slope2(bv_lane2_all(sum.hi), bv_lane2_all(sum.lo), bv_lane2_all(wsum.hi),
                bv_lane2_all(wsum.lo), n)[0];
}

static void slopes(const double *d, const double *e, const double *wd, const double *we, int64_t k,
                   double n, double *y) {
  int64_t i = 0;
  for (; i + 2 <= k; i += 2) {
    bv_lane2_store(y + i, slope2(bv_lane2_load(d + i), bv_lane2_load(e + i), bv_lane2_load(wd + i),
                                 bv_lane2_load(we + i), n));
  }
  if (i < k) y[i] = slope_now((bv_dd){d[i], e[i]}, (bv_dd){wd[i], we[i]}, n);
}

/* What bar i changes in the weighted sum, as a pair: + n x, - the plain sum before it.  n x is exact as
** top and low part. */
static void weighted_changes(const double *x, const double *hi, const double *lo, bv_dd before,
                             int64_t k, double n, double *d, double *e) {
  const bv_lane2 n2 = bv_lane2_all(n);
  const int64_t keep = ~(((int64_t)1 << 27) - 1);
  d[0] = before.hi;
  e[0] = before.lo;
  memcpy(d + 1, hi, (size_t)(k - 1) * sizeof *d);
  memcpy(e + 1, lo, (size_t)(k - 1) * sizeof *e);
  int64_t i = 0;
  for (; i + 2 <= k; i += 2) {
    const bv_lane2 v = bv_lane2_load(x + i);
    const bv_lane2 top = (bv_lane2)((bv_lane2i)v & (bv_lane2i){keep, keep});
    const bv_lane2 a = n2 * top, b = n2 * (v - top), p = a + b, c = -bv_lane2_load(d + i);
    const bv_lane2 t = p + c, z = t - p;
    bv_lane2_store(d + i, t);
    bv_lane2_store(e + i, ((p - (t - z)) + (c - z)) + (((a - p) + b) - bv_lane2_load(e + i)));
  }
  for (; i < k; i++) {
    uint64_t bits;
    double top;
    memcpy(&bits, &x[i], sizeof bits);
    bits &= (uint64_t)keep;
    memcpy(&top, &bits, sizeof top);
    const double a = n * top, b = n * (x[i] - top), p = a + b, c = -d[i], t = p + c, z = t - p;
    d[i] = t;
    e[i] = ((p - (t - z)) + (c - z)) + (((a - p) + b) - e[i]);
  }
}

/* k <= BV_RUN_MAX bars.  Every weight sinks by one, which takes the old sum
** away; the new value enters with weight n.  `line` is a constant at each call. */
static inline void wmean_step(bv_wmean *m, const double *x, int64_t k, double *y, double *mean,
                              int line) {
  double d[BV_RUN_MAX], e[BV_RUN_MAX], wd[BV_RUN_MAX], we[BV_RUN_MAX];
  const double n = (double)m->n;
  const bv_dd before = m->sum;
  if (k == 0) return;
  ring_pass(m->ring, &m->pos, m->n, x, k, e);
  changes(x, e, k, d, e);
  sums(&m->sum, k, d, e);
  weighted_changes(x, d, e, before, k, n, wd, we);
  sums(&m->wsum, k, wd, we);
  if (!line) {
    quotients(wd, we, k, m->den, m->inv, y);
    return;
  }
  quotients(d, e, k, n, 1.0 / n, mean);
  slopes(d, e, wd, we, k, n, y);
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
  wmean_step(m, in[0] + i, k - i, out[0] + i, NULL, 0);
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
  wmean_step(m, in[0] + i, k - i, out[0] + i, out[1] + i, 1);
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
