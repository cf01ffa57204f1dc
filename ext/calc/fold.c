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

/* ---- passes ---- */

/* A rolling sum in two folds, the same in every lane or after each of the lanes' bars. */
typedef struct pair {
  bv_lane q, r;
} pair;

static inline pair cut_lanes(const double *x, bv_lane cut) {
  const bv_lane v = bv_lane_load(x), q = (v + cut) - cut;
  return (pair){q, v - q};
}

/* Of an exact sum in two parts; and back, of lane i. */
static inline pair begin(bv_dd s, double cut) {
  const double q = (s.hi + cut) - cut;
  return (pair){bv_lane_all(q), bv_lane_all((s.hi - q) + s.lo)};
}

static inline bv_dd end(pair s, int64_t i) {
  double q[BV_LANES], r[BV_LANES];
  bv_lane_store(q, s.q);
  bv_lane_store(r, s.r);
  bv_dd sum = {q[i], 0};
  bv_dd_add(&sum, r[i]);
  return sum;
}

/* The next lanes of bars: the sums after each, from the one before all of them. */
static inline pair roll(const bv_fold *f, int64_t i, bv_lane cut, pair before) {
  const pair old = cut_lanes(f->line + i, cut), new = cut_lanes(f->line + f->enter + i, cut);
  return (pair){before.q + bv_lane_prefix(new.q - old.q), before.r + bv_lane_prefix(new.r - old.r)};
}

/* The same of weighted sums.  What is taken away at a bar is the plain sum before it. */
static inline pair weigh(const bv_fold *f, int64_t i, bv_lane cut, bv_lane n, pair *sum,
                         pair before) {
  const pair old = cut_lanes(f->line + i, cut), new = cut_lanes(f->line + f->enter + i, cut);
  const bv_lane q = new.q - old.q, r = new.r - old.r;
  *sum = (pair){sum->q + bv_lane_prefix(q), sum->r + bv_lane_prefix(r)};
  return (pair){before.q + bv_lane_prefix(n * new.q - (sum->q - q)),
                before.r + bv_lane_prefix(n * new.r - (sum->r - r))};
}

static inline pair carry(pair s) {
  return (pair){bv_lane_last(s.q), bv_lane_last(s.r)};
}

static inline bv_lane quotient(pair s, bv_lane den, bv_lane inv) {
  const int64_t keep = ~(((int64_t)1 << 40) - 1);
  const bv_lane h = s.q + s.r, z = h - s.q, l = (s.q - (h - z)) + (s.r - z);
  const bv_lane t = (bv_lane)((bv_lanei)(h * inv) & keep);
  return t + ((h - t * den) + l) * inv;
}

/* y[i] and those after it, as far as there are. */
static inline void put(double *y, int64_t i, int64_t k, bv_lane v) {
  if (i + BV_LANES <= k) {
    bv_lane_store(y + i, v);
  } else {
    double some[BV_LANES];
    bv_lane_store(some, v);
    memcpy(y + i, some, (size_t)(k - i) * sizeof *y);
  }
}

/* The index in its lane of the last of k bars. */
static inline int64_t last_of(int64_t k) {
  return (k - 1) % BV_LANES;
}

void bv_fold_sums(const bv_fold *f, bv_dd *sum, double *y) {
  const bv_lane cut = bv_lane_all(f->cut);
  pair before = begin(*sum, f->cut), s = before;
  for (int64_t i = 0; i < f->k; i += BV_LANES) {
    s = roll(f, i, cut, before);
    put(y, i, f->k, s.q + s.r);
    before = carry(s);
  }
  if (f->k > 0) *sum = end(s, last_of(f->k));
}

void bv_fold_means(const bv_fold *f, bv_dd *sum, double den, double inv, double *y) {
  const bv_lane cut = bv_lane_all(f->cut), d = bv_lane_all(den), v = bv_lane_all(inv);
  pair before = begin(*sum, f->cut), s = before;
  for (int64_t i = 0; i < f->k; i += BV_LANES) {
    s = roll(f, i, cut, before);
    put(y, i, f->k, quotient(s, d, v));
    before = carry(s);
  }
  if (f->k > 0) *sum = end(s, last_of(f->k));
}

void bv_fold_wmeans(const bv_fold *f, bv_dd *sum, bv_dd *wsum, double n, double den, double inv,
                    double *y) {
  const bv_lane cut = bv_lane_all(f->cut), m = bv_lane_all(n);
  const bv_lane d = bv_lane_all(den), v = bv_lane_all(inv);
  pair s = begin(*sum, f->cut), w = begin(*wsum, f->cut), s_now = s, w_now = w;
  for (int64_t i = 0; i < f->k; i += BV_LANES) {
    s_now = s;
    w_now = weigh(f, i, cut, m, &s_now, w);
    put(y, i, f->k, quotient(w_now, d, v));
    s = carry(s_now);
    w = carry(w_now);
  }
  if (f->k == 0) return;
  *sum = end(s_now, last_of(f->k));
  *wsum = end(w_now, last_of(f->k));
}

void bv_fold_lines(const bv_fold *f, bv_dd *sum, bv_dd *wsum, double n, double scale, double *y,
                   double *mean) {
  const bv_lane cut = bv_lane_all(f->cut), m = bv_lane_all(n), m1 = bv_lane_all(n + 1);
  const bv_lane v = bv_lane_all(1 / n), c = bv_lane_all(scale);
  pair s = begin(*sum, f->cut), w = begin(*wsum, f->cut), s_now = s, w_now = w;
  for (int64_t i = 0; i < f->k; i += BV_LANES) {
    s_now = s;
    w_now = weigh(f, i, cut, m, &s_now, w);
    const bv_lane q = (w_now.q + w_now.q) - m1 * s_now.q, r = (w_now.r + w_now.r) - m1 * s_now.r;
    put(y, i, f->k, (q + r) * c);
    put(mean, i, f->k, quotient(s_now, m, v));
    s = carry(s_now);
    w = carry(w_now);
  }
  if (f->k == 0) return;
  *sum = end(s_now, last_of(f->k));
  *wsum = end(w_now, last_of(f->k));
}
