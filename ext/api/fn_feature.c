/*
** fn_feature.c - features: functions of an asset and an instant whose results are kept (data/memo.h).
**
** A feature is called in SQL as name(asset, ts [, argument ...]).  What answers is a function of the program: one that
** SQL knows (bars_feature), or one of C (barsvt_feature_register).
*/
#include "api/args.h"
#include "api/capi.h"
#include "api/functions.h"
#include "barsvt.h"
#include "data/memo.h"
#include "data/sql.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 60
#define MAX_ARGS 30

typedef struct feature {
  struct feature *next;
  bv_store *store;
  char name[MAX_NAME + 1], function[MAX_NAME + 1];
  bool pure;
  bv_memo_feature *memo;
  barsvt_feature_fn fn; /* NULL: SQL's `function` answers */
  void *ctx;
  void (*destroy)(void *ctx);
  int narg; /* of C: besides asset and ts */
  sqlite3_stmt *call;
  int call_args;
} feature;

/* ---- calling ---- */

/* The arguments after asset and ts as a text that no others have. */
static bv_rc add_args(bv_buf *b, int argc, sqlite3_value **argv) {
  for (int i = 0; i < argc; i++) {
    sqlite3_value *v = argv[i];
    char number[40];
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
      snprintf(number, sizeof number, "%lld,", (long long)sqlite3_value_int64(v));
      break;
    case SQLITE_FLOAT: snprintf(number, sizeof number, "%.17g.,", sqlite3_value_double(v)); break;
    case SQLITE_NULL: snprintf(number, sizeof number, "null,"); break;
    default:
      snprintf(number, sizeof number, "%c%d:", sqlite3_value_type(v) == SQLITE_TEXT ? 't' : 'b',
               sqlite3_value_bytes(v));
    }
    BV_TRY(bv_buf_adds(b, number));
    if (sqlite3_value_type(v) == SQLITE_TEXT)
      BV_TRY(bv_buf_adds(b, (const char *)sqlite3_value_text(v)));
    const unsigned char *p = sqlite3_value_type(v) == SQLITE_BLOB ? sqlite3_value_blob(v) : NULL;
    for (int k = 0; p && k < sqlite3_value_bytes(v); k++) BV_TRY(bv_buf_addf(b, "%02x", p[k]));
  }
  return BV_OK;
}

/* Ask a function of C. */
static bv_rc call_c(feature *f, const char *asset, int64_t ts, int argc, sqlite3_value **argv,
                    double *out, bv_err *err) {
  double value[MAX_ARGS];
  char *why = NULL;
  for (int i = 0; i < argc; i++) {
    bool null = sqlite3_value_type(argv[i]) == SQLITE_NULL;
    value[i] = NAN;
    if (!null) BV_TRY(bv_arg_number(argv[i], f->name, "argument", &value[i], err));
  }
  *out = NAN;
  int code = f->fn(f->ctx, asset, ts, argc, value, out, &why);
  if (code == SQLITE_OK) return BV_OK;
  bv_rc rc = code == SQLITE_NOMEM
                 ? BV_NOMEM
                 : bv_fail(err, BV_ARG, "%s: %s", f->name, why ? why : sqlite3_errstr(code));
  sqlite3_free(why);
  return rc;
}

/* Step the call of the SQL function; it stands on its result. */
static bv_rc call_sql(feature *f, int argc, sqlite3_value **argv, bv_err *err) {
  int row;
  if (f->call && f->call_args != argc) {
    sqlite3_finalize(f->call);
    f->call = NULL;
  }
  if (!f->call) {
    char sql[MAX_NAME + 16 + 2 * (MAX_ARGS + 2)];
    int n = snprintf(sql, sizeof sql, "SELECT \"%s\"(?", f->function);
    for (int i = 1; i < argc; i++) n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
    snprintf(sql + n, sizeof sql - (size_t)n, ")");
    BV_TRY(bv_store_anchor(f->store, err));
    BV_TRY(bv_sql_prepare(f->store->db, sql, &f->call, err));
    f->call_args = argc;
  }
  for (int i = 0; i < argc; i++) sqlite3_bind_value(f->call, i + 1, argv[i]);
  BV_TRY(bv_sql_row(f->store->db, f->call, &row, err, f->name));
  return row ? BV_OK : bv_fail(err, BV_INTERNAL, "%s: no result", f->name);
}

/* Ask the function, and give and keep what it says. */
static bv_rc compute(feature *f, sqlite3_context *ctx, const char *asset, int64_t ts,
                     const char *args, int argc, sqlite3_value **argv, bv_err *err) {
  bv_rc rc = BV_OK;
  if (f->fn) {
    /* through a statement, for values are made by SQLite alone */
    double out;
    BV_TRY(call_c(f, asset, ts, argc - 2, argv + 2, &out, err));
    if (!f->call) {
      BV_TRY(bv_store_anchor(f->store, err));
      BV_TRY(bv_sql_prepare(f->store->db, "SELECT ?1", &f->call, err));
    }
    int row;
    bv_sql_bind_real(f->call, 1, out);
    BV_TRY(bv_sql_row(f->store->db, f->call, &row, err, f->name));
  } else {
    rc = call_sql(f, argc, argv, err);
  }
  if (rc == BV_OK) {
    sqlite3_value *v = sqlite3_column_value(f->call, 0);
    sqlite3_result_value(ctx, v);
    if (f->pure) rc = bv_memo_keep(f->memo, asset, ts, args, v);
  }
  if (f->call) sqlite3_reset(f->call);
  return rc;
}

static bv_rc answer(feature *f, sqlite3_context *ctx, int argc, sqlite3_value **argv, bv_err *err) {
  if (argc < 2 || argc - 2 > MAX_ARGS || (f->fn && argc - 2 != f->narg)) {
    return bv_fail(err, BV_ARG, "%s: %d arguments given; write %s(asset, ts%s)", f->name, argc,
                   f->name, f->fn && f->narg == 0 ? "" : ", arguments");
  }
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL)
    return BV_OK;
  if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER) {
    return bv_fail(err, BV_ARG, "%s: ts must be a whole number of epoch seconds; use bars_time()",
                   f->name);
  }
  const char *asset = bv_arg_text(argv[0]);
  if (!asset) return BV_NOMEM;
  if (strchr(asset, '\x1f'))
    return bv_fail(err, BV_ARG, "%s: the asset has a control character", f->name);
  int64_t ts = sqlite3_value_int64(argv[1]);
  sqlite3_value *held = NULL;
  bv_buf args;
  bv_buf_init(&args, BV_MEM_CURSOR, 1 << 20);
  bv_rc rc = add_args(&args, argc - 2, argv + 2);
  if (rc == BV_OK && f->pure)
    rc = bv_memo_find(f->store, f->memo, asset, ts, bv_buf_text(&args), &held, err);
  if (rc == BV_OK && held) sqlite3_result_value(ctx, held);
  if (rc == BV_OK && !held) rc = compute(f, ctx, asset, ts, bv_buf_text(&args), argc, argv, err);
  sqlite3_value_free(held);
  bv_buf_reset(&args);
  return rc;
}

static void fn_call(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  feature *f = sqlite3_user_data(ctx);
  bv_err err = {0};
  bv_rc rc = answer(f, ctx, argc, argv, &err);
  if (rc != BV_OK) bv_result_error(ctx, f->name, rc, &err);
}

/* ---- registering ---- */

/* The prepared calls go when no table of ours is connected: then the connection may be about to close. */
static void drop_statements(void *first) {
  for (feature *f = first; f; f = f->next) {
    sqlite3_finalize(f->call);
    f->call = NULL;
  }
}

static feature *find(bv_store *s, const char *name) {
  feature *f = s->features;
  while (f && sqlite3_stricmp(f->name, name) != 0) f = f->next;
  return f;
}

static void forget_function(feature *f) {
  sqlite3_finalize(f->call);
  f->call = NULL;
  if (f->destroy) f->destroy(f->ctx);
  f->destroy = NULL;
  f->fn = NULL;
}

/* SQL's function is gone: the connection closes. */
static void unregister(void *p) {
  feature *f = p, **at = (feature **)&f->store->features;
  forget_function(f);
  while (*at && *at != f) at = &(*at)->next;
  if (*at) *at = f->next;
  bv_store_unref(f->store);
  bv_free(f);
}

static bv_rc check_name(bv_store *s, const char *what, const char *name, bv_err *err) {
  size_t n = name ? strlen(name) : 0;
  if (n == 0 || n > MAX_NAME || strchr("0123456789", *name) ||
      strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n) {
    return bv_fail(err, BV_ARG, "%s '%.70s' must be letters, digits and underscores, at most %d",
                   what, name ? name : "", MAX_NAME);
  }
  (void)s;
  return BV_OK;
}

/* Whether SQL has a function of this name. */
static bv_rc is_function(bv_store *s, const char *name, bool *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(s->db, "SELECT 1 FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE",
                        &st, err));
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "function_list");
  *out = rc == BV_OK && row;
  sqlite3_finalize(st);
  return rc;
}

static bv_rc make(bv_store *s, const char *name, bool pure, feature **out, bv_err *err) {
  bool taken;
  BV_TRY(is_function(s, name, &taken, err));
  if (taken) return bv_fail(err, BV_ARG, "there is a function '%s' already", name);
  feature *f = bv_alloc0(BV_MEM_CURSOR, sizeof *f);
  if (!f) return BV_NOMEM;
  f->store = bv_store_ref(s);
  f->pure = pure;
  snprintf(f->name, sizeof f->name, "%s", name);
  f->next = s->features;
  s->features = f;
  s->drop_features = drop_statements;
  /* on failure SQLite has called unregister() */
  int flags = SQLITE_UTF8 | (pure ? SQLITE_DETERMINISTIC : 0);
  int code = sqlite3_create_function_v2(s->db, name, -1, flags, f, fn_call, NULL, NULL, unregister);
  if (code != SQLITE_OK) return bv_sql_fail(s->db, code, err, name);
  *out = f;
  return BV_OK;
}

/* The feature of a name, made if need be; what answered before is forgotten. */
static bv_rc prepare(bv_store *s, const char *name, const char *version, bool pure, feature **out,
                     bv_err *err) {
  BV_TRY(check_name(s, "feature", name, err));
  feature *f = find(s, name);
  if (!f) BV_TRY(make(s, name, pure, &f, err));
  if (f->pure != pure)
    return bv_fail(err, BV_ARG, "%s was registered as %s", name, f->pure ? "pure" : "not pure");
  BV_TRY(bv_memo_feature_set(s, f->name, version, &f->memo, err));
  forget_function(f);
  *out = f;
  return BV_OK;
}

static bv_rc register_sql(bv_store *s, const char *name, const char *function, const char *version,
                          bool pure, bv_err *err) {
  bool there;
  feature *f;
  BV_TRY(check_name(s, "function", function, err));
  if (sqlite3_stricmp(name, function) == 0)
    return bv_fail(err, BV_ARG, "the feature needs another name than its function");
  BV_TRY(is_function(s, function, &there, err));
  if (!there) return bv_fail(err, BV_ARG, "there is no function '%s'", function);
  BV_TRY(prepare(s, name, version, pure, &f, err));
  snprintf(f->function, sizeof f->function, "%s", function);
  return BV_OK;
}

static void fn_feature(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err = {0};
  bool pure = true;
  const char *text[3] = {NULL};
  bv_rc rc = BV_OK;
  if (argc < 3 || argc > 4) {
    rc = bv_fail(&err, BV_ARG,
                 "%d arguments given; write bars_feature('name', 'function', 'version' [, pure])",
                 argc);
  }
  for (int i = 0; i < 3 && rc == BV_OK; i++) {
    if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
      rc = bv_fail(&err, BV_ARG, "name, function and version must not be NULL");
    } else if (!(text[i] = bv_arg_text(argv[i]))) {
      rc = BV_NOMEM;
    }
  }
  if (rc == BV_OK && argc == 4) rc = bv_arg_flag(argv[3], "bars_feature", "pure", &pure, &err);
  if (rc == BV_OK) rc = register_sql(s, text[0], text[1], text[2], pure, &err);
  if (rc != BV_OK) {
    bv_result_error(ctx, "bars_feature", rc, &err);
    return;
  }
  sqlite3_result_value(ctx, argv[0]);
}

static void fn_save(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  (void)argv;
  bv_store *s = sqlite3_user_data(ctx);
  bv_err err = {0};
  int64_t n = 0;
  bv_rc rc = bv_memo_save(s, &n, &err);
  if (rc != BV_OK) {
    bv_result_error(ctx, "bars_feature_save", rc, &err);
    return;
  }
  sqlite3_result_int64(ctx, n);
}

int bv_fn_feature_register(sqlite3 *db, bv_store *s) {
  int code = sqlite3_create_function_v2(db, "bars_feature", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        bv_store_ref(s), fn_feature, NULL, NULL, bv_store_release);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(db, "bars_feature_save", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_save, NULL, NULL, bv_store_release);
}

/* ---- from C ---- */

static bv_rc register_c(sqlite3 *db, const barsvt_feature *d, bv_err *err) {
  bv_store *s;
  feature *f;
  if (!d || d->size != sizeof *d)
    return bv_fail(err, BV_ARG, "barsvt_feature.size must be sizeof(barsvt_feature)");
  if (!d->fn || !d->version || d->narg < 0 || d->narg > MAX_ARGS) {
    return bv_fail(err, BV_ARG, "a feature needs a function, a version, and up to %d arguments",
                   MAX_ARGS);
  }
  BV_TRY(bv_capi_store(db, &s, err));
  BV_TRY(prepare(s, d->name, d->version, d->pure != 0, &f, err));
  f->fn = d->fn;
  f->ctx = d->ctx;
  f->destroy = d->destroy;
  f->narg = d->narg;
  return BV_OK;
}

int barsvt_feature_register(sqlite3 *db, const barsvt_feature *definition, char **errmsg) {
  bv_err err = {0};
  return bv_capi_error(errmsg, register_c(db, definition, &err), &err);
}

int barsvt_feature_save(sqlite3 *db, char **errmsg) {
  bv_err err = {0};
  bv_store *s;
  bv_rc rc = bv_capi_store(db, &s, &err);
  if (rc == BV_OK) rc = bv_memo_save(s, NULL, &err);
  return bv_capi_error(errmsg, rc, &err);
}
