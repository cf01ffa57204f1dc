/* test_hot.c - the rows not yet sealed: written, read by any set of columns, counted, removed. */
#include "store_fixture.h"

#include "data/hot.h"

static bv_series series, other;

static int setup(void **state) {
  setup_store(state);
  make_minutes("A", &series);
  make_minutes("B", &other);
  return 0;
}

/* A value that tells row and column; some optional ones are missing. */
static double value_of(int64_t ts, int c) {
  if (c > BV_COL_OI) return NAN;
  return c > BV_COL_CLOSE && (ts / 60 + c) % 4 == 0 ? NAN : (double)(ts * 16 + c) / 8;
}

static bool put(const bv_series *s, int64_t ts, bool replace, double shift) {
  double v[BV_NCOL];
  bool wrote;
  bv_err err = {0};
  for (int c = 0; c < BV_NCOL; c++) v[c] = value_of(ts, c) + shift;
  ok(bv_hot_put(store, s->id, ts, v, replace, &wrote, &err), &err);
  return wrote;
}

static void check_row(const bv_chunk *c, int64_t at, int64_t ts) {
  assert_int_equal(c->ts[at], ts);
  for (int k = 0; k <= BV_COL_OI; k++) {
    if (c->col[k]) assert_true(same(c->col[k][at], value_of(ts, k)));
  }
}

static void any_set_of_columns(void **state) {
  (void)state;
  bv_err err = {0};
  uint64_t r = 3;
  for (int64_t i = 0; i < 500; i++) assert_true(put(&series, i * 60, false, 0));
  put(&other, 90, false, 5);
  for (int round = 0; round < 400; round++) { /* more sets than statements are kept */
    int64_t lo = pick(&r, 520) * 60 - 600, hi = pick(&r, 520) * 60, max = 1 + pick(&r, 300);
    bool desc = pick(&r, 2);
    bv_chunk c;
    bv_chunk_init(&c, BV_MEM_DECODE, (unsigned)pick(&r, 1 << (BV_COL_OI + 1)));
    ok(bv_hot_read(store, &series, lo, hi, max, desc, &c, &err), &err);
    int64_t a = lo < 0 ? 0 : lo / 60, b = hi / 60;
    if (b > 500) b = 500;
    if (b < a) b = a;
    if (b - a > max && desc) a = b - max;
    if (b - a > max && !desc) b = a + max;
    assert_int_equal(c.n, b - a);
    for (int64_t i = 0; i < c.n; i++) check_row(&c, i, (a + i) * 60);
    bv_chunk_reset(&c);
  }
  assert_true(store->nread <= BV_MAX_READ_STMT);
}

static void insert_and_replace(void **state) {
  (void)state;
  bv_err err = {0};
  double v[BV_NCOL];
  bool found;
  assert_true(put(&series, 60, false, 0));
  assert_false(put(&series, 60, false, 1)); /* there is one: nothing happens */
  ok(bv_hot_get(store, series.id, 60, v, &found, &err), &err);
  assert_true(found);
  for (int c = 0; c < BV_NCOL; c++) assert_true(same(v[c], value_of(60, c)));
  assert_true(put(&series, 60, true, 1));
  ok(bv_hot_get(store, series.id, 60, v, &found, &err), &err);
  assert_true(v[BV_COL_CLOSE] == value_of(60, BV_COL_CLOSE) + 1);
  ok(bv_hot_get(store, series.id, 61, v, &found, &err), &err);
  assert_false(found);
  ok(bv_hot_get(store, other.id, 60, v, &found, &err), &err);
  assert_false(found);
}

static void count_first_and_delete(void **state) {
  (void)state;
  bv_err err = {0};
  int64_t n, ts;
  bool found;
  ok(bv_hot_first(store, series.id, INT64_MIN, &ts, &found, &err), &err);
  assert_false(found);
  for (int64_t i = 0; i < 100; i++) put(&series, i * 60 - 3000, false, 0);
  put(&other, 0, false, 0);
  ok(bv_hot_count(store, series.id, INT64_MIN, INT64_MAX, INT64_MAX, &n, &err), &err);
  assert_int_equal(n, 100);
  ok(bv_hot_count(store, series.id, -60, 120, INT64_MAX, &n, &err), &err);
  assert_int_equal(n, 3);
  ok(bv_hot_count(store, series.id, INT64_MIN, INT64_MAX, 7, &n, &err), &err);
  assert_int_equal(n, 7);
  ok(bv_hot_first(store, series.id, -61, &ts, &found, &err), &err);
  assert_true(found && ts == -60);
  ok(bv_hot_delete(store, series.id, -60, 120, &err), &err);
  ok(bv_hot_first(store, series.id, -61, &ts, &found, &err), &err);
  assert_true(found && ts == 120);
  ok(bv_hot_delete(store, series.id, INT64_MIN, INT64_MAX, &err), &err);
  ok(bv_hot_first(store, series.id, INT64_MIN, &ts, &found, &err), &err);
  assert_false(found);
  ok(bv_hot_count(store, other.id, INT64_MIN, INT64_MAX, INT64_MAX, &n, &err), &err);
  assert_int_equal(n, 1);
}

static void foreign_values(void **state) {
  (void)state;
  static const struct {
    const char *column, *value;
    bool fine;
  } row[] = {{"close", "7", true},        {"close", "'7'", true}, /* REAL affinity makes a number */
             {"close", "'x'", false},     {"close", "x'07'", false}, {"volume", "NULL", true},
             {"volume", "'many'", false}, {"open", "9e999", true},   {"ts", "'noon'", true}};
  for (size_t i = 0; i < COUNT(row); i++) {
    char sql[200];
    bv_err err = {0};
    bv_chunk c;
    double v[BV_NCOL];
    bool found;
    put(&series, 60, true, 0);
    snprintf(sql, sizeof sql, "UPDATE barsvt_hot SET %s = %s WHERE series = %d", row[i].column,
             row[i].value, (int)series.id);
    sql_ok(db, sql);
    sql_ok(db, "UPDATE barsvt_hot SET checksum = NULL");
    bv_chunk_init(&c, BV_MEM_DECODE, BV_STORED_MASK);
    bv_rc rc = bv_hot_read(store, &series, INT64_MIN, INT64_MAX, 10, false, &c, &err);
    bv_rc got = bv_hot_get(store, series.id, 60, v, &found, NULL);
    if (rc != (row[i].fine ? BV_OK : BV_CORRUPT)) fail_msg("%s: %s", sql, bv_rc_text(rc));
    assert_int_equal(got, rc);
    if (!row[i].fine) assert_non_null(strstr(err.msg, row[i].column));
    bv_chunk_reset(&c);
    sql_ok(db, "DELETE FROM barsvt_hot");
  }
}

/* Any other value, though possible, is not what was written. */
static void checksums(void **state) {
  (void)state;
  static const char *const column[] = {"series",  "ts",   "open",   "high", "low", "close",
                                       "volume",  "vwap", "trades", "bid",  "ask", "open_interest",
                                       "checksum"};
  for (size_t i = 0; i < COUNT(column); i++) {
    for (int desc = 0; desc < 2; desc++) {
      char sql[200];
      bv_err err = {0};
      bv_chunk c;
      bool found;
      double v[BV_NCOL];
      put(&series, 60, true, 0);
      snprintf(sql, sizeof sql, "UPDATE barsvt_hot SET %s = ifnull(%s, 0) + 1", column[i],
               column[i]);
      sql_ok(db, sql);
      bv_series at = series;
      at.id += i == 0;
      bv_chunk_init(&c, BV_MEM_DECODE, BV_COLBIT(BV_COL_CLOSE)); /* whatever is asked for */
      bv_rc rc = bv_hot_read(store, &at, INT64_MIN, INT64_MAX, 10, desc, &c, &err);
      bv_rc got = bv_hot_get(store, at.id, i == 1 ? 61 : 60, v, &found, NULL);
      if (rc != BV_CORRUPT || got != BV_CORRUPT) fail_msg("%s: %s", sql, bv_rc_text(rc));
      assert_non_null(strstr(err.msg, "checksum"));
      bv_chunk_reset(&c);
      sql_ok(db, "UPDATE barsvt_hot SET checksum = NULL");
      bv_chunk_init(&c, BV_MEM_DECODE, BV_STORED_MASK);
      ok(bv_hot_read(store, &at, INT64_MIN, INT64_MAX, 10, desc, &c, &err), &err);
      assert_int_equal(c.n, 1);
      bv_chunk_reset(&c);
      sql_ok(db, "DELETE FROM barsvt_hot");
    }
  }
}

/* A table of the first version has no checksums, and is read and written as it is. */
static void without_checksums(void **state) {
  (void)state;
  bv_err err = {0};
  bv_chunk c;
  sql_ok(db, "ALTER TABLE barsvt_hot DROP COLUMN checksum;"
             "ALTER TABLE barsvt_series DROP COLUMN checksum; UPDATE barsvt_meta SET value = 1");
  bv_store_rolled_back(store);
  put(&series, 60, true, 0);
  put(&series, 120, false, 1);
  sql_ok(db, "UPDATE barsvt_hot SET close = close + 1 WHERE ts = 60");
  bv_chunk_init(&c, BV_MEM_DECODE, BV_STORED_MASK);
  ok(bv_hot_read(store, &series, INT64_MIN, INT64_MAX, 10, false, &c, &err), &err);
  assert_int_equal(c.n, 2);
  bv_chunk_reset(&c);
  sql_is(db, "SELECT count(*) FROM bars_check WHERE object <> 'barsvt_hot'", "0");
  sql_ok(db, "ALTER TABLE barsvt_hot ADD COLUMN checksum INTEGER"); /* from here on */
  bv_store_rolled_back(store);
  put(&series, 180, true, 0);
  sql_is(db, "SELECT group_concat(checksum IS NULL) FROM barsvt_hot", "1,1,0");
}

static void times_that_are_none(void **state) {
  (void)state;
  static const char *const ts[] = {"9223372036854775806", "-9223372036854775807", "253402300800",
                                   "-62167219201"};
  for (size_t i = 0; i < COUNT(ts); i++) {
    char sql[200];
    bv_chunk c;
    bv_err err = {0};
    int64_t first;
    bool found;
    snprintf(sql, sizeof sql,
             "INSERT INTO barsvt_hot(" HOT_COLUMNS ") SELECT %d, %s, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
             (int)series.id, ts[i]);
    sql_ok(db, sql);
    bv_chunk_init(&c, BV_MEM_DECODE, BV_STORED_MASK);
    assert_int_equal(bv_hot_read(store, &series, INT64_MIN, INT64_MAX, 10, i % 2, &c, &err),
                     BV_CORRUPT);
    assert_non_null(strstr(err.msg, "barsvt_hot"));
    assert_int_equal(bv_hot_first(store, series.id, INT64_MIN, &first, &found, NULL), BV_CORRUPT);
    bv_chunk_reset(&c);
    sql_ok(db, "DELETE FROM barsvt_hot");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_store)
      TEST(any_set_of_columns),  TEST(insert_and_replace), TEST(count_first_and_delete),
      TEST(foreign_values),      TEST(checksums),          TEST(without_checksums),
      TEST(times_that_are_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
