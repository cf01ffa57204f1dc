/*
** aside.c - what a chain reads besides its bars; see chain.h.
**
** A feed of another asset walks that series beside the chain's bars: it holds a piece of it with the
** values of its own chain, and the value of the last bar that had ended.
*/
#include "data/aside.h"

#include <math.h>
#include <string.h>

#define PIECE 1024 /* small: every column that looks aside holds one */

struct bv_aside {
  bv_chain chain;
  char of[BV_ASSET_MAX + 1]; /* "": the chain's own bars */
  unsigned mask;             /* of the other series */
  bool started, ended;
  bv_source src;
  bv_chunk bars;
  double *value; /* PIECE; of the bars held */
  int64_t i, at; /* the first bar held that has not ended; where to read on */
  double last;
};

void bv_aside_free(bv_aside *f) {
  if (!f) return;
  bv_chain_done(&f->chain);
  bv_chunk_reset(&f->bars);
  bv_free(f->value);
  bv_free(f);
}

bv_rc bv_aside_new(const bv_aside_spec *spec, bool agg, bv_aside **out) {
  const bv_spec inner = {.op = spec->op};
  bv_aside *f = bv_alloc0(BV_MEM_DERIVED, sizeof *f);
  *out = NULL;
  if (!f) return BV_NOMEM;
  memcpy(f->of, spec->of, sizeof f->of);
  bv_rc rc = bv_chain_init(&f->chain, &inner, agg, NULL);
  if (rc == BV_OK && f->of[0]) {
    f->mask = f->chain.mask | (agg ? BV_COLBIT(BV_COL_KNOWN) : 0);
    f->value = bv_alloc(BV_MEM_DERIVED, PIECE * sizeof *f->value);
    if (!f->value) rc = BV_NOMEM;
  }
  if (rc != BV_OK) {
    bv_aside_free(f);
    return rc;
  }
  bv_aside_reset(f);
  *out = f;
  return BV_OK;
}

void bv_aside_reset(bv_aside *f) {
  bv_chain_reset(&f->chain);
  f->started = f->ended = false;
  f->i = 0;
  f->last = NAN;
  bv_chunk_clear(&f->bars);
}

unsigned bv_aside_mask(const bv_aside *f) {
  if (!f->of[0]) return f->chain.mask;
  return f->mask & BV_COLBIT(BV_COL_KNOWN); /* of the chain's bars: when they end */
}

bool bv_aside_recursive(const bv_aside *f) {
  return !f->of[0] && f->chain.recursive;
}

const bv_operand *bv_aside_own(const bv_aside *f) {
  return f->of[0] ? NULL : &f->chain.op;
}

/* ---- another series ---- */

/* The series of the asset, in bars like those of src. */
static bv_rc open_source(bv_aside *f, bv_store *s, const bv_source *src, bv_err *err) {
  char step[32], who[BV_ASSET_MAX + 16] = "of ";
  bv_timestep_format(src->step, step);
  strcat(who, f->of);
  if (src->agg) {
    BV_TRY(bv_source_aggregate(s, f->of, step, bv_zone_name(src->zone), NULL, NULL, NULL, &f->src,
                               err));
    f->src.session_lo = src->session_lo;
    f->src.session_hi = src->session_hi;
    return BV_OK;
  }
  const bv_series *series;
  BV_TRY(bv_series_find(s, f->of, step, &series, err));
  if (!series) return bv_series_missing(s, who, f->of, step, err);
  f->src = bv_source_stored(series);
  return BV_OK;
}

/* When bar i of src ends; a partial bucket is cut at src->cut. */
static int64_t end_of(const bv_source *src, const bv_bars *b, int64_t i) {
  const double *known = src->agg ? b->col[BV_COL_KNOWN] : NULL;
  const int64_t end = known ? (int64_t)known[i] : bv_source_known_at(src, b->ts[i]);
  return src->cut != BV_NO_CLOCK && src->cut < end ? src->cut : end;
}

/* Read the next piece and its values. */
static bv_rc read_on(bv_aside *f, bv_store *s, bv_err *err) {
  bv_chunk_clear(&f->bars);
  f->i = 0;
  BV_TRY(bv_source_read(s, &f->src, f->at, INT64_MAX, PIECE, false, &f->bars, err));
  f->ended = f->bars.n < PIECE;
  if (f->bars.n == 0) return BV_OK;
  f->at = f->bars.ts[f->bars.n - 1] + 1;
  const bv_bars v = bv_chunk_view(&f->bars);
  return bv_chain_run(&f->chain, s, &f->src, &v, f->value, err);
}

/* Begin at the last bar that had ended by `end`, with the chain warmed up to it. */
static bv_rc start(bv_aside *f, bv_store *s, const bv_source *src, int64_t end, bv_err *err) {
  BV_TRY(open_source(f, s, src, err));
  const unsigned mask = f->src.agg ? BV_COLBIT(BV_COL_KNOWN) : BV_COLBIT(BV_COL_CLOSE);
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, bv_source_mask(&f->src, mask));
  bv_chunk_reset(&f->bars);
  bv_chunk_init(&f->bars, BV_MEM_DERIVED, bv_source_mask(&f->src, f->mask));
  /* An aggregated bar may end after its bucket does, so two of them are looked at. */
  bv_rc rc = bv_source_read(s, &f->src, INT64_MIN, bv_source_limit(&f->src, end), 2, true, &c, err);
  f->at = c.n > 0 ? c.ts[0] : INT64_MIN;
  bv_chunk_reset(&c);
  BV_TRY(rc);
  bv_chain_reset(&f->chain);
  if (f->at != INT64_MIN) BV_TRY(bv_chain_warm(&f->chain, s, &f->src, f->at, err));
  f->started = true;
  return read_on(f, s, err);
}

/* Take over the values of all bars that have ended by `end`. */
static bv_rc advance(bv_aside *f, bv_store *s, int64_t end, bv_err *err) {
  const int64_t limit = bv_source_limit(&f->src, end);
  for (;;) {
    const double *known = f->src.agg ? f->bars.col[BV_COL_KNOWN] : NULL;
    for (; f->i < f->bars.n; f->i++) {
      if (f->bars.ts[f->i] >= limit || (known && known[f->i] > (double)end)) return BV_OK;
      f->last = f->value[f->i];
    }
    if (f->ended) return BV_OK;
    BV_TRY(read_on(f, s, err));
  }
}

bv_rc bv_aside_run(bv_aside *f, bv_store *s, const bv_source *src, const bv_bars *b, double *out,
                   bv_err *err) {
  if (!f->of[0]) return bv_chain_run(&f->chain, s, src, b, out, err);
  for (int64_t i = 0; i < b->n; i++) {
    const int64_t end = end_of(src, b, i);
    if (!f->started) BV_TRY(start(f, s, src, end, err));
    BV_TRY(advance(f, s, end, err));
    out[i] = f->last;
  }
  return BV_OK;
}
