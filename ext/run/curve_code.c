/* curve_code.c - a chunk of the equity curve as bytes, and back; see curve_code.h. */
#include "run/curve_code.h"
#include "base/bits.h"
#include "col/crc32c.h"
#include "col/near.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FORM      3
#define FORM_2    2
#define SCALE_MAX 8
#define UNITS     16  /* form of values: with units in the last place */
#define RAW       255 /* form of values: as they are */
#define OLD_POINT 25  /* bytes of a point in form 1 */

/* Most bytes of a point, beside its value: a step (10 + 5), exposed (5), cash (8 + 5); and of what a chunk has
** once. */
#define POINT_BYTES 33
#define ONCE_BYTES  32

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

/* How many of n > 0 doubles have the bits of the first one. */
static int64_t same_reals(const double *x, int64_t n) {
  const uint64_t like = bv_bits_of(x[0]);
  int64_t i = 0;
  for (uint64_t other = 0; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; j++) other |= bv_bits_of(x[i + j]) ^ like;
    if (other) break;
  }
  while (i < n && bv_bits_of(x[i]) == like) i++;
  return i;
}

/* How many of n > 0 times come one step after the one before them, which is there. */
static int64_t same_steps(const int64_t *ts, uint64_t step, int64_t n) {
  int64_t i = 0;
  for (uint64_t other = 0; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; j++) other |= ((uint64_t)ts[i + j] - (uint64_t)ts[i + j - 1]) ^ step;
    if (other) break;
  }
  while (i < n && (uint64_t)ts[i] - (uint64_t)ts[i - 1] == step) i++;
  return i;
}

static uint8_t *put_times(uint8_t *p, const int64_t *ts, int64_t n) {
  p = put_varint(p, bv_zigzag(ts[0]));
  for (int64_t i = 1, run; i < n; i += run) {
    const uint64_t step = (uint64_t)ts[i] - (uint64_t)ts[i - 1];
    run = same_steps(ts + i, step, n - i);
    p = put_varint(p, step);
    p = put_varint(p, (uint64_t)run);
  }
  return p;
}

/* How many of n > 0 flags are like the first one. */
static int64_t same_flags(const uint8_t *x, int64_t n) {
  uint64_t like, eight;
  int64_t i = 0;
  memset(&like, x[0], sizeof like);
  for (; i + 8 <= n; i += 8) {
    memcpy(&eight, x + i, sizeof eight);
    if (eight != like) break;
  }
  while (i < n && (x[i] != 0) == (x[0] != 0)) i++;
  return i;
}

static uint8_t *put_exposed(uint8_t *p, const uint8_t *exposed, int64_t n) {
  *p++ = exposed[0] != 0;
  for (int64_t i = 0, run; i < n; i += run) {
    run = same_flags(exposed + i, n - i);
    p = put_varint(p, (uint64_t)run);
  }
  return p;
}

static uint8_t *put_cash(uint8_t *p, const double *cash, int64_t n) {
  for (int64_t i = 0, run; i < n; i += run) {
    run = same_reals(cash + i, n - i);
    p = put_bits(p, bv_bits_of(cash[i]), 8);
    p = put_varint(p, (uint64_t)run);
  }
  return p;
}

bv_rc bv_curve_encode(const int64_t *ts, const double *value, const double *cash,
                      const uint8_t *exposed, int64_t n, bv_buf *out) {
  const size_t before = out->n, size = (size_t)n;
  BV_TRY(bv_buf_reserve(out, size * POINT_BYTES + ONCE_BYTES + bv_near_room(size)));
  uint8_t *const start = (uint8_t *)out->p + before, *p = start;
  *p++ = FORM;
  p = put_times(p, ts, n);
  p = put_exposed(p, exposed, n);
  p = put_cash(p, cash, n);
  p = bv_near_put(value, cash, size, p);
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
    const int64_t run = get_run(r, n - i), to = i + run, from = ts[i - 1];
    int64_t way, last;
    if (step <= INT64_MAX && !__builtin_mul_overflow((int64_t)step, run, &way) && step > 0 &&
        !__builtin_add_overflow(from, way, &last)) {
      for (int64_t k = 0; k < run; k++) ts[i + k] = from + (k + 1) * (int64_t)step;
      i = to;
    }
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

/* Of form 2. */
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

/* The bytes of a chunk behind its first one, where they are intact; form 1 has none. */
static bv_rc read_form(const uint8_t *p, int64_t size, int64_t n, reader *r, bool *old,
                       bv_err *err) {
  if (!p || n <= 0 || n > BV_CURVE_CHUNK || size <= 5) return corrupt(n, size, err);
  *old = size == OLD_POINT * n;
  if (*old) return BV_OK;
  reader sum = {p + size - 4, p + size};
  *r = (reader){p + 1, p + size - 4};
  if ((p[0] != FORM && p[0] != FORM_2) || get_bits(&sum, 4) != bv_crc32c(p, (size_t)size - 4)) {
    return corrupt(n, size, err);
  }
  return BV_OK;
}

static bv_rc in_order(const int64_t *ts, int64_t n, bv_err *err) {
  for (int64_t i = 1; i < n; i++) {
    if (ts[i] <= ts[i - 1]) return bv_fail(err, BV_CORRUPT, "bt_curve: times are not in order");
  }
  return BV_OK;
}

bv_rc bv_curve_decode(const void *blob, int64_t size, int64_t n, int64_t *ts, double *value,
                      double *cash, uint8_t *exposed, bv_err *err) {
  reader r = {0};
  bool old;
  BV_TRY(read_form(blob, size, n, &r, &old, err));
  if (old) {
    get_old(blob, n, ts, value, cash, exposed);
    return in_order(ts, n, err);
  }
  get_times(&r, ts, n);
  get_exposed(&r, exposed, n);
  get_cash(&r, cash, n);
  if (*(const uint8_t *)blob == FORM_2)
    get_values(&r, cash, value, n);
  else if (r.p)
    r.p = bv_near_get(r.p, r.end, cash, (size_t)n, value);
  if (r.p && r.p + 1 == r.end && *r.p == 0 && (size - 1) == OLD_POINT * n) r.p++;
  return r.p && r.p == r.end ? BV_OK : corrupt(n, size, err);
}

bv_rc bv_curve_times(const void *blob, int64_t size, int64_t n, int64_t *ts, bv_err *err) {
  reader r = {0};
  bool old;
  BV_TRY(read_form(blob, size, n, &r, &old, err));
  if (!old) {
    get_times(&r, ts, n);
    return r.p ? BV_OK : corrupt(n, size, err);
  }
  r = (reader){blob, (const uint8_t *)blob + size};
  for (int64_t i = 0; i < n; i++) ts[i] = (int64_t)get_bits(&r, 8);
  return in_order(ts, n, err);
}
