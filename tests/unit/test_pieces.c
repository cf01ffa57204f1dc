/*
** test_pieces.c - chunks decoded a piece at a time, by who reads them and by threads ahead of them, are what was stored.
**
** scripts/check.sh runs it under ThreadSanitizer, too.
*/
#include "segment_help.h"

#include "col/pieces.h"

enum { SIDE_BY_SIDE = 12 };

static bv_rc make_context(void **tool) {
  bv_segctx *mine;
  bv_rc rc = bv_segctx_new(&mine);
  *tool = mine;
  return rc;
}

static void drop_context(void *tool) {
  bv_segctx_free(tool);
}

static const bv_tool tool = {make_context, drop_context};

#define ALL      ((1u << BV_SEG_NCOL) - 1)
#define OF_CLOSE (BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

static void hold(bv_pieces *p, unsigned columns, size_t n, int level) {
  const bv_bars b = view(n, 0);
  for (int c = 0; c < BV_SEG_NCOL; c++) {
    if (!(columns & BV_COLBIT(c))) continue;
    bv_buf blob;
    encode(&b, (bv_column)c, level, &blob, NULL);
    void *copy = malloc(blob.n); /* which goes before anything is decoded */
    assert_non_null(copy);
    memcpy(copy, blob.p, blob.n);
    assert_int_equal(bv_pieces_hold(p, (bv_column)c, copy, blob.n), BV_OK);
    free(copy);
    bv_buf_reset(&blob);
  }
  assert_int_equal(bv_pieces_has(p), columns);
  bv_pieces_begin(p, (int64_t)n);
  assert_int_equal(bv_pieces_at(p)->n, 0);
}

/* What is decoded of a piece is what was stored. */
static void check_piece(const bv_piece *x, int64_t at) {
  assert_int_equal(x->at, at);
  assert_true((x->whole & ~x->have) == 0);
  for (int c = 0; c < BV_SEG_NCOL && x->n > 0; c++) {
    if (!(x->have & BV_COLBIT(c))) {
      assert_null(x->col[c]);
      continue;
    }
    assert_memory_equal(x->col[c], col_of[c] + at, (size_t)x->n * sizeof(double));
    for (int64_t i = 0; x->whole & BV_COLBIT(c) && i < x->n; i++) assert_true(!isnan(x->col[c][i]));
  }
}

/* Columns with those they are coded against. */
static unsigned some_columns(void) {
  static const int first[] = {BV_COL_CLOSE,  BV_COL_OPEN,   BV_COL_HIGH,
                              BV_COL_VOLUME, BV_COL_TRADES, BV_COL_ASK};
  unsigned set = 0;
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
    if (rnd() % 2) set |= BV_COLBIT(first[i]) | bv_segment_needs((bv_column)first[i]);
  }
  return rnd() % 4 ? set : ALL;
}

/* The next piece, which the crew begins with, and perhaps the one after it; and more columns of it when it is at hand. */
static bool step(bv_pieces *p, bv_crew *crew, bool ahead, unsigned columns, size_t n) {
  bv_err err = {0};
  int bad = -1;
  const bv_piece *x = bv_pieces_at(p);
  const int64_t at = x->at + x->n;
  unsigned want = some_columns();
  bv_pieces_want(p, want);
  assert_int_equal(bv_pieces_next(p, crew, ctx, &bad, &err), BV_OK);
  if (x->n > 0) assert_int_equal(want & columns & ~x->have, 0);
  if (rnd() % 2) bv_pieces_want(p, want = some_columns());
  if (crew && ahead) bv_pieces_ahead(p, crew);
  for (int more = (int)(rnd() % 3); more > 0; more--) {
    bv_pieces_want(p, want |= some_columns());
    assert_int_equal(bv_pieces_fill(p, ctx, &bad, &err), BV_OK);
    if (x->n > 0) assert_int_equal(want & columns & ~x->have, 0);
  }
  check_piece(x, at);
  assert_true(x->n == BV_PIECE || x->at + x->n == (int64_t)n);
  return x->n > 0;
}

static void read_side_by_side(bv_crew *crew, kind k, size_t n, int level) {
  bv_pieces *p[SIDE_BY_SIDE];
  bool more = true;
  make_bars(k, n);
  for (int i = 0; i < SIDE_BY_SIDE; i++) {
    const unsigned columns = i % 3 ? ALL : OF_CLOSE;
    assert_int_equal(bv_pieces_new(columns, i, &p[i]), BV_OK);
    hold(p[i], columns, n, level);
    if (crew) bv_pieces_ahead(p[i], crew);
  }
  for (int round = 0; more; round++) {
    for (int i = 0; i < SIDE_BY_SIDE; i++) {
      const unsigned columns = i % 3 ? ALL : OF_CLOSE;
      more = step(p[i], crew, rnd() % 8 != 0, columns, n); /* now and then without */
    }
  }
  for (int i = 0; i < SIDE_BY_SIDE; i++) { /* and again, left on the way */
    bv_pieces_leave(p[i], crew);
    hold(p[i], OF_CLOSE, n, level);
    if (crew) bv_pieces_ahead(p[i], crew);
    if (i % 2) (void)step(p[i], crew, true, OF_CLOSE, n);
    bv_pieces_free(p[i], crew);
  }
}

static void pieces_are_what_was_stored(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 1024, 4097, 13000};
  for (int threads = 0; threads <= 2; threads++) {
    bv_crew *crew = NULL;
    if (threads > 0) assert_int_equal(bv_crew_new(threads, tool, &crew), BV_OK);
    for (int k = 0; k < KINDS; k++) {
      for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        read_side_by_side(crew, (kind)k, lengths[l], l % 2 ? 0 : BV_SEG_LEVEL_DEFAULT);
      }
    }
    bv_crew_free(crew);
  }
}

/* A damaged column is told of when its piece is asked for, by whoever decoded it. */
static void damage_is_told(void **state) {
  (void)state;
  for (int threads = 0; threads <= 1; threads++) {
    bv_crew *crew = NULL;
    bv_pieces *p;
    bv_err err = {0};
    int bad = -1;
    const uint8_t junk[100] = {0x42, 1};
    if (threads > 0) assert_int_equal(bv_crew_new(threads, tool, &crew), BV_OK);
    make_bars(CENTS, 5000);
    assert_int_equal(bv_pieces_new(ALL, 0, &p), BV_OK);
    hold(p, OF_CLOSE, 5000, 1);
    assert_int_equal(bv_pieces_hold(p, BV_COL_TRADES, junk, sizeof junk), BV_OK);
    bv_pieces_begin(p, 5000);
    if (crew) bv_pieces_ahead(p, crew);
    assert_int_equal(bv_pieces_next(p, crew, ctx, &bad, &err), BV_CORRUPT);
    assert_int_equal(bad, BV_COL_TRADES);
    assert_non_null(strstr(err.msg, "segment"));
    /* a column that open is coded against is not there */
    bv_pieces_leave(p, crew);
    const bv_bars b = view(5000, 0);
    bv_buf blob;
    encode(&b, BV_COL_OPEN, 1, &blob, NULL);
    assert_int_equal(bv_pieces_hold(p, BV_COL_OPEN, blob.p, blob.n), BV_OK);
    bv_buf_reset(&blob);
    bv_pieces_begin(p, 5000);
    if (crew) bv_pieces_ahead(p, crew);
    bv_err_clear(&err);
    assert_int_equal(bv_pieces_next(p, crew, ctx, &bad, &err), BV_CORRUPT);
    assert_int_equal(bad, BV_COL_OPEN);
    assert_non_null(strstr(err.msg, "coded against"));
    /* and it can be used again */
    bv_pieces_leave(p, crew);
    hold(p, ALL, 5000, 1);
    while (step(p, crew, true, ALL, 5000)) {
    }
    bv_pieces_free(p, crew);
    bv_crew_free(crew);
  }
}

/* Without memory at any place: an error or the bars, and nothing is lost. */
static void without_memory(void **state) {
  (void)state;
  make_bars(CENTS, 3000);
  const bv_bars b = view(3000, 0);
  bv_buf blob;
  encode(&b, BV_COL_CLOSE, BV_SEG_LEVEL_DEFAULT, &blob, NULL);
  int failed = 0;
  for (int n = 0; n < 40; n++) {
    bv_crew *crew = NULL;
    bv_pieces *p = NULL;
    bv_err err = {0};
    int bad = -1;
    bv_alloc_fail_after(n, 1);
    bv_rc rc = bv_crew_new(1, tool, &crew);
    if (rc == BV_OK) rc = bv_pieces_new(BV_COLBIT(BV_COL_CLOSE), 0, &p);
    if (rc == BV_OK) rc = bv_pieces_hold(p, BV_COL_CLOSE, blob.p, blob.n);
    if (rc == BV_OK) bv_pieces_begin(p, 3000);
    int64_t got = 0;
    while (rc == BV_OK && got < 3000) {
      if (crew) bv_pieces_ahead(p, crew);
      rc = bv_pieces_next(p, crew, ctx, &bad, &err);
      if (rc != BV_OK) break;
      check_piece(bv_pieces_at(p), got);
      assert_int_equal(bv_pieces_at(p)->have, BV_COLBIT(BV_COL_CLOSE));
      got += bv_pieces_at(p)->n;
    }
    bv_pieces_free(p, crew);
    bv_crew_free(crew);
    failed += bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_true(rc == BV_OK || rc == BV_NOMEM);
  }
  assert_true(failed > 5 && failed < 40);
  bv_buf_reset(&blob);
}

static int setup(void **state) {
  (void)state;
  return bv_segctx_new(&ctx) != BV_OK;
}

static int teardown(void **state) {
  (void)state;
  bv_segctx_free(ctx);
  return bv_mem_total() == 0 ? 0 : 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_are_what_was_stored),
      cmocka_unit_test(damage_is_told),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
