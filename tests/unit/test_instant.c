/*
** test_instant.c - civil dates and ISO-8601 text.
**
** SQLite's date functions are the reference for dates and for the printed form; the examples of
** RFC 3339, section 5.8, for the text.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "time/instant.h"
#include "time/zone.h"

#define UNTOUCHED 4242

/* A small generator with a fixed seed: the same numbers on every run and machine. */
static uint64_t next_random(uint64_t *s) {
  *s = *s * 6364136223846793005u + 1442695040888963407u;
  return *s >> 24;
}

static int64_t random_instant(uint64_t *s) {
  uint64_t span = (uint64_t)(BV_INSTANT_MAX - BV_INSTANT_MIN) + 1;
  return BV_INSTANT_MIN + (int64_t)(next_random(s) % span);
}

/* Parse a copy of exactly n bytes, so that a read past the end is seen by the sanitizer. */
static bv_rc parse_n(const char *text, size_t n, const bv_zone *zone, int64_t *out, bool *date_only,
                     bv_err *err) {
  char *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, text, n);
  bv_rc rc = bv_instant_parse(copy, n, zone, out, date_only, err);
  free(copy);
  return rc;
}

static bv_rc parse(const char *text, int64_t *out) {
  return parse_n(text, strlen(text), NULL, out, NULL, NULL);
}

static void floor_division(void **state) {
  (void)state;
  static const int64_t row[][4] = {{7, 3, 2, 1},
                                   {-7, 3, -3, 2},
                                   {6, 3, 2, 0},
                                   {-6, 3, -2, 0},
                                   {0, 5, 0, 0},
                                   {-1, 86400, -1, 86399},
                                   {INT64_MIN, 1, INT64_MIN, 0},
                                   {INT64_MAX, 2, INT64_MAX / 2, 1}};
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    assert_int_equal(bv_floor_div(row[i][0], row[i][1]), row[i][2]);
    assert_int_equal(bv_floor_mod(row[i][0], row[i][1]), row[i][3]);
  }
}

/* Every day of years 0000 to 9999 follows the one before it by the calendar's own rule. */
static void every_day_follows_the_last(void **state) {
  (void)state;
  int64_t first = bv_days_from_civil(0, 1, 1), last = bv_days_from_civil(9999, 12, 31);
  assert_int_equal(first, BV_INSTANT_MIN / 86400);
  assert_int_equal(last, BV_INSTANT_MAX / 86400);
  int64_t want_y = 0;
  int want_m = 1, want_d = 1;
  for (int64_t day = first; day <= last; day++) {
    int64_t y;
    int m, d;
    bv_civil_from_days(day, &y, &m, &d);
    if (y != want_y || m != want_m || d != want_d || bv_days_from_civil(y, m, d) != day) {
      fail_msg("day %lld is %lld-%d-%d", (long long)day, (long long)y, m, d);
    }
    if (++want_d > bv_month_days(want_y, want_m)) {
      want_d = 1;
      if (++want_m > 12) {
        want_m = 1;
        want_y++;
      }
    }
  }
  assert_int_equal(want_y, 10000);
}

static void days_may_run_past_the_month(void **state) {
  (void)state;
  assert_int_equal(bv_days_from_civil(2024, 2, 30), bv_days_from_civil(2024, 3, 1));
  assert_int_equal(bv_days_from_civil(2023, 12, 32), bv_days_from_civil(2024, 1, 1));
  assert_int_equal(bv_days_from_civil(-1, 12, 31), bv_days_from_civil(0, 1, 1) - 1);
  assert_int_equal(bv_days_from_civil(1970, 1, 1), 0);
}

static void prints_as_sqlite(void **state) {
  (void)state;
  sqlite3 *db;
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT datetime(?1, 'unixepoch')", -1, &st, NULL),
                   SQLITE_OK);
  uint64_t seed = 7;
  for (int i = 0; i < 20000; i++) {
    int64_t t = i == 0 ? BV_INSTANT_MIN : i == 1 ? BV_INSTANT_MAX : random_instant(&seed), back;
    char text[32];
    sqlite3_bind_int64(st, 1, t);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    bv_instant_format(t, text);
    assert_string_equal(text, (const char *)sqlite3_column_text(st, 0));
    assert_int_equal(parse(text, &back), BV_OK);
    assert_int_equal(back, t);
    sqlite3_reset(st);
  }
  sqlite3_finalize(st);
  sqlite3_close(db);
}

static void prints_invalid_as_number(void **state) {
  (void)state;
  char text[32];
  bv_instant_format(BV_INSTANT_MAX + 1, text);
  assert_string_equal(text, "253402300800");
  bv_instant_format(BV_INSTANT_MIN - 1, text);
  assert_string_equal(text, "-62167219201");
  bv_instant_format(INT64_MIN, text);
  assert_string_equal(text, "-9223372036854775808");
}

static void reads_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t t;
    bool date_only;
  } row[] = {
      {"1985-04-12T23:20:50.52Z", 482196050, false},        /* RFC 3339, 5.8 */
      {"1996-12-19T16:39:57-08:00", 851042397, false},      /* RFC 3339, 5.8 */
      {"1937-01-01T12:00:27.87+00:20", -1041337173, false}, /* RFC 3339, 5.8 */
      {"1970-01-01", 0, true},
      {"1970-01-01 00:00", 0, false},
      {"1970-01-01 00:00:00", 0, false},
      {"1970-01-01T00:00:01", 1, false},
      {"1970-01-01   00:00:01", 1, false},
      {"1970-01-01 00:00:01.999999999999", 1, false},
      {"1969-12-31 23:59:59.9", -1, false},
      {"1970-01-01T01:30Z", 5400, false},
      {"1970-01-01T01:30+01", 1800, false},
      {"1970-01-01T01:30+0130", 0, false},
      {"1970-01-01T01:30-01:30", 10800, false},
      {"1970-01-01T23:59:59+23:59", 59, false},
      {"19700102", 86400, true},
      {"19700101T000001", 1, false},
      {"19700101 000001", 1, false},
      {"19700101T000001Z", 1, false},
      {"1970-01-01T24:00", 86400, false},
      {"1970-01-01 24:00:00", 86400, false},
      {"1970-01-01 24:00:00.000", 86400, false},
      {"2024-02-29", 1709164800, true},
      {"2000-02-29 12:00:00", 951825600, false},
      {"0000-01-01", BV_INSTANT_MIN, true},
      {"9999-12-31 23:59:59", BV_INSTANT_MAX, false},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    int64_t t = UNTOUCHED;
    bool date_only = !row[i].date_only;
    bv_err err = {0};
    bv_rc rc = parse_n(row[i].text, strlen(row[i].text), NULL, &t, &date_only, &err);
    if (rc != BV_OK || t != row[i].t || date_only != row[i].date_only) {
      fail_msg("'%s': rc %d, %lld, date only %d: %s", row[i].text, rc, (long long)t, date_only,
               err.msg);
    }
  }
}

static void refuses_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_rc rc;
  } row[] = {
      {"", BV_ARG},
      {"yesterday", BV_ARG},
      {"1704292200", BV_ARG},
      {"2024", BV_ARG},
      {"2024-01", BV_ARG},
      {"2024-1-03", BV_ARG},
      {"24-01-03", BV_ARG},
      {"02024-01-03", BV_ARG},
      {"-2024-01-03", BV_ARG},
      {"+2024-01-03", BV_ARG},
      {"2024/01/03", BV_ARG},
      {"2024-0103", BV_ARG},
      {"202401-03", BV_ARG},
      {" 2024-01-03", BV_ARG},
      {"2024-01-03 ", BV_ARG},
      {"2024-01-03Z", BV_ARG},
      {"2024-01-03T", BV_ARG},
      {"2024-01-03T14", BV_ARG},
      {"2024-01-03t14:30", BV_ARG},
      {"2024-01-03_14:30:00", BV_ARG},
      {"2024-01-03T 14:30", BV_ARG},
      {"2024-01-03 14:3", BV_ARG},
      {"2024-01-03 1430", BV_ARG},
      {"2024-01-03 14:30:", BV_ARG},
      {"2024-01-03 14:30:0", BV_ARG},
      {"2024-01-03 14:30:00.", BV_ARG},
      {"2024-01-03 14:30:00,5", BV_ARG},
      {"2024-01-03 14:30:00 Z", BV_ARG},
      {"2024-01-03 14:30:00z", BV_ARG},
      {"2024-01-03 14:30:00ZZ", BV_ARG},
      {"2024-01-03 14:30.5", BV_ARG},
      {"2024-01-03 14:30+1", BV_ARG},
      {"2024-01-03 14:30+01:0", BV_ARG},
      {"2024-01-03 14:30+01:", BV_ARG},
      {"2024-01-03 14:30+01:00x", BV_ARG},
      {"2024-01-03 14:30:00 PM", BV_ARG},
      {"20240103T1430", BV_ARG},
      {"20240103143000", BV_ARG},
      {"2024-00-01", BV_RANGE},
      {"2024-13-01", BV_RANGE},
      {"2024-01-00", BV_RANGE},
      {"2024-01-32", BV_RANGE},
      {"2023-02-29", BV_RANGE},
      {"1900-02-29 00:00:00", BV_RANGE},
      {"2024-04-31 12:00:00", BV_RANGE},
      {"2024-01-03 25:00", BV_RANGE},
      {"2024-01-03 24:00:01", BV_RANGE},
      {"2024-01-03 24:01", BV_RANGE},
      {"2024-01-03 24:00:00.5", BV_RANGE},
      {"2024-01-03 14:60:00", BV_RANGE},
      {"2024-01-03 14:30:60", BV_RANGE},
      {"2024-01-03 14:30+24:00", BV_RANGE},
      {"2024-01-03 14:30+01:60", BV_RANGE},
      {"9999-12-31T24:00", BV_RANGE},
      {"9999-12-31 23:59:59-00:01", BV_RANGE},
      {"0000-01-01 00:00:00+00:01", BV_RANGE},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    int64_t t = UNTOUCHED;
    bv_err err = {0};
    bv_rc rc = parse_n(row[i].text, strlen(row[i].text), NULL, &t, NULL, &err);
    if (rc != row[i].rc || err.rc != row[i].rc || t != UNTOUCHED || !err.msg[0]) {
      fail_msg("'%s': rc %d, want %d: %s", row[i].text, rc, row[i].rc, err.msg);
    }
    if (row[i].text[0]) assert_non_null(strstr(err.msg, row[i].text));
  }
}

/* Whatever one byte of a good text becomes: a time or an error, never a changed *out and an error.
 */
static void survives_every_byte(void **state) {
  (void)state;
  static const char *const good[] = {"2024-01-03 14:30:00", "2024-01-03T14:30:00.25+05:30",
                                     "20240103T143000Z"};
  int accepted = 0, refused = 0;
  for (size_t g = 0; g < sizeof good / sizeof good[0]; g++) {
    size_t n = strlen(good[g]);
    for (size_t at = 0; at < n; at++) {
      for (int c = 0; c < 256; c++) {
        char text[40];
        memcpy(text, good[g], n);
        text[at] = (char)c;
        int64_t t = UNTOUCHED;
        bv_rc rc = parse_n(text, n, NULL, &t, NULL, NULL);
        assert_true(rc == BV_OK || rc == BV_ARG || rc == BV_RANGE);
        assert_true((rc == BV_OK) == (t != UNTOUCHED));
        rc == BV_OK ? accepted++ : refused++;
      }
    }
  }
  assert_true(accepted > 100 && refused > 10000);
}

/* The quick reader and the scanner give the same answer: 'Z' sends the same fields to the other. */
static void quick_reader_agrees(void **state) {
  (void)state;
  uint64_t seed = 11;
  int valid = 0;
  for (int i = 0; i < 200000; i++) {
    char text[32];
    int64_t a = UNTOUCHED, b = UNTOUCHED;
    snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02dZ",
             (int)(next_random(&seed) % 10000), (int)(next_random(&seed) % 14),
             (int)(next_random(&seed) % 33), next_random(&seed) % 2 ? ' ' : 'T',
             (int)(next_random(&seed) % 26), (int)(next_random(&seed) % 62),
             (int)(next_random(&seed) % 62));
    bv_rc quick = bv_instant_parse(text, 19, NULL, &a, NULL, NULL);
    bv_rc slow = bv_instant_parse(text, 20, NULL, &b, NULL, NULL);
    assert_int_equal(quick, slow);
    assert_int_equal(a, b);
    valid += quick == BV_OK;
  }
  assert_true(valid > 100000);
}

static void reads_local_time(void **state) {
  (void)state;
  const bv_zone *ny;
  bv_err err = {0};
  if (bv_zone_find("America/New_York", &ny, &err) == BV_NOTFOUND) {
    print_message("skipped: no zone files on this system\n");
    skip();
  }
  static const struct {
    const char *text, *utc;
  } row[] = {
      {"2024-01-03 09:30:00", "2024-01-03 14:30:00"},
      {"2024-07-03 09:30", "2024-07-03 13:30:00"},
      {"2024-07-03", "2024-07-03 04:00:00"},
      {"20240703", "2024-07-03 04:00:00"},
      {"2024-03-10 02:30:00", "2024-03-10 07:30:00"},  /* gap: the offset before it, -5 h */
      {"2024-11-03 01:30:00", "2024-11-03 05:30:00"},  /* fold: the first, still -4 h */
      {"2024-07-03 09:30:00Z", "2024-07-03 09:30:00"}, /* an offset wins over the zone */
      {"2024-07-03 09:30:00+02:00", "2024-07-03 07:30:00"},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    int64_t t;
    char text[32];
    assert_int_equal(parse_n(row[i].text, strlen(row[i].text), ny, &t, NULL, &err), BV_OK);
    bv_instant_format(t, text);
    assert_string_equal(text, row[i].utc);
  }
  int64_t t = UNTOUCHED;
  assert_int_equal(parse_n("9999-12-31 23:00:00", 19, ny, &t, NULL, &err), BV_RANGE);
  assert_int_equal(t, UNTOUCHED);
}

static void reads_offsets(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_rc rc;
    int32_t off;
  } row[] = {
      {"+05:30", BV_OK, 19800}, {"-0330", BV_OK, -12600}, {"+14", BV_OK, 50400},
      {"-00:00", BV_OK, 0},     {"+23:59", BV_OK, 86340}, {"05:30", BV_ARG, 0},
      {"+5:30", BV_ARG, 0},     {"+", BV_ARG, 0},         {"", BV_ARG, 0},
      {"+053", BV_ARG, 0},      {"+05:30:00", BV_ARG, 0}, {"+24", BV_RANGE, 0},
      {"+05:60", BV_RANGE, 0},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    int32_t off = 0;
    assert_int_equal(bv_offset_parse(row[i].text, strlen(row[i].text), &off), row[i].rc);
    assert_int_equal(off, row[i].off);
  }
}

static void hints_at_milliseconds(void **state) {
  (void)state;
  static const struct {
    int64_t t;
    const char *says; /* NULL: valid */
  } row[] = {
      {0, NULL},
      {BV_INSTANT_MIN, NULL},
      {BV_INSTANT_MAX, NULL},
      {BV_INSTANT_MAX + 1, "milliseconds"},
      {BV_INSTANT_MIN - 1, "milliseconds"},
      {1704292200000, "looks like milliseconds: divide by 1000"},
      {1704292200000000, "microseconds: divide by 1000000"},
      {1704292200000000000, "nanoseconds: divide by 1000000000"},
      {INT64_MIN, "nanoseconds"},
  };
  for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
    bv_err err = {0};
    bv_rc rc = bv_instant_check(row[i].t, &err);
    assert_int_equal(rc, row[i].says ? BV_RANGE : BV_OK);
    if (row[i].says) assert_non_null(strstr(err.msg, row[i].says));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floor_division),
      cmocka_unit_test(every_day_follows_the_last),
      cmocka_unit_test(days_may_run_past_the_month),
      cmocka_unit_test(prints_as_sqlite),
      cmocka_unit_test(prints_invalid_as_number),
      cmocka_unit_test(reads_text),
      cmocka_unit_test(refuses_text),
      cmocka_unit_test(survives_every_byte),
      cmocka_unit_test(quick_reader_agrees),
      cmocka_unit_test(reads_local_time),
      cmocka_unit_test(reads_offsets),
      cmocka_unit_test(hints_at_milliseconds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
