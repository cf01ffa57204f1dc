/*
** test_store.c - one connection's view of the store: when tables are made, what others' commits and
** rollbacks change, that readers never write, and that closing leaves nothing.
*/
#include "data_help.h"

#include "data/window.h"

#include <sys/stat.h>

#define OTHER_BAR                                                                                  \
  "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('B', "         \
  "'minute', "                                                                                     \
  "60, 1, 1, 1, 1)"
#define ONE_BAR                                                                                    \
  "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES ('A', "         \
  "'minute', "                                                                                     \
  "60, 1, 1, 1, 1)"

static char path[64];

static int setup(void **state) {
  (void)state;
  db_file_name("store", path, sizeof path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_file_remove(path);
  return 0;
}

static bool has_schema(bv_store *s) {
  bool there;
  bv_err err = {0};
  ok(bv_store_has_schema(s, &there, &err), &err);
  return there;
}

static void tables_are_made_on_the_first_write(void **state) {
  (void)state;
  sqlite3 *db = db_open(":memory:");
  bv_store *s = db_store(db);
  bv_err err = {0};
  assert_false(has_schema(s));
  ok(bv_store_create_schema(s, &err), &err);
  assert_true(has_schema(s));
  ok(bv_store_create_schema(s, &err), &err);
  sql_is(db, "SELECT value FROM barsvt_meta WHERE key = 'version'", "3");
  db_close(db);
}

/* Design rule 8: readers never write. */
static void readers_write_nothing(void **state) {
  (void)state;
  static const char *const read[] = {"SELECT * FROM bars('A', 'minute')",
                                     "SELECT * FROM bars_agg('A', 'hour')",
                                     "SELECT * FROM bars_asof('A', 'minute', 0)",
                                     "SELECT * FROM bars_coverage",
                                     "SELECT * FROM bars_cache",
                                     "SELECT * FROM bars_stat",
                                     "SELECT * FROM bars_setting",
                                     "SELECT * FROM bars_indicator",
                                     "SELECT * FROM bt_profile",
                                     "SELECT * FROM bt_equity",
                                     "SELECT last_price('A')",
                                     "SELECT sma('A', 'minute', 5)",
                                     "SELECT bars_time('2024-01-01')",
                                     "SELECT bars_clock()",
                                     "SELECT bars_config('history')",
                                     "SELECT bars_version(), bars_debug()",
                                     "SELECT bt_param('x', 1)"};
  sqlite3 *db = db_open(path);
  for (size_t i = 0; i < COUNT(read); i++) sqlite3_free(sql_text(db, read[i]));
  assert_int_equal(sqlite3_total_changes(db), 0);
  db_close(db);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, 0); /* not even a page */
  db = db_open(path);
  sql_ok(db, ONE_BAR);
  db_close(db);
  assert_int_equal(stat(path, &st), 0);
  int64_t size = st.st_size;
  sqlite3 *plain;
  assert_int_equal(sqlite3_open_v2(path, &plain, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  int code = sqlite3_barsvt_init(plain, NULL, NULL);
  assert_int_equal(code, SQLITE_OK_LOAD_PERMANENTLY);
  for (size_t i = 0; i < COUNT(read); i++) {
    char *got = sql_text(plain, read[i]);
    if (strncmp(got, "error ", 6) == 0) fail_msg("%s: %s", read[i], got);
    sqlite3_free(got);
  }
  char *got =
      sql_text(plain, "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
                      "('A', 'minute', 120, 1, 1, 1, 1)");
  assert_memory_equal(got, "error 8", 7); /* SQLITE_READONLY */
  sqlite3_free(got);
  db_close(plain);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_size, size);
}

static void rollback_takes_the_tables_along(void **state) {
  (void)state;
  sqlite3 *db = db_open(":memory:");
  bv_store *s = db_store(db);
  for (int round = 0; round < 3; round++) {
    sql_ok(db, "BEGIN");
    sql_ok(db, ONE_BAR);
    sql_is(db, "SELECT count(*) FROM bars('A', 'minute')", "1");
    sql_ok(db, "ROLLBACK");
    assert_false(has_schema(s));
    sql_fails(db, "SELECT count(*) FROM bars('A', 'minute')", "no bars are stored");
  }
  sql_ok(db, "BEGIN");
  sql_ok(db, "SAVEPOINT one");
  sql_ok(db, ONE_BAR);
  sql_ok(db, "SAVEPOINT two");
  sql_ok(db, "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
             "('A', 'minute', 60, 2, 2, 2, 2)");
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "2.0");
  sql_ok(db, "ROLLBACK TO two");
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_ok(db, "ROLLBACK TO one");
  sql_fails(db, "SELECT close FROM bars('A', 'minute')", "no bars are stored");
  sql_ok(db, "COMMIT");
  sql_ok(db, ONE_BAR);
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "1.0");
  db_close(db);
}

/* What another connection commits is seen by the next query, whatever this one has cached. */
static void others_commits_are_seen(void **state) {
  (void)state;
  static const char *const journal[] = {"DELETE", "WAL"};
  for (size_t j = 0; j < COUNT(journal); j++) {
    char sql[200];
    unlink(path);
    sqlite3 *a = db_open(path), *b = db_open(path);
    snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", journal[j]);
    sql_ok(a, sql);
    sql_fails(a, "SELECT count(*) FROM bars('A', 'minute')", "no bars are stored");
    sql_ok(b, ONE_BAR);
    sql_is(a, "SELECT close FROM bars('A', 'minute')", "1.0");
    for (int i = 2; i < 40; i++) {
      sqlite3 *writer = i % 3 ? b : a, *reader = i % 3 ? a : b;
      char want[20];
      snprintf(sql, sizeof sql,
               "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
               "('A', 'minute', %d, %d, %d, %d, %d)",
               i % 2 ? 60 : 60 * i, i, i, i, i);
      sql_ok(writer, sql);
      snprintf(want, sizeof want, "%d.0", i);
      snprintf(sql, sizeof sql, "SELECT close FROM bars('A', 'minute') WHERE ts = %d",
               i % 2 ? 60 : 60 * i);
      sql_is(reader, sql, want);
      if (i % 2 == 0) sql_is(reader, "SELECT last_price('A', 'minute')", want);
    }
    sql_ok(b, "SELECT bars_compact()");
    sql_is(a, "SELECT count(*) FROM bars('A', 'minute')", "20");
    sql_ok(b, "DELETE FROM bars WHERE asset = 'A' AND timestep = 'minute'");
    sql_is(a, "SELECT count(*) FROM bars('A', 'minute')", "0");
    db_close(a);
    db_close(b);
  }
}

/* A commit of one's own must not hide one of another connection before it. */
static void own_commits_hide_nothing(void **state) {
  (void)state;
  static const char *const own[] = {"INSERT INTO bars(asset) SELECT NULL WHERE 0",
                                    "SELECT bars_compact()",
                                    "SELECT bars_import('tests/tmp/no such file', 'C', 'day')",
                                    "SELECT bt_run('no such view')",
                                    OTHER_BAR,
                                    "DELETE FROM bars WHERE asset = 'B' AND timestep = 'minute'",
                                    "CREATE TABLE IF NOT EXISTS mine(x)"};
  sqlite3 *a = db_open(path), *b = db_open(path);
  sql_ok(a, "PRAGMA journal_mode = WAL");
  sql_ok(a, ONE_BAR);
  for (int i = 0; i < 2 * (int)COUNT(own); i++) {
    char sql[300], want[40];
    int lo = 100 + i * 100;
    sqlite3_free(
        sql_text(b, "SELECT total(sma(bars, 2)), last_price('A') FROM bars('A', 'minute')"));
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO "
        "bars(asset, timestep, ts, open, high, low, close) SELECT 'A', 'minute', 60 * i, i, i, i, "
        "i "
        "FROM n",
        lo, lo + 99);
    sql_ok(a, sql);
    if (i >= (int)COUNT(own)) sql_ok(a, "SELECT bars_compact()");
    sqlite3_free(sql_text(b, own[i % (int)COUNT(own)]));
    snprintf(want, sizeof want, "%d", 1 + 100 * (i + 1));
    sql_is(b, "SELECT count(close) FROM bars('A', 'minute')", want);
    snprintf(want, sizeof want, "%d.0", lo + 99);
    sql_is(b, "SELECT last_price('A')", want);
    snprintf(want, sizeof want, "%d.5", lo + 98);
    sql_is(b, "SELECT sma('A', 'minute', 2)", want);
  }
  db_close(a);
  db_close(b);
}

/* Inside a read transaction nothing changes, whatever others commit. */
static void snapshots_hold(void **state) {
  (void)state;
  sqlite3 *a = db_open(path), *b = db_open(path);
  sql_ok(a, "PRAGMA journal_mode = WAL");
  sql_ok(a, ONE_BAR);
  sql_ok(a, "BEGIN");
  sql_is(a, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_ok(b, "INSERT OR REPLACE INTO bars(asset, timestep, ts, open, high, low, close) VALUES "
            "('A', 'minute', 60, 5, 5, 5, 5)");
  sql_is(a, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_is(a, "SELECT last_price('A', 'minute')", "1.0");
  bv_window_drop_all(db_store(a)); /* also where memory has to be filled again */
  sql_is(a, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_ok(a, "COMMIT");
  sql_is(a, "SELECT close FROM bars('A', 'minute')", "5.0");
  db_close(a);
  db_close(b);
}

static void generations(void **state) {
  (void)state;
  sqlite3 *a = db_open(path), *b = db_open(path);
  bv_store *s = db_store(a);
  bv_err err = {0};
  sql_ok(a, ONE_BAR);
  ok(bv_store_sync(s, &err), &err);
  int64_t g = s->generation;
  for (int i = 0; i < 3; i++) ok(bv_store_sync(s, &err), &err);
  sql_is(a, "SELECT count(*) FROM bars('A', 'minute')", "1");
  assert_int_equal(s->generation, g);
  sql_ok(b, "CREATE TABLE another(x)"); /* nobody can say what others have changed */
  ok(bv_store_sync(s, &err), &err);
  assert_true(s->generation > g);
  g = s->generation;
  s->frozen++;
  sql_ok(b, "DROP TABLE another");
  ok(bv_store_sync(s, &err), &err); /* not asked for during a run */
  assert_int_equal(s->generation, g);
  s->frozen--;
  ok(bv_store_sync(s, &err), &err);
  assert_true(s->generation > g);
  db_close(a);
  db_close(b);
}

/* Cached statements must not keep a connection open, or a table locked. */
static void nothing_is_left_open(void **state) {
  (void)state;
  int64_t before = mem_used();
  sqlite3 *db = db_open(path);
  sql_ok(db, ONE_BAR);
  sql_is(db, "SELECT last_price('A', 'minute')", "1.0");
  for (sqlite3_stmt *st = NULL; (st = sqlite3_next_stmt(db, st));) {
    if (sqlite3_stmt_busy(st)) fail_msg("still running: %s", sqlite3_sql(st));
  }
  sql_ok(db, "DROP TABLE barsvt_reject");
  sql_ok(db, "ATTACH ':memory:' AS side");
  sql_ok(db, "DETACH side");
  sql_ok(db, "VACUUM");
  sql_ok(db, "PRAGMA journal_mode = WAL");
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "1.0");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  assert_int_equal(mem_used(), before);
}

static void init_twice(void **state) {
  (void)state;
  int64_t before = mem_used();
  sqlite3 *db = db_open(":memory:");
  sql_ok(db, ONE_BAR);
  assert_int_equal(sqlite3_barsvt_init(db, NULL, NULL), SQLITE_OK_LOAD_PERMANENTLY);
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_ok(db, ONE_BAR);
  sql_is(db, "SELECT sma(bars, 1) FROM bars('A', 'minute')", "1.0");
  db_close(db);
  assert_int_equal(mem_used(), before);
}

static void attached_databases_are_read(void **state) {
  (void)state;
  char sql[120];
  sqlite3 *other = db_open(path);
  sql_ok(other, ONE_BAR);
  db_close(other);
  sqlite3 *db = db_open(":memory:");
  snprintf(sql, sizeof sql, "ATTACH '%s' AS more", path);
  sql_ok(db, sql);
  sql_is(db, "SELECT close FROM bars('A', 'minute')", "1.0");
  sql_is(db, "SELECT last_price('A')", "1.0");
  sql_is(db, "SELECT count(*) FROM sqlite_schema", "0"); /* nothing is copied */
  sql_ok(db, "DETACH more");
  sql_fails(db, "SELECT close FROM bars('A', 'minute')", "");
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(tables_are_made_on_the_first_write),
      TEST(readers_write_nothing),
      TEST(rollback_takes_the_tables_along),
      TEST(others_commits_are_seen),
      TEST(own_commits_hide_nothing),
      TEST(snapshots_hold),
      TEST(generations),
      TEST(nothing_is_left_open),
      TEST(init_twice),
      TEST(attached_databases_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
