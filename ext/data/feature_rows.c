/* feature_rows.c - rows of a source in memory; see feature_rows.h. */
#include "data/feature_rows.h"
#include "base/alloc.h"

#include <math.h>
#include <string.h>

bv_rc bv_rows_init(bv_rows *r, int ncell, const bool *wanted, bool same) {
  size_t n = (size_t)ncell;
  *r = (bv_rows){.ncell = ncell, .same = same};
  r->word = bv_alloc0(BV_MEM_CURSOR, n * sizeof *r->word + 1);
  r->type = bv_alloc0(BV_MEM_CURSOR, n * sizeof *r->type + 1);
  r->seen = bv_alloc0(BV_MEM_CURSOR, n + 1);
  if (!r->word || !r->type || !r->seen) return BV_NOMEM;
  for (int c = 0; c < ncell; c++) {
    if (!wanted[c]) continue;
    r->word[c] = bv_alloc(BV_MEM_CURSOR, 1);
    r->type[c] = bv_alloc(BV_MEM_CURSOR, 1);
    if (!r->word[c] || !r->type[c]) return BV_NOMEM;
  }
  return BV_OK;
}

static void release(bv_rows *r, int64_t i) {
  for (int c = 0; c < r->ncell; c++) {
    if (r->type[c] && r->type[c][i] == BV_WORD_OTHER) sqlite3_value_free(r->word[c][i].v);
  }
}

void bv_rows_reset(bv_rows *r) {
  for (int64_t i = 0; i < r->n; i++) release(r, i);
  for (int c = 0; c < r->ncell; c++) {
    if (r->word) bv_free(r->word[c]);
    if (r->type) bv_free(r->type[c]);
  }
  bv_free(r->word);
  bv_free(r->type);
  bv_free(r->seen);
  bv_free(r->ts);
  if (!r->same) bv_free(r->exists);
  *r = (bv_rows){0};
}

static bool resize(void **p, int64_t cap, size_t each) {
  void *more = bv_realloc(BV_MEM_CURSOR, *p, (size_t)cap * each);
  if (more) *p = more;
  return more != NULL;
}

static bv_rc set_room(bv_rows *r, int64_t cap) {
  bool ok = resize((void **)&r->ts, cap, sizeof *r->ts);
  if (r->same) {
    r->exists = r->ts;
  } else if (ok) {
    ok = resize((void **)&r->exists, cap, sizeof *r->exists);
  }
  for (int c = 0; c < r->ncell && ok; c++) {
    if (!r->word[c]) continue;
    ok = resize((void **)&r->word[c], cap, sizeof **r->word) &&
         resize((void **)&r->type[c], cap, sizeof **r->type);
  }
  if (!ok) return BV_NOMEM;
  r->cap = cap;
  return BV_OK;
}

static bv_rc make_room(bv_rows *r) {
  return r->n < r->cap ? BV_OK : set_room(r, r->cap ? r->cap * 2 : 8);
}

int64_t bv_rows_bytes(const bv_rows *r, int64_t n) {
  int64_t each = r->same ? 8 : 16;
  for (int c = 0; c < r->ncell; c++) each += r->word[c] ? 9 : 0;
  return each * n;
}

/* Room that cannot be made smaller stays. */
void bv_rows_shrink(bv_rows *r) {
  int64_t had = r->cap;
  if (set_room(r, r->n > 0 ? r->n : 1) != BV_OK) r->cap = r->n < had ? r->n : had;
}

static bool read_word(sqlite3_value *v, bv_word *word, uint8_t *type) {
  switch (sqlite3_value_type(v)) {
  case SQLITE_INTEGER:
    *type = BV_WORD_INT;
    word->i = sqlite3_value_int64(v);
    return true;
  case SQLITE_FLOAT:
    *type = BV_WORD_REAL;
    word->r = sqlite3_value_double(v);
    return true;
  case SQLITE_NULL:
    *type = BV_WORD_NULL;
    word->r = NAN;
    return true;
  default: word->v = sqlite3_value_dup(v); *type = word->v ? BV_WORD_OTHER : BV_WORD_NULL;
  }
  return word->v != NULL;
}

/* Note the times of the row that comes; BV_CONFLICT where they are those of the one before. */
static bv_rc note(bv_rows *r, int64_t ts, int64_t exists) {
  if (r->any && r->last_ts == ts && r->last_exists == exists) return BV_CONFLICT;
  BV_TRY(make_room(r));
  r->any = true;
  r->ts[r->n] = r->last_ts = ts;
  r->exists[r->n] = r->last_exists = exists;
  return BV_OK;
}

static bv_rc add(bv_rows *r, sqlite3_stmt *st, sqlite3_value **value, const bv_feature_row *row) {
  BV_TRY(note(r, row->ts, row->exists_at));
  bool ok = true;
  for (int c = 0; c < r->ncell; c++) {
    if (!r->type[c]) continue;
    r->type[c][r->n] = BV_WORD_NULL;
    if (!ok) continue;
    sqlite3_value *v = value ? value[c] : sqlite3_column_value(st, BV_FEATURE_FIRST_VALUE + c);
    ok = read_word(v, &r->word[c][r->n], &r->type[c][r->n]);
    if (r->type[c][r->n] == BV_WORD_OTHER) r->other = true;
    r->seen[c] |= bv_word_seen(r->type[c][r->n]);
  }
  r->n++;
  return ok ? BV_OK : BV_NOMEM;
}

bv_rc bv_rows_add(bv_rows *r, sqlite3_stmt *st, const bv_feature_row *row) {
  return add(r, st, NULL, row);
}

bv_rc bv_rows_add_values(bv_rows *r, sqlite3_value **value, const bv_feature_row *row) {
  return add(r, NULL, value, row);
}

bv_rc bv_rows_take_reversed(bv_rows *r, bv_rows *from) {
  while (from->n > 0) {
    int64_t i = from->n - 1;
    BV_TRY(note(r, from->ts[i], from->exists[i]));
    for (int c = 0; c < r->ncell; c++) {
      if (!r->type[c]) continue;
      r->word[c][r->n] = from->word[c][i];
      r->type[c][r->n] = from->type[c][i];
      r->seen[c] |= bv_word_seen(from->type[c][i]);
    }
    r->n++;
    from->n--;
  }
  return BV_OK;
}

void bv_rows_pop(bv_rows *r) {
  release(r, --r->n);
}

/* What is left is moved only when it is the smaller part, so a row is moved about once. */
void bv_rows_trim(bv_rows *r, int64_t first) {
  int64_t drop = first - r->first, left = r->n - drop;
  if (drop <= 0 || left > drop) return;
  for (int64_t i = 0; i < drop; i++) release(r, i);
  size_t n = (size_t)left;
  memmove(r->ts, r->ts + drop, n * sizeof *r->ts);
  if (!r->same) memmove(r->exists, r->exists + drop, n * sizeof *r->exists);
  for (int c = 0; c < r->ncell; c++) {
    if (!r->type[c]) continue;
    memmove(r->word[c], r->word[c] + drop, n * sizeof **r->word);
    memmove(r->type[c], r->type[c] + drop, n * sizeof **r->type);
  }
  r->first = first;
  r->n = left;
}
