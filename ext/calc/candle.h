/*
** candle.h - what candlestick patterns look at: the last bars, their parts, and averages of these.
**
** A pattern is a function of the bars i-4..i and of averages over the ten (five) bars before one of
** them, so a value depends on the last CANDLE_BARS bars at most.  Sums are taken anew for each bar,
** in an order fixed by the positions in the window: nothing rolls, so there is nothing to anchor.
**
** TA-Lib and Tulip Indicators define patterns of the same names differently; both are here, under
** the names cdl* (-100, 0, 100) and candle_* (0, 1).
*/
#ifndef BV_CALC_CANDLE_H
#define BV_CALC_CANDLE_H

#include "calc/ind.h"

#define CANDLE_BARS 15 /* the bar, four before it, ten before these */

/* Bars in local arrays; body10[i] is the sum of body over i-10..i-1, range5[i] over i-5..i-1. */
typedef struct candle {
  const double *o, *h, *l, *c;
  const double *body, *range;
  const double *body10, *range10, *range5;
} candle;

/* What a state holds: the bars before the next one, oldest first. */
typedef struct candle_state {
  int64_t fill;
  double factor; /* a parameter of some patterns */
  double bar[4][CANDLE_BARS - 1];
} candle_state;

size_t bv_candle_size(const double *param);
void bv_candle_init(void *st, const double *param);
void bv_candle_reset(void *st);

/* The state's bars and the n new ones into the arrays of the view; *at is where the new ones begin. */
enum { CANDLE_CELLS = BV_RUN_MAX + CANDLE_BARS };
typedef struct candle_cells {
  double v[9][CANDLE_CELLS];
} candle_cells;
candle bv_candle_view(candle_state *s, candle_cells *cells, const double *const *in, int64_t n,
                      int64_t *at);

/* Parts of bar i.  The names are those of TA-Lib. */
static inline int candle_white(const candle *b, int64_t i) {
  return b->c[i] >= b->o[i];
}
static inline double candle_top(const candle *b, int64_t i) {
  return b->c[i] > b->o[i] ? b->c[i] : b->o[i];
}
static inline double candle_base(const candle *b, int64_t i) {
  return b->c[i] < b->o[i] ? b->c[i] : b->o[i];
}
static inline double candle_upper(const candle *b, int64_t i) {
  return b->h[i] - candle_top(b, i);
}
static inline double candle_lower(const candle *b, int64_t i) {
  return candle_base(b, i) - b->l[i];
}

/* The run of a pattern whose first value stands at index `lead`: `test` is a constant at each call,
** so that every loop is compiled by itself. */
static inline void candle_run(void *st, const double *const *in, int64_t n, double *const *out,
                              int64_t lead, double (*test)(const candle *, int64_t, double)) {
  candle_state *s = st;
  candle_cells cells;
  int64_t at;
  const double factor = s->factor;
  const candle b = bv_candle_view(s, &cells, in, n, &at);
  double *y = out[0];
  int64_t i = 0;
  for (; i < n && at + i < lead; i++) y[i] = NAN;
  for (; i < n; i++) y[i] = test(&b, at + i, factor);
}

#endif
