/* parquet.c - Parquet files, read and written by DuckDB; see parquet.h. */
#include "data/parquet.h"

#include "base/text.h"
#include "data/csv.h"

#include <stdio.h>
#include <string.h>

#define SQL_MAX      ((size_t)1 << 20)
#define PANDAS_INDEX "__index_level_0__"
#define TO_TEXT      " (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"

bool bv_parquet_magic(const char *p, size_t n) {
  return n >= 4 && memcmp(p, "PAR1", 4) == 0;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

/* Errors of putting SQL together are those of memory. */
static bv_rc checked(bv_rc rc, bv_err *err) {
  if (rc == BV_LIMIT) return bv_fail(err, rc, "Parquet: the table has too many columns");
  return rc == BV_NOMEM ? bv_fail(err, rc, "out of memory while using DuckDB") : rc;
}

/* ---- reading ------------------------------------------------------------------------------- */

static bv_rc duck_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  return bv_duckdb_read(ctx, p, cap, n, err);
}

static void duck_close(void *ctx) {
  bv_duckdb_close(ctx);
}

/* What `COPY (select) TO ...` prints, as a stream. */
static bv_rc open_query(const bv_buf *select, const char *name, bv_infile **out, bv_err *err) {
  bv_duckdb *d;
  *out = NULL;
  BV_TRY(bv_duckdb_start(BV_DUCKDB_READ, bv_buf_text(select), TO_TEXT, &d, err));
  bv_infile_source source = {duck_read, duck_close, d};
  return bv_infile_open_source(source, name, out, err);
}

static bool begins(bv_field f, const char *with) {
  size_t n = strlen(with);
  return f.n >= n && bv_text_ieqn(f.p, n, with);
}

static bool is_scalar(bv_field type) {
  static const char *const other[] = {"STRUCT", "MAP",     "UNION",   "BLOB",
                                      "BIT",    "VARIANT", "GEOMETRY"};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
    if (begins(type, other[i])) return false;
  }
  return type.n > 0 && type.p[type.n - 1] != ']';
}

/* name: zero-terminated. */
static bv_rc add_column(bv_buf *select, const char *name, bv_field type) {
  const char *before = "", *after = "";
  if (bv_text_ieqn(type.p, type.n, "FLOAT")) {
    after = "::DOUBLE";
  } else if (bv_text_ieqn(type.p, type.n, "BOOLEAN")) {
    after = "::TINYINT";
  } else if (bv_text_ieqn(type.p, type.n, "TIMESTAMP WITH TIME ZONE")) {
    before = "make_timestamp(epoch_us(";
    after = "))::VARCHAR || 'Z'";
  }
  BV_TRY(bv_buf_adds(select, before));
  BV_TRY(bv_duckdb_quote(select, '"', name));
  BV_TRY(bv_buf_adds(select, after));
  BV_TRY(bv_buf_adds(select, " AS "));
  bool index = strcmp(name, PANDAS_INDEX) == 0;
  return bv_duckdb_quote(select, '"', index ? "Unnamed: 0" : name);
}

/* Append the columns in their order, the nameless index first. */
static bv_rc add_columns(bv_csv *csv, bv_buf *select, bv_err *err) {
  bv_csv_record rec;
  bv_buf one, index, rest;
  bv_rc rc;
  bv_buf_init(&one, BV_MEM_IMPORT, SQL_MAX);
  bv_buf_init(&index, BV_MEM_IMPORT, SQL_MAX);
  bv_buf_init(&rest, BV_MEM_IMPORT, SQL_MAX);
  bool header = true;
  while ((rc = bv_csv_next(csv, &rec, err)) == BV_OK && rec.nfield > 0) {
    bool first = header;
    header = false;
    if (first || rec.nfield != 2 || !is_scalar(rec.field[1])) continue;
    bv_buf_clear(&one);
    rc = checked(bv_buf_add(&one, rec.field[0].p, rec.field[0].n), err);
    if (rc != BV_OK) break;
    bv_buf *to = strcmp(bv_buf_text(&one), PANDAS_INDEX) == 0 ? &index : &rest;
    if (to->n) rc = bv_buf_adds(to, ", ");
    if (rc == BV_OK) rc = add_column(to, bv_buf_text(&one), rec.field[1]);
    if ((rc = checked(rc, err)) != BV_OK) break;
  }
  if (rc == BV_OK && index.n) rc = checked(bv_buf_adds(select, bv_buf_text(&index)), err);
  if (rc == BV_OK && index.n && rest.n) rc = checked(bv_buf_adds(select, ", "), err);
  if (rc == BV_OK) rc = checked(bv_buf_adds(select, bv_buf_text(&rest)), err);
  if (rc == BV_OK && !index.n && !rest.n) {
    rc = bv_fail(err, BV_ARG, "the Parquet file has no column of a plain type");
  }
  bv_buf_reset(&one);
  bv_buf_reset(&index);
  bv_buf_reset(&rest);
  return rc;
}

static bv_rc add_from(bv_buf *b, const char *path) {
  BV_TRY(bv_buf_adds(b, " FROM read_parquet("));
  BV_TRY(bv_duckdb_quote_path(b, path));
  return bv_buf_adds(b, ")");
}

static bv_rc make_describe(bv_buf *b, const char *path) {
  BV_TRY(bv_buf_adds(b, "COPY (SELECT column_name, column_type FROM (DESCRIBE SELECT *"));
  BV_TRY(add_from(b, path));
  return bv_buf_adds(b, ")) TO ");
}

/* The statement that prints the table, made from a description of its columns. */
static bv_rc make_select(const char *path, bv_buf *select, bv_err *err) {
  bv_infile *in;
  bv_csv *csv = NULL;
  bv_buf describe;
  bv_buf_init(&describe, BV_MEM_IMPORT, SQL_MAX);
  bv_rc rc = checked(make_describe(&describe, path), err);
  if (rc == BV_OK) rc = open_query(&describe, base_name(path), &in, err);
  bv_buf_reset(&describe);
  if (rc != BV_OK) return rc;
  rc = bv_csv_open(in, ',', &csv, err);
  if (rc == BV_OK) rc = checked(bv_buf_adds(select, "COPY (SELECT "), err);
  if (rc == BV_OK) rc = add_columns(csv, select, err);
  bv_csv_close(csv);
  bv_infile_close(in);
  if (rc == BV_OK) rc = checked(add_from(select, path), err);
  return rc == BV_OK ? checked(bv_buf_adds(select, ") TO "), err) : rc;
}

bv_rc bv_parquet_text(const char *path, bv_infile **out, bv_err *err) {
  bv_buf select;
  *out = NULL;
  bv_buf_init(&select, BV_MEM_IMPORT, SQL_MAX);
  bv_rc rc = make_select(path, &select, err);
  if (rc == BV_OK) rc = open_query(&select, base_name(path), out, err);
  bv_buf_reset(&select);
  return rc;
}

bv_rc bv_parquet_open(const char *path, const bv_bar_reader_options *options, bv_bar_reader **out,
                      bv_err *err) {
  bv_infile *in;
  *out = NULL;
  BV_TRY(bv_parquet_text(path, &in, err));
  bv_bar_reader_options o = *options;
  o.delimiter = ',';
  return bv_bar_reader_take(in, &o, out, err);
}

/* ---- writing ------------------------------------------------------------------------------- */

static bv_rc add_selected(bv_buf *b, const char *const *column, size_t n, bool epoch) {
  BV_TRY(bv_buf_adds(b, "COPY (SELECT "));
  for (size_t i = 0; i < n; i++) {
    bool stamp = strcmp(column[i], "ts") == 0 && !epoch;
    BV_TRY(bv_buf_addf(b, "%s%s%s%s", i ? ", " : "", stamp ? "to_timestamp(" : "", column[i],
                       stamp ? ") AS ts" : ""));
  }
  return bv_buf_adds(b, " FROM read_csv(");
}

static bv_rc add_read_csv(bv_buf *b, const char *const *column, size_t n) {
  BV_TRY(bv_buf_adds(b, ", header = true, auto_detect = false, delim = ',', quote = '\"', "
                        "escape = '\"', columns = {"));
  for (size_t i = 0; i < n; i++) {
    const char *type = strcmp(column[i], "ts") == 0      ? "BIGINT"
                       : strcmp(column[i], "asset") == 0 ? "VARCHAR"
                                                         : "DOUBLE";
    BV_TRY(bv_buf_addf(b, "%s'%s': '%s'", i ? ", " : "", column[i], type));
  }
  return bv_buf_adds(b, "})) TO ");
}

bv_rc bv_parquet_create(const char *path, const char *const *column, size_t ncolumn, bool epoch,
                        int level, bv_duckdb **out, bv_err *err) {
  bv_buf head, tail;
  *out = NULL;
  bv_buf_init(&head, BV_MEM_IMPORT, SQL_MAX);
  bv_buf_init(&tail, BV_MEM_IMPORT, SQL_MAX);
  bv_rc rc = add_selected(&head, column, ncolumn, epoch);
  if (rc == BV_OK) rc = add_read_csv(&tail, column, ncolumn);
  if (rc == BV_OK) rc = bv_duckdb_quote(&tail, '\'', path);
  if (rc == BV_OK) {
    rc = bv_buf_adds(&tail, " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false");
  }
  if (rc == BV_OK && level) rc = bv_buf_addf(&tail, ", COMPRESSION_LEVEL %d", level);
  if (rc == BV_OK) rc = bv_buf_adds(&tail, ")");
  rc = checked(rc, err);
  if (rc == BV_OK) {
    rc = bv_duckdb_start(BV_DUCKDB_WRITE, bv_buf_text(&head), bv_buf_text(&tail), out, err);
  }
  bv_buf_reset(&head);
  bv_buf_reset(&tail);
  return rc;
}
