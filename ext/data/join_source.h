/*
** join_source.h - reading the sources of a join along with its lanes.
**
** A source that is in order of time for all assets, or has no index at all, is read by one statement, its rows
** handed to the lanes they belong to.  One that is in order asset by asset is read asset by asset.  The rows before
** a range are found by walking back from it, where the source has an index for that.  A walk over everything
** records what it reads of an ordinary table, for the next one (data/held.h).
*/
#ifndef BV_DATA_JOIN_SOURCE_H
#define BV_DATA_JOIN_SOURCE_H

#include "data/held.h"
#include "data/join_ahead.h"

typedef struct bv_ahead_source {
  bool used;          /* some value of it is read, */
  bool reading;       /* and not all rows are held */
  bool each;          /* asset by asset */
  const bool *wanted; /* its values */
  int base;           /* number of its first value among all sources */
  sqlite3_stmt *st;
  int standing;       /* the lane it stands on a row of; -1: none */
  bool ordered;       /* an asset's rows are found in order */
  sqlite3_stmt *take; /* rows are taken by it, while they are recorded and come in order */
  bool no_take;
  bool complete; /* all rows were taken at the beginning */
  bv_feature_row row;
  bool more;
  bv_rows shared;       /* context: rows for all lanes */
  int64_t alike_before; /* context: rows before this count alike */
  int64_t trimmed;      /* rows there were after the last trim */
  bool recording;       /* rows stay, to be held for the next join */
  int64_t recorded;     /* bytes of them */
  bv_buf key;           /* what the source is held under */
  bv_held_stamp stamp;
  bv_held_rows *held; /* context: whose rows the shared ones are */
  bv_lane *mate;      /* the lane whose bars' rows were found last */
  bool alike;         /* even stretch: all lanes use the same numbers of rows, those of live[0] */
  const bv_word *
      *word; /* even stretch, per column and live lane: the row of number 0, and its type */
  const uint8_t **type;
  uint8_t *seen; /* even stretch, per column: types of all rows of all lanes */
} bv_ahead_source;

/* Begin, when the lanes have their first bars at hand. */
BV_MUST bv_rc bv_source_begin(bv_ahead *a, int source, bv_err *err);

/* See to it that lane has the rows its bars at hand may use, and find which each uses. */
BV_MUST bv_rc bv_source_match(bv_ahead *a, int source, int lane, bv_err *err);

/* The error for two rows of the same times. */
bv_rc bv_source_twice(const bv_feature *f, int64_t ts, const char *asset, bv_err *err);

/* The walk has come to its end: hold the rows that were recorded. */
void bv_source_hold(bv_ahead *a, int source);

void bv_source_end(bv_ahead *a, int source);

#endif
