/*
** blocks.h - aggregated bars kept in memory: what every read of an aggregate is answered from.
**
** The buckets of an aggregate (series, timestep, zone, session) are made block by block, a block
** being a fixed span of time, and kept until memory runs short.  A block is made once, from the
** stored bars or, where a finer aggregate of the same series is held and gives the same bits, from
** that.  When a bar is written, the block it falls into forgets its buckets from there on and makes
** them again when they are asked for; other blocks stay.
**
** Blocks know no clock; windows and streams above clamp.  Filled rows and partial buckets are not
** kept here.
*/
#ifndef BV_DATA_BLOCKS_H
#define BV_DATA_BLOCKS_H

#include "data/source.h"

/* As bv_source_read, for an aggregate without fill and cut. */
BV_MUST bv_rc bv_blocks_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                             bool desc, bv_chunk *out, bv_err *err);

/* A bar of the series was written or removed at ts. */
void bv_blocks_written(bv_store *s, const bv_series *series, int64_t ts);

void bv_blocks_drop_all(bv_store *s);

/* The block not used for longest: its tick, false where there is none; and dropping it.  Not to be
** called while a read is under way. */
bool bv_blocks_oldest(bv_store *s, int64_t *used);
void bv_blocks_drop_oldest(bv_store *s);

/* Walk what is held, in no particular order: start with *at = 0; false at the end. */
typedef struct bv_block_info {
  const bv_source *src;
  int64_t blocks, bars, first, last, bytes, hits, used;
} bv_block_info;
bool bv_blocks_next(const bv_store *s, size_t *at, bv_block_info *out);

#endif
