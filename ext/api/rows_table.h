/*
** rows_table.h - the tables bt_order, bt_fill, bt_lot, bt_cash_flow, bt_margin_call, bt_risk and bt_trigger:
** the rows of runs, out of the chunks they are stored in (run/row_chunk.h).
*/
#ifndef BV_API_ROWS_TABLE_H
#define BV_API_ROWS_TABLE_H

#include "data/store.h"

/* Each with the columns of run/row_table.c after `run`, and the hidden argument `of`, a run: bt_fill(3). */
int bv_rows_table_register(sqlite3 *db, bv_store *s);

#endif
