/*
** walk.h - the stored bars of a series from end to end, a piece at a time, in little memory.
**
** A walk fetches the columns of a sealed chunk once and keeps them compressed; what is decoded is the piece at hand.
** So hundreds of series are walked side by side with their pieces in the processor's caches.  Rows between sealed
** chunks come as they are; a chunk that has rows among its bars is merged first (data/merge.c), a larger piece
** at a time.  Chunks of partitions are walked alike.
**
** With a crew the next piece is decoded by a thread while the caller works on the one at hand; what is read, and all
** calls of SQLite, stay with the caller.  bv_raw_walk_ready() (data/raw.h) begins the next chunk before its bars are asked for.
**
** The clock is kept by bv_view_walk() (data/view.h), which walks are read through.
*/
#ifndef BV_DATA_WALK_H
#define BV_DATA_WALK_H

#include "col/chunk.h"
#include "col/pieces.h"
#include "data/source.h"
#include "data/times.h"

typedef struct bv_walk {
  bv_store *store;
  bv_source src;
  int64_t lo, hi;     /* of the bars that are left */
  unsigned mask;      /* columns that are read, and with those */
  unsigned want;      /* that these are coded against; */
  unsigned now;       /* of which these are decoded, the others where they are asked for */
  int number;         /* among the walks that run side by side */
  bv_times *times;    /* of the chunk at hand, or NULL */
  int64_t chunk, end; /* its number, and where its span ends, or another file begins */
  unsigned whole;     /* columns of the bars at hand in which there is no NaN for sure */
  bv_pieces *pieces;  /* of the chunk */
  bv_crew *crew;      /* that decodes ahead, or NULL */
  bv_chunk rows;
} bv_walk;

/* Begin a walk over [lo, hi); mask: the columns wanted.  number tells walks apart that run side by side. */
void bv_walk_open(bv_walk *w, bv_store *s, const bv_source *src, int64_t lo, int64_t hi,
                  unsigned mask, int number);
void bv_walk_close(bv_walk *w);

/* Columns that are decoded from the next piece on, of those that the walk was opened for; all of them at first. */
void bv_walk_now(bv_walk *w, unsigned mask);

/* Bytes a walk takes where chunks hold so many bars, about. */
int64_t bv_walk_bytes(unsigned mask, int64_t bars);

#endif
