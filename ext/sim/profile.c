/*
** profile.c - setting, reading and checking knobs.
**
** Adding a knob is adding a field to bv_sim_config, a row to the table in knobs.c and, where it can
** contradict another one, a rule to bv_sim_config_check.  Adding a profile is adding a row to the table
** in profiles.c.
*/
#include "sim/profile.h"

#include "base/text.h"
#include "sim/account.h"
#include "sim/commission.h"
#include "sim/quote.h"
#include "sim/slippage.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const bv_sim_knob *knob_find(const char *name, bv_err *err) {
  enum { MAX = 256 };
  const char *names[MAX + 1] = {0};
  int n;
  const bv_sim_knob *knobs = bv_sim_knobs(&n);
  assert(n <= MAX);
  for (int i = 0; i < n; i++) {
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

/* --- tiers --- */

static bv_tiers *knob_tiers(bv_sim_config *c, const bv_sim_knob *k) {
  return (bv_tiers *)(void *)((char *)c + k->offset);
}

static bv_rc bad_tiers(const bv_sim_knob *k, bv_err *err) {
  return bv_fail(err, BV_ARG,
                 "%s takes up to %d tiers such as [{\"upto\": 10000, \"rate\": 0.005}, {\"rate\": "
                 "0.003}], or as text 10000:0.005,0.003",
                 k->name, BV_TIERS);
}

/* A number of text that ends at any of `ends`; *at moves behind it. */
static bool read_f64(const char **at, const char *ends, double *out) {
  size_t n = strcspn(*at, ends);
  if (bv_parse_f64(*at, n, out) != BV_OK) return false;
  *at += n;
  return true;
}

/* "10000:0.005,0.003" */
static bv_rc set_tiers(bv_sim_config *c, const bv_sim_knob *k, const char *text, bv_err *err) {
  bv_tiers t = {0};
  for (const char *p = text; *p;) {
    if (t.n == BV_TIERS) return bad_tiers(k, err);
    bv_tier *tier = &t.tier[t.n++];
    tier->upto = INFINITY;
    if (!read_f64(&p, ":,", &tier->rate)) return bad_tiers(k, err);
    if (*p == ':') {
      tier->upto = tier->rate;
      p++;
      if (!read_f64(&p, ",", &tier->rate)) return bad_tiers(k, err);
    }
    bool ranged = tier->upto > 0 && tier->rate >= k->min && tier->rate <= k->max;
    if (!ranged || (*p == ',' && !*++p)) return bad_tiers(k, err);
  }
  *knob_tiers(c, k) = t;
  return BV_OK;
}

static void get_tiers(const bv_tiers *t, char out[BV_KNOB_TEXT]) {
  size_t at = 0;
  out[0] = 0;
  for (int i = 0; i < t->n; i++) {
    char upto[32], rate[32];
    bv_format_f64(t->tier[i].upto, upto);
    bv_format_f64(t->tier[i].rate, rate);
    bool last = isinf(t->tier[i].upto);
    at += (size_t)snprintf(out + at, BV_KNOB_TEXT - at, "%s%s%s%s", i ? "," : "", last ? "" : upto,
                           last ? "" : ":", rate);
    assert(at < BV_KNOB_TEXT);
  }
}

/* "[2].upto" or "[2].rate" */
static bv_rc set_tier(bv_sim_config *c, const bv_sim_knob *k, const char *part, double v,
                      bv_err *err) {
  bv_tiers *t = knob_tiers(c, k);
  int i = part[1] - '0';
  bool upto = strcmp(part + 2, "].upto") == 0, rate = strcmp(part + 2, "].rate") == 0;
  if (i < 0 || i >= BV_TIERS || !(upto || rate)) return bad_tiers(k, err);
  if (upto ? !(v > 0 && v <= 1e18) : !(v >= k->min && v <= k->max)) return bad_tiers(k, err);
  while (t->n <= i) t->tier[t->n++] = (bv_tier){.upto = INFINITY};
  *(upto ? &t->tier[i].upto : &t->tier[i].rate) = v;
  return BV_OK;
}

/* The knob that `name` is a part of, and the part. */
static const bv_sim_knob *tiers_find(const char *name, const char **part) {
  int n;
  const bv_sim_knob *knobs = bv_sim_knobs(&n);
  for (int i = 0; i < n; i++) {
    size_t len = strlen(knobs[i].name);
    if (knobs[i].type != BV_KNOB_TIERS || strncmp(name, knobs[i].name, len) != 0) continue;
    if (name[len] != '[') continue;
    *part = name + len;
    return &knobs[i];
  }
  return NULL;
}

/* --- setting and reading --- */

static bv_rc set_number(bv_sim_config *c, const bv_sim_knob *k, double v, bv_err *err) {
  char text[32], lo[32], hi[32];
  bv_format_f64(v, text);
  if (k->type == BV_KNOB_TIERS) return bad_tiers(k, err);
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
  const char *part;
  const bv_sim_knob *k = knob ? tiers_find(knob, &part) : NULL;
  if (k) return set_tier(c, k, part, value, err);
  k = knob_find(knob, err);
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
  if (k->type == BV_KNOB_TIERS) return set_tiers(c, k, value, err);
  if (k->type == BV_KNOB_BOOL && bv_text_ieq(value, "true")) return set_number(c, k, 1, err);
  if (k->type == BV_KNOB_BOOL && bv_text_ieq(value, "false")) return set_number(c, k, 0, err);
  if (bv_parse_f64(value, strlen(value), &v) != BV_OK) {
    return bv_fail(err, BV_ARG, "%s is '%.40s'; it takes %s", k->name, value,
                   k->type == BV_KNOB_BOOL ? "true or false" : "a number");
  }
  return set_number(c, k, v, err);
}

void bv_sim_get_text(const bv_sim_config *c, const bv_sim_knob *k, char out[BV_KNOB_TEXT]) {
  const char *p = (const char *)c + k->offset;
  if (k->type == BV_KNOB_TIERS) {
    bv_tiers t;
    memcpy(&t, p, sizeof t);
    get_tiers(&t, out);
    return;
  }
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
  assert(n < BV_KNOB_TEXT);
  memcpy(out, text, n + 1);
}

double bv_sim_config_lot(const bv_sim_config *c) {
  if (c->lot > 0) return c->lot;
  return c->units == BV_UNITS_WHOLE ? 1.0 : 1e-6;
}

void bv_sim_clear(bv_sim_config *c, const char *prefix) {
  int n;
  const bv_sim_knob *knobs = bv_sim_knobs(&n);
  const bv_sim_config *plain = &bv_sim_profile_find("default")->config;
  for (int i = 0; i < n; i++) {
    const bv_sim_knob *k = &knobs[i];
    bool tiers = k->type == BV_KNOB_TIERS;
    if (strncmp(k->name, prefix, strlen(prefix)) != 0) continue;
    if (!tiers && k->type != BV_KNOB_NUMBER) continue;
    memcpy((char *)c + k->offset, (const char *)plain + k->offset,
           tiers ? sizeof(bv_tiers) : sizeof(double));
  }
}

static bv_rc check_volume(const bv_sim_config *c, bv_err *err) {
  bool share = c->volume_model == BV_VOLUME_SHARE || c->volume_model == BV_VOLUME_BAR_POINT;
  bool fixed = c->volume_model == BV_VOLUME_FIXED, step = c->volume_model == BV_VOLUME_BAR_POINT;
  if (share != (c->volume_share != 0)) {
    return bv_fail(err, BV_ARG, "volume.share goes with volume.model share or bar_point, above 0");
  }
  if (fixed != (c->volume_size != 0)) {
    return bv_fail(err, BV_ARG, "volume.size goes with volume.model fixed, above 0");
  }
  if (step != (c->volume_step != 0)) {
    return bv_fail(err, BV_ARG, "volume.step goes with volume.model bar_point, above 0");
  }
  if (c->depth_size != 0 && c->tick == 0) {
    return bv_fail(err, BV_ARG, "depth.size needs tick, the price step");
  }
  if (c->volume_model == BV_VOLUME_NONE && c->volume_minimum != 0) {
    return bv_fail(err, BV_ARG, "volume.minimum is set but volume.model is none");
  }
  if (c->volume_model != BV_VOLUME_NONE && c->fill_at == BV_FILL_SIGNAL_CLOSE) {
    return bv_fail(err, BV_ARG, "volume.model needs fill_at next_open");
  }
  return BV_OK;
}

bv_rc bv_sim_config_check(const bv_sim_config *c, bv_err *err) {
  int n;
  const bv_sim_knob *knobs = bv_sim_knobs(&n);
  for (int i = 0; i < n; i++) {
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
  BV_TRY(bv_commission_check(c, err));
  BV_TRY(check_volume(c, err));
  BV_TRY(bv_slippage_check(c, err));
  BV_TRY(bv_quote_check(c, err));
  if (c->funding_hours * 4 != floor(c->funding_hours * 4)) {
    return bv_fail(err, BV_ARG, "financing.funding_hours is a number of quarters of an hour");
  }
  if (c->units == BV_UNITS_WHOLE && c->lot > 0 && c->lot != floor(c->lot)) {
    return bv_fail(err, BV_ARG,
                   "units is whole but lot is no whole number; set units to fractional");
  }
  if (c->margin == BV_MARGIN_AVAILABLE && (c->size_at != BV_SIZE_FILL || c->flip == BV_FLIP_NET)) {
    return bv_fail(err, BV_ARG, "margin available needs size_at fill and flip close_first or add");
  }
  BV_TRY(bv_account_check(c, err));
  if (c->fill_at == BV_FILL_NEXT_CLOSE && c->rules != BV_RULES_CERTAIN) {
    return bv_fail(err, BV_ARG, "fill_at next_close needs rules certain");
  }
  if (c->sides == BV_SIDES_BOTH && c->flip != BV_FLIP_ADD) {
    return bv_fail(err, BV_ARG, "sides both needs flip add");
  }
  return BV_OK;
}
