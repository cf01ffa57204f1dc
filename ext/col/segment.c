/*
** segment.c - compressed segments: stored format, entropy layer, statistics.
**
** FORMAT, version 1.  All integers are little-endian.  "varint" is base 128, low group first, at
** most 64 bits (128 where said); "zvarint" is a varint of the zigzag form (sign in bit 0); "double"
** is the 8 bytes of an IEEE 754 double; crc is CRC-32C.
**
**   blob      = head | plane | payload of every block | u32 crc of plane and payloads
**   head      = fixed | directory | u32 crc of fixed and directory
**
**   fixed, 22 bytes
**      0  u8   0x42
**      1  u8   version, 1
**      2  u8   column: 0 open 1 high 2 low 3 close 4 volume 5 vwap 6 trades 7 bid 8 ask
**              9 open interest, 15 times
**      3  u8   1 = a plane is stored, else 0
**      4  u32  bytes of the blob
**      8  u32  n, bars, at most 65,536
**     12  u8   log2 of the bars of a block, 8 to 12; the last block may be shorter
**     13  u8   prediction: 0 none, 1 value before, 2 close before, 3 close, 4 larger of open and
**              close, 5 smaller of them, 6 trend (times only)
**     14  u8   h, bits of a value in the plane: 1, 2, 4 or 8; 0 without plane
**     15  u8   0
**     16  u32  bytes of the plane as stored, 0 without
**     20  u16  bytes of the directory
**
**   directory = an entry for each of the ceil(n / block) blocks
**     u8       kind: bits 0-1 codec (0 tick, 1 bits, 2 time); 4 wide: some frame has residuals of
**              more than 31 bits, b + h + w; 8 zigzag; 16 patched; 32 exact; 64 dot; 128 all stored
**              residuals are zero
**     varint   bytes of the block's payload
**     zvarint  ref, if not zigzag
**     varint   number of NaN, if patched
**     tick:    varint s, varint g, zvarint first       x = k * g / 10^s; first = k of the first
**                                                      value that is no patch
**     bits:    u8 shift                                x = the double of the bits k << shift
**     time:    varint g, zvarint delta, zvarint first  see below
**     exact:   zvarint last - first, varint first - min, varint max - first: integers k, or times,
**              modulo 2^64
**       tick:  varint sum of (k - min) without patches
**              close: varint (128 bits) sum of (k - min)^2
**              dot:   varint scale of the volume sv,
**                     zvarint (128 bits) sum of k * volume * 10^sv
**     not exact: double first, last, min, max of the values that are no NaN (NaN if none)
**     A tick block is exact unless it has patches other than NaN; times always are; bits never.
**
**   plane     = a zstd frame of the plane bytes of the blocks with stored residuals (bitpack.h)
**
**   payload   = frames (bitpack.h; absent where all are zero) | patches (if patched)
**     residual u of value i: r = zigzag decode of u, or u + ref; arithmetic modulo 2^64
**       none        k = r
**       before      k = k before + r;  the first k is `first`, its residual is ignored
**       close before, close, larger: k = q + r;  smaller: k = q - r
**              q = the prediction on this block's grid.  tick: x * (10^s / g) in double arithmetic,
**              rounded to nearest even, 0 where its magnitude is 2^50 or more or NaN; the larger
**              or smaller of the two as numbers.  bits: bits of x >> shift, compared as int64.
**              "close before" of the segment's first bar is its own close.
**       times, before: t = t before + r * g;  trend: d = d before + r, t = t before + d * g, where
**              d starts as `delta`; the first t is `first`, its residual is ignored
**     patches: varint number of runs, then for each
**              varint values since the end of the last run, varint 2 * length + same,
**              double unless same: the value of the whole run; same = that of the run before
**
** Refused as corrupt: anything that the lengths, counts, checksums and value ranges above exclude.
*/
#include "col/segment.h"
#include "col/segctx.h"
#include "col/segread.h"

#include <string.h>
/* The custom allocators, which put zstd's memory into the library's accounts, are declared only with
** this. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

_Static_assert(BV_COL_OPEN == 0 && BV_COL_OI == 9 && BV_COL_TS == 15, "stored column numbers");
_Static_assert(BV_PRED_NONE == 0 && BV_PRED_MIN_OC == 5 && BV_PRED_TREND == 6,
               "stored predictions");
_Static_assert(BV_CODEC_TICK == 0 && BV_CODEC_TIME == 2, "stored codecs");

unsigned bv_segment_needs(bv_column col) {
  switch (col) {
  case BV_COL_OPEN:
  case BV_COL_VWAP:
  case BV_COL_BID:
  case BV_COL_ASK: return BV_COLBIT(BV_COL_CLOSE);
  case BV_COL_HIGH:
  case BV_COL_LOW: return BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE);
  default: return 0;
  }
}

/* ---- context ---- */

bv_rc bv_segctx_new(bv_segctx **out) {
  *out = bv_alloc0(BV_MEM_DECODE, sizeof **out);
  if (*out == NULL) return BV_NOMEM;
  bv_buf_init(&(*out)->patches, BV_MEM_DECODE, (size_t)32 * BV_SEG_MAX);
  bv_buf_init(&(*out)->dir, BV_MEM_DECODE, 65535);
  return BV_OK;
}

void bv_segctx_free(bv_segctx *ctx) {
  if (ctx == NULL) return;
  ZSTD_freeCCtx(ctx->compressor);
  ZSTD_freeDCtx(ctx->decompressor);
  bv_segread_free(ctx->reader);
  seg_scratch *const all[] = {&ctx->plane,     &ctx->plane_z,  &ctx->ints,
                              &ctx->vol_ints,  &ctx->residual, &ctx->patch,
                              &ctx->vol_patch, &ctx->packed,   &ctx->block};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) bv_free(all[i]->p);
  bv_buf_reset(&ctx->patches);
  bv_buf_reset(&ctx->dir);
  bv_free(ctx);
}

void *bv_seg_room(seg_scratch *s, size_t n) {
  if (s->p != NULL && n <= s->cap) return s->p;
  void *p = bv_alloc(BV_MEM_DECODE, n);
  if (p == NULL) return NULL;
  bv_free(s->p);
  s->p = p;
  s->cap = n;
  return p;
}

/* ---- entropy layer ---- */

static void *zstd_alloc(void *opaque, size_t n) {
  (void)opaque;
  return bv_alloc(BV_MEM_DECODE, n);
}

static void zstd_free(void *opaque, void *p) {
  (void)opaque;
  bv_free(p);
}

static const ZSTD_customMem zstd_memory = {zstd_alloc, zstd_free, NULL};

/* Level 1 wants no matches: the bits are noise, and chance repetitions cost size and decoding speed.
** zstd has no such mode in its stable interface, but a match finder with the smallest table and the
** longest minimum comes close. */
static size_t set_level(ZSTD_CCtx *z, int level) {
  static const struct {
    ZSTD_cParameter name;
    int value;
  } entropy_only[] = {{ZSTD_c_strategy, ZSTD_fast}, {ZSTD_c_minMatch, 7}, {ZSTD_c_hashLog, 6},
                      {ZSTD_c_windowLog, 17},       {ZSTD_c_chainLog, 6}, {ZSTD_c_searchLog, 1}};
  ZSTD_CCtx_reset(z, ZSTD_reset_session_and_parameters);
  size_t e = ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
  if (level > 1)
    return ZSTD_isError(e) ? e : ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
  for (size_t i = 0; i < sizeof entropy_only / sizeof *entropy_only && !ZSTD_isError(e); i++)
    e = ZSTD_CCtx_setParameter(z, entropy_only[i].name, entropy_only[i].value);
  return e;
}

bv_rc bv_seg_deflate(bv_segctx *ctx, const uint8_t *plane, size_t n, int level, size_t *z,
                     bv_err *err) {
  if (ctx->compressor == NULL) ctx->compressor = ZSTD_createCCtx_advanced(zstd_memory);
  const size_t cap = ZSTD_compressBound(n);
  uint8_t *out = bv_seg_room(&ctx->plane_z, cap);
  if (ctx->compressor == NULL || out == NULL) return bv_fail(err, BV_NOMEM, "segment: no memory");
  size_t r = set_level(ctx->compressor, level);
  if (!ZSTD_isError(r)) r = ZSTD_compress2(ctx->compressor, out, cap, plane, n);
  if (ZSTD_isError(r)) {
    const bool memory = ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation;
    return bv_fail(err, memory ? BV_NOMEM : BV_INTERNAL, "segment: zstd: %s", ZSTD_getErrorName(r));
  }
  *z = r;
  return BV_OK;
}

bv_rc bv_seg_inflate(bv_segctx *ctx, const uint8_t *z, size_t nz, uint8_t *out, size_t n,
                     bv_err *err) {
  if (ctx->decompressor == NULL) ctx->decompressor = ZSTD_createDCtx_advanced(zstd_memory);
  if (ctx->decompressor == NULL) return bv_fail(err, BV_NOMEM, "segment: no memory");
  const size_t r = ZSTD_decompressDCtx(ctx->decompressor, out, n, z, nz);
  if (ZSTD_isError(r) && ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
    return bv_fail(err, BV_NOMEM, "segment: no memory");
  if (r != n) return bv_fail(err, BV_CORRUPT, "segment: the entropy-coded plane is damaged");
  return BV_OK;
}

/* ---- statistics ---- */

bv_rc bv_segment_stat(const void *blob, size_t bytes, bv_seg_stat *out, bv_err *err) {
  bv_seg_head h;
  bv_seg_cursor c;
  BV_TRY(bv_seg_head_read(blob, bytes, &h, &c, err));
  bv_seg_stat_begin(&h, out);
  for (int i = 0; i < out->nblock; i++) {
    bv_seg_block b;
    BV_TRY(bv_seg_block_read(&h, &c, &b, err));
    bv_seg_stat_add(&h, &b, out);
  }
  out->bytes = h.total;
  return BV_OK;
}

bv_rc bv_segment_block_stat(const void *blob, size_t bytes, int block, bv_seg_stat *out,
                            bv_err *err) {
  bv_seg_head h;
  bv_seg_cursor c;
  BV_TRY(bv_seg_head_read(blob, bytes, &h, &c, err));
  if (block < 0 || (size_t)block >= bv_seg_nblock(&h))
    return bv_fail(err, BV_RANGE, "segment: block %d of %zu", block, bv_seg_nblock(&h));
  bv_seg_block b;
  for (int i = 0; i <= block; i++) BV_TRY(bv_seg_block_read(&h, &c, &b, err));
  bv_seg_stat_begin(&h, out);
  bv_seg_stat_add(&h, &b, out);
  return BV_OK;
}
