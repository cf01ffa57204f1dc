/*
** test_sim_backtrader.c - profile backtrader against runs recorded from that engine.
**
** Each case gives the recorded orders (order_events.csv: an order that is Submitted at a bar was decided at
** the close of the bar before) to the simulator on the same bars.  What comes out must be the recorded
** fills - order, bar, price, size -, the recorded end of every order and the recorded equity of every bar
** (equity.csv.gz).  Cancels that the strategy asked for are given, those of brackets and of groups, and
** expiries, are not: they must come out.
**
** Tolerance: 1e-6 in currency, price and units.
**
** Of cases with limits by volume every partial fill is compared too: bar, units so far, average price so far.
**
** None of the 32 recorded cases is left out.
**
** The orders of bt_multi_equal are target weights here, whose sizes must come out; those of the other cases are sized.
**
** The profit of every fill (exec_pnl) and the cash of every bar, as the engine counts it, are compared too.
**
** An order that bt_cross_coo places at a bar's open, knowing it, and that fills at that open, is here one given at
** the close before: its size is recorded, so that nothing else tells them apart.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "sim/precheck.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "time/instant.h"
#include "recorded_help.h"

enum { MAX_BARS = 40000, MAX_EVENTS = 12000, MAX_ORDER = 4000, MAX_ASSETS = 3 };

typedef struct trader_case {
  const char *name;
  const char *bars[MAX_ASSETS];
  const char *knobs; /* "name=value ..." on top of the profile */
  double multiplier;
  double margin;      /* of a future; 0: a stock */
  int valid_days;     /* of limit orders; 0: no end */
  bool brackets, oco; /* three orders are a bracket; those of one bar a group */
  double trail, trail_percent;
  int bar_s;
  double weight; /* not 0: the orders were order_target_percent() of it, and are that here */
} trader_case;

#define YHOO    "bt_yhoo_daily_2003_2005"
#define ORCL    "bt_orcl_daily_2003_2005"
#define NVDA    "bt_nvda_daily_2003_2005"
#define INDEX   "bt_2005_2006_daily"
#define MINUTES "bt_2006_vol_minute_eob"
#define PCT     "commission.rate=0.001 "

static const trader_case cases[] = {
    {"bt_cross_market", {INDEX}, "cash=100000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_pct_comm", {YHOO}, PCT "cash=20000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_allin", {YHOO}, PCT "cash=50000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_percent_sizer", {YHOO}, PCT "cash=50000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_coo", {YHOO}, PCT "cash=20000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_close", {YHOO}, PCT "cash=20000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_insufficient", {YHOO}, PCT "cash=12000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_cross_coc",
     {YHOO},
     PCT "cash=20000 fill_at=signal_close",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_cross_slip_perc",
     {YHOO},
     "cash=20000 slippage.rate=0.002",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_cross_slip_fixed_nomatch",
     {YHOO},
     "cash=20000 slippage.model=fixed slippage.amount=0.06 slippage.match=0",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_cross_future",
     {INDEX},
     "cash=30000 commission.model=per_share commission.rate=2",
     10,
     2000,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_short_interest",
     {ORCL},
     PCT "cash=20000 financing.borrow_rate=0.08",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_leverage", {ORCL}, PCT "cash=20000 leverage=3", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_target_size", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_target_value", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_target_percent", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_multi_equal",
     {YHOO, ORCL, NVDA},
     PCT "cash=100000",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0.3},
    {"bt_multi_rotate",
     {YHOO, ORCL, NVDA},
     PCT "cash=100000",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     86400,
     0},
    {"bt_limit_dip", {YHOO}, PCT "cash=10000", 1, 0, 5, false, false, 0, 0, 86400, 0},
    {"bt_stop_entry", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_stoplimit_entry", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 0, 86400, 0},
    {"bt_trail_amount", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0.9, 0, 86400, 0},
    {"bt_trail_percent", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0, 5, 86400, 0},
    {"bt_trail_limit", {YHOO}, PCT "cash=10000", 1, 0, 0, false, false, 0.7, 0, 86400, 0},
    {"bt_oco", {YHOO}, PCT "cash=10000", 1, 0, 0, false, true, 0, 0, 86400, 0},
    {"bt_bracket_market", {INDEX}, "cash=100000", 1, 0, 0, true, false, 0, 0, 86400, 0},
    {"bt_bracket_limit", {YHOO}, PCT "cash=10000", 1, 0, 3, true, false, 0, 0, 86400, 0},
    {"bt_intraday_oco",
     {MINUTES},
     "cash=50000 commission.model=per_share commission.rate=1",
     10,
     1000,
     0,
     false,
     true,
     0,
     0,
     60,
     0},
    {"bt_filler_fixed",
     {MINUTES},
     "cash=1e9 volume.model=fixed volume.size=500",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     60,
     0},
    {"bt_filler_barperc",
     {MINUTES},
     "cash=1e9 volume.model=share volume.share=0.1",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     60,
     0},
    {"bt_filler_barpoint",
     {MINUTES},
     "cash=1e9 volume.model=bar_point volume.step=1 volume.share=0.5",
     1,
     0,
     0,
     false,
     false,
     0,
     0,
     60,
     0},
    {"bt_mtf_60min",
     {MINUTES},
     "cash=50000 commission.model=per_share commission.rate=1",
     10,
     1000,
     0,
     false,
     false,
     0,
     0,
     60,
     0},
};

typedef struct event {
  int bar, order, asset;
  char status; /* S, C(ompleted), P(artial), X (canceled), E (expired), M(argin) */
  char type;   /* M, L, S, l (stop limit), t, T (trail, trail limit), C (at the close) */
  double size, price, limit, exec_price, exec_total, exec_pnl;
} event;

/* An execution: what had filled of its order by then. */
typedef struct part {
  int order, bar;
  double total, price;
} part;

/* What became of an order: E expired, X cancelled, C filled, M rejected, 0 nothing. */
typedef struct ending {
  char status;
  int bar;
  double price, size, pnl;
} ending;

static struct {
  bv_sim_bar bar[MAX_ASSETS][MAX_BARS];
  double equity[MAX_BARS], cash[MAX_BARS];
  event event[MAX_EVENTS];
  ending want[MAX_ORDER], got[MAX_ORDER];
  part part[MAX_EVENTS];
  double total[MAX_ORDER], points[MAX_ORDER], pnl[MAX_ORDER]; /* by order */
  int npart;
  int nbar, nequity, nevent, nasset, last_order;
  const trader_case *now;
} run; /* too large for the stack */

/* --- reading --- */

static bool read_bars(int asset, const char *name, int bar_s) {
  char *f[20];
  gzFile in = open_csv("data/bars/", name, ".csv");
  if (!in) return false;
  assert_true(read_line(in, f));
  for (run.nbar = 0; read_line(in, f); run.nbar++) {
    int64_t ts;
    assert_true(run.nbar < MAX_BARS);
    assert_int_equal(bv_instant_parse(f[0], strlen(f[0]), bv_zone_utc(), &ts, NULL, NULL), BV_OK);
    run.bar[asset][run.nbar] = (bv_sim_bar){.asset = asset,
                                            .ts = ts,
                                            .known_at = ts + bar_s,
                                            .open = number(f[1]),
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
  gzFile in = open_csv("expected/backtrader/", name, "/equity.csv.gz");
  assert_non_null(in);
  assert_true(read_line(in, f));
  for (run.nequity = 0; read_line(in, f); run.nequity++) {
    run.cash[run.nequity] = number(f[2]);
    run.equity[run.nequity] = number(f[3]);
  }
  gzclose(in);
}

static char type_of(const char *text) {
  if (strcmp(text, "StopLimit") == 0) return 'l';
  if (strcmp(text, "StopTrail") == 0) return 't';
  if (strcmp(text, "StopTrailLimit") == 0) return 'T';
  return text[0];
}

static void read_events(const char *name) {
  char *f[20];
  gzFile in = open_csv("expected/backtrader/", name, "/order_events.csv");
  assert_non_null(in);
  assert_true(read_line(in, f));
  memset(run.want, 0, sizeof run.want);
  run.nevent = run.last_order = 0;
  while (read_line(in, f)) {
    if (strcmp(f[4], "Accepted") == 0) continue;
    assert_true(run.nevent < MAX_EVENTS);
    event *e = &run.event[run.nevent++];
    *e = (event){.bar = atoi(f[0]), .order = atoi(f[2]), .size = number(f[7])};
    assert_true(e->order < MAX_ORDER);
    for (int a = 0; a < run.nasset; a++) {
      if (strcmp(run.now->bars[a], f[3]) == 0) e->asset = a;
    }
    e->status = strcmp(f[4], "Canceled") == 0 ? 'X' : f[4][0];
    e->type = type_of(f[6]);
    e->price = number(f[8]);
    e->limit = number(f[9]);
    e->exec_total = number(f[10]);
    e->exec_price = number(f[11]);
    e->exec_pnl = number(f[14]);
    if (e->order > run.last_order) run.last_order = e->order;
    if (e->status == 'S' || e->status == 'P') continue;
    run.want[e->order] =
        (ending){e->status, e->bar, e->exec_price, e->status == 'C' ? e->size : 0, e->exec_pnl};
  }
  gzclose(in);
}

/* --- replaying --- */

static int bar_of(int64_t ts) {
  for (int lo = 0, hi = run.nbar;;) {
    int mid = (lo + hi) / 2;
    if (lo + 1 >= hi) return lo;
    if (run.bar[0][mid].ts <= ts) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
}

/* A bracket's orders are numbered after their entry, the stop first, there and here. */
static bv_rc keep_order(void *ctx, const bv_sim_order *o, bv_err *err) {
  (void)ctx;
  (void)err;
  static const char status[] = {[BV_ORDER_FILLED] = 'C',
                                [BV_ORDER_CANCELLED] = 'X',
                                [BV_ORDER_REJECTED] = 'M',
                                [BV_ORDER_EXPIRED] = 'E'};
  if (o->ask == BV_ASK_CANCEL) return BV_OK;
  int number_there = atoi(o->tag) + (o->parent ? (o->type == BV_TYPE_STOP ? 1 : 2) : 0);
  ending *e = &run.got[number_there];
  assert_int_equal(e->status, 0);
  if (strcmp(o->reason, "no further bar") == 0) return BV_OK;
  /* What fills at a close does so at the end of its bar. */
  int64_t in = o->type == BV_TYPE_MARKET_ON_CLOSE ? o->done_ts - 1 : o->done_ts;
  *e = (ending){status[o->state], bar_of(in), o->avg_price, o->filled, 0};
  if (o->parent && strcmp(o->reason, "the entry opened nothing") == 0) e->bar = -1;
  return BV_OK;
}

/* Orders are numbered alike, but for those of brackets. */
static bv_rc keep_fill(void *ctx, const bv_sim_fill *f, bv_err *err) {
  (void)ctx;
  (void)err;
  assert_true(f->order < MAX_ORDER && run.npart < MAX_EVENTS);
  run.total[f->order] += f->qty;
  run.points[f->order] += f->qty * f->price;
  run.pnl[f->order] += f->pnl;
  run.part[run.npart++] = (part){(int)f->order, bar_of(f->ts), run.total[f->order],
                                 run.points[f->order] / run.total[f->order]};
  return BV_OK;
}

static double given(double x) {
  return isnan(x) ? 0 : x;
}

static void submit(bv_sim *s, int64_t t, int i) {
  const event *e = &run.event[i];
  const trader_case *c = run.now;
  char tag[16], group[24];
  snprintf(tag, sizeof tag, "%d", e->order);
  snprintf(group, sizeof group, "bar %d", e->bar);
  bv_sim_request r = {.asset = e->asset, .ask = BV_ASK_QTY, .amount = e->size, .tag = tag};
  if (e->type == 'C') r.type = BV_TYPE_MARKET_ON_CLOSE;
  if (e->type == 'L') r.type = BV_TYPE_LIMIT;
  if (e->type == 'S') r.type = BV_TYPE_STOP;
  if (e->type == 'l') r.type = BV_TYPE_STOP_LIMIT;
  if (e->type == 't') r.type = BV_TYPE_TRAIL;
  if (e->type == 'L') r.limit = given(e->price);
  if (e->type == 'S' || e->type == 'l') r.stop = given(e->price);
  if (e->type == 'l') r.limit = given(e->limit);
  if (e->type == 'T') r.type = BV_TYPE_TRAIL_LIMIT;
  if (e->type == 'T') r.limit = given(e->limit);
  if (e->type == 't' || e->type == 'T') r.trail = c->trail;
  if (e->type == 't') r.trail_percent = c->trail_percent;
  if (c->valid_days && e->type == 'L') {
    r.tif = BV_TIF_GTD;
    r.until = run.bar[0][e->bar - 1].ts + (int64_t)c->valid_days * 86400 + 1;
  }
  if (c->oco && e->type != 'M') r.oco = group;
  if (c->brackets) {
    const event *stop = e, *limit = e;
    for (int k = i; k < run.nevent && run.event[k].bar == e->bar; k++) {
      if (run.event[k].order == e->order + 1) stop = &run.event[k];
      if (run.event[k].order == e->order + 2) limit = &run.event[k];
    }
    r.stop_loss = stop->price;
    r.take_profit = limit->price;
  }
  if (c->weight != 0) {
    r.ask = BV_ASK_WEIGHT;
    r.amount = c->weight;
  }
  assert_int_equal(bv_sim_submit(s, t, &r, NULL), BV_OK);
}

/* What the strategy did at the close before bar `bar`: cancels that nothing else explains, then orders. */
static void give_orders(bv_sim *s, int bar, int64_t t) {
  for (int i = 0; i < run.nevent; i++) {
    const event *e = &run.event[i];
    if (e->bar != bar || e->status != 'X' || run.now->brackets || run.now->oco) continue;
    char tag[16];
    snprintf(tag, sizeof tag, "%d", e->order);
    assert_int_equal(bv_sim_cancel(s, t, e->asset, tag, NULL), BV_OK);
  }
  for (int i = 0; i < run.nevent; i++) {
    const event *e = &run.event[i];
    if (e->bar != bar || e->status != 'S') continue;
    if (run.now->brackets && (e->order - 1) % 3 != 0) continue;
    submit(s, t, i);
  }
}

static double replay(bv_sim *s) {
  double worst = 0;
  assert_int_equal(run.nequity, run.nbar);
  for (int i = 0; i < run.nbar; i++) {
    bv_sim_bar bar[MAX_ASSETS];
    for (int a = 0; a < run.nasset; a++) bar[a] = run.bar[a][i];
    if (i > 0) give_orders(s, i, run.bar[0][i - 1].known_at);
    assert_int_equal(bv_sim_open(s, bar[0].ts, bar, run.nasset, NULL), BV_OK);
    assert_int_equal(bv_sim_close(s, bar[0].known_at, bar, run.nasset, NULL), BV_OK);
    assert_true(bv_ledger_error(&s->ledger) < 1e-9);
    worst = fmax(worst, fabs(bv_sim_value(s) - run.equity[i]));
    worst = fmax(worst, fabs(bv_precheck_cash(s) - run.cash[i]));
  }
  assert_int_equal(bv_sim_finish(s, run.bar[0][run.nbar - 1].known_at, NULL), BV_OK);
  return worst;
}

static double compare(int *fills) {
  double worst = 0;
  bool at_close = strcmp(run.now->name, "bt_cross_coc") == 0;
  *fills = 0;
  for (int n = 1; n <= run.last_order; n++) {
    const ending *a = &run.got[n], *b = &run.want[n];
    if (a->status != b->status) {
      fail_msg("order %d: %c at bar %d, not %c at bar %d", n, a->status ? a->status : '-', a->bar,
               b->status ? b->status : '-', b->bar);
    }
    if (b->status != 'C') continue;
    ++*fills;
    if (!at_close && a->bar != b->bar)
      fail_msg("order %d: filled at bar %d, not %d", n, a->bar, b->bar);
    worst = fmax(worst, fabs(a->price - b->price));
    worst = fmax(worst, fabs(a->size - b->size));
    if (!run.now->brackets) worst = fmax(worst, fabs(run.pnl[n] - b->pnl));
  }
  return worst;
}

/* Every execution of a run with partial ones. */
static double compare_parts(void) {
  double worst = 0;
  int n = 0;
  for (int i = 0; i < run.nevent; i++) {
    const event *e = &run.event[i];
    if (e->status != 'P' && e->status != 'C') continue;
    assert_true(n < run.npart);
    const part *p = &run.part[n++];
    if (p->order != e->order || p->bar != e->bar || p->total != e->exec_total) {
      fail_msg("fill %d: order %d bar %d total %g, not %d %d %g", n, p->order, p->bar, p->total,
               e->order, e->bar, e->exec_total);
    }
    worst = fmax(worst, fabs(p->price - e->exec_price));
  }
  assert_int_equal(n, run.npart);
  return worst;
}

static void test_replay(void **state) {
  const trader_case *c = *state;
  bv_sim *s;
  bv_err err = {0};
  run.now = c;
  for (run.nasset = 0; run.nasset < MAX_ASSETS && c->bars[run.nasset]; run.nasset++) {
    if (read_bars(run.nasset, c->bars[run.nasset], c->bar_s)) continue;
    print_message("%s: no recorded runs beside the checkout, skipped\n", c->name);
    skip();
  }
  read_equity(c->name);
  read_events(c->name);
  memset(run.got, 0, sizeof run.got);
  memset(run.total, 0, sizeof run.total);
  memset(run.points, 0, sizeof run.points);
  memset(run.pnl, 0, sizeof run.pnl);
  run.npart = 0;
  bv_sim_config cfg = configure("backtrader", c->knobs);
  bv_sim_sink sink = {.order = keep_order, .fill = keep_fill};
  if (bv_sim_new(&cfg, &sink, &s, &err) != BV_OK) fail_msg("%s", err.msg);
  for (int a = 0; a < run.nasset; a++) {
    int number_here;
    assert_int_equal(bv_sim_asset(s, c->bars[a], c->multiplier, &number_here, NULL), BV_OK);
    bv_instrument future = {.kind = BV_KIND_FUTURE,
                            .initial_margin = c->margin,
                            .expiry = INT64_MAX,
                            .underlying = -1,
                            .fx = -1};
    if (c->margin > 0) assert_int_equal(bv_sim_define(s, a, &future, NULL), BV_OK);
  }
  double equity = replay(s);
  int fills;
  double price = compare(&fills);
  if (cfg.volume_model != BV_VOLUME_NONE) {
    price = fmax(price, compare_parts());
    fills = run.npart;
  }
  print_message("%-24s %5d bars %4d orders %4d fills  max diff: fills %.1e equity %.1e\n", c->name,
                run.nbar, run.last_order, fills, price, equity);
  assert_true(fills > 0);
  assert_true(price < 1e-6);
  assert_true(equity < 1e-6);
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
  return _cmocka_run_group_tests("backtrader replays", tests, N, NULL, NULL);
}
