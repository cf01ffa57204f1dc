/*
** feature.h - tables of signals and context: what is merged with prices.
**
** A feature source is any table, view or virtual table with a column of times and columns of values:
**
**   signals   one row per instant and asset; rows whose asset is NULL are not theirs
**   context   one row per instant for the whole market: a source without asset, or its rows with asset NULL
**
** A row is stamped with ts, epoch seconds.  It exists from an instant on: its known_at where the source has
** that column (NULL there: never); with `span`, the end of the bar that ts labels; else ts itself.  Its timing
** says at which bars of an asset it may be used:
**
**   strict     from the first bar that begins at ts or after it                          lag 0
**   next_bar   from the first bar that begins after ts                                   lag 1
**   custom     from the lag-th bar that begins after ts                                  lag n
**
** and never at a bar that has ended before the row existed.  Matched exactly, a row counts at one bar only: the
** one that begins at ts, or the lag-th after it.  Matched as of, a bar has the newest row that may be used.
*/
#ifndef BV_DATA_FEATURE_H
#define BV_DATA_FEATURE_H

#include "data/sql.h"
#include "time/timestep.h"

#include <stdbool.h>

#define BV_FEATURE_MAX_LAG 1000
#define BV_NEVER           INT64_MAX

/* How a source is described, as texts; all optional but the name.  NULL: not given. */
typedef struct bv_feature_spec {
  char *name;                  /* "scores" or "aux.scores" */
  char *columns;               /* those wanted, separated by commas */
  char *ts, *asset, *known_at; /* names of these columns */
  char *match, *timing, *lag, *tolerance, *max_age, *span;
} bv_feature_spec;

typedef struct bv_feature {
  sqlite3 *db;
  char label[100]; /* "signals 'scores'" */
  bool context;
  bool asof;
  int64_t lag;                /* 0: strict */
  int64_t tolerance, max_age; /* seconds; -1: none */
  bool span_told;             /* `span` was given, if only as none */
  bool has_span;
  bv_timestep span;
  char *from;               /* quoted */
  char *schema, *table;     /* the same in parts; schema NULL: wherever SQLite finds it */
  char *ts, *asset, *known; /* quoted columns; asset, known NULL where absent */
  char **column;            /* values, as named */
  int ncolumn;
} bv_feature;

/* Whether all rows exist at their ts. */
static inline bool bv_feature_at_once(const bv_feature *f) {
  return !f->known && !f->has_span;
}

/* A row of a source; asset is borrowed until the statement moves on, NULL for context and where one asset is walked. */
typedef struct bv_feature_row {
  int64_t ts, exists_at;
  const char *asset;
} bv_feature_row;

typedef enum bv_feature_walk {
  BV_WALK_ALL,      /* ?1 <= ts, all assets, in order of time */
  BV_WALK_ASSET,    /* the same of asset ?2 */
  BV_WALK_BACK,     /* ts < ?1 of asset ?2 (context: all), newest first */
  BV_WALK_ASSETS,   /* everything, asset by asset, in order of time */
  BV_WALK_TAKE,     /* ?1 <= ts <= ?3 of asset ?2, in any order, taken by data/feature_take.h */
  BV_WALK_TAKE_ALL, /* the same of everything; the first value is the asset */
} bv_feature_walk;

/* Set one text by its key ("timing").  BV_NOTFOUND: no such key. */
BV_MUST bv_rc bv_feature_set(bv_feature_spec *spec, const char *key, const char *value);
void bv_feature_spec_reset(bv_feature_spec *spec);

/* The keys bv_feature_set takes, ended by NULL. */
extern const char *const bv_feature_keys[];

/* Find the source's columns and read the options; what `spec` leaves out comes from `defaults` (may be NULL).
** The source is looked for in `schema` first, then wherever SQLite finds the name. */
BV_MUST bv_rc bv_feature_open(sqlite3 *db, const char *schema, const bv_feature_spec *spec,
                              const bv_feature_spec *defaults, bool context, bv_feature *out,
                              bv_err *err);
void bv_feature_close(bv_feature *f);

/* A statement that walks over the source: the columns are ts, known_at, asset, then the values. */
#define BV_FEATURE_FIRST_VALUE 3
BV_MUST bv_rc bv_feature_prepare(const bv_feature *f, bv_feature_walk walk, sqlite3_stmt **out,
                                 bv_err *err);

/* Whether the source gives its rows in the order of the walk by itself, by an index as a rule: then they need not
** be sorted, and a walk that begins anywhere reads no others. */
BV_MUST bv_rc bv_feature_ordered(const bv_feature *f, bv_feature_walk walk, bool *out, bv_err *err);

/* Step the statement; *more = false at its end (it is reset).  BV_ARG: ts or known_at is no time; then *more
** is true and the walk can go on. */
BV_MUST bv_rc bv_feature_next(const bv_feature *f, sqlite3_stmt *st, bv_feature_row *out,
                              bool *more, bv_err *err);

/* Read the times of a row, which it does not name an asset in.  BV_ARG as above. */
BV_MUST bv_rc bv_feature_read(const bv_feature *f, sqlite3_value *ts, sqlite3_value *known,
                              bv_feature_row *out, bv_err *err);

/* Where `span` says when a row exists, in the zone of the bars it is used with. */
static inline void bv_feature_apply_span(const bv_feature *f, const bv_zone *zone,
                                         bv_feature_row *row) {
  if (f->has_span && !f->known) row->exists_at = bv_timestep_end(f->span, zone, row->ts);
}

#endif
