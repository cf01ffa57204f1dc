/*
** audit_table.c - the table bt_audit: rows of a view that change with what comes after them.
*/
#include "api/args.h"
#include "api/functions.h"
#include "api/list_table.h"
#include "run/audit.h"
#include "time/instant.h"

#include <stdio.h>

static const char *const kind_name[] = {
    [BV_CHANGED] = "changed", [BV_MISSING] = "missing", [BV_EXTRA] = "extra"};

static bv_rc add_value(bv_list *out, const bv_audit_value *v) {
  switch (v->type) {
  case SQLITE_INTEGER: return bv_list_int(out, v->i);
  case SQLITE_FLOAT: return bv_list_real(out, v->r);
  case SQLITE_NULL: return bv_list_null(out);
  case SQLITE_BLOB: return bv_list_text(out, "a blob");
  default: break;
  }
  char *copy = bv_strndup(BV_MEM_CURSOR, v->text, v->n);
  if (!copy) return BV_NOMEM;
  bv_rc rc = bv_list_text(out, copy);
  bv_free(copy);
  return rc;
}

static bv_rc add_change(void *ctx, const bv_change *c) {
  bv_list *out = ctx;
  char text[200], at[32];
  bv_instant_format(c->clock, at);
  switch (c->kind) {
  case BV_CHANGED: snprintf(text, sizeof text, "%.80s was another one at %s", c->column, at); break;
  case BV_MISSING: snprintf(text, sizeof text, "the row was not there at %s", at); break;
  default: snprintf(text, sizeof text, "the row was there at %s and is not any more", at);
  }
  BV_TRY(bv_list_text(out, kind_name[c->kind]));
  BV_TRY(bv_list_int(out, c->known_at));
  BV_TRY(bv_list_text(out, c->asset));
  BV_TRY(bv_list_text(out, c->column));
  BV_TRY(add_value(out, &c->last));
  BV_TRY(add_value(out, &c->then));
  BV_TRY(bv_list_int(out, c->clock));
  return bv_list_text(out, text);
}

static bv_rc audit(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  const char *strategy, *config, *text;
  bv_audit_options options;
  BV_TRY(bv_arg_optional(arg[0], &strategy));
  BV_TRY(bv_arg_optional(arg[1], &config));
  BV_TRY(bv_arg_optional(arg[2], &text));
  if (!strategy) {
    return bv_fail(err, BV_ARG,
                   "missing argument strategy; write for example bt_audit('sma_cross', '{}')");
  }
  BV_TRY(bv_audit_options_read(s, text, &options, err));
  bv_rc rc = bv_audit(s, strategy, config, &options, add_change, out, err);
  bv_audit_options_reset(&options);
  return rc;
}

static bv_rc fill_audit(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = audit(s, out, arg, &why);
  return rc == BV_OK ? BV_OK : bv_fail_named(err, "bt_audit", rc, &why);
}

static const bv_list_def table = {"bt_audit",
                                  "change TEXT, known_at INTEGER, asset TEXT, field TEXT, value,"
                                  " value_then, clock INTEGER, message TEXT,"
                                  " strategy HIDDEN, config HIDDEN, options HIDDEN",
                                  8,
                                  3,
                                  fill_audit,
                                  true};

int bv_audit_register(sqlite3 *db, bv_store *s) {
  return bv_list_register(db, s, &table);
}
