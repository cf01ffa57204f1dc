/* rule.c - risk rules as data; see rule.h. */
#include "sim/rule.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* --- the tables --- */

enum {
  PERCENT = 1,
  K = 2,
  MIN = 4,
  MAX = 8,
  LEVEL = 16,
  BARS = 32,
  ATR = 64,
  WINDOW = 128,
  POSITIONS = 256,
  TRAIL = 512,
  CLOSES = 1024,
  ASSET = 2048,
  TIMESTEP = 4096,
  COLUMN = 8192,
  STEPS = 16384,
  GROUPS = 32768,
  RULE = 65536,
  ACTION = 131072,
  PROPERTY = 262144
};

/* What a key holds. */
typedef enum shape { NUMBER, COUNT, FLAG, TEXT, OTHER } shape;

static const struct {
  const char *name;
  unsigned bit;
  shape shape;
  size_t at;
  double min, max;
} keys[] = {
    {"rule", RULE, OTHER, 0, 0, 0},
    {"action", ACTION, OTHER, 0, 0, 0},
    {"percent", PERCENT, NUMBER, offsetof(bv_rule, percent), 1e-9, 1e6},
    {"k", K, NUMBER, offsetof(bv_rule, k), 1e-9, 1e6},
    {"min", MIN, NUMBER, offsetof(bv_rule, min), -1e300, 1e300},
    {"max", MAX, NUMBER, offsetof(bv_rule, max), -1e300, 1e300},
    {"level", LEVEL, NUMBER, offsetof(bv_rule, level), 50, 99.9999},
    {"bars", BARS, COUNT, offsetof(bv_rule, bars), 1, 1e9},
    {"atr", ATR, COUNT, offsetof(bv_rule, atr), 1, 1e6},
    {"window", WINDOW, COUNT, offsetof(bv_rule, window), 2, 1e5},
    {"positions", POSITIONS, COUNT, offsetof(bv_rule, positions), 1, 1e9},
    {"trail", TRAIL, FLAG, offsetof(bv_rule, trail), 0, 1},
    {"closes", CLOSES, FLAG, offsetof(bv_rule, closes), 0, 1},
    {"asset", ASSET, TEXT, offsetof(bv_rule, asset), 0, 0},
    {"timestep", TIMESTEP, TEXT, offsetof(bv_rule, timestep), 0, 0},
    {"column", COLUMN, TEXT, offsetof(bv_rule, column), 0, 0},
    {"property", PROPERTY, TEXT, offsetof(bv_rule, property), 0, 0},
    {"steps", STEPS, OTHER, 0, 0, 0},
    {"groups", GROUPS, OTHER, 0, 0, 0},
};
enum { NKEY = sizeof keys / sizeof keys[0] };

static const char *const action_name[] = {[BV_ACTION_EXIT] = "exit",
                                          [BV_ACTION_WARN] = "warn",
                                          [BV_ACTION_REDUCE] = "reduce",
                                          [BV_ACTION_HALT] = "halt",
                                          [BV_ACTION_LIQUIDATE] = "liquidate"};
enum { NACTION = sizeof action_name / sizeof action_name[0] };

#define DOES(a) (1u << BV_ACTION_##a)
#define EXITS   (DOES(EXIT) | DOES(WARN))
#define LIMITS  (DOES(WARN) | DOES(REDUCE) | DOES(HALT) | DOES(LIQUIDATE))
#define GATES   (DOES(WARN) | DOES(HALT))
#define LOSSES  (DOES(WARN) | DOES(HALT) | DOES(LIQUIDATE))

/* The first of the actions that a kind knows in `prefer` is its default. */
static const struct {
  const char *name, *reason;
  unsigned needs, takes, actions;
  bv_rule_action usual;
} kinds[BV_RULE_KINDS] = {
    [BV_RULE_STOP_LOSS] = {"stop_loss", "risk: stop_loss", PERCENT, ASSET, EXITS, BV_ACTION_EXIT},
    [BV_RULE_TAKE_PROFIT] = {"take_profit", "risk: take_profit", PERCENT, ASSET, EXITS,
                             BV_ACTION_EXIT},
    [BV_RULE_TRAILING_STOP] = {"trailing_stop", "risk: trailing_stop", PERCENT, ASSET | CLOSES,
                               EXITS, BV_ACTION_EXIT},
    [BV_RULE_TIGHTENING_STOP] = {"tightening_stop", "risk: tightening_stop", STEPS, ASSET | CLOSES,
                                 EXITS, BV_ACTION_EXIT},
    [BV_RULE_VOLATILITY_STOP] = {"volatility_stop", "risk: volatility_stop", ATR | K,
                                 ASSET | CLOSES | TRAIL, EXITS, BV_ACTION_EXIT},
    [BV_RULE_TIME_EXIT] = {"time_exit", "risk: time_exit", BARS, ASSET, EXITS, BV_ACTION_EXIT},
    [BV_RULE_SCALED_EXIT] = {"scaled_exit", "risk: scaled_exit", STEPS, ASSET, DOES(EXIT),
                             BV_ACTION_EXIT},
    [BV_RULE_MAX_POSITION] = {"max_position", "risk: max_position", PERCENT, ASSET, LIMITS,
                              BV_ACTION_REDUCE},
    [BV_RULE_MAX_POSITIONS] = {"max_positions", "risk: max_positions", POSITIONS, 0, GATES,
                               BV_ACTION_HALT},
    [BV_RULE_GROSS] = {"gross_exposure", "risk: gross_exposure", PERCENT, 0, LIMITS,
                       BV_ACTION_REDUCE},
    [BV_RULE_NET] = {"net_exposure", "risk: net_exposure", PERCENT, 0, LIMITS, BV_ACTION_REDUCE},
    [BV_RULE_HEAT] = {"heat", "risk: heat", PERCENT, 0, LIMITS, BV_ACTION_REDUCE},
    [BV_RULE_GROUP] = {"group", "risk: group", PERCENT, GROUPS | PROPERTY, LIMITS,
                       BV_ACTION_REDUCE},
    [BV_RULE_CONTEXT] = {"context", "risk: context", ASSET, TIMESTEP | COLUMN | MIN | MAX, GATES,
                         BV_ACTION_HALT},
    [BV_RULE_DRAWDOWN] = {"max_drawdown", "risk: max_drawdown", PERCENT, 0, LOSSES, BV_ACTION_HALT},
    [BV_RULE_DAILY_LOSS] = {"daily_loss", "risk: daily_loss", PERCENT, 0, LOSSES, BV_ACTION_HALT},
    [BV_RULE_VAR] = {"var", "risk: var", PERCENT | WINDOW, LEVEL, LOSSES, BV_ACTION_HALT},
};

const char *bv_rule_name(bv_rule_kind k) {
  return kinds[k].name;
}

const char *bv_rule_reason(bv_rule_kind k) {
  return kinds[k].reason;
}

const char *bv_action_name(bv_rule_action a) {
  return action_name[a];
}

/* --- rules --- */

void bv_ruleset_reset(bv_ruleset *rules) {
  for (int i = 0; i < rules->n; i++) {
    bv_rule *r = &rules->rule[i];
    bv_free(r->asset);
    bv_free(r->timestep);
    bv_free(r->column);
    bv_free(r->property);
    for (int k = 0; k < r->nmember; k++) {
      bv_free(r->member[k].asset);
      bv_free(r->member[k].group);
    }
    bv_free(r->member);
  }
  bv_free(rules->rule);
  *rules = (bv_ruleset){0};
}

bv_rc bv_ruleset_at(bv_ruleset *rules, int i, bv_rule **out, bv_err *err) {
  if (i >= BV_RULES_MAX) return bv_fail(err, BV_LIMIT, "more than %d risk rules", BV_RULES_MAX);
  if (i >= rules->n) {
    bv_rule *more = bv_realloc(BV_MEM_SIM, rules->rule, (size_t)(i + 1) * sizeof *more);
    if (!more) return BV_NOMEM;
    memset(more + rules->n, 0, (size_t)(i + 1 - rules->n) * sizeof *more);
    rules->rule = more;
    rules->n = i + 1;
  }
  *out = &rules->rule[i];
  return BV_OK;
}

static int key_find(const char *name, bv_err *err) {
  const char *names[NKEY + 1] = {0};
  for (int i = 0; i < NKEY; i++) {
    if (bv_text_ieq(name, keys[i].name)) return i;
    names[i] = keys[i].name;
  }
  const char *near = bv_nearest(name, names);
  bv_fail(err, BV_ARG, "no key is named '%.40s'%s%s%s", name, near ? "; did you mean '" : "",
          near ? near : "", near ? "'?" : "");
  return -1;
}

bv_rc bv_rule_set_number(bv_rule *r, const char *key, double v, bv_err *err) {
  int i = key_find(key, err);
  if (i < 0) return BV_ARG;
  if (keys[i].shape == TEXT || keys[i].bit == RULE || keys[i].bit == ACTION) {
    return bv_fail(err, BV_ARG, "%s must be a text", keys[i].name);
  }
  if (keys[i].shape == OTHER) {
    return bv_fail(err, BV_ARG, "%s must be %s", keys[i].name,
                   keys[i].bit == STEPS ? "a list of pairs such as [[5, 50], [10, 100]]"
                                        : "an object such as {\"AAPL\": \"tech\"}");
  }
  bool whole = keys[i].shape == COUNT || keys[i].shape == FLAG;
  if (!(v >= keys[i].min && v <= keys[i].max) || (whole && v != floor(v))) {
    char text[32], lo[32], hi[32];
    bv_format_f64(v, text);
    bv_format_f64(keys[i].min, lo);
    bv_format_f64(keys[i].max, hi);
    return bv_fail(err, BV_RANGE, "%s is %s; it must be %s from %s to %s", keys[i].name, text,
                   whole ? "a whole number" : "a number", lo, hi);
  }
  memcpy((char *)r + keys[i].at, &v, sizeof v);
  r->given |= keys[i].bit;
  return BV_OK;
}

/* A name out of a list, as its number. */
static bv_rc set_kind(bv_rule *r, const char *v, bv_err *err) {
  const char *names[BV_RULE_KINDS + 1] = {0};
  for (int k = 0; k < BV_RULE_KINDS; k++) {
    names[k] = kinds[k].name;
    if (!bv_text_ieq(v, names[k])) continue;
    r->kind = (bv_rule_kind)k;
    r->given |= RULE;
    return BV_OK;
  }
  const char *near = bv_nearest(v, names);
  return bv_fail(err, BV_ARG, "no rule is named '%.40s'%s%s%s", v, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
}

static bv_rc set_action(bv_rule *r, const char *v, bv_err *err) {
  for (int k = 0; k < NACTION; k++) {
    if (!bv_text_ieq(v, action_name[k])) continue;
    r->action = (bv_rule_action)k;
    r->given |= ACTION;
    return BV_OK;
  }
  return bv_fail(err, BV_ARG, "action is '%.40s'; it must be exit, warn, reduce, halt or liquidate",
                 v);
}

bv_rc bv_rule_set_text(bv_rule *r, const char *key, const char *v, bv_err *err) {
  int i = key_find(key, err);
  if (i < 0) return BV_ARG;
  if (keys[i].bit == RULE) return set_kind(r, v, err);
  if (keys[i].bit == ACTION) return set_action(r, v, err);
  if (keys[i].shape != TEXT) {
    return bv_fail(err, BV_ARG, "%s is '%.40s'; it takes no text", keys[i].name, v);
  }
  char *copy = bv_strdup(BV_MEM_SIM, v), **to = (char **)(void *)((char *)r + keys[i].at);
  if (!copy) return BV_NOMEM;
  bv_free(*to);
  *to = copy;
  r->given |= keys[i].bit;
  return BV_OK;
}

bv_rc bv_rule_set_step(bv_rule *r, int i, int which, double v, bv_err *err) {
  if (i >= BV_RULE_STEPS || which > 1) {
    return bv_fail(err, BV_ARG,
                   "steps must be a list of up to %d pairs such as [[5, 50], [10, 100]]",
                   BV_RULE_STEPS);
  }
  if (i >= r->nstep) r->nstep = i + 1;
  *(which ? &r->step[i].percent : &r->step[i].at) = v;
  r->given |= STEPS;
  return BV_OK;
}

bv_rc bv_rule_add_member(bv_rule *r, const char *asset, const char *group, bv_err *err) {
  (void)err;
  bv_rule_member *more = bv_realloc(BV_MEM_SIM, r->member, (size_t)(r->nmember + 1) * sizeof *more);
  if (!more) return BV_NOMEM;
  r->member = more;
  bv_rule_member m = {bv_strdup(BV_MEM_SIM, asset), bv_strdup(BV_MEM_SIM, group)};
  if (!m.asset || !m.group) {
    bv_free(m.asset);
    bv_free(m.group);
    return BV_NOMEM;
  }
  more[r->nmember++] = m;
  r->given |= GROUPS;
  return BV_OK;
}

const char *bv_rule_group(const bv_rule *r, const char *asset) {
  for (int i = 0; i < r->nmember; i++) {
    if (strcmp(r->member[i].asset, asset) == 0) return r->member[i].group;
  }
  return NULL;
}

/* --- checks --- */

static const char *key_of(unsigned bits) {
  for (int i = 0; i < NKEY; i++) {
    if (bits & keys[i].bit) return keys[i].name;
  }
  return "";
}

/* Returns and percentages of the steps rise; a trail tightens with them. */
static bv_rc check_steps(const bv_rule *r, bv_err *err) {
  const char *name = kinds[r->kind].name;
  for (int i = 0; i < r->nstep; i++) {
    double percent = r->step[i].percent;
    if (!(percent > 0 && percent <= 100) || !(r->step[i].at >= 0)) {
      return bv_fail(err, BV_ARG,
                     "%s: a step is a pair of a return from 0 and a percentage above 0 and up to "
                     "100, such as [5, 50]",
                     name);
    }
    if (i == 0) continue;
    if (r->step[i].at <= r->step[i - 1].at) {
      return bv_fail(err, BV_ARG, "%s: the returns of the steps must rise", name);
    }
    if (r->kind == BV_RULE_TIGHTENING_STOP && percent > r->step[i - 1].percent) {
      return bv_fail(err, BV_ARG, "%s: the percentages of the steps must fall", name);
    }
  }
  if (r->kind == BV_RULE_SCALED_EXIT && r->step[0].at <= 0) {
    return bv_fail(err, BV_ARG, "%s: the returns of the steps must be above 0", name);
  }
  return BV_OK;
}

static bv_rc check_context(bv_rule *r, bv_err *err) {
  if (!(r->given & (MIN | MAX))) return bv_fail(err, BV_ARG, "context needs min, max or both");
  if (!(r->given & MIN)) r->min = -INFINITY;
  if (!(r->given & MAX)) r->max = INFINITY;
  if (r->min > r->max) return bv_fail(err, BV_ARG, "context: min lies above max");
  return BV_OK;
}

static bv_rc check_group(const bv_rule *r, bv_err *err) {
  bool listed = (r->given & GROUPS) != 0, asked = (r->given & PROPERTY) != 0;
  if (!listed && !asked) {
    return bv_fail(err, BV_ARG,
                   "group needs groups, such as {\"AAPL\": \"tech\"}, or property, such as "
                   "\"sector\"");
  }
  if (listed && asked) return bv_fail(err, BV_ARG, "group: groups and property exclude each other");
  return BV_OK;
}

static bv_rc check_rule(bv_rule *r, bv_err *err) {
  if (!(r->given & RULE)) {
    return bv_fail(err, BV_ARG, "a risk rule needs its name: {\"rule\": \"stop_loss\", ...}");
  }
  const char *name = kinds[r->kind].name;
  unsigned needs = kinds[r->kind].needs, takes = kinds[r->kind].takes | needs | RULE | ACTION;
  if (needs & ~r->given) {
    return bv_fail(err, BV_ARG, "%s needs %s", name, key_of(needs & ~r->given));
  }
  if (r->given & ~takes)
    return bv_fail(err, BV_ARG, "%s takes no %s", name, key_of(r->given & ~takes));
  if (!(r->given & ACTION)) r->action = kinds[r->kind].usual;
  if (!(kinds[r->kind].actions & (1u << r->action))) {
    return bv_fail(err, BV_ARG, "%s cannot %s", name, action_name[r->action]);
  }
  bool stop = r->kind == BV_RULE_TRAILING_STOP || r->kind == BV_RULE_STOP_LOSS;
  if (stop && r->percent >= 100) return bv_fail(err, BV_ARG, "%s: percent must be below 100", name);
  if (!(r->given & LEVEL)) r->level = 95;
  if (needs & STEPS) BV_TRY(check_steps(r, err));
  if (r->kind == BV_RULE_GROUP) return check_group(r, err);
  return r->kind == BV_RULE_CONTEXT ? check_context(r, err) : BV_OK;
}

/* The steps of a position are those of one rule. */
static bv_rc check_scaled(const bv_ruleset *rules, int last, bv_err *err) {
  const bv_rule *r = &rules->rule[last];
  for (int i = 0; i < last && r->kind == BV_RULE_SCALED_EXIT; i++) {
    const bv_rule *k = &rules->rule[i];
    bool same = r->asset && k->asset ? strcmp(r->asset, k->asset) == 0 : r->asset == k->asset;
    if (k->kind != r->kind || !same) continue;
    return bv_fail(err, BV_ARG, "scaled_exit is given twice%s%.64s%s; put all steps into one rule",
                   r->asset ? " for '" : "", r->asset ? r->asset : "", r->asset ? "'" : "");
  }
  return BV_OK;
}

bv_rc bv_ruleset_check(bv_ruleset *rules, bv_err *err) {
  for (int i = 0; i < rules->n; i++) {
    BV_TRY(check_rule(&rules->rule[i], err));
    BV_TRY(check_scaled(rules, i, err));
  }
  return BV_OK;
}
