/* match_feed.c - the bars a run is matched on; see match_feed.h. */
#include "run/match_feed.h"
#include "data/raw.h"

#include <math.h>

#define PIECE 4096
#define COLUMNS                                                                                    \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE) | BV_COLBIT(BV_COL_VOLUME))

void bv_feed_init(bv_feed *f, bv_store *s, int64_t start, int64_t end) {
  *f = (bv_feed){.store = s, .start = start, .end = end};
}

void bv_feed_reset(bv_feed *f) {
  for (int i = 0; i < f->n; i++) bv_chunk_reset(&f->asset[i].bars);
  bv_free(f->asset);
  bv_free(f->bar);
  *f = (bv_feed){0};
}

/* Load the next bars, from ts on, if the chunk is used up, and say when the next one opens: at its
** start, but not before the bar before it has closed.  Ends rise with starts, so the first bar that
** ends after the feed's end is its end. */
static bv_rc advance(bv_feed *f, bv_feed_asset *a, int64_t from, int64_t not_before, bv_err *err) {
  if (a->i >= a->bars.n && a->more) {
    int64_t piece = f->n > 16 ? PIECE / 4 : PIECE;
    bv_chunk_clear(&a->bars);
    BV_TRY(bv_raw_read(f->store, &a->series, from, f->end, piece, false, &a->bars, err));
    a->i = 0;
    a->more = a->bars.n == piece;
  }
  a->open = false;
  a->event = BV_FEED_END;
  if (a->i >= a->bars.n) return BV_OK;
  int64_t ts = a->bars.ts[a->i];
  a->ends = bv_timestep_end(a->series.step, a->series.zone, ts);
  if (a->ends <= f->end) a->event = ts < not_before ? not_before : ts;
  return BV_OK;
}

bv_rc bv_feed_add(bv_feed *f, const bv_series *series, int sim_asset, int64_t from, bv_err *err) {
  if (f->n == f->cap) {
    int cap = f->cap ? f->cap * 2 : 8;
    bv_feed_asset *asset = bv_realloc(BV_MEM_RUN, f->asset, (size_t)cap * sizeof *asset);
    if (!asset) return BV_NOMEM;
    f->asset = asset;
    bv_sim_bar *bar = bv_realloc(BV_MEM_RUN, f->bar, (size_t)cap * sizeof *bar);
    if (!bar) return BV_NOMEM;
    f->bar = bar;
    f->cap = cap;
  }
  bv_feed_asset *a = &f->asset[f->n++];
  *a = (bv_feed_asset){.series = *series, .sim_asset = sim_asset, .more = true};
  bv_chunk_init(&a->bars, BV_MEM_RUN, COLUMNS);
  return advance(f, a, from > f->start ? from : f->start, INT64_MIN, err);
}

int64_t bv_feed_next(const bv_feed *f) {
  int64_t t = BV_FEED_END;
  for (int i = 0; i < f->n; i++) {
    if (f->asset[i].event < t) t = f->asset[i].event;
  }
  return t;
}

static bv_sim_bar bar_at(const bv_chunk *c, int64_t i, int sim_asset, int64_t known_at) {
  return (bv_sim_bar){
      .asset = sim_asset,
      .ts = c->ts[i],
      .known_at = known_at,
      .open = c->col[BV_COL_OPEN][i],
      .high = c->col[BV_COL_HIGH][i],
      .low = c->col[BV_COL_LOW][i],
      .close = c->col[BV_COL_CLOSE][i],
      .volume = c->col[BV_COL_VOLUME][i],
  };
}

static void give(bv_feed *f, const bv_feed_asset *a, int *n, int64_t known_at) {
  f->bar[(*n)++] = bar_at(&a->bars, a->i, a->sim_asset, known_at);
}

bv_rc bv_feed_before(bv_feed *f, const bv_series *series, int sim_asset, int64_t t, bv_sim_bar *out,
                     bool *found, bv_err *err) {
  enum { BACK = 8 }; /* bars that began before t but had not ended: one, or a few that overlap */
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_RUN, COLUMNS);
  *found = false;
  bv_rc rc = bv_raw_read(f->store, series, INT64_MIN, t, BACK, true, &c, err);
  for (int64_t i = 0; rc == BV_OK && i < c.n; i++) {
    int64_t end = bv_timestep_end(series->step, series->zone, c.ts[i]);
    if (end > t) continue;
    *out = bar_at(&c, i, sim_asset, end);
    *found = true;
  }
  bv_chunk_reset(&c);
  return rc;
}

bv_rc bv_feed_closes(bv_feed *f, int64_t t, const bv_sim_bar **bar, int *n, bv_err *err) {
  *n = 0;
  *bar = f->bar;
  for (int i = 0; i < f->n; i++) {
    bv_feed_asset *a = &f->asset[i];
    if (a->event != t || !a->open) continue;
    give(f, a, n, t);
    int64_t ts = a->bars.ts[a->i++];
    BV_TRY(advance(f, a, ts + 1, t, err));
  }
  return BV_OK;
}

bv_rc bv_feed_opens(bv_feed *f, int64_t t, const bv_sim_bar **bar, int *n, bv_err *err) {
  (void)err;
  *n = 0;
  *bar = f->bar;
  for (int i = 0; i < f->n; i++) {
    bv_feed_asset *a = &f->asset[i];
    if (a->event != t || a->open) continue;
    give(f, a, n, a->ends);
    a->open = true;
    a->event = a->ends > t ? a->ends : t + 1; /* a bar closes after it has opened */
  }
  return BV_OK;
}
