/*
** lean.h - bars in the files of LEAN (github.com/QuantConnect/Lean), inside its zip archives.
**
** A file is a table without header.  Its meaning is not in it but in its name and its directories:
**
**      .../SECURITY/MARKET/{minute,second}/SYMBOL/YYYYMMDD_{trade,quote}.zip
**              YYYYMMDD_SYMBOL_{minute,second}_{trade,quote}[_EXPIRY].csv
**      .../SECURITY/MARKET/{hour,daily}/SYMBOL[_{trade,quote}].zip
**              SYMBOL.csv  or  SYMBOL_{trade,quote}_EXPIRY.csv
**
**      trade   time, open, high, low, close, volume
**      quote   time, bid open, high, low, close, size, ask open, high, low, close, size
**
** Times are the bars' starts: milliseconds since midnight of the day in the name, or "YYYYMMDD HH:MM",
** by the wall clock of the market's data zone.  Prices of equities are whole numbers of 1/10,000,
** others are as they are.  Zone and scale come from the options, else from the directories (those of
** the table in lean.c), else the file is refused and the text asks for them.
**
** A quote becomes a bar of the middle of bid and ask, open by open, high by high and so on, with the
** closing bid and ask as its columns bid and ask, and no volume.  A side that is empty is missing
** (NULL); the other one alone then makes the prices.  So is a side whose four prices are all zero.
**
** Open interest and ticks make no bars and are refused.
*/
#ifndef BV_DATA_LEAN_H
#define BV_DATA_LEAN_H

#include "data/bar_reader.h"
#include "time/asset.h"

typedef enum bv_lean_tick { BV_LEAN_UNSAID, BV_LEAN_TRADE, BV_LEAN_QUOTE, BV_LEAN_OI } bv_lean_tick;

/* What is known about a file; fields that nothing says are zero or empty. */
typedef struct bv_lean_file {
  char symbol[BV_ASSET_MAX + 1]; /* "spy", "es_201312": as in the name, expiry behind '_' */
  char date[9];                  /* "20131007" */
  bv_lean_tick tick;
  bool ticks;       /* single ticks, not bars */
  bv_timestep step; /* n = 0: not said */
  bool placed;      /* the directories told the market */
  const char *tz;   /* its zone, by name */
  double scale;     /* its prices' */
} bv_lean_file;

/* Read the name of a file in an archive ("20131007_spy_minute_trade.csv").  Names of any other kind
** give a symbol alone: the name without its ending.  False: the name has no symbol that could be
** an asset. */
bool bv_lean_read_name(const char *name, bv_lean_file *out);

/* Add what the archive's own name and directories say.  path: absolute. */
void bv_lean_read_path(const char *path, bv_lean_file *f);

/* Whether a table that begins with these bytes is one of LEAN, as far as it can be told: by its name
** and place, else by its shape (no header, "YYYYMMDD HH:MM" first, six or eleven fields). */
bool bv_lean_looks_like(const bv_lean_file *f, const char *p, size_t n);

typedef struct bv_lean bv_lean;

/* A reader of one file.  `in` is taken over, also when this call fails; `f` and `options` are copied.
** BV_ARG: it holds no bars, the timestep is another, or zone or scale are not known. */
BV_MUST bv_rc bv_lean_open(bv_infile *in, const bv_lean_file *f,
                           const bv_bar_reader_options *options, bv_lean **out, bv_err *err);

/* As bv_bar_reader_next. */
BV_MUST bv_rc bv_lean_next(bv_lean *r, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err);

bv_bar_reader_info bv_lean_info_of(const bv_lean *r);

/* NULL is fine. */
void bv_lean_close(bv_lean *r);

#endif
