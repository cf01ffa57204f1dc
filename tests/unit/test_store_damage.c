/*
** test_store_damage.c - every byte of what is stored, damaged one at a time.
**
** First by value: another connection changes a column of a stored row; then by byte of the database file.
** Whatever is read afterwards is what was stored, or an error; and where it is what was stored although
** the damage is there, bars_check (or SQLite's own check, for the file) says so.
*/
#include "data_help.h"

#include <fcntl.h>
#include <sys/stat.h>

static char path[64]; /* of the database, this process's own */

static sqlite3 *plain;  /* does the damage; knows nothing of the extension */
static sqlite3 *reader; /* has caches that must notice it */

static void remove_files(void) {
  char journal[80];
  snprintf(journal, sizeof journal, "%s-journal", path);
  remove(path);
  remove(journal);
}

/* 400 bars in two chunks with every column, and with rows: some over them and some of their own. */
static void make_store(bool rows) {
  remove_files();
  mkdir("tests/tmp", 0777);
  sqlite3 *db = db_open(path);
  sql_ok(db,
         "PRAGMA page_size = 512; PRAGMA journal_mode = memory; PRAGMA synchronous = off; BEGIN;"
         "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 399)"
         "INSERT INTO bars(asset, timestep, ts, open, high, low, close, volume, vwap, trades, bid, "
         "ask,"
         " open_interest) SELECT 'A', 'minute', 1706787840 - 9000 * 200 + 9000 * i, 100 + "
         "i % 7,"
         " 110 + i % 3 / 4.0, 90, 100 + i % 11 / 8.0, i * 100, iif(i % 3, 101.0 / (1 + i % 5), "
         "NULL), i,"
         " 99, 101.5, i * i % 1013 FROM n; SELECT bars_compact(); COMMIT");
  sql_is(db,
         "SELECT count(*) || ' ' || count(DISTINCT id >> 4) || ' ' || (SELECT count(*) FROM "
         "barsvt_hot)"
         " FROM barsvt_seg",
         "22 2 0");
  if (rows) {
    sql_ok(
        db,
        "UPDATE bars SET close = 100 WHERE asset = 'A' AND timestep = 'minute' AND ts % 7 = 0;"
        "INSERT INTO bars(asset, timestep, ts, open, high, low, close) VALUES"
        " ('A', 'minute', 0, 1, 1, 1, 1), ('B', 'day', 0, 1, 1, 1, 1);"
        "INSERT INTO barsvt_coverage VALUES (1, 'file', 0, 60, 1);"
        "INSERT INTO barsvt_reject VALUES (1, 'file', 'A', 'minute', 7, 'high is below low', 'x')");
  }
  sql_is(db, "SELECT count(*) FROM bars_check", "0");
  sql_ok(db, "VACUUM");
  db_close(db);
}

/* Everything that bars can show of the store, as one text; an error as "error ...". */
static char *read_all(sqlite3 *db) {
  return sql_text(
      db,
      "SELECT group_concat(ts || ' ' || open || ' ' || high || ' ' || low || ' ' || close || ' '"
      " || ifnull(volume, '-') || ' ' || ifnull(vwap, '-') || ' ' || ifnull(trades, '-')"
      " || ' ' || ifnull(bid, '-') || ' ' || ifnull(ask, '-') || ' ' ||"
      " ifnull(open_interest, '-'), ';') FROM (SELECT * , bid, ask, open_interest FROM"
      " bars WHERE asset = 'A' AND timestep = 'minute' ORDER BY ts)");
}

static char *problems(sqlite3 *db) {
  return sql_text(
      db, "SELECT count(*) || ' ' || ifnull(group_concat(object || ' ' || problem), '') FROM"
          " (SELECT * FROM bars_check LIMIT 3)");
}

static uint8_t *slurp(size_t *n) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  uint8_t *p = malloc(*n);
  assert_int_equal(fread(p, 1, *n, f), *n);
  fclose(f);
  return p;
}

static void spit(const uint8_t *p, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(p, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

typedef struct tally {
  int tried, unreadable, found;
} tally;

/* What may be read besides what was stored, if a check says what is wrong: a row is no longer found where its key
** is damaged.  NULL: nothing. */
static const char *without_row;

/* After damage described by `what`: the rules above.  must: it has to be found. */
static void judge(sqlite3 *db, const char *good, bool must, const char *what, tally *t) {
  char *now = read_all(db), *said = problems(db);
  bool error = strncmp(now, "error ", 6) == 0;
  bool found = strncmp(said, "0 ", 2) != 0;
  bool lost = found && without_row && strcmp(now, without_row) == 0;
  if (!error && !lost && strcmp(now, good) != 0)
    fail_msg("%s: other bars were read (check: %.200s)", what, said);
  if (must && !error && !found) fail_msg("%s: nobody noticed", what);
  t->tried++;
  t->unreadable += error;
  t->found += found;
  sqlite3_free(now);
  sqlite3_free(said);
}

/* ---- by value ---- */

static void open_both(void) {
  assert_int_equal(sqlite3_open(path, &plain), SQLITE_OK);
  sql_ok(plain, "PRAGMA journal_mode = memory; PRAGMA synchronous = off");
  reader = db_open(path);
}

static void close_both(void) {
  db_close(reader);
  assert_int_equal(sqlite3_close(plain), SQLITE_OK);
}

static void flip(const char *table, int64_t row, int byte, int bit) {
  sqlite3_blob *blob;
  uint8_t x;
  assert_int_equal(sqlite3_blob_open(plain, "main", table, "data", row, 1, &blob), SQLITE_OK);
  assert_int_equal(sqlite3_blob_read(blob, &x, 1, byte), SQLITE_OK);
  x ^= (uint8_t)(1 << bit);
  assert_int_equal(sqlite3_blob_write(blob, &x, 1, byte), SQLITE_OK);
  assert_int_equal(sqlite3_blob_close(blob), SQLITE_OK);
}

/* Every byte of every blob of two chunks: all of the first's, every seventh of the others'. */
static void blobs(void **state) {
  (void)state;
  static const char *const tables[] = {"barsvt_seg", "barsvt_stat"};
  make_store(true);
  open_both();
  char *good = read_all(reader);
  assert_true(strlen(good) > 10000);
  tally t = {0};
  uint64_t r = 3;
  for (size_t k = 0; k < COUNT(tables); k++) {
    char sql[100];
    sqlite3_stmt *st;
    int64_t first = -1;
    struct {
      int64_t id;
      int bytes;
    } row[400];
    int n = 0;
    snprintf(sql, sizeof sql, "SELECT rowid, length(data) FROM %s", tables[k]);
    assert_int_equal(sqlite3_prepare_v2(plain, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
      row[n].id = sqlite3_column_int64(st, 0);
      row[n++].bytes = sqlite3_column_int(st, 1);
    }
    sqlite3_finalize(st);
    for (int i = 0; i < n; i++) {
      if (first < 0) first = row[i].id >> 4;
      int step = row[i].id >> 4 == first || k == 1 ? 1 : 41;
      for (int byte = (int)pick(&r, step); byte < row[i].bytes; byte += step) {
        char what[80];
        int bit = (int)pick(&r, 8);
        snprintf(what, sizeof what, "%s %lld byte %d bit %d", tables[k], (long long)row[i].id, byte,
                 bit);
        flip(tables[k], row[i].id, byte, bit);
        judge(reader, good, true, what, &t);
        flip(tables[k], row[i].id, byte, bit);
      }
    }
  }
  print_message("%d damaged bytes: %d not readable, %d found by bars_check\n", t.tried,
                t.unreadable, t.found);
  assert_int_equal(t.found, t.tried);
  char *end = read_all(reader);
  assert_string_equal(end, good);
  sqlite3_free(end);
  sqlite3_free(good);
  close_both();
}

/* Columns, and values that none of them may have, or that they might have but had not. */
static void values(void **state) {
  (void)state;
  static const struct {
    const char *table, *column, *where;
  } columns[] = {
      {"barsvt_seg", "id", "rowid % 7 = 0"},
      {"barsvt_seg", "n", "rowid % 5 = 0"},
      {"barsvt_seg", "first", "rowid % 11 = 0"},
      {"barsvt_seg", "last", "rowid % 11 = 1"},
      {"barsvt_seg", "codec", "rowid % 11 = 2"},
      {"barsvt_seg", "checksum", "rowid % 11 = 3"},
      {"barsvt_seg", "min", "rowid & 15 <> 15"},
      {"barsvt_seg", "max", "rowid & 15 <> 15"},
      {"barsvt_seg", "sum", "sum IS NOT NULL"},
      {"barsvt_seg", "data", "rowid % 11 = 5"},
      {"barsvt_stat", "id", "rowid % 2 = 0"},
      {"barsvt_stat", "data", "rowid % 3 = 0"},
      {"barsvt_hot", "series", "ts > 0"},
      {"barsvt_hot", "ts", "ts > 0"},
      {"barsvt_hot", "open", "ts > 0"},
      {"barsvt_hot", "close", "ts > 0"},
      {"barsvt_hot", "vwap", "ts > 0"},
      {"barsvt_hot", "open_interest", "ts > 0"},
      {"barsvt_hot", "checksum", "ts > 0"},
      {"barsvt_asset", "asset", "1"},
      {"barsvt_asset", "tz", "1"},
      {"barsvt_asset", "multiplier", "1"},
      {"barsvt_series", "checksum", "1"},
      {"barsvt_series", "asset", "1"},
      {"barsvt_series", "timestep", "1"},
      {"barsvt_meta", "value", "1"},
  };
  static const char *const change[] = {"-77",
                                       "x'0102'",
                                       "'damaged'",
                                       "1e300",
                                       "-1e300",
                                       "''",
                                       "%1$s || x'00'",
                                       "100.5",
                                       "2",
                                       "'Europe/Berlin'",
                                       "'5 minutes'",
                                       "'ZZZ'",
                                       "%1$s + 1",
                                       "9223372036854775807",
                                       "-9223372036854775807"};
  size_t size;
  make_store(true);
  uint8_t *image = slurp(&size);
  open_both();
  sql_ok(plain, "PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on");
  char *good = read_all(reader);
  tally t = {0};
  for (size_t i = 0; i < COUNT(columns); i++) {
    for (size_t k = 0; k < COUNT(change); k++) {
      char sql[400], to[80], what[500];
      snprintf(to, sizeof to, change[k], columns[i].column);
      snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = %s WHERE (%s) AND %s IS NOT %s",
               columns[i].table, columns[i].column, to, columns[i].where, columns[i].column, to);
      sql_ok(plain, "BEGIN");
      int code =
          sqlite3_exec(plain, sql, NULL, NULL, NULL); /* types that a rowid cannot have fail */
      bool changed = code == SQLITE_OK && sqlite3_changes(plain) > 0;
      if (changed) {
        sql_ok(plain, "COMMIT");
        snprintf(what, sizeof what, "%s", sql);
        char *keep = NULL;
        bool gone =
            strcmp(columns[i].column, "series") == 0 ||
            (strcmp(columns[i].table, "barsvt_hot") == 0 && strcmp(columns[i].column, "ts") == 0);
        if (gone) { /* rows that nobody asks for any more: only a check finds them */
          keep = problems(reader);
          if (strncmp(keep, "0 ", 2) == 0) fail_msg("%s: nobody noticed", what);
          sqlite3_free(keep);
          t.tried++;
        } else {
          judge(reader, good, true, what, &t);
        }
        close_both();
        spit(image, size);
        open_both();
      } else {
        sql_ok(plain, "ROLLBACK");
      }
    }
  }
  print_message("%d damaged values: %d not readable\n", t.tried, t.unreadable);
  assert_true(t.tried > 120);
  free(image);
  sqlite3_free(good);
  close_both();
}

/* ---- by byte of the file ---- */

static void poke(size_t at, uint8_t x) {
  int fd = open(path, O_WRONLY);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, &x, 1, (off_t)at), 1);
  close(fd);
}

/* Open the damaged file, and judge where SQLite finds nothing wrong with it; false where it does. */
static bool judge_file(const char *good, const char *what, tally *t) {
  sqlite3 *db;
  char *error = NULL;
  bool sane = false;
  if (sqlite3_open(path, &db) == SQLITE_OK) {
    assert_int_equal(sqlite3_barsvt_init(db, &error, NULL), SQLITE_OK_LOAD_PERMANENTLY);
    char *sound = sql_text(db, "PRAGMA integrity_check(1)");
    sane = strcmp(sound, "ok") == 0;
    sqlite3_free(sound);
    if (sane) {
      judge(db, good, false, what, t);
    } else { /* a broken tree may hide rows: but it must not crash */
      sqlite3_free(read_all(db));
      sqlite3_free(problems(db));
      t->tried++;
    }
  }
  db_close(db);
  return sane;
}

/* Every bit of the head of a row's record and of what stands around it.  The head says what follows; damage to it
** can move values from one column to the next. */
static void row_heads(void **state) {
  (void)state;
  /* its own size, series 1, ts 0, a checksum of 4 bytes, four prices of 1, no other values */
  static const uint8_t head[] = {14, 9, 8, 4, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0};
  size_t n, at = 0;
  tally t = {0};
  make_store(true);
  sqlite3 *db = db_open(path);
  char *good = read_all(db);
  db_close(db);
  uint8_t *image = slurp(&n);
  assert_int_equal(strncmp(good, "0 ", 2), 0); /* the first row */
  without_row = strchr(good, ';') + 1;
  while (at + sizeof head < n && memcmp(image + at, head, sizeof head) != 0) at++;
  assert_true(at + sizeof head < n);
  for (size_t byte = at - 2; byte < at + sizeof head + 4; byte++) {
    for (int bit = 0; bit < 8; bit++) {
      char what[60];
      snprintf(what, sizeof what, "head of a row, byte %d bit %d", (int)(byte - at), bit);
      poke(byte, image[byte] ^ (uint8_t)(1 << bit));
      judge_file(good, what, &t);
      poke(byte, image[byte]);
    }
  }
  assert_int_equal(t.tried, 8 * (2 + sizeof head + 4));
  without_row = NULL;
  free(image);
  sqlite3_free(good);
  remove_files();
}

/* Every so many bytes of a database; with DAMAGE_DENSE in the environment every one.  What SQLite keeps for
** itself is checked by SQLite. */
static void file_bytes(bool rows, size_t step) {
  if (getenv("DAMAGE_DENSE")) step = 1;
  size_t n;
  uint64_t r = 17;
  tally t = {0};
  make_store(rows);
  sqlite3 *db = db_open(path);
  char *good = read_all(db);
  db_close(db);
  uint8_t *image = slurp(&n);
  int unnoticed = 0;
  for (size_t at = 100 + (size_t)pick(&r, (int64_t)step); at < n;
       at += step) { /* the first 100 are the file's head */
    uint8_t x = image[at] ^ (uint8_t)(1 << pick(&r, 8));
    char what[40];
    int before = t.unreadable + t.found;
    poke(at, x);
    snprintf(what, sizeof what, "byte %zu", at);
    unnoticed += judge_file(good, what, &t) && t.unreadable + t.found == before;
    poke(at, image[at]);
  }
  print_message("%d damaged bytes of the file: %d of them in nobody's data\n", t.tried, unnoticed);
  assert_true(t.tried > 500);
  assert_true(unnoticed < t.tried * 3 / 4); /* free space, and texts such as the tables' own SQL */
  free(image);
  sqlite3_free(good);
  remove_files();
}

static void bytes_of_sealed(void **state) {
  (void)state;
  file_bytes(false, 23);
}

static void bytes_with_rows(void **state) {
  (void)state;
  file_bytes(true, 19);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blobs),           cmocka_unit_test(values),
      cmocka_unit_test(row_heads),       cmocka_unit_test(bytes_of_sealed),
      cmocka_unit_test(bytes_with_rows),
  };
  snprintf(path, sizeof path, "tests/tmp/damage_%ld.db", (long)getpid());
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  remove_files();
  return failed;
}
