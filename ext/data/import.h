/*
** import.h - loading bar files into the store.
*/
#ifndef BV_DATA_IMPORT_H
#define BV_DATA_IMPORT_H

#include "base/buf.h"
#include "data/store.h"

/* Load a file of bars.  asset NULL: taken from the file's symbol column.  options: JSON, may be NULL;
** keys tz, label ("start", "end"), price_scale, delimiter, date_order ("month", "day"), on_conflict
** ("replace", "ignore", "error"), allow_negative, columns {"close": "Adj Close", ...}.
**
** All or nothing: either every good row of the file is stored, or none.  Rows that cannot be a bar go
** to barsvt_reject with their line and the reason; those of an earlier load of the same file, asset
** and timestep are forgotten.  Loading the same file again changes nothing.
** The answer is a JSON summary: rows, new, changed, rejected, first, last, assets, time and columns as
** understood, and warnings (an array) where something is doubtful. */
BV_MUST bv_rc bv_import_file(bv_store *s, const char *path, const char *asset, const char *timestep,
                             const char *options, bv_buf *summary, bv_err *err);

#endif
