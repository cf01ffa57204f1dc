/*
** segfetch.h - rows of barsvt_seg as they are stored: for those who decode them, seg.c and walk.c.
*/
#ifndef BV_DATA_SEGFETCH_H
#define BV_DATA_SEGFETCH_H

#include "data/seg.h"
#include "data/sql.h"
#include "data/times.h"

/* What the store decodes with. */
BV_MUST bv_rc bv_seg_context(bv_store *s, bv_segctx **ctx, bv_timeset **times);

/* Fetch one column's row: *blob stays valid until the statement is reset.  *n = -1: no such row. */
BV_MUST bv_rc bv_seg_fetch(bv_store *s, const bv_series *series, int64_t chunk, int col,
                           sqlite3_stmt **st, const void **blob, int *bytes, int64_t *n,
                           bv_err *err);

/* Whether a chunk may be without times, that is not sealed, or without a column: else BV_CORRUPT. */
BV_MUST bv_rc bv_seg_check_unsealed(bv_store *s, const bv_series *series, int64_t chunk,
                                    bv_err *err);
BV_MUST bv_rc bv_seg_check_absent(bv_store *s, const bv_series *series, int64_t chunk, int col,
                                  bv_err *err);

/* The error for a damaged column; and for what came of decoding a blob: anything but a lack of memory is damage. */
bv_rc bv_seg_corrupt(const bv_series *series, int64_t chunk, int col, const char *what,
                     bv_err *err);
BV_MUST bv_rc bv_seg_decoded(const bv_series *series, int64_t chunk, int col, bv_rc rc,
                             const bv_err *why, bool whole, bv_err *err);

/* Count and log the decoding of a column, which began at t0 (bv_log_now). */
void bv_seg_note(bv_store *s, const bv_series *series, int col, int64_t n, int64_t t0);

#endif
