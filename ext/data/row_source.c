/* row_source.c - recognising a file's format; see row_source.h. */
#include "data/row_source.h"

static bv_rc csv_next(void *self, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  return bv_bar_reader_next(self, rows, cap, n, err);
}

static bv_bar_reader_info csv_info(const void *self) {
  return bv_bar_reader_info_of(self);
}

static void csv_close(void *self) {
  bv_bar_reader_close(self);
}

static bv_rc open_csv(const char *path, const bv_bar_reader_options *options, bv_row_source *out,
                      bv_err *err) {
  bv_bar_reader *r;
  BV_TRY(bv_bar_reader_open(path, options, &r, err));
  *out = (bv_row_source){r, csv_next, csv_info, csv_close};
  return BV_OK;
}

bv_rc bv_row_source_open(const char *path, const bv_bar_reader_options *options, bv_row_source *out,
                         bv_err *err) {
  return open_csv(path, options, out, err);
}
