/*
** roll_cov.c - rolling moments of two columns.
**
** As in roll_window.c the sums are taken around a pivot near each column, and computed again where
** rounding could show: the window has moved away from a pivot, values that dominated a sum have left,
** or many bars have passed.
*/
#include "calc/roll.h"

#define PIVOT_FAR 256.0
#define SHRUNK    64.0
#define REFRESH   1024

size_t bv_cov_size(int64_t n) {
  return sizeof(bv_cov) + 2 * (size_t)n * sizeof(double);
}

void bv_cov_init(bv_cov *v, int64_t n) {
  memset(v, 0, bv_cov_size(n));
  v->n = n;
  v->inv = 1.0 / (double)n;
}

void bv_cov_reset(bv_cov *v) {
  v->fill = v->pos = 0;
}

/* The mean of a ring, oldest first, as the distance from its oldest value. */
static double pivot_of(const double *ring, int64_t n, int64_t pos, double inv) {
  const double base = ring[pos];
  double s = 0;
  for (int64_t i = pos; i < n; i++) s += ring[i] - base;
  for (int64_t i = 0; i < pos; i++) s += ring[i] - base;
  return base + s * inv;
}

static void add(bv_cov *v, double x, double y) {
  const double a = x - v->px, c = y - v->py;
  v->sx += a;
  v->sy += c;
  v->sxx += a * a;
  v->syy += c * c;
  v->sxy += a * c;
}

void bv_cov_anchor(bv_cov *v) {
  const int64_t n = v->n;
  const double *x = v->ring, *y = v->ring + n;
  if (v->fill < n) return;
  v->px = pivot_of(x, n, v->pos, v->inv);
  v->py = pivot_of(y, n, v->pos, v->inv);
  v->sx = v->sy = v->sxx = v->syy = v->sxy = 0;
  for (int64_t i = v->pos; i < n; i++) add(v, x[i], y[i]);
  for (int64_t i = 0; i < v->pos; i++) add(v, x[i], y[i]);
  v->xpeak = v->sxx;
  v->ypeak = v->syy;
  v->left = 4 * n > REFRESH ? 4 * n : REFRESH;
}

static bv_moments moments(const bv_cov *v) {
  const double mx = v->sx * v->inv, my = v->sy * v->inv;
  bv_moments m = {v->sxx * v->inv - mx * mx, v->syy * v->inv - my * my, v->sxy * v->inv - mx * my};
  if (m.xx < 0) m.xx = 0;
  if (m.yy < 0) m.yy = 0;
  return m;
}

/* Put the bar in place of the oldest. */
static int replace(bv_cov *v, double x, double y) {
  double *rx = v->ring + v->pos, *ry = v->ring + v->n + v->pos;
  const double a = x - v->px, b = *rx - v->px, c = y - v->py, d = *ry - v->py;
  *rx = x;
  *ry = y;
  v->pos = v->pos + 1 < v->n ? v->pos + 1 : 0;
  v->sx += a - b;
  v->sy += c - d;
  v->sxx += (a - b) * (a + b);
  v->syy += (c - d) * (c + d);
  v->sxy += a * c - b * d;
  v->xpeak = v->xpeak > v->sxx ? v->xpeak : v->sxx;
  v->ypeak = v->ypeak > v->syy ? v->ypeak : v->syy;
  return --v->left == 0 || v->sxx * SHRUNK < v->xpeak || v->syy * SHRUNK < v->ypeak;
}

int bv_cov_step(bv_cov *v, double x, double y, bv_moments *out) {
  if (v->fill < v->n) {
    v->ring[v->fill] = x;
    v->ring[v->n + v->fill++] = y;
    if (v->fill < v->n) return 0;
    bv_cov_anchor(v);
    *out = moments(v);
    return 1;
  }
  int stale = replace(v, x, y);
  const double mx = v->sx * v->inv, my = v->sy * v->inv;
  *out = moments(v);
  stale |= mx * mx > PIVOT_FAR * out->xx || my * my > PIVOT_FAR * out->yy;
  if (stale) {
    bv_cov_anchor(v);
    *out = moments(v);
  }
  return 1;
}
