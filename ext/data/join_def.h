/*
** join_def.h - the definition of a join, from the arguments of CREATE VIRTUAL TABLE.
**
**   universe = 'SPY, AAPL'        these assets; universe = t: those of the column asset of a table
**   timestep = minute             of the bars; needed
**   signals = scores              a source; as many as wanted
**   signals = (scores match=asof timing=next_bar tolerance='1 hour')
**   context = (macro columns='vix, spread')
**   timing, lag, match, tolerance, max_age = ...      for sources that do not say otherwise
*/
#ifndef BV_DATA_JOIN_DEF_H
#define BV_DATA_JOIN_DEF_H

#include "data/join.h"

/* Read arg[0..narg); schema: the database the table is in.  BV_ARG names what is wrong. */
BV_MUST bv_rc bv_join_def_read(sqlite3 *db, const char *schema, const char *name, int narg,
                               const char *const *arg, bv_join_def *out, bv_err *err);

/* The same from the text between the parentheses. */
BV_MUST bv_rc bv_join_def_parse(sqlite3 *db, const char *schema, const char *name, const char *text,
                                bv_join_def *out, bv_err *err);

/* The same from a table that was created USING bars_feed: "feed" or "aux.feed".  BV_NOTFOUND: there is no such table;
** BV_ARG: it is no feed. */
BV_MUST bv_rc bv_join_def_find(sqlite3 *db, const char *name, bv_join_def *out, bv_err *err);

#endif
