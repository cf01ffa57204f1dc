/* hand.c - the strategy's rows on their way to the simulator; see hand.h. */
#include "run/hand.h"
#include "run/universe.h"

#include <string.h>

/* Let the simulator know the asset of a row and what goes with it.  Cancels and replaces are done; *order:
** there is an order left to give. */
static bv_rc prepare_row(bv_run *r, int64_t t, bv_signal *g, bool *order, bv_err *err) {
  const char *asset = g->text[BV_TEXT_ASSET];
  int number = bv_run_asset(r, asset);
  if (number < 0 || r->nquiet > 0) BV_TRY(bv_universe_join(r, asset, t, &number, err));
  bv_feed_catch_up(&r->feed, number);
  g->ask.asset = number;
  g->ask.tag = g->text[BV_TEXT_TAG];
  g->ask.oco = g->text[BV_TEXT_OCO];
  g->ask.closes = g->text[BV_TEXT_CLOSES];
  g->ask.oto = g->text[BV_TEXT_OTO];
  g->ask.combo = g->text[BV_TEXT_COMBO];
  const char *cancel = g->text[BV_TEXT_CANCEL], *replace = g->text[BV_TEXT_REPLACE];
  *order = !replace && !g->no_order;
  if (replace) return bv_sim_replace(r->sim, t, &g->ask, replace, err);
  return cancel ? bv_sim_cancel(r->sim, t, number, cancel, err) : BV_OK;
}

static void keep_tag(void *ctx, const char *tag) {
  bv_sim_tags_keep(ctx, tag);
}

/* Tags that no order, lot, or row on its way has any more. */
static void drop_tags(bv_run *r) {
  bv_rows_texts(&r->result->rows, keep_tag, r->sim);
  bv_trail_tags(&r->keep.trail, keep_tag, r->sim);
  bv_sim_tags_drop(r->sim);
}

bv_rc bv_hand_one(bv_run *r, int64_t t, bv_signal *g, bv_err *err) {
  bool order;
  if (bv_sim_tags_many(r->sim)) drop_tags(r);
  BV_TRY(prepare_row(r, t, g, &order, err));
  return order ? bv_sim_submit(r->sim, t, &g->ask, err) : BV_OK;
}

/* The rows of the batch, which is sealed, as one step. */
bv_rc bv_hand_batch(bv_run *r, int64_t t, bv_err *err) {
  bv_batch *b = &r->batch;
  int n = 0;
  if (bv_sim_tags_many(r->sim)) drop_tags(r);
  if (b->n > r->cap_ask) {
    bv_sim_request *more = bv_realloc(BV_MEM_RUN, r->ask, 2 * (size_t)b->n * sizeof *more);
    if (!more) return BV_NOMEM;
    r->ask = more;
    r->cap_ask = 2 * b->n;
  }
  for (int i = 0; i < b->n; i++) {
    bool order;
    BV_TRY(prepare_row(r, t, &b->row[i], &order, err));
    if (order) r->ask[n++] = b->row[i].ask;
  }
  bv_batch_clear(b);
  return n > 0 ? bv_sim_submit_step(r->sim, t, r->ask, n, err) : BV_OK;
}

/* Copy a row's text into a buffer of the run: the statement moves on before the row's time comes. */
static bv_rc keep_text(char **buf, size_t *cap, const char **text) {
  if (!*text) return BV_OK;
  size_t n = strlen(*text) + 1;
  if (n > *cap) {
    char *more = bv_realloc(BV_MEM_RUN, *buf, n * 2);
    if (!more) return BV_NOMEM;
    *buf = more;
    *cap = n * 2;
  }
  memcpy(*buf, *text, n);
  *text = *buf;
  return BV_OK;
}

bv_rc bv_hand_fetch(bv_run *r, bv_err *err) {
  bool more;
  if (r->keep.listed) return bv_keep_fetch(r, err);
  r->in_strategy = true;
  bv_rc rc = bv_strategy_next(&r->strategy, &r->next, &more, err);
  r->in_strategy = false;
  if (rc != BV_OK) return rc;
  r->has_next = more;
  if (!more) return BV_OK;
  for (int i = 0; i < BV_TEXTS; i++) {
    BV_TRY(keep_text(&r->next_text[i], &r->next_cap[i], &r->next.text[i]));
  }
  return BV_OK;
}

/* Keep a copy of a row for its step. */
bv_rc bv_hand_gather(bv_run *r, const bv_signal *g) {
  bv_signal *to = bv_batch_next(&r->batch);
  if (!to) return BV_NOMEM;
  *to = *g;
  return bv_batch_keep(&r->batch);
}

/* Set mode where targets are not given one by one: the rows of one known_at are a step. */
static bv_rc hand_over_steps(bv_run *r, int64_t t, bv_err *err) {
  while (r->has_next && r->next.known_at <= t) {
    int64_t at = r->next.known_at;
    bv_batch_clear(&r->batch);
    while (r->has_next && r->next.known_at == at) {
      bool in_time = at > r->config.start && at <= r->config.end;
      if (in_time && !r->next.none) BV_TRY(bv_hand_gather(r, &r->next));
      BV_TRY(bv_hand_fetch(r, err));
    }
    bv_batch_seal(&r->batch);
    BV_TRY(bv_hand_batch(r, at, err));
  }
  return BV_OK;
}

/* Set mode: hand over the rows known by t.  As in step mode, the bars before the run's start decide
** nothing: the first decision is taken after it. */
bv_rc bv_hand_over(bv_run *r, int64_t t, bv_err *err) {
  if (!bv_sim_plain_targets(r->sim)) return hand_over_steps(r, t, err);
  while (r->has_next && r->next.known_at <= t) {
    bv_signal *g = &r->next;
    bool in_time = g->known_at > r->config.start && g->known_at <= r->config.end;
    if (in_time && !g->none) BV_TRY(bv_hand_one(r, g->known_at, g, err));
    BV_TRY(bv_hand_fetch(r, err));
  }
  return BV_OK;
}

bv_rc bv_hand_read(bv_run *r, bv_err *err) {
  bv_batch *b = &r->batch;
  bool more = true;
  bv_rc rc = BV_OK;
  bv_batch_clear(b);
  r->in_strategy = true;
  while (rc == BV_OK && more) {
    bv_signal *g = bv_batch_next(b);
    rc = g ? bv_strategy_next(&r->strategy, g, &more, err) : BV_NOMEM;
    if (rc == BV_OK && more && !g->none) rc = bv_batch_keep(b);
  }
  r->in_strategy = false;
  bv_batch_seal(b);
  return rc;
}

/* Step mode: execute the view with the clock at t; it may look at the run's own rows. */
bv_rc bv_hand_decide(bv_run *r, int64_t t, bv_err *err) {
  if (r->keep.every) {
    BV_TRY(bv_keep_before(r, err));
    BV_TRY(r->keep.replay ? bv_keep_again(r, t, err) : bv_hand_read(r, err));
    BV_TRY(bv_keep_decided(r, t, err));
  } else {
    BV_TRY(bv_hand_read(r, err));
  }
  if (!bv_sim_plain_targets(r->sim)) return bv_hand_batch(r, t, err);
  for (int i = 0; i < r->batch.n; i++) BV_TRY(bv_hand_one(r, t, &r->batch.row[i], err));
  bv_batch_clear(&r->batch);
  return BV_OK;
}
