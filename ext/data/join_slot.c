/* join_slot.c - the rows of one feature source that one asset may still use; see join_slot.h. */
#include "data/join_slot.h"
#include "base/alloc.h"

#include <string.h>

/* ---- rows ---- */

static bool copy_cell(sqlite3_value *v, bv_cell *c) {
  c->type = sqlite3_value_type(v);
  switch (c->type) {
  case SQLITE_INTEGER: c->u.i = sqlite3_value_int64(v); return true;
  case SQLITE_FLOAT: c->u.r = sqlite3_value_double(v); return true;
  case SQLITE_NULL: return true;
  default: c->u.v = sqlite3_value_dup(v); return c->u.v != NULL;
  }
}

bv_rc bv_entry_new(sqlite3_stmt *st, const bv_feature *f, const bv_feature_row *row,
                   const bool *wanted, bv_entry **out) {
  size_t n = (size_t)f->ncolumn;
  bv_entry *e = bv_alloc(BV_MEM_CURSOR, sizeof *e + n * sizeof *e->cell);
  *out = NULL;
  if (!e) return BV_NOMEM;
  *e = (bv_entry){.refs = 1, .ts = row->ts, .exists_at = row->exists_at};
  for (int c = 0; c < f->ncolumn; c++) {
    e->cell[c].type = SQLITE_NULL;
    e->ncell = c;
    if (!wanted[c]) continue;
    if (!copy_cell(sqlite3_column_value(st, BV_FEATURE_FIRST_VALUE + c), &e->cell[c])) {
      bv_entry_unref(e);
      return BV_NOMEM;
    }
  }
  e->ncell = f->ncolumn;
  *out = e;
  return BV_OK;
}

void bv_entry_unref(bv_entry *e) {
  if (!e || --e->refs > 0) return;
  for (int c = 0; c < e->ncell; c++) {
    if (e->cell[c].type == SQLITE_TEXT || e->cell[c].type == SQLITE_BLOB) {
      sqlite3_value_free(e->cell[c].u.v);
    }
  }
  bv_free(e);
}

/* ---- timing ---- */

void bv_trail_add(bv_trail *t, int64_t ts) {
  if (t->cap == 0) return;
  if (t->n == t->cap) {
    memmove(t->ts, t->ts + 1, (size_t)(t->cap - 1) * sizeof *t->ts);
    t->n--;
  }
  t->ts[t->n++] = ts;
}

/* The start of the n-th bar before the current one (1: the last delivered); INT64_MIN: there is none. */
static int64_t bars_before(const bv_trail *t, int64_t n) {
  return n <= t->n ? t->ts[t->n - n] : INT64_MIN;
}

int bv_entry_fits(const bv_feature *f, const bv_trail *t, bv_use bar, int64_t ts,
                  int64_t exists_at) {
  if (!f->asof) {
    int64_t at = f->lag == 0 ? bar.ts : bars_before(t, f->lag);
    if (ts < at || at == INT64_MIN) return -1;
    return ts == at && exists_at <= bar.known_at;
  }
  bool begun = f->lag == 0   ? ts <= bar.ts
               : f->lag == 1 ? ts < bar.ts
                             : ts < bars_before(t, f->lag - 1);
  return begun && exists_at <= bar.known_at;
}

bool bv_entry_stale(const bv_feature *f, bv_use bar, int64_t ts, int64_t exists_at) {
  return (f->tolerance >= 0 && bar.ts - ts > f->tolerance) ||
         (f->max_age >= 0 && bar.known_at - exists_at > f->max_age);
}

/* ---- what is kept ---- */

/* Whether a delivered bar begins after `a` and not after `b`: then their timing counts bars differently. */
static bool separated(const bv_trail *t, int64_t a, int64_t b) {
  for (int i = t->n - 1; i >= 0 && t->ts[i] > a; i--) {
    if (t->ts[i] <= b) return true;
  }
  return false;
}

static bool began_at(const bv_trail *t, int64_t ts) {
  for (int i = t->n - 1; i >= 0 && t->ts[i] >= ts; i--) {
    if (t->ts[i] == ts) return true;
  }
  return false;
}

/* Whether no bar at or after `at` can use `a`, given that `b` follows it. */
static bool dominated(const bv_feature *f, const bv_trail *t, const bv_entry *a, const bv_entry *b,
                      int64_t at) {
  bool exists = b->exists_at <= a->exists_at || b->exists_at <= at;
  if (a->ts == b->ts) return exists;
  if (!f->asof) return f->lag == 0 ? a->ts < at : a->ts < at && !began_at(t, a->ts);
  return exists && (f->lag == 0 || (b->ts < at && !separated(t, a->ts, b->ts)));
}

bv_rc bv_slot_push(bv_slot *s, const bv_feature *f, const bv_trail *t, bv_entry *e, int64_t at) {
  bv_entry **p = s->entry;
  if (s->n && p[s->n - 1]->ts == e->ts && p[s->n - 1]->exists_at == e->exists_at) {
    return BV_CONFLICT;
  }
  /* of the newest two it may be known only now that no bar came between */
  if (s->n > 1 && dominated(f, t, p[s->n - 2], p[s->n - 1], at)) {
    bv_entry_unref(p[s->n - 2]);
    p[s->n - 2] = p[s->n - 1];
    s->n--;
  }
  while (s->n && dominated(f, t, p[s->n - 1], e, at)) bv_entry_unref(p[--s->n]);
  if (s->n == s->cap) {
    int cap = s->cap ? s->cap * 2 : 4;
    bv_entry **more = bv_realloc(BV_MEM_CURSOR, s->entry, (size_t)cap * sizeof *more);
    if (!more) return BV_NOMEM;
    s->entry = more;
    s->cap = cap;
  }
  e->refs++;
  s->entry[s->n++] = e;
  return BV_OK;
}

static void drop_first(bv_slot *s, int n) {
  if (n == 0) return;
  for (int i = 0; i < n; i++) bv_entry_unref(s->entry[i]);
  memmove(s->entry, s->entry + n, (size_t)(s->n - n) * sizeof *s->entry);
  s->n -= n;
}

/* A later bar can use what this one can, so what lies before is of no more use; matched exactly, neither is
** what even this one comes too late for. */
void bv_slot_choose(bv_slot *s, const bv_feature *f, const bv_trail *t, bv_use bar) {
  s->now = NULL;
  for (int i = s->n - 1; i >= 0; i--) {
    bv_entry *e = s->entry[i];
    int fits = bv_entry_fits(f, t, bar, e->ts, e->exists_at);
    if (fits == 0) continue;
    if (fits > 0 && !bv_entry_stale(f, bar, e->ts, e->exists_at)) s->now = e;
    if (fits > 0) {
      drop_first(s, i);
    } else if (f->lag == 0 || bars_before(t, f->lag) != INT64_MIN) {
      drop_first(s, i + 1);
    }
    return;
  }
}

void bv_slot_reset(bv_slot *s) {
  drop_first(s, s->n);
  bv_free(s->entry);
  *s = (bv_slot){0};
}
