/*
** doc_source.h - a CSV file of signals or context as a TEMP table.
*/
#ifndef BV_RUN_DOC_SOURCE_H
#define BV_RUN_DOC_SOURCE_H

#include "data/store.h"

/* Make the TEMP table `table` of a file with a header line.  Texts that are numbers become numbers, empty
** ones NULL; column `ts` becomes epoch seconds, times without an offset are of `zone`.  BV_ARG names line
** and column of a time that cannot be read. */
BV_MUST bv_rc bv_csv_table(sqlite3 *db, const char *path, const char *table, const char *ts,
                           const bv_zone *zone, bv_err *err);

/* Whether the file's header has the column. */
BV_MUST bv_rc bv_csv_has(const char *path, const char *column, bool *out, bv_err *err);

#endif
