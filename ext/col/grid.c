/*
** grid.c - the integers of a block: which decimal grid its prices lie on.
**
** A block's tick is g / 10^s.  It is guessed from a sample and then proved value by value: a value
** is on the grid only where the decoder's own arithmetic gives back its identical bits.  Values that
** fail are either patched or lead to a finer grid, whichever is estimated to be smaller.  Blocks of
** which most values lie on no grid are coded by their bits.
*/
#include "col/codec.h"
#include "base/bits.h"
#include "col/enckern.h"
#include "col/simd.h"

#include <string.h>

enum { SAMPLE = 32 };

/* What storing one value outside the grid costs, in bits: gap, run length and the double itself. */
#define PATCH_BITS 80.0
/* log2(10) */
#define BITS_PER_DIGIT 3.3219

typedef struct grid {
  int scale;
  int64_t g;
} grid;

static int64_t gcd(int64_t a, int64_t b) {
  uint64_t x = a < 0 ? (uint64_t)-a : (uint64_t)a, y = b < 0 ? (uint64_t)-b : (uint64_t)b;
  while (y) {
    uint64_t t = x % y;
    x = y;
    y = t;
  }
  return (int64_t)x;
}

/* Bits a value takes more on this grid than on whole numbers. */
static double grid_bits(grid q) {
  return q.scale * BITS_PER_DIGIT - (double)(63 - __builtin_clzll((uint64_t)q.g));
}

/* The coarsest grid of a few values, leaving out those it is cheaper to patch; *off counts them. */
static grid grid_of_sample(const double *x, size_t n, size_t *off) {
  grid best = {0, 1};
  double best_cost = 1e300;
  *off = n;
  for (int s = 0; s <= BV_SCALE_MAX; s++) {
    const double p = bv_pow10(s);
    size_t fail = 0;
    int64_t k, g = 0;
    for (size_t i = 0; i < n; i++)
      if (bv_enckern_place1(x[i], 1.0, p, p, &k))
        fail++;
      else if (g != 1)
        g = gcd(k, g);
    if (fail == n) continue;
    const grid q = {s, g ? g : 1};
    const double cost = (double)fail * PATCH_BITS + (double)n * grid_bits(q);
    if (cost < best_cost) {
      best_cost = cost;
      best = q;
      *off = fail;
    }
    if (fail == 0) break;
  }
  return best;
}

/* The values of a sample spread over the block, without NaN. */
static size_t take_sample(const double *x, size_t n, double out[SAMPLE]) {
  size_t m = 0;
  const size_t step = n / SAMPLE + 1;
  for (size_t i = 0; i < n && m < SAMPLE; i += step)
    if (x[i] == x[i]) out[m++] = x[i];
  for (size_t i = 0; i < n && m < SAMPLE / 4; i++)
    if (x[i] == x[i]) out[m++] = x[i];
  return m;
}

/* Integers and patches of a block on a grid; returns the patches. */
static size_t apply_grid(const double *x, size_t n, grid q, int64_t *k, uint8_t *patch) {
  const double g = (double)q.g, p = bv_pow10(q.scale), inv = p / g;
  size_t bad = 0;
  if (bv_enckern_now()->place(x, n, g, p, inv, k) == 0) {
    memset(patch, 0, n);
    return 0;
  }
  for (size_t i = 0; i < n; i++) {
    patch[i] = bv_enckern_place1(x[i], g, p, inv, k + i) != 0;
    bad += patch[i];
  }
  return bad;
}

/* The grid refined until it also holds the patched values that lie on any grid. */
static grid refine(const double *x, const uint8_t *patch, size_t n, grid q) {
  for (size_t i = 0; i < n; i++) {
    if (!patch[i] || x[i] != x[i]) continue;
    for (int s = 0; s <= BV_SCALE_MAX; s++) {
      const double p = bv_pow10(s);
      int64_t k;
      if (bv_enckern_place1(x[i], 1.0, p, p, &k)) continue;
      const int top = s > q.scale ? s : q.scale;
      const double old_g = (double)q.g * bv_pow10(top - q.scale);
      const double new_k = (double)k * bv_pow10(top - s);
      if (old_g < 9e15 && __builtin_fabs(new_k) < 9e15)
        q = (grid){top, gcd((int64_t)old_g, (int64_t)new_k)};
      break;
    }
  }
  return q;
}

static size_t count_nan(const double *x, size_t n) {
  size_t c = 0;
  for (size_t i = 0; i < n; i++) c += x[i] != x[i];
  return c;
}

/* A patch repeats the integer before it, a leading one the first that is none. */
static void fill_patches(size_t n, const uint8_t *patch, int64_t *k, int64_t *first) {
  size_t i = 0;
  while (i < n && patch[i]) i++;
  *first = i < n ? k[i] : 0;
  int64_t last = *first;
  for (i = 0; i < n; i++) {
    if (patch[i]) k[i] = last;
    last = k[i];
  }
}

/* The block by the bits of its doubles; only NaN are patched. */
static size_t quantise_bits(const double *x, size_t n, bv_model *m, int64_t *k, uint8_t *patch) {
  uint64_t all = 0;
  for (size_t i = 0; i < n; i++) all |= x[i] == x[i] ? bv_bits_of(x[i]) : 0;
  m->codec = BV_CODEC_BITS;
  m->scale = 0;
  m->g = 1;
  m->shift = all ? __builtin_ctzll(all) : 0;
  return bv_codec_apply(x, n, m, k, patch);
}

size_t bv_codec_apply(const double *x, size_t n, bv_model *m, int64_t *k, uint8_t *patch) {
  size_t bad = 0;
  if (m->codec == BV_CODEC_TICK) {
    bad = apply_grid(x, n, (grid){m->scale, m->g}, k, patch);
  } else {
    for (size_t i = 0; i < n; i++) {
      patch[i] = x[i] != x[i];
      bad += patch[i];
      k[i] = (int64_t)(bv_bits_of(x[i]) >> m->shift);
    }
  }
  m->first = n > 0 ? k[0] : 0;
  if (bad > 0) fill_patches(n, patch, k, &m->first);
  return bad;
}

bool bv_codec_guess(const double *x, size_t n, bv_model *m) {
  double sample[SAMPLE];
  const size_t have = take_sample(x, n, sample);
  size_t off = 0;
  if (have == 0) return false;
  const grid q = grid_of_sample(sample, have, &off);
  *m = (bv_model){.codec = BV_CODEC_TICK, .scale = q.scale, .g = q.g};
  return off == 0;
}

size_t bv_codec_quantise(const double *x, size_t n, bv_model *m, int64_t *k, uint8_t *patch) {
  double sample[SAMPLE];
  const size_t have = take_sample(x, n, sample);
  size_t off = 0;
  grid q = {0, 1};
  if (have > 0) q = grid_of_sample(sample, have, &off);
  if (off * 2 > have) return quantise_bits(x, n, m, k, patch);

  m->codec = BV_CODEC_TICK;
  m->shift = 0;
  m->scale = q.scale;
  m->g = q.g;
  const size_t bad = bv_codec_apply(x, n, m, k, patch), nan = bad ? count_nan(x, n) : 0;
  if (bad == nan) return bad;

  const grid fine = refine(x, patch, n, q);
  m->scale = fine.scale;
  m->g = fine.g;
  size_t best = bv_codec_apply(x, n, m, k, patch);
  const double cost = (double)bad * PATCH_BITS + (double)n * grid_bits(q);
  if ((double)best * PATCH_BITS + (double)n * grid_bits(fine) >= cost) {
    m->scale = q.scale;
    m->g = q.g;
    best = bv_codec_apply(x, n, m, k, patch);
  }
  return (best - nan) * 2 > n - nan ? quantise_bits(x, n, m, k, patch) : best;
}

void bv_codec_quantise_time(const int64_t *ts, size_t n, bv_model *m) {
  uint64_t g = 0, last = 0;
  for (size_t i = 1; i < n; i++) {
    const int64_t d = (int64_t)((uint64_t)ts[i] - (uint64_t)ts[i - 1]);
    uint64_t a = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    if (a == last || g == 1) continue;
    last = a;
    while (a) {
      const uint64_t t = g % a;
      g = a;
      a = t;
    }
  }
  m->codec = BV_CODEC_TIME;
  m->scale = 0;
  m->shift = 0;
  m->g = g == 0 || g > INT64_MAX ? 1 : (int64_t)g;
  m->first = n > 0 ? ts[0] : 0;
  m->delta = n > 1 ? (int64_t)((uint64_t)ts[1] - (uint64_t)ts[0]) / m->g : 0;
}
