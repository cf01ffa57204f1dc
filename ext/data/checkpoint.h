/*
** checkpoint.h - states of recursive indicators along a series.
**
** A recursive indicator is run from the first stored bar.  On the way, and where a window begins, its
** state is kept, so that a window made later runs from the nearest state before it.  States are small
** and few for one indicator: where there would be more, every second of the older ones goes.  Those that
** have seen a bar which is written or removed are forgotten.
*/
#ifndef BV_DATA_CHECKPOINT_H
#define BV_DATA_CHECKPOINT_H

#include "data/derived.h"

/* Bars between states on the way. */
#define BV_CHECKPOINT_EVERY 4096

/* The last state of the spec before instant ts (it has seen bars up to *seen < ts), `size` bytes; NULL where
** there is none.  Borrowed until the next call of any function here. */
const void *bv_checkpoint_find(bv_store *s, const bv_source *src, const bv_spec *spec, int64_t ts,
                               size_t size, int64_t *seen);

/* Keep a state that has seen bars up to `seen`, unless it is very large. */
BV_MUST bv_rc bv_checkpoint_keep(bv_store *s, const bv_source *src, const bv_spec *spec,
                                 int64_t seen, const void *state, size_t size);

/* A bar of the series was written or removed at ts. */
void bv_checkpoint_written(bv_store *s, const bv_series *series, int64_t ts);

/* Forget the states of the indicator not used for longest, false where there is none; of all. */
bool bv_checkpoint_drop_oldest(bv_store *s);
void bv_checkpoint_drop_all(bv_store *s);

#endif
