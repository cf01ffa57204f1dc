/*
** diff_table.c - the table bt_diff: what differs between two runs, or a run and what is there now.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/run_pair.h"
#include "api/version.h"
#include "run/rerun.h"

static bv_rc diff(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  int64_t a, b;
  BV_TRY(bv_run_pair_args(arg, &a, &b, err));
  if (a == 0) {
    return bv_fail(err, BV_ARG, "missing argument run; write bt_diff(1) or bt_diff(1, 2)");
  }
  return bv_diff(s, a, b, BARSVT_VERSION, bv_run_pair_row, out, err);
}

static bv_rc fill_diff(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = diff(s, out, arg, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bt_diff", rc, &why);
}

static const bv_list_def table = {"bt_diff", BV_RUN_PAIR_COLUMNS, 4, 2, fill_diff, BV_LIST_SYNC};

int bv_diff_register(sqlite3 *db, bv_store *s) {
  return bv_list_register(db, s, &table);
}
