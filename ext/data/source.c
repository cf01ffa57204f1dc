/* source.c - where the bars of a window come from; see source.h. */
#include "data/source.h"
#include "base/text.h"
#include "col/resample.h"
#include "data/blocks.h"
#include "data/fill.h"
#include "data/raw.h"
#include "time/instant.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bv_source bv_source_stored(const bv_series *series) {
  return (bv_source){
      .base = *series, .step = series->step, .zone = series->zone, .cut = BV_NO_CLOCK};
}

/* "HH:MM-HH:MM" into seconds of the day; 24:00 is allowed as an end, and 00:00-24:00 is no session. */
static bv_rc parse_session(const char *text, int32_t *lo, int32_t *hi, bv_err *err) {
  int h0, m0, h1, m1, used = -1;
  if (sscanf(text, "%2d:%2d-%2d:%2d%n", &h0, &m0, &h1, &m1, &used) != 4 || text[used] || h0 < 0 ||
      h0 > 23 || m0 < 0 || m0 > 59 || h1 < 0 || m1 < 0 || m1 > 59 || h1 * 60 + m1 > 1440) {
    return bv_fail(err, BV_ARG, "bars_agg(): session '%.40s' is not of the form 'HH:MM-HH:MM'",
                   text);
  }
  if (h0 * 60 + m0 == h1 * 60 + m1) {
    return bv_fail(err, BV_ARG, "bars_agg(): session '%.40s' ends where it begins", text);
  }
  *lo = (h0 * 60 + m0) * 60;
  *hi = (h1 * 60 + m1) * 60;
  if (*hi - *lo == 86400) *hi = *lo;
  return BV_OK;
}

static const char *const fill_name[] = {"none", "null", "prev", NULL};

const char *bv_fill_name(bv_fill fill) {
  return fill_name[fill];
}

static bv_rc parse_fill(const char *text, bv_fill *out, bv_err *err) {
  for (int i = 0; fill_name[i]; i++) {
    if (bv_text_ieq(text, fill_name[i])) {
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

/* What the arguments were resolved to before; the key is empty where they are too long for one. */
typedef struct resolved {
  int64_t generation;
  bv_source src;
} resolved;

static size_t arguments_key(const char *const arg[6], char key[192]) {
  size_t n = 0;
  for (int i = 0; i < 6; i++) {
    size_t len = arg[i] ? strlen(arg[i]) : 0;
    if (n + len + 2 > 192) return 0;
    if (len) memcpy(key + n, arg[i], len);
    n += len;
    key[n++] = arg[i] ? '\x1f' : '\x1e';
  }
  return n;
}

static const bv_source *find_resolved(const bv_store *s, const char *key, size_t n) {
  const resolved *r = n ? bv_map_find(&s->sources, key, n) : NULL;
  return r && r->generation == s->generation ? &r->src : NULL;
}

/* Which series suits may depend on how long it lasts: such a source is not kept. */
static bv_rc keep_resolved(bv_store *s, const char *key, size_t n, const bv_source *src) {
  if (n == 0 || !bv_timestep_divides(src->base.step, src->step)) return BV_OK;
  resolved *r = bv_map_find(&s->sources, key, n);
  if (!r) {
    r = bv_alloc(BV_MEM_BASE, sizeof *r);
    bv_rc rc = r ? bv_map_put(&s->sources, key, n, r) : BV_NOMEM;
    if (rc != BV_OK) {
      bv_free(r);
      return rc;
    }
  }
  *r = (resolved){s->generation, *src};
  return BV_OK;
}

void bv_source_forget(bv_store *s) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->sources, &at));) bv_free(e->value);
  bv_map_reset(&s->sources);
  bv_map_init(&s->sources);
}

/* Among an asset's series, finest first, the one to make `out` of; -1 where none suits. */
static bv_rc choose_base(bv_store *s, const bv_series *have, int n, const bv_source *out,
                         const bv_timestep *named, int *pick, bv_err *err) {
  *pick = -1;
  for (int i = 0; i < n && *pick < 0; i++) {
    bool fits;
    if (named && !bv_timestep_eq(have[i].step, *named)) continue;
    BV_TRY(suits(s, &have[i], out, &fits, err));
    if (fits) *pick = i;
  }
  return BV_OK;
}

static bv_rc resolve(bv_store *s, const char *asset, const char *step, const char *tz,
                     const char *session, const char *fill, const char *base, bv_source *out,
                     bv_err *err) {
  enum { MAX = 32 };
  bv_series have[MAX];
  bv_timestep named;
  int n, pick;
  *out = (bv_source){.agg = true, .cut = BV_NO_CLOCK};
  BV_TRY(bv_timestep_parse(step, strlen(step), &out->step, err));
  if (base) BV_TRY(bv_timestep_parse(base, strlen(base), &named, err));
  if (session && session[0])
    BV_TRY(parse_session(session, &out->session_lo, &out->session_hi, err));
  if (fill && fill[0]) BV_TRY(parse_fill(fill, &out->fill, err));
  if (tz && tz[0]) BV_TRY(bv_zone_find(tz, &out->zone, err));
  BV_TRY(bv_series_of(s, asset, out->step.of, have, MAX, &n, err));
  if (n == 0) return bv_series_missing(s, "bars_agg", asset, step, err);
  BV_TRY(choose_base(s, have, n, out, base ? &named : NULL, &pick, err));
  if (pick < 0 && base) {
    return bv_fail(
        err, BV_NOTFOUND,
        "bars_agg(): '%.40s' bars of '%.80s' cannot be made of '%.40s' bars, which are not "
        "stored or do not divide them",
        step, asset, base);
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

bv_rc bv_source_aggregate(bv_store *s, const char *asset, const char *step, const char *tz,
                          const char *session, const char *fill, const char *base, bv_source *out,
                          bv_err *err) {
  if (base && !base[0]) base = NULL;
  const char *const arg[6] = {asset, step, tz, session, fill, base};
  char key[192];
  size_t n = arguments_key(arg, key);
  const bv_source *known = find_resolved(s, key, n);
  if (known) {
    *out = *known;
    return BV_OK;
  }
  BV_TRY(resolve(s, asset, step, tz, session, fill, base, out, err));
  return keep_resolved(s, key, n, out);
}

bv_rc bv_source_of(bv_store *s, const char *asset, const char *step, bv_source *out, bv_err *err) {
  const bv_series *series;
  BV_TRY(bv_series_find(s, asset, step, &series, err));
  if (!series) return bv_source_aggregate(s, asset, step, NULL, NULL, NULL, NULL, out, err);
  *out = bv_source_stored(series);
  return BV_OK;
}

bool bv_source_eq(const bv_source *a, const bv_source *b) {
  return a->base.id == b->base.id && a->base.home == b->base.home && a->agg == b->agg &&
         bv_timestep_eq(a->step, b->step) && a->zone == b->zone && a->session_lo == b->session_lo &&
         a->session_hi == b->session_hi && a->fill == b->fill && a->cut == b->cut;
}

size_t bv_source_key(const bv_source *src, char key[BV_SOURCE_KEY]) {
  size_t n = 0;
#define ADD(field)                                                                                 \
  memcpy(key + n, &(field), sizeof(field));                                                        \
  n += sizeof(field)
  int64_t unit = src->step.unit, fill = src->fill, agg = src->agg;
  ADD(src->base.id);
  ADD(src->base.home);
  ADD(agg);
  ADD(src->step.n);
  ADD(unit);
  ADD(src->zone);
  ADD(src->session_lo);
  ADD(src->session_hi);
  ADD(fill);
  ADD(src->cut);
#undef ADD
  assert(n <= BV_SOURCE_KEY);
  return n;
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
  if (!src->agg) return mask & BV_STORED_MASK;
  mask = (mask & BV_RESAMPLE_OUT) | BV_COLBIT(BV_COL_KNOWN);
  if (src->fill != BV_FILL_NONE) mask |= BV_COLBIT(BV_COL_FILLED) | BV_COLBIT(BV_COL_CLOSE);
  return mask;
}

/* ---- aggregates ---- */

int64_t bv_source_bucket_after(const bv_source *src, int64_t t) {
  int64_t end, start = bv_bucket_start(src->step, src->zone, t, &end);
  return start == t ? t : end;
}

static int64_t clamp_instant(int64_t t) {
  return t < BV_INSTANT_MIN ? BV_INSTANT_MIN : t > BV_INSTANT_MAX ? BV_INSTANT_MAX : t;
}

/* The first bucket that is not settled by the cut: its end, or that of a base bar in it, lies after. */
static bv_rc unsettled_from(bv_store *s, const bv_source *whole, int64_t cut, int64_t *out,
                            bv_err *err) {
  bv_chunk last;
  bv_chunk_init(&last, BV_MEM_DECODE, BV_COLBIT(BV_COL_KNOWN));
  bv_rc rc;
  *out = bv_source_bucket_after(whole, clamp_instant(bv_source_limit(whole, cut)));
  for (;;) {
    bv_chunk_clear(&last);
    rc = bv_blocks_read(s, whole, INT64_MIN, *out, 1, true, &last, err);
    if (rc != BV_OK || last.n == 0 || last.col[BV_COL_KNOWN][0] <= (double)cut) break;
    *out = last.ts[0];
  }
  bv_chunk_reset(&last);
  return rc;
}

/* Buckets of [lo, hi) from the base bars that have ended by the cut. */
static bv_rc read_cut(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, bv_chunk *out,
                      bv_err *err) {
  bv_source stored = bv_source_stored(&src->base);
  int64_t end = bv_source_limit(&stored, src->cut);
  bv_chunk base;
  bv_resample r;
  if (end > hi) end = hi;
  bv_resample_init(&r, src->step, src->zone, src->session_lo, src->session_hi);
  bv_resample_base(&r, src->base.step, src->base.zone);
  bv_chunk_init(&base, BV_MEM_DECODE, bv_resample_needs(out->mask));
  bv_rc rc = bv_raw_read(s, &src->base, lo, end, INT64_MAX, false, &base, err);
  bv_bars view = bv_chunk_view(&base);
  if (rc == BV_OK) rc = bv_resample_feed(&r, &view, out);
  if (rc == BV_OK) rc = bv_resample_flush(&r, out);
  bv_chunk_reset(&base);
  return rc;
}

/* Whole buckets as far as the cut settles them, and after them what there is of the others. */
static bv_rc read_partial(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                          bool desc, bv_chunk *out, bv_err *err) {
  bv_source whole = *src;
  int64_t from, want = max > INT64_MAX - out->n ? INT64_MAX : out->n + max;
  bv_chunk tail;
  whole.cut = BV_NO_CLOCK;
  lo = bv_source_bucket_after(src, lo);
  hi = bv_source_bucket_after(src, hi);
  BV_TRY(unsettled_from(s, &whole, src->cut, &from, err));
  bv_chunk_init(&tail, BV_MEM_DECODE, out->mask);
  bv_rc rc = BV_OK;
  if (from < lo) from = lo;
  if (from < hi) rc = read_cut(s, src, from, hi, &tail, err);
  int64_t settled = from < hi ? from : hi;
  int64_t rest = desc ? max - (tail.n < max ? tail.n : max) : max;
  if (rc == BV_OK) rc = bv_blocks_read(s, &whole, lo, settled, rest, desc, out, err);
  bv_bars view = bv_chunk_view(&tail);
  if (desc) view = bv_bars_range(&view, tail.n > max ? tail.n - max : 0, tail.n);
  if (view.n > want - out->n) view.n = want - out->n;
  if (rc == BV_OK) rc = bv_chunk_append(out, &view);
  bv_chunk_reset(&tail);
  return rc;
}

bv_rc bv_source_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                     bool desc, bv_chunk *out, bv_err *err) {
  if (!src->agg) return bv_raw_read(s, &src->base, lo, hi, max, desc, out, err);
  lo = clamp_instant(lo);
  hi = clamp_instant(hi);
  if (lo >= hi || max <= 0) return BV_OK;
  if (src->fill != BV_FILL_NONE) return bv_fill_read(s, src, lo, hi, max, desc, out, err);
  if (src->cut != BV_NO_CLOCK) return read_partial(s, src, lo, hi, max, desc, out, err);
  return bv_blocks_read(s, src, lo, hi, max, desc, out, err);
}
