/*
** stream_heap.h - streams of bars merged in order of time.
**
** A binary heap of those that have a bar, the one that comes next on top, ties in order of the streams.  Its
** items hold what they are ordered by, so that comparing them does not go through the streams.
*/
#ifndef BV_DATA_STREAM_HEAP_H
#define BV_DATA_STREAM_HEAP_H

#include "data/view.h"

typedef struct bv_heap_item {
  int64_t key; /* time of the bar, negated where the newest comes first */
  int stream;
} bv_heap_item;

typedef struct bv_stream_heap {
  const bv_stream *stream;
  bv_heap_item *item;
  int n;
  bool known, desc; /* order by known_at instead of ts; newest first */
} bv_stream_heap;

/* Take in all streams that have a bar. */
BV_MUST bv_rc bv_stream_heap_open(bv_stream_heap *h, const bv_stream *stream, int n, bool known,
                                  bool desc);
void bv_stream_heap_close(bv_stream_heap *h);

/* The stream on top has moved on, or ended. */
void bv_stream_heap_moved(bv_stream_heap *h);

/* The stream whose bar comes next; -1 where there is none. */
static inline int bv_stream_heap_top(const bv_stream_heap *h) {
  return h->n ? h->item[0].stream : -1;
}

#endif
