/*
** audit_rows.h - the rows of a view, kept to be compared; see audit.h.
*/
#ifndef BV_RUN_AUDIT_ROWS_H
#define BV_RUN_AUDIT_ROWS_H

#include "run/audit.h"

#include "base/buf.h"

#include <stdbool.h>

/* One row; its record is its values one after the other, each with its type. */
typedef struct bv_audit_row {
  int64_t known_at;
  size_t asset, record; /* where they are in the bytes; asset ends with a zero */
  size_t nrecord;
  bool has_asset, told;
} bv_audit_row;

typedef struct bv_audit_rows {
  bv_audit_row *row;
  int64_t n;
  bv_buf bytes;
} bv_audit_rows;

/* What a statement's columns are. */
typedef struct bv_audit_columns {
  int known_at, asset; /* asset -1: none */
  int n;
} bv_audit_columns;

void bv_audit_rows_init(bv_audit_rows *r);
void bv_audit_rows_reset(bv_audit_rows *r);

/* Read all rows of the statement with lo <= known_at <= hi, and sort them by known_at, asset and record. */
BV_MUST bv_rc bv_audit_rows_read(bv_audit_rows *r, sqlite3 *db, sqlite3_stmt *st,
                                 const bv_audit_columns *c, int64_t lo, int64_t hi,
                                 const char *label, bv_err *err);

/* The key of rows is known_at and asset: < 0, 0, > 0. */
int bv_audit_key_cmp(const bv_audit_rows *a, int64_t i, const bv_audit_rows *b, int64_t j);

const char *bv_audit_asset(const bv_audit_rows *r, int64_t i); /* NULL: none */

/* The value at *at of a record, and *at moves behind it. */
bv_audit_value bv_audit_value_at(const bv_audit_rows *r, size_t *at);

/* Whether two values are the same. */
bool bv_audit_same(const bv_audit_value *a, const bv_audit_value *b, double tolerance);

/* Whether two records are. */
bool bv_audit_same_record(const bv_audit_rows *a, int64_t i, const bv_audit_rows *b, int64_t j,
                          int ncolumn, double tolerance);

#endif
