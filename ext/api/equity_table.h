/*
** equity_table.h - the table bt_equity: a run's equity curve as rows.
*/
#ifndef BV_API_EQUITY_TABLE_H
#define BV_API_EQUITY_TABLE_H

#include "data/store.h"

/* bt_equity(run): run, ts, time, value, cash, drawdown, exposed.  Without a run: all of them.  Reads one
** chunk at a time.  drawdown is value / running peak - 1, the starting cash being the first peak. */
int bv_equity_register(sqlite3 *db, bv_store *s);

#endif
