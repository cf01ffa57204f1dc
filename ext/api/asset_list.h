/*
** asset_list.h - the assets that a query asks for: one value, or the values of asset IN (...).
*/
#ifndef BV_API_ASSET_LIST_H
#define BV_API_ASSET_LIST_H

#include "data/store.h"

typedef struct bv_asset_list {
  char **name; /* copies, in the order they came in */
  int n;
} bv_asset_list;

/* Add a value; a NULL adds nothing. */
BV_MUST bv_rc bv_asset_list_add(bv_asset_list *l, sqlite3_value *v);

/* Add the values of an IN list, which the plan asked for as a whole; who names the table in errors. */
BV_MUST bv_rc bv_asset_list_add_all(bv_asset_list *l, sqlite3_value *in, const char *who,
                                    bv_err *err);

void bv_asset_list_reset(bv_asset_list *l);

#endif
