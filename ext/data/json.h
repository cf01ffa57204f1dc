/*
** json.h - JSON options, read by SQLite's own functions.
*/
#ifndef BV_DATA_JSON_H
#define BV_DATA_JSON_H

#include "data/sql.h"

/* One leaf: path is dotted ("commission.rate", "assets[0]"); type is json_tree's ("integer", "real",
** "text", "true", "false", "null"); v is its SQL value, valid for the call.  Empty arrays and objects
** have no leaf. */
typedef bv_rc (*bv_json_leaf)(void *ctx, const char *path, const char *type, sqlite3_value *v,
                              bv_err *err);

/* Call leaf for every leaf of an object.  NULL or blank text is an empty object.  BV_ARG: not JSON, or
** not an object; `who` names the argument in the error. */
BV_MUST bv_rc bv_json_walk(sqlite3 *db, const char *text, const char *who, bv_json_leaf leaf,
                           void *ctx, bv_err *err);

#endif
