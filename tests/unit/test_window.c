/*
** test_window.c - windows of bars: what a shared one holds whatever was asked before, when it is used
** again, extended, replaced or evicted; private ones in both directions.
*/
#include "store_fixture.h"

#include "data/blocks.h"
#include "data/derived.h"
#include "data/evict.h"
#include "data/seg.h"
#include "data/window.h"

#define CLOSE BV_COLBIT(BV_COL_CLOSE)

static model bars, odd;
static bv_source source, odd_source, hourly;

static int setup(void **state) {
  setup_store(state);
  bv_err err = {0};
  bars = model_new("minute", 1709251200, 4000, 6, false, 1);
  odd = model_new("minute", -200000, 700, 3, true, 2);
  model_store(store, &bars, "MIN", "minute", NULL);
  model_store(store, &odd, "ODD", "minute", NULL);
  source = bv_source_stored(&bars.series);
  odd_source = bv_source_stored(&odd.series);
  ok(bv_source_aggregate(store, "MIN", "hour", NULL, NULL, NULL, NULL, &hourly, &err), &err);
  return 0;
}

static int teardown(void **state) {
  model_free(&bars);
  model_free(&odd);
  return teardown_store(state);
}

/* Each test begins without windows, with counters at 0. */
static int fresh(void **state) {
  (void)state;
  bv_window_drop_all(store);
  store->history = 5000;
  store->future = 1000;
  bv_mem_set_limit(INT64_C(1) << 30);
  memset(store->counter, 0, sizeof store->counter);
  return 0;
}

/* Rows read and columns decoded: 0 more where memory had it all. */
static int64_t reads(void) {
  return store->counter[BV_N_READ] + store->counter[BV_N_DECODE];
}

/* Every bar of the window is the model's, in a row, and bof and eof tell the truth. */
static void check_bars(const bv_window *w, const model *m) {
  const bv_ring *r = &w->ring;
  int64_t n = r->next - r->first;
  assert_true(n <= r->cap);
  if (n == 0) return;
  int64_t at = model_find(m, bv_ring_ts(r, r->first));
  for (int64_t i = 0; i < n; i++) {
    assert_true(at + i < m->n);
    assert_int_equal(bv_ring_ts(r, r->first + i), m->ts[at + i]);
    for (int c = 0; c < STORED_COLUMNS; c++) {
      if (!r->col[c]) continue;
      assert_true(same(r->col[c][bv_ring_slot(r, r->first + i)], m->col[c][at + i]));
    }
  }
  if (w->bof) assert_int_equal(at, 0);
  if (w->eof) assert_int_equal(at + n, m->n);
}

/* The contract of bv_window_shared: the newest bar before hi, and `back` bars before that one. */
static void check_shared(const bv_window *w, const model *m, int64_t hi, int64_t back) {
  check_bars(w, m);
  int64_t want = model_find(m, hi) - 1, i = bv_ring_lower_bound(&w->ring, hi) - 1;
  if (want < 0) {
    assert_true(i < w->ring.first);
    return;
  }
  assert_true(i >= w->ring.first);
  assert_int_equal(bv_ring_ts(&w->ring, i), m->ts[want]);
  assert_true(i - w->ring.first >= (back < want ? back : want));
}

static bv_window *shared(const bv_source *src, int64_t hi, int64_t back, unsigned mask) {
  bv_window *w;
  bv_err err = {0};
  ok(bv_window_shared(store, src, hi, back, mask, &w, &err), &err);
  assert_int_equal(bv_source_mask(src, mask) & ~w->ring.mask, 0);
  return w;
}

static void shared_windows_hold_what_is_asked(void **state) {
  (void)state;
  static const struct {
    int64_t history, future;
  } size[] = {{1, 1}, {2, 5}, {64, 64}, {100, 1}, {1, 300}, {5000, 1000}};
  uint64_t r = 3;
  for (size_t i = 0; i < 2 * COUNT(size); i++) { /* alone, and as in a run */
    const size_t k = i % COUNT(size);
    fresh(NULL);
    store->frozen = i >= COUNT(size);
    store->history = size[k].history;
    store->future = size[k].future;
    int64_t at = bars.ts[0];
    for (int round = 0; round < 700; round++) {
      bool other = pick(&r, 5) == 0; /* two series side by side */
      const model *m = other ? &odd : &bars;
      at = pick(&r, 20) ? at + pick(&r, 40) * 60 : model_instant(&bars, &r);
      if (at > bars.ts[bars.n - 1] + 100000) at = bars.ts[pick(&r, bars.n)];
      int64_t hi = other ? model_instant(&odd, &r) : at;
      int64_t back = pick(&r, size[k].history + 1);
      unsigned mask = CLOSE | (pick(&r, 10) ? 0 : BV_COLBIT(pick(&r, STORED_COLUMNS)));
      bv_window *w = shared(other ? &odd_source : &source, hi, back, mask);
      check_shared(w, m, hi, back);
      bv_window_unref(w);
    }
    int64_t *n = store->counter;
    assert_int_equal(n[BV_N_HIT] + n[BV_N_LOAD] + n[BV_N_EXTEND] >= 700, true);
  }
  store->frozen = 0;
}

static void stepping_extends_one_window(void **state) {
  (void)state;
  store->history = 50;
  store->future = 20;
  bv_window *first = NULL;
  for (int64_t i = 100; i < 1500; i++) {
    bv_window *w = shared(&source, bars.ts[i] + 1, 30, CLOSE);
    check_shared(w, &bars, bars.ts[i] + 1, 30);
    if (!first) first = w;
    if (bars.ts[i] - bars.ts[i - 1] < 20 * 60) assert_true(w == store->window);
    bv_window_unref(w);
  }
  const int64_t *n = store->counter;
  assert_true(n[BV_N_LOAD] < 20); /* once, and after each long hole */
  assert_true(n[BV_N_EXTEND] > 40);
  assert_true(n[BV_N_EXTEND] < 300); /* not at every step */
  assert_true(n[BV_N_HIT] > 1000);
  assert_true(n[BV_N_READ] < 3 * 1500);
}

static void the_same_again_is_a_hit(void **state) {
  (void)state;
  bv_window *a = shared(&source, bars.ts[500], 100, CLOSE);
  bv_window *b = shared(&source, bars.ts[500], 100, CLOSE);
  bv_window *c = shared(&source, bars.ts[480], 50, CLOSE);
  assert_ptr_equal(a, b);
  assert_ptr_equal(a, c);
  assert_int_equal(store->counter[BV_N_LOAD], 1);
  assert_int_equal(store->counter[BV_N_HIT], 2);
  assert_int_equal(a->hits, 2);
  bv_window *d = shared(&source, bars.ts[500], 100, BV_COLBIT(BV_COL_OPEN)); /* a column more */
  assert_ptr_equal(a, d);
  check_shared(d, &bars, bars.ts[500], 100);
  for (int k = 0; k < 4; k++) bv_window_unref(a);
}

static void ends_are_known(void **state) {
  (void)state;
  bv_window *w = shared(&source, bars.ts[0], 10, CLOSE); /* nothing lies before */
  assert_true(w->bof);
  check_shared(w, &bars, bars.ts[0], 10);
  bv_window_unref(w);
  w = shared(&source, INT64_MAX, 10, CLOSE);
  assert_true(w->eof);
  check_shared(w, &bars, INT64_MAX, 10);
  bv_window_unref(w);
  memset(store->counter, 0, sizeof store->counter);
  for (int k = 0; k < 3; k++) {
    w = shared(&source, INT64_MAX - k, 10, CLOSE);
    check_shared(w, &bars, INT64_MAX, 10);
    bv_window_unref(w);
  }
  assert_int_equal(store->counter[BV_N_HIT], 3);
  assert_int_equal(reads(), 0);
}

/* Before 1970 times are negative; the distance to "no end" must not overflow. */
static void open_end_after_old_bars(void **state) {
  (void)state;
  bv_window *w = shared(&odd_source, odd.ts[5], 0, CLOSE);
  assert_true(bv_ring_ts(&w->ring, w->ring.next - 1) < 0);
  assert_false(w->eof);
  bv_window_unref(w);
  w = shared(&odd_source, INT64_MAX, 3, CLOSE);
  check_shared(w, &odd, INT64_MAX, 3);
  bv_window_unref(w);
}

static void series_without_bars(void **state) {
  (void)state;
  bv_err err = {0};
  bv_series empty;
  bv_timestep day = {1, BV_DAY, BV_OF_TRADES};
  ok(bv_series_make(store, "EMPTY", day, NULL, &empty, &err), &err);
  bv_source src = bv_source_stored(&empty);
  for (int k = 0; k < 2; k++) {
    bv_window *w = shared(&src, k ? INT64_MAX : 0, 5, CLOSE);
    assert_int_equal(w->ring.first, w->ring.next);
    assert_true(w->bof && w->eof);
    ok(bv_window_need(w, BV_COLBIT(BV_COL_OPEN), &err), &err);
    bv_window_unref(w);
  }
  int64_t n = 7;
  bv_window *w;
  ok(bv_window_private(store, &src, 10, CLOSE, &w, &err), &err);
  ok(bv_window_forward(w, INT64_MIN, INT64_MAX, &n, &err), &err);
  assert_int_equal(n, 0);
  ok(bv_window_backward(w, INT64_MIN, INT64_MAX, 0, &n, &err), &err);
  assert_int_equal(n, 0);
  bv_window_unref(w);
}

/* ---- pins ---- */

static void pinned_bars_stay(void **state) {
  (void)state;
  uint64_t r = 9;
  store->history = 40;
  store->future = 15;
  for (int round = 0; round < 60; round++) {
    int64_t at = 100 + pick(&r, 3000);
    bv_window *w = shared(&source, bars.ts[at] + 1, 30, CLOSE);
    bv_bars held;
    int64_t first = w->ring.first, next = w->ring.next;
    w->pins++;
    assert_int_equal(bv_ring_view(&w->ring, first, next, &held), BV_OK);
    for (int k = 0; k < 80; k++) { /* others move on */
      at += pick(&r, 4);
      bv_window *o = shared(&source, bars.ts[at] + 1, pick(&r, 41), CLOSE);
      bv_window_unref(o);
    }
    assert_true(w->ring.first <= first);
    int64_t base = model_find(&bars, held.ts[0]);
    for (int64_t i = 0; i < held.n; i++) { /* the view taken then still shows them */
      assert_int_equal(held.ts[i], bars.ts[base + i]);
      assert_true(same(held.col[BV_COL_CLOSE][i], bars.col[BV_COL_CLOSE][base + i]));
    }
    check_bars(w, &bars);
    w->pins--;
    bv_window_unref(w);
  }
}

/* ---- generations ---- */

static void writes_are_seen(void **state) {
  (void)state;
  bv_err err = {0};
  double v[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) v[c] = 5;
  bv_window *old = shared(&source, INT64_MAX, 3, CLOSE);
  int64_t last = bars.ts[bars.n - 1];
  ok(bv_raw_put(store, &bars.series, last + 600, v, BV_CONFLICT_ERROR, NULL, &err), &err);
  bv_store_changed(store);
  bv_window *w = shared(&source, INT64_MAX, 3, CLOSE);
  assert_ptr_not_equal(w, old);
  assert_int_equal(bv_ring_ts(&w->ring, w->ring.next - 1), last + 600);
  assert_int_equal(bv_ring_ts(&old->ring, old->ring.next - 1), last); /* as it was */
  bv_window_unref(old);
  bv_window_unref(w);
  ok(bv_raw_delete(store, &bars.series, last + 600, &err), &err);
  bv_store_changed(store);
  w = shared(&source, INT64_MAX, 3, CLOSE);
  check_shared(w, &bars, INT64_MAX, 3);
  bv_window_unref(w);
}

static void stale_windows_can_be_dropped(void **state) {
  (void)state;
  bv_window *a = shared(&source, bars.ts[100], 3, CLOSE);
  bv_store_changed(store);
  bv_window *b = shared(&odd_source, odd.ts[100], 3, CLOSE);
  assert_true(a->listed && b->listed);
  bv_window_drop_stale(store);
  assert_false(a->listed);
  assert_true(b->listed);
  assert_ptr_equal(store->window, b);
  check_bars(a, &bars); /* the reference still holds it */
  bv_window_unref(a);
  bv_window_unref(b);
  bv_window_drop_all(store);
  assert_null(store->window);
}

/* ---- memory ---- */

static int listed(void) {
  int n = 0;
  for (const bv_window *w = store->window; w; w = w->next) n++;
  return n;
}

static int64_t blocks_held(void) {
  int64_t n = 0;
  size_t at = 0;
  for (bv_block_info b; bv_blocks_next(store, &at, &b);) n += b.blocks;
  return n;
}

static int64_t columns_held(const bv_window *w) {
  int64_t n = 0;
  bv_derived_info d;
  for (const struct bv_derived *p = NULL; (p = bv_derived_next(w, p, &d));) n++;
  return n;
}

/* One byte too many: exactly one thing goes. */
static void evict_one(void) {
  int64_t before = store->counter[BV_N_EVICT];
  bv_mem_set_limit(bv_mem_total() - 1);
  bv_evict(store);
  assert_int_equal(store->counter[BV_N_EVICT], before + 1);
}

static double sma_at_end(bv_window *w) {
  bv_spec spec;
  bv_err err = {0};
  double v;
  ok(bv_spec_parse("sma:3", &spec, &err), &err);
  ok(bv_derived_at(w, &spec, w->ring.next - 1, &v, &err), &err);
  return v;
}

static void made_things_go_before_windows(void **state) {
  (void)state;
  bv_blocks_drop_all(store);
  bv_window *c = shared(&hourly, bars.ts[1000], 3, CLOSE); /* blocks, and a window of them */
  bv_window *a = shared(&source, bars.ts[100], 3, CLOSE);
  double v = sma_at_end(a);
  bv_window *b = shared(&odd_source, odd.ts[100], 3, CLOSE);
  bv_window_unref(a);
  bv_window_unref(b);
  bv_window_unref(shared(&source, bars.ts[100], 3, CLOSE)); /* a is used again: b is the oldest */
  while (bv_seg_cache_drop_oldest(store, false)) continue;
  assert_int_equal(listed(), 3);
  int64_t blocks = blocks_held();
  assert_true(blocks > 0);
  c->pins++; /* read by a cursor */
  bv_window_unref(c);
  for (; blocks > 0; blocks--) {
    evict_one();
    assert_int_equal(blocks_held(), blocks - 1);
    assert_int_equal(columns_held(a), 1);
  }
  evict_one(); /* c is pinned, so the indicator column is next */
  assert_int_equal(columns_held(a), 0);
  assert_int_equal(listed(), 3);
  c->pins--;
  evict_one(); /* the aggregate goes before stored bars, though it was used after b */
  assert_int_equal(listed(), 2);
  evict_one();
  assert_ptr_equal(store->window, a);
  assert_null(a->next);
  a->pins++;
  bv_mem_set_limit(0);
  bv_evict(store); /* pinned: stays over the limit */
  assert_int_equal(listed(), 1);
  bv_mem_set_limit(INT64_C(1) << 30);
  assert_true(sma_at_end(a) == v); /* computed again, the same */
  a->pins--;
  bv_mem_set_limit(0);
  bv_evict(store);
  assert_int_equal(listed(), 0);
}

/* The order of use is the order of leaving, whatever was touched when. */
static void least_recently_used_go_first(void **state) {
  (void)state;
  static const char *const step[] = {"2 minutes", "3 minutes", "4 minutes", "5 minutes",
                                     "6 minutes"};
  static const int touch[] = {0, 1, 2}, order[] = {3, 4, 0, 1, 2};
  bv_source src[COUNT(step)];
  bv_err err = {0};
  for (size_t i = 0; i < COUNT(step); i++) {
    ok(bv_source_aggregate(store, "MIN", step[i], NULL, NULL, NULL, NULL, &src[i], &err), &err);
    bv_window_unref(shared(&src[i], bars.ts[1000], 3, CLOSE));
  }
  for (size_t i = 0; i < COUNT(touch); i++) {
    bv_window_unref(shared(&src[touch[i]], bars.ts[1000], 3, CLOSE));
  }
  bv_blocks_drop_all(store);
  while (bv_seg_cache_drop_oldest(store, false)) continue;
  for (size_t i = 0; i < COUNT(order); i++) {
    const bv_window *last = store->window;
    while (last->next) last = last->next;
    assert_true(bv_source_eq(&last->src, &src[order[i]]));
    evict_one();
  }
  assert_null(store->window);
}

/* ---- trims ---- */

/* A long walk holds the history, the bars ahead and `trim` more, and drops only what lies before. */
static void long_walks_trim(void **state) {
  (void)state;
  store->history = 200;
  store->future = 50;
  store->trim = 100;
  const bv_window *only = NULL;
  for (int64_t i = 300; i < 3900; i++) {
    bv_window *w = shared(&odd_source, odd.ts[i % odd.n], 0, CLOSE); /* another series between */
    bv_window_unref(w);
    w = shared(&source, bars.ts[i] + 1, 60, CLOSE);
    check_shared(w, &bars, bars.ts[i] + 1, 60);
    int64_t held = w->ring.next - w->ring.first;
    assert_true(held <= 200 + 50 + 100 + 1);
    assert_true(w->ring.cap <= 200 + 50 + 100 + 1);
    if (only == w && i > 3000) {
      int64_t at = bv_ring_lower_bound(&w->ring, bars.ts[i] + 1) - 1;
      assert_true(at - w->ring.first >= 200); /* the history is there */
    }
    only = w;
    bv_window_unref(w);
  }
  assert_true(store->counter[BV_N_TRIM] > 10);
  assert_true(store->counter[BV_N_TRIM] < 60); /* about each 100 bars, not at each step */
  store->trim = 1000;
}

/* Indicator values stay what they are while the ring grows and is trimmed under them. */
static void growth_keeps_indicators(void **state) {
  (void)state;
  store->history = 300;
  store->future = 64;
  store->trim = 64;
  bv_spec spec;
  bv_err err = {0};
  ok(bv_spec_parse("ema:9", &spec, &err), &err);
  double *want = malloc((size_t)bars.n * sizeof *want), e = 0, sum = 0;
  for (int64_t i = 0; i < bars.n; i++) {
    double x = bars.col[BV_COL_CLOSE][i];
    if (i < 9) sum += x;
    e = i < 8 ? NAN : i == 8 ? sum / 9 : e + (x - e) * (2.0 / 10);
    want[i] = e;
  }
  for (int64_t i = 20; i < 3000; i += 1 + i % 3) {
    bv_window *w = shared(&source, bars.ts[i] + 1, 5, CLOSE);
    int64_t at = bv_ring_lower_bound(&w->ring, bars.ts[i] + 1) - 1;
    double v;
    ok(bv_derived_at(w, &spec, at, &v, &err), &err);
    if (fabs(v - want[i]) > 1e-9 * fabs(want[i])) fail_msg("bar %lld", (long long)i);
    ok(bv_derived_at(w, &spec, at - 5, &v, &err), &err);
    if (fabs(v - want[i - 5]) > 1e-9 * fabs(v)) fail_msg("5 before bar %lld", (long long)i);
    bv_window_unref(w);
  }
  assert_true(store->counter[BV_N_LOAD] < 20);
  free(want);
  store->trim = 1000;
}

/* ---- writes ---- */

/* A bar after the last one leaves the window; one among its bars replaces it; other series stay. */
static void a_write_drops_what_it_changes(void **state) {
  (void)state;
  char sql[200];
  bv_err err = {0};
  int64_t last = bars.ts[bars.n - 1];
  ok(bv_store_sync(store, &err),
     &err); /* the bars of the setup were not written through the table */
  bv_window *mine = shared(&source, INT64_MAX, 3, CLOSE);
  bv_window *other = shared(&odd_source, INT64_MAX, 3, CLOSE);
  bv_window_unref(mine);
  bv_window_unref(other);
  snprintf(sql, sizeof sql,
           "INSERT INTO bars(asset, timestep, ts, open, high, low, close) "
           "VALUES ('MIN', 'minute', %lld, 7, 7, 7, 7)",
           (long long)last + 60);
  sql_ok(db, sql);
  bv_window *w = shared(&source, INT64_MAX, 3, CLOSE);
  assert_ptr_equal(w, mine);
  assert_int_equal(bv_ring_ts(&w->ring, w->ring.next - 1), last + 60);
  bv_window_unref(w);
  assert_int_equal(store->counter[BV_N_DROP], 0);
  snprintf(sql, sizeof sql,
           "DELETE FROM bars WHERE asset = 'MIN' AND timestep = 'minute' AND ts = %lld",
           (long long)last + 60);
  sql_ok(db, sql);
  assert_int_equal(store->counter[BV_N_DROP], 1);
  w = shared(&source, INT64_MAX, 3, CLOSE);
  check_shared(w, &bars, INT64_MAX, 3);
  bv_window_unref(w);
  w = shared(&odd_source, INT64_MAX, 3, CLOSE);
  assert_ptr_equal(w, other);
  bv_window_unref(w);
}

/* With no memory allowed every window is dropped as soon as it is let go; what is read stays right. */
static void results_do_not_depend_on_the_limit(void **state) {
  (void)state;
  uint64_t r = 21;
  bv_mem_set_limit(0);
  for (int round = 0; round < 200; round++) {
    const model *m = round % 2 ? &odd : &bars;
    int64_t hi = model_instant(m, &r), back = pick(&r, 300);
    bv_window *w = shared(round % 2 ? &odd_source : &source, hi, back, CLOSE);
    check_shared(w, m, hi, back);
    bv_window_unref(w);
    assert_true(listed() <= 1);
  }
  assert_true(store->counter[BV_N_EVICT] > 100);
}

static void failed_load_leaves_nothing(void **state) {
  (void)state;
  bv_err err = {0};
  bv_window_unref(shared(&source, bars.ts[100], 3, CLOSE)); /* statements are prepared */
  fresh(NULL);
  int64_t before = mem_used();
  for (int n = 0;; n++) {
    bv_window *w;
    bv_err_clear(&err);
    bv_alloc_fail_after(n, 0);
    bv_rc rc = bv_window_shared(store, &source, bars.ts[100], 3, CLOSE, &w, &err);
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    if (!failed) {
      ok(rc, &err);
      check_shared(w, &bars, bars.ts[100], 3);
      bv_window_unref(w);
      assert_true(n > 2);
      return;
    }
    assert_int_equal(rc, BV_NOMEM);
    assert_null(w);
    assert_int_equal(listed(), 0);
    assert_int_equal(mem_used(), before);
  }
}

/* ---- private windows ---- */

static void forward_in_pieces(void **state) {
  (void)state;
  static const int64_t piece[] = {1, 2, 7, 256, 3000, 4096};
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(piece); k++) {
    bv_window *w;
    ok(bv_window_private(store, &source, piece[k], CLOSE, &w, &err), &err);
    assert_false(w->listed);
    int64_t lo = 700, hi = 3600, at = lo, n;
    int64_t from = bars.ts[lo], end = bars.ts[hi];
    do {
      ok(bv_window_forward(w, from, end, &n, &err), &err);
      assert_true(n <= piece[k]);
      at += n;
      check_bars(w, &bars);
      if (n == 0) break;
      assert_int_equal(bv_ring_ts(&w->ring, w->ring.next - 1), bars.ts[at - 1]);
      int64_t kept = w->ring.next - w->ring.first; /* the piece before stays in reach */
      assert_true(kept >= (at - lo < 2 * piece[k] ? at - lo : 2 * piece[k]));
      from = bars.ts[at - 1] + 1;
    } while (true);
    assert_int_equal(at, hi);
    bv_window_unref(w);
  }
}

static void backward_in_pieces(void **state) {
  (void)state;
  static const int64_t piece[] = {1, 5, 300, 4096};
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(piece); k++) {
    bv_window *w;
    ok(bv_window_private(store, &source, piece[k], CLOSE, &w, &err), &err);
    int64_t lo = 100, at = 1900, n;
    while (at > lo) {
      ok(bv_window_backward(w, bars.ts[lo], bars.ts[at - 1] + 1, -5, &n, &err), &err);
      assert_int_equal(n, at - lo < piece[k] ? at - lo : piece[k]);
      assert_int_equal(w->ring.next, -4);
      assert_int_equal(bv_ring_ts(&w->ring, -5), bars.ts[at - 1]);
      check_bars(w, &bars);
      at -= n;
    }
    ok(bv_window_backward(w, bars.ts[lo], bars.ts[lo], 0, &n, &err), &err);
    assert_int_equal(n, 0);
    bv_window_unref(w);
  }
}

static void columns_come_when_needed(void **state) {
  (void)state;
  bv_err err = {0};
  int64_t n;
  bv_window *w;
  ok(bv_window_private(store, &source, 100, 0, &w, &err), &err);
  ok(bv_window_forward(w, bars.ts[50], INT64_MAX, &n, &err), &err);
  assert_int_equal(w->ring.mask, 0);
  for (int c = 0; c < BV_NCOL; c++) {
    ok(bv_window_need(w, BV_COLBIT(c), &err), &err);
    if (c < STORED_COLUMNS) assert_non_null(w->ring.col[c]);
    if (c >= STORED_COLUMNS) assert_null(w->ring.col[c]); /* count, filled: of aggregates only */
    check_bars(w, &bars);
  }
  int64_t before = reads();
  ok(bv_window_need(w, (1u << BV_NCOL) - 1, &err), &err);
  assert_int_equal(reads(), before);
  ok(bv_window_forward(w, bars.ts[150], INT64_MAX, &n, &err), &err);
  check_bars(w, &bars);
  bv_window_unref(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(shared_windows_hold_what_is_asked, fresh),
      cmocka_unit_test_setup(stepping_extends_one_window, fresh),
      cmocka_unit_test_setup(the_same_again_is_a_hit, fresh),
      cmocka_unit_test_setup(ends_are_known, fresh),
      cmocka_unit_test_setup(open_end_after_old_bars, fresh),
      cmocka_unit_test_setup(series_without_bars, fresh),
      cmocka_unit_test_setup(pinned_bars_stay, fresh),
      cmocka_unit_test_setup(writes_are_seen, fresh),
      cmocka_unit_test_setup(stale_windows_can_be_dropped, fresh),
      cmocka_unit_test_setup(made_things_go_before_windows, fresh),
      cmocka_unit_test_setup(least_recently_used_go_first, fresh),
      cmocka_unit_test_setup(long_walks_trim, fresh),
      cmocka_unit_test_setup(growth_keeps_indicators, fresh),
      cmocka_unit_test_setup(a_write_drops_what_it_changes, fresh),
      cmocka_unit_test_setup(results_do_not_depend_on_the_limit, fresh),
      cmocka_unit_test_setup(failed_load_leaves_nothing, fresh),
      cmocka_unit_test_setup(forward_in_pieces, fresh),
      cmocka_unit_test_setup(backward_in_pieces, fresh),
      cmocka_unit_test_setup(columns_come_when_needed, fresh),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
