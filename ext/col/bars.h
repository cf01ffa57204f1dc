/*
** bars.h - columns of bars, as every layer above passes them.
**
** A bv_bars is a borrowed view: n bars of one series, one array per column.  Times are a column of
** their own and always there; the others may be absent (NULL pointer) and cost nothing then.  In an
** optional column (vwap and later) a NaN stands for NULL.
**
** The numbers of the columns are stored in databases and never change meaning: new columns get new
** numbers below BV_COL_TS, which is fixed at 15 so that a column set fits 16 bits.
*/
#ifndef BV_COL_BARS_H
#define BV_COL_BARS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bv_column {
  BV_COL_OPEN = 0,
  BV_COL_HIGH,
  BV_COL_LOW,
  BV_COL_CLOSE,
  BV_COL_VOLUME,
  BV_COL_VWAP,
  BV_COL_TRADES,
  BV_COL_BID,
  BV_COL_ASK,
  BV_COL_OI,
  BV_COL_COUNT,   /* aggregated bars only, never stored: base bars in the bucket */
  BV_COL_FILLED,  /* aggregated bars only, never stored: 1 where no base bar fell into the bucket */
  BV_COL_KNOWN,   /* aggregated bars only, never stored: the instant the bar is known at */
  BV_NCOL,        /* number of value columns */
  BV_COL_TS = 15, /* the times; never an index into bv_bars.col */
  BV_COL_NONE = -1
} bv_column;

/* Bit of a column in a set of columns. */
#define BV_COLBIT(col) (1u << (unsigned)(col))

/* The columns that a store keeps. */
#define BV_STORED_MASK (BV_COLBIT(BV_COL_OI + 1) - 1u)

/* n bars; ts[i] is the open edge in epoch seconds, col[c][i] the value.  NULL = column absent. */
typedef struct bv_bars {
  int64_t n;
  const int64_t *ts;
  const double *col[BV_NCOL];
} bv_bars;

/* The first bar at or after ts; n where there is none. */
int64_t bv_bars_lower_bound(const bv_bars *b, int64_t ts);

/* Whether times rise strictly. */
bool bv_ts_ordered(const int64_t *ts, int64_t n);

/* Bars [i, j) of a view; none where i >= j. */
bv_bars bv_bars_range(const bv_bars *b, int64_t i, int64_t j);

/* Name of a column as in SQL ("open", "open_interest", "ts"); "?" for a number that is none. */
const char *bv_column_name(int col);

/* Column of a name, case ignored; BV_COL_NONE where there is none. */
bv_column bv_column_find(const char *name);

#endif
