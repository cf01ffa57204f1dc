/* test_json.c - the leaves of JSON options. */
#include "data_help.h"

#include "base/buf.h"
#include "data/json.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  return sqlite3_open(":memory:", &db) != SQLITE_OK;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

static bv_rc write_leaf(void *ctx, const char *path, const char *type, sqlite3_value *v,
                        bv_err *err) {
  (void)err;
  const char *text = (const char *)sqlite3_value_text(v);
  return bv_buf_addf(ctx, "%s:%s=%s;", path, type, text ? text : "NULL");
}

static void leaves(const char *json, const char *want) {
  bv_buf b;
  bv_err err = {0};
  bv_buf_init(&b, BV_MEM_BASE, 10000);
  ok(bv_json_walk(db, json, "options", write_leaf, &b, &err), &err);
  assert_string_equal(bv_buf_text(&b), want);
  bv_buf_reset(&b);
}

static void every_kind_of_leaf(void **state) {
  (void)state;
  leaves("{\"a\": 1, \"b\": 2.5, \"c\": \"x\", \"d\": true, \"e\": false, \"f\": null}",
         "a:integer=1;b:real=2.5;c:text=x;d:true=1;e:false=0;f:null=NULL;");
  leaves("{\"a\": {\"b\": {\"c\": -1}}}", "a.b.c:integer=-1;");
  leaves("{\"list\": [\"x\", 2, [3]]}", "list[0]:text=x;list[1]:integer=2;list[2][0]:integer=3;");
  leaves("{\"e\": {}, \"f\": [], \"g\": [[]]}", "");
  leaves("{\"a.b\": 1, \"with space\": 2, \"\": 3}",
         "a.b:integer=1;with space:integer=2;:integer=3;");
  leaves("{\"a\": \"\\u00e9\\n\"}", "a:text=\xc3\xa9\n;");
  leaves("{\"a\": 9223372036854775807}", "a:integer=9223372036854775807;");
  leaves("{\"a\": 1e400}", "a:real=Inf;");
}

static void nothing_is_an_empty_object(void **state) {
  (void)state;
  static const char *const none[] = {NULL, "", "   ", "\n\t ", "{}", " { } "};
  for (size_t i = 0; i < COUNT(none); i++) leaves(none[i], "");
}

static void what_is_no_object(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
  } row[] = {{"{", "not valid JSON"},          {"x", "not valid JSON"},
             {"{\"a\":}", "not valid JSON"},   {"{\"a\":1} x", "not valid JSON"},
             {"{'a':1,}", "not valid JSON"},   {"[1]", "must be a JSON object"},
             {"1", "must be a JSON object"},   {"\"a\"", "must be a JSON object"},
             {"null", "must be a JSON object"}};
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_err err = {0};
    bv_buf b;
    bv_buf_init(&b, BV_MEM_BASE, 100);
    assert_int_equal(bv_json_walk(db, row[i].text, "these options", write_leaf, &b, &err), BV_ARG);
    if (!strstr(err.msg, row[i].part) || strncmp(err.msg, "these options", 13) != 0) {
      fail_msg("%s: %s", row[i].text, err.msg);
    }
    assert_int_equal(b.n, 0);
    bv_buf_reset(&b);
  }
}

/* A path longer than fits is cut, not written past its end. */
static void long_paths(void **state) {
  (void)state;
  char json[2000], key[1000];
  bv_buf b;
  bv_err err = {0};
  memset(key, 'k', sizeof key - 1);
  key[sizeof key - 1] = 0;
  snprintf(json, sizeof json, "{\"%s\": 1}", key);
  bv_buf_init(&b, BV_MEM_BASE, 10000);
  ok(bv_json_walk(db, json, "options", write_leaf, &b, &err), &err);
  assert_true(b.n > 100 && b.n < 300);
  assert_memory_equal(bv_buf_text(&b), key, 100);
  bv_buf_reset(&b);
}

static int calls;

static bv_rc third_fails(void *ctx, const char *path, const char *type, sqlite3_value *v,
                         bv_err *err) {
  (void)ctx;
  (void)type;
  (void)v;
  return ++calls == 3 ? bv_fail(err, BV_RANGE, "no %s", path) : BV_OK;
}

static void an_error_ends_the_walk(void **state) {
  (void)state;
  bv_err err = {0};
  calls = 0;
  bv_rc rc = bv_json_walk(db, "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "o", third_fails, NULL, &err);
  assert_int_equal(rc, BV_RANGE);
  assert_int_equal(calls, 3);
  assert_string_equal(err.msg, "no c");
  assert_null(sqlite3_next_stmt(db, NULL)); /* nothing is left open */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_leaf),     cmocka_unit_test(nothing_is_an_empty_object),
      cmocka_unit_test(what_is_no_object),      cmocka_unit_test(long_paths),
      cmocka_unit_test(an_error_ends_the_walk),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
