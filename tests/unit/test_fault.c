/*
** test_fault.c - memory that runs out at every place.
**
** Each step of the scenario of fault_help.h is run with its n-th allocation of ours, or of SQLite,
** failing: one, or all from then on until the step has failed.  Whatever fails must say so, must not
** have written half of anything, must leak nothing, and the same step again must give its answer as if
** nothing had happened.  Small n are all tried, larger ones in strides (with FAULT_DENSE in the
** environment: all of them, which takes minutes), up to one that fails nothing; and so is the scenario
** as a whole, where what is cached goes on from step to step.
*/
#include "fault_help.h"

static expectation expected;

/* ---- SQLite's allocator, with the same hook ---- */

static sqlite3_mem_methods plain;
static int64_t sqlite_left = -1; /* allocations until the first failure; < 0: off */
static int sqlite_keep;
static int64_t sqlite_failures;

static bool sqlite_must_fail(void) {
  if (sqlite_left < 0) return false;
  if (sqlite_left > 0) {
    sqlite_left--;
    return false;
  }
  if (!sqlite_keep) sqlite_left = -1;
  sqlite_failures++;
  return true;
}

static void *failing_malloc(int n) {
  return sqlite_must_fail() ? NULL : plain.xMalloc(n);
}

static void *failing_realloc(void *p, int n) {
  return sqlite_must_fail() ? NULL : plain.xRealloc(p, n);
}

static void fail_sqlite(int64_t n, int keep) {
  sqlite_keep = keep;
  sqlite_failures = 0;
  sqlite_left = n;
}

typedef struct hook {
  const char *name;
  void (*set)(int64_t n, int keep);
} hook;

static const hook ours = {"ours", bv_alloc_fail_after}, theirs = {"SQLite's", fail_sqlite};

static int64_t failures(const hook *h) {
  return h == &ours ? bv_alloc_failures() : sqlite_failures;
}

/* ---- one step with a failure ---- */

static bool writes(int k) {
  return strcmp(expected.state[k], expected.state[k + 1]) != 0;
}

static void check_healthy(sqlite3 *db, int k, int64_t n, const char *how) {
  if (!writes(k) && sqlite3_get_autocommit(db)) return;
  answer a = ask(db, "PRAGMA integrity_check");
  if (strcmp(a.rows, "ok|\n") != 0 || !sqlite3_get_autocommit(db)) {
    fail_msg("%s allocation %lld: step %d: %s: %s%s", how, (long long)n, k, scenario[k], a.rows,
             sqlite3_get_autocommit(db) ? "" : "a transaction is left open");
  }
  answer_free(&a);
}

/* An error says that memory ran out, and nothing was written; or all was, and its rows alone were lost.
** True for the latter. */
static bool check_failed(sqlite3 *db, int k, int64_t n, const char *how, const answer *got) {
  bool told = (got->code & 0xff) == SQLITE_NOMEM || got->code == SQLITE_IOERR_NOMEM;
  if (told && !writes(k)) return false;
  char *state = stored_state(db);
  bool before = strcmp(state, expected.state[k]) == 0;
  bool after = strcmp(state, expected.state[k + 1]) == 0;
  if (!told || !(before || after)) {
    fail_msg("%s allocation %lld: step %d: %s: %d %s%s", how, (long long)n, k, scenario[k],
             got->code, got->error, before || after ? "" : "; half of it is stored");
  }
  free(state);
  return !before;
}

static void check_same(int k, int64_t n, const char *how, const answer *got) {
  if (same_answer(got, &expected.step[k])) return;
  fail_msg("%s allocation %lld: step %d: %s: %d %s\n%s\nnot %d\n%s", how, (long long)n, k,
           scenario[k], got->code, got->error, got->rows, expected.step[k].code,
           expected.step[k].rows);
}

/* Run step k with the hook set; where it strikes and the step fails, run it again.  True where it
** struck. */
static bool try_step(sqlite3 *db, int k, const hook *h, int64_t n) {
  answer a = ask(db, scenario[k]);
  bool struck = failures(h) > 0;
  if (struck) h->set(-1, 0);
  if (struck) check_healthy(db, k, n, h->name);
  if (struck && !same_answer(&a, &expected.step[k])) { /* else it could do without */
    bool done = check_failed(db, k, n, h->name, &a);
    answer_free(&a);
    if (done) return true;
    a = ask(db, scenario[k]);
  }
  check_same(k, n, h->name, &a);
  answer_free(&a);
  return struck;
}

/* How many of SQLite's allocations step k makes; 0 for ours, which are too few to be passed over. */
static int64_t total_of(const hook *h, int k) {
  if (h == &ours) return 0;
  sqlite3 *db = db_before(&expected, k);
  h->set(INT64_MAX, 0);
  answer a = ask(db, scenario[k]);
  int64_t n = INT64_MAX - sqlite_left;
  h->set(-1, 0);
  answer_free(&a);
  db_close(db);
  return n;
}

/* Each step on its own, on a new connection: the first and the last `dense` allocations, where a
** statement is prepared and where it ends, and one in `stride` between. */
static void steps(const hook *h, int keep, int64_t dense, int64_t stride) {
  if (getenv("FAULT_DENSE")) stride = 1;
  int64_t ours_before = mem_used(), theirs_before = sqlite3_memory_used(), tried = 0, places = 0;
  for (int k = 0; k < (int)STEPS; k++) {
    int64_t n = 0, end = total_of(h, k) - dense;
    for (bool struck = true; struck; tried++) {
      sqlite3 *db = db_before(&expected, k);
      h->set(n, keep);
      struck = try_step(db, k, h, n);
      h->set(-1, 0);
      db_close(db);
      assert_int_equal(mem_used(), ours_before);
      assert_int_equal(sqlite3_memory_used(), theirs_before);
      int64_t far = n + stride;
      if (end > n && far > end) far = end;
      n = n < dense || (end > 0 && n >= end) ? n + 1 : far;
    }
    places += n;
  }
  assert_true(tried > 200);
  print_message("%s allocations, %s: %lld of %lld tried\n", h->name, keep ? "from one on" : "one",
                (long long)tried, (long long)places);
}

/* ---- the whole scenario with one failure ---- */

static bool run_once(const hook *h, int64_t n, int keep) {
  sqlite3 *db = db_open(":memory:");
  bool struck = false;
  h->set(n, keep);
  for (int k = 0; k < (int)STEPS; k++) {
    if (struck) {
      answer a = ask(db, scenario[k]);
      check_same(k, n, h->name, &a);
      answer_free(&a);
    } else {
      struck = try_step(db, k, h, n);
    }
  }
  h->set(-1, 0);
  char *state = stored_state(db);
  assert_string_equal(state, expected.state[STEPS]);
  free(state);
  db_close(db);
  return struck;
}

static void whole(const hook *h, int keep, int64_t stride) {
  int64_t ours_before = mem_used(), theirs_before = sqlite3_memory_used(), n = stride / 2;
  for (; run_once(h, n, keep); n += stride) {
    assert_int_equal(mem_used(), ours_before);
    assert_int_equal(sqlite3_memory_used(), theirs_before);
  }
  assert_true(n > 5 * stride);
}

static void one_of_ours_fails(void **state) {
  (void)state;
  steps(&ours, 0, 60, 13);
  whole(&ours, 0, 331);
}

static void all_of_ours_fail(void **state) {
  (void)state;
  steps(&ours, 1, 25, 37);
}

static void one_of_sqlites_fails(void **state) {
  (void)state;
  steps(&theirs, 0, 20, 331);
  whole(&theirs, 0, 4999);
}

static void all_of_sqlites_fail(void **state) {
  (void)state;
  steps(&theirs, 1, 5, 997);
}

/* ---- loading the extension ---- */

static void loading(const hook *h) {
  int64_t before = mem_used();
  for (int64_t n = 0;; n += n < 100 ? 1 : 7) {
    sqlite3 *db;
    char *error = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    h->set(n, 0);
    int code = sqlite3_barsvt_init(db, &error, NULL);
    bool struck = failures(h) > 0;
    h->set(-1, 0);
    sqlite3_free(error);
    if (code == SQLITE_OK_LOAD_PERMANENTLY) {
      sql_is(db, "SELECT count(*) FROM bars_coverage", "0");
    } else {
      assert_true(struck);
      assert_true(code == SQLITE_NOMEM || code == SQLITE_ERROR);
    }
    db_close(db);
    assert_int_equal(mem_used(), before);
    if (!struck) {
      assert_true(n > 20);
      return;
    }
  }
}

static void loading_runs_out_of_memory(void **state) {
  (void)state;
  loading(&ours);
  loading(&theirs);
}

static int setup(void **state) {
  (void)state;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain), SQLITE_OK);
  sqlite3_mem_methods failing = plain;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK); /* no way round it */
  write_scenario_csv();
  expectation_record(&expected);
  sqlite3 *db = db_open(":memory:"); /* zones are loaded, SQLite's own tables are made */
  db_close(db);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  expectation_free(&expected);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loading_runs_out_of_memory), cmocka_unit_test(one_of_ours_fails),
      cmocka_unit_test(all_of_ours_fail),           cmocka_unit_test(one_of_sqlites_fails),
      cmocka_unit_test(all_of_sqlites_fail),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
