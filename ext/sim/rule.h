/*
** rule.h - risk rules, as data: what the configuration says, checked.
**
** A rule is a kind, what it needs, and an action.  Exit rules watch a position and leave it at a level
** or after a time; limits watch the account and what orders would make of it.  rule.c has the table of
** kinds: what each needs and takes, and which actions it knows.  risk.h says how they are enforced.
*/
#ifndef BV_SIM_RULE_H
#define BV_SIM_RULE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum bv_rule_kind {
  BV_RULE_STOP_LOSS,
  BV_RULE_TAKE_PROFIT,
  BV_RULE_TRAILING_STOP,
  BV_RULE_TIGHTENING_STOP,
  BV_RULE_VOLATILITY_STOP,
  BV_RULE_TIME_EXIT,
  BV_RULE_SCALED_EXIT,
  BV_RULE_MAX_POSITION, /* the first that is a limit */
  BV_RULE_MAX_POSITIONS,
  BV_RULE_GROSS,
  BV_RULE_NET,
  BV_RULE_HEAT,
  BV_RULE_GROUP,
  BV_RULE_CONTEXT,
  BV_RULE_DRAWDOWN,
  BV_RULE_DAILY_LOSS,
  BV_RULE_VAR,
  BV_RULE_KINDS
} bv_rule_kind;

typedef enum bv_rule_action {
  BV_ACTION_EXIT,
  BV_ACTION_WARN,
  BV_ACTION_REDUCE,
  BV_ACTION_HALT,
  BV_ACTION_LIQUIDATE
} bv_rule_action;

enum { BV_RULES_MAX = 64, BV_RULE_STEPS = 8 };

/* From a return of `at` percent on: trail by, or sell, `percent`. */
typedef struct bv_rule_step {
  double at, percent;
} bv_rule_step;

typedef struct bv_rule_member {
  char *asset, *group;
} bv_rule_member;

typedef struct bv_rule {
  bv_rule_kind kind;
  bv_rule_action action;
  unsigned given; /* bits of the table of keys */
  double percent, k, min, max, level;
  double bars, atr, window, positions; /* counts */
  double trail, closes;                /* 0 or 1 */
  char *asset, *timestep, *column;     /* NULL where not given */
  char *property;                      /* of assets: names their group */
  bv_rule_step step[BV_RULE_STEPS];
  int nstep;
  bv_rule_member *member;
  int nmember;
} bv_rule;

typedef struct bv_ruleset {
  bv_rule *rule;
  int n;
} bv_ruleset;

void bv_ruleset_reset(bv_ruleset *r);

/* The i-th rule, made where it is the next one.  BV_LIMIT beyond BV_RULES_MAX. */
BV_MUST bv_rc bv_ruleset_at(bv_ruleset *r, int i, bv_rule **out, bv_err *err);

/* Set a key: a number (a flag: 0 or 1) or a text ("rule", "action", "asset", "timestep", "column", "property").
** BV_ARG names the key and what it takes, or the nearest key. */
BV_MUST bv_rc bv_rule_set_number(bv_rule *r, const char *key, double v, bv_err *err);
BV_MUST bv_rc bv_rule_set_text(bv_rule *r, const char *key, const char *v, bv_err *err);

/* Number `which` (0: the return, 1: the percentage) of step i; a member of a group. */
BV_MUST bv_rc bv_rule_set_step(bv_rule *r, int i, int which, double v, bv_err *err);
BV_MUST bv_rc bv_rule_add_member(bv_rule *r, const char *asset, const char *group, bv_err *err);

/* All rules complete and without contradictions.  Sets the default actions. */
BV_MUST bv_rc bv_ruleset_check(bv_ruleset *r, bv_err *err);

const char *bv_rule_name(bv_rule_kind k);
const char *bv_rule_reason(bv_rule_kind k); /* "risk: max_position" */
const char *bv_action_name(bv_rule_action a);

/* The group of an asset; NULL where it has none. */
const char *bv_rule_group(const bv_rule *r, const char *asset);

#endif
