/*
** evict.h - giving memory back when the process is over its budget.
**
** The budget is the process's (base/alloc.h); each connection gives back what it used least recently
** itself, in this order:
**   1. decoded chunks of the store, and rows of sources (data/held.h);
**   2. what was made of stored bars: aggregate blocks, windows of aggregates, indicator columns, and last
**      the states that save running a recursive indicator again from the first bar;
**   3. windows of stored bars.
** What a cursor or a row handle is reading stays.  Nothing is lost: it is read or made again.
*/
#ifndef BV_DATA_EVICT_H
#define BV_DATA_EVICT_H

#include "data/store.h"

/* Bring the process under its limit, as far as this connection can.  To be called between reads. */
void bv_evict(bv_store *s);

/* The same between two pieces of a scan, which will read on in the chunk decoded last: that one stays, and
** is what the process may be over its limit. */
void bv_evict_in_scan(bv_store *s);

#endif
