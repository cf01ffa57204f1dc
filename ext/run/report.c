/* report.c - the metrics of a finished run; see report.h. */
#include "run/report.h"
#include "base/alloc.h"
#include "calc/metric.h"
#include "data/sql.h"
#include "run/benchmark.h"
#include "run/curve.h"

#include <math.h>

typedef struct curve_arrays {
  int64_t *ts_room, *ts; /* the points lie behind a free place */
  double *value_room, *value;
  double *cash;  /* of one chunk */
  double *bench; /* NULL: no benchmark */
  uint8_t *exposed;
} curve_arrays;

static void arrays_free(curve_arrays *a) {
  bv_free(a->ts_room);
  bv_free(a->value_room);
  bv_free(a->cash);
  bv_free(a->bench);
  bv_free(a->exposed);
}

static bv_rc arrays_new(curve_arrays *a, int64_t points, bool bench) {
  size_t n = (size_t)points;
  *a = (curve_arrays){.ts_room = bv_alloc(BV_MEM_RUN, (n + 1) * 8),
                      .value_room = bv_alloc(BV_MEM_RUN, (n + 1) * 8),
                      .cash = bv_alloc(BV_MEM_RUN, BV_CURVE_CHUNK * sizeof *a->cash),
                      .bench = bench ? bv_alloc(BV_MEM_RUN, n * 8) : NULL,
                      .exposed = bv_alloc(BV_MEM_RUN, n)};
  if (a->ts_room && a->value_room && a->cash && a->exposed && (a->bench || !bench)) {
    a->ts = a->ts_room + 1;
    a->value = a->value_room + 1;
    return BV_OK;
  }
  arrays_free(a);
  return BV_NOMEM;
}

static bv_rc load_curve(const bv_report_input *in, curve_arrays *a, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(
      in->store->db, "SELECT n, data FROM main.bt_curve WHERE run = ?1 ORDER BY chunk", &st, err));
  sqlite3_bind_int64(st, 1, in->run);
  int64_t at = 0;
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(in->store->db, st, &row, err, "bt_curve")) == BV_OK && row) {
    int64_t n = sqlite3_column_int64(st, 0);
    if (n < 0 || n > in->points - at) {
      rc = bv_fail(err, BV_CORRUPT, "bt_curve: more points than steps");
      break;
    }
    rc = bv_curve_decode(sqlite3_column_blob(st, 1), sqlite3_column_bytes(st, 1), n, a->ts + at,
                         a->value + at, a->cash, a->exposed + at, err);
    if (rc != BV_OK) break;
    at += n;
  }
  sqlite3_finalize(st);
  if (rc == BV_OK && at != in->points)
    rc = bv_fail(err, BV_CORRUPT, "bt_curve: points are missing");
  return rc;
}

static bv_rc count_lots(const bv_report_input *in, int64_t *n, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(
      bv_sql_prepare(in->store->db, "SELECT count(*) FROM main.bt_lot WHERE run = ?1", &st, err));
  sqlite3_bind_int64(st, 1, in->run);
  bv_rc rc = bv_sql_row(in->store->db, st, &row, err, "bt_lot");
  *n = row ? sqlite3_column_int64(st, 0) : 0;
  sqlite3_finalize(st);
  return rc;
}

static bv_rc load_lots(const bv_report_input *in, bv_metric_trade *t, int64_t n, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(in->store->db,
                        "SELECT entry_ts, exit_ts, qty, entry_price, exit_price, pnl, ret, open,"
                        " asset, commission, mae, mfe FROM main.bt_lot WHERE run = ?1 ORDER BY id",
                        &st, err));
  sqlite3_bind_int64(st, 1, in->run);
  int64_t i = 0;
  int row;
  bv_rc rc;
  while ((rc = bv_sql_row(in->store->db, st, &row, err, "bt_lot")) == BV_OK && row && i < n) {
    t[i++] = (bv_metric_trade){
        .entry_ts = sqlite3_column_int64(st, 0),
        .exit_ts = sqlite3_column_int64(st, 1),
        .qty = sqlite3_column_double(st, 2),
        .entry_price = sqlite3_column_double(st, 3),
        .exit_price = sqlite3_column_double(st, 4),
        .pnl = sqlite3_column_double(st, 5),
        .ret = sqlite3_column_type(st, 6) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 6),
        .open = sqlite3_column_int(st, 7),
        .commission = sqlite3_column_double(st, 9),
        .mae = sqlite3_column_double(st, 10),
        .mfe = sqlite3_column_double(st, 11),
        .multiplier = bv_sim_multiplier(in->sim, bv_sim_asset_number(in->sim, bv_sql_text(st, 8))),
    };
  }
  sqlite3_finalize(st);
  return rc;
}

static int64_t to_local(void *zone, int64_t ts) {
  return bv_zone_to_local(zone, ts);
}

static bv_rc write_figures(const bv_report_input *in, const bv_metric_input *m, sqlite3_stmt *st,
                           bv_err *err) {
  int n = 0;
  bv_metric_value *v = bv_alloc(BV_MEM_RUN, (size_t)bv_metric_count() * sizeof *v);
  if (!v) return BV_NOMEM;
  bv_rc rc = bv_metric_compute(m, v, &n, err);
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

bv_rc bv_report_write(const bv_report_input *in, sqlite3_stmt *insert, bv_err *err) {
  curve_arrays a;
  int64_t n = 0;
  BV_TRY(count_lots(in, &n, err));
  BV_TRY(arrays_new(&a, in->points, in->benchmark != NULL));
  bv_metric_trade *trade = bv_alloc(BV_MEM_RUN, (size_t)n * sizeof *trade);
  bv_rc rc = trade ? load_curve(in, &a, err) : BV_NOMEM;
  if (rc == BV_OK) rc = load_lots(in, trade, n, err);
  double bench_start = NAN;
  if (rc == BV_OK && in->benchmark) {
    rc = bv_benchmark_read(in->store, in->benchmark, in->began, a.ts, in->points, a.bench,
                           &bench_start, err);
  }
  if (rc == BV_OK) {
    bv_metric_input m = {
        .ts = a.ts,
        .equity = a.value,
        .equity_before = a.value_room,
        .ts_before = a.ts_room,
        .n = in->points,
        .start = in->cash,
        .exposed = a.exposed,
        .bench = a.bench,
        .bench_start = bench_start,
        .trade = trade,
        .ntrade = n,
        .commission = in->commission,
        .slippage = in->slippage,
        .financing = in->financing,
        .risk_free = in->risk_free,
        .periods = in->periods,
        .to_local = bv_zone_is_utc(in->zone) ? NULL : to_local,
        .zone = (void *)(uintptr_t)in->zone,
    };
    rc = write_figures(in, &m, insert, err);
  }
  bv_free(trade);
  arrays_free(&a);
  return rc;
}
