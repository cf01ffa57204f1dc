/*
** spec.h - column specs: "close", "hl2", "sma:20", "sma:9@rsi:14" (the sma of the rsi), "rsi:14 of SPY".
*/
#ifndef BV_DATA_SPEC_H
#define BV_DATA_SPEC_H

#include "calc/indicator.h"
#include "col/bars.h"
#include "time/asset.h"

#include <stdbool.h>

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
typedef struct bv_operand {
  bv_price price;
  bv_column column; /* for BV_PRICE_COLUMN */
  int nstage;       /* 0: the price itself */
  bv_stage stage[BV_MAX_STAGE];
} bv_operand;

/* A chain of the same bars, or of another asset's as they stood when the bar ended. */
typedef struct bv_aside_spec {
  bv_operand op;
  char of[BV_ASSET_MAX + 1]; /* "": the same bars */
} bv_aside_spec;

typedef struct bv_spec {
  bv_operand op;
  unsigned feeds; /* bit 0: the price is feed[0]; bit 1: BV_IN_OTHER reads feed[1] */
  bv_aside_spec feed[2];
} bv_spec;

/* The close alone. */
bv_spec bv_spec_close(void);

/* Read the text of a column or spec: a column name, "hl2", "hlc3"/"typical", "ohlc4", or
** NAME:P1[:P2...][@INNER]; then perhaps " of ASSET".  BV_ARG with the nearest known name. */
BV_MUST bv_rc bv_spec_parse(const char *text, bv_spec *out, bv_err *err);

/* Put an indicator on top: spec becomes ind(params) of what it was.  chosen tells whether the user
** chose what spec is; otherwise the indicator's own default column is used, and an indicator of fixed
** columns is allowed.  other is what a second input reads, NULL: not given. */
BV_MUST bv_rc bv_spec_push(bv_spec *spec, const bv_indicator *ind, int output, const double *param,
                           bool chosen, const bv_spec *other, bv_err *err);

/* Whether an indicator reads a second column. */
bool bv_spec_needs_other(const bv_indicator *ind);

/* The bar column an indicator's input slot reads; BV_COL_NONE for those that are not columns. */
bv_column bv_input_column(bv_input in);

/* The text that bv_spec_parse reads, cut where it does not fit; what an indicator reads of another series
** stands behind it in brackets. */
void bv_spec_format(const bv_spec *spec, char *out, size_t cap);

bool bv_spec_eq(const bv_spec *a, const bv_spec *b);

#endif
