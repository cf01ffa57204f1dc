/*
** roll.h - building blocks of the indicators: rolling statistics over a ring in the state.
**
** A block is a struct with its ring behind it, size() bytes long, without pointers.  Every block is
** fed the next n values and writes n results, NaN until it is full.  Blocks can be chained: the NaN
** that one block writes while it warms up is skipped by the next.
**
** Input that is not usable (bv_usable) empties a windowed block and is skipped by a recursive one;
** the result at that bar is NaN.  Results must not overlap the input.
**
** Sums are kept as an unevaluated pair of doubles (Knuth's two-sum: D. Knuth, The Art of Computer
** Programming 2, 4.2.2, theorem B), which holds sums of prices exactly: what was added is taken
** away without a trace, and a window of equal values has exactly that value as its mean.  How a run of
** bars is summed without waiting for each bar is in fold.h.
*/
#ifndef BV_CALC_ROLL_H
#define BV_CALC_ROLL_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "two-sum needs operations that round to double");

/* A clean run passed on by bv_split is never longer than this: the size of scratch arrays. */
#define BV_RUN_MAX 512

typedef struct bv_dd {
  double hi, lo;
} bv_dd;

static inline void bv_dd_add(bv_dd *s, double x) {
  const double t = s->hi + x, z = t - s->hi;
  s->lo += (s->hi - (t - z)) + (x - z);
  s->hi = t;
}

/* s += i * x without rounding of the product: x is cut into 26 and 27 bits, i is below 2^26. */
static inline void bv_dd_add_times(bv_dd *s, double i, double x) {
  uint64_t bits;
  double top;
  memcpy(&bits, &x, sizeof bits);
  bits &= ~(((uint64_t)1 << 27) - 1);
  memcpy(&top, &bits, sizeof top);
  bv_dd_add(s, i * top);
  bv_dd_add(s, i * (x - top));
}

/* s / den, rounded once (to 2^-11 ulp): den is a whole number below 2^40, inv = 1 / den.  The first
** quotient keeps 13 bits, so its product with den and the remainder are exact. */
static inline double bv_dd_div(bv_dd s, double den, double inv) {
  uint64_t bits;
  double q = s.hi * inv;
  memcpy(&bits, &q, sizeof bits);
  bits &= ~(((uint64_t)1 << 40) - 1);
  memcpy(&q, &bits, sizeof q);
  return q + ((s.hi - q * den) + s.lo) * inv;
}

/* The greatest and the least nonzero size of values (fold.h). */
typedef struct bv_bounds {
  double most, least;
} bv_bounds;

/* How many values from x[0] on are numbers no larger than BV_IND_HUGE, at most n. */
int64_t bv_usable(const double *x, int64_t n);

/* One stage of an indicator: n bars without an unusable input. */
typedef struct bv_roll_stage {
  int nin, nout;
  void (*clean)(void *state, const double *const *in, int64_t n, double *const *out);
  void (*reset)(void *state); /* windowed: forget all bars; NULL: skip the bar */
} bv_roll_stage;

/* Cut n bars into clean runs of at most BV_RUN_MAX bars for stage->clean; a bar with an unusable
** input gets NaN in every output and stage->reset.  At most BV_SPLIT_MAX inputs and outputs. */
#define BV_SPLIT_MAX 7
void bv_split(void *state, const bv_roll_stage *stage, const double *const *in, int64_t n,
              double *const *out);

/* Mean or sum of the last n, one of them throughout. */
typedef struct bv_mean {
  int64_t n, fill, pos;
  double inv;
  bv_dd sum;
  bv_bounds bounds; /* of the values in the ring, and of others before them */
  double ring[];
} bv_mean;

size_t bv_mean_size(int64_t n);
void bv_mean_init(bv_mean *m, int64_t n);
void bv_mean_reset(bv_mean *m);
void bv_mean_anchor(bv_mean *m);
void bv_mean_run(bv_mean *m, const double *x, int64_t n, double *y);
void bv_sum_run(bv_mean *m, const double *x, int64_t n, double *y);
/* Clean input only, a run of it (called below bv_split). */
void bv_mean_clean(bv_mean *m, const double *x, int64_t n, double *y);
void bv_sum_clean(bv_mean *m, const double *x, int64_t n, double *y);

/* Weighted mean of the last n: the newest counts n times, the oldest once. */
typedef struct bv_wmean {
  int64_t n, fill, pos;
  double den, inv;
  bv_dd sum, wsum; /* sum of x, sum of weight * x */
  bv_bounds bounds;
  double ring[];
} bv_wmean;

size_t bv_wmean_size(int64_t n);
void bv_wmean_init(bv_wmean *m, int64_t n);
void bv_wmean_reset(bv_wmean *m);
void bv_wmean_anchor(bv_wmean *m);
void bv_wmean_run(bv_wmean *m, const double *x, int64_t n, double *y);

/* Least-squares line through the last n at abscissas 0..n-1 (n > 1): its slope and its mean. */
void bv_line_run(bv_wmean *m, const double *x, int64_t n, double *slope, double *mean);

/* Population variance of the last n (root 0) or its square root (root 1), around a pivot near the
** window (see roll_window.c). */
typedef struct bv_var {
  int64_t n, fill, pos, left, root;
  double inv, pivot, s1, s2, peak;
  double ring[];
} bv_var;

size_t bv_var_size(int64_t n);
void bv_var_init(bv_var *v, int64_t n, int root);
void bv_var_reset(bv_var *v);
void bv_var_anchor(bv_var *v);
void bv_var_run(bv_var *v, const double *x, int64_t n, double *y);
void bv_var_clean(bv_var *v, const double *x, int64_t n, double *y); /* as bv_mean_clean */

/* Sums of two columns of the last n around a pivot each, for their covariance; the same care as with
** bv_var.  The first ring is followed by the second. */
typedef struct bv_cov {
  int64_t n, fill, pos, left;
  double inv, px, py, sx, sy, sxx, syy, sxy, xpeak, ypeak;
  double ring[]; /* 2 n */
} bv_cov;

/* Population moments; a column of equal values has exactly 0. */
typedef struct bv_moments {
  double xx, yy, xy;
} bv_moments;

size_t bv_cov_size(int64_t n);
void bv_cov_init(bv_cov *v, int64_t n);
void bv_cov_reset(bv_cov *v);
void bv_cov_anchor(bv_cov *v);
/* One clean bar; false while the window is not full. */
int bv_cov_step(bv_cov *v, double x, double y, bv_moments *out);

/* Greatest (sign 1) or least (sign -1) of the last n.  Exact, so there is nothing to anchor; a zero
** is always +0. */
typedef struct bv_peak {
  int64_t n, fill, pos;
  double sign, head;
  double ring[]; /* n + 1 */
} bv_peak;

size_t bv_peak_size(int64_t n);
void bv_peak_init(bv_peak *p, int64_t n, int sign);
void bv_peak_reset(bv_peak *p);
void bv_peak_run(bv_peak *p, const double *x, int64_t n, double *y);

/* How many bars ago the greatest (sign 1) or least (sign -1) of the last n stands; of equal ones the
** newest counts. */
typedef struct bv_peak_cell {
  double v;
  int64_t at;
} bv_peak_cell;

typedef struct bv_peak_age {
  int64_t n, seen, pos;
  double sign;
  bv_peak_cell head;
  bv_peak_cell ring[]; /* n + 1 */
} bv_peak_age;

size_t bv_peak_age_size(int64_t n);
void bv_peak_age_init(bv_peak_age *p, int64_t n, int sign);
void bv_peak_age_reset(bv_peak_age *p);
/* Clean input only (called below bv_split). */
void bv_peak_age_run(bv_peak_age *p, const double *x, int64_t n, double *y);

/* The value n bars ago. */
typedef struct bv_lag {
  int64_t n, fill, pos;
  double ring[];
} bv_lag;

size_t bv_lag_size(int64_t n);
void bv_lag_init(bv_lag *l, int64_t n);
void bv_lag_reset(bv_lag *l);
void bv_lag_run(bv_lag *l, const double *x, int64_t n, double *y);
/* Clean input only, a run of any length. */
void bv_lag_clean(bv_lag *l, const double *x, int64_t n, double *y);

/* Recursive: e += (x - e) * k, starting with the mean of the first n, after leaving out `skip`
** values.  The first result stands at index skip + n - 1. */
typedef struct bv_smooth {
  int64_t n, fill;
  double k, e;
  bv_dd seed;
} bv_smooth;

void bv_smooth_init(bv_smooth *s, int64_t n, double k, int64_t skip);
void bv_smooth_run(bv_smooth *s, const double *x, int64_t n, double *y);

/* One value; false while there is no result.  For a chain of averages inside a clean run. */
static inline int bv_smooth_step(bv_smooth *s, double x, double *y) {
  if (s->fill >= s->n) {
    *y = s->e += (x - s->e) * s->k;
    return 1;
  }
  if (s->fill++ < 0) return 0;
  bv_dd_add(&s->seed, x);
  if (s->fill < s->n) return 0;
  *y = s->e = bv_dd_div(s->seed, (double)s->n, 1.0 / (double)s->n);
  return 1;
}

/* k of an exponential average of n bars, and of Wilder's. */
static inline double bv_ema_k(int64_t n) {
  return 2.0 / ((double)n + 1.0);
}
static inline double bv_rma_k(int64_t n) {
  return 1.0 / (double)n;
}

/* max(high, previous close) - min(low, previous close), NaN at the first bar. */
typedef struct bv_range {
  int64_t have;
  double close;
} bv_range;

/* Clean input only (called below bv_split). */
void bv_range_run(bv_range *r, const double *high, const double *low, const double *close,
                  int64_t n, double *y);

/* The last `cap` clean bars of a chain of blocks.  The rings further down a chain hold results that
** were rounded on the way; an anchor plays the bars through the emptied chain once more. */
typedef struct bv_tape {
  int64_t cap, nin, fill, pos;
  double v[];
} bv_tape;

size_t bv_tape_size(int64_t cap, int nin);
void bv_tape_init(bv_tape *t, int64_t cap, int nin);
void bv_tape_reset(bv_tape *t);
void bv_tape_push(bv_tape *t, const double *const *in, int64_t n);

/* Call chain->reset and then chain->clean on the bars kept, results thrown away. */
void bv_tape_play(const bv_tape *t, void *state, const bv_roll_stage *chain);

#endif
