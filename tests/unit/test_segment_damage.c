/*
** test_segment_damage.c - segments: damaged and forged bytes, misuse, failing allocations.
*/
#include "col/crc32c.h"
#include "segment_help.h"

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
      for (int c = 0; c <= BV_SEG_NCOL; c++) {
        const bv_column col = c == BV_SEG_NCOL ? BV_COL_TS : (bv_column)c;
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
    for (int c = 0; c <= BV_SEG_NCOL; c++) {
      const bv_column col = c == BV_SEG_NCOL ? BV_COL_TS : (bv_column)c;
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
  /* Columns of aggregated bars are refused even where they are there. */
  bv_bars aggregated = b;
  for (int c = BV_SEG_NCOL; c < BV_NCOL; c++) {
    aggregated.col[c] = out;
    assert_int_equal(bv_segment_encode(ctx, &aggregated, (bv_column)c, 0, &blob, NULL, NULL),
                     BV_ARG);
    assert_int_equal(bv_segment_decode(ctx, (bv_column)c, blob.p, blob.n, &b, out, 100, &n, NULL),
                     BV_ARG);
  }
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
      assert_int_equal(bv_segment_decode(own, BV_COL_BID, blob.p, blob.n, &b, out, 3000, &n, NULL),
                       BV_OK);
      assert_memory_equal(out, b.col[BV_COL_BID], 3000 * sizeof *out);
    }
    bv_segctx_free(own);
    bv_buf_reset(&blob);
    assert_int_equal(bv_mem_total(), used);
  }
  assert_true(failures > 10);
  free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flips),  cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_forged), cmocka_unit_test(test_wrong_statistics),
      cmocka_unit_test(test_misuse), cmocka_unit_test(test_allocation_failures),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
