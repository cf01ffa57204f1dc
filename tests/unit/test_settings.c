/* test_settings.c - what bars_config() reads and sets. */
#include "store_fixture.h"

#include "data/settings.h"
#include "data/window.h"

static void is(const char *name, const char *want) {
  char out[64];
  bv_err err = {0};
  ok(bv_setting_get(store, name, out, &err), &err);
  assert_string_equal(out, want);
}

static void set(const char *name, const char *value, const char *want) {
  bv_err err = {0};
  ok(bv_setting_set(store, name, value, &err), &err);
  is(name, want);
}

static void refused(const char *name, const char *value, const char *part) {
  char before[64], after[64];
  bv_err err = {0};
  bv_setting_get(store, name, before, NULL) == BV_OK ? (void)0 : (void)strcpy(before, "");
  bv_rc rc = bv_setting_set(store, name, value, &err);
  if (rc != BV_ARG && rc != BV_NOTFOUND) fail_msg("%s = '%s': %s", name, value, bv_rc_text(rc));
  if (!strstr(err.msg, part)) fail_msg("'%s' does not say '%s'", err.msg, part);
  bv_setting_get(store, name, after, NULL) == BV_OK ? (void)0 : (void)strcpy(after, "");
  assert_string_equal(before, after);
}

static void defaults(void **state) {
  (void)state;
  is("memory_limit", "1073741824");
  is("history", "5000");
  is("future", "1000");
  is("tz", "UTC");
  is("TZ", "UTC");
}

static void every_setting_is_described(void **state) {
  (void)state;
  int n;
  const bv_setting *table = bv_settings(&n);
  assert_true(n >= 4);
  for (int i = 0; i < n; i++) {
    char out[64];
    assert_true(strlen(table[i].name) > 1 && strlen(table[i].unit) > 1 && strlen(table[i].doc) > 5);
    assert_int_equal(bv_setting_get(store, table[i].name, out, NULL), BV_OK);
    assert_int_equal(bv_setting_set(store, table[i].name, out, NULL), BV_OK); /* reads back */
    is(table[i].name, out);
  }
}

static void memory_limit(void **state) {
  (void)state;
  static const struct {
    const char *text, *bytes;
  } row[] = {{"1000000", "1000000"},   {"512 MB", "512000000"},
             {"512MB", "512000000"},   {"512 mib", "536870912"},
             {"1 GB", "1000000000"},   {"2GiB", "2147483648"},
             {"2000 kB", "2000000"},   {"2000 KiB", "2048000"},
             {"1048576 b", "1048576"}, {"9223372036854775807", "9223372036854775807"}};
  for (size_t i = 0; i < COUNT(row); i++) set("memory_limit", row[i].text, row[i].bytes);
  static const char *const bad[] = {"",
                                    " ",
                                    "x",
                                    "-1",
                                    "1.5 GB",
                                    "1 TB",
                                    "1 GB x",
                                    "GB",
                                    "1e9",
                                    "+5 MB",
                                    "9223372036854775808",
                                    "9223372036854775807 kB",
                                    "10000000000 GB"};
  for (size_t i = 0; i < COUNT(bad); i++) refused("memory_limit", bad[i], "memory_limit");
  refused("memory_limit", "999999", "below 1 MB");
  refused("memory_limit", "0", "below 1 MB");
}

static void counts(void **state) {
  (void)state;
  set("history", "1", "1");
  set("history", "100000000", "100000000");
  set("future", "17", "17");
  static const char *const bad[] = {"", "0", "-1", "100000001", "x", "1.0", "1 bar", " 5", "1e3"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    refused("history", bad[i], "history");
    refused("future", bad[i], "future");
  }
}

static void threads(void **state) {
  (void)state;
  set("threads", "1", "1");
  set("threads", "16", "16");
  static const char *const bad[] = {"", "0", "17", "-1", "two", "1.5"};
  for (size_t i = 0; i < COUNT(bad); i++) refused("threads", bad[i], "threads");
}

static void zones(void **state) {
  (void)state;
  set("tz", "America/New_York", "America/New_York");
  set("tz", "+05:30", "+05:30");
  refused("tz", "Mars/Olympus", "Mars/Olympus");
  refused("tz", "", "");
  refused("tz", "../../etc/passwd", "");
  set("tz", "UTC", "UTC");
}

static void unknown_names(void **state) {
  (void)state;
  char out[64];
  bv_err err = {0};
  assert_int_equal(bv_setting_get(store, "histroy", out, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "did you mean 'history'"));
  refused("memorylimit", "1 GB", "did you mean 'memory_limit'");
  refused("colour", "red", "unknown setting 'colour'");
  refused("", "1", "unknown setting");
}

static bv_source some_source(void) {
  static model m;
  bv_err err = {0};
  bv_window *w;
  m = model_new("minute", 0, 300, 3, false, 1);
  model_store(store, &m, "A", "minute", NULL);
  bv_source src = bv_source_stored(&m.series);
  ok(bv_window_shared(store, &src, m.ts[100], 5, 1, &w, &err), &err);
  bv_window_unref(w);
  model_free(&m);
  assert_non_null(store->window);
  return src;
}

/* Windows have the sizes they were made with: new ones replace them. */
static void sizes_take_effect_at_once(void **state) {
  (void)state;
  bv_err err = {0};
  bv_window *w;
  bv_source src = some_source();
  set("history", "20", "20");
  assert_null(store->window);
  ok(bv_window_shared(store, &src, INT64_MAX, 20, 1, &w, &err), &err);
  assert_int_equal(w->most, 20 + 1000 + 1000 + 1);
  bv_window_unref(w);
  set("future", "10", "10");
  assert_null(store->window);
}

static void a_lower_limit_evicts(void **state) {
  (void)state;
  some_source();
  assert_true(bv_mem_used(BV_MEM_WINDOW) > 1000);
  void *much = bv_alloc(BV_MEM_BASE, 1000000); /* the rest is the caches' */
  set("memory_limit", "1 MB", "1000000");
  bv_free(much);
  assert_null(store->window);
  assert_true(bv_mem_used(BV_MEM_WINDOW) < 1000);
  set("memory_limit", "1 GB", "1000000000");
}

/* Settings belong to one connection. */
static void connections_are_apart(void **state) {
  (void)state;
  sqlite3 *other = db_open(":memory:");
  set("history", "33", "33");
  sql_is(other, "SELECT bars_config('history')", "5000");
  sql_is(db, "SELECT bars_config('history')", "33");
  sql_is(db, "SELECT bars_config('HISTORY', 44)", "44");
  sql_is(db, "SELECT value FROM bars_setting WHERE name = 'history'", "44");
  sql_fails(db, "SELECT bars_config('memory_limit', 2000000.0)", "'2000000.0' is not a size");
  sql_fails(db, "SELECT bars_config('history', NULL)", "NULL");
  sql_fails(db, "SELECT bars_config(NULL)", "bars_config");
  sql_fails(db, "SELECT bars_config()", "bars_config");
  sql_fails(db, "SELECT bars_config('history', 1, 2)", "bars_config");
  db_close(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_store)
      TEST(defaults),
      TEST(every_setting_is_described),
      TEST(memory_limit),
      TEST(counts),
      TEST(threads),
      TEST(zones),
      TEST(unknown_names),
      TEST(sizes_take_effect_at_once),
      TEST(a_lower_limit_evicts),
      TEST(connections_are_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
