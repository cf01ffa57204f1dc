/*
** filelist.h - the files that a path, a directory or a pattern means, and the symbols in their names.
*/
#ifndef BV_DATA_FILELIST_H
#define BV_DATA_FILELIST_H

#include "base/alloc.h"

#include <stdbool.h>

typedef struct bv_filelist {
  char **path;
  size_t n;
  bool many;      /* made from a directory or a pattern: not one plain path */
  size_t skipped; /* files of a directory that are left out */
} bv_filelist;

/* Files in the order of their bytes, whatever the locale.
**
**   an existing file    itself, also where its name has *, ? or [
**   a directory         its files that end as files of bars do (bv_file_is_bars), hidden ones and
**                       directories in it left out
**   a pattern           the files it matches (glob(7)), whatever their endings
**   anything else       itself: opening it will say why it cannot be read
**
** BV_NOTFOUND: a directory or pattern without such a file; BV_ARG: a directory that has trades and
** quotes of LEAN side by side (X_trade.zip, X_quote.zip), which must not be stored over each other;
** BV_IO: a directory that cannot be read. */
BV_MUST bv_rc bv_filelist_make(const char *path, bv_filelist *out, bv_err *err);

void bv_filelist_reset(bv_filelist *l);

/* Whether a name ends in .csv, .tsv, .tab, .txt, .dbn, .zip, .parquet or .pq, or in one of these with
** .gz, .zst or .zstd behind it; case does not matter. */
bool bv_file_is_bars(const char *name);

/* The last part of a path without those endings: "data/brk.b.csv.zst" -> "brk.b".  Cut at cap - 1
** bytes; returns the length it has uncut. */
size_t bv_file_symbol(const char *path, char *out, size_t cap);

#endif
