/*
** test_tzif.c - zone files: the footer's rules, files of every version, and damaged ones.
**
** Files are made in memory, so these tests need no zone directory; one takes a real file through all
** its truncations as well.
*/
#include "time_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "time/posix_tz.h"
#include "time/zone_table.h"
#include "tzif_make.h"

#define CYCLE_S (146097LL * DAY_S)

static const char *shown(int64_t t) {
  static char text[32];
  bv_instant_format(t, text);
  return text;
}

static void tz_texts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t std, dst;
    bool has_dst;
  } good[] = {
      {"UTC0", 0, 0, false},
      {"EST5", -18000, -18000, false},
      {"<+0330>-3:30", 12600, 12600, false},
      {"<-00>0", 0, 0, false},
      {"ABC-24:59:59", 89999, 89999, false},
      {"EST5EDT,M3.2.0,M11.1.0", -18000, -14400, true},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", 3600, 0, true},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 37800, 39600, true},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", 7200, 10800, true},
      {"XXX3EDT4,0/0,J365/23", -10800, -14400, true},
      {"AAA+3BBB,J1/-167,365/167:59:59", -10800, -7200, true},
  };
  for (size_t i = 0; i < COUNT(good); i++) {
    bv_posix_tz tz;
    bv_err err = {0};
    assert_int_equal(bv_posix_tz_parse(good[i].text, strlen(good[i].text), &tz, &err), BV_OK);
    assert_int_equal(tz.std_s, good[i].std);
    assert_int_equal(tz.dst_s, good[i].dst);
    assert_int_equal(tz.has_dst, good[i].has_dst);
  }
  static const char *const bad[] = {
      "",
      "EST",
      "ES5",
      "<+3>3",
      "<+03",
      "<+03>",
      "<+0_3>3",
      "5EST",
      "EST25",
      "EST5:60",
      "EST5:00:60",
      "EST5 ",
      "EST5EDT",
      "EST5ED,M3.2.0,M11.1.0",
      "EST5,M3.2.0,M11.1.0",
      "EST5EDT,M3.2.0",
      "EST5EDT,M3.2.0,",
      "EST5EDT,M3.2.0,M11.1.0,",
      "EST5EDT,M3.2.0,M11.1.0x",
      "EST5EDT,M13.2.0,M11.1.0",
      "EST5EDT,M0.2.0,M11.1.0",
      "EST5EDT,M3.0.0,M11.1.0",
      "EST5EDT,M3.6.0,M11.1.0",
      "EST5EDT,M3.2.7,M11.1.0",
      "EST5EDT,M3.2,M11.1.0",
      "EST5EDT,J0,J300",
      "EST5EDT,J366,J300",
      "EST5EDT,366,300",
      "EST5EDT,M3.2.0/168,M11.1.0",
      "EST5EDT,M3.2.0/,M11.1.0",
      "EST5EDT,M3.2.0/2:,M11.1.0",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    bv_posix_tz tz;
    bv_err err = {0};
    if (bv_posix_tz_parse(bad[i], strlen(bad[i]), &tz, &err) != BV_CORRUPT) {
      fail_msg("'%s' was taken", bad[i]);
    }
    assert_non_null(strstr(err.msg, bad[i]));
  }
}

static void tz_edges(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int year;
    const char *start, *end;
  } row[] = {
      {"EST5EDT,M3.2.0,M11.1.0", 2024, "2024-03-10 07:00:00", "2024-11-03 06:00:00"},
      /* RFC 8536, 3.3.1: 26 hours after the fourth Thursday of March; last Sunday of October */
      {"IST-2IDT,M3.4.4/26,M10.5.0", 2013, "2013-03-29 00:00:00", "2013-10-26 23:00:00"},
      /* RFC 8536, 3.3.1: two and one hours before the last Sundays */
      {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", 2018, "2018-03-25 01:00:00", "2018-10-28 01:00:00"},
      /* J60 is 1 March in every year, 59 only in common years */
      {"AAA0BBB,J60/0,59/0", 2023, "2023-03-01 00:00:00", "2023-02-28 23:00:00"},
      {"AAA0BBB,J60/0,59/0", 2024, "2024-03-01 00:00:00", "2024-02-28 23:00:00"},
      {"AAA0BBB,J59/0,365/0", 2024, "2024-02-28 00:00:00", "2024-12-30 23:00:00"},
      {"AAA0BBB,J1/-167,J365/167", 2024, "2023-12-25 01:00:00", "2025-01-06 22:00:00"},
      /* south of the equator, and a fifth week that is the fourth */
      {"AEST-10AEDT,M10.1.0,M4.1.0/3", 2024, "2024-10-05 16:00:00", "2024-04-06 16:00:00"},
      {"AAA0BBB,M2.5.6/0,M2.5.4/0", 2024, "2024-02-24 00:00:00", "2024-02-28 23:00:00"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_posix_tz tz;
    int64_t start, end;
    assert_int_equal(bv_posix_tz_parse(row[i].text, strlen(row[i].text), &tz, NULL), BV_OK);
    bv_posix_tz_edges(&tz, row[i].year, &start, &end);
    assert_string_equal(shown(start), row[i].start);
    assert_string_equal(shown(end), row[i].end);
  }
}

static const tzif_type types[] = {{-17762, 0}, {-18000, 0}, {-14400, 1}};
static const tzif_jump summer_2006[] = {{1143961200, 2}, {1162101600, 1}};
static const tzif_jump from_1883[] = {{-2717650800, 1}, {1143961200, 2}, {1162101600, 1}};

static bv_zone *build(const tzif_spec *spec) {
  tzif_bytes b;
  bv_zone *z;
  bv_err err = {0};
  tzif_make(&b, spec);
  if (bv_zone_build("Test/Made", b.p, b.n, &z, &err) != BV_OK) fail_msg("%s", err.msg);
  return z;
}

/* Ask a zone all over the place; answers must agree with each other whatever the zone is. */
static void exercise(const bv_zone *z) {
  int64_t last = INT64_MIN;
  for (int64_t x = BV_INSTANT_MIN; x <= BV_INSTANT_MAX; x += 1000000007) {
    int64_t local = bv_zone_to_local(z, x), reach = bv_zone_reach(z, x);
    assert_int_equal(local - x, bv_zone_offset(z, x));
    assert_true(bv_zone_reach(z, local) <= x);
    assert_true(reach >= last && reach - x > -200000 && reach - x < 200000);
    assert_true(bv_zone_to_utc(z, x, NULL) >= reach);
    last = reach;
  }
  for (size_t i = 0; i < z->n; i++) {
    assert_true(i == 0 || z->at[i] > z->at[i - 1]);
    assert_true(z->off[i] != z->off[i + 1]);
    assert_int_equal(bv_zone_offset(z, z->at[i]), z->off[i + 1]);
    assert_int_equal(bv_zone_offset(z, z->at[i] - 1), z->off[i]);
  }
}

static void every_version(void **state) {
  (void)state;
  static const char version[] = {0, '2', '3', '4'};
  for (size_t i = 0; i < COUNT(version); i++) {
    tzif_spec s = {
        version[i], types, COUNT(types), from_1883, COUNT(from_1883), "EST5EDT,M3.2.0,M11.1.0"};
    if (version[i] == 0) { /* 4-byte times do not reach 1883, and there is no footer */
      s.jump = summer_2006;
      s.njump = COUNT(summer_2006);
    }
    bv_zone *z = build(&s);
    assert_int_equal(bv_zone_offset(z, at("1850-01-01")), -17762);
    assert_int_equal(bv_zone_offset(z, at("1900-01-01")), version[i] ? -18000 : -17762);
    assert_int_equal(bv_zone_offset(z, at("2006-07-01")), -14400);
    assert_int_equal(bv_zone_offset(z, at("2006-12-01")), -18000);
    assert_int_equal(bv_zone_offset(z, at("2007-07-01")), version[i] ? -14400 : -18000);
    bv_zone_free(z);
  }
}

static void odd_footers(void **state) {
  (void)state;
  static const struct {
    const char *footer, *t;
    int32_t off;
  } row[] = {
      {"", "2050-07-01", -18000}, /* the last type stays */
      {"EST5", "2050-07-01", -18000},
      {"EST5EDT,0/0,J365/25", "2050-07-01", -14400}, /* DST all year: RFC 8536, 3.3.1 */
      {"EST5EDT,0/0,J365/25", "2052-12-31 23:30:00", -14400},
      {"EST5EDT,0/0,J365/25", "2053-01-01 05:00:00", -14400},
      {"EST5EDT,0/0,J365/26", "2053-01-01 05:30:00", -14400},   /* ends after the next start */
      {"EST5EDT,J100/0,J100/1", "2050-04-10 05:00:00", -18000}, /* starts as it ends */
      {"EST5EDT,M10.1.0,M4.1.0/3", "2051-01-01", -14400},
      {"EST5EDT,M10.1.0,M4.1.0/3", "2051-07-01", -18000},
      {"EST5EDT,J1/-167,J200", "2050-12-26 00:00:00", -14400}, /* 2051's start lies in 2050 */
      {"EST5EDT,J1/-167,J200", "2050-12-24 00:00:00", -18000},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_zone *z = build(&(tzif_spec){'3', types, COUNT(types), summer_2006, 2, row[i].footer});
    for (int k = 0; k < 5; k++) {
      if (bv_zone_offset(z, at(row[i].t) + k * CYCLE_S) != row[i].off) {
        fail_msg("%s at %s + %d cycles", row[i].footer, row[i].t, k);
      }
    }
    exercise(z);
    bv_zone_free(z);
  }
}

/* No transition stored: the footer holds for all times, also long past ones. */
static void footer_alone(void **state) {
  (void)state;
  bv_zone *z = build(&(tzif_spec){'2', types + 1, 1, NULL, 0, "EST5EDT,M3.2.0,M11.1.0"});
  assert_int_equal(bv_zone_offset(z, at("0001-07-01")), -14400);
  assert_int_equal(bv_zone_offset(z, at("1024-07-01")), -14400);
  assert_int_equal(bv_zone_offset(z, at("1024-12-01")), -18000);
  assert_int_equal(bv_zone_offset(z, at("9999-07-01")), -14400);
  bv_zone_free(z);
  z = build(&(tzif_spec){'2', types + 1, 1, NULL, 0, "<+00>0"});
  assert_true(bv_zone_is_utc(z));
  bv_zone_free(z);
}

/* A zic of 2022 left out the no-op transition of America/Ojinaga on 2022-11-30; the offset of the
** last stored one must hold until the rule's next edge. */
static void footer_that_starts_later(void **state) {
  (void)state;
  static const tzif_type type[] = {{-25200, 0}, {-21600, 0}};
  static const tzif_jump jump[] = {{1667116800, 1}}; /* 2022-10-30 08:00 UTC, to CST */
  bv_zone *z = build(&(tzif_spec){'2', type, 2, jump, 1, "CST6CDT,M3.2.0,M11.1.0"});
  assert_int_equal(bv_zone_offset(z, at("2022-10-30 07:59:59")), -25200);
  assert_int_equal(bv_zone_offset(z, at("2022-11-01")), -21600);
  assert_int_equal(bv_zone_offset(z, at("2022-12-01")), -21600);
  assert_int_equal(bv_zone_offset(z, at("2023-07-01")), -18000);
  bv_zone_free(z);
}

static void transitions_outside_the_years(void **state) {
  (void)state;
  static const tzif_jump jump[] = {{-(1LL << 59), 1}, {0, 2}, {INT64_MAX, 1}};
  bv_zone *z = build(&(tzif_spec){'2', types, COUNT(types), jump, COUNT(jump), "EST5"});
  assert_int_equal(bv_zone_offset(z, BV_INSTANT_MIN), -18000);
  assert_int_equal(bv_zone_offset(z, -1), -18000);
  assert_int_equal(bv_zone_offset(z, 0), -14400);
  assert_int_equal(bv_zone_offset(z, BV_INSTANT_MAX), -14400);
  exercise(z);
  bv_zone_free(z);
}

/* One damaged file: BV_CORRUPT, or BV_ARG where it now counts leap seconds, or a zone that works.
 */
static bv_err damaged_err;
static bv_rc damaged(const uint8_t *p, size_t n) {
  uint8_t *copy = malloc(n ? n : 1); /* of the exact size, for the sanitizer */
  assert_non_null(copy);
  if (n) memcpy(copy, p, n);
  bv_zone *z = NULL;
  bv_err_clear(&damaged_err);
  bv_rc rc = bv_zone_build("Test/Damaged", copy, n, &z, &damaged_err);
  free(copy);
  if (rc == BV_OK) {
    exercise(z);
  } else {
    assert_true(rc == BV_CORRUPT || rc == BV_ARG);
    assert_null(z);
    assert_true(damaged_err.msg[0] != 0);
  }
  bv_zone_free(z);
  return rc;
}

static void cut_at_every_byte(const uint8_t *p, size_t n) {
  for (size_t len = 0; len < n; len++) assert_int_equal(damaged(p, len), BV_CORRUPT);
  assert_int_equal(damaged(p, n), BV_OK);
}

static size_t flip_bits(uint8_t *p, size_t n, int bits) {
  size_t refused = 0;
  for (size_t i = 0; i < n; i++) {
    for (int k = 0; k < bits; k++) {
      uint8_t flip = (uint8_t)(1u << (bits == 8 ? (size_t)k : i % 8));
      p[i] ^= flip;
      refused += damaged(p, n) != BV_OK;
      p[i] ^= flip;
    }
  }
  return refused;
}

static void damaged_small_files(void **state) {
  (void)state;
  static const char version[] = {0, '2', '3'};
  for (size_t i = 0; i < COUNT(version); i++) {
    tzif_bytes b;
    tzif_make(&b, &(tzif_spec){version[i], types, COUNT(types), summer_2006, 2,
                               "EST5EDT,M3.2.0,M11.1.0"});
    cut_at_every_byte(b.p, b.n);
    size_t refused = flip_bits(b.p, b.n, 8);
    assert_true(refused > b.n * 2); /* header, counts, order, types */
  }
}

static void damaged_real_file(void **state) {
  (void)state;
  static uint8_t file[1 << 16];
  FILE *f = fopen("/usr/share/zoneinfo/America/New_York", "rb");
  if (!f) {
    print_message("skipped: no zone files on this system\n");
    skip();
  }
  size_t n = fread(file, 1, sizeof file, f);
  fclose(f);
  cut_at_every_byte(file, n);
  assert_true(flip_bits(file, n, 1) > 20);
}

static void put_be32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void corrupt_saying(const tzif_bytes *b, const char *says) {
  assert_int_equal(damaged(b->p, b->n), BV_CORRUPT);
  if (!strstr(damaged_err.msg, says)) fail_msg("want '%s': %s", says, damaged_err.msg);
}

static void contradictions(void **state) {
  (void)state;
  tzif_bytes b, c;
  tzif_make(&b, &(tzif_spec){'2', types, COUNT(types), summer_2006, 2, "EST5"});
  const size_t first = 44 + 6 + 4, second = first + 44; /* second header, and its data */
  static const struct {
    size_t at; /* in the second header */
    uint32_t count;
    const char *says;
  } row[] = {{20, 1, "indicators"},     {24, 2, "indicators"},      {28, 0xFFFFFFFF, "count"},
             {32, 0x80000000, "count"}, {32, 100, "second block"},  {36, 0, "no local time type"},
             {36, 257, "count"},        {40, 0, "no abbreviation"}, {40, 0xFFFFFFFF, "count"},
             {28, 16001, "count"}};
  for (size_t i = 0; i < COUNT(row); i++) {
    c = b;
    put_be32(c.p + first + row[i].at, row[i].count);
    corrupt_saying(&c, row[i].says);
  }
  c = b;
  memcpy(c.p + second, b.p + second + 8, 8); /* the same time twice */
  corrupt_saying(&c, "not in order");
  c = b;
  c.p[second + 16] = COUNT(types);
  corrupt_saying(&c, "a type that is missing");
  c = b;
  put_be32(c.p + second + 18, (uint32_t)-90000); /* 25 hours */
  corrupt_saying(&c, "longer than a day");
  c = b;
  c.p[second + 22] = 2;
  corrupt_saying(&c, "DST flag");
  c = b;
  c.p[second + 23] = 4;
  corrupt_saying(&c, "abbreviation");
  c = b;
  c.p[4] = '1';
  corrupt_saying(&c, "version");
  c = b;
  c.p[c.n - 1] = 'x';
  corrupt_saying(&c, "does not end");
  static const tzif_type wide[] = {{-50000, 0}, {50000, 0}};
  static const tzif_jump jump[] = {{0, 1}};
  tzif_make(&c, &(tzif_spec){'2', wide, 2, jump, 1, ""});
  corrupt_saying(&c, "more than a day");
  tzif_make(&c, &(tzif_spec){'2', types, COUNT(types), summer_2006, 2, "EST5EDT"});
  corrupt_saying(&c, "'EST5EDT' is not a POSIX TZ text");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tz_texts),
      cmocka_unit_test(tz_edges),
      cmocka_unit_test(every_version),
      cmocka_unit_test(odd_footers),
      cmocka_unit_test(footer_alone),
      cmocka_unit_test(footer_that_starts_later),
      cmocka_unit_test(transitions_outside_the_years),
      cmocka_unit_test(damaged_small_files),
      cmocka_unit_test(damaged_real_file),
      cmocka_unit_test(contradictions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
