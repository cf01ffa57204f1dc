/*
** sim.h - the simulator: orders, matching, costs, ledger.  No SQLite, no files, no clock.
**
** The driver tells it what happens, in time order:
**
**      bv_sim_open(ts, bars)     bars that start at ts: waiting orders may fill from here on
**      bv_sim_close(t, bars)     bars that end at t: intrabar fills, marks at the close
**      bv_sim_submit(t, request) an order or a target decided at t
**      bv_sim_act(t, action)     a split or dividend that shows in the bars that start from t on
**
** At one instant t the driver calls close (bars ending at t), then submit (the strategy saw those
** bars), then open (bars starting at t), so an order decided at t fills on bars that start at or
** after t.  What fills at a bar's open fills in bv_sim_open; what is reached inside the bar fills in
** bv_sim_close, before the mark, so nobody knows of it before the bar has ended.  Either way the
** fill carries the bar's start as its time.  The simulator answers through the sink: every order once it is final, every fill, then
** the lots that fill closed.  Money is in one currency, quantities are signed, long is positive.
**
** Within one bv_sim_open call orders fill in this order, whatever the order of the bars and of
** bv_sim_asset calls: first those that take nothing on (knob priority: all that do not raise the
** position's size, or only the close of a close-and-enter pair), then the others, each group by
** order id.  Sums over assets run in the order of their keys, so results do not depend on the order
** of registration, to the bit.  Orders reached inside bars go by the same sequence; rest.h has the
** prices, bracket.h what is certain inside a bar and what is a guess.
**
** Ledger identities, tested after each close of the property tests (ledger.h: bv_ledger_error):
**      value = cash + sum(qty * price * multiplier)
**      value - start = sum(pnl of closed lots) + sum(open pnl of lots) + sum(cash flows), pnl net of costs
**
** Memory is reserved when an asset or an order is added; open, close and finish allocate nothing, but
** with volume.model open and close make room for lots before anything else: BV_NOMEM then changes nothing.
** After any other error from open, close or finish, which only a sink or a reader of finer bars can cause, the simulator can only be
** freed.  A sink must not call back into the simulator.
*/
#ifndef BV_SIM_SIM_H
#define BV_SIM_SIM_H

#include "base/status.h"
#include "sim/instrument.h"
#include "sim/profile.h"
#include "sim/rule.h"
#include "time/calendar.h"
#include "time/zone.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_sim bv_sim;

typedef struct bv_sim_bar {
  int asset; /* number given by bv_sim_asset */
  int64_t ts, known_at;
  double open, high, low, close, volume;
  int64_t
      next_ts; /* start of the asset's next bar, INT64_MAX where there is none: for orders at a close.
                   ** 0: not known, then a bar that reaches the end of its day is the day's last */
  const struct bv_sim_quote *quote; /* the bid and the ask while it lasts; NULL: there are none */
} bv_sim_bar;

/* The bars of the bid and of the ask beside a bar: its instants and volume, their prices.  A side that is
** not quoted is the bar itself.  Where the asset has no bar of its own the quotes are alone: the bar has no
** prices, and neither has a side that is not quoted, which still stands where it was. */
typedef struct bv_sim_quote {
  bv_sim_bar bid, ask;
  bool has_bid, has_ask, alone;
} bv_sim_quote;

/* Whether the asset has no bar of its own. */
static inline bool bv_sim_bar_alone(const bv_sim_bar *bar) {
  return bar->quote && bar->quote->alone;
}

/* What a strategy row asks for; exactly one of the kinds. */
typedef enum bv_ask {
  BV_ASK_WEIGHT, /* position worth `amount` x account value */
  BV_ASK_VALUE,  /* position worth `amount` in currency */
  BV_ASK_TARGET, /* position of `amount` units */
  BV_ASK_QTY,    /* buy (> 0) or sell (< 0) `amount` units */
  BV_ASK_CANCEL, /* reports only: a cancel or replace that found no order */
  BV_ASK_COMBO,  /* reports only: an order that stands for several, its legs */
} bv_ask;

typedef enum bv_order_type {
  BV_TYPE_MARKET,
  BV_TYPE_LIMIT,
  BV_TYPE_STOP,
  BV_TYPE_STOP_LIMIT,
  BV_TYPE_TRAIL,       /* a stop that follows the price at a distance, never back */
  BV_TYPE_TRAIL_LIMIT, /* a stop limit order that does; the limit keeps its distance to the stop */
  BV_TYPE_MIT,         /* market if touched: the stop price is reached from the other side */
  BV_TYPE_LIT,         /* limit if touched */
  /* Market and limit orders with tif opg or cls, by the names they have elsewhere. */
  BV_TYPE_MARKET_ON_OPEN,
  BV_TYPE_MARKET_ON_CLOSE,
  BV_TYPE_LIMIT_ON_OPEN,
  BV_TYPE_LIMIT_ON_CLOSE
} bv_order_type;

typedef enum bv_tif {
  BV_TIF_GTC, /* until it fills or is cancelled */
  BV_TIF_DAY, /* the day of the first bar it can fill on, in the asset's zone */
  BV_TIF_GTD, /* bars that start before `until` */
  BV_TIF_IOC, /* at the open of the first bar or not at all; may be cut to the buying power */
  BV_TIF_FOK, /* the same, but whole or not at all */
  BV_TIF_OPG, /* at the open of a day's first bar or not at all (session.h) */
  BV_TIF_CLS  /* at the close of a day's last bar or not at all */
} bv_tif;

/* Fields left 0 are not given.  Prices must be positive numbers, the trail in the asset's price or in
** percent.  A request that makes no sense (a limit order without a limit, a stop on the wrong side) is
** an order that is rejected with a reason. */
typedef struct bv_sim_request {
  int asset;
  bv_ask ask;
  double amount;
  const char *tag; /* may be NULL; copied */
  bv_order_type type;
  bv_tif tif;
  int64_t until; /* BV_TIF_GTD */
  double limit,
      stop; /* stop of a trailing order: where it begins, 0 for the last close less trail */
  double trail, trail_percent;
  double take_profit, stop_loss; /* bracket: orders that close what this one opens */
  int reduce_only;               /* never adds to or turns a position */
  const char *oco;               /* orders of the asset with this name: one fills, the others end */
  const char *closes;            /* closes lots entered under this tag, and only reduces */
  const char *
      oto; /* one triggers the other: sleeps until the waiting order with this tag, of any asset, has filled */
  const char
      *combo;       /* requests of one instant with this name are the legs of one order (combo.h) */
  double net_limit; /* of the whole; where has_net_limit says so */
  int has_net_limit;
} bv_sim_request;

typedef enum bv_order_state {
  BV_ORDER_FILLED,
  BV_ORDER_CANCELLED,
  BV_ORDER_REJECTED,
  BV_ORDER_EXPIRED
} bv_order_state;

/* A finished order.  Every submitted request that is not already satisfied becomes one order (or,
** for profiles that close first, a close and an entry), and every order is reported exactly once.
*/
typedef struct bv_sim_order {
  int64_t id; /* 1, 2, ... in order of submission */
  int64_t ts; /* decided at */
  int64_t done_ts;
  int asset;
  bv_ask ask;
  double amount;    /* as asked */
  double qty;       /* units ordered, signed; 0 where sizing gave nothing */
  double filled;    /* units filled, signed */
  double avg_price; /* of the filled units; NaN where none */
  bv_order_state state;
  bv_order_type type;
  bv_tif tif;
  double limit, stop;          /* NaN: none; the stop of a trailing order is where it got to */
  double trail, trail_percent; /* NaN: none */
  int64_t parent;     /* the entry whose bracket this is, or the whole whose leg; 0: none */
  const char *reason; /* static text: "", "insufficient funds", "cut to buying power", ... */
  const char *tag;    /* NULL if none was given; lives until bv_sim_tags_drop */
} bv_sim_order;

typedef struct bv_sim_fill {
  int64_t id;    /* 1, 2, ... in order of execution */
  int64_t order; /* bv_sim_order.id */
  int64_t ts;    /* when */
  int asset;
  double qty;        /* signed */
  double price;      /* after slippage */
  double commission; /* >= 0 unless rebated */
  double slippage;   /* cost of slippage in currency, >= 0 */
  double pnl;        /* realised by this fill: price differences, before all commissions */
  double position;   /* units held after it */
  double cash;       /* cash after it */
  int ambiguous;     /* 1: it hangs on a guess about the order of events inside a bar (bracket.h) */
} bv_sim_fill;

/* A closed piece of a position, first in first out; or, at the end, an open one marked at the last
** price (open = 1, exit_fill = 0).  pnl is net: price difference less the commissions of both sides
** that fall on these units. */
typedef struct bv_sim_lot {
  int64_t id;
  int asset;
  double qty; /* signed */
  int64_t entry_ts, exit_ts;
  int64_t entry_fill, exit_fill;
  double entry_price, exit_price;
  double commission;
  double pnl;
  double ret;      /* pnl / (|qty| entry_price multiplier) */
  int64_t bars;    /* base bars of the asset from entry to exit: 0 when both are on one bar */
  double mae, mfe; /* worst and best open pnl over the lot's life, gross, currency; <= 0 and >= 0 */
  int open;
  const char *tag; /* of the entry order */
} bv_sim_lot;

/* The account has come to stand otherwise against what its positions require, or orders followed. */
typedef struct bv_sim_margin {
  int64_t id, ts;
  const char *event; /* "warning", "call", "restored" */
  double value, required;
  int orders; /* that were made or enlarged */
} bv_sim_margin;

/* A risk rule that has fired. */
typedef struct bv_sim_firing {
  int64_t ts;
  int asset;        /* -1: the account */
  const char *rule; /* static texts */
  const char *action;
  int number; /* of the rule in the configuration, from 1 */
  double value,
      limit;     /* what was seen, and the bound: prices, counts, or percent; NaN: not known */
  int64_t order; /* the order that was made or cut; 0: none */
} bv_sim_firing;
/* Money that came or went without a fill. */
typedef struct bv_sim_flow {
  int64_t id; /* 1, 2, ... */
  int64_t ts;
  int asset;        /* -1: the account */
  const char *kind; /* static text: "dividend" */
  double qty;       /* units held, signed; 0 where it is not about units */
  double amount;    /* in the account's currency; below 0 it was paid */
  double cash;      /* cash after it */
} bv_sim_flow;

/* An order with a stop and a limit has become a limit order, and waits on. */
typedef struct bv_sim_trigger {
  int64_t order, ts; /* start of the bar that reached the stop */
  double stop;
} bv_sim_trigger;

/* Where results go.  A function left NULL is not called; an error it returns ends the run. */
typedef struct bv_sim_sink {
  void *ctx;
  bv_rc (*order)(void *ctx, const bv_sim_order *o, bv_err *err);
  bv_rc (*fill)(void *ctx, const bv_sim_fill *f, bv_err *err);
  bv_rc (*lot)(void *ctx, const bv_sim_lot *l, bv_err *err);
  bv_rc (*trigger)(void *ctx, const bv_sim_trigger *t, bv_err *err);
  bv_rc (*flow)(void *ctx, const bv_sim_flow *f, bv_err *err);
  bv_rc (*risk)(void *ctx, const bv_sim_firing *f, bv_err *err);
  bv_rc (*margin)(void *ctx, const bv_sim_margin *m, bv_err *err);
} bv_sim_sink;

/* A simulator for the configuration (copied).  BV_ARG: a knob or a pair of knobs that cannot be. */
BV_MUST bv_rc bv_sim_new(const bv_sim_config *cfg, const bv_sim_sink *sink, bv_sim **out,
                         bv_err *err);
void bv_sim_free(bv_sim *s);

/* Risk rules (checked, borrowed for the simulator's life), before the first asset; days are those of
** `zone`, NULL for UTC.  Members of groups may be added until their asset is. */
BV_MUST bv_rc bv_sim_rules(bv_sim *s, const bv_ruleset *rules, const bv_zone *zone, bv_err *err);

/* The value that a context rule (its place in the list) looks at from now on. */
void bv_sim_context(bv_sim *s, int rule, double value);

/* Make an asset known; the same key gives the same number.  Numbers are 0, 1, 2 ...  BV_ARG: an
** empty key, or a multiplier that is not a positive number or differs from the first one given. */
BV_MUST bv_rc bv_sim_asset(bv_sim *s, const char *key, double multiplier, int *asset, bv_err *err);
/* The zone whose midnights end day orders; UTC unless given. */
void bv_sim_asset_zone(bv_sim *s, int asset, const bv_zone *zone);
const bv_zone *bv_sim_zone(const bv_sim *s, int asset); /* NULL: UTC */
/* The days that settlement counts, in that zone; weekdays unless given.  Borrowed for the simulator's life. */
void bv_sim_asset_calendar(bv_sim *s, int asset, const bv_calendar *calendar);
const char *bv_sim_asset_key(const bv_sim *s, int asset);
int bv_sim_asset_number(const bv_sim *s, const char *key); /* -1: not known */
double bv_sim_multiplier(const bv_sim *s, int asset);

/* Say what an asset is, before it is traded; it was a stock until then.  BV_ARG: a definition that cannot be. */
BV_MUST bv_rc bv_sim_define(bv_sim *s, int asset, const bv_instrument *def, bv_err *err);

/* What a split of the underlying makes of an option's terms (action.h): for one that took place before the option was
** defined. */
void bv_sim_adjust(bv_instrument *option, double ratio);

/* What the position adds to the account's cash to make its value. */
double bv_sim_position_value(const bv_sim *s, int asset);

/* A corporate action: `value` new units for each old one, or currency for each unit held. */
typedef enum bv_action_kind { BV_ACTION_SPLIT, BV_ACTION_DIVIDEND } bv_action_kind;
typedef struct bv_sim_action {
  int asset;
  bv_action_kind kind;
  double value;
} bv_sim_action;

/* An action takes place at t: before bv_sim_open of the first bars it shows in, after what was decided
** by t.  action.h says what it does.  BV_ARG: an unknown asset, or a value that is not a positive number. */
BV_MUST bv_rc bv_sim_act(bv_sim *s, int64_t t, const bv_sim_action *action, bv_err *err);

/* Bars that start at `ts`, complete: only `asset`, `ts` and `open` decide fills, but slippage.clamp
** reads the range and margin `available` the close.  An order waits on while its asset has no bar
** here or the open is NaN.  Orders whose time has run out expire first.   With fill_at signal_close it fills here too, at the close its decision
** saw and stamped with that time. */
BV_MUST bv_rc bv_sim_open(bv_sim *s, int64_t ts, const bv_sim_bar *bar, int n, bv_err *err);

/* Bars that end at `t`: fills of resting orders inside them, then marks, bar counts and excursions.
** A NaN close keeps the last mark. */
BV_MUST bv_rc bv_sim_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err);

/* Most bars of a portfolio change nothing but a last price.  The assets whose bars must be given to
** bv_sim_open, or with `closing` to bv_sim_close: those that are held or have waiting orders; -1 where it
** must be all.  Of the others bv_sim_skip tells, before a request for the asset and before its getters
** are asked: `count` bars have ended, the last of them at `known_at`; the last that was the asset's own began at `ts` (INT64_MIN: none
** was); and the last close that is not NaN (else NaN). */
int bv_sim_busy(bv_sim *s, bool closing, const int **asset);
/* Whether this asset's must be given now. */
bool bv_sim_follows(const bv_sim *s, int asset);
void bv_sim_skip(bv_sim *s, int asset, int64_t ts, double close, int64_t count, int64_t known_at);

/* Where no order waits and nobody looks at prices, time passes without a decision: then a run of instants can be
** handed over at once, to the same bits (calm.c).  False where it cannot be.  *held: the assets with a position,
** in the order of their keys; the instants must be before *until. */
bool bv_sim_calm(const bv_sim *s, const int **held, int *n, int64_t *until);

/* The account's values at n instants at which bars of all assets held end: close[i] are those of held[i], NULL
** where its price stays.  Returns of how many of the instants that is all: before one with a close that is NaN,
** or a value that ends the account. */
int64_t bv_sim_calm_values(const bv_sim *s, const double *const *close, int64_t n, double *value);

/* That these instants have passed, for one asset: n bars, the last of them in full; start and open are those of the
** last that was the asset's own (INT64_MIN: none was). */
typedef struct bv_sim_calm_bars {
  const bv_sim_bar *last;
  int64_t n;
  const double *high, *low;
} bv_sim_calm_bars;
void bv_sim_calm_pass(bv_sim *s, const bv_sim_calm_bars *bars);

/* After bv_sim_skip: the quotes beside the last bar that was skipped. */
void bv_sim_quoted(bv_sim *s, int asset, const bv_sim_quote *quote);

/* The last bar that ended before an asset came in: its close is the last price. */
void bv_sim_before(bv_sim *s, const bv_sim_bar *bar);

/* Whether the volume of bars decides anything; where not it may be NaN. */
bool bv_sim_reads_volume(const bv_sim *s);

/* Bars of the asset inside [from, to), in order of time, for knob same_bar finer; *n 0 where there are none.  They are
** borrowed until the next call. */
typedef bv_rc (*bv_sim_finer_fn)(void *ctx, int asset, int64_t from, int64_t to,
                                 const bv_sim_bar **bar, int *n, bv_err *err);
void bv_sim_finer(bv_sim *s, bv_sim_finer_fn read, void *ctx);

/* Whether an order waits for the close of a day, so that bv_sim_bar.next_ts matters at closes. */
bool bv_sim_awaits_close(const bv_sim *s);

/* Bad requests (unknown asset, NaN or infinite amount) are BV_ARG and change nothing, and so does
** BV_NOMEM.  A target (weight, value, units) replaces the asset's targets that still wait. */
BV_MUST bv_rc bv_sim_submit(bv_sim *s, int64_t t, const bv_sim_request *req, bv_err *err);

/* What rates are of.  Funding is per boundary, the others are yearly. */
typedef enum bv_rate {
  BV_RATE_BORROW,
  BV_RATE_FUNDING,
  BV_RATE_ROLLOVER,
  BV_RATE_MARGIN,
  BV_RATE_CASH,
  BV_RATES
} bv_rate;

/* From t on a rate is this one; what fell due before t is charged at the one before.  asset -1: of all assets that
** have none of their own, and of the account for BV_RATE_MARGIN and BV_RATE_CASH.  Times do not go
** back. */
BV_MUST bv_rc bv_sim_rate(bv_sim *s, int64_t t, int asset, bv_rate kind, double rate, bv_err *err);
/* Requests decided together, as knobs targets.* want it; the same as one after the other where these
** ask for nothing (bv_sim_plain_targets). */
BV_MUST bv_rc bv_sim_submit_step(bv_sim *s, int64_t t, const bv_sim_request *req, int n,
                                 bv_err *err);
bool bv_sim_plain_targets(const bv_sim *s);

/* Tags are copied once each.  Where there are many, those that no order and no lot has any more can be dropped,
** after the caller has kept those it has of what was reported to it. */
bool bv_sim_tags_many(const bv_sim *s);
void bv_sim_tags_keep(bv_sim *s, const char *tag);
void bv_sim_tags_drop(bv_sim *s);

/* Cancel the asset's waiting orders with this tag, brackets included; "*": all of them.  Where no order
** has the tag a rejected order of kind BV_ASK_CANCEL says so. */
BV_MUST bv_rc bv_sim_cancel(bv_sim *s, int64_t t, int asset, const char *tag, bv_err *err);

/* Give the asset's waiting orders with this tag ("*": all) the prices, trail and quantity (ask BV_ASK_QTY)
** that `req` names; take_profit and stop_loss go to the bracket.  Each is cancelled ("replaced") and goes
** on under a new number; one that the change would make senseless stays as it is, and a rejected order
** says why. */
BV_MUST bv_rc bv_sim_replace(bv_sim *s, int64_t t, const bv_sim_request *req, const char *tag,
                             bv_err *err);

/* An order that waits. */
typedef struct bv_sim_waiting {
  bv_sim_order order; /* state and done_ts have no meaning; qty and filled as far as known */
  int64_t until;      /* INT64_MAX: no end */
  const char *oco;
  const char *combo; /* NULL: it is no part of one */
  bool dormant;      /* a bracket whose entry has not filled */
  bool triggered;    /* a limit order now */
  bool reduce_only;
} bv_sim_waiting;

/* The orders that wait, by their place in the queue: false past the last. */
bool bv_sim_waiting_at(const bv_sim *s, size_t i, bv_sim_waiting *out);

/* The end: waiting orders expire, open positions are closed or marked as the profile says, open
** lots are reported.  No call but the getters and free is allowed afterwards. */
BV_MUST bv_rc bv_sim_finish(bv_sim *s, int64_t t, bv_err *err);

double bv_sim_cash(const bv_sim *s);
double bv_sim_value(const bv_sim *s);          /* cash + marked positions */
double bv_sim_slippage(const bv_sim *s);       /* what it has cost so far */
double bv_sim_financing(const bv_sim *s);      /* fees and interest paid less received */
double bv_sim_commission(const bv_sim *s);     /* total so far */
bool bv_sim_exposed(bv_sim *s);                /* a position was open since the last call (or is) */
double bv_sim_qty(const bv_sim *s, int asset); /* 0 for an unknown asset number */
double bv_sim_avg_price(const bv_sim *s, int asset);  /* of the open position; NaN when flat */
double bv_sim_price(const bv_sim *s, int asset);      /* last mark; NaN before the first bar */
int64_t bv_sim_bars_held(const bv_sim *s, int asset); /* bars ended since the position was opened */
int bv_sim_asset_count(const bv_sim *s);

#endif
