/* quote_feed.c - the bid and the ask beside the bars a run is matched on; see quote_feed.h. */
#include "run/quote_feed.h"
#include "data/raw.h"

#include <math.h>

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
  for (int i = 0; i < BV_QUOTE_SIDES; i++) q->side[i] = side[i];
  *out = q;
  return BV_OK;
}

void bv_quotes_free(bv_quotes_feed *q) {
  if (!q) return;
  for (int i = 0; i < BV_QUOTE_SIDES; i++) {
    for (int c = 0; c < 4; c++) bv_free(q->side[i].price[c]);
  }
  bv_free(q);
}

static bool beside(const bv_quote_side_feed *side) {
  return side->there && !side->base;
}

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
  if (side->base) return true;
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
}

const bv_sim_quote *bv_quotes_at(bv_quotes_feed *q, const bv_sim_bar *bar, int64_t i) {
  bv_quotes_fill(q, bar, i, &q->now);
  return &q->now;
}
