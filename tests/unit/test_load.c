/* test_load.c - many bars of one series stored: order, conflicts, counts, and what is stored in the end. */
#include "store_fixture.h"

#include "data/load.h"
#include "data/raw.h"

static bv_series series;

#define SPAN (INT64_C(65536) * 60)
static int64_t chunk0; /* the start of a chunk in 2024 */

static int setup(void **state) {
  setup_store(state);
  make_minutes("A", &series);
  chunk0 = chunk_start(&series);
  return 0;
}

/* A bar to be loaded. */
typedef struct input {
  int64_t ts;
  double close;
} input;

static void fill(double close, double v[BV_NCOL]) {
  for (int c = 0; c < BV_NCOL; c++) v[c] = c <= BV_COL_VOLUME ? close : NAN;
}

static bv_bar_row row_of(int64_t ts, const double v[BV_NCOL]) {
  return (bv_bar_row){.ts = ts,
                      .open = v[BV_COL_OPEN],
                      .high = v[BV_COL_HIGH],
                      .low = v[BV_COL_LOW],
                      .close = v[BV_COL_CLOSE],
                      .volume = v[BV_COL_VOLUME],
                      .vwap = v[BV_COL_VWAP],
                      .trades = v[BV_COL_TRADES],
                      .bid = v[BV_COL_BID],
                      .ask = v[BV_COL_ASK],
                      .open_interest = v[BV_COL_OI]};
}

/* How many rows are given at a time. */
static int at_once = 7;

static bv_rc load(const input *in, int n, bv_on_conflict how, bv_load *out, bv_err *err) {
  bv_rc rc = BV_OK;
  bv_bar_row rows[64];
  bv_load_pool pool;
  bv_load_pool_init(&pool);
  bv_load_init(out, &series, how, &pool);
  for (int i = 0, k; i < n && rc == BV_OK; i += k) {
    for (k = 0; k < at_once && i + k < n; k++) {
      double v[BV_NCOL];
      fill(in[i + k].close, v);
      rows[k] = row_of(in[i + k].ts, v);
    }
    rc = bv_load_rows(store, out, rows, (size_t)k, err);
    if (rc == BV_OK && i % 5 == 0) rc = bv_load_rest(out);
  }
  if (rc == BV_OK) rc = bv_load_finish(store, out, err);
  if (rc == BV_OK) assert_int_equal(pool.held, 0);
  bv_load_reset(out);
  bv_load_pool_reset(&pool);
  return rc;
}

static bv_load load_ok(const input *in, int n, bv_on_conflict how) {
  bv_err err = {0};
  bv_load l;
  ok(load(in, n, how, &l, &err), &err);
  return l;
}

/* "rows sealed-bars" */
static void state_is(const char *want) {
  sql_is(db,
         "SELECT (SELECT count(*) FROM barsvt_hot) || ' ' ||"
         " (SELECT coalesce(sum(n), 0) FROM barsvt_seg WHERE id & 15 = 15)",
         want);
}

static void stored_is(const input *want, int n) {
  bv_err err = {0};
  bv_chunk got;
  bv_chunk_init(&got, BV_MEM_DECODE, BV_STORED_MASK);
  ok(bv_raw_read(store, &series, INT64_MIN, INT64_MAX, INT64_MAX, false, &got, &err), &err);
  assert_int_equal(got.n, n);
  for (int i = 0; i < n; i++) {
    double v[BV_NCOL];
    fill(want[i].close, v);
    assert_int_equal(got.ts[i], want[i].ts);
    for (int c = 0; c < STORED_COLUMNS; c++) assert_true(same(got.col[c][i], v[c]));
  }
  bv_chunk_reset(&got);
}

static input at(int64_t i, double close) {
  return (input){chunk0 + 60 * i, close};
}

static void in_order(void **state) {
  (void)state;
  static input in[3000];
  for (int i = 0; i < 3000; i++)
    in[i] = at(20 * i, 1 + i % 9); /* two chunks, the second less full */
  bv_load l = load_ok(in, 3000, BV_CONFLICT_ERROR);
  assert_int_equal(l.rows, 3000);
  assert_int_equal(l.fresh, 3000);
  assert_int_equal(l.changed, 0);
  assert_int_equal(l.first, in[0].ts);
  assert_int_equal(l.last, in[2999].ts);
  state_is("0 3000");
  stored_is(in, 3000);
  l = load_ok(in, 3000, BV_CONFLICT_ERROR); /* the same again changes nothing */
  assert_int_equal(l.fresh + l.changed, 0);
  assert_int_equal(l.rows, 3000);
}

/* What is too little to seal stays rows; with what is there it may be enough. */
static void little(void **state) {
  (void)state;
  input in[100];
  for (int i = 0; i < 100; i++) in[i] = at(i, 1);
  load_ok(in, 40, BV_CONFLICT_REPLACE);
  state_is("40 0");
  load_ok(in + 40, 23, BV_CONFLICT_REPLACE);
  state_is("63 0");
  load_ok(in + 63, 1, BV_CONFLICT_REPLACE);
  state_is("0 64");
  load_ok(in + 64, 1, BV_CONFLICT_REPLACE);
  state_is("0 65");
  load_ok(in, 0, BV_CONFLICT_REPLACE);
  stored_is(in, 65);
}

static void conflicts(void **state) {
  (void)state;
  static input old[400], in[600], want[800];
  for (int i = 0; i < 400; i++) old[i] = at(2 * i, 5); /* every second minute */
  for (int small = 0; small < 2; small++) {            /* few bars go another way than many */
    int n = small ? 60 : 600;
    for (bv_on_conflict how = BV_CONFLICT_ERROR; how <= BV_CONFLICT_REPLACE; how++) {
      sql_ok(db, "DELETE FROM barsvt_hot; DELETE FROM barsvt_seg; DELETE FROM barsvt_stat");
      store->seg_generation++;
      load_ok(old, 400, BV_CONFLICT_ERROR);
      for (int i = 0; i < n; i++)
        in[i] = at(i, i % 3 ? 7 : 5); /* of the known ones 2 of 3 differ */
      bv_err why = {0};
      bv_load l;
      sql_ok(db, "SAVEPOINT s");
      bv_rc rc = load(in, n, how, &l, &why);
      if (how == BV_CONFLICT_ERROR) {
        assert_int_equal(rc, BV_CONFLICT);
        assert_non_null(strstr(why.msg, "A minute at 2023-12-"));
        sql_ok(db, "ROLLBACK TO s");
        bv_store_rolled_back(store);
      }
      sql_ok(db, "RELEASE s");
      if (how == BV_CONFLICT_ERROR) {
        stored_is(old, 400);
        continue;
      }
      assert_int_equal(rc, BV_OK);
      int total = 0, fresh = 0, changed = 0;
      for (int i = 0; i < 800; i++) {
        bool known = i % 2 == 0, given = i < n;
        if (!known && !given) continue;
        bool differs = known && given && i % 3;
        fresh += !known;
        changed += differs && how == BV_CONFLICT_REPLACE;
        bool take = given && (!known || how == BV_CONFLICT_REPLACE);
        want[total++] = at(i, take ? (i % 3 ? 7 : 5) : 5);
      }
      stored_is(want, total);
      assert_int_equal(l.fresh, fresh);
      assert_int_equal(l.changed, changed);
    }
  }
}

/* Bars of one time in one load: the last counts, the first where known ones are kept. */
static void repeated(void **state) {
  (void)state;
  static input in[600];
  for (int i = 0; i < 300; i++) {
    in[i] = at(i, 1);
    in[300 + i] = at(i, i % 2 ? 2 : 1);
  }
  load_ok(in, 600, BV_CONFLICT_REPLACE);
  stored_is(in + 300, 300);
  sql_ok(db, "DELETE FROM barsvt_hot; DELETE FROM barsvt_seg; DELETE FROM barsvt_stat");
  store->seg_generation++;
  load_ok(in, 600, BV_CONFLICT_IGNORE);
  stored_is(in, 300);
  bv_err why = {0};
  bv_load l;
  assert_int_equal(load(in, 600, BV_CONFLICT_ERROR, &l, &why), BV_CONFLICT);
}

static char *dump(void) {
  return sql_text(db,
                  "SELECT group_concat(r, char(10)) FROM (SELECT id || '|' || n || '|' || checksum"
                  " || '|' || hex(data) AS r FROM barsvt_seg UNION ALL SELECT id || '|' ||"
                  " hex(data) FROM barsvt_stat UNION ALL SELECT ts || '|' || close || '|' ||"
                  " ifnull(volume, '') FROM barsvt_hot ORDER BY 1)");
}

/* In order, backwards, at random, in overlapping pieces, over values that are corrected; single puts: one
** state. */
static void way_does_not_matter(void **state) {
  (void)state;
  enum { N = 2200 };
  static input sorted[N], in[N];
  char *first = NULL;
  for (int i = 0; i < N; i++) sorted[i] = at(65536 - N / 2 + i, i % 13);
  for (int way = 0; way < 6; way++) {
    sql_ok(db, "DELETE FROM barsvt_hot; DELETE FROM barsvt_seg; DELETE FROM barsvt_stat");
    store->seg_generation++;
    for (int i = 0; i < N; i++)
      in[i] = sorted[way == 1 ? N - 1 - i : way == 2 ? (i * 1013) % N : i];
    if (way == 3) {
      for (int i = 0; i < N; i += 100)
        load_ok(in + i, i + 300 < N ? 300 : N - i, BV_CONFLICT_REPLACE);
    } else if (way == 4) {
      for (int i = 0; i < N; i++) in[i].close += i % 2;
      load_ok(in, N, BV_CONFLICT_REPLACE);
      load_ok(sorted, N, BV_CONFLICT_REPLACE);
    } else if (way == 5) {
      for (int i = 0; i < N; i++) {
        bv_err err = {0};
        double v[BV_NCOL];
        fill(in[i].close, v);
        ok(bv_raw_put(store, &series, in[i].ts, v, BV_CONFLICT_ERROR, NULL, &err), &err);
      }
      sql_ok(db, "SELECT bars_compact()");
    } else {
      at_once = way == 0 ? 1 : 64;
      load_ok(in, N, BV_CONFLICT_REPLACE);
    }
    stored_is(sorted, N);
    char *now = dump();
    assert_true(strlen(now) > 1000);
    if (first && strcmp(first, now) != 0) fail_msg("way %d leaves another state", way);
    if (first) {
      sqlite3_free(now);
    } else {
      first = now;
    }
  }
  sqlite3_free(first);
}

/* A chunk that is written before it is whole is written again with the rest; optional columns begin where
** they have their first value; memory goes round. */
static void pieces(void **state) {
  (void)state;
  bv_err err = {0};
  char *by[2];
  for (int early = 0; early < 2; early++) {
    bv_load_pool pool;
    bv_load l;
    sql_ok(db, "DELETE FROM barsvt_hot; DELETE FROM barsvt_seg; DELETE FROM barsvt_stat");
    store->seg_generation++;
    bv_load_pool_init(&pool);
    bv_load_init(&l, &series, BV_CONFLICT_REPLACE, &pool);
    for (int i = 0; i < 2000; i++) {
      double v[BV_NCOL];
      fill(i % 17, v);
      if (i >= 700) v[BV_COL_TRADES] = i;
      bv_bar_row row = row_of(chunk0 + 60 * i, v);
      ok(bv_load_rows(store, &l, &row, 1, &err), &err);
      if (early && i % 450 == 0) {
        ok(bv_load_flush(store, &l, &err), &err);
        assert_int_equal(l.pending.cap, 0);
        assert_int_equal(pool.held, 0);
      }
    }
    ok(bv_load_finish(store, &l, &err), &err);
    assert_int_equal(l.fresh, 2000);
    assert_int_equal(pool.held, 0);
    assert_int_equal(l.pending.cap, 0);
    assert_true(early || pool.spare.cap == 0); /* one with more columns is not kept */
    bv_load_reset(&l);
    bv_load_pool_reset(&pool);
    state_is("0 2000");
    by[early] = dump();
  }
  assert_string_equal(by[0], by[1]);
  sqlite3_free(by[0]);
  sqlite3_free(by[1]);
}

/* Zeros and NaNs have one form, whether they pass through rows or not. */
static void zeros_and_nans(void **state) {
  (void)state;
  char *by[2];
  for (int rows = 0; rows < 2; rows++) {
    bv_err err = {0};
    bv_load l;
    sql_ok(db, "DELETE FROM barsvt_hot; DELETE FROM barsvt_seg; DELETE FROM barsvt_stat");
    store->seg_generation++;
    bv_load_pool pool;
    bv_load_pool_init(&pool);
    bv_load_init(&l, &series, BV_CONFLICT_REPLACE, &pool);
    for (int i = 0; i < 200; i++) {
      double v[BV_NCOL];
      fill(i % 2 ? 0.0 : -0.0, v);
      v[BV_COL_VWAP] = i % 3 ? 1 : -(double)NAN;
      if (rows) {
        ok(bv_raw_put(store, &series, chunk0 + i, v, BV_CONFLICT_REPLACE, NULL, &err), &err);
      } else {
        bv_bar_row row = row_of(chunk0 + i, v);
        ok(bv_load_rows(store, &l, &row, 1, &err), &err);
      }
    }
    ok(bv_load_finish(store, &l, &err), &err);
    bv_load_reset(&l);
    bv_load_pool_reset(&pool);
    state_is("0 200");
    by[rows] = dump();
  }
  assert_string_equal(by[0], by[1]);
  sqlite3_free(by[0]);
  sqlite3_free(by[1]);
}

/* More bars than a chunk can be sealed with stay rows, in one load and over what is sealed. */
static void dense(void **state) {
  (void)state;
  enum { N = BV_SEG_SEAL_MAX + 100 };
  input *in = malloc(N * sizeof *in);
  for (int i = 0; i < N; i++) in[i] = (input){chunk0 + 20 * i, i % 5};
  load_ok(in, N, BV_CONFLICT_REPLACE);
  state_is("65636 0");
  stored_is(in, N);
  sql_ok(db, "DELETE FROM barsvt_hot");
  load_ok(in, 60000, BV_CONFLICT_REPLACE);
  state_is("0 60000");
  bv_load l = load_ok(in + 59000, N - 59000, BV_CONFLICT_REPLACE);
  assert_int_equal(l.fresh, N - 60000);
  assert_int_equal(l.changed, 0);
  state_is("65636 0");
  stored_is(in, N);
  free(in);
}

static void out_of_memory(void **state) {
  (void)state;
  static input in[700];
  for (int i = 0; i < 700; i++) in[i] = at(65536 - 350 + (i * 211) % 700, i % 4);
  load_ok(in, 300, BV_CONFLICT_REPLACE);
  int64_t failed = 1;
  for (int64_t n = 0; failed; n++) {
    bv_err why = {0};
    bv_load l;
    sql_ok(db, "SAVEPOINT s");
    bv_seg_cache_clear(store);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = load(in, 700, BV_CONFLICT_REPLACE, &l, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (!failed) sql_is(db, "SELECT count(*) FROM bars('A', 'minute')", "700");
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
    bv_store_rolled_back(store);
    sql_is(db, "SELECT count(*) FROM bars('A', 'minute')", "300");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(in_order, setup, teardown_store),
      cmocka_unit_test_setup_teardown(little, setup, teardown_store),
      cmocka_unit_test_setup_teardown(conflicts, setup, teardown_store),
      cmocka_unit_test_setup_teardown(repeated, setup, teardown_store),
      cmocka_unit_test_setup_teardown(way_does_not_matter, setup, teardown_store),
      cmocka_unit_test_setup_teardown(pieces, setup, teardown_store),
      cmocka_unit_test_setup_teardown(zeros_and_nans, setup, teardown_store),
      cmocka_unit_test_setup_teardown(dense, setup, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
