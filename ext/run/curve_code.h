/*
** curve_code.h - a chunk of the equity curve as bytes.
**
**      uint8     3, the form
**      times     varint zigzag(ts[0]); then runs of equal steps: varint step (> 0), varint count
**      exposed   uint8 of the first point; varint lengths of runs, 0 and 1 in turn
**      cash      runs of equal amounts: float64, varint count
**      values    as values near the cash (col/near.h)
**      uint8     0, present only where the size would be 25 n without it
**      uint32    CRC-32C of all bytes before
**
** Numbers are little-endian, doubles are kept to the bit.
**
** Forms of earlier versions are read, not written.  Form 2 is the same with 2 in the first byte and other values:
**
**                uint8     form of values, and
**                  0 .. 8   each value is cash + k / 10^form and, seldom, a few units in the last
**                           place off: varint number of those places that have any, or all;
**                           varint zigzag(k[i] - k[i-1]) of every point;
**                           varint index less the one before, float64 of the values that are none
**                  16 + s   the same with form s and an int8 per point between the two: units in
**                           the last place
**                  255      n x float64
**
** Form 1 has no header: n x int64 times, n x float64 values, n x float64 cash, n x uint8 exposed, 25 n bytes.
*/
#ifndef BV_RUN_CURVE_CODE_H
#define BV_RUN_CURVE_CODE_H

#include "base/buf.h"

#include <stdint.h>

#define BV_CURVE_CHUNK 4096

/* Append 0 < n <= BV_CURVE_CHUNK points in form 3. */
BV_MUST bv_rc bv_curve_encode(const int64_t *ts, const double *value, const double *cash,
                              const uint8_t *exposed, int64_t n, bv_buf *out);

/* Take n points apart into arrays that have room for them.  BV_CORRUPT where n is more than
** BV_CURVE_CHUNK, or the bytes are not those of n points with rising times. */
BV_MUST bv_rc bv_curve_decode(const void *blob, int64_t size, int64_t n, int64_t *ts, double *value,
                              double *cash, uint8_t *exposed, bv_err *err);

/* The times alone. */
BV_MUST bv_rc bv_curve_times(const void *blob, int64_t size, int64_t n, int64_t *ts, bv_err *err);

#endif
