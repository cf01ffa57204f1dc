/*
** ledger.h - cash, positions as lots, marks, and the lots' results.
**
** Quantities are counted in multiples of the configured lot and kept as doubles that hold integers,
** so sums of quantities are exact: `n` is such a count, and qty = n * lot.  `unit` is the money one
** lot is worth per point of price (lot * multiplier).
*/
#ifndef BV_SIM_LEDGER_H
#define BV_SIM_LEDGER_H

#include "base/alloc.h"
#include "sim/liquidity.h"
#include "sim/sim.h"
#include "sim/step.h"

/* An open lot. */
typedef struct bv_lot {
  double n; /* what is left of it, signed */
  double price;
  double commission; /* of the entry, on what is left */
  double banked;     /* foreign assets: cash it has brought, without commission */
  double hi, lo;     /* extreme prices since the entry */
  int64_t ts, fill, order;
  int64_t bar; /* number of the asset's bar it was opened on */
  const char *tag;
} bv_lot;

/* What an account is valued with comes first: it is read for every position at every fill. */
typedef struct bv_asset {
  double n; /* position */
  double unit;
  double mark;           /* last close; NaN before the first */
  const bv_sim_bar *bar; /* of the bv_sim_open call under way, else NULL */
  /* What a unit is worth beyond is in the value, up to it is in the cash; 0 but for futures. */
  double basis;
  double exposure; /* of a lot, where it is fixed (margin per contract); else 0 */
  char *key;
  double multiplier;  /* it and unit: in the account's currency */
  double maintain;    /* maintenance margin of a lot, where it is fixed; else 0 */
  double step;        /* orders are multiples of so many lots */
  double contract;    /* multiplier in the asset's own currency */
  bv_instrument *def; /* NULL: a stock, and nothing else is known */
  bool daily;         /* a future: marked to market */
  bool foreign;       /* follows an exchange rate */
  bool is_fx;         /* is one */
  bool expired;
  int64_t bars;   /* bars ended */
  int64_t opened; /* value of `bars` when the position left zero */
  double last_open;
  double bid, ask; /* at the last close, that close where one is missing; NaN: not quoted */
  int64_t last_ts, last_known;
  bv_lot *lot; /* open ones are [head, head + nlot) */
  size_t head, nlot, cap;
  size_t nwait;      /* waiting orders */
  bv_ask target_ask; /* last target asked for; target is NaN where there is none */
  double target;
  double taken;      /* lots filled of bar `taken_bar`, where volume limits them (volume.h) */
  int64_t taken_bar; /* its number plus 1 */
  double thought;    /* lots after the orders of instant `thought_round` (precheck.h) */
  int64_t thought_round;
  const bv_zone *zone;         /* NULL: UTC */
  const bv_calendar *calendar; /* NULL: weekdays */
  bv_liquidity *liquidity;     /* NULL where the slippage model needs none */
  int64_t listed;              /* the last bv_sim_busy that listed it */
} bv_asset;

/* Which prices an account is valued at while a bv_sim_open call is under way. */
typedef enum bv_value_at { BV_VALUE_MARK, BV_VALUE_OPEN, BV_VALUE_CLOSE } bv_value_at;

typedef struct bv_ledger {
  const bv_sim_sink *sink;
  double lot, per_unit; /* per_unit: lots that make one, 0 where that is no whole number */
  bool both;            /* an asset can have lots of both sides */
  bv_lots lots;
  bv_mark_at mark_at;
  double profit_step; /* of money; 0: profits are what they are */
  double leverage;    /* turns margins into exposure */
  int nfx;            /* assets that are exchange rates */
  int ndaily;         /* futures */
  double start, cash, commission;
  double realised;            /* sum of the pnl of closed lots */
  double forgiven;            /* debt of a ruined account */
  double flows;               /* sum of the cash that came or went without a fill */
  double slippage, financing; /* what they have cost so far */
  bv_asset *asset;
  int nasset, cap;
  int *open; /* assets with a position, in the order of their keys */
  int nopen;
  int *busy; /* room for all assets: bv_sim_busy */
  int64_t next_fill, next_lot, next_flow, listing;
  bool touched; /* a fill since bv_sim_exposed last asked */
} bv_ledger;

/* Which lots a fill closes first: those entered under a tag (one of the simulator's copies), or by an
** order, or of one side.  Among them, and where nothing is given, knob lots decides. */
typedef struct bv_pick {
  const char *tag;
  int64_t order;
  int side; /* of the lots */
} bv_pick;

/* One execution, ready to be booked. */
typedef struct bv_exec {
  int asset;
  double n, price, commission, slippage;
  int64_t ts, bar, order;
  int ambiguous;
  bool closes; /* with both sides open: a fill that closes lots; another one opens one */
  bv_pick pick;
  const char *tag;
} bv_exec;

void bv_ledger_init(bv_ledger *l, const bv_sim_sink *sink, double cash, double lot);

/* The quantity that n lots are. */
static inline double bv_ledger_qty(const bv_ledger *l, double n) {
  return bv_step_times(n, l->lot, l->per_unit);
}

void bv_ledger_reset(bv_ledger *l);

/* Append an asset, numbered nasset - 1. */
BV_MUST bv_rc bv_ledger_add(bv_ledger *l, const char *key, double multiplier);

/* Value the asset anew: its exchange rate or its definition has changed. */
void bv_ledger_convert(bv_ledger *l, bv_asset *a);

/* Exposure of `n` lots at a price. */
double bv_ledger_exposure(const bv_asset *a, double n, double price);

/* Make room so that the asset can open `more` lots without an allocation. */
BV_MUST bv_rc bv_ledger_reserve(bv_asset *a, size_t more);

/* A bar ended: mark, count, extremes.  NaN prices leave what they would have changed. */
void bv_ledger_mark(bv_ledger *l, const bv_sim_bar *bar);

/* `count` bars of an asset that nobody holds or waits for have ended, the last price at `close`. */
void bv_ledger_skip(bv_ledger *l, int asset, double close, int64_t count, int64_t known_at);

/* The quotes beside the asset's last bar, which knob mark may value it at. */
void bv_ledger_quote(bv_ledger *l, bv_asset *a, const bv_sim_quote *q);

/* After the marks of an instant: futures pay or receive the change of their price, in the order of the keys. */
void bv_ledger_mark_to_market(bv_ledger *l);

/* Book a fill: opposite lots are closed as knob lots says, what remains opens one lot (room
** must be reserved).  Reports the fill, then each closed lot. */
BV_MUST bv_rc bv_ledger_book(bv_ledger *l, const bv_exec *x, bv_err *err);

/* The lot a fill closes next, and the lots picked, signed: all of the position where none are. */
const bv_lot *bv_ledger_next(const bv_ledger *l, const bv_asset *a, bv_pick pick);
double bv_ledger_picked(const bv_asset *a, bv_pick pick);

/* Lots held of a side (+1 long, -1 short), not signed. */
double bv_ledger_side(const bv_ledger *l, const bv_asset *a, int sign);

/* The k-th lot in the sequence of closing. */
const bv_lot *bv_ledger_lot(const bv_ledger *l, const bv_asset *a, size_t k);

/* Price differences, in currency, that closing up to |n| lots at `price` realises. */
double bv_ledger_realised(const bv_ledger *l, const bv_asset *a, double n, double price,
                          bv_pick pick);

/* Entry values of all short positions. */
double bv_ledger_short_cost(const bv_ledger *l);

/* The price an asset is valued at. */
double bv_ledger_price(const bv_asset *a, bv_value_at at);

/* Account value, and the sum of the positions' absolute values. */
double bv_ledger_value(const bv_ledger *l, bv_value_at at);
double bv_ledger_gross(const bv_ledger *l, bv_value_at at);

/* Both in one pass, to the same bits. */
void bv_ledger_worth(const bv_ledger *l, bv_value_at at, double *value, double *gross);

/* Average price of the open lots; NaN when flat. */
double bv_ledger_average(const bv_asset *a);

/* Cash that comes (> 0) or goes without a fill; reported with its number and the cash after it. */
BV_MUST bv_rc bv_ledger_flow(bv_ledger *l, const bv_sim_flow *flow, bv_err *err);

/* Report the sale at `price` of a lot that is no whole one, and of no lot the asset has, where `after` lots are
** held then. */
BV_MUST bv_rc bv_ledger_sell_fraction(bv_ledger *l, int asset, const bv_lot *rest, double price,
                                      double after, int64_t order, int64_t ts, bv_err *err);

/* The asset has no lots any more. */
void bv_ledger_left(bv_ledger *l, int asset);

/* Let the account have no debt. */
void bv_ledger_forgive(bv_ledger *l);

/* Report the lots that are still open, marked at the last price, at the end of the run. */
BV_MUST bv_rc bv_ledger_report_open(bv_ledger *l, int64_t ts, bv_err *err);

/* How far the account's value is from start + pnl of closed lots + open pnl + cash flows + debt forgiven, relative to the money
** involved; infinite where lots, positions and the list of open positions disagree. */
double bv_ledger_error(const bv_ledger *l);

#endif
