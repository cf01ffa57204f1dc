/*
** test_blocks.c - aggregated bars kept in memory: whatever was read, written, removed, compacted or
** dropped before, in whatever columns and from whatever finer aggregate, the bits are those of
** resampling the stored bars at once.
*/
#include "store_fixture.h"

#include "col/resample.h"
#include "data/blocks.h"
#include "data/cachelog.h"

enum { SPAN = 9000 }; /* minutes a bar may lie at */

/* What is stored: bar i at minute i, where there[i]. */
typedef struct world {
  bv_series series;
  int64_t from;
  bool there[SPAN];
  double col[BV_NCOL][SPAN];
  bool whole; /* volumes and trades are whole numbers */
} world;

static world w;

static void put_bar(int64_t i, uint64_t *r) {
  bv_err err = {0};
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = NAN;
  v[BV_COL_OPEN] = v[BV_COL_CLOSE] = (double)(1000 + pick(r, 500)) / 100;
  v[BV_COL_HIGH] = v[BV_COL_OPEN] + (double)pick(r, 100) / 100;
  v[BV_COL_LOW] = v[BV_COL_OPEN] - (double)pick(r, 100) / 100;
  v[BV_COL_VOLUME] = pick(r, 9) ? (double)pick(r, 100000) + (w.whole ? 0 : 0.1) : NAN;
  v[BV_COL_TRADES] = pick(r, 9) ? (double)pick(r, 1000) : NAN;
  v[BV_COL_VWAP] = pick(r, 9) ? v[BV_COL_OPEN] + 0.003 : NAN;
  ok(bv_raw_put(store, &w.series, w.from + 60 * i, v, BV_CONFLICT_REPLACE, NULL, &err), &err);
  for (int c = 0; c < BV_NCOL; c++) w.col[c][i] = v[c];
  w.there[i] = true;
}

static void remove_bar(int64_t i) {
  bv_err err = {0};
  ok(bv_raw_delete(store, &w.series, w.from + 60 * i, &err), &err);
  w.there[i] = false;
}

/* Weeks with holes; `from` lies before a change of clocks. */
static void fill(const char *asset, const char *tz, bool whole, uint64_t *r) {
  bv_err err = {0};
  bv_timestep minute = {1, BV_MINUTE, BV_OF_TRADES};
  memset(&w, 0, sizeof w);
  w.from = 1710000000; /* 2024-03-09 16:00 UTC */
  w.whole = whole;
  ok(bv_series_make(store, asset, minute, tz, &w.series, &err), &err);
  sql_ok(db, "SAVEPOINT put");
  for (int64_t i = 0; i < SPAN - 1500; i++) {
    if (pick(r, 40) == 0) i += pick(r, 8) ? pick(r, 20) : pick(r, 900);
    if (i < SPAN - 1500) put_bar(i, r);
  }
  sql_ok(db, "SELECT bars_compact()");
  sql_ok(db, "RELEASE put");
}

/* All buckets, from all bars at once. */
static bv_chunk reference(const bv_source *src) {
  static int64_t ts[SPAN];
  static double col[BV_NCOL][SPAN];
  bv_bars b = {.ts = ts};
  for (int i = 0; i < SPAN; i++) {
    if (!w.there[i]) continue;
    ts[b.n] = w.from + 60 * i;
    for (int c = 0; c < BV_NCOL; c++) col[c][b.n] = w.col[c][i];
    b.n++;
  }
  for (int c = 0; c <= BV_COL_TRADES; c++) b.col[c] = col[c];
  bv_chunk out;
  bv_resample rs;
  bv_chunk_init(&out, BV_MEM_DERIVED, BV_RESAMPLE_OUT);
  bv_resample_init(&rs, src->step, src->zone, src->session_lo, src->session_hi);
  bv_resample_base(&rs, w.series.step, w.series.zone);
  assert_int_equal(bv_resample_feed(&rs, &b, &out), BV_OK);
  assert_int_equal(bv_resample_flush(&rs, &out), BV_OK);
  return out;
}

static void check_read(const bv_source *src, uint64_t *r) {
  bv_err err = {0};
  bv_chunk ref = reference(src), got;
  int64_t lo = pick(r, 5) ? w.from + pick(r, SPAN) * 60 - 30 : INT64_MIN;
  int64_t hi = pick(r, 5) ? lo + pick(r, SPAN) * 60 : INT64_MAX;
  int64_t max = pick(r, 3) ? 1 + pick(r, 200) : INT64_MAX;
  bool desc = pick(r, 2);
  if (lo == INT64_MIN && hi < INT64_MAX) hi = w.from + pick(r, SPAN) * 60;
  unsigned mask = bv_source_mask(src, (unsigned)pick(r, 1 << BV_NCOL));
  bv_chunk_init(&got, BV_MEM_DECODE, mask);
  ok(bv_blocks_read(store, src, lo, hi, max, desc, &got, &err), &err);
  int64_t a = 0, b;
  while (a < ref.n && ref.ts[a] < lo) a++;
  for (b = a; b < ref.n && ref.ts[b] < hi;) b++;
  if (b - a > max && desc) a = b - max;
  if (b - a > max) b = a + max;
  if (got.n != b - a) {
    fail_msg("%d %d: %lld buckets, not %lld", (int)src->step.n, (int)src->step.unit,
             (long long)got.n, (long long)(b - a));
  }
  for (int64_t i = 0; i < got.n; i++) {
    assert_int_equal(got.ts[i], ref.ts[a + i]);
    for (int c = 0; c < BV_NCOL; c++) {
      if (!got.col[c] || same(got.col[c][i], ref.col[c][a + i])) continue;
      fail_msg("%d %d: %s of %lld is %.17g, not %.17g", (int)src->step.n, (int)src->step.unit,
               bv_column_name(c), (long long)got.ts[i], got.col[c][i], ref.col[c][a + i]);
    }
  }
  bv_chunk_reset(&got);
  bv_chunk_reset(&ref);
}

static void change(uint64_t *r) {
  bv_err err = {0};
  int64_t i = pick(r, SPAN);
  switch (pick(r, 12)) {
  case 0: sql_ok(db, "SELECT bars_compact()"); break;
  case 1: bv_blocks_drop_all(store); break;
  case 2:
  case 3: bv_blocks_drop_oldest(store); break;
  case 4:
  case 5:
    if (w.there[i]) remove_bar(i);
    break;
  default: put_bar(i, r);
  }
  ok(bv_store_sync(store, &err), &err);
}

static int64_t made_from_finer(void) {
  int64_t n = 0;
  const bv_log_entry *e;
  for (int64_t i = 0; (e = bv_log_row(store, i)); i++) {
    n += e->event == BV_EV_RESAMPLE && strstr(e->what, "finer") != NULL;
  }
  return n;
}

static void any_history_gives_the_same_bits(void **state) {
  (void)state;
  static const struct {
    const char *asset, *tz, *session;
    bool whole;
  } kinds[] = {{"A", "America/New_York", NULL, true},
               {"B", "Asia/Kolkata", NULL, false},
               {"C", "UTC", NULL, true},
               {"D", "Europe/London", "08:00-16:30", true}};
  static const char *const step[] = {"2 minutes", "5 minutes", "15 minutes", "30 minutes", "hour",
                                     "4 hours",   "day",       "week",       "month"};
  uint64_t r = 17;
  bv_err err = {0};
  ok(bv_log_resize(store, 100000), &err);
  for (size_t k = 0; k < COUNT(kinds); k++) {
    bv_source src[COUNT(step)];
    fill(kinds[k].asset, kinds[k].tz, kinds[k].whole, &r);
    for (size_t i = 0; i < COUNT(step); i++) {
      ok(bv_source_aggregate(store, kinds[k].asset, step[i], NULL, kinds[k].session, NULL, NULL,
                             &src[i], &err),
         &err);
    }
    int64_t before = made_from_finer();
    for (int round = 0; round < 1500; round++) {
      check_read(&src[pick(&r, COUNT(step))], &r);
      if (pick(&r, 6) == 0) change(&r);
    }
    assert_true(made_from_finer() > before); /* the case was met */
  }
  ok(bv_log_resize(store, BV_LOG_ROWS), &err);
}

/* Volumes whose sum depends on the order are never summed in another one. */
static void inexact_sums_come_from_stored_bars(void **state) {
  (void)state;
  uint64_t r = 5;
  bv_err err = {0};
  fill("E", NULL, false, &r);
  bv_source five, hour;
  ok(bv_source_aggregate(store, "E", "5 minutes", NULL, NULL, NULL, NULL, &five, &err), &err);
  ok(bv_source_aggregate(store, "E", "hour", NULL, NULL, NULL, NULL, &hour, &err), &err);
  const unsigned mask[] = {BV_COLBIT(BV_COL_CLOSE), BV_COLBIT(BV_COL_VOLUME),
                           BV_COLBIT(BV_COL_VWAP)};
  for (size_t i = 0; i < COUNT(mask); i++) {
    bv_blocks_drop_all(store);
    bv_chunk a;
    bv_chunk_init(&a, BV_MEM_DECODE, bv_source_mask(&five, mask[i]));
    ok(bv_blocks_read(store, &five, INT64_MIN, INT64_MAX, INT64_MAX, false, &a, &err), &err);
    bv_chunk_reset(&a);
    ok(bv_log_resize(store, 100), &err);
    bv_chunk_init(&a, BV_MEM_DECODE, bv_source_mask(&hour, mask[i]));
    ok(bv_blocks_read(store, &hour, INT64_MIN, INT64_MAX, INT64_MAX, false, &a, &err), &err);
    bv_chunk_reset(&a);
    assert_int_equal(made_from_finer() > 0, i == 0);
  }
  ok(bv_log_resize(store, BV_LOG_ROWS), &err);
}

/* Reading again makes nothing again; a write makes again from its bucket on. */
static void made_once(void **state) {
  (void)state;
  uint64_t r = 9;
  bv_err err = {0};
  fill("F", NULL, true, &r);
  bv_source five;
  ok(bv_source_aggregate(store, "F", "5 minutes", NULL, NULL, NULL, NULL, &five, &err), &err);
  int64_t made[4];
  sql_ok(db, "BEGIN"); /* each commit past the table would count as another connection's */
  ok(bv_store_sync(store, &err), &err);
  for (int round = 0; round < 4; round++) {
    bv_chunk a;
    int64_t before = store->counter[BV_N_RESAMPLE];
    if (round == 2) put_bar(SPAN - 100, &r); /* after all others */
    if (round == 3) put_bar(SPAN - 99, &r);  /* into the same bucket, or the next */
    bv_chunk_init(&a, BV_MEM_DECODE, bv_source_mask(&five, BV_COLBIT(BV_COL_CLOSE)));
    ok(bv_blocks_read(store, &five, INT64_MIN, INT64_MAX, INT64_MAX, false, &a, &err), &err);
    made[round] = store->counter[BV_N_RESAMPLE] - before;
    bv_chunk_reset(&a);
  }
  sql_ok(db, "COMMIT");
  assert_true(made[0] > 100);
  assert_int_equal(made[1], 0);
  assert_int_equal(made[2], 1);
  assert_int_equal(made[3], 1);
}

static void memory_failure_is_told(void **state) {
  (void)state;
  uint64_t r = 11;
  bv_err err = {0};
  fill("G", NULL, true, &r);
  bv_source five, hour;
  ok(bv_source_aggregate(store, "G", "5 minutes", NULL, NULL, NULL, NULL, &five, &err), &err);
  ok(bv_source_aggregate(store, "G", "hour", NULL, NULL, NULL, NULL, &hour, &err), &err);
  for (int64_t n = 0, failed = 1; failed; n++) {
    bv_blocks_drop_all(store);
    bv_chunk a, b;
    bv_chunk_init(&a, BV_MEM_DECODE, BV_RESAMPLE_OUT & ~BV_COLBIT(BV_COL_VWAP));
    bv_chunk_init(&b, BV_MEM_DECODE, BV_RESAMPLE_OUT & ~BV_COLBIT(BV_COL_VWAP));
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_blocks_read(store, &five, INT64_MIN, INT64_MAX, INT64_MAX, false, &a, &err);
    if (rc == BV_OK) {
      rc = bv_blocks_read(store, &hour, INT64_MIN, INT64_MAX, INT64_MAX, true, &b, &err);
    }
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    if (!failed) assert_int_equal(rc, BV_OK);
    if (rc != BV_OK) assert_int_equal(rc, BV_NOMEM);
    bv_chunk_reset(&a);
    bv_chunk_reset(&b);
    check_read(&five, &r); /* what failed left nothing wrong */
    check_read(&hour, &r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_history_gives_the_same_bits),
      cmocka_unit_test(inexact_sums_come_from_stored_bars),
      cmocka_unit_test(made_once),
      cmocka_unit_test(memory_failure_is_told),
  };
  return cmocka_run_group_tests(tests, setup_store, teardown_store);
}
