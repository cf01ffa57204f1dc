/* fingerprint.c - whether stored data are still the same; see fingerprint.h. */
#include "data/fingerprint.h"
#include "data/raw.h"
#include "data/seg.h"
#include "data/sql.h"

#include <math.h>
#include <string.h>

/* One step of a multiplicative hash; the shift brings the high bits, which know most, down. */
static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ (h >> 29);
}

static uint64_t bits_of(double x) {
  uint64_t b = UINT64_C(0x7ff8000000000000);
  if (!isnan(x)) memcpy(&b, &x, sizeof b);
  return b;
}

uint64_t bv_text_hash(const char *text, size_t n) {
  uint64_t h = mix(3, n);
  for (size_t i = 0; i < n; i += 8) {
    uint64_t x = 0;
    for (size_t b = 0; b < 8 && i + b < n; b++) x |= (uint64_t)(uint8_t)text[i + b] << (8 * b);
    h = mix(h, x);
  }
  return h;
}

/* ---- bars ---- */

enum { STORED = BV_COL_OI + 1 };

/* Bars by their values: a hash of its own for each column, so that the steps do not wait for each other. */
typedef struct values {
  int64_t n;
  uint64_t ts, col[STORED];
} values;

static bv_rc add_bars(void *ctx, const bv_bars *bars) {
  values *v = ctx;
  const uint64_t null = bits_of(NAN);
  for (int64_t i = 0; i < bars->n; i++) v->ts = mix(v->ts, (uint64_t)bars->ts[i]);
  for (int c = 0; c < STORED; c++) {
    const double *col = bars->col[c];
    uint64_t h = v->col[c];
    for (int64_t i = 0; i < bars->n; i++) h = mix(h, col ? bits_of(col[i]) : null);
    v->col[c] = h;
  }
  v->n += bars->n;
  return BV_OK;
}

static void add_values(bv_fingerprint *out, const values *v) {
  out->n += v->n;
  out->hash = mix(mix(out->hash, (uint64_t)v->n), v->ts);
  for (int c = 0; c < STORED; c++) out->hash = mix(out->hash, v->col[c]);
}

/* The sealed chunks before number `end`, by what their rows say beside the data. */
static bv_rc add_chunks(bv_store *home, int64_t series, int64_t end, bv_fingerprint *out,
                        bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(home,
                          "SELECT id - ?1, n, first, last, checksum FROM main.barsvt_seg"
                          " WHERE id >= ?1 AND id < ?2 ORDER BY id",
                          &st, err));
  const int64_t from = bv_seg_id(series, 0, 0);
  sqlite3_bind_int64(st, 1, from);
  sqlite3_bind_int64(st, 2, bv_seg_id(series, end, 0));
  bv_rc rc;
  while ((rc = bv_sql_row(home->db, st, &row, err, "reading barsvt_seg")) == BV_OK && row) {
    for (int c = 0; c < 5; c++) {
      out->hash = mix(out->hash, (uint64_t)sqlite3_column_int64(st, c));
    }
    int64_t number, chunk;
    int col;
    bv_seg_split_id(sqlite3_column_int64(st, 0) + from, &number, &chunk, &col);
    if (col == BV_COL_TS) out->n += sqlite3_column_int64(st, 1);
  }
  sqlite3_finalize(st);
  return rc;
}

/* Bars that are not sealed, before `end`. */
static bv_rc add_hot(bv_store *home, int64_t series, int64_t end, values *v, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(home,
                          "SELECT ts, open, high, low, close, volume, vwap, trades, bid, ask,"
                          " open_interest FROM main.barsvt_hot WHERE series = ?1 AND ts < ?2"
                          " ORDER BY ts",
                          &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, end);
  bv_rc rc;
  while ((rc = bv_sql_row(home->db, st, &row, err, "reading barsvt_hot")) == BV_OK && row) {
    v->n++;
    v->ts = mix(v->ts, (uint64_t)sqlite3_column_int64(st, 0));
    for (int c = 0; c < STORED; c++) {
      const bool null = sqlite3_column_type(st, c + 1) == SQLITE_NULL;
      v->col[c] = mix(v->col[c], bits_of(null ? (double)NAN : sqlite3_column_double(st, c + 1)));
    }
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_series_fingerprint(bv_store *s, const bv_series *series, int64_t hi, bv_fingerprint *out,
                            bv_err *err) {
  bv_store *home = series->home ? series->home : s;
  int64_t first, last, n, start, end;
  values hot = {0}, tail = {0};
  *out = (bv_fingerprint){0, 1};
  BV_TRY(bv_series_span(s, series, &first, &last, &n, err));
  if (n == 0 || hi <= first) return BV_OK;
  if (hi > last) hi = last + 1;
  const int64_t chunk = bv_seg_chunk_of(series, hi - 1);
  bv_seg_range(series, chunk, &start, &end);
  BV_TRY(add_chunks(home, series->id, chunk, out, err));
  BV_TRY(add_hot(home, series->id, start, &hot, err));
  BV_TRY(bv_raw_each(s, series, start, hi, BV_STORED_MASK, add_bars, &tail, err));
  add_values(out, &hot);
  add_values(out, &tail);
  return BV_OK;
}

/* ---- rows ---- */

static uint64_t mix_value(uint64_t h, sqlite3_stmt *st, int c) {
  const int type = sqlite3_column_type(st, c);
  h = mix(h, (uint64_t)type);
  switch (type) {
  case SQLITE_INTEGER: return mix(h, (uint64_t)sqlite3_column_int64(st, c));
  case SQLITE_FLOAT: return mix(h, bits_of(sqlite3_column_double(st, c)));
  case SQLITE_NULL: return h;
  default: {
    const char *p = sqlite3_column_blob(st, c);
    return mix(h, bv_text_hash(p ? p : "", (size_t)sqlite3_column_bytes(st, c)));
  }
  }
}

bv_rc bv_rows_fingerprint(sqlite3 *db, const char *sql, bv_fingerprint *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *out = (bv_fingerprint){0, 2};
  BV_TRY(bv_sql_prepare(db, sql, &st, err));
  const int columns = sqlite3_column_count(st);
  bv_rc rc;
  while ((rc = bv_sql_row(db, st, &row, err, "reading a table")) == BV_OK && row) {
    out->n++;
    for (int c = 0; c < columns; c++) out->hash = mix_value(out->hash, st, c);
  }
  sqlite3_finalize(st);
  return rc;
}
