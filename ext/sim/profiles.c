/* profiles.c - the profile table: named sets of knobs; see profile.h. */
#include "sim/profile.h"

#include "base/text.h"

/* What numbers of slippage.* and financing.* are where a profile says nothing. */
#define COST_DEFAULTS(year)                                                                        \
  .slippage_volume_limit = 0.025, .slippage_window = 20, .slippage_days = 1, .slippage_open = 1,   \
  .slippage_match = 1, .financing_year = year, .funding_hours = 8

static const bv_sim_profile profiles[] = {
    {"default",
     "Next open, sized at the decision, whole units, one net order per target, exits before "
     "entries.",
     {.cash = 100000,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(360),
      .slippage_clamp = 1,
      .leverage = 1,
      .allow_short = 1}},
    {"backtesting.py",
     "The rules of backtesting.py 0.6: sized at the fill from the free margin, positions closed "
     "before a new entry, commission at entry and at exit.",
     {.cash = 10000,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .commission_by = BV_COMM_BY_POSITION,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(360),
      .fill_per = BV_FILL_PER_LOT,
      .size_at = BV_SIZE_FILL,
      .rebalance = BV_REBALANCE_ON_CHANGE,
      .flip = BV_FLIP_CLOSE_FIRST,
      .priority = BV_PRIORITY_QUEUE,
      .margin = BV_MARGIN_AVAILABLE,
      .rules = BV_RULES_BACKTESTING,
      .wrong_side = BV_WRONG_ALLOW,
      .ruin = BV_RUIN_STOP,
      .leverage = 1,
      .allow_short = 1}},
    {"backtrader",
     "The rules of backtrader 1.9: orders by number on the whole bar, brackets from the bar after "
     "their "
     "entry, trailing stops that follow the close, no limit on buying power.",
     {.cash = 10000,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(365),
      .borrow_on = BV_BORROW_ENTRY,
      .slippage_clamp = 1,
      .priority = BV_PRIORITY_QUEUE,
      .funds = BV_FUNDS_ALLOW,
      .rules = BV_RULES_BACKTRADER,
      .submit_check = BV_SUBMIT_CASH,
      .volume_by = BV_VOLUME_BY_ORDER,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
};

#define NPROFILE ((int)(sizeof profiles / sizeof profiles[0]))

const bv_sim_profile *bv_sim_profiles(int *n) {
  *n = NPROFILE;
  return profiles;
}

const bv_sim_profile *bv_sim_profile_find(const char *name) {
  for (int i = 0; name && i < NPROFILE; i++) {
    if (bv_text_ieq(name, profiles[i].name)) return &profiles[i];
  }
  return NULL;
}
