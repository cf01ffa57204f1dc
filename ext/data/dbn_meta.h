/*
** dbn_meta.h - the head of a DBN file: what it holds, and which instrument is which symbol when.
*/
#ifndef BV_DATA_DBN_META_H
#define BV_DATA_DBN_META_H

#include "base/buf.h"
#include "data/dbn_stream.h"

typedef struct bv_dbn_meta {
  int version;
  uint64_t bytes; /* of the head: the first record begins there */
  char dataset[17];
  uint16_t schema;
  bv_buf texts;     /* symbols, each ended by a zero */
  bv_buf intervals; /* of bv_dbn_interval, by instrument and start */
} bv_dbn_meta;

/* Read the head of a file from its first byte on.  *m is made by this call, also when it fails.
** BV_ARG: no DBN file, or a version that is not read here; BV_IO: damaged or cut off; BV_LIMIT: more
** symbols than are held in memory. */
BV_MUST bv_rc bv_dbn_meta_read(bv_dbn_meta *m, bv_dbn_stream *s, bv_err *err);

void bv_dbn_meta_reset(bv_dbn_meta *m);

/* The symbol of an instrument on a day (since 1970-01-01, UTC), NULL where it has none.  Of several
** the one that stands last in the file.  Lives as long as the metadata. */
const char *bv_dbn_meta_symbol(const bv_dbn_meta *m, uint32_t instrument, int32_t day);

#endif
