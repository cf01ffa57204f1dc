/*
** parted.c - stored bars as one sequence: a file's own and those of its partitions; see raw.h.
**
** Time is walked in stretches: those between the first and the last bar that a partition has of the series, and those
** outside.  In the former the file may have bars too, which came later and win.
*/
#include "data/own.h"
#include "data/partition.h"
#include "data/seg.h"
#include "time/instant.h"

#define PIECE 4096 /* bars merged at a time */

/* The one that it ends with. */
static bv_stretch last_stretch(const bv_parts *parts, int64_t lo, int64_t hi) {
  for (int i = parts->n - 1; i >= 0; i--) {
    const bv_part *p = &parts->at[i];
    if (p->first >= hi) continue;
    if (p->last < lo) break;
    if (p->last < hi - 1) return (bv_stretch){p->last + 1, hi, NULL};
    return (bv_stretch){p->first > lo ? p->first : lo, hi, p};
  }
  return (bv_stretch){lo, hi, NULL};
}

/* What the partition has and what came later, of a stretch. */
static bv_rc read_both(bv_store *s, const bv_series *series, const bv_series *inner,
                       const bv_stretch *st, int64_t max, bool desc, bv_chunk *out, bv_err *err) {
  bv_chunk old, newer;
  bv_chunk_init(&old, BV_MEM_DECODE, out->mask & BV_STORED_MASK);
  bv_chunk_init(&newer, BV_MEM_DECODE, out->mask & BV_STORED_MASK);
  bv_rc rc = bv_own_read(inner->home, inner, st->lo, st->hi, max, desc, &old, err);
  rc = bv_part_done(s, st->in, rc, err);
  if (rc == BV_OK) rc = bv_own_read(s, series, st->lo, st->hi, max, desc, &newer, err);
  if (rc == BV_OK) {
    const bv_bars a = bv_chunk_view(&old), b = bv_chunk_view(&newer);
    const bool all = desc || max > INT64_MAX - out->n;
    rc = bv_own_merge(out, &a, 0, a.n, &b, all ? INT64_MAX : out->n + max);
    if (desc) bv_chunk_keep_last(out, max);
  }
  bv_chunk_reset(&old);
  bv_chunk_reset(&newer);
  return rc;
}

/* The bars of a stretch; with desc out is empty. */
static bv_rc read_stretch(bv_store *s, const bv_series *series, const bv_stretch *st, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err) {
  bv_series inner;
  bool both;
  if (!st->in) return bv_own_read(s, series, st->lo, st->hi, max, desc, out, err);
  BV_TRY(bv_part_open(s, series, st->in, &inner, err));
  BV_TRY(bv_own_any(s, series, st->lo, st->hi, &both, err));
  if (both) return read_both(s, series, &inner, st, max, desc, out, err);
  bv_rc rc = bv_own_read(inner.home, &inner, st->lo, st->hi, max, desc, out, err);
  return bv_part_done(s, st->in, rc, err);
}

static bv_rc read_forward(bv_store *s, const bv_series *series, const bv_parts *parts, int64_t lo,
                          int64_t hi, int64_t max, bv_chunk *out, bv_err *err) {
  const int64_t want = max > INT64_MAX - out->n ? INT64_MAX : out->n + max;
  while (lo < hi && out->n < want) {
    const bv_stretch st = bv_parts_first(parts, lo, hi);
    BV_TRY(read_stretch(s, series, &st, want - out->n, false, out, err));
    lo = st.hi;
  }
  return BV_OK;
}

/* The last stretch first, as it says how many bars are wanted of those before; so deep as there are stretches. */
static bv_rc read_backward(bv_store *s, const bv_series *series, const bv_parts *parts, int64_t lo,
                           int64_t hi, int64_t max, bv_chunk *out, bv_err *err) {
  const bv_stretch st = last_stretch(parts, lo, hi);
  if (st.lo == lo && out->n == 0) return read_stretch(s, series, &st, max, true, out, err);
  bv_chunk tail;
  bv_chunk_init(&tail, BV_MEM_DECODE, out->mask & BV_STORED_MASK);
  bv_rc rc = read_stretch(s, series, &st, max, true, &tail, err);
  if (rc == BV_OK && tail.n < max && st.lo > lo) {
    rc = read_backward(s, series, parts, lo, st.lo, max - tail.n, out, err);
  }
  if (rc == BV_OK) {
    const bv_bars v = bv_chunk_view(&tail);
    rc = bv_chunk_append(out, &v);
  }
  bv_chunk_reset(&tail);
  return rc;
}

bv_rc bv_raw_read(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, int64_t max,
                  bool desc, bv_chunk *out, bv_err *err) {
  const bv_parts *parts;
  if (lo >= hi || max <= 0) return BV_OK;
  if (series->home) s = series->home;
  BV_TRY(bv_parts_of(s, series, &parts, err));
  if (!parts) return bv_own_read(s, series, lo, hi, max, desc, out, err);
  return desc ? read_backward(s, series, parts, lo, hi, max, out, err)
              : read_forward(s, series, parts, lo, hi, max, out, err);
}

/* ---- each ---- */

/* Where both have bars they are merged, a piece at a time. */
static bv_rc each_merged(bv_store *s, const bv_series *series, const bv_stretch *of, unsigned mask,
                         bv_raw_fn fn, void *ctx, bv_err *err) {
  bv_chunk piece;
  bv_stretch st = *of;
  bv_chunk_init(&piece, BV_MEM_DECODE, mask & BV_STORED_MASK);
  bv_rc rc;
  for (;; st.lo = piece.ts[piece.n - 1] + 1) {
    bv_chunk_clear(&piece);
    rc = read_stretch(s, series, &st, PIECE, false, &piece, err);
    if (rc != BV_OK || piece.n == 0) break;
    const bv_bars v = bv_chunk_view(&piece);
    rc = fn(ctx, &v);
    if (rc != BV_OK || piece.n < PIECE) break;
  }
  bv_chunk_reset(&piece);
  return rc;
}

static bv_rc each_of_stretch(bv_store *s, const bv_series *series, const bv_stretch *st,
                             unsigned mask, bv_raw_fn fn, void *ctx, bv_err *err) {
  bv_series inner;
  bool both;
  if (!st->in) return bv_own_each(s, series, st->lo, st->hi, mask, fn, ctx, err);
  BV_TRY(bv_own_any(s, series, st->lo, st->hi, &both, err));
  if (both) return each_merged(s, series, st, mask, fn, ctx, err);
  BV_TRY(bv_part_open(s, series, st->in, &inner, err));
  bv_rc rc = bv_own_each(inner.home, &inner, st->lo, st->hi, mask, fn, ctx, err);
  return bv_part_done(s, st->in, rc, err);
}

bv_rc bv_raw_each(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, unsigned mask,
                  bv_raw_fn fn, void *ctx, bv_err *err) {
  const bv_parts *parts;
  if (series->home) s = series->home;
  BV_TRY(bv_parts_of(s, series, &parts, err));
  while (lo < hi) {
    const bv_stretch st = bv_parts_first(parts, lo, hi);
    BV_TRY(each_of_stretch(s, series, &st, mask, fn, ctx, err));
    lo = st.hi;
  }
  return BV_OK;
}
