/* resume.c - go on with a run; see resume.h. */
#include "run/resume.h"
#include "base/text.h"
#include "data/json.h"
#include "run/stored.h"

#include <string.h>

/* A run and how far it came. */
typedef struct origin {
  bv_stored run;
  bv_resumed from;
  char *trail;
  bv_owner owner;
} origin;

static void origin_reset(origin *o) {
  bv_stored_reset(&o->run);
  bv_free(o->trail);
  bv_owner_drop(&o->owner);
}

static bv_rc read_checkpoint(bv_store *s, origin *o, bool *found, bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  *found = false;
  BV_TRY(bv_sql_prepare(s->db, "SELECT 1 FROM main.sqlite_schema WHERE name = 'bt_checkpoint'", &st,
                        err));
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "sqlite_schema");
  sqlite3_finalize(st);
  if (rc != BV_OK || !row) return rc;
  BV_TRY(bv_sql_prepare(s->db,
                        "SELECT steps, ts, coalesce(\"end\", 9223372036854775807), data_end, trail"
                        " FROM main.bt_checkpoint WHERE run = ?1",
                        &st, err));
  sqlite3_bind_int64(st, 1, o->run.id);
  rc = bv_sql_row(s->db, st, &row, err, "reading bt_checkpoint");
  *found = rc == BV_OK && row;
  if (*found) {
    o->trail = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 4));
    if (!o->trail) rc = BV_NOMEM;
    o->from = (bv_resumed){.run = o->run.id,
                           .steps = sqlite3_column_int64(st, 0),
                           .ts = sqlite3_column_int64(st, 1),
                           .end = sqlite3_column_int64(st, 2),
                           .data_end = sqlite3_column_int64(st, 3),
                           .trail = o->trail,
                           .inputs = &o->run.inputs,
                           .owner = &o->owner};
  }
  sqlite3_finalize(st);
  return rc;
}

/* Whether it can be resumed, by what the database says of it; its lock is held from then on. */
static bv_rc find(bv_store *s, int64_t id, origin *o, bv_err *err) {
  bool found, resumable;
  const long long run = (long long)id;
  bv_rc rc = bv_owner_take(s->db, id, &o->owner, err);
  if (rc != BV_OK && rc != BV_BUSY) return rc;
  bv_rc owned = rc;
  BV_TRY(bv_stored_find(s, id, &o->run, &found, err));
  if (!found) {
    bv_err_clear(err);
    return bv_fail(err, BV_NOTFOUND,
                   "there is no run %lld; SELECT id, status FROM bt_run lists them", run);
  }
  if (owned != BV_OK) return owned;
  if (strcmp(o->run.status, "done") == 0) {
    return bv_fail(err, BV_ARG, "run %lld has finished; bt_rerun(%lld) repeats it", run, run);
  }
  BV_TRY(read_checkpoint(s, o, &resumable, err));
  if (resumable) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "run %lld was made without checkpoints, so there is nothing to go on from", run);
}

/* ---- the view ---- */

#define STAND_IN "barsvt_resumed"

static bv_rc drop_stand_in(bv_store *s, bv_err *err) {
  return bv_sql_exec(s->db, "DROP VIEW IF EXISTS temp." STAND_IN, err);
}

/* What follows the name in "CREATE VIEW name AS ...". */
static const char *after_name(const char *sql) {
  static const char create[] = "CREATE VIEW ";
  if (strncmp(sql, create, sizeof create - 1) != 0) return NULL;
  const char *p = sql + sizeof create - 1;
  const char end = *p == '[' ? ']' : *p;
  if (!*p || !strchr("\"'`[", *p)) return p + strcspn(p, " \t\r\n(");
  do {
    p = strchr(p + 1, end);
    if (p && p[1] == end)
      p += 2; /* doubled: part of the name */
    else if (p)
      return p + 1;
  } while (p && *p);
  return NULL;
}

/* The run goes on with the view that it began with: one that is gone (a TEMP view of another session), or has another
** text by now, is made again under a name of its own. */
static bv_rc stand_in(bv_store *s, origin *o, bv_err *err) {
  const bv_stored *r = &o->run;
  char *now = NULL;
  if (!r->strategy[0]) return BV_OK;
  BV_TRY(bv_view_text(s->db, r->strategy, &now, err));
  const bool there = now != NULL, same = there && strcmp(now, r->sql) == 0;
  bv_free(now);
  if (same || (there && o->from.changed)) return BV_OK;
  const char *rest = after_name(r->sql);
  if (!rest)
    return bv_fail(err, BV_CORRUPT, "bt_run: the text of view '%.60s' is no view", r->strategy);
  BV_TRY(drop_stand_in(s, err));
  char *sql = sqlite3_mprintf("CREATE TEMP VIEW " STAND_IN "%s", rest);
  bv_err why = {0};
  bv_rc rc = sql ? bv_sql_exec(s->db, sql, &why) : BV_NOMEM;
  sqlite3_free(sql);
  if (rc != BV_OK) {
    return bv_fail_native(err, rc, why.native, "view '%.60s' of the run cannot be made again: %s",
                          r->strategy, why.msg);
  }
  o->from.view = STAND_IN;
  o->from.sql = r->sql;
  return BV_OK;
}

/* ---- doing it again ---- */

/* The orders a program gave at the step the run stands at. */
static bv_rc give_orders(bv_run *r, bv_err *err) {
  bv_signal *g;
  for (;;) {
    BV_TRY(bv_requests_peek(&r->keep.orders, &g, err));
    if (!g || g->known_at != r->now) return BV_OK;
    bv_err refused = {0};
    bv_rc rc = bv_run_order(r, g, &refused);
    if (rc != BV_OK && rc != BV_ARG && rc != BV_NOTFOUND) {
      return bv_fail_native(err, rc, refused.native, "%s", bv_err_text(&refused, rc));
    }
    bv_requests_pass(&r->keep.orders);
  }
}

/* Do the run again up to the step that was committed. */
static bv_rc replay(bv_run *r, const bv_resumed *from, bv_err *err) {
  bool asked = false;
  while (r->result->curve.total < from->steps) {
    BV_TRY(bv_run_advance(r, &asked, err));
    if (asked) BV_TRY(give_orders(r, err));
    if (r->result->curve.total + r->stretch.at == from->steps) bv_run_settle(r);
  }
  return bv_keep_go_on(r, from, err);
}

static bv_rc open_again(bv_store *s, origin *o, const char *version, bv_run **out, bv_err *err) {
  const bv_stored *stored = &o->run;
  bv_run_start how = {.strategy = stored->strategy[0] ? stored->strategy : NULL,
                      .config = stored->config,
                      .version = version,
                      .knobs = stored->knobs,
                      .end = o->from.end,
                      .resume = &o->from};
  const char *tz = bv_stored_input(stored, "setting", "tz");
  if (tz) BV_TRY(bv_zone_find(tz, &how.zone, err));
  BV_TRY(stand_in(s, o, err));
  bv_run *r;
  BV_TRY(bv_run_begin(s, &how, &r, err));
  bv_rc rc = replay(r, &o->from, err);
  if (rc != BV_OK) return bv_run_close(r, rc, err);
  *out = r;
  return BV_OK;
}

/* {"changed": true} */
static bv_rc read_option(void *ctx, const char *path, const char *type, sqlite3_value *v,
                         bv_err *err) {
  (void)v;
  if (!bv_text_ieq(path, "changed")) {
    return bv_fail(err, BV_ARG, "options: unknown key '%.60s'; there is only 'changed'", path);
  }
  *(bool *)ctx = strcmp(type, "true") == 0;
  if (*(bool *)ctx || strcmp(type, "false") == 0) return BV_OK;
  return bv_fail(err, BV_ARG, "options: 'changed' must be true or false");
}

bv_rc bv_resume_open(bv_store *s, int64_t id, const char *options, const char *version,
                     bv_run **out, bv_err *err) {
  origin o = {.run = {.id = id}};
  bool changed = false;
  *out = NULL;
  BV_TRY(bv_json_walk(s->db, options, "options", read_option, &changed, err));
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  if (!sqlite3_get_autocommit(s->db)) {
    return bv_fail(err, BV_ARG, "a run cannot be resumed inside a transaction; COMMIT it first");
  }
  BV_TRY(bv_store_sync(s, err));
  bv_rc rc = find(s, id, &o, err);
  o.from.changed = changed;
  if (rc == BV_OK) rc = open_again(s, &o, version, out, err);
  origin_reset(&o);
  return rc;
}

bv_rc bv_resume(bv_store *s, int64_t id, const char *options, const char *version, bool *kept,
                bv_err *err) {
  bv_run *r;
  bool more = true;
  *kept = false;
  BV_TRY(bv_resume_open(s, id, options, version, &r, err));
  bv_rc rc = BV_OK;
  if (!r->strategy.name || r->keep.orders.out.n > 0 || r->keep.orders.chunk > 0) {
    rc =
        bv_fail(err, BV_ARG, "run %lld: a program gave orders; it goes on with barsvt_run_resume()",
                (long long)id);
  }
  while (rc == BV_OK && more) rc = bv_run_step(r, &more, err);
  *kept = rc != BV_OK;
  rc = bv_run_close(r, rc, err);
  return rc == BV_OK ? drop_stand_in(s, err) : rc;
}
