/*
** fill.h - rows for empty buckets of an aggregate, where they are asked for.
*/
#ifndef BV_DATA_FILL_H
#define BV_DATA_FILL_H

#include "data/source.h"

/* As bv_source_read for a source with a fill rule.  Only buckets between two real ones that start
** before hi are filled, so that nothing is invented after the last bar a reader can see; with a session
** only buckets that start inside it.  null: open, high, low and close are NULL; prev: they are the
** close before, and the volume is 0.  A filled row says so (filled 1, count 0). */
BV_MUST bv_rc bv_fill_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                           bool desc, bv_chunk *out, bv_err *err);

#endif
