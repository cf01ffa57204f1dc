/*
** ind_help.h - bars and runs shared by the tests of indicators.
*/
#ifndef BV_TEST_IND_HELP_H
#define BV_TEST_IND_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "calc/indicator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IND_COLUMNS = BV_IN_COUNT }; /* slot 0 (BV_IN_REAL) stays unused */

/* Behind the volume stand the typical price, a second price (the open of three bars before) and the
** day; every bar is a month of its own. */
typedef struct ind_bars {
  int64_t n;
  double *col[IND_COLUMNS]; /* by bv_input */
} ind_bars;

/* A small generator of our own, so that every platform tests the same bars. */
static inline uint64_t ind_random(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static inline int ind_pick(uint64_t *s, int n) {
  return (int)(ind_random(s) % (uint64_t)n);
}

static inline void ind_bars_free(ind_bars *b) {
  for (int c = 0; c < IND_COLUMNS; c++) bv_free(b->col[c]);
}

static inline ind_bars ind_bars_new(int64_t n) {
  ind_bars b = {.n = n};
  for (int c = BV_IN_OPEN; c < IND_COLUMNS; c++) {
    b.col[c] = bv_alloc0(BV_MEM_BASE, (size_t)n * sizeof(double));
    assert_non_null(b.col[c]);
  }
  return b;
}

/* Fill what follows from the five columns. */
static inline void ind_bars_rest(ind_bars *b) {
  for (int64_t i = 0; i < b->n; i++) {
    const double h = b->col[BV_IN_HIGH][i], l = b->col[BV_IN_LOW][i];
    b->col[BV_IN_TYPICAL][i] = (h + l + b->col[BV_IN_CLOSE][i]) / 3;
    b->col[BV_IN_OTHER][i] = b->col[BV_IN_OPEN][i < 3 ? i : i - 3];
    b->col[BV_IN_DAY][i] = 31.0 * (double)i;
  }
}

/* A walk in ticks of 0.01 with many ties and flat stretches; one bar in nan_every (0: none) has an
** unusable value in one column. */
static inline ind_bars ind_bars_walk(int64_t n, uint64_t seed, int nan_every) {
  static const double bad[] = {NAN, INFINITY, -INFINITY, 1e200};
  ind_bars b = ind_bars_new(n);
  uint64_t s = seed * 2654435761u + 88172645463325252u;
  int close = 10000, flat = 0;
  for (int64_t i = 0; i < n; i++) {
    if (flat == 0 && ind_pick(&s, 200) == 0) flat = 5 + ind_pick(&s, 60);
    const int still = flat > 0;
    flat -= still;
    const int open = close + (still ? 0 : ind_pick(&s, 3) - 1);
    close = open + (still || ind_pick(&s, 3) == 0 ? 0 : ind_pick(&s, 51) - 25);
    if (close < 100) close = 100;
    const int top = open > close ? open : close, base = open > close ? close : open;
    b.col[BV_IN_OPEN][i] = open * 0.01;
    b.col[BV_IN_HIGH][i] = (top + (still ? 0 : ind_pick(&s, 6))) * 0.01;
    b.col[BV_IN_LOW][i] = (base - (still ? 0 : ind_pick(&s, 6))) * 0.01;
    b.col[BV_IN_CLOSE][i] = close * 0.01;
    b.col[BV_IN_VOLUME][i] = ind_pick(&s, 50) == 0 ? 0 : 100 + ind_pick(&s, 100000);
    if (nan_every && ind_pick(&s, nan_every) == 0) {
      b.col[1 + ind_pick(&s, 5)][i] = bad[ind_pick(&s, 4)];
    }
  }
  ind_bars_rest(&b);
  return b;
}

/* Magnitudes from 1e-30 to 1e30 beside each other, any sign: sums that no pair of doubles holds. */
static inline ind_bars ind_bars_wild(int64_t n, uint64_t seed) {
  ind_bars b = ind_bars_new(n);
  uint64_t s = seed * 2654435761u + 88172645463325252u;
  for (int64_t i = 0; i < n; i++) {
    for (int c = BV_IN_OPEN; c <= BV_IN_VOLUME; c++) {
      const double x = (double)(ind_pick(&s, 2000001) - 1000000) * 1e-6;
      b.col[c][i] = ind_pick(&s, 10) ? x : x * pow(10, ind_pick(&s, 61) - 30);
    }
  }
  ind_bars_rest(&b);
  return b;
}

static inline const bv_indicator *ind_named(const char *name) {
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    if (strcmp(all[i]->name, name) == 0) return all[i];
  }
  fail_msg("no indicator %s", name);
  return NULL;
}

/* An indicator being run, with its outputs for up to n bars. */
typedef struct ind_run {
  const bv_indicator *ind;
  double param[BV_IND_MAX_PARAM];
  void *state;
  double *out[BV_IND_MAX_OUTPUT];
} ind_run;

static inline ind_run ind_run_new(const bv_indicator *ind, const double *param, int64_t n) {
  ind_run r = {.ind = ind};
  memcpy(r.param, param, sizeof r.param);
  r.state = bv_alloc(BV_MEM_DERIVED, ind->state_size(param));
  assert_non_null(r.state);
  ind->init(r.state, param);
  for (int k = 0; k < ind->noutput; k++) {
    r.out[k] = bv_alloc(BV_MEM_DERIVED, (size_t)n * sizeof(double));
    assert_non_null(r.out[k]);
    for (int64_t i = 0; i < n; i++) r.out[k][i] = -12345.0;
  }
  return r;
}

static inline void ind_run_free(ind_run *r) {
  bv_free(r->state);
  for (int k = 0; k < r->ind->noutput; k++) bv_free(r->out[k]);
}

static inline const double *ind_input(const bv_indicator *ind, int slot, const ind_bars *b) {
  return b->col[ind->input[slot] == BV_IN_REAL ? ind->real_default : ind->input[slot]];
}

/* Bars [lo, hi) into out[..][lo, hi). */
static inline void ind_step(ind_run *r, const ind_bars *b, int64_t lo, int64_t hi) {
  const double *in[BV_IND_MAX_INPUT];
  double *out[BV_IND_MAX_OUTPUT];
  for (int k = 0; k < r->ind->ninput; k++) in[k] = ind_input(r->ind, k, b) + lo;
  for (int k = 0; k < r->ind->noutput; k++) out[k] = r->out[k] + lo;
  r->ind->run(r->ind, r->state, in, hi - lo, out);
}

/* The same double: the same bits, or both NaN (whose sign and payload mean nothing). */
static inline int ind_same(double a, double b) {
  return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static inline void ind_assert_same(const ind_run *a, const ind_run *b, int64_t lo, int64_t hi,
                                   const char *what) {
  for (int k = 0; k < a->ind->noutput; k++) {
    for (int64_t i = lo; i < hi; i++) {
      if (!ind_same(a->out[k][i], b->out[k][i])) {
        fail_msg("%s(%g, %g, %g): %s: %s at bar %lld: %.17g and %.17g", a->ind->name, a->param[0],
                 a->param[1], a->param[2], what, a->ind->output[k].name, (long long)i, a->out[k][i],
                 b->out[k][i]);
      }
    }
  }
}

#endif
