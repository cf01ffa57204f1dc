/* derived.c - indicator columns of a window; see derived.h. */
#include "data/derived.h"
#include "data/cachelog.h"
#include "data/checkpoint.h"
#include "data/evict.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define BLOCK 512           /* nominal timesteps between anchors */
#define PIECE INT64_C(1024) /* bars run at a time: scratch stays small */

typedef struct bv_derived {
  struct bv_derived *next;
  bv_spec spec;
  unsigned mask;  /* columns it reads */
  bool recursive; /* some stage depends on the whole series */
  void *state[BV_MAX_STAGE];
  int64_t lo, hi; /* bars computed */
  int64_t block;  /* time block of the last bar run */
  bool started;
  int64_t used, hits, misses;
  double *value;   /* 2 * ring.cap, as the ring's columns */
  double *bigger;  /* what value becomes when the ring has grown */
  int64_t cap;     /* the ring's, for which value was made */
  double *scratch; /* the store's: (BV_IND_MAX_OUTPUT + 1) * PIECE */
} bv_derived;

static void derived_free(bv_derived *d) {
  if (!d) return;
  for (int i = 0; i < BV_MAX_STAGE; i++) bv_free(d->state[i]);
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

static unsigned price_mask(const bv_spec *s) {
  const unsigned o = BV_COLBIT(BV_COL_OPEN), h = BV_COLBIT(BV_COL_HIGH), l = BV_COLBIT(BV_COL_LOW),
                 c = BV_COLBIT(BV_COL_CLOSE);
  switch (s->price) {
  case BV_PRICE_HL2: return h | l;
  case BV_PRICE_HLC3: return h | l | c;
  case BV_PRICE_OHLC4: return o | h | l | c;
  default: return BV_COLBIT(s->column);
  }
}

static unsigned spec_mask(const bv_spec *s) {
  unsigned mask = s->nstage == 0 ? price_mask(s) : 0;
  for (int k = 0; k < s->nstage; k++) {
    const bv_indicator *ind = s->stage[k].ind;
    for (int i = 0; i < ind->ninput; i++) {
      bv_column c = bv_input_column(ind->input[i]);
      if (c != BV_COL_NONE) {
        mask |= BV_COLBIT(c);
      } else if (k == 0) {
        mask |= price_mask(s);
      }
    }
  }
  return mask;
}

/* Set every stage to its state before the first bar. */
static void derived_reset(bv_derived *d) {
  for (int k = 0; k < d->spec.nstage; k++) {
    const bv_stage *st = &d->spec.stage[k];
    st->ind->init(d->state[k], st->param);
  }
  d->started = false;
}

static bv_rc derived_new(const bv_window *w, const bv_spec *spec, bv_derived **out) {
  *out = NULL;
  bv_derived *d = bv_alloc0(BV_MEM_DERIVED, sizeof *d);
  if (!d) return BV_NOMEM;
  d->spec = *spec;
  d->mask = spec_mask(spec);
  for (int k = 0; k < spec->nstage; k++) {
    const bv_stage *st = &spec->stage[k];
    d->state[k] = bv_alloc(BV_MEM_DERIVED, st->ind->state_size(st->param));
    if (!d->state[k]) goto fail;
    if (!st->ind->window) d->recursive = true;
  }
  d->cap = w->ring.cap;
  d->value = bv_alloc(BV_MEM_DERIVED, (size_t)d->cap * 16);
  if (!w->store->scratch) {
    w->store->scratch = bv_alloc(BV_MEM_DERIVED, (size_t)PIECE * (BV_IND_MAX_OUTPUT + 1) * 8);
  }
  d->scratch = w->store->scratch;
  if (!d->value || !d->scratch) goto fail;
  derived_reset(d);
  *out = d;
  return BV_OK;
fail:
  derived_free(d);
  return BV_NOMEM;
}

/* The price of each bar into out, in the order of operations the names say. */
static void price_run(const bv_spec *s, const bv_bars *b, int64_t n, double *out) {
  const double *o = b->col[BV_COL_OPEN], *h = b->col[BV_COL_HIGH], *l = b->col[BV_COL_LOW],
               *c = b->col[BV_COL_CLOSE];
  switch (s->price) {
  case BV_PRICE_HL2:
    for (int64_t i = 0; i < n; i++) out[i] = (h[i] + l[i]) / 2;
    return;
  case BV_PRICE_HLC3:
    for (int64_t i = 0; i < n; i++) out[i] = (h[i] + l[i] + c[i]) / 3;
    return;
  case BV_PRICE_OHLC4:
    for (int64_t i = 0; i < n; i++) out[i] = (o[i] + h[i] + l[i] + c[i]) / 4;
    return;
  default: break;
  }
  const double *column = b->col[s->column];
  for (int64_t i = 0; i < n; i++) out[i] = column ? column[i] : NAN; /* the source may lack it */
}

/* Run all stages over n <= PIECE bars without an anchor among bars 1..n-1; result in scratch[0..n).
 */
static void chain_run(bv_derived *d, const bv_bars *b, int64_t n) {
  double *real = d->scratch;
  if (d->spec.nstage == 0 || (d->mask & price_mask(&d->spec)) == price_mask(&d->spec)) {
    price_run(&d->spec, b, n, real);
  }
  for (int k = 0; k < d->spec.nstage; k++) {
    const bv_stage *st = &d->spec.stage[k];
    const double *in[BV_IND_MAX_INPUT];
    double *out[BV_IND_MAX_OUTPUT];
    for (int i = 0; i < st->ind->ninput; i++) {
      bv_column c = bv_input_column(st->ind->input[i]);
      in[i] = c == BV_COL_NONE ? real : b->col[c];
    }
    for (int i = 0; i < st->ind->noutput; i++) out[i] = d->scratch + (i + 1) * PIECE;
    st->ind->run(d->state[k], in, n, out);
    memcpy(real, out[st->output], (size_t)n * 8);
  }
}

static void anchor(bv_derived *d) {
  for (int k = 0; k < d->spec.nstage; k++) {
    const bv_stage *st = &d->spec.stage[k];
    if (st->ind->anchor) st->ind->anchor(d->state[k]);
  }
}

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* Run over bars of any number, cut at anchors; values go to out where given. */
static void run_bars(bv_derived *d, const bv_bars *b, int64_t block_s, double *out) {
  for (int64_t i = 0; i < b->n;) {
    int64_t block = floor_div(b->ts[i], block_s), j = i + 1;
    if (!d->started || block != d->block) anchor(d);
    d->started = true;
    d->block = block;
    int64_t block_end = (block + 1) * block_s;
    while (j < b->n && j - i < PIECE && b->ts[j] < block_end) j++;
    bv_bars v = bv_bars_range(b, i, j);
    chain_run(d, &v, j - i);
    if (out) memcpy(out + i, d->scratch, (size_t)(j - i) * 8);
    i = j;
  }
}

static int64_t block_seconds(const bv_window *w) {
  return BLOCK * bv_timestep_nominal_s(w->src.step);
}

/* All that a run goes on from: the time block, then each stage's state. */
static size_t state_bytes(const bv_derived *d) {
  size_t n = sizeof d->block;
  for (int k = 0; k < d->spec.nstage; k++) {
    n += d->spec.stage[k].ind->state_size(d->spec.stage[k].param);
  }
  return n;
}

static bv_rc keep_state(bv_window *w, const bv_derived *d, int64_t seen) {
  char *all = bv_alloc(BV_MEM_DECODE, state_bytes(d)), *p = all;
  if (!all) return BV_NOMEM;
  memcpy(p, &d->block, sizeof d->block);
  p += sizeof d->block;
  for (int k = 0; k < d->spec.nstage; k++) {
    size_t n = d->spec.stage[k].ind->state_size(d->spec.stage[k].param);
    memcpy(p, d->state[k], n);
    p += n;
  }
  bv_rc rc = bv_checkpoint_keep(w->store, &w->src, &d->spec, seen, all, state_bytes(d));
  bv_free(all);
  return rc;
}

/* Go on from the last state kept before ts; *at: the first instant it has not seen. */
static void take_state(bv_window *w, bv_derived *d, int64_t ts, int64_t *at) {
  int64_t seen;
  const char *p = bv_checkpoint_find(w->store, &w->src, &d->spec, ts, state_bytes(d), &seen);
  *at = INT64_MIN;
  if (!p) return;
  memcpy(&d->block, p, sizeof d->block);
  p += sizeof d->block;
  for (int k = 0; k < d->spec.nstage; k++) {
    size_t n = d->spec.stage[k].ind->state_size(d->spec.stage[k].param);
    memcpy(d->state[k], p, n);
    p += n;
  }
  d->started = true;
  *at = seen + 1;
}

/* Run from the first stored bar, or from a state kept, up to (not including) ts. */
static bv_rc warm_from_start(bv_window *w, bv_derived *d, int64_t ts, bv_err *err) {
  const int64_t piece = BV_CHECKPOINT_EVERY;
  bool keeps = w->src.cut == BV_NO_CLOCK;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, bv_source_mask(&w->src, d->mask));
  int64_t at = INT64_MIN;
  if (keeps) take_state(w, d, ts, &at);
  bv_rc rc;
  do {
    bv_chunk_clear(&c);
    rc = bv_source_read(w->store, &w->src, at, ts, piece, false, &c, err);
    if (rc != BV_OK || c.n == 0) break;
    bv_bars v = bv_chunk_view(&c);
    run_bars(d, &v, block_seconds(w), NULL);
    w->store->counter[BV_N_WARM] += c.n;
    at = c.ts[c.n - 1] + 1;
    if (keeps) rc = keep_state(w, d, at - 1);
  } while (rc == BV_OK && c.n == piece);
  bv_chunk_reset(&c);
  return rc;
}

/* Whether a run over these bars passes, for each stage from the first, an anchor that has the
** stage's window of settled bars before it. */
static bool settles(const bv_derived *d, const bv_chunk *c, int64_t end_ts, int64_t block_s) {
  int64_t i = 0;
  for (int k = 0; k < d->spec.nstage; k++) {
    const bv_stage *st = &d->spec.stage[k];
    i += st->ind->window(st->param);
    for (;; i++) {
      if (i > c->n) return false;
      if (i == 0) continue;
      int64_t ts = i < c->n ? c->ts[i] : end_ts;
      if (floor_div(ts, block_s) != floor_div(c->ts[i - 1], block_s)) break;
    }
  }
  return true;
}

/* Run from far enough back that every later value is settled. */
static bv_rc warm_windowed(bv_window *w, bv_derived *d, int64_t ts, bv_err *err) {
  int64_t want = 0;
  for (int k = 0; k < d->spec.nstage; k++) {
    const bv_stage *st = &d->spec.stage[k];
    want += st->ind->window(st->param) + BLOCK + 2;
  }
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, bv_source_mask(&w->src, d->mask));
  bv_rc rc;
  for (;; want *= 2) {
    bv_chunk_clear(&c);
    rc = bv_source_read(w->store, &w->src, INT64_MIN, ts, want, true, &c, err);
    if (rc != BV_OK || c.n < want || settles(d, &c, ts, block_seconds(w))) break;
  }
  if (rc == BV_OK) {
    bv_bars v = bv_chunk_view(&c);
    run_bars(d, &v, block_seconds(w), NULL);
    w->store->counter[BV_N_WARM] += c.n;
  }
  bv_chunk_reset(&c);
  return rc;
}

/* Bring the column up to the ring's last bar. */
static bv_rc catch_up(bv_window *w, bv_derived *d, bv_err *err) {
  const bv_ring *r = &w->ring;
  if (d->hi == r->next && d->lo <= d->hi) return BV_OK;
  int64_t t0 = bv_log_now(), from = d->hi;
  const char *reason = d->lo < d->hi ? "new bars" : "computed for the first time";
  BV_TRY(bv_window_need(w, d->mask, err));
  if (d->hi < r->first || d->hi > r->next || d->lo == d->hi) {
    derived_reset(d);
    if (d->spec.nstage > 0 && !w->bof) {
      int64_t ts = bv_ring_ts(r, r->first);
      BV_TRY(d->recursive ? warm_from_start(w, d, ts, err) : warm_windowed(w, d, ts, err));
    }
    d->lo = d->hi = from = r->first;
  }
  for (int64_t i = d->hi; i < r->next;) {
    int64_t n = r->next - i < PIECE ? r->next - i : PIECE;
    int64_t slot = bv_ring_slot(r, i), room = r->cap - slot;
    if (n > room) n = room; /* a piece does not wrap, so its two copies are two memcpy */
    bv_bars v;
    BV_TRY(bv_ring_view(r, i, i + n, &v));
    run_bars(d, &v, block_seconds(w), d->value + slot);
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

bv_rc bv_derived_at(bv_window *w, const bv_spec *spec, int64_t i, double *out, bv_err *err) {
  assert(i >= w->ring.first && i < w->ring.next);
  if (spec->nstage == 0 && spec->price == BV_PRICE_COLUMN) {
    BV_TRY(bv_window_need(w, BV_COLBIT(spec->column), err));
    const double *col = w->ring.col[spec->column];
    *out = col ? col[bv_ring_slot(&w->ring, i)] : NAN;
    return BV_OK;
  }
  bv_derived *d;
  BV_TRY(find(w, spec, &d));
  d->used = ++w->store->tick;
  if (i < d->hi && i >= d->lo) {
    d->hits++;
    w->store->counter[BV_N_HIT_IND]++;
  } else {
    d->misses++;
    w->store->counter[BV_N_MISS_IND]++;
    BV_TRY(catch_up(w, d, err));
  }
  *out = d->value[bv_ring_slot(&w->ring, i)];
  return BV_OK;
}
