/* config.c - the configuration of a run, from JSON; see config.h. */
#include "run/config.h"
#include "base/text.h"
#include "data/json.h"
#include "run/risk_config.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Keys that are not knobs of the simulator. */
static const char *const plain_keys[] = {
    "profile",   "timestep",           "assets",          "start",      "end",      "tz",
    "risk_free", "currency",           "periods",         "commission", "slippage", "params",
    "benchmark", "benchmark_timestep", "financing.rates", "risk",       "every",    "calendar",
    "checkpoint"};
#define NPLAIN (sizeof plain_keys / sizeof *plain_keys)

enum { NCOSTS = 2 };

const char *bv_run_config_key(int i) {
  int n;
  const bv_sim_knob *knob = bv_sim_knobs(&n);
  if (i < n) return knob[i].name;
  return (size_t)(i - n) < NPLAIN ? plain_keys[i - n] : NULL;
}

typedef struct reader {
  bv_run_config *c;
  int pass;           /* 0: what others depend on (profile, tz); 1: the rest */
  bool named[NCOSTS]; /* models that are named */
} reader;

static bv_rc unknown_key(const char *path, bv_err *err) {
  enum { MAX = 256 };
  const char *names[MAX + 1] = {0};
  int n, k = 0;
  const bv_sim_knob *knob = bv_sim_knobs(&n);
  for (int i = 0; i < n && k < MAX; i++) names[k++] = knob[i].name;
  for (size_t i = 0; i < NPLAIN && k < MAX; i++) names[k++] = plain_keys[i];
  const char *near = bv_nearest(path, names);
  return bv_fail(err, BV_ARG,
                 "config: unknown key '%.60s'%s%s%s; SELECT DISTINCT knob FROM bt_profile "
                 "lists the knobs",
                 path, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* What else can be wrong with a key: an argument of the wrong shape. */
static bv_rc wrong_shape(const char *path, bv_err *err) {
  int n;
  size_t length = strlen(path);
  const bv_sim_knob *knob = bv_sim_knobs(&n);
  for (int i = 0; i < n; i++) {
    const char *rest = knob[i].name + length;
    if (strncmp(knob[i].name, path, length) != 0 || *rest != '.') continue;
    bool cost = strcmp(path, "commission") == 0 || strcmp(path, "slippage") == 0;
    return bv_fail(err, BV_ARG, "config: '%s' must be %san object such as {\"%s\": ...}", path,
                   cost ? "a number, the rate of model percentage, or " : "", rest + 1);
  }
  if (bv_text_ieq(path, "params")) {
    return bv_fail(err, BV_ARG, "config: 'params' must be an object such as {\"fast\": 10}");
  }
  return unknown_key(path, err);
}

static bv_rc read_text(const char *path, const char *type, sqlite3_value *v, const char **out,
                       bv_err *err) {
  if (strcmp(type, "text") != 0) {
    return bv_fail(err, BV_ARG, "config: '%s' must be a text, not %s", path, type);
  }
  *out = (const char *)sqlite3_value_text(v);
  return *out ? BV_OK : BV_NOMEM;
}

static bv_rc read_number(const char *path, const char *type, sqlite3_value *v, double *out,
                         bv_err *err) {
  if (strcmp(type, "integer") != 0 && strcmp(type, "real") != 0) {
    return bv_fail(err, BV_ARG, "config: '%s' must be a number, not %s", path, type);
  }
  *out = sqlite3_value_double(v);
  return BV_OK;
}

static bv_rc read_checkpoint(const char *path, const char *type, sqlite3_value *v, int64_t *out,
                             bv_err *err) {
  *out = sqlite3_value_int64(v);
  if (strcmp(type, "integer") == 0 && *out >= 0) return BV_OK;
  return bv_fail(err, BV_ARG, "config: '%s' must be a whole number of steps, 0 for none", path);
}

static bv_rc read_instant(const bv_run_config *c, const char *path, const char *type,
                          sqlite3_value *v, int64_t *out, bv_err *err) {
  if (strcmp(type, "integer") == 0) {
    bv_err why = {0};
    *out = sqlite3_value_int64(v);
    if (bv_instant_check(*out, &why) == BV_OK) return BV_OK;
    return bv_fail(err, BV_ARG, "config: '%s': %s", path, why.msg);
  }
  const char *text = NULL;
  if (strcmp(type, "text") != 0) {
    return bv_fail(err, BV_ARG,
                   "config: '%s' must be a time as text ('2024-01-03') or whole epoch seconds, not "
                   "%s",
                   path, type);
  }
  BV_TRY(read_text(path, type, v, &text, err));
  bv_err why = {0};
  if (bv_instant_parse(text, strlen(text), c->zone, out, NULL, &why) == BV_OK) return BV_OK;
  return bv_fail(err, BV_ARG, "config: '%s': %s", path, why.msg);
}

static bv_rc add_asset(bv_run_config *c, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  const char *text = NULL;
  BV_TRY(read_text(path, type, v, &text, err));
  bv_err why = {0};
  if (bv_asset_check(text, strlen(text), &why) != BV_OK) {
    return bv_fail(err, BV_ARG, "config: '%s': %s", path, why.msg);
  }
  for (int i = 0; i < c->nasset; i++) {
    if (strcmp(c->asset[i], text) == 0) return BV_OK;
  }
  char **more = bv_realloc(BV_MEM_RUN, c->asset, (size_t)(c->nasset + 1) * sizeof *more);
  if (!more) return BV_NOMEM;
  c->asset = more;
  char *copy = bv_strdup(BV_MEM_RUN, text);
  if (!copy) return BV_NOMEM;
  c->asset[c->nasset++] = copy;
  return BV_OK;
}

static bv_rc read_length(const char *path, const char *type, sqlite3_value *v, bv_timestep *out,
                         bv_err *err) {
  const char *text = NULL;
  BV_TRY(read_text(path, type, v, &text, err));
  bv_err why = {0};
  if (bv_timestep_parse(text, strlen(text), out, &why) == BV_OK) return BV_OK;
  return bv_fail(err, BV_ARG, "config: '%s': %s", path, why.msg);
}

static bv_rc read_timestep(const char *path, const char *type, sqlite3_value *v, char out[32],
                           bv_err *err) {
  bv_timestep step;
  BV_TRY(read_length(path, type, v, &step, err));
  bv_timestep_format(step, out);
  return BV_OK;
}

static bv_rc read_currency(bv_run_config *c, const char *path, const char *type, sqlite3_value *v,
                           bv_err *err) {
  const char *text = NULL;
  BV_TRY(read_text(path, type, v, &text, err));
  if (!*text || strlen(text) >= sizeof c->currency) {
    return bv_fail(err, BV_ARG, "config: '%s' is '%.40s'; it is a currency such as USD", path,
                   text);
  }
  snprintf(c->currency, sizeof c->currency, "%s", text);
  return BV_OK;
}

static bv_rc read_benchmark(bv_run_config *c, const char *path, const char *type, sqlite3_value *v,
                            bv_err *err) {
  const char *text = NULL;
  BV_TRY(read_text(path, type, v, &text, err));
  bv_err why = {0};
  if (bv_asset_check(text, strlen(text), &why) != BV_OK) {
    return bv_fail(err, BV_ARG, "config: '%s': %s", path, why.msg);
  }
  bv_free(c->benchmark);
  c->benchmark = bv_strdup(BV_MEM_RUN, text);
  return c->benchmark ? BV_OK : BV_NOMEM;
}

/* The name of a table, or the like. */
static bv_rc keep_name(char **to, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  const char *text = NULL;
  BV_TRY(read_text(path, type, v, &text, err));
  bv_free(*to);
  *to = bv_strdup(BV_MEM_RUN, text);
  return *to ? BV_OK : BV_NOMEM;
}

static bv_rc add_param(bv_run_config *c, const char *name, const char *type, sqlite3_value *v,
                       bv_err *err) {
  (void)err;
  (void)type;
  sqlite3_value *copy = sqlite3_value_dup(v);
  if (!copy) return BV_NOMEM;
  sqlite3_value *old = bv_map_find(&c->param, name, strlen(name));
  bv_rc rc = bv_map_put(&c->param, name, strlen(name), copy);
  sqlite3_value_free(rc == BV_OK ? old : copy);
  return rc;
}

/* A knob of the simulator.  {"commission": 0.001} is short for the percentage model at that rate, and
** so for slippage. */
static bv_rc set_knob(bv_run_config *c, const char *path, const char *type, sqlite3_value *v,
                      bv_err *err) {
  bv_rc rc;
  bool number = strcmp(type, "integer") == 0 || strcmp(type, "real") == 0;
  bool flag = strcmp(type, "true") == 0 || strcmp(type, "false") == 0;
  if (number && (bv_text_ieq(path, "commission") || bv_text_ieq(path, "slippage"))) {
    char knob[40];
    snprintf(knob, sizeof knob, "%s.model", path);
    BV_TRY(bv_sim_set_text(&c->sim, knob, "percentage", err));
    snprintf(knob, sizeof knob, "%s.rate", path);
    return bv_sim_set_number(&c->sim, knob, sqlite3_value_double(v), err);
  }
  bv_err why = {0};
  if (number) {
    rc = bv_sim_set_number(&c->sim, path, sqlite3_value_double(v), &why);
  } else if (flag) { /* as text: a knob that takes a number refuses it */
    rc = bv_sim_set_text(&c->sim, path, type, &why);
  } else if (strcmp(type, "text") == 0) {
    rc = bv_sim_set_text(&c->sim, path, (const char *)sqlite3_value_text(v), &why);
  } else {
    return bv_fail(err, BV_ARG, "config: '%s' is %s", path, type);
  }
  if (rc == BV_NOTFOUND) return wrong_shape(path, err);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "config: %s", bv_err_text(&why, rc));
}

static bv_rc set_profile(bv_run_config *c, const char *name, bv_err *err) {
  const bv_sim_profile *p = bv_sim_profile_find(name);
  if (!p) {
    enum { MOST = 16 };
    const char *names[MOST + 1] = {0};
    int n;
    const bv_sim_profile *all = bv_sim_profiles(&n);
    for (int i = 0; i < n && i < MOST; i++) names[i] = all[i].name;
    const char *near = bv_nearest(name, names);
    return bv_fail(err, BV_ARG,
                   "config: unknown profile '%.40s'%s%s%s; SELECT DISTINCT profile FROM "
                   "bt_profile lists them",
                   name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  c->sim = p->config;
  snprintf(c->profile, sizeof c->profile, "%s", p->name);
  return BV_OK;
}

/* A model that the configuration names begins without the numbers the profile has set for its own. */
static const char *const costs[] = {"commission", "slippage"};

static void note_model(reader *r, const char *path, const char *type) {
  bool number = strcmp(type, "integer") == 0 || strcmp(type, "real") == 0;
  for (size_t i = 0; i < NCOSTS; i++) {
    char model[32];
    snprintf(model, sizeof model, "%s.model", costs[i]);
    if (bv_text_ieq(path, model) || (number && bv_text_ieq(path, costs[i]))) r->named[i] = true;
  }
}

static void forget_numbers(reader *r) {
  for (size_t i = 0; i < NCOSTS; i++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s.", costs[i]);
    if (r->named[i]) bv_sim_clear(&r->c->sim, prefix);
  }
}

static bv_rc first_pass(bv_run_config *c, const char *path, const char *type, sqlite3_value *v,
                        bv_err *err) {
  const char *text = NULL;
  if (bv_text_ieq(path, "profile")) {
    BV_TRY(read_text(path, type, v, &text, err));
    return set_profile(c, text, err);
  }
  if (bv_text_ieq(path, "tz")) {
    BV_TRY(read_text(path, type, v, &text, err));
    bv_err why = {0};
    if (bv_zone_find(text, &c->zone, &why) == BV_OK) return BV_OK;
    return bv_fail(err, BV_ARG, "config: %s", why.msg);
  }
  return BV_OK;
}

static bv_rc read_leaf(void *ctx, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  reader *r = ctx;
  bv_run_config *c = r->c;
  if (r->pass == 0) {
    note_model(r, path, type);
    return first_pass(c, path, type, v, err);
  }
  if (bv_text_ieq(path, "profile") || bv_text_ieq(path, "tz")) return BV_OK;
  if (bv_text_ieq(path, "start")) return read_instant(c, path, type, v, &c->start, err);
  if (bv_text_ieq(path, "end")) return read_instant(c, path, type, v, &c->end, err);
  if (bv_text_ieq(path, "risk_free")) return read_number(path, type, v, &c->risk_free, err);
  if (bv_text_ieq(path, "periods")) return read_number(path, type, v, &c->periods, err);
  if (bv_text_ieq(path, "checkpoint")) return read_checkpoint(path, type, v, &c->checkpoint, err);
  if (bv_text_ieq(path, "currency")) return read_currency(c, path, type, v, err);
  if (bv_text_ieq(path, "assets") || strncmp(path, "assets[", 7) == 0)
    return add_asset(c, path, type, v, err);
  if (strncmp(path, "params.", 7) == 0) return add_param(c, path + 7, type, v, err);
  if (bv_text_ieq(path, "timestep")) return read_timestep(path, type, v, c->timestep, err);
  if (bv_text_ieq(path, "every")) return read_length(path, type, v, &c->every, err);
  if (bv_text_ieq(path, "financing.rates")) return keep_name(&c->rates, path, type, v, err);
  if (bv_text_ieq(path, "calendar")) return keep_name(&c->calendar, path, type, v, err);
  if (bv_text_ieq(path, "benchmark")) return read_benchmark(c, path, type, v, err);
  if (bv_text_ieq(path, "benchmark_timestep")) {
    return read_timestep(path, type, v, c->benchmark_timestep, err);
  }
  if (bv_risk_config_owns(path)) return bv_risk_config_leaf(&c->risk, path, type, v, err);
  return set_knob(c, path, type, v, err);
}

static bv_rc check(bv_run_config *c, bv_err *err) {
  if (c->start > c->end) return bv_fail(err, BV_ARG, "config: start lies after end");
  if (c->periods < 0 || c->periods > 1e9) {
    return bv_fail(err, BV_ARG, "config: periods %g is not a number of periods per year",
                   c->periods);
  }
  if (c->calendar && c->sim.settlement_days == 0) {
    return bv_fail(err, BV_ARG, "config: calendar counts settlement_days, which is 0");
  }
  if (c->benchmark_timestep[0] && !c->benchmark) {
    return bv_fail(err, BV_ARG, "config: benchmark_timestep without benchmark, the asset");
  }
  bv_err why = {0};
  bv_rc rc = bv_sim_config_check(&c->sim, &why);
  if (rc == BV_OK) rc = bv_ruleset_check(&c->risk, &why);
  if (rc == BV_OK) rc = bv_risk_config_check(&c->risk, &why);
  return rc == BV_OK ? BV_OK : bv_fail(err, rc, "config: %s", bv_err_text(&why, rc));
}

/* A key that is there twice, in whatever form, says two things. */
static bv_rc note_key(bv_map *seen, const char *path, bv_err *err) {
  char *key = bv_strdup(BV_MEM_RUN, path);
  if (!key) return BV_NOMEM;
  for (char *p = key; *p; p++) *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
  bool names = strncmp(key, "params.", 7) == 0 || strncmp(key, "risk[", 5) == 0; /* of the user's */
  const char *as = names ? path : key;
  size_t n = strlen(as);
  bv_rc rc = bv_map_find(seen, as, n) ? bv_fail(err, BV_ARG, "config: '%.60s' is given twice", path)
                                      : bv_map_put(seen, as, n, seen);
  bv_free(key);
  return rc;
}

/* {"commission": 0.001} is commission.model and commission.rate. */
static bv_rc note_keys(void *ctx, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  (void)v;
  bv_map *seen = ctx;
  bool number = strcmp(type, "integer") == 0 || strcmp(type, "real") == 0;
  BV_TRY(note_key(seen, path, err));
  for (size_t i = 0; i < NCOSTS && number; i++) {
    char part[32];
    if (!bv_text_ieq(path, costs[i])) continue;
    for (int k = 0; k < 2; k++) {
      snprintf(part, sizeof part, "%s.%s", costs[i], k ? "rate" : "model");
      BV_TRY(note_key(seen, part, err));
    }
  }
  return BV_OK;
}

bv_rc bv_run_config_twice(sqlite3 *db, const char *text, bv_err *err) {
  bv_map seen;
  bv_map_init(&seen);
  bv_rc rc = bv_json_walk(db, text, "config", note_keys, &seen, err);
  bv_map_reset(&seen);
  return rc;
}

/* A knob as it was. */
static bv_rc base_leaf(void *ctx, const char *path, const char *type, sqlite3_value *v,
                       bv_err *err) {
  bv_run_config *c = ctx;
  int n;
  const bv_sim_knob *knob = bv_sim_knobs(&n);
  for (int i = 0; i < n; i++) {
    if (strcmp(knob[i].name, path) == 0) return set_knob(c, path, type, v, err);
  }
  return BV_OK;
}

bv_rc bv_run_config_read(sqlite3 *db, const char *text, const bv_zone *zone, bv_run_config *out,
                         bv_err *err) {
  return bv_run_config_read_on(db, NULL, text, zone, out, err);
}

static bv_rc parse(sqlite3 *db, const char *base, const char *text, const bv_zone *zone,
                   bv_run_config *out, bv_err *err) {
  *out = (bv_run_config){.zone = zone, .start = INT64_MIN, .end = INT64_MAX, .currency = "USD"};
  bv_map_init(&out->param);
  bv_rc rc = set_profile(out, "default", err);
  for (reader r = {.c = out}; r.pass < 2 && rc == BV_OK; r.pass++) {
    if (r.pass == 1 && base) rc = bv_json_walk(db, base, "knobs", base_leaf, out, err);
    if (r.pass == 1) forget_numbers(&r);
    if (rc == BV_OK) rc = bv_json_walk(db, text, "config", read_leaf, &r, err);
  }
  if (rc != BV_OK) bv_run_config_reset(out);
  return rc;
}

bv_rc bv_run_config_parse(sqlite3 *db, const char *text, const bv_zone *zone, bv_run_config *out,
                          bv_err *err) {
  return parse(db, NULL, text, zone, out, err);
}

bv_rc bv_run_config_read_on(sqlite3 *db, const char *base, const char *text, const bv_zone *zone,
                            bv_run_config *out, bv_err *err) {
  BV_TRY(parse(db, base, text, zone, out, err));
  bv_rc rc = check(out, err);
  if (rc != BV_OK) bv_run_config_reset(out);
  return rc;
}

void bv_run_config_reset(bv_run_config *c) {
  for (int i = 0; i < c->nasset; i++) bv_free(c->asset[i]);
  bv_free(c->asset);
  c->asset = NULL;
  bv_ruleset_reset(&c->risk);
  bv_free(c->benchmark);
  c->benchmark = NULL;
  bv_free(c->rates);
  c->rates = NULL;
  bv_free(c->calendar);
  c->calendar = NULL;
  c->nasset = 0;
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&c->param, &at));) sqlite3_value_free(e->value);
  bv_map_reset(&c->param);
}

bv_rc bv_run_config_knobs(const bv_run_config *c, bv_buf *out) {
  int n;
  const bv_sim_knob *knob = bv_sim_knobs(&n);
  BV_TRY(bv_buf_adds(out, "{"));
  for (int i = 0; i < n; i++) {
    char value[BV_KNOB_TEXT];
    bv_sim_get_text(&c->sim, &knob[i], value);
    BV_TRY(bv_buf_addf(out, "%s\"%s\":", i ? "," : "", knob[i].name));
    bool text = knob[i].type == BV_KNOB_CHOICE || knob[i].type == BV_KNOB_TIERS;
    BV_TRY(text ? bv_buf_add_json(out, value) : bv_buf_adds(out, value));
  }
  return bv_buf_adds(out, "}");
}
