/*
** contracts.h - what the store says of a run's assets, as the simulator takes it.
**
** An option brings its underlying into the run, an asset in another currency than the account's the exchange
** rate: for EUR in an account of USD the stored asset EURUSD (EUR/USD, EUR-USD), else one over USDEUR. Their
** bars are followed, but make no steps of their own unless the strategy trades them too.
*/
#ifndef BV_RUN_CONTRACTS_H
#define BV_RUN_CONTRACTS_H

#include "run/run.h"

/* Tell the simulator what the asset of a series is; `from`: when the run lets it take part. */
BV_MUST bv_rc bv_contract_define(bv_run *r, const bv_series *series, int number, int64_t from,
                                 bv_err *err);

#endif
