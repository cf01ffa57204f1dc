/* test_curve.c - the stored form of the equity curve: its bytes, round trips, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "run/curve.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

static bv_curve curve; /* too large for the stack */

static sqlite3 *open_table(sqlite3_stmt **insert) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db,
                                "CREATE TABLE bt_curve(run, chunk, n, first, last, data,"
                                " UNIQUE(run, chunk))",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO bt_curve VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                      -1, insert, NULL),
                   SQLITE_OK);
  return db;
}

static void close_table(sqlite3 *db, sqlite3_stmt *insert) {
  sqlite3_finalize(insert);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put(int64_t ts, double value, double cash, uint8_t exposed) {
  int64_t n = curve.n++;
  curve.ts[n] = ts;
  curve.value[n] = value;
  curve.cash[n] = cash;
  curve.exposed[n] = exposed;
}

/* The layout of curve.h, byte by byte: 1.0 is 3f f0 ..., -2.0 is c0 00 ... (IEEE 754). */
static void test_bytes(void **state) {
  (void)state;
  static const uint8_t want[50] = {
      0x04, 0x03, 0x02, 0x01, 0, 0, 0,    0,                                  /* ts 0 */
      0xff, 0xff, 0xff, 0xff, 1, 0, 0,    0,                                  /* ts 1 */
      0,    0,    0,    0,    0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0,    0xc0, /* value */
      0,    0,    0,    0,    0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0xe0, 0x3f, /* cash 0, 0.5 */
      0,    1};
  sqlite3_stmt *insert, *read;
  sqlite3 *db = open_table(&insert);
  curve.n = curve.chunk = 0;
  put(0x01020304, 1.0, 0.0, 0);
  put(0x1ffffffff, -2.0, 0.5, 1);
  assert_int_equal(bv_curve_flush(&curve, db, insert, 7, NULL), BV_OK);
  assert_int_equal(curve.n, 0);
  assert_int_equal(curve.chunk, 1);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT run, chunk, n, first, last, data FROM bt_curve",
                                      -1, &read, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(read), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(read, 0), 7);
  assert_int_equal(sqlite3_column_int(read, 1), 0);
  assert_int_equal(sqlite3_column_int(read, 2), 2);
  assert_int_equal(sqlite3_column_int64(read, 3), 0x01020304);
  assert_int_equal(sqlite3_column_int64(read, 4), 0x1ffffffff);
  assert_int_equal(sqlite3_column_bytes(read, 5), (int)sizeof want);
  assert_memory_equal(sqlite3_column_blob(read, 5), want, sizeof want);
  assert_int_equal(sqlite3_step(read), SQLITE_DONE);
  sqlite3_finalize(read);
  close_table(db, insert);
}

/* decode(encode x) = x, bit for bit, for a chunk of one point, of a few, and a full one. */
static void test_round_trip(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 1000, BV_CURVE_CHUNK};
  static int64_t ts[BV_CURVE_CHUNK];
  static double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK];
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    sqlite3_stmt *insert, *read;
    sqlite3 *db = open_table(&insert);
    static bv_curve copy;
    curve.n = curve.chunk = 0;
    for (int64_t i = 0; i < sizes[k]; i++) {
      double odd = i % 5 == 0    ? -0.0
                   : i % 7 == 0  ? 5e-324
                   : i % 11 == 0 ? INFINITY
                                 : 1e5 / 3 + (double)i;
      put(-5000000000 + i * i, odd, -odd, i % 3 == 0);
    }
    copy = curve;
    assert_int_equal(bv_curve_flush(&curve, db, insert, 1, NULL), BV_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT data FROM bt_curve", -1, &read, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(read), SQLITE_ROW);
    assert_int_equal(bv_curve_decode(sqlite3_column_blob(read, 0), sqlite3_column_bytes(read, 0),
                                     sizes[k], ts, value, cash, exposed, NULL),
                     BV_OK);
    size_t n = (size_t)sizes[k];
    assert_memory_equal(ts, copy.ts, n * 8);
    assert_memory_equal(value, copy.value, n * 8);
    assert_memory_equal(cash, copy.cash, n * 8);
    assert_memory_equal(exposed, copy.exposed, n);
    sqlite3_finalize(read);
    close_table(db, insert);
  }
}

static void test_nothing_to_write(void **state) {
  (void)state;
  sqlite3_stmt *insert;
  sqlite3 *db = open_table(&insert);
  curve.n = curve.chunk = 0;
  assert_int_equal(bv_curve_flush(&curve, db, insert, 1, NULL), BV_OK);
  assert_int_equal(curve.chunk, 0);
  assert_int_equal(sqlite3_total_changes(db), 0);
  close_table(db, insert);
}

/* A chunk that cannot be written is an error, and nothing leaks. */
static void test_failures(void **state) {
  (void)state;
  sqlite3_stmt *insert;
  sqlite3 *db = open_table(&insert);
  int64_t before = bv_mem_total();
  curve.n = curve.chunk = 0;
  put(1, 1, 1, 1);
  bv_alloc_fail_after(0, 0);
  assert_int_equal(bv_curve_flush(&curve, db, insert, 1, NULL), BV_NOMEM);
  bv_alloc_fail_after(-1, 0);
  assert_int_equal(curve.n, 1);
  assert_int_equal(bv_curve_flush(&curve, db, insert, 1, NULL), BV_OK);
  bv_err err = {0};
  curve.chunk = 0; /* the same key again */
  put(2, 1, 1, 1);
  assert_int_equal(bv_curve_flush(&curve, db, insert, 1, &err), BV_CONFLICT);
  assert_non_null(strstr(err.msg, "bt_curve"));
  assert_int_equal(bv_mem_total(), before);
  close_table(db, insert);
}

/* Sizes, counts and times that cannot be: BV_CORRUPT with a text. */
static void test_corrupt(void **state) {
  (void)state;
  static uint8_t blob[(BV_CURVE_CHUNK + 1) * 25];
  static int64_t ts[BV_CURVE_CHUNK];
  static double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK];
  static const struct {
    int64_t size, n;
  } bad[] = {{0, 0},
             {0, 1},
             {24, 1},
             {26, 1},
             {25, 0},
             {25, -1},
             {25, INT64_MAX},
             {25, INT64_MIN},
             {50, 1},
             {25, 2},
             {(BV_CURVE_CHUNK + 1) * 25, BV_CURVE_CHUNK + 1}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bv_err err = {0};
    assert_int_equal(bv_curve_decode(blob, bad[i].size, bad[i].n, ts, value, cash, exposed, &err),
                     BV_CORRUPT);
    assert_non_null(strstr(err.msg, "bt_curve"));
  }
  assert_int_equal(bv_curve_decode(NULL, 25, 1, ts, value, cash, exposed, NULL), BV_CORRUPT);
  assert_int_equal(bv_curve_decode(blob, 25, 1, ts, value, cash, exposed, NULL), BV_OK);
  /* Two points at one time, then going back. */
  assert_int_equal(bv_curve_decode(blob, 50, 2, ts, value, cash, exposed, NULL), BV_CORRUPT);
  blob[0] = 2;
  blob[8] = 1;
  assert_int_equal(bv_curve_decode(blob, 50, 2, ts, value, cash, exposed, NULL), BV_CORRUPT);
  blob[8] = 3;
  assert_int_equal(bv_curve_decode(blob, 50, 2, ts, value, cash, exposed, NULL), BV_OK);
  blob[0] = blob[8] = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_nothing_to_write),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
