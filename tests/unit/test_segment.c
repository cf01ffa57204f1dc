/*
** test_segment.c - segments: bit-exact round trips, sizes, statistics, golden files, real files.
*/
#include "segment_golden.h"
#include "segment_help.h"

static void round_trip(const bv_bars *b, int level) {
  for (int c = 0; c <= BV_SEG_NCOL; c++) {
    const bv_column col = c == BV_SEG_NCOL ? BV_COL_TS : (bv_column)c;
    bv_buf blob;
    if (c < BV_SEG_NCOL && b->col[c] == NULL) continue;
    encode(b, col, level, &blob, NULL);
    assert_decodes(&blob, col, b);
    bv_buf_reset(&blob);
  }
}

static void test_lengths(void **state) {
  (void)state;
  static const size_t lengths[] = {0,   1,   2,   3,    7,    8,    63,   64,   65,
                                   255, 256, 257, 1000, 4095, 4096, 4097, 8192, 12345};
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      make_bars((kind)k, lengths[i]);
      const bv_bars b = view(lengths[i], 0);
      round_trip(&b, 0);
      round_trip(&b, 1);
    }
}

static void test_levels(void **state) {
  (void)state;
  static const int levels[] = {2, 3, 9, 19};
  for (int k = 0; k < KINDS; k++)
    for (size_t i = 0; i < 4; i++) {
      make_bars((kind)k, 3000);
      const bv_bars b = view(3000, 0);
      round_trip(&b, levels[i]);
    }
}

static void test_largest(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    make_bars((kind)k, BV_SEG_MAX);
    const bv_bars b = view(BV_SEG_MAX, 0);
    round_trip(&b, 1);
  }
}

/* Columns are coded against others only where those are present. */
static void test_absent_columns(void **state) {
  (void)state;
  static const unsigned without[] = {BV_COLBIT(BV_COL_CLOSE), BV_COLBIT(BV_COL_OPEN),
                                     BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE),
                                     BV_COLBIT(BV_COL_VOLUME), (1u << BV_SEG_NCOL) - 1};
  make_bars(CENTS, 900);
  for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
    const bv_bars b = view(900, without[i]);
    round_trip(&b, 1);
  }
  bv_seg_stat stat;
  bv_buf blob;
  const bv_bars no_close = view(900, BV_COLBIT(BV_COL_CLOSE)), all = view(900, 0);
  encode(&no_close, BV_COL_OPEN, 0, &blob, &stat);
  assert_int_equal(stat.needs, 0);
  bv_buf_reset(&blob);
  encode(&all, BV_COL_OPEN, 0, &blob, &stat);
  assert_int_equal(stat.needs, BV_COLBIT(BV_COL_CLOSE));
  bv_buf_reset(&blob);
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    encode(&all, (bv_column)c, 0, &blob, &stat);
    assert_int_equal(stat.needs & ~bv_segment_needs((bv_column)c), 0);
    bv_buf_reset(&blob);
  }
  assert_int_equal(bv_segment_needs(BV_COL_CLOSE), 0);
  assert_int_equal(bv_segment_needs(BV_COL_HIGH), BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE));
}

/* The same bytes and the same values on every instruction set. */
static void test_instruction_sets(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    make_bars((kind)k, 5000);
    const bv_bars b = view(5000, 0);
    for (int c = 0; c <= BV_SEG_NCOL; c++) {
      const bv_column col = c == BV_SEG_NCOL ? BV_COL_TS : (bv_column)c;
      bv_buf first, blob;
      bv_simd_force(BV_SIMD_PLAIN);
      encode(&b, col, 1, &first, NULL);
      for (int level = 0; level < BV_SIMD_COUNT; level++) {
        bv_simd_force((bv_simd)level);
        encode(&b, col, 1, &blob, NULL);
        assert_int_equal(blob.n, first.n);
        assert_memory_equal(blob.p, first.p, blob.n);
        assert_decodes(&blob, col, &b);
        bv_buf_reset(&blob);
      }
      bv_buf_reset(&first);
    }
  }
  bv_simd_force(BV_SIMD_COUNT);
}

/* ---- sizes ---- */

static void test_sizes(void **state) {
  (void)state;
  bv_buf blob;
  size_t total = 0;
  make_bars(FLAT, 8192);
  bv_bars b = view(8192, 0);
  encode(&b, BV_COL_CLOSE, 0, &blob, NULL);
  assert_true(blob.n < 120); /* a constant column is its head and directory */
  bv_buf_reset(&blob);

  /* Cents that move by up to 15 ticks: below 4 bytes a bar, with random volumes of 17 bits below
  ** 5. */
  make_bars(CENTS, 8192);
  b = view(8192, 0);
  for (int c = -1; c <= BV_COL_VOLUME; c++) {
    encode(&b, c < 0 ? BV_COL_TS : (bv_column)c, 1, &blob, NULL);
    total += blob.n;
    bv_buf_reset(&blob);
  }
  assert_true(total < 5 * 8192);

  /* A column that is all NULL costs next to nothing. */
  for (size_t i = 0; i < 8192; i++) col_of[BV_COL_BID][i] = (double)NAN;
  encode(&b, BV_COL_BID, 0, &blob, NULL);
  assert_true(blob.n < 120);
  assert_decodes(&blob, BV_COL_BID, &b);
  bv_buf_reset(&blob);
}

/* ---- statistics ---- */

static void assert_sum(bv_i128 got, int scale, const double *x, const double *y, size_t n) {
  long double want = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    if (x[i] != x[i]) continue;
    const long double p = (long double)x[i] * (y ? (long double)y[i] : 1);
    want += p;
    size += fabsl(p);
  }
  /* The exact decimal sum against a long double one of n rounded terms. */
  const long double have = (long double)got / powl(10, scale);
  assert_true(fabsl(have - want) <= size * 1e-15L + 1e-9L);
}

static void assert_stats(const bv_seg_stat *s, const bv_bars *b) {
  const double *x = b->col[s->col] + s->at;
  const size_t n = (size_t)s->n;
  double first = (double)NAN, last = first, lo = first, hi = first;
  size_t nulls = 0;
  for (size_t i = 0; i < n; i++) {
    if (x[i] != x[i]) {
      nulls++;
      continue;
    }
    if (first != first) first = lo = hi = x[i];
    last = x[i];
    lo = x[i] < lo ? x[i] : lo;
    hi = x[i] > hi ? x[i] : hi;
  }
  assert_int_equal(s->nulls, nulls);
  if (nulls < n) {
    assert_memory_equal(&s->first, &first, 8);
    assert_memory_equal(&s->last, &last, 8);
    assert_true(s->min == lo && s->max == hi);
  } else {
    assert_true(s->first != s->first && s->max != s->max);
  }
  if (s->exact & BV_STAT_SUM) assert_sum(s->sum, s->scale, x, NULL, n);
  if (s->exact & BV_STAT_SUMSQ) assert_sum(s->sumsq, 2 * s->scale, x, x, n);
  if (s->exact & BV_STAT_DOT) assert_sum(s->dot, s->dot_scale, x, b->col[BV_COL_VOLUME] + s->at, n);
}

/* From encoding, from the head alone, and block by block. */
static void check_stats(const bv_bars *b, bv_column col) {
  bv_seg_stat made, read, block;
  bv_err err = {BV_OK, 0, ""};
  bv_buf blob;
  encode(b, col, 1, &blob, &made);
  const size_t head = bv_segment_head_bytes(blob.p, BV_SEG_FIXED);
  void *prefix = malloc(head);
  memcpy(prefix, blob.p, head);
  if (bv_segment_stat(prefix, head, &read, &err) != BV_OK) fail_msg("%s", err.msg);
  assert_int_equal(read.n, b->n);
  assert_int_equal(read.bytes, blob.n);
  assert_int_equal(made.bytes, blob.n);
  assert_int_equal(made.n, read.n);
  assert_int_equal(made.exact, read.exact);
  assert_true(made.sum == read.sum && made.sumsq == read.sumsq && made.dot == read.dot);
  assert_memory_equal(&made.first, &read.first, 8);
  assert_memory_equal(&made.max, &read.max, 8);
  if (col != BV_COL_TS) assert_stats(&read, b);
  int64_t bars = 0;
  for (int i = 0; i < read.nblock; i++) {
    assert_int_equal(bv_segment_block_stat(prefix, head, i, &block, &err), BV_OK);
    assert_int_equal(block.at, bars);
    if (col != BV_COL_TS) assert_stats(&block, b);
    bars += block.n;
  }
  assert_int_equal(bars, b->n);
  assert_int_equal(bv_segment_block_stat(prefix, head, read.nblock, &block, &err), BV_RANGE);
  bv_err_clear(&err);
  assert_int_equal(bv_segment_stat(prefix, head - 1, &read, &err), BV_CORRUPT);
  free(prefix);
  bv_buf_reset(&blob);
}

static void test_stats(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++)
    for (size_t n = 1; n <= 9000; n = n * 4 + 900) {
      make_bars((kind)k, n);
      const bv_bars b = view(n, 0);
      for (int c = 0; c < BV_SEG_NCOL; c++) check_stats(&b, (bv_column)c);
      check_stats(&b, BV_COL_TS);
    }
}

static void test_exact_sums(void **state) {
  (void)state;
  bv_seg_stat s;
  bv_buf blob;
  int64_t sum = 0, sumsq = 0, dot = 0;
  make_bars(CENTS, 9000);
  const bv_bars b = view(9000, 0);
  for (size_t i = 0; i < 9000; i++) {
    const int64_t c = llround(col_of[BV_COL_CLOSE][i] * 100);
    sum += c;
    sumsq += c * c;
    dot += c * (int64_t)col_of[BV_COL_VOLUME][i];
  }
  encode(&b, BV_COL_CLOSE, 0, &blob, &s);
  assert_int_equal(s.exact, BV_STAT_SUM | BV_STAT_SUMSQ | BV_STAT_DOT);
  assert_int_equal(s.scale, 2);
  assert_int_equal(s.dot_scale, 2);
  assert_true(s.sum == sum && s.sumsq == sumsq && s.dot == dot);
  bv_buf_reset(&blob);

  /* The tick changes between blocks: the finer scale is that of the whole. */
  make_bars(TICKS, 9000);
  encode(&b, BV_COL_CLOSE, 0, &blob, &s);
  assert_true(s.exact & BV_STAT_SUM);
  assert_int_equal(s.scale, 3);
  sum = 0;
  for (size_t i = 0; i < 9000; i++) sum += llround(col_of[BV_COL_CLOSE][i] * 1000);
  assert_true(s.sum == sum);
  bv_buf_reset(&blob);

  /* Values off every grid have no exact sum. */
  make_bars(FRACTION, 9000);
  encode(&b, BV_COL_CLOSE, 0, &blob, &s);
  assert_int_equal(s.exact, 0);
  bv_buf_reset(&blob);
}

static void test_time_stats(void **state) {
  (void)state;
  bv_seg_stat s;
  bv_buf blob;
  make_bars(CENTS, 5000);
  ts_of[4500] = 12; /* an old bar in the middle */
  const bv_bars b = view(5000, 0);
  encode(&b, BV_COL_TS, 0, &blob, &s);
  assert_int_equal(s.ts_first, 1704205800);
  assert_int_equal(s.ts_last, ts_of[4999]);
  assert_int_equal(s.ts_min, 12);
  assert_int_equal(s.ts_max, ts_of[4999]);
  bv_buf_reset(&blob);
}

/* ---- golden files ---- */

static void test_golden(void **state) {
  (void)state;
  static golden data[GOLDEN_SERIES];
  for (int i = 0; i < GOLDEN_SERIES; i++) golden_make(i, data + i);
  FILE *f = fopen("tests/fixtures/segment_v1.bin", "rb");
  assert_non_null(f);
  uint8_t head[8];
  int records = 0;
  while (fread(head, 1, 8, f) == 8) {
    const size_t bytes = (size_t)head[4] | (size_t)head[5] << 8 | (size_t)head[6] << 16;
    char *stored = malloc(bytes);
    assert_int_equal(fread(stored, 1, bytes, f), bytes);
    assert_true(head[0] < GOLDEN_SERIES);
    const bv_bars b = golden_view(data + head[0]);
    const bv_buf as_buf = {.p = stored, .n = bytes};
    assert_decodes(&as_buf, (bv_column)head[1], &b);
    if (head[2] == 0) {
      bv_buf again;
      encode(&b, (bv_column)head[1], 0, &again, NULL);
      assert_int_equal(again.n, bytes);
      assert_memory_equal(again.p, stored, bytes);
      bv_buf_reset(&again);
    }
    free(stored);
    records++;
  }
  fclose(f);
  assert_int_equal(records, 2 * (BV_SEG_NCOL + 1) + 3);
}

/* ---- real files ---- */

static size_t read_bars(const char *name) {
  char path[256], line[256];
  snprintf(path, sizeof path, "../shared/data/real/data/bars/%s", name);
  FILE *f = fopen(path, "r");
  size_t n = 0;
  if (f == NULL) return 0;
  while (n < BV_SEG_MAX && fgets(line, sizeof line, f)) {
    int d, h, m, s;
    double v[5];
    if (sscanf(line, "%*4d-%*2d-%2d %2d:%2d:%2d,%lf,%lf,%lf,%lf,%lf", &d, &h, &m, &s, v, v + 1,
               v + 2, v + 3, v + 4) != 9)
      continue;
    ts_of[n] = 86400 * (int64_t)d + 3600 * h + 60 * m + s;
    for (int c = 0; c <= BV_COL_VOLUME; c++) col_of[c][n] = v[c];
    n++;
  }
  fclose(f);
  return n;
}

/* Bytes a bar that a first prototype needed on the same files, with zstd. */
static void test_real_files(void **state) {
  (void)state;
  static const struct {
    const char *name;
    size_t n;
    double most;
  } file[] = {{"lean_es201312_minute_utc.csv", 8080, 2.41},
              {"bt_2006_vol_minute_eob.csv", 7397, 2.33},
              {"lean_spy_minute_rth_2013.csv", 2340, 4.33},
              {"lean_aapl_minute_ext_2014.csv", 2303, 5.0}};
  for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
    const size_t n = read_bars(file[i].name);
    if (n == 0) {
      print_message("%s is absent: skipped\n", file[i].name);
      skip();
    }
    assert_int_equal(n, file[i].n);
    const bv_bars b = view(n, ((1u << BV_SEG_NCOL) - 1) & ~((1u << (BV_COL_VOLUME + 1)) - 1));
    round_trip(&b, 0);
    size_t total = 0;
    for (int c = -1; c <= BV_COL_VOLUME; c++) {
      bv_buf blob;
      const bv_column col = c < 0 ? BV_COL_TS : (bv_column)c;
      encode(&b, col, BV_SEG_LEVEL_DEFAULT, &blob, NULL);
      assert_decodes(&blob, col, &b);
      total += blob.n;
      bv_buf_reset(&blob);
    }
    assert_true((double)total / (double)n <= file[i].most);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_largest),
      cmocka_unit_test(test_absent_columns),
      cmocka_unit_test(test_instruction_sets),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_stats),
      cmocka_unit_test(test_exact_sums),
      cmocka_unit_test(test_time_stats),
      cmocka_unit_test(test_golden),
      cmocka_unit_test(test_real_files),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
