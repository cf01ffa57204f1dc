/* derived.c - indicator columns of a window; see derived.h. */
#include "data/derived.h"
#include "data/cachelog.h"
#include "data/chain.h"
#include "data/evict.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef struct bv_derived {
  struct bv_derived *next;
  bv_spec spec;
  bv_chain chain;
  int64_t lo, hi; /* bars computed */
  int64_t used, hits, misses;
  double *value;  /* 2 * ring.cap, as the ring's columns */
  double *bigger; /* what value becomes when the ring has grown */
  int64_t cap;    /* the ring's, for which value was made */
} bv_derived;

static void derived_free(bv_derived *d) {
  if (!d) return;
  bv_chain_done(&d->chain);
  bv_free(d->value);
  bv_free(d->bigger);
  bv_free(d);
}

void bv_derived_free_all(bv_window *w) {
  while (w->derived) {
    bv_derived *next = w->derived->next;
    derived_free(w->derived);
    w->derived = next;
  }
}

static void describe(const bv_window *w, const bv_derived *d, bv_derived_info *out) {
  const bv_ring *r = &w->ring;
  int64_t lo = d->lo > r->first ? d->lo : r->first;
  *out = (bv_derived_info){.bars = d->hi > lo ? d->hi - lo : 0,
                           .bytes = d->cap * 16,
                           .hits = d->hits,
                           .misses = d->misses,
                           .used = d->used};
  bv_spec_format(&d->spec, out->spec, sizeof out->spec);
  if (out->bars == 0) return;
  out->first = bv_ring_ts(r, lo);
  out->last = bv_ring_ts(r, d->hi - 1);
}

static bv_rc derived_new(const bv_window *w, const bv_spec *spec, bv_derived **out) {
  *out = NULL;
  bv_derived *d = bv_alloc0(BV_MEM_DERIVED, sizeof *d);
  if (!d) return BV_NOMEM;
  d->spec = *spec;
  d->cap = w->ring.cap;
  bv_rc rc = bv_chain_init(&d->chain, spec, w->src.agg, &w->store->scratch);
  d->value = bv_alloc(BV_MEM_DERIVED, (size_t)d->cap * 16);
  if (rc != BV_OK || !d->value) {
    derived_free(d);
    return BV_NOMEM;
  }
  *out = d;
  return BV_OK;
}

/* Bring the column up to the ring's last bar. */
static bv_rc catch_up(bv_window *w, bv_derived *d, bv_err *err) {
  const bv_ring *r = &w->ring;
  if (d->hi == r->next && d->lo <= d->hi) return BV_OK;
  int64_t t0 = bv_log_now(), from = d->hi;
  const char *reason = d->lo < d->hi ? "new bars" : "computed for the first time";
  BV_TRY(bv_window_need(w, d->chain.mask, err));
  if (d->hi < r->first || d->hi > r->next || d->lo == d->hi) {
    bv_chain_reset(&d->chain);
    d->lo = d->hi = from = r->first;
    if (!w->bof) {
      BV_TRY(bv_chain_warm(&d->chain, w->store, &w->src, bv_ring_ts(r, r->first), err));
    }
  }
  for (int64_t i = d->hi; i < r->next;) {
    int64_t n = r->next - i < BV_CHAIN_PIECE ? r->next - i : BV_CHAIN_PIECE;
    int64_t slot = bv_ring_slot(r, i), room = r->cap - slot;
    if (n > room) n = room; /* a piece does not wrap, so its two copies are two memcpy */
    bv_bars v;
    BV_TRY(bv_ring_view(r, i, i + n, &v));
    bv_rc rc = bv_chain_run(&d->chain, w->store, &w->src, &v, d->value + slot, err);
    if (rc != BV_OK) {
      d->lo = d->hi; /* begin anew: the chain may have run in part */
      return rc;
    }
    memcpy(d->value + slot + r->cap, d->value + slot, (size_t)n * 8);
    w->store->counter[BV_N_DERIVE] += n;
    i += n;
    d->hi = i;
  }
  char spec[48];
  bv_spec_format(&d->spec, spec, sizeof spec);
  bv_log_add(w->store, &(bv_decision){.event = BV_EV_COMPUTE,
                                      .held = BV_HELD_INDICATOR,
                                      .src = &w->src,
                                      .what = spec,
                                      .bars = d->hi - from,
                                      .ns = bv_log_now() - t0,
                                      .reason = reason});
  if (d->lo < r->first) d->lo = r->first;
  return BV_OK;
}

bv_rc bv_derived_catch_up(bv_window *w, bv_err *err) {
  for (bv_derived *d = w->derived; d; d = d->next) BV_TRY(catch_up(w, d, err));
  return BV_OK;
}

/* ---- memory ---- */

bv_rc bv_derived_prepare(bv_window *w, int64_t cap) {
  for (bv_derived *d = w->derived; d; d = d->next) {
    d->bigger = bv_alloc(BV_MEM_DERIVED, (size_t)cap * 16);
    if (!d->bigger) return BV_NOMEM;
  }
  return BV_OK;
}

void bv_derived_moved(bv_window *w, const bv_ring *before) {
  for (bv_derived *d = w->derived; d; d = d->next) {
    if (before) {
      int64_t lo = d->lo > w->ring.first ? d->lo : w->ring.first;
      bv_ring_carry(before, d->value, &w->ring, d->bigger, lo, d->hi);
      bv_free(d->value);
      d->value = d->bigger;
      d->cap = w->ring.cap;
    } else {
      bv_free(d->bigger);
    }
    d->bigger = NULL;
  }
}

static bv_derived **oldest(const bv_store *s, bv_window **owner) {
  bv_derived **best = NULL;
  for (bv_window *w = s->window; w; w = w->next) {
    if (w->pins > 0 || w->refs > 1) continue;
    for (bv_derived **p = &w->derived; *p; p = &(*p)->next) {
      if (best && (*best)->used <= (*p)->used) continue;
      best = p;
      *owner = w;
    }
  }
  return best;
}

bool bv_derived_oldest(const bv_store *s, int64_t *used) {
  bv_window *w;
  bv_derived **d = oldest(s, &w);
  if (d) *used = (*d)->used;
  return d != NULL;
}

void bv_derived_drop_oldest(bv_store *s) {
  bv_window *w;
  bv_derived_info info;
  bv_derived **p = oldest(s, &w), *d;
  if (!p) return;
  d = *p;
  describe(w, d, &info);
  bv_log_add(s, &(bv_decision){.event = BV_EV_EVICT,
                               .held = BV_HELD_INDICATOR,
                               .src = &w->src,
                               .what = info.spec,
                               .bars = info.bars,
                               .bytes = info.bytes,
                               .reason = "over memory_limit, not used for longest"});
  *p = d->next;
  derived_free(d);
}

const struct bv_derived *bv_derived_next(const bv_window *w, const struct bv_derived *d,
                                         bv_derived_info *out) {
  d = d ? d->next : w->derived;
  if (d) describe(w, d, out);
  return d;
}

/* ---- values ---- */

static bv_rc find(bv_window *w, const bv_spec *spec, bv_derived **out) {
  bv_derived **p = &w->derived;
  while (*p && !bv_spec_eq(&(*p)->spec, spec)) p = &(*p)->next;
  if (!*p) {
    BV_TRY(derived_new(w, spec, p));
    bv_evict(w->store);
  }
  *out = *p;
  return BV_OK;
}

/* The column with the spec's value at bar i. */
static bv_rc column_at(bv_window *w, const bv_spec *spec, int64_t i, bv_derived **out,
                       bv_err *err) {
  bv_derived *d;
  BV_TRY(find(w, spec, &d));
  d->used = ++w->store->tick;
  *out = d;
  if (i < d->hi && i >= d->lo) {
    d->hits++;
    w->store->counter[BV_N_HIT_IND]++;
    return BV_OK;
  }
  d->misses++;
  w->store->counter[BV_N_MISS_IND]++;
  return catch_up(w, d, err);
}

static bool is_column(const bv_spec *spec) {
  return spec->op.nstage == 0 && spec->op.price == BV_PRICE_COLUMN && !spec->feeds;
}

bv_rc bv_derived_run(bv_window *w, const bv_spec *spec, int64_t i, const double **values,
                     int64_t *n, bv_err *err) {
  static const double none = NAN;
  assert(i >= w->ring.first && i < w->ring.next);
  const int64_t slot = bv_ring_slot(&w->ring, i);
  if (is_column(spec)) {
    BV_TRY(bv_window_need(w, BV_COLBIT(spec->op.column), err));
    const double *col = w->ring.col[spec->op.column];
    *values = col ? col + slot : &none;
    *n = col ? w->ring.next - i : 1;
    return BV_OK;
  }
  bv_derived *d;
  BV_TRY(column_at(w, spec, i, &d, err));
  *values = d->value + slot;
  *n = d->hi - i;
  return BV_OK;
}

bv_rc bv_derived_at(bv_window *w, const bv_spec *spec, int64_t i, double *out, bv_err *err) {
  const double *values;
  int64_t n;
  BV_TRY(bv_derived_run(w, spec, i, &values, &n, err));
  *out = values[0];
  return BV_OK;
}
