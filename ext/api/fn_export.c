/* fn_export.c - bars_export(). */
#include "api/args.h"
#include "api/functions.h"
#include "data/export.h"

/* A bound of the range; NULL or not given leaves it open. */
static bv_rc bound(bv_store *s, int argc, sqlite3_value **argv, int at, const char *name,
                   int64_t *out, bv_err *err) {
  if (argc <= at || bv_arg_null(argv[at])) return BV_OK;
  return bv_arg_instant(argv[at], s->zone, "bars_export()", name, out, err);
}

static bv_rc export_file(bv_store *s, int argc, sqlite3_value **argv, bv_buf *summary,
                         bv_err *err) {
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  if (argc < 3 || argc > 6) {
    return bv_fail(err, BV_ARG,
                   "bars_export(): %d arguments given; write bars_export(file, asset, timestep"
                   " [, start [, end [, options]]]), for example bars_export('spy.csv', 'SPY', "
                   "'day')",
                   argc);
  }
  if (bv_arg_null(argv[0])) return bv_fail(err, BV_ARG, "bars_export(): file is NULL");
  if (bv_arg_null(argv[2])) {
    return bv_fail(err, BV_ARG, "bars_export(): timestep is NULL; say which bars, e.g. 'minute'");
  }
  BV_TRY(bound(s, argc, argv, 3, "start", &lo, err));
  BV_TRY(bound(s, argc, argv, 4, "end", &hi, err));
  const char *path = bv_arg_text(argv[0]), *timestep = bv_arg_text(argv[2]);
  const char *asset, *options = NULL;
  if (!path || !timestep) return BV_NOMEM;
  BV_TRY(bv_arg_optional(argv[1], &asset));
  if (argc == 6) BV_TRY(bv_arg_optional(argv[5], &options));
  return bv_export_file(s, path, asset, timestep, lo, hi, options, summary, err);
}

/* bars_export(file, asset, timestep [, start [, end [, options]]]): a JSON summary. */
static void fn_export(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err = {0};
  bv_buf summary;
  bv_buf_init(&summary, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc = export_file(sqlite3_user_data(ctx), argc, argv, &summary, &err);
  if (rc != BV_OK) {
    bv_result_error(ctx, "bars_export", rc, &err);
  } else {
    sqlite3_result_text(ctx, bv_buf_text(&summary), (int)summary.n, SQLITE_TRANSIENT);
  }
  bv_buf_reset(&summary);
}

int bv_fn_export_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_function_v2(db, "bars_export", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_export, NULL, NULL, bv_store_release);
}
