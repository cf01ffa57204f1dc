/*
** segment.h - compressed segments: one column of one time-aligned chunk of a series per blob.
**
** A segment holds up to BV_SEG_MAX bars; each column that is present becomes a blob of its own.
** Any double and any int64 time comes back with identical bits.  Some columns are coded against
** others and need them for decoding: open needs close; high and low need open and close; vwap, bid
** and ask may need close.  Every blob carries checksums and the statistics of its blocks, so that
** counts, extremes and exact sums are read without decoding, and from the first bytes alone.
**
** Segments of 4,096 to 8,192 bars are the intended size: 32 to 64 KB of raw values per blob.
*/
#ifndef BV_COL_SEGMENT_H
#define BV_COL_SEGMENT_H

#include "base/buf.h"
#include "col/bars.h"
#include "col/codec.h"

#define BV_SEG_VERSION 1
#define BV_SEG_MAX     65536

/* Value columns that can be stored: open to open interest.  Columns of aggregated bars cannot. */
#define BV_SEG_NCOL (BV_COL_OI + 1)

/* Level of the entropy layer: 0 none; 1 entropy coding only, the default; 2 to 19 also look for
** repetitions with zstd at that level and keep what is smaller. */
#define BV_SEG_LEVEL_DEFAULT 1
#define BV_SEG_LEVEL_MAX     19

__extension__ typedef __int128 bv_i128;
__extension__ typedef unsigned __int128 bv_u128;

/* Scratch memory and compressor state for any number of calls, one at a time. */
typedef struct bv_segctx bv_segctx;

/* What of a statistic is exact; the other integer fields are then meaningless. */
#define BV_STAT_SUM   1u /* sum */
#define BV_STAT_SUMSQ 2u /* sum of squares; close only */
#define BV_STAT_DOT   4u /* sum of value * volume; close and vwap only */

/* Statistics of a segment's column or of one block of it.  NaN counts as NULL: it is in `nulls` and
** in nothing else; where every value is NULL, first, last, min and max are NaN. */
typedef struct bv_seg_stat {
  bv_column col;
  unsigned needs;     /* columns this very blob is coded against, as BV_COLBIT set */
  int64_t at, n;      /* index of the first bar in the segment; bars */
  int64_t nulls;      /* NaN among them */
  double first, last; /* first and last value that is no NaN; ts: see below */
  double min, max;
  int64_t ts_first, ts_last, ts_min, ts_max; /* ts only, where n > 0 */
  unsigned exact;                            /* BV_STAT_... */
  int scale, dot_scale;
  bv_i128 sum, sumsq; /* sum / 10^scale, sumsq / 10^(2 * scale) */
  bv_i128 dot;        /* dot / 10^dot_scale */
  int64_t bytes;      /* whole blob; a block: its part without the entropy-coded plane */
  int nblock;         /* blocks of the segment */
  bool entropy;       /* has the zstd layer */
} bv_seg_stat;

/* All columns that decoding a blob of this column can ask for, as BV_COLBIT set. */
unsigned bv_segment_needs(bv_column col);

BV_MUST bv_rc bv_segctx_new(bv_segctx **out);
void bv_segctx_free(bv_segctx *ctx);

/* Append the blob of one column of `in` to out.  The columns of bv_segment_needs(col) are used where
** `in` has them, and must be given to decoding in the same values; the volume adds the statistic
** BV_STAT_DOT to close and vwap.  stat may be NULL.  BV_ARG: the column is absent, more than
** BV_SEG_MAX bars, or no such level; on any failure out is as before. */
BV_MUST bv_rc bv_segment_encode(bv_segctx *ctx, const bv_bars *in, bv_column col, int level,
                                bv_buf *out, bv_seg_stat *stat, bv_err *err);

/* Decode a value column into out[cap].  deps gives the columns the blob needs (stat.needs) with
** their n bars; it may be NULL where the blob needs none.  *n gets the number of bars.
** BV_CORRUPT: the blob contradicts itself or is another column's; BV_ARG: a column that it needs is
** missing or of another length; BV_RANGE: more than cap bars.  After a failure out holds anything.
** out must not be one of the columns that the blob needs. */
BV_MUST bv_rc bv_segment_decode(bv_segctx *ctx, bv_column col, const void *blob, size_t bytes,
                                const bv_bars *deps, double *out, size_t cap, size_t *n,
                                bv_err *err);

/* The same for the times. */
BV_MUST bv_rc bv_segment_decode_ts(bv_segctx *ctx, const void *blob, size_t bytes, int64_t *out,
                                   size_t cap, size_t *n, bv_err *err);

/* Decode and compare every value with the stored statistics: BV_CORRUPT where any of them is wrong.
** deps as for decoding, for the times NULL; the statistic BV_STAT_DOT is compared where deps has the
** volume. */
BV_MUST bv_rc bv_segment_check(bv_segctx *ctx, bv_column col, const void *blob, size_t bytes,
                               const bv_bars *deps, bv_err *err);

/* Statistics of the whole column, from the head of the blob alone: `bytes` may be any prefix of
** bv_segment_head_bytes or more. */
BV_MUST bv_rc bv_segment_stat(const void *blob, size_t bytes, bv_seg_stat *out, bv_err *err);

/* Statistics of one block, 0 <= block < stat.nblock (else BV_RANGE). */
BV_MUST bv_rc bv_segment_block_stat(const void *blob, size_t bytes, int block, bv_seg_stat *out,
                                    bv_err *err);

/* Bytes of the head of a blob whose first BV_SEG_FIXED bytes are given; 0 where it is none. */
#define BV_SEG_FIXED 22
size_t bv_segment_head_bytes(const void *blob, size_t bytes);

#endif
