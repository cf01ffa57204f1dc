/* test_feature.c - features registered from C: calls, versions, errors, lack of memory. */
#include "barsvt.h"
#include "base/alloc.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct model {
  double factor;
  int calls, destroyed;
} model;

static int answer(void *ctx, const char *asset, int64_t ts, int narg, const double *arg,
                  double *result, char **errmsg) {
  model *m = ctx;
  m->calls++;
  if (ts < 0) {
    *errmsg = sqlite3_mprintf("nothing is known of %s before 1970", asset);
    return SQLITE_ERROR;
  }
  *result = m->factor * (double)ts;
  for (int i = 0; i < narg; i++) *result += arg[i];
  return SQLITE_OK;
}

static void destroy(void *ctx) {
  ((model *)ctx)->destroyed++;
}

static barsvt_feature definition(model *m, const char *version) {
  return (barsvt_feature){.size = sizeof(barsvt_feature),
                          .name = "score",
                          .version = version,
                          .narg = 1,
                          .pure = 1,
                          .fn = answer,
                          .ctx = m,
                          .destroy = destroy};
}

static sqlite3 *make(void) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_barsvt_init(db, NULL, NULL) & 0xff, SQLITE_OK);
  return db;
}

/* The first value of a query; NaN where it is NULL. */
static double number(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
  if (sqlite3_step(st) != SQLITE_ROW) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  double v = sqlite3_column_type(st, 0) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 0);
  sqlite3_finalize(st);
  return v;
}

static void results_are_kept(void **state) {
  (void)state;
  model one = {.factor = 2}, two = {.factor = 3};
  sqlite3 *db = make();
  barsvt_feature d = definition(&one, "1");
  assert_int_equal(barsvt_feature_register(db, &d, NULL), SQLITE_OK);
  for (int i = 0; i < 2; i++) {
    assert_true(number(db, "SELECT score('A', 10, 0.5)") == 20.5);
    assert_true(number(db, "SELECT score('B', 10, 0.5)") == 20.5);
    assert_true(isnan(number(db, "SELECT score('A', 10, NULL)")));
    assert_int_equal(one.calls, 3);
  }
  assert_int_equal(barsvt_feature_save(db, NULL), SQLITE_OK);
  assert_true(number(db, "SELECT count(*) FROM barsvt_feature_value") == 3);
  assert_true(number(db, "SELECT score('A', 10, 0.5)") == 20.5);
  assert_int_equal(one.calls, 3);
  d = definition(&two, "2");
  assert_int_equal(barsvt_feature_register(db, &d, NULL), SQLITE_OK);
  assert_int_equal(one.destroyed, 1);
  assert_true(number(db, "SELECT score('A', 10, 0.5)") == 30.5);
  d = definition(&one, "1");
  assert_int_equal(barsvt_feature_register(db, &d, NULL), SQLITE_OK);
  assert_true(number(db, "SELECT score('A', 10, 0.5)") == 20.5);
  assert_int_equal(one.calls, 3); /* back at the version that is stored */
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(one.destroyed, 2);
  assert_int_equal(two.destroyed, 1);
}

static void what_is_wrong(void **state) {
  (void)state;
  model m = {.factor = 1};
  sqlite3 *db = make();
  barsvt_feature good = definition(&m, "1"), size = good, name = good, taken = good, fn = good,
                 many = good;
  size.size = 1;
  name.name = "not a name";
  taken.name = "abs";
  fn.fn = NULL;
  many.narg = 99;
  const struct {
    const barsvt_feature *d;
    const char *says;
  } cases[] = {{NULL, "size must be"},     {&size, "size must be"},
               {&name, "letters, digits"}, {&taken, "a function 'abs' already"},
               {&fn, "needs a function"},  {&many, "arguments"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *why = NULL;
    assert_int_not_equal(barsvt_feature_register(db, cases[i].d, &why), SQLITE_OK);
    if (!why || !strstr(why, cases[i].says)) fail_msg("%s", why);
    sqlite3_free(why);
  }
  assert_int_equal(barsvt_feature_register(db, &good, NULL), SQLITE_OK);
  for (int i = 0; i < 2; i++) { /* an error is not kept */
    assert_int_equal(sqlite3_exec(db, "SELECT score('A', -1, 0)", NULL, NULL, NULL), SQLITE_ERROR);
    assert_non_null(strstr(sqlite3_errmsg(db), "score: nothing is known of A before 1970"));
    assert_int_equal(m.calls, i + 1);
  }
  assert_int_equal(sqlite3_exec(db, "SELECT score('A', 1, 'x')", NULL, NULL, NULL), SQLITE_ERROR);
  assert_int_equal(sqlite3_exec(db, "SELECT score('A', 1)", NULL, NULL, NULL), SQLITE_ERROR);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int ask_and_save(sqlite3 *db, model *m, char **why) {
  barsvt_feature d = definition(m, "1");
  int code = barsvt_feature_register(db, &d, why);
  if (code == SQLITE_OK)
    code = sqlite3_exec(db, "SELECT score('A', 1, 2), score('A', 2, 2)", NULL, NULL, NULL);
  if (code == SQLITE_OK) code = barsvt_feature_save(db, why);
  if (code == SQLITE_OK) code = sqlite3_exec(db, "SELECT score('A', 1, 2)", NULL, NULL, NULL);
  return code;
}

static void memory_runs_out(void **state) {
  (void)state;
  int failed = 0;
  for (int keep = 0; keep < 2; keep++) {
    for (int64_t n = 0;; n++) {
      model m = {.factor = 1};
      sqlite3 *db = make();
      bv_alloc_fail_after(n, keep);
      char *why = NULL;
      int code = ask_and_save(db, &m, &why);
      int64_t hit = bv_alloc_failures();
      bv_alloc_fail_after(-1, 0);
      if (code != SQLITE_OK && code != SQLITE_NOMEM) fail_msg("%d: %s", code, sqlite3_errmsg(db));
      failed += code == SQLITE_NOMEM;
      sqlite3_free(why);
      why = NULL;
      if (code != SQLITE_OK && ask_and_save(db, &m, &why) != SQLITE_OK) {
        fail_msg("%s, %s", why, sqlite3_errmsg(db));
      }
      assert_true(number(db, "SELECT sum(value) FROM barsvt_feature_value") == 7);
      assert_int_equal(sqlite3_close(db), SQLITE_OK);
      if (hit == 0) break;
    }
  }
  assert_true(failed > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_kept),
      cmocka_unit_test(what_is_wrong),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
