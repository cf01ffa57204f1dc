/*
** test_window.c - windows of bars: what a shared one holds whatever was asked before, when it is used
** again, extended, replaced or evicted; private ones in both directions.
*/
#include "data_help.h"

#include "data/derived.h"
#include "data/window.h"

#define CLOSE BV_COLBIT(BV_COL_CLOSE)

static sqlite3 *db;
static bv_store *store;
static model bars, odd;
static bv_source source, odd_source, hourly;

static int setup(void **state) {
  (void)state;
  bv_err err = {0};
  db = db_open(":memory:");
  store = db_store(db);
  bars = model_new("minute", 1709251200, 4000, 6, false, 1);
  odd = model_new("minute", -200000, 700, 3, true, 2);
  model_store(store, &bars, "MIN", "minute", NULL);
  model_store(store, &odd, "ODD", "minute", NULL);
  source = bv_source_stored(&bars.series);
  odd_source = bv_source_stored(&odd.series);
  ok(bv_source_aggregate(store, "MIN", "hour", NULL, NULL, NULL, &hourly, &err), &err);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  db_close(db);
  model_free(&bars);
  model_free(&odd);
  return 0;
}

/* Each test begins without windows, with counters at 0. */
static int fresh(void **state) {
  (void)state;
  bv_window_drop_all(store);
  store->history = 5000;
  store->future = 1000;
  store->memory_limit = INT64_C(1) << 30;
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
  for (size_t k = 0; k < COUNT(size); k++) {
    fresh(NULL);
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
  bv_timestep day = {1, BV_DAY};
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

static void least_recently_used_go_first(void **state) {
  (void)state;
  bv_window *a = shared(&source, bars.ts[100], 3, CLOSE);
  bv_window *b = shared(&odd_source, odd.ts[100], 3, CLOSE);
  bv_window *c = shared(&hourly, bars.ts[1000], 3, CLOSE);
  bv_window_unref(shared(&source, bars.ts[100], 3, CLOSE)); /* a is used again: b is the oldest */
  assert_int_equal(listed(), 3);
  bv_window_unref(a);
  bv_window_unref(b);
  store->memory_limit = bv_mem_total() - 1;
  bv_window_evict(store); /* c is referenced, so b goes */
  assert_int_equal(listed(), 2);
  assert_ptr_equal(store->window, a);
  assert_ptr_equal(a->next, c);
  assert_int_equal(store->counter[BV_N_EVICT], 1);
  store->memory_limit = 0;
  bv_window_evict(store);
  assert_int_equal(listed(), 1);
  assert_ptr_equal(store->window, c);
  c->pins++;
  bv_window_unref(c);
  bv_window_evict(store); /* pinned: stays over the limit */
  assert_int_equal(listed(), 1);
  c->pins--;
  bv_window_evict(store);
  assert_int_equal(listed(), 0);
}

/* With no memory allowed every window is dropped as soon as it is let go; what is read stays right. */
static void results_do_not_depend_on_the_limit(void **state) {
  (void)state;
  uint64_t r = 21;
  store->memory_limit = 0;
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
      cmocka_unit_test_setup(least_recently_used_go_first, fresh),
      cmocka_unit_test_setup(results_do_not_depend_on_the_limit, fresh),
      cmocka_unit_test_setup(failed_load_leaves_nothing, fresh),
      cmocka_unit_test_setup(forward_in_pieces, fresh),
      cmocka_unit_test_setup(backward_in_pieces, fresh),
      cmocka_unit_test_setup(columns_come_when_needed, fresh),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
