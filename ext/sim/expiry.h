/*
** expiry.h - what instruments do to orders and positions: refusals, rounding, and the end of futures and options.
**
** At the first instant from the expiry on, after the marks of bars that end there and before fills, in the
** order of (expiry, key): waiting orders are cancelled, and a position is closed by an order and a fill
** without commission:
**
**      future, cash        at settlement_price, else the last price
**      option, worthless   at 0
**      option, cash        at the intrinsic value against the underlying's settlement or last price
**      physical            future at its settlement price, option at 0; and the underlying is bought or
**                          sold, multiplier units for a contract, at the settlement price or the strike
**
** Delivery that the account cannot take (no underlying in the run, no cash, no units to sell) is settled in cash.
*/
#ifndef BV_SIM_EXPIRY_H
#define BV_SIM_EXPIRY_H

#include "sim/state.h"

/* Keep the definition of an asset; bv_sim_define (sim.h) states the errors. */
BV_MUST bv_rc bv_expiry_define(bv_sim *s, int asset, const bv_instrument *def, bv_err *err);

/* Why an order for the asset cannot be taken at t, or NULL. */
const char *bv_expiry_refuses(const bv_sim *s, const bv_asset *a, int64_t t);

/* The request with its prices on the asset's ticks. */
bv_sim_request bv_expiry_on_tick(const bv_asset *a, const bv_sim_request *r);

/* Settle what has expired by t.  BV_NOMEM: no room for an underlying's lot. */
BV_MUST bv_rc bv_expiry_run(bv_sim *s, int64_t t, bv_err *err);

#endif
