/*
** sim_help.h - a simulator under test: configured in one line, driven bar by bar, everything it
** reports kept.
*/
#ifndef BV_TEST_SIM_HELP_H
#define BV_TEST_SIM_HELP_H

#include "knobs_help.h"

#include "sim/sim.h"
#include "sim/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_MAX = 256, BENCH_ASSETS = 4, BENCH_STEP = 60 };

typedef struct bench {
  bv_sim *sim;
  int64_t now;    /* open of the next bar */
  int64_t memory; /* bytes in use before the simulator was made */
  bv_sim_order order[BENCH_MAX];
  bv_sim_fill fill[BENCH_MAX];
  bv_sim_lot lot[BENCH_MAX];
  bv_sim_flow flow[BENCH_MAX];
  bv_sim_margin margin[BENCH_MAX];
  int norder, nfill, nlot, nflow, nmargin;
} bench;

static inline bv_rc bench_order(void *ctx, const bv_sim_order *o, bv_err *err) {
  bench *b = ctx;
  (void)err;
  assert_true(b->norder < BENCH_MAX);
  b->order[b->norder++] = *o;
  return BV_OK;
}

static inline bv_rc bench_fill(void *ctx, const bv_sim_fill *f, bv_err *err) {
  bench *b = ctx;
  (void)err;
  assert_true(b->nfill < BENCH_MAX);
  b->fill[b->nfill++] = *f;
  return BV_OK;
}

static inline bv_rc bench_lot(void *ctx, const bv_sim_lot *l, bv_err *err) {
  bench *b = ctx;
  (void)err;
  assert_true(b->nlot < BENCH_MAX);
  b->lot[b->nlot++] = *l;
  return BV_OK;
}

static inline bv_rc bench_flow(void *ctx, const bv_sim_flow *f, bv_err *err) {
  bench *b = ctx;
  (void)err;
  assert_true(b->nflow < BENCH_MAX);
  b->flow[b->nflow++] = *f;
  return BV_OK;
}

static inline bv_rc bench_margin(void *ctx, const bv_sim_margin *m, bv_err *err) {
  bench *b = ctx;
  (void)err;
  assert_true(b->nmargin < BENCH_MAX);
  b->margin[b->nmargin++] = *m;
  return BV_OK;
}

/* Assets "A", "B" ... with multiplier 1. */
static inline void bench_start(bench *b, const char *profile, const char *knobs, int nasset) {
  bv_err err = {0};
  memset(b, 0, sizeof *b);
  b->memory = bv_mem_used(BV_MEM_SIM);
  bv_sim_config c = configure(profile, knobs);
  bv_sim_sink sink = {.ctx = b,
                      .order = bench_order,
                      .fill = bench_fill,
                      .lot = bench_lot,
                      .flow = bench_flow,
                      .margin = bench_margin};
  if (bv_sim_new(&c, &sink, &b->sim, &err) != BV_OK) fail_msg("%s", err.msg);
  for (int i = 0; i < nasset; i++) {
    char key[2] = {(char)('A' + i), 0};
    int asset;
    assert_int_equal(bv_sim_asset(b->sim, key, 1, &asset, NULL), BV_OK);
    assert_int_equal(asset, i);
  }
}

/* One step: bars of the assets 0..n-1 with open, close; high and low span them. */
static inline void bench_step(bench *b, int n, const double open[], const double close[]) {
  bv_sim_bar bar[BENCH_ASSETS];
  for (int i = 0; i < n; i++) {
    bar[i] = (bv_sim_bar){.asset = i,
                          .ts = b->now,
                          .known_at = b->now + BENCH_STEP,
                          .open = open[i],
                          .high = fmax(open[i], close[i]),
                          .low = fmin(open[i], close[i]),
                          .close = close[i]};
  }
  assert_int_equal(bv_sim_open(b->sim, b->now, bar, n, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, bar, n, NULL), BV_OK);
  assert_true(bv_ledger_error(&b->sim->ledger) < 1e-9);
}

/* A step of the first n assets (at most BENCH_ASSETS), each bar at one price; NaN: no bar. */
static inline void bench_flat(bench *b, int n, const double *price, double volume) {
  bv_sim_bar bar[BENCH_ASSETS];
  int bars = 0;
  for (int i = 0; i < n; i++) {
    if (isnan(price[i])) continue;
    bar[bars++] = (bv_sim_bar){.asset = i,
                               .ts = b->now,
                               .known_at = b->now + BENCH_STEP,
                               .open = price[i],
                               .high = price[i],
                               .low = price[i],
                               .close = price[i],
                               .volume = volume};
  }
  assert_int_equal(bv_sim_open(b->sim, b->now, bar, bars, NULL), BV_OK);
  b->now += BENCH_STEP;
  assert_int_equal(bv_sim_close(b->sim, b->now, bar, bars, NULL), BV_OK);
}

/* One step of a single asset. */
static inline void bench_bar(bench *b, double open, double close) {
  bench_step(b, 1, &open, &close);
}

static inline bv_rc bench_ask(bench *b, int asset, bv_ask ask, double amount) {
  bv_sim_request r = {.asset = asset, .ask = ask, .amount = amount};
  return bv_sim_submit(b->sim, b->now, &r, NULL);
}

static inline void bench_ok(bench *b, int asset, bv_ask ask, double amount) {
  assert_int_equal(bench_ask(b, asset, ask, amount), BV_OK);
}

static inline void bench_finish(bench *b) {
  assert_int_equal(bv_sim_finish(b->sim, b->now, NULL), BV_OK);
}

static inline void bench_end(bench *b) {
  bv_sim_free(b->sim);
  assert_int_equal(bv_mem_used(BV_MEM_SIM), b->memory);
}

/* Sums of a few products of short decimals: 1e-8 is far above their rounding, far below a cent. */
static inline void near(double x, double y) {
  if (!(fabs(x - y) <= 1e-8)) fail_msg("%.12g is not %.12g", x, y);
}

/* With profit_round, to cash that is summed up from the fills: profits in whole cents move it by half a cent at most. */
static inline void bench_cents(const bv_sim_config *c, const bv_sim_fill *f, double *cash) {
  double step = c->profit_round, slack = 1e-9 * (c->cash + fabs(f->cash));
  if (step == 0) return;
  assert_true(fabs(f->pnl - round(f->pnl / step) * step) <= slack);
  assert_true(fabs(*cash - f->cash) <= step / 2 + slack);
  *cash = f->cash;
}

static inline void bench_expect(const bench *b, int i, bv_order_state state, double qty,
                                double filled, const char *reason) {
  assert_true(i < b->norder);
  assert_string_equal(b->order[i].reason, reason);
  assert_int_equal(b->order[i].state, state);
  near(b->order[i].qty, qty);
  near(b->order[i].filled, filled);
}

#endif
