/*
** bench.h - what the bench programs share: a database of bars, timing, JSON lines.
**
** Bars come from $PERF_DATA/$SCALE.csv, the peers' file, where PERF_DATA is set; otherwise a year of
** minute bars of one symbol, S000, is made.  One JSON line per figure, with the keys of the peers'
** lines: seconds is the median of REPS runs.
*/
#ifndef BV_BENCH_H
#define BV_BENCH_H

#include "barsvt.h"

#include <math.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BENCH_MAX_REPS 64

static inline double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void bench_die(sqlite3 *db, const char *what) {
  fprintf(stderr, "bench: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
  exit(1);
}

static inline int bench_reps(void) {
  const char *r = getenv("REPS");
  int n = r ? atoi(r) : 5;
  return n < 1 ? 1 : n > BENCH_MAX_REPS ? BENCH_MAX_REPS : n;
}

static inline const char *bench_scale(void) {
  const char *s = getenv("SCALE");
  return s ? s : "S";
}

static inline sqlite3_stmt *bench_prepare(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
    bench_die(db, sql);
  }
  return st;
}

static inline void bench_exec(sqlite3 *db, const char *sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) bench_die(db, sql);
}

/* The first column of the first row. */
static inline double bench_value(sqlite3 *db, const char *sql) {
  sqlite3_stmt *st = bench_prepare(db, sql);
  if (sqlite3_step(st) != SQLITE_ROW) bench_die(db, sql);
  double v = sqlite3_column_double(st, 0);
  sqlite3_finalize(st);
  return v;
}

static inline uint64_t bench_random(uint64_t *s) { /* splitmix64 (Steele, Lea, Flood 2014) */
  uint64_t z = (*s += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 252 sessions of 390 minutes from 2024-01-02 14:30 UTC, a random walk in cents. */
static inline void bench_make_csv(const char *path) {
  FILE *f = fopen(path, "w");
  if (!f) bench_die(NULL, path);
  uint64_t seed = 1;
  long px = 10000;
  fprintf(f, "ts,asset,open,high,low,close,volume\n");
  int64_t day = 1704205800;
  for (int d = 0; d < 252; d++, day += 86400) {
    if ((day / 86400 + 4) % 7 == 6) day += 2 * 86400;
    for (int m = 0; m < 390; m++) {
      long o = px + (long)(bench_random(&seed) % 3) - 1,
           c = o + (long)(bench_random(&seed) % 11) - 5;
      if (c < 100) c = 100;
      long h = (o > c ? o : c) + (long)(bench_random(&seed) % 4);
      long l = (o < c ? o : c) - (long)(bench_random(&seed) % 4);
      fprintf(f, "%lld,S000,%.2f,%.2f,%.2f,%.2f,%d\n", (long long)day + 60 * m, (double)o / 100,
              (double)h / 100, (double)l / 100, (double)c / 100,
              (int)(bench_random(&seed) % 5000) + 1);
      px = c;
    }
  }
  fclose(f);
}

/* The CSV file to load, in a buffer of 512 bytes. */
static inline void bench_csv(char *path) {
  const char *dir = getenv("PERF_DATA");
  if (dir) {
    snprintf(path, 512, "%s/%s.csv", dir, bench_scale());
    return;
  }
  snprintf(path, 512, "bench/out/own.csv");
  if (access(path, R_OK) != 0) bench_make_csv(path);
}

static inline sqlite3 *bench_connect(const char *path) {
  sqlite3 *db;
  sqlite3_auto_extension((void (*)(void))sqlite3_barsvt_init);
  if (sqlite3_open(path, &db) != SQLITE_OK) bench_die(db, path);
  return db;
}

/* A database file with the bars loaded, made if it is not there. */
static inline sqlite3 *bench_open(void) {
  char csv[512], file[600], sql[1400];
  const char *dir = getenv("PERF_DATA");
  bench_csv(csv);
  snprintf(file, sizeof file, "%s/barsvt-%s.db", dir ? dir : "bench/out", bench_scale());
  int there = access(file, R_OK) == 0;
  sqlite3 *db = bench_connect(file);
  if (!there) {
    snprintf(sql, sizeof sql, "SELECT bars_import('%s', NULL, 'minute')", csv);
    bench_exec(db, sql);
  }
  return db;
}

/* The first run in a database makes the tables of results: let them be there. */
static inline void bench_first_run(sqlite3 *db, const char *timestep) {
  char sql[200];
  bench_exec(db,
             "CREATE TEMP VIEW bench_first AS SELECT 1 AS known_at, 'S000' AS asset, 0.0 AS qty");
  snprintf(sql, sizeof sql,
           "SELECT bt_run('bench_first', '{\"assets\": \"S000\", \"timestep\": \"%s\"}')",
           timestep);
  bench_value(db, sql);
  bench_exec(db, "DELETE FROM bt_run; DROP VIEW bench_first");
}

static inline int bench_by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One line: seconds of each run in t, n units of work, extra JSON members or "". */
static inline void bench_print(const char *w, const char *metric, double n, double *t, int reps,
                               double check, const char *extra) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  qsort(t, (size_t)reps, sizeof *t, bench_by_value);
  double median = t[(reps - 1) / 2];
  printf("{\"w\":\"%s\",\"peer\":\"libbarsvt\",\"metric\":\"%s_%s\",\"n\":%.0f,\"seconds\":%.6g,"
         "\"min\":%.6g,\"ns_per_n\":%.4g,\"check\":%.10g,\"rss_mb\":%ld%s%s}\n",
         w, metric, bench_scale(), n, median, t[0], 1e9 * median / n, check, u.ru_maxrss / 1024,
         extra[0] ? "," : "", extra);
  fflush(stdout);
}

/* Run `body` REPS times and print; `check` is set by the body. */
#define BENCH(w, metric, n, extra, ...)                                                            \
  do {                                                                                             \
    double t_[BENCH_MAX_REPS], check = 0;                                                          \
    int reps_ = bench_reps();                                                                      \
    for (int r_ = 0; r_ < reps_; r_++) {                                                           \
      double t0_ = bench_now();                                                                    \
      check = 0;                                                                                   \
      {__VA_ARGS__} t_[r_] = bench_now() - t0_;                                                    \
    }                                                                                              \
    bench_print(w, metric, n, t_, reps_, check, extra);                                            \
  } while (0)

#endif
