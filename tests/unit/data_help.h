/*
** data_help.h - a database with the extension, and bars in it that the test knows: shared by the
** tests of the data layer.
*/
#ifndef BV_TEST_DATA_HELP_H
#define BV_TEST_DATA_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "barsvt.h"
#include "base/alloc.h"
#include "data/put.h"
#include "data/sql.h"
#include "data/store.h"
#include "time/instant.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The columns of barsvt_hot that another program would write. */
#define HOT_COLUMNS                                                                                \
  "series, ts, open, high, low, close, volume, vwap, trades, bid, ask, open_interest"

/* ---- random numbers of our own, so that every platform tests the same ---- */

static inline uint64_t next_random(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

/* 0 .. n-1 */
static inline int64_t pick(uint64_t *s, int64_t n) {
  return (int64_t)(next_random(s) % (uint64_t)n);
}

static inline bool same(double a, double b) {
  return memcmp(&a, &b, 8) == 0 || (isnan(a) && isnan(b));
}

/* ---- databases ---- */

static inline void ok(bv_rc rc, const bv_err *err) {
  if (rc != BV_OK) fail_msg("%s: %s", bv_rc_text(rc), bv_err_text(err, rc));
}

static inline sqlite3 *db_open(const char *path) {
  sqlite3 *db;
  char *error = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  int code = sqlite3_barsvt_init(db, &error, NULL);
  if (code != SQLITE_OK_LOAD_PERMANENTLY) fail_msg("init: %d %s", code, error ? error : "");
  return db;
}

/* A file for a database of this test program alone, which is not there yet. */
static inline void db_file_name(const char *test, char *path, size_t size) {
  mkdir("tests/tmp", 0777);
  snprintf(path, size, "tests/tmp/%s-%d.db", test, (int)getpid());
  unlink(path);
}

static inline void db_file_remove(const char *path) {
  char side[80];
  unlink(path);
  snprintf(side, sizeof side, "%s-wal", path);
  unlink(side);
  snprintf(side, sizeof side, "%s-shm", path);
  unlink(side);
}

/* The connection's store, as the C interface gets it (ext/api/capi.c). */
static inline bv_store *db_store(sqlite3 *db) {
  bv_store *s = NULL;
  sqlite3_stmt *st;
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT barsvt_store(?1)", -1, &st, NULL), SQLITE_OK);
  sqlite3_bind_pointer(st, 1, &s, "barsvt-store", NULL);
  assert_int_equal(sqlite3_step(st), SQLITE_ROW);
  sqlite3_finalize(st);
  assert_non_null(s);
  return s;
}

static inline void db_close(sqlite3 *db) {
  assert_int_equal(sqlite3_close(db), SQLITE_OK); /* fails if a statement of ours is left */
}

static inline void sql_ok(sqlite3 *db, const char *sql) {
  char *error = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) fail_msg("%s: %s", sql, error);
}

/* The first value of the first row, as text that the caller frees with sqlite3_free; "NULL" for a
** NULL, "none" where there is no row, "error N: ..." for an error. */
static inline char *sql_text(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st = NULL;
  char *out;
  int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(st);
  if (code == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(st, 0);
    out = sqlite3_mprintf("%s", text ? text : "NULL");
  } else if (code == SQLITE_DONE) {
    out = sqlite3_mprintf("none");
  } else {
    out = sqlite3_mprintf("error %d: %s", code, sqlite3_errmsg(db));
  }
  sqlite3_finalize(st);
  return out;
}

static inline void sql_is(sqlite3 *db, const char *sql, const char *want) {
  char *got = sql_text(db, sql);
  if (strcmp(got, want) != 0) fail_msg("%s: %s, not %s", sql, got, want);
  sqlite3_free(got);
}

/* The statement fails, and its error names `part`. */
static inline void sql_fails(sqlite3 *db, const char *sql, const char *part) {
  char *got = sql_text(db, sql);
  if (strncmp(got, "error ", 6) != 0 || !strstr(got, part)) {
    fail_msg("%s: %s, not an error with '%s'", sql, got, part);
  }
  sqlite3_free(got);
}

/* Bytes in use but for zones, which live as long as the process. */
static inline int64_t mem_used(void) {
  return bv_mem_total() - bv_mem_used(BV_MEM_TIME);
}

/* ---- bars the test knows ---- */

#define STORED_COLUMNS (BV_COL_OI + 1)

typedef struct model {
  bv_series series;
  int64_t n;
  int64_t *ts;
  double *col[STORED_COLUMNS];
} model;

/* n bars of a walk in cents: stretches without holes, then holes of some bars or many; off: also
** times that are no multiple of the timestep.  One bar in `missing` lacks volume, vwap or trades. */
static inline model model_new(const char *step, int64_t from, int64_t n, int missing, bool off,
                              uint64_t seed) {
  model m = {.n = n, .ts = malloc((size_t)n * 8)};
  bv_timestep s;
  uint64_t r = seed * 2654435761u + 88172645463325252u;
  int64_t t = from, cents = 10000;
  assert_int_equal(bv_timestep_parse(step, strlen(step), &s, NULL), BV_OK);
  for (int c = 0; c < STORED_COLUMNS; c++) m.col[c] = malloc((size_t)n * 8);
  for (int64_t i = 0; i < n; i++) {
    int64_t hole = pick(&r, 60) ? 0 : pick(&r, 8) ? pick(&r, 9) : pick(&r, 3000);
    for (; hole >= 0; hole--) t = bv_timestep_end(s, bv_zone_utc(), t);
    if (off) t -= pick(&r, 50);
    m.ts[i] = t;
    int64_t open = cents, close = cents + pick(&r, 41) - 20;
    if (close < 100) close = 100;
    int64_t high = (open > close ? open : close) + pick(&r, 10);
    int64_t low = (open < close ? open : close) - pick(&r, 10);
    cents = close + (pick(&r, 50) ? 0 : pick(&r, 200));
    m.col[BV_COL_OPEN][i] = (double)open / 100;
    m.col[BV_COL_HIGH][i] = (double)high / 100;
    m.col[BV_COL_LOW][i] = (double)low / 100;
    m.col[BV_COL_CLOSE][i] = (double)close / 100;
    for (int c = BV_COL_VOLUME; c < STORED_COLUMNS; c++) {
      m.col[c][i] = pick(&r, missing) ? (double)pick(&r, 100000) / 4 : NAN;
    }
  }
  return m;
}

static inline void model_free(model *m) {
  free(m->ts);
  for (int c = 0; c < STORED_COLUMNS; c++) free(m->col[c]);
}

static inline void model_put_bar(bv_store *s, const model *m, int64_t i, double shift) {
  bv_err err = {0};
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = c < STORED_COLUMNS ? m->col[c][i] + shift : NAN;
  ok(bv_raw_put(s, &m->series, m->ts[i], v, BV_CONFLICT_REPLACE, NULL, &err), &err);
}

/* Make the series in the database and store every bar.  Where there are enough they are sealed; one in
** 37 is then corrected and one in 53 comes later, so that readers have to merge. */
static inline void model_store(bv_store *s, model *m, const char *asset, const char *step,
                               const char *tz) {
  bv_err err = {0};
  bv_timestep parsed;
  assert_int_equal(bv_timestep_parse(step, strlen(step), &parsed, NULL), BV_OK);
  ok(bv_series_make(s, asset, parsed, tz, &m->series, &err), &err);
  sql_ok(s->db, "SAVEPOINT put");
  for (int64_t i = 0; i < m->n; i++) {
    if (i % 53 != 13) model_put_bar(s, m, i, i % 37 == 5 ? 1 : 0);
  }
  sql_ok(s->db, "SELECT bars_compact()");
  for (int64_t i = 0; i < m->n; i++) {
    if (i % 53 == 13 || i % 37 == 5) model_put_bar(s, m, i, 0);
  }
  sql_ok(s->db, "RELEASE put");
  bv_store_changed(s);
}

/* Number of the first bar at or after ts. */
static inline int64_t model_find(const model *m, int64_t ts) {
  int64_t lo = 0, hi = m->n;
  while (lo < hi) {
    int64_t mid = (lo + hi) / 2;
    if (m->ts[mid] < ts) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

/* An instant near some bar, or far outside. */
static inline int64_t model_instant(const model *m, uint64_t *r) {
  switch (pick(r, 20)) {
  case 0: return INT64_MIN;
  case 1: return INT64_MAX;
  case 2: return m->ts[0] - pick(r, 100000);
  case 3: return m->ts[m->n - 1] + pick(r, 100000);
  default: return m->ts[pick(r, m->n)] + pick(r, 3) - 1;
  }
}

#endif
