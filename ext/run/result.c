/* result.c - the rows a run leaves in the database; see result.h. */
#include "run/result.h"
#include "data/script.h"

#include <math.h>
#include <string.h>

extern const char bv_sql_result[];

static const char *const insert_sql[BV_RS_COUNT] = {
    [BV_RS_CHUNK] = BV_ROWS_INSERT,
    [BV_RS_TAIL] = BV_ROWS_REMOVE,
    [BV_RS_POSITION] = "INSERT INTO main.bt_position VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [BV_RS_CURVE] = "INSERT OR REPLACE INTO main.bt_curve VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [BV_RS_FIGURE] = ("INSERT INTO main.bt_figure(run, name, variant, value, unit, rank)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
};

/* A table or view of the user's own may have the name of one of ours. */
static bv_rc prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, bv_err *err) {
  int code = sqlite3_prepare_v2(db, sql, -1, out, NULL);
  if (code == SQLITE_OK) return BV_OK;
  if ((code & 0xff) != SQLITE_ERROR) return bv_sql_fail(db, code, err, "bt_run()");
  return bv_fail(
      err, BV_ARG,
      "bt_run(): the results cannot be stored: %s; the names bt_run, bt_chunk, bt_curve, "
      "bt_figure, bt_position, bt_input and those of the tables that read them belong to them",
      sqlite3_errmsg(db));
}

/* Everything of a run but what it is resumed from (sql/request.sql). */
static bv_rc delete_run(sqlite3 *db, int64_t run, bv_err *err) {
  char *sql = sqlite3_mprintf("UPDATE main.bt_run SET status = 'resuming' WHERE id = %lld;"
                              "DELETE FROM main.bt_run WHERE id = %lld",
                              (long long)run, (long long)run);
  bv_rc rc = sql ? bv_sql_exec(db, sql, err) : BV_NOMEM;
  sqlite3_free(sql);
  return rc;
}

static bv_rc insert_run(bv_result *r, const bv_result_head *h, bv_err *err) {
  sqlite3_stmt *st;
  /* The next number no table has seen: rows of a run may outlive its row in bt_run. */
  BV_TRY(prepare(
      r->db,
      "INSERT INTO main.bt_run(id, strategy, sql, mode, profile, config, knobs, status, cash,"
      " version) SELECT coalesce(?9, 1 + coalesce(max(run), 0)), ?1, ?2, ?3, ?4, ?5, ?6, "
      "'running', ?7, ?8"
      " FROM (SELECT max(id) AS run FROM main.bt_run UNION ALL SELECT max(run) FROM main.bt_chunk"
      " UNION ALL SELECT max(run) FROM main.bt_position UNION ALL SELECT max(run) FROM"
      " main.bt_curve UNION ALL SELECT max(run) FROM main.bt_figure UNION ALL SELECT max(run) FROM"
      " main.bt_input)",
      &st, err));
  sqlite3_bind_text(st, 1, h->strategy, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, h->sql, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 3, h->mode, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 4, h->profile, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 5, h->config, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 6, h->knobs, -1, SQLITE_STATIC);
  sqlite3_bind_double(st, 7, h->cash);
  sqlite3_bind_text(st, 8, h->version, -1, SQLITE_STATIC);
  if (h->run) sqlite3_bind_int64(st, 9, h->run);
  bv_rc rc = bv_sql_done(r->db, st, err, "writing bt_run");
  sqlite3_finalize(st);
  if (rc == BV_OK) r->run = sqlite3_last_insert_rowid(r->db);
  return rc;
}

bv_rc bv_result_open(sqlite3 *db, const bv_result_head *head, bv_result *out, bv_err *err) {
  out->db = db;
  out->firings = 0;
  memset(out->st, 0, sizeof out->st);
  out->curve.n = out->curve.chunk = out->curve.total = 0;
  BV_TRY(bv_script_run(db, bv_sql_result, err));
  if (head->run) BV_TRY(delete_run(db, head->run, err));
  BV_TRY(insert_run(out, head, err));
  bv_rc rc = bv_report_begin(head->cash, head->zone, &out->metrics, err);
  for (int i = 0; i < BV_RS_COUNT && rc == BV_OK; i++) {
    rc = prepare(db, insert_sql[i], &out->st[i], err);
  }
  bv_rows_open(db, out->run, out->st[BV_RS_CHUNK], out->st[BV_RS_TAIL], &out->rows);
  if (rc != BV_OK) bv_result_close(out);
  return rc;
}

void bv_result_close(bv_result *r) {
  for (int i = 0; i < BV_RS_COUNT; i++) {
    sqlite3_finalize(r->st[i]);
    r->st[i] = NULL;
  }
  bv_rows_close(&r->rows);
  bv_curve_reset(&r->curve);
  bv_metric_free(r->metrics);
  r->metrics = NULL;
}

/* Bind in order, so that a row reads as the list of its columns. */
typedef struct binder {
  sqlite3_stmt *st;
  int at;
} binder;

static void put_int(binder *b, int64_t v) {
  sqlite3_bind_int64(b->st, ++b->at, v);
}
static void put_real(binder *b, double v) {
  bv_sql_bind_real(b->st, ++b->at, v);
}
static void put_text(binder *b, const char *v) {
  sqlite3_bind_text(b->st, ++b->at, v, -1, SQLITE_STATIC); /* NULL binds NULL */
}

static bv_rc on_order(void *ctx, const bv_sim_order *o, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_ORDER, o, err);
}
static bv_rc on_fill(void *ctx, const bv_sim_fill *f, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_FILL, f, err);
}
static bv_rc on_lot(void *ctx, const bv_sim_lot *l, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_LOT, l, err);
}
static bv_rc on_margin(void *ctx, const bv_sim_margin *m, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_MARGIN, m, err);
}
static bv_rc on_flow(void *ctx, const bv_sim_flow *f, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_FLOW, f, err);
}

static bv_rc on_risk(void *ctx, const bv_sim_firing *f, bv_err *err) {
  bv_result *r = ctx;
  const bv_rows_firing row = {++r->firings, *f};
  return bv_rows_put(&r->rows, BV_ROWS_RISK, &row, err);
}
static bv_rc on_trigger(void *ctx, const bv_sim_trigger *t, bv_err *err) {
  return bv_rows_put(&((bv_result *)ctx)->rows, BV_ROWS_TRIGGER, t, err);
}

bv_sim_sink bv_result_sink(bv_result *r) {
  return (bv_sim_sink){.ctx = r,
                       .order = on_order,
                       .fill = on_fill,
                       .lot = on_lot,
                       .flow = on_flow,
                       .margin = on_margin,
                       .risk = on_risk,
                       .trigger = on_trigger};
}

/* Write the points held, which are final, and let the metrics see them go by. */
static bv_rc flush_curve(bv_result *r, bv_err *err) {
  const bv_curve *c = &r->curve;
  const bv_metric_points p = {.n = c->n, .ts = c->ts, .equity = c->value, .exposed = c->exposed};
  BV_TRY(bv_metric_points_add(r->metrics, &p, err));
  return bv_curve_flush(&r->curve, r->db, r->st[BV_RS_CURVE], r->run, err);
}

bv_rc bv_result_point(bv_result *r, int64_t ts, double value, double cash, bool exposed,
                      bv_err *err) {
  bv_curve *c = &r->curve;
  if (c->n == BV_CURVE_CHUNK) BV_TRY(flush_curve(r, err));
  c->ts[c->n] = ts;
  c->value[c->n] = value;
  c->cash[c->n] = cash;
  c->exposed[c->n] = exposed;
  c->n++;
  c->total++;
  return BV_OK;
}

static bv_rc put_positions(bv_result *r, const bv_sim *sim, bv_err *err) {
  for (int a = 0; a < bv_sim_asset_count(sim); a++) {
    double qty = bv_sim_qty(sim, a);
    if (qty == 0) continue;
    double price = bv_sim_price(sim, a);
    binder b = {r->st[BV_RS_POSITION], 0};
    put_int(&b, r->run);
    put_text(&b, bv_sim_asset_key(sim, a));
    put_real(&b, qty);
    put_real(&b, bv_sim_avg_price(sim, a));
    put_real(&b, price);
    put_real(&b, bv_sim_position_value(sim, a));
    BV_TRY(bv_sql_done(r->db, b.st, err, "writing bt_position"));
  }
  return BV_OK;
}

static bv_rc close_run(bv_result *r, const bv_sim *sim, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(
      r->db,
      "UPDATE main.bt_run SET status = 'done', steps = ?2, value = ?3, commission = ?4,"
      " start = (SELECT min(first) FROM main.bt_curve WHERE run = ?1),"
      " \"end\" = (SELECT max(last) FROM main.bt_curve WHERE run = ?1) WHERE id = ?1",
      &st, err));
  sqlite3_bind_int64(st, 1, r->run);
  sqlite3_bind_int64(st, 2, r->curve.total);
  sqlite3_bind_double(st, 3, bv_sim_value(sim));
  sqlite3_bind_double(st, 4, bv_sim_commission(sim));
  bv_rc rc = bv_sql_done(r->db, st, err, "writing bt_run");
  sqlite3_finalize(st);
  if (rc == BV_OK && sqlite3_changes(r->db) != 1) {
    rc = bv_fail(err, BV_CONFLICT, "bt_run: run %lld was deleted while it was in progress",
                 (long long)r->run);
  }
  return rc;
}

bv_rc bv_result_finish(bv_result *r, bv_report_input in, bv_err *err) {
  bv_curve *c = &r->curve;
  if (c->n > 0) { /* what finishing closed belongs to the last step */
    c->value[c->n - 1] = bv_sim_value(in.sim);
    c->cash[c->n - 1] = bv_sim_cash(in.sim);
  }
  in.last = c->n > 0 ? c->ts[c->n - 1] : in.began;
  BV_TRY(flush_curve(r, err));
  BV_TRY(bv_rows_flush(&r->rows, err));
  BV_TRY(put_positions(r, in.sim, err));
  BV_TRY(close_run(r, in.sim, err));
  in.run = r->run;
  in.metrics = r->metrics;
  in.room = &r->rows.room;
  in.points = c->total;
  in.commission = bv_sim_commission(in.sim);
  in.slippage = bv_sim_slippage(in.sim);
  in.financing = bv_sim_financing(in.sim);
  return bv_report_write(&in, r->st[BV_RS_FIGURE], err);
}
