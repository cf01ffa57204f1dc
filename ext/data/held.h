/*
** held.h - rows of sources that were read once and are kept for the next time.
**
** To read a row of a table through SQL takes a hundred times as long as to use it.  A join that has walked over all
** bars of an asset leaves the rows of its sources here; later ones use them as long as nothing can have changed:
**
**   - the source is an ordinary table, no view and no virtual table;
**   - its database has the data and schema version it had, and the connection has changed no row anywhere;
**   - no write transaction is open on it, at either time.
**
** The rows of all sources take a quarter of the memory limit at the most; they are given back first when memory
** is short (data/evict.h).
*/
#ifndef BV_DATA_HELD_H
#define BV_DATA_HELD_H

#include "data/feature_rows.h"
#include "data/store.h"

#include "base/buf.h"

/* The state of the database that holds a source. */
typedef struct bv_held_stamp {
  bool ok; /* false: the source cannot be held */
  int64_t data, schema, changes;
} bv_held_stamp;

/* Rows of one asset (or of context) with ts <= upto, from the first on. */
typedef struct bv_held_rows {
  bv_rows rows;
  int64_t upto, bytes;
  int readers;
  bool dropped; /* to be freed with the last reader */
} bv_held_rows;

/* The state now. */
BV_MUST bv_rc bv_held_stamp_now(bv_store *s, const bv_feature *f, bv_held_stamp *out, bv_err *err);

/* The name a source is held under: what is read of it. */
BV_MUST bv_rc bv_held_key(const bv_feature *f, const bool *wanted, bv_buf *out);

/* The rows held of an asset ("" for context) as of the stamp, at least up to `upto`, with one more reader; NULL: none. */
bv_held_rows *bv_held_find(bv_store *s, const char *key, const bv_held_stamp *at, const char *asset,
                           int64_t upto);
void bv_held_done(bv_held_rows *h);

/* Whether there is room for n bytes more. */
bool bv_held_room(const bv_store *s, int64_t n);

/* Hold rows, which are taken over (and empty afterwards) unless memory is short. */
void bv_held_put(bv_store *s, const char *key, const bv_held_stamp *at, const char *asset,
                 bv_rows *rows, int64_t upto);

/* Drop everything that nobody reads; false: there was nothing. */
bool bv_held_drop(bv_store *s);
void bv_held_free(bv_store *s);

#endif
