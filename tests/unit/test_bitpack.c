/*
** test_bitpack.c - packing against a bit-by-bit reading of the layout, on every instruction set.
*/
#include "col/bitpack.h"
#include "col/crc32c.h"
#include "col/simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_N = 1100, ROOM = MAX_N + BV_FRAME };

static uint64_t seed = 1;

static uint64_t rnd(void) { /* splitmix64 */
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* n values of mostly `bits` bits, one in `rare` with up to 64. */
static void fill(uint64_t *u, size_t n, unsigned bits, unsigned rare, unsigned rare_bits) {
  for (size_t i = 0; i < n; i++) {
    const unsigned w = rare && rnd() % rare == 0 ? rare_bits : bits;
    u[i] = w == 0 ? 0 : rnd() >> (64 - w);
  }
}

/* ---- the layout of bitpack.h, read one bit at a time ---- */

static uint64_t lane_value(const uint8_t *p, size_t i, unsigned width) {
  uint64_t v = 0;
  for (unsigned b = 0; b < width; b++) {
    const size_t bit = i / 8 * width + b, at = 32 * (bit / 32) + 4 * (i % 8) + bit % 32 / 8;
    v |= (uint64_t)(p[at] >> (bit % 8) & 1) << b;
  }
  return v;
}

static size_t lane_bytes(size_t m, unsigned width) {
  return 32 * (((m + 7) / 8 * width + 31) / 32);
}

static size_t reference(const uint8_t *p, size_t n, unsigned h, const uint8_t *plane, uint64_t *u) {
  const uint8_t *const start = p;
  for (size_t at = 0; at < n; at += 256) {
    const size_t m = n - at < 256 ? n - at : 256;
    const unsigned head = *p++, b = head & 127;
    const size_t e = head & 128 ? *p++ : 0;
    const unsigned w = head & 128 ? *p++ : 0, lo = b < 32 ? b : 32;
    for (size_t i = 0; i < m; i++) u[at + i] = lane_value(p, i, lo);
    p += lane_bytes(m, lo);
    if (b > 32) {
      for (size_t i = 0; i < m; i++) u[at + i] |= lane_value(p, i, b - 32) << 32;
      p += lane_bytes(m, b - 32);
    }
    if (h) {
      for (size_t i = 0; i < m; i++) u[at + i] |= lane_value(plane, i, h) << b;
      plane += lane_bytes(m, h);
    }
    for (size_t j = 0; j < e; j++)
      for (unsigned q = 0; q < w; q++) {
        const size_t bit = j * w + q;
        u[at + p[j]] |= (uint64_t)(p[e + bit / 8] >> (bit % 8) & 1) << (b + h + q);
      }
    p += e + (e * w + 7) / 8;
  }
  return (size_t)(p - start);
}

/* Exact copies of the packed bytes, so that a sanitizer sees every read past their end. */
static uint8_t *exact(const uint8_t *p, size_t n) {
  uint8_t *c = malloc(n ? n : 1);
  assert_non_null(c);
  memcpy(c, p, n);
  return c;
}

static void check(const uint64_t *u, size_t n, unsigned h, unsigned k) {
  static uint64_t got[ROOM];
  static uint32_t narrow[ROOM];
  uint8_t *out = malloc(bv_pack_bound(n) + 1), *plane = malloc(bv_plane_bytes(n, h) + 1);
  assert_non_null(out);
  assert_non_null(plane);
  bool wide;
  const size_t bytes = bv_pack(u, n, h, k, out, plane, &wide);
  assert_true(bytes <= bv_pack_bound(n));
  if (h == 0) assert_int_equal(bytes, bv_pack_size(u, n));
  uint8_t *p = exact(out, bytes), *pl = exact(plane, bv_plane_bytes(n, h));

  assert_int_equal(reference(p, n, h, pl, got), bytes);
  assert_memory_equal(got, u, n * sizeof *u);
  for (int level = 0; level < BV_SIMD_COUNT; level++) {
    bv_simd_force((bv_simd)level);
    memset(got, 255, sizeof got);
    assert_int_equal(bv_unpack64(p, bytes, n, h, pl, got), bytes);
    assert_memory_equal(got, u, n * sizeof *u);
    const size_t used = bv_unpack32(p, bytes, n, h, pl, narrow);
    assert_int_equal(used, wide ? 0 : bytes);
    for (size_t i = 0; !wide && i < n; i++) assert_int_equal(narrow[i], u[i]);
    bool wide2;
    uint8_t *again = malloc(bv_pack_bound(n) + 1), *plane2 = malloc(bv_plane_bytes(n, h) + 1);
    assert_int_equal(bv_pack(u, n, h, k, again, plane2, &wide2), bytes);
    assert_memory_equal(again, p, bytes);
    assert_memory_equal(plane2, pl, bv_plane_bytes(n, h));
    free(again);
    free(plane2);
  }
  bv_simd_force(BV_SIMD_COUNT);
  free(out);
  free(plane);
  free(p);
  free(pl);
}

static void test_every_width(void **state) {
  (void)state;
  static uint64_t u[MAX_N];
  for (unsigned bits = 0; bits <= 64; bits++) {
    fill(u, 600, bits, 0, 0);
    check(u, 600, 0, 0);
    for (unsigned rare = 3; rare < 400; rare *= 5) {
      fill(u, 600, bits, rare, 64);
      check(u, 600, 0, 0);
      fill(u, 600, bits, rare, bits + 3 < 64 ? bits + 3 : 64);
      check(u, 600, 0, 0);
    }
  }
}

static void test_every_length(void **state) {
  (void)state;
  static uint64_t u[MAX_N];
  static const unsigned widths[] = {0, 1, 5, 31, 32, 33, 40, 64};
  for (size_t n = 0; n < 530; n += n < 20 || n > 250 ? 1 : 7)
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
      fill(u, n, widths[w], 9, 47);
      check(u, n, 0, 0);
    }
}

static void test_planes(void **state) {
  (void)state;
  static uint64_t u[MAX_N];
  static const unsigned hs[] = {1, 2, 4, 8};
  for (size_t q = 0; q < 4; q++)
    for (unsigned k = 0; k + hs[q] <= 64; k += k < 4 ? 1 : 5)
      for (size_t n = 1; n <= 513; n += 128) {
        fill(u, n, k + hs[q], 0, 0);
        check(u, n, hs[q], k);
        fill(u, n, (k + hs[q]) / 2, 20, 64);
        check(u, n, hs[q], k);
        fill(u, n, 64, 0, 0);
        check(u, n, hs[q], k);
      }
}

/* The cheapest width is not worse than any single one. */
static void test_size(void **state) {
  (void)state;
  static uint64_t u[MAX_N];
  for (unsigned bits = 0; bits <= 60; bits += 4) {
    fill(u, 512, bits, 50, bits + 4);
    assert_true(bv_pack_size(u, 512) <= 2 * (1 + 32 * (size_t)(bits + 4)));
  }
  /* Two large values among zeros cost their positions and bits only. */
  memset(u, 0, sizeof u);
  u[3] = u[200] = 1000;
  assert_int_equal(bv_pack_size(u, 256), 1 + 2 + 2 + 3);
}

static void test_truncated(void **state) {
  (void)state;
  static uint64_t u[MAX_N], got[ROOM];
  static uint32_t narrow[ROOM];
  fill(u, 300, 6, 15, 20);
  uint8_t *out = malloc(bv_pack_bound(300));
  bool wide;
  const size_t bytes = bv_pack(u, 300, 0, 0, out, NULL, &wide);
  for (size_t cut = 0; cut < bytes; cut++) {
    uint8_t *p = exact(out, cut);
    assert_int_equal(bv_unpack64(p, cut, 300, 0, NULL, got), 0);
    assert_int_equal(bv_unpack32(p, cut, 300, 0, NULL, narrow), 0);
    free(p);
  }
  free(out);
}

/* Heads that no packer writes. */
static void test_bad_heads(void **state) {
  (void)state;
  static uint64_t got[ROOM];
  static uint32_t narrow[ROOM];
  static uint8_t buf[4096], plane[4096];
  static const struct {
    uint8_t head[6];
    unsigned h;
    size_t n;
  } bad[] = {
      {{65}, 0, 256},                 /* width above 64 */
      {{60}, 8, 256},                 /* width and plane above 64 */
      {{128, 0, 1}, 0, 256},          /* exceptions flagged, none counted */
      {{128, 1, 0}, 0, 256},          /* exceptions of no bits */
      {{128 | 60, 1, 5}, 0, 256},     /* 65 bits */
      {{128, 2, 1, 7, 7, 3}, 0, 256}, /* position twice */
      {{128, 2, 1, 9, 8, 3}, 0, 256}, /* positions fall */
      {{128, 1, 1, 8, 1}, 0, 8},      /* position outside a short frame */
      {{128, 9, 1}, 0, 8},            /* more exceptions than values */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    memset(buf, 0, sizeof buf);
    memcpy(buf, bad[i].head, sizeof bad[i].head);
    assert_int_equal(bv_unpack64(buf, sizeof buf, bad[i].n, bad[i].h, plane, got), 0);
    assert_int_equal(bv_unpack32(buf, sizeof buf, bad[i].n, bad[i].h, plane, narrow), 0);
  }
}

/* Noise must be refused or decoded, and never read or write outside. */
static void test_noise(void **state) {
  (void)state;
  uint64_t *got = malloc(512 * sizeof *got);
  uint32_t *narrow = malloc(512 * sizeof *narrow);
  size_t accepted = 0;
  for (int round = 0; round < 20000; round++) {
    const size_t n = rnd() % 513, bytes = rnd() % 700;
    const unsigned h = (unsigned)(rnd() % 4 ? 0 : 1u << rnd() % 4);
    uint8_t *p = malloc(bytes ? bytes : 1), *plane = malloc(bv_plane_bytes(n, h) + 1);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(rnd() % 3 ? rnd() : rnd() % 8);
    memset(plane, 0xA5, bv_plane_bytes(n, h));
    const size_t used = bv_unpack64(p, bytes, n, h, plane, got);
    assert_true(used <= bytes);
    accepted += used > 0;
    assert_true(bv_unpack32(p, bytes, n, h, plane, narrow) <= bytes);
    free(p);
    free(plane);
  }
  assert_true(accepted > 0);
  free(got);
  free(narrow);
}

/* Check values of RFC 3720 appendix B.4. */
static void test_crc32c(void **state) {
  (void)state;
  uint8_t b[32];
  for (int level = 0; level < BV_SIMD_COUNT; level++) {
    bv_simd_force((bv_simd)level);
    assert_int_equal(bv_crc32c("123456789", 9), 0xE3069283);
    memset(b, 0, sizeof b);
    assert_int_equal(bv_crc32c(b, sizeof b), 0x8A9136AA);
    memset(b, 255, sizeof b);
    assert_int_equal(bv_crc32c(b, sizeof b), 0x62A8AB43);
    for (size_t i = 0; i < sizeof b; i++) b[i] = (uint8_t)i;
    assert_int_equal(bv_crc32c(b, sizeof b), 0x46DD794E);
    assert_int_equal(bv_crc32c(b, 0), 0);
  }
  bv_simd_force(BV_SIMD_COUNT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_width), cmocka_unit_test(test_every_length),
      cmocka_unit_test(test_planes),      cmocka_unit_test(test_size),
      cmocka_unit_test(test_truncated),   cmocka_unit_test(test_bad_heads),
      cmocka_unit_test(test_noise),       cmocka_unit_test(test_crc32c),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
