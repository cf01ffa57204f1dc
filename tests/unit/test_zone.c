/*
** test_zone.c - time zones: known jumps, names, where files come from, threads.
**
** tests/zones_check.py compares every zone of the system with Python's zoneinfo; here are the cases
** that a comparison with a sound directory cannot reach.
*/
#include "time_help.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tzif_make.h"

#define CYCLE_S (146097LL * DAY_S)

/* Jumps as laws and RFC 8536 give them, in UTC: the first second of the new offset. */
static const struct {
  const char *zone, *utc;
  int32_t before, after;
} jumps[] = {
    /* US Energy Policy Act of 2005: second Sunday of March, first of November, 2:00 local */
    {"America/New_York", "2024-03-10 07:00:00", -18000, -14400},
    {"America/New_York", "2024-11-03 06:00:00", -14400, -18000},
    {"America/New_York", "2124-03-12 07:00:00", -18000, -14400},
    {"America/New_York", "2524-03-12 07:00:00", -18000, -14400},
    {"America/New_York", "9999-11-07 06:00:00", -14400, -18000},
    /* EU directive 2000/84: last Sundays of March and October, 1:00 UTC */
    {"Europe/London", "2024-03-31 01:00:00", 0, 3600},
    {"Europe/London", "2024-10-27 01:00:00", 3600, 0},
    {"Europe/Berlin", "2051-03-26 01:00:00", 3600, 7200},
    {"Europe/Dublin", "2024-03-31 01:00:00", 0, 3600}, /* winter time is the negative DST */
    {"Europe/Dublin", "2090-10-29 01:00:00", 3600, 0},
    /* New South Wales: first Sundays of April (3:00 DST) and October (2:00) */
    {"Australia/Sydney", "2024-04-06 16:00:00", 39600, 36000},
    {"Australia/Sydney", "2024-10-05 16:00:00", 36000, 39600},
    {"Australia/Sydney", "2063-10-06 16:00:00", 36000, 39600},
    {"Australia/Lord_Howe", "2024-04-06 15:00:00", 39600, 37800}, /* half an hour */
    {"America/Sao_Paulo", "2018-11-04 03:00:00", -10800, -7200},  /* no midnight that day */
    {"Pacific/Apia", "2011-12-30 10:00:00", -36000, 50400},       /* no 30 December */
};

static void known_jumps(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(jumps); i++) {
    const bv_zone *z = zone(jumps[i].zone);
    int64_t t = at(jumps[i].utc);
    assert_int_equal(bv_zone_offset(z, t - 1), jumps[i].before);
    assert_int_equal(bv_zone_offset(z, t), jumps[i].after);
    assert_int_equal(bv_zone_to_local(z, t), t + jumps[i].after);
    assert_string_equal(bv_zone_name(z), jumps[i].zone);
    assert_false(bv_zone_is_utc(z));
  }
}

/* to_utc and reach at the edges and in the middle of every known gap and fold. */
static void gaps_and_folds(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(jumps); i++) {
    const bv_zone *z = zone(jumps[i].zone);
    int64_t t = at(jumps[i].utc), before = jumps[i].before, after = jumps[i].after;
    int64_t lo = t + (before < after ? before : after), hi = t + (before < after ? after : before);
    int want = before < after ? -1 : 1;
    for (int64_t local = lo - 2; local <= hi + 2; local += local < lo + 2 ? 1 : (hi - lo) / 2 - 1) {
      bool inside = local >= lo && local < hi;
      int kind = 7;
      int64_t utc = bv_zone_to_utc(z, local, &kind), reach = bv_zone_reach(z, local);
      assert_int_equal(kind, inside ? want : 0);
      assert_int_equal(utc, local - (inside || local < lo ? before : after));
      assert_int_equal(reach, inside && want < 0 ? t : utc);
      if (!inside) assert_int_equal(bv_zone_to_local(z, utc), local);
      assert_int_equal(bv_zone_to_utc(z, local, NULL), utc);
    }
  }
}

/* From the footer's first year on everything repeats after 400 years, in both directions. */
static void rules_repeat(void **state) {
  (void)state;
  static const char *const names[] = {"America/New_York", "Europe/Dublin",    "Australia/Lord_Howe",
                                      "Africa/Cairo",     "America/Santiago", "Asia/Jerusalem"};
  for (size_t i = 0; i < COUNT(names); i++) {
    const bv_zone *z = zone(names[i]);
    int changes = 0;
    int64_t from = at("2040-01-01"), step = 86400 * 3 + 12345;
    for (int64_t t = from; t < from + CYCLE_S; t += step) {
      int32_t off = bv_zone_offset(z, t);
      changes += off != bv_zone_offset(z, t - step);
      int64_t utc = bv_zone_to_utc(z, t, NULL), reach = bv_zone_reach(z, t);
      for (int64_t k = 1; t + k * CYCLE_S <= BV_INSTANT_MAX; k += 7) {
        int64_t far = t + k * CYCLE_S;
        assert_int_equal(bv_zone_offset(z, far), off);
        assert_int_equal(bv_zone_to_utc(z, far, NULL), utc + k * CYCLE_S);
        assert_int_equal(bv_zone_reach(z, far), reach + k * CYCLE_S);
      }
    }
    assert_int_equal(changes, 800);
  }
}

static void any_number_is_answered(void **state) {
  (void)state;
  const bv_zone *z = zone("America/New_York");
  static const int64_t extreme[] = {INT64_MIN, BV_INSTANT_MIN, BV_INSTANT_MAX, INT64_MAX};
  for (size_t i = 0; i < COUNT(extreme); i++) {
    int32_t off = bv_zone_offset(z, extreme[i]);
    assert_true(off == -18000 || off == -14400 || off == -17762); /* EST, EDT, local mean time */
  }
}

static void utc_and_fixed_offsets(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int32_t off;
  } row[] = {{"UTC", 0},        {"utc", 0},     {"+00:00", 0},     {"+05:30", 19800},
             {"-0330", -12600}, {"+14", 50400}, {"-23:59", -86340}};
  for (size_t i = 0; i < COUNT(row); i++) {
    const bv_zone *z, *again;
    assert_int_equal(bv_zone_find(row[i].name, &z, NULL), BV_OK);
    assert_int_equal(bv_zone_find(row[i].name, &again, NULL), BV_OK);
    assert_ptr_equal(z, again);
    assert_int_equal(bv_zone_is_utc(z), row[i].off == 0);
    static const int64_t t[] = {BV_INSTANT_MIN, -1, 0, 1704292200, BV_INSTANT_MAX};
    for (size_t k = 0; k < COUNT(t); k++) {
      int kind = 7;
      assert_int_equal(bv_zone_offset(z, t[k]), row[i].off);
      assert_int_equal(bv_zone_to_utc(z, t[k] + row[i].off, &kind), t[k]);
      assert_int_equal(kind, 0);
      assert_int_equal(bv_zone_reach(z, t[k] + row[i].off), t[k]);
    }
  }
  assert_string_equal(bv_zone_name(bv_zone_utc()), "UTC");
  assert_true(bv_zone_is_utc(bv_zone_utc()));
}

static void refuses_names(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "Nowhere/Nothing",
                                    "/etc/localtime",
                                    "/usr/share/zoneinfo/UTC",
                                    "..",
                                    "../zoneinfo/UTC",
                                    "America/../UTC",
                                    "America/..",
                                    ".",
                                    "./UTC",
                                    "America",
                                    "America/",
                                    "Asia//Tokyo",
                                    "Europe/London ",
                                    "Europe\\London",
                                    "America/New York",
                                    "+5",
                                    "+24:00",
                                    "UTC+1",
                                    "\xC3\xA9",
                                    "%s%n",
                                    "Europe/London/x"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    const bv_zone *z = bv_zone_utc();
    bv_err err = {0};
    assert_int_equal(bv_zone_find(bad[i], &z, &err), BV_NOTFOUND);
    assert_null(z);
    assert_non_null(strstr(err.msg, bad[i]));
    assert_non_null(strstr(err.msg, "IANA name"));
  }
  char longest[5000];
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = 0;
  const bv_zone *z;
  assert_int_equal(bv_zone_find(longest, &z, NULL), BV_NOTFOUND);
  assert_int_equal(bv_zone_find(NULL, &z, NULL), BV_NOTFOUND);
  bv_err err = {0};
  assert_int_equal(bv_zone_find("america/new_yorc", &z, &err), BV_NOTFOUND);
  assert_non_null(strstr(err.msg, "did you mean 'America/New_York'?"));
}

static void refuses_leap_seconds(void **state) {
  (void)state;
  const bv_zone *z;
  bv_err err = {0};
  if (access("/usr/share/zoneinfo/right/Europe/London", R_OK) != 0) {
    print_message("skipped: no right/ zones on this system\n");
    skip();
  }
  assert_int_equal(bv_zone_find("right/Europe/London", &z, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "leap seconds"));
}

typedef struct temp_dir {
  char path[64];
} temp_dir;

static void temp_write(const temp_dir *d, const char *name, const void *p, size_t n) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s", d->path, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(p, 1, n, f), n);
  fclose(f);
}

static void temp_remove(const temp_dir *d, const char *name) {
  char path[160];
  snprintf(path, sizeof path, "%s/%s", d->path, name);
  unlink(path);
}

static const tzif_type types[] = {{-17762, 0}, {-18000, 0}, {-14400, 1}};
static const tzif_jump summer_2006[] = {{1143961200, 2}, {1162101600, 1}};

/* Files found by name: $TZDIR comes first, is left where it lacks the name, and failed loads are
** tried again. */
static void finds_in_tzdir(void **state) {
  (void)state;
  temp_dir d = {"/tmp/bv_zone_XXXXXX"};
  assert_non_null(mkdtemp(d.path));
  assert_int_equal(setenv("TZDIR", d.path, 1), 0);
  tzif_bytes b;
  tzif_make(&b, &(tzif_spec){'2', types, COUNT(types), summer_2006, 2, "EST5"});
  const bv_zone *z;
  bv_err err = {0};

  assert_int_equal(bv_zone_find("Made", &z, NULL), BV_NOTFOUND);
  temp_write(&d, "Made", b.p, b.n - 1);
  assert_int_equal(bv_zone_find("Made", &z, &err), BV_CORRUPT);
  assert_null(z);
  assert_non_null(strstr(err.msg, "zone 'Made': "));
  temp_write(&d, "Made", "", 0);
  assert_int_equal(bv_zone_find("Made", &z, NULL), BV_CORRUPT);
  temp_write(&d, "Made", b.p, b.n);
  assert_int_equal(bv_zone_find("Made", &z, NULL), BV_OK);
  assert_int_equal(bv_zone_offset(z, at("2006-07-01")), -14400);
  temp_remove(&d, "Made");
  const bv_zone *again;
  assert_int_equal(bv_zone_find("Made", &again, NULL), BV_OK);
  assert_ptr_equal(z, again); /* loaded once */

  char *large = calloc(1, (1 << 20) + 1);
  assert_non_null(large);
  temp_write(&d, "Large", large, (1 << 20) + 1);
  free(large);
  bv_err_clear(&err);
  assert_int_equal(bv_zone_find("Large", &z, &err), BV_CORRUPT);
  assert_non_null(strstr(err.msg, "too large"));
  temp_remove(&d, "Large");

  zone("Asia/Tokyo"); /* not in $TZDIR */
  unsetenv("TZDIR");
  assert_int_equal(rmdir(d.path), 0);
}

/* Fail the first, second, ... allocation of a load until none fails. */
static void allocation_failures(void **state) {
  (void)state;
  zone("Europe/Vienna"); /* the map has its first table, and the system its files */
  static const char *const names[] = {"Europe/Madrid", "+07:45"};
  for (size_t i = 0; i < COUNT(names); i++) {
    int64_t n = 0;
    for (;; n++) {
      const bv_zone *z = bv_zone_utc();
      bv_err err = {0};
      int64_t used = bv_mem_used(BV_MEM_TIME);
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_zone_find(names[i], &z, &err);
      int64_t failures = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      if (failures == 0) {
        assert_int_equal(rc, BV_OK);
        assert_non_null(z);
        break;
      }
      assert_int_equal(rc, BV_NOMEM);
      assert_null(z);
      assert_non_null(strstr(err.msg, names[i]));
      assert_int_equal(bv_mem_used(BV_MEM_TIME), used);
    }
    assert_true(n >= 4);
  }
}

/* The offset stays until the instant that is told, and changes there where that is not the one after. */
static void steady_until(void **state) {
  (void)state;
  static const char *const names[] = {"America/New_York",   "Europe/London", "Africa/Casablanca",
                                      "Asia/Tokyo",         "UTC",           "+05:30",
                                      "Australia/Lord_Howe"};
  static const int64_t from[] = {-6000000000, 0, 1600000000, 4000000000, 40000000000, 200000000000};
  for (size_t i = 0; i < COUNT(names); i++) {
    const bv_zone *z = zone(names[i]);
    for (size_t k = 0; k < COUNT(from); k++) {
      for (int64_t t = from[k]; t < from[k] + 30000000; t += 99991) {
        const int64_t until = bv_zone_steady(z, t);
        const int64_t to = until < t + 40000000 ? until : t + 40000000;
        assert_true(until > t);
        for (int64_t u = t; u < to; u += 1 + (to - t) / 7) {
          assert_int_equal(bv_zone_offset(z, u), bv_zone_offset(z, t));
        }
        assert_int_equal(bv_zone_offset(z, to - 1), bv_zone_offset(z, t));
      }
    }
  }
  const bv_zone *z = zone("America/New_York"); /* 2024-03-10 07:00 UTC */
  assert_int_equal(bv_zone_steady(z, 1709251200), 1710054000);
  assert_int_equal(bv_zone_steady(z, 1710053999), 1710054000);
  assert_int_equal(bv_zone_steady(zone("UTC"), 0), INT64_MAX);
}

enum { THREADS = 8 };
static const char *const shared_names[] = {"Europe/Rome", "Asia/Seoul", "America/Denver",
                                           "Australia/Perth", "+03:15"};
typedef struct worker {
  pthread_t thread;
  const bv_zone *found[COUNT(shared_names)];
  int64_t sum;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  for (size_t i = 0; i < COUNT(shared_names); i++) {
    if (bv_zone_find(shared_names[i], &w->found[i], NULL) != BV_OK) return NULL;
    for (int64_t t = -2000000000; t < 4000000000; t += 1000003) {
      w->sum += bv_zone_offset(w->found[i], t) + bv_zone_to_utc(w->found[i], t, NULL) % 1009;
    }
  }
  return NULL;
}

static void many_threads(void **state) {
  (void)state;
  zone("Europe/Vienna");
  static worker w[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(w[i].thread, NULL), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(w[i].sum, w[0].sum);
    for (size_t k = 0; k < COUNT(shared_names); k++) {
      assert_non_null(w[i].found[k]);
      assert_ptr_equal(w[i].found[k], w[0].found[k]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_jumps),           cmocka_unit_test(gaps_and_folds),
      cmocka_unit_test(rules_repeat),          cmocka_unit_test(any_number_is_answered),
      cmocka_unit_test(utc_and_fixed_offsets), cmocka_unit_test(refuses_names),
      cmocka_unit_test(refuses_leap_seconds),  cmocka_unit_test(finds_in_tzdir),
      cmocka_unit_test(allocation_failures),   cmocka_unit_test(many_threads),
      cmocka_unit_test(steady_until),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
