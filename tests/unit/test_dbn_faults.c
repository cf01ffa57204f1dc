/* test_dbn_faults.c - DBN files cut, damaged, in pieces, streamed, too large; failing memory. */
#include "dbn_help.h"

#include <pthread.h>
#include <sys/stat.h>

/* ---- cut, damaged, in pieces ---- */

static void cut_anywhere(void **state) {
  (void)state;
  for (int version = 1; version <= 3; version++) {
    bv_buf b = minutes_file(version, 3);
    size_t first = b.n - 3 * 56;
    bytes z = zstd_of(b.p, b.n);
    for (size_t n = 0; n < b.n; n++) {
      bool whole = n >= first && (n - first) % 56 == 0;
      reading r = read_bytes(b.p, n, minute, 2);
      assert_true((r.rc == BV_OK) == whole);
      if (whole) assert_int_equal(r.n, (n - first) / 56);
      finish(&r);
    }
    for (size_t n = 0; n < z.n; n++) {
      reading r = read_bytes(z.p, n, minute, 2);
      assert_int_not_equal(r.rc, BV_OK);
      finish(&r);
    }
    free(z.p);
    bv_buf_reset(&b);
  }
}

/* What comes out may be nonsense; it must come out in order, as an error or as bars that are bars. */
static void flipped_bits(void **state) {
  (void)state;
  bv_buf b = minutes_file(3, 2);
  put_mapping_record(&b, 3, 101, "NEW");
  put_bar(&b, 0x21, 1, 101, T0 + 120, px, 7);
  bytes z = zstd_of(b.p, b.n);
  int64_t before = bv_mem_total();
  int good = 0, bad = 0;
  for (size_t i = 0; i < 8 * (b.n + z.n); i++) {
    bool plain = i < 8 * b.n;
    unsigned char *p = plain ? (unsigned char *)b.p : z.p;
    size_t bit = plain ? i : i - 8 * b.n;
    p[bit / 8] ^= (unsigned char)(1u << bit % 8);
    reading r = read_bytes(p, plain ? b.n : z.n, minute, 2);
    for (size_t k = 0; k < r.n; k++) {
      const bv_bar_row *x = &r.row[k];
      assert_true(x->low <= x->open && x->open <= x->high && x->low <= x->close &&
                  x->close <= x->high);
      assert_true(x->volume >= 0 && x->line >= 1);
    }
    good += r.rc == BV_OK;
    bad += r.rc != BV_OK;
    finish(&r);
    p[bit / 8] ^= (unsigned char)(1u << bit % 8);
  }
  assert_true(good > 100 && bad > 100);
  assert_int_equal(bv_mem_total(), before);
  free(z.p);
  bv_buf_reset(&b);
}

/* Frames may be cut anywhere, inside the metadata and inside records, with other frames between. */
static void frames_cut_anywhere(void **state) {
  (void)state;
  static const unsigned char skippable[] = {0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
  bv_buf b = minutes_file(2, 3), all;
  bv_buf_init(&all, BV_MEM_BASE, (size_t)1 << 20);
  for (size_t cut = 0; cut <= b.n; cut++) {
    bytes x = zstd_of(b.p, cut), y = zstd_of(b.p + cut, b.n - cut);
    bv_buf_clear(&all);
    put_bytes(&all, x.p, x.n);
    if (cut % 2) put_bytes(&all, skippable, sizeof skippable);
    put_bytes(&all, y.p, y.n);
    reading r = read_bytes(all.p, all.n, minute, 2);
    assert_int_equal(r.rc, BV_OK);
    assert_int_equal(r.n, 3);
    assert_row(&r.row[2], T0 + 120, pv);
    finish(&r);
    free(x.p);
    free(y.p);
  }
  bv_buf_reset(&all);
  bv_buf_reset(&b);
}

static void every_allocation_can_fail(void **state) {
  (void)state;
  static const mapping map[] = {{"A", 20240101, 20250101, "1"}, {"B", 20240101, 20250101, "2"}};
  const char *path = "tests/tmp/nomem.dbn";
  mkdir("tests/tmp", 0777);
  bv_buf b = new_file((head){3, 4, 1, 0, map, 2});
  put_mapping_record(&b, 3, 1, "NEW");
  for (int64_t i = 0; i < 40; i++) {
    uint64_t ns = (uint64_t)(T0 + 30 * i) * 1000000000;
    put_trade(&b, 1 + (unsigned)i % 2, (uint32_t)(i % 4), ns - (uint64_t)(i % 7) * 50000000000, ns,
              i, 1);
  }
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
  fclose(f);
  for (int way = 0; way < 2; way++) {
    int64_t n = 0, before = bv_mem_total();
    for (;; n++) {
      bv_bar_row rows[8];
      bv_infile *in = NULL;
      bv_row_source src = {0};
      bv_err err = {0};
      size_t got = 1;
      bv_bar_reader_options o = minute;
      bv_alloc_fail_after(n, 0);
      bv_rc rc = way ? bv_infile_open(path, &in, &err)
                     : bv_infile_open_memory(b.p, b.n, "m.dbn", &in, &err);
      if (rc == BV_OK) rc = bv_dbn_open(in, way ? path : NULL, &o, &src, &err);
      while (rc == BV_OK && got) rc = src.next(src.self, rows, 8, &got, &err);
      bool failed = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      if (src.self) src.close(src.self);
      assert_int_equal(bv_mem_total(), before);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      if (!failed) break;
    }
    assert_true(n > 20);
  }
  unlink(path);
  bv_buf_reset(&b);
}

/* ---- streams, ceilings ---- */

static bytes fifo_bytes;

static void *write_fifo(void *path) {
  FILE *f = fopen(path, "wb");
  if (f) {
    fwrite(fifo_bytes.p, 1, fifo_bytes.n, f);
    fclose(f);
  }
  return NULL;
}

/* A pipe cannot be read twice. */
static void from_a_pipe(void **state) {
  (void)state;
  static char path[] = "tests/tmp/pipe.dbn";
  mkdir("tests/tmp", 0777);
  unlink(path);
  bv_buf b = minutes_file(3, 5000);
  fifo_bytes = zstd_of(b.p, b.n);
  assert_int_equal(mkfifo(path, 0666), 0);
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, write_fifo, path), 0);
  reading r = read_path(path, minute);
  pthread_join(t, NULL);
  assert_int_equal(r.rc, BV_OK);
  assert_int_equal(r.n, 5000);
  assert_row(&r.row[4999], T0 + 60 * 4999, pv);
  finish(&r);
  unlink(path);
  free(fifo_bytes.p);
  bv_buf_reset(&b);
}

typedef struct endless {
  bv_buf head;
  size_t at;
  int64_t left; /* bytes to give */
} endless;

/* After the head zeros, or records of an unknown kind. */
static bv_rc endless_read(void *ctx, void *p, size_t cap, size_t *n, bv_err *err) {
  (void)err;
  endless *e = ctx;
  size_t want = e->left < (int64_t)cap ? (size_t)e->left : cap;
  for (size_t i = 0; i < want; i++, e->at++) {
    size_t k = (e->at - e->head.n) % 16;
    bool in_head = e->at < e->head.n;
    ((char *)p)[i] = in_head ? e->head.p[e->at] : (char)(k == 0 ? 4 : k == 1 ? 0x7f : 0);
  }
  e->left -= (int64_t)want;
  *n = want;
  return BV_OK;
}

static void a_stream_has_a_ceiling(void **state) {
  (void)state;
  endless e = {.head = minutes_file(3, 0), .left = INT64_MAX};
  bv_infile *in;
  bv_infile_source source = {endless_read, NULL, &e};
  int64_t before = bv_mem_total();
  assert_int_equal(bv_infile_open_source(source, "endless", &in, NULL), BV_OK);
  reading r = read_stream(in, NULL, minute, 10);
  assert_int_equal(r.rc, BV_LIMIT);
  assert_non_null(strstr(r.err.msg, "save them to a file"));
  finish(&r);
  assert_int_equal(bv_mem_total(), before);
  bv_buf_reset(&e.head);
}

/* Zeros cost little as zstd: memory must follow what a file means, not what it unpacks to. */
static void bombs_cost_no_memory(void **state) {
  (void)state;
  const char *path = "tests/tmp/bomb.dbn.zst";
  const size_t zeros = (size_t)200 << 20;
  mkdir("tests/tmp", 0777);
  bv_buf b = minutes_file(3, 2);
  size_t first = b.n - 2 * 56;
  uint32_t length = (uint32_t)(first - 8 + zeros);
  memcpy(b.p + 4, &length, 4);
  static char piece[1 << 20];
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  bytes x = zstd_of(b.p, first), y = zstd_of(b.p + first, 2 * 56), z = zstd_of(piece, sizeof piece);
  assert_int_equal(fwrite(x.p, 1, x.n, f), x.n);
  for (size_t n = 0; n < zeros; n += sizeof piece) assert_int_equal(fwrite(z.p, 1, z.n, f), z.n);
  assert_int_equal(fwrite(y.p, 1, y.n, f), y.n);
  fclose(f);
  bv_infile *in;
  bv_row_source src;
  bv_err err = {0};
  bv_bar_row rows[4];
  size_t n;
  int64_t before = bv_mem_total();
  assert_int_equal(bv_infile_open(path, &in, &err), BV_OK);
  assert_int_equal(bv_dbn_open(in, path, &minute, &src, &err), BV_OK);
  assert_true(bv_mem_total() - before < 1 << 20);
  assert_int_equal(src.next(src.self, rows, 4, &n, &err), BV_OK);
  assert_int_equal(n, 2);
  src.close(src.self);
  unlink(path);
  free(x.p);
  free(y.p);
  free(z.p);
  bv_buf_reset(&b);
}

/* More than a row can hold of anything: the symbols and publishers of a file. */
static void targets_have_a_ceiling(void **state) {
  (void)state;
  const char *path = "tests/tmp/many.dbn";
  mkdir("tests/tmp", 0777);
  bv_buf b = new_file((head){.version = 3, .schema = 6});
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
  for (uint32_t i = 0; i <= 1 << 20; i++) {
    bv_buf_clear(&b);
    put_bar(&b, 0x21, 1, i, T0, px, 7);
    assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
  }
  fclose(f);
  int64_t before = bv_mem_total();
  reading r = read_path(path, minute);
  assert_int_equal(r.rc, BV_LIMIT);
  assert_non_null(strstr(r.err.msg, "more than 1048576 symbols and publishers"));
  finish(&r);
  assert_int_equal(bv_mem_total(), before);
  unlink(path);
  bv_buf_reset(&b);
}

/* A file that shrinks or grows between the readings is an error or its new content, never a crash. */
static void a_file_that_changes(void **state) {
  (void)state;
  const char *path = "tests/tmp/changes.dbn";
  mkdir("tests/tmp", 0777);
  bv_buf b = minutes_file(3, 3), shorter = minutes_file(3, 0);
  const struct {
    const bv_buf *content;
    size_t n;
    bv_rc rc;
  } then[] = {
      {&b, b.n - 1, BV_IO}, {&b, b.n - 56, BV_OK}, {&shorter, shorter.n, BV_OK}, {&b, 10, BV_IO}};
  for (size_t i = 0; i < sizeof then / sizeof *then; i++) {
    bv_infile *in;
    bv_row_source src;
    bv_err err = {0};
    bv_bar_row rows[4];
    size_t n = 1;
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
    fclose(f);
    assert_int_equal(bv_infile_open(path, &in, &err), BV_OK);
    f = fopen(path, "wb"); /* the first reading has the old bytes in its buffer */
    fwrite(then[i].content->p, 1, then[i].n, f);
    fclose(f);
    bv_rc rc = bv_dbn_open(in, path, &minute, &src, &err);
    while (rc == BV_OK && n) rc = src.next(src.self, rows, 4, &n, &err);
    assert_int_equal(rc, then[i].rc);
    if (src.self) src.close(src.self);
  }
  unlink(path);
  bv_buf_reset(&b);
  bv_buf_reset(&shorter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cut_anywhere),         cmocka_unit_test(flipped_bits),
      cmocka_unit_test(frames_cut_anywhere),  cmocka_unit_test(every_allocation_can_fail),
      cmocka_unit_test(from_a_pipe),          cmocka_unit_test(a_stream_has_a_ceiling),
      cmocka_unit_test(bombs_cost_no_memory), cmocka_unit_test(targets_have_a_ceiling),
      cmocka_unit_test(a_file_that_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
