/*
** dbn.h - bars from DBN files (Databento Binary Encoding), versions 1 to 3, plain or zstd.
**
** Files of bars (schemas ohlcv-1s, -1m, -1h, -1d, -eod) give one row per record; the import's timestep
** must be the one of the schema.  Files of trades, or of a book with its trades (trades, tbbo, mbp-1,
** mbp-10, mbo, cmbp-1, tcbbo), give the bars of the import's timestep; see dbn_trades.h.  Files that
** mix kinds of records (live captures) give the bars of that length, and where they have none the
** bars of their trades.  Any other schema has neither and is refused.  Records of other kinds are
** passed over and counted in the warnings.
**
** A timestep of the bid or of the ask gives the bars of that side, from files that have the best level of a book: at
** every change or trade (mbp-1, mbp-10, cmbp-1, tbbo, tcbbo), or sampled (bbo-1s, bbo-1m, cbbo-1s, cbbo-1m), and then
** no shorter ones than the samples.  A bar has what its own time has: it opens with its first record, and without one there
** is none.
**
** Prices are the nearest doubles of the file's billionths.  A negative price is a price (spreads,
** energy); the undefined one sets the row aside.  The options about times, columns, labels, scales
** and negative prices do not apply; tz says where days and longer begin when trades become bars.
**
** Symbols come from the file's own mappings, by instrument and UTC date, the last one where several
** hold; a symbol-mapping record overrides them from its place on.  An instrument without one goes by
** its number.  A symbol that has rows of several publishers is SYMBOL@VENUE for each of them,
** otherwise the plain symbol (or as the option `venue` says).  To know which, the file is read twice, so all of it is checked before
** the first row is given; what is no regular file (a pipe) is kept in memory, up to BV_DBN_SPOOL_MAX.
**
** Memory, besides infile.h's: 256 KiB of records; 64 MiB of symbols and 64 MiB of mapping intervals
** at most; at most BV_DBN_TARGETS_MAX pairs of symbol and publisher (about 300 bytes each); and at
** most BV_DBN_OPEN_MAX bars that trades may still change (112 bytes each, with room to grow twice
** that).
** Nothing is sized by what a file claims.
*/
#ifndef BV_DATA_DBN_H
#define BV_DATA_DBN_H

#include "data/row_source.h"

#define BV_DBN_SPOOL_MAX ((size_t)64 << 20)

/* Whether a file is to be read, or refused, here: its first n unpacked bytes p are "DBN" and a
** version, it is a legacy DBZ file, or its name ends in .dbn or .dbz, also with .zst, .gz or .frag
** behind it.  path NULL: unknown. */
bool bv_dbn_claims(const char *path, const char *p, size_t n);

/* Read from a stream, which is taken over, also when this call fails.  path: where the same file can
** be opened again; NULL: nowhere.  A row's line is the number of its record in the file, from 1; of
** a bar made of trades it is that of the first.
** BV_ARG: no DBN file, no bars in it, or bars of another length.  BV_IO: it is damaged or cut off.
** BV_LIMIT: one of the ceilings above. */
BV_MUST bv_rc bv_dbn_open(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                          bv_row_source *out, bv_err *err);

#endif
