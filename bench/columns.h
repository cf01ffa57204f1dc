/*
** columns.h - a million bars in memory, for programs that time kernels: the walk of bench_make_csv.
*/
#ifndef BV_BENCH_COLUMNS_H
#define BV_BENCH_COLUMNS_H

#include "bench.h"

#include "calc/indicator.h"

enum { BENCH_BARS = 1000000 };

static inline double *bench_column(void) {
  double *c = malloc((size_t)BENCH_BARS * sizeof *c);
  if (!c) bench_die(NULL, "memory");
  return c;
}

/* One column for each kind of input; the caller frees them. */
static inline void bench_columns(double *column[BV_IN_COUNT]) {
  uint64_t seed = 1;
  long px = 10000;
  for (int c = 0; c < BV_IN_COUNT; c++) column[c] = bench_column();
  for (int i = 0; i < BENCH_BARS; i++) {
    const long o = px + (long)(bench_random(&seed) % 3) - 1;
    long c = o + (long)(bench_random(&seed) % 11) - 5;
    if (c < 100) c = 100;
    const long h = (o > c ? o : c) + (long)(bench_random(&seed) % 4);
    const long l = (o < c ? o : c) - (long)(bench_random(&seed) % 4);
    column[BV_IN_OPEN][i] = (double)o / 100;
    column[BV_IN_HIGH][i] = (double)h / 100;
    column[BV_IN_LOW][i] = (double)l / 100;
    column[BV_IN_CLOSE][i] = (double)c / 100;
    column[BV_IN_VOLUME][i] = (double)(bench_random(&seed) % 5000) + 1;
    column[BV_IN_TYPICAL][i] = (double)(h + l + c) / 300;
    column[BV_IN_OTHER][i] = (double)(px + (long)(bench_random(&seed) % 21)) / 100;
    column[BV_IN_DAY][i] = (double)(i / 390);
    px = c;
  }
}

#endif
