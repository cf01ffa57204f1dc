/* across.c - the value of one spec for many assets, at the clock; see across.h. */
#include "data/across.h"
#include "data/chain.h"
#include "data/name_list.h"
#include "data/raw.h"
#include "data/seg.h"
#include "data/view.h"

#include <math.h>
#include <string.h>

/* The bars of one asset after those seen when the streams began, run through the spec. */
typedef struct feed {
  bv_walk walk;
  bv_chain chain;
  double *value, *absent; /* of the piece at hand; and as many NaN for a column it does not have */
  int64_t room;
} feed;

/* What is looked at every time. */
typedef struct bv_across_stream {
  const int64_t *ts; /* of the piece at hand */
  const double *value;
  int64_t n, k; /* bars at hand; of these, those that had ended at the last look */
  feed *feed;   /* NULL: not begun */
  bool ended;   /* nothing is left to be read */
  bv_across_value newest;
} bv_across_stream;

/* ---- the assets ---- */

/* Those with bars of the timestep; where nobody has any, all. */
static bv_rc add_all(bv_name_list *l, bv_store *s, const char *text, bv_err *err) {
  bv_timestep step;
  char canonical[32];
  BV_TRY(bv_timestep_parse(text, strlen(text), &step, err));
  bv_timestep_format(step, canonical);
  BV_TRY(bv_name_list_add_stored(l, s, canonical, err));
  if (l->n == 0) BV_TRY(bv_name_list_add_stored(l, s, NULL, err));
  bv_name_list_sort(l);
  return BV_OK;
}

/* What bars_agg would say of an asset that is not stored at all is said of the caller. */
static bv_rc no_source(bv_across *a, const bv_across_of *of, const char *name, const bv_err *why,
                       bv_err *err) {
  bv_series one;
  int n;
  BV_TRY(bv_series_all(a->store, name, &one, 1, &n, err));
  if (n == 0) return bv_series_missing(a->store, of->who, name, of->step, err);
  return bv_fail(err, BV_NOTFOUND, "%s", why->msg);
}

/* Find the bars of each asset.  Where all were asked for, those that have none are left out. */
static bv_rc find_sources(bv_across *a, const bv_across_of *of, bv_err *err) {
  const int all = a->n;
  a->n = 0;
  bv_rc rc = BV_OK;
  for (int i = 0; i < all; i++) {
    char *name = a->asset[i];
    bv_err why = {0};
    bv_source src = {0};
    if (rc == BV_OK) rc = bv_source_of(a->store, name, of->step, &src, &why);
    const bool none = rc == BV_NOTFOUND && (!of->name || of->some);
    if (none) rc = BV_OK;
    if (rc == BV_NOTFOUND && err->rc == BV_OK) rc = no_source(a, of, name, &why, err);
    if (rc != BV_OK && err->rc == BV_OK) *err = why;
    if (none && !of->name) {
      bv_free(name);
      continue;
    }
    a->src[a->n] = none ? (bv_source){0} : src;
    a->asset[a->n++] = name; /* after an error too: it is freed with the others */
  }
  if (rc != BV_OK || a->n > 0 || all == 0) return rc;
  return bv_fail(err, BV_NOTFOUND,
                 "%s: no asset has '%.40s' bars or finer ones that make them; SELECT * FROM "
                 "bars_coverage lists what is stored",
                 of->who, of->step);
}

bv_rc bv_across_new(bv_store *s, const bv_across_of *of, bv_across **out, bv_err *err) {
  bv_rc rc = BV_OK;
  *out = NULL;
  bv_across *a = bv_alloc0(BV_MEM_CURSOR, sizeof *a);
  if (!a) return BV_NOMEM;
  a->store = s;
  a->refs = 1;
  a->spec = *of->spec;
  a->next = s->across;
  a->at = &s->across;
  if (a->next) a->next->at = &a->next;
  s->across = a;
  bv_name_list list = {0};
  for (int i = 0; i < of->n && rc == BV_OK; i++) rc = bv_name_list_add(&list, of->name[i]);
  if (rc == BV_OK && !of->name) rc = add_all(&list, s, of->step, err);
  a->asset = list.name;
  a->n = list.n;
  a->src = bv_alloc0(BV_MEM_CURSOR, ((size_t)a->n + 1) * sizeof *a->src);
  if (rc == BV_OK && !a->src) rc = BV_NOMEM;
  if (rc == BV_OK) rc = find_sources(a, of, err);
  if (rc != BV_OK) {
    bv_across_unref(a);
    return rc;
  }
  a->generation = s->generation;
  a->catalog = s->catalog;
  *out = a;
  return BV_OK;
}

bool bv_across_current(const bv_across *a) {
  return a->generation == a->store->generation && a->catalog == a->store->catalog;
}

/* ---- streams ---- */

static void end_stream(feed *f) {
  if (!f) return;
  bv_walk_close(&f->walk);
  bv_chain_done(&f->chain);
  bv_free(f->value);
  bv_free(f->absent);
  bv_free(f);
}

static void end_streams(bv_across *a) {
  for (int i = 0; a->stream && i < a->n; i++) end_stream(a->stream[i].feed);
  bv_free(a->stream);
  a->stream = NULL;
}

void bv_across_rest(bv_store *s) {
  for (bv_across *a = s->across; a; a = a->next) {
    end_streams(a);
    a->written = false;
    a->crew = NULL;
  }
}

void bv_across_unref(bv_across *a) {
  if (!a || --a->refs > 0) return;
  end_streams(a);
  *a->at = a->next;
  if (a->next) a->next->at = a->at;
  for (int i = 0; i < a->n; i++) bv_free(a->asset[i]);
  bv_free(a->asset);
  bv_free(a->src);
  bv_free(a);
}

/* Whether the pieces of all walks, with their chunks compressed and their values, take little of the memory. */
static bool streams_fit(const bv_across *a) {
  const bv_series *s = &a->src[0].base;
  const unsigned mask = bv_chain_mask(&a->spec);
  int64_t start, end;
  bv_seg_range(s, 0, &start, &end);
  int64_t bars = (end - start) / bv_timestep_nominal_s(s->step);
  if (bars > BV_SEG_MAX) bars = BV_SEG_MAX;
  return (bv_walk_bytes(mask, bars) + 16 * BV_PIECE) * a->n <= bv_mem_limit() / 4;
}

/* In a run nobody else writes and the clock moves on.  What a spec reads of other series is read through windows. */
static bool may_stream(const bv_across *a, int64_t at) {
  const bv_store *s = a->store;
  if (s->frozen == 0 || !s->run || s->touched || at < s->clock || s->clock == BV_NO_CLOCK) {
    return false;
  }
  if (a->written || a->spec.feeds || a->n == 0) return false;
  for (int i = 0; i < a->n; i++) {
    if (a->src[i].agg || a->src[i].base.id == 0) return false;
  }
  return true;
}

/* The values read so far are those of the newest bars; what follows will be streamed. */
static bv_rc begin_streams(bv_across *a, const bv_across_value *newest) {
  if (!streams_fit(a)) return BV_OK;
  a->stream = bv_alloc0(BV_MEM_DERIVED, (size_t)a->n * sizeof *a->stream);
  if (!a->stream) return BV_NOMEM;
  for (int i = 0; i < a->n; i++) a->stream[i].newest = newest[i];
  a->streamed = a->store->clock;
  a->writes = a->store->writes;
  return BV_OK;
}

/* A chain that has seen the bars before `from`, and a walk over those that follow. */
static bv_rc open_feed(bv_across *a, int i, int64_t from, bv_err *err) {
  feed *f = a->stream[i].feed = bv_alloc0(BV_MEM_DERIVED, sizeof *f);
  if (!f) return BV_NOMEM;
  BV_TRY(bv_chain_init(&f->chain, &a->spec, false, &a->store->scratch));
  bv_walk_open(&f->walk, a->store, &a->src[i], from, INT64_MAX, f->chain.mask, i);
  return bv_chain_warm(&f->chain, a->store, &a->src[i], from, err);
}

static bv_rc make_room(feed *f, int64_t n) {
  bv_free(f->value);
  bv_free(f->absent);
  f->absent = NULL;
  f->room = 0;
  f->value = bv_alloc(BV_MEM_DERIVED, (size_t)n * sizeof *f->value);
  if (!f->value) return BV_NOMEM;
  f->room = n;
  return BV_OK;
}

/* Columns that are not stored are NaN throughout, as in a window. */
static bv_rc fill_absent(feed *f, bv_bars *b) {
  for (int c = 0; c < BV_NCOL; c++) {
    if (!(f->chain.mask & BV_COLBIT(c)) || b->col[c]) continue;
    if (!f->absent) {
      f->absent = bv_alloc(BV_MEM_DERIVED, (size_t)f->room * sizeof *f->absent);
      if (!f->absent) return BV_NOMEM;
      for (int64_t k = 0; k < f->room; k++) f->absent[k] = NAN;
    }
    b->col[c] = f->absent;
  }
  return BV_OK;
}

/* The next piece and its values, those after the clock too: nobody is shown them before their bars have ended. */
static bv_rc next_piece(bv_across *a, int i, bv_err *err) {
  bv_across_stream *st = &a->stream[i];
  feed *f = st->feed;
  bv_bars b;
  st->n = st->k = 0;
  f->walk.crew = a->crew;
  BV_TRY(bv_raw_walk(&f->walk, INT64_MAX, &b, err));
  st->ended = b.n == 0;
  if (st->ended) return BV_OK;
  if (b.n > f->room) BV_TRY(make_room(f, b.n > BV_PIECE ? b.n : BV_PIECE));
  BV_TRY(fill_absent(f, &b));
  BV_TRY(bv_chain_run(&f->chain, a->store, &a->src[i], &b, f->value, err));
  a->store->counter[BV_N_DERIVE] += b.n;
  st->ts = b.ts;
  st->value = f->value;
  st->n = b.n;
  return BV_OK;
}

/* The first of the bars from number k on that starts at `limit` or later. */
static int64_t first_from(const int64_t *ts, int64_t k, int64_t n, int64_t limit) {
  int64_t by = 1;
  while (k + by <= n && ts[k + by - 1] < limit) {
    k += by;
    by *= 2;
  }
  int64_t hi = k + by - 1 < n ? k + by - 1 : n;
  while (k < hi) {
    const int64_t mid = k + (hi - k) / 2;
    if (ts[mid] < limit) {
      k = mid + 1;
    } else {
      hi = mid;
    }
  }
  return k;
}

/* The look at the stream before: streams of the same times stand at the same bar. */
typedef struct look {
  const int64_t *ts;
  int64_t n, from, k;
} look;

static void look_on(bv_across_stream *st, int64_t limit, look *last) {
  if (st->ts == last->ts && st->n == last->n && st->k == last->from) {
    st->k = last->k;
  } else {
    *last = (look){.ts = st->ts, .n = st->n, .from = st->k};
    st->k = last->k = first_from(st->ts, st->k, st->n, limit);
  }
  if (st->k == 0) return;
  st->newest.ts = st->ts[st->k - 1];
  st->newest.value = st->value[st->k - 1];
}

/* Move on to the newest bar that starts before `limit`. */
static bv_rc move_on(bv_across *a, int i, int64_t limit, look *last, bv_err *err) {
  bv_across_stream *st = &a->stream[i];
  const bv_source *src = &a->src[i];
  if (!st->feed) BV_TRY(open_feed(a, i, bv_source_limit(src, a->streamed), err));
  if (st->n > 0) look_on(st, limit, last);
  while (st->k == st->n && !st->ended) {
    BV_TRY(next_piece(a, i, err));
    if (st->n > 0) look_on(st, limit, last);
  }
  return BV_OK;
}

/* Bars that start before it have ended by the clock; the same for neighbours in one zone. */
static int64_t limit_of(const bv_across *a, int i, int64_t before) {
  if (i > 0 && a->src[i].zone == a->src[i - 1].zone) return before;
  return bv_source_limit(&a->src[i], a->store->clock);
}

/* Streams whose chunks are used up read the next ones, so that the crew can begin with all of them. */
static bv_rc make_ready(bv_across *a, bv_err *err) {
  int64_t limit = 0;
  for (int i = 0; i < a->n; i++) {
    bv_across_stream *st = &a->stream[i];
    look last = {0};
    limit = limit_of(a, i, limit);
    if (st->n == 0 || st->ts[st->n - 1] >= limit) continue;
    look_on(st, limit, &last);
    st->n = st->k = 0;
    BV_TRY(bv_raw_walk_ready(&st->feed->walk, err));
  }
  return BV_OK;
}

static bv_rc read_streams(bv_across *a, bv_across_value *out, bv_err *err) {
  int64_t limit = 0;
  look last = {0};
  if (a->crew) BV_TRY(make_ready(a, err));
  for (int i = 0; i < a->n; i++) {
    const int64_t before = limit;
    limit = limit_of(a, i, limit);
    if (limit != before) last.ts = NULL;
    BV_TRY(move_on(a, i, limit, &last, err));
    out[i] = a->stream[i].newest;
  }
  a->streamed = a->store->clock;
  return BV_OK;
}

/* ---- values ---- */

static bv_rc read_window(const bv_across *a, const bv_source *src, int64_t at, bv_across_value *out,
                         bv_err *err) {
  bv_window *w;
  int64_t i;
  *out = (bv_across_value){NAN, INT64_MIN, INT64_MIN};
  if (src->base.id == 0) return BV_OK;
  BV_TRY(bv_view_asof(a->store, src, bv_source_limit(src, at), 0, &w, &i, err));
  if (!w) return BV_OK;
  out->ts = bv_ring_ts(&w->ring, i);
  if (src->agg) out->ends = (int64_t)w->ring.col[BV_COL_KNOWN][bv_ring_slot(&w->ring, i)];
  bv_rc rc = bv_view_value(w, i, out->ts, &a->spec, 0, &out->value, err);
  bv_window_unref(w);
  return rc;
}

bv_rc bv_across_read(bv_across *a, int64_t at, bv_across_value *out, bv_err *err) {
  const bool streams = may_stream(a, at);
  if (a->stream && a->writes != a->store->writes) {
    end_streams(a);
    a->written = true;
  }
  if (a->stream && streams && a->store->clock >= a->streamed) {
    bv_rc rc = read_streams(a, out, err);
    if (rc != BV_OK) end_streams(a);
    return rc;
  }
  for (int i = 0; i < a->n; i++) BV_TRY(read_window(a, &a->src[i], at, &out[i], err));
  if (!streams || a->written) return BV_OK;
  end_streams(a);
  return begin_streams(a, out);
}
