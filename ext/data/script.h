/*
** script.h - a script of tables, views and triggers that are made where they are not there.
*/
#ifndef BV_DATA_SCRIPT_H
#define BV_DATA_SCRIPT_H

#include "data/sql.h"

/* Run such a script ("CREATE ... IF NOT EXISTS main.name", "DROP ... IF EXISTS main.name") unless everything is as it would
** leave it: to look costs a fraction of what SQLite takes to read the script. */
BV_MUST bv_rc bv_script_run(sqlite3 *db, const char *sql, bv_err *err);

#endif
