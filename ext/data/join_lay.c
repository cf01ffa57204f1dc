/* join_lay.c - the bars and rows of a join's lanes, laid into its tile; see join_lay.h. */
#include "data/join_lay.h"
#include "col/lay.h"
#include "data/join_source.h"

#include <math.h>
#include <string.h>

/* ---- types ---- */

/* All types of a column that will be written are those of numbers. */
static void type_ones(bv_tile_col *col, int cap) {
  if (!col->ones) memset(col->type, BV_WORD_REAL, (size_t)cap);
  col->ones = true;
}

/* The types of a column of bars; in steps of a fixed size, which compilers make wide instructions of. */
static void type_own(bv_tile_col *col, int from, int n) {
  enum { STEP = 16 };
  const bv_word *word = col->word + from;
  uint8_t *type = col->type + from;
  int r = 0;
  col->ones = false;
  for (; r + STEP <= n; r += STEP) {
    for (int i = 0; i < STEP; i++) type[r + i] = word[r + i].r == word[r + i].r;
  }
  for (; r < n; r++) type[r] = word[r].r == word[r].r;
}

static void type_columns(bv_ahead *a, int from, int n) {
  for (int c = 0; c < BV_NCOL; c++) {
    bv_tile_col *col = &a->tile.own[c];
    if (!col->word) continue;
    if (a->whole & BV_COLBIT(c)) {
      type_ones(col, a->tile.cap);
    } else {
      type_own(col, from, n);
    }
  }
}

/* ---- even stretches ---- */

/* One column, a few lanes at a time: then what is read of each and what is written lie close together.  Where the
** next block will be read is asked for ahead. */
static void lay_own(const bv_ahead *a, int c, int from, int m) {
  enum { LANES = 8 };
  const bv_tile *t = &a->tile;
  double *out = &t->own[c].word[from].r;
  for (int p = 0; p < a->nlive; p += LANES) {
    const double *src[LANES];
    int lanes = a->nlive - p < LANES ? a->nlive - p : LANES;
    for (int q = 0; q < lanes; q++) {
      const bv_lane *l = &a->lane[a->live[p + q]];
      src[q] = l->col[c] ? l->col[c] + l->k : a->none;
      __builtin_prefetch(src[q] + BV_LAY_BLOCK);
      __builtin_prefetch(src[q] + BV_LAY_BLOCK + 8);
    }
    bv_lay_rows(src, lanes, m, out + p, (size_t)a->nlive);
  }
}

void bv_lay_begin(bv_ahead *a, int source) {
  bv_ahead_source *s = &a->source[source];
  int ncolumn = a->def->source[source].ncolumn;
  s->alike = a->even;
  memset(s->seen, 0, (size_t)ncolumn);
  for (int p = 0; p < a->nlive && a->even; p++) {
    const bv_lane *l = &a->lane[a->live[p]], *first = &a->lane[a->live[0]];
    const bv_lane_use *u = &l->use[source];
    const bv_rows *rows = u->rows;
    s->alike = s->alike && u->row + l->k == first->use[source].row + first->k;
    for (int c = 0; c < ncolumn; c++) {
      if (!s->wanted[c]) continue;
      s->word[c * a->nlane + p] = rows->word[c] + (u->base - rows->first);
      s->type[c * a->nlane + p] = rows->type[c] + (u->base - rows->first);
      s->seen[c] |= rows->seen[c];
    }
  }
}

/* What one instant has of a column: row number r of all lanes. */
static void gather(const bv_word *const *word, int64_t r, int n, bv_word *to) {
  for (int p = 0; p < n; p++) {
    __builtin_prefetch(word[p] + r + 8);
    to[p] = word[p][r];
  }
}

static void gather_types(const uint8_t *const *type, int64_t r, int n, uint8_t *to) {
  for (int p = 0; p < n; p++) to[p] = type[p][r];
}

/* A column of a source where all lanes use the same numbers of rows: each row is gathered once. */
static void lay_alike(bv_ahead *a, int source, int c, int from, int m) {
  const bv_ahead_source *s = &a->source[source];
  bv_tile_col *to = &a->tile.value[s->base + c];
  const bv_lane *first = &a->lane[a->live[0]];
  const int32_t *row = first->use[source].row + first->k;
  const bv_word *const *word = s->word + (size_t)c * (size_t)a->nlane;
  const uint8_t *const *type = s->type + (size_t)c * (size_t)a->nlane;
  bool plain = s->seen[c] == BV_WORD_REAL;
  int n = a->nlive;
  for (int i = 0; i < m; i++) plain = plain && row[i] >= 0;
  to->seen |= plain ? BV_WORD_REAL : s->seen[c] | BV_SEEN_NULL;
  if (plain) {
    type_ones(to, a->tile.cap);
  } else {
    to->ones = false;
  }
  for (int i = 0; i < m; i++) {
    bv_word *w = to->word + from + (size_t)i * (size_t)n;
    uint8_t *t = to->type + from + (size_t)i * (size_t)n;
    if (i > 0 && row[i] == row[i - 1]) {
      memcpy(w, w - n, (size_t)n * sizeof *w);
      if (!plain) memcpy(t, t - n, (size_t)n);
    } else if (row[i] >= 0) {
      gather(word, row[i], n, w);
      if (!plain) gather_types(type, row[i], n, t);
    } else {
      for (int p = 0; p < n; p++) w[p].r = NAN;
      memset(t, BV_WORD_NULL, (size_t)n);
    }
  }
}

static void lay_value(bv_ahead *a, int source, int c, int from, int m) {
  const bv_ahead_source *s = &a->source[source];
  bv_tile_col *to = &a->tile.value[s->base + c];
  to->seen |= s->seen[c] | BV_SEEN_NULL;
  to->ones = false;
  for (int p = 0; p < a->nlive; p++) {
    const bv_lane *l = &a->lane[a->live[p]];
    const bv_word *word = s->word[c * a->nlane + p];
    const uint8_t *type = s->type[c * a->nlane + p];
    const int32_t *row = l->use[source].row + l->k;
    __builtin_prefetch(row + BV_LAY_BLOCK);
    for (int i = 0; i < m; i++) {
      size_t at = (size_t)(from + i * a->nlive + p);
      to->type[at] = BV_WORD_NULL;
      to->word[at].r = NAN;
      if (row[i] < 0) continue;
      to->type[at] = type[row[i]];
      to->word[at] = word[row[i]];
    }
  }
}

static void lay_source(bv_ahead *a, int source, int from, int m) {
  const bv_ahead_source *s = &a->source[source];
  for (int c = 0; s->used && c < a->def->source[source].ncolumn; c++) {
    if (!s->wanted[c]) continue;
    if (s->alike) {
      lay_alike(a, source, c, from, m);
    } else {
      lay_value(a, source, c, from, m);
    }
  }
}

/* Lay the next m instants of lanes that all have bars at the same ones into rows [from, ...). */
static void lay_even(bv_ahead *a, int from, int m) {
  bv_tile *t = &a->tile;
  const bv_lane *first = &a->lane[a->live[0]];
  for (int i = 0; i < m; i++) {
    bv_fill_i64(t->ts + from + i * a->nlive, first->ts[first->k + i], a->nlive);
  }
  for (; a->laid < from + m * a->nlive; a->laid++) t->lane[a->laid] = a->live[a->laid % a->nlive];
  for (int c = 0; c < BV_NCOL; c++) {
    if (t->own[c].word) lay_own(a, c, from, m);
  }
  type_columns(a, from, m * a->nlive);
  for (int k = 0; k < a->def->nsource; k++) lay_source(a, k, from, m);
  for (int p = 0; p < a->nlive; p++) a->lane[a->live[p]].k += m;
}

static void fill_even(bv_ahead *a) {
  bv_tile *t = &a->tile;
  while (a->left > 0 && t->n + a->nlive <= t->cap) {
    int64_t m = (t->cap - t->n) / a->nlive;
    if (m > BV_LAY_BLOCK && a->nlive > 1) m = BV_LAY_BLOCK;
    if (m > a->left) m = a->left;
    lay_even(a, t->n, (int)m);
    t->n += (int)m * a->nlive;
    a->left -= m;
  }
}

/* ---- bars at different instants ---- */

/* Put what the n bars of a lane from `from` on have in a column into the rows they were given. */
static void place_own(const bv_ahead *a, int c, int lane, int64_t from, int n) {
  const double *src = a->lane[lane].col[c];
  const int32_t *row = a->place + (size_t)lane * (size_t)a->most;
  const bv_tile_col *to = &a->tile.own[c];
  if (src) {
    __builtin_prefetch(src + from + n); /* the next tile's */
    __builtin_prefetch(src + from + n + 8);
  }
  for (int i = 0; i < n; i++) to->word[row[i]].r = src ? src[from + i] : NAN;
}

static void place_value(bv_ahead *a, int source, int c, int lane, int64_t from, int n) {
  const bv_ahead_source *s = &a->source[source];
  const bv_lane_use *u = &a->lane[lane].use[source];
  bv_tile_col *to = &a->tile.value[s->base + c];
  const int32_t *row = a->place + (size_t)lane * (size_t)a->most;
  const bv_word *word = u->rows->word[c] + (u->base - u->rows->first);
  const uint8_t *type = u->rows->type[c] + (u->base - u->rows->first);
  to->seen |= u->rows->seen[c] | BV_SEEN_NULL;
  to->ones = false;
  for (int i = 0; i < n; i++) {
    int32_t used = u->row[from + i];
    to->type[row[i]] = used < 0 ? BV_WORD_NULL : type[used];
    if (used < 0) {
      to->word[row[i]].r = NAN;
    } else {
      to->word[row[i]] = word[used];
    }
  }
}

/* Give the bars of the next instants their rows, and note which lanes have some: live[0..nlive). */
static void give_rows(bv_ahead *a) {
  bv_tile *t = &a->tile;
  a->nlive = 0;
  for (int m = 0; m < a->most && t->n + a->nlane <= t->cap; m++) {
    int64_t ts = INT64_MAX;
    for (int i = 0; i < a->nlane; i++) ts = a->head[i] < ts ? a->head[i] : ts;
    if (ts >= a->until) break;
    for (int i = 0; i < a->nlane; i++) {
      if (a->head[i] != ts) continue;
      bv_lane *l = &a->lane[i];
      if (a->given[i] == 0) a->live[a->nlive++] = i;
      a->place[(size_t)i * (size_t)a->most + (size_t)a->given[i]++] = t->n;
      t->ts[t->n] = ts;
      t->lane[t->n] = i;
      t->bar[t->n++] = (int32_t)l->k++;
      a->head[i] = l->k < l->n ? l->ts[l->k] : INT64_MAX;
    }
  }
}

/* Lane by lane, so that what is read lies together. */
static void fill_uneven(bv_ahead *a) {
  give_rows(a);
  for (int p = 0; p < a->nlive; p++) {
    int lane = a->live[p], n = a->given[lane];
    int64_t from = a->lane[lane].k - n;
    __builtin_prefetch(a->lane[lane].ts + from + n + 8);
    for (int c = 0; c < BV_NCOL; c++) {
      if (a->tile.own[c].word) place_own(a, c, lane, from, n);
    }
    for (int k = 0; k < a->def->nsource; k++) {
      for (int c = 0; a->source[k].used && c < a->def->source[k].ncolumn; c++) {
        if (a->source[k].wanted[c]) place_value(a, k, c, lane, from, n);
      }
    }
    a->given[lane] = 0;
  }
  type_columns(a, 0, a->tile.n);
}

void bv_lay_tile(bv_ahead *a) {
  for (int v = 0; v < a->nvalue; v++) a->tile.value[v].seen = 0;
  if (a->even) {
    fill_even(a);
  } else {
    fill_uneven(a);
  }
}
