/* test_parquet.c - DuckDB as a pipe: found or not, its values, its errors, ended early.
**
** Tests that need DuckDB are skipped where it is not there: set BARSVT_DUCKDB to its library or program.
** (Files of bars: tests/sql/files_parquet.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/parquet.h"
#include "time/instant.h"

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARED "../shared/peers/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"

static bool there;

static int find_duckdb(void **state) {
  (void)state;
  if (!getenv("BARSVT_DUCKDB") && access(SHARED, R_OK) == 0) setenv("BARSVT_DUCKDB", SHARED, 1);
  bv_duckdb *d;
  char c;
  size_t n;
  bv_rc rc = bv_duckdb_start(BV_DUCKDB_READ, "COPY (SELECT 1) TO ", "", &d, NULL);
  if (rc == BV_OK) rc = bv_duckdb_read(d, &c, 1, &n, NULL);
  if (rc == BV_OK) bv_duckdb_close(d);
  there = rc == BV_OK;
  if (!there) print_message("no DuckDB here; set BARSVT_DUCKDB\n");
  return 0;
}

#define NEEDS_DUCKDB()                                                                             \
  if (!there) {                                                                                    \
    skip();                                                                                        \
    return;                                                                                        \
  }

/* What a statement prints, or its error. */
static bv_rc query(const char *sql, char *out, size_t cap, bv_err *err) {
  bv_duckdb *d;
  size_t n = 1, at = 0;
  char head[2000];
  snprintf(head, sizeof head, "COPY (%s) TO ", sql);
  BV_TRY(bv_duckdb_start(BV_DUCKDB_READ, head, " (FORMAT csv, HEADER false)", &d, err));
  bv_rc rc = BV_OK;
  while (n > 0 && (rc = bv_duckdb_read(d, out + at, cap - at - 1, &n, err)) == BV_OK) at += n;
  out[at] = 0;
  bv_duckdb_close(d);
  return rc;
}

static void test_not_there(void **state) {
  (void)state;
  char *old = getenv("BARSVT_DUCKDB");
  char *keep = old ? strdup(old) : NULL, out[100];
  static const struct {
    const char *name, *why;
  } cases[] = {
      {"/nonexistent/libduckdb.so", "BARSVT_DUCKDB names no DuckDB library"},
      {"libz.so.1", "BARSVT_DUCKDB names no DuckDB library"}, /* a library without its calls */
      {"/nonexistent/duckdb", "DuckDB is needed for Parquet files and was not found"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bv_err err = {0};
    int64_t before = bv_mem_total();
    setenv("BARSVT_DUCKDB", cases[i].name, 1);
    assert_int_equal(query("SELECT 1", out, sizeof out, &err), BV_NOTFOUND);
    if (!strstr(err.msg, cases[i].why)) fail_msg("'%s' does not say '%s'", err.msg, cases[i].why);
    assert_non_null(strstr(err.msg, "npm install @duckdb/node-bindings-linux-x64"));
    assert_int_equal(bv_mem_total(), before);
  }
  /* programs that are none */
  bv_err err = {0};
  setenv("BARSVT_DUCKDB", "/bin/false", 1);
  assert_int_equal(query("SELECT 1", out, sizeof out, &err), BV_IO);
  assert_string_equal(err.msg, "DuckDB: no reason is given");
  if (keep) {
    setenv("BARSVT_DUCKDB", keep, 1);
  } else {
    unsetenv("BARSVT_DUCKDB");
  }
  free(keep);
}

static void test_quoting(void **state) {
  (void)state;
  bv_buf b;
  bv_buf_init(&b, BV_MEM_BASE, 1000);
  assert_int_equal(bv_duckdb_quote(&b, '\'', "it's a \"b\""), BV_OK);
  assert_int_equal(bv_duckdb_quote(&b, '"', "it's a \"b\""), BV_OK);
  assert_int_equal(bv_duckdb_quote_path(&b, "a'*[1]?.parquet"), BV_OK);
  assert_string_equal(bv_buf_text(&b),
                      "'it''s a \"b\"'\"it's a \"\"b\"\"\"'a''[*][[]1][?].parquet'");
  bv_buf_reset(&b);
  assert_true(bv_parquet_magic("PAR1....", 8));
  assert_false(bv_parquet_magic("PAR2....", 8));
  assert_false(bv_parquet_magic("PAR", 3));
}

static void test_values(void **state) {
  (void)state;
  NEEDS_DUCKDB();
  char out[1000];
  bv_err err = {0};
  assert_int_equal(query("SELECT 1e300::DOUBLE, 5e-324::DOUBLE, 0.1::FLOAT::DOUBLE, NULL, 'a,\"b'",
                         out, sizeof out, &err),
                   BV_OK);
  assert_string_equal(out, "1e+300,5e-324,0.10000000149011612,,\"a,\"\"b\"\n");
  assert_int_equal(query("SELECT * FROM range(3)", out, sizeof out, &err), BV_OK);
  assert_string_equal(out, "0\n1\n2\n");
  assert_int_equal(query("SELECT * FROM nowhere", out, sizeof out, &err), BV_IO);
  assert_non_null(strstr(err.msg, "DuckDB: "));
  assert_non_null(strstr(err.msg, "nowhere"));
}

/* A result of any length flows through the pipe; stopped after a few bytes, nothing hangs or dies of a
** broken pipe. */
static void test_ended_early(void **state) {
  (void)state;
  NEEDS_DUCKDB();
  for (int k = 0; k < 3; k++) {
    bv_duckdb *d;
    char piece[100];
    size_t n;
    int64_t before = bv_mem_total();
    assert_int_equal(bv_duckdb_start(BV_DUCKDB_READ,
                                     "COPY (SELECT range, random() FROM range(1000000000)) TO ",
                                     " (FORMAT csv)", &d, NULL),
                     BV_OK);
    if (k > 0) assert_int_equal(bv_duckdb_read(d, piece, sizeof piece, &n, NULL), BV_OK);
    bv_duckdb_close(d);
    assert_int_equal(bv_mem_total(), before);
  }
  bv_duckdb *d;
  const char *const columns[] = {"ts", "open"};
  char path[] = "/tmp/test_parquet_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(bv_parquet_create(path, columns, 2, false, 0, &d, NULL), BV_OK);
  assert_int_equal(bv_duckdb_write(d, "ts,open\n1,1\n", 12, NULL), BV_OK);
  bv_duckdb_close(d); /* given up */
  unlink(path);
  /* DuckDB gives up first: an error with its reason, and no signal */
  sigset_t pending;
  bv_err err = {0};
  bv_rc rc = bv_parquet_create("/nonexistent/x.parquet", columns, 2, false, 0, &d, &err);
  assert_int_equal(rc, BV_OK);
  for (int i = 0; i < 100000 && rc == BV_OK; i++)
    rc = bv_duckdb_write(d, "1,1\n2,2\n3,3\n", 12, &err);
  if (rc == BV_OK) rc = bv_duckdb_finish(d, &err);
  assert_int_equal(rc, BV_IO);
  if (!strstr(err.msg, "nonexistent")) fail_msg("%s", err.msg);
  sigpending(&pending);
  assert_false(sigismember(&pending, SIGPIPE));
  bv_duckdb_close(d);
}

/* Written and read back: every value, whichever way the times are kept. */
static void test_round_trip(void **state) {
  (void)state;
  NEEDS_DUCKDB();
  static const char text[] = "asset,ts,open,high,low,close,volume,bid\n"
                             "A,1704292200,0.30000000000000004,1e+300,5e-324,0.1,,1\n"
                             "\"B,\"\"x\"\"\",-1,100.25,100.25,100.25,100.25,0,\n";
  const char *const columns[] = {"asset", "ts", "open", "high", "low", "close", "volume", "bid"};
  char path[] = "/tmp/test_parquet_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  for (int epoch = 0; epoch < 2; epoch++) {
    bv_duckdb *d;
    bv_bar_reader *r = NULL;
    bv_bar_row row[3];
    bv_err err = {0};
    size_t n = 0;
    if (bv_parquet_create(path, columns, 8, epoch, epoch ? 5 : 0, &d, &err) != BV_OK)
      fail_msg("%s", err.msg);
    assert_int_equal(bv_duckdb_write(d, text, sizeof text - 1, &err), BV_OK);
    if (bv_duckdb_finish(d, &err) != BV_OK) fail_msg("%s", err.msg);
    bv_duckdb_close(d);
    bv_rc rc = bv_parquet_open(path, &(bv_bar_reader_options){0}, &r, &err);
    if (rc == BV_OK) rc = bv_bar_reader_next(r, row, 3, &n, &err);
    if (rc != BV_OK) fail_msg("%s", err.msg);
    assert_int_equal(n, 2);
    assert_int_equal(row[0].ts, 1704292200);
    assert_true(row[0].open == 0.1 + 0.2 && row[0].high == 1e300 && row[0].low == 5e-324 &&
                row[0].close == 0.1);
    assert_true(isnan(row[0].volume) && row[0].bid == 1 && isnan(row[0].ask));
    assert_int_equal(row[1].ts, -1);
    assert_true(row[1].volume == 0 && isnan(row[1].bid));
    assert_int_equal(row[1].nsymbol, 5);
    assert_memory_equal(row[1].symbol, "B,\"x\"", 5);
    bv_bar_reader_close(r);
  }
  unlink(path);
}

static void test_damaged(void **state) {
  (void)state;
  NEEDS_DUCKDB();
  char path[] = "/tmp/test_parquet_XXXXXX";
  int fd = mkstemp(path);
  bv_bar_reader *r;
  bv_err err = {0};
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "PAR1 is only the beginning", 26), 26);
  close(fd);
  assert_int_equal(bv_parquet_open(path, &(bv_bar_reader_options){0}, &r, &err), BV_IO);
  assert_null(r);
  assert_non_null(strstr(err.msg, "DuckDB: "));
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_not_there),  cmocka_unit_test(test_quoting),
      cmocka_unit_test(test_values),     cmocka_unit_test(test_ended_early),
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damaged),
  };
  return cmocka_run_group_tests(tests, find_duckdb, NULL);
}
