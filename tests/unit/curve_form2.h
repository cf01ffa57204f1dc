/*
** curve_form2.h - the writer of form 2 of a chunk of the equity curve (run/curve_code.h), which is read only.
*/
#ifndef BV_TEST_CURVE_FORM2_H
#define BV_TEST_CURVE_FORM2_H

#include "base/bits.h"
#include "col/crc32c.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FORM2     2
#define SCALE_MAX 8
#define UNITS     16  /* form of values: with units in the last place */
#define RAW       255 /* form of values: as they are */
#define OLD_POINT 25  /* bytes of a point in form 1 */

/* Most bytes of a point: a step (10 + 5), exposed (5), cash (8 + 5), a value (10 + 1) and its patch
** (5 + 8); and of what a chunk has once. */
#define POINT_BYTES 64
#define ONCE_BYTES  64

/* |k| stays below this, so that it is exact in a double. */
#define K_LIMIT 2251799813685248.0

static const double scale_of[SCALE_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
static uint8_t *put_varint(uint8_t *p, uint64_t x) {
  for (; x >= 128; x >>= 7) *p++ = (uint8_t)(x | 128);
  *p++ = (uint8_t)x;
  return p;
}

static uint8_t *put_bits(uint8_t *p, uint64_t x, int bytes) {
  for (int b = 0; b < bytes; b++) *p++ = (uint8_t)(x >> (8 * b));
  return p;
}

static uint8_t *put_times(uint8_t *p, const int64_t *ts, int64_t n) {
  p = put_varint(p, bv_zigzag(ts[0]));
  for (int64_t i = 1, from = 1; i < n; i++) {
    const uint64_t step = (uint64_t)ts[i] - (uint64_t)ts[i - 1];
    if (i + 1 < n && (uint64_t)ts[i + 1] - (uint64_t)ts[i] == step) continue;
    p = put_varint(p, step);
    p = put_varint(p, (uint64_t)(i + 1 - from));
    from = i + 1;
  }
  return p;
}

static uint8_t *put_exposed(uint8_t *p, const uint8_t *exposed, int64_t n) {
  *p++ = exposed[0] != 0;
  for (int64_t i = 0, from = 0; i < n; i++) {
    if (i + 1 < n && (exposed[i + 1] != 0) == (exposed[i] != 0)) continue;
    p = put_varint(p, (uint64_t)(i + 1 - from));
    from = i + 1;
  }
  return p;
}

static uint8_t *put_cash(uint8_t *p, const double *cash, int64_t n) {
  for (int64_t i = 0, from = 0; i < n; i++) {
    if (i + 1 < n && bv_bits_of(cash[i + 1]) == bv_bits_of(cash[i])) continue;
    p = put_bits(p, bv_bits_of(cash[i]), 8);
    p = put_varint(p, (uint64_t)(i + 1 - from));
    from = i + 1;
  }
  return p;
}

/* A value as cash + k / scale and some units in the last place; false where it is none. */
static bool fits(double value, double cash, double scale, int64_t *k, int64_t *units) {
  const double x = (value - cash) * scale;
  if (!(fabs(x) < K_LIMIT)) return false;
  *k = (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
  *units = (int64_t)(bv_bits_of(value) - bv_bits_of(cash + (double)*k / scale));
  return *units >= -127 && *units <= 127;
}

/* The coarsest scale on which 9 of 10 values of a sample are; RAW where there is none. */
static int choose_scale(const double *value, const double *cash, int64_t n, bool *exact) {
  const int64_t by = n > 64 ? n / 64 : 1;
  for (int s = 0; s <= SCALE_MAX; s += s < 2 ? 1 : 2) {
    int64_t all = 0, near = 0, same = 0, k, units;
    for (int64_t i = 0; i < n; i += by, all++) {
      if (!fits(value[i], cash[i], scale_of[s], &k, &units)) continue;
      near++;
      same += units == 0;
    }
    *exact = same * 10 >= all * 9;
    if (near * 10 >= all * 9) return s;
  }
  return RAW;
}

static uint8_t *put_patches(uint8_t *p, const double *value, const uint8_t *patch, int64_t n,
                            int64_t patches) {
  int64_t last = 0;
  p = put_varint(p, (uint64_t)patches);
  for (int64_t i = 0; patches > 0 && i < n; i++) {
    if (!patch[i]) continue;
    p = put_varint(p, (uint64_t)(i - last));
    p = put_bits(p, bv_bits_of(value[i]), 8);
    last = i;
  }
  return p;
}

static uint8_t *put_raw(uint8_t *p, const double *value, int64_t n) {
  *p++ = RAW;
  for (int64_t i = 0; i < n; i++) p = put_bits(p, bv_bits_of(value[i]), 8);
  return p;
}

/* patch and off: room for n bytes each. */
static uint8_t *put_values(uint8_t *p, const double *value, const double *cash, int64_t n,
                           uint8_t *patch, uint8_t *off) {
  uint8_t *const start = p;
  bool exact;
  const int s = choose_scale(value, cash, n, &exact);
  if (s == RAW) return put_raw(p, value, n);
  int64_t last = 0, patches = 0;
  *p++ = (uint8_t)(exact ? s : UNITS + s);
  for (int64_t i = 0; i < n; i++) {
    int64_t k = last, units = 0;
    bool there = fits(value[i], cash[i], scale_of[s], &k, &units);
    if (exact && units != 0) there = false;
    if (!there) {
      k = last;
      units = 0;
    }
    patch[i] = !there;
    patches += !there;
    off[i] = (uint8_t)units;
    p = put_varint(p, bv_zigzag(k - last));
    last = k;
  }
  if (!exact) {
    memcpy(p, off, (size_t)n);
    p += n;
  }
  p = put_patches(p, value, patch, n, patches);
  return p - start > 8 * n ? put_raw(start, value, n) : p;
}

/* Write n points to p, which has POINT_BYTES + 2 bytes for each and ONCE_BYTES; returns the end. */
static uint8_t *curve_form2(const int64_t *ts, const double *value, const double *cash,
                            const uint8_t *exposed, int64_t n, uint8_t *p) {
  uint8_t *const start = p, *const patch = start + (size_t)n * POINT_BYTES + ONCE_BYTES;
  *p++ = FORM2;
  p = put_times(p, ts, n);
  p = put_exposed(p, exposed, n);
  p = put_cash(p, cash, n);
  p = put_values(p, value, cash, n, patch, patch + n);
  if (p - start + 4 == OLD_POINT * n) *p++ = 0;
  return put_bits(p, bv_crc32c(start, (size_t)(p - start)), 4);
}

#endif
