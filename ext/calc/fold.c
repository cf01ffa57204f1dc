/*
** fold.c - passes over arrays of bars, BV_LANES at a time.
*/
#include "calc/fold.h"

#include "calc/lanes.h"

_Static_assert(BV_LANES <= BV_FOLD_SPARE, "scratch arrays have room for a whole lane behind");

/* Whether all values are within the bounds. */
static bool within(const bv_bounds *b, const double *x, int64_t k) {
  const bv_lane most = bv_lane_all(b->most), least = bv_lane_all(b->least);
  bv_lanei ok = ~(bv_lanei){0};
  int64_t i = 0;
  for (; i + 2 * BV_LANES <= k; i += 2 * BV_LANES) {
    const bv_lane v = bv_lane_abs(bv_lane_load(x + i));
    const bv_lane w = bv_lane_abs(bv_lane_load(x + i + BV_LANES));
    ok &= (v <= most) & ((v >= least) | (v == 0)) & (w <= most) & ((w >= least) | (w == 0));
  }
  bool in = bv_lane_every(ok);
  for (; i < k; i++) in &= fabs(x[i]) <= b->most && (fabs(x[i]) >= b->least || x[i] == 0);
  return in;
}

/* A factor of two to spare on both sides, so that a slow walk does not often leave them. */
void bv_bounds_add(bv_bounds *b, const double *x, int64_t k) {
  if (within(b, x, k)) return;
  for (int64_t i = 0; i < k; i++) {
    const double v = fabs(x[i]);
    if (v > b->most) b->most = 2 * v;
    if (v != 0 && v < b->least) b->least = v / 2;
  }
}

bool bv_fold_fit(const bv_bounds *b, double weight, double *cut) {
  int e = 0;
  (void)frexp(weight * b->most, &e); /* weight * most < 2^e */
  const double grid = ldexp(1, e - 51);
  *cut = grid * 0x1.8p52;
  return weight * grid <= 2 * b->least;
}

void bv_fold_cut(const double *x, int64_t k, double cut, bv_folds *f) {
  const bv_lane c = bv_lane_all(cut);
  for (int64_t i = 0; i < k; i += BV_LANES) {
    const bv_lane v = bv_lane_load(x + i), top = (v + c) - c;
    bv_lane_store(f->q + i, top);
    bv_lane_store(f->r + i, v - top);
  }
}

void bv_fold_roll(const bv_folds *x, int64_t enter, int64_t k, bv_folds *sum) {
  bv_lane q = bv_lane_all(sum->q[0]), r = bv_lane_all(sum->r[0]);
  for (int64_t i = 0; i < k; i += BV_LANES) {
    q += bv_lane_prefix(bv_lane_load(x->q + enter + i) - bv_lane_load(x->q + i));
    r += bv_lane_prefix(bv_lane_load(x->r + enter + i) - bv_lane_load(x->r + i));
    bv_lane_store(sum->q + 1 + i, q);
    bv_lane_store(sum->r + 1 + i, r);
    q = bv_lane_last(q);
    r = bv_lane_last(r);
  }
}

void bv_fold_weigh(const bv_folds *x, int64_t enter, const bv_folds *sum, int64_t k, double n,
                   bv_folds *wsum) {
  const bv_lane f = bv_lane_all(n);
  bv_lane q = bv_lane_all(wsum->q[0]), r = bv_lane_all(wsum->r[0]);
  for (int64_t i = 0; i < k; i += BV_LANES) {
    q += bv_lane_prefix(f * bv_lane_load(x->q + enter + i) - bv_lane_load(sum->q + i));
    r += bv_lane_prefix(f * bv_lane_load(x->r + enter + i) - bv_lane_load(sum->r + i));
    bv_lane_store(wsum->q + 1 + i, q);
    bv_lane_store(wsum->r + 1 + i, r);
    q = bv_lane_last(q);
    r = bv_lane_last(r);
  }
}

/* The last lanes of a caller's array, which has no room behind. */
static void store_some(double *y, bv_lane v, int64_t k) {
  double some[BV_LANES];
  bv_lane_store(some, v);
  memcpy(y, some, (size_t)(k < BV_LANES ? k : BV_LANES) * sizeof *y);
}

void bv_fold_mean(const double *q, const double *r, int64_t k, double den, double inv, double *y) {
  const bv_lane d = bv_lane_all(den), i1 = bv_lane_all(inv);
  const int64_t keep = ~(((int64_t)1 << 40) - 1);
  for (int64_t i = 0; i < k; i += BV_LANES) {
    const bv_lane a = bv_lane_load(q + i), b = bv_lane_load(r + i), h = a + b, z = h - a;
    const bv_lane l = (a - (h - z)) + (b - z), t = (bv_lane)((bv_lanei)(h * i1) & keep);
    const bv_lane v = t + ((h - t * d) + l) * i1;
    if (i + BV_LANES <= k) {
      bv_lane_store(y + i, v);
    } else {
      store_some(y + i, v, k - i);
    }
  }
}

void bv_fold_slope(const bv_folds *s, const bv_folds *w, int64_t k, double n, double scale,
                   double *y) {
  const bv_lane m = bv_lane_all(n + 1), f = bv_lane_all(scale);
  for (int64_t i = 0; i < k; i += BV_LANES) {
    const bv_lane a = bv_lane_load(w->q + 1 + i), b = bv_lane_load(w->r + 1 + i);
    const bv_lane q = (a + a) - m * bv_lane_load(s->q + 1 + i);
    const bv_lane r = (b + b) - m * bv_lane_load(s->r + 1 + i);
    const bv_lane v = (q + r) * f;
    if (i + BV_LANES <= k) {
      bv_lane_store(y + i, v);
    } else {
      store_some(y + i, v, k - i);
    }
  }
}
