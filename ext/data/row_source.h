/*
** row_source.h - where an import gets its bars from, whatever the file's format.
**
** A format is recognised by the file's first bytes, never by its name.  Each format is one reader with
** the three calls below; import.c knows nothing else about it.
*/
#ifndef BV_DATA_ROW_SOURCE_H
#define BV_DATA_ROW_SOURCE_H

#include "data/bar_reader.h"

typedef struct bv_row_source {
  void *self;
  /* Up to cap more bars; *n = 0 at the end.  Texts in the rows live until the next call. */
  bv_rc (*next)(void *self, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err);
  bv_bar_reader_info (*info)(const void *self);
  void (*close)(void *self);
} bv_row_source;

/* Open a file.  `options` as for bv_bar_reader_open; readers of formats that carry their own times,
** scales or columns ignore the options about those. */
BV_MUST bv_rc bv_row_source_open(const char *path, const bv_bar_reader_options *options,
                                 bv_row_source *out, bv_err *err);

#endif
