/* report.c - the metrics of a finished run; see report.h. */
#include "run/report.h"
#include "base/alloc.h"
#include "calc/metric.h"
#include "data/sql.h"
#include "run/benchmark.h"
#include "run/curve.h"
#include "run/row_scan.h"

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
  BV_TRY(bv_sql_prepare(in->store->db,
                        "SELECT total(n) FROM main.bt_chunk WHERE run = ?1 AND kind = 'lot'", &st,
                        err));
  sqlite3_bind_int64(st, 1, in->run);
  bv_rc rc = bv_sql_row(in->store->db, st, &row, err, "bt_chunk");
  *n = row ? sqlite3_column_int64(st, 0) : 0;
  sqlite3_finalize(st);
  return rc;
}

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

static int64_t int_at(const bv_row_scan *s, int column) {
  return *(const int64_t *)bv_row_scan_at(s, column);
}
static double real_at(const bv_row_scan *s, int column) {
  return *(const double *)bv_row_scan_at(s, column);
}

static bv_metric_trade trade_at(const bv_report_input *in, const bv_row_scan *s) {
  const char *asset = *(const char *const *)bv_row_scan_at(s, ASSET);
  return (bv_metric_trade){
      .entry_ts = int_at(s, ENTRY_TS),
      .exit_ts = int_at(s, EXIT_TS),
      .qty = real_at(s, QTY),
      .entry_price = real_at(s, ENTRY),
      .exit_price = real_at(s, EXIT),
      .pnl = real_at(s, PNL),
      .ret = real_at(s, RET),
      .open = (int)int_at(s, OPEN),
      .commission = real_at(s, COMMISSION),
      .mae = real_at(s, MAE),
      .mfe = real_at(s, MFE),
      .multiplier = bv_sim_multiplier(in->sim, bv_sim_asset_number(in->sim, asset ? asset : "")),
  };
}

static bv_rc load_lots(const bv_report_input *in, bv_metric_trade *t, int64_t n, bv_err *err) {
  static const int columns[] = {ASSET,      QTY, ENTRY_TS, EXIT_TS, ENTRY, EXIT,
                                COMMISSION, PNL, RET,      MAE,     MFE,   OPEN};
  const bv_row_range range = {.one = true, .run = in->run, .lo = INT64_MIN, .hi = INT64_MAX};
  bv_row_cache *cache = bv_alloc(BV_MEM_RUN, sizeof *cache);
  bv_row_scan scan;
  if (!cache) return BV_NOMEM;
  bv_row_cache_init(cache, in->store->db, BV_ROWS_LOT);
  bv_row_scan_open(&scan, cache);
  bv_rc rc = bv_row_scan_start(&scan, &range, err);
  for (int64_t i = 0; rc == BV_OK && !scan.eof && i < n; i++) {
    for (size_t c = 0; rc == BV_OK && c < sizeof columns / sizeof *columns; c++) {
      if (!bv_row_scan_at(&scan, columns[c])) rc = bv_row_scan_need(&scan, columns[c], err);
    }
    if (rc != BV_OK) break;
    t[i] = trade_at(in, &scan);
    if (!bv_row_scan_quick(&scan)) rc = bv_row_scan_next(&scan, err);
  }
  bv_row_scan_close(&scan);
  bv_row_cache_reset(cache);
  bv_free(cache);
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
