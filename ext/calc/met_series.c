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

#include <math.h>

#define DAY_S 86400

static const double weekend_share = 2.0 / 7 * 0.6;

static bv_rc no_memory(int64_t periods, bv_err *err) {
  return bv_fail(err, BV_NOMEM, "metrics: no memory for %lld periods", (long long)periods);
}

static bv_rc series_grow(met_series *s, bv_err *err) {
  const int64_t cap = s->cap > 0 ? 2 * s->cap : 8;
  int64_t *key = bv_realloc(BV_MEM_RUN, s->key, (size_t)cap * sizeof *key);
  if (key) s->key = key;
  double *v = bv_realloc(BV_MEM_RUN, s->v ? s->v - 1 : NULL, ((size_t)cap + 1) * sizeof *v);
  if (v) s->v = v + 1;
  if (!key || !v) return no_memory(cap, err);
  s->cap = cap;
  return BV_OK;
}

static void series_reset(met_series *s) {
  bv_free(s->key);
  if (s->v) bv_free(s->v - 1);
  bv_free(s->b);
  bv_free(s->r);
  *s = (met_series){0};
}

bv_rc met_series_put(met_series *s, int64_t key, double v, bv_err *err) {
  if (s->n > 0 && key <= s->key[s->n - 1]) {
    s->v[s->n - 1] = v;
    return BV_OK;
  }
  if (s->n == s->cap) BV_TRY(series_grow(s, err));
  s->key[s->n] = key;
  s->v[s->n++] = v;
  return BV_OK;
}

bv_rc met_series_prices(met_series *s, bv_err *err) {
  s->b = bv_alloc(BV_MEM_RUN, (size_t)s->n * sizeof *s->b);
  return s->b ? BV_OK : no_memory(s->n, err);
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
  int64_t next = 0; /* nearly always most keys follow one another: then there is nothing to sort */
  for (int64_t i = 1; i < s->n; i++) next += s->key[i] == s->key[i - 1] + 1;
  if (2 * next > s->n) return 1;
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
  for (int64_t i = 0; i < s->n; i++) weekend += met_is_weekend(s->key[i]);
  const double gap = s->n > 1 ? median_gap(s) : 1;
  if (gap < 1.5) return per_year_daily(weekend, s->n);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (gap >= known[i].lo && gap <= known[i].hi) return known[i].per_year;
  return (double)(s->n - 1) * 365.25 / (double)(s->key[s->n - 1] - s->key[0]);
}

/* Twice the median distance of the last points, in seconds (twice: it may end in a half); -1 where
** there are fewer than two. */
static int64_t median_step2(const met_walk *w, int64_t points) {
  double gap[MET_TAIL];
  const int64_t first = points > MET_TAIL ? points - MET_TAIL : 0;
  int64_t n = 0;
  for (int64_t k = first + 1; k < points; k++)
    gap[n++] = (double)(w->tail[k % MET_TAIL] - w->tail[(k - 1) % MET_TAIL]);
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
static bv_rc group_bt(met_curve *c, const met_walk *w, bv_err *err) {
  static const struct {
    int64_t days;
    span kind;
    double per_year;
  } known[] = {{7, SPAN_WEEK, 52}, {31, SPAN_MONTH, 12}, {365, SPAN_YEAR, 1}};
  const int64_t step2 = median_step2(w, c->points);
  span kind = SPAN_DAY;
  c->bt.per_year = per_year_daily(w->weekend, c->points);
  c->resolution_s = resolution_of(step2);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (step2 / (2 * DAY_S) != known[i].days) continue;
    kind = known[i].kind;
    c->bt.per_year = known[i].per_year;
  }
  c->days = kind == SPAN_DAY;
  for (int64_t i = 0; !c->days && i < c->own.n; i++) {
    BV_TRY(met_series_put(&c->bt, span_key(kind, c->own.key[i]), c->own.v[i], err));
  }
  return BV_OK;
}

static bv_rc returns_alloc(met_series *s, bv_err *err) {
  s->r = bv_alloc(BV_MEM_RUN, (size_t)s->n * sizeof *s->r);
  return s->r ? BV_OK : no_memory(s->n, err);
}

/* Both are the same days: so are their returns, but that backtesting.py has none of the first day. */
static void share_days(met_curve *c, const bv_metric_input *in) {
  const int64_t skip = in->start > 0;
  const double per_year = c->bt.per_year;
  c->bt = c->own;
  c->bt.per_year = per_year;
  c->bt.r += skip;
  c->bt.nr -= skip;
}

bv_rc met_curve_end(met_curve *c, const met_walk *w, const bv_metric_input *in, bv_err *err) {
  if (c->points == 0) return BV_OK;
  BV_TRY(group_bt(c, w, err));
  BV_TRY(returns_alloc(&c->own, err));
  if (!c->days) BV_TRY(returns_alloc(&c->bt, err));
  c->own.per_year = in->periods > 0 ? in->periods : per_year_own(&c->own);
  series_returns(&c->own, in->start);
  if (c->days)
    share_days(c, in);
  else
    series_returns(&c->bt, NAN);
  return BV_OK;
}

bv_rc met_curve_init(met_curve *c, const bv_metric_input *in, bv_err *err) {
  const bv_metric_points all = {.n = in->n, .ts = in->ts, .equity = in->equity};
  met_walk w;
  met_curve_begin(c, &w, in);
  BV_TRY(met_walk_points(&w, c, in, &all, err));
  return met_curve_end(c, &w, in, err);
}

void met_curve_reset(met_curve *c) {
  if (c->days) c->bt = (met_series){0};
  series_reset(&c->own);
  series_reset(&c->bt);
}

double met_round_up(const met_curve *c, int64_t sum_s, int64_t count) {
  if (count < 1 || isnan(c->resolution_s)) return NAN;
  const int64_t unit_ms = (int64_t)(c->resolution_s * 1000 + 0.5) * count;
  const int64_t units = -bv_floor_div(-(sum_s * 1000), unit_ms);
  return (double)units * c->resolution_s;
}
