/* sql_help.h - SQL statements in a test: what fails ends it. */
#ifndef BV_TEST_SQL_HELP_H
#define BV_TEST_SQL_HELP_H

#include <sqlite3.h>
#include <stdint.h>

static inline void sql(sqlite3 *db, const char *text) {
  char *why = NULL;
  if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", text, why);
}

/* The first column of the first row. */
static inline int64_t number(sqlite3 *db, const char *text) {
  sqlite3_stmt *st;
  if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK) {
    fail_msg("%s: %s", text, sqlite3_errmsg(db));
  }
  if (sqlite3_step(st) != SQLITE_ROW) fail_msg("%s: %s", text, sqlite3_errmsg(db));
  int64_t v = sqlite3_column_int64(st, 0);
  sqlite3_finalize(st);
  return v;
}

#endif
