/*
** calendars.h - the trading days of a run's assets.
*/
#ifndef BV_RUN_CALENDARS_H
#define BV_RUN_CALENDARS_H

#include "base/status.h"
#include "data/db.h"
#include "time/calendar.h"
#include "time/zone.h"

/* Those that were read from tables. */
typedef struct bv_calendars {
  struct bv_calendar_read *first;
} bv_calendars;

/* The calendar of a name, built in or a table or view of sessions, whose days are those of `zone` on which a session
** begins.  BV_ARG: there is neither. */
BV_MUST bv_rc bv_calendars_find(bv_calendars *c, sqlite3 *db, const char *name, const bv_zone *zone,
                                const bv_calendar **out, bv_err *err);
void bv_calendars_reset(bv_calendars *c);

#endif
