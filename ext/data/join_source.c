/* join_source.c - reading the sources of a join along with its lanes; see join_source.h. */
#include "data/join_source.h"
#include "data/feature_take.h"
#include "data/seg.h"
#include "time/instant.h"

#include <string.h>

/* The next row; a source that reads this join would do so for ever. */
static bv_rc step(bv_ahead *a, int source, bv_err *err) {
  bv_ahead_source *s = &a->source[source];
  bool was = a->def->reading;
  a->def->reading = true;
  bv_rc rc = bv_feature_next(&a->def->source[source], s->st, &s->row, &s->more, err);
  a->def->reading = was;
  if (rc != BV_OK) s->more = false;
  return rc;
}

static bv_rc start(bv_ahead *a, int source, bv_feature_walk walk, int lane, int64_t ts,
                   bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  if (!s->st) BV_TRY(bv_feature_prepare(f, walk, &s->st, err));
  sqlite3_reset(s->st);
  sqlite3_bind_int64(s->st, 1, ts);
  if (lane >= 0) sqlite3_bind_text(s->st, 2, a->lane[lane].src.base.asset, -1, SQLITE_STATIC);
  return step(a, source, err);
}

bv_rc bv_source_twice(const bv_feature *f, int64_t ts, const char *asset, bv_err *err) {
  char at[32];
  bv_instant_format(ts, at);
  return bv_fail(err, BV_ARG,
                 "%s has two rows%s%.64s%s of %s; keep one, or tell when each exists by known_at",
                 f->label, asset ? " for '" : "", asset ? asset : "", asset ? "'" : "", at);
}

/* ---- keeping rows ---- */

/* Of rows that count from the same bar on, those are dropped that a newer one stands for; matched exactly, all of
** them, for there is no bar of their time. */
static void drop_alike(const bv_feature *f, bv_rows *r, int64_t next, const bv_lane *l,
                       const bv_feature_row *row, int64_t alike_before) {
  while (bv_rows_end(r) > next && r->n > 0) {
    int64_t ts = r->ts[r->n - 1], exists = r->exists[r->n - 1];
    int64_t bound = l ? bv_lane_bound(l) : alike_before;
    if (l ? !bv_lane_alike(l, ts, row->ts) : row->ts >= alike_before) return;
    if (f->asof && row->exists_at > exists && row->exists_at > bound) return;
    if (!f->asof && ts == row->ts) return;
    bv_rows_pop(r);
  }
}

/* Take a row for lane; -1: for all.  Its values are given, or those the statement stands on. */
static bv_rc keep(bv_ahead *a, int source, int lane, bv_feature_row *row, sqlite3_value **value,
                  bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  bv_lane *l = lane >= 0 ? &a->lane[lane] : NULL;
  bv_feature_apply_span(f, l ? l->src.base.zone : a->store->zone, row);
  if (row->exists_at == BV_NEVER) return BV_OK;
  bv_rows *r = l ? &l->use[source].own : &s->shared;
  bool again = r->any && r->last_ts == row->ts && r->last_exists == row->exists_at;
  if (!again && !s->recording)
    drop_alike(f, r, l ? l->use[source].next : 0, l, row, s->alike_before);
  bv_rc rc = value ? bv_rows_add_values(r, value, row) : bv_rows_add(r, s->st, row);
  return rc == BV_CONFLICT ? bv_source_twice(f, row->ts, l ? l->src.base.asset : NULL, err) : rc;
}

/* ---- walking on ---- */

/* Whether a lane can do with a row of ts. */
static bool wants(const bv_ahead_source *s, const bv_lane *l, int source, int64_t ts) {
  if (l->use[source].held) return false;
  return s->recording ? ts < l->hi : !l->ended || l->n > 0;
}

/* Rows for all assets, up to a time. */
static bv_rc pull(bv_ahead *a, int source, int64_t upto, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  while (s->more && s->row.ts <= upto) {
    int lane = -1;
    if (!f->context) {
      lane = (int)(intptr_t)bv_map_find(&a->index, s->row.asset, strlen(s->row.asset)) - 1;
    }
    if (f->context || (lane >= 0 && wants(s, &a->lane[lane], source, s->row.ts))) {
      BV_TRY(keep(a, source, lane, &s->row, NULL, err));
    }
    BV_TRY(step(a, source, err));
  }
  return BV_OK;
}

/* What a lane's rows are before more are taken. */
typedef struct taking {
  bv_ahead *a;
  int source, lane;
  bool unordered;
} taking;

static bv_rc take_row(void *ctx, bv_feature_row *row, sqlite3_value **value, bv_err *err) {
  taking *t = ctx;
  const bv_rows *r = &t->a->lane[t->lane].use[t->source].own;
  if (r->any &&
      (row->ts < r->last_ts || (row->ts == r->last_ts && row->exists_at < r->last_exists))) {
    t->unordered = true;
    return BV_RANGE;
  }
  return keep(t->a, t->source, t->lane, row, value, err);
}

/* Take the rows of one asset up to a time as they are found.  *taken = false: they are not found in order, and nothing
** has happened. */
static bv_rc take_asset(bv_ahead *a, int source, int lane, int64_t upto, bool *taken, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  bv_lane *l = &a->lane[lane];
  bv_lane_use *u = &l->use[source];
  taking t = {.a = a, .source = source, .lane = lane};
  *taken = false;
  if (!s->take) BV_TRY(bv_feature_prepare(f, BV_WALK_TAKE, &s->take, err));
  int64_t n = u->own.n, ts = u->own.last_ts, exists = u->own.last_exists;
  bool any = u->own.any, was = a->def->reading;
  a->def->reading = true;
  bv_rc rc = bv_feature_take(a->store, f, s->take, l->src.base.asset, u->read_from, upto, take_row,
                             &t, err);
  a->def->reading = was;
  *taken = !t.unordered;
  if (*taken) return rc;
  while (u->own.n > n) bv_rows_pop(&u->own);
  u->own.last_ts = ts;
  u->own.last_exists = exists;
  u->own.any = any;
  s->no_take = true;
  return BV_OK;
}

/* Rows of one asset, up to a time. */
static bv_rc pull_asset(bv_ahead *a, int source, int lane, int64_t upto, bv_err *err) {
  bv_ahead_source *s = &a->source[source];
  bv_lane *l = &a->lane[lane];
  bv_lane_use *u = &l->use[source];
  if (u->read_from > upto) return BV_OK;
  if (s->recording && s->ordered && !s->no_take) {
    bool taken;
    int64_t start_s, end_s; /* rows that are recorded stay: more of them at once */
    bv_seg_range(&l->src.base, bv_seg_chunk_of(&l->src.base, upto), &start_s, &end_s);
    int64_t end = end_s < l->hi ? end_s - 1 : l->hi - 1;
    if (end < upto) end = upto;
    BV_TRY(take_asset(a, source, lane, end, &taken, err));
    if (taken) u->read_from = end + 1;
    if (taken && end < l->hi - 1) return BV_OK;
    /* after the last bar a row is looked at, as it is stepping on: its ts may be no time */
  }
  if (s->standing != lane) {
    BV_TRY(start(a, source, BV_WALK_ASSET, lane, u->read_from, err));
    s->standing = lane;
  }
  while (s->more && s->row.ts <= upto) {
    BV_TRY(keep(a, source, lane, &s->row, NULL, err));
    BV_TRY(step(a, source, err));
  }
  if (u->read_from <= upto) u->read_from = upto + 1;
  return BV_OK;
}

/* Context rows that no lane needs any more go now and then. */
static void trim_shared(bv_ahead *a, int source) {
  bv_ahead_source *s = &a->source[source];
  if (s->recording || s->held || s->shared.n < 2 * s->trimmed + 1024) return;
  int64_t first = INT64_MAX;
  for (int i = 0; i < a->nlane; i++) {
    const bv_lane *l = &a->lane[i];
    if (l->ended && l->n == 0) continue;
    if (l->use[source].keep < first) first = l->use[source].keep;
  }
  if (first != INT64_MAX) bv_rows_trim(&s->shared, first);
  s->trimmed = s->shared.n;
}

/* Recording ends where there is no room for it. */
static void watch_room(bv_ahead *a, int source, bv_lane_use *u) {
  bv_ahead_source *s = &a->source[source];
  if (!s->recording) return;
  int64_t bytes = bv_rows_bytes(u->rows, u->rows->n);
  s->recorded += bytes - u->recorded;
  u->recorded = bytes;
  s->recording = !u->rows->other && bv_held_room(a->store, s->recorded);
}

bv_rc bv_source_match(bv_ahead *a, int source, int lane, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  bv_lane *l = &a->lane[lane];
  if (l->n == 0) return BV_OK;
  if (!s->held && !l->use[source].held && !s->complete) {
    int64_t upto = l->ts[l->n - 1];
    BV_TRY(s->each ? pull_asset(a, source, lane, upto, err) : pull(a, source, upto, err));
    watch_room(a, source, &l->use[source]);
  }
  if (f->context) trim_shared(a, source);
  bv_lane *mate = s->mate;
  BV_TRY(bv_lane_match(l, f, &l->use[source], mate, mate ? &mate->use[source] : NULL));
  if (a->mode == BV_AHEAD_WALKS) s->mate = l;
  return BV_OK;
}

/* ---- beginning ---- */

/* The first of the bars that timing can still count: rows before it all count alike. */
static int64_t counted_from(const bv_ahead *a, const bv_feature *f, int lane) {
  const bv_lane *l = &a->lane[lane];
  return f->lag > 0 && l->trail.n > 0 ? l->trail.ts[0] : a->lo;
}

/* Collect rows before lo, newest first, back to the first that any bar from lo on can do with. */
static bv_rc collect(bv_ahead *a, int source, int lane, int64_t from, bv_rows *out, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  BV_TRY(start(a, source, BV_WALK_BACK, f->context ? -1 : lane, a->lo, err));
  while (s->more) {
    bv_feature_apply_span(f, f->context ? a->store->zone : a->lane[lane].src.base.zone, &s->row);
    if (!f->asof && s->row.ts < from) break;
    if (s->row.exists_at != BV_NEVER) {
      bv_rc rc = bv_rows_add(out, s->st, &s->row);
      if (rc == BV_CONFLICT) {
        return bv_source_twice(f, s->row.ts, f->context ? NULL : a->lane[lane].src.base.asset, err);
      }
      BV_TRY(rc);
      if (f->asof && s->row.ts < from && s->row.exists_at <= a->lo) break;
    }
    BV_TRY(step(a, source, err));
  }
  return BV_OK;
}

/* What the bars from lo on can use of the rows before it: of one lane, or of context for all. */
static bv_rc recover(bv_ahead *a, int source, int lane, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  int64_t from = counted_from(a, f, lane);
  for (int i = 0; f->context && i < a->nlane; i++) {
    int64_t t = counted_from(a, f, i);
    if (t < from) from = t;
  }
  bv_rows back;
  bv_rc rc = bv_rows_init(&back, f->ncolumn, s->wanted, bv_feature_at_once(f));
  if (rc == BV_OK) rc = collect(a, source, lane, from, &back, err);
  if (rc == BV_OK) {
    rc = bv_rows_take_reversed(f->context ? &s->shared : &a->lane[lane].use[source].own, &back);
  }
  bv_rows_reset(&back);
  return rc;
}

/* Whether assets are walked one by one: the source is in order for one asset, but not for all; and whether rows come in
** order by being sorted. */
static bv_rc choose_walk(const bv_ahead *a, int source, bool *each, bool *ordered, bool *sorted,
                         bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bool all = true;
  *each = *ordered = *sorted = false;
  if (f->context) return BV_OK;
  if (a->nlane > 1) BV_TRY(bv_feature_ordered(f, BV_WALK_ALL, &all, err));
  if (a->nlane > 1 && all) return BV_OK;
  BV_TRY(bv_feature_ordered(f, BV_WALK_ASSET, ordered, err));
  *each = *ordered || a->nlane == 1;
  *sorted = !*ordered && a->nlane > 1;
  return BV_OK;
}

static bv_rc init_rows(bv_ahead *a, int source, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  (void)err;
  size_t columns = (size_t)f->ncolumn, each = columns * (size_t)a->nlane;
  s->word = bv_alloc(BV_MEM_CURSOR, each * sizeof *s->word + 1);
  s->type = bv_alloc(BV_MEM_CURSOR, each * sizeof *s->type + 1);
  s->seen = bv_alloc(BV_MEM_CURSOR, columns + 1);
  if (!s->word || !s->type || !s->seen) return BV_NOMEM;
  s->alike_before = INT64_MAX;
  s->standing = -1;
  bool same = bv_feature_at_once(f);
  if (f->context) BV_TRY(bv_rows_init(&s->shared, f->ncolumn, s->wanted, same));
  for (int i = 0; i < a->nlane; i++) {
    bv_lane *l = &a->lane[i];
    bv_lane_use *u = &l->use[source];
    u->rows = f->context ? &s->shared : &u->own;
    if (!f->context) BV_TRY(bv_rows_init(&u->own, f->ncolumn, s->wanted, same));
    int64_t bound = l->trail.n > 0 ? l->trail.ts[0] : bv_lane_bound(l);
    if (bound < s->alike_before && !(l->ended && l->n == 0)) s->alike_before = bound;
  }
  return BV_OK;
}

/* Use what is held of the lanes; *missing tells whether something is to be read. */
static bv_rc use_held(bv_ahead *a, int source, bool *missing, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  int64_t upto = INT64_MIN;
  *missing = true;
  bv_buf_init(&s->key, BV_MEM_CURSOR, 1 << 20);
  if (a->mode == BV_AHEAD_STREAMS) return BV_OK;
  BV_TRY(bv_held_key(f, s->wanted, &s->key));
  BV_TRY(bv_held_stamp_now(a->store, f, &s->stamp, err));
  s->recording = s->stamp.ok && a->lo == INT64_MIN;
  *missing = false;
  for (int i = 0; i < a->nlane; i++) {
    bv_lane *l = &a->lane[i];
    bv_lane_use *u = &l->use[source];
    if (l->ended && l->n == 0) continue;
    if (l->hi - 1 > upto) upto = l->hi - 1;
    if (f->context) continue;
    u->held = bv_held_find(a->store, bv_buf_text(&s->key), &s->stamp, l->src.base.asset, l->hi - 1);
    if (u->held) u->rows = &u->held->rows;
    if (!u->held) *missing = true;
  }
  if (!f->context) return BV_OK;
  s->held = bv_held_find(a->store, bv_buf_text(&s->key), &s->stamp, "", upto);
  for (int i = 0; s->held && i < a->nlane; i++) a->lane[i].use[source].rows = &s->held->rows;
  *missing = !s->held;
  return BV_OK;
}

/* All rows of a source, as they lie in it. */
typedef struct taking_all {
  bv_ahead *a;
  int source, lane;
  int64_t n; /* rows taken */
} taking_all;

/* The lane of an asset, -1: none; looked for first where the row before was, and after it. */
static int lane_of(taking_all *t, const char *asset) {
  const bv_ahead *a = t->a;
  for (int i = t->lane; i <= t->lane + 1 && i < a->nlane; i++) {
    if (strcmp(a->lane[i].src.base.asset, asset) == 0) return i;
  }
  return (int)(intptr_t)bv_map_find(&a->index, asset, strlen(asset)) - 1;
}

/* BV_RANGE: the rows have to be walked over in order. */
static bv_rc take_any(void *ctx, bv_feature_row *row, sqlite3_value **value, bv_err *err) {
  enum { EACH = 4096 }; /* rows; so often it is looked whether there is room */
  taking_all *t = ctx;
  const char *asset = (const char *)sqlite3_value_text(value[0]);
  if (!asset) return BV_NOMEM;
  int lane = lane_of(t, asset);
  t->lane = lane < 0 ? 0 : lane;
  if (lane < 0 || row->ts >= t->a->lane[lane].hi || t->a->lane[lane].use[t->source].held)
    return BV_OK;
  const bv_rows *r = &t->a->lane[lane].use[t->source].own;
  if (r->any &&
      (row->ts < r->last_ts || (row->ts == r->last_ts && row->exists_at < r->last_exists))) {
    return BV_RANGE;
  }
  BV_TRY(keep(t->a, t->source, lane, row, value + 1, err));
  if (r->other) return BV_RANGE;
  return ++t->n % EACH > 0 || bv_held_room(t->a->store, bv_rows_bytes(r, t->n)) ? BV_OK : BV_RANGE;
}

/* Where a walk in order of time would have to sort, and the rows are kept anyway: take them as they lie in the source, if
** those of each asset are in order.  Else, and where something is wrong with one of them, nothing has happened: a
** walk finds it in its turn. */
static bv_rc take_all(bv_ahead *a, int source, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  taking_all t = {.a = a, .source = source};
  bv_err why = {0};
  sqlite3_stmt *st;
  BV_TRY(bv_feature_prepare(f, BV_WALK_TAKE_ALL, &st, err));
  bool was = a->def->reading;
  a->def->reading = true;
  bv_rc rc = bv_feature_take(a->store, f, st, NULL, 0, 0, take_any, &t, &why);
  a->def->reading = was;
  sqlite3_finalize(st);
  s->complete = rc == BV_OK;
  for (int i = 0; i < a->nlane && !s->complete; i++) {
    bv_rows *own = &a->lane[i].use[source].own;
    bv_rows_reset(own);
    BV_TRY(bv_rows_init(own, f->ncolumn, s->wanted, bv_feature_at_once(f)));
  }
  return rc == BV_NOMEM ? rc : BV_OK;
}

/* Rows up to the last instant a bar of the lane may begin at. */
static bv_rc complete(bv_ahead *a, int source, bv_err *err) {
  bv_ahead_source *s = &a->source[source];
  int64_t upto = INT64_MIN;
  for (int i = 0; i < a->nlane; i++) {
    const bv_lane *l = &a->lane[i];
    const bv_lane_use *u = &l->use[source];
    if (u->held) continue;
    if (s->each && u->read_from > INT64_MIN && u->read_from < l->hi) {
      BV_TRY(pull_asset(a, source, i, l->hi - 1, err));
    }
    if (l->hi - 1 > upto) upto = l->hi - 1;
  }
  return s->each ? BV_OK : pull(a, source, upto, err);
}

void bv_source_hold(bv_ahead *a, int source) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  bv_held_stamp now;
  bv_err err = {0};
  if (!s->recording || !s->used || s->held || (!s->each && !s->st && !s->complete)) return;
  if (!s->complete && complete(a, source, &err) != BV_OK)
    return; /* what is wrong after the last bar is not asked for */
  if (bv_held_stamp_now(a->store, f, &now, &err) != BV_OK || now.changes != s->stamp.changes ||
      now.data != s->stamp.data || now.schema != s->stamp.schema) {
    return;
  }
  int64_t upto = INT64_MIN;
  for (int i = 0; i < a->nlane; i++) {
    bv_lane *l = &a->lane[i];
    bv_lane_use *u = &l->use[source];
    if (l->hi - 1 > upto) upto = l->hi - 1;
    if (f->context || u->held || (s->each && u->read_from == INT64_MIN)) continue;
    bv_held_put(a->store, bv_buf_text(&s->key), &now, l->src.base.asset, &u->own, l->hi - 1);
  }
  if (f->context) bv_held_put(a->store, bv_buf_text(&s->key), &now, "", &s->shared, upto);
}

bv_rc bv_source_begin(bv_ahead *a, int source, bv_err *err) {
  const bv_feature *f = &a->def->source[source];
  bv_ahead_source *s = &a->source[source];
  bool reach = f->asof || f->lag > 0, back = a->lo != INT64_MIN && reach;
  bool missing, sorted;
  BV_TRY(init_rows(a, source, err));
  BV_TRY(use_held(a, source, &missing, err));
  s->reading = missing;
  if (!missing) return BV_OK;
  BV_TRY(choose_walk(a, source, &s->each, &s->ordered, &sorted, err));
  if (sorted && s->recording) BV_TRY(take_all(a, source, err));
  if (s->complete) return BV_OK;
  if (back) BV_TRY(bv_feature_ordered(f, BV_WALK_BACK, &back, err));
  for (int i = 0; back && i < (f->context ? 1 : a->nlane); i++) {
    const bv_lane *l = &a->lane[i];
    if (!f->context && l->use[source].held) continue;
    if (f->context || l->n > 0 || !l->ended) BV_TRY(recover(a, source, i, err));
  }
  sqlite3_finalize(s->st);
  s->st = NULL;
  int64_t from = reach && !back ? INT64_MIN : a->lo;
  for (int i = 0; i < a->nlane; i++) a->lane[i].use[source].read_from = from;
  return s->each ? BV_OK : start(a, source, BV_WALK_ALL, -1, from, err);
}

void bv_source_end(bv_ahead *a, int source) {
  bv_ahead_source *s = &a->source[source];
  sqlite3_finalize(s->st);
  sqlite3_finalize(s->take);
  bv_rows_reset(&s->shared);
  bv_buf_reset(&s->key);
  bv_free(s->word);
  bv_free(s->type);
  bv_free(s->seen);
  bv_held_done(s->held);
  for (int i = 0; i < a->nlane; i++) {
    if (a->lane[i].use) bv_held_done(a->lane[i].use[source].held);
  }
}
