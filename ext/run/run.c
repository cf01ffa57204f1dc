/* run.c - the driver: steps a strategy over the bars of its assets; see run.h. */
#include "run/run.h"
#include "data/memo.h"
#include "run/benchmark.h"
#include "run/contracts.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* ---- which series take part ---- */

/* While the strategy is executed, its readers report the series they open. */
static void on_touch(void *ctx, const bv_series *s) {
  bv_run *r = ctx;
  for (int i = 0; i < r->ntouched; i++) {
    if (r->touched[i].id == s->id && r->touched[i].home == s->home) return;
  }
  if (r->ntouched == r->cap_touched) {
    int cap = r->cap_touched ? r->cap_touched * 2 : 8;
    bv_series *more = bv_realloc(BV_MEM_RUN, r->touched, (size_t)cap * sizeof *more);
    if (!more) {
      r->touch_failed = true;
      return;
    }
    r->touched = more;
    r->cap_touched = cap;
  }
  r->touched[r->ntouched++] = *s;
}

static bool finer(const bv_series *a, const bv_series *b) {
  return bv_timestep_nominal_s(a->step) < bv_timestep_nominal_s(b->step);
}

/* The series orders of an asset are matched on: of the configured timestep; else the finest one of it
** that the strategy reads; else the finest stored one. */
static bv_rc base_series(bv_run *r, const char *asset, bv_series *out, bv_err *err) {
  bv_store *s = r->store;
  if (r->config.timestep[0]) {
    const bv_series *found;
    BV_TRY(bv_series_find(s, asset, r->config.timestep, &found, err));
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
  BV_TRY(bv_series_of(s, asset, have, MAX, &n, err));
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
    BV_TRY(bv_series_find(r->store, asset, r->config.timestep, &found, err));
  }
  if (found) {
    *out = *found;
    return BV_OK;
  }
  BV_TRY(bv_series_of(r->store, asset, have, MAX, &n, err));
  if (n == 0) return bv_series_missing(r->store, "bt_run()", asset, "", err);
  *out = have[0];
  return BV_OK;
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
  BV_TRY(bv_sim_asset(r->sim, asset, series.multiplier, number, err));
  bv_sim_asset_zone(r->sim, *number, series.zone);
  BV_TRY(bv_map_put(&r->asset, asset, strlen(asset), (void *)(intptr_t)(*number + 1)));
  BV_TRY(bv_contract_define(r, asset, *number, from, err));
  BV_TRY(bv_feed_add(&r->feed, &series, *number, from, quiet, err));
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

/* The strategy trades an asset: it takes part, if it does not yet, and makes steps. */
static bv_rc join(bv_run *r, const char *asset, int64_t from, int *number, bv_err *err) {
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

static bv_rc add_touched(bv_run *r, bv_err *err) {
  int number;
  if (r->touch_failed) return BV_NOMEM;
  for (int i = 0; i < r->ntouched; i++) {
    const char *asset = r->touched[i].asset;
    BV_TRY(join(r, asset, INT64_MIN, &number, err));
  }
  return BV_OK;
}

/* ---- requests ---- */

/* Let the simulator know the asset of a row and what goes with it.  Cancels and replaces are done; *order:
** there is an order left to give. */
static bv_rc prepare_row(bv_run *r, int64_t t, bv_signal *g, bool *order, bv_err *err) {
  const char *asset = g->text[BV_TEXT_ASSET];
  int number = bv_run_asset(r, asset);
  if (number < 0 || r->nquiet > 0) BV_TRY(join(r, asset, t, &number, err));
  bv_feed_catch_up(&r->feed, number);
  g->ask.asset = number;
  g->ask.tag = g->text[BV_TEXT_TAG];
  g->ask.oco = g->text[BV_TEXT_OCO];
  g->ask.closes = g->text[BV_TEXT_CLOSES];
  g->ask.oto = g->text[BV_TEXT_OTO];
  const char *cancel = g->text[BV_TEXT_CANCEL], *replace = g->text[BV_TEXT_REPLACE];
  *order = !replace && !g->no_order;
  if (replace) return bv_sim_replace(r->sim, t, &g->ask, replace, err);
  return cancel ? bv_sim_cancel(r->sim, t, number, cancel, err) : BV_OK;
}

static bv_rc submit(bv_run *r, int64_t t, bv_signal *g, bv_err *err) {
  bool order;
  BV_TRY(prepare_row(r, t, g, &order, err));
  return order ? bv_sim_submit(r->sim, t, &g->ask, err) : BV_OK;
}

/* The rows of the batch, which is sealed, as one step. */
static bv_rc submit_batch(bv_run *r, int64_t t, bv_err *err) {
  bv_batch *b = &r->batch;
  int n = 0;
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

static bv_rc fetch(bv_run *r, bv_err *err) {
  bool more;
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
static bv_rc gather(bv_run *r, const bv_signal *g) {
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
      if (in_time && !r->next.none) BV_TRY(gather(r, &r->next));
      BV_TRY(fetch(r, err));
    }
    bv_batch_seal(&r->batch);
    BV_TRY(submit_batch(r, at, err));
  }
  return BV_OK;
}

/* Set mode: hand over the rows known by t.  As in step mode, the bars before the run's start decide
** nothing: the first decision is taken after it. */
static bv_rc hand_over(bv_run *r, int64_t t, bv_err *err) {
  if (!bv_sim_plain_targets(r->sim)) return hand_over_steps(r, t, err);
  while (r->has_next && r->next.known_at <= t) {
    bv_signal *g = &r->next;
    bool in_time = g->known_at > r->config.start && g->known_at <= r->config.end;
    if (in_time && !g->none) BV_TRY(submit(r, g->known_at, g, err));
    BV_TRY(fetch(r, err));
  }
  return BV_OK;
}

static bv_rc read_rows(bv_run *r, bv_err *err) {
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
static bv_rc decide(bv_run *r, int64_t t, bv_err *err) {
  BV_TRY(bv_rows_flush(&r->result->rows, err));
  BV_TRY(read_rows(r, err));
  if (!bv_sim_plain_targets(r->sim)) return submit_batch(r, t, err);
  for (int i = 0; i < r->batch.n; i++) BV_TRY(submit(r, t, &r->batch.row[i], err));
  bv_batch_clear(&r->batch);
  return BV_OK;
}

/* ---- opening ---- */

/* Raise *out to the end of the newest bar stored in `home`.  Any instant near the end of the data
** does, so the newest series are enough. */
static bv_rc newest_end(bv_store *s, bv_store *home, int64_t *out, bv_err *err) {
  sqlite3_stmt *st;
  bool there;
  int row;
  BV_TRY(bv_store_has_schema(home, &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(home,
                          "SELECT a.asset, s.timestep FROM main.barsvt_series s JOIN"
                          " main.barsvt_asset a ON a.id = s.asset WHERE s.venue = ''"
                          " ORDER BY s.id DESC LIMIT 100",
                          &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_series")) == BV_OK && row) {
    const bv_series *series;
    int64_t first, last, n = 0;
    rc = bv_series_find(s, bv_sql_text(st, 0), bv_sql_text(st, 1), &series, err);
    if (rc == BV_OK && series) rc = bv_series_span(s, series, &first, &last, &n, err);
    if (rc != BV_OK) break;
    if (n == 0) continue;
    int64_t end = bv_timestep_end(series->step, series->zone, last);
    if (end > *out) *out = end;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_run_data_end(bv_store *s, int64_t *end, bv_err *err) {
  *end = BV_INSTANT_MIN;
  BV_TRY(newest_end(s, s, end, err));
  for (int i = 0; i < s->nattached; i++) BV_TRY(newest_end(s, s->attached[i], end, err));
  return BV_OK;
}

/* A step-mode view may count back from bars_clock(), so the clock stands at the end of the data while
** it is looked at. */
static bv_rc set_last_clock(bv_store *s, bv_err *err) {
  int64_t end;
  BV_TRY(bv_run_data_end(s, &end, err));
  if (end > BV_INSTANT_MIN) s->clock = end;
  return BV_OK;
}

/* Find the strategy's series by executing it once with everything visible up to the run's end; in set
** mode its first row is kept, the statement goes on from there. */
static bv_rc discover(bv_run *r, bv_err *err) {
  bv_store *s = r->store;
  if (!r->strategy.set_mode && s->clock == BV_NO_CLOCK) BV_TRY(set_last_clock(s, err));
  s->touched = on_touch;
  s->touched_ctx = r;
  bv_rc rc;
  if (r->strategy.set_mode) {
    rc = fetch(r, err);
  } else {
    rc = read_rows(r, err);
    bv_batch_clear(&r->batch);
  }
  s->touched = NULL;
  return rc;
}

static bv_rc add_assets(bv_run *r, bv_err *err) {
  int number;
  r->feed.expect = r->config.nasset > r->ntouched ? r->config.nasset : r->ntouched;
  for (int i = 0; i < r->config.nasset; i++) {
    BV_TRY(join(r, r->config.asset[i], INT64_MIN, &number, err));
  }
  if (r->config.nasset == 0) BV_TRY(add_touched(r, err));
  if (r->feed.n > 0) return BV_OK;
  if (r->has_next) return BV_OK; /* set mode over a plain table: assets come with their rows */
  return bv_fail(
      err, BV_ARG,
      "the strategy reads no bars, so there is nothing to step over; name "
      "the assets in the configuration: {\"assets\": [\"SPY\"], \"timestep\": \"minute\"}");
}

static bv_rc open_result(bv_run *r, const char *config, const char *version, bv_err *err) {
  bv_buf knobs;
  bv_buf_init(&knobs, BV_MEM_RUN, 1 << 16);
  r->result = bv_alloc0(BV_MEM_RUN, sizeof *r->result);
  if (!r->result) return BV_NOMEM;
  bv_rc rc = bv_run_config_knobs(&r->config, &knobs);
  if (rc == BV_OK) {
    bv_result_head head = {.strategy = r->strategy.name ? r->strategy.name : "",
                           .sql = r->strategy.sql ? r->strategy.sql : "",
                           .mode = r->strategy.set_mode ? "set" : "step",
                           .profile = r->config.profile,
                           .config = config && config[0] ? config : "{}",
                           .knobs = bv_buf_text(&knobs),
                           .version = version,
                           .cash = r->config.sim.cash};
    rc = bv_result_open(r->store->db, &head, r->result, err);
  }
  bv_buf_reset(&knobs);
  return rc;
}

static bv_rc open_savepoint(bv_run *r, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = bv_savepoint_open(r->store->db, &r->savepoint, &why);
  if (rc == BV_OK) return BV_OK;
  if (rc == BV_BUSY) {
    return bv_fail_native(err, rc, why.native,
                          "bt_run() cannot run inside a statement that writes; call it in a SELECT "
                          "of its own");
  }
  return bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
}

/* The statement that writes nothing takes the lock for writing, so that nobody can come between what is
** read from here on and what is written. */
static bv_rc begin_writing(bv_run *r, bv_err *err) {
  int row;
  bv_rc rc = bv_sql_row(r->store->db, r->undo, &row, err, "bars");
  sqlite3_reset(r->undo);
  if (rc != BV_OK) return rc;
  return bv_savepoint_guard_schema(r->store->db, &r->savepoint, err);
}

static bv_rc collect_inputs(bv_run *r, const bv_run_start *how, bv_err *err) {
  const bv_origin_of of = {.version = how->version,
                           .zone = how->zone ? how->zone : r->store->zone,
                           .strategy = r->strategy.name ? r->strategy.name : "",
                           .sql = r->strategy.sql ? r->strategy.sql : "",
                           .config = how->document ? how->document : how->config,
                           .document = how->document};
  return bv_inputs_collect(r->store, &of, &r->inputs, err);
}

static bv_rc open_parts(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_store *s = r->store;
  const char *strategy = how->strategy;
  BV_TRY(bv_run_config_read_on(s->db, how->knobs, how->config, how->zone ? how->zone : s->zone,
                               &r->config, err));
  if (r->saved_clock < r->config.end) r->config.end = r->saved_clock;
  if (how->end < r->config.end) r->config.end = how->end;
  if (strategy) BV_TRY(bv_strategy_open(s->db, strategy, &r->strategy, err));
  BV_TRY(bv_sql_prepare(s->db, "INSERT INTO bars(asset) SELECT NULL WHERE 0", &r->undo, err));
  BV_TRY(open_savepoint(r, err));
  BV_TRY(begin_writing(r, err));
  s->frozen--; /* from here on nobody can commit between this and what is read */
  bv_rc synced = bv_store_sync(s, err);
  s->frozen++;
  if (synced != BV_OK) return synced;
  if (r->config.benchmark) {
    BV_TRY(bv_benchmark_find(s, r->config.benchmark, r->config.benchmark_timestep, &r->benchmark,
                             err));
  }
  BV_TRY(open_result(r, how->stored ? how->stored : how->config, how->version, err));
  BV_TRY(collect_inputs(r, how, err));
  bv_sim_sink sink = bv_result_sink(r->result);
  BV_TRY(bv_sim_new(&r->config.sim, &sink, &r->sim, err));
  r->result->rows.sim = r->sim;
  if (r->config.rates) BV_TRY(bv_rates_open(&r->rates, s->db, r->config.rates, err));
  if (r->config.risk.n > 0) {
    BV_TRY(bv_sim_rules(r->sim, &r->config.risk, r->config.zone, err));
    BV_TRY(bv_context_open(&r->context, s, &r->config.risk, r->config.start, r->config.end, r->sim,
                           err));
  }
  bv_feed_init(&r->feed, s, r->config.start, r->config.end);
  if (r->config.sim.same_bar == BV_SAME_FINER) bv_sim_finer(r->sim, bv_feed_finer, &r->feed);
  r->feed.sim = r->sim;
  if (r->config.end != INT64_MAX) s->clock = r->config.end;
  if (strategy) BV_TRY(discover(r, err));
  BV_TRY(add_assets(r, err));
  if (!r->strategy.set_mode) s->clock = BV_INSTANT_MIN; /* nothing is known before the first step */
  return BV_OK;
}

bv_rc bv_run_open(bv_store *s, const char *strategy, const char *config, const char *version,
                  bv_run **out, bv_err *err) {
  const bv_run_start how = {
      .strategy = strategy, .config = config, .version = version, .end = INT64_MAX};
  return bv_run_begin(s, &how, out, err);
}

bv_rc bv_run_begin(bv_store *s, const bv_run_start *how, bv_run **out, bv_err *err) {
  *out = NULL;
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  BV_TRY(bv_store_sync(s, err));
  bv_run *r = bv_alloc0(BV_MEM_RUN, sizeof *r);
  if (!r) return BV_NOMEM;
  r->store = s;
  r->saved_clock = s->clock;
  r->began = INT64_MIN;
  bv_map_init(&r->asset);
  bv_batch_clear(&r->batch);
  bv_map_init(&r->config.param);
  s->run = r;
  s->frozen++;
  bv_rc rc = open_parts(r, how, err);
  if (rc != BV_OK) return bv_run_close(r, rc, err);
  *out = r;
  return BV_OK;
}

/* ---- stepping ---- */

static bv_rc record(bv_run *r, int64_t t, bv_err *err) {
  return bv_result_point(r->result, t, bv_sim_value(r->sim), bv_sim_cash(r->sim),
                         bv_sim_exposed(r->sim), err);
}

/* Everything at instant t; *step tells whether a bar ended. */
static bv_rc instant(bv_run *r, int64_t t, bool *step, bv_err *err) {
  bv_feed_bars bars;
  BV_TRY(bv_feed_closes(&r->feed, t, &bars, err));
  *step = bars.any;
  if (*step) r->now = t;
  if (*step && r->context.used) BV_TRY(bv_context_advance(&r->context, t, r->sim, err));
  if (*step || bars.n > 0) BV_TRY(bv_sim_close(r->sim, t, bars.bar, bars.n, err));
  if (*step) BV_TRY(record(r, t, err));
  if (r->strategy.set_mode) return hand_over(r, t, err);
  if (!*step) return BV_OK;
  r->store->clock = t;
  return r->strategy.st ? decide(r, t, err) : BV_OK;
}

/* When something happens next: a bar begins or ends, or (set mode) a row becomes known, which may
** bring in an asset whose bars come before the next ones of the others. */
static int64_t next_instant(const bv_run *r) {
  int64_t t = bv_feed_next(&r->feed);
  return r->has_next && r->next.known_at < t ? r->next.known_at : t;
}

static bv_rc open_bars(bv_run *r, int64_t t, bv_err *err) {
  bv_feed_bars bars;
  if (r->actions.next < r->actions.n) BV_TRY(bv_actions_run(&r->actions, &r->feed, t, err));
  BV_TRY(bv_feed_opens(&r->feed, t, &bars, err));
  if (bars.any && r->began == INT64_MIN) r->began = t;
  if (bars.any && r->rates.more) BV_TRY(bv_rates_advance(&r->rates, t, r->sim, err));
  bool some = bars.any || bars.n > 0;
  return some ? bv_sim_open(r->sim, t, bars.bar, bars.n, err) : BV_OK;
}

/* A run without a single bar is a mistake in its range, not a result. */
static bv_rc no_bars(const bv_run *r, bv_err *err) {
  char from[32] = "the beginning", to[32] = "the end";
  if (r->config.start != INT64_MIN) bv_instant_format(r->config.start, from);
  if (r->config.end != INT64_MAX) bv_instant_format(r->config.end, to);
  return bv_fail(err, BV_NOTFOUND,
                 "there are no bars to step over: %s%s%s from %s to %s (start and end of the "
                 "configuration, and bars_clock())",
                 r->feed.n ? "'" : "", r->feed.n ? r->feed.asset[0].series.asset : "no asset",
                 r->feed.n == 1  ? "' has none"
                 : r->feed.n > 1 ? "' and the others have none"
                                 : " takes part",
                 from, to);
}

/* The bars that took part, or were read, up to the last step. */
static bv_rc write_inputs(bv_run *r, bv_err *err) {
  bv_inputs *in = &r->inputs;
  for (int i = 0; i < r->feed.n; i++) {
    BV_TRY(bv_inputs_bars(r->store, &r->feed.asset[i].series, r->now, in, err));
  }
  for (int i = 0; i < r->ntouched; i++) {
    BV_TRY(bv_inputs_bars(r->store, &r->touched[i], r->now, in, err));
  }
  if (r->config.benchmark) BV_TRY(bv_inputs_bars(r->store, &r->benchmark, r->now, in, err));
  bv_inputs_sort(in);
  return bv_inputs_write(r->store->db, r->result->run, in, err);
}

static bv_rc finish(bv_run *r, bv_err *err) {
  if (r->result->curve.total == 0) return no_bars(r, err);
  bv_feed_catch_up(&r->feed, -1);
  BV_TRY(bv_sim_finish(r->sim, r->now, err));
  const bv_run_config *c = &r->config;
  const bv_report_input in = {.store = r->store,
                              .sim = r->sim,
                              .began = r->began,
                              .cash = c->sim.cash,
                              .benchmark = c->benchmark ? &r->benchmark : NULL,
                              .zone = c->zone,
                              .risk_free = c->risk_free,
                              .periods = c->periods};
  BV_TRY(bv_result_finish(r->result, in, err));
  BV_TRY(bv_memo_save(r->store, NULL, err));
  BV_TRY(write_inputs(r, err));
  r->finished = true;
  return BV_OK;
}

/* A caller's COMMIT or ROLLBACK between two steps has ended the savepoint: what follows would be
** stored row by row, without the run it belongs to. */
static bv_rc check_transaction(const bv_run *r, bv_err *err) {
  if (!sqlite3_get_autocommit(r->store->db)) return BV_OK;
  return bv_fail(err, BV_ARG, "the run's transaction was ended between two steps");
}

/* The bars that open at the step's instant are opened when the caller comes back, so that its own
** orders, given at the step, can still fill on them. */
bv_rc bv_run_step(bv_run *r, bool *more, bv_err *err) {
  bool step = false;
  *more = false;
  if (r->done) return BV_OK;
  BV_TRY(check_transaction(r, err));
  if (r->batch.n > 0) {
    bv_batch_seal(&r->batch);
    BV_TRY(submit_batch(r, r->now, err));
  }
  if (r->result->curve.total > 0) BV_TRY(open_bars(r, r->now, err));
  while (!step) {
    int64_t t = next_instant(r);
    if (t == BV_FEED_END) {
      r->done = true;
      return finish(r, err);
    }
    BV_TRY(instant(r, t, &step, err));
    if (!step) BV_TRY(open_bars(r, t, err));
  }
  *more = true;
  return BV_OK;
}

bv_rc bv_run_order(bv_run *r, bv_signal *g, bv_err *err) {
  if (r->done || r->result->curve.total == 0) {
    return bv_fail(err, BV_ARG, "an order can be given between the first step and the last");
  }
  if (!isfinite(g->ask.amount)) {
    return bv_fail(err, BV_ARG, "the order's amount is not a finite number");
  }
  BV_TRY(check_transaction(r, err));
  if (bv_sim_plain_targets(r->sim)) return submit(r, r->now, g, err);
  return gather(r, g); /* a step of their own, once the caller comes back */
}

/* While an interrupted statement is running (the SELECT that called us), SQLite refuses every other
** one, ROLLBACK TO included.  But a refused write rolls the whole transaction back, as an interrupted
** INSERT does.  Where nothing is refused this writes nothing. */
static void undo_interrupted(bv_run *r) {
  if (!r->undo || !r->savepoint.open) return;
  (void)sqlite3_step(r->undo);
  (void)sqlite3_reset(r->undo);
}

bv_rc bv_run_close(bv_run *r, bv_rc rc, bv_err *err) {
  if (!r) return rc;
  bv_store *s = r->store;
  bv_rc keep = rc != BV_OK ? rc : r->finished ? BV_OK : BV_INTERRUPT;
  bv_strategy_close(&r->strategy); /* its statement must not be in the way of the rollback */
  bv_rates_close(&r->rates);       /* nor this one */
  if (r->result) bv_result_close(r->result);
  if (rc == BV_INTERRUPT) undo_interrupted(r);
  sqlite3_finalize(r->undo);
  bv_rc closed = bv_savepoint_close(s->db, &r->savepoint, keep, err);
  if (rc == BV_OK && keep == BV_OK) rc = closed;
  bv_free(r->result);
  bv_sim_free(r->sim);
  bv_feed_reset(&r->feed);
  bv_context_close(&r->context);
  bv_actions_reset(&r->actions);
  bv_run_config_reset(&r->config);
  bv_map_reset(&r->asset);
  bv_free(r->touched);
  bv_batch_reset(&r->batch);
  bv_inputs_reset(&r->inputs);
  bv_free(r->ask);
  for (int i = 0; i < BV_TEXTS; i++) bv_free(r->next_text[i]);
  s->clock = r->saved_clock;
  s->run = NULL;
  s->frozen--;
  if (keep != BV_OK || rc != BV_OK) s->schema_state = -1;
  bv_free(r);
  return rc;
}
