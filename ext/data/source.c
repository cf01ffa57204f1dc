/* source.c - where the bars of a window come from; see source.h. */
#include "data/source.h"
#include "base/text.h"
#include "col/resample.h"
#include "data/fill.h"
#include "data/raw.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bv_source bv_source_stored(const bv_series *series) {
  return (bv_source){
      .base = *series, .step = series->step, .zone = series->zone, .cut = BV_NO_CLOCK};
}

/* "HH:MM-HH:MM" into seconds of the day; 24:00 is allowed as an end. */
static bv_rc parse_session(const char *text, int32_t *lo, int32_t *hi, bv_err *err) {
  int h0, m0, h1, m1, used = -1;
  if (sscanf(text, "%2d:%2d-%2d:%2d%n", &h0, &m0, &h1, &m1, &used) != 4 || text[used] || h0 < 0 ||
      h0 > 23 || m0 < 0 || m0 > 59 || h1 < 0 || m1 < 0 || m1 > 59 || h1 * 60 + m1 > 1440 ||
      h0 * 60 + m0 == (h1 * 60 + m1) % 1440) {
    return bv_fail(err, BV_ARG, "bars_agg(): session '%.40s' is not of the form 'HH:MM-HH:MM'",
                   text);
  }
  *lo = (h0 * 60 + m0) * 60;
  *hi = (h1 * 60 + m1) * 60;
  return BV_OK;
}

static bv_rc parse_fill(const char *text, bv_fill *out, bv_err *err) {
  static const char *const name[] = {"none", "null", "prev", NULL};
  for (int i = 0; name[i]; i++) {
    if (bv_text_ieq(text, name[i])) {
      *out = (bv_fill)i;
      return BV_OK;
    }
  }
  return bv_fail(err, BV_ARG, "bars_agg(): fill '%.40s' is none of none, null, prev", text);
}

/* Whether the zone keeps whole multiples of dur_s from UTC while the series lasts, so that its days begin
** where bars begin.  January and July tell, for rules that change with the seasons. */
static bool whole_offsets(const bv_zone *zone, int64_t dur_s, int64_t first, int64_t last) {
  const int64_t half_year = 15778476;
  for (int64_t t = first; t <= last + half_year; t += half_year) {
    if (bv_zone_offset(zone, t) % dur_s != 0) return false;
  }
  return true;
}

/* Bars that divide the step, whatever the zone; or bars that divide a day, where the zone's days begin
** with them (hours, in most zones). */
static bv_rc suits(bv_store *s, const bv_series *have, const bv_source *want, bool *out,
                   bv_err *err) {
  *out = bv_timestep_divides(have->step, want->step);
  int64_t dur = bv_timestep_dur_s(have->step), first, last, n;
  if (*out || dur == 0 || bv_timestep_dur_s(want->step) != 0 || 86400 % dur != 0) return BV_OK;
  BV_TRY(bv_series_span(s, have, &first, &last, &n, err));
  *out = n > 0 && whole_offsets(want->zone ? want->zone : have->zone, dur, first, last);
  return BV_OK;
}

bv_rc bv_source_aggregate(bv_store *s, const char *asset, const char *step, const char *tz,
                          const char *session, const char *fill, bv_source *out, bv_err *err) {
  enum { MAX = 32 };
  bv_series have[MAX];
  int n, pick = -1;
  *out = (bv_source){.agg = true, .cut = BV_NO_CLOCK};
  BV_TRY(bv_timestep_parse(step, strlen(step), &out->step, err));
  if (session && session[0])
    BV_TRY(parse_session(session, &out->session_lo, &out->session_hi, err));
  if (fill && fill[0]) BV_TRY(parse_fill(fill, &out->fill, err));
  if (tz && tz[0]) BV_TRY(bv_zone_find(tz, &out->zone, err));
  BV_TRY(bv_series_of(s, asset, have, MAX, &n, err));
  if (n == 0) return bv_series_missing(s, "bars_agg", asset, step, err);
  for (int i = 0; i < n && pick < 0; i++) {
    bool fits;
    BV_TRY(suits(s, &have[i], out, &fits, err));
    if (fits) pick = i;
  }
  if (pick < 0) {
    return bv_fail(err, BV_NOTFOUND,
                   "bars_agg(): '%.40s' bars of '%.80s' cannot be made: the finest "
                   "stored timestep is '%s', which does not divide it",
                   step, asset, have[0].step_text);
  }
  out->base = have[pick];
  if (!out->zone) out->zone = out->base.zone;
  return BV_OK;
}

bool bv_source_eq(const bv_source *a, const bv_source *b) {
  return a->base.id == b->base.id && a->base.home == b->base.home && a->agg == b->agg &&
         bv_timestep_eq(a->step, b->step) && a->zone == b->zone && a->session_lo == b->session_lo &&
         a->session_hi == b->session_hi && a->fill == b->fill && a->cut == b->cut;
}

int64_t bv_source_known_at(const bv_source *src, int64_t ts) {
  return bv_timestep_end(src->step, src->zone, ts);
}

int64_t bv_source_limit(const bv_source *src, int64_t clock) {
  if (clock == BV_NO_CLOCK) return INT64_MAX;
  int64_t dur = bv_timestep_dur_s(src->step);
  if (dur) return clock - dur + 1;
  /* Ends rise with starts, so the first start that has not ended is found by halving. */
  int64_t min_s, max_s;
  bv_timestep_bounds_s(src->step, &min_s, &max_s);
  int64_t lo = clock - max_s, hi = clock - min_s + 1;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (bv_source_known_at(src, mid) <= clock) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

unsigned bv_source_mask(const bv_source *src, unsigned mask) {
  return src->agg ? BV_RESAMPLE_OUT : mask & (BV_COLBIT(BV_COL_OI + 1) - 1u);
}

/* ---- aggregates ---- */

typedef struct agg_read {
  bv_store *s;
  const bv_source *src;
  bv_resample r;
  bv_chunk base;
  bv_err *err;
} agg_read;

static void agg_open(agg_read *a, bv_store *s, const bv_source *src, bv_err *err) {
  *a = (agg_read){.s = s, .src = src, .err = err};
  bv_resample_init(&a->r, src->step, src->zone, src->session_lo, src->session_hi);
  bv_resample_base(&a->r, src->base.step, src->base.zone);
  bv_chunk_init(&a->base, BV_MEM_DECODE, BV_RESAMPLE_MASK);
}

/* How many base bars make one bucket at the most, for sizing reads. */
static int64_t agg_ratio(const bv_source *src) {
  int64_t r = bv_timestep_nominal_s(src->step) / bv_timestep_nominal_s(src->base.step);
  return r < 1 ? 1 : r > 100000 ? 100000 : r;
}

static int64_t base_limit(const bv_source *src, int64_t hi) {
  if (src->cut == BV_NO_CLOCK) return hi;
  bv_source stored = bv_source_stored(&src->base);
  int64_t limit = bv_source_limit(&stored, src->cut);
  return limit < hi ? limit : hi;
}

/* First bucket that starts at or after lo. */
static int64_t first_bucket(const bv_source *src, int64_t lo) {
  int64_t end, start = bv_bucket_start(src->step, src->zone, lo, &end);
  return start == lo ? lo : end;
}

/* End of the last bucket that starts before hi. */
static int64_t last_bucket_end(const bv_source *src, int64_t hi) {
  int64_t end;
  bv_bucket_start(src->step, src->zone, hi - 1, &end);
  return end;
}

static int64_t clamp_instant(int64_t t) {
  return t < BV_INSTANT_MIN ? BV_INSTANT_MIN : t > BV_INSTANT_MAX ? BV_INSTANT_MAX : t;
}

/* The oldest `max` buckets in [lo, hi): base bars are read forward until enough buckets are closed.
 */
static bv_rc agg_forward(agg_read *a, int64_t lo, int64_t hi, int64_t max, bv_chunk *out) {
  const bv_source *src = a->src;
  int64_t at = first_bucket(src, lo), end = base_limit(src, last_bucket_end(src, hi));
  int64_t want = out->n + max, piece = agg_ratio(src) * (max + 1);
  piece = piece < 256 ? 256 : piece > 8192 ? 8192 : piece;
  while (out->n < want) {
    bv_chunk_clear(&a->base);
    BV_TRY(bv_raw_read(a->s, &src->base, at, end, piece, false, &a->base, a->err));
    bv_bars view = bv_chunk_view(&a->base);
    BV_TRY(bv_resample_feed(&a->r, &view, out));
    if (view.n < piece) {
      BV_TRY(bv_resample_flush(&a->r, out));
      break;
    }
    at = view.ts[view.n - 1] + 1;
  }
  if (out->n > want) out->n = want;
  return BV_OK;
}

/* The newest `max` buckets in [lo, hi): a guessed number of base bars is read backwards; the oldest
** bucket of that may lack its beginning, so it is left out unless the series begins there. */
static bv_rc agg_backward(agg_read *a, int64_t lo, int64_t hi, int64_t max, bv_chunk *out) {
  const bv_source *src = a->src;
  int64_t start = first_bucket(src, lo), end = base_limit(src, last_bucket_end(src, hi));
  int64_t piece = agg_ratio(src) < 4096 ? agg_ratio(src) * (max + 1) + 64 : 8192;
  for (;; piece *= 4) {
    bv_chunk_clear(&a->base);
    BV_TRY(bv_raw_read(a->s, &src->base, start, end, piece, true, &a->base, a->err));
    bv_bars view = bv_chunk_view(&a->base);
    bool whole = view.n < piece;
    bv_chunk_clear(out);
    bv_resample_init(&a->r, src->step, src->zone, src->session_lo, src->session_hi);
    bv_resample_base(&a->r, src->base.step, src->base.zone);
    BV_TRY(bv_resample_feed(&a->r, &view, out));
    BV_TRY(bv_resample_flush(&a->r, out));
    int64_t keep = whole || out->n == 0 ? out->n : out->n - 1;
    if (!whole && keep < max) continue;
    bv_chunk_keep_last(out, keep < max ? keep : max);
    return BV_OK;
  }
}

bv_rc bv_source_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                     bool desc, bv_chunk *out, bv_err *err) {
  if (!src->agg) return bv_raw_read(s, &src->base, lo, hi, max, desc, out, err);
  lo = clamp_instant(lo);
  hi = clamp_instant(hi);
  if (lo >= hi || max <= 0) return BV_OK;
  if (src->fill != BV_FILL_NONE) return bv_fill_read(s, src, lo, hi, max, desc, out, err);
  agg_read a;
  agg_open(&a, s, src, err);
  assert(out->mask == BV_RESAMPLE_OUT);
  bv_rc rc = desc ? agg_backward(&a, lo, hi, max, out) : agg_forward(&a, lo, hi, max, out);
  bv_chunk_reset(&a.base);
  return rc;
}
