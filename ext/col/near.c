/* near.c - doubles that lie near decimals as bytes; see near.h. */
#include "col/near.h"
#include "base/bits.h"
#include "col/bitpack.h"
#include "col/segdir.h"
#include "col/simd.h"

#include <math.h>
#include <string.h>

enum { SCALE_MAX = 8, F_OFF = 16, F_WIDE = 32, RAW = 255 };

/* |k| is below this, so that it is exact in a double, and adding NEXT to it is. */
#define LIMIT 2251799813685248.0
#define NEXT  6755399441055744.0 /* 1.5 * 2^52: what is added to it is rounded to an integer */

static const double scale_of[SCALE_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};

/* ---- kernels: a frame at a time, the same bits from every instruction set ---- */

/* The integer next to x, |x| < LIMIT; and back. */
BV_INLINE uint64_t next_to(double x) {
  return bv_bits_of(x + NEXT) - bv_bits_of(NEXT);
}
BV_INLINE double real_of(uint64_t k) {
  return bv_of_bits(k + bv_bits_of(NEXT)) - NEXT;
}

/* 1 where |x| is LIMIT or more, or x is NaN, else 0. */
BV_INLINE uint64_t beyond(double x) {
  return (bv_bits_of(LIMIT) - 1 - (bv_bits_of(x) & INT64_MAX)) >> 63;
}

BV_INLINE uint64_t far_of(double base, double first, double scale) {
  const double x = (base - first) * scale;
  return next_to(x) & (beyond(x) - 1);
}

/* k and off of the points; 0 where all of them have any. */
BV_INLINE uint64_t split_any(const double *restrict x, const double *restrict base, double scale,
                             size_t n, uint64_t *restrict k, uint64_t *restrict off) {
  uint64_t none = 0;
  BV_FOR_CHUNKS(n, {
    const double by = (x[i] - base[i]) * scale;
    k[i] = next_to(by);
    off[i] = bv_bits_of(x[i]) - bv_bits_of(base[i] + real_of(k[i]) / scale);
    none |= beyond(by) | (off[i] + 128) >> 8;
  });
  return none;
}

/* place[i] = k[i] + far[i]. */
BV_INLINE void place_any(const double *restrict base, double first, double scale,
                         const uint64_t *restrict k, size_t n, uint64_t *restrict place) {
  BV_FOR_CHUNKS(n, place[i] = k[i] + far_of(base[i], first, scale));
}

/* u[i] = zigzag(x[i + 1] - x[i]). */
BV_INLINE void differ_any(const uint64_t *restrict x, size_t n, uint64_t *restrict u) {
  BV_FOR_CHUNKS(n, {
    const uint64_t d = x[i + 1] - x[i];
    u[i] = d << 1 ^ (0 - (d >> 63));
  });
}

BV_INLINE uint64_t zigzag_any(const uint64_t *restrict x, size_t n, uint64_t *restrict u) {
  uint64_t all = 0;
  BV_FOR_CHUNKS(n, {
    u[i] = x[i] << 1 ^ (0 - (x[i] >> 63));
    all |= u[i];
  });
  return all;
}

BV_INLINE void join_any(const uint64_t *restrict place, const double *restrict base, double first,
                        double scale, size_t n, double *restrict x) {
  BV_FOR_CHUNKS(n, { x[i] = base[i] + real_of(place[i] - far_of(base[i], first, scale)) / scale; });
}

BV_INLINE void shift_any(const uint32_t *restrict u, size_t n, double *restrict x) {
  BV_FOR_CHUNKS(n, {
    const uint64_t off = (uint64_t)(u[i] >> 1) ^ (0 - (uint64_t)(u[i] & 1));
    x[i] = bv_of_bits(bv_bits_of(x[i]) + off);
  });
}

typedef struct kernels {
  uint64_t (*split)(const double *x, const double *base, double scale, size_t n, uint64_t *k,
                    uint64_t *off);
  void (*place)(const double *base, double first, double scale, const uint64_t *k, size_t n,
                uint64_t *place);
  void (*differ)(const uint64_t *x, size_t n, uint64_t *u);
  uint64_t (*zigzag)(const uint64_t *x, size_t n, uint64_t *u);
  void (*join)(const uint64_t *place, const double *base, double first, double scale, size_t n,
               double *x);
  void (*shift)(const uint32_t *u, size_t n, double *x);
} kernels;

#define INSTANCE(target, set)                                                                      \
  target static uint64_t split_##set(const double *x, const double *base, double scale, size_t n,  \
                                     uint64_t *k, uint64_t *off) {                                 \
    return split_any(x, base, scale, n, k, off);                                                   \
  }                                                                                                \
  target static void place_##set(const double *base, double first, double scale,                   \
                                 const uint64_t *k, size_t n, uint64_t *place) {                   \
    place_any(base, first, scale, k, n, place);                                                    \
  }                                                                                                \
  target static void differ_##set(const uint64_t *x, size_t n, uint64_t *u) {                      \
    differ_any(x, n, u);                                                                           \
  }                                                                                                \
  target static uint64_t zigzag_##set(const uint64_t *x, size_t n, uint64_t *u) {                  \
    return zigzag_any(x, n, u);                                                                    \
  }                                                                                                \
  target static void join_##set(const uint64_t *place, const double *base, double first,           \
                                double scale, size_t n, double *x) {                               \
    join_any(place, base, first, scale, n, x);                                                     \
  }                                                                                                \
  target static void shift_##set(const uint32_t *u, size_t n, double *x) {                         \
    shift_any(u, n, x);                                                                            \
  }                                                                                                \
  static const kernels kernels_##set = {split_##set,  place_##set, differ_##set,                   \
                                        zigzag_##set, join_##set,  shift_##set}

INSTANCE(, plain);
#ifdef BV_X86
INSTANCE(BV_TARGET_AVX2, avx2);
INSTANCE(BV_TARGET_AVX512, avx512);
#endif

static const kernels *now(void) {
#ifdef BV_X86
  if (bv_simd_level() >= BV_SIMD_AVX512) return &kernels_avx512;
  if (bv_simd_level() >= BV_SIMD_AVX2) return &kernels_avx2;
#endif
  return &kernels_plain;
}

/* ---- writing ---- */

size_t bv_near_room(size_t n) {
  return 64 + 13 * n + 2 * bv_pack_bound(n); /* a patch has at most 5 + 8 bytes */
}

static uint8_t *put_varint(uint8_t *p, uint64_t x) {
  for (; x >= 128; x >>= 7) *p++ = (uint8_t)(x | 128);
  *p++ = (uint8_t)x;
  return p;
}

static uint8_t *put_real(uint8_t *p, double x) {
  const uint64_t bits = bv_bits_of(x);
  for (int b = 0; b < 8; b++) *p++ = (uint8_t)(bits >> (8 * b));
  return p;
}

static uint8_t *put_raw(uint8_t *p, const double *x, size_t n) {
  *p++ = RAW;
  for (size_t i = 0; i < n; i++) p = put_real(p, x[i]);
  return p;
}

static bool has_form(double x, double base, double scale) {
  uint64_t k, off;
  return split_any(&x, &base, scale, 1, &k, &off) == 0;
}

/* The coarsest scale on which 9 of 10 values of a sample are; RAW where there is none. */
static int choose_scale(const double *x, const double *base, size_t n) {
  const size_t by = n > 64 ? n / 64 : 1;
  for (int s = 0; s <= SCALE_MAX; s += s < 2 ? 1 : 2) {
    size_t all = 0, near = 0;
    for (size_t i = 0; i < n; i += by, all++) near += has_form(x[i], base[i], scale_of[s]);
    if (near * 10 >= all * 9) return s;
  }
  return RAW;
}

/* Points that have no k, which become like the one before (`place`: its k + far); returns how many. */
static size_t patch(const double *x, const double *base, double first, double scale, size_t n,
                    uint64_t place, uint64_t *k, uint64_t *off, uint8_t *none) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    const uint64_t far = far_of(base[i], first, scale);
    none[i] = !has_form(x[i], base[i], scale);
    if (none[i]) {
      k[i] = place - far;
      off[i] = 0;
      count++;
    }
    place = k[i] + far;
  }
  return count;
}

static uint8_t *put_patches(uint8_t *p, const double *x, const uint8_t *none, size_t n,
                            size_t patches) {
  size_t last = 0;
  p = put_varint(p, patches);
  for (size_t i = 0; patches > 0 && i < n; i++) {
    if (!none[i]) continue;
    p = put_varint(p, i - last);
    p = put_real(p, x[i]);
    last = i;
  }
  return p;
}

uint8_t *bv_near_put(const double *x, const double *base, size_t n, uint8_t *p) {
  const kernels *f = now();
  uint8_t *const start = p, *const end = p + bv_near_room(n);
  uint8_t *const none = end - n, *offs = none - bv_pack_bound(n), *const first_off = offs;
  const int s = choose_scale(x, base, n);
  if (s == RAW) return put_raw(p, x, n);
  const double scale = scale_of[s], first = base[0];
  uint64_t k[BV_FRAME], off[BV_FRAME], place[BV_FRAME + 1]; /* behind the last one of before */
  uint64_t u[BV_FRAME], any_off = 0;
  size_t patches = 0;
  bool wide, any_wide = false;
  p++;
  place[0] = 0;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME;
    memset(none + at, 0, m);
    if (f->split(x + at, base + at, scale, m, k, off) != 0) {
      patches += patch(x + at, base + at, first, scale, m, place[0], k, off, none + at);
    }
    if (at == 0) p = put_varint(p, bv_zigzag((int64_t)k[0]));
    if (at == 0) place[0] = k[0];
    f->place(base + at, first, scale, k, m, place + 1);
    f->differ(place, m, u);
    place[0] = place[m];
    p += bv_pack_whole(u, m, p, &wide);
    any_wide |= wide;
    any_off |= f->zigzag(off, m, u);
    offs += bv_pack_whole(u, m, offs, &wide);
  }
  *start = (uint8_t)(s | (any_off ? F_OFF : 0) | (any_wide ? F_WIDE : 0));
  if (any_off) {
    memmove(p, first_off, (size_t)(offs - first_off));
    p += offs - first_off;
  }
  p = put_patches(p, x, none, n, patches);
  return (size_t)(p - start) > 8 * n ? put_raw(start, x, n) : p;
}

/* ---- reading ---- */

static double load_real(const uint8_t *p) {
  uint64_t x = 0;
  for (int b = 0; b < 8; b++) x |= (uint64_t)p[b] << (8 * b);
  return bv_of_bits(x);
}

static const uint8_t *get_raw(const uint8_t *p, const uint8_t *end, size_t n, double *x) {
  if ((size_t)(end - p) < 8 * n) return NULL;
  for (size_t i = 0; i < n; i++) x[i] = load_real(p + 8 * i);
  return p + 8 * n;
}

/* Add up a frame's r, after the sum of those before. */
static uint64_t add_up(const uint32_t *u, size_t n, uint64_t sum, uint64_t *place) {
  for (size_t i = 0; i < n; i++) {
    sum += (uint64_t)(u[i] >> 1) ^ (0 - (uint64_t)(u[i] & 1));
    place[i] = sum;
  }
  return sum;
}
static uint64_t add_up_wide(const uint64_t *u, size_t n, uint64_t sum, uint64_t *place) {
  for (size_t i = 0; i < n; i++) {
    sum += (uint64_t)bv_unzigzag(u[i]);
    place[i] = sum;
  }
  return sum;
}

static const uint8_t *get_patches(const uint8_t *p, const uint8_t *end, size_t n, double *x) {
  uint64_t patches, gap, at = 0;
  p = bv_varint_get(p, end, &patches);
  for (uint64_t i = 0; p && i < patches; i++) {
    p = bv_varint_get(p, end, &gap);
    at = gap < n ? at + gap : n;
    if (!p || at >= n || end - p < 8) return NULL;
    x[at] = load_real(p);
    p += 8;
  }
  return p;
}

const uint8_t *bv_near_get(const uint8_t *p, const uint8_t *end, const double *base, size_t n,
                           double *x) {
  const kernels *f = now();
  uint64_t sum;
  if (p == end) return NULL;
  const int form = *p++, s = form & (F_OFF - 1);
  if (form == RAW) return get_raw(p, end, n, x);
  if (s > SCALE_MAX || form >= 2 * F_WIDE) return NULL;
  p = bv_varint_get(p, end, &sum);
  if (!p) return NULL;
  sum = (uint64_t)bv_unzigzag(sum);
  const size_t frames = bv_packed_bytes(p, (size_t)(end - p), n, 0);
  const uint8_t *offs = p + frames;
  if (frames == 0) return NULL;
  for (size_t at = 0; at < n; at += BV_FRAME) {
    const size_t m = n - at < BV_FRAME ? n - at : BV_FRAME, left = (size_t)(end - p);
    uint64_t place[BV_FRAME];
    uint32_t narrow[BV_FRAME];
    uint64_t u[BV_FRAME];
    const size_t used = form & F_WIDE ? bv_unpack64(p, left, m, 0, NULL, u)
                                      : bv_unpack32(p, left, m, 0, NULL, narrow);
    if (used == 0) return NULL;
    p += used;
    sum = form & F_WIDE ? add_up_wide(u, m, sum, place) : add_up(narrow, m, sum, place);
    f->join(place, base + at, base[0], scale_of[s], m, x + at);
    if (!(form & F_OFF)) continue;
    const size_t more = bv_unpack32(offs, (size_t)(end - offs), m, 0, NULL, narrow);
    if (more == 0) return NULL;
    offs += more;
    f->shift(narrow, m, x + at);
  }
  return get_patches(form & F_OFF ? offs : p, end, n, x);
}
