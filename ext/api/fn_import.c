/* fn_import.c - bars_import(). */
#include "api/args.h"
#include "api/functions.h"
#include "data/import.h"

/* bars_import(file, asset, timestep [, options]): a JSON summary. */
static void fn_import(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err = {0};
  bv_buf summary;
  bv_buf_init(&summary, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc;
  if (argc < 3 || argc > 4) {
    rc = bv_fail(&err, BV_ARG,
                 "bars_import(): %d arguments given; write bars_import(file, asset, timestep"
                 " [, options]), for example bars_import('spy.csv', 'SPY', 'day')",
                 argc);
  } else if (bv_arg_null(argv[0])) {
    rc = bv_fail(&err, BV_ARG, "bars_import(): file is NULL; write the path of a CSV file");
  } else if (!bv_arg_text(argv[0])) {
    rc = BV_NOMEM;
  } else if (!bv_arg_text(argv[0])[0]) {
    rc = bv_fail(&err, BV_ARG, "bars_import(): file is ''; write the path of a CSV file");
  } else if (bv_arg_null(argv[2])) {
    rc = bv_fail(&err, BV_ARG,
                 "bars_import(): timestep is NULL; say what the bars are, e.g. 'minute'");
  } else {
    const char *asset = NULL, *step = NULL, *options = NULL;
    rc = bv_arg_optional(argv[1], &asset);
    if (rc == BV_OK) rc = bv_arg_optional(argv[2], &step);
    if (rc == BV_OK && argc == 4) rc = bv_arg_optional(argv[3], &options);
    if (rc == BV_OK) {
      rc = bv_import_file(sqlite3_user_data(ctx), bv_arg_text(argv[0]), asset, step, options,
                          &summary, &err);
    }
  }
  if (rc != BV_OK) {
    bv_result_error(ctx, "bars_import", rc, &err);
  } else {
    sqlite3_result_text(ctx, bv_buf_text(&summary), (int)summary.n, SQLITE_TRANSIENT);
  }
  bv_buf_reset(&summary);
}

int bv_fn_import_register(sqlite3 *db, bv_store *s) {
  return sqlite3_create_function_v2(db, "bars_import", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_import, NULL, NULL, bv_store_release);
}
