/*
** benchmark.h - the price of a run's benchmark at the points of its equity curve.
*/
#ifndef BV_RUN_BENCHMARK_H
#define BV_RUN_BENCHMARK_H

#include "data/store.h"

/* Find the series of a benchmark: of that timestep, or with "" the finest stored one.  BV_NOTFOUND
** or BV_ARG names what is wrong. */
BV_MUST bv_rc bv_benchmark_find(bv_store *s, const char *asset, const char *timestep,
                                bv_series *out, bv_err *err);

/* The last close known at each of the n instants ts (increasing): that of the newest bar with a close
** that had ended by then; NaN before the first.  *start is the same at instant `from` <= ts[0]. */
BV_MUST bv_rc bv_benchmark_read(bv_store *s, const bv_series *series, int64_t from,
                                const int64_t *ts, int64_t n, double *out, double *start,
                                bv_err *err);

#endif
