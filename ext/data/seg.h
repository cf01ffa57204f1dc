/*
** seg.h - sealed bars: the table barsvt_seg.
**
** A series is cut into chunks of a fixed span of time, 65,536 nominal timesteps below a day and 4,096
** from a day on, counted from year 0.  The bars of a chunk are stored as one row per column; a row's id
** is made of series, chunk and column, so neither an index nor a search is needed:
**
**      id = series << 36 | chunk << 4 | column          (column as in col/bars.h, 15 = the times)
**
** Decoded chunks are kept in a small cache of the store, so that readers who ask for a few bars at a
** time, or two readers at about the same place, decode a chunk once.
*/
#ifndef BV_DATA_SEG_H
#define BV_DATA_SEG_H

#include "col/chunk.h"
#include "col/segment.h"
#include "data/store.h"

/* Bars a chunk may hold to be sealed; a chunk with more (irregular bars) stays in rows. */
#define BV_SEG_SEAL_MAX 65536
/* Fewer are not worth a segment. */
#define BV_SEG_SEAL_MIN 64

/* A row's id, and its parts. */
int64_t bv_seg_id(int64_t series, int64_t chunk, int col);
void bv_seg_split_id(int64_t id, int64_t *series, int64_t *chunk, int *col);

/* The columns checksum and sum of a row: the CRC that ends its data (-1 where that is too short for one),
** and the sum of its values where it is exact (else false). */
int64_t bv_seg_blob_crc(const void *blob, size_t bytes);
bool bv_seg_sum(const bv_seg_stat *stat, double *out);

/* The chunk of an instant, and a chunk's range [start, end); one that no instant lies in begins after
** them all. */
int64_t bv_seg_chunk_of(const bv_series *s, int64_t ts);
void bv_seg_range(const bv_series *s, int64_t chunk, int64_t *start, int64_t *end);

/* The first sealed chunk of a series at or after `from` (or, with desc, the last one at or before it);
** *chunk = -1 where there is none. */
BV_MUST bv_rc bv_seg_find(bv_store *s, const bv_series *series, int64_t from, bool desc,
                          int64_t *chunk, bv_err *err);

/* The bars of a sealed chunk, in the columns of mask that it has (others absent).  Borrowed from the
** cache until the next call of any function here.  n = 0 where the chunk is not sealed. */
BV_MUST bv_rc bv_seg_load(bv_store *s, const bv_series *series, int64_t chunk, unsigned mask,
                          bv_bars *out, bv_err *err);

/* The chunk was read to its end by a scan that goes on: the next one of the series may have its memory. */
void bv_seg_done(bv_store *s, const bv_series *series, int64_t chunk);

/* Replace the sealed bars of a chunk: bars ordered, all inside it.  n = 0 removes it. */
BV_MUST bv_rc bv_seg_write(bv_store *s, const bv_series *series, int64_t chunk, const bv_bars *bars,
                           bv_err *err);

/* Number, first and last time of all sealed bars; n = 0 where there are none. */
BV_MUST bv_rc bv_seg_span(bv_store *s, const bv_series *series, int64_t *first, int64_t *last,
                          int64_t *n, bv_err *err);

/* Forget the decoded chunk not used for longest, in the store or those it owns; with but_one the last one
** stays.  False where there is none to forget. */
bool bv_seg_cache_drop_oldest(bv_store *s, bool but_one);

/* Bytes of decoded chunks, in the store and those it owns. */
int64_t bv_seg_cache_bytes(bv_store *s);

/* Forget decoded chunks (the store is closed). */
void bv_seg_cache_clear(bv_store *s);

#endif
