/* test_timestep.c - the grammar of timesteps, and what can be said of one without a calendar. */
#include "time_help.h"

#include <stdio.h>
#include <stdlib.h>

#include "time/timestep.h"

static bv_rc parse(const char *text, bv_timestep *out, bv_err *err) {
  size_t n = strlen(text);
  char *copy = malloc(n ? n : 1); /* of the exact size, for the sanitizer */
  assert_non_null(copy);
  memcpy(copy, text, n);
  bv_rc rc = bv_timestep_parse(copy, n, out, err);
  free(copy);
  return rc;
}

static bv_timestep step(const char *text) {
  bv_timestep s = {0, BV_SECOND, BV_OF_TRADES};
  bv_err err = {0};
  if (parse(text, &s, &err) != BV_OK) fail_msg("%s", err.msg);
  return s;
}

static void reads_and_prints(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t n;
    bv_unit unit;
    const char *canonical;
  } row[] = {
      {"second", 1, BV_SECOND, "second"},
      {"30s", 30, BV_SECOND, "30 seconds"},
      {"1 sec", 1, BV_SECOND, "second"},
      {"5secs", 5, BV_SECOND, "5 seconds"},
      {"90 seconds", 90, BV_SECOND, "90 seconds"},
      {"minute", 1, BV_MINUTE, "minute"},
      {"5 minutes", 5, BV_MINUTE, "5 minutes"},
      {"15m", 15, BV_MINUTE, "15 minutes"},
      {"m", 1, BV_MINUTE, "minute"},
      {"5min", 5, BV_MINUTE, "5 minutes"},
      {"5MIN", 5, BV_MINUTE, "5 minutes"},
      {"10 mins", 10, BV_MINUTE, "10 minutes"},
      {"1m", 1, BV_MINUTE, "minute"},
      {"hour", 1, BV_HOUR, "hour"},
      {"2h", 2, BV_HOUR, "2 hours"},
      {"1H", 1, BV_HOUR, "hour"},
      {"4hr", 4, BV_HOUR, "4 hours"},
      {"4 hrs", 4, BV_HOUR, "4 hours"},
      {"24 hours", 24, BV_HOUR, "24 hours"},
      {"day", 1, BV_DAY, "day"},
      {"1d", 1, BV_DAY, "day"},
      {"1D", 1, BV_DAY, "day"},
      {"3 days", 3, BV_DAY, "3 days"},
      {"week", 1, BV_WEEK, "week"},
      {"1W", 1, BV_WEEK, "week"},
      {"2wk", 2, BV_WEEK, "2 weeks"},
      {"2 weeks", 2, BV_WEEK, "2 weeks"},
      {"month", 1, BV_MONTH, "month"},
      {"mo", 1, BV_MONTH, "month"},
      {"1mo", 1, BV_MONTH, "month"},
      {"1Mo", 1, BV_MONTH, "month"},
      {"3mon", 3, BV_MONTH, "3 months"},
      {"6 MONTHS", 6, BV_MONTH, "6 months"},
      {"quarter", 3, BV_MONTH, "3 months"},
      {"2q", 6, BV_MONTH, "6 months"},
      {"1Q", 3, BV_MONTH, "3 months"},
      {"4 quarters", 12, BV_MONTH, "12 months"},
      {"year", 12, BV_MONTH, "12 months"},
      {"y", 12, BV_MONTH, "12 months"},
      {"2 yr", 24, BV_MONTH, "24 months"},
      {"100 years", 1200, BV_MONTH, "1200 months"},
      /* lowest terms */
      {"60s", 1, BV_MINUTE, "minute"},
      {"120 seconds", 2, BV_MINUTE, "2 minutes"},
      {"3600s", 1, BV_HOUR, "hour"},
      {"60m", 1, BV_HOUR, "hour"},
      {"120 minutes", 2, BV_HOUR, "2 hours"},
      {"1440 minutes", 24, BV_HOUR, "24 hours"},
      {"7 days", 1, BV_WEEK, "week"},
      {"14d", 2, BV_WEEK, "2 weeks"},
      {"12 months", 12, BV_MONTH, "12 months"},
      /* spaces and zeros */
      {"  5   minutes ", 5, BV_MINUTE, "5 minutes"},
      {"005m", 5, BV_MINUTE, "5 minutes"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_timestep s = step(row[i].text);
    char text[32];
    if (s.n != row[i].n || s.unit != row[i].unit) {
      fail_msg("'%s' is %lld of unit %d", row[i].text, (long long)s.n, s.unit);
    }
    bv_timestep_format(s, text);
    assert_string_equal(text, row[i].canonical);
    assert_true(bv_timestep_eq(step(text), s));
  }
}

/* What format prints parses back, whatever the count and unit. */
static void every_text_comes_back(void **state) {
  (void)state;
  static const char *const unit[] = {"s", "m", "h", "d", "w", "mo"};
  for (size_t u = 0; u < COUNT(unit); u++) {
    for (int n = 1; n <= 1200; n++) {
      char text[32], back[32];
      snprintf(text, sizeof text, "%d%s", n, unit[u]);
      bv_timestep s = step(text);
      bv_timestep_format(s, text);
      bv_timestep again = step(text);
      bv_timestep_format(again, back);
      assert_true(bv_timestep_eq(s, again));
      assert_string_equal(text, back);
    }
  }
  assert_false(bv_timestep_eq(step("24h"), step("1d")));
  assert_false(bv_timestep_eq(step("2h"), step("3h")));
}

static void sides_of_quotes(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_bars_of of;
    const char *canonical;
  } row[] = {{"minute bid", BV_OF_BID, "minute bid"},
             {"5m ask", BV_OF_ASK, "5 minutes ask"},
             {" 300 s  BID ", BV_OF_BID, "5 minutes bid"},
             {"7 days Ask", BV_OF_ASK, "week ask"},
             {"100 years bid", BV_OF_BID, "1200 months bid"}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char text[32];
    bv_timestep s = step(row[i].text), plain = s, again;
    assert_int_equal(s.of, row[i].of);
    bv_timestep_format(s, text);
    assert_string_equal(text, row[i].canonical);
    again = step(text);
    assert_true(bv_timestep_eq(s, again));
    plain.of = BV_OF_TRADES;
    assert_false(bv_timestep_eq(s, plain));
    assert_false(bv_timestep_divides(plain, s));
    assert_true(bv_timestep_divides(s, s));
    assert_int_equal(bv_timestep_nominal_s(s), bv_timestep_nominal_s(plain));
    assert_int_equal(bv_span_parse(text, strlen(text), &again, NULL), BV_ARG);
  }
  static const char *const bad[] = {
      "bid", " ask", "minute mid", "minutebid", "minute bid ask", "bid minute", "minute bids"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_timestep s;
    bv_err err = {0};
    assert_int_equal(parse(bad[i], &s, &err), BV_ARG);
  }
  bv_timestep span;
  assert_int_equal(bv_span_parse("2 days", 6, &span, NULL), BV_OK);
  assert_int_equal(span.n, 2);
  bv_bars_of of = BV_OF_ASK;
  assert_true(bv_bars_of_find("", 0, &of));
  assert_int_equal(of, BV_OF_TRADES);
  assert_false(bv_bars_of_find("XNAS", 4, &of));
}

static void refuses_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_rc rc;
    const char *says;
  } row[] = {
      {"", BV_ARG, "'5 minutes'"},
      {" ", BV_ARG, "'5 minutes'"},
      {"5", BV_ARG, "count and a unit"},
      {"fortnight", BV_ARG, "units: s, m or min, h, d, w, mo, q, y"},
      {"1.5h", BV_ARG, "'1.5h'"},
      {"-5m", BV_ARG, "'-5m'"},
      {"+5m", BV_ARG, "'+5m'"},
      {"5 m m", BV_ARG, "'5 m m'"},
      {"m5", BV_ARG, "'m5'"},
      {"5\tm", BV_ARG, "count and a unit"},
      {"minutess", BV_ARG, "'minutess'"},
      {"1M", BV_ARG, "1m or 1mo?"},
      {"5M", BV_ARG, "5m or 5mo?"},
      {"5 M", BV_ARG, "5m or 5mo?"},
      {"M", BV_ARG, "m or mo?"},
      {"0m", BV_RANGE, "at least 1"},
      {"000 days", BV_RANGE, "at least 1"},
      {"101 years", BV_RANGE, "100 years"},
      {"1201mo", BV_RANGE, "100 years"},
      {"36525 days", BV_RANGE, "100 years"},
      {"99999999999s", BV_RANGE, "100 years"},
      {"9223372036854775807y", BV_RANGE, "100 years"},
      {"99999999999999999999999y", BV_RANGE, "100 years"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_timestep s = {77, BV_HOUR, BV_OF_TRADES};
    bv_err err = {0};
    if (parse(row[i].text, &s, &err) != row[i].rc || !strstr(err.msg, row[i].says)) {
      fail_msg("'%s': %s", row[i].text, err.msg);
    }
    assert_true(s.n == 77 && s.unit == BV_HOUR);
  }
}

static void lengths(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t dur, nominal;
  } row[] = {{"30s", 30, 30},       {"15m", 900, 900},     {"2h", 7200, 7200},
             {"24h", 86400, 86400}, {"day", 0, 86400},     {"3 days", 0, 259200},
             {"week", 0, 604800},   {"month", 0, 2629746}, {"year", 0, 31556952}};
  for (size_t i = 0; i < COUNT(row); i++) {
    assert_int_equal(bv_timestep_dur_s(step(row[i].text)), row[i].dur);
    assert_int_equal(bv_timestep_nominal_s(step(row[i].text)), row[i].nominal);
  }
}

static void divides_table(void **state) {
  (void)state;
  static const struct {
    const char *fine, *coarse;
    bool want;
  } row[] = {
      {"1m", "5m", true},         {"2m", "5m", false},
      {"5m", "5m", true},         {"5m", "1m", false},
      {"1s", "1m", true},         {"7s", "1m", false},
      {"45m", "3h", true},        {"1h", "24h", true},
      {"15m", "day", true},       {"1s", "week", true},
      {"5m", "month", true},      {"7m", "day", false},
      {"30m", "day", false},      {"1h", "day", false},
      {"24h", "day", false},      {"day", "24h", false},
      {"day", "day", true},       {"day", "week", true},
      {"day", "month", true},     {"day", "3 days", true},
      {"2 days", "day", false},   {"2 days", "4 days", true},
      {"2 days", "week", false},  {"2 days", "2 weeks", true},
      {"2 days", "month", false}, {"week", "day", false},
      {"week", "2 weeks", true},  {"2 weeks", "3 weeks", false},
      {"week", "month", false},   {"month", "quarter", true},
      {"quarter", "year", true},  {"5mo", "year", false},
      {"month", "week", false},   {"month", "day", false},
      {"month", "1h", false},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    if (bv_timestep_divides(step(row[i].fine), step(row[i].coarse)) != row[i].want) {
      fail_msg("%s into %s", row[i].fine, row[i].coarse);
    }
  }
}

static void bounds(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t lo, hi;
  } row[] = {{"15m", 900, 900},
             {"24h", DAY_S, DAY_S},
             {"day", DAY_S / 2, 2 * DAY_S},
             {"2 days", DAY_S, 3 * DAY_S},
             {"week", 6 * DAY_S, 8 * DAY_S}};
  for (size_t i = 0; i < COUNT(row); i++) {
    int64_t lo, hi;
    bv_timestep_bounds_s(step(row[i].text), &lo, &hi);
    assert_int_equal(lo, row[i].lo);
    assert_int_equal(hi, row[i].hi);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sides_of_quotes),
      cmocka_unit_test(reads_and_prints),
      cmocka_unit_test(every_text_comes_back),
      cmocka_unit_test(refuses_text),
      cmocka_unit_test(lengths),
      cmocka_unit_test(divides_table),
      cmocka_unit_test(bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
