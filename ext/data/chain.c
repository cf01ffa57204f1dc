/* chain.c - a column spec being run over the bars of one source; see chain.h. */
#include "data/chain.h"
#include "data/aside.h"
#include "data/checkpoint.h"

#include <math.h>
#include <string.h>

#define BLOCK 512 /* nominal timesteps between anchors */

static unsigned price_mask(const bv_operand *s) {
  const unsigned o = BV_COLBIT(BV_COL_OPEN), h = BV_COLBIT(BV_COL_HIGH), l = BV_COLBIT(BV_COL_LOW),
                 c = BV_COLBIT(BV_COL_CLOSE);
  switch (s->price) {
  case BV_PRICE_HL2: return h | l;
  case BV_PRICE_HLC3: return h | l | c;
  case BV_PRICE_OHLC4: return o | h | l | c;
  default: return BV_COLBIT(s->column);
  }
}

static bool reads_price(const bv_operand *s) {
  if (s->nstage == 0) return true;
  for (int i = 0; i < s->stage[0].ind->ninput; i++) {
    if (s->stage[0].ind->input[i] == BV_IN_REAL) return true;
  }
  return false;
}

static unsigned operand_mask(const bv_operand *s, bool fed) {
  unsigned mask = !fed && reads_price(s) ? price_mask(s) : 0;
  for (int k = 0; k < s->nstage; k++) {
    const bv_indicator *ind = s->stage[k].ind;
    for (int i = 0; i < ind->ninput; i++) {
      bv_column c = bv_input_column(ind->input[i]);
      if (c != BV_COL_NONE) mask |= BV_COLBIT(c);
    }
  }
  return mask;
}

unsigned bv_chain_mask(const bv_spec *spec) {
  return operand_mask(&spec->op, false);
}

bv_rc bv_chain_init(bv_chain *c, const bv_spec *spec, bool agg, double **shared) {
  *c = (bv_chain){.op = spec->op};
  bv_rc rc = BV_OK;
  if (spec->feeds & 1) rc = bv_aside_new(&spec->feed[0], agg, &c->price);
  if (rc == BV_OK && spec->feeds & 2) rc = bv_aside_new(&spec->feed[1], agg, &c->other);
  if (rc != BV_OK) goto fail;
  c->mask = operand_mask(&c->op, c->price != NULL);
  if (c->price) c->mask |= bv_aside_mask(c->price);
  if (c->other) c->mask |= bv_aside_mask(c->other);
  c->recursive =
      (c->price && bv_aside_recursive(c->price)) || (c->other && bv_aside_recursive(c->other));
  for (int k = 0; k < c->op.nstage; k++) {
    const bv_stage *st = &c->op.stage[k];
    c->state[k] = bv_alloc(BV_MEM_DERIVED, st->ind->state_size(st->param));
    if (!c->state[k]) goto fail;
    if (!st->ind->window) c->recursive = true;
  }
  /* The running value, the other input, the day, and outputs. */
  int arrays = 1;
  for (int k = 0; k < c->op.nstage; k++) {
    const int need = 3 + c->op.stage[k].ind->noutput;
    if (need > arrays) arrays = need;
  }
  if (!shared) {
    c->scratch = c->own = bv_alloc(BV_MEM_DERIVED, (size_t)(BV_CHAIN_PIECE * arrays) * 8);
  } else {
    arrays = 3 + BV_IND_MAX_OUTPUT;
    if (!*shared) *shared = bv_alloc(BV_MEM_DERIVED, (size_t)(BV_CHAIN_PIECE * arrays) * 8);
    c->scratch = *shared;
  }
  if (!c->scratch) goto fail;
  bv_chain_reset(c);
  return BV_OK;
fail:
  bv_chain_done(c);
  return BV_NOMEM;
}

void bv_chain_done(bv_chain *c) {
  bv_aside_free(c->price);
  bv_aside_free(c->other);
  for (int i = 0; i < BV_MAX_STAGE; i++) bv_free(c->state[i]);
  bv_free(c->own);
  *c = (bv_chain){0};
}

void bv_chain_reset(bv_chain *c) {
  for (int k = 0; k < c->op.nstage; k++) {
    const bv_stage *st = &c->op.stage[k];
    st->ind->init(c->state[k], st->param);
  }
  if (c->price) bv_aside_reset(c->price);
  if (c->other) bv_aside_reset(c->other);
  c->started = false;
  c->day_lo = c->day_hi = 0;
}

/* The price of each bar, in the order of operations the names say: in `room`, or where it lies. */
static const double *price_run(const bv_operand *s, const bv_bars *b, int64_t n, double *room) {
  const double *o = b->col[BV_COL_OPEN], *h = b->col[BV_COL_HIGH], *l = b->col[BV_COL_LOW],
               *c = b->col[BV_COL_CLOSE];
  switch (s->price) {
  case BV_PRICE_HL2:
    for (int64_t i = 0; i < n; i++) room[i] = (h[i] + l[i]) / 2;
    return room;
  case BV_PRICE_HLC3:
    for (int64_t i = 0; i < n; i++) room[i] = (h[i] + l[i] + c[i]) / 3;
    return room;
  case BV_PRICE_OHLC4:
    for (int64_t i = 0; i < n; i++) room[i] = (o[i] + h[i] + l[i] + c[i]) / 4;
    return room;
  default: break;
  }
  if (b->col[s->column]) return b->col[s->column];
  for (int64_t i = 0; i < n; i++) room[i] = NAN; /* the source may lack it */
  return room;
}

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

/* The local calendar day of each bar's start. */
static void day_run(bv_chain *c, const bv_zone *zone, const int64_t *ts, int64_t n, double *out) {
  for (int64_t i = 0; i < n; i++) {
    if (ts[i] < c->day_lo || ts[i] >= c->day_hi) {
      const int64_t day = floor_div(bv_zone_to_local(zone, ts[i]), 86400);
      c->day_lo = ts[i]; /* days before this bar may count otherwise where a zone goes back */
      c->day_hi = bv_zone_reach(zone, (day + 1) * 86400);
      c->day = (double)day;
    }
    out[i] = c->day;
  }
}

/* Run all stages over n <= PIECE bars without an anchor among bars 1..n-1; the result goes to `to`, where it is given. */
static bv_rc piece_run(bv_chain *c, bv_store *s, const bv_source *src, const bv_bars *b, double *to,
                       bv_err *err) {
  const int64_t n = b->n;
  const int last = c->op.nstage - 1;
  double *room = c->scratch, *other = c->scratch + BV_CHAIN_PIECE,
         *day = c->scratch + 2 * BV_CHAIN_PIECE;
  const double *real = room;
  if (c->price) {
    BV_TRY(bv_aside_run(c->price, s, src, b, room, err));
  } else if (reads_price(&c->op)) {
    real = price_run(&c->op, b, n, room);
  }
  if (c->other) BV_TRY(bv_aside_run(c->other, s, src, b, other, err));
  for (int k = 0; k <= last; k++) {
    const bv_stage *st = &c->op.stage[k];
    const double *in[BV_IND_MAX_INPUT];
    double *out[BV_IND_MAX_OUTPUT];
    for (int i = 0; i < st->ind->ninput; i++) {
      const bv_input slot = st->ind->input[i];
      const bv_column column = bv_input_column(slot);
      if (slot == BV_IN_DAY) day_run(c, src->zone, b->ts, n, day);
      in[i] = column != BV_COL_NONE ? b->col[column]
              : slot == BV_IN_OTHER ? other
              : slot == BV_IN_DAY   ? day
                                    : real;
    }
    for (int i = 0; i < st->ind->noutput; i++) out[i] = c->scratch + (i + 3) * BV_CHAIN_PIECE;
    if (k == last && to) out[st->output] = to;
    st->ind->run(st->ind, c->state[k], in, n, out);
    if (k < last) memcpy(room, out[st->output], (size_t)n * 8);
    real = room;
  }
  if (last < 0 && to) memcpy(to, real, (size_t)n * 8);
  return BV_OK;
}

static void anchor(bv_chain *c) {
  for (int k = 0; k < c->op.nstage; k++) {
    const bv_stage *st = &c->op.stage[k];
    if (st->ind->anchor) st->ind->anchor(c->state[k]);
  }
}

static int64_t block_seconds(const bv_source *src) {
  return BLOCK * bv_timestep_nominal_s(src->step);
}

/* The first bar that belongs to a later block, at most n. */
static int64_t end_of_block(const bv_bars *b, int64_t n, int64_t block_end) {
  return b->ts[n - 1] < block_end ? n : bv_bars_lower_bound(b, block_end);
}

bv_rc bv_chain_run(bv_chain *c, bv_store *s, const bv_source *src, const bv_bars *b, double *out,
                   bv_err *err) {
  const int64_t block_s = block_seconds(src);
  for (int64_t i = 0; i < b->n;) {
    int64_t block = floor_div(b->ts[i], block_s), most = i + BV_CHAIN_PIECE;
    if (!c->started || block != c->block) anchor(c);
    c->started = true;
    c->block = block;
    const int64_t j = end_of_block(b, most < b->n ? most : b->n, (block + 1) * block_s);
    bv_bars v = bv_bars_range(b, i, j);
    BV_TRY(piece_run(c, s, src, &v, out ? out + i : NULL, err));
    i = j;
  }
  return BV_OK;
}

/* All that a run goes on from: the time block, then each stage's state. */
static size_t state_bytes(const bv_chain *c) {
  size_t n = sizeof c->block;
  for (int k = 0; k < c->op.nstage; k++) {
    n += c->op.stage[k].ind->state_size(c->op.stage[k].param);
  }
  return n;
}

static bv_rc keep_state(const bv_chain *c, bv_store *s, const bv_source *src, int64_t seen) {
  const bv_spec spec = {.op = c->op};
  char *all = bv_alloc(BV_MEM_DECODE, state_bytes(c)), *p = all;
  if (!all) return BV_NOMEM;
  memcpy(p, &c->block, sizeof c->block);
  p += sizeof c->block;
  for (int k = 0; k < c->op.nstage; k++) {
    size_t n = c->op.stage[k].ind->state_size(c->op.stage[k].param);
    memcpy(p, c->state[k], n);
    p += n;
  }
  bv_rc rc = bv_checkpoint_keep(s, src, &spec, seen, all, state_bytes(c));
  bv_free(all);
  return rc;
}

/* Go on from the last state kept before ts; *at: the first instant it has not seen. */
static void take_state(bv_chain *c, bv_store *s, const bv_source *src, int64_t ts, int64_t *at) {
  const bv_spec spec = {.op = c->op};
  int64_t seen;
  const char *p = bv_checkpoint_find(s, src, &spec, ts, state_bytes(c), &seen);
  *at = INT64_MIN;
  if (!p) return;
  memcpy(&c->block, p, sizeof c->block);
  p += sizeof c->block;
  for (int k = 0; k < c->op.nstage; k++) {
    size_t n = c->op.stage[k].ind->state_size(c->op.stage[k].param);
    memcpy(c->state[k], p, n);
    p += n;
  }
  c->started = true;
  *at = seen + 1;
}

/* Run from the first stored bar, or from a state kept, up to (not including) ts.  What looks aside keeps
** none: its state holds what another series showed, which may be corrected. */
static bv_rc warm_from_start(bv_chain *c, bv_store *s, const bv_source *src, int64_t ts,
                             bv_err *err) {
  const int64_t piece = BV_CHECKPOINT_EVERY;
  const bool keeps = src->cut == BV_NO_CLOCK && !c->price && !c->other;
  bv_chunk k;
  bv_chunk_init(&k, BV_MEM_DECODE, bv_source_mask(src, c->mask));
  int64_t at = INT64_MIN;
  if (keeps) take_state(c, s, src, ts, &at);
  bv_rc rc;
  do {
    bv_chunk_clear(&k);
    rc = bv_source_read(s, src, at, ts, piece, false, &k, err);
    if (rc != BV_OK || k.n == 0) break;
    bv_bars v = bv_chunk_view(&k);
    rc = bv_chain_run(c, s, src, &v, NULL, err);
    if (rc != BV_OK) break;
    s->counter[BV_N_WARM] += k.n;
    at = k.ts[k.n - 1] + 1;
    if (keeps) rc = keep_state(c, s, src, at - 1);
  } while (rc == BV_OK && k.n == piece);
  bv_chunk_reset(&k);
  return rc;
}

/* The stages that settle one after the other: those of feeds on the same bars, then the chain's. */
static int settling(const bv_chain *c, const bv_stage **out) {
  int n = 0;
  const struct bv_aside *feed[2] = {c->price, c->other};
  for (int f = 0; f < 2; f++) {
    const bv_operand *op = feed[f] ? bv_aside_own(feed[f]) : NULL;
    for (int k = 0; op && k < op->nstage; k++) out[n++] = &op->stage[k];
  }
  for (int k = 0; k < c->op.nstage; k++) out[n++] = &c->op.stage[k];
  return n;
}

/* Whether a run over these bars passes, for each stage from the first, an anchor that has the
** stage's window of settled bars before it. */
static bool settles(const bv_stage *const *stage, int nstage, const bv_chunk *c, int64_t end_ts,
                    int64_t block_s) {
  int64_t i = 0;
  for (int k = 0; k < nstage; k++) {
    i += stage[k]->ind->window(stage[k]->param);
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
static bv_rc warm_windowed(bv_chain *chain, bv_store *s, const bv_source *src, int64_t ts,
                           bv_err *err) {
  const bv_stage *stage[3 * BV_MAX_STAGE];
  const int nstage = settling(chain, stage);
  int64_t want = 0;
  for (int k = 0; k < nstage; k++) want += stage[k]->ind->window(stage[k]->param) + BLOCK + 2;
  bv_chunk c;
  bv_chunk_init(&c, BV_MEM_DECODE, bv_source_mask(src, chain->mask));
  bv_rc rc;
  for (;; want *= 2) {
    bv_chunk_clear(&c);
    rc = bv_source_read(s, src, INT64_MIN, ts, want, true, &c, err);
    if (rc != BV_OK || c.n < want || settles(stage, nstage, &c, ts, block_seconds(src))) break;
  }
  if (rc == BV_OK) {
    bv_bars v = bv_chunk_view(&c);
    rc = bv_chain_run(chain, s, src, &v, NULL, err);
    s->counter[BV_N_WARM] += c.n;
  }
  bv_chunk_reset(&c);
  return rc;
}

bv_rc bv_chain_warm(bv_chain *c, bv_store *s, const bv_source *src, int64_t ts, bv_err *err) {
  if (c->op.nstage == 0 && !c->price) return BV_OK;
  return c->recursive ? warm_from_start(c, s, src, ts, err) : warm_windowed(c, s, src, ts, err);
}
