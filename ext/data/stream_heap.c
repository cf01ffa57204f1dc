/* stream_heap.c - streams of bars merged in order of time; see stream_heap.h. */
#include "data/stream_heap.h"

static int64_t order_key(const bv_stream_heap *h, int s) {
  const bv_stream *st = &h->stream[s];
  int64_t key = h->known ? bv_stream_known_at(st) : bv_stream_ts(st);
  return h->desc ? -key : key;
}

static bool before(const bv_heap_item *a, const bv_heap_item *b) {
  return a->key != b->key ? a->key < b->key : a->stream < b->stream;
}

static void sift_down(bv_stream_heap *h, int at) {
  const bv_heap_item moving = h->item[at];
  for (;;) {
    int kid = 2 * at + 1;
    if (kid >= h->n) break;
    if (kid + 1 < h->n && before(&h->item[kid + 1], &h->item[kid])) kid++;
    if (!before(&h->item[kid], &moving)) break;
    h->item[at] = h->item[kid];
    at = kid;
  }
  h->item[at] = moving;
}

bv_rc bv_stream_heap_open(bv_stream_heap *h, const bv_stream *stream, int n, bool known,
                          bool desc) {
  *h = (bv_stream_heap){.stream = stream, .known = known, .desc = desc};
  h->item = bv_alloc(BV_MEM_CURSOR, (size_t)n * sizeof *h->item);
  if (!h->item) return BV_NOMEM;
  for (int s = 0; s < n; s++) {
    if (!stream[s].eof) h->item[h->n++] = (bv_heap_item){order_key(h, s), s};
  }
  for (int i = h->n / 2 - 1; i >= 0; i--) sift_down(h, i);
  return BV_OK;
}

void bv_stream_heap_close(bv_stream_heap *h) {
  bv_free(h->item);
  *h = (bv_stream_heap){0};
}

void bv_stream_heap_moved(bv_stream_heap *h) {
  int s = h->item[0].stream;
  if (h->stream[s].eof) {
    h->item[0] = h->item[--h->n];
  } else {
    h->item[0].key = order_key(h, s);
  }
  if (h->n) sift_down(h, 0);
}
