/*
** gap.h - holes in a stored series.
**
** Without an exchange's calendar a hole is what breaks the series' own pattern:
**
**   intraday  buckets without a bar between the first and the last bar of a local day
**   day       weekdays without any bar between the first and the last day that has some; Saturdays
**             and Sundays never count.  A day bar that opens at 17:00 local time or later belongs to
**             the next day, as currency days do
**   period    for bars of several days, weeks or months: whole periods between two bars
**
** So holidays show up as holes, as do lunch breaks and quiet minutes; a day that begins late or ends
** early does not.
*/
#ifndef BV_DATA_GAP_H
#define BV_DATA_GAP_H

#include "data/store.h"

typedef struct bv_gap {
  const char *kind; /* "intraday", "day" or "period"; against a calendar "session" or "sessions" */
  int64_t start, end; /* [start, end) */
  int64_t missing;    /* bars; of kind "day", weekdays */
} bv_gap;

/* Call `found` for each hole among the bars with lo <= ts < hi that can be seen by the clock, in order
** of time.  An error of `found` ends the search and is returned. */
BV_MUST bv_rc bv_gap_find(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                          bv_rc (*found)(void *ctx, const bv_gap *gap), void *ctx, bv_err *err);

/* The same against a calendar: a table or view with the columns start and end (or open and close) of sessions, in epoch
** seconds.  A hole is a bucket that overlaps a session and has no bar, between the series' first and last bar; for bars of a
** day or longer, a session that no bar overlaps.  What is outside of all sessions is no hole. */
BV_MUST bv_rc bv_gap_in_sessions(bv_store *s, const bv_series *series, const char *calendar,
                                 int64_t lo, int64_t hi,
                                 bv_rc (*found)(void *ctx, const bv_gap *gap), void *ctx,
                                 bv_err *err);

#endif
