/*
** profile.c - the knob table, the profile table, and setting, reading and checking knobs.
**
** Adding a knob is adding a field to bv_sim_config, a row to `knobs` and, where it can contradict
** another one, a rule to bv_sim_config_check.  Adding a profile is adding a row to `profiles`.
*/
#include "sim/profile.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const choice_commission[] = {"none", "percentage", "per_share", NULL};
static const char *const choice_side[] = {"order", "position", NULL};
static const char *const choice_slippage[] = {"none", "percentage", NULL};
static const char *const choice_fill_at[] = {"next_open", "signal_close", NULL};
static const char *const choice_fill_per[] = {"order", "lot", NULL};
static const char *const choice_units[] = {"whole", "fractional", NULL};
static const char *const choice_size_at[] = {"decision", "fill", NULL};
static const char *const choice_rebalance[] = {"always", "on_change", NULL};
static const char *const choice_flip[] = {"net", "close_first", "add", NULL};
static const char *const choice_priority[] = {"reduce_first", "queue", NULL};
static const char *const choice_margin[] = {"exposure", "available", NULL};
static const char *const choice_funds[] = {"auto", "shrink", "reject", "allow", NULL};
static const char *const choice_rules[] = {"certain", "backtesting.py", "backtrader", NULL};
static const char *const choice_limit_fill[] = {"touch", "through", NULL};
static const char *const choice_same_bar[] = {
    "stop_first", "limit_first", "nearest_extreme", "ohlc", "olhc", "defer", NULL};
static const char *const choice_wrong_side[] = {"reject", "allow", NULL};
static const char *const choice_ruin[] = {"go_on", "stop", NULL};
static const char *const choice_sides[] = {"net", "both", NULL};
static const char *const choice_finish[] = {"mark", "last_open", "last_close", NULL};

#define NUMBER(name, field, lo, hi, doc)                                                           \
  { name, BV_KNOB_NUMBER, offsetof(bv_sim_config, field), lo, hi, NULL, doc }
#define BOOLEAN(name, field, doc)                                                                  \
  { name, BV_KNOB_BOOL, offsetof(bv_sim_config, field), 0, 1, NULL, doc }
#define CHOICE(name, field, list, doc)                                                             \
  { name, BV_KNOB_CHOICE, offsetof(bv_sim_config, field), 0, 0, list, doc }

static const bv_sim_knob knobs[] = {
    NUMBER("cash", cash, 0, 1e15, "Money at the start, in the account's currency."),
    CHOICE("commission.model", commission_model, choice_commission,
           "percentage: commission.rate is a fraction of the traded value; per_share: currency per "
           "unit; none: no commission at all."),
    NUMBER("commission.rate", commission_rate, -1e6, 1e6,
           "Rate of the model; negative for a rebate."),
    NUMBER("commission.fixed", commission_fixed, 0, 1e9,
           "Currency charged for every fill, on top of the rate."),
    NUMBER("commission.minimum", commission_minimum, 0, 1e9,
           "Least commission of a fill, currency; 0 for no minimum."),
    NUMBER("commission.sell_extra", commission_sell_extra, -1e6, 1e6,
           "Added to commission.rate for sells."),
    CHOICE(
        "commission.by", commission_by, choice_side,
        "What commission.sell_extra counts as a sell: order, the fill's own side; position, every "
        "fill that opens or closes a short position."),
    CHOICE("slippage.model", slippage_model, choice_slippage,
           "percentage: the price moves against the order by slippage.rate; none: it does not."),
    NUMBER("slippage.rate", slippage_rate, 0, 0.5, "Fraction of the price."),
    BOOLEAN("slippage.clamp", slippage_clamp,
            "Keep the slipped price between the low and the high of the bar."),
    NUMBER("spread", spread, 0, 0.5,
           "Fraction of the price against fills that open a position; closing ones do not pay it."),
    CHOICE(
        "fill_at", fill_at, choice_fill_at,
        "next_open: market orders fill at the open of the asset's next bar; signal_close: at the "
        "close the decision saw, once a further bar of the asset exists."),
    CHOICE(
        "fill_per", fill_per, choice_fill_per,
        "order: one fill for an order; lot: a fill, with its own commission, for every lot closed "
        "and for the one opened."),
    CHOICE("units", units, choice_units, "Whether quantities below one unit can be traded."),
    NUMBER("lot", lot, 0, 1e9,
           "Smallest quantity; orders are multiples of it.  0: 1 for whole units, 1e-6 for "
           "fractional ones."),
    CHOICE("size_at", size_at, choice_size_at,
           "decision: weights and values become units at the closes the decision saw; fill: at the "
           "price of the fill."),
    CHOICE("rebalance", rebalance, choice_rebalance,
           "always: every target is acted on; on_change: only one that differs from the asset's "
           "last."),
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
        "beyond it by more than tick."),
    NUMBER("tick", tick, 0, 1e9, "Price step for limit_fill through; 0: any price beyond will do."),
    CHOICE("same_bar", same_bar, choice_same_bar,
           "Which of two orders of a bracket or an oco group fills where one bar reaches both, or "
           "whether one fills that the bar may have reached before the entry: stop_first, "
           "limit_first; ohlc, olhc and nearest_extreme follow that path through the bar (the "
           "nearer of high and low first); defer waits for the next bar where the entry is in this "
           "one, else stop_first."),
    CHOICE("wrong_side", wrong_side, choice_wrong_side,
           "A stop that the last close is already beyond: reject, or allow it to fill at once."),
    CHOICE(
        "ruin", ruin, choice_ruin,
        "An account worth nothing or less at a close: go_on, or stop: positions are closed at that "
        "close, what is owed beyond is forgiven, and every later order is rejected."),
    NUMBER("leverage", leverage, 0.01, 1000, "Gross exposure allowed per unit of account value."),
    BOOLEAN("allow_short", allow_short, "Whether positions below zero are allowed."),
};

#define NKNOB ((int)(sizeof knobs / sizeof knobs[0]))

static const bv_sim_profile profiles[] = {
    {"default",
     "Next open, sized at the decision, whole units, one net order per target, exits before "
     "entries.",
     {.cash = 100000,
      .commission_model = BV_COMM_PERCENTAGE,
      .slippage_model = BV_SLIP_PERCENTAGE,
      .slippage_clamp = 1,
      .leverage = 1,
      .allow_short = 1}},
    {"backtesting.py",
     "The rules of backtesting.py 0.6: sized at the fill from the free margin, positions closed "
     "before a new entry, commission at entry and at exit.",
     {.cash = 10000,
      .commission_model = BV_COMM_PERCENTAGE,
      .commission_by = BV_COMM_BY_POSITION,
      .slippage_model = BV_SLIP_PERCENTAGE,
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
      .slippage_model = BV_SLIP_PERCENTAGE,
      .slippage_clamp = 1,
      .priority = BV_PRIORITY_QUEUE,
      .funds = BV_FUNDS_ALLOW,
      .rules = BV_RULES_BACKTRADER,
      .wrong_side = BV_WRONG_ALLOW,
      .leverage = 1,
      .allow_short = 1}},
};

#define NPROFILE ((int)(sizeof profiles / sizeof profiles[0]))

const bv_sim_knob *bv_sim_knobs(int *n) {
  *n = NKNOB;
  return knobs;
}

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

static const bv_sim_knob *knob_find(const char *name, bv_err *err) {
  const char *names[NKNOB + 1] = {0};
  for (int i = 0; i < NKNOB; i++) {
    if (name && bv_text_ieq(name, knobs[i].name)) return &knobs[i];
    names[i] = knobs[i].name;
  }
  const char *near = name ? bv_nearest(name, names) : NULL;
  bv_fail(err, BV_NOTFOUND, "no knob is named '%s'%s%s%s", name ? name : "",
          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return NULL;
}

/* Enums and ints are stored alike: C11 leaves the enum's width to the compiler. */
static_assert(sizeof(bv_finish) == sizeof(int), "choices are stored as int");

static int *knob_int(bv_sim_config *c, const bv_sim_knob *k) {
  return (int *)(void *)((char *)c + k->offset);
}

static double *knob_double(bv_sim_config *c, const bv_sim_knob *k) {
  return (double *)(void *)((char *)c + k->offset);
}

static bv_rc set_number(bv_sim_config *c, const bv_sim_knob *k, double v, bv_err *err) {
  char text[32], lo[32], hi[32];
  bv_format_f64(v, text);
  if (k->type == BV_KNOB_CHOICE) {
    return bv_fail(err, BV_ARG, "%s takes a name, such as '%s', not the number %s", k->name,
                   k->choice[0], text);
  }
  if (k->type == BV_KNOB_BOOL) {
    if (v != 0 && v != 1) {
      return bv_fail(err, BV_ARG, "%s is %s; it takes true or false (1 or 0)", k->name, text);
    }
    *knob_int(c, k) = v != 0;
    return BV_OK;
  }
  if (!(v >= k->min && v <= k->max)) {
    bv_format_f64(k->min, lo);
    bv_format_f64(k->max, hi);
    return bv_fail(err, BV_RANGE, "%s is %s; it must be from %s to %s", k->name, text, lo, hi);
  }
  *knob_double(c, k) = v;
  return BV_OK;
}

bv_rc bv_sim_set_number(bv_sim_config *c, const char *knob, double value, bv_err *err) {
  const bv_sim_knob *k = knob_find(knob, err);
  return k ? set_number(c, k, value, err) : BV_NOTFOUND;
}

static bv_rc set_choice(bv_sim_config *c, const bv_sim_knob *k, const char *value, bv_err *err) {
  char allowed[160] = "";
  for (int i = 0; k->choice[i]; i++) {
    if (bv_text_ieq(value, k->choice[i])) {
      *knob_int(c, k) = i;
      return BV_OK;
    }
    size_t room = sizeof allowed - strlen(allowed) - 1;
    if (i > 0) strncat(allowed, ", ", room);
    room = sizeof allowed - strlen(allowed) - 1;
    strncat(allowed, k->choice[i], room);
  }
  return bv_fail(err, BV_ARG, "%s is '%.40s'; it must be one of: %s", k->name, value, allowed);
}

bv_rc bv_sim_set_text(bv_sim_config *c, const char *knob, const char *value, bv_err *err) {
  const bv_sim_knob *k = knob_find(knob, err);
  double v;
  if (!k) return BV_NOTFOUND;
  if (!value) return bv_fail(err, BV_ARG, "%s has no value", k->name);
  if (k->type == BV_KNOB_CHOICE) return set_choice(c, k, value, err);
  if (k->type == BV_KNOB_BOOL && bv_text_ieq(value, "true")) return set_number(c, k, 1, err);
  if (k->type == BV_KNOB_BOOL && bv_text_ieq(value, "false")) return set_number(c, k, 0, err);
  if (bv_parse_f64(value, strlen(value), &v) != BV_OK) {
    return bv_fail(err, BV_ARG, "%s is '%.40s'; it takes %s", k->name, value,
                   k->type == BV_KNOB_BOOL ? "true or false" : "a number");
  }
  return set_number(c, k, v, err);
}

void bv_sim_get_text(const bv_sim_config *c, const bv_sim_knob *k, char out[64]) {
  const char *p = (const char *)c + k->offset;
  if (k->type == BV_KNOB_NUMBER) {
    double v;
    memcpy(&v, p, sizeof v);
    bv_format_f64(v, out);
    return;
  }
  int i;
  memcpy(&i, p, sizeof i);
  const char *text = k->type == BV_KNOB_CHOICE ? k->choice[i] : i ? "true" : "false";
  size_t n = strlen(text);
  assert(n < 64);
  memcpy(out, text, n + 1);
}

double bv_sim_config_lot(const bv_sim_config *c) {
  if (c->lot > 0) return c->lot;
  return c->units == BV_UNITS_WHOLE ? 1.0 : 1e-6;
}

static bv_rc check_costs(const bv_sim_config *c, bv_err *err) {
  if (c->commission_model == BV_COMM_NONE &&
      (c->commission_rate != 0 || c->commission_fixed != 0 || c->commission_minimum != 0 ||
       c->commission_sell_extra != 0)) {
    return bv_fail(err, BV_ARG,
                   "commission.model is none but a commission is set; use percentage or per_share");
  }
  if (c->commission_model == BV_COMM_PERCENTAGE &&
      (fabs(c->commission_rate) >= 1 || fabs(c->commission_rate + c->commission_sell_extra) >= 1)) {
    return bv_fail(err, BV_ARG,
                   "commission.rate is a fraction of the value (0.001 is 0.1 %%) and must be "
                   "between -1 and 1");
  }
  if (c->slippage_model == BV_SLIP_NONE && c->slippage_rate != 0) {
    return bv_fail(err, BV_ARG, "slippage.model is none but slippage.rate is set; use percentage");
  }
  return BV_OK;
}

bv_rc bv_sim_config_check(const bv_sim_config *c, bv_err *err) {
  for (int i = 0; i < NKNOB; i++) {
    double v;
    if (knobs[i].type != BV_KNOB_NUMBER) continue;
    memcpy(&v, (const char *)c + knobs[i].offset, sizeof v);
    if (!(v >= knobs[i].min && v <= knobs[i].max)) {
      char text[32];
      bv_format_f64(v, text);
      return bv_fail(err, BV_RANGE, "%s is %s, which is out of range", knobs[i].name, text);
    }
  }
  if (c->cash <= 0) return bv_fail(err, BV_ARG, "cash must be above 0");
  BV_TRY(check_costs(c, err));
  if (c->units == BV_UNITS_WHOLE && c->lot > 0 && c->lot != floor(c->lot)) {
    return bv_fail(err, BV_ARG,
                   "units is whole but lot is no whole number; set units to fractional");
  }
  if (c->margin == BV_MARGIN_AVAILABLE && (c->size_at != BV_SIZE_FILL || c->flip == BV_FLIP_NET)) {
    return bv_fail(err, BV_ARG, "margin available needs size_at fill and flip close_first or add");
  }
  if (c->sides == BV_SIDES_BOTH && c->flip != BV_FLIP_ADD) {
    return bv_fail(err, BV_ARG, "sides both needs flip add");
  }
  return BV_OK;
}
