/* chunk.c - a growing batch of bars; see chunk.h. */
#include "col/chunk.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void bv_chunk_init(bv_chunk *c, bv_mem mem, unsigned mask) {
  *c = (bv_chunk){.mem = mem, .mask = mask};
}

void bv_chunk_reset(bv_chunk *c) {
  bv_free(c->ts);
  for (int i = 0; i < BV_NCOL; i++) bv_free(c->col[i]);
  bv_chunk_init(c, c->mem, c->mask);
}

bv_rc bv_chunk_reserve(bv_chunk *c, int64_t n) {
  if (n <= c->cap) return BV_OK;
  int64_t cap = c->cap ? c->cap : 64;
  while (cap < n) cap *= 2;
  int64_t *ts = bv_realloc(c->mem, c->ts, (size_t)cap * 8);
  if (!ts) return BV_NOMEM;
  c->ts = ts;
  for (int i = 0; i < BV_NCOL; i++) {
    if (!(c->mask & BV_COLBIT(i))) continue;
    double *col = bv_realloc(c->mem, c->col[i], (size_t)cap * 8);
    if (!col) return BV_NOMEM;
    c->col[i] = col;
  }
  c->cap = cap; /* only once every column has the room */
  return BV_OK;
}

void bv_chunk_shrink(bv_chunk *c) {
  int64_t cap = c->n > 0 ? c->n : 1;
  if (c->cap - cap <= cap / 4) return;
  int64_t *ts = bv_realloc(c->mem, c->ts, (size_t)cap * 8);
  if (!ts) return;
  c->ts = ts;
  for (int i = 0; i < BV_NCOL; i++) {
    double *col = c->col[i] ? bv_realloc(c->mem, c->col[i], (size_t)cap * 8) : NULL;
    if (col) c->col[i] = col;
  }
  c->cap = cap; /* a column that could not shrink has more */
}

bv_rc bv_chunk_widen(bv_chunk *c, int col) {
  if (c->cap > 0 && !c->col[col]) {
    double *x = bv_alloc(c->mem, (size_t)c->cap * 8);
    if (!x) return BV_NOMEM;
    for (int64_t i = 0; i < c->n; i++) x[i] = NAN;
    c->col[col] = x;
  }
  c->mask |= BV_COLBIT(col);
  return BV_OK;
}

bv_rc bv_chunk_add(bv_chunk *c, int64_t ts, const double value[BV_NCOL]) {
  if (c->n == c->cap) BV_TRY(bv_chunk_reserve(c, c->n + 1));
  c->ts[c->n] = ts;
  for (int i = 0; i < BV_NCOL; i++) {
    if (c->col[i]) c->col[i][c->n] = value[i];
  }
  c->n++;
  return BV_OK;
}

void bv_chunk_keep_last(bv_chunk *c, int64_t n) {
  int64_t drop = c->n - n;
  if (drop <= 0) return;
  memmove(c->ts, c->ts + drop, (size_t)n * 8);
  for (int i = 0; i < BV_NCOL; i++) {
    if (c->col[i]) memmove(c->col[i], c->col[i] + drop, (size_t)n * 8);
  }
  c->n = n;
}

void bv_chunk_reverse(bv_chunk *c) {
  for (int64_t a = 0, b = c->n - 1; a < b; a++, b--) {
    int64_t t = c->ts[a];
    c->ts[a] = c->ts[b];
    c->ts[b] = t;
    for (int i = 0; i < BV_NCOL; i++) {
      if (!c->col[i]) continue;
      double v = c->col[i][a];
      c->col[i][a] = c->col[i][b];
      c->col[i][b] = v;
    }
  }
}

bool bv_chunk_ordered(const bv_chunk *c) {
  return bv_ts_ordered(c->ts, c->n);
}

/* Bottom-up merge sort of positions by time: stable, no recursion, one scratch array. */
static void sort_positions(const int64_t *ts, int64_t *pos, int64_t *tmp, int64_t n) {
  for (int64_t i = 0; i < n; i++) pos[i] = i;
  for (int64_t w = 1; w < n; w *= 2) {
    for (int64_t lo = 0; lo < n; lo += 2 * w) {
      int64_t mid = lo + w < n ? lo + w : n, hi = lo + 2 * w < n ? lo + 2 * w : n;
      int64_t a = lo, b = mid;
      for (int64_t k = lo; k < hi; k++) {
        bool left = a < mid && (b >= hi || ts[pos[a]] <= ts[pos[b]]);
        tmp[k] = left ? pos[a++] : pos[b++];
      }
    }
    memcpy(pos, tmp, (size_t)n * sizeof *pos);
  }
}

/* out[k] = column[pos[k]] for the kept positions, through 8-byte copies. */
static void gather(void *column, const int64_t *pos, int64_t n, void *scratch) {
  const char *from = column;
  char *to = scratch;
  for (int64_t k = 0; k < n; k++) memcpy(to + k * 8, from + pos[k] * 8, 8);
  memcpy(column, scratch, (size_t)n * 8);
}

bv_rc bv_chunk_sort(bv_chunk *c, int64_t *dropped) {
  if (dropped) *dropped = 0;
  if (bv_chunk_ordered(c)) return BV_OK;
  bv_rc rc = BV_NOMEM;
  int64_t *pos = bv_alloc(c->mem, (size_t)c->n * 8);
  int64_t *tmp = bv_alloc(c->mem, (size_t)c->n * 8);
  if (!pos || !tmp) goto done;
  sort_positions(c->ts, pos, tmp, c->n);
  int64_t kept = 0;
  for (int64_t k = 0; k < c->n; k++) {
    bool last = k + 1 == c->n || c->ts[pos[k + 1]] != c->ts[pos[k]];
    if (last) pos[kept++] = pos[k];
  }
  if (dropped) *dropped = c->n - kept;
  gather(c->ts, pos, kept, tmp);
  for (int i = 0; i < BV_NCOL; i++) {
    if (c->col[i]) gather(c->col[i], pos, kept, tmp);
  }
  c->n = kept;
  rc = BV_OK;
done:
  bv_free(pos);
  bv_free(tmp);
  return rc;
}

bv_rc bv_chunk_append(bv_chunk *c, const bv_bars *bars) {
  if (bars->n <= 0) return BV_OK;
  BV_TRY(bv_chunk_reserve(c, c->n + bars->n));
  memcpy(c->ts + c->n, bars->ts, (size_t)bars->n * 8);
  for (int i = 0; i < BV_NCOL; i++) {
    if (!c->col[i]) continue;
    double *to = c->col[i] + c->n;
    if (bars->col[i]) {
      memcpy(to, bars->col[i], (size_t)bars->n * 8);
    } else {
      for (int64_t k = 0; k < bars->n; k++) to[k] = NAN;
    }
  }
  c->n += bars->n;
  return BV_OK;
}

bv_bars bv_chunk_range(const bv_chunk *c, int64_t lo, int64_t hi) {
  bv_bars b = bv_chunk_view(c);
  return bv_bars_range(&b, bv_bars_lower_bound(&b, lo), bv_bars_lower_bound(&b, hi));
}

bv_bars bv_chunk_view(const bv_chunk *c) {
  bv_bars b = {.n = c->n, .ts = c->ts};
  for (int i = 0; i < BV_NCOL; i++) b.col[i] = c->col[i];
  return b;
}
