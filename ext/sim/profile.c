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

#include <assert.h>
#include <math.h>
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
  BV_TRY(check_costs(c, err));
  if (c->units == BV_UNITS_WHOLE && c->lot > 0 && c->lot != floor(c->lot)) {
    return bv_fail(err, BV_ARG,
                   "units is whole but lot is no whole number; set units to fractional");
  }
  if (c->margin == BV_MARGIN_AVAILABLE && (c->size_at != BV_SIZE_FILL || c->flip == BV_FLIP_NET)) {
    return bv_fail(err, BV_ARG, "margin available needs size_at fill and flip close_first or add");
  }
  BV_TRY(bv_account_check(c, err));
  if (c->sides == BV_SIDES_BOTH && c->flip != BV_FLIP_ADD) {
    return bv_fail(err, BV_ARG, "sides both needs flip add");
  }
  return BV_OK;
}
