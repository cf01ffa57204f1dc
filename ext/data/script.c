/* script.c - a script of tables that are made where they are not there; see script.h. */
#include "data/script.h"
#include "base/alloc.h"
#include "base/buf.h"

#include <stdbool.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 20)

/* The names that are there, each between line ends; those of triggers, which may be names of tables as well, with a
** mark. */
static bv_rc list_names(sqlite3 *db, bv_buf *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db,
                        "SELECT iif(type = 'trigger', '!', '') || name FROM main.sqlite_schema"
                        " WHERE name GLOB 'bt_*' AND type <> 'index'",
                        &st, err));
  bv_rc rc = bv_buf_add(out, "\n", 1);
  while (rc == BV_OK && (rc = bv_sql_row(db, st, &row, err, "sqlite_schema")) == BV_OK && row) {
    const char *name = bv_sql_text(st, 0);
    rc = bv_buf_add(out, name, strlen(name));
    if (rc == BV_OK) rc = bv_buf_add(out, "\n", 1);
  }
  sqlite3_finalize(st);
  return rc;
}

/* Whether the object of this name, which ends at a character that no name has, is there. */
static bool has(const char *names, const char *name, bool trigger) {
  const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_");
  for (const char *p = names; (p = strchr(p, '\n')) != NULL && p[1];) {
    p++;
    if (trigger != (*p == '!')) continue;
    if (trigger) p++;
    if (strncmp(p, name, n) == 0 && p[n] == '\n') return true;
  }
  return false;
}

/* Whether every statement of the script would do nothing. */
static bool is_done(const char *sql, const char *names) {
  static const char there[] = " IF NOT EXISTS main.", gone[] = "DROP TRIGGER IF EXISTS main.";
  for (const char *p = sql; (p = strstr(p, there)) != NULL; p += sizeof there - 1) {
    const bool trigger = p - sql >= 7 && memcmp(p - 7, "TRIGGER", 7) == 0;
    if (!has(names, p + sizeof there - 1, trigger)) return false;
  }
  for (const char *p = sql; (p = strstr(p, gone)) != NULL; p += sizeof gone - 1) {
    if (has(names, p + sizeof gone - 1, true)) return false;
  }
  return true;
}

bv_rc bv_script_run(sqlite3 *db, const char *sql, bv_err *err) {
  bv_buf names;
  bv_buf_init(&names, BV_MEM_RUN, MOST_BYTES);
  bv_rc rc = list_names(db, &names, err);
  const bool done = rc == BV_OK && is_done(sql, bv_buf_text(&names));
  bv_buf_reset(&names);
  if (rc == BV_LIMIT) rc = BV_OK; /* so many tables of the user's own */
  return rc == BV_OK && !done ? bv_sql_exec(db, sql, err) : rc;
}
