/*
** join.h - prices with signals and context, merged point in time.
**
** A join walks over the bars of several assets in order of time and tells, at each bar, which row of every
** feature source may be used there (data/feature.h).  Sources are read once, in order of time, beside the
** bars:
**
**      bars of A    .    b1        b2             b3        heap of streams, by ts
**      bars of B    .    b1   b2   b3   b4             ...
**      signals      s s  s    s    s                        one statement for all assets, or one for each
**      context      c         c              c              one statement, its rows shared by the assets
**
** Before a bar is delivered, rows with ts <= its ts are taken and put to the asset they belong to.  An asset
** keeps what a later bar can still use: as a rule the newest row, beside it those that do not exist yet or
** wait for their bar.  So memory follows the number of assets, not the length.
**
** Rows before the first bar of a range are found by walking back from it, where the source has an index for
** that; else the source is read from its beginning.  Newest first, each bar finds its rows by walking back.
*/
#ifndef BV_DATA_JOIN_H
#define BV_DATA_JOIN_H

#include "data/feature.h"
#include "data/stream_heap.h"

#include "base/map.h"

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
  unsigned mask;      /* columns of the bars that will surely be read */
  const bool *wanted; /* per value column over all sources: whether it is read */
} bv_join_request;

/* Begin, on the first bar. */
BV_MUST bv_rc bv_join_open(bv_store *s, bv_join_def *def, const bv_join_request *q, bv_join **out,
                           bv_err *err);
void bv_join_close(bv_join *j);

BV_MUST bv_rc bv_join_next(bv_join *j, bv_err *err);

/* The stream that stands on the current bar; NULL at the end. */
bv_stream *bv_join_bar(const bv_join *j);

/* Give the value of a column (counted over all sources) at the current bar as a result: NULL where no row may be
** used. */
void bv_join_result(const bv_join *j, int column, sqlite3_context *ctx);

void bv_join_def_reset(bv_join_def *def);

#endif
