/*
** in_order.h - a strategy that reads a table which lies in order already is not sorted.
**
** The rows of a set-mode strategy are read in order of known_at.  Where its view does no more than pick rows and columns
** of one table, and they lie in that order, SQLite's sorting of them would take more time than reading them.  So
** the statement with ORDER BY is looked at: if it scans one table and sorts, calls no function, and one pass over the
** columns in question finds the times in order, the same statement without ORDER BY takes its place.  Rows of
** one time come in the same order from both: SQLite's sorter keeps it.
**
** The sorter also holds the rows as they were at the beginning, so this is for runs during which nobody else acts.
*/
#ifndef BV_RUN_IN_ORDER_H
#define BV_RUN_IN_ORDER_H

#include "data/sql.h"

/* sorted: "SELECT asset, known_at, ... FROM ... ORDER BY known_at".  *out = NULL where the rows have to be sorted. */
BV_MUST bv_rc bv_in_order(sqlite3 *db, const char *sorted, sqlite3_stmt **out, bv_err *err);

/* The aggregate function barsvt_rising(asset, known_at, ...) that looks: 1 where all times are integers and none is
** before the one of the row before it. */
void bv_rising_step(sqlite3_context *ctx, int argc, sqlite3_value **argv);
void bv_rising_final(sqlite3_context *ctx);

#endif
