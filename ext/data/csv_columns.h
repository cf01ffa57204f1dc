/*
** csv_columns.h - which column of a file means what.
**
** Header names are compared after everything but letters and digits is dropped, case is folded, and
** digits before a letter are dropped: "<DATE>", "Date", "1. open", "open_price", "Adj Close" become
** date, date, open, openprice, adjclose.  A table lists the known names of every role in order of
** preference; the best name wins, then the leftmost column.
**
** An empty name in the first column is the time (the index that pandas writes without a name).  A
** date and a time column together make the time, unless the file also has a full timestamp.  An
** adjusted close is never taken for the close: open, high and low beside it are not adjusted.
**
** For bars of the bid, columns such as bid_open or "Open Bid" are the prices and bid_size the volume,
** where all four prices are there; otherwise the file is one of the bid alone.  The same for the ask.
**
** Files without header: the first record is data where at least four of its fields are numbers.
** Then columns are guessed: [asset,] time (or date, time), open, high, low, close [, volume].
*/
#ifndef BV_DATA_CSV_COLUMNS_H
#define BV_DATA_CSV_COLUMNS_H

#include "base/buf.h"
#include "data/csv.h"
#include "time/timestep.h"

typedef enum bv_role {
  BV_ROLE_TS,   /* the time, or the date where BV_ROLE_TIME is there too */
  BV_ROLE_TIME, /* the time of day */
  BV_ROLE_SYMBOL,
  BV_ROLE_OPEN,
  BV_ROLE_HIGH,
  BV_ROLE_LOW,
  BV_ROLE_CLOSE,
  BV_ROLE_VOLUME,
  BV_ROLE_VWAP,
  BV_ROLE_TRADES,
  BV_ROLE_BID,
  BV_ROLE_ASK,
  BV_ROLE_OI,
  BV_ROLE_COUNT
} bv_role;

typedef struct bv_csv_columns {
  int at[BV_ROLE_COUNT]; /* field of the role, -1: the file has none */
  size_t nfield;         /* columns of the file */
  bool header;
  bool clock_is_ms; /* the time column counts milliseconds since midnight */
  bool sided;       /* the prices are columns of the bid or of the ask among others */
} bv_csv_columns;

/* "ts", "time", "symbol", "open" ... */
const char *bv_role_name(bv_role role);

/* Whether a file's first record is data, not a header. */
bool bv_csv_columns_is_data(const bv_csv_record *first);

/* Map a header, for bars of trades, of the bid or of the ask.  wanted[role] (the array or an entry may be NULL) is the caller's own name for a
** column.  `text` receives the mapping for people ("ts=Date, open=Open, ...; ignored:
** Adj Close"), `warn` doubtful choices, each ended by '\n'.  `name` is the file's, for errors.
** BV_ARG: a role that is needed (ts, open, high, low, close) or wanted is not there; the text lists
** the header seen. */
BV_MUST bv_rc bv_csv_columns_match(const bv_csv_record *header, const char *const *wanted,
                                   bv_bars_of of, const char *name, bv_csv_columns *out,
                                   bv_buf *text, bv_buf *warn, bv_err *err);

/* Guess the columns of a file without header from its first record; the rest as above. */
BV_MUST bv_rc bv_csv_columns_guess(const bv_csv_record *first, const char *name,
                                   bv_csv_columns *out, bv_buf *text, bv_buf *warn, bv_err *err);

#endif
