/* doc_source.c - a CSV or Parquet file of signals or context as a TEMP view; see doc_source.h. */
#include "run/doc_source.h"
#include "base/buf.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/parquet.h"
#include "data/sql.h"
#include "time/instant.h"

#include <stdio.h>
#include <string.h>

typedef struct file {
  bv_infile *in;
  bv_csv *csv;
} file;

static void file_close(file *f) {
  bv_csv_close(f->csv);
  bv_infile_close(f->in);
}

static bv_rc file_open(const char *path, file *f, bv_err *err) {
  const char *p;
  size_t n;
  *f = (file){0};
  BV_TRY(bv_infile_open(path, &f->in, err));
  bv_rc rc = bv_infile_peek(f->in, 4, &p, &n, err);
  const bool parquet = rc == BV_OK && bv_parquet_magic(p, n);
  if (parquet) {
    bv_infile_close(f->in);
    f->in = NULL;
    rc = bv_parquet_text(path, &f->in, err);
  }
  if (rc == BV_OK) rc = bv_csv_open(f->in, parquet ? ',' : 0, &f->csv, err);
  if (rc != BV_OK) file_close(f);
  return rc;
}

static bool is_field(const bv_field *f, const char *name) {
  return f->n == strlen(name) && memcmp(f->p, name, f->n) == 0;
}

bv_rc bv_file_has(const char *path, const char *column, bool *out, bv_err *err) {
  file f;
  bv_csv_record r;
  *out = false;
  BV_TRY(file_open(path, &f, err));
  bv_rc rc = bv_csv_next(f.csv, &r, err);
  for (size_t i = 0; rc == BV_OK && i < r.nfield; i++) *out |= is_field(&r.field[i], column);
  file_close(&f);
  return rc;
}

/* CREATE TABLE and INSERT for the header's columns; *at: which one is `ts`. */
static bv_rc statements(const char *table, const bv_csv_record *head, const char *ts, bv_buf *make,
                        bv_buf *insert, size_t *at) {
  char *name = sqlite3_mprintf("%w", table);
  if (!name) return BV_NOMEM;
  bv_rc rc = bv_buf_addf(make, "CREATE TEMP TABLE \"%s\"(", name);
  if (rc == BV_OK) rc = bv_buf_addf(insert, "INSERT INTO temp.\"%s\" VALUES (", name);
  sqlite3_free(name);
  *at = head->nfield;
  for (size_t i = 0; i < head->nfield && rc == BV_OK; i++) {
    char *column = sqlite3_mprintf("%.*s", (int)head->field[i].n, head->field[i].p);
    char *quoted = column ? sqlite3_mprintf("%s\"%w\"", i ? ", " : "", column) : NULL;
    rc = quoted ? bv_buf_adds(make, quoted) : BV_NOMEM;
    if (rc == BV_OK) rc = bv_buf_addf(insert, "%s?%d", i ? ", " : "", (int)i + 1);
    if (column && strcmp(column, ts) == 0) *at = i;
    sqlite3_free(column);
    sqlite3_free(quoted);
  }
  if (rc == BV_OK) rc = bv_buf_adds(make, ")");
  return rc == BV_OK ? bv_buf_adds(insert, ")") : rc;
}

static bv_rc bind_time(sqlite3_stmt *st, int at, const bv_field *f, const bv_zone *zone,
                       const char *path, int64_t line, bv_err *err) {
  int64_t t;
  bv_err why = {0};
  bv_rc rc = bv_parse_i64(f->p, f->n, &t);
  if (rc != BV_OK) rc = bv_instant_parse(f->p, f->n, zone, &t, NULL, &why);
  if (rc == BV_NOMEM) return rc;
  if (rc != BV_OK) {
    return bv_fail(err, BV_ARG, "%.200s, line %lld: %s", path, (long long)line,
                   bv_err_text(&why, rc));
  }
  sqlite3_bind_int64(st, at, t);
  return BV_OK;
}

static void bind_value(sqlite3_stmt *st, int at, const bv_field *f) {
  double x;
  int64_t i;
  if (f->n == 0) {
    sqlite3_bind_null(st, at);
  } else if (bv_parse_i64(f->p, f->n, &i) == BV_OK) {
    sqlite3_bind_int64(st, at, i);
  } else if (bv_parse_f64(f->p, f->n, &x) == BV_OK) {
    bv_sql_bind_real(st, at, x);
  } else {
    sqlite3_bind_text(st, at, f->p, (int)f->n, SQLITE_TRANSIENT);
  }
}

static bv_rc load(sqlite3 *db, file *f, sqlite3_stmt *st, size_t columns, size_t ts,
                  const bv_zone *zone, const char *path, bv_err *err) {
  bv_csv_record r;
  for (;;) {
    BV_TRY(bv_csv_next(f->csv, &r, err));
    if (r.nfield == 0) return BV_OK;
    if (r.nfield != columns) {
      return bv_fail(err, BV_ARG, "%.200s, line %lld: %zu fields, the header has %zu", path,
                     (long long)r.line, r.nfield, columns);
    }
    for (size_t i = 0; i < columns; i++) {
      if (i == ts) {
        BV_TRY(bind_time(st, (int)i + 1, &r.field[i], zone, path, r.line, err));
      } else {
        bind_value(st, (int)i + 1, &r.field[i]);
      }
    }
    BV_TRY(bv_sql_done(db, st, err, "loading signals"));
  }
}

#define TABLE "barsvt_source_"

/* A name that no TEMP table has. */
static bv_rc free_name(sqlite3 *db, char out[40], bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db,
                        "SELECT 1 + coalesce(max(CAST(substr(name, 15) AS INTEGER)), 0) FROM"
                        " sqlite_temp_schema WHERE name GLOB '" TABLE "*'",
                        &st, err));
  bv_rc rc = bv_sql_row(db, st, &row, err, "sqlite_temp_schema");
  snprintf(out, 40, TABLE "%lld", rc == BV_OK ? (long long)sqlite3_column_int64(st, 0) : 0LL);
  sqlite3_finalize(st);
  return rc;
}

static bv_rc fill(sqlite3 *db, file *f, const char *path, const char *table, const char *ts,
                  const bv_zone *zone, bv_err *err) {
  bv_csv_record head;
  bv_buf make, insert;
  sqlite3_stmt *st = NULL;
  size_t at = 0, columns = 0;
  bv_buf_init(&make, BV_MEM_RUN, 1 << 20);
  bv_buf_init(&insert, BV_MEM_RUN, 1 << 20);
  bv_rc rc = bv_csv_next(f->csv, &head, err);
  if (rc == BV_OK) {
    columns = head.nfield;
    rc = statements(table, &head, ts, &make, &insert, &at);
  }
  if (rc == BV_OK && at == columns) {
    rc =
        bv_fail(err, BV_ARG, "%.200s has no column '%.60s'; name it in timestamp_column", path, ts);
  }
  if (rc == BV_OK) rc = bv_sql_exec(db, bv_buf_text(&make), err);
  if (rc == BV_OK) rc = bv_sql_prepare(db, bv_buf_text(&insert), &st, err);
  if (rc == BV_OK) rc = load(db, f, st, columns, at, zone, path, err);
  sqlite3_finalize(st);
  bv_buf_reset(&make);
  bv_buf_reset(&insert);
  return rc;
}

static bv_rc exec_on(sqlite3 *db, const char *format, const char *name, const char *other,
                     bv_err *err) {
  char *sql = sqlite3_mprintf(format, name, other);
  bv_rc rc = sql ? bv_sql_exec(db, sql, err) : BV_NOMEM;
  sqlite3_free(sql);
  return rc;
}

bv_rc bv_file_table(sqlite3 *db, const char *path, const char *view, const char *ts,
                    const bv_zone *zone, bv_err *err) {
  file f;
  char table[40];
  BV_TRY(free_name(db, table, err));
  BV_TRY(file_open(path, &f, err));
  bv_rc rc = fill(db, &f, path, table, ts, zone, err);
  file_close(&f);
  if (rc != BV_OK) return rc;
  return exec_on(db, "CREATE TEMP VIEW \"%w\" AS SELECT * FROM temp.\"%w\"", view, table, err);
}

bv_rc bv_file_drop(sqlite3 *db, const char *view, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  char table[40] = "";
  BV_TRY(bv_sql_prepare(db,
                        "SELECT substr(sql, instr(sql, '" TABLE "')) FROM sqlite_temp_schema WHERE"
                        " type = 'view' AND name = ?1",
                        &st, err));
  sqlite3_bind_text(st, 1, view, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(db, st, &row, err, "sqlite_temp_schema");
  if (rc == BV_OK && row) {
    const char *text = bv_sql_text(st, 0);
    snprintf(table, sizeof table, "%.*s", (int)strcspn(text, "\""), text);
  }
  sqlite3_finalize(st);
  if (rc == BV_OK) rc = exec_on(db, "DROP VIEW temp.\"%w\"", view, NULL, err);
  if (rc == BV_OK) rc = exec_on(db, "DELETE FROM temp.\"%w\"", table, NULL, err);
  return rc;
}

bv_rc bv_file_sweep(sqlite3 *db, bv_err *err) {
  for (int i = 0; i < 100; i++) {
    sqlite3_stmt *st;
    int row;
    char table[40];
    bv_err why = {0};
    BV_TRY(bv_sql_prepare(
        db, "SELECT name FROM sqlite_temp_schema WHERE name GLOB '" TABLE "*' LIMIT 1", &st, err));
    bv_rc rc = bv_sql_row(db, st, &row, err, "sqlite_temp_schema");
    snprintf(table, sizeof table, "%s", rc == BV_OK && row ? bv_sql_text(st, 0) : "");
    sqlite3_finalize(st);
    if (rc != BV_OK || !table[0]) return rc;
    rc = exec_on(db, "DROP TABLE temp.\"%w\"", table, NULL, &why);
    if (rc == BV_BUSY) return BV_OK;
    if (rc != BV_OK) return bv_fail_native(err, rc, why.native, "%s", why.msg);
  }
  return BV_OK;
}
