/*
** duckdb.h - one statement in DuckDB, with a table of text flowing from or to it.
**
** DuckDB is looked for when it is needed, first found is used:
**
**      $BARSVT_DUCKDB                          a libduckdb.so or a duckdb program; nothing else is tried
**      libduckdb.so of the npm package         in ./node_modules/@duckdb/node-bindings-linux-x64
**      libduckdb.so                            where the system looks for libraries
**      duckdb                                  the program, in $PATH
**
** The library runs in a thread of its own with all signals blocked, in a database in memory; the
** program as a child.  Either writes to, or reads from, one pipe as delimited text: so both ways have
** the same statements and the same values (DuckDB prints a double with the digits that read back as
** the same), memory is bounded by the pipe and DuckDB's limit of 1 GB, and only the oldest eight calls
** of its C interface are used.  The database has no temporary directory and installs no extensions.
*/
#ifndef BV_DATA_DUCKDB_H
#define BV_DATA_DUCKDB_H

#include "base/buf.h"

typedef struct bv_duckdb bv_duckdb;

typedef enum bv_duckdb_way { BV_DUCKDB_READ, BV_DUCKDB_WRITE } bv_duckdb_way;

/* Start `head` 'PIPE' `tail`, where PIPE is the name under which DuckDB finds the pipe: it writes
** there (BV_DUCKDB_READ) or reads from there.  BV_NOTFOUND: there is no DuckDB; the text says how to
** install it.  BV_IO: there is one that does not work. */
BV_MUST bv_rc bv_duckdb_start(bv_duckdb_way way, const char *head, const char *tail,
                              bv_duckdb **out, bv_err *err);

/* Up to cap (> 0) bytes of what it writes; *n = 0: it has ended well.  BV_IO: it has not, with the
** text of DuckDB. */
BV_MUST bv_rc bv_duckdb_read(bv_duckdb *d, void *p, size_t cap, size_t *n, bv_err *err);

/* Give it n more bytes.  BV_IO as above. */
BV_MUST bv_rc bv_duckdb_write(bv_duckdb *d, const void *p, size_t n, bv_err *err);

/* End what it reads and wait for it.  BV_IO as above. */
BV_MUST bv_rc bv_duckdb_finish(bv_duckdb *d, bv_err *err);

/* Stop it, if it is still running, and free it.  NULL is fine. */
void bv_duckdb_close(bv_duckdb *d);

/* Append a text as an SQL literal or identifier, quoted by q (' or "). */
BV_MUST bv_rc bv_duckdb_quote(bv_buf *b, char q, const char *text);

/* The same for a path, as DuckDB's functions that read files take it: characters of patterns in it
** stand for themselves. */
BV_MUST bv_rc bv_duckdb_quote_path(bv_buf *b, const char *path);

#endif
