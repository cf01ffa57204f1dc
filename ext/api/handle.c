/* handle.c - row handles; see handle.h. */
#include "api/handle.h"

#define HANDLE_TYPE "barsvt-row"

/* A handle is made for every row that a function reads, so freed ones are kept in a list of the
** store and used again. */
typedef union slot {
  bv_handle handle;
  void *next_free;
} slot;

static void handle_release(void *p) {
  slot *s = p;
  bv_window *w = s->handle.w;
  bv_store *store = bv_store_ref(w->store); /* the window may hold the last reference */
  bv_window_unref(w);
  s->next_free = store->free_handle;
  store->free_handle = s;
  bv_store_unref(store);
}

void bv_handle_result(sqlite3_context *ctx, const bv_stream *st) {
  bv_store *store = st->store;
  slot *s = store->free_handle;
  if (s) {
    store->free_handle = s->next_free;
  } else {
    s = bv_alloc(BV_MEM_CURSOR, sizeof *s);
    if (!s) {
      sqlite3_result_error_nomem(ctx);
      return;
    }
  }
  s->handle = (bv_handle){bv_window_ref(st->w), st->i, bv_stream_ts(st)};
  sqlite3_result_pointer(ctx, s, HANDLE_TYPE, handle_release);
}

const bv_handle *bv_handle_of(sqlite3_value *v) {
  return sqlite3_value_pointer(v, HANDLE_TYPE);
}
