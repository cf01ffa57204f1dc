/* walk.c - the stored bars of a series, a piece at a time; see walk.h. */
#include "data/walk.h"
#include "data/cachelog.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/raw.h"
#include "data/segfetch.h"
#include "time/instant.h"

#define MERGED 8 /* pieces that are merged at a time where rows are among sealed bars */

static unsigned with_needs(unsigned mask) {
  unsigned all = mask & BV_STORED_MASK;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (mask & BV_COLBIT(c)) all |= bv_segment_needs((bv_column)c);
  }
  return all;
}

int64_t bv_walk_bytes(unsigned mask, int64_t bars) {
  return (int64_t)sizeof(bv_walk) + bv_pieces_bytes(__builtin_popcount(with_needs(mask)), bars);
}

void bv_walk_open(bv_walk *w, bv_store *s, const bv_source *src, int64_t lo, int64_t hi,
                  unsigned mask, int number) {
  *w = (bv_walk){.store = src->base.home ? src->base.home : s,
                 .src = *src,
                 .lo = lo,
                 .hi = hi,
                 .mask = mask & BV_STORED_MASK,
                 .want = with_needs(mask),
                 .now = with_needs(mask),
                 .number = number};
  bv_chunk_init(&w->rows, BV_MEM_CURSOR, w->mask);
}

void bv_walk_now(bv_walk *w, unsigned mask) {
  w->now = with_needs(mask & w->mask);
}

static void leave_chunk(bv_walk *w) {
  if (w->pieces) bv_pieces_leave(w->pieces, w->crew);
  bv_times_done(w->times);
  w->times = NULL;
}

void bv_walk_close(bv_walk *w) {
  leave_chunk(w);
  bv_pieces_free(w->pieces, w->crew);
  bv_chunk_reset(&w->rows);
  *w = (bv_walk){0};
}

/* ---- sealed chunks ---- */

/* Where the chunk lies: in the walk's store, or in a partition.  What is decoded with is the walk's store's, which
** outlasts a partition's. */
typedef struct place {
  bv_store *store;
  const bv_series *series;
} place;

static bv_rc open_times(bv_walk *w, const place *in, bv_segctx *ctx, bv_timeset *set, bv_err *err) {
  const bv_series *series = in->series;
  sqlite3_stmt *st;
  const void *blob = NULL;
  int bytes = 0;
  int64_t n, start, end, t0 = bv_log_now();
  BV_TRY(bv_seg_fetch(in->store, series, w->chunk, BV_COL_TS, &st, &blob, &bytes, &n, err));
  if (n < 0) return bv_seg_corrupt(series, w->chunk, BV_COL_TS, "the column is missing", err);
  bv_err why = {0};
  bv_rc rc = bv_times_get(set, ctx, blob, (size_t)bytes, n, &w->times, &why);
  sqlite3_reset(st);
  BV_TRY(bv_seg_decoded(series, w->chunk, BV_COL_TS, rc, &why, true, err));
  bv_seg_note(w->store, series, BV_COL_TS, n, t0);
  const int64_t *ts = w->times->ts;
  bv_seg_range(series, w->chunk, &start, &end);
  if (w->times->ordered && ts[0] >= start && ts[n - 1] < end) return BV_OK;
  leave_chunk(w);
  return bv_seg_corrupt(series, w->chunk, BV_COL_TS,
                        "times lie outside the chunk or are not in order", err);
}

static bv_rc open_column(bv_walk *w, const place *in, int col, bv_err *err) {
  const bv_series *series = in->series;
  sqlite3_stmt *st;
  const void *blob = NULL;
  int bytes = 0;
  int64_t n, t0 = bv_log_now();
  BV_TRY(bv_seg_fetch(in->store, series, w->chunk, col, &st, &blob, &bytes, &n, err));
  if (n < 0) return bv_seg_check_absent(in->store, series, w->chunk, col, err);
  bv_rc rc = bv_pieces_hold(w->pieces, (bv_column)col, blob, (size_t)bytes);
  sqlite3_reset(st);
  if (rc != BV_OK) return rc;
  if (n != w->times->n) {
    return bv_seg_corrupt(series, w->chunk, col, "count differs", err);
  }
  bv_seg_note(w->store, series, col, n, t0);
  w->store->counter[BV_N_READ] += n;
  return BV_OK;
}

/* Let the next piece be decoded while the one at hand is used. */
static void look_ahead(bv_walk *w) {
  const bv_piece *p = bv_pieces_at(w->pieces);
  const int64_t next = p->at + p->n;
  if (w->crew && next < w->times->n && w->times->ts[next] < w->hi) {
    bv_pieces_ahead(w->pieces, w->crew);
  }
}

static bv_rc open_chunk(bv_walk *w, const place *in, bv_err *err) {
  bv_segctx *ctx;
  bv_timeset *set;
  if (!w->pieces) BV_TRY(bv_pieces_new(w->want, w->number, &w->pieces));
  BV_TRY(bv_seg_context(w->store, &ctx, &set));
  BV_TRY(open_times(w, in, ctx, set, err));
  bv_rc rc = BV_OK;
  for (int c = 0; c < BV_SEG_NCOL && rc == BV_OK; c++) {
    if (w->want & BV_COLBIT(c)) rc = open_column(w, in, c, err);
  }
  if (rc != BV_OK) {
    leave_chunk(w);
    return rc;
  }
  bv_pieces_begin(w->pieces, w->times->n);
  bv_pieces_want(w->pieces, w->now);
  look_ahead(w);
  return BV_OK;
}

/* Go on to the bars after those at hand, none at the chunk's end; or decode more columns of them. */
static bv_rc decode(bv_walk *w, bool next, bv_err *err) {
  bv_segctx *ctx;
  bv_timeset *set;
  bv_err why = {0};
  int col = 0;
  BV_TRY(bv_seg_context(w->store, &ctx, &set));
  bv_pieces_want(w->pieces, w->now);
  bv_rc rc = next ? bv_pieces_next(w->pieces, w->crew, ctx, &col, &why)
                  : bv_pieces_fill(w->pieces, ctx, &col, &why);
  if (rc != BV_OK) return bv_seg_decoded(&w->src.base, w->chunk, col, rc, &why, true, err);
  w->whole = bv_pieces_at(w->pieces)->whole;
  if (next) look_ahead(w);
  return BV_OK;
}

/* The bars in [lo, hi) of the piece at hand. */
static void show_piece(const bv_walk *w, int64_t hi, bv_bars *out) {
  const bv_piece *p = bv_pieces_at(w->pieces);
  bv_bars all = {.n = p->n, .ts = w->times->ts + p->at};
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (w->mask & BV_COLBIT(c)) all.col[c] = p->col[c];
  }
  *out = bv_bars_range(&all, bv_bars_lower_bound(&all, w->lo), bv_bars_lower_bound(&all, hi));
}

/* Whether all bars of the chunk from the walk on have been at hand. */
static bool used_up(const bv_walk *w) {
  const bv_piece *p = bv_pieces_at(w->pieces);
  const int64_t end = p->at + p->n;
  return end >= w->times->n && (p->n == 0 || w->times->ts[end - 1] < w->lo);
}

/* The next bars of the chunk, none where there are none before hi. */
static bv_rc next_of_chunk(bv_walk *w, int64_t hi, bv_bars *out, bv_err *err) {
  const int64_t *ts = w->times->ts;
  const bv_piece *p = bv_pieces_at(w->pieces);
  while (p->n == 0 || ts[p->at + p->n - 1] < w->lo) {
    if (p->at + p->n >= w->times->n) {
      out->n = 0;
      return BV_OK;
    }
    BV_TRY(decode(w, true, err));
  }
  show_piece(w, hi, out);
  return BV_OK;
}

/* ---- rows ---- */

/* Bars of [lo, stop), rows among them or rows alone. */
static bv_rc next_merged(bv_walk *w, int64_t stop, int64_t most, bv_bars *out, bv_err *err) {
  bv_chunk_clear(&w->rows);
  BV_TRY(bv_raw_read(w->store, &w->src.base, w->lo, stop, most, false, &w->rows, err));
  *out = bv_chunk_view(&w->rows);
  w->whole = 0;
  if (out->n < most) w->lo = stop;
  return BV_OK;
}

/* The first chunk at or after the walk: *chunk as of bv_seg_find, its span in [*start, *end). */
static bv_rc locate(const bv_walk *w, const place *in, int64_t *chunk, int64_t *start, int64_t *end,
                    bv_err *err) {
  *start = *end = INT64_MAX;
  BV_TRY(bv_seg_find(in->store, in->series, bv_seg_chunk_of(in->series, w->lo), false, chunk, err));
  if (*chunk >= 0 && w->lo <= BV_INSTANT_MAX) bv_seg_range(in->series, *chunk, start, end);
  return BV_OK;
}

/* Bars of one file, up to `stop`, from where no chunk is at hand; none where one was begun or there are none before
** the next.  out NULL: only a chunk. */
static bv_rc next_in(bv_walk *w, const place *in, int64_t stop, int64_t hi, bv_bars *out,
                     bv_err *err) {
  int64_t chunk, start, end, rows;
  BV_TRY(locate(w, in, &chunk, &start, &end, err));
  const int64_t before = stop < hi ? stop : hi;
  if (start > w->lo) {
    if (!out) return BV_OK;
    return next_merged(w, start < before ? start : before, BV_PIECE, out, err);
  }
  if (end > stop) end = stop;
  BV_TRY(bv_hot_count(in->store, in->series->id, w->lo, end < w->hi ? end : w->hi, 1, &rows, err));
  if (rows > 0) {
    if (!out) return BV_OK;
    return next_merged(w, end < hi ? end : hi, MERGED * BV_PIECE, out, err);
  }
  w->chunk = chunk;
  w->end = end;
  return open_chunk(w, in, err);
}

/* The same of the file or the partition that has bars there; where both have, they are merged. */
static bv_rc next_outside(bv_walk *w, int64_t hi, bv_bars *out, bv_err *err) {
  const bv_parts *parts;
  bv_series inner;
  bool both;
  place in = {w->store, &w->src.base};
  BV_TRY(bv_parts_of(w->store, &w->src.base, &parts, err));
  const bv_stretch st = bv_parts_first(parts, w->lo, w->hi);
  if (!st.in) return next_in(w, &in, st.hi, hi, out, err);
  BV_TRY(bv_own_any(w->store, &w->src.base, st.lo, st.hi, &both, err));
  if (both) {
    if (!out) return BV_OK;
    return next_merged(w, st.hi < hi ? st.hi : hi, MERGED * BV_PIECE, out, err);
  }
  BV_TRY(bv_part_open(w->store, &w->src.base, st.in, &inner, err));
  in = (place){inner.home, &inner};
  return bv_part_done(w->store, st.in, next_in(w, &in, st.hi, hi, out, err), err);
}

bv_rc bv_raw_walk(bv_walk *w, int64_t hi, bv_bars *out, bv_err *err) {
  *out = (bv_bars){0};
  if (hi > w->hi) hi = w->hi;
  while (out->n == 0 && w->lo < hi) {
    if (!w->times) {
      BV_TRY(next_outside(w, hi, out, err));
      continue;
    }
    BV_TRY(next_of_chunk(w, hi < w->end ? hi : w->end, out, err));
    if (out->n > 0) break;
    if (w->end > hi) return BV_OK; /* the rest of the chunk lies after hi */
    leave_chunk(w);
    w->lo = w->end;
  }
  if (out->n > 0 && w->lo <= out->ts[out->n - 1]) w->lo = out->ts[out->n - 1] + 1;
  return BV_OK;
}

bv_rc bv_raw_walk_ready(bv_walk *w, bv_err *err) {
  if (!w->crew || (w->times && !used_up(w))) return BV_OK;
  if (w->times) {
    leave_chunk(w);
    w->lo = w->end;
  }
  return w->lo < w->hi ? next_outside(w, w->hi, NULL, err) : BV_OK;
}

bv_rc bv_raw_walk_fill(bv_walk *w, bv_bars *bars, bv_err *err) {
  if (!w->times || bars->n == 0) return BV_OK;
  const bv_piece *p = bv_pieces_at(w->pieces);
  const int64_t *ts = w->times->ts + p->at;
  const unsigned now = w->now;
  w->now = w->want;
  bv_rc rc = decode(w, false, err);
  w->now = now;
  for (int c = 0; c < BV_SEG_NCOL && rc == BV_OK; c++) {
    if (w->mask & p->have & BV_COLBIT(c)) bars->col[c] = p->col[c] + (bars->ts - ts);
  }
  return rc;
}
