/*
** hot.c - the row table barsvt_hot; see raw.h.
**
** Each set of columns and each direction has a statement of its own, so that a scan of one column
** makes SQLite decode one column.  A read is one execution that is reset before it returns.
*/
#include "base/buf.h"
#include "data/put.h"
#include "data/raw.h"
#include "data/sql.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define STORED_MASK (BV_COLBIT(BV_COL_OI + 1) - 1u)

static bv_rc prepare_read(bv_store *s, unsigned mask, int desc, sqlite3_stmt **out, bv_err *err) {
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_BASE, 1024);
  bv_rc rc = bv_buf_adds(&sql, "SELECT ts");
  for (int c = 0; c <= BV_COL_OI && rc == BV_OK; c++) {
    if (mask & BV_COLBIT(c)) rc = bv_buf_addf(&sql, ", %s", bv_column_name(c));
  }
  if (rc == BV_OK) {
    rc = bv_buf_addf(&sql,
                     " FROM main.barsvt_hot WHERE series = ?1 AND ts >= ?2 AND ts < ?3"
                     " ORDER BY ts%s LIMIT ?4",
                     desc ? " DESC" : "");
  }
  if (rc == BV_OK) rc = bv_sql_prepare(s->db, bv_buf_text(&sql), out, err);
  bv_buf_reset(&sql);
  return rc;
}

/* The statement for these columns; the oldest makes room when the table is full. */
static bv_rc read_stmt(bv_store *s, unsigned mask, int desc, sqlite3_stmt **out, bv_err *err) {
  for (int i = 0; i < s->nread; i++) {
    if (s->read[i].mask == mask && s->read[i].desc == desc) {
      *out = s->read[i].st;
      return BV_OK;
    }
  }
  BV_TRY(bv_store_anchor(s, err));
  sqlite3_stmt *st;
  BV_TRY(prepare_read(s, mask, desc, &st, err));
  if (s->nread == BV_MAX_READ_STMT) {
    sqlite3_finalize(s->read[0].st);
    memmove(s->read, s->read + 1, (size_t)--s->nread * sizeof s->read[0]);
  }
  s->read[s->nread++] = (bv_read_stmt){mask, desc, st};
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

bv_rc bv_raw_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                  bool desc, bv_chunk *out, bv_err *err) {
  if (lo >= hi || max <= 0) return BV_OK;
  unsigned mask = out->mask & STORED_MASK;
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
    for (int i = 0; i < ncol; i++) {
      if (!read_value(st, i + 1, col[i], &value[col[i]])) rc = bad_value(series, ts, col[i], err);
    }
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

bv_rc bv_raw_get(bv_store *s, int64_t series_id, int64_t ts, double value[BV_NCOL], bool *found,
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
  *found = row;
  sqlite3_reset(st);
  return BV_OK;
}

static bool same_values(const double *a, const double *b) {
  for (int c = 0; c <= BV_COL_OI; c++) {
    if (a[c] != b[c] && !(isnan(a[c]) && isnan(b[c]))) return false;
  }
  return true;
}

static bv_rc conflict(const bv_series *series, int64_t ts, bv_err *err) {
  char when[32];
  bv_instant_format(ts, when);
  return bv_fail(err, BV_CONFLICT, "bars: %s %s at %s is already stored with other values; use INSERT"
                 " OR REPLACE to correct it or INSERT OR IGNORE to keep it", series->asset,
                 series->step_text, when);
}

static bv_rc write_row(bv_store *s, bv_stmt which, int64_t series, int64_t ts, const double *value,
                       bool *wrote, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, which, &st, err));
  sqlite3_bind_int64(st, 1, series);
  sqlite3_bind_int64(st, 2, ts);
  for (int c = 0; c <= BV_COL_OI; c++) bv_sql_bind_real(st, 3 + c, value[c]);
  int before = sqlite3_total_changes(s->db);
  BV_TRY(bv_sql_done(s->db, st, err, "writing barsvt_hot"));
  *wrote = sqlite3_total_changes(s->db) != before;
  return BV_OK;
}

/* Most bars are new, so the insert that does nothing for a known time comes first. */
bv_rc bv_raw_put(bv_store *s, const bv_series *series, int64_t ts, const double value[BV_NCOL],
                 bv_on_conflict how, bv_put_result *what, bv_err *err) {
  bv_put_result none;
  bool wrote, found;
  double have[BV_NCOL];
  if (!what) what = &none;
  BV_TRY(write_row(s, BV_ST_HOT_INSERT, series->id, ts, value, &wrote, err));
  *what = wrote ? BV_PUT_NEW : BV_PUT_SAME;
  if (wrote || how == BV_CONFLICT_IGNORE) return BV_OK;
  BV_TRY(bv_raw_get(s, series->id, ts, have, &found, err));
  if (found && same_values(have, value)) return BV_OK;
  if (how == BV_CONFLICT_ERROR) return conflict(series, ts, err);
  *what = BV_PUT_CHANGED;
  return write_row(s, BV_ST_HOT_REPLACE, series->id, ts, value, &wrote, err);
}

bv_rc bv_raw_delete(bv_store *s, int64_t series_id, int64_t ts, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_store_stmt(s, BV_ST_HOT_DELETE, &st, err));
  sqlite3_bind_int64(st, 1, series_id);
  sqlite3_bind_int64(st, 2, ts);
  return bv_sql_done(s->db, st, err, "writing barsvt_hot");
}
