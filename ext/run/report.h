/*
** report.h - the metrics of a finished run, from its stored curve and lots.
*/
#ifndef BV_RUN_REPORT_H
#define BV_RUN_REPORT_H

#include "data/store.h"
#include "sim/sim.h"
#include "time/zone.h"

typedef struct bv_report_input {
  bv_store *store;
  const bv_sim *sim; /* for the multipliers of its assets */
  int64_t run, points;
  int64_t began; /* when the first bar opened */
  double cash, commission, slippage, financing;
  const bv_series *benchmark; /* NULL: none */
  const bv_zone *zone;
  double risk_free, periods;
} bv_report_input;

/* Compute every metric and write it through INSERT INTO bt_figure VALUES (run, name, variant, value,
** unit, rank). */
BV_MUST bv_rc bv_report_write(const bv_report_input *in, sqlite3_stmt *insert, bv_err *err);

#endif
