/* test_export.c - what exports are made of: numbers and times as text, and files that appear whole or
** not at all.  (bars_export itself: tests/sql/files_export.py.) */
#include "data_help.h"
#include "dir_fixture.h"

#include "base/text.h"
#include "data/csv_write.h"
#include "data/infile.h"
#include "data/outfile.h"
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* ---- numbers and times ---- */

static uint64_t seed = 1;

static const char *text_of(double x, int places) {
  static char text[BV_CSV_CELL_MAX + 17];
  memset(text, '#', sizeof text);
  char *end = bv_csv_put_f64(text, x, &places);
  assert_true(end - text < BV_CSV_CELL_MAX);
  /* nothing is written beyond the room promised */
  for (size_t i = BV_CSV_CELL_MAX; i < sizeof text; i++) assert_int_equal(text[i], '#');
  *end = 0;
  return text;
}

static void expect_number(double x, const char *want) {
  for (int places = 0; places <= 10; places++) assert_string_equal(text_of(x, places), want);
}

/* The text reads back as the same bits, is no longer than the shortest that printf finds, and does not depend
** on the guess. */
static void check_number(double x) {
  char first[64], shortest[32];
  double back;
  strcpy(first, text_of(x, 0));
  if (bv_parse_f64(first, strlen(first), &back) != BV_OK || memcmp(&back, &x, sizeof x) != 0) {
    fail_msg("%.17g is written as %s, which is %.17g", x, first, back);
  }
  int digits = 0, want = 17;
  for (const char *c = first; *c && *c != 'e'; c++) digits += *c >= '0' && *c <= '9';
  bool zeros = true; /* those in front are no digits, those behind whole numbers neither */
  for (const char *c = first; *c && zeros; c++) {
    if (*c == '0') digits--;
    zeros = *c == '0' || *c == '.' || *c == '-';
  }
  if (!strpbrk(first, ".e")) {
    for (size_t i = strlen(first); i > 0 && first[i - 1] == '0'; i--) digits--;
  }
  for (int p = 17; p > 0; p--) {
    snprintf(shortest, sizeof shortest, "%.*e", p - 1, x);
    if (strtod(shortest, NULL) == x) want = p;
  }
  if (x != 0 && digits > want)
    fail_msg("%.17g is written as %s: %d digits, %d do", x, first, digits, want);
  for (int places = 1; places <= 10; places++) assert_string_equal(text_of(x, places), first);
}

static void test_numbers(void **state) {
  (void)state;
  expect_number(0.0, "0");
  expect_number(-0.0, "-0");
  expect_number(1.0, "1");
  expect_number(-1.5, "-1.5");
  expect_number(100.25, "100.25");
  expect_number(0.1, "0.1");
  expect_number(0.1 + 0.2, "0.30000000000000004");
  expect_number(1e-10, "0.0000000001");
  expect_number(123456789012345.0, "123456789012345");
  expect_number(999999999999999.0, "999999999999999");
  expect_number(12345678901234.5, "12345678901234.5");
  expect_number(1e15, "1e+15");
  expect_number(1e300, "1e+300");
  expect_number(5e-324, "5e-324");
  expect_number(NAN, "");
  char i64[32];
  int64_t whole[] = {0, 9, 10, 99, 100, -1, 1704067200, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    char want[32];
    snprintf(want, sizeof want, "%lld", (long long)whole[i]);
    *bv_csv_put_i64(i64, whole[i]) = 0;
    assert_string_equal(i64, want);
  }
}

static void test_random_numbers(void **state) {
  (void)state;
  for (int i = 0; i < 20000; i++) {
    uint64_t bits = next_random(&seed), r = next_random(&seed);
    double x;
    memcpy(&x, &bits, sizeof x);
    if (isfinite(x)) check_number(x);
    /* decimals, their neighbours, and large whole numbers */
    x = (double)(r % 100000000) / pow(10, (double)(r >> 32) / 4294967296.0 * 9);
    check_number(x);
    x = (double)(r % 1000000000) / 100.0;
    check_number(x);
    check_number(nextafter(x, INFINITY));
    check_number(-(double)(r >> (r & 63)));
  }
}

/* Many numbers at once are written as each alone; a guess that fits is kept, and one that lies on no grid is
** noticed. */
static void test_decimals(void **state) {
  (void)state;
  enum { N = 200 };
  double x[N];
  int64_t k[N];
  int taken = 0;
  for (int round = 0; round < 4000; round++) {
    size_t n = 1 + (size_t)pick(&seed, N);
    int decimals = (int)pick(&seed, 12), guess = (int)pick(&seed, 11), places = guess;
    uint64_t most = UINT64_C(1) << pick(&seed, 52);
    for (size_t i = 0; i < n; i++) {
      x[i] = (double)(next_random(&seed) % most) / pow(10, decimals);
      if (round % 3 == 0 && pick(&seed, 2)) x[i] = -x[i];
    }
    if (round % 7 == 0) {
      static const double odd[] = {NAN,    -0.0,     0.1 + 0.2, 1e300,
                                   5e-324, INFINITY, 1e15,      999999999999999.0};
      x[pick(&seed, (int64_t)n)] = odd[pick(&seed, (int64_t)COUNT(odd))];
    }
    if (!bv_csv_decimals(x, n, &places, k)) continue;
    taken++;
    for (size_t i = 0; i < n; i++) {
      char text[BV_CSV_CELL_MAX + 17];
      memset(text, '#', sizeof text);
      char *end = bv_csv_put_decimal(text, k[i], places);
      assert_int_equal(text[BV_CSV_CELL_MAX], '#');
      *end = 0;
      assert_string_equal(text, text_of(x[i], guess));
    }
  }
  assert_true(taken > 1500);
}

static void test_times(void **state) {
  (void)state;
  static const struct {
    int64_t t;
    const char *text;
  } cases[] = {{0, "1970-01-01T00:00:00Z"},
               {1704292200, "2024-01-03T14:30:00Z"},
               {1704292259, "2024-01-03T14:30:59Z"},
               {951868799, "2000-02-29T23:59:59Z"},
               {-1, "1969-12-31T23:59:59Z"},
               {BV_INSTANT_MIN, "0000-01-01T00:00:00Z"},
               {BV_INSTANT_MAX, "9999-12-31T23:59:59Z"}};
  bv_csv_day day = {0};
  char text[64];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int twice = 0; twice < 2; twice++) {
      *bv_csv_put_time(text, cases[i].t, &day) = 0;
      assert_string_equal(text, cases[i].text);
    }
  }
  for (int i = 0; i < 20000; i++) {
    int64_t t = (int64_t)(next_random(&seed) % (uint64_t)(BV_INSTANT_MAX - BV_INSTANT_MIN)) +
                BV_INSTANT_MIN,
            back;
    char *end = bv_csv_put_time(text, t, &day);
    assert_int_equal(bv_instant_parse(text, (size_t)(end - text), NULL, &back, NULL, NULL), BV_OK);
    assert_int_equal(back, t);
  }
}

/* ---- files ---- */

static int files_in_dir(void) {
  int n = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

/* n bytes of sample text, in pieces of all sizes. */
static bv_rc write_sample(bv_outfile *f, size_t n, bv_err *err) {
  static const char text[] = "2024-01-03T14:30:00Z,100.25,100.5,100,100.125,31415\n";
  for (size_t done = 0, k = 1; done < n; k = k % 40 + 1) {
    size_t at = done % (sizeof text - 1), part = sizeof text - 1 - at;
    if (part > k) part = k;
    if (part > n - done) part = n - done;
    BV_TRY(bv_outfile_write(f, text + at, part, err));
    done += part;
  }
  return BV_OK;
}

static void expect_sample(const char *path, size_t n, bv_infile_kind kind) {
  static const char text[] = "2024-01-03T14:30:00Z,100.25,100.5,100,100.125,31415\n";
  bv_infile *in;
  char piece[5000];
  size_t got = 1, at = 0;
  bv_err err = {0};
  assert_int_equal(bv_infile_open(path, &in, &err), BV_OK);
  assert_int_equal(bv_infile_kind_of(in), kind);
  while (got > 0) {
    if (bv_infile_read(in, piece, sizeof piece, &got, &err) != BV_OK) fail_msg("%s", err.msg);
    for (size_t i = 0; i < got; i++, at++) assert_int_equal(piece[i], text[at % (sizeof text - 1)]);
  }
  assert_int_equal(at, n);
  bv_infile_close(in);
}

static void test_kinds(void **state) {
  (void)state;
  static const struct {
    bv_outfile_kind kind;
    bv_infile_kind reads;
    int level;
  } cases[] = {{BV_OUTFILE_PLAIN, BV_INFILE_PLAIN, 0}, {BV_OUTFILE_GZIP, BV_INFILE_GZIP, 0},
               {BV_OUTFILE_GZIP, BV_INFILE_GZIP, 9},   {BV_OUTFILE_ZSTD, BV_INFILE_ZSTD, 0},
               {BV_OUTFILE_ZSTD, BV_INFILE_ZSTD, 1},   {BV_OUTFILE_ZSTD, BV_INFILE_ZSTD, 12}};
  static const size_t sizes[] = {0, 1, 300000, 2000000};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t k = 0; k < 4; k++) {
      bv_outfile *f;
      bv_err err = {0};
      int64_t bytes = -1, before = bv_mem_total();
      struct stat st;
      assert_int_equal(bv_outfile_open(in_dir("x"), cases[i].kind, cases[i].level, true, &f, &err),
                       BV_OK);
      assert_int_equal(write_sample(f, sizes[k], &err), BV_OK);
      assert_int_equal(files_in_dir(), i + k == 0 ? 1 : 2); /* the temporary one beside the last */
      assert_int_equal(bv_outfile_commit(f, &bytes, &err), BV_OK);
      assert_int_equal(bv_mem_total(), before);
      assert_int_equal(files_in_dir(), 1);
      assert_int_equal(stat(in_dir("x"), &st), 0);
      assert_int_equal(bytes, st.st_size);
      /* an empty file has no compression to tell */
      if (sizes[k] || cases[i].kind == BV_OUTFILE_PLAIN)
        expect_sample(in_dir("x"), sizes[k], cases[i].reads);
    }
  }
  mode_t mask = umask(0);
  umask(mask);
  struct stat st;
  assert_int_equal(stat(in_dir("x"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
}

static void expect_no_file(const char *path, bv_rc rc, const char *why) {
  bv_outfile *f;
  bv_err err = {0};
  int before = files_in_dir();
  assert_int_equal(bv_outfile_open(path, BV_OUTFILE_PLAIN, 0, false, &f, &err), rc);
  assert_null(f);
  if (!strstr(err.msg, why)) fail_msg("'%s' does not say '%s'", err.msg, why);
  assert_int_equal(files_in_dir(), before);
}

static void test_targets(void **state) {
  (void)state;
  bv_outfile *f, *g;
  bv_err err = {0};
  expect_no_file(in_dir("no/x"), BV_IO, "No such file or directory");
  expect_no_file(dir, BV_ARG, "this is a directory");
  expect_no_file("/dev/null", BV_ARG, "not a regular file");
  if (geteuid() != 0) expect_no_file("/proc/x", BV_IO, "cannot be made");
  /* two at once: the second one to finish finds the file of the first */
  assert_int_equal(bv_outfile_open(in_dir("x"), BV_OUTFILE_PLAIN, 0, false, &f, &err), BV_OK);
  assert_int_equal(bv_outfile_open(in_dir("x"), BV_OUTFILE_PLAIN, 0, false, &g, &err), BV_OK);
  assert_string_not_equal(bv_outfile_temp(f), bv_outfile_temp(g));
  assert_int_equal(write_sample(f, 100, &err), BV_OK);
  assert_int_equal(write_sample(g, 200, &err), BV_OK);
  assert_int_equal(access(in_dir("x"), F_OK), -1);
  assert_int_equal(bv_outfile_commit(f, NULL, &err), BV_OK);
  assert_int_equal(bv_outfile_commit(g, NULL, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "the file exists"));
  expect_sample(in_dir("x"), 100, BV_INFILE_PLAIN);
  assert_int_equal(files_in_dir(), 1);
  expect_no_file(in_dir("x"), BV_ARG, "set the option overwrite to replace it");
  /* given up: what was there stays */
  bv_err_clear(&err);
  assert_int_equal(bv_outfile_open(in_dir("x"), BV_OUTFILE_ZSTD, 0, true, &f, &err), BV_OK);
  assert_int_equal(write_sample(f, 100000, &err), BV_OK);
  bv_outfile_discard(f);
  bv_outfile_discard(NULL);
  expect_sample(in_dir("x"), 100, BV_INFILE_PLAIN);
  /* through a link the file itself is replaced */
  struct stat st;
  char link_path[200];
  strcpy(link_path, in_dir("link"));
  assert_int_equal(symlink("x", link_path), 0);
  assert_int_equal(bv_outfile_open(link_path, BV_OUTFILE_PLAIN, 0, true, &f, &err), BV_OK);
  assert_int_equal(write_sample(f, 300, &err), BV_OK);
  assert_int_equal(bv_outfile_commit(f, NULL, &err), BV_OK);
  assert_int_equal(lstat(link_path, &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  expect_sample(in_dir("x"), 300, BV_INFILE_PLAIN);
  assert_int_equal(files_in_dir(), 2);
}

/* A limit on the size of files stands for a full disk. */
static void test_full(void **state) {
  (void)state;
  struct rlimit old, small;
  bv_outfile_kind kinds[] = {BV_OUTFILE_PLAIN, BV_OUTFILE_GZIP, BV_OUTFILE_ZSTD};
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, SIG_IGN);
  for (size_t i = 0; i < 3; i++) {
    bv_outfile *f;
    bv_err err = {0};
    small = (struct rlimit){i ? 100 : 10000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(bv_outfile_open(in_dir("x"), kinds[i], 0, false, &f, &err), BV_OK);
    bv_rc rc = write_sample(f, 1000000, &err);
    assert_true(rc == BV_IO || (i > 0 && rc == BV_OK)); /* compressed bytes may still wait */
    bv_err why = {0};
    assert_int_equal(bv_outfile_commit(f, NULL, &why), BV_IO);
    assert_non_null(
        strstr(rc == BV_IO ? err.msg : why.msg, "x: cannot be written: File too large"));
    assert_int_equal(files_in_dir(), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  }
  signal(SIGXFSZ, SIG_DFL);
}

static void test_no_memory(void **state) {
  (void)state;
  bv_outfile_kind kinds[] = {BV_OUTFILE_PLAIN, BV_OUTFILE_GZIP, BV_OUTFILE_ZSTD};
  for (size_t i = 0; i < 3; i++) {
    int64_t before = bv_mem_total();
    int failures = 0;
    for (int64_t n = 0;; n++) {
      bv_outfile *f = NULL;
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_outfile_open(in_dir("x"), kinds[i], 0, true, &f, NULL);
      if (rc == BV_OK) rc = write_sample(f, 1000, NULL);
      bool failed = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      bv_outfile_discard(f);
      assert_int_equal(bv_mem_total(), before);
      assert_int_equal(files_in_dir(), 0);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      if (!failed) break;
      failures++;
    }
    assert_true(failures >= 3);
  }
}

/* ---- statements that run out of memory ---- */

/* The n-th allocation fails, for every n: the statement says so, leaves no file, no half of anything and no
** open transaction, and works when it is tried again. */
static void starve(const char *sql, const char *reset, const char *count, int at_least) {
  sqlite3 *db = db_open(":memory:");
  char *full = sqlite3_mprintf(sql, dir);
  int failures = 0;
  sql_ok(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
             "('A', 'minute', 0, 1, 1, 1, 1), ('B', 'minute', 60, 2, 2, 2, 2)");
  char *before = sql_text(db, count);
  for (int64_t n = 0;; n++) {
    int files = files_in_dir();
    bv_alloc_fail_after(n, 0);
    char *got = sql_text(db, full);
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    bool error = strncmp(got, "error ", 6) == 0;
    /* a cache may do without what it did not get */
    if (error && !strstr(got, "out of memory")) fail_msg("allocation %d: %s", (int)n, got);
    assert_true(failed || !error);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    if (error) {
      sql_is(db, count, before);
      assert_int_equal(files_in_dir(), files);
    }
    sqlite3_free(got);
    char *clear = sqlite3_mprintf(reset, dir);
    if (!error && clear[0] == '/') assert_int_equal(unlink(clear), 0);
    if (!error && clear[0] != '/') sql_ok(db, clear);
    sqlite3_free(clear);
    failures += error;
    if (!failed) break;
  }
  if (failures < at_least) fail_msg("%s: only %d places", full, failures);
  sqlite3_free(before);
  sqlite3_free(full);
  db_close(db);
}

static void test_statements(void **state) {
  (void)state;
  const char *forget = "DELETE FROM bars WHERE asset IN ('x', 'y') AND timestep = 'minute'; "
                       "DELETE FROM barsvt_coverage; DELETE FROM barsvt_reject";
  const char *count = "SELECT (SELECT count(*) FROM barsvt_hot) || ' ' || (SELECT count(*) FROM "
                      "barsvt_coverage)";
  /* files before the one that fails stay: two bars, one rejected row, one line of coverage each */
  const char *whole = "SELECT (SELECT count(*) FROM barsvt_hot) = 2 + 2 * (SELECT count(*) FROM "
                      "barsvt_coverage) AND (SELECT count(*) FROM barsvt_coverage) = "
                      "(SELECT count(*) FROM barsvt_reject)";
  static const char *const text = "ts,open,high,low,close\n0,1,1,1,1\n60,1,1,1,1\n120,2,1,1,1\n";
  const char *const names[] = {"x.csv", "y.csv"};
  /* its allocations are kept for good: the first time must not be counted */
  sqlite3 *db = db_open(":memory:");
  sql_ok(db, "SELECT bars_time('2024-01-01')");
  db_close(db);
  starve("SELECT bars_export('%s/out.csv', NULL, 'minute')", "%s/out.csv", count, 10);
  starve("SELECT bars_export('%s/out.csv.gz', 'A', 'minute')", "%s/out.csv.gz", count, 10);
  starve("SELECT bars_export('%s/out.csv.zst', NULL, 'minute')", "%s/out.csv.zst", count, 10);
  for (size_t i = 0; i < 2; i++) {
    FILE *f = fopen(in_dir(names[i]), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
  }
  starve("SELECT bars_import('%s/*.csv', NULL, 'minute')", forget, whole, 20);
  starve("SELECT bars_import('%s', NULL, 'minute', '{\"stop_on_error\": true}')", forget, whole,
         20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_random_numbers),
      cmocka_unit_test(test_decimals),
      cmocka_unit_test(test_times),
      cmocka_unit_test_setup_teardown(test_kinds, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(test_targets, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(test_full, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(test_no_memory, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(test_statements, make_dir, remove_dir),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
