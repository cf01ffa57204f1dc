/*
** fuzz_chunk.c - libFuzzer target of the stored forms of results: chunks of the equity curve and of rows.
**
** The first byte chooses: bits 0-2 the kind of rows, 7 the equity curve; bits 3-4 the instruction set; bit 7
** whether the rest is a blob, whose checksum is made right first, or values to code, which must come back with the same
** bits.  The second and third byte are the number of points or rows.
*/
#include "base/bits.h"
#include "col/crc32c.h"
#include "col/simd.h"
#include "run/curve_code.h"
#include "run/row_chunk.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = BV_CURVE_CHUNK };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t ts[2][MOST];
static double value[2][MOST], cash[2][MOST];
static uint8_t exposed[2][MOST];

static void read_curve(uint8_t *p, size_t size, int64_t n) {
  if (size >= 4) {
    const uint32_t sum = bv_crc32c(p, size - 4);
    for (int b = 0; b < 4; b++) p[size - 4 + (size_t)b] = (uint8_t)(sum >> (8 * b));
  }
  (void)!bv_curve_decode(p, (int64_t)size, n, ts[0], value[0], cash[0], exposed[0], NULL);
}

static uint64_t word_at(const uint8_t *p, size_t size, size_t i) {
  uint64_t x = 0;
  for (size_t b = 0; b < 8; b++) x |= (uint64_t)p[(8 * i + b) % size] << (8 * b);
  return x;
}

static void code_curve(const uint8_t *p, size_t size, int64_t n) {
  bv_buf blob;
  if (size == 0) return;
  for (int64_t i = 0; i < n; i++) {
    const uint64_t x = word_at(p, size, (size_t)i);
    ts[0][i] = i == 0 ? (int32_t)x : ts[0][i - 1] + 1 + (int64_t)(x >> 32 & 3);
    cash[0][i] = x & 8 || i == 0 ? bv_of_bits(x * 0x9e3779b97f4a7c15u) : cash[0][i - 1];
    value[0][i] = x & 16 ? bv_of_bits(x) : cash[0][i] + (double)(int32_t)x / 100;
    exposed[0][i] = x >> 9 & 1;
  }
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 22);
  if (bv_curve_encode(ts[0], value[0], cash[0], exposed[0], n, &blob) != BV_OK) abort();
  if (bv_curve_decode(blob.p, (int64_t)blob.n, n, ts[1], value[1], cash[1], exposed[1], NULL) !=
      BV_OK)
    abort();
  const size_t k = (size_t)n;
  if (memcmp(ts[0], ts[1], 8 * k) || memcmp(value[0], value[1], 8 * k) ||
      memcmp(cash[0], cash[1], 8 * k) || memcmp(exposed[0], exposed[1], k))
    abort();
  bv_buf_reset(&blob);
}

static void read_rows(const bv_row_table *t, const uint8_t *p, size_t size, int64_t n) {
  static bv_row_room *room;
  bv_row_chunk *c;
  const int64_t sum = bv_crc32c(p, size);
  if (bv_row_chunk_new(t, p, (int64_t)size, n, 1, n, sum, &c, NULL) != BV_OK) return;
  for (int i = 0; i < t->ncolumn; i++) (void)!bv_row_chunk_need(c, i, &room, NULL);
  bv_row_chunk_free(c);
}

/* Doubles of some kind in every column of them, and one text in all the others. */
static void code_rows(const bv_row_table *t, const uint8_t *p, size_t size, int64_t n) {
  static bv_row_room *room;
  static uint64_t cell[BV_ROW_COLUMNS_MAX][MOST];
  static const char text[] = "text";
  void *col[BV_ROW_COLUMNS_MAX];
  bv_buf blob;
  bv_row_chunk *c;
  if (size == 0) return;
  for (int i = 0; i < t->ncolumn; i++) {
    col[i] = cell[i];
    for (int64_t k = 0; k < n; k++) {
      const uint64_t x = word_at(p, size, (size_t)(k + i));
      const double on_grid = (double)(int16_t)x / (x >> 16 & 1 ? 100 : 3);
      const int kind = (int)(p[(size_t)i % size] & 3);
      cell[i][k] = t->column[i].type == BV_ROW_TEXT ? (uint64_t)(uintptr_t)(x & 1 ? text : NULL)
                   : i == 0                         ? (uint64_t)k + 1
                   : kind == 0                      ? x
                   : kind == 1 && x & 4             ? 0
                                                    : bv_bits_of(on_grid);
    }
  }
  if (!room) room = bv_alloc(BV_MEM_RUN, sizeof *room);
  if (!room) return;
  bv_buf_init(&blob, BV_MEM_RUN, 1 << 24);
  if (bv_row_encode(room, t, col, (size_t)n, NULL, &blob) != BV_OK) abort();
  if (bv_row_chunk_new(t, blob.p, (int64_t)blob.n, n, 1, n, bv_crc32c(blob.p, blob.n), &c, NULL) !=
      BV_OK)
    abort();
  for (int i = 0; i < t->ncolumn; i++) {
    if (bv_row_chunk_need(c, i, &room, NULL) != BV_OK) abort();
    if (t->column[i].type != BV_ROW_TEXT && memcmp(c->col[i], cell[i], (size_t)n * 8)) abort();
  }
  bv_row_chunk_free(c);
  bv_buf_reset(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  const int kind = data[0] & 7;
  const int64_t n = 1 + (data[1] | data[2] << 8) % MOST;
  (void)bv_simd_force((bv_simd)((data[0] >> 3 & 3) % BV_SIMD_COUNT));
  uint8_t *p = malloc(size);
  if (!p) return 0;
  memcpy(p, data + 3, size - 3);
  size -= 3;
  if (kind < BV_ROWS_KINDS && data[0] & 128)
    code_rows(&bv_row_tables[kind], p, size, n);
  else if (kind < BV_ROWS_KINDS)
    read_rows(&bv_row_tables[kind], p, size, n);
  else if (data[0] & 128)
    code_curve(p, size, n);
  else
    read_curve(p, size, n);
  free(p);
  return 0;
}
