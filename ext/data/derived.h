/*
** derived.h - indicator columns of a window.
**
** A column is named by a spec (spec.h).  Values are computed once for the bars a window holds and extended at its end.  Columns of windows
** are dropped before windows are when memory runs short, and computed again when they are read.
**
** No value depends on where the window begins.  Recursive indicators are run from the first stored
** bar of the source, or go on from a state kept on the way (data/checkpoint.h).  Windowed ones are run from far enough back to pass an anchor bar: the first
** bar of each time block of 512 nominal timesteps, where their sums are recomputed from the bars of
** the window alone.  Anchors are fixed by the bars' times, so every run meets the same ones.
*/
#ifndef BV_DATA_DERIVED_H
#define BV_DATA_DERIVED_H

#include "data/spec.h"
#include "data/window.h"

/* The spec's value at bar i, which the window holds; NaN where there is none yet. */
BV_MUST bv_rc bv_derived_at(bv_window *w, const bv_spec *spec, int64_t i, double *out, bv_err *err);

/* The spec's values at bar i, which the window holds, and at those after it as far as they lie in a row: at
** least one.  Borrowed until the window is asked for anything else. */
BV_MUST bv_rc bv_derived_run(bv_window *w, const bv_spec *spec, int64_t i, const double **values,
                             int64_t *n, bv_err *err);

/* Compute every column up to the window's last bar. */
BV_MUST bv_rc bv_derived_catch_up(bv_window *w, bv_err *err);

void bv_derived_free_all(bv_window *w);

/* Before the ring grows to cap bars: get the memory; and after it has, or has not (before = NULL): move
** the values, of which `before` tells where they were. */
BV_MUST bv_rc bv_derived_prepare(bv_window *w, int64_t cap);
void bv_derived_moved(bv_window *w, const bv_ring *before);

/* The column not read for longest, of windows that nobody reads: its tick, false where there is none;
** and dropping it. */
bool bv_derived_oldest(const bv_store *s, int64_t *used);
void bv_derived_drop_oldest(bv_store *s);

/* Walk a window's columns: the one after d, or the first; what it is and holds. */
typedef struct bv_derived_info {
  char spec[80];
  int64_t bars, first, last, bytes, hits, misses, used;
} bv_derived_info;
const struct bv_derived *bv_derived_next(const bv_window *w, const struct bv_derived *d,
                                         bv_derived_info *out);

#endif
