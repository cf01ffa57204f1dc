/*
** row_move.h - results of earlier versions.
**
** They had a plain table for every kind of row, bt_order, bt_fill and so on.  A plain table hides the
** table of the same name that reads chunks, so such a database goes on being read as it is; the first
** run in it moves their rows into chunks and drops them.
*/
#ifndef BV_RUN_ROW_MOVE_H
#define BV_RUN_ROW_MOVE_H

#include "data/sql.h"

/* Move the rows, if there are such tables.  Tables are dropped while nobody reads, so the reader of the
** savepoint's guard is set aside for that.  BV_ARG: a table or view of that name that is not ours;
** BV_BUSY: another statement is reading; BV_CORRUPT: a value that does not belong in its column. */
BV_MUST bv_rc bv_rows_move(sqlite3 *db, bv_savepoint *sp, bv_err *err);

#endif
