/* ring.c - fixed-capacity ring of bars with contiguous views; see ring.h. */
#include "col/ring.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void *new_column(int64_t cap) {
  return bv_alloc(BV_MEM_WINDOW, (size_t)cap * 2 * 8);
}

bv_rc bv_ring_init(bv_ring *r, int64_t cap, int64_t origin, unsigned mask) {
  assert(cap > 0);
  *r = (bv_ring){.cap = cap, .first = origin, .next = origin, .mask = mask};
  r->ts = new_column(cap);
  if (!r->ts) goto fail;
  for (int c = 0; c < BV_NCOL; c++) {
    if (!(mask & BV_COLBIT(c))) continue;
    r->col[c] = new_column(cap);
    if (!r->col[c]) goto fail;
  }
  return BV_OK;
fail:
  bv_ring_reset(r);
  return BV_NOMEM;
}

void bv_ring_reset(bv_ring *r) {
  bv_free(r->ts);
  for (int c = 0; c < BV_NCOL; c++) bv_free(r->col[c]);
  *r = (bv_ring){0};
}

/* Write n 8-byte values for bars [at, at+n) into both halves; n <= cap. */
static void put(const bv_ring *r, void *column, int64_t at, const void *src, int64_t n) {
  if (n == 0) return; /* src may then be NULL */
  char *base = column;
  const char *from = src;
  int64_t slot = bv_ring_slot(r, at);
  int64_t head = n < r->cap - slot ? n : r->cap - slot;
  memcpy(base + slot * 8, from, (size_t)head * 8);
  memcpy(base + (slot + r->cap) * 8, from, (size_t)head * 8);
  memcpy(base, from + head * 8, (size_t)(n - head) * 8);
  memcpy(base + r->cap * 8, from + head * 8, (size_t)(n - head) * 8);
}

static void put_nan(const bv_ring *r, double *column, int64_t at, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    int64_t slot = bv_ring_slot(r, at + i);
    column[slot] = column[slot + r->cap] = NAN;
  }
}

bv_rc bv_ring_push(bv_ring *r, const bv_bars *bars) {
  int64_t n = bars->n;
  if (n == 0) return BV_OK;
  if (r->next > r->first && bars->ts[0] <= bv_ring_ts(r, r->next - 1)) return BV_RANGE;
  for (int64_t i = 1; i < n; i++) {
    if (bars->ts[i] <= bars->ts[i - 1]) return BV_RANGE;
  }
  int64_t skip = n > r->cap ? n - r->cap : 0; /* a push longer than the ring keeps its tail */
  int64_t at = r->next + skip, m = n - skip;
  put(r, r->ts, at, bars->ts + skip, m);
  for (int c = 0; c < BV_NCOL; c++) {
    if (!r->col[c]) continue;
    if (bars->col[c]) {
      put(r, r->col[c], at, bars->col[c] + skip, m);
    } else {
      put_nan(r, r->col[c], at, m);
    }
  }
  r->next += n;
  if (r->next - r->first > r->cap) r->first = r->next - r->cap;
  return BV_OK;
}

bv_rc bv_ring_add_column(bv_ring *r, bv_column c, const double *values) {
  assert(!r->col[c]);
  double *column = new_column(r->cap);
  if (!column) return BV_NOMEM;
  put(r, column, r->first, values, r->next - r->first);
  r->col[c] = column;
  r->mask |= BV_COLBIT(c);
  return BV_OK;
}

void bv_ring_carry(const bv_ring *from, const double *values, const bv_ring *to, double *out,
                   int64_t lo, int64_t hi) {
  if (lo < hi) put(to, out, lo, values + bv_ring_slot(from, lo), hi - lo);
}

bv_rc bv_ring_grow(bv_ring *r, int64_t cap) {
  assert(cap >= r->cap);
  bv_ring big;
  BV_TRY(bv_ring_init(&big, cap, r->first, r->mask));
  bv_bars held;
  bv_rc rc = bv_ring_view(r, r->first, r->next, &held);
  if (rc == BV_OK) rc = bv_ring_push(&big, &held);
  bv_ring_reset(rc == BV_OK ? r : &big);
  if (rc == BV_OK) *r = big;
  return rc;
}

bv_rc bv_ring_view(const bv_ring *r, int64_t lo, int64_t hi, bv_bars *out) {
  if (lo < r->first || hi > r->next || lo > hi) return BV_RANGE;
  int64_t slot = bv_ring_slot(r, lo);
  *out = (bv_bars){.n = hi - lo, .ts = r->ts + slot};
  for (int c = 0; c < BV_NCOL; c++) out->col[c] = r->col[c] ? r->col[c] + slot : NULL;
  return BV_OK;
}

void bv_ring_trim(bv_ring *r, int64_t lo) {
  if (lo > r->next) lo = r->next;
  if (lo > r->first) r->first = lo;
}

void bv_ring_cut(bv_ring *r, int64_t hi) {
  if (hi < r->first) hi = r->first;
  if (hi < r->next) r->next = hi;
}

/* The first of t[lo .. hi) that is >= ts; hi if none. */
static int64_t search(const int64_t *t, int64_t lo, int64_t hi, int64_t ts) {
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (t[mid] < ts) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

int64_t bv_ring_lower_bound(const bv_ring *r, int64_t ts) {
  const int64_t *t = r->ts + bv_ring_slot(r, r->first);
  return r->first + search(t, 0, r->next - r->first, ts);
}

int64_t bv_ring_lower_bound_near(const bv_ring *r, int64_t ts, int64_t near) {
  const int64_t *t = r->ts + bv_ring_slot(r, r->first), n = r->next - r->first;
  int64_t lo = near - r->first, hi, step = 1;
  if (lo < 0 || lo > n) return bv_ring_lower_bound(r, ts);
  if (lo < n && t[lo] < ts) { /* in steps that double, away from it */
    for (hi = lo + 1; hi < n && t[hi] < ts; hi = hi + step < n ? hi + step : n, step *= 2) lo = hi;
    return r->first + search(t, lo + 1, hi, ts);
  }
  for (hi = lo; lo > 0 && t[lo - 1] >= ts; lo = lo > step ? lo - step : 0, step *= 2) hi = lo - 1;
  return r->first + search(t, lo, hi, ts);
}
