/*
** dbn_trades.h - trades into bars, and quotes.
**
** A trade belongs to the bucket of its own time (ts_event), whenever it was received.  In the bar,
** open and close are the prices of the earliest and the latest trade by that time, in file order
** where times are equal; volume is the sum of sizes, trades their number, vwap the sum of
** price * size over volume, added up exactly.
**
** Files are in order of reception, and a trade can come long after its time.  How long, at most, is
** measured for each series on the first reading (`late`); on the second a bar is finished as soon as
** no trade that late can fall into it.  So no trade is lost and bars come out in order of time, and
** memory is what the lateness of the file needs.  A trade stamped more than BV_DBN_LATE_MAX_S before
** or after its reception is set aside, which bounds it; more than BV_DBN_OPEN_MAX unfinished bars are
** an error.
**
** With `quotes` what comes are prices of one side of the book, each with the size offered at it.  They make bars in
** the same way; volume is the size at the close, and there is no vwap and no number of trades.
*/
#ifndef BV_DATA_DBN_TRADES_H
#define BV_DATA_DBN_TRADES_H

#include "base/alloc.h"
#include "data/bar_reader.h"
#include "data/dbn_record.h"

#define BV_DBN_OPEN_MAX ((size_t)1 << 20)

__extension__ typedef __int128 bv_dbn_i128;

/* A bar that trades may still change. */
typedef struct bv_dbn_bar {
  bv_dbn_i128 value;       /* sum of price * size */
  int64_t start, end;      /* s */
  uint64_t opened, closed; /* ns, of the trades that gave open and close */
  int64_t open, high, low, close;
  uint64_t volume;
  int64_t trades;
  int64_t line;
  uint32_t size; /* at the close */
} bv_dbn_bar;

/* The trades of one series.  All zero: none yet. */
typedef struct bv_dbn_series {
  uint64_t clock;  /* ns, the latest reception so far */
  uint64_t late;   /* ns, see above */
  int64_t done;    /* bars that begin before this are finished */
  bool any;        /* some are */
  bv_dbn_bar *bar; /* the unfinished ones, [lo, lo + n), by start */
  size_t lo, n, cap;
} bv_dbn_series;

/* What all series of a file share. */
typedef struct bv_dbn_trades {
  bv_timestep step;
  const bv_zone *zone;
  size_t open; /* unfinished bars of all series */
  bool quotes;
} bv_dbn_trades;

/* First reading: learn how late trades come.  After it call bv_dbn_series_rewind. */
void bv_dbn_series_learn(bv_dbn_series *s, const bv_dbn_trade *t);
void bv_dbn_series_rewind(bv_dbn_series *s);

/* Second reading: put a trade into its bar.  line: of its record; name: of the file, for errors.
** BV_IO: the bar is finished, so this is not the file that was learned from. */
BV_MUST bv_rc bv_dbn_series_add(bv_dbn_trades *all, bv_dbn_series *s, const bv_dbn_trade *t,
                                int64_t line, const char *name, bv_err *err);

/* Move the earliest bar to `row` if it is finished, or anyway at the end of the file; false where
** there is none.  The row's symbol is left alone. */
bool bv_dbn_series_pop(bv_dbn_trades *all, bv_dbn_series *s, bool at_end, bv_bar_row *row);

void bv_dbn_series_reset(bv_dbn_series *s);

#endif
