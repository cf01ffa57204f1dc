/*
** near.h - doubles that lie near decimals, beside others that are known, as bytes.
**
** What a fill costs is a product of decimals: within a unit or two in the last place of a decimal, but seldom the double
** next to one.  The value of an account is its cash and such a product, and it moves little from point to point,
** whatever fills do to the cash.  So of a value x and what is known beside it, its base,
**
**      k[i]      the integer next to (x[i] - base[i]) * 10^s
**      far[i]    the integer next to (base[i] - base[0]) * 10^s; 0 where it is 2^51 or more
**      r[i]      k[i] + far[i] less the same of the value before, 0 for i = 0
**      off[i]    x[i] less (base[i] + k[i] / 10^s), in units in the last place, -128 ... 127
**
** "Next" is rounded to even.  Stored are, integers little-endian and "varint" base 128, low group first:
**
**      uint8     s, 0 ... 8; plus 16 where some off[i] is not 0; plus 32 where some r[i] is wide (bitpack.h); or 255
**      255:      n x float64, and nothing else
**      varint    zigzag(k[0])
**      frames    zigzag(r[i]) of n values (bitpack.h, no plane)
**      frames    zigzag(off[i]) of n values, where there are any
**      varint    values that are none of this: their r and off are 0, as if they were like the one before;
**                of each: varint index less that of the one before (of the first: index), float64
*/
#ifndef BV_COL_NEAR_H
#define BV_COL_NEAR_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that n > 0 values can take while they are coded. */
size_t bv_near_room(size_t n);

/* Write n > 0 values to p, which has room for them; returns the end. */
uint8_t *bv_near_put(const double *x, const double *base, size_t n, uint8_t *p);

/* Take n values from the bytes at p; returns their end, NULL where they are not such values. */
const uint8_t *bv_near_get(const uint8_t *p, const uint8_t *end, const double *base, size_t n,
                           double *x);

#endif
