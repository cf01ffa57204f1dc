/*
** risk.h - risk rules at work: exits that guard a position, limits on the account and on what orders
** would make of it.
**
** The exit rules of a position that act at a price are one stop and one limit order, its guards: the
** nearest of the stops, the nearest of the targets.  They take their place in the queue when the position
** opens, close all of it (a scaled exit: a part), and meet bars by the code that brackets do, so gaps,
** same-bar policy and what is certain in the bar of the entry are the same.  d is +1 for a long
** position, avg its average price, best the highest price (short: lowest) of bars that have ended since
** the entry; of the entry's own bar only what is certain to come after it:
**
**      stop_loss        avg (1 - d p)                  take_profit   avg (1 + d p)
**      trailing_stop    best (1 - d p)                 scaled_exit   avg (1 + d r) for the next step
**      tightening_stop  best (1 - d p of the last step whose return best has reached)
**      volatility_stop  avg - d k ATR, ATR as of the entry; with trail: best - d k ATR, never further off
**
** Levels move when a bar has ended, and at a fill at a bar's open.  What is decided at a close (time_exit,
** reduce, liquidate) is a market order.
**
** Limits are tested where an order fills, on the account as it would be, and for what is held after
** each close.  Everything here may need memory: with rules, open and close can be BV_NOMEM.
*/
#ifndef BV_SIM_RISK_H
#define BV_SIM_RISK_H

#include "sim/funds.h"
#include "sim/rule.h"
#include "sim/state.h"

/* What is known of an asset: its position's life, and the range of its bars for each volatility stop. */
typedef struct bv_risk_asset {
  int side;           /* of the position the rest is about; 0: none */
  double best, close; /* best price, and best close, since the entry */
  int64_t entry;      /* order */
  int64_t entered;    /* number of the bar of the entry */
  bv_via via;
  int step;       /* of the scaled exit: done */
  uint64_t rules; /* those that apply: own ones go before general ones of their kind */
} bv_risk_asset;

/* A rule and an asset. */
typedef struct bv_risk_cell {
  double atr, before, sum; /* Wilder's, seeded with the mean of the first n */
  int64_t n;
  double at_entry, ratchet; /* NaN: none */
  const char *group;        /* of the asset, by a rule on groups; NULL: none */
  int lead;                 /* the first asset of that group */
  int64_t seen;             /* of that one: the last close at which the group was looked at */
  bool over;                /* has fired and goes on being true */
} bv_risk_cell;

/* A rule and the account. */
typedef struct bv_risk_limit {
  bool over;
  int64_t halted_until; /* INT64_MIN: it is not */
  double context;       /* NaN: not known yet */
  double *ret;          /* last returns, in a circle, and room to sort them */
  int64_t n;
} bv_risk_limit;

struct bv_risk {
  const bv_ruleset *rules;
  const bv_zone *zone;
  bv_risk_asset *asset;
  bv_risk_cell *cell; /* of rule r and asset a at a x rules + r */
  int nasset, cap;
  bv_risk_limit *limit;
  double peak, value; /* value: at the close before */
  double day_start;   /* value at the end of the day before */
  int64_t day_end;
  bool exits, limits;
};

/* Rules and zone are borrowed for the simulator's life. */
BV_MUST bv_rc bv_risk_new(bv_sim *s, const bv_ruleset *rules, const bv_zone *zone, bv_err *err);
void bv_risk_free(bv_sim *s);
BV_MUST bv_rc bv_risk_reserve_asset(bv_sim *s, int asset);
void bv_risk_add_asset(bv_sim *s, int asset);

/* Room for the guards that the fills of one call can need. */
BV_MUST bv_rc bv_risk_reserve(bv_sim *s, bv_err *err);

/* After a fill of `o`. */
BV_MUST bv_rc bv_risk_filled(bv_sim *s, bv_order *o, const bv_place *at, bv_err *err);

/* Cut the opening part of a plan to what the limits allow (risk_limit.c). */
BV_MUST bv_rc bv_risk_cut(bv_sim *s, const bv_order *o, const bv_place *at, bv_plan *p,
                          bv_err *err);

/* After the marks of a close: exits that are decided there, levels, then the limits. */
BV_MUST bv_rc bv_risk_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err);
BV_MUST bv_rc bv_risk_limits(bv_sim *s, int64_t t, bv_err *err);

/* Units of the asset came or went by an order that nobody gave, after the bars that end at t. */
BV_MUST bv_rc bv_risk_delivered(bv_sim *s, int asset, int64_t order, int64_t t, bv_err *err);

/* The asset was split: `ratio` new units for an old one, what is held is so already. */
void bv_risk_split(bv_sim *s, int asset, double ratio);

/* Report that a rule has fired. */
BV_MUST bv_rc bv_risk_fire(bv_sim *s, int rule, int64_t ts, int asset, double value, double limit,
                           int64_t order, bv_err *err);

/* A market order decided at t that takes a share of a position off, rounded up to lots: all from 1 on.  Where both
** sides are open one for each, or of `side` alone (0: either).  *order is the number of the last; 0 where there is
** none, or one is on its way already, which is enlarged where that takes less. */
BV_MUST bv_rc bv_risk_leave(bv_sim *s, int64_t t, int asset, int rule, int side, double share,
                            int64_t *order, bv_err *err);

/* The nearest stop of the rules for a position of side d at an average price; NaN where there is none.
** *rule is the one it comes from. */
double bv_risk_stop(const bv_sim *s, int asset, int d, double avg, int *rule);

#endif
