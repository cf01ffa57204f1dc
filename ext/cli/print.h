/*
** print.h - the summary `backtest` prints at the end of a run.
*/
#ifndef BV_CLI_PRINT_H
#define BV_CLI_PRINT_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

/* Print the run's head line, its main figures and first trades.  Returns a SQLITE_* code. */
int cli_summary(sqlite3 *db, int64_t run, FILE *out);

#endif
