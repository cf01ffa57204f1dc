/* join_back.c - the bars and rows of a join, newest first; see join_back.h. */
#include "data/join_back.h"
#include "data/join_source.h"

#include <math.h>
#include <string.h>

/* The bar a row is to be used at. */
typedef struct use {
  int64_t ts, known_at;
} use;

static bv_rc step(bv_back *b, int source, bv_err *err) {
  bv_back_source *s = &b->source[source];
  bool was = b->def->reading;
  b->def->reading = true;
  bv_rc rc = bv_feature_next(&b->def->source[source], s->st, &s->row, &s->more, err);
  b->def->reading = was;
  if (rc != BV_OK) s->more = false;
  if (rc == BV_OK && s->more) {
    const bv_feature *f = &b->def->source[source];
    int at = bv_stream_heap_top(&b->heap);
    bv_feature_apply_span(f, f->context ? b->store->zone : b->stream[at].src.base.zone, &s->row);
  }
  return rc;
}

static bv_rc start(bv_back *b, int source, int asset, int64_t before, bv_err *err) {
  const bv_feature *f = &b->def->source[source];
  bv_back_source *s = &b->source[source];
  if (!s->st) BV_TRY(bv_feature_prepare(f, BV_WALK_BACK, &s->st, err));
  sqlite3_reset(s->st);
  sqlite3_bind_int64(s->st, 1, before);
  if (!f->context) {
    sqlite3_bind_text(s->st, 2, b->stream[asset].src.base.asset, -1, SQLITE_STATIC);
  }
  return step(b, source, err);
}

/* The start of the n-th bar before the current one (1: the last before it); INT64_MIN: there is none. */
static int64_t bars_before(const bv_trail *t, int64_t n) {
  return n <= t->n ? t->ts[t->n - n] : INT64_MIN;
}

/* Whether a row may be used at the bar: 1 yes, 0 no, -1 nor may any row before it. */
static int fits(const bv_feature *f, const bv_trail *t, use bar, const bv_feature_row *row) {
  int64_t ts = row->ts;
  if (row->exists_at == BV_NEVER) return 0;
  if (!f->asof) {
    int64_t at = f->lag == 0 ? bar.ts : bars_before(t, f->lag);
    if (ts < at || at == INT64_MIN) return -1;
    return ts == at && row->exists_at <= bar.known_at;
  }
  bool begun = f->lag == 0   ? ts <= bar.ts
               : f->lag == 1 ? ts < bar.ts
                             : ts < bars_before(t, f->lag - 1);
  return begun && row->exists_at <= bar.known_at;
}

/* Whether a row that may be used at the bar is too old to be. */
static bool is_stale(const bv_feature *f, use bar, int64_t ts, int64_t exists_at) {
  return (f->tolerance >= 0 && bar.ts - ts > f->tolerance) ||
         (f->max_age >= 0 && bar.known_at - exists_at > f->max_age);
}

/* The row a bar uses is the first that fits, walking back from it. */
static bv_rc find(bv_back *b, int source, int asset, use bar, bv_err *err) {
  const bv_feature *f = &b->def->source[source];
  bv_back_source *s = &b->source[source];
  bv_rows *r = &s->rows;
  BV_TRY(start(b, source, asset, bar.ts + 1, err));
  while (s->more) {
    if (r->n > 0) {
      if (s->row.ts != r->ts[0] || s->row.exists_at != r->exists[0]) break;
      return bv_source_twice(f, s->row.ts, f->context ? NULL : b->stream[asset].src.base.asset,
                             err);
    }
    int fit = fits(f, &b->trail[asset], bar, &s->row);
    if (fit < 0) break;
    if (fit > 0) {
      r->any = false;
      BV_TRY(bv_rows_add(r, s->st, &s->row));
    }
    BV_TRY(step(b, source, err));
  }
  sqlite3_reset(s->st);
  return BV_OK;
}

static void lay_values(bv_back *b, int source, use bar) {
  const bv_feature *f = &b->def->source[source];
  const bv_back_source *s = &b->source[source];
  const bv_rows *r = &s->rows;
  bool there = r->n > 0 && !is_stale(f, bar, r->ts[0], r->exists[0]);
  for (int c = 0; c < f->ncolumn; c++) {
    if (!s->wanted[c]) continue;
    const bv_tile_col *to = &b->tile.value[s->base + c];
    to->type[0] = there ? r->type[c][0] : BV_WORD_NULL;
    to->word[0] = there ? r->word[c][0] : (bv_word){.r = NAN};
  }
}

/* Lay the bar on top into the tile, with what it uses. */
static bv_rc settle(bv_back *b, bv_err *err) {
  bv_tile *t = &b->tile;
  int at = bv_stream_heap_top(&b->heap);
  t->n = at >= 0;
  if (at < 0) return BV_OK;
  bv_stream *st = &b->stream[at];
  const use bar = {bv_stream_ts(st), bv_stream_known_at(st)};
  t->ts[0] = bar.ts;
  t->lane[0] = at;
  t->bar[0] = 0;
  for (int c = 0; c < BV_NCOL; c++) {
    if (!(b->mask & BV_COLBIT(c))) continue;
    double v;
    BV_TRY(bv_stream_value(st, (bv_column)c, &v, err));
    t->own[c].word[0].r = v;
    t->own[c].type[0] = v == v ? BV_WORD_REAL : BV_WORD_NULL;
  }
  if (b->trail[at].cap > 0) BV_TRY(bv_trail_fill(&b->trail[at], b->store, &st->src, bar.ts, err));
  for (int k = 0; k < b->def->nsource; k++) {
    if (!b->source[k].used) continue;
    if (b->source[k].rows.n > 0) bv_rows_pop(&b->source[k].rows);
    BV_TRY(find(b, k, at, bar, err));
    lay_values(b, k, bar);
  }
  return BV_OK;
}

bv_rc bv_back_next(bv_back *b, bv_err *err) {
  bv_stream *st = &b->stream[bv_stream_heap_top(&b->heap)];
  if (!bv_stream_step(st, -1)) BV_TRY(bv_stream_next(st, err));
  bv_stream_heap_moved(&b->heap);
  return settle(b, err);
}

/* ---- opening ---- */

static bv_rc open_streams(bv_back *b, char **asset, int n, const bv_join_request *q, bv_err *err) {
  int64_t piece = BV_STREAM_PIECE; /* many streams share the memory of eight */
  if (n > 8) piece = piece * 8 / n;
  if (piece < 256) piece = 256;
  for (int i = 0; i < n; i++) {
    const bv_series *series;
    BV_TRY(bv_series_find(b->store, asset[i], b->def->step_text, &series, err));
    if (!series) {
      return bv_series_missing(b->store, b->def->name, asset[i], b->def->step_text, err);
    }
    bv_source src = bv_source_stored(series);
    BV_TRY(bv_stream_open(&b->stream[b->n++], b->store, &src, q->lo, q->hi, true, piece, q->mask,
                          err));
  }
  return bv_stream_heap_open(&b->heap, b->stream, b->n, false, true);
}

static bv_rc open_sources(bv_back *b, const bool *wanted, int *nvalue, bv_err *err) {
  int64_t lag = 0;
  (void)err;
  for (int k = 0; k < b->def->nsource; k++) {
    const bv_feature *f = &b->def->source[k];
    bv_back_source *s = &b->source[k];
    s->base = *nvalue;
    s->wanted = wanted + s->base;
    for (int c = 0; c < f->ncolumn; c++) s->used |= s->wanted[c];
    BV_TRY(bv_rows_init(&s->rows, f->ncolumn, s->wanted, bv_feature_at_once(f)));
    if (s->used && f->lag > lag) lag = f->lag;
    *nvalue += f->ncolumn;
  }
  for (int a = 0; a < b->n && lag > 0; a++) {
    b->trail[a].ts = bv_alloc(BV_MEM_CURSOR, (size_t)lag * sizeof *b->trail[a].ts);
    if (!b->trail[a].ts) return BV_NOMEM;
    b->trail[a].cap = (int)lag;
  }
  return BV_OK;
}

bv_rc bv_back_open(bv_back *b, bv_store *s, bv_join_def *def, const bv_join_request *q,
                   char **asset, int n, bv_err *err) {
  int nvalue = 0;
  *b = (bv_back){.store = s, .def = def, .mask = q->mask};
  b->stream = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *b->stream + 1);
  b->trail = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *b->trail + 1);
  b->source = bv_alloc0(BV_MEM_CURSOR, (size_t)def->nsource * sizeof *b->source + 1);
  if (!b->stream || !b->trail || !b->source) return BV_NOMEM;
  BV_TRY(open_streams(b, asset, n, q, err));
  BV_TRY(open_sources(b, q->wanted, &nvalue, err));
  BV_TRY(bv_tile_open(&b->tile, 1, q->mask, q->wanted, nvalue));
  return settle(b, err);
}

void bv_back_close(bv_back *b) {
  for (int k = 0; b->source && k < b->def->nsource; k++) {
    sqlite3_finalize(b->source[k].st);
    bv_rows_reset(&b->source[k].rows);
  }
  for (int a = 0; a < b->n; a++) {
    bv_stream_close(&b->stream[a]);
    bv_free(b->trail[a].ts);
  }
  bv_stream_heap_close(&b->heap);
  bv_tile_close(&b->tile);
  bv_free(b->stream);
  bv_free(b->trail);
  bv_free(b->source);
  *b = (bv_back){0};
}
