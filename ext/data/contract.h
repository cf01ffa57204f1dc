/*
** contract.h - what is traded, beyond its bars: corporate actions.
**
** They are rows of plain tables (sql/contract.sql) that anybody can write, so they are checked as they are
** read.  Everything is written to main; what attached stores say counts too.
*/
#ifndef BV_DATA_CONTRACT_H
#define BV_DATA_CONTRACT_H

#include "data/store.h"

typedef enum bv_corporate { BV_CORPORATE_SPLIT, BV_CORPORATE_DIVIDEND } bv_corporate;

typedef struct bv_corporate_action {
  int64_t ts;
  bv_corporate kind;
  double value;
} bv_corporate_action;

/* "split" or "dividend"; BV_ARG: neither. */
BV_MUST bv_rc bv_corporate_parse(const char *kind, bv_corporate *out, bv_err *err);

/* Store an action; one of the same asset, time and kind is replaced.  value NaN deletes it. */
BV_MUST bv_rc bv_corporate_put(bv_store *s, const char *asset, const bv_corporate_action *action,
                               bv_err *err);

/* The asset's actions from `from` on, in order of time, a split before a dividend; an error that `each` returns ends it. */
typedef bv_rc (*bv_corporate_each)(void *ctx, const bv_corporate_action *action, bv_err *err);
BV_MUST bv_rc bv_corporate_read(bv_store *s, const char *asset, int64_t from,
                                bv_corporate_each each, void *ctx, bv_err *err);

#endif
