/*
** parquet.h - Parquet files, read and written by DuckDB (duckdb.h).
**
** Reading: DuckDB prints the columns as delimited text, which goes through bar_reader.h.  So columns are
** found by their names as in any other file, options mean the same, and bad rows are set aside.  What
** would lose something in text is selected in another form: a FLOAT as the DOUBLE it is, a time with
** zone as its instant in UTC, true and false as 1 and 0.  Columns of bytes, lists and structures are not read.  The index column
** that pandas writes for a nameless index counts as a nameless first column.
**
** Writing: the other way round, from text with times in epoch seconds.
*/
#ifndef BV_DATA_PARQUET_H
#define BV_DATA_PARQUET_H

#include "data/bar_reader.h"
#include "data/duckdb.h"

/* Whether a file that begins so is a Parquet file. */
bool bv_parquet_magic(const char *p, size_t n);

/* A reader of a file's bars; it says "plain" for the compression.  Errors: duckdb.h, bar_reader.h. */
BV_MUST bv_rc bv_parquet_open(const char *path, const bv_bar_reader_options *options,
                              bv_bar_reader **out, bv_err *err);

/* The file's table as text with a header line: delimited by commas, as DuckDB prints it.  Errors: duckdb.h. */
BV_MUST bv_rc bv_parquet_text(const char *path, bv_infile **out, bv_err *err);

/* Start to write a Parquet file from text with a header line; columns "asset" are texts, "ts" epoch
** seconds, the others numbers.  Times become TIMESTAMP WITH TIME ZONE, or with epoch they stay BIGINT.
** level: of zstd, 0: DuckDB's default.  Feed *out by bv_duckdb_write, end it by bv_duckdb_finish. */
BV_MUST bv_rc bv_parquet_create(const char *path, const char *const *column, size_t ncolumn,
                                bool epoch, int level, bv_duckdb **out, bv_err *err);

#endif
