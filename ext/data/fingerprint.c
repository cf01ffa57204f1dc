/* fingerprint.c - whether stored data are still the same; see fingerprint.h. */
#include "data/fingerprint.h"
#include "base/buf.h"
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

#define NO_ROWS 2

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
  *out = (bv_fingerprint){0, NO_ROWS};
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

typedef struct summed {
  bool begun;
  uint64_t hash;
} summed;

void bv_hash_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  summed *s = sqlite3_aggregate_context(ctx, sizeof *s);
  if (!s) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  uint64_t hash = s->begun ? s->hash : NO_ROWS;
  for (int c = 0; c < argc; c++) hash = mix_value(hash, argv[c]);
  *s = (summed){true, hash};
}

void bv_hash_final(sqlite3_context *ctx) {
  const summed *s = sqlite3_aggregate_context(ctx, 0);
  sqlite3_result_int64(ctx, (int64_t)(s ? s->hash : NO_ROWS));
}

/* SELECT barsvt_hash(t."a", t."b"), count(*) FROM "schema"."table" AS t; nothing where it has too many columns for that. */
static bv_rc hash_statement(sqlite3 *db, const char *rows, const char *schema, const char *table,
                            bv_buf *out, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(db, rows, &st, err));
  const int n = sqlite3_column_count(st);
  bv_rc rc = bv_buf_adds(out, "SELECT barsvt_hash(");
  for (int c = 0; c < n && rc == BV_OK; c++) {
    const char *name = sqlite3_column_name(st, c);
    char *quoted = name ? sqlite3_mprintf("%st.\"%w\"", c ? "," : "", name) : NULL;
    rc = quoted ? bv_buf_adds(out, quoted) : BV_NOMEM;
    sqlite3_free(quoted);
  }
  sqlite3_finalize(st);
  char *from = sqlite3_mprintf("),count(*) FROM \"%w\".\"%w\" AS t", schema, table);
  if (!from) rc = BV_NOMEM;
  if (rc == BV_OK) rc = bv_buf_adds(out, from);
  sqlite3_free(from);
  if (n > sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, -1)) bv_buf_clear(out);
  return rc;
}

static bv_rc hash_rows(sqlite3 *db, const char *sql, bv_fingerprint *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db, sql, &st, err));
  bv_rc rc = bv_sql_row(db, st, &row, err, "reading a table");
  if (rc == BV_OK && row) {
    out->hash = (uint64_t)sqlite3_column_int64(st, 0);
    out->n = sqlite3_column_int64(st, 1);
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_table_fingerprint(sqlite3 *db, const char *schema, const char *table, bv_fingerprint *out,
                           bv_err *err) {
  bv_buf sql;
  char *rows = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\"", schema, table);
  if (!rows) return BV_NOMEM;
  bv_buf_init(&sql, BV_MEM_BASE, 1 << 20);
  bv_err why = {0};
  bv_rc rc = hash_statement(db, rows, schema, table, &sql, err);
  bv_rc hashed = rc == BV_OK && sql.n > 0 ? hash_rows(db, bv_buf_text(&sql), out, &why) : BV_ARG;
  /* SQLite may have been told to give its columns other names */
  if (rc == BV_OK && hashed == BV_ARG) rc = bv_rows_fingerprint(db, rows, out, err);
  if (rc == BV_OK && hashed != BV_OK && hashed != BV_ARG)
    rc = bv_fail_native(err, hashed, why.native, "%s", bv_err_text(&why, hashed));
  bv_buf_reset(&sql);
  sqlite3_free(rows);
  return rc;
}
