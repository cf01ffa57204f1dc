/*
** roll_window.c - rolling variance, extreme and lag, and the true range.
*/
#include "calc/roll.h"

/* ---- variance ----
**
** s1 and s2 are sums of (x - pivot) and of its square.  Their rounding stays far below the variance
** while the pivot is near the window and the sums have not shrunk much since they were last
** computed afresh; otherwise they are computed again, which costs n:
**   - (mean - pivot)^2 > PIVOT_FAR * variance: the window has moved away from the pivot;
**   - s2 * SHRUNK < the greatest s2 since: values that dominated the sums have left;
**   - every max(REFRESH, 4 n) bars, so that rounding cannot add up.
** All three depend on the values alone, counted from the last anchor.  A window of equal values
** always ends in the first or second case, with the pivot at that value: exactly 0.
*/
#define PIVOT_FAR 256.0
#define SHRUNK    64.0
#define REFRESH   1024

size_t bv_var_size(int64_t n) {
  return sizeof(bv_var) + (size_t)n * sizeof(double);
}

void bv_var_init(bv_var *v, int64_t n, int root) {
  memset(v, 0, bv_var_size(n));
  v->n = n;
  v->root = root;
  v->inv = 1.0 / (double)n;
}

void bv_var_reset(bv_var *v) {
  v->fill = v->pos = 0;
}

/* Two passes, oldest to newest: the mean as pivot, then the sums around it. */
void bv_var_anchor(bv_var *v) {
  const int64_t n = v->n;
  if (v->fill < n) return;
  const double base = v->ring[v->pos];
  double s = 0, s1 = 0, s2 = 0;
  for (int64_t i = v->pos; i < n; i++) s += v->ring[i] - base;
  for (int64_t i = 0; i < v->pos; i++) s += v->ring[i] - base;
  v->pivot = base + s * v->inv;
  for (int64_t i = v->pos; i < n; i++) {
    const double d = v->ring[i] - v->pivot;
    s1 += d;
    s2 += d * d;
  }
  for (int64_t i = 0; i < v->pos; i++) {
    const double d = v->ring[i] - v->pivot;
    s1 += d;
    s2 += d * d;
  }
  v->s1 = s1;
  v->s2 = v->peak = s2;
  v->left = 4 * n > REFRESH ? 4 * n : REFRESH;
}

static inline double var_result(double q, int root) {
  const double r = q > 0 ? q : 0;
  return root ? sqrt(r) : r;
}

static double var_now(const bv_var *v) {
  const double m = v->s1 * v->inv;
  return var_result(v->s2 * v->inv - m * m, v->root != 0);
}

/* k bars, none of which wraps the ring or passes the refresh.  `root` is a constant at each call,
** so that each of the two loops is compiled by itself. */
static inline void var_step(bv_var *v, const double *x, int64_t k, double *y, int root) {
  const int64_t n = v->n;
  const double inv = v->inv;
  double p = v->pivot, s1 = v->s1, s2 = v->s2, peak = v->peak;
  double *r = v->ring + v->pos;
  for (int64_t i = 0; i < k; i++) {
    const double a = x[i] - p, b = r[i] - p, d = a - b;
    r[i] = x[i];
    s1 += d;
    s2 += d * (a + b);
    peak = peak > s2 ? peak : s2;
    const double m = s1 * inv, q = s2 * inv - m * m;
    y[i] = var_result(q, root);
    if (m * m > PIVOT_FAR * q || s2 * SHRUNK < peak) {
      const int64_t pos = v->pos, left = v->left;
      v->pos = pos + i + 1 < n ? pos + i + 1 : 0;
      bv_var_anchor(v);
      v->pos = pos;
      v->left = left;
      y[i] = var_now(v);
      p = v->pivot, s1 = v->s1, s2 = v->s2, peak = v->peak;
    }
  }
  v->s1 = s1, v->s2 = s2, v->peak = peak;
  v->pos = v->pos + k < n ? v->pos + k : 0;
  v->left -= k;
  if (v->left == 0) bv_var_anchor(v);
}

void bv_var_clean(bv_var *v, const double *x, int64_t k, double *y) {
  while (k > 0 && v->fill < v->n) {
    v->ring[v->fill++] = *x++;
    *y++ = NAN;
    k--;
    if (v->fill < v->n) continue;
    bv_var_anchor(v);
    y[-1] = var_now(v);
  }
  while (k > 0) {
    int64_t c = v->n - v->pos;
    if (c > k) c = k;
    if (c > v->left) c = v->left;
    if (v->root)
      var_step(v, x, c, y, 1);
    else
      var_step(v, x, c, y, 0);
    x += c, y += c, k -= c;
  }
}

static void var_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_var_clean(state, in[0], k, out[0]);
}

static void var_reset(void *state) {
  bv_var_reset(state);
}

void bv_var_run(bv_var *v, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, var_clean, var_reset};
  bv_split(v, &stage, &x, n, &y);
}

/* ---- extreme ----
**
** Blocks of n values, counted from the last reset.  Cells before pos hold the values of the
** current block, whose greatest is head; cells from pos on hold, of the block before, the greatest
** value from that cell to the block's end (M. van Herk, Pattern Recognition Letters 13, 1992):
**
**      block before        current block
**      [ . . . . s5 s6 s7 ][ v0 v1 v2 v3 ]      n = 7, window after v3 = s5 .. v3
**                                               = max(s5, head)
*/

size_t bv_peak_size(int64_t n) {
  return sizeof(bv_peak) + ((size_t)n + 1) * sizeof(double);
}

void bv_peak_reset(bv_peak *p) {
  p->fill = p->pos = 0;
  p->head = -INFINITY;
}

void bv_peak_init(bv_peak *p, int64_t n, int sign) {
  p->n = n;
  p->sign = sign;
  for (int64_t i = 0; i <= n; i++) p->ring[i] = -INFINITY;
  bv_peak_reset(p);
}

static void peak_end_block(bv_peak *p) {
  double t = -INFINITY;
  for (int64_t i = p->n - 1; i >= 0; i--) {
    if (p->ring[i] > t) t = p->ring[i];
    p->ring[i] = t;
  }
  p->pos = 0;
  p->head = -INFINITY;
}

static void peak_clean(void *state, const double *const *in, int64_t k, double *const *out) {
  bv_peak *p = state;
  const double *x = in[0], sign = p->sign;
  double *y = out[0];
  while (k > 0) {
    const int64_t c = k < p->n - p->pos ? k : p->n - p->pos;
    double head = p->head, *cell = p->ring + p->pos;
    for (int64_t i = 0; i < c; i++) {
      const double v = sign * x[i], s = cell[i + 1];
      cell[i] = v;
      head = head > v ? head : v;
      y[i] = sign * (head > s ? head : s) + 0.0;
    }
    for (int64_t i = 0; i < c && p->fill < p->n - 1; i++, p->fill++) y[i] = NAN;
    p->head = head;
    p->pos += c;
    if (p->pos == p->n) peak_end_block(p);
    x += c, y += c, k -= c;
  }
}

static void peak_reset(void *state) {
  bv_peak_reset(state);
}

void bv_peak_run(bv_peak *p, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, peak_clean, peak_reset};
  bv_split(p, &stage, &x, n, &y);
}

/* ---- age of the extreme: the same blocks, with positions ---- */

size_t bv_peak_age_size(int64_t n) {
  return sizeof(bv_peak_age) + ((size_t)n + 1) * sizeof(bv_peak_cell);
}

void bv_peak_age_reset(bv_peak_age *p) {
  p->seen = p->pos = 0;
  p->head = (bv_peak_cell){-INFINITY, 0};
}

void bv_peak_age_init(bv_peak_age *p, int64_t n, int sign) {
  p->n = n;
  p->sign = sign;
  for (int64_t i = 0; i <= n; i++) p->ring[i] = (bv_peak_cell){-INFINITY, 0};
  bv_peak_age_reset(p);
}

static void peak_age_end_block(bv_peak_age *p) {
  bv_peak_cell t = p->ring[p->n - 1];
  for (int64_t i = p->n - 2; i >= 0; i--) {
    if (p->ring[i].v > t.v) t = p->ring[i];
    p->ring[i] = t;
  }
  p->pos = 0;
  p->head = (bv_peak_cell){-INFINITY, 0};
}

void bv_peak_age_run(bv_peak_age *p, const double *x, int64_t n, double *y) {
  for (int64_t i = 0; i < n; i++, p->seen++) {
    const bv_peak_cell v = {p->sign * x[i], p->seen}, before = p->ring[p->pos + 1];
    if (v.v >= p->head.v) p->head = v;
    p->ring[p->pos] = v;
    y[i] = (double)(p->seen - (p->head.v >= before.v ? p->head.at : before.at));
    if (p->seen + 1 < p->n) y[i] = NAN;
    if (++p->pos == p->n) peak_age_end_block(p);
  }
}

/* ---- lag ---- */

size_t bv_lag_size(int64_t n) {
  return sizeof(bv_lag) + (size_t)n * sizeof(double);
}

void bv_lag_init(bv_lag *l, int64_t n) {
  memset(l, 0, bv_lag_size(n));
  l->n = n;
}

void bv_lag_reset(bv_lag *l) {
  l->fill = l->pos = 0;
}

void bv_lag_clean(bv_lag *l, const double *x, int64_t k, double *y) {
  while (k > 0) {
    const int64_t c = k < l->n - l->pos ? k : l->n - l->pos;
    double *cell = l->ring + l->pos;
    for (int64_t i = 0; i < c; i++) {
      const double v = x[i];
      y[i] = cell[i];
      cell[i] = v;
    }
    for (int64_t i = 0; i < c && l->fill < l->n; i++, l->fill++) y[i] = NAN;
    l->pos = l->pos + c < l->n ? l->pos + c : 0;
    x += c, y += c, k -= c;
  }
}

static void lag_clean(void *state, const double *const *in, int64_t n, double *const *out) {
  bv_lag_clean(state, in[0], n, out[0]);
}

static void lag_reset(void *state) {
  bv_lag_reset(state);
}

void bv_lag_run(bv_lag *l, const double *x, int64_t n, double *y) {
  static const bv_roll_stage stage = {1, 1, lag_clean, lag_reset};
  bv_split(l, &stage, &x, n, &y);
}

/* ---- true range ---- */

void bv_range_run(bv_range *r, const double *high, const double *low, const double *close,
                  int64_t n, double *y) {
  double c = r->close;
  int64_t i = 0;
  if (n > 0 && !r->have) {
    y[i++] = NAN;
    c = close[0];
    r->have = 1;
  }
  for (; i < n; i++) {
    const double h = high[i] > c ? high[i] : c, l = low[i] < c ? low[i] : c;
    y[i] = h - l;
    c = close[i];
  }
  r->close = c;
}
