/* test_filelist.c - paths, directories and patterns as lists of files; symbols from file names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dir_fixture.h"

#include "data/filelist.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void touch(const char *name) {
  FILE *f = fopen(in_dir(name), "w");
  assert_non_null(f);
  fclose(f);
}

/* The names behind the directory, a space between. */
static void expect_list(const char *path, const char *names, bool many, size_t skipped) {
  bv_filelist l;
  bv_err err = {0};
  char got[400] = "";
  int64_t before = bv_mem_total();
  if (bv_filelist_make(path, &l, &err) != BV_OK) fail_msg("%s: %s", path, err.msg);
  for (size_t i = 0; i < l.n; i++) {
    const char *name = l.path[i];
    if (strncmp(name, dir, strlen(dir)) == 0) name += strlen(dir) + 1;
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", name);
  }
  assert_string_equal(got, names);
  assert_int_equal(l.many, many);
  assert_int_equal(l.skipped, skipped);
  bv_filelist_reset(&l);
  assert_int_equal(l.n, 0);
  assert_int_equal(bv_mem_total(), before);
}

static void expect_failure(const char *path, bv_rc rc, const char *why) {
  bv_filelist l;
  bv_err err = {0};
  int64_t before = bv_mem_total();
  assert_int_equal(bv_filelist_make(path, &l, &err), rc);
  if (!strstr(err.msg, why)) fail_msg("'%s' does not say '%s'", err.msg, why);
  assert_int_equal(l.n, 0);
  assert_int_equal(bv_mem_total(), before);
}

static void test_lists(void **state) {
  (void)state;
  static const char *const names[] = {"b.csv",  "B.csv", "a.csv",    "c.CSV.ZST",   "d.parquet",
                                      "e.dbn",  "f.zip", "notes.md", ".hidden.csv", "g.txt.gz",
                                      "h.json", "i.zst", "j.csv.bak"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) touch(names[i]);
  assert_int_equal(mkdir(in_dir("sub.csv"), 0777), 0);
  assert_int_equal(mkdir(in_dir("empty"), 0777), 0);
  /* in the order of bytes, also where the locale's is another */
  setlocale(LC_ALL, "C.UTF-8");
  const char *all = "B.csv a.csv b.csv c.CSV.ZST d.parquet e.dbn f.zip g.txt.gz";
  expect_list(dir, all, true, 4);
  expect_list(in_dir(""), all, true, 4);
  expect_list(in_dir("*.csv"), "B.csv a.csv b.csv", true, 0);
  expect_list(in_dir("[ab].csv"), "a.csv b.csv", true, 0);
  expect_list(in_dir("?.csv"), "B.csv a.csv b.csv", true, 0);
  expect_list(in_dir("*.md"), "notes.md", true, 0); /* a pattern means what it says */
  expect_list(in_dir("a.csv"), "a.csv", false, 0);
  expect_list("nowhere.csv", "nowhere.csv", false, 0);
  touch("x[1]*.csv"); /* an existing file is itself */
  expect_list(in_dir("x[1]*.csv"), "x[1]*.csv", false, 0);
  expect_failure(in_dir("*.none"), BV_NOTFOUND, "no file matches this pattern");
  expect_failure(in_dir("empty"), BV_NOTFOUND, "no file in this directory ends in .csv");
  expect_failure(in_dir("nowhere/*.csv"), BV_NOTFOUND, "no file matches");
  if (geteuid() != 0) {
    assert_int_equal(chmod(in_dir("empty"), 0), 0);
    expect_failure(in_dir("empty"), BV_IO, "cannot be opened: Permission denied");
  }
}

static void test_mixed(void **state) {
  (void)state;
  assert_int_equal(mkdir(in_dir("spy"), 0777), 0);
  touch("spy/20131007_trade.zip");
  expect_list(in_dir("spy"), "spy/20131007_trade.zip", true, 0);
  touch("spy/20131008_quote.zip");
  expect_failure(in_dir("spy"), BV_ARG, "trades and quotes of LEAN");
  expect_failure(in_dir("spy/*"), BV_ARG, "'*_trade.zip' or '*_quote.zip'");
  expect_list(in_dir("spy/*_quote.zip"), "spy/20131008_quote.zip", true, 0);
}

static void test_symbols(void **state) {
  (void)state;
  static const struct {
    const char *path, *symbol;
    bool bars;
  } cases[] = {
      {"SPY.csv", "SPY", true},
      {"/data/2024/brk.b.csv.zst", "brk.b", true},
      {"data/ES_2024.dbn.zst", "ES_2024", true},
      {"a.Parquet", "a", true},
      {"a.pq", "a", true},
      {"a.TXT.GZ", "a", true},
      {"a.csv.csv", "a.csv", true},
      {"a.zst", "a", false},
      {"a.json", "a.json", false},
      {"noext", "noext", false},
      {".csv", ".csv", false}, /* a name is needed in front of the ending */
      {"dir.csv/x", "x", false},
      {"", "", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char symbol[65];
    assert_int_equal(bv_file_symbol(cases[i].path, symbol, sizeof symbol), strlen(cases[i].symbol));
    assert_string_equal(symbol, cases[i].symbol);
    assert_int_equal(bv_file_is_bars(cases[i].path), cases[i].bars);
  }
  char cut[4];
  assert_int_equal(bv_file_symbol("abcdef.csv", cut, sizeof cut), 6);
  assert_string_equal(cut, "abc");
}

static void test_no_memory(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d.tab", i);
    touch(name);
  }
  const char *paths[] = {dir, "*.tab", "1.tab"};
  for (size_t k = 0; k < 3; k++) {
    char path[200];
    snprintf(path, sizeof path, "%s", k == 0 ? dir : in_dir(paths[k]));
    int64_t before = bv_mem_total();
    int failures = 0;
    for (int64_t n = 0;; n++) {
      bv_filelist l;
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_filelist_make(path, &l, NULL);
      bool failed = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      bv_filelist_reset(&l);
      assert_int_equal(bv_mem_total(), before);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      if (!failed) break;
      failures++;
    }
    assert_true(failures >= 2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_lists, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(test_mixed, make_dir, remove_dir),
      cmocka_unit_test(test_symbols),
      cmocka_unit_test_setup_teardown(test_no_memory, make_dir, remove_dir),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
