/*
** feed.c - a program that has libbarsvt inside and reads a feed: for every instant the bars of all shares, beside
** each the forecast and the market's mood that may be used there.
**
**      cc feed.c -lbarsvt -lsqlite3 -lzstd -lz -lm -lpthread
**
** It checks what it computes and exits with 1 where something is not as written here.
*/
#include "barsvt.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60)
#define START  INT64_C(1704292200) /* 2024-01-03 14:30 */

static void fail(const char *what, const char *why) {
  fprintf(stderr, "feed: %s: %s\n", what, why ? why : "");
  exit(1);
}

#define CHECK(cond)                                                                                \
  if (!(cond)) fail("this does not hold", #cond)

static void sql(sqlite3 *db, const char *text) {
  char *why = NULL;
  if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail(text, why);
}

/* Six minutes of two shares; of ZINC the third is missing.  Forecasts are stamped with the minute they were made
** at and are to be used from the next bar on; the mood is the market's. */
static void store(sqlite3 *db) {
  sql(db, "INSERT INTO bars(asset, timestep, ts, open, high, low, close)"
          " SELECT a.value, 'minute', 1704292200 + 60 * m.value, 10, 12, 9, 10 + m.value / 10.0"
          " FROM json_each('[\"ZINC\", \"ACME\"]') a, json_each('[0, 1, 2, 3, 4, 5]') m"
          " WHERE NOT (a.value = 'ZINC' AND m.value = 2)");
  sql(db, "CREATE TABLE forecast(ts INTEGER, asset TEXT, score REAL, side TEXT)");
  sql(db, "INSERT INTO forecast VALUES (1704292200, 'ACME', 0.5, 'up'),"
          " (1704292200 + 120, 'ACME', NULL, NULL), (1704292200 + 60, 'ZINC', -1, 'down')");
  sql(db, "CREATE TABLE mood(ts INTEGER, vix INTEGER)");
  sql(db, "INSERT INTO mood VALUES (1704292200 - 3600, 13), (1704292200 + 180, 15)");
  sql(db, "CREATE VIRTUAL TABLE feed USING bars_feed(timestep=minute, context=mood,"
          " signals=(forecast columns=score match=asof timing=next_bar))");
}

/* A step: the score-weighted return of the shares that have a forecast, while the market is calm. */
static int add_up(void *ctx, const barsvt_batch *b) {
  double *sum = ctx;
  for (int i = 0; i < b->n; i++) {
    if (b->valid[1][i] && b->value[2][i] < 14) *sum += b->value[1][i] * b->value[0][i];
  }
  return 0;
}

static void read_all(sqlite3 *db) {
  static const double nan_score = NAN;
  /* what each minute shows of ACME and ZINC: the forecast of the minute before, as long as none is newer */
  const double want[6][2] = {{nan_score, nan_score}, {0.5, nan_score}, {0.5, 99},
                             {nan_score, -1},        {nan_score, -1},  {nan_score, -1}};
  barsvt_feed *feed;
  barsvt_batch b;
  char *why = NULL;
  int code, minute = 0;
  if (barsvt_feed_open(db, "feed", NULL, &feed, &why) != SQLITE_OK) fail("open", why);
  CHECK(barsvt_feed_assets(feed) == 2 && strcmp(barsvt_feed_asset(feed, 0), "ACME") == 0);
  CHECK(barsvt_feed_columns(feed) == 7); /* open, high, low, close, volume, vix, score */
  int kind, score = 0, close = 0, vix = 0;
  for (int c = 0; c < 7; c++) {
    const char *name = barsvt_feed_column(feed, c, &kind);
    if (strcmp(name, "close") == 0 && kind == BARSVT_BAR) close = c;
    if (strcmp(name, "score") == 0 && kind == BARSVT_SIGNAL) score = c;
    if (strcmp(name, "vix") == 0 && kind == BARSVT_CONTEXT) vix = c;
  }
  while ((code = barsvt_feed_next(feed, &b, &why)) == SQLITE_ROW) {
    CHECK(b.ts == START + minute * MINUTE);
    CHECK(b.n == (minute == 2 ? 1 : 2));
    for (int i = 0; i < b.n; i++) {
      double expected = want[minute][b.asset[i]];
      CHECK(b.known_at[i] == b.ts + MINUTE);
      CHECK(b.value[close][i] == 10 + minute / 10.0);
      CHECK(b.value[vix][i] == (minute < 3 ? 13 : 15));
      CHECK(b.valid[score][i] == !isnan(expected));
      if (b.valid[score][i]) CHECK(b.value[score][i] == expected);
    }
    minute++;
  }
  if (code != SQLITE_DONE) fail("next", why);
  CHECK(minute == 6);
  barsvt_feed_close(feed);
}

/* Some columns of one share for some minutes, given to a function; the feed is described in place. */
static double read_some(sqlite3 *db) {
  const char *asset[] = {"ACME"};
  const barsvt_feed_options options = {.size = sizeof options,
                                       .asset = asset,
                                       .nasset = 1,
                                       .start = START + MINUTE,
                                       .end = START + 5 * MINUTE,
                                       .columns = "close, score, vix"};
  barsvt_feed *feed;
  char *why = NULL;
  double sum = 0;
  const char *text = "timestep=minute, context=mood, signals=(forecast match=asof timing=next_bar)";
  if (barsvt_feed_open(db, text, &options, &feed, &why) != SQLITE_OK) fail("open", why);
  if (barsvt_feed_each(feed, add_up, &sum, &why) != SQLITE_OK) fail("each", why);
  barsvt_feed_close(feed);
  return sum;
}

/* Errors say what is wrong; a column of texts cannot be delivered. */
static void go_wrong(sqlite3 *db) {
  const barsvt_feed_options side = {.size = sizeof side, .columns = "side"};
  barsvt_feed *feed;
  barsvt_batch b;
  char *why = NULL;
  CHECK(barsvt_feed_open(db, "food", NULL, &feed, &why) != SQLITE_OK && !feed);
  CHECK(strstr(why, "food"));
  sqlite3_free(why);
  if (barsvt_feed_open(db, "timestep=minute, signals=forecast", &side, &feed, &why))
    fail("open", why);
  CHECK(barsvt_feed_next(feed, &b, &why) == SQLITE_ERROR);
  CHECK(strstr(why, "side is no number"));
  sqlite3_free(why);
  barsvt_feed_close(feed);
}

int main(void) {
  sqlite3 *db;
  sqlite3_auto_extension((void (*)(void))sqlite3_barsvt_init);
  if (sqlite3_open("feed.db", &db) != SQLITE_OK) fail("open", sqlite3_errmsg(db));
  store(db);
  read_all(db);
  double sum = read_some(db);
  CHECK(sum == 0.5 * 10.1 + 0.5 * 10.2);
  go_wrong(db);
  printf("libbarsvt %s: sum %.2f\n", barsvt_version(), sum);
  if (sqlite3_close(db) != SQLITE_OK) fail("close", "something is still open");
  return 0;
}
