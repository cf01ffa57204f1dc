/* test_bar_reader.c - rows good and bad, options, cut and packed input, and no files of bars at all. */
#include "bar_help.h"

/* ---- rows ---------------------------------------------------------------------------------- */

static const struct {
  const char *row, *reason;
} bad_rows[] = {
    {"x,1,3,1,2,5", "not a time"},
    {",1,3,1,2,5", "no time"},
    {"2024-02-30,1,3,1,2,5", "not a time"},
    {"2024-01-03,x,3,1,2,5", "open is not a number"},
    {"2024-01-03,1,3..,1,2,5", "high is not a number"},
    {"2024-01-03,1,3,1 1,2,5", "low is not a number"},
    {"2024-01-03,1,3,1,0x2,5", "close is not a number"},
    {"2024-01-03,inf,inf,1,2,5", "open is not a number"},
    {"2024-01-03,1e999,3,1,2,5", "open is not a number"},
    {"2024-01-03,,3,1,2,5", "no open"},
    {"2024-01-03,1,null,1,2,5", "no high"},
    {"2024-01-03,1,3,NaN,2,5", "no low"},
    {"2024-01-03,1,3,1,N/A,5", "no close"},
    {"2024-01-03,9223372036854775807,3,1,2,5", "no open"},
    {"2024-01-03,-1,3,-1,2,5", "open is negative"},
    {"2024-01-03,1,3,-0.01,2,5", "low is negative"},
    {"2024-01-03,1,1,3,2,5", "high is below low"},
    {"2024-01-03,0.99,3,1,2,5", "open is outside low and high"},
    {"2024-01-03,1,3,1,3.0000001,5", "close is outside low and high"},
    {"2024-01-03,1,3,1,2,-5", "volume is negative"},
    {"2024-01-03,1,3,1,2,5x", "volume is not a number"},
    {"2024-01-03,1,3,1,2", "wrong number of fields"},
    {"2024-01-03,1,3,1,2,5,6", "wrong number of fields"},
    {"2024-01-03", "wrong number of fields"},
    {"2024-01-03,\"1\"x,3,1,2,5", "text after a closing quote"},
};

static void test_bad_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
    char text[300], want[200];
    snprintf(text, sizeof text,
             "ts,open,high,low,close,volume\n2024-01-02,1,3,1,2,5\n%s\n2024-01-04,1,3,1,2,5\n",
             bad_rows[i].row);
    snprintf(want, sizeof want, "3:%s|%s;", bad_rows[i].reason, bad_rows[i].row);
    reading r = read_text(text, plain);
    assert_int_equal(r.rc, BV_OK);
    assert_string_equal(bv_buf_text(&r.rejects), want);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.nreject, 1);
    assert_int_equal(r.row[1].line, 4);
    finish(&r);
  }
}

static const struct {
  const char *row;
  double v[5];
} good_rows[] = {
    {"2024-01-02,1,3,1,2,5", {1, 3, 1, 2, 5}},
    {"2024-01-02, 1 ,\t3, \"1\",2 ,5", {1, 3, 1, 2, 5}},
    {"\"2024-01-02\",\"1\",\"3\",\"1\",\"2\",\"5\"", {1, 3, 1, 2, 5}},
    {"2024-01-02,$1.5,$3,$1,$2,5", {1.5, 3, 1, 2, 5}},
    {"2024-01-02,1,3,1,2,", {1, 3, 1, 2, NAN}},
    {"2024-01-02,1,3,1,2,null", {1, 3, 1, 2, NAN}},
    {"2024-01-02,1,3,1,2,5,", {1, 3, 1, 2, 5}},
    {"2024-01-02,+1e0,3.,.5,2E0,1.5e3", {1, 3, .5, 2, 1500}},
    {"2024-01-02,0,0,0,0,0", {0, 0, 0, 0, 0}},
    {"2024-01-02,28.121945213877797,30,27.602666836710087,28.285868469658173,5",
     {28.121945213877797, 30, 27.602666836710087, 28.285868469658173, 5}},
};

static void test_good_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
    char text[300];
    snprintf(text, sizeof text, "ts,open,high,low,close,volume\n%s", good_rows[i].row);
    reading r = read_text(text, plain);
    assert_int_equal(r.rc, BV_OK);
    assert_string_equal(bv_buf_text(&r.rejects), "");
    assert_int_equal(r.n, 1);
    assert_bar(&r.row[0], 1704153600, good_rows[i].v);
    finish(&r);
  }
}

static void test_printable(void **state) {
  (void)state;
  char text[700];
  int n = snprintf(
      text, sizeof text,
      "ts,open,high,low,close\n\x1b[2J\t\xff\xc3\xa9\x7f,\n%0199d\xc3\xa9,\n%0198d\xc3\xa9,\n", 0,
      0);
  reading r = read_bytes(text, (size_t)n, plain);
  char want[900];
  snprintf(
      want, sizeof want,
      "2:wrong number of fields|?[2J ?\xc3\xa9?,;3:wrong number of fields|%0199d;4:wrong number "
      "of fields|%0198d\xc3\xa9;",
      0, 0);
  assert_int_equal(r.rc, BV_OK);
  assert_string_equal(bv_buf_text(&r.rejects), want);
  finish(&r);
}

/* The reader changes neither order nor number of rows: duplicates and old rows pass. */
static void test_order_is_kept(void **state) {
  (void)state;
  reading r = read_text(
      "ts,open,high,low,close\n2024-01-03,1,1,1,1\r2024-01-02,2,2,2,2\r\n\n2024-01-03,3,3,3,3",
      plain);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 3);
  assert_true(r.row[0].ts == 1704240000 && r.row[1].ts == 1704153600 && r.row[2].ts == 1704240000);
  assert_true(r.row[0].line == 2 && r.row[1].line == 3 && r.row[2].line == 5);
  finish(&r);
}

static void test_symbols(void **state) {
  (void)state;
  char key65[66];
  memset(key65, 'k', 65);
  key65[65] = 0;
  char text[600];
  snprintf(text, sizeof text,
           "symbol,ts,open,high,low,close\nSPY,2024-01-02,1,1,1,1\n BTC/USD ,2024-01-02,1,1,1,1\n"
           "\"S,\"\"Y\",2024-01-02,1,1,1,1\n,2024-01-02,1,1,1,1\n%s,2024-01-02,1,1,1,1\n"
           "\xff,2024-01-02,1,1,1,1\nSPY,2024-01-02,1,1,1,1\n",
           key65);
  reading r = read_text(text, plain);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 4);
  assert_string_equal(r.key[0], "SPY");
  assert_string_equal(r.key[1], "BTC/USD");
  assert_string_equal(r.key[2], "S,\"Y");
  assert_string_equal(r.key[3], "SPY");
  assert_non_null(strstr(bv_buf_text(&r.rejects), "5:no asset key|"));
  assert_non_null(strstr(bv_buf_text(&r.rejects), "6:not a valid asset key|"));
  assert_non_null(strstr(bv_buf_text(&r.rejects), "7:not a valid asset key|"));
  finish(&r);
}

/* Keys of one batch stay valid while it is read, also across buffer ends. */
static void test_many_symbols(void **state) {
  (void)state;
  enum { ROWS = 20000 };
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, (size_t)1 << 24);
  assert_int_equal(bv_buf_adds(&b, "symbol,ts,open,high,low,close\n"), BV_OK);
  for (int i = 0; i < ROWS; i++) {
    assert_int_equal(bv_buf_addf(&b, "KEY-%050d,2024-01-02,1,1,1,1\n", i), BV_OK);
  }
  bv_infile *in = NULL;
  bv_bar_reader *reader = NULL;
  bv_bar_row *rows = malloc(ROWS * sizeof *rows);
  assert_int_equal(bv_infile_open_memory(b.p, b.n, "k", &in, NULL), BV_OK);
  assert_int_equal(bv_bar_reader_take(in, &plain, &reader, NULL), BV_OK);
  size_t n, at = 0;
  while (bv_bar_reader_next(reader, rows, ROWS, &n, NULL) == BV_OK && n) {
    for (size_t i = 0; i < n; i++, at++) {
      char want[64];
      snprintf(want, sizeof want, "KEY-%050d", (int)at);
      assert_int_equal(rows[i].nsymbol, 54);
      assert_memory_equal(rows[i].symbol, want, 54);
    }
  }
  assert_int_equal(at, ROWS);
  bv_bar_reader_close(reader);
  free(rows);
  bv_buf_reset(&b);
}

/* ---- options ------------------------------------------------------------------------------- */

static void test_options(void **state) {
  (void)state;
  static const char text[] = "when;a;b;c;d\n3.4.2024;-15000;167.6;-20000;1\n";
  bv_bar_reader_options o = {
      .allow_negative = true, .price_scale = 1e-4, .delimiter = ';', .date_order = 'm'};
  static const char *const names[4] = {"a", "b", "c", "d"};
  o.column[BV_ROLE_TS] = "when";
  for (int k = 0; k < 4; k++) o.column[BV_ROLE_OPEN + k] = names[k];
  reading r = read_text(text, o);
  assert_int_equal(r.rc, BV_OK);
  assert_bar(&r.row[0], 1709510400, (double[]){-1.5, 167.6 / 10000, -2.0, 0.0001, NAN});
  finish(&r);
  o.price_scale = 2.5;
  r = read_text(text, o);
  assert_bar(&r.row[0], 1709510400, (double[]){-37500, 419, -50000, 2.5, NAN});
  finish(&r);
  static const bv_bar_reader_options wrong[] = {{.price_scale = -1},
                                                {.price_scale = INFINITY},
                                                {.label_end = true},
                                                {.date_order = 'y'},
                                                {.delimiter = '"'}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    r = read_text("ts,open,high,low,close\n", wrong[i]);
    assert_int_equal(r.rc, BV_ARG);
    assert_true(r.err.msg[0]);
    finish(&r);
  }
  r = read_text("2024-01-02,1,1,1,1\n",
                (bv_bar_reader_options){.column = {[BV_ROLE_OPEN] = "open"}});
  assert_int_equal(r.rc, BV_ARG);
  assert_non_null(strstr(r.err.msg, "no header"));
  finish(&r);
}

/* 167.74 as 1677400 x 1e-4 is the double 167.74, which the product 1677400 * 1e-4 misses. */
static void test_scale_rounds_once(void **state) {
  (void)state;
  char text[100];
  int differs = 0;
  for (int i = 1600000; i < 1601000; i++) {
    snprintf(text, sizeof text, "ts,open,high,low,close\n2024-01-02,%d,%d,%d,%d\n", i, i, i, i);
    reading r = read_text(text, (bv_bar_reader_options){.price_scale = 1e-4});
    char decimal[32];
    snprintf(decimal, sizeof decimal, "%d.%04d", i / 10000, i % 10000);
    assert_true(r.row[0].close == strtod(decimal, NULL));
    differs += i * 1e-4 != r.row[0].close;
    finish(&r);
  }
  assert_true(differs > 0);
}

static const struct {
  const char *stamp, *zone, *step, *want;
} labels[] = {
    {"2024-01-03 14:31", NULL, "minute", "2024-01-03 14:30:00"},
    {"2024-01-03 14:30", NULL, "2h", "2024-01-03 12:30:00"},
    {"2024-01-03", NULL, "hour", "2024-01-02 23:00:00"},
    {"2024-01-03", NULL, "day", "2024-01-03 00:00:00"},
    {"2024-01-03 16:00", NULL, "day", "2024-01-03 00:00:00"},
    {"2024-01-31", NULL, "month", "2024-01-01 00:00:00"},
    {"2012-02-29", NULL, "month", "2012-02-01 00:00:00"},
    {"2006-01-06", NULL, "week", "2006-01-02 00:00:00"},
    {"2024-01-31", "America/New_York", "month", "2024-01-01 05:00:00"},
    {"2024-02-01 00:00", "America/New_York", "month", "2024-02-01 05:00:00"},
    {"2024-01-31 16:00", "America/New_York", "month", "2024-01-01 05:00:00"},
    {"1706763599", "America/New_York", "month", "2024-01-01 05:00:00"},
    {"1508036400", "America/Sao_Paulo", "day", "2017-10-15 03:00:00"},
    {"2017-10-15", "America/Sao_Paulo", "day", "2017-10-15 03:00:00"},
    {"2024-01-05 16:00", "America/New_York", "day", "2024-01-05 05:00:00"},
};

static void test_end_labels(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
    bv_bar_reader_options o = {.label_end = true};
    assert_int_equal(bv_timestep_parse(labels[i].step, strlen(labels[i].step), &o.step, NULL),
                     BV_OK);
    if (labels[i].zone && bv_zone_find(labels[i].zone, &o.tz, NULL) != BV_OK) skip();
    char text[100], got[32];
    snprintf(text, sizeof text, "ts,open,high,low,close\n%s,1,1,1,1\n", labels[i].stamp);
    reading r = read_text(text, o);
    assert_int_equal(r.n, 1);
    bv_instant_format(r.row[0].ts, got);
    if (strcmp(got, labels[i].want) != 0)
      fail_msg("%s %s: %s", labels[i].stamp, labels[i].step, got);
    finish(&r);
  }
}

/* ---- whole files --------------------------------------------------------------------------- */

static void test_warnings(void **state) {
  (void)state;
  static const struct {
    const char *text, *want;
  } cases[] = {
      {"ts,open,high,low,close\n1/2/2024,1,1,1,1\n", "month first (set date_order to say so)"},
      {"ts,open,high,low,close\n1.2.2024,1,1,1,1\n", "day first (set date_order to say so)"},
      {"ts,open,high,low,close\n", "no rows after the header"},
      {"ts,open,high,low,close", "no rows after the header"},
      {"ts,open,high,low,close\nx,1,1,1,1\n", "no time was understood"},
      {"34200000,1,1,1,1\n", "before 1980"},
      {"ts,open,high,low,close\n2024-01-02,1,1,1,1\n", "shorter than a day, the times are dates"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    reading r =
        read_text(cases[i].text, (bv_bar_reader_options){.step = {1, BV_MINUTE, BV_OF_TRADES}});
    assert_int_equal(r.rc, BV_OK);
    if (!strstr(bv_buf_text(&r.warnings), cases[i].want))
      fail_msg("%zu: %s", i, bv_buf_text(&r.warnings));
    finish(&r);
  }
}

/* A guess that a row far behind the sample proves wrong ends the import. */
static void test_wrong_guess(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, (size_t)1 << 24);
  assert_int_equal(bv_buf_adds(&b, "ts,open,high,low,close\n"), BV_OK);
  for (int i = 0; i < 60000; i++) {
    assert_int_equal(bv_buf_addf(&b, "%02d/01/2024 10:00,1.000,1.000,1.000,1.000\n", i / 6000 + 1),
                     BV_OK);
  }
  assert_int_equal(bv_buf_adds(&b, "13/01/2024 10:00,1,1,1,1\n"), BV_OK);
  reading r = read_bytes(b.p, b.n, plain);
  assert_int_equal(r.rc, BV_ARG);
  assert_non_null(strstr(r.err.msg, "m.csv line 60002: day and month were guessed (month first)"));
  finish(&r);
  r = read_bytes(b.p, b.n, (bv_bar_reader_options){.date_order = 'd'});
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 60001);
  assert_true(r.row[60000].ts == 1705140000 && r.nreject == 0);
  finish(&r);
  bv_buf_reset(&b);
}

static const struct {
  const char *p;
  size_t n;
  bv_rc rc;
  const char *part;
} refused[] = {
    {"", 0, BV_ARG, "m.csv: the file is empty"},
    {"\n\n  \n", 5, BV_ARG, "no header and no rows"},
    {"PK\x03\x04zip", 7, BV_ARG, "a zip archive"},
    {"PAR1....", 8, BV_ARG, "a Parquet file"},
    {"SQLite format 3\0", 16, BV_ARG, "an SQLite database"},
    {"\xFF\xFEt\0s\0", 6, BV_ARG, "UTF-16"},
    {"DBN\x03\0\0\0\0", 8, BV_ARG, "a DBN file"},
    {"{\"a\":1}", 7, BV_ARG, "JSON"},
    {"\x7f"
     "ELF\0\0\0",
     7, BV_ARG, "line 1: a NUL byte"},
    {"ts,open,high,low,close\n2024-01-02,1,1,1,1\n\0\n", 45, BV_ARG, "line 3: a NUL byte"},
    {"ts,open,high,low,close\n\"2024-01-02,1,1,1,1\n", 43, BV_ARG, "line 2: a quote is opened"},
    {"x,y\n1,2\n", 8, BV_ARG, "no column for ts, open, high, low, close"},
};

static void test_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    reading r = read_bytes(refused[i].p, refused[i].n, plain);
    assert_int_equal(r.rc, refused[i].rc);
    if (!strstr(r.err.msg, refused[i].part)) fail_msg("%zu: %s", i, r.err.msg);
    finish(&r);
  }
  char *wide = malloc(2000000);
  assert_non_null(wide);
  for (size_t i = 0; i < 2000000; i++) wide[i] = i % 2 ? ',' : 'c';
  reading r = read_bytes(wide, 2000000, plain);
  assert_int_equal(r.rc, BV_LIMIT);
  assert_non_null(strstr(r.err.msg, "m.csv line 1: more than 4096 fields"));
  finish(&r);
  free(wide);
}

/* Writes ten bars and then one line of a gigabyte into a pipe until nobody reads any more. */
static void *write_endless(void *path) {
  static char block[65536];
  memset(block, '7', sizeof block);
  int fd = open(path, O_WRONLY);
  if (fd < 0) return NULL;
  static const char head[] = "ts,open,high,low,close\n2024-01-02,1,1,1,1\n2024-01-03,1,1,1,";
  bool alive = write(fd, head, sizeof head - 1) > 0;
  for (int i = 0; alive && i < 16384; i++) alive = write(fd, block, sizeof block) > 0;
  close(fd);
  return NULL;
}

static void test_endless_line_in_pipe(void **state) {
  (void)state;
  char dir[] = "/tmp/bv_reader_XXXXXX", path[64];
  pthread_t writer;
  signal(SIGPIPE, SIG_IGN);
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/pipe", dir);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pthread_create(&writer, NULL, write_endless, path), 0);
  reading r = read_path(path, plain);
  assert_int_equal(r.rc, BV_LIMIT);
  assert_non_null(strstr(r.err.msg, "pipe line 3: a line of more than 1048576 bytes"));
  finish(&r);
  pthread_join(writer, NULL);
  unlink(path);
  rmdir(dir);
}

/* ---- faults -------------------------------------------------------------------------------- */

/* No prefix of a packed file passes as a shorter file. */
static void test_cut_anywhere(void **state) {
  (void)state;
  bv_buf t;
  bv_buf_init(&t, BV_MEM_BASE, (size_t)1 << 20);
  assert_int_equal(bv_buf_adds(&t, "ts,open,high,low,close\n"), BV_OK);
  for (int i = 0; i < 500; i++) {
    assert_int_equal(bv_buf_addf(&t, "%d,%d,%d.5,%d,%d\n", 1704205800 + 60 * i, i, i, i, i), BV_OK);
  }
  for (int zstd = 0; zstd < 2; zstd++) {
    bytes b = pack(t.p, t.n, zstd);
    for (size_t n = 0; n <= b.n; n += n + 7 < b.n && n > 100 ? 7 : 1) {
      reading r = read_bytes(b.p, n, plain);
      size_t magic = zstd ? 4 : 2;
      if (r.rc != (n == b.n ? BV_OK : n < magic ? BV_ARG : BV_IO)) fail_msg("%zu: %d", n, r.rc);
      if (n >= magic && n < b.n) assert_non_null(strstr(r.err.msg, "m.csv: the "));
      if (n == b.n) assert_int_equal(r.n, 500);
      finish(&r);
    }
    free(b.p);
  }
  bv_buf_reset(&t);
}

static bv_rc stop_at_reject(void *ctx, int64_t line, const char *raw, const char *why,
                            bv_err *err) {
  ++*(int *)ctx;
  return bv_fail(err, BV_BUSY, "line %lld: %s %s", (long long)line, why, raw);
}

static void test_callback_stops(void **state) {
  (void)state;
  static const char text[] = "ts,open,high,low,close\n2024-01-02,1,1,1,1\nx\ny\n";
  int calls = 0;
  bv_bar_reader_options o = {.reject = stop_at_reject, .reject_ctx = &calls};
  bv_infile *in = NULL;
  bv_bar_reader *reader = NULL;
  bv_bar_row rows[10];
  size_t n;
  bv_err err = {0};
  assert_int_equal(bv_infile_open_memory(text, sizeof text - 1, "m", &in, NULL), BV_OK);
  assert_int_equal(bv_bar_reader_take(in, &o, &reader, NULL), BV_OK);
  assert_int_equal(bv_bar_reader_next(reader, rows, 10, &n, &err), BV_BUSY);
  assert_string_equal(err.msg, "line 3: wrong number of fields x");
  assert_int_equal(calls, 1);
  bv_bar_reader_close(reader);
  bv_bar_reader_close(NULL);
}

static void test_no_memory(void **state) {
  (void)state;
  static const char text[] =
      "symbol,date,open,high,low,close,Adj Close\n"
      "\"S\"\"Y\",1/2/2024,1,1,1,1,1\nb,x,1,1,1,1,1\nSPY,1/3/2024,1,1,1,1,1\n";
  for (int kind = 0; kind < 3; kind++) {
    bytes b = kind ? pack(text, sizeof text - 1, kind == 2)
                   : (bytes){malloc(sizeof text), sizeof text - 1};
    if (!kind) memcpy(b.p, text, b.n);
    int failures = 0;
    for (int64_t i = 0;; i++) {
      int64_t before = bv_mem_total();
      bv_infile *in = NULL;
      bv_bar_reader *reader = NULL;
      bv_bar_row rows[4];
      size_t n = 0;
      bv_alloc_fail_after(i, 0);
      bv_rc rc = bv_infile_open_memory(b.p, b.n, "m", &in, NULL);
      if (rc == BV_OK) rc = bv_bar_reader_take(in, &plain, &reader, NULL);
      if (rc == BV_OK) rc = bv_bar_reader_next(reader, rows, 4, &n, NULL);
      bool hit = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      bv_bar_reader_close(reader);
      assert_int_equal(bv_mem_total(), before);
      assert_int_equal(rc, hit ? BV_NOMEM : BV_OK);
      if (!hit) {
        assert_int_equal(n, 2);
        break;
      }
      failures++;
    }
    assert_true(failures >= 10);
    free(b.p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bad_rows),
      cmocka_unit_test(test_good_rows),
      cmocka_unit_test(test_printable),
      cmocka_unit_test(test_order_is_kept),
      cmocka_unit_test(test_symbols),
      cmocka_unit_test(test_many_symbols),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_scale_rounds_once),
      cmocka_unit_test(test_end_labels),
      cmocka_unit_test(test_warnings),
      cmocka_unit_test(test_wrong_guess),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_endless_line_in_pipe),
      cmocka_unit_test(test_cut_anywhere),
      cmocka_unit_test(test_callback_stops),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
