/*
** state.h - the simulator's insides, for the files of ext/sim and their tests.
*/
#ifndef BV_SIM_STATE_H
#define BV_SIM_STATE_H

#include "base/map.h"
#include "sim/account.h"
#include "sim/ledger.h"
#include "sim/order.h"
#include "sim/tags.h"

typedef struct bv_risk bv_risk;

typedef struct bv_finance bv_finance;
/* How the account stands against what its positions require (margin.h). */
typedef enum bv_margin_stage {
  BV_MARGIN_IN_ORDER,
  BV_MARGIN_WARNED,
  BV_MARGIN_CALLED
} bv_margin_stage;

struct bv_sim {
  bv_sim_config cfg;
  bv_sim_sink sink;
  bv_ledger ledger;
  bv_queue queue;
  bv_map by_key; /* key -> number + 1 */
  bv_tags tags;
  bv_account_rules account;
  bv_settlement settlement;
  struct bv_margin_state {
    bv_margin_stage stage;
    int64_t events;
  } margin;
  double traded; /* by the account, for commission tiers: in month traded_month, or in all */
  int64_t traded_month;
  bv_finance *finance; /* NULL: holding costs nothing */
  bool liquid;         /* the assets have bv_liquidity */
  bv_risk *risk;       /* NULL: no rules */
  double opening;      /* value before an instant's opens fill, where size_at says so; else NaN */
  bool plain_targets;
  struct {
    bool began;
    int64_t ts;
    double cash;
    int64_t round; /* counts instants */
  } precheck;      /* precheck.h */
  struct {
    bv_sim_finer_fn read; /* NULL: there are none */
    void *ctx;
  } finer; /* bars inside bars */
  const struct bv_leg
      *trial; /* legs that are thought of as filled while limits look at the next one */
  int ntrial;
  bool closing;        /* the bars under way have been marked and counted (session.h) */
  int64_t next_expiry; /* INT64_MAX: none */
  bool follows;        /* assets that are not traded matter: exchange rates, underlyings */
  bool finished, ruined;
};

/* The number of the asset's bar under way. */
static inline int64_t bv_bar_number(const bv_sim *s, const bv_asset *a) {
  return s->closing ? a->bars - 1 : a->bars;
}

#endif
