/* sessions.c - a table or view of sessions; see sessions.h. */
#include "data/sessions.h"

#include "data/sql.h"
#include "time/instant.h"

bv_rc bv_sessions_open(sqlite3 *db, const char *name, int64_t after, sqlite3_stmt **out,
                       bv_err *err) {
  static const char *const columns[][2] = {{"start", "end"}, {"open", "close"}};
  *out = NULL;
  for (int i = 0; i < 2; i++) {
    char *sql =
        sqlite3_mprintf("SELECT c.\"%w\", c.\"%w\" FROM \"%w\" c WHERE c.\"%w\" > ?1 ORDER BY 1",
                        columns[i][0], columns[i][1], name, columns[i][1]);
    if (!sql) return BV_NOMEM;
    int code = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    if (code == SQLITE_OK) {
      sqlite3_bind_int64(*out, 1, after);
      return BV_OK;
    }
    if (code != SQLITE_ERROR) return bv_sql_fail(db, code, err, "calendar");
  }
  return bv_fail(
      err, BV_ARG,
      "calendar '%.60s' must be a table or view with the columns start and end (or open and "
      "close) of sessions, in epoch seconds: %s",
      name, sqlite3_errmsg(db));
}

bv_rc bv_sessions_read(sqlite3_stmt *st, const char *name, int64_t *start, int64_t *end,
                       bv_err *err) {
  bv_err why = {0};
  for (int i = 0; i < 2; i++) {
    if (sqlite3_column_type(st, i) != SQLITE_INTEGER) {
      return bv_fail(
          err, BV_ARG,
          "calendar '%.60s': a session's %s is '%.40s', not a whole number of epoch seconds", name,
          i ? "end" : "start", bv_sql_text(st, i));
    }
    if (bv_instant_check(sqlite3_column_int64(st, i), &why) != BV_OK) {
      return bv_fail(err, BV_ARG, "calendar '%.60s': %s", name, why.msg);
    }
  }
  *start = sqlite3_column_int64(st, 0);
  *end = sqlite3_column_int64(st, 1);
  if (*end > *start) return BV_OK;
  return bv_fail(err, BV_ARG, "calendar '%.60s': the session at %lld ends before it has begun",
                 name, (long long)*start);
}
