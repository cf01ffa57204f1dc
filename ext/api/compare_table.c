/*
** compare_table.c - the table bt_compare: where two runs part, and which knob makes them.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "api/version.h"
#include "run/compare.h"

static bv_rc add(void *ctx, const char *what, const char *name, const char *a, const char *b,
                 bv_err *err) {
  (void)err;
  bv_list *out = ctx;
  BV_TRY(bv_list_text(out, what));
  BV_TRY(bv_list_text(out, name));
  BV_TRY(bv_list_text(out, a));
  return bv_list_text(out, b);
}

static bv_rc number(sqlite3_value *v, const char *name, int64_t *out, bv_err *err) {
  if (bv_arg_null(v)) return BV_OK;
  if (sqlite3_value_type(v) != SQLITE_INTEGER || sqlite3_value_int64(v) <= 0) {
    return bv_fail(err, BV_ARG, "%s is not the number of a run", name);
  }
  *out = sqlite3_value_int64(v);
  return BV_OK;
}

static bv_rc compare(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  int64_t a = 0, b = 0;
  BV_TRY(number(arg[0], "run", &a, err));
  BV_TRY(number(arg[1], "other", &b, err));
  if (a == 0 || b == 0) {
    return bv_fail(err, BV_ARG, "two runs are needed; write for example bt_compare(1, 2)");
  }
  return bv_compare(s, a, b, BARSVT_VERSION, add, out, err);
}

static bv_rc fill_compare(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = compare(s, out, arg, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bt_compare", rc, &why);
}

static const bv_list_def table = {"bt_compare",
                                  "what TEXT, name TEXT, run TEXT, other TEXT,"
                                  " \"run=\" HIDDEN, \"other=\" HIDDEN",
                                  4,
                                  2,
                                  fill_compare,
                                  BV_LIST_SYNC | BV_LIST_DIRECT};

int bv_compare_register(sqlite3 *db, bv_store *s) {
  return bv_list_register(db, s, &table);
}
