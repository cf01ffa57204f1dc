/*
** calendar.h - days on which an exchange trades.
**
** A day is its number since 1970-01-01, in the zone of whoever asks.  Built in are
**
**      weekdays   Monday to Friday
**      24/7       all
**      XNYS       the exchanges of New York (NYSE, Nasdaq): weekdays but holidays and the days they stayed
**                 closed, from 1985 on; weekdays before
**
** Other calendars are lists of days; outside of their first and last day weekdays count.
*/
#ifndef BV_TIME_CALENDAR_H
#define BV_TIME_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bv_calendar {
  bool (*rule)(int64_t day); /* NULL: the list */
  const int64_t *day;        /* rising */
  size_t n;
} bv_calendar;

/* A built-in calendar, any case; NULL where there is none of the name. */
const bv_calendar *bv_calendar_builtin(const char *name);

/* The names of the built-in ones, ended by NULL. */
extern const char *const bv_calendar_names[];

/* Whether the day is one of trading; c NULL: weekdays. */
bool bv_calendar_trades(const bv_calendar *c, int64_t day);

#endif
