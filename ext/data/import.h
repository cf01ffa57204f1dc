/*
** import.h - loading bar files into the store.
*/
#ifndef BV_DATA_IMPORT_H
#define BV_DATA_IMPORT_H

#include "base/buf.h"
#include "data/progress.h"
#include "data/store.h"

/* Load a file of bars, or those of a directory or pattern (data/filelist.h) one after the other.
** asset NULL: taken from the file's symbol column, and for a file of several from its name where it
** has none.  options: JSON, may be NULL; keys tz, label ("start", "end"), price_scale, delimiter,
** date_order ("month", "day"), on_conflict ("replace", "ignore", "error"), allow_negative, columns
** {"close": "Adj Close", ...}, stop_on_error, progress.
**
** All or nothing by file: either every good row of a file is stored, or none.  Rows that cannot be a bar go
** to barsvt_reject with their line and the reason; those of an earlier load of the same file, asset
** and timestep are forgotten.  Loading the same file again changes nothing.
** The answer is a JSON summary: rows, new, changed, rejected, first, last, assets, time and columns as
** understood, and warnings (an array) where something is doubtful.
**
** Of several files the summary has the sums, and files, loaded, failed, skipped (files of a directory
** that are none of bars) and failures: [{"file", "error"}], the first 100 of them.  A file that fails
** does not stop the others, unless stop_on_error is true; then the files before it stay loaded.  It is
** an error where none of them could be loaded.
**
** progress false: no line on the terminal (data/progress.h).  BV_INTERRUPT: sqlite3_interrupt() was
** called; files loaded before stay, but inside a transaction all of it is undone, as SQLite does with
** an interrupted INSERT. */
BV_MUST bv_rc bv_import_file(bv_store *s, const char *path, const char *asset, const char *timestep,
                             const char *options, bv_buf *summary, bv_err *err);

/* ---- between import.c and import_many.c ---- */

typedef struct bv_import_job {
  bv_store *s;
  const char *path;
  const char *asset; /* NULL: from the file */
  const char *timestep, *options;
  bool name_symbol; /* asset NULL and no symbol column: the file's name is the symbol */
} bv_import_job;

typedef struct bv_import_totals {
  int64_t rows, fresh, changed, rejected;
  int64_t first, last; /* where rows > 0 */
  bv_map assets;       /* the keys */
  bool stop_on_error;  /* as the options say */
} bv_import_totals;

/* Read asset, timestep and options without loading anything. */
BV_MUST bv_rc bv_import_check(const bv_import_job *job, bv_import_totals *out, bv_err *err);

/* Load one file; what it brought is added to *totals.  summary may be NULL. */
BV_MUST bv_rc bv_import_one(const bv_import_job *job, bv_import_totals *totals, bv_buf *summary,
                            bv_err *err);

/* Append "rows":..,"new":..,"changed":..,"rejected":..,"first":..,"last":..,"assets":.. */
BV_MUST bv_rc bv_import_add_totals(bv_buf *b, const bv_import_totals *t);

#endif
