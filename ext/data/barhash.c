/* barhash.c - a hash of bars by their times and values; see barhash.h. */
#include "data/barhash.h"

#include <math.h>
#include <string.h>

/* The shift brings the high bits, which know most, down. */
uint64_t bv_hash_mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ (h >> 29);
}

/* Bars whose times are mixed at once: once for all columns. */
#define PIECE 512

/* Column c of n bars whose times are mixed already. */
static uint64_t column_hash(const uint64_t *time, const double *x, int64_t n, uint64_t c) {
  const uint64_t salt = (c + 1) * UINT64_C(0xd1342543de82ef95);
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    double v = x[i] + 0.0; /* one zero */
    uint64_t b, h;
    memcpy(&b, &v, sizeof b);
    h = bv_hash_mix(bv_hash_mix(time[i] + salt, b), salt);
    sum += isnan(v) ? 0 : h;
  }
  return sum;
}

uint64_t bv_bars_hash(const bv_bars *bars) {
  uint64_t time[PIECE], sum = 0;
  for (int64_t at = 0; at < bars->n; at += PIECE) {
    const int64_t n = bars->n - at < PIECE ? bars->n - at : PIECE;
    for (int64_t i = 0; i < n; i++) {
      time[i] = bv_hash_mix(UINT64_C(0x2545f4914f6cdd1d), (uint64_t)bars->ts[at + i]);
      sum += bv_hash_mix(time[i], 1);
    }
    for (int c = 0; c <= BV_COL_OI; c++) {
      if (bars->col[c]) sum += column_hash(time, bars->col[c] + at, n, (uint64_t)c);
    }
  }
  return sum;
}
