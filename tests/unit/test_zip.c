/* test_zip.c - zip archives made here byte by byte: good ones, cut, damaged, lying and refused ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define CAP ((size_t)1 << 20)

typedef struct bytes {
  unsigned char *p;
  size_t n;
} bytes;

/* One entry as it shall be written; what is 0 is made right. */
typedef struct member {
  const char *name;
  const char *text;
  unsigned method; /* 0 or 8; written as given */
  unsigned flags;
  bool zip64; /* sizes and offset in the extra field */
  int64_t say_size, say_packed;
  bool wrong_crc, at_first; /* at_first: points to the first entry's data */
} member;

static void put(bytes *b, const void *p, size_t n) {
  assert_true(b->n + n <= CAP);
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
}

static void put_le(bytes *b, uint64_t v, int n) {
  for (int i = 0; i < n; i++, v >>= 8) put(b, &(unsigned char){(unsigned char)v}, 1);
}

static bytes deflated(const char *text, size_t n) {
  bytes out = {malloc(n + n / 2 + 64), 0};
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (z_const unsigned char *)text;
  z.avail_in = (unsigned)n;
  z.next_out = out.p;
  z.avail_out = (unsigned)(n + n / 2 + 64);
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.n = z.total_out;
  deflateEnd(&z);
  return out;
}

typedef struct placed {
  int64_t offset, packed, size;
  uint32_t crc;
} placed;

static void put_local(bytes *b, const member *m, placed *at, const placed *first) {
  size_t n = strlen(m->text);
  bytes data = m->method == 8 ? deflated(m->text, n) : (bytes){(unsigned char *)m->text, n};
  *at = (placed){(int64_t)b->n, (int64_t)data.n, (int64_t)n,
                 (uint32_t)crc32(0, (const unsigned char *)m->text, (unsigned)n)};
  if (m->at_first) {
    *at = *first;
  } else {
    put(b, "PK\3\4", 4);
    put_le(b, 20, 2);
    put_le(b, m->flags, 2);
    put_le(b, m->method, 2);
    put_le(b, 0, 4); /* time and date */
    put_le(b, at->crc, 4);
    put_le(b, (uint64_t)at->packed, 4);
    put_le(b, (uint64_t)at->size, 4);
    put_le(b, strlen(m->name), 2);
    put_le(b, 3, 2);
    put(b, m->name, strlen(m->name));
    put(b, "xyz", 3); /* an extra field that is to be passed over */
    put(b, data.p, data.n);
  }
  if (m->method == 8) free(data.p);
  if (m->wrong_crc) at->crc ^= 1;
  if (m->say_size) at->size = m->say_size;
  if (m->say_packed) at->packed = m->say_packed;
}

static void put_central(bytes *b, const member *m, const placed *at) {
  uint64_t none = 0xffffffff;
  put(b, "PK\1\2", 4);
  put_le(b, 20, 2);
  put_le(b, 20, 2);
  put_le(b, m->flags, 2);
  put_le(b, m->method, 2);
  put_le(b, 0, 4);
  put_le(b, at->crc, 4);
  put_le(b, m->zip64 ? none : (uint64_t)at->packed, 4);
  put_le(b, m->zip64 ? none : (uint64_t)at->size, 4);
  put_le(b, strlen(m->name), 2);
  put_le(b, m->zip64 ? 28 + 5 : 0, 2);
  put_le(b, 2, 2); /* comment */
  put_le(b, 0, 2); /* disk */
  put_le(b, 0, 6);
  put_le(b, m->zip64 ? none : (uint64_t)at->offset, 4);
  put(b, m->name, strlen(m->name));
  if (m->zip64) { /* behind a field of another kind */
    put(b, "\x99\x99\1\0!", 5);
    put_le(b, 1, 2);
    put_le(b, 24, 2);
    put_le(b, (uint64_t)at->size, 8);
    put_le(b, (uint64_t)at->packed, 8);
    put_le(b, (uint64_t)at->offset, 8);
  }
  put(b, "c!", 2);
}

static void put_end(bytes *b, size_t n, size_t dir, bool zip64, const char *comment) {
  size_t size = b->n - dir, at64 = b->n;
  if (zip64) {
    put(b, "PK\6\6", 4);
    put_le(b, 44, 8);
    put_le(b, 45, 2);
    put_le(b, 45, 2);
    put_le(b, 0, 8);
    put_le(b, n, 8);
    put_le(b, n, 8);
    put_le(b, size, 8);
    put_le(b, dir, 8);
    put(b, "PK\6\7", 4);
    put_le(b, 0, 4);
    put_le(b, at64, 8);
    put_le(b, 1, 4);
  }
  put(b, "PK\5\6", 4);
  put_le(b, 0, 4);
  put_le(b, zip64 ? 0xffff : n, 2);
  put_le(b, zip64 ? 0xffff : n, 2);
  put_le(b, zip64 ? 0xffffffff : size, 4);
  put_le(b, zip64 ? 0xffffffff : dir, 4);
  put_le(b, strlen(comment), 2);
  put(b, comment, strlen(comment));
}

static bytes make_zip(const member *m, size_t n, bool zip64, const char *comment) {
  bytes b = {malloc(CAP), 0};
  placed at[8] = {{0}};
  assert_true(n <= 8);
  for (size_t i = 0; i < n; i++) put_local(&b, &m[i], &at[i], &at[0]);
  size_t dir = b.n;
  for (size_t i = 0; i < n; i++) put_central(&b, &m[i], &at[i]);
  put_end(&b, n, dir, zip64, comment);
  return b;
}

/* The content of an entry, zero-terminated; NULL with *rc set where it cannot be read. */
static char *content(const bv_zip *z, size_t i, bv_rc *rc, bv_err *err) {
  bv_infile *in;
  char *out = malloc(CAP), *p = out;
  *rc = bv_zip_stream(z, i, &in, err);
  if (*rc == BV_OK) {
    size_t n = 1;
    while (n > 0 && (*rc = bv_infile_read(in, p, 777, &n, err)) == BV_OK) {
      p += n;
      assert_true(p < out + CAP - 1000);
    }
    bv_infile_close(in);
  }
  *p = 0;
  if (*rc == BV_OK) return out;
  free(out);
  return NULL;
}

static void expect_content(const bv_zip *z, size_t i, const char *name, const char *text) {
  bv_err err = {0};
  bv_rc rc;
  assert_string_equal(bv_zip_at(z, i)->name, name);
  assert_int_equal(bv_zip_at(z, i)->size, strlen(text));
  char *got = content(z, i, &rc, &err);
  if (!got) fail_msg("%s: %s", name, err.msg);
  assert_string_equal(got, text);
  free(got);
}

static char long_text[60001];

static void fill_long_text(void) {
  uint32_t x = 7;
  for (size_t i = 0; i < 60000; i++) {
    x = x * 1664525u + 1013904223u;
    long_text[i] = "0123456789,.\n"[(x >> 24) % 13];
  }
}

static void test_good(void **state) {
  (void)state;
  fill_long_text();
  static const char *const comment[] = {"", "made by hand",
                                        "PK\5\6 in a comment is no end record...."};
  for (int zip64 = 0; zip64 < 2; zip64++) {
    for (size_t k = 0; k < 3; k++) {
      member m[] = {{.name = "a.csv", .text = "1,2,3\n"},
                    {.name = "dir/", .text = ""},
                    {.name = "dir/b.csv", .text = long_text, .method = 8, .zip64 = zip64},
                    {.name = "empty.csv", .text = "", .method = 8}};
      bytes b = make_zip(m, 4, zip64, comment[k]);
      bv_zip *z;
      bv_err err = {0};
      assert_true(bv_zip_magic((const char *)b.p, b.n));
      if (bv_zip_open_memory(b.p, b.n, "x.zip", &z, &err) != BV_OK) fail_msg("%s", err.msg);
      assert_int_equal(bv_zip_count(z), 4);
      for (size_t i = 0; i < 4; i++) expect_content(z, i, m[i].name, m[i].text);
      bv_zip_close(z);
      free(b.p);
    }
  }
  bytes none = make_zip(NULL, 0, false, "");
  bv_zip *z;
  assert_int_equal(bv_zip_open_memory(none.p, none.n, "x.zip", &z, NULL), BV_OK);
  assert_int_equal(bv_zip_count(z), 0);
  bv_zip_close(z);
  free(none.p);
}

/* Two entries open at once, read in turns. */
static void test_interleaved(void **state) {
  (void)state;
  fill_long_text();
  member m[] = {{.name = "a", .text = long_text, .method = 8}, {.name = "b", .text = long_text}};
  bytes b = make_zip(m, 2, false, "");
  bv_zip *z;
  bv_infile *in[2];
  assert_int_equal(bv_zip_open_memory(b.p, b.n, "x.zip", &z, NULL), BV_OK);
  for (size_t i = 0; i < 2; i++) assert_int_equal(bv_zip_stream(z, i, &in[i], NULL), BV_OK);
  assert_string_equal(bv_infile_name(in[1]), "x.zip/b");
  char one[2][100];
  size_t n[2], at = 0;
  do {
    for (size_t i = 0; i < 2; i++) {
      size_t have = 0, got = 1;
      while (have < sizeof one[i] && got > 0) {
        assert_int_equal(bv_infile_read(in[i], one[i] + have, sizeof one[i] - have, &got, NULL),
                         BV_OK);
        have += got;
      }
      n[i] = have;
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(one[0], one[1], n[0]);
    assert_memory_equal(one[0], long_text + at, n[0]);
    at += n[0];
  } while (n[0] > 0);
  assert_int_equal(at, 60000);
  for (size_t i = 0; i < 2; i++) bv_infile_close(in[i]);
  bv_zip_close(z);
  free(b.p);
}

/* Open and read everything; true where nothing failed, and then the contents are the expected. */
static bool reads_well(const unsigned char *p, size_t n, const member *m, size_t count) {
  bv_zip *z;
  bv_err err = {0};
  bool well = true;
  unsigned char *copy = malloc(n ? n : 1); /* of exact size, for the sanitizer */
  memcpy(copy, p, n);
  int64_t before = bv_mem_total();
  bv_rc rc = bv_zip_open_memory(copy, n, "x.zip", &z, &err);
  if (rc == BV_OK) {
    well = bv_zip_count(z) == count;
    for (size_t i = 0; i < bv_zip_count(z); i++) {
      char *got = content(z, i, &rc, &err);
      if (got && i < count) well &= strcmp(got, m[i].text) == 0;
      well &= got != NULL;
      free(got);
    }
    bv_zip_close(z);
  }
  if (err.msg[0]) {
    well = false;
    assert_true(err.rc == BV_IO || err.rc == BV_ARG || err.rc == BV_LIMIT);
  } else {
    assert_int_equal(rc, BV_OK);
  }
  assert_int_equal(bv_mem_total(), before);
  free(copy);
  return well;
}

static void test_cut(void **state) {
  (void)state;
  member m[] = {
      {.name = "a.csv", .text = "1,2,3\n4,5,6\n"},
      {.name = "b.csv", .text = "0,1,1,1,1,1\n60000,1,1,1,1,2\n", .method = 8, .zip64 = true}};
  for (int zip64 = 0; zip64 < 2; zip64++) {
    bytes b = make_zip(m, 2, zip64, "comment");
    assert_true(reads_well(b.p, b.n, m, 2));
    for (size_t n = 0; n < b.n; n++) {
      if (reads_well(b.p, n, m, 2)) fail_msg("the first %zu of %zu bytes read well", n, b.n);
    }
    /* bytes missing at the front or in the middle */
    for (size_t n = 1; n < b.n; n++) assert_false(reads_well(b.p + n, b.n - n, m, 2));
    for (size_t n = 0; n + 1 < b.n; n++) {
      unsigned char *copy = malloc(b.n);
      memcpy(copy, b.p, n);
      memcpy(copy + n, b.p + n + 1, b.n - n - 1);
      assert_false(reads_well(copy, b.n - 1, m, 2));
      free(copy);
    }
    free(b.p);
  }
}

/* Every byte changed in several ways: an error, or a byte that means nothing here, and then the
** contents are what they were.  Those are dates, versions, attributes, comments and extra fields. */
static void test_damaged(void **state) {
  (void)state;
  member m[] = {
      {.name = "a.csv", .text = "1,2,3\n4,5,6\n"},
      {.name = "b.csv", .text = "0,1,1,1,1,1\n60000,1,1,1,1,2\n", .method = 8, .zip64 = true}};
  size_t survived = 0, tried = 0;
  for (int zip64 = 0; zip64 < 2; zip64++) {
    bytes b = make_zip(m, 2, zip64, "comment");
    for (size_t i = 0; i < b.n; i++) {
      static const unsigned char change[] = {0xff, 0x01, 0x80, 0x10};
      for (size_t k = 0; k < sizeof change; k++) {
        b.p[i] ^= change[k];
        bv_zip *z;
        bool same = reads_well(b.p, b.n, m, 2);
        bool open = bv_zip_open_memory(b.p, b.n, "x", &z, NULL) == BV_OK;
        if (open) {
          for (size_t e = 0; e < bv_zip_count(z); e++) {
            bv_rc rc;
            char *got = content(z, e, &rc, NULL);
            /* whatever can be read is one of the two texts: the checksums say so */
            if (got && strcmp(got, m[0].text) != 0 && strcmp(got, m[1].text) != 0) {
              fail_msg("byte %zu changed by %02x: wrong content '%s'", i, change[k], got);
            }
            free(got);
          }
          bv_zip_close(z);
        }
        survived += same;
        tried++;
        b.p[i] ^= change[k];
      }
    }
    free(b.p);
  }
  assert_true(survived > 0 && survived < tried / 2);
}

static void expect_refusal(const member *m, size_t n, bv_rc want, const char *why) {
  bytes b = make_zip(m, n, false, "");
  bv_zip *z;
  bv_err err = {0};
  bv_rc rc = bv_zip_open_memory(b.p, b.n, "x.zip", &z, &err);
  for (size_t i = 0; rc == BV_OK && i < n; i++) free(content(z, i, &rc, &err));
  assert_int_equal(rc, want);
  if (!strstr(err.msg, why)) fail_msg("'%s' does not say '%s'", err.msg, why);
  assert_non_null(strstr(err.msg, "x.zip"));
  bv_zip_close(z);
  free(b.p);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    member m[2];
    size_t n;
    bv_rc rc;
    const char *why;
  } cases[] = {
      {{{.name = "a", .text = "xx", .flags = 1}}, 1, BV_ARG, "a is encrypted"},
      {{{.name = "a", .text = "xx", .method = 12}}, 1, BV_ARG, "packed with method 12"},
      {{{.name = "a\nb", .text = "xx"}}, 1, BV_IO, "a name is not text"},
      {{{.name = "", .text = "xx"}}, 1, BV_IO, "a name is not text"},
      {{{.name = "a", .text = "xx", .wrong_crc = true}}, 1, BV_IO, "checksum does not match"},
      {{{.name = "a", .text = "xxxx", .method = 8, .wrong_crc = true}}, 1, BV_IO, "checksum"},
      {{{.name = "a", .text = "xxxx", .method = 8, .say_size = 3}}, 1, BV_IO, "longer than the"},
      {{{.name = "a", .text = "xxxx", .method = 8, .say_size = 5}}, 1, BV_IO, "shorter than the"},
      {{{.name = "a", .text = "xxxx", .say_size = 5}}, 1, BV_IO, "two lengths"},
      {{{.name = "a", .text = "xxxx", .method = 8, .say_packed = 3}}, 1, BV_IO, "cut off"},
      {{{.name = "a", .text = "xxxx", .method = 8, .say_packed = 20}, {.name = "b", .text = "y"}},
       2,
       BV_IO,
       "share bytes"},
      {{{.name = "a", .text = "xxxx", .say_packed = 99, .say_size = 99}},
       1,
       BV_IO,
       "reaches into the directory"},
      {{{.name = "a", .text = "xxxx"}, {.name = "b", .text = "", .at_first = true}},
       2,
       BV_IO,
       "share bytes"},
      {{{.name = "a", .text = "xxxx", .method = 8, .say_size = 3000000000}},
       1,
       BV_LIMIT,
       "more than 250 times"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    expect_refusal(cases[i].m, cases[i].n, cases[i].rc, cases[i].why);
  }
}

/* A part of a split archive, and directories that cannot be. */
static void test_end_records(void **state) {
  (void)state;
  member m = {.name = "a", .text = "xx"};
  static const struct {
    size_t back; /* from the end */
    unsigned char value;
    const char *why;
  } cases[] = {{18, 1, "part of a split"},
               {16, 1, "part of a split"},
               {14, 9, "part of a split"},
               {10, 255, "outside the file"},
               {6, 255, "outside the file"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bytes b = make_zip(&m, 1, false, "");
    bv_zip *z;
    bv_err err = {0};
    b.p[b.n - cases[i].back] = cases[i].value;
    assert_true(bv_zip_open_memory(b.p, b.n, "x.zip", &z, &err) != BV_OK);
    if (!strstr(err.msg, cases[i].why)) fail_msg("%zu: %s", i, err.msg);
    free(b.p);
  }
}

/* 1 GiB of zeros in 1 MiB: refused unread; told as less than it is: stopped at the first byte too
** many, in constant memory. */
static void test_bomb(void **state) {
  (void)state;
  char *zeros = malloc(CAP);
  memset(zeros, '0', CAP - 1);
  zeros[CAP - 1] = 0;
  member m = {.name = "bomb.csv", .text = zeros, .method = 8};
  m.say_size = INT64_C(1) << 30;
  expect_refusal(&m, 1, BV_LIMIT, "250 times");
  m.say_size = 100000;
  expect_refusal(&m, 1, BV_IO, "longer than the directory says");
  /* small ones may be as dense as they like */
  zeros[500000] = 0;
  m.say_size = 0;
  bytes b = make_zip(&m, 1, false, "");
  bv_zip *z;
  assert_int_equal(bv_zip_open_memory(b.p, b.n, "x.zip", &z, NULL), BV_OK);
  assert_true(bv_zip_at(z, 0)->size > 250 * bv_zip_at(z, 0)->packed);
  int64_t before = bv_mem_total();
  bv_infile *in;
  char piece[1000];
  size_t n = 1, total = 0;
  assert_int_equal(bv_zip_stream(z, 0, &in, NULL), BV_OK);
  while (n > 0) {
    assert_int_equal(bv_infile_read(in, piece, sizeof piece, &n, NULL), BV_OK);
    total += n;
    assert_true(bv_mem_total() - before < 256 * 1024);
  }
  assert_int_equal(total, 500000);
  bv_infile_close(in);
  bv_zip_close(z);
  free(b.p);
  free(zeros);
}

static void test_files(void **state) {
  (void)state;
  member m = {.name = "a.csv", .text = "hello\n"};
  bytes b = make_zip(&m, 1, false, "");
  char path[] = "/tmp/test_zip_XXXXXX";
  bv_zip *z;
  bv_err err = {0};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, b.p, b.n), b.n);
  close(fd);
  assert_int_equal(bv_zip_open(path, &z, &err), BV_OK);
  expect_content(z, 0, "a.csv", "hello\n");
  assert_int_equal(truncate(path, 10), 0); /* while it is open */
  bv_rc rc;
  assert_null(content(z, 0, &rc, &err));
  assert_int_equal(rc, BV_IO);
  assert_non_null(strstr(err.msg, "became shorter"));
  bv_zip_close(z);
  bv_err_clear(&err);
  assert_int_equal(bv_zip_open(path, &z, &err), BV_IO);
  unlink(path);
  bv_err_clear(&err);
  assert_int_equal(bv_zip_open(path, &z, &err), BV_IO);
  assert_non_null(strstr(err.msg, "No such file"));
  bv_err_clear(&err);
  assert_int_equal(bv_zip_open("/dev/null", &z, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "regular file"));
  free(b.p);
}

static void test_no_memory(void **state) {
  (void)state;
  member m[] = {{.name = "a.csv", .text = "1,2,3\n", .method = 8}, {.name = "b", .text = "x"}};
  bytes b = make_zip(m, 2, false, "");
  int64_t before = bv_mem_total();
  int failures = 0;
  for (int64_t n = 0;; n++) {
    bv_zip *z;
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_zip_open_memory(b.p, b.n, "x.zip", &z, NULL);
    for (size_t i = 0; rc == BV_OK && i < 2; i++) free(content(z, i, &rc, NULL));
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    bv_zip_close(z);
    assert_int_equal(bv_mem_total(), before);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (!failed) break;
    failures++;
  }
  assert_true(failures >= 8);
  free(b.p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),      cmocka_unit_test(test_interleaved),
      cmocka_unit_test(test_cut),       cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_refused),   cmocka_unit_test(test_end_records),
      cmocka_unit_test(test_bomb),      cmocka_unit_test(test_files),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
