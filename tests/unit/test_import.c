/*
** test_import.c - files into the store: the summary, all or nothing, rows set aside, loading again.
** What files may look like is tested with their readers; more of SQL in tests/sql.
*/
#include "store_fixture.h"

#include "data/import.h"

#include <sys/stat.h>

static char path[64];

static int setup(void **state) {
  setup_store(state);
  mkdir("tests/tmp", 0777);
  snprintf(path, sizeof path, "tests/tmp/import-%d.csv", (int)getpid());
  return 0;
}

static int teardown(void **state) {
  unlink(path);
  return teardown_store(state);
}

static void write_file(const char *text) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fwrite(text, 1, strlen(text), f);
  fclose(f);
}

static bv_rc import(const char *asset, const char *step, const char *options, bv_buf *out,
                    bv_err *err) {
  bv_buf_init(out, BV_MEM_IMPORT, 1 << 20);
  return bv_import_file(store, path, asset, step, options, out, err);
}

/* The summary holds each of the parts. */
static void loads(const char *asset, const char *step, const char *options,
                  const char *const *part) {
  bv_buf b;
  bv_err err = {0};
  ok(import(asset, step, options, &b, &err), &err);
  for (; *part; part++) {
    if (!strstr(bv_buf_text(&b), *part)) fail_msg("%s has no %s", bv_buf_text(&b), *part);
  }
  char *valid = sqlite3_mprintf("SELECT json_valid(%Q)", bv_buf_text(&b));
  sql_is(db, valid, "1");
  sqlite3_free(valid);
  bv_buf_reset(&b);
}

#define LOADS(asset, step, options, ...)                                                           \
  loads(asset, step, options, (const char *const[]){__VA_ARGS__, NULL})

static void fails(const char *asset, const char *step, const char *options, const char *part) {
  bv_buf b;
  bv_err err = {0};
  bv_rc rc = import(asset, step, options, &b, &err);
  if (rc == BV_OK || !strstr(err.msg, part))
    fail_msg("%s: '%s', not '%s'", bv_rc_text(rc), err.msg, part);
  assert_true(sqlite3_get_autocommit(db));
  bv_buf_reset(&b);
}

static const char three[] = "Date,Open,High,Low,Close,Volume\n"
                            "2024-01-03,1,2,0.5,1.5,10\n"
                            "2024-01-04,2,3,1.5,2.5,20\n"
                            "2024-01-05,3,4,2.5,3.5,30\n";

static void a_summary(void **state) {
  (void)state;
  write_file(three);
  LOADS("A", "day", NULL, "\"rows\":3", "\"new\":3", "\"changed\":0", "\"rejected\":0",
        "\"first\":\"2024-01-03 00:00:00\"", "\"last\":\"2024-01-05 00:00:00\"", "\"assets\":1",
        "\"time\":\"date\"", "ts=Date");
  sql_is(db, "SELECT count(*) FROM bars('A', 'day')", "3");
  sql_is(db, "SELECT total(close) FROM bars('A', 'day')", "7.5");
  sql_is(db, "SELECT rows FROM barsvt_coverage", "3");
  LOADS("A", "day", NULL, "\"rows\":3", "\"new\":0", "\"changed\":0"); /* again: nothing happens */
  sql_is(db, "SELECT count(*) FROM bars('A', 'day')", "3");
}

static void corrections(void **state) {
  (void)state;
  write_file(three);
  LOADS("A", "day", NULL, "\"new\":3");
  write_file("Date,Open,High,Low,Close\n2024-01-04,2,9,1.5,2.5\n2024-01-08,2,9,1.5,2.5\n");
  fails("A", "day", "{\"on_conflict\": \"error\"}", "already stored");
  sql_is(db, "SELECT count(*) FROM bars('A', 'day')", "3"); /* not half of it */
  LOADS("A", "day", "{\"on_conflict\": \"ignore\"}", "\"rows\":2", "\"new\":1", "\"changed\":0");
  sql_is(db, "SELECT high FROM bars('A', 'day') WHERE ts = 1704326400", "3.0");
  LOADS("A", "day", NULL, "\"rows\":2", "\"new\":0", "\"changed\":");
  sql_is(db, "SELECT high FROM bars('A', 'day') WHERE ts = 1704326400", "9.0");
  sql_is(db, "SELECT volume IS NULL FROM bars('A', 'day') WHERE ts = 1704326400", "1");
}

static void rows_set_aside(void **state) {
  (void)state;
  write_file("Date,Open,High,Low,Close,Volume\n"
             "2024-01-03,1,2,0.5,1.5,10\n"
             "2024-01-04,2,1,1.5,2.5,20\n"
             "2024-01-05,3,4,2.5,x,30\n"
             "2024-01-05,3,4\n"
             "yesterday,3,4,2.5,3,30\n"
             "2024-01-08,3,4,2.5,3.5,30\n");
  LOADS("A", "day", NULL, "\"rows\":2", "\"rejected\":4");
  sql_is(db, "SELECT group_concat(line) FROM (SELECT line FROM barsvt_reject ORDER BY line)",
         "3,4,5,6");
  sql_is(db, "SELECT reason FROM barsvt_reject WHERE line = 3", "high is below low");
  sql_is(db, "SELECT text FROM barsvt_reject WHERE line = 6", "yesterday,3,4,2.5,3,30");
  sql_is(db, "SELECT count(*) FROM barsvt_reject WHERE asset = 'A' AND timestep = 'day'", "4");
  LOADS("A", "day", NULL, "\"rejected\":4");
  sql_is(db, "SELECT count(*) FROM barsvt_reject", "4"); /* of the last load of that file */
}

static void many_assets(void **state) {
  (void)state;
  write_file("symbol,ts,open,high,low,close\n"
             "B,2024-01-03,1,1,1,1\nA,2024-01-03,2,2,2,2\nB,2024-01-04,3,3,3,3\n");
  LOADS(NULL, "day", NULL, "\"rows\":3", "\"assets\":2");
  sql_is(db, "SELECT group_concat(close) FROM bars('B', 'day')", "1.0,3.0");
  sql_is(db, "SELECT group_concat(close) FROM bars('A', 'day')", "2.0");
  fails("C", "day", NULL, "several symbols");
  sql_is(db, "SELECT count(*) FROM barsvt_asset", "2");
}

static void order_and_duplicates(void **state) {
  (void)state;
  char text[20000];
  int n = snprintf(text, sizeof text, "ts,open,high,low,close\n");
  for (int i = 299; i >= 0; i--) { /* backwards, every tenth twice: the later line counts */
    n += snprintf(text + n, sizeof text - (size_t)n, "%d,5,5,5,5\n", 1704292200 + 60 * i);
    if (i % 10 == 0)
      n += snprintf(text + n, sizeof text - (size_t)n, "%d,7,7,7,7\n", 1704292200 + 60 * i);
  }
  write_file(text);
  LOADS("A", "minute", NULL, "\"rows\":330", "\"time\":\"epoch s\"");
  sql_is(db, "SELECT count(*), total(close) FROM bars('A', 'minute')", "300");
  sql_is(db, "SELECT total(close) FROM bars('A', 'minute')", "1560.0");
  sql_is(db,
         "SELECT count(*) FROM (SELECT ts, lag(ts) OVER (ORDER BY ts) p FROM bars('A', 'minute')) "
         "WHERE ts <= p",
         "0");
}

static void options_are_checked(void **state) {
  (void)state;
  write_file(three);
  fails("A", "day", "{\"colour\": \"red\"}", "unknown option 'colour'");
  fails("A", "day", "{\"lable\": \"end\"}", "did you mean 'label'");
  fails("A", "day", "{\"label\": \"middle\"}", "middle");
  fails("A", "day", "{\"tz\": \"Mars/X\"}", "Mars/X");
  fails("A", "day", "{\"price_scale\": 0}", "price_scale");
  fails("A", "day", "{\"delimiter\": \"--\"}", "delimiter");
  fails("A", "day", "{\"date_order\": \"year\"}", "date_order");
  fails("A", "day", "{\"on_conflict\": \"maybe\"}", "on_conflict");
  fails("A", "day", "{\"columns\": {\"shut\": \"Close\"}}", "shut");
  fails("A", "day", "{\"columns\": {\"close\": \"Shut\"}}", "Shut");
  fails("A", "day", "[1]", "object");
  fails("A", "day", "{", "JSON");
  fails("A", "parsec", NULL, "parsec");
  fails(" A", "day", NULL, "A");
  fails(NULL, "day", NULL, "symbol");
  sql_is(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'barsvt_asset'",
         "0"); /* nothing was made */
  LOADS("A", "day", "{\"price_scale\": 0.01, \"columns\": {\"close\": \"Open\"}}", "\"rows\":3");
  sql_is(db, "SELECT group_concat(close) FROM bars('A', 'day')", "0.01,0.02,0.03");
}

static void unreadable_files(void **state) {
  (void)state;
  fails("A", "day", NULL, "cannot be opened");
  write_file("");
  fails("A", "day", NULL, "empty");
  write_file("a,b,c\n1,2,3\n");
  fails("A", "day", NULL, "a,b,c");
  write_file("\x89PNG\r\n\x1a\n");
  fails("A", "day", NULL, "");
  sql_is(db, "SELECT count(*) FROM sqlite_schema", "0");
}

/* Inside a transaction of the caller a failed import undoes itself alone. */
static void inside_a_transaction(void **state) {
  (void)state;
  write_file(three);
  sql_ok(db, "BEGIN");
  LOADS("A", "day", NULL, "\"new\":3");
  write_file("Date,Open,High,Low,Close\n2024-01-08,1,1,1,1\n2024-01-04,9,9,9,9\n");
  bv_buf b;
  bv_err err = {0};
  assert_int_equal(import("A", "day", "{\"on_conflict\": \"error\"}", &b, &err), BV_CONFLICT);
  bv_buf_reset(&b);
  assert_false(sqlite3_get_autocommit(db));
  sql_is(db, "SELECT count(*) FROM bars('A', 'day')", "3");
  sql_ok(db, "ROLLBACK");
  sql_fails(db, "SELECT count(*) FROM bars('A', 'day')", "no bars are stored");
}

static void labels_and_zones(void **state) {
  (void)state;
  write_file("time,open,high,low,close\n2024-03-08 09:31,1,1,1,1\n2024-03-11 09:31,2,2,2,2\n");
  LOADS("A", "minute", "{\"tz\": \"America/New_York\", \"label\": \"end\"}",
        "\"first\":\"2024-03-08 14:30:00\"", "\"last\":\"2024-03-11 13:30:00\"");
  sql_is(db, "SELECT tz FROM barsvt_asset", "America/New_York");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(a_summary),        TEST(corrections),          TEST(rows_set_aside),
      TEST(many_assets),      TEST(order_and_duplicates), TEST(options_are_checked),
      TEST(unreadable_files), TEST(inside_a_transaction), TEST(labels_and_zones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
