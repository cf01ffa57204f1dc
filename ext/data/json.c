/* json.c - JSON options, read by SQLite's own functions; see json.h. */
#include "data/json.h"

#include <stdbool.h>
#include <string.h>

static bv_rc check(sqlite3 *db, const char *text, const char *who, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  /* json_valid() says 0 also where memory runs out (SQLite 3.40); json_type() tells the two apart. */
  BV_TRY(bv_sql_prepare(db, "SELECT json_type(?1)", &st, err));
  sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  bv_err why = {0};
  bv_rc rc = bv_sql_row(db, st, &row, &why, who);
  bool invalid = rc == BV_ARG;
  if (invalid) rc = BV_OK;
  if (rc != BV_OK) bv_fail_native(err, rc, why.native, "%s", why.msg);
  char type[16] = "";
  if (rc == BV_OK && row && !invalid) strncpy(type, bv_sql_text(st, 0), sizeof type - 1);
  sqlite3_finalize(st);
  if (rc != BV_OK) return rc;
  if (!type[0]) return bv_fail(err, BV_ARG, "%s is not valid JSON: %.80s", who, text);
  if (strcmp(type, "object") != 0) {
    return bv_fail(err, BV_ARG, "%s must be a JSON object such as {\"key\": 1}, not: %.80s", who,
                   text);
  }
  return BV_OK;
}

/* "$.a.b" -> "a.b"; keys that json_tree quotes lose their quotes. */
static void plain_path(const char *full, char *out, size_t cap) {
  size_t n = 0;
  const char *p = full[0] == '$' ? full + 1 : full;
  if (*p == '.') p++;
  for (; *p && n + 1 < cap; p++) {
    if (*p != '"') out[n++] = *p;
  }
  out[n] = 0;
}

bv_rc bv_json_walk(sqlite3 *db, const char *text, const char *who, bv_json_leaf leaf, void *ctx,
                   bv_err *err) {
  if (!text || !text[strspn(text, " \t\r\n")]) return BV_OK;
  BV_TRY(check(db, text, who, err));
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(db,
                        "SELECT fullkey, type, atom FROM json_tree(?1) WHERE type NOT IN "
                        "('object', 'array')",
                        &st, err));
  sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(db, st, &row, err, who)) == BV_OK && row) {
    char path[200];
    plain_path(bv_sql_text(st, 0), path, sizeof path);
    rc = leaf(ctx, path, bv_sql_text(st, 1), sqlite3_column_value(st, 2), err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}
