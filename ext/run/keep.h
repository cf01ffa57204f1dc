/*
** keep.h - a run that is committed every so many steps (key checkpoint), so that others can watch it and
** a killed one can be resumed.
**
** Between two commits such a run holds a state to read, not the lock for writing: results gather in
** memory (trail.h).  The lock is taken to commit, and before that only where more gathers than is kept, or where
** the strategy reads results of its own run; then it is held until the commit.
**
** What is stored is no state but what the run was asked for (bt_request): the simulator is deterministic
** and fast, so a run is resumed by doing it again with these requests in place of its strategy, which may be slow
** or random.  Its results are written anew on the way; where they are not those it had (bt_checkpoint.trail), the bars or the
** library have changed, and nothing is kept of the attempt.
**
** A strategy in set mode is read to its end before the first step, under the lock, and all of its rows
** are requests: nothing is kept of a run that is killed before.
*/
#ifndef BV_RUN_KEEP_H
#define BV_RUN_KEEP_H

#include "run/inputs.h"
#include "run/owner.h"
#include "run/requests.h"
#include "run/trail.h"

struct bv_run;
struct bv_run_start;

typedef struct bv_keep {
  int64_t every; /* steps; 0: the run is not committed before its end */
  bool begun;    /* it has been committed once */
  bool locked;   /* for writing */
  bool listed;   /* set mode: rows come from bt_request */
  bool replay;   /* requests come from bt_request, nothing is committed */
  bool drop;     /* the run is to be deleted */
  bool own;      /* the strategy may read results of the run */
  int64_t done;  /* steps that are committed */
  int64_t data_end, first_ts;
  int64_t npoint; /* of the curve's points, those in the trail */
  bv_trail trail;
  bv_requests rows, orders; /* of strategy and program */
  bv_owner owner;
  char *config, *document, *version; /* copies */
  const bv_zone *zone;
  const bv_inputs *files; /* borrowed */
  bv_inputs inputs;       /* when the run began */
  int ninput;             /* assets that are in them */
  int64_t generation;     /* of the store, as far as looked at */
  int64_t checked, cost;  /* when the inputs were looked at last, and how long that took, ns */
  bool unchecked;         /* others have written since */
} bv_keep;

/* What a run is resumed from. */
typedef struct bv_resumed {
  int64_t run, steps, ts, end, data_end;
  const char *trail;
  const bv_inputs *inputs;
  bv_owner *owner; /* taken over */
  const char *view,
      *sql;     /* the view that stands in for the strategy's, and that one's text; NULL: none */
  bool changed; /* go on although what it was made from has changed */
} bv_resumed;

/* Whether files are those that the run to be resumed (NULL: none) was made from. */
BV_MUST bv_rc bv_keep_same_files(const bv_resumed *from, const bv_inputs *files, bv_err *err);

/* The configuration is read: where it has the key, look whether that can be (BV_ARG inside a transaction). */
BV_MUST bv_rc bv_keep_prepare(struct bv_run *r, const struct bv_run_start *how, bv_err *err);

/* The lock is held, nothing is written yet: what data there are. */
BV_MUST bv_rc bv_keep_range(struct bv_run *r, const struct bv_run_start *how, bv_err *err);

/* The run has its number. */
BV_MUST bv_rc bv_keep_result(struct bv_run *r, const struct bv_run_start *how, bv_err *err);

/* Set mode, the first row is read: all the rows become requests.  And the next of them. */
BV_MUST bv_rc bv_keep_list(struct bv_run *r, bv_err *err);
BV_MUST bv_rc bv_keep_fetch(struct bv_run *r, bv_err *err);

/* All is open: commit for the first time; or, of a run that is resumed, compare its inputs. */
BV_MUST bv_rc bv_keep_opened(struct bv_run *r, const struct bv_run_start *how, bv_err *err);

/* The step that the run stands at is over: commit, if it is its turn. */
BV_MUST bv_rc bv_keep_step(struct bv_run *r, bv_err *err);

/* A point of the equity curve is to be recorded. */
BV_MUST bv_rc bv_keep_point(struct bv_run *r, bv_err *err);

/* Step mode: before the view is executed; instead of that, where the run is done again (its rows go into the
** batch); and afterwards. */
BV_MUST bv_rc bv_keep_before(struct bv_run *r, bv_err *err);
BV_MUST bv_rc bv_keep_again(struct bv_run *r, int64_t t, bv_err *err);
BV_MUST bv_rc bv_keep_decided(struct bv_run *r, int64_t t, bv_err *err);

/* A program has given an order. */
BV_MUST bv_rc bv_keep_order(struct bv_run *r, const bv_signal *g, bv_err *err);

/* Write what has gathered, under the lock. */
BV_MUST bv_rc bv_keep_flush(struct bv_run *r, bv_err *err);

/* The run has been done again: compare its trail, commit, and go on. */
BV_MUST bv_rc bv_keep_go_on(struct bv_run *r, const bv_resumed *from, bv_err *err);

/* The last step is over: write what has gathered.  The run's results are complete: what only a resume
** needs goes. */
BV_MUST bv_rc bv_keep_finish(struct bv_run *r, bv_err *err);
BV_MUST bv_rc bv_keep_finished(struct bv_run *r, bv_err *err);

/* Commit the end, rc BV_OK, or go back to the last commit and say in bt_run what has happened. */
BV_MUST bv_rc bv_keep_close(struct bv_run *r, bv_rc rc, bv_err *err);

#endif
