/*
** feature_rows.h - rows of a source in memory, column by column, in order of (ts, exists_at).
**
** Rows are numbered from 0 as they come; those at the front are dropped once nobody needs them, and the
** others keep their numbers.  Values are what SQL gave: integers, doubles, NULLs (NaN in the word); texts and blobs are copies.
*/
#ifndef BV_DATA_FEATURE_ROWS_H
#define BV_DATA_FEATURE_ROWS_H

#include "data/feature.h"

typedef union bv_word {
  int64_t i;
  double r;
  sqlite3_value *v;
} bv_word;

/* Single bits, so that types of many words can be gathered into a set, where a NULL is BV_SEEN_NULL. */
enum { BV_WORD_NULL = 0, BV_WORD_REAL = 1, BV_WORD_INT = 2, BV_WORD_OTHER = 4, BV_SEEN_NULL = 8 };

static inline uint8_t bv_word_seen(uint8_t type) {
  return type == BV_WORD_NULL ? BV_SEEN_NULL : type;
}

typedef struct bv_rows {
  int64_t first, n, cap; /* rows [first, first + n) are held */
  int64_t *ts, *exists;  /* of row `first` on; one array where all rows exist at their ts */
  bool same;             /* that is so */
  bool other;            /* some value is a text or a blob */
  int ncell;
  bv_word **word; /* per value column; NULL: it is not wanted */
  uint8_t **type;
  uint8_t *seen;                /* per value column: types of all rows there ever were */
  int64_t last_ts, last_exists; /* of the row that came last, held or not */
  bool any;                     /* there was one */
} bv_rows;

/* wanted: which of the source's values are kept; same: its rows exist at their ts. */
BV_MUST bv_rc bv_rows_init(bv_rows *r, int ncell, const bool *wanted, bool same);
void bv_rows_reset(bv_rows *r);

/* Append the row the statement stands on; or one of these values.  BV_CONFLICT: it has the ts and exists_at of the one
** before. */
BV_MUST bv_rc bv_rows_add(bv_rows *r, sqlite3_stmt *st, const bv_feature_row *row);
BV_MUST bv_rc bv_rows_add_values(bv_rows *r, sqlite3_value **value, const bv_feature_row *row);

/* Append all rows of `from`, the last first; `from` is empty afterwards.  BV_CONFLICT as above: then the row at fault
** is the last one told. */
BV_MUST bv_rc bv_rows_take_reversed(bv_rows *r, bv_rows *from);

/* Forget the last row, or those before number `first`. */
void bv_rows_pop(bv_rows *r);
void bv_rows_trim(bv_rows *r, int64_t first);

/* Bytes of n rows; and give back the room that is not used. */
int64_t bv_rows_bytes(const bv_rows *r, int64_t n);
void bv_rows_shrink(bv_rows *r);

/* The number after the last. */
static inline int64_t bv_rows_end(const bv_rows *r) {
  return r->first + r->n;
}

#endif
