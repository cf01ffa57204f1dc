/* run.c - the driver: steps a strategy over the bars of its assets; see run.h. */
#include "run/run.h"
#include "data/across.h"
#include "data/memo.h"
#include "run/benchmark.h"
#include "run/hand.h"
#include "run/universe.h"
#include "time/instant.h"

#include <math.h>
#include <string.h>

/* ---- opening ---- */

/* Raise *out to the end of the newest bar stored in `home`, of the `most` series made last (-1: of all). */
static bv_rc newest_end(bv_store *s, bv_store *home, int most, int64_t *out, bv_err *err) {
  sqlite3_stmt *st;
  bool there;
  int row;
  BV_TRY(bv_store_has_schema(home, &there, err));
  if (!there) return BV_OK;
  BV_TRY(
      bv_store_prepare(home,
                       "SELECT a.asset, " BV_SERIES_STEP " FROM main.barsvt_series s JOIN"
                       " main.barsvt_asset a ON a.id = s.asset WHERE s.venue IN ('', 'bid', 'ask')"
                       " ORDER BY s.id DESC LIMIT ?1",
                       &st, err));
  sqlite3_bind_int(st, 1, most);
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

static bv_rc end_of_data(bv_store *s, int most, int64_t *end, bv_err *err) {
  *end = BV_INSTANT_MIN;
  BV_TRY(newest_end(s, s, most, end, err));
  for (int i = 0; i < s->nattached; i++) BV_TRY(newest_end(s, s->attached[i], most, end, err));
  return BV_OK;
}

bv_rc bv_run_data_end(bv_store *s, int64_t *end, bv_err *err) {
  return end_of_data(s, 100, end, err);
}

bv_rc bv_run_last_end(bv_store *s, int64_t *end, bv_err *err) {
  return end_of_data(s, -1, end, err);
}

/* A step-mode view may count back from bars_clock(), so the clock stands at the end of the data while
** it is looked at. */
static bv_rc set_last_clock(bv_run *r, bv_err *err) {
  bv_store *s = r->store;
  int64_t end = r->keep.data_end;
  if (!r->keep.every) BV_TRY(bv_run_data_end(s, &end, err)); /* any instant near it does */
  if (end > BV_INSTANT_MIN) s->clock = end;
  return BV_OK;
}

/* Find the strategy's series by executing it once with everything visible up to the run's end; in set
** mode its first row is kept, the statement goes on from there. */
static bv_rc discover(bv_run *r, bv_err *err) {
  bv_store *s = r->store;
  if (!r->strategy.set_mode && s->clock == BV_NO_CLOCK) BV_TRY(set_last_clock(r, err));
  s->touched = bv_universe_touch;
  s->touched_ctx = r;
  bv_rc rc;
  if (r->strategy.set_mode) {
    rc = bv_hand_fetch(r, err);
  } else {
    rc = bv_hand_read(r, err);
    bv_batch_clear(&r->batch);
  }
  s->touched = NULL;
  if (rc == BV_OK && r->keep.every && r->strategy.set_mode) rc = bv_keep_list(r, err);
  return rc;
}

static bv_rc add_assets(bv_run *r, bv_err *err) {
  int number;
  for (int i = 0; i < r->config.nasset; i++) {
    BV_TRY(bv_universe_join(r, r->config.asset[i], INT64_MIN, &number, err));
  }
  if (r->config.nasset == 0) BV_TRY(bv_universe_add_touched(r, err));
  if (r->feed.n > 0) return BV_OK;
  if (r->has_next) return BV_OK; /* set mode over a plain table: assets come with their rows */
  return bv_fail(
      err, BV_ARG,
      "the strategy reads no bars, so there is nothing to step over; name "
      "the assets in the configuration: {\"assets\": [\"SPY\"], \"timestep\": \"minute\"}");
}

static bv_rc open_result(bv_run *r, const bv_run_start *how, bv_err *err) {
  const char *config = how->stored ? how->stored : how->config;
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
                           .version = how->version,
                           .cash = r->config.sim.cash,
                           .zone = r->config.zone,
                           .run = how->resume ? how->resume->run : 0};
    rc = bv_result_open(r->store->db, &head, r->result, err);
  }
  bv_buf_reset(&knobs);
  return rc;
}

static bv_rc collect_inputs(bv_run *r, const bv_run_start *how, bv_err *err) {
  const bv_origin_of of = {.version = how->version,
                           .zone = how->zone ? how->zone : r->store->zone,
                           .strategy = r->strategy.name ? r->strategy.name : "",
                           .sql = r->strategy.sql ? r->strategy.sql : "",
                           .config = how->document ? how->document : how->config,
                           .document = how->document};
  BV_TRY(bv_inputs_copy(&r->inputs, how->files));
  return bv_inputs_collect(r->store, &of, &r->inputs, err);
}

static bv_rc open_strategy(bv_run *r, const bv_run_start *how, bv_err *err) {
  const char *view = how->resume ? how->resume->view : NULL;
  BV_TRY(bv_strategy_open(r->store->db, view ? view : how->strategy, &r->strategy, err));
  return view ? bv_strategy_call(&r->strategy, how->strategy, how->resume->sql) : BV_OK;
}

static bv_rc open_parts(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_store *s = r->store;
  const char *strategy = how->strategy;
  if (!how->merged) BV_TRY(bv_run_config_twice(s->db, how->config, err));
  BV_TRY(bv_run_config_read_on(s->db, how->knobs, how->config, how->zone ? how->zone : s->zone,
                               &r->config, err));
  if (!how->resume && r->saved_clock < r->config.end) r->config.end = r->saved_clock;
  if (how->end < r->config.end) r->config.end = how->end;
  if (strategy) BV_TRY(open_strategy(r, how, err));
  if (r->strategy.set_mode && r->config.every.n > 0) {
    return bv_fail(
        err, BV_ARG,
        "config: every is for a strategy that is asked at steps; the rows of view '%.80s' "
        "have known_at, which says when",
        r->strategy.name);
  }
  BV_TRY(bv_keep_prepare(r, how, err));
  BV_TRY(bv_around_open(s, how->resume ? "bt_resume()" : "bt_run()", &r->around, err));
  BV_TRY(bv_store_look(s, err)); /* from here on nobody can commit between this and what is read */
  if (r->keep.every) BV_TRY(bv_keep_range(r, how, err));
  if (how->alone && !r->keep.every) BV_TRY(bv_strategy_unsorted(&r->strategy, err));
  if (r->config.benchmark) {
    BV_TRY(bv_benchmark_find(s, r->config.benchmark, r->config.benchmark_timestep, &r->benchmark,
                             err));
  }
  BV_TRY(open_result(r, how, err));
  if (r->keep.every) BV_TRY(bv_keep_result(r, how, err));
  BV_TRY(collect_inputs(r, how, err));
  bv_sim_sink sink = r->keep.every ? bv_trail_sink(&r->keep.trail) : bv_result_sink(r->result);
  BV_TRY(bv_sim_new(&r->config.sim, &sink, &r->sim, err));
  r->result->rows.sim = r->sim;
  if (r->config.rates) BV_TRY(bv_rates_open(&r->rates, s->db, r->config.rates, err));
  int64_t last = r->config.end; /* bars that others add while the run goes on do not take part */
  if (r->keep.every && r->keep.data_end < last) last = r->keep.data_end;
  if (r->config.risk.n > 0) {
    BV_TRY(bv_sim_rules(r->sim, &r->config.risk, r->config.zone, err));
    BV_TRY(bv_context_open(&r->context, s, &r->config.risk, r->config.start, last, r->sim, err));
  }
  bv_feed_init(&r->feed, s, r->config.start, last);
  if (r->config.sim.same_bar == BV_SAME_FINER) bv_sim_finer(r->sim, bv_feed_finer, &r->feed);
  r->feed.sim = r->sim;
  r->feed.threads = (int)s->threads;
  r->feed.quoted = r->config.sim.quotes != BV_QUOTES_IGNORE;
  r->feed.alone = r->config.sim.quotes == BV_QUOTES_USE;
  if (r->config.end != INT64_MAX) s->clock = r->config.end;
  if (strategy) BV_TRY(discover(r, err));
  BV_TRY(add_assets(r, err));
  if (!r->strategy.set_mode) s->clock = BV_INSTANT_MIN; /* nothing is known before the first step */
  return r->keep.every ? bv_keep_opened(r, how, err) : BV_OK;
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
  r->began = r->due = INT64_MIN;
  bv_map_init(&r->asset);
  bv_batch_clear(&r->batch);
  bv_map_init(&r->config.param);
  s->run = r;
  s->runs++;
  s->frozen++;
  if (how->resume) s->clock = BV_NO_CLOCK;
  bv_rc rc = open_parts(r, how, err);
  if (rc != BV_OK) return bv_run_close(r, rc, err);
  *out = r;
  return BV_OK;
}

/* ---- stepping ---- */

static bv_rc record(bv_run *r, int64_t t, bv_err *err) {
  if (r->keep.every) BV_TRY(bv_keep_point(r, err));
  return bv_result_point(r->result, t, bv_sim_value(r->sim), bv_sim_cash(r->sim),
                         bv_sim_exposed(r->sim), err);
}

/* The end of the bucket that holds t; what comes at or after it is asked about. */
static int64_t due_after(const bv_run *r, int64_t t) {
  int64_t end;
  if (r->config.every.n == 0) return INT64_MIN;
  (void)bv_bucket_start(r->config.every, r->config.zone, t, &end);
  return end;
}

/* Whether the strategy is asked at this step. */
static bool asks(bv_run *r) {
  if (r->now < r->due) return false;
  r->due = due_after(r, r->now);
  return true;
}

/* Everything at instant t; *step tells whether a bar ended, *asked whether the strategy is asked. */
static bv_rc instant(bv_run *r, int64_t t, bool *step, bool *asked, bv_err *err) {
  bv_feed_bars bars;
  BV_TRY(bv_feed_closes(&r->feed, t, &bars, err));
  if (!r->keep.every) r->result->rows.crew = r->feed.crew; /* commits need the rows at once */
  *step = bars.any;
  if (*step) r->now = t;
  if (*step && r->context.used) BV_TRY(bv_context_advance(&r->context, t, r->sim, err));
  if (*step || bars.n > 0) BV_TRY(bv_sim_close(r->sim, t, bars.bar, bars.n, err));
  if (*step) BV_TRY(record(r, t, err));
  /* What is decided now has seen those before; those of now come after it. */
  if (r->actions.next < r->actions.n) BV_TRY(bv_actions_run(&r->actions, &r->feed, t - 1, err));
  *asked = *step && asks(r);
  if (r->strategy.set_mode) return bv_hand_over(r, t, err);
  if (!*step) return BV_OK;
  r->store->clock = t;
  return r->strategy.st && *asked ? bv_hand_decide(r, t, err) : BV_OK;
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
  if (bars.any && r->began == INT64_MIN) {
    r->began = t;
    r->due = due_after(r, t);
  }
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
    BV_TRY(bv_inputs_fed(r->store, &r->feed.asset[i], r->now, in, err));
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
  if (r->keep.every) BV_TRY(bv_keep_finish(r, err));
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
  if (r->keep.every) BV_TRY(bv_keep_finished(r, err));
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

/* Steps at which nothing can happen are laid out ahead, up to the next row of a set-mode strategy, the next step
** at which a view is executed, a corporate action, and a commit. */
static bv_rc lay_out(bv_run *r, bv_err *err) {
  int64_t until = r->has_next ? r->next.known_at : INT64_MAX;
  if (r->result->curve.total == 0 || r->rates.more) return BV_OK;
  if (r->strategy.st && !r->strategy.set_mode) until = r->due;
  if (r->actions.next < r->actions.n && r->actions.due[r->actions.next].ts < until) {
    until = r->actions.due[r->actions.next].ts + 1;
  }
  const int64_t every = r->keep.every;
  const int64_t most = every ? every - r->result->curve.total % every : BV_CURVE_CHUNK;
  return bv_stretch_begin(&r->stretch, &r->feed, &r->result->curve, r->now, until, most, err);
}

/* Pass steps laid out, up to one at which the strategy is asked: true. */
static bool pass(bv_run *r) {
  bool asked = false;
  while (!asked && bv_stretch_pass(&r->stretch, &r->now)) asked = asks(r);
  if (!r->strategy.set_mode && r->stretch.at > 0) r->store->clock = r->now;
  return asked;
}

double bv_run_value(const bv_run *r) {
  return r->stretch.at > 0 ? bv_stretch_value(&r->stretch) : bv_sim_value(r->sim);
}

double bv_run_price(bv_run *r, int asset) {
  if (asset < 0) return NAN;
  const double p = r->stretch.at > 0 ? bv_stretch_price(&r->stretch, asset) : NAN;
  if (!isnan(p)) return p;
  bv_feed_catch_up(&r->feed, asset);
  return bv_sim_price(r->sim, asset);
}

/* Go on: by the steps that can be laid out, or by one.  The bars that open at a step's instant are opened when
** the caller comes back, so that its own orders, given at the step, can still fill on them. */
static bv_rc go_on(bv_run *r, bool *asked, bv_err *err) {
  bool step = false;
  bv_run_settle(r);
  if (r->keep.every) BV_TRY(bv_keep_step(r, err));
  if (r->batch.n > 0) {
    bv_batch_seal(&r->batch);
    BV_TRY(bv_hand_batch(r, r->now, err));
  }
  if (r->result->curve.total > 0) BV_TRY(open_bars(r, r->now, err));
  BV_TRY(lay_out(r, err));
  if (r->stretch.n > 0) {
    *asked = pass(r);
    return BV_OK;
  }
  while (!step) {
    int64_t t = next_instant(r);
    if (t == BV_FEED_END) {
      r->done = true;
      return finish(r, err);
    }
    BV_TRY(instant(r, t, &step, asked, err));
    if (!step) BV_TRY(open_bars(r, t, err));
  }
  return BV_OK;
}

bv_rc bv_run_advance(bv_run *r, bool *asked, bv_err *err) {
  *asked = pass(r);
  return *asked ? BV_OK : go_on(r, asked, err);
}

bv_rc bv_run_step(bv_run *r, bool *more, bv_err *err) {
  *more = false;
  if (r->done) return BV_OK;
  BV_TRY(check_transaction(r, err));
  while (!*more && !r->done) BV_TRY(bv_run_advance(r, more, err));
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
  bv_run_settle(r);
  const bool plain =
      bv_sim_plain_targets(r->sim); /* else a step of their own, once the caller comes back */
  bv_rc rc = plain ? bv_hand_one(r, r->now, g, err) : bv_hand_gather(r, g);
  const bool refused = rc == BV_ARG || rc == BV_NOTFOUND; /* again, when it is done again */
  if (!r->keep.every || (rc != BV_OK && !refused)) return rc;
  bv_rc kept = bv_keep_order(r, g, rc == BV_OK ? err : NULL);
  return rc == BV_OK ? kept : rc;
}

bv_rc bv_run_close(bv_run *r, bv_rc rc, bv_err *err) {
  if (!r) return rc;
  bv_store *s = r->store;
  bv_rc keep = rc != BV_OK ? rc : r->finished ? BV_OK : BV_INTERRUPT;
  bv_strategy_close(&r->strategy); /* its statement must not be in the way of the rollback */
  bv_rates_close(&r->rates);       /* nor this one */
  if (r->result) bv_result_close(r->result);
  bv_rc closed =
      r->keep.every ? bv_keep_close(r, keep, err) : bv_around_close(s, &r->around, keep, err);
  if (rc == BV_OK && keep == BV_OK) rc = closed;
  bv_free(r->result);
  bv_sim_free(r->sim);
  bv_across_rest(s); /* before the crew goes, with the feed */
  bv_feed_reset(&r->feed);
  bv_stretch_reset(&r->stretch);
  bv_context_close(&r->context);
  bv_actions_reset(&r->actions);
  bv_calendars_reset(&r->calendars);
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
  bv_free(r);
  return rc;
}
