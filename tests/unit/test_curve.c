/* test_curve.c - the stored form of the equity curve: its bytes, round trips, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "col/simd.h"
#include "curve_form2.h"
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

/* The layout of curve_code.h and col/near.h, byte by byte: 0.5 is 3f e0 ..., 1e300 is 7e 37 ... (IEEE 754).  Values
** of tenths: the first is 0 + 10 / 10, the others 0.5 + k / 10 with k = -25, -20, ..., but for one that is 1e300 and one
** that is a unit in the last place off.  The steps of k, but where the cash steps by 5 tenths, are 5; zigzag makes
** that 10, and 59 of the first one, -30.  Lane l of 8 has the points l and l + 8. */
static void test_bytes(void **state) {
  (void)state;
  static const uint8_t want[] = {
      0x03, 0x88, 0x8c, 0x90, 0x10, 60,   15,   0x00, 1,    15, /* times, exposed */
      0,    0,    0,    0,    0,    0,    0,    0,    1,        /* cash */
      0,    0,    0,    0,    0,    0,    0xe0, 0x3f, 15,       /* */
      0x11, 20,   6,                                            /* tenths with units; 10; 6 bits */
      0x80, 2,    0,    0,    0xbb, 2,    0,    0,              /* 0, 10; 59, 10 */
      0x8a, 2,    0,    0,    0x80, 2,    0,    0,              /* 10, 10; none, 10 */
      0x94, 2,    0,    0,    0x8a, 2,    0,    0,              /* 20, 10; 10, 10 */
      0x8a, 2,    0,    0,    0x8a, 2,    0,    0,              /* */
      2,    0,    0,    0,    0,    8,    0,    0,    0,        /* units in 2 bits: point 9 has 1 */
      0,    0,    0,    0,    0,    0,    0,    0,              /* */
      0,    0,    0,    0,    0,    0,    0,    0,              /* */
      0,    0,    0,    0,    0,    0,    0,    0,              /* */
      1,    3,    0x9c, 0x75, 0x00, 0x88, 0x3c, 0xe4, 0x37, 0x7e /* one patch, point 3 */
  };
  const size_t size = sizeof want + 4;
  sqlite3_stmt *insert, *read;
  sqlite3 *db = open_table(&insert);
  curve.n = curve.chunk = 0;
  put(0x01020304, 1.0, 0.0, 0);
  for (int i = 1; i < 16; i++) {
    const double value = 0.5 + 5 * (i - 6) / 10.0;
    put(0x01020304 + 60 * i, i == 3 ? 1e300 : i == 9 ? nextafter(value, INFINITY) : value, 0.5, 1);
  }
  assert_int_equal(bv_curve_flush(&curve, db, insert, 7, NULL), BV_OK);
  assert_int_equal(curve.n, 0);
  assert_int_equal(curve.chunk, 1);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT run, chunk, n, first, last, data FROM bt_curve",
                                      -1, &read, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(read), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(read, 0), 7);
  assert_int_equal(sqlite3_column_int(read, 1), 0);
  assert_int_equal(sqlite3_column_int(read, 2), 16);
  assert_int_equal(sqlite3_column_int64(read, 3), 0x01020304);
  assert_int_equal(sqlite3_column_int64(read, 4), 0x01020304 + 60 * 15);
  assert_int_equal(sqlite3_column_bytes(read, 5), (int)size);
  const uint8_t *got = sqlite3_column_blob(read, 5);
  assert_memory_equal(got, want, sizeof want);
  const uint32_t sum = bv_crc32c(want, sizeof want);
  for (int b = 0; b < 4; b++) assert_int_equal(got[sizeof want + (size_t)b], sum >> (8 * b) & 255);
  assert_int_equal(sqlite3_step(read), SQLITE_DONE);
  sqlite3_finalize(read);
  bv_curve_reset(&curve);
  close_table(db, insert);
}

static void decodes_to(const void *blob, size_t bytes, int64_t n, const int64_t *ts,
                       const double *value, const double *cash, const uint8_t *exposed) {
  static int64_t got_ts[BV_CURVE_CHUNK];
  static double got_value[BV_CURVE_CHUNK], got_cash[BV_CURVE_CHUNK];
  static uint8_t got_exposed[BV_CURVE_CHUNK];
  const size_t size = (size_t)n;
  assert_int_equal(
      bv_curve_decode(blob, (int64_t)bytes, n, got_ts, got_value, got_cash, got_exposed, NULL),
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
** several assets, 3 bits of any kind, 4 in and out of a position with a fee, 5 amounts of cash that are none between. */
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
  if (kind == 4) cash[i] = 1e5 - (double)(i / 29) * 0.0123 - (i / 29 % 2 ? 137 * price : 0);
  if (kind == 4) value[i] = cash[i] + (i / 29 % 2 ? 137 * price : 0);
  if (kind == 5 && i % 50 == 3) cash[i] = i % 4 ? 1e300 : i % 3 ? (double)NAN : (double)-INFINITY;
}

/* The bytes are the same from every instruction set, and back. */
static void every_level(const bv_buf *blob, int64_t n, const int64_t *ts, const double *value,
                        const double *cash, const uint8_t *exposed) {
  bv_buf other;
  bv_buf_init(&other, BV_MEM_RUN, 1 << 20);
  for (int level = BV_SIMD_PLAIN; level < BV_SIMD_COUNT; level++) {
    (void)bv_simd_force((bv_simd)level);
    bv_buf_clear(&other);
    assert_int_equal(bv_curve_encode(ts, value, cash, exposed, n, &other), BV_OK);
    assert_int_equal(other.n, blob->n);
    assert_memory_equal(other.p, blob->p, blob->n);
    decodes_to(blob->p, blob->n, n, ts, value, cash, exposed);
  }
  bv_buf_reset(&other);
}

/* decode(encode x) = x, bit for bit, for a chunk of one point, of a few, and a full one. */
static void test_round_trip(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 3, 25, 1000, BV_CURVE_CHUNK};
  static int64_t ts[BV_CURVE_CHUNK];
  static double value[BV_CURVE_CHUNK], cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK];
  static uint8_t form2[BV_CURVE_CHUNK * (POINT_BYTES + 2) + ONCE_BYTES];
  bv_buf blob;
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 20);
  for (int k = 0; k < 6 * (int)(sizeof sizes / sizeof *sizes); k++) {
    const int64_t n = sizes[k / 6];
    for (int64_t i = 0; i < n; i++) {
      ts[i] = k % 3 ? -5000000000 + i * i : i * 60 + i / 390 * 63000;
      exposed[i] = i % 7 > 3;
      make_point(k % 6, i, value, cash);
    }
    bv_buf_clear(&blob);
    assert_int_equal(bv_curve_encode(ts, value, cash, exposed, n, &blob), BV_OK);
    decodes_to(blob.p, blob.n, n, ts, value, cash, exposed);
    every_level(&blob, n, ts, value, cash, exposed);
    const uint8_t *end = curve_form2(ts, value, cash, exposed, n, form2);
    decodes_to(form2, (size_t)(end - form2), n, ts, value, cash, exposed);
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

/* What the frames of form 3 say is not believed: a head whose values, right by their checksum, are cut off, too many,
** or of a form that is none. */
static void test_damaged_values(void **state) {
  (void)state;
  static uint8_t blob[4000];
  static int64_t ts[300];
  static double value[300], cash[300];
  static uint8_t exposed[300];
  static const uint8_t head[] = {3, 0, 1, 0xab, 2, 0, 0xac, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xac, 2};
  static const struct {
    int n;
    uint8_t bytes[24];
    bool good;
  } row[] = {
      {5, {0, 0, 0, 0, 0}, true}, /* 300 zeros: two frames without bits, no patch */
      {4, {0, 0, 0, 0}, false},
      {6, {0, 0, 0, 0, 0, 0}, false},
      {5, {9, 0, 0, 0, 0}, false}, /* 10^9 */
      {5, {64, 0, 0, 0, 0}, false},
      {1, {255}, false},
      {5, {16, 0, 0, 0, 0}, false}, /* no units */
      {7, {16, 0, 0, 0, 0, 0, 0}, true},
      {7, {16 + 32, 0, 0, 0, 0, 0, 0}, true},
      {5, {0, 0, 1, 0, 0}, false},                    /* a frame of one bit that is not there */
      {6, {0, 0, 128, 0, 0, 0}, false},               /* exceptions, none of them */
      {10, {0, 0, 128, 1, 40, 0, 1, 0, 0, 0}, false}, /* a wide one without the mark */
      {7, {0, 0, 0, 0, 1, 44, 0}, false},             /* a patch of 3 bytes */
      {14, {0, 0, 0, 0, 1, 43, 0, 0, 0, 0, 0, 0, 0, 0}, true},
      {15, {0, 0, 0, 0, 1, 0xac, 2, 0, 0, 0, 0, 0, 0, 0, 0}, false}, /* of point 300 */
      {1, {0}, false},
      {0, {0}, false},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    uint8_t *p = blob;
    memcpy(p, head, sizeof head);
    memcpy(p + sizeof head, row[i].bytes, (size_t)row[i].n);
    p = put_bits(p + sizeof head + row[i].n, bv_crc32c(blob, sizeof head + (size_t)row[i].n), 4);
    const bv_rc rc = bv_curve_decode(blob, p - blob, 300, ts, value, cash, exposed, NULL);
    if (rc != (row[i].good ? BV_OK : BV_CORRUPT)) fail_msg("row %d: %d", (int)i, (int)rc);
  }
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
  bv_curve_reset(&curve);
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
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_size),
      cmocka_unit_test(test_damaged_values),
      cmocka_unit_test(test_nothing_to_write),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
