/*
** row_scan.h - reading the rows of a result table, in order of run and number.
**
** A scan walks the chunks of a run whose numbers can be in its range, and beside them what a run in progress
** has gathered and not written yet.  Chunks that overlap are merged:
**
**      chunk 1   1 2 3 . 5 6 7 8                    one chunk at a time, but where a later one
**      chunk 2         4 . . . . 9 10 11 12 ...     begins before it ends: both, by their numbers
**
** so memory grows with how many overlap at a place, not with the rows of a run.  Only columns that are
** asked for are decoded, and the chunks read last stay decoded in a cache that all scans of
** a table share: joins look rows up in it by their number.
*/
#ifndef BV_RUN_ROW_SCAN_H
#define BV_RUN_ROW_SCAN_H

#include "run/rows.h"

#include <stdbool.h>

#define BV_ROW_CACHE 64 /* chunks, at most */

/* A chunk that stays, by its row in bt_chunk. */
typedef struct bv_row_slot {
  int64_t rowid, checksum;
  bv_row_chunk *chunk; /* NULL: free */
  int pins;
  int64_t used; /* when, counting uses */
} bv_row_slot;

/* The decoded chunks and the statements of a table.  Statements never stand on a row between calls. */
typedef struct bv_row_cache {
  sqlite3 *db;
  const bv_row_table *table;
  bv_rows_kind kind;
  sqlite3_stmt *list, *next, *read;
  bv_row_room *room;
  int scans;
  int64_t uses;
  bv_row_slot slot[BV_ROW_CACHE];
} bv_row_cache;

void bv_row_cache_init(bv_row_cache *c, sqlite3 *db, bv_rows_kind kind);
void bv_row_cache_reset(bv_row_cache *c);

/* What bt_chunk says of a chunk. */
typedef struct bv_row_place {
  int64_t rowid, first, last, checksum;
  int64_t upto; /* the largest number up to here */
  int slot;     /* where it was in the cache */
} bv_row_place;

typedef struct bv_row_source {
  bv_row_chunk *chunk;
  int slot; /* -1: the chunk is the scan's own */
  size_t at, end;
} bv_row_source;

typedef struct bv_row_range {
  bool one; /* one run, else all */
  int64_t run;
  int64_t lo, hi;    /* numbers, both included */
  uint32_t columns;  /* the bits of those that will be asked for */
  bv_rows *gathered; /* of the run in progress, or NULL */
} bv_row_range;

typedef struct bv_row_scan {
  bv_row_cache *cache;
  bv_row_range range;
  bool eof;
  int64_t run; /* of the current row */
  bv_row_place *place;
  int nplace, next_place;
  bool listed; /* place[] is that of run `run` when the connection had made `changes` changes */
  int changes;
  bv_row_source *source;
  int nsource, now;
  int64_t limit; /* the current source goes on below it without looking at the others */
} bv_row_scan;

void bv_row_scan_open(bv_row_scan *s, bv_row_cache *cache);
void bv_row_scan_close(bv_row_scan *s);

/* Stand on the first row of a range, or at the end. */
BV_MUST bv_rc bv_row_scan_start(bv_row_scan *s, const bv_row_range *range, bv_err *err);
BV_MUST bv_rc bv_row_scan_next(bv_row_scan *s, bv_err *err);

/* Go to the next row where that is only the next one of the same chunk. */
static inline bool bv_row_scan_quick(bv_row_scan *s) {
  bv_row_source *from = &s->source[s->now];
  if (from->at + 1 >= from->end || bv_row_numbers(from->chunk)[from->at + 1] >= s->limit)
    return false;
  from->at++;
  return true;
}

/* Decode a column of the current chunk, where it is not. */
BV_MUST bv_rc bv_row_scan_need(bv_row_scan *s, int column, bv_err *err);

/* The current row's value in a column that is decoded, NULL where it is not: an int64_t, double or
** const char * by the column's type. */
static inline const void *bv_row_scan_at(const bv_row_scan *s, int column) {
  const bv_row_source *from = &s->source[s->now];
  const char *col = from->chunk->col[column];
  return col ? col + from->at * 8 : NULL;
}

#endif
