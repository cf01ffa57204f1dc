/*
** summary.c - figures of a stored series over a range of time; see summary.h.
**
** Time is walked chunk by chunk.  A sealed chunk that lies in the range as a whole and has no rows
** beside it is answered from its statistics; of everything else the bars are read.  Of chunks whose
** statistics have no hash they are read too, where one is wanted.  Of partitions the same holds, chunk by chunk; where
** only a number and a hash are wanted, a whole one is known without being opened.
*/
#include "data/summary.h"
#include "data/barhash.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/partition.h"
#include "data/raw.h"
#include "data/seg.h"
#include "data/source.h"
#include "data/sql.h"
#include "time/instant.h"

/* Bars read at a time. */
#define PIECE 8192

/* Where a walk through one file stands. */
typedef struct walk {
  bv_store *s;
  const bv_series *series;
  int64_t lo, hi;   /* the range asked for */
  int64_t at;       /* everything before it is done */
  int64_t next_row; /* time of the first row at or after `at`; INT64_MAX where there is none */
  bool hash;        /* the hash is wanted */
  bv_chunk piece;
  bv_stats *out;
  bv_err *err;
} walk;

void bv_summary_reset(bv_summary_reader *r) {
  sqlite3_finalize(r->scan);
  r->scan = NULL;
}

static bv_rc find_row(walk *w, int64_t from) {
  bool found;
  if (w->next_row >= from) return BV_OK;
  BV_TRY(bv_hot_first(w->s, w->series->id, from, &w->next_row, &found, w->err));
  if (!found) w->next_row = INT64_MAX;
  return BV_OK;
}

/* Read the bars from w->at to `stop`. */
static bv_rc read_bars(walk *w, int64_t stop) {
  while (w->at < stop) {
    bv_chunk_clear(&w->piece);
    BV_TRY(bv_raw_read(w->s, w->series, w->at, stop, PIECE, false, &w->piece, w->err));
    bv_bars view = bv_chunk_view(&w->piece);
    bv_stats stats = bv_stats_of(&view);
    stats.hashed = w->hash;
    if (w->hash) stats.hash = bv_bars_hash(&view);
    bv_stats_add(w->out, &stats);
    w->at = view.n < PIECE ? stop : view.ts[view.n - 1] + 1;
  }
  return BV_OK;
}

/* Take a sealed chunk, and the rows before it. */
static bv_rc take_chunk(walk *w, int64_t chunk, const bv_stats *stats) {
  int64_t start, end;
  bv_seg_range(w->series, chunk, &start, &end);
  if (stats->n <= 0 || stats->first < start || stats->last >= end) {
    return bv_fail(w->err, BV_CORRUPT, "barsvt_stat: times of %s %s, chunk %lld, lie outside it",
                   w->series->asset, w->series->step_text, (long long)chunk);
  }
  if (w->next_row < start) BV_TRY(read_bars(w, start));
  if (w->at < start) w->at = start;
  BV_TRY(find_row(w, w->at));
  const bool known = stats->hashed || !w->hash;
  if (known && stats->first >= w->lo && stats->last < w->hi && w->next_row >= end) {
    bv_stats_add(w->out, stats);
  } else {
    BV_TRY(read_bars(w, end < w->hi ? end : w->hi));
  }
  w->at = end;
  return find_row(w, w->at);
}

static bv_rc take_chunks(walk *w, sqlite3_stmt *scan) {
  int row;
  int64_t series, chunk;
  bv_stats stats;
  bv_rc rc = BV_OK;
  sqlite3_bind_int64(scan, 1, bv_segstat_id(w->series->id, bv_seg_chunk_of(w->series, w->lo)));
  sqlite3_bind_int64(scan, 2, bv_segstat_id(w->series->id, bv_seg_chunk_of(w->series, w->hi - 1)));
  while (rc == BV_OK) {
    rc = bv_sql_row(w->s->db, scan, &row, w->err, "reading barsvt_stat");
    if (rc != BV_OK || !row) break;
    rc = bv_segstat_row(scan, &series, &chunk, &stats, w->err);
    if (rc == BV_OK) rc = take_chunk(w, chunk, &stats);
  }
  sqlite3_reset(scan);
  return rc;
}

/* The statement is kept for main alone: attached databases come and go. */
static bv_rc open_scan(bv_summary_reader *r, const bv_series *series, sqlite3_stmt **scan,
                       bv_err *err) {
  if (series->home) return bv_store_prepare(series->home, BV_SEGSTAT_SCAN, scan, err);
  if (!r->scan) BV_TRY(bv_store_prepare(r->store, BV_SEGSTAT_SCAN, &r->scan, err));
  *scan = r->scan;
  return BV_OK;
}

/* The bars of a range in one file; scan NULL: its own. */
static bv_rc walk_file(walk *w, sqlite3_stmt *scan) {
  sqlite3_stmt *own = NULL;
  w->at = w->lo;
  w->next_row = INT64_MIN;
  if (!scan) BV_TRY(bv_store_prepare(w->s, BV_SEGSTAT_SCAN, &own, w->err));
  bv_rc rc = find_row(w, w->lo);
  if (rc == BV_OK) rc = take_chunks(w, scan ? scan : own);
  if (rc == BV_OK && w->next_row < w->hi) rc = read_bars(w, w->hi);
  sqlite3_finalize(own);
  return rc;
}

/* The bars of a part in [w->lo, w->hi), between its first and its last; w is of the store that has it. */
static bv_rc walk_part(walk *w, const bv_part *p) {
  bool both;
  const bool whole = w->lo <= p->first && p->last < w->hi;
  BV_TRY(bv_own_any(w->s, w->series, w->lo, w->hi, &both, w->err));
  if (both) {
    w->at = w->lo;
    return read_bars(w, w->hi);
  }
  if (whole && w->hash) {
    const bv_stats all = {
        .n = p->n, .first = p->first, .last = p->last, .hashed = true, .hash = p->hash};
    bv_stats_add(w->out, &all);
    return BV_OK;
  }
  bv_series inner;
  BV_TRY(bv_part_open(w->s, w->series, p, &inner, w->err));
  walk in = *w;
  in.s = inner.home;
  in.series = &inner;
  bv_rc rc = walk_file(&in, NULL);
  w->piece = in.piece;
  return bv_part_done(w->s, p, rc, w->err);
}

/* Walk from w->lo to w->hi, reading the columns of mask where bars are read. */
static bv_rc run_walk(walk *w, sqlite3_stmt *scan, unsigned mask) {
  const bv_parts *parts;
  if (w->series->home) w->s = w->series->home;
  if (w->lo < BV_INSTANT_MIN) w->lo = BV_INSTANT_MIN;
  if (w->hi > BV_INSTANT_MAX) w->hi = BV_INSTANT_MAX + 1;
  BV_TRY(bv_parts_of(w->s, w->series, &parts, w->err));
  bv_chunk_init(&w->piece, BV_MEM_DECODE, mask);
  bv_rc rc = BV_OK;
  const int64_t hi = w->hi;
  while (w->lo < hi && rc == BV_OK) {
    const bv_stretch st = bv_parts_first(parts, w->lo, hi);
    w->lo = st.lo;
    w->hi = st.hi;
    rc = st.in ? walk_part(w, st.in) : walk_file(w, scan);
    w->lo = st.hi;
  }
  bv_chunk_reset(&w->piece);
  return rc;
}

bv_rc bv_summary_read(bv_summary_reader *r, const bv_series *series, int64_t lo, int64_t hi,
                      unsigned mask, bv_stats *out, bv_err *err) {
  bv_store *s = r->store;
  bv_source src = bv_source_stored(series);
  int64_t limit = bv_source_limit(&src, s->clock);
  *out = (bv_stats){0};
  if (s->touched) s->touched(s->touched_ctx, series);
  if (hi > limit) hi = limit;
  if (lo >= hi) return BV_OK;
  sqlite3_stmt *scan;
  BV_TRY(open_scan(r, series, &scan, err));
  walk w = {.s = s, .series = series, .lo = lo, .hi = hi, .out = out, .err = err};
  bv_rc rc = run_walk(&w, scan, mask & BV_STATS_MASK);
  if (scan != r->scan) sqlite3_finalize(scan);
  return rc;
}

bv_rc bv_summary_hash(bv_store *s, const bv_series *series, int64_t hi, bv_stats *out,
                      bv_err *err) {
  sqlite3_stmt *scan;
  *out = (bv_stats){0};
  BV_TRY(bv_store_prepare(series->home ? series->home : s, BV_SEGSTAT_SCAN, &scan, err));
  walk w = {
      .s = s, .series = series, .lo = INT64_MIN, .hi = hi, .hash = true, .out = out, .err = err};
  bv_rc rc = run_walk(&w, scan, BV_STORED_MASK);
  sqlite3_finalize(scan);
  return rc;
}
