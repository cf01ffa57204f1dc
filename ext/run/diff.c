/* diff.c - what differs between two runs, or a run and what is there now; see rerun.h. */
#include "base/text.h"
#include "data/json.h"
#include "data/sql.h"
#include "run/doc_run.h"
#include "run/rerun.h"
#include "run/row_table.h"
#include "run/stored.h"

#include <stdio.h>
#include <string.h>

typedef struct differ {
  bv_store *s;
  bv_diff_fn fn;
  void *ctx;
} differ;

static bv_rc compare(const differ *d, const char *what, const char *name, const char *a,
                     const char *b, bv_err *err) {
  if (a && b && strcmp(a, b) == 0) return BV_OK;
  return a || b ? d->fn(d->ctx, what, name, a, b, err) : BV_OK;
}

/* ---- inputs ---- */

static int order(const bv_origin *x, const bv_origin *y) {
  const int kind = strcmp(x->kind, y->kind);
  return kind ? kind : strcmp(x->name, y->name);
}

static bv_rc compare_inputs(const differ *d, const bv_inputs *a, const bv_inputs *b, bv_err *err) {
  for (int i = 0, k = 0; i < a->n || k < b->n;) {
    const int c = i == a->n ? 1 : k == b->n ? -1 : order(&a->at[i], &b->at[k]);
    const bv_origin *x = c <= 0 ? &a->at[i++] : NULL, *y = c >= 0 ? &b->at[k++] : NULL;
    const bv_origin *any = x ? x : y;
    BV_TRY(compare(d, any->kind, any->name, x ? x->value : NULL, y ? y->value : NULL, err));
  }
  return BV_OK;
}

/* ---- knobs: two JSON objects with one level ---- */

typedef struct knob_list {
  bv_inputs list;
} knob_list;

static bv_rc add_knob(void *ctx, const char *path, const char *type, sqlite3_value *v,
                      bv_err *err) {
  (void)err;
  const char *text = (const char *)sqlite3_value_text(v);
  const bool flag = strcmp(type, "true") == 0 || strcmp(type, "false") == 0;
  if (!flag && !text) return BV_NOMEM;
  return bv_inputs_add(&((knob_list *)ctx)->list, "knob", path, flag ? type : text);
}

static bv_rc compare_knobs(const differ *d, const char *a, const char *b, bv_err *err) {
  knob_list x = {0}, y = {0};
  bv_rc rc = bv_json_walk(d->s->db, a, "knobs", add_knob, &x, err);
  if (rc == BV_OK) rc = bv_json_walk(d->s->db, b, "knobs", add_knob, &y, err);
  bv_inputs_sort(&x.list);
  bv_inputs_sort(&y.list);
  if (rc == BV_OK) rc = compare_inputs(d, &x.list, &y.list, err);
  bv_inputs_reset(&x.list);
  bv_inputs_reset(&y.list);
  return rc;
}

/* ---- results ---- */

static bv_rc one_text(sqlite3 *db, const char *sql, int64_t a, int64_t b, char out[256],
                      bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db, sql, &st, err));
  if (sqlite3_bind_parameter_count(st) > 0) sqlite3_bind_int64(st, 1, a);
  if (sqlite3_bind_parameter_count(st) > 1) sqlite3_bind_int64(st, 2, b);
  bv_rc rc = bv_sql_row(db, st, &row, err, "comparing results");
  snprintf(out, 256, "%s", rc == BV_OK && row ? bv_sql_text(st, 0) : "");
  sqlite3_finalize(st);
  return rc;
}

/* Rows of one run that the other has not, run left out; as "12 rows, 3 of them only here". */
static bv_rc only_here(const differ *d, const char *table, const char *columns, int64_t here,
                       int64_t there, char out[256], bv_err *err) {
  char *sql = sqlite3_mprintf("WITH mine AS (SELECT %s FROM %s WHERE run = ?1)"
                              " SELECT (SELECT count(*) FROM mine) || ' rows, ' || count(*) ||"
                              " ' only here' FROM (SELECT * FROM mine EXCEPT SELECT %s FROM %s"
                              " WHERE run = ?2)",
                              columns, table, columns, table);
  bv_rc rc = sql ? one_text(d->s->db, sql, here, there, out, err) : BV_NOMEM;
  sqlite3_free(sql);
  return rc;
}

static bool no_rows_of_its_own(const char *text) {
  return strstr(text, " 0 only here") != NULL;
}

static bv_rc compare_table(const differ *d, const char *table, const char *columns, int64_t a,
                           int64_t b, bv_err *err) {
  char x[256], y[256];
  BV_TRY(only_here(d, table, columns, a, b, x, err));
  BV_TRY(only_here(d, table, columns, b, a, y, err));
  if (no_rows_of_its_own(x) && no_rows_of_its_own(y)) return BV_OK;
  return d->fn(d->ctx, "result", table, x, y, err);
}

/* Rows of a kind by all of their columns but the run; where the chunks are the same so are they. */
static bv_rc compare_rows(const differ *d, const bv_row_table *t, int64_t a, int64_t b,
                          bv_err *err) {
  char same[256];
  bv_buf columns;
  char *sql =
      sqlite3_mprintf("SELECT (SELECT group_concat(checksum || ' ' || first || ' ' || n) FROM"
                      " (SELECT * FROM main.bt_chunk WHERE run = ?1 AND kind = %Q ORDER BY"
                      " first)) IS (SELECT group_concat(checksum || ' ' || first || ' ' || n)"
                      " FROM (SELECT * FROM main.bt_chunk WHERE run = ?2 AND kind = %Q ORDER"
                      " BY first)) AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE"
                      " name = %Q)",
                      t->kind, t->kind, t->name);
  bv_rc rc = sql ? one_text(d->s->db, sql, a, b, same, err) : BV_NOMEM;
  sqlite3_free(sql);
  if (rc != BV_OK || same[0] == '1') return rc;
  bv_buf_init(&columns, BV_MEM_RUN, 4096);
  for (int i = 0; i < t->ncolumn && rc == BV_OK; i++) {
    rc = bv_buf_addf(&columns, "%s\"%s\"", i ? ", " : "", t->column[i].name);
  }
  if (rc == BV_OK) rc = compare_table(d, t->name, bv_buf_text(&columns), a, b, err);
  bv_buf_reset(&columns);
  return rc;
}

static bv_rc compare_results(const differ *d, int64_t a, int64_t b, bv_err *err) {
  for (int k = 0; k < BV_ROWS_KINDS; k++) {
    BV_TRY(compare_rows(d, &bv_row_tables[k], a, b, err));
  }
  BV_TRY(compare_table(d, "bt_position", "asset, qty, avg_price, price, value", a, b, err));
  BV_TRY(compare_table(d, "bt_equity", "ts, value, cash, exposed", a, b, err));
  return compare_table(d, "bt_metric", "name, variant, value", a, b, err);
}

/* ---- the two sides ---- */

static bv_rc two_runs(const differ *d, const bv_stored *a, int64_t number, bv_err *err) {
  bv_stored b;
  BV_TRY(bv_stored_read(d->s, number, &b, err));
  bv_rc rc = compare(d, "strategy", a->strategy, a->sql, b.sql, err);
  if (rc == BV_OK) rc = compare(d, "config", "", a->config, b.config, err);
  if (rc == BV_OK) rc = compare_knobs(d, a->knobs, b.knobs, err);
  if (rc == BV_OK) rc = compare_inputs(d, &a->inputs, &b.inputs, err);
  if (rc == BV_OK) rc = compare_results(d, a->id, number, err);
  bv_stored_reset(&b);
  return rc;
}

/* The knobs that the run's configuration gives now. */
static bv_rc knobs_now(const differ *d, const bv_stored *a, bv_err *err) {
  bv_run_config config;
  bv_buf knobs;
  bv_document doc;
  const char *text = bv_stored_input(a, "document", "");
  if (text) BV_TRY(bv_document_read(d->s, text, &doc, err));
  bv_rc read = bv_run_config_read(d->s->db, text ? bv_buf_text(&doc.flat) : a->config, d->s->zone,
                                  &config, err);
  if (text) bv_document_reset(&doc);
  if (read != BV_OK) return read;
  bv_buf_init(&knobs, BV_MEM_RUN, 1 << 16);
  bv_rc rc = bv_run_config_knobs(&config, &knobs);
  if (rc == BV_OK) rc = compare_knobs(d, a->knobs, bv_buf_text(&knobs), err);
  bv_buf_reset(&knobs);
  bv_run_config_reset(&config);
  return rc;
}

/* The files that the document names, as they are. */
static bv_rc files_now(const differ *d, const bv_stored *a, const char *text, bv_inputs *now,
                       bv_err *err) {
  bv_document doc;
  BV_TRY(bv_document_read(d->s, text, &doc, err));
  bv_rc rc = BV_OK;
  for (int i = 0; i < a->inputs.n && rc == BV_OK; i++) {
    const bv_origin *o = &a->inputs.at[i];
    if (strcmp(o->kind, "file") != 0) continue;
    const char *path = bv_document_text(&doc, o->name);
    char print[64];
    bool there = false;
    if (path) rc = bv_file_print(path, print, &there);
    if (rc == BV_OK && there) rc = bv_inputs_add(now, "file", o->name, print);
  }
  bv_document_reset(&doc);
  return rc;
}

static bv_rc inputs_now(const differ *d, const bv_stored *a, const char *version, bv_err *err) {
  bv_inputs now = {0};
  const char *document = bv_stored_input(a, "document", "");
  const bv_origin_of of = {.version = version,
                           .zone = d->s->zone,
                           .strategy = a->strategy,
                           .sql = a->sql,
                           .config = document ? document : a->config,
                           .document = document};
  bv_rc rc = bv_inputs_collect(d->s, &of, &now, err);
  if (rc == BV_OK && document) rc = files_now(d, a, document, &now, err);
  for (int i = 0; rc == BV_OK && i < a->inputs.n; i++) {
    const bv_origin *o = &a->inputs.at[i];
    if (strcmp(o->kind, "bars") == 0) rc = bv_inputs_bars_named(d->s, o->name, a->end, &now, err);
  }
  bv_inputs_sort(&now);
  if (rc == BV_OK) rc = compare_inputs(d, &a->inputs, &now, err);
  bv_inputs_reset(&now);
  return rc;
}

static bv_rc run_and_now(const differ *d, const bv_stored *a, const char *version, bv_err *err) {
  char *sql = NULL;
  const bool view = a->strategy[0] && !bv_stored_input(a, "document", "");
  if (view) BV_TRY(bv_view_text(d->s->db, a->strategy, &sql, err));
  bv_rc rc = view ? compare(d, "strategy", a->strategy, a->sql, sql, err) : BV_OK;
  bv_free(sql);
  if (rc == BV_OK) rc = knobs_now(d, a, err);
  return rc == BV_OK ? inputs_now(d, a, version, err) : rc;
}

bv_rc bv_diff(bv_store *s, int64_t a, int64_t b, const char *version, bv_diff_fn fn, void *ctx,
              bv_err *err) {
  const differ d = {s, fn, ctx};
  bv_stored x;
  BV_TRY(bv_stored_read(s, a, &x, err));
  bv_rc rc = b ? two_runs(&d, &x, b, err) : run_and_now(&d, &x, version, err);
  bv_stored_reset(&x);
  return rc;
}
