/* risk_config.c - risk rules from JSON, and the context they look at; see risk_config.h. */
#include "run/risk_config.h"

#include "base/text.h"
#include "data/contract.h"
#include "run/benchmark.h"

#include <stdlib.h>
#include <string.h>

/* --- from JSON --- */

bool bv_risk_config_owns(const char *path) {
  size_t n = strnlen(path, 5);
  return bv_text_ieq(path, "risk") || bv_text_ieqn(path, n, "risk[") ||
         bv_text_ieqn(path, n, "risk.");
}

/* "[12]..." -> 12, and what follows. */
static bool read_index(const char **p, int *out) {
  if (**p != '[') return false;
  char *end;
  long i = strtol(*p + 1, &end, 10);
  if (end == *p + 1 || *end != ']' || i < 0 || i > 1000) return false;
  *out = (int)i;
  *p = end + 1;
  return true;
}

static bv_rc set_value(bv_rule *r, const char *key, const char *type, sqlite3_value *v,
                       bv_err *err) {
  if (strcmp(type, "text") == 0) {
    const char *text = (const char *)sqlite3_value_text(v);
    return text ? bv_rule_set_text(r, key, text, err) : BV_NOMEM;
  }
  if (strcmp(type, "null") == 0) return bv_fail(err, BV_ARG, "%.40s is null", key);
  return bv_rule_set_number(r, key, sqlite3_value_double(v), err);
}

static bv_rc set_member(bv_rule *r, const char *asset, const char *type, sqlite3_value *v,
                        bv_err *err) {
  if (strcmp(type, "text") != 0) {
    return bv_fail(err, BV_ARG, "groups must name a group for each asset: {\"AAPL\": \"tech\"}");
  }
  const char *group = (const char *)sqlite3_value_text(v);
  return group ? bv_rule_add_member(r, asset, group, err) : BV_NOMEM;
}

static bv_rc set_step(bv_rule *r, const char *rest, const char *type, sqlite3_value *v,
                      bv_err *err) {
  int i = BV_RULE_STEPS, which = 0;
  bool shaped = read_index(&rest, &i) && read_index(&rest, &which) && !*rest;
  bool number = strcmp(type, "integer") == 0 || strcmp(type, "real") == 0;
  if (!shaped || !number) i = BV_RULE_STEPS;
  return bv_rule_set_step(r, i, which, sqlite3_value_double(v), err);
}

static bv_rc take(bv_ruleset *rules, int i, const char *key, const char *type, sqlite3_value *v,
                  bv_err *err) {
  bv_rule *r;
  BV_TRY(bv_ruleset_at(rules, i, &r, err));
  if (bv_text_ieqn(key, strnlen(key, 7), "groups.")) return set_member(r, key + 7, type, v, err);
  if (bv_text_ieqn(key, strnlen(key, 6), "steps[")) return set_step(r, key + 5, type, v, err);
  return set_value(r, key, type, v, err);
}

bv_rc bv_risk_config_leaf(bv_ruleset *rules, const char *path, const char *type, sqlite3_value *v,
                          bv_err *err) {
  const char *p = path + strlen("risk");
  int i;
  if (!read_index(&p, &i) || *p != '.') {
    return bv_fail(err, BV_ARG,
                   "config: 'risk' must be a list of rules such as [{\"rule\": \"stop_loss\", "
                   "\"percent\": 5}]");
  }
  bv_err why = {0};
  bv_rc rc = take(rules, i, p + 1, type, v, &why);
  if (rc == BV_OK) return BV_OK;
  return bv_fail(err, rc, "config: risk[%d]: %s", i, bv_err_text(&why, rc));
}

/* --- groups by a property --- */

static bool names_groups(const bv_property *p) {
  return p->type == BV_PROPERTY_WORD || p->type == BV_PROPERTY_TEXT;
}

bv_rc bv_risk_config_check(const bv_ruleset *rules, bv_err *err) {
  for (int i = 0; i < rules->n; i++) {
    const char *name = rules->rule[i].property, *names[32] = {0}, *near;
    const bv_property *p = name ? bv_property_find(name) : NULL;
    if (!name || (p && names_groups(p))) continue;
    int n, k = 0;
    p = bv_properties(&n);
    for (int j = 0; j < n && k < 31; j++) {
      if (names_groups(&p[j])) names[k++] = p[j].name;
    }
    near = bv_nearest(name, names);
    return bv_fail(
        err, BV_ARG,
        "risk[%d]: property is '%.40s'%s%s%s; it must be one of an asset that is a name, "
        "such as sector, industry, country, currency or kind",
        i, name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  return BV_OK;
}

bv_rc bv_risk_config_join(bv_ruleset *rules, bv_store *s, const char *asset, bv_err *err) {
  bv_contract c;
  bool known = false;
  for (int i = 0; i < rules->n; i++) {
    bv_rule *k = &rules->rule[i];
    if (!k->property) continue;
    if (!known) BV_TRY(bv_contract_read(s, asset, &c, err));
    known = true;
    const char *group = bv_property_text(&c, bv_property_find(k->property));
    if (group) BV_TRY(bv_rule_add_member(k, asset, group, err));
  }
  return BV_OK;
}

/* --- context --- */

static double column_of(const bv_rule *k, const bv_sim_bar *b) {
  const char *c = k->column ? k->column : "close";
  if (bv_text_ieq(c, "open")) return b->open;
  if (bv_text_ieq(c, "high")) return b->high;
  if (bv_text_ieq(c, "low")) return b->low;
  return bv_text_ieq(c, "volume") ? b->volume : b->close;
}

static bv_rc check_column(const bv_rule *k, bv_err *err) {
  static const char *const names[] = {"open", "high", "low", "close", "volume", NULL};
  for (int i = 0; k->column && names[i]; i++) {
    if (bv_text_ieq(k->column, names[i])) return BV_OK;
  }
  if (!k->column) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "config: context: column is '%.40s'; it must be open, high, low, close or volume",
                 k->column);
}

static bv_rc add_context(bv_context *c, bv_store *s, int rule, int64_t from, bv_sim *sim,
                         bv_err *err) {
  const bv_rule *k = &c->rules->rule[rule];
  bv_series series;
  bv_sim_bar last;
  bool found = false;
  BV_TRY(check_column(k, err));
  BV_TRY(bv_benchmark_find(s, k->asset, k->timestep ? k->timestep : "", &series, err));
  c->used = true;
  int64_t since = from;
  if (from != INT64_MIN) {
    /* A bar that begins before the run and ends in it counts too. */
    BV_TRY(bv_feed_before(&c->feed, &series, rule, from, &last, &found, err));
    since = found ? last.ts + 1 : INT64_MIN;
  }
  if (found) bv_sim_context(sim, rule, column_of(k, &last));
  return bv_feed_add(&c->feed, &series, rule, since, false, err);
}

bv_rc bv_context_open(bv_context *c, bv_store *s, const bv_ruleset *rules, int64_t from,
                      int64_t end, bv_sim *sim, bv_err *err) {
  *c = (bv_context){.rules = rules};
  bv_feed_init(&c->feed, s, INT64_MIN, end);
  for (int i = 0; i < rules->n; i++) {
    if (rules->rule[i].kind == BV_RULE_CONTEXT) BV_TRY(add_context(c, s, i, from, sim, err));
  }
  return BV_OK;
}

void bv_context_close(bv_context *c) {
  bv_feed_reset(&c->feed);
}

bv_rc bv_context_advance(bv_context *c, int64_t t, bv_sim *sim, bv_err *err) {
  bv_feed_bars bars;
  for (int64_t at; (at = bv_feed_next(&c->feed)) <= t && at != BV_FEED_END;) {
    BV_TRY(bv_feed_closes(&c->feed, at, &bars, err));
    for (int i = 0; i < bars.n; i++) {
      const bv_rule *k = &c->rules->rule[bars.bar[i].asset];
      bv_sim_context(sim, bars.bar[i].asset, column_of(k, &bars.bar[i]));
    }
    BV_TRY(bv_feed_opens(&c->feed, at, &bars, err));
  }
  return BV_OK;
}
