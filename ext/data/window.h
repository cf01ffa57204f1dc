/*
** window.h - bars of one source in memory.
**
** A window holds a ring of consecutive bars.  Two kinds:
**
**   shared   one per source and connection, around the instant last asked for: `history` bars
**            before it and up to `future` after it, extended at its end as readers move on.  Kept
**            in the store's list, most recently used first, and evicted from its end.
**   private  owned by one scan that streams through more bars than a shared window holds.
**
** Bar numbers of a window are its own: they are stable while the window lives and mean nothing
** outside.  Windows hold bars of the future of the clock; only view.c, which clamps, reads them for
** others.
**
** Windows are refcounted: by the list, by streams and by row handles.  A window that streams are
** reading (pins > 0) keeps every bar it holds; when it would have to drop some, a new one takes its
** place in the list.
*/
#ifndef BV_DATA_WINDOW_H
#define BV_DATA_WINDOW_H

#include "col/ring.h"
#include "data/source.h"

struct bv_derived;

typedef struct bv_window {
  struct bv_window *next; /* in the store's list */
  bv_store *store;
  int refs, pins;
  bool listed;
  bv_source src;
  bv_ring ring;
  int64_t generation;
  bool bof, eof;              /* nothing is stored before the ring's first bar / after its last */
  struct bv_derived *derived; /* indicator columns computed so far */
  int64_t ahead;              /* bars to read ahead at the next extension */
  int64_t hits;
} bv_window;

/* A shared window that holds the newest bar before instant hi and the `back` bars before that one,
** as far as they exist, in the columns of mask.  The caller gets a reference.  back <=
** store->history. */
BV_MUST bv_rc bv_window_shared(bv_store *s, const bv_source *src, int64_t hi, int64_t back,
                               unsigned mask, bv_window **out, bv_err *err);

/* An empty private window for pieces of up to `piece` bars. */
BV_MUST bv_rc bv_window_private(bv_store *s, const bv_source *src, int64_t piece, unsigned mask,
                                bv_window **out, bv_err *err);

/* Private: continue with the next bars in [from, hi), where `from` follows the last bar held.  *n
** tells how many came; 0 at the end. */
BV_MUST bv_rc bv_window_forward(bv_window *w, int64_t from, int64_t hi, int64_t *n, bv_err *err);

/* Private: hold the newest bars in [lo, hi) instead, the last of them numbered `last`.  */
BV_MUST bv_rc bv_window_backward(bv_window *w, int64_t lo, int64_t hi, int64_t last, int64_t *n,
                                 bv_err *err);

/* Make sure the columns of mask are there. */
BV_MUST bv_rc bv_window_need(bv_window *w, unsigned mask, bv_err *err);

/* Whether bar i is held and is the one that starts at ts. */
static inline bool bv_window_holds(const bv_window *w, int64_t i, int64_t ts) {
  return i >= w->ring.first && i < w->ring.next && bv_ring_ts(&w->ring, i) == ts;
}

bv_window *bv_window_ref(bv_window *w);
void bv_window_unref(bv_window *w);

/* Take windows out of the store's list: all, those of an older generation, and the least recently
** used ones while the process uses more than its memory limit. */
void bv_window_drop_all(bv_store *s);
void bv_window_drop_stale(bv_store *s);
void bv_window_evict(bv_store *s);

#endif
