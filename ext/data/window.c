/* window.c - bars of one source in memory; see window.h. */
#include "data/window.h"
#include "data/cachelog.h"
#include "data/derived.h"
#include "data/evict.h"
#include "data/raw.h"
#include "data/settings.h"
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
  w->most = cap;
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

static void stop_walk(bv_window *w) {
  if (w->walk) bv_walk_close(w->walk);
  bv_free(w->walk);
  w->walk = NULL;
}

void bv_window_unref(bv_window *w) {
  if (!w || --w->refs > 0) return;
  stop_walk(w);
  bv_derived_free_all(w);
  bv_ring_reset(&w->ring);
  bv_free(w);
}

static bv_held held(const bv_source *src) {
  return src->agg ? BV_HELD_AGGREGATE : BV_HELD_WINDOW;
}

static bool empty(const bv_window *w) {
  return w->ring.first == w->ring.next;
}

static int64_t count(const bv_window *w) {
  return w->ring.next - w->ring.first;
}

static int64_t last_ts(const bv_window *w) {
  return bv_ring_ts(&w->ring, w->ring.next - 1);
}

int64_t bv_window_bytes(const bv_window *w) {
  int64_t columns = 1;
  for (int c = 0; c < BV_NCOL; c++) columns += w->ring.col[c] != NULL;
  return w->ring.cap * 16 * columns;
}

/* ---- the store's list, and the map that finds a source's window in it ---- */

static void unlink_window(bv_store *s, bv_window *w) {
  *(w->prev ? &w->prev->next : &s->window) = w->next;
  if (w->next) w->next->prev = w->prev;
  w->next = w->prev = NULL;
}

static void link_first(bv_store *s, bv_window *w) {
  w->next = s->window;
  if (s->window) s->window->prev = w;
  s->window = w;
}

static void list_remove(bv_store *s, bv_window *w) {
  char key[BV_SOURCE_KEY];
  bv_map_remove(&s->windows, key, bv_source_key(&w->src, key));
  unlink_window(s, w);
  w->listed = false;
  bv_window_unref(w);
}

static bv_rc list_push(bv_store *s, bv_window *w) {
  char key[BV_SOURCE_KEY];
  BV_TRY(bv_map_put(&s->windows, key, bv_source_key(&w->src, key), w));
  link_first(s, bv_window_ref(w));
  w->listed = true;
  return BV_OK;
}

static bv_window *list_find(bv_store *s, const bv_source *src) {
  bv_window *w = s->window;
  if (!w) return NULL;
  if (!bv_source_eq(&w->src, src)) {
    char key[BV_SOURCE_KEY];
    w = bv_map_find(&s->windows, key, bv_source_key(src, key));
    if (!w) return NULL;
    unlink_window(s, w); /* to the front: the end of the list is the least recently used */
    link_first(s, w);
  }
  w->used = ++s->tick;
  return w;
}

void bv_window_drop_all(bv_store *s) {
  while (s->window) list_remove(s, s->window);
}

static void log_gone(bv_store *s, const bv_window *w, bv_event event, const char *reason) {
  bv_log_add(s, &(bv_decision){.event = event,
                               .held = held(&w->src),
                               .src = &w->src,
                               .bars = count(w),
                               .bytes = bv_window_bytes(w),
                               .reason = reason});
}

static void drop_changed(bv_store *s, bv_window *w, const char *reason) {
  log_gone(s, w, BV_EV_DROP, reason);
  s->counter[BV_N_DROP]++;
  list_remove(s, w);
}

void bv_window_drop_stale(bv_store *s) {
  bv_window *w = s->window;
  while (w) {
    bv_window *next = w->next;
    if (w->generation != s->generation) drop_changed(s, w, "the database has changed");
    w = next;
  }
}

/* The start of the bar of this source in which a base bar at ts lies. */
static int64_t bar_of(const bv_source *src, int64_t ts) {
  return src->agg ? bv_bucket_start(src->step, src->zone, ts, NULL) : ts;
}

/* A bar after the last one is read when it is asked for; of an aggregate the last bucket may have to be
** made again.  Whoever reads a window goes on seeing it as it was. */
static bool takes(bv_window *w, int64_t ts) {
  stop_walk(w);
  int64_t start = bar_of(&w->src, ts);
  if (w->refs > 1 || w->pins > 0 || empty(w) || w->src.fill != BV_FILL_NONE) return false;
  w->grew = w->grew || w->eof;
  if (start > last_ts(w)) {
    w->eof = false;
    return true;
  }
  if (start < last_ts(w) || !w->src.agg) return false;
  bv_derived_free_all(w); /* they have seen the bucket as it was */
  bv_ring_cut(&w->ring, w->ring.next - 1);
  w->eof = false;
  return !empty(w);
}

void bv_window_written(bv_store *s, const bv_series *series, int64_t ts) {
  bv_window *w = s->window;
  while (w) {
    bv_window *next = w->next;
    bool concerned = w->src.base.id == series->id && w->src.base.home == series->home;
    if (concerned && !takes(w, ts)) drop_changed(s, w, "a bar it holds was written");
    w = next;
  }
}

static bv_window *oldest(const bv_store *s, bool agg) {
  bv_window *victim = NULL;
  for (bv_window *w = s->window; w; w = w->next) {
    if (w->src.agg == agg && w->pins == 0 && w->refs == 1) victim = w;
  }
  return victim;
}

bool bv_window_oldest(const bv_store *s, bool agg, int64_t *used) {
  const bv_window *w = oldest(s, agg);
  if (w) *used = w->used;
  return w != NULL;
}

void bv_window_drop_oldest(bv_store *s, bool agg) {
  bv_window *w = oldest(s, agg);
  if (!w) return;
  log_gone(s, w, BV_EV_EVICT, "over memory_limit, not used for longest");
  list_remove(s, w);
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
static bv_rc push(bv_window *w, const bv_bars *bars, bv_err *err) {
  int64_t first = w->ring.first;
  if (bv_ring_push(&w->ring, bars) != BV_OK) {
    return bv_fail(err, BV_CORRUPT, "bars of %s %s are not in order of time", w->src.base.asset,
                   w->src.base.step_text);
  }
  if (w->ring.first > first) w->bof = false;
  return BV_OK;
}

/* Drop the bars before the history of the bar before hi. */
static void trim(bv_window *w, int64_t hi) {
  int64_t first = w->ring.first;
  bv_ring_trim(&w->ring, bv_ring_lower_bound(&w->ring, hi) - 1 - w->history);
  if (w->ring.first == first) return;
  w->bof = false;
  w->store->counter[BV_N_TRIM]++;
  bv_log_add(w->store, &(bv_decision){.event = BV_EV_TRIM,
                                      .held = held(&w->src),
                                      .src = &w->src,
                                      .need = w->history,
                                      .have = w->ring.next - first,
                                      .bars = w->ring.first - first,
                                      .reason = "bars before the history"});
}

/* Room for n more bars of a shared window that nobody reads: what lies before the history goes first. */
static bv_rc make_room(bv_window *w, int64_t hi, int64_t n) {
  if (!w->listed || w->pins > 0) return BV_OK;
  if (count(w) + n > w->most) trim(w, hi);
  int64_t want = count(w) + n, cap = w->ring.cap;
  if (want <= cap || cap >= w->most) return BV_OK;
  while (cap < want) cap *= 2;
  if (cap > w->most) cap = w->most;
  bv_ring before = w->ring;
  before.ts = NULL;
  for (int c = 0; c < BV_NCOL; c++) before.col[c] = NULL; /* only its numbers are used */
  bv_rc rc = bv_derived_prepare(w, cap);
  if (rc == BV_OK) rc = bv_ring_grow(&w->ring, cap);
  bv_derived_moved(w, rc == BV_OK ? &before : NULL);
  return rc;
}

static bv_rc push_chunk(bv_window *w, const bv_chunk *c, bv_err *err) {
  const bv_bars view = bv_chunk_view(c);
  return push(w, &view, err);
}

/* A walk that goes on after the last bar held, in the columns held. */
static bv_rc start_walk(bv_window *w, int64_t from) {
  if (w->walk && w->walked == from - 1 && w->walk->mask == (w->ring.mask & BV_STORED_MASK)) {
    return BV_OK;
  }
  stop_walk(w);
  w->walk = bv_alloc(BV_MEM_WINDOW, sizeof *w->walk);
  if (!w->walk) return BV_NOMEM;
  bv_walk_open(w->walk, w->store, &w->src, from, INT64_MAX, w->ring.mask,
               (int)(w->src.base.id % 64));
  return BV_OK;
}

/* Append up to max bars of the walk; what is left of its piece comes next time. */
static bv_rc walk_on(bv_window *w, int64_t max, int64_t *n, bv_err *err) {
  for (*n = 0; *n < max;) {
    bv_bars piece;
    BV_TRY(bv_raw_walk(w->walk, INT64_MAX, &piece, err));
    if (piece.n == 0) return BV_OK;
    const int64_t take = piece.n < max - *n ? piece.n : max - *n;
    if (take < piece.n) w->walk->lo = piece.ts[take];
    w->walked = piece.ts[take - 1];
    piece.n = take;
    BV_TRY(push(w, &piece, err));
    *n += take;
  }
  return BV_OK;
}

/* Append up to max bars from the source after the last held (or from `from` if empty).  Indicator
** columns are first brought up to the last bar, because the bars they would need may be dropped. */
static bv_rc extend(bv_window *w, int64_t from, int64_t hi, int64_t max, int64_t *n, bv_err *err) {
  bv_chunk c;
  BV_TRY(bv_derived_catch_up(w, err));
  if (w->listed && w->store->frozen > 0 && !w->src.agg && hi == INT64_MAX) {
    BV_TRY(start_walk(w, from));
    bv_rc rc = walk_on(w, max, n, err);
    if (rc != BV_OK) stop_walk(w);
    return rc;
  }
  stop_walk(w);
  BV_TRY(read_chunk(w, from, hi, max, false, &c, err));
  *n = c.n;
  bv_rc rc = push_chunk(w, &c, err);
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
  bv_rc rc = push_chunk(w, &c, err);
  bv_chunk_reset(&c);
  return rc;
}

/* Whether the window proves which bar is the newest before hi and holds `back` bars before it.
** Otherwise *reason says why not, and *have how many of the bars are held. */
static bool covers(bv_window *w, int64_t hi, int64_t back, int64_t *have, const char **reason) {
  *have = 0;
  *reason = "the window is empty";
  if (empty(w)) return w->bof && w->eof;
  w->near = bv_ring_lower_bound_near(&w->ring, hi, w->near);
  int64_t i = w->near - 1;
  *have = i - w->ring.first + 1;
  *reason = "the window ends before the instant asked for";
  if (last_ts(w) < hi && !w->eof) return false;
  *reason = "the window begins after the first bar asked for";
  return i - back >= w->ring.first || w->bof;
}

static void note_read(bv_window *w, bv_event event, int64_t n, int64_t t0) {
  bv_log_add(w->store, &(bv_decision){.event = event,
                                      .held = held(&w->src),
                                      .src = &w->src,
                                      .bars = n,
                                      .bytes = bv_window_bytes(w),
                                      .ns = bv_log_now() - t0});
}

/* Extend at the end; BV_NOTFOUND where the gap is too wide or a reader's bars would be dropped. */
static bv_rc move_on(bv_window *w, int64_t hi, bv_err *err) {
  if (empty(w)) return BV_NOTFOUND;
  int64_t until = hi < BV_INSTANT_MIN ? BV_INSTANT_MIN : hi < BV_INSTANT_MAX ? hi : BV_INSTANT_MAX;
  int64_t gap = (until - last_ts(w)) / bv_timestep_nominal_s(w->src.step);
  if (w->grew && gap > w->future) gap = w->future; /* the end of the series is near */
  if (gap > w->future) return BV_NOTFOUND;
  int64_t want = w->ahead > gap + 1 ? w->ahead : gap + 1;
  int64_t room = w->ring.cap - count(w), n, t0 = bv_log_now();
  if (w->pins > 0 && want > room) {
    if (room <= gap) return BV_NOTFOUND;
    want = room;
  }
  BV_TRY(bv_derived_catch_up(w, err));
  BV_TRY(make_room(w, hi, want));
  BV_TRY(extend(w, last_ts(w) + 1, INT64_MAX, want, &n, err));
  w->eof = n < want;
  w->grew = false;
  w->ahead = w->ahead * 4 < w->future ? w->ahead * 4 : w->future;
  w->store->counter[BV_N_EXTEND]++;
  note_read(w, BV_EV_EXTEND, n, t0);
  return BV_OK;
}

static bv_rc load_shared(bv_store *s, const bv_source *src, int64_t hi, int64_t back, unsigned mask,
                         bv_window **out, bv_err *err) {
  bv_window *w;
  int64_t n, history, future, t0 = bv_log_now();
  bv_setting_reach(s, src, &history, &future);
  int64_t most = history + future + s->trim + 1;
  int64_t extra = history - back < AHEAD ? history - back : AHEAD;
  int64_t ahead = future < AHEAD ? future : AHEAD;
  int64_t cap = back + extra + 1 + ahead;
  cap = cap < most ? cap : most;
  BV_TRY(window_new(s, src, cap, mask, &w));
  w->most = most;
  w->history = history;
  w->future = future;
  w->ahead = ahead;
  bv_rc rc = refill(w, INT64_MIN, hi, back + extra + 1, 0, &n, err);
  if (rc == BV_OK) {
    rc = extend(w, empty(w) ? hi : last_ts(w) + 1, INT64_MAX, ahead, &n, err);
    w->eof = n < ahead;
  }
  if (rc == BV_OK) rc = list_push(s, w);
  if (rc != BV_OK) {
    bv_window_unref(w);
    return rc;
  }
  w->used = ++s->tick;
  s->counter[BV_N_LOAD]++;
  note_read(w, BV_EV_LOAD, count(w), t0);
  *out = w;
  return BV_OK;
}

static void hit(bv_store *s, bv_window *w) {
  s->counter[BV_N_HIT]++;
  if (w->src.agg) s->counter[BV_N_HIT_AGG]++;
  w->hits++;
  w->hit_row = bv_log_hit(s, w->hit_row, held(&w->src), &w->src);
}

static void miss(bv_store *s, bv_window *w, const bv_source *src, int64_t need, int64_t have,
                 const char *reason) {
  s->counter[BV_N_MISS]++;
  if (src->agg) s->counter[BV_N_MISS_AGG]++;
  if (w) w->misses++;
  if (w) w->hit_row = 0; /* hits after this are a row of their own */
  bv_log_add(s, &(bv_decision){.event = BV_EV_MISS,
                               .held = held(src),
                               .src = src,
                               .need = need,
                               .have = have < need ? have : need,
                               .reason = reason});
}

bv_rc bv_window_shared(bv_store *s, const bv_source *src, int64_t hi, int64_t back, unsigned mask,
                       bv_window **out, bv_err *err) {
  bv_window *w = list_find(s, src);
  int64_t have = 0, misses = 0, hits = 0;
  const char *reason = "not held";
  *out = NULL;
  if (w && w->generation == s->generation) {
    bool found = covers(w, hi, back, &have, &reason);
    if (found) hit(s, w);
    if (!found) miss(s, w, src, back + 1, have, reason);
    bv_window_ref(w);
    bv_rc rc = found ? BV_OK : move_on(w, hi, err);
    if (rc == BV_OK && (found || covers(w, hi, back, &have, &reason))) {
      rc = bv_window_need(w, mask, err);
      if (rc == BV_OK && !found) bv_evict(s);
      if (rc == BV_OK) {
        *out = w;
        return BV_OK;
      }
    }
    mask |= w->ring.mask; /* what readers of this source have wanted so far */
    hits = w->hits;
    misses = w->misses;
    bv_window_unref(w);
    if (rc != BV_OK && rc != BV_NOTFOUND) return rc;
  } else {
    miss(s, w, src, back + 1, have, w ? "the database has changed" : reason);
    misses = 1;
  }
  if (w) list_remove(s, w);
  BV_TRY(load_shared(s, src, hi, back, mask, &w, err));
  w->hits = hits;
  w->misses = misses;
  bv_evict(s);
  *out = w;
  return BV_OK;
}

bv_rc bv_window_private(bv_store *s, const bv_source *src, int64_t piece, unsigned mask,
                        bv_window **out, bv_err *err) {
  (void)err;
  s->counter[BV_N_STREAM]++;
  bv_log_add(s, &(bv_decision){.event = BV_EV_STREAM,
                               .held = held(src),
                               .src = src,
                               .bars = piece,
                               .reason = "more bars than a window holds, or read once"});
  return window_new(s, src, 2 * piece, mask, out); /* the piece before stays in reach */
}

bv_rc bv_window_forward(bv_window *w, int64_t from, int64_t hi, int64_t *n, bv_err *err) {
  assert(!w->listed);
  BV_TRY(extend(w, from, hi, w->ring.cap / 2, n, err));
  bv_evict_in_scan(w->store);
  return BV_OK;
}

bv_rc bv_window_backward(bv_window *w, int64_t lo, int64_t hi, int64_t last, int64_t *n,
                         bv_err *err) {
  assert(!w->listed);
  BV_TRY(refill(w, lo, hi, w->ring.cap / 2, last, n, err));
  bv_evict_in_scan(w->store);
  return BV_OK;
}

bv_rc bv_window_need(bv_window *w, unsigned mask, bv_err *err) {
  unsigned missing = bv_source_mask(&w->src, mask) & ~w->ring.mask;
  if (!missing) return BV_OK;
  bv_chunk c;
  int64_t n = count(w), t0 = bv_log_now();
  bv_chunk_init(&c, BV_MEM_DECODE, missing);
  bv_rc rc = BV_OK;
  if (n > 0) {
    rc = bv_source_read(w->store, &w->src, bv_ring_ts(&w->ring, w->ring.first), last_ts(w) + 1, n,
                        false, &c, err);
  }
  if (rc == BV_OK && c.n != n) {
    rc = bv_fail(err, BV_BUSY, "bars of %s %s changed while they were read", w->src.base.asset,
                 w->src.base.step_text);
  }
  for (int k = 0; rc == BV_OK && k < BV_NCOL; k++) {
    if (!(missing & BV_COLBIT(k))) continue;
    rc = bv_ring_add_column(&w->ring, (bv_column)k, c.col[k]);
    bv_log_add(w->store, &(bv_decision){.event = BV_EV_LOAD,
                                        .held = held(&w->src),
                                        .src = &w->src,
                                        .what = bv_column_name(k),
                                        .bars = n,
                                        .ns = bv_log_now() - t0,
                                        .reason = "a column is read for the first time"});
  }
  bv_chunk_reset(&c);
  return rc;
}
