/*
** block.c - up to 4,096 values of one column as bytes that stand alone; see block.h.
**
** FORMAT.  "varint" is base 128, low group first, at most 64 bits; "zvarint" is a varint of the zigzag form
** (sign in bit 0); "double" is the 8 bytes of an IEEE 754 double, little-endian.
**
**     u8       form:
**       128    integers, x[i] = first + i * step: zvarint first, zvarint step; nothing follows
**       129    doubles, all the same bits: double; nothing follows
**       130    doubles near decimals, or of no form: as in near.h, with the base 0; nothing follows
**       131    doubles of which many are 0: (n + 7) / 8 bytes with a bit for each that is not (the first in bit 0 of the
**              first; +0.0 is 0, -0.0 is not); then those, one at least, as 130
**       else   bits 0-1 codec: 0 tick, 1 bits, 2 time, 3 integers as they are; 4 differences; 8 zigzag;
**              16 patched; 32 wide: some frame has residuals of more than 31 bits; 64 all residuals are
**              zero and not stored
**     tick:    varint s, varint g                     x = k * g / 10^s
**     bits:    u8 shift                               x = the double of the bits k << shift
**     time:    varint g, always with differences      x = k, whose differences are multiples of g
**     zvarint  first, if differences                  the first k (of the first value that is no patch)
**     zvarint  ref, if not zigzag
**     frames   of the residuals u (bitpack.h, no plane); r = zigzag decode of u, or u + ref, modulo 2^64;
**              k = r, or the k before + r * g (g = 1 but for time), where the first u is ignored
**     patches  if patched, as in segments (segment.c); doubles only
*/
#include "col/block.h"
#include "base/bits.h"
#include "col/near.h"
#include "col/patch.h"
#include "col/segdir.h"

enum {
  CODEC_PLAIN = BV_CODEC_COUNT, /* beside those of bv_codec */
  F_CODEC = 3,
  F_PREV = 4,
  F_ZIGZAG = 8,
  F_PATCHED = 16,
  F_WIDE = 32,
  F_ZERO = 64,
  F_STEPS = 128,
  F_SAME = 129,
  F_NEAR = 130,
  F_SOME = 131
};

enum { BLOCKS = 16 }; /* for which a hint is good */

_Static_assert(BV_BLOCK_MAX % BV_FRAME == 0 && BV_BLOCK_MAX <= SEG_BLOCK_MAX, "whole frames");
_Static_assert(BV_CODEC_TICK == 0 && BV_CODEC_TIME == 2 && (int)CODEC_PLAIN == F_CODEC,
               "stored codecs");

/* ---- writing ---- */

static bv_rc put_byte(bv_buf *out, int b) {
  const uint8_t byte = (uint8_t)b;
  return bv_buf_add(out, &byte, 1);
}

static bv_rc put_signed(bv_buf *out, int64_t x) {
  return bv_varint_put(out, bv_zigzag(x));
}

static bool all_zero(const uint64_t *u, size_t n) {
  uint64_t any = 0;
  for (size_t i = 0; i < n; i++) any |= u[i];
  return any == 0;
}

/* Head and frames of residuals under a model; `codec` as stored. */
static bv_rc put_coded(bv_block_room *room, const bv_model *m, int codec, const uint64_t *u,
                       size_t n, bool patched, bv_buf *out) {
  bool wide = false;
  const bool zero = all_zero(u, n), prev = m->pred == BV_PRED_PREV;
  const size_t packed = zero ? 0 : bv_pack(u, n, 0, 0, room->packed, NULL, &wide);
  BV_TRY(put_byte(out, codec | (prev ? F_PREV : 0) | (m->zigzag ? F_ZIGZAG : 0) |
                           (patched ? F_PATCHED : 0) | (wide ? F_WIDE : 0) | (zero ? F_ZERO : 0)));
  if (codec == BV_CODEC_TICK) BV_TRY(bv_varint_put(out, (uint64_t)m->scale));
  if (codec == BV_CODEC_TICK || codec == BV_CODEC_TIME) BV_TRY(bv_varint_put(out, (uint64_t)m->g));
  if (codec == BV_CODEC_BITS) BV_TRY(put_byte(out, m->shift));
  if (prev) BV_TRY(put_signed(out, m->first));
  if (!m->zigzag) BV_TRY(put_signed(out, (int64_t)m->ref));
  return bv_buf_add(out, room->packed, packed);
}

/* What residuals would take; of many, a few frames are asked. */
static size_t size_of(const uint64_t *u, size_t n) {
  const size_t last = (n / BV_FRAME - 1) * BV_FRAME, middle = n / BV_FRAME / 2 * BV_FRAME;
  if (n < 4 * BV_FRAME) return bv_pack_size(u, n);
  return bv_pack_size(u, BV_FRAME) + bv_pack_size(u + middle, BV_FRAME) +
         bv_pack_size(u + last, BV_FRAME);
}

/* Whether the integers go up or down by the same step. */
static bool is_steps(const int64_t *x, size_t n, int64_t *step) {
  const uint64_t d = n > 1 ? (uint64_t)x[1] - (uint64_t)x[0] : 0;
  *step = (int64_t)d;
  for (size_t i = 1; i < n; i++)
    if ((uint64_t)x[i] - (uint64_t)x[i - 1] != d) return false;
  return true;
}

/* Residuals of the values and of their differences, in room->u, and which of them are smaller: both are looked at
** once in a while. */
static int smaller_of(bv_block_room *room, const uint8_t *patch, const int64_t *k, size_t n,
                      bv_block_hint *hint, bv_model model[2]) {
  if (hint != NULL && hint->tried > 0) {
    hint->tried--;
    bv_codec_residual(k, patch, n, NULL, &model[hint->steps], room->u[hint->steps]);
    return hint->steps;
  }
  for (int i = 0; i < 2; i++) bv_codec_residual(k, patch, n, NULL, &model[i], room->u[i]);
  const bool steps = size_of(room->u[1], n) < size_of(room->u[0], n);
  if (hint != NULL) {
    hint->steps = steps;
    hint->tried = BLOCKS - 1;
  }
  return steps;
}

bv_rc bv_block_put_int(bv_block_room *room, const int64_t *x, size_t n, bv_block_hint *hint,
                       bv_buf *out) {
  int64_t step;
  if (is_steps(x, n, &step)) {
    BV_TRY(put_byte(out, F_STEPS));
    BV_TRY(put_signed(out, x[0]));
    return put_signed(out, step);
  }
  bv_model model[2] = {{.codec = BV_CODEC_TICK, .pred = BV_PRED_NONE, .g = 1},
                       {.pred = BV_PRED_PREV}};
  if (hint == NULL || hint->tried == 0 || hint->steps) bv_codec_quantise_time(x, n, &model[1]);
  const int best = smaller_of(room, NULL, x, n, hint, model);
  return put_coded(room, &model[best], best ? BV_CODEC_TIME : CODEC_PLAIN, room->u[best], n, false,
                   out);
}

static size_t count_nan(const double *x, size_t n) {
  size_t c = 0;
  for (size_t i = 0; i < n; i++) c += x[i] != x[i];
  return c;
}

/* Integers of the doubles in room->k, where nearly all that are numbers have one; *patches: how many have none. */
static bool on_grid(bv_block_room *room, const double *x, size_t n, bv_block_hint *hint,
                    bv_model *m, size_t *patches) {
  if (hint != NULL && hint->left > 0) {
    hint->left--;
    if (hint->no_grid) return false;
    *m = hint->model;
    *patches = bv_codec_apply(x, n, m, room->k, room->patch);
    if (*patches <= hint->patches + n / 64) return true;
  }
  bool fits = bv_codec_guess(x, n, m);
  if (fits) {
    *patches = bv_codec_apply(x, n, m, room->k, room->patch);
    fits = *patches <= n / 64 || *patches - count_nan(x, n) <= n / 64;
  }
  if (hint == NULL) return fits;
  hint->model = *m;
  hint->patches = fits ? *patches : 0;
  hint->no_grid = !fits;
  hint->left = BLOCKS - 1;
  return fits;
}

static const double zeros[BV_BLOCK_MAX];

static bv_rc put_near(const double *x, size_t n, bv_buf *out) {
  BV_TRY(bv_buf_reserve(out, bv_near_room(n)));
  uint8_t *const p = (uint8_t *)out->p + out->n;
  out->n += (size_t)(bv_near_put(x, zeros, n, p) - p);
  return BV_OK;
}

/* Doubles that lie on no grid. */
static bv_rc put_apart(bv_block_room *room, const double *x, size_t n, bv_buf *out) {
  uint8_t bits[BV_BLOCK_MAX / 8] = {0};
  size_t some = 0;
  for (size_t i = 0; i < n; i++) {
    const bool there = bv_bits_of(x[i]) != 0;
    room->some[some] = x[i];
    bits[i / 8] = (uint8_t)(bits[i / 8] | there << i % 8);
    some += there;
  }
  const bool few = some < n - n / 8;
  BV_TRY(put_byte(out, few ? F_SOME : F_NEAR));
  if (few) BV_TRY(bv_buf_add(out, bits, (n + 7) / 8));
  return few ? put_near(room->some, some, out) : put_near(x, n, out);
}

bv_rc bv_block_put_real(bv_block_room *room, const double *x, size_t n, bv_block_hint *hint,
                        bv_buf *out) {
  if (memcmp(x, x + 1, (n - 1) * sizeof *x) == 0) {
    BV_TRY(put_byte(out, F_SAME));
    return bv_buf_add(out, x, sizeof *x);
  }
  bv_model m = {.codec = BV_CODEC_TICK};
  size_t patches = 0;
  if (!on_grid(room, x, n, hint, &m, &patches)) return put_apart(room, x, n, out);
  const bool patched = patches > 0;
  bv_model model[2] = {m, m};
  model[0].pred = BV_PRED_NONE;
  model[1].pred = BV_PRED_PREV;
  const int best = smaller_of(room, patched ? room->patch : NULL, room->k, n, hint, model);
  BV_TRY(put_coded(room, &model[best], (int)m.codec, room->u[best], n, patched, out));
  return patched ? bv_patches_put(x, room->patch, n, out) : BV_OK;
}

/* ---- reading ---- */

/* What is left of a block; p = NULL after a failure. */
typedef struct reader {
  const uint8_t *p, *end;
} reader;

static int get_byte(reader *r) {
  if (r->p != NULL && r->p < r->end) return *r->p++;
  r->p = NULL;
  return 0;
}

static uint64_t get_varint(reader *r) {
  uint64_t x;
  r->p = bv_varint_get(r->p, r->end, &x);
  return x;
}

static int64_t get_signed(reader *r) {
  return bv_unzigzag(get_varint(r));
}

/* The head of coded values: what would overflow later is refused. */
static bool get_head(reader *r, int form, bv_model *m) {
  const int codec = form & F_CODEC;
  *m = (bv_model){.codec = codec == CODEC_PLAIN ? BV_CODEC_TIME : (bv_codec)codec,
                  .pred = form & F_PREV ? BV_PRED_PREV : BV_PRED_NONE,
                  .zigzag = (form & F_ZIGZAG) != 0,
                  .g = 1};
  const uint64_t scale = codec == BV_CODEC_TICK ? get_varint(r) : 0;
  const uint64_t g = codec == BV_CODEC_TICK || codec == BV_CODEC_TIME ? get_varint(r) : 1;
  m->shift = codec == BV_CODEC_BITS ? get_byte(r) : 0;
  if (form & F_PREV) m->first = get_signed(r);
  if (!m->zigzag) m->ref = (uint64_t)get_signed(r);
  if (r->p == NULL || scale > BV_SCALE_MAX || g == 0 || g > INT64_MAX || m->shift > 63)
    return false;
  m->scale = (int)scale;
  m->g = (int64_t)g;
  const int64_t ref = (int64_t)m->ref, most = 4 * BV_TICK_LIMIT;
  if (codec == BV_CODEC_TICK && (m->first <= -most || m->first >= most)) return false;
  return codec != BV_CODEC_TICK || (ref > -most && ref < most);
}

/* Residuals into room->narrow, or where they are wide (or `whole`) into room->u[0]. */
static bool get_residuals(bv_block_room *room, reader *r, int form, size_t n, bool whole) {
  if (form & F_ZERO) {
    memset(room->narrow, 0, n * sizeof *room->narrow);
    if (whole || form & F_WIDE) memset(room->u[0], 0, n * sizeof *room->u[0]);
    return true;
  }
  const size_t bytes = (size_t)(r->end - r->p);
  const size_t used = form & F_WIDE ? bv_unpack64(r->p, bytes, n, 0, NULL, room->u[0])
                                    : bv_unpack32(r->p, bytes, n, 0, NULL, room->narrow);
  if (used == 0) return false;
  r->p += used;
  if (whole && !(form & F_WIDE))
    for (size_t i = 0; i < n; i++) room->u[0][i] = room->narrow[i];
  return true;
}

static bool get_steps(reader *r, size_t n, int64_t *out) {
  const uint64_t first = (uint64_t)get_signed(r), step = (uint64_t)get_signed(r);
  if (r->p != r->end || r->p == NULL) return false;
  for (size_t i = 0; i < n; i++) out[i] = (int64_t)(first + i * step);
  return true;
}

static void plain_ints(const bv_model *m, const uint64_t *u, size_t n, int64_t *out) {
  for (size_t i = 0; i < n; i++) out[i] = m->zigzag ? bv_unzigzag(u[i]) : (int64_t)(u[i] + m->ref);
}

bool bv_block_get_int(bv_block_room *room, const uint8_t *p, size_t bytes, size_t n, int64_t *out) {
  reader r = {p, p + bytes};
  bv_model m;
  const int form = get_byte(&r), codec = form & F_CODEC;
  if (form == F_STEPS) return get_steps(&r, n, out);
  if (form >= F_STEPS || form & F_PATCHED || codec < BV_CODEC_TIME) return false;
  if ((codec == BV_CODEC_TIME) != ((form & F_PREV) != 0)) return false;
  if (!get_head(&r, form, &m) || !get_residuals(room, &r, form, n, true)) return false;
  if (r.p != r.end) return false;
  if (codec == CODEC_PLAIN)
    plain_ints(&m, room->u[0], n, out);
  else
    bv_codec_restore_time(&m, room->u[0], n, out);
  return true;
}

static bool get_same(reader *r, size_t n, double *out) {
  if (r->end - r->p != 8) return false;
  for (size_t i = 0; i < n; i++) memcpy(out + i, r->p, 8);
  return true;
}

static bool get_near(const uint8_t *p, const uint8_t *end, size_t n, double *out) {
  return bv_near_get(p, end, zeros, n, out) == end;
}

static bool get_some(bv_block_room *room, const uint8_t *p, const uint8_t *end, size_t n,
                     double *out) {
  const uint8_t *const bits = p;
  size_t some = 0, k = 0;
  if ((size_t)(end - p) < (n + 7) / 8) return false;
  for (size_t i = 0; i < n; i++) some += bits[i / 8] >> i % 8 & 1;
  if (some == 0 || !get_near(p + (n + 7) / 8, end, some, room->some)) return false;
  for (size_t i = 0; i < n; i++) {
    const bool there = bits[i / 8] >> i % 8 & 1;
    out[i] = there ? room->some[k] : 0;
    k += there;
  }
  return true;
}

bool bv_block_get_real(bv_block_room *room, const uint8_t *p, size_t bytes, size_t n, double *out) {
  reader r = {p, p + bytes};
  bv_model m;
  const int form = get_byte(&r), codec = form & F_CODEC;
  if (r.p == NULL) return false;
  if (form == F_SAME) return get_same(&r, n, out);
  if (form == F_NEAR) return get_near(r.p, r.end, n, out);
  if (form == F_SOME) return get_some(room, r.p, r.end, n, out);
  if (form >= F_STEPS || codec > BV_CODEC_BITS) return false;
  const bool whole = form & F_WIDE || codec == BV_CODEC_BITS;
  bv_carry carry = {0};
  if (!get_head(&r, form, &m) || !get_residuals(room, &r, form, n, whole)) return false;
  if (whole)
    bv_codec_restore64(&m, &carry, room->u[0], n, NULL, out);
  else
    bv_codec_restore32(&m, &carry, room->narrow, n, NULL, out);
  if (!(form & F_PATCHED)) return r.p == r.end;
  bv_patches c;
  return bv_patches_begin(&c, r.p, r.end, n) && bv_patches_apply(&c, out, n) && bv_patches_end(&c);
}
