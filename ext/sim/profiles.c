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
      .quotes = BV_QUOTES_IGNORE,
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
     "entry, trailing stops that follow the close, cash looked at when an order is placed and when "
     "it fills.",
     {.cash = 10000,
      .quotes = BV_QUOTES_IGNORE,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(365),
      .borrow_on = BV_BORROW_ENTRY,
      .slippage_clamp = 1,
      .priority = BV_PRIORITY_QUEUE,
      .funds = BV_FUNDS_ALLOW,
      .rules = BV_RULES_BACKTRADER,
      .submit_check = BV_CHECK_CASH,
      .fill_check = BV_CHECK_CASH,
      .volume_by = BV_VOLUME_BY_ORDER,
      .lots = BV_LOTS_AVERAGE,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
    {"lean",
     "The rules of LEAN for US equities on daily bars: orders by number at the next open, a "
     "quarter "
     "percent of the account left alone, limits that must be passed, Interactive Brokers' fees.",
     {.cash = 100000,
      .commission_model = BV_COMM_PER_SHARE,
      .commission_rate = 0.005,
      .commission_minimum = 1,
      .commission_cap = 0.005,
      .slippage_model = BV_SLIP_NONE,
      COST_DEFAULTS(360),
      .targets_reserve = 0.0025,
      .priority = BV_PRIORITY_QUEUE,
      .limit_fill = BV_THROUGH,
      .stop_limit = BV_STOP_LIMIT_CLOSE,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 2,
      .allow_short = 1}},
    {"zipline",
     "The rules of zipline-reloaded 3: every order meets the close of the next bar, 5 basis points "
     "and at most a tenth of its volume, a tenth of a cent a share, no limit on buying power.",
     {.cash = 10000000,
      .quotes = BV_QUOTES_IGNORE,
      .commission_model = BV_COMM_PER_SHARE,
      .commission_rate = 0.001,
      .commission_cap_minimum = 1,
      .commission_per = BV_COMM_PER_ORDER,
      .slippage_model = BV_SLIP_BASIS_POINTS,
      .slippage_bps = 5,
      .slippage_limit = BV_SLIP_WAIT,
      COST_DEFAULTS(360),
      .fill_at = BV_FILL_NEXT_CLOSE,
      .priority = BV_PRIORITY_QUEUE,
      .funds = BV_FUNDS_ALLOW,
      .bracket_from = BV_BRACKET_NEXT,
      .volume_model = BV_VOLUME_SHARE,
      .volume_share = 0.1,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
    {"vectorbt",
     "The rules of vectorbt 1: orders fill at the close they were decided at, fractions of units, "
     "cash alone pays, and what shorts bring and as much again is locked.",
     {.cash = 100,
      .quotes = BV_QUOTES_IGNORE,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(360),
      .fill_at = BV_FILL_SIGNAL_CLOSE,
      .units = BV_UNITS_FRACTIONAL,
      .funds = BV_FUNDS_SHRINK,
      .account = BV_ACCOUNT_CRYPTO,
      .borrow = BV_BORROW_UNITS,
      .short_cash = BV_SHORT_LOCK_NOTIONAL,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
    {"ml4t",
     "The rules of ml4t.backtest: next open, exits first, a cash account, limit orders at their "
     "limit even where the open is better, brackets from the bar after their entry.",
     {.cash = 100000,
      .quotes = BV_QUOTES_IGNORE,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_PERCENTAGE,
      COST_DEFAULTS(360),
      .funds = BV_FUNDS_REJECT,
      .limit_price = BV_LIMIT_EXACT,
      .bracket_from = BV_BRACKET_NEXT,
      .targets_missing = BV_MISSING_SKIP,
      .account = BV_ACCOUNT_CASH,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1}},
    {"lumibot",
     "The rules of Lumibot 4's backtests on minutes: next open, no slippage, no limit on buying "
     "power, brackets from the bar after their entry, where the target goes before the stop.",
     {.cash = 100000,
      .quotes = BV_QUOTES_IGNORE,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .slippage_model = BV_SLIP_NONE,
      COST_DEFAULTS(360),
      .priority = BV_PRIORITY_QUEUE,
      .funds = BV_FUNDS_ALLOW,
      .stop_limit = BV_STOP_LIMIT_BAR,
      .bracket_from = BV_BRACKET_NEXT,
      .same_bar = BV_SAME_LIMIT_FIRST,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
    {"nautilus",
     "The rules of nautilus_trader 1 on bars of bid and ask: market orders at the close they were "
     "decided at, limits at their limit even where the open is better, a bar goes open, high, low, "
     "close, money in whole cents.",
     {.cash = 1000000,
      .quotes = BV_QUOTES_USE,
      .mark_at = BV_MARKS_EXIT,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_cap_minimum = 1,
      .commission_round = 0.01,
      .slippage_model = BV_SLIP_NONE,
      COST_DEFAULTS(365),
      .rollover_triple = BV_TRIPLE_WEDNESDAY_FRIDAY,
      .rollover_on = BV_ROLLOVER_QUANTITY,
      .rollover_days = BV_NIGHTS_UTC,
      .financing_price = BV_CHARGED_AT_MID,
      .financing_round = 0.01,
      .lots = BV_LOTS_AVERAGE,
      .profit_round = 0.01,
      .fill_at = BV_FILL_SIGNAL_CLOSE,
      .priority = BV_PRIORITY_QUEUE,
      .limit_price = BV_LIMIT_EXACT,
      .same_bar = BV_SAME_OHLC,
      .leverage = 10,
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
