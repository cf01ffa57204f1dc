/* fn_partition.c - bars_partition() and bars_unpartition(). */
#include "api/args.h"
#include "api/functions.h"
#include "data/partition_move.h"

static bv_rc move_out(bv_store *s, int argc, sqlite3_value **argv, bv_buf *out, bv_err *err) {
  const char *options = NULL;
  if (argc < 1 || argc > 2 || bv_arg_null(argv[0])) {
    return bv_fail(err, BV_ARG,
                   "bars_partition(): write bars_partition('month'), or bars_partition('month', "
                   "'{\"before\": \"2024-01-01\", \"dir\": \"parts\"}')");
  }
  if (argc == 2) BV_TRY(bv_arg_optional(argv[1], &options));
  const char *period = bv_arg_text(argv[0]);
  return period ? bv_partition_out(s, period, options, out, err) : BV_NOMEM;
}

static bv_rc move_in(bv_store *s, int argc, sqlite3_value **argv, bv_buf *out, bv_err *err) {
  if (argc > 1 || (argc == 1 && bv_arg_null(argv[0]))) {
    return bv_fail(err, BV_ARG,
                   "bars_unpartition(): write bars_unpartition('market-2024-01.db') with a file of "
                   "barsvt_partition, or bars_unpartition() for all of them");
  }
  const char *file = argc == 1 ? bv_arg_text(argv[0]) : NULL;
  return argc == 1 && !file ? BV_NOMEM : bv_partition_in(s, file, out, err);
}

static void answer(sqlite3_context *ctx, int argc, sqlite3_value **argv, const char *who,
                   bv_rc (*work)(bv_store *s, int argc, sqlite3_value **argv, bv_buf *out,
                                 bv_err *err)) {
  bv_err err = {0};
  bv_buf out;
  bv_buf_init(&out, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc = work(sqlite3_user_data(ctx), argc, argv, &out, &err);
  if (rc != BV_OK) {
    bv_result_error(ctx, who, rc, &err);
  } else {
    sqlite3_result_text(ctx, bv_buf_text(&out), (int)out.n, SQLITE_TRANSIENT);
  }
  bv_buf_reset(&out);
}

static void fn_partition(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  answer(ctx, argc, argv, "bars_partition", move_out);
}

static void fn_unpartition(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  answer(ctx, argc, argv, "bars_unpartition", move_in);
}

int bv_fn_partition_register(sqlite3 *db, bv_store *s) {
  int code =
      sqlite3_create_function_v2(db, "bars_partition", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                 bv_store_ref(s), fn_partition, NULL, NULL, bv_store_release);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(db, "bars_unpartition", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_unpartition, NULL, NULL, bv_store_release);
}
