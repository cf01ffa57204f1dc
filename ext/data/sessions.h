/*
** sessions.h - a user's table or view of sessions: the columns start and end, or open and close, in epoch seconds.
*/
#ifndef BV_DATA_SESSIONS_H
#define BV_DATA_SESSIONS_H

#include "base/status.h"
#include "data/db.h"

#include <stdint.h>

/* A statement over the sessions that end after an instant, in order.  BV_ARG: there is no such table or view. */
BV_MUST bv_rc bv_sessions_open(sqlite3 *db, const char *name, int64_t after, sqlite3_stmt **out,
                               bv_err *err);

/* The session of the current row.  BV_ARG: it is none. */
BV_MUST bv_rc bv_sessions_read(sqlite3_stmt *st, const char *name, int64_t *start, int64_t *end,
                               bv_err *err);

#endif
