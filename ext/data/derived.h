/*
** derived.h - indicator columns of a window.
**
** A column is named by a spec, e.g. "close", "hl2", "sma:20", "sma:9@rsi:14" (the sma of the rsi).
** Values are computed once for the bars a window holds and extended at its end.  Columns of windows
** are dropped before windows are when memory runs short, and computed again when they are read.
**
** No value depends on where the window begins.  Recursive indicators are run from the first stored
** bar of the source, or go on from a state kept on the way (data/checkpoint.h).  Windowed ones are run from far enough back to pass an anchor bar: the first
** bar of each time block of 512 nominal timesteps, where their sums are recomputed from the bars of
** the window alone.  Anchors are fixed by the bars' times, so every run meets the same ones.
*/
#ifndef BV_DATA_DERIVED_H
#define BV_DATA_DERIVED_H

#include "calc/indicator.h"
#include "data/window.h"

#define BV_MAX_STAGE 4

/* Where the first stage's free input comes from. */
typedef enum bv_price {
  BV_PRICE_COLUMN, /* a stored column */
  BV_PRICE_HL2,
  BV_PRICE_HLC3,
  BV_PRICE_OHLC4
} bv_price;

typedef struct bv_stage {
  const bv_indicator *ind;
  int output; /* which of its outputs the next stage reads, or the caller */
  double param[BV_IND_MAX_PARAM];
} bv_stage;

/* A chain: stage 0 reads the price, stage i reads the output of stage i-1. */
typedef struct bv_spec {
  bv_price price;
  bv_column column; /* for BV_PRICE_COLUMN */
  int nstage;       /* 0: the price itself */
  bv_stage stage[BV_MAX_STAGE];
} bv_spec;

/* Read the text of a column or spec: a column name, "hl2", "hlc3"/"typical", "ohlc4", or
** NAME:P1[:P2...][@INNER].  BV_ARG with the nearest known name. */
BV_MUST bv_rc bv_spec_parse(const char *text, bv_spec *out, bv_err *err);

/* Put an indicator on top: spec becomes ind(params) of what it was.  chosen tells whether the user
** chose what spec is; otherwise the indicator's own default column is used, and an indicator of fixed
** columns is allowed. */
BV_MUST bv_rc bv_spec_push(bv_spec *spec, const bv_indicator *ind, int output, const double *param,
                           bool chosen, bv_err *err);

/* The bar column an indicator's input slot reads; BV_COL_NONE for the free one. */
bv_column bv_input_column(bv_input in);

/* The text that bv_spec_parse reads, cut where it does not fit. */
void bv_spec_format(const bv_spec *spec, char *out, size_t cap);

bool bv_spec_eq(const bv_spec *a, const bv_spec *b);

/* The spec's value at bar i, which the window holds; NaN where there is none yet. */
BV_MUST bv_rc bv_derived_at(bv_window *w, const bv_spec *spec, int64_t i, double *out, bv_err *err);

/* Compute every column up to the window's last bar. */
BV_MUST bv_rc bv_derived_catch_up(bv_window *w, bv_err *err);

void bv_derived_free_all(bv_window *w);

/* Before the ring grows to cap bars: get the memory; and after it has, or has not (before = NULL): move
** the values, of which `before` tells where they were. */
BV_MUST bv_rc bv_derived_prepare(bv_window *w, int64_t cap);
void bv_derived_moved(bv_window *w, const bv_ring *before);

/* The column not read for longest, of windows that nobody reads: its tick, false where there is none;
** and dropping it. */
bool bv_derived_oldest(const bv_store *s, int64_t *used);
void bv_derived_drop_oldest(bv_store *s);

/* Walk a window's columns: the one after d, or the first; what it is and holds. */
typedef struct bv_derived_info {
  char spec[80];
  int64_t bars, first, last, bytes, hits, misses, used;
} bv_derived_info;
const struct bv_derived *bv_derived_next(const bv_window *w, const struct bv_derived *d,
                                         bv_derived_info *out);

#endif
