/* blocks.c - aggregated bars kept in memory; see blocks.h. */
#include "data/blocks.h"
#include "col/resample.h"
#include "data/cachelog.h"
#include "data/raw.h"
#include "time/instant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PIECE     8192            /* base bars read at a time */
#define EXACT_SUM 4398046511104.0 /* 2^42: sums of a thousand such sums are exact */

typedef struct block {
  int64_t number;
  int64_t upto;  /* base bars before this instant are in; made whole once it is the block's end */
  bool integral; /* volumes and trades are whole numbers whose sums are exact in any order */
  bv_chunk bars;
  int64_t used;
} block;

/* The blocks of one aggregate, in order of their numbers. */
typedef struct set {
  bv_source src;
  block **block;
  int64_t n, hits;
} set;

/* ---- spans ---- */

/* The span of a sealed chunk of the base, or 64 buckets where those are longer. */
static int64_t span_s(const bv_source *src) {
  int64_t base = bv_timestep_nominal_s(src->base.step), step = bv_timestep_nominal_s(src->step);
  int64_t span = base * (base < 86400 ? 65536 : 4096);
  return span > 64 * step ? span : 64 * step;
}

static int64_t number_of(const bv_source *src, int64_t t) {
  return (t - BV_INSTANT_MIN) / span_s(src);
}

static int64_t clamp(int64_t t) {
  return t < BV_INSTANT_MIN ? BV_INSTANT_MIN : t > BV_INSTANT_MAX ? BV_INSTANT_MAX : t;
}

/* The buckets that start in a block's span lie in [*lo, *hi); both are edges of buckets. */
static void block_edges(const bv_source *src, int64_t number, int64_t *lo, int64_t *hi) {
  int64_t start = BV_INSTANT_MIN + number * span_s(src), end = clamp(start + span_s(src));
  *lo = bv_source_bucket_after(src, start);
  *hi = bv_source_bucket_after(src, end);
}

/* ---- the sets ---- */

static set *find_set(const bv_store *s, const bv_source *src) {
  char key[BV_SOURCE_KEY];
  return bv_map_find(&s->blocks, key, bv_source_key(src, key));
}

static bv_rc get_set(bv_store *s, const bv_source *src, set **out) {
  char key[BV_SOURCE_KEY];
  *out = find_set(s, src);
  if (*out) return BV_OK;
  set *g = bv_alloc0(BV_MEM_DERIVED, sizeof *g);
  if (!g) return BV_NOMEM;
  g->src = *src;
  bv_rc rc = bv_map_put(&s->blocks, key, bv_source_key(src, key), g);
  if (rc != BV_OK) {
    bv_free(g);
    return rc;
  }
  *out = g;
  return BV_OK;
}

static void block_free(block *b) {
  bv_chunk_reset(&b->bars);
  bv_free(b);
}

static void set_free(set *g) {
  for (int64_t i = 0; i < g->n; i++) block_free(g->block[i]);
  bv_free(g->block);
  bv_free(g);
}

void bv_blocks_drop_all(bv_store *s) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->blocks, &at));) set_free(e->value);
  bv_map_reset(&s->blocks);
  bv_map_init(&s->blocks);
}

/* Where a block stands among those of its set, or would. */
static int64_t place(const set *g, int64_t number) {
  int64_t lo = 0, hi = g->n;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (g->block[mid]->number < number) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

static block *find_block(const set *g, int64_t number) {
  int64_t i = place(g, number);
  return i < g->n && g->block[i]->number == number ? g->block[i] : NULL;
}

static bv_rc add_block(set *g, int64_t number, unsigned mask, block **out) {
  BV_TRY(bv_room(BV_MEM_DERIVED, &g->block, g->n, sizeof *g->block));
  block *b = bv_alloc0(BV_MEM_DERIVED, sizeof *b);
  if (!b) return BV_NOMEM;
  b->number = number;
  b->upto = INT64_MIN;
  bv_chunk_init(&b->bars, BV_MEM_DERIVED, mask);
  int64_t i = place(g, number);
  memmove(g->block + i + 1, g->block + i, (size_t)(g->n - i) * sizeof *g->block);
  g->block[i] = b;
  g->n++;
  *out = b;
  return BV_OK;
}

static void remove_block(set *g, int64_t i) {
  block_free(g->block[i]);
  g->n--;
  memmove(g->block + i, g->block + i + 1, (size_t)(g->n - i) * sizeof *g->block);
}

/* ---- making a block ---- */

typedef struct maker {
  bv_store *s;
  const bv_source *src;
  block *b;
  int64_t from, end;
  bv_resample r;
  bv_err *err;
} maker;

static bv_rc feed(void *ctx, const bv_bars *bars) {
  maker *m = ctx;
  return bv_resample_feed(&m->r, bars, &m->b->bars);
}

static bv_rc make_from_base(maker *m) {
  bv_resample_base(&m->r, m->src->base.step, m->src->base.zone);
  return bv_raw_each(m->s, &m->src->base, m->from, m->end, bv_resample_needs(m->b->bars.mask), feed,
                     m, m->err);
}

/* Whether there is a stored bar in [lo, hi), and the first (or last) one's time. */
static bv_rc probe(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, bool desc,
                   int64_t *ts, bool *found, bv_err *err) {
  bv_chunk one;
  bv_chunk_init(&one, BV_MEM_DECODE, 0);
  bv_rc rc = bv_raw_read(s, &src->base, lo, hi, 1, desc, &one, err);
  *found = rc == BV_OK && one.n > 0;
  if (*found) *ts = one.ts[0];
  bv_chunk_reset(&one);
  return rc;
}

/* Whether a finer aggregate is held that gives the very same bits over [from, end). */
static bv_rc serves(const maker *m, const set *g, bool *out) {
  const bv_source *fine = &g->src, *src = m->src;
  unsigned mask = m->b->bars.mask, sums = BV_COLBIT(BV_COL_VOLUME) | BV_COLBIT(BV_COL_TRADES);
  int64_t dur = bv_timestep_dur_s(fine->step);
  *out = false;
  if (fine->base.id != src->base.id || fine->base.home != src->base.home ||
      fine->zone != src->zone || fine->session_lo != src->session_lo ||
      fine->session_hi != src->session_hi || bv_timestep_eq(fine->step, src->step) ||
      !bv_timestep_divides(fine->step, src->step) || (mask & BV_COLBIT(BV_COL_VWAP))) {
    return BV_OK;
  }
  if (dur == 0 && bv_timestep_dur_s(src->step) != 0) return BV_OK;
  for (int64_t k = number_of(fine, m->from); k <= number_of(fine, m->end - 1); k++) {
    const block *b = find_block(g, k);
    int64_t lo, hi, ts;
    block_edges(fine, k, &lo, &hi);
    if (!b) {
      bool any;
      BV_TRY(probe(m->s, fine, lo, hi, false, &ts, &any, m->err));
      if (any) return BV_OK;
    } else if (b->upto < hi || (mask & ~b->bars.mask) || ((mask & sums) && !b->integral)) {
      return BV_OK;
    }
  }
  *out = true;
  return BV_OK;
}

/* The coarsest such aggregate, NULL where there is none. */
static bv_rc choose_finer(const maker *m, const set **out) {
  size_t at = 0;
  *out = NULL;
  for (const bv_map_entry *e; (e = bv_map_next(&m->s->blocks, &at));) {
    const set *g = e->value;
    bool good = false;
    if (*out && bv_timestep_nominal_s((*out)->src.step) > bv_timestep_nominal_s(g->src.step)) {
      continue;
    }
    BV_TRY(serves(m, g, &good));
    if (good) *out = g;
  }
  return BV_OK;
}

static bv_rc make_from_finer(maker *m, const set *g) {
  bv_resample_init(&m->r, m->src->step, m->src->zone, 0, 0); /* the session was kept before */
  for (int64_t k = number_of(&g->src, m->from); k <= number_of(&g->src, m->end - 1); k++) {
    block *b = find_block(g, k);
    if (!b) continue;
    b->used = ++m->s->tick;
    bv_bars v = bv_chunk_range(&b->bars, m->from, m->end);
    BV_TRY(bv_resample_feed(&m->r, &v, &m->b->bars));
  }
  return BV_OK;
}

static bool whole_numbers(const bv_chunk *c, bv_column col) {
  const double *x = c->col[col];
  double sum = 0;
  for (int64_t i = 0; x && i < c->n; i++) {
    if (isnan(x[i])) continue;
    if (floor(x[i]) != x[i]) return false;
    sum += fabs(x[i]);
  }
  return sum < EXACT_SUM;
}

/* Bring a block up to its end. */
static bv_rc make(bv_store *s, const bv_source *src, block *b, bv_err *err) {
  int64_t lo, hi, t0 = bv_log_now(), before = b->bars.n;
  block_edges(src, b->number, &lo, &hi);
  maker m = {
      .s = s, .src = src, .b = b, .from = b->upto > lo ? b->upto : lo, .end = hi, .err = err};
  if (m.from >= m.end) return BV_OK;
  const set *finer;
  BV_TRY(choose_finer(&m, &finer));
  bv_resample_init(&m.r, src->step, src->zone, src->session_lo, src->session_hi);
  bv_rc rc = finer ? make_from_finer(&m, finer) : make_from_base(&m);
  if (rc == BV_OK) rc = bv_resample_flush(&m.r, &b->bars);
  if (rc != BV_OK) {
    b->bars.n = before; /* as if nothing had been tried */
    return rc;
  }
  b->upto = hi;
  bv_chunk_shrink(&b->bars);
  b->integral = whole_numbers(&b->bars, BV_COL_VOLUME) && whole_numbers(&b->bars, BV_COL_TRADES);
  s->counter[BV_N_RESAMPLE] += b->bars.n - before;
  bv_log_add(s, &(bv_decision){.event = BV_EV_RESAMPLE,
                               .held = BV_HELD_AGGREGATE,
                               .src = src,
                               .what = finer ? "from a finer aggregate" : "from stored bars",
                               .bars = b->bars.n - before,
                               .ns = bv_log_now() - t0});
  return BV_OK;
}

/* The block of that number, whole and in the columns of mask. */
static bv_rc get_block(bv_store *s, set *g, int64_t number, unsigned mask, block **out,
                       bv_err *err) {
  mask |= BV_COLBIT(BV_COL_KNOWN); /* other readers need it, and what is made of these */
  block *b = find_block(g, number);
  if (b && (mask & ~b->bars.mask)) { /* made anew with the columns wanted now, too */
    mask |= b->bars.mask;
    remove_block(g, place(g, number));
    b = NULL;
  }
  if (b) g->hits++;
  if (!b) BV_TRY(add_block(g, number, mask, &b));
  b->used = ++s->tick;
  BV_TRY(make(s, &g->src, b, err));
  *out = b;
  return BV_OK;
}

/* ---- reading ---- */

/* Whether another aggregate of the series holds bars in the span of that block: then there is something in
** it, and the stored bars need not be asked. */
static bool held_elsewhere(const bv_store *s, const bv_source *src, int64_t number) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->blocks, &at));) {
    const set *g = e->value;
    if (g->src.base.id != src->base.id || g->src.base.home != src->base.home) continue;
    if (span_s(&g->src) != span_s(src)) continue;
    const block *b = find_block(g, number);
    if (b && b->bars.n > 0) return true;
  }
  return false;
}

/* The block that holds the first buckets at or after t (desc: the last ones before t), where some stored
** bar lies before `stop` (desc: at or after it); *out = NULL: there are none. */
static bv_rc seek(bv_store *s, set *g, int64_t t, int64_t stop, bool desc, unsigned mask,
                  block **out, bv_err *err) {
  const bv_source *src = &g->src;
  int64_t start = desc ? bv_bucket_start(src->step, src->zone, t - 1, NULL) : t;
  int64_t number = number_of(src, start), ts;
  *out = NULL;
  if (!find_block(g, number) && !held_elsewhere(s, src, number)) {
    bool found;
    BV_TRY(probe(s, src, desc ? stop : t, desc ? t : stop, desc, &ts, &found, err));
    if (!found) return BV_OK;
    number = number_of(src, bv_bucket_start(src->step, src->zone, ts, NULL));
  }
  return get_block(s, g, number, mask, out, err);
}

static bv_rc read_forward(bv_store *s, set *g, int64_t lo, int64_t hi, int64_t max, bv_chunk *out,
                          bv_err *err) {
  int64_t want = max > INT64_MAX - out->n ? INT64_MAX : out->n + max;
  for (int64_t t = lo; t < hi && out->n < want;) {
    block *b;
    int64_t first, end;
    BV_TRY(seek(s, g, t, hi, false, out->mask, &b, err));
    if (!b) return BV_OK;
    bv_bars v = bv_chunk_range(&b->bars, lo, hi);
    if (v.n > want - out->n) v.n = want - out->n;
    BV_TRY(bv_chunk_append(out, &v));
    block_edges(&g->src, b->number, &first, &end);
    t = end > t ? end : hi;
  }
  return BV_OK;
}

static bv_rc read_backward(bv_store *s, set *g, int64_t lo, int64_t hi, int64_t max, bv_chunk *out,
                           bv_err *err) {
  int64_t have = 0, from = hi;
  while (from > lo && have < max) {
    block *b;
    int64_t first, end;
    BV_TRY(seek(s, g, from, lo, true, out->mask, &b, err));
    if (!b) break;
    have += bv_chunk_range(&b->bars, lo, hi).n;
    block_edges(&g->src, b->number, &first, &end);
    from = first < from ? first : lo;
  }
  BV_TRY(read_forward(s, g, from > lo ? from : lo, hi, INT64_MAX, out, err));
  bv_chunk_keep_last(out, max);
  return BV_OK;
}

bv_rc bv_blocks_read(bv_store *s, const bv_source *src, int64_t lo, int64_t hi, int64_t max,
                     bool desc, bv_chunk *out, bv_err *err) {
  assert(src->agg && src->fill == BV_FILL_NONE && src->cut == BV_NO_CLOCK);
  set *g;
  lo = bv_source_bucket_after(src, clamp(lo));
  hi = bv_source_bucket_after(src, clamp(hi));
  if (lo >= hi || max <= 0) return BV_OK;
  BV_TRY(get_set(s, src, &g));
  return desc ? read_backward(s, g, lo, hi, max, out, err)
              : read_forward(s, g, lo, hi, max, out, err);
}

/* ---- upkeep ---- */

static void set_written(set *g, int64_t ts) {
  int64_t start = bv_bucket_start(g->src.step, g->src.zone, ts, NULL);
  block *b = find_block(g, number_of(&g->src, start));
  if (!b || b->upto <= start) return;
  b->upto = start;
  while (b->bars.n > 0 && b->bars.ts[b->bars.n - 1] >= start) b->bars.n--;
}

void bv_blocks_written(bv_store *s, const bv_series *series, int64_t ts) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->blocks, &at));) {
    set *g = e->value;
    if (g->src.base.id == series->id && g->src.base.home == series->home) set_written(g, ts);
  }
}

static set *oldest(const bv_store *s, int64_t *which) {
  set *best = NULL;
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->blocks, &at));) {
    set *g = e->value;
    for (int64_t i = 0; i < g->n; i++) {
      if (best && best->block[*which]->used <= g->block[i]->used) continue;
      best = g;
      *which = i;
    }
  }
  return best;
}

bool bv_blocks_oldest(bv_store *s, int64_t *used) {
  int64_t i;
  const set *g = oldest(s, &i);
  if (g) *used = g->block[i]->used;
  return g != NULL;
}

static int64_t bytes_of(const block *b) {
  int64_t columns = 1;
  for (int c = 0; c < BV_NCOL; c++) columns += b->bars.col[c] != NULL;
  return b->bars.cap * 8 * columns + (int64_t)sizeof *b;
}

void bv_blocks_drop_oldest(bv_store *s) {
  int64_t i;
  set *g = oldest(s, &i);
  if (!g) return;
  bv_log_add(s, &(bv_decision){.event = BV_EV_EVICT,
                               .held = BV_HELD_AGGREGATE,
                               .src = &g->src,
                               .bars = g->block[i]->bars.n,
                               .bytes = bytes_of(g->block[i]),
                               .reason = "over memory_limit, not used for longest"});
  remove_block(g, i);
  if (g->n > 0) return;
  char key[BV_SOURCE_KEY];
  bv_map_remove(&s->blocks, key, bv_source_key(&g->src, key));
  set_free(g);
}

bool bv_blocks_next(const bv_store *s, size_t *at, bv_block_info *out) {
  const bv_map_entry *e = bv_map_next(&s->blocks, at);
  if (!e) return false;
  const set *g = e->value;
  *out = (bv_block_info){.src = &g->src, .blocks = g->n, .hits = g->hits};
  for (int64_t i = 0; i < g->n; i++) {
    const block *b = g->block[i];
    out->bytes += bytes_of(b);
    if (b->used > out->used) out->used = b->used;
    if (b->bars.n == 0) continue;
    if (out->bars == 0) out->first = b->bars.ts[0];
    out->last = b->bars.ts[b->bars.n - 1];
    out->bars += b->bars.n;
  }
  return true;
}
