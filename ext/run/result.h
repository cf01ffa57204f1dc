/*
** result.h - the rows a run leaves in the database.
*/
#ifndef BV_RUN_RESULT_H
#define BV_RUN_RESULT_H

#include "data/sql.h"
#include "run/curve.h"
#include "run/report.h"
#include "run/rows.h"
#include "sim/sim.h"
#include "time/zone.h"

enum { BV_RS_CHUNK, BV_RS_TAIL, BV_RS_POSITION, BV_RS_CURVE, BV_RS_FIGURE, BV_RS_COUNT };

typedef struct bv_result {
  sqlite3 *db;
  int64_t run;
  sqlite3_stmt *st[BV_RS_COUNT];
  bv_rows rows;
  int64_t firings; /* of risk rules */
  bv_curve curve;
  bv_metric_run *metrics; /* the points that have been written went by it */
} bv_result;

/* What bt_run says of a run at its start. */
typedef struct bv_result_head {
  const char *strategy, *sql, *mode, *profile, *config, *knobs, *version;
  double cash;
  const bv_zone *zone; /* of the days of the metrics */
  int64_t run;         /* a run that is written anew; 0: the next number */
} bv_result_head;

/* Make the tables if need be and the run's row; out->run is its id. */
BV_MUST bv_rc bv_result_open(sqlite3 *db, const bv_result_head *head, bv_result *out, bv_err *err);
void bv_result_close(bv_result *r);

/* The sink of a simulator whose ctx is a bv_result. */
bv_sim_sink bv_result_sink(bv_result *r);

/* A step of the equity curve. */
BV_MUST bv_rc bv_result_point(bv_result *r, int64_t ts, double value, double cash, bool exposed,
                              bv_err *err);

/* The end: open positions, the rest of the curve, the metrics, and the run's row.  Of `in`, run,
** points and commission are filled in. */
BV_MUST bv_rc bv_result_finish(bv_result *r, bv_report_input in, bv_err *err);

#endif
