/* test_infile.c - byte streams from plain, gzip and zstd input: whole, dribbled, cut, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/infile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

typedef struct bytes {
  unsigned char *p;
  size_t n;
} bytes;

static bytes take_bytes(size_t n) {
  bytes b = {malloc(n + 1), n};
  assert_non_null(b.p);
  return b;
}

/* Text that compresses neither to nothing nor not at all. */
static bytes sample_text(size_t n) {
  bytes b = take_bytes(n);
  uint32_t x = 12345;
  for (size_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    b.p[i] = (unsigned char)("0123456789,.-:\n "[(x >> 24) & 15]);
  }
  return b;
}

static bytes gzip_of(bytes in) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  bytes out = take_bytes(deflateBound(&z, in.n) + 64);
  z.next_in = in.p;
  z.avail_in = (unsigned)in.n;
  z.next_out = out.p;
  z.avail_out = (unsigned)out.n;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.n = z.total_out;
  deflateEnd(&z);
  return out;
}

static bytes zstd_of(bytes in) {
  bytes out = take_bytes(ZSTD_compressBound(in.n) + 64);
  ZSTD_CCtx *c = ZSTD_createCCtx();
  assert_non_null(c);
  ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
  out.n = ZSTD_compress2(c, out.p, out.n, in.p, in.n);
  assert_false(ZSTD_isError(out.n));
  ZSTD_freeCCtx(c);
  return out;
}

static bytes concat(bytes a, bytes b) {
  bytes out = take_bytes(a.n + b.n);
  memcpy(out.p, a.p, a.n);
  memcpy(out.p + a.n, b.p, b.n);
  return out;
}

/* A source that hands out at most `step` bytes at a time and fails at byte `fail_at`. */
typedef struct dribble {
  bytes b;
  size_t at, step, fail_at;
  int closed;
} dribble;

static bv_rc dribble_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  dribble *d = ctx;
  if (d->at >= d->fail_at) return bv_fail(err, BV_IO, "the disk is gone");
  size_t k = d->b.n - d->at;
  if (k > cap) k = cap;
  if (k > d->step) k = d->step;
  memcpy(p, d->b.p + d->at, k);
  d->at += k;
  *n = k;
  return BV_OK;
}

static void dribble_close(void *ctx) {
  ((dribble *)ctx)->closed++;
}

static bv_rc open_dribble(dribble *d, bv_infile **f, bv_err *err) {
  bv_infile_source s = {dribble_read, dribble_close, d};
  return bv_infile_open_source(s, "dribble", f, err);
}

/* Read all with pieces of `cap` bytes; the result's code, what came before it in *got. */
static bv_rc drain(bv_infile *f, size_t cap, bytes *got, size_t max, bv_err *err) {
  *got = take_bytes(max);
  got->n = 0;
  for (;;) {
    size_t n = 0, room = max - got->n;
    if (cap < room) room = cap;
    char spare;
    bv_rc rc =
        bv_infile_read(f, room ? (void *)(got->p + got->n) : &spare, room ? room : 1, &n, err);
    if (rc != BV_OK || n == 0) return rc;
    assert_true(n <= room);
    got->n += n;
  }
}

static void check_roundtrip(bytes packed, bytes text, bv_infile_kind kind, size_t step,
                            size_t cap) {
  dribble d = {.b = packed, .step = step, .fail_at = SIZE_MAX};
  bv_infile *f = NULL;
  bytes got;
  bv_err err = {0};
  assert_int_equal(open_dribble(&d, &f, &err), BV_OK);
  assert_int_equal(bv_infile_kind_of(f), kind);
  assert_int_equal(drain(f, cap, &got, text.n + 1, &err), BV_OK);
  assert_int_equal(got.n, text.n);
  assert_memory_equal(got.p, text.p, text.n);
  assert_int_equal(bv_infile_bytes_in(f), (int64_t)packed.n);
  bv_infile_close(f);
  assert_int_equal(d.closed, 1);
  free(got.p);
}

static void test_roundtrip(void **state) {
  (void)state;
  static const size_t steps[] = {1, 3, 1000, SIZE_MAX}, caps[] = {1, 7, 5000, SIZE_MAX / 2};
  bytes text = sample_text(300000);
  bytes gz = gzip_of(text), zst = zstd_of(text);
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < 4; k++) {
      check_roundtrip(text, text, BV_INFILE_PLAIN, steps[i], caps[k]);
      check_roundtrip(gz, text, BV_INFILE_GZIP, steps[i], caps[k]);
      check_roundtrip(zst, text, BV_INFILE_ZSTD, steps[i], caps[k]);
    }
  }
  free(text.p);
  free(gz.p);
  free(zst.p);
}

/* Several gzip members, zero padding behind them; several zstd frames, a skippable one first. */
static void test_several_parts(void **state) {
  (void)state;
  static unsigned char skip[] = {0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
  static unsigned char zeros[700];
  bytes a = sample_text(1000), b = sample_text(70000), both = concat(a, b);
  bytes empty = gzip_of((bytes){(unsigned char *)"", 0});
  bytes ga = gzip_of(a), gb = gzip_of(b), g1 = concat(ga, empty), g2 = concat(g1, gb);
  bytes g3 = concat(g2, (bytes){zeros, sizeof zeros});
  bytes za = zstd_of(a), zb = zstd_of(b), z1 = concat((bytes){skip, sizeof skip}, za);
  bytes z2 = concat(z1, zb), z3 = concat(z2, (bytes){skip, sizeof skip});
  for (size_t step = 1; step < 100000; step *= 7) {
    check_roundtrip(g2, both, BV_INFILE_GZIP, step, 4096);
    check_roundtrip(g3, both, BV_INFILE_GZIP, step, 4096);
    check_roundtrip(z2, both, BV_INFILE_ZSTD, step, 4096);
    check_roundtrip(z3, both, BV_INFILE_ZSTD, step, 4096);
  }
  bytes *all[] = {&a, &b, &both, &empty, &ga, &gb, &g1, &g2, &g3, &za, &zb, &z1, &z2, &z3};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->p);
}

/* Every prefix of a compressed file that still shows its magic is an error that names the file;
** what came before the error is a prefix of the text. */
static void check_cuts(bytes packed, bytes text, size_t magic) {
  for (size_t n = magic; n < packed.n; n += n < 300 || packed.n - n < 300 ? 1 : 97) {
    bv_infile *f = NULL;
    bv_err err = {0};
    bytes got;
    assert_int_equal(bv_infile_open_memory(packed.p, n, "cut.csv", &f, &err), BV_OK);
    assert_int_equal(drain(f, 4096, &got, text.n, &err), BV_IO);
    assert_non_null(strstr(err.msg, "cut.csv"));
    assert_non_null(strstr(err.msg, "cut off after byte"));
    assert_true(got.n <= text.n && memcmp(got.p, text.p, got.n) == 0);
    size_t again = 1;
    char c;
    assert_int_equal(bv_infile_read(f, &c, 1, &again, NULL), BV_IO);
    assert_int_equal(again, 0);
    bv_infile_close(f);
    free(got.p);
  }
}

static void test_cut_off(void **state) {
  (void)state;
  bytes text = sample_text(20000), gz = gzip_of(text), zst = zstd_of(text);
  check_cuts(gz, text, 2);
  check_cuts(zst, text, 4);
  free(text.p);
  free(gz.p);
  free(zst.p);
}

static void expect_error(bytes packed, bv_rc want, const char *part) {
  bv_infile *f = NULL;
  bv_err err = {0};
  bytes got;
  assert_int_equal(bv_infile_open_memory(packed.p, packed.n, "x.csv", &f, &err), BV_OK);
  assert_int_equal(drain(f, 4096, &got, 200000, &err), want);
  assert_non_null(strstr(err.msg, "x.csv"));
  if (!strstr(err.msg, part)) fail_msg("'%s' lacks '%s'", err.msg, part);
  bv_infile_close(f);
  free(got.p);
}

static void test_garbage(void **state) {
  (void)state;
  bytes text = sample_text(20000), gz = gzip_of(text), zst = zstd_of(text);
  bytes g = concat(gz, (bytes){(unsigned char *)"garbage", 7});
  bytes z = concat(zst, (bytes){(unsigned char *)"garbage", 7});
  char where[40];
  snprintf(where, sizeof where, "at byte %zu there are other bytes", gz.n);
  expect_error(g, BV_IO, where);
  snprintf(where, sizeof where, "at byte %zu there are other bytes", zst.n);
  expect_error(z, BV_IO, where);
  free(text.p);
  free(gz.p);
  free(zst.p);
  free(g.p);
  free(z.p);
}

/* Both formats carry a checksum here, so a flipped bit is an error or has no effect (padding). */
static void test_damaged(void **state) {
  (void)state;
  bytes text = sample_text(5000), packed[2] = {gzip_of(text), zstd_of(text)};
  for (int k = 0; k < 2; k++) {
    int errors = 0, tries = 0;
    for (size_t i = 40; i < packed[k].n; i += 11, tries++) {
      bv_infile *f = NULL;
      bytes got;
      packed[k].p[i] ^= 0x10;
      assert_int_equal(bv_infile_open_memory(packed[k].p, packed[k].n, "x", &f, NULL), BV_OK);
      bv_rc rc = drain(f, 4096, &got, 20000, NULL);
      if (rc == BV_OK) {
        assert_int_equal(got.n, text.n);
        assert_memory_equal(got.p, text.p, text.n);
      } else {
        assert_int_equal(rc, BV_IO);
        errors++;
      }
      bv_infile_close(f);
      free(got.p);
      packed[k].p[i] ^= 0x10;
    }
    assert_true(errors > tries * 9 / 10);
    free(packed[k].p);
  }
  free(text.p);
}

/* A frame by hand (RFC 8878, 3.1.1): no content size, a window descriptor with exponent e for
** 2^(10+e) bytes, one raw last block of 3 bytes. */
static void test_window_limit(void **state) {
  (void)state;
  unsigned char frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0, 17 << 3, 3 << 3 | 1, 0, 0, 'a', 'b', 'c'};
  bytes b = {frame, sizeof frame}, text = {(unsigned char *)"abc", 3};
  check_roundtrip(b, text, BV_INFILE_ZSTD, SIZE_MAX, 4096);
  frame[5] = 18 << 3;
  expect_error(b, BV_LIMIT, "window is larger than 2^27");
}

static void test_small_and_empty(void **state) {
  (void)state;
  static const char *const text[] = {"", "a", "ab", "abc", "\x1f", "\x28\xb5\x2f"};
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    bytes b = {(unsigned char *)text[i], strlen(text[i])};
    check_roundtrip(b, b, BV_INFILE_PLAIN, 1, 10);
  }
}

static void test_peek(void **state) {
  (void)state;
  bytes text = sample_text(2000), gz = gzip_of(text);
  dribble d = {.b = gz, .step = 5, .fail_at = SIZE_MAX};
  bv_infile *f = NULL;
  const char *p;
  size_t n;
  char one[10];
  assert_int_equal(open_dribble(&d, &f, NULL), BV_OK);
  assert_int_equal(bv_infile_peek(f, 100, &p, &n, NULL), BV_OK);
  assert_int_equal(n, 100);
  assert_memory_equal(p, text.p, 100);
  assert_int_equal(bv_infile_read(f, one, 10, &n, NULL), BV_OK);
  assert_int_equal(n, 10);
  assert_memory_equal(one, text.p, 10);
  assert_int_equal(bv_infile_peek(f, BV_INFILE_PEEK_MAX, &p, &n, NULL), BV_OK);
  assert_int_equal(n, BV_INFILE_PEEK_MAX);
  assert_memory_equal(p, text.p + 10, n);
  assert_int_equal(bv_infile_peek(f, 3, &p, &n, NULL), BV_OK);
  assert_int_equal(n, 3);
  bytes got;
  assert_int_equal(drain(f, 64, &got, 2000, NULL), BV_OK);
  assert_int_equal(got.n, 1990);
  assert_memory_equal(got.p, text.p + 10, 1990);
  assert_int_equal(bv_infile_peek(f, 3, &p, &n, NULL), BV_OK);
  assert_int_equal(n, 0);
  bv_infile_close(f);
  free(got.p);
  free(gz.p);
  free(text.p);
}

/* A read error in the middle is passed on with the source's own text, and stays. */
static void test_source_error(void **state) {
  (void)state;
  bytes text = sample_text(2000), all[3] = {text, gzip_of(text), zstd_of(text)};
  for (int k = 0; k < 3; k++) {
    dribble d = {.b = all[k], .step = 10, .fail_at = 200};
    bv_infile *f = NULL;
    bv_err err = {0};
    bytes got;
    assert_int_equal(open_dribble(&d, &f, &err), BV_OK);
    assert_int_equal(drain(f, 64, &got, 2000, &err), BV_IO);
    assert_string_equal(err.msg, "the disk is gone");
    bv_infile_close(f);
    free(got.p);
    d = (dribble){.b = all[k], .step = 10, .fail_at = 0};
    assert_int_equal(open_dribble(&d, &f, NULL), BV_IO);
    assert_null(f);
    assert_int_equal(d.closed, 1);
  }
  for (int k = 0; k < 3; k++) free(all[k].p);
}

static void test_paths(void **state) {
  (void)state;
  bv_infile *f = NULL;
  bv_err err = {0};
  assert_int_equal(bv_infile_open("/nonexistent/a.csv", &f, &err), BV_IO);
  assert_null(f);
  assert_non_null(strstr(err.msg, "/nonexistent/a.csv"));
  bv_err_clear(&err);
  assert_int_equal(bv_infile_open("/", &f, &err), BV_IO);
  assert_null(f);
  assert_non_null(strstr(err.msg, "cannot be read"));
  char path[] = "/tmp/bv_infile_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "hello", 5), 5);
  close(fd);
  bytes got;
  assert_int_equal(bv_infile_open(path, &f, NULL), BV_OK);
  assert_string_equal(bv_infile_name(f), path + 5);
  assert_int_equal(drain(f, 64, &got, 100, NULL), BV_OK);
  assert_int_equal(got.n, 5);
  assert_memory_equal(got.p, "hello", 5);
  bv_infile_close(f);
  bv_infile_close(NULL);
  free(got.p);
  unlink(path);
}

/* Every allocation fails in turn (libzstd's own are out of reach); nothing leaks. */
static void test_no_memory(void **state) {
  (void)state;
  bytes text = sample_text(2000), all[3] = {text, gzip_of(text), zstd_of(text)};
  for (int k = 0; k < 3; k++) {
    int failures = 0;
    for (int64_t i = 0;; i++) {
      int64_t before = bv_mem_used(BV_MEM_IMPORT);
      bv_infile *f = NULL;
      bytes got = {NULL, 0};
      bv_alloc_fail_after(i, 0);
      bv_rc rc = bv_infile_open_memory(all[k].p, all[k].n, "x", &f, NULL);
      if (rc == BV_OK) rc = drain(f, 64, &got, 2000, NULL);
      bool hit = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      bv_infile_close(f);
      free(got.p);
      assert_int_equal(bv_mem_used(BV_MEM_IMPORT), before);
      assert_int_equal(rc, hit ? BV_NOMEM : BV_OK);
      if (!hit) break;
      failures++;
    }
    assert_true(failures >= 4);
  }
  for (int k = 0; k < 3; k++) free(all[k].p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_roundtrip),       cmocka_unit_test(test_several_parts),
      cmocka_unit_test(test_cut_off),         cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_damaged),         cmocka_unit_test(test_window_limit),
      cmocka_unit_test(test_small_and_empty), cmocka_unit_test(test_peek),
      cmocka_unit_test(test_source_error),    cmocka_unit_test(test_paths),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
