/* test_lean.c - LEAN's files: what names and directories say, and bars made from tables in memory.
** The formats are those of LEAN's README files in ../shared/data/real/data/lean; instants were computed by
** hand from the offsets of New York (UTC-4 in summer, UTC-5 in winter; clocks change on 2021-03-14 and
** 2021-11-07 at 2:00). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/lean.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void test_names(void **state) {
  (void)state;
  static const struct {
    const char *name, *symbol, *date;
    bv_lean_tick tick;
    const char *step; /* "" not said, "tick" */
  } cases[] = {
      {"20131007_spy_minute_trade.csv", "spy", "20131007", BV_LEAN_TRADE, "minute"},
      {"20131007_spy_second_quote.csv", "spy", "20131007", BV_LEAN_QUOTE, "second"},
      {"sub/dir/20131007_tap.a_minute_trade.csv", "tap.a", "20131007", BV_LEAN_TRADE, "minute"},
      {"20131010_es_minute_trade_201312.csv", "es_201312", "20131010", BV_LEAN_TRADE, "minute"},
      {"20131010_es_minute_openinterest_201312.csv", "es_201312", "20131010", BV_LEAN_OI, "minute"},
      {"20140606_aapl_minute_quote_american_call_6400000_20141018.csv",
       "aapl_american_call_6400000_20141018", "20140606", BV_LEAN_QUOTE, "minute"},
      {"20131008_bac_tick_trade.csv", "bac", "20131008", BV_LEAN_TRADE, "tick"},
      {"20131008_bac_Trade_Tick.csv", "bac", "20131008", BV_LEAN_TRADE, "tick"},
      {"es_trade_201312.csv", "es_201312", "", BV_LEAN_TRADE, ""},
      {"es_quote_202003.csv", "es_202003", "", BV_LEAN_QUOTE, ""},
      {"spy.csv", "spy", "", BV_LEAN_UNSAID, ""},
      {"my_own_name.csv", "my_own_name", "", BV_LEAN_UNSAID, ""},
      {"99999999_spy_minute_trade.csv", "99999999_spy_minute", "", BV_LEAN_TRADE, ""},
      {"trade.csv", "trade", "", BV_LEAN_UNSAID, ""},
      {"20131007.csv", "20131007", "", BV_LEAN_UNSAID, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bv_lean_file f;
    char step[32] = "";
    assert_true(bv_lean_read_name(cases[i].name, &f));
    if (f.step.n) bv_timestep_format(f.step, step);
    if (f.ticks) strcpy(step, "tick");
    assert_string_equal(f.symbol, cases[i].symbol);
    assert_string_equal(f.date, cases[i].date);
    assert_int_equal(f.tick, cases[i].tick);
    assert_string_equal(step, cases[i].step);
    assert_false(f.placed);
  }
  bv_lean_file f;
  char name[200] = "20131007_";
  memset(name + 9, 'x', 65);
  strcpy(name + 74, "_minute_trade.csv");
  assert_false(bv_lean_read_name(name, &f)); /* no asset key is that long */
  assert_false(bv_lean_read_name("", &f));
}

static void test_paths(void **state) {
  (void)state;
  static const struct {
    const char *path, *tz;
    double scale;
    const char *step;
  } cases[] = {
      {"/d/equity/usa/minute/spy/20131007_trade.zip", "America/New_York", 1e-4, "minute"},
      {"/d/equity/usa/second/spy/20131007_quote.zip", "America/New_York", 1e-4, "second"},
      {"/d/Equity/USA/Daily/spy.zip", "America/New_York", 1e-4, "day"},
      {"/d/equity/usa/hour/spy.zip", "America/New_York", 1e-4, "hour"},
      {"/d/crypto/coinbase/daily/btcusd_quote.zip", "UTC", 1, "day"},
      {"/d/crypto/anything/minute/btcusd/20131007_trade.zip", "UTC", 1, "minute"},
      {"/d/forex/oanda/minute/eurusd/20131007_quote.zip", "UTC", 1, "minute"},
      {"/d/forex/fxcm/hour/nzdusd.zip", "-05:00", 1, "hour"},
      {"/d/future/cme/minute/es/20131007_trade.zip", "UTC", 1, "minute"},
      {"/d/future/eurex/daily/fesx_trade.zip", "Europe/Berlin", 1, "day"},
      {"/d/index/usa/minute/spx/20131007_trade.zip", "America/Chicago", 1, "minute"},
      {"/d/future/moon/minute/es/20131007_trade.zip", NULL, 0, ""},
      {"/d/equity/mars/daily/spy.zip", NULL, 0, ""},
      {"/d/usa/daily/spy.zip", NULL, 0, ""},
      {"/minute/spy.zip", NULL, 0, ""},
      {"/spy.zip", NULL, 0, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bv_lean_file f;
    char step[32] = "";
    assert_true(bv_lean_read_name("spy.csv", &f));
    bv_lean_read_path(cases[i].path, &f);
    if (f.step.n) bv_timestep_format(f.step, step);
    assert_int_equal(f.placed, cases[i].tz != NULL);
    if (cases[i].tz) assert_string_equal(f.tz, cases[i].tz);
    assert_true(f.scale == cases[i].scale);
    assert_string_equal(step, cases[i].step);
    bool named = strchr(cases[i].path, '_') != NULL;
    assert_int_equal(f.tick != BV_LEAN_UNSAID, named);
    assert_string_equal(f.date, strstr(cases[i].path, "20131007") ? "20131007" : "");
  }
}

/* The zones are those of LEAN's market-hours database, of which a part lies beside the data. */
static void test_zones_of_database(void **state) {
  (void)state;
  FILE *file = fopen("../shared/data/real/data/lean/market-hours-subset.json", "r");
  if (!file) {
    print_message("no ../shared here\n");
    skip();
    return;
  }
  char line[200], security[32] = "", market[32] = "", path[128];
  int checked = 0;
  while (fgets(line, sizeof line, file)) {
    char a[32], b[32], name[32], zone[64];
    if (sscanf(line, " \"%31[A-Za-z]-%31[a-z]-%31[^\"]\": {", a, b, name) == 3) {
      memcpy(security, a, sizeof a);
      memcpy(market, b, sizeof b);
      continue;
    }
    if (sscanf(line, " \"dataTimeZone\": \"%63[^\"]\"", zone) != 1) continue;
    bv_lean_file f;
    snprintf(path, sizeof path, "/%s/%s/daily/x.zip", security, market);
    assert_true(bv_lean_read_name("x.csv", &f));
    bv_lean_read_path(path, &f);
    if (!f.placed) fail_msg("%s is in the database, not in the table", path);
    assert_string_equal(f.tz, strcmp(zone, "UTC-05") == 0 ? "-05:00" : zone);
    checked++;
  }
  fclose(file);
  assert_true(checked >= 12);
}

typedef struct reading {
  bv_rc rc;
  bv_err err;
  bv_bar_row row[8];
  size_t n;
  char rejects[400];
  bv_bar_reader_info info;
} reading;

static bv_rc note_reject(void *ctx, int64_t line, const char *raw, const char *why, bv_err *err) {
  (void)err;
  reading *r = ctx;
  size_t n = strlen(r->rejects);
  snprintf(r->rejects + n, sizeof r->rejects - n, "%d:%s|%s;", (int)line, why, raw);
  return BV_OK;
}

static reading read_table(const char *path, const char *name, const char *text,
                          bv_bar_reader_options o) {
  reading r = {0};
  bv_infile *in;
  bv_lean_file f;
  bv_lean *lean = NULL;
  int64_t before = bv_mem_total();
  o.reject = note_reject;
  o.reject_ctx = &r;
  assert_true(bv_lean_read_name(name, &f));
  bv_lean_read_path(path, &f);
  assert_int_equal(bv_infile_open_memory(text, strlen(text), name, &in, NULL), BV_OK);
  r.rc = bv_lean_open(in, &f, &o, &lean, &r.err);
  for (size_t got = 1; r.rc == BV_OK && got > 0; r.n += got) {
    r.rc = bv_lean_next(lean, r.row + r.n, 3, &got, &r.err);
    assert_true(r.n + got <= 8);
    for (size_t i = r.n; i < r.n + got; i++) {
      assert_int_equal(r.row[i].nsymbol, strlen(f.symbol));
      assert_memory_equal(r.row[i].symbol, f.symbol, strlen(f.symbol));
    }
  }
  if (lean) r.info = bv_lean_info_of(lean);
  bv_lean_close(lean);
  assert_int_equal(bv_mem_total(), before);
  return r;
}

#define EQUITY "/d/equity/usa/minute/spy/x.zip"
#define DAILY  "/d/equity/usa/daily/spy.zip"

static void expect_row(const reading *r, size_t i, int64_t ts, double o, double h, double l,
                       double c, double v) {
  assert_true(i < r->n);
  const bv_bar_row *b = &r->row[i];
  assert_int_equal(b->ts, ts);
  assert_true(b->open == o && b->high == h && b->low == l && b->close == c);
  assert_true(isnan(v) ? isnan(b->volume) : b->volume == v);
  assert_true(isnan(b->vwap) && isnan(b->trades) && isnan(b->open_interest));
}

static int64_t at(const char *text) {
  int64_t t;
  assert_int_equal(bv_instant_parse(text, strlen(text), NULL, &t, NULL, NULL), BV_OK);
  return t;
}

static void test_trades(void **state) {
  (void)state;
  reading r = read_table(EQUITY, "20131007_spy_minute_trade.csv",
                         "14400000,1674100,1674200,1672500,1672700,3197\n"
                         "34200000,1680000,1680001,1679999,1680000,0.5\n"
                         "86340000,1,1,1,1,\n",
                         (bv_bar_reader_options){.step = {1, BV_MINUTE, BV_OF_TRADES}});
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 3);
  expect_row(&r, 0, at("2013-10-07 08:00"), 167.41, 167.42, 167.25, 167.27, 3197);
  expect_row(&r, 1, at("2013-10-07 13:30"), 168, 168.0001, 167.9999, 168, 0.5);
  expect_row(&r, 2, at("2013-10-08 03:59"), 0.0001, 0.0001, 0.0001, 0.0001, NAN);
  assert_true(isnan(r.row[0].bid) && isnan(r.row[0].ask));
  assert_string_equal(r.rejects, "");
  assert_string_equal(r.info.tz, "America/New_York");
  assert_int_equal(r.info.rows, 3);
  /* the hours round both changes of the clock, by the wall */
  r = read_table(EQUITY, "20210314_spy_minute_trade.csv",
                 "3600000,1,1,1,1,1\n10800000,1,1,1,1,1\n36000000,1,1,1,1,1\n",
                 (bv_bar_reader_options){0});
  expect_row(&r, 0, at("2021-03-14 06:00"), 1e-4, 1e-4, 1e-4, 1e-4, 1);
  expect_row(&r, 1, at("2021-03-14 07:00"), 1e-4, 1e-4, 1e-4, 1e-4, 1);
  expect_row(&r, 2, at("2021-03-14 14:00"), 1e-4, 1e-4, 1e-4, 1e-4, 1);
  r = read_table(EQUITY, "20211107_spy_minute_trade.csv", "0,1,1,1,1,1\n10800000,1,1,1,1,1\n",
                 (bv_bar_reader_options){0});
  expect_row(&r, 0, at("2021-11-07 04:00"), 1e-4, 1e-4, 1e-4, 1e-4, 1);
  expect_row(&r, 1, at("2021-11-07 08:00"), 1e-4, 1e-4, 1e-4, 1e-4, 1);
}

static void test_days(void **state) {
  (void)state;
  const char *text = "19980102 00:00,973100,975300,965300,973600,2150000\r\n"
                     "19980706 00:00,100,100,100,100,1"; /* no line end */
  reading r = read_table(DAILY, "spy.csv", text,
                         (bv_bar_reader_options){.step = {1, BV_DAY, BV_OF_TRADES}});
  assert_int_equal(r.n, 2);
  expect_row(&r, 0, at("1998-01-02 05:00"), 97.31, 97.53, 96.53, 97.36, 2150000);
  expect_row(&r, 1, at("1998-07-06 04:00"), 0.01, 0.01, 0.01, 0.01, 1);
  /* options come before directories */
  const bv_zone *tz;
  assert_int_equal(bv_zone_find("+09:00", &tz, NULL), BV_OK);
  r = read_table(DAILY, "spy.csv", text,
                 (bv_bar_reader_options){.tz = tz, .tz_given = true, .price_scale = 0.5});
  expect_row(&r, 1, at("1998-07-05 15:00"), 50, 50, 50, 50, 1);
  assert_null(r.info.tz);
  r = read_table("/elsewhere/spy.zip", "spy.csv", text,
                 (bv_bar_reader_options){.tz = tz, .tz_given = true, .price_scale = 1e-4});
  expect_row(&r, 0, at("1998-01-01 15:00"), 97.31, 97.53, 96.53, 97.36, 2150000);
  r = read_table("/d/crypto/x/daily/a.zip", "a.csv", "20181224 00:00,1,2,0.5,1.5,0.25\n",
                 (bv_bar_reader_options){0});
  expect_row(&r, 0, at("2018-12-24"), 1, 2, 0.5, 1.5, 0.25);
  r = read_table("/d/forex/fxcm/hour/a.zip", "a.csv", "20181224 23:00,1,2,0.5,1.5,0,3,4,2,3,0\n",
                 (bv_bar_reader_options){0});
  expect_row(&r, 0, at("2018-12-25 04:00"), 2, 3, 1.25, 2.25, NAN);
}

static void test_quotes(void **state) {
  (void)state;
  reading r = read_table(EQUITY, "20131007_spy_minute_quote.csv",
                         "0,10000,10003,9999,10001,7,10001,10004,10000,10002,9\n" /* both */
                         "60000,10000,10003,9999,10001,7,,,,,0\n"                 /* bid */
                         "120000,,,,,0,10001,10004,10000,10002,9\n"               /* ask */
                         "180000,0,0,0,0,0,10001,10004,10000,10002,9\n" /* bid of nothing */
                         "240000,,,,,0,,,,,0\n"
                         "300000,1,,1,1,0,1,1,1,1,0\n"
                         "360000,2,1,1,2,0,1,1,1,1,0\n",
                         (bv_bar_reader_options){0});
  assert_int_equal(r.n, 4);
  expect_row(&r, 0, at("2013-10-07 04:00"), 1.00005, 1.00035, 0.99995, 1.00015, NAN);
  assert_true(r.row[0].bid == 1.0001 && r.row[0].ask == 1.0002);
  expect_row(&r, 1, at("2013-10-07 04:01"), 1, 1.0003, 0.9999, 1.0001, NAN);
  assert_true(r.row[1].bid == 1.0001 && isnan(r.row[1].ask));
  for (size_t i = 2; i < 4; i++) {
    expect_row(&r, i, at("2013-10-07 04:00") + 60 * (int64_t)i, 1.0001, 1.0004, 1, 1.0002, NAN);
    assert_true(isnan(r.row[i].bid) && r.row[i].ask == 1.0002);
  }
  assert_string_equal(r.rejects, "5:neither bid nor ask|240000,,,,,0,,,,,0;"
                                 "6:a price is missing|300000,1,,1,1,0,1,1,1,1,0;"
                                 "7:open lies outside low..high|360000,2,1,1,2,0,1,1,1,1,0;");
}

static void test_rejects(void **state) {
  (void)state;
  reading r = read_table(EQUITY, "20131007_spy_minute_trade.csv",
                         "0,1,1,1,1,1\n1,2,3\nx,1,1,1,1,1\n86400000,1,1,1,1,1\n-1,1,1,1,1,1\n"
                         "0,1,,1,1,1\n0,1,b,1,1,1\n0,1,1,2,1,1\n0,1,2,1,3,1\n",
                         (bv_bar_reader_options){0});
  assert_int_equal(r.n, 1);
  assert_string_equal(r.rejects, "2:wrong number of fields|1,2,3;3:not a time of day|x,1,1,1,1,1;"
                                 "4:not a time of day|86400000,1,1,1,1,1;"
                                 "5:not a time of day|-1,1,1,1,1,1;"
                                 "6:a price is missing|0,1,,1,1,1;"
                                 "7:a price is not a number|0,1,b,1,1,1;"
                                 "8:high is below low|0,1,1,2,1,1;"
                                 "9:close lies outside low..high|0,1,2,1,3,1;");
  assert_int_equal(r.info.rejects, 8);
  r = read_table(EQUITY, "20131007_spy_minute_trade.csv",
                 "0,1,1,1,1,-1\n0,1,1,1,1,v\n0,-1,-1,-2,-1,5\n", (bv_bar_reader_options){0});
  assert_string_equal(r.rejects, "1:volume is negative|0,1,1,1,1,-1;"
                                 "2:volume is not a number|0,1,1,1,1,v;"
                                 "3:a price is negative|0,-1,-1,-2,-1,5;");
  r = read_table(EQUITY, "20131007_spy_minute_trade.csv", "0,-1,-1,-2,-1,5\n",
                 (bv_bar_reader_options){.allow_negative = true});
  expect_row(&r, 0, at("2013-10-07 04:00"), -1e-4, -1e-4, -2e-4, -1e-4, 5);
}

static void expect_refusal(const char *path, const char *name, const char *text,
                           bv_bar_reader_options o, const char *why) {
  reading r = read_table(path, name, text, o);
  assert_int_equal(r.rc, BV_ARG);
  if (!strstr(r.err.msg, why)) fail_msg("'%s' does not say '%s'", r.err.msg, why);
  assert_non_null(strstr(r.err.msg, name));
}

static void test_refused(void **state) {
  (void)state;
  const char *row = "0,1,1,1,1,1\n";
  bv_bar_reader_options none = {0}, utc = {.tz = bv_zone_utc(), .tz_given = true};
  bv_bar_reader_options scale = {.price_scale = 1}, day = {.step = {1, BV_DAY, BV_OF_TRADES}};
  expect_refusal(EQUITY, "20131007_es_minute_openinterest_201312.csv", "0,5\n", none,
                 "open interest has no prices");
  expect_refusal(EQUITY, "20131007_es_tick_trade.csv", "0,5,1\n", none, "ticks are not bars");
  expect_refusal(EQUITY, "20131007_spy_minute_trade.csv", row, day,
                 "has bars of one minute, the timestep given is 'day'");
  expect_refusal("/x.zip", "20131007_spy_minute_trade.csv", row, none,
                 "give the options tz (the zone of its times, for example America/New_York) "
                 "price_scale (0.0001 for equities, 1 for others)");
  expect_refusal("/x.zip", "20131007_spy_minute_trade.csv", row, utc,
                 "give the options price_scale");
  expect_refusal("/x.zip", "20131007_spy_minute_trade.csv", row, scale, "give the options tz");
  expect_refusal("/d/crypto/x/minute/a/b.zip", "a_trade.csv", row, none, "no name says which day");
  expect_refusal(DAILY, "spy.csv", "Date,Open\n", none, "no name says which day");
}

static void test_looks(void **state) {
  (void)state;
  static const struct {
    const char *name, *path, *text;
    bool lean;
  } cases[] = {
      {"20131007_spy_minute_trade.csv", "/x.zip", "0,1,1,1,1,1\n", true},
      {"20131007_spy_minute_trade.csv", "/x.zip", "ts,open,high\n", false},
      {"20131007_spy_minute_trade.csv", "/x.zip", "", false},
      {"spy.csv", "/x.zip", "19980102 00:00,1,1,1,1,1\n", true},
      {"spy.csv", "/x.zip", "19980102 00:00,1,1,1,1,1,1,1,1,1,1\n", true},
      {"spy.csv", "/x.zip", "19980102 00:00,1,1,1,1\n", false},
      {"spy.csv", "/x.zip", "1998-01-02 00:00,1,1,1,1,1\n", false},
      {"spy.csv", "/x.zip", "1704067200000,1,1,1,1,1,1704067259999,1,1,1,1,0\n", false},
      {"spy.csv", DAILY, "19980102 00:00,1,1,1,1,1\n", true},
      {"spy.csv", "/d/crypto/x/hour/a_trade.zip", "19980102 00:00,1,1,1,1,1\n", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bv_lean_file f;
    assert_true(bv_lean_read_name(cases[i].name, &f));
    bv_lean_read_path(cases[i].path, &f);
    assert_int_equal(bv_lean_looks_like(&f, cases[i].text, strlen(cases[i].text)), cases[i].lean);
  }
}

static void test_no_memory(void **state) {
  (void)state;
  const char *text = "0,1,1,1,1,1\n";
  bv_lean_file f;
  assert_true(bv_lean_read_name("20131007_spy_minute_trade.csv", &f));
  bv_lean_read_path(EQUITY, &f);
  int64_t before = bv_mem_total();
  int failures = 0;
  for (int64_t n = 0;; n++) {
    bv_infile *in;
    bv_lean *lean;
    bv_bar_row row[2];
    size_t got = 0;
    bv_bar_reader_options o = {0};
    assert_int_equal(bv_infile_open_memory(text, strlen(text), "x", &in, NULL), BV_OK);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_lean_open(in, &f, &o, &lean, NULL);
    if (rc == BV_OK) rc = bv_lean_next(lean, row, 2, &got, NULL);
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    bv_lean_close(lean);
    assert_int_equal(bv_mem_total(), before);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (!failed) break;
    failures++;
  }
  assert_true(failures >= 3);
}

/* Zones are kept for good: loaded here, so that the tests can count memory. */
static int load_zones(void **state) {
  static const char *const name[] = {"America/New_York", "America/Chicago", "-05:00", "+09:00"};
  const bv_zone *zone;
  (void)state;
  for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
    if (bv_zone_find(name[i], &zone, NULL) != BV_OK) return -1;
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_zones_of_database),
      cmocka_unit_test(test_trades),
      cmocka_unit_test(test_days),
      cmocka_unit_test(test_quotes),
      cmocka_unit_test(test_rejects),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_looks),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, load_zones, NULL);
}
