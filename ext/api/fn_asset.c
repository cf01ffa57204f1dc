/* fn_asset.c - bars_action: what is known of an asset beyond its bars. */
#include "api/args.h"
#include "api/functions.h"
#include "data/contract.h"

#include <math.h>

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
  BV_TRY(bv_series_of(s, asset, &one, 1, &n, err));
  if (n == 0) return bv_series_missing(s, "bars_action", asset, "", err);
  BV_TRY(bv_arg_instant(argv[1], one.zone, who, "ts", &a.ts, err));
  if (!bv_arg_null(argv[3])) {
    BV_TRY(bv_arg_number(argv[3], who, "value", &a.value, err));
    if (isnan(a.value)) return bv_fail(err, BV_ARG, "%s: value is not a number", who);
  }
  bv_rc rc = bv_corporate_put(s, asset, &a, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, who, rc, &why);
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
