/*
** feature_take.h - reading rows of a source inside the statement that finds them.
**
** To step a statement and ask for its columns one by one costs more than to find the row.  Here an aggregate function is
** called with the values of every row instead: SELECT barsvt_take(ts, known_at, values) FROM source WHERE ...; the
** statement is stepped once.  Rows come as the source has them, so the order is for the caller to check.
*/
#ifndef BV_DATA_FEATURE_TAKE_H
#define BV_DATA_FEATURE_TAKE_H

#include "data/feature.h"
#include "data/store.h"

/* Called with each row and its values; what it returns ends the walk unless it is BV_OK. */
typedef bv_rc (*bv_take_fn)(void *ctx, bv_feature_row *row, sqlite3_value **value, bv_err *err);

/* Make the function known to a store's connection. */
int bv_take_register(bv_store *s);

/* Walk over the rows of an asset with from <= ts <= upto (BV_WALK_TAKE), or over all rows (asset NULL; BV_WALK_TAKE_ALL);
** st from bv_feature_prepare. */
BV_MUST bv_rc bv_feature_take(bv_store *s, const bv_feature *f, sqlite3_stmt *st, const char *asset,
                              int64_t from, int64_t upto, bv_take_fn fn, void *ctx, bv_err *err);

#endif
