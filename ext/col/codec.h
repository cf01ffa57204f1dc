/*
** codec.h - a block of a column as small unsigned residuals, and back.
**
** Coding a block has two steps, each exact:
**
**   1. values -> integers.  BV_CODEC_TICK: x = k * g / 10^s with the integer k, where x is the
**      double that the division gives (what reading the decimal text gives).  BV_CODEC_BITS: the
**      64 bits of the double, without the low zero bits that the whole block shares.
**      BV_CODEC_TIME: int64 times.  Values that have no such integer (NaN, -0.0, off the grid) are
**      patches: their residual is zero and their bits are stored beside the block.
**   2. integers -> residuals against a prediction from what the reader has already decoded
**      (bv_pred); the residual is stored as it is above `ref`, or zigzag-coded (sign in bit 0).
**
** Predictions from other columns are integers of this block's own grid: q(x) = x * (10^s / g)
** rounded to nearest even, 0 where that is 2^50 or more or NaN; the bits above `shift` for
** BV_CODEC_BITS.  They need not be exact: both sides compute the same.
*/
#ifndef BV_COL_CODEC_H
#define BV_COL_CODEC_H

#include "col/bars.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum bv_codec {
  BV_CODEC_TICK = 0,
  BV_CODEC_BITS = 1,
  BV_CODEC_TIME = 2,
  BV_CODEC_COUNT
} bv_codec;

typedef enum bv_pred {
  BV_PRED_NONE = 0,   /* nothing */
  BV_PRED_PREV,       /* the value before */
  BV_PRED_PREV_CLOSE, /* the close before (the first bar: its own close) */
  BV_PRED_CLOSE,      /* the close */
  BV_PRED_MAX_OC,     /* the larger of open and close */
  BV_PRED_MIN_OC,     /* the smaller of them; the residual is prediction - value */
  BV_PRED_TREND,      /* the value before plus the difference before (delta of delta) */
  BV_PRED_COUNT
} bv_pred;

/* |k| and |x * 10^s| stay below this, so that every step is exact in doubles. */
#define BV_TICK_LIMIT ((int64_t)1 << 50)
#define BV_SCALE_MAX  14

/* How a block's values became residuals. */
typedef struct bv_model {
  bv_codec codec;
  bv_pred pred;
  bool zigzag;
  int scale;     /* TICK: s */
  int64_t g;     /* TICK: g; TIME: all differences are multiples of it; >= 1 */
  int shift;     /* BITS: low bits left out, 0..63 */
  uint64_t ref;  /* not zigzag: smallest residual */
  int64_t first; /* the first integer (of the first value that is no patch) */
  int64_t delta; /* TIME, TREND: the first difference / g */
} bv_model;

/* Where a block lies in its segment and what it may predict from: whole-segment arrays, NULL where
** the prediction does not need them. */
typedef struct bv_deps {
  size_t at; /* index of the block's first bar */
  const double *open;
  const double *close;
} bv_deps;

/* Bits of the columns a prediction reads. */
unsigned bv_pred_needs(bv_pred pred);

/* 10^s for 0 <= s <= BV_SCALE_MAX. */
double bv_pow10(int s);

/* The double of a tick integer. */
double bv_tick_value(const bv_model *m, int64_t k);

/* ---- coding ---- */

/* Choose codec and grid for n values; sets codec, scale, g, shift, first of *m, writes the integers
** to k[n] (patches repeat their neighbour) and patch[n] (1 = patch); returns the number of
** patches. */
size_t bv_codec_quantise(const double *x, size_t n, bv_model *m, int64_t *k, uint8_t *patch);

/* The grid of a sample of the values, where it has all of it: true, and *m is it, for bv_codec_apply(). */
bool bv_codec_guess(const double *x, size_t n, bv_model *m);

/* The same on the codec and grid that *m already has. */
size_t bv_codec_apply(const double *x, size_t n, bv_model *m, int64_t *k, uint8_t *patch);

/* Set codec, g, first, delta for times.  There are no patches. */
void bv_codec_quantise_time(const int64_t *ts, size_t n, bv_model *m);

/* Residuals of a block under m->pred into u[n]; sets zigzag and ref.  Patches (may be NULL) get
** zero. */
void bv_codec_residual(const int64_t *k, const uint8_t *patch, size_t n, const bv_deps *deps,
                       bv_model *m, uint64_t *u);

/* ---- decoding ---- */

/* What a piece of a block hands on to the next one; zeroed at the block's start. */
typedef struct bv_carry {
  bool begun;
  int64_t k; /* the last integer */
} bv_carry;

/* Values of a TICK or BITS block, or of the piece of it that follows the one before (deps->at is the piece's), from
** its residuals; u is overwritten.  Patches are the caller's. */
void bv_codec_restore32(const bv_model *m, bv_carry *carry, uint32_t *u, size_t n,
                        const bv_deps *deps, double *out);
void bv_codec_restore64(const bv_model *m, bv_carry *carry, uint64_t *u, size_t n,
                        const bv_deps *deps, double *out);

/* Times of a TIME block from residuals of 64 or 32 bits, or none: those that are stored are all zero. */
void bv_codec_restore_time(const bv_model *m, const uint64_t *u, size_t n, int64_t *out);
void bv_codec_restore_time32(const bv_model *m, const uint32_t *u, size_t n, int64_t *out);
void bv_codec_restore_time0(const bv_model *m, size_t n, int64_t *out);

#endif
