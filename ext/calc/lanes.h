/*
** lanes.h - several doubles side by side, for the parts of a kernel in which bars do not wait for each
** other.  Every operation is that of plain doubles, so a value does not depend on the number of lanes.
** (The vector extension of GCC and clang; the width is that of the instructions compiled for.)
*/
#ifndef BV_CALC_LANES_H
#define BV_CALC_LANES_H

#include <stdint.h>
#include <string.h>

#if defined __AVX512F__
#define BV_LANES 8
#elif defined __AVX2__
#define BV_LANES 4
#else
#define BV_LANES 2
#endif

typedef double bv_lane __attribute__((vector_size(8 * BV_LANES)));
typedef int64_t bv_lanei __attribute__((vector_size(8 * BV_LANES)));

static inline bv_lane bv_lane_load(const double *p) {
  bv_lane v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void bv_lane_store(double *p, bv_lane v) {
  memcpy(p, &v, sizeof v);
}

static inline bv_lane bv_lane_all(double x) {
  return x - (bv_lane){0};
}

static inline bv_lane bv_lane_abs(bv_lane v) {
  return (bv_lane)((bv_lanei)v & INT64_MAX);
}

/* a where the mask is set, b elsewhere. */
static inline bv_lane bv_lane_pick(bv_lanei mask, bv_lane a, bv_lane b) {
  return (bv_lane)(((bv_lanei)a & mask) | ((bv_lanei)b & ~mask));
}

/* Whether the mask is set in every lane. */
static inline int bv_lane_every(bv_lanei mask) {
  int64_t lane[BV_LANES], all = -1;
  memcpy(lane, &mask, sizeof lane);
  for (int i = 0; i < BV_LANES; i++) all &= lane[i];
  return all != 0;
}

/* Each lane becomes the sum of itself and those before it, added in pairs of growing distance; and the
** last lane in all of them. */
#define BV_LANE_MIX(v, ...) __builtin_shufflevector(v, (bv_lane){0}, __VA_ARGS__)

static inline bv_lane bv_lane_prefix(bv_lane v) {
#if BV_LANES == 8
  v += BV_LANE_MIX(v, 8, 0, 1, 2, 3, 4, 5, 6);
  v += BV_LANE_MIX(v, 8, 8, 0, 1, 2, 3, 4, 5);
  v += BV_LANE_MIX(v, 8, 8, 8, 8, 0, 1, 2, 3);
#elif BV_LANES == 4
  v += BV_LANE_MIX(v, 4, 0, 1, 2);
  v += BV_LANE_MIX(v, 4, 4, 0, 1);
#else
  v += BV_LANE_MIX(v, 2, 0);
#endif
  return v;
}

static inline bv_lane bv_lane_last(bv_lane v) {
#if BV_LANES == 8
  return BV_LANE_MIX(v, 7, 7, 7, 7, 7, 7, 7, 7);
#elif BV_LANES == 4
  return BV_LANE_MIX(v, 3, 3, 3, 3);
#else
  return BV_LANE_MIX(v, 1, 1);
#endif
}

#endif
