/*
** db.h - the only door to SQLite's header.
**
** In the loadable every call goes through the host's function table; with SQLITE_CORE (the static
** library) the calls are direct.  Only functions of SQLite 3.40.1 are used.
*/
#ifndef BV_DATA_DB_H
#define BV_DATA_DB_H

#include <sqlite3ext.h>
#ifndef BV_ENTRY_UNIT
SQLITE_EXTENSION_INIT3
#endif

#endif
