/*
** ring.h - fixed-capacity ring of bars with contiguous views.
**
** A ring holds a run of consecutive bars [first, next) of one series, at most `cap` of them.
** Indexes are the owner's and may be negative; slots are index modulo cap.  Every column is one
** array of 2*cap slots, and each bar is stored twice, so that any run of bars is contiguous:
**
**      slots   0 1 2 3 | 4 5 6 7          cap = 4, bars 5..8 stored
**      bars    8 5 6 7 | 8 5 6 7          view(5, 9) starts at slot 1, length 4
**
** A ring starts with a set of columns and can be given more later.  Pushing beyond capacity drops
** the oldest bars.  Times must rise strictly over the bars held: pushing an older bar is BV_RANGE,
** not a sort.
*/
#ifndef BV_COL_RING_H
#define BV_COL_RING_H

#include "base/alloc.h"
#include "col/bars.h"

typedef struct bv_ring {
  int64_t cap;
  int64_t first, next; /* bars held: [first, next) */
  unsigned mask;       /* columns present, BV_COLBIT each */
  int64_t *ts;
  double *col[BV_NCOL];
} bv_ring;

/* A ring for up to cap bars, empty, its first bar to come being number `origin`. */
BV_MUST bv_rc bv_ring_init(bv_ring *r, int64_t cap, int64_t origin, unsigned mask);
void bv_ring_reset(bv_ring *r);

/* Append n bars; the ring takes the columns it has from `bars` (an absent one becomes NaN). */
BV_MUST bv_rc bv_ring_push(bv_ring *r, const bv_bars *bars);

/* Add column `c` for the bars held: values[0..next-first); may be NULL where none is held. */
BV_MUST bv_rc bv_ring_add_column(bv_ring *r, bv_column c, const double *values);

/* Give the ring room for cap bars, at least as many as it has; the bars held keep their numbers, their
** slots change. */
BV_MUST bv_rc bv_ring_grow(bv_ring *r, int64_t cap);

/* Borrow bars [lo, hi) as a contiguous view, valid until the next push, trim or reset.  BV_RANGE
** where they are not all held; *out is then untouched. */
BV_MUST bv_rc bv_ring_view(const bv_ring *r, int64_t lo, int64_t hi, bv_bars *out);

/* Forget bars before index lo; or from index hi on. */
void bv_ring_trim(bv_ring *r, int64_t lo);
void bv_ring_cut(bv_ring *r, int64_t hi);

/* Copy values of bars [lo, hi) from a column kept in parallel to `from` into one for `to`. */
void bv_ring_carry(const bv_ring *from, const double *values, const bv_ring *to, double *out,
                   int64_t lo, int64_t hi);

/* First held index whose time is >= ts (next if none). */
int64_t bv_ring_lower_bound(const bv_ring *r, int64_t ts);

/* The same, looked for from index `near` on: quick where the answer is not far from it. */
int64_t bv_ring_lower_bound_near(const bv_ring *r, int64_t ts, int64_t near);

/* Slot of an index, for columns kept in parallel to the ring (2*cap slots, both halves written). */
static inline int64_t bv_ring_slot(const bv_ring *r, int64_t i) {
  int64_t s = i % r->cap;
  return s < 0 ? s + r->cap : s;
}

static inline int64_t bv_ring_ts(const bv_ring *r, int64_t i) {
  return r->ts[bv_ring_slot(r, i)];
}

#endif
