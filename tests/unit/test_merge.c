/* test_merge.c - sealed chunks and rows read as one sequence, against bars the test knows. */
#include "store_fixture.h"

#include "col/chunk.h"
#include "data/hot.h"
#include "data/raw.h"
#include "data/seg.h"

static void compare(const model *m, int64_t lo, int64_t hi, int64_t max, bool desc, unsigned mask) {
  bv_err err = {0};
  bv_chunk got;
  bv_chunk_init(&got, BV_MEM_DECODE, mask);
  ok(bv_raw_read(store, &m->series, lo, hi, max, desc, &got, &err), &err);
  int64_t a = model_find(m, lo), b = model_find(m, hi);
  if (b < a) b = a;
  if (b - a > max && desc) a = b - max;
  if (b - a > max) b = a + max;
  if (got.n != b - a) {
    fail_msg("[%lld, %lld) max %lld%s: %lld bars, not %lld", (long long)lo, (long long)hi,
             (long long)max, desc ? " desc" : "", (long long)got.n, (long long)(b - a));
  }
  for (int64_t i = 0; i < got.n; i++) {
    assert_int_equal(got.ts[i], m->ts[a + i]);
    for (int c = 0; c < STORED_COLUMNS; c++) {
      if (mask & BV_COLBIT(c)) assert_true(same(got.col[c][i], m->col[c][a + i]));
    }
  }
  bv_chunk_reset(&got);
}

static void random_reads(model *m, int n, uint64_t r) {
  for (int k = 0; k < n; k++) {
    int64_t lo = model_instant(m, &r), hi = model_instant(m, &r);
    int64_t max = pick(&r, 3) ? pick(&r, 400) : INT64_MAX;
    compare(m, lo, hi, max, pick(&r, 2), (unsigned)pick(&r, 1024));
  }
  compare(m, INT64_MIN, INT64_MAX, INT64_MAX, false, BV_STORED_MASK);
  compare(m, INT64_MIN, INT64_MAX, INT64_MAX, true, BV_STORED_MASK);
}

static void reads_equal_the_model(void **state) {
  (void)state;
  static const struct {
    const char *step;
    int64_t from;
    int n;
    bool off;
  } cases[] = {{"minute", 1700000000, 6000, false},
               {"minute", 1700000000, 3000, true},
               {"second", 1700000000, 9000, false},
               {"day", -4000000000, 7000, false},
               {"month", BV_INSTANT_MIN + 86400, 400, false}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    model m = model_new(cases[i].step, cases[i].from, cases[i].n, 9, cases[i].off, i + 1);
    char asset[] = {'A', (char)('0' + i), 0};
    model_store(store, &m, asset, cases[i].step, "UTC");
    random_reads(&m, 400, i + 11);
    model_free(&m);
  }
}

/* Sealed chunks alone, rows alone, rows before, between and after sealed chunks. */
static void every_mixture(void **state) {
  (void)state;
  for (int k = 0; k < 32; k++) {
    char asset[32];
    snprintf(asset, sizeof asset, "M%d", k);
    model m = model_new("minute", 1704672000 - 3 * 1966080, 700, 5, false, (uint64_t)k + 50);
    for (int64_t i = 0; i < m.n; i++) m.ts[i] = 1704672000 + (i / 140) * 1966080 + i % 140 * 60;
    bv_err err = {0};
    bv_timestep minute = {1, BV_MINUTE, BV_OF_TRADES};
    ok(bv_series_make(store, asset, minute, NULL, &m.series, &err), &err);
    sql_ok(db, "SAVEPOINT put");
    /* five chunks of 140 bars: bit i of k says whether chunk i is sealed or rows */
    for (int64_t i = 0; i < m.n; i++) {
      if (k >> (i / 140) & 1) model_put_bar(store, &m, i, 0);
    }
    sql_ok(db, "SELECT bars_compact()");
    for (int64_t i = 0; i < m.n; i++) {
      if (!(k >> (i / 140) & 1)) model_put_bar(store, &m, i, 0);
    }
    sql_ok(db, "RELEASE put");
    random_reads(&m, 60, (uint64_t)k + 7);
    model_free(&m);
  }
}

/* The first and the last chunk of time: nothing lies beyond them. */
static void ends_of_time(void **state) {
  (void)state;
  static const char *const steps[] = {"second", "minute", "day", "month"};
  for (size_t k = 0; k < COUNT(steps); k++) {
    bv_err err = {0};
    bv_timestep step;
    model m = model_new("minute", 1700000000, 300, 9, false, k + 1);
    for (int64_t i = 0; i < 150; i++) {
      m.ts[i] = BV_INSTANT_MIN + i;
      m.ts[150 + i] = BV_INSTANT_MAX - 149 + i;
    }
    assert_int_equal(bv_timestep_parse(steps[k], strlen(steps[k]), &step, NULL), BV_OK);
    ok(bv_series_make(store, "END", step, NULL, &m.series, &err), &err);
    for (int64_t i = 0; i < m.n; i++) model_put_bar(store, &m, i, 0);
    random_reads(&m, 30, 3);
    sql_ok(db, "SELECT bars_compact()");
    random_reads(&m, 100, 4);
    model_free(&m);
  }
}

/* Bars are appended to what the chunk holds. */
static void appends(void **state) {
  (void)state;
  bv_err err = {0};
  model m = model_new("minute", 1700000000, 500, 9, false, 3);
  model_store(store, &m, "A", "minute", NULL);
  bv_chunk out;
  bv_chunk_init(&out, BV_MEM_DECODE, BV_COLBIT(BV_COL_CLOSE));
  ok(bv_raw_read(store, &m.series, INT64_MIN, m.ts[200], INT64_MAX, false, &out, &err), &err);
  ok(bv_raw_read(store, &m.series, m.ts[200], INT64_MAX, 100, false, &out, &err), &err);
  assert_int_equal(out.n, 300);
  for (int64_t i = 0; i < 300; i++)
    assert_true(same(out.col[BV_COL_CLOSE][i], m.col[BV_COL_CLOSE][i]));
  ok(bv_raw_read(store, &m.series, 5, 5, 10, false, &out, &err), &err);
  ok(bv_raw_read(store, &m.series, INT64_MIN, INT64_MAX, 0, true, &out, &err), &err);
  assert_int_equal(out.n, 300);
  bv_chunk_reset(&out);
  model_free(&m);
}

static void out_of_memory(void **state) {
  (void)state;
  model m = model_new("minute", 1700000000, 900, 9, false, 5);
  model_store(store, &m, "A", "minute", NULL);
  for (int desc = 0; desc < 2; desc++) {
    int64_t failed = 1;
    for (int64_t n = 0; failed; n++) {
      bv_err why = {0};
      bv_chunk out;
      bv_seg_cache_clear(store);
      bv_chunk_init(&out, BV_MEM_DECODE, BV_STORED_MASK);
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_raw_read(store, &m.series, INT64_MIN, INT64_MAX, 600, desc, &out, &why);
      failed = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      bv_chunk_reset(&out);
    }
  }
  model_free(&m);
}

/* Rows that cannot be bars are an error, not a bar. */
static void damaged_rows(void **state) {
  (void)state;
  static const struct {
    const char *sql, *part;
  } cases[] = {
      {"UPDATE barsvt_hot SET close = 'x'", "close of series 1"},
      {"UPDATE barsvt_hot SET volume = x'00'", "volume of series 1"},
      {"UPDATE barsvt_hot SET ts = ts + 0.5", "is not a time"},
      {"UPDATE barsvt_hot SET ts = ts + 1000000000000", "is not a time"},
  };
  sql_ok(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
             " VALUES ('A', 'minute', 60, 1, 1, 1, 1)");
  bv_err err = {0};
  bv_series s;
  bool found;
  ok(bv_series_by_id(store, 1, &s, &found, &err), &err);
  assert_true(found);
  for (size_t i = 0; i < COUNT(cases); i++) {
    sql_ok(db, "SAVEPOINT s");
    sql_ok(db, cases[i].sql);
    for (int desc = 0; desc < 2; desc++) {
      bv_err why = {0};
      bv_chunk out;
      bv_chunk_init(&out, BV_MEM_DECODE, BV_STORED_MASK);
      bv_rc rc = bv_raw_read(store, &s, INT64_MIN, INT64_MAX, 10, desc, &out, &why);
      if (rc != BV_CORRUPT || !strstr(why.msg, cases[i].part)) {
        fail_msg("%s: %s '%s'", cases[i].sql, bv_rc_text(rc), why.msg);
      }
      bv_chunk_reset(&out);
    }
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(reads_equal_the_model, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(every_mixture, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(ends_of_time, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(appends, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(damaged_rows, setup_store, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
