/* universe.c - which series take part in a run; see universe.h. */
#include "run/universe.h"
#include "run/contracts.h"
#include "time/timestep.h"

#include <string.h>

void bv_universe_touch(void *ctx, const bv_series *s) {
  bv_run *r = ctx;
  for (int i = 0; i < r->ntouched; i++) {
    if (r->touched[i].id == s->id && r->touched[i].home == s->home) return;
  }
  if (bv_room(BV_MEM_RUN, &r->touched, r->ntouched, sizeof *r->touched) != BV_OK) {
    r->touch_failed = true;
    return;
  }
  r->touched[r->ntouched++] = *s;
}

/* Of the same length those of trades come before those of quotes. */
static bool finer(const bv_series *a, const bv_series *b) {
  int64_t x = bv_timestep_nominal_s(a->step), y = bv_timestep_nominal_s(b->step);
  return x != y ? x < y : a->step.of < b->step.of;
}

/* The series of an asset of that timestep; of one that is only quoted that of its bid, or of its ask; NULL where there is
** none of them. */
static bv_rc series_of(bv_store *s, const char *asset, const char *timestep, const bv_series **out,
                       bv_err *err) {
  bv_timestep step;
  char text[32];
  BV_TRY(bv_series_find(s, asset, timestep, out, err));
  if (*out || bv_timestep_parse(timestep, strlen(timestep), &step, NULL) != BV_OK) return BV_OK;
  for (int of = BV_OF_BID; step.of == BV_OF_TRADES && !*out && of <= BV_OF_ASK; of++) {
    bv_timestep side = step;
    side.of = (bv_bars_of)of;
    bv_timestep_format(side, text);
    BV_TRY(bv_series_find(s, asset, text, out, err));
  }
  return BV_OK;
}

/* The series orders of an asset are matched on: of the configured timestep; else the finest one of it
** that the strategy reads; else the finest stored one; of an asset that is only quoted, of its
** bid. */
static bv_rc base_series(bv_run *r, const char *asset, bv_series *out, bv_err *err) {
  bv_store *s = r->store;
  if (r->config.timestep[0]) {
    const bv_series *found;
    BV_TRY(series_of(s, asset, r->config.timestep, &found, err));
    if (!found) return bv_series_missing(s, "config", asset, r->config.timestep, err);
    *out = *found;
    return BV_OK;
  }
  const bv_series *best = NULL;
  for (int i = 0; i < r->ntouched; i++) {
    const bv_series *t = &r->touched[i];
    if (strcmp(t->asset, asset) == 0 && (!best || finer(t, best))) best = t;
  }
  if (best) {
    *out = *best;
    return BV_OK;
  }
  enum { MAX = 32 };
  bv_series have[MAX];
  int n;
  BV_TRY(bv_series_all(s, asset, have, MAX, &n, err));
  if (n == 0) return bv_series_missing(s, "bt_run()", asset, "", err);
  *out = have[0];
  return BV_OK;
}

/* The series of an asset that is only followed: of the run's timestep where there is one, else the finest. */
static bv_rc followed_series(bv_run *r, const char *asset, bv_series *out, bv_err *err) {
  enum { MAX = 32 };
  bv_series have[MAX];
  const bv_series *found = NULL;
  int n;
  if (r->config.timestep[0]) {
    BV_TRY(series_of(r->store, asset, r->config.timestep, &found, err));
  }
  if (found) {
    *out = *found;
    return BV_OK;
  }
  BV_TRY(bv_series_all(r->store, asset, have, MAX, &n, err));
  if (n == 0) return bv_series_missing(r->store, "bt_run()", asset, "", err);
  *out = have[0];
  return BV_OK;
}

/* The spread is in the quotes: a model of it would charge it again. */
static bv_rc no_spread_twice(const bv_run *r, const char *asset, int number, bv_err *err) {
  const bv_sim_config *c = &r->config.sim;
  bool model = c->slippage_model == BV_SLIP_SPREAD;
  if ((!model && c->spread == 0) || !r->feed.asset[r->feed.of[number]].quotes) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "config: '%.80s' has bars of quotes, which orders meet, and %s would charge the "
                 "spread again; leave it out, or set quotes to ignore",
                 asset, model ? "slippage.model spread" : "knob spread");
}

/* Let an asset take part from instant `from` on.  Its last price is that of the newest bar before,
** so that the first decision about it can be sized. */
static bv_rc add_asset(bv_run *r, const char *asset, int64_t from, bool quiet, int *number,
                       bv_err *err) {
  bv_series series;
  bv_sim_bar last;
  bool found = false;
  if (from < r->config.start) from = r->config.start;
  BV_TRY(quiet ? followed_series(r, asset, &series, err) : base_series(r, asset, &series, err));
  if (r->config.risk.n > 0) BV_TRY(bv_risk_config_join(&r->config.risk, r->store, asset, err));
  BV_TRY(bv_sim_asset(r->sim, asset, series.multiplier, number, err));
  bv_sim_asset_zone(r->sim, *number, series.zone);
  BV_TRY(bv_map_put(&r->asset, asset, strlen(asset), (void *)(intptr_t)(*number + 1)));
  BV_TRY(bv_contract_define(r, &series, *number, from, err));
  BV_TRY(bv_feed_add(&r->feed, &series, *number, from, quiet, err));
  BV_TRY(no_spread_twice(r, asset, *number, err));
  r->nquiet += quiet;
  if (from != INT64_MIN) {
    BV_TRY(bv_feed_before(&r->feed, &series, *number, from, &last, &found, err));
  }
  if (found) bv_sim_before(r->sim, &last);
  int64_t shows = found ? last.known_at : from; /* the last price knows of nothing later */
  BV_TRY(bv_actions_add(&r->actions, r->store, asset, *number, shows, err));
  if (from != INT64_MIN) BV_TRY(bv_actions_run(&r->actions, &r->feed, from - 1, err));
  if (r->rates.nearly > 0) BV_TRY(bv_rates_joined(&r->rates, from, r->sim, *number, err));
  return BV_OK;
}

bv_rc bv_universe_join(bv_run *r, const char *asset, int64_t from, int *number, bv_err *err) {
  *number = bv_run_asset(r, asset);
  if (*number < 0) return add_asset(r, asset, from, false, number, err);
  if (r->nquiet > 0) bv_feed_speak(&r->feed, *number);
  return BV_OK;
}

bv_rc bv_run_follow(bv_run *r, const char *asset, int64_t from, int *number, bv_err *err) {
  *number = bv_run_asset(r, asset);
  return *number >= 0 ? BV_OK : add_asset(r, asset, from, true, number, err);
}

int bv_run_asset(const bv_run *r, const char *asset) {
  return (int)(intptr_t)bv_map_find(&r->asset, asset, strlen(asset)) - 1;
}

bv_rc bv_universe_add_touched(bv_run *r, bv_err *err) {
  int number;
  if (r->touch_failed) return BV_NOMEM;
  for (int i = 0; i < r->ntouched; i++) {
    const char *asset = r->touched[i].asset;
    BV_TRY(bv_universe_join(r, asset, INT64_MIN, &number, err));
  }
  return BV_OK;
}
