/*
** test_sim_risk.c - risk rules, through the simulator.  Expected numbers are worked out by hand from risk.h.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "resting_help.h"

static bv_ruleset rules;
static bv_sim_firing fired[64];
static int nfired;

static bv_rc on_risk(void *ctx, const bv_sim_firing *f, bv_err *err) {
  (void)ctx;
  (void)err;
  assert_true(nfired < 64);
  fired[nfired++] = *f;
  return BV_OK;
}

/* "rule=stop_loss percent=5; rule=..."; steps=0:10,5:4 and group=A:x. */
static bv_rc read_rules(const char *text, bv_err *err) {
  char copy[600], *save, *inner, *pair;
  snprintf(copy, sizeof copy, "%s", text);
  int i = 0;
  rules = (bv_ruleset){0};
  for (char *p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save), i++) {
    bv_rule *r;
    BV_TRY(bv_ruleset_at(&rules, i, &r, err));
    for (char *q = strtok_r(p, " ", &inner); q; q = strtok_r(NULL, " ", &inner)) {
      char *v = strchr(q, '='), *end, *next;
      assert_non_null(v);
      *v++ = 0;
      double x = strtod(v, &end);
      if (strcmp(q, "steps") == 0) {
        int k = 0;
        for (char *s = strtok_r(v, ",", &pair); s; s = strtok_r(NULL, ",", &pair), k++) {
          BV_TRY(bv_rule_set_step(r, k, 0, strtod(s, &next), err));
          BV_TRY(bv_rule_set_step(r, k, 1, strtod(next + 1, NULL), err));
        }
      } else if (strcmp(q, "group") == 0) {
        char name[2] = {v[0], 0};
        BV_TRY(bv_rule_add_member(r, name, v + 2, err));
      } else if (*end) {
        BV_TRY(bv_rule_set_text(r, q, v, err));
      } else {
        BV_TRY(bv_rule_set_number(r, q, x, err));
      }
    }
  }
  return bv_ruleset_check(&rules, err);
}

static void begin(const char *profile, const char *knobs, const char *text, int nasset) {
  bv_err err = {0};
  memset(&b, 0, sizeof b);
  nfired = 0;
  b.memory = bv_mem_used(BV_MEM_SIM);
  if (read_rules(text, &err) != BV_OK) fail_msg("%s", err.msg);
  bv_sim_config c = configure(profile, knobs);
  bv_sim_sink sink = {
      .ctx = &b, .order = bench_order, .fill = bench_fill, .lot = bench_lot, .risk = on_risk};
  if (bv_sim_new(&c, &sink, &b.sim, &err) != BV_OK) fail_msg("%s", err.msg);
  if (bv_sim_rules(b.sim, &rules, NULL, &err) != BV_OK) fail_msg("%s", err.msg);
  for (int i = 0; i < nasset; i++) {
    char key[2] = {(char)('A' + i), 0};
    int asset;
    assert_int_equal(bv_sim_asset(b.sim, key, 1, &asset, NULL), BV_OK);
  }
}

static void over(void) {
  bench_finish(&b);
  bv_sim_free(b.sim);
  bv_ruleset_reset(&rules);
  assert_int_equal(bv_mem_used(BV_MEM_SIM), b.memory);
}

static void one(const char *text) {
  begin("default", "", text, 1);
  bar(100, 101, 99, 100);
}

static void expect_fired(int i, const char *rule, const char *action, int64_t ts, int asset,
                         double value, double limit) {
  assert_true(i < nfired);
  assert_string_equal(fired[i].rule, rule);
  assert_string_equal(fired[i].action, action);
  assert_int_equal(fired[i].ts, ts);
  assert_int_equal(fired[i].asset, asset);
  near(fired[i].value, value);
  near(fired[i].limit, limit);
}

static void buy(double n) {
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = n});
}

/* --- exits at a price --- */

static void test_stop_loss_at_its_level(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  buy(10);
  bar(100, 102, 96, 101);
  bar(99, 99, 94, 97);
  expect_fill(1, 2, -10, 95, 120, 0);
  expect(2, BV_ORDER_FILLED, "");
  assert_string_equal(order(2)->tag, "stop_loss");
  assert_int_equal(order(2)->parent, 1);
  expect_fired(0, "stop_loss", "exit", 120, 0, 95, 95);
  assert_int_equal(fired[0].order, 2);
  over();
}

static void test_stop_loss_gaps(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  buy(10);
  bar(100, 102, 96, 101);
  bar(90, 92, 89, 91);
  expect_fill(1, 2, -10, 90, 120, 0);
  expect_fired(0, "stop_loss", "exit", 120, 0, 90, 95);
  over();
}

/* The bar of an entry at its open is all after it. */
static void test_stop_loss_on_the_entry_bar(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  buy(10);
  bar(100, 102, 94, 101);
  expect_fill(1, 2, -10, 95, 60, 0);
  over();
}

/* A limit entry inside the bar: the fall to it goes on to the stop for certain. */
static void test_stop_loss_after_a_limit_entry(void **state) {
  (void)state;
  one("rule=stop_loss percent=1; rule=take_profit percent=2");
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 98});
  bar(99, 105, 98, 98.5); /* the target of 99.96 may have come first: not counted */
  assert_int_equal(b.nfill, 1);
  bar(98.5, 99, 97, 98);
  expect_fill(1, 2, -10, 97.02, 120, 1); /* that it did not was a guess */
  over();
}

static void test_both_in_one_bar_is_a_guess(void **state) {
  (void)state;
  one("rule=stop_loss percent=5; rule=take_profit percent=5");
  buy(10);
  bar(100, 101, 99, 100);
  bar(100, 106, 94, 100);
  expect_fill(1, 2, -10, 95, 120, 1);
  expect(3, BV_ORDER_CANCELLED, "the position is closed");
  over();
}

static void test_short_positions(void **state) {
  (void)state;
  one("rule=stop_loss percent=5; rule=take_profit percent=10");
  buy(-10);
  bar(100, 104, 97, 98);
  bar(98, 106, 97, 100);
  expect_fill(1, 2, 10, 105, 120, 0);
  buy(-10);
  bar(100, 101, 99, 100);
  bar(95, 96, 89, 90);
  expect_fill(3, 5 + 1, 10, 90, 240, 0);
  expect_fired(1, "take_profit", "exit", 240, 0, 90, 90);
  over();
}

/* The high of a bar moves the stop for the next one, never for itself. */
static void test_trailing_stop_is_lagged(void **state) {
  (void)state;
  one("rule=trailing_stop percent=5");
  buy(10);
  bar(100, 120, 100, 118); /* 120 x 0.95 = 114, from now on */
  assert_int_equal(b.nfill, 1);
  bar(118, 130, 115, 116); /* 114 stands; 130 may be before or after the low */
  assert_int_equal(b.nfill, 1);
  bar(125, 126, 120, 121); /* 130 x 0.95 = 123.5 */
  expect_fill(1, 2, -10, 123.5, 180, 0);
  near(order(2)->stop, 123.5);
  over();
}

static void test_trailing_stop_of_closes(void **state) {
  (void)state;
  one("rule=trailing_stop percent=5 closes=1");
  buy(10);
  bar(100, 120, 100, 110); /* 110 x 0.95 = 104.5 */
  bar(110, 111, 104, 105);
  expect_fill(1, 2, -10, 104.5, 120, 0);
  over();
}

static void test_tightening_stop(void **state) {
  (void)state;
  one("rule=tightening_stop steps=0:10,10:4");
  buy(10);
  bar(100, 105, 95, 104);  /* 105: a return of 5, stop 94.5 */
  bar(104, 112, 103, 111); /* 112: stop 107.52 */
  assert_int_equal(b.nfill, 1);
  bar(111, 111, 107, 108);
  expect_fill(1, 2, -10, 107.52, 180, 0);
  over();
}

static void test_volatility_stop(void **state) {
  (void)state;
  one("rule=volatility_stop atr=2 k=2");
  bar(100, 103, 99, 101); /* ranges 2 and 4: 3 */
  buy(10);
  bar(100, 104, 98, 100); /* the stop is 100 - 2 x 3, whatever this range is */
  bar(100, 101, 93, 95);
  expect_fill(1, 2, -10, 94, 180, 0);
  over();
}

static void test_volatility_stop_that_trails(void **state) {
  (void)state;
  one("rule=volatility_stop atr=2 k=2 trail=1");
  bar(100, 103, 99, 101);
  buy(10);
  bar(100, 110, 99, 108);  /* true range 11: (3 + 11) / 2 = 7; 110 - 14 = 96 > 94 */
  bar(108, 109, 96.5, 97); /* true range 12.5: 9.75; 110 - 19.5 is no better */
  assert_int_equal(b.nfill, 1);
  bar(97, 98, 95, 96);
  expect_fill(1, 2, -10, 96, 240, 0);
  over();
}

/* No volatility is known yet: the stop comes when it is. */
static void test_volatility_stop_comes_late(void **state) {
  (void)state;
  one("rule=volatility_stop atr=3 k=1");
  buy(10);
  bar(100, 102, 98, 100);
  bar(100, 103, 97, 100); /* ranges 2, 4, 6: 4 */
  assert_int_equal(b.sim->queue.n, 1);
  bar(100, 101, 95.5, 97);
  expect_fill(1, 2, -10, 96, 180, 0);
  over();
}

static void test_the_nearest_stop_counts(void **state) {
  (void)state;
  one("rule=stop_loss percent=5; rule=trailing_stop percent=6");
  buy(10);
  bar(100, 102, 99, 101); /* 95, and 102 x 0.94 = 95.88 */
  bar(100, 100, 94, 96);
  expect_fill(1, 2, -10, 95.88, 120, 0);
  assert_string_equal(fired[0].rule, "trailing_stop");
  over();
}

/* A rule for one asset replaces the general one of its kind there. */
static void test_a_rule_of_one_asset(void **state) {
  (void)state;
  begin("default", "", "rule=stop_loss percent=5; rule=stop_loss percent=20 asset=B", 2);
  const double hundred[] = {100, 100}, ninety[] = {90, 90};
  bench_step(&b, 2, hundred, hundred);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_ok(&b, 1, BV_ASK_QTY, 10);
  bench_step(&b, 2, hundred, hundred);
  bench_step(&b, 2, ninety, ninety);
  assert_int_equal(b.nfill, 3);
  near(bv_sim_qty(b.sim, 0), 0);
  near(bv_sim_qty(b.sim, 1), 10);
  over();
}

/* The order's own bracket goes on; whatever is nearer fills. */
static void test_with_a_bracket(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = 10, .stop_loss = 90, .take_profit = 120});
  bar(100, 101, 99, 100);
  bar(100, 100, 85, 86);
  expect_fill(1, 4, -10, 95, 120, 0);
  expect(2, BV_ORDER_CANCELLED, "the position is closed");
  expect(3, BV_ORDER_CANCELLED, "the position is closed");
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = 10, .stop_loss = 85, .take_profit = 120});
  bar(86, 86, 86, 86); /* the rule's stop is 81.7 */
  bar(86, 86, 80, 86);
  expect_fill(3, 6, -10, 85, 240, 0);
  over();
}

static void test_scaled_exit(void **state) {
  (void)state;
  one("rule=scaled_exit steps=5:50,10:100");
  buy(10);
  bar(100, 106, 99, 104);
  expect_fill(1, 2, -5, 105, 60, 0);
  bar(104, 109, 103, 108);
  assert_int_equal(b.nfill, 2);
  bar(108, 112, 107, 111);
  expect_fill(2, 3, -5, 110, 180, 0);
  near(bv_sim_qty(b.sim, 0), 0);
  over();
}

/* Both steps in one bar, and the stop stays for what is left. */
static void test_scaled_exit_in_one_bar(void **state) {
  (void)state;
  one("rule=scaled_exit steps=5:50,10:50; rule=stop_loss percent=3");
  buy(8);
  bar(100, 111, 99, 110);
  assert_int_equal(b.nfill, 3);
  near(b.fill[1].qty, -4);
  near(b.fill[1].price, 105);
  near(b.fill[2].qty, -2);
  near(b.fill[2].price, 110);
  bar(110, 110, 96, 96);
  near(b.fill[3].qty, -2);
  near(b.fill[3].price, 97);
  over();
}

/* The levels follow the average price of a position that grows. */
static void test_average_price(void **state) {
  (void)state;
  one("rule=stop_loss percent=10");
  buy(10);
  bar(100, 100, 100, 100);
  buy(10);
  bar(120, 120, 100, 120); /* average 110: 99 from the open on */
  assert_int_equal(b.nfill, 2);
  bar(120, 120, 98, 100);
  near(b.fill[2].qty, -20);
  near(b.fill[2].price, 99);
  over();
}

static void test_turning_a_position(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  buy(10);
  bar(100, 100, 100, 100);
  buy(-20);
  bar(100, 102, 94, 100);
  near(bv_sim_qty(b.sim, 0), -10);
  expect(2, BV_ORDER_CANCELLED, "the position is closed");
  bar(100, 106, 100, 104);
  near(b.fill[2].price, 105);
  near(bv_sim_qty(b.sim, 0), 0);
  over();
}

static void test_warnings_leave_the_position(void **state) {
  (void)state;
  one("rule=stop_loss percent=5 action=warn; rule=take_profit percent=5 action=warn");
  buy(10);
  bar(100, 100, 94, 96);
  bar(96, 97, 93, 96); /* goes on: one row */
  bar(100, 106, 100, 104);
  assert_int_equal(b.nfill, 1);
  assert_int_equal(nfired, 2);
  expect_fired(0, "stop_loss", "warn", 120, 0, 94, 95);
  expect_fired(1, "take_profit", "warn", 240, 0, 106, 105);
  over();
}

/* Where volume lets a part through, the rest of the guard goes on, and it is one firing. */
static void with_volume(double o, double h, double l, double c, double volume) {
  bv_sim_bar x = {.ts = b.now,
                  .known_at = b.now + BENCH_STEP,
                  .open = o,
                  .high = h,
                  .low = l,
                  .close = c,
                  .volume = volume};
  assert_int_equal(bv_sim_open(b.sim, b.now, &x, 1, NULL), BV_OK);
  b.now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b.sim, b.now, &x, 1, NULL), BV_OK);
}

static void test_partial_fills(void **state) {
  (void)state;
  begin("default", "volume.model=share volume.share=0.5", "rule=stop_loss percent=5", 1);
  with_volume(100, 100, 100, 100, 1000);
  buy(100);
  with_volume(100, 100, 100, 100, 1000);
  with_volume(96, 96, 94, 94, 120); /* 60 of 100 */
  near(bv_sim_qty(b.sim, 0), 40);
  with_volume(94, 94, 93, 93, 1000);
  near(bv_sim_qty(b.sim, 0), 0);
  assert_int_equal(nfired, 1);
  near(order(2)->filled, -100);
  near(order(2)->qty, -100);
  over();
  begin("default", "volume.model=share volume.share=0.5", "rule=scaled_exit steps=5:50,10:100", 1);
  with_volume(100, 100, 100, 100, 1000);
  buy(100);
  with_volume(100, 100, 100, 100, 1000);
  with_volume(100, 106, 100, 105, 40); /* 20 of 50 */
  near(bv_sim_qty(b.sim, 0), 80);
  with_volume(105, 106, 104, 105, 1000); /* the other 30 */
  near(bv_sim_qty(b.sim, 0), 50);
  with_volume(105, 109, 104, 108, 1000);
  near(bv_sim_qty(b.sim, 0), 50);
  with_volume(108, 111, 108, 110, 1000);
  near(bv_sim_qty(b.sim, 0), 0);
  assert_int_equal(nfired, 2);
  over();
}

/* --- exits after a time --- */

static void test_time_exit_at_the_next_open(void **state) {
  (void)state;
  one("rule=time_exit bars=2");
  buy(10);
  bar(100, 101, 99, 100);
  bar(100, 101, 99, 80);
  assert_int_equal(b.nfill, 1);
  bar(85, 86, 84, 85); /* decided at 80, filled at 85 */
  expect_fill(1, 2, -10, 85, 180, 0);
  expect_fired(0, "time_exit", "exit", 180, 0, 2, 2);
  assert_int_equal(fired[0].order, 2);
  over();
}

/* A strategy that goes on asking for its target does not undo the exit. */
static void test_time_exit_and_a_target(void **state) {
  (void)state;
  one("rule=time_exit bars=1");
  ask((bv_sim_request){.ask = BV_ASK_TARGET, .amount = 10});
  bar(100, 100, 100, 100);
  ask((bv_sim_request){.ask = BV_ASK_TARGET, .amount = 10});
  bar(100, 100, 100, 100);
  near(bv_sim_qty(b.sim, 0), 0);
  over();
}

/* A target sized for the position that leaves does not open another one. */
static void test_an_exit_ends_waiting_targets(void **state) {
  (void)state;
  one("rule=stop_loss percent=5");
  ask((bv_sim_request){.ask = BV_ASK_TARGET, .amount = 10});
  bar(100, 100, 100, 100);
  ask((bv_sim_request){.ask = BV_ASK_TARGET, .amount = 7});
  bar(90, 90, 90, 90); /* the stop gaps, three units would be sold */
  near(bv_sim_qty(b.sim, 0), 0);
  expect(3, BV_ORDER_CANCELLED, "risk: stop_loss");
  over();
}

/* --- limits --- */

static void test_max_position(void **state) {
  (void)state;
  one("rule=max_position percent=10");
  buy(500);
  bar(100, 100, 100, 100);
  expect(1, BV_ORDER_FILLED, "risk: max_position");
  near(bv_sim_qty(b.sim, 0), 100);
  expect_fired(0, "max_position", "reduce", 60, 0, 50, 10);
  buy(1);
  bar(100, 100, 100, 100);
  expect(2, BV_ORDER_REJECTED, "risk: max_position");
  /* The price doubles: 20000 of 110000; 11000 are allowed, 45 units leave at the next open. */
  bar(100, 200, 100, 200);
  expect_fired(2, "max_position", "reduce", 240, 0, 20000.0 / 110000 * 100, 10);
  bar(200, 200, 200, 200);
  near(b.fill[1].qty, -45);
  near(b.fill[1].price, 200);
  over();
}

static void test_max_position_halt_and_warn(void **state) {
  (void)state;
  one("rule=max_position percent=10 action=halt");
  buy(500);
  bar(100, 100, 100, 100);
  expect(1, BV_ORDER_REJECTED, "risk: max_position");
  over();
  one("rule=max_position percent=10 action=warn");
  buy(500);
  bar(100, 100, 100, 100);
  expect(1, BV_ORDER_FILLED, "");
  assert_int_equal(nfired, 2); /* the order, and what is held at the close */
  bar(100, 100, 100, 100);
  assert_int_equal(nfired, 2);
  over();
}

static void flat(int n, double price) {
  const double p[] = {price, price, price, price};
  bench_step(&b, n, p, p);
}

static void test_max_positions(void **state) {
  (void)state;
  begin("default", "", "rule=max_positions positions=2", 3);
  flat(3, 100);
  for (int i = 0; i < 3; i++) bench_ok(&b, i, BV_ASK_QTY, 10);
  flat(3, 100);
  expect(3, BV_ORDER_REJECTED, "risk: max_positions");
  expect_fired(0, "max_positions", "halt", 60, 2, 3, 2);
  bench_ok(&b, 0, BV_ASK_QTY, 10); /* one that is held may grow */
  flat(3, 100);
  near(bv_sim_qty(b.sim, 0), 20);
  over();
}

static void test_gross_and_net(void **state) {
  (void)state;
  begin("default", "leverage=3", "rule=gross_exposure percent=100; rule=net_exposure percent=20",
        2);
  flat(2, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 500);  /* net: 200 */
  bench_ok(&b, 1, BV_ASK_QTY, -900); /* gross: 800 would fit, net: 200 + 200 */
  flat(2, 100);
  near(bv_sim_qty(b.sim, 0), 200);
  near(bv_sim_qty(b.sim, 1), -400);
  bench_ok(&b, 0, BV_ASK_QTY, 600); /* gross: 600 are used, 400 are left */
  flat(2, 100);
  near(bv_sim_qty(b.sim, 0), 600);
  over();
}

/* A position risks what it loses down to its stop: 5 of 100 by the rule, or all where there is none. */
static void test_heat(void **state) {
  (void)state;
  begin("default", "", "rule=stop_loss percent=5 asset=A; rule=heat percent=2", 2);
  flat(2, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 500); /* 2000 / 5 */
  flat(2, 100);
  near(bv_sim_qty(b.sim, 0), 400);
  bench_ok(&b, 1, BV_ASK_QTY, 10); /* the heat is used up */
  flat(2, 100);
  near(bv_sim_qty(b.sim, 1), 0);
  bench_ok(&b, 0, BV_ASK_QTY, -200);
  flat(2, 100);
  bench_ok(&b, 1, BV_ASK_QTY, 100); /* 1000 are free, 100 a unit: no stop */
  flat(2, 100);
  near(bv_sim_qty(b.sim, 1), 10);
  over();
}

static void test_heat_of_a_bracket(void **state) {
  (void)state;
  one("rule=heat percent=1");
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = 900, .stop_loss = 98});
  bar(100, 100, 100, 100);
  near(bv_sim_qty(b.sim, 0), 500);
  over();
}

static void test_groups(void **state) {
  (void)state;
  begin("default", "", "rule=group percent=30 group=A:tech group=B:tech group=C:oil", 4);
  flat(4, 100);
  for (int i = 0; i < 4; i++) bench_ok(&b, i, BV_ASK_QTY, 200);
  flat(4, 100);
  near(bv_sim_qty(b.sim, 0), 200);
  near(bv_sim_qty(b.sim, 1), 100);
  near(bv_sim_qty(b.sim, 2), 200);
  near(bv_sim_qty(b.sim, 3), 200); /* in no group */
  over();
}

/* Both sides of an asset count, and each is sold down. */
static void test_both_sides(void **state) {
  (void)state;
  static const char *const both = "flip=add sides=both leverage=4";
  begin("default", both, "rule=gross_exposure percent=50", 2);
  flat(2, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 300);
  bench_ok(&b, 0, BV_ASK_QTY, -300); /* 200 more */
  bench_ok(&b, 1, BV_ASK_QTY, 10);
  flat(2, 100);
  near(bv_sim_qty(b.sim, 0), 100);
  near(bv_sim_qty(b.sim, 1), 0);
  expect(3, BV_ORDER_REJECTED, "risk: gross_exposure");
  flat(2, 120); /* 500 x 120 of 102000 are 9000 more than half: 15 % of each side */
  flat(2, 120);
  expect_fill(2, 4, -45, 120, 180, 0);
  expect_fill(3, 5, 30, 120, 180, 0);
  near(bv_sim_qty(b.sim, 0), 85);
  over();
  begin("default", both, "rule=max_position percent=20 action=liquidate", 1);
  flat(1, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 150);
  bench_ok(&b, 0, BV_ASK_QTY, -150);
  flat(1, 100);
  flat(1, 100);
  assert_int_equal(b.sim->ledger.nopen, 0);
  over();
  begin("default", both, "rule=heat percent=30", 1);
  flat(1, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 200);
  bench_ok(&b, 0, BV_ASK_QTY, -200); /* no stops: 100 a unit, 100 more */
  flat(1, 100);
  near(bv_sim_qty(b.sim, 0), 100);
  over();
  /* The net is one of the long side, which alone is sold down. */
  begin("default", both, "rule=net_exposure percent=10", 1);
  flat(1, 100);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  bench_ok(&b, 0, BV_ASK_QTY, -100);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  flat(1, 100);
  flat(1, 200); /* 100 x 200 of 110000: 9000 of 40000 too many */
  flat(1, 200);
  near(bv_sim_qty(b.sim, 0), 100 - 45);
  over();
}

static void test_context(void **state) {
  (void)state;
  one("rule=context asset=VIX max=30");
  buy(10);
  bar(100, 100, 100, 100);
  expect(1, BV_ORDER_REJECTED, "risk: context"); /* not known */
  assert_true(isnan(fired[0].value));
  bv_sim_context(b.sim, 0, 20);
  buy(10);
  bar(100, 100, 100, 100);
  near(bv_sim_qty(b.sim, 0), 10);
  bv_sim_context(b.sim, 0, 31);
  buy(10);
  buy(-5); /* leaving is always possible */
  bar(100, 100, 100, 100);
  near(bv_sim_qty(b.sim, 0), 5);
  expect_fired(1, "context", "halt", 180, 0, 31, 30);
  over();
}

static void test_max_drawdown_liquidates(void **state) {
  (void)state;
  one("rule=max_drawdown percent=10 action=liquidate");
  buy(1000);
  bar(100, 100, 100, 100);
  ask((bv_sim_request){.ask = BV_ASK_QTY, .amount = 10, .type = BV_TYPE_LIMIT, .limit = 50});
  bar(100, 120, 100, 120);
  bar(120, 120, 107, 107); /* 107 of 120 */
  expect_fired(0, "max_drawdown", "liquidate", 240, -1, 13.0 / 120 * 100, 10);
  expect(2, BV_ORDER_CANCELLED, "risk: max_drawdown");
  bar(106, 106, 106, 106);
  near(b.fill[1].price, 106);
  near(bv_sim_qty(b.sim, 0), 0);
  buy(1);
  bar(106, 106, 106, 106);
  expect(4, BV_ORDER_REJECTED, "risk: max_drawdown");
  over();
}

/* Days of UTC: 2 % lost, no more entries on that day. */
static void test_daily_loss_halts_for_the_day(void **state) {
  (void)state;
  begin("default", "", "rule=daily_loss percent=2", 1);
  b.now = 86400 - 4 * BENCH_STEP;
  bar(100, 100, 100, 100);
  buy(500);
  bar(100, 100, 95, 95); /* 2.5 % */
  expect_fired(0, "daily_loss", "halt", 86400 - 2 * BENCH_STEP, -1, 2.5, 2);
  buy(1);
  bar(95, 95, 95, 95);
  expect(2, BV_ORDER_REJECTED, "risk: daily_loss");
  buy(1);
  bar(95, 95, 95, 95);
  expect(3, BV_ORDER_REJECTED, "risk: daily_loss");
  buy(1); /* the next day */
  bar(95, 95, 95, 95);
  expect(4, BV_ORDER_FILLED, "");
  over();
}

/* Returns 1, -2, 3, -4, 5 % of a position that is the account; the 25 % point of five is the second. */
static void test_var(void **state) {
  (void)state;
  begin("default", "cash=10000", "rule=var percent=1.9 window=5 level=75", 1);
  bar(100, 100, 100, 100);
  buy(100);
  bar(100, 101, 100, 101);
  double p = 101;
  const double ret[] = {-0.02, 0.03, -0.04, 0.05};
  for (int i = 0; i < 4; i++) {
    double next = p * (1 + ret[i]);
    bar(p, fmax(p, next), fmin(p, next), next);
    p = next;
  }
  assert_int_equal(nfired, 1);
  assert_string_equal(fired[0].rule, "var");
  near(fired[0].value, 2);
  over();
}

/* --- other engines' brokers --- */

static void test_under_other_rules(void **state) {
  (void)state;
  static const char *const profile[] = {"backtesting.py", "backtrader"};
  for (int i = 0; i < 2; i++) {
    begin(profile[i], "", "rule=stop_loss percent=5; rule=time_exit bars=3", 1);
    bar(100, 101, 99, 100);
    buy(10);
    bar(100, 101, 99, 100);
    bar(100, 100, 94, 96);
    near(b.fill[1].price, 95);
    near(bv_sim_qty(b.sim, 0), 0);
    buy(10);
    for (int k = 0; k < 4; k++) bar(100, 101, 99, 100);
    near(bv_sim_qty(b.sim, 0), 0);
    assert_int_equal(b.nfill, 4);
    over();
  }
}

/* --- what is no rule --- */

static void refused(const char *text, const char *why) {
  bv_err err = {0};
  int64_t memory = bv_mem_used(BV_MEM_SIM);
  assert_int_not_equal(read_rules(text, &err), BV_OK);
  if (!strstr(err.msg, why)) fail_msg("%s: %s", text, err.msg);
  bv_ruleset_reset(&rules);
  assert_int_equal(bv_mem_used(BV_MEM_SIM), memory);
}

static void test_bad_rules(void **state) {
  (void)state;
  refused("rule=stoploss", "did you mean 'stop_loss'?");
  refused("rule=stop_loss", "stop_loss needs percent");
  refused("rule=stop_loss percent=100", "below 100");
  refused("rule=stop_loss percent=0", "from 1e-09");
  refused("rule=stop_loss percent=5 bars=3", "takes no bars");
  refused("rule=stop_loss percent=5 action=halt", "stop_loss cannot halt");
  refused("rule=stop_loss percent=5 action=sell", "it must be exit, warn");
  refused("rule=stop_loss percnt=5", "did you mean 'percent'?");
  refused("rule=stop_loss percent=x", "takes no text");
  refused("rule=3", "rule must be a text");
  refused("percent=3", "needs its name");
  refused("rule=time_exit bars=2.5", "whole number");
  refused("rule=context asset=VIX", "min, max or both");
  refused("rule=context asset=VIX min=3 max=2", "above max");
  refused("rule=scaled_exit steps=5:50,4:50", "must rise");
  refused("rule=scaled_exit steps=0:50", "above 0");
  refused("rule=scaled_exit steps=5:150", "a pair");
  refused("rule=tightening_stop steps=0:5,10:6", "must fall");
  refused("rule=group percent=5", "needs groups");
  refused("rule=group percent=5 groups=3", "must be an object");
  refused("rule=group percent=5 group=A:x property=sector", "exclude each other");
  refused("rule=heat percent=5 property=sector", "takes no property");
  refused("rule=group percent=5 property=3", "must be a text");
  refused("rule=var percent=5", "needs window");
  bv_err err = {0};
  assert_int_equal(read_rules("rule=stop_loss percent=5", &err), BV_OK);
  bv_sim_config c = configure("backtesting.py", "flip=add sides=both");
  bv_sim *s;
  assert_int_equal(bv_sim_new(&c, NULL, &s, &err), BV_OK);
  assert_int_equal(bv_sim_rules(s, &rules, NULL, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "sides net"));
  bv_sim_free(s);
  bv_ruleset_reset(&rules);
}

/* --- memory --- */

static int scene(void) {
  bv_err err = {0};
  bv_sim *s = NULL;
  bv_sim_config c = configure("default", "");
  bv_sim_bar x = {.ts = 0, .known_at = 60, .open = 100, .high = 101, .low = 99, .close = 100};
  int asset = 0;
  bv_rc rc =
      read_rules("rule=stop_loss percent=1 asset=A; rule=time_exit bars=1; rule=var percent=5 "
                 "window=3; rule=group percent=50 group=A:x",
                 &err);
  if (rc == BV_OK) rc = bv_sim_new(&c, NULL, &s, &err);
  if (rc == BV_OK) rc = bv_sim_rules(s, &rules, NULL, &err);
  if (rc == BV_OK) rc = bv_sim_asset(s, "A", 1, &asset, &err);
  for (int i = 0; rc == BV_OK && i < 6; i++) {
    bv_sim_request r = {.ask = BV_ASK_QTY, .amount = 10};
    rc = bv_sim_open(s, x.ts, &x, 1, &err);
    x.ts += 60;
    if (rc == BV_OK) rc = bv_sim_close(s, x.ts, &x, 1, &err);
    if (rc == BV_OK) rc = bv_sim_submit(s, x.ts, &r, &err);
  }
  bv_sim_free(s);
  bv_ruleset_reset(&rules);
  return (int)rc;
}

static void test_without_memory(void **state) {
  (void)state;
  int64_t memory = bv_mem_total(), n = 0;
  bool failed;
  do {
    bv_alloc_fail_after(n++, 0);
    int rc = scene();
    failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(-1, 0);
    assert_int_equal(rc, failed ? BV_NOMEM : BV_OK);
    assert_int_equal(bv_mem_total(), memory);
  } while (failed);
  assert_true(n > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stop_loss_at_its_level),
      cmocka_unit_test(test_stop_loss_gaps),
      cmocka_unit_test(test_stop_loss_on_the_entry_bar),
      cmocka_unit_test(test_stop_loss_after_a_limit_entry),
      cmocka_unit_test(test_both_in_one_bar_is_a_guess),
      cmocka_unit_test(test_short_positions),
      cmocka_unit_test(test_trailing_stop_is_lagged),
      cmocka_unit_test(test_trailing_stop_of_closes),
      cmocka_unit_test(test_tightening_stop),
      cmocka_unit_test(test_volatility_stop),
      cmocka_unit_test(test_volatility_stop_that_trails),
      cmocka_unit_test(test_volatility_stop_comes_late),
      cmocka_unit_test(test_the_nearest_stop_counts),
      cmocka_unit_test(test_a_rule_of_one_asset),
      cmocka_unit_test(test_with_a_bracket),
      cmocka_unit_test(test_scaled_exit),
      cmocka_unit_test(test_scaled_exit_in_one_bar),
      cmocka_unit_test(test_average_price),
      cmocka_unit_test(test_turning_a_position),
      cmocka_unit_test(test_warnings_leave_the_position),
      cmocka_unit_test(test_partial_fills),
      cmocka_unit_test(test_time_exit_at_the_next_open),
      cmocka_unit_test(test_time_exit_and_a_target),
      cmocka_unit_test(test_an_exit_ends_waiting_targets),
      cmocka_unit_test(test_max_position),
      cmocka_unit_test(test_max_position_halt_and_warn),
      cmocka_unit_test(test_max_positions),
      cmocka_unit_test(test_gross_and_net),
      cmocka_unit_test(test_heat),
      cmocka_unit_test(test_heat_of_a_bracket),
      cmocka_unit_test(test_both_sides),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_context),
      cmocka_unit_test(test_max_drawdown_liquidates),
      cmocka_unit_test(test_daily_loss_halts_for_the_day),
      cmocka_unit_test(test_var),
      cmocka_unit_test(test_under_other_rules),
      cmocka_unit_test(test_bad_rules),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("sim risk", tests, NULL, NULL);
}
