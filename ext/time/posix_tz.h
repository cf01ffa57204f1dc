/*
** posix_tz.h - the rule in a TZif file's footer: a POSIX TZ text (IEEE Std 1003.1, section 8.3),
** with the extension of RFC 8536 that a rule's time may lie between -167 and +167 hours.
**
** "EST5EDT,M3.2.0,M11.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1" (negative DST), "<+0330>-3:30".
*/
#ifndef BV_TIME_POSIX_TZ_H
#define BV_TIME_POSIX_TZ_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum bv_tz_day {
  BV_TZ_JULIAN, /* Jn: day 1..365, 29 February never counted */
  BV_TZ_ZERO,   /* n: day 0..365, 29 February counted */
  BV_TZ_MONTH   /* Mm.w.d: week w (5 = last) of month m, weekday d (0 = Sunday) */
} bv_tz_day;

typedef struct bv_tz_rule {
  bv_tz_day kind;
  int day, week, month;
  int32_t time_s; /* of local time, from midnight */
} bv_tz_rule;

typedef struct bv_posix_tz {
  int32_t std_s, dst_s; /* seconds east of UTC */
  bool has_dst;
  bv_tz_rule start, end; /* of DST, in std and in dst time */
} bv_posix_tz;

/* Read the whole of [p, p+n).  BV_CORRUPT: not such a text (a text with DST must carry its rules).
 */
BV_MUST bv_rc bv_posix_tz_parse(const char *p, size_t n, bv_posix_tz *out, bv_err *err);

/* The instants at which DST starts and ends by the rules of that year; has_dst only.  South of the
** equator *end comes before *start. */
void bv_posix_tz_edges(const bv_posix_tz *tz, int64_t year, int64_t *start, int64_t *end);

#endif
