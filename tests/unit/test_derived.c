/*
** test_derived.c - indicator columns: every indicator, alone and nested, gives the same bits through
** whatever window, range, direction or piece it is asked, and they are the bits of one run of its
** kernel over the whole series with anchors at the first bar of each block of 512 timesteps.
*/
#include "store_fixture.h"

#include "col/resample.h"
#include "data/view.h"

#define BLOCK 512 /* as documented in derived.h */

typedef struct series {
  bv_source src;
  int64_t n;
  const int64_t *ts;
  const double *col[BV_NCOL];
} series;

static model minute, odd;
static bv_chunk bucket;
static series all[3];

static int setup(void **state) {
  setup_store(state);
  bv_err err = {0};
  minute = model_new("minute", 1709251200, 2600, 25, false, 1);
  odd = model_new("minute", -200000, 1300, 3, true, 2); /* times off the minute, around 1970 */
  model_store(store, &minute, "MIN", "minute", "America/New_York");
  model_store(store, &odd, "ODD", "minute", NULL);
  all[0] = (series){.src = bv_source_stored(&minute.series), .n = minute.n, .ts = minute.ts};
  all[1] = (series){.src = bv_source_stored(&odd.series), .n = odd.n, .ts = odd.ts};
  for (int c = 0; c < STORED_COLUMNS; c++) {
    all[0].col[c] = minute.col[c];
    all[1].col[c] = odd.col[c];
  }
  bv_source *src = &all[2].src;
  ok(bv_source_aggregate(store, "MIN", "5 minutes", NULL, NULL, NULL, NULL, src, &err), &err);
  bv_resample r;
  bv_bars b = {.n = minute.n, .ts = minute.ts};
  for (int c = 0; c < BV_COL_BID; c++) b.col[c] = minute.col[c];
  bv_chunk_init(&bucket, BV_MEM_BASE, BV_RESAMPLE_OUT);
  bv_resample_init(&r, src->step, src->zone, 0, 0);
  bv_resample_base(&r, minute.series.step, minute.series.zone);
  ok(bv_resample_feed(&r, &b, &bucket), NULL);
  ok(bv_resample_flush(&r, &bucket), NULL);
  all[2].n = bucket.n;
  all[2].ts = bucket.ts;
  for (int c = 0; c < BV_NCOL; c++) all[2].col[c] = bucket.col[c];
  return 0;
}

static int teardown(void **state) {
  bv_chunk_reset(&bucket);
  model_free(&minute);
  model_free(&odd);
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

/* ---- the reference ---- */

static double price_at(const bv_operand *op, const series *s, int64_t i) {
  const double *const *c = s->col;
  double o = c[BV_COL_OPEN][i], h = c[BV_COL_HIGH][i], l = c[BV_COL_LOW][i], x = c[BV_COL_CLOSE][i];
  switch (op->price) {
  case BV_PRICE_HL2: return (h + l) / 2;
  case BV_PRICE_HLC3: return (h + l + x) / 3;
  case BV_PRICE_OHLC4: return (o + h + l + x) / 4;
  default: return c[op->column] ? c[op->column][i] : NAN;
  }
}

static int64_t block_of(const series *s, int64_t i) {
  return bv_floor_div(s->ts[i], BLOCK * bv_timestep_nominal_s(s->src.step));
}

/* One stage over the whole series: real holds its free input and receives the chosen output; other is
** its second input. */
static void run_stage(const bv_stage *st, const series *s, double *real, const double *other) {
  const bv_indicator *ind = st->ind;
  void *state = malloc(ind->state_size(st->param));
  double *out[BV_IND_MAX_OUTPUT], *day = malloc((size_t)s->n * 8);
  for (int k = 0; k < ind->noutput; k++) out[k] = malloc((size_t)s->n * 8);
  for (int64_t i = 0; i < s->n; i++) {
    day[i] = (double)bv_floor_div(bv_zone_to_local(s->src.zone, s->ts[i]), 86400);
  }
  ind->init(state, st->param);
  for (int64_t i = 0, j; i < s->n; i = j) {
    const double *in[BV_IND_MAX_INPUT];
    double *to[BV_IND_MAX_OUTPUT];
    for (j = i + 1; j < s->n && block_of(s, j) == block_of(s, i); j++) continue;
    if (ind->anchor) ind->anchor(state);
    for (int k = 0; k < ind->ninput; k++) {
      bv_column c = bv_input_column(ind->input[k]);
      const double *from = c != BV_COL_NONE               ? s->col[c]
                           : ind->input[k] == BV_IN_DAY   ? day
                           : ind->input[k] == BV_IN_OTHER ? other
                                                          : real;
      in[k] = from + i;
    }
    for (int k = 0; k < ind->noutput; k++) to[k] = out[k] + i;
    ind->run(ind, state, in, j - i, to);
  }
  memcpy(real, out[st->output], (size_t)s->n * 8);
  for (int k = 0; k < ind->noutput; k++) free(out[k]);
  free(day);
  free(state);
}

static double *operand(const bv_operand *op, const series *s, double *price, const double *other) {
  double *v = price ? price : malloc((size_t)s->n * 8);
  for (int64_t i = 0; !price && i < s->n; i++) v[i] = price_at(op, s, i);
  for (int k = 0; k < op->nstage; k++) run_stage(&op->stage[k], s, v, other);
  return v;
}

static int64_t known_at(const series *s, int64_t i) {
  return s->src.agg ? (int64_t)s->col[BV_COL_KNOWN][i] : bv_source_known_at(&s->src, s->ts[i]);
}

/* Of another series: by looking at every bar of it for every bar. */
static double *aside(const bv_aside_spec *f, const series *s) {
  if (!f->of[0]) return operand(&f->op, s, NULL, NULL);
  const series *from = strcmp(f->of, "ODD") == 0 ? &all[1] : s->src.agg ? &all[2] : &all[0];
  double *theirs = operand(&f->op, from, NULL, NULL), *v = malloc((size_t)s->n * 8);
  int64_t k = -1;
  for (int64_t i = 0; i < s->n; i++) {
    while (k + 1 < from->n && known_at(from, k + 1) <= known_at(s, i)) k++;
    v[i] = k < 0 ? NAN : theirs[k];
  }
  free(theirs);
  return v;
}

static double *reference(const bv_spec *spec, const series *s) {
  double *price = spec->feeds & 1 ? aside(&spec->feed[0], s) : NULL;
  double *other = spec->feeds & 2 ? aside(&spec->feed[1], s) : NULL;
  double *v = operand(&spec->op, s, price, other);
  free(other);
  return v;
}

/* ---- asking in many ways ---- */

typedef struct question {
  const char *text;
  bv_spec spec;
  const series *s;
  double *want;
} question;

static void check(const question *q, int64_t bar, double got, const char *way) {
  if (same(got, q->want[bar])) return;
  fail_msg("%s of %s %s, bar %lld, %s: %.17g, not %.17g", q->text, q->s->src.base.asset,
           q->s->src.base.step_text, (long long)bar, way, got, q->want[bar]);
}

static int64_t bar_at(const series *s, int64_t ts) {
  int64_t lo = 0, hi = s->n;
  while (lo < hi) {
    int64_t mid = (lo + hi) / 2;
    if (s->ts[mid] < ts) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

/* Some bars of a window, in any order. */
static void ask_window(const question *q, bv_window *w, int times, uint64_t *r, const char *way) {
  bv_err err = {0};
  const bv_ring *ring = &w->ring;
  if (ring->first == ring->next) return;
  for (int k = 0; k < times; k++) {
    int64_t i = pick(r, 3) ? ring->next - 1 : ring->first + pick(r, ring->next - ring->first);
    double v = 77;
    ok(bv_derived_at(w, &q->spec, i, &v, &err), &err);
    check(q, bar_at(q->s, bv_ring_ts(ring, i)), v, way);
  }
}

static void ask_shared(const question *q, uint64_t *r) {
  bv_err err = {0};
  int64_t at = pick(r, q->s->n);
  for (int k = 0; k < 25; k++) {
    bv_window *w;
    at = pick(r, 12) ? at + pick(r, 30) : pick(r, q->s->n);
    if (at >= q->s->n) at = pick(r, q->s->n);
    ok(bv_window_shared(store, &q->s->src, q->s->ts[at] + 1, pick(r, store->history + 1), 0, &w,
                        &err),
       &err);
    ask_window(q, w, 4, r, "shared");
    bv_window_unref(w);
  }
}

static void ask_forward(const question *q, int64_t piece, uint64_t *r) {
  bv_err err = {0};
  bv_window *w;
  int64_t n, from = pick(r, 2) ? INT64_MIN : q->s->ts[pick(r, q->s->n)];
  ok(bv_window_private(store, &q->s->src, piece, 0, &w, &err), &err);
  w->bof = from == INT64_MIN;
  for (int k = 0; k < 12; k++) {
    ok(bv_window_forward(w, from, INT64_MAX, &n, &err), &err);
    if (n == 0) break;
    if (pick(r, 3)) ask_window(q, w, 5, r, "forward");
    from = bv_ring_ts(&w->ring, w->ring.next - 1) + 1;
  }
  bv_window_unref(w);
}

static void ask_backward(const question *q, int64_t piece, uint64_t *r) {
  bv_err err = {0};
  bv_window *w;
  int64_t n, lo = pick(r, 2) ? INT64_MIN : q->s->ts[pick(r, q->s->n)];
  int64_t hi = pick(r, 2) ? INT64_MAX : q->s->ts[pick(r, q->s->n)];
  if (hi < lo) return;
  ok(bv_window_private(store, &q->s->src, piece, 0, &w, &err), &err);
  for (int k = 0; k < 6; k++) {
    ok(bv_window_backward(w, lo, hi, 0, &n, &err), &err);
    if (n == 0) break;
    ask_window(q, w, 5, r, "backward");
    hi = bv_ring_ts(&w->ring, w->ring.first);
  }
  bv_window_unref(w);
}

/* As a query does: a stream, and the value some bars back at each row. */
static void ask_stream(const question *q, uint64_t *r) {
  bv_err err = {0};
  bv_stream st;
  int64_t lo = q->s->ts[pick(r, q->s->n)], hi = pick(r, 2) ? INT64_MAX : lo + pick(r, 400) * 60;
  store->clock = pick(r, 2) ? BV_NO_CLOCK : q->s->ts[pick(r, q->s->n)] + 60;
  ok(bv_stream_open(&st, store, &q->s->src, lo, hi, pick(r, 2), 100, 0, &err), &err);
  for (int k = 0; k < 150 && !st.eof; k++) {
    int64_t bar = bar_at(q->s, bv_stream_ts(&st)), back = pick(r, 3) ? 0 : pick(r, 150);
    double v = 77;
    ok(bv_view_value(st.w, st.i, bv_stream_ts(&st), &q->spec, back, &v, &err), &err);
    if (bar >= back) check(q, bar - back, v, "stream");
    if (bar < back) assert_true(isnan(v));
    ok(bv_stream_next(&st, &err), &err);
  }
  bv_stream_close(&st);
}

static void ask_spec(const char *text, const bv_spec *spec, const series *s, uint64_t *r) {
  static const int64_t piece[] = {1, 40, 300, 1500};
  question q = {.text = text, .spec = *spec, .s = s};
  q.want = reference(&q.spec, s);
  set_sizes(1 + pick(r, 200), 1 + pick(r, 100), pick(r, 3) ? INT64_C(1) << 30 : 0);
  ask_shared(&q, r);
  ask_forward(&q, piece[1 + pick(r, 3)], r);
  ask_backward(&q, piece[pick(r, COUNT(piece))], r);
  ask_stream(&q, r);
  ask_stream(&q, r);
  store->clock = BV_NO_CLOCK;
  free(q.want);
}

static void ask_all_ways(const char *text, const series *s, uint64_t *r) {
  bv_spec spec;
  bv_err err = {0};
  ok(bv_spec_parse(text, &spec, &err), &err);
  ask_spec(text, &spec, s, r);
}

/* "name:p1:p2": set 0 defaults, 1 the least, 2 and 3 others in range. */
static void write_spec(const bv_indicator *ind, int output, int set, char *out, size_t cap) {
  int n = snprintf(out, cap, "%s", ind->output[output].name);
  for (int p = 0; p < ind->nparam; p++) {
    const bv_ind_param *q = &ind->param[p];
    double v = q->def;
    if (set == 1 && q->integer) v = q->min;
    if (set > 1 && q->integer) {
      v = fmin(fmax(q->min, set == 2 ? 7 + 3 * p : 130 - 20 * p), q->max);
    }
    if (!(v >= q->min && v <= q->max)) v = q->min;
    n += snprintf(out + n, cap - (size_t)n, ":%.15g", v);
  }
}

static void every_indicator(void **state) {
  (void)state;
  int n;
  uint64_t r = 3;
  const bv_indicator *const *table = bv_indicators(&n);
  assert_true(n > 20);
  for (int i = 0; i < n; i++) {
    if (bv_spec_needs_other(table[i])) continue; /* see two_series */
    for (int o = 0; o < table[i]->noutput; o++) {
      for (int set = 0; set < 4; set++) {
        char text[128];
        write_spec(table[i], o, set, text, sizeof text);
        ask_all_ways(text, &all[(i + o + set) % 3], &r);
      }
    }
  }
}

static void nested(void **state) {
  (void)state;
  static const char *const text[] = {"sma:9@rsi:14",
                                     "stdev:5@sma:7",
                                     "sma:9@rsi:14@high",
                                     "rsi:14@sma:5",
                                     "sma:20@sma:20",
                                     "sma:3@sma:5@sma:7@sma:11",
                                     "ema:9@stdev:12",
                                     "stdev:9@ema:9",
                                     "highest:5@atr:7",
                                     "sma:5@vwap",
                                     "stdev:20@volume",
                                     "ema:10@trades",
                                     "sma:400",
                                     "sma:1000",
                                     "stdev:600@sma:600",
                                     "lowest:700@hl2",
                                     "sma:4@hlc3",
                                     "ema:4@ohlc4",
                                     "sma:6@typical",
                                     "rsi:3@rsi:3@rsi:3@rsi:3",
                                     "close",
                                     "volume",
                                     "hl2",
                                     "ohlc4",
                                     "sma:1@open",
                                     "sma:300@rsi:2@sma:2"};
  uint64_t r = 5;
  for (size_t i = 0; i < COUNT(text); i++) {
    for (int k = 0; k < 3; k++) {
      ask_all_ways(text[i], &all[k], &r);
      ask_all_ways(text[i], &all[k], &r);
    }
  }
}

/* Other series as they stood when a bar ended, and indicators of two. */
static void two_series(void **state) {
  (void)state;
  static const char *const text[] = {
      "close of ODD",        "high of MIN",          "sma:20 of ODD",    "rsi:14 of ODD",
      "ema:9@hl2 of ODD",    "stdev:5@sma:7 of MIN", "stdev:300 of ODD", "atr:14 of MIN",
      "cdlengulfing of MIN", "session_vwap of MIN",  "pivot:week of MIN"};
  static const char *const second[] = {"close of ODD",  "close of MIN", "high",
                                       "sma:20 of MIN", "rsi:7 of MIN", "ema:5@low",
                                       "stdev:20@low",  "atr:3"};
  static const char *const first[] = {NULL, "low", "rsi:5", "stdev:9", "close of MIN"};
  uint64_t r = 11;
  for (size_t i = 0; i < COUNT(text); i++) {
    /* ODD has no bars of 5 minutes beside MIN's: of the bucket series only MIN is asked. */
    for (int k = 0; k < 3; k++) {
      if (k == 2 && !strstr(text[i], "MIN")) continue;
      ask_all_ways(text[i], &all[k], &r);
    }
  }
  for (size_t i = 0; i < COUNT(second); i++) {
    for (size_t j = 0; j < COUNT(first); j++) {
      static const char *const name[] = {"correl", "beta"};
      const int k = (int)(i + j) % 3;
      if (k == 2 && strstr(second[i], "ODD")) continue;
      for (int which = 0; which < 2; which++) {
        bv_spec other, spec = bv_spec_close();
        bv_err err = {0};
        const double param[BV_IND_MAX_PARAM] = {which ? 5 : 20};
        int output;
        const bv_indicator *ind = bv_indicator_find(name[which], &output);
        ok(bv_spec_parse(second[i], &other, &err), &err);
        if (first[j]) ok(bv_spec_parse(first[j], &spec, &err), &err);
        ok(bv_spec_push(&spec, ind, output, param, first[j] != NULL, &other, &err), &err);
        ask_spec(name[which], &spec, &all[k], &r);
      }
    }
  }
}

/* Many columns of one window side by side, while it moves. */
static void columns_of_one_window(void **state) {
  (void)state;
  static const char *const text[] = {"sma:5",       "sma:50", "ema:12",     "rsi:14",
                                     "sma:5@rsi:7", "hl2",    "sma:9@vwap", "atr:14"};
  question q[COUNT(text)];
  bv_err err = {0};
  uint64_t r = 7;
  set_sizes(120, 40, INT64_C(1) << 30);
  for (size_t i = 0; i < COUNT(text); i++) {
    q[i] = (question){.text = text[i], .s = &all[0]};
    ok(bv_spec_parse(text[i], &q[i].spec, &err), &err);
    q[i].want = reference(&q[i].spec, q[i].s);
  }
  for (int64_t at = 10; at < minute.n; at++) {
    bv_window *w;
    ok(bv_window_shared(store, &all[0].src, minute.ts[at] + 1, 1, 0, &w, &err), &err);
    ask_window(&q[pick(&r, COUNT(text))], w, 2, &r, "stepping");
    bv_window_unref(w);
  }
  for (size_t i = 0; i < COUNT(text); i++) free(q[i].want);
}

/* Each value is computed once while a window is stepped through. */
static void values_are_kept(void **state) {
  (void)state;
  bv_err err = {0};
  bv_spec spec;
  ok(bv_spec_parse("sma:20", &spec, &err), &err);
  set_sizes(5000, 1000, INT64_C(1) << 30);
  int64_t before = store->counter[BV_N_DERIVE];
  for (int64_t at = 0; at < minute.n; at++) {
    bv_window *w;
    double v;
    ok(bv_window_shared(store, &all[0].src, minute.ts[at] + 1, 0, 0, &w, &err), &err);
    ok(bv_derived_at(w, &spec, bv_ring_lower_bound(&w->ring, minute.ts[at]), &v, &err), &err);
    bv_window_unref(w);
  }
  int64_t computed = store->counter[BV_N_DERIVE] - before;
  assert_true(computed >= minute.n);
  assert_true(computed <
              minute.n + minute.n / 2); /* holes longer than `future` begin a new window */
}

/* A recursive indicator goes on from a state kept: windows made anew along a series run each bar about
** once in all, and the values are those of one run. */
static void states_are_kept(void **state) {
  (void)state;
  static const char *const text[] = {"ema:30", "rsi:14@sma:5", "macd_signal", "atr:14"};
  bv_err err = {0};
  set_sizes(100, 20, INT64_C(1) << 30);
  for (size_t k = 0; k < COUNT(text); k++) {
    question q = {.text = text[k], .s = &all[0]};
    ok(bv_spec_parse(text[k], &q.spec, &err), &err);
    q.want = reference(&q.spec, q.s);
    int64_t before = store->counter[BV_N_WARM];
    for (int64_t at = 200; at < minute.n; at += 150) {
      bv_window_drop_all(store);
      bv_window *w;
      double v;
      ok(bv_window_shared(store, &all[0].src, minute.ts[at] + 1, 3, 0, &w, &err), &err);
      ok(bv_derived_at(w, &q.spec, bv_ring_lower_bound(&w->ring, minute.ts[at]), &v, &err), &err);
      check(&q, at, v, "with states kept");
      bv_window_unref(w);
    }
    int64_t warm = store->counter[BV_N_WARM] - before;
    assert_true(warm > minute.n / 2 && warm <= minute.n);
    free(q.want);
  }
}

/* A written bar changes every later value, whatever was kept. */
static void states_see_writes(void **state) {
  (void)state;
  static const int64_t at[] = {1200, 700, 1900, 10};
  bv_err err = {0};
  bv_spec spec;
  set_sizes(100, 20, INT64_C(1) << 30);
  ok(bv_spec_parse("ema:30", &spec, &err), &err);
  sql_ok(db, "SAVEPOINT states");
  for (size_t k = 0; k < COUNT(at); k++) {
    double got[2];
    for (int round = 0; round < 2; round++) { /* with what was kept, and with nothing */
      if (round == 0) {
        double v[BV_NCOL];
        for (int c = 0; c < BV_NCOL; c++)
          v[c] = c < STORED_COLUMNS ? minute.col[c][at[k]] + 1 : NAN;
        ok(bv_raw_put(store, &minute.series, minute.ts[at[k]], v, BV_CONFLICT_REPLACE, NULL, &err),
           &err);
      } else {
        bv_store_changed(store);
      }
      bv_window *w;
      ok(bv_window_shared(store, &all[0].src, minute.ts[1990] + 1, 3, 0, &w, &err), &err);
      ok(bv_derived_at(w, &spec, bv_ring_lower_bound(&w->ring, minute.ts[1990]), &got[round], &err),
         &err);
      bv_window_unref(w);
    }
    assert_true(same(got[0], got[1]));
  }
  sql_ok(db, "ROLLBACK TO states");
  sql_ok(db, "RELEASE states");
  bv_store_rolled_back(store);
}

/* Where the series is too short there is no value; then there always is one. */
static void warm_up_is_nan(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t first; /* TA-Lib's lookback: n-1 for sma and highest, n for rsi, n-1 for ema */
  } row[] = {{"sma:20", 19},       {"highest:5", 4}, {"rsi:14", 14}, {"ema:10", 9},
             {"sma:9@rsi:14", 22}, {"sma:1", 0},     {"close", 0}};
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(row); k++) {
    question q = {.text = row[k].text, .s = &all[0]};
    ok(bv_spec_parse(q.text, &q.spec, &err), &err);
    q.want = reference(&q.spec, q.s);
    bv_window *w;
    ok(bv_window_shared(store, &all[0].src, minute.ts[60], 100, 0, &w, &err), &err);
    for (int64_t i = 0; i < 60; i++) {
      double v;
      ok(bv_derived_at(w, &q.spec, w->ring.first + i, &v, &err), &err);
      assert_int_equal(isnan(v), i < row[k].first);
      check(&q, i, v, "warm-up");
    }
    bv_window_unref(w);
    free(q.want);
  }
}

/* A column the source does not have has no values, and nothing computed from it has. */
static void absent_columns_give_nan(void **state) {
  (void)state;
  static const struct {
    int source;
    const char *text;
  } row[] = {{0, "count"},       {0, "filled"},       {2, "bid"},       {2, "open_interest"},
             {0, "sma:3@count"}, {0, "ema:3@filled"}, {2, "sma:3@bid"}, {2, "rsi:3@ask"}};
  bv_err err = {0};
  for (size_t k = 0; k < COUNT(row); k++) {
    const series *s = &all[row[k].source];
    bv_spec spec;
    ok(bv_spec_parse(row[k].text, &spec, &err), &err);
    bv_window *w;
    ok(bv_window_shared(store, &s->src, s->ts[100], 10, 0, &w, &err), &err);
    double v = 77;
    ok(bv_derived_at(w, &spec, w->ring.next - 1, &v, &err), &err);
    assert_true(isnan(v));
    bv_window_unref(w);
  }
}

static void failed_allocation_is_told(void **state) {
  (void)state;
  static const char *const text[] = {"sma:20", "sma:9@rsi:14", "atr:5"};
  bv_err err = {0};
  uint64_t r = 1;
  for (size_t k = 0; k < COUNT(text); k++) {
    question q = {.text = text[k], .s = &all[0]};
    ok(bv_spec_parse(text[k], &q.spec, &err), &err);
    q.want = reference(&q.spec, q.s);
    for (int n = 0;; n++) {
      bv_window *w;
      double v = 77;
      ok(bv_window_private(store, &all[0].src, 100, 0, &w, &err), &err);
      int64_t got;
      ok(bv_window_forward(w, minute.ts[900], INT64_MAX, &got, &err), &err);
      bv_alloc_fail_after(n, 0);
      bv_rc rc = bv_derived_at(w, &q.spec, w->ring.next - 1, &v, &err);
      bool failed = bv_alloc_failures() > 0;
      bv_alloc_fail_after(-1, 0);
      assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
      bv_err_clear(&err);
      ask_window(&q, w, 20, &r, "after a failure"); /* asking again works, and is right */
      bv_window_unref(w);
      if (!failed) break;
    }
    free(q.want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(two_series, defaults),
      cmocka_unit_test_setup(every_indicator, defaults),
      cmocka_unit_test_setup(nested, defaults),
      cmocka_unit_test_setup(columns_of_one_window, defaults),
      cmocka_unit_test_setup(values_are_kept, defaults),
      cmocka_unit_test_setup(states_are_kept, defaults),
      cmocka_unit_test_setup(states_see_writes, defaults),
      cmocka_unit_test_setup(warm_up_is_nan, defaults),
      cmocka_unit_test_setup(failed_allocation_is_told, defaults),
      cmocka_unit_test_setup(absent_columns_give_nan, defaults),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
