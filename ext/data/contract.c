/* contract.c - what is traded, beyond its bars; see contract.h. */
#include "data/contract.h"

#include "base/text.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

extern const char bv_sql_contract[];

static const char *const corporate_name[] = {
    [BV_CORPORATE_SPLIT] = "split", [BV_CORPORATE_DIVIDEND] = "dividend", NULL};

bv_rc bv_corporate_parse(const char *kind, bv_corporate *out, bv_err *err) {
  for (int i = 0; corporate_name[i]; i++) {
    if (!bv_text_ieq(kind, corporate_name[i])) continue;
    *out = (bv_corporate)i;
    return BV_OK;
  }
  return bv_fail(err, BV_ARG,
                 "unknown kind of corporate action '%.40s'; there are split and dividend", kind);
}

static bv_rc put(bv_store *s, const char *asset, const bv_corporate_action *a, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_exec(s->db, bv_sql_contract, err));
  BV_TRY(bv_sql_prepare(
      s->db,
      isnan(a->value) ? "DELETE FROM main.barsvt_action WHERE asset = ?1 AND ts = ?2 AND kind = ?3"
                      : "INSERT OR REPLACE INTO main.barsvt_action(asset, ts, kind, value)"
                        " VALUES (?1, ?2, ?3, ?4)",
      &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 2, a->ts);
  sqlite3_bind_text(st, 3, corporate_name[a->kind], -1, SQLITE_STATIC);
  if (!isnan(a->value)) sqlite3_bind_double(st, 4, a->value);
  bv_rc rc = bv_sql_done(s->db, st, err, "barsvt_action");
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_corporate_put(bv_store *s, const char *asset, const bv_corporate_action *action,
                       bv_err *err) {
  bv_savepoint savepoint;
  if (!isnan(action->value) && !(action->value > 0 && !isinf(action->value))) {
    return bv_fail(err, BV_ARG, "the value of a %s is a number above 0",
                   corporate_name[action->kind]);
  }
  BV_TRY(bv_savepoint_open(s->db, &savepoint, err));
  return bv_savepoint_close(s->db, &savepoint, put(s, asset, action, err), err);
}

static bv_rc has_table(bv_store *s, const char *name, bool *out, bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  BV_TRY(bv_store_prepare(s, "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
                          &st, err));
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, name);
  sqlite3_finalize(st);
  *out = row;
  return rc;
}

static bv_rc action_from_row(sqlite3_stmt *st, const char *asset, bv_corporate_action *out,
                             bv_err *err) {
  const char *kind = bv_sql_text(st, 1);
  *out = (bv_corporate_action){.ts = sqlite3_column_int64(st, 0),
                               .value = sqlite3_column_double(st, 2)};
  bool good = sqlite3_column_type(st, 0) == SQLITE_INTEGER &&
              bv_instant_check(out->ts, NULL) == BV_OK && out->value > 0 && !isinf(out->value) &&
              bv_corporate_parse(kind, &out->kind, NULL) == BV_OK;
  if (good) return BV_OK;
  return bv_fail(err, BV_CORRUPT,
                 "barsvt_action: the row of '%.64s' at %lld (kind '%.32s') cannot be read: kind is "
                 "split or dividend, value above 0",
                 asset, (long long)out->ts, kind);
}

static bv_rc read_in(bv_store *s, const char *asset, int64_t from, bv_corporate_each each,
                     void *ctx, bv_err *err) {
  sqlite3_stmt *st;
  bool there;
  int row;
  BV_TRY(has_table(s, "barsvt_action", &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(s,
                          "SELECT ts, kind, value FROM main.barsvt_action WHERE asset = ?1 AND"
                          " (ts >= ?2 OR typeof(ts) <> 'integer') ORDER BY ts, kind DESC",
                          &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 2, from);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_action")) == BV_OK && row) {
    bv_corporate_action a;
    rc = action_from_row(st, asset, &a, err);
    if (rc == BV_OK) rc = each(ctx, &a, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_corporate_read(bv_store *s, const char *asset, int64_t from, bv_corporate_each each,
                        void *ctx, bv_err *err) {
  BV_TRY(read_in(s, asset, from, each, ctx, err));
  for (int i = 0; i < s->nattached; i++) {
    BV_TRY(read_in(s->attached[i], asset, from, each, ctx, err));
  }
  return BV_OK;
}
