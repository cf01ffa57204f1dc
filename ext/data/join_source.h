/*
** join_source.h - reading the sources of a join along with its lanes.
**
** A source that is in order of time for all assets, or has no index at all, is read by one statement, its rows
** handed to the lanes they belong to.  One that is in order asset by asset is read asset by asset.  The rows before
** a range are found by walking back from it, where the source has an index for that.
*/
#ifndef BV_DATA_JOIN_SOURCE_H
#define BV_DATA_JOIN_SOURCE_H

#include "data/join_ahead.h"

typedef struct bv_ahead_source {
  bool used;          /* some value of it is read */
  bool each;          /* asset by asset */
  const bool *wanted; /* its values */
  int base;           /* number of its first value among all sources */
  sqlite3_stmt *st;
  bv_feature_row row;
  bool more;
  bv_rows shared;       /* context: rows for all lanes */
  int64_t alike_before; /* context: rows before this count alike */
  int64_t trimmed;      /* rows there were after the last trim */
} bv_ahead_source;

/* Begin, when the lanes have their first bars at hand. */
BV_MUST bv_rc bv_source_begin(bv_ahead *a, int source, bv_err *err);

/* See to it that lane has the rows its bars at hand may use, and find which each uses. */
BV_MUST bv_rc bv_source_match(bv_ahead *a, int source, int lane, bv_err *err);

/* The error for two rows of the same times. */
bv_rc bv_source_twice(const bv_feature *f, int64_t ts, const char *asset, bv_err *err);

void bv_source_end(bv_ahead_source *s);

#endif
