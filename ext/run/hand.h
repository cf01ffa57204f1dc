/*
** hand.h - the rows of a strategy on their way to the simulator, at instant t.
*/
#ifndef BV_RUN_HAND_H
#define BV_RUN_HAND_H

#include "run/run.h"

/* One row: cancels and replaces, then the order it asks for. */
BV_MUST bv_rc bv_hand_one(bv_run *r, int64_t t, bv_signal *g, bv_err *err);

/* Keep a copy of a row for its step; and hand over the rows of the batch, once it is sealed, as one step. */
BV_MUST bv_rc bv_hand_gather(bv_run *r, const bv_signal *g);
BV_MUST bv_rc bv_hand_batch(bv_run *r, int64_t t, bv_err *err);

/* Set mode: read the row that comes next (bv_run.next), and hand over those known by t. */
BV_MUST bv_rc bv_hand_fetch(bv_run *r, bv_err *err);
BV_MUST bv_rc bv_hand_over(bv_run *r, int64_t t, bv_err *err);

/* Step mode: execute the view, its rows into the batch; and hand them over, with the clock at t. */
BV_MUST bv_rc bv_hand_read(bv_run *r, bv_err *err);
BV_MUST bv_rc bv_hand_decide(bv_run *r, int64_t t, bv_err *err);

#endif
