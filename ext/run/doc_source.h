/*
** doc_source.h - a CSV or Parquet file of signals or context as a TEMP view.  Parquet is read as the text that DuckDB prints of
** it (data/parquet.h).
*/
#ifndef BV_RUN_DOC_SOURCE_H
#define BV_RUN_DOC_SOURCE_H

#include "data/store.h"

/* Make the TEMP view `view` of a file, over a TEMP table of our own with a header line.  Texts that are numbers become numbers, empty
** ones NULL; column `ts` becomes epoch seconds, times without an offset are of `zone`.  BV_ARG names line
** and column of a time that cannot be read. */
BV_MUST bv_rc bv_file_table(sqlite3 *db, const char *path, const char *view, const char *ts,
                            const bv_zone *zone, bv_err *err);

/* Drop such a view and empty its table, which cannot be dropped while a statement reads, a run's own or
** the one that called us; and drop the tables left so, where nothing reads any more. */
BV_MUST bv_rc bv_file_drop(sqlite3 *db, const char *view, bv_err *err);
BV_MUST bv_rc bv_file_sweep(sqlite3 *db, bv_err *err);

/* Whether the file's header has the column. */
BV_MUST bv_rc bv_file_has(const char *path, const char *column, bool *out, bv_err *err);

#endif
