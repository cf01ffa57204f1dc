/*
** test_view.c - streams over bars against plain arrays: both directions, any range, any clock, any
** window settings, several at once; the newest bar at an instant; values some bars back.
*/
#include "store_fixture.h"

#include "col/resample.h"
#include "data/view.h"

/* A source and every bar it can give, however it is asked. */
typedef struct series {
  bv_source src;
  int64_t n;
  const int64_t *ts;
  const double *col[BV_NCOL];
} series;

enum { NSERIES = 8, NBUCKETS = 5 };

static model minute, odd, daily;
static bv_chunk bucket[NBUCKETS];
static series all[NSERIES];

static series of_model(const model *m) {
  series s = {.src = bv_source_stored(&m->series), .n = m->n, .ts = m->ts};
  for (int c = 0; c < STORED_COLUMNS; c++) s.col[c] = m->col[c];
  return s;
}

/* Buckets of the base bars that had ended by the source's cut. */
static series of_aggregate(const model *m, const bv_source *src, bv_chunk *keep) {
  bv_resample r;
  bv_bars b = {.n = m->n, .ts = m->ts};
  for (int c = 0; c < BV_COL_BID; c++) b.col[c] = m->col[c];
  while (b.n > 0 && src->cut != BV_NO_CLOCK &&
         bv_timestep_end(m->series.step, m->series.zone, m->ts[b.n - 1]) > src->cut) {
    b.n--;
  }
  bv_chunk_init(keep, BV_MEM_BASE, BV_RESAMPLE_OUT);
  bv_resample_init(&r, src->step, src->zone, src->session_lo, src->session_hi);
  bv_resample_base(&r, m->series.step, m->series.zone);
  bv_resample_base(&r, m->series.step, m->series.zone);
  assert_int_equal(bv_resample_feed(&r, &b, keep), BV_OK);
  assert_int_equal(bv_resample_flush(&r, keep), BV_OK);
  series s = {.src = *src, .n = keep->n, .ts = keep->ts};
  for (int c = 0; c < BV_NCOL; c++) s.col[c] = keep->col[c];
  return s;
}

static bv_source aggregate(const char *asset, const char *step, const char *session) {
  bv_source src;
  bv_err err = {0};
  ok(bv_source_aggregate(store, asset, step, NULL, session, NULL, NULL, &src, &err), &err);
  return src;
}

static int setup(void **state) {
  setup_store(state);
  minute = model_new("minute", 1709251200, 2500, 4, false, 1);
  odd = model_new("minute", -100000, 600, 3, true, 2);
  daily = model_new("day", 946684800, 400, 3, false, 3);
  model_store(store, &minute, "MIN", "minute", "America/New_York");
  model_store(store, &odd, "ODD", "minute", NULL);
  model_store(store, &daily, "DAY", "day", "Australia/Lord_Howe");
  bv_source hour = aggregate("MIN", "hour", NULL), day = aggregate("MIN", "day", "09:30-16:00");
  bv_source part = aggregate("MIN", "week", NULL);
  part.cut = minute.ts[1700] + 75;
  all[0] = of_model(&minute);
  all[1] = of_model(&odd);
  all[2] = of_model(&daily);
  all[3] = of_aggregate(&minute, &hour, &bucket[0]);
  all[4] = of_aggregate(&minute, &day, &bucket[1]);
  all[5] = of_aggregate(&minute, &part, &bucket[2]);
  bv_source seven = aggregate("ODD", "7 minutes", NULL),
            three = aggregate("ODD", "3 minutes", NULL);
  three.cut = odd.ts[400] + 61;
  all[6] =
      of_aggregate(&odd, &seven, &bucket[3]); /* bars there reach past the end of their bucket */
  all[7] = of_aggregate(&odd, &three, &bucket[4]);
  return 0;
}

static int teardown(void **state) {
  for (int i = 0; i < NBUCKETS; i++) bv_chunk_reset(&bucket[i]);
  model_free(&minute);
  model_free(&odd);
  model_free(&daily);
  return teardown_store(state);
}

static void set_sizes(int64_t history, int64_t future, int64_t limit) {
  bv_window_drop_all(store);
  store->history = history;
  store->future = future;
  bv_mem_set_limit(limit);
}

static int defaults(void **state) {
  (void)state;
  set_sizes(5000, 1000, INT64_C(1) << 30);
  store->clock = BV_NO_CLOCK;
  return 0;
}

/* ---- one stream and what it must deliver ---- */

static int64_t known_at(const series *s, int64_t i) {
  return s->src.agg ? (int64_t)s->col[BV_COL_KNOWN][i] : bv_source_known_at(&s->src, s->ts[i]);
}

static bool visible(const series *s, int64_t i, int64_t clock) {
  if (s->src.cut != BV_NO_CLOCK) return s->ts[i] < s->src.cut;
  return clock == BV_NO_CLOCK || known_at(s, i) <= clock;
}

typedef struct walk {
  const series *s;
  bv_stream st;
  int64_t a, b; /* bars expected: [a, b) */
  int64_t at;   /* the one the stream stands on */
} walk;

static void check_at(walk *w, uint64_t *r) {
  bv_err err = {0};
  bool end = w->st.desc ? w->at < w->a : w->at >= w->b;
  assert_int_equal(w->st.eof, end);
  if (end) return;
  if (bv_stream_ts(&w->st) != w->s->ts[w->at]) {
    fail_msg("%s: bar at %lld, not %lld", w->s->src.base.asset, (long long)bv_stream_ts(&w->st),
             (long long)w->s->ts[w->at]);
  }
  assert_int_equal(bv_stream_known_at(&w->st), known_at(w->s, w->at));
  for (int k = (int)pick(r, 3); k > 0; k--) {
    int c = (int)pick(r, 4) ? BV_COL_CLOSE : (int)pick(r, BV_NCOL);
    double v = 77;
    ok(bv_stream_value(&w->st, (bv_column)c, &v, &err), &err);
    assert_true(same(v, w->s->col[c] ? w->s->col[c][w->at] : NAN));
  }
}

static void walk_open(walk *w, const series *s, int64_t lo, int64_t hi, bool desc, int64_t piece,
                      unsigned mask, uint64_t *r) {
  bv_err err = {0};
  *w = (walk){.s = s};
  while (w->a < s->n && s->ts[w->a] < lo) w->a++;
  w->b = w->a;
  while (w->b < s->n && s->ts[w->b] < hi && visible(s, w->b, store->clock)) w->b++;
  w->at = desc ? w->b - 1 : w->a;
  ok(bv_stream_open(&w->st, store, &s->src, lo, hi, desc, piece, mask, &err), &err);
  check_at(w, r);
}

static void walk_next(walk *w, uint64_t *r) {
  bv_err err = {0};
  ok(bv_stream_next(&w->st, &err), &err);
  w->at += w->st.desc ? -1 : 1;
  check_at(w, r);
}

static int64_t random_instant(const series *s, uint64_t *r) {
  switch (pick(r, 12)) {
  case 0: return INT64_MIN;
  case 1: return INT64_MAX;
  case 2: return s->ts[0] - pick(r, 100000);
  default: return s->ts[pick(r, s->n)] + pick(r, 3) - 1;
  }
}

static void random_open(walk *w, uint64_t *r) {
  static const int64_t pieces[] = {1, 2, 3, 50, 256, BV_STREAM_PIECE};
  const series *s = &all[pick(r, NSERIES)];
  int64_t lo = random_instant(s, r), hi = random_instant(s, r);
  if (pick(r, 3) == 0 && lo > INT64_MIN && lo < INT64_MAX) {
    hi = lo + pick(r, 400) * bv_timestep_nominal_s(s->src.step); /* ranges that slide on */
  }
  store->clock = pick(r, 2) ? BV_NO_CLOCK : s->ts[pick(r, s->n)] + pick(r, 200);
  walk_open(w, s, lo, hi, pick(r, 2), pieces[pick(r, COUNT(pieces))],
            (unsigned)pick(r, 1 << BV_NCOL), r);
}

/* ---- tests ---- */

static const struct {
  int64_t history, future, limit;
} sizes[] = {{5000, 1000, INT64_C(1) << 30},
             {1, 1, INT64_C(1) << 30},
             {10, 3, INT64_C(1) << 30},
             {200, 50, INT64_C(1) << 30},
             {64, 200, 0},
             {5000, 1000, 0}};

static void streams_deliver_what_there_is(void **state) {
  (void)state;
  uint64_t r = 3;
  for (size_t k = 0; k < COUNT(sizes); k++) {
    set_sizes(sizes[k].history, sizes[k].future, sizes[k].limit);
    for (int round = 0; round < 250; round++) {
      walk w;
      random_open(&w, &r);
      int64_t stop = pick(&r, 4) ? INT64_MAX : pick(&r, 20);
      while (!w.st.eof && stop-- > 0) walk_next(&w, &r);
      bv_stream_close(&w.st);
      bv_stream_close(&w.st); /* twice is fine */
    }
  }
}

/* Several at once over the same few windows, while these are dropped, evicted and outdated. */
static void streams_do_not_disturb_each_other(void **state) {
  (void)state;
  enum { N = 5 };
  uint64_t r = 17;
  for (size_t k = 0; k < COUNT(sizes); k++) {
    walk w[N];
    set_sizes(sizes[k].history, sizes[k].future, sizes[k].limit);
    for (int i = 0; i < N; i++) random_open(&w[i], &r);
    for (int round = 0; round < 12000; round++) {
      int i = (int)pick(&r, N);
      for (int steps = (int)pick(&r, 20); steps > 0 && !w[i].st.eof; steps--) walk_next(&w[i], &r);
      if (w[i].st.eof || pick(&r, 300) == 0) {
        bv_stream_close(&w[i].st);
        random_open(&w[i], &r);
      }
      if (pick(&r, 200) == 0) bv_window_drop_all(store);
      if (pick(&r, 200) == 0) bv_store_changed(store);
      if (pick(&r, 200) == 0) bv_window_drop_stale(store);
    }
    for (int i = 0; i < N; i++) bv_stream_close(&w[i].st);
  }
}

static void nothing_past_the_clock(void **state) {
  (void)state;
  uint64_t r = 1;
  for (int k = 0; k < NSERIES; k++) {
    const series *s = &all[k];
    if (s->src.cut != BV_NO_CLOCK) continue;
    for (int i = 0; i < 60; i++) {
      int64_t bar = pick(&r, s->n), end = known_at(s, bar);
      for (int64_t clock = end - 1; clock <= end; clock++) {
        walk w;
        store->clock = clock;
        walk_open(&w, s, s->ts[bar], s->ts[bar] + 1, i % 2, 100, 0, &r);
        assert_int_equal(w.st.eof, clock < end); /* not a second too early or too late */
        bv_stream_close(&w.st);
      }
    }
  }
}

static void asof_is_the_newest_that_ended(void **state) {
  (void)state;
  uint64_t r = 23;
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(sizes); k++) {
    set_sizes(sizes[k].history, sizes[k].future, sizes[k].limit);
    for (int round = 0; round < 400; round++) {
      const series *s = &all[pick(&r, NSERIES)];
      int64_t hi = random_instant(s, &r), want = -1, i;
      if (hi == INT64_MIN) hi = s->ts[0];
      store->clock = pick(&r, 2) ? BV_NO_CLOCK : s->ts[pick(&r, s->n)] + pick(&r, 200);
      while (want + 1 < s->n && s->ts[want + 1] < hi && visible(s, want + 1, store->clock)) want++;
      bv_window *w;
      ok(bv_view_asof(store, &s->src, hi, BV_COLBIT(BV_COL_CLOSE), &w, &i, &err), &err);
      if (want < 0) {
        assert_null(w);
        continue;
      }
      assert_non_null(w);
      assert_int_equal(bv_ring_ts(&w->ring, i), s->ts[want]);
      double v = w->ring.col[BV_COL_CLOSE][bv_ring_slot(&w->ring, i)];
      assert_true(same(v, s->col[BV_COL_CLOSE][want]));
      bv_window_unref(w);
    }
  }
}

/* A place kept from a stream gives the same values later, however far its window has moved on. */
static void values_some_bars_back(void **state) {
  (void)state;
  enum { KEPT = 16 };
  static const char *const specs[] = {"close", "vwap", "hl2", "volume"};
  uint64_t r = 31;
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(sizes); k++) {
    struct {
      bv_window *w;
      int64_t i, ts, at;
      const series *s;
    } kept[KEPT] = {0};
    set_sizes(sizes[k].history, sizes[k].future, sizes[k].limit);
    for (int round = 0; round < 150; round++) {
      walk w;
      random_open(&w, &r);
      for (int step = 0; step < 40 && !w.st.eof; step++) {
        int n = (int)pick(&r, KEPT);
        bv_window_unref(kept[n].w);
        kept[n].w = bv_window_ref(w.st.w);
        kept[n].i = w.st.i;
        kept[n].ts = bv_stream_ts(&w.st);
        kept[n].at = w.at;
        kept[n].s = w.s;
        walk_next(&w, &r);
      }
      bv_stream_close(&w.st);
      for (int n = 0; n < KEPT; n++) {
        if (!kept[n].w) continue;
        bv_spec spec;
        int64_t back = pick(&r, 3) ? pick(&r, 12) : pick(&r, 700);
        const char *text = specs[pick(&r, COUNT(specs))];
        double v = 77, want = NAN;
        ok(bv_spec_parse(text, &spec, &err), &err);
        ok(bv_view_value(kept[n].w, kept[n].i, kept[n].ts, &spec, back, &v, &err), &err);
        int64_t j = kept[n].at - back;
        const double *const *col = kept[n].s->col;
        if (j >= 0 && text[0] == 'h') want = (col[BV_COL_HIGH][j] + col[BV_COL_LOW][j]) / 2;
        if (j >= 0 && text[0] != 'h') want = col[bv_column_find(text)][j];
        if (!same(v, want)) {
          fail_msg("%s %s, %lld bars back: %.17g, not %.17g", kept[n].s->src.base.asset, text,
                   (long long)back, v, want);
        }
      }
    }
    for (int n = 0; n < KEPT; n++) bv_window_unref(kept[n].w);
  }
}

static int touches;
static int64_t touched_id;

static void on_touch(void *ctx, const bv_series *s) {
  assert_ptr_equal(ctx, &touches);
  touches++;
  touched_id = s->id;
}

static void readers_are_reported(void **state) {
  (void)state;
  bv_err err = {0};
  bv_stream st;
  bv_window *w;
  int64_t i;
  touches = 0;
  store->touched = on_touch;
  store->touched_ctx = &touches;
  ok(bv_stream_open(&st, store, &all[2].src, INT64_MAX, INT64_MAX, false, 10, 0, &err), &err);
  bv_stream_close(&st);
  assert_int_equal(touches, 1); /* also where there is nothing to read */
  assert_int_equal(touched_id, daily.series.id);
  ok(bv_view_asof(store, &all[3].src, INT64_MAX, 0, &w, &i, &err), &err);
  bv_window_unref(w);
  store->touched = NULL;
  assert_int_equal(touches, 2);
  assert_int_equal(touched_id, minute.series.id);
}

/* A plain scan of everything does not put the windows out. */
static void long_scans_leave_windows_alone(void **state) {
  (void)state;
  bv_err err = {0};
  uint64_t r = 1;
  set_sizes(100, 50, INT64_C(1) << 30);
  bv_window *w;
  ok(bv_window_shared(store, &all[0].src, minute.ts[900], 50, 1, &w, &err), &err);
  bv_window_unref(w);
  int64_t loads = store->counter[BV_N_LOAD];
  walk s;
  walk_open(&s, &all[0], INT64_MIN, INT64_MAX, false, 256, 1, &r);
  while (!s.st.eof) walk_next(&s, &r);
  bv_stream_close(&s.st);
  assert_int_equal(store->counter[BV_N_LOAD], loads);
  assert_ptr_equal(store->window, w);
}

/* The newest few bars are read without reading the rest. */
static void newest_bars_are_cheap(void **state) {
  (void)state;
  uint64_t r = 1;
  walk w;
  int64_t before = store->counter[BV_N_READ];
  walk_open(&w, &all[0], INT64_MIN, INT64_MAX, true, BV_STREAM_PIECE, 1, &r);
  for (int i = 0; i < 5; i++) walk_next(&w, &r);
  bv_stream_close(&w.st);
  assert_true(store->counter[BV_N_READ] - before < 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(streams_deliver_what_there_is, defaults),
      cmocka_unit_test_setup(streams_do_not_disturb_each_other, defaults),
      cmocka_unit_test_setup(nothing_past_the_clock, defaults),
      cmocka_unit_test_setup(asof_is_the_newest_that_ended, defaults),
      cmocka_unit_test_setup(values_some_bars_back, defaults),
      cmocka_unit_test_setup(readers_are_reported, defaults),
      cmocka_unit_test_setup(long_scans_leave_windows_alone, defaults),
      cmocka_unit_test_setup(newest_bars_are_cheap, defaults),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
