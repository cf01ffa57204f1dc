/* lane.c - the bars of one asset for a while, and the rows they use; see lane.h. */
#include "data/lane.h"

#include <math.h>
#include <string.h>

/* ---- bars ---- */

/* The bars at hand are about to go: remember the starts of the last ones. */
static void remember(bv_lane *l) {
  bv_trail *t = &l->trail;
  if (t->cap == 0 || l->n == 0) return;
  int64_t take = l->n < t->cap ? l->n : t->cap;
  int64_t stay = t->n + take > t->cap ? t->cap - take : t->n;
  memmove(t->ts, t->ts + (t->n - stay), (size_t)stay * sizeof *t->ts);
  memcpy(t->ts + stay, l->ts + (l->n - take), (size_t)take * sizeof *t->ts);
  t->n = (int)(stay + take);
}

/* Columns of many lanes are read side by side, at the same place in each.  Memory of their size begins where pages do,
** so those places would all share a few sets of the processor's caches: each column begins elsewhere in its page. */
#define PAGE  4096
#define APART 128

static void *begin_of(const bv_lane *l, int c) {
  return l->room[c] + (size_t)(l->number * (BV_NCOL + 1) + c) * APART % PAGE;
}

static void show_room(bv_lane *l) {
  l->ts = l->room[BV_NCOL] ? begin_of(l, BV_NCOL) : NULL;
  for (int c = 0; c < BV_NCOL; c++) l->col[c] = l->room[c] ? begin_of(l, c) : NULL;
}

static bool is_kept(const bv_lane *l, int c) {
  return c == BV_NCOL || (l->mask & BV_COLBIT(c));
}

static bv_rc grow(bv_lane *l, int64_t n) {
  char *more[BV_NCOL + 1] = {NULL};
  bool ok = true;
  for (int c = 0; c <= BV_NCOL && ok; c++) {
    if (!is_kept(l, c)) continue;
    more[c] = bv_alloc(BV_MEM_CURSOR, (size_t)n * 8 + PAGE);
    ok = more[c] != NULL;
  }
  for (int c = 0; c <= BV_NCOL; c++) {
    if (!is_kept(l, c)) continue;
    if (ok) {
      void *old = l->room[c] ? begin_of(l, c) : NULL;
      char *was = l->room[c];
      l->room[c] = more[c];
      if (was) memcpy(begin_of(l, c), old, (size_t)l->n * 8);
      bv_free(was);
    } else {
      bv_free(more[c]);
    }
  }
  if (!ok) return BV_NOMEM;
  l->cap = n;
  show_room(l);
  return BV_OK;
}

static bv_rc append(void *lane, const bv_bars *b) {
  bv_lane *l = lane;
  if (l->n + b->n > l->cap) BV_TRY(grow(l, l->n + b->n));
  memcpy((int64_t *)begin_of(l, BV_NCOL) + l->n, b->ts, (size_t)b->n * 8);
  for (int c = 0; c < BV_NCOL; c++) {
    if (!is_kept(l, c)) continue;
    double *to = (double *)begin_of(l, c) + l->n;
    if (b->col[c]) memcpy(to, b->col[c], (size_t)b->n * 8);
    for (int64_t i = 0; !b->col[c] && i < b->n; i++) to[i] = NAN;
  }
  l->n += b->n;
  return BV_OK;
}

bv_rc bv_lane_read(bv_lane *l, bv_store *s, int64_t lo, int64_t hi, bv_err *err) {
  remember(l);
  l->n = l->k = 0;
  l->matched = false;
  if (lo < l->lo) lo = l->lo;
  if (hi > l->hi) hi = l->hi;
  if (lo < hi) BV_TRY(bv_view_each(s, &l->src, lo, hi, l->mask, append, l, err));
  if (l->n > 0) l->lo = l->ts[l->n - 1] + 1;
  if (l->lo < hi) l->lo = hi;
  l->ended = l->lo >= l->hi;
  return BV_OK;
}

/* Point at the bars of the stream's window. */
static void show(bv_lane *l) {
  bv_stream *st = &l->stream;
  l->k = l->n = 0;
  l->matched = false;
  l->ended = st->eof;
  if (st->eof) return;
  int64_t from = st->i - st->base;
  l->at = st->i;
  l->n = st->stop - st->i;
  l->ts = st->view.ts + from;
  for (int c = 0; c < BV_NCOL; c++) l->col[c] = st->view.col[c] ? st->view.col[c] + from : NULL;
}

bv_rc bv_lane_stream(bv_lane *l, bv_store *s, int64_t piece, unsigned mask, bv_err *err) {
  l->streaming = true;
  BV_TRY(bv_stream_open(&l->stream, s, &l->src, l->lo, l->hi, false, piece, mask, err));
  show(l);
  if (l->n > 0) l->lo = l->ts[0];
  return BV_OK;
}

bv_rc bv_lane_stream_next(bv_lane *l, bv_err *err) {
  remember(l);
  l->lo = l->ts[l->n - 1] + 1;
  l->stream.i = l->stream.stop - 1;
  BV_TRY(bv_stream_next(&l->stream, err));
  show(l);
  return BV_OK;
}

/* Point at the next piece of the walk. */
static bv_rc show_piece(bv_lane *l, bv_store *s, bv_err *err) {
  bv_bars b;
  BV_TRY(bv_view_walk(&l->walk, s, &b, err));
  l->n = b.n;
  l->k = 0;
  l->ts = b.ts;
  for (int c = 0; c < BV_NCOL; c++) l->col[c] = b.col[c];
  l->whole = l->walk.whole;
  l->matched = false;
  l->ended = b.n == 0;
  return BV_OK;
}

bv_rc bv_lane_walk(bv_lane *l, bv_store *s, bv_err *err) {
  l->walking = true;
  bv_walk_open(&l->walk, s, &l->src, l->lo, l->hi, l->mask, l->number);
  BV_TRY(show_piece(l, s, err));
  if (l->n > 0) l->lo = l->ts[0];
  return BV_OK;
}

bv_rc bv_lane_walk_next(bv_lane *l, bv_store *s, bv_err *err) {
  remember(l);
  l->lo = l->ts[l->n - 1] + 1;
  return show_piece(l, s, err);
}

bv_rc bv_trail_fill(bv_trail *t, bv_store *s, const bv_source *src, int64_t ts, bv_err *err) {
  bv_stream st;
  t->n = 0;
  if (t->cap == 0) return BV_OK;
  bv_rc rc = bv_stream_open(&st, s, src, INT64_MIN, ts, true, t->cap, 0, err);
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

/* ---- rows ---- */

/* The start of the n-th bar before bar k; INT64_MIN: there is none. */
static int64_t bars_before(const bv_lane *l, int64_t k, int64_t n) {
  if (n <= k) return l->ts[k - n];
  n -= k;
  return n <= l->trail.n ? l->trail.ts[l->trail.n - n] : INT64_MIN;
}

int64_t bv_lane_bound(const bv_lane *l) {
  return l->n > 0 && !l->matched ? l->ts[0] : l->lo;
}

bool bv_lane_alike(const bv_lane *l, int64_t before, int64_t ts) {
  const bv_trail *t = &l->trail;
  if (ts >= bv_lane_bound(l)) return false;
  if (l->n > 0 && l->matched) return before > l->ts[l->n - 1];
  return t->n == 0 || ts < t->ts[0] || before > t->ts[t->n - 1];
}

/* A row's turn has come: it stands for those before it that do not exist earlier. */
static bv_rc add_candidate(bv_lane_use *u, const int64_t *exists, int64_t row) {
  while (u->ncand > u->head &&
         exists[u->cand[u->ncand - 1] - u->rows->first] >= exists[row - u->rows->first]) {
    u->ncand--;
  }
  if (u->ncand == u->head) u->head = u->ncand = 0;
  if (u->ncand == u->capcand) {
    if (u->head > u->capcand / 2) {
      u->ncand -= u->head;
      memmove(u->cand, u->cand + u->head, (size_t)u->ncand * sizeof *u->cand);
      u->head = 0;
    } else {
      int64_t cap = u->capcand ? u->capcand * 2 : 4;
      int64_t *more = bv_realloc(BV_MEM_CURSOR, u->cand, (size_t)cap * sizeof *more);
      if (!more) return BV_NOMEM;
      u->cand = more;
      u->capcand = cap;
    }
  }
  u->cand[u->ncand++] = row;
  return BV_OK;
}

static bv_rc match_asof(const bv_lane *l, const bv_feature *f, bv_lane_use *u) {
  int32_t *row = u->room;
  const bv_rows *r = u->rows;
  const int64_t *ts = r->ts, *exists = r->exists, first = r->first, end = bv_rows_end(r);
  for (int64_t k = 0; k < l->n; k++) {
    int64_t bar = l->ts[k], known = bv_lane_known_at(l, bar);
    int64_t turn = f->lag == 0 ? bar + 1 : f->lag == 1 ? bar : bars_before(l, k, f->lag - 1);
    while (u->next < end && ts[u->next - first] < turn) {
      BV_TRY(add_candidate(u, exists, u->next));
      u->next++;
    }
    while (u->ncand - u->head > 1 && exists[u->cand[u->head + 1] - first] <= known) u->head++;
    row[k] = -1;
    if (u->ncand == u->head) continue;
    int64_t i = u->cand[u->head] - first;
    if (exists[i] > known || (f->tolerance >= 0 && bar - ts[i] > f->tolerance)) continue;
    if (f->max_age >= 0 && known - exists[i] > f->max_age) continue;
    row[k] = (int32_t)i;
  }
  return BV_OK;
}

/* The same where a row exists as soon as its turn comes: then the newest whose turn has come is used. */
static void match_newest(const bv_lane *l, const bv_feature *f, bv_lane_use *u) {
  int32_t *row = u->room;
  const bv_rows *r = u->rows;
  const int64_t *ts = r->ts, n = r->n;
  int64_t next = u->next - r->first;
  for (int64_t k = 0; k < l->n;) {
    int64_t end = l->n, before = k;
    while (next < n && ts[next] < l->ts[k] + (f->lag == 0)) next++;
    /* up to the bar at which the next row's turn comes */
    for (; next < n && before < l->n && ts[next] >= l->ts[before] + (f->lag == 0); before++) {
    }
    if (next < n) end = before;
    for (; k < end; k++) row[k] = (int32_t)(next - 1);
  }
  u->next = next + r->first;
  if (f->tolerance < 0 && f->max_age < 0) return;
  for (int64_t k = 0; k < l->n; k++) {
    int32_t i = row[k];
    if (i < 0) continue;
    bool old = f->tolerance >= 0 && l->ts[k] - ts[i] > f->tolerance;
    if (old || (f->max_age >= 0 && bv_lane_known_at(l, l->ts[k]) - ts[i] > f->max_age)) row[k] = -1;
  }
}

static void match_exact(const bv_lane *l, const bv_feature *f, bv_lane_use *u) {
  int32_t *row = u->room;
  const bv_rows *r = u->rows;
  const int64_t *ts = r->ts, first = r->first, end = bv_rows_end(r);
  for (int64_t k = 0; k < l->n; k++) {
    int64_t bar = l->ts[k], at = f->lag == 0 ? bar : bars_before(l, k, f->lag), known = 0;
    row[k] = -1;
    if (at == INT64_MIN) continue;
    while (u->next < end && ts[u->next - first] < at) u->next++;
    if (u->next < end && ts[u->next - first] == at) known = bv_lane_known_at(l, bar);
    for (int64_t i = u->next - first; i < end - first && ts[i] == at; i++) {
      if (r->exists[i] <= known) row[k] = (int32_t)i;
    }
  }
}

void bv_lane_forget(bv_lane_use *u, bool recorded) {
  u->keep = u->ncand > u->head ? u->cand[u->head] : u->next;
  if (u->ncand == 0 && u->next > u->rows->first) u->keep = u->next - 1;
  if (u->rows == &u->own && !recorded) bv_rows_trim(u->rows, u->keep);
}

/* Whether rows have the same times as those the mate's bars at hand use, from the last one whose turn had come to the
** first whose turn has not. */
static bool rows_alike(const bv_lane *l, const bv_feature *f, const bv_lane_use *u,
                       const bv_lane_use *mates) {
  const bv_rows *a = u->rows, *b = mates->rows;
  int64_t i = u->next - a->first, j = mates->begun - b->first, n = mates->next - mates->begun;
  if ((i == 0) != (j == 0) || i + n > a->n || j + n > b->n) return false;
  if (i + n < a->n && a->ts[i + n] < l->ts[l->n - 1] + (f->lag == 0)) return false;
  if (i > 0) {
    i--;
    j--;
    n++;
  }
  return memcmp(a->ts + i, b->ts + j, (size_t)n * sizeof *a->ts) == 0;
}

/* Take what the mate's bars use, where that is the same: row by row from the one whose turn comes next. */
static bool share_newest(const bv_lane *l, const bv_feature *f, bv_lane_use *u, const bv_lane *mate,
                         const bv_lane_use *mates) {
  if (!mate || !mate->matched || mate->ts != l->ts || mate->n != l->n || mate->k > 0) return false;
  if (!mates->rows || !mates->rows->same || !rows_alike(l, f, u, mates)) return false;
  u->begun = u->next;
  u->base = mates->base + (u->begun - mates->begun);
  u->next += mates->next - mates->begun;
  u->row = mates->row;
  return true;
}

bv_rc bv_lane_match(bv_lane *l, const bv_feature *f, bv_lane_use *u, const bv_lane *mate,
                    const bv_lane_use *mates) {
  bool newest = f->asof && u->rows->same && f->lag <= 1;
  if (newest && share_newest(l, f, u, mate, mates)) return BV_OK;
  if (l->n > u->caproom) {
    int32_t *more = bv_realloc(BV_MEM_CURSOR, u->room, (size_t)l->n * sizeof *more);
    if (!more) return BV_NOMEM;
    u->room = more;
    u->caproom = l->n;
  }
  u->row = u->room;
  u->base = u->rows->first;
  u->begun = u->next;
  if (newest) {
    match_newest(l, f, u);
    return BV_OK;
  }
  if (f->asof) return match_asof(l, f, u);
  match_exact(l, f, u);
  return BV_OK;
}

void bv_lane_reset(bv_lane *l, int nsource) {
  for (int k = 0; l->use && k < nsource; k++) {
    bv_rows_reset(&l->use[k].own);
    bv_free(l->use[k].cand);
    bv_free(l->use[k].room);
  }
  bv_free(l->use);
  bv_free(l->trail.ts);
  for (int c = 0; c <= BV_NCOL; c++) bv_free(l->room[c]);
  if (l->streaming) bv_stream_close(&l->stream);
  if (l->walking) bv_walk_close(&l->walk);
  *l = (bv_lane){0};
}
