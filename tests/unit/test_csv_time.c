/* test_csv_time.c - formats of times in text files: which one, and what instant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/csv_time.h"

#include <stdio.h>
#include <string.h>

static bv_field field(const char *s) {
  return (bv_field){s, strlen(s)};
}

static const bv_zone *zone_of(const char *name) {
  const bv_zone *z = NULL;
  if (!name) return bv_zone_utc();
  if (bv_zone_find(name, &z, NULL) != BV_OK) {
    print_message("skipped: no time zone %s on this system\n", name);
    skip();
  }
  return z;
}

/* Learn from one stamp and read it. */
static bv_rc read_alone(const char *stamp, const char *clock, const char *zone, bool ms,
                        bv_csv_stamp *out, bv_csv_time *t) {
  const char *why;
  bv_field c = field(clock ? clock : "");
  bv_csv_time_init(t, zone_of(zone), 0, ms);
  bv_csv_time_sample(t, field(stamp), clock ? &c : NULL);
  if (!bv_csv_time_decide(t)) return BV_NOTFOUND;
  return bv_csv_time_read(t, field(stamp), clock ? &c : NULL, out, &why);
}

/* Instants from `date -u -d ... +%s` (GNU coreutils); New York from sources.md, section 3.3. */
static const struct {
  const char *stamp, *clock, *zone, *kind;
  int64_t ts;
  bool date_only;
} good[] = {
    {"2024-01-03", NULL, NULL, "date", 1704240000, true},
    {"2024-01-03 14:30", NULL, NULL, "date-time", 1704292200, false},
    {"2024-01-03T14:30:05", NULL, NULL, "date-time", 1704292205, false},
    {"2024-01-03 14:30:05.999999", NULL, NULL, "date-time", 1704292205, false},
    {"2024-01-03T14:30:00Z", NULL, "America/New_York", "date-time", 1704292200, false},
    {"2024-01-03T14:30:00.000000000Z", NULL, NULL, "date-time", 1704292200, false},
    {"2024-01-03 09:30:00-05:00", NULL, NULL, "date-time", 1704292200, false},
    {"2024-01-03 14:30:00+00:00", NULL, "America/New_York", "date-time", 1704292200, false},
    {"2024-01-03 14:30:00 UTC", NULL, "America/New_York", "date-time", 1704292200, false},
    {"2024-01-03 24:00", NULL, NULL, "date-time", 1704326400, false},
    {"1969-12-31 23:59:59", NULL, NULL, "date-time", -1, false},
    {"2024-02-29", NULL, NULL, "date", 1709164800, true},
    {"2024-01-02 09:30", NULL, "America/New_York", "date-time", 1704205800, false},
    {"2024-03-11 09:30", NULL, "America/New_York", "date-time", 1710163800, false},
    {"2024-07-01 09:30", NULL, "America/New_York", "date-time", 1719840600, false},
    {"2024-11-01 09:30", NULL, "America/New_York", "date-time", 1730467800, false},
    {"2024-11-04 09:30", NULL, "America/New_York", "date-time", 1730730600, false},
    {"2024-01-03", NULL, "America/New_York", "date", 1704258000, true},
    {"20240103", NULL, NULL, "date", 1704240000, true},
    {"20240103 1430", NULL, NULL, "date-time", 1704292200, false},
    {"20240103 14:30", NULL, NULL, "date-time", 1704292200, false},
    {"20240103  14:30:05", NULL, NULL, "date-time", 1704292205, false},
    {"20240103 143005", NULL, NULL, "date-time", 1704292205, false},
    {"20240103T143005Z", NULL, "America/New_York", "date-time", 1704292205, false},
    {"202401031430", NULL, NULL, "date-time", 1704292200, false},
    {"20240103143005", NULL, NULL, "date-time", 1704292205, false},
    {"2024/01/03", NULL, NULL, "date", 1704240000, true},
    {"2024.01.03 14:30", NULL, NULL, "date-time", 1704292200, false},
    {"2024-1-3", NULL, NULL, "date", 1704240000, true},
    {"1/3/2024", NULL, NULL, "date", 1704240000, true},
    {"01/03/2024 14:30:05", NULL, NULL, "date-time", 1704292205, false},
    {"1/3/2024 2:30 PM", NULL, NULL, "date-time", 1704292200, false},
    {"1/3/2024, 2:30:05 pm", NULL, NULL, "date-time", 1704292205, false},
    {"1/3/2024 12:00 AM", NULL, NULL, "date-time", 1704240000, false},
    {"1/3/24", NULL, NULL, "date", 1704240000, true},
    {"1/3/70", NULL, NULL, "date", 172800, true},
    {"01-03-2024", NULL, NULL, "date", 1704240000, true},
    {"13/01/2024", NULL, NULL, "date", 1705104000, true},
    {"01/13/2024", NULL, NULL, "date", 1705104000, true},
    {"03.01.2024 14:30:00.000", NULL, NULL, "date-time", 1704292200, false},
    {"03.01.2024 14:30:00.000 GMT+0100", NULL, NULL, "date-time", 1704288600, false},
    {"1704292200", NULL, "America/New_York", "epoch s", 1704292200, false},
    {"1704292200.75", NULL, NULL, "epoch s", 1704292200, false},
    {"-1.5", NULL, NULL, "epoch s", -2, false},
    {"-1", NULL, NULL, "epoch s", -1, false},
    {"17041231", NULL, NULL, "epoch s", 17041231, false},
    {"1704292200000", NULL, NULL, "epoch ms", 1704292200, false},
    {"1704292200999", NULL, NULL, "epoch ms", 1704292200, false},
    {"1704292200000000", NULL, NULL, "epoch us", 1704292200, false},
    {"1704292200000000000", NULL, NULL, "epoch ns", 1704292200, false},
    {"1704292200999999999", NULL, NULL, "epoch ns", 1704292200, false},
    {"1.7042922e+18", NULL, NULL, "epoch ns", 1704292200, false},
    {"-1000000000001", NULL, NULL, "epoch ms", -1000000001, false},
    {"20240103", "143005", NULL, "date+time", 1704292205, false},
    {"20240103", "093000", NULL, "date+time", 1704274200, false},
    {"20240103", "93000", NULL, "date+time", 1704274200, false},
    {"20240103", "930", NULL, "date+time", 1704274200, false},
    {"20240103", "0", NULL, "date+time", 1704240000, false},
    {"2024-01-03", "14:30", NULL, "date+time", 1704292200, false},
    {"2024.01.03", "14:30:05", NULL, "date+time", 1704292205, false},
    {"1/3/2024", "2:30 PM", NULL, "date+time", 1704292200, false},
    {"2024-01-03 00:00:00", "14:30", NULL, "date+time", 1704292200, false},
    {"2024-01-02", "09:30", "America/New_York", "date+time", 1704205800, false},
};

static void test_good(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    bv_csv_stamp s = {0};
    bv_csv_time t;
    bv_rc rc = read_alone(good[i].stamp, good[i].clock, good[i].zone, false, &s, &t);
    if (rc != BV_OK || s.ts != good[i].ts || s.date_only != good[i].date_only) {
      fail_msg("'%s' '%s': rc %d, %lld", good[i].stamp, good[i].clock ? good[i].clock : "", rc,
               (long long)s.ts);
    }
    assert_string_equal(bv_csv_time_text(&t, good[i].clock != NULL), good[i].kind);
  }
}

static void test_milliseconds_of_day(void **state) {
  (void)state;
  bv_csv_stamp s;
  bv_csv_time t;
  assert_int_equal(read_alone("20240102", "34200000", "America/New_York", true, &s, &t), BV_OK);
  assert_int_equal(s.ts, 1704205800);
  assert_int_equal(read_alone("20240102", "34200999", NULL, true, &s, &t), BV_OK);
  assert_int_equal(s.ts, 1704187800);
  assert_int_equal(read_alone("20240102", "86400000", NULL, true, &s, &t), BV_ARG);
}

static void test_no_times(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "x",
                                    "2024",
                                    "2024-13-01",
                                    "2023-02-29",
                                    "2024-01-32",
                                    "2024-00-10",
                                    "13/13/2024",
                                    "0/1/2024",
                                    "2024-01-03 25:00",
                                    "2024-01-03 14:60",
                                    "2024-01-03 14:30:61",
                                    "2024-01-03 14",
                                    "2024-01-03x",
                                    "1/2/3",
                                    "1/2/20245",
                                    "2024-01-03 24:01",
                                    "2024-01-03 13:00 PM",
                                    "2024-01-03 14:30 +25:00",
                                    "12:30",
                                    "Ticker",
                                    "2024-01-03 14:30 XYZ",
                                    "nan",
                                    "inf",
                                    "1/3-2024"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_csv_stamp s;
    bv_csv_time t;
    bv_rc rc = read_alone(bad[i], NULL, NULL, false, &s, &t);
    bool epoch = !strcmp(bad[i], "2024");
    if (epoch ? rc != BV_OK : rc == BV_OK) fail_msg("'%s' gave %d", bad[i], rc);
    assert_int_equal(bv_csv_time_looks_like(field(bad[i])), epoch);
  }
}

static void test_bad_clocks(void **state) {
  (void)state;
  static const char *const bad[] = {"",       "x",    "25:00",  "2460",    "14:3",    "14:30:5",
                                    "240001", "-930", "14:30x", "1:00 XM", "13:00 AM"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_csv_stamp s;
    bv_csv_time t;
    if (read_alone("2024-01-03", bad[i], NULL, false, &s, &t) != BV_ARG) fail_msg("'%s'", bad[i]);
  }
  bv_csv_stamp s;
  bv_csv_time t;
  assert_int_equal(read_alone("2024-01-03 10:00", "14:30", NULL, false, &s, &t), BV_ARG);
  assert_int_equal(read_alone("1704292200", "14:30", NULL, false, &s, &t), BV_ARG);
}

/* What a sample of dates decides, for a date that can be read both ways: 2024-01-02 or -02-01. */
static const struct {
  const char *sample[4];
  char order;
  bool guessed, day_first;
} orders[] = {
    {{"1/2/2024", "1/3/2024"}, 0, true, false},
    {{"1/2/2024", "1/13/2024"}, 0, false, false},
    {{"1/2/2024", "13/1/2024"}, 0, false, true},
    {{"1.2.2024", "1.3.2024"}, 0, true, true},
    {{"1.2.2024", "1.13.2024"}, 0, false, false},
    {{"1/2/2024"}, 'd', false, true},
    {{"1/2/2024"}, 'm', false, false},
    {{"1/2/2024", "1/13/2024"}, 'd', false, true},
    {{"2024/1/2"}, 0, false, false},
    {{"13/1/2024", "1/13/2024", "14/1/2024"}, 0, false, true},
};

static void test_day_and_month(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    bv_csv_time t;
    bv_csv_time_init(&t, NULL, orders[i].order, false);
    for (int k = 0; k < 4 && orders[i].sample[k]; k++) {
      bv_csv_time_sample(&t, field(orders[i].sample[k]), NULL);
    }
    assert_true(bv_csv_time_decide(&t));
    assert_int_equal(t.guessed, orders[i].guessed);
    bv_csv_stamp s;
    const char *why;
    assert_int_equal(bv_csv_time_read(&t, field("1/2/2024"), NULL, &s, &why), BV_OK);
    assert_int_equal(s.ts, orders[i].day_first ? 1706745600 : 1704153600);
    /* A row that only the other order can read: an error of the file where the order was a guess.
     */
    bv_field other = field(orders[i].day_first ? "1/13/2024" : "13/1/2024");
    assert_int_equal(bv_csv_time_read(&t, other, NULL, &s, &why),
                     orders[i].guessed ? BV_CONFLICT : BV_ARG);
    assert_int_equal(bv_csv_time_read(&t, field("13/13/2024"), NULL, &s, &why), BV_ARG);
  }
}

/* The unit is the file's: stray values of another magnitude are no times, early ones are. */
static void test_epoch_unit(void **state) {
  (void)state;
  bv_csv_time t;
  bv_csv_stamp s;
  const char *why;
  bv_csv_time_init(&t, NULL, 0, false);
  for (int i = 0; i < 3; i++) bv_csv_time_sample(&t, field("1704292200000"), NULL);
  bv_csv_time_sample(&t, field("1704292200"), NULL);
  assert_true(bv_csv_time_decide(&t));
  assert_int_equal(t.unit, 1000);
  assert_int_equal(bv_csv_time_read(&t, field("1704292200000"), NULL, &s, &why), BV_OK);
  assert_int_equal(bv_csv_time_read(&t, field("1704292260"), NULL, &s, &why), BV_ARG);
  assert_non_null(strstr(why, "another unit"));
  assert_int_equal(bv_csv_time_read(&t, field("1704292200000000000"), NULL, &s, &why), BV_ARG);
  assert_int_equal(bv_csv_time_read(&t, field("1704292320000"), NULL, &s, &why), BV_OK);
  assert_int_equal(s.ts, 1704292320);
  /* Milliseconds across 1970, where the counts are small. */
  bv_csv_time_init(&t, NULL, 0, false);
  for (int i = 0; i < 3; i++) bv_csv_time_sample(&t, field("-200000000000"), NULL);
  assert_true(bv_csv_time_decide(&t));
  assert_int_equal(bv_csv_time_read(&t, field("-200000000000"), NULL, &s, &why), BV_OK);
  assert_int_equal(bv_csv_time_read(&t, field("-86400000"), NULL, &s, &why), BV_OK);
  assert_int_equal(s.ts, -86400);
  assert_int_equal(bv_csv_time_read(&t, field("0"), NULL, &s, &why), BV_OK);
}

/* Every quarter of an hour of two years against the plain functions of the time layer, forwards and
** in jumps, so that the caches of the last day and date cannot be wrong unseen. */
static void test_against_instant_parse(void **state) {
  (void)state;
  static const char *const zones[] = {"America/New_York", "Australia/Lord_Howe",
                                      "America/Sao_Paulo", "Asia/Tehran", "Atlantic/Azores"};
  for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
    const bv_zone *zone = zone_of(zones[z]);
    bv_csv_time t;
    bv_csv_time_init(&t, zone, 0, false);
    bv_csv_time_sample(&t, field("2017-01-01 00:00"), NULL);
    assert_true(bv_csv_time_decide(&t));
    enum { QUARTERS = 2 * 365 * 96 };
    for (int64_t i = 0, at = 0; i < QUARTERS;
         i++, at = i < QUARTERS / 2 ? i : (at + 12345) % QUARTERS) {
      char text[32];
      bv_csv_stamp s;
      const char *why;
      int64_t want = 0;
      bv_instant_format(1483228800 + at * 900, text); /* 2017-01-01, as a local wall clock */
      bv_field f = field(text);
      assert_int_equal(bv_instant_parse(f.p, f.n, zone, &want, NULL, NULL), BV_OK);
      assert_int_equal(bv_csv_time_read(&t, f, NULL, &s, &why), BV_OK);
      if (s.ts != want)
        fail_msg("%s %s: %lld, not %lld", zones[z], text, (long long)s.ts, (long long)want);
    }
  }
}

/* A date is the first instant of its day, also where the clock jumps over midnight. */
static void test_date_in_gap(void **state) {
  (void)state;
  bv_csv_stamp s;
  bv_csv_time t;
  /* Sao Paulo, 2017-10-15: 00:00 became 01:00 at 03:00 UTC. */
  assert_int_equal(read_alone("2017-10-15", NULL, "America/Sao_Paulo", false, &s, &t), BV_OK);
  assert_int_equal(s.ts, 1508036400);
}

static void test_range(void **state) {
  (void)state;
  bv_csv_stamp s;
  bv_csv_time t;
  assert_int_equal(read_alone("0000-01-01 00:00+05:00", NULL, NULL, false, &s, &t), BV_ARG);
  assert_int_equal(read_alone("9999-12-31 23:59:59", NULL, NULL, false, &s, &t), BV_OK);
  assert_int_equal(s.ts, BV_INSTANT_MAX);
  assert_int_equal(read_alone("9999-12-31 24:00", NULL, NULL, false, &s, &t), BV_ARG);
  assert_int_equal(read_alone("99999999999999999999999", NULL, NULL, false, &s, &t), BV_NOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_milliseconds_of_day),
      cmocka_unit_test(test_no_times),
      cmocka_unit_test(test_bad_clocks),
      cmocka_unit_test(test_day_and_month),
      cmocka_unit_test(test_epoch_unit),
      cmocka_unit_test(test_against_instant_parse),
      cmocka_unit_test(test_date_in_gap),
      cmocka_unit_test(test_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
