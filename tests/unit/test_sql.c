/* test_sql.c - calls into SQLite: codes, texts, and savepoints that hold or undo as a whole. */
#include "data/script.h"
#include "data_help.h"

static sqlite3 *db;

static int setup(void **state) {
  (void)state;
  db = db_open(":memory:");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

static void codes(void **state) {
  (void)state;
  static const struct {
    int code;
    bv_rc rc;
  } row[] = {{SQLITE_OK, BV_OK},           {SQLITE_ROW, BV_OK},
             {SQLITE_DONE, BV_OK},         {SQLITE_NOMEM, BV_NOMEM},
             {SQLITE_BUSY, BV_BUSY},       {SQLITE_BUSY_SNAPSHOT, BV_BUSY},
             {SQLITE_LOCKED, BV_BUSY},     {SQLITE_INTERRUPT, BV_INTERRUPT},
             {SQLITE_CORRUPT, BV_CORRUPT}, {SQLITE_CORRUPT_VTAB, BV_CORRUPT},
             {SQLITE_NOTADB, BV_CORRUPT},  {SQLITE_CONSTRAINT_UNIQUE, BV_CONFLICT},
             {SQLITE_TOOBIG, BV_LIMIT},    {SQLITE_ERROR, BV_ARG},
             {SQLITE_AUTH, BV_ARG},        {SQLITE_FULL, BV_IO},
             {SQLITE_IOERR_READ, BV_IO},   {SQLITE_READONLY, BV_IO},
             {SQLITE_CANTOPEN, BV_IO},     {SQLITE_MISUSE, BV_INTERNAL}};
  for (size_t i = 0; i < COUNT(row); i++) assert_int_equal(bv_sql_rc(row[i].code), row[i].rc);
}

static void errors_keep_sqlites_code_and_text(void **state) {
  (void)state;
  bv_err err = {0};
  sqlite3_stmt *st = (sqlite3_stmt *)&err;
  assert_int_equal(bv_sql_prepare(db, "SELECT nonsense", &st, &err), BV_ARG);
  assert_null(st);
  assert_int_equal(err.native, SQLITE_ERROR);
  assert_non_null(strstr(err.msg, "no such column: nonsense"));
  sql_ok(db, "CREATE TABLE t(a UNIQUE)");
  sql_ok(db, "INSERT INTO t VALUES (1)");
  bv_err_clear(&err);
  assert_int_equal(bv_sql_exec(db, "INSERT INTO t VALUES (1)", &err), BV_CONFLICT);
  assert_int_equal(err.native, SQLITE_CONSTRAINT_UNIQUE);
  bv_err_clear(&err);
  ok(bv_sql_prepare(db, "INSERT INTO t VALUES (1)", &st, &err), &err);
  assert_int_equal(bv_sql_done(db, st, &err, "writing t"), BV_CONFLICT);
  assert_int_equal(err.native, SQLITE_CONSTRAINT_UNIQUE);
  assert_memory_equal(err.msg, "writing t: ", 11);
  assert_false(sqlite3_stmt_busy(st));
  sqlite3_finalize(st);
}

static void rows_then_the_end(void **state) {
  (void)state;
  bv_err err = {0};
  sqlite3_stmt *st;
  int row = 7;
  ok(bv_sql_prepare(db, "SELECT 5, 'x', NULL, x'41' UNION ALL SELECT 6, NULL, 1.5, 2", &st, &err),
     &err);
  ok(bv_sql_row(db, st, &row, &err, "t"), &err);
  assert_int_equal(row, 1);
  assert_int_equal(sqlite3_column_int(st, 0), 5);
  assert_string_equal(bv_sql_text(st, 1), "x");
  assert_string_equal(bv_sql_text(st, 2), ""); /* NULL */
  assert_string_equal(bv_sql_text(st, 3), "A");
  ok(bv_sql_row(db, st, &row, &err, "t"), &err);
  assert_string_equal(bv_sql_text(st, 2), "1.5");
  ok(bv_sql_row(db, st, &row, &err, "t"), &err);
  assert_int_equal(row, 0);
  assert_false(sqlite3_stmt_busy(st)); /* it can be bound and stepped again */
  ok(bv_sql_done(db, st, &err, "t"), &err);
  sqlite3_finalize(st);
}

static void nan_is_bound_as_null(void **state) {
  (void)state;
  bv_err err = {0};
  sqlite3_stmt *st;
  int row;
  const double x[] = {NAN, 0, -1.5, INFINITY, 5e-324};
  ok(bv_sql_prepare(db, "SELECT ?1", &st, &err), &err);
  for (size_t i = 0; i < COUNT(x); i++) {
    bv_sql_bind_real(st, 1, x[i]);
    ok(bv_sql_row(db, st, &row, &err, "t"), &err);
    assert_int_equal(sqlite3_column_type(st, 0), i == 0 ? SQLITE_NULL : SQLITE_FLOAT);
    if (i > 0) assert_true(same(sqlite3_column_double(st, 0), x[i]));
    sqlite3_reset(st);
  }
  sqlite3_finalize(st);
}

/* ---- savepoints ---- */

static void count_is(const char *want) {
  sql_is(db, "SELECT count(*) FROM t", want);
}

static void savepoints_hold_or_undo(void **state) {
  (void)state;
  bv_err err = {0};
  bv_savepoint sp, inner;
  sql_ok(db, "CREATE TABLE t(a)");
  ok(bv_savepoint_open(db, &sp, &err), &err); /* alone: a transaction of its own */
  sql_ok(db, "INSERT INTO t VALUES (1)");
  ok(bv_savepoint_close(db, &sp, BV_OK, &err), &err);
  assert_true(sqlite3_get_autocommit(db));
  count_is("1");
  ok(bv_savepoint_open(db, &sp, &err), &err);
  sql_ok(db, "INSERT INTO t VALUES (2)");
  assert_int_equal(bv_savepoint_close(db, &sp, BV_RANGE, &err), BV_RANGE); /* the caller's code */
  assert_true(sqlite3_get_autocommit(db));
  count_is("1");
  sql_ok(db, "BEGIN");
  sql_ok(db, "INSERT INTO t VALUES (3)");
  ok(bv_savepoint_open(db, &sp, &err), &err); /* in the caller's transaction */
  sql_ok(db, "INSERT INTO t VALUES (4)");
  ok(bv_savepoint_open(db, &inner, &err), &err);
  sql_ok(db, "INSERT INTO t VALUES (5)");
  assert_int_equal(bv_savepoint_close(db, &inner, BV_IO, &err), BV_IO);
  count_is("3");
  ok(bv_savepoint_close(db, &sp, BV_OK, &err), &err);
  assert_false(sqlite3_get_autocommit(db));
  count_is("3");
  sql_ok(db, "ROLLBACK");
  count_is("1");
}

static void what_is_not_open_is_not_closed(void **state) {
  (void)state;
  bv_err err = {0};
  bv_savepoint sp = {0};
  assert_int_equal(bv_savepoint_close(db, &sp, BV_OK, &err), BV_OK);
  assert_int_equal(bv_savepoint_close(db, &sp, BV_NET, &err), BV_NET);
  sql_ok(db, "CREATE TABLE t(a)");
  ok(bv_savepoint_open(db, &sp, &err), &err);
  sql_ok(db, "INSERT INTO t VALUES (1)");
  sql_ok(db, "ROLLBACK"); /* somebody has ended it all */
  assert_int_equal(bv_savepoint_close(db, &sp, BV_IO, &err), BV_IO);
  count_is("0");
  ok(bv_savepoint_open(db, &sp, &err), &err);
  sql_ok(db, "COMMIT");
  assert_int_not_equal(bv_savepoint_close(db, &sp, BV_OK, &err), BV_OK); /* and says so */
  assert_true(sqlite3_get_autocommit(db));
}

/* The user's own savepoint of that name is another one. */
static void same_name(void **state) {
  (void)state;
  bv_err err = {0};
  bv_savepoint sp;
  sql_ok(db, "CREATE TABLE t(a)");
  sql_ok(db, "SAVEPOINT barsvt");
  sql_ok(db, "INSERT INTO t VALUES (1)");
  ok(bv_savepoint_open(db, &sp, &err), &err);
  sql_ok(db, "INSERT INTO t VALUES (2)");
  assert_int_equal(bv_savepoint_close(db, &sp, BV_ARG, &err), BV_ARG);
  count_is("1");
  sql_ok(db, "RELEASE barsvt");
  count_is("1");
  assert_true(sqlite3_get_autocommit(db));
}

static const char script[] = "CREATE TABLE IF NOT EXISTS main.bt_a(run);\n"
                             "DROP TRIGGER IF EXISTS main.bt_old;\n"
                             "CREATE TRIGGER IF NOT EXISTS main.bt_t AFTER DELETE ON bt_a BEGIN"
                             " DELETE FROM bt_a; END;\n"
                             "CREATE VIEW IF NOT EXISTS main.bt_v AS SELECT * FROM bt_a;";

static int refuse(void *ctx, int what, const char *a, const char *b, const char *c, const char *d) {
  (void)ctx, (void)a, (void)b, (void)c, (void)d;
  return what == SQLITE_SELECT || what == SQLITE_READ || what == SQLITE_FUNCTION ? SQLITE_OK
                                                                                 : SQLITE_DENY;
}

static bool runs_anything(void) {
  bv_err err = {0};
  sqlite3_set_authorizer(db, refuse, NULL);
  bv_rc rc = bv_script_run(db, script, &err);
  sqlite3_set_authorizer(db, NULL, NULL);
  if (rc != BV_OK) assert_int_equal(err.native, SQLITE_AUTH);
  return rc != BV_OK;
}

static void a_script_is_run_where_something_is_missing(void **state) {
  (void)state;
  bv_err err = {0};
  static const char *const change[] = {
      "DROP VIEW bt_v", "DROP TRIGGER bt_t", "DROP TABLE bt_a",
      "CREATE TRIGGER bt_old AFTER DELETE ON bt_a BEGIN DELETE FROM bt_a; END",
      "DROP TRIGGER bt_t; CREATE TABLE IF NOT EXISTS bt_t(x)"};
  assert_true(runs_anything());
  ok(bv_script_run(db, script, &err), &err);
  assert_false(runs_anything());
  for (size_t i = 0; i < COUNT(change); i++) {
    sql_ok(db, change[i]);
    assert_true(runs_anything());
    ok(bv_script_run(db, script, &err), &err);
    assert_false(runs_anything());
    sql_is(db,
           "SELECT count(*) FROM sqlite_schema WHERE name = 'bt_old' OR (name IN ('bt_a', 'bt_v',"
           " 'bt_t') AND (type = 'trigger') = (name = 'bt_t'))",
           "3");
  }
}

/* Names longer than one of the script's, or with other letters, are others. */
static void a_script_looks_for_whole_names(void **state) {
  (void)state;
  sql_ok(db, "CREATE TABLE bt_ab(x); CREATE TABLE bt_v2(x); CREATE TABLE a(x);"
             "CREATE TABLE x_bt_v(x); CREATE TRIGGER bt_t AFTER DELETE ON a BEGIN SELECT 1; END");
  assert_true(runs_anything());
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(codes),
      TEST(errors_keep_sqlites_code_and_text),
      TEST(a_script_is_run_where_something_is_missing),
      TEST(a_script_looks_for_whole_names),
      TEST(rows_then_the_end),
      TEST(nan_is_bound_as_null),
      TEST(savepoints_hold_or_undo),
      TEST(what_is_not_open_is_not_closed),
      TEST(same_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
