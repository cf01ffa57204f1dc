/*
** bucket.c - the calendar buckets of a timestep; see timestep.h.
**
** Calendar buckets are counted in days or months since the origin; `edge` is the one place that
** turns such a count into an instant.  It never decreases, so the buckets between edges tile time,
** whatever a zone's clock does at midnight.
*/
#include "time/instant.h"
#include "time/timestep.h"

#include <assert.h>

#define DAY_S       86400
#define ORIGIN_DAY  10959 /* Monday 2000-01-03 */
#define ORIGIN_YEAR 2000
#define ORIGIN_S    ((int64_t)ORIGIN_DAY * DAY_S)
#define MARGIN_S    (200LL * 366 * DAY_S) /* an edge may lie past the last valid instant */
#define IS_NEAR(t)  ((t) >= BV_INSTANT_MIN - MARGIN_S && (t) <= BV_INSTANT_MAX + MARGIN_S)

/* Days in the unit of a calendar timestep that is not months. */
static int64_t unit_days(bv_unit unit) {
  return unit == BV_WEEK ? 7 : 1;
}

/* Local day number (since 1970-01-01) on which bucket k of the timestep begins. */
static int64_t bucket_day(bv_timestep s, int64_t k) {
  if (s.unit != BV_MONTH) return ORIGIN_DAY + k * s.n * unit_days(s.unit);
  int64_t month = k * s.n;
  int64_t year = bv_floor_div(month, 12);
  return bv_days_from_civil(ORIGIN_YEAR + year, (int)(month - year * 12) + 1, 1);
}

/* The bucket that local day `day` belongs to. */
static int64_t bucket_of_day(bv_timestep s, int64_t day) {
  if (s.unit != BV_MONTH) return bv_floor_div(day - ORIGIN_DAY, s.n * unit_days(s.unit));
  int64_t year;
  int month, dom;
  bv_civil_from_days(day, &year, &month, &dom);
  return bv_floor_div((year - ORIGIN_YEAR) * 12 + month - 1, s.n);
}

static int64_t edge(bv_timestep s, const bv_zone *z, int64_t k) {
  return bv_zone_reach(z, bucket_day(s, k) * DAY_S);
}

int64_t bv_bucket_start(bv_timestep s, const bv_zone *z, int64_t t, int64_t *end) {
  assert(s.n >= 1 && IS_NEAR(t));
  int64_t dur = bv_timestep_dur_s(s);
  if (dur > 0) {
    int64_t start = t - bv_floor_mod(t - ORIGIN_S, dur);
    if (end) *end = start + dur;
    return start;
  }
  int64_t k = bucket_of_day(s, bv_floor_div(bv_zone_to_local(z, t), DAY_S));
  int64_t start = edge(s, z, k), stop = edge(s, z, k + 1);
  /* In a fold over midnight the clock shows the old date again, but the new day has begun. */
  while (t >= stop) {
    start = stop;
    stop = edge(s, z, ++k + 1);
  }
  if (end) *end = stop;
  return start;
}

static int64_t add_months(int64_t day, int64_t n) {
  int64_t year;
  int month, dom;
  bv_civil_from_days(day, &year, &month, &dom);
  int64_t index = year * 12 + month - 1 + n;
  year = bv_floor_div(index, 12);
  month = (int)(index - year * 12) + 1;
  int last = bv_month_days(year, month);
  return bv_days_from_civil(year, month, dom < last ? dom : last);
}

int64_t bv_timestep_end(bv_timestep s, const bv_zone *z, int64_t ts) {
  assert(s.n >= 1 && IS_NEAR(ts));
  int64_t dur = bv_timestep_dur_s(s);
  if (dur > 0) return ts + dur;
  int64_t end;
  if (bv_bucket_start(s, z, ts, &end) == ts) return end;
  int64_t local = bv_zone_to_local(z, ts);
  int64_t day = bv_floor_div(local, DAY_S);
  int64_t to = s.unit == BV_MONTH ? add_months(day, s.n) : day + s.n * unit_days(s.unit);
  if (bv_zone_reach(z, day * DAY_S) == ts) {
    end = bv_zone_reach(z, to * DAY_S);
  } else {
    end = bv_zone_to_utc(z, to * DAY_S + (local - day * DAY_S), NULL);
  }
  /* A made-up zone that falls back twice in a row could lead behind ts; a bar must still end. */
  return end > ts ? end : ts + bv_timestep_nominal_s(s);
}
