/*
** test_segment.c - segments: bit-exact round trips, statistics, golden files, damage.
*/
#include "col/crc32c.h"
#include "col/segment.h"
#include "col/simd.h"
#include "segment_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 3;
static bv_segctx *ctx;

static uint64_t rnd(void) { /* splitmix64 */
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static double of_bits(uint64_t b) {
  double x;
  memcpy(&x, &b, sizeof x);
  return x;
}

/* ---- bars to store ---- */

static int64_t ts_of[BV_SEG_MAX];
static double col_of[BV_NCOL][BV_SEG_MAX];

typedef enum kind {
  CENTS,    /* ordinary minute bars */
  NULLS,    /* with NaN in optional columns, also of other payloads, and whole runs of them */
  FRACTION, /* no decimal grid */
  SPECIAL,  /* -0.0, infinities, NaN payloads, subnormals among prices */
  NOISE,    /* random bits, times included */
  FLAT,     /* all equal */
  TICKS,    /* quarter points, the tick changes on the way */
  KINDS
} kind;

static double special(void) {
  static const uint64_t bits[] = {
      0x8000000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000,
      0x7FF8000000000001, 0xFFF8DEADBEEF0001, 0x7FF0000000000001, 0x0000000000000001,
      0x800FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF, 0x0010000000000000, 0x4310000000000000};
  return of_bits(bits[rnd() % (sizeof bits / sizeof *bits)]);
}

static double price(kind k, int64_t c, size_t i) {
  switch (k) {
  case FRACTION: return (double)c / 300;
  case TICKS: return (double)c / (i < 5000 ? 4 : 1000);
  case NOISE: return of_bits(rnd());
  case FLAT: return 17.25;
  case SPECIAL: return rnd() % 5 ? (double)c / 100 : special();
  default: return (double)c / 100;
  }
}

static double optional(kind k, double x, size_t i) {
  if (k == NULLS && (rnd() % 3 == 0 || (i > 300 && i < 900)))
    return rnd() % 50 ? (double)NAN : of_bits(UINT64_C(0x7FF8000000000000) + rnd() % 9);
  return x;
}

static void make_bars(kind k, size_t n) {
  int64_t c = 20000, t = 1704205800;
  for (size_t i = 0; i < n; i++) {
    const int64_t open = c + (int64_t)(rnd() % 5) - 2;
    c += (int64_t)(rnd() % 31) - 15;
    ts_of[i] = k == NOISE ? (int64_t)rnd() : t;
    t += k == SPECIAL ? (int64_t)(rnd() % 100) - 50 : rnd() % 97 == 0 ? 3600 : 60;
    col_of[BV_COL_OPEN][i] = price(k, open, i);
    col_of[BV_COL_HIGH][i] = price(k, (open > c ? open : c) + (int64_t)(rnd() % 9), i);
    col_of[BV_COL_LOW][i] = price(k, (open < c ? open : c) - (int64_t)(rnd() % 9), i);
    col_of[BV_COL_CLOSE][i] = price(k, c, i);
    col_of[BV_COL_VOLUME][i] =
        k == NOISE ? of_bits(rnd()) : k == FRACTION ? (double)rnd() / 1e15 : (double)(rnd() % 100000);
    col_of[BV_COL_VWAP][i] = optional(k, price(k, c * 3, i) / 3, i);
    col_of[BV_COL_TRADES][i] = optional(k, (double)(rnd() % 400), i);
    col_of[BV_COL_BID][i] = optional(k, price(k, c - 1, i), i);
    col_of[BV_COL_ASK][i] = optional(k, price(k, c + 1, i), i);
    col_of[BV_COL_OI][i] = optional(k, (double)(100000 + i / 10), i);
  }
}

static bv_bars view(size_t n, unsigned without) {
  bv_bars b = {.n = (int64_t)n, .ts = ts_of};
  for (int c = 0; c < BV_NCOL; c++) b.col[c] = without & BV_COLBIT(c) ? NULL : col_of[c];
  return b;
}

/* ---- coding ---- */

static void encode(const bv_bars *b, bv_column col, int level, bv_buf *out, bv_seg_stat *stat) {
  bv_err err = {BV_OK, 0, ""};
  bv_buf_init(out, BV_MEM_BASE, (size_t)1 << 24);
  if (bv_segment_encode(ctx, b, col, level, out, stat, &err) != BV_OK) fail_msg("%s", err.msg);
}

/* Decode from exactly sized memory, so that sanitizers see every read past an end. */
static bv_rc decode_into(const void *blob, size_t bytes, bv_column col, const bv_bars *deps,
                         void *out, size_t cap, size_t *n, bv_err *err) {
  void *copy = malloc(bytes ? bytes : 1);
  assert_non_null(copy);
  memcpy(copy, blob, bytes);
  const bv_rc rc = col == BV_COL_TS
                       ? bv_segment_decode_ts(ctx, copy, bytes, out, cap, n, err)
                       : bv_segment_decode(ctx, col, copy, bytes, deps, out, cap, n, err);
  free(copy);
  return rc;
}

static void assert_decodes(const bv_buf *blob, bv_column col, const bv_bars *b) {
  const size_t n = (size_t)b->n;
  const void *want = col == BV_COL_TS ? (const void *)b->ts : (const void *)b->col[col];
  bv_err err = {BV_OK, 0, ""};
  void *got = malloc(n * 8 + 1);
  size_t m = 0;
  assert_non_null(got);
  if (decode_into(blob->p, blob->n, col, b, got, n, &m, &err) != BV_OK) fail_msg("%s", err.msg);
  assert_int_equal(m, n);
  assert_memory_equal(got, want, n * 8);
  free(got);
  if (bv_segment_check(ctx, col, blob->p, blob->n, b, &err) != BV_OK) fail_msg("%s", err.msg);
}

static void round_trip(const bv_bars *b, int level) {
  for (int c = 0; c <= BV_NCOL; c++) {
    const bv_column col = c == BV_NCOL ? BV_COL_TS : (bv_column)c;
    bv_buf blob;
    if (c < BV_NCOL && b->col[c] == NULL) continue;
    encode(b, col, level, &blob, NULL);
    assert_decodes(&blob, col, b);
    bv_buf_reset(&blob);
  }
}

static void test_lengths(void **state) {
  (void)state;
  static const size_t lengths[] = {0,   1,   2,    3,    7,    8,    63,   64,   65,  255,
                                   256, 257, 1000, 4095, 4096, 4097, 8192, 12345};
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
                                     BV_COLBIT(BV_COL_VOLUME), (1u << BV_NCOL) - 1};
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
  for (int c = 0; c < BV_NCOL; c++) {
    encode(&all, (bv_column)c, 0, &blob, &stat);
    assert_int_equal(stat.needs & ~bv_segment_needs((bv_column)c), 0);
    bv_buf_reset(&blob);
  }
  assert_int_equal(bv_segment_needs(BV_COL_CLOSE), 0);
  assert_int_equal(bv_segment_needs(BV_COL_HIGH),
                   BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_CLOSE));
}

/* The same bytes and the same values on every instruction set. */
static void test_instruction_sets(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) {
    make_bars((kind)k, 5000);
    const bv_bars b = view(5000, 0);
    for (int c = 0; c <= BV_NCOL; c++) {
      const bv_column col = c == BV_NCOL ? BV_COL_TS : (bv_column)c;
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
  if (s->exact & BV_STAT_DOT)
    assert_sum(s->dot, s->dot_scale, x, b->col[BV_COL_VOLUME] + s->at, n);
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
      for (int c = 0; c < BV_NCOL; c++) check_stats(&b, (bv_column)c);
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
  assert_int_equal(records, 2 * (BV_NCOL + 1) + 3);
}

/* ---- damage ---- */

static uint8_t *damaged;
static double *sink;

/* Every damaged byte must be noticed, in every way it can be damaged. */
static void flip_all(const bv_buf *blob, bv_column col, const bv_bars *b, int step) {
  bv_err err = {BV_OK, 0, ""};
  size_t n;
  for (size_t i = 0; i < blob->n; i++)
    for (int x = 1; x < 256; x += step) {
      memcpy(damaged, blob->p, blob->n);
      damaged[i] ^= (uint8_t)x;
      bv_err_clear(&err);
      const bv_rc rc = decode_into(damaged, blob->n, col, b, sink, (size_t)b->n, &n, &err);
      assert_int_equal(rc, BV_CORRUPT);
      assert_true(err.msg[0] != 0);
    }
}

static void truncate_all(const bv_buf *blob, bv_column col, const bv_bars *b) {
  size_t n;
  for (size_t cut = 0; cut < blob->n; cut++) {
    bv_err err = {BV_OK, 0, ""};
    assert_int_equal(decode_into(blob->p, cut, col, b, sink, (size_t)b->n, &n, &err), BV_CORRUPT);
    assert_true(err.msg[0] != 0);
  }
  memcpy(damaged, blob->p, blob->n);
  damaged[blob->n] = 0;
  assert_int_equal(decode_into(damaged, blob->n + 1, col, b, sink, (size_t)b->n, &n, NULL),
                   BV_CORRUPT);
}

static void damage_with(void (*each)(const bv_buf *, bv_column, const bv_bars *)) {
  static const kind kinds[] = {CENTS, NULLS, NOISE, SPECIAL};
  damaged = malloc(1 << 20);
  sink = malloc(8 * 4500);
  for (size_t q = 0; q < 4; q++) {
    make_bars(kinds[q], 420);
    const bv_bars b = view(420, 0);
    for (int level = 0; level < 2; level++)
      for (int c = 0; c <= BV_NCOL; c++) {
        const bv_column col = c == BV_NCOL ? BV_COL_TS : (bv_column)c;
        bv_buf blob;
        encode(&b, col, level, &blob, NULL);
        each(&blob, col, &b);
        bv_buf_reset(&blob);
      }
  }
  free(damaged);
  free(sink);
}

static void flip_some(const bv_buf *blob, bv_column col, const bv_bars *b) {
  flip_all(blob, col, b, 37);
}

static void test_flips(void **state) {
  (void)state;
  damage_with(flip_some);
  /* All 255 changes of every byte of one small blob. */
  damaged = malloc(1 << 16);
  sink = malloc(8 * 64);
  make_bars(SPECIAL, 40);
  const bv_bars b = view(40, 0);
  bv_buf blob;
  encode(&b, BV_COL_HIGH, 0, &blob, NULL);
  flip_all(&blob, BV_COL_HIGH, &b, 1);
  bv_buf_reset(&blob);
  free(damaged);
  free(sink);
}

static void test_truncation(void **state) {
  (void)state;
  damage_with(truncate_all);
}

static void store32(uint8_t *p, uint32_t x) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (8 * i));
}

/* Make the checksums fit the bytes, as only malice can. */
static void forge(uint8_t *p, size_t n) {
  const size_t head = bv_segment_head_bytes(p, n);
  if (head == 0 || head + 4 > n) return;
  store32(p + head - 4, bv_crc32c(p, head - 4));
  store32(p + n - 4, bv_crc32c(p + head, n - 4 - head));
}

/* With forged checksums a changed byte may decode to other values or be refused, but must not crash,
** and a wrong directory is found by the check. */
static void test_forged(void **state) {
  (void)state;
  size_t refused = 0, found = 0, n;
  damaged = malloc(1 << 20);
  sink = malloc(8 * 4500);
  for (int k = 0; k < KINDS; k++) {
    make_bars((kind)k, 300);
    const bv_bars b = view(300, 0);
    for (int c = 0; c <= BV_NCOL; c++) {
      const bv_column col = c == BV_NCOL ? BV_COL_TS : (bv_column)c;
      bv_buf blob;
      encode(&b, col, c % 2, &blob, NULL);
      for (size_t i = 0; i < blob.n; i++) {
        bv_seg_stat s;
        memcpy(damaged, blob.p, blob.n);
        damaged[i] ^= (uint8_t)(1 + rnd() % 255);
        forge(damaged, blob.n);
        refused += decode_into(damaged, blob.n, col, &b, sink, 300, &n, NULL) != BV_OK;
        if (bv_segment_stat(damaged, blob.n, &s, NULL) == BV_OK)
          found += bv_segment_check(ctx, col, damaged, blob.n, &b, NULL) == BV_CORRUPT;
      }
      bv_buf_reset(&blob);
    }
  }
  assert_true(refused > 0 && found > 0);
  free(damaged);
  free(sink);
}

/* A wrong sum under right checksums. */
static void test_wrong_statistics(void **state) {
  (void)state;
  make_bars(CENTS, 100);
  const bv_bars b = view(100, 0);
  bv_buf blob;
  bv_err err = {BV_OK, 0, ""};
  encode(&b, BV_COL_VOLUME, 0, &blob, NULL);
  const size_t head = bv_segment_head_bytes(blob.p, blob.n);
  uint8_t *p = (uint8_t *)blob.p;
  p[head - 5] ^= 1; /* the last byte of the directory is the top of the sum */
  forge(p, blob.n);
  assert_int_equal(bv_segment_check(ctx, BV_COL_VOLUME, p, blob.n, &b, &err), BV_CORRUPT);
  assert_non_null(strstr(err.msg, "volume"));
  bv_buf_reset(&blob);
}

/* ---- misuse ---- */

static void test_misuse(void **state) {
  (void)state;
  double out[100];
  size_t n;
  bv_err err = {BV_OK, 0, ""};
  bv_seg_stat s;
  bv_buf blob;
  make_bars(CENTS, 100);
  const bv_bars b = view(100, 0), no_open = view(100, BV_COLBIT(BV_COL_OPEN));
  const bv_bars no_close = view(100, BV_COLBIT(BV_COL_CLOSE)), fewer = view(99, 0);

  encode(&b, BV_COL_HIGH, 0, &blob, &s);
  assert_int_equal(bv_segment_decode(ctx, BV_COL_HIGH, blob.p, blob.n, NULL, out, 100, &n, &err),
                   BV_ARG);
  assert_int_equal(
      bv_segment_decode(ctx, BV_COL_HIGH, blob.p, blob.n, &no_open, out, 100, &n, NULL), BV_ARG);
  assert_int_equal(
      bv_segment_decode(ctx, BV_COL_HIGH, blob.p, blob.n, &no_close, out, 100, &n, NULL), BV_ARG);
  assert_int_equal(bv_segment_decode(ctx, BV_COL_HIGH, blob.p, blob.n, &fewer, out, 100, &n, NULL),
                   BV_ARG);
  assert_int_equal(bv_segment_decode(ctx, BV_COL_HIGH, blob.p, blob.n, &b, out, 99, &n, NULL),
                   BV_RANGE);
  assert_int_equal(bv_segment_decode(ctx, BV_COL_LOW, blob.p, blob.n, &b, out, 100, &n, NULL),
                   BV_CORRUPT);
  assert_int_equal(bv_segment_decode_ts(ctx, blob.p, blob.n, (int64_t *)out, 100, &n, NULL),
                   BV_CORRUPT);
  assert_int_equal(bv_segment_decode(ctx, BV_COL_TS, blob.p, blob.n, &b, out, 100, &n, NULL),
                   BV_ARG);
  const size_t before = blob.n;
  assert_int_equal(bv_segment_encode(ctx, &no_close, BV_COL_CLOSE, 0, &blob, NULL, NULL), BV_ARG);
  assert_int_equal(bv_segment_encode(ctx, &b, BV_NCOL, 0, &blob, NULL, NULL), BV_ARG);
  assert_int_equal(bv_segment_encode(ctx, &b, BV_COL_CLOSE, 20, &blob, NULL, NULL), BV_ARG);
  assert_int_equal(bv_segment_encode(ctx, &b, BV_COL_CLOSE, -1, &blob, NULL, NULL), BV_ARG);
  bv_bars many = b;
  many.n = BV_SEG_MAX + 1;
  assert_int_equal(bv_segment_encode(ctx, &many, BV_COL_CLOSE, 0, &blob, NULL, NULL), BV_ARG);
  assert_int_equal(blob.n, before);
  assert_int_equal(bv_segment_stat("nothing", 7, &s, NULL), BV_CORRUPT);
  assert_int_equal(bv_segment_stat(out, 0, &s, NULL), BV_CORRUPT);
  blob.p[1] = 2; /* a version to come */
  err = (bv_err){BV_OK, 0, ""};
  assert_int_equal(bv_segment_stat(blob.p, blob.n, &s, &err), BV_CORRUPT);
  assert_non_null(strstr(err.msg, "version"));
  bv_buf_reset(&blob);

  /* A full buffer leaves what was in it. */
  bv_buf_init(&blob, BV_MEM_BASE, 64);
  assert_int_equal(bv_buf_adds(&blob, "kept"), BV_OK);
  assert_int_equal(bv_segment_encode(ctx, &b, BV_COL_CLOSE, 0, &blob, NULL, NULL), BV_LIMIT);
  assert_string_equal(bv_buf_text(&blob), "kept");
  bv_buf_reset(&blob);
}

/* Every allocation fails in turn; nothing leaks and the context stays usable. */
static void test_allocation_failures(void **state) {
  (void)state;
  make_bars(NULLS, 3000);
  const bv_bars b = view(3000, 0);
  double *out = malloc(3000 * sizeof *out);
  const int64_t used = bv_mem_total();
  bool done = false;
  int failures = 0;
  for (int64_t i = 0; !done; i++) {
    bv_segctx *own = NULL;
    bv_buf blob;
    size_t n;
    bv_buf_init(&blob, BV_MEM_BASE, 1 << 24);
    bv_alloc_fail_after(i, 0);
    bv_rc rc = bv_segctx_new(&own);
    if (rc == BV_OK) rc = bv_segment_encode(own, &b, BV_COL_CLOSE, 3, &blob, NULL, NULL);
    if (rc == BV_OK)
      rc = bv_segment_decode(own, BV_COL_CLOSE, blob.p, blob.n, &b, out, 3000, &n, NULL);
    if (rc == BV_OK) rc = bv_segment_check(own, BV_COL_CLOSE, blob.p, blob.n, &b, NULL);
    done = bv_alloc_failures() == 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, done ? BV_OK : BV_NOMEM);
    failures += !done;
    if (own != NULL) {
      bv_buf_clear(&blob);
      assert_int_equal(bv_segment_encode(own, &b, BV_COL_BID, 1, &blob, NULL, NULL), BV_OK);
      assert_int_equal(
          bv_segment_decode(own, BV_COL_BID, blob.p, blob.n, &b, out, 3000, &n, NULL), BV_OK);
      assert_memory_equal(out, b.col[BV_COL_BID], 3000 * sizeof *out);
    }
    bv_segctx_free(own);
    bv_buf_reset(&blob);
    assert_int_equal(bv_mem_total(), used);
  }
  assert_true(failures > 10);
  free(out);
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
    const bv_bars b = view(n, ((1u << BV_NCOL) - 1) & ~((1u << (BV_COL_VOLUME + 1)) - 1));
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

static int set_up(void **state) {
  (void)state;
  return bv_segctx_new(&ctx) == BV_OK ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  bv_segctx_free(ctx);
  return bv_mem_total() == 0 ? 0 : -1;
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
      cmocka_unit_test(test_flips),
      cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_forged),
      cmocka_unit_test(test_wrong_statistics),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_allocation_failures),
      cmocka_unit_test(test_real_files),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
