/*
** lanes.h - two doubles side by side, for the parts of a kernel in which bars do not wait for each
** other.  Every operation is that of plain doubles, so a value does not depend on whether it was
** computed in a lane.  (GCC's vector extension, which clang has too; 16 bytes are in every x86-64.)
*/
#ifndef BV_CALC_LANES_H
#define BV_CALC_LANES_H

#include <stdint.h>
#include <string.h>

typedef double bv_lane2 __attribute__((vector_size(16)));
typedef int64_t bv_lane2i __attribute__((vector_size(16)));

static inline bv_lane2 bv_lane2_load(const double *p) {
  bv_lane2 v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void bv_lane2_store(double *p, bv_lane2 v) {
  memcpy(p, &v, sizeof v);
}

static inline bv_lane2 bv_lane2_all(double x) {
  return (bv_lane2){x, x};
}

#endif
