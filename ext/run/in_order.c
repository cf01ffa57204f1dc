/* in_order.c - a strategy that reads a table which lies in order already is not sorted; see in_order.h. */
#include "run/in_order.h"
#include "base/alloc.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char pick[] = "SELECT ", from[] = " FROM ", order[] = " ORDER BY known_at";

/* ---- the times ---- */

typedef struct risen {
  bool begun, fallen;
  int64_t last;
} risen;

void bv_rising_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  risen *r = sqlite3_aggregate_context(ctx, sizeof *r);
  if (!r) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  if (r->fallen) return;
  const bool whole = argc > 1 && sqlite3_value_type(argv[1]) == SQLITE_INTEGER;
  const int64_t t = whole ? sqlite3_value_int64(argv[1]) : 0;
  r->fallen = !whole || (r->begun && t < r->last);
  r->begun = true;
  r->last = t;
}

void bv_rising_final(sqlite3_context *ctx) {
  const risen *r = sqlite3_aggregate_context(ctx, 0);
  sqlite3_result_int(ctx, r && !r->fallen);
}

/* ---- the statement ---- */

/* A statement that may be refused, which is no error here: *st = NULL. */
static bv_rc try_prepare(sqlite3 *db, char *sql, sqlite3_stmt **st) {
  *st = NULL;
  if (!sql) return BV_NOMEM;
  const bv_rc rc = bv_sql_rc(sqlite3_prepare_v2(db, sql, -1, st, NULL));
  sqlite3_free(sql);
  return rc == BV_NOMEM || rc == BV_INTERRUPT ? rc : BV_OK;
}

/* The steps of a statement's plan as lines in text[]; false where there are more, or they cannot be had. */
static bv_rc plan_of(sqlite3 *db, const char *sql, char *text, size_t size, bool *known) {
  sqlite3_stmt *st;
  int code = SQLITE_DONE;
  size_t n = 0;
  BV_TRY(try_prepare(db, sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql), &st));
  *known = st != NULL;
  while (st && (code = sqlite3_step(st)) == SQLITE_ROW && n < size) {
    n += (size_t)snprintf(text + n, size - n, "%s\n", bv_sql_text(st, 3));
  }
  if (code != SQLITE_DONE || n >= size) *known = false;
  sqlite3_finalize(st);
  return BV_OK;
}

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* Whether the plan is to read one table of rows and to sort them; text[] is cut to the first part. */
static bool scans_and_sorts(char *text) {
  static const char sort[] = "\nUSE TEMP B-TREE FOR ORDER BY\n";
  if (!ends_with(text, sort) || strncmp(text, "SCAN ", 5) != 0) return false;
  text[strlen(text) - (sizeof sort - 2)] = 0;
  return strchr(text, '\n') == text + strlen(text) - 1 && !strstr(text, "VIRTUAL TABLE");
}

/* Whether what the statement gives depends on nothing but the table. */
static bv_rc calls_nothing(sqlite3 *db, const char *sql, bool *out) {
  sqlite3_stmt *st;
  int code = SQLITE_ERROR;
  BV_TRY(try_prepare(db, sqlite3_mprintf("EXPLAIN %s", sql), &st));
  *out = st != NULL;
  while (st && (code = sqlite3_step(st)) == SQLITE_ROW) {
    if (strstr(bv_sql_text(st, 1), "Func")) *out = false;
  }
  if (code != SQLITE_DONE) *out = false;
  sqlite3_finalize(st);
  return BV_OK;
}

/* Whether its times are in order, found by the same way through the table. */
static bv_rc rises(sqlite3 *db, const char *sql, const char *plan, bool *out, bv_err *err) {
  char same[500];
  const char *const end = strstr(sql, from);
  sqlite3_stmt *st;
  int row = 0;
  *out = false;
  const char *const columns = sql + sizeof pick - 1;
  if (!end) return BV_OK;
  char *look = sqlite3_mprintf("SELECT barsvt_rising(%.*s)%s", (int)(end - columns), columns, end);
  if (!look) return BV_NOMEM;
  bv_rc rc = plan_of(db, look, same, sizeof same, out);
  if (rc != BV_OK || !*out || strcmp(same, plan) != 0) {
    *out = false;
    sqlite3_free(look);
    return rc;
  }
  BV_TRY(try_prepare(db, look, &st));
  bv_err why = {0}; /* what is wrong with a row is told when it is read */
  rc = st ? bv_sql_row(db, st, &row, &why, "known_at") : BV_OK;
  *out = rc == BV_OK && row && sqlite3_column_int(st, 0);
  sqlite3_finalize(st);
  if (rc != BV_NOMEM && rc != BV_INTERRUPT) return BV_OK;
  return bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
}

static bv_rc try_plain(sqlite3 *db, const char *sorted, const char *plain, sqlite3_stmt **out,
                       bv_err *err) {
  char plan[500], same[500];
  bool fits;
  BV_TRY(plan_of(db, sorted, plan, sizeof plan, &fits));
  if (!fits || !scans_and_sorts(plan)) return BV_OK;
  BV_TRY(plan_of(db, plain, same, sizeof same, &fits));
  if (!fits || strcmp(same, plan) != 0) return BV_OK;
  BV_TRY(calls_nothing(db, plain, &fits));
  if (fits) BV_TRY(rises(db, plain, plan, &fits, err));
  return fits ? try_prepare(db, sqlite3_mprintf("%s", plain), out) : BV_OK;
}

bv_rc bv_in_order(sqlite3 *db, const char *sorted, sqlite3_stmt **out, bv_err *err) {
  *out = NULL;
  if (strncmp(sorted, pick, sizeof pick - 1) != 0 || !ends_with(sorted, order)) return BV_OK;
  char *plain = bv_strndup(BV_MEM_RUN, sorted, strlen(sorted) - (sizeof order - 1));
  if (!plain) return BV_NOMEM;
  const bv_rc rc = try_plain(db, sorted, plain, out, err);
  bv_free(plain);
  return rc;
}
