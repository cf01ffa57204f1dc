/*
** test_tags.c - the one copy of each tag: equal texts are equal pointers, those that are kept stay, the
** others go; and a run that gives every order a tag of its own.
*/
#include "data_help.h"

#include "sim/tags.h"

static const char *take(bv_tags *t, const char *text) {
  const char *out;
  assert_int_equal(bv_tags_take(t, text, &out), BV_OK);
  return out;
}

static void copies(void **state) {
  (void)state;
  const int64_t before = bv_mem_total();
  int64_t most = 0;
  static const char *kept[1000];
  bv_tags t;
  char text[32];
  bv_tags_init(&t);
  assert_null(take(&t, NULL));
  const char *empty = take(&t, ""), *a = take(&t, "a");
  assert_string_equal(empty, "");
  assert_ptr_equal(take(&t, "a"), a);
  assert_false(bv_tags_many(&t));
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 20000; i++) {
      snprintf(text, sizeof text, "%d of %d", i, round);
      const char *copy = take(&t, text);
      assert_string_equal(copy, text);
      if (i % 20 == 0 && round == 0) kept[i / 20] = copy;
    }
    assert_true(bv_tags_many(&t));
    const int64_t full = bv_mem_total();
    if (round == 0) most = full;
    assert_true(full <= 2 * most);
    for (int i = 0; i < 1000; i++) bv_tags_keep(&t, kept[i]);
    bv_tags_keep(&t, empty);
    bv_tags_keep(&t, NULL);
    bv_tags_keep(&t, "never heard of");
    snprintf(text, sizeof text, "7 of %d", round); /* a text that is ours, but not the copy */
    bv_tags_keep(&t, text);
    bv_tags_drop(&t);
    assert_false(bv_tags_many(&t));
    assert_int_equal(t.map.live, 1001);
    assert_true(bv_mem_total() < full - 19000 * (int64_t)(16 + sizeof(uint64_t) + 16));
    for (int i = 0; i < 1000; i++) {
      snprintf(text, sizeof text, "%d of 0", 20 * i);
      assert_ptr_equal(take(&t, text), kept[i]);
    }
    assert_ptr_equal(take(&t, ""), empty);
  }
  bv_tags_reset(&t);
  assert_int_equal(bv_mem_total(), before);
}

static void no_memory(void **state) {
  (void)state;
  bv_tags t;
  const char *out;
  bv_tags_init(&t);
  for (int i = 0; i < 5; i++) {
    const int64_t before = bv_mem_total();
    bv_alloc_fail_after(i, 0);
    const bv_rc rc = bv_tags_take(&t, "x", &out);
    const bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    if (failed && i == 0) assert_int_equal(bv_mem_total(), before);
    if (!failed) break;
    assert_null(out);
  }
  bv_tags_reset(&t);
}

/* ---- a run ---- */

#define BEGIN INT64_C(1600000020)

enum { STEPS = 60000, SLEEPS = 30000 };

static void order(barsvt_run *r, double qty, const char *tag, double limit) {
  char *why = NULL;
  const barsvt_order o = {.size = sizeof o,
                          .kind = BARSVT_QTY,
                          .asset = "A",
                          .tag = tag,
                          .amount = qty,
                          .type = limit > 0 ? BARSVT_LIMIT : BARSVT_MARKET,
                          .limit_price = limit};
  if (barsvt_run_submit(r, &o, &why) != SQLITE_OK) fail_msg("%s", why);
}

static void cancel(barsvt_run *r, const char *tag) {
  char *why = NULL;
  const barsvt_order o = {.size = sizeof o, .kind = BARSVT_NONE, .asset = "A", .cancel = tag};
  if (barsvt_run_submit(r, &o, &why) != SQLITE_OK) fail_msg("%s", why);
}

/* Read the tags of `n` rows more; they are those of the orders of steps *at and on. */
static void read_on(sqlite3_stmt *st, int n, int *at) {
  char want[32];
  for (; n > 0; n--, ++*at) {
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    snprintf(want, sizeof want, "step %d", *at);
    assert_string_equal((const char *)sqlite3_column_text(st, 0), want);
  }
}

static void each_order_its_own(void **state) {
  (void)state;
  sqlite3 *db = db_open(":memory:");
  barsvt_run *r;
  char *why = NULL, tag[32];
  sqlite3_stmt *st = NULL;
  int at = SLEEPS - 2000;
  int64_t ts;
  sql_ok(db, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 59999)"
             " INSERT INTO bars(asset, timestep, ts, open, high, low, close) SELECT 'A', 'minute',"
             " 1600000020 + 60 * i, 100, 102, 99, 101 FROM c");
  if (barsvt_run_open(db, NULL,
                      "{\"assets\": \"A\", \"timestep\": \"minute\", \"cash\": 1e9, \"lots\": "
                      "\"lifo\"}",
                      &r, &why) != SQLITE_OK)
    fail_msg("%s", why);
  for (int i = 0; barsvt_run_step(r, &ts, &why) == SQLITE_ROW; i++) {
    snprintf(tag, sizeof tag, "step %d", i);
    if (i == 5) order(r, 1, "patient", 1);
    if (i == 6) order(r, 1, "holder", 0);
    if (i > 6) order(r, i % 2 ? 1 : -1, tag, 0);
    if (i == SLEEPS) { /* rows that are not written yet, from here on read while others come */
      assert_int_equal(sqlite3_prepare_v2(db,
                                          "SELECT tag FROM bt_order WHERE id >= (SELECT id FROM"
                                          " bt_order WHERE tag = 'step 28000') ORDER BY id",
                                          -1, &st, NULL),
                       SQLITE_OK);
      read_on(st, 1500, &at);
    }
    if (i == STEPS - 2) {
      read_on(st, 400, &at);
      assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
      cancel(r, "patient");
    }
  }
  if (barsvt_run_close(r, 0, &why) != SQLITE_OK) fail_msg("%s", why);
  sql_is(db, "SELECT count(*) FROM bt_order WHERE tag = 'step ' || (ts / 60 - 26666668)", "59993");
  sql_is(db, "SELECT count(*) FROM bt_order", "59995");
  sql_is(db, "SELECT tag || ' ' || state FROM bt_order WHERE order_type = 'limit'",
         "patient cancelled");
  sql_is(db, "SELECT tag FROM bt_lot WHERE open ORDER BY entry_ts", "holder");
  sql_is(db, "SELECT sum(tag = 'step ' || (entry_ts / 60 - 26666668)) = count(*) - 1 FROM bt_lot",
         "1");
  db_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies),
      cmocka_unit_test(no_memory),
      cmocka_unit_test(each_order_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
