/* walk.c - the stored bars of a series, a piece at a time; see walk.h. */
#include "data/walk.h"
#include "data/cachelog.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/raw.h"
#include "data/segfetch.h"
#include "time/instant.h"

/* Memory of a column: a line of the cache, of which the last value is the one before the piece, and the piece. */
#define LINE   64
#define BEFORE 8
#define STRIDE ((BEFORE + BV_WALK_PIECE) * sizeof(double))
#define PAGE   4096
#define MERGED 8 /* pieces that are merged at a time where rows are among sealed bars */

static unsigned with_needs(unsigned mask) {
  unsigned all = mask & BV_STORED_MASK;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (mask & BV_COLBIT(c)) all |= bv_segment_needs((bv_column)c);
  }
  return all;
}

static int columns_of(unsigned set) {
  return __builtin_popcount(set);
}

int64_t bv_walk_bytes(unsigned mask, int64_t bars) {
  int columns = columns_of(with_needs(mask));
  return (int64_t)sizeof(bv_walk) + PAGE + columns * ((int64_t)STRIDE + 2 * bars);
}

void bv_walk_open(bv_walk *w, bv_store *s, const bv_source *src, int64_t lo, int64_t hi,
                  unsigned mask, int number) {
  *w = (bv_walk){.store = src->base.home ? src->base.home : s,
                 .src = *src,
                 .lo = lo,
                 .hi = hi,
                 .mask = mask & BV_STORED_MASK,
                 .want = with_needs(mask),
                 .number = number};
  bv_chunk_init(&w->rows, BV_MEM_CURSOR, w->mask);
}

static void leave_chunk(bv_walk *w) {
  bv_times_done(w->times);
  w->times = NULL;
}

void bv_walk_close(bv_walk *w) {
  leave_chunk(w);
  for (int c = 0; c < BV_SEG_NCOL; c++) bv_segread_free(w->reader[c]);
  bv_free(w->room);
  bv_chunk_reset(&w->rows);
  *w = (bv_walk){0};
}

/* ---- sealed chunks ---- */

/* Columns of many walks are read side by side, at the same place in each; where each begins elsewhere in its page, those
** places do not share a few sets of the processor's caches. */
static bv_rc make_rooms(bv_walk *w) {
  int columns = columns_of(w->want), k = 0;
  if (w->room || columns == 0) return BV_OK;
  w->room = bv_alloc(BV_MEM_CURSOR, (size_t)columns * STRIDE + PAGE + LINE);
  if (!w->room) return BV_NOMEM;
  uintptr_t from = ((uintptr_t)w->room + LINE - 1) / LINE * LINE;
  from += (uintptr_t)(w->number * columns) * LINE % PAGE;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (w->want & BV_COLBIT(c)) w->col[c] = (double *)(from + (uintptr_t)k++ * STRIDE) + BEFORE;
  }
  return BV_OK;
}

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

static bv_rc open_column(bv_walk *w, const place *in, bv_segctx *ctx, int col, bv_err *err) {
  const bv_series *series = in->series;
  sqlite3_stmt *st;
  const void *blob = NULL;
  int bytes = 0;
  int64_t n, t0 = bv_log_now();
  if (!w->reader[col]) BV_TRY(bv_segread_new(&w->reader[col]));
  BV_TRY(bv_seg_fetch(in->store, series, w->chunk, col, &st, &blob, &bytes, &n, err));
  if (n < 0) return bv_seg_check_absent(in->store, series, w->chunk, col, err);
  bv_err why = {0};
  bv_rc rc = bv_segread_open(w->reader[col], ctx, (bv_column)col, blob, (size_t)bytes, &why);
  sqlite3_reset(st);
  bool same = rc == BV_OK && n == w->times->n && (int64_t)bv_segread_bars(w->reader[col]) == n;
  BV_TRY(bv_seg_decoded(series, w->chunk, col, rc, &why, same, err));
  w->has |= BV_COLBIT(col);
  bv_seg_note(w->store, series, col, n, t0);
  w->store->counter[BV_N_READ] += n;
  return BV_OK;
}

/* Every column must have those before it that it is coded against. */
static bv_rc check_needs(const bv_walk *w, bv_err *err) {
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (!(w->has & BV_COLBIT(c)) || !(bv_segread_needs(w->reader[c]) & ~w->has)) continue;
    return bv_seg_corrupt(&w->src.base, w->chunk, c, "a column it is coded against is missing",
                          err);
  }
  return BV_OK;
}

static bv_rc open_chunk(bv_walk *w, const place *in, bv_err *err) {
  bv_segctx *ctx;
  bv_timeset *set;
  w->has = 0;
  w->at = w->n = 0;
  BV_TRY(make_rooms(w));
  BV_TRY(bv_seg_context(w->store, &ctx, &set));
  BV_TRY(open_times(w, in, ctx, set, err));
  bv_rc rc = BV_OK;
  for (int c = 0; c < BV_SEG_NCOL && rc == BV_OK; c++) {
    if (w->want & BV_COLBIT(c)) rc = open_column(w, in, ctx, c, err);
  }
  if (rc == BV_OK) rc = check_needs(w, err);
  if (rc != BV_OK) leave_chunk(w);
  return rc;
}

/* How many bars come next of all columns: up to the first end of a block. */
static bv_rc size_piece(bv_walk *w, int64_t *n, bv_err *err) {
  int64_t left = w->times->n - w->at;
  *n = left < BV_WALK_PIECE ? left : BV_WALK_PIECE;
  w->whole = 0;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    size_t of_block;
    bool whole;
    if (!(w->has & BV_COLBIT(c))) continue;
    bv_err why = {0};
    bv_rc rc = bv_segread_left(w->reader[c], &of_block, &whole, &why);
    BV_TRY(bv_seg_decoded(&w->src.base, w->chunk, c, rc, &why, true, err));
    if ((int64_t)of_block < *n) *n = (int64_t)of_block;
    if (whole) w->whole |= BV_COLBIT(c);
    if (*n == 0) return bv_seg_corrupt(&w->src.base, w->chunk, c, "count differs", err);
  }
  return BV_OK;
}

/* Decode the bars after those at hand; none at the chunk's end. */
static bv_rc next_piece(bv_walk *w, bv_err *err) {
  static const int order[BV_SEG_NCOL] = {BV_COL_CLOSE,  BV_COL_OPEN, BV_COL_HIGH,   BV_COL_LOW,
                                         BV_COL_VOLUME, BV_COL_VWAP, BV_COL_TRADES, BV_COL_BID,
                                         BV_COL_ASK,    BV_COL_OI};
  bv_segctx *ctx;
  bv_timeset *set;
  int64_t n;
  w->at += w->n;
  int64_t before = w->n;
  w->n = 0;
  BV_TRY(bv_seg_context(w->store, &ctx, &set));
  BV_TRY(size_piece(w, &n, err));
  if (w->has & BV_COLBIT(BV_COL_CLOSE) && before > 0) {
    w->col[BV_COL_CLOSE][-1] = w->col[BV_COL_CLOSE][before - 1];
  }
  const int back = w->at > 0;
  bv_deps deps = {.at = (size_t)back};
  if (w->has & BV_COLBIT(BV_COL_OPEN)) deps.open = w->col[BV_COL_OPEN] - back;
  if (w->has & BV_COLBIT(BV_COL_CLOSE)) deps.close = w->col[BV_COL_CLOSE] - back;
  for (int i = 0; i < BV_SEG_NCOL && n > 0; i++) {
    const int c = order[i];
    if (!(w->has & BV_COLBIT(c))) continue;
    bv_err why = {0};
    bv_rc rc = bv_segread_next(w->reader[c], ctx, (size_t)n, &deps, w->col[c], &why);
    BV_TRY(bv_seg_decoded(&w->src.base, w->chunk, c, rc, &why, true, err));
  }
  w->n = n;
  return BV_OK;
}

/* The bars in [lo, hi) of the piece at hand. */
static void show_piece(const bv_walk *w, int64_t hi, bv_bars *out) {
  bv_bars all = {.n = w->n, .ts = w->times->ts + w->at};
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (w->has & w->mask & BV_COLBIT(c)) all.col[c] = w->col[c];
  }
  *out = bv_bars_range(&all, bv_bars_lower_bound(&all, w->lo), bv_bars_lower_bound(&all, hi));
}

/* The next bars of the chunk, none where there are none before hi. */
static bv_rc next_of_chunk(bv_walk *w, int64_t hi, bv_bars *out, bv_err *err) {
  const bv_times *t = w->times;
  while (w->n == 0 || t->ts[w->at + w->n - 1] < w->lo) {
    if (w->at + w->n >= t->n) {
      out->n = 0;
      return BV_OK;
    }
    BV_TRY(next_piece(w, err));
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
** the next. */
static bv_rc next_in(bv_walk *w, const place *in, int64_t stop, int64_t hi, bv_bars *out,
                     bv_err *err) {
  int64_t chunk, start, end, rows;
  BV_TRY(locate(w, in, &chunk, &start, &end, err));
  const int64_t before = stop < hi ? stop : hi;
  if (start > w->lo) {
    return next_merged(w, start < before ? start : before, BV_WALK_PIECE, out, err);
  }
  if (end > stop) end = stop;
  BV_TRY(bv_hot_count(in->store, in->series->id, w->lo, end < w->hi ? end : w->hi, 1, &rows, err));
  if (rows > 0) {
    return next_merged(w, end < hi ? end : hi, MERGED * BV_WALK_PIECE, out, err);
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
    return next_merged(w, st.hi < hi ? st.hi : hi, MERGED * BV_WALK_PIECE, out, err);
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
