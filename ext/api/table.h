/*
** table.h - what virtual tables share that know the connection's store.
*/
#ifndef BV_API_TABLE_H
#define BV_API_TABLE_H

#include "api/args.h"
#include "data/store.h"

/* The first member of such a table. */
typedef struct bv_table {
  sqlite3_vtab base;
  bv_store *store;
} bv_table;

/* xConnect: a table of `size` bytes, zero but for its bv_table, with the columns of "CREATE TABLE x(...)".  access is
** SQLITE_VTAB_INNOCUOUS or SQLITE_VTAB_DIRECTONLY. */
int bv_table_connect(sqlite3 *db, bv_store *store, const char *declaration, int access, size_t size,
                     sqlite3_vtab **out);

/* xDisconnect. */
int bv_table_disconnect(sqlite3_vtab *base);

/* xOpen: a cursor of `size` zero bytes. */
int bv_table_open(size_t size, sqlite3_vtab_cursor **out);

#endif
