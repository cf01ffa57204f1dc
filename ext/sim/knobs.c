/* knobs.c - the knob table: names, ranges, choices and what each knob means; see profile.h. */
#include "sim/profile.h"

#include <stddef.h>

static const char *const choice_commission[] = {"none",        "percentage",   "per_share",
                                                "per_trade",   "per_contract", "tiered",
                                                "maker_taker", "combined",     NULL};
static const char *const choice_per[] = {"fill", "order", NULL};
static const char *const choice_tier_by[] = {"quantity", "value", "price", NULL};
static const char *const choice_tier_mode[] = {"marginal", "whole", NULL};
static const char *const choice_tier_over[] = {"order", "month", "run", NULL};
static const char *const choice_side[] = {"order", "position", NULL};
static const char *const choice_slippage[] = {"none",
                                              "percentage",
                                              "fixed",
                                              "spread",
                                              "basis_points",
                                              "volume_share",
                                              "volatility_volume_share",
                                              "square_root",
                                              "linear",
                                              "almgren",
                                              NULL};
static const char *const choice_pays[] = {"half", "full", NULL};
static const char *const choice_borrow_on[] = {"value", "entry", NULL};
static const char *const choice_triple[] = {"wednesday", "wednesday_friday", "none", NULL};
static const char *const choice_fill_at[] = {"next_open", "signal_close", "next_close", NULL};
static const char *const choice_fill_per[] = {"order", "lot", NULL};
static const char *const choice_units[] = {"whole", "fractional", NULL};
static const char *const choice_size_at[] = {"decision", "fill", "open", NULL};
static const char *const choice_cut[] = {"position", "order", NULL};
static const char *const choice_missing[] = {"use_last", "skip", NULL};
static const char *const choice_unlisted[] = {"keep", "close", NULL};
static const char *const choice_rebalance[] = {"always", "on_change", NULL};
static const char *const choice_flip[] = {"net", "close_first", "add", NULL};
static const char *const choice_priority[] = {"reduce_first", "queue", NULL};
static const char *const choice_margin[] = {"exposure", "available", NULL};
static const char *const choice_funds[] = {"auto", "shrink", "reject", "allow", NULL};
static const char *const choice_rules[] = {"certain", "backtesting.py", "backtrader", NULL};
static const char *const choice_limit_fill[] = {"touch", "through", NULL};
static const char *const choice_limit_price[] = {"improve", "limit", "worst", NULL};
static const char *const choice_stop_price[] = {"level", "worst", NULL};
static const char *const choice_stop_limit[] = {"path", "bar", "close", NULL};
static const char *const choice_bracket_from[] = {"entry", "next", NULL};
static const char *const choice_slip_limit[] = {"cap", "wait", NULL};
static const char *const choice_same_bar[] = {
    "stop_first", "limit_first", "nearest_extreme", "ohlc", "olhc", "defer", "finer", NULL};
static const char *const choice_wrong_side[] = {"reject", "allow", NULL};
static const char *const choice_check[] = {"none", "cash", NULL};
static const char *const choice_volume[] = {"none", "share", "fixed", "bar_point", NULL};
static const char *const choice_volume_by[] = {"asset", "order", NULL};
static const char *const choice_ruin[] = {"go_on", "stop", NULL};
static const char *const choice_account[] = {"margin", "cash", "reg_t", "crypto", NULL};
static const char *const choice_borrow[] = {"auto", "none", "units", "money", "both", NULL};
static const char *const choice_short_cash[] = {"credit", "free", "lock_proceeds", "lock_notional",
                                                NULL};
static const char *const choice_call[] = {"auto", "none", "warn", "liquidate", NULL};
static const char *const choice_rest[] = {"cash", "cost", NULL};
static const char *const choice_lots[] = {"fifo", "lifo", "average", NULL};
static const char *const choice_sides[] = {"net", "both", NULL};
static const char *const choice_rollover_on[] = {"position", "quantity", NULL};
static const char *const choice_rollover_days[] = {"new_york", "utc", NULL};
static const char *const choice_charged_at[] = {"mark", "mid", NULL};
static const char *const choice_quotes[] = {"use", "beside", "ignore", NULL};
static const char *const choice_mark[] = {"last", "mid", "exit", NULL};
static const char *const choice_finish[] = {"mark", "last_open", "last_close", NULL};

#define NUMBER(name, field, lo, hi, doc)                                                           \
  { name, BV_KNOB_NUMBER, offsetof(bv_sim_config, field), lo, hi, NULL, doc }
#define BOOLEAN(name, field, doc)                                                                  \
  { name, BV_KNOB_BOOL, offsetof(bv_sim_config, field), 0, 1, NULL, doc }
#define CHOICE(name, field, list, doc)                                                             \
  { name, BV_KNOB_CHOICE, offsetof(bv_sim_config, field), 0, 0, list, doc }
#define TIER(name, field, doc)                                                                     \
  { name, BV_KNOB_TIERS, offsetof(bv_sim_config, field), -1e6, 1e6, NULL, doc }

static const bv_sim_knob knobs[] = {
    NUMBER("cash", cash, 0, 1e15, "Money at the start, in the account's currency."),
    CHOICE("commission.model", commission_model, choice_commission,
           "none; percentage: commission.rate of the traded value; per_share, per_contract: "
           "commission.rate in currency per unit; per_trade: commission.fixed once for an order; "
           "combined: commission.rate of the value and commission.per_unit per unit; maker_taker: "
           "of the value, commission.maker_rate for limit orders that waited for their price, "
           "commission.rate for all others; tiered: the rates of commission.tiers."),
    NUMBER("commission.rate", commission_rate, -1e6, 1e6,
           "Rate of the model; negative for a rebate."),
    NUMBER("commission.fixed", commission_fixed, 0, 1e9,
           "Currency charged on top of the rate, for every fill (commission.per)."),
    NUMBER("commission.minimum", commission_minimum, 0, 1e9,
           "Least commission of a fill (commission.per), currency; 0 for no minimum."),
    NUMBER("commission.cap", commission_cap, 0, 1,
           "Most commission of a fill (commission.per), as a fraction of its value; 0 for no cap."),
    BOOLEAN(
        "commission.cap_minimum", commission_cap_minimum,
        "Whether the cap holds for the minimum too; false: what is raised to the minimum is not "
        "capped, as in LEAN."),
    CHOICE(
        "commission.per", commission_per, choice_per,
        "What fixed, minimum and cap are meant for: fill, each fill; order, all fills of an "
        "order, where a fill is charged what its order owes by then less what it has paid, as in "
        "zipline."),
    NUMBER("commission.maker_rate", commission_maker_rate, -1, 1,
           "Fraction of the value with model maker_taker; negative for a rebate."),
    NUMBER("commission.per_unit", commission_per_unit, 0, 1e6,
           "Currency per unit with model combined."),
    NUMBER("commission.round", commission_round, 0, 1e6,
           "Step of money that a fill's commission is rounded to, halves away from 0: 0.01 for "
           "cents; 0 leaves it as it is."),
    TIER("commission.tiers", commission_tiers,
         "Rates by size, up to 8: [{\"upto\": 10000, \"rate\": 0.005}, {\"rate\": 0.003}], or as "
         "text 10000:0.005,0.003."),
    CHOICE(
        "commission.tier_by", commission_tier_by, choice_tier_by,
        "What the tiers count: quantity (rates in currency per unit), value (rates are fractions "
        "of it), or price: rates in currency per unit, by the price below upto."),
    CHOICE(
        "commission.tier_mode", commission_tier_mode, choice_tier_mode,
        "marginal: each part at the rate of the tier it lies in; whole: all of a fill at the rate "
        "of the tier where it ends."),
    CHOICE(
        "commission.tier_over", commission_tier_over, choice_tier_over,
        "What is added up to find the tier: the fills of the order, all of the account's fills in "
        "the calendar month (UTC), or of the run."),
    NUMBER("commission.sell_extra", commission_sell_extra, -1e6, 1e6,
           "Added to commission.rate for sells."),
    CHOICE(
        "commission.by", commission_by, choice_side,
        "What commission.sell_extra counts as a sell: order, the fill's own side; position, every "
        "fill that opens or closes a short position."),
    CHOICE(
        "slippage.model", slippage_model, choice_slippage,
        "How far a fill's price moves against the order: none; percentage: by slippage.rate; "
        "basis_points: by slippage.bps; fixed: by slippage.amount and slippage.ticks; spread: by "
        "slippage.amount, the bid-ask spread, or half of it; and by the size of the fill, with "
        "the coefficient slippage.impact: linear, volume_share, square_root, "
        "volatility_volume_share, almgren."),
    NUMBER("slippage.rate", slippage_rate, 0, 0.5, "Fraction of the price."),
    NUMBER("slippage.bps", slippage_bps, 0, 5000, "Hundredths of a percent of the price."),
    NUMBER("slippage.amount", slippage_amount, 0, 1e9,
           "Units of the price; with model spread the spread."),
    NUMBER("slippage.ticks", slippage_ticks, 0, 1e6,
           "Price steps with model fixed: of the asset's own tick where it has one, else of knob "
           "tick."),
    CHOICE("slippage.pays", slippage_pays, choice_pays,
           "Model spread: half, slippage.amount is the whole spread and a fill pays half of it; "
           "full: a fill pays slippage.amount."),
    NUMBER("slippage.impact", slippage_impact, 0, 1e6,
           "Coefficient of the models that depend on the size of the fill; almgren has its own."),
    NUMBER("slippage.volume_limit", slippage_volume_limit, 0, 1,
           "Largest share of the bar's volume that model volume_share counts."),
    NUMBER("slippage.window", slippage_window, 3, 500,
           "Days of the mean volume and the volatility that models use; before so many have ended "
           "they take 10 basis points."),
    NUMBER("slippage.shares", slippage_shares, 0, 1e15,
           "Shares outstanding with model almgren; 0 leaves that factor out."),
    NUMBER("slippage.days", slippage_days, 1e-9, 1000,
           "Model almgren: time over which an order is executed, in trading days."),
    BOOLEAN(
        "slippage.open", slippage_open,
        "Whether market and limit orders that fill at an open slip, as slip_open of "
        "backtrader; with rules backtrader stops that fill at an open, too, and market orders at "
        "the close."),
    BOOLEAN("slippage.match", slippage_match,
            "Whether an order fills whose slipped price lies outside the bar's range; false: it "
            "waits for the next bar, but for limit orders, as slip_match of backtrader."),
    CHOICE("slippage.limit", slippage_limit, choice_slip_limit,
           "A limit order that would slip beyond its limit: cap, it fills at the limit; wait, it "
           "does not fill in this bar, as in zipline."),
    BOOLEAN("slippage.clamp", slippage_clamp,
            "Keep the slipped price between the low and the high of the bar; false is slip_out of "
            "backtrader."),
    NUMBER("spread", spread, 0, 0.5,
           "Fraction of the price against fills that open a position; closing ones do not pay it."),
    NUMBER("financing.borrow_rate", borrow_rate, 0, 100,
           "Yearly fee for shares sold short, a fraction of what they are worth."),
    CHOICE("financing.borrow_on", borrow_on, choice_borrow_on,
           "What the fee is a fraction of: value, the last price; entry, the average price of the "
           "entry, as in backtrader."),
    NUMBER("financing.margin_rate", margin_rate, 0, 100, "Yearly interest on cash below 0."),
    NUMBER("financing.cash_rate", cash_rate, -1, 100, "Yearly interest earned by cash above 0."),
    NUMBER("financing.year", financing_year, 1, 366, "Days of the year of all yearly rates."),
    NUMBER("financing.round", financing_round, 0, 1e6,
           "Step of money that every charge is rounded to, halves away from 0; 0 leaves it as it "
           "is."),
    CHOICE("financing.price", financing_price, choice_charged_at,
           "What borrow fees, funding and rollover are a fraction of: mark, what positions are "
           "valued at; mid, the middle of bid and ask at the last close, which stands for a side "
           "that it lacks."),
    NUMBER("financing.funding_rate", funding_rate, -1, 1,
           "Funding of a perpetual at each boundary, a fraction of the position's value; longs pay "
           "what is above 0, and shorts receive it."),
    NUMBER("financing.funding_hours", funding_hours, 0.25, 168,
           "Hours between the boundaries, counted from midnight UTC of 1970-01-01."),
    NUMBER("financing.rollover_rate", rollover_rate, -10, 10,
           "Yearly rate of the currency bought less that of the one sold; longs receive it each "
           "night, at 17:00 New York."),
    CHOICE(
        "financing.rollover_days", rollover_days, choice_rollover_days,
        "Which nights are booked: new_york, that of each weekday, once it is 17:00 there; utc, "
        "one for each UTC day that has bars, as nautilus books it: the night of the day it is in "
        "New York when the first of them begins, weekend or not, with the first that begins at "
        "17:00 of it or later."),
    CHOICE(
        "financing.rollover_triple", rollover_triple, choice_triple,
        "Days whose rollover is for three nights: wednesday; wednesday_friday, as nautilus books "
        "it; none."),
    CHOICE(
        "financing.rollover_on", rollover_on, choice_rollover_on,
        "position: longs receive a rate above 0 and shorts pay it; quantity: both receive it, as "
        "nautilus books it."),
    CHOICE(
        "quotes", quotes, choice_quotes,
        "use: where bars of the bid and of the ask are stored of an asset, buys meet the ask and "
        "sells the bid, also where the asset has no bar of its own; beside: only beside its "
        "bars; ignore: orders meet the asset's own bars."),
    CHOICE("mark", mark_at, choice_mark,
           "What positions are valued at: last, the close; mid, the middle of bid and ask at the "
           "close; exit, the bid for longs and the ask for shorts.  A close without quotes counts "
           "as itself."),
    CHOICE(
        "fill_at", fill_at, choice_fill_at,
        "next_open: market orders fill at the open of the asset's next bar; signal_close: at the "
        "close the decision saw, once a further bar of the asset exists; next_close: every order "
        "meets the close of the asset's next bar, and no other price."),
    CHOICE(
        "fill_per", fill_per, choice_fill_per,
        "order: one fill for an order; lot: a fill, with its own commission, for every lot closed "
        "and for the one opened."),
    CHOICE("units", units, choice_units, "Whether quantities below one unit can be traded."),
    NUMBER("lot", lot, 0, 1e9,
           "Smallest quantity; orders are multiples of it.  0: 1 for whole units, 1e-6 for "
           "fractional ones."),
    CHOICE(
        "size_at", size_at, choice_size_at,
        "decision: weights and values become units at the closes the decision saw; fill: at the "
        "price of the fill, of the account as it is then; open: at the price of the fill too, but "
        "what fills at one instant's opens shares the account's value before any of it."),
    CHOICE("rebalance", rebalance, choice_rebalance,
           "always: every target is acted on; on_change: only one that differs from the asset's "
           "last."),
    NUMBER(
        "targets.reserve", targets_reserve, 0, 0.99,
        "Part of the account's value that target weights leave alone: they are parts of the rest."),
    NUMBER("targets.max_weight", targets_max_weight, 0, 1000,
           "Largest weight of one asset, either side; 0: no limit."),
    NUMBER("targets.max_gross", targets_max_gross, 0, 1000,
           "Most that the sizes of a step's weights add up to; where it is more all are scaled "
           "down; 0: no limit."),
    NUMBER("targets.minimum_value", targets_minimum_value, 0, 1e15,
           "Weights and values whose trade is worth less are left out, but not 0; currency."),
    NUMBER("targets.minimum_change", targets_minimum_change, 0, 1,
           "Weights and values that change the asset's weight by less are left out, but not 0."),
    CHOICE(
        "targets.cut", targets_cut, choice_cut,
        "What of a weight or value is cut to whole lots: position, what is to be held; order, what "
        "is bought or sold to get there, as in backtrader and zipline."),
    BOOLEAN("targets.costs", targets_costs,
            "Whether weights leave room for the costs that are known by then."),
    CHOICE("targets.missing", targets_missing, choice_missing,
           "A target for an asset without a bar that ends at the step: use_last, its last price; "
           "skip, the target is left out."),
    CHOICE("targets.unlisted", targets_unlisted, choice_unlisted,
           "Positions that no row of a step with targets names: keep, or close."),
    CHOICE(
        "flip", flip, choice_flip,
        "net: one order for the difference to the position; close_first: any new target closes "
        "the position and enters afresh; add: a weight or value other than 0 is bought or sold on "
        "top of what is held."),
    CHOICE(
        "sides", sides, choice_sides,
        "net: a buy reduces a short position; both: an asset can be long and short at once, and "
        "only "
        "orders with closes or reduce_only, brackets and a target of 0 close anything.  Needs flip "
        "add."),
    CHOICE("priority", priority, choice_priority,
           "Among orders that can fill at one instant: reduce_first, those that do not raise a "
           "position's size go first; queue: by order number, closes of close_first ahead."),
    CHOICE("margin", margin, choice_margin,
           "exposure: gross exposure after a fill, at the open, stays within leverage times the "
           "account value after costs; available: weights are parts of the margin still free and "
           "openings must be paid from it, the account marked at the close of the bar that fills "
           "(the rule of backtesting.py, which looks ahead to that close)."),
    CHOICE(
        "funds", funds, choice_funds,
        "What happens to an order beyond the buying power: shrink cuts it, reject drops it, allow "
        "lets it through; auto shrinks weights and values and rejects unit orders."),
    CHOICE(
        "finish", finish, choice_finish,
        "Positions open at the end: mark leaves them open; last_open and last_close close them at "
        "that price of their last bar."),
    CHOICE("rules", rules, choice_rules,
           "How orders that rest meet a bar: certain, the rules of the default profile; "
           "backtesting.py and backtrader, those of the brokers of these libraries."),
    CHOICE(
        "limit_fill", limit_fill, choice_limit_fill,
        "touch: a limit order fills once the price reaches its limit; through: once the price is "
        "beyond it, by a tick or more."),
    CHOICE(
        "limit_price", limit_price, choice_limit_price,
        "Where an open is better than the limit: improve, the fill is at the open; limit, at the "
        "limit all the same, as in ml4t; worst, at the limit too, or at the bar's extreme nearest "
        "to "
        "it, as LEAN's fill model for other than equities."),
    CHOICE(
        "stop_price", stop_price, choice_stop_price,
        "Where a stop that the bar reaches fills: level, at the open where that is beyond it, "
        "else at the stop; worst, at the worse of the stop and the close, once the stop has been "
        "passed (a trailing one: reached), as LEAN's fill model for other than equities."),
    CHOICE("stop_limit", stop_limit, choice_stop_limit,
           "A stop limit order on the bar that triggers it inside: path, at its limit only if the "
           "close is as good; bar, if the bar reaches the limit at any time, as in Lumibot; close, "
           "on any bar once the stop has been passed, and only if the close is better than the "
           "limit, as in LEAN."),
    CHOICE("bracket_from", bracket_from, choice_bracket_from,
           "The first bar a bracket and the exits of risk rules can fill on: entry, that of the "
           "entry; next, the one after it."),
    NUMBER(
        "tick", tick, 0, 1e9,
        "Price step of assets that have none of their own, for limit_fill through, slippage.ticks "
        "and depth.size; 0: any price beyond a limit will do."),
    CHOICE(
        "same_bar", same_bar, choice_same_bar,
        "Which of two orders of a bracket or an oco group fills where one bar reaches both, or "
        "whether one fills that the bar may have reached before the entry: stop_first, "
        "limit_first; ohlc, olhc and nearest_extreme follow that path through the bar (the "
        "nearer of high and low first); defer waits for the next bar where the entry is in this "
        "one, else stop_first; finer asks the finest bars of the asset that are stored inside this "
        "one, and is stop_first where they do not tell."),
    CHOICE(
        "submit_check", submit_check, choice_check,
        "none: money is looked at when an order fills; cash: also when it is placed.  The orders "
        "of an instant are carried out in thought, each at its own price or the last close, and "
        "one that leaves less than no cash is rejected, and leaves what it would have left."),
    CHOICE(
        "fill_check", fill_check, choice_check,
        "none, or cash: a fill that would leave less than no cash, counted as submit_check does, "
        "closes what it closes and opens nothing, and the order ends, as in backtrader."),
    CHOICE("volume.model", volume_model, choice_volume,
           "What a bar fills at most of the orders of an asset; the rest waits.  none: all; share: "
           "volume.share of its volume; fixed: volume.size units, and no more than its volume; "
           "bar_point: volume.share of its volume / its prices from low to high in steps of "
           "volume.step.  A bar whose volume is missing fills nothing."),
    CHOICE(
        "volume.by", volume_by, choice_volume_by,
        "asset: all orders of an asset share what volume.model allows, in their sequence; order: "
        "each has it for itself."),
    NUMBER("volume.share", volume_share, 0, 1, "Fraction of the bar's volume."),
    NUMBER("volume.size", volume_size, 0, 1e15, "Units per bar."),
    NUMBER("volume.step", volume_step, 0, 1e9, "Price step of volume.model bar_point."),
    NUMBER("depth.size", depth_size, 0, 1e15,
           "Units that a market or stop order finds at its price; what it is larger by fills at "
           "once one tick worse, as on nautilus' book of one level.  0: all of it at the price."),
    NUMBER("volume.minimum", volume_minimum, 0, 1e15,
           "Least units of a fill that leaves a rest; 0 for no minimum."),
    CHOICE("wrong_side", wrong_side, choice_wrong_side,
           "A stop that the last close is already beyond: reject, or allow it to fill at once."),
    CHOICE(
        "ruin", ruin, choice_ruin,
        "An account worth nothing or less at a close: go_on, or stop: positions are closed at that "
        "close, what is owed beyond is forgiven, and every later order is rejected."),
    NUMBER("leverage", leverage, 0.01, 1000, "Gross exposure allowed per unit of account value."),
    BOOLEAN("allow_short", allow_short, "Whether positions below zero are allowed."),
    CHOICE("account", account, choice_account,
           "margin: gross exposure up to leverage; reg_t: up to 1 / initial_margin; cash: what is "
           "bought is paid from settled cash, and nothing is sold short; crypto: paid from cash, "
           "and borrow says what else."),
    CHOICE("borrow", borrow, choice_borrow,
           "What the account can borrow: none, units (for short sales), money (for purchases, up "
           "to leverage), both; auto: none in a cash or crypto account, both in the others."),
    CHOICE("short_cash", short_cash, choice_short_cash,
           "The proceeds of short sales where no money is borrowed: credit, they are cash, and "
           "opening a short needs cash worth its notional; free, they are cash and nothing is "
           "needed; lock_proceeds, they are no cash until the short is closed; lock_notional, they "
           "and as much again are not."),
    NUMBER("settlement_days", settlement_days, 0, 30,
           "Trading days after the day of a sale until its proceeds buy again, in a cash account."),
    NUMBER("initial_margin", initial_margin, 0, 1,
           "Part of its value that opening a position takes in a reg_t account; 0: 0.5."),
    CHOICE("lots", lots, choice_lots,
           "What a closing fill closes, and at which entry price: fifo, the oldest lots; lifo, the "
           "newest; average, the oldest, all at the position's average price."),
    NUMBER("profit_round", profit_round, 0, 1e6,
           "Step of money that the profit of a fill that closes is rounded to, halves away from 0: "
           "0.01 for cents; 0 leaves it as prices and units make it."),
    CHOICE("split_remainder", split_remainder, choice_rest,
           "At what price the fraction that a split leaves is paid out: cash, the last price; "
           "cost, its entry price."),
    NUMBER("long_maintenance", long_maintenance, 0, 1,
           "Part of its value that a long position must be covered by once it is open; 0: 0.25 in "
           "a reg_t account, nothing in others."),
    NUMBER("short_maintenance", short_maintenance, 0, 10,
           "The same for a short position; 0: 0.3 in a reg_t account, nothing in others."),
    CHOICE("margin_call", margin_call, choice_call,
           "What follows at a close where the account is worth less than its positions require: "
           "none, nothing; warn, a row of bt_margin_call; liquidate, orders for the next open as "
           "well; auto: liquidate in a reg_t account, none in others."),
    NUMBER("margin_warning", margin_warning, 0, 1,
           "A row of bt_margin_call says so where what is left above the requirement is not more "
           "than this part of the account's value."),
    NUMBER("margin_buffer", margin_buffer, 0, 10,
           "A margin call comes only once the requirement is above the account's value by this "
           "part of it."),
};

#define NKNOB ((int)(sizeof knobs / sizeof knobs[0]))

const bv_sim_knob *bv_sim_knobs(int *n) {
  *n = NKNOB;
  return knobs;
}
