/*
** series_choice.h - the series that two optional arguments, asset and timestep, choose.
*/
#ifndef BV_API_SERIES_CHOICE_H
#define BV_API_SERIES_CHOICE_H

#include "data/store.h"

/* home: the database the series is stored in. */
typedef bv_rc (*bv_series_fn)(bv_store *home, const bv_series *series, void *ctx, bv_err *err);

/* Call `add` for each series chosen by arg[0], asset, and arg[1], timestep (each may be NULL: any), by name, in
** main and then in the attached databases.  An asset that is named must have such a series. */
BV_MUST bv_rc bv_each_series(bv_store *s, const char *who, sqlite3_value *const *arg,
                             bv_series_fn add, void *ctx, bv_err *err);

#endif
