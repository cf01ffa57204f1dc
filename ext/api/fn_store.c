/*
** fn_store.c - bars_version, bars_debug, bars_config, bars_clock, bars_time, bars_asset, last_price.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/version.h"
#include "base/text.h"
#include "data/compact.h"
#include "data/fingerprint.h"
#include "data/settings.h"
#include "data/sql.h"
#include "data/view.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void fail(sqlite3_context *ctx, const char *who, bv_rc rc, const bv_err *err) {
  bv_result_error(ctx, who, rc, err);
}

static void fn_version(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  sqlite3_result_text(ctx, BARSVT_VERSION, -1, SQLITE_STATIC);
}

static void fn_debug(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  char text[256];
  snprintf(text, sizeof text, "libbarsvt %s; SQLite %s; compiler %s; time zones from TZif files",
           BARSVT_VERSION, sqlite3_libversion(), __VERSION__);
  sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* bars_config(name, value, asset, timestep): of one series; value NULL: as the others again. */
static bv_rc config_series(bv_store *s, const char *name, sqlite3_value **argv, char out[64],
                           bv_err *err) {
  const char *value, *asset, *step;
  BV_TRY(bv_arg_optional(argv[1], &value));
  BV_TRY(bv_arg_optional(argv[2], &asset));
  BV_TRY(bv_arg_optional(argv[3], &step));
  if (!asset || !step) {
    return bv_fail(err, BV_ARG, "bars_config(): %s is NULL", asset ? "timestep" : "asset");
  }
  BV_TRY(bv_setting_set_for(s, name, value, asset, step, err));
  if (!value) return bv_setting_get(s, name, out, err);
  snprintf(out, 64, "%.60s", value);
  return BV_OK;
}

/* bars_config(name [, value]): the value, after setting it. */
static void fn_config(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  char out[64];
  bv_rc rc = BV_OK;
  if (argc < 1 || argc == 3 || argc > 4 || bv_arg_null(argv[0])) {
    rc = bv_fail(
        &err, BV_ARG,
        "bars_config(): write bars_config(name), bars_config(name, value) or, for history and "
        "future of one series, bars_config(name, value, asset, timestep)");
  }
  const char *name = NULL, *value = NULL;
  if (rc == BV_OK) rc = bv_arg_optional(argv[0], &name);
  if (rc == BV_OK && argc == 2) {
    rc = bv_arg_optional(argv[1], &value);
    if (rc == BV_OK) {
      rc = !value ? bv_fail(&err, BV_ARG, "bars_config(): the value is NULL")
                  : bv_setting_set(s, name, value, &err);
    }
  }
  if (rc == BV_OK && argc == 4) rc = config_series(s, name, argv, out, &err);
  if (rc == BV_OK && argc < 4) rc = bv_setting_get(s, name, out, &err);
  if (rc != BV_OK) {
    fail(ctx, "bars_config", rc, &err);
  } else {
    sqlite3_result_text(ctx, out, -1, SQLITE_TRANSIENT);
  }
}

/* bars_clock(): the clock; bars_clock(ts): set it; bars_clock(NULL): lift it. */
static void fn_clock(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = BV_OK;
  if (argc == 1 && s->run) {
    rc = bv_fail(&err, BV_ARG, "bars_clock(): the clock belongs to the run in progress");
  } else if (argc == 1 && bv_arg_null(argv[0])) {
    s->clock = BV_NO_CLOCK;
  } else if (argc == 1) {
    int64_t ts; /* the clock stays as it is where this is no time */
    rc = bv_arg_instant(argv[0], s->zone, "bars_clock()", "ts", &ts, &err);
    if (rc == BV_OK) s->clock = ts;
  }
  if (rc != BV_OK) {
    fail(ctx, "bars_clock", rc, &err);
  } else if (s->clock != BV_NO_CLOCK) {
    sqlite3_result_int64(ctx, s->clock);
  }
}

/* bars_time(text [, zone]): epoch seconds. */
static void fn_time(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  int64_t t = 0;
  const bv_zone *zone = s->zone;
  bv_rc rc = BV_OK;
  if (bv_arg_null(argv[0]) || (argc == 2 && bv_arg_null(argv[1]))) return;
  const char *name = NULL;
  if (argc == 2) rc = bv_arg_optional(argv[1], &name);
  if (rc == BV_OK && name) rc = bv_zone_find(name, &zone, &err);
  if (rc == BV_OK) rc = bv_arg_instant(argv[0], zone, "bars_time()", "time", &t, &err);
  if (rc != BV_OK) {
    fail(ctx, "bars_time", rc, &err);
  } else {
    sqlite3_result_int64(ctx, t);
  }
}

static bv_rc sign_asset(bv_store *s, const char *asset, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_stmt(s, BV_ST_ASSET_FIND, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  BV_TRY(bv_sql_row(s->db, st, &row, err, "barsvt_asset"));
  int64_t id = row ? sqlite3_column_int64(st, 0) : -1;
  sqlite3_reset(st);
  return bv_series_sign(s, id, err);
}

/* The row and the checksums that cover it, which are looked at first: damage must not be signed. */
static bv_rc change_asset(bv_store *s, const char *asset, const char *sql, sqlite3_value *v,
                          bv_err *err) {
  bv_series before;
  int n;
  BV_TRY(bv_series_all(s, asset, &before, 1, &n, err));
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(s->db, sql, &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_value(st, 2, v);
  bv_rc rc = bv_sql_done(s->db, st, err, "barsvt_asset");
  sqlite3_finalize(st);
  if (rc == BV_OK && sqlite3_changes(s->db) == 0) {
    rc = bv_series_missing(s, "bars_asset", asset, "", err);
  }
  return rc == BV_OK ? sign_asset(s, asset, err) : rc;
}

static bv_rc set_asset(bv_store *s, const char *asset, const char *key, sqlite3_value *v,
                       bv_err *err) {
  bool there;
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(bv_store_has_schema(s, &there, err));
  const char *sql;
  if (bv_text_ieq(key, "tz")) {
    const bv_zone *zone;
    const char *name;
    BV_TRY(bv_arg_optional(v, &name));
    if (!name) return bv_fail(err, BV_ARG, "bars_asset(): tz is NULL");
    BV_TRY(bv_zone_find(name, &zone, err));
    sql = "UPDATE main.barsvt_asset SET tz = ?2 WHERE asset = ?1";
  } else if (bv_text_ieq(key, "multiplier")) {
    double m;
    BV_TRY(bv_arg_number(v, "bars_asset()", "multiplier", &m, err));
    if (!(m > 0) || isinf(m)) {
      return bv_fail(err, BV_ARG, "bars_asset(): multiplier %g is not above 0", m);
    }
    sql = "UPDATE main.barsvt_asset SET multiplier = ?2 WHERE asset = ?1";
  } else {
    return bv_asset_property(s, asset, key, v, err);
  }
  if (!there) return bv_series_missing(s, "bars_asset", asset, "", err);
  bv_savepoint savepoint;
  BV_TRY(bv_savepoint_open(s->db, &savepoint, err));
  bv_rc rc = bv_store_enlist(s, err);
  if (rc == BV_OK) rc = change_asset(s, asset, sql, v, err);
  rc = bv_savepoint_close(s->db, &savepoint, rc, err);
  if (rc == BV_OK) {
    bv_store_catalog_changed(s);
  } else {
    bv_store_rolled_back(s);
  }
  return rc;
}

/* bars_asset(asset, property, value): set a property of a stored asset. */
static void fn_asset(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc;
  if (bv_arg_null(argv[0]) || bv_arg_null(argv[1])) {
    rc = bv_fail(&err, BV_ARG, "bars_asset(): write bars_asset('SPY', 'tz', 'America/New_York')");
  } else {
    const char *asset = bv_arg_text(argv[0]), *key = bv_arg_text(argv[1]);
    rc = asset && key ? set_asset(s, asset, key, argv[2], &err) : BV_NOMEM;
  }
  if (rc != BV_OK) {
    fail(ctx, "bars_asset", rc, &err);
  } else {
    sqlite3_result_value(ctx, argv[2]);
  }
}

static bv_rc last_price(bv_store *s, const char *asset, const char *step, double *out,
                        bv_err *err) {
  const bv_series *series = NULL;
  if (step) {
    BV_TRY(bv_series_find(s, asset, step, &series, err));
  } else {
    BV_TRY(bv_series_finest(s, asset, &series, err));
  }
  if (!series) return bv_series_missing(s, "last_price", asset, step ? step : "", err);
  bv_source src = bv_source_stored(series);
  bv_window *w;
  int64_t i;
  BV_TRY(bv_view_asof(s, &src, INT64_MAX, BV_COLBIT(BV_COL_CLOSE), &w, &i, err));
  if (!w) return BV_OK;
  *out = w->ring.col[BV_COL_CLOSE][bv_ring_slot(&w->ring, i)];
  bv_window_unref(w);
  return BV_OK;
}

/* last_price(asset [, timestep]): close of the newest bar that has ended by the clock. */
static void fn_last_price(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_err err;
  bv_err_clear(&err);
  double v = NAN;
  if (bv_arg_null(argv[0]) || (argc == 2 && bv_arg_null(argv[1]))) return;
  const char *asset = bv_arg_text(argv[0]), *step = argc == 2 ? bv_arg_text(argv[1]) : NULL;
  bv_store *s = sqlite3_user_data(ctx);
  bv_rc rc = asset && (argc == 1 || step) ? bv_store_hold(s, &err) : BV_NOMEM;
  if (rc == BV_OK) {
    rc = last_price(s, asset, step, &v, &err);
    bv_store_let_go(s);
  }
  if (rc != BV_OK) {
    fail(ctx, "last_price", rc, &err);
  } else if (!isnan(v)) {
    sqlite3_result_double(ctx, v);
  }
}

/* bars_compact(): seal what can be sealed; what was done, as JSON. */
static void fn_compact(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err;
  bv_err_clear(&err);
  bv_compaction done = {0};
  bv_savepoint sp;
  bv_rc rc = bv_store_enlist(s, &err);
  if (rc == BV_OK) rc = bv_savepoint_open(s->db, &sp, &err);
  if (rc == BV_OK) {
    rc = bv_store_sync(s, &err); /* inside: nobody can commit between this and what is read */
    if (rc == BV_OK) rc = bv_compact_all(s, &done, &err);
    rc = bv_savepoint_close(s->db, &sp, rc, &err);
  }
  if (rc != BV_OK) {
    bv_store_rolled_back(s);
    fail(ctx, "bars_compact", rc, &err);
    return;
  }
  char text[96]; /* bars are the same as before: what is cached of them stays */
  snprintf(text, sizeof text, "{\"chunks\":%lld,\"bars\":%lld}", (long long)done.chunks,
           (long long)done.bars);
  sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* For the C interface: put the store's address where a typed pointer says, which SQL cannot forge. */
static void fn_store(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  bv_store **out = sqlite3_value_pointer(argv[0], "barsvt-store");
  if (out) *out = sqlite3_user_data(ctx);
}

/* Functions that read are INNOCUOUS; those that write or change the session are DIRECTONLY. */
static const struct {
  const char *name;
  int narg, flags;
  void (*run)(sqlite3_context *, int, sqlite3_value **);
} functions[] = {
    {"bars_version", 0, SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, fn_version},
    {"bars_debug", 0, SQLITE_INNOCUOUS, fn_debug},
    {"bars_config", -1, SQLITE_DIRECTONLY, fn_config},
    {"bars_clock", 0, SQLITE_INNOCUOUS, fn_clock},
    {"bars_clock", 1, SQLITE_DIRECTONLY, fn_clock},
    {"bars_time", 1, SQLITE_INNOCUOUS, fn_time},
    {"bars_time", 2, SQLITE_INNOCUOUS, fn_time},
    {"bars_compact", 0, SQLITE_DIRECTONLY, fn_compact},
    {"bars_asset", 3, SQLITE_DIRECTONLY, fn_asset},
    {"barsvt_store", 1, SQLITE_DIRECTONLY, fn_store},
    {"last_price", 1, SQLITE_INNOCUOUS, fn_last_price},
    {"last_price", 2, SQLITE_INNOCUOUS, fn_last_price},
};

/* A call with another number of arguments arrives here. */
static const struct usage {
  const char *name, *text;
} usages[] = {
    {"bars_version", "bars_version()"},
    {"bars_debug", "bars_debug()"},
    {"bars_clock", "bars_clock(), bars_clock('2024-01-05 15:30') or bars_clock(NULL)"},
    {"bars_time",
     "bars_time('2024-01-05 15:30') or bars_time('2024-01-05 10:30', 'America/New_York')"},
    {"bars_compact", "bars_compact()"},
    {"bars_asset", "bars_asset('SPY', 'tz', 'America/New_York')"},
    {"last_price", "last_price('SPY') or last_price('SPY', 'minute')"},
};

static void fn_usage(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argv;
  const struct usage *u = sqlite3_user_data(ctx);
  bv_err err = {0};
  bv_rc rc = bv_fail(&err, BV_ARG, "%s(): %d arguments given; write %s", u->name, argc, u->text);
  fail(ctx, u->name, rc, &err);
}

int bv_fn_store_register(sqlite3 *db, bv_store *s) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    int code = sqlite3_create_function_v2(db, functions[i].name, functions[i].narg,
                                          SQLITE_UTF8 | functions[i].flags, bv_store_ref(s),
                                          functions[i].run, NULL, NULL, bv_store_release);
    if (code != SQLITE_OK) return code;
  }
  for (size_t i = 0; i < sizeof usages / sizeof *usages; i++) {
    int code = sqlite3_create_function_v2(db, usages[i].name, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                          (void *)&usages[i], fn_usage, NULL, NULL, NULL);
    if (code != SQLITE_OK) return code;
  }
  return sqlite3_create_function_v2(db, "barsvt_hash", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
                                    NULL, bv_hash_step, bv_hash_final, NULL);
}
