/*
** benchmark.c - the price of a run's benchmark; see benchmark.h.
**
** The closes are walked once, in step with the curve.  They come through the clamped reader like
** everything a strategy reads, and a bar counts from its end on, so a point never sees a close that
** was not known at its instant.
*/
#include "run/benchmark.h"

#include <math.h>

bv_rc bv_benchmark_find(bv_store *s, const char *asset, const char *timestep, bv_series *out,
                        bv_err *err) {
  const bv_series *found = NULL;
  int n = 0;
  if (timestep[0]) {
    BV_TRY(bv_series_find(s, asset, timestep, &found, err));
    if (found) *out = *found;
  } else {
    BV_TRY(bv_series_of(s, asset, BV_OF_TRADES, out, 1, &n, err));
  }
  if (found || n > 0) return BV_OK;
  return bv_series_missing(s, "config: benchmark", asset, timestep, err);
}

static bv_rc open_stream(bv_store *s, const bv_series *series, int64_t lo, int64_t hi, bool desc,
                         int64_t piece, bv_stream *st, bv_err *err) {
  const bv_source src = bv_source_stored(series);
  return bv_stream_open(st, s, &src, lo, hi, desc, piece, BV_COLBIT(BV_COL_CLOSE), err);
}

/* The close known at instant t, and where the bars that may be known later begin. */
static bv_rc known_at(bv_store *s, const bv_series *series, int64_t t, double *close, int64_t *lo,
                      bv_err *err) {
  enum { BACK = 64 }; /* bars are read this many at a time; the first is nearly always the one */
  bv_stream st;
  *close = NAN;
  *lo = INT64_MIN;
  bv_rc rc = open_stream(s, series, INT64_MIN, t, true, BACK, &st, err);
  while (rc == BV_OK && !st.eof) {
    if (bv_stream_known_at(&st) <= t) {
      double v;
      rc = bv_stream_value(&st, BV_COL_CLOSE, &v, err);
      if (rc != BV_OK) break;
      if (*lo == INT64_MIN) *lo = bv_stream_ts(&st) + 1;
      *close = v;
      if (!isnan(v)) break;
    }
    if (!bv_stream_step(&st, -1)) rc = bv_stream_next(&st, err);
  }
  bv_stream_close(&st);
  return rc;
}

bv_rc bv_benchmark_open(bv_benchmark *b, bv_store *s, const bv_series *series, int64_t from,
                        int64_t to, double *start, bv_err *err) {
  int64_t lo;
  BV_TRY(known_at(s, series, from, start, &lo, err));
  b->close = *start;
  bv_rc rc = open_stream(s, series, lo, to, false, BV_STREAM_PIECE, &b->stream, err);
  if (rc != BV_OK) bv_stream_close(&b->stream);
  return rc;
}

bv_rc bv_benchmark_walk(bv_benchmark *b, const int64_t *ts, int64_t n, double *out, bv_err *err) {
  bv_stream *st = &b->stream;
  for (int64_t i = 0; i < n; i++) {
    while (!st->eof && bv_stream_known_at(st) <= ts[i]) {
      double v;
      BV_TRY(bv_stream_value(st, BV_COL_CLOSE, &v, err));
      if (!isnan(v)) b->close = v;
      if (!bv_stream_step(st, 1)) BV_TRY(bv_stream_next(st, err));
    }
    out[i] = b->close;
  }
  return BV_OK;
}

void bv_benchmark_close(bv_benchmark *b) {
  bv_stream_close(&b->stream);
}
