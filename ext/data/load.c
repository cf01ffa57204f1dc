/* load.c - storing many bars of one series; see load.h. */
#include "data/load.h"
#include "data/compact.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/seg.h"

#include <math.h>
#include <stddef.h>

/* Fewer bars than this do not pay for rewriting a chunk: they go to rows. */
#define MERGE_MIN 128

/* The columns that nearly all bars have; others are collected once one of them has a value. */
#define USUAL                                                                                      \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

void bv_load_pool_init(bv_load_pool *p) {
  *p = (bv_load_pool){0};
  bv_chunk_init(&p->spare, BV_MEM_IMPORT, USUAL);
}

void bv_load_pool_reset(bv_load_pool *p) {
  bv_chunk_reset(&p->spare);
}

void bv_load_init(bv_load *l, const bv_series *series, bv_on_conflict how, bv_load_pool *pool) {
  *l = (bv_load){.pool = pool, .series = *series, .how = how, .chunk = -1};
  bv_chunk_init(&l->pending, BV_MEM_IMPORT, USUAL);
}

void bv_load_reset(bv_load *l) {
  bv_chunk_reset(&l->pending);
}

/* Many series may be under way: none keeps memory for a chunk it has written. */
static void give_memory(bv_load *l) {
  bv_chunk *spare = &l->pool->spare;
  l->pool->held -= l->pending.n;
  if (l->pending.cap > spare->cap && l->pending.mask == USUAL) {
    bv_chunk_reset(spare);
    *spare = l->pending;
    bv_chunk_clear(spare);
  } else {
    bv_chunk_reset(&l->pending);
  }
  bv_chunk_init(&l->pending, BV_MEM_IMPORT, USUAL);
}

static void take_memory(bv_load *l) {
  bv_chunk *spare = &l->pool->spare;
  if (l->pending.cap > 0 || spare->cap == 0) return;
  l->pending = *spare;
  bv_chunk_init(spare, BV_MEM_IMPORT, USUAL);
}

bv_rc bv_load_rest(bv_load *l) {
  if (l->pending.n == l->pending.cap || l->pool->spare.cap >= l->pending.cap) return BV_OK;
  bv_chunk copy;
  bv_bars all = bv_chunk_view(&l->pending);
  bv_chunk_init(&copy, BV_MEM_IMPORT, l->pending.mask);
  bv_rc rc = bv_chunk_append(&copy, &all);
  if (rc != BV_OK) {
    bv_chunk_reset(&copy);
    return rc;
  }
  give_memory(l);
  l->pending = copy;
  l->pool->held += copy.n;
  return BV_OK;
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
  bv_rc rc = bv_own_read(s, &l->series, lo, hi, INT64_MAX, false, &old, err);
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

/* Whether a partition has bars of the chunk: then each pending one is compared with what is there, and the file gets
** those alone that are new or differ. */
static bv_rc in_partition(bv_store *s, const bv_load *l, bool *out, bv_err *err) {
  const bv_parts *parts;
  *out = false;
  BV_TRY(bv_parts_of(s, &l->series, &parts, err));
  for (int i = 0; parts && i < parts->n; i++) {
    if (parts->at[i].first < l->hi && parts->at[i].last >= l->lo) *out = true;
  }
  return BV_OK;
}

bv_rc bv_load_flush(bv_store *s, bv_load *l, bv_err *err) {
  bv_rc rc = BV_OK;
  bool ordered = bv_chunk_ordered(&l->pending);
  if (!ordered && l->how == BV_CONFLICT_REPLACE) { /* the last of equal times counts */
    int64_t dropped = 0;
    rc = bv_chunk_sort(&l->pending, &dropped);
    l->pool->held -= dropped;
    ordered = true;
  }
  bool parted = false;
  if (rc == BV_OK && l->pending.n > 0) rc = in_partition(s, l, &parted, err);
  if (rc == BV_OK && l->pending.n > 0) {
    bool whole = ordered && !parted && l->pending.n >= MERGE_MIN && l->pending.n <= BV_SEG_SEAL_MAX;
    rc = whole ? flush_chunk(s, l, err) : flush_rows(s, l, err);
  }
  give_memory(l);
  return rc;
}

/* Where the row keeps each column. */
static const size_t row_at[BV_COL_OI + 1] = {[BV_COL_OPEN] = offsetof(bv_bar_row, open),
                                             [BV_COL_HIGH] = offsetof(bv_bar_row, high),
                                             [BV_COL_LOW] = offsetof(bv_bar_row, low),
                                             [BV_COL_CLOSE] = offsetof(bv_bar_row, close),
                                             [BV_COL_VOLUME] = offsetof(bv_bar_row, volume),
                                             [BV_COL_VWAP] = offsetof(bv_bar_row, vwap),
                                             [BV_COL_TRADES] = offsetof(bv_bar_row, trades),
                                             [BV_COL_BID] = offsetof(bv_bar_row, bid),
                                             [BV_COL_ASK] = offsetof(bv_bar_row, ask),
                                             [BV_COL_OI] = offsetof(bv_bar_row, open_interest)};

static double value_of(const bv_bar_row *row, int col) {
  return *(const double *)(const void *)((const char *)row + row_at[col]);
}

/* Collect the optional columns that have their first value here. */
static bv_rc widen(bv_load *l, const bv_bar_row *rows, size_t n) {
  for (int c = BV_COL_VWAP; c <= BV_COL_OI; c++) {
    if (l->pending.mask & BV_COLBIT(c)) continue;
    for (size_t i = 0; i < n; i++) {
      if (isnan(value_of(rows + i, c))) continue;
      BV_TRY(bv_chunk_widen(&l->pending, c));
      break;
    }
  }
  return BV_OK;
}

/* One zero and one NaN, as rows keep them: the stored state must not depend on the way. */
static double canonical(double x) {
  return isnan(x) ? NAN : x + 0.0;
}

/* Collect bars that lie in the chunk. */
static bv_rc take_rows(bv_load *l, const bv_bar_row *rows, size_t n) {
  bv_chunk *p = &l->pending;
  take_memory(l);
  BV_TRY(widen(l, rows, n));
  BV_TRY(bv_chunk_reserve(p, p->n + (int64_t)n));
  if (l->rows == 0) l->first = l->last = rows[0].ts;
  for (size_t i = 0; i < n; i++) {
    int64_t ts = p->ts[p->n + (int64_t)i] = rows[i].ts;
    l->first = ts < l->first ? ts : l->first;
    l->last = ts > l->last ? ts : l->last;
  }
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (!p->col[c]) continue;
    double *to = p->col[c] + p->n;
    for (size_t i = 0; i < n; i++) to[i] = canonical(value_of(rows + i, c));
  }
  p->n += (int64_t)n;
  l->rows += (int64_t)n;
  l->pool->held += (int64_t)n;
  return BV_OK;
}

bv_rc bv_load_rows(bv_store *s, bv_load *l, const bv_bar_row *rows, size_t n, bv_err *err) {
  while (n > 0) {
    bool inside = rows->ts >= l->lo && rows->ts < l->hi;
    if (!inside || l->pending.n == 2 * BV_SEG_SEAL_MAX) {
      BV_TRY(bv_load_flush(s, l, err));
      l->chunk = bv_seg_chunk_of(&l->series, rows->ts);
      bv_seg_range(&l->series, l->chunk, &l->lo, &l->hi);
    }
    size_t room = (size_t)(2 * BV_SEG_SEAL_MAX - l->pending.n), k = 1;
    if (room > n) room = n;
    while (k < room && rows[k].ts >= l->lo && rows[k].ts < l->hi) k++;
    BV_TRY(take_rows(l, rows, k));
    rows += k;
    n -= k;
  }
  return BV_OK;
}

bv_rc bv_load_finish(bv_store *s, bv_load *l, bv_err *err) {
  bv_compaction done = {0};
  BV_TRY(bv_load_flush(s, l, err));
  return bv_compact_series(s, &l->series, &done, err);
}
