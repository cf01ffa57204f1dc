/* test_block.c - doubles of one column as bytes: forms, those of earlier versions, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "col/block.h"
#include "col/patch.h"
#include "col/segdir.h"
#include "col/simd.h"

#include <math.h>
#include <string.h>

enum { NEAR = 130, SOME = 131 };

static bv_block_room room;
static uint64_t seed;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = (seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* Kinds: prices, prices some of which are none, commissions (products of decimals), results of trades, those of which
** half are 0, shares, bits, NaN and -0.0 among decimals, and all but a few 0. */
enum { KINDS = 9 };
static double value_of(int kind, size_t i) {
  const uint64_t r = draw();
  const double price = (double)(10000 + r % 5000) / 100,
               other = (double)(9000 + r / 7 % 5000) / 100;
  switch (kind) {
  case 0: return price;
  case 1: return r % 3 ? price : (double)NAN;
  case 2: return (double)(r % 700 + 300) * price * 0.0005;
  case 3: return (double)(r % 70) * (price - other) - 0.0005 * price - 0.0005 * other;
  case 4: return i % 2 ? (double)(r % 70) * (price - other) - 0.0005 * price : 0;
  case 5: return price / other - 1;
  case 6: return bv_of_bits(r);
  case 7: return r % 11 == 0 ? (double)NAN : r % 7 == 0 ? -0.0 : price * 0.1;
  default: return r % 500 == 0 ? price / 3 : 0;
  }
}

static void same_after(const uint8_t *p, size_t bytes, const double *x, size_t n) {
  static double got[BV_BLOCK_MAX];
  memset(got, 0x55, sizeof got);
  assert_true(bv_block_get_real(&room, p, bytes, n, got));
  assert_memory_equal(got, x, n * sizeof *x);
}

static const size_t sizes[] = {1, 2, 7, 8, 9, 64, 255, 256, 257, 1000, BV_BLOCK_MAX};

static void doubles_come_back(void **state) {
  (void)state;
  static double x[BV_BLOCK_MAX];
  bv_block_hint hint[KINDS] = {0};
  bv_buf out, again;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  bv_buf_init(&again, BV_MEM_RUN, 1 << 20);
  for (int k = 0; k < KINDS * 40; k++) {
    const int kind = k % KINDS;
    const size_t n = sizes[(size_t)k / KINDS % (sizeof sizes / sizeof *sizes)];
    /* a hint of one kind meets values of another */
    for (size_t i = 0; i < n; i++) x[i] = value_of(k < KINDS * 30 ? kind : (kind + 4) % KINDS, i);
    for (int level = BV_SIMD_PLAIN; level < BV_SIMD_COUNT; level++) {
      bv_block_hint copy = hint[kind];
      bv_buf *to = level == BV_SIMD_PLAIN ? &out : &again;
      (void)bv_simd_force((bv_simd)level);
      bv_buf_clear(to);
      assert_int_equal(bv_block_put_real(&room, x, n, &copy, to), BV_OK);
      same_after((const uint8_t *)to->p, to->n, x, n);
      assert_int_equal(to->n, out.n);
      assert_memory_equal(to->p, out.p, out.n);
    }
    bv_buf_clear(&out);
    assert_int_equal(bv_block_put_real(&room, x, n, &hint[kind], &out), BV_OK);
    same_after((const uint8_t *)out.p, out.n, x, n);
    assert_true(out.n <= 9 * n + 16);
  }
  bv_buf_reset(&out);
  bv_buf_reset(&again);
}

/* Kinds: steps, times with gaps, small numbers, and any; a hint of one meets values of another. */
static void integers_come_back(void **state) {
  (void)state;
  static int64_t x[BV_BLOCK_MAX], got[BV_BLOCK_MAX];
  bv_block_hint hint = {0};
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  for (int k = 0; k < 200; k++) {
    const int kind = k % 20 < 17 ? k / 20 % 4 : (int)(draw() % 4);
    const size_t n = sizes[draw() % (sizeof sizes / sizeof *sizes)];
    for (size_t i = 0; i < n; i++) {
      const uint64_t r = draw();
      const int64_t before = i > 0 ? x[i - 1] : 1700000000;
      x[i] = kind == 0   ? before + 3
             : kind == 1 ? before + 60 * (int64_t)(r % 40 == 0 ? r % 1000 : 1)
             : kind == 2 ? (int64_t)(r % 7)
                         : (int64_t)(r << r % 64);
    }
    bv_buf_clear(&out);
    assert_int_equal(bv_block_put_int(&room, x, n, k % 3 ? &hint : NULL, &out), BV_OK);
    assert_true(bv_block_get_int(&room, (const uint8_t *)out.p, out.n, n, got));
    assert_memory_equal(got, x, n * sizeof *x);
  }
  bv_buf_reset(&out);
}

/* What a column of results takes: products of decimals half of what they are, results that are there for every other
** fill little more than half. */
static void sizes_are_small(void **state) {
  (void)state;
  static double x[BV_BLOCK_MAX];
  static const struct {
    int kind, form;
    double most;
  } row[] = {{2, NEAR, 4.5}, {4, SOME, 4.4}, {5, NEAR, 8.01}, {8, 0, 0.3}}; /* 0: whichever */
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  for (size_t r = 0; r < sizeof row / sizeof *row; r++) {
    for (size_t i = 0; i < BV_BLOCK_MAX; i++) x[i] = value_of(row[r].kind, i);
    bv_buf_clear(&out);
    assert_int_equal(bv_block_put_real(&room, x, BV_BLOCK_MAX, NULL, &out), BV_OK);
    if (row[r].form) assert_int_equal((uint8_t)out.p[0], row[r].form);
    assert_true((double)out.n <= row[r].most * BV_BLOCK_MAX);
  }
  bv_buf_reset(&out);
}

/* What earlier versions wrote: values on no grid as packed bits, those beside one as patches. */
static void put_earlier(const double *x, size_t n, bv_buf *out) {
  bv_model m = {0};
  bool wide;
  const bool patched = bv_codec_quantise(x, n, &m, room.k, room.patch) > 0;
  m.pred = BV_PRED_PREV;
  bv_codec_residual(room.k, patched ? room.patch : NULL, n, NULL, &m, room.u[0]);
  const size_t packed = bv_pack(room.u[0], n, 0, 0, room.packed, NULL, &wide);
  const uint8_t form =
      (uint8_t)((int)m.codec | 4 | (m.zigzag ? 8 : 0) | (patched ? 16 : 0) | (wide ? 32 : 0));
  const uint8_t shift = (uint8_t)m.shift;
  assert_int_equal(bv_buf_add(out, &form, 1), BV_OK);
  if (m.codec == BV_CODEC_TICK) {
    assert_int_equal(bv_varint_put(out, (uint64_t)m.scale), BV_OK);
    assert_int_equal(bv_varint_put(out, (uint64_t)m.g), BV_OK);
  } else {
    assert_int_equal(bv_buf_add(out, &shift, 1), BV_OK);
  }
  assert_int_equal(bv_varint_put(out, bv_zigzag(m.first)), BV_OK);
  if (!m.zigzag) assert_int_equal(bv_varint_put(out, bv_zigzag((int64_t)m.ref)), BV_OK);
  assert_int_equal(bv_buf_add(out, room.packed, packed), BV_OK);
  if (patched) assert_int_equal(bv_patches_put(x, room.patch, n, out), BV_OK);
}

static void earlier_forms_are_read(void **state) {
  (void)state;
  static double x[BV_BLOCK_MAX];
  bool bits = false, patched = false;
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  for (int k = 0; k < KINDS * 11; k++) {
    const size_t n = sizes[k / KINDS];
    for (size_t i = 0; i < n; i++) x[i] = value_of(k % KINDS, i);
    bv_buf_clear(&out);
    put_earlier(x, n, &out);
    bits |= (out.p[0] & 3) == BV_CODEC_BITS;
    patched |= (out.p[0] & 16) != 0;
    same_after((const uint8_t *)out.p, out.n, x, n);
  }
  assert_true(bits && patched);
  bv_buf_reset(&out);
}

/* By the layout of block.c and near.h: 8 products, tenths, the second a unit in the last place off; and 9 of which two
** are not 0, as they are. */
static void bytes_of_the_forms(void **state) {
  (void)state;
  uint8_t near[] = {
      130, 17, 10,                                           /* tenths with units; the first is 5 */
      3,   0,  0,  0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, /* steps of 1, in 3 bits */
      2,   0,  0,  0, 2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0,    /* the last one of -3 */
      1,   0,  0,  0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* the second: -1 */
      0,   0,  0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  double x[9] = {0.5, nextafter(0.6, 0), 0.7, 0.8, 0.9, 1.0, 1.1, 0.8};
  same_after(near, sizeof near, x, 8);
  const uint8_t some[] = {131,  0x08, 1, 255, 0, 0, 0, 0, 0, 0,
                          0xf0, 0x3f, 0, 0,   0, 0, 0, 0, 0, 0xc0};
  const double y[9] = {0, 0, 0, 1, 0, 0, 0, 0, -2};
  same_after(some, sizeof some, y, 9);
  assert_false(bv_block_get_real(&room, some, sizeof some - 1, 9, x));
  assert_false(bv_block_get_real(&room, some, 2, 9, x));
  assert_false(bv_block_get_real(&room, (const uint8_t[]){131, 0}, 2, 8, x));
  assert_false(bv_block_get_real(&room, near, sizeof near - 1, 8, x));
  near[0] = 132;
  assert_false(bv_block_get_real(&room, near, sizeof near, 8, x));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_come_back),  cmocka_unit_test(integers_come_back),
      cmocka_unit_test(sizes_are_small),    cmocka_unit_test(earlier_forms_are_read),
      cmocka_unit_test(bytes_of_the_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
