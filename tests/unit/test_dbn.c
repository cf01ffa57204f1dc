/* test_dbn.c - whole DBN files: rows, symbols, venues, kinds of records. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "dbn_help.h"

#include <ftw.h>

#define DAY_S 86400
/* ---- real files ---- */

static int seen_bars, seen_rows, seen_refused;

/* Rows of a file of bars against the rows beside it: ts_event first, open to volume from column 6. */
static void check_bars(const char *path, bv_bar_reader_options o) {
  char name[300], line[400];
  reading r = read_path(path, o);
  if (r.rc != BV_OK) fail_msg("%s: %s", path, r.err.msg);
  assert_int_equal(r.rejects.n, 0);
  snprintf(name, sizeof name, "%s.expected.csv", path);
  FILE *f = fopen(name, "r");
  size_t i = 0;
  if (f) assert_non_null(fgets(line, sizeof line, f)); /* the header */
  while (f && fgets(line, sizeof line, f)) {
    long long ns, px4[4];
    unsigned long long volume;
    char symbol[80];
    assert_int_equal(sscanf(line, "%lld,%*[^,],%*d,%*d,%*d,%79[^,],%lld,%lld,%lld,%lld,%llu", &ns,
                            symbol, &px4[0], &px4[1], &px4[2], &px4[3], &volume),
                     7);
    assert_true(i < r.n);
    double v[5] = {0, 0, 0, 0, (double)volume};
    for (int k = 0; k < 4; k++) v[k] = (double)px4[k] / 1e9;
    assert_row(&r.row[i], ns / 1000000000, v);
    assert_non_null(strstr(bv_buf_text(&r.keys), symbol));
    i++;
  }
  if (f) fclose(f);
  assert_int_equal(i, r.n);
  seen_bars++;
  seen_rows += (int)r.n;
  finish(&r);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at) {
  static const struct {
    const char *part;
    bv_timestep step;
  } schema[] = {{".ohlcv-1s.", {1, BV_SECOND, BV_OF_TRADES}},
                {".ohlcv-1m.", {1, BV_MINUTE, BV_OF_TRADES}},
                {".ohlcv-1h.", {1, BV_HOUR, BV_OF_TRADES}},
                {".ohlcv-1d.", {1, BV_DAY, BV_OF_TRADES}}};
  static const char *const none[] = {".definition.", ".statistics.", ".status.",
                                     ".imbalance.",  ".bbo-",        ".cbbo"};
  (void)st;
  const char *name = path + at->base;
  size_t n = strlen(name);
  if (type != FTW_F || strstr(path, "/synthetic/")) return 0;
  bool dbz = n > 4 && strcmp(name + n - 4, ".dbz") == 0;
  bool dbn = (n > 4 && strcmp(name + n - 4, ".dbn") == 0) ||
             (n > 8 && strcmp(name + n - 8, ".dbn.zst") == 0);
  for (size_t i = 0; dbn && i < sizeof schema / sizeof *schema; i++) {
    if (strstr(name, schema[i].part)) {
      check_bars(path, (bv_bar_reader_options){.step = schema[i].step});
    }
  }
  bool refused = dbz;
  for (size_t i = 0; dbn && i < sizeof none / sizeof *none; i++)
    refused |= strstr(name, none[i]) != NULL;
  if (refused) {
    reading r = read_path(path, minute);
    assert_int_equal(r.rc, BV_ARG);
    const bool quotes = strstr(name, "bbo") != NULL;
    assert_non_null(strstr(r.err.msg, dbz      ? "legacy DBZ"
                                      : quotes ? "which are quotes"
                                               : "neither bars nor trades"));
    finish(&r);
    seen_refused++;
  }
  return 0;
}

static void real_files(void **state) {
  (void)state;
  need(DBN_DIR "index.json");
  assert_int_equal(nftw(DBN_DIR, visit, 8, FTW_PHYS), 0);
  assert_true(seen_bars >= 60 && seen_rows >= 100 && seen_refused >= 50);
}

/* ---- symbols and venues ---- */

static void symbols_by_day(void **state) {
  (void)state;
  static const mapping map[] = {{"A", 20240102, 20240103, "1"},
                                {"B", 20240103, 20240105, "1"},
                                {"C", 20240104, 20240105, "1"}, /* the last of two counts */
                                {"", 20240101, 20250101, "2"},  /* no symbol */
                                {"E", 20240101, 20240101, "2"}, /* an empty interval */
                                {"F", 20240101, 20250101, ""},  /* a gap */
                                {"G", 20240101, 20250101, "4294967295"}};
  static const struct {
    uint32_t instrument;
    int64_t day;
  } at[] = {{1, -1}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 0}, {UINT32_MAX, 0}, {7, 0}};
  for (int version = 1; version <= 3; version++) {
    bv_buf b =
        new_file((head){.version = version, .schema = 8, .stype_in = 3, .map = map, .nmap = 7});
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
      put_bar(&b, 0x23, 1, at[i].instrument, 1704153600 + DAY_S * at[i].day, px, 7);
    }
    reading r = read_bytes(b.p, b.n, (bv_bar_reader_options){.step = {1, BV_DAY, BV_OF_TRADES}}, 3);
    assert_int_equal(r.rc, BV_OK);
    assert_string_equal(bv_buf_text(&r.keys), "1 A B C 1 2 G 7 ");
    assert_string_equal(bv_buf_text(&r.warnings),
                        "4 records are of instruments that the file names no symbol for; the "
                        "instrument's number is used (the first is 1)\n");
    finish(&r);
    bv_buf_reset(&b);
  }
}

static void symbols_of_numbers_asked_for(void **state) {
  (void)state;
  static const mapping map[] = {{"55", 20240101, 20250101, "ESM4"}};
  static const mapping bad_map[] = {{"5x", 20240101, 20250101, "ESM4"}};
  /* stypes: 0 is the instrument number */
  bv_buf b = new_file((head){3, 6, 0, 1, map, 1});
  put_bar(&b, 0x21, 1, 55, T0, px, 7);
  reading r = read_bytes(b.p, b.n, minute, 3);
  assert_string_equal(bv_buf_text(&r.keys), "ESM4 ");
  finish(&r);
  bv_buf_reset(&b);
  b = new_file((head){3, 6, 0, 1, bad_map, 1});
  r = read_bytes(b.p, b.n, minute, 3);
  assert_int_equal(r.rc, BV_IO);
  finish(&r);
  bv_buf_reset(&b);
  b = new_file((head){3, 6, 1, 1, bad_map, 1}); /* no side is a number: nothing to look up */
  put_bar(&b, 0x21, 1, 55, T0, px, 7);
  r = read_bytes(b.p, b.n, minute, 3);
  assert_string_equal(bv_buf_text(&r.keys), "55 ");
  finish(&r);
  bv_buf_reset(&b);
}

static void venues_only_where_there_are_several(void **state) {
  (void)state;
  static const mapping map[] = {{"A", 20240101, 20250101, "1"}, {"B", 20240101, 20250101, "2"}};
  const int64_t none[4] = {BV_DBN_NO_PRICE, 0, 0, 0};
  bv_buf b = new_file((head){3, 6, 1, 0, map, 2});
  put_bar(&b, 0x21, 39, 1, T0, px, 7);
  put_bar(&b, 0x21, 39, 2, T0, px, 7);
  put_bar(&b, 0x21, 41, 1, T0, px, 7);
  put_bar(&b, 0x21, 0, 1, T0, px, 7);
  put_bar(&b, 0x21, 999, 1, T0, px, 7);
  put_bar(&b, 0x21, 41, 2, T0, none, 7); /* set aside: no second publisher */
  reading r = read_bytes(b.p, b.n, minute, 100);
  assert_int_equal(r.rc, BV_OK);
  assert_string_equal(bv_buf_text(&r.keys), "A@XCHI B A@IEXG A@0 A@999 ");
  assert_string_equal(bv_buf_text(&r.rejects), "6:open is undefined;");
  finish(&r);
  bv_buf_reset(&b);
}

static void symbols_that_are_no_keys(void **state) {
  (void)state;
  char longest[71];
  memset(longest, 'x', 70);
  longest[70] = 0;
  const mapping map[] = {{" A", 20240101, 20250101, "1"}, {longest, 20240101, 20250101, "2"}};
  bv_buf b = new_file((head){3, 6, 1, 0, map, 2});
  put_bar(&b, 0x21, 1, 1, T0, px, 7);
  put_bar(&b, 0x21, 1, 2, T0, px, 7);
  put_bar(&b, 0x21, 1, 3, T0, px, 7);
  reading r = read_bytes(b.p, b.n, minute, 100);
  assert_string_equal(bv_buf_text(&r.keys), "3 ");
  assert_string_equal(
      bv_buf_text(&r.rejects),
      "1:the symbol is not a valid asset key;2:the symbol is not a valid asset key;");
  finish(&r);
  bv_buf_reset(&b);
}

/* They hold from their place on, before the file's own mappings, on both readings alike. */
static void symbols_from_records(void **state) {
  (void)state;
  for (int version = 1; version <= 3; version++) {
    bv_buf b =
        new_file((head){.version = version, .schema = 6, .stype_in = 1, .map = one_map, .nmap = 1});
    put_bar(&b, 0x21, 1, 101, T0, px, 7);
    put_mapping_record(&b, version, 101, "NEW");
    put_mapping_record(&b, version, 101, "NEW");
    put_bar(&b, 0x21, 1, 101, T0 + 60, px, 7);
    put_bar(&b, 0x21, 2, 101, T0 + 60, px, 7);
    put_mapping_record(&b, version, 102, "OTHER");
    put_mapping_record(&b, version, 101, "");
    put_bar(&b, 0x21, 1, 102, T0, px, 7);
    put_mapping_record(&b, version, 101, "LAST");
    put_bar(&b, 0x21, 1, 101, T0 + 120, px, 7);
    reading r = read_bytes(b.p, b.n, minute, 2);
    assert_int_equal(r.rc, BV_OK);
    assert_string_equal(bv_buf_text(&r.keys), "ESH4 NEW@GLBX NEW@XNAS OTHER LAST ");
    assert_int_equal(r.warnings.n, 0);
    finish(&r);
    bv_buf_reset(&b);
  }
}

/* ---- kinds of records, timesteps ---- */

static void expect_refusal(bv_buf *b, bv_bar_reader_options o, bv_rc rc, const char *part) {
  reading r = read_bytes(b->p, b->n, o, 10);
  assert_int_equal(r.rc, rc);
  if (!strstr(r.err.msg, part)) fail_msg("'%s' lacks '%s'", r.err.msg, part);
  finish(&r);
}

static void the_timestep_must_fit(void **state) {
  (void)state;
  bv_buf b = minutes_file(3, 2);
  expect_refusal(
      &b, (bv_bar_reader_options){.step = {1, BV_HOUR, BV_OF_TRADES}}, BV_ARG,
      "bars of timestep 'minute' (schema ohlcv-1m), not 'hour'; import them as 'minute'");
  expect_refusal(&b, (bv_bar_reader_options){.step = {1, BV_SECOND, BV_OF_TRADES}}, BV_ARG,
                 "not 'second'");
  reading r = read_bytes(b.p, b.n, (bv_bar_reader_options){0}, 10); /* not asked for any */
  assert_int_equal(r.n, 2);
  finish(&r);
  bv_buf_reset(&b);
  b = new_file((head){.version = 3, .schema = 4});
  expect_refusal(&b, (bv_bar_reader_options){0}, BV_ARG, "trades need the timestep");
  bv_buf_reset(&b);
}

static void session_bars_are_days(void **state) {
  (void)state;
  bv_buf b = new_file((head){.version = 2, .schema = 13});
  put_bar(&b, 0x24, 1, 5, T0, px, 7);
  put_bar(&b, 0x11, 1, 5, T0 + DAY_S, px, 7); /* of the schema's length */
  put_bar(&b, 0x23, 1, 5, T0, px, 7);         /* another schema */
  reading r = read_bytes(b.p, b.n, (bv_bar_reader_options){.step = {1, BV_DAY, BV_OF_TRADES}}, 10);
  assert_int_equal(r.n, 2);
  assert_row(&r.row[0], T0, pv);
  assert_row(&r.row[1], T0 + DAY_S, pv);
  assert_non_null(strstr(bv_buf_text(&r.warnings), "passed over: 1 ohlcv-1d\n"));
  finish(&r);
  bv_buf_reset(&b);
}

static void files_without_a_schema(void **state) {
  (void)state;
  bv_buf b = new_file((head){.version = 3, .schema = 0xFFFF});
  expect_refusal(&b, (bv_bar_reader_options){0}, BV_ARG, "timestep");
  reading r = read_bytes(b.p, b.n, minute, 10);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 0);
  finish(&r);
  put_bar(&b, 0x11, 1, 5, T0, px, 7);
  expect_refusal(&b, minute, BV_ARG, "does not say of what length");
  bv_buf_reset(&b);
  b = new_file((head){.version = 3, .schema = 0xFFFF});
  put_header(&b, 40, 0x12, 1, 5, 0);
  put_text(&b, "", 24);
  expect_refusal(&b, minute, BV_ARG, "kind status, which are neither bars nor trades");
  put_bar(&b, 0x20, 1, 5, T0, px, 7);
  expect_refusal(&b, minute, BV_ARG, "bars of timestep 'second' (schema ohlcv-1s), not 'minute'");
  put_trade(&b, 1, 5, (uint64_t)T0 * 1000000000, (uint64_t)T0 * 1000000000, 5000000000, 3);
  r = read_bytes(b.p, b.n, minute, 10);
  assert_int_equal(r.n, 1);
  assert_row(&r.row[0], T0, (const double[5]){5, 5, 5, 5, 3});
  assert_non_null(strstr(bv_buf_text(&r.warnings), "1 status, 1 ohlcv-1s"));
  finish(&r);
  put_bar(&b, 0x21, 1, 5, T0, px, 7);
  r = read_bytes(b.p, b.n, minute, 10);
  assert_int_equal(r.n, 1);
  assert_row(&r.row[0], T0, pv);
  finish(&r);
  bv_buf_reset(&b);
}

/* Longer records than known, unknown ones, the longest there are. */
static void records_of_the_future(void **state) {
  (void)state;
  bv_buf b = minutes_file(3, 1);
  put_header(&b, 72, 0x21, 1, 101, (uint64_t)(T0 + 60) * 1000000000);
  for (int i = 0; i < 4; i++) put_int(&b, (uint64_t)px[i], 8);
  put_int(&b, 7, 8);
  put_text(&b, "later", 16);
  for (int i = 0; i < 2000; i++) {
    put_header(&b, 1020, 0xFE, 1, 101, 0);
    for (int k = 0; k < 1004; k += 4) put_int(&b, 0xFFFFFFFF, 4);
    put_header(&b, 16, 0x7F, 1, 101, 0);
  }
  put_bar(&b, 0x21, 1, 101, T0 + 120, px, 7);
  reading r = read_bytes(b.p, b.n, minute, 10);
  assert_int_equal(r.n, 3);
  for (int i = 0; i < 3; i++) assert_row(&r.row[i], T0 + 60 * i, pv);
  assert_int_equal(r.row[2].line, 4003);
  assert_string_equal(bv_buf_text(&r.warnings), "4000 records of unknown kinds were passed over\n");
  finish(&r);
  bv_buf_reset(&b);
}

static void the_batch_does_not_matter(void **state) {
  (void)state;
  static const mapping map[] = {{"A", 20240101, 20250101, "1"}, {"B", 20240101, 20250101, "2"}};
  for (unsigned schema = 4; schema <= 6; schema += 2) {
    bv_buf b = new_file((head){3, schema, 1, 0, map, 2});
    for (int64_t i = 0; i < 500; i++) {
      uint64_t ns = (uint64_t)(T0 + 20 * i) * 1000000000;
      put_bar(&b, 0x21, 1 + (unsigned)i % 2, (uint32_t)(i % 3), T0 + 60 * i, px, (uint64_t)i);
      put_trade(&b, 1 + (unsigned)i % 2, (uint32_t)(i % 3), ns - (uint64_t)(i % 7) * 50000000000,
                ns, i, 1);
    }
    reading want = read_bytes(b.p, b.n, minute, 100000);
    assert_true(want.n >= 300);
    for (size_t batch = 1; batch < 40; batch += 6) {
      reading r = read_bytes(b.p, b.n, minute, batch);
      assert_int_equal(r.n, want.n);
      assert_string_equal(bv_buf_text(&r.keys), bv_buf_text(&want.keys));
      for (size_t i = 0; i < r.n; i++) {
        assert_int_equal(r.row[i].ts, want.row[i].ts);
        assert_true(r.row[i].volume == want.row[i].volume);
        assert_int_equal(r.row[i].line, want.row[i].line);
      }
      finish(&r);
    }
    finish(&want);
    bv_buf_reset(&b);
  }
}

/* ---- is it one? ---- */

static void claims(void **state) {
  (void)state;
  assert_true(bv_dbn_claims(NULL, "DBN\x01", 4));
  assert_true(bv_dbn_claims("bars.csv", "DBN\x03xxxx", 8));
  assert_true(bv_dbn_claims("none", "DBN\x04", 4));
  assert_false(bv_dbn_claims(NULL, "DBN,", 4)); /* a column of that name */
  assert_false(bv_dbn_claims(NULL, "DBN\n", 4));
  assert_false(bv_dbn_claims(NULL, "DBN\t", 4));
  assert_false(bv_dbn_claims(NULL, "DBN", 3));
  assert_false(bv_dbn_claims("x.csv", "", 0));
  static const char *const name[] = {"a.dbn",    "a.DBN",      "a.dbn.zst",     "a.dbz",
                                     "a.dbn.gz", "a.dbn.frag", "a.dbn.frag.zst"};
  for (size_t i = 0; i < sizeof name / sizeof *name; i++)
    assert_true(bv_dbn_claims(name[i], "", 0));
  assert_false(bv_dbn_claims("a.dbn.csv", "", 0));
  assert_false(bv_dbn_claims("dbn", "", 0));
  assert_false(bv_dbn_claims("a.zst", "", 0));
}

static void other_files_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
  } cases[] = {{"", "empty"},
               {"DB", "first 8 bytes"},
               {"DBN\x03", "first 8 bytes"},
               {"{\"detail\": 1}", "JSON"},
               {"<html>", "web page"},
               {"ts_event,rtype,open", "CSV"},
               {"ts_recv,ts_event,rtype", "CSV"},
               {"XBN\x03yyyyyyy", "not a DBN file"},
               {"DBN\x04yyyyyyy", "version 4"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    reading r = read_bytes(cases[i].text, strlen(cases[i].text), minute, 1);
    assert_true(r.rc == BV_ARG || r.rc == BV_IO);
    if (!strstr(r.err.msg, cases[i].part)) fail_msg("%s", r.err.msg);
    finish(&r);
  }
}

/* ---- telling ---- */

typedef struct told {
  int64_t calls, last;
  int stop_at; /* the call that says no */
  const char *unit;
} told;

static bv_rc note_told(void *ctx, int64_t done, const char *unit, bv_err *err) {
  told *t = ctx;
  assert_true(done > 0);
  t->last = done;
  t->unit = unit;
  t->calls++;
  return t->calls == t->stop_at ? bv_fail(err, BV_INTERRUPT, "enough") : BV_OK;
}

/* Records that give no rows for long: both readings tell of themselves, and can be stopped at any time. */
static void readings_tell_and_stop(void **state) {
  (void)state;
  enum { N = 200000 };
  bv_buf file =
      new_file((head){.version = 3, .schema = 4, .stype_in = 1, .map = one_map, .nmap = 1});
  for (int64_t i = 0; i < N; i++) {
    uint64_t ns = (uint64_t)T0 * 1000000000 + (uint64_t)i * 1000;
    put_trade(&file, 1, 101, ns, ns, 2000000000, 1);
  }
  for (int stop = 0; stop <= 7; stop++) {
    told t = {.stop_at = stop};
    bv_bar_reader_options options = {
        .step = {1, BV_DAY, BV_OF_TRADES}, .tell = note_told, .tell_ctx = &t};
    bv_err err = {0};
    bv_infile *in;
    bv_row_source src = {0};
    bv_bar_row rows[4];
    size_t n = 0, all = 0;
    assert_int_equal(bv_infile_open_memory(file.p, file.n, "f.dbn", &in, &err), BV_OK);
    bv_rc rc = bv_dbn_open(in, NULL, &options, &src, &err);
    if (rc == BV_OK) assert_string_equal(t.unit, "records checked");
    while (rc == BV_OK && (rc = src.next(src.self, rows, 4, &n, &err)) == BV_OK && n) all += n;
    if (src.self) src.close(src.self);
    bool stopped = stop >= 1 && stop <= 6; /* three times in each reading */
    assert_int_equal(rc, stopped ? BV_INTERRUPT : BV_OK);
    assert_int_equal(t.calls, stopped ? stop : 6);
    if (stopped) assert_string_equal(err.msg, "enough");
    if (!stopped) {
      assert_int_equal(all, 1);
      assert_int_equal(t.last, 3 * 65536);
      assert_string_equal(t.unit, "records read");
    }
  }
  bv_buf_reset(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_files),
      cmocka_unit_test(symbols_by_day),
      cmocka_unit_test(symbols_of_numbers_asked_for),
      cmocka_unit_test(venues_only_where_there_are_several),
      cmocka_unit_test(symbols_that_are_no_keys),
      cmocka_unit_test(symbols_from_records),
      cmocka_unit_test(the_timestep_must_fit),
      cmocka_unit_test(session_bars_are_days),
      cmocka_unit_test(files_without_a_schema),
      cmocka_unit_test(records_of_the_future),
      cmocka_unit_test(the_batch_does_not_matter),
      cmocka_unit_test(claims),
      cmocka_unit_test(other_files_are_refused),
      cmocka_unit_test(readings_tell_and_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
