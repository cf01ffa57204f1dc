/* calendar.c - days on which an exchange trades; see calendar.h. */
#include "time/calendar.h"

#include "base/text.h"
#include "time/instant.h"

enum { MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY };

static int weekday_of(int64_t day) {
  return (int)bv_floor_mod(day + THURSDAY, 7); /* 1970-01-01 */
}

static bool on_weekdays(int64_t day) {
  return weekday_of(day) < SATURDAY;
}

static bool always(int64_t day) {
  (void)day;
  return true;
}

/* --- New York: rule 7.2 of the NYSE --- */

static const int64_t first_year = 1985;

/* Days the exchange stayed closed beside its holidays, as yyyymmdd: a hurricane, funerals of presidents,
** the attacks of 2001. */
static const int32_t closed[] = {19850927, 19940427, 20010911, 20010912, 20010913, 20010914,
                                 20040611, 20070102, 20121029, 20121030, 20181205, 20250109};

/* Which weekday of a month: the n-th, or with n 0 the last. */
static bool is_nth(int day, int month_days, int weekday, int wanted, int n) {
  if (weekday != wanted) return false;
  return n ? (day - 1) / 7 == n - 1 : day + 7 > month_days;
}

/* Day and month of Easter Sunday, Gregorian (Meeus, Jones, Butcher). */
static int64_t easter(int64_t year) {
  int64_t a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4, f = (b + 8) / 25;
  int64_t g = (b - f + 1) / 3, h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4;
  int64_t l = (32 + 2 * e + 2 * i - h - k) % 7, m = (a + 11 * h + 22 * l) / 451;
  int64_t at = h + l - 7 * m + 114;
  return bv_days_from_civil(year, (int)(at / 31), (int)(at % 31) + 1);
}

/* A holiday of a fixed date is kept on the Friday before a Saturday and the Monday after a Sunday. */
static bool is_kept(int64_t day, int64_t year, int month, int date) {
  int64_t at = bv_days_from_civil(year, month, date);
  int weekday = weekday_of(at);
  return day == at - (weekday == SATURDAY) + (weekday == SUNDAY);
}

static bool is_holiday(int64_t day, int64_t year, int month, int date, int weekday) {
  int days = bv_month_days(year, month);
  switch (month) {
  case 1: /* New Year is not kept on a Friday: December's books are closed then */
    if (date == 1 || (date == 2 && weekday == MONDAY)) return true;
    return year >= 1998 && is_nth(date, days, weekday, MONDAY, 3);
  case 2: return is_nth(date, days, weekday, MONDAY, 3);
  case 3:
  case 4: return day == easter(year) - 2;
  case 5: return is_nth(date, days, weekday, MONDAY, 0);
  case 6: return year >= 2022 && is_kept(day, year, 6, 19);
  case 7: return is_kept(day, year, 7, 4);
  case 9: return is_nth(date, days, weekday, MONDAY, 1);
  case 11: return is_nth(date, days, weekday, THURSDAY, 4);
  case 12: return is_kept(day, year, 12, 25);
  default: return false;
  }
}

static bool in_new_york(int64_t day) {
  int64_t year;
  int month, date, weekday = weekday_of(day);
  if (weekday >= SATURDAY) return false;
  bv_civil_from_days(day, &year, &month, &date);
  if (year < first_year) return true;
  int64_t text = (year * 100 + month) * 100 + date;
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
    if (closed[i] == text) return false;
  }
  return !is_holiday(day, year, month, date, weekday);
}

/* --- all of them --- */

const char *const bv_calendar_names[] = {"weekdays", "24/7", "XNYS", NULL};
static const bv_calendar builtin[] = {
    {.rule = on_weekdays}, {.rule = always}, {.rule = in_new_york}};

const bv_calendar *bv_calendar_builtin(const char *name) {
  for (size_t i = 0; bv_calendar_names[i]; i++) {
    if (bv_text_ieq(name, bv_calendar_names[i])) return &builtin[i];
  }
  return NULL;
}

bool bv_calendar_trades(const bv_calendar *c, int64_t day) {
  if (c && c->rule) return c->rule(day);
  if (!c || c->n == 0 || day < c->day[0] || day > c->day[c->n - 1]) return on_weekdays(day);
  size_t lo = 0, hi = c->n;
  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    if (c->day[mid] <= day) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
  return c->day[lo] == day;
}
