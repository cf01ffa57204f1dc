/* match_read.c - the bars of one asset that a feed has at hand; see match_read.h. */
#include "run/match_read.h"
#include "data/raw.h"
#include "time/instant.h"

/* Assets with bars at other instants copy so many nominal bars of time together at the most. */
#define STRIP 12288
/* Other threads are worth it for so many assets, once so many of their pieces have been read. */
#define CREW_ASSETS 8
#define CREW_PIECES 64

unsigned bv_match_columns(const bv_feed *f) {
  bool volume = !f->sim || bv_sim_reads_volume(f->sim);
  return volume ? BV_MATCH_COLUMNS : BV_MATCH_COLUMNS & ~BV_COLBIT(BV_COL_VOLUME);
}

static int64_t last_ts(const bv_bars *b) {
  return b->ts[b->n - 1];
}

bv_rc bv_match_fill_now(bv_feed_asset *a, bv_err *err) {
  a->full = true;
  return bv_raw_walk_fill(&a->walk, &a->bars, err);
}

/* Copy bars up to the strip's end together, after those at hand. */
static bv_rc copy_strip(bv_feed *f, bv_feed_asset *a, bv_err *err) {
  bv_chunk_clear(&a->copied);
  BV_TRY(bv_match_fill(a, err));
  bv_walk_now(&a->walk, bv_match_columns(f));
  for (bv_bars piece = a->bars; piece.n > 0;) {
    BV_TRY(bv_chunk_append(&a->copied, &piece));
    BV_TRY(bv_raw_walk(&a->walk, f->strip, &piece, err));
  }
  a->bars = bv_chunk_view(&a->copied);
  return BV_OK;
}

/* Read on: to the end of the strip; who has read that far says where the next one ends. */
static bv_rc read_strip(bv_feed *f, bv_feed_asset *a, bv_err *err) {
  const int64_t longest = STRIP * bv_timestep_nominal_s(a->series.step);
  if (f->strip > a->walk.lo) {
    BV_TRY(bv_raw_walk(&a->walk, f->strip, &a->bars, err));
    if (a->bars.n > 0 && last_ts(&a->bars) + 1 < f->strip) BV_TRY(copy_strip(f, a, err));
    if (a->bars.n > 0) return BV_OK;
  }
  BV_TRY(bv_raw_walk(&a->walk, f->end, &a->bars, err));
  a->more = a->bars.n > 0;
  if (!a->more) return BV_OK;
  f->strip = last_ts(&a->bars) + 1;
  if (f->strip > longest && a->bars.ts[0] < f->strip - longest) f->strip = a->bars.ts[0] + longest;
  return BV_OK;
}

/* The same, with bars of quotes that are alone among them: of so much time that they are not many more than those of
** a strip, however few bars the asset has of its own. */
static bv_rc read_merged(bv_feed *f, bv_feed_asset *a, bv_err *err) {
  bv_quotes_feed *q = a->quotes;
  if (a->base.n == 0 && a->more_base) {
    BV_TRY(read_strip(f, a, err));
    a->base = a->bars;
    a->more_base = a->bars.n > 0;
  }
  int64_t limit = q->until < f->end ? q->until : f->end, start;
  if (a->base.n > 0) limit = last_ts(&a->base) + 1;
  a->bars = (bv_bars){0};
  a->more = false;
  if (a->from >= limit) return BV_OK;
  const int64_t longest = STRIP * bv_timestep_nominal_s(a->series.step);
  const bool near = a->base.n > 0 && a->from > a->base.ts[0] - longest;
  start = a->from;
  if (!near) BV_TRY(bv_quotes_first(q, f->store, a->from, limit, &start, err));
  if (a->base.n > 0 && a->base.ts[0] < start) start = a->base.ts[0];
  if (start == limit) return BV_OK;
  const int64_t hi = limit - start > longest ? start + longest : limit;
  const int64_t own = bv_bars_lower_bound(&a->base, hi);
  const bv_bars part = bv_bars_range(&a->base, 0, own);
  BV_TRY(bv_quotes_merge(q, f->store, &part, start, hi, &a->bars, err));
  a->base = bv_bars_range(&a->base, own, a->base.n);
  a->from = hi;
  a->more = true;
  return BV_OK;
}

/* The same, with the quotes beside the bars.  Where others decode ahead, all columns are there before anybody asks. */
bv_rc bv_match_read(bv_feed *f, bv_feed_asset *a, bv_err *err) {
  a->full = f->crew || a->quotes || !f->sim || bv_sim_follows(f->sim, a->sim_asset);
  bv_walk_now(&a->walk, a->full ? bv_match_columns(f) : BV_COLBIT(BV_COL_CLOSE));
  BV_TRY(a->quotes && f->alone ? read_merged(f, a, err) : read_strip(f, a, err));
  f->pieces++;
  return a->quotes ? bv_quotes_lay(a->quotes, f->store, &a->bars, err) : BV_OK;
}

/* --- other threads --- */

static bv_rc make_context(void **tool) {
  bv_segctx *ctx;
  bv_rc rc = bv_segctx_new(&ctx);
  *tool = ctx;
  return rc;
}

static void drop_context(void *tool) {
  bv_segctx_free(tool);
}

bv_rc bv_match_call_crew(bv_feed *f) {
  const bv_tool tool = {make_context, drop_context};
  const bool enough = f->n >= CREW_ASSETS && f->pieces >= CREW_PIECES;
  if (!enough || f->threads < 2) return BV_OK;
  BV_TRY(bv_crew_new(f->threads - 1, tool, &f->crew));
  f->threads = 1; /* once */
  for (int i = 0; i < f->n; i++) f->asset[i].walk.crew = f->crew;
  return BV_OK;
}
