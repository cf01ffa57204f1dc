/*
** segment_golden.h - the input of tests/fixtures/segment_v1.bin, by formula.
**
** Shared by the generator (tests/tools/segment_golden.c) and by test_segment.c.  It must never
** change: a new format version gets a new fixture.
**
** r() is the next value of s = s * 6364136223846793005 + 1442695040888963407 (mod 2^64), s = 42 at
** first, result s >> 33.  Columns are made bar by bar, in the order written in golden_bar.
**
** Series 0, 4,500 bars: minute bars in cents with overnight gaps, everything optional present, NaN in
** bid, averages of three prices as vwap, volumes that turn fractional at bar 4,096.
** Series 1, 300 bars: random bits in every column, times included.
**
** Fixture: records { u8 series, u8 column, u8 level, u8 0, u32 bytes (little-endian), blob }.
*/
#ifndef BV_TEST_SEGMENT_GOLDEN_H
#define BV_TEST_SEGMENT_GOLDEN_H

#include "col/segment.h"

#include <math.h>
#include <string.h>

enum { GOLDEN_SERIES = 2, GOLDEN_MAX = 4500 };

typedef struct golden {
  int64_t n;
  int64_t ts[GOLDEN_MAX];
  double col[BV_SEG_NCOL][GOLDEN_MAX];
} golden;

typedef struct golden_state {
  uint64_t s;
  int64_t close, oi;
} golden_state;

static inline int64_t golden_r(golden_state *g) {
  g->s = g->s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (int64_t)(g->s >> 33);
}

static inline void golden_bar(golden *d, int64_t i, golden_state *g) {
  const int64_t open = g->close + golden_r(g) % 5 - 2;
  const int64_t close = g->close + golden_r(g) % 21 - 10;
  const int64_t high = (open > close ? open : close) + golden_r(g) % 8;
  const int64_t low = (open < close ? open : close) - golden_r(g) % 8;
  const int64_t volume = 100 + golden_r(g) % 9000;
  g->close = close;
  g->oi += golden_r(g) % 100 - 50;
  d->ts[i] = 1704205800 + i / 390 * 86400 + i % 390 * 60;
  d->col[BV_COL_OPEN][i] = (double)open / 100;
  d->col[BV_COL_HIGH][i] = (double)high / 100;
  d->col[BV_COL_LOW][i] = (double)low / 100;
  d->col[BV_COL_CLOSE][i] = (double)close / 100;
  d->col[BV_COL_VOLUME][i] = i < 4096 ? (double)volume : (double)volume / 1000;
  d->col[BV_COL_VWAP][i] = (double)(high + low + close) / 300;
  d->col[BV_COL_TRADES][i] = (double)(1 + golden_r(g) % 300);
  d->col[BV_COL_BID][i] = i % 7 == 3 ? (double)NAN : (double)(close - 1) / 100;
  d->col[BV_COL_ASK][i] = (double)(close + 1 + golden_r(g) % 2) / 100;
  d->col[BV_COL_OI][i] = (double)g->oi;
}

static inline void golden_noise(golden *d, int64_t i, golden_state *g) {
  for (int c = -1; c < BV_SEG_NCOL; c++) {
    const uint64_t bits = (uint64_t)golden_r(g) << 33 ^ (uint64_t)golden_r(g);
    if (c < 0)
      d->ts[i] = (int64_t)bits;
    else
      memcpy(&d->col[c][i], &bits, sizeof bits);
  }
}

static inline void golden_make(int series, golden *d) {
  golden_state g = {42, 15000, 100000};
  d->n = series == 0 ? GOLDEN_MAX : 300;
  for (int64_t i = 0; i < d->n; i++) {
    if (series == 0)
      golden_bar(d, i, &g);
    else
      golden_noise(d, i, &g);
  }
}

static inline bv_bars golden_view(const golden *d) {
  bv_bars b = {.n = d->n, .ts = d->ts};
  for (int c = 0; c < BV_SEG_NCOL; c++) b.col[c] = d->col[c];
  return b;
}

#endif
