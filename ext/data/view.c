/* view.c - streams over bars, clamped to the clock; see view.h. */
#include "data/view.h"
#include "data/evict.h"
#include "data/raw.h"
#include "data/settings.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>

/* The clamp: no bar at or after this start is visible. */
static int64_t clamp(const bv_store *s, const bv_source *src, int64_t hi) {
  int64_t limit;
  if (src->cut != BV_NO_CLOCK) {
    limit =
        src->cut; /* a partial bucket is visible once it has begun; its bars are cut at the clock */
  } else {
    limit = bv_source_limit(src, s->clock);
  }
  return limit < hi ? limit : hi;
}

/* Whether a bar that starts before the clamp is hidden all the same, where those after it are:
**   a bucket that has ended while its last base bar, which reaches past its end, has not;
**   where the clock was the clamp, filled rows ahead of the next real bar, where there are bars ahead of
**   the clock: the reader must not learn from them that a bar follows. */
static bool hides(const bv_source *src, int64_t clock, bool clamped, double known, double filled) {
  return known > (double)clock || (clamped && src->fill != BV_FILL_NONE && filled == 1);
}

/* The end of the visible bars of those before bar `end`. */
static int64_t before_unknown(const bv_window *w, int64_t end, int64_t clock, bool clamped) {
  const bv_ring *r = &w->ring;
  const double *known = r->col[BV_COL_KNOWN], *filled = r->col[BV_COL_FILLED];
  if (!w->src.agg || w->src.cut != BV_NO_CLOCK || clock == BV_NO_CLOCK) return end;
  for (; end > r->first; end--) {
    int64_t slot = bv_ring_slot(r, end - 1);
    if (!hides(&w->src, clock, clamped, known[slot], filled ? filled[slot] : 0)) break;
  }
  return end;
}

/* How many bars lie in [lo, hi) at the most, by the length of a bar; INT64_MAX where unbounded. */
static int64_t bars_between(const bv_source *src, int64_t lo, int64_t hi) {
  if (lo < BV_INSTANT_MIN || hi > BV_INSTANT_MAX) return INT64_MAX;
  int64_t min_s, max_s;
  bv_timestep_bounds_s(src->step, &min_s, &max_s);
  return (hi - lo) / min_s + 1;
}

static void detach(bv_stream *st) {
  if (!st->w) return;
  st->w->pins--;
  bv_window_unref(st->w);
  st->w = NULL;
}

/* Takes over the caller's reference. */
static void attach(bv_stream *st, bv_window *w) {
  detach(st);
  w->pins++;
  st->w = w;
}

/* Point the view at the window's bars and the stream at those of them in [lo, hi).  The walk goes
** on after (before) the bar at `from`, where it is given. */
static bv_rc settle(bv_stream *st) {
  const bv_ring *r = &st->w->ring;
  BV_TRY(bv_ring_view(r, r->first, r->next, &st->view));
  st->base = r->first;
  int64_t a = bv_ring_lower_bound(r, st->lo), b = bv_ring_lower_bound(r, st->hi);
  b = before_unknown(st->w, b, st->clock, st->clamped);
  st->i = st->desc ? b - 1 : a;
  st->stop = st->desc ? a - 1 : b;
  return BV_OK;
}

/* Whether the window's front is all there is of [lo, ...). */
static bool front_reached(const bv_stream *st) {
  const bv_ring *r = &st->w->ring;
  if (st->w->bof) return true;
  return r->next > r->first && bv_ring_ts(r, r->first) <= st->lo;
}

static bool at_stop(const bv_stream *st) {
  return st->desc ? st->i <= st->stop : st->i >= st->stop;
}

/* Bars to read at a time: a scan takes an eighth of a small memory limit at the most. */
static int64_t piece_of(const bv_stream *st) {
  int64_t size = bars_between(&st->src, st->lo, st->hi), piece = st->piece, columns = 1;
  unsigned mask = bv_source_mask(&st->src, st->mask);
  for (int c = 0; c < BV_NCOL; c++) columns += (mask & BV_COLBIT(c)) != 0;
  while (piece > 64 && piece * 32 * columns > bv_mem_limit() / 8) piece /= 2;
  return size < piece ? size : piece;
}

/* Read on with a private window.  Walking forwards, [lo, hi) shrinks to what is left by itself,
** since the window continues after its last bar; backwards, hi is moved down. */
static bv_rc stream_privately(bv_stream *st, bv_err *err) {
  int64_t n;
  bv_window *w;
  BV_TRY(bv_window_private(st->store, &st->src, piece_of(st), st->mask, &w, err));
  attach(st, w);
  if (st->desc) {
    BV_TRY(bv_window_backward(w, st->lo, st->hi, 0, &n, err));
  } else {
    w->bof = st->lo == INT64_MIN;
    BV_TRY(bv_window_forward(w, st->lo, st->hi, &n, err));
  }
  BV_TRY(settle(st));
  st->eof = at_stop(st);
  return BV_OK;
}

static bv_rc stream_shared(bv_stream *st, int64_t back, bv_err *err) {
  bv_window *w;
  BV_TRY(bv_window_shared(st->store, &st->src, st->hi, back, st->mask, &w, err));
  attach(st, w);
  return settle(st);
}

/* Whether this range overlaps the last one read forwards from the same series: then readers are
** stepping through it and a window pays.  A range on its own is better read alone. */
static bool slides(const bv_stream *st) {
  bv_store *s = st->store;
  bool again = s->last_series == st->src.base.id && st->lo < s->last_hi && st->hi > s->last_lo;
  s->last_series = st->src.base.id;
  s->last_lo = st->lo;
  s->last_hi = st->hi;
  return again;
}

bv_rc bv_stream_open(bv_stream *st, bv_store *s, const bv_source *src, int64_t lo, int64_t hi,
                     bool desc, int64_t piece, unsigned mask, bv_err *err) {
  *st = (bv_stream){.store = s, .src = *src, .lo = lo, .desc = desc, .piece = piece, .mask = mask};
  st->hi = clamp(s, src, hi);
  st->clock = s->clock;
  st->clamped = st->hi < hi;
  if (s->touched) s->touched(s->touched_ctx, &src->base);
  if (st->lo >= st->hi) {
    st->eof = true;
    return BV_OK;
  }
  int64_t size = bars_between(src, st->lo, st->hi), history, future;
  bv_setting_reach(s, src, &history, &future);
  bool shared = src->cut == BV_NO_CLOCK && (desc || (size <= history && slides(st)));
  if (!shared) return stream_privately(st, err);
  BV_TRY(stream_shared(st, size <= history ? size : 0, err));
  if (!desc && !front_reached(st)) return stream_privately(st, err);
  if (!at_stop(st)) return BV_OK;
  if (!desc || front_reached(st)) {
    st->eof = true;
    return BV_OK;
  }
  return stream_privately(st, err);
}

void bv_stream_close(bv_stream *st) {
  bool scan = st->w && !st->w->listed;
  detach(st);
  if (scan) bv_evict(st->store);
  st->eof = true;
}

/* Backwards past the front of a window: a larger shared one while its history reaches, else
 * private. */
static bv_rc earlier(bv_stream *st, int64_t walked_ts, int64_t walked, bv_err *err) {
  int64_t back = walked * 4 + 64;
  int64_t history = st->w->history;
  if (st->src.cut == BV_NO_CLOCK && st->w->listed && walked < history) {
    if (back > history) back = history;
    BV_TRY(stream_shared(st, back, err));
    st->i = bv_ring_lower_bound(&st->w->ring, walked_ts) - 1;
    if (!at_stop(st)) return BV_OK;
  }
  if (front_reached(st)) {
    st->eof = true;
    return BV_OK;
  }
  st->hi = walked_ts;
  return stream_privately(st, err);
}

bv_rc bv_stream_next(bv_stream *st, bv_err *err) {
  st->i += st->desc ? -1 : 1;
  if (!at_stop(st)) return BV_OK;
  const bv_ring *r = &st->w->ring;
  if (st->desc) {
    if (front_reached(st)) {
      st->eof = true;
      return BV_OK;
    }
    int64_t front = bv_ring_ts(r, st->stop + 1);
    return earlier(st, front, bv_ring_lower_bound(r, st->hi) - st->stop - 1, err);
  }
  if (st->w->listed || st->stop < r->next) { /* a shared window holds the range to its end */
    st->eof = true;
    return BV_OK;
  }
  int64_t n, last = bv_ring_ts(r, r->next - 1), at = r->next;
  BV_TRY(bv_window_forward(st->w, last + 1, st->hi, &n, err));
  BV_TRY(settle(st));
  st->i = at;
  st->eof = at_stop(st);
  return BV_OK;
}

bv_rc bv_stream_value(bv_stream *st, bv_column c, double *out, bv_err *err) {
  if (!st->view.col[c]) {
    BV_TRY(bv_window_need(st->w, BV_COLBIT(c), err));
    const bv_ring *r = &st->w->ring;
    BV_TRY(bv_ring_view(r, r->first, r->next, &st->view));
    st->base = r->first;
    st->mask |= BV_COLBIT(c);
    if (!st->view.col[c]) {
      *out = NAN; /* the source never has this column */
      return BV_OK;
    }
  }
  *out = st->view.col[c][st->i - st->base];
  return BV_OK;
}

bv_rc bv_view_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, bv_chunk *out,
                   bv_err *err) {
  int64_t limit = clamp(s, src, hi);
  bool clamped = limit < hi;
  if (s->touched) s->touched(s->touched_ctx, &src->base);
  if (lo >= limit) return BV_OK;
  BV_TRY(bv_source_read(s, src, lo, limit, INT64_MAX, false, out, err));
  bv_evict(s);
  if (!src->agg || src->cut != BV_NO_CLOCK || s->clock == BV_NO_CLOCK) return BV_OK;
  const double *known = out->col[BV_COL_KNOWN], *filled = out->col[BV_COL_FILLED];
  while (out->n > 0 &&
         hides(src, s->clock, clamped, known[out->n - 1], filled ? filled[out->n - 1] : 0)) {
    out->n--;
  }
  return BV_OK;
}

bv_rc bv_view_each(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, unsigned mask,
                   bv_view_fn fn, void *ctx, bv_err *err) {
  assert(!src->agg);
  int64_t limit = clamp(s, src, hi);
  if (s->touched) s->touched(s->touched_ctx, &src->base);
  if (lo >= limit) return BV_OK;
  BV_TRY(bv_raw_each(s, &src->base, lo, limit, mask, fn, ctx, err));
  bv_evict(s);
  return BV_OK;
}

bv_rc bv_view_walk(bv_walk *w, bv_store *s, bv_bars *out, bv_err *err) {
  assert(!w->src.agg);
  if (s->touched) s->touched(s->touched_ctx, &w->src.base);
  BV_TRY(bv_raw_walk(w, clamp(s, &w->src, w->hi), out, err));
  bv_evict(s);
  return BV_OK;
}

static bv_rc newest(bv_store *s, const bv_source *src, int64_t hi, int64_t n, unsigned mask,
                    bv_window **out, int64_t *from, int64_t *to, bv_err *err) {
  int64_t limit = clamp(s, src, hi), history, future, hidden = 0;
  bv_setting_reach(s, src, &history, &future);
  if (s->touched) s->touched(s->touched_ctx, &src->base);
  for (;;) {
    int64_t back = n - 1 + hidden < history ? n - 1 + hidden : history;
    BV_TRY(bv_window_shared(s, src, limit, back, mask, out, err));
    const bv_window *w = *out;
    int64_t end = bv_ring_lower_bound_near(&w->ring, limit, w->near);
    *to = before_unknown(w, end, s->clock, limit < hi);
    *from = *to - n > w->ring.first ? *to - n : w->ring.first;
    if (*to - *from == n || w->bof || back == history || end - *to == hidden) return BV_OK;
    hidden =
        end - *to; /* rows the clock hides take the place of earlier ones: ask for those, too */
    bv_window_unref(*out);
  }
}

bv_rc bv_view_newest(bv_store *s, const bv_source *src, int64_t hi, int64_t n, unsigned mask,
                     bv_window **out, int64_t *from, int64_t *to, bv_err *err) {
  assert(src->cut == BV_NO_CLOCK && n > 0);
  return newest(s, src, hi, n, mask, out, from, to, err);
}

bv_rc bv_view_asof(bv_store *s, const bv_source *src, int64_t hi, unsigned mask, bv_window **out,
                   int64_t *i, bv_err *err) {
  int64_t end;
  bv_window *w;
  *out = NULL;
  BV_TRY(newest(s, src, hi, 1, mask, &w, i, &end, err));
  if (*i < end) {
    *out = w;
  } else {
    bv_window_unref(w);
  }
  return BV_OK;
}

/* A window that holds the bar at ts and the n before it, and that bar's number in it. */
static bv_rc reopen(const bv_window *w, int64_t ts, int64_t n, bv_window **out, int64_t *i,
                    bv_err *err) {
  bv_store *s = w->store;
  int64_t history, future;
  bv_setting_reach(s, &w->src, &history, &future);
  if (n <= history && w->src.cut == BV_NO_CLOCK) {
    BV_TRY(bv_window_shared(s, &w->src, ts + 1, n, w->ring.mask, out, err));
  } else {
    int64_t got;
    BV_TRY(bv_window_private(s, &w->src, n + 1, w->ring.mask, out, err));
    bv_rc rc = bv_window_backward(*out, INT64_MIN, ts + 1, 0, &got, err);
    if (rc != BV_OK) {
      bv_window_unref(*out);
      return rc;
    }
  }
  *i = bv_ring_lower_bound(&(*out)->ring, ts);
  return BV_OK;
}

bv_rc bv_view_value(bv_window *w, int64_t i, int64_t ts, const bv_spec *spec, int64_t n,
                    double *out, bv_err *err) {
  *out = NAN;
  if (bv_window_holds(w, i, ts) && (i - n >= w->ring.first || w->bof)) {
    return i - n < w->ring.first ? BV_OK : bv_derived_at(w, spec, i - n, out, err);
  }
  bv_window *again;
  int64_t j;
  BV_TRY(reopen(w, ts, n, &again, &j, err));
  bv_rc rc = BV_OK;
  if (bv_window_holds(again, j, ts) && j - n >= again->ring.first) {
    rc = bv_derived_at(again, spec, j - n, out, err);
  }
  bv_window_unref(again);
  return rc;
}
