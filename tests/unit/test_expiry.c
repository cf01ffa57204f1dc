/* test_expiry.c - futures, options, exchange rates, ticks and lots of instruments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim/margin.h"
#include "sim_help.h"

static const bv_instrument plain = {.expiry = INT64_MAX, .underlying = -1, .fx = -1};

/* Assets A, B, C, D; A has a multiplier. */
static void start(bench *b, const char *knobs, double multiplier) {
  bench_start(b, "default", knobs, 0);
  for (int i = 0; i < 4; i++) {
    char key[2] = {(char)('A' + i), 0};
    int asset;
    assert_int_equal(bv_sim_asset(b->sim, key, i == 0 ? multiplier : 1, &asset, NULL), BV_OK);
  }
}

static void define(bench *b, int asset, bv_instrument d) {
  bv_err err = {0};
  if (bv_sim_define(b->sim, asset, &d, &err) != BV_OK) fail_msg("%s", err.msg);
}

/* A step of the assets whose price is not 0, at one price. */
static void at(bench *b, double a, double u, double fx) {
  const double price[3] = {a != 0 ? a : NAN, u != 0 ? u : NAN, fx != 0 ? fx : NAN};
  bench_flat(b, 3, price, 1);
  double error = bv_ledger_error(&b->sim->ledger);
  if (!(error < 1e-12)) fail_msg("ledger off by %g", error);
}

static bv_instrument future(void) {
  bv_instrument d = plain;
  d.kind = BV_KIND_FUTURE;
  d.initial_margin = 1000;
  d.maintenance_margin = 800;
  return d;
}

/* 10000, 1000 a contract: ten at 100 x 50, not eleven; the cash moves by the change of every close. */
static void test_future(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=10000 commission.model=per_share commission.rate=1 commission.by=order", 50);
  define(&b, 0, future());
  at(&b, 100, 0, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  at(&b, 100, 0, 0);
  assert_string_equal(b.order[0].reason, "insufficient funds"); /* 10 of commission */
  bench_ok(&b, 0, BV_ASK_QTY, 9);
  at(&b, 101, 0, 0);
  near(bv_sim_cash(b.sim), 10000 - 9);
  at(&b, 102, 0, 0);
  near(bv_sim_cash(b.sim), 9991 + 9 * 50);
  near(bv_sim_value(b.sim), bv_sim_cash(b.sim));
  near(bv_sim_position_value(b.sim, 0), 0);
  bench_ok(&b, 0, BV_ASK_QTY, -9);
  at(&b, 99, 0, 0);
  near(bv_sim_cash(b.sim), 9991 - 9 * 100 - 9);
  near(b.lot[0].pnl, -9 * 100 - 18);
  near(b.fill[1].pnl, -900);
  bench_finish(&b);
  bench_end(&b);
}

/* Ten contracts require 8000: at 96 the account has 10000 - 2000 left and is in order, a tick below it is not. */
static void test_future_call(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=10000 margin_call=liquidate", 50);
  define(&b, 0, future());
  at(&b, 100, 0, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 10);
  at(&b, 100, 0, 0);
  at(&b, 96, 0, 0);
  near(bv_margin_required(b.sim), 8000);
  assert_int_equal(b.nmargin, 0);
  at(&b, 95.9, 0, 0);
  assert_int_equal(b.nmargin, 1);
  at(&b, 95.9, 0, 0);
  near(b.fill[1].qty, -1);
  bench_finish(&b);
  bench_end(&b);
}

/* Cash settlement at the last price or at a given one; orders end, and nothing can be ordered any more. */
static void test_future_expires(void **state) {
  (void)state;
  for (int given = 0; given < 2; given++) {
    bench b;
    start(&b, "cash=10000", 50);
    bv_instrument d = future();
    d.expiry = 3 * BENCH_STEP;
    if (given) d.settlement_price = 103;
    define(&b, 0, d);
    at(&b, 100, 0, 0);
    bench_ok(&b, 0, BV_ASK_QTY, 2);
    at(&b, 100, 0, 0);
    bv_sim_request r = {
        .asset = 0, .ask = BV_ASK_QTY, .amount = 1, .type = BV_TYPE_LIMIT, .limit = 50};
    assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
    at(&b, 104, 0, 0);
    near(bv_sim_qty(b.sim, 0), 0);
    near(bv_sim_cash(b.sim), given ? 10300 : 10400);
    assert_string_equal(b.order[1].reason, "the asset has expired");
    assert_int_equal(b.order[1].state, BV_ORDER_CANCELLED);
    assert_string_equal(b.order[2].reason, "expired: settled in cash");
    near(b.fill[1].price, given ? 103 : 104);
    bench_ok(&b, 0, BV_ASK_QTY, 1);
    assert_string_equal(b.order[3].reason, "the asset has expired");
    bench_finish(&b);
    bench_end(&b);
  }
}

typedef struct expiring {
  bv_right right;
  bv_delivery delivery;
  double qty, underlying; /* contracts of 100; last price of the underlying, strike 50 */
  const char *knobs, *reason;
  double price, delivered; /* of the closing fill; units of the underlying afterwards */
} expiring;

static const expiring expirings[] = {
    {BV_RIGHT_CALL, BV_DELIVERY_CASH, 1, 57, "cash=1e5", "expired: settled in cash", 7, 0},
    {BV_RIGHT_CALL, BV_DELIVERY_CASH, -2, 57, "cash=1e5", "expired: settled in cash", 7, 0},
    {BV_RIGHT_CALL, BV_DELIVERY_CASH, 1, 50, "cash=1e5", "expired worthless", 0, 0},
    {BV_RIGHT_PUT, BV_DELIVERY_CASH, 1, 44, "cash=1e5", "expired: settled in cash", 6, 0},
    {BV_RIGHT_PUT, BV_DELIVERY_CASH, -1, 51, "cash=1e5", "expired worthless", 0, 0},
    {BV_RIGHT_CALL, BV_DELIVERY_PHYSICAL, 1, 57, "cash=1e5", "exercised", 0, 100},
    {BV_RIGHT_CALL, BV_DELIVERY_PHYSICAL, -2, 57, "cash=1e5", "assigned", 0, -200},
    {BV_RIGHT_PUT, BV_DELIVERY_PHYSICAL, 1, 44, "cash=1e5", "exercised", 0, -100},
    {BV_RIGHT_PUT, BV_DELIVERY_PHYSICAL, -1, 44, "cash=1e5", "assigned", 0, 100},
    {BV_RIGHT_PUT, BV_DELIVERY_PHYSICAL, -1, 60, "cash=1e5", "expired worthless", 0, 0},
    {BV_RIGHT_CALL, BV_DELIVERY_PHYSICAL, 1, 57, "cash=1000 account=cash",
     "expired: settled in cash, the account cannot take delivery", 7, 0},
    {BV_RIGHT_CALL, BV_DELIVERY_PHYSICAL, 1, 57, "cash=9000 account=cash", "exercised", 0, 100},
    {BV_RIGHT_PUT, BV_DELIVERY_PHYSICAL, 1, 44, "cash=9000 account=cash",
     "expired: settled in cash, the account cannot take delivery", 6, 0},
};

/* Bought or sold at 3; what the account is worth afterwards is the same in every case: cash, premium, intrinsic. */
static void test_options(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof expirings / sizeof expirings[0]; i++) {
    const expiring *x = &expirings[i];
    bench b;
    start(&b, x->knobs, 100);
    bv_instrument d = plain;
    d.kind = BV_KIND_OPTION;
    d.right = x->right;
    d.delivery = x->delivery;
    d.strike = 50;
    d.expiry = 3 * BENCH_STEP;
    d.underlying = 1;
    define(&b, 0, d);
    at(&b, 3, 50, 0);
    double cash = bv_sim_cash(b.sim);
    bench_ok(&b, 0, BV_ASK_QTY, x->qty);
    at(&b, 3, 50, 0);
    at(&b, 0, x->underlying, 0);
    assert_string_equal(b.order[1].reason, x->reason);
    near(b.fill[1].price, x->price);
    near(b.fill[1].qty, -x->qty);
    near(bv_sim_qty(b.sim, 0), 0);
    near(bv_sim_qty(b.sim, 1), x->delivered);
    double intrinsic = fmax(0, x->right == BV_RIGHT_CALL ? x->underlying - 50 : 50 - x->underlying);
    near(bv_sim_value(b.sim), cash + x->qty * 100 * (intrinsic - 3));
    if (x->delivered != 0) near(b.fill[2].price, 50);
    if (x->delivered != 0) assert_string_equal(b.order[2].reason, x->reason);
    assert_true(bv_sim_cash(b.sim) >= 0 || x->qty != 1 || x->delivered > 0);
    bench_finish(&b);
    bench_end(&b);
  }
}

/* A future that delivers: the underlying is in at the settlement price. */
static void test_delivery(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=1e5", 50);
  bv_instrument d = future();
  d.expiry = 3 * BENCH_STEP;
  d.delivery = BV_DELIVERY_PHYSICAL;
  d.underlying = 1;
  define(&b, 0, d);
  at(&b, 100, 100, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 2);
  at(&b, 100, 100, 0);
  at(&b, 104, 104.5, 0);
  near(bv_sim_qty(b.sim, 0), 0);
  near(bv_sim_qty(b.sim, 1), 100);
  near(bv_sim_avg_price(b.sim, 1), 104);
  near(bv_sim_value(b.sim), 1e5 + 2 * 50 * 4 + 100 * 0.5);
  bench_finish(&b);
  bench_end(&b);
}

/* 10 at 100 in a currency at 1.2, sold at 110 at 1.5: bought for 1200, sold for 1650, marked on the way. */
static void test_currency(void **state) {
  (void)state;
  for (int inverse = 0; inverse < 2; inverse++) {
    bench b;
    start(&b, "cash=10000 commission.rate=0.01", 1);
    bv_instrument d = plain;
    d.fx = 2;
    d.fx_inverse = inverse;
    define(&b, 0, d);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    assert_string_equal(b.order[0].reason, "no exchange rate yet");
    at(&b, 100, 0, inverse ? 1 / 1.2 : 1.2);
    bench_ok(&b, 0, BV_ASK_QTY, 10);
    at(&b, 100, 0, inverse ? 1 / 1.2 : 1.2);
    near(bv_sim_cash(b.sim), 10000 - 1200 - 12);
    near(bv_sim_value(b.sim), 10000 - 12);
    at(&b, 0, 0, inverse ? 1 / 1.5 : 1.5);
    near(bv_sim_value(b.sim), 10000 - 12 + 300);
    bench_ok(&b, 0, BV_ASK_QTY, -10);
    at(&b, 110, 0, inverse ? 1 / 1.5 : 1.5);
    near(b.lot[0].pnl, 450 - 12 - 16.5);
    near(b.fill[1].pnl, 450);
    near(b.lot[0].entry_price, 100);
    near(b.lot[0].exit_price, 110);
    near(bv_sim_cash(b.sim), 10000 + 450 - 12 - 16.5);
    /* A weight is of the account's currency. */
    bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5);
    at(&b, 100, 0, inverse ? 1 / 1.5 : 1.5);
    near(bv_sim_qty(b.sim, 0), floor(0.5 * 10421.5 / 110 / 1.5 / 1.01));
    bench_finish(&b);
    bench_end(&b);
  }
}

/* A future in another currency: each day's change is converted at that day's rate. */
static void test_currency_of_a_future(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=10000", 10);
  bv_instrument d = future();
  d.fx = 2;
  define(&b, 0, d);
  at(&b, 100, 0, 2);
  bench_ok(&b, 0, BV_ASK_QTY, 5);
  at(&b, 100, 0, 2);
  near(bv_margin_required(b.sim), 5 * 800 * 2);
  at(&b, 103, 0, 3);
  near(bv_sim_cash(b.sim), 10000 + 5 * 10 * 3 * 3);
  bench_ok(&b, 0, BV_ASK_QTY, -5);
  at(&b, 102, 0, 2); /* it fills at the rate of the last mark */
  near(bv_sim_cash(b.sim), 10000 + 450 - 5 * 10 * 1 * 3);
  near(b.lot[0].pnl, 300);
  bench_finish(&b);
  bench_end(&b);
}

/* Prices of orders go to the nearest tick, quantities to whole lots. */
static void test_steps(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=1e5", 1);
  bv_instrument d = plain;
  d.tick = 0.05;
  d.lot = 100;
  define(&b, 0, d);
  at(&b, 10, 0, 0);
  bv_sim_request r = {.asset = 0,
                      .ask = BV_ASK_QTY,
                      .amount = 250,
                      .type = BV_TYPE_LIMIT,
                      .limit = 9.98,
                      .stop_loss = 8.124};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  near(b.sim->queue.order[0].limit, 10);
  assert_true(b.sim->queue.order[0].limit == 10.0);
  assert_true(b.sim->queue.order[1].stop == 8.1);
  at(&b, 10, 0, 0);
  near(b.fill[0].qty, 200);
  bench_ok(&b, 0, BV_ASK_QTY, 99);
  assert_string_equal(b.order[1].reason, "less than one lot");
  bench_ok(&b, 0, BV_ASK_WEIGHT, 0.5); /* 5000 units, 200 are held */
  at(&b, 10, 0, 0);
  near(bv_sim_qty(b.sim, 0), 5000);
  bench_ok(&b, 0, BV_ASK_WEIGHT, 5); /* cut to what the account carries, in whole lots */
  at(&b, 10.01, 0, 0);
  near(bv_sim_qty(b.sim, 0), 9900);
  bench_finish(&b);
  bench_end(&b);
}

/* slippage.ticks counts the asset's own tick, else the run's; without either there is no such price. */
static void test_ticks_of_slippage(void **state) {
  (void)state;
  bench b;
  bv_err err = {0};
  bv_instrument d = plain;
  d.tick = 0.25;
  start(&b, "cash=1e5 slippage.model=fixed slippage.ticks=2 slippage.clamp=0 tick=0.01", 1);
  define(&b, 0, d);
  at(&b, 10, 10, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_ok(&b, 1, BV_ASK_QTY, -1);
  at(&b, 10, 10, 0);
  near(b.fill[0].price, 10.5);
  near(b.fill[1].price, 9.98);
  near(b.fill[1].slippage, 0.02);
  /* Sizes leave room for it: 1e5 - 10.5 + 9.98 of value, a unit is worth 10 and costs 10.5. */
  bench_ok(&b, 0, BV_ASK_WEIGHT, 1);
  bench_finish(&b);
  near(b.order[2].qty, floor((1e5 - 0.5 - 0.02 - 10) / 10.5));
  bench_end(&b);
  start(&b, "cash=1e5 slippage.model=fixed slippage.ticks=2 slippage.clamp=0", 1);
  define(&b, 0, d);
  at(&b, 10, 10, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bv_sim_request r = {.asset = 1, .ask = BV_ASK_QTY, .amount = 1};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "slippage.ticks needs a price step"));
  bench_finish(&b);
  bench_end(&b);
}

/* limit_fill through: a limit is passed by the asset's own tick, where it has none by the run's, without either by any
** price. */
static void test_ticks_of_limits(void **state) {
  (void)state;
  static const struct {
    const char *knobs;
    double fills[2]; /* of the asset with a tick of 0.25, and the one without */
  } want[] = {{"cash=1e5 limit_fill=through tick=0.05", {9.25, 9.45}},
              {"cash=1e5 limit_fill=through", {9.25, 9.47}},
              {"cash=1e5 tick=0.05", {9.5, 9.5}}};
  static const double price[] = {9.5, 9.47, 9.45, 9.26, 9.25};
  for (int k = 0; k < 3; k++) {
    bench b;
    bv_instrument d = plain;
    d.tick = 0.25;
    start(&b, want[k].knobs, 1);
    define(&b, 0, d);
    at(&b, 10, 10, 0);
    for (int i = 0; i < 2; i++) {
      bv_sim_request r = {
          .asset = i, .ask = BV_ASK_QTY, .amount = 1, .type = BV_TYPE_LIMIT, .limit = 9.5};
      assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
    }
    for (int i = 0; i < 5; i++) at(&b, price[i], price[i], 0);
    assert_int_equal(b.nfill, 2);
    for (int i = 0; i < 2; i++) near(b.fill[i].price, want[k].fills[b.fill[i].asset]);
    bench_finish(&b);
    bench_end(&b);
  }
}

static void test_refusals(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=1e5 account=cash", 1);
  bv_instrument index = plain;
  index.kind = BV_KIND_INDEX;
  define(&b, 0, index);
  define(&b, 1, future());
  at(&b, 10, 10, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 1);
  bench_ok(&b, 1, BV_ASK_WEIGHT, 1);
  assert_int_equal(b.norder, 2); /* a target that goes on being asked for is told once */
  assert_string_equal(b.order[0].reason, "an index cannot be traded");
  assert_string_equal(b.order[1].reason, "futures need an account that borrows money");
  bench_finish(&b);
  bench_end(&b);
}

static void test_bad_definitions(void **state) {
  (void)state;
  bench b;
  start(&b, "cash=1e5 units=fractional lot=0.01", 1);
  bv_instrument bad[4] = {plain, plain, plain, plain};
  bad[0].tick = -1;
  bad[1].kind = BV_KIND_OPTION;
  bad[2].lot = 0.015;
  bad[3].strike = (double)NAN;
  for (int i = 0; i < 4; i++) {
    bv_err err = {0};
    assert_int_equal(bv_sim_define(b.sim, 0, &bad[i], &err), BV_ARG);
    assert_non_null(strstr(err.msg, "asset A"));
  }
  at(&b, 10, 0, 0);
  bench_ok(&b, 0, BV_ASK_QTY, 1);
  assert_int_equal(bv_sim_define(b.sim, 0, &plain, NULL), BV_ARG);
  bench_finish(&b);
  bench_end(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_future),
      cmocka_unit_test(test_future_call),
      cmocka_unit_test(test_future_expires),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_delivery),
      cmocka_unit_test(test_currency),
      cmocka_unit_test(test_currency_of_a_future),
      cmocka_unit_test(test_ticks_of_slippage),
      cmocka_unit_test(test_ticks_of_limits),
      cmocka_unit_test(test_steps),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_bad_definitions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
