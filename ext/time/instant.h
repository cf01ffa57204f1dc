/*
** instant.h - points in time: UTC epoch seconds, civil dates, ISO-8601 text.
**
** An instant is an int64_t: seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.  Valid
** instants lie in years 0000 to 9999 of the proleptic Gregorian calendar; anything else is BV_RANGE
** (a number past year 9999 is nearly always milliseconds, and the error text says so).
*/
#ifndef BV_TIME_INSTANT_H
#define BV_TIME_INSTANT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct bv_zone;

#define BV_INSTANT_MIN (-62167219200LL) /* 0000-01-01 00:00:00 */
#define BV_INSTANT_MAX (253402300799LL) /* 9999-12-31 23:59:59 */

/* Days since 1970-01-01 of a civil date (month 1..12; day may run past the month's end). */
int64_t bv_days_from_civil(int64_t year, int month, int day);

/* The civil date of a day number. */
void bv_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* Length of a month of the proleptic Gregorian calendar, 28..31. */
int bv_month_days(int64_t year, int month);

/* Floor division and the matching non-negative remainder; b > 0. */
int64_t bv_floor_div(int64_t a, int64_t b);
int64_t bv_floor_mod(int64_t a, int64_t b);

/* Read ISO-8601 text: YYYY-MM-DD, optionally followed by 'T' or one or more spaces and
** HH:MM[:SS[.fff...]], and that optionally by 'Z' or an offset +HH, +HHMM or +HH:MM; also the basic
** form YYYYMMDD[THHMMSS].  Hour 24 is allowed as 24:00[:00] only.  Fractions of a second are cut.
** Text without an offset is local time of `zone` (NULL: UTC); in a gap it is read with the offset
** in force before the gap, in a fold it is the first of the two.
** BV_ARG: not such text; BV_RANGE: no such date or time.  On error *out is untouched.  `date_only`
** (may be NULL) tells whether the text had no time of day. */
BV_MUST bv_rc bv_instant_parse(const char *p, size_t n, const struct bv_zone *zone, int64_t *out,
                               bool *date_only, bv_err *err);

/* Seconds east of UTC of the whole of [p, p+n) as +HH, +HHMM or +HH:MM (or with '-'), up to 23:59.
** BV_ARG: not such text; BV_RANGE: no such offset. */
BV_MUST bv_rc bv_offset_parse(const char *p, size_t n, int32_t *out);

/* Check a number given as an instant; the text of the error gives the hint about milliseconds. */
BV_MUST bv_rc bv_instant_check(int64_t t, bv_err *err);

/* "2024-01-03 14:30:00", UTC, the form SQLite's datetime() prints.  t outside the valid range
** prints as the plain number. */
void bv_instant_format(int64_t t, char out[32]);

#endif
