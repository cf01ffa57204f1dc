/* posix_tz.c - the rule in a TZif file's footer; see posix_tz.h. */
#include "time/posix_tz.h"
#include "time/instant.h"

typedef struct cursor {
  const char *p, *end;
} cursor;

static bool at(const cursor *c, char want) {
  return c->p < c->end && *c->p == want;
}

static bool take(cursor *c, char want) {
  if (!at(c, want)) return false;
  c->p++;
  return true;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_alpha(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A number of at most `digits` digits in [lo, hi]. */
static bool take_int(cursor *c, int digits, int lo, int hi, int *out) {
  int v = 0, n = 0;
  while (n < digits && c->p < c->end && is_digit(*c->p)) {
    v = v * 10 + (*c->p++ - '0');
    n++;
  }
  *out = v;
  return n > 0 && v >= lo && v <= hi;
}

/* A zone's abbreviation: letters, or anything of letters, digits and signs in <>; at least three.
 */
static bool take_name(cursor *c) {
  bool quoted = take(c, '<');
  const char *from = c->p;
  while (c->p < c->end) {
    char x = *c->p;
    if (!is_alpha(x) && !(quoted && (is_digit(x) || x == '+' || x == '-'))) break;
    c->p++;
  }
  if (c->p - from < 3) return false;
  return !quoted || take(c, '>');
}

/* [+-]h[hh][:mm[:ss]] up to max_hour hours. */
static bool take_duration(cursor *c, int max_hour, int32_t *out) {
  bool neg = take(c, '-');
  if (!neg) take(c, '+');
  int h, m = 0, s = 0;
  if (!take_int(c, 3, 0, max_hour, &h)) return false;
  if (take(c, ':')) {
    if (!take_int(c, 2, 0, 59, &m)) return false;
    if (take(c, ':') && !take_int(c, 2, 0, 59, &s)) return false;
  }
  int32_t v = h * 3600 + m * 60 + s;
  *out = neg ? -v : v;
  return true;
}

/* POSIX counts west of UTC as positive. */
static bool take_offset(cursor *c, int32_t *east_s) {
  if (!take_duration(c, 24, east_s)) return false;
  *east_s = -*east_s;
  return true;
}

static bool take_rule(cursor *c, bv_tz_rule *r) {
  *r = (bv_tz_rule){.time_s = 2 * 3600};
  if (take(c, 'M')) {
    r->kind = BV_TZ_MONTH;
    if (!take_int(c, 2, 1, 12, &r->month) || !take(c, '.')) return false;
    if (!take_int(c, 1, 1, 5, &r->week) || !take(c, '.')) return false;
    if (!take_int(c, 1, 0, 6, &r->day)) return false;
  } else if (take(c, 'J')) {
    r->kind = BV_TZ_JULIAN;
    if (!take_int(c, 3, 1, 365, &r->day)) return false;
  } else {
    r->kind = BV_TZ_ZERO;
    if (!take_int(c, 3, 0, 365, &r->day)) return false;
  }
  return !take(c, '/') || take_duration(c, 167, &r->time_s);
}

static bool take_tz(cursor *c, bv_posix_tz *tz) {
  if (!take_name(c) || !take_offset(c, &tz->std_s)) return false;
  tz->dst_s = tz->std_s;
  if (c->p == c->end) return true;
  tz->has_dst = true;
  if (!take_name(c)) return false;
  tz->dst_s = tz->std_s + 3600;
  if (!at(c, ',') && !take_offset(c, &tz->dst_s)) return false;
  return take(c, ',') && take_rule(c, &tz->start) && take(c, ',') && take_rule(c, &tz->end) &&
         c->p == c->end;
}

bv_rc bv_posix_tz_parse(const char *p, size_t n, bv_posix_tz *out, bv_err *err) {
  cursor c = {p, p + n};
  *out = (bv_posix_tz){0};
  if (take_tz(&c, out)) return BV_OK;
  return bv_fail(err, BV_CORRUPT, "the file's rule '%.*s' is not a POSIX TZ text",
                 n < 60 ? (int)n : 60, p);
}

/* Day number since 1970-01-01 on which the rule falls in that year. */
static int64_t rule_day(const bv_tz_rule *r, int64_t year) {
  int64_t first = bv_days_from_civil(year, 1, 1);
  if (r->kind == BV_TZ_ZERO) return first + r->day;
  if (r->kind == BV_TZ_JULIAN) {
    bool leap = bv_month_days(year, 2) == 29;
    return first + r->day - 1 + (leap && r->day >= 60);
  }
  int64_t month = bv_days_from_civil(year, r->month, 1);
  int64_t weekday = bv_floor_mod(month + 4, 7); /* 1970-01-01 was a Thursday */
  int64_t day = bv_floor_mod(r->day - weekday, 7) + (r->week - 1) * 7;
  while (day >= bv_month_days(year, r->month)) day -= 7;
  return month + day;
}

void bv_posix_tz_edges(const bv_posix_tz *tz, int64_t year, int64_t *start, int64_t *end) {
  *start = rule_day(&tz->start, year) * 86400 + tz->start.time_s - tz->std_s;
  *end = rule_day(&tz->end, year) * 86400 + tz->end.time_s - tz->dst_s;
}
