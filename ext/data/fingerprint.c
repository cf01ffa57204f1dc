/* fingerprint.c - whether stored data are still the same; see fingerprint.h. */
#include "data/fingerprint.h"
#include "data/barhash.h"
#include "data/sql.h"
#include "data/summary.h"

#include <math.h>
#include <string.h>

static uint64_t bits_of(double x) {
  uint64_t b = UINT64_C(0x7ff8000000000000);
  if (!isnan(x)) memcpy(&b, &x, sizeof b);
  return b;
}

uint64_t bv_text_hash(const char *text, size_t n) {
  uint64_t h = bv_hash_mix(3, n);
  for (size_t i = 0; i < n; i += 8) {
    uint64_t x = 0;
    const size_t left = n - i < 8 ? n - i : 8;
    for (size_t b = 0; b < left; b++) x |= (uint64_t)(uint8_t)text[i + b] << (8 * b);
    h = bv_hash_mix(h, x);
  }
  return h;
}

/* ---- bars ---- */

bv_rc bv_series_fingerprint(bv_store *s, const bv_series *series, int64_t hi, bv_fingerprint *out,
                            bv_err *err) {
  bv_stats stats;
  BV_TRY(bv_summary_hash(s, series, hi, &stats, err));
  *out = (bv_fingerprint){stats.n, stats.hash};
  return BV_OK;
}

/* ---- rows ---- */

static uint64_t mix_value(uint64_t h, sqlite3_value *v) {
  const int type = sqlite3_value_type(v);
  h = bv_hash_mix(h, (uint64_t)type);
  switch (type) {
  case SQLITE_INTEGER: return bv_hash_mix(h, (uint64_t)sqlite3_value_int64(v));
  case SQLITE_FLOAT: return bv_hash_mix(h, bits_of(sqlite3_value_double(v)));
  case SQLITE_NULL: return h;
  default: {
    const char *p = sqlite3_value_blob(v);
    return bv_hash_mix(h, bv_text_hash(p ? p : "", (size_t)sqlite3_value_bytes(v)));
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
    for (int c = 0; c < columns; c++) out->hash = mix_value(out->hash, sqlite3_column_value(st, c));
  }
  sqlite3_finalize(st);
  return rc;
}
