/*
** barsvt.h - libbarsvt for C programs.
**
** Link libbarsvt.a, -lsqlite3 -lzstd -lz -lm -lpthread.  Make the extension known to every connection
** opened afterwards:
**
**      sqlite3_auto_extension((void (*)(void))sqlite3_barsvt_init);
**
** or to one connection: sqlite3_barsvt_init(db, &errmsg, NULL).  Then everything is there in SQL.
** The calls below run a backtest step by step, so that a program can look at it and add its own
** orders between the steps.
**
** Times are UTC epoch seconds.  Functions return SQLITE_OK or a SQLITE_* code; where a char **errmsg
** is given it receives a text to be freed with sqlite3_free().  A run belongs to its connection and is
** used from one thread at a time.
*/
#ifndef BARSVT_H
#define BARSVT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_api_routines;

/* The extension's entry point. */
int sqlite3_barsvt_init(struct sqlite3 *db, char **errmsg, const struct sqlite3_api_routines *api);

/* The version, "0.1.0". */
const char *barsvt_version(void);

/* ---- backtest, step by step ---- */

typedef struct barsvt_run barsvt_run;

/* What an order asks for. */
enum {
  BARSVT_TARGET_WEIGHT = 0, /* a position worth amount x account value */
  BARSVT_TARGET_VALUE = 1,  /* a position worth amount in currency */
  BARSVT_TARGET_QTY = 2,    /* a position of amount units */
  BARSVT_QTY = 3            /* buy (> 0) or sell (< 0) amount units */
};

/* Begin a run of a strategy view.  strategy NULL: no view, the program gives all orders; then the
** configuration must name "assets" (and "timestep", unless the finest stored one is meant).  config:
** JSON as for bt_run(), may be NULL.
** The run's results are written inside a savepoint that barsvt_run_close() releases: until then the
** program must not COMMIT or ROLLBACK on this connection.  One run at a time on a connection. */
int barsvt_run_open(struct sqlite3 *db, const char *strategy, const char *config, barsvt_run **run,
                    char **errmsg);

/* Go on to the next instant at which a bar ended: fill what was waiting, mark, let the strategy see it.
** SQLITE_ROW: *ts is that instant and the state below is as of it; SQLITE_DONE: the data are at their
** end; else an error, after which the run can only be closed.  ts may be NULL.
**
** Between the steps the connection's clock stands at *ts (before the first, before all data), so SQL
** sees the bars that had ended by then; with a set-mode strategy it stands at the end of the run. */
int barsvt_run_step(barsvt_run *run, int64_t *ts, char **errmsg);

/* Give an order at the current step; it fills on bars that start at or after it.  tag may be NULL.  An
** error (an asset of which no bars are stored, an amount that is not a finite number, no step yet)
** leaves the run as it was. */
int barsvt_run_order(barsvt_run *run, const char *asset, int kind, double amount, const char *tag,
                     char **errmsg);

/* How an order fills, and how long it waits: docs/backtest.md, order types. */
enum {
  BARSVT_MARKET = 0,
  BARSVT_LIMIT = 1,
  BARSVT_STOP = 2,
  BARSVT_STOP_LIMIT = 3,
  BARSVT_TRAILING_STOP = 4,
  BARSVT_TRAILING_STOP_LIMIT = 5,
  BARSVT_MARKET_IF_TOUCHED = 6,
  BARSVT_LIMIT_IF_TOUCHED = 7
};
enum { BARSVT_GTC = 0, BARSVT_DAY = 1, BARSVT_GTD = 2, BARSVT_IOC = 3, BARSVT_FOK = 4 };

/* What a row of a strategy view can say; fields left 0 are not given.  BARSVT_NONE: no order, for a cancel
** or a replace alone. */
enum { BARSVT_NONE = -1 };
typedef struct barsvt_order {
  uint32_t size; /* sizeof(barsvt_order) */
  int kind;
  const char *asset, *tag;
  double amount;
  int type, tif, reduce_only;
  int64_t expire_at;
  double limit_price, stop_price, trail_amount, trail_percent;
  double take_profit, stop_loss;
  const char *oco, *closes, *cancel, *replace;
} barsvt_order;

/* As barsvt_run_order().  An order that makes no sense (a limit order without a limit) is no error: it ends
** as rejected, with a reason in bt_order. */
int barsvt_run_submit(barsvt_run *run, const barsvt_order *order, char **errmsg);

/* Orders, fills and lots gather and are written to bt_order, bt_fill and bt_lot a few hundred at a
** time: before a step-mode strategy is executed, at the end, and by this call, for a program that
** wants to read them between the steps. */
int barsvt_run_write(barsvt_run *run, char **errmsg);

/* State as of the last step.  id is that of the row in bt_run. */
int64_t barsvt_run_id(const barsvt_run *run);
double barsvt_run_value(const barsvt_run *run);
double barsvt_run_cash(const barsvt_run *run);
double barsvt_run_qty(const barsvt_run *run, const char *asset);   /* 0 when flat or unknown */
double barsvt_run_price(const barsvt_run *run, const char *asset); /* last close; NaN before one */

/* End the run.  After SQLITE_DONE its results and metrics are stored in bt_run, bt_order, bt_fill,
** bt_trade, bt_equity, bt_metric ...; before that (or with discard != 0) nothing of it is kept.
** NULL is fine. */
int barsvt_run_close(barsvt_run *run, int discard, char **errmsg);

#ifdef __cplusplus
}
#endif

#endif
