/* test_summary.c - statistics and hashes of bars, of sealed chunks, and of ranges of time. */
#include "store_fixture.h"

#include "data/barhash.h"
#include "data/hot.h"
#include "data/seg.h"
#include "data/summary.h"

/* What statistics must be, in long double, term by term. */
typedef struct truth {
  long double volume, sum, m2, turnover;
  double high, low;
  bool any_volume;
} truth;

static truth measure(const model *m, int64_t a, int64_t b) {
  truth t = {.high = -INFINITY, .low = INFINITY};
  for (int64_t i = a; i < b; i++) {
    double close = m->col[BV_COL_CLOSE][i], volume = m->col[BV_COL_VOLUME][i],
           vwap = m->col[BV_COL_VWAP][i];
    t.sum += close;
    if (m->col[BV_COL_HIGH][i] > t.high) t.high = m->col[BV_COL_HIGH][i];
    if (m->col[BV_COL_LOW][i] < t.low) t.low = m->col[BV_COL_LOW][i];
    if (isnan(volume)) continue;
    t.any_volume = true;
    t.volume += volume;
    t.turnover += (long double)(isnan(vwap) ? close : vwap) * volume;
  }
  for (int64_t i = a; i < b; i++) {
    long double d = m->col[BV_COL_CLOSE][i] - t.sum / (long double)(b - a);
    t.m2 += d * d;
  }
  return t;
}

/* Sums of n doubles in blocks err by far less than 1e-13 of the sum of their magnitudes; m2 by that of
** the squares of close. */
static void near(double got, long double want, long double scale) {
  if (fabsl(got - want) > 1e-13L * scale) fail_msg("%.17g, not %.17Lg", got, want);
}

static void check(const bv_stats *got, const model *m, int64_t a, int64_t b) {
  assert_int_equal(got->n, b - a);
  if (a == b) return;
  truth t = measure(m, a, b);
  assert_int_equal(got->first, m->ts[a]);
  assert_int_equal(got->last, m->ts[b - 1]);
  assert_true(same(got->open, m->col[BV_COL_OPEN][a]));
  assert_true(same(got->close, m->col[BV_COL_CLOSE][b - 1]));
  assert_true(same(got->high, t.high));
  assert_true(same(got->low, t.low));
  assert_int_equal((got->columns & BV_COLBIT(BV_COL_VOLUME)) != 0, t.any_volume);
  near(got->sum, t.sum, t.sum);
  near(got->volume, t.volume, t.volume);
  near(got->turnover, t.turnover, t.turnover);
  long double mean = t.sum / (long double)(b - a);
  near(got->m2, t.m2, t.m2 + mean * mean);
}

static bv_bars view(const model *m, int64_t a, int64_t b) {
  bv_bars out = {.n = b - a, .ts = m->ts + a};
  for (int c = 0; c < STORED_COLUMNS; c++) out.col[c] = m->col[c] + a;
  return out;
}

static void of_bars(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 255, 256, 257, 1000, 5000};
  model m = model_new("minute", 1700000000, 5000, 4, false, 1);
  for (size_t i = 0; i < COUNT(sizes); i++) {
    bv_bars b = view(&m, 5000 - sizes[i], 5000);
    bv_stats got = bv_stats_of(&b);
    check(&got, &m, 5000 - sizes[i], 5000);
  }
  model_free(&m);
}

/* Whole numbers add up exactly; a constant has no spread, far from zero too. */
static void exact_cases(void **state) {
  (void)state;
  enum { N = 9999 };
  static int64_t ts[N];
  static double close[N], volume[N];
  for (int i = 0; i < N; i++) {
    ts[i] = i;
    close[i] = 123456789.01;
    volume[i] = (double)((INT64_C(1) << 38) + i); /* the sum is below 2^53 */
  }
  bv_bars b = {.n = N, .ts = ts};
  b.col[BV_COL_CLOSE] = close;
  b.col[BV_COL_VOLUME] = volume;
  bv_stats got = bv_stats_of(&b);
  assert_true(got.volume == (double)((INT64_C(1) << 38) * N + (int64_t)N * (N - 1) / 2));
  assert_true(got.m2 <
              1e-9); /* (1e-8 * 1e-8) * N: the mean of equal doubles is off by an ulp at most */
  assert_int_equal(got.columns, BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME));
  for (int i = 0; i < N; i++) close[i] = 1e9 + i % 2; /* variance 1/4 */
  got = bv_stats_of(&b);
  assert_true(fabs(got.m2 / N - 0.25) < 1e-7);
  assert_true(got.sum == 1e9 * N + (N - 1) / 2);
}

static void added(void **state) {
  (void)state;
  model m = model_new("minute", 1700000000, 4000, 4, false, 2);
  uint64_t r = 5;
  for (int k = 0; k < 200; k++) {
    int64_t a = pick(&r, 4000), b = a;
    bv_stats sum = {0};
    while (b < 4000 && pick(&r, 12)) {
      int64_t next = b + pick(&r, 600);
      if (next > 4000) next = 4000;
      bv_bars piece = view(&m, b, next);
      bv_stats one = bv_stats_of(&piece);
      bv_stats_add(&sum, &one);
      b = next;
    }
    check(&sum, &m, a, b);
  }
  model_free(&m);
}

/* ---- hashes ---- */

/* The same bars in the columns of mask, without those that are nothing but NaN. */
static uint64_t hash_of(const model *m, int64_t a, int64_t b) {
  bv_bars v = view(m, a, b);
  return bv_bars_hash(&v);
}

static void hashes(void **state) {
  (void)state;
  enum { N = 3000 };
  model m = model_new("minute", 1700000000, N, 4, false, 9);
  const uint64_t all = hash_of(&m, 0, N);
  uint64_t r = 3;
  assert_true(hash_of(&m, 5, 5) == 0);
  for (int k = 0; k < 50; k++) { /* parts add up, wherever they are cut */
    const int64_t a = pick(&r, N), b = a + pick(&r, N - a);
    assert_true(hash_of(&m, 0, a) + hash_of(&m, a, b) + hash_of(&m, b, N) == all);
  }
  for (int k = 0; k < 2000; k++) { /* every value, column and time counts */
    const int64_t i = pick(&r, N), j = (i + 1 + pick(&r, N - 1)) % N;
    const int c = (int)pick(&r, STORED_COLUMNS), d = (c + 1) % STORED_COLUMNS;
    const double was = m.col[c][i], other = m.col[d][i], there = m.col[c][j];
    m.col[c][i] = isnan(was) ? 0 : pick(&r, 2) ? NAN : nextafter(was, INFINITY);
    assert_true(hash_of(&m, 0, N) != all);
    if (!same(was, there)) {
      m.col[c][i] = there;
      m.col[c][j] = was;
      assert_true(hash_of(&m, 0, N) != all);
      m.col[c][j] = there;
    }
    if (!same(was, other)) {
      m.col[c][i] = other;
      m.col[d][i] = was;
      assert_true(hash_of(&m, 0, N) != all);
      m.col[d][i] = other;
    }
    m.col[c][i] = was;
    m.ts[i]++;
    assert_true(hash_of(&m, 0, N) != all);
    m.ts[i]--;
  }
  bv_bars v = view(&m, 0, N);
  for (int i = 0; i < N; i++) m.col[BV_COL_OI][i] = NAN;
  const uint64_t missing = bv_bars_hash(&v);
  v.col[BV_COL_OI] = NULL;
  assert_true(bv_bars_hash(&v) == missing && missing != all);
  m.col[BV_COL_LOW][7] = 0.0;
  const uint64_t zero = bv_bars_hash(&v);
  m.col[BV_COL_LOW][7] = -0.0;
  assert_true(bv_bars_hash(&v) == zero);
  model_free(&m);
}

/* However the bars are stored, and whether chunks have a hash of their own. */
static void hash_of_stored(void **state) {
  (void)state;
  enum { N = 9000 };
  bv_err err = {0};
  model m = model_new("minute", 1700000000, N, 4, false, 5);
  model_store(store, &m, "A", "minute", "UTC");
  static const char over[] =
      "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'A', "
      "'minute', ts, 1, 1, 1, 1 FROM bars('A', 'minute') WHERE ts % 7 = 0";
  static const char *const change[] = {
      "SELECT 1", "SELECT bars_compact()",
      "UPDATE barsvt_meta SET value = 2 WHERE key = 'version'", /* no hashes are written */
      over, "SELECT bars_compact()"};
  for (size_t k = 0; k < COUNT(change); k++) {
    sql_ok(db, change[k]);
    if (k == 2) bv_store_rolled_back(store); /* the version is looked at again */
    for (int i = 0; k == 3 && i < N; i++) {
      if (m.ts[i] % 7) continue;
      for (int c = 0; c < STORED_COLUMNS; c++) m.col[c][i] = c <= BV_COL_CLOSE ? 1 : NAN;
    }
    for (int64_t n = 0; n <= N; n += n ? 1499 : 1) {
      bv_stats got;
      const int64_t hi = n == N ? INT64_MAX : m.ts[n];
      ok(bv_summary_hash(store, &m.series, hi, &got, &err), &err);
      assert_int_equal(got.n, n);
      if (n > 0) assert_true(got.hashed && got.hash == hash_of(&m, 0, n));
    }
  }
  sql_is(db, "SELECT group_concat(DISTINCT length(data)) FROM barsvt_stat", "96");
  model_free(&m);
}

/* ---- rows of barsvt_stat ---- */

static void rows(void **state) {
  (void)state;
  bv_err err = {0};
  bool found;
  bv_stats got, in = {.n = 7,
                      .first = -5,
                      .last = 1LL << 40,
                      .columns = 0x3ff,
                      .open = 1.5,
                      .close = -0.0,
                      .high = 1e308,
                      .low = 5e-324,
                      .volume = NAN,
                      .sum = 1.0 / 3,
                      .m2 = 0,
                      .turnover = -INFINITY};
  ok(bv_store_create_schema(store, &err), &err);
  ok(bv_segstat_read(store, 3, 9, &got, &found, &err), &err);
  assert_false(found);
  ok(bv_segstat_write(store, 3, 9, &in, &err), &err);
  ok(bv_segstat_read(store, 3, 9, &got, &found, &err), &err);
  assert_true(found && bv_stats_same(&got, &in));
  in.m2 = 1;
  assert_false(bv_stats_same(&got, &in));
  ok(bv_segstat_write(store, 3, 9, &in, &err), &err);
  sql_is(db, "SELECT group_concat(id || ' ' || length(data)) FROM barsvt_stat", "12884901897 96");
  /* another byte, another length, another place: damage */
  static const char *const harm[] = {
      "UPDATE barsvt_stat SET data = x'00'", "UPDATE barsvt_stat SET data = data || x'00'",
      "UPDATE barsvt_stat SET data = hex(data)", "UPDATE barsvt_stat SET data = 17",
      "INSERT OR REPLACE INTO barsvt_stat SELECT id, data FROM (SELECT 12884901897 AS id), (SELECT "
      "data"
      " FROM barsvt_stat WHERE id = 12884901898)"};
  ok(bv_segstat_write(store, 3, 10, &in, &err), &err);
  for (size_t i = 0; i < COUNT(harm); i++) {
    sql_ok(db, "SAVEPOINT s");
    sql_ok(db, harm[i]);
    bv_err why = {0};
    assert_int_equal(bv_segstat_read(store, 3, 9, &got, &found, &why), BV_CORRUPT);
    assert_non_null(strstr(why.msg, "series 3, chunk 9"));
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
  }
  for (int byte = 0; byte < 96; byte++) {
    sqlite3_blob *blob;
    uint8_t x;
    assert_int_equal(sqlite3_blob_open(db, "main", "barsvt_stat", "data", 12884901897, 1, &blob),
                     SQLITE_OK);
    for (int put = 0; put < 2; put++) {
      sqlite3_blob_read(blob, &x, 1, byte);
      x ^= (uint8_t)(1 << byte % 8);
      sqlite3_blob_write(blob, &x, 1, byte);
      bv_err why = {0};
      bv_rc rc = bv_segstat_read(store, 3, 9, &got, &found, &why);
      assert_int_equal(rc, put == 0 ? BV_CORRUPT : BV_OK);
    }
    sqlite3_blob_close(blob);
  }
  in.hashed = true;
  in.hash = UINT64_C(0x8000000000000001);
  ok(bv_segstat_write(store, 3, 9, &in, &err), &err);
  ok(bv_segstat_read(store, 3, 9, &got, &found, &err), &err);
  assert_true(got.hashed && got.hash == in.hash && bv_stats_same(&got, &in));
  in.hash++;
  assert_false(bv_stats_same(&got, &in));
  in.hashed = false; /* nothing to compare with */
  assert_true(bv_stats_same(&got, &in));
  for (size_t i = 0; i < COUNT(harm); i++) {
    sql_ok(db, "SAVEPOINT s");
    sql_ok(db, harm[i]);
    bv_err why = {0};
    assert_int_equal(bv_segstat_read(store, 3, 9, &got, &found, &why), BV_CORRUPT);
    sql_ok(db, "ROLLBACK TO s");
    sql_ok(db, "RELEASE s");
  }
  in.n = 0;
  ok(bv_segstat_write(store, 3, 9, &in, &err), &err);
  ok(bv_segstat_read(store, 3, 9, &got, &found, &err), &err);
  assert_false(found);
}

/* ---- ranges ---- */

static void ranges(void **state) {
  (void)state;
  static const char *const steps[] = {"minute", "day", "second"};
  for (size_t k = 0; k < COUNT(steps); k++) {
    bv_err err = {0};
    uint64_t r = 77 + k;
    model m = model_new(steps[k], k == 1 ? -3000000000 : 1700000000, 8000, 4, k == 0, k + 3);
    model_store(store, &m, steps[k], steps[k], "UTC");
    bv_summary_reader reader = {.store = store};
    for (int n = 0; n < 500; n++) {
      int64_t lo = model_instant(&m, &r), hi = model_instant(&m, &r);
      bv_stats got;
      store->clock = pick(&r, 3) ? BV_NO_CLOCK : m.ts[pick(&r, m.n)] + pick(&r, 3) * 30;
      ok(bv_summary_read(&reader, &m.series, lo, hi, BV_STATS_MASK, &got, &err), &err);
      int64_t a = model_find(&m, lo), b = model_find(&m, hi);
      if (store->clock != BV_NO_CLOCK) { /* only bars that have ended */
        while (b > 0 && bv_timestep_end(m.series.step, m.series.zone, m.ts[b - 1]) > store->clock)
          b--;
      }
      check(&got, &m, a, b < a ? a : b);
    }
    store->clock = BV_NO_CLOCK;
    bv_summary_reset(&reader);
    model_free(&m);
  }
}

/* Whole chunks are not decoded; a row in a chunk makes it be read. */
static void decodes_what_it_must(void **state) {
  (void)state;
  bv_err err = {0};
  bv_timestep minute = {1, BV_MINUTE, BV_OF_TRADES};
  model m = model_new("minute", 1700000000, 1000, 4, false, 9);
  ok(bv_series_make(store, "A", minute, NULL, &m.series, &err), &err);
  int64_t first, hi;
  bv_seg_range(&m.series, bv_seg_chunk_of(&m.series, 1700000000), &first, &hi);
  for (int i = 0; i < 1000; i++) m.ts[i] = first + (i / 250) * (hi - first) + i % 250 * 60;
  for (int i = 0; i < 1000; i++) model_put_bar(store, &m, i, 0);
  sql_ok(db, "SELECT bars_compact()");
  bv_summary_reader reader = {.store = store};
  static const struct {
    int lo, hi; /* numbers of the first and after the last bar */
    int chunks; /* read */
  } cases[] = {{0, 1000, 0},  {1, 1000, 1}, {250, 750, 0},
               {249, 751, 2}, {10, 20, 1},  {500, 500, 0}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    bv_stats got;
    bv_seg_cache_clear(store);
    int64_t before = store->counter[BV_N_DECODE];
    int64_t end = cases[i].hi == 1000 ? INT64_MAX : m.ts[cases[i].hi];
    ok(bv_summary_read(&reader, &m.series, m.ts[cases[i].lo], end, BV_COLBIT(BV_COL_CLOSE), &got,
                       &err),
       &err);
    assert_int_equal(got.n, cases[i].hi - cases[i].lo);
    assert_int_equal(store->counter[BV_N_DECODE] - before,
                     2 * cases[i].chunks); /* times and close */
  }
  model_put_bar(store, &m, 300, 1);
  bv_stats got;
  bv_seg_cache_clear(store);
  int64_t before = store->counter[BV_N_DECODE];
  ok(bv_summary_read(&reader, &m.series, INT64_MIN, INT64_MAX, BV_STATS_MASK, &got, &err), &err);
  assert_int_equal(store->counter[BV_N_DECODE] - before, 7);
  m.col[BV_COL_OPEN][300] += 1;
  for (int c = 0; c < STORED_COLUMNS; c++) m.col[c][300] += c > 0;
  check(&got, &m, 0, 1000);
  bv_summary_reset(&reader);
  model_free(&m);
}

static void out_of_memory(void **state) {
  (void)state;
  model m = model_new("minute", 1700000000, 900, 4, false, 4);
  model_store(store, &m, "A", "minute", "UTC");
  int64_t failed = 1;
  for (int64_t n = 0; failed; n++) {
    bv_err why = {0};
    bv_stats got;
    bv_summary_reader reader = {.store = store};
    bv_seg_cache_clear(store);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_summary_read(&reader, &m.series, m.ts[5], m.ts[800], BV_STATS_MASK, &got, &why);
    failed = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    bv_summary_reset(&reader);
  }
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(of_bars, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(exact_cases, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(added, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(hashes, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(hash_of_stored, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(rows, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(ranges, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(decodes_what_it_must, setup_store, teardown_store),
      cmocka_unit_test_setup_teardown(out_of_memory, setup_store, teardown_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
