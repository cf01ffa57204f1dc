/*
** export.h - writing stored bars to files.
*/
#ifndef BV_DATA_EXPORT_H
#define BV_DATA_EXPORT_H

#include "base/buf.h"
#include "data/store.h"

/* Write the bars with lo <= ts < hi to a new file, in the format its name ends in: .csv, .csv.gz,
** .csv.zst, .parquet or .pq.  asset NULL: all assets that have the timestep, ordered by name, with a
** column asset in front.  Columns: ts (ISO 8601 in UTC, or epoch seconds; in Parquet an instant, or
** an integer), open, high, low, close, volume, and those of vwap, trades, bid, ask, open_interest that
** some bar of the series has.  As every reader it sees only bars that have ended by the clock.
**
** options: JSON, may be NULL; keys overwrite (false), level (of gzip 1 to 9, of zstd 1 to 19), time
** ("iso", "epoch"), progress (see import.h).
**
** The file appears whole or not at all (outfile.h).  Reading it back gives the same bits.
** The answer is a JSON summary: file, rows, assets, bytes, first, last, columns. */
BV_MUST bv_rc bv_export_file(bv_store *s, const char *path, const char *asset, const char *timestep,
                             int64_t lo, int64_t hi, const char *options, bv_buf *summary,
                             bv_err *err);

#endif
