/* test_csv.c - the record splitter: quotes, line ends, delimiters, limits, looking ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "data/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text in pieces of `step` bytes; `fill` more bytes of 'a' follow it, counted as they are taken. */
typedef struct dribble {
  const char *p;
  size_t n, at, step;
  int64_t fill, taken;
} dribble;

static bv_rc dribble_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  (void)err;
  dribble *d = ctx;
  size_t k = d->n - d->at;
  if (k > cap) k = cap;
  if (k > d->step) k = d->step;
  if (k) memcpy(p, d->p + d->at, k);
  d->at += k;
  if (k == 0 && d->fill > 0) {
    k = (int64_t)cap < d->fill ? cap : (size_t)d->fill;
    memset(p, 'a', k);
    d->fill -= (int64_t)k;
  }
  d->taken += (int64_t)k;
  *n = k;
  return BV_OK;
}

static bv_infile *open_dribble(dribble *d) {
  bv_infile *in = NULL;
  bv_infile_source s = {dribble_read, NULL, d};
  assert_int_equal(bv_infile_open_source(s, "t.csv", &in, NULL), BV_OK);
  return in;
}

/* Everything a file splits into, as text: "line:[field][field]!flaw" per record. */
static bv_rc split(const char *p, size_t n, size_t step, char delimiter, bv_buf *out, bv_err *err) {
  dribble d = {.p = p, .n = n, .step = step};
  bv_infile *in = open_dribble(&d);
  bv_csv *c = NULL;
  bv_csv_record r;
  bv_rc rc = bv_csv_open(in, delimiter, &c, err);
  while (rc == BV_OK && (rc = bv_csv_next(c, &r, err)) == BV_OK && r.nfield) {
    assert_int_equal(bv_buf_addf(out, "%lld:", (long long)r.line), BV_OK);
    for (size_t i = 0; i < r.nfield; i++) {
      assert_int_equal(bv_buf_addf(out, "[%.*s]", (int)r.field[i].n, r.field[i].p), BV_OK);
    }
    assert_int_equal(bv_buf_addf(out, "%s%s;", r.flaw ? "!" : "", r.flaw ? r.flaw : ""), BV_OK);
  }
  bv_csv_close(c);
  bv_infile_close(in);
  return rc;
}

static const struct {
  const char *text, *want;
} cases[] = {
    {"a,b\n1,2\n", "1:[a][b];2:[1][2];"},
    {"a,b\n1,2", "1:[a][b];2:[1][2];"},
    {"a,b\r\n1,2\r\n", "1:[a][b];2:[1][2];"},
    {"a,b\r1,2\r", "1:[a][b];2:[1][2];"},
    {"a,b\r\n1,2\n3,4\r5,6", "1:[a][b];2:[1][2];3:[3][4];4:[5][6];"},
    {"\xEF\xBB\xBF"
     "a,b\n",
     "1:[a][b];"},
    {"\xEF\xBB\xBF\"a\",b\n", "1:[a][b];"},
    {"\n\n\r\n\ra,b\n\n  \n\r\n1,2\n\n", "5:[a][b];9:[1][2];"},
    {"a,b\n,\n", "1:[a][b];2:[][];"},
    {"a,b\n1,\n", "1:[a][b];2:[1][];"},
    {"a,b\n1,", "1:[a][b];2:[1][];"},
    {"\"a\",\"b\"\n\"1\",\"\"\n", "1:[a][b];2:[1][];"},
    {"a,b\n\"x,y\",2\n", "1:[a][b];2:[x,y][2];"},
    {"a,b\n\"x\ny\r\nz\rw\",2\n3,4\n", "1:[a][b];2:[x\ny\r\nz\rw][2];6:[3][4];"},
    {"a,b\n\"x\"\"y\",\"\"\"\"\n", "1:[a][b];2:[x\"y][\"];"},
    {"a,b\n\"\"\"x\"\"\",\"p\"\"\"", "1:[a][b];2:[\"x\"][p\"];"},
    {"a,b\nx\"y,2\n", "1:[a][b];2:[x\"y][2];"},
    {"a,b\n\"x\"y,2\n3,4\n", "1:[a][b];2:[\"x\"y][2]!text after a closing quote;3:[3][4];"},
    {"a;b;c\n1,5;2;3\n", "1:[a][b][c];2:[1,5][2][3];"},
    {"a\tb\n1\t2\n", "1:[a][b];2:[1][2];"},
    {"a|b\n1|2\n", "1:[a][b];2:[1][2];"},
    {"\"a,b,c\";d;e\n", "1:[a,b,c][d][e];"},
    {"abc\n1\n", "1:[abc];2:[1];"},
    {"a,b\n\"1\"\r\n", "1:[a][b];2:[1];"},
};

static void test_splitting(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t step = 1; step < 100; step += step < 4 ? 1 : 40) {
      bv_buf got;
      bv_buf_init(&got, BV_MEM_IMPORT, 10000);
      assert_int_equal(split(cases[i].text, strlen(cases[i].text), step, 0, &got, NULL), BV_OK);
      assert_string_equal(bv_buf_text(&got), cases[i].want);
      bv_buf_reset(&got);
    }
  }
}

static void test_given_delimiter(void **state) {
  (void)state;
  bv_buf got;
  bv_buf_init(&got, BV_MEM_IMPORT, 1000);
  assert_int_equal(split("a,b;c\n", 6, 9, ';', &got, NULL), BV_OK);
  assert_string_equal(bv_buf_text(&got), "1:[a,b][c];");
  bv_err err = {0};
  assert_int_equal(split("a\n", 2, 9, '"', &got, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "delimiter"));
  bv_buf_reset(&got);
}

static void expect_error(const char *p, size_t n, bv_rc want, const char *part) {
  bv_buf got;
  bv_err err = {0};
  bv_buf_init(&got, BV_MEM_IMPORT, (size_t)1 << 26);
  assert_int_equal(split(p, n, SIZE_MAX, 0, &got, &err), want);
  if (!strstr(err.msg, part)) fail_msg("'%s' lacks '%s'", err.msg, part);
  bv_buf_reset(&got);
}

static void test_refused(void **state) {
  (void)state;
  expect_error("a,b\n1,\0002\n", 9, BV_ARG, "t.csv line 2: a NUL byte");
  expect_error("a,b\n\0,2\n", 8, BV_ARG, "t.csv line 2: a NUL byte");
  expect_error("a,b\n1,2\0", 8, BV_ARG, "t.csv line 2: a NUL byte");
  expect_error("a,b\n\"x\ny\0\",2\n", 13, BV_ARG, "t.csv line 3: a NUL byte");
  expect_error("a,b\n\"x\"\0,2\n", 10, BV_ARG, "t.csv line 2: a NUL byte");
  expect_error("\0\0\0", 3, BV_ARG, "t.csv line 1: a NUL byte");
  expect_error("a,b\n1,2\n\"x,2\n3,4\n", 17, BV_ARG, "t.csv line 3: a quote is opened");
}

/* A text of n bytes: `head`, then `unit` again and again. */
static char *repeated(const char *head, const char *unit, size_t n) {
  char *p = malloc(n);
  assert_non_null(p);
  size_t h = strlen(head), u = strlen(unit);
  memcpy(p, head, h);
  for (size_t i = h; i < n; i++) p[i] = unit[(i - h) % u];
  return p;
}

static void test_length_limit(void **state) {
  (void)state;
  for (int over = 0; over <= 1; over++) {
    size_t n = 4 + BV_CSV_LINE_MAX + (size_t)over;
    for (int ended = 0; ended <= 1; ended++) {
      char *p = repeated("a,b\n", "x", n + 1);
      p[n] = '\n';
      bv_buf got;
      bv_err err = {0};
      bv_buf_init(&got, BV_MEM_IMPORT, (size_t)1 << 22);
      assert_int_equal(split(p, n + (size_t)ended, 50000, 0, &got, &err), over ? BV_LIMIT : BV_OK);
      if (over) assert_non_null(strstr(err.msg, "t.csv line 2: a line of more than 1048576 bytes"));
      bv_buf_reset(&got);
      free(p);
    }
  }
}

/* Doubled quotes all along a line of full length: the copy without them must have room. */
static void test_long_quoted(void **state) {
  (void)state;
  size_t n = 4 + BV_CSV_LINE_MAX;
  char *p = repeated("a,b\n\"", "\"", n + 1);
  p[n] = '\n';
  bv_buf got;
  bv_buf_init(&got, BV_MEM_IMPORT, (size_t)1 << 22);
  assert_int_equal(split(p, n + 1, SIZE_MAX, 0, &got, NULL), BV_OK);
  assert_int_equal(got.n, strlen("1:[a][b];2:[];") + (BV_CSV_LINE_MAX - 2) / 2);
  bv_buf_reset(&got);
  free(p);
}

static void test_field_limit(void **state) {
  (void)state;
  bv_buf got;
  bv_buf_init(&got, BV_MEM_IMPORT, (size_t)1 << 26);
  char *p = repeated("x", ",", BV_CSV_FIELDS_MAX);
  assert_int_equal(split(p, BV_CSV_FIELDS_MAX, SIZE_MAX, 0, &got, NULL), BV_OK);
  assert_int_equal(got.n, 2 + 1 + 2 * BV_CSV_FIELDS_MAX + 1);
  free(p);
  bv_buf_reset(&got);
  p = repeated("x", ",", BV_CSV_FIELDS_MAX + 1);
  expect_error(p, BV_CSV_FIELDS_MAX + 1, BV_LIMIT, "t.csv line 1: more than 4096 fields");
  free(p);
  p = repeated("x", ",", 1000000);
  expect_error(p, 1000000, BV_LIMIT, "t.csv line 1: more than 4096 fields");
  free(p);
}

/* A line of 1 GB: refused after little more than the limit was read, in bounded memory. */
static void test_endless_line(void **state) {
  (void)state;
  static const char *const head[] = {"a,b\n", "", "a,b\n1,\"", "a,b\n1,\"x\"\""};
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
    dribble d = {.p = head[i], .n = strlen(head[i]), .step = SIZE_MAX, .fill = 1000000000};
    bv_infile *in = open_dribble(&d);
    bv_csv *c = NULL;
    bv_csv_record r;
    bv_err err = {0};
    int64_t before = bv_mem_used(BV_MEM_IMPORT);
    assert_int_equal(bv_csv_open(in, 0, &c, &err), BV_OK);
    bv_rc rc = bv_csv_next(c, &r, &err);
    if (rc == BV_OK) rc = bv_csv_next(c, &r, &err);
    assert_int_equal(rc, BV_LIMIT);
    assert_non_null(strstr(err.msg, "a line of more than"));
    assert_true(d.taken < 3 * (int64_t)BV_CSV_LINE_MAX);
    assert_true(bv_mem_used(BV_MEM_IMPORT) - before < 6 << 20);
    bv_csv_close(c);
    bv_infile_close(in);
  }
}

/* The splitter agrees with itself however the bytes arrive, across many buffer ends. */
static void test_buffer_ends(void **state) {
  (void)state;
  enum { ROWS = 60000 };
  bv_buf text, want, got;
  bv_buf_init(&text, BV_MEM_IMPORT, (size_t)1 << 24);
  bv_buf_init(&want, BV_MEM_IMPORT, (size_t)1 << 24);
  bv_buf_init(&got, BV_MEM_IMPORT, (size_t)1 << 24);
  long long line = 1;
  for (int i = 0; i < ROWS; i++) {
    int len = i % 37;
    const char *end = i % 3 == 0 ? "\r\n" : i % 3 == 1 ? "\n" : "\r";
    assert_int_equal(bv_buf_addf(&text, "%d,\"q\"\"%.*s\n,\",%d%s", i, len,
                                 "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF", i * 7, end),
                     BV_OK);
    assert_int_equal(bv_buf_addf(&want, "%lld:[%d][q\"%.*s\n,][%d];", line, i, len,
                                 "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF", i * 7),
                     BV_OK);
    line += 2;
  }
  static const size_t steps[] = {7, 4093, 65536, SIZE_MAX};
  for (size_t k = 0; k < 4; k++) {
    bv_buf_clear(&got);
    assert_int_equal(split(text.p, text.n, steps[k], ',', &got, NULL), BV_OK);
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
  }
  bv_buf_reset(&text);
  bv_buf_reset(&want);
  bv_buf_reset(&got);
}

/* Looking ahead ends at its limit; after going back all records come once, lines counted right. */
static void test_mark(void **state) {
  (void)state;
  static const char *const unit[] = {"1,2,3\n", "\n", "\"a\n\",b\r\n", "   \r"};
  for (size_t k = 0; k < sizeof unit / sizeof *unit; k++) {
    size_t n = 3 * BV_CSV_MARK_MAX;
    char *p = repeated("a,b\n", unit[k], n);
    dribble d = {.p = p, .n = n - (n - 4) % strlen(unit[k]), .step = 100000};
    bv_infile *in = open_dribble(&d);
    bv_csv *c = NULL;
    bv_csv_record r;
    assert_int_equal(bv_csv_open(in, ',', &c, NULL), BV_OK);
    assert_int_equal(bv_csv_next(c, &r, NULL), BV_OK);
    int64_t ahead = 0, all = 0, last = 0;
    bv_csv_mark(c);
    for (;; ahead++) {
      assert_int_equal(bv_csv_next(c, &r, NULL), BV_OK);
      if (r.nfield == 0) break;
    }
    assert_true(d.taken < 2 * (int64_t)BV_CSV_MARK_MAX);
    bv_csv_rewind(c);
    for (;; all++) {
      assert_int_equal(bv_csv_next(c, &r, NULL), BV_OK);
      if (r.nfield == 0) break;
      last = r.line;
    }
    int64_t records = k == 1 || k == 3 ? 0 : (int64_t)((d.n - 4) / strlen(unit[k]));
    assert_int_equal(all, records);
    assert_true(k == 1 || k == 3 ? ahead == 0 : ahead > 0 && ahead < all);
    if (k == 0) assert_int_equal(last, records + 1);
    if (k == 2) assert_int_equal(last, 2 * records);
    bv_csv_close(c);
    bv_infile_close(in);
    free(p);
  }
}

static void test_no_memory(void **state) {
  (void)state;
  char *p = repeated("a,b\n", ",\"\"\"\"", 500000);
  memset(p + 1000, 'x', 1);
  for (size_t i = 2000; i < 500000; i += 2000) p[i] = '\n';
  int failures = 0;
  for (int64_t i = 0;; i++) {
    int64_t before = bv_mem_used(BV_MEM_IMPORT);
    dribble d = {.p = p, .n = 500000, .step = SIZE_MAX};
    bv_infile *in = open_dribble(&d);
    bv_csv *c = NULL;
    bv_csv_record r = {0};
    bv_alloc_fail_after(i, 0);
    bv_rc rc = bv_csv_open(in, ',', &c, NULL);
    while (rc == BV_OK && (rc = bv_csv_next(c, &r, NULL)) == BV_OK && r.nfield) continue;
    bool hit = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    bv_csv_close(c);
    bv_infile_close(in);
    assert_int_equal(bv_mem_used(BV_MEM_IMPORT), before);
    if (!hit) break;
    assert_int_equal(rc, BV_NOMEM);
    failures++;
  }
  assert_true(failures >= 5);
  free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_splitting),    cmocka_unit_test(test_given_delimiter),
      cmocka_unit_test(test_refused),      cmocka_unit_test(test_length_limit),
      cmocka_unit_test(test_long_quoted),  cmocka_unit_test(test_field_limit),
      cmocka_unit_test(test_endless_line), cmocka_unit_test(test_buffer_ends),
      cmocka_unit_test(test_mark),         cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
