/* args.c - SQL values as our arguments, and our errors as SQL results; see args.h. */
#include "api/args.h"
#include "base/text.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* Trouble of the database has SQLite's own code.  BV_IO without it is a file of the user's: not
** SQLITE_IOERR, which makes SQLite roll the whole transaction back. */
int bv_sqlite_code(bv_rc rc, const bv_err *err) {
  if (err && err->native) return err->native;
  switch (rc) {
  case BV_OK: return SQLITE_OK;
  case BV_NOMEM: return SQLITE_NOMEM;
  case BV_CORRUPT: return SQLITE_CORRUPT_VTAB;
  case BV_BUSY: return SQLITE_BUSY;
  case BV_INTERRUPT: return SQLITE_INTERRUPT;
  case BV_CONFLICT: return SQLITE_CONSTRAINT;
  case BV_INTERNAL: return SQLITE_INTERNAL;
  default: return SQLITE_ERROR;
  }
}

/* Length of the UTF-8 character at p, which ends with a zero byte somewhere; 0 where there is none. */
static size_t character(const unsigned char *p) {
  size_t n = p[0] < 0x80   ? 1
             : p[0] < 0xc2 ? 0
             : p[0] < 0xe0 ? 2
             : p[0] < 0xf0 ? 3
             : p[0] < 0xf5 ? 4
                           : 0;
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
  }
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
  if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
  return n;
}

/* Error texts quote files and names, and are cut at a number of bytes.  Hosts want UTF-8 (Python raises
** something else where it is not), so what is no character becomes '?', and a control a space. */
static char *printable(char *text) {
  for (unsigned char *p = (unsigned char *)text; p && *p;) {
    size_t n = character(p);
    if (n == 0) *p = '?';
    if (n == 1 && (*p < 0x20 || *p == 0x7f)) *p = ' ';
    p += n ? n : 1;
  }
  return text;
}

void bv_result_error(sqlite3_context *ctx, const char *who, bv_rc rc, const bv_err *err) {
  const char *text = bv_err_text(err, rc);
  bool named = !who || strncmp(text, who, strlen(who)) == 0;
  char *full = NULL;
  if (rc != BV_NOMEM) {
    full = printable(sqlite3_mprintf("%s%s%s", named ? "" : who, named ? "" : "(): ", text));
  }
  if (!full) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  sqlite3_result_error(ctx, full, -1);
  sqlite3_free(full);
  sqlite3_result_error_code(ctx, bv_sqlite_code(rc, err));
}

int bv_vtab_error(sqlite3_vtab *tab, bv_rc rc, const bv_err *err) {
  if (rc == BV_NOMEM) return SQLITE_NOMEM;
  sqlite3_free(tab->zErrMsg);
  tab->zErrMsg = printable(sqlite3_mprintf("%s", bv_err_text(err, rc)));
  return bv_sqlite_code(rc, err);
}

bv_rc bv_fail_named(bv_err *err, const char *who, bv_rc rc, const bv_err *why) {
  const char *text = bv_err_text(why, rc);
  bool named = strncmp(text, who, strlen(who)) == 0;
  return bv_fail_native(err, rc, why ? why->native : 0, "%s%s%s", named ? "" : who,
                        named ? "" : ": ", text);
}

int bv_vtab_error_of(sqlite3_vtab *tab, const char *who, bv_rc rc, const bv_err *err) {
  bv_err named = {0};
  (void)bv_fail_named(&named, who, rc, err);
  return bv_vtab_error(tab, rc, &named);
}

bv_rc bv_arg_instant(sqlite3_value *v, const bv_zone *zone, const char *who, const char *arg,
                     int64_t *out, bv_err *err) {
  bv_err why = {0};
  bv_rc rc;
  switch (sqlite3_value_type(v)) {
  case SQLITE_INTEGER:
    *out = sqlite3_value_int64(v);
    rc = bv_instant_check(*out, &why);
    break;
  case SQLITE_FLOAT: {
    double d = sqlite3_value_double(v);
    if (!(fabs(d) < 9e15) || d != floor(d)) {
      char text[32];
      bv_format_f64(d, text);
      return bv_fail(err, BV_ARG, "%s: %s %s is not a whole number of seconds", who, arg, text);
    }
    *out = (int64_t)d;
    rc = bv_instant_check(*out, &why);
    break;
  }
  case SQLITE_TEXT: {
    const char *text = bv_arg_text(v);
    if (!text) return BV_NOMEM;
    size_t n = strlen(text);
    if (n > 8 && bv_parse_i64(text, n, out) == BV_OK) { /* "1704292200": epoch seconds as text */
      rc = bv_instant_check(*out, &why);
    } else {
      rc = bv_instant_parse(text, n, zone, out, NULL, &why);
    }
    break;
  }
  default: return bv_fail(err, BV_ARG, "%s: %s is neither a number nor text", who, arg);
  }
  if (rc != BV_OK) return bv_fail(err, rc, "%s: %s: %s", who, arg, bv_err_text(&why, rc));
  return BV_OK;
}

bool bv_arg_null(sqlite3_value *v) {
  return !v || sqlite3_value_type(v) == SQLITE_NULL;
}

bv_rc bv_arg_flag(sqlite3_value *v, const char *who, const char *arg, bool *out, bv_err *err) {
  *out = false;
  if (bv_arg_null(v)) return BV_OK;
  if (sqlite3_value_numeric_type(v) == SQLITE_INTEGER &&
      (sqlite3_value_int64(v) & ~INT64_C(1)) == 0) {
    *out = sqlite3_value_int(v) == 1;
    return BV_OK;
  }
  return bv_fail(err, BV_ARG, "%s(): %s '%.40s' is neither 0 nor 1", who, arg, bv_arg_text(v));
}

bv_rc bv_arg_range(sqlite3_value *const *arg, const bv_zone *zone, const char *who, int64_t *lo,
                   int64_t *hi, bv_err *err) {
  if (!bv_arg_null(arg[0])) BV_TRY(bv_arg_instant(arg[0], zone, who, "start", lo, err));
  if (!bv_arg_null(arg[1])) BV_TRY(bv_arg_instant(arg[1], zone, who, "end", hi, err));
  return BV_OK;
}

bv_rc bv_arg_number(sqlite3_value *v, const char *who, const char *arg, double *out, bv_err *err) {
  switch (sqlite3_value_numeric_type(v)) {
  case SQLITE_INTEGER:
  case SQLITE_FLOAT: *out = sqlite3_value_double(v); return BV_OK;
  case SQLITE_TEXT:
    return bv_fail(err, BV_ARG, "%s: %s '%.40s' is not a number", who, arg,
                   (const char *)sqlite3_value_text(v));
  case SQLITE_NULL: return bv_fail(err, BV_ARG, "%s: %s is NULL", who, arg);
  default: return bv_fail(err, BV_ARG, "%s: %s is a blob, not a number", who, arg);
  }
}

bv_rc bv_arg_optional(sqlite3_value *v, const char **out) {
  *out = NULL;
  if (bv_arg_null(v)) return BV_OK;
  *out = bv_arg_text(v);
  return *out ? BV_OK : BV_NOMEM;
}

const char *bv_arg_text(sqlite3_value *v) {
  return (const char *)sqlite3_value_text(v);
}

void bv_store_release(void *store) {
  bv_store_unref(store);
}

void bv_result_run(sqlite3_context *ctx, const char *who, bv_rc rc, const bv_err *err, int64_t id) {
  if (rc == BV_INTERRUPT) {
    bv_err text = {0};
    if (id > 0) {
      bv_fail_native(
          &text, rc, err->native,
          "%s(): interrupted; run %lld is kept up to its last checkpoint, bt_resume(%lld) "
          "goes on with it",
          who, (long long)id, (long long)id);
    } else {
      bv_fail_native(&text, rc, err->native, "%s(): interrupted; nothing of the run was kept", who);
    }
    bv_result_error(ctx, who, rc, &text);
  } else if (rc != BV_OK) {
    bv_result_error(ctx, who, rc, err);
  } else {
    sqlite3_result_int64(ctx, id);
  }
}
