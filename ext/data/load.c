/* load.c - storing many bars of one series; see load.h. */
#include "data/load.h"
#include "data/compact.h"
#include "data/hot.h"
#include "data/raw.h"
#include "data/seg.h"

#include <math.h>

/* Fewer bars than this do not pay for rewriting a chunk: they go to rows. */
#define MERGE_MIN 128

void bv_load_init(bv_load *l, const bv_series *series, unsigned mask, bv_on_conflict how) {
  *l = (bv_load){.series = *series, .how = how, .chunk = -1};
  bv_chunk_init(&l->pending, BV_MEM_IMPORT, mask);
}

void bv_load_reset(bv_load *l) {
  bv_chunk_reset(&l->pending);
}

static void bar_at(const bv_bars *b, int64_t i, double v[BV_NCOL]) {
  for (int c = 0; c < BV_NCOL; c++) v[c] = b->col[c] ? b->col[c][i] : NAN;
}

static bv_rc flush_rows(bv_store *s, bv_load *l, bv_err *err) {
  bv_bars p = bv_chunk_view(&l->pending);
  for (int64_t i = 0; i < p.n; i++) {
    double v[BV_NCOL];
    bv_put_result what;
    bar_at(&p, i, v);
    BV_TRY(bv_raw_put(s, &l->series, p.ts[i], v, l->how, &what, err));
    l->fresh += what == BV_PUT_NEW;
    l->changed += what == BV_PUT_CHANGED;
  }
  return BV_OK;
}

/* Join the chunk's stored bars with the pending ones into out.  Both are in order of time. */
static bv_rc join(bv_load *l, const bv_bars *old, bv_chunk *out, bv_err *err) {
  bv_bars p = bv_chunk_view(&l->pending);
  int64_t i = 0, j = 0;
  BV_TRY(bv_chunk_reserve(out, old->n + p.n));
  while (i < old->n || j < p.n) {
    double v[BV_NCOL], was[BV_NCOL];
    if (j == p.n || (i < old->n && old->ts[i] < p.ts[j])) {
      bar_at(old, i, v);
      BV_TRY(bv_chunk_add(out, old->ts[i++], v));
      continue;
    }
    bar_at(&p, j, v);
    if (i < old->n && old->ts[i] == p.ts[j]) {
      bar_at(old, i++, was);
      bool same = bv_bar_same(was, v);
      if (!same && l->how == BV_CONFLICT_ERROR) return bv_put_conflict(&l->series, p.ts[j], err);
      bool keep_old = same || l->how == BV_CONFLICT_IGNORE;
      l->changed += !keep_old;
      BV_TRY(bv_chunk_add(out, p.ts[j++], keep_old ? was : v));
    } else {
      l->fresh++;
      BV_TRY(bv_chunk_add(out, p.ts[j++], v));
    }
  }
  return BV_OK;
}

static bv_rc write_joined(bv_store *s, bv_load *l, const bv_chunk *all, int64_t lo, int64_t hi,
                          bv_err *err) {
  bv_bars view = bv_chunk_view(all);
  BV_TRY(bv_seg_write(s, &l->series, l->chunk, &view, err));
  return bv_hot_delete(s, l->series.id, lo, hi, err);
}

/* Rewrite the chunk with the pending bars in it. */
static bv_rc flush_chunk(bv_store *s, bv_load *l, bv_err *err) {
  int64_t lo, hi, fresh = l->fresh, changed = l->changed;
  bv_chunk old, all;
  bv_seg_range(&l->series, l->chunk, &lo, &hi);
  bv_chunk_init(&old, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_chunk_init(&all, BV_MEM_IMPORT, BV_STORED_MASK);
  bv_rc rc = bv_raw_read(s, &l->series, lo, hi, INT64_MAX, false, &old, err);
  if (rc == BV_OK && old.n == 0) { /* a chunk that is new needs no joining */
    l->fresh += l->pending.n;
    rc = write_joined(s, l, &l->pending, lo, hi, err);
  } else if (rc == BV_OK) {
    bv_bars view = bv_chunk_view(&old);
    rc = join(l, &view, &all, err);
    bool any = l->fresh != fresh || l->changed != changed;
    if (rc == BV_OK && any && all.n <= BV_SEG_SEAL_MAX) {
      rc = write_joined(s, l, &all, lo, hi, err);
    } else if (rc == BV_OK && any) { /* too dense to seal */
      l->fresh = fresh;
      l->changed = changed;
      rc = flush_rows(s, l, err);
    }
  }
  bv_chunk_reset(&old);
  bv_chunk_reset(&all);
  return rc;
}

static bv_rc flush(bv_store *s, bv_load *l, bv_err *err) {
  bv_rc rc = BV_OK;
  bool ordered = bv_chunk_ordered(&l->pending);
  if (!ordered && l->how == BV_CONFLICT_REPLACE) { /* the last of equal times counts */
    rc = bv_chunk_sort(&l->pending, NULL);
    ordered = true;
  }
  if (rc == BV_OK && l->pending.n > 0) {
    bool whole = ordered && l->pending.n >= MERGE_MIN && l->pending.n <= BV_SEG_SEAL_MAX;
    rc = whole ? flush_chunk(s, l, err) : flush_rows(s, l, err);
  }
  bv_chunk_reset(
      &l->pending); /* many series may be under way: none keeps memory for a chunk it has written */
  return rc;
}

bv_rc bv_load_add(bv_store *s, bv_load *l, int64_t ts, const double value[BV_NCOL], bv_err *err) {
  bool inside = ts >= l->lo && ts < l->hi;
  if (!inside || l->pending.n == 2 * BV_SEG_SEAL_MAX) {
    BV_TRY(flush(s, l, err));
    l->chunk = bv_seg_chunk_of(&l->series, ts);
    bv_seg_range(&l->series, l->chunk, &l->lo, &l->hi);
  }
  /* One zero and one NaN, as rows keep them: the stored state must not depend on the way. */
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = isnan(value[c]) ? NAN : value[c] + 0.0;
  if (l->rows == 0 || ts < l->first) l->first = ts;
  if (l->rows == 0 || ts > l->last) l->last = ts;
  l->rows++;
  return bv_chunk_add(&l->pending, ts, v);
}

bv_rc bv_load_finish(bv_store *s, bv_load *l, bv_err *err) {
  bv_compaction done = {0};
  BV_TRY(flush(s, l, err));
  return bv_compact_series(s, &l->series, &done, err);
}
