/* join_ahead.c - the bars and rows of a join, oldest first; see join_ahead.h. */
#include "data/join_ahead.h"
#include "data/join_lay.h"
#include "data/join_source.h"
#include "data/seg.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

#define TILE_ROWS    4096
#define STRIP_BYTES  (INT64_C(160) << 20) /* of the bars of all lanes */
#define SOURCE_BYTES 32                   /* of a source per bar, where it has a row for each */
#define SHORT_RANGE  256                  /* bars; so many are read through the windows */
#define FIRST_STRIP  256 /* bars; the first strips are short, for who reads a few rows */

/* ---- strips ---- */

/* Seconds of time of which the bars of all lanes, and what their sources may have beside them, fit in memory: a
** chunk's span divided by a power of two. */
static int64_t strip_span(const bv_ahead *a) {
  int64_t start, end, bytes = 8;
  double limit = (double)bv_mem_limit() / 4;
  if (limit > STRIP_BYTES) limit = STRIP_BYTES;
  for (int c = 0; c < BV_NCOL; c++) bytes += a->mask & BV_COLBIT(c) ? 8 : 0;
  for (int k = 0; k < a->def->nsource; k++)
    bytes += !a->source[k].used ? 0 : a->source[k].reading ? SOURCE_BYTES : 4;
  bv_seg_range(&a->lane[0].src.base, 0, &start, &end);
  int64_t span = end - start, step = bv_timestep_nominal_s(a->lane[0].src.step);
  while (span / step > FIRST_STRIP && (double)span * a->density * (double)bytes > limit) span /= 2;
  return span;
}

/* Whether the chunks at hand of all lanes fit in memory, compressed, with a decoded piece of each. */
static bool walks_fit(const bv_ahead *a) {
  const bv_series *s = &a->lane[0].src.base;
  int64_t start, end, limit = bv_mem_limit() / 4;
  bv_seg_range(s, 0, &start, &end);
  double bars = (double)(end - start) * a->density / a->nlane;
  if (bars > BV_SEG_MAX) bars = BV_SEG_MAX;
  if (limit > STRIP_BYTES) limit = STRIP_BYTES;
  return bv_walk_bytes(a->mask, (int64_t)bars) <= limit / a->nlane;
}

/* Where the strip that begins at `from` ends. */
static int64_t strip_end(const bv_ahead *a, int64_t from) {
  const bv_series *s = &a->lane[0].src.base;
  int64_t start, end;
  bv_seg_range(s, bv_seg_chunk_of(s, from), &start, &end);
  if (from < start || from >= end) return INT64_MAX;
  end = start + ((from - start) / a->strip_s + 1) * a->strip_s;
  int64_t full = strip_span(a);
  if (a->strip_s < full && end > start + ((from - start) / full + 1) * full) {
    end = start + ((from - start) / full + 1) * full;
  }
  return end;
}

static void set_head(bv_ahead *a, int i) {
  const bv_lane *l = &a->lane[i];
  a->head[i] = l->k < l->n ? l->ts[l->k] : INT64_MAX;
}

/* The lane whose bars at hand come to their end first; NULL: none has any. */
static const bv_lane *first_to_end(const bv_ahead *a) {
  const bv_lane *first = NULL;
  for (int i = 0; i < a->nlane; i++) {
    const bv_lane *l = &a->lane[i];
    if (l->k < l->n && (!first || l->ts[l->n - 1] < first->ts[first->n - 1])) first = l;
  }
  return first;
}

/* Whether a lane has its next bars at the instants ts[0..n), and no other before `until`. */
static bool has_bars_at(const bv_lane *l, const int64_t *ts, int64_t n, int64_t until) {
  const int64_t *mine = l->ts + l->k, left = l->n - l->k;
  if (left < n || (left > n && mine[n] < until)) return false;
  return mine == ts || memcmp(mine, ts, (size_t)n * sizeof *ts) == 0;
}

/* A stretch: the bars up to the end of those of the lane whose come to their end first.  Whether all lanes that have
** bars in it have them at the same instants. */
static void begin_stretch(bv_ahead *a) {
  const bv_lane *first = first_to_end(a);
  a->until = INT64_MAX;
  a->left = a->laid = a->nlive = 0;
  a->even = a->mode != BV_AHEAD_STREAMS; /* their rows tell which bar they are of */
  a->whole = a->mask;
  for (int i = 0; i < a->nlane; i++) set_head(a, i);
  if (!first) return;
  const int64_t *ts = first->ts + first->k;
  a->left = first->n - first->k;
  a->until = first->ts[first->n - 1] + 1;
  for (int i = 0; i < a->nlane; i++) {
    if (a->head[i] >= a->until) continue;
    if (a->even) a->even = has_bars_at(&a->lane[i], ts, a->left, a->until);
    a->whole &= a->lane[i].whole;
    a->live[a->nlive++] = i;
  }
  for (int k = 0; k < a->def->nsource; k++) {
    if (a->source[k].used) bv_lay_begin(a, k);
  }
}

static void forget(bv_ahead *a, int lane) {
  for (int k = 0; k < a->def->nsource; k++) {
    if (a->source[k].used) bv_lane_forget(&a->lane[lane].use[k], a->source[k].recording);
  }
}

static bv_rc match(bv_ahead *a, int lane, bv_err *err) {
  for (int k = 0; k < a->def->nsource; k++) {
    if (a->source[k].used) BV_TRY(bv_source_match(a, k, lane, err));
  }
  a->lane[lane].matched = true;
  return BV_OK;
}

static bv_rc match_all(bv_ahead *a, bv_err *err) {
  for (int i = 0; i < a->nlane; i++) forget(a, i);
  for (int i = 0; i < a->nlane; i++) BV_TRY(match(a, i, err));
  return BV_OK;
}

/* Begin of the strips that are left. */
static int64_t first_left(const bv_ahead *a) {
  int64_t from = INT64_MAX;
  for (int i = 0; i < a->nlane; i++) {
    if (!a->lane[i].ended && a->lane[i].lo < from) from = a->lane[i].lo;
  }
  return from;
}

/* Read the bars of the next strip that has any; `done` where there is none. */
static bv_rc read_strip(bv_ahead *a, bv_err *err) {
  int64_t any = 0, full = strip_span(a);
  while (any == 0) {
    a->from = first_left(a);
    if (a->from == INT64_MAX) {
      a->done = true;
      return BV_OK;
    }
    a->until = strip_end(a, a->from);
    if (a->strip_s < full) a->strip_s = a->strip_s * 8 < full ? a->strip_s * 8 : full;
    for (int i = 0; i < a->nlane; i++) {
      BV_TRY(bv_lane_read(&a->lane[i], a->store, a->from, a->until, err));
      any += a->lane[i].n;
    }
  }
  return BV_OK;
}

/* Lanes whose bars are used up go on to their next ones. */
static bv_rc refill(bv_ahead *a, bv_err *err) {
  for (int i = 0; i < a->nlane; i++) {
    bv_lane *l = &a->lane[i];
    if (l->n == 0 || l->k < l->n) continue;
    BV_TRY(l->streaming ? bv_lane_stream_next(l, err) : bv_lane_walk_next(l, a->store, err));
    forget(a, i);
    BV_TRY(match(a, i, err));
  }
  return BV_OK;
}

static bv_rc next_stretch(bv_ahead *a, bv_err *err) {
  if (a->mode == BV_AHEAD_STRIPS && first_to_end(a) == NULL) {
    BV_TRY(read_strip(a, err));
    if (!a->done) BV_TRY(match_all(a, err));
  } else if (a->mode != BV_AHEAD_STRIPS) {
    BV_TRY(refill(a, err));
  }
  begin_stretch(a);
  a->done = a->until == INT64_MAX;
  return BV_OK;
}

bv_rc bv_ahead_next(bv_ahead *a, bv_err *err) {
  a->tile.n = 0;
  while (!a->done) {
    bv_lay_tile(a);
    if (a->tile.n > 0) return BV_OK;
    BV_TRY(next_stretch(a, err));
  }
  return BV_OK;
}

/* ---- opening ---- */

/* Rows of a range, at the most, as far as they fit in a tile. */
static int tile_rows(const bv_ahead *a) {
  int64_t rows = TILE_ROWS;
  if (a->lo >= BV_INSTANT_MIN && a->hi <= BV_INSTANT_MAX && a->nlane > 0) {
    int64_t min_s, max_s, bars;
    bv_timestep_bounds_s(a->def->step, &min_s, &max_s);
    bars = (a->hi - a->lo) / min_s + 1;
    if (bars < rows / a->nlane) rows = bars * a->nlane;
  }
  return (int)(rows < a->nlane ? a->nlane : rows);
}

/* Room to lay a tile out lane by lane. */
static bv_rc open_places(bv_ahead *a) {
  a->most = tile_rows(a) / a->nlane;
  if (a->most < BV_LAY_BLOCK) a->most = BV_LAY_BLOCK;
  int rows = tile_rows(a);
  a->none = bv_alloc(BV_MEM_CURSOR, (size_t)rows * sizeof *a->none);
  for (int i = 0; a->none && i < rows; i++) a->none[i] = NAN;
  a->place = bv_alloc(BV_MEM_CURSOR, (size_t)a->nlane * (size_t)a->most * sizeof *a->place);
  a->given = bv_alloc0(BV_MEM_CURSOR, (size_t)a->nlane * sizeof *a->given);
  return a->none && a->place && a->given ? BV_OK : BV_NOMEM;
}

static bv_rc open_lane(bv_ahead *a, const char *asset, bv_err *err) {
  const bv_series *series;
  BV_TRY(bv_series_find(a->store, asset, a->def->step_text, &series, err));
  if (!series) return bv_series_missing(a->store, a->def->name, asset, a->def->step_text, err);
  bv_lane *l = &a->lane[a->nlane++];
  *l = (bv_lane){.src = bv_source_stored(series),
                 .lo = a->lo,
                 .hi = a->hi,
                 .mask = a->mask,
                 .number = a->nlane - 1};
  BV_TRY(bv_map_put(&a->index, asset, strlen(asset), (void *)(intptr_t)a->nlane));
  l->use = bv_alloc0(BV_MEM_CURSOR, (size_t)a->def->nsource * sizeof *l->use + 1);
  return l->use ? BV_OK : BV_NOMEM;
}

/* What there is of a lane: the bars between its first and last, and before the clock as it stands now. */
static bv_rc limit_lane(bv_ahead *a, bv_lane *l, bv_err *err) {
  int64_t first, last, n, clock = bv_source_limit(&l->src, a->store->clock);
  bv_rc rc = bv_series_span(a->store, &l->src.base, &first, &last, &n, err);
  if (rc != BV_OK) return rc;
  if (n > 0 && first > l->lo) l->lo = first;
  if (n > 0 && last < l->hi) l->hi = last + 1;
  if (clock < l->hi) l->hi = clock;
  l->ended = n == 0 || l->lo >= l->hi;
  if (n > 1) a->density += (double)n / (double)(last - first);
  return BV_OK;
}

static bv_rc open_trail(bv_ahead *a, bv_lane *l, int64_t lag, bv_err *err) {
  if (lag == 0) return BV_OK;
  l->trail.ts = bv_alloc(BV_MEM_CURSOR, (size_t)lag * sizeof *l->trail.ts);
  if (!l->trail.ts) return BV_NOMEM;
  l->trail.cap = (int)lag;
  return a->lo == INT64_MIN ? BV_OK : bv_trail_fill(&l->trail, a->store, &l->src, a->lo, err);
}

static bool is_short(const bv_ahead *a) {
  int64_t min_s, max_s;
  if (a->lo < BV_INSTANT_MIN || a->hi > BV_INSTANT_MAX) return false;
  bv_timestep_bounds_s(a->def->step, &min_s, &max_s);
  return (a->hi - a->lo) / min_s <= SHORT_RANGE;
}

/* Bars first, then what they use. */
static bv_rc open_lanes(bv_ahead *a, bv_err *err) {
  int64_t piece = BV_STREAM_PIECE, lag = 0; /* many streams share the memory of eight */
  if (a->nlane > 8) piece = piece * 8 / a->nlane;
  if (piece < SHORT_RANGE) piece = SHORT_RANGE;
  for (int k = 0; k < a->def->nsource; k++) {
    if (a->source[k].used && a->def->source[k].lag > lag) lag = a->def->source[k].lag;
  }
  for (int i = 0; i < a->nlane; i++) {
    bv_lane *l = &a->lane[i];
    BV_TRY(open_trail(a, l, lag, err));
    if (a->mode == BV_AHEAD_STREAMS) BV_TRY(bv_lane_stream(l, a->store, piece, a->mask, err));
    if (a->mode != BV_AHEAD_STREAMS) BV_TRY(limit_lane(a, l, err));
  }
  if (a->mode == BV_AHEAD_STREAMS) return BV_OK;
  if (!walks_fit(a)) {
    a->mode = BV_AHEAD_STRIPS;
    a->strip_s = FIRST_STRIP * bv_timestep_nominal_s(a->def->step);
    if (a->strip_s > strip_span(a)) a->strip_s = strip_span(a);
    return read_strip(a, err);
  }
  for (int i = 0; i < a->nlane; i++) {
    if (!a->lane[i].ended) BV_TRY(bv_lane_walk(&a->lane[i], a->store, err));
  }
  return BV_OK;
}

static bv_rc open_sources(bv_ahead *a, const bool *wanted, bv_err *err) {
  for (int k = 0; k < a->def->nsource; k++) {
    bv_ahead_source *s = &a->source[k];
    s->base = a->nvalue;
    s->wanted = wanted + a->nvalue;
    for (int c = 0; c < a->def->source[k].ncolumn; c++) s->used |= s->wanted[c];
    a->nvalue += a->def->source[k].ncolumn;
  }
  BV_TRY(open_lanes(a, err));
  a->done = first_to_end(a) == NULL;
  for (int k = 0; k < a->def->nsource && !a->done; k++) {
    if (a->source[k].used) BV_TRY(bv_source_begin(a, k, err));
  }
  if (!a->done) BV_TRY(match_all(a, err));
  begin_stretch(a);
  return BV_OK;
}

bv_rc bv_ahead_open(bv_ahead *a, bv_store *s, bv_join_def *def, const bv_join_request *q,
                    char **asset, int n, bv_err *err) {
  *a = (bv_ahead){.store = s, .def = def, .lo = q->lo, .hi = q->hi, .mask = q->mask};
  bv_map_init(&a->index);
  a->lane = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *a->lane + 1);
  a->head = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *a->head + 1);
  a->live = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *a->live + 1);
  a->source = bv_alloc0(BV_MEM_CURSOR, (size_t)def->nsource * sizeof *a->source + 1);
  if (!a->lane || !a->head || !a->live || !a->source) return BV_NOMEM;
  for (int i = 0; i < n; i++) BV_TRY(open_lane(a, asset[i], err));
  a->done = n == 0;
  if (n == 0) return BV_OK;
  a->mode = q->handles || is_short(a) ? BV_AHEAD_STREAMS : BV_AHEAD_WALKS;
  BV_TRY(open_sources(a, q->wanted, err));
  if (!a->done) BV_TRY(open_places(a));
  if (!a->done) BV_TRY(bv_tile_open(&a->tile, tile_rows(a), a->mask, q->wanted, a->nvalue));
  return bv_ahead_next(a, err);
}

void bv_ahead_close(bv_ahead *a) {
  for (int k = 0; a->source && a->done && k < a->def->nsource; k++) bv_source_hold(a, k);
  for (int k = 0; a->source && k < a->def->nsource; k++) bv_source_end(a, k);
  for (int i = 0; i < a->nlane; i++) bv_lane_reset(&a->lane[i], a->def->nsource);
  bv_tile_close(&a->tile);
  bv_free(a->lane);
  bv_free(a->head);
  bv_free(a->live);
  bv_free(a->place);
  bv_free(a->given);
  bv_free(a->none);
  bv_free(a->source);
  bv_map_reset(&a->index);
  *a = (bv_ahead){0};
}
