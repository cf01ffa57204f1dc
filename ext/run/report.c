/*
** report.c - the metrics of a finished run; see report.h.
**
** The points of the curve have gone by while the run went on.  With a benchmark the stored curve is read
** twice more beside its prices; the lots are read twice.  Of either a chunk lies in memory at a time.
*/
#include "run/report.h"
#include "base/alloc.h"
#include "data/sql.h"
#include "run/benchmark.h"
#include "run/curve_scan.h"

#include <math.h>

/* ---- the benchmark ---- */

typedef struct versus {
  bv_curve_scan scan;
  bv_benchmark bench;
  double price[BV_CURVE_CHUNK];
} versus;

static bv_rc walk(const bv_report_input *in, versus *v, bv_err *err) {
  int64_t n = 0;
  for (;;) {
    BV_TRY(bv_curve_scan_next(&v->scan, err));
    if (v->scan.n == 0) break;
    BV_TRY(bv_benchmark_walk(&v->bench, v->scan.ts, v->scan.n, v->price, err));
    const bv_metric_points p = {
        .n = v->scan.n, .ts = v->scan.ts, .equity = v->scan.value, .bench = v->price};
    BV_TRY(bv_metric_bench_add(in->metrics, &p, err));
    n += v->scan.n;
  }
  return n == in->points ? BV_OK : bv_fail(err, BV_CORRUPT, "bt_curve: points are missing");
}

static bv_rc walk_once(const bv_report_input *in, versus *v, bv_err *err) {
  double start;
  BV_TRY(bv_benchmark_open(&v->bench, in->store, in->benchmark, in->began, in->last, &start, err));
  bv_rc rc = bv_curve_scan_open(&v->scan, in->store->db, in->run, err);
  if (rc == BV_OK) rc = walk(in, v, err);
  bv_curve_scan_close(&v->scan);
  bv_benchmark_close(&v->bench);
  return rc;
}

static bv_rc pass_benchmark(const bv_report_input *in, bv_err *err) {
  bool again = in->benchmark != NULL;
  bv_rc rc = BV_OK;
  versus *v = again ? bv_alloc(BV_MEM_RUN, sizeof *v) : NULL;
  if (again && !v) return BV_NOMEM;
  while (rc == BV_OK && again) {
    rc = walk_once(in, v, err);
    if (rc == BV_OK) rc = bv_metric_bench_again(in->metrics, &again, err);
  }
  bv_free(v);
  return rc;
}

static bv_rc start_price(const bv_report_input *in, double *price, bv_err *err) {
  bv_benchmark b;
  *price = NAN;
  if (!in->benchmark) return BV_OK;
  BV_TRY(bv_benchmark_open(&b, in->store, in->benchmark, in->began, in->began, price, err));
  bv_benchmark_close(&b);
  return BV_OK;
}

/* ---- the lots ---- */

/* The columns of bt_lot that metrics look at, by their place in row_table.c. */
enum {
  ASSET = 1,
  QTY,
  ENTRY_TS,
  EXIT_TS,
  ENTRY = 7,
  EXIT,
  COMMISSION,
  PNL,
  RET,
  MAE = 13,
  MFE,
  OPEN
};

#define ALL                                                                                        \
  (1u << QTY | 1u << ENTRY | 1u << EXIT | 1u << COMMISSION | 1u << RET | 1u << MAE | 1u << MFE)
#define TIMES   (1u << ENTRY_TS | 1u << EXIT_TS)
#define ALWAYS  (1u << PNL | 1u << OPEN)
#define COLUMNS (OPEN + 1)

/* Multipliers of assets, by the text that names them in a chunk. */
#define KNOWN 64

typedef struct lots {
  const bv_report_input *in;
  bv_curve_marks marks;
  sqlite3_stmt *st;
  bool plain;   /* every multiplier is 1 */
  int64_t last; /* number of the lot before */
  const char *name[KNOWN];
  double known[KNOWN];
  double multiplier[BV_ROW_CHUNK];
} lots;

static bv_rc count_points(void *ctx, const int64_t *t, int64_t n, int64_t *points, bv_err *err) {
  return bv_curve_marks_count(&((lots *)ctx)->marks, t, n, points, err);
}

static bool all_plain(const bv_sim *sim) {
  for (int i = 0; i < bv_sim_asset_count(sim); i++) {
    if (bv_sim_multiplier(sim, i) != 1) return false;
  }
  return true;
}

static void look_up(lots *l, const bv_row_chunk *c) {
  const bv_sim *sim = l->in->sim;
  const char *const *asset = c->col[ASSET];
  for (int i = 0; i < KNOWN; i++) l->name[i] = NULL;
  for (size_t i = 0; i < c->n; i++) {
    const char *name = asset[i] ? asset[i] : "";
    const size_t at = ((uintptr_t)name >> 2 ^ (uintptr_t)name >> 8) % KNOWN;
    if (l->name[at] != name) {
      l->name[at] = name;
      l->known[at] = bv_sim_multiplier(sim, bv_sim_asset_number(sim, name));
    }
    l->multiplier[i] = l->known[at];
  }
}

static bv_rc add_chunk(lots *l, bv_row_chunk *c, bool first, bv_err *err) {
  const unsigned ask = ALWAYS | (first || bv_metric_timed(l->in->metrics) ? TIMES : 0) |
                       (first ? ALL : 0) | (first && !l->plain ? 1u << ASSET : 0);
  for (int i = 0; i < COLUMNS; i++) {
    if (ask >> i & 1) BV_TRY(bv_row_chunk_need(c, i, l->in->room, err));
  }
  if (ask >> ASSET & 1) look_up(l, c);
  const bv_metric_trades p = {.n = (int64_t)c->n,
                              .entry_ts = c->col[ENTRY_TS],
                              .exit_ts = c->col[EXIT_TS],
                              .open = c->col[OPEN],
                              .pnl = c->col[PNL],
                              .qty = c->col[QTY],
                              .entry_price = c->col[ENTRY],
                              .exit_price = c->col[EXIT],
                              .multiplier = l->multiplier,
                              .commission = c->col[COMMISSION],
                              .ret = c->col[RET],
                              .mae = c->col[MAE],
                              .mfe = c->col[MFE],
                              .count = count_points,
                              .ctx = l};
  return bv_metric_trades_add(l->in->metrics, &p, err);
}

/* The chunk that the statement stands on.  Lots become final in the order of their numbers. */
static bv_rc read_chunk(lots *l, bool first, bv_err *err) {
  bv_row_chunk *c;
  BV_TRY(bv_row_chunk_new(&bv_row_tables[BV_ROWS_LOT], sqlite3_column_blob(l->st, 4),
                          sqlite3_column_bytes(l->st, 4), sqlite3_column_int64(l->st, 0),
                          sqlite3_column_int64(l->st, 1), sqlite3_column_int64(l->st, 2),
                          sqlite3_column_int64(l->st, 3), &c, err));
  bv_rc rc = c->first > l->last ? add_chunk(l, c, first, err)
                                : bv_fail(err, BV_CORRUPT, "bt_chunk: lots are not in order");
  l->last = c->last;
  bv_row_chunk_free(c);
  return rc;
}

static bv_rc pass_once(lots *l, bool first, bv_err *err) {
  int row;
  bv_rc rc;
  l->last = INT64_MIN;
  sqlite3_bind_int64(l->st, 1, l->in->run);
  while ((rc = bv_sql_row(l->in->store->db, l->st, &row, err, "bt_chunk")) == BV_OK && row) {
    rc = read_chunk(l, first, err);
    if (rc != BV_OK) break;
  }
  sqlite3_reset(l->st);
  return rc;
}

static bv_rc pass_lots(const bv_report_input *in, bv_err *err) {
  lots *l = bv_alloc0(BV_MEM_RUN, sizeof *l);
  if (!l) return BV_NOMEM;
  l->in = in;
  l->plain = all_plain(in->sim);
  for (int i = 0; l->plain && i < BV_ROW_CHUNK; i++) l->multiplier[i] = 1;
  bv_rc rc = bv_curve_marks_open(&l->marks, in->store->db, in->run, in->points, err);
  if (rc == BV_OK)
    rc = bv_sql_prepare(in->store->db,
                        "SELECT n, first, last, checksum, data FROM main.bt_chunk WHERE run = ?1"
                        " AND kind = 'lot' ORDER BY first",
                        &l->st, err);
  bool first = true, again = rc == BV_OK;
  for (; again; first = false) {
    rc = pass_once(l, first, err);
    again = rc == BV_OK && bv_metric_trades_again(in->metrics);
  }
  sqlite3_finalize(l->st);
  bv_curve_marks_close(&l->marks);
  bv_free(l);
  return rc;
}

/* ---- the figures ---- */

static bv_rc write_figures(const bv_report_input *in, sqlite3_stmt *st, bv_err *err) {
  int n = 0;
  bv_rc rc = BV_OK;
  bv_metric_value *v = bv_alloc(BV_MEM_RUN, (size_t)bv_metric_count() * sizeof *v);
  if (!v) return BV_NOMEM;
  bv_metric_values(in->metrics, v, &n);
  for (int i = 0; i < n && rc == BV_OK; i++) {
    sqlite3_bind_int64(st, 1, in->run);
    sqlite3_bind_text(st, 2, v[i].name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, v[i].variant, -1, SQLITE_STATIC);
    bv_sql_bind_real(st, 4, v[i].value);
    sqlite3_bind_text(st, 5, v[i].unit, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 6, i);
    rc = bv_sql_done(in->store->db, st, err, "writing bt_figure");
  }
  bv_free(v);
  return rc;
}

static int64_t to_local(void *zone, int64_t ts) {
  return bv_zone_to_local(zone, ts);
}

static int64_t steady(void *zone, int64_t ts) {
  return bv_zone_steady(zone, ts);
}

static bv_metric_input known(double cash, const bv_zone *zone) {
  const bool utc = bv_zone_is_utc(zone);
  return (bv_metric_input){.start = cash,
                           .to_local = utc ? NULL : to_local,
                           .steady = utc ? NULL : steady,
                           .zone = (void *)(uintptr_t)zone};
}

bv_rc bv_report_begin(double cash, const bv_zone *zone, bv_metric_run **out, bv_err *err) {
  const bv_metric_input m = known(cash, zone);
  return bv_metric_new(&m, out, err);
}

bv_rc bv_report_write(const bv_report_input *in, sqlite3_stmt *insert, bv_err *err) {
  bv_metric_input m = known(in->cash, in->zone);
  m.commission = in->commission;
  m.slippage = in->slippage;
  m.financing = in->financing;
  m.risk_free = in->risk_free;
  m.periods = in->periods;
  BV_TRY(start_price(in, &m.bench_start, err));
  BV_TRY(bv_metric_points_end(in->metrics, &m, err));
  BV_TRY(pass_benchmark(in, err));
  BV_TRY(pass_lots(in, err));
  return write_figures(in, insert, err);
}
