/*
** partition_file.h - making the file of a partition.
*/
#ifndef BV_DATA_PARTITION_FILE_H
#define BV_DATA_PARTITION_FILE_H

#include "data/store.h"

/* A series on its way into a file: the bars that go there, as they are found when it is written. */
typedef struct bv_moving {
  bv_series series;
  int64_t n, first, last;
  uint64_t hash;
} bv_moving;

/* A file to be made: the bars of [lo, hi) of these series.  The last three are what comes of it: its name as to be
** recorded, to be freed, and what it is known by. */
typedef struct bv_partition_file {
  const char *stem; /* as to be recorded, without the ending */
  int64_t lo, hi;
  bv_moving *series;
  int n;
  char *name;
  int64_t size, checksum;
} bv_partition_file;

/* Write the file and see it safely on the disk under its name, before anything of it is recorded.  It is written beside
** that name first.  Nothing is overwritten: where there is a file STEM.db already, it is taken if it holds the same
** bars and is not recorded (somebody was stopped before he could), else the name becomes STEM-2.db and so on. */
BV_MUST bv_rc bv_partition_write(bv_store *s, bv_partition_file *f, bv_err *err);

#endif
