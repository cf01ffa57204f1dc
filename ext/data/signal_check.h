/*
** signal_check.h - what is doubtful about a table of signals, given the bars it will be used at.
**
**   early      error    the row would be used before it existed
**   duplicate  error    two rows of one asset, ts and known_at
**   time       error    ts or known_at is no time
**   coarse     warning  an asset's rows are further apart than its bars, and nothing says when they exist: if ts is
**                       where their bars begin, they are used before these have ended
**   unknown    warning  there is no such series of bars
**   never      warning  known_at is NULL: the rows are never used
**   unmatched  warning  there is no bar at ts (matched exactly), or none within the tolerance
**   unused     info     too few bars follow for the rows to be used
**   coverage   info     bars between the first and the last row have no signal
**
** The timing says at which bar a row would be used, and so when: as that bar ends.  early and duplicate have a
** row for each, the others one for each asset.
*/
#ifndef BV_DATA_SIGNAL_CHECK_H
#define BV_DATA_SIGNAL_CHECK_H

#include "data/feature.h"
#include "data/store.h"

/* Names of the classes, ended by NULL. */
extern const char *const bv_signal_classes[];

typedef struct bv_signal_problem {
  const char *cls, *severity;
  const char *asset;          /* NULL where none is known */
  int64_t ts;                 /* of the row; of the first one where it is about several */
  int64_t used_at, exists_at; /* INT64_MIN: does not apply */
  int64_t rows;               /* how many rows; of class coverage, how many bars */
  char message[240];
} bv_signal_problem;

/* Call `found` for every problem, asset by asset.  An error of `found` ends the search and is returned. */
BV_MUST bv_rc bv_signal_check(bv_store *s, const bv_feature *f, const char *timestep,
                              bv_rc (*found)(void *ctx, const bv_signal_problem *p), void *ctx,
                              bv_err *err);

#endif
