/* run_pair.c - two runs as arguments, and rows about both; see run_pair.h. */
#include "api/run_pair.h"
#include "api/args.h"

static bv_rc number(sqlite3_value *v, const char *name, int64_t *out, bv_err *err) {
  *out = 0;
  if (bv_arg_null(v)) return BV_OK;
  if (sqlite3_value_type(v) != SQLITE_INTEGER || sqlite3_value_int64(v) <= 0) {
    return bv_fail(err, BV_ARG, "%s is not the number of a run", name);
  }
  *out = sqlite3_value_int64(v);
  return BV_OK;
}

bv_rc bv_run_pair_args(sqlite3_value *const *arg, int64_t *run, int64_t *other, bv_err *err) {
  BV_TRY(number(arg[0], "run", run, err));
  return number(arg[1], "other", other, err);
}

bv_rc bv_run_pair_row(void *ctx, const char *what, const char *name, const char *a, const char *b,
                      bv_err *err) {
  bv_list *out = ctx;
  (void)err;
  BV_TRY(bv_list_text(out, what));
  BV_TRY(bv_list_text(out, name));
  BV_TRY(bv_list_text(out, a));
  return bv_list_text(out, b);
}
