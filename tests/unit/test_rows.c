/*
** test_rows.c - orders, fills and lots in chunks: none lost over many of them, read at once where they are
** asked for, in order of their numbers in whatever order they were written; their bytes, and what is refused.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "barsvt.h"
#include "data_help.h"
#include "col/crc32c.h"
#include "run/rows.h"

enum { DAYS = 3 * BV_ROWS_MAX + 7 };

static sqlite3 *bars(void) {
  char text[400];
  sqlite3 *db = db_open(":memory:");
  snprintf(text, sizeof text,
           "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
           " INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume)"
           " SELECT 'A', 'day', i * 86400, 10, 11, 9, 10, 1 FROM c",
           DAYS);
  sql_ok(db, text);
  return db;
}

/* A trade a day: buy, sell, buy ... */
static void many(void **state) {
  (void)state;
  sqlite3 *db = bars();
  char want[40];
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, ts / 86400 % 2 AS target_qty,"
             " 'day ' || (ts / 86400) AS tag FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v')");
  /* known_at of the first 1 is the end of day 1; the last row finds no bar after it */
  snprintf(want, sizeof want, "%d", DAYS);
  sql_is(db, "SELECT count(*) FROM bt_order", want);
  snprintf(want, sizeof want, "%d", DAYS - 1);
  sql_is(db, "SELECT count(*) FROM bt_fill", want);
  sql_is(db, "SELECT count(*) = max(id) AND min(id) = 1 FROM bt_order", "1");
  sql_is(db, "SELECT count(*) = max(id) AND min(id) = 1 FROM bt_fill", "1");
  sql_is(db,
         "SELECT sum(o.tag = 'day ' || (o.ts / 86400 - 1) AND f.order_id = o.id AND f.ts = o.ts"
         " AND f.qty = o.qty AND o.state = 'filled' AND o.ask = 'target_qty' AND f.asset = 'A')"
         " = count(*) FROM bt_fill f JOIN bt_order o ON o.id = f.order_id",
         "1");
  sql_is(db,
         "SELECT sum(exit_fill = entry_fill + 1 AND open = 0) - count(*) FROM bt_lot WHERE"
         " exit_fill > 0",
         "0");
  db_close(db);
}

/* A step-mode strategy sees the rows of its own run up to the step, however few. */
static void read_by_strategy(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_ok(db, "CREATE VIEW none AS SELECT 'A' AS asset, NULL AS qty FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('none')"); /* makes the tables */
  sql_ok(db, "CREATE VIEW v AS SELECT 'A' AS asset, CASE WHEN bt_qty('A') = (SELECT count(*) FROM"
             " bt_fill WHERE run = 2) AND bt_qty('A') < 5 THEN 1 END AS qty");
  sql_ok(db, "SELECT bt_run('v', '{\"assets\": [\"A\"], \"timestep\": \"day\"}')");
  sql_is(db, "SELECT count(*) FROM bt_fill WHERE run = 2", "5");
  db_close(db);
}

/* A program sees them too, whether they were written or not. */
static void read_by_program(void **state) {
  (void)state;
  sqlite3 *db = bars();
  barsvt_run *r;
  char *why = NULL;
  assert_int_equal(
      barsvt_run_open(db, NULL, "{\"assets\": \"A\", \"timestep\": \"day\"}", &r, &why), SQLITE_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(barsvt_run_step(r, NULL, &why), SQLITE_ROW);
    assert_int_equal(barsvt_run_order(r, "A", BARSVT_QTY, 1, NULL, &why), SQLITE_OK);
  }
  sql_is(db, "SELECT count(*) FROM bt_fill", "2"); /* one fills when it goes on */
  sql_is(db, "SELECT count(*) FROM bt_chunk", "0");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(barsvt_run_write(r, &why), SQLITE_OK);
    assert_int_equal(barsvt_run_step(r, NULL, &why), SQLITE_ROW);
    assert_int_equal(barsvt_run_order(r, "A", BARSVT_QTY, i < 2, NULL, &why), SQLITE_OK);
  }
  assert_int_equal(barsvt_run_write(r, &why), SQLITE_OK);
  sql_is(db, "SELECT group_concat(id) FROM bt_fill", "1,2,3,4,5");
  sql_is(db, "SELECT count(*) FROM bt_chunk WHERE kind = 'fill'", "1");
  sql_is(db, "SELECT sum(n) FROM bt_chunk WHERE kind = 'fill'", "5");
  while (barsvt_run_step(r, NULL, &why) == SQLITE_ROW) {
  }
  assert_int_equal(barsvt_run_write(r, &why), SQLITE_OK);
  assert_int_equal(barsvt_run_close(r, 0, &why), SQLITE_OK);
  sql_is(db, "SELECT count(*) FROM bt_fill", "5");
  db_close(db);
}

/* A chunk that the table does not take ends the run, and nothing of it stays. */
static void refused(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, ts / 86400 % 2 AS target_qty"
             " FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v')");
  sql_ok(db, "CREATE TRIGGER t BEFORE INSERT ON bt_chunk WHEN new.run = 2 AND new.first > 400"
             " BEGIN SELECT raise(ABORT, 'no more'); END");
  sql_fails(db, "SELECT bt_run('v')", "no more");
  sql_is(db, "SELECT count(*) FROM bt_run", "1");
  sql_is(db, "SELECT count(DISTINCT run) FROM bt_fill", "1");
  db_close(db);
}

/* Rows are read only, whoever asks. */
static void read_only(void **state) {
  (void)state;
  sqlite3 *db = bars();
  sql_is(db, "SELECT count(*) FROM bt_fill", "0"); /* before any run */
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, 1 AS target_qty FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v')");
  sql_fails(db, "DELETE FROM bt_order", "bt_order may not be modified");
  sql_fails(db, "UPDATE bt_fill SET qty = 2", "bt_fill may not be modified");
  sql_fails(db, "INSERT INTO bt_lot(run, id) VALUES (9, 9)", "bt_lot may not be modified");
  sql_fails(db, "DROP TABLE bt_order", "bt_order");
  sql_is(db, "SELECT count(*) FROM bt_fill", "1");
  sql_ok(db, "DELETE FROM bt_run");
  sql_is(db, "SELECT count(*) FROM bt_chunk", "0");
  sql_is(db, "SELECT count(*) FROM bt_fill", "0");
  db_close(db);
}

/* ---- without a run: rows in any order ---- */

static void put_trigger(bv_rows *rows, int64_t id) {
  const bv_row_cell cell[3] = {{.i = id}, {.i = id * 60}, {.r = (double)id / 4}};
  ok(bv_rows_put_cells(rows, BV_ROWS_TRIGGER, cell, NULL), NULL);
}

/* The tables of results, with a run of no rows of its own. */
static sqlite3 *results(bv_rows *rows, int64_t run) {
  sqlite3 *db = bars();
  sqlite3_stmt *insert, *remove;
  sql_ok(db, "CREATE VIEW v AS SELECT known_at, asset, NULL AS qty FROM bars('A', 'day')");
  sql_ok(db, "SELECT bt_run('v'), bt_run('v')");
  assert_int_equal(sqlite3_prepare_v2(db, BV_ROWS_INSERT, -1, &insert, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, BV_ROWS_REMOVE, -1, &remove, NULL), SQLITE_OK);
  bv_rows_open(db, run, insert, remove, rows);
  return db;
}

static void end_results(sqlite3 *db, bv_rows *rows) {
  sqlite3_finalize(rows->insert);
  sqlite3_finalize(rows->remove);
  bv_rows_close(rows);
  db_close(db);
}

/* Orders become final in any order, some long after their neighbours, so that chunks overlap.  Whatever is
** asked comes as from a plain table. */
static void any_order(void **state) {
  (void)state;
  enum { ROWS = 30000 };
  static int64_t id[ROWS];
  bv_rows rows;
  sqlite3 *db = results(&rows, 1);
  uint64_t seed = 3;
  int n = 0;
  for (int64_t i = 1; i <= ROWS; i++) {
    id[n++] = i + i / 7;       /* with gaps */
    if (pick(&seed, 3) == 0) { /* a little later, or much */
      const int back = (int)pick(&seed, pick(&seed, 20) == 0 ? n : n < 50 ? n : 50);
      const int64_t last = id[n - 1];
      id[n - 1] = id[n - 1 - back];
      id[n - 1 - back] = last;
    }
  }
  for (int i = 0; i < n; i++) {
    put_trigger(&rows, id[i]);
    if (pick(&seed, 4000) == 0) ok(bv_rows_flush(&rows, NULL), NULL);
    if (pick(&seed, 1000) == 0) ok(bv_rows_tails(&rows, NULL), NULL);
  }
  ok(bv_rows_flush(&rows, NULL), NULL);
  rows.run = 2;
  for (int i = 0; i < 10; i++) put_trigger(&rows, 100 - i);
  ok(bv_rows_flush(&rows, NULL), NULL);
  sql_is(db, "SELECT count(*) > 8 AND sum(n) = 30010 FROM bt_chunk", "1");
  sql_is(db,
         "SELECT count(*) > 3 FROM bt_chunk a JOIN bt_chunk b ON b.run = a.run AND b.first >"
         " a.first AND b.first < a.last",
         "1");
  sql_ok(db, "CREATE TEMP TABLE plain(run, order_id, ts, price, PRIMARY KEY(run, order_id))");
  sql_ok(db,
         "INSERT INTO plain WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE"
         " i < 30000) SELECT 1, i + i / 7, (i + i / 7) * 60, (i + i / 7) / 4.0 FROM c"
         " UNION ALL SELECT 2, 90 + i, (90 + i) * 60, (90 + i) / 4.0 FROM c WHERE i <= 10");
  sql_is(db, "SELECT count(*) FROM (SELECT * FROM plain EXCEPT SELECT * FROM bt_trigger)", "0");
  sql_is(db, "SELECT count(*) FROM bt_trigger", "30010");
  sql_is(
      db,
      "SELECT count(*) FROM (SELECT run, order_id, lag(order_id) OVER () AS before, lag(run) OVER"
      " () AS was FROM bt_trigger) WHERE order_id <= before AND run = was",
      "0");
  sql_is(
      db,
      "SELECT count(*) FROM plain p JOIN bt_trigger t ON t.run = p.run AND t.order_id = p.order_id"
      " WHERE t.ts = p.ts AND t.price = p.price",
      "30010");
  static const char *const where[] = {
      "run = 1 AND order_id BETWEEN 1000 AND 1200",
      "run = 1 AND order_id > 20000 AND order_id < 20003.5",
      "order_id >= 99",
      "run = 1 AND order_id <= -1",
      "run = 1 AND order_id > '33000'",
      "run = 1 AND order_id < 'x'",
      "run = 1.0 AND order_id = 1001.0",
      "run = '1' AND order_id = '1001'",
      "run = 1 AND order_id = 1001.5",
      "run = 1 AND order_id = 7",
      "run = NULL",
      "run = 1 AND order_id > NULL",
      "run = 'x'",
      "run = x'31'",
      "run IN (2, 1, 5) AND order_id IN (91, 92, 3)",
      "run = 2 AND order_id < 9223372036854775807 AND order_id > -9223372036854775807 - 1",
      "run = 2 AND order_id <= 9.3e18 AND order_id >= -9.3e18",
  };
  for (size_t i = 0; i < COUNT(where); i++) {
    char sql[600];
    snprintf(sql, sizeof sql,
             "SELECT (SELECT group_concat(run || ' ' || order_id || ' ' || ts) FROM (SELECT * FROM"
             " bt_trigger WHERE %s ORDER BY run, order_id)) IS (SELECT group_concat(run || ' ' ||"
             " order_id || ' ' || ts) FROM (SELECT CAST(run AS INTEGER) AS run, CAST(order_id AS"
             " INTEGER) AS order_id, ts FROM plain) WHERE %s)",
             where[i], where[i]);
    sql_is(db, sql, "1");
  }
  sql_is(db, "SELECT max(order_id) FROM bt_trigger(2)", "100");
  end_results(db, &rows);
}

/* ---- bytes ---- */

/* The layout of row_chunk.c and col/block.c, byte by byte: two rows that begin at 5 and 60, at a price
** of 1.0 (IEEE 754: 3f f0 ...). */
static void bytes(void **state) {
  (void)state;
  static const uint8_t want[] = {
      0x52, 1,   3,    0,  2, 0, 0, 0,    3,   0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, /* head and sizes */
      128,  10,  2,        /* 5, then steps of 1 */
      128,  120, 0x88, 14, /* 60, then steps of 900: 1800 = 14 * 128 + 8 */
      129,  0,   0,    0,  0, 0, 0, 0xf0, 0x3f};
  int64_t id[2] = {5, 6}, ts[2] = {60, 960};
  double price[2] = {1, 1};
  void *const col[3] = {id, ts, price};
  static bv_row_room room;
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  const size_t wanted = sizeof want;
  ok(bv_row_encode(&room, &bv_row_tables[BV_ROWS_TRIGGER], col, 2, NULL, &out), NULL);
  assert_int_equal(out.n, wanted);
  assert_memory_equal(out.p, want, wanted);
  bv_buf_reset(&out);
}

/* Values of every kind for a column. */
static void any_column(uint64_t *seed, bv_row_type type, int how, size_t n, void *out) {
  static const char *const text[] = {"", "a", "filled", "a rather long reason", "\xc3\xa9"};
  static char many[BV_ROW_CHUNK][16];
  int64_t *number = out;
  double *real = out;
  const char **name = out;
  for (size_t i = 0; i < n; i++) {
    const int64_t r = pick(seed, 1000);
    switch (type) {
    case BV_ROW_TEXT:
      snprintf(many[i], sizeof many[i], "tag %d", (int)(how == 2 ? r : (int64_t)i));
      name[i] = how == 0 ? text[0] : how == 1 ? text[r % 5] : r % 9 == 0 ? NULL : many[i];
      if (how == 4) name[i] = NULL;
      break;
    case BV_ROW_REAL:
      real[i] = how == 0 ? 7.25 : how == 1 ? (double)(10000 + r) / 100 : (double)r / 7;
      if (how >= 3 && r % 5 == 0) real[i] = r % 2 ? NAN : r % 3 ? -0.0 : INFINITY;
      if (how == 4) memcpy(&real[i], &(uint64_t){next_random(seed)}, 8);
      if (how == 4 && isnan(real[i])) real[i] = NAN;
      break;
    default:
      number[i] = how == 0 ? 3 : how == 1 ? r : how == 2 ? (int64_t)i * 86400 + r / 100 * 60 : 0;
      if (how == 3) number[i] = r % 50 ? 1 : INT64_MAX;
      if (how == 4) number[i] = (int64_t)next_random(seed);
    }
  }
}

static bool same_column(const bv_row_table *t, int c, size_t n, const void *a, const void *b) {
  if (t->column[c].type != BV_ROW_TEXT) return memcmp(a, b, n * 8) == 0;
  const char *const *x = a, *const *y = b;
  for (size_t i = 0; i < n; i++) {
    if ((x[i] == NULL) != (y[i] == NULL) || (x[i] && strcmp(x[i], y[i]) != 0)) return false;
  }
  return true;
}

static bv_rc take(const bv_row_table *t, const bv_buf *b, size_t n, int64_t first, int64_t last,
                  bv_row_chunk **out) {
  static bv_row_room room;
  bv_row_room *scratch = &room;
  bv_err err = {0};
  bv_rc rc = bv_row_chunk_new(t, b->p, (int64_t)b->n, (int64_t)n, first, last,
                              bv_crc32c(b->p, b->n), out, &err);
  if (rc == BV_OK) rc = bv_row_chunk_all(*out, &scratch, &err);
  if (rc != BV_OK) bv_row_chunk_free(*out);
  if (rc == BV_CORRUPT) assert_non_null(strstr(err.msg, "bt_chunk"));
  return rc;
}

/* decode(encode x) = x in every column of every table; and with any byte damaged, even where the checksum
** was made to agree, it is either refused or something else comes out, but nothing is read or written
** that should not be. */
static void round_trips(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 3, 100, 257, BV_ROW_CHUNK};
  static bv_row_room room;
  static bv_block_hint hint[BV_ROWS_KINDS]
                           [BV_ROW_COLUMNS_MAX]; /* of columns of another kind before */
  uint64_t seed = 17;
  bv_buf out;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 22);
  const int64_t before = bv_mem_total();
  for (int k = 0; k < BV_ROWS_KINDS * 5 * (int)COUNT(sizes); k++) {
    const bv_row_table *t = &bv_row_tables[k % BV_ROWS_KINDS];
    const size_t n = sizes[k / BV_ROWS_KINDS / 5];
    const int how = k / BV_ROWS_KINDS % 5;
    static int64_t column[BV_ROW_COLUMNS_MAX][BV_ROW_CHUNK];
    void *col[BV_ROW_COLUMNS_MAX];
    for (int c = 0; c < t->ncolumn; c++) {
      col[c] = column[c];
      any_column(&seed, t->column[c].type, (how + c) % 5, n, col[c]);
      /* texts share one array of names: two columns of them are the same names */
    }
    for (size_t i = 0; i < n; i++)
      column[0][i] = (int64_t)(i * (how == 1 ? 3 : 1) + (how == 2 && i > 2)) + 9;
    bv_buf_clear(&out);
    ok(bv_row_encode(&room, t, col, n, hint[k % BV_ROWS_KINDS], &out), NULL);
    bv_row_chunk *got;
    assert_int_equal(take(t, &out, n, column[0][0], column[0][n - 1], &got), BV_OK);
    for (int c = 0; c < t->ncolumn; c++) assert_true(same_column(t, c, n, col[c], got->col[c]));
    bv_row_chunk_free(got);
    assert_int_equal(take(t, &out, n + 1, column[0][0], column[0][n - 1], &got), BV_CORRUPT);
    assert_int_equal(take(t, &out, n, column[0][0], column[0][n - 1] + 1, &got), BV_CORRUPT);
    const size_t by = out.n > 4000 ? out.n / 25 : out.n > 400 ? 23 : 1;
    for (size_t at = 0; at < out.n; at += by) {
      bv_err err = {0};
      const char was = out.p[at];
      const uint32_t sum = bv_crc32c(out.p, out.n);
      out.p[at] = (char)(was ^ (1 << pick(&seed, 8)));
      assert_int_equal(bv_row_chunk_new(t, out.p, (int64_t)out.n, (int64_t)n, column[0][0],
                                        column[0][n - 1], sum, &got, &err),
                       BV_CORRUPT);
      if (take(t, &out, n, column[0][0], column[0][n - 1], &got) == BV_OK) bv_row_chunk_free(got);
      out.p[at] = was;
    }
  }
  bv_buf_reset(&out);
  assert_int_equal(bv_mem_total(), before);
}

/* A chunk of a version with fewer columns, and of one with more. */
static void other_versions(void **state) {
  (void)state;
  static bv_row_room room;
  const bv_row_table *t = &bv_row_tables[BV_ROWS_ORDER];
  bv_row_table fewer = *t;
  int64_t column[BV_ROW_COLUMNS_MAX][2] = {{1, 2}};
  void *col[BV_ROW_COLUMNS_MAX];
  for (int c = 0; c < t->ncolumn; c++) col[c] = column[c];
  bv_buf out;
  bv_row_chunk *got;
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  fewer.ncolumn = 14;
  ok(bv_row_encode(&room, &fewer, col, 2, NULL, &out), NULL);
  assert_int_equal(take(t, &out, 2, 1, 2, &got), BV_OK);
  assert_true(isnan(((double *)got->col[14])[1]));
  assert_null(((const char **)got->col[17])[0]);
  assert_int_equal(((int64_t *)got->col[18])[0], 0);
  bv_row_chunk_free(got);
  bv_buf_clear(&out);
  ok(bv_row_encode(&room, t, col, 2, NULL, &out), NULL);
  assert_int_equal(take(&fewer, &out, 2, 1, 2, &got), BV_OK);
  bv_row_chunk_free(got);
  bv_buf_reset(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many),
      cmocka_unit_test(read_by_strategy),
      cmocka_unit_test(read_by_program),
      cmocka_unit_test(refused),
      cmocka_unit_test(read_only),
      cmocka_unit_test(any_order),
      cmocka_unit_test(bytes),
      cmocka_unit_test(round_trips),
      cmocka_unit_test(other_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
