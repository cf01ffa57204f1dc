/*
** segment_help.h - bars of many kinds, and their coding, for the tests of segments.
*/
#ifndef BV_TEST_SEGMENT_HELP_H
#define BV_TEST_SEGMENT_HELP_H

#include "col/segment.h"
#include "col/simd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 3;
static bv_segctx *ctx;

static inline uint64_t rnd(void) { /* splitmix64 */
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline double of_bits(uint64_t b) {
  double x;
  memcpy(&x, &b, sizeof x);
  return x;
}

/* ---- bars to store ---- */

static int64_t ts_of[BV_SEG_MAX];
static double col_of[BV_SEG_NCOL][BV_SEG_MAX];

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

static inline double special(void) {
  static const uint64_t bits[] = {0x8000000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
                                  0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8DEADBEEF0001,
                                  0x7FF0000000000001, 0x0000000000000001, 0x800FFFFFFFFFFFFF,
                                  0x7FEFFFFFFFFFFFFF, 0x0010000000000000, 0x4310000000000000};
  return of_bits(bits[rnd() % (sizeof bits / sizeof *bits)]);
}

static inline double price(kind k, int64_t c, size_t i) {
  switch (k) {
  case FRACTION: return (double)c / 300;
  case TICKS: return (double)c / (i < 5000 ? 4 : 1000);
  case NOISE: return of_bits(rnd());
  case FLAT: return 17.25;
  case SPECIAL: return rnd() % 5 ? (double)c / 100 : special();
  default: return (double)c / 100;
  }
}

static inline double optional(kind k, double x, size_t i) {
  if (k == NULLS && (rnd() % 3 == 0 || (i > 300 && i < 900)))
    return rnd() % 50 ? (double)NAN : of_bits(UINT64_C(0x7FF8000000000000) + rnd() % 9);
  return x;
}

static inline void make_bars(kind k, size_t n) {
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
    col_of[BV_COL_VOLUME][i] = k == NOISE      ? of_bits(rnd())
                               : k == FRACTION ? (double)rnd() / 1e15
                                               : (double)(rnd() % 100000);
    col_of[BV_COL_VWAP][i] = optional(k, price(k, c * 3, i) / 3, i);
    col_of[BV_COL_TRADES][i] = optional(k, (double)(rnd() % 400), i);
    col_of[BV_COL_BID][i] = optional(k, price(k, c - 1, i), i);
    col_of[BV_COL_ASK][i] = optional(k, price(k, c + 1, i), i);
    col_of[BV_COL_OI][i] = optional(k, (double)(100000 + i / 10), i);
  }
}

static inline bv_bars view(size_t n, unsigned without) {
  bv_bars b = {.n = (int64_t)n, .ts = ts_of};
  for (int c = 0; c < BV_SEG_NCOL; c++) b.col[c] = without & BV_COLBIT(c) ? NULL : col_of[c];
  return b;
}

/* ---- coding ---- */

static inline void encode(const bv_bars *b, bv_column col, int level, bv_buf *out,
                          bv_seg_stat *stat) {
  bv_err err = {BV_OK, 0, ""};
  bv_buf_init(out, BV_MEM_BASE, (size_t)1 << 24);
  if (bv_segment_encode(ctx, b, col, level, out, stat, &err) != BV_OK) fail_msg("%s", err.msg);
}

/* Decode from exactly sized memory, so that sanitizers see every read past an end. */
static inline bv_rc decode_into(const void *blob, size_t bytes, bv_column col, const bv_bars *deps,
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

static inline void assert_decodes(const bv_buf *blob, bv_column col, const bv_bars *b) {
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

static inline int set_up(void **state) {
  (void)state;
  return bv_segctx_new(&ctx) == BV_OK ? 0 : -1;
}

static inline int tear_down(void **state) {
  (void)state;
  bv_segctx_free(ctx);
  return bv_mem_total() == 0 ? 0 : -1;
}

#endif
