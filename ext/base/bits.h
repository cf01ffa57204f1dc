/*
** bits.h - the bits of a double as an integer, and signed integers with the sign in bit 0.
*/
#ifndef BV_BASE_BITS_H
#define BV_BASE_BITS_H

#include <stdint.h>
#include <string.h>

/* Always inline, so that a loop compiled for another instruction set keeps to it. */
#define BV_BITS static inline __attribute__((always_inline))

BV_BITS uint64_t bv_bits_of(double x) {
  uint64_t b;
  memcpy(&b, &x, sizeof b);
  return b;
}

BV_BITS double bv_of_bits(uint64_t b) {
  double x;
  memcpy(&x, &b, sizeof x);
  return x;
}

/* 0, -1, 1, -2 ... as 0, 1, 2, 3 ... */
BV_BITS uint64_t bv_zigzag(int64_t x) {
  return ((uint64_t)x << 1) ^ (uint64_t)(x >> 63);
}

BV_BITS int64_t bv_unzigzag(uint64_t u) {
  return (int64_t)((u >> 1) ^ (0 - (u & 1)));
}

#undef BV_BITS

#endif
