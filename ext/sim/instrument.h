/*
** instrument.h - what is traded: its kind, steps, margins, currency, and what becomes of it when it expires.
**
**      kind      pays                      margin                   at expiry
**      stock     its price, in cash        of the account           -
**      future    each close, the change    per contract if given    settlement price, or delivery
**      option    its price                 of the account           intrinsic value, or delivery at the strike
**      crypto, forex  its price            of the account           -
**      index     cannot be traded
**
** A future's cash is marked to market: opening moves no cash but commission; at every close each contract pays
** or receives the change since the last (bv_asset.basis).
**
** An asset quoted in another currency follows an exchange rate, another asset of the simulator: its unit is
** worth multiplier x rate of the account's currency, from each mark of that asset on.
*/
#ifndef BV_SIM_INSTRUMENT_H
#define BV_SIM_INSTRUMENT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum bv_kind {
  BV_KIND_STOCK,
  BV_KIND_FUTURE,
  BV_KIND_OPTION,
  BV_KIND_CRYPTO,
  BV_KIND_FOREX,
  BV_KIND_INDEX
} bv_kind;
typedef enum bv_right { BV_RIGHT_NONE, BV_RIGHT_CALL, BV_RIGHT_PUT } bv_right;
typedef enum bv_delivery { BV_DELIVERY_CASH, BV_DELIVERY_PHYSICAL } bv_delivery;

/* Fields left 0 are not given, but for assets (-1: none). */
typedef struct bv_instrument {
  bv_kind kind;
  double tick;               /* prices of orders are rounded to it */
  double lot;                /* smallest quantity */
  double initial_margin;     /* currency per contract */
  double maintenance_margin; /* the same */
  int64_t expiry;            /* instant; INT64_MAX: none */
  double strike;
  double
      delivers; /* of an option: units of the underlying for each unit of its multiplier, after splits
                   ** that are no whole numbers; 0: one */
  bv_right right;
  bv_delivery delivery;
  double settlement_price; /* of a future, or of an option's underlying; 0: the last price */
  int underlying;          /* number of the asset; -1: none */
  int fx;                  /* the asset whose price is the exchange rate; -1: none */
  bool fx_inverse;         /* the rate is one over that price */
} bv_instrument;

#endif
