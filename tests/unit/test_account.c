/* test_account.c - kinds of accounts: what they pay for, settlement, short sales, lot methods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

#include "sim/funds.h"

enum { DAY = 86400 };

/* A bar of one asset at `day` days after Thursday 1970-01-01. */
static void day_bar(bench *b, int day, double open, double close) {
  b->now = (int64_t)day * DAY;
  bench_bar(b, open, close);
}

static void expect(const bench *b, int i, bv_order_state state, double filled, const char *reason) {
  assert_true(i < b->norder);
  assert_string_equal(b->order[i].reason, reason);
  assert_int_equal(b->order[i].state, state);
  near(b->order[i].filled, filled);
}

/* 1000 pay for 99 at 10 with 1 % on top (999.90), not for 100; nothing is sold short; the commission of a sale
** is paid from the sale. */
static void test_cash_pays_in_full(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=cash commission.rate=0.01", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 100);
  bench_bar(&b, 10, 10);
  expect(&b, 0, BV_ORDER_REJECTED, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1.5);
  bench_bar(&b, 10, 10);
  expect(&b, 1, BV_ORDER_FILLED, 99, "cut to buying power");
  near(bv_sim_cash(b.sim), 0.1);
  bench_ok(&b, 0, BV_ASK_QTY, -120);
  bench_bar(&b, 10, 10);
  expect(&b, 2, BV_ORDER_FILLED, -99, "cut to the position: short selling is not allowed");
  near(bv_sim_cash(b.sim), 0.1 + 990 - 9.9);
  bench_ok(&b, 0, BV_ASK_QTY, -1);
  bench_bar(&b, 10, 10);
  expect(&b, 3, BV_ORDER_REJECTED, 0, "short selling is not allowed");
  bench_finish(&b);
  bench_end(&b);
}

/* A sale worth less than its commission needs cash for the rest. */
static void test_no_sale_into_debt(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=103 account=cash commission.minimum=2", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  bench_bar(&b, 10, 0.05); /* 10 left at 0.05 are worth 0.5; cash 1 */
  near(bv_sim_cash(b.sim), 1);
  bench_ok(&b, 0, BV_ASK_QTY, -10);
  bench_bar(&b, 0.05, 0.05);
  expect(&b, 1, BV_ORDER_REJECTED, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, -10);
  bench_bar(&b, 0.2, 0.2);
  expect(&b, 2, BV_ORDER_FILLED, -10, "");
  near(bv_sim_cash(b.sim), 1);
  bench_finish(&b);
  bench_end(&b);
}

/* Sold on Thursday, two weekdays later is Monday: until then the proceeds buy nothing. */
static void test_settlement(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=cash settlement_days=2", 1);
  day_bar(&b, -2, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 90);
  day_bar(&b, -1, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, -90);
  day_bar(&b, 0, 20, 20);
  near(bv_sim_cash(b.sim), 1900);
  near(bv_funds_free(b.sim, 0), 100);
  near(bv_funds_free(b.sim, 4 * DAY - 1), 100);
  near(bv_funds_free(b.sim, 4 * DAY), 1900);
  bench_ok(&b, 0, BV_ASK_QTY, 6);
  day_bar(&b, 1, 20, 20); /* Friday */
  expect(&b, 2, BV_ORDER_REJECTED, 0, "insufficient funds");
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  day_bar(&b, 3, 20, 20); /* Sunday */
  expect(&b, 3, BV_ORDER_FILLED, 5, "");
  bench_ok(&b, 0, BV_ASK_QTY, 90);
  day_bar(&b, 4, 20, 20);
  expect(&b, 4, BV_ORDER_FILLED, 90, "");
  near(bv_sim_cash(b.sim), 0);
  bench_finish(&b);
  bench_end(&b);
}

/* Good Friday of 2024 is no day in New York; in a zone to the west midnight comes later. */
static void test_settlement_on_trading_days(void **state) {
  (void)state;
  const int64_t wednesday = 1711497600 + 15 * 3600; /* 2024-03-27 */
  const struct {
    const char *calendar;
    int days, after; /* midnights after that of Wednesday */
  } t[] = {{"weekdays", 1, 1}, {"weekdays", 2, 2}, {"weekdays", 3, 5}, {"XNYS", 1, 1},
           {"XNYS", 2, 5},     {"XNYS", 3, 6},     {"24/7", 3, 3}};
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    bv_asset a = {.calendar = bv_calendar_builtin(t[i].calendar)};
    for (int west = 0; west < 2; west++) {
      bv_settlement s = {0};
      if (west) assert_int_equal(bv_zone_find("America/New_York", &a.zone, NULL), BV_OK);
      int64_t due = 1711497600 + t[i].after * 86400 + west * 4 * 3600;
      bv_settlement_add(&s, wednesday, &a, t[i].days, 5);
      near(bv_settlement_left(&s, due - 1), 5);
      near(bv_settlement_left(&s, due), 0);
    }
  }
}

/* More sales under way than there is room for arrive with the last, never early; nothing is lost. */
static void test_settlement_room(void **state) {
  (void)state;
  bv_settlement s = {0};
  const bv_asset plain = {0};
  double sum = 0;
  for (int i = 0; i < 3 * BV_UNSETTLED_MAX; i++) {
    bv_settlement_add(&s, (int64_t)i * DAY, &plain, 200, i + 1);
    sum += i + 1;
  }
  near(bv_settlement_left(&s, 0), sum);
  assert_true(s.n <= BV_UNSETTLED_MAX);
  near(bv_settlement_left(&s, 280 * DAY - 1),
       sum); /* the 200th weekday after a Thursday is 40 weeks on */
  near(bv_settlement_left(&s, 280 * DAY), sum - 1);
  near(bv_settlement_left(&s, 10000 * (int64_t)DAY), 0);
}

typedef struct policy {
  const char *knobs;
  double first,
      second;  /* lots filled of short 100 at 10, then of short 150 at 10, with 1000 of cash */
  double free; /* afterwards */
} policy;

/* 100 short at 10: proceeds 1000, notional 1000. */
static const policy policies[] = {
    {"short_cash=credit", 100, 150, 3500}, /* each notional is covered by the cash before it */
    {"short_cash=free", 100, 150, 3500},   /* nothing is asked for */
    {"short_cash=lock_proceeds", 100, 150, 1000}, /* the cash from before stays free */
    {"short_cash=lock_notional", 100, 0, 0},      /* the first takes all of it */
};

static void test_short_cash(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
    const policy *p = &policies[i];
    bench b;
    char knobs[100];
    snprintf(knobs, sizeof knobs, "cash=1000 account=crypto borrow=units %s", p->knobs);
    bench_start(&b, "default", knobs, 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, -100);
    bench_bar(&b, 10, 10);
    near(b.order[0].filled, -p->first);
    bench_ok(&b, 0, BV_ASK_QTY, -150);
    bench_bar(&b, 10, 10);
    near(b.order[1].filled, -p->second);
    near(bv_funds_free(b.sim, b.now), p->free);
    /* Closing gives back what was locked. */
    bench_ok(&b, 0, BV_ASK_TARGET, 0);
    bench_bar(&b, 9, 9);
    near(bv_funds_free(b.sim, b.now), 1000 + p->first + p->second);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* With credit a short of 101 at 10 is more than 1000 of cash covers; with free it is not asked. */
static void test_short_needs_cash(void **state) {
  (void)state;
  for (int free = 0; free < 2; free++) {
    bench b;
    bench_start(&b, "default",
                free ? "cash=1000 account=crypto borrow=units short_cash=free"
                     : "cash=1000 account=crypto borrow=units",
                1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, -101);
    bench_bar(&b, 10, 10);
    near(b.order[0].filled, free ? -101 : 0);
    /* A short that costs more to close than there is stays open; a target closes what it can. */
    if (free) {
      bench_ok(&b, 0, BV_ASK_QTY, 101);
      bench_bar(&b, 20, 20);
      expect(&b, 1, BV_ORDER_REJECTED, 0, "insufficient funds");
      bench_ok(&b, 0, BV_ASK_WEIGHT, 0);
      bench_bar(&b, 20, 20);
      expect(&b, 2, BV_ORDER_FILLED, 100, "cut to buying power");
      near(bv_sim_cash(b.sim), 10);
    }
    bench_finish(&b);
    bench_end(&b);
  }
}

/* Nothing is borrowed unless said: crypto accounts sell no coins they do not have. */
static void test_crypto_borrows_nothing(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=1000 account=crypto units=fractional", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, -1);
  bench_ok(&b, 0, BV_ASK_QTY, 100.5);
  bench_bar(&b, 10, 10);
  expect(&b, 0, BV_ORDER_REJECTED, 0, "short selling is not allowed");
  expect(&b, 1, BV_ORDER_REJECTED, 0, "insufficient funds");
  bench_finish(&b);
  bench_end(&b);
}

/* Reg-T: 50 % down, so 1000 carry 200 at 10, long or short, not 201. */
static void test_reg_t(void **state) {
  (void)state;
  for (int side = -1; side <= 1; side += 2) {
    bench b;
    bench_start(&b, "default", "cash=1000 account=reg_t", 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, side * 201);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, side * 200);
    bench_bar(&b, 10, 10);
    near(b.order[0].filled, 0);
    near(b.order[1].filled, side * 200);
    bench_finish(&b);
    bench_end(&b);
  }
  bench b;
  bench_start(&b, "default", "cash=1000 account=reg_t initial_margin=0.25", 1);
  bench_bar(&b, 10, 10);
  bench_ok(&b, 0, BV_ASK_QTY, 400);
  bench_bar(&b, 10, 10);
  near(b.order[0].filled, 400);
  bench_finish(&b);
  bench_end(&b);
}

/* 10 @ 10 and 10 @ 20, 15 sold at 30.  fifo: 200 + 50; lifo: 100 + 100; average (15): 15 x 15. */
static void test_lot_methods(void **state) {
  (void)state;
  static const struct {
    const char *knobs;
    double pnl, first, left;
  } method[] = {
      {"cash=1e4 lots=fifo", 250, 10, 20},
      {"cash=1e4 lots=lifo", 200, 20, 10},
      {"cash=1e4 lots=average", 225, 15, 15},
  };
  for (size_t i = 0; i < sizeof method / sizeof method[0]; i++) {
    bench b;
    bench_start(&b, "default", method[i].knobs, 1);
    bench_bar(&b, 10, 10);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    bench_bar(&b, 10, 20);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    bench_bar(&b, 20, 30);
    near(bv_sim_avg_price(b.sim, 0), 15);
    bench_ok(&b, 0, BV_ASK_QTY, -15);
    bench_bar(&b, 30, 30);
    near(b.fill[2].pnl, method[i].pnl);
    assert_int_equal(b.nlot, 2);
    near(b.lot[0].entry_price, method[i].first);
    near(b.lot[0].pnl + b.lot[1].pnl, method[i].pnl);
    near(bv_sim_avg_price(b.sim, 0), method[i].left);
    /* An average changes only when a position grows. */
    bench_ok(&b, 0, BV_ASK_QTY, -2);
    bench_bar(&b, 50, 50);
    near(bv_sim_avg_price(b.sim, 0), method[i].left);
    bench_finish(&b);
    bench_end(&b);
  }
}

static void test_contradictions(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"account=cash borrow=units", "a cash account borrows nothing"},
      {"account=cash borrow=both", "a cash account borrows nothing"},
      {"account=reg_t leverage=3", "initial_margin"},
      {"initial_margin=0.4", "reg_t"},
      {"account=cash leverage=2", "account margin"},
      {"account=crypto leverage=2", "borrowed money"},
      {"account=crypto funds=allow", "funds allow"},
      {"settlement_days=2", "account cash"},
      {"account=cash settlement_days=1.5", "whole"},
      {"short_cash=lock_notional", "short_cash"},
      {"account=reg_t margin=available size_at=fill flip=add", "margin available"},
      {"account=cash sides=both flip=add", "sides both"},
      {"lots=average sides=both flip=add", "sides both"},
  };
  assert_contradictions(bad, sizeof bad / sizeof bad[0]);
}

/* What a closing order frees is the proceeds of the lots that it closes.  Short 10 at 10 and 10 at 5: of 250 in cash
** 150 are locked.  To close the later ones at 16 takes 160, and frees 50. */
static void test_close_frees_its_own_lots(void **state) {
  (void)state;
  bench b;
  bench_start(&b, "default", "cash=100 account=crypto borrow=units short_cash=lock_proceeds", 1);
  bench_bar(&b, 10, 10);
  for (int i = 0; i < 2; i++) {
    bv_sim_request r = {.ask = BV_ASK_QTY, .amount = -10, .tag = i == 0 ? "first" : "second"};
    assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
    bench_bar(&b, i == 0 ? 10 : 5, i == 0 ? 5 : 16);
  }
  near(bv_funds_free(b.sim, b.now), 100);
  bv_sim_request close = {.ask = BV_ASK_QTY, .amount = 10, .closes = "second"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &close, NULL), BV_OK);
  bench_bar(&b, 16, 14.5);
  bench_expect(&b, 2, BV_ORDER_REJECTED, 10, 0, "insufficient funds");
  assert_int_equal(bv_sim_submit(b.sim, b.now, &close, NULL), BV_OK);
  bench_bar(&b, 14.5, 14.5);
  bench_expect(&b, 3, BV_ORDER_FILLED, 10, 10, "");
  near(bv_funds_free(b.sim, b.now), 5);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_close_frees_its_own_lots),
      cmocka_unit_test(test_cash_pays_in_full),
      cmocka_unit_test(test_no_sale_into_debt),
      cmocka_unit_test(test_settlement),
      cmocka_unit_test(test_settlement_on_trading_days),
      cmocka_unit_test(test_settlement_room),
      cmocka_unit_test(test_short_cash),
      cmocka_unit_test(test_short_needs_cash),
      cmocka_unit_test(test_crypto_borrows_nothing),
      cmocka_unit_test(test_reg_t),
      cmocka_unit_test(test_lot_methods),
      cmocka_unit_test(test_contradictions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
