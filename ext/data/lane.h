/*
** lane.h - the bars of one asset for a while, and the rows of the sources each of them uses.
**
** A lane holds a stretch of an asset's bars, column by column, and for every source the number of the row that
** each bar uses (-1: none).  What those rows need to be found, and what later stretches need of the earlier ones
** (the starts of the last bars, rows that do not exist yet), the lane carries on.
**
** The bars come through data/view.h, so none is past the clock: piece by piece of a walk (data/walk.h); or read into
** memory of the lane, a strip at a time; or lying in the window of a stream, which row handles need and short ranges
** are served from.
*/
#ifndef BV_DATA_LANE_H
#define BV_DATA_LANE_H

#include "data/feature_rows.h"
#include "data/view.h"

/* The starts of an asset's last bars, newest last; as many as the longest lag. */
typedef struct bv_trail {
  int64_t *ts;
  int n, cap;
} bv_trail;

/* How a lane uses a source. */
typedef struct bv_lane_use {
  bv_rows *rows; /* the lane's own, or for context those of all lanes; NULL: not read */
  bv_rows own;
  struct bv_held_rows *held; /* whose rows they are otherwise */
  int64_t read_from;         /* rows of the asset before this ts have been read */
  int64_t next;              /* the first row whose turn has not come */
  int64_t
      *cand; /* as of: rows that count by now, exists_at rising; the newest that exists is used */
  int64_t head, ncand, capcand;
  int64_t keep;        /* rows before this number are not used by the bars at hand or later ones */
  const int32_t *row;  /* per bar at hand: number of its row - base; -1: none */
  int64_t base, begun; /* begun: `next` before the bars at hand were looked at */
  int32_t *room;       /* where row is, unless it is another lane's */
  int64_t caproom;
  int64_t recorded; /* bytes of its rows, when they were last counted */
} bv_lane_use;

typedef struct bv_lane {
  bv_source src;
  int64_t lo, hi; /* of bars that may still come: lo <= ts < hi */
  int64_t n, k;   /* bars at hand; the next of them to be delivered */
  const int64_t *ts;
  const double *col[BV_NCOL];
  bool ended;   /* there are none after those at hand */
  bool matched; /* their rows have been found */
  bool streaming, walking;
  unsigned mask;           /* columns that are read */
  unsigned whole;          /* columns in which no bar at hand has a NaN */
  int number;              /* among the lanes */
  int64_t cap;             /* where the bars at hand lie: values there is room for, */
  char *room[BV_NCOL + 1]; /* and the memory of each column, times last; */
  bv_walk walk;            /* or whose piece, */
  bv_stream stream;        /* or whose window */
  int64_t at;              /* stream: number of the first bar at hand */
  bv_trail trail;          /* bars before those at hand */
  bv_lane_use *use;        /* per source */
} bv_lane;

/* The instant a bar of the lane ends at. */
static inline int64_t bv_lane_known_at(const bv_lane *l, int64_t ts) {
  int64_t dur = bv_timestep_dur_s(l->src.step);
  return dur ? ts + dur : bv_source_known_at(&l->src, ts);
}

/* Read the bars of [lo, hi) instead of those at hand. */
BV_MUST bv_rc bv_lane_read(bv_lane *l, bv_store *s, int64_t lo, int64_t hi, bv_err *err);

/* Begin with a stream over [lo, hi) of the lane; and go on to its next bars when those at hand are used up. */
BV_MUST bv_rc bv_lane_stream(bv_lane *l, bv_store *s, int64_t piece, unsigned mask, bv_err *err);
BV_MUST bv_rc bv_lane_stream_next(bv_lane *l, bv_err *err);

/* Begin with a walk over [lo, hi) of the lane; and go on likewise. */
BV_MUST bv_rc bv_lane_walk(bv_lane *l, bv_store *s, bv_err *err);
BV_MUST bv_rc bv_lane_walk_next(bv_lane *l, bv_store *s, bv_err *err);

/* Fill a trail with the starts of the last bars before `ts`. */
BV_MUST bv_rc bv_trail_fill(bv_trail *t, bv_store *s, const bv_source *src, int64_t ts,
                            bv_err *err);

/* The bars at hand are new: forget the rows that only those before them used, unless they are recorded. */
void bv_lane_forget(bv_lane_use *u, bool recorded);

/* Find the row of a source for every bar at hand.  The rows with ts up to the last bar's are there.  mate: a lane for
** which that was just done, or NULL; where it has the same bars and rows at the same times, its result is shared. */
BV_MUST bv_rc bv_lane_match(bv_lane *l, const bv_feature *f, bv_lane_use *u, const bv_lane *mate,
                            const bv_lane_use *mates);

/* The first instant at which a bar whose rows have not been found may begin. */
int64_t bv_lane_bound(const bv_lane *l);

/* Whether a row stamped `ts` counts from the same bar on as one stamped `before`, whose turn has not come: no bar
** lies between them. */
bool bv_lane_alike(const bv_lane *l, int64_t before, int64_t ts);

void bv_lane_reset(bv_lane *l, int nsource);

#endif
