/* fill.c - rows for empty buckets of an aggregate; see fill.h. */
#include "data/fill.h"
#include "col/resample.h"

#include <math.h>

typedef struct filler {
  const bv_source *src;
  int64_t lo;
  bv_chunk *out;
  int64_t want; /* bars in out at the most */
} filler;

static bv_rc add_empty(filler *f, int64_t ts, int64_t end, double close) {
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = NAN;
  if (f->src->fill == BV_FILL_PREV) {
    v[BV_COL_OPEN] = v[BV_COL_HIGH] = v[BV_COL_LOW] = v[BV_COL_CLOSE] = close;
    v[BV_COL_VOLUME] = 0;
  }
  v[BV_COL_COUNT] = 0;
  v[BV_COL_FILLED] = 1;
  v[BV_COL_KNOWN] = (double)end;
  return bv_chunk_add(f->out, ts, v);
}

/* Buckets after the one at `from`, before the one at `to`. */
static bv_rc add_between(filler *f, int64_t from, double close, int64_t to) {
  int64_t at, end;
  bv_bucket_start(f->src->step, f->src->zone, from, &at);
  if (at < f->lo) {
    at = bv_bucket_start(f->src->step, f->src->zone, f->lo, &end);
    if (at < f->lo) at = end;
  }
  while (at < to && f->out->n < f->want) {
    bv_bucket_start(f->src->step, f->src->zone, at, &end);
    bool inside = bv_resample_in_session(f->src->zone, f->src->session_lo, f->src->session_hi, at);
    if (inside) BV_TRY(add_empty(f, at, end, close));
    at = end;
  }
  return BV_OK;
}

static bv_rc add_real(filler *f, const bv_bars *b, int64_t i) {
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = b->col[c] ? b->col[c][i] : NAN;
  return bv_chunk_add(f->out, b->ts[i], v);
}

static bv_rc weave(filler *f, const bv_bars *before, const bv_bars *real) {
  bool any = before->n > 0;
  int64_t ts = any ? before->ts[0] : 0;
  double close = any ? before->col[BV_COL_CLOSE][0] : NAN; /* both are read with the close */
  for (int64_t i = 0; i < real->n && f->out->n < f->want; i++) {
    if (any) BV_TRY(add_between(f, ts, close, real->ts[i]));
    if (f->out->n == f->want) break;
    BV_TRY(add_real(f, real, i));
    any = true;
    ts = real->ts[i];
    close = real->col[BV_COL_CLOSE][i];
  }
  return BV_OK;
}

bv_rc bv_fill_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                   bool desc, bv_chunk *out, bv_err *err) {
  bv_source plain = *src;
  bv_chunk before, real;
  plain.fill = BV_FILL_NONE;
  bv_chunk_init(&before, BV_MEM_DECODE, out->mask);
  bv_chunk_init(&real, BV_MEM_DECODE, out->mask);
  bv_rc rc = bv_source_read(s, &plain, lo, hi, max, desc, &real, err);
  int64_t front = real.n > 0 ? real.ts[0] : hi;
  if (rc == BV_OK) rc = bv_source_read(s, &plain, INT64_MIN, front, 1, true, &before, err);
  if (rc == BV_OK) {
    filler f = {src, lo, out, desc ? INT64_MAX : out->n + max};
    if (desc && before.n > 0 && real.n == max) before.n = 0; /* enough without the gap before */
    bv_bars b = bv_chunk_view(&before), r = bv_chunk_view(&real);
    rc = weave(&f, &b, &r);
    if (desc) bv_chunk_keep_last(out, max);
  }
  bv_chunk_reset(&before);
  bv_chunk_reset(&real);
  return rc;
}
