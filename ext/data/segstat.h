/*
** segstat.h - statistics of bars, and those kept for each sealed chunk: the table barsvt_stat.
**
** A chunk's row has the id series << 32 | chunk.  It is written and removed together with the chunk
** (seg.c), so that summaries of long ranges need not touch the segments.  Sums are of doubles, in
** a fixed order: the same bars always give the same bits.
*/
#ifndef BV_DATA_SEGSTAT_H
#define BV_DATA_SEGSTAT_H

#include "data/store.h"

/* Columns that bv_stats_of reads. */
#define BV_STATS_MASK                                                                              \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME) | BV_COLBIT(BV_COL_VWAP))

/* Of consecutive bars of one series.  n = 0: nothing else holds. */
typedef struct bv_stats {
  int64_t n, first, last; /* times of the first and last bar */
  unsigned columns;       /* stored columns that have a value in some bar */
  double open, close;     /* of the first and the last bar */
  double high, low;       /* extremes */
  double volume;          /* sum over the bars that have one */
  double sum, m2;         /* of close: sum, and sum of squared distances from its mean */
  double turnover;        /* sum of volume x vwap, or x close where the bar has no vwap */
  bool hashed;            /* the next is known; bv_stats_of leaves it unknown */
  uint64_t hash;          /* of the bars by their values (barhash.h) */
} bv_stats;

/* Statistics of bars.  Columns that are absent count as never having a value. */
bv_stats bv_stats_of(const bv_bars *b);

/* Extend by the statistics of later bars. */
void bv_stats_add(bv_stats *to, const bv_stats *later);

/* Whether two are the same bit for bit. */
bool bv_stats_same(const bv_stats *a, const bv_stats *b);

/* Store those of a sealed chunk; n = 0 removes the row. */
BV_MUST bv_rc bv_segstat_write(bv_store *s, int64_t series, int64_t chunk, const bv_stats *stats,
                               bv_err *err);

/* Those of a chunk; *found = false where it is not sealed. */
BV_MUST bv_rc bv_segstat_read(bv_store *s, int64_t series, int64_t chunk, bv_stats *out,
                              bool *found, bv_err *err);

/* The rows of a series from chunk `from` to chunk `to` (both included) in order: id and data, for
** bv_segstat_row.  The caller prepares with this and steps. */
#define BV_SEGSTAT_SCAN                                                                            \
  "SELECT rowid, data FROM main.barsvt_stat WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid"
int64_t bv_segstat_id(int64_t series, int64_t chunk);

/* Take apart a row that a scan stands on.  BV_CORRUPT where its checksum is wrong. */
BV_MUST bv_rc bv_segstat_row(sqlite3_stmt *st, int64_t *series, int64_t *chunk, bv_stats *out,
                             bv_err *err);

#endif
