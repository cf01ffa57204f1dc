/*
** resume.h - go on with a run that was committed as it went on and then stopped or was killed (keep.h).
*/
#ifndef BV_RUN_RESUME_H
#define BV_RUN_RESUME_H

#include "run/run.h"

/* A run that was begun to be resumed: do it again up to the step that was committed. */
BV_MUST bv_rc bv_resume_replay(bv_run *r, const bv_resumed *from, bv_err *err);

/* Open run `id` where it was committed last: *out stands at that step, after everything that was decided
** there.  BV_NOTFOUND: there is no such run; BV_ARG: it has finished, or has nothing to resume from, or a transaction is
** open; BV_BUSY: somebody executes it; BV_CONFLICT: what it was made from has changed.  After an error
** the run is as it was.
**
** options: JSON, may be NULL.  {"changed": true}: go on although views, tables or bars have changed, as long as
** what was decided up to there gives the same results; from there on the view is the one there is now. */
BV_MUST bv_rc bv_resume_open(bv_store *s, int64_t id, const char *options, const char *version,
                             bv_run **out, bv_err *err);

/* The same and on to its end.  BV_ARG also where a program gave orders.  *kept: after an error a part is
** kept. */
BV_MUST bv_rc bv_resume(bv_store *s, int64_t id, const char *options, const char *version,
                        bool *kept, bv_err *err);

#endif
