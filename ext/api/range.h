/*
** range.h - the times that comparisons in WHERE leave.
*/
#ifndef BV_API_RANGE_H
#define BV_API_RANGE_H

#include "data/db.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_range {
  const char *who; /* for errors */
  int64_t lo, hi;  /* lo <= ts < hi */
  bool nothing;    /* no time is left */
} bv_range;

/* Every time. */
bv_range bv_range_all(const char *who);

/* Narrow by one comparison of ts with a value, as SQLite compares them; op is one of = > } < { (} and { for
** not before and not after), or 0 to see only that the value can be compared with `column`.  Text would
** silently be greater than every number, so it is refused with the way out. */
BV_MUST bv_rc bv_range_compare(bv_range *r, const char *column, char op, sqlite3_value *v,
                               bv_err *err);

#endif
