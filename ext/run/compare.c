/* compare.c - where two runs part; see compare.h. */
#include "run/compare.h"

#include "data/sql.h"
#include "run/stored.h"

#include <string.h>

typedef struct comparer {
  bv_store *s;
  int64_t a, b;
  const char *version;
  bv_diff_fn fn;
  void *ctx;
} comparer;

static bv_rc prepare(const comparer *c, const char *sql, int64_t x, int64_t y, sqlite3_stmt **st,
                     bv_err *err) {
  BV_TRY(bv_sql_prepare(c->s->db, sql, st, err));
  sqlite3_bind_int64(*st, 1, x);
  sqlite3_bind_int64(*st, 2, y);
  return BV_OK;
}

/* The number of the first fill that differs between runs x and y; INT64_MAX where none does. */
static bv_rc first_difference(const comparer *c, int64_t x, int64_t y, int64_t *fill, bv_err *err) {
  static const char sql[] =
      "SELECT min(id) FROM ("
      " SELECT a.id AS id FROM main.bt_fill a LEFT JOIN main.bt_fill b ON b.run = ?2 AND b.id = "
      "a.id"
      " WHERE a.run = ?1 AND (b.id IS NULL OR a.asset <> b.asset OR a.ts <> b.ts"
      " OR abs(a.qty - b.qty) > 1e-9 * abs(a.qty) OR abs(a.price - b.price) > 1e-9 * abs(a.price)"
      " OR abs(a.commission - b.commission) > 1e-9 * (abs(a.commission) + abs(b.commission)))"
      " UNION ALL SELECT b.id FROM main.bt_fill b LEFT JOIN main.bt_fill a ON a.run = ?1 AND"
      " a.id = b.id WHERE b.run = ?2 AND a.id IS NULL)";
  sqlite3_stmt *st;
  int row;
  BV_TRY(prepare(c, sql, x, y, &st, err));
  bv_rc rc = bv_sql_row(c->s->db, st, &row, err, "bt_fill");
  if (rc == BV_OK) {
    bool none = sqlite3_column_type(st, 0) == SQLITE_NULL;
    *fill = none ? INT64_MAX : sqlite3_column_int64(st, 0);
  }
  sqlite3_finalize(st);
  return rc;
}

/* Columns of the same statement for both runs, those that differ; the first one always. */
static bv_rc give_columns(const comparer *c, const char *what, sqlite3_stmt *a, sqlite3_stmt *b,
                          bool first, bv_err *err) {
  int in_a, in_b;
  BV_TRY(bv_sql_row(c->s->db, a, &in_a, err, "bt_compare"));
  BV_TRY(bv_sql_row(c->s->db, b, &in_b, err, "bt_compare"));
  for (int i = 0; i < sqlite3_column_count(a); i++) {
    const char *x = in_a ? (const char *)sqlite3_column_text(a, i) : NULL;
    const char *y = in_b ? (const char *)sqlite3_column_text(b, i) : NULL;
    bool same = x == y || (x && y && strcmp(x, y) == 0);
    if (same && !(first && i == 0)) continue;
    BV_TRY(c->fn(c->ctx, what, sqlite3_column_name(a, i), x, y, err));
  }
  return BV_OK;
}

/* The row that `sql` makes of run ?1 (and fill ?2), for both runs. */
static bv_rc give(const comparer *c, const char *what, const char *sql, int64_t fill, bv_err *err) {
  sqlite3_stmt *a, *b;
  BV_TRY(prepare(c, sql, c->a, fill, &a, err));
  bv_rc rc = prepare(c, sql, c->b, fill, &b, err);
  if (rc == BV_OK) {
    rc = give_columns(c, what, a, b, fill != INT64_MAX, err);
    sqlite3_finalize(b);
  }
  sqlite3_finalize(a);
  return rc;
}

static const char fill_sql[] =
    "SELECT f.id AS number, datetime(f.ts, 'unixepoch') AS time, f.asset AS asset, f.qty AS qty,"
    " f.price AS price, f.commission AS commission, f.position AS position,"
    " o.order_type AS order_type, datetime(o.ts, 'unixepoch') AS decided, o.ask AS ask,"
    " o.amount AS amount, o.reason AS reason, o.tag AS tag FROM main.bt_fill f LEFT JOIN"
    " main.bt_order o ON o.run = f.run AND o.id = f.order_id WHERE f.run = ?1 AND f.id = ?2";

static const char account_sql[] =
    "SELECT (SELECT count(*) FROM main.bt_fill WHERE run = ?1) AS fills, commission AS commission,"
    " value AS value FROM main.bt_run WHERE id = ?1";

/* Whether run a with these overrides goes with b beyond the fill; what it stores is undone.  Knobs that do not
** go together explain nothing. */
static bv_rc explains(const comparer *c, const char *overrides, int64_t fill, bool *yes,
                      bv_err *err) {
  bv_savepoint sp;
  bv_err why = {0};
  int64_t again, other = 0;
  *yes = false;
  BV_TRY(bv_savepoint_open(c->s->db, &sp, err));
  bv_rc rc = bv_rerun(c->s, c->a, overrides, c->version, &again, &why);
  bool refused = rc == BV_ARG || rc == BV_RANGE;
  if (rc != BV_OK && !refused) bv_fail_native(err, rc, why.native, "%s", bv_err_text(&why, rc));
  if (rc == BV_OK) rc = first_difference(c, again, c->b, &other, err);
  if (rc == BV_OK) *yes = other > fill;
  bv_rc undone = rc == BV_OK || refused ? BV_CONFLICT : rc; /* anything but BV_OK undoes it */
  bv_rc closed = bv_savepoint_close(c->s->db, &sp, undone, &why);
  c->s->schema_state = -1;
  if (rc == BV_OK || refused) return closed == BV_CONFLICT ? BV_OK : closed;
  return rc;
}

/* A knob that the runs have differently. */
typedef struct knob {
  char *name, *overrides, *a, *b;
} knob;

typedef struct knobs {
  knob *at;
  int n;
} knobs;

static void reset_knobs(knobs *k) {
  for (int i = 0; i < k->n; i++) {
    bv_free(k->at[i].name);
    bv_free(k->at[i].overrides);
    bv_free(k->at[i].a);
    bv_free(k->at[i].b);
  }
  bv_free(k->at);
}

static bv_rc add_knob(knobs *k, sqlite3_stmt *st) {
  knob *more = bv_realloc(BV_MEM_RUN, k->at, (size_t)(k->n + 1) * sizeof *more);
  if (!more) return BV_NOMEM;
  k->at = more;
  knob *to = &more[k->n++];
  *to = (knob){.name = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0)),
               .overrides = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 1)),
               .a = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 2)),
               .b = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 3))};
  return to->name && to->overrides && to->a && to->b ? BV_OK : BV_NOMEM;
}

static bv_rc read_knobs(const comparer *c, knobs *k, bv_err *err) {
  static const char sql[] =
      "SELECT b.key, json_object(b.key, CASE b.type WHEN 'true' THEN json('true') WHEN 'false' THEN"
      " json('false') ELSE b.value END), CASE WHEN a.type IN ('true', 'false') THEN a.type ELSE"
      " a.value END, CASE WHEN b.type IN ('true', 'false') THEN b.type ELSE b.value END"
      " FROM json_each((SELECT knobs FROM main.bt_run WHERE id = ?1)) a"
      " JOIN json_each((SELECT knobs FROM main.bt_run WHERE id = ?2)) b ON a.key = b.key"
      " WHERE a.value IS NOT b.value ORDER BY a.id";
  sqlite3_stmt *st;
  int row;
  bv_rc rc;
  BV_TRY(prepare(c, sql, c->a, c->b, &st, err));
  while ((rc = bv_sql_row(c->s->db, st, &row, err, "bt_run")) == BV_OK && row) {
    rc = add_knob(k, st);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

/* Each knob by itself; where none explains the fill, a row that says so. */
static bv_rc give_knobs(const comparer *c, int64_t fill, bv_err *err) {
  knobs k = {0};
  int found = 0;
  bv_rc rc = read_knobs(c, &k, err);
  for (int i = 0; rc == BV_OK && i < k.n; i++) {
    bool yes;
    rc = explains(c, k.at[i].overrides, fill, &yes, err);
    if (rc != BV_OK || !yes) continue;
    found++;
    rc = c->fn(c->ctx, "knob", k.at[i].name, k.at[i].a, k.at[i].b, err);
  }
  if (rc == BV_OK && found == 0) rc = c->fn(c->ctx, "knob", "none alone", NULL, NULL, err);
  reset_knobs(&k);
  return rc;
}

bv_rc bv_compare(bv_store *s, int64_t a, int64_t b, const char *version, bv_diff_fn fn, void *ctx,
                 bv_err *err) {
  comparer c = {.s = s, .a = a, .b = b, .version = version, .fn = fn, .ctx = ctx};
  bv_stored x = {0}, y = {0};
  int64_t fill = INT64_MAX;
  if (s->run) return bv_fail(err, BV_BUSY, "a run is in progress on this connection");
  BV_TRY(bv_stored_read(s, a, &x, err));
  bv_rc rc = bv_stored_read(s, b, &y, err);
  bool rerun = rc == BV_OK && x.strategy[0] && strcmp(x.strategy, y.strategy) == 0;
  if (rc == BV_OK) bv_stored_reset(&y);
  bv_stored_reset(&x);
  if (rc == BV_OK) rc = first_difference(&c, a, b, &fill, err);
  if (rc == BV_OK && fill != INT64_MAX) rc = give(&c, "fill", fill_sql, fill, err);
  if (rc == BV_OK) rc = give(&c, "account", account_sql, INT64_MAX, err);
  if (rc == BV_OK && rerun && fill != INT64_MAX) rc = give_knobs(&c, fill, err);
  return rc;
}
