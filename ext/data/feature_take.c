/* feature_take.c - reading rows of a source inside the statement that finds them; see feature_take.h. */
#include "data/feature_take.h"

#define FIRST_VALUE 3 /* of the function's arguments */

typedef struct take {
  const bv_feature *f;
  bv_take_fn fn;
  void *ctx;
  bv_rc rc;
  bv_err *err;
} take;

static void take_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  take *t = argc >= FIRST_VALUE ? sqlite3_value_pointer(argv[0], "barsvt_take") : NULL;
  if (!t) {
    sqlite3_result_error(ctx, "barsvt_take is for the library itself", -1);
    return;
  }
  bv_feature_row row;
  t->rc = bv_feature_read(t->f, argv[1], argv[2], &row, t->err);
  if (t->rc == BV_OK) t->rc = t->fn(t->ctx, &row, argv + FIRST_VALUE, t->err);
  if (t->rc != BV_OK) sqlite3_result_error_code(ctx, SQLITE_ABORT);
}

static void take_final(sqlite3_context *ctx) {
  (void)ctx;
}

int bv_take_register(sqlite3 *db) {
  return sqlite3_create_function_v2(db, "barsvt_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                    NULL, take_step, take_final, NULL);
}

bv_rc bv_feature_take(const bv_feature *f, sqlite3_stmt *st, const char *asset, int64_t from,
                      int64_t upto, bv_take_fn fn, void *ctx, bv_err *err) {
  take t = {.f = f, .fn = fn, .ctx = ctx, .rc = BV_OK, .err = err};
  bv_err why = {0};
  int row;
  sqlite3_bind_int64(st, 1, from);
  sqlite3_bind_text(st, 2, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 3, upto);
  sqlite3_bind_pointer(st, 4, &t, "barsvt_take", NULL);
  bv_rc rc = bv_sql_row(f->db, st, &row, &why, f->label);
  sqlite3_reset(st);
  sqlite3_clear_bindings(st);
  if (t.rc != BV_OK) return t.rc;
  if (rc != BV_OK) *err = why;
  return rc;
}
