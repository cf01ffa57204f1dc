/*
** hot.c - the row table barsvt_hot; see hot.h.
**
** A row is verified whenever it is read, which takes all of its columns.  In tables without checksums each
** set of columns and each direction has a statement of its own, so that a scan of one column makes SQLite
** decode one column.  A read is one execution that is reset before it returns.
*/
#include "base/buf.h"
#include "data/hot.h"
#include "data/rowsum.h"
#include "data/sql.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bv_rc prepare_read(bv_store *s, unsigned mask, int desc, sqlite3_stmt **out, bv_err *err) {
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_BASE, 1024);
  bv_rc rc = bv_buf_adds(&sql, s->hot_sums ? "SELECT ts, checksum" : "SELECT ts, NULL");
  for (int c = 0; c <= BV_COL_OI && rc == BV_OK; c++) {
    if (mask & BV_COLBIT(c)) rc = bv_buf_addf(&sql, ", %s", bv_column_name(c));
  }
  if (rc == BV_OK) {
    rc = bv_buf_addf(&sql,
                     " FROM main.barsvt_hot WHERE series = ?1 AND ts >= ?2 AND ts < ?3"
                     " ORDER BY ts%s LIMIT ?4",
                     desc ? " DESC" : "");
  }
  if (rc == BV_OK) rc = bv_store_prepare(s, bv_buf_text(&sql), out, err);
  bv_buf_reset(&sql);
  return rc;
}

/* The statement for these columns; the oldest makes room when the table is full. */
static bv_rc read_stmt(bv_store *s, unsigned mask, int desc, sqlite3_stmt **out, bv_err *err) {
  for (int i = 0; i < s->nread; i++) {
    if (s->read[i].mask == mask && s->read[i].desc == desc && s->read[i].sums == s->hot_sums) {
      *out = s->read[i].st;
      return BV_OK;
    }
  }
  sqlite3_stmt *st;
  BV_TRY(prepare_read(s, mask, desc, &st, err));
  if (s->nread == BV_MAX_READ_STMT) {
    sqlite3_finalize(s->read[0].st);
    memmove(s->read, s->read + 1, (size_t)--s->nread * sizeof s->read[0]);
  }
  s->read[s->nread++] = (bv_read_stmt){mask, desc, s->hot_sums, st};
  *out = st;
  return BV_OK;
}

static bv_rc bad_value(const bv_series *series, int64_t ts, int c, bv_err *err) {
  return bv_fail(err, BV_CORRUPT, "barsvt_hot: %s of series %lld at %lld is not a number",
                 bv_column_name(c), (long long)series->id, (long long)ts);
}

/* Column `at` of the row as a double: NULL is NaN where the column may be absent. */
static bool read_value(sqlite3_stmt *st, int at, int c, double *out) {
  sqlite3_value *v = sqlite3_column_value(st, at);
  switch (sqlite3_value_type(v)) {
  case SQLITE_FLOAT:
  case SQLITE_INTEGER: *out = sqlite3_value_double(v); return true;
  case SQLITE_NULL: *out = NAN; return c > BV_COL_CLOSE;
  default: return false;
  }
}

/* The checksum in column `at` against the row's own values. */
static bv_rc check_sum(sqlite3_stmt *st, int at, int64_t series, int64_t ts,
                       const double value[BV_NCOL], bv_err *err) {
  if (sqlite3_column_type(st, at) == SQLITE_NULL) return BV_OK;
  if (sqlite3_column_type(st, at) == SQLITE_INTEGER &&
      sqlite3_column_int64(st, at) == (int64_t)bv_rowsum_hot(series, ts, value))
    return BV_OK;
  return bv_fail(err, BV_CORRUPT,
                 "barsvt_hot: the row of series %lld at %lld is damaged: its checksum is not that "
                 "of its values",
                 (long long)series, (long long)ts);
}

/* A row's time comes from a table that anybody can write. */
static bv_rc check_time(sqlite3_stmt *st, int64_t ts, bv_err *err) {
  if (sqlite3_column_type(st, 0) == SQLITE_INTEGER && bv_instant_check(ts, NULL) == BV_OK)
    return BV_OK;
  return bv_fail(err, BV_CORRUPT, "barsvt_hot: '%.40s' is not a time", bv_sql_text(st, 0));
}

bv_rc bv_hot_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                  bool desc, bv_chunk *out, bv_err *err) {
  if (lo >= hi || max <= 0) return BV_OK;
  bool there;
  BV_TRY(bv_store_has_schema(s, &there, err));
  unsigned mask = s->hot_sums ? BV_STORED_MASK : out->mask & BV_STORED_MASK;
  int col[BV_NCOL], ncol = 0;
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (mask & BV_COLBIT(c)) col[ncol++] = c;
  }
  sqlite3_stmt *st;
  BV_TRY(read_stmt(s, mask, desc, &st, err));
  sqlite3_bind_int64(st, 1, series->id);
  sqlite3_bind_int64(st, 2, lo);
  sqlite3_bind_int64(st, 3, hi);
  sqlite3_bind_int64(st, 4, max);
  int64_t before = out->n;
  double value[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) value[c] = NAN;
  bv_rc rc = BV_OK;
  int code;
  while ((code = sqlite3_step(st)) == SQLITE_ROW) {
    int64_t ts = sqlite3_column_int64(st, 0);
    rc = check_time(st, ts, err);
    for (int i = 0; i < ncol; i++) {
      if (!read_value(st, i + 2, col[i], &value[col[i]])) rc = bad_value(series, ts, col[i], err);
    }
    if (rc == BV_OK) rc = check_sum(st, 1, series->id, ts, value, err);
    if (rc == BV_OK) rc = bv_chunk_add(out, ts, value);
    if (rc != BV_OK) break;
  }
  int again = sqlite3_reset(st);
  if (rc == BV_OK && code != SQLITE_DONE) {
    rc = bv_sql_fail(s->db, again != SQLITE_OK ? again : code, err, "reading barsvt_hot");
  }
  if (rc != BV_OK) return rc;
  if (desc) {
    assert(before == 0); /* a newest-first read fills an empty chunk */
    bv_chunk_reverse(out);
  }
  s->counter[BV_N_READ] += out->n - before;
  return BV_OK;
}

bv_rc bv_hot_get(bv_store *s, int64_t series_id, int64_t ts, double value[BV_NCOL], bool *found,
                 bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *found = false;
  BV_TRY(bv_store_stmt(s, BV_ST_HOT_GET, &st, err));
  sqlite3_bind_int64(st, 1, series_id);
  sqlite3_bind_int64(st, 2, ts);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "reading barsvt_hot"));
  for (int c = 0; c < BV_NCOL; c++) value[c] = NAN;
  for (int c = 0; row && c <= BV_COL_OI; c++) {
    if (!read_value(st, c, c, &value[c])) {
      sqlite3_reset(st);
      return bad_value(&(bv_series){.id = series_id}, ts, c, err);
    }
  }
  bv_rc rc = row ? check_sum(st, BV_COL_OI + 1, series_id, ts, value, err) : BV_OK;
  *found = rc == BV_OK && row;
  sqlite3_reset(st);
  return rc;
}

bv_rc bv_hot_put(bv_store *s, int64_t series, int64_t ts, const double value[BV_NCOL], bool replace,
                 bool *wrote, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, replace ? BV_ST_HOT_REPLACE : BV_ST_HOT_INSERT, &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, ts);
  for (int c = 0; c <= BV_COL_OI; c++) bv_sql_bind_real(st, 3 + c, value[c]);
  if (s->hot_sums) sqlite3_bind_int64(st, 4 + BV_COL_OI, bv_rowsum_hot(series, ts, value));
  int before = sqlite3_total_changes(s->db);
  BV_TRY(bv_sql_done(s->db, st, err, "writing barsvt_hot"));
  *wrote = sqlite3_total_changes(s->db) != before;
  return BV_OK;
}

bv_rc bv_hot_delete(bv_store *s, int64_t series, int64_t lo, int64_t hi, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_HOT_CLEAR, &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, lo);
  sqlite3_bind_int64(st, 3, hi);
  return bv_sql_done(s->db, st, err, "writing barsvt_hot");
}

bv_rc bv_hot_count(bv_store *s, int64_t series, int64_t lo, int64_t hi, int64_t limit, int64_t *n,
                   bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_HOT_COUNT, &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, lo);
  sqlite3_bind_int64(st, 3, hi);
  sqlite3_bind_int64(st, 4, limit);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "reading barsvt_hot"));
  *n = row ? sqlite3_column_int64(st, 0) : 0;
  sqlite3_reset(st);
  return BV_OK;
}

bv_rc bv_hot_first(bv_store *s, int64_t series, int64_t from, int64_t *ts, bool *found,
                   bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_HOT_CHUNK, &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, from);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "reading barsvt_hot"));
  *found = row;
  *ts = row ? sqlite3_column_int64(st, 0) : 0;
  bv_rc rc = row ? check_time(st, *ts, err) : BV_OK;
  sqlite3_reset(st);
  return rc;
}
