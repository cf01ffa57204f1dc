/*
** join.h - prices with signals and context, merged point in time.
**
** A join walks over the bars of several assets in order of time and tells, at each bar, which row of every
** feature source may be used there (data/feature.h):
**
**      bars of A    .    b1        b2             b3
**      bars of B    .    b1   b2   b3   b4             ...
**      signals      s s  s    s    s                        one statement for all assets, or one asset by asset
**      context      c         c              c              one statement, its rows shared by the assets
**
** Oldest first (data/join_ahead.h) bars and sources are read side by side, a stretch of time at once, and laid
** into tiles.  Newest first (data/join_back.h) each bar finds its rows by walking back from it.  Either way memory
** follows the number of assets, not the length.
*/
#ifndef BV_DATA_JOIN_H
#define BV_DATA_JOIN_H

#include "data/feature.h"
#include "data/tile.h"
#include "data/view.h"

/* What is joined. */
typedef struct bv_join_def {
  char *name; /* for errors */
  bv_timestep step;
  char step_text[32];
  char **asset; /* universe; none: all that have such bars, or those of universe_table */
  int nasset;
  char *universe_table; /* quoted, or NULL */
  bv_feature *source;
  int nsource;
  bool reading; /* a source is being stepped: it must not read this join */
} bv_join_def;

typedef struct bv_join bv_join;

/* What is asked for. */
typedef struct bv_join_request {
  const char *const *asset; /* NULL: the universe; else those of these that are in it */
  int nasset;
  int64_t lo, hi; /* lo <= ts < hi */
  bool desc;
  unsigned mask;      /* columns of the bars that are read */
  const bool *wanted; /* per value column over all sources: whether it is read */
  bool handles;       /* rows are asked for their streams */
} bv_join_request;

/* Begin, on the first tile. */
BV_MUST bv_rc bv_join_open(bv_store *s, bv_join_def *def, const bv_join_request *q, bv_join **out,
                           bv_err *err);
void bv_join_close(bv_join *j);

/* The rows at hand, none at the end; and go on to the next. */
const bv_tile *bv_join_tile(const bv_join *j);
BV_MUST bv_rc bv_join_next(bv_join *j, bv_err *err);

/* The assets of the join, in order of name, and where the bars of the lane-th come from. */
int bv_join_lanes(const bv_join *j);
const bv_source *bv_join_source(const bv_join *j, int lane);

/* The stream that stands on a row of the tile, where they were asked for. */
const bv_stream *bv_join_stream(bv_join *j, int row);

void bv_join_def_reset(bv_join_def *def);

#endif
