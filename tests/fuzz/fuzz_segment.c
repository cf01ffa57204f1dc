/*
** fuzz_segment.c - libFuzzer target of the segment decoder and coder.
**
**   clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iext
**     -D_POSIX_C_SOURCE=200809L -o fuzz_segment tests/fuzz/fuzz_segment.c ext/base/alloc.c ...
**
** The first byte chooses the column (low four bits), the instruction set (two bits), and what the
** rest is: a blob, whose checksums are made right first so that the fuzzer gets past them, or, with
** the top bit, values to code, which must come back with the same bits.
*/
#include "col/crc32c.h"
#include "col/segment.h"
#include "col/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BARS = 5000 };

static bv_segctx *ctx;
static int64_t ts_of[BARS];
static double open_of[BARS], close_of[BARS], out[BV_SEG_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(void) {
  if (bv_segctx_new(&ctx) != BV_OK) abort();
  for (int i = 0; i < BARS; i++) {
    ts_of[i] = 60 * i;
    open_of[i] = i % 50 == 0 ? (double)NAN : (double)(1000 + i % 13) / 100;
    close_of[i] = i % 70 == 0 ? 1e300 : (double)(1000 + i % 17) / 100;
  }
}

static void store32(uint8_t *p, uint32_t x) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (8 * i));
}

/* Make lengths and checksums of a would-be blob right. */
static void repair(uint8_t *p, size_t n) {
  if (n < BV_SEG_FIXED + 8) return;
  p[0] = 0x42;
  p[1] = BV_SEG_VERSION;
  store32(p + 4, (uint32_t)n);
  const size_t head = bv_segment_head_bytes(p, n);
  if (head == 0 || head + 4 > n) return;
  store32(p + head - 4, bv_crc32c(p, head - 4));
  store32(p + n - 4, bv_crc32c(p + head, n - 4 - head));
}

static bv_bars known(int64_t n) {
  bv_bars b = {.n = n, .ts = ts_of};
  b.col[BV_COL_OPEN] = open_of;
  b.col[BV_COL_CLOSE] = close_of;
  return b;
}

static void read_blob(bv_column col, const uint8_t *data, size_t size) {
  uint8_t *p = malloc(size ? size : 1);
  if (p == NULL) return;
  memcpy(p, data, size);
  repair(p, size);
  bv_seg_stat s;
  size_t n;
  int64_t bars = 0;
  if (bv_segment_stat(p, size, &s, NULL) == BV_OK) {
    bars = s.n <= BARS ? s.n : 0;
    for (int i = 0; i < s.nblock; i++) {
      bv_seg_stat block;
      if (bv_segment_block_stat(p, size, i, &block, NULL) != BV_OK) abort();
    }
  }
  const bv_bars b = known(bars);
  bv_rc rc;
  if (col == BV_COL_TS)
    rc = bv_segment_decode_ts(ctx, p, size, (int64_t *)(void *)out, BV_SEG_MAX, &n, NULL);
  else
    rc = bv_segment_decode(ctx, col, p, size, &b, out, BV_SEG_MAX, &n, NULL);
  const bv_rc checked = bv_segment_check(ctx, col, p, size, &b, NULL);
  if (rc != BV_OK && checked == BV_OK) abort();
  free(p);
}

static void round_trip(bv_column col, const uint8_t *data, size_t size) {
  const size_t n = size / 8 < BARS ? size / 8 : BARS;
  uint64_t *x = malloc(n * 8 + 8);
  if (x == NULL) return;
  memcpy(x, data, n * 8);
  bv_bars b = known((int64_t)n);
  if (col == BV_COL_TS)
    b.ts = (const int64_t *)x;
  else
    b.col[col] = (const double *)(const void *)x;
  bv_buf blob;
  size_t m = 0;
  bv_buf_init(&blob, BV_MEM_BASE, 1 << 24);
  if (bv_segment_encode(ctx, &b, col, (int)(size % 3), &blob, NULL, NULL) != BV_OK) abort();
  bv_rc rc;
  if (col == BV_COL_TS)
    rc = bv_segment_decode_ts(ctx, blob.p, blob.n, (int64_t *)(void *)out, n, &m, NULL);
  else
    rc = bv_segment_decode(ctx, col, blob.p, blob.n, &b, out, n, &m, NULL);
  if (rc != BV_OK || m != n || memcmp(out, x, n * 8) != 0) abort();
  if (bv_segment_check(ctx, col, blob.p, blob.n, &b, NULL) != BV_OK) abort();
  bv_buf_reset(&blob);
  free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (ctx == NULL) set_up();
  if (size == 0) return 0;
  const int c = data[0] & 15;
  const bv_column col = c < BV_SEG_NCOL ? (bv_column)c : BV_COL_TS;
  bv_simd_force((bv_simd)(data[0] >> 4 & 3));
  if (data[0] & 128)
    round_trip(col, data + 1, size - 1);
  else
    read_blob(col, data + 1, size - 1);
  return 0;
}
