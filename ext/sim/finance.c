/* finance.c - what holding costs; see finance.h. */
#include "sim/finance.h"

#include "sim/step.h"

#include <math.h>

/* All instants at which something falls due are multiples of this: zones differ by quarters of an hour. */
static const int64_t grain = 900;

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

bool bv_finance_needed(const bv_sim_config *c) {
  return c->borrow_rate != 0 || c->margin_rate != 0 || c->cash_rate != 0 || c->funding_rate != 0 ||
         c->rollover_rate != 0;
}

bv_rc bv_finance_new(const bv_sim_config *c, bv_finance **out, bv_err *err) {
  *out = NULL;
  bv_finance *f = bv_alloc0(BV_MEM_SIM, sizeof *f);
  if (!f) return bv_fail(err, BV_NOMEM, "out of memory for a simulator");
  f->next = f->night.day = INT64_MIN;
  f->rate[BV_RATE_BORROW] = c->borrow_rate;
  f->rate[BV_RATE_FUNDING] = c->funding_rate;
  f->rate[BV_RATE_ROLLOVER] = c->rollover_rate;
  f->rate[BV_RATE_MARGIN] = c->margin_rate;
  f->rate[BV_RATE_CASH] = c->cash_rate;
  if (c->rollover_rate != 0) {
    bv_rc rc = bv_zone_find("America/New_York", &f->new_york, err);
    if (rc != BV_OK) {
      bv_free(f);
      return rc;
    }
  }
  *out = f;
  return BV_OK;
}

void bv_finance_free(bv_finance *f) {
  if (!f) return;
  bv_free(f->asset);
  bv_free(f);
}

bv_rc bv_finance_reserve(bv_finance *f, int n) {
  if (n >= f->cap) {
    int cap = n < 4 ? 8 : n * 2;
    bv_finance_asset *more = bv_realloc(BV_MEM_SIM, f->asset, (size_t)cap * sizeof *more);
    if (!more) return BV_NOMEM;
    f->asset = more;
    f->cap = cap;
  }
  for (; f->n <= n; f->n++) {
    bv_finance_asset *a = &f->asset[f->n];
    *a = (bv_finance_asset){.day = INT64_MIN, .boundary = INT64_MIN, .rollover = INT64_MIN};
    for (int k = 0; k < BV_RATES; k++) a->rate[k] = NAN;
  }
  return BV_OK;
}

static double rate_of(const bv_finance *f, const bv_finance_asset *a, bv_rate kind) {
  return isnan(a->rate[kind]) ? f->rate[kind] : a->rate[kind];
}

static bv_rc book(bv_sim *s, const char *kind, int asset, int64_t ts, double qty, double amount,
                  bv_err *err) {
  amount = bv_step_round(amount, s->cfg.financing_round);
  if (amount == 0) return BV_OK;
  s->ledger.financing -= amount;
  bv_sim_flow flow = {.ts = ts, .asset = asset, .kind = kind, .qty = qty, .amount = amount};
  return bv_ledger_flow(&s->ledger, &flow, err);
}

/* The price charges are a fraction of. */
static double price_of(const bv_sim *s, const bv_asset *a) {
  double mid = s->cfg.financing_price == BV_CHARGED_AT_MID ? (a->bid + a->ask) / 2 : NAN;
  return isnan(mid) ? a->mark : mid;
}

/* --- days --- */

/* Days since *last, which moves to `day`; 0 the first time. */
static double passed(int64_t *last, int64_t day) {
  double n = *last == INT64_MIN || day <= *last ? 0 : (double)(day - *last);
  *last = day;
  return n;
}

static bv_rc charge_cash(bv_sim *s, int64_t ts, bv_err *err) {
  bv_finance *f = s->finance;
  double days = passed(&f->day, floor_div(ts, 86400)), cash = s->ledger.cash;
  if (days == 0) return BV_OK;
  bv_rate kind = cash < 0 ? BV_RATE_MARGIN : BV_RATE_CASH;
  return book(s, cash < 0 ? "margin_interest" : "cash_interest", -1, ts, 0,
              days * cash * f->rate[kind] / s->cfg.financing_year, err);
}

/* Average entry price of the lots short. */
static double short_entry(const bv_asset *a) {
  double sum = 0, n = 0;
  for (size_t i = a->head; i < a->head + a->nlot; i++) {
    if (a->lot[i].n > 0) continue;
    sum += a->lot[i].n * a->lot[i].price;
    n += a->lot[i].n;
  }
  return sum / n;
}

static bv_rc charge_borrow(bv_sim *s, int asset, int64_t ts, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[asset];
  bv_finance_asset *x = &s->finance->asset[asset];
  int64_t local = a->zone ? bv_zone_to_local(a->zone, ts) : ts;
  double days = passed(&x->day, floor_div(local, 86400));
  double n = s->ledger.both ? bv_ledger_picked(a, (bv_pick){.side = -1}) : fmin(a->n, 0);
  if (days == 0 || n == 0) return BV_OK;
  double price = s->cfg.borrow_on == BV_BORROW_ENTRY ? short_entry(a) : price_of(s, a);
  double rate = rate_of(s->finance, x, BV_RATE_BORROW);
  return book(s, "borrow_fee", asset, ts, bv_ledger_qty(&s->ledger, n),
              days * n * a->unit * price * rate / s->cfg.financing_year, err);
}

/* --- hours --- */

static bv_rc charge_funding(bv_sim *s, int asset, int64_t ts, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[asset];
  bv_finance_asset *x = &s->finance->asset[asset];
  int64_t every = (int64_t)(s->cfg.funding_hours * 3600), last = floor_div(ts, every);
  double n = passed(&x->boundary, last), rate = rate_of(s->finance, x, BV_RATE_FUNDING);
  return book(s, "funding", asset, last * every, bv_ledger_qty(&s->ledger, a->n),
              0 - n * a->n * a->unit * price_of(s, a) * rate, err);
}

/* Nights a rollover of this day of the week is for: 1970-01-01 was a Thursday. */
static double nights(const bv_sim_config *c, int64_t day) {
  int64_t weekday = day + 3 - 7 * floor_div(day + 3, 7); /* 0: Monday */
  if (weekday > 4) return c->rollover_days == BV_NIGHTS_UTC ? 1 : 0;
  if (weekday == 2 && c->rollover_triple != BV_TRIPLE_NONE) return 3;
  return weekday == 4 && c->rollover_triple == BV_TRIPLE_WEDNESDAY_FRIDAY ? 3 : 1;
}

/* Nights that have ended since the asset was last asked for. */
static double nights_passed(bv_sim *s, bv_finance_asset *x, int64_t ts) {
  int64_t day = floor_div(bv_zone_to_local(s->finance->new_york, ts) - 17 * 3600, 86400);
  double sum = 0;
  for (int64_t d = x->rollover == INT64_MIN ? day : x->rollover; d < day; d++) {
    sum += nights(&s->cfg, d + 1);
  }
  x->rollover = day;
  return sum;
}

/* Nights that the bars which begin at `ts` bring, for all assets alike; 0 but once in a UTC day. */
static double nights_of_bars(bv_sim *s, int64_t ts) {
  bv_finance_night *t = &s->finance->night;
  int64_t day = floor_div(ts, 86400), local = bv_zone_to_local(s->finance->new_york, ts);
  if (day != t->day) {
    int64_t there = floor_div(local, 86400);
    *t = (bv_finance_night){day, there * 86400 + 17 * 3600, nights(&s->cfg, there)};
  }
  if (local < t->due) return 0;
  double count = t->count;
  t->count = 0;
  return count;
}

static bv_rc charge_rollover(bv_sim *s, int asset, int64_t ts, double sum, bv_err *err) {
  const bv_asset *a = &s->ledger.asset[asset];
  bv_finance_asset *x = &s->finance->asset[asset];
  double n = s->cfg.rollover_on == BV_ROLLOVER_QUANTITY ? fabs(a->n) : a->n;
  return book(s, "rollover", asset, ts, bv_ledger_qty(&s->ledger, a->n),
              sum * n * a->unit * price_of(s, a) * rate_of(s->finance, x, BV_RATE_ROLLOVER) /
                  s->cfg.financing_year,
              err);
}

/* --- all of it --- */

/* An asset without a position only notes how far it has come. */
static void skip(const bv_sim *s, int asset, int64_t ts) {
  const bv_asset *a = &s->ledger.asset[asset];
  bv_finance_asset *x = &s->finance->asset[asset];
  x->day = floor_div(a->zone ? bv_zone_to_local(a->zone, ts) : ts, 86400);
  x->boundary = floor_div(ts, (int64_t)(s->cfg.funding_hours * 3600));
  if (s->finance->new_york) {
    x->rollover = floor_div(bv_zone_to_local(s->finance->new_york, ts) - 17 * 3600, 86400);
  }
}

static bv_rc accrue(bv_sim *s, int64_t ts, bool bars_begin, bv_err *err) {
  bv_finance *f = s->finance;
  bool utc = s->cfg.rollover_days == BV_NIGHTS_UTC;
  bool first = f->next == INT64_MIN;
  f->next = (floor_div(ts, grain) + 1) * grain;
  if (first) f->day = floor_div(ts, 86400);
  BV_TRY(charge_cash(s, ts, err));
  double brought = utc && bars_begin && f->new_york ? nights_of_bars(s, ts) : 0;
  for (int i = 0; i < s->ledger.nopen; i++) {
    int asset = s->ledger.open[i];
    const bv_asset *a = &s->ledger.asset[asset];
    if (f->asset[asset].day == INT64_MIN) skip(s, asset, a->lot[a->head].ts); /* new to the run */
    BV_TRY(charge_borrow(s, asset, ts, err));
    BV_TRY(charge_funding(s, asset, ts, err));
    if (!f->new_york) continue;
    double sum = utc ? brought : nights_passed(s, &f->asset[asset], ts);
    BV_TRY(charge_rollover(s, asset, ts, sum, err));
  }
  for (int i = 0; i < s->ledger.nasset; i++) {
    if (s->ledger.asset[i].nlot == 0) skip(s, i, ts);
  }
  return BV_OK;
}

bv_rc bv_finance_accrue(bv_sim *s, int64_t ts, bv_err *err) {
  return ts < s->finance->next ? BV_OK : accrue(s, ts, true, err);
}

bv_rc bv_sim_rate(bv_sim *s, int64_t t, int asset, bv_rate kind, double rate, bv_err *err) {
  bool own = kind == BV_RATE_BORROW || kind == BV_RATE_FUNDING || kind == BV_RATE_ROLLOVER;
  if (asset >= s->ledger.nasset || (asset >= 0 && !own)) {
    return bv_fail(err, BV_ARG,
                   "a rate for an unknown asset, or of a kind that assets do not have");
  }
  if (!isfinite(rate)) return bv_fail(err, BV_ARG, "a rate is not a finite number");
  bv_finance *f = s->finance;
  if (!f) {
    BV_TRY(bv_finance_new(&s->cfg, &f, err));
    bv_rc rc = s->ledger.nasset > 0 ? bv_finance_reserve(f, s->ledger.nasset - 1) : BV_OK;
    if (rc != BV_OK) {
      bv_finance_free(f);
      return bv_fail(err, rc, "out of memory for rates");
    }
    s->finance = f;
  }
  if (kind == BV_RATE_ROLLOVER && !f->new_york) {
    BV_TRY(bv_zone_find("America/New_York", &f->new_york, err));
  }
  /* What fell due before is charged at the rate before; the bars that come may yet bring a night. */
  if (f->next != INT64_MIN) {
    if (t > f->next) BV_TRY(accrue(s, t - 1, false, err));
    if (t < f->next) f->next = t;
  }
  *(asset >= 0 ? &f->asset[asset].rate[kind] : &f->rate[kind]) = rate;
  return BV_OK;
}
