/*
** archive.h - the tables of bars in a zip archive, one after the other.
**
** Entries whose names end in .csv, .tsv, .tab or .txt (or that with .gz or .zst behind it) are read, each as
** a file of LEAN where it looks like one (lean.h), else as a delimited file of its own (bar_reader.h).
** Other entries are left out and named in the warnings.  A delimited file without symbol column takes
** its symbol from the entry's name, unless an asset was asked for.  Lines are counted by entry; of an
** archive of several, the reason of a row set aside begins with the entry's name.
*/
#ifndef BV_DATA_ARCHIVE_H
#define BV_DATA_ARCHIVE_H

#include "data/bar_reader.h"

typedef struct bv_archive bv_archive;

/* Open an archive and its first table.  BV_ARG: nothing in it is a table of bars; else as zip.h. */
BV_MUST bv_rc bv_archive_open(const char *path, const bv_bar_reader_options *options,
                              bv_archive **out, bv_err *err);

/* As bv_bar_reader_next. */
BV_MUST bv_rc bv_archive_next(bv_archive *a, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err);

/* Times and columns are those of the first table. */
bv_bar_reader_info bv_archive_info_of(const bv_archive *a);

/* NULL is fine. */
void bv_archive_close(bv_archive *a);

#endif
