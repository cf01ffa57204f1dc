/*
** test_stretch.c - steps that pass many at a time give the same bits as steps that are looked at one by one.
**
** A risk rule that never fires has the driver look at every step.  Two runs over the same bars, one with it, are
** stepped side by side with the same random orders, and asked about their state now and then.
*/
#include "data_help.h"
#include "base/buf.h"
#include "sim/sim.h"

#define START INT64_C(1704205800)
#define SLOW  "\"risk\": [{\"rule\": \"max_drawdown\", \"percent\": 99.999, \"action\": \"warn\"}]"

/* As many as a chunk of the curve has points: it is full at the end. */
enum { ASSETS = 4, ROWS = 4096 };
static const char *const name[ASSETS] = {"BB", "AA", "CC", "DD"};

/* What the bars of a scenario look like. */
typedef struct market {
  const char *label, *timestep, *config;
  int64_t length;    /* seconds of a bar */
  int assets;        /* the first of `name` */
  int missing;       /* one of so many bars of all assets but the first is missing; 0: none */
  int64_t ends;      /* bars of the last asset; 0: all */
  double drift;      /* of a bar */
  int64_t orders;    /* one step of so many has orders */
  const char *setup; /* NULL: nothing more */
  bool none;         /* no orders at all */
  bool
      mixed; /* the second asset has bars of five lengths, the third ones that begin half of one later */
} market;

static void put_bars(sqlite3 *db, const market *m, int a, uint64_t *seed) {
  sqlite3_stmt *st;
  double px = 100;
  assert_int_equal(
      sqlite3_prepare_v2(db,
                         "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1000)",
                         -1, &st, NULL),
      SQLITE_OK);
  sqlite3_bind_text(st, 1, name[a], -1, SQLITE_STATIC);
  const bool longer = m->mixed && a == 1;
  sqlite3_bind_text(st, 2, longer ? "5 minutes" : m->timestep, -1, SQLITE_STATIC);
  int64_t ts = START - START % (5 * m->length) + (m->mixed && a == 2 ? m->length / 2 : 0),
          n = m->ends && a == m->assets - 1 ? m->ends : ROWS;
  for (int64_t i = 0; i < n; i++, ts += m->length) {
    if (i % 390 == 389) ts += 100 * m->length;
    double open = px * (1 + (double)pick(seed, 9) / 4000 - 0.001);
    double close = open * (1 + m->drift + (double)pick(seed, 21) / 4000 - 0.0025);
    px = close;
    if (longer && ts % (5 * m->length) != 0) continue;
    if (a > 0 && m->missing && pick(seed, m->missing) == 0) continue;
    sqlite3_bind_int64(st, 3, ts);
    sqlite3_bind_double(st, 4, open);
    sqlite3_bind_double(st, 5, fmax(open, close) * 1.0005);
    sqlite3_bind_double(st, 6, fmin(open, close) * 0.9995);
    sqlite3_bind_double(st, 7, close);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_reset(st);
  }
  sqlite3_finalize(st);
}

static sqlite3 *open_market(const market *m) {
  sqlite3 *db = db_open(":memory:");
  uint64_t seed = 7;
  sql_ok(db, "BEGIN");
  for (int a = 0; a < m->assets; a++) put_bars(db, m, a, &seed);
  if (m->setup) sql_ok(db, m->setup);
  sql_ok(db, "COMMIT; SELECT bars_compact()");
  return db;
}

/* Everything a run has left but what it says of itself. */
static char *left_by(sqlite3 *db) {
  static const char *const of[] = {"SELECT * FROM bt_order ORDER BY id",
                                   "SELECT * FROM bt_fill ORDER BY id",
                                   "SELECT * FROM bt_lot ORDER BY id",
                                   "SELECT * FROM bt_cash_flow ORDER BY id",
                                   "SELECT * FROM bt_position ORDER BY asset",
                                   "SELECT * FROM bt_equity ORDER BY ts",
                                   "SELECT run, name, variant, value FROM bt_figure ORDER BY rank",
                                   "SELECT start, \"end\", steps, value, commission FROM bt_run"};
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 64 << 20);
  for (size_t i = 0; i < COUNT(of); i++) {
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, of[i], -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
      for (int c = 0; c < sqlite3_column_count(st); c++) {
        bv_rc rc;
        if (sqlite3_column_type(st, c) == SQLITE_FLOAT) {
          rc = bv_buf_addf(&out, "%.17g|", sqlite3_column_double(st, c));
        } else {
          const char *text = (const char *)sqlite3_column_text(st, c);
          rc = bv_buf_addf(&out, "%s|", text ? text : "NULL");
        }
        assert_int_equal(rc, BV_OK);
      }
      assert_int_equal(bv_buf_addf(&out, "\n"), BV_OK);
    }
    sqlite3_finalize(st);
  }
  char *text = sqlite3_mprintf("%s", bv_buf_text(&out));
  bv_buf_reset(&out);
  return text;
}

static barsvt_run *begin(sqlite3 *db, const market *m, const char *more) {
  char config[600], *why = NULL;
  barsvt_run *r;
  char step[40] = "";
  if (!m->mixed) snprintf(step, sizeof step, ", \"timestep\": \"%s\"", m->timestep);
  size_t n =
      (size_t)snprintf(config, sizeof config, "{%s%s%s, \"assets\": [", m->config, more, step);
  for (int a = 0; a < m->assets; a++) {
    n += (size_t)snprintf(config + n, sizeof config - n, "%s\"%s\"", a ? ", " : "", name[a]);
  }
  snprintf(config + n, sizeof config - n, "]}");
  if (barsvt_run_open(db, NULL, config, &r, &why) != SQLITE_OK) fail_msg("%s: %s", m->label, why);
  return r;
}

static void give(barsvt_run *r, const char *asset, double weight) {
  char *why = NULL;
  int code = barsvt_run_order(r, asset, BARSVT_TARGET_WEIGHT, weight, NULL, &why);
  if (code != SQLITE_OK) fail_msg("order: %s", why);
}

/* The state of both at a step; *what says which part. */
static void compare_state(sqlite3 *da, barsvt_run *a, sqlite3 *db, barsvt_run *b, const market *m,
                          int64_t what) {
  if (what == 0) {
    char *x = sql_text(da, "SELECT format('%!.20g %!.20g', bt_value(), bt_cash())");
    char *y = sql_text(db, "SELECT format('%!.20g %!.20g', bt_value(), bt_cash())");
    assert_string_equal(x, y);
    sqlite3_free(x);
    sqlite3_free(y);
  }
  if (what == 1) assert_true(same(barsvt_run_value(a), barsvt_run_value(b)));
  if (what == 2) assert_true(same(barsvt_run_cash(a), barsvt_run_cash(b)));
  for (int i = 0; what == 3 && i < m->assets; i++) {
    assert_true(same(barsvt_run_price(a, name[i]), barsvt_run_price(b, name[i])));
    assert_true(same(barsvt_run_qty(a, name[i]), barsvt_run_qty(b, name[i])));
  }
}

static void side_by_side(const market *m) {
  sqlite3 *da = open_market(m), *db = open_market(m);
  barsvt_run *a = begin(da, m, ""), *b = begin(db, m, ", " SLOW);
  uint64_t seed = 99;
  int64_t ta, tb;
  int code;
  while ((code = barsvt_run_step(a, &ta, NULL)) == SQLITE_ROW) {
    assert_int_equal(barsvt_run_step(b, &tb, NULL), SQLITE_ROW);
    assert_int_equal(ta, tb);
    compare_state(da, a, db, b, m, pick(&seed, 40));
    if (m->none || pick(&seed, m->orders) != 0) continue;
    const char *asset = name[pick(&seed, m->assets)];
    double weight = (double)pick(&seed, 5) / 4 / m->assets;
    give(a, asset, weight);
    give(b, asset, weight);
  }
  assert_int_equal(code, SQLITE_DONE);
  assert_int_equal(barsvt_run_step(b, &tb, NULL), SQLITE_DONE);
  assert_int_equal(barsvt_run_close(a, 0, NULL), SQLITE_OK);
  assert_int_equal(barsvt_run_close(b, 0, NULL), SQLITE_OK);
  char *x = left_by(da), *y = left_by(db);
  if (strcmp(x, y) != 0) {
    size_t i = 0;
    while (x[i] == y[i]) i++;
    size_t from = i > 200 ? i - 200 : 0;
    fail_msg("%s:\n%.400s\n---\n%.400s", m->label, x + from, y + from);
  }
  assert_true(strlen(x) > 10000);
  sqlite3_free(x);
  sqlite3_free(y);
  db_close(da);
  db_close(db);
}

static void test_same(void **state) {
  (void)state;
  static const market all[] = {
      {.label = "no orders",
       .timestep = "minute",
       .length = 60,
       .assets = 1,
       .none = true,
       .config = "\"cash\": 1000"},
      {.label = "one asset",
       .timestep = "minute",
       .length = 60,
       .assets = 1,
       .orders = 30,
       .config = "\"cash\": 1000, \"commission\": 0.001"},
      {.label = "four assets",
       .timestep = "minute",
       .length = 60,
       .assets = 4,
       .orders = 20,
       .config = "\"cash\": 100000, \"units\": \"fractional\""},
      {.label = "one ends early",
       .timestep = "minute",
       .length = 60,
       .assets = 3,
       .orders = 25,
       .ends = 1700,
       .config = "\"cash\": 100000"},
      {.label = "bars are missing",
       .timestep = "minute",
       .length = 60,
       .assets = 3,
       .orders = 20,
       .missing = 50,
       .config = "\"cash\": 100000"},
      {.label = "of several lengths",
       .timestep = "minute",
       .length = 60,
       .assets = 3,
       .orders = 40,
       .mixed = true,
       .missing = 70,
       .config = "\"cash\": 100000"},
      {.label = "days of a zone",
       .timestep = "day",
       .length = 86400,
       .assets = 2,
       .orders = 15,
       .config = "\"cash\": 100000",
       .setup = "SELECT bars_asset(asset, 'tz', 'America/New_York')"
                " FROM (SELECT 'AA' AS asset UNION SELECT 'BB')"},
      {.label = "splits and dividends",
       .timestep = "hour",
       .length = 3600,
       .assets = 2,
       .orders = 40,
       .config = "\"cash\": 100000",
       .setup = "SELECT bars_action('AA', 1704205800 + 86400 * 20, 'split', 2),"
                " bars_action('AA', 1704205800 + 86400 * 45, 'dividend', 0.5),"
                " bars_action('BB', 1704205800 + 86400 * 45, 'dividend', 0.25),"
                " bars_action('BB', 1704205800 + 86400 * 46 + 7, 'split', 0.5)"},
      {.label = "to an end in between",
       .timestep = "minute",
       .length = 60,
       .assets = 2,
       .orders = 25,
       .config = "\"cash\": 100000, \"end\": 1704340807"},
      {.label = "finish_close",
       .timestep = "minute",
       .length = 60,
       .assets = 2,
       .orders = 200,
       .config = "\"cash\": 100000, \"profile\": \"vectorbt\""},
  };
  for (size_t i = 0; i < COUNT(all); i++) side_by_side(&all[i]);
}

/* A short account that prices ruin, in the middle of a stretch: the very same step ends it. */
static void test_ruin(void **state) {
  (void)state;
  const market m = {.label = "ruin",
                    .timestep = "minute",
                    .length = 60,
                    .assets = 2,
                    .drift = 0.002,
                    .config = "\"cash\": 1000, \"profile\": \"backtesting.py\""};
  char *left[2];
  for (int slow = 0; slow < 2; slow++) {
    sqlite3 *db = open_market(&m);
    barsvt_run *r = begin(db, &m, slow ? ", " SLOW : "");
    for (int i = 0; barsvt_run_step(r, NULL, NULL) == SQLITE_ROW; i++) {
      if (i == 5) give(r, "AA", -0.4);
      if (i == 6) give(r, "BB", -0.4);
    }
    assert_int_equal(barsvt_run_close(r, 0, NULL), SQLITE_OK);
    char *n = sql_text(db, "SELECT count(*) FROM bt_order WHERE ts > 1704205800 + 600");
    assert_string_not_equal(n, "0");
    sqlite3_free(n);
    left[slow] = left_by(db);
    db_close(db);
  }
  assert_string_equal(left[0], left[1]);
  sqlite3_free(left[0]);
  sqlite3_free(left[1]);
}

/* Rows of a set-mode view that become known at bars, between them, and for an asset that comes in late. */
static void test_set_mode(void **state) {
  (void)state;
  const market m = {.label = "set", .timestep = "minute", .length = 60, .assets = 4};
  char *left[2];
  for (int slow = 0; slow < 2; slow++) {
    sqlite3 *db = open_market(&m);
    sql_ok(db, "CREATE TABLE row(known_at INTEGER, asset TEXT, target_weight REAL);"
               "INSERT INTO row SELECT 1704205800 + value * 60 * 47 + (value % 7) * 20,"
               " substr('AABBCCDD', 1 + 2 * (value % 4), 2), (value % 5) / 20.0"
               " FROM (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c"
               " WHERE value < 90) SELECT value FROM c);"
               "CREATE VIEW s AS SELECT * FROM row");
    sql_ok(db, slow ? "SELECT bt_run('s', '{\"timestep\": \"minute\", " SLOW "}')"
                    : "SELECT bt_run('s', '{\"timestep\": \"minute\"}')");
    left[slow] = left_by(db);
    db_close(db);
  }
  assert_string_equal(left[0], left[1]);
  assert_non_null(strstr(left[0], "DD"));
  sqlite3_free(left[0]);
  sqlite3_free(left[1]);
}

/* A stretch ends before a close that is no number. */
static void test_values(void **state) {
  (void)state;
  const bv_sim_config cfg = bv_sim_profile_find("default")->config;
  const double close[] = {11, 12, NAN, 13};
  const double *columns[] = {close};
  double value[4];
  const int *held;
  int n, asset;
  int64_t until;
  bv_err err = {0};
  bv_sim *s;
  ok(bv_sim_new(&cfg, NULL, &s, &err), &err);
  ok(bv_sim_asset(s, "A", 1, &asset, &err), &err);
  bv_sim_bar bar = {
      .asset = asset, .ts = 0, .known_at = 60, .open = 10, .high = 10, .low = 10, .close = 10};
  ok(bv_sim_close(s, 60, &bar, 1, &err), &err);
  assert_true(bv_sim_calm(s, &held, &n, &until));
  assert_int_equal(n, 0);
  const bv_sim_request buy = {.asset = asset, .ask = BV_ASK_QTY, .amount = 2};
  ok(bv_sim_submit(s, 60, &buy, &err), &err);
  assert_false(bv_sim_calm(s, &held, &n, &until));
  bar.ts = 60;
  ok(bv_sim_open(s, 60, &bar, 1, &err), &err);
  assert_true(bv_sim_calm(s, &held, &n, &until));
  assert_int_equal(n, 1);
  assert_int_equal(bv_sim_calm_values(s, columns, 4, value), 2);
  assert_true(value[1] - value[0] == 2);
  columns[0] = NULL;
  assert_int_equal(bv_sim_calm_values(s, columns, 4, value), 4);
  assert_true(same(value[3], bv_sim_value(s)));
  bv_sim_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_ruin),
                                     cmocka_unit_test(test_set_mode),
                                     cmocka_unit_test(test_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
