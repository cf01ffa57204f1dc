/* keep.c - a run that is committed every so many steps; see keep.h. */
#include "run/keep.h"
#include "data/cachelog.h"
#include "data/memo.h"
#include "data/script.h"
#include "run/hand.h"
#include "run/run.h"

#include <stdio.h>
#include <string.h>

extern const char bv_sql_request[];

/* ---- what goes in ---- */

static bv_rc add_series(bv_run *r, const bv_series *series, bv_inputs *in, bv_err *err) {
  return bv_inputs_bars(r->store, series, r->keep.data_end, in, err);
}

/* The bars that take part. */
static bv_rc collect_bars(bv_run *r, bv_inputs *in, bv_err *err) {
  for (int i = 0; i < r->feed.n; i++) {
    BV_TRY(bv_inputs_fed(r->store, &r->feed.asset[i], r->keep.data_end, in, err));
  }
  for (int i = 0; i < r->context.feed.n; i++) {
    BV_TRY(add_series(r, &r->context.feed.asset[i].series, in, err));
  }
  for (int i = 0; i < r->ntouched; i++) BV_TRY(add_series(r, &r->touched[i], in, err));
  if (r->config.benchmark) BV_TRY(add_series(r, &r->benchmark, in, err));
  bv_inputs_sort(in);
  return BV_OK;
}

/* Views, tables and bars as they are now. */
static bv_rc collect(bv_run *r, bv_inputs *in, bv_err *err) {
  const bv_keep *k = &r->keep;
  const bv_origin_of of = {.version = k->version,
                           .zone = k->zone,
                           .strategy = r->strategy.name ? r->strategy.name : "",
                           .sql = r->strategy.sql ? r->strategy.sql : "",
                           .config = k->document ? k->document : k->config,
                           .document = k->document};
  BV_TRY(bv_inputs_copy(in, k->files));
  BV_TRY(bv_inputs_collect(r->store, &of, in, err));
  return collect_bars(r, in, err);
}

static const bv_origin *find(const bv_inputs *in, const bv_origin *o) {
  for (int i = 0; i < in->n; i++) {
    if (strcmp(in->at[i].kind, o->kind) == 0 && strcmp(in->at[i].name, o->name) == 0) {
      return &in->at[i];
    }
  }
  return NULL;
}

static bool same_value(const bv_origin *a, const bv_origin *b) {
  if (!a->value || !b->value) return a->value == b->value;
  return strcmp(a->value, b->value) == 0;
}

/* Versions are no reason not to go on: the trail shows whether they matter. */
static bool counts(const bv_origin *o) {
  return strcmp(o->kind, "version") != 0;
}

static bv_rc changed(int64_t run, const bv_origin *then, const bv_origin *now, bv_err *err) {
  const bv_origin *o = then ? then : now;
  return bv_fail(
      err, BV_CONFLICT,
      "%s '%.80s' changed since run %lld began: %.60s then, %.60s now; with them it would "
      "be another run",
      o->kind, o->name, (long long)run, then && then->value ? then->value : "none",
      now && now->value ? now->value : "none");
}

/* Whether all that went into the run is still the same. */
static bv_rc compare(bv_run *r, const bv_inputs *then, bv_err *err) {
  bv_inputs now = {0};
  bv_rc rc = collect(r, &now, err);
  for (int i = 0; rc == BV_OK && i < then->n; i++) { /* assets that had joined, and have not yet */
    const bv_origin *a = &then->at[i];
    if (strcmp(a->kind, "bars") != 0 || find(&now, a)) continue;
    rc = bv_inputs_bars_named(r->store, a->name, r->keep.data_end, &now, err);
  }
  for (int i = 0; rc == BV_OK && i < then->n; i++) {
    const bv_origin *a = &then->at[i], *b = find(&now, a);
    if (counts(a) && !(b && same_value(a, b))) rc = changed(r->result->run, a, b, err);
  }
  for (int i = 0; rc == BV_OK && i < now.n; i++) {
    if (counts(&now.at[i]) && !find(then, &now.at[i]))
      rc = changed(r->result->run, NULL, &now.at[i], err);
  }
  bv_inputs_reset(&now);
  return rc;
}

bv_rc bv_keep_same_files(const bv_resumed *from, const bv_inputs *files, bv_err *err) {
  for (int i = 0; from && !from->changed && i < from->inputs->n; i++) {
    const bv_origin *a = &from->inputs->at[i], *b = find(files, a);
    if (strcmp(a->kind, "file") != 0 || (b && same_value(a, b))) continue;
    return changed(from->run, a, b, err);
  }
  return BV_OK;
}

/* ---- locks ---- */

/* Notice what others have committed.  Looking at all inputs costs time, so no more than a twentieth is
** spent on it; at the end it is done in any case. */
static bv_rc look(bv_run *r, bool last, bv_err *err) {
  bv_keep *k = &r->keep;
  BV_TRY(bv_store_look(r->store, err));
  if (r->store->generation != k->generation) k->unchecked = true;
  k->generation = r->store->generation;
  const int64_t began = bv_log_now();
  if (!k->unchecked || (!last && began - k->checked < 20 * k->cost)) return BV_OK;
  BV_TRY(compare(r, &k->inputs, err));
  k->checked = bv_log_now();
  k->cost = k->checked - began;
  k->unchecked = false;
  return BV_OK;
}

static bv_rc lock(bv_run *r, bool last, bv_err *err) {
  bv_keep *k = &r->keep;
  if (k->locked) return last && k->unchecked ? look(r, true, err) : BV_OK;
  bv_rates_rest(&r->rates);
  BV_TRY(bv_around_close(r->store, &r->around, BV_OK, err));
  BV_TRY(bv_around_write(r->store, &r->around, err));
  k->locked = true;
  k->trail.hold = false;
  return look(r, last, err);
}

static bv_rc on_full(void *ctx, bv_err *err) {
  return lock(ctx, false, err);
}

/* Hand over what is held: the tables show it, written or not. */
static bv_rc drain(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  if (k->trail.nheld == 0) return BV_OK;
  BV_TRY(lock(r, false, err));
  return bv_trail_drain(&k->trail, err);
}

bv_rc bv_keep_flush(bv_run *r, bv_err *err) {
  BV_TRY(drain(r, err));
  return bv_rows_tails(&r->result->rows, err);
}

/* ---- opening ---- */

static bv_rc copy(const char *text, char **out) {
  *out = bv_strdup(BV_MEM_RUN, text);
  return *out || !text ? BV_OK : BV_NOMEM;
}

bv_rc bv_keep_prepare(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_keep *k = &r->keep;
  if (r->config.checkpoint == 0 || how->whole) return BV_OK;
  if (!sqlite3_get_autocommit(r->store->db)) {
    return bv_fail(
        err, BV_ARG,
        "config: checkpoint: %lld steps cannot be committed inside a transaction that is "
        "open already; COMMIT it first, or leave the key out",
        (long long)r->config.checkpoint);
  }
  k->every = r->config.checkpoint;
  k->replay = how->resume != NULL;
  k->files = how->files;
  k->zone = how->zone ? how->zone : r->store->zone;
  BV_TRY(copy(how->config, &k->config));
  BV_TRY(copy(how->document, &k->document));
  return copy(how->version, &k->version);
}

bv_rc bv_keep_range(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_keep *k = &r->keep;
  k->locked = true;
  k->generation = r->store->generation;
  if (how->resume) {
    k->data_end = how->resume->data_end;
    return BV_OK;
  }
  return bv_run_last_end(r->store, &k->data_end, err);
}

/* Words of a strategy that begin with bt_ and name no function: tables of results. */
static bool names_results(const char *sql) {
  static const char *const functions[] = {"param", "qty",   "avg_price", "bars_held",
                                          "cash",  "value", "size"};
  for (const char *p = sql; p && (p = strstr(p, "bt_")); p += 3) {
    const size_t n = strspn(p + 3, "abcdefghijklmnopqrstuvwxyz_0123456789");
    bool function = false;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
      function |= strlen(functions[i]) == n && strncmp(p + 3, functions[i], n) == 0;
    }
    if (!function) return true;
  }
  return false;
}

bv_rc bv_keep_result(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_keep *k = &r->keep;
  sqlite3 *db = r->store->db;
  const int64_t run = r->result->run;
  BV_TRY(bv_script_run(db, bv_sql_request, err));
  if (how->resume) {
    k->owner = *how->resume->owner;
    *how->resume->owner = (bv_owner){0};
  } else {
    BV_TRY(bv_owner_take(db, run, &k->owner, err));
  }
  bv_requests_init(&k->rows, db, run, "strategy");
  bv_requests_init(&k->orders, db, run, "program");
  k->trail.sink = bv_result_sink(r->result);
  k->trail.full = on_full;
  k->trail.ctx = r;
  return BV_OK;
}

bv_rc bv_keep_list(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  while (!k->replay && r->has_next) {
    BV_TRY(bv_requests_add(&k->rows, r->next.known_at, &r->next));
    if (k->rows.out.n >= 4096) BV_TRY(bv_requests_write(&k->rows, err));
    BV_TRY(bv_hand_fetch(r, err));
  }
  if (!k->replay) BV_TRY(bv_requests_write(&k->rows, err));
  sqlite3_reset(r->strategy.st);
  k->listed = true;
  return bv_hand_fetch(r, err);
}

bv_rc bv_keep_fetch(bv_run *r, bv_err *err) {
  bv_signal *g;
  bv_requests_pass(&r->keep.rows);
  BV_TRY(bv_requests_peek(&r->keep.rows, &g, err));
  r->has_next = g != NULL;
  if (g) r->next = *g;
  return BV_OK;
}

/* ---- committing ---- */

static bv_rc exec_run(bv_run *r, const char *sql, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(r->store->db, sql, &st, err));
  sqlite3_bind_int64(st, 1, r->result->run);
  bv_rc rc = bv_sql_done(r->store->db, st, err, "writing bt_checkpoint");
  sqlite3_finalize(st);
  return rc;
}

/* The run's row as onlookers see it. */
static bv_rc update_run(bv_run *r, bv_err *err) {
  sqlite3_stmt *st;
  const bool any = r->result->curve.total > 0;
  BV_TRY(bv_sql_prepare(r->store->db,
                        "UPDATE main.bt_run SET status = 'running', steps = ?2, value = ?3,"
                        " commission = ?4, start = ?5, \"end\" = ?6 WHERE id = ?1",
                        &st, err));
  sqlite3_bind_int64(st, 1, r->result->run);
  sqlite3_bind_int64(st, 2, r->result->curve.total);
  if (any) {
    sqlite3_bind_double(st, 3, bv_sim_value(r->sim));
    sqlite3_bind_double(st, 4, bv_sim_commission(r->sim));
    sqlite3_bind_int64(st, 5, r->keep.first_ts);
    sqlite3_bind_int64(st, 6, r->now);
  }
  bv_rc rc = bv_sql_done(r->store->db, st, err, "writing bt_run");
  sqlite3_finalize(st);
  if (rc == BV_OK && sqlite3_changes(r->store->db) != 1) {
    rc = bv_fail(err, BV_CONFLICT, "bt_run: run %lld was deleted while it was in progress",
                 (long long)r->result->run);
  }
  return rc;
}

static bv_rc put_checkpoint(bv_run *r, bv_err *err) {
  sqlite3_stmt *st;
  bv_buf trail;
  bv_buf_init(&trail, BV_MEM_RUN, 4096);
  bv_rc rc = bv_trail_text(&r->keep.trail, &trail);
  if (rc == BV_OK) {
    rc = bv_sql_prepare(r->store->db,
                        "INSERT OR REPLACE INTO main.bt_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                        " ?7, NULL)",
                        &st, err);
  }
  if (rc == BV_OK) {
    sqlite3_bind_int64(st, 1, r->result->run);
    sqlite3_bind_int64(st, 2, r->keep.every);
    sqlite3_bind_int64(st, 3, r->result->curve.total);
    if (r->result->curve.total > 0) sqlite3_bind_int64(st, 4, r->now);
    if (r->config.end != INT64_MAX) sqlite3_bind_int64(st, 5, r->config.end);
    sqlite3_bind_int64(st, 6, r->keep.data_end);
    sqlite3_bind_text(st, 7, bv_buf_text(&trail), -1, SQLITE_STATIC);
    rc = bv_sql_done(r->store->db, st, err, "writing bt_checkpoint");
    sqlite3_finalize(st);
  }
  bv_buf_reset(&trail);
  return rc;
}

/* Assets may have joined since. */
static bv_rc put_inputs(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  const bool first = k->ninput < 0;
  if (!first && k->ninput == r->feed.n) return BV_OK;
  for (int i = first ? r->feed.n : k->ninput; i < r->feed.n; i++) {
    BV_TRY(bv_inputs_fed(r->store, &r->feed.asset[i], k->data_end, &k->inputs, err));
  }
  k->ninput = r->feed.n;
  bv_inputs_sort(&k->inputs);
  BV_TRY(exec_run(r, "DELETE FROM main.bt_input WHERE run = ?1", err));
  return bv_inputs_write(r->store->db, r->result->run, &k->inputs, err);
}

/* The points of the equity curve that the trail has not seen. */
static void take_points(bv_run *r) {
  bv_keep *k = &r->keep;
  const bv_curve *c = &r->result->curve;
  if (k->trail.n[BV_TRAIL_EQUITY] == 0 && c->n > 0) k->first_ts = c->ts[0];
  for (; k->npoint < c->n; k->npoint++) {
    const int64_t i = k->npoint;
    bv_trail_point(&k->trail, c->ts[i], c->value[i], c->cash[i], c->exposed[i]);
  }
}

/* Everything that is known by now. */
static bv_rc write_all(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  bv_result *out = r->result;
  take_points(r);
  BV_TRY(bv_keep_flush(r, err));
  BV_TRY(bv_curve_tail(&out->curve, out->db, out->st[BV_RS_CURVE], out->run, err));
  if (!r->strategy.set_mode) BV_TRY(bv_requests_write(&k->rows, err));
  return bv_requests_write(&k->orders, err);
}

static bv_rc commit(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  BV_TRY(lock(r, false, err));
  BV_TRY(write_all(r, err));
  BV_TRY(put_inputs(r, err));
  BV_TRY(bv_memo_save(r->store, NULL, err));
  BV_TRY(update_run(r, err));
  BV_TRY(put_checkpoint(r, err));
  bv_rates_rest(&r->rates);
  BV_TRY(bv_around_commit(r->store, &r->around, err));
  k->begun = true;
  k->done = r->result->curve.total;
  k->locked = false;
  k->trail.hold = true;
  BV_TRY(bv_around_read(r->store, &r->around, err));
  return look(r, false, err);
}

bv_rc bv_keep_opened(bv_run *r, const bv_run_start *how, bv_err *err) {
  bv_keep *k = &r->keep;
  BV_TRY(bv_inputs_copy(&k->inputs, &r->inputs)); /* the run has just collected them */
  BV_TRY(collect_bars(r, &k->inputs, err));
  k->ninput = -1;
  k->own = names_results(r->strategy.sql);
  for (int i = 0; i < k->inputs.n; i++) {
    const bv_origin *o = &k->inputs.at[i];
    k->own |= strcmp(o->kind, "view") == 0 && names_results(o->value);
  }
  if (!how->resume) return commit(r, err);
  return how->resume->changed ? BV_OK : compare(r, how->resume->inputs, err);
}

bv_rc bv_keep_step(bv_run *r, bv_err *err) {
  bv_keep *k = &r->keep;
  const int64_t steps = r->result->curve.total;
  if (steps == k->done || steps % k->every != 0) return BV_OK;
  return k->replay ? write_all(r, err) : commit(r, err);
}

bv_rc bv_keep_point(bv_run *r, bv_err *err) {
  take_points(r);
  if (r->result->curve.n < BV_CURVE_CHUNK) return BV_OK;
  r->keep.npoint = 0; /* they are written now */
  return lock(r, false, err);
}

/* ---- decisions ---- */

bv_rc bv_keep_before(bv_run *r, bv_err *err) {
  return r->keep.own ? drain(r, err) : BV_OK;
}

bv_rc bv_keep_again(bv_run *r, int64_t t, bv_err *err) {
  bv_signal *g;
  bv_batch_clear(&r->batch);
  for (;;) {
    BV_TRY(bv_requests_peek(&r->keep.rows, &g, err));
    if (!g || g->known_at != t) break;
    BV_TRY(bv_hand_gather(r, g));
    bv_requests_pass(&r->keep.rows);
  }
  bv_batch_seal(&r->batch);
  return BV_OK;
}

static bv_rc see_to(bv_run *r, bv_requests *q, bv_err *err) {
  if (!bv_requests_full(q)) return BV_OK;
  BV_TRY(lock(r, false, err));
  return bv_requests_write(q, err);
}

bv_rc bv_keep_decided(bv_run *r, int64_t t, bv_err *err) {
  bv_keep *k = &r->keep;
  for (int i = 0; i < r->batch.n; i++) BV_TRY(bv_requests_add(&k->rows, t, &r->batch.row[i]));
  return see_to(r, &k->rows, err);
}

bv_rc bv_keep_order(bv_run *r, const bv_signal *g, bv_err *err) {
  BV_TRY(bv_requests_add(&r->keep.orders, r->now, g));
  return see_to(r, &r->keep.orders, err);
}

/* ---- going on ---- */

static bv_rc other_results(const bv_run *r, const bv_resumed *from, const char *what, int64_t now,
                           int64_t then, bv_err *err) {
  return bv_fail(
      err, BV_CONFLICT,
      "run %lld cannot be resumed: done again up to step %lld its %s are not those that "
      "were stored (%lld now, %lld then); the bars or the library's version have changed",
      (long long)from->run, (long long)r->result->curve.total, what, (long long)now,
      (long long)then);
}

bv_rc bv_keep_go_on(bv_run *r, const bv_resumed *from, bv_err *err) {
  bv_keep *k = &r->keep;
  bv_signal *g;
  int64_t now, then;
  take_points(r);
  const char *what = bv_trail_differs(&k->trail, from->trail, &now, &then);
  if (what) return other_results(r, from, what, now, then, err);
  if (!r->strategy.set_mode) {
    BV_TRY(bv_requests_peek(&k->rows, &g, err));
    if (g) return other_results(r, from, "requests", 0, 1, err);
  }
  k->replay = false;
  return commit(r, err);
}

/* ---- the end ---- */

bv_rc bv_keep_finish(bv_run *r, bv_err *err) {
  if (r->keep.replay) {
    return bv_fail(err, BV_CONFLICT,
                   "run %lld cannot be resumed: bars are missing, there are only %lld steps now",
                   (long long)r->result->run, (long long)r->result->curve.total);
  }
  BV_TRY(lock(r, true, err));
  return bv_keep_flush(r, err);
}

bv_rc bv_keep_finished(bv_run *r, bv_err *err) {
  BV_TRY(exec_run(r, "DELETE FROM main.bt_input WHERE run = ?1", err));
  BV_TRY(exec_run(r, "DELETE FROM main.bt_request WHERE run = ?1", err));
  return exec_run(r, "DELETE FROM main.bt_checkpoint WHERE run = ?1", err);
}

/* Say in the database what has happened, if that can be done. */
static void mark_stopped(bv_run *r, const char *why) {
  bv_err ignored = {0};
  sqlite3_stmt *st;
  sqlite3 *db = r->store->db;
  if (exec_run(r, "UPDATE main.bt_run SET status = 'stopped' WHERE id = ?1", &ignored) != BV_OK)
    return;
  if (bv_sql_prepare(db, "UPDATE main.bt_checkpoint SET error = ?2 WHERE run = ?1", &st,
                     &ignored) != BV_OK) {
    return;
  }
  sqlite3_bind_int64(st, 1, r->result->run);
  sqlite3_bind_text(st, 2, why, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_done(db, st, &ignored, "writing bt_checkpoint");
  (void)rc;
  sqlite3_finalize(st);
}

/* Add to an error where the run stands. */
static void tell(const bv_run *r, bv_err *err) {
  if (!err || !err->msg[0]) return;
  const long long run = (long long)r->result->run;
  const size_t n = strlen(err->msg);
  snprintf(err->msg + n, sizeof err->msg - n,
           "; run %lld is kept up to step %lld, bt_resume(%lld) goes on with it", run,
           (long long)r->keep.done, run);
}

static void reset(bv_keep *k) {
  bv_owner_drop(&k->owner);
  bv_trail_reset(&k->trail);
  bv_requests_reset(&k->rows);
  bv_requests_reset(&k->orders);
  bv_inputs_reset(&k->inputs);
  bv_free(k->config);
  bv_free(k->document);
  bv_free(k->version);
}

bv_rc bv_keep_close(bv_run *r, bv_rc rc, bv_err *err) {
  bv_keep *k = &r->keep;
  bv_store *s = r->store;
  bv_err why = {0};
  if (rc == BV_OK) rc = bv_around_commit(s, &r->around, &why);
  if (rc != BV_OK && why.msg[0]) bv_fail_native(err, rc, why.native, "%s", why.msg);
  const bool failed = rc != BV_OK;
  if (failed) rc = bv_around_close(s, &r->around, rc, err);
  if (failed && k->begun && k->drop) {
    bv_rc gone = exec_run(r, "DELETE FROM main.bt_run WHERE id = ?1", &why);
    if (gone != BV_OK) rc = bv_fail_native(err, gone, why.native, "%s", bv_err_text(&why, gone));
  } else if (failed && k->begun) {
    mark_stopped(r, err && err->msg[0]   ? err->msg
                    : rc == BV_INTERRUPT ? "stopped before its end"
                                         : bv_rc_text(rc));
    tell(r, err);
  }
  reset(k);
  return rc;
}
