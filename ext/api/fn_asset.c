/* fn_asset.c - bars_action, and most properties of bars_asset: what is known of an asset beyond its bars. */
#include "api/args.h"
#include "api/functions.h"
#include "base/buf.h"
#include "base/text.h"
#include "data/contract.h"

#include "data/sql.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bv_rc action(bv_store *s, sqlite3_value **argv, bv_err *err) {
  static const char who[] = "bars_action()";
  const char *asset = bv_arg_text(argv[0]), *kind = bv_arg_text(argv[2]);
  bv_series one;
  int n;
  bv_err why = {0};
  bv_corporate_action a = {.value = NAN};
  if (!asset || !kind) return BV_NOMEM;
  if (bv_corporate_parse(kind, &a.kind, &why) != BV_OK) {
    return bv_fail(err, BV_ARG, "%s: %s", who, why.msg);
  }
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(bv_series_all(s, asset, &one, 1, &n, err));
  if (n == 0) return bv_series_missing(s, "bars_action", asset, "", err);
  BV_TRY(bv_arg_instant(argv[1], one.zone, who, "ts", &a.ts, err));
  if (!bv_arg_null(argv[3])) {
    BV_TRY(bv_arg_number(argv[3], who, "value", &a.value, err));
    if (isnan(a.value)) return bv_fail(err, BV_ARG, "%s: value is not a number", who);
  }
  bv_rc rc = bv_corporate_put(s, asset, &a, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, who, rc, &why);
}

/* There is no property of the name. */
static bv_rc unknown_property(const char *name, bv_err *err) {
  enum { MAX = 32 };
  const char *names[MAX] = {"tz", "multiplier"};
  char list[240] = "tz, multiplier";
  int n;
  const bv_property *p = bv_properties(&n);
  for (int i = 0; i < n && i + 3 < MAX; i++) {
    names[i + 2] = p[i].name;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, ", %s", p[i].name);
  }
  const char *near = bv_nearest(name, names);
  return bv_fail(err, BV_ARG, "bars_asset(): unknown property '%.40s'%s%s%s; there are %s", name,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
}

bv_rc bv_asset_property(bv_store *s, const char *asset, const char *name, sqlite3_value *v,
                        bv_err *err) {
  const bv_property *p = bv_property_find(name);
  bv_series one;
  int n;
  bv_err why = {0};
  if (!p) return unknown_property(name, err);
  BV_TRY(bv_series_all(s, asset, &one, 1, &n, err));
  if (n == 0) return bv_series_missing(s, "bars_asset", asset, "", err);
  if (p->type == BV_PROPERTY_INSTANT && !bv_arg_null(v)) {
    int64_t t;
    sqlite3_stmt *st;
    int row;
    BV_TRY(bv_arg_instant(v, one.zone, "bars_asset()", p->name, &t, err));
    BV_TRY(bv_sql_prepare(s->db, "SELECT ?1", &st, err));
    sqlite3_bind_int64(st, 1, t);
    bv_rc rc = bv_sql_row(s->db, st, &row, err, "bars_asset()");
    if (rc == BV_OK) rc = bv_property_put(s, asset, p, sqlite3_column_value(st, 0), err);
    sqlite3_finalize(st);
    return rc;
  }
  bv_rc rc = bv_property_put(s, asset, p, v, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bars_asset()", rc, &why);
}

/* bars_action(asset, ts, kind, value): store a corporate action; value NULL deletes it. */
static void fn_action(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err = {0};
  bv_rc rc;
  if (argc != 4 || bv_arg_null(argv[0]) || bv_arg_null(argv[1]) || bv_arg_null(argv[2])) {
    rc =
        bv_fail(&err, BV_ARG, "bars_action(): write bars_action('AAPL', '2020-08-31', 'split', 4)");
  } else {
    rc = action(s, argv, &err);
  }
  if (rc != BV_OK) {
    bv_result_error(ctx, "bars_action", rc, &err);
  } else {
    sqlite3_result_value(ctx, argv[3]);
  }
}

int bv_fn_asset_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_function_v2(db, "bars_action", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_action, NULL, NULL, bv_store_release);
}
