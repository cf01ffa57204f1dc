/* status.c - result codes and error texts; see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static void set_error(bv_err *err, bv_rc rc, int native, const char *fmt, va_list ap) {
  if (!err || err->rc != BV_OK) return;
  err->rc = rc;
  err->native = native;
  vsnprintf(err->msg, sizeof err->msg, fmt, ap);
}

bv_rc bv_fail(bv_err *err, bv_rc rc, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  set_error(err, rc, 0, fmt, ap);
  va_end(ap);
  return rc;
}

bv_rc bv_fail_native(bv_err *err, bv_rc rc, int native, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  set_error(err, rc, native, fmt, ap);
  va_end(ap);
  return rc;
}

void bv_err_clear(bv_err *err) {
  if (!err) return;
  err->rc = BV_OK;
  err->native = 0;
  err->msg[0] = 0;
}

const char *bv_rc_text(bv_rc rc) {
  static const char *const text[] = {
      [BV_OK] = "ok",
      [BV_NOMEM] = "out of memory",
      [BV_RANGE] = "out of range",
      [BV_ARG] = "bad argument",
      [BV_CORRUPT] = "stored data is corrupt",
      [BV_IO] = "input/output error",
      [BV_NET] = "network error",
      [BV_BUSY] = "busy",
      [BV_LIMIT] = "limit reached",
      [BV_LOOKAHEAD] = "looks past the clock",
      [BV_INTERRUPT] = "interrupted",
      [BV_CONFLICT] = "conflicts with a stored value",
      [BV_NOTFOUND] = "not found",
      [BV_INTERNAL] = "internal error",
  };
  if ((size_t)rc >= sizeof text / sizeof *text) return "unknown error";
  return text[rc];
}

const char *bv_err_text(const bv_err *err, bv_rc rc) {
  return err && err->msg[0] ? err->msg : bv_rc_text(rc);
}
