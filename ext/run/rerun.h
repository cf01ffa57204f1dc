/*
** rerun.h - a run done again, and what has changed since.
*/
#ifndef BV_RUN_RERUN_H
#define BV_RUN_RERUN_H

#include "run/inputs.h"
#include "run/run.h"

/* A run from its beginning to its end; *id is its number, also after an error where a part of it is kept, else 0. */
BV_MUST bv_rc bv_run_all(bv_store *s, const bv_run_start *how, int64_t *id, bv_err *err);

/* Run `run` again: its strategy's text, configuration, values of knobs and zone as they were stored, its
** bars up to its last step.  overrides (JSON, may be NULL) is merged into the configuration; where it
** names a profile, knobs that neither sets are the profile's.  BV_NOTFOUND: there is no such run; BV_ARG:
** a program gave its orders. */
BV_MUST bv_rc bv_rerun(bv_store *s, int64_t run, const char *overrides, const char *version,
                       int64_t *id, bv_err *err);

/* A difference; a and b may be NULL, where one side has nothing. */
typedef bv_rc (*bv_diff_fn)(void *ctx, const char *what, const char *name, const char *a,
                            const char *b, bv_err *err);

/* What differs between runs a and b: strategy, configuration, knobs, inputs, results.  b = 0: between run
** a and what is there now, without results. */
BV_MUST bv_rc bv_diff(bv_store *s, int64_t a, int64_t b, const char *version, bv_diff_fn fn,
                      void *ctx, bv_err *err);

#endif
