/* test_compact.c - rows sealed into chunks: when, and that what is stored depends on the bars alone. */
#include "store_fixture.h"

#include "data/compact.h"
#include "data/hot.h"

static bv_series series;

#define SPAN (INT64_C(65536) * 60)
/* The start of a chunk in 2024. */
static int64_t chunk0;

static int setup(void **state) {
  setup_store(state);
  make_minutes("A", &series);
  chunk0 = chunk_start(&series);
  return 0;
}

static void put(int64_t ts, double close) {
  bv_err err = {0};
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = c <= BV_COL_VOLUME ? close : NAN;
  ok(bv_raw_put(store, &series, ts, v, BV_CONFLICT_REPLACE, NULL, &err), &err);
}

static void put_rows(int64_t from, int64_t step, int n) {
  sql_ok(db, "SAVEPOINT put");
  for (int i = 0; i < n; i++) put(from + i * step, 1 + i % 7);
  sql_ok(db, "RELEASE put");
}

static bv_compaction compact(void) {
  bv_err err = {0};
  bv_compaction done = {0};
  ok(bv_compact_all(store, &done, &err), &err);
  return done;
}

/* "rows sealed-bars" */
static void state_is(const char *want) {
  sql_is(db,
         "SELECT (SELECT count(*) FROM barsvt_hot) || ' ' ||"
         " (SELECT coalesce(sum(n), 0) FROM barsvt_seg WHERE id & 15 = 15)",
         want);
}

static void thresholds(void **state) {
  (void)state;
  put_rows(chunk0, 60, BV_SEG_SEAL_MIN - 1);
  bv_compaction done = compact();
  assert_int_equal(done.chunks, 0);
  state_is("63 0");
  put(chunk0 + SPAN - 1, 1); /* the last second of the chunk */
  put(chunk0 + SPAN, 1);     /* the next chunk */
  done = compact();
  assert_int_equal(done.chunks, 1);
  assert_int_equal(done.bars, 64);
  state_is("1 64");
  done = compact();
  assert_int_equal(done.chunks, 0);
  state_is("1 64");
}

static void dense_chunks_stay_rows(void **state) {
  (void)state;
  put_rows(chunk0, 20, BV_SEG_SEAL_MAX);
  compact();
  state_is("0 65536");
  put(chunk0 + 7, 2);
  compact(); /* one more: it cannot be sealed any longer */
  state_is("65537 0");
  bv_err err = {0};
  ok(bv_raw_delete(store, &series, chunk0 + 7, &err), &err);
  compact();
  state_is("0 65536");
}

static void sparse_chunks_become_rows(void **state) {
  (void)state;
  put_rows(chunk0, 60, 70);
  compact();
  state_is("0 70");
  sql_ok(db, "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts % 600 <> 0");
  compact();
  state_is("7 0");
}

/* A correction goes into the chunk. */
static void corrections(void **state) {
  (void)state;
  put_rows(chunk0, 60, 100);
  compact();
  put(chunk0 + 60 * 50, 99);
  state_is("1 100");
  bv_compaction done = compact();
  assert_int_equal(done.bars, 1);
  state_is("0 100");
  sql_is(db, "SELECT max FROM barsvt_seg WHERE id & 15 = 3", "99.0");
}

/* A few thousand rows in one chunk are sealed when the next bar goes elsewhere, and not before. */
static void seals_while_inserting(void **state) {
  (void)state;
  put_rows(chunk0, 60, 2047);
  put(chunk0 + SPAN, 1);
  state_is("2048 0");
  put_rows(chunk0 + 2 * SPAN, 60, 2048);
  state_is("4096 0");
  put(chunk0 + 3 * SPAN, 1);
  state_is("2049 2048");
  sql_ok(db, "BEGIN");
  put_rows(chunk0 + 3 * SPAN + 60, 60, 3000);
  put(chunk0, 5);
  state_is("2048 5049"); /* a correction elsewhere seals the 3,001 rows too */
  sql_ok(db, "ROLLBACK");
  bv_store_rolled_back(store);
  state_is("2049 2048");
  put(chunk0 + 9 * SPAN, 1); /* what was counted before the rollback does no harm */
  state_is("2050 2048");
}

/* The same bars by other ways: in order, backwards, at random, twice, with passing values, removed and put
** again, compacted in between. */
static void way_does_not_matter(void **state) {
  (void)state;
  enum { N = 1500 };
  char *first = NULL;
  static const char dump[] =
      "SELECT group_concat(r, char(10)) FROM (SELECT id || '|' || n || '|' || first || '|' || last"
      " || '|' || codec || '|' || checksum || '|' || ifnull(min, '') || '|' || ifnull(max, '')"
      " || '|' || ifnull(sum, '') || '|' || hex(data) AS r FROM barsvt_seg UNION ALL"
      " SELECT id || '|' || hex(data) FROM barsvt_stat UNION ALL"
      " SELECT ts || '|' || close FROM barsvt_hot ORDER BY 1)";
  for (int way = 0; way < 7; way++) {
    sql_ok(db, "DELETE FROM barsvt_seg; DELETE FROM barsvt_stat; DELETE FROM barsvt_hot");
    bv_store_rolled_back(store);
    uint64_t r = 99;
    sql_ok(db, "BEGIN");
    for (int i = 0; i < N; i++) {
      int64_t k = way == 1 ? N - 1 - i : way == 2 ? (i * 677) % N : i;
      int64_t ts = chunk0 - 60 * (N / 2) + 60 * k;
      if (way == 3) put(ts, 1000);
      if (way == 5 && i % 3 == 0) put(ts + 7, 5); /* a bar that will go again */
      put(ts, 1 + (double)(k % 11) / 4);
      if ((way == 4 && i % 100 == 0) || (way == 6 && pick(&r, 200) == 0)) compact();
    }
    if (way == 6) {
      for (int i = 0; i < N; i++) put(chunk0 - 60 * (N / 2) + 60 * i, 1 + (double)(i % 11) / 4);
    }
    if (way == 5)
      sql_ok(db, "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute' AND ts % 60 = 7");
    sql_ok(db, "COMMIT");
    compact();
    state_is("0 1500");
    char *now = sql_text(db, dump);
    if (first && strcmp(first, now) != 0) fail_msg("way %d leaves another state", way);
    assert_true(strlen(now) > 1000);
    if (first) {
      sqlite3_free(now);
    } else {
      first = now;
    }
  }
  sqlite3_free(first);
}

static void function(void **state) {
  (void)state;
  put_rows(chunk0, 60, 100);
  put_rows(chunk0 + SPAN, 60, 200);
  sql_is(db, "SELECT bars_compact()", "{\"chunks\":2,\"bars\":300}");
  sql_is(db, "SELECT bars_compact()", "{\"chunks\":0,\"bars\":0}");
}

/* Compaction that fails leaves what was there: the function undoes its part. */
static void damaged_input(void **state) {
  (void)state;
  put_rows(chunk0, 60, 100);
  put_rows(chunk0 + SPAN, 60, 100);
  char sql[200];
  snprintf(sql, sizeof sql, "UPDATE barsvt_hot SET high = 'x' WHERE ts = %lld",
           (long long)(chunk0 + SPAN + 600));
  sql_ok(db, sql);
  sql_fails(db, "SELECT bars_compact()", "high of series 1");
  state_is("200 0");
}

static void out_of_memory(void **state) {
  (void)state;
  put_rows(chunk0, 60, 150);
  compact();
  put_rows(chunk0 + 60 * 100, 60, 100);
  put_rows(chunk0 + SPAN, 60, 70);
  int64_t failed = 1;
  for (int64_t n = 0; failed; n++) {
    sqlite3_stmt *st;
    bv_seg_cache_clear(store);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT bars_compact()", -1, &st, NULL), SQLITE_OK);
    bv_alloc_fail_after(n, 0);
    int code = sqlite3_step(st);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(code, failed ? SQLITE_NOMEM : SQLITE_ROW);
    sqlite3_finalize(st);
    state_is(failed ? "170 150" : "0 270");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(thresholds, setup, teardown_store),
      cmocka_unit_test_setup_teardown(dense_chunks_stay_rows, setup, teardown_store),
      cmocka_unit_test_setup_teardown(sparse_chunks_become_rows, setup, teardown_store),
      cmocka_unit_test_setup_teardown(corrections, setup, teardown_store),
      cmocka_unit_test_setup_teardown(seals_while_inserting, setup, teardown_store),
      cmocka_unit_test_setup_teardown(way_does_not_matter, setup, teardown_store),
      cmocka_unit_test_setup_teardown(function, setup, teardown_store),
      cmocka_unit_test_setup_teardown(damaged_input, setup, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
