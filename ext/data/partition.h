/*
** partition.h - the files that hold a store's bars of past periods: the table barsvt_partition.
**
** A partition is a database with a store of its own, written once by bars_partition() (partition_move.c) and
** not changed as long as a row of barsvt_partition names it.  Which series have bars in it is said by
** barsvt_partition_series, so that a file is opened only by a read of a series and a time that it has.
**
** Each open file has a connection of its own, read-only, with a read transaction that lasts as long as it is open:
** nobody can change the file meanwhile.  Many files stay open, the one not used for longest is closed first; chunks
** decoded in them are kept for the last few.
** When a file is opened it must be the one that was recorded: by its size and SQLite's header, in which every
** commit counts.
*/
#ifndef BV_DATA_PARTITION_H
#define BV_DATA_PARTITION_H

#include "data/store.h"

/* Files that stay open, of one store: ten years of months, so that reading asset after asset opens each once. */
#define BV_PARTITIONS_OPEN 128

/* A file. */
typedef struct bv_partition {
  int64_t id, start, end;
  int64_t size, checksum; /* -1: not checked */
  char *file;             /* as recorded */
  bv_store *store;        /* NULL while it is closed */
  int64_t used;
} bv_partition;

/* The bars of one series in a file: n > 0 of them, the first and the last one's times. */
typedef struct bv_part {
  bv_partition *in;
  int64_t n, first, last;
  uint64_t hash;
} bv_part;

/* All parts of one series, in order of time; none overlaps another. */
typedef struct bv_parts {
  int n;
  bv_part at[];
} bv_parts;

/* The parts of a series, NULL where it has none; borrowed until the store next notices a change.  BV_CORRUPT: the
** tables contradict themselves. */
BV_MUST bv_rc bv_parts_of(bv_store *s, const bv_series *series, const bv_parts **out, bv_err *err);

/* The part whose first and last bar enclose ts, NULL where there is none. */
const bv_part *bv_parts_at(const bv_parts *p, int64_t ts);

/* A stretch of time, [lo, hi): between the first and the last bar of a part, or outside of all parts (in = NULL). */
typedef struct bv_stretch {
  int64_t lo, hi;
  const bv_part *in;
} bv_stretch;

/* The stretch that [lo, hi) begins with; p may be NULL. */
bv_stretch bv_parts_first(const bv_parts *p, int64_t lo, int64_t hi);

/* The series as the part's file has it, which is opened if need be: out->home is the file's store, valid until
** another one is opened. */
BV_MUST bv_rc bv_part_open(bv_store *s, const bv_series *series, const bv_part *p, bv_series *out,
                           bv_err *err);

/* Put the file's name in front of an error of reading in it, and add what was read there to the store's counters. */
bv_rc bv_part_done(bv_store *s, const bv_part *p, bv_rc rc, bv_err *err);

/* All files of a store, in order of their numbers; the same lifetime. */
BV_MUST bv_rc bv_partitions(bv_store *s, bv_partition **out, int *n, bv_err *err);

/* Open a file, if it is not. */
BV_MUST bv_rc bv_partition_open(bv_store *s, bv_partition *p, bv_err *err);

/* Where a file recorded like this lies.  BV_ARG: it is relative, and the store has no file of its own. */
BV_MUST bv_rc bv_partition_path(bv_store *s, const char *file, char **out, bv_err *err);

/* What is recorded of an open database's file: its size and the checksum of its header. */
BV_MUST bv_rc bv_partition_identity(sqlite3 *db, int64_t *size, int64_t *checksum, bv_err *err);

/* The tables have changed; and: the store is closed. */
void bv_partitions_changed(bv_store *s);
void bv_partitions_free(bv_store *s);

/* The store of the i-th open file, NULL after the last. */
bv_store *bv_partition_store(const bv_store *s, int i);

#endif
