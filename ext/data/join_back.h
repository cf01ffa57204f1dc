/*
** join_back.h - the bars and rows of a join, newest first; see join.h.
**
** Each bar finds its rows by walking back from it, which the sources have an index for; made for the last few
** bars, not for long ranges.
*/
#ifndef BV_DATA_JOIN_BACK_H
#define BV_DATA_JOIN_BACK_H

#include "data/join.h"
#include "data/lane.h"
#include "data/stream_heap.h"

typedef struct bv_back_source {
  sqlite3_stmt *st;
  bv_feature_row row;
  bool more, used;
  const bool *wanted;
  int base;     /* number of its first value among all sources */
  bv_rows rows; /* the row the bar at hand uses, or might have */
} bv_back_source;

typedef struct bv_back {
  bv_store *store;
  bv_join_def *def;
  unsigned mask;
  bv_stream *stream; /* per asset, in order of name */
  bv_trail *trail;
  int n;
  bv_stream_heap heap;
  bv_back_source *source;
  bv_tile tile; /* of one row */
} bv_back;

BV_MUST bv_rc bv_back_open(bv_back *b, bv_store *s, bv_join_def *def, const bv_join_request *q,
                           char **asset, int n, bv_err *err);
void bv_back_close(bv_back *b);
BV_MUST bv_rc bv_back_next(bv_back *b, bv_err *err);

#endif
