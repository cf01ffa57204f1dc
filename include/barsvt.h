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
** orders between the steps, and read a feed instant by instant.
**
** Times are UTC epoch seconds.  Functions return SQLITE_OK or a SQLITE_* code; where a char **errmsg
** is given it receives a text to be freed with sqlite3_free().  Runs and feeds belong to their connection and
** are used from one thread at a time.
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
** program must not COMMIT or ROLLBACK on this connection.  One run at a time on a connection.
** With the key checkpoint in the configuration no transaction may be open, and the run commits every so many
** steps: what the program writes on the connection between the steps goes with it. */
int barsvt_run_open(struct sqlite3 *db, const char *strategy, const char *config, barsvt_run **run,
                    char **errmsg);

/* Go on with a run that was opened with the key checkpoint and has not finished: its process was killed, it
** failed, or it was closed before its end.  The run stands at the last step that was committed, *ts (may be NULL), and
** has all orders that were given up to it; the program goes on with barsvt_run_step().  What the program
** itself remembers it must find again: bars up to *ts are there, as are the run's results.  An error leaves
** the run as it was.  options: JSON as for bt_resume(), may be NULL. */
int barsvt_run_resume(struct sqlite3 *db, int64_t id, const char *options, barsvt_run **run,
                      int64_t *ts, char **errmsg);

/* Go on to the next instant at which a bar ended: fill what was waiting, mark, let the strategy see it; with the key
** "every" of the configuration, to the next one at which the strategy is asked.
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
  BARSVT_LIMIT_IF_TOUCHED = 7,
  BARSVT_MARKET_ON_OPEN = 8,
  BARSVT_MARKET_ON_CLOSE = 9,
  BARSVT_LIMIT_ON_OPEN = 10,
  BARSVT_LIMIT_ON_CLOSE = 11
};
enum {
  BARSVT_GTC = 0,
  BARSVT_DAY = 1,
  BARSVT_GTD = 2,
  BARSVT_IOC = 3,
  BARSVT_FOK = 4,
  BARSVT_OPG = 5,
  BARSVT_CLS = 6
};

/* What a row of a strategy view can say; fields left 0 are not given.  BARSVT_NONE: no order, for a cancel
** or a replace alone. */
enum { BARSVT_NONE = -1 };
typedef struct barsvt_order {
  uint32_t size; /* sizeof(barsvt_order); fields are only ever added at the end */
  int kind;
  const char *asset, *tag;
  double amount;
  int type, tif, reduce_only;
  int64_t expire_at;
  double limit_price, stop_price, trail_amount, trail_percent;
  double take_profit, stop_loss;
  const char *oco, *closes, *cancel, *replace;
  const char *oto;   /* sleeps until the waiting order with this tag, of any asset, has filled */
  const char *combo; /* orders of one step with this name are the legs of one order, */
  double
      net_limit; /* which fills where the legs together cost no more for a unit; below 0 a credit, */
  int has_net_limit; /* where this is not 0 */
} barsvt_order;

/* As barsvt_run_order().  An order that makes no sense (a limit order without a limit) is no error: it ends
** as rejected, with a reason in bt_order. */
int barsvt_run_submit(barsvt_run *run, const barsvt_order *order, char **errmsg);

/* Orders, fills and lots gather and are written a few thousand at a time, and at the end.  The tables bt_order,
** bt_fill, bt_lot show them on this connection whether they are written or not; this call writes what has
** gathered into bt_chunk now. */
int barsvt_run_write(barsvt_run *run, char **errmsg);

/* State as of the last step.  id is that of the row in bt_run. */
int64_t barsvt_run_id(const barsvt_run *run);
double barsvt_run_value(const barsvt_run *run);
double barsvt_run_cash(const barsvt_run *run);
double barsvt_run_qty(const barsvt_run *run, const char *asset);   /* 0 when flat or unknown */
double barsvt_run_price(const barsvt_run *run, const char *asset); /* last close; NaN before one */

/* The run's assets are numbered 0 ... in the order in which they came in: those of the configuration first, as they
** stand there.  A name is looked up at each call, a number is not.  NULL, -1: there is none. */
int barsvt_run_assets(const barsvt_run *run);
const char *barsvt_run_asset(const barsvt_run *run, int asset);
int barsvt_run_find(const barsvt_run *run, const char *asset);
double barsvt_run_qty_at(const barsvt_run *run, int asset);
double barsvt_run_price_at(const barsvt_run *run, int asset);
int barsvt_run_order_at(barsvt_run *run, int asset, int kind, double amount, const char *tag,
                        char **errmsg);

/* Last closes and quantities of all assets, by number: arrays of barsvt_run_assets(), or NULL. */
void barsvt_run_state(const barsvt_run *run, double *price, double *qty);

/* Call fn at every step that is left, as barsvt_run_step() would return, until it returns something else than 0.  It
** may give orders and ask for the state, and must not close the run.  SQLITE_DONE: the data are at their end;
** SQLITE_OK: fn has ended it, the run can go on; else an error, as of barsvt_run_step(). */
int barsvt_run_each(barsvt_run *run, int (*fn)(void *ctx, barsvt_run *run, int64_t ts), void *ctx,
                    char **errmsg);

/* End the run.  After SQLITE_DONE its results and metrics are stored in bt_run, bt_order, bt_fill,
** bt_trade, bt_equity, bt_metric ...; before that nothing of it is kept, or with the key checkpoint what was
** committed.  With discard != 0 nothing is, in any case.  NULL is fine. */
int barsvt_run_close(barsvt_run *run, int discard, char **errmsg);

/* ---- feeds: bars with signals and context, instant by instant ---- */

typedef struct barsvt_feed barsvt_feed;

/* What of a feed is read; fields left 0 do not limit it. */
typedef struct barsvt_feed_options {
  uint32_t size;            /* sizeof(barsvt_feed_options) */
  int nasset;               /* of the universe only these, */
  const char *const *asset; /* in any order */
  int64_t start, end;       /* bars that begin in [start, end) */
  const char
      *columns; /* "close, score"; NULL: open, high, low, close, volume and all of the sources */
} barsvt_feed_options;

/* Open a feed: the name of a table made USING bars_feed ("feed", "aux.feed"), or a text like its arguments
** ("timestep=minute, signals=(scores match=asof)"; docs/sql.md).  options may be NULL.
** While it is open the feed keeps the state of the database it has begun with, as a SELECT that is being stepped
** does.  What it delivers is limited by the connection's clock.  Close it before the connection. */
int barsvt_feed_open(struct sqlite3 *db, const char *feed, const barsvt_feed_options *options,
                     barsvt_feed **out, char **errmsg);
void barsvt_feed_close(barsvt_feed *feed); /* NULL is fine */

/* The feed's assets are numbered 0 ... in order of name.  NULL: there is no such number. */
int barsvt_feed_assets(const barsvt_feed *feed);
const char *barsvt_feed_asset(const barsvt_feed *feed, int asset);

/* Its columns, as asked for; kind (may be NULL) says where one comes from. */
enum { BARSVT_BAR = 0, BARSVT_SIGNAL = 1, BARSVT_CONTEXT = 2 };
int barsvt_feed_columns(const barsvt_feed *feed);
const char *barsvt_feed_column(const barsvt_feed *feed, int column, int *kind);

/* All bars that begin at one instant, one per asset that has one, in order of asset; arrays of n.  Rows of signals
** and context are those that the bar may use, by the timing of their source: value[c][i] is known by known_at[i].
** valid[c][i] is 0 where there is no value (NULL in SQL); value[c][i] is a NaN then. */
typedef struct barsvt_batch {
  int64_t ts;
  int n;
  const int32_t *asset;
  const int64_t *known_at;
  const double *const *value;
  const uint8_t *const *valid;
} barsvt_batch;

/* The next instant.  SQLITE_ROW: it is in *batch, whose arrays are the feed's until the next call; SQLITE_DONE: there
** are no more; else an error, after which the feed can only be closed.  A value that is a text or a blob
** is an error. */
int barsvt_feed_next(barsvt_feed *feed, barsvt_batch *batch, char **errmsg);

/* Call fn for every instant that is left, until it returns something else than 0. */
int barsvt_feed_each(barsvt_feed *feed, int (*fn)(void *ctx, const barsvt_batch *batch), void *ctx,
                     char **errmsg);

/* ---- features: functions of the program that SQL calls, their results kept ---- */

/* What the feature says of an asset at ts, given narg numbers (NaN: NULL): *result, NaN for NULL.  Returns SQLITE_OK,
** or another code and *errmsg from sqlite3_mprintf().  It is to use nothing that was not known at ts. */
typedef int (*barsvt_feature_fn)(void *ctx, const char *asset, int64_t ts, int narg,
                                 const double *arg, double *result, char **errmsg);

typedef struct barsvt_feature {
  uint32_t size;    /* sizeof(barsvt_feature) */
  const char *name; /* called in SQL as name(asset, ts, arguments); no function must have it yet */
  const char *version; /* of model and code: results of another version are not used */
  int narg;            /* arguments besides asset and ts */
  int pure; /* the same arguments always give the same: results are kept, by asset, ts and arguments */
  barsvt_feature_fn fn;
  void *ctx;
  void (*destroy)(
      void *
          ctx); /* may be NULL; called when the connection closes or the feature is registered anew */
} barsvt_feature;

/* Register a feature with a connection, or another version of one. */
int barsvt_feature_register(struct sqlite3 *db, const barsvt_feature *definition, char **errmsg);

/* Write the results that are new to barsvt_feature_value; a run does so when it ends. */
int barsvt_feature_save(struct sqlite3 *db, char **errmsg);

#ifdef __cplusplus
}
#endif

#endif
