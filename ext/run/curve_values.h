/*
** curve_values.h - the values of a chunk of the equity curve as bytes, beside its amounts of cash.
**
** The value of an account is its cash and whole numbers of some decimal unit, or a unit in the last place or two away
** from that; and it moves little from point to point, whatever fills do to the cash.  So
**
**      k[i]      the integer next to (value[i] - cash[i]) * 10^s
**      far[i]    the integer next to (cash[i] - cash[0]) * 10^s; 0 where it is 2^51 or more
**      r[i]      k[i] + far[i] less the same of the point before, 0 for i = 0
**      off[i]    value[i] less (cash[i] + k[i] / 10^s), in units in the last place, -128 ... 127
**
** "Next" is rounded to even.  Stored are, integers little-endian and "varint" base 128, low group first:
**
**      uint8     s, 0 ... 8; plus 16 where some off[i] is not 0; plus 32 where some r[i] is wide (bitpack.h); or 255
**      255:      n x float64, and nothing else
**      varint    zigzag(k[0])
**      frames    zigzag(r[i]) of n points (bitpack.h, no plane)
**      frames    zigzag(off[i]) of n points, where there are any
**      varint    points that are none of this: their r and off are 0, as if they were like the point before;
**                of each: varint index less that of the one before (of the first: index), float64
*/
#ifndef BV_RUN_CURVE_VALUES_H
#define BV_RUN_CURVE_VALUES_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that n > 0 values can take while they are coded. */
size_t bv_curve_values_room(size_t n);

/* Write n > 0 values to p, which has room for them; returns the end. */
uint8_t *bv_curve_values_put(const double *value, const double *cash, size_t n, uint8_t *p);

/* Take n values from the bytes at p; returns their end, NULL where they are not such values. */
const uint8_t *bv_curve_values_get(const uint8_t *p, const uint8_t *end, const double *cash,
                                   size_t n, double *value);

#endif
