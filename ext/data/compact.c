/* compact.c - sealing rows into segments; see compact.h. */
#include "data/compact.h"
#include "data/hot.h"
#include "data/own.h"
#include "data/seg.h"
#include "data/sql.h"

#include <math.h>
#include <string.h>

/* Rows in one chunk that make sealing it worth while between inserts. */
#define NOTE_MIN 2048

static bool sealable(int64_t n) {
  return n >= BV_SEG_SEAL_MIN && n <= BV_SEG_SEAL_MAX;
}

static bv_rc put_rows(bv_store *s, const bv_series *series, const bv_bars *b, bv_err *err) {
  for (int64_t i = 0; i < b->n; i++) {
    double v[BV_NCOL];
    bool wrote;
    for (int c = 0; c < BV_NCOL; c++) v[c] = b->col[c] ? b->col[c][i] : NAN;
    BV_TRY(bv_hot_put(s, series->id, b->ts[i], v, false, &wrote, err));
  }
  return BV_OK;
}

bv_rc bv_compact_unseal(bv_store *s, const bv_series *series, int64_t chunk, bv_err *err) {
  bv_bars sealed;
  bv_bars none = {0};
  BV_TRY(bv_seg_load(s, series, chunk, BV_STORED_MASK, &sealed, err));
  BV_TRY(put_rows(s, series, &sealed, err));
  return sealed.n > 0 ? bv_seg_write(s, series, chunk, &none, err) : BV_OK;
}

bv_rc bv_compact_chunk(bv_store *s, const bv_series *series, int64_t chunk, bv_compaction *done,
                       bv_err *err) {
  int64_t lo, hi, rows;
  bv_seg_range(series, chunk, &lo, &hi);
  BV_TRY(bv_hot_count(s, series->id, lo, hi, INT64_MAX, &rows, err));
  if (rows == 0) return BV_OK;
  bv_chunk all;
  bv_chunk_init(&all, BV_MEM_DECODE, BV_STORED_MASK);
  bv_rc rc = bv_own_read(s, series, lo, hi, INT64_MAX, false, &all, err);
  const bv_bars view = bv_chunk_view(&all);
  if (rc == BV_OK && !sealable(all.n)) {
    rc = bv_compact_unseal(s, series, chunk, err);
  } else if (rc == BV_OK) {
    rc = bv_compact_put(s, series, chunk, &view, err);
    done->chunks++;
    done->bars += rows;
  }
  bv_chunk_reset(&all);
  return rc;
}

bv_rc bv_compact_put(bv_store *s, const bv_series *series, int64_t chunk, const bv_bars *bars,
                     bv_err *err) {
  int64_t lo, hi;
  const bv_bars none = {0};
  bv_seg_range(series, chunk, &lo, &hi);
  BV_TRY(bv_seg_write(s, series, chunk, sealable(bars->n) ? bars : &none, err));
  BV_TRY(bv_hot_delete(s, series->id, lo, hi, err));
  return sealable(bars->n) ? BV_OK : put_rows(s, series, bars, err);
}

bv_rc bv_compact_series(bv_store *s, const bv_series *series, bv_compaction *done, bv_err *err) {
  int64_t from = INT64_MIN, ts;
  bool found;
  for (;;) {
    BV_TRY(bv_hot_first(s, series->id, from, &ts, &found, err));
    if (!found) return BV_OK;
    int64_t chunk = bv_seg_chunk_of(series, ts), lo, hi;
    BV_TRY(bv_compact_chunk(s, series, chunk, done, err));
    bv_seg_range(series, chunk, &lo, &hi);
    from = hi;
  }
}

bv_rc bv_compact_all(bv_store *s, bv_compaction *done, bv_err *err) {
  bool there;
  BV_TRY(bv_store_has_schema(s, &there, err));
  if (!there) return BV_OK;
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(s->db, "SELECT id FROM main.barsvt_series ORDER BY id", &st, err));
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    bv_series series;
    bool found;
    rc = bv_series_by_id(s, sqlite3_column_int64(st, 0), &series, &found, err);
    if (rc == BV_OK && found) rc = bv_compact_series(s, &series, done, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_compact_note(bv_store *s, const bv_series *series, int64_t ts, bv_err *err) {
  int64_t chunk = bv_seg_chunk_of(series, ts);
  if (s->note_series == series->id && s->note_chunk == chunk) {
    s->note_count++;
    return BV_OK;
  }
  bv_rc rc = BV_OK;
  if (s->note_count >= NOTE_MIN) {
    bv_series before;
    bool found;
    bv_compaction done = {0};
    rc = bv_series_by_id(s, s->note_series, &before, &found, err);
    if (rc == BV_OK && found) rc = bv_compact_chunk(s, &before, s->note_chunk, &done, err);
  }
  s->note_series = series->id;
  s->note_chunk = chunk;
  s->note_count = 1;
  return rc;
}
