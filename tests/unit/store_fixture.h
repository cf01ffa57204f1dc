/*
** store_fixture.h - one database in memory with the extension, and its store, for a program of tests: group
** fixtures that open and close them.
*/
#ifndef BV_TEST_STORE_FIXTURE_H
#define BV_TEST_STORE_FIXTURE_H

#include "data_help.h"

#include "data/seg.h"

static sqlite3 *db;
static bv_store *store;

static inline int setup_store(void **state) {
  (void)state;
  db = db_open(":memory:");
  store = db_store(db);
  return 0;
}

static inline int teardown_store(void **state) {
  (void)state;
  db_close(db);
  return 0;
}

/* An empty series of minutes. */
static inline void make_minutes(const char *asset, bv_series *series) {
  bv_err err = {0};
  bv_timestep minute = {1, BV_MINUTE, BV_OF_TRADES};
  ok(bv_series_make(store, asset, minute, NULL, series, &err), &err);
}

/* Where the chunk of 2024-01-08 begins, whose bars are sealed together. */
static inline int64_t chunk_start(const bv_series *series) {
  int64_t lo, hi;
  bv_seg_range(series, bv_seg_chunk_of(series, 1704672000), &lo, &hi);
  return lo;
}

#endif
