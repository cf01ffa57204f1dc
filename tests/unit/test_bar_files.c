/* test_bar_files.c - the bar reader on files that others published: exact rows, counts and rejects. */
#include "bar_help.h"

#define REAL "../shared/data/real/data/"
#define HTTP "../shared/data/http/"

/* First and last rows (instant, open, high, low, close, volume as written) and row counts, taken from
** the files with Python's csv and datetime. */
static const struct {
  const char *path, *kind;
  size_t rows;
  const char *first, *last;
} files[] = {
    {"bars/backtestingpy_btcusd_monthly.csv", "date", 156,
     "1327968000 4.58 7.38 3.8 5.55 2012.25343589",
     "1735603200 96515.0 108364.0 92092.0 93381.0 25342.80228337"},
    {"bars/backtestingpy_eurusd_hourly.csv", "date-time", 5000,
     "1492592400 1.0716 1.0722 1.07083 1.07219 1413",
     "1518015600 1.23427 1.23444 1.22904 1.22904 6143"},
    {"bars/backtestingpy_goog_daily.csv", "date", 2148,
     "1092873600 100 104.06 95.96 100.34 22351900",
     "1362096000 797.8 807.14 796.15 806.19 2175400"},
    {"bars/bt_2005_2006_daily.csv", "date", 512, "1104710400 2952.29 2989.61 2946.8 2970.02 0",
     "1167350400 4130.12 4142.01 4119.94 4119.94 0"},
    {"bars/bt_2006_vol_daily.csv", "date", 255, "1136160000 3602.0 3624.0 3596.0 3617.0 164794",
     "1167350400 4157.0 4167.0 4145.0 4157.0 205816"},
    {"bars/bt_2006_vol_minute_eob.csv", "date-time", 7397,
     "1136192460 3602.0 3603.0 3597.0 3599.0 5699", "1137189600 3637.0 3639.0 3637.0 3639.0 147"},
    {"bars/bt_nvda_daily_2003_2005.csv", "date", 756,
     "1041465600 4.0 4.15 3.863333 4.103333 32563500",
     "1135900800 12.353333 12.356667 12.136666 12.186666 5740200"},
    {"bars/bt_orcl_daily_2003_2005.csv", "date", 756, "1041465600 10.94 11.25 10.8 11.21 32064900",
     "1135900800 12.21 12.4 12.16 12.21 22598000"},
    {"bars/bt_yhoo_daily_2003_2005.csv", "date", 756, "1041465600 8.295 8.83 8.25 8.8 19640400",
     "1135900800 39.400002 39.560001 39.049999 39.18 12233000"},
    {"bars/lean_aapl_daily.csv", "date", 5849, "883699200 13.63 16.25 13.5 16.25 6315000",
     "1617148800 121.65 123.54 121.15 122.15 109019052"},
    {"bars/lean_aapl_minute_ext_2014.csv", "date-time", 2303,
     "1401941700 644.8 644.8 644.8 644.8 90", "1402343940 93.76 93.78 93.76 93.77 2067"},
    {"bars/lean_es201312_minute_utc.csv", "date-time", 8080,
     "1381104000 1676.5 1676.5 1676.5 1676.5 9", "1381795140 1708.75 1709.0 1708.5 1709.0 119"},
    {"bars/lean_spy_daily.csv", "date", 5849, "883699200 97.31 97.53 96.53 97.36 2150000",
     "1617148800 395.35 398.0 395.33 396.33 90673494"},
    {"bars/lean_spy_minute_rth_2013.csv", "date-time", 2340,
     "1380879000 167.74 167.82 167.67 167.77 633958",
     "1381507140 170.17 170.3 170.15 170.3 2579730"},
    {"backtrader/2005-2006-day-001.txt", "date", 512,
     "1104710400 2952.29 2989.61 2946.80 2970.02 0",
     "1167350400 4130.12 4142.01 4119.94 4119.94 0"},
    {"backtrader/2006-day-001-optix.txt", "date", 255,
     "1136160000 3578.73 3605.95 3578.73 3604.33 0",
     "1167350400 4130.12 4142.01 4119.94 4119.94 0"},
    {"backtrader/2006-day-001.txt", "date", 255, "1136160000 3578.73 3605.95 3578.73 3604.33 0",
     "1167350400 4130.12 4142.01 4119.94 4119.94 0"},
    {"backtrader/2006-day-002.txt", "date", 129, "1136246400 3578.73 3638.42 3578.73 3614.34 0",
     "1167350400 4137.44 4142.06 4119.94 4119.94 0"},
    {"backtrader/2006-min-005.txt", "date+time", 2142,
     "1136192700 3578.73 3587.88 3578.73 3582.99 0",
     "1138642200 3679.29 3679.40 3676.31 3677.52 0"},
    {"backtrader/2006-week-001.txt", "date", 52, "1136505600 3578.73 3666.99 3578.73 3666.99 0",
     "1167350400 4079.70 4142.06 4079.70 4119.94 0"},
    {"backtrader/2006-week-002.txt", "date", 26, "1137110400 3578.73 3685.99 3578.73 3629.25 0",
     "1167350400 4140.99 4142.06 4072.62 4119.94 0"},
    {"backtrader/nvda-1999-2014.txt", "date", 4012,
     "916963200 1.750000 1.953125 1.552083 1.640625 67867200",
     "1419984000 20.400000 20.510000 19.990000 20.049999 4157500"},
    {"backtrader/orcl-2003-2005.txt", "date", 756,
     "1041465600 10.940000 11.250000 10.800000 11.210000 32064900",
     "1135900800 12.210000 12.400000 12.160000 12.210000 22598000"},
    {"backtrader/yhoo-2003-2005.txt", "date", 756,
     "1041465600 8.295000 8.830000 8.250000 8.800000 19640400",
     "1135900800 39.400002 39.560001 39.049999 39.180000 12233000"},
    {"backtrader/yhoo-2014.txt", "date", 252,
     "1388620800 40.369999 40.490002 39.310001 39.590000 21504200",
     "1419984000 51.540001 51.680000 50.459999 50.509998 9305000"},
    {"pyalgotrade/WIKI-ORCL-2000-quandl.csv", "date", 252,
     "978048000 30.88 31.31 28.69 29.06 31702200.0",
     "946857600 122.7 125.0 111.6 118.1 24528700.0"},
    {"pyalgotrade/goog-2011-yahoofinance.csv", "date", 252,
     "1325203200 642.02 646.76 642.02 645.90 1782300",
     "1294012800 596.48 605.59 596.48 604.35 2365200"},
    {"pyalgotrade/nikkei-2010-yahoofinance.csv", "date", 245,
     "1293667200 10303.13 10315.47 10209.93 10228.92 107800",
     "1262563200 10609.34 10694.49 10608.14 10654.79 104400"},
    {"pyalgotrade/nt-spy-minute-2011.csv.gz", "date-time", 14180,
     "1294045260 126.35 126.39 126.35 126.39 1579", "1296522000 128.82 128.83 128.82 128.83 2415"},
    {"pyalgotrade/orcl-2000-yahoofinance.csv", "date", 252,
     "978048000 30.87 31.31 28.69 29.06 31655500",
     "946857600 124.62 125.19 111.62 118.12 98122000"},
    {"pyalgotrade/orcl-2001-yahoofinance.csv", "date", 248,
     "1009756800 14.10 14.23 13.80 13.81 29814500", "978393600 29.56 29.75 25.62 26.37 46285300"},
    {"pyalgotrade/sharpe-ratio-test-ige.csv", "date", 1504, "1006732800 91.01 91.01 91.01 91.01 0",
     "1194998400 129.32 129.58 126.9 127.64 35900"},
    {"pyalgotrade/sharpe-ratio-test-spy.csv", "date", 1504, "1006732800 91.01 91.01 91.01 91.01 0",
     "1194998400 129.32 129.58 126.9 127.64 35900"},
    {"pyalgotrade/spy-2010-yahoofinance.csv", "date", 252,
     "1293753600 125.53 125.87 125.33 125.75 91218900",
     "1262563200 112.37 113.39 111.51 113.33 118944600"},
    {"pyalgotrade/spy-2011-yahoofinance.csv", "date", 252,
     "1325203200 126.02 126.33 125.50 125.50 95599000",
     "1294012800 126.71 127.60 125.70 127.05 138725200"},
    {"skender/bitcoin.csv", "date", 1246, "1502841600 4261.48 4485.39 4200.74 4285.08 795.150377",
     "1610409600 34049.15 37850 32380 37371.38 124477.914938"},
    {"skender/default.csv", "date", 502, "1483401600 212.61 213.35 211.52 212.8 96708880",
     "1546214400 244.92 245.54 242.87 245.28 147031456"},
    {"skender/intraday.csv", "date-time", 1564, "1608024600 367.4 367.62 367.36 367.46 407870",
     "1608307200 369.13 369.44 369.04 369.15 8422909"},
    {"skender/longish.csv", "date", 5285, "936662400 1357.24 1361.39 1349.59 1350.45 715300000",
     "1599177600 3453.6 3479.15 3349.63 3426.96 3044871716"},
    {"skender/mismatch.csv", "date", 502, "1483401600 212.61 213.35 211.52 212.8 96708880",
     "1501459200 235.87 235.97 235.07 235.29 69049712"},
    {"skender/spx.csv", "date", 8111, "631238400 353.4 359.69 351.98 359.69 0",
     "1646870400 4252.55 4268.28 4209.8 4259.52 2573193216"},
    {"skender/zeros.csv", "date", 200, "1483401600 0.00 0.00 0.00 0.00 0.00",
     "1508198400 0.00 0.00 0.00 0.00 0.00"},
    {"nautilus/gbpusd-m1-ask-2012.csv.gz", "date-time", 30117,
     "1328054400 1.57608 1.57610 1.57585 1.57585 nan",
     "1330560000 1.59217 1.59220 1.59201 1.59216 nan"},
    {"nautilus/gbpusd-m1-bid-2012.csv.gz", "date-time", 30117,
     "1328054400 1.57597 1.57606 1.57576 1.57576 nan",
     "1330560000 1.59206 1.59211 1.59194 1.59208 nan"},
};

static void assert_text_bar(const bv_bar_row *b, const char *text) {
  char *end;
  double v[5];
  int64_t ts = strtoll(text, &end, 10);
  for (int i = 0; i < 5; i++) v[i] = strtod(end, &end);
  assert_string_equal(end, "");
  assert_bar(b, ts, v);
}

static void test_real_files(void **state) {
  (void)state;
  need(REAL "bars/lean_spy_daily.csv");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[200];
    snprintf(path, sizeof path, REAL "%s", files[i].path);
    reading r = read_path(path, plain);
    if (r.rc != BV_OK || r.n != files[i].rows || r.nreject != 0) {
      fail_msg("%s: %d %s, %zu rows, %lld rejects", path, r.rc, r.err.msg, r.n,
               (long long)r.nreject);
    }
    assert_string_equal(r.time_kind, files[i].kind);
    assert_text_bar(&r.row[0], files[i].first);
    assert_text_bar(&r.row[r.n - 1], files[i].last);
    finish(&r);
  }
}

/* Every row of a file of "ts,Open,High,Low,Close,Volume" against sscanf and strtod. */
static void check_every_row(const char *path) {
  char line[200], f[6][40];
  int y, mo, d, h, mi, s;
  reading r = read_path(path, plain);
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  assert_non_null(fgets(line, sizeof line, in));
  size_t i = 0;
  for (; fgets(line, sizeof line, in); i++) {
    h = mi = s = 0;
    assert_int_equal(sscanf(line, "%39[^,],%39[^,],%39[^,],%39[^,],%39[^,],%39[^,\n]", f[0], f[1],
                            f[2], f[3], f[4], f[5]),
                     6);
    assert_true(sscanf(f[0], "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) >= 3);
    double v[5];
    for (int k = 0; k < 5; k++) v[k] = strtod(f[k + 1], NULL);
    assert_true(i < r.n);
    assert_bar(&r.row[i], bv_days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s, v);
    assert_int_equal(r.row[i].line, (int64_t)i + 2);
  }
  assert_int_equal(i, r.n);
  fclose(in);
  finish(&r);
}

static void test_every_row(void **state) {
  (void)state;
  need(REAL "bars/lean_spy_daily.csv");
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[200];
    snprintf(path, sizeof path, REAL "%s", files[i].path);
    if (!strncmp(files[i].path, "bars/", 5)) check_every_row(path);
  }
}

/* skender/bad.csv by hand: rows 202-251 without date, 451-501 without prices, 12 impossible bars and
** a negative volume in between. */
static void test_dirty_file(void **state) {
  (void)state;
  need(REAL "skender/bad.csv");
  static const struct {
    const char *reason;
    int count;
  } want[] = {{"no time|", 50},          {"no open|", 51},         {"close is outside", 6},
              {"open is negative", 1},   {"high is negative", 1},  {"low is negative", 1},
              {"volume is negative", 1}, {"high is below low", 2}, {"open is outside", 1}};
  reading r = read_path(REAL "skender/bad.csv", plain);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 388);
  assert_int_equal(r.nreject, 114);
  int sum = 0;
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    int count = 0;
    for (const char *p = bv_buf_text(&r.rejects); (p = strstr(p, want[i].reason)); p++) count++;
    if (count != want[i].count) fail_msg("%s %d", want[i].reason, count);
    sum += count;
  }
  assert_int_equal(sum, 114);
  assert_non_null(
      strstr(bv_buf_text(&r.rejects),
             "360:volume is negative|06/06/2018,266.68,268.36,266.01,268.24,-64874192;"));
  finish(&r);
}

/* Bodies of data vendors; expected rows from sources.md sections 1.13, 3.3 and 4.5. */
static void test_vendor_files(void **state) {
  (void)state;
  need(HTTP "theta_v2/stock_ohlc.csv");
  bv_bar_reader_options ny = {0}, dbn = {.price_scale = 1e-9};
  if (bv_zone_find("America/New_York", &ny.tz, NULL) != BV_OK) skip();
  reading r = read_path(HTTP "theta_v2/stock_ohlc.csv", ny);
  assert_bar(&r.row[0], 1704205800, (double[]){185.1, 185.4, 185.0, 185.3, 12345});
  assert_true(r.row[0].trades == 120 && isnan(r.row[0].vwap));
  finish(&r);
  r = read_path(HTTP "theta_v3/option_ohlc.csv", ny);
  assert_bar(&r.row[0], 1704205800, (double[]){51.2, 52.0, 51.0, 51.5, 7});
  assert_true(r.row[0].vwap == 51.4 && r.row[0].trades == 3);
  assert_string_equal(r.key[0], "SPXW");
  finish(&r);
  r = read_path(HTTP "databento/ohlcv-1m.csv", dbn);
  assert_string_equal(r.time_kind, "epoch ns");
  assert_bar(&r.row[0], 1704205800, (double[]){4700, 4701, 4699.75, 4700.25, 826});
  assert_string_equal(r.key[1], "ESH4");
  finish(&r);
  r = read_path(HTTP "binance/BTCUSDT-1m-2025-01-02.csv", plain);
  assert_string_equal(r.time_kind, "epoch us");
  assert_bar(&r.row[0], 1735828200, (double[]){42283.58, 42554.57, 42261.02, 42475.23, 1271.68108});
  assert_true(r.row[0].trades == 47134);
  finish(&r);
  r = read_path(HTTP "stooq/html.html", plain);
  assert_int_equal(r.rc, BV_ARG);
  assert_non_null(strstr(r.err.msg, "HTML page"));
  finish(&r);
}

static bytes load(const char *path) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  bytes b = {malloc(1 << 20), 0};
  b.n = fread(b.p, 1, 1 << 20, f);
  fclose(f);
  return b;
}

/* The name says nothing: packed copies are written as .csv and read as what they are. */
static void test_packed_copies(void **state) {
  (void)state;
  need(REAL "bars/lean_spy_minute_rth_2013.csv");
  bytes text = load(REAL "bars/lean_spy_minute_rth_2013.csv");
  reading want = read_path(REAL "bars/lean_spy_minute_rth_2013.csv", plain);
  for (int zstd = 0; zstd < 2; zstd++) {
    char path[] = "/tmp/bv_packed_XXXXXX";
    bytes b = pack(text.p, text.n, zstd);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
    close(fd);
    reading r = read_path(path, plain);
    assert_int_equal(r.rc, BV_OK);
    assert_int_equal(r.n, want.n);
    for (size_t i = 0; i < r.n; i++) {
      const bv_bar_row *x = &want.row[i];
      assert_bar(&r.row[i], x->ts, (double[]){x->open, x->high, x->low, x->close, x->volume});
    }
    unlink(path);
    finish(&r);
    free(b.p);
  }
  finish(&want);
  free(text.p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_real_files),    cmocka_unit_test(test_every_row),
      cmocka_unit_test(test_dirty_file),    cmocka_unit_test(test_vendor_files),
      cmocka_unit_test(test_packed_copies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
