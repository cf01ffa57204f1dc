/*
** account.h - what kind of account it is: what it may borrow, what of its cash buys.
**
** The knobs account, borrow, allow_short, leverage and initial_margin together say:
**
**      borrows money     an opening must fit into value x leverage (funds.c)
**      does not          it is paid for, with its costs, from the cash that is free:
**                        cash - proceeds that have not settled - what short sales lock
**
** Proceeds of a sale settle `settlement_days` trading days after its day, by the calendar of the asset and in its
** zone.
*/
#ifndef BV_SIM_ACCOUNT_H
#define BV_SIM_ACCOUNT_H

#include "sim/ledger.h"

/* What the knobs come to. */
typedef struct bv_account_rules {
  bool paid;        /* no money is borrowed */
  bool short_sales; /* positions below zero */
  double long_maintenance, short_maintenance;
  bv_margin_call call; /* none, warn or liquidate */
  double leverage;     /* gross exposure per unit of account value, where money is borrowed */
  double lock; /* cash a short position keeps from being spent, as a multiple of its entry value */
} bv_account_rules;

bv_account_rules bv_account_rules_of(const bv_sim_config *c);

/* Contradictions among the knobs of the account: BV_ARG. */
BV_MUST bv_rc bv_account_check(const bv_sim_config *c, bv_err *err);

/* Proceeds on their way, by the instant they arrive.  Where there is no more room they arrive with the
** last ones, never earlier than they should. */
enum { BV_UNSETTLED_MAX = 64 };
typedef struct bv_settlement {
  int n;
  struct bv_unsettled {
    int64_t due;
    double amount;
  } item[BV_UNSETTLED_MAX];
} bv_settlement;

/* A sale at `ts` brought `amount`; what had arrived by then is forgotten. */
void bv_settlement_add(bv_settlement *s, int64_t ts, const bv_asset *a, int days, double amount);

/* What has not arrived by `ts`. */
double bv_settlement_left(const bv_settlement *s, int64_t ts);

#endif
