/*
** row_source.c - recognising a file's format; see row_source.h.
**
** Each format is a row of the table at the end: whether the first (unpacked) bytes are its own, and how
** to open it.  Delimited text has no mark of its own and comes last.
*/
#include "data/row_source.h"

#include "data/archive.h"
#include "data/dbn.h"
#include "data/parquet.h"
#include "data/zip.h"

#define PEEK 16

typedef bool (*is_fn)(const char *p, size_t n);

/* Opens `path`, of which `in` is the stream; takes `in` over, also when it fails. */
typedef bv_rc (*open_fn)(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                         bv_row_source *out, bv_err *err);

/* ---- delimited text ---- */

static bv_rc csv_next(void *self, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  return bv_bar_reader_next(self, rows, cap, n, err);
}

static bv_bar_reader_info csv_info(const void *self) {
  return bv_bar_reader_info_of(self);
}

static void csv_close(void *self) {
  bv_bar_reader_close(self);
}

static bool csv_is(const char *p, size_t n) {
  (void)p;
  (void)n;
  return true;
}

static bv_rc csv_open(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                      bv_row_source *out, bv_err *err) {
  (void)path;
  bv_bar_reader *r;
  BV_TRY(bv_bar_reader_take(in, options, &r, err));
  *out = (bv_row_source){r, csv_next, csv_info, csv_close};
  return BV_OK;
}

/* ---- zip archives ---- */

static bv_rc zip_next(void *self, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  return bv_archive_next(self, rows, cap, n, err);
}

static bv_bar_reader_info zip_info(const void *self) {
  return bv_archive_info_of(self);
}

static void zip_close(void *self) {
  bv_archive_close(self);
}

static bv_rc zip_open(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                      bv_row_source *out, bv_err *err) {
  bv_archive *a;
  bv_infile_close(in); /* an archive is read from its end */
  BV_TRY(bv_archive_open(path, options, &a, err));
  *out = (bv_row_source){a, zip_next, zip_info, zip_close};
  return BV_OK;
}

/* ---- Parquet, as text ---- */

static bv_bar_reader_info parquet_info(const void *self) {
  bv_bar_reader_info info = bv_bar_reader_info_of(self);
  info.compression = "parquet";
  return info;
}

static bv_rc parquet_open(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                          bv_row_source *out, bv_err *err) {
  bv_bar_reader *r;
  bv_infile_close(in); /* DuckDB opens the path by itself */
  BV_TRY(bv_parquet_open(path, options, &r, err));
  *out = (bv_row_source){r, csv_next, parquet_info, csv_close};
  return BV_OK;
}

/* ---- */

static const struct {
  is_fn is;
  open_fn open;
} format[] = {{bv_zip_magic, zip_open}, {bv_parquet_magic, parquet_open}, {csv_is, csv_open}};

bv_rc bv_row_source_open(const char *path, const bv_bar_reader_options *options, bv_row_source *out,
                         bv_err *err) {
  bv_infile *in;
  const char *p;
  size_t n, i = 0;
  BV_TRY(bv_infile_open(path, &in, err));
  bv_rc rc = bv_infile_peek(in, PEEK, &p, &n, err);
  if (rc != BV_OK) {
    bv_infile_close(in);
    return rc;
  }
  /* Not in the table: a name in .dbn claims too, so that what else it holds is refused clearly. */
  if (bv_dbn_claims(path, p, n)) return bv_dbn_open(in, path, options, out, err);
  while (!format[i].is(p, n)) i++;
  return format[i].open(in, path, options, out, err);
}
