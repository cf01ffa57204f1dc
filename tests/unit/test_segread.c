/*
** test_segread.c - columns of a segment read in pieces, side by side, are those that were stored.
*/
#include "segment_help.h"

#include "col/bitpack.h"
#include "col/segread.h"

/* Columns in an order in which each comes after those it is coded against. */
static const bv_column order[] = {BV_COL_CLOSE,  BV_COL_OPEN, BV_COL_HIGH,   BV_COL_LOW,
                                  BV_COL_VOLUME, BV_COL_VWAP, BV_COL_TRADES, BV_COL_BID,
                                  BV_COL_ASK,    BV_COL_OI};
#define NORDER (sizeof order / sizeof *order)

static bv_segread *reader[BV_SEG_NCOL];
static double piece_of[BV_SEG_NCOL][1 + 4096]; /* after the value before */

static void open_all(size_t n, int level) {
  const bv_bars b = view(n, 0);
  bv_err err = {0};
  for (size_t i = 0; i < NORDER; i++) {
    bv_buf blob;
    encode(&b, order[i], level, &blob, NULL);
    void *copy = malloc(blob.n); /* which goes before anything is read */
    assert_non_null(copy);
    memcpy(copy, blob.p, blob.n);
    assert_int_equal(bv_segread_hold(reader[order[i]], copy, blob.n), BV_OK);
    free(copy);
    assert_int_equal(bv_segread_begin(reader[order[i]], ctx, order[i], &err), BV_OK);
    assert_int_equal(bv_segread_bars(reader[order[i]]), n);
    bv_buf_reset(&blob);
  }
}

/* How many bars can be read of all columns. */
static size_t left_of_all(void) {
  size_t least = SIZE_MAX;
  bv_err err = {0};
  for (size_t i = 0; i < NORDER; i++) {
    size_t left;
    bool whole;
    assert_int_equal(bv_segread_left(reader[order[i]], &left, &whole, &err), BV_OK);
    if (left < least) least = left;
  }
  return least;
}

static void read_piece(size_t at, size_t m) {
  bv_err err = {0};
  for (size_t i = 0; i < NORDER; i++) {
    const bv_column c = order[i];
    size_t left;
    bool whole;
    const size_t skip = at ? 0 : 1; /* there is no bar before the first */
    const bv_deps deps = {1 - skip, piece_of[BV_COL_OPEN] + skip, piece_of[BV_COL_CLOSE] + skip};
    assert_int_equal(bv_segread_left(reader[c], &left, &whole, &err), BV_OK);
    assert_int_equal(bv_segread_next(reader[c], ctx, m, &deps, piece_of[c] + 1, &err), BV_OK);
    assert_memory_equal(piece_of[c] + 1, col_of[c] + at, m * sizeof(double));
    for (size_t k = 0; whole && k < m; k++) assert_true(!isnan(piece_of[c][1 + k]));
  }
  for (size_t i = 0; i < NORDER; i++) piece_of[order[i]][0] = piece_of[order[i]][m];
}

static void read_all(size_t n, size_t most) {
  size_t at = 0;
  for (;;) {
    size_t m = left_of_all(), size = most ? most : BV_FRAME * (1 + rnd() % 16);
    if (m == 0) break;
    read_piece(at, m < size ? m : size);
    at += m < size ? m : size;
  }
  assert_int_equal(at, n);
}

static void test_pieces(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 255, 256, 257, 4095, 4096, 4097, 13000};
  static const size_t sizes[] = {BV_FRAME, 1024, 4096, 0};
  for (int k = 0; k < KINDS; k++) {
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      make_bars((kind)k, lengths[l]);
      for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        open_all(lengths[l], s % 2 ? BV_SEG_LEVEL_DEFAULT : 0);
        read_all(lengths[l], sizes[s]);
      }
    }
  }
}

/* What is passed over changes nothing about what comes after it. */
static void test_skip(void **state) {
  (void)state;
  static double scratch[4096];
  for (int k = 0; k < KINDS; k++) {
    make_bars((kind)k, 13000);
    for (int round = 0; round < 8; round++) {
      open_all(13000, round % 2 ? BV_SEG_LEVEL_DEFAULT : 0);
      for (size_t i = 0; i < NORDER; i++) {
        const bv_column c = order[i];
        bv_err err = {0};
        for (size_t at = 0, left; at < 13000; at += left) {
          bool whole;
          assert_int_equal(bv_segread_left(reader[c], &left, &whole, &err), BV_OK);
          assert_true(left > 0);
          if (rnd() % 4 && left > BV_FRAME) left = BV_FRAME * (1 + rnd() % (left / BV_FRAME));
          if (rnd() % 2) {
            assert_int_equal(bv_segread_skip(reader[c], ctx, left, scratch, &err), BV_OK);
            continue;
          }
          const bv_deps deps = {at, col_of[BV_COL_OPEN], col_of[BV_COL_CLOSE]};
          assert_int_equal(bv_segread_next(reader[c], ctx, left, &deps, scratch, &err), BV_OK);
          assert_memory_equal(scratch, col_of[c] + at, left * sizeof(double));
        }
      }
    }
  }
}

/* A reader can be opened anew before it has come to the end, and after an error. */
static void test_reopen(void **state) {
  (void)state;
  bv_err err = {0};
  uint8_t junk[100] = {0x42, 1};
  make_bars(CENTS, 9000);
  open_all(9000, BV_SEG_LEVEL_DEFAULT);
  read_piece(0, 512);
  assert_int_equal(bv_segread_hold(reader[BV_COL_CLOSE], junk, sizeof junk), BV_OK);
  assert_int_equal(bv_segread_begin(reader[BV_COL_CLOSE], ctx, BV_COL_CLOSE, &err), BV_CORRUPT);
  size_t left;
  bool whole;
  assert_int_equal(bv_segread_left(reader[BV_COL_CLOSE], &left, &whole, &err), BV_OK);
  assert_int_equal(left, 0);
  open_all(9000, BV_SEG_LEVEL_DEFAULT);
  read_all(9000, 1024);
}

static int setup(void **state) {
  (void)state;
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (bv_segread_new(&reader[c]) != BV_OK) return 1;
  }
  return bv_segctx_new(&ctx) != BV_OK;
}

static int teardown(void **state) {
  (void)state;
  for (int c = 0; c < BV_SEG_NCOL; c++) bv_segread_free(reader[c]);
  bv_segctx_free(ctx);
  return bv_mem_total() == 0 ? 0 : 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_skip),
      cmocka_unit_test(test_reopen),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
