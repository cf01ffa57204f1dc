/*
** instant.c - civil dates and ISO-8601 text; see instant.h.
**
** Texts come by the million from imported files, nearly all as "YYYY-MM-DD HH:MM:SS", so that form
** is read first and without a scanner.  Whatever it does not take goes to the scanner, which also
** words the errors.
*/
#include "time/instant.h"
#include "time/zone.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400

int64_t bv_floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q - (a % b < 0);
}

int64_t bv_floor_mod(int64_t a, int64_t b) {
  int64_t r = a % b;
  return r < 0 ? r + b : r;
}

/* Both conversions count in years that begin on 1 March, so that the leap day is the last of its
** year, and in eras of 400 years = 146097 days (H. Hinnant, "chrono-Compatible Low-Level Date
** Algorithms").  719468 days lie between 0000-03-01 and 1970-01-01. */
int64_t bv_days_from_civil(int64_t year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = bv_floor_div(y, 400);
  int64_t yoe = y - era * 400;
  int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void bv_civil_from_days(int64_t days, int64_t *year, int *month, int *day) {
  int64_t z = days + 719468;
  int64_t era = bv_floor_div(z, 146097);
  int doe = (int)(z - era * 146097);
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (5 * doy + 2) / 153;
  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2);
}

int bv_month_days(int64_t year, int month) {
  static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap);
}

/* What a text says, before anybody asks whether such a date exists. */
typedef struct reading {
  int year, month, day, hour, minute, second;
  int32_t offset_s;
  bool has_time, has_offset;
  bool has_fraction; /* and it is not zero */
} reading;

typedef struct cursor {
  const char *p, *end;
} cursor;

static bool take(cursor *c, char want) {
  if (c->p == c->end || *c->p != want) return false;
  c->p++;
  return true;
}

static bool take_digits(cursor *c, int n, int *out) {
  if (c->end - c->p < n) return false;
  int v = 0;
  for (int i = 0; i < n; i++) {
    if (c->p[i] < '0' || c->p[i] > '9') return false;
    v = v * 10 + (c->p[i] - '0');
  }
  c->p += n;
  *out = v;
  return true;
}

bv_rc bv_offset_parse(const char *p, size_t n, int32_t *out) {
  if (n == 0 || (p[0] != '+' && p[0] != '-')) return BV_ARG;
  cursor c = {p + 1, p + n};
  int hour, minute = 0;
  if (!take_digits(&c, 2, &hour)) return BV_ARG;
  if (c.p < c.end) {
    take(&c, ':');
    if (!take_digits(&c, 2, &minute)) return BV_ARG;
  }
  if (c.p < c.end) return BV_ARG;
  if (hour > 23 || minute > 59) return BV_RANGE;
  *out = (hour * 3600 + minute * 60) * (p[0] == '-' ? -1 : 1);
  return BV_OK;
}

static bool scan_date(cursor *c, reading *r, bool *basic) {
  if (!take_digits(c, 4, &r->year)) return false;
  *basic = !take(c, '-');
  return take_digits(c, 2, &r->month) && (*basic || take(c, '-')) && take_digits(c, 2, &r->day);
}

static bool scan_fraction(cursor *c, reading *r) {
  int digit;
  if (!take_digits(c, 1, &digit)) return false;
  do {
    r->has_fraction |= digit != 0;
  } while (take_digits(c, 1, &digit));
  return true;
}

static bool scan_time(cursor *c, reading *r, bool basic) {
  if (!take_digits(c, 2, &r->hour)) return false;
  if (!(basic || take(c, ':')) || !take_digits(c, 2, &r->minute)) return false;
  bool seconds = basic || take(c, ':');
  if (seconds) {
    if (!take_digits(c, 2, &r->second)) return false;
    if (take(c, '.') && !scan_fraction(c, r)) return false;
  }
  r->has_time = true;
  return true;
}

/* BV_ARG where the text does not follow the grammar; ranges are not looked at, but for an offset's.
 */
static bv_rc scan(const char *p, size_t n, reading *r) {
  cursor c = {p, p + n};
  bool basic;
  *r = (reading){0};
  if (!scan_date(&c, r, &basic)) return BV_ARG;
  if (c.p == c.end) return BV_OK;
  if (!take(&c, 'T')) {
    if (!take(&c, ' ')) return BV_ARG;
    while (take(&c, ' ')) continue;
  }
  if (!scan_time(&c, r, basic)) return BV_ARG;
  if (c.p == c.end) return BV_OK;
  r->has_offset = true;
  if (take(&c, 'Z')) return c.p == c.end ? BV_OK : BV_ARG;
  return bv_offset_parse(c.p, (size_t)(c.end - c.p), &r->offset_s);
}

static bool exists(const reading *r) {
  if (r->month < 1 || r->month > 12) return false;
  if (r->day < 1 || r->day > bv_month_days(r->year, r->month)) return false;
  if (r->hour == 24) return r->minute == 0 && r->second == 0 && !r->has_fraction;
  return r->hour < 24 && r->minute < 60 && r->second < 60;
}

static unsigned two_digits(const char *p, unsigned *bad) {
  unsigned hi = (unsigned char)p[0] - (unsigned)'0', lo = (unsigned char)p[1] - (unsigned)'0';
  *bad |= (unsigned)(hi > 9) | (unsigned)(lo > 9);
  return hi * 10 + lo;
}

/* "YYYY-MM-DD HH:MM:SS" with every field in range, days of 29 and more left to the scanner. */
static bool read_common(const char *p, int64_t *local) {
  unsigned bad = (unsigned)((p[4] ^ '-') | (p[7] ^ '-') | (p[13] ^ ':') | (p[16] ^ ':'));
  bad |= (unsigned)(p[10] != ' ' && p[10] != 'T');
  unsigned year = two_digits(p, &bad) * 100;
  year += two_digits(p + 2, &bad);
  unsigned month = two_digits(p + 5, &bad), day = two_digits(p + 8, &bad);
  unsigned hour = two_digits(p + 11, &bad), minute = two_digits(p + 14, &bad);
  unsigned second = two_digits(p + 17, &bad);
  bad |= (unsigned)(month - 1 > 11) | (unsigned)(day - 1 > 30) | (unsigned)(hour > 23) |
         (unsigned)(minute > 59) | (unsigned)(second > 59);
  if (bad || (day > 28 && day > (unsigned)bv_month_days(year, (int)month))) return false;
  *local = bv_days_from_civil(year, (int)month, (int)day) * DAY_S +
           (int64_t)(hour * 3600 + minute * 60 + second);
  return true;
}

static int64_t from_local(const struct bv_zone *zone, int64_t local) {
  return zone ? bv_zone_to_utc(zone, local, NULL) : local;
}

static bv_rc out_of_years(const char *p, int shown, bv_err *err) {
  return bv_fail(err, BV_RANGE, "'%.*s' lies outside the years 0000 to 9999", shown, p);
}

bv_rc bv_instant_parse(const char *p, size_t n, const struct bv_zone *zone, int64_t *out,
                       bool *date_only, bv_err *err) {
  int64_t local, t;
  bool has_time = true;
  int shown = n < 60 ? (int)n : 60;
  if (n == 19 && read_common(p, &local)) {
    t = from_local(zone, local);
  } else {
    reading r;
    bv_rc rc = scan(p, n, &r);
    if (rc == BV_ARG) {
      return bv_fail(err, BV_ARG,
                     "'%.*s' is not a date or time: write YYYY-MM-DD or YYYY-MM-DD HH:MM[:SS], "
                     "then Z or an offset such as +01:00 where it is needed",
                     shown, p);
    }
    if (rc != BV_OK || !exists(&r)) {
      return bv_fail(err, BV_RANGE, "'%.*s' names a date or time that does not exist", shown, p);
    }
    local = bv_days_from_civil(r.year, r.month, r.day) * DAY_S + r.hour * 3600 + r.minute * 60 +
            r.second;
    t = r.has_offset ? local - r.offset_s : from_local(zone, local);
    has_time = r.has_time;
  }
  if (t < BV_INSTANT_MIN || t > BV_INSTANT_MAX) return out_of_years(p, shown, err);
  *out = t;
  if (date_only) *date_only = !has_time;
  return BV_OK;
}

bv_rc bv_instant_check(int64_t t, bv_err *err) {
  static const struct {
    int64_t per_second;
    const char *name;
  } unit[] = {{1000, "milliseconds"}, {1000000, "microseconds"}, {1000000000, "nanoseconds"}};
  if (t >= BV_INSTANT_MIN && t <= BV_INSTANT_MAX) return BV_OK;
  /* The coarsest unit that brings the number back into the valid years is the likely one. */
  for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
    int64_t s = t / unit[i].per_second;
    if (s < BV_INSTANT_MIN || s > BV_INSTANT_MAX) continue;
    return bv_fail(err, BV_RANGE,
                   "%lld is not a time in seconds of the years 0000 to 9999; it looks like %s: "
                   "divide by %lld",
                   (long long)t, unit[i].name, (long long)unit[i].per_second);
  }
  return bv_fail(err, BV_RANGE, "%lld is not a time in seconds of the years 0000 to 9999",
                 (long long)t);
}

static void put2(char *p, int v) {
  p[0] = (char)('0' + v / 10);
  p[1] = (char)('0' + v % 10);
}

void bv_instant_format(int64_t t, char out[32]) {
  if (t < BV_INSTANT_MIN || t > BV_INSTANT_MAX) {
    snprintf(out, 32, "%lld", (long long)t);
    return;
  }
  int64_t days = bv_floor_div(t, DAY_S), year;
  int s = (int)(t - days * DAY_S), month, day;
  bv_civil_from_days(days, &year, &month, &day);
  memcpy(out, "0000-00-00 00:00:00", 20);
  put2(out, (int)year / 100);
  put2(out + 2, (int)year % 100);
  put2(out + 5, month);
  put2(out + 8, day);
  put2(out + 11, s / 3600);
  put2(out + 14, s / 60 % 60);
  put2(out + 17, s % 60);
}
