/*
** segread.c - decoding of segments, whole or piece by piece (format in segment.c, contract in segread.h).
*/
#include "col/segread.h"
#include "col/crc32c.h"
#include "col/segctx.h"

#include <string.h>

struct bv_segread {
  bv_seg_head head;
  bv_seg_cursor cursor;
  size_t nblock;                  /* not begun */
  const uint8_t *payload, *plane; /* what comes next of each */
  bv_seg_block block;
  size_t left;        /* bars of the block */
  size_t bytes;       /* of its frames */
  bv_carry carry;     /* within it */
  bv_patches patch;   /* of it */
  seg_scratch memory; /* the plane */
  seg_scratch blob;   /* the one that is held, */
  size_t held;        /* its bytes */
};

bv_rc bv_segread_new(bv_segread **out) {
  *out = bv_alloc0(BV_MEM_DECODE, sizeof **out);
  return *out ? BV_OK : BV_NOMEM;
}

void bv_segread_free(bv_segread *r) {
  if (r == NULL) return;
  bv_free(r->memory.p);
  bv_free(r->blob.p);
  bv_free(r);
}

/* ---- opening ---- */

static bv_rc plane_size(const bv_segread *r, size_t *n, bv_err *err) {
  bv_seg_cursor c = r->cursor;
  *n = 0;
  for (size_t i = bv_seg_nblock(&r->head); i > 0 && r->head.plane; i--) {
    bv_seg_block b;
    BV_TRY(bv_seg_block_read(&r->head, &c, &b, err));
    if (!b.zero) *n += bv_plane_bytes(b.n, r->head.h);
  }
  return BV_OK;
}

/* Verify a whole blob of a column. */
static bv_rc verify(bv_segread *r, bv_column col, const uint8_t *p, size_t bytes, size_t cap,
                    bv_err *err) {
  const bv_seg_head *h = &r->head;
  BV_TRY(bv_seg_head_read(p, bytes, &r->head, &r->cursor, err));
  if (h->total != bytes)
    return bv_fail(err, BV_CORRUPT, "segment: %zu bytes where %u are expected", bytes, h->total);
  if (h->col != col)
    return bv_fail(err, BV_CORRUPT, "segment: holds column %s, not %s", bv_column_name((int)h->col),
                   bv_column_name((int)col));
  const uint8_t *body = p + bv_seg_head_size(h), *end = p + bytes - SEG_CRC;
  uint32_t crc;
  memcpy(&crc, end, sizeof crc);
  if (bv_crc32c(body, (size_t)(end - body)) != crc)
    return bv_fail(err, BV_CORRUPT, "segment: the checksum does not match");
  if (h->n > cap) return bv_fail(err, BV_RANGE, "segment: %u bars, room for %zu", h->n, cap);
  return BV_OK;
}

/* Set up for the blocks of a blob, which stays where it is. */
static bv_rc begin(bv_segread *r, bv_segctx *ctx, bv_column col, const uint8_t *p, size_t bytes,
                   size_t cap, bv_err *err) {
  const bv_seg_head *h = &r->head;
  size_t nplane;
  r->left = 0;
  r->nblock = 0;
  BV_TRY(verify(r, col, p, bytes, cap, err));
  BV_TRY(plane_size(r, &nplane, err));
  const uint8_t *body = p + bv_seg_head_size(h);
  uint8_t *plane = bv_seg_room(&r->memory, nplane + 1);
  if (plane == NULL) return bv_fail(err, BV_NOMEM, "segment: no memory");
  r->payload = body + h->plane_z;
  r->plane = h->plane ? plane : NULL;
  if (h->plane) BV_TRY(bv_seg_inflate(ctx, body, h->plane_z, plane, nplane, err));
  r->nblock = bv_seg_nblock(h);
  return BV_OK;
}

bv_rc bv_segread_hold(bv_segread *r, const void *blob, size_t bytes) {
  uint8_t *mine = bv_seg_room(&r->blob, bytes + 1);
  if (mine == NULL) return BV_NOMEM;
  memcpy(mine, blob, bytes);
  r->held = bytes;
  return BV_OK;
}

bv_rc bv_segread_begin(bv_segread *r, bv_segctx *ctx, bv_column col, bv_err *err) {
  if (col < 0 || col >= BV_SEG_NCOL)
    return bv_fail(err, BV_ARG, "segment: no value column %d", (int)col);
  return begin(r, ctx, col, r->blob.p, r->held, SIZE_MAX, err);
}

size_t bv_segread_bars(const bv_segread *r) {
  return r->head.n;
}

unsigned bv_segread_needs(const bv_segread *r) {
  return bv_pred_needs(r->head.pred);
}

/* ---- blocks ---- */

static bv_rc bad_block(const bv_seg_block *b, bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "segment: the block at bar %zu is damaged", b->at);
}

/* The patches lie behind the frames. */
static bool find_patches(bv_segread *r) {
  const bv_seg_block *b = &r->block;
  if (!b->zero) r->bytes = bv_packed_bytes(r->payload, b->bytes, b->n, r->head.h);
  if (r->bytes > b->bytes || (r->bytes == 0 && !b->zero)) return false;
  return bv_patches_begin(&r->patch, r->payload + r->bytes, r->payload + b->bytes, b->n);
}

static bv_rc next_block(bv_segread *r, bv_err *err) {
  BV_TRY(bv_seg_block_read(&r->head, &r->cursor, &r->block, err));
  const bv_seg_block *b = &r->block;
  r->nblock--;
  r->left = b->n;
  r->carry = (bv_carry){0};
  r->bytes = b->patched ? 0 : b->bytes;
  return b->patched && !find_patches(r) ? bad_block(b, err) : BV_OK;
}

bv_rc bv_segread_left(bv_segread *r, size_t *left, bool *whole, bv_err *err) {
  if (r->left == 0 && r->nblock > 0) BV_TRY(next_block(r, err));
  *left = r->left;
  *whole = !r->block.patched && r->block.model.codec == BV_CODEC_TICK;
  return BV_OK;
}

/* Residuals of the next n bars, in ctx->wide or ctx->narrow. */
static bv_rc read_residuals(bv_segctx *ctx, bv_segread *r, size_t n, bv_err *err) {
  const bv_seg_block *b = &r->block;
  const unsigned h = r->head.h;
  if (b->zero) {
    memset(ctx->narrow, 0, n * sizeof *ctx->narrow);
    return BV_OK;
  }
  const size_t used = b->wide ? bv_unpack64(r->payload, r->bytes, n, h, r->plane, ctx->wide)
                              : bv_unpack32(r->payload, r->bytes, n, h, r->plane, ctx->narrow);
  if (used == 0) return bad_block(b, err);
  r->payload += used;
  r->bytes -= used;
  if (r->plane != NULL) r->plane += bv_plane_bytes(n, h);
  return BV_OK;
}

static void widen(bv_segctx *ctx, size_t n) {
  for (size_t i = 0; i < n; i++) ctx->wide[i] = ctx->narrow[i];
}

/* At a block's end all that is stored of it has been used. */
static bool end_block(bv_segread *r) {
  const bv_seg_block *b = &r->block;
  if (r->bytes != 0) return false;
  if (!b->patched) return true;
  r->payload = r->patch.end;
  return bv_patches_end(&r->patch);
}

bv_rc bv_segread_next(bv_segread *r, bv_segctx *ctx, size_t n, const bv_deps *deps, double *out,
                      bv_err *err) {
  const bv_seg_block *b = &r->block;
  BV_TRY(read_residuals(ctx, r, n, err));
  if (b->wide || b->model.codec == BV_CODEC_BITS) {
    if (!b->wide) widen(ctx, n);
    bv_codec_restore64(&b->model, &r->carry, ctx->wide, n, deps, out);
  } else {
    bv_codec_restore32(&b->model, &r->carry, ctx->narrow, n, deps, out);
  }
  r->left -= n;
  if (b->patched && !bv_patches_apply(&r->patch, out, n)) return bad_block(b, err);
  return r->left > 0 || end_block(r) ? BV_OK : bad_block(b, err);
}

/* The frames of the next n bars. */
static bv_rc skip_frames(bv_segread *r, size_t n, bv_err *err) {
  const bv_seg_block *b = &r->block;
  if (b->zero) return BV_OK;
  const size_t used = n == r->left ? r->bytes : bv_packed_bytes(r->payload, r->bytes, n, r->head.h);
  if (used == 0) return bad_block(b, err);
  r->payload += used;
  r->bytes -= used;
  if (r->plane != NULL) r->plane += bv_plane_bytes(n, r->head.h);
  return BV_OK;
}

bv_rc bv_segread_skip(bv_segread *r, bv_segctx *ctx, size_t n, double *scratch, bv_err *err) {
  const bv_seg_block *b = &r->block;
  const bv_deps none = {0, NULL, NULL};
  if (r->head.pred == BV_PRED_PREV) return bv_segread_next(r, ctx, n, &none, scratch, err);
  BV_TRY(skip_frames(r, n, err));
  r->left -= n;
  if (b->patched && !bv_patches_apply(&r->patch, scratch, n)) return bad_block(b, err);
  return r->left > 0 || end_block(r) ? BV_OK : bad_block(b, err);
}

/* ---- whole segments ---- */

/* The columns a blob was coded against must be there, bar for bar. */
static bv_rc take_deps(const bv_seg_head *h, const bv_bars *bars, bv_deps *out, bv_err *err) {
  const unsigned needs = bv_pred_needs(h->pred);
  *out = (bv_deps){0, NULL, NULL};
  if (needs == 0 || h->n == 0) return BV_OK;
  const char *name = bv_column_name((int)h->col);
  if (bars == NULL || bars->n != (int64_t)h->n)
    return bv_fail(err, BV_ARG, "segment: %s needs %u bars of other columns", name, h->n);
  out->open = bars->col[BV_COL_OPEN];
  out->close = bars->col[BV_COL_CLOSE];
  if ((needs & BV_COLBIT(BV_COL_CLOSE)) && out->close == NULL)
    return bv_fail(err, BV_ARG, "segment: %s needs close", name);
  if ((needs & BV_COLBIT(BV_COL_OPEN)) && out->open == NULL)
    return bv_fail(err, BV_ARG, "segment: %s needs open", name);
  return BV_OK;
}

/* The reader that a context keeps for whole segments. */
static bv_rc reader_of(bv_segctx *ctx, bv_segread **out) {
  if (ctx->reader == NULL) BV_TRY(bv_segread_new(&ctx->reader));
  *out = ctx->reader;
  return BV_OK;
}

bv_rc bv_segment_decode(bv_segctx *ctx, bv_column col, const void *blob, size_t bytes,
                        const bv_bars *bars, double *out, size_t cap, size_t *n, bv_err *err) {
  bv_segread *r;
  bv_deps deps;
  if (col < 0 || col >= BV_SEG_NCOL)
    return bv_fail(err, BV_ARG, "segment: no value column %d", (int)col);
  BV_TRY(reader_of(ctx, &r));
  BV_TRY(begin(r, ctx, col, blob, bytes, cap, err));
  BV_TRY(take_deps(&r->head, bars, &deps, err));
  for (;;) {
    size_t left;
    bool whole;
    BV_TRY(bv_segread_left(r, &left, &whole, err));
    if (left == 0) break;
    BV_TRY(bv_segread_next(r, ctx, left, &deps, out + deps.at, err));
    deps.at += left;
  }
  *n = r->head.n;
  return BV_OK;
}

bv_rc bv_segment_decode_ts(bv_segctx *ctx, const void *blob, size_t bytes, int64_t *out, size_t cap,
                           size_t *n, bv_err *err) {
  bv_segread *r;
  BV_TRY(reader_of(ctx, &r));
  BV_TRY(begin(r, ctx, BV_COL_TS, blob, bytes, cap, err));
  while (r->nblock > 0) {
    BV_TRY(next_block(r, err));
    const bv_seg_block *b = &r->block;
    BV_TRY(read_residuals(ctx, r, b->n, err));
    if (r->bytes != 0 || b->patched) return bad_block(b, err);
    if (b->zero)
      bv_codec_restore_time0(&b->model, b->n, out + b->at);
    else if (b->wide)
      bv_codec_restore_time(&b->model, ctx->wide, b->n, out + b->at);
    else
      bv_codec_restore_time32(&b->model, ctx->narrow, b->n, out + b->at);
  }
  *n = r->head.n;
  return BV_OK;
}
