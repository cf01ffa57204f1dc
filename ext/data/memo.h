/*
** memo.h - results of features, kept: what a function said of an asset at an instant, so that it is asked once.
**
**   barsvt_feature        id, name, version
**   barsvt_feature_value  feature, asset, ts, args, value
**
** args are the other arguments as a text, so the same feature with others is another result.  A result is looked for
** among those of this session that are not saved yet, then in the table, for the version the feature has now: under
** another version what is stored does not count, and goes when results of the new one are saved.
**
** Looking writes nothing.  bv_memo_save() writes what is new; runs do it at their end.
*/
#ifndef BV_DATA_MEMO_H
#define BV_DATA_MEMO_H

#include "data/store.h"

#include "base/buf.h"

typedef struct bv_memo_feature {
  char *name, *version;
  bv_map fresh; /* asset, ts, args -> sqlite3_value*, not saved */
  int64_t hits, misses;
} bv_memo_feature;

/* The feature of a name, made if need be, with this version from now on. */
BV_MUST bv_rc bv_memo_feature_set(bv_store *s, const char *name, const char *version,
                                  bv_memo_feature **out, bv_err *err);

/* A result: *out is to be freed with sqlite3_value_free(), NULL where there is none. */
BV_MUST bv_rc bv_memo_find(bv_store *s, bv_memo_feature *f, const char *asset, int64_t ts,
                           const char *args, sqlite3_value **out, bv_err *err);

/* Keep a result. */
BV_MUST bv_rc bv_memo_keep(bv_memo_feature *f, const char *asset, int64_t ts, const char *args,
                           sqlite3_value *value);

/* Write what is not saved yet; *n (may be NULL) tells how many results. */
BV_MUST bv_rc bv_memo_save(bv_store *s, int64_t *n, bv_err *err);

/* Forget the prepared statement; and everything. */
void bv_memo_drop_statements(bv_store *s);
void bv_memo_free(bv_store *s);

#endif
