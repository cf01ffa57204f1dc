/*
** summary.h - figures of a stored series over a range of time, without reading its bars where the
** statistics of sealed chunks suffice.
**
** Like every reader it sees only bars that have ended by the store's clock.
*/
#ifndef BV_DATA_SUMMARY_H
#define BV_DATA_SUMMARY_H

#include "data/segstat.h"

/* Reads summaries of any number of series; keeps a prepared statement, so it belongs to a virtual
** table that is connected. */
typedef struct bv_summary_reader {
  bv_store *store;
  sqlite3_stmt *scan;
} bv_summary_reader;

void bv_summary_reset(bv_summary_reader *r);

/* Statistics of the bars with lo <= ts < hi.  mask: the columns whose figures are wanted (the others
** hold anything); times and counts are always there. */
BV_MUST bv_rc bv_summary_read(bv_summary_reader *r, const bv_series *series, int64_t lo, int64_t hi,
                              unsigned mask, bv_stats *out, bv_err *err);

/* The number of the bars with ts < hi and the hash of their values, past any clock; of the other figures only
** the times hold. */
BV_MUST bv_rc bv_summary_hash(bv_store *s, const bv_series *series, int64_t hi, bv_stats *out,
                              bv_err *err);

#endif
