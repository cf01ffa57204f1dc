/* quote_feed.c - the bid and the ask beside the bars a run is matched on; see quote_feed.h. */
#include "run/quote_feed.h"
#include "data/raw.h"

#include <math.h>
#include <stdlib.h>

static const bv_column column[4] = {BV_COL_OPEN, BV_COL_HIGH, BV_COL_LOW, BV_COL_CLOSE};

#define PRICES                                                                                     \
  (BV_COLBIT(BV_COL_OPEN) | BV_COLBIT(BV_COL_HIGH) | BV_COLBIT(BV_COL_LOW) |                       \
   BV_COLBIT(BV_COL_CLOSE))

static bv_rc find_side(bv_store *s, const bv_series *base, bv_bars_of of, bv_quote_side_feed *out,
                       bv_err *err) {
  bv_timestep step = base->step;
  const bv_series *found;
  char text[32];
  out->base = step.of == of;
  out->there = out->base;
  if (out->base) return BV_OK;
  step.of = of;
  bv_timestep_format(step, text);
  BV_TRY(bv_series_find(s, base->asset, text, &found, err));
  out->there = found != NULL;
  if (found) out->series = *found;
  return BV_OK;
}

bv_rc bv_quotes_open(bv_store *s, const bv_series *base, bv_quotes_feed **out, bv_err *err) {
  bv_quote_side_feed side[BV_QUOTE_SIDES] = {{0}};
  *out = NULL;
  BV_TRY(find_side(s, base, BV_OF_BID, &side[BV_QUOTE_BID], err));
  BV_TRY(find_side(s, base, BV_OF_ASK, &side[BV_QUOTE_ASK], err));
  bool beside = false;
  for (int i = 0; i < BV_QUOTE_SIDES; i++) beside |= side[i].there && !side[i].base;
  if (!beside) return BV_OK;
  bv_quotes_feed *q = bv_alloc0(BV_MEM_RUN, sizeof *q);
  if (!q) return BV_NOMEM;
  bv_chunk_init(&q->merged, BV_MEM_RUN, PRICES | BV_COLBIT(BV_COL_VOLUME));
  q->close = NAN;
  q->until = INT64_MIN;
  bv_rc rc = BV_OK;
  for (int i = 0; rc == BV_OK && i < BV_QUOTE_SIDES; i++) {
    q->side[i] = side[i];
    if (!side[i].there || side[i].base) continue;
    int64_t first, last, n = 0;
    rc = bv_series_span(s, &side[i].series, &first, &last, &n, err);
    if (rc == BV_OK && n > 0 && last >= q->until) q->until = last + 1;
  }
  if (rc != BV_OK) {
    bv_quotes_free(q);
    return rc;
  }
  *out = q;
  return BV_OK;
}

void bv_quotes_free(bv_quotes_feed *q) {
  if (!q) return;
  for (int i = 0; i < BV_QUOTE_SIDES; i++) {
    for (int c = 0; c < 4; c++) bv_free(q->side[i].price[c]);
  }
  bv_chunk_reset(&q->merged);
  bv_free(q->marks);
  bv_free(q->only);
  bv_free(q);
}

static bool beside(const bv_quote_side_feed *side) {
  return side->there && !side->base;
}

/* --- quotes where the base has no bar --- */

bv_rc bv_quotes_first(const bv_quotes_feed *q, bv_store *s, int64_t lo, int64_t hi, int64_t *ts,
                      bv_err *err) {
  bv_chunk c;
  bv_rc rc = BV_OK;
  *ts = hi;
  bv_chunk_init(&c, BV_MEM_RUN, BV_COLBIT(BV_COL_CLOSE));
  for (int i = 0; rc == BV_OK && i < BV_QUOTE_SIDES; i++) {
    if (!beside(&q->side[i])) continue;
    bv_chunk_clear(&c);
    rc = bv_raw_read(s, &q->side[i].series, lo, *ts, 1, false, &c, err);
    if (rc == BV_OK && c.n > 0) *ts = c.ts[0];
  }
  bv_chunk_reset(&c);
  return rc;
}

/* Gathers starts of quotes that no bar of the base has. */
typedef struct gathering {
  bv_quotes_feed *q;
  const bv_bars *base;
  int64_t at;
} gathering;

static bv_rc gather(void *ctx, const bv_bars *bars) {
  gathering *g = ctx;
  bv_quotes_feed *q = g->q;
  for (int64_t k = 0; k < bars->n; k++) {
    while (g->at < g->base->n && g->base->ts[g->at] < bars->ts[k]) g->at++;
    if (g->at < g->base->n && g->base->ts[g->at] == bars->ts[k]) continue;
    BV_TRY(bv_room(BV_MEM_RUN, &q->only, q->nonly, sizeof *q->only));
    q->only[q->nonly++] = bars->ts[k];
  }
  return BV_OK;
}

static int by_time(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Each start once, in order of time. */
static void sort_only(bv_quotes_feed *q) {
  int64_t n = 0;
  if (q->nonly > 1) qsort(q->only, (size_t)q->nonly, sizeof *q->only, by_time);
  for (int64_t k = 0; k < q->nonly; k++) {
    if (n == 0 || q->only[n - 1] != q->only[k]) q->only[n++] = q->only[k];
  }
  q->nonly = n;
}

static bv_rc room_to_merge(bv_quotes_feed *q, int64_t n) {
  const int64_t before = q->merged.cap;
  bv_chunk_clear(&q->merged);
  BV_TRY(bv_chunk_reserve(&q->merged, n));
  if (q->marks && q->merged.cap == before) return BV_OK;
  uint8_t *more = bv_realloc(BV_MEM_RUN, q->marks, (size_t)q->merged.cap);
  if (!more) return BV_NOMEM;
  q->marks = more;
  return BV_OK;
}

static bv_rc add_merged(bv_quotes_feed *q, const bv_bars *base, int64_t i, int64_t ts, bool alone) {
  double value[BV_NCOL];
  for (int c = 0; c < BV_NCOL; c++) value[c] = !alone && base->col[c] ? base->col[c][i] : NAN;
  if (alone) value[BV_COL_CLOSE] = q->close;
  if (!isnan(value[BV_COL_CLOSE])) q->close = value[BV_COL_CLOSE];
  q->marks[q->merged.n] = alone;
  return bv_chunk_add(&q->merged, ts, value);
}

bv_rc bv_quotes_merge(bv_quotes_feed *q, bv_store *s, const bv_bars *base, int64_t lo, int64_t hi,
                      bv_bars *out, bv_err *err) {
  *out = *base;
  q->alone = NULL;
  q->nonly = 0;
  for (int i = 0; i < BV_QUOTE_SIDES; i++) {
    gathering g = {q, base, 0};
    if (!beside(&q->side[i])) continue;
    BV_TRY(bv_raw_each(s, &q->side[i].series, lo, hi, BV_COLBIT(BV_COL_CLOSE), gather, &g, err));
  }
  if (q->nonly == 0) {
    for (int64_t i = base->n - 1; i >= 0; i--) {
      if (isnan(base->col[BV_COL_CLOSE][i])) continue;
      q->close = base->col[BV_COL_CLOSE][i];
      break;
    }
    return BV_OK;
  }
  sort_only(q);
  BV_TRY(room_to_merge(q, base->n + q->nonly));
  for (int64_t i = 0, k = 0; i < base->n || k < q->nonly;) {
    bool alone = i == base->n || (k < q->nonly && q->only[k] < base->ts[i]);
    BV_TRY(add_merged(q, base, i, alone ? q->only[k] : base->ts[i], alone));
    *(alone ? &k : &i) += 1;
  }
  q->alone = q->marks;
  *out = bv_chunk_view(&q->merged);
  return BV_OK;
}

/* --- quotes beside bars --- */

static bv_rc room_for(bv_quotes_feed *q, int64_t n) {
  if (n <= q->cap) return BV_OK;
  for (int i = 0; i < BV_QUOTE_SIDES; i++) {
    for (int c = 0; c < 4 && beside(&q->side[i]); c++) {
      double *more = bv_realloc(BV_MEM_RUN, q->side[i].price[c], (size_t)n * sizeof *more);
      if (!more) return BV_NOMEM;
      q->side[i].price[c] = more;
    }
  }
  q->cap = n;
  return BV_OK;
}

/* What of one side lies in the rows from *at on; where a run of bars of the side ends the next goes on. */
typedef struct laying {
  const bv_quote_side_feed *side;
  const int64_t *ts; /* of the base */
  int64_t n, at;
} laying;

static bv_rc lay_run(void *ctx, const bv_bars *bars) {
  laying *l = ctx;
  for (int64_t k = 0; k < bars->n && l->at < l->n; k++) {
    while (l->at < l->n && l->ts[l->at] < bars->ts[k]) l->at++;
    if (l->at == l->n || l->ts[l->at] != bars->ts[k]) continue;
    for (int c = 0; c < 4; c++) l->side->price[c][l->at] = bars->col[column[c]][k];
  }
  return BV_OK;
}

bv_rc bv_quotes_lay(bv_quotes_feed *q, bv_store *s, const bv_bars *base, bv_err *err) {
  BV_TRY(room_for(q, base->n));
  for (int i = 0; i < BV_QUOTE_SIDES && base->n > 0; i++) {
    bv_quote_side_feed *side = &q->side[i];
    if (!beside(side)) continue;
    for (int c = 0; c < 4; c++) {
      for (int64_t k = 0; k < base->n; k++) side->price[c][k] = NAN;
    }
    laying l = {side, base->ts, base->n, 0};
    BV_TRY(bv_raw_each(s, &side->series, base->ts[0], base->ts[base->n - 1] + 1, PRICES, lay_run,
                       &l, err));
  }
  return BV_OK;
}

/* The side's bar, the base's own where the side has none; whether it has one. */
static bool fill_side(const bv_quote_side_feed *side, const bv_sim_bar *bar, int64_t i,
                      bv_sim_bar *out) {
  *out = *bar;
  out->quote = NULL;
  if (side->base) return !isnan(bar->close);
  if (!side->there || isnan(side->price[0][i])) return false;
  out->open = side->price[0][i];
  out->high = side->price[1][i];
  out->low = side->price[2][i];
  out->close = side->price[3][i];
  return true;
}

void bv_quotes_fill(const bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i, bv_sim_quote *out) {
  out->has_bid = fill_side(&q->side[BV_QUOTE_BID], bar, i, &out->bid);
  out->has_ask = fill_side(&q->side[BV_QUOTE_ASK], bar, i, &out->ask);
  out->alone = bv_quotes_alone(q, i);
}

/* Where the side stood at the end of bars [lo, i); NaN: they do not say. */
static double stood(const bv_quotes_feed *q, const bv_quote_side_feed *side, const double *close,
                    int64_t lo, int64_t i) {
  while (--i >= lo) {
    const double p = side->there && !side->base ? side->price[3][i] : NAN;
    if (!isnan(p)) return p;
    if (!bv_quotes_alone(q, i)) return close[i];
  }
  return NAN;
}

const bv_sim_quote *bv_quotes_last(bv_quotes_feed *q, const bv_bars *bars, const bv_sim_bar *bar,
                                   int64_t lo, int64_t i) {
  const double *close = bars->col[BV_COL_CLOSE];
  bv_sim_quote *now = &q->now;
  bv_quotes_fill(q, bar, i, now);
  if (!now->alone) return now;
  if (!now->has_bid) now->bid.close = stood(q, &q->side[BV_QUOTE_BID], close, lo, i);
  if (!now->has_ask) now->ask.close = stood(q, &q->side[BV_QUOTE_ASK], close, lo, i);
  return now;
}

const bv_sim_quote *bv_quotes_at(bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i) {
  bv_quotes_fill(q, bar, i, &q->now);
  return &q->now;
}
