/* rest.c - where a bar reaches an order that waits for a price; see rest.h. */
#include "sim/rest.h"

#include <math.h>

/* The bar and the order's prices as a buy sees them: a sell's are negated, so high and low change
** places and every rule is written once. */
typedef struct view {
  double open, high, low, close, limit, stop, tick;
} view;

static view view_of(double tick, const bv_order *o, const bv_sim_bar *b) {
  if (o->side > 0) return (view){b->open, b->high, b->low, b->close, o->limit, o->stop, tick};
  return (view){-b->open, -b->low, -b->high, -b->close, -o->limit, -o->stop, tick};
}

/* A rise is a fall in the mirror. */
static bv_via mirrored(const bv_order *o, bv_via via) {
  if (o->side > 0) return via;
  return via == BV_VIA_RISE ? BV_VIA_FALL : via == BV_VIA_FALL ? BV_VIA_RISE : via;
}

static bool reaches(const bv_sim_config *c, double tick, double price, double limit) {
  if (c->limit_fill == BV_TOUCH) return price <= limit;
  return price < limit && price <= limit - tick * (1 - 1e-6); /* decimals are no doubles */
}

static bool reaches_limit(const bv_sim_config *c, const view *v, double price) {
  return reaches(c, v->tick, price, v->limit);
}

bool bv_rest_reaches(const bv_sim_config *c, double tick, const bv_order *o, double price) {
  return reaches(c, tick, o->side * price, o->side * o->limit);
}

bool bv_rest_is_limit(const bv_order *o) {
  return o->type == BV_TYPE_LIMIT || o->triggered;
}

/* Waits for a price from the same side as a limit order does. */
static bool if_touched(const bv_order *o) {
  return !o->triggered && (o->type == BV_TYPE_MIT || o->type == BV_TYPE_LIT);
}

bool bv_rest_is_stop(const bv_order *o) {
  return !bv_rest_is_limit(o) && !if_touched(o) && o->type != BV_TYPE_MARKET;
}

bool bv_rest_trails(const bv_order *o) {
  return o->type == BV_TYPE_TRAIL || o->type == BV_TYPE_TRAIL_LIMIT;
}

/* Becomes a limit order once its stop is reached. */
static bool becomes_limit(const bv_order *o) {
  return o->type == BV_TYPE_STOP_LIMIT || o->type == BV_TYPE_TRAIL_LIMIT || o->type == BV_TYPE_LIT;
}

static bool fills_at_open(const bv_sim_config *c, const bv_order *o, const view *v) {
  if (bv_rest_is_limit(o)) return reaches_limit(c, v, v->open);
  if (!(if_touched(o) ? v->open <= v->stop : v->open >= v->stop)) return false;
  return !becomes_limit(o) || reaches_limit(c, v, v->open);
}

/* LEAN looks at the close alone. */
static bool by_close(const bv_sim_config *c, const bv_order *o) {
  return becomes_limit(o) && c->stop_limit == BV_STOP_LIMIT_CLOSE;
}

static bool worst(const bv_sim_config *c, const bv_order *o) {
  if (bv_rest_is_limit(o)) return c->limit_price == BV_LIMIT_WORST;
  return c->stop_price == BV_STOP_WORST && bv_rest_is_stop(o) && !becomes_limit(o);
}

/* The price at an open that is beyond the order's. */
static double open_price(const bv_sim_config *c, const bv_order *o, const bv_sim_bar *bar) {
  return c->limit_price == BV_LIMIT_EXACT && bv_rest_is_limit(o) ? o->limit : bar->open;
}

double bv_rest_open(const bv_sim_config *c, double tick, const bv_order *o, const bv_sim_bar *bar) {
  view v = view_of(tick, o, bar);
  bool now = o->tif == BV_TIF_OPG || o->tif == BV_TIF_IOC || o->tif == BV_TIF_FOK;
  bool later = !now && (by_close(c, o) || worst(c, o));
  if (later || !fills_at_open(c, o, &v)) return NAN;
  return open_price(c, o, bar);
}

/* A bar without an open may lie beyond the order altogether: then at its nearer end. */
static bv_touch touch_at(const bv_order *o, double price, bv_via via, bool sure) {
  return (bv_touch){o->side > 0 ? price : -price, mirrored(o, via), sure};
}

static bv_touch touch_limit(const bv_sim_config *c, const bv_order *o, const view *v, bv_via via) {
  if (!reaches_limit(c, v, v->low)) return (bv_touch){.price = NAN};
  bool later = via == BV_VIA_OPEN || via == BV_VIA_FALL || reaches_limit(c, v, v->close);
  return touch_at(o, fmin(v->limit, v->high), BV_VIA_FALL, later);
}

static bv_touch touch_stop(const bv_sim_config *c, const bv_order *o, const view *v, bv_via via) {
  if (!(v->high >= v->stop)) return (bv_touch){.price = NAN};
  bool later = via == BV_VIA_OPEN || via == BV_VIA_RISE || v->close >= v->stop;
  bool limited = becomes_limit(o);
  /* Triggered at the open, it is a limit order for the whole bar. */
  if (limited && v->open >= v->stop) return touch_limit(c, o, v, via);
  double reached = fmax(v->stop, v->low);
  if (!limited || v->limit >= reached) return touch_at(o, reached, BV_VIA_RISE, later);
  if (c->stop_limit == BV_STOP_LIMIT_BAR) {
    if (!reaches_limit(c, v, v->low)) return (bv_touch){.price = NAN};
    return touch_at(o, fmin(v->limit, v->high), BV_VIA_UNKNOWN, reaches_limit(c, v, v->close));
  }
  /* backtrader takes a bar that closes where it opened for one that rises, whatever the side. */
  bool trader = c->rules == BV_RULES_BACKTRADER, even = v->open == v->close && o->side < 0;
  bool falls = !trader || v->open > v->close || even;
  if (!falls || !reaches_limit(c, v, v->close)) return (bv_touch){.price = NAN};
  return touch_at(o, fmin(v->limit, v->high), BV_VIA_UNKNOWN, later);
}

static bv_touch touch_from_above(const bv_sim_config *c, const bv_order *o, const view *v) {
  if (!(v->low <= v->stop)) return (bv_touch){.price = NAN};
  bool limited = becomes_limit(o);
  if (limited && (v->open <= v->stop || v->limit < v->stop)) {
    return touch_limit(c, o, v, BV_VIA_OPEN);
  }
  return touch_at(o, fmin(v->stop, v->high), BV_VIA_FALL, true);
}

static bv_touch touch_by_close(const bv_order *o, const view *v) {
  if (o->type == BV_TYPE_LIT) {
    bool touched = o->triggered || v->low <= v->stop;
    if (!touched || !(v->close <= v->limit)) return (bv_touch){.price = NAN};
    return touch_at(o, v->close, BV_VIA_UNKNOWN, true);
  }
  bool triggered = o->triggered || v->high > v->stop;
  if (!triggered || !(v->close < v->limit)) return (bv_touch){.price = NAN};
  return touch_at(o, fmin(v->limit, v->high), BV_VIA_UNKNOWN, true);
}

static bv_touch touch_at_worst(const bv_sim_config *c, const bv_order *o, const view *v) {
  if (bv_rest_is_limit(o)) {
    if (!reaches_limit(c, v, v->low)) return (bv_touch){.price = NAN};
    return touch_at(o, fmin(v->limit, v->high), BV_VIA_UNKNOWN, true);
  }
  /* LEAN asks that a stop is passed, and of a trailing one that it is reached. */
  bool reached = o->type == BV_TYPE_STOP ? v->high > v->stop : v->high >= v->stop;
  if (!reached) return (bv_touch){.price = NAN};
  return touch_at(o, fmax(v->stop, v->close), BV_VIA_UNKNOWN, true);
}

/* Whether the entry's price itself was already beyond the order's. */
static bool beyond(const bv_sim_config *c, const bv_order *o, double from, const view *v) {
  return bv_rest_is_limit(o) ? reaches_limit(c, v, from) : from >= v->stop;
}

bv_touch bv_rest_touch(const bv_sim_config *c, double tick, const bv_order *o,
                       const bv_sim_bar *bar, int64_t number) {
  view v = view_of(tick, o, bar);
  bv_via via = o->parent && o->entered == number ? mirrored(o, o->via) : BV_VIA_OPEN;
  if (by_close(c, o)) return touch_by_close(o, &v);
  if (worst(c, o)) return touch_at_worst(c, o, &v);
  if (via == BV_VIA_OPEN && fills_at_open(c, o, &v)) {
    return (bv_touch){open_price(c, o, bar), BV_VIA_OPEN, true};
  }
  if (via != BV_VIA_OPEN && beyond(c, o, o->side * o->from, &v)) {
    return (bv_touch){o->from, o->via, true};
  }
  if (if_touched(o)) return touch_from_above(c, o, &v);
  return bv_rest_is_limit(o) ? touch_limit(c, o, &v, via) : touch_stop(c, o, &v, via);
}

double bv_rest_trail(const bv_order *o, double price) {
  double distance = o->trail > 0 ? o->trail : price * (o->trail_percent / 100);
  return price + o->side * distance;
}

void bv_rest_carry(const bv_sim_config *c, bv_order *o, const bv_sim_bar *bar) {
  bool trader = c->rules == BV_RULES_BACKTRADER, before = o->triggered;
  if (becomes_limit(o) && !o->triggered) {
    view v = view_of(0, o, bar);
    o->triggered = if_touched(o)    ? v.low <= v.stop
                   : by_close(c, o) ? v.high > v.stop
                                    : v.high >= v.stop;
  }
  /* backtrader moves the limit by the close of the bar that triggered it, too. */
  if (!bv_rest_trails(o) || (trader ? before : o->triggered)) return;
  double best = o->side > 0 ? bar->low : bar->high;
  if (trader) best = bar->close;
  if (isnan(best)) return;
  double stop = bv_rest_trail(o, best);
  stop = o->side > 0 ? fmin(o->stop, stop) : fmax(o->stop, stop);
  if (o->type == BV_TYPE_TRAIL_LIMIT) o->limit += stop - o->stop;
  o->stop = stop;
}

/* The line of the path on which a bracket's entry fills. */
static int entry_line(const bv_order *o, const double path[4]) {
  int last = 2;
  for (int k = 0; k < 3; k++) {
    double a = path[k], b = path[k + 1];
    if (!(fmin(a, b) <= o->from && o->from <= fmax(a, b))) continue;
    if (o->via == BV_VIA_RISE && b >= a) return k;
    if (o->via == BV_VIA_FALL && b <= a) return k;
    last = k;
  }
  return last;
}

double bv_rest_time(const bv_order *o, const double path[4], int64_t number) {
  bool here = o->parent && o->entered == number;
  bool up = bv_rest_is_stop(o) == (o->side > 0);
  double level = bv_rest_is_stop(o) || o->limit == 0 ? o->stop : o->limit, from = path[0];
  int k = 0;
  if (here && o->via != BV_VIA_OPEN) {
    k = entry_line(o, path);
    from = o->from;
  }
  for (; k < 3; k++) {
    double to = path[k + 1];
    if (up ? from >= level : from <= level) return k;
    if (up ? to >= level : to <= level) return k + (level - from) / (to - from);
    from = to;
  }
  return NAN;
}
