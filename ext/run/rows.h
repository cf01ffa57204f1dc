/*
** rows.h - orders, fills, lots and cash flows on their way into their tables, many at a time.
**
** A statement that inserts one row costs as much before and after the row as for it.  So rows gather
** here and are written by INSERT ... SELECT FROM barsvt_rows(?1), where barsvt_rows is a table whose
** one argument is the pointer to them; no SQL text can make such a pointer, and without it the table
** has no rows.
**
** Which columns a table has, and where their values come from, is a list in rows.c.
*/
#ifndef BV_RUN_ROWS_H
#define BV_RUN_ROWS_H

#include "base/buf.h"
#include "data/sql.h"
#include "sim/sim.h"

typedef enum bv_rows_kind {
  BV_ROWS_ORDER,
  BV_ROWS_FILL,
  BV_ROWS_LOT,
  BV_ROWS_FLOW,
  BV_ROWS_MARGIN,
  BV_ROWS_KINDS
} bv_rows_kind;

#define BV_ROWS_MAX 256 /* rows of a kind that gather */

typedef struct bv_rows {
  sqlite3 *db;
  int64_t run;
  const bv_sim *sim; /* for the names of assets; texts of rows live as long as it does */
  sqlite3_stmt *st[BV_ROWS_KINDS];
  int n[BV_ROWS_KINDS];
  bv_sim_order order[BV_ROWS_MAX];
  bv_sim_fill fill[BV_ROWS_MAX];
  bv_sim_lot lot[BV_ROWS_MAX];
  bv_sim_flow flow[BV_ROWS_MAX];
  bv_sim_margin margin[BV_ROWS_MAX];
} bv_rows;

/* The table barsvt_rows; returns a SQLite code. */
int bv_rows_register(sqlite3 *db);

/* "INSERT INTO main.bt_order(...) SELECT ...", in a buffer. */
BV_MUST bv_rc bv_rows_insert_sql(bv_rows_kind kind, bv_buf *out);

/* Add a row; those before it may be written. */
BV_MUST bv_rc bv_rows_order(bv_rows *r, const bv_sim_order *o, bv_err *err);
BV_MUST bv_rc bv_rows_fill(bv_rows *r, const bv_sim_fill *f, bv_err *err);
BV_MUST bv_rc bv_rows_lot(bv_rows *r, const bv_sim_lot *l, bv_err *err);
BV_MUST bv_rc bv_rows_margin(bv_rows *r, const bv_sim_margin *m, bv_err *err);
BV_MUST bv_rc bv_rows_flow(bv_rows *r, const bv_sim_flow *f, bv_err *err);

/* Write all that gathered. */
BV_MUST bv_rc bv_rows_flush(bv_rows *r, bv_err *err);

#endif
