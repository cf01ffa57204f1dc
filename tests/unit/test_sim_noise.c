/*
** test_sim_noise.c - random orders of every type under every profile, with risk rules and knobs for portfolios:
**
**   - the ledger's identities hold at every close, and every order ends once;
**   - a fill lies on a bar that starts at or after its order, between that bar's low and high;
**   - where the account has no leverage and sells nothing short, cash is not negative;
**   - right after a fill that raises a position the limits of the rules hold, by an account made of the fills;
**   - the same stream gives the same bits, whatever the order of registration;
**   - other names for the assets, and noise of one unit in the last place on every price, change nothing
**     but the last places.
**
** BV_SIM_ORDERS is the number of orders of all streams together (default 1,000,000).
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sim_help.h"

enum { ASSETS = 6, STEP = 3600, EPISODE = 300 };

/* What a stream is run with beside its seed. */
typedef struct way {
  int rotate;        /* of the order in which assets are registered and bars given */
  const char *names; /* of the assets, a letter each */
  bool noise;        /* one unit in the last place on each price */
} way;

typedef struct setup {
  const char *profile, *knobs, *rules;
  double max_position, max_gross; /* what the rules say, as parts; 0: nothing */
} setup;

#define EXITS                                                                                      \
  "stop_loss percent=2;take_profit percent=3;trailing_stop percent=2.5;time_exit bars=12;"         \
  "volatility_stop atr=5 k=3 trail=1;scaled_exit steps=1:50,2:50"
#define LIMITS                                                                                     \
  "max_position percent=20;gross_exposure percent=60;max_positions positions=4;heat percent=30;"   \
  "daily_loss percent=3;var percent=4 window=20;max_drawdown percent=30 action=warn"

static const setup setups[] = {
    {"default", "cash=1e6 commission.rate=0.001", "", 0, 0},
    {"default", "cash=1e6 allow_short=0 size_at=open targets.max_weight=0.3", "", 0, 0},
    {"backtesting.py", "cash=1e6", "", 0, 0},
    {"backtrader", "cash=1e6", "", 0, 0},
    {"default", "cash=1e6 commission.rate=0.001 slippage.rate=0.0005", EXITS, 0, 0},
    {"default", "cash=1e6 same_bar=nearest_extreme fill_at=signal_close", EXITS, 0, 0},
    {"default", "cash=1e6 units=fractional allow_short=0 targets.unlisted=close", EXITS, 0, 0},
    {"backtesting.py", "cash=1e6 commission.rate=0.001", EXITS, 0, 0},
    {"backtrader", "cash=1e6 commission.rate=0.001", EXITS, 0, 0},
    {"default", "cash=1e6 leverage=2", LIMITS, 0.2, 0.6},
    {"default", "cash=1e6 units=fractional targets.max_gross=0.5", EXITS ";" LIMITS, 0.2, 0.6},
    {"default", "cash=1e6 flip=add sides=both leverage=4",
     "gross_exposure percent=150;max_position percent=90;net_exposure percent=70;"
     "heat percent=200 action=warn;max_drawdown percent=40 action=liquidate",
     0, 0},
    {"default", "cash=1e6 volume.model=share volume.share=0.2", EXITS ";" LIMITS, 0.2, 0.6},
};
enum { SETUPS = sizeof setups / sizeof setups[0] };

typedef struct kept_fill {
  int64_t order, ts;
  int asset;
  double qty, price;
} kept_fill;

static struct {
  bv_sim *sim;
  bv_ruleset rules;
  bv_sim_config cfg;
  const setup *st;
  int number[ASSETS], asset_of[ASSETS];
  double low[ASSETS], high[ASSETS], open[ASSETS], mark[ASSETS], held[ASSETS], cash;
  int64_t orders, combos, last_id, firings;
  bool leg_raised;
  double leg_cost; /* of the combo under way */
  kept_fill *fill;
  int nfill, cap;
  uint64_t seed;
  double values[EPISODE];
} w;

static uint64_t rnd(void) { /* xorshift64* */
  w.seed ^= w.seed >> 12;
  w.seed ^= w.seed << 25;
  w.seed ^= w.seed >> 27;
  return w.seed * 2685821657736338717ull;
}

static double uniform(void) {
  return (double)(rnd() >> 11) / 9007199254740992.0;
}

/* --- the sink --- */

/* At closes the marks count, which are those of the bars under way by then. */
static double price_of(int i) {
  if (w.sim->closing) return w.sim->ledger.asset[w.number[i]].mark;
  return isnan(w.open[i]) ? w.mark[i] : w.open[i];
}

/* The rules' shares of what is held, at the opens of the instant or the marks; asset -1: of all together alone. */
static void check_limits(int asset, double slack) {
  double value = w.cash, gross = 0;
  for (int i = 0; i < ASSETS; i++) {
    if (w.held[i] == 0) continue;
    double p = price_of(i);
    value += w.held[i] * p;
    gross += fabs(w.held[i] * p);
  }
  slack += 1e-9 * w.cfg.cash;
  assert_true(gross <= w.st->max_gross * value + slack);
  if (asset < 0) return;
  double p = price_of(asset);
  assert_true(fabs(w.held[asset] * p) <= w.st->max_position * value + slack);
}

/* What a fill costs comes out of the value after the rule has looked. */
static double cost_of(int asset, const bv_sim_fill *f) {
  double p = price_of(asset);
  return fabs(f->qty * (f->price - p)) + f->commission;
}

static bool is_leg(int64_t order) {
  const bv_queue *q = &w.sim->queue;
  for (size_t i = 0; i < q->n; i++) {
    if (q->order[i].id == order) return q->order[i].combo != 0;
  }
  return false;
}

static bv_rc on_order(void *ctx, const bv_sim_order *o, bv_err *err) {
  (void)ctx;
  (void)err;
  w.orders++;
  if (o->ask == BV_ASK_COMBO && o->filled != 0) {
    w.combos++;
    if (w.leg_raised) check_limits(-1, w.leg_cost);
    w.leg_raised = false;
    w.leg_cost = 0;
  }
  if (o->id > w.last_id) w.last_id = o->id;
  assert_true(fabs(o->filled) <= fabs(o->qty) * (1 + 1e-12) + 1e-12);
  return BV_OK;
}

static bv_rc on_fill(void *ctx, const bv_sim_fill *f, bv_err *err) {
  (void)ctx;
  (void)err;
  int i = w.asset_of[f->asset];
  double before = fabs(w.held[i]);
  assert_true(isfinite(f->price) && isfinite(f->qty) && isfinite(f->cash));
  if (w.nfill == w.cap) {
    w.cap = w.cap ? 2 * w.cap : 4096;
    w.fill = realloc(w.fill, (size_t)w.cap * sizeof *w.fill);
    assert_non_null(w.fill);
  }
  w.fill[w.nfill++] = (kept_fill){f->order, f->ts, i, f->qty, f->price};
  w.held[i] += f->qty;
  if (fabs(w.held[i]) < 1e-9) w.held[i] = 0;
  w.cash -= f->qty * f->price + f->commission;
  bench_cents(&w.cfg, f, &w.cash);
  if (w.cfg.fill_at == BV_FILL_NEXT_OPEN && w.cfg.slippage_clamp) {
    assert_true(f->price >= w.low[i] && f->price <= w.high[i]);
  }
  bool raised = fabs(w.held[i]) > before;
  bool leg = w.st->max_position > 0 && is_leg(f->order); /* between two of them anything may be */
  if (leg) w.leg_cost += cost_of(i, f);
  w.leg_raised |= leg && raised;
  if (w.st->max_position > 0 && raised && !leg) check_limits(i, cost_of(i, f));
  bool own = w.st >= setups && w.st < setups + SETUPS;
  bool unlevered =
      own && !w.cfg.allow_short && w.cfg.leverage == 1 && w.cfg.funds != BV_FUNDS_ALLOW;
  if (unlevered && raised) assert_true(w.cash >= -1e-9 * w.cfg.cash);
  return BV_OK;
}

static bv_rc on_risk(void *ctx, const bv_sim_firing *f, bv_err *err) {
  (void)ctx;
  (void)f;
  (void)err;
  w.firings++;
  return BV_OK;
}

/* --- the stream --- */

static void read_rules(const char *text) {
  char copy[600], *save, *inner, *pair;
  bv_err err = {0};
  snprintf(copy, sizeof copy, "%s", text);
  int n = 0;
  for (char *p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save), n++) {
    bv_rule *r;
    assert_int_equal(bv_ruleset_at(&w.rules, n, &r, NULL), BV_OK);
    char *q = strtok_r(p, " ", &inner);
    bv_rc rc = bv_rule_set_text(r, "rule", q, &err);
    while (rc == BV_OK && (q = strtok_r(NULL, " ", &inner)) != NULL) {
      char *v = strchr(q, '='), *end;
      *v++ = 0;
      double x = strtod(v, &end);
      if (strcmp(q, "steps") == 0) {
        int k = 0;
        for (char *s = strtok_r(v, ",", &pair); s; s = strtok_r(NULL, ",", &pair), k++) {
          rc = bv_rule_set_step(r, k, 0, strtod(s, &end), &err);
          if (rc == BV_OK) rc = bv_rule_set_step(r, k, 1, strtod(end + 1, NULL), &err);
        }
      } else {
        rc = *end ? bv_rule_set_text(r, q, v, &err) : bv_rule_set_number(r, q, x, &err);
      }
    }
    if (rc != BV_OK) fail_msg("%s", err.msg);
  }
  if (bv_ruleset_check(&w.rules, &err) != BV_OK) fail_msg("%s", err.msg);
}

static void begin(const setup *st, const way *how) {
  bv_err err = {0};
  kept_fill *fill = w.fill;
  int cap = w.cap;
  memset(&w, 0, sizeof w);
  w.fill = fill;
  w.cap = cap;
  w.st = st;
  w.cfg = configure(st->profile, st->knobs);
  w.cash = w.cfg.cash;
  read_rules(st->rules);
  bv_sim_sink sink = {.order = on_order, .fill = on_fill, .risk = on_risk};
  if (bv_sim_new(&w.cfg, &sink, &w.sim, &err) != BV_OK) fail_msg("%s", err.msg);
  assert_int_equal(bv_sim_rules(w.sim, &w.rules, NULL, &err), BV_OK);
  for (int k = 0; k < ASSETS; k++) {
    int i = (k + how->rotate) % ASSETS;
    char key[2] = {how->names[i], 0};
    assert_int_equal(bv_sim_asset(w.sim, key, 1, &w.number[i], NULL), BV_OK);
    w.asset_of[w.number[i]] = i;
    w.mark[i] = w.open[i] = NAN;
  }
}

/* The next price up or down, or the price. */
static double shaken(double x, const way *how, uint64_t *noise) {
  *noise = *noise * 6364136223846793005ull + 1442695040888963407ull;
  uint64_t k = *noise >> 62;
  return !how->noise || k > 1 ? x : nextafter(x, k ? INFINITY : 0);
}

static int make_bars(int64_t ts, double price[ASSETS], bv_sim_bar *bar, const way *how,
                     uint64_t *noise) {
  bv_sim_bar made[ASSETS];
  int n = 0;
  for (int i = 0; i < ASSETS; i++) {
    double o = price[i] * (1 + 0.01 * (uniform() - 0.5)), c = o * (1 + 0.02 * (uniform() - 0.5));
    double h = fmax(o, c) * (1 + 0.005 * uniform()), l = fmin(o, c) / (1 + 0.005 * uniform());
    price[i] = c < 5 ? 50 : c > 2000 ? 400 : c;
    w.open[i] = NAN;
    if (rnd() % 16 == 0) continue;
    o = shaken(o, how, noise);
    c = shaken(c, how, noise);
    made[n++] = (bv_sim_bar){.asset = w.number[i],
                             .ts = ts,
                             .known_at = ts + STEP,
                             .open = o,
                             .high = fmax(shaken(h, how, noise), fmax(o, c)),
                             .low = fmin(shaken(l, how, noise), fmin(o, c)),
                             .close = c,
                             .volume = 100000};
    w.open[i] = o;
    w.low[i] = made[n - 1].low;
    w.high[i] = made[n - 1].high;
  }
  for (int i = 0; i < n; i++) bar[i] = made[(i + how->rotate) % n];
  return n;
}

static bv_sim_request make_request(const double price[ASSETS], int64_t t) {
  int i = (int)(rnd() % ASSETS);
  double u = uniform(), p = price[i], near_by = 0.02 * uniform(), other = 0.02 * uniform();
  bv_sim_request r = {.asset = w.number[i], .tag = rnd() % 4 ? NULL : "tag"};
  uint64_t kind = rnd() % 4;
  r.ask = (bv_ask)kind;
  r.amount = kind == 0   ? floor(21 * (u - 0.4)) / 20
             : kind == 1 ? (u - 0.4) * 4e5
                         : floor((u - 0.4) * 3000);
  uint64_t type = rnd() % 12, tif = rnd() % 8;
  double d = r.amount < 0 ? -1 : 1;
  if (r.ask != BV_ASK_QTY) type = 0;
  r.type = type < 8 ? (bv_order_type)type : BV_TYPE_MARKET;
  if (tif < 5 && r.type != BV_TYPE_MARKET) r.tif = (bv_tif)tif;
  if (r.tif == BV_TIF_GTD) r.until = t + 5 * STEP;
  bool rises = r.type == BV_TYPE_STOP || r.type == BV_TYPE_STOP_LIMIT;
  bool touched = r.type == BV_TYPE_MIT || r.type == BV_TYPE_LIT;
  if (rises) r.stop = p * (1 + d * near_by);
  if (touched) r.stop = p * (1 - d * near_by);
  if (r.type == BV_TYPE_LIMIT) r.limit = p * (1 - d * near_by);
  if (r.type == BV_TYPE_STOP_LIMIT || r.type == BV_TYPE_LIT) r.limit = r.stop * (1 + d * other);
  if (r.type == BV_TYPE_TRAIL || r.type == BV_TYPE_TRAIL_LIMIT)
    r.trail_percent = 0.1 + 2 * uniform();
  if (r.type == BV_TYPE_TRAIL_LIMIT) r.limit = p * (1 + d * 0.03);
  if (rnd() % 6 == 0) r.take_profit = p * (1 + d * (0.03 + near_by));
  if (rnd() % 6 == 0) r.stop_loss = p * (1 - d * (0.03 + near_by));
  uint64_t more = rnd() % 24;
  if (more == 0) r.oto = "tag";
  if (more == 1) r.oco = "group";
  bool plain_type = r.type == BV_TYPE_MARKET || r.type == BV_TYPE_LIMIT;
  if (plain_type && r.ask == BV_ASK_QTY && (more == 2 || more == 3)) {
    r.tif = more == 2 ? BV_TIF_OPG : BV_TIF_CLS;
    r.until = 0;
  }
  return r;
}

/* Two legs of one order, at the market or with a net limit near the price. */
static int make_combo(const double price[ASSETS], bv_sim_request r[2]) {
  int first = (int)(rnd() % ASSETS), second = (first + 1 + (int)(rnd() % (ASSETS - 1))) % ASSETS;
  double units = 1 + floor(20 * uniform()), net = 3 * price[first] - 2 * price[second];
  bool nets = rnd() % 2, turned = rnd() % 2;
  net = (turned ? -net : net) + 0.01 * (uniform() - 0.5) * (price[first] + price[second]);
  for (int k = 0; k < 2; k++) {
    r[k] = (bv_sim_request){.asset = w.number[k ? second : first],
                            .ask = BV_ASK_QTY,
                            .amount = (k ? -2 : 3) * (turned ? -units : units),
                            .combo = "pair",
                            .net_limit = net,
                            .has_net_limit = nets};
  }
  return 2;
}

static void run(const setup *st, const way *how, uint64_t seed) {
  double price[ASSETS] = {20, 50, 100, 300, 700, 90};
  bv_sim_bar bar[ASSETS];
  uint64_t noise = 17;
  int64_t t = 0;
  begin(st, how);
  w.seed = 88172645463325252ull + seed;
  for (int step = 0; step < EPISODE; step++) {
    int n = make_bars(t, price, bar, how, &noise);
    assert_int_equal(bv_sim_open(w.sim, t, bar, n, NULL), BV_OK);
    t += STEP;
    assert_int_equal(bv_sim_close(w.sim, t, bar, n, NULL), BV_OK);
    for (int k = 0; k < n; k++) w.mark[w.asset_of[bar[k].asset]] = bar[k].close;
    double error = bv_ledger_error(&w.sim->ledger);
    if (!(error < 1e-9)) fail_msg("%s %s: ledger off by %g", st->profile, st->knobs, error);
    assert_true(fabs(bv_sim_cash(w.sim) - w.cash) <= 1e-9 * (w.cfg.cash + fabs(w.cash)));
    w.values[step] = bv_sim_value(w.sim);
    bv_sim_request r[5];
    int asked = (int)(rnd() % 4);
    for (int k = 0; k < asked; k++) r[k] = make_request(price, t);
    if (rnd() % 6 == 0) asked += make_combo(price, r + asked);
    assert_int_equal(bv_sim_submit_step(w.sim, t, r, asked, NULL), BV_OK);
  }
  for (int i = 0; i < ASSETS; i++) w.open[i] = NAN;
  w.cfg.slippage_clamp = 0; /* what the end closes is on no bar */
  assert_int_equal(bv_sim_finish(w.sim, t, NULL), BV_OK);
  assert_int_equal(w.orders, w.last_id);
}

static void end(void) {
  bv_sim_free(w.sim);
  bv_ruleset_reset(&w.rules);
}

/* --- tests --- */

static const way plain = {0, "CAEBDF", false};

/* All of them. */
static int every_setup(void) {
  int n;
  (void)bv_sim_profiles(&n);
  return SETUPS + 2 * n;
}

/* Those of the table, then each profile as it is, without rules and with exits. */
static const setup *setup_of(int i, setup *any) {
  int n;
  const bv_sim_profile *profile = bv_sim_profiles(&n);
  i %= SETUPS + 2 * n;
  if (i < SETUPS) return &setups[i];
  i -= SETUPS;
  *any = (setup){.profile = profile[i / 2].name, .knobs = "cash=1e6", .rules = i % 2 ? EXITS : ""};
  return any;
}

static void test_streams(void **state) {
  (void)state;
  const char *text = getenv("BV_SIM_ORDERS");
  int64_t want = text ? atoll(text) : 1000000, orders = 0, fills = 0, firings = 0;
  int64_t combos = 0;
  for (uint64_t seed = 0; orders < want; seed++) {
    setup any;
    run(setup_of((int)seed, &any), &plain, seed);
    orders += w.orders;
    fills += w.nfill;
    firings += w.firings;
    combos += w.combos;
    end();
  }
  print_message("%lld orders, %lld fills, %lld firings, %lld combos\n", (long long)orders,
                (long long)fills, (long long)firings, (long long)combos);
  assert_true(combos > orders / 200);
  assert_true(fills > orders / 5 && firings > orders / 50);
}

/* The same stream another way: fills and values within `tolerance`, to the bit where it is 0. */
static void same_from(const way *how, double tolerance, int from, int stride, int nsetup,
                      int seeds) {
  for (int i = 0; i < nsetup * seeds; i++) {
    setup any;
    const setup *st = setup_of(from + i % nsetup * stride, &any);
    static kept_fill fill[40000];
    static double values[EPISODE];
    run(st, &plain, 1000 + (uint64_t)i);
    int n = w.nfill;
    assert_true(n < 40000);
    memcpy(fill, w.fill, (size_t)n * sizeof *fill);
    memcpy(values, w.values, sizeof values);
    end();
    run(st, how, 1000 + (uint64_t)i);
    if (w.nfill != n) fail_msg("%s %s: %d fills, not %d", st->profile, st->knobs, w.nfill, n);
    for (int k = 0; k < n; k++) {
      const kept_fill *x = &fill[k], *y = &w.fill[k];
      assert_true(x->order == y->order && x->ts == y->ts && x->asset == y->asset);
      /* A quantity is a number of lots, so it is the same, but a fractional one may be one lot off. */
      double lot = bv_sim_config_lot(&w.cfg) < 1 && tolerance > 0 ? 2e-6 : 0;
      assert_true(fabs(x->qty - y->qty) <= lot);
      assert_true(fabs(x->price - y->price) <= tolerance * x->price);
    }
    for (int k = 0; k < EPISODE; k++) {
      assert_true(fabs(values[k] - w.values[k]) <=
                  1e4 * tolerance * (w.cfg.cash + fabs(values[k])));
    }
    end();
  }
}

static void same_as(const way *how, double tolerance, int nsetup, int seeds) {
  same_from(how, tolerance, 0, 1, nsetup, seeds);
}

static void test_again(void **state) {
  (void)state;
  same_as(&plain, 0, every_setup(), 2);
}

static void test_registration(void **state) {
  (void)state;
  for (int rotate = 1; rotate < ASSETS; rotate++) {
    same_as(&(way){rotate, plain.names, false}, 0, every_setup(), 1);
  }
}

/* Names in the same order change nothing at all.  In another order sums run differently, and positions that are
** closed together are closed in another sequence, which setups without rules do not do. */
static void test_names(void **state) {
  (void)state;
  enum { WITHOUT_RULES = 4 };
  same_as(&(way){0, "mdyktz", false}, 0, every_setup(), 2);
  same_as(&(way){0, "ABCDEF", false}, 1e-14, WITHOUT_RULES, 3);
  same_as(&(way){0, "zyxwvu", false}, 1e-14, WITHOUT_RULES, 3);
  /* Every profile as it is. */
  int profiles = (every_setup() - SETUPS) / 2;
  same_from(&(way){0, "ABCDEF", false}, 1e-14, SETUPS, 2, profiles, 3);
  same_from(&(way){0, "zyxwvu", false}, 1e-14, SETUPS, 2, profiles, 3);
}

static void test_noise(void **state) {
  (void)state;
  same_as(&(way){0, plain.names, true}, 1e-14, every_setup(), 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_streams),      cmocka_unit_test(test_again),
      cmocka_unit_test(test_registration), cmocka_unit_test(test_names),
      cmocka_unit_test(test_noise),
  };
  int failed = cmocka_run_group_tests_name("sim noise", tests, NULL, NULL);
  free(w.fill);
  return failed;
}
