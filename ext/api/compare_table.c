/*
** compare_table.c - the table bt_compare: where two runs part, and which knob makes them.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/run_pair.h"
#include "api/version.h"
#include "run/compare.h"

static bv_rc compare(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  int64_t a, b;
  BV_TRY(bv_run_pair_args(arg, &a, &b, err));
  if (a == 0 || b == 0) {
    return bv_fail(err, BV_ARG, "two runs are needed; write for example bt_compare(1, 2)");
  }
  return bv_compare(s, a, b, BARSVT_VERSION, bv_run_pair_row, out, err);
}

static bv_rc fill_compare(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = compare(s, out, arg, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bt_compare", rc, &why);
}

static const bv_list_def table = {"bt_compare", BV_RUN_PAIR_COLUMNS,          4, 2,
                                  fill_compare, BV_LIST_SYNC | BV_LIST_DIRECT};

int bv_compare_register(sqlite3 *db, bv_store *s) {
  return bv_list_register(db, s, &table);
}
