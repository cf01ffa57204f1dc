/* test_csv_columns.c - headers as people and vendors write them, and files without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/csv_columns.h"

#include <stdio.h>
#include <string.h>

/* The first record of a text, with what owns it. */
typedef struct line {
  bv_infile *in;
  bv_csv *csv;
  bv_csv_record r;
} line;

static line open_line(const char *text) {
  line l = {0};
  assert_int_equal(bv_infile_open_memory(text, strlen(text), "h.csv", &l.in, NULL), BV_OK);
  assert_int_equal(bv_csv_open(l.in, 0, &l.csv, NULL), BV_OK);
  assert_int_equal(bv_csv_next(l.csv, &l.r, NULL), BV_OK);
  return l;
}

static void close_line(line *l) {
  bv_csv_close(l->csv);
  bv_infile_close(l->in);
}

typedef struct result {
  bv_rc rc;
  bv_csv_columns columns;
  bv_buf text, warn;
  bv_err err;
} result;

static result match(const char *header, const char *const *wanted, bool guess) {
  result r = {0};
  bv_buf_init(&r.text, BV_MEM_IMPORT, 16384);
  bv_buf_init(&r.warn, BV_MEM_IMPORT, 16384);
  line l = open_line(header);
  assert_int_equal(bv_csv_columns_is_data(&l.r), guess);
  r.rc = guess ? bv_csv_columns_guess(&l.r, "h.csv", &r.columns, &r.text, &r.warn, &r.err)
               : bv_csv_columns_match(&l.r, wanted, BV_OF_TRADES, "h.csv", &r.columns, &r.text,
                                      &r.warn, &r.err);
  close_line(&l);
  return r;
}

static void release(result *r) {
  bv_buf_reset(&r->text);
  bv_buf_reset(&r->warn);
}

static const struct {
  const char *header, *want, *warning;
} headers[] = {
    /* pandas, Yahoo, backtrader, TradingView */
    {",Open,High,Low,Close,Volume",
     "ts='', open=Open, high=High, low=Low, close=Close, volume=Volume", ""},
    {"Unnamed: 0,o,h,l,c", "ts=Unnamed: 0, open=o, high=h, low=l, close=c", ""},
    {"Date,Open,High,Low,Close,Adj Close,Volume",
     "ts=Date, open=Open, high=High, low=Low, close=Close, volume=Volume; ignored: Adj Close",
     "adjusted prices are ignored"},
    {"Price,Close,High,Low,Open,Volume",
     "ts=Price, open=Open, high=High, low=Low, close=Close, volume=Volume", ""},
    {"time,open,high,low,close,Volume,RSI",
     "ts=time, open=open, high=high, low=low, close=close, volume=Volume; ignored: RSI", ""},
    {"Date,Time,Open,High,Low,Close,Volume,OpenInterest",
     "date=Date, time=Time, open=Open, high=High, low=Low, close=Close, volume=Volume, "
     "open_interest=OpenInterest",
     ""},
    /* MetaStock, MetaTrader, Stooq */
    {"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
     "date=<DATE>, time=<TIME>, symbol=<TICKER>, open=<OPEN>, high=<HIGH>, low=<LOW>, "
     "close=<CLOSE>, volume=<VOL>, open_interest=<OPENINT>; ignored: <PER>",
     ""},
    {"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
     "date=<DATE>, time=<TIME>, open=<OPEN>, high=<HIGH>, low=<LOW>, close=<CLOSE>, volume=<VOL>; "
     "ignored: <TICKVOL>, <SPREAD>",
     ""},
    /* Alpha Vantage, Alpaca, Polygon, Databento, Binance, Bitstamp, Dukascopy, Nasdaq, IB */
    {"timestamp,1. open,2. high,3. low,4. close,5. volume",
     "ts=timestamp, open=1. open, high=2. high, low=3. low, close=4. close, volume=5. volume", ""},
    {"t,o,h,l,c,v,n,vw", "ts=t, open=o, high=h, low=l, close=c, volume=v, vwap=vw, trades=n", ""},
    {"ticker,volume,open,close,high,low,window_start,transactions",
     "ts=window_start, symbol=ticker, open=open, high=high, low=low, close=close, volume=volume, "
     "trades=transactions",
     ""},
    {"ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
     "ts=ts_event, symbol=symbol, open=open, high=high, low=low, close=close, volume=volume; "
     "ignored: rtype, publisher_id, instrument_id",
     ""},
    {"Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume,Number of trades",
     "ts=Open time, open=Open, high=High, low=Low, close=Close, volume=Volume, trades=Number of "
     "trades; ignored: Close time, Quote asset volume",
     ""},
    {"unix,date,symbol,open,high,low,close,Volume BTC,Volume USD",
     "ts=unix, symbol=symbol, open=open, high=high, low=low, close=close, volume=Volume BTC; "
     "ignored: date, Volume USD",
     ""},
    {"date,open,high,low,close,Volume USD",
     "ts=date, open=open, high=high, low=low, close=close, volume=Volume USD",
     "the volume is in money"},
    {"date,open,high,low,close,Volume USD,Volume ETH",
     "ts=date, open=open, high=high, low=low, close=close, volume=Volume ETH; ignored: Volume USD",
     ""},
    {"Gmt time,Open,High,Low,Close,Volume",
     "ts=Gmt time, open=Open, high=High, low=Low, close=Close, volume=Volume", ""},
    {"Date,Close/Last,Volume,Open,High,Low",
     "ts=Date, open=Open, high=High, low=Low, close=Close/Last, volume=Volume", ""},
    {"date,open,high,low,close,volume,average,barCount",
     "ts=date, open=open, high=high, low=low, close=close, volume=volume, vwap=average, "
     "trades=barCount",
     ""},
    {"ms_of_day,open,high,low,close,volume,count,date",
     "date=date, time=ms_of_day, open=open, high=high, low=low, close=close, volume=volume, "
     "trades=count",
     ""},
    /* spelling */
    {"DATE/TIME,open_price,HIGH price,priceLow,Closing Price,weighted_average",
     "ts=DATE/TIME, open=open_price, high=HIGH price, low=priceLow, close=Closing Price, "
     "vwap=weighted_average",
     ""},
    {" \"ts\" ;\"Open\";\"High\";\"Low\";\"Last\"",
     "ts= \"ts\" , open=Open, high=High, low=Low, close=Last", ""},
    {"ts,date,time,open,high,low,close,bid,ask",
     "ts=ts, open=open, high=high, low=low, close=close, bid=bid, ask=ask; ignored: date, time",
     ""},
    {"ts,open,high,low,close,last,close",
     "ts=ts, open=open, high=high, low=low, close=close; ignored: last, close",
     "several columns have the name of close"},
};

static void test_headers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    result r = match(headers[i].header, NULL, false);
    if (r.rc != BV_OK) fail_msg("%s: %s", headers[i].header, r.err.msg);
    assert_string_equal(bv_buf_text(&r.text), headers[i].want);
    if (headers[i].warning[0]) {
      assert_non_null(strstr(bv_buf_text(&r.warn), headers[i].warning));
    } else {
      assert_string_equal(bv_buf_text(&r.warn), "");
    }
    assert_true(r.columns.header);
    release(&r);
  }
}

static void test_clock_unit(void **state) {
  (void)state;
  result a = match("ms_of_day,date,open,high,low,close", NULL, false);
  result b = match("time,date,open,high,low,close", NULL, false);
  assert_true(a.columns.clock_is_ms && !b.columns.clock_is_ms);
  assert_int_equal(a.columns.at[BV_ROLE_TIME], 0);
  assert_int_equal(a.columns.at[BV_ROLE_TS], 1);
  assert_int_equal(a.columns.nfield, 6);
  release(&a);
  release(&b);
}

static const struct {
  const char *header, *part;
} missing[] = {
    {"x,y,z", "no column for ts, open, high, low, close; "},
    {"date,open,high,low", "no column for close; needed are ts"},
    {"date,open,high,low,Adj Close", "(an adjusted close is not taken for it)"},
    {"foo,open,high,low,close", "no column for ts;"},
    {"date,Optix_Open,high,low,close", "the header read is: date,Optix_Open,high,low,close"},
    {"Exceeded the daily hits limit", "h.csv line 1: no column for ts"},
};

static void test_missing(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
    result r = match(missing[i].header, NULL, false);
    assert_int_equal(r.rc, BV_ARG);
    if (!strstr(r.err.msg, missing[i].part)) fail_msg("%s", r.err.msg);
    release(&r);
  }
}

static void test_wanted(void **state) {
  (void)state;
  static const char *const wanted[BV_ROLE_COUNT] = {
      [BV_ROLE_TS] = "when", [BV_ROLE_CLOSE] = "adj close", [BV_ROLE_VOLUME] = "Volume USD"};
  result r = match("When,date,time,open,high,low,close,Adj Close,volume,Volume USD", wanted, false);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.columns.at[BV_ROLE_TS], 0);
  assert_int_equal(r.columns.at[BV_ROLE_TIME], -1);
  assert_int_equal(r.columns.at[BV_ROLE_CLOSE], 7);
  assert_int_equal(r.columns.at[BV_ROLE_VOLUME], 9);
  release(&r);
  r = match("date,open,high,low,close", wanted, false);
  assert_int_equal(r.rc, BV_ARG);
  assert_non_null(strstr(r.err.msg, "when (named in the options)"));
  release(&r);
  static const char *const pair[BV_ROLE_COUNT] = {[BV_ROLE_TS] = "d", [BV_ROLE_TIME] = "ms_of_day"};
  r = match("ts,d,ms_of_day,open,high,low,close", pair, false);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.columns.at[BV_ROLE_TS], 1);
  assert_int_equal(r.columns.at[BV_ROLE_TIME], 2);
  assert_true(r.columns.clock_is_ms);
  release(&r);
}

static const struct {
  const char *line, *want;
} guesses[] = {
    {"2024-01-02,1,3,1,2",
     "ts=column 1, open=column 2, high=column 3, low=column 4, close=column 5"},
    {"1704205800,1,3,1,2,500",
     "ts=column 1, open=column 2, high=column 3, low=column 4, close=column 5, volume=column 6"},
    {"20110103 090100;126.35;126.39;126.35;126.39;1579",
     "ts=column 1, open=column 2, high=column 3, low=column 4, close=column 5, volume=column 6"},
    {"2024.01.02,09:30,1,3,1,2,7",
     "date=column 1, time=column 2, open=column 3, high=column 4, low=column 5, close=column 6, "
     "volume=column 7"},
    {"20240102,093000,1,3,1,2,7",
     "date=column 1, time=column 2, open=column 3, high=column 4, low=column 5, close=column 6, "
     "volume=column 7"},
    {"20240102,1000,1040,950,1001,500",
     "ts=column 1, open=column 2, high=column 3, low=column 4, close=column 5, volume=column 6"},
    {"SPY,20240102,1,3,1,2,7",
     "ts=column 2, symbol=column 1, open=column 3, high=column 4, low=column 5, close=column 6, "
     "volume=column 7"},
    {"1704205800000,1,3,1,2,10,1704205859999,20,47,5,10,0",
     "ts=column 1, open=column 2, high=column 3, low=column 4, close=column 5, volume=column 6, "
     "trades=column 9; ignored: column 7, column 8, column 10, column 11, column 12"},
};

static void test_guesses(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
    result r = match(guesses[i].line, NULL, true);
    if (r.rc != BV_OK) fail_msg("%s: %s", guesses[i].line, r.err.msg);
    assert_string_equal(bv_buf_text(&r.text), guesses[i].want);
    assert_non_null(strstr(bv_buf_text(&r.warn), "no header"));
    assert_false(r.columns.header);
    release(&r);
  }
  result r = match("a,b,1,2,3,4", NULL, true);
  assert_int_equal(r.rc, BV_ARG);
  assert_non_null(strstr(r.err.msg, "h.csv line 1: the file has no header"));
  release(&r);
  r = match("1,2,3,4", NULL, true);
  assert_int_equal(r.rc, BV_ARG);
  release(&r);
}

/* Endless names and thousands of columns end in a short text, not in an error. */
static void test_huge_header(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_IMPORT, (size_t)1 << 20);
  assert_int_equal(bv_buf_adds(&b, "date,open,high,low,close"), BV_OK);
  for (int i = 0; i < 4000; i++) {
    assert_int_equal(bv_buf_addf(&b, ",caf\xC3\xA9 \x01 column number %d with a long long name", i),
                     BV_OK);
  }
  result r = match(bv_buf_text(&b), NULL, false);
  assert_int_equal(r.rc, BV_OK);
  assert_true(r.text.n < 4000);
  assert_null(strchr(bv_buf_text(&r.text), 1));
  release(&r);
  r = match(bv_buf_text(&b) + 5, NULL, false);
  assert_int_equal(r.rc, BV_ARG);
  release(&r);
  bv_buf_reset(&b);
}

static void test_no_memory(void **state) {
  (void)state;
  static const char *const text[] = {"date,open,high,low,close,Adj Close", "a,b"};
  for (int k = 0; k < 2; k++) {
    int failures = 0;
    for (int64_t i = 0;; i++) {
      bv_csv_columns c;
      bv_buf out, warn;
      line l = open_line(text[k]);
      bv_buf_init(&out, BV_MEM_IMPORT, 1000);
      bv_buf_init(&warn, BV_MEM_IMPORT, 1000);
      bv_alloc_fail_after(i, 0);
      bv_rc rc = bv_csv_columns_match(&l.r, NULL, BV_OF_TRADES, "x", &c, &out, &warn, NULL);
      bool hit = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      bv_buf_reset(&out);
      bv_buf_reset(&warn);
      close_line(&l);
      assert_int_equal(rc, hit ? BV_NOMEM : k ? BV_ARG : BV_OK);
      if (!hit) break;
      failures++;
    }
    assert_true(failures >= 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_headers),   cmocka_unit_test(test_clock_unit),
      cmocka_unit_test(test_missing),   cmocka_unit_test(test_wanted),
      cmocka_unit_test(test_guesses),   cmocka_unit_test(test_huge_header),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
