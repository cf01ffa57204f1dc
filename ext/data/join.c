/* join.c - prices with signals and context, merged point in time; see join.h. */
#include "data/join.h"
#include "data/join_slot.h"
#include "data/join_universe.h"
#include "time/instant.h"

#include <string.h>

/* A statement over a source and the row it stands on. */
typedef struct walker {
  sqlite3_stmt *st;
  bv_feature_row row;
  bool more;
} walker;

/* A source.  One statement walks over it for all assets; but where it is ordered for a single asset only, each
** has its own. */
typedef struct reader {
  walker *walk;
  int nwalk;
  bool used;          /* some value of it is read */
  const bool *wanted; /* which */
  int base;           /* number of its first value among all sources */
} reader;

struct bv_join {
  bv_store *store;
  bv_join_def *def;
  int64_t lo, hi;
  bool desc;
  bv_stream *stream; /* one per asset, in order of name */
  int nstream;
  bv_stream_heap heap;
  bv_map index; /* asset -> number of its stream + 1 */
  bv_trail *trail;
  bv_slot *slot; /* asset by asset, one per source */
  reader *reader;
};

static bv_slot *slot_of(const bv_join *j, int asset, int source) {
  return &j->slot[(size_t)asset * (size_t)j->def->nsource + (size_t)source];
}

/* ---- reading a source ---- */

/* The next row; a source that reads this join would do so for ever. */
static bv_rc step(bv_join *j, int source, walker *w, bv_err *err) {
  bool was = j->def->reading;
  j->def->reading = true;
  bv_rc rc = bv_feature_next(&j->def->source[source], w->st, &w->row, &w->more, err);
  j->def->reading = was;
  if (rc != BV_OK) w->more = false;
  return rc;
}

static bv_rc twice(const bv_feature *f, const bv_feature_row *row, bv_err *err) {
  char at[32];
  bv_instant_format(row->ts, at);
  return bv_fail(err, BV_ARG,
                 "%s has two rows%s%.64s%s of %s; keep one, or tell when each exists by known_at",
                 f->label, row->asset ? " for '" : "", row->asset ? row->asset : "",
                 row->asset ? "'" : "", at);
}

/* Put the row a source stands on to the assets it is for; every bar from now on begins at `at` or later. */
static bv_rc hand_out(bv_join *j, int source, walker *w, int64_t at, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  bv_entry *e;
  int first = 0, end = j->nstream;
  if (w->row.asset) {
    first = (int)(intptr_t)bv_map_find(&j->index, w->row.asset, strlen(w->row.asset)) - 1;
    end = first + 1;
    if (first < 0) return BV_OK;
  }
  bv_feature_apply_span(f, f->context ? j->store->zone : j->stream[first].src.base.zone, &w->row);
  if (w->row.exists_at == BV_NEVER) return BV_OK;
  BV_TRY(bv_entry_new(w->st, f, &w->row, j->reader[source].wanted, &e));
  bv_rc rc = BV_OK;
  for (int a = first; a < end && rc == BV_OK; a++) {
    if (!j->stream[a].eof) rc = bv_slot_push(slot_of(j, a, source), f, &j->trail[a], e, at);
  }
  bv_entry_unref(e);
  return rc == BV_CONFLICT ? twice(f, &w->row, err) : rc;
}

/* Take the rows that the next bar of an asset, at `upto`, may use. */
static bv_rc pull(bv_join *j, int source, int asset, int64_t upto, bv_err *err) {
  const reader *r = &j->reader[source];
  walker *w = &r->walk[r->nwalk > 1 ? asset : 0];
  while (w->more && w->row.ts <= upto) {
    BV_TRY(hand_out(j, source, w, upto, err));
    BV_TRY(step(j, source, w, err));
  }
  return BV_OK;
}

/* Begin to read forwards from `from` on; of one asset, or (-1) of all. */
static bv_rc start(bv_join *j, int source, walker *w, int asset, int64_t from, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  sqlite3_finalize(w->st);
  w->st = NULL;
  BV_TRY(bv_feature_prepare(f, asset >= 0 ? BV_WALK_ASSET : BV_WALK_ALL, &w->st, err));
  sqlite3_bind_int64(w->st, 1, from);
  if (asset >= 0) {
    sqlite3_bind_text(w->st, 2, j->stream[asset].src.base.asset, -1, SQLITE_STATIC);
  }
  return step(j, source, w, err);
}

/* ---- walking back ---- */

/* The starts of the bars before `ts`. */
static bv_rc fill_trail(bv_join *j, int asset, int64_t ts, bv_err *err) {
  bv_trail *t = &j->trail[asset];
  bv_stream st;
  t->n = 0;
  if (t->cap == 0) return BV_OK;
  bv_rc rc =
      bv_stream_open(&st, j->store, &j->stream[asset].src, INT64_MIN, ts, true, t->cap, 0, err);
  int n = 0;
  while (rc == BV_OK && !st.eof && n < t->cap) {
    t->ts[t->cap - ++n] = bv_stream_ts(&st);
    rc = bv_stream_next(&st, err);
  }
  bv_stream_close(&st);
  memmove(t->ts, t->ts + (t->cap - n), (size_t)n * sizeof *t->ts);
  t->n = n;
  return rc;
}

static bv_rc start_back(bv_join *j, int source, int asset, int64_t before, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  walker *w = j->reader[source].walk;
  if (!w->st) BV_TRY(bv_feature_prepare(f, BV_WALK_BACK, &w->st, err));
  sqlite3_reset(w->st);
  sqlite3_bind_int64(w->st, 1, before);
  if (!f->context) {
    sqlite3_bind_text(w->st, 2, j->stream[asset].src.base.asset, -1, SQLITE_STATIC);
  }
  return step(j, source, w, err);
}

static void apply_span(bv_join *j, int source, int asset) {
  const bv_feature *f = &j->def->source[source];
  const bv_zone *zone = f->context ? j->store->zone : j->stream[asset].src.base.zone;
  bv_feature_apply_span(f, zone, &j->reader[source].walk->row);
}

/* Rows met walking back, to be handed out in order of time. */
typedef struct pile {
  bv_entry **entry;
  int n, cap;
} pile;

static bv_rc pile_add(pile *p, bv_entry *e) {
  if (p->n == p->cap) {
    int cap = p->cap ? p->cap * 2 : 8;
    bv_entry **more = bv_realloc(BV_MEM_CURSOR, p->entry, (size_t)cap * sizeof *more);
    if (!more) return BV_NOMEM;
    p->entry = more;
    p->cap = cap;
  }
  p->entry[p->n++] = e;
  return BV_OK;
}

/* The first of the bars that timing can still count: rows before it all count alike. */
static int64_t counted_from(const bv_join *j, const bv_feature *f, int asset) {
  const bv_trail *t = &j->trail[asset];
  return f->lag > 0 && t->n > 0 ? t->ts[0] : j->lo;
}

/* Collect rows before lo, back to the first that any bar from lo on can do with. */
static bv_rc collect(bv_join *j, int source, int asset, int64_t from, pile *p, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  walker *w = j->reader[source].walk;
  BV_TRY(start_back(j, source, asset, j->lo, err));
  for (; w->more;) {
    apply_span(j, source, asset);
    if (!f->asof && w->row.ts < from) break;
    if (w->row.exists_at != BV_NEVER) {
      bv_entry *e;
      BV_TRY(bv_entry_new(w->st, f, &w->row, j->reader[source].wanted, &e));
      bv_rc rc = pile_add(p, e);
      if (rc != BV_OK) {
        bv_entry_unref(e);
        return rc;
      }
      if (f->asof && w->row.ts < from && w->row.exists_at <= j->lo) break;
    }
    BV_TRY(step(j, source, w, err));
  }
  sqlite3_reset(w->st);
  return BV_OK;
}

static bv_rc hand_out_pile(bv_join *j, int source, int first, int end, const pile *p, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  for (int i = p->n - 1; i >= 0; i--) {
    bv_entry *e = p->entry[i];
    for (int a = first; a < end; a++) {
      bv_rc rc = bv_slot_push(slot_of(j, a, source), f, &j->trail[a], e, j->lo);
      const bv_feature_row row = {.ts = e->ts,
                                  .asset = f->context ? NULL : j->stream[a].src.base.asset};
      if (rc == BV_CONFLICT) return twice(f, &row, err);
      if (rc != BV_OK) return rc;
    }
  }
  return BV_OK;
}

/* What the bars from lo on can use of the rows before it: of one asset, or of context for all. */
static bv_rc recover(bv_join *j, int source, int asset, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  int first = asset, end = asset + 1;
  int64_t from = counted_from(j, f, asset);
  if (f->context) {
    end = j->nstream;
    for (int a = 0; a < end; a++) {
      int64_t t = counted_from(j, f, a);
      if (t < from) from = t;
    }
  }
  pile p = {0};
  bv_rc rc = collect(j, source, asset, from, &p, err);
  if (rc == BV_OK) rc = hand_out_pile(j, source, first, end, &p, err);
  for (int i = 0; i < p.n; i++) bv_entry_unref(p.entry[i]);
  bv_free(p.entry);
  return rc;
}

/* Newest first: the row a bar uses is the first that fits, walking back from it. */
static bv_rc find(bv_join *j, int source, int asset, bv_use bar, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  walker *w = j->reader[source].walk;
  const bv_trail *t = &j->trail[asset];
  bv_slot *s = slot_of(j, asset, source);
  bv_slot_reset(s);
  BV_TRY(start_back(j, source, asset, bar.ts + 1, err));
  for (; w->more;) {
    apply_span(j, source, asset);
    if (s->n > 0) {
      const bv_entry *e = s->entry[0];
      if (w->row.ts != e->ts || w->row.exists_at != e->exists_at) break;
      return twice(f, &w->row, err);
    }
    int fits =
        w->row.exists_at == BV_NEVER ? 0 : bv_entry_fits(f, t, bar, w->row.ts, w->row.exists_at);
    if (fits < 0 && w->row.exists_at != BV_NEVER) break;
    if (fits > 0) {
      bv_entry *e;
      BV_TRY(bv_entry_new(w->st, f, &w->row, j->reader[source].wanted, &e));
      bv_rc rc = bv_slot_push(s, f, t, e, bar.ts);
      bv_entry_unref(e);
      if (rc != BV_OK) return rc;
      if (!bv_entry_stale(f, bar, e->ts, e->exists_at)) s->now = e;
    }
    BV_TRY(step(j, source, w, err));
  }
  sqlite3_reset(w->st);
  return BV_OK;
}

/* ---- the walk ---- */

/* Find what the bar on top uses. */
static bv_rc settle(bv_join *j, bv_err *err) {
  int a = bv_stream_heap_top(&j->heap);
  if (a < 0) return BV_OK;
  const bv_use bar = {bv_stream_ts(&j->stream[a]), bv_stream_known_at(&j->stream[a])};
  if (j->desc) BV_TRY(fill_trail(j, a, bar.ts, err));
  for (int k = 0; k < j->def->nsource; k++) {
    if (!j->reader[k].used) continue;
    if (j->desc) {
      BV_TRY(find(j, k, a, bar, err));
    } else {
      BV_TRY(pull(j, k, a, bar.ts, err));
      bv_slot_choose(slot_of(j, a, k), &j->def->source[k], &j->trail[a], bar);
    }
  }
  return BV_OK;
}

bv_rc bv_join_next(bv_join *j, bv_err *err) {
  int a = bv_stream_heap_top(&j->heap);
  bv_stream *st = &j->stream[a];
  if (!j->desc) bv_trail_add(&j->trail[a], bv_stream_ts(st));
  if (!bv_stream_step(st, j->desc ? -1 : 1)) BV_TRY(bv_stream_next(st, err));
  bv_stream_heap_moved(&j->heap);
  return settle(j, err);
}

bv_stream *bv_join_bar(const bv_join *j) {
  int a = bv_stream_heap_top(&j->heap);
  return a < 0 ? NULL : &j->stream[a];
}

void bv_join_result(const bv_join *j, int column, sqlite3_context *ctx) {
  int k = j->def->nsource - 1;
  while (k > 0 && j->reader[k].base > column) k--;
  const bv_entry *e = slot_of(j, bv_stream_heap_top(&j->heap), k)->now;
  if (!e) return;
  const bv_cell *c = &e->cell[column - j->reader[k].base];
  switch (c->type) {
  case SQLITE_INTEGER: sqlite3_result_int64(ctx, c->u.i); break;
  case SQLITE_FLOAT: sqlite3_result_double(ctx, c->u.r); break;
  case SQLITE_NULL: break;
  default: sqlite3_result_value(ctx, c->u.v); break;
  }
}

/* ---- opening ---- */

static bv_rc open_streams(bv_join *j, char **asset, int n, unsigned mask, bv_err *err) {
  int64_t piece = BV_STREAM_PIECE; /* many streams share the memory of eight */
  if (n > 8) piece = piece * 8 / n;
  if (piece < 256) piece = 256;
  for (int i = 0; i < n; i++) {
    const bv_series *series;
    BV_TRY(bv_series_find(j->store, asset[i], j->def->step_text, &series, err));
    if (!series) {
      return bv_series_missing(j->store, j->def->name, asset[i], j->def->step_text, err);
    }
    bv_source src = bv_source_stored(series);
    BV_TRY(bv_map_put(&j->index, asset[i], strlen(asset[i]), (void *)(intptr_t)(i + 1)));
    bv_stream *st = &j->stream[j->nstream++];
    BV_TRY(bv_stream_open(st, j->store, &src, j->lo, j->hi, j->desc, piece, mask, err));
  }
  return bv_stream_heap_open(&j->heap, j->stream, j->nstream, false, j->desc);
}

static bv_rc open_trails(bv_join *j, bv_err *err) {
  int64_t lag = 0;
  for (int k = 0; k < j->def->nsource; k++) {
    if (j->reader[k].used && j->def->source[k].lag > lag) lag = j->def->source[k].lag;
  }
  for (int a = 0; a < j->nstream && lag > 0; a++) {
    j->trail[a].ts = bv_alloc(BV_MEM_CURSOR, (size_t)lag * sizeof *j->trail[a].ts);
    if (!j->trail[a].ts) return BV_NOMEM;
    j->trail[a].cap = (int)lag;
    if (!j->desc && j->lo != INT64_MIN) BV_TRY(fill_trail(j, a, j->lo, err));
  }
  return BV_OK;
}

/* Whether each asset has a statement of its own: the source is in order for one asset, but not for all. */
static bv_rc choose_walks(bv_join *j, int source, bool *each, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  bool all = true;
  *each = !f->context && j->nstream == 1;
  if (f->context || j->nstream == 1) return BV_OK;
  BV_TRY(bv_feature_ordered(f, BV_WALK_ALL, &all, err));
  return all ? BV_OK : bv_feature_ordered(f, BV_WALK_ASSET, each, err);
}

/* Forwards: see to it that the slots have what came before lo, and stand on the first row after. */
static bv_rc open_forwards(bv_join *j, int source, bool each, bv_err *err) {
  const bv_feature *f = &j->def->source[source];
  reader *r = &j->reader[source];
  int64_t from = j->lo;
  bool back = j->lo != INT64_MIN && (f->asof || f->lag > 0);
  if (back) BV_TRY(bv_feature_ordered(f, BV_WALK_BACK, &back, err));
  if (!back && (f->asof || f->lag > 0)) from = INT64_MIN;
  for (int a = 0; back && a < (f->context ? 1 : j->nstream); a++) {
    BV_TRY(recover(j, source, a, err));
  }
  for (int i = 0; i < r->nwalk; i++) {
    BV_TRY(start(j, source, &r->walk[i], each ? i : -1, from, err));
  }
  return BV_OK;
}

static bv_rc open_source(bv_join *j, int source, bv_err *err) {
  reader *r = &j->reader[source];
  bool each = false;
  if (!j->desc) BV_TRY(choose_walks(j, source, &each, err));
  int n = each ? j->nstream : 1;
  r->walk = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *r->walk);
  if (!r->walk) return BV_NOMEM;
  r->nwalk = n;
  return j->desc ? BV_OK : open_forwards(j, source, each, err);
}

static bv_rc open_sources(bv_join *j, const bool *wanted, bv_err *err) {
  for (int k = 0, base = 0; k < j->def->nsource; base += j->def->source[k++].ncolumn) {
    reader *r = &j->reader[k];
    r->base = base;
    r->wanted = wanted + base;
    for (int c = 0; c < j->def->source[k].ncolumn; c++) r->used |= wanted[base + c];
  }
  BV_TRY(open_trails(j, err));
  for (int k = 0; k < j->def->nsource; k++) {
    if (j->reader[k].used) BV_TRY(open_source(j, k, err));
  }
  return BV_OK;
}

static bv_rc open_parts(bv_join *j, const bv_join_request *q, bv_err *err) {
  char **asset = NULL;
  int n = 0;
  bv_rc rc = bv_join_universe(j->store, j->def, q->asset, q->nasset, &asset, &n, err);
  size_t slots = (size_t)n * (size_t)j->def->nsource;
  if (rc == BV_OK) {
    j->stream = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *j->stream);
    j->trail = bv_alloc0(BV_MEM_CURSOR, (size_t)n * sizeof *j->trail);
    j->slot = bv_alloc0(BV_MEM_CURSOR, slots * sizeof *j->slot);
    j->reader = bv_alloc0(BV_MEM_CURSOR, (size_t)j->def->nsource * sizeof *j->reader);
    if (!j->stream || !j->trail || !j->slot || !j->reader) rc = BV_NOMEM;
  }
  if (rc == BV_OK) rc = open_streams(j, asset, n, q->mask, err);
  bv_join_universe_free(asset, n);
  if (rc == BV_OK && bv_stream_heap_top(&j->heap) >= 0) rc = open_sources(j, q->wanted, err);
  return rc == BV_OK ? settle(j, err) : rc;
}

bv_rc bv_join_open(bv_store *s, bv_join_def *def, const bv_join_request *q, bv_join **out,
                   bv_err *err) {
  *out = NULL;
  if (def->reading) {
    return bv_fail(err, BV_ARG, "%s: one of its sources reads %s itself", def->name, def->name);
  }
  bv_join *j = bv_alloc0(BV_MEM_CURSOR, sizeof *j);
  if (!j) return BV_NOMEM;
  j->store = s;
  j->def = def;
  j->lo = q->lo;
  j->hi = q->hi;
  j->desc = q->desc;
  bv_map_init(&j->index);
  bv_rc rc = open_parts(j, q, err);
  if (rc != BV_OK) {
    bv_join_close(j);
    return rc;
  }
  *out = j;
  return BV_OK;
}

void bv_join_close(bv_join *j) {
  if (!j) return;
  for (int k = 0; j->reader && k < j->def->nsource; k++) {
    reader *r = &j->reader[k];
    for (int i = 0; i < r->nwalk; i++) sqlite3_finalize(r->walk[i].st);
    bv_free(r->walk);
  }
  for (int a = 0; a < j->nstream; a++) {
    bv_stream_close(&j->stream[a]);
    bv_free(j->trail[a].ts);
    for (int k = 0; k < j->def->nsource; k++) bv_slot_reset(slot_of(j, a, k));
  }
  bv_stream_heap_close(&j->heap);
  bv_map_reset(&j->index);
  bv_free(j->stream);
  bv_free(j->trail);
  bv_free(j->slot);
  bv_free(j->reader);
  bv_free(j);
}

void bv_join_def_reset(bv_join_def *def) {
  for (int i = 0; i < def->nasset; i++) bv_free(def->asset[i]);
  for (int k = 0; k < def->nsource; k++) bv_feature_close(&def->source[k]);
  bv_free(def->asset);
  bv_free(def->source);
  bv_free(def->universe_table);
  bv_free(def->name);
  *def = (bv_join_def){0};
}
