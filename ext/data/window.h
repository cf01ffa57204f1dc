/*
** window.h - bars of one source in memory.
**
** A window holds a ring of consecutive bars.  Two kinds:
**
**   shared   one per source and connection, around the instant last asked for: up to `history` bars
**            before it and up to `future` after it, extended at its end as readers move on.  Its
**            ring grows as bars come, up to history + future + trim bars; when it is full, the bars
**            before the history are dropped, which happens about every `trim` bars of the source's
**            own timestep.  Kept in the store's list, most recently used first.
**   private  owned by one scan that streams through more bars than a shared window holds.
**
** During a run, when nobody else can write, a shared window of stored bars is extended by a walk (walk.h): a run
** looks at many assets in turn, a few bars further each time, and a chunk of each is decoded once that way.
**
** Bar numbers of a window are its own: they are stable while the window lives and mean nothing
** outside.  Windows hold bars of the future of the clock; only view.c, which clamps, reads them for
** others.
**
** Windows are refcounted: by the list, by streams and by row handles.  A window that streams are
** reading (pins > 0) keeps every bar it holds where it is; when it would have to drop or move some, a
** new one takes its place in the list.
*/
#ifndef BV_DATA_WINDOW_H
#define BV_DATA_WINDOW_H

#include "col/ring.h"
#include "data/source.h"
#include "data/walk.h"

struct bv_derived;

typedef struct bv_window {
  struct bv_window *next, *prev; /* in the store's list */
  bv_store *store;
  int refs, pins;
  bool listed;
  bv_source src;
  bv_ring ring;
  int64_t history, most; /* bars kept before the instant asked for, and in all */
  int64_t future;
  int64_t generation;
  bool bof, eof;              /* nothing is stored before the ring's first bar / after its last */
  bool grew;                  /* eof was true until bars were written after the last one */
  struct bv_derived *derived; /* indicator columns computed so far */
  bv_walk *walk;              /* during a run: what the window is extended from; NULL: none */
  int64_t walked;             /* start of the bar it has come to */
  int64_t near;               /* number of the bar that was asked for last */
  int64_t ahead;              /* bars to read ahead at the next extension */
  int64_t hits, misses;
  int64_t used;    /* the larger the later */
  int64_t hit_row; /* of the log, which counts hits in a row */
} bv_window;

/* A shared window that holds the newest bar before instant hi and the `back` bars before that one,
** as far as they exist, in the columns of mask.  The caller gets a reference.  back <= the source's
** history (bv_setting_reach). */
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

/* Take windows out of the store's list: all; those of an older generation; those that hold, or should
** hold, a bar of the series at ts, which was written or removed (one that ends before ts reads on). */
void bv_window_drop_all(bv_store *s);
void bv_window_drop_stale(bv_store *s);
void bv_window_written(bv_store *s, const bv_series *series, int64_t ts);

/* The window not used for longest that nobody reads, of aggregates or of stored bars: its tick, false
** where there is none; and dropping it. */
bool bv_window_oldest(const bv_store *s, bool agg, int64_t *used);
void bv_window_drop_oldest(bv_store *s, bool agg);

/* Bytes of a window's ring. */
int64_t bv_window_bytes(const bv_window *w);

#endif
