/*
** fn_run.c - bt_run(), bt_rerun(), and what a strategy may ask while it runs: bt_param, bt_qty, bt_avg_price,
** bt_bars_held, bt_cash, bt_value.
*/
#include "api/args.h"
#include "api/equity_table.h"
#include "api/rows_table.h"
#include "api/functions.h"
#include "api/version.h"
#include "run/in_order.h"
#include "run/rerun.h"
#include "run/resume.h"

#include <math.h>
#include <string.h>

/* bt_run(strategy [, config]): the run's id. */
static void fn_run(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err = {0};
  int64_t id = 0;
  bv_rc rc;
  if (bv_arg_null(argv[0])) {
    rc = bv_fail(&err, BV_ARG, "bt_run(): strategy is NULL; name a view");
  } else {
    const char *strategy = bv_arg_text(argv[0]), *config = NULL;
    rc = strategy ? BV_OK : BV_NOMEM;
    if (rc == BV_OK && argc == 2) rc = bv_arg_optional(argv[1], &config);
    const bv_run_start how = {
        .strategy = strategy, .config = config, .version = BARSVT_VERSION, .end = INT64_MAX};
    if (rc == BV_OK) rc = bv_run_all(sqlite3_user_data(ctx), &how, &id, &err);
  }
  bv_result_run(ctx, "bt_run", rc, &err, id);
}

/* bt_rerun(run [, overrides]): the new run's id. */
static void fn_rerun(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err = {0};
  int64_t id = 0;
  const char *overrides = NULL;
  bv_rc rc = BV_OK;
  if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER) {
    rc = bv_fail(&err, BV_ARG, "bt_rerun(): the first argument is the number of a run");
  }
  if (rc == BV_OK && argc == 2) rc = bv_arg_optional(argv[1], &overrides);
  if (rc == BV_OK) {
    rc = bv_rerun(sqlite3_user_data(ctx), sqlite3_value_int64(argv[0]), overrides, BARSVT_VERSION,
                  &id, &err);
  }
  bv_result_run(ctx, "bt_rerun", rc, &err, id);
}

/* bt_resume(run [, options]): its id, once it has ended. */
static void fn_resume(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err = {0};
  bool kept = false;
  bv_rc rc = BV_OK;
  const char *options = NULL;
  const int64_t id = sqlite3_value_int64(argv[0]);
  if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER) {
    rc = bv_fail(&err, BV_ARG, "bt_resume(): the first argument is the number of a run");
  }
  if (rc == BV_OK && argc == 2) rc = bv_arg_optional(argv[1], &options);
  if (rc == BV_OK) {
    rc = bv_resume(sqlite3_user_data(ctx), id, options, BARSVT_VERSION, &kept, &err);
  }
  bv_result_run(ctx, "bt_resume", rc, &err, rc == BV_OK || kept ? id : 0);
}

/* bt_param(name, default): the run's parameter, or the default.  It cannot change while a statement
** runs, so the core may call it once, and indicators take it for a constant. */
static void fn_param(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  const bv_run *r = ((bv_store *)sqlite3_user_data(ctx))->run;
  const char *name;
  if (bv_arg_optional(argv[0], &name) != BV_OK) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  sqlite3_value *v = r && name ? bv_map_find(&r->config.param, name, strlen(name)) : NULL;
  sqlite3_result_value(ctx, v ? v : argv[1]);
}

/* The run whose step is being decided.  A set-mode view is read ahead of its time, so the state of the
** account has no meaning in it. */
static const bv_run *current(sqlite3_context *ctx, const char *who) {
  bv_run *r = ((bv_store *)sqlite3_user_data(ctx))->run;
  bv_err err = {0};
  if (!r) {
    bv_fail(&err, BV_ARG, "%s(): there is no run in progress", who);
  } else if (r->strategy.set_mode) {
    bv_fail(&err, BV_ARG,
            "%s(): the account is known in step mode only; leave the column known_at out "
            "of the view",
            who);
  } else if (r->sim) {
    bv_run_settle(r);
    return r;
  } else {
    bv_fail(&err, BV_ARG, "%s(): the run has not begun", who);
  }
  bv_result_error(ctx, who, BV_ARG, &err);
  return NULL;
}

static void fn_cash(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  const bv_run *r = current(ctx, "bt_cash");
  if (r) sqlite3_result_double(ctx, bv_sim_cash(r->sim));
}

static void fn_value(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  const bv_run *r = current(ctx, "bt_value");
  if (r) sqlite3_result_double(ctx, bv_sim_value(r->sim));
}

static int asset_number(const bv_run *r, sqlite3_value *v) {
  const char *asset = bv_arg_null(v) ? NULL : bv_arg_text(v);
  return asset ? bv_run_asset(r, asset) : -1;
}

static void fn_qty(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  const bv_run *r = current(ctx, "bt_qty");
  if (r) sqlite3_result_double(ctx, bv_sim_qty(r->sim, asset_number(r, argv[0])));
}

static void fn_avg_price(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  const bv_run *r = current(ctx, "bt_avg_price");
  if (!r) return;
  int a = asset_number(r, argv[0]);
  double v = a < 0 ? NAN : bv_sim_avg_price(r->sim, a);
  if (!isnan(v)) sqlite3_result_double(ctx, v);
}

static void fn_bars_held(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  const bv_run *r = current(ctx, "bt_bars_held");
  if (!r) return;
  int a = asset_number(r, argv[0]);
  sqlite3_result_int64(ctx, a < 0 ? 0 : bv_sim_bars_held(r->sim, a));
}

static const struct {
  const char *name;
  int narg, flags;
  void (*run)(sqlite3_context *, int, sqlite3_value **);
} functions[] = {
    {"bt_run", 1, SQLITE_DIRECTONLY, fn_run},
    {"bt_run", 2, SQLITE_DIRECTONLY, fn_run},
    {"bt_rerun", 1, SQLITE_DIRECTONLY, fn_rerun},
    {"bt_rerun", 2, SQLITE_DIRECTONLY, fn_rerun},
    {"bt_resume", 1, SQLITE_DIRECTONLY, fn_resume},
    {"bt_resume", 2, SQLITE_DIRECTONLY, fn_resume},
    {"bt_param", 2, SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, fn_param},
    {"bt_qty", 1, SQLITE_INNOCUOUS, fn_qty},
    {"bt_avg_price", 1, SQLITE_INNOCUOUS, fn_avg_price},
    {"bt_bars_held", 1, SQLITE_INNOCUOUS, fn_bars_held},
    {"bt_cash", 0, SQLITE_INNOCUOUS, fn_cash},
    {"bt_value", 0, SQLITE_INNOCUOUS, fn_value},
};

int bv_fn_run_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    int made = sqlite3_create_function_v2(db, functions[i].name, functions[i].narg,
                                          SQLITE_UTF8 | functions[i].flags, bv_store_ref(s),
                                          functions[i].run, NULL, NULL, bv_store_release);
    if (made != SQLITE_OK) return made;
  }
  int code = sqlite3_create_function_v2(db, "barsvt_rising", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        NULL, NULL, bv_rising_step, bv_rising_final, NULL);
  if (code == SQLITE_OK) code = bv_rows_table_register(db, s);
  return code == SQLITE_OK ? bv_equity_register(db, s) : code;
}
