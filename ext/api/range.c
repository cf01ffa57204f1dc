/* range.c - the times that comparisons in WHERE leave; see range.h. */
#include "api/range.h"
#include "api/args.h"
#include "time/instant.h"

#include <math.h>

bv_range bv_range_all(const char *who) {
  return (bv_range){.who = who, .lo = INT64_MIN, .hi = INT64_MAX};
}

static bv_rc check_compared(bv_range *r, const char *column, sqlite3_value *v, bv_err *err) {
  int type = sqlite3_value_numeric_type(v);
  if (type == SQLITE_NULL) r->nothing = true;
  if (type == SQLITE_NULL || type == SQLITE_INTEGER || type == SQLITE_FLOAT) return BV_OK;
  const char *quote = type == SQLITE_TEXT ? "'" : "";
  return bv_fail(err, BV_ARG,
                 "%s: %s is a number of seconds and is compared with %s%.40s%s; use "
                 "bars_time('...') or the arguments start and end",
                 r->who, column, quote, type == SQLITE_TEXT ? bv_arg_text(v) : "a blob", quote);
}

/* Narrow [lo, hi) by one comparison of ts with a number, as SQLite compares them. */
static void narrow(bv_range *r, char op, sqlite3_value *v) {
  int type = sqlite3_value_numeric_type(v);
  int64_t t;
  bool whole = true;
  if (type == SQLITE_INTEGER) {
    t = sqlite3_value_int64(v);
  } else {
    double d = sqlite3_value_double(v);
    double f = floor(d);
    t = f < -9e18 ? INT64_MIN : f > 9e18 ? INT64_MAX : (int64_t)f;
    whole = f == d; /* otherwise t < d < t + 1 */
  }
  int64_t after = t == INT64_MAX ? t : t + 1;
  int64_t lo = INT64_MIN, hi = INT64_MAX;
  switch (op) {
  case '=':
    if (!whole) r->nothing = true;
    lo = t;
    hi = after;
    break;
  case '>': lo = after; break;
  case '}': lo = whole ? t : after; break;
  case '<': hi = whole ? t : after; break;
  default: hi = after; break;
  }
  /* What lies outside the valid times is open, so that no sum of times can overflow. */
  if (lo > BV_INSTANT_MAX || hi <= BV_INSTANT_MIN) r->nothing = true;
  if (lo > BV_INSTANT_MIN && lo > r->lo) r->lo = lo;
  if (hi <= BV_INSTANT_MAX && hi < r->hi) r->hi = hi;
}

bv_rc bv_range_compare(bv_range *r, const char *column, char op, sqlite3_value *v, bv_err *err) {
  BV_TRY(check_compared(r, column, v, err));
  if (op && !r->nothing) narrow(r, op, v);
  return BV_OK;
}
