/* stored.c - a run as its row in bt_run tells it; see stored.h. */
#include "run/stored.h"
#include "data/sql.h"

#include <string.h>

static bv_rc copy(sqlite3_stmt *st, int col, char **out) {
  *out = bv_strdup(BV_MEM_RUN, bv_sql_text(st, col));
  return *out ? BV_OK : BV_NOMEM;
}

static bv_rc has_tables(bv_store *s, bool *runs, bool *inputs, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(s->db,
                        "SELECT sum(name = 'bt_run'), sum(name = 'bt_input') FROM"
                        " main.sqlite_schema WHERE type = 'table'",
                        &st, err));
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "sqlite_schema");
  *runs = rc == BV_OK && row && sqlite3_column_int(st, 0) > 0;
  *inputs = rc == BV_OK && row && sqlite3_column_int(st, 1) > 0;
  sqlite3_finalize(st);
  return rc;
}

static bv_rc read_row(bv_store *s, bv_stored *out, bool *found, bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  BV_TRY(bv_sql_prepare(
      s->db,
      "SELECT strategy, sql, profile, config, knobs, status, \"end\" FROM main.bt_run"
      " WHERE id = ?1",
      &st, err));
  sqlite3_bind_int64(st, 1, out->id);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "reading bt_run");
  *found = rc == BV_OK && row;
  char **text[] = {&out->strategy, &out->sql,   &out->profile,
                   &out->config,   &out->knobs, &out->status};
  for (int i = 0; *found && rc == BV_OK && i < 6; i++) rc = copy(st, i, text[i]);
  if (*found) out->end = sqlite3_column_int64(st, 6);
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_stored_find(bv_store *s, int64_t run, bv_stored *out, bool *found, bv_err *err) {
  *out = (bv_stored){.id = run};
  bool runs, inputs;
  *found = false;
  BV_TRY(has_tables(s, &runs, &inputs, err));
  if (runs) BV_TRY(read_row(s, out, found, err));
  return inputs ? bv_inputs_read(s->db, run, &out->inputs, err) : BV_OK;
}

bv_rc bv_stored_read(bv_store *s, int64_t run, bv_stored *out, bv_err *err) {
  bool found;
  bv_rc rc = bv_stored_find(s, run, out, &found, err);
  if (rc == BV_OK && found && strcmp(out->status, "done") != 0) {
    rc = bv_fail(err, BV_ARG,
                 "run %lld has not finished: it is '%.20s'; bt_resume(%lld) goes on with it",
                 (long long)run, out->status, (long long)run);
  } else if (rc == BV_OK && !found) {
    rc = bv_fail(err, BV_NOTFOUND,
                 "there is no finished run %lld; SELECT id, strategy FROM bt_run"
                 " lists them",
                 (long long)run);
  }
  if (rc != BV_OK) bv_stored_reset(out);
  return rc;
}

void bv_stored_reset(bv_stored *r) {
  bv_free(r->strategy);
  bv_free(r->sql);
  bv_free(r->profile);
  bv_free(r->config);
  bv_free(r->knobs);
  bv_free(r->status);
  bv_inputs_reset(&r->inputs);
  *r = (bv_stored){0};
}

const char *bv_stored_input(const bv_stored *r, const char *kind, const char *name) {
  for (int i = 0; i < r->inputs.n; i++) {
    const bv_origin *o = &r->inputs.at[i];
    if (strcmp(o->kind, kind) == 0 && strcmp(o->name, name) == 0) return o->value;
  }
  return NULL;
}
