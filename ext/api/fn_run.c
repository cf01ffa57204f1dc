/*
** fn_run.c - bt_run(), and what a strategy may ask while it runs: bt_param, bt_qty, bt_avg_price,
** bt_bars_held, bt_cash, bt_value.
*/
#include "api/args.h"
#include "api/equity_table.h"
#include "api/functions.h"
#include "api/version.h"
#include "run/run.h"

#include <math.h>
#include <string.h>

static bv_rc run_all(bv_store *s, const char *strategy, const char *config, int64_t *id,
                     bv_err *err) {
  bv_run *r;
  bool more = true;
  BV_TRY(bv_store_enlist(s, err));
  BV_TRY(bv_run_open(s, strategy, config, BARSVT_VERSION, &r, err));
  bv_rc rc = BV_OK;
  while (rc == BV_OK && more) rc = bv_run_step(r, &more, err);
  *id = r->result->run;
  return bv_run_close(r, rc, err);
}

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
    if (rc == BV_OK) rc = run_all(sqlite3_user_data(ctx), strategy, config, &id, &err);
  }
  if (rc == BV_INTERRUPT) {
    bv_err text = {0};
    bv_fail_native(&text, rc, err.native, "bt_run(): interrupted; nothing of the run was kept");
    bv_result_error(ctx, "bt_run", rc, &text);
  } else if (rc != BV_OK) {
    bv_result_error(ctx, "bt_run", rc, &err);
  } else {
    sqlite3_result_int64(ctx, id);
  }
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
  const bv_run *r = ((bv_store *)sqlite3_user_data(ctx))->run;
  bv_err err = {0};
  if (!r) {
    bv_fail(&err, BV_ARG, "%s(): there is no run in progress", who);
  } else if (r->strategy.set_mode) {
    bv_fail(&err, BV_ARG,
            "%s(): the account is known in step mode only; leave the column known_at out "
            "of the view",
            who);
  } else if (r->sim) {
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
  int code = bv_rows_register(db);
  return code == SQLITE_OK ? bv_equity_register(db, s) : code;
}
