/*
** row_table.h - the tables of result rows that are stored in chunks, as lists of their columns.
**
** Whatever writes, stores, reads or moves such rows goes by these lists; a new column is a new line in
** row_table.c, at the end of its list, and is NULL in the rows of before.  The first column of every table
** is `run`, which is the same for a whole chunk and is not in the list.  The first one of the list is the
** row's number inside its run: rows are read in its order and found by it, in whatever order they were
** written.
*/
#ifndef BV_RUN_ROW_TABLE_H
#define BV_RUN_ROW_TABLE_H

#include "sim/sim.h"

#include <stddef.h>

typedef enum bv_rows_kind {
  BV_ROWS_ORDER,
  BV_ROWS_FILL,
  BV_ROWS_LOT,
  BV_ROWS_FLOW,
  BV_ROWS_MARGIN,
  BV_ROWS_RISK,
  BV_ROWS_TRIGGER,
  BV_ROWS_KINDS
} bv_rows_kind;

/* How a column is held in memory and stored: 8 bytes a value. */
typedef enum bv_row_type {
  BV_ROW_INT,  /* int64_t */
  BV_ROW_REF,  /* int64_t above 0; 0 is NULL */
  BV_ROW_REAL, /* double; NaN is NULL */
  BV_ROW_TEXT  /* const char *; NULL is NULL */
} bv_row_type;

/* What the column is made from, in the struct the simulator gives. */
typedef enum bv_row_from {
  BV_FROM_INT64,
  BV_FROM_INT,
  BV_FROM_DOUBLE,
  BV_FROM_TEXT,
  BV_FROM_ASSET, /* int: the number of an asset, below 0 is NULL */
  BV_FROM_NAME   /* enum: an index into `name` */
} bv_row_from;

typedef struct bv_row_column {
  const char *name;
  bv_row_type type;
  bv_row_from from;
  size_t at;               /* offset into the struct */
  const char *const *text; /* BV_FROM_NAME */
} bv_row_column;

typedef struct bv_row_table {
  const char *name; /* in SQL: bt_order */
  const char *kind; /* in bt_chunk: order */
  const bv_row_column *column;
  int ncolumn;
  size_t size; /* bytes of the struct */
} bv_row_table;

/* A risk rule's firing with its number. */
typedef struct bv_rows_firing {
  int64_t id;
  bv_sim_firing f;
} bv_rows_firing;

#define BV_ROW_COLUMNS_MAX 22

extern const bv_row_table bv_row_tables[BV_ROWS_KINDS];

#endif
