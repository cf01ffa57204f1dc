/*
** candle.c - the bars that candlestick patterns look at; see candle.h.
*/
#include "calc/candle.h"

size_t bv_candle_size(const double *param) {
  (void)param;
  return sizeof(candle_state);
}

void bv_candle_init(void *st, const double *param) {
  candle_state *s = st;
  memset(s, 0, sizeof *s);
  s->factor = param[0];
}

void bv_candle_reset(void *st) {
  ((candle_state *)st)->fill = 0;
}

/* ten[i] = v[i-10] + ... + v[i-1] and five[i] likewise, in pairs of pairs; where there are not so
** many before i the cell is not written. */
static void sums(const double *v, int64_t n, double *ten, double *five) {
  double two[CANDLE_CELLS], four[CANDLE_CELLS];
  for (int64_t i = 1; i < n; i++) two[i] = v[i] + v[i - 1];
  for (int64_t i = 3; i < n; i++) four[i] = two[i] + two[i - 2];
  for (int64_t i = 10; i < n; i++) ten[i] = (four[i - 1] + four[i - 5]) + two[i - 9];
  for (int64_t i = 5; five && i < n; i++) five[i] = four[i - 1] + v[i - 5];
}

candle bv_candle_view(candle_state *s, candle_cells *cells, const double *const *in, int64_t n,
                      int64_t *at) {
  double(*v)[CANDLE_CELLS] = cells->v;
  const int64_t have = s->fill, all = have + n;
  const int64_t keep = all < CANDLE_BARS - 1 ? all : CANDLE_BARS - 1;
  for (int k = 0; k < 4; k++) {
    memcpy(v[k], s->bar[k], (size_t)have * sizeof(double));
    memcpy(v[k] + have, in[k], (size_t)n * sizeof(double));
    memcpy(s->bar[k], v[k] + all - keep, (size_t)keep * sizeof(double));
  }
  for (int64_t i = 0; i < all; i++) {
    v[4][i] = fabs(v[3][i] - v[0][i]);
    v[5][i] = v[1][i] - v[2][i];
  }
  sums(v[4], all, v[6], NULL);
  sums(v[5], all, v[7], v[8]);
  s->fill = keep;
  *at = have;
  return (candle){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}
