/* gap.c - holes in a stored series; see gap.h. */
#include "data/gap.h"
#include "data/view.h"
#include "time/instant.h"

#define DAY         86400
#define DAY_OPENS_S (17 * 3600)

typedef struct finder {
  const bv_series *series;
  int64_t dur_s; /* 0: days or longer */
  bool days;     /* the timestep is a day */
  bv_rc (*found)(void *ctx, const bv_gap *gap);
  void *ctx;
} finder;

/* Number of the local day of a bar, counted from 1970-01-01. */
static int64_t day_of(const finder *f, int64_t ts) {
  int64_t local = bv_zone_to_local(f->series->zone, ts);
  return bv_floor_div(f->days ? local + DAY - DAY_OPENS_S : local, DAY);
}

static bool is_weekend(int64_t day) {
  return bv_floor_mod(day + 3, 7) >= 5; /* day 0 was a Thursday */
}

/* Weekdays between two days that have bars, as one hole. */
static bv_rc missing_days(const finder *f, int64_t before, int64_t after) {
  int64_t first = 0, last = 0, n = 0;
  for (int64_t d = before + 1; d < after; d++) {
    if (is_weekend(d)) continue;
    if (n++ == 0) first = d;
    last = d;
  }
  if (n == 0) return BV_OK;
  bv_gap gap = {.kind = "day",
                .start = bv_zone_reach(f->series->zone, first * DAY),
                .end = bv_zone_reach(f->series->zone, (last + 1) * DAY),
                .missing = n};
  return f->found(f->ctx, &gap);
}

static bv_rc missing_buckets(const finder *f, int64_t before, int64_t after) {
  int64_t n = (after - before) / f->dur_s - 1;
  if (n <= 0) return BV_OK;
  bv_gap gap = {.kind = "intraday",
                .start = before + f->dur_s,
                .end = before + (n + 1) * f->dur_s,
                .missing = n};
  return f->found(f->ctx, &gap);
}

static bv_rc missing_periods(const finder *f, int64_t before, int64_t after) {
  const bv_series *s = f->series;
  int64_t start = bv_timestep_end(s->step, s->zone, before), end = start, n = 0;
  for (;;) {
    int64_t next = bv_timestep_end(s->step, s->zone, end);
    if (next > after) break;
    end = next;
    n++;
  }
  bv_gap gap = {.kind = "period", .start = start, .end = end, .missing = n};
  return n > 0 ? f->found(f->ctx, &gap) : BV_OK;
}

/* The holes between two bars that follow each other. */
static bv_rc between(const finder *f, int64_t before, int64_t after) {
  if (!f->days && f->dur_s == 0) return missing_periods(f, before, after);
  if (f->dur_s && after - before == f->dur_s) return BV_OK; /* most of them */
  int64_t a = day_of(f, before), b = day_of(f, after);
  if (a != b) return missing_days(f, a, b);
  return f->dur_s ? missing_buckets(f, before, after) : BV_OK;
}

bv_rc bv_gap_find(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                  bv_rc (*found)(void *ctx, const bv_gap *gap), void *ctx, bv_err *err) {
  finder f = {.series = series,
              .dur_s = bv_timestep_dur_s(series->step),
              .days = series->step.unit == BV_DAY && series->step.n == 1,
              .found = found,
              .ctx = ctx};
  bv_source src = bv_source_stored(series);
  bv_stream st;
  bv_rc rc = bv_stream_open(&st, s, &src, lo, hi, false, BV_STREAM_PIECE, 0, err);
  int64_t before = 0;
  for (bool any = false; rc == BV_OK && !st.eof; any = true) {
    int64_t ts = bv_stream_ts(&st);
    if (any) rc = between(&f, before, ts);
    before = ts;
    if (rc == BV_OK) rc = bv_stream_next(&st, err);
  }
  bv_stream_close(&st);
  return rc;
}
