/* join_def_find.c - the definition of a join from a text, or from a table that has it; see join_def.h. */
#include "data/join_def.h"
#include "base/buf.h"
#include "base/text.h"

#include <string.h>

#define MAX_ARG 64

/* After a word in quotes that begins at p; p's end where the quote is not closed. */
static const char *after_quote(const char *p) {
  char end = *p == '[' ? ']' : *p;
  for (p++; *p; p++) {
    if (*p != end) continue;
    if (end == ']' || p[1] != end) return p + 1;
    p++;
  }
  return p;
}

/* The end of an argument: the comma outside of quotes and parentheses, or the text's end. */
static const char *argument_end(const char *p) {
  int depth = 0;
  while (*p && (depth > 0 || *p != ',')) {
    if (strchr("'\"`[", *p)) {
      p = after_quote(p);
      continue;
    }
    depth += (*p == '(') - (*p == ')');
    p++;
  }
  return p;
}

bv_rc bv_join_def_parse(sqlite3 *db, const char *schema, const char *name, const char *text,
                        bv_join_def *out, bv_err *err) {
  char *arg[MAX_ARG];
  int n = 0;
  bv_rc rc = BV_OK;
  *out = (bv_join_def){0};
  for (const char *p = text, *end; rc == BV_OK && *p; p = *end ? end + 1 : end) {
    end = argument_end(p);
    if (n == MAX_ARG) {
      rc = bv_fail(err, BV_LIMIT, "there are more than %d arguments", MAX_ARG);
      break;
    }
    arg[n] = bv_strndup(BV_MEM_CURSOR, p, (size_t)(end - p));
    if (arg[n])
      n++;
    else
      rc = BV_NOMEM;
  }
  if (rc == BV_OK) rc = bv_join_def_read(db, schema, name, n, (const char *const *)arg, out, err);
  while (n > 0) bv_free(arg[--n]);
  return rc;
}

static bool begins(const char *p, const char *w) {
  size_t n = strlen(w);
  return strlen(p) >= n && bv_text_ieqn(p, n, w);
}

/* What CREATE VIRTUAL TABLE x USING bars_feed(...) has in its parentheses.  BV_NOTFOUND: it is something else. */
static bv_rc arguments_of(const char *sql, char **out) {
  const char *p = sql;
  for (; *p; p++) {
    if (strchr("'\"`[", *p)) {
      p = after_quote(p) - 1;
      continue;
    }
    bool word = p > sql && strchr(" \t\r\n\"]`", p[-1]) && begins(p, "using");
    if (word && strchr(" \t\r\n", p[5])) break;
  }
  if (!*p) return BV_NOTFOUND;
  p += 5;
  p += strspn(p, " \t\r\n");
  if (!begins(p, "bars_feed")) return BV_NOTFOUND;
  p += 9 + strspn(p + 9, " \t\r\n");
  const char *end = strrchr(p, ')');
  if (*p != '(' || !end) return BV_NOTFOUND;
  *out = bv_strndup(BV_MEM_CURSOR, p + 1, (size_t)(end - p - 1));
  return *out ? BV_OK : BV_NOMEM;
}

/* The text a table was created by, in one database; NULL where there is none. */
static bv_rc creation(sqlite3 *db, const char *schema, const char *name, char **out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *out = NULL;
  char *sql =
      sqlite3_mprintf("SELECT sql FROM \"%w\".sqlite_master WHERE type = 'table' AND name = ?1"
                      " COLLATE NOCASE",
                      schema);
  if (!sql) return BV_NOMEM;
  bv_rc rc = bv_sql_prepare(db, sql, &st, err);
  sqlite3_free(sql);
  if (rc != BV_OK) return rc;
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  rc = bv_sql_row(db, st, &row, err, "sqlite_master");
  if (rc == BV_OK && row) {
    *out = bv_strdup(BV_MEM_CURSOR, bv_sql_text(st, 0));
    if (!*out) rc = BV_NOMEM;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc use(sqlite3 *db, const char *schema, const char *name, const char *sql,
                 bv_join_def *out, bv_err *err) {
  char *text;
  bv_rc rc = arguments_of(sql, &text);
  if (rc == BV_NOTFOUND) {
    return bv_fail(err, BV_ARG, "'%.60s' is no feed: it was not made USING bars_feed", name);
  }
  BV_TRY(rc);
  rc = bv_join_def_parse(db, schema, name, text, out, err);
  bv_free(text);
  return rc;
}

/* Where SQLite looks for a name: temp, main, then what is attached. */
bv_rc bv_join_def_find(sqlite3 *db, const char *name, bv_join_def *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  const char *dot = strchr(name, '.'), *base = dot ? dot + 1 : name;
  *out = (bv_join_def){0};
  BV_TRY(bv_sql_prepare(db, "SELECT name FROM pragma_database_list ORDER BY name <> 'temp', seq",
                        &st, err));
  bv_rc rc;
  bool found = false;
  while ((rc = bv_sql_row(db, st, &row, err, "database_list")) == BV_OK && row && !found) {
    const char *schema = bv_sql_text(st, 0);
    char *sql;
    if (dot && !bv_text_ieqn(name, (size_t)(dot - name), schema)) continue;
    rc = creation(db, schema, base, &sql, err);
    if (rc == BV_OK && sql) rc = use(db, schema, base, sql, out, err);
    found = sql != NULL;
    bv_free(sql);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  if (rc != BV_OK || found) return rc;
  return bv_fail(err, BV_NOTFOUND, "there is no table '%.60s'", name);
}
