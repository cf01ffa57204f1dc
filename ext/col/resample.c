/* resample.c - bars of a longer timestep from bars of a shorter one; see resample.h. */
#include "col/resample.h"

#include <math.h>

void bv_resample_init(bv_resample *r, bv_timestep step, const bv_zone *zone, int32_t session_lo,
                      int32_t session_hi) {
  *r =
      (bv_resample){.step = step, .zone = zone, .session_lo = session_lo, .session_hi = session_hi};
}

bool bv_resample_in_session(const bv_zone *zone, int32_t lo, int32_t hi, int64_t ts) {
  if (lo == hi) return true;
  int64_t local = bv_zone_to_local(zone, ts);
  int64_t s = ((local % 86400) + 86400) % 86400;
  return lo < hi ? s >= lo && s < hi : s >= lo || s < hi;
}

void bv_resample_base(bv_resample *r, bv_timestep step, const bv_zone *zone) {
  r->base_step = step;
  r->base_zone = zone;
}

static int64_t known_at(const bv_resample *r) {
  if (r->base_step.n == 0) return r->end;
  int64_t last = bv_timestep_end(r->base_step, r->base_zone, r->last);
  return last > r->end ? last : r->end;
}

static void begin(bv_resample *r, int64_t ts) {
  r->start = bv_bucket_start(r->step, r->zone, ts, &r->end);
  r->volume = r->trades = NAN;
  r->value = 0;
}

static double add(double sum, double x) {
  return isnan(x) ? sum : isnan(sum) ? x : sum + x;
}

static double at(const bv_bars *b, bv_column c, int64_t i) {
  return b->col[c] ? b->col[c][i] : NAN;
}

bv_rc bv_resample_flush(bv_resample *r, bv_chunk *out) {
  if (!r->count) return BV_OK;
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = NAN;
  v[BV_COL_OPEN] = r->open;
  v[BV_COL_HIGH] = r->high;
  v[BV_COL_LOW] = r->low;
  v[BV_COL_CLOSE] = r->close;
  v[BV_COL_VOLUME] = r->volume;
  v[BV_COL_TRADES] = r->trades;
  v[BV_COL_VWAP] = r->volume > 0 ? r->value / r->volume : NAN;
  v[BV_COL_COUNT] = (double)r->count;
  v[BV_COL_FILLED] = 0;
  v[BV_COL_KNOWN] = (double)known_at(r);
  r->count = 0;
  return bv_chunk_add(out, r->start, v);
}

bv_rc bv_resample_feed(bv_resample *r, const bv_bars *in, bv_chunk *out) {
  const double *o = in->col[BV_COL_OPEN], *h = in->col[BV_COL_HIGH];
  const double *l = in->col[BV_COL_LOW], *c = in->col[BV_COL_CLOSE];
  for (int64_t i = 0; i < in->n; i++) {
    int64_t ts = in->ts[i];
    if (!bv_resample_in_session(r->zone, r->session_lo, r->session_hi, ts)) continue;
    if (r->count && ts >= r->end) BV_TRY(bv_resample_flush(r, out));
    if (!r->count) {
      begin(r, ts);
      r->open = o[i];
      r->high = h[i];
      r->low = l[i];
    }
    if (h[i] > r->high) r->high = h[i];
    if (l[i] < r->low) r->low = l[i];
    r->close = c[i];
    r->last = ts;
    double volume = at(in, BV_COL_VOLUME, i);
    r->volume = add(r->volume, volume);
    r->trades = add(r->trades, at(in, BV_COL_TRADES, i));
    if (volume > 0) r->value += at(in, BV_COL_VWAP, i) * volume; /* a missing vwap makes it NaN */
    r->count++;
  }
  return BV_OK;
}
