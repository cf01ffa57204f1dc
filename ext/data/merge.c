/*
** merge.c - the stored bars of one file as one sequence: sealed chunks and rows merged; see own.h.
**
** Time is walked chunk by chunk.  Between sealed chunks there are rows only; inside one, rows and
** sealed bars are merged by time, and the row wins where both have one.
*/
#include "data/hot.h"
#include "data/own.h"
#include "data/seg.h"
#include "time/instant.h"

/* Append bars [i, j) of a sealed chunk. */
static bv_rc append_range(bv_chunk *out, const bv_bars *b, int64_t i, int64_t j) {
  bv_bars v = bv_bars_range(b, i, j);
  return bv_chunk_append(out, &v);
}

bv_rc bv_own_merge(bv_chunk *out, const bv_bars *sealed, int64_t i, int64_t j, const bv_bars *rows,
                   int64_t want) {
  for (int64_t k = 0; k < rows->n && out->n < want; k++) {
    int64_t cut = bv_bars_lower_bound(sealed, rows->ts[k]);
    if (cut > j) cut = j;
    if (cut - i > want - out->n) cut = i + (want - out->n);
    BV_TRY(append_range(out, sealed, i, cut));
    if (cut > i) i = cut;
    if (out->n == want) return BV_OK;
    BV_TRY(append_range(out, rows, k, k + 1));
    if (i < j && sealed->ts[i] == rows->ts[k]) i++;
  }
  if (j - i > want - out->n) j = i + (want - out->n);
  return append_range(out, sealed, i, j);
}

/* The part [lo, hi) of a sealed chunk, with the rows in it. */
static bv_rc read_chunk(bv_store *s, const bv_series *series, int64_t chunk, int64_t lo, int64_t hi,
                        int64_t want, bv_chunk *out, bv_err *err) {
  bv_chunk rows;
  bv_bars sealed;
  bv_chunk_init(&rows, BV_MEM_DECODE, out->mask & BV_STORED_MASK);
  bv_rc rc = bv_hot_read(s, series, lo, hi, want - out->n, false, &rows, err);
  if (rc == BV_OK) rc = bv_seg_load(s, series, chunk, out->mask, &sealed, err);
  if (rc == BV_OK) {
    bv_bars r = bv_chunk_view(&rows);
    rc = bv_own_merge(out, &sealed, bv_bars_lower_bound(&sealed, lo),
                      bv_bars_lower_bound(&sealed, hi), &r, want);
  }
  bv_chunk_reset(&rows);
  return rc;
}

static bv_rc read_forward(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                          bv_chunk *out, bv_err *err) {
  int64_t want = max > INT64_MAX - out->n ? INT64_MAX : out->n + max;
  while (lo < hi && out->n < want) {
    int64_t chunk, start = INT64_MAX, end = INT64_MAX;
    BV_TRY(bv_seg_find(s, series, bv_seg_chunk_of(series, lo), false, &chunk, err));
    if (chunk >= 0 && lo <= BV_INSTANT_MAX) bv_seg_range(series, chunk, &start, &end);
    if (start > lo) { /* rows alone come first */
      int64_t stop = start < hi ? start : hi;
      BV_TRY(bv_hot_read(s, series, lo, stop, want - out->n, false, out, err));
      lo = stop;
      continue;
    }
    int64_t stop = end < hi ? end : hi;
    BV_TRY(read_chunk(s, series, chunk, lo, stop, want, out, err));
    lo = stop;
  }
  return BV_OK;
}

/* An instant lo' >= lo such that [lo', hi) holds at least `max` bars where there are so many, and not
** many more. */
static bv_rc find_start(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                        int64_t *from, bv_err *err) {
  int64_t have = 0, at = hi;
  *from = lo;
  while (at > lo && at > BV_INSTANT_MIN) { /* before that there is no chunk */
    int64_t chunk, start, end, n;
    BV_TRY(bv_seg_find(s, series, bv_seg_chunk_of(series, at - 1), true, &chunk, err));
    if (chunk < 0) return BV_OK;
    bv_seg_range(series, chunk, &start, &end);
    if (end < at) {
      BV_TRY(bv_hot_count(s, series->id, end, at, max - have, &n, err));
      have += n;
      if (have >= max) {
        *from = end > lo ? end : lo;
        return BV_OK;
      }
      at = end;
      continue;
    }
    bv_bars sealed;
    BV_TRY(bv_seg_load(s, series, chunk, 0, &sealed, err));
    have += bv_bars_lower_bound(&sealed, at); /* rows of new times in the chunk only add to it */
    if (have >= max) {
      *from = start > lo ? start : lo;
      return BV_OK;
    }
    at = start;
  }
  return BV_OK;
}

static bv_rc read_backward(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                           int64_t max, bv_chunk *out, bv_err *err) {
  int64_t chunk, start, end = INT64_MIN, from, n = 0;
  BV_TRY(bv_seg_find(s, series, bv_seg_chunk_of(series, hi - 1), true, &chunk, err));
  if (chunk >= 0) bv_seg_range(series, chunk, &start, &end);
  int64_t rows_lo = end > lo ? end : lo; /* after the last sealed chunk there are rows alone */
  if (rows_lo < hi) {
    BV_TRY(bv_hot_count(s, series->id, rows_lo, hi, max, &n, err));
    if (chunk < 0 || n >= max) return bv_hot_read(s, series, rows_lo, hi, max, true, out, err);
  }
  BV_TRY(find_start(s, series, lo, hi, max, &from, err));
  BV_TRY(read_forward(s, series, from, hi, INT64_MAX, out, err));
  bv_chunk_keep_last(out, max);
  return BV_OK;
}

/* Rows alone, a piece at a time. */
static bv_rc each_row(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, unsigned mask,
                      bv_raw_fn fn, void *ctx, bv_err *err) {
  enum { PIECE = 4096 };
  bv_chunk rows;
  bv_chunk_init(&rows, BV_MEM_DECODE, mask & BV_STORED_MASK);
  bv_rc rc;
  for (;; lo = rows.ts[rows.n - 1] + 1) {
    bv_chunk_clear(&rows);
    rc = bv_hot_read(s, series, lo, hi, PIECE, false, &rows, err);
    if (rc != BV_OK || rows.n == 0) break;
    bv_bars v = bv_chunk_view(&rows);
    rc = fn(ctx, &v);
    if (rc != BV_OK || rows.n < PIECE) break;
  }
  bv_chunk_reset(&rows);
  return rc;
}

/* The part [lo, hi) of a sealed chunk, with the rows in it. */
static bv_rc each_of_chunk(bv_store *s, const bv_series *series, int64_t chunk, int64_t lo,
                           int64_t hi, unsigned mask, bv_raw_fn fn, void *ctx, bv_err *err) {
  bv_chunk all;
  bv_bars v;
  int64_t rows;
  BV_TRY(bv_hot_count(s, series->id, lo, hi, 1, &rows, err));
  if (rows == 0) {
    BV_TRY(bv_seg_load(s, series, chunk, mask, &v, err));
    bool to_its_end = bv_bars_lower_bound(&v, hi) == v.n;
    v = bv_bars_range(&v, bv_bars_lower_bound(&v, lo), bv_bars_lower_bound(&v, hi));
    if (v.n > 0) BV_TRY(fn(ctx, &v));
    if (to_its_end) bv_seg_done(s, series, chunk);
    return BV_OK;
  }
  bv_chunk_init(&all, BV_MEM_DECODE, mask & BV_STORED_MASK);
  bv_rc rc = read_chunk(s, series, chunk, lo, hi, INT64_MAX, &all, err);
  v = bv_chunk_view(&all);
  if (rc == BV_OK && v.n > 0) rc = fn(ctx, &v);
  bv_chunk_reset(&all);
  return rc;
}

bv_rc bv_own_each(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, unsigned mask,
                  bv_raw_fn fn, void *ctx, bv_err *err) {
  while (lo < hi) {
    int64_t chunk, start = INT64_MAX, end = INT64_MAX;
    BV_TRY(bv_seg_find(s, series, bv_seg_chunk_of(series, lo), false, &chunk, err));
    if (chunk >= 0 && lo <= BV_INSTANT_MAX) bv_seg_range(series, chunk, &start, &end);
    bool sealed = start <= lo;
    int64_t stop = sealed ? end : start;
    if (stop > hi) stop = hi;
    BV_TRY(sealed ? each_of_chunk(s, series, chunk, lo, stop, mask, fn, ctx, err)
                  : each_row(s, series, lo, stop, mask, fn, ctx, err));
    lo = stop;
  }
  return BV_OK;
}

/* A chunk that reaches into [lo, hi) may have all of its bars outside. */
bv_rc bv_own_any(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, bool *out,
                 bv_err *err) {
  int64_t n, chunk, from = bv_seg_chunk_of(series, lo);
  BV_TRY(bv_hot_count(s, series->id, lo, hi, 1, &n, err));
  *out = n > 0;
  while (!*out) {
    int64_t start, end;
    bv_bars sealed;
    BV_TRY(bv_seg_find(s, series, from, false, &chunk, err));
    if (chunk < 0) return BV_OK;
    bv_seg_range(series, chunk, &start, &end);
    if (start >= hi) return BV_OK;
    BV_TRY(bv_seg_load(s, series, chunk, 0, &sealed, err));
    *out = bv_bars_lower_bound(&sealed, lo) < bv_bars_lower_bound(&sealed, hi);
    from = chunk + 1;
  }
  return BV_OK;
}

bv_rc bv_own_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                  bool desc, bv_chunk *out, bv_err *err) {
  if (lo >= hi || max <= 0) return BV_OK;
  return desc ? read_backward(s, series, lo, hi, max, out, err)
              : read_forward(s, series, lo, hi, max, out, err);
}
