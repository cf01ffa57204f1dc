/*
** benchmark.h - the price of a run's benchmark at the points of its equity curve.
*/
#ifndef BV_RUN_BENCHMARK_H
#define BV_RUN_BENCHMARK_H

#include "data/view.h"

/* Find the series of a benchmark: of that timestep, or with "" the finest stored one.  BV_NOTFOUND
** or BV_ARG names what is wrong. */
BV_MUST bv_rc bv_benchmark_find(bv_store *s, const char *asset, const char *timestep,
                                bv_series *out, bv_err *err);

/* A walk along its closes. */
typedef struct bv_benchmark {
  bv_stream stream;
  double close; /* the one known last */
} bv_benchmark;

/* Begin; *start is what bv_benchmark_walk says of instant `from`, and no later one than `to` will be asked about.
** To be closed, but after a failure. */
BV_MUST bv_rc bv_benchmark_open(bv_benchmark *b, bv_store *s, const bv_series *series, int64_t from,
                                int64_t to, double *start, bv_err *err);

/* The last close known at each of the n instants ts (increasing, and after those before): that of the newest bar
** with a close that had ended by then; NaN before the first. */
BV_MUST bv_rc bv_benchmark_walk(bv_benchmark *b, const int64_t *ts, int64_t n, double *out,
                                bv_err *err);
void bv_benchmark_close(bv_benchmark *b);

#endif
