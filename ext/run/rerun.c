/* rerun.c - a run done again; see rerun.h. */
#include "run/rerun.h"
#include "data/sql.h"
#include "run/around.h"
#include "run/doc_run.h"
#include "run/resume.h"
#include "run/stored.h"

#include <stdio.h>
#include <string.h>

bv_rc bv_run_all(bv_store *s, const bv_run_start *how, int64_t *id, bv_err *err) {
  bv_run_start start = *how;
  bv_run *r;
  bool more = true;
  *id = 0;
  start.alone = true;
  BV_TRY(bv_run_begin(s, &start, &r, err));
  bv_rc rc = how->resume ? bv_resume_replay(r, how->resume, err) : BV_OK;
  while (rc == BV_OK && more) rc = bv_run_step(r, &more, err);
  *id = rc == BV_OK || r->keep.begun ? r->result->run : 0;
  return bv_run_close(r, rc, err);
}

/* config with overrides merged in; *profile, *end: whether the overrides have these keys. */
static bv_rc merge(sqlite3 *db, const char *config, const char *overrides, char **out,
                   bool *profile, bool *end, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bv_err why = {0};
  BV_TRY(bv_sql_prepare(db,
                        "SELECT json_patch(?1, ?2), json_extract(?2, '$.profile') IS NOT NULL,"
                        " json_extract(?2, '$.end') IS NOT NULL, json_type(?2)",
                        &st, err));
  sqlite3_bind_text(st, 1, config, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, overrides, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(db, st, &row, &why, "overrides");
  if (rc == BV_OK && strcmp(bv_sql_text(st, 3), "object") != 0) rc = BV_ARG;
  if (rc == BV_ARG) {
    bv_fail(err, BV_ARG, "overrides must be a JSON object such as {\"cash\": 5000}, not: %.80s",
            overrides);
  } else if (rc != BV_OK) {
    bv_fail_native(err, rc, why.native, "%s", why.msg);
  } else {
    *out = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0));
    *profile = sqlite3_column_int(st, 1) != 0;
    *end = sqlite3_column_int(st, 2) != 0;
    if (!*out) rc = BV_NOMEM;
  }
  sqlite3_finalize(st);
  return rc;
}

/* The view with the text it had, as a TEMP view that stands before what has its name now. */
static bv_rc old_view(bv_store *s, const bv_stored *r, bv_err *err) {
  static const char create[] = "CREATE VIEW ";
  const char *text = r->sql;
  if (strncmp(text, create, sizeof create - 1) != 0) {
    return bv_fail(err, BV_CORRUPT, "bt_run: the text of view '%.60s' is no view", r->strategy);
  }
  char *sql = sqlite3_mprintf("CREATE TEMP VIEW %s", text + sizeof create - 1);
  if (!sql) return BV_NOMEM;
  bv_err why = {0};
  bv_rc rc = bv_sql_exec(s->db, sql, &why);
  sqlite3_free(sql);
  if (rc == BV_OK) return BV_OK;
  return bv_fail_native(err, rc, why.native, "view '%.60s' of the run cannot be made again: %s",
                        r->strategy, why.msg);
}

static bv_rc drop_view(bv_store *s, const char *name, bv_err *err) {
  char *sql = sqlite3_mprintf("DROP VIEW temp.\"%w\"", name);
  bv_rc rc = sql ? bv_sql_exec(s->db, sql, err) : BV_NOMEM;
  sqlite3_free(sql);
  return rc;
}

static bv_rc run_as_it_was(bv_store *s, const bv_stored *r, const bv_run_start *how, int64_t *id,
                           bv_err *err) {
  char *now = NULL;
  bv_around around;
  BV_TRY(bv_view_text(s->db, r->strategy, &now, err));
  const bool same = now && strcmp(now, r->sql) == 0;
  bv_free(now);
  if (same) return bv_run_all(s, how, id, err);
  BV_TRY(bv_around_open(s, "bt_rerun()", &around, err));
  bv_rc rc = old_view(s, r, err);
  if (rc == BV_OK) rc = bv_run_all(s, how, id, err);
  if (rc == BV_OK) rc = drop_view(s, r->strategy, err);
  return bv_around_close(s, &around, rc, err);
}

/* A run that a document describes: its own objects are made anew. */
static bv_rc run_again(bv_store *s, const bv_stored *r, const char *document,
                       const bv_run_start *how, int64_t *id, bv_err *err) {
  return document ? bv_document_run(s, document, how, id, err) : run_as_it_was(s, r, how, id, err);
}

static bv_rc again(bv_store *s, const bv_stored *r, const char *overrides, const char *version,
                   int64_t *id, bv_err *err) {
  char *config = NULL;
  bool profile = false, end = false;
  int64_t data_end;
  bv_run_start how = {.strategy = r->strategy,
                      .config = r->config,
                      .version = version,
                      .knobs = r->knobs,
                      .end = INT64_MAX,
                      .merged = true,
                      .whole = true};
  const char *tz = bv_stored_input(r, "setting", "tz");
  if (!r->strategy[0]) {
    return bv_fail(err, BV_ARG,
                   "run %lld has no strategy: a program gave its orders, and only it"
                   " can repeat it",
                   (long long)r->id);
  }
  if (tz) BV_TRY(bv_zone_find(tz, &how.zone, err));
  const char *document = bv_stored_input(r, "document", ""),
             *base = document ? document : r->config;
  if (overrides) BV_TRY(merge(s->db, base, overrides, &config, &profile, &end, err));
  if (config && !document) how.config = config;
  if (config && document) document = config;
  if (profile) how.knobs = NULL;
  bv_rc rc = bv_run_data_end(s, &data_end, err);
  /* Rows of a strategy may be known after the last bar; they are kept where no bars were added. */
  if (!end && data_end > r->end) how.end = r->end;
  if (rc == BV_OK) rc = run_again(s, r, document, &how, id, err);
  bv_free(config);
  return rc;
}

bv_rc bv_rerun(bv_store *s, int64_t run, const char *overrides, const char *version, int64_t *id,
               bv_err *err) {
  bv_stored r;
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  BV_TRY(bv_stored_read(s, run, &r, err));
  bv_rc rc = again(s, &r, overrides, version, id, err);
  bv_stored_reset(&r);
  return rc;
}
