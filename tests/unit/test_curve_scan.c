/*
** test_curve_scan.c - reading the stored curve: whole, and how many of its points lie at or before an
** instant, compared with the curve in memory; and what is refused.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "run/curve.h"
#include "run/curve_scan.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 20 * BV_CURVE_CHUNK + 77 };

static int64_t ts[POINTS];
static double value[POINTS];
static uint64_t seed = 5;

static int64_t pick(int64_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (int64_t)(seed % (uint64_t)n);
}

static void check(sqlite3 *db, int code) {
  if (code != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
}

/* A database with n points of the curve as run 3, and a point as runs 2 and 4. */
static sqlite3 *filled(int64_t n) {
  static bv_curve c;
  sqlite3 *db;
  sqlite3_stmt *insert;
  check(NULL, sqlite3_open(":memory:", &db));
  check(db, sqlite3_exec(db,
                         "CREATE TABLE bt_curve(run, chunk, n, first, last, data,"
                         " UNIQUE(run, chunk))",
                         NULL, NULL, NULL));
  check(db, sqlite3_prepare_v2(db, "INSERT INTO bt_curve VALUES (?1, ?2, ?3, ?4, ?5, ?6)", -1,
                               &insert, NULL));
  for (int64_t run = 2; run <= 4; run++) {
    c.n = c.chunk = 0;
    for (int64_t i = 0; i < (run == 3 ? n : 1); i++) {
      if (c.n == BV_CURVE_CHUNK) {
        assert_int_equal(bv_curve_flush(&c, db, insert, run, NULL), BV_OK);
      }
      c.ts[c.n] = ts[i];
      c.value[c.n] = value[i];
      c.cash[c.n] = 1;
      c.exposed[c.n++] = 0;
    }
    assert_int_equal(bv_curve_flush(&c, db, insert, run, NULL), BV_OK);
  }
  sqlite3_finalize(insert);
  return db;
}

static int setup(void **state) {
  (void)state;
  for (int64_t i = 0, t = -90000; i < POINTS; i++) {
    t += i / 5000 % 2 ? 60 : 1 + pick(500);
    ts[i] = t;
    value[i] = (double)pick(100000) / 7;
  }
  return 0;
}

static const int64_t lengths[] = {1, 2, BV_CURVE_CHUNK, BV_CURVE_CHUNK + 1, POINTS};

static void scans(void **state) {
  (void)state;
  static bv_curve_scan s;
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
    sqlite3 *db = filled(lengths[k]);
    int64_t at = 0;
    assert_int_equal(bv_curve_scan_open(&s, db, 3, NULL), BV_OK);
    for (;;) {
      assert_int_equal(bv_curve_scan_next(&s, NULL), BV_OK);
      if (s.n == 0) break;
      assert_memory_equal(s.ts, ts + at, (size_t)s.n * 8);
      assert_memory_equal(s.value, value + at, (size_t)s.n * 8);
      at += s.n;
    }
    assert_int_equal(at, lengths[k]);
    bv_curve_scan_close(&s);
    check(db, sqlite3_close(db));
  }
}

static int64_t plain_count(int64_t n, int64_t t) {
  int64_t lo = 0, hi = n;
  while (lo < hi) {
    const int64_t mid = (lo + hi) / 2;
    if (ts[mid] <= t)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

/* Instants that walk on, jump about, and lie outside; memory is that of a few chunks. */
static void marks(void **state) {
  (void)state;
  static const int64_t ends[] = {INT64_MIN, INT64_MAX, -90001, 0};
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
    const int64_t n = lengths[k], before = bv_mem_total();
    sqlite3 *db = filled(n);
    bv_curve_marks m;
    int64_t at = 0, t[64], got[64];
    assert_int_equal(bv_curve_marks_open(&m, db, 3, n, NULL), BV_OK);
    for (int round = 0; round < 3000; round++) {
      const bool jumps = round % 100 < 20;
      for (int i = 0; i < 64; i++) {
        at = jumps ? pick(n) : (at + pick(40)) % n;
        t[i] = pick(50) ? ts[at] + pick(3) - 1 : ends[pick(4)];
      }
      assert_int_equal(bv_curve_marks_count(&m, t, 64, got, NULL), BV_OK);
      for (int i = 0; i < 64; i++) assert_int_equal(got[i], plain_count(n, t[i]));
    }
    assert_true(bv_mem_total() - before <= BV_CURVE_MARKS * (BV_CURVE_CHUNK * 8 + 16));
    bv_curve_marks_close(&m);
    assert_int_equal(bv_mem_total(), before);
    check(db, sqlite3_close(db));
  }
}

static bv_rc count_one(sqlite3 *db, int64_t points, int64_t t, int64_t *got, bv_err *err) {
  bv_curve_marks m;
  bv_rc rc = bv_curve_marks_open(&m, db, 3, points, err);
  if (rc == BV_OK) rc = bv_curve_marks_count(&m, &t, 1, got, err);
  bv_curve_marks_close(&m);
  return rc;
}

/* Chunks that are missing, short, or damaged are errors; and so is want of memory. */
static void refused(void **state) {
  (void)state;
  static const char *const harm[] = {
      "DELETE FROM bt_curve WHERE run = 3 AND chunk = 5",
      "UPDATE bt_curve SET n = 4000 WHERE run = 3 AND chunk = 4",
      "UPDATE bt_curve SET data = substr(data, 1, 99) || x'00' || substr(data, 101) WHERE n > 9",
      "UPDATE bt_curve SET data = NULL WHERE run = 3 AND chunk = 4",
      "UPDATE bt_curve SET data = x'02' WHERE run = 3 AND chunk = 4",
  };
  int64_t got;
  for (size_t k = 0; k < sizeof harm / sizeof *harm; k++) {
    sqlite3 *db = filled(POINTS);
    bv_err err = {0};
    assert_int_equal(count_one(db, POINTS, ts[4 * BV_CURVE_CHUNK + 9], &got, &err), BV_OK);
    assert_int_equal(got, 4 * BV_CURVE_CHUNK + 10);
    check(db, sqlite3_exec(db, harm[k], NULL, NULL, NULL));
    assert_int_equal(count_one(db, POINTS, ts[4 * BV_CURVE_CHUNK + 9], &got, &err), BV_CORRUPT);
    assert_non_null(strstr(err.msg, "bt_curve"));
    check(db, sqlite3_close(db));
  }
  sqlite3 *db = filled(POINTS);
  for (int i = 0; i < 9; i++) {
    const int64_t before = bv_mem_total();
    bv_alloc_fail_after(i, 0);
    const bv_rc rc = count_one(db, POINTS, 0, &got, NULL);
    const int64_t failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    assert_int_equal(bv_mem_total(), before);
  }
  check(db, sqlite3_close(db));
}

/* Times alone, of both forms. */
static void times(void **state) {
  (void)state;
  static double cash[BV_CURVE_CHUNK];
  static uint8_t exposed[BV_CURVE_CHUNK], old[25 * 100];
  int64_t got[BV_CURVE_CHUNK];
  bv_buf blob;
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 20);
  assert_int_equal(bv_curve_encode(ts, value, cash, exposed, 3000, &blob), BV_OK);
  assert_int_equal(bv_curve_times(blob.p, (int64_t)blob.n, 3000, got, NULL), BV_OK);
  assert_memory_equal(got, ts, sizeof(int64_t) * 3000);
  assert_int_equal(bv_curve_times(blob.p, (int64_t)blob.n, 0, got, NULL), BV_CORRUPT);
  assert_int_equal(bv_curve_times(blob.p, (int64_t)blob.n, 5000, got, NULL), BV_CORRUPT);
  blob.p[blob.n - 1] = (char)(blob.p[blob.n - 1] ^ 1);
  assert_int_equal(bv_curve_times(blob.p, (int64_t)blob.n, 3000, got, NULL), BV_CORRUPT);
  bv_buf_reset(&blob);
  for (int i = 0; i < 100; i++) {
    for (int b = 0; b < 8; b++) old[8 * i + b] = (uint8_t)((uint64_t)ts[i] >> (8 * b));
  }
  assert_int_equal(bv_curve_times(old, sizeof old, 100, got, NULL), BV_OK);
  assert_memory_equal(got, ts, sizeof(int64_t) * 100);
  old[8] = old[0];
  old[9] = old[1];
  old[10] = old[2];
  assert_int_equal(bv_curve_times(old, sizeof old, 100, got, NULL), BV_CORRUPT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scans),
      cmocka_unit_test(marks),
      cmocka_unit_test(refused),
      cmocka_unit_test(times),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
