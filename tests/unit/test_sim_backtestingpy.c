/*
** test_sim_backtestingpy.c - profile backtesting.py against runs recorded from that engine.
**
** Each case replays the recorded orders of one run (orders.csv: the bar at whose close an order was
** placed) on the same bars, in the words a strategy view has: a relative entry is a target
** weight, a close without an entry is the target 0, a whole number of units is an order of that many,
** a stop-loss that moves is a replace.  What
** comes out must be the recorded trades (trades.csv), the recorded equity of every bar
** (equity.csv.gz) and the recorded margin cancels (the warnings of case.json).
**
** Tolerance: 1e-6 in currency, price and units.  The engine keeps money in another form (cash plus
** open profit), so sums round differently; a unit more or less would differ by whole currency.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "recorded_help.h"

enum { MAX_BARS = 6000, MAX_ORDERS = 12000, BAR_S = 60 };

typedef struct replay_case {
  const char *name, *bars;
  const char *knobs; /* "name=value ..." on top of the profile */
} replay_case;

static const replay_case cases[] = {
    {"goog_sma_excl", "backtestingpy_goog_daily", "commission.rate=0.002"},
    {"spy_sma_excl", "lean_spy_daily", "commission.rate=0.002"},
    {"goog_sma_excl_final", "backtestingpy_goog_daily", "commission.rate=0.002 finish=last_open"},
    {"spy_sma_excl_final", "lean_spy_daily", "commission.rate=0.002 finish=last_open"},
    {"goog_buyhold", "backtestingpy_goog_daily", "commission.rate=0.001 finish=last_open"},
    {"spy_buyhold", "lean_spy_daily", "commission.rate=0.001 finish=last_open"},
    {"goog_sma_close_1030", "backtestingpy_goog_daily", "finish=last_open"},
    {"spy_sma_close_1030", "lean_spy_daily", "finish=last_open"},
    {"goog_fx_mtf", "backtestingpy_eurusd_hourly", "cash=100000 commission.rate=0.00005"},
    {"goog_fx_toc", "backtestingpy_eurusd_hourly", "fill_at=signal_close"},
    {"goog_sma_toc", "backtestingpy_goog_daily", "commission.rate=0.002 fill_at=signal_close"},
    {"spy_sma_toc", "lean_spy_daily", "commission.rate=0.002 fill_at=signal_close"},
    {"btc_fractional", "backtestingpy_btcusd_monthly",
     "cash=100 units=fractional lot=1e-6 finish=last_open"},
    {"btc_fractional_comm", "backtestingpy_btcusd_monthly",
     "cash=1000 units=fractional lot=1e-8 commission.rate=0.005 finish=last_open"},
    {"goog_macd", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"goog_sma4", "backtestingpy_goog_daily", "commission.rate=0.002"},
    {"goog_bollinger", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_bollinger", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_rsi2", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"goog_sma_rebate", "backtestingpy_goog_daily", "commission.rate=-0.0005"},
    {"spy_sma_rebate", "lean_spy_daily", "commission.rate=-0.0005"},
    {"goog_sma_spread", "backtestingpy_goog_daily",
     "cash=50000 spread=0.001 commission.rate=0.001"},
    {"spy_sma_spread", "lean_spy_daily", "cash=50000 spread=0.001 commission.rate=0.001"},
    {"goog_quickstart_published", "backtestingpy_goog_daily", "spread=0.002"},
    {"goog_quickstart_opt_published", "backtestingpy_goog_daily", "spread=0.002"},
    {"goog_reverse_units", "backtestingpy_goog_daily", "cash=100000 commission.rate=0.0005"},
    {"spy_reverse_units", "lean_spy_daily", "cash=100000 commission.rate=0.0005"},
    {"goog_scale_units", "backtestingpy_goog_daily",
     "cash=100000 commission.rate=0.0005 finish=last_open"},
    {"goog_sma_fixedcomm", "backtestingpy_goog_daily",
     "cash=50000 commission.fixed=5 commission.rate=0.001 finish=last_open"},
    {"spy_sma_fixedcomm", "lean_spy_daily",
     "cash=50000 commission.fixed=5 commission.rate=0.001 finish=last_open"},
    {"spy_sma_pershare", "lean_spy_daily",
     "cash=100000 commission.model=per_share commission.rate=0.005 commission.minimum=1"},
    {"goog_sma_pershare", "backtestingpy_goog_daily",
     "cash=100000 commission.model=per_share commission.rate=0.005 commission.minimum=1"},
    {"goog_sma_asymcomm", "backtestingpy_goog_daily",
     "cash=100000 commission.fixed=5 commission.rate=0.0005 commission.sell_extra=0.0015"},
    {"spy_sma_asymcomm", "lean_spy_daily",
     "cash=100000 commission.fixed=5 commission.rate=0.0005 commission.sell_extra=0.0015"},
    {"goog_margin_daily", "backtestingpy_goog_daily", "leverage=4 commission.rate=0.001"},
    {"goog_scale", "backtestingpy_goog_daily", "commission.rate=0.0005 finish=last_open flip=add"},
    {"spy_scale", "lean_spy_daily", "commission.rate=0.0005 finish=last_open flip=add"},
    {"goog_hedging", "backtestingpy_goog_daily",
     "cash=50000 commission.rate=0.0005 finish=last_open flip=add sides=both"},
    {"spy_hedging", "lean_spy_daily",
     "cash=50000 commission.rate=0.0005 finish=last_open flip=add sides=both"},
    {"spy_margin_daily", "lean_spy_daily", "leverage=4 commission.rate=0.001"},
    {"goog_fx_margin50_bust", "backtestingpy_eurusd_hourly", "leverage=50 spread=0.0004"},
    {"goog_sltp", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_sltp", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_sltp_tight", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_sltp_tight", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_fx_sltp", "backtestingpy_eurusd_hourly", "spread=0.0001"},
    {"goog_limit_dip", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_limit_dip", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_donchian_stop", "backtestingpy_goog_daily", "commission.fixed=1 commission.rate=0.0005"},
    {"spy_donchian_stop", "lean_spy_daily", "commission.fixed=1 commission.rate=0.0005"},
    {"goog_stoplimit", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_stoplimit", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_atr_trail", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_atr_trail", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_pct_trail", "backtestingpy_goog_daily", "commission.rate=0.001"},
    {"spy_pct_trail", "lean_spy_daily", "commission.rate=0.001"},
    {"goog_orb5", "lean_spy_minute_rth_2013",
     "cash=100000 leverage=4 commission.model=per_share commission.rate=0.005 "
     "commission.minimum=1"},
    {"goog_orb30", "lean_spy_minute_rth_2013",
     "cash=100000 leverage=4 commission.model=per_share commission.rate=0.005 "
     "commission.minimum=1"},
    {"goog_mtf_weekly", "backtestingpy_goog_daily", "commission.rate=0.002"},
    {"goog_mtf_published", "backtestingpy_goog_daily", "spread=0.002"},
    {"goog_mtf_opt_published", "backtestingpy_goog_daily", "spread=0.002"},
    {"goog_fx_margin20", "backtestingpy_eurusd_hourly", "leverage=20 spread=0.0002"},
};

typedef enum row_kind { ENTRY, CLOSE, STOP_LOSS, TAKE_PROFIT, CANCEL } row_kind;

typedef struct order_row {
  int bar, order, entry_bar;
  row_kind kind;
  double size, limit, stop, stop_loss, take_profit; /* NaN where not given */
} order_row;

typedef struct trade_row {
  double size, entry_price, exit_price, pnl, commission;
  int64_t entry_bar, exit_bar;
} trade_row;

/* One run: what was recorded, and what came out. */
typedef struct replay {
  bv_sim_bar bar[MAX_BARS];
  double equity[MAX_BARS];
  order_row order[MAX_ORDERS];
  trade_row trade[MAX_ORDERS], got[MAX_ORDERS];
  int cancel[MAX_ORDERS], got_cancel[MAX_ORDERS];
  int nbar, nequity, norder, ntrade, ngot, ncancel, ngot_cancel;
} replay;

static replay run; /* too large for the stack */

/* --- reading --- */

static bool read_bars(const char *name) {
  char *f[20];
  gzFile in = open_csv("data/bars/", name, ".csv");
  if (!in) return false;
  assert_true(read_line(in, f));
  for (run.nbar = 0; read_line(in, f); run.nbar++) {
    assert_true(run.nbar < MAX_BARS);
    run.bar[run.nbar] = (bv_sim_bar){.open = number(f[1]),
                                     .high = number(f[2]),
                                     .low = number(f[3]),
                                     .close = number(f[4]),
                                     .volume = number(f[5])};
  }
  gzclose(in);
  return true;
}

static void read_equity(const char *name) {
  char *f[20];
  gzFile in = open_csv("expected/backtestingpy/", name, "/equity.csv.gz");
  assert_non_null(in);
  assert_true(read_line(in, f));
  for (run.nequity = 0; read_line(in, f); run.nequity++) run.equity[run.nequity] = number(f[2]);
  gzclose(in);
}

static void read_orders(const char *name) {
  char *f[20];
  gzFile in = open_csv("expected/backtestingpy/", name, "/orders.csv");
  assert_non_null(in);
  assert_true(read_line(in, f));
  for (run.norder = 0; read_line(in, f); run.norder++) {
    assert_true(run.norder < MAX_ORDERS);
    order_row *o = &run.order[run.norder];
    *o = (order_row){.bar = (int)number(f[0]), .order = atoi(f[3]), .entry_bar = atoi(f[10])};
    o->kind = strcmp(f[2], "cancel") == 0  ? CANCEL
              : strcmp(f[4], "close") == 0 ? CLOSE
              : strcmp(f[4], "sl") == 0    ? STOP_LOSS
              : strcmp(f[4], "tp") == 0    ? TAKE_PROFIT
                                           : ENTRY;
    o->size = number(f[5]);
    o->limit = number(f[6]);
    o->stop = number(f[7]);
    o->stop_loss = number(f[8]);
    o->take_profit = number(f[9]);
  }
  gzclose(in);
}

static void read_trades(const char *name) {
  char *f[20];
  gzFile in = open_csv("expected/backtestingpy/", name, "/trades.csv");
  assert_non_null(in);
  assert_true(read_line(in, f));
  for (run.ntrade = 0; read_line(in, f); run.ntrade++) {
    assert_true(run.ntrade < MAX_ORDERS);
    run.trade[run.ntrade] = (trade_row){.size = number(f[0]),
                                        .entry_bar = (int64_t)number(f[1]),
                                        .exit_bar = (int64_t)number(f[2]),
                                        .entry_price = number(f[3]),
                                        .exit_price = number(f[4]),
                                        .pnl = number(f[7]),
                                        .commission = number(f[8])};
  }
  gzclose(in);
}

static int by_int(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

/* "time=1156: Broker canceled the order ...": the bar at which the engine refused. */
static void read_cancels(const char *name) {
  char line[1024];
  gzFile in = open_csv("expected/backtestingpy/", name, "/case.json");
  assert_non_null(in);
  run.ncancel = 0;
  while (gzgets(in, line, sizeof line)) {
    const char *at = strstr(line, "time=");
    if (!at || !strstr(at, "Broker canceled")) continue;
    run.cancel[run.ncancel++] = atoi(at + strlen("time="));
  }
  gzclose(in);
  qsort(run.cancel, (size_t)run.ncancel, sizeof run.cancel[0], by_int);
}

/* --- replaying --- */

static bv_rc keep_order(void *ctx, const bv_sim_order *o, bv_err *err) {
  (void)ctx;
  (void)err;
  if (o->state == BV_ORDER_CANCELLED && strcmp(o->reason, "insufficient funds") == 0) {
    run.got_cancel[run.ngot_cancel++] = (int)(o->done_ts / BAR_S);
  }
  return BV_OK;
}

static bv_rc keep_lot(void *ctx, const bv_sim_lot *l, bv_err *err) {
  (void)err;
  bool at_close = *(const bool *)ctx;
  if (l->open) return BV_OK;
  assert_true(run.ngot < MAX_ORDERS);
  /* A fill at the signal's close is stamped with the end of that bar. */
  run.got[run.ngot++] = (trade_row){.size = l->qty,
                                    .entry_bar = l->entry_ts / BAR_S - at_close,
                                    .exit_bar = l->exit_ts / BAR_S - at_close,
                                    .entry_price = l->entry_price,
                                    .exit_price = l->exit_price,
                                    .pnl = l->pnl,
                                    .commission = l->commission};
  assert_int_equal(l->bars, run.got[run.ngot - 1].exit_bar - run.got[run.ngot - 1].entry_bar);
  assert_true(l->mae <= 0 && l->mfe >= 0);
  return BV_OK;
}

static double price(double x) {
  return isnan(x) ? 0 : x;
}

/* An entry; a close beside it is implied by a weight. */
static void submit_entry(bv_sim *s, int64_t t, const order_row *o) {
  char tag[16];
  snprintf(tag, sizeof tag, "%d", o->order);
  bv_sim_request r = {.ask = fabs(o->size) < 1 ? BV_ASK_WEIGHT : BV_ASK_QTY,
                      .amount = o->size,
                      .tag = tag,
                      .limit = price(o->limit),
                      .stop = price(o->stop),
                      .stop_loss = price(o->stop_loss),
                      .take_profit = price(o->take_profit)};
  r.type = r.limit == 0 ? (r.stop == 0 ? BV_TYPE_MARKET : BV_TYPE_STOP)
                        : (r.stop == 0 ? BV_TYPE_LIMIT : BV_TYPE_STOP_LIMIT);
  assert_int_equal(bv_sim_submit(s, t, &r, NULL), BV_OK);
}

static const order_row *find_row(int order) {
  for (int i = 0; i < run.norder; i++) {
    if (run.order[i].order == order && run.order[i].kind != CANCEL) return &run.order[i];
  }
  fail();
  return NULL;
}

/* The stop-loss of the open trade moves: that of its bracket, or a stop of its own. */
static void move_stop(bv_sim *s, int64_t t, const order_row *o) {
  bv_sim_request r = {.stop_loss = o->stop};
  bool has = false;
  for (size_t i = 0; i < s->queue.n; i++) {
    const bv_order *k = &s->queue.order[i];
    if (k->role == BV_ROLE_STOP_LOSS) has |= !k->dormant;
    if (k->role == BV_ROLE_STOP_LOSS && k->stop == o->stop) return; /* the entry's own */
  }
  if (has) {
    assert_int_equal(bv_sim_replace(s, t, &r, "*", NULL), BV_OK);
    return;
  }
  assert_int_equal(bv_sim_cancel(s, t, 0, "stop", NULL), BV_OK);
  r = (bv_sim_request){.ask = BV_ASK_QTY,
                       .amount = -bv_sim_qty(s, 0),
                       .type = BV_TYPE_STOP,
                       .stop = o->stop,
                       .reduce_only = 1,
                       .tag = "stop"};
  assert_int_equal(bv_sim_submit(s, t, &r, NULL), BV_OK);
}

/* A close of a part of one trade: the one whose entry was decided at the bar before it. */
static void submit_part(bv_sim *s, int64_t t, const order_row *o) {
  char tag[16] = "";
  for (int i = 0; i < run.norder; i++) {
    const order_row *e = &run.order[i];
    if (e->kind == ENTRY && e->bar == o->entry_bar - 1) snprintf(tag, sizeof tag, "%d", e->order);
  }
  bv_sim_request r = {.ask = BV_ASK_QTY, .amount = o->size, .closes = tag};
  assert_int_equal(bv_sim_submit(s, t, &r, NULL), BV_OK);
}

/* The orders of one bar as requests.  An entry beside a close is one new target. */
static void submit_bar(bv_sim *s, int bar, int64_t t) {
  bool entry = false, close = false;
  for (int i = 0; i < run.norder; i++) {
    const order_row *o = &run.order[i];
    if (o->bar != bar) continue;
    if (o->kind == CANCEL && find_row(o->order)->kind == ENTRY) {
      char tag[16];
      snprintf(tag, sizeof tag, "%d", o->order);
      assert_int_equal(bv_sim_cancel(s, t, 0, tag, NULL), BV_OK);
    }
    if (o->kind == STOP_LOSS) move_stop(s, t, o);
    entry |= o->kind == ENTRY;
    close |= o->kind == CLOSE;
  }
  bv_sim_request flat = {.ask = BV_ASK_WEIGHT};
  bool parts = s->cfg.flip == BV_FLIP_ADD;
  for (int i = 0; parts && i < run.norder; i++) {
    if (run.order[i].bar == bar && run.order[i].kind == CLOSE) submit_part(s, t, &run.order[i]);
  }
  if (!parts && close && !entry) assert_int_equal(bv_sim_submit(s, t, &flat, NULL), BV_OK);
  for (int i = 0; i < run.norder; i++) {
    if (run.order[i].bar == bar && run.order[i].kind == ENTRY) submit_entry(s, t, &run.order[i]);
  }
}

static double max_diff(double so_far, double a, double b) {
  return fmax(so_far, fabs(a - b));
}

typedef struct differences {
  double trade, equity;
} differences;

static differences replay_bars(bv_sim *s, const bv_sim_config *c) {
  differences d = {0};
  int offset = run.nbar - run.nequity;
  for (int i = 0; i < run.nequity; i++) {
    bv_sim_bar bar = run.bar[offset + i];
    bar.asset = 0;
    bar.ts = (int64_t)i * BAR_S;
    bar.known_at = bar.ts + BAR_S;
    assert_int_equal(bv_sim_open(s, bar.ts, &bar, 1, NULL), BV_OK);
    assert_int_equal(bv_sim_close(s, bar.known_at, &bar, 1, NULL), BV_OK);
    assert_true(bv_ledger_error(&s->ledger) < 1e-9);
    double value = bv_sim_value(s);
    submit_bar(s, i, bar.known_at);
    if (i == run.nequity - 1) {
      assert_int_equal(bv_sim_finish(s, bar.known_at, NULL), BV_OK);
      if (c->finish != BV_FINISH_MARK) value = bv_sim_value(s);
    }
    d.equity = max_diff(d.equity, value, run.equity[i]);
  }
  return d;
}

static double compare_trades(void) {
  double d = 0;
  assert_int_equal(run.ngot, run.ntrade);
  for (int i = 0; i < run.ntrade; i++) {
    const trade_row *a = &run.got[i], *b = &run.trade[i];
    assert_int_equal(a->entry_bar, b->entry_bar);
    assert_int_equal(a->exit_bar, b->exit_bar);
    d = max_diff(d, a->size, b->size);
    d = max_diff(d, a->entry_price, b->entry_price);
    d = max_diff(d, a->exit_price, b->exit_price);
    d = max_diff(d, a->pnl, b->pnl);
    d = max_diff(d, a->commission, b->commission);
  }
  return d;
}

static void test_replay(void **state) {
  const replay_case *rc = *state;
  bv_sim *s;
  int asset;
  bv_err err = {0};
  if (!read_bars(rc->bars)) {
    print_message("%s: no recorded runs beside the checkout, skipped\n", rc->name);
    skip();
  }
  read_equity(rc->name);
  read_orders(rc->name);
  read_trades(rc->name);
  read_cancels(rc->name);
  run.ngot = run.ngot_cancel = 0;
  bv_sim_config c = configure("backtesting.py", rc->knobs);
  bool at_close = c.fill_at == BV_FILL_SIGNAL_CLOSE;
  bv_sim_sink sink = {.ctx = &at_close, .order = keep_order, .lot = keep_lot};
  if (bv_sim_new(&c, &sink, &s, &err) != BV_OK) fail_msg("%s", err.msg);
  assert_int_equal(bv_sim_asset(s, "X", 1, &asset, NULL), BV_OK);
  differences d = replay_bars(s, &c);
  d.trade = compare_trades();
  print_message("%-30s %5d bars %4d trades %2d cancels  max diff: trades %.1e equity %.1e\n",
                rc->name, run.nequity, run.ntrade, run.ncancel, d.trade, d.equity);
  assert_true(d.trade < 1e-6);
  assert_true(d.equity < 1e-6);
  assert_int_equal(run.ngot_cancel, run.ncancel);
  assert_memory_equal(run.got_cancel, run.cancel, (size_t)run.ncancel * sizeof run.cancel[0]);
  bv_sim_free(s);
}

int main(void) {
  enum { N = sizeof cases / sizeof cases[0] };
  struct CMUnitTest tests[N];
  for (int i = 0; i < N; i++) {
    tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                   .test_func = test_replay,
                                   .initial_state = (void *)(uintptr_t)&cases[i]};
  }
  return _cmocka_run_group_tests("backtesting.py replays", tests, N, NULL, NULL);
}
