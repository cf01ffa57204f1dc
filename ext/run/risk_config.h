/*
** risk_config.h - the list "risk" of a configuration, and the market context its rules look at.
*/
#ifndef BV_RUN_RISK_CONFIG_H
#define BV_RUN_RISK_CONFIG_H

#include "run/match_feed.h"
#include "sim/rule.h"

/* Take a leaf whose path begins "risk[": `type` and `v` as bv_json_walk() gives them. */
BV_MUST bv_rc bv_risk_config_leaf(bv_ruleset *rules, const char *path, const char *type,
                                  sqlite3_value *v, bv_err *err);

/* Whether a path is one of the list's. */
bool bv_risk_config_owns(const char *path);

/* What the library of rules does not know of: properties that rules name.  BV_ARG names the key. */
BV_MUST bv_rc bv_risk_config_check(const bv_ruleset *rules, bv_err *err);

/* An asset comes in: rules that group by a property hear of its value. */
BV_MUST bv_rc bv_risk_config_join(bv_ruleset *rules, bv_store *s, const char *asset, bv_err *err);

/* The series that context rules look at, read in step with the run.  A value counts from the end of its
** bar on. */
typedef struct bv_context {
  bv_feed feed;
  const bv_ruleset *rules;
  bool used;
} bv_context;

/* Find the series and hand the values known by `from` over. */
BV_MUST bv_rc bv_context_open(bv_context *c, bv_store *s, const bv_ruleset *rules, int64_t from,
                              int64_t end, bv_sim *sim, bv_err *err);
void bv_context_close(bv_context *c);

/* Hand over what is known by t. */
BV_MUST bv_rc bv_context_advance(bv_context *c, int64_t t, bv_sim *sim, bv_err *err);

#endif
