/* feature_take.c - reading rows of a source inside the statement that finds them; see feature_take.h. */
#include "data/feature_take.h"

struct bv_take {
  const bv_feature *f;
  bv_take_fn fn;
  void *ctx;
  bv_rc rc;
  bv_err *err;
};

static void take_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  struct bv_take *t = ((bv_store *)sqlite3_user_data(ctx))->taking;
  int first = 1;
  if (!t || argc < (t->f->known ? 2 : 1)) {
    sqlite3_result_error(ctx, "barsvt_take is for the library itself", -1);
    return;
  }
  bv_feature_row row;
  t->rc = bv_feature_read(t->f, argv[0], t->f->known ? argv[first++] : NULL, &row, t->err);
  if (t->rc == BV_OK) t->rc = t->fn(t->ctx, &row, argv + first, t->err);
  if (t->rc != BV_OK) sqlite3_result_error_code(ctx, SQLITE_ABORT);
}

static void take_final(sqlite3_context *ctx) {
  (void)ctx;
}

static void let_go(void *store) {
  bv_store_unref(store);
}

int bv_take_register(bv_store *s) {
  return sqlite3_create_function_v2(s->db, "barsvt_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), NULL, take_step, take_final, let_go);
}

bv_rc bv_feature_take(bv_store *s, const bv_feature *f, sqlite3_stmt *st, const char *asset,
                      int64_t from, int64_t upto, bv_take_fn fn, void *ctx, bv_err *err) {
  struct bv_take t = {.f = f, .fn = fn, .ctx = ctx, .rc = BV_OK, .err = err}, *outer = s->taking;
  bv_err why = {0};
  int row;
  if (asset) {
    sqlite3_bind_int64(st, 1, from);
    sqlite3_bind_text(st, 2, asset, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, upto);
  }
  s->taking = &t;
  bv_rc rc = bv_sql_row(f->db, st, &row, &why, f->label);
  sqlite3_reset(st);
  s->taking = outer;
  if (t.rc != BV_OK) return t.rc;
  if (rc != BV_OK) *err = why;
  return rc;
}
