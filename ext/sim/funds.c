/*
** funds.c - buying power: what of an order the account carries.
**
** It is tested on the account as it would be after the fill, before anything is booked.  Where money can
** be borrowed, the part of an order that closes is never limited.  Where it cannot, every fill is paid
** from the cash that is free, a closing one too: a short position may cost more to close than there is.
*/
#include "sim/funds.h"

#include "sim/cost.h"
#include "sim/size.h"

#include <math.h>

const char *const bv_no_funds = "insufficient funds";
static const char *const cut_funds = "cut to buying power";

/* The account before the fill, and the prices of it. */
typedef struct funds {
  double value, gross; /* of the whole account */
  double price;        /* the asset's valuation price */
  double closing_cost; /* what the closing part takes from the value */
  bv_paid paid, after; /* by the order's fills before, and with the closing part */
} funds;

/* Commission and difference between the price paid and the valuation price, in currency. */
static double cost_against(const bv_sim *s, const bv_asset *a, const bv_place *at, double n,
                           bool opens, double valued_at, bv_paid *paid) {
  if (n == 0) return 0;
  bv_cost cost = bv_cost_fill(s, a, at, n, opens, paid);
  return n * a->unit * (cost.price - valued_at) + cost.commission;
}

bool bv_funds_single_fill(const bv_sim *s, double close, double open) {
  bool two_prices = close != 0 && open != 0 && s->cfg.spread > 0;
  return s->cfg.fill_per == BV_FILL_PER_ORDER && !two_prices;
}

/* Cost of closing `n` lots in the fills that fill_plan will make of them. */
static double closing_cost(const bv_sim *s, const bv_asset *a, const bv_place *at, double n,
                           double valued_at, bv_paid *paid) {
  if (s->cfg.fill_per == BV_FILL_PER_ORDER)
    return cost_against(s, a, at, n, false, valued_at, paid);
  double sum = 0, left = n;
  for (size_t k = 0; left != 0; k++) {
    double part = copysign(fmin(fabs(left), fabs(bv_ledger_lot(&s->ledger, a, k)->n)), left);
    sum += cost_against(s, a, at, part, false, valued_at, paid);
    left -= part;
  }
  return sum;
}

static funds funds_now(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                       double close) {
  funds f = {.price = bv_ledger_price(a, at->at), .paid = bv_cost_paid(s, a, o, at->ts)};
  bv_ledger_worth(&s->ledger, at->at, &f.value, &f.gross);
  if (isnan(f.price)) f.price = at->price;
  f.after = f.paid;
  f.closing_cost = closing_cost(s, a, at, close, f.price, &f.after);
  return f;
}

/* Whether `open` more lots can be carried once `close` lots are closed.  `asked` is the order's own
** size, which decides the commission per lot where that is fixed (backtesting.py). */
static bool carries(const bv_sim *s, const bv_asset *a, const bv_place *at, const funds *f,
                    double close, double open, double asked) {
  double gross = f->gross - bv_ledger_exposure(a, close, f->price);
  if (s->cfg.margin == BV_MARGIN_AVAILABLE) {
    double lot_cost = bv_size_lot_cost(s, a, asked, at->price);
    double value = f->value - f->closing_cost;
    return fabs(open) * lot_cost <= fmax(0, s->account.leverage * value - gross);
  }
  double value = f->value;
  if (bv_funds_single_fill(s, close, open)) {
    bv_paid paid = f->paid;
    value -= cost_against(s, a, at, close + open, open != 0, f->price, &paid);
  } else {
    bv_paid paid = f->after;
    value -= f->closing_cost + cost_against(s, a, at, open, true, f->price, &paid);
  }
  gross += bv_ledger_exposure(a, open, f->price);
  /* The slack is the rounding of the sums, not money: 0.1 x 3 must fit into 0.3. */
  return gross <= s->account.leverage * value + 1e-12 * (fabs(value) + gross);
}

/* The most lots up to `want` that can be carried: a search over counts of lots, made only once the
** whole does not fit. */
static double most_carried(const bv_sim *s, const bv_asset *a, const bv_place *at, const funds *f,
                           const bv_plan *p, double want) {
  double lo = 0, hi = fabs(want);
  while (hi - lo > 1) {
    double mid = floor(lo + (hi - lo) / 2), n = copysign(mid, want);
    if (carries(s, a, at, f, p->close, n, p->close + n)) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
  return bv_size_step(a, copysign(lo, want));
}

static bv_short_funds policy_of(const bv_sim *s, const bv_order *o) {
  if (o->tif == BV_TIF_FOK) return BV_FUNDS_REJECT;
  if (s->cfg.funds != BV_FUNDS_AUTO) return s->cfg.funds;
  return o->ask == BV_ASK_WEIGHT || o->ask == BV_ASK_VALUE ? BV_FUNDS_SHRINK : BV_FUNDS_REJECT;
}

/* --- accounts that borrow no money --- */

double bv_funds_free(const bv_sim *s, int64_t ts) {
  double free = s->ledger.cash;
  if (s->settlement.n > 0) free -= bv_settlement_left(&s->settlement, ts);
  if (s->account.lock > 0) free -= s->account.lock * bv_ledger_short_cost(&s->ledger);
  return free;
}

/* Whether the free cash pays for closing `close` lots and opening `open` ones. */
static bool pays(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                 double free, double close, double open) {
  bool single = bv_funds_single_fill(s, close, open);
  const bv_paid before = bv_cost_paid(s, a, o, at->ts);
  bv_paid paid = before;
  double closing = single ? 0 : closing_cost(s, a, at, close, 0, &paid);
  double takes = single ? cost_against(s, a, at, close + open, open != 0, 0, &paid)
                        : closing + cost_against(s, a, at, open, true, 0, &paid);
  double slack = 1e-12 * (fabs(free) + fabs(takes));
  if (open < 0) {
    paid = before;
    closing = closing_cost(s, a, at, close, 0, &paid);
    bv_cost cost = bv_cost_fill(s, a, at, open, true, &paid);
    double notional = -open * a->unit * cost.price;
    bool needs = s->cfg.short_cash == BV_SHORT_CREDIT;
    if (needs && !(notional + cost.commission <= free - closing + slack)) return false;
    takes += s->account.lock * notional;
  }
  if (close > 0 && s->account.lock > 0) {
    takes -= s->account.lock * bv_ledger_realised(&s->ledger, a, close, 0, o->pick);
  }
  return takes <= 0 || takes <= free + slack;
}

/* The most lots that are paid for: of the opening part, where there is one, else of the closing one. */
static double most_paid(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                        double free, double close, double open) {
  double want = open != 0 ? open : close, lo = 0, hi = fabs(want);
  while (hi - lo > 1) {
    double mid = floor(lo + (hi - lo) / 2), n = copysign(mid, want);
    if (open != 0 ? pays(s, a, o, at, free, close, n) : pays(s, a, o, at, free, n, 0)) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
  return bv_size_step(a, copysign(lo, want));
}

static void limit_by_cash(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                          bv_plan *p) {
  double free = bv_funds_free(s, at->ts), close = 0, open = 0;
  if (pays(s, a, o, at, free, p->close, p->open)) return;
  if (policy_of(s, o) == BV_FUNDS_SHRINK) {
    bool closes = p->close != 0 && pays(s, a, o, at, free, p->close, 0);
    close = closes || p->close == 0 ? p->close : most_paid(s, a, o, at, free, p->close, 0);
    if (close == p->close && p->open != 0) open = most_paid(s, a, o, at, free, close, p->open);
  }
  p->reason = close != 0 || open != 0 ? cut_funds : bv_no_funds;
  p->close = close;
  p->open = open;
}

void bv_funds_limit(const bv_sim *s, const bv_asset *a, const bv_order *o, const bv_place *at,
                    bv_plan *p) {
  if (s->account.paid) {
    limit_by_cash(s, a, o, at, p);
    return;
  }
  bv_short_funds policy = policy_of(s, o);
  if (p->open == 0 || policy == BV_FUNDS_ALLOW) return;
  funds f = funds_now(s, a, o, at, p->close);
  /* A weight was made units of the free margin itself, so it fits by construction. */
  if (s->cfg.margin == BV_MARGIN_AVAILABLE && o->ask == BV_ASK_WEIGHT) return;
  if (carries(s, a, at, &f, p->close, p->open, p->close + p->open)) return;
  double open = policy == BV_FUNDS_SHRINK ? most_carried(s, a, at, &f, p, p->open) : 0;
  p->reason = open != 0 || (policy == BV_FUNDS_SHRINK && p->close != 0) ? cut_funds : bv_no_funds;
  /* A rejected order does nothing at all, but backtesting.py has closed by the time it looks. */
  if (policy == BV_FUNDS_REJECT && s->cfg.margin == BV_MARGIN_EXPOSURE) p->close = 0;
  p->open = open;
}

/* --- orders that fill together --- */

/* What the legs make of the account, where money is borrowed. */
static bool carries_all(const bv_sim *s, const bv_leg *leg, int n) {
  double value, gross, lots_cost = 0;
  bool opens = false, available = s->cfg.margin == BV_MARGIN_AVAILABLE;
  bv_ledger_worth(&s->ledger, leg[0].at.at, &value, &gross);
  for (int i = 0; i < n; i++) {
    const bv_asset *a = &s->ledger.asset[leg[i].order->asset];
    const bv_place *at = &leg[i].at;
    double close = leg[i].plan.close, open = leg[i].plan.open, price = bv_ledger_price(a, at->at);
    bv_paid paid = bv_cost_paid(s, a, leg[i].order, at->ts);
    if (isnan(price)) price = at->price;
    opens |= open != 0;
    gross -= bv_ledger_exposure(a, close, price);
    if (available) {
      value -= closing_cost(s, a, at, close, price, &paid);
      if (open != 0) lots_cost += fabs(open) * bv_size_lot_cost(s, a, close + open, at->price);
      continue;
    }
    gross += bv_ledger_exposure(a, open, price);
    if (bv_funds_single_fill(s, close, open)) {
      value -= cost_against(s, a, at, close + open, open != 0, price, &paid);
    } else {
      value -= closing_cost(s, a, at, close, price, &paid);
      value -= cost_against(s, a, at, open, true, price, &paid);
    }
  }
  if (!opens || s->cfg.funds == BV_FUNDS_ALLOW) return true;
  if (available) return lots_cost <= fmax(0, s->account.leverage * value - gross);
  return gross <= s->account.leverage * value + 1e-12 * (fabs(value) + gross);
}

/* Whether the free cash pays for all legs.  What a sale brings pays for the others unless it has to settle first. */
static bool pays_all(const bv_sim *s, const bv_leg *leg, int n) {
  double free = bv_funds_free(s, leg[0].at.ts), takes = 0, shorts = 0, needed = 0, sizes = 0;
  for (int i = 0; i < n; i++) {
    const bv_asset *a = &s->ledger.asset[leg[i].order->asset];
    const bv_place *at = &leg[i].at;
    double close = leg[i].plan.close, open = leg[i].plan.open;
    bv_paid paid = bv_cost_paid(s, a, leg[i].order, at->ts);
    bool single = bv_funds_single_fill(s, close, open);
    double first = single ? cost_against(s, a, at, close + open, open != 0, 0, &paid)
                          : closing_cost(s, a, at, close, 0, &paid);
    double second = single ? 0 : cost_against(s, a, at, open, true, 0, &paid);
    double leg_takes = first + second;
    if (open < 0) {
      bv_paid after = bv_cost_paid(s, a, leg[i].order, at->ts);
      double closing = closing_cost(s, a, at, close, 0, &after);
      bv_cost cost = bv_cost_fill(s, a, at, open, true, &after);
      double notional = -open * a->unit * cost.price;
      needed += notional + cost.commission;
      shorts += leg_takes - closing;
      takes += s->account.lock * notional;
    }
    if (close > 0 && s->account.lock > 0) {
      takes -= s->account.lock * bv_ledger_realised(&s->ledger, a, close, 0, leg[i].order->pick);
    }
    bool unsettled = s->cfg.settlement_days > 0 && leg_takes < 0;
    if (!unsettled) takes += leg_takes;
    sizes += fabs(leg_takes);
  }
  double slack = 1e-12 * (fabs(free) + sizes);
  bool credit = s->cfg.short_cash == BV_SHORT_CREDIT && needed > 0;
  if (credit && !(needed <= free - (takes - shorts) + slack)) return false;
  return takes <= 0 || takes <= free + slack;
}

bool bv_funds_carry(const bv_sim *s, const bv_leg *leg, int n) {
  return s->account.paid ? pays_all(s, leg, n) : carries_all(s, leg, n);
}
