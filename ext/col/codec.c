/*
** codec.c - integers of a block and its residuals, and the way back.
**
** Decoding runs as a few short passes over a block that stays in the first-level cache: residuals to
** signed integers, prediction + residual as doubles that hold integers, integers to prices.  Passes
** go in chunks of BV_CHUNK values and are instantiated per instruction set.  Everything is IEEE double arithmetic in a fixed
** order without contraction, so all instances give the same bits.
**
** The choice of a grid lives in grid.c.
*/
#include "col/codec.h"
#include "base/bits.h"
#include "col/enckern.h"
#include "col/simd.h"

#include <assert.h>
#include <float.h>
#include <string.h>

/* Adding 1.5 * 2^52 rounds a double below 2^51 to an integer and leaves that integer in the low
** bits. */
#define ROUNDER      6755399441055744.0
#define ROUNDER_BITS UINT64_C(0x4338000000000000)
/* The bits of BV_TICK_LIMIT as a double. */
#define TICK_LIMIT_BITS ((uint64_t)(1023 + 50) << 52)
_Static_assert(sizeof(double) == 8, "IEEE doubles");
_Static_assert(FLT_EVAL_METHOD == 0, "doubles must not be computed in wider registers");

unsigned bv_pred_needs(bv_pred pred) {
  static const unsigned need[BV_PRED_COUNT] = {
      [BV_PRED_PREV_CLOSE] = BV_COLBIT(BV_COL_CLOSE),
      [BV_PRED_CLOSE] = BV_COLBIT(BV_COL_CLOSE),
      [BV_PRED_MAX_OC] = BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE),
      [BV_PRED_MIN_OC] = BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE),
  };
  return need[pred];
}

double bv_pow10(int s) {
  static const double pow10[BV_SCALE_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
  assert(s >= 0 && s <= BV_SCALE_MAX);
  return pow10[s];
}

double bv_tick_value(const bv_model *m, int64_t k) {
  return (double)k * (double)m->g / bv_pow10(m->scale);
}

BV_INLINE unsigned bit_length(uint64_t u) {
  return 64u - (unsigned)__builtin_clzll(u | 1);
}

/* q(x) of the header, as a double.  The range test works on the bits, which order as the magnitudes
** do, because compilers do not vectorise a selection by a floating-point comparison. */
BV_INLINE double quant(double x, double inv) {
  const uint64_t b = bv_bits_of(x * inv), magnitude = b & (UINT64_MAX >> 1);
  const double t = bv_of_bits(b & (0 - ((magnitude - TICK_LIMIT_BITS) >> 63)));
  return (t + ROUNDER) - ROUNDER;
}

BV_INLINE double larger(double a, double b) {
  return a > b ? a : b;
}
BV_INLINE double smaller(double a, double b) {
  return a < b ? a : b;
}

/* ---- decoding kernels ---- */

/* Signed residuals in place; n is rounded up to whole chunks, the buffer is that long. */
BV_INLINE void unzigzag32_any(uint32_t *restrict u, size_t n) {
  for (size_t at = 0; at < n; at += BV_CHUNK)
    for (size_t j = 0; j < BV_CHUNK; j++) u[at + j] = (u[at + j] >> 1) ^ (0 - (u[at + j] & 1));
}

BV_INLINE void none_any(const int32_t *restrict r, size_t n, double ref, double *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = (double)r[i] + ref);
}

BV_INLINE void one_any(const int32_t *restrict r, size_t n, double ref, double inv,
                       const double *restrict x, double *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = quant(x[i], inv) + ((double)r[i] + ref));
}

BV_INLINE void max_any(const int32_t *restrict r, size_t n, double ref, double inv,
                       const double *restrict x, const double *restrict y, double *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = larger(quant(x[i], inv), quant(y[i], inv)) + ((double)r[i] + ref));
}

BV_INLINE void min_any(const int32_t *restrict r, size_t n, double ref, double inv,
                       const double *restrict x, const double *restrict y, double *restrict out) {
  BV_FOR_CHUNKS(n, out[i] = smaller(quant(x[i], inv), quant(y[i], inv)) - ((double)r[i] + ref));
}

/* Running sum from the integer `k` before; integers below 2^51 become doubles by their bit pattern, one pass
** later.  Returns the last integer. */
BV_INLINE int64_t prev_any(const int32_t *restrict r, size_t n, int64_t k, int64_t ref,
                           double *restrict out) {
  uint64_t sum = (uint64_t)k + ROUNDER_BITS;
  for (size_t i = 0; i < n; i++) {
    sum += (uint64_t)((int64_t)r[i] + ref);
    out[i] = bv_of_bits(sum);
  }
  BV_FOR_CHUNKS(n, out[i] = out[i] - ROUNDER);
  return (int64_t)(sum - ROUNDER_BITS);
}

BV_INLINE void scale_any(double *restrict out, size_t n, double g, double p) {
  if (p == 1.0) {
    if (g != 1.0) BV_FOR_CHUNKS(n, out[i] = out[i] * g);
  } else {
    BV_FOR_CHUNKS(n, out[i] = out[i] * g / p);
  }
}

typedef struct kernels {
  void (*unzigzag32)(uint32_t *u, size_t n);
  void (*none)(const int32_t *r, size_t n, double ref, double *out);
  int64_t (*prev)(const int32_t *r, size_t n, int64_t k, int64_t ref, double *out);
  void (*one)(const int32_t *r, size_t n, double ref, double inv, const double *x, double *out);
  void (*max)(const int32_t *r, size_t n, double ref, double inv, const double *x, const double *y,
              double *out);
  void (*min)(const int32_t *r, size_t n, double ref, double inv, const double *x, const double *y,
              double *out);
  void (*scale)(double *out, size_t n, double g, double p);
} kernels;

#define KERNELS(suffix, target)                                                                    \
  target static void unzigzag32_##suffix(uint32_t *u, size_t n) {                                  \
    unzigzag32_any(u, n);                                                                          \
  }                                                                                                \
  target static void none_##suffix(const int32_t *r, size_t n, double ref, double *out) {          \
    none_any(r, n, ref, out);                                                                      \
  }                                                                                                \
  target static int64_t prev_##suffix(const int32_t *r, size_t n, int64_t k, int64_t ref,          \
                                      double *out) {                                               \
    return prev_any(r, n, k, ref, out);                                                            \
  }                                                                                                \
  target static void one_##suffix(const int32_t *r, size_t n, double ref, double inv,              \
                                  const double *x, double *out) {                                  \
    one_any(r, n, ref, inv, x, out);                                                               \
  }                                                                                                \
  target static void max_##suffix(const int32_t *r, size_t n, double ref, double inv,              \
                                  const double *x, const double *y, double *out) {                 \
    max_any(r, n, ref, inv, x, y, out);                                                            \
  }                                                                                                \
  target static void min_##suffix(const int32_t *r, size_t n, double ref, double inv,              \
                                  const double *x, const double *y, double *out) {                 \
    min_any(r, n, ref, inv, x, y, out);                                                            \
  }                                                                                                \
  target static void scale_##suffix(double *out, size_t n, double g, double p) {                   \
    scale_any(out, n, g, p);                                                                       \
  }                                                                                                \
  static const kernels kernels_##suffix = {unzigzag32_##suffix, none_##suffix, prev_##suffix,      \
                                           one_##suffix,        max_##suffix,  min_##suffix,       \
                                           scale_##suffix};

KERNELS(plain, )
#ifdef BV_X86
KERNELS(avx2, BV_TARGET_AVX2)
KERNELS(avx512, BV_TARGET_AVX512)
#endif

static const kernels *kernels_now(void) {
#ifdef BV_X86
  switch (bv_simd_level()) {
  case BV_SIMD_AVX512: return &kernels_avx512;
  case BV_SIMD_AVX2: return &kernels_avx2;
  default: break;
  }
#endif
  return &kernels_plain;
}

/* ---- decoding ---- */

/* The values a one-column prediction starts from, aligned with the block: x[i] predicts bar i.  The
** first bar of a segment has no close before it and takes its own; it is then not in *x. */
static const double *one_source(const bv_model *m, const bv_deps *d) {
  return m->pred == BV_PRED_CLOSE ? d->close + d->at : d->close + d->at - 1;
}

/* The integer before a piece whose first residual is r: a block's first integer is stored, its residual says
** nothing. */
static int64_t integer_before(const bv_model *m, const bv_carry *carry, int64_t r) {
  return carry->begun ? carry->k : (int64_t)((uint64_t)m->first - (uint64_t)r);
}

void bv_codec_restore32(const bv_model *m, bv_carry *carry, uint32_t *u, size_t n,
                        const bv_deps *deps, double *out) {
  assert(m->codec == BV_CODEC_TICK);
  const kernels *k = kernels_now();
  const double p = bv_pow10(m->scale), g = (double)m->g, inv = p / g;
  const double ref = (double)(int64_t)m->ref;
  if (n == 0) return;
  if (m->zigzag) k->unzigzag32(u, n);
  const int32_t *r = (const int32_t *)u;

  switch (m->pred) {
  case BV_PRED_NONE: k->none(r, n, ref, out); break;
  case BV_PRED_PREV:
    carry->k = integer_before(m, carry, (int64_t)((uint64_t)r[0] + m->ref));
    carry->k = k->prev(r, n, carry->k, (int64_t)m->ref, out);
    break;
  case BV_PRED_PREV_CLOSE:
  case BV_PRED_CLOSE:
    if (m->pred == BV_PRED_PREV_CLOSE && deps->at == 0) {
      k->one(r, 1, ref, inv, deps->close, out);
      k->one(r + 1, n - 1, ref, inv, deps->close, out + 1);
    } else {
      k->one(r, n, ref, inv, one_source(m, deps), out);
    }
    break;
  case BV_PRED_MAX_OC:
    k->max(r, n, ref, inv, deps->open + deps->at, deps->close + deps->at, out);
    break;
  case BV_PRED_MIN_OC:
    k->min(r, n, ref, inv, deps->open + deps->at, deps->close + deps->at, out);
    break;
  default: assert(0);
  }
  carry->begun = true;
  k->scale(out, n, g, p);
}

/* The predictions of bars [from, from + n) of a block by other columns, as integers of the block's
** grid. */
static void predict(const bv_model *m, const bv_deps *d, size_t from, size_t n, int64_t *base) {
  const double inv = bv_pow10(m->scale) / (double)m->g;
  const bool tick = m->codec == BV_CODEC_TICK, two = m->pred >= BV_PRED_MAX_OC;
  const bool low = m->pred == BV_PRED_MIN_OC;
  const double *close = d->close + d->at + from, *open = two ? d->open + d->at + from : NULL;
  if (m->pred == BV_PRED_PREV_CLOSE) {
    if (d->at + from == 0 && n > 0) {
      base[0] = tick ? (int64_t)quant(close[0], inv) : (int64_t)(bv_bits_of(close[0]) >> m->shift);
      base++;
      n--;
    } else {
      close--;
    }
  }
  if (tick && !two) {
    bv_enckern_now()->one(close, n, inv, base);
  } else if (tick) {
    bv_enckern_now()->two(open, close, n, inv, low, base);
  } else {
    for (size_t i = 0; i < n; i++) {
      const int64_t y = (int64_t)(bv_bits_of(close[i]) >> m->shift);
      const int64_t x = two ? (int64_t)(bv_bits_of(open[i]) >> m->shift) : y;
      base[i] = (x < y) == low ? x : y;
    }
  }
}

static bool from_columns(bv_pred pred) {
  return bv_pred_needs(pred) != 0;
}

/* Integers of a block in place of its residuals. */
static void add_prediction(const bv_model *m, const bv_deps *deps, uint64_t *u, size_t n) {
  int64_t base[BV_CHUNK];
  for (size_t at = 0; at < n; at += BV_CHUNK) {
    const size_t c = n - at < BV_CHUNK ? n - at : BV_CHUNK;
    predict(m, deps, at, c, base);
    if (m->pred == BV_PRED_MIN_OC)
      for (size_t i = 0; i < c; i++) u[at + i] = (uint64_t)base[i] - u[at + i];
    else
      for (size_t i = 0; i < c; i++) u[at + i] += (uint64_t)base[i];
  }
}

void bv_codec_restore64(const bv_model *m, bv_carry *carry, uint64_t *u, size_t n,
                        const bv_deps *deps, double *out) {
  if (n == 0) return;
  if (m->zigzag)
    for (size_t i = 0; i < n; i++) u[i] = (uint64_t)bv_unzigzag(u[i]);
  else
    for (size_t i = 0; i < n; i++) u[i] += m->ref;

  if (m->pred == BV_PRED_PREV) {
    u[0] += (uint64_t)integer_before(m, carry, (int64_t)u[0]);
    for (size_t i = 1; i < n; i++) u[i] += u[i - 1];
    carry->k = (int64_t)u[n - 1];
  } else if (from_columns(m->pred)) {
    add_prediction(m, deps, u, n);
  }
  carry->begun = true;
  if (m->codec == BV_CODEC_BITS) {
    for (size_t i = 0; i < n; i++) out[i] = bv_of_bits(u[i] << m->shift);
    return;
  }
  for (size_t i = 0; i < n; i++) out[i] = (double)(int64_t)u[i];
  kernels_now()->scale(out, n, (double)m->g, bv_pow10(m->scale));
}

/* Times as running sums of differences, or of differences of them, in units of g; of residuals in 32 or 64 bits.  The first
** time is stored, its residual says nothing. */
BV_INLINE void sum_times(const bv_model *m, const uint32_t *u32, const uint64_t *u64, size_t n,
                         const bool zigzag, const bool trend, int64_t *out) {
  const uint64_t g = (uint64_t)m->g, ref = m->ref;
  uint64_t t = (uint64_t)m->first, step = (uint64_t)m->delta * g;
  out[0] = (int64_t)t;
  for (size_t i = 1; i < n; i++) {
    const uint64_t u = u32 ? u32[i] : u64[i], r = zigzag ? (uint64_t)bv_unzigzag(u) : u + ref;
    step = trend ? step + r * g : r * g;
    t += step;
    out[i] = (int64_t)t;
  }
}

BV_INLINE void times_any(const bv_model *m, const uint32_t *u32, const uint64_t *u64, size_t n,
                         int64_t *out) {
  if (m->zigzag && m->pred == BV_PRED_TREND)
    sum_times(m, u32, u64, n, true, true, out);
  else if (m->zigzag)
    sum_times(m, u32, u64, n, true, false, out);
  else if (m->pred == BV_PRED_TREND)
    sum_times(m, u32, u64, n, false, true, out);
  else
    sum_times(m, u32, u64, n, false, false, out);
}

void bv_codec_restore_time(const bv_model *m, const uint64_t *u, size_t n, int64_t *out) {
  if (n > 0) times_any(m, NULL, u, n, out);
}

void bv_codec_restore_time32(const bv_model *m, const uint32_t *u, size_t n, int64_t *out) {
  if (n > 0) times_any(m, u, NULL, n, out);
}

void bv_codec_restore_time0(const bv_model *m, size_t n, int64_t *out) {
  const uint64_t g = (uint64_t)m->g, r = m->zigzag ? 0 : m->ref;
  const bool trend = m->pred == BV_PRED_TREND;
  uint64_t t = (uint64_t)m->first, step = trend ? (uint64_t)m->delta * g : r * g;
  for (size_t i = 0; i < n; i++) {
    out[i] = (int64_t)t;
    if (trend) step += r * g;
    t += step;
  }
}

/* ---- residuals ---- */

/* Choose between zigzag and offset coding.  Without negative residuals an offset is never longer;
** else a sample is counted, one by one, in bits.  An offset outlier makes all other values long, and
** zigzag wins. */
static void choose_sign(const int64_t *r, const uint8_t *patch, size_t n, bv_model *m) {
  int64_t lo = INT64_MAX, hi;
  size_t plain = 0, signs = 0;
  if (patch == NULL)
    bv_enckern_now()->range(r, n, &lo, &hi);
  else
    for (size_t i = 0; i < n; i++)
      if (!patch[i] && r[i] < lo) lo = r[i];
  m->zigzag = false;
  m->ref = lo == INT64_MAX ? 0 : (uint64_t)lo;
  if (lo >= 0) return;
  for (size_t i = 0; i<n; i += n> 4 * BV_CHUNK ? 4 : 1) {
    if (patch && patch[i]) continue;
    plain += bit_length((uint64_t)r[i] - (uint64_t)lo);
    signs += bit_length(bv_zigzag(r[i]));
  }
  m->zigzag = signs < plain;
  if (m->zigzag) m->ref = 0;
}

/* Differences of times in units of g, or their differences. */
static void time_residual(const int64_t *ts, size_t n, const bv_model *m, int64_t *r) {
  int64_t last = 0, q = 0, d = m->delta;
  for (size_t i = 1; i < n; i++) {
    const int64_t x = (int64_t)((uint64_t)ts[i] - (uint64_t)ts[i - 1]);
    if (x != last) q = x / m->g; /* most differences repeat, and division is slow */
    last = x;
    r[i] = m->pred == BV_PRED_TREND ? (int64_t)((uint64_t)q - (uint64_t)d) : q;
    d = q;
  }
}

void bv_codec_residual(const int64_t *k, const uint8_t *patch, size_t n, const bv_deps *deps,
                       bv_model *m, uint64_t *u) {
  const bv_enckern *kernel = bv_enckern_now();
  int64_t *r = (int64_t *)u;
  if (n == 0) return;
  if (m->codec == BV_CODEC_TIME) {
    time_residual(k, n, m, r);
  } else if (m->pred == BV_PRED_NONE) {
    memcpy(r, k, n * sizeof *r);
  } else if (m->pred == BV_PRED_PREV) {
    kernel->diff(k, n - 1, r + 1);
  } else {
    predict(m, deps, 0, n, r);
    kernel->minus(k, n, m->pred == BV_PRED_MIN_OC, r);
  }
  if (m->codec == BV_CODEC_TIME || m->pred == BV_PRED_PREV) {
    /* The first value is stored beside the block, so its residual is free; and a patch repeats its
    ** neighbour, which has to be said where values add up. */
    r[0] = n > 1 ? r[1] : 0;
    patch = NULL;
  }
  choose_sign(r, patch, n, m);
  if (m->zigzag)
    kernel->zigzag(r, n);
  else
    kernel->above(r, n, m->ref);
  if (patch)
    for (size_t i = 0; i < n; i++)
      if (patch[i]) u[i] = 0;
}
