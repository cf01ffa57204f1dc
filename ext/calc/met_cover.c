/*
** met_cover.c - how many steps lie in some range of many.
**
** A bit per step, of a window of steps at a time: where a run is longer than a window, its ranges pass
** again for the next one, so memory has a bound.  Ranges come nearly in order of their ends, and many
** overlap those just before; a range that touches the one filled last is filled where it goes beyond it.
*/
#include "calc/met.h"

#include "base/alloc.h"

#define WINDOW ((int64_t)1 << 22) /* steps: 512 KB of bits */

static int64_t words(const met_cover *c) {
  return (c->to - c->from + 63) / 64;
}

static void clear(met_cover *c) {
  for (int64_t i = 0; i < words(c); i++) c->bits[i] = 0;
  c->lo = c->hi = -1;
}

bv_rc met_cover_init(met_cover *c, int64_t n) {
  *c = (met_cover){.n = n, .to = n < WINDOW ? n : WINDOW};
  c->bits = bv_alloc(BV_MEM_RUN, (size_t)words(c) * sizeof *c->bits);
  if (!c->bits) return BV_NOMEM;
  clear(c);
  return BV_OK;
}

void met_cover_reset(met_cover *c) {
  bv_free(c->bits);
  *c = (met_cover){0};
}

/* Bits lo to hi of the window. */
static void fill(met_cover *c, int64_t lo, int64_t hi) {
  const int64_t first = lo / 64, last = hi / 64;
  const uint64_t head = UINT64_MAX << (lo % 64), tail = UINT64_MAX >> (63 - hi % 64);
  if (first == last) {
    c->bits[first] |= head & tail;
    return;
  }
  c->bits[first] |= head;
  for (int64_t i = first + 1; i < last; i++) c->bits[i] = UINT64_MAX;
  c->bits[last] |= tail;
}

void met_cover_add(met_cover *c, int64_t lo, int64_t hi) {
  if (lo < c->from) lo = c->from;
  if (hi >= c->to) hi = c->to - 1;
  if (lo > hi) return;
  lo -= c->from;
  hi -= c->from;
  if (c->hi < 0 || lo > c->hi + 1 || hi + 1 < c->lo) {
    fill(c, lo, hi);
    c->lo = lo;
    c->hi = hi;
    return;
  }
  if (lo < c->lo) {
    fill(c, lo, c->lo - 1);
    c->lo = lo;
  }
  if (hi > c->hi) {
    fill(c, c->hi + 1, hi);
    c->hi = hi;
  }
}

bool met_cover_next(met_cover *c) {
  for (int64_t i = 0; i < words(c); i++) c->steps += __builtin_popcountll(c->bits[i]);
  c->from = c->to;
  if (c->to == c->n) return false;
  c->to = c->n - c->from < WINDOW ? c->n : c->from + WINDOW;
  clear(c);
  return true;
}
