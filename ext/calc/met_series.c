/*
** met_series.c - cuts an equity curve into periods.
**
** Every curve is first cut into local days, each keeping its last point; days without a point do
** not exist.  A curve of daily or coarser points passes through unchanged.
**
** Ours, from the median distance g between neighbouring days:
**
**      g < 1.5 days        daily: 365 periods a year if weekend days are more than 0.6 x 2/7 of
**                          all days, else 252
**      6 .. 8              weekly, 52
**      28 .. 31            monthly, 12
**      89 .. 92            quarterly, 4
**      365 .. 366          yearly, 1
**      anything else       as many periods as the curve really has per 365.25 days
**
** 0.6 x 2/7 lies between a market that opens on Sunday evening (1 day of 6) and one that never
** closes (2 of 7).
**
** backtesting.py: from the whole days in the median distance of the last 100 points: 7 gives weeks
** ending on Sunday and 52, 31 calendar months and 12, 365 calendar years and 1, anything else days
** and 365 or 252, by the same share of weekends but counted over the points of the curve.
*/
#include "calc/met.h"

#include "base/alloc.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>

#define DAY_S 86400
#define TAIL  100 /* as many points as backtesting.py looks at */

static const double weekend_share = 2.0 / 7 * 0.6;

/* What the first pass over the curve finds beside the days. */
typedef struct scan {
  int64_t weekend;    /* points on a Saturday or Sunday */
  int64_t tail[TAIL]; /* times of the last points: that of point k is at k % TAIL */
} scan;

static bv_rc series_alloc(met_series *s, int64_t cap, bv_err *err) {
  const size_t n = (size_t)cap;
  s->key = bv_alloc(BV_MEM_RUN, n * sizeof *s->key);
  s->v = bv_alloc(BV_MEM_RUN, n * sizeof *s->v);
  s->b = bv_alloc(BV_MEM_RUN, n * sizeof *s->b);
  s->r = bv_alloc(BV_MEM_RUN, n * sizeof *s->r);
  if (!s->key || !s->v || !s->b || !s->r)
    return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld periods", (long long)cap);
  return BV_OK;
}

static void series_reset(met_series *s) {
  bv_free(s->key);
  bv_free(s->v);
  bv_free(s->b);
  bv_free(s->r);
  *s = (met_series){0};
}

int64_t met_day_of(const bv_metric_input *in, int64_t t) {
  return bv_floor_div(in->to_local ? in->to_local(in->zone, t) : t, DAY_S);
}

/* Where the day of an instant ends; in UTC alone the next instants are known to be of it up to there. */
static int64_t day_end(const bv_metric_input *in, int64_t day) {
  return in->to_local ? INT64_MIN : (day + 1) * DAY_S;
}

static bool is_weekend(int64_t day) {
  const int64_t monday_based = bv_floor_mod(day + 3, 7); /* 1970-01-01 was a Thursday */
  return monday_based >= 5;
}

/* Keep the last value of each key.  A key that goes back (local midnight passed twice) counts for
** the period already open. */
static void series_put(met_series *s, int64_t cap, int64_t key, double v, double b) {
  if (s->n > 0 && key <= s->key[s->n - 1]) {
    s->v[s->n - 1] = v;
    s->b[s->n - 1] = b;
    return;
  }
  assert(s->n < cap);
  s->key[s->n] = key;
  s->b[s->n] = b;
  s->v[s->n++] = v;
}

/* Most days that can occur; two more than the span for its ends, two for a zone's jumps. */
static int64_t day_capacity(const bv_metric_input *in) {
  if (in->n < 1) return 1;
  assert(in->ts[0] >= BV_INSTANT_MIN && in->ts[in->n - 1] <= BV_INSTANT_MAX);
  const int64_t days = (in->ts[in->n - 1] - in->ts[0]) / DAY_S + 4;
  return days < in->n ? days : in->n;
}

/* The one pass over the curve: days, first and last value, times of the last points. */
static void read_points(met_curve *c, const bv_metric_input *in, int64_t cap, scan *sc) {
  int64_t t0 = 0, t1 = 0, of_weekend = INT64_MIN, day = 0, ends = INT64_MIN;
  bool weekend = false;
  for (int64_t i = 0; i < in->n; i++) {
    assert(i == 0 || in->ts[i] > in->ts[i - 1]);
    if (!isfinite(in->equity[i])) continue;
    const int64_t t = in->left ? in->ts[i] : in->ts[i] - 1;
    if (t >= ends) {
      day = met_day_of(in, t);
      ends = day_end(in, day);
    }
    series_put(&c->own, cap, day, in->equity[i], in->bench ? in->bench[i] : (double)NAN);
    if (day != of_weekend) weekend = is_weekend(day);
    of_weekend = day;
    sc->weekend += weekend;
    if (c->points == 0) {
      c->first = in->equity[i];
      t0 = in->ts[i];
    }
    c->last = in->equity[i];
    t1 = in->ts[i];
    sc->tail[c->points++ % TAIL] = t1;
  }
  c->span_s = (double)(t1 - t0);
}

/* Returns between neighbours; one on a value that is not positive is not defined.  start < 0 or
** NaN: there is no value before the first. */
static void series_returns(met_series *s, double start) {
  double prev = start;
  for (int64_t i = 0; i < s->n; i++) {
    if (prev > 0) s->r[s->nr++] = s->v[i] / prev - 1;
    prev = s->v[i];
  }
}

/* Median distance of neighbouring keys; the returns' array, not filled yet, holds the gaps. */
static double median_gap(met_series *s) {
  for (int64_t i = 1; i < s->n; i++) s->r[i - 1] = (double)(s->key[i] - s->key[i - 1]);
  met_sort(s->r, s->n - 1);
  return met_percentile(s->r, s->n - 1, 0.5);
}

static double per_year_daily(int64_t weekend, int64_t all) {
  return (double)weekend / (double)all > weekend_share ? 365 : 252;
}

/* The table at the top of the file. */
static double per_year_own(met_series *s) {
  static const struct {
    double lo, hi, per_year;
  } known[] = {{6, 8, 52}, {28, 31, 12}, {89, 92, 4}, {365, 366, 1}};
  int64_t weekend = 0;
  for (int64_t i = 0; i < s->n; i++) weekend += is_weekend(s->key[i]);
  const double gap = s->n > 1 ? median_gap(s) : 1;
  if (gap < 1.5) return per_year_daily(weekend, s->n);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (gap >= known[i].lo && gap <= known[i].hi) return known[i].per_year;
  return (double)(s->n - 1) * 365.25 / (double)(s->key[s->n - 1] - s->key[0]);
}

/* Twice the median distance of the last points, in seconds (twice: it may end in a half); -1 where
** there are fewer than two. */
static int64_t median_step2(const scan *sc, int64_t points) {
  double gap[TAIL];
  const int64_t first = points > TAIL ? points - TAIL : 0;
  int64_t n = 0;
  for (int64_t k = first + 1; k < points; k++)
    gap[n++] = (double)(sc->tail[k % TAIL] - sc->tail[(k - 1) % TAIL]);
  if (n < 1) return -1;
  met_sort(gap, n);
  return (int64_t)(2 * met_percentile(gap, n, 0.5));
}

/* The finest unit that the step is not a multiple of the next of: pandas' "resolution". */
static double resolution_of(int64_t step2) {
  static const int unit[] = {DAY_S, 3600, 60, 1};
  if (step2 < 0) return NAN;
  for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
    if (step2 % (2 * unit[i]) == 0) return unit[i];
  return 0.001;
}

typedef enum span { SPAN_DAY, SPAN_WEEK, SPAN_MONTH, SPAN_YEAR } span;

static int64_t span_key(span kind, int64_t day) {
  int64_t year;
  int month, dom;
  if (kind == SPAN_DAY) return day;
  if (kind == SPAN_WEEK) return bv_floor_div(day + 3, 7);
  bv_civil_from_days(day, &year, &month, &dom);
  return kind == SPAN_YEAR ? year : year * 12 + month - 1;
}

/* Group our days as backtesting.py would. */
static void group_bt(met_curve *c, const scan *sc, int64_t cap) {
  static const struct {
    int64_t days;
    span kind;
    double per_year;
  } known[] = {{7, SPAN_WEEK, 52}, {31, SPAN_MONTH, 12}, {365, SPAN_YEAR, 1}};
  const int64_t step2 = median_step2(sc, c->points);
  span kind = SPAN_DAY;
  c->bt.per_year = per_year_daily(sc->weekend, c->points);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (step2 / (2 * DAY_S) != known[i].days) continue;
    kind = known[i].kind;
    c->bt.per_year = known[i].per_year;
  }
  for (int64_t i = 0; i < c->own.n; i++)
    series_put(&c->bt, cap, span_key(kind, c->own.key[i]), c->own.v[i], c->own.b[i]);
  c->resolution_s = resolution_of(step2);
}

bv_rc met_curve_init(met_curve *c, const bv_metric_input *in, bv_err *err) {
  const int64_t cap = day_capacity(in);
  scan sc = {0};
  *c = (met_curve){.first = NAN, .last = NAN, .start = in->start, .resolution_s = NAN};
  BV_TRY(series_alloc(&c->own, cap, err));
  BV_TRY(series_alloc(&c->bt, cap, err));
  c->own.per_year = c->bt.per_year = NAN;
  read_points(c, in, cap, &sc);
  if (!isfinite(c->start)) c->start = c->first;
  if (c->points == 0) return BV_OK;
  group_bt(c, &sc, cap);
  c->own.per_year = in->periods > 0 ? in->periods : per_year_own(&c->own);
  series_returns(&c->own, in->start);
  series_returns(&c->bt, NAN);
  return BV_OK;
}

void met_curve_reset(met_curve *c) {
  series_reset(&c->own);
  series_reset(&c->bt);
}

double met_round_up(const met_curve *c, int64_t sum_s, int64_t count) {
  if (count < 1 || isnan(c->resolution_s)) return NAN;
  const int64_t unit_ms = (int64_t)(c->resolution_s * 1000 + 0.5) * count;
  const int64_t units = -bv_floor_div(-(sum_s * 1000), unit_ms);
  return (double)units * c->resolution_s;
}
