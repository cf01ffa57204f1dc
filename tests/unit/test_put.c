/* test_put.c - single bars written, read and removed, among rows and sealed chunks. */
#include "store_fixture.h"

#include "data/hot.h"
#include "data/put.h"
#include "data/seg.h"

static bv_series series;

#define T0 INT64_C(1704672000)

static int setup(void **state) {
  setup_store(state);
  make_minutes("A", &series);
  return 0;
}

static void bar(double close, double value[BV_NCOL]) {
  for (int c = 0; c < BV_NCOL; c++) value[c] = NAN;
  for (int c = 0; c <= BV_COL_CLOSE; c++) value[c] = close;
  value[BV_COL_VOLUME] = close * 10;
}

static bv_put_result put(int64_t ts, double close, bv_on_conflict how) {
  bv_err err = {0};
  double v[BV_NCOL];
  bv_put_result what;
  bar(close, v);
  ok(bv_raw_put(store, &series, ts, v, how, &what, &err), &err);
  return what;
}

static void is_stored(int64_t ts, double close) {
  bv_err err = {0};
  double have[BV_NCOL], want[BV_NCOL];
  bool found;
  ok(bv_raw_get(store, &series, ts, have, &found, &err), &err);
  assert_int_equal(found, !isnan(close));
  if (!found) return;
  bar(close, want);
  for (int c = 0; c < BV_NCOL; c++) assert_true(same(have[c], want[c]));
}

/* 100 sealed bars from T0 on, bar i with close i + 1. */
static void seal(void) {
  for (int i = 0; i < 100; i++) put(T0 + 60 * i, i + 1, BV_CONFLICT_ERROR);
  sql_ok(db, "SELECT bars_compact()");
  sql_is(db, "SELECT count(*) FROM barsvt_hot", "0");
}

/* What each way of writing does to a bar that is new, the same, or another; as a row, sealed, and as a
** row over a sealed bar. */
static void conflicts(void **state) {
  (void)state;
  seal();
  put(T0 + 60 * 200, 5, BV_CONFLICT_ERROR);  /* a row */
  put(T0 + 60 * 50, 5, BV_CONFLICT_REPLACE); /* a row over a sealed bar */
  static const struct {
    int at;       /* of the bar */
    double known; /* close of the bar that is there */
  } place[] = {{200, 5}, {20, 21}, {50, 5}};
  for (size_t i = 0; i < COUNT(place); i++) {
    int64_t ts = T0 + 60 * place[i].at;
    double v[BV_NCOL];
    bv_put_result what;
    for (bv_on_conflict how = BV_CONFLICT_ERROR; how <= BV_CONFLICT_REPLACE; how++) {
      assert_int_equal(put(ts, place[i].known, how), BV_PUT_SAME);
      is_stored(ts, place[i].known);
    }
    bv_err why = {0};
    bar(77, v);
    assert_int_equal(bv_raw_put(store, &series, ts, v, BV_CONFLICT_ERROR, &what, &why),
                     BV_CONFLICT);
    assert_non_null(strstr(why.msg, "A minute at 2024-01-0"));
    is_stored(ts, place[i].known);
    assert_int_equal(put(ts, 77, BV_CONFLICT_IGNORE), BV_PUT_SAME);
    is_stored(ts, place[i].known);
    assert_int_equal(put(ts, 77, BV_CONFLICT_REPLACE), BV_PUT_CHANGED);
    is_stored(ts, 77);
    assert_int_equal(put(ts, place[i].known, BV_CONFLICT_REPLACE), BV_PUT_CHANGED);
    is_stored(ts, place[i].known);
  }
  assert_int_equal(put(T0 + 60 * 300, 1, BV_CONFLICT_IGNORE), BV_PUT_NEW);
  assert_int_equal(put(T0 + 30, 1, BV_CONFLICT_REPLACE), BV_PUT_NEW); /* between sealed bars */
  is_stored(T0 + 30, 1);
  is_stored(T0 + 31, NAN);
}

/* A value that is missing differs from one that is there. */
static void missing_values(void **state) {
  (void)state;
  double a[BV_NCOL], b[BV_NCOL];
  bar(3, a);
  bar(3, b);
  assert_true(bv_bar_same(a, b));
  for (int c = 0; c < STORED_COLUMNS; c++) {
    double was = b[c];
    b[c] = isnan(was) ? 1 : NAN;
    assert_false(bv_bar_same(a, b));
    b[c] = was;
  }
  b[BV_COL_COUNT] = 5; /* not stored */
  assert_true(bv_bar_same(a, b));
}

static void deletes(void **state) {
  (void)state;
  bv_err err = {0};
  seal();
  ok(bv_raw_delete(store, &series, T0 + 60 * 10, &err), &err); /* sealed: the chunk becomes rows */
  is_stored(T0 + 60 * 10, NAN);
  sql_is(db, "SELECT (SELECT count(*) FROM barsvt_hot) || ' ' || (SELECT count(*) FROM barsvt_seg)",
         "99 0");
  ok(bv_raw_delete(store, &series, T0 + 60 * 11, &err), &err); /* a row */
  is_stored(T0 + 60 * 11, NAN);
  ok(bv_raw_delete(store, &series, T0 + 1, &err), &err); /* nothing there */
  sql_ok(db, "SELECT bars_compact()");
  sql_is(db, "SELECT (SELECT count(*) FROM barsvt_hot) || ' ' || (SELECT max(n) FROM barsvt_seg)",
         "0 98");
  put(T0 + 60 * 12, 99,
      BV_CONFLICT_REPLACE); /* corrected, then removed: the old one must not return */
  ok(bv_raw_delete(store, &series, T0 + 60 * 12, &err), &err);
  is_stored(T0 + 60 * 12, NAN);
  is_stored(T0 + 60 * 13, 14);
}

static void out_of_memory(void **state) {
  (void)state;
  seal();
  for (int what = 0; what < 3; what++) {
    int64_t failed = 1;
    for (int64_t n = 0; failed; n++) {
      bv_err why = {0};
      double v[BV_NCOL];
      bool found;
      bar(5, v);
      sql_ok(db, "SAVEPOINT s");
      bv_seg_cache_clear(store);
      bv_alloc_fail_after(n, 0);
      bv_rc rc = what == 0   ? bv_raw_put(store, &series, T0, v, BV_CONFLICT_REPLACE, NULL, &why)
                 : what == 1 ? bv_raw_get(store, &series, T0, v, &found, &why)
                             : bv_raw_delete(store, &series, T0, &why);
      failed = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      sql_ok(db, "ROLLBACK TO s");
      sql_ok(db, "RELEASE s");
      bv_store_rolled_back(store);
      is_stored(T0, 1);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(conflicts, setup, teardown_store),
      cmocka_unit_test_setup_teardown(missing_values, setup, teardown_store),
      cmocka_unit_test_setup_teardown(deletes, setup, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
