/* test_partition.c - partitions: stretches of time, reading in any way that memory may fail, moving in any such way. */
#include "data_help.h"

#include "data/own.h"
#include "data/partition.h"
#include "data/seg.h"
#include "data/summary.h"

#include <dirent.h>

static char path[80], stem[80];
static sqlite3 *db;
static bv_store *store;

/* All files that the database made. */
static void remove_files(void) {
  DIR *d = opendir("tests/tmp");
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) {
    char name[400];
    if (strncmp(e->d_name, stem, strlen(stem)) != 0) continue;
    snprintf(name, sizeof name, "tests/tmp/%s", e->d_name);
    unlink(name);
  }
  closedir(d);
}

static int setup(void **state) {
  (void)state;
  db_file_name("partition", path, sizeof path);
  snprintf(stem, sizeof stem, "%.*s", (int)(strlen(path) - strlen("tests/tmp/") - 3),
           path + strlen("tests/tmp/"));
  remove_files();
  db = db_open(path);
  store = db_store(db);
  sql_ok(db, "PRAGMA synchronous = off");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  remove_files();
  return 0;
}

/* ---- stretches ---- */

static void stretches(void **state) {
  (void)state;
  bv_partition file = {.id = 1};
  bv_parts *p = calloc(1, sizeof *p + 3 * sizeof p->at[0]);
  const int64_t ends[][2] = {{10, 19}, {30, 30}, {31, 50}};
  p->n = 3;
  for (int i = 0; i < 3; i++) {
    p->at[i] = (bv_part){.in = &file, .first = ends[i][0], .last = ends[i][1]};
  }
  for (int64_t lo = 0; lo < 60; lo++) {
    int in = -1;
    for (int i = 0; i < 3; i++) {
      if (ends[i][0] <= lo && lo <= ends[i][1]) in = i;
    }
    assert_ptr_equal(bv_parts_at(p, lo), in < 0 ? NULL : &p->at[in]);
    for (int64_t hi = lo + 1; hi < 60; hi++) {
      const bv_stretch st = bv_parts_first(p, lo, hi);
      int64_t end = lo; /* as long as the same part, or none, has the instant */
      while (end < hi && bv_parts_at(p, end) == st.in) end++;
      assert_true(st.lo == lo && st.hi == end && st.hi > lo);
      assert_ptr_equal(st.in, in < 0 ? NULL : &p->at[in]);
    }
  }
  assert_true(bv_parts_first(NULL, 3, 7).hi == 7 && !bv_parts_at(NULL, 3));
  free(p);
}

/* ---- memory ---- */

/* Half a year of minutes with holes, of two assets. */
static model build(const char *asset) {
  model m = model_new("5 minutes", 1704067200, 30000, 4, false, 3);
  model_store(store, &m, asset, "5 minutes", "UTC");
  return m;
}

static uint64_t hash_of(const model *m) {
  bv_stats got;
  bv_err err = {0};
  ok(bv_summary_hash(store, &m->series, INT64_MAX, &got, &err), &err);
  assert_int_equal(got.n, m->n);
  return got.hash;
}

/* All bars, forwards or backwards, are those of the model. */
static bv_rc read_all(const model *m, bool desc) {
  bv_err err = {0};
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, BV_STORED_MASK);
  bv_rc rc = bv_raw_read(store, &m->series, INT64_MIN, INT64_MAX, m->n - 7, desc, &c, &err);
  if (rc == BV_OK) {
    assert_int_equal(c.n, m->n - 7);
    assert_memory_equal(c.ts, m->ts + (desc ? 7 : 0), (size_t)c.n * 8);
  }
  bv_chunk_reset(&c);
  return rc;
}

/* The statement with every n-th allocation failing, up to the first n that none reaches: either it is done, or nothing
** has happened and every bar is there. */
static int fail_each(const char *sql, const model *m, uint64_t hash, int step) {
  int failed = 0;
  for (int64_t n = 0;; n += step) {
    sql_ok(db, "SAVEPOINT each");
    bv_alloc_fail_after(n, 0);
    char *got = sql_text(db, sql);
    const bool hit = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    const bool done = strncmp(got, "{\"partitions\":", 14) == 0;
    if (!done && !strstr(got, "out of memory")) fail_msg("%s: %s", sql, got);
    assert_true(done || hit);
    sqlite3_free(got);
    assert_true(hash_of(m) == hash);
    sql_ok(db, hit ? "ROLLBACK TO each; RELEASE each" : "RELEASE each");
    assert_true(hash_of(m) == hash);
    if (!hit) return failed;
    failed += !done;
  }
}

static void out_of_memory(void **state) {
  (void)state;
  model m = build("A"), b = build("B");
  const uint64_t hash = hash_of(&m);
  assert_true(fail_each("SELECT bars_partition('month')", &m, hash, 173) > 5);
  sql_is(db, "SELECT count(*) > 3 FROM barsvt_partition", "1");
  for (int desc = 0; desc < 2; desc++) {
    assert_int_equal(read_all(&m, desc), BV_OK);
    for (int64_t n = 0, hit = 1; hit; n++) {
      bv_store_changed(store); /* the tables are read again */
      bv_seg_cache_clear(store);
      bv_partitions_free(store);
      bv_alloc_fail_after(n, 0);
      bv_rc rc = read_all(&m, desc);
      hit = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(rc, hit ? BV_NOMEM : BV_OK);
    }
  }
  for (int64_t n = 0, hit = 1; hit; n += 61) {
    bv_alloc_fail_after(n, 0);
    char *got = sql_text(db, "SELECT count(*) FROM bars_check");
    hit = bv_alloc_failures();
    bv_alloc_fail_after(-1, 0);
    if (strcmp(got, "0") != 0 && !strstr(got, "out of memory")) fail_msg("bars_check: %s", got);
    sqlite3_free(got);
  }
  assert_true(fail_each("SELECT bars_unpartition()", &m, hash, 173) > 5);
  sql_is(db, "SELECT count(*) FROM barsvt_partition", "0");
  sql_is(db, "SELECT count(*) FROM bars_check", "0");
  model_free(&m);
  model_free(&b);
}

/* Files stay open up to a number; memory of what was decoded in them is given back. */
static void few_are_open(void **state) {
  (void)state;
  model m = model_new("hour", 1100000000, 60000, 4, false, 3);
  model_store(store, &m, "A", "hour", "UTC");
  sql_ok(db, "SELECT bars_partition('month')");
  bv_partition *p;
  int n, open = 0;
  bv_err err = {0};
  assert_int_equal(read_all(&m, false), BV_OK);
  ok(bv_partitions(store, &p, &n, &err), &err);
  assert_true(n > BV_PARTITIONS_OPEN);
  for (int i = 0; i < n; i++) open += p[i].store != NULL;
  assert_int_equal(open, BV_PARTITIONS_OPEN);
  assert_true(p[n - 1].store && !p[0].store);
  assert_non_null(bv_partition_store(store, BV_PARTITIONS_OPEN - 1));
  assert_null(bv_partition_store(store, BV_PARTITIONS_OPEN));
  const int64_t held = bv_seg_cache_bytes(store);
  while (bv_seg_cache_drop_oldest(store, false)) continue;
  assert_true(held > 100000 && bv_seg_cache_bytes(store) == 0);
  assert_int_equal(read_all(&m, true), BV_OK);
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stretches),
      cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown),
      cmocka_unit_test_setup_teardown(few_are_open, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
