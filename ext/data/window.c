/* window.c - bars of one source in memory; see window.h. */
#include "data/window.h"
#include "data/derived.h"
#include "time/instant.h"

#include <assert.h>

/* Bars to read beyond what was asked for, at first. */
#define AHEAD 64

static bv_rc window_new(bv_store *s, const bv_source *src, int64_t cap, unsigned mask,
                        bv_window **out) {
  *out = NULL;
  bv_window *w = bv_alloc0(BV_MEM_WINDOW, sizeof *w);
  if (!w) return BV_NOMEM;
  w->store = s;
  w->src = *src;
  w->refs = 1;
  w->generation = s->generation;
  bv_rc rc = bv_ring_init(&w->ring, cap, 0, bv_source_mask(src, mask));
  if (rc != BV_OK) {
    bv_free(w);
    return rc;
  }
  *out = w;
  return BV_OK;
}

bv_window *bv_window_ref(bv_window *w) {
  w->refs++;
  return w;
}

void bv_window_unref(bv_window *w) {
  if (!w || --w->refs > 0) return;
  bv_derived_free_all(w);
  bv_ring_reset(&w->ring);
  bv_free(w);
}

/* ---- the store's list ---- */

static void list_remove(bv_store *s, bv_window *w) {
  for (bv_window **p = &s->window; *p; p = &(*p)->next) {
    if (*p != w) continue;
    *p = w->next;
    w->next = NULL;
    w->listed = false;
    bv_window_unref(w);
    return;
  }
}

static void list_push(bv_store *s, bv_window *w) {
  w->next = s->window;
  s->window = bv_window_ref(w);
  w->listed = true;
}

static bv_window *list_find(bv_store *s, const bv_source *src) {
  bv_window **p = &s->window;
  while (*p && !bv_source_eq(&(*p)->src, src)) p = &(*p)->next;
  bv_window *w = *p;
  if (!w || p == &s->window) return w;
  *p = w->next; /* move to the front: the end of the list is the least recently used */
  w->next = s->window;
  s->window = w;
  return w;
}

void bv_window_drop_all(bv_store *s) {
  while (s->window) list_remove(s, s->window);
}

void bv_window_drop_stale(bv_store *s) {
  bv_window *w = s->window;
  while (w) {
    bv_window *next = w->next;
    if (w->generation != s->generation) list_remove(s, w);
    w = next;
  }
}

void bv_window_evict(bv_store *s) {
  while (bv_mem_total() > s->memory_limit) {
    bv_window *victim = NULL;
    for (bv_window *w = s->window; w; w = w->next) {
      if (w->pins == 0 && w->refs == 1) victim = w;
    }
    if (!victim) return;
    s->counter[BV_N_EVICT]++;
    list_remove(s, victim);
  }
}

/* ---- filling ---- */

/* Read into a chunk of the ring's columns. */
static bv_rc read_chunk(bv_window *w, int64_t lo, int64_t hi, int64_t max, bool desc, bv_chunk *out,
                        bv_err *err) {
  bv_chunk_init(out, BV_MEM_DECODE, w->ring.mask);
  bv_rc rc = bv_source_read(w->store, &w->src, lo, hi, max, desc, out, err);
  if (rc != BV_OK) bv_chunk_reset(out);
  return rc;
}

/* Append; a bar dropped at the front means that something is stored before the first one held. */
static bv_rc push(bv_window *w, const bv_chunk *c, bv_err *err) {
  bv_bars view = bv_chunk_view(c);
  int64_t first = w->ring.first;
  if (bv_ring_push(&w->ring, &view) != BV_OK) {
    return bv_fail(err, BV_CORRUPT, "bars of %s %s are not in order of time", w->src.base.asset,
                   w->src.base.step_text);
  }
  if (w->ring.first > first) w->bof = false;
  return BV_OK;
}

/* Append up to max bars from the source after the last held (or from `from` if empty).  Indicator
** columns are first brought up to the last bar, because the bars they would need may be dropped. */
static bv_rc extend(bv_window *w, int64_t from, int64_t hi, int64_t max, int64_t *n, bv_err *err) {
  bv_chunk c;
  BV_TRY(bv_derived_catch_up(w, err));
  BV_TRY(read_chunk(w, from, hi, max, false, &c, err));
  *n = c.n;
  bv_rc rc = push(w, &c, err);
  bv_chunk_reset(&c);
  return rc;
}

/* Replace what is held by the newest `back` bars before hi; the last gets number `last`. */
static bv_rc refill(bv_window *w, int64_t lo, int64_t hi, int64_t back, int64_t last, int64_t *n,
                    bv_err *err) {
  bv_chunk c;
  bv_derived_free_all(w);
  BV_TRY(read_chunk(w, lo, hi, back, true, &c, err));
  *n = c.n;
  w->bof = c.n < back && lo == INT64_MIN;
  w->eof = false;
  w->ring.first = w->ring.next = last - c.n + 1;
  bv_rc rc = push(w, &c, err);
  bv_chunk_reset(&c);
  return rc;
}

static int64_t last_ts(const bv_window *w) {
  return bv_ring_ts(&w->ring, w->ring.next - 1);
}

static bool empty(const bv_window *w) {
  return w->ring.first == w->ring.next;
}

/* Whether the window proves which bar is the newest before hi and holds `back` bars before it. */
static bool covers(const bv_window *w, int64_t hi, int64_t back) {
  if (empty(w)) return w->bof && w->eof;
  if (last_ts(w) < hi && !w->eof) return false;
  int64_t i = bv_ring_lower_bound(&w->ring, hi) - 1;
  return i - back >= w->ring.first || w->bof;
}

/* Extend at the end; BV_NOTFOUND where the gap is too wide or a reader's bars would be dropped. */
static bv_rc move_on(bv_window *w, int64_t hi, bv_err *err) {
  if (empty(w)) return BV_NOTFOUND;
  int64_t until = hi < BV_INSTANT_MIN ? BV_INSTANT_MIN : hi < BV_INSTANT_MAX ? hi : BV_INSTANT_MAX;
  int64_t gap = (until - last_ts(w)) / bv_timestep_nominal_s(w->src.step);
  if (gap > w->store->future) return BV_NOTFOUND;
  int64_t want = w->ahead > gap + 1 ? w->ahead : gap + 1;
  int64_t room = w->ring.cap - (w->ring.next - w->ring.first);
  if (w->pins > 0 && want > room) {
    if (room <= gap) return BV_NOTFOUND;
    want = room;
  }
  int64_t n;
  BV_TRY(extend(w, last_ts(w) + 1, INT64_MAX, want, &n, err));
  w->eof = n < want;
  w->ahead = w->ahead * 4 < w->store->future ? w->ahead * 4 : w->store->future;
  w->store->counter[BV_N_EXTEND]++;
  return BV_OK;
}

static bv_rc load_shared(bv_store *s, const bv_source *src, int64_t hi, int64_t back, unsigned mask,
                         bv_window **out, bv_err *err) {
  bv_window *w;
  int64_t n, extra = s->history - back < AHEAD ? s->history - back : AHEAD;
  int64_t ahead = s->future < AHEAD ? s->future : AHEAD;
  BV_TRY(window_new(s, src, s->history + s->future + 1, mask, &w));
  w->ahead = ahead;
  bv_rc rc = refill(w, INT64_MIN, hi, back + extra + 1, 0, &n, err);
  if (rc == BV_OK) {
    rc = extend(w, empty(w) ? hi : last_ts(w) + 1, INT64_MAX, ahead, &n, err);
    w->eof = n < ahead;
  }
  if (rc != BV_OK) {
    bv_window_unref(w);
    return rc;
  }
  s->counter[BV_N_LOAD]++;
  *out = w;
  return BV_OK;
}

bv_rc bv_window_shared(bv_store *s, const bv_source *src, int64_t hi, int64_t back, unsigned mask,
                       bv_window **out, bv_err *err) {
  assert(back <= s->history);
  bv_window *w = list_find(s, src);
  *out = NULL;
  if (w && w->generation == s->generation) {
    bool hit = covers(w, hi, back);
    bv_rc rc = hit ? BV_OK : move_on(w, hi, err);
    if (rc != BV_OK && rc != BV_NOTFOUND) return rc;
    if (rc == BV_OK && (hit || covers(w, hi, back))) {
      BV_TRY(bv_window_need(w, mask, err));
      if (hit) {
        s->counter[BV_N_HIT]++;
        w->hits++;
      }
      *out = bv_window_ref(w);
      return BV_OK;
    }
    mask |= w->ring.mask; /* what readers of this source have wanted so far */
  }
  if (w) list_remove(s, w);
  BV_TRY(load_shared(s, src, hi, back, mask, &w, err));
  list_push(s, w);
  bv_window_evict(s);
  *out = w;
  return BV_OK;
}

bv_rc bv_window_private(bv_store *s, const bv_source *src, int64_t piece, unsigned mask,
                        bv_window **out, bv_err *err) {
  (void)err;
  s->counter[BV_N_STREAM]++;
  return window_new(s, src, 2 * piece, mask, out); /* the piece before stays in reach */
}

bv_rc bv_window_forward(bv_window *w, int64_t from, int64_t hi, int64_t *n, bv_err *err) {
  assert(!w->listed);
  return extend(w, from, hi, w->ring.cap / 2, n, err);
}

bv_rc bv_window_backward(bv_window *w, int64_t lo, int64_t hi, int64_t last, int64_t *n,
                         bv_err *err) {
  assert(!w->listed);
  return refill(w, lo, hi, w->ring.cap / 2, last, n, err);
}

bv_rc bv_window_need(bv_window *w, unsigned mask, bv_err *err) {
  unsigned missing = bv_source_mask(&w->src, mask) & ~w->ring.mask;
  if (!missing) return BV_OK;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, missing);
  bv_rc rc = BV_OK;
  int64_t n = w->ring.next - w->ring.first;
  if (n > 0) {
    rc = bv_source_read(w->store, &w->src, bv_ring_ts(&w->ring, w->ring.first), last_ts(w) + 1, n,
                        false, &c, err);
  }
  if (rc == BV_OK && c.n != n) {
    rc = bv_fail(err, BV_BUSY, "bars of %s %s changed while they were read", w->src.base.asset,
                 w->src.base.step_text);
  }
  for (int k = 0; rc == BV_OK && k < BV_NCOL; k++) {
    if (missing & BV_COLBIT(k)) rc = bv_ring_add_column(&w->ring, (bv_column)k, c.col[k]);
  }
  bv_chunk_reset(&c);
  return rc;
}
