/* test_gap.c - holes in a series, over weekends, changes of clocks, and the ends of what is stored. */
#include "store_fixture.h"

#include "data/gap.h"

static int teardown(void **state) {
  store->clock = BV_NO_CLOCK;
  return teardown_store(state);
}

static int64_t when(const char *text, const bv_zone *zone) {
  bv_err err = {0};
  int64_t t = 0;
  ok(bv_instant_parse(text, strlen(text), zone, &t, NULL, &err), &err);
  return t;
}

static bv_series series_of(const char *asset, const char *step, const char *tz) {
  bv_err err = {0};
  bv_timestep parsed;
  bv_series out;
  ok(bv_timestep_parse(step, strlen(step), &parsed, &err), &err);
  ok(bv_series_make(store, asset, parsed, tz, &out, &err), &err);
  return out;
}

static void put(const bv_series *s, int64_t ts) {
  bv_err err = {0};
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = c <= BV_COL_CLOSE ? 1 : NAN;
  ok(bv_raw_put(store, s, ts, v, BV_CONFLICT_IGNORE, NULL, &err), &err);
  bv_store_changed(store);
}

/* Holes as they come: "kind start..end missing", one per line. */
typedef struct list {
  char text[4000];
  int n, stop_after; /* fail at that many; 0: never */
} list;

static bv_rc note(void *ctx, const bv_gap *g) {
  list *l = ctx;
  char start[32], end[32];
  if (l->stop_after && l->n + 1 == l->stop_after) return BV_LIMIT;
  l->n++;
  bv_instant_format(g->start, start);
  bv_instant_format(g->end, end);
  size_t used = strlen(l->text);
  snprintf(l->text + used, sizeof l->text - used, "%s %s..%s %lld\n", g->kind, start, end,
           (long long)g->missing);
  return BV_OK;
}

static void gaps_are(const bv_series *s, int64_t lo, int64_t hi, const char *want) {
  bv_err err = {0};
  list l = {.n = 0};
  ok(bv_gap_find(store, s, lo, hi, note, &l, &err), &err);
  assert_string_equal(l.text, want);
}

static void all_gaps_are(const bv_series *s, const char *want) {
  gaps_are(s, INT64_MIN, INT64_MAX, want);
}

static void nothing_missing(void **state) {
  (void)state;
  bv_series s = series_of("A", "5 minutes", "UTC");
  all_gaps_are(&s, "");
  put(&s, when("2024-01-02 10:00", NULL));
  all_gaps_are(&s, "");
  put(&s, when("2024-01-02 10:05", NULL));
  put(&s, when("2024-01-02 10:10", NULL));
  put(&s, when("2024-01-03 23:55", NULL)); /* late the next day, and on over midnight */
  put(&s, when("2024-01-04 00:00", NULL));
  put(&s, when("2024-01-05 00:00", NULL)); /* Friday, then Monday */
  put(&s, when("2024-01-08 12:00", NULL));
  all_gaps_are(&s, "");
}

/* The day on which New York has 23 hours, and the one with 25: bars lie in UTC as ever. */
static void changes_of_clocks(void **state) {
  (void)state;
  bv_series s = series_of("NY", "hour", "America/New_York");
  int64_t march = when("2024-03-10 00:00", s.zone), november = when("2024-11-03 00:00", s.zone);
  for (int h = 0; h < 23; h++) put(&s, march + 3600 * h);
  for (int h = 0; h < 25; h++) {
    if (h != 1 && h != 2) put(&s, november + 3600 * h); /* one o'clock, which there is twice */
  }
  gaps_are(&s, march, march + 86400, "");
  gaps_are(&s, november, november + 90000, "intraday 2024-11-03 05:00:00..2024-11-03 07:00:00 2\n");
  /* weekdays between the two Sundays: 34 weeks of five, in one hole */
  gaps_are(&s, march + 82800 - 3600, november + 1,
           "day 2024-03-11 04:00:00..2024-11-02 04:00:00 170\n");
}

static void weekends(void **state) {
  (void)state;
  static const struct {
    const char *first, *second, *want;
  } cases[] = {
      {"2024-01-05", "2024-01-08", ""}, /* Fri, Mon */
      {"2024-01-05", "2024-01-06", ""}, /* Fri, Sat */
      {"2024-01-06", "2024-01-07", ""}, /* Sat, Sun */
      {"2024-01-04", "2024-01-06", "day 2024-01-05 00:00:00..2024-01-06 00:00:00 1\n"},
      {"2024-01-05", "2024-01-09", "day 2024-01-08 00:00:00..2024-01-09 00:00:00 1\n"},
      {"2024-01-04", "2024-01-09", "day 2024-01-05 00:00:00..2024-01-09 00:00:00 2\n"},
      {"2024-01-07", "2024-01-13", "day 2024-01-08 00:00:00..2024-01-13 00:00:00 5\n"},
      {"1969-12-31", "1970-01-05", "day 1970-01-01 00:00:00..1970-01-03 00:00:00 2\n"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    for (int intraday = 0; intraday < 2; intraday++) {
      char asset[32];
      snprintf(asset, sizeof asset, "W%d%d", (int)i, intraday);
      bv_series s = series_of(asset, intraday ? "minute" : "day", "UTC");
      put(&s, when(cases[i].first, NULL) + intraday * 36000);
      put(&s, when(cases[i].second, NULL) + intraday * 36000);
      all_gaps_are(&s, cases[i].want);
    }
  }
}

/* Bars of days by when they open: 17:00 and later belong to the next day. */
static void day_bars(void **state) {
  (void)state;
  static const struct {
    const char *time;
    const char *want;
  } cases[] = {
      {"00:00", "day 2024-06-05 04:00:00..2024-06-06 04:00:00 1\n"},
      {"09:30", "day 2024-06-05 04:00:00..2024-06-06 04:00:00 1\n"},
      {"16:59", "day 2024-06-05 04:00:00..2024-06-06 04:00:00 1\n"},
      {"17:00", "day 2024-06-06 04:00:00..2024-06-07 04:00:00 1\n"},
      {"23:00", "day 2024-06-06 04:00:00..2024-06-07 04:00:00 1\n"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char asset[32], text[32];
    snprintf(asset, sizeof asset, "D%d", (int)i);
    bv_series s = series_of(asset, "day", "America/New_York");
    for (int day = 3; day <= 6; day++) { /* Monday to Thursday without Wednesday */
      if (day == 5) continue;
      snprintf(text, sizeof text, "2024-06-%02d %s", day, cases[i].time);
      put(&s, when(text, s.zone));
    }
    all_gaps_are(&s, cases[i].want);
  }
}

static void longer_periods(void **state) {
  (void)state;
  bv_series s = series_of("P", "2 days", "UTC"), m = series_of("P", "3 months", "UTC");
  static const char *const days[] = {"2024-01-01", "2024-01-03", "2024-01-09", "2024-01-10"};
  for (size_t i = 0; i < COUNT(days); i++) put(&s, when(days[i], NULL));
  all_gaps_are(&s, "period 2024-01-05 00:00:00..2024-01-09 00:00:00 2\n");
  put(&m, when("2023-01-01", NULL));
  put(&m, when("2023-04-01", NULL));
  put(&m, when("2024-01-01", NULL));
  all_gaps_are(&m, "period 2023-07-01 00:00:00..2024-01-01 00:00:00 2\n");
}

/* Only bars in the range and by the clock count. */
static void range_and_clock(void **state) {
  (void)state;
  bv_series s = series_of("R", "minute", "UTC");
  int64_t t = when("2024-01-02 10:00", NULL);
  static const int at[] = {0, 2, 4, 7};
  for (size_t i = 0; i < COUNT(at); i++) put(&s, t + 60 * at[i]);
  gaps_are(&s, t + 60, t + 300, "intraday 2024-01-02 10:03:00..2024-01-02 10:04:00 1\n");
  gaps_are(&s, t + 60, t + 240, "");
  store->clock = t + 60 * 5; /* the bar of 10:04 has just ended, that of 10:07 has not begun */
  all_gaps_are(&s, "intraday 2024-01-02 10:01:00..2024-01-02 10:02:00 1\n"
                   "intraday 2024-01-02 10:03:00..2024-01-02 10:04:00 1\n");
  store->clock = t + 60 * 5 - 1;
  all_gaps_are(&s, "intraday 2024-01-02 10:01:00..2024-01-02 10:02:00 1\n");
}

/* Sealed bars and rows alike, against the bars themselves. */
static void against_the_bars(void **state) {
  (void)state;
  model m = model_new("minute", 1700000000, 3000, 9, false, 8);
  model_store(store, &m, "A", "minute", "UTC");
  char *want = malloc(200000), *end = want;
  *want = 0;
  int n = 0;
  for (int64_t i = 1; i < m.n; i++) {
    int64_t a = m.ts[i - 1], b = m.ts[i];
    if (a / 86400 != b / 86400 || b - a <= 60) continue;
    n++;
    end += sprintf(end, "%lld %lld;", (long long)a + 60, (long long)(b - a) / 60 - 1);
  }
  assert_true(n > 20);
  char *got = sql_text(db, "SELECT group_concat(start || ' ' || missing || ';', '') FROM"
                           " bars_gap('A', 'minute') WHERE kind = 'intraday'");
  assert_string_equal(got, want);
  sqlite3_free(got);
  free(want);
  model_free(&m);
}

static void ends_on_error(void **state) {
  (void)state;
  bv_series s = series_of("E", "minute", "UTC");
  for (int i = 0; i < 10; i++) put(&s, 120 * i);
  for (int stop = 1; stop <= 9; stop++) {
    bv_err why = {0};
    list l = {.stop_after = stop};
    assert_int_equal(bv_gap_find(store, &s, INT64_MIN, INT64_MAX, note, &l, &why), BV_LIMIT);
    assert_int_equal(l.n, stop - 1);
  }
  int64_t failed = 1;
  for (int64_t n = 0; failed; n++) {
    bv_err why = {0};
    list l = {.n = 0};
    bv_store_changed(store);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_gap_find(store, &s, INT64_MIN, INT64_MAX, note, &l, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (!failed) assert_int_equal(l.n, 9);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_missing, setup_store, teardown),
      cmocka_unit_test_setup_teardown(changes_of_clocks, setup_store, teardown),
      cmocka_unit_test_setup_teardown(weekends, setup_store, teardown),
      cmocka_unit_test_setup_teardown(day_bars, setup_store, teardown),
      cmocka_unit_test_setup_teardown(longer_periods, setup_store, teardown),
      cmocka_unit_test_setup_teardown(range_and_clock, setup_store, teardown),
      cmocka_unit_test_setup_teardown(against_the_bars, setup_store, teardown),
      cmocka_unit_test_setup_teardown(ends_on_error, setup_store, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
