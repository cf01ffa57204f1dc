/*
** profile.h - how fills, sizes and costs work, as data.
**
** A configuration is a struct of knobs.  A profile is a named set of them: one row of the table in
** profiles.c.  Users name a profile and override single knobs, by the dotted names in
** bv_sim_knobs() ("commission.rate", "units"), which is also what the JSON configuration uses.
*/
#ifndef BV_SIM_PROFILE_H
#define BV_SIM_PROFILE_H

#include "base/status.h"

typedef enum bv_commission_model {
  BV_COMM_NONE,
  BV_COMM_PERCENTAGE,
  BV_COMM_PER_SHARE,
  BV_COMM_PER_TRADE,
  BV_COMM_PER_CONTRACT,
  BV_COMM_TIERED,
  BV_COMM_MAKER_TAKER,
  BV_COMM_COMBINED
} bv_commission_model;
typedef enum bv_commission_by { BV_COMM_BY_ORDER, BV_COMM_BY_POSITION } bv_commission_by;
typedef enum bv_commission_per { BV_COMM_PER_FILL, BV_COMM_PER_ORDER } bv_commission_per;
typedef enum bv_tier_by { BV_TIER_QUANTITY, BV_TIER_VALUE, BV_TIER_PRICE } bv_tier_by;
typedef enum bv_tier_mode { BV_TIER_MARGINAL, BV_TIER_WHOLE } bv_tier_mode;
typedef enum bv_tier_over { BV_TIER_ORDER, BV_TIER_MONTH, BV_TIER_RUN } bv_tier_over;
typedef enum bv_borrow_on { BV_BORROW_VALUE, BV_BORROW_ENTRY } bv_borrow_on;
typedef enum bv_rollover_triple {
  BV_TRIPLE_WEDNESDAY,
  BV_TRIPLE_WEDNESDAY_FRIDAY,
  BV_TRIPLE_NONE
} bv_rollover_triple;
typedef enum bv_slippage_model {
  BV_SLIP_NONE,
  BV_SLIP_PERCENTAGE,
  BV_SLIP_FIXED,
  BV_SLIP_SPREAD,
  BV_SLIP_BASIS_POINTS,
  BV_SLIP_VOLUME_SHARE,
  BV_SLIP_VOLATILITY,
  BV_SLIP_SQUARE_ROOT,
  BV_SLIP_LINEAR,
  BV_SLIP_ALMGREN
} bv_slippage_model;
typedef enum bv_slippage_pays { BV_PAYS_HALF, BV_PAYS_FULL } bv_slippage_pays;
typedef enum bv_fill_at { BV_FILL_NEXT_OPEN, BV_FILL_SIGNAL_CLOSE, BV_FILL_NEXT_CLOSE } bv_fill_at;
typedef enum bv_fill_per { BV_FILL_PER_ORDER, BV_FILL_PER_LOT } bv_fill_per;
typedef enum bv_units { BV_UNITS_WHOLE, BV_UNITS_FRACTIONAL } bv_units;
typedef enum bv_size_at { BV_SIZE_DECISION, BV_SIZE_FILL, BV_SIZE_OPEN } bv_size_at;
typedef enum bv_targets_cut { BV_CUT_POSITION, BV_CUT_ORDER } bv_targets_cut;
typedef enum bv_missing { BV_MISSING_USE_LAST, BV_MISSING_SKIP } bv_missing;
typedef enum bv_unlisted { BV_UNLISTED_KEEP, BV_UNLISTED_CLOSE } bv_unlisted;
typedef enum bv_rebalance { BV_REBALANCE_ALWAYS, BV_REBALANCE_ON_CHANGE } bv_rebalance;
typedef enum bv_flip { BV_FLIP_NET, BV_FLIP_CLOSE_FIRST, BV_FLIP_ADD } bv_flip;
typedef enum bv_priority { BV_PRIORITY_REDUCE_FIRST, BV_PRIORITY_QUEUE } bv_priority;
typedef enum bv_margin { BV_MARGIN_EXPOSURE, BV_MARGIN_AVAILABLE } bv_margin;
typedef enum bv_short_funds {
  BV_FUNDS_AUTO, /* weights and values shrink, unit orders are rejected */
  BV_FUNDS_SHRINK,
  BV_FUNDS_REJECT,
  BV_FUNDS_ALLOW
} bv_short_funds;
typedef enum bv_rules { BV_RULES_CERTAIN, BV_RULES_BACKTESTING, BV_RULES_BACKTRADER } bv_rules;
typedef enum bv_touch_rule { BV_TOUCH, BV_THROUGH } bv_touch_rule;
typedef enum bv_limit_price { BV_LIMIT_IMPROVE, BV_LIMIT_EXACT, BV_LIMIT_WORST } bv_limit_price;
typedef enum bv_stop_limit {
  BV_STOP_LIMIT_PATH,
  BV_STOP_LIMIT_BAR,
  BV_STOP_LIMIT_CLOSE
} bv_stop_limit;
typedef enum bv_stop_price { BV_STOP_LEVEL, BV_STOP_WORST } bv_stop_price;
typedef enum bv_bracket_from { BV_BRACKET_ENTRY, BV_BRACKET_NEXT } bv_bracket_from;
typedef enum bv_slippage_limit { BV_SLIP_CAP, BV_SLIP_WAIT } bv_slippage_limit;
typedef enum bv_same_bar {
  BV_SAME_STOP_FIRST,
  BV_SAME_LIMIT_FIRST,
  BV_SAME_NEAREST_EXTREME,
  BV_SAME_OHLC,
  BV_SAME_OLHC,
  BV_SAME_DEFER,
  BV_SAME_FINER
} bv_same_bar;
typedef enum bv_cash_check { BV_CHECK_NONE, BV_CHECK_CASH } bv_cash_check;
typedef enum bv_volume_model {
  BV_VOLUME_NONE,
  BV_VOLUME_SHARE,
  BV_VOLUME_FIXED,
  BV_VOLUME_BAR_POINT
} bv_volume_model;
typedef enum bv_volume_by { BV_VOLUME_BY_ASSET, BV_VOLUME_BY_ORDER } bv_volume_by;
typedef enum bv_ruin { BV_RUIN_GO_ON, BV_RUIN_STOP } bv_ruin;
typedef enum bv_wrong_side { BV_WRONG_REJECT, BV_WRONG_ALLOW } bv_wrong_side;
typedef enum bv_account {
  BV_ACCOUNT_MARGIN,
  BV_ACCOUNT_CASH,
  BV_ACCOUNT_REG_T,
  BV_ACCOUNT_CRYPTO
} bv_account;
typedef enum bv_borrow {
  BV_BORROW_AUTO, /* nothing in a cash or crypto account, both in the others */
  BV_BORROW_NONE,
  BV_BORROW_UNITS, /* short sales */
  BV_BORROW_MONEY,
  BV_BORROW_BOTH
} bv_borrow;
typedef enum bv_short_cash {
  BV_SHORT_CREDIT,
  BV_SHORT_FREE,
  BV_SHORT_LOCK_PROCEEDS,
  BV_SHORT_LOCK_NOTIONAL
} bv_short_cash;
typedef enum bv_lots { BV_LOTS_FIFO, BV_LOTS_LIFO, BV_LOTS_AVERAGE } bv_lots;
typedef enum bv_margin_call {
  BV_CALL_AUTO, /* liquidate in a reg_t account */
  BV_CALL_NONE,
  BV_CALL_WARN,
  BV_CALL_LIQUIDATE
} bv_margin_call;
typedef enum bv_rest_of_split { BV_REST_CASH, BV_REST_COST } bv_rest_of_split;
typedef enum bv_sides { BV_SIDES_NET, BV_SIDES_BOTH } bv_sides;
typedef enum bv_rollover_on { BV_ROLLOVER_POSITION, BV_ROLLOVER_QUANTITY } bv_rollover_on;
typedef enum bv_rollover_days { BV_NIGHTS_NEW_YORK, BV_NIGHTS_UTC } bv_rollover_days;
typedef enum bv_charged_at { BV_CHARGED_AT_MARK, BV_CHARGED_AT_MID } bv_charged_at;
typedef enum bv_quotes { BV_QUOTES_USE, BV_QUOTES_BESIDE, BV_QUOTES_IGNORE } bv_quotes;
typedef enum bv_mark_at { BV_MARKS_LAST, BV_MARKS_MID, BV_MARKS_EXIT } bv_mark_at;
typedef enum bv_finish { BV_FINISH_MARK, BV_FINISH_LAST_OPEN, BV_FINISH_LAST_CLOSE } bv_finish;

/* Rates that depend on how much is traded; the last tier has no end (upto INFINITY). */
enum { BV_TIERS = 8 };
typedef struct bv_tier {
  double upto, rate;
} bv_tier;
typedef struct bv_tiers {
  int n;
  bv_tier tier[BV_TIERS];
} bv_tiers;

typedef struct bv_sim_config {
  double cash;
  bv_commission_model commission_model;
  double commission_rate;           /* fraction of value, or currency per unit, as the model says */
  double commission_fixed;          /* currency, on top of the rate */
  double commission_minimum;        /* currency; 0 for none */
  double commission_cap;            /* fraction of value; 0 for none */
  int commission_cap_minimum;       /* the cap holds for the minimum too */
  bv_commission_per commission_per; /* what fixed, minimum and cap are for */
  double commission_maker_rate;     /* maker_taker */
  double commission_per_unit;       /* combined: currency per unit */
  double commission_round;          /* money step; 0: none */
  bv_tiers commission_tiers;
  bv_tier_by commission_tier_by;
  bv_tier_mode commission_tier_mode;
  bv_tier_over commission_tier_over;
  double commission_sell_extra;   /* added to the rate for sells */
  bv_commission_by commission_by; /* what a sell is: the fill's side, or any fill of a short */
  bv_slippage_model slippage_model;
  double slippage_rate;             /* fraction of price, against the order */
  double slippage_bps;              /* basis_points */
  double slippage_amount;           /* fixed, spread: price units */
  double slippage_ticks;            /* fixed: times tick */
  bv_slippage_pays slippage_pays;   /* spread: half of amount, or all of it */
  double slippage_impact;           /* coefficient of the impact models */
  double slippage_volume_limit;     /* volume_share: largest share that counts */
  double slippage_window;           /* days of volume mean and volatility */
  double slippage_shares;           /* almgren: shares outstanding; 0: left out */
  double slippage_days;             /* almgren: time of execution */
  int slippage_open;                /* orders that fill at an open slip */
  int slippage_match;               /* a price outside the bar's range does not prevent the fill */
  bv_slippage_limit slippage_limit; /* what a limit order does that would slip beyond its limit */
  int slippage_clamp;               /* then it is kept inside it */
  double borrow_rate, margin_rate, cash_rate; /* a year: of shorts, of debt, of cash */
  bv_borrow_on borrow_on;
  double financing_year;  /* days */
  double financing_round; /* money step; 0: none */
  bv_charged_at financing_price;
  double funding_rate;  /* of the position's value, at each boundary */
  double funding_hours; /* between boundaries */
  double rollover_rate; /* a year: rate of the bought currency less that of the sold one */
  bv_rollover_triple rollover_triple;
  bv_rollover_on rollover_on;
  bv_rollover_days rollover_days;
  double spread; /* fraction of price, against fills that open a position */
  bv_quotes quotes;
  bv_mark_at mark_at;
  bv_fill_at fill_at;
  bv_fill_per fill_per;
  bv_units units;
  double lot; /* smallest quantity; 0: 1 for whole units, 1e-6 for fractional ones */
  bv_size_at size_at;
  bv_rebalance rebalance;
  double targets_reserve;    /* part of the account that weights leave alone */
  double targets_max_weight; /* 0: none */
  double targets_max_gross;  /* sum of a step's weights; 0: no limit */
  double targets_minimum_value, targets_minimum_change;
  bv_targets_cut targets_cut; /* what is made whole lots of */
  int targets_costs;          /* weights leave room for the costs of getting there */
  bv_missing targets_missing;
  bv_unlisted targets_unlisted;
  bv_flip flip;
  bv_sides sides;
  bv_priority priority;
  bv_margin margin;
  bv_short_funds funds;
  bv_finish finish;
  bv_rules rules;
  bv_touch_rule limit_fill;
  bv_limit_price limit_price;
  bv_stop_price stop_price;
  bv_stop_limit stop_limit;
  bv_bracket_from bracket_from;
  double tick; /* price step a limit must be passed by with limit_fill through */
  bv_same_bar same_bar;
  bv_cash_check submit_check;
  bv_cash_check fill_check;
  bv_volume_model volume_model;
  bv_volume_by volume_by;
  double volume_share;   /* share, bar_point: fraction of the bar's volume */
  double volume_size;    /* fixed: units per bar */
  double volume_step;    /* bar_point: price step */
  double volume_minimum; /* least partial fill, units */
  double depth_size;     /* units at a price, the rest a tick worse; 0: no end */
  bv_wrong_side wrong_side;
  bv_ruin ruin;
  double leverage; /* gross exposure allowed per unit of account value */
  int allow_short;
  bv_account account;
  bv_borrow borrow;
  bv_short_cash short_cash; /* what a short sale's proceeds are worth where no money is borrowed */
  double settlement_days;   /* trading days until the proceeds of a sale buy again */
  double initial_margin;    /* part of a position's value its opening takes; 0: 0.5 */
  bv_lots lots;
  double profit_round; /* money step; 0: none */
  bv_rest_of_split split_remainder;
  double long_maintenance; /* part of its value a position must be covered by; 0: see knobs.c */
  double short_maintenance;
  bv_margin_call margin_call;
  double margin_warning; /* fractions of the account's value */
  double margin_buffer;
} bv_sim_config;

typedef enum bv_knob_type {
  BV_KNOB_NUMBER,
  BV_KNOB_BOOL,
  BV_KNOB_CHOICE,
  BV_KNOB_TIERS
} bv_knob_type;

/* Room for any knob as text. */
enum { BV_KNOB_TEXT = 512 };

typedef struct bv_sim_knob {
  const char *name; /* dotted: "commission.rate" */
  bv_knob_type type;
  size_t offset;             /* into bv_sim_config */
  double min, max;           /* numbers */
  const char *const *choice; /* choices, ended by NULL; the value is the index */
  const char *doc;           /* one sentence with the unit */
} bv_sim_knob;

typedef struct bv_sim_profile {
  const char *name;
  const char *doc;
  bv_sim_config config;
} bv_sim_profile;

const bv_sim_knob *bv_sim_knobs(int *n);
const bv_sim_profile *bv_sim_profiles(int *n);
const bv_sim_profile *bv_sim_profile_find(const char *name);

/* Set one knob from a number (a bool: 0 or 1), or from a text (a choice's name, a number, "true",
** "false", tiers "1000:0.005,0.003").  A part of tiers has a name too, "commission.tiers[0].upto".  BV_ARG / BV_RANGE with a text that names the knob, the value and what is allowed; the
** configuration is then unchanged.  A knob that does not exist is BV_NOTFOUND. */
BV_MUST bv_rc bv_sim_set_number(bv_sim_config *c, const char *knob, double value, bv_err *err);
BV_MUST bv_rc bv_sim_set_text(bv_sim_config *c, const char *knob, const char *value, bv_err *err);

/* Every number and list of tiers whose name begins with `prefix` as in the default profile. */
void bv_sim_clear(bv_sim_config *c, const char *prefix);

/* All knobs together: contradictions ("units whole" with lot 0.1) are BV_ARG. */
BV_MUST bv_rc bv_sim_config_check(const bv_sim_config *c, bv_err *err);

/* The smallest quantity that `lot` and `units` together mean. */
double bv_sim_config_lot(const bv_sim_config *c);

/* Read a knob back, as text ("percentage", "0.002", "true"), for bt_profile and the stored
** configuration; bv_sim_set_text takes it back unchanged. */
void bv_sim_get_text(const bv_sim_config *c, const bv_sim_knob *k, char out[BV_KNOB_TEXT]);

#endif
