/*
** handle.h - row handles: what the hidden column `bars` of a bar table yields.
**
** A handle names one bar of one window.  It is passed to functions as a typed pointer, which SQL
** cannot forge; it becomes NULL when SQLite stores, sorts or materialises it, and the functions say
** so.  Each handle holds a reference to its window and remembers the bar's time, so it stays right
** after its scan has moved on or ended.
*/
#ifndef BV_API_HANDLE_H
#define BV_API_HANDLE_H

#include "data/view.h"

typedef struct bv_handle {
  bv_window *w;
  int64_t i;
  int64_t ts;
} bv_handle;

/* Give the stream's current bar as the result of a column. */
void bv_handle_result(sqlite3_context *ctx, const bv_stream *st);

/* The handle in a value, borrowed for the call; NULL where there is none. */
const bv_handle *bv_handle_of(sqlite3_value *v);

#endif
