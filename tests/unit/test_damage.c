/*
** test_damage.c - a store that is not as it should be: tables that may not be touched, are missing or
** hold other things than we wrote.  Answers may be errors, with a text; nothing may crash, hang, leak
** or be half written.
*/
#include "fault_help.h"

#include <signal.h>

static expectation expected;

static int step_of(const char *begin) {
  for (int k = 0; k < (int)STEPS; k++) {
    if (strncmp(scenario[k], begin, strlen(begin)) == 0) return k;
  }
  fail_msg("no step begins with %s", begin);
  return -1;
}

/* ---- an authorizer that says no ---- */

typedef struct guard {
  const char *table; /* refused whatever is done with it; NULL: none */
  int64_t left;      /* calls until one is refused; < 0: none */
  int64_t refused;
} guard;

static int authorize(void *ctx, int action, const char *a, const char *b, const char *db,
                     const char *trigger) {
  guard *g = ctx;
  (void)db;
  (void)trigger;
  /* One who lets a savepoint begin must let it end. */
  bool end = action == SQLITE_SAVEPOINT && strcmp(a, "BEGIN") != 0;
  bool named = g->table && ((a && strcmp(a, g->table) == 0) || (b && strcmp(b, g->table) == 0));
  bool counted = g->left >= 0 && !end && g->left-- == 0;
  if (!named && !counted) return SQLITE_OK;
  g->refused++;
  return SQLITE_DENY;
}

static void check_refused(sqlite3 *db, int k, const char *what, const answer *a) {
  bool told =
      strlen(a->error) > 5; /* what SQLite says: not authorized, prohibited, no such module */
  int low = a->code & 0xff;
  bool code = low != SQLITE_INTERNAL && low != SQLITE_MISUSE && low != SQLITE_NOMEM;
  char *state = stored_state(db);
  bool whole = strcmp(state, expected.state[k]) == 0 || strcmp(state, expected.state[k + 1]) == 0;
  if (!told || !code || !whole || !sqlite3_get_autocommit(db)) {
    fail_msg("%s refused: step %d: %s: %d %s%s%s", what, k, scenario[k], a->code, a->error,
             whole ? "" : "; half of it is stored",
             sqlite3_get_autocommit(db) ? "" : "; a transaction is left open");
  }
  free(state);
}

/* Step k under a guard; true where something was refused. */
static bool guarded(int k, guard g, const char *what) {
  sqlite3 *db = db_before(&expected, k);
  sqlite3_set_authorizer(db, authorize, &g);
  answer a = ask(db, scenario[k]);
  sqlite3_set_authorizer(db, NULL, NULL);
  if (!same_answer(&a, &expected.step[k])) {
    assert_true(g.refused > 0);
    check_refused(db, k, what, &a);
    char *state = stored_state(db);
    bool undone = strcmp(state, expected.state[k]) == 0;
    free(state);
    answer again = ask(db, scenario[k]);
    if (undone && !same_answer(&again, &expected.step[k])) {
      fail_msg("%s refused: step %d again: %s: %s", what, k, scenario[k], again.error);
    }
    answer_free(&again);
  }
  answer_free(&a);
  db_close(db);
  return g.refused > 0;
}

static void tables_may_be_out_of_bounds(void **state) {
  (void)state;
  static const char *const table[] = {
      "barsvt_meta",   "barsvt_asset",    "barsvt_series", "barsvt_hot", "barsvt_seg",
      "barsvt_stat",   "barsvt_coverage", "barsvt_reject", "bt_run",     "bt_chunk",
      "barsvt_action", "barsvt_property", "bt_position",   "bt_curve",   "bt_figure",
      "bt_input",      "sqlite_master",   "barsvt"};
  for (size_t t = 0; t < COUNT(table); t++) {
    int refused = 0;
    for (int k = 0; k < (int)STEPS; k++) {
      refused += guarded(k, (guard){.table = table[t], .left = -1}, table[t]);
    }
    assert_true(refused > 0);
  }
}

static void any_access_may_be_refused(void **state) {
  (void)state;
  for (int k = 0; k < (int)STEPS; k++) {
    for (int64_t n = 0; guarded(k, (guard){.left = n}, "one access"); n += n < 20 ? 1 : 41)
      continue;
  }
}

/* ---- damage ---- */

static const char *damage, *doing; /* what was done to the store, and what is asked of it */

/* What reads and writes, on the database as it is after everything but the deletions. */
static void use_all(sqlite3 *db) {
  static const char *const more[] = {
      "SELECT * FROM bars_coverage",
      "SELECT * FROM bars_cache",
      "SELECT * FROM bars_check",
      "SELECT * FROM bars_summary('A', 'minute')",
      "SELECT * FROM bars_gap('A', 'minute')",
      "SELECT * FROM bars_summary('B', 'minute')",
      "SELECT ts, close, sma(bars, 5) FROM bars('A', 'minute') ORDER BY ts DESC",
      "SELECT ts, open, close, bid, ask, open_interest, trades FROM bars('B', 'minute')",
      "SELECT count(*), total(value) FROM bt_equity",
      "SELECT count(*), total(filled), max(tag), max(parent) FROM bt_order",
      "SELECT * FROM bt_fill WHERE run = 1 AND id = 2",
      "SELECT count(*), total(pnl), max(entry_time) FROM bt_trade",
      "SELECT * FROM bt_order_event",
  };
  int64_t rows = 0;
  for (int k = step_of("SELECT bars_compact"); k < (int)STEPS + (int)COUNT(more); k++) {
    const char *sql = k < (int)STEPS ? scenario[k] : more[k - (int)STEPS];
    if (strncmp(sql, "CREATE VIEW", 11) == 0 || strncmp(sql, "DROP VIEW", 9) == 0) continue;
    doing = sql;
    answer a = ask(db, sql);
    int code = a.code & 0xff;
    bool clean = a.code == SQLITE_DONE || (code != SQLITE_INTERNAL && code != SQLITE_MISUSE &&
                                           code != SQLITE_NOMEM && strlen(a.error) > 5);
    if (!clean || !sqlite3_get_autocommit(db)) {
      fail_msg("after %s: %s: %d %s%s", damage, sql, a.code, a.error,
               sqlite3_get_autocommit(db) ? "" : "; a transaction is left open");
    }
    rows += (int64_t)a.n;
    answer_free(&a);
  }
  assert_true(rows > 0); /* tables that describe have something to say in any case */
}

static void on_hang(int signal) {
  (void)signal;
  static const char text[] = "hangs after: ";
  (void)!write(2, text, sizeof text - 1);
  (void)!write(2, damage, strlen(damage));
  (void)!write(2, "\nin: ", 5);
  (void)!write(2, doing, strlen(doing));
  (void)!write(2, "\n", 1);
  _exit(1);
}

/* False where the damage itself is refused. */
static bool damaged(const char *sql) {
  static int base = -1;
  if (base < 0) base = step_of("UPDATE bars");
  int64_t before = mem_used();
  sqlite3 *db = db_before(&expected, base);
  bool fits = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
  damage = sql;
  signal(SIGALRM, on_hang);
  alarm(60);
  if (fits) use_all(db);
  alarm(0);
  db_close(db);
  assert_int_equal(mem_used(), before);
  return fits;
}

static void known_damage(void **state) {
  (void)state;
  static const char *const sql[] = {
      "UPDATE barsvt_asset SET tz = 'Mars/Olympus'",
      "UPDATE barsvt_asset SET tz = ''",
      "UPDATE barsvt_asset SET tz = x'00ff'",
      "UPDATE barsvt_asset SET asset = 'A' || char(7) WHERE asset = 'A'",
      "UPDATE barsvt_asset SET asset = printf('%.*c', 70, 'x') WHERE asset = 'B'",
      "UPDATE barsvt_asset SET asset = x'41' WHERE asset = 'A'",
      "UPDATE barsvt_asset SET multiplier = -1",
      "UPDATE barsvt_asset SET multiplier = 0",
      "UPDATE barsvt_asset SET multiplier = 'ten'",
      "UPDATE barsvt_asset SET multiplier = 9e999",
      "DELETE FROM barsvt_asset",
      "UPDATE barsvt_asset SET id = id + 5",
      "UPDATE barsvt_asset SET id = -id",
      "UPDATE barsvt_series SET timestep = 'parsec'",
      "UPDATE barsvt_series SET timestep = 'Minute'",
      "UPDATE barsvt_series SET timestep = 'minute' || char(0) || 'x' WHERE id = 1",
      "UPDATE barsvt_series SET timestep = 17",
      "UPDATE barsvt_series SET timestep = 'week'",
      "UPDATE barsvt_series SET timestep = printf('%.*c', 500, 'm')",
      "UPDATE OR IGNORE barsvt_series SET venue = 'X'",
      "UPDATE OR IGNORE barsvt_series SET venue = 'bid'",
      "UPDATE barsvt_series SET id = 1 << 24 WHERE id = 1",
      "UPDATE barsvt_series SET id = 9223372036854775807 WHERE id = 1",
      "UPDATE barsvt_series SET id = -3 WHERE id = 1",
      "UPDATE barsvt_series SET id = 0 WHERE id = 1",
      "UPDATE OR IGNORE barsvt_series SET asset = 99",
      "UPDATE OR IGNORE barsvt_series SET asset = 'A'",
      "DELETE FROM barsvt_series",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, 'x', 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, 1, 1, 1, 'abc', 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, 1, 1, 1, x'01', 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, 1, 2, 3, 4, -5, 'v', 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, 9e999, 9e999, -9e999, 9e999, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200, -5, -5, -5, -5, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 9223372036854775807, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, -9223372036854775807 - 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 253402300800, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, -62167219201, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS ") SELECT 1, 'noon', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 1, 1704292200.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS
      ") SELECT 'one', 1704292200, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "INSERT INTO barsvt_hot(" HOT_COLUMNS ") SELECT -1, 1704292200, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
      "DELETE FROM barsvt_seg WHERE id % 16 = 15",
      "DELETE FROM barsvt_seg WHERE id % 16 = 3",
      "DELETE FROM barsvt_seg WHERE id % 16 = 4",
      "UPDATE barsvt_seg SET n = n + 1",
      "UPDATE barsvt_seg SET n = -1",
      "UPDATE barsvt_seg SET n = 9223372036854775807",
      "UPDATE barsvt_seg SET n = 'many'",
      "UPDATE barsvt_seg SET first = last + 1",
      "UPDATE barsvt_seg SET first = 'x', last = x'00'",
      "UPDATE barsvt_seg SET first = -9223372036854775807, last = 9223372036854775807",
      "UPDATE barsvt_seg SET checksum = checksum + 1",
      "UPDATE barsvt_seg SET codec = 99",
      "UPDATE barsvt_seg SET data = x''",
      "UPDATE barsvt_seg SET data = 'text'",
      "UPDATE barsvt_seg SET data = 5",
      "UPDATE barsvt_seg SET data = substr(data, 1, length(data) / 2)",
      "UPDATE barsvt_seg SET data = CAST(data || x'00' AS BLOB)",
      "UPDATE barsvt_seg SET data = zeroblob(length(data))",
      "UPDATE barsvt_seg SET data = zeroblob(20000000) WHERE id % 16 = 3",
      "UPDATE barsvt_seg SET data = (SELECT data FROM barsvt_seg b WHERE b.id % 16 = 3 LIMIT 1)",
      "UPDATE barsvt_seg SET id = id + (1 << 4)",
      "UPDATE barsvt_seg SET id = -id",
      "UPDATE barsvt_seg SET id = id + 9000000000000000000 WHERE id % 16 = 15",
      "UPDATE barsvt_seg SET id = id + 12 WHERE id % 16 = 0",
      "DELETE FROM barsvt_stat",
      "UPDATE barsvt_stat SET data = x''",
      "UPDATE barsvt_stat SET data = zeroblob(length(data))",
      "UPDATE barsvt_stat SET data = substr(data, 1, length(data) - 1)",
      "UPDATE barsvt_stat SET data = 'x'",
      "UPDATE barsvt_stat SET id = id + 1",
      "DELETE FROM barsvt_meta",
      "UPDATE barsvt_meta SET value = 99",
      "UPDATE barsvt_meta SET value = 'x'",
      "UPDATE barsvt_coverage SET source = x'00', start = 'a', \"end\" = 'b', rows = 'c'",
      "UPDATE bt_curve SET data = x''",
      "UPDATE bt_curve SET data = substr(data, 1, length(data) - 1)",
      "UPDATE bt_curve SET data = substr(data, 1, 24)",
      "UPDATE bt_curve SET data = zeroblob(length(data))",
      "UPDATE bt_curve SET data = 'text'",
      "UPDATE bt_curve SET n = 0",
      "UPDATE bt_curve SET n = -1",
      "UPDATE bt_curve SET n = n + 1",
      "UPDATE bt_curve SET n = 9223372036854775807",
      "UPDATE bt_curve SET n = 737869762948382064", /* times 25 it overflows to a small number */
      "UPDATE bt_curve SET n = 100000, data = zeroblob(2500000)",
      "UPDATE bt_curve SET n = 'x'",
      "UPDATE bt_curve SET run = run + 77",
      "UPDATE bt_curve SET chunk = 'x', first = 'y', last = x''",
      "UPDATE bt_run SET cash = 'x', value = x'00', steps = 'many', id = id + 1000",
      "DELETE FROM bt_run",
      "UPDATE bt_chunk SET data = x''",
      "UPDATE bt_chunk SET data = 'text'",
      "UPDATE bt_chunk SET data = zeroblob(length(data))",
      "UPDATE bt_chunk SET data = substr(data, 1, length(data) - 1)",
      "UPDATE bt_chunk SET data = zeroblob(20000000) WHERE kind = 'fill'",
      "UPDATE bt_chunk SET data = (SELECT data FROM bt_chunk b WHERE b.kind = 'lot' LIMIT 1)",
      "UPDATE bt_chunk SET data = (SELECT data FROM bt_chunk b WHERE b.kind = 'lot' LIMIT 1),"
      " checksum = (SELECT checksum FROM bt_chunk b WHERE b.kind = 'lot' LIMIT 1)",
      "UPDATE bt_chunk SET checksum = checksum + 1",
      "UPDATE bt_chunk SET checksum = 'x'",
      "UPDATE bt_chunk SET n = 0",
      "UPDATE bt_chunk SET n = n + 1",
      "UPDATE bt_chunk SET n = 9223372036854775807",
      "UPDATE bt_chunk SET first = last + 1",
      "UPDATE bt_chunk SET first = first - 1",
      "UPDATE bt_chunk SET last = last + 1",
      "UPDATE bt_chunk SET last = 9223372036854775807, first = -9223372036854775807 - 1",
      "UPDATE bt_chunk SET first = 'x', last = x'00'",
      "UPDATE bt_chunk SET kind = kind || 's'",
      "UPDATE OR IGNORE bt_chunk SET kind = x'00'",
      "UPDATE bt_chunk SET run = run + 77",
      "UPDATE OR IGNORE bt_chunk SET run = 'x'",
      "DELETE FROM bt_chunk WHERE kind = 'order'",
      "DELETE FROM bt_chunk",
      "UPDATE bt_figure SET name = x'00', value = 'x'",
      "UPDATE bt_input SET value = x'00'",
      "UPDATE bt_run SET sql = 'x', config = 'x', knobs = '[', strategy = 'y'",
      "DROP TABLE barsvt_meta",
      "DROP TABLE barsvt_asset",
      "DROP TABLE barsvt_series",
      "DROP TABLE barsvt_hot",
      "DROP TABLE barsvt_seg",
      "DROP TABLE barsvt_stat",
      "DROP TABLE barsvt_coverage",
      "DROP TABLE barsvt_reject",
      "DROP TABLE bt_run",
      "DROP TABLE bt_curve",
      "DROP TABLE bt_chunk",
      "DROP TABLE bt_figure",
      "DROP VIEW bt_metric",
      "DROP VIEW set_mode",
      "ALTER TABLE barsvt_hot DROP COLUMN vwap",
      "ALTER TABLE barsvt_hot RENAME COLUMN close TO klose",
      "ALTER TABLE barsvt_asset DROP COLUMN multiplier",
      "ALTER TABLE barsvt_seg RENAME COLUMN data TO blob",
      "ALTER TABLE barsvt_seg ADD COLUMN more",
      "ALTER TABLE bt_chunk ADD COLUMN more",
      "ALTER TABLE bt_run RENAME COLUMN cash TO money",
      "DROP TABLE barsvt_hot; CREATE VIEW barsvt_hot AS SELECT 1 AS series, 2 AS ts, 3 AS open, 4 "
      "AS high,"
      " 5 AS low, 6 AS close, 7 AS volume, 8 AS vwap, 9 AS trades, 10 AS bid, 11 AS ask, 12 AS "
      "open_interest",
      "DROP TABLE barsvt_asset; CREATE TABLE barsvt_asset(id, asset, tz, multiplier);"
      "INSERT INTO barsvt_asset VALUES (1, 'A', NULL, NULL), (2, 'B', NULL, 1), (1, 'A', 'UTC', 1)",
      "DROP TABLE barsvt_series; CREATE TABLE barsvt_series(id, asset, timestep, venue);"
      "INSERT INTO barsvt_series VALUES ('x', 1, 'minute', ''), (NULL, 2, NULL, '')",
      "DROP TABLE barsvt_hot; CREATE TABLE barsvt_hot(series, ts, open, high, low, close, volume, "
      "vwap,"
      " trades, bid, ask, open_interest); INSERT INTO barsvt_hot(series, ts) VALUES (1, NULL), (1, "
      "5),"
      " (1, 5), (1, 1704292200), (2, 1704292200)",
      "DROP TABLE barsvt_seg; CREATE TABLE barsvt_seg(id, n, first, last, codec, checksum, min, "
      "max, sum,"
      " data); INSERT INTO barsvt_seg(id) VALUES (NULL), ('x'), (68719476736 * 1 + 15)",
      "DROP TABLE bt_chunk; CREATE TABLE bt_chunk(x)",
      "DROP TABLE bt_chunk; CREATE TABLE bt_chunk(run, kind, first, last, n, checksum, data);"
      "INSERT INTO bt_chunk VALUES (1, 'order', NULL, NULL, NULL, NULL, NULL),"
      " (1, 'fill', 1, 1, 1, 0, zeroblob(60))",
      "DROP TABLE bt_curve; CREATE TABLE bt_curve(run, chunk, n, first, last, data);"
      "INSERT INTO bt_curve VALUES (1, 0, NULL, 1, 1, NULL), (2, NULL, 1, NULL, NULL, "
      "zeroblob(25))",
  };
  for (size_t i = 0; i < COUNT(sql); i++) {
    if (!damaged(sql[i])) fail_msg("refused: %s", sql[i]);
  }
}

/* ---- at random ---- */

static const char *const columns[][2] = {
    {"barsvt_asset", "asset"},  {"barsvt_asset", "tz"},        {"barsvt_asset", "multiplier"},
    {"barsvt_series", "asset"}, {"barsvt_series", "timestep"}, {"barsvt_hot", "series"},
    {"barsvt_hot", "ts"},       {"barsvt_hot", "open"},        {"barsvt_hot", "high"},
    {"barsvt_hot", "close"},    {"barsvt_hot", "volume"},      {"barsvt_seg", "id"},
    {"barsvt_seg", "n"},        {"barsvt_seg", "first"},       {"barsvt_seg", "last"},
    {"barsvt_seg", "codec"},    {"barsvt_seg", "checksum"},    {"barsvt_seg", "min"},
    {"barsvt_seg", "max"},      {"barsvt_seg", "sum"},         {"barsvt_seg", "data"},
    {"barsvt_stat", "data"},    {"barsvt_stat", "id"},         {"bt_curve", "n"},
    {"bt_curve", "data"},       {"bt_curve", "first"},         {"bt_chunk", "n"},
    {"bt_run", "cash"},         {"bt_chunk", "first"},         {"bt_chunk", "last"},
    {"bt_chunk", "data"},       {"bt_chunk", "checksum"}};

/* Any value in a column of some rows. */
static void random_values(void **state) {
  (void)state;
  static const char *const value[] = {"NULL",
                                      "0",
                                      "-1",
                                      "1",
                                      "9223372036854775807",
                                      "-9223372036854775807 - 1",
                                      "1704292260",
                                      "1e308",
                                      "-0.5",
                                      "9e999",
                                      "''",
                                      "'x'",
                                      "'minute'",
                                      "x''",
                                      "x'ff'",
                                      "zeroblob(200)",
                                      "randomblob(300)",
                                      "rowid",
                                      "id",
                                      "ts",
                                      "1 << 36",
                                      "1 << 24",
                                      "253402300799"};
  uint64_t r = 11;
  int fitted = 0;
  for (int round = 0; round < 80; round++) {
    const char *const *c = columns[pick(&r, COUNT(columns))];
    const char *v = value[pick(&r, COUNT(value))];
    int some = (int)pick(&r, 3), of = 1 + (int)pick(&r, 3);
    char sql[300];
    snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = %s WHERE %d %% %d = 0", c[0], c[1], v,
             some, of);
    fitted += damaged(sql); /* not every value fits, and not every table has every column */
  }
  assert_true(fitted > 30);
}

/* Bytes of stored blobs changed one at a time. */
static void random_bytes(void **state) {
  (void)state;
  static const char *const table[] = {"barsvt_seg", "barsvt_stat", "bt_curve", "bt_chunk"};
  uint64_t r = 5;
  for (int round = 0; round < 90; round++) {
    char sql[400];
    const char *t = table[pick(&r, COUNT(table))];
    int at = 1 + (int)pick(&r, round % 2 ? 40 : 400), byte = (int)pick(&r, 256);
    int of = 1 + (int)pick(&r, 7), which = (int)pick(&r, 2);
    snprintf(
        sql, sizeof sql,
        "UPDATE %s SET data = CAST(substr(data, 1, %d) || x'%02x' || substr(data, %d) AS BLOB) "
        "WHERE rowid %% %d = %d AND length(data) > %d",
        t, at, (unsigned)byte, at + 2, of, which, at + 1);
    assert_true(damaged(sql));
  }
}

static int setup(void **state) {
  (void)state;
  write_scenario_csv();
  expectation_record(&expected);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  expectation_free(&expected);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_may_be_out_of_bounds),
      cmocka_unit_test(any_access_may_be_refused),
      cmocka_unit_test(known_damage),
      cmocka_unit_test(random_values),
      cmocka_unit_test(random_bytes),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
