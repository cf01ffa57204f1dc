/*
** compare.h - where two runs of one strategy part, and which knob makes them.
**
** Fills are compared by their numbers: the same asset, time and, to 1e-9 of it, quantity, price and
** commission.  A knob explains the first that differs if run a, done again with this one knob as run b
** has it, goes with b beyond that fill.  Such runs are made and undone.
*/
#ifndef BV_RUN_COMPARE_H
#define BV_RUN_COMPARE_H

#include "run/rerun.h"

/* Rows as of bv_diff(): what is "fill", "account" or "knob".  No rows where every fill is the same and the
** account too. */
BV_MUST bv_rc bv_compare(bv_store *s, int64_t a, int64_t b, const char *version, bv_diff_fn fn,
                         void *ctx, bv_err *err);

#endif
