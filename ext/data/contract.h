/*
** contract.h - what is traded, beyond its bars: properties and corporate actions.
**
** They are rows of plain tables (sql/contract.sql) that anybody can write, so they are checked as they are
** read.  Everything is written to main; what attached stores say counts too.
*/
#ifndef BV_DATA_CONTRACT_H
#define BV_DATA_CONTRACT_H

#include "data/store.h"

/* What is known of an asset; numbers not given are 0, texts "". */
typedef struct bv_contract {
  int kind;     /* 0: stock, future, option, crypto, forex, index */
  int right;    /* 0: none, call, put */
  int delivery; /* 0: cash, physical */
  double tick, lot, initial_margin, maintenance_margin, strike, settlement_price;
  int64_t expiry; /* 0: none */
  char underlying[BV_ASSET_MAX + 1];
  char currency[16];
  char calendar[BV_ASSET_MAX + 1]; /* of its trading days */
  char sector[64], industry[64], country[64];
  bool given; /* there is any */
} bv_contract;

typedef enum bv_property_type {
  BV_PROPERTY_WORD,
  BV_PROPERTY_NUMBER,
  BV_PROPERTY_INSTANT,
  BV_PROPERTY_TEXT
} bv_property_type;

typedef struct bv_property {
  const char *name;
  bv_property_type type;
  size_t at, size;         /* in bv_contract; bytes of a text */
  const char *const *word; /* of a word, ended by NULL; the value is the index */
} bv_property;

/* The table of properties, and one of them; NULL where there is none of the name. */
const bv_property *bv_properties(int *n);
const bv_property *bv_property_find(const char *name);

/* The value of a property that is a word or a text; NULL where there is none, or it is neither. */
const char *bv_property_text(const bv_contract *c, const bv_property *p);

/* Set a property from a value of its type; one that is NULL deletes it.  BV_ARG: it cannot be. */
BV_MUST bv_rc bv_property_put(bv_store *s, const char *asset, const bv_property *p,
                              sqlite3_value *v, bv_err *err);

/* All that is known of an asset.  BV_CORRUPT: a row that cannot be. */
BV_MUST bv_rc bv_contract_read(bv_store *s, const char *asset, bv_contract *out, bv_err *err);

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
