/* curve_code.c - a chunk of the equity curve as bytes, and back; see curve_code.h. */
#include "run/curve_code.h"
#include "base/bits.h"
#include "col/crc32c.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FORM      2
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

/* ---- writing: there is room, see POINT_BYTES ---- */

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

bv_rc bv_curve_encode(const int64_t *ts, const double *value, const double *cash,
                      const uint8_t *exposed, int64_t n, bv_buf *out) {
  const size_t room = (size_t)n * POINT_BYTES + ONCE_BYTES, before = out->n;
  BV_TRY(bv_buf_reserve(out, room + 2 * (size_t)n));
  uint8_t *const start = (uint8_t *)out->p + before;
  uint8_t *patch = start + room, *p = start;
  *p++ = FORM;
  p = put_times(p, ts, n);
  p = put_exposed(p, exposed, n);
  p = put_cash(p, cash, n);
  p = put_values(p, value, cash, n, patch, patch + n);
  if (p - start + 4 == OLD_POINT * n) *p++ = 0;
  p = put_bits(p, bv_crc32c(start, (size_t)(p - start)), 4);
  out->n = before + (size_t)(p - start);
  out->p[out->n] = 0;
  return BV_OK;
}

/* ---- reading ---- */

/* Bytes still to be read; p = NULL after a failure. */
typedef struct reader {
  const uint8_t *p, *end;
} reader;

static uint64_t get_varint(reader *r) {
  uint64_t x = 0;
  for (unsigned s = 0; r->p && r->p < r->end && s < 64; s += 7) {
    const uint8_t b = *r->p++;
    if (s == 63 && b > 1) break;
    x |= (uint64_t)(b & 127) << s;
    if (b < 128) return x;
  }
  r->p = NULL;
  return 0;
}

static uint64_t get_bits(reader *r, int bytes) {
  uint64_t x = 0;
  if (!r->p || r->end - r->p < bytes) {
    r->p = NULL;
    return 0;
  }
  for (int b = 0; b < bytes; b++) x |= (uint64_t)*r->p++ << (8 * b);
  return x;
}

/* The length of a run of which at most `left` points are missing; 0 after a failure. */
static int64_t get_run(reader *r, int64_t left) {
  const uint64_t run = get_varint(r);
  if (r->p && run > 0 && run <= (uint64_t)left) return (int64_t)run;
  r->p = NULL;
  return 0;
}

static void get_times(reader *r, int64_t *ts, int64_t n) {
  ts[0] = bv_unzigzag(get_varint(r));
  for (int64_t i = 1; r->p && i < n;) {
    const uint64_t step = get_varint(r);
    const int64_t to = i + get_run(r, n - i);
    for (; i < to; i++) {
      ts[i] = (int64_t)((uint64_t)ts[i - 1] + step);
      if (ts[i] > ts[i - 1]) continue;
      r->p = NULL;
      return;
    }
  }
}

static void get_exposed(reader *r, uint8_t *exposed, int64_t n) {
  uint8_t state = (uint8_t)get_bits(r, 1);
  if (state > 1) r->p = NULL;
  for (int64_t i = 0; r->p && i < n; state ^= 1) {
    const int64_t run = get_run(r, n - i);
    memset(exposed + i, state, (size_t)run);
    i += run;
  }
}

static void get_cash(reader *r, double *cash, int64_t n) {
  for (int64_t i = 0; r->p && i < n;) {
    const double x = bv_of_bits(get_bits(r, 8));
    const int64_t to = i + get_run(r, n - i);
    for (; i < to; i++) cash[i] = x;
  }
}

static void get_patches(reader *r, double *value, int64_t n) {
  uint64_t patches = get_varint(r), at = 0;
  for (uint64_t i = 0; r->p && i < patches; i++) {
    const uint64_t gap = get_varint(r);
    at = gap < (uint64_t)n ? at + gap : (uint64_t)n;
    const double x = bv_of_bits(get_bits(r, 8));
    if (at >= (uint64_t)n) r->p = NULL;
    if (r->p) value[at] = x;
  }
}

static void get_values(reader *r, const double *cash, double *value, int64_t n) {
  const int form = (int)get_bits(r, 1);
  if (!r->p) return;
  if (form == RAW) {
    for (int64_t i = 0; i < n; i++) value[i] = bv_of_bits(get_bits(r, 8));
    return;
  }
  const int s = form & (UNITS - 1);
  if (s > SCALE_MAX || form > UNITS + SCALE_MAX) {
    r->p = NULL;
    return;
  }
  uint64_t k = 0;
  for (int64_t i = 0; i < n; i++) {
    k += (uint64_t)bv_unzigzag(get_varint(r));
    value[i] = cash[i] + (double)(int64_t)k / scale_of[s];
  }
  if (form >= UNITS && r->p && r->end - r->p >= n) {
    for (int64_t i = 0; i < n; i++) {
      value[i] = bv_of_bits(bv_bits_of(value[i]) + (uint64_t)(int64_t)(int8_t)*r->p++);
    }
  } else if (form >= UNITS) {
    r->p = NULL;
  }
  get_patches(r, value, n);
}

static void get_old(const uint8_t *p, int64_t n, int64_t *ts, double *value, double *cash,
                    uint8_t *exposed) {
  reader r = {p, p + OLD_POINT * n};
  for (int64_t i = 0; i < n; i++) ts[i] = (int64_t)get_bits(&r, 8);
  for (int64_t i = 0; i < n; i++) value[i] = bv_of_bits(get_bits(&r, 8));
  for (int64_t i = 0; i < n; i++) cash[i] = bv_of_bits(get_bits(&r, 8));
  memcpy(exposed, r.p, (size_t)n);
}

static bv_rc corrupt(int64_t n, int64_t size, bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "bt_curve: the %lld bytes of a chunk are not %lld points",
                 (long long)size, (long long)n);
}

bv_rc bv_curve_decode(const void *blob, int64_t size, int64_t n, int64_t *ts, double *value,
                      double *cash, uint8_t *exposed, bv_err *err) {
  const uint8_t *p = blob;
  if (!p || n <= 0 || n > BV_CURVE_CHUNK || size <= 5) return corrupt(n, size, err);
  if (size == OLD_POINT * n) {
    get_old(p, n, ts, value, cash, exposed);
    for (int64_t i = 1; i < n; i++) {
      if (ts[i] <= ts[i - 1]) return bv_fail(err, BV_CORRUPT, "bt_curve: times are not in order");
    }
    return BV_OK;
  }
  reader sum = {p + size - 4, p + size}, r = {p + 1, p + size - 4};
  if (p[0] != FORM || get_bits(&sum, 4) != bv_crc32c(p, (size_t)size - 4)) {
    return corrupt(n, size, err);
  }
  get_times(&r, ts, n);
  get_exposed(&r, exposed, n);
  get_cash(&r, cash, n);
  get_values(&r, cash, value, n);
  if (r.p && r.p + 1 == r.end && *r.p == 0 && (size - 1) == OLD_POINT * n) r.p++;
  return r.p && r.p == r.end ? BV_OK : corrupt(n, size, err);
}
