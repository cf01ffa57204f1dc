/*
** compact.h - sealing rows into segments.
**
** A chunk is sealed when it holds BV_SEG_SEAL_MIN to BV_SEG_SEAL_MAX bars, rows and sealed bars
** together; otherwise its bars are rows.  So the stored state after compaction depends on the bars
** alone, not on the way they came in.
*/
#ifndef BV_DATA_COMPACT_H
#define BV_DATA_COMPACT_H

#include "data/store.h"

typedef struct bv_compaction {
  int64_t chunks; /* written */
  int64_t bars;   /* rows sealed */
} bv_compaction;

/* Bring one chunk into the state described above.  *done is added to. */
BV_MUST bv_rc bv_compact_chunk(bv_store *s, const bv_series *series, int64_t chunk,
                               bv_compaction *done, bv_err *err);

/* The same for every chunk of a series that has rows; then for every series. */
BV_MUST bv_rc bv_compact_series(bv_store *s, const bv_series *series, bv_compaction *done,
                                bv_err *err);
BV_MUST bv_rc bv_compact_all(bv_store *s, bv_compaction *done, bv_err *err);

/* Turn a sealed chunk into rows; rows of the same times stay as they are. */
BV_MUST bv_rc bv_compact_unseal(bv_store *s, const bv_series *series, int64_t chunk, bv_err *err);

/* A single bar was written as a row.  Once a few thousand have gone into one chunk and the next one
** goes elsewhere, the chunk is sealed: bounded work, inside the caller's transaction. */
BV_MUST bv_rc bv_compact_note(bv_store *s, const bv_series *series, int64_t ts, bv_err *err);

/* Make these the bars of a chunk in the file, sealed where there are enough and not too many: bars ordered, all inside it,
** and borrowed neither from its cache nor its rows.  What is cached of the series is the caller's to forget. */
BV_MUST bv_rc bv_compact_put(bv_store *s, const bv_series *series, int64_t chunk,
                             const bv_bars *bars, bv_err *err);

#endif
