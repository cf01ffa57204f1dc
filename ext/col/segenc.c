/*
** segenc.c - coding a column into a segment blob (format in segment.c).
**
** A column goes through four steps: integers of every block (codec.h), one prediction for the whole
** segment, residuals, and packing: every frame at its cheapest width, or with the top bits of the
** residuals in an entropy-coded plane where that is smaller.
*/
#include "col/crc32c.h"
#include "col/segctx.h"

#include <math.h>
#include <string.h>

/* 4,096 bars a block, as large as the format allows: the directory then costs about 1 % of a segment
** (2,048: 2 %). */
enum { BLOCK_LOG2 = 12 };

/* The work on one column. */
typedef struct job {
  bv_segctx *ctx;
  const bv_bars *in;
  bv_column col;
  const double *x; /* NULL for times */
  size_t n, nblock;
  bv_pred pred;
  int64_t *k;
  uint64_t *u;
  uint8_t *patch;
  bv_seg_block *block;
} job;

/* All blocks packed. */
typedef struct packing {
  uint8_t *bytes; /* the blocks' frames, one after the other */
  uint32_t *of;   /* bytes of every block */
  size_t total;   /* their sum */
  size_t plane_n; /* bytes of the plane */
  unsigned h, k;
} packing;

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "segment: no memory");
}

static bv_rc job_start(job *j, bv_err *err) {
  bv_segctx *ctx = j->ctx;
  const size_t n = j->n ? j->n : 1;
  j->nblock = (j->n + ((size_t)1 << BLOCK_LOG2) - 1) >> BLOCK_LOG2;
  j->k = bv_seg_room(&ctx->ints, n * sizeof *j->k);
  j->u = bv_seg_room(&ctx->residual, n * sizeof *j->u);
  j->patch = bv_seg_room(&ctx->patch, n);
  j->block = bv_seg_room(&ctx->block, (j->nblock ? j->nblock : 1) * sizeof *j->block);
  if (j->k == NULL || j->u == NULL || j->patch == NULL || j->block == NULL) return no_memory(err);
  for (size_t i = 0; i < j->nblock; i++) {
    bv_seg_block *b = j->block + i;
    memset(b, 0, sizeof *b);
    b->at = i << BLOCK_LOG2;
    b->n = j->n - b->at < ((size_t)1 << BLOCK_LOG2) ? j->n - b->at : (size_t)1 << BLOCK_LOG2;
  }
  bv_buf_clear(&ctx->patches);
  bv_buf_clear(&ctx->dir);
  return BV_OK;
}

/* ---- integers and statistics ---- */

static bv_rc block_values(job *j, bv_seg_block *b, bv_err *err) {
  bv_segctx *ctx = j->ctx;
  const double *x = j->x + b->at;
  int64_t *k = j->k + b->at;
  uint8_t *patch = j->patch + b->at;
  b->patched = bv_codec_quantise(x, b->n, &b->model, k, patch) > 0;

  bv_model volume;
  const double *vol = j->in->col[BV_COL_VOLUME];
  int64_t *vol_k = NULL;
  if (vol != NULL && (j->col == BV_COL_CLOSE || j->col == BV_COL_VWAP)) {
    vol_k = bv_seg_room(&ctx->vol_ints, SEG_BLOCK_MAX * sizeof *vol_k);
    uint8_t *vol_patch = bv_seg_room(&ctx->vol_patch, SEG_BLOCK_MAX);
    if (vol_k == NULL || vol_patch == NULL) return no_memory(err);
    const size_t bad = bv_codec_quantise(vol + b->at, b->n, &volume, vol_k, vol_patch);
    if (bad > 0 || volume.codec != BV_CODEC_TICK) vol_k = NULL;
  }
  bv_seg_block_measure(j->col, x, k, patch, vol_k ? &volume : NULL, vol_k, b);
  return BV_OK;
}

static void block_times(job *j, bv_seg_block *b) {
  bv_codec_quantise_time(j->in->ts + b->at, b->n, &b->model);
  memcpy(j->k + b->at, j->in->ts + b->at, b->n * sizeof *j->k);
  memset(j->patch + b->at, 0, b->n);
  bv_seg_block_measure_time(j->in->ts + b->at, b);
}

/* ---- prediction ---- */

/* The predictions worth trying for a column; the second is BV_PRED_COUNT where there is no choice. */
static void preds_of(const job *j, bv_pred try[2]) {
  const bool open = j->in->col[BV_COL_OPEN] != NULL, close = j->in->col[BV_COL_CLOSE] != NULL;
  try[1] = BV_PRED_COUNT;
  switch (j->col) {
  case BV_COL_TS:
    try[0] = BV_PRED_TREND;
    try[1] = BV_PRED_PREV;
    break;
  case BV_COL_OPEN: try[0] = close ? BV_PRED_PREV_CLOSE : BV_PRED_PREV; break;
  case BV_COL_HIGH: try[0] = !close ? BV_PRED_PREV : open ? BV_PRED_MAX_OC : BV_PRED_CLOSE; break;
  case BV_COL_LOW: try[0] = !close ? BV_PRED_PREV : open ? BV_PRED_MIN_OC : BV_PRED_CLOSE; break;
  case BV_COL_CLOSE: try[0] = BV_PRED_PREV; break;
  case BV_COL_VWAP:
  case BV_COL_BID:
  case BV_COL_ASK:
    try[0] = BV_PRED_PREV;
    if (close) try[1] = BV_PRED_CLOSE;
    break;
  default: try[0] = BV_PRED_NONE; try[1] = BV_PRED_PREV;
  }
}

/* Residuals of block i under one prediction. */
static void residuals(job *j, size_t i, bv_pred pred) {
  bv_seg_block *b = j->block + i;
  const bv_deps deps = {b->at, j->in->col[BV_COL_OPEN], j->in->col[BV_COL_CLOSE]};
  b->model.pred = pred;
  bv_codec_residual(j->k + b->at, b->patched ? j->patch + b->at : NULL, b->n, &deps, &b->model,
                    j->u + b->at);
}

/* Choose the prediction by the packed size of the first block. */
static void predict_best(job *j) {
  bv_pred try[2];
  preds_of(j, try);
  j->pred = try[0];
  if (try[1] != BV_PRED_COUNT && j->nblock > 0) {
    residuals(j, 0, try[1]);
    const size_t second = bv_pack_size(j->u, j->block->n);
    residuals(j, 0, try[0]);
    if (second < bv_pack_size(j->u, j->block->n)) j->pred = try[1];
  }
  for (size_t i = 0; i < j->nblock; i++) residuals(j, i, j->pred);
}

static bool all_zero(const uint64_t *u, size_t n) {
  uint64_t any = 0;
  for (size_t i = 0; i < n; i++) any |= u[i];
  return any == 0;
}

/* ---- packing ---- */

static bv_rc pack_blocks(job *j, unsigned h, unsigned k, packing *c, bv_err *err) {
  const size_t bound = bv_pack_bound(j->n) + j->nblock * (bv_pack_bound(1) + sizeof *c->of);
  uint8_t *p = bv_seg_room(&j->ctx->packed, bound + sizeof *c->of);
  uint8_t *plane = bv_seg_room(&j->ctx->plane, h ? bv_plane_bytes(j->n, h) + 64 * j->nblock : 1);
  if (p == NULL || plane == NULL) return no_memory(err);
  c->of = (uint32_t *)(void *)p;
  c->bytes = p + j->nblock * sizeof *c->of;
  c->total = c->plane_n = 0;
  c->h = h;
  c->k = k;
  for (size_t i = 0; i < j->nblock; i++) {
    bv_seg_block *b = j->block + i;
    size_t used = 0;
    if (!b->zero) {
      used = bv_pack(j->u + b->at, b->n, h, k, c->bytes + c->total, plane + c->plane_n, &b->wide);
      c->plane_n += bv_plane_bytes(b->n, h);
    }
    c->of[i] = (uint32_t)used;
    c->total += used;
  }
  return BV_OK;
}

/* What is known of the residuals before choosing a plane. */
typedef struct profile {
  size_t above[65];  /* how many have more than this many bits */
  size_t value[256]; /* how many are this, 255 counting all above */
  size_t n;
  unsigned top; /* most bits of any */
} profile;

static void profile_take(const job *j, profile *out) {
  memset(out, 0, sizeof *out);
  size_t width[65] = {0};
  uint32_t value[4][256]; /* counting into one would wait for itself where values repeat */
  memset(value, 0, sizeof value);
  for (size_t i = 0; i < j->n; i++) {
    const uint64_t u = j->u[i];
    value[i & 3][u < 255 ? u : 255]++;
    if (u >= 255) width[bv_bit_width(u)]++;
  }
  for (size_t v = 0; v < 256; v++) {
    out->value[v] = value[0][v] + value[1][v] + value[2][v] + value[3][v];
    if (v < 255) width[bv_bit_width(v)] += out->value[v];
  }
  for (unsigned w = 64; w > 0; w--) {
    out->above[w - 1] = out->above[w] + width[w];
    if (out->top == 0 && width[w] > 0) out->top = w;
  }
  out->n = j->n;
}

/* Bits that a Huffman code spends above the entropy on a symbol, given the share of the most frequent
** one: a code of one bit for more than half of everything is too long. */
static double huffman_excess(double top) {
  if (top <= 0.5 || top >= 1) return 0.03;
  return 1.03 + top * log2(top) + (1 - top) * log2(1 - top);
}

/* Bytes of symbols with these counts under an entropy coder that joins `joint` of them to a byte. */
static double entropy_bytes(const size_t *count, size_t n_symbol, size_t n, unsigned joint) {
  double bits = 0, kinds = 0, top = 0, rest_top = 0;
  for (size_t s = 0; s < n_symbol; s++) {
    if (count[s] == 0) continue;
    const double share = (double)count[s] / (double)n;
    bits -= (double)count[s] * log2(share);
    kinds++;
    if (share > top) {
      rest_top = top;
      top = share;
    } else if (share > rest_top) {
      rest_top = share;
    }
  }
  double excess = huffman_excess(pow(top, joint));
  /* Single symbols: the code of what is not the most frequent one has the same trouble. */
  if (joint == 1 && top < 1) excess += (1 - top) * huffman_excess(rest_top / (1 - top));
  /* Measured: below 4 bits a byte, chance repetitions cost up to half a bit. */
  const double bytes = (double)n / joint, per_byte = bits / bytes;
  if (per_byte < 4) excess += 0.12 * (4 - per_byte);
  const double table = fmin(pow(kinds, joint) / 2, 100);
  return (bits + excess * bytes) / 8 + table + 20;
}

/* Exceptions above the low `fit` bits, in bytes. */
static double beyond(const profile *f, unsigned fit) {
  return fit < f->top ? (double)f->above[fit] * (8 + f->top - fit) / 8 : 0;
}

/* The plane of h bits with the fewest estimated bytes.  Where 8 bits hold nearly all values, planes
** of 1, 2 and 4 bits are tried too: they put several values into one symbol, which an entropy coder
** of whole bytes codes smaller and decodes faster.  Otherwise the plane is the top 8 bits. */
static double plane_plan(const profile *f, unsigned *h, unsigned *k) {
  static const unsigned width[4] = {1, 2, 4, 8};
  double best = 1e300;
  *h = 8;
  *k = 0;
  for (unsigned at = 0; at <= 56; at++) {
    const double bytes = (double)(f->n * at) / 8 + beyond(f, at + 8);
    if (bytes >= best) continue;
    best = bytes;
    *k = at;
  }
  /* The value counts end at 8 bits, so above them the top bits are taken to be 6 bits of
  ** information. */
  if (*k > 0) return best + (double)f->n * 6 / 8;
  best = 1e300;
  for (unsigned q = 0; q < 4; q++) {
    size_t count[256] = {0};
    const size_t mask = ((size_t)1 << width[q]) - 1;
    for (size_t v = 0; v < 256; v++) count[v & mask] += f->value[v];
    const double bytes = beyond(f, width[q]) + entropy_bytes(count, mask + 1, f->n, 8 / width[q]);
    if (bytes >= best) continue;
    best = bytes;
    *h = width[q];
  }
  return best;
}

/* Pack with a plane at this level; *z gets the bytes of the plane, the best of the allowed ways. */
static bv_rc deflate_best(job *j, const packing *c, int level, size_t *z, bv_err *err) {
  BV_TRY(bv_seg_deflate(j->ctx, j->ctx->plane.p, c->plane_n, level, z, err));
  if (level == 1) return BV_OK;
  const size_t deep = *z;
  BV_TRY(bv_seg_deflate(j->ctx, j->ctx->plane.p, c->plane_n, 1, z, err));
  if (*z <= deep) return BV_OK;
  return bv_seg_deflate(j->ctx, j->ctx->plane.p, c->plane_n, level, z, err);
}

/* Bytes of the frames without a plane. */
static size_t plain_size(const job *j) {
  size_t n = 0;
  for (size_t i = 0; i < j->nblock; i++)
    if (!j->block[i].zero) n += bv_pack_size(j->u + j->block[i].at, j->block[i].n);
  return n;
}

/* Choose how the blocks are packed.  An entropy-coded form has to be 1 % smaller to be worth its
** decoding time. */
static bv_rc pack_best(job *j, int level, packing *out, size_t *z, bv_err *err) {
  profile f;
  unsigned h, k;
  const size_t plain = level > 0 ? plain_size(j) : 0;
  if (plain > 0) {
    profile_take(j, &f);
    if (plane_plan(&f, &h, &k) < (double)plain) {
      BV_TRY(pack_blocks(j, h, k, out, err));
      BV_TRY(deflate_best(j, out, level, z, err));
      if ((out->total + *z) * 100 < plain * 99) return BV_OK;
    }
  }
  *z = 0;
  return pack_blocks(j, 0, 0, out, err);
}

/* ---- the blob ---- */

/* Patch lists of all blocks one after the other; b->bytes gets each list's size. */
static bv_rc put_patches(job *j) {
  bv_buf *out = &j->ctx->patches;
  for (size_t i = 0; i < j->nblock; i++) {
    bv_seg_block *b = j->block + i;
    const size_t before = out->n;
    if (b->patched) BV_TRY(bv_patches_put(j->x + b->at, j->patch + b->at, b->n, out));
    b->bytes = (uint32_t)(out->n - before);
  }
  return BV_OK;
}

static bv_rc put_crc(bv_buf *out, size_t from) {
  const uint32_t crc = bv_crc32c(out->p + from, out->n - from);
  const uint8_t le[SEG_CRC] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                               (uint8_t)(crc >> 24)};
  return bv_buf_add(out, le, sizeof le);
}

static bv_rc put_blob(job *j, const packing *c, size_t z, bv_buf *out, bv_seg_stat *stat) {
  bv_segctx *ctx = j->ctx;
  BV_TRY(put_patches(j));
  bv_seg_head h = {.col = j->col,
                   .plane = z > 0,
                   .n = (uint32_t)j->n,
                   .log2 = BLOCK_LOG2,
                   .pred = j->pred,
                   .h = c->h,
                   .plane_z = (uint32_t)z};
  if (stat != NULL) bv_seg_stat_begin(&h, stat);
  for (size_t i = 0; i < j->nblock; i++) {
    bv_seg_block entry = j->block[i];
    entry.bytes += c->of[i];
    BV_TRY(bv_seg_block_write(j->col, &entry, &ctx->dir));
    if (stat != NULL) bv_seg_stat_add(&h, &entry, stat);
  }
  h.dir = (uint32_t)ctx->dir.n;
  h.total = (uint32_t)(bv_seg_head_size(&h) + z + c->total + ctx->patches.n + SEG_CRC);
  if (stat != NULL) stat->bytes = h.total;

  BV_TRY(bv_buf_reserve(out, h.total));
  const size_t start = out->n;
  BV_TRY(bv_seg_head_write(&h, out));
  BV_TRY(bv_buf_add(out, bv_buf_text(&ctx->dir), ctx->dir.n));
  BV_TRY(put_crc(out, start));
  const size_t body = out->n;
  if (z > 0) BV_TRY(bv_buf_add(out, ctx->plane_z.p, z));
  const uint8_t *packed = c->bytes;
  const char *patches = bv_buf_text(&ctx->patches);
  for (size_t i = 0; i < j->nblock; i++) {
    BV_TRY(bv_buf_add(out, packed, c->of[i]));
    BV_TRY(bv_buf_add(out, patches, j->block[i].bytes));
    packed += c->of[i];
    patches += j->block[i].bytes;
  }
  return put_crc(out, body);
}

static bv_rc check_request(const bv_bars *in, bv_column col, int level, bv_err *err) {
  if (in->n < 0 || in->n > BV_SEG_MAX)
    return bv_fail(err, BV_ARG, "segment: %lld bars, at most %d", (long long)in->n, BV_SEG_MAX);
  if (level < 0 || level > BV_SEG_LEVEL_MAX)
    return bv_fail(err, BV_ARG, "segment: level %d, known are 0 to %d", level, BV_SEG_LEVEL_MAX);
  const bool known = col == BV_COL_TS || ((int)col >= 0 && col < BV_SEG_NCOL);
  if (!known || (in->n > 0 && (col == BV_COL_TS ? in->ts == NULL : in->col[col] == NULL)))
    return bv_fail(err, BV_ARG, "segment: no column %s to store", bv_column_name((int)col));
  return BV_OK;
}

bv_rc bv_segment_encode(bv_segctx *ctx, const bv_bars *in, bv_column col, int level, bv_buf *out,
                        bv_seg_stat *stat, bv_err *err) {
  BV_TRY(check_request(in, col, level, err));
  job j = {.ctx = ctx, .in = in, .col = col, .n = (size_t)in->n};
  j.x = col == BV_COL_TS ? NULL : in->col[col];
  BV_TRY(job_start(&j, err));
  for (size_t i = 0; i < j.nblock; i++) {
    if (col == BV_COL_TS)
      block_times(&j, j.block + i);
    else
      BV_TRY(block_values(&j, j.block + i, err));
  }
  predict_best(&j);
  for (size_t i = 0; i < j.nblock; i++)
    j.block[i].zero = all_zero(j.u + j.block[i].at, j.block[i].n);

  packing c;
  size_t z;
  BV_TRY(pack_best(&j, level, &c, &z, err));
  const size_t before = out->n;
  bv_rc rc = put_blob(&j, &c, z, out, stat);
  if (rc == BV_OK) return BV_OK;
  out->n = before;
  return bv_fail(err, rc, "segment: could not write the blob: %s", bv_rc_text(rc));
}
