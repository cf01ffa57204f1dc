/*
** test_rest.c - where one bar reaches one order: the rules of rest.h case by case, and for random bars
** against paths.
**
** The paths: a bar may have gone from open over any sequence of its low and high to the close.  What the
** rules call certain must happen on O-H-L-C and on O-L-H-C alike, and a price they give must be one that
** the bar's range holds.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/rest.h"

#include <math.h>
#include <stdio.h>

static bv_sim_config config(void) {
  return bv_sim_profile_find("default")->config;
}

/* The same bar and order upside down around 100. */
static bv_sim_bar flip(bv_sim_bar b) {
  return (bv_sim_bar){
      .open = 200 - b.open, .high = 200 - b.low, .low = 200 - b.high, .close = 200 - b.close};
}

typedef struct rest_case {
  bv_order_type type;
  double limit, stop;
  bv_sim_bar bar;
  double open, inside; /* 0: no fill */
  bv_via via;
} rest_case;

#define BAR(o, h, l, c)                                                                            \
  { .open = o, .high = h, .low = l, .close = c }

/* Buys; a sell is the same upside down. */
static const rest_case cases[] = {
    /* limit: at the open if that is no worse, else at the limit */
    {BV_TYPE_LIMIT, 99, 0, BAR(98, 101, 97, 100), 98, 98, BV_VIA_OPEN},
    {BV_TYPE_LIMIT, 99, 0, BAR(99, 101, 98, 100), 99, 99, BV_VIA_OPEN},
    {BV_TYPE_LIMIT, 99, 0, BAR(100, 101, 98, 100), 0, 99, BV_VIA_FALL},
    {BV_TYPE_LIMIT, 99, 0, BAR(100, 101, 99, 100), 0, 99, BV_VIA_FALL},
    {BV_TYPE_LIMIT, 99, 0, BAR(100, 101, 99.5, 100), 0, 0, BV_VIA_OPEN},
    /* stop: at the open if that is beyond, else at the stop */
    {BV_TYPE_STOP, 0, 101, BAR(102, 103, 100, 101), 102, 102, BV_VIA_OPEN},
    {BV_TYPE_STOP, 0, 101, BAR(101, 103, 100, 101), 101, 101, BV_VIA_OPEN},
    {BV_TYPE_STOP, 0, 101, BAR(100, 103, 99, 102), 0, 101, BV_VIA_RISE},
    {BV_TYPE_STOP, 0, 101, BAR(100, 101, 99, 100), 0, 101, BV_VIA_RISE},
    {BV_TYPE_STOP, 0, 101, BAR(100, 100.5, 99, 100), 0, 0, BV_VIA_OPEN},
    {BV_TYPE_TRAIL, 0, 101, BAR(100, 103, 99, 102), 0, 101, BV_VIA_RISE},
    /* stop_limit: triggered at the open it is a limit order for the whole bar */
    {BV_TYPE_STOP_LIMIT, 103, 101, BAR(102, 104, 100, 101), 102, 102, BV_VIA_OPEN},
    {BV_TYPE_STOP_LIMIT, 101.5, 101, BAR(102, 104, 100, 103), 0, 101.5, BV_VIA_FALL},
    {BV_TYPE_STOP_LIMIT, 101.5, 101, BAR(102, 104, 101.7, 103), 0, 0, BV_VIA_OPEN},
    /* triggered inside: at the stop; with a limit below it only what the close proves */
    {BV_TYPE_STOP_LIMIT, 102, 101, BAR(100, 103, 99, 102), 0, 101, BV_VIA_RISE},
    {BV_TYPE_STOP_LIMIT, 101, 101, BAR(100, 103, 99, 102), 0, 101, BV_VIA_RISE},
    {BV_TYPE_STOP_LIMIT, 100, 101, BAR(100, 103, 99, 99.5), 0, 100, BV_VIA_UNKNOWN},
    {BV_TYPE_STOP_LIMIT, 100, 101, BAR(100, 103, 99, 102), 0, 0, BV_VIA_OPEN},
    {BV_TYPE_STOP_LIMIT, 100, 101, BAR(100, 100.9, 99, 99.5), 0, 0, BV_VIA_OPEN},
    /* trailing_stop_limit: as stop_limit */
    {BV_TYPE_TRAIL_LIMIT, 102, 101, BAR(100, 103, 99, 102), 0, 101, BV_VIA_RISE},
    /* if touched: the trigger from above */
    {BV_TYPE_MIT, 0, 99, BAR(98, 101, 97, 100), 98, 98, BV_VIA_OPEN},
    {BV_TYPE_MIT, 0, 99, BAR(100, 101, 98, 100), 0, 99, BV_VIA_FALL},
    {BV_TYPE_MIT, 0, 99, BAR(100, 101, 99.5, 100), 0, 0, BV_VIA_OPEN},
    {BV_TYPE_LIT, 99.5, 99, BAR(98, 101, 97, 100), 98, 98, BV_VIA_OPEN},
    {BV_TYPE_LIT, 97, 99, BAR(98, 101, 96, 100), 0, 97, BV_VIA_FALL},
    {BV_TYPE_LIT, 99.5, 99, BAR(100, 101, 98, 100), 0, 99, BV_VIA_FALL},
    {BV_TYPE_LIT, 98, 99, BAR(100, 101, 97, 100), 0, 98, BV_VIA_FALL},
    {BV_TYPE_LIT, 98, 99, BAR(100, 101, 98.5, 100), 0, 0, BV_VIA_OPEN},
    /* prices that are missing reach nothing */
    {BV_TYPE_LIMIT, 99, 0, BAR(NAN, NAN, NAN, NAN), 0, 0, BV_VIA_OPEN},
    {BV_TYPE_STOP, 0, 101, BAR(100, NAN, NAN, NAN), 0, 0, BV_VIA_OPEN},
};

static void same(int i, const char *what, double got, double want) {
  if (want == 0 ? isnan(got) : fabs(got - want) < 1e-12) return;
  fail_msg("case %d: %s is %g, not %g", i, what, got, want);
}

static void test_cases(void **state) {
  (void)state;
  bv_sim_config c = config();
  for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
    const rest_case *k = &cases[i];
    bv_order buy = {.type = k->type, .side = 1, .limit = k->limit, .stop = k->stop};
    same(i, "open", bv_rest_open(&c, c.tick, &buy, &k->bar), k->open);
    bv_touch t = bv_rest_touch(&c, c.tick, &buy, &k->bar, 0);
    same(i, "inside", t.price, k->inside);
    if (k->inside != 0) assert_int_equal(t.via, k->via);
    if (k->inside != 0) assert_true(t.sure);
    bv_order sell = {.type = k->type, .side = -1, .limit = 200 - k->limit, .stop = 200 - k->stop};
    bv_sim_bar down = flip(k->bar);
    same(i, "sell open", bv_rest_open(&c, c.tick, &sell, &down), k->open != 0 ? 200 - k->open : 0);
    t = bv_rest_touch(&c, c.tick, &sell, &down, 0);
    same(i, "sell inside", t.price, k->inside != 0 ? 200 - k->inside : 0);
    bv_via turned = k->via == BV_VIA_RISE   ? BV_VIA_FALL
                    : k->via == BV_VIA_FALL ? BV_VIA_RISE
                                            : k->via;
    if (k->inside != 0) assert_int_equal(t.via, turned);
  }
}

/* A limit must be passed, by a tick or more where there is one. */
static void test_through(void **state) {
  (void)state;
  bv_sim_config c = config();
  bv_order o = {.type = BV_TYPE_LIMIT, .side = 1, .limit = 99};
  bv_sim_bar bar = BAR(100, 101, 99, 100);
  c.limit_fill = BV_THROUGH;
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &bar, 0).price));
  bar.low = 98.99;
  same(0, "beyond", bv_rest_touch(&c, c.tick, &o, &bar, 0).price, 99);
  c.tick = 0.02;
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &bar, 0).price));
  bar.low = 98.98;
  same(0, "by the tick", bv_rest_touch(&c, c.tick, &o, &bar, 0).price, 99);
  o = (bv_order){.type = BV_TYPE_LIMIT, .side = -1, .limit = 101};
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &bar, 0).price));
  bar.high = 101.01;
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &bar, 0).price));
  bar.high = 101.02;
  same(0, "sell", bv_rest_touch(&c, c.tick, &o, &bar, 0).price, 101);
}

/* The stop follows the high of a long position's bars, never back. */
static void test_trailing(void **state) {
  (void)state;
  bv_sim_config c = config();
  bv_order o = {.type = BV_TYPE_TRAIL, .side = -1, .trail = 2, .stop = 98};
  bv_sim_bar up = BAR(100, 105, 99, 104), down = BAR(104, 104, 103.5, 103.6),
             none = BAR(1, NAN, NAN, 1);
  bv_rest_carry(&c, &o, &up);
  same(0, "after the rise", o.stop, 103);
  bv_rest_carry(&c, &o, &down);
  same(0, "after the fall", o.stop, 103);
  bv_rest_carry(&c, &o, &none);
  same(0, "after no prices", o.stop, 103);
  o = (bv_order){.type = BV_TYPE_TRAIL_LIMIT, .side = -1, .trail = 2, .stop = 98, .limit = 97};
  bv_rest_carry(&c, &o, &up);
  same(0, "the stop", o.stop, 103);
  same(0, "the limit with it", o.limit, 102);
  bv_sim_bar trigger = BAR(104, 106, 102, 102);
  bv_rest_carry(&c, &o, &trigger);
  assert_true(o.triggered);
  same(0, "a limit order stands still", o.limit, 102);
  o = (bv_order){.type = BV_TYPE_TRAIL, .side = 1, .trail_percent = 10, .stop = 110};
  bv_sim_bar fall = BAR(100, 101, 90, 91);
  bv_rest_carry(&c, &o, &fall);
  same(0, "percent", o.stop, 99);
}

static void test_trigger_stays(void **state) {
  (void)state;
  bv_sim_config c = config();
  bv_order o = {.type = BV_TYPE_STOP_LIMIT, .side = 1, .limit = 100, .stop = 101};
  bv_sim_bar bar = BAR(100.5, 103, 99, 102), later = BAR(100.8, 100.9, 99.5, 100.2);
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &later, 0).price));
  assert_true(isnan(bv_rest_touch(&c, c.tick, &o, &bar, 0).price));
  bv_rest_carry(&c, &o, &bar);
  same(0, "a limit order now", bv_rest_touch(&c, c.tick, &o, &later, 0).price, 100);
}

/* --- what is certain after an entry --- */

typedef struct entry_case {
  bv_via via;
  double from;
  bv_sim_bar bar;
  int stop, limit; /* of a long: 2 certain, 1 perhaps, 0 not; stop 95, limit 105 */
} entry_case;

static const entry_case entries[] = {
    {BV_VIA_OPEN, 100, BAR(100, 106, 99, 101), 0, 2},
    {BV_VIA_OPEN, 100, BAR(100, 101, 94, 101), 2, 0},
    {BV_VIA_OPEN, 100, BAR(100, 106, 94, 101), 2, 2},
    {BV_VIA_RISE, 101, BAR(100, 106, 99, 102), 0, 2},
    {BV_VIA_RISE, 101, BAR(100, 102, 94, 94.5), 2, 0},
    {BV_VIA_RISE, 101, BAR(100, 102, 94, 101), 1, 0},
    {BV_VIA_RISE, 101, BAR(100, 106, 94, 101), 1, 2},
    {BV_VIA_FALL, 99, BAR(100, 102, 94, 101), 2, 0},
    {BV_VIA_FALL, 99, BAR(100, 106, 98, 105.5), 0, 2},
    {BV_VIA_FALL, 99, BAR(100, 106, 98, 101), 0, 1},
    {BV_VIA_FALL, 99, BAR(100, 106, 94, 101), 2, 1},
    {BV_VIA_UNKNOWN, 99, BAR(98, 106, 94, 97), 1, 1},
    {BV_VIA_UNKNOWN, 99, BAR(98, 106, 94, 94.5), 2, 1},
};

static int certainty(bv_touch t) {
  return isnan(t.price) ? 0 : t.sure ? 2 : 1;
}

static void test_after_an_entry(void **state) {
  (void)state;
  bv_sim_config c = config();
  for (int i = 0; i < (int)(sizeof entries / sizeof entries[0]); i++) {
    const entry_case *k = &entries[i];
    bv_order stop = {.type = BV_TYPE_STOP,
                     .side = -1,
                     .stop = 95,
                     .parent = 1,
                     .entered = 7,
                     .via = k->via,
                     .from = k->from};
    bv_order limit = stop;
    limit.type = BV_TYPE_LIMIT;
    limit.limit = 105;
    same(i, "stop", certainty(bv_rest_touch(&c, c.tick, &stop, &k->bar, 7)) + 1, k->stop + 1);
    same(i, "limit", certainty(bv_rest_touch(&c, c.tick, &limit, &k->bar, 7)) + 1, k->limit + 1);
    bv_via turned = k->via == BV_VIA_RISE   ? BV_VIA_FALL
                    : k->via == BV_VIA_FALL ? BV_VIA_RISE
                                            : k->via;
    bv_sim_bar bar = flip(k->bar);
    stop = (bv_order){.type = BV_TYPE_STOP,
                      .side = 1,
                      .stop = 105,
                      .parent = 1,
                      .entered = 7,
                      .via = turned,
                      .from = 200 - k->from};
    limit = stop;
    limit.type = BV_TYPE_LIMIT;
    limit.limit = 95;
    same(i, "short's stop", certainty(bv_rest_touch(&c, c.tick, &stop, &bar, 7)) + 1, k->stop + 1);
    same(i, "short's limit", certainty(bv_rest_touch(&c, c.tick, &limit, &bar, 7)) + 1,
         k->limit + 1);
    /* on the next bar all of it counts */
    assert_int_equal(certainty(bv_rest_touch(&c, c.tick, &stop, &bar, 8)), bar.high >= 105 ? 2 : 0);
  }
}

/* --- random bars against paths --- */

static uint64_t random_state = 88172645463325252ull;

static double uniform(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (double)((random_state * 2685821657736338717ull) >> 11) / 9007199254740992.0;
}

/* Prices on a coarse grid, so that ties happen. */
static double grid_price(void) {
  return 90 + floor(uniform() * 20);
}

static bv_sim_bar random_bar(void) {
  bv_sim_bar b = {.open = grid_price(), .close = grid_price()};
  b.high = fmax(fmax(b.open, b.close), grid_price());
  b.low = fmin(fmin(b.open, b.close), grid_price());
  return b;
}

static void path_of(const bv_sim_bar *b, bool high_first, double path[4]) {
  path[0] = b->open;
  path[1] = high_first ? b->high : b->low;
  path[2] = high_first ? b->low : b->high;
  path[3] = b->close;
}

/* Walk the path in small steps with an order and a bracket on it, as a market would. */
typedef struct walk {
  bool entered, stopped, taken;
} walk;

static walk walk_path(const double path[4], const bv_order *entry, double stop, double limit) {
  walk w = {0};
  bool buy_limit = entry->type == BV_TYPE_LIMIT;
  for (int k = 0; k < 3; k++) {
    double step = path[k + 1] > path[k] ? 0.5 : -0.5;
    int n = (int)lround((path[k + 1] - path[k]) / step);
    for (int i = 0; i <= n; i++) {
      double p = path[k] + step * i;
      if (!w.entered) w.entered = buy_limit ? p <= entry->limit : p >= entry->stop;
      if (!w.entered) continue;
      w.stopped |= p <= stop;
      w.taken |= p >= limit;
    }
  }
  return w;
}

static void test_certain_is_certain(void **state) {
  (void)state;
  bv_sim_config c = config();
  int entered = 0, sure = 0, perhaps = 0;
  for (int i = 0; i < 200000; i++) {
    bv_sim_bar bar = random_bar();
    bool limit = uniform() < 0.5;
    double level = grid_price();
    bv_order e = {.type = limit ? BV_TYPE_LIMIT : BV_TYPE_STOP,
                  .side = 1,
                  .limit = limit ? level : 0,
                  .stop = limit ? 0 : level};
    bv_touch t = bv_rest_touch(&c, c.tick, &e, &bar, 3);
    double path[2][4];
    path_of(&bar, true, path[0]);
    path_of(&bar, false, path[1]);
    double stop = level - 1 - floor(uniform() * 6), take = level + 1 + floor(uniform() * 6);
    if (!isnan(t.price) && (stop >= t.price || take <= t.price))
      continue; /* gapped past its bracket */
    walk w[2] = {walk_path(path[0], &e, stop, take), walk_path(path[1], &e, stop, take)};
    /* One order alone: every path agrees whether the bar reaches it. */
    assert_int_equal(w[0].entered, !isnan(t.price));
    assert_int_equal(w[1].entered, !isnan(t.price));
    if (isnan(t.price)) continue;
    entered++;
    assert_true(t.price >= bar.low && t.price <= bar.high);
    bv_order sl = {.type = BV_TYPE_STOP,
                   .side = -1,
                   .stop = stop,
                   .parent = 1,
                   .entered = 3,
                   .via = t.via,
                   .from = t.price};
    bv_order tp = sl;
    tp.type = BV_TYPE_LIMIT;
    tp.limit = take;
    int s = certainty(bv_rest_touch(&c, c.tick, &sl, &bar, 3)),
        l = certainty(bv_rest_touch(&c, c.tick, &tp, &bar, 3));
    sure += (s == 2) + (l == 2);
    perhaps += (s == 1) + (l == 1);
    for (int k = 0; k < 2; k++) {
      if (s != 1) assert_int_equal(w[k].stopped, s == 2);
      if (l != 1) assert_int_equal(w[k].taken, l == 2);
      /* and the time on the path says the same as the walk along it */
      assert_int_equal(!isnan(bv_rest_time(&sl, path[k], 3)), w[k].stopped);
      assert_int_equal(!isnan(bv_rest_time(&tp, path[k], 3)), w[k].taken);
    }
  }
  print_message("%d entries, %d certain and %d possible exits\n", entered, sure, perhaps);
  assert_true(entered > 10000 && sure > 10000 && perhaps > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cases),          cmocka_unit_test(test_through),
      cmocka_unit_test(test_trailing),       cmocka_unit_test(test_trigger_stays),
      cmocka_unit_test(test_after_an_entry), cmocka_unit_test(test_certain_is_certain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
