/*
** session.h - orders for the open and for the close of a day.
**
** A day is that of the asset's zone.  Its first bar is one whose bar before began on another day; its last bar is
** one after which the next begins on another day, or after which there is none (bv_sim_bar.next_ts).
**
**      opg   at the open of the first bar, or not at all
**      cls   at the close of the last bar, or not at all; the fill carries the bar's end as its time
**
** Where there is a limit, the price there must be as good.  What fills at a close is booked after the bar's marks, so
** the bar's range is no part of what the position has lived through.
*/
#ifndef BV_SIM_SESSION_H
#define BV_SIM_SESSION_H

#include "sim/state.h"

/* The end of the local day of `ts`. */
int64_t bv_session_end(const bv_asset *a, int64_t ts);

/* Whether the bar under way is the first, and the last, of its day. */
bool bv_session_first(const bv_asset *a);
bool bv_session_last(const bv_asset *a);

/* After the marks of bars that end: fill the orders that waited for their closes. */
BV_MUST bv_rc bv_session_close(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err);

#endif
