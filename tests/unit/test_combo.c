/* test_combo.c - orders that fill together or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim_help.h"

enum { A, B, C };

/* Bars of A, B, C whose open, high, low and close are one price; NaN: no bar. */
static void bars(bench *b, double a, double pb, double c) {
  const double price[] = {a, pb, c};
  bench_flat(b, 3, price, 100);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

static void leg(bench *b, bv_sim_request r) {
  r.ask = BV_ASK_QTY;
  if (!r.combo) r.combo = "pair";
  assert_int_equal(bv_sim_submit(b->sim, b->now, &r, NULL), BV_OK);
}

static void net_leg(bench *b, int asset, double qty, double net) {
  leg(b, (bv_sim_request){.asset = asset, .amount = qty, .net_limit = net, .has_net_limit = 1});
}

/* The reports of a combo whose whole is order `id`: it and its legs, all in one state. */
static void expect_all(const bench *b, int64_t id, int legs, bv_order_state state,
                       const char *reason) {
  int found = 0, whole = 0;
  for (int i = 0; i < b->norder; i++) {
    const bv_sim_order *o = &b->order[i];
    if (o->id != id && o->parent != id) continue;
    assert_int_equal(o->state, state);
    assert_string_equal(o->reason, reason);
    found += o->parent == id;
    whole += o->id == id && o->ask == BV_ASK_COMBO && o->parent == 0;
  }
  assert_int_equal(found, legs);
  assert_int_equal(whole, 1);
}

static void test_fills_on_one_instant(void **state) {
  (void)state;
  static bench b;
  bv_sim_waiting w;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 6});
  leg(&b, (bv_sim_request){.asset = B, .amount = -4, .tag = "short"});
  bars(&b, 11, NAN, 5); /* B has no bar: it waits */
  assert_int_equal(b.norder + b.nfill, 0);
  assert_true(bv_sim_waiting_at(b.sim, 0, &w));
  assert_true(!w.dormant && w.order.ask == BV_ASK_COMBO && strcmp(w.combo, "pair") == 0);
  near(w.order.qty, 2);
  bars(&b, NAN, 21, 5);
  assert_int_equal(b.nfill, 0);
  bars(&b, 12, 22, 5);
  assert_int_equal(b.nfill, 2);
  assert_int_equal(b.norder, 3);
  expect_all(&b, 1, 2, BV_ORDER_FILLED, "");
  /* The sale is booked first; the whole is reported last. */
  near(b.fill[0].qty, -4);
  near(b.fill[0].price, 22);
  near(b.fill[1].price, 12);
  assert_int_equal(b.fill[0].ts, 3 * BENCH_STEP);
  assert_int_equal(b.fill[1].ts, 3 * BENCH_STEP);
  assert_int_equal(b.order[2].id, 1);
  near(b.order[2].qty, 2); /* two units of +3 and -2 */
  near(b.order[2].filled, 2);
  near(b.order[2].avg_price, 3 * 12 - 2 * 22);
  assert_true(isnan(b.order[2].limit));
  assert_string_equal(b.order[2].tag, "short");
  assert_string_equal(b.order[0].tag, "short");
  assert_string_equal(b.order[1].tag, "pair");
  bench_end(&b);
}

/* Of an option and its stock the net price is per share: ratio x multiplier / largest multiplier. */
static void test_net_limit_of_different_multipliers(void **state) {
  (void)state;
  static bench b;
  int option;
  bench_start(&b, "default", "", 1);
  assert_int_equal(bv_sim_asset(b.sim, "O", 100, &option, NULL), BV_OK);
  const double before[] = {50, 3}, dear[] = {50.5, 3}, cheap[] = {50.5, 3.25};
  bench_step(&b, 2, before, before);
  net_leg(&b, 0, 200, 47.25);
  net_leg(&b, option, -2, 47.25);
  bench_step(&b, 2, dear, dear); /* 47.5 */
  assert_int_equal(b.nfill, 0);
  bench_step(&b, 2, cheap, cheap);
  assert_int_equal(b.nfill, 2);
  expect_all(&b, 1, 2, BV_ORDER_FILLED, "");
  near(b.order[2].qty, 2);
  near(b.order[2].limit, 47.25);
  near(b.order[2].avg_price, 47.25);
  assert_int_equal(b.order[2].type, BV_TYPE_LIMIT);
  near(bv_sim_cash(b.sim), 100000 - 200 * 50.5 + 2 * 325);
  bench_end(&b);
}

/* With limit_fill through a net limit is passed by the largest step of its legs. */
static void test_net_limit_through(void **state) {
  (void)state;
  static bench b;
  static const bv_instrument quarters = {
      .tick = 0.25, .expiry = INT64_MAX, .underlying = -1, .fx = -1};
  bench_start(&b, "default", "limit_fill=through tick=0.01", 3);
  assert_int_equal(bv_sim_define(b.sim, A, &quarters, NULL), BV_OK);
  bars(&b, 10, 9, 5);
  net_leg(&b, A, 1, 0.5);
  net_leg(&b, B, -1, 0.5);
  bars(&b, 10, 9.5, 5);
  bars(&b, 10, 9.74, 5); /* 0.26: a cent too much */
  assert_int_equal(b.nfill, 0);
  bars(&b, 10, 9.75, 5);
  assert_int_equal(b.nfill, 2);
  bench_end(&b);
}

/* A credit is a limit below 0, and 0 is a limit too.  Slippage counts. */
static void test_credit_and_slippage(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "slippage.rate=0.01 slippage.clamp=0", 3);
  bars(&b, 100, 100, 1);
  net_leg(&b, A, 1, -1);
  leg(&b, (bv_sim_request){.asset = B, .amount = -1});
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .combo = "even", .has_net_limit = 1});
  leg(&b, (bv_sim_request){.asset = C, .amount = -100, .combo = "even"});
  bars(&b, 100, 102, 1); /* 101 - 100.98 after slippage; 101 - 99 */
  assert_int_equal(b.nfill, 0);
  bars(&b, 100, 103.1, 1.03); /* 101 - 102.069, 101 - 101.97 */
  assert_int_equal(b.nfill, 4);
  expect_all(&b, 1, 2, BV_ORDER_FILLED, "");
  expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
  near(b.order[2].avg_price, 101 - 103.1 * 0.99);
  bench_end(&b);
}

/* Where bars are quoted what is bought meets the ask and what is sold the bid. */
static void test_quotes(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 2);
  for (int step = 0; step < 3; step++) {
    bv_sim_bar bar[2];
    bv_sim_quote quote[2];
    for (int i = 0; i < 2; i++) {
      double price = i ? 21 : 10, half = step == 1 ? 0.5 : 0.1;
      bar[i] = (bv_sim_bar){.asset = i,
                            .ts = b.now,
                            .known_at = b.now + BENCH_STEP,
                            .open = price,
                            .high = price,
                            .low = price,
                            .close = price};
      quote[i] = (bv_sim_quote){.bid = bar[i], .ask = bar[i], .has_bid = true, .has_ask = true};
      quote[i].bid.open = quote[i].bid.high = quote[i].bid.low = quote[i].bid.close = price - half;
      quote[i].ask.open = quote[i].ask.high = quote[i].ask.low = quote[i].ask.close = price + half;
      bar[i].quote = &quote[i];
    }
    assert_int_equal(bv_sim_open(b.sim, b.now, bar, 2, NULL), BV_OK);
    b.now += BENCH_STEP;
    assert_int_equal(bv_sim_close(b.sim, b.now, bar, 2, NULL), BV_OK);
    if (step == 0) {
      net_leg(&b, A, 2, -0.6);
      leg(&b, (bv_sim_request){.asset = B, .amount = -1});
    }
    /* 2 x 10.5 - 20.5 is a debit, 2 x 10.1 - 20.9 a credit of 0.7. */
    assert_int_equal(b.nfill, step < 2 ? 0 : 2);
  }
  near(b.fill[0].price, 20.9);
  near(b.fill[1].price, 10.1);
  near(b.order[2].avg_price, -0.7);
  bench_end(&b);
}

static void test_leg_limits(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .type = BV_TYPE_LIMIT, .limit = 9});
  leg(&b, (bv_sim_request){.asset = B, .amount = -1, .type = BV_TYPE_LIMIT, .limit = 21});
  bars(&b, 9, 20, 5);
  bars(&b, 10, 21, 5);
  assert_int_equal(b.nfill, 0);
  bars(&b, 8.5, 21.5, 5);
  assert_int_equal(b.nfill, 2);
  near(b.fill[1].price, 8.5);
  bench_end(&b);
}

/* Either leg alone would be carried; both together are not. */
static void test_buying_power_for_the_whole(void **state) {
  (void)state;
  static bench b;
  static const char *const accounts[] = {"cash=1000", "cash=1000 account=cash",
                                         "cash=1000 account=crypto borrow=units",
                                         "cash=1000 margin=available size_at=fill flip=add"};
  for (int i = 0; i < 4; i++) {
    bool available = i == 3;
    bench_start(&b, "default", accounts[i], 3);
    bars(&b, 10, 20, 5);
    leg(&b, (bv_sim_request){.asset = A, .amount = 60});
    leg(&b, (bv_sim_request){.asset = B, .amount = 30});
    leg(&b, (bv_sim_request){.asset = A, .amount = 50, .combo = "fits"});
    leg(&b, (bv_sim_request){.asset = B, .amount = 25, .combo = "fits"});
    bars(&b, 10, 20, 5);
    expect_all(&b, 1, 2, available ? BV_ORDER_CANCELLED : BV_ORDER_REJECTED, "insufficient funds");
    expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
    near(bv_sim_cash(b.sim), 0);
    bench_end(&b);
  }
}

/* What a leg sells pays for the other one, but not before it has settled. */
static void test_sale_pays_for_purchase(void **state) {
  (void)state;
  static bench b;
  for (int days = 0; days < 2; days++) {
    bench_start(&b, "default",
                days ? "cash=1000 account=cash settlement_days=1" : "cash=1000 account=cash", 3);
    bars(&b, 10, 20, 5);
    bench_ok(&b, A, BV_ASK_QTY, 100);
    bars(&b, 10, 20, 5);
    leg(&b, (bv_sim_request){.asset = B, .amount = 50});
    leg(&b, (bv_sim_request){.asset = A, .amount = -100});
    bars(&b, 10, 20, 5);
    expect_all(&b, 2, 2, days ? BV_ORDER_REJECTED : BV_ORDER_FILLED,
               days ? "insufficient funds" : "");
    for (int i = 0; i < b.nfill; i++) assert_true(b.fill[i].cash >= 0);
    bench_end(&b);
  }
}

static void test_short_sales_and_their_proceeds(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "account=cash", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 1});
  leg(&b, (bv_sim_request){.asset = B, .amount = -1});
  bars(&b, 10, 20, 5);
  expect_all(&b, 1, 2, BV_ORDER_REJECTED, "short selling is not allowed");
  bench_end(&b);
  /* Cash worth the notional of the short beside what the purchase takes: 600 + 500 > 1000. */
  bench_start(&b, "default", "cash=1000 account=crypto borrow=units", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 60});
  leg(&b, (bv_sim_request){.asset = B, .amount = -25});
  leg(&b, (bv_sim_request){.asset = A, .amount = 40, .combo = "fits"});
  leg(&b, (bv_sim_request){.asset = B, .amount = -30, .combo = "fits"});
  bars(&b, 10, 20, 5);
  expect_all(&b, 1, 2, BV_ORDER_REJECTED, "insufficient funds");
  expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
  bench_end(&b);
}

static void test_volume_for_all_or_none(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "volume.model=share volume.share=0.1", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 5});
  leg(&b, (bv_sim_request){.asset = B, .amount = -11}); /* 10 is all that a bar has */
  leg(&b, (bv_sim_request){.asset = A, .amount = 6, .combo = "small"});
  leg(&b, (bv_sim_request){.asset = C, .amount = 2, .combo = "small"});
  bench_ok(&b, A, BV_ASK_QTY, 20);
  bars(&b, 10, 20, 5);
  expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
  near(bv_sim_qty(b.sim, A), 10); /* 4 were left */
  bars(&b, 10, 20, 5);
  bench_finish(&b);
  expect_all(&b, 1, 2, BV_ORDER_EXPIRED, "no further bar");
  bench_end(&b);
}

static void test_time_in_force(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  b.now = 86400 - 3 * BENCH_STEP;
  bars(&b, 10, 20, 5);
  int64_t until = b.now + BENCH_STEP;
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .tif = BV_TIF_DAY});
  net_leg(&b, B, 1, 1);
  leg(&b, (bv_sim_request){
              .asset = A, .amount = 1, .combo = "until", .tif = BV_TIF_GTD, .until = until});
  leg(&b, (bv_sim_request){.asset = C, .amount = 1, .combo = "until", .has_net_limit = 1});
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .combo = "now", .tif = BV_TIF_IOC});
  leg(&b, (bv_sim_request){.asset = B, .amount = 1, .combo = "now", .has_net_limit = 1});
  bars(&b, 10, NAN, 5); /* B has no bar, so this is not the instant of "now" */
  assert_int_equal(b.norder, 0);
  bars(&b, 10, 20, 5);
  expect_all(&b, 4, 2, BV_ORDER_EXPIRED, "its time is over");
  expect_all(&b, 7, 2, BV_ORDER_CANCELLED, "not filled at the open");
  assert_int_equal(b.norder, 6);
  bars(&b, 10, 20, 5); /* the next day */
  expect_all(&b, 1, 2, BV_ORDER_EXPIRED, "its time is over");
  assert_int_equal(b.order[6].done_ts, 86400);
  bench_end(&b);
}

static void test_cancel_ends_the_whole(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  net_leg(&b, A, 1, 1);
  leg(&b, (bv_sim_request){.asset = B, .amount = 1, .tag = "second"});
  /* Of the same instant: the legs are still being gathered. */
  assert_int_equal(bv_sim_cancel(b.sim, b.now, A, "*", NULL), BV_OK);
  assert_int_equal(b.norder, 0);
  bars(&b, 10, 20, 5);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, B, "second", NULL), BV_OK);
  expect_all(&b, 1, 2, BV_ORDER_CANCELLED, "cancelled");
  assert_int_equal(b.norder, 3);
  assert_int_equal(b.sim->queue.n, 0);
  assert_int_equal(b.sim->queue.ncombo + b.sim->queue.ngather + b.sim->queue.nrest, 0);
  bench_end(&b);
}

static void test_replace_gives_the_whole_new_terms(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  net_leg(&b, A, 4, 1);
  leg(&b, (bv_sim_request){.asset = B, .amount = -2});
  bars(&b, 10, 18, 5);
  bv_sim_request r = {
      .asset = B, .ask = BV_ASK_QTY, .amount = -3, .net_limit = 3, .has_net_limit = 1};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "pair", NULL), BV_OK);
  expect_all(&b, 1, 2, BV_ORDER_CANCELLED, "replaced");
  /* A half of a lot, and the other way round. */
  r = (bv_sim_request){.asset = A, .ask = BV_ASK_QTY, .amount = 5};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "pair", NULL), BV_OK);
  bench_expect(&b, 3, BV_ORDER_REJECTED, 6, 0, "a leg is not a whole number of lots");
  r.amount = -6;
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "pair", NULL), BV_OK);
  bench_expect(&b, 4, BV_ORDER_REJECTED, 6, 0, "replace cannot turn a combo around");
  r = (bv_sim_request){.asset = A, .ask = BV_ASK_QTY, .limit = 5};
  assert_int_equal(bv_sim_replace(b.sim, b.now, &r, "pair", NULL), BV_OK);
  assert_string_equal(b.order[5].reason, "this leg of the combo is a market order");
  bars(&b, 10, 17, 5); /* 2 x 10 - 17 */
  expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
  near(bv_sim_qty(b.sim, A), 6);
  near(bv_sim_qty(b.sim, B), -3);
  bench_end(&b);
}

static void test_one_triggers_the_other(void **state) {
  (void)state;
  static bench b;
  bv_sim_waiting w;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  bv_sim_request single = {.asset = C,
                           .ask = BV_ASK_QTY,
                           .amount = 1,
                           .type = BV_TYPE_LIMIT,
                           .limit = 4,
                           .tag = "first"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &single, NULL), BV_OK);
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .oto = "first"});
  leg(&b, (bv_sim_request){.asset = B, .amount = -1, .oto = "first"});
  single = (bv_sim_request){.asset = C, .ask = BV_ASK_QTY, .amount = 2, .oto = "pair"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &single, NULL), BV_OK);
  bars(&b, 10, 20, 5);
  assert_int_equal(b.nfill, 0);
  assert_true(bv_sim_waiting_at(b.sim, 1, &w) && w.dormant);
  bars(&b, 10, 20, 4);
  assert_int_equal(b.nfill, 1);
  bars(&b, 10, 20, 5);
  assert_int_equal(b.nfill, 3);
  bars(&b, 10, 20, 5);
  assert_int_equal(b.nfill, 4);
  near(bv_sim_qty(b.sim, C), 3);
  bench_end(&b);
  /* A leader that ends takes the combo with it, and that what sleeps for it. */
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  single = (bv_sim_request){.asset = C,
                            .ask = BV_ASK_QTY,
                            .amount = 1,
                            .type = BV_TYPE_LIMIT,
                            .limit = 4,
                            .tag = "first"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &single, NULL), BV_OK);
  leg(&b, (bv_sim_request){.asset = A, .amount = 1, .oto = "first"});
  leg(&b, (bv_sim_request){.asset = B, .amount = -1});
  single = (bv_sim_request){.asset = C, .ask = BV_ASK_QTY, .amount = 2, .oto = "pair"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &single, NULL), BV_OK);
  bars(&b, 10, 20, 5);
  assert_int_equal(bv_sim_cancel(b.sim, b.now, C, "first", NULL), BV_OK);
  expect_all(&b, 2, 2, BV_ORDER_CANCELLED, "the order before it did not fill");
  assert_int_equal(b.norder, 5);
  assert_int_equal(b.sim->queue.n, 0);
  bench_end(&b);
}

static void test_what_makes_no_sense(void **state) {
  (void)state;
  static const struct {
    bv_sim_request one, two;
    const char *reason;
  } t[] = {
      {{.amount = 1}, {.asset = B}, "a combo needs two legs"},
      {{.amount = 1}, {.amount = 2}, "two legs of the combo are of one asset"},
      {{.amount = 1}, {.asset = B, .amount = 1.5}, "a leg is not a whole number of lots"},
      {{.amount = 1}, {.asset = B, .amount = 0.2}, "a leg is not a whole number of lots"},
      {{.amount = 1}, {.asset = B, .amount = 1e300}, "the quantity is too large"},
      {{.amount = 1},
       {.asset = B, .amount = 1, .type = BV_TYPE_STOP, .stop = 30},
       "the legs of a combo are market or limit orders"},
      {{.amount = 1},
       {.asset = B, .amount = 1, .limit = 3},
       "a market order has no price of its own"},
      {{.amount = 1},
       {.asset = B, .amount = 1, .type = BV_TYPE_LIMIT},
       "a limit order needs limit_price"},
      {{.amount = 1, .take_profit = 12},
       {.asset = B, .amount = 1},
       "a combo takes no bracket, oco, closes or reduce_only"},
      {{.amount = 1, .reduce_only = 1},
       {.asset = B, .amount = 1},
       "a combo takes no bracket, oco, closes or reduce_only"},
      {{.amount = 1, .tif = BV_TIF_OPG},
       {.asset = B, .amount = 1},
       "a combo takes no tif opg or cls"},
      {{.amount = 1, .tif = BV_TIF_DAY},
       {.asset = B, .amount = 1, .tif = BV_TIF_IOC},
       "the legs of the combo differ in tif"},
      {{.amount = 1, .tif = BV_TIF_GTD}, {.asset = B, .amount = 1}, "tif gtd needs expire_at"},
      {{.amount = 1, .tif = BV_TIF_GTD, .until = 1},
       {.asset = B, .amount = 1},
       "expire_at has passed"},
      {{.amount = 1, .until = 1000}, {.asset = B, .amount = 1}, "expire_at needs tif gtd"},
      {{.amount = 1, .has_net_limit = 1, .net_limit = 1},
       {.asset = B, .amount = 1, .has_net_limit = 1},
       "the legs of the combo differ in net_limit"},
      {{.amount = 1, .has_net_limit = 1, .net_limit = INFINITY},
       {.asset = B, .amount = 1},
       "net_limit is not a finite number"},
      {{.amount = 1, .oto = "nobody"},
       {.asset = B, .amount = 1},
       "no waiting order has the tag in oto"},
  };
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    static bench b;
    bench_start(&b, "default", "", 3);
    bars(&b, 10, 20, 5);
    leg(&b, t[i].one);
    leg(&b, t[i].two);
    bars(&b, 10, 20, 5);
    if (b.nfill) fail_msg("%s", t[i].reason);
    expect_all(&b, 1, t[i].two.amount != 0 ? 2 : 1, BV_ORDER_REJECTED, t[i].reason);
    assert_int_equal(b.order[0].done_ts, BENCH_STEP);
    assert_int_equal(b.sim->queue.n, 0);
    bench_end(&b);
  }
  /* A target is no leg, and a net limit is nothing for a single order. */
  static bench b;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  bv_sim_request r = {.asset = A, .ask = BV_ASK_WEIGHT, .amount = 0.5, .combo = "pair"};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  leg(&b, (bv_sim_request){.asset = B, .amount = 1});
  r = (bv_sim_request){.asset = A, .ask = BV_ASK_QTY, .amount = 1, .has_net_limit = 1};
  assert_int_equal(bv_sim_submit(b.sim, b.now, &r, NULL), BV_OK);
  assert_string_equal(b.order[0].reason, "net_limit needs combo");
  bars(&b, 10, 20, 5);
  expect_all(&b, 1, 2, BV_ORDER_REJECTED, "the legs of a combo are given by qty");
  bench_end(&b);
}

static void test_seventeen_legs(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 1);
  for (int i = 0; i < 17; i++) {
    char key[3] = {'z', (char)('a' + i), 0};
    int asset;
    assert_int_equal(bv_sim_asset(b.sim, key, 1, &asset, NULL), BV_OK);
    leg(&b, (bv_sim_request){.asset = asset, .amount = 1});
  }
  bench_bar(&b, 10, 10);
  assert_int_equal(b.norder, 18);
  for (int i = 0; i < 18; i++)
    assert_string_equal(b.order[i].reason, "a combo has at most 16 legs");
  assert_int_equal(b.sim->queue.n, 0);
  bench_end(&b);
}

static void test_other_rules_and_closes(void **state) {
  (void)state;
  static bench b;
  static const char *const profiles[] = {"backtesting.py", "backtrader", "lean",    "zipline",
                                         "vectorbt",       "ml4t",       "lumibot", "nautilus"};
  for (int i = 0; i < 8; i++) {
    bench_start(&b, profiles[i], "cash=100000 account=margin allow_short=1", 3);
    bars(&b, 10, 20, 5);
    leg(&b, (bv_sim_request){.asset = A, .amount = 2});
    net_leg(&b, B, -1, 0.5);
    bars(&b, 10, 19, 5); /* 2 x 10 - 19 */
    if (b.nfill) fail_msg("%s", profiles[i]);
    bars(&b, 10, 20, 5);
    if (b.nfill != 2)
      fail_msg("%s: %d fills, %s", profiles[i], b.nfill, b.norder ? b.order[0].reason : "");
    expect_all(&b, 1, 2, BV_ORDER_FILLED, "");
    bench_end(&b);
  }
  bench_start(&b, "default", "fill_at=next_close", 3);
  bars(&b, 10, 20, 5);
  leg(&b, (bv_sim_request){.asset = A, .amount = 2});
  leg(&b, (bv_sim_request){.asset = B, .amount = -1});
  bars(&b, 11, 21, 5);
  assert_int_equal(b.nfill, 2);
  assert_int_equal(b.fill[0].ts, 2 * BENCH_STEP);
  near(b.fill[1].price, 11);
  bench_end(&b);
}

static void test_splits(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  bars(&b, 10, 20, 5);
  net_leg(&b, A, 2, 1);
  leg(&b, (bv_sim_request){.asset = B, .amount = -1});
  leg(&b, (bv_sim_request){.asset = A, .amount = 3, .combo = "odd"});
  leg(&b, (bv_sim_request){.asset = C, .amount = -1, .combo = "odd", .has_net_limit = 1});
  bars(&b, 10, 15, 5);
  bv_sim_action x = {.asset = A, .kind = BV_ACTION_SPLIT, .value = 1.5};
  assert_int_equal(bv_sim_act(b.sim, b.now, &x, NULL), BV_OK);
  expect_all(&b, 4, 2, BV_ORDER_CANCELLED, "a split left a fraction of a leg");
  bars(&b, 6, 16, 5); /* 3 x 6 - 16: a debit of 2 where 1 is the most */
  assert_int_equal(b.nfill, 0);
  bars(&b, 6, 17, 5);
  assert_int_equal(b.nfill, 2);
  near(bv_sim_qty(b.sim, A), 3);
  bench_end(&b);
}

static void test_expiry_of_a_leg(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "", 3);
  const bv_instrument d = {
      .kind = BV_KIND_FUTURE, .expiry = 3 * BENCH_STEP, .underlying = -1, .fx = -1};
  assert_int_equal(bv_sim_define(b.sim, B, &d, NULL), BV_OK);
  bars(&b, 10, 20, 5);
  net_leg(&b, A, 1, 1);
  leg(&b, (bv_sim_request){.asset = B, .amount = 1});
  bars(&b, 10, 20, 5);
  bars(&b, 10, 20, 5);
  expect_all(&b, 1, 2, BV_ORDER_CANCELLED, "the asset has expired");
  leg(&b, (bv_sim_request){.asset = A, .amount = 1});
  leg(&b, (bv_sim_request){.asset = B, .amount = 1});
  bars(&b, 10, NAN, 5);
  expect_all(&b, 4, 2, BV_ORDER_REJECTED, "the asset has expired");
  bench_end(&b);
}

/* Each leg alone is within the limits, the whole is not. */
static void test_risk_rules_refuse_the_whole(void **state) {
  (void)state;
  static const struct {
    const char *rule;
    double percent, positions, second;
  } t[] = {{"gross_exposure", 50, 0, 20},
           {"net_exposure", 50, 0, 20},
           {"heat", 50, 0, 20},
           {"max_positions", 0, 1, 20},
           {"group", 50, 0, 20}};
  for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
    static bench b;
    bv_ruleset rules = {0};
    bv_rule *r;
    bv_sim_config c = configure("default", "cash=1000");
    bv_sim_sink sink = {.ctx = &b, .order = bench_order, .fill = bench_fill};
    memset(&b, 0, sizeof b);
    assert_int_equal(bv_ruleset_at(&rules, 0, &r, NULL), BV_OK);
    assert_int_equal(bv_rule_set_text(r, "rule", t[i].rule, NULL), BV_OK);
    if (t[i].percent > 0) {
      assert_int_equal(bv_rule_set_number(r, "percent", t[i].percent, NULL), BV_OK);
    }
    if (t[i].positions > 0) {
      assert_int_equal(bv_rule_set_number(r, "positions", t[i].positions, NULL), BV_OK);
    }
    if (strcmp(t[i].rule, "group") == 0) {
      assert_int_equal(bv_rule_add_member(r, "A", "one", NULL), BV_OK);
      assert_int_equal(bv_rule_add_member(r, "B", "one", NULL), BV_OK);
    }
    assert_int_equal(bv_ruleset_check(&rules, NULL), BV_OK);
    b.memory = bv_mem_used(BV_MEM_SIM);
    assert_int_equal(bv_sim_new(&c, &sink, &b.sim, NULL), BV_OK);
    assert_int_equal(bv_sim_rules(b.sim, &rules, NULL, NULL), BV_OK);
    int asset;
    assert_int_equal(bv_sim_asset(b.sim, "A", 1, &asset, NULL), BV_OK);
    assert_int_equal(bv_sim_asset(b.sim, "B", 1, &asset, NULL), BV_OK);
    assert_int_equal(bv_sim_asset(b.sim, "C", 1, &asset, NULL), BV_OK);
    bars(&b, 10, 20, 5);
    leg(&b, (bv_sim_request){.asset = A, .amount = 30});
    leg(&b, (bv_sim_request){.asset = B, .amount = t[i].second});
    bars(&b, 10, 20, 5);
    char reason[64];
    snprintf(reason, sizeof reason, "risk: %s", t[i].rule);
    assert_int_equal(b.nfill, 0);
    expect_all(&b, 1, 2, BV_ORDER_REJECTED, reason);
    leg(&b, (bv_sim_request){.asset = A, .amount = 30});
    leg(&b, (bv_sim_request){.asset = C, .amount = 1});
    bars(&b, 10, 20, 5);
    if (t[i].positions == 0) expect_all(&b, 4, 2, BV_ORDER_FILLED, "");
    bench_end(&b);
    bv_ruleset_reset(&rules);
  }
}

/* The sequence of an instant: what only reduces goes first. */
static void test_reduces_first(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "cash=1000", 3);
  bars(&b, 10, 20, 5);
  bench_ok(&b, A, BV_ASK_QTY, 60);
  bench_ok(&b, B, BV_ASK_QTY, 20);
  bars(&b, 10, 20, 5);
  bench_ok(&b, C, BV_ASK_QTY, 150);
  leg(&b, (bv_sim_request){.asset = A, .amount = -60});
  leg(&b, (bv_sim_request){.asset = B, .amount = -10});
  bars(&b, 10, 20, 5);
  near(bv_sim_qty(b.sim, C), 150);
  near(bv_sim_qty(b.sim, A), 0);
  bench_end(&b);
}

/* The value of an account with open futures is not that of their contracts: each takes its margin. */
static void test_buying_power_of_futures(void **state) {
  (void)state;
  static bench b;
  bench_start(&b, "default", "cash=1000", 3);
  const bv_instrument d = {.kind = BV_KIND_FUTURE,
                           .initial_margin = 300,
                           .expiry = INT64_MAX,
                           .underlying = -1,
                           .fx = -1};
  assert_int_equal(bv_sim_define(b.sim, A, &d, NULL), BV_OK);
  bars(&b, 5000, 20, 5);
  for (int i = 0; i < 5; i++) {
    bench_ok(&b, A, BV_ASK_QTY, 1);
    bars(&b, 5000, 20, 5);
  }
  near(bv_sim_qty(b.sim, A), 3);
  bench_expect(&b, 3, BV_ORDER_REJECTED, 1, 0, "insufficient funds");
  bench_end(&b);
}

static void test_out_of_memory(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    static bench b;
    bench_start(&b, "default", "", 3);
    bars(&b, 10, 20, 5);
    const bv_sim_request one = {.ask = BV_ASK_QTY, .amount = 1, .combo = "pair", .tag = "t"};
    bv_sim_request two = one;
    two.asset = B;
    bv_alloc_fail_after(n, 0);
    if (bv_sim_submit(b.sim, b.now, &one, NULL) == BV_NOMEM) {
      assert_int_equal(bv_sim_submit(b.sim, b.now, &one, NULL), BV_OK);
    }
    if (bv_sim_submit(b.sim, b.now, &two, NULL) == BV_NOMEM) {
      assert_int_equal(bv_sim_submit(b.sim, b.now, &two, NULL), BV_OK);
    }
    bool failed = bv_alloc_failures() > 0;
    bv_alloc_fail_after(0, 1); /* filling needs none */
    bars(&b, 10, 20, 5);
    assert_int_equal(bv_alloc_failures(), 0);
    bv_alloc_fail_after(-1, 0);
    expect_all(&b, 1, 2, BV_ORDER_FILLED, "");
    bench_end(&b);
    if (!failed) {
      assert_true(n > 3);
      break;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fills_on_one_instant),
      cmocka_unit_test(test_net_limit_of_different_multipliers),
      cmocka_unit_test(test_net_limit_through),
      cmocka_unit_test(test_credit_and_slippage),
      cmocka_unit_test(test_quotes),
      cmocka_unit_test(test_leg_limits),
      cmocka_unit_test(test_buying_power_for_the_whole),
      cmocka_unit_test(test_sale_pays_for_purchase),
      cmocka_unit_test(test_short_sales_and_their_proceeds),
      cmocka_unit_test(test_volume_for_all_or_none),
      cmocka_unit_test(test_time_in_force),
      cmocka_unit_test(test_cancel_ends_the_whole),
      cmocka_unit_test(test_replace_gives_the_whole_new_terms),
      cmocka_unit_test(test_one_triggers_the_other),
      cmocka_unit_test(test_what_makes_no_sense),
      cmocka_unit_test(test_seventeen_legs),
      cmocka_unit_test(test_other_rules_and_closes),
      cmocka_unit_test(test_splits),
      cmocka_unit_test(test_expiry_of_a_leg),
      cmocka_unit_test(test_risk_rules_refuse_the_whole),
      cmocka_unit_test(test_reduces_first),
      cmocka_unit_test(test_buying_power_of_futures),
      cmocka_unit_test(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
