/*
** view.h - how everything above reads bars: clamped to the clock.
**
** A stream walks the bars of a source in [lo, hi), forwards or backwards, of which only those that
** had ended by the store's clock exist for it.  This file and view.c are the one place where the
** clock is enforced: tables, functions and handles all come through bv_stream_open() or
** bv_view_asof().
*/
#ifndef BV_DATA_VIEW_H
#define BV_DATA_VIEW_H

#include "data/derived.h"
#include "data/walk.h"
#include "data/window.h"

typedef struct bv_stream {
  bv_store *store;
  bv_source src;
  int64_t lo, hi;
  int64_t piece;
  unsigned mask;
  bool desc, eof;
  int64_t clock; /* when the stream was opened */
  bool clamped;  /* hi is the clock's, not the caller's */
  bv_window *w;
  int64_t i;    /* the current bar */
  int64_t stop; /* first bar not to be delivered from this window, in walking direction */
  bv_bars view; /* the window's bars, from number `base` on */
  int64_t base;
} bv_stream;

/* Bars a long scan reads at a time; less where many streams run side by side. */
#define BV_STREAM_PIECE INT64_C(4096)

/* Place a stream on its first bar (or at its end).  mask: the columns that will surely be read. */
BV_MUST bv_rc bv_stream_open(bv_stream *st, bv_store *s, const bv_source *src, int64_t lo,
                             int64_t hi, bool desc, int64_t piece, unsigned mask, bv_err *err);
void bv_stream_close(bv_stream *st);
BV_MUST bv_rc bv_stream_next(bv_stream *st, bv_err *err);

/* Go to the next bar if the window holds it: true.  Otherwise nothing happens, bv_stream_next must be
** called.  by: -1 where the stream walks backwards, else 1. */
static inline bool bv_stream_step(bv_stream *st, int by) {
  int64_t to = st->i + by;
  if (to == st->stop) return false;
  st->i = to;
  return true;
}

static inline int64_t bv_stream_ts(const bv_stream *st) {
  return st->view.ts[st->i - st->base];
}
static inline int64_t bv_stream_known_at(const bv_stream *st) {
  if (st->src.agg) return (int64_t)st->view.col[BV_COL_KNOWN][st->i - st->base];
  return bv_source_known_at(&st->src, bv_stream_ts(st));
}

/* A column of the current bar; NaN is NULL. */
BV_MUST bv_rc bv_stream_value(bv_stream *st, bv_column c, double *out, bv_err *err);

/* The newest bar that starts before hi and has ended by the clock: window (a reference) and number.
** *out = NULL where there is none. */
BV_MUST bv_rc bv_view_asof(bv_store *s, const bv_source *src, int64_t hi, unsigned mask,
                           bv_window **out, int64_t *i, bv_err *err);

/* Append all bars in [lo, hi) that have ended by the clock, past the windows. */
BV_MUST bv_rc bv_view_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, bv_chunk *out,
                           bv_err *err);

/* Show the bars of a stored series in [lo, hi) that have ended by the clock to fn, run by run in order of time, as they
** lie in memory: borrowed until it returns; it must not read.  Stops at the first result that is not BV_OK. */
typedef bv_rc (*bv_view_fn)(void *ctx, const bv_bars *bars);
BV_MUST bv_rc bv_view_each(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, unsigned mask,
                           bv_view_fn fn, void *ctx, bv_err *err);

/* The next bars of a walk that have ended by the clock, none at the end; borrowed until the next call. */
BV_MUST bv_rc bv_view_walk(bv_walk *w, bv_store *s, bv_bars *out, bv_err *err);

/* The newest bars, at most n <= the source's history, that start before hi and have ended by the clock:
** window (a reference) and numbers [*from, *to).  Not for a source with a cut. */
BV_MUST bv_rc bv_view_newest(bv_store *s, const bv_source *src, int64_t hi, int64_t n,
                             unsigned mask, bv_window **out, int64_t *from, int64_t *to,
                             bv_err *err);

/* The value of a spec n bars before bar i of w, which starts at ts and was visible when (w, i, ts)
** was taken.  Right also if the window has moved on since.  NaN before the first stored bar. */
BV_MUST bv_rc bv_view_value(bv_window *w, int64_t i, int64_t ts, const bv_spec *spec, int64_t n,
                            double *out, bv_err *err);

#endif
