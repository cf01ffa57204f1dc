/*
** test_bucket.c - the calendar buckets that timesteps make.
**
** Buckets are tested as a property (they tile time, and each instant lies in its own) over zones
** that change their clock at midnight or skip days, and against a slow reference that walks through
** time and notes when the local date first grows.
*/
#include "time_help.h"

#include <stdio.h>

#include "time/timestep.h"
#include "time/zone_table.h"
#include "tzif_make.h"

static bv_timestep step(const char *text) {
  bv_timestep s = {0, BV_SECOND, BV_OF_TRADES};
  bv_err err = {0};
  if (bv_timestep_parse(text, strlen(text), &s, &err) != BV_OK) fail_msg("%s", err.msg);
  return s;
}

/* Buckets of well-known calendars, by the wall clock. */
static void known_buckets(void **state) {
  (void)state;
  static const struct {
    const char *step, *zone, *t, *start, *end; /* all UTC */
  } row[] = {
      {"15m", "UTC", "2024-01-03 14:37:12", "2024-01-03 14:30:00", "2024-01-03 14:45:00"},
      {"15m", "UTC", "2024-01-03 14:30:00", "2024-01-03 14:30:00", "2024-01-03 14:45:00"},
      {"15m", "UTC", "1969-12-31 23:59:59", "1969-12-31 23:45:00", "1970-01-01 00:00:00"},
      {"15m", "Asia/Kathmandu", "2024-01-03 14:37:12", "2024-01-03 14:30:00",
       "2024-01-03 14:45:00"},
      {"7m", "UTC", "2000-01-03 00:00:00", "2000-01-03 00:00:00", "2000-01-03 00:07:00"},
      {"7m", "UTC", "2000-01-02 23:59:59", "2000-01-02 23:53:00", "2000-01-03 00:00:00"},
      {"24h", "America/New_York", "2024-01-03 03:00:00", "2024-01-03 00:00:00",
       "2024-01-04 00:00:00"},
      {"day", "UTC", "2024-01-03 03:00:00", "2024-01-03 00:00:00", "2024-01-04 00:00:00"},
      {"day", "America/New_York", "2024-01-03 03:00:00", "2024-01-02 05:00:00",
       "2024-01-03 05:00:00"},
      {"day", "America/New_York", "2024-03-10 12:00:00", "2024-03-10 05:00:00",
       "2024-03-11 04:00:00"}, /* 23 hours */
      {"day", "America/New_York", "2024-11-03 12:00:00", "2024-11-03 04:00:00",
       "2024-11-04 05:00:00"}, /* 25 hours */
      {"3 days", "UTC", "2000-01-05 23:59:59", "2000-01-03 00:00:00", "2000-01-06 00:00:00"},
      {"3 days", "UTC", "2000-01-02 23:59:59", "1999-12-31 00:00:00", "2000-01-03 00:00:00"},
      {"week", "UTC", "2024-01-03 12:00:00", "2024-01-01 00:00:00", "2024-01-08 00:00:00"},
      {"week", "Asia/Tokyo", "2024-01-07 15:00:00", "2024-01-07 15:00:00", "2024-01-14 15:00:00"},
      {"week", "UTC", "1999-12-31 12:00:00", "1999-12-27 00:00:00", "2000-01-03 00:00:00"},
      {"month", "UTC", "2024-02-29 23:59:59", "2024-02-01 00:00:00", "2024-03-01 00:00:00"},
      {"month", "Europe/Berlin", "2024-03-31 21:59:59", "2024-02-29 23:00:00",
       "2024-03-31 22:00:00"},
      {"quarter", "UTC", "2024-12-31 23:59:59", "2024-10-01 00:00:00", "2025-01-01 00:00:00"},
      {"quarter", "UTC", "1999-12-31 23:59:59", "1999-10-01 00:00:00", "2000-01-01 00:00:00"},
      {"5mo", "UTC", "2000-05-31 00:00:00", "2000-01-01 00:00:00", "2000-06-01 00:00:00"},
      {"year", "America/New_York", "2024-01-01 04:59:59", "2023-01-01 05:00:00",
       "2024-01-01 05:00:00"},
      /* the clock jumps from 24:00 to 1:00: the day begins at the jump */
      {"day", "America/Sao_Paulo", "2018-11-04 12:00:00", "2018-11-04 03:00:00",
       "2018-11-05 02:00:00"},
      {"day", "America/Sao_Paulo", "2018-11-04 02:59:59", "2018-11-03 03:00:00",
       "2018-11-04 03:00:00"},
      /* it falls back from 24:00 to 23:00: the evening belongs to the old day */
      {"day", "America/Sao_Paulo", "2018-02-18 02:30:00", "2018-02-17 02:00:00",
       "2018-02-18 03:00:00"},
      /* it falls back from 0:01 to 23:01: the day has begun at the first midnight */
      {"day", "America/St_Johns", "2010-11-07 03:00:00", "2010-11-07 02:30:00",
       "2010-11-08 03:30:00"},
      {"day", "America/St_Johns", "2010-11-07 02:29:59", "2010-11-06 02:30:00",
       "2010-11-07 02:30:00"},
      /* 30 December 2011 never was */
      {"day", "Pacific/Apia", "2011-12-30 09:59:59", "2011-12-29 10:00:00", "2011-12-30 10:00:00"},
      {"day", "Pacific/Apia", "2011-12-30 10:00:00", "2011-12-30 10:00:00", "2011-12-31 10:00:00"},
      {"week", "Pacific/Apia", "2011-12-31 00:00:00", "2011-12-26 10:00:00", "2012-01-01 10:00:00"},
      {"month", "Pacific/Apia", "2011-12-31 00:00:00", "2011-12-01 10:00:00",
       "2011-12-31 10:00:00"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    int64_t end, start;
    char a[32], b[32];
    start = bv_bucket_start(step(row[i].step), zone(row[i].zone), at(row[i].t), &end);
    bv_instant_format(start, a);
    bv_instant_format(end, b);
    if (strcmp(a, row[i].start) != 0 || strcmp(b, row[i].end) != 0) {
      fail_msg("%s of %s in %s: %s to %s", row[i].step, row[i].t, row[i].zone, a, b);
    }
  }
}

/* Zones that change at midnight, skip or repeat a day, or are odd in another way. */
static const char *const odd_zones[] = {
    "UTC",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
    "America/St_Johns",
    "America/Havana",
    "America/Asuncion",
    "America/Juneau",
    "Asia/Manila",
    "Asia/Gaza",
    "Asia/Amman",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "America/New_York",
    "Atlantic/Azores",
    "Africa/Monrovia",
    "Antarctica/Troll",
    "Pacific/Guam",
    "America/Toronto",
};

static const char *const calendar_steps[] = {"day",     "2 days", "3 days", "5 days",  "week",
                                             "2 weeks", "month",  "5mo",    "quarter", "year"};

/* Walk from bucket to bucket: each begins where the last ended, holds its first and last second,
** and is not longer or shorter than the bounds say. */
static void walk(const char *text, const bv_zone *z, int64_t from, int64_t to) {
  bv_timestep s = step(text);
  int64_t lo, hi, end;
  bv_timestep_bounds_s(s, &lo, &hi);
  for (int64_t t = bv_bucket_start(s, z, from, NULL); t < to; t = end) {
    int64_t start = bv_bucket_start(s, z, t, &end), last_end;
    int64_t again = bv_bucket_start(s, z, end - 1, &last_end);
    if (start != t || end <= t || again != t || last_end != end ||
        bv_timestep_end(s, z, t) != end) {
      char a[32], b[32];
      bv_instant_format(t, a);
      bv_instant_format(end, b);
      fail_msg("%s in %s: bucket %s to %s", text, bv_zone_name(z), a, b);
    }
    if (end - t > hi || end - t < lo) {
      fail_msg("%s in %s: a bucket of %lld s", text, bv_zone_name(z), (long long)(end - t));
    }
  }
}

static void buckets_tile_odd_zones(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(odd_zones); i++) {
    const bv_zone *z = zone(odd_zones[i]);
    for (size_t k = 0; k < COUNT(calendar_steps); k++) {
      walk(calendar_steps[k], z, at("1840-01-01"), at("2110-01-01"));
    }
    walk("day", z, at("9990-01-01"), at("9999-12-31"));
    walk("year", z, BV_INSTANT_MIN, BV_INSTANT_MAX);
  }
}

/* All zones the system names in its list of places. */
static void buckets_tile_all_zones(void **state) {
  (void)state;
  FILE *f = fopen("/usr/share/zoneinfo/zone.tab", "r");
  if (!f) {
    print_message("skipped: no list of zones on this system\n");
    skip();
  }
  char line[512], name[128];
  int zones = 0;
  while (fgets(line, sizeof line, f)) {
    if (line[0] == '#' || sscanf(line, "%*s %*s %127s", name) != 1) continue;
    const bv_zone *z = zone(name);
    walk("day", z, at("1960-01-01"), at("2040-01-01"));
    walk("month", z, at("1840-01-01"), at("2040-01-01"));
    zones++;
  }
  fclose(f);
  assert_true(zones > 300);
}

static void fixed_buckets_tile(void **state) {
  (void)state;
  static const char *const text[] = {"1s", "7s", "5m", "7m", "90m", "1h", "5h", "24h", "1000h"};
  for (size_t i = 0; i < COUNT(text); i++) {
    bv_timestep s = step(text[i]);
    int64_t dur = bv_timestep_dur_s(s);
    int64_t from = at("2000-01-03") - 1000 * dur;
    int64_t first = bv_bucket_start(s, bv_zone_utc(), from, NULL);
    assert_int_equal(first, from);
    walk(text[i], bv_zone_utc(), from, from + 3000 * dur);
    walk(text[i], bv_zone_utc(), BV_INSTANT_MIN, BV_INSTANT_MIN + 10 * dur);
  }
}

/* Slow reference: the local date as the largest one any clock has shown so far. */
static void buckets_follow_the_largest_date(void **state) {
  (void)state;
  const int64_t step_s = 60; /* a new day may show for a single minute (America/St_Johns, 1987) */
  bv_timestep day = step("day");
  int jumps = 0;
  for (size_t i = 0; i < COUNT(odd_zones); i++) {
    const bv_zone *z = zone(odd_zones[i]);
    for (size_t k = 0; k < z->n && z->at[k] < at("2040-01-01"); k++) {
      int64_t from = z->at[k] - 26 * 3600, t = from;
      int64_t largest = bv_floor_div(bv_zone_to_local(z, t), DAY_S);
      int64_t start = bv_bucket_start(day, z, t, NULL);
      for (t += step_s; t < z->at[k] + 26 * 3600; t += step_s) {
        int64_t date = bv_floor_div(bv_zone_to_local(z, t), DAY_S);
        int64_t next = bv_bucket_start(day, z, t, NULL);
        if ((next > start) != (date > largest)) {
          fail_msg("%s at %lld: date %lld, largest %lld", odd_zones[i], (long long)t,
                   (long long)date, (long long)largest);
        }
        assert_true(next == start || (next > t - step_s && next <= t));
        if (date > largest) largest = date;
        start = next;
      }
      jumps++;
    }
  }
  assert_true(jumps > 1000);
}

/* Any bar, wherever it starts, ends within its bounds. */
static void bars_end_within_bounds(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(odd_zones); i++) {
    const bv_zone *z = zone(odd_zones[i]);
    for (size_t k = 0; k < COUNT(calendar_steps); k++) {
      bv_timestep s = step(calendar_steps[k]);
      int64_t lo, hi;
      bv_timestep_bounds_s(s, &lo, &hi);
      for (size_t j = 0; j < z->n && z->at[j] < at("2040-01-01"); j++) {
        for (int64_t t = z->at[j] - 3 * DAY_S; t < z->at[j] + 2 * DAY_S; t += 1801) {
          int64_t end = bv_timestep_end(s, z, t);
          if (end - t < lo || end - t > hi) {
            fail_msg("%s in %s from %lld: %lld s", calendar_steps[k], odd_zones[i], (long long)t,
                     (long long)(end - t));
          }
        }
      }
    }
  }
}

/* Months counted from every day of a 400-year cycle stay within the bounds (in UTC a day inside them,
** as the bounds leave a day for the zone), and some n reach them. */
static void month_bounds(void **state) {
  (void)state;
  static const int count[] = {1, 2, 3, 7, 9, 12, 24, 37, 119, 600, 1200};
  int reach_lo = 0, reach_hi = 0;
  for (size_t i = 0; i < COUNT(count); i++) {
    bv_timestep s = {count[i], BV_MONTH, BV_OF_TRADES};
    int64_t lo, hi, least = INT64_MAX, most = 0;
    bv_timestep_bounds_s(s, &lo, &hi);
    for (int64_t t = at("1800-01-01"); t < at("2200-01-01"); t += DAY_S) {
      int64_t len = bv_timestep_end(s, bv_zone_utc(), t) - t;
      least = len < least ? len : least;
      most = len > most ? len : most;
    }
    assert_true(lo + DAY_S <= least && most <= hi - DAY_S);
    reach_lo += lo + DAY_S == least;
    reach_hi += hi - DAY_S == most;
  }
  assert_true(reach_lo >= 2 && reach_hi >= 2);
}

static void ends_of_bars(void **state) {
  (void)state;
  static const struct {
    const char *step, *zone, *ts, *end; /* UTC */
  } row[] = {
      {"15m", "America/New_York", "2024-03-10 06:50:00", "2024-03-10 07:05:00"},
      {"24h", "America/New_York", "2024-03-10 05:00:00", "2024-03-11 05:00:00"},
      {"day", "America/New_York", "2024-03-10 05:00:00", "2024-03-11 04:00:00"},
      {"day", "America/New_York", "2024-03-08 14:30:00", "2024-03-09 14:30:00"},
      {"day", "America/New_York", "2024-03-09 14:30:00", "2024-03-10 13:30:00"}, /* 9:30 to 9:30 */
      {"day", "America/New_York", "2024-03-09 07:30:00", "2024-03-10 07:30:00"}, /* into a gap */
      {"day", "America/New_York", "2024-11-02 05:30:00", "2024-11-03 05:30:00"}, /* into a fold */
      {"week", "America/New_York", "2024-03-07 14:30:00", "2024-03-14 13:30:00"},
      {"month", "UTC", "2024-01-31 10:00:00", "2024-02-29 10:00:00"},
      {"month", "UTC", "2023-01-31 10:00:00", "2023-02-28 10:00:00"},
      {"month", "UTC", "2024-12-15 10:00:00", "2025-01-15 10:00:00"},
      {"year", "UTC", "2024-02-29 00:00:00", "2025-02-28 00:00:00"},
      {"quarter", "Europe/London", "2024-01-01 00:00:00", "2024-03-31 23:00:00"},
      /* a Sunday-based week that starts where there is no midnight still ends at one */
      {"week", "America/Sao_Paulo", "2018-11-04 03:00:00", "2018-11-11 02:00:00"},
      {"day", "Pacific/Apia", "2011-12-29 10:00:00", "2011-12-30 10:00:00"},
      {"day", "Pacific/Apia", "2011-12-29 22:00:00", "2011-12-30 22:00:00"},
      {"2 days", "Pacific/Apia", "2011-12-29 22:00:00", "2011-12-30 22:00:00"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    char text[32];
    bv_instant_format(bv_timestep_end(step(row[i].step), zone(row[i].zone), at(row[i].ts)), text);
    if (strcmp(text, row[i].end) != 0) {
      fail_msg("%s from %s in %s: %s", row[i].step, row[i].ts, row[i].zone, text);
    }
  }
}

/* A clock that falls back a day twice within a second would lead a bar's end behind its start. */
static void bars_end_in_made_up_zones(void **state) {
  (void)state;
  static const tzif_type type[] = {{90000, 0}, {3600, 0}, {-82800, 0}};
  static const tzif_jump jump[] = {{1000000000, 1}, {1000000001, 2}};
  tzif_bytes b;
  bv_zone *z;
  tzif_make(&b, &(tzif_spec){'2', type, COUNT(type), jump, COUNT(jump), ""});
  bv_rc rc = bv_zone_build("Test/Made", b.p, b.n, &z, NULL);
  assert_int_equal(rc, BV_OK);
  for (int64_t t = 1000000000 - 4 * DAY_S; t < 1000000000 + 4 * DAY_S; t += 999) {
    for (size_t k = 0; k < COUNT(calendar_steps); k++) {
      int64_t end;
      assert_true(bv_timestep_end(step(calendar_steps[k]), z, t) > t);
      assert_true(bv_bucket_start(step(calendar_steps[k]), z, t, &end) <= t && t < end);
    }
  }
  bv_zone_free(z);
}

/* Where divides says so, every coarse edge is a fine edge. */
static void divided_buckets_fit(void **state) {
  (void)state;
  static const char *const text[] = {"1s",   "1m",      "5m",    "15m",     "1h",
                                     "4h",   "24h",     "day",   "2 days",  "4 days",
                                     "week", "2 weeks", "month", "quarter", "year"};
  static const char *const names[] = {
      "UTC",          "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo",
      "Pacific/Apia", "Asia/Beirut"};
  int fitted = 0;
  for (size_t i = 0; i < COUNT(names); i++) {
    const bv_zone *z = zone(names[i]);
    for (size_t f = 0; f < COUNT(text); f++) {
      for (size_t c = 0; c < COUNT(text); c++) {
        bv_timestep fine = step(text[f]), coarse = step(text[c]);
        if (!bv_timestep_divides(fine, coarse)) continue;
        int64_t t = bv_bucket_start(coarse, z, at("1995-01-01"), NULL);
        for (int k = 0; k < 2000 && t < at("2035-01-01"); k++) {
          assert_int_equal(bv_bucket_start(fine, z, t, NULL), t);
          bv_bucket_start(coarse, z, t, &t);
        }
        fitted++;
      }
    }
  }
  assert_true(fitted > 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_buckets),
      cmocka_unit_test(buckets_tile_odd_zones),
      cmocka_unit_test(buckets_tile_all_zones),
      cmocka_unit_test(fixed_buckets_tile),
      cmocka_unit_test(buckets_follow_the_largest_date),
      cmocka_unit_test(bars_end_within_bounds),
      cmocka_unit_test(month_bounds),
      cmocka_unit_test(ends_of_bars),
      cmocka_unit_test(bars_end_in_made_up_zones),
      cmocka_unit_test(divided_buckets_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
