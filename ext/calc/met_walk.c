/*
** met_walk.c - the walk over an equity curve, in pieces.
**
** Everything that needs each point is found here, once: the last value of each local day (met_series.h's
** periods are made of these), the episodes below the peak, and how often a position was open.  A point
** that is not finite is passed over.
**
** Points of one day lie together, so a day is found by its end and not point by point.  Without a position the value
** stays, so points that repeat the one before are told by their number.  From V_0 and from
** the first point on the episodes are the same ones unless the first point lies below V_0; then they are
** followed twice.
*/
#include "calc/met.h"

#include "base/bits.h"
#include "time/instant.h"

#include <assert.h>
#include <string.h>

#define DAY_S 86400

bool met_is_weekend(int64_t day) {
  const int64_t monday_based = bv_floor_mod(day + 3, 7); /* 1970-01-01 was a Thursday */
  return monday_based >= 5;
}

int64_t met_day_of(const bv_metric_input *in, int64_t t) {
  return bv_floor_div(in->to_local ? in->to_local(in->zone, t) : t, DAY_S);
}

int64_t met_day_end(const bv_metric_input *in, int64_t t, int64_t day) {
  const int64_t local_end = (day + 1) * DAY_S;
  if (!in->to_local) return local_end;
  if (!in->steady) return INT64_MIN;
  const int64_t end = t + (local_end - in->to_local(in->zone, t)), change = in->steady(in->zone, t);
  return end < change ? end : change;
}

void met_curve_begin(met_curve *c, met_walk *w, const bv_metric_input *in) {
  *c = (met_curve){.first = NAN, .last = NAN, .start = in->start, .resolution_s = NAN};
  c->own.per_year = c->bt.per_year = NAN;
  *w = (met_walk){.ends = INT64_MIN};
}

/* The first of the times [i, n) that is not below `end`; the next one at least. */
static int64_t reach(const int64_t *ts, int64_t i, int64_t n, int64_t end) {
  int64_t step = 1, lo = i + 1, hi = n;
  while (lo < n && ts[lo] < end) {
    if (lo + step >= n || ts[lo + step] >= end) {
      hi = lo + step < n ? lo + step : n;
      break;
    }
    lo += step;
    step *= 2;
  }
  if (lo >= n || ts[lo] >= end) return lo < n ? lo : n;
  while (hi - lo > 1) { /* ts[lo] < end, and ts[hi] is not, or there is none */
    const int64_t mid = lo + (hi - lo) / 2;
    if (ts[mid] < end)
      lo = mid;
    else
      hi = mid;
  }
  return hi;
}

static bv_rc days(met_walk *w, met_curve *c, const bv_metric_input *in, const int64_t *ts,
                  const double *v, int64_t n, bv_err *err) {
  const int64_t back = in->left ? 0 : 1; /* a point at midnight belongs to the day it ends */
  for (int64_t i = 0, to; i < n; i = to) {
    const int64_t t = ts[i] - back;
    if (t >= w->ends) {
      w->day = met_day_of(in, t);
      w->ends = met_day_end(in, t, w->day);
    }
    to = reach(ts, i, n, w->ends > t ? w->ends + back : INT64_MIN);
    BV_TRY(met_series_put(&c->own, w->day, v[to - 1], err));
    if (met_is_weekend(w->day)) w->weekend += to - i;
  }
  return BV_OK;
}

/* Whether all of a block lies below the peak, in an episode that has begun: there is nothing to see then but
** the least of it. */
static bool sunk(const met_drops *d, const double *v, int64_t n, double *low) {
  double hi[4] = {v[0], v[1], v[2], v[3]}, lo[4] = {v[0], v[1], v[2], v[3]};
  if (d->below == 0) return false;
  for (int64_t i = 4; i < n; i += 4) {
    for (int k = 0; k < 4; k++) {
      hi[k] = v[i + k] > hi[k] ? v[i + k] : hi[k];
      lo[k] = v[i + k] < lo[k] ? v[i + k] : lo[k];
    }
  }
  *low = lo[0];
  for (int k = 1; k < 4; k++) *low = lo[k] < *low ? lo[k] : *low;
  return hi[0] < d->peak && hi[1] < d->peak && hi[2] < d->peak && hi[3] < d->peak;
}

static void follow(met_drops *to, const int64_t *ts, const double *v, int64_t n) {
  enum { BLOCK = 32 };
  met_drops d = *to;
  int64_t i = 0;
  for (double low; i + BLOCK <= n; i += BLOCK) {
    if (sunk(&d, v + i, BLOCK, &low)) {
      if (low < d.low) d.low = low;
      d.below += BLOCK;
      d.last_ts = ts[i + BLOCK - 1];
      continue;
    }
    for (int64_t k = i; k < i + BLOCK; k++) met_drops_add(&d, ts[k], v[k]);
  }
  for (; i < n; i++) met_drops_add(&d, ts[i], v[i]);
  *to = d;
}

/* n points with the value of the one before. */
static void stay(met_drops *d, const int64_t *ts, int64_t n) {
  if (d->below > 0) {
    d->below += n;
    d->last_ts = ts[n - 1];
  } else {
    d->peak_ts = ts[n - 1];
  }
}

static void first_point(met_walk *w, met_curve *c, int64_t ts, double v) {
  c->first = v;
  w->t0 = ts;
  if (!isfinite(c->start)) c->start = v;
  w->own = met_drops_from(ts, c->start);
  w->bt = met_drops_from(ts, v);
  met_drops_add(&w->own, ts, v);
  w->same = v >= c->start;
}

/* Points that are all finite; flat: as the one before, of which there is one. */
static bv_rc sound_points(met_walk *w, met_curve *c, const bv_metric_input *in, const int64_t *ts,
                          const double *v, int64_t n, bool flat, bv_err *err) {
  if (n == 0) return BV_OK;
  assert(c->points == 0 || ts[0] > w->t1);
  BV_TRY(days(w, c, in, ts, v, n, err));
  if (flat) {
    stay(&w->bt, ts, n);
    if (!w->same) stay(&w->own, ts, n);
  } else {
    const int64_t began = c->points == 0;
    if (began) first_point(w, c, ts[0], v[0]);
    follow(&w->bt, ts + began, v + began, n - began);
    if (!w->same) follow(&w->own, ts + began, v + began, n - began);
  }
  c->points += n;
  c->last = v[n - 1];
  w->t1 = ts[n - 1];
  c->span_s = (double)(w->t1 - w->t0);
  return BV_OK;
}

/* How many of the values from the first on are finite. */
static int64_t finite_run(const double *v, int64_t n) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) { /* x - x is 0, or NaN */
    if ((v[i] - v[i]) + (v[i + 1] - v[i + 1]) + (v[i + 2] - v[i + 2]) + (v[i + 3] - v[i + 3]) != 0)
      break;
  }
  while (i < n && isfinite(v[i])) i++;
  return i;
}

/* How many of the values from the first on have the bits of another one. */
static int64_t flat_run(const double *v, int64_t n, double like) {
  const uint64_t bits = bv_bits_of(like);
  int64_t i = 0;
  for (uint64_t other = 0; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; k++) other |= bv_bits_of(v[i + k]) ^ bits;
    if (other) break;
  }
  while (i < n && bv_bits_of(v[i]) == bits) i++;
  return i;
}

/* Bytes that are not 0, eight at a time. */
static int64_t count_set(const uint8_t *p, int64_t n) {
  const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f), ones = UINT64_C(0x0101010101010101);
  int64_t set = 0, i = 0;
  for (uint64_t x; i + 8 <= n; i += 8) {
    memcpy(&x, p + i, 8);
    set += (int64_t)((((((x & low) + low) | x) >> 7 & ones) * ones) >> 56);
  }
  for (; i < n; i++) set += p[i] != 0;
  return set;
}

/* The times of the last points, of which there are so many by now. */
static void keep_tail(met_walk *w, int64_t points, const bv_metric_points *p) {
  const int64_t first = points > MET_TAIL ? points - MET_TAIL : 0;
  for (int64_t i = p->n - 1, k = points - 1; i >= 0 && k >= first; i--) {
    if (isfinite(p->equity[i])) w->tail[k-- % MET_TAIL] = p->ts[i];
  }
}

bv_rc met_walk_points(met_walk *w, met_curve *c, const bv_metric_input *in,
                      const bv_metric_points *p, bv_err *err) {
  enum { FEW = 48, BLOCK = 1024 };
  for (int64_t i = 0, n; i < p->n; i += n) {
    const int64_t most = p->n - i < BLOCK ? p->n - i : BLOCK;
    n = c->points > 0 ? flat_run(p->equity + i, p->n - i, c->last) : 0;
    const bool flat = n >= FEW;
    if (!flat) n = finite_run(p->equity + i, most);
    BV_TRY(sound_points(w, c, in, p->ts + i, p->equity + i, n, flat, err));
    n += !flat && n < most; /* the point there is absent */
  }
  keep_tail(w, c->points, p);
  w->all += p->n;
  if (p->exposed) w->exposed += count_set(p->exposed, p->n);
  w->knows = p->exposed != NULL;
  return BV_OK;
}
