/* resume.c - go on with a run; see resume.h. */
#include "run/resume.h"
#include "base/text.h"
#include "data/json.h"
#include "run/doc_run.h"
#include "run/rerun.h"
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

bv_rc bv_resume_replay(bv_run *r, const bv_resumed *from, bv_err *err) {
  bool asked = false;
  while (r->result->curve.total < from->steps) {
    BV_TRY(bv_run_advance(r, &asked, err));
    if (asked) BV_TRY(give_orders(r, err));
    if (r->result->curve.total + r->stretch.at == from->steps) bv_run_settle(r);
  }
  return bv_keep_go_on(r, from, err);
}

/* How the run began. */
static bv_rc start_of(bv_store *s, origin *o, const char *version, bv_run_start *how, bv_err *err) {
  const bv_stored *stored = &o->run;
  *how = (bv_run_start){.strategy = stored->strategy[0] ? stored->strategy : NULL,
                        .config = stored->config,
                        .version = version,
                        .knobs = stored->knobs,
                        .end = o->from.end,
                        .merged = true,
                        .resume = &o->from};
  const char *tz = bv_stored_input(stored, "setting", "tz");
  if (tz) BV_TRY(bv_zone_find(tz, &how->zone, err));
  return bv_stored_input(stored, "document", "") ? BV_OK : stand_in(s, o, err);
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

/* Everything up to where the run itself begins. */
static bv_rc prepare(bv_store *s, int64_t id, const char *options, const char *version, origin *o,
                     bv_run_start *how, bv_err *err) {
  bool changed = false;
  *o = (origin){.run = {.id = id}};
  BV_TRY(bv_json_walk(s->db, options, "options", read_option, &changed, err));
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  if (!sqlite3_get_autocommit(s->db)) {
    return bv_fail(err, BV_ARG, "a run cannot be resumed inside a transaction; COMMIT it first");
  }
  BV_TRY(bv_store_sync(s, err));
  BV_TRY(find(s, id, o, err));
  o->from.changed = changed;
  return start_of(s, o, version, how, err);
}

bv_rc bv_resume_open(bv_store *s, int64_t id, const char *options, const char *version,
                     bv_run **out, bv_err *err) {
  origin o;
  bv_run_start how;
  bv_run *r;
  *out = NULL;
  bv_rc rc = prepare(s, id, options, version, &o, &how, err);
  if (rc == BV_OK && bv_stored_input(&o.run, "document", "")) {
    rc = bv_fail(err, BV_ARG, "run %lld is described by a document: bt_resume() goes on with it",
                 (long long)id);
  }
  if (rc == BV_OK) rc = bv_run_begin(s, &how, &r, err);
  if (rc == BV_OK) {
    rc = bv_resume_replay(r, &o.from, err);
    if (rc == BV_OK) *out = r;
    if (rc != BV_OK) rc = bv_run_close(r, rc, err);
  }
  origin_reset(&o);
  return rc;
}

/* Whether somebody else than the strategy gave orders. */
static bv_rc check_program(bv_store *s, const origin *o, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(
      s->db, "SELECT 1 FROM main.bt_request WHERE run = ?1 AND source = 'program' LIMIT 1", &st,
      err));
  sqlite3_bind_int64(st, 1, o->run.id);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "reading bt_request");
  sqlite3_finalize(st);
  if (rc != BV_OK || (!row && o->run.strategy[0])) return rc;
  return bv_fail(err, BV_ARG,
                 "run %lld: a program gave orders; it goes on with barsvt_run_resume()",
                 (long long)o->run.id);
}

bv_rc bv_resume(bv_store *s, int64_t id, const char *options, const char *version, bool *kept,
                bv_err *err) {
  origin o;
  bv_run_start how;
  int64_t run = 0;
  bv_rc rc = prepare(s, id, options, version, &o, &how, err);
  if (rc == BV_OK) rc = check_program(s, &o, err);
  if (rc == BV_OK) {
    const char *document = bv_stored_input(&o.run, "document", "");
    rc = document ? bv_document_run(s, document, &how, &run, err) : bv_run_all(s, &how, &run, err);
    if (rc == BV_OK && how.resume->view) rc = drop_stand_in(s, err);
  }
  *kept = rc != BV_OK && run > 0;
  origin_reset(&o);
  return rc;
}
