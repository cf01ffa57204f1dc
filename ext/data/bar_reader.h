/*
** bar_reader.h - bars from delimited text files, row by row, in the file's order.
**
** Everything about a file is found out by itself: compression, delimiter, header, the meaning of
** its columns and the format of its times (see infile.h, csv.h, csv_columns.h, csv_time.h); the
** options override each of them.  What was found is told by bv_bar_reader_info.
**
** A row that cannot be a bar is handed to the reject callback with a reason and reading goes on:
** wrong number of fields, bad quoting, not a time, bad asset key, not a number, no open, high, low
** or close, negative price, volume or trade count, high below low, open or close outside [low,
** high] (compared exactly).  What makes the whole file doubtful is an error of the call: unreadable
** or damaged file, binary content, an endless line, columns that are missing, and a day-month guess
** that turns out wrong.
**
** Nothing is sorted, merged or filled.  Memory is bounded (about 5 MiB, the asset keys of one
** batch, and the decoder's window, see infile.h).
*/
#ifndef BV_DATA_BAR_READER_H
#define BV_DATA_BAR_READER_H

#include "data/csv_columns.h"
#include "time/timestep.h"

/* One bar.  NaN: the file does not say. */
typedef struct bv_bar_row {
  int64_t ts; /* the bar's open edge */
  double open, high, low, close, volume, vwap;
  double trades;
  double bid, ask, open_interest;
  const char *symbol; /* not zero-terminated, valid until the next call; NULL: no such column */
  size_t nsymbol;
  int64_t line; /* where it stands in the file, from 1 */
} bv_bar_row;

/* A row that was set aside: its line number, the first 200 bytes of its text made printable, and a
** text that says why, both valid for the call.  Any result but BV_OK ends the reading with that code. */
typedef bv_rc (*bv_reject_fn)(void *ctx, int64_t line, const char *raw, const char *reason,
                              bv_err *err);

#define BV_REJECT_RAW_MAX 200

/* Called now and then by readers that go through many records without giving out rows: `done` of them, of what
** `unit` names.  Any result but BV_OK ends the reading with that code. */
typedef bv_rc (*bv_tell_fn)(void *ctx, int64_t done, const char *unit, bv_err *err);

/* The first bytes of a row made printable, as a reject callback gets them. */
void bv_reject_text(const char *p, size_t n, char out[BV_REJECT_RAW_MAX + 1]);

/* What to divide by instead of multiplying by a price scale; 0: multiply. */
double bv_price_divisor(double scale);

/* When a file that knows venues has them in the asset keys, SYMBOL@VENUE. */
typedef enum bv_venue_keys {
  BV_VENUE_AUTO,   /* where the file has several of a symbol */
  BV_VENUE_ALWAYS, /* wherever it says one */
  BV_VENUE_NEVER   /* several of a symbol are an error */
} bv_venue_keys;

/* All zero is a good default. */
typedef struct bv_bar_reader_options {
  const bv_zone *tz;   /* of times without offset; NULL: UTC */
  bool tz_given;       /* tz was asked for, it is not a default */
  const char *asset;   /* the asset asked for; NULL: a format may name it after the file */
  bv_timestep step;    /* length of the bars; n = 0: unknown, allowed unless label_end */
  bool label_end;      /* stamps name the end of the bar */
  bool allow_negative; /* prices below zero are prices */
  double price_scale;  /* price = number in the file * price_scale; 0: 1.  Where 1/price_scale is a
                       ** whole number the division by it is done, which rounds once. */
  char delimiter;      /* 0: detect */
  bv_venue_keys venue;
  char date_order;                   /* 'm' month first, 'd' day first, 0: detect */
  const char *column[BV_ROLE_COUNT]; /* header name of a role; NULL: detect */
  bv_reject_fn reject;               /* NULL: rows are set aside silently, but counted */
  void *reject_ctx;
  bv_tell_fn tell; /* NULL: nobody is told */
  void *tell_ctx;
} bv_bar_reader_options;

typedef struct bv_bar_reader bv_bar_reader;

/* What is known about the file; texts live as long as the reader. */
typedef struct bv_bar_reader_info {
  const char *time_kind;   /* "epoch s|ms|us|ns", "date", "date-time", "date+time", "none" */
  const char *compression; /* "plain", "gzip", "zstd" */
  char delimiter;
  bool header;          /* the first line names the columns */
  const char *columns;  /* "ts=Date, open=Open, ...; ignored: Adj Close" */
  const char *warnings; /* one per line, "" where there is none */
  const char *tz;       /* zone that the format says the assets live in; NULL: it does not say */
  int64_t rows;         /* bars given out so far */
  int64_t rejects;      /* rows set aside so far */
} bv_bar_reader_info;

/* Open a file and find out about it.  `options` is copied; the texts in it are not needed
** afterwards.  Labels at the end of a bar: an intraday bar starts one length before its stamp; a bar
** of a day or longer is the bucket that contains the stamp, so a date or local midnight names the
** bucket of that date (2024-01-31 for January, as pandas stamps months).
** BV_IO, BV_LIMIT: see infile.h and csv.h; BV_ARG: an option, or the file is not one of bars. */
BV_MUST bv_rc bv_bar_reader_open(const char *path, const bv_bar_reader_options *options,
                                 bv_bar_reader **out, bv_err *err);

/* The same from a stream, which is taken over, also when this call fails. */
BV_MUST bv_rc bv_bar_reader_take(bv_infile *in, const bv_bar_reader_options *options,
                                 bv_bar_reader **out, bv_err *err);

/* Up to cap (> 0) more bars; *n = 0 is the end of the file. */
BV_MUST bv_rc bv_bar_reader_next(bv_bar_reader *r, bv_bar_row *rows, size_t cap, size_t *n,
                                 bv_err *err);

bv_bar_reader_info bv_bar_reader_info_of(const bv_bar_reader *r);

/* NULL is fine. */
void bv_bar_reader_close(bv_bar_reader *r);

#endif
