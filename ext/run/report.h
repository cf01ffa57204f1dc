/*
** report.h - the metrics of a run.
**
** The points of its curve go by as they are stored; the lots, and with a benchmark the curve once more, are read
** when it is over, a chunk at a time.  So memory grows with the days of a run and not with its steps and
** trades (calc/metric.h).
*/
#ifndef BV_RUN_REPORT_H
#define BV_RUN_REPORT_H

#include "calc/metric.h"
#include "data/store.h"
#include "run/row_chunk.h"
#include "sim/sim.h"
#include "time/zone.h"

typedef struct bv_report_input {
  bv_store *store;
  const bv_sim *sim;      /* for the multipliers of its assets */
  bv_metric_run *metrics; /* all points have gone by */
  bv_row_room **room;     /* scratch, made where it is NULL */
  int64_t run, points;
  int64_t began, last; /* when the first bar opened; the last point */
  double cash, commission, slippage, financing;
  const bv_series *benchmark; /* NULL: none */
  const bv_zone *zone;
  double risk_free, periods;
} bv_report_input;

/* Ready for the points of a run. */
BV_MUST bv_rc bv_report_begin(double cash, const bv_zone *zone, bv_metric_run **out, bv_err *err);

/* Compute every metric and write it through INSERT INTO bt_figure VALUES (run, name, variant, value,
** unit, rank). */
BV_MUST bv_rc bv_report_write(const bv_report_input *in, sqlite3_stmt *insert, bv_err *err);

#endif
