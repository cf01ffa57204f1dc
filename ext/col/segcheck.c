/*
** segcheck.c - verification of a segment's statistics against its decoded values.
*/
#include "col/segctx.h"

#include <string.h>

static bool same_double(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_stats(const bv_seg_block *a, const bv_seg_block *b, bool dot) {
  if (a->exact != b->exact || a->patched != b->patched || a->nulls != b->nulls) return false;
  if (!a->exact)
    return same_double(a->d_first, b->d_first) && same_double(a->d_last, b->d_last) &&
           same_double(a->d_min, b->d_min) && same_double(a->d_max, b->d_max);
  return a->model.first == b->model.first && a->k_last == b->k_last && a->k_min == b->k_min &&
         a->k_max == b->k_max && a->sum == b->sum && a->sumsq == b->sumsq &&
         (!dot || a->dot == b->dot);
}

/* The statistics of a block of values, measured again on the grid the block says it has; *dot tells
** whether the sum with the volumes could be measured. */
static bv_rc measure(bv_segctx *ctx, bv_column col, const double *x, const double *volume,
                     bv_seg_block *b, bool *dot) {
  int64_t *k = bv_seg_room(&ctx->ints, SEG_BLOCK_MAX * sizeof *k);
  int64_t *vol_k = bv_seg_room(&ctx->vol_ints, SEG_BLOCK_MAX * sizeof *vol_k);
  uint8_t *patch = bv_seg_room(&ctx->patch, SEG_BLOCK_MAX);
  uint8_t *vol_patch = bv_seg_room(&ctx->vol_patch, SEG_BLOCK_MAX);
  if (k == NULL || vol_k == NULL || patch == NULL || vol_patch == NULL) return BV_NOMEM;
  bv_model vol;
  const int vol_scale = b->vol_scale;
  *dot = b->has_dot && volume != NULL &&
         bv_codec_quantise(volume + b->at, b->n, &vol, vol_k, vol_patch) == 0 &&
         vol.codec == BV_CODEC_TICK && vol.scale == vol_scale;
  b->patched = bv_codec_apply(x + b->at, b->n, &b->model, k, patch) > 0;
  bv_seg_block_measure(col, x + b->at, k, patch, *dot ? &vol : NULL, vol_k, b);
  return BV_OK;
}

static bv_rc check_blocks(bv_segctx *ctx, const void *blob, size_t bytes, const double *x,
                          const int64_t *ts, const double *volume, bv_err *err) {
  bv_seg_head h;
  bv_seg_cursor c;
  BV_TRY(bv_seg_head_read(blob, bytes, &h, &c, err));
  for (size_t i = bv_seg_nblock(&h); i > 0; i--) {
    bv_seg_block b;
    bool dot = false;
    BV_TRY(bv_seg_block_read(&h, &c, &b, err));
    bv_seg_block again = b;
    if (ts != NULL) {
      again.model.first = ts[b.at];
      bv_seg_block_measure_time(ts + b.at, &again);
    } else if (measure(ctx, h.col, x, volume, &again, &dot) != BV_OK) {
      return bv_fail(err, BV_NOMEM, "segment: no memory");
    }
    if (!same_stats(&b, &again, dot))
      return bv_fail(err, BV_CORRUPT,
                     "segment: the statistics of %s at bar %zu are not those of its values",
                     bv_column_name((int)h.col), b.at);
  }
  return BV_OK;
}

bv_rc bv_segment_check(bv_segctx *ctx, bv_column col, const void *blob, size_t bytes,
                       const bv_bars *deps, bv_err *err) {
  bv_seg_stat stat;
  BV_TRY(bv_segment_stat(blob, bytes, &stat, err));
  const size_t room = stat.n > 0 ? (size_t)stat.n : 1;
  size_t n;
  bv_rc rc;
  if (col == BV_COL_TS) {
    int64_t *ts = bv_alloc(BV_MEM_DECODE, room * sizeof *ts);
    if (ts == NULL) return bv_fail(err, BV_NOMEM, "segment: no memory");
    rc = bv_segment_decode_ts(ctx, blob, bytes, ts, room, &n, err);
    if (rc == BV_OK) rc = check_blocks(ctx, blob, bytes, NULL, ts, NULL, err);
    bv_free(ts);
    return rc;
  }
  double *x = bv_alloc(BV_MEM_DECODE, room * sizeof *x);
  if (x == NULL) return bv_fail(err, BV_NOMEM, "segment: no memory");
  const double *volume = deps && deps->n == stat.n ? deps->col[BV_COL_VOLUME] : NULL;
  rc = bv_segment_decode(ctx, col, blob, bytes, deps, x, room, &n, err);
  if (rc == BV_OK) rc = check_blocks(ctx, blob, bytes, x, NULL, volume, err);
  bv_free(x);
  return rc;
}
