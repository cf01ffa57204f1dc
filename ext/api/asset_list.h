/*
** asset_list.h - the assets that a query asks for: one value, or the values of asset IN (...).
*/
#ifndef BV_API_ASSET_LIST_H
#define BV_API_ASSET_LIST_H

#include "data/name_list.h"

/* Add a value; a NULL adds nothing. */
BV_MUST bv_rc bv_asset_list_add(bv_name_list *l, sqlite3_value *v);

/* Add the values of an IN list, which the plan asked for as a whole; who names the table in errors. */
BV_MUST bv_rc bv_asset_list_add_all(bv_name_list *l, sqlite3_value *in, const char *who,
                                    bv_err *err);

#endif
