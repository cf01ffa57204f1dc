/* test_seg.c - sealed chunks: keys, reading and writing, the cache, and rows that are damaged. */
#include "store_fixture.h"

#include "col/chunk.h"
#include "data/segstat.h"

static bv_series make_series(const char *step) {
  bv_err err = {0};
  bv_series out;
  bv_timestep parsed;
  ok(bv_timestep_parse(step, strlen(step), &parsed, &err), &err);
  ok(bv_series_make(store, "A", parsed, NULL, &out, &err), &err);
  return out;
}

/* ---- keys ---- */

static void chunk_spans(void **state) {
  (void)state;
  static const struct {
    const char *step;
    int64_t span;
  } cases[] = {{"second", 65536},          {"minute", 65536 * 60},  {"5 minutes", 65536 * 300},
               {"hour", 65536 * 3600LL},   {"day", 4096 * 86400LL}, {"week", 4096 * 604800LL},
               {"month", 4096 * 2629746LL}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    bv_series s = make_series(cases[i].step);
    int64_t lo, hi;
    for (int64_t chunk = 0; chunk < 3; chunk++) {
      bv_seg_range(&s, chunk, &lo, &hi);
      assert_int_equal(hi - lo, cases[i].span);
      assert_int_equal(lo, BV_INSTANT_MIN + chunk * cases[i].span);
      assert_int_equal(bv_seg_chunk_of(&s, lo), chunk);
      assert_int_equal(bv_seg_chunk_of(&s, hi - 1), chunk);
    }
    bv_seg_range(&s, bv_seg_chunk_of(&s, BV_INSTANT_MAX), &lo, &hi);
    assert_true(lo <= BV_INSTANT_MAX && BV_INSTANT_MAX < hi);
    assert_int_equal(bv_seg_chunk_of(&s, INT64_MIN), 0);
    assert_int_equal(bv_seg_chunk_of(&s, INT64_MAX), bv_seg_chunk_of(&s, BV_INSTANT_MAX));
    bv_seg_range(&s, (INT64_C(1) << 32) - 1, &lo, &hi); /* no sum of these overflows */
    assert_true(lo <= BV_INSTANT_MAX + 1 && lo < hi);
  }
}

static void ids(void **state) {
  (void)state;
  int64_t series, chunk;
  int col;
  int64_t id = bv_seg_id((1 << 24) - 1, (INT64_C(1) << 32) - 1, 15);
  assert_true(id > 0);
  bv_seg_split_id(id, &series, &chunk, &col);
  assert_int_equal(series, (1 << 24) - 1);
  assert_int_equal(chunk, (INT64_C(1) << 32) - 1);
  assert_int_equal(col, 15);
  assert_int_equal(bv_seg_id(1, 2, 3), (INT64_C(1) << 36) + (2 << 4) + 3);
}

/* ---- reading and writing ---- */

typedef struct sample {
  int64_t ts[200];
  double col[STORED_COLUMNS][200];
  bv_bars bars;
} sample;

/* n bars at the start of a chunk in the columns of mask, with hard values among them. */
static void sample_make(sample *p, const bv_series *s, int64_t chunk, int64_t n, unsigned mask) {
  static const double hard[] = {1e308, 5e-324, 0.1, 1.0 / 3, 123456789.25, 100.01};
  int64_t lo, hi;
  bv_seg_range(s, chunk, &lo, &hi);
  p->bars = (bv_bars){.n = n, .ts = p->ts};
  for (int64_t i = 0; i < n; i++) {
    p->ts[i] = lo + i * 60 + i % 3;
    for (int c = 0; c < STORED_COLUMNS; c++) {
      p->col[c][i] = i % 5 == 4 && c > BV_COL_CLOSE ? NAN : hard[(i + c) % 6] * (double)(1 + i % 2);
    }
  }
  for (int c = 0; c < STORED_COLUMNS; c++) p->bars.col[c] = mask & BV_COLBIT(c) ? p->col[c] : NULL;
}

static void same_bars(const bv_bars *got, const sample *p, unsigned mask) {
  assert_int_equal(got->n, p->bars.n);
  assert_memory_equal(got->ts, p->ts, (size_t)got->n * 8);
  for (int c = 0; c < STORED_COLUMNS; c++) {
    if (!(mask & BV_COLBIT(c))) continue;
    if (!p->bars.col[c]) {
      assert_null(got->col[c]);
      continue;
    }
    for (int64_t i = 0; i < got->n; i++) assert_true(same(got->col[c][i], p->col[c][i]));
  }
}

static void write_and_load(void **state) {
  (void)state;
  static sample p;
  bv_series s = make_series("minute");
  bv_err err = {0};
  bv_bars got;
  static const unsigned masks[] = {0x1f, 0x0f, BV_STORED_MASK, 0x2f, 0x10f};
  for (size_t i = 0; i < COUNT(masks); i++) {
    sample_make(&p, &s, 40000, 100 + (int64_t)i, masks[i]);
    ok(bv_seg_write(store, &s, 40000, &p.bars, &err), &err);
    ok(bv_seg_load(store, &s, 40000, BV_STORED_MASK, &got, &err), &err);
    same_bars(&got, &p, BV_STORED_MASK);
    char want[20];
    snprintf(want, sizeof want, "%d", __builtin_popcount(masks[i]) + 1);
    sql_is(db, "SELECT count(*) FROM barsvt_seg", want); /* one row per column, and the times */
    sql_is(db, "SELECT count(*) FROM barsvt_stat", "1");
  }
  bv_bars none = {0};
  ok(bv_seg_write(store, &s, 40000, &none, &err), &err);
  ok(bv_seg_load(store, &s, 40000, 1, &got, &err), &err);
  assert_int_equal(got.n, 0);
  sql_is(db, "SELECT (SELECT count(*) FROM barsvt_seg) + (SELECT count(*) FROM barsvt_stat)", "0");
}

static void columns_without_values(void **state) {
  (void)state;
  static sample p;
  bv_series s = make_series("minute");
  bv_err err = {0};
  sample_make(&p, &s, 40000, 100, BV_STORED_MASK);
  for (int i = 0; i < 100; i++) p.col[BV_COL_BID][i] = NAN;
  ok(bv_seg_write(store, &s, 40000, &p.bars, &err), &err);
  sql_is(db, "SELECT group_concat(id & 15) FROM barsvt_seg", "0,1,2,3,4,5,6,8,9,15");
}

static void find_and_span(void **state) {
  (void)state;
  static sample p;
  bv_series s = make_series("minute"), other = make_series("hour");
  bv_err err = {0};
  static const int64_t chunks[] = {3, 7, 8, 40000};
  int64_t first, last, n, chunk;
  ok(bv_seg_span(store, &s, &first, &last, &n, &err), &err);
  assert_int_equal(n, 0);
  for (size_t i = 0; i < COUNT(chunks); i++) {
    sample_make(&p, &s, chunks[i], 64, 0x0f);
    ok(bv_seg_write(store, &s, chunks[i], &p.bars, &err), &err);
  }
  ok(bv_seg_span(store, &s, &first, &last, &n, &err), &err);
  assert_int_equal(n, 4 * 64);
  assert_int_equal(last, p.ts[63]);
  ok(bv_seg_span(store, &other, &first, &last, &n, &err), &err);
  assert_int_equal(n, 0);
  static const struct {
    int64_t from, next, before;
  } cases[] = {{0, 3, -1}, {3, 3, 3}, {4, 7, 3}, {8, 8, 8}, {9, 40000, 8}, {40001, -1, 40000}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    ok(bv_seg_find(store, &s, cases[i].from, false, &chunk, &err), &err);
    assert_int_equal(chunk, cases[i].next);
    ok(bv_seg_find(store, &s, cases[i].from, true, &chunk, &err), &err);
    assert_int_equal(chunk, cases[i].before);
    ok(bv_seg_find(store, &other, cases[i].from, false, &chunk, &err), &err);
    assert_int_equal(chunk, -1);
  }
}

static void decodes_once(void **state) {
  (void)state;
  static sample p;
  bv_series s = make_series("minute");
  bv_err err = {0};
  bv_bars got;
  sample_make(&p, &s, 40000, 100, 0x1f);
  ok(bv_seg_write(store, &s, 40000, &p.bars, &err), &err);
  static const struct {
    unsigned mask;
    int decoded; /* by this load */
  } steps[] = {{0, 1},
               {0, 0},
               {BV_COLBIT(BV_COL_CLOSE), 1},
               {BV_COLBIT(BV_COL_CLOSE), 0},
               {BV_COLBIT(BV_COL_HIGH), 2}, /* open too, which high is coded against */
               {BV_COLBIT(BV_COL_OPEN), 0},
               {BV_COLBIT(BV_COL_VWAP), 0},
               {0x1f, 2},
               {0x3ff, 0}};
  for (size_t i = 0; i < COUNT(steps); i++) {
    int64_t before = store->counter[BV_N_DECODE];
    ok(bv_seg_load(store, &s, 40000, steps[i].mask, &got, &err), &err);
    assert_int_equal(store->counter[BV_N_DECODE] - before, steps[i].decoded);
    same_bars(&got, &p, steps[i].mask);
  }
}

/* More chunks than are cached, in an order that evicts. */
static void cache_is_transparent(void **state) {
  (void)state;
  static sample p[20];
  bv_series s = make_series("minute");
  bv_err err = {0};
  bv_bars got;
  uint64_t r = 7;
  for (int i = 0; i < 20; i++) {
    sample_make(&p[i], &s, 40000 + i, 70 + i, 0x1f);
    ok(bv_seg_write(store, &s, 40000 + i, &p[i].bars, &err), &err);
  }
  for (int k = 0; k < 2000; k++) {
    int i = (int)pick(&r, 22);
    unsigned mask = (unsigned)pick(&r, 1024);
    ok(bv_seg_load(store, &s, 40000 + i, mask, &got, &err), &err);
    if (i >= 20) {
      assert_int_equal(got.n, 0);
    } else {
      same_bars(&got, &p[i], mask & 0x1f);
    }
  }
}

/* ---- faults ---- */

static void out_of_memory(void **state) {
  (void)state;
  static sample p;
  bv_series s = make_series("minute");
  bv_err err = {0};
  bv_bars got;
  sample_make(&p, &s, 40000, 150, BV_STORED_MASK);
  for (int64_t n = 0, failed = 1; failed; n++) {
    sql_ok(db, "SAVEPOINT s");
    bv_seg_cache_clear(store);
    bv_err why = {0};
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_seg_write(store, &s, 40000, &p.bars, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (failed) sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
    store->seg_generation++;
  }
  for (int64_t n = 0, failed = 1; failed; n++) {
    bv_seg_cache_clear(store);
    bv_err why = {0};
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_seg_load(store, &s, 40000, BV_STORED_MASK, &got, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    ok(bv_seg_load(store, &s, 40000, BV_STORED_MASK, &got, &err),
       &err); /* what failed left nothing */
    same_bars(&got, &p, BV_STORED_MASK);
  }
}

/* Each of these is an error that names the column, and no bar is read. */
static void damaged_rows(void **state) {
  (void)state;
  static const struct {
    const char *sql, *part;
  } cases[] = {
      {"UPDATE barsvt_seg SET n = n - 1 WHERE id & 15 = 15", "ts of A minute"},
      {"UPDATE barsvt_seg SET n = 0 WHERE id & 15 = 3", "close of A minute"},
      {"UPDATE barsvt_seg SET n = 70000 WHERE id & 15 = 3", "close of A minute"},
      {"UPDATE barsvt_seg SET n = 'x' WHERE id & 15 = 0", "open of A minute"},
      {"UPDATE barsvt_seg SET n = n + 1 WHERE id & 15 = 4", "volume of A minute"},
      {"UPDATE barsvt_seg SET checksum = 0 WHERE id & 15 = 1", "checksum"},
      {"UPDATE barsvt_seg SET data = x'' WHERE id & 15 = 1", "high of A minute"},
      {"UPDATE barsvt_seg SET data = x'00' WHERE id & 15 = 15", "ts of A minute"},
      {"UPDATE barsvt_seg SET data = 'text' WHERE id & 15 = 2", "low of A minute"},
      {"UPDATE barsvt_seg SET data = zeroblob(length(data)) WHERE id & 15 = 2", "low of A minute"},
      {"UPDATE barsvt_seg SET (data, checksum) = (SELECT data, checksum FROM barsvt_seg WHERE id & "
       "15 = 0)"
       " WHERE id & 15 = 3",
       "close of A minute"},
      {"DELETE FROM barsvt_seg WHERE id & 15 = 3", "close of A minute"},
      {"DELETE FROM barsvt_seg WHERE id & 15 = 15", "ts of A minute"},
      {"DELETE FROM barsvt_seg WHERE id & 15 = 4", "volume of A minute"},
      {"UPDATE barsvt_seg SET id = id - 1 WHERE id & 15 = 15", "ts of A minute"},
      {"UPDATE barsvt_seg SET id = id + 16", "ts of A minute"},
      {"DELETE FROM barsvt_stat", "statistics"},
      {"UPDATE barsvt_stat SET data = zeroblob(96)", "barsvt_stat"},
  };
  static sample p;
  bv_series s = make_series("minute");
  bv_err err = {0};
  bv_bars got;
  sample_make(&p, &s, 40000, 150, 0x1f);
  ok(bv_seg_write(store, &s, 40000, &p.bars, &err), &err);
  for (size_t i = 0; i < COUNT(cases); i++) {
    sql_ok(db, "SAVEPOINT s");
    sql_ok(db, cases[i].sql);
    int64_t chunk;
    bv_err why = {0};
    store->seg_generation++;
    ok(bv_seg_find(store, &s, 40000, false, &chunk, &err), &err);
    bv_rc rc = bv_seg_load(store, &s, chunk, BV_STORED_MASK, &got, &why);
    if (rc != BV_CORRUPT || !strstr(why.msg, cases[i].part)) {
      fail_msg("%s: %s '%s'", cases[i].sql, bv_rc_text(rc), why.msg);
    }
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
    store->seg_generation++;
    ok(bv_seg_load(store, &s, 40000, BV_STORED_MASK, &got, &err), &err);
    same_bars(&got, &p, BV_STORED_MASK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(chunk_spans, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(ids, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(write_and_load, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(columns_without_values, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(find_and_span, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(decodes_once, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(cache_is_transparent, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(damaged_rows, setup_store, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
