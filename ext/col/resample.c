/* resample.c - bars of a longer timestep from bars of a shorter one; see resample.h. */
#include "col/resample.h"

#include <math.h>

void bv_resample_init(bv_resample *r, bv_timestep step, const bv_zone *zone, int32_t session_lo,
                      int32_t session_hi) {
  *r = (bv_resample){.step = step,
                     .zone = zone,
                     .session_lo = session_lo,
                     .session_hi = session_hi,
                     .dur = bv_timestep_dur_s(step)};
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
  r->base_dur = bv_timestep_dur_s(step);
}

/* Bars that were buckets themselves say when they are known. */
static int64_t known_at(const bv_resample *r) {
  if (r->base_step.n == 0) return r->known > (double)r->end ? (int64_t)r->known : r->end;
  int64_t last = r->base_dur > 0 ? r->last + r->base_dur
                                 : bv_timestep_end(r->base_step, r->base_zone, r->last);
  return last > r->end ? last : r->end;
}

/* Even buckets that follow one another need no division. */
static void begin(bv_resample *r, int64_t ts) {
  if (r->dur > 0 && r->end > r->start && ts >= r->end && ts - r->end < r->dur) {
    r->start = r->end;
    r->end += r->dur;
  } else {
    r->start = bv_bucket_start(r->step, r->zone, ts, &r->end);
  }
}

static void put(bv_chunk *out, bv_column c, double v) {
  if (out->col[c]) out->col[c][out->n] = v;
}

bv_rc bv_resample_flush(bv_resample *r, bv_chunk *out) {
  if (!r->count) return BV_OK;
  if (out->n == out->cap) BV_TRY(bv_chunk_reserve(out, out->n + 1));
  out->ts[out->n] = r->start;
  put(out, BV_COL_OPEN, r->open);
  put(out, BV_COL_HIGH, r->high);
  put(out, BV_COL_LOW, r->low);
  put(out, BV_COL_CLOSE, r->close);
  put(out, BV_COL_VOLUME, r->volume);
  put(out, BV_COL_TRADES, r->trades);
  put(out, BV_COL_VWAP, r->volume > 0 ? r->value / r->volume : NAN);
  put(out, BV_COL_COUNT, r->bars);
  put(out, BV_COL_FILLED, 0);
  put(out, BV_COL_KNOWN, (double)known_at(r));
  out->n++;
  r->count = 0;
  return BV_OK;
}

/* The sum of what is there; NaN where nothing is. */
static double add(double sum, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (!isnan(x[i])) sum = isnan(sum) ? x[i] : sum + x[i];
  }
  return sum;
}

/* A missing vwap of a bar that has volume makes the bucket's vwap missing. */
static double add_value(double sum, const double *vwap, const double *volume, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (volume[i] > 0) sum += vwap[i] * volume[i];
  }
  return sum;
}

static double sum(double s, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) s += x[i];
  return s;
}

static double largest(double best, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

static double smallest(double best, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) best = x[i] < best ? x[i] : best;
  return best;
}

/* Bars [i, j) belong to the open bucket; the first of a bucket begins it. */
static void take(bv_resample *r, const bv_bars *in, int64_t i, int64_t j) {
  const double *o = in->col[BV_COL_OPEN], *h = in->col[BV_COL_HIGH], *l = in->col[BV_COL_LOW],
               *c = in->col[BV_COL_CLOSE], *v = in->col[BV_COL_VOLUME];
  const double *trades = in->col[BV_COL_TRADES], *vwap = in->col[BV_COL_VWAP];
  int64_t n = j - i;
  if (!r->count) {
    r->open = o ? o[i] : NAN;
    r->high = h ? h[i] : NAN;
    r->low = l ? l[i] : NAN;
    r->close = r->volume = r->trades = NAN;
    r->value = v && vwap ? 0 : NAN;
    r->bars = r->known = 0;
  }
  if (h) r->high = largest(r->high, h + i, n);
  if (l) r->low = smallest(r->low, l + i, n);
  if (c) r->close = c[j - 1];
  if (v) r->volume = add(r->volume, v + i, n);
  if (trades) r->trades = add(r->trades, trades + i, n);
  if (v && vwap) r->value = add_value(r->value, vwap + i, v + i, n);
  r->last = in->ts[j - 1];
  r->count += n;
  r->bars =
      in->col[BV_COL_COUNT] ? sum(r->bars, in->col[BV_COL_COUNT] + i, n) : r->bars + (double)n;
  if (in->col[BV_COL_KNOWN]) r->known = largest(r->known, in->col[BV_COL_KNOWN] + i, n);
}

bv_rc bv_resample_feed(bv_resample *r, const bv_bars *in, bv_chunk *out) {
  bool session = r->session_lo != r->session_hi;
  for (int64_t i = 0, j; i < in->n; i = j) {
    j = i + 1;
    if (session && !bv_resample_in_session(r->zone, r->session_lo, r->session_hi, in->ts[i])) {
      continue;
    }
    if (r->count && in->ts[i] >= r->end) BV_TRY(bv_resample_flush(r, out));
    if (!r->count) begin(r, in->ts[i]);
    while (!session && j < in->n && in->ts[j] < r->end) j++;
    take(r, in, i, j);
  }
  return BV_OK;
}

unsigned bv_resample_needs(unsigned out) {
  unsigned in = out & BV_RESAMPLE_MASK;
  return out & BV_COLBIT(BV_COL_VWAP) ? in | BV_COLBIT(BV_COL_VOLUME) : in;
}
