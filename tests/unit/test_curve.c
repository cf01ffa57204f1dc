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

/* The layout of curve_code.h, byte by byte: 1.0 is 3f f0 ..., -2.0 is c0 00 ... (IEEE 754).  Values of
** tenths: 1.0 is 0 + 10 / 10, -2.0 is 0.5 - 25 / 10. */
static void test_bytes(void **state) {
  (void)state;
  static const uint8_t want[40] = {0x02, 0x88, 0x8c, 0x90, 0x10, 0xfb, 0xf9, 0xf7, 0xf7, 0x1f,
                                   0x01, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe0,
                                   0x3f, 0x01, 0x01, 0x14, 0x45, 0x00, 0xe4, 0xe1, 0xaa, 0x3e};
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

static void decodes_to(const bv_buf *blob, int64_t n, const int64_t *ts, const double *value,
                       const double *cash, const uint8_t *exposed) {
  static int64_t got_ts[BV_CURVE_CHUNK];
  static double got_value[BV_CURVE_CHUNK], got_cash[BV_CURVE_CHUNK];
  static uint8_t got_exposed[BV_CURVE_CHUNK];
  const size_t size = (size_t)n;
  assert_int_equal(
      bv_curve_decode(blob->p, (int64_t)blob->n, n, got_ts, got_value, got_cash, got_exposed, NULL),
      BV_OK);
  assert_memory_equal(got_ts, ts, size * 8);
  assert_memory_equal(got_value, value, size * 8);
  assert_memory_equal(got_cash, cash, size * 8);
  assert_memory_equal(got_exposed, exposed, size);
}

static uint64_t seed;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = (seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* A point of the kind: 0 whole units at cents, 1 the same and odd values between, 2 lots of 1e-6 of
** several assets, 3 bits of any kind. */
static void make_point(int kind, int64_t i, double *value, double *cash) {
  uint64_t r = draw();
  double price = (double)(10000 + r % 500) / 100;
  if (i == 0 || r % 37 == 0) cash[i] = 1e5 / 3 + (double)(r % 1000);
  if (i > 0 && r % 37 != 0) cash[i] = cash[i - 1];
  value[i] = cash[i] + 137 * price;
  if (kind == 1 && r % 11 == 0) value[i] = r % 2 ? 5e-324 : r % 3 ? INFINITY : -0.0;
  if (kind == 2) value[i] += 17.123456 * price + 3.000001 * price / 7;
  if (kind == 3) memcpy(&value[i], &r, 8);
  if (kind == 3) cash[i] = -value[i];
}

/* decode(encode x) = x, bit for bit, for a chunk of one point, of a few, and a full one. */
static void test_round_trip(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 3, 25, 1000, BV_CURVE_CHUNK};
  static int64_t ts[BV_CURVE_CHUNK];
  static double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK];
  bv_buf blob;
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 20);
  for (int k = 0; k < 4 * (int)(sizeof sizes / sizeof *sizes); k++) {
    const int64_t n = sizes[k / 4];
    for (int64_t i = 0; i < n; i++) {
      ts[i] = k % 3 ? -5000000000 + i * i : i * 60 + i / 390 * 63000;
      exposed[i] = i % 7 > 3;
      make_point(k % 4, i, value, cash);
    }
    bv_buf_clear(&blob);
    assert_int_equal(bv_curve_encode(ts, value, cash, exposed, n, &blob), BV_OK);
    decodes_to(&blob, n, ts, value, cash, exposed);
    /* Every prefix and every damaged byte is refused. */
    static const size_t by[] = {1, 97};
    for (size_t at = 0; at < blob.n; at += by[n > 100]) {
      int64_t t[BV_CURVE_CHUNK];
      static double v[BV_CURVE_CHUNK], c[BV_CURVE_CHUNK];
      static uint8_t e[BV_CURVE_CHUNK];
      if ((int64_t)at != 25 * n) {
        assert_int_equal(bv_curve_decode(blob.p, (int64_t)at, n, t, v, c, e, NULL), BV_CORRUPT);
      }
      blob.p[at] = (char)(blob.p[at] ^ 4);
      assert_int_equal(bv_curve_decode(blob.p, (int64_t)blob.n, n, t, v, c, e, NULL), BV_CORRUPT);
      blob.p[at] = (char)(blob.p[at] ^ 4);
    }
  }
  bv_buf_reset(&blob);
}

/* An account in whole units and cents takes less than 5 bytes a point, though each price here is a jump. */
static void test_size(void **state) {
  (void)state;
  static int64_t ts[BV_CURVE_CHUNK];
  static double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK];
  bv_buf blob;
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 20);
  for (int64_t i = 0; i < BV_CURVE_CHUNK; i++) {
    ts[i] = i * 60;
    exposed[i] = 1;
    make_point(0, i, value, cash);
  }
  assert_int_equal(bv_curve_encode(ts, value, cash, exposed, BV_CURVE_CHUNK, &blob), BV_OK);
  assert_in_range(blob.n, 1, 5 * BV_CURVE_CHUNK);
  bv_buf_reset(&blob);
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

/* Form 1, which is read only: sizes, counts and times that cannot be: BV_CORRUPT with a text. */
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
  assert_int_equal(ts[1], 3);
  assert_int_equal(exposed[1], 0);
  blob[0] = blob[8] = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),    cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_size),     cmocka_unit_test(test_nothing_to_write),
      cmocka_unit_test(test_failures), cmocka_unit_test(test_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
