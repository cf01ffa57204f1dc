/*
** fn_document.c - bt_run_document() and the table bt_check: a backtest described by one JSON document.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/version.h"
#include "api/list_table.h"
#include "run/doc_key.h"
#include "run/doc_run.h"

#include <stdint.h>

/* bt_run_document(document): the run's id. */
static void fn_run_document(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  bv_err err = {0};
  int64_t id = 0;
  const bv_run_start how = {.version = BARSVT_VERSION, .end = INT64_MAX};
  const char *text = bv_arg_null(argv[0]) ? NULL : bv_arg_text(argv[0]);
  bv_rc rc = bv_arg_null(argv[0]) ? bv_fail(&err, BV_ARG, "bt_run_document(): document is NULL")
             : text               ? bv_document_run(sqlite3_user_data(ctx), text, &how, &id, &err)
                                  : BV_NOMEM;
  bv_result_run(ctx, "bt_run_document", rc, &err, id);
}

/* bt_check(document): its errors as JSON, [] where there is none.  A function, because what it says may tell of
** files and of the environment, which no view should. */
static void fn_check(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc;
  bv_err err = {0};
  bv_document d;
  bv_buf out;
  const char *text = bv_arg_null(argv[0]) ? NULL : bv_arg_text(argv[0]);
  bv_rc rc = bv_arg_null(argv[0]) ? bv_fail(&err, BV_ARG, "bt_check(): document is NULL")
             : text               ? bv_document_check(sqlite3_user_data(ctx), text, &d, &err)
                                  : BV_NOMEM;
  if (rc != BV_OK) {
    bv_result_error(ctx, "bt_check", rc, &err);
    return;
  }
  bv_buf_init(&out, BV_MEM_RUN, 1 << 20);
  rc = bv_buf_adds(&out, "[");
  for (int i = 0; i < d.nerror && rc == BV_OK; i++) {
    rc = bv_buf_adds(&out, i ? ",{\"path\":" : "{\"path\":");
    if (rc == BV_OK) rc = bv_buf_add_json(&out, d.error[i].path);
    if (rc == BV_OK) rc = bv_buf_adds(&out, ",\"message\":");
    if (rc == BV_OK) rc = bv_buf_add_json(&out, d.error[i].message);
    if (rc == BV_OK) rc = bv_buf_adds(&out, "}");
  }
  if (rc == BV_OK) rc = bv_buf_adds(&out, "]");
  if (rc == BV_OK) {
    sqlite3_result_text(ctx, bv_buf_text(&out), -1, SQLITE_TRANSIENT);
    sqlite3_result_subtype(ctx, 'J');
  } else {
    bv_result_error(ctx, "bt_check", rc, &err);
  }
  bv_buf_reset(&out);
  bv_document_reset(&d);
}

/* ---- the table bt_document_key ---- */

static bv_rc fill_keys(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  static const char *const takes[] = {
      [BV_DOC_SECTION] = "section", [BV_DOC_TEXT] = "text",  [BV_DOC_NUMBER] = "number",
      [BV_DOC_FILE] = "file",       [BV_DOC_TREE] = "list",  [BV_DOC_ANY] = "anything",
      [BV_DOC_FLAT] = "key",        [BV_DOC_MAP] = "choice", [BV_DOC_RISK] = "fraction"};
  int n;
  const bv_doc_key *key = bv_doc_keys(&n);
  (void)s;
  (void)arg;
  (void)err;
  for (int i = 0; i < n; i++) {
    BV_TRY(bv_list_text(out, key[i].path));
    BV_TRY(bv_list_text(out, takes[key[i].kind]));
    BV_TRY(bv_list_text(out, key[i].to));
    BV_TRY(bv_list_text(out, key[i].doc));
  }
  return BV_OK;
}

static const bv_list_def key_table = {
    "bt_document_key", "key TEXT, takes TEXT, means TEXT, doc TEXT", 4, 0, fill_keys, false};

int bv_fn_document_register(sqlite3 *db, bv_store *s) {
  int code =
      sqlite3_create_function_v2(db, "bt_run_document", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                 bv_store_ref(s), fn_run_document, NULL, NULL, bv_store_release);
  if (code == SQLITE_OK) code = bv_list_register(db, s, &key_table);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(db, "bt_check", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                    bv_store_ref(s), fn_check, NULL, NULL, bv_store_release);
}
