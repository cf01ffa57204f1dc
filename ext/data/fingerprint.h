/*
** fingerprint.h - whether stored data are still the same: a count and a hash of bars, or of a table's rows.
**
** Bars count by their values (barhash.h), however they are stored.  The hash of a sealed chunk is kept with its
** statistics, so only the chunk that `hi` lies in and bars not yet sealed are read, and chunks that a
** library without the hash has sealed.
*/
#ifndef BV_DATA_FINGERPRINT_H
#define BV_DATA_FINGERPRINT_H

#include "data/store.h"

typedef struct bv_fingerprint {
  int64_t n; /* bars or rows */
  uint64_t hash;
} bv_fingerprint;

/* Of the series' bars that start before hi. */
BV_MUST bv_rc bv_series_fingerprint(bv_store *s, const bv_series *series, int64_t hi,
                                    bv_fingerprint *out, bv_err *err);

/* Of all rows that a SELECT yields, in their order. */
BV_MUST bv_rc bv_rows_fingerprint(sqlite3 *db, const char *sql, bv_fingerprint *out, bv_err *err);

/* Of all rows of a table, as of "SELECT * FROM" it: they do not leave SQLite, which takes half the time. */
BV_MUST bv_rc bv_table_fingerprint(sqlite3 *db, const char *schema, const char *table,
                                   bv_fingerprint *out, bv_err *err);

/* The aggregate function barsvt_hash(column, ...) that does it, to be registered with the connection. */
void bv_hash_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void bv_hash_final(sqlite3_context *ctx);

/* Of a text. */
uint64_t bv_text_hash(const char *text, size_t n);

#endif
